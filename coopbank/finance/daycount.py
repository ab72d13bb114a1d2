"""Day counts: what part of a year lies between two dates, exactly.

Interest is principal × rate × this part, so each convention is a rule for a
fraction and answers with one. A day is counted when its night lies between the
dates: the first date counts, the last does not.

    30/360          each whole month is 1/12 of a year whatever its dates; days that
                    are no whole month are a part of the month they stand in
                    (1 January to 18 February 2024: 1 + 17/29 months)
    30us/360        counted from the dates, every month as 30 days, with the end-of-
                    February rules of the US bond market (SIFMA)
    30e/360         the same with every 31st as a 30th and no rule for February
                    (2006 ISDA Definitions 4.16(g), "Eurobond basis")
    actual/360, actual/364, actual/365
                    calendar days over a year of fixed length, in leap years too
    actual/actual   calendar days over 365, or over 366 where they fall in a leap year:
                    split at 1 January (2006 ISDA Definitions 4.16(b))
    equal-periods   whole periods over the periods of a year (12 months, 52 weeks, 365
                    days, 1 year), whatever their days

Other 30/360 rules exist under the same name (ISDA 4.16(f) and (h), the
spreadsheets' basis 0); they are not offered here, because two rules under one
name is how two programs come to disagree.
"""

from __future__ import annotations

from calendar import isleap
from datetime import date
from fractions import Fraction
from typing import Final, Literal, get_args

from coopbank.errors import InvalidDate
from coopbank.finance.periods import MONTH, PER_YEAR, Period, add_months, days_in_month, whole_months

DayCount = Literal[
    "30/360",
    "30us/360",
    "30e/360",
    "actual/360",
    "actual/364",
    "actual/365",
    "actual/actual",
    "equal-periods",
]

DAY_COUNTS: Final[tuple[str, ...]] = get_args(DayCount)

_FIXED_YEARS: Final = {"actual/360": 360, "actual/364": 364, "actual/365": 365}


def year_fraction(start: date, end: date, convention: DayCount, period: Period = MONTH) -> Fraction:
    """The years from `start` to `end`, zero or more, exactly.

    `period` matters to `equal-periods` only: the unit whose whole count is taken.
    Raises `InvalidDate` (field `end`) when the end lies before the start, and
    `ValueError` for a convention that is not offered.
    """
    return Fraction(*year_ratio(start, end, convention, period))


def year_ratio(start: date, end: date, convention: DayCount, period: Period = MONTH) -> tuple[int, int]:
    """`year_fraction` as a numerator and a denominator, not reduced: for inner loops."""
    if end < start:
        raise InvalidDate("{end} is before {start}.", field="end", start=start.isoformat(), end=end.isoformat())
    year_length = _FIXED_YEARS.get(convention)
    if year_length is not None:
        return (end - start).days, year_length
    if convention == "actual/actual":
        return _actual_actual(start, end)
    if convention == "30us/360":
        return days_30us(start, end), 360
    if convention == "30e/360":
        return days_30e(start, end), 360
    if convention == "30/360":
        return _months_of_a_year(start, end)
    if convention == "equal-periods":
        return _equal_periods(start, end, period)
    raise ValueError(f"no such day count: {convention}")


def days_30us(start: date, end: date) -> int:
    """Days of 30-day months by the US rules.

    A start on the last of February counts as the 30th, and then so does an end on
    the last of February; a start on the 31st counts as the 30th; an end on the 31st
    counts as the 30th only when the start is then a 30th. (SIFMA; published figures
    of QuantLib and Strata.)
    """
    first, last = start.day, end.day
    if _last_of_february(start):
        if _last_of_february(end):
            last = 30
        first = 30
    first = min(first, 30)
    if last == 31 and first == 30:
        last = 30
    return _thirty_day_months(start, end) + last - first


def days_30e(start: date, end: date) -> int:
    """Days of 30-day months, every 31st taken as a 30th (ISDA 4.16(g))."""
    return _thirty_day_months(start, end) + min(end.day, 30) - min(start.day, 30)


def _thirty_day_months(start: date, end: date) -> int:
    return 360 * (end.year - start.year) + 30 * (end.month - start.month)


def _last_of_february(day: date) -> bool:
    return day.month == 2 and day.day == days_in_month(day.year, 2)


def _actual_actual(start: date, end: date) -> tuple[int, int]:
    """Days over 365 and days over 366, split at 1 January; over 365 × 366."""
    if start.year == end.year:
        return (end - start).days, 366 if isleap(start.year) else 365
    common, leap = 365, 366
    head = (date(start.year, 12, 31) - start).days + 1
    tail = (end - date(end.year, 1, 1)).days
    parts = (end.year - start.year - 1) * common * leap
    parts += head * (common if isleap(start.year) else leap)
    parts += tail * (common if isleap(end.year) else leap)
    return parts, common * leap


def _months_of_a_year(start: date, end: date) -> tuple[int, int]:
    """Whole months over 12, and the rest as a part of the month it stands in."""
    months, rest, length = whole_months(start, end)
    return months * length + rest, 12 * length


def _equal_periods(start: date, end: date, period: Period) -> tuple[int, int]:
    """Whole units over those of a year; what is no whole unit, by its days."""
    per_year = PER_YEAR[period.unit]
    if period.unit == "months":
        return _months_of_a_year(start, end)
    if period.unit == "years":
        return _whole_years(start, end)
    if period.unit == "weeks":
        return (end - start).days, 7 * per_year
    return (end - start).days, PER_YEAR["days"]


def _whole_years(start: date, end: date) -> tuple[int, int]:
    """Whole years counted forward, and the rest over the days of the year that follows."""
    years = end.year - start.year
    reached = add_months(start, 12 * years)
    if reached > end:
        years -= 1
        reached = add_months(start, 12 * years)
    if reached == end:
        return years, 1
    # Where the year that follows ends beyond the calendar, it has 365 days.
    length = (add_months(start, 12 * years + 12) - reached).days if reached.year < 9999 else 365
    return years * length + (end - reached).days, length
