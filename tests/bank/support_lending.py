"""Lending in tests: a fund with money to lend, loans in one line, and a model that knows only the contract."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from coopbank.bank import records
from coopbank.bank.bank import Bank
from coopbank.bank.lending.accounts import account
from coopbank.bank.lending.closing import all_loans
from coopbank.bank.lending.contract import REPORTED
from coopbank.bank.lending.facts import Fact
from coopbank.bank.lending.flows import OWED, OWN, balance, on_leaf, real_fund
from coopbank.bank.lending.position import Position, loan_position
from coopbank.bank.lending.proof import faults_of
from coopbank.clock import SetClock
from coopbank.finance.schedule import schedule
from coopbank.finance.seasonal import read_terms
from coopbank.ledger import periods
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


def lend_to_three(bank: SmallBank) -> None:
    """Money to lend in two funds, and three members, M0001 to M0003."""
    lend_to_us(bank, "40000.00")
    lend_to_us(bank, "20000.00", "GEN")
    for name in ("Mia Lee", "Noa Banks", "Oto Cole"):
        bank.admit(name)


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


def facts(bank: SmallBank, loan: str) -> list[Fact]:
    """What happened to a loan and was not taken back, in the order of value dates."""
    with bank.read() as books:
        return account(books, loan).facts


def story(bank: SmallBank, loan: str) -> tuple[str, dict[str, dict[str, int]], dict[str, Any]]:
    """How a loan stands whatever the numbers of its events: state, what is posted, what is told."""
    body = stored(bank, loan)
    return body.state, body.book, body.told


def visit(bank: SmallBank, day: str | date) -> None:
    """Go to that day, without a drawer, unless it is today."""
    with bank.read() as books:
        today = books.business_date()
    if str(day) != str(today):
        bank.go_to(day, open_drawer=False)


def notes_of(receipt: Any) -> dict[str, str]:
    return dict(receipt.notes)


def assert_replayed(bank: SmallBank) -> None:
    """What the sealed events come to is what is kept of each loan, what is posted, and what the accounts hold."""
    with bank.read() as books:
        for ref, _version, body in all_loans(books):
            assert list(faults_of(account(books, ref))) == []
            for fund in {real_fund(name) for name in body.book}:
                for code in OWN:
                    assert on_leaf(body.book, fund, code) == books.balance(fund, f"{code}/{ref}"), (
                        f"{fund} {code}/{ref}"
                    )
            if body.repayment not in REPORTED and body.accrued_to is not None and body.disbursed_on is not None:
                now = account(books, ref).standing(date.fromisoformat(body.accrued_to))
                held = sum(balance(flows, code, name) for name, flows in body.book.items() for code in OWED)
                assert now.owed == now.principal + now.interest + now.fees == held


def simple_interest(principal: int, rate: str, start: date, end: date) -> int:
    """By actual days over 365, told apart from the bank's own arithmetic."""
    return round_minor(Fraction(principal) * Fraction(Decimal(rate)) / 100 * (end - start).days / 365)


def close_months_before(bank: SmallBank, day: date) -> None:
    """Close every month that is over and not closed yet."""
    with bank.read() as books:
        months = [m for (m,) in books.tx.rows("SELECT DISTINCT span FROM control_total WHERE length(span) = 7")]
        named = [m for (m,) in books.tx.rows("SELECT DISTINCT period FROM period_state WHERE length(period) = 7")]
        locked = {month for month in named if periods.state(books.tx, month) == periods.LOCKED}
    month = min(months)
    while month < f"{day:%Y-%m}":
        if month not in locked:
            bank.agreed("close-month", by=bank.tom, approver=bank.sue, month=month)
        month = f"{date.fromisoformat(month + '-28') + timedelta(days=5):%Y-%m}"


def plan_of(bank: SmallBank, loan: str) -> Any:
    """The schedule drawn by the calculator from the contract, not by the bank."""
    body = stored(bank, loan)
    with bank.read() as books:
        document = books.get(records.LoanTerms, loan).document
    out = [{"date": body.disbursed_on, "amount": bank.text(body.principal)}]
    return schedule(read_terms({**document, "disbursements": out})).rows
