"""Engines, pragmas, transactions and migrations: the one place that opens a connection.

A place is a path to an SQLite file or a `postgresql+psycopg://` URL. SQLAlchemy keeps
the engine and its pool; `Transaction` hands plain SQL to the driver's own cursor, in
one spelling for both engines (`?` marks).

SQLite: WAL, synchronous=FULL, foreign keys and recursive triggers on, read back and
refused if different; a writer begins with BEGIN IMMEDIATE so that it never fails half
way for want of the lock. PostgreSQL: a writer takes the book's advisory lock first, so
that numbers and chain have one serial point.
"""

from __future__ import annotations

import itertools
import os
import re
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar, cast

from coopbank.errors import (
    AlreadyExists,
    BooksMoved,
    ConnectionLost,
    CoopbankError,
    DatabaseBusy,
    DatabaseMissing,
    DatabaseReadOnly,
    DatabaseUnusable,
    DatabaseVersion,
    MoveUnfinished,
    NotABook,
    Refused,
    SealRefused,
)

if TYPE_CHECKING:
    import sqlalchemy as sa

SCHEMA_VERSION = "0007"  # the newest revision in coopbank/migrations/versions
# marks behind it: books are being moved here; those that were here were moved away; a backup is being restored here
MOVING, MOVED, RESTORING = "moving", "moved", "restoring"
BUSY_SECONDS = 5
_PRAGMAS = {"foreign_keys": 1, "synchronous": 2, "recursive_triggers": 1}
_TOGETHER = 50  # rows of one INSERT, where there are so many
_cursor_numbers = itertools.count(1)
_of_others: list[object] = []  # connections of the process that this one was forked from, kept from being closed
_RACES = ("40001", "40P01")  # serialization failure, deadlock
_GONE = ("08", "57P01", "57P02", "57P03", "57P05")  # connection exceptions; shut down, crashed, not up yet, idle
_RACE_PAUSES = (0.0, 0.02, 0.1)  # seconds before each further try; others who lost the race wait another while
_LOST_PAUSES = (0.1, 0.4, 1.0, 2.0, 3.0)  # a standby takes over in this time, or it is told
_SEEN = "seen"  # on a connection to a file: what is known of the books, see `Database._knowing`
_AT_HAND = 4  # connections to a server that are kept open, beside the pool
_BEGIN_WRITING = "BEGIN ISOLATION LEVEL READ COMMITTED{}; SELECT * FROM begin_work()"
LOCK = 20261122  # the advisory lock of the book on PostgreSQL, the same number as in its schema


_AT_ONCE = 2000  # rows of a long answer


class End(NamedTuple):
    """Where the chain ends: number and hash of the last operation, the next entry's number, the business date."""

    number: int
    hash: bytes
    next_entry: int
    business_date: str


_Seen = tuple[int, End | None, bytes | None, dict[Any, Any] | None]
"""Others' commits by then, and what is known of the books: their end, their master data, their leaves."""


