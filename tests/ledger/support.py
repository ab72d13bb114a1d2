"""Small books to test the ledger with, and the assertion that closes every test that wrote.

    with new_books(engine_url) as books:
        books.deposit(5_00)
        assert_books(books.database)

The books hold a chart of six control accounts, the funds POOL and GEN, a drawer with what
the pool owes to GEN, GEN's claim on it, a bank account, two members' savings, capital and
a memo pair; the first day is open and has cash in it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from coopbank.database import Database
from coopbank.ledger import chain, posting
from coopbank.ledger.columns import Columns, Proven
from coopbank.ledger.log import Operation
from coopbank.ledger.posting import (
    Draft,
    EntryDraft,
    Line,
    NewAccount,
    NewControl,
    NewFund,
    NewPeriodState,
    NewRecord,
    Sealed,
)
from coopbank.ledger.verify import verify_ledger, wrong
from tests.copies import copied

BOOK = "00112233445566778899aabbccddeeff"
DAY = date(2026, 3, 2)

CONTROLS = [
    NewControl("739", "Cash", "asset", "debit", "floor"),
    NewControl("731", "Bank", "asset", "debit", "floor"),
    NewControl("879", "Pool owes the funds", "liability", "credit", "none"),
    NewControl("729", "Claim on the pool", "asset", "debit", "floor"),
    NewControl("902", "Savings", "liability", "credit", "ceiling"),
    NewControl("940", "Capital", "equity", "credit", "none"),
    NewControl("M01", "Interest not recognised", "memo", "debit", "none"),
]
FUNDS = [
    NewFund("POOL", "Pooled cash", "pool"),
    NewFund("GEN", "General", "general"),
    NewFund("REV", "Revolving", "revolving"),
]
# the leaves by name: number, control account, fund, contract, kind, currency, floor, ceiling
DRAWER, BANK, OWED, CLAIM, SAVINGS, OTHER, CAPITAL, REV_OWED, REV_CLAIM, REV_CAPITAL, MEMO, MEMO_TOO = range(1, 13)
ACCOUNTS = [
    NewAccount(DRAWER, "739", "POOL", "D1", None, "asset", "USD", 0, None),
    NewAccount(BANK, "731", "POOL", "B1", None, "asset", "USD", 0, None),
    NewAccount(OWED, "879", "POOL", "GEN", None, "liability", "USD", None, None),
    NewAccount(CLAIM, "729", "GEN", "", None, "asset", "USD", 0, None),
    NewAccount(SAVINGS, "902", "GEN", "M0001", "M0001", "liability", "USD", None, 0),
    NewAccount(OTHER, "902", "GEN", "M0002", "M0002", "liability", "USD", None, 0),
    NewAccount(CAPITAL, "940", "GEN", "", None, "equity", "USD", None, None),
    NewAccount(REV_OWED, "879", "POOL", "REV", None, "liability", "USD", None, None),
    NewAccount(REV_CLAIM, "729", "REV", "", None, "asset", "USD", 0, None),
    NewAccount(REV_CAPITAL, "940", "REV", "", None, "equity", "USD", None, None),
    NewAccount(MEMO, "M01", "GEN", "L-001", None, "memo", "MEM", None, None),
    NewAccount(MEMO_TOO, "M01", "GEN", "L-002", None, "memo", "MEM", None, None),
]
RATE = NewRecord("product", "savings", 1, None, {"rate_ppm": 15_000})
ROLE = NewRecord("role", "ann", 1, None, {"role": "teller"})

Lines = Sequence[tuple[int, int]]


def deposit_lines(amount: int, member: int = SAVINGS) -> Lines:
    """Cash in: drawer and what the pool owes, the fund's claim and the member's savings; minor units."""
    return [(DRAWER, amount), (OWED, -amount), (CLAIM, amount), (member, -amount)]


def entry(lines: Lines, day: date = DAY, memo: str = "deposit", reverses: int | None = None) -> EntryDraft:
    return EntryDraft(memo, day, tuple(Line(*line) for line in lines), reverses)


@dataclass
class Books:
    """Books that were opened for a test."""

    database: Database
    today: date = DAY
    keys: int = 0
    sealed: list[Sealed] = field(default_factory=list)

    def draft(self, entries: Sequence[EntryDraft] = (), rows: Sequence[posting.Row] = (), **changes: Any) -> Draft:
        """An operation that would be legal, with what the test changes."""
        self.keys += 1
        draft = Draft(
            key=f"key-{self.keys}", kind="test", kind_version=1, actor="ann", approver=None, business_date=self.today,
            at=f"{self.today}T15:04:05.{self.keys:06d}Z", request={"asked": self.keys}, request_hash=b"",
            entries=list(entries), rows=list(rows),
        )  # fmt: skip
        for name, value in changes.items():
            setattr(draft, name, value)
        if not draft.request_hash:
            draft.request_hash = chain.digest(chain.canonical([draft.kind, draft.kind_version, draft.request]))
        return draft

    def seal(self, entries: Sequence[EntryDraft] = (), rows: Sequence[posting.Row] = (), **changes: Any) -> Sealed:
        """Seal one operation through the one door."""
        with self.database.write() as tx:
            done = posting.seal(tx, BOOK, self.draft(entries, rows, **changes))
        self.sealed.append(done)
        return done

    def deposit(self, amount: int, member: int = SAVINGS) -> Sealed:
        return self.seal([entry(deposit_lines(amount, member), self.today)])

    def withdraw(self, amount: int, member: int = SAVINGS) -> Sealed:
        return self.seal([entry(deposit_lines(-amount, member), self.today, "withdrawal")])

    def set_state(self, *states: tuple[str, str]) -> Sealed:
        return self.seal(rows=[NewPeriodState(*state) for state in states])

    def next_day(self) -> None:
        """Close the day and open the next."""
        closed, self.today = self.today, self.today + timedelta(days=1)
        self.set_state((closed.isoformat(), "closed"), (self.today.isoformat(), "open"))

    def head(self) -> posting.Head:
        with self.database.read() as tx:
            return posting.head(tx)

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that the tables of the books hold, to be compared."""
        with self.database.read() as tx:
            return {name: sorted(tx.rows(f"SELECT * FROM {name}"), key=repr) for name in TABLE_NAMES}


