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
from functools import lru_cache
from hashlib import sha256
from itertools import accumulate, compress, pairwise, repeat
from itertools import chain as chained
from operator import sub
from typing import TYPE_CHECKING, Any, NamedTuple

from coopbank.ledger import chain
from coopbank.ledger.chain import canonical, quote
from coopbank.ledger.checks import day_after, is_beyond, is_day, rows_answered_for
from coopbank.ledger.columns import Columns, Proven, Run
from coopbank.ledger.log import Log, Page, Stand, Stored, only_text, parse, require_row, scan

if TYPE_CHECKING:
    from coopbank.database import Transaction

_NOTHING = type(None)


# ------------------------------------------------------------------------------ a page that is proven


def proven(tx: Transaction, stand: Stand, stored: list[Stored], page: Page) -> Proven | None:
    """A page that is whole; None, or any exception, if it is not."""
    told = columns(tx, stand, stored, page)
    return None if told is None else Proven(page.upto, told)


def columns(tx: Transaction, stand: Stand, stored: list[Stored], page: Page) -> Columns | None:
    """What the operations of a page say, if it is whole."""
    if not stored:
        return None
    read = Stored(*zip(*stored, strict=True))
    if not _follows(stand, read):
        return None
    with only_text(tx):
        entries = _entries(tx, stand, read, page)
        lines = None if entries is None else _lines(tx, stand.next_entry, len(entries.numbers))
    if entries is None or lines is None or not _adds_up(read, entries, lines):
        return None
    book = stand.book if stand.book is not None else parse(stored[0].sealed).book
    told = _texts(book, stored, _written(read, entries, lines))
    if told is None:
        return None
    asked, rows = told
    kinds, versions, actors, approvers, days, entry_days, memos = _shared(
        read.kind, read.kind_version, read.actor, read.approver, read.business_date, entries.days, entries.memos
    )
    return Columns(
        book, read.id[0], read.key, kinds, versions, actors, approvers, days, read.at, asked, rows, stand.next_entry,
        read.entry_count, entry_days, memos, entries.reverses, lines.counts, lines.accounts, lines.amounts,
        stand.hash, b"".join(read.hash), b"".join(read.request_hash),
    )  # fmt: skip


