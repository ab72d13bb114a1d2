"""Days, months and years: what is open, and the business date.

The business date is the day last opened. A period's state is the latest of its rows,
so that reopening is a new row and nothing is overwritten. A day that is closed ends
posting under that date; a month or year that is locked takes no entry any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from coopbank.database import Transaction
from coopbank.errors import DayClosed

OPEN, ADJUSTING, CLOSED, LOCKED = "open", "adjusting", "closed", "locked"

KEPT = "period_state"
"""Under which the states that were asked for are kept: the table that they stand in."""
_STATE = "(SELECT state FROM period_state WHERE period = ? ORDER BY operation_id DESC LIMIT 1)"


def state(tx: Transaction, period: str) -> str | None:
    """The state of a day ("2026-03-05"), a month ("2026-03") or a year; None when never set."""
    found: str | None = tx.kept.get(KEPT, {}).get(period) if tx.kept else None
    return found or states(tx, (period,))[period]


def states(tx: Transaction, periods: Iterable[str]) -> dict[str, str | None]:
    """The states of several days, months and years, asked at once; those that are kept are not asked for."""
    kept = {} if tx.kept is None else tx.kept.setdefault(KEPT, {})
    found: dict[str, str | None] = {}
    names = []
    for name in periods:
        if name in kept:
            found[name] = kept[name]
        else:
            names.append(name)
    if not names:
        return found
    for start in range(0, len(names), 100):
        part = names[start : start + 100]
        found |= zip(part, tx.rows(f"SELECT {', '.join([_STATE] * len(part))}", *part)[0], strict=True)
    kept.update({name: found[name] for name in names})
    return found


def business_date(tx: Transaction) -> date | None:
    """The day that the last operation was dated on; None in empty books."""
    found = (
        tx.end.business_date
        if tx.end is not None
        else tx.value("SELECT business_date FROM operation ORDER BY id DESC LIMIT 1")
    )
    return None if found is None else date.fromisoformat(found)


def open_day(tx: Transaction) -> date | None:
    """The business date if that day is open for posting, else None."""
    day = business_date(tx)
    return day if day is not None and state(tx, day.isoformat()) == OPEN else None


def require_open_day(tx: Transaction, day: date) -> None:
    """Refuse unless that business day is open."""
    require_open(state(tx, day.isoformat()), day)


def require_open(found: str | None, day: date) -> None:
    """Refuse unless the state found is that of an open business day."""
    if found == CLOSED:
        raise DayClosed(
            "The business day {day} is closed.", field="business_date", day=day,
            hint="Open the next business day first (open-day).",
        )  # fmt: skip
    if found != OPEN:
        raise DayClosed("No business day is open.", field="business_date", hint="Open the day first (open-day).")
