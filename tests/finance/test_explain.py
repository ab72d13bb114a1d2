"""Every explanation recomputes to the amount it explains, and says its numbers in plain words."""

from __future__ import annotations

import datetime as dt
import json
import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.errors import InvalidAmount, InvalidValue, Unknown
from coopbank.finance import explain, explain_rows, explanation
from coopbank.finance.allocation import DEFAULT_ORDER, allocate, split_cumulative
from coopbank.finance.daycount import DAY_COUNTS
from coopbank.finance.explain import (
    SENTENCES,
    Explanation,
    explain_accrual,
    explain_allowance,
    explain_cap,
    explain_ceiling,
    explain_fund_split,
    explain_interest,
    explain_late_fee,
    explain_payoff,
    explain_revenue_ceiling,
    explain_revenue_cost,
    explain_row,
    explain_schedule,
    explain_split,
    explain_waiver,
)
from coopbank.finance.interest import Segment, accrual, interest
from coopbank.finance.periods import Period, adjust
from coopbank.finance.revenue import RevenueTerms, replay_revenue
from coopbank.finance.schedule import Schedule, schedule
from coopbank.finance.seasonal import SeasonalTerms
from coopbank.finance.surplus import Movement, Report, SurplusTerms, replay
from coopbank.finance.terms import LoanTerms
from coopbank.money import format_amount, round_minor
from coopbank.words import speaking
from tests.finance import test_schedule as terms_of

DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2080, 1, 1))
RATES = st.integers(0, 40_000).map(lambda n: Decimal(n).scaleb(-3))


def reckoned(document: list[Any]) -> Fraction:
    """The value of an expression's JSON, told by nothing but this: a second reading of it."""
    operation, *rest = document
    if operation == "round":
        mode, unit, part = rest
        exact = (reckoned(part) if isinstance(part, list) else Fraction(part)) / unit
        whole = abs(exact).__floor__()
        over = abs(exact) - whole
        up = over > Fraction(1, 2) or (over == Fraction(1, 2) and (mode == "half-up" or whole % 2 == 1))
        size = whole + (up and mode != "down")
        return Fraction((-size if exact < 0 else size) * unit)
    parts = [reckoned(part) if isinstance(part, list) else Fraction(part) for part in rest]
    if operation == "product":
        answer = Fraction(1)
        for part in parts:
            answer *= part
        return answer
    if operation == "quotient":
        return parts[0] / parts[1]
    return {"sum": lambda: sum(parts, Fraction(0)), "smallest": lambda: min(parts), "largest": lambda: max(parts)}[
        operation
    ]()


def right(explanation: Explanation, amount: int, currency: str = "USD") -> None:
    """It explains that amount, recomputes to it, and its sentence is whole."""
    assert explanation.amount == amount == explanation.expression.value
    document = json.loads(json.dumps(explanation.as_document()))
    assert reckoned(document["expression"]) == amount
    sentence = explanation.sentence
    assert sentence == document["sentence"] and sentence.endswith(".")
    assert "{" not in sentence and "Phrase" not in sentence and "Fraction" not in sentence
    if "{amount}" in explanation.template:
        assert format_amount(amount, currency, grouping=True) in sentence
    else:
        assert amount == 0


def whole(result: Schedule) -> None:
    """Every amount of every row."""
    explained = explain_schedule(result)
    assert len(explained) == len(result.rows)
    for row, told in zip(result.rows, explained, strict=True):
        assert told.row == row
        for name in ("interest", "principal", "fees", "payment", "balance"):
            right(getattr(told, name), getattr(row, name))
        if told.level is not None:
            right(told.level, told.level.amount)
            if row.principal and row.balance and row.interest and not result.terms.interest_postponed:
                assert told.level.amount == row.payment - row.fees


@given(terms_of.documents())
def test_schedules_of_all_methods_and_day_counts(document: dict[str, Any]) -> None:
    whole(terms_of.drawn(**document))


@given(terms_of.eventful())
def test_schedules_with_tranches_new_rates_and_extra_rows(document: dict[str, Any]) -> None:
    whole(terms_of.drawn(**document))


@given(terms_of.vast())
def test_schedules_beyond_what_a_float_can_hold(document: dict[str, Any]) -> None:
    whole(terms_of.drawn(**document))


