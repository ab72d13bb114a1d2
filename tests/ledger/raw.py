"""An attacker: the plain drivers, SQL as written, and operations put together by hand.

`Raw` builds what `posting.seal` would write and lets a test spoil any part of it before
it is sent. Sent unspoiled it is legal, which is how the harness is proven to let legal
work through. On PostgreSQL the seal writes entries and lines out of the text: there they
are sent only where they were spoiled, or where a test has books of an older schema.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest

from coopbank.ledger import chain, posting
from tests.ledger.support import BOOK, Books, plain_postgresql, plain_sqlite

Statement = tuple[str, tuple[Any, ...]]
ROW_COLUMNS = {
    "gl_account": ("code", "name", "kind", "side", "guard"),
    "fund": ("code", "name", "class"),
    "account": ("id", "gl_code", "fund", "contract", "holder", "kind", "currency", "floor", "ceiling"),
    "period_state": ("period", "state"),
    "record": ("kind", "ref", "version", "about", "body"),
}


def insert(table: str, columns: dict[str, Any], verb: str = "INSERT") -> Statement:
    """One INSERT with the values given."""
    marks = ", ".join("?" * len(columns))
    return f"{verb} INTO {table} ({', '.join(columns)}) VALUES ({marks})", tuple(columns.values())


class Raw:
    """An operation as rows of the tables, to be spoiled."""

    def __init__(self, books: Books, entries: Sequence[posting.EntryDraft] = (), rows: Sequence[posting.Row] = (),
                 *, after: Raw | None = None, **changes: Any) -> None:  # fmt: skip
        draft = books.draft(entries, rows, **changes)
        last = books.head() if after is None else after.head
        self.number, self.first = last.number + 1, last.next_entry
        text = posting.sealed_text(BOOK, self.number, last, draft)
        self.rows: list[tuple[str, dict[str, Any]]] = []
        for line, row in enumerate(draft.rows, start=1):
            values = row.values()
            if row.table == "record":
                values = (*values[:-1], chain.canonical(values[-1]))
            columns = {
                "operation_id": self.number,
                "line": line,
                **dict(zip(ROW_COLUMNS[row.table], values, strict=True)),
            }
            self.rows.append((row.table, columns))
        self.entries: list[dict[str, Any]] = []
        self.postings: list[dict[str, Any]] = []
        for i, entry in enumerate(draft.entries, start=self.first):
            self.entries.append({"id": i, "operation_id": self.number, "effective_on": entry.effective_on.isoformat(),
                                 "memo": entry.memo, "reverses_id": entry.reverses})  # fmt: skip
            self.postings += [{"entry_id": i, "line": n, "account_id": line.account_id, "amount": line.amount}
                              for n, line in enumerate(entry.lines, start=1)]  # fmt: skip
        amounts = [p["amount"] for p in self.postings]
        self.by_hand = books.database.dialect == "sqlite"
        self._unspoiled = json.dumps([self.postings, self.entries])
        self.columns: dict[str, Any] = {
            "id": self.number, "key": draft.key, "kind": draft.kind, "kind_version": draft.kind_version,
            "actor": draft.actor, "approver": draft.approver, "business_date": draft.business_date.isoformat(),
            "at": draft.at, "request_hash": draft.request_hash, "first_entry": self.first,
            "entry_count": len(self.entries), "posting_count": len(amounts),
            "debit_total": sum(a for a in amounts if a > 0), "row_count": len(self.rows),
            "prev_hash": last.hash, "hash": chain.digest(text), "sealed": text,
        }  # fmt: skip

    @property
    def head(self) -> posting.Head:
        return posting.Head(self.number, self.columns["hash"], self.first + len(self.entries))

    def change(self, **columns: Any) -> Raw:
        """Other values in the columns of the operation; the text stays."""
        self.columns.update(columns)
        return self

    def say(self, place: int, value: Any) -> Raw:
        """Another value in the text, hashed anew; the columns stay."""
        places = json.loads(self.columns["sealed"])
        places[place] = value
        text = chain.canonical(places)
        return self.change(sealed=text, hash=chain.digest(text))

    def both(self, place: int, column: str, value: Any) -> Raw:
        """The same other value in the text and in its column."""
        return self.say(place, value).change(**{column: value})

    def date_entries(self, day: Any) -> Raw:
        """Another effective date on every entry, in the text and in the rows."""
        entries = json.loads(self.columns["sealed"])[11]
        for entry, row in zip(entries, self.entries, strict=True):
            entry[1] = row["effective_on"] = day
        self._unspoiled = json.dumps([self.postings, self.entries])
        return self.say(11, entries)

    def statements(self, verb: str = "INSERT") -> list[Statement]:
        order = list(ROW_COLUMNS)
        rows = sorted(self.rows, key=lambda row: order.index(row[0]))
        by_hand = self.by_hand or json.dumps([self.postings, self.entries]) != self._unspoiled
        return [
            *(insert(table, columns) for table, columns in rows),
            *(insert("posting", columns) for columns in self.postings if by_hand),
            *(insert("entry", columns) for columns in self.entries if by_hand),
            insert("operation", self.columns, verb),
        ]


def send(books: Books, statements: Sequence[Statement], *, pragmas: Sequence[str] = ()) -> None:
    """Run the statements as the attacker in one transaction, and commit."""
    place = books.database.place
    if books.database.dialect == "postgresql":
        with plain_postgresql(place) as connection:
            for sql, values in statements:
                connection.execute(sql.replace("%", "%%").replace("?", "%s"), values)
            connection.commit()
        return
    with plain_sqlite(place) as connection:
        for pragma in pragmas:
            connection.execute(pragma)
        connection.execute("BEGIN IMMEDIATE")
        for sql, values in statements:
            connection.execute(sql, values)
        connection.execute("COMMIT")


KINDS = (sqlite3.IntegrityError, psycopg.IntegrityError)


@contextlib.contextmanager
def unchanged(books: Books) -> Iterator[None]:
    """Whatever happens inside, the books hold afterwards what they held before."""
    before = books.dump()
    yield
    after = books.dump()
    assert after == before, {name: (before[name], rows) for name, rows in after.items() if before[name] != rows}


def refused(
    books: Books, statements: Sequence[Statement], why: str | None = None, *, pragmas: Sequence[str] = (),
    kinds: tuple[type[Exception], ...] = KINDS,
) -> None:  # fmt: skip
    """The database itself refuses, on SQLite whatever pragmas the attacker sets, and the books are as before.

    Only a constraint or a trigger counts: a slip in the test's own SQL is another kind of error.
    """
    with unchanged(books), pytest.raises(kinds, match=why):
        send(books, statements, pragmas=pragmas)
    if books.database.dialect == "postgresql":
        return
    with unchanged(books), pytest.raises(kinds, match=why):
        send(books, statements, pragmas=("PRAGMA recursive_triggers = OFF", *pragmas))
    with unchanged(books), pytest.raises(kinds):
        send(books, statements, pragmas=("PRAGMA foreign_keys = OFF", *pragmas))
