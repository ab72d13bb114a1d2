"""What a fund will have to lend: every payment that is agreed or expected, day by day, for months to come.

Two lines are drawn, and nothing is hidden between them:

    cautious    what is agreed: payments by schedule of loans that are not more than 90 days late, what reports have
                made due, notes and their interest on their day, all that is promised to borrowers paid out tomorrow,
                bills, the budget's expenses
    hopeful     besides: what is late comes in within a month; loans repaid by surplus or revenue pay as their last
                report made them, period after period; the budget's income comes in; lines of credit are not drawn

A loan repaid by a share of surplus owes nothing before there is a surplus, so the cautious line has nothing of it but
what an accepted report has made due. "When can we lend this much?" is the first day from which the line never falls
below it within the months that were looked at; what the new loan itself brings back is not counted.

Cash is the fund's claim on pooled cash, which is what a loan can be granted from; accounts of its own are told beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from coopbank.bank import records
from coopbank.bank.accrual import accrue
from coopbank.bank.books import B, Books
from coopbank.bank.budgeting import budget_ref
from coopbank.bank.lending.reported import ReportedRun
from coopbank.errors import InvalidDate, InvalidValue
from coopbank.finance.depreciation import spread
from coopbank.finance.periods import add_months
from coopbank.money import split
from coopbank.reports.dates import month_bounds
from coopbank.reports.document import Minor, Source, source
from coopbank.reports.totals import controls, movements, require_fund
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.bank.lending.accounts import LoanAccount
    from coopbank.bank.lending.position import Position
    from coopbank.reports.portfolio import SeenLoan

MOST_MONTHS: Final = 120
LAST_DAY: Final = date(9988, 12, 31)  # from which all these months still have a name
DOUBTFUL: Final = 90  # days late; the cautious line has nothing of such a loan
_DAY: Final = timedelta(days=1)
#: Income that schedules bring already, and expense that is no payment or is reckoned apart.
_COUNTED: Final = frozenset({"111", "116", "117", "119", "301", "330", "341", "350"})

SCHEDULE, LATE, REPORTS, PROMISED, NOTES, BILLS, BUDGET = (
    "schedule", "late", "reports", "promised", "notes", "bills", "budget",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Expected:
    """A payment to come: money in positive, out below zero. `line` is cautious, hopeful or both."""

    on: date
    kind: str  # schedule, late, reports, promised, notes, bills, budget
    about: str
    amount: Minor
    line: str = "both"


@dataclass(frozen=True, slots=True)
class MonthAhead:
    """A calendar month, the first as far as it is still to come. Amounts by kind, and what is there at its end."""

    first: date
    last: date
    cautious: dict[str, Minor]
    hopeful: dict[str, Minor]
    comes: Minor  # of the cautious line, all kinds that bring something
    goes: Minor  # and all that take something, below zero
    cautious_end: Minor
    hopeful_end: Minor
    cautious_lowest: Minor  # on any day of the month
    hopeful_lowest: Minor


@dataclass(frozen=True, slots=True)
class Lendable:
    """From which day on an amount can be lent; None where that is not within the months looked at."""

    amount: Minor
    cautious: date | None
    hopeful: date | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """A fund's cash for months to come."""

    source: Source
    fund: str
    fund_name: str
    as_of: date
    until: date
    cash: Minor
    own_cash: Minor  # in accounts of its own, counted in nothing
    months: tuple[MonthAhead, ...]
    expected: tuple[Expected, ...]
    lend: Lendable | None
    lendable: tuple[Minor, Minor]  # at once: the lowest of each line, or nothing
    notes: tuple[str, ...]  # what was assumed


