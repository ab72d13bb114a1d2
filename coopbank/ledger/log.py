"""The sealed log, read once and recomputed: what the books must say.

`read_log` streams the operations in the order of their numbers, a page at a time, holds
none of the texts, and keeps only what grows with the number of leaves and days: the
leaves with their balances, the chart, the funds, period states, control totals. While
it passes, each watcher of `watchers` sees every operation and the rows that the tables
hold for it. So a million operations are proven in the memory of a few thousand.

Nearly every page is whole, and proof.py tells that at once, by one comparison; only where it
does not, everything is looked at piece by piece, by the watchers that can name what is wrong.

Whatever stands in the file, damaged or forged, becomes a finding and never a traceback:
a text that cannot be read is one finding, and nothing else is concluded from it.
"""

from __future__ import annotations

import gc
import hashlib
import json
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from coopbank.ledger import chain

if TYPE_CHECKING:
    from concurrent.futures import Future

    from coopbank.database import Transaction
    from coopbank.ledger.beside import Answers
    from coopbank.ledger.columns import Proven, Run

PAGE = 500  # operations read at a time,
PAGE_LINES = 20_000  # or so many of their lines and rows
LOWEST = -(2**63)  # no number is lower
LISTED = 1000  # findings of one check that are kept; the others are counted


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: which check saw it, in words, and the operation concerned if there is one."""

    check: str
    message: str
    operation: int | None = None


class Found:
    """The findings of one check: the first thousand, and how many there are in all."""

    def __init__(self, check: str) -> None:
        self.check = check
        self.count = 0
        self.listed: list[Finding] = []

    def add(self, message: str, operation: int | None = None) -> None:
        self.count += 1
        if len(self.listed) < LISTED:
            self.listed.append(Finding(self.check, message, operation))


class Unreadable(ValueError):
    """A sealed text is not what chain.py says a text is."""


class Leaf(NamedTuple):
    """An account as an operation of the log opened it. Guards in minor units, debit positive."""

    operation: int
    id: int
    gl_code: str
    fund: str
    contract: str
    holder: str | None
    kind: str
    currency: str
    floor: int | None
    ceiling: int | None


class Stand(NamedTuple):
    """Where the log stands before a page: what the page must follow upon."""

    last: Any  # number of the operation before, 0 before the first
    hash: Any  # its hash
    next_entry: int
    book: str | None  # None before the first


class Face(NamedTuple):
    """What a line has to know of its leaf: where it must balance, which control total it moves, who guards it."""

    place: int  # fund and currency, by their number in `Log.places`
    total: tuple[str, str, str]  # control account, fund and currency
    guarded: bool


class Operation(NamedTuple):
    """One operation as its text has it, in the order of chain.py; entries and rows are lists as there.

    Of a proven page, predecessor and text are empty: nobody looks at them again.
    """

    book: str
    number: int
    at: str
    business_date: str
    actor: str
    approver: str | None
    kind: str
    kind_version: int
    key: str
    request: Any
    entries: list[list[Any]]
    rows: list[list[Any]]
    previous: str
    text: str


class Stored(NamedTuple):
    """The columns of an operation's row, as the table holds them, unchecked."""

    id: Any
    key: Any
    kind: Any
    kind_version: Any
    actor: Any
    approver: Any
    business_date: Any
    at: Any
    request_hash: Any
    first_entry: Any
    entry_count: Any
    posting_count: Any
    debit_total: Any
    row_count: Any
    prev_hash: Any
    hash: Any
    sealed: Any


STORED = ", ".join(Stored._fields)


