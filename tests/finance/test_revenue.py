"""Repayment by share of revenue: until a multiple is paid, within its caps, never more than the share."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.errors import InvalidTerms, InvalidValue
from coopbank.finance.reported import Movement, Report
from coopbank.finance.revenue import RevenueTerms, replay_revenue
from coopbank.money import round_minor

START, OUTER = dt.date(2025, 1, 1), dt.date(2035, 1, 1)
PERCENT = st.integers(1, 10_000).map(lambda n: Decimal(n).scaleb(-2))
DAY = st.integers(0, 12 * 365).map(lambda n: START + dt.timedelta(days=n))


def year(number: int) -> dt.date:
    """The first day after the period of that number."""
    return dt.date(START.year + number, 1, 1)


def sales(**changes: Any) -> RevenueTerms:
    return RevenueTerms(**{
        "starts": START, "outer_date": OUTER, "share_percent": Decimal(5), "multiple": Decimal("1.3"), **changes,
    })  # fmt: skip


def sold(period: int, revenue: int, surplus: int | None = None) -> Report:
    return Report(period, 1, year(period), year(period), surplus, revenue)


def test_revenue_is_shared_until_the_multiple_is_reached() -> None:
    lent, reports = [Movement(START, 1_000_000)], [sold(1, 10_000_000), sold(2, 0), sold(3, 30_000_000)]
    first = replay_revenue(sales(), lent, [], reports, year(1))
    assert (first.due_now, first.cost, first.to_pay) == (500_000, 300_000, 1_300_000)
    payments = [Movement(year(1), 500_000)]
    second = replay_revenue(sales(), lent, payments, reports, year(2))
    assert second.periods[1].deferred and second.due_now == 0
    assert (second.cost_paid, second.principal_left) == (115_385, 615_385)  # 3/13 of what was paid
    third = replay_revenue(sales(), lent, payments, reports, year(3))
    assert (third.periods[2].ceiling, third.due_now, third.payoff) == (1_500_000, 800_000, 800_000)
    done = replay_revenue(sales(), lent, [*payments, Movement(year(3), 800_001)], reports, year(3))
    assert done.settled and (done.cost_paid, done.principal_left, done.unapplied) == (300_000, 0, 1)


def test_principal_given_up_leaves_what_was_repaid() -> None:
    lent, half = [Movement(START, 1_000_000)], [Movement(year(1), 650_000)]
    before = replay_revenue(sales(), lent, half, [], year(1))
    assert (before.cost_paid, before.principal_left) == (150_000, 500_000)
    given = [Movement(year(1), 500_000)]
    after = replay_revenue(sales(), lent, half, [], year(1), forgiven=given)
    assert (after.cost_paid, after.principal_left, after.payoff) == (150_000, 0, 150_000)
    done = replay_revenue(sales(), lent, [*half, Movement(year(2), 150_000)], [], year(2), forgiven=given)
    assert done.settled and (done.cost_paid, done.forgiven, done.to_pay) == (300_000, 500_000, 800_000)


def test_the_cost_of_a_share_of_revenue_stays_within_its_caps() -> None:
    lent, paid = [Movement(START, 1_000_000)], [Movement(year(2), 1_300_000)]
    by_amount = replay_revenue(sales(cost_cap=200_000), lent, paid, [], year(2))
    assert (by_amount.cost, by_amount.unapplied, by_amount.matured, by_amount.waived) == (
        200_000,
        100_000,
        True,
        100_000,
    )
    capped = sales(cost_cap_percent=Decimal(50), outer_date=year(2))
    reports = [sold(1, 10_000_000, -100_000), sold(2, 20_000_000, 300_000)]
    position = replay_revenue(capped, lent, paid, reports, year(2))
    assert (position.cost, position.cost_paid, position.unapplied, position.waived) == (
        100_000,
        100_000,
        200_000,
        200_000,
    )
    assert not replay_revenue(capped, lent, paid, reports[:1], year(2)).matured
    assert replay_revenue(capped, lent, [], [], year(2) + dt.timedelta(days=91)).bucket == "report overdue"
    with pytest.raises(InvalidValue, match="surplus"):
        replay_revenue(capped, lent, [], [sold(1, 5)], year(1))


@given(st.data())
def test_of_revenue_no_more_than_the_share_is_ever_due(data: st.DataObject) -> None:
    terms = sales(
        share_percent=data.draw(PERCENT),
        multiple=1 + data.draw(PERCENT) / 100,
        cost_cap=data.draw(st.none() | st.integers(0, 10**6)),
        cost_cap_percent=data.draw(st.none() | PERCENT),
    )
    lent = [Movement(START, data.draw(st.integers(1, 10**7)))]
    paid = [Movement(data.draw(DAY), data.draw(st.integers(0, 10**6))) for _ in range(data.draw(st.integers(0, 6)))]
    forgiven = [Movement(data.draw(DAY), data.draw(st.integers(0, 10**6)))]
    surpluses = st.integers(-(10**6), 10**6)
    reports = [sold(n, data.draw(st.integers(0, 10**8)), data.draw(surpluses)) for n in range(1, 5)]
    for day in [START, *(year(n) for n in range(1, 11)), *(each.on for each in paid)]:
        position = replay_revenue(terms, lent, paid, reports, day, forgiven=forgiven)
        for row in position.periods:
            assert 0 <= row.due <= row.ceiling <= Fraction(terms.share_percent) * row.revenue / 100
        assert position.cost_paid <= position.cost <= (terms.multiple - 1) * position.lent
        assert position.cap is None or position.cost <= max(0, position.cap)
        repaid = position.lent - position.principal_left - position.forgiven
        assert position.paid == position.cost_paid + repaid + position.unapplied and repaid >= 0
        assert position.payoff + position.paid - position.unapplied == position.to_pay
        assert position.principal_left >= 0 and position.due_now <= position.payoff


def test_the_cost_within_a_payment_is_exact_for_large_sums() -> None:
    terms, lent = sales(multiple=Decimal("99.37")), 10**15 - 7
    for paid in range(10**15 - 400, 10**15):  # where a binary float knows eighths of a cent
        position = replay_revenue(terms, [Movement(START, lent)], [Movement(year(1), paid)], [], year(1))
        assert position.cost == lent * 9837 // 100
        assert position.cost_paid == round_minor(Fraction(paid * position.cost, lent + position.cost))


def test_refusals_of_a_share_of_revenue() -> None:
    lent = [Movement(START, 1_000_000)]
    for changes, field in [
        ({"multiple": Decimal("0.99")}, "multiple"),
        ({"cost_cap_percent": Decimal(101)}, "cost_cap_percent"),
    ]:
        with pytest.raises(InvalidTerms) as refusal:
            sales(**changes)
        assert refusal.value.field == field
    for payments, reports, field in [
        ([Movement(START - dt.timedelta(days=1), 1)], [], "payments"),
        ([Movement(START, 1), Movement(year(1), -2)], [], "payments"),
        ([], [sold(1, -1)], "reports"),
        ([], [Report(1, 1, year(1), year(1), surplus=1)], "reports"),
    ]:
        with pytest.raises(InvalidValue) as refused:
            replay_revenue(sales(), lent, payments, reports, OUTER)
        assert refused.value.field == field