@pytest.mark.parametrize("day_count", DAY_COUNTS)
@pytest.mark.parametrize("method", ["level", "equal-principal", "flat"])
def test_each_day_count_with_each_method(day_count: str, method: str) -> None:
    common = {"day_count": day_count, "method": method, "amount_multiple": "0.05"}
    for every in ({"months": 1}, {"weeks": 2}, {"days": 10}, {"years": 1}):
        whole(terms_of.drawn(**common, every=every, down_payment_percent="10"))
    whole(schedule(SeasonalTerms.read({**terms_of.BASE, **common, "every": {"months": 1}, "months": [9, 10, 11]})))
    changes = [{"on": "2026-05-01", "annual_rate": "9"}, {"on": "2026-06-15", "extra_installments": 3}]
    whole(terms_of.drawn(**common, changes=changes, interest_free=2, principal_grace=1))
    if method != "equal-principal":
        whole(terms_of.drawn(**common, payment_multiple="5", changes=changes))
    else:
        whole(terms_of.drawn(**common, principal_percent="3", changes=changes))


def test_conformance_schedules_are_explained_too() -> None:
    path = Path(__file__).parent.parent / "conformance" / "schedules.json"
    for case in json.loads(path.read_text(encoding="utf-8"))["cases"]:
        result = schedule(LoanTerms.read(case["terms"]))
        for row, told in zip(result.rows, explain_schedule(result), strict=True):
            for name in ("interest", "principal", "fees", "payment", "balance"):
                right(getattr(told, name), getattr(row, name), result.terms.currency)


def test_moved_dates_are_explained_by_the_days_that_count() -> None:
    plain = terms_of.drawn()
    whole(schedule(plain.terms, move=lambda day: adjust(day, "following")))


# ------------------------------------------------------------------------------ by themselves


@given(st.integers(0, 10**12), RATES, DAYS, st.integers(0, 3000), st.sampled_from(DAY_COUNTS), st.data())
def test_interest_by_itself(
    principal: int, rate: Decimal, start: dt.date, days: int, day_count: Any, data: st.DataObject
) -> None:
    end, mode = start + dt.timedelta(days=days), data.draw(st.sampled_from(["half-even", "half-up", "down"]))
    period = data.draw(st.sampled_from([Period("months"), Period("weeks", 2), Period("years"), Period("days", 9)]))
    told = explain_interest(principal, rate, start, end, day_count, mode, period=period)
    right(told, interest(principal, rate, start, end, day_count, mode, period=period))


@st.composite
def histories(draw: st.DrawFn) -> list[Segment]:
    start, segments = draw(DAYS), []
    for _ in range(draw(st.integers(0, 5))):
        end = start + dt.timedelta(days=draw(st.integers(0, 90)))
        segments.append(Segment(draw(st.integers(0, 10**9)), draw(RATES), start, end))
        start = end
    return segments


@given(histories(), st.integers(0, 400), st.integers(0, 400), st.sampled_from(DAY_COUNTS))
def test_an_accrual_is_the_difference_of_rounded_totals(
    segments: list[Segment], first: int, more: int, day_count: Any
) -> None:
    start = segments[0].start if segments else dt.date(2026, 1, 1)
    since = start + dt.timedelta(days=first)
    until = since + dt.timedelta(days=more)
    right(explain_accrual(segments, since, until, day_count), accrual(segments, since, until, day_count))


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**8), min_size=3, max_size=3), st.permutations(DEFAULT_ORDER))
def test_a_split(amount: int, figures: list[int], order: list[str]) -> None:
    due = dict(zip(DEFAULT_ORDER, figures, strict=True))
    shared, told = allocate(amount, due, order), explain_split(amount, due, order)
    for name, each in zip(order, told, strict=False):
        right(each, shared.parts[name])
    assert len(told) == 3 + bool(shared.left_over)
    if shared.left_over:
        right(told[-1], shared.left_over)


@given(st.integers(0, 10**9), st.integers(0, 10**7), st.integers(0, 10**5), st.integers(0, 10**6))
def test_a_payoff(principal: int, accrued: int, fees: int, kept: int) -> None:
    parts = {"principal": principal, "interest": accrued, "fees": fees}
    right(explain_payoff(dt.date(2026, 5, 1), parts, kept=kept), principal + accrued + fees - kept)


