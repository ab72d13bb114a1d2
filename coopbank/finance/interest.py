"""Simple interest: principal × annual rate × part of a year, exact until it is rounded, once.

A balance that changes is a list of segments, each with its own principal and
rate; their interest adds up exactly and is rounded as one sum. Interest bears no
interest.

What is posted day by day or month by month is the difference of two rounded
cumulative totals (`accrual`), never a rounded day: so the postings of any run of
days add up to the rounded whole, and the ledger and the schedule never part.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from coopbank.finance.daycount import DayCount, year_ratio
from coopbank.finance.periods import MONTH, Period
from coopbank.money import Rounding, round_minor, round_ratio


@dataclass(frozen=True, slots=True)
class Segment:
    """A principal that stood unchanged at one rate from `start` up to, not including, `end`."""

    principal_minor: int
    annual_rate: Decimal
    start: dt.date
    end: dt.date


def interest(
    principal_minor: int,
    annual_rate: Decimal,
    start: dt.date,
    end: dt.date,
    day_count: DayCount = "actual/365",
    rounding: Rounding = "half-even",
    *,
    period: Period = MONTH,
) -> int:
    """Interest in minor units from `start` up to, not including, `end`.

    `annual_rate` is in percent a year. Raises `InvalidDate` when the end lies before
    the start, `TypeError` for a rate that is not a `Decimal`.
    """
    return round_ratio(*interest_ratio(principal_minor, annual_rate, start, end, day_count, period), rounding)


def interest_ratio(
    principal_minor: int,
    annual_rate: Decimal,
    start: dt.date,
    end: dt.date,
    day_count: DayCount = "actual/365",
    period: Period = MONTH,
) -> tuple[int, int]:
    """The same before rounding, as a numerator and a denominator, not reduced."""
    if not isinstance(annual_rate, Decimal):
        raise TypeError(f"a rate is a Decimal, not {type(annual_rate).__name__}")
    rate_num, rate_den = annual_rate.as_integer_ratio()
    year_num, year_den = year_ratio(start, end, day_count, period)
    return principal_minor * rate_num * year_num, 100 * rate_den * year_den


def accrued(
    segments: Iterable[Segment],
    day_count: DayCount = "actual/365",
    *,
    until: dt.date | None = None,
    period: Period = MONTH,
) -> Fraction:
    """The exact interest of all segments, in minor units, up to (not including) `until`.

    The order of the segments does not matter. Without `until`, all of each segment.
    """
    # Few denominators occur, so that nearly all of the adding is of whole numbers.
    sums: dict[int, int] = {}
    for segment in segments:
        end = segment.end if until is None else min(until, segment.end)
        if end <= segment.start and segment.end >= segment.start:
            continue
        num, den = interest_ratio(segment.principal_minor, segment.annual_rate, segment.start, end, day_count, period)
        sums[den] = sums.get(den, 0) + num
    return sum((Fraction(num, den) for den, num in sums.items()), Fraction(0))


def accrued_minor(
    segments: Iterable[Segment],
    day_count: DayCount = "actual/365",
    rounding: Rounding = "half-even",
    *,
    until: dt.date | None = None,
    period: Period = MONTH,
) -> int:
    """`accrued`, rounded once: the cumulative total that the books should show."""
    return round_minor(accrued(segments, day_count, until=until, period=period), rounding)


def accrual(
    segments: Iterable[Segment],
    since: dt.date,
    until: dt.date,
    day_count: DayCount = "actual/365",
    rounding: Rounding = "half-even",
    *,
    period: Period = MONTH,
) -> int:
    """What to post for the days from `since` up to, not including, `until`, in minor units.

    The difference of the two rounded cumulative totals. The segments begin where
    the loan does, not at `since`.
    """
    held = list(segments)
    after = accrued_minor(held, day_count, rounding, until=until, period=period)
    return after - accrued_minor(held, day_count, rounding, until=since, period=period)
