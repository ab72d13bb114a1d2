"""Periods and due dates: when a series of payments falls.

A period is a count of one unit: days, weeks, semimonths (only to measure time,
see `apr`), months or years. A series keeps its seed day. Each date is reckoned
from the seed and never from the date before it, so that 31 January, 28 February
is followed by 31 March. A month without the seed day either ends early (`clamp`:
28 February) or gives its date to the next one (`roll`: 1 March).

Moving a date off a day when the bank is closed is a separate, last step
(`adjust`): it moves the date on which a payment is expected, and no amount.
The rules are the market's usual ones: following, preceding, and modified
following, which turns back rather than leave the month.

Dates end on 31 December 9999; a series that would go on is refused.
"""

from __future__ import annotations

from calendar import isleap
from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import MAXYEAR, date, timedelta
from fractions import Fraction
from typing import Final, Literal

from coopbank.errors import InvalidDate, InvalidTerms

Unit = Literal["days", "weeks", "semimonths", "months", "years"]
MonthEnd = Literal["clamp", "roll"]
BusinessDayRule = Literal["following", "preceding", "modified-following"]
Closed = Container[date] | Callable[[date], bool]
"""Days on which the bank is closed: a set of holidays (to which Saturday and
Sunday are added), or a function that alone decides."""

PER_YEAR: Final = {"days": 365, "weeks": 52, "semimonths": 24, "months": 12, "years": 1}
"""How many of a unit are taken to make a year wherever days are not counted."""

_MONTHS_IN: Final = {"months": 1, "years": 12}
_DAYS_IN: Final = {"days": 1, "weeks": 7}
_MONTH_LENGTHS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_SATURDAY: Final = 5
_LONGEST_CLOSURE: Final = 366


@dataclass(frozen=True, slots=True)
class Period:
    """A length of time: `count` of `unit`, such as 2 weeks."""

    unit: Unit
    count: int = 1

    @property
    def per_year(self) -> Fraction:
        """How many such periods make a year: 12 for a month, 26 for two weeks."""
        return Fraction(PER_YEAR[self.unit], self.count)


MONTH: Final = Period("months", 1)


def days_in_month(year: int, month: int) -> int:
    """The number of days of a month, 28 to 31."""
    return 29 if month == 2 and isleap(year) else _MONTH_LENGTHS[month - 1]


def add_months(seed: date, months: int, month_end: MonthEnd = "clamp") -> date:
    """The seed's day so many months later (or earlier, when negative).

    Raises `InvalidDate` beyond the years 1 to 9999.
    """
    year, month0 = divmod(seed.year * 12 + seed.month - 1 + months, 12)
    if not 1 <= year <= MAXYEAR:
        raise _out_of_time()
    length = days_in_month(year, month0 + 1)
    if seed.day <= length:
        return date(year, month0 + 1, seed.day)
    if month_end == "clamp":
        return date(year, month0 + 1, length)
    # Only a 29th, 30th or 31st is ever missing, and never in December.
    return date(year, month0 + 2, 1)


def add(seed: date, period: Period, times: int = 1, month_end: MonthEnd = "clamp") -> date:
    """The date `times` periods after the seed; `InvalidDate` beyond the year 9999."""
    months = _MONTHS_IN.get(period.unit)
    if months is not None:
        return add_months(seed, months * period.count * times, month_end)
    if period.unit not in _DAYS_IN:
        raise InvalidDate("A series of dates has no single rule for half months.", field="every")
    try:
        return seed + timedelta(days=_DAYS_IN[period.unit] * period.count * times)
    except OverflowError:
        raise _out_of_time() from None