@given(RATES, st.integers(-(10**9), 10**9), st.integers(0, 10**8))
def test_a_ceiling_and_a_cap_are_those_of_the_replay(rate: Decimal, surplus: int, charge: int) -> None:
    percent = rate + 1
    on = dt.date(2026, 1, 1)
    terms = SurplusTerms(
        starts=dt.date(2025, 1, 1), outer_date=dt.date(2027, 1, 1), share_percent=percent, annual_rate=Decimal(0),
        cost_cap_percent=percent,
    )  # fmt: skip
    lent, charges = [Movement(terms.starts, 10**6)], [Movement(terms.starts, charge)]
    position = replay(terms, lent, [], [Report(1, 1, on, on, surplus)], on, charges=charges)
    right(explain_ceiling(percent, surplus), position.periods[0].ceiling)
    right(explain_cap(percent, surplus, charge), position.periods[0].cap_room)


@given(st.integers(0, 10**8), st.integers(0, 10**5), st.integers(-(10**6), 10**6), RATES)
def test_a_waiver_is_that_of_the_replay(lent: int, charge: int, surplus: int, rate: Decimal) -> None:
    start, end = dt.date(2025, 1, 1), dt.date(2026, 1, 1)
    terms = SurplusTerms(
        starts=start, outer_date=end, share_percent=Decimal(50), annual_rate=rate, cost_cap_percent=Decimal("33.33")
    )
    position = replay(
        terms, [Movement(start, lent + 1)], [], [Report(1, 1, end, end, surplus)], end,
        charges=[Movement(start, charge)],
    )  # fmt: skip
    assert position.matured and position.cap is not None
    told = explain_waiver(position.contract_interest, position.cap, charges=charge)
    right(told, position.waived)


@given(RATES, st.integers(0, 10**12))
def test_a_ceiling_of_revenue(rate: Decimal, revenue: int) -> None:
    terms = RevenueTerms(
        starts=dt.date(2025, 1, 1), outer_date=dt.date(2027, 1, 1), share_percent=rate + 1, multiple=Decimal(2)
    )
    on = dt.date(2026, 1, 1)
    position = replay_revenue(terms, [Movement(terms.starts, 10**6)], [], [Report(1, 1, on, on, None, revenue)], on)
    right(explain_revenue_ceiling(rate + 1, revenue), position.periods[0].ceiling)


@given(
    st.integers(1, 10**9), st.integers(100, 300).map(lambda n: Decimal(n).scaleb(-2)),
    st.lists(st.integers(0, 10**9), min_size=1, max_size=5), st.integers(0, 10**9),
)  # fmt: skip
def test_the_cost_within_payments_adds_up(lent: int, multiple: Decimal, paid: list[int], forgiven: int) -> None:
    start = dt.date(2025, 1, 1)
    terms = RevenueTerms(starts=start, outer_date=dt.date(2035, 1, 1), share_percent=Decimal(5), multiple=multiple)
    given = min(forgiven, lent)
    payments = [Movement(start, amount) for amount in paid]
    whole = replay_revenue(terms, [Movement(start, lent)], payments, [], start, forgiven=[Movement(start, given)])
    told = [
        explain_revenue_cost(amount, sum(paid[:n]), lent, whole.cost, forgiven=given) for n, amount in enumerate(paid)
    ]
    for each in told:
        right(each, each.amount)
    assert sum(each.amount for each in told) == whole.cost_paid


@given(
    st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=4),
    st.lists(st.integers(0, 10**6) | st.fractions(0, 1, max_denominator=97), min_size=1, max_size=5),
)
def test_an_amount_over_funds(amounts: list[int], shares: list[int | Fraction]) -> None:
    already = [0] * len(shares)
    for amount in amounts:
        if not sum(shares) and (amount or sum(already)):
            with pytest.raises(InvalidAmount):
                explain_fund_split(amount, already, shares)
            return
        parts = split_cumulative(amount, already, shares)
        told = explain_fund_split(amount, already, shares)
        for each, part in zip(told, parts, strict=True):
            right(each, part)
        already = [had + part for had, part in zip(already, parts, strict=True)]


@given(st.integers(0, 10**12), RATES, st.integers(1, 10**6), st.sampled_from(["half-even", "half-up", "down"]))
def test_late_fees_and_allowances(amount: int, rate: Decimal, flat: int, mode: Any) -> None:
    expected = round_minor(amount * Fraction(rate) / 100, mode)
    right(explain_allowance(amount, rate, mode), expected)
    right(explain_late_fee(amount, percent=rate, rounding=mode), expected)
    right(explain_late_fee(amount, flat=flat), flat if amount else 0)
    for both in ({}, {"flat": 1, "percent": rate}):
        with pytest.raises(InvalidValue) as refusal:
            explain_late_fee(amount, **both)  # type: ignore[arg-type]
        assert refusal.value.field == "late_fee"


