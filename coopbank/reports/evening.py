"""The evening: what is loose before a day is closed, and what the day came to.

Nothing that is loose keeps a day from being closed; somebody looks at it, and it may wait.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Final

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.operation import CATALOGUE
from coopbank.ledger import periods
from coopbank.reports.document import Minor, Source, source
from coopbank.reports.portfolio import PortfolioLoan, loans_named
from coopbank.words import translate

#: Places that hold money: bank accounts, cheques on hand, vault and drawers.
PLACES: Final = ("731", "735", "739")
OVER_AND_SHORT: Final = "330"
_UNAPPLIED: Final = "871"
_ALL: Final = 2**62  # operations
_COUNTS: Final = frozenset({"count-drawer", "close-drawer", "count-petty-cash", "close-petty-cash"})
#: Reports of borrowers that somebody has to ask for, or to read.
_TO_FILE, _TO_ACCEPT = frozenset({"awaited", "overdue"}), "filed"


@dataclass(frozen=True, slots=True)
class LooseEnds:
    """What is looked at before a day is closed. Amounts are positive; loans by their numbers."""

    source: Source
    day: date
    waiting: int  # requests for a second person
    unknown: int  # receipts that nobody recognised yet
    unknown_amount: Minor
    unapplied: int  # members who paid without saying what for
    unapplied_amount: Minor
    cheques: Minor  # on hand, not yet taken to the bank
    unpaid: tuple[str, ...]  # loans with a payment due on the day itself that did not come
    late: tuple[str, ...]  # loans with something due since an earlier day
    reports_due: tuple[str, ...]  # loans whose borrower has a report to file
    reports_overdue: int  # of these, how many are past their day
    reports_filed: tuple[str, ...]  # loans with a report that somebody has to accept


@dataclass(frozen=True, slots=True)
class DayLine:
    """What one kind of operation brought in and paid out on a day."""

    kind: str
    title: str
    count: int
    came: Minor
    went: Minor


@dataclass(frozen=True, slots=True)
class Difference:
    """What a count found: positive is short, negative is over."""

    operation: int
    actor: str
    memo: str
    short: Minor


@dataclass(frozen=True, slots=True)
class DayReport:
    """A day: money in and out of vault, drawers, cheques and bank by kind of operation; what counts found; its head.

    Money that only changed its place is in no line. `head` is the chain's before the day was closed, None while it
    is open.
    """

    source: Source
    day: date
    entries: int
    lines: tuple[DayLine, ...]
    came: Minor
    went: Minor
    differences: tuple[Difference, ...]
    head: tuple[int, str] | None

    @property
    def short(self) -> int:
        """All that counts found missing, less what they found over."""
        return sum(each.short for each in self.differences)


def loose_ends(books: Books) -> LooseEnds:
    """What is loose on the business day, now. Reads every loan that is owed, once."""
    origin = source(books)
    day = origin.business_date or date.min
    unknown = [body for _ref, body in books.about(records.Suspense, "open")]
    unapplied = [leaf for leaf in books.leaves(_UNAPPLIED) if leaf.balance]
    unpaid, late, due, overdue, filed = _loans(books, day, origin.currency)
    return LooseEnds(
        source=origin, day=day, waiting=len(books.about(records.Request, "waiting")), unknown=len(unknown),
        unknown_amount=sum(each.left for each in unknown), unapplied=len({leaf.contract for leaf in unapplied}),
        unapplied_amount=-sum(leaf.balance for leaf in unapplied),
        cheques=sum(leaf.balance for leaf in books.leaves("735")), unpaid=tuple(unpaid), late=tuple(late),
        reports_due=tuple(due), reports_overdue=overdue, reports_filed=tuple(filed),
    )  # fmt: skip


def loans_behind(books: Books, refs: Sequence[str], most: int = 500) -> tuple[PortfolioLoan, ...]:
    """The loans of these numbers as they stand on the business day; no more than so many of them."""
    return loans_named(books, refs[:most], source(books).business_date or date.min)


def _loans(books: Books, day: date, currency: str) -> tuple[list[str], list[str], list[str], int, list[str]]:
    # not on top: the day report need not wait for it
    from coopbank.bank.lending.closing import all_loans
    from coopbank.bank.lending.delinquency import classify, in_parts
    from coopbank.bank.lending.reported import ReportedRun

    unpaid: list[str] = []
    late: list[str] = []
    due: list[str] = []
    filed: list[str] = []
    overdue = 0
    owed = ((ref, body) for ref, _version, body in all_loans(books, ("active",)))
    for loan in in_parts(owed, books, currency):
        at = classify(loan, day)
        if at.due and at.since is not None and at.since <= day:
            (unpaid if at.since == day else late).append(loan.ref)
        run = loan.run()
        if isinstance(run, ReportedRun):
            states = {row.report for row in run.position(day).periods}
            if states & _TO_FILE:
                due.append(loan.ref)
                overdue += "overdue" in states
            if _TO_ACCEPT in states:
                filed.append(loan.ref)
    return unpaid, late, due, overdue, filed


# ------------------------------------------------------------------------------------ the day


def day_report(books: Books, day: date) -> DayReport:
    """What a day came to, from its entries: once it is closed, those that its close counted and signed.

    What is dated into it later, as the close of a month is into the last day of it, changes no paper of the day.
    """
    closed = books.find(records.DayClose, day.isoformat())
    is_closed = closed is not None and periods.state(books.tx, day.isoformat()) == periods.CLOSED
    counted = closed if is_closed else None
    upto = _ALL if counted is None else counted.head_number
    lines = tuple(_lines(books, day, upto))
    differences = tuple(
        Difference(number, actor, memo, int(amount))
        for number, actor, memo, amount in books.tx.rows(
            "SELECT o.id, o.actor, e.memo, sum(p.amount) FROM entry e JOIN operation o ON o.id = e.operation_id"
            " JOIN posting p ON p.entry_id = e.id JOIN account a ON a.id = p.account_id"
            " WHERE e.effective_on = ? AND o.id <= ? AND a.gl_code = ? GROUP BY o.id, o.actor, e.id, e.memo"
            " ORDER BY e.id",
            day.isoformat(), upto, OVER_AND_SHORT,
        )
        if amount
    )  # fmt: skip
    entries = books.tx.value(
        "SELECT count(*) FROM entry WHERE effective_on = ? AND operation_id <= ?", day.isoformat(), upto
    )
    return DayReport(
        source=source(books), day=day, entries=int(entries), lines=lines, came=sum(line.came for line in lines),
        went=sum(line.went for line in lines), differences=differences,
        head=None if counted is None else (counted.head_number, counted.head_hash),
    )  # fmt: skip


def _lines(books: Books, day: date, upto: int) -> Iterator[DayLine]:
    """By kind, in the catalogue's order; each operation counts with what it moved all in all."""
    moved = books.tx.rows(
        "SELECT o.kind, o.id, sum(p.amount) FROM entry e JOIN operation o ON o.id = e.operation_id"
        " JOIN posting p ON p.entry_id = e.id JOIN account a ON a.id = p.account_id"
        f" WHERE e.effective_on = ? AND o.id <= ? AND a.gl_code IN ({', '.join('?' * len(PLACES))})"
        " GROUP BY o.kind, o.id ORDER BY o.kind, o.id",
        day.isoformat(), upto, *PLACES,
    )  # fmt: skip
    found = {
        kind: [int(amount) for _kind, _id, amount in rows if amount]
        for kind, rows in groupby(moved, key=lambda row: str(row[0]))
    }
    known = [kind for kind in CATALOGUE if kind in found]
    for kind in (*known, *(kind for kind in found if kind not in CATALOGUE)):
        amounts = found[kind]
        if amounts and kind not in _COUNTS:
            title = translate(CATALOGUE[kind].title) if kind in CATALOGUE else kind
            came = sum(each for each in amounts if each > 0)
            yield DayLine(kind, title, len(amounts), came, came - sum(amounts))