def _shared(*columns: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """The same values, those that are alike as one object: `marshal` writes it once."""
    same: dict[Any, Any] = {}
    return [tuple(map(same.setdefault, values, values)) for values in columns]


def _follows(stand: Stand, read: Stored) -> bool:
    """Integers are such, and numbers and hashes follow those before; of the rest, the text is made, or its hash."""
    integers = (read.id, read.kind_version, read.first_entry, read.entry_count, read.posting_count, read.debit_total)
    return (
        all(map(_is_whole, (*integers, read.row_count)))
        and min(read.entry_count) >= 0  # with fewer than none, another operation would have the same entries
        and read.id == tuple(range(stand.last + 1, stand.last + 1 + len(read.id)))
        and read.first_entry == tuple(accumulate(read.entry_count, initial=stand.next_entry))[:-1]
        and read.prev_hash == (stand.hash, *read.hash[:-1])
    )


def _is_whole(values: tuple[Any, ...]) -> bool:
    """Whether all are integers: what a database gives sums up to one only then. Raises for what cannot be added."""
    return type(sum(values)) is int


def _only(values: Iterable[Any], *types: type) -> bool:
    return set(map(type, values)) <= {*types}


class _Entries(NamedTuple):
    numbers: tuple[int, ...] = ()
    operations: tuple[int, ...] = ()
    days: tuple[str, ...] = ()
    memos: tuple[str, ...] = ()
    reverses: tuple[int | None, ...] = ()


class _Lines(NamedTuple):
    counts: list[int]  # of each entry
    accounts: tuple[int, ...] = ()
    amounts: tuple[int, ...] = ()


def _entries(tx: Transaction, stand: Stand, read: Stored, page: Page) -> _Entries | None:
    """The entries that the tables hold for the operations of a page; None if they are not those that it should have."""
    where, bounds = rows_answered_for(page, "operation_id")
    sql = f"SELECT id, operation_id, effective_on, memo, reverses_id FROM entry WHERE {where} ORDER BY operation_id, id"
    entries = _Entries(*zip(*tx.rows(sql, *bounds), strict=True))
    if not (_is_whole(entries.numbers) and _is_whole(entries.operations) and _only(entries.reverses, int, _NOTHING)):
        return None
    if not (_only(entries.days, str) and _only(entries.memos, str)):
        return None
    if entries.numbers != tuple(range(stand.next_entry, stand.next_entry + len(entries.numbers))):
        return None
    return entries if entries.operations == _each(read.id, read.entry_count) else None


def _each(values: Iterable[int], times: Iterable[int]) -> tuple[int, ...]:
    """Each value so many times."""
    return tuple(chained.from_iterable(map(repeat, values, times)))


def _lines(tx: Transaction, first: int, count: int) -> _Lines | None:
    """The lines of so many entries; None if an entry has none, or they are not numbered 1, 2, 3."""
    found = tx.rows(
        "SELECT entry_id, line, account_id, amount FROM posting WHERE entry_id BETWEEN ? AND ? ORDER BY entry_id, line",
        first, first + count - 1,
    )  # fmt: skip
    if not found:
        return None if count else _Lines([])
    entries, lines, accounts, amounts = zip(*found, strict=True)
    if not all(map(_is_whole, (entries, lines, accounts, amounts))):
        return None
    starts = [at for at, line in enumerate(lines) if line == 1]
    counts = [end - start for start, end in pairwise([*starts, len(lines)])]
    if entries != _each(range(first, first + count), counts) or len(counts) != count:
        return None
    if lines != tuple(chained.from_iterable(range(1, count + 1) for count in counts)):
        return None
    return _Lines(counts, accounts, amounts)


def _adds_up(read: Stored, entries: _Entries, lines: _Lines) -> bool:
    """Whether the operations' own counts of lines and totals of debits are those of their lines."""
    ends = [0, *accumulate(lines.counts)]
    ends = [ends[at] for at in accumulate(read.entry_count, initial=0)]
    debits = [0, *accumulate([amount if amount > 0 else 0 for amount in lines.amounts])]
    counts = tuple(map(sub, ends[1:], ends))
    totals = tuple(debits[end] - debits[start] for start, end in pairwise(ends))
    return (counts, totals) == (read.posting_count, read.debit_total)


def _written(read: Stored, entries: _Entries, lines: _Lines) -> list[str]:
    """The text that the entries of each operation have, without the brackets around them.

    All are written at once, which takes half the time, with an empty text between operations, by which they are taken
    apart again: an entry ends with its lines, so no other text can follow upon a closing bracket, and within a text
    there is no quotation mark without a backslash before it.
    """
    moves = list(zip(lines.accounts, lines.amounts, strict=True))
    each = [moves[start:end] for start, end in pairwise(accumulate(lines.counts, initial=0))]
    whole = list(zip(entries.numbers, entries.days, entries.memos, entries.reverses, each, strict=True))
    of = [whole[start:end] for start, end in pairwise(accumulate(read.entry_count, initial=0))]
    return canonical([part for its in of for part in (its, "")])[2:-5].split('],"",[')


def _texts(
    book: str, stored: list[Stored], written: list[str]
) -> tuple[list[str], dict[int, list[list[Any]]]] | None:  # fmt: skip
    """What was asked and which rows were written, if each text is the one that its columns and entries give."""
    opening = f"[{quote(chain.FORM)},{quote(book)},"
    requests: list[Any] = []
    texts: list[str] = []
    rows: dict[int, list[list[Any]]] = {}
    for (number, key, kind, version, actor, approver, day, at, request_hash, _first_entry, _entries, _lines,
         _debits, row_count, previous, hash_, text), entries in zip(stored, written, strict=True):  # fmt: skip
        who, what = _who_what(day, actor, approver, kind, version)
        head = f"{opening}{number},{quote(at)},{who},{what},{quote(key)},"
        request, end = scan(text, len(head))
        asked = text[len(head) : end]
        wrote = "[]"
        if row_count:
            rows[len(texts)], wrote = _rows(text, len(head) + len(asked) + len(entries) + 4, row_count)
        if text != f'{head}{asked},[{entries}],{wrote},"{previous.hex()}"]':
            return None
        if sha256(text.encode()).digest() != hash_ or sha256(f"[{what},{asked}]".encode()).digest() != request_hash:
            return None
        requests.append(request)
        texts.append(asked)
    # each is a whole value, and none is the beginning of another one: together they are equal only if each is
    return (texts, rows) if f"[{','.join(texts)}]" == canonical(requests) else None


@lru_cache(maxsize=4096)
def _who_what(day: str, actor: str, approver: str | None, kind: str, version: int) -> tuple[str, str]:
    """Who did it and when, and what: the two stretches of a text that are alike in many."""
    who = f"{quote(day)},{quote(actor)},{'null' if approver is None else quote(approver)}"
    return who, f"{quote(kind)},{version}"


def _rows(text: str, start: int, count: int) -> tuple[list[list[Any]], str]:
    """The rows that stand there, so many, and the one text that they have."""
    rows, _end = scan(text, start)
    if type(rows) is not list or len(rows) != count:
        raise ValueError("no such rows")
    for row in rows:
        require_row(row)
    return rows, canonical(rows)


# ----------------------------------------------------------------------------- operations that are plain


def take_plain(log: Log, page: Proven, start: int) -> Run:
    """Take over plain operations that follow one another from a place on; none, if the first is not plain.

    Plain is an operation of a proven page, one that wrote no rows, that cannot break a rule of bookkeeping: its entries
    are of its own open day, reverse nothing, balance for each fund and currency, and leave every account within its
    guard. `log.last` and `log.count` are left to the caller.
    """
    tried = run = page.run(start)
    while run and not _is_sound(log, run):
        run = run.first(len(run) // 2)
    if len(run) < len(tried):
        page.pace = max(1, 2 * len(run))
    else:
        page.pace = min(2 * page.pace, len(page))
    if run:
        _take(log, run)
    return run


def _is_sound(log: Log, run: Run) -> bool:
    """Whether each of these operations, as it follows upon those before it, is plain; they are of one day."""
    day = run.day
    if log.last is not None and day < str(log.last.business_date):
        return False
    if any(approver in (actor, "") for _kind, actor, approver in run.people):
        return False
    dates = {instant[:10] for instant in run.instants}
    if not all(map(_is_time, run.instants, repeat(10))) or not all(map(is_day, {day, *dates})):
        return False
    if day > min(map(day_after, dates)):
        return False
    return not run.line_counts or ((day in log.open_days or _is_open(log, day)) and _keeps_books(log, run))


_is_time = re.compile(r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z").fullmatch
"""The rest of an instant, as `is_instant` would have it, after its date."""


def _is_open(log: Log, day: str) -> bool:
    if log.states.get(day) != "open" or "locked" in (log.states.get(day[:7]), log.states.get(day[:4])):
        return False
    log.open_days.add(day)
    return True


def _keeps_books(log: Log, run: Run) -> bool:
    """Whether entries have two lines or more, none of zero, all of known leaves; nothing is out, no guard is passed."""
    if min(run.line_counts) < 2 or 0 in run.amounts:
        return False
    by_place: dict[int, set[int]] = {}  # leaves by where they must balance
    for account in run.sums:
        face = log.faces.get(account) or log.face(account)
        if face is None or (face.guarded and not _is_within(log, run, account)):
            return False
        by_place.setdefault(face.place, set()).add(account)
    if len(by_place) == 1:
        return not any(run.after_entries())
    return not any(any(run.after_entries(accounts)) for accounts in by_place.values())


def _is_within(log: Log, run: Run, account: int) -> bool:
    """Whether a leaf stays within its guards, all the time."""
    leaf, balance = log.leaves[account], log.balance(account)
    if account in log.beyond:
        return False
    debit, credit = run.sums[account]
    if not is_beyond(balance - credit, leaf.floor, None) and not is_beyond(balance + debit, None, leaf.ceiling):
        return True  # whatever the order
    after = run.after_operations({account})
    return not is_beyond(balance + min(after), leaf.floor, None) and not is_beyond(
        balance + max(after), None, leaf.ceiling
    )


def _take(log: Log, run: Run) -> None:
    """Take over what sound operations of one day moved."""
    totals = log.days.setdefault(run.day, {})
    debits, credits, faces = log.debits, log.credits, log.faces
    for account, (debit, credit) in run.sums.items():
        sums = totals.setdefault(faces[account].total, [0, 0])
        if debit:
            debits[account] = debits.get(account, 0) + debit
            sums[0] += debit
        if credit:
            credits[account] = credits.get(account, 0) + credit
            sums[1] += credit
    log.entry_places.extend(compress(run.first_entries, run.entry_counts))
    log.entry_operations.extend(compress(run.numbers, run.entry_counts))
    log.next_entry = run.next_entry
