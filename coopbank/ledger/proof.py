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

from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from itertools import accumulate
from typing import Any

from coopbank.database import Transaction
from coopbank.ledger import chain
from coopbank.ledger.chain import canonical, quote
from coopbank.ledger.checks import day_after, is_beyond, is_day, is_instant, rows_answered_for
from coopbank.ledger.log import Face, Log, Operation, Page, Stored, only_text, parse, require_row, scan

_INTEGERS = ("id", "kind_version", "first_entry", "entry_count", "posting_count", "debit_total", "row_count")
_TEXTS = ("key", "kind", "actor", "business_date", "at", "sealed")
_BYTES = ("request_hash", "prev_hash", "hash")
_NOTHING = type(None)
Entries = list[list[Any]]


# ------------------------------------------------------------------------------ a page that is proven


def proven(log: Log, tx: Transaction, stored: list[Stored], page: Page) -> list[Operation] | None:
    """The operations of a page that is whole; None, or any exception, if it is not."""
    if not stored or not _follows(log, stored):
        return None
    with only_text(tx):
        entries = _entries(log, tx, stored, page)
    if entries is None:
        return None
    book = log.book if log.book is not None else parse(stored[0].sealed).book
    opening = f"[{quote(chain.FORM)},{quote(book)},"
    found = [_operation(opening, book, row, entries.get(row.id, [])) for row in stored]
    operations = [operation for operation in found if operation is not None]
    if len(operations) != len(found):
        return None
    for row in stored:
        if row.id in log.known_heads:
            log.heads[row.id] = row.hash.hex()
    log.seen["entry"] = log.seen.get("entry", 0) + sum(row.entry_count for row in stored)
    log.seen["posting"] = log.seen.get("posting", 0) + sum(row.posting_count for row in stored)
    return operations


def _follows(log: Log, stored: list[Stored]) -> bool:
    """Values are of the types that they should have, and numbers and hashes follow those before."""
    columns = dict(zip(Stored._fields, zip(*stored, strict=True), strict=True))
    last, hash_ = (0, chain.ZERO_HASH) if log.last is None else (log.last.id, log.last.hash)
    return (
        all(_only(columns[name], int) for name in _INTEGERS)
        and all(_only(columns[name], str) for name in _TEXTS)
        and all(_only(columns[name], bytes) for name in _BYTES)
        and _only(columns["approver"], str, _NOTHING)
        and columns["id"] == tuple(range(last + 1, last + 1 + len(stored)))
        and columns["first_entry"] == tuple(accumulate(columns["entry_count"], initial=log.next_entry))[:-1]
        and columns["prev_hash"] == (hash_, *columns["hash"][:-1])
    )


def _only(values: Iterable[Any], *types: type) -> bool:
    return set(map(type, values)) <= {*types}


def _entries(log: Log, tx: Transaction, stored: list[Stored], page: Page) -> dict[int, Entries] | None:
    """The entries that the tables hold for the operations of a page; None if they are not one gapless run."""
    where, bounds = rows_answered_for(page, "operation_id")
    sql = f"SELECT id, operation_id, effective_on, memo, reverses_id FROM entry WHERE {where} ORDER BY operation_id, id"
    entries: dict[int, Entries] = {}
    by_number: dict[int, list[list[int]]] = {}
    number = log.next_entry
    for id_, operation, day, memo, reverses in tx.rows(sql, *bounds):
        if not (type(id_) is int and type(day) is type(memo) is str and (reverses is None or type(reverses) is int)):
            return None
        if id_ != number or type(operation) is not int:
            return None
        number += 1
        lines: list[list[int]] = []
        by_number[id_] = lines
        entries.setdefault(operation, []).append([id_, day, memo, reverses, lines])
    if not _lines(tx, by_number, log.next_entry, number - 1) or entries.keys() - {row.id for row in stored}:
        return None
    return entries