def forecast(
    books: Books, fund: str, as_of: date | None = None, months: int = 24, lend: int | None = None
) -> Forecast:  # fmt: skip
    """The fund's cash of each month to come; and from which day on `lend` minor units can be lent."""
    column = require_fund(books.tx, fund)
    if not 1 <= months <= MOST_MONTHS:
        raise InvalidValue("Choose from 1 to {most} months.", field="months", most=MOST_MONTHS)
    if lend is not None and lend <= 0:
        raise InvalidValue("The amount must be more than zero.", field="lend")
    origin = source(books)
    day = as_of or origin.business_date or date.min
    if day > LAST_DAY:
        raise InvalidDate("{day} is too far ahead to look beyond it.", field="as_of", day=day, last=LAST_DAY,
                          hint="Choose a day up to {last}.")  # fmt: skip
    until = month_bounds(add_months((day + _DAY).replace(day=1), months - 1))[1]
    own: dict[str, int] = {}
    for (code, of, _currency), (debit, credit) in movements(books.tx, None, day).items():
        if of == fund:
            own[code] = own.get(code, 0) + debit - credit
    assumed: list[str] = []
    found = [
        *_loans(books, fund, day, until, origin), *_notes(books, fund, day, until), *_fund_loans(books, fund, day),
        *_bills(own, day), *_budget(books, fund, day, until, assumed),
    ]  # fmt: skip
    found = sorted((each for each in found if each.amount and each.on <= until), key=lambda e: (e.on, e.kind, e.about))
    cash = own.get("729", 0)
    lines = {name: _balances(found, name, cash, day) for name in ("cautious", "hopeful")}
    return Forecast(
        source=origin, fund=fund, fund_name=column.name, as_of=day, until=until, cash=cash,
        own_cash=sum(own.get(code, 0) for code in ("731", "735", "739")),
        months=tuple(_months(found, lines, day, until, cash)), expected=tuple(found),
        lend=None if lend is None else Lendable(lend, *(_since(lines[name], lend) for name in lines)),
        lendable=(_lowest(lines["cautious"]), _lowest(lines["hopeful"])), notes=tuple(assumed),
    )  # fmt: skip


# -------------------------------------------------------------------------------------------- lines


def _balances(found: Sequence[Expected], line: str, cash: int, day: date) -> list[tuple[date, int]]:
    """What is there at the end of that day, and of every later one on which something moves."""
    balances = [(day, cash)]
    for each in found:
        if each.line not in ("both", line):
            continue
        after = balances[-1][1] + each.amount
        if balances[-1][0] == each.on:
            balances[-1] = (each.on, after)
        else:
            balances.append((each.on, after))
    return balances


def _since(balances: Sequence[tuple[date, int]], amount: int) -> date | None:
    """The first day from which the balance is never below an amount again."""
    found = None
    for on, balance in reversed(balances):
        if balance < amount:
            break
        found = on
    return found


def _lowest(balances: Sequence[tuple[date, int]]) -> int:
    return max(0, min(balance for _on, balance in balances))


def _months(
    found: Sequence[Expected], lines: Mapping[str, Sequence[tuple[date, int]]], day: date, until: date, cash: int
) -> Iterator[MonthAhead]:  # fmt: skip
    ends = dict.fromkeys(lines, cash)
    first = day + _DAY
    while first <= until:
        last = month_bounds(first)[1]
        sums: dict[str, dict[str, int]] = {name: {} for name in lines}
        lowest = dict(ends)
        for name, of_line in sums.items():
            for each in found:
                if first <= each.on <= last and each.line in ("both", name):
                    of_line[each.kind] = of_line.get(each.kind, 0) + each.amount
            for on, balance in lines[name]:
                if first <= on <= last:
                    ends[name], lowest[name] = balance, min(lowest[name], balance)
        comes, goes = (sum(x for x in sums["cautious"].values() if (x > 0) == up) for up in (True, False))
        yield MonthAhead(first, last, sums["cautious"], sums["hopeful"], comes, goes, ends["cautious"],
                         ends["hopeful"], lowest["cautious"], lowest["hopeful"])  # fmt: skip
        first = last + _DAY


# -------------------------------------------------------------------------------------------- loans


def _loans(books: Books, fund: str, day: date, until: date, origin: Source) -> Iterator[Expected]:
    # not on top: they take long to load
    from coopbank.bank.lending.position import position
    from coopbank.reports.portfolio import read_loans

    for seen in read_loans(books, day, origin):
        body = seen.account.body
        if fund not in body.funds or body.state == "charged-off":
            continue
        at = position(seen.account, day)
        for each in _of_loan(seen, at, day, until):
            yield Expected(each.on, each.kind, each.about, _part(body, fund, each.amount), each.line)


def _part(body: records.Loan, fund: str, amount: int) -> int:
    """The fund's own part of it; what a peer has paid in to be lent stands in 831, among what is owed."""
    shares = body.shares
    return split(amount, list(shares.values()))[list(shares).index(fund)]


def _of_loan(seen: SeenLoan, at: Position, day: date, until: date) -> Iterator[Expected]:
    """What the whole loan is expected to bring and to take."""
    tomorrow, soon = day + _DAY, add_months(day, 1)
    promised = at.standing.committed
    if promised:
        is_line = at.loan.repayment == "line"
        yield Expected(tomorrow, PROMISED, at.ref, -promised, "cautious" if is_line else "both")
    if seen.account.is_reported:
        yield from _by_reports(seen.account, at, tomorrow, until)
        return
    doubtful = seen.late.days > DOUBTFUL
    if at.due_now:
        yield Expected(soon, LATE, at.ref, at.due_now, "hopeful")
    if at.loan.repayment == "line":
        back = at.owed_principal + promised
        if back and at.last_due > day:
            yield Expected(at.last_due, SCHEDULE, at.ref, at.owed_principal + promised, "cautious")
            yield Expected(at.last_due, SCHEDULE, at.ref, at.owed_principal, "hopeful")
        return
    for row in at.rows:
        if row.due > day and row.state == "open":
            yield Expected(row.due, SCHEDULE, at.ref, row.payment - row.paid, "hopeful" if doubtful else "both")