# -------------------------------------------------------------------------------------- words


def test_what_the_sentences_say() -> None:
    new_year, month = dt.date(2025, 1, 1), dt.date(2025, 1, 31)
    said = str(explain_interest(1_000_000, Decimal("5.00"), new_year, month))
    assert said == "Interest of 41.10 = 10,000.00 × 5 % × 30 days / 365."
    over = explain_interest(1_000_000, Decimal(5), dt.date(2023, 12, 22), dt.date(2024, 1, 21), "actual/actual")
    assert str(over) == "Interest of 41.02 = 10,000.00 × 5 % × (10 days / 365 + 20 days / 366)."
    assert str(explain_interest(100, Decimal(5), new_year, new_year)) == (
        "No interest: nothing was owed, or no time passed."
    )
    row = explain_row(terms_of.drawn(fees=[{"flat": "2"}, {"percent": "1", "of": "interest"}]), 1)
    assert [str(each) for each in row.parts] == [
        "Interest of 73.89 = 12,000.00 × 7.25 % × 31 days / 365.",
        "Level payment of 538.55: 24 of them are worth the 12,000.00 owed, at 7.25 % a year.",
        "Principal of 464.66 = payment of 538.55 − interest of 73.89.",
        "Fees of 2.74 = 2.00 + 1 % of 73.89.",
        "Payment of 541.29 = 464.66 of principal + 73.89 of interest + 2.74 of fees.",
        "11,535.34 is left = 12,000.00 paid out − 464.66 of principal.",
    ]
    assert str(explain_split(10_000, {"interest": 4_110, "principal": 9_000})[1]) == (
        "41.10 of the payment goes to interest: 41.10 was due and 100.00 had not been used."
    )
    assert str(explain_payoff(new_year, {"principal": 500_000, "interest": 4_110}, kept=100)) == (
        "5,040.10 closes the loan on 2025-01-01 = 5,000.00 of principal + 41.10 of interest − 1.00 kept for you."
    )
    assert str(explain_cap(Decimal(50), 100_000, 20_000)) == (
        "Interest of 300.00 can still be taken = 50 % of the surplus of 1,000.00 so far − 200.00 taken."
    )


def test_one_is_one_and_several_are_several() -> None:
    """Singular and plural, wherever a sentence counts."""
    eve, day = dt.date(2023, 12, 31), dt.timedelta(days=1)

    def time_of(start: dt.date, days: int, day_count: Any, **more: Any) -> str:
        told = explain_interest(10**9, Decimal(5), start, start + days * day, day_count, **more)
        return str(told).rpartition("% × ")[2]

    assert time_of(eve, 1, "actual/365") == "1 day / 365."
    assert time_of(eve, 30, "actual/360") == "30 days / 360."  # not a month, though it is a twelfth
    assert time_of(eve, 2, "actual/actual") == "(1 day / 365 + 1 day / 366)."
    assert time_of(eve, 3, "actual/actual") == "(1 day / 365 + 2 days / 366)."
    assert time_of(dt.date(2024, 1, 1), 1, "actual/actual") == "1 day / 366."
    assert time_of(dt.date(2024, 1, 1), 1, "30e/360") == "1 day of months of 30 / 360."
    assert time_of(dt.date(2024, 1, 1), 2, "30us/360") == "2 days of months of 30 / 360."
    assert time_of(dt.date(2024, 1, 1), 31, "30/360") == "1 month / 12."
    assert time_of(dt.date(2024, 1, 1), 60, "30/360") == "2 months / 12."
    assert time_of(dt.date(2024, 1, 1), 32, "30/360") == "(1 month + 1 of 29 days) / 12."
    assert time_of(dt.date(2024, 1, 1), 62, "30/360") == "(2 months + 2 of 31 days) / 12."
    assert time_of(dt.date(2024, 1, 1), 1, "30/360") == "1 of 31 days of a month / 12."
    assert time_of(dt.date(2024, 1, 1), 7, "equal-periods", period=Period("weeks")) == "1 week / 52."
    assert time_of(dt.date(2024, 1, 1), 14, "equal-periods", period=Period("weeks")) == "2 weeks / 52."