@dataclass
class Log:
    """What the log says, as far as it was read; after `read_log`, all of it."""

    known_heads: dict[int, str] = field(default_factory=dict)  # number: first 16 hex digits, lower case
    heads: dict[int, str] = field(default_factory=dict)  # of those numbers, the hash of the text found
    book: str | None = None
    count: int = 0
    last: Stored | None = None
    next_entry: int = 1
    leaves: dict[int, Leaf] = field(default_factory=dict)
    controls: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # code: kind, side, guard
    funds: dict[str, str] = field(default_factory=dict)  # code: class
    states: dict[str, str] = field(default_factory=dict)  # period: its latest state
    debits: dict[int, int] = field(default_factory=dict)  # by leaf, minor units
    credits: dict[int, int] = field(default_factory=dict)  # by leaf, minor units, positive
    days: dict[str, dict[tuple[str, str, str], list[int]]] = field(default_factory=dict)  # [debit, credit]
    beyond: set[int] = field(default_factory=set)  # leaves that stand beyond their guards
    backdated: dict[int, int] = field(default_factory=dict)  # leaf: the last operation that went back in time
    reversed: dict[int, int] = field(default_factory=dict)  # entry: the operation that reversed it
    seen: dict[str, int] = field(default_factory=dict)  # table: rows that were compared
    unreadable: set[int] = field(default_factory=set)
    found: dict[str, Found] = field(default_factory=dict)
    request: str = ""  # the canonical text of the request of the operation that passes
    open_days: set[str] = field(default_factory=set)  # known to be open, in no locked month; emptied by a new state
    faces: dict[int, Face] = field(default_factory=dict)  # by leaf; made when a plain operation first moves it
    places: dict[tuple[str, str], int] = field(default_factory=dict)  # fund and currency: a number for the pair
    entry_places: array[int] = field(default_factory=lambda: array("q"))  # first entries of entry_operations
    entry_operations: array[int] = field(default_factory=lambda: array("q"))
    answers: Future[Answers] | None = None  # see beside.py

    def add(self, check: str, message: str, operation: int | None = None) -> None:
        """Note a finding of a check."""
        self.found.setdefault(check, Found(check)).add(message, operation)

    @property
    def stand(self) -> Stand:
        """What the next page must follow upon."""
        if self.last is None:
            return Stand(0, chain.ZERO_HASH, self.next_entry, self.book)
        return Stand(self.last.id, self.last.hash, self.next_entry, self.book)

    def balance(self, leaf: int) -> int:
        """A leaf's balance after the operations read so far: minor units, debit positive."""
        return self.debits.get(leaf, 0) - self.credits.get(leaf, 0)

    def beside(self) -> Answers | None:
        """What SQLite was asked in the meantime, if it saw the same books and could answer."""
        if self.answers is None:
            return None
        try:
            told = self.answers.result()
        except Exception:
            return None
        return told if self.last is not None and told.last == self.last.id else None

    def face(self, account: int) -> Face | None:
        """What a line has to know of its leaf; None if no operation opened it."""
        leaf = self.leaves.get(account)
        if leaf is None:
            return None
        guarded = leaf.floor is not None or leaf.ceiling is not None
        place = self.places.setdefault((leaf.fund, leaf.currency), len(self.places))
        return self.faces.setdefault(account, Face(place, (leaf.gl_code, leaf.fund, leaf.currency), guarded))


Watcher = Callable[[Log, Operation, Stored], None]
RunWatcher = Callable[[Log, "Run"], None]
"""Sees plain operations that follow one another at once, and the log as it stands after them."""


@dataclass(frozen=True, slots=True)
class Page:
    """Operations that stand together: the readable ones by id, and the range of ids answered for."""

    after: int | None  # None: from the lowest number there is
    upto: int | None  # None: to the highest
    operations: dict[int, Operation]  # of a proven page only those that wrote rows
    proven: bool = False  # texts, columns, entries and lines are known to agree


PageWatcher = Callable[[Log, "Transaction", Page], None]


@dataclass(frozen=True, slots=True)
class Watchers:
    """Who looks at an operation as it passes, by what is known of it already."""

    row: Callable[[Log, Stored], None]  # sees every row of a page that is not proven, readable or not
    unknown: tuple[Watcher, ...]
    proven: tuple[Watcher, ...]  # its text is canonical and what all tables say
    plain: tuple[RunWatcher, ...]  # and it breaks no rule of bookkeeping, and wrote no rows
    page: tuple[PageWatcher, ...]


# --------------------------------------------------------------------------- reading


