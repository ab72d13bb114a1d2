"""The one door: how an operation with its entries gets into the books.

`seal` is the only code in coopbank that writes operations, entries, postings and
master data. It first validates fully, with refusals that a person can act on; after
that the write must succeed. It writes from the inside out: master data, postings,
entries, and last the operation row, whose trigger checks everything once more and
seals it (schema_sqlite.sql tells how). A crash at any point leaves nothing, since all
of it is one transaction.

Amounts are signed integers of minor units: debit positive, credit negative.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar, NamedTuple, Protocol

from coopbank.database import Database, End, Transaction
from coopbank.errors import (
    CannotReverse,
    DatabaseUnusable,
    DayClosed,
    InvalidAmount,
    InvalidValue,
    Overdrawn,
    PeriodLocked,
    SealRefused,
)
from coopbank.ledger import at_once, chain, periods
from coopbank.money import format_amount

made = tuple.__new__
"""A named tuple of values that are there in their order; its own class asks for each by its name, in Python."""
LARGEST_MINOR = 10**15  # of one line; totals of thousands of such lines still fit 64 bits
_MOST_SEEN = 4000  # leaves and their numbers that are kept between operations
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # the escape, and not a backslash before "u0000"

# ---------------------------------------------------------------------------- what is written


class Row(Protocol):
    """A row of master data: its table, and its columns in the order in which they are hashed."""

    table: ClassVar[str]

    def values(self) -> tuple[Any, ...]: ...


@dataclass(frozen=True, slots=True)
class NewControl:
    """A control account of the chart."""

    code: str
    name: str
    kind: str
    side: str
    guard: str
    table: ClassVar[str] = "gl_account"

    def values(self) -> tuple[Any, ...]:
        return (self.code, self.name, self.kind, self.side, self.guard)


@dataclass(frozen=True, slots=True)
class NewFund:
    """A fund: whose money it is."""

    code: str
    name: str
    fund_class: str
    table: ClassVar[str] = "fund"

    def values(self) -> tuple[Any, ...]:
        return (self.code, self.name, self.fund_class)


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A leaf under a control account, in one fund."""

    id: int
    gl_code: str
    fund: str
    contract: str
    holder: str | None
    kind: str
    currency: str
    floor: int | None
    ceiling: int | None
    table: ClassVar[str] = "account"

    def values(self) -> tuple[Any, ...]:
        return (self.id, self.gl_code, self.fund, self.contract, self.holder, self.kind, self.currency,
                self.floor, self.ceiling)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewPeriodState:
    """A day, a month or a year is open, adjusting, closed or locked from here on."""

    period: str
    state: str
    table: ClassVar[str] = "period_state"

    def values(self) -> tuple[Any, ...]:
        return (self.period, self.state)


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A version of something that the bank keeps: a member, a loan, a role."""

    kind: str
    ref: str
    version: int
    about: str | None
    body: dict[str, Any]
    table: ClassVar[str] = "record"

    def values(self) -> tuple[Any, ...]:
        return (self.kind, self.ref, self.version, self.about, self.body)


class Line(NamedTuple):
    """One posting: a leaf, and minor units with their sign (debit +, credit -)."""

    account_id: int
    amount: int


class EntryDraft(NamedTuple):
    """An entry that is not yet in the books."""

    memo: str
    effective_on: date
    lines: tuple[Line, ...]
    reverses: int | None = None


@dataclass(frozen=True, slots=True)
class PersonalValue:
    """A value that can be forgotten, and the salt that its digest was made with; `sealed` is both, encrypted."""

    field: str
    value: str
    salt: bytes
    sealed: str | None = None

    @property
    def digest(self) -> str:
        return chain.salted(self.salt, self.value)

    @property
    def stored(self) -> tuple[bytes, str]:
        """Salt and value as the table holds them: with an empty salt the value is encrypted."""
        return (self.salt, self.value) if self.sealed is None else (b"", self.sealed)


@dataclass(slots=True)
class Draft:
    """An operation that is not yet in the books."""

    key: str
    kind: str
    kind_version: int
    actor: str
    approver: str | None
    business_date: date
    at: str
    request: Any
    request_hash: bytes
    entries: list[EntryDraft] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    personal: list[PersonalValue] = field(default_factory=list)
    last: Head | None = None  # what it follows, and leaves that it touches, where they were read in this transaction
    leaves: dict[int, Leaf] = field(default_factory=dict)


class Head(NamedTuple):
    """Where the chain ends: number and hash of the last operation, the next entry's number, the day it is dated on."""

    number: int
    hash: bytes
    next_entry: int
    business_date: date | None = None

    @property
    def short(self) -> str:
        return chain.short(self.hash)


