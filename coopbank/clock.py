"""What time it is: the one place that asks.

The instant of an operation is UTC and decides nothing; the business date is a row
in the book. A clock is passed in, so that the demonstration runs two simulated
years and a test stands still.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol


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
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
