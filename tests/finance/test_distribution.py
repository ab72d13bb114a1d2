"""Dividing what members earned: exact, to the cent, and never less in money than was promised."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.errors import InvalidAmount
from coopbank.finance.distribution import divide, dividend, in_money
from coopbank.money import round_minor

MEMBERS = st.dictionaries(st.integers(1, 400).map(lambda n: f"M{n:04}"), st.integers(0, 10**12), max_size=40)


@given(weights=MEMBERS, rate=st.integers(1, 8000), days=st.sampled_from([365, 366]))
def test_a_dividend_adds_up_and_nobody_is_a_cent_away(weights: dict[str, int], rate: int, days: int) -> None:
    percent = f"{rate / 1000:.3f}"
    parts = dividend(percent, weights, days)
    exact = {member: Fraction(rate, 100_000) * weight / days for member, weight in weights.items()}
    assert sum(parts.values()) == round_minor(sum(exact.values(), Fraction(0)))
    assert all(abs(parts.get(member, 0) - part) < 1 for member, part in exact.items())


@given(allocated=st.integers(0, 10**9), percent=st.sampled_from(["20", "20.000001", "33.3", "100", "0.5"]))
def test_a_notice_has_its_part_in_money_rounded_up(allocated: int, percent: str) -> None:
    cash = in_money(allocated, percent)
    assert cash * 100 >= Fraction(percent) * allocated > (cash - 1) * 100 or cash == allocated == 0


@given(
    result=st.integers(1, 10**9), kept=st.integers(0, 10**8), reserve=st.integers(1, 40), hours=MEMBERS, savings=MEMBERS
)
def test_a_waterfall_gives_everything_once(
    result: int, kept: int, reserve: int, hours: dict[str, int], savings: dict[str, int]
) -> None:
    rules = [
        {"to": "indivisible", "percent": str(reserve)}, {"to": "fund", "fund": "EDU", "percent": "10"},
        {"to": "patronage", "basis": "hours", "percent": "33.3"},
        {"to": "patronage", "basis": "savings", "percent": "66.7"},
    ]  # fmt: skip
    found = divide(result, kept, rules, {"hours": hours, "savings": savings}, 365, "20")
    assert found.taken + found.left == result and found.left >= 0
    base = max(0, result - kept - found.steps[0].amount - found.steps[1].amount)
    patronage = sum(step.amount for step in found.steps[2:])
    assert sum(found.allocated.values()) == patronage <= base
    if any(hours.values()) and any(savings.values()):
        assert patronage == base  # percentages come to 100: nothing is left over by rounding
    assert all(found.cash[member] * 5 >= amount for member, amount in found.allocated.items())


def test_a_loss_is_nobodys_and_steps_are_no_more_than_the_result() -> None:
    rules = [{"to": "dividend", "share_class": "901", "rate": "8", "basis": "year-end"}]
    assert divide(-5_00, 0, rules, {"901": {"M0001": 36_500}}, 365, "20").steps == ()
    with pytest.raises(InvalidAmount):
        divide(5_00, 0, rules, {"901": {"M0001": 100_00 * 365}}, 365, "20")