def _by_reports(loan: LoanAccount, at: Position, tomorrow: date, until: date) -> Iterator[Expected]:
    """What reports made due; and, hopeful, the last report's payment again after every period."""
    owed, last = at.payoff, None
    for row in at.periods:
        if row.unpaid and row.due_on is not None:
            yield Expected(max(row.due_on, tomorrow), REPORTS, at.ref, row.unpaid)
            owed -= row.unpaid
        if row.accepted_on is not None:
            last = row
    if last is None or last.ceiling <= 0:
        return
    run, document, number = loan.run(), at.contract.document, last.number
    assert isinstance(run, ReportedRun)
    wait = timedelta(days=int(document.get("report_days", 90)) + int(document.get("payment_days", 30)))
    while owed > 0:
        number += 1
        end = run.end_of(number, at.as_of)
        if end is None or (on := max(end + wait, tomorrow)) > until:
            return
        amount = min(last.ceiling, owed)
        owed -= amount
        yield Expected(on, REPORTS, at.ref, amount, "hopeful")


# ------------------------------------------------------------------------- notes, bills, the budget


def _notes(books: Books, fund: str, day: date, until: date) -> Iterator[Expected]:
    """Notes with their interest on the day they fall due; what is over due is paid tomorrow."""
    for ref, note in records_on(books, records.Note, day):
        if note.fund != fund or note.state != "active":
            continue
        due = max(date.fromisoformat(note.due_on), day + _DAY)
        if due <= until:
            after, _moved = accrue(note, due)
            yield Expected(due, NOTES, ref, -(after.owed_principal + after.accrued))


def records_on(books: Books, cls: type[B], day: date) -> Iterator[tuple[str, B]]:
    """Every record of a kind as what was posted up to a day left it."""
    for ref, text in books.tx.rows(
        "SELECT r.ref, r.body FROM record r WHERE r.kind = ? AND r.version = (SELECT max(l.version) FROM record l"
        " JOIN operation o ON o.id = l.operation_id WHERE l.kind = r.kind AND l.ref = r.ref AND o.business_date <= ?)"
        " ORDER BY r.ref",
        cls.kind, day.isoformat(),
    ):  # fmt: skip
        body = cls.model_validate_json(text)
        if not body.void:
            yield ref, body


def _fund_loans(books: Books, fund: str, day: date) -> Iterator[Expected]:
    """What funds owe each other, on its day; tomorrow if that is past."""
    for ref, loan in records_on(books, records.FundLoan, day):
        if loan.state == "open" and fund in (loan.from_fund, loan.to_fund):
            due = max(date.fromisoformat(loan.due_on), day + _DAY)
            yield Expected(due, NOTES, ref, loan.owed if fund == loan.from_fund else -loan.owed)


def _bills(own: Mapping[str, int], day: date) -> Iterator[Expected]:
    """What is owed to suppliers and to peers, tomorrow."""
    for code in ("801", "831"):
        yield Expected(day + _DAY, BILLS, code, own.get(code, 0))


def _budget(books: Books, fund: str, day: date, until: date, assumed: list[str]) -> Iterator[Expected]:
    """The budget's payments, a twelfth each month's last day; a year without one is as the last that has one."""
    chart = controls(books.tx)
    known = dict(records_on(books, records.Budget, day))  # what was decided later nobody expected then
    last: records.Budget | None = None
    for year in range(day.year, until.year + 1):
        found = known.get(budget_ref(year, fund, None))
        if found is None and last is not None:
            assumed.append(
                _("{year} has no budget: that of {other} is taken again.").format(year=year, other=last.year)
            )
        if found is None and last is None:
            assumed.append(_("{year} has no budget: no expense is expected.").format(year=year))
        last = found or last
        for code, amount in (last.lines if last else {}).items():
            if chart[code].kind not in ("income", "expense") or code in _COUNTED:
                continue
            gain, normal = chart[code].kind == "income", chart[code].side == "credit"
            sign = 1 if normal else -1
            for month in range(1, 13):
                on = month_bounds(date(year, month, 1))[1]
                part = spread(amount, month, 12) - spread(amount, month - 1, 12)
                if day < on <= until:
                    yield Expected(on, BUDGET, code, sign * part, "hopeful" if gain else "both")