def read_log(
    tx: Transaction, log: Log, watchers: Watchers,
    prove: Callable[[Transaction, Stand, list[Stored], Page], Proven | None],
    take_plain: Callable[[Log, Proven, int], Run],
    ahead: Callable[[Stand], Proven | None] = lambda stand: None,
) -> None:  # fmt: skip
    """Read all operations into `log`.

    A watcher sees each readable operation with `log` as it was sealed upon it: balances
    and period states are those before, while the leaves, controls and funds that it opens are there.
    `prove` gives the operations of a page that is whole; None means that it has to be looked at piece by piece.
    `take_plain` takes over plain operations from a place on: how many it likes, and none if that one is not plain.
    `ahead` may know the next page already (ahead.py); it must be the one that would be read here.
    """
    after: int | None = None
    while True:
        proven = ahead(log.stand)
        stored: list[Stored] = []
        page = Page(after, None, {})
        if proven is None:
            stored, upto = read_page(tx, after)
            page = Page(after, upto, {})
            proven = prove(tx, log.stand, stored, page)
        if proven is None:
            _read_page(log, stored, watchers, page.operations)
        else:
            page = Page(after, proven.upto, proven.with_rows(), True)
            _pass_proven(log, proven, watchers, take_plain)
        for watch_page in watchers.page:
            watch_page(log, tx, page)
        if page.upto is None:
            return
        after = page.upto


def read_page(tx: Transaction, after: int | None) -> tuple[list[Stored], int | None]:
    """The operations of the page after a number, and the number that it goes up to; None: the last page, its end open.

    Keyset paging is a stream on both engines. A page holds at most `PAGE` operations and about `PAGE_LINES` lines and
    rows, or one operation that has more: what is held at a time does not grow with how much one operation wrote.
    """
    after = LOWEST if after is None else after
    count, there_are = page_size(tx, after)
    stored = _page(tx, f"SELECT {STORED} FROM operation WHERE id > ? ORDER BY id LIMIT {count}", after)
    return stored, stored[-1].id if count < there_are else None


_SIZES = f"SELECT posting_count, row_count FROM operation WHERE id > ? ORDER BY id LIMIT {PAGE + 1}"
_SUM_OF_SIZES = f"SELECT count(*), sum(posting_count + row_count) FROM ({_SIZES}) AS sizes"


def page_size(tx: Transaction, after: int) -> tuple[int, int]:
    """How many operations make the page after a number, and how many there are: one more than a page may have."""
    there_are, lines = tx.row(_SUM_OF_SIZES, after) or (0, None)
    if lines is None or lines <= PAGE_LINES:
        return min(there_are, PAGE), there_are
    count, lines = 0, 0
    for counts in tx.rows(_SIZES, after)[:PAGE]:
        lines += sum(number for number in counts if type(number) is int)
        if count and lines > PAGE_LINES:
            break
        count += 1
    return count, there_are


def _page(tx: Transaction, sql: str, after: Any) -> list[Stored]:
    try:
        with only_text(tx):
            rows = tx.rows(sql, after)
    except Exception:
        if tx.dialect != "sqlite":
            raise
        rows = tx.rows(sql, after)  # bytes that are no UTF-8, if it was that
    return list(map(partial(tuple.__new__, Stored), rows))  # as _make does, without counting


