"""Two books beside each other, or several: pairs that mirror each other, and trial balances side by side.

A pair is matched when both books have its reference, one as owed and one as due, with the same amount and the same
part of it settled; in transit when only one has it, or when only one side is settled so far; anything else is
different. What one book confirmed of the other is held against the other's chain.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.operations.institutions import DUE, OWED, OWES, book_id
from coopbank.errors import Unknown
from coopbank.reports.document import Minor, Source, source
from coopbank.reports.trial_balance import trial_balance
from coopbank.words import marked

MATCHED, IN_TRANSIT, DIFFERENT = marked("matched"), marked("in transit"), marked("different")


@dataclass(frozen=True, slots=True)
class Half:
    """What a book says of a pair."""

    pair: str
    side: str
    amount: Minor
    settled: Minor
    on: date
    operation: int
    confirmed: bool | None  # None: not yet; False: the other book's chain says otherwise


@dataclass(frozen=True, slots=True)
class PairRow:
    """A reference, and what both books say of it."""

    reference: str
    ours: Half | None
    theirs: Half | None
    verdict: str
    why: str


@dataclass(frozen=True, slots=True)
class Mirror:
    """All pairs between two books. `agrees` when nothing is in transit or different, and the accounts mirror."""

    ours: Source
    theirs: Source
    our_name_there: str
    their_name_here: str
    pairs: tuple[PairRow, ...]
    owed: Minor  # 892 here
    owed_there: Minor  # 792 there, the same from the other side
    due: Minor
    due_there: Minor
    agrees: bool


def mirror(ours: Books, theirs: Books) -> Mirror:
    """This book and another one; refuses books that do not know each other."""
    here, there = _partner(ours, theirs), _partner(theirs, ours)
    halves, others = _halves(ours, theirs, here), _halves(theirs, ours, there)
    rows = []
    for key in sorted(halves.keys() | others.keys()):
        mine, other = halves.get(key), others.get(key)
        verdict, why = _verdict(mine, other)
        rows.append(PairRow(key[1], mine, other, verdict, why))
    owed, due = -_balance(ours, OWED, here), _balance(ours, DUE, here)
    owed_there, due_there = _balance(theirs, DUE, there), -_balance(theirs, OWED, there)
    agrees = all(row.verdict == MATCHED for row in rows) and (owed, due) == (owed_there, due_there)
    return Mirror(
        source(ours), source(theirs), there, here, tuple(rows), owed, owed_there, due, due_there, agrees
    )  # fmt: skip


def _partner(books: Books, other: Books) -> str:
    """The code that a book has for another one."""
    wanted = book_id(other)
    found = next((ref for ref, partner in books.every(records.Partner) if partner.book == wanted), None)
    if found is None:
        raise Unknown(
            "The book of {ours} does not know that of {theirs}.", field="book", ours=books.institution().name,
            theirs=other.institution().name, hint="Enter it there: add-institution, with the book {book}.", book=wanted,
        )  # fmt: skip
    return found


Key = tuple[str, str]
"""Who owes (the number of that book), and the reference."""


def _halves(books: Books, other: Books, partner: str) -> dict[Key, Half]:
    mine, theirs = book_id(books), book_id(other)
    found = {}
    for ref, body in books.about(records.Pair, partner):
        operation = books.tx.value(
            "SELECT operation_id FROM record WHERE kind = ? AND ref = ? AND version = 1", records.Pair.kind, ref
        )
        found[mine if body.side == OWES else theirs, body.reference] = Half(
            ref, body.side, body.amount, body.settled, date.fromisoformat(body.on), int(operation),
            _confirmed(other, body),
        )  # fmt: skip
    return found


def _confirmed(other: Books, body: records.Pair) -> bool | None:
    """Whether the operation that was confirmed is in the other book, under that head."""
    if body.their_operation is None:
        return None
    found = other.tx.value("SELECT hash FROM operation WHERE id = ?", body.their_operation)
    return found is not None and bytes(found).hex()[:16] == body.their_head


def _verdict(ours: Half | None, theirs: Half | None) -> tuple[str, str]:
    if ours is None or theirs is None:
        return IN_TRANSIT, marked("only one book has it")
    if ours.amount != theirs.amount:
        return DIFFERENT, marked("the amounts differ")
    if ours.confirmed is False or theirs.confirmed is False:
        return DIFFERENT, marked("what was confirmed is not in the other book")
    if ours.settled != theirs.settled:
        return IN_TRANSIT, marked("a payment is under way")
    return MATCHED, ""


def _balance(books: Books, code: str, partner: str) -> int:
    return sum(leaf.balance for leaf in books.leaves(code) if leaf.contract == partner)


# ------------------------------------------------------------------------------ side by side


@dataclass(frozen=True, slots=True)
class FederationBook:
    """One institution of the network."""

    source: Source
    book: str
    balanced: bool


@dataclass(frozen=True, slots=True)
class FederationRow:
    """A control account in every book, debit +; `whole` leaves out what the institutions owe each other."""

    code: str
    name: str
    by_book: tuple[Minor, ...]
    between: Minor
    whole: Minor


@dataclass(frozen=True, slots=True)
class Federation:
    """Trial balances side by side; nothing is moved from one book into another."""

    source: Source
    as_of: date | None
    books: tuple[FederationBook, ...]
    rows: tuple[FederationRow, ...]
    between: Minor  # 792 and 892 among these books: 0, or something is in transit


def federation(all_books: list[Books], as_of: date | None = None) -> Federation:
    """Books of one currency side by side as of a day."""
    drawn = [trial_balance(books, as_of) for books in all_books]
    names: dict[str, str] = {}
    sums: dict[str, list[int]] = defaultdict(lambda: [0] * len(drawn))
    for place, each in enumerate(drawn):
        for row in each.rows:
            if row.combined:
                names[row.code] = row.name
                sums[row.code][place] += row.combined
    known = {book_id(books) for books in all_books}
    between = _between(all_books, known, as_of)
    rows = tuple(
        FederationRow(
            code, names[code], tuple(sums[code]), between.get(code, 0), sum(sums[code]) - between.get(code, 0)
        )
        for code in sorted(sums)
    )
    heads = tuple(
        FederationBook(each.source, book_id(books), each.balanced) for each, books in zip(drawn, all_books, strict=True)
    )
    return Federation(source(all_books[0]), as_of, heads, rows, sum(between.values()))


def _between(all_books: list[Books], known: set[str], as_of: date | None) -> dict[str, int]:
    """What these books owe each other by control account, as of the day."""
    found: dict[str, int] = defaultdict(int)
    for books in all_books:
        codes = [ref for ref, partner in books.every(records.Partner) if partner.book in known]
        for code in codes:
            for control in (DUE, OWED):
                value = books.tx.value(
                    "SELECT sum(d.debit - d.credit) FROM account a JOIN balance_day d ON d.account_id = a.id"
                    " WHERE a.gl_code = ? AND a.contract = ? AND d.effective_on <= ?",
                    control, code, (as_of or date.max).isoformat(),
                )  # fmt: skip
                found[control] += int(value or 0)
    return found
