"""The quick proof: a page of operations is whole, told by one comparison of texts.

From what the tables hold of an operation (its columns, its entries, their lines) the text
that it must have is written, and compared with the text that was sealed. If they are the
same, letter by letter, then the text is canonical, and columns, entries and lines are
what was sealed; nothing has to be taken apart to be compared piece by piece. Two parts stand
in the text alone: the request, whose hash is a column, and the rows, which are
compared with their tables elsewhere. Both are read from their place in the text and
written anew, which must give the same letters.

What a page is proven for is exactly what the watchers of verify.py that are needless for
"proven" pages look at; what is plain, what those for "plain" operations do. Where
a page or an operation is not as it should be, or only might not be, the answer is None
or False and the watchers look: they alone say what is wrong, and in which words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache, partial
from hashlib import sha256
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from coopbank.ledger import chain
from coopbank.ledger.chain import canonical, quote
from coopbank.ledger.checks import day_after, is_beyond, is_day, is_instant, rows_answered_for
from coopbank.ledger.log import Face, Log, Operation, Page, Proven, Stand, Stored, only_text, parse, require_row, scan

if TYPE_CHECKING:
    from coopbank.database import Transaction

_INTEGERS = ("id", "kind_version", "first_entry", "entry_count", "posting_count", "debit_total", "row_count")
_TEXTS = ("key", "kind", "actor", "business_date", "at", "sealed")
_BYTES = ("request_hash", "prev_hash", "hash")
_NOTHING = type(None)
Entries = list[list[Any]]


# ------------------------------------------------------------------------------ a page that is proven


def proven(tx: Transaction, stand: Stand, stored: list[Stored], page: Page) -> Proven | None:
    """A page that is whole; None, or any exception, if it is not."""
    told = places(tx, stand, stored, page)
    if told is None:
        return None
    return Proven(
        page.upto, as_operations(told), stored.__getitem__, sum(row.entry_count for row in stored),
        sum(row.posting_count for row in stored),
    )  # fmt: skip


def as_operations(told: list[tuple[Any, ...]]) -> list[Operation]:
    """What `places` gives, by name."""
    return list(map(partial(tuple.__new__, Operation), told))  # as _make does, without counting


def places(tx: Transaction, stand: Stand, stored: list[Stored], page: Page) -> list[tuple[Any, ...]] | None:
    """What the operations of a page say, if it is whole: each as `Operation` has it, without predecessor and text."""
    if not stored or not _follows(stand, stored):
        return None
    with only_text(tx):
        entries = _entries(tx, stand, stored, page)
    if entries is None:
        return None
    book = stand.book if stand.book is not None else parse(stored[0].sealed).book
    return _operations(book, stored, entries)


def _follows(stand: Stand, stored: list[Stored]) -> bool:
    """Values are of the types that they should have, and numbers and hashes follow those before."""
    columns = dict(zip(Stored._fields, zip(*stored, strict=True), strict=True))
    return (
        all(_only(columns[name], int) for name in _INTEGERS)
        and all(_only(columns[name], str) for name in _TEXTS)
        and all(_only(columns[name], bytes) for name in _BYTES)
        and _only(columns["approver"], str, _NOTHING)
        and columns["id"] == tuple(range(stand.last + 1, stand.last + 1 + len(stored)))
        and columns["first_entry"] == tuple(accumulate(columns["entry_count"], initial=stand.next_entry))[:-1]
        and columns["prev_hash"] == (stand.hash, *columns["hash"][:-1])
    )


def _only(values: Iterable[Any], *types: type) -> bool:
    return set(map(type, values)) <= {*types}


def _entries(tx: Transaction, stand: Stand, stored: list[Stored], page: Page) -> dict[int, Entries] | None:
    """The entries that the tables hold for the operations of a page; None if they are not one gapless run."""
    where, bounds = rows_answered_for(page, "operation_id")
    sql = f"SELECT id, operation_id, effective_on, memo, reverses_id FROM entry WHERE {where} ORDER BY operation_id, id"
    found = tx.rows(sql, *bounds)
    if not found:
        return {}
    numbers, of, days, memos, reversed_ = zip(*found, strict=True)
    if not (_only(of, int) and _only(days, str) and _only(memos, str) and _only(reversed_, int, _NOTHING)):
        return None
    if not _only(numbers, int) or numbers != tuple(range(stand.next_entry, stand.next_entry + len(numbers))):
        return None
    lines = _lines(tx, numbers[0], numbers[-1])
    if lines is None or not {row.id for row in stored}.issuperset(of):
        return None
    entries: dict[int, Entries] = {}
    for (number, operation, day, memo, reverses), moves in zip(found, lines, strict=True):
        one = [number, day, memo, reverses, moves]
        if operation in entries:
            entries[operation].append(one)
        else:
            entries[operation] = [one]
    return entries


def _lines(tx: Transaction, first: int, last: int) -> list[list[list[int]]] | None:
    """The lines of these entries, each entry's; None if an entry has none, or they are not numbered 1, 2, 3."""
    found = tx.rows(
        "SELECT entry_id, line, account_id, amount FROM posting WHERE entry_id BETWEEN ? AND ? ORDER BY entry_id, line",
        first, last,
    )  # fmt: skip
    if not all(_only(column, int) for column in zip(*found, strict=True)):
        return None
    moves: list[list[list[int]]] = []
    expected, of, one = 1, first - 1, []
    for entry, line, account, amount in found:
        if line == 1:
            of += 1
            one = []
            moves.append(one)
        elif line != expected:
            return None
        if entry != of:
            return None
        one.append([account, amount])
        expected = line + 1
    return moves if of == last else None


