"""The year, for the members' assembly: what was lent and to whom by kind, what came back, what it cost, what is next.

All from the books; nothing names a borrower who is a person, or anybody who was helped. Amounts are positive as
they are named.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.errors import InvalidDate
from coopbank.finance.periods import add_months
from coopbank.money import round_ratio
from coopbank.reports.annual_commons import Bore, Decisions, decisions, losses_borne
from coopbank.reports.document import Minor, Source, source
from coopbank.reports.financial import FundPosition, Income, fund, income
from coopbank.reports.jobs import jobs
from coopbank.reports.movements import balances_before, leaf_of
from coopbank.reports.place import PlaceShare
from coopbank.reports.portfolio import portfolio
from coopbank.reports.register_book import RegisterSummary, summaries
from coopbank.reports.revolving import MonthLent, lent_by_month
from coopbank.reports.solidarity import AidKindRow, solidarity
from coopbank.reports.surplus import SurplusReport, surplus
from coopbank.reports.totals import movements
from coopbank.words import _, translate

_INTEREST = ("111", "116", "119")


@dataclass(frozen=True, slots=True)
class LentKind:
    """Loans of a kind that were paid out in the year."""

    name: str
    loans: int
    amount: Minor


@dataclass(frozen=True, slots=True)
class AnnualReport:
    """A year of the institution. `cost_bp`: interest received for what was out on average, hundredths of a percent."""

    source: Source
    year: int
    start: date
    end: date  # the year's last day, or the business date
    complete: bool
    members_before: int
    members_joined: int
    members_left: int
    members: int
    organisations: int
    shares: Minor
    savings: Minor
    loans_made: int
    lent: Minor
    came_back: Minor
    by_product: tuple[LentKind, ...]
    by_borrower: tuple[LentKind, ...]
    outstanding: Minor
    loans_out: int
    interest: Minor
    cost_bp: int
    charged_off: Minor
    recovered: Minor
    allowance: Minor
    at_risk_30: Minor
    par30_bp: int
    deferred: Minor
    modified: Minor
    income: Income
    income_before: Income | None
    surplus: Minor
    surplus_before: Minor
    months: tuple[MonthLent, ...]
    funds: tuple[FundPosition, ...]
    promised: Minor  # granted and not yet paid out
    due_next_year: Minor  # principal that schedules ask for in the twelve months after
    notes_due: Minor  # lenders' notes that fall due in them
    free: Minor  # cash of all funds that is not promised
    aid: tuple[AidKindRow, ...]  # what the solidarity fund gave, by kind of need
    registers: tuple[RegisterSummary, ...]  # the bank's own, entries of the year; those without any left out
    jobs_created: Decimal  # of borrowers, as of the year's end
    jobs_retained: Decimal
    share: PlaceShare | None  # of the place's jobs and product, where its figures are given
    division: SurplusReport | None  # of the year's surplus, as proposed or as voted
    decisions: Decisions
    borne: tuple[Bore, ...]  # who bore the year's losses


def annual(books: Books, year: int) -> AnnualReport:
    """The year of the institution, as far as the books have come; refuses one that they have not begun."""
    origin = source(books)
    today = origin.business_date or date(year, 12, 31)
    start, end = date(year, 1, 1), min(date(year, 12, 31), today)
    if start > today:
        raise InvalidDate(
            "{year} has not begun; the books stand at {today}.", field="year", year=year, today=today,
            hint="Choose a year that the books have reached.",
        )  # fmt: skip
    at, nets = portfolio(books, end), _nets(books, end)
    told = income(books, start, end)
    before = _before(books, year)
    months = lent_by_month(books, end, end.month)
    loans = [(ref, body) for ref, body in books.every(records.Loan) if _within(body.disbursed_on, start, end)]
    advanced = _advanced(books, (ref for ref, _body in loans), start, end)
    moved = _moved(books, start, end)
    leavers, last = _leavers(books), end.isoformat()
    members = [
        body for ref, body in books.every(records.Member) if body.joined_on <= last and leavers.get(ref, "9") > last
    ]
    left = sum(start.isoformat() <= day <= last for day in leavers.values())
    positions = tuple(each for each in fund(books, "all", end).funds if each.balance or each.lent or each.claim)
    average = sum(month.outstanding for month in months) // max(len(months), 1)
    interest = -sum(row.combined for row in told.income.rows if row.code in _INTEREST)
    joined = sum(
        body.joined_on >= start.isoformat() for _ref, body in books.every(records.Member) if body.joined_on <= last
    )
    now, work = len(members), jobs(books, end)
    return AnnualReport(
        source=origin, year=year, start=start, end=end, complete=today >= date(year, 12, 31),
        members_before=now - joined + left, members_joined=joined, members_left=left, members=now,
        organisations=sum(body.entity == "organisation" for body in members),
        shares=-nets["901"] - nets["903"], savings=-nets["905"], loans_made=len(loans),
        lent=sum(month.out for month in months), came_back=sum(month.back for month in months),
        by_product=_by_product(books, loans, advanced), by_borrower=_by_borrower(books, loans, advanced),
        outstanding=at.owed, loans_out=sum(loan.state == "active" for loan in at.loans), interest=interest,
        cost_bp=round_ratio(interest * 10_000 * 12, average * len(months)) if average > 0 else 0,
        charged_off=moved["off"], recovered=moved["recovered"], allowance=-nets["719"], at_risk_30=at.at_risk_30,
        par30_bp=at.par30_bp, deferred=at.deferred, modified=at.modified, income=told, income_before=before,
        surplus=-told.combined, surplus_before=0 if before is None else -before.combined, months=months,
        funds=positions, promised=nets["M40"], due_next_year=_due_next_year(books, end),
        notes_due=_notes_due(books, end), free=sum(each.free for each in positions),
        aid=solidarity(books, start, end).kinds,
        registers=tuple(each for each in summaries(books, start, end) if each.entries),
        jobs_created=work.created, jobs_retained=work.retained, share=work.share,
        division=surplus(books, str(year)) if books.find(records.Surplus, str(year)) else None,
        decisions=decisions(books, start, end), borne=losses_borne(books, start, end),
    )  # fmt: skip


def _within(day: str | None, start: date, end: date) -> bool:
    return day is not None and start.isoformat() <= day <= end.isoformat()


def _nets(books: Books, end: date) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for (gl_code, _fund, _currency), (debit, credit) in movements(books.tx, None, end).items():
        found[gl_code] += debit - credit
    return found


def _before(books: Books, year: int) -> Income | None:
    """The year before, if the books had begun."""
    founded = date.fromisoformat(books.tx.value("SELECT business_date FROM operation WHERE id = 1"))
    return income(books, date(year - 1, 1, 1), date(year - 1, 12, 31)) if founded.year < year else None


def _advanced(books: Books, refs: Iterable[str], start: date, end: date) -> dict[str, int]:
    """What was paid out on each loan in a period."""
    found: dict[str, int] = {}
    for ref in refs:
        events = (body for _ref, body in books.about(records.LoanEvent, ref))
        found[ref] = sum(
            int(body.data["amount"]) for body in events if body.type == "advance" and _within(body.on, start, end)
        )
    return found


def _moved(books: Books, start: date, end: date) -> dict[str, int]:
    """Principal charged off in a period, and what was recovered of loans that had been."""
    off = books.tx.value(
        "SELECT sum(-p.amount) FROM posting p JOIN account a ON a.id = p.account_id JOIN entry e ON e.id = p.entry_id"
        " JOIN operation o ON o.id = e.operation_id WHERE a.gl_code = '701' AND o.kind = 'charge-off'"
        " AND e.effective_on BETWEEN ? AND ?",
        start.isoformat(), end.isoformat(),
    )  # fmt: skip
    recovered = books.tx.value(
        "SELECT sum(-p.amount) FROM posting p JOIN account a ON a.id = p.account_id JOIN entry e ON e.id = p.entry_id"
        " JOIN operation o ON o.id = e.operation_id WHERE a.gl_code = '719' AND o.kind = 'repay-loan'"
        " AND e.effective_on BETWEEN ? AND ?",
        start.isoformat(), end.isoformat(),
    )  # fmt: skip
    return {"off": int(off or 0), "recovered": int(recovered or 0)}


def _leavers(books: Books) -> dict[str, str]:
    """The day on which each member who has left did so."""
    rows = books.tx.rows(
        "SELECT r.ref, max(o.business_date) FROM record r JOIN operation o ON o.id = r.operation_id"
        " WHERE r.kind = ? GROUP BY r.ref",
        records.Member.kind,
    )
    latest = dict(rows)
    return {ref: latest[ref] for ref, body in books.every(records.Member) if body.status == "left"}


def _by_product(books: Books, loans: list[tuple[str, records.Loan]], advanced: dict[str, int]) -> tuple[LentKind, ...]:
    named: dict[str, list[str]] = defaultdict(list)
    titles: dict[str, str] = {}
    for ref, body in loans:
        if body.product not in titles:
            product = books.find(records.Product, body.product)
            titles[body.product] = translate(product.title) if product else body.product
        named[titles[body.product]].append(ref)
    return _kinds(named, advanced)


def _by_borrower(books: Books, loans: list[tuple[str, records.Loan]], advanced: dict[str, int]) -> tuple[LentKind, ...]:
    """Co-operatives and other organisations, and people; nobody is named."""
    named: dict[str, list[str]] = defaultdict(list)
    for ref, body in loans:
        entity = books.get(records.Member, body.member, "member").entity
        named[_("Co-operatives and organisations") if entity == "organisation" else _("People")].append(ref)
    return _kinds(named, advanced)


def _kinds(named: dict[str, list[str]], advanced: dict[str, int]) -> tuple[LentKind, ...]:
    found = [LentKind(name, len(refs), sum(advanced[ref] for ref in refs)) for name, refs in named.items()]
    return tuple(sorted(found, key=lambda kind: (-kind.amount, kind.name)))


def _due_next_year(books: Books, end: date) -> int:
    """Principal of the rows that fall due in the twelve months after a day; shares of surplus are not foreseen."""
    # not on top: it takes long to load
    from coopbank.bank.lending.delinquency import loans_on
    from coopbank.bank.lending.position import loan_position

    until = add_months(end, 12)
    total = 0
    for ref, body in loans_on(books, end):
        if body.state == "active" and body.repayment == "schedule":
            rows = loan_position(books, ref, end).rows
            total += sum(row.principal for row in rows if end < row.due <= until)
    return total


def _notes_due(books: Books, end: date) -> int:
    """What is owed at the end on the notes that fall due in the twelve months after it."""
    until = add_months(end, 12).isoformat()
    due = [ref for ref, note in books.every(records.Note) if end.isoformat() < note.due_on <= until]
    owed = {ref: leaf_of(books, "811", ref) for ref in due}
    leaves = [leaf for leaf in owed.values() if leaf is not None]
    return -sum(balances_before(books.tx, leaves, end + timedelta(days=1)).values())
