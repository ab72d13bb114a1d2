"""Interest of one debt, a loan or a note, as the books recognise it.

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
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeVar, cast

from coopbank.bank import records
from coopbank.finance.daycount import year_fraction
from coopbank.finance.elapsed import years_between
from coopbank.finance.terms import LoanTerms
from coopbank.money import round_ratio

Debt = records.Loan | records.Note
D = TypeVar("D", bound=Debt)

NOTE_DAY_COUNT = "actual/365"


@dataclass(frozen=True, slots=True)
class Parts:
    """How a payment was shared, in minor units."""

    interest: int
    principal: int


def owed(debt: Debt) -> int:
    """Principal and recognised interest that are owed, in minor units."""
    return debt.owed_principal + debt.accrued


def recognised(debt: Debt) -> int:
    """All interest that was ever recognised, paid or not."""
    return debt.paid_interest + debt.accrued


def start_of_segment(debt: Debt) -> date | None:
    """The value date of the last movement; None before money went out."""
    return None if debt.segment_start is None else date.fromisoformat(debt.segment_start)


def interest_to(debt: Debt, until: date) -> int:
    """Interest of the running segment up to, not including, `until`: rounded once."""
    start = start_of_segment(debt)
    if start is None or until <= start or not debt.owed_principal:
        return 0
    rate, hundred = Decimal(debt.annual_rate).as_integer_ratio()
    years = _years(debt, start, until)
    return round_ratio(debt.owed_principal * rate * years.numerator, 100 * hundred * years.denominator)


def accrue(debt: D, until: date) -> tuple[D, int]:
    """The debt with its interest recognised up to `until`, and what is to be posted for it."""
    whole = interest_to(debt, until)
    moved = whole - debt.segment_accrued
    return _changed(debt, accrued=debt.accrued + moved, segment_accrued=whole), moved


def accrue_through(debt: D, day: date) -> tuple[D, int]:
    """The debt recognised through a day, that day included, and what is new; what is recognised later stays."""
    start = start_of_segment(debt)
    if start is None or start > day:
        return debt, 0
    after, moved = accrue(debt, day + timedelta(days=1))
    return (after, moved) if moved > 0 else (debt, 0)


def pay(debt: D, amount: int, on: date) -> tuple[D, Parts]:
    """The debt after a payment that counts on a day: interest first, then principal; a new segment begins.

    Its interest must have been recognised to that day, and the amount be no more than is owed.
    """
    interest = min(amount, debt.accrued)
    principal = amount - interest
    assert 0 <= principal <= debt.owed_principal, "no more than is owed"
    after = _changed(
        debt, accrued=debt.accrued - interest, owed_principal=debt.owed_principal - principal,
        paid_interest=debt.paid_interest + interest, paid_principal=debt.paid_principal + principal,
        segment_start=on.isoformat(), segment_accrued=0,
    )  # fmt: skip
    return after, Parts(interest, principal)


def _changed(debt: D, **changes: Any) -> D:
    return cast(D, debt.model_copy(update=changes))


def _years(debt: Debt, start: date, end: date) -> Fraction:
    if isinstance(debt, records.Note):
        return year_fraction(start, end, "actual/365")
    if debt.day_count.startswith("actual/"):
        return year_fraction(start, end, debt.day_count)  # type: ignore[arg-type]
    assert debt.disbursed_on is not None, "interest runs from the disbursement"
    every = tuple(debt.every.items())
    clock = _clock_terms(debt.disbursed_on, debt.first_due, debt.installments, every, debt.day_count)
    return years_between(clock, start, end)


@lru_cache(maxsize=4096)
def _clock_terms(
    disbursed_on: str, first_due: str | None, installments: int, every: tuple[tuple[str, int], ...], day_count: str
) -> LoanTerms:
    """Terms that say when a loan's rows begin and end; amount and rate do not matter to its clock."""
    document = {
        "disbursements": [{"date": disbursed_on, "amount": "1"}], "annual_rate": "0", "installments": installments,
        "every": dict(every), "first_due": first_due, "day_count": day_count,
    }  # fmt: skip
    return LoanTerms.read(document)
