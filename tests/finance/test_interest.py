"""Day counts and simple interest: exact, additive, and posted without drift."""

from __future__ import annotations

import datetime as dt
import time
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.errors import InvalidAmount, InvalidDate, InvalidValue
from coopbank.finance.apy import apy, apy_earned, average_daily_balance, compound_interest, tiered_interest
from coopbank.finance.daycount import DAY_COUNTS, year_fraction
from coopbank.finance.interest import Segment, accrual, accrued, accrued_minor, interest
from coopbank.finance.periods import Period
from coopbank.money import round_minor

DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2080, 1, 1))
RATES = st.integers(0, 400_000).map(lambda n: Decimal(n).scaleb(-4))
CONVENTIONS = st.sampled_from(DAY_COUNTS)
ADDITIVE = st.sampled_from(["actual/360", "actual/364", "actual/365", "actual/actual"])
NEW_YEAR = dt.date(2025, 1, 1)


@given(DAYS, st.integers(0, 4000), st.integers(0, 40), CONVENTIONS)
def test_more_days_are_never_less_of_a_year(start: dt.date, days: int, more: int, convention: str) -> None:
    for period in (Period("months"), Period("weeks"), Period("years"), Period("days", 10)):
        ends = [start + dt.timedelta(days=days + extra) for extra in (0, more)]
        shorter, longer = (year_fraction(start, end, convention, period) for end in ends)  # type: ignore[arg-type]
        assert 0 <= shorter <= longer
        assert abs(shorter - Fraction(days, 365)) <= Fraction(1, 12) + Fraction(days, 365 * 40)


@given(DAYS, st.integers(0, 2000), st.integers(0, 2000), ADDITIVE)
def test_actual_days_add_up(start: dt.date, first: int, second: int, convention: str) -> None:
    middle, end = start + dt.timedelta(days=first), start + dt.timedelta(days=first + second)
    parts = [year_fraction(*pair, convention) for pair in ((start, middle), (middle, end), (start, end))]  # type: ignore[arg-type]
    assert parts[0] + parts[1] == parts[2]


def test_a_month_of_30_360_is_a_twelfth_whatever_its_dates() -> None:
    for start, end in [("2023-10-31", "2023-11-30"), ("2024-01-31", "2024-02-29"), ("2025-02-01", "2025-03-01")]:
        assert year_fraction(*map(dt.date.fromisoformat, (start, end)), "30/360") == Fraction(1, 12)
    part = year_fraction(dt.date(2024, 1, 1), dt.date(2024, 2, 18), "30/360")
    assert part == (1 + Fraction(17, 29)) / 12


def test_time_backwards_and_unknown_conventions_are_refused() -> None:
    for convention in DAY_COUNTS:
        with pytest.raises(InvalidDate):
            year_fraction(NEW_YEAR, dt.date(2024, 12, 31), convention)  # type: ignore[arg-type]
        year_fraction(dt.date(1, 1, 1), dt.date.max, convention, Period("years"))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no such day count"):
        year_fraction(NEW_YEAR, NEW_YEAR, "actual")  # type: ignore[arg-type]


def test_interest_of_a_year() -> None:
    later = dt.date(2025, 1, 31)
    assert interest(1_000_000, Decimal(5), NEW_YEAR, later) == 4110  # 10,000.00 × 5 % × 30 / 365
    assert interest(1_000_000, Decimal(5), NEW_YEAR, later, "actual/360") == 4167
    assert interest(1_000_000, Decimal(5), NEW_YEAR, later, "actual/360", "down") == 4166
    with pytest.raises(TypeError):
        interest(1_000_000, 0.05, NEW_YEAR, later)  # type: ignore[arg-type]


def test_the_largest_principal_over_a_century_is_exact() -> None:
    principal, rate = 10**15 - 1, Decimal("7.123456789")
    days = (dt.date(2125, 1, 1) - NEW_YEAR).days
    exact = Fraction(principal * days, 36500) * Fraction(rate)
    assert interest(principal, rate, NEW_YEAR, dt.date(2125, 1, 1)) == round_minor(exact)