class Sealed(NamedTuple):
    """What was written: the operation's number and hash, its entries' numbers, the leaves as they were before."""

    number: int
    hash: bytes
    entries: tuple[int, ...]
    leaves: dict[int, Leaf]


def head(tx: Transaction) -> Head:
    """The end of the chain; number 0 in a database without operations."""
    end = tx.end
    if end is None:
        row = tx.row(
            "SELECT id, hash, first_entry + entry_count, business_date FROM operation ORDER BY id DESC LIMIT 1"
        )
        if row is None:
            return Head(0, chain.ZERO_HASH, 1)
        tx.end = end = End._make(row)
    return Head(end.number, end.hash, end.next_entry, date.fromisoformat(end.business_date))


# ----------------------------------------------------------------------------------- writing


def seal(tx: Transaction, book: str, draft: Draft) -> Sealed:
    """Validate the draft and write it. Refuses with the classes of `errors.py`; changes nothing then."""
    leaves = validate(tx, draft)
    if tx.dialect == "postgresql":
        last = draft.last or head(tx)
        return _seal_on_server(tx, book, draft, last.number + 1, leaves)
    return _seal_in_file(tx, book, draft, leaves)


def _seal_in_file(tx: Transaction, book: str, draft: Draft, leaves: dict[int, Leaf]) -> Sealed:
    """From the inside out, the operation last; what was seen of the books before it is known after it."""
    last = draft.last or head(tx)
    master, kept, seen = tx.master, tx.kept, tx.seen
    number = last.number + 1
    text = sealed_text(book, number, last, draft)
    hash_ = _hash_of(text)
    _write_rows(tx, number, draft)
    amounts = _write_entries(tx, number, last.next_entry, draft)
    business_date = draft.business_date.isoformat()
    # hashes as a bytearray each: of bytes the driver looks for an adapter first
    tx.run(
        INSERT["operation"],
        number, draft.key, draft.kind, draft.kind_version, draft.actor, draft.approver,
        business_date, draft.at, bytearray(draft.request_hash), last.next_entry, len(draft.entries),
        len(amounts), sum(map(abs, amounts)) // 2, len(draft.rows), bytearray(last.hash), bytearray(hash_), text,
    )  # fmt: skip
    next_entry = last.next_entry + len(draft.entries)
    tx.end, tx.seen = End(number, hash_, next_entry, business_date), seen
    _see_moved(tx, draft)
    _know_master(tx, draft, hash_, master, kept)
    return Sealed(number, hash_, tuple(range(last.next_entry, next_entry)), leaves)


def _know_master(
    tx: Transaction, draft: Draft, hash_: bytes, before: bytes | None, kept: dict[Any, Any] | None
) -> None:
    """Which operation was the last that wrote master data; what was kept of it before holds if that is not this one."""
    if any(row.table in MASTER for row in draft.rows):
        tx.master = hash_
    else:
        tx.master, tx.kept = before, kept


def _see_moved(tx: Transaction, draft: Draft) -> None:
    """The leaves that were seen before it, as the draft leaves them."""
    seen = tx.seen
    if not seen:
        return
    for entry in draft.entries:
        for account, amount in entry.lines:
            place = seen.get(account)
            if place is not None:
                leaf: Leaf = seen[place]
                seen[place] = made(Leaf, (*leaf[:-1], leaf[-1] + amount))