@contextmanager
def unswept() -> Iterator[None]:
    """No search for garbage meanwhile: what is read holds no cycle, and to look for one costs a sixth and more."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@contextmanager
def only_text(tx: Transaction) -> Iterator[None]:
    """On SQLite, read texts that are UTF-8 and nothing else: three times as fast as asking how to read each."""
    if tx.dialect != "sqlite":
        yield
        return
    driver: Any = tx.connection.connection.dbapi_connection
    before, driver.text_factory = driver.text_factory, str
    try:
        yield
    finally:
        driver.text_factory = before


def _read_page(log: Log, page: list[Stored], watchers: Watchers, operations: dict[int, Operation]) -> None:
    for stored in page:
        watchers.row(log, stored)
        operation = _read_one(log, stored)
        if operation is None:
            log.last = stored
            log.count += 1
        else:
            operations[stored.id] = operation
            _pass_one(log, operation, stored, watchers.unknown)


def _read_one(log: Log, stored: Stored) -> Operation | None:
    try:
        return parse(stored.sealed)
    except (ValueError, RecursionError) as error:
        log.add("text", f"the text cannot be read: {error}", number_of(stored))
        log.unreadable.add(stored.id)
        return None


def _pass_proven(log: Log, page: Proven, watchers: Watchers, take_plain: Callable[[Log, Proven, int], Run]) -> None:
    """Plain operations pass in runs, the others one by one."""
    if log.book is None:
        log.book = page.columns.book
    first, at = page.columns.first, 0
    for number in log.known_heads:
        if first <= number < first + len(page):
            log.heads[number] = page.stored(number - first).hash.hex()
    log.seen["entry"] = log.seen.get("entry", 0) + len(page.columns.line_counts)
    log.seen["posting"] = log.seen.get("posting", 0) + len(page.columns.accounts)
    while at < len(page):
        run = take_plain(log, page, at)
        if not run:
            _pass_one(log, page.operation(at), page.stored(at), watchers.proven)
            at += 1
            continue
        at = run.end
        log.last, log.count = page.stored(at - 1), log.count + len(run)
        for watch in watchers.plain:
            _watch_run(log, watch, run)


def _watch_run(log: Log, watch: RunWatcher, run: Run) -> None:
    """Where a watcher fails at an operation it goes on with the next, as it does where they pass one by one."""
    while run:
        try:
            watch(log, run)
            return
        except Exception as error:
            which = "operations from here on" if run.given is None else "operation"
            first = run.start if run.given is None else run.given
            log.add("text", f"the {which} cannot be checked: {brief(error)}", run.page.columns.first + first)
            run = run.first(0) if run.given is None else run.after(run.given)


def _pass_one(log: Log, operation: Operation, stored: Stored, watchers: tuple[Watcher, ...]) -> None:
    if log.book is None:
        log.book = operation.book
    for row in operation.rows:
        _take_over_row(log, row, stored)
    for watch in watchers:
        try:
            watch(log, operation, stored)
        except Exception as error:  # what no check foresaw is a finding too
            log.add("text", f"the operation cannot be checked: {brief(error)}", number_of(stored))
    _take_over(log, operation, stored)
    log.last = stored
    log.count += 1


def _take_over(log: Log, operation: Operation, stored: Stored) -> None:
    for row in operation.rows:
        if row[0] == "period_state":
            log.states[row[1]] = row[2]
            log.open_days.clear()
    if operation.entries:
        log.entry_places.append(min(max(operation.entries[0][0], -(2**63)), 2**63 - 1))
        log.entry_operations.append(stored.id)
        log.next_entry = operation.entries[-1][0] + 1
    leaves, debits, credits = log.leaves, log.debits, log.credits
    for entry in operation.entries:
        day = log.days.setdefault(entry[1], {})
        for account, amount in entry[4]:
            leaf = leaves.get(account)
            sums = [0, 0] if leaf is None else day.setdefault((leaf.gl_code, leaf.fund, leaf.currency), [0, 0])
            if amount > 0:
                debits[account] = debits.get(account, 0) + amount
                sums[0] += amount
            else:
                credits[account] = credits.get(account, 0) - amount
                sums[1] -= amount


def _take_over_row(log: Log, row: list[Any], stored: Stored) -> None:
    """Chart, funds and leaves; what was named first stays, so that a second naming can be noticed."""
    table = row[0]
    if table == "account":
        log.leaves.setdefault(row[1], Leaf(stored.id, *row[1:]))
    elif table == "gl_account":
        log.controls.setdefault(row[1], (row[3], row[4], row[5]))
    elif table == "fund":
        log.funds.setdefault(row[1], row[3])


def entry_lines(log: Log, tx: Transaction, entry_id: int) -> tuple[int | None, list[list[int]]] | None:
    """What an earlier entry reverses, and its lines, from the text of its operation; None if there is none."""
    at = bisect_right(log.entry_places, entry_id) - 1
    if at < 0:
        return None
    text = tx.value("SELECT sealed FROM operation WHERE id = ?", log.entry_operations[at])
    for entry in parse(text).entries:
        if entry[0] == entry_id:
            return entry[3], entry[4]
    return None


# --------------------------------------------------------------------------- parsing


def _no_fraction(text: str) -> NoReturn:
    raise Unreadable(f"it holds {text[:20]}, and only integers are written")


_decoder = json.JSONDecoder(parse_float=_no_fraction, parse_constant=_no_fraction)  # made once, it takes a while
_decode = _decoder.decode
scan: Callable[[str, int], tuple[Any, int]] = _decoder.scan_once  # type: ignore[attr-defined]
"""The JSON value that begins at a place of a text, and where it ends; raises StopIteration where none does."""


def parse(text: Any) -> Operation:
    """A sealed text, place by place; raises `Unreadable` or another ValueError if it is not one."""
    if not isinstance(text, str):
        raise Unreadable(f"a text was expected, not {show(text)}")
    places = _decode(text)
    if type(places) is not list or len(places) != 14:
        raise Unreadable("it does not have 14 places")
    form, book, number, at, day, actor, approver, kind, version, key, request, entries, rows, previous = places
    if form != chain.FORM:
        raise Unreadable(f"its form is {show(form)}, not {show(chain.FORM)}")
    if not (
        type(book) is type(at) is type(day) is type(actor) is type(kind) is type(key) is type(previous) is str
        and type(number) is type(version) is int
        and (approver is None or type(approver) is str)
    ):
        _texts(book, at, day, actor, kind, key, previous, *(() if approver is None else (approver,)))
        _integers(number, version)
    if type(entries) is not list or type(rows) is not list:
        raise Unreadable("places 11 and 12 hold no lists")
    for entry in entries:
        _entry(entry)
    for row in rows:
        require_row(row)
    return Operation(book, number, at, day, actor, approver, kind, version, key, request, entries, rows, previous, text)


def _entry(entry: Any) -> None:
    if type(entry) is not list or len(entry) != 5 or type(entry[4]) is not list:
        raise Unreadable("an entry does not have its five places")
    number, day, memo, reverses, lines = entry
    if not (type(number) is int and type(day) is type(memo) is str and (reverses is None or type(reverses) is int)):
        _integers(number)
        _texts(day, memo)
        _integers(reverses)
    for line in lines:
        if type(line) is not list or len(line) != 2 or type(line[0]) is not int or type(line[1]) is not int:
            raise Unreadable("a line of an entry is not an account and an amount")


# columns of the rows at place 12: t text, i integer, ? may be null, j any JSON
COLUMNS: dict[str, tuple[tuple[str, ...], str]] = {
    "gl_account": (("code", "name", "kind", "side", "guard"), "t t t t t"),
    "fund": (("code", "name", "class"), "t t t"),
    "account": (
        ("id", "gl_code", "fund", "contract", "holder", "kind", "currency", "floor", "ceiling"),
        "i t t t t? t t i? i?",
    ),
    "period_state": (("period", "state"), "t t"),
    "record": (("kind", "ref", "version", "about", "body"), "t t i t? j"),
}
_SHAPES = {table: shape.split() for table, (_, shape) in COLUMNS.items()}
_NULL = type(None)
_TYPES: dict[str, tuple[type, ...]] = {"t": (str,), "i": (int,), "t?": (str, _NULL), "i?": (int, _NULL)}


def require_row(row: Any) -> None:
    """Raise `Unreadable` if it is not a row of place 12."""
    if type(row) is not list or not row or row[0] not in _SHAPES or len(row) != 1 + len(_SHAPES[row[0]]):
        raise Unreadable(f"a row is of no known table or has not its columns: {show(row)}")
    for value, shape in zip(row[1:], _SHAPES[row[0]], strict=True):
        if shape != "j" and type(value) not in _TYPES[shape]:
            raise Unreadable(f"a row of {row[0]} holds {show(value)}")


def _texts(*values: Any) -> None:
    for value in values:
        if type(value) is not str:
            raise Unreadable(f"a text was expected, not {show(value)}")


def _integers(*values: Any) -> None:
    for value in values:
        if type(value) is not int:
            raise Unreadable(f"an integer was expected, not {show(value)}")


def text_hash(text: Any) -> bytes:
    """SHA-256 of what the column holds, byte for byte, text or not."""
    raw = text if isinstance(text, bytes) else str(text).encode("utf-8", "surrogateescape")
    return hashlib.sha256(raw).digest()


def number_of(stored: Stored) -> int | None:
    """The operation's number, if its column holds one."""
    return stored.id if isinstance(stored.id, int) else None


def show(value: Any) -> str:
    """A value in a message: short, and safe to print whatever it holds."""
    text = ascii(value) if isinstance(value, bytes) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def brief(error: BaseException) -> str:
    """An exception in one line."""
    return f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else 'no more is known'}"
