"""Lending in tests: a fund with money to lend, loans in one line, and a model that knows only the contract."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from coopbank.bank import records
from coopbank.bank.accrual import owed
from coopbank.bank.bank import Bank
from coopbank.bank.loans import Position, loan_events, loan_position, replay
from coopbank.clock import SetClock
from coopbank.finance.schedule import schedule
from coopbank.finance.terms import LoanTerms
from coopbank.money import round_minor
from tests.support_bank import SmallBank

TERMS: dict[str, Any] = {"principal": "12000.00", "annual_rate": "7.25", "installments": 24, "every": {"months": 1}}


def copy_of(founded: Path, place: Path) -> SmallBank:
    """A copy of a founded SQLite bank that stands at its first day."""
    clock = SetClock(datetime(2026, 3, 2, 18, tzinfo=UTC))
    return SmallBank(Bank.open(str(shutil.copy(founded, place)), clock=clock), clock)


def lend_to_us(bank: SmallBank, amount: str = "20000.00", fund: str = "RLF") -> str:
    note = {"lender": "Ann", "annual_rate": "2", "due_on": "2036-01-01", "fund": fund}
    return bank.agreed("issue-note", by=bank.tom, approver=bank.sue, amount=amount, **note).created[0]


def grant(bank: SmallBank, member: str, **changes: Any) -> str:
    return bank.agreed("grant-loan", member=member, **{**TERMS, **changes}).created[0]


def lent(bank: SmallBank, member: str, **changes: Any) -> str:
    loan = grant(bank, member, **changes)
    bank.do("disburse-loan", by=bank.tom, loan=loan)
    return loan


def stored(bank: SmallBank, loan: str) -> records.Loan:
    with bank.read() as books:
        return books.get(records.Loan, loan)


def standing(bank: SmallBank, loan: str, day: str) -> Position:
    with bank.read() as books:
        return loan_position(books, loan, date.fromisoformat(day))


def visit(bank: SmallBank, day: str | date) -> None:
    """Go to that day, without a drawer, unless it is today."""
    with bank.read() as books:
        today = books.business_date()
    if str(day) != str(today):
        bank.go_to(day, open_drawer=False)


def notes_of(receipt: Any) -> dict[str, str]:
    return dict(receipt.notes)


def assert_replayed(bank: SmallBank) -> None:
    """What the sealed requests come to is what the books keep, and what the accounts hold."""
    currency = bank.bank.institution.currency
    with bank.read() as books:
        for ref, events in loan_events(books).items():
            told = replay(events, currency)
            kept = books.find(records.Loan, ref)
            assert told == kept
            if kept is not None:
                assert owed(kept) == books.balance(kept.fund, f"701/{ref}") + books.balance(kept.fund, f"781/{ref}")
                assert kept.owed_principal == books.balance(kept.fund, f"701/{ref}")


def simple_interest(principal: int, rate: str, start: date, end: date) -> int:
    """By actual days over 365, told apart from the bank's own arithmetic."""
    return round_minor(Fraction(principal) * Fraction(Decimal(rate)) / 100 * (end - start).days / 365)


def close_months_before(bank: SmallBank, day: date) -> None:
    """Close every month that is over and not closed yet."""
    with bank.read() as books:
        months = [m for (m,) in books.tx.rows("SELECT DISTINCT span FROM control_total WHERE length(span) = 7")]
        locked = {m for (m,) in books.tx.rows("SELECT period FROM period_state WHERE state = 'locked'")}
    month = min(months)
    while month < f"{day:%Y-%m}":
        if month not in locked:
            bank.agreed("close-month", by=bank.tom, approver=bank.sue, month=month)
        month = f"{date.fromisoformat(month + '-28') + timedelta(days=5):%Y-%m}"


def plan_of(bank: SmallBank, loan: str) -> Any:
    """The schedule drawn by the calculator from the contract, not by the bank."""
    body = stored(bank, loan)
    terms = {
        "disbursements": [{"date": body.disbursed_on, "amount": bank.text(body.principal)}],
        "annual_rate": body.annual_rate, "installments": body.installments, "every": body.every,
        "day_count": body.day_count, **({"first_due": body.first_due} if body.first_due else {}),
    }  # fmt: skip
    return schedule(LoanTerms.read(terms)).rows
