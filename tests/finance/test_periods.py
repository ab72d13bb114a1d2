"""Dates: seed days, month ends, business days, the end of the calendar."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.errors import InvalidDate, InvalidTerms
from coopbank.finance.periods import (
    Period,
    add,
    add_months,
    adjust,
    days_in_month,
    due_dates,
    series_day,
    whole_months,
)

DAYS = st.dates(dt.date(1900, 1, 1), dt.date(2200, 1, 1))
MONTHLY = Period("months")


@given(DAYS, st.integers(-1200, 1200))
def test_months_keep_the_day_or_end_with_the_month(seed: dt.date, months: int) -> None:
    moved = add_months(seed, months)
    assert moved.day == min(seed.day, days_in_month(moved.year, moved.month))
    assert (moved.year - seed.year) * 12 + moved.month - seed.month == months


@given(DAYS, st.integers(1, 200), st.sampled_from(["clamp", "roll"]))
def test_due_dates_rise_and_never_chain(seed: dt.date, count: int, month_end: str) -> None:
    days = due_dates(seed, MONTHLY, count, month_end=month_end)  # type: ignore[arg-type]
    assert days == sorted(set(days))
    for index, day in enumerate(days, 1):
        assert day == add(seed, MONTHLY, index, month_end)  # type: ignore[arg-type]
        assert day.day == seed.day or day.day == (1 if month_end == "roll" else days_in_month(day.year, day.month))


def test_a_leap_day_of_a_yearly_series() -> None:
    seed, yearly = dt.date(2024, 2, 29), Period("years")
    assert due_dates(seed, yearly, 4)[::3] == [dt.date(2025, 2, 28), dt.date(2028, 2, 29)]
    assert due_dates(seed, yearly, 1, month_end="roll") == [dt.date(2025, 3, 1)]


def test_weeks_and_days_are_counted() -> None:
    seed = dt.date(2024, 2, 20)
    assert due_dates(seed, Period("weeks", 2), 2) == [dt.date(2024, 3, 5), dt.date(2024, 3, 19)]
    assert due_dates(seed, Period("days", 10), 1) == [dt.date(2024, 3, 1)]


def test_the_calendar_ends_in_9999() -> None:
    for period in (Period("days"), Period("weeks"), MONTHLY, Period("years")):
        with pytest.raises(InvalidTerms) as refusal:
            due_dates(dt.date(9999, 12, 31), period, 1)
        assert refusal.value.field == "installments"
    with pytest.raises(InvalidDate):
        add_months(dt.date(1, 1, 1), -1)
    assert len(due_dates(dt.date(2024, 1, 1), MONTHLY, 1200)) == 1200
    for count in (0, 1201, 10**30):
        with pytest.raises(InvalidTerms):
            due_dates(dt.date(2024, 1, 1), MONTHLY, count)
    assert due_dates(dt.date(9999, 10, 31), MONTHLY, 2, month_end="roll")[-1] == dt.date(9999, 12, 31)
    assert whole_months(dt.date(9999, 12, 1), dt.date(9999, 12, 31)) == (0, 30, 31)


@given(DAYS, st.integers(0, 2000))
def test_whole_months_and_the_rest_make_up_the_time(start: dt.date, days: int) -> None:
    end = start + dt.timedelta(days=days)
    months, rest, length = whole_months(start, end)
    assert 0 <= rest < length <= 31
    assert add_months(start, months) + dt.timedelta(days=rest) == end


@given(DAYS, st.sets(DAYS, max_size=5), st.integers(0, 12))
def test_a_moved_date_is_a_business_day_and_moves_as_the_rule_says(
    day: dt.date, holidays: set[dt.date], run: int
) -> None:
    closed = holidays | {day + dt.timedelta(days=k) for k in range(run)}
    following, preceding = adjust(day, "following", closed), adjust(day, "preceding", closed)
    assert preceding <= day <= following
    assert all(moved.weekday() < 5 and moved not in closed for moved in (preceding, following))
    modified = adjust(day, "modified-following", closed)
    assert modified == (following if following.month == day.month else preceding)


def test_modified_following_stays_in_the_month() -> None:
    saturday = dt.date(2026, 1, 31)
    assert adjust(saturday, "following") == dt.date(2026, 2, 2)
    assert adjust(saturday, "modified-following") == dt.date(2026, 1, 30)
    assert adjust(saturday, "following", lambda day: False) == saturday


def test_a_bank_that_never_opens_is_an_error_and_no_endless_search() -> None:
    for rule in ("following", "preceding", "modified-following"):
        with pytest.raises(InvalidDate):
            adjust(dt.date(2026, 1, 1), rule, lambda day: True)  # type: ignore[arg-type]
    with pytest.raises(InvalidDate):
        adjust(dt.date.max, "following", {dt.date.max})
    with pytest.raises(ValueError, match="no such rule"):
        adjust(dt.date.max, "nearest")  # type: ignore[arg-type]


def test_a_series_on_the_last_days_is_recognised() -> None:
    ends = [dt.date(2026, 1, 31), dt.date(2026, 2, 28), dt.date(2026, 4, 30)]
    assert series_day(ends) == 31
    assert series_day(ends[1:]) == 30
    assert series_day([dt.date(2026, 1, 28), dt.date(2026, 2, 28)]) is None
    assert series_day([*ends, dt.date(2026, 5, 30)]) is None
    assert series_day([]) is None
