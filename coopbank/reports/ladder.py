"""The ladder of debts: what falls due when, on notes by class and between funds, and what the books hold for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from coopbank.bank import records
from coopbank.bank.accrual import accrue
from coopbank.bank.books import Books
from coopbank.reports.document import Minor, Source, source


@dataclass(frozen=True, slots=True)
class Rung:
    """A note, or what one fund owes another. `overdue` says that its day is past."""

    ref: str
    kind: str  # note, fund loan
    fund: str  # that owes
    owed_to: str  # a class of notes, or the fund that lends; no person is named
    rank: int | None
    annual_rate: str
    due_on: date
    principal: Minor
    interest: Minor  # to the day
    overdue: bool


@dataclass(frozen=True, slots=True)
class YearDue:
    """What falls due in a year, overdue debts in the year that they were due in."""

    year: int
    count: int
    principal: Minor
    cumulative: Minor


@dataclass(frozen=True, slots=True)
class Ladder:
    """All debts with a day, the first due first; senior ranks before junior ones."""

    source: Source
    as_of: date
    rungs: tuple[Rung, ...]
    years: tuple[YearDue, ...]
    principal: Minor


def ladder(books: Books, as_of: date | None = None) -> Ladder:
    """What falls due when, as the books had it at the end of a day."""
    from coopbank.reports.forecast import records_on

    origin = source(books)
    day = as_of or origin.business_date or date.max
    ranks = {ref: body.rank for ref, body in records_on(books, records.NoteClass, day)}
    rungs = []
    for ref, note in records_on(books, records.Note, day):
        if note.state == "active":
            interest = accrue(note, day)[0].accrued
            due = date.fromisoformat(note.due_on)
            rungs.append(Rung(ref, "note", note.fund, note.note_class, ranks.get(note.note_class), note.annual_rate,
                              due, note.owed_principal, interest, due < day))  # fmt: skip
    for ref, loan in records_on(books, records.FundLoan, day):
        if loan.state == "open":
            due = date.fromisoformat(loan.due_on)
            rungs.append(Rung(ref, "fund loan", loan.to_fund, loan.from_fund, None, "0", due, loan.owed, 0, due < day))
    rungs.sort(key=lambda rung: (rung.due_on, rung.rank or 0, rung.ref))
    years, running = [], 0
    for year in sorted({rung.due_on.year for rung in rungs}):
        inside = [rung.principal for rung in rungs if rung.due_on.year == year]
        running += sum(inside)
        years.append(YearDue(year, len(inside), sum(inside), running))
    return Ladder(origin, day, tuple(rungs), tuple(years), running)