def _seal_on_server(tx: Transaction, book: str, draft: Draft, number: int, leaves: dict[int, Leaf]) -> Sealed:
    """Where each statement is a round trip: the master data, by table, and all the rest at once."""
    said = _storable(at_once.values(book, draft, number))
    master, kept = tx.master, tx.kept
    _write_rows(tx, number, draft)
    _number, first, hash_ = at_once.write(tx, said)
    _know_master(tx, draft, hash_, master, kept)
    tx.end = End(number, hash_, first + len(draft.entries), draft.business_date.isoformat())
    return Sealed(number, hash_, tuple(range(first, first + len(draft.entries))), leaves)


def post(database: Database, book: str, draft: Draft) -> Sealed:
    """Seal a draft in a transaction of its own; on a server in one round trip.

    Nothing is read before, so `leaves` stays empty: the database refuses what is wrong. Only then is it validated, to
    say it in words.
    """
    if not database.read_only and not draft.rows and not draft.personal and _possible(draft):
        try:
            if database.dialect == "postgresql":
                return _post_on_server(database, book, draft)
            with database.write() as tx:
                return _seal_in_file(tx, book, draft, {})
        except (SealRefused, DatabaseUnusable) as refused:
            if type(refused) not in (SealRefused, DatabaseUnusable):  # it is busy, or gone
                raise
    with database.write() as tx:
        return seal(tx, book, draft)


def _post_on_server(database: Database, book: str, draft: Draft) -> Sealed:
    number, first, hash_ = at_once.write_alone(database, _storable(at_once.values(book, draft, None)))
    return Sealed(number, hash_, tuple(range(first, first + len(draft.entries))), {})


def _possible(draft: Draft) -> bool:
    """Whether each line has an amount that the database, which bounds them less, would rightly take."""
    for entry in draft.entries:
        for account, amount in entry.lines:
            if type(amount) is not int or abs(amount) > LARGEST_MINOR or not 0 < account < 2**63:
                return False
    return True


def _storable(said: at_once.Values) -> at_once.Values:
    _require_storable(str(said[-1]))  # the text says them all, as JSON does
    return said


def _hash_of(text: str) -> bytes:
    """The hash, if both engines can hold the text."""
    _require_storable(text)
    return chain.digest(text)


def _require_storable(text: str) -> None:
    """Refuse what an engine cannot hold: PostgreSQL takes no NUL, UTF-8 no half of a surrogate pair."""
    if "\0" in text or ("\\u0000" in text and _NUL.search(text)) or not _encodable(text):
        raise InvalidValue("A text holds a character that cannot be stored.", field="request")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def sealed_text(book: str, number: int, last: Head, draft: Draft) -> str:
    """The text that is hashed and stored; chain.py gives its places."""
    business, on, entries = draft.business_date, draft.business_date.isoformat(), []
    for number_, e in enumerate(draft.entries, last.next_entry):
        day = e.effective_on
        entries.append([number_, on if day == business else day.isoformat(), e.memo, e.reverses, e.lines])
    return chain.canonical(
        [chain.FORM, book, number, draft.at, on, draft.actor, draft.approver,
         draft.kind, draft.kind_version, draft.key, draft.request, entries,
         [[row.table, *row.values()] for row in draft.rows], last.hash.hex()]
    )  # fmt: skip