def _lines(tx: Transaction, entries: dict[int, list[list[int]]], first: int, last: int) -> bool:
    """Fill in the lines of the entries; false if they are not numbered 1, 2, 3."""
    if not entries:
        return True
    sql = (
        "SELECT entry_id, line, account_id, amount FROM posting WHERE entry_id BETWEEN ? AND ? ORDER BY entry_id, line"
    )
    for entry, line, account, amount in tx.rows(sql, first, last):
        lines = entries[entry]
        if not type(entry) is type(line) is type(account) is type(amount) is int or line != len(lines) + 1:
            return False
        lines.append([account, amount])
    return True


def _operation(opening: str, book: str, row: Stored, entries: Entries) -> Operation | None:
    """The operation, if its text is the one that its columns and entries give; values are of the right types."""
    (number, key, kind, version, actor, approver, day, at, request_hash, _first_entry, entry_count, posting_count,
     debit_total, row_count, previous, hash_, text) = row  # fmt: skip
    before = previous.hex()
    who, what = _who(day, actor, approver), _what(kind, version)
    head = f"{opening}{number},{quote(at)},{who},{what},{quote(key)},"
    if not text.startswith(head):
        return None
    start = len(head)
    request, end = scan(text, start)
    asked = text[start:end]
    middle = f",{canonical(entries)},"
    rows: list[list[Any]] = []
    wrote = "[]"
    if row_count:
        rows, wrote = _rows(text, end + len(middle))
    if text[end:] != f'{middle}{wrote},"{before}"]' or asked != canonical(request):
        return None
    lines = debits = 0
    for entry in entries:
        for line in entry[4]:
            lines += 1
            if line[1] > 0:
                debits += line[1]
    if entry_count != len(entries) or posting_count != lines or debit_total != debits or row_count != len(rows):
        return None
    if sha256(f"[{what},{asked}]".encode()).digest() != request_hash or sha256(text.encode()).digest() != hash_:
        return None
    return Operation(book, number, at, day, actor, approver, kind, version, key, request, entries, rows, before, text)


@lru_cache(maxsize=4096)
def _who(day: str, actor: str, approver: str | None) -> str:
    return f"{quote(day)},{quote(actor)},{'null' if approver is None else quote(approver)}"


@lru_cache(maxsize=4096)
def _what(kind: str, version: int) -> str:
    return f"{quote(kind)},{version}"


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
    debits, credits = log.debits, log.credits
    totals: dict[tuple[str, str, str], list[int]] | None = None  # of the day
    sums_of: dict[int, list[int]] = {}  # the same by leaf
    for index in range(start, len(operations)):
        operation = operations[index]
        _book, number, at, day, actor, approver, *_asked, entries, rows, _previous, _text = operation
        if rows or day < before or approver in ("", actor) or not is_instant(at):
            return index
        if day != before or at[:10] != instant_day or totals is None:
            if not is_day(day) or day > day_after(at[:10]):
                return index
            before, instant_day, totals, sums_of = day, at[:10], log.days.setdefault(day, {}), {}
        if not entries:
            continue
        moves = _moves(log, day, entries) if _is_open(log, day) else None
        if moves is None:
            return index
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
        log.entry_places.append(entries[0][0])
        log.entry_operations.append(number)
        log.next_entry = entries[-1][0] + 1
    return len(operations)


def _is_open(log: Log, day: str) -> bool:
    if day in log.open_days:
        return True
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
        sums: dict[tuple[str, str], int] = {}
        for account, amount in lines:
            face = faces.get(account) or log.face(account)
            if face is None or not amount:
                return None
            place = face.place
            sums[place] = sums.get(place, 0) + amount
            if face.guarded:
                guarded[account] = guarded.get(account, 0) + amount
            moves.append((account, amount, face))
        if any(sums.values()):
            return None
    if guarded and not all(_is_within(log, account, change) for account, change in guarded.items()):
        return None
    return moves


def _is_within(log: Log, account: int, change: int) -> bool:
    leaf = log.leaves[account]
    return account not in log.beyond and not is_beyond(log.balance(account) + change, leaf.floor, leaf.ceiling)