def due_dates(
    start: date,
    period: Period,
    count: int,
    *,
    first_due: date | None = None,
    month_end: MonthEnd = "clamp",
) -> list[date]:
    """The due dates of `count` rows, oldest first.

    Without `first_due` the seed is `start`, and row 1 is due one period after it;
    with it, row 1 is due then and its day is the seed. Raises `InvalidTerms`
    naming `installments` for a count outside 1 to 1,200 or a series that leaves
    the calendar, and naming `first_due` for one that is not after the start.
    """
    if not 1 <= count <= MOST_ROWS:
        raise InvalidTerms(
            "{count} rows cannot be drawn up.",
            field="installments",
            hint="A schedule has 1 to {most} rows.",
            count=count if abs(count) < 10**12 else "So many",
            most=MOST_ROWS,
        )
    if first_due is not None and first_due <= start:
        raise InvalidTerms(
            "The first due date {first} is not after the first disbursement of {start}.",
            field="first_due",
            hint="Choose a date after {start}.",
            first=first_due.isoformat(),
            start=start.isoformat(),
        )
    seed, offset = (start, 1) if first_due is None else (first_due, 0)
    try:
        add(seed, period, offset + count - 1, month_end)
    except InvalidDate:
        raise InvalidTerms(
            "The last row would be due after the year {year}.",
            field="installments",
            hint="Fewer rows, or a shorter period between them.",
            year=MAXYEAR,
        ) from None
    months = _MONTHS_IN.get(period.unit, 0) * period.count
    if months and seed.day <= min(_MONTH_LENGTHS):  # every month has such a day
        first = seed.year * 12 + seed.month - 1 + months * offset
        return [date(at // 12, at % 12 + 1, seed.day) for at in range(first, first + months * count, months)]
    if months:
        return [add_months(seed, months * (offset + index), month_end) for index in range(count)]
    return [add(seed, period, offset + index, month_end) for index in range(count)]


MOST_ROWS: Final = 1200
"""The longest schedule: a hundred years of months."""


def whole_months(start: date, end: date) -> tuple[int, int, int]:
    """Whole months from `start` on, the days left over, and the days of the month they are part of.

    Counted forward, keeping the start's day: 31 January to 28 February is one
    whole month; 1 January to 18 February 2024 is one month and 17 of 29 days.
    """
    months = (end.year - start.year) * 12 + end.month - start.month
    reached = add_months(start, months)
    if reached > end:
        months -= 1
        reached = add_months(start, months)
    if reached == end:
        return months, 0, 1
    # Day numbers, not dates: the month that follows may lie beyond the calendar.
    length = days_in_month(reached.year, reached.month)
    if (reached.year, reached.month) != (MAXYEAR, 12):
        length = (add_months(start, months + 1) - reached).days
    return months, (end - reached).days, length


def adjust(day: date, rule: BusinessDayRule, closed: Closed = frozenset()) -> date:
    """The day itself when the bank is open on it, else the day the rule sends it to.

    `closed` says when the bank is closed, see `Closed`; the `holidays` library's
    calendars serve as they are. Raises `InvalidDate` when no open day is found
    within a year.
    """
    if rule not in ("following", "preceding", "modified-following"):
        raise ValueError(f"no such rule: {rule}")
    if rule == "preceding":
        return _nearest_open(day, -1, closed)
    moved = _nearest_open(day, 1, closed)
    if rule == "modified-following" and moved.month != day.month:
        return _nearest_open(day, -1, closed)
    return moved


def series_day(days: list[date]) -> int | None:
    """The due day that a monthly series keeps, if these dates show one of 29 to 31.

    A series on the 31st falls on 30 April and 28 February too, which none of
    those dates says by itself. None when the dates do not share such a day.
    """
    largest = max((day.day for day in days), default=0)
    if largest < 29:
        return None
    fits = all(day.day == min(largest, days_in_month(day.year, day.month)) for day in days)
    return largest if fits else None


def _nearest_open(day: date, step: int, closed: Closed) -> date:
    """The first open day from `day` on, going one way."""
    moved = day
    for _ in range(_LONGEST_CLOSURE):
        if not _is_closed(moved, closed):
            return moved
        if moved in (date.min, date.max):
            break
        moved += timedelta(days=step)
    raise InvalidDate("No open day was found within a year of {day}.", field="closed", day=day.isoformat())


def _is_closed(day: date, closed: Closed) -> bool:
    if callable(closed):
        return bool(closed(day))
    return day.weekday() >= _SATURDAY or day in closed


def _out_of_time() -> InvalidDate:
    return InvalidDate("The date lies outside the years 1 to {year}.", field="date", year=MAXYEAR)