class Transaction:
    """A transaction in progress: plain SQL, parameters in the order of their `?`."""

    def __init__(self, connection: sa.Connection | PlainConnection | ServerConnection) -> None:
        self.connection: Any = connection
        self.dialect: str = connection.dialect.name
        self._cursor = connection.connection.cursor()
        self._sql = _as_is if self.dialect == "sqlite" else _for_psycopg
        self.end: End | None = None  # where the chain ends, as long as this is known without asking
        self.master: bytes | None = None  # hash of the last operation that wrote master data, as long as it is known
        self.kept: dict[Any, Any] | None = None  # answers about it that hold until something is written here
        self.seen: dict[Any, Any] | None = None  # leaves as they stand; None where nobody can tell what others write
        self.wrote = False  # whether anything was written in it

    def begin(self) -> None:
        """Begin to write into a file, alone; waits for whoever does."""
        self._cursor.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """End it, on a file: as a statement that is kept prepared, where the driver would read it anew each time."""
        self._cursor.execute("COMMIT")

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        self._cursor.execute(self._sql(sql), values)
        return list(self._cursor.fetchall())

    def row(self, sql: str, *values: Any) -> tuple[Any, ...] | None:
        """The first row of a query, or None."""
        self._cursor.execute(self._sql(sql), values)
        found: tuple[Any, ...] | None = self._cursor.fetchone()
        return found

    def value(self, sql: str, *values: Any) -> Any:
        """The first column of the first row, or None."""
        found = self.row(sql, *values)
        return None if found is None else found[0]

    def _forget(self) -> None:
        """What is written may be what was known; the seal puts back what it knows."""
        self.end = self.master = self.kept = self.seen = None
        self.wrote = True

    def close(self) -> None:
        """It is over: a question of which not all was read would, on a file, hold on to its view of the books."""
        self._cursor.close()

    def stream(self, sql: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """Rows one after the other, on a cursor of their own, for results that may be large."""
        # On PostgreSQL a named cursor stands in the server; a plain one would bring the whole result here at once.
        name = {} if self.dialect == "sqlite" else {"name": f"stream_{next(_cursor_numbers)}"}
        cursor: Any = self.connection.connection.cursor(**name)
        try:
            cursor.execute(self._sql(sql), values)
            while part := cursor.fetchmany(_AT_ONCE):
                yield from part
                if len(part) < _AT_ONCE:  # that was the end; to be told so would be a round trip more
                    break
        finally:
            with suppress(sqlite3.ProgrammingError):  # who reads no further may have ended all of it by now
                cursor.close()

    def run(self, sql: str, *values: Any) -> int:
        """Run a statement; the number of rows it changed."""
        self._forget()
        self._cursor.execute(self._sql(sql), values)
        return int(self._cursor.rowcount)

    def run_many(self, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Run a statement once for each row of parameters."""
        self._forget()
        self._cursor.executemany(self._sql(sql), rows)

    def run_together(self, sql: str, values: Sequence[Any]) -> None:
        """An `INSERT ... VALUES (...)` for many rows, all their values in a list; on a file many rows in one statement.

        There each statement keeps a copy of every page that it changes, in case it fails half way: with one for each
        row that is more work than the rows are.
        """
        columns = sql.count("?")
        step = columns * _TOGETHER
        whole = len(values) - len(values) % step if self.dialect == "sqlite" else 0
        for start in range(0, whole, step):
            self.run(_together(sql), *values[start : start + step])
        if whole < len(values):
            self.run_many(sql, [tuple(values[i : i + columns]) for i in range(whole, len(values), columns)])

    def pipelined(self) -> AbstractContextManager[Any]:
        """Statements that are sent without waiting for each one's answer; what is refused is told at the end.

        Nothing is read in it. A file is at no distance, and does nothing of it.
        """
        return nullcontext() if self.dialect == "sqlite" else self.connection.connection.driver_connection.pipeline()

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What the block writes is kept if it ends well, and undone if it raises; the transaction goes on."""
        before = self.end, self.master, self.kept
        self._cursor.execute("SAVEPOINT attempt")
        try:
            yield
        except BaseException:
            self._cursor.execute("ROLLBACK TO SAVEPOINT attempt")
            self._forget()
            self.end, self.master, self.kept = before
            raise
        finally:
            self._cursor.execute("RELEASE SAVEPOINT attempt")

    def script(self, text: str) -> None:
        """Run the statements of an SQL file inside this transaction."""
        self._forget()
        for statement in statements(text) if self.dialect == "sqlite" else [text]:
            self._cursor.execute(statement)


class PlainConnection:
    """What a `Transaction` asks of a connection, where a file is only read: SQLAlchemy takes long to load."""

    class dialect:  # noqa: N801
        """The engine behind it."""

        name = "sqlite"

    def __init__(self, driver: sqlite3.Connection) -> None:
        self.dbapi_connection = driver
        self.cursor = driver.cursor

    @property
    def connection(self) -> PlainConnection:
        """The driver's side of it: the same."""
        return self


@lru_cache(maxsize=32)
def _together(sql: str) -> str:
    marks = sql[sql.rindex("(") :]
    return f"{sql}, {', '.join([marks] * (_TOGETHER - 1))}"


class ServerConnection:
    """The same of a connection to a server, on which a transaction was begun."""

    class dialect:  # noqa: N801
        """The engine behind it."""

        name = "postgresql"

    def __init__(self, driver: Any) -> None:
        self.dbapi_connection = self.driver_connection = driver
        self.cursor = driver.cursor

    @property
    def connection(self) -> ServerConnection:
        """The driver's side of it: the same."""
        return self


def _as_is(sql: str) -> str:
    return sql


@lru_cache(maxsize=2048)
def _for_psycopg(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")


def statements(script: str) -> Iterator[str]:
    """The statements of an SQLite script, triggers whole."""
    held = ""
    for line in script.splitlines(keepends=True):
        held += line
        if line.rstrip().endswith(";") and sqlite3.complete_statement(held):
            yield held
            held = ""


Mode = Literal["ro", "rw", "rwc"]
"""How SQLite opens a file: to read, to read and write, or to make it first."""


class Database:
    """One database that holds, or will hold, the books of one institution."""

    def __init__(self, place: str, *, read_only: bool = False) -> None:
        self.place = place
        self.read_only = read_only
        self.dialect: Literal["sqlite", "postgresql"] = "postgresql" if "://" in place else "sqlite"
        self.path = Path(place) if self.dialect == "sqlite" else None
        self._file: tuple[int, int] | None = None  # device and inode of the file that is in use
        self._newest: End | None = None  # where the chain ended after the last thing that was done here, on a file
        self._of_use = False  # when they were opened; each writer looks whether they still are
        self._at_hand: list[sa.PoolProxiedConnection] = []  # open, and nobody works with them now
        self._process = os.getpid()  # whose they are
        if self.path is None:
            _ = self.engine  # a wrong URL, or a missing driver, is told at once

    @property
    def shown_place(self) -> str:
        """The place as it may be shown: a URL without its password."""
        return re.sub(r"(://[^:/?#]*):.*@", r"\1@", self.place) if self.path is None else self.place

    @cached_property
    def engine(self) -> sa.Engine:
        """SQLAlchemy's engine; made when it is first needed."""
        make = _sqlite_engine if self.path else _postgresql_engine
        return make(self.place, self.read_only)

    # ------------------------------------------------------------------ opening

    @classmethod
    def open(cls, place: str, *, read_only: bool = False, marked: bool = False) -> Database:
        """Open existing books; refuses with a `DatabaseUnusable` that says what is wrong.

        `marked`: those too that are being moved or were moved, which nobody but the mover may use.
        """
        found = cls(place, read_only=read_only)
        if found.path is not None and not found.path.is_file():
            raise DatabaseMissing(
                "There are no books at {place}.", place=place, hint="Make them with: coopbank init --name NAME"
            )
        if found.path is not None and not read_only:
            cls._look_at(place, marked)
        with found.closed_on_failure():
            found._require_version(marked)
            found._file = None if found.path is None else _identity(place)
            found._of_use = not marked
        return found

    @classmethod
    def _look_at(cls, place: str, marked: bool = False) -> None:
        """Refuse a file that is no book before it is opened for writing, which alone would change it."""
        looked = cls(place, read_only=True)
        try:
            looked._require_version(marked)
        except DatabaseReadOnly:
            pass  # a journal is left that only a writer can clear
        finally:
            looked.close()

    @classmethod
    def create(cls, place: str) -> Database:
        """Make an empty database with the newest schema; refuses one that holds anything."""
        made = cls(place)
        if made.path is not None and _size_of_file(made.path):
            raise AlreadyExists("{place} exists already; nothing was changed.", place=place)
        from coopbank.migrations import upgrade

        if made.path is not None:
            require_no_journal(made.path)
            _make_private(made.path)
        with made.closed_on_failure(), made.write_by_engine() as tx:
            if made._revision(tx) is not None:
                raise AlreadyExists("{place} holds books already; nothing was changed.", place=made.shown_place)
            upgrade(tx.connection)
        made._of_use = True
        return made

    @classmethod
    def to_receive(cls, place: str, token: str) -> Database:
        """A database to move books into: one that is marked already, or an empty one, marked as it gets its schema."""
        from coopbank.migrations import upgrade

        made = cls(place)
        if made.path is not None and _size_of_file(made.path):
            with cls(place, read_only=True).read() as tx:  # opening it for writing would change it
                made._require_to_receive(tx)
        elif made.path is not None:
            require_no_journal(made.path)
            _make_private(made.path)
        with made.closed_on_failure(), made.write_by_engine() as tx:
            if made._require_to_receive(tx):
                upgrade(tx.connection)
                made.mark(tx, MOVING, token)
        return made

    def _require_to_receive(self, tx: Transaction) -> bool:
        """Whether nothing is there; refuses what is neither empty nor marked."""
        revision = self._revision(tx)
        if revision is not None and f"+{RESTORING}-" in revision:
            self.require_unmarked(revision)
        if revision is not None and revision.partition("+")[0] != SCHEMA_VERSION:
            raise self._other_version(revision)
        held = "sqlite_master" if self.path else "pg_class WHERE relnamespace = 'public'::regnamespace"
        if revision == SCHEMA_VERSION or (revision is None and tx.value(f"SELECT count(*) FROM {held}")):
            raise AlreadyExists(
                "{place} holds something already; nothing was changed.", field="to", place=self.shown_place,
                hint="Name a file that does not exist, or an empty database.",
            )  # fmt: skip
        return revision is None

    @staticmethod
    def mark(tx: Transaction, what: str = "", token: str = "") -> None:  # nosec B107
        """Say that these books are being moved here or were moved away; without a mark they are of use."""
        tx.run("UPDATE alembic_version SET version_num = ?", SCHEMA_VERSION + (f"+{what}-{token}" if what else ""))

    @staticmethod
    def mark_of(tx: Transaction) -> tuple[str, str]:
        """The mark and its token; two empty texts where the books are of use."""
        what, _dash, token = Database.revision_in(tx).partition("+")[2].partition("-")
        return what, token

    @contextmanager
    def closed_on_failure(self) -> Iterator[None]:
        """Give the connections back if the block fails."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    def upgrade(self) -> None:
        """Bring older books to the newest schema, in one transaction."""
        from coopbank.migrations import upgrade

        with self.write_by_engine() as tx:
            upgrade(tx.connection)

    def _require_version(self, marked: bool = False) -> None:
        with self.read() as tx:
            revision = self._revision(tx)
            self._require_whole(tx)
        if revision is None:
            raise NotABook("{place} holds no books of coopbank.", place=self.shown_place)
        if marked and revision.partition("+")[0] == SCHEMA_VERSION:
            return
        self.require_unmarked(revision)
        if revision != SCHEMA_VERSION:
            raise self._other_version(revision)

    def require_unmarked(self, revision: str) -> None:
        """Refuse books that are being moved or were moved, whichever version did it."""
        if f"+{MOVING}-" in revision:
            raise MoveUnfinished(
                "Books are being moved to {place}, and not all of them are there yet.", place=self.shown_place,
                hint="Give the same command again: coopbank --db OLD-PLACE move --to NEW-PLACE",
            )  # fmt: skip
        if f"+{RESTORING}-" in revision:
            raise MoveUnfinished(
                "A backup is being restored to {place}, and not all of it is there and proven yet.",
                place=self.shown_place,
                hint="If that was cut off, give the same command again: coopbank --db PLACE restore FILE",
            )  # fmt: skip
        if f"+{MOVED}-" in revision:
            raise BooksMoved(
                "The books at {place} were moved; what is here is an old copy.", place=self.shown_place,
                hint="Name their new place with --db.",
            )  # fmt: skip

    def _other_version(self, revision: str) -> DatabaseVersion:
        if revision > SCHEMA_VERSION:
            return DatabaseVersion(
                "{place} has schema {found}, which is newer than this program's {own}.", place=self.shown_place,
                found=revision, own=SCHEMA_VERSION, hint="Use the version of coopbank that made it, or a newer one.",
            )  # fmt: skip
        return DatabaseVersion(
            "{place} has schema {found}; this program works with {own}.",
            place=self.shown_place, found=revision, own=SCHEMA_VERSION,
            hint="Use the version of coopbank that made it, or run: coopbank upgrade",
        )  # fmt: skip

    def _require_whole(self, tx: Transaction) -> None:
        """Refuse a file that was cut short. SQLite reads what is missing of the last page as zeros and goes on."""
        if self.path is None:
            return
        file = self.path.resolve()
        journal = file.with_name(file.name + "-wal")
        if journal.exists() and journal.stat().st_size:
            return  # the newest pages stand there
        if file.stat().st_size < tx.value("PRAGMA page_count") * tx.value("PRAGMA page_size"):
            raise NotABook(
                "{place} is damaged: it was cut short.",
                place=self.place,
                hint="Restore a backup: coopbank restore FILE",
            )

    def _revision(self, tx: Transaction) -> str | None:
        names = (
            "sqlite_master WHERE type = 'table' AND name"
            if self.path
            else "pg_tables WHERE schemaname = 'public' AND tablename"
        )
        if tx.value(f"SELECT 1 FROM {names} = 'alembic_version'") is None:
            return None
        found: str | None = tx.value("SELECT version_num FROM alembic_version")
        return found

    def revision(self) -> str | None:
        """The revision of the schema that is there; None where there is none."""
        with self.read() as tx:
            return self._revision(tx)

    def copy_to(self, file: Path) -> None:
        """Write one consistent state of an SQLite book to a new file, while others go on working."""
        with self._translated(), self.engine.connect() as connection:
            driver: Any = connection.connection.dbapi_connection
            driver.execute("PRAGMA query_only = OFF")  # the books stay as they are: only the copy is written
            _make_private(file)
            driver.execute("VACUUM INTO ?", (file.resolve().as_uri(),))  # also where a folder's name is no text
            if self.read_only:
                driver.execute("PRAGMA query_only = ON")

    def clear_traces(self) -> None:
        """Write the file anew, so that nothing of what was erased stays in its free space, its journal or statistics.

        Refuses with `DatabaseBusy` while somebody else reads or writes. Older backups, copies that the server's
        administrator makes, and what a disk keeps of overwritten blocks are not reached.
        """
        with self._translated():
            if self.path is None:
                with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                    connection.exec_driver_sql("VACUUM (FULL, ANALYZE) personal, directory")
                return
            with closing(self.engine.raw_connection()) as pooled:
                driver = cast("sqlite3.Connection", pooled.dbapi_connection)
                self._require_same_file()
                driver.execute("VACUUM")
                if driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                    raise DatabaseBusy("Another program is using {place}; try again in a moment.",
                                       place=self.shown_place)  # fmt: skip

    def close(self) -> None:
        """Give the connections back."""
        self._leave_others()
        while self._at_hand:
            self._at_hand.pop().close()
        if "engine" in self.__dict__:
            self.engine.dispose()

    # ------------------------------------------------------------- transactions

    def write(self) -> AbstractContextManager[Transaction]:
        """All or nothing: commits at the end of the block, rolls back if it raises."""
        return self._write_on_server() if self.path is None else _FileWriter(self)

    def _knowing(self, tx: Transaction, seen: _Seen | None) -> int:
        """Let a writer know what was seen on its connection before, if nobody else has written since.

        SQLite counts the commits of others for each connection; by now it has looked at them, and there will be none
        before this one ends. What the transactions of this connection write, they forget or know themselves.
        """
        version = int(tx.value("PRAGMA data_version"))
        if seen is not None and seen[0] == version:
            _version, tx.end, tx.master, tx.seen = seen
        else:
            self._require_of_use(tx)
            self._require_same_log(tx)
            tx.seen = {}
        return version

    @contextmanager
    def _file_connection(self) -> Iterator[sa.PoolProxiedConnection]:
        """A connection to the file, kept open for the next; after a failure it goes back, and what is left is undone.

        SQLAlchemy's own taking and giving back costs more than most questions, and its pages are the same again.
        """
        pooled = self._taken_for_file()
        try:
            yield pooled
        except BaseException:
            pooled.close()
            raise
        self._put_back(pooled)

    def _taken_for_file(self) -> sa.PoolProxiedConnection:
        pooled = self._taken()
        if pooled is None:
            pooled = self.engine.raw_connection()
            pooled.info.pop(_SEEN, None)  # who knows what was done on it meanwhile
        return pooled

    def _taken(self) -> sa.PoolProxiedConnection | None:
        """One that lies at hand: the one used last, which has the newest pages."""
        self._leave_others()
        try:
            return self._at_hand.pop()
        except IndexError:
            return None

    def _leave_others(self) -> None:
        """After a fork the connections are the other process's, which goes on using them.

        Here they are neither used nor closed, for a server would take either as said by it.
        """
        if self._process == os.getpid():
            return
        self._at_hand, others = [], self._at_hand
        self._process = os.getpid()
        if "engine" in self.__dict__:
            _of_others.append((others, self.engine.pool))
            self.engine.dispose(close=False)

    def _require_of_use(self, tx: Transaction) -> None:
        """Refuse to write into books that were moved, or upgraded, since this program opened them."""
        if self._of_use:
            self._require_own(self.revision_in(tx))

    def _require_own(self, revision: str) -> None:
        if revision != SCHEMA_VERSION:
            self.require_unmarked(revision)
            raise self._other_version(revision)

    # ---------------------------------------------------------------- on a server

    @contextmanager
    def _write_on_server(self) -> Iterator[Transaction]:
        """One round trip to begin: with the book's lock comes what every writer asks first."""
        if not self._of_use:  # a schema that is not there yet, or another one
            with self.write_by_engine() as tx:
                yield tx
            return
        begin = _BEGIN_WRITING.format(" READ ONLY" if self.read_only else "")
        with self._translated(), self._begun(begin) as (pooled, found):
            tx = Transaction(ServerConnection(pooled.driver_connection))
            revision, *end, master = (found.get_value(0, column) for column in range(6))
            self._require_own(revision.decode())
            if end[0] is not None:
                number, hash_, next_entry, day = (each.decode() for each in end)
                tx.end = End(int(number), bytes.fromhex(hash_[2:]), int(next_entry), day)
                tx.master = None if master is None else bytes.fromhex(master[2:].decode())
            yield tx
            _require_unfailed(pooled.driver_connection)
            self.engine.dialect.do_commit(pooled)

    def ask_alone(self, sql: str, values: Sequence[str | bytes | None]) -> list[Any]:
        """The one row that a statement gives which is a transaction of its own, prepared on each connection once.

        Each value is a text as the engine reads it, or bytes; what comes back is the engine's text. Where the
        connection is lost, it is not known whether it was done: it is not asked again.
        """
        with self._translated():
            pooled, found = self._asked_first(lambda pooled: _asked_alone(pooled, sql, values), again=False)
            self._put_back(pooled)
        return [found.get_value(0, column) for column in range(found.nfields)]

    @contextmanager
    def _begun(self, begin: str) -> Iterator[tuple[sa.PoolProxiedConnection, Any]]:
        """A connection on which a transaction was begun, and what the server answered; kept open for the next one.

        What fails goes back to the pool, which takes away what is left of it.
        """
        pooled, found = self._asked_first(lambda pooled: asked(pooled.driver_connection, begin))
        try:
            yield pooled, found
        except BaseException:
            self._give_back(pooled)
            raise
        self._put_back(pooled)

    def _asked_first(
        self, ask: Callable[[sa.PoolProxiedConnection], Any], *, again: bool = True
    ) -> tuple[sa.PoolProxiedConnection, Any]:
        """A connection, and the answer to the first thing that is asked on it.

        One that lay at hand may have been lost meanwhile: nothing was done on it then, and another one is taken. The
        pool itself asks each connection whether it is still there, which is a round trip more.
        """
        while True:
            kept = self._taken()
            pooled = kept or self.engine.raw_connection()
            try:
                return pooled, ask(pooled)
            except BaseException as error:
                lost = is_lost(error)
                self._give_back(pooled, lost=lost)
                if not (lost and kept is not None and again):
                    raise

    @staticmethod
    def _give_back(pooled: sa.PoolProxiedConnection, *, lost: bool = False) -> None:
        """To the pool, which takes away what is left of a transaction; of one that is closed, nothing is."""
        if lost or cast("Any", pooled.driver_connection).closed:
            pooled.invalidate()
        pooled.close()

    def _put_back(self, pooled: sa.PoolProxiedConnection) -> None:
        if len(self._at_hand) < _AT_HAND:
            self._at_hand.append(pooled)
        else:
            pooled.close()

    @staticmethod
    def revision_in(tx: Transaction) -> str:
        """The revision, or the mark in its place, of a database that has the schema."""
        return str(tx.value("SELECT version_num FROM alembic_version"))

    def _require_same_file(self) -> None:
        """Refuse a file that no longer bears its name: what is written there is lost, what is read there is old."""
        here = _identity(self.place)
        self._file = self._file or here
        if here is None or here != self._file:
            raise self._gone()

    def _require_same_log(self, tx: Transaction) -> None:
        """Refuse an older copy that was written over the open file: it bears the name, and lacks what was done here."""
        last = self._newest
        if last is not None and tx.value("SELECT hash FROM operation WHERE id = ?", last.number) != last.hash:
            raise self._gone()

    def _gone(self) -> DatabaseMissing:
        return DatabaseMissing(
            "The file {place} is gone or was replaced while it was in use; nothing was written.", place=self.place,
            hint="Put it back, or start the program again.",
        )  # fmt: skip

    @contextmanager
    def write_by_engine(self) -> Iterator[Transaction]:
        """The same through a SQLAlchemy connection, which Alembic needs; on a file it costs 60 microseconds more."""
        with self._translated(), self.engine.connect() as connection:
            connection.execution_options(coopbank_write=True)
            with connection.begin():
                tx = Transaction(connection)
                if tx.dialect == "postgresql":
                    tx.run("SELECT pg_advisory_xact_lock(?)", LOCK)
                yield tx

    @contextmanager
    def read(self, *, temporary: bool = False) -> Iterator[Transaction]:
        """One consistent view of the books; nothing written in it is kept.

        `temporary`: views of this transaction's own may be made, as ledger/past.py does.
        """
        if self.path is not None and self.read_only:
            with self._translated(), closing(_sqlite_connection(self.path, "ro")) as driver:
                if temporary:  # the file itself stays open to read only
                    driver.execute("PRAGMA query_only = OFF")
                    driver.execute("PRAGMA temp_store = MEMORY")
                driver.execute("BEGIN")
                yield Transaction(PlainConnection(driver))
            return
        if self.path is None:
            begin = "BEGIN ISOLATION LEVEL REPEATABLE READ " + ("READ WRITE" if temporary else "READ ONLY")
            with self._translated(), self._begun(begin) as (pooled, _found):
                server = pooled.driver_connection
                with _unprepared(server, temporary):
                    yield Transaction(ServerConnection(server))
                asked(server, "ROLLBACK")
            return
        with self._translated(), self._file_connection() as pooled:
            file = cast("sqlite3.Connection", pooled.dbapi_connection)
            self._require_same_file()
            file.execute("BEGIN")
            tx = Transaction(PlainConnection(file))
            try:
                yield tx
            finally:
                tx.close()
                self.engine.dialect.do_rollback(pooled)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            told = self.told(error)
            if told is error:
                raise
            raise told from error

    def told(self, error: Exception) -> Exception:
        """What an error means to the person at the counter; the error itself, if it is none of a driver's."""
        if isinstance(error, CoopbankError):
            return error
        if isinstance(error, UnicodeDecodeError):  # even what the engine wanted to say of it is no text
            return NotABook("{place} is damaged: it holds bytes that are no text.", place=self.place)
        driver_error = getattr(error, "orig", None) or error  # SQLAlchemy wraps some of them
        if type(driver_error).__module__.split(".")[0] not in ("sqlite3", "psycopg"):
            return error
        return self._refusal(driver_error)

    def _refusal(self, error: BaseException) -> CoopbankError:
        """What a driver's error means to the person at the counter."""
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        if self.dialect == "postgresql":
            if self._of_use and is_lost(error):
                return ConnectionLost(
                    "The connection to {place} was lost.", place=self.shown_place,
                    hint="Nothing is half done. Try again in a moment.",
                )  # fmt: skip
            return postgresql_refusal(error, text, self.place)
        if isinstance(error, sqlite3.IntegrityError):
            return SealRefused(
                "The books refused it: {why}.", why=text,
                hint="Nothing was changed. Check the books with: coopbank verify",
            )  # fmt: skip
        if self.path is not None and self._file is not None and not self.path.exists():
            return self._gone()
        if "locked" in text or "busy" in text:
            return DatabaseBusy("Another program is using {place}; try again in a moment.", place=self.shown_place)
        if "readonly" in text or "read-only" in text:
            return DatabaseReadOnly(
                "{place} cannot be written.", place=self.shown_place,
                hint="Looking things up works; to do anything, have the right to write the file and its folder.",
            )  # fmt: skip
        if "is full" in text:
            return no_room(self.shown_place)
        if "not a database" in text or "malformed" in text or "no such table" in text:
            return NotABook(
                "{place} is not a book of coopbank, or it is damaged: {why}.",
                place=self.shown_place,
                why=text,
                hint="If it was one, restore a backup: coopbank restore FILE",
            )
        return DatabaseUnusable("{place} cannot be used: {why}.", place=self.shown_place, why=text)


class _FileWriter:
    """A writer's transaction on a file, from BEGIN to COMMIT.

    As a class, since each function that stands around every operation is felt in it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pooled: sa.PoolProxiedConnection | None = None
        self._tx: Transaction | None = None
        self._version = 0

    def __enter__(self) -> Transaction:
        try:
            return self._begun()
        except BaseException as error:
            self._undone(error)
            raise

    def _begun(self) -> Transaction:
        database = self._database
        self._pooled = pooled = database._taken_for_file()
        driver: Any = pooled.dbapi_connection
        database._require_same_file()
        self._tx = tx = Transaction(PlainConnection(driver))
        tx.begin()
        self._version = database._knowing(tx, pooled.info.pop(_SEEN, None))
        return tx

    def __exit__(self, _kind: object, error: BaseException | None, _where: object) -> None:
        tx, pooled = self._tx, self._pooled
        assert tx is not None and pooled is not None
        if error is not None:
            self._undone(error)
            return
        try:
            self._database.engine.dialect.do_commit(cast("Any", tx))
        except BaseException as refused:
            self._undone(refused)
            raise
        if tx.end is not None:
            self._database._newest = tx.end
        self._given_back(tx, pooled, whole=True)

    def _given_back(self, tx: Transaction | None, pooled: sa.PoolProxiedConnection, *, whole: bool) -> None:
        """The connection stays at hand for the next one, with what is known on it; after a failure it does not."""
        if tx is not None:
            tx.close()
        if tx is None or not whole:
            pooled.close()
            return
        if tx.seen is not None:
            pooled.info[_SEEN] = self._version, tx.end, tx.master, tx.seen
        self._database._put_back(pooled)

    def _undone(self, error: BaseException) -> None:
        """Take back what was done, give the connection back, and say in words what a driver's error means."""
        if self._pooled is not None:
            # where a rule refused it before it wrote, nothing is other than it was
            refused = isinstance(error, Refused) and self._tx is not None and not self._tx.wrote
            try:
                cast("sqlite3.Connection", self._pooled.dbapi_connection).rollback()
            except BaseException as fault:  # the disk, say; what was done is undone when the file is next opened
                refused = False
                if not isinstance(fault, Exception):
                    raise
                error = fault
            finally:
                self._given_back(self._tx, self._pooled, whole=refused)
        if isinstance(error, Exception):
            told = self._database.told(error)
            if told is not error:
                raise told from error


def postgresql_refusal(error: BaseException, text: str, place: str) -> CoopbankError:
    """What the server's error means to the person at the counter."""
    import sqlalchemy as sa

    state = getattr(error, "sqlstate", None) or ""
    shown = sa.make_url(place).render_as_string(hide_password=True)
    if state.startswith("23"):
        return SealRefused(
            "The books refused it: {why}.", why=text,
            hint="Nothing was changed. Check the books with: coopbank verify",
        )  # fmt: skip
    if state in (*_RACES, "55P03"):
        return DatabaseBusy("Another program is using {place}; try again in a moment.", place=shown, state=state)
    if state in ("25006", "42501"):
        return DatabaseReadOnly(
            "{place} cannot be written.", place=shown, hint="The server's administrator can give this user the right."
        )
    if state == "53100":
        return no_room(shown)
    if state == "3D000" or not state:
        return DatabaseMissing("There is no database at {place}: {why}.", place=shown, why=text)
    return DatabaseUnusable("{place} cannot be used: {why}.", place=shown, why=text)


def no_room(place: str) -> DatabaseUnusable:
    """The disk is full: what was begun is undone."""
    return DatabaseUnusable(
        "There is no room left on the disk of {place}; nothing more was written into the books.", place=place,
        hint="Make room there, then do it again.",
    )  # fmt: skip


def asked(driver: Any, sql: str) -> Any:
    """What a server answers to statements that hold no values, as libpq gives it; raises the driver's errors.

    The driver's own way costs more than such statements do.
    """
    driver.pgconn.send_query(sql.encode())
    return _answered(driver)


def _require_unfailed(driver: Any) -> None:
    """Refuse to commit where a statement failed and nobody told: the server would undo it all and call it done."""
    from psycopg import errors, pq

    if driver.pgconn.transaction_status == pq.TransactionStatus.INERROR:
        raise errors.InFailedSqlTransaction("something failed before, and nothing was committed")


@contextmanager
def _unprepared(driver: Any, temporary: bool) -> Iterator[None]:
    """Where views hide tables, a plan that was prepared for the tables does not serve; and none is kept of theirs."""
    threshold = driver.prepare_threshold
    if temporary:
        driver.prepare_threshold = None
    try:
        yield
    finally:
        driver.prepare_threshold = threshold


def _answered(driver: Any) -> Any:
    """The answer to what was sent; raises as the driver would where it is an error.

    The driver waits for it, and not libpq, which no Ctrl-C would reach while a server does not answer.
    """
    from psycopg import OperationalError, errors, generators, pq

    found = driver.wait(generators.execute(driver.pgconn))[-1]
    if found.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
        if driver.pgconn.status != pq.ConnStatus.OK:
            raise OperationalError("the connection is lost")
        raise errors.error_from_result(found)
    return found


def _asked_alone(pooled: sa.PoolProxiedConnection, sql: str, values: Sequence[str | bytes | None]) -> Any:
    from psycopg import pq

    driver: Any = pooled.driver_connection
    prepared: dict[str, bytes] = pooled.info.setdefault("prepared", {})
    if sql not in prepared:
        name, numbers = b"alone_%d" % len(prepared), itertools.count(1)
        driver.pgconn.send_prepare(name, re.sub(r"[?]", lambda _: f"${next(numbers)}", sql).encode())
        _answered(driver)
        prepared[sql] = name
    sent = [each.encode() if isinstance(each, str) else each for each in values]
    kinds = [pq.Format.BINARY if isinstance(each, bytes) else pq.Format.TEXT for each in values]
    driver.pgconn.send_query_prepared(prepared[sql], sent, kinds)
    return _answered(driver)


def require_no_journal(path: Path) -> None:
    """Refuse a name that new books would have, while the journal of others lies beside it.

    SQLite would take it for theirs, write its pages over them, and the others would have lost their last operations.
    """
    for end in ("-wal", "-journal"):
        journal = path.resolve().with_name(path.resolve().name + end)
        if journal.exists() and journal.stat().st_size:
            raise AlreadyExists(
                "{journal} is there: the last operations of books that were called {name} before.", field="file",
                journal=str(path) + end, name=path.name,
                hint="Put it beside those books and give it their name with {end} behind it, or name another file.",
                end=end,
            )  # fmt: skip


def _identity(path: str) -> tuple[int, int] | None:
    """Which file stands under a name, however it is written to; None if there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116  (a Path costs each writer more than the question does)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def is_lost(error: BaseException) -> bool:
    """Whether a driver's error says that the server is not there any more, or not yet."""
    state = getattr(error, "sqlstate", None) or ""
    return state.startswith(_GONE) or (not state and any(c.__name__ == "OperationalError" for c in type(error).__mro__))


_Result = TypeVar("_Result")


def tried_anew(work: Callable[[], _Result], *, keyed: bool = False) -> _Result:
    """A unit of work, as a whole again while a server calls it off for the sake of somebody else's.

    `keyed`: each thing in it has an idempotency key, so it may be begun again too where the connection was lost, which
    leaves open whether it was done. Others are not: they would perhaps be done twice.
    """
    races, losses = iter(_RACE_PAUSES), iter(_LOST_PAUSES if keyed else ())
    while True:
        try:
            return work()
        except (DatabaseBusy, ConnectionLost) as error:
            pauses = losses if isinstance(error, ConnectionLost) else races if lost_a_race(error) else iter(())
            pause = next(pauses, None)
            if pause is None:
                raise
        time.sleep(pause * (1 + os.getpid() % 7 / 7))


def lost_a_race(busy: DatabaseBusy) -> bool:
    """Whether the server undid the work because of somebody else's: then it may be tried anew at once."""
    return busy.values.get("state") in _RACES


# ---------------------------------------------------------------------------- engines


def _sqlite_engine(place: str, read_only: bool) -> sa.Engine:
    import sqlalchemy as sa

    mode: Mode = "ro" if read_only else "rw" if Path(place).exists() else "rwc"  # a file that is gone is not made anew

    def connect() -> sqlite3.Connection:
        return _sqlite_connection(Path(place), mode)

    # Without a limit: those that `Database` keeps open are never back in the pool, and would be waited for.
    engine = sa.create_engine("sqlite+pysqlite://", creator=connect, poolclass=sa.QueuePool, max_overflow=-1)

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        writing = connection.get_execution_options().get("coopbank_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _sqlite_connection(path: Path, mode: Mode) -> sqlite3.Connection:
    """A connection that holds to its pragmas, or none."""
    read_only = mode == "ro"
    path = path.resolve()  # SQLite too keeps its own files beside the file itself, not beside a link to it
    uri = path.as_uri() + f"?mode={mode}"
    if read_only and not os.access(path.parent, os.W_OK) and not path.with_name(path.name + "-wal").exists():
        uri += "&immutable=1"  # nobody writes now, and there is no room for the files by which readers take turns
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, timeout=BUSY_SECONDS, check_same_thread=False, cached_statements=256
    )
    try:
        _hold_to_pragmas(connection, read_only)
    except BaseException:  # what is no database is found out here
        connection.close()
        raise
    return connection


def _hold_to_pragmas(connection: sqlite3.Connection, read_only: bool) -> None:
    """Set every pragma, and read those back without which the guards would be weaker."""
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    if read_only:
        cursor.execute("PRAGMA query_only = ON")
    else:
        cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA recursive_triggers = ON")
    cursor.execute("PRAGMA secure_delete = ON")  # what is erased is written over at once
    cursor.execute("PRAGMA cache_size = -65536")
    cursor.execute("PRAGMA wal_autocheckpoint = 4000")
    for name, wanted in _PRAGMAS.items():
        if cursor.execute(f"PRAGMA {name}").fetchone()[0] != wanted:
            raise DatabaseUnusable("SQLite does not hold to {pragma}; the books are not safe here.", pragma=name)
    cursor.close()


def _postgresql_engine(url: str, read_only: bool) -> sa.Engine:
    """Each connection keeps to what the books rest on, whatever the server or the role has for a default."""
    import sqlalchemy as sa

    # A writer waits for the book's lock first: a view taken before that wait would be of books that have grown since.
    engine = sa.create_engine(url, pool_pre_ping=True, isolation_level="READ COMMITTED")

    @sa.event.listens_for(engine, "connect")
    def connected(driver: Any, _record: Any) -> None:
        driver.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")
        driver.execute("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED")
        # What passes by the driver is UTF-8, and bytes in hex; the caches' guard knows no names in quotes.
        driver.execute("SET client_encoding = 'UTF8'")
        driver.execute("SET bytea_output = 'hex'")
        driver.execute("SET quote_all_identifiers = off")
        driver.execute("SET jit = off")  # what is asked here is short, and compiling it is not
        driver.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )
        driver.commit()

    if read_only:
        engine = engine.execution_options(postgresql_readonly=True)
    return engine


def _size_of_file(path: Path) -> int:
    """Of a file that there may be; refuses what is none, such as a pipe, which would be waited for without an end."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return 0
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise DatabaseUnusable("{place} cannot be used: {why}.", place=str(path), why=why) from error
    if not stat.S_ISREG(found.st_mode):
        raise NotABook("{place} is not a file that can hold books.", place=str(path))
    return found.st_size


def _make_private(path: Path) -> None:
    """An empty file that only its owner reads; what SQLite puts beside it takes after it."""
    with suppress(OSError):  # SQLite says better what keeps it from being made
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