COLUMNS = {
    "gl_account": "operation_id, line, code, name, kind, side, guard",
    "fund": "operation_id, line, code, name, class",
    "account": "operation_id, line, id, gl_code, fund, contract, holder, kind, currency, floor, ceiling",
    "period_state": "operation_id, line, period, state",
    "record": "operation_id, line, kind, ref, version, about, body",
    "posting": "entry_id, line, account_id, amount",
    "entry": "id, operation_id, effective_on, memo, reverses_id",
    "personal": "digest, operation_id, field, salt, value",
    "operation": "id, key, kind, kind_version, actor, approver, business_date, at, request_hash, first_entry,"
    " entry_count, posting_count, debit_total, row_count, prev_hash, hash, sealed",
}
"""The tables that an operation writes, in the order in which they are written; its own row comes last."""
INSERT = {
    table: f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * len(columns.split(', ')))})"
    for table, columns in COLUMNS.items()
}
_ROWS = ("gl_account", "fund", "account", "period_state", "record")
MASTER = ("period_state", "record")
"""The tables that `Transaction.master` is about."""


def write_again(tx: Transaction, rows: dict[str, list[tuple[Any, ...]]]) -> None:
    """Write one operation as it was sealed in another database, by table; the seal of this one proves it all anew.

    On a server the seal writes entries and lines out of the text: those that came must be what it will write.
    """
    by_seal = ("posting", "entry") if tx.dialect == "postgresql" else ()
    if by_seal:
        _require_as_sealed(rows)
    for table, insert in INSERT.items():
        if table in rows and table not in by_seal:
            tx.run_together(insert, [value for row in rows[table] for value in row])


def _require_as_sealed(rows: dict[str, list[tuple[Any, ...]]]) -> None:
    (operation,) = rows["operation"]
    entries: list[tuple[Any, ...]] = []
    lines: list[tuple[Any, ...]] = []
    try:
        for number, day, memo, reverses, said in json.loads(operation[-1])[11]:
            entries.append((number, operation[0], day, memo, reverses))
            lines += [(number, n, account, amount) for n, (account, amount) in enumerate(said, 1)]
        same = rows.get("entry", []) == entries and rows.get("posting", []) == lines
    except (ValueError, TypeError, LookupError, RecursionError):  # a text that was damaged may be anything
        same = False
    if not same:
        raise SealRefused(
            "The books refused it: {why}.", why="entries differ from the sealed text",
            hint="Nothing was changed. Check the books with: coopbank verify",
        )  # fmt: skip


def _write_rows(tx: Transaction, number: int, draft: Draft) -> None:
    by_table: dict[str, list[Any]] = defaultdict(list)
    for line, row in enumerate(draft.rows, start=1):
        values = row.values()
        if row.table == "record":
            values = (*values[:-1], chain.canonical(values[-1]))
        by_table[row.table] += (number, line, *values)
    for table in _ROWS:  # in the order in which they refer to each other
        if table in by_table:
            tx.run_together(INSERT[table], by_table[table])
    if draft.personal:
        tx.run_many(INSERT["personal"], [(p.digest, number, p.field, *p.stored) for p in draft.personal])


def _write_entries(tx: Transaction, number: int, first: int, draft: Draft) -> list[int]:
    """Postings, then their entries; the amounts of all lines."""
    if not draft.entries:
        return []
    if len(draft.entries) == 1:
        return _write_entry(tx, number, first, draft.entries[0])
    business, on = draft.business_date, draft.business_date.isoformat()
    postings: list[int] = []
    entries: list[Any] = []
    for entry_no, e in enumerate(draft.entries, first):
        day = e.effective_on
        entries += (entry_no, number, on if day == business else day.isoformat(), e.memo, e.reverses)
        for n, (account, amount) in enumerate(e.lines, 1):
            postings += (entry_no, n, account, amount)
    tx.run_together(INSERT["posting"], postings)
    tx.run_together(INSERT["entry"], entries)
    return postings[3::4]


def _write_entry(tx: Transaction, number: int, entry_no: int, entry: EntryDraft) -> list[int]:
    """The same for an operation with one entry, as most have."""
    tx.run_many(INSERT["posting"], [(entry_no, n, *line) for n, line in enumerate(entry.lines, 1)])
    tx.run(INSERT["entry"], entry_no, number, entry.effective_on.isoformat(), entry.memo, entry.reverses)
    return [line.amount for line in entry.lines]


# -------------------------------------------------------------------------------- validating