TABLE_NAMES = (
    "operation", "gl_account", "fund", "account", "entry", "posting", "period_state", "record",
    "balance", "balance_day", "control_total", "directory", "personal", "credential", "session",
)  # fmt: skip


@contextmanager
def new_books(place: str, *, opened: bool = True) -> Iterator[Books]:
    """Fresh books; with chart, leaves, two records, an open day and 100.00 in the drawer, unless `opened` is false."""
    books = _opened(place) if opened else Books(Database.create(place))
    try:
        yield books
    finally:
        books.database.close()


def _opened(place: str) -> Books:
    """Open books: from the copy that this process made of the first ones, in a fraction of the time."""
    kind = place.partition("://")[0] if "://" in place else ""
    if kind not in _copies:
        books = Books(Database.create(place))
        with books.database.closed_on_failure():
            day = NewPeriodState(DAY.isoformat(), "open")
            books.seal(rows=[*CONTROLS, *FUNDS, *ACCOUNTS, RATE, ROLE, day], kind="init")
            books.deposit(100_00)
            _copies[kind] = copied(books.database), tuple(books.sealed)
        return books
    put_back, sealed = _copies[kind]
    put_back(place)
    return Books(Database.open(place), keys=len(sealed), sealed=list(sealed))


_copies: dict[str, tuple[Callable[[str], None], tuple[Sealed, ...]]] = {}
"""By engine: what puts a copy of open books somewhere, and what was sealed in them."""


def assert_books(database: Database) -> None:
    """The ledger's own checks find nothing wrong."""
    found = wrong(verify_ledger(database))
    assert not found, "\n".join(f"{f.check}: operation {f.operation}: {f.message}" for f in found)


@contextmanager
def plain_sqlite(place: str, *, foreign_keys: bool = True, recursive: bool = True) -> Iterator[sqlite3.Connection]:
    """A connection of the plain driver, with the pragmas that the attacker likes; commits nothing by itself."""
    connection = sqlite3.connect(place, isolation_level=None)
    connection.execute(f"PRAGMA foreign_keys = {int(foreign_keys)}")
    connection.execute(f"PRAGMA recursive_triggers = {int(recursive)}")
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def plain_postgresql(place: str) -> Iterator[Any]:
    """A connection of the plain driver; commits nothing by itself."""
    import psycopg

    connection = psycopg.connect(place.replace("+psycopg", "", 1))
    try:
        yield connection
    finally:
        connection.close()


def corrupt(database: Database, changes: Sequence[tuple[str, Sequence[Any]]]) -> None:
    """Make the changes with every protection out of the way, and put the protections back."""
    if database.dialect == "postgresql":
        with plain_postgresql(database.place) as server:
            server.execute("SET session_replication_role = replica")
            for sql, values in changes:
                server.execute(sql.replace("%", "%%").replace("?", "%s"), tuple(values))
            server.commit()
        return
    with plain_sqlite(database.place, foreign_keys=False) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        connection.execute("BEGIN")
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for sql, values in changes:
            connection.execute(sql, values)
        for _, text in triggers:
            connection.execute(text)
        connection.execute("COMMIT")


def page_of(*operations: Operation) -> Proven:
    """A page of these operations, as a proven one says them."""
    entries = [entry for operation in operations for entry in operation.entries]
    lines = [line for entry in entries for line in entry[4]]
    return Proven(
        None,
        Columns(
            "b", operations[0].number, *(tuple(column) for column in zip(*(
                (one.key, one.kind, one.kind_version, one.actor, one.approver, one.business_date, one.at)
                for one in operations
            ), strict=True)),
            [chain.canonical(one.request) for one in operations],
            {at: one.rows for at, one in enumerate(operations) if one.rows},
            1, tuple(len(one.entries) for one in operations), tuple(entry[1] for entry in entries),
            tuple(entry[2] for entry in entries), tuple(entry[3] for entry in entries),
            [len(entry[4]) for entry in entries], tuple(line[0] for line in lines), tuple(line[1] for line in lines),
            bytes(32), bytes(32 * len(operations)), bytes(32 * len(operations)),
        ),
    )  # fmt: skip
