"""Interest of a lender's note, as the books recognise it.

Interest is simple and runs on the principal owed. A *segment* reaches from one movement
(money out, a payment) to the next; its interest is principal × rate × part of a year,
rounded once. What is recognised within a segment, at a month's end or with a payment, is
always the difference between the rounded whole so far and what was recognised before. So
a payment on its due date bears exactly the interest of its row in the schedule, however
many months were closed in between; and a payment that counts from an earlier day than
one already recognised gives back the difference.

A payment on a day counts up to that day, not the day itself; a close counts its day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from coopbank.bank import records
from coopbank.finance.daycount import year_fraction
from coopbank.money import round_ratio

NOTE_DAY_COUNT: Final = "actual/365"


@dataclass(frozen=True, slots=True)
class Parts:
    """How a payment was shared, in minor units."""

    interest: int
    principal: int


def owed(note: records.Note) -> int:
    """Principal and recognised interest that are owed, in minor units."""
    return note.owed_principal + note.accrued


def recognised(note: records.Note) -> int:
    """All interest that was ever recognised, paid or not."""
    return note.paid_interest + note.accrued


def start_of_segment(note: records.Note) -> date | None:
    """The value date of the last movement; None before money went out."""
    return None if note.segment_start is None else date.fromisoformat(note.segment_start)


def interest_to(note: records.Note, until: date) -> int:
    """Interest of the running segment up to, not including, `until`: rounded once."""
    start = start_of_segment(note)
    if start is None or until <= start or not note.owed_principal:
        return 0
    rate, hundred = Decimal(note.annual_rate).as_integer_ratio()
    years = year_fraction(start, until, NOTE_DAY_COUNT)
    return round_ratio(note.owed_principal * rate * years.numerator, 100 * hundred * years.denominator)


def accrue(note: records.Note, until: date) -> tuple[records.Note, int]:
    """The note with its interest recognised up to `until`, and what is to be posted for it."""
    whole = interest_to(note, until)
    moved = whole - note.segment_accrued
    return _changed(note, accrued=note.accrued + moved, segment_accrued=whole), moved


def accrue_through(note: records.Note, day: date) -> tuple[records.Note, int]:
    """The note recognised through a day, that day included, and what is new; what is recognised later stays."""
    start = start_of_segment(note)
    if start is None or start > day:
        return note, 0
    after, moved = accrue(note, day + timedelta(days=1))
    return (after, moved) if moved > 0 else (note, 0)


def pay(note: records.Note, amount: int, on: date) -> tuple[records.Note, Parts]:
    """The note after a payment that counts on a day: interest first, then principal; a new segment begins.

    Its interest must have been recognised to that day, and the amount be no more than is owed.
    """
    interest = min(amount, note.accrued)
    principal = amount - interest
    assert 0 <= principal <= note.owed_principal, "no more than is owed"
    after = _changed(
        note, accrued=note.accrued - interest, owed_principal=note.owed_principal - principal,
        paid_interest=note.paid_interest + interest, paid_principal=note.paid_principal + principal,
        segment_start=on.isoformat(), segment_accrued=0,
    )  # fmt: skip
    return after, Parts(interest, principal)


def _changed(note: records.Note, **changes: Any) -> records.Note:
    return note.model_copy(update=changes)
