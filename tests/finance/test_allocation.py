"""Payments over components and funds: every split adds up, and rounding never drifts."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.errors import InvalidAmount, InvalidValue
from coopbank.finance.allocation import DEFAULT_ORDER, allocate, split_cumulative
from coopbank.money import split

DUE = st.fixed_dictionaries({name: st.integers(0, 10**6) for name in DEFAULT_ORDER})
SHARES = st.lists(st.integers(0, 100) | st.fractions(0, 1, max_denominator=30), min_size=1, max_size=6).filter(any)


@given(st.integers(0, 4 * 10**6), DUE, st.permutations(DEFAULT_ORDER))
def test_a_component_is_filled_before_the_next_gets_anything(
    amount: int, due: dict[str, int], order: list[str]
) -> None:
    got = allocate(amount, due, order)
    assert sum(got.parts.values()) + got.left_over == amount
    left = amount
    for name in order:
        assert got.parts[name] == min(left, due[name])
        left -= got.parts[name]


def test_bad_orders_and_amounts_are_refused() -> None:
    with pytest.raises(InvalidAmount) as refusal:
        allocate(-1, {"interest": 1})
    assert refusal.value.field == "amount"
    with pytest.raises(InvalidAmount) as refusal:
        allocate(1, {"interest": -1})
    assert refusal.value.field == "interest"
    for order in (["interest"], ["interest", "interest", "principal"]):
        with pytest.raises(InvalidValue) as wrong:
            allocate(1, {"interest": 1, "principal": 1}, order)
        assert wrong.value.field == "order"


@given(st.lists(st.integers(-(10**9), 10**9), max_size=12), SHARES)
def test_each_funds_total_is_the_split_of_the_total(amounts: list[int], shares: list[int | Fraction]) -> None:
    had = [0] * len(shares)
    for amount in amounts:
        parts = split_cumulative(amount, had, shares)
        assert sum(parts) == amount
        had = [before + part for before, part in zip(had, parts, strict=True)]
        assert had == split(sum(had), shares)


def test_the_price_of_it_a_cent_may_come_back() -> None:
    """The Alabama paradox: 10 cents more give the third fund one less."""
    shares = [6, 6, 2]
    assert split(10, shares) == [4, 4, 2]
    assert split(11, shares) == [5, 5, 1]
    assert split_cumulative(1, [4, 4, 2], shares) == [1, 1, -1]


def test_one_share_for_each_fund() -> None:
    with pytest.raises(InvalidAmount) as refusal:
        split_cumulative(1, [0, 0], [1])
    assert refusal.value.field == "shares"
