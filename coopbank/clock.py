"""What time it is: the one place that asks.

The instant of an operation is UTC and decides nothing; the business date is a row
in the book. A clock is passed in, so that the demonstration runs two simulated
years and a test stands still.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Anything that knows the time."""

    def now(self) -> datetime:
        """The instant, in UTC."""
        ...

    def today(self) -> date:
        """The date where the bank is."""
        ...


class SystemClock:
    """The computer's own clock; `today` is in the computer's time zone."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def today(self) -> date:
        return datetime.now().astimezone().date()


@dataclass
class SetClock:
    """A clock that stands where it is put, for simulations and tests."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant

    def today(self) -> date:
        return self.instant.date()


def instant_text(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds, the one form that is stored and hashed."""
    there = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return f"{there.isoformat(timespec='microseconds')[:-6]}Z"


def zone_named(name: str) -> tzinfo | None:
    """A time zone by its IANA name, such as America/Chicago; None, the computer's own, for no name or none known."""
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):  # there is none of that name, or this computer knows none at all
        return None


def local_time(instant: str, zone: tzinfo | None) -> datetime:
    """An instant in ISO 8601 as the clock of a zone shows it, None for the computer's own."""
    return datetime.fromisoformat(instant).astimezone(zone)


def zone_shown(zone: tzinfo | None) -> str:
    """A zone's name; of the computer's own, the abbreviations that it goes by."""
    return str(zone) if zone is not None else "/".join(dict.fromkeys(time.tzname))
