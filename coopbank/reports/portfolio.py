"""The loan portfolio: each loan as it stood on a day, by how late it is, and what of it is at risk.

PAR30 and PAR90 are the principal of loans with anything more than 30 or 90 days late,
over the principal of all loans (CGAP's consensus definition). Both parts are kept, so that a ratio
can be checked and added up over funds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.money import round_ratio
from coopbank.reports.document import Minor, Source, source
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.bank.lending.position import Position


@dataclass(frozen=True, slots=True)
class PortfolioLoan:
    """A loan on a day; all amounts are what the borrower owes or paid, positive."""

    ref: str
    member: str
    name: str
    fund: str
    purpose: str
    state: str
    annual_rate: str
    agreed: Minor
    owed: Minor  # principal
    accrued: Minor  # interest unpaid to the day
    due_now: Minor
    days_late: int
    next_due: date | None
    next_amount: Minor
    last_due: date


@dataclass(frozen=True, slots=True)
class Bucket:
    """Loans that are late by so many days."""

    name: str
    from_days: int
    to_days: int | None
    loans: int
    owed: Minor
    due_now: Minor


@dataclass(frozen=True, slots=True)
class Portfolio:
    """All loans that were granted or owed on a day. Ratios are in hundredths of a percent (1234 is 12.34 %)."""

    source: Source
    as_of: date
    loans: tuple[PortfolioLoan, ...]
    buckets: tuple[Bucket, ...]
    owed: Minor
    accrued: Minor
    due_now: Minor
    granted: Minor  # granted and not yet paid out
    at_risk_30: Minor
    at_risk_90: Minor
    par30_bp: int
    par90_bp: int


def portfolio(books: Books, as_of: date | None = None) -> Portfolio:
    """The loans as the books had them at the end of a day; on the business date if no day is given."""
    # not on top: the other reports need not wait for it
    from coopbank.bank.lending.accounts import LoanAccount
    from coopbank.bank.lending.position import position

    origin = source(books)
    day = as_of or origin.business_date or date.min
    found = [
        position(LoanAccount(books, ref, loan, origin.currency, known_by=day), day)
        for ref, loan in _loans_on(books, day)
        if loan.state in ("granted", "active")
    ]
    out = [at for at in found if at.state == "active"]
    owed = sum(at.owed_principal for at in out)
    risk = {days: sum(at.owed_principal for at in out if at.days_late > days) for days in (30, 90)}
    return Portfolio(
        source=origin, as_of=day, loans=tuple(_loan(books, at) for at in found), buckets=_buckets(out),
        owed=owed, accrued=sum(at.interest_to_date for at in out), due_now=sum(at.due_now for at in out),
        granted=sum(at.loan.principal for at in found if at.state == "granted"),
        at_risk_30=risk[30], at_risk_90=risk[90], par30_bp=_ratio(risk[30], owed), par90_bp=_ratio(risk[90], owed),
    )  # fmt: skip


def _loans_on(books: Books, day: date) -> list[tuple[str, records.Loan]]:
    """Every loan as what was posted up to that day left it."""
    rows = books.tx.rows(
        "SELECT r.ref, r.body FROM record r WHERE r.kind = ? AND r.version = (SELECT max(l.version) FROM record l"
        " JOIN operation o ON o.id = l.operation_id WHERE l.kind = r.kind AND l.ref = r.ref AND o.business_date <= ?)"
        " ORDER BY r.ref",
        records.Loan.kind, day.isoformat(),
    )  # fmt: skip
    loans = ((ref, records.Loan.model_validate_json(text)) for ref, text in rows)
    return [(ref, loan) for ref, loan in loans if not loan.void]


def _loan(books: Books, at: Position) -> PortfolioLoan:
    return PortfolioLoan(
        ref=at.ref, member=at.loan.member, name=books.member_name(at.loan.member), fund=at.loan.fund,
        purpose=at.loan.purpose, state=at.state, annual_rate=at.loan.annual_rate, agreed=at.loan.principal,
        owed=at.owed_principal, accrued=at.interest_to_date, due_now=at.due_now, days_late=at.days_late,
        next_due=at.next_due, next_amount=at.next_amount, last_due=at.last_due,
    )  # fmt: skip


def _buckets(loans: list[Position]) -> tuple[Bucket, ...]:
    edges = [
        (_("not late"), 0, 0),
        (_("1 to 30 days late"), 1, 30),
        (_("31 to 60 days late"), 31, 60),
        (_("61 to 90 days late"), 61, 90),
        (_("more than 90 days late"), 91, None),
    ]
    return tuple(_bucket(name, low, high, loans) for name, low, high in edges)


def _bucket(name: str, low: int, high: int | None, loans: list[Position]) -> Bucket:
    inside = [at for at in loans if at.days_late >= low and (high is None or at.days_late <= high)]
    return Bucket(
        name, low, high, len(inside), sum(at.owed_principal for at in inside), sum(at.due_now for at in inside)
    )


def _ratio(part: int, whole: int) -> int:
    return round_ratio(part * 10_000, whole) if whole else 0