def test_what_is_said_of_fees_funds_caps_and_allowances() -> None:
    assert str(explain_allowance(2_000_000, Decimal("1.00"))) == "Allowance of 200.00 = 1 % of 20,000.00."
    assert str(explain_late_fee(25_000, percent=Decimal(5))) == "Late fee of 12.50 = 5 % of the 250.00 overdue."
    assert str(explain_late_fee(25_000, flat=1_500)) == "Late fee of 15.00: the terms name this amount."
    assert str(explain_late_fee(0, flat=1_500)) == "No late fee: nothing is overdue."
    assert str(explain_waiver(160_000, 100_000)) == (
        "Interest of 600.00 is waived = 1,600.00 by the contract − 1,000.00 within the cap of 1,000.00."
    )
    assert str(explain_waiver(160_000, 100_000, charges=25_000)) == (
        "Interest of 850.00 is waived = 1,600.00 by the contract − 750.00, which the cap of 1,000.00 leaves beside "
        "250.00 of other charges."
    )
    assert str(explain_waiver(160_000, 160_000)) == (
        "No interest is waived: the 1,600.00 by the contract is within the cap of 1,600.00."
    )
    assert str(explain_revenue_ceiling(Decimal(5), 10_000_000)) == (
        "At most 5,000.00 is due = 5 % of the revenue of 100,000.00."
    )
    assert str(explain_ceiling(Decimal("33.33"), 100_010)) == (
        "At most 333.33 is due = 33.33 % of the surplus of 1,000.10, rounded down."
    )
    assert str(explain_revenue_cost(500_000, 0, 1_000_000, 300_000)) == (
        "1,153.85 of it is cost = 3,000.00 of 13,000.00 on the 5,000.00 paid so far − 0.00 counted before."
    )
    assert str(explain_revenue_cost(150_000, 650_000, 1_000_000, 300_000, forgiven=500_000)) == (
        "1,500.00 of it is cost = 3,000.00 of the 8,000.00 paid so far − 1,500.00 counted before: no principal is left."
    )
    first, second, third = explain_fund_split(10_000, [0, 0, 0], [1, 1, 1], funds=["GEN", "RLF", "TAF"])
    assert str(first) == (
        "GEN gets 33.34 of the 100.00 = 1/3 of the 100.00 so far, rounded to 33.34 so that the funds add up, "
        "− 0.00 before."
    )
    assert (second.amount, third.amount) == (3_333, 3_333)
    assert str(explain_fund_split(5_000, [7_000, 3_000], [7, 3])[0]) == (
        "1 gets 35.00 of the 50.00 = 70 % of the 150.00 so far − 70.00 before."
    )


def test_other_currencies_have_their_own_decimals() -> None:
    yen = explain_interest(1_000_000, Decimal(5), dt.date(2025, 1, 1), dt.date(2025, 1, 31), currency="JPY")
    assert str(yen) == "Interest of 4,110 = 1,000,000 × 5 % × 30 days / 365."


def test_hostile_names_of_components_stay_what_they_are() -> None:
    for name in ("<b>{amount}</b>", "=1+1", "\u202e[red]", "x" * 10_000):
        told = explain_split(100, {name: 100}, [name])[0]
        assert name in told.sentence


def test_a_row_that_is_not_there_is_refused() -> None:
    for n in (0, 25, -1):
        with pytest.raises(Unknown) as refusal:
            explain_row(terms_of.drawn(), n)
        assert refusal.value.field == "n" and "24" in str(refusal.value)


def test_a_wrong_amount_is_not_explained() -> None:
    told = explain_interest(1_000_000, Decimal(5), dt.date(2025, 1, 1), dt.date(2025, 1, 31))
    with pytest.raises(AssertionError):
        Explanation(told.kind, told.values, told.amount + 1, told.expression)


def test_every_sentence_is_used_and_can_be_put_into_spanish() -> None:
    modules = (explain, explain_rows, explanation)
    source = "".join(Path(each.__file__).read_text(encoding="utf-8") for each in modules)
    for kind, template in SENTENCES.items():
        assert len(re.findall(rf'"{kind}"', source)) >= 2, kind
        assert [name for _, name, _, _ in Formatter().parse(template) if name is not None] or "{" not in template
    told = explain_row(terms_of.drawn(), 1)
    with speaking("es"):
        for each in told.parts:
            assert "{" not in each.sentence
            assert "{amount}" not in each.template or format_amount(each.amount, grouping=True) in each.sentence
