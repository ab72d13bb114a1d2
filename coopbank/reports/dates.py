"""Dates in plain words, in the language in force."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from functools import lru_cache

from coopbank.words import _, language


@lru_cache(maxsize=4096)
def _formatted(day: date, pattern: str, code: str) -> str:
    from babel.dates import format_date  # not on top: it costs 50 ms that most commands need not pay

    return str(format_date(day, pattern, locale=code))


def long_date(day: date) -> str:
    """`March 2, 2026`, `2 de marzo de 2026`."""
    return _formatted(day, "long", language())


def short_date(day: date) -> str:
    """`Mar 2, 2026`, `2 mar 2026`."""
    return _formatted(day, "medium", language())


def weekday(day: date) -> str:
    """`Monday`, `lunes`."""
    return _formatted(day, "EEEE", language())


def month_name(day: date) -> str:
    """The month that holds the day: `March 2026`, `marzo de 2026`."""
    return _formatted(day, "MMMM 'de' y" if language() == "es" else "MMMM y", language())


def month_bounds(day: date) -> tuple[date, date]:
    """First and last day of the month that holds the day."""
    return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])


def period(start: date, end: date) -> str:
    """`March 2026`, `2026`, `March 2, 2026`, or `March 2, 2026 to April 15, 2026`."""
    if (start, end) == month_bounds(start):
        return month_name(start)
    if (start, end) == (date(start.year, 1, 1), date(start.year, 12, 31)):
        return str(start.year)
    if start == end:
        return long_date(start)
    return _("{start} to {end}").format(start=long_date(start), end=long_date(end))


def distance(day: date, today: date) -> str:
    """How far off a day is: `today`, `tomorrow`, `in 3 days`, `yesterday`, `12 days ago`."""
    days = (day - today).days
    if days == 0:
        return _("today")
    if days == 1:
        return _("tomorrow")
    if days == -1:
        return _("yesterday")
    return (_("in {days} days") if days > 0 else _("{days} days ago")).format(days=abs(days))


def due(day: date, today: date) -> str:
    """When something falls due, or how late it is: `due tomorrow, March 3, 2026`, `1 day late, since March 1, 2026`."""
    late = (today - day).days
    if late == 1:
        return _("1 day late, since {date}").format(date=long_date(day))
    if late > 1:
        return _("{days} days late, since {date}").format(days=late, date=long_date(day))
    return _("due {when}, {date}").format(when=distance(day, today), date=long_date(day))
