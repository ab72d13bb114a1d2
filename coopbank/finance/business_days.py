"""When a bank is closed, by the calendars of the optional `holidays` library.

    move = mover("following", closed_days("US", "MS"))
    schedule(terms, move=move)

moves each due date off Saturdays, Sundays and the holidays of Mississippi. Dates
move and amounts do not: interest is counted by the dates that the terms say, as
12 CFR 1026.17(c)(3) allows.

The library knows each country's own weekend, and the years from one to another;
a day beyond them is refused, because there every holiday would look like a working day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from coopbank.errors import InvalidTerms, WrongUsage
from coopbank.finance.periods import BusinessDayRule, Closed, adjust
from coopbank.money import quoted

__all__ = ["closed_days", "mover"]

IsClosed = Callable[[dt.date], bool]


def closed_days(country: str, subdivision: str | None = None) -> IsClosed:
    """Whether a day is a weekend day or public holiday of a country, or of a part of it (`"US", "MS"`).

    Codes are those of ISO 3166. Raises `WrongUsage`: field `holidays` when the library is
    not installed or does not know the country, `subdivision` for a part it does not know.
    The function raises `InvalidTerms` (field `holidays`) for
    a year that the calendar does not reach.
    """
    calendar = _calendar(country, subdivision)

    def is_closed(day: dt.date) -> bool:
        if not calendar.start_year <= day.year <= calendar.end_year:
            raise InvalidTerms(
                "The holidays of {country} are known from {first} to {last} only, not on {day}.",
                field="holidays",
                hint="Leave the holidays out, or draw up a shorter loan.",
                country=country,
                first=calendar.start_year,
                last=calendar.end_year,
                day=day.isoformat(),
            )
        return not calendar.is_working_day(day)

    return is_closed


def mover(rule: BusinessDayRule, closed: Closed = frozenset()) -> Callable[[dt.date], dt.date]:
    """What `schedule` takes as `move`: each day sent where the rule says, see `periods.adjust`.

    Without `closed` the bank is closed on Saturdays and Sundays.
    """
    return lambda day: adjust(day, rule, closed)


def _calendar(country: str, subdivision: str | None) -> Any:
    try:
        import holidays
    except ImportError:
        raise WrongUsage(
            "Holidays need the package holidays, which is not installed.",
            field="holidays",
            hint="Install it with: pip install 'coopbank[holidays]'",
        ) from None
    known = holidays.list_supported_countries()
    if country not in known:
        raise WrongUsage(
            "There is no calendar of {country}.",
            field="holidays",
            hint="Write the two letters of a country, such as US.",
            country=quoted(country),
        )
    if subdivision is not None and subdivision not in known[country]:
        raise WrongUsage(
            "The calendar of {country} knows no part {subdivision}.",
            field="subdivision",
            hint="It knows {known}.",
            country=country,
            subdivision=quoted(subdivision),
            known=", ".join(known[country]) or "none",
        )
    return holidays.country_holidays(country, subdiv=subdivision)