@st.composite
def histories(draw: st.DrawFn) -> list[Segment]:
    start = draw(DAYS)
    segments = []
    for _ in range(draw(st.integers(1, 6))):
        end = start + dt.timedelta(days=draw(st.integers(0, 90)))
        segments.append(Segment(draw(st.integers(0, 10**9)), draw(RATES), start, end))
        start = end
    return segments


@given(histories(), CONVENTIONS, st.lists(st.integers(0, 600), max_size=8), st.randoms(use_true_random=False))
def test_postings_of_any_run_of_days_add_up(segments, convention, cuts, random) -> None:  # type: ignore[no-untyped-def]
    """However often it is accrued, what is posted is the exact whole, rounded once."""
    start, end = segments[0].start, segments[-1].end
    marks = sorted({start, end, *(min(start + dt.timedelta(days=cut), end) for cut in cuts)})
    mixed = segments[:]
    random.shuffle(mixed)
    posted = [accrual(mixed, *pair, convention) for pair in pairwise(marks)]
    assert all(amount >= 0 for amount in posted)
    whole = sum(
        (
            Fraction(s.principal_minor) * Fraction(s.annual_rate) / 100 * year_fraction(s.start, s.end, convention)
            for s in segments
        ),
        Fraction(0),
    )
    assert accrued(mixed, convention) == whole
    assert sum(posted) == accrued_minor(segments, convention) == round_minor(whole)


@given(st.integers(9 * 10**14, 10**15), st.integers(1, 10**6), st.integers(1, 9_000), CONVENTIONS)
def test_large_sums_are_counted_to_the_cent(principal: int, n: int, days: int, convention: Any) -> None:
    start, rate = dt.date(2000, 2, 29), Decimal(n).scaleb(-3)
    end = start + dt.timedelta(days=days)
    exact = principal * Fraction(rate) / 100 * year_fraction(start, end, convention)
    assert accrued_minor([Segment(principal, rate, start, end)], convention) == round_minor(exact)
    assert interest(principal, rate, start, end, convention) == round_minor(exact)


def test_many_segments_are_added_quickly() -> None:
    segments = [
        Segment(10**6 + k, Decimal("5.25"), NEW_YEAR + dt.timedelta(days=k), NEW_YEAR + dt.timedelta(days=k + 1))
        for k in range(5000)
    ]
    began = time.process_time()
    accrued_minor(segments, "actual/actual")
    assert time.process_time() - began < 0.5


def test_yields_refuse_what_has_none() -> None:
    for call in (lambda: apy(1, 0, 30), lambda: apy(-1, 100, 30), lambda: apy(10**15, 1, 1)):
        with pytest.raises(InvalidAmount):
            call()
    for bad in (0, -1, 10**6):
        with pytest.raises(InvalidValue):
            apy(1, 100, bad)
        with pytest.raises(InvalidValue):
            apy_earned(1, 100, 30, bad)
        with pytest.raises(InvalidValue):
            compound_interest(100, [(Decimal(5), bad)])
    with pytest.raises(InvalidValue):
        average_daily_balance([])
    for tiers in (
        [],
        [(Decimal(1), 50)],
        [(Decimal(1), None), (Decimal(2), 500)],
        [(Decimal(1), 50), (Decimal(2), 40), (Decimal(3), None)],
    ):
        with pytest.raises(InvalidValue):
            tiered_interest(100, tiers, 365)
    assert apy(0, 100, 30) == 0


@given(st.integers(1, 10**12), st.integers(0, 3000).map(lambda n: Decimal(n).scaleb(-2)))
def test_one_tier_is_plain_compounding(balance: int, rate: Decimal) -> None:
    assert tiered_interest(balance, [(rate, None)], 365) == compound_interest(balance, [(rate, 365)])