class Leaf(NamedTuple):
    """A leaf as a posting sees it: its meaning, its guards and its balance now."""

    id: int
    gl_code: str
    fund: str
    contract: str
    currency: str
    floor: int | None
    ceiling: int | None
    balance: int

    @property
    def code(self) -> str:
        """`905/M0007`, or `931` for the only leaf of its control account."""
        return f"{self.gl_code}/{self.contract}" if self.contract else self.gl_code


def validate(tx: Transaction, draft: Draft) -> dict[int, Leaf]:
    """Refuse what the seal would refuse, in words; returns the leaves touched, as they are before."""
    if not draft.entries:
        return {}
    business = draft.business_date.isoformat()
    days = {entry.effective_on for entry in draft.entries}
    alone = days == {draft.business_date}
    months = [business[:7]] if alone else sorted({day.isoformat()[:7] for day in days})
    states = periods.states(tx, dict.fromkeys([business, *months, *[month[:4] for month in months]]))
    periods.require_open(states[business], draft.business_date)
    leaves = leaves_of(tx, draft)
    if not alone:
        _check_dates(draft, days)
    _check_months(states, months)
    places, after = {}, {}
    for i, leaf in leaves.items():
        places[i] = (leaf.fund, leaf.currency)
        after[i] = leaf.balance
    for entry in draft.entries:
        _check_balance(entry, places, after)
        if entry.reverses is not None:
            _check_reversal(tx, entry)
    _check_guards(leaves, after)
    return leaves


def leaves_of(tx: Transaction, draft: Draft) -> dict[int, Leaf]:
    """Every leaf that the draft touches, those it opens included."""
    touched = {account for entry in draft.entries for account, _amount in entry.lines}
    leaves = {
        row.id: Leaf(row.id, row.gl_code, row.fund, row.contract, row.currency, row.floor, row.ceiling, 0)
        for row in draft.rows
        if isinstance(row, NewAccount) and row.id in touched
    }
    known, unknown = draft.leaves, []
    for i in sorted(touched):
        if i in known and i not in leaves:
            leaves[i] = known[i]
        elif i not in leaves:
            unknown.append(i)
    if not unknown:
        return leaves
    if not 0 < unknown[0] <= unknown[-1] < 2**63:
        absurd = min(i for i in touched if not 0 < i < 2**63)
        raise InvalidValue("There is no account number {number}.", field="lines", number=absurd)
    leaves.update(read_leaves(tx, unknown))
    missing = touched - leaves.keys()
    if missing:
        raise InvalidValue("There is no account number {number}.", field="lines", number=min(missing))
    return leaves


def read_leaves(tx: Transaction, ids: Sequence[int]) -> dict[int, Leaf]:
    """Leaves by their numbers, with their balances now; those that do not exist are left out."""
    leaves: dict[int, Leaf] = {}
    if tx.seen:
        leaves = {i: tx.seen[tx.seen[i]] for i in ids if i in tx.seen}
        ids = [i for i in ids if i not in leaves]
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        marks = ", ".join("?" * len(part))
        for row in tx.rows(
            "SELECT a.id, a.gl_code, a.fund, a.contract, a.currency, a.floor, a.ceiling, b.debit - b.credit"
            f" FROM account a JOIN balance b ON b.account_id = a.id WHERE a.id IN ({marks})",
            *part,
        ):
            leaf = leaves[row[0]] = Leaf._make(row)
            see_leaf(tx, leaf)
    return leaves


def see_leaf(tx: Transaction, leaf: Leaf) -> None:
    """Remember how a leaf stands by its fund and code, and those by its number."""
    if tx.seen is not None:
        if len(tx.seen) > _MOST_SEEN:
            tx.seen.clear()
        tx.seen[leaf.id] = place = (leaf.fund, leaf.code)
        tx.seen[place] = leaf