def _operations(book: str, stored: list[Stored], by_operation: dict[int, Entries]) -> list[tuple[Any, ...]] | None:
    """The operations, if each text is the one that its columns and entries give; values are of the right types."""
    opening = f"[{quote(chain.FORM)},{quote(book)},"
    operations: list[tuple[Any, ...]] = []
    for (number, key, kind, version, actor, approver, day, at, request_hash, _first_entry, entry_count, posting_count,
         debit_total, row_count, previous, hash_, text) in stored:  # fmt: skip
        who, what = _who_what(day, actor, approver, kind, version)
        head = f"{opening}{number},{quote(at)},{who},{what},{quote(key)},"
        request, end = scan(text, len(head))
        asked = text[len(head) : end]
        entries = by_operation.get(number, [])
        middle = f"{asked},{canonical(entries)},"
        rows: list[list[Any]] = []
        wrote = "[]"
        if row_count:
            rows, wrote = _rows(text, len(head) + len(middle))
        if text != f'{head}{middle}{wrote},"{previous.hex()}"]' or asked != canonical(request):
            return None
        amounts = [line[1] for entry in entries for line in entry[4]]
        if entry_count != len(entries) or posting_count != len(amounts) or row_count != len(rows):
            return None
        if debit_total != sum([amount for amount in amounts if amount > 0]):
            return None
        if sha256(text.encode()).digest() != hash_ or sha256(f"[{what},{asked}]".encode()).digest() != request_hash:
            return None
        operations.append((book, number, at, day, actor, approver, kind, version, key, request, entries, rows, "", ""))
    return operations


@lru_cache(maxsize=4096)
def _who_what(day: str, actor: str, approver: str | None, kind: str, version: int) -> tuple[str, str]:
    """Who did it and when, and what: the two stretches of a text that are alike in many."""
    who = f"{quote(day)},{quote(actor)},{'null' if approver is None else quote(approver)}"
    return who, f"{quote(kind)},{version}"


def _rows(text: str, start: int) -> tuple[list[list[Any]], str]:
    """The rows that stand there, and the one text that they have."""
    rows, _end = scan(text, start)
    if type(rows) is not list:
        raise ValueError("no rows")
    for row in rows:
        require_row(row)
    return rows, canonical(rows)