def _check_dates(draft: Draft, days: set[date]) -> None:
    for day in sorted(days):
        if day > draft.business_date:
            raise DayClosed(
                "An entry cannot be dated {day}: the business date is {business}.",
                field="effective_on", day=day, business=draft.business_date,
            )  # fmt: skip
        if day < draft.business_date and draft.approver is None:
            raise DayClosed(
                "An entry dated before the business date {business} needs a second person.",
                field="effective_on", business=draft.business_date,
            )  # fmt: skip


def _check_months(states: Mapping[str, str | None], months: Iterable[str]) -> None:
    for month in months:
        if periods.LOCKED in (states[month], states[month[:4]]):
            raise PeriodLocked(
                "{month} is locked.", field="effective_on", month=month,
                hint="Date it in a month that is open, or open that one again (reopen-month).",
            )  # fmt: skip


def _check_balance(entry: EntryDraft, places: dict[int, tuple[str, str]], after: dict[int, int]) -> None:
    """Refuse an entry that is out of balance; what its lines do to the leaves is added to `after`."""
    if len(entry.lines) < 2:
        raise InvalidValue("An entry needs at least two lines, on different accounts.", field="lines")
    sums: dict[tuple[str, str], int] = {}
    for account, amount in entry.lines:
        if type(amount) is not int or not 0 < abs(amount) <= LARGEST_MINOR:
            raise _impossible(amount)
        place = places[account]
        sums[place] = sums.get(place, 0) + amount
        after[account] += amount
    if any(sums.values()):
        (fund, currency), total = min(item for item in sums.items() if item[1])
        raise InvalidValue(
            "Debits and credits differ by {difference} {currency} in fund {fund}.",
            field="lines", difference=format_amount(total), currency=currency, fund=fund,
        )  # fmt: skip


def _impossible(amount: Any) -> InvalidValue:
    if amount == 0:
        return InvalidValue("A line of an entry cannot be zero.", field="lines")
    return InvalidAmount("{amount} is not a possible amount.", field="lines", amount=amount)


def _check_reversal(tx: Transaction, entry: EntryDraft) -> None:
    original = tx.row("SELECT reverses_id FROM entry WHERE id = ?", entry.reverses)
    if original is None or original[0] is not None:
        raise CannotReverse("Entry {entry} cannot be reversed.", field="entry", entry=entry.reverses)
    done = tx.value("SELECT id FROM entry WHERE reverses_id = ?", entry.reverses)
    if done is not None:
        raise CannotReverse(
            "Entry {entry} was already reversed by entry {by}.", field="entry", entry=entry.reverses, by=done
        )
    lines = tx.rows("SELECT account_id, -amount FROM posting WHERE entry_id = ? ORDER BY line", entry.reverses)
    if lines != [(line.account_id, line.amount) for line in entry.lines]:
        raise CannotReverse(
            "A reversal takes back exactly the lines of entry {entry}.", field="lines", entry=entry.reverses
        )


def _check_guards(leaves: dict[int, Leaf], after: dict[int, int]) -> None:
    for i, leaf in leaves.items():
        floor, ceiling = leaf.floor, leaf.ceiling
        if floor is not None and after[i] < floor:
            raise overdrawn(leaf, leaf.balance - floor)
        if ceiling is not None and after[i] > ceiling:
            raise overdrawn(leaf, ceiling - leaf.balance)


def overdrawn(leaf: Leaf, available: int) -> Overdrawn:
    """The refusal of a guard, in the words of what the leaf is."""
    words = {
        "729": "Fund {fund} has only {available} to spend.",
        "879": "Fund {place} has only {available} to spend.",
        "739": "{place} holds only {available} in cash.",
        "735": "{place} holds cheques for only {available}.",
        "731": "Bank account {place} holds only {available}.",
    }
    template = words.get(leaf.gl_code, "Account {code} in fund {fund} has only {available}.")
    return Overdrawn(
        template,
        field="amount", fund=leaf.fund, place=leaf.contract, code=leaf.code,
        available=format_amount(available, leaf.currency),
    )  # fmt: skip