# ----------------------------------------------------------------------------- operations that are plain


def take_plain(log: Log, operations: list[Operation], start: int) -> int:
    """Take over the plain operations that follow one another from a place on; the place of the first that is not.

    Plain is an operation of a proven page, one that wrote no rows, that cannot break a rule of bookkeeping: its entries
    are of its own open day, reverse nothing, balance for each fund and currency, and leave every account within its
    guard. `log.last` and `log.count` are left to the caller.
    """
    before, instant_day = "" if log.last is None else str(log.last.business_date), ""
    totals: dict[tuple[str, str, str], list[int]] | None = None  # of the day
    sums_of: dict[int, list[int]] = {}  # the same by leaf
    for index in range(start, len(operations)):
        _book, number, at, day, actor, approver, *_asked, entries, rows, _previous, _text = operations[index]
        if rows or day < before or approver == actor or approver == "":
            return index
        if day != before or at[:10] != instant_day or totals is None:
            if not is_instant(at) or not is_day(day) or day > day_after(at[:10]):
                return index
            before, instant_day, totals, sums_of = day, at[:10], log.days.setdefault(day, {}), {}
        elif not _is_time(at, 10):
            return index
        if not entries:
            continue
        moves = _moves(log, day, entries) if day in log.open_days or _is_open(log, day) else None
        if moves is None:
            return index
        _move(log, moves, totals, sums_of)
        log.entry_places.append(entries[0][0])
        log.entry_operations.append(number)
        log.next_entry = entries[-1][0] + 1
    return len(operations)


_is_time = re.compile(r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z").fullmatch
"""The rest of an instant, as `is_instant` would have it, after a date that it has seen."""


def _is_open(log: Log, day: str) -> bool:
    if log.states.get(day) != "open" or "locked" in (log.states.get(day[:7]), log.states.get(day[:4])):
        return False
    log.open_days.add(day)
    return True


def _moves(log: Log, day: str, entries: Entries) -> list[tuple[int, int, Face]] | None:
    """The lines of sound entries, each with what it has to know of its leaf; None if they are not.

    Sound is an entry of the day that reverses nothing and has two lines or more, none of zero, all of known accounts;
    nothing is out, and no guard is passed.
    """
    faces = log.faces
    moves: list[tuple[int, int, Face]] = []
    guarded: dict[int, int] = {}
    for _number, dated, _memo, reverses, lines in entries:
        if dated != day or reverses is not None or len(lines) < 2:
            return None
        out: dict[int, int] = {}
        for account, amount in lines:
            face = faces.get(account) or log.face(account)
            if face is None or not amount:
                return None
            place, _total, is_guarded = face
            out[place] = out.get(place, 0) + amount
            if is_guarded:
                guarded[account] = guarded.get(account, 0) + amount
            moves.append((account, amount, face))
        for left in out.values():
            if left:
                return None
    for account, change in guarded.items():
        if not _is_within(log, account, change):
            return None
    return moves


def _is_within(log: Log, account: int, change: int) -> bool:
    leaf = log.leaves[account]
    return account not in log.beyond and not is_beyond(log.balance(account) + change, leaf.floor, leaf.ceiling)


def _move(
    log: Log, moves: list[tuple[int, int, Face]], totals: dict[tuple[str, str, str], list[int]],
    sums_of: dict[int, list[int]],
) -> None:  # fmt: skip
    debits, credits = log.debits, log.credits
    for account, amount, face in moves:
        sums = sums_of.get(account)
        if sums is None:
            sums = sums_of[account] = totals.setdefault(face.total, [0, 0])
        if amount > 0:
            debits[account] = debits.get(account, 0) + amount
            sums[0] += amount
        else:
            credits[account] = credits.get(account, 0) - amount
            sums[1] -= amount
