"""Attacks on every rule of the books with raw SQL: each is refused by the database, and changes nothing.

The attacker has the plain driver and the application's rights, and on SQLite the pragmas
of a plain connection. Beside an attack stands its legal twin where there is one: the same
statements without the fault are taken, so that a harness that refused everything would fail.
"""

from __future__ import annotations

import sqlite3
import struct
import threading
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from coopbank.database import SCHEMA_VERSION
from coopbank.errors import SealRefused
from coopbank.ledger import at_once, chain, posting
from coopbank.ledger.posting import NewAccount, NewControl, NewFund, NewPeriodState, NewRecord
from tests.ledger.raw import KINDS, Raw, Statement, insert, refused, send, unchanged
from tests.ledger.support import (
    BANK,
    BOOK,
    CAPITAL,
    CLAIM,
    DAY,
    DRAWER,
    MEMO,
    MEMO_TOO,
    OTHER,
    OWED,
    REV_CAPITAL,
    REV_CLAIM,
    REV_OWED,
    SAVINGS,
    Books,
    assert_books,
    deposit_lines,
    entry,
    new_books,
    plain_postgresql,
)

SEALED = ("operation", "gl_account", "fund", "account", "entry", "posting", "period_state", "record")
CACHES = ("balance", "balance_day", "control_total")
KEYS = {
    "operation": "id", "gl_account": "code", "fund": "code", "account": "id", "entry": "id",
    "posting": "entry_id, line", "period_state": "period, operation_id", "record": "kind, ref, version",
    "balance": "account_id", "balance_day": "account_id, effective_on",
    "control_total": "span, gl_code, fund, currency",
}  # fmt: skip


def plain(sql: str) -> list[Statement]:
    return [(sql, ())]


def postgresql_only(books: Books) -> None:
    if books.database.dialect != "postgresql":
        pytest.skip("this engine cannot refuse it; verify finds it")


def sqlite_only(books: Books) -> None:
    if books.database.dialect != "sqlite":
        pytest.skip("SQL of SQLite")


def test_the_harness_lets_legal_work_through(books: Books) -> None:
    send(books, Raw(books, [entry(deposit_lines(5_00)), entry(deposit_lines(6_00, OTHER))]).statements())
    record = NewRecord("role", "ann", 2, "ann", {"role": "treasurer"})
    send(books, Raw(books, rows=[record, NewFund("RES", "Reserve", "reserve")]).statements())
    assert books.head().number == 4
    assert_books(books.database)


# ----------------------------------------------------------------- what is sealed stays


@pytest.mark.parametrize("table", SEALED)
def test_sealed_rows_are_not_updated(still_books: Books, table: str) -> None:
    key = KEYS[table].split(",")[0]
    refused(still_books, plain(f"UPDATE {table} SET {key} = {key}"), "append-only")


CHANGES = [
    ("operation", "actor", "'eve'"), ("operation", "approver", "'eve'"), ("operation", "business_date", "'2026-03-01'"),
    ("operation", "sealed", "'[]'"), ("entry", "memo", "'other'"), ("entry", "effective_on", "'2026-03-01'"),
    ("posting", "amount", "amount * 2"), ("posting", "account_id", "6"), ("account", "holder", "'M0002'"),
    ("account", "fund", "'REV'"), ("account", "currency", "'EUR'"), ("account", "kind", "'asset'"),
    ("account", "contract", "'M0009'"), ("account", "floor", "NULL"), ("account", "ceiling", "NULL"),
    ("record", "body", "'{}'"), ("period_state", "state", "'open'"), ("gl_account", "guard", "'none'"),
    ("fund", "class", "'general'"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "column", "value"), CHANGES)
def test_meaning_is_not_changed(still_books: Books, table: str, column: str, value: str) -> None:
    refused(still_books, plain(f"UPDATE {table} SET {column} = {value}"), "append-only")


@pytest.mark.parametrize("table", SEALED + CACHES)
def test_rows_are_not_deleted(still_books: Books, table: str) -> None:
    refused(still_books, plain(f"DELETE FROM {table}"))


@pytest.mark.parametrize("table", SEALED + CACHES)
def test_tables_are_not_truncated(still_books: Books, table: str) -> None:
    postgresql_only(still_books)
    refused(still_books, plain(f"TRUNCATE {table} CASCADE"), "append-only")


@pytest.mark.parametrize("verb", ["INSERT OR REPLACE", "REPLACE"])
@pytest.mark.parametrize("table", [*SEALED, "balance"])
def test_rows_are_not_replaced(still_books: Books, table: str, verb: str) -> None:
    sqlite_only(still_books)
    refused(still_books, plain(f"{verb} INTO {table} SELECT * FROM {table}"))


@pytest.mark.parametrize("table", [*SEALED, "balance"])
def test_rows_are_not_replaced_by_an_update(still_books: Books, table: str) -> None:
    sqlite_only(still_books)
    key = KEYS[table].split(",")[0]
    value = "'POOL'" if key in ("code", "period", "kind") else "1"
    refused(still_books, plain(f"UPDATE OR REPLACE {table} SET {key} = {value}"))


def test_a_balance_row_is_not_moved_by_its_hidden_name(still_books: Books) -> None:
    sqlite_only(still_books)
    refused(
        still_books, plain(f"UPDATE OR REPLACE balance SET rowid = {OTHER} WHERE account_id = {SAVINGS}"), "immutable"
    )


@pytest.mark.parametrize("table", [*SEALED, "balance"])
def test_rows_are_not_upserted(still_books: Books, table: str) -> None:
    key = KEYS[table]
    first = key.split(",")[0]
    upsert = f"ON CONFLICT ({key}) DO UPDATE SET {first} = excluded.{first}"
    refused(still_books, plain(f"INSERT INTO {table} SELECT * FROM {table} WHERE 1 = 1 {upsert}"))


def test_a_header_is_not_replaced_by_another(books: Books) -> None:
    raw = Raw(books, [entry(deposit_lines(5_00))])
    raw.change(id=books.head().number)
    refused(books, raw.statements())
    send(books, Raw(books, [entry(deposit_lines(5_00))]).statements())


def test_an_entry_is_not_replaced_by_an_operation_on_its_way(still_books: Books) -> None:
    sqlite_only(still_books)
    raw = Raw(still_books, [entry(deposit_lines(5_00))])
    another = {"id": 1, "operation_id": raw.number, "effective_on": DAY.isoformat(), "memo": "another"}
    refused(still_books, [insert("entry", another, "REPLACE"), *raw.statements()])


LATE = {
    "posting": {"entry_id": 1, "line": 5, "account_id": SAVINGS, "amount": -1},
    "entry": {"id": 2, "operation_id": 2, "effective_on": "2026-03-02", "memo": "late"},
    "record": {"operation_id": 1, "line": 99, "kind": "role", "ref": "eve", "version": 1, "body": "{}"},
    "period_state": {"operation_id": 1, "line": 99, "period": "2026-03-03", "state": "open"},
    "fund": {"operation_id": 1, "line": 99, "code": "NEW", "name": "New", "class": "restricted"},
    "gl_account": {"operation_id": 1, "line": 99, "code": "999", "name": "New", "kind": "equity", "side": "credit",
                   "guard": "none"},
    "account": {"operation_id": 1, "line": 99, "id": 99, "gl_code": "940", "fund": "GEN", "contract": "late",
                "kind": "equity", "currency": "USD"},
}  # fmt: skip


@pytest.mark.parametrize("table", LATE)
def test_nothing_joins_a_sealed_operation(still_books: Books, table: str) -> None:
    refused(still_books, [insert(table, LATE[table])], "sealed")


@pytest.mark.parametrize("table", LATE)
def test_nothing_is_left_without_an_operation(still_books: Books, table: str) -> None:
    columns: dict[str, Any] = {**LATE[table]}
    if table == "posting":
        columns["entry_id"] = 2
    else:
        columns["operation_id"] = 3
    refused(still_books, [insert(table, columns)])


@pytest.mark.parametrize(
    "places", [[(2, 1)], [(2, 2)], [(3, 1)], [(2, 1), (2, 2)], [(2, 1), (3, 1)], [(0, 1)], [(-1, 2)]]
)
def test_lines_are_not_left_without_their_entry(still_books: Books, places: list[tuple[int, int]]) -> None:
    """In whichever place: only the first of them is asked whether foreign keys are on."""
    lines = [{"entry_id": e, "line": n, "account_id": SAVINGS, "amount": -1} for e, n in places]
    refused(still_books, [insert("posting", line) for line in lines])


def test_lines_do_not_wait_for_an_entry_of_the_next_operation(books: Books) -> None:
    """Lines counted by this operation and again by the next would move the balances twice."""
    first = Raw(books, [entry(deposit_lines(5_00))])
    second = Raw(books, [entry(deposit_lines(7_00))], after=first)
    honest = [*first.statements(), *second.statements()]
    first.postings += second.postings
    first.change(posting_count=8, debit_total=2 * 12_00)
    second.postings = []
    refused(books, [*first.statements(), *second.statements()], "control totals|numbered|foreign key")
    send(books, honest)
    assert_books(books.database)


def test_lines_do_not_hide_behind_an_operation_without_entries(still_books: Books) -> None:
    first = Raw(still_books, rows=[NewRecord("role", "eve", 1, None, {})])
    second = Raw(still_books, [entry(deposit_lines(7_00))], after=first)
    first.postings, second.postings = second.postings, []
    first.change(posting_count=4, debit_total=14_00)
    refused(still_books, [*first.statements(), *second.statements()])


# ----------------------------------------------------------------------------- balance


UNBALANCED: dict[str, list[tuple[int, int]]] = {
    "in total": [(DRAWER, 5_00), (OWED, -4_00)],
    "per fund": [(DRAWER, 5_00), (OWED, -5_00), (CLAIM, 5_00), (REV_CAPITAL, -5_00)],
    "per fund with the pool": [(DRAWER, 5_00), (SAVINGS, -5_00)],
    "per currency": [(CLAIM, 5_00), (CAPITAL, -4_00), (MEMO, -1_00)],
    "with one line": [(DRAWER, 5_00)],
    "with no line": [],
    "with an account that is not there": [(DRAWER, 5_00), (OWED, -5_00), (999, 1)],
    "with a line of zero": [(DRAWER, 0), (OWED, 0)],
    "with a line of zero beside others": [(CLAIM, 5_00), (CAPITAL, -5_00), (SAVINGS, 0)],
}


@pytest.mark.parametrize("how", UNBALANCED)
def test_an_entry_balances_in_each_fund_and_currency(still_books: Books, how: str) -> None:
    refused(still_books, Raw(still_books, [entry(UNBALANCED[how])]).statements())


@pytest.mark.parametrize(
    "lines",
    [
        [(CLAIM, 5_00), (CAPITAL, -5_00), (MEMO, 3), (MEMO_TOO, -3)],
        [*deposit_lines(5_00), (DRAWER, 5_00), (REV_OWED, -5_00), (REV_CLAIM, 5_00), (REV_CAPITAL, -5_00)],
    ],
)
def test_entries_over_funds_and_currencies_that_balance_are_taken(books: Books, lines: Any) -> None:
    send(books, Raw(books, [entry(lines)]).statements())
    assert_books(books.database)


def test_lines_are_numbered_from_one(still_books: Books) -> None:
    raw = Raw(still_books, [entry(deposit_lines(5_00))])
    raw.postings[-1]["line"] = 9
    refused(still_books, raw.statements(), "numbered|foreign key")


@pytest.mark.parametrize(
    ("column", "value"),
    [("entry_count", 2), ("posting_count", 3), ("debit_total", 9), ("row_count", 1), ("first_entry", 9)],
)
def test_control_totals_are_true(still_books: Books, column: str, value: int) -> None:
    refused(still_books, Raw(still_books, [entry(deposit_lines(5_00))]).change(**{column: value}).statements())


# --------------------------------------------------------------------- numbers and chain


def test_numbers_are_not_skipped(still_books: Books) -> None:
    raw = Raw(still_books, [entry(deposit_lines(5_00))])
    rows = [*raw.rows, *(("", e) for e in raw.entries)]
    for _, columns in rows:
        columns["operation_id"] += 1
    raw.both(2, "id", raw.number + 1)
    refused(still_books, raw.statements())
    refused(still_books, Raw(still_books).both(2, "id", 9).statements(), "chain")
    refused(still_books, Raw(still_books).both(2, "id", None).statements())


def test_entry_numbers_are_not_skipped(still_books: Books) -> None:
    raw = Raw(still_books, [entry(deposit_lines(5_00))])
    for row in raw.postings:
        row["entry_id"] += 1
    raw.entries[0]["id"] += 1
    refused(still_books, raw.statements())


def test_the_chain_is_not_forked(still_books: Books) -> None:
    with still_books.database.read() as tx:
        first = tx.value("SELECT hash FROM operation WHERE id = 1")
    raw = Raw(still_books, [entry(deposit_lines(5_00))]).change(prev_hash=first).say(13, first.hex())
    refused(still_books, raw.statements(), "chain")
    assert raw.columns["prev_hash"] == first


def test_an_operation_of_another_book_is_not_grafted(still_books: Books) -> None:
    refused(still_books, Raw(still_books).say(1, "ff" * 16).statements(), "differs")
    refused(still_books, Raw(still_books).say(0, "coopbank/9").statements(), "differs")


def test_a_key_is_not_used_twice(still_books: Books) -> None:
    refused(still_books, Raw(still_books, [entry(deposit_lines(5_00))], key="key-2").statements())


TEXT = {2: 7, 3: "2026-03-02T00:00:00.000000Z", 4: "2026-03-01", 5: "eve", 6: "eve", 7: "other", 8: 2, 9: "other",
        11: [], 12: [["fund", "X", "X", "general"]], 13: "00" * 32}  # fmt: skip


@pytest.mark.parametrize("place", TEXT)
def test_the_sealed_text_says_what_the_columns_say(still_books: Books, place: int) -> None:
    refused(still_books, Raw(still_books, [entry(deposit_lines(5_00))]).say(place, TEXT[place]).statements(), "differs")


@pytest.mark.parametrize("place", [5, 6, 7, 9])
def test_a_number_in_the_text_is_no_text(still_books: Books, place: int) -> None:
    column = {5: "actor", 6: "approver", 7: "kind", 9: "key"}[place]
    refused(still_books, Raw(still_books).say(place, 5).change(**{column: "5"}).statements(), "differs")


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "not json", "[1,2", '["coopbank/1"]'])
def test_a_sealed_text_is_a_text_of_the_form(still_books: Books, text: str) -> None:
    not_json = (*KINDS, sqlite3.OperationalError, psycopg.DataError)
    refused(still_books, Raw(still_books).change(sealed=text, hash=chain.digest(text)).statements(), kinds=not_json)


def test_a_wrong_hash_is_refused(still_books: Books) -> None:
    postgresql_only(still_books)
    refused(still_books, Raw(still_books).change(hash=bytes(32)).statements(), "SHA-256")


@pytest.mark.parametrize("column", ["hash", "prev_hash", "request_hash"])
def test_hashes_have_their_length(still_books: Books, column: str) -> None:
    refused(still_books, Raw(still_books).change(**{column: b"short"}).statements())
    kinds = (*KINDS, psycopg.errors.ObjectNotInPrerequisiteState)  # no hash: a text to be put together, of no revision
    refused(still_books, Raw(still_books).change(**{column: None}).statements(), kinds=kinds)


# ----------------------------------------------------------------------- dates and periods


IMPOSSIBLE = ["2026-02-30", "abc", "2026-2-3", "", "2026-03-02 ", "20260302", "0000-01-01", "-001-01-01", "now",
              "2026-03-02T00:00:00", "2026-13-01", None]  # fmt: skip


@pytest.mark.parametrize("day", IMPOSSIBLE)
def test_an_entry_has_a_possible_date(still_books: Books, day: Any) -> None:
    raw = Raw(still_books, [entry(deposit_lines(5_00))], approver="bob").date_entries(day)
    refused(still_books, raw.statements(), kinds=(*KINDS, sqlite3.OperationalError))  # "now" in a CHECK


@pytest.mark.parametrize("day", IMPOSSIBLE)
def test_a_business_date_is_possible(still_books: Books, day: Any) -> None:
    raw = Raw(still_books).both(4, "business_date", day)
    refused(still_books, raw.statements(), kinds=(*KINDS, sqlite3.OperationalError, psycopg.DataError))


@pytest.mark.parametrize(
    "at",
    ["", "abc", "2460000.5", "2026-03-02", "15:04", "2026-03-02 15:04:05.000000Z", "2026-03-02T15:04:05Z",
     "2026-02-30T15:04:05.000000Z", "2026-03-02T25:04:05.000000Z", "2026-03-02T15:04:05.000000", None],
)  # fmt: skip
def test_an_instant_is_possible(still_books: Books, at: Any) -> None:
    refused(still_books, Raw(still_books).both(3, "at", at).statements(), kinds=(*KINDS, psycopg.DataError))


@pytest.mark.parametrize("period", ["2026-13", "2026-02-30", "202", "", "abc", "2026-3", "2026-03-02x", None])
def test_a_period_is_possible(still_books: Books, period: Any) -> None:
    raw = Raw(still_books, rows=[NewPeriodState("2026-05", "open")])
    raw.rows[0][1]["period"] = period
    refused(still_books, raw.say(12, [["period_state", period, "open"]]).statements())


def test_an_entry_is_not_dated_after_the_business_date(still_books: Books) -> None:
    tomorrow = DAY + timedelta(days=1)
    refused(
        still_books, Raw(still_books, [entry(deposit_lines(5_00), tomorrow)], approver="bob").statements(), "future"
    )


def test_a_business_date_does_not_lie_in_the_future(books: Books) -> None:
    for days in (2, 400):
        raw = Raw(books, business_date=DAY + timedelta(days=days), at=f"{DAY}T00:00:00.000000Z")
        refused(books, raw.statements(), "future")
    send(books, Raw(books, business_date=DAY + timedelta(days=1), at=f"{DAY}T00:00:00.000000Z").statements())


def test_a_business_date_does_not_go_back(still_books: Books) -> None:
    refused(still_books, Raw(still_books, business_date=DAY - timedelta(days=1)).statements(), "goes back")


def test_the_past_needs_a_second_person(books: Books) -> None:
    past = entry(deposit_lines(5_00), DAY - timedelta(days=3))
    refused(books, Raw(books, [past]).statements(), "second person")
    refused(books, Raw(books, [past], approver="ann").statements())  # nobody approves their own
    refused(books, Raw(books, [past], approver="").statements())
    send(books, Raw(books, [past], approver="bob").statements())
    assert_books(books.database)


@pytest.mark.parametrize("state", ["closed", "locked", "adjusting"])
def test_a_day_that_is_not_open_takes_no_entry(books: Books, state: str) -> None:
    send(books, Raw(books, [entry(deposit_lines(5_00))]).statements())
    books.set_state((DAY.isoformat(), state))
    refused(books, Raw(books, [entry(deposit_lines(5_00))], approver="bob").statements(), "not open")
    books.set_state((DAY.isoformat(), "open"))
    send(books, Raw(books, [entry(deposit_lines(5_00))]).statements())


def test_a_day_never_opened_takes_no_entry(still_books: Books) -> None:
    tomorrow = DAY + timedelta(days=1)
    raw = Raw(still_books, [entry(deposit_lines(5_00), tomorrow)], business_date=tomorrow)
    refused(still_books, raw.statements(), "not open")


def test_an_operation_does_not_open_its_own_day(books: Books) -> None:
    books.set_state((DAY.isoformat(), "closed"))
    opened = NewPeriodState(DAY.isoformat(), "open")
    refused(books, Raw(books, [entry(deposit_lines(5_00))], [opened]).statements(), "not open")


@pytest.mark.parametrize(("period", "day"), [("2026-02", date(2026, 2, 27)), ("2025", date(2025, 12, 31))])
def test_a_locked_month_or_year_takes_no_entry(books: Books, period: str, day: date) -> None:
    late = [entry(deposit_lines(5_00), day)]
    send(books, Raw(books, late, approver="bob").statements())
    books.set_state((period, "locked"))
    refused(books, Raw(books, late, approver="bob").statements(), "locked")
    refused(books, Raw(books, late, [NewPeriodState(period, "open")], approver="bob").statements(), "locked")
    books.set_state((period, "adjusting"))
    send(books, Raw(books, late, approver="bob").statements())
    assert_books(books.database)


@pytest.mark.parametrize("period", [f"{DAY:%Y-%m}", f"{DAY:%Y}"])
def test_the_days_own_month_and_year_are_looked_at_too(books: Books, period: str) -> None:
    """Without a second person every entry is dated on the day itself, so the seal looks at that day's alone."""
    books.set_state((period, "locked"))
    for approver in (None, "bob"):
        refused(books, Raw(books, [entry(deposit_lines(5_00))], approver=approver).statements(), "locked")
    books.set_state((period, "open"))
    send(books, Raw(books, [entry(deposit_lines(5_00))]).statements())
    assert_books(books.database)


def test_one_locked_month_among_several_is_found(books: Books) -> None:
    days = [DAY - timedelta(days=n) for n in (70, 40, 10, 0)]
    late = [entry(deposit_lines(5_00), day) for day in days]
    books.set_state((f"{days[1]:%Y-%m}", "locked"))
    refused(books, Raw(books, late, approver="bob").statements(), "locked")
    send(books, Raw(books, [late[0], *late[2:]], approver="bob").statements())
    assert_books(books.database)


def test_nothing_is_smuggled_in_among_many_lines(books: Books) -> None:
    """One statement with lines for a new entry and one for an entry that is sealed, or that skips a number."""
    number = books.head().next_entry
    for entry_id, line in ((1, 5), (1, 6), (number, 4), (number + 2, 1)):
        values = [(number, 1, DRAWER, 5_00), (number, 2, OWED, -5_00), (entry_id, line, SAVINGS, 1)]
        sql = "INSERT INTO posting (entry_id, line, account_id, amount) VALUES (?, ?, ?, ?), (?, ?, ?, ?), (?, ?, ?, ?)"
        refused(books, [(sql, tuple(value for row in values for value in row))])


# ----------------------------------------------------------------------- accounts and guards


@pytest.mark.parametrize(
    "lines",
    [
        deposit_lines(-100_01),
        [(BANK, -1), (OWED, 1)],
        [(CLAIM, -100_01), (SAVINGS, 100_01)],
        [(SAVINGS, 100_01), (CAPITAL, -100_01)],
        [(OTHER, 1), (CAPITAL, -1)],
    ],
)
def test_nothing_is_overdrawn(still_books: Books, lines: Any) -> None:
    raw = Raw(still_books, [entry(lines)])
    refused(still_books, raw.statements())
    refused(still_books, raw.statements(), pragmas=["PRAGMA ignore_check_constraints = ON"])
    if still_books.database.dialect == "sqlite":
        refused(still_books, raw.statements("INSERT OR IGNORE"))
        refused(still_books, raw.statements("INSERT OR FAIL"))


def test_all_of_it_may_be_taken_out(books: Books) -> None:
    send(books, Raw(books, [entry(deposit_lines(-100_00))]).statements())
    assert_books(books.database)


@pytest.mark.parametrize("split", [1, 2], ids=["one entry", "two entries"])
@pytest.mark.parametrize("first", [-105_00, 105_00], ids=["below first", "above first"])
def test_what_is_taken_and_put_back_in_one_operation_counts_as_it_ends(books: Books, split: int, first: int) -> None:
    """The lines of a leaf in any order, of one entry or of several: it must only end within its guard."""

    def entries(*amounts: int) -> list[posting.EntryDraft]:
        each = [deposit_lines(amount) for amount in amounts]
        return [entry([line for lines in each for line in lines])] if split == 1 else [entry(lines) for lines in each]

    before = books.dump()
    refused(books, Raw(books, entries(*sorted([-105_00, 4_99], reverse=first > 0))).statements())
    assert books.dump() == before
    posting.post(books.database, BOOK, books.draft(entries(first, -first)))
    posting.post(books.database, BOOK, books.draft(entries(*sorted([-105_00, 5_00], reverse=first > 0))))
    with books.database.read() as tx:
        assert tx.value("SELECT debit - credit FROM balance WHERE account_id = ?", SAVINGS) == 0
    assert_books(books.database)


@pytest.mark.parametrize("earlier", [-105_00, 105_00], ids=["below first", "above first"])
def test_what_is_taken_on_one_day_and_put_back_on_another_counts_as_it_ends(books: Books, earlier: int) -> None:
    """In one operation, by two people: a leaf's days are brought in the order that keeps within its guard."""
    day_before = DAY - timedelta(days=1)
    both = [entry(deposit_lines(earlier), day_before), entry(deposit_lines(-earlier))]
    posting.post(books.database, BOOK, books.draft(both, approver="bea"))
    with books.database.read() as tx:
        assert tx.value("SELECT credit - debit FROM balance WHERE account_id = ?", SAVINGS) == 100_00
    assert_books(books.database)


@pytest.mark.parametrize("column", ["floor", "ceiling"])
def test_a_guard_is_not_lifted(still_books: Books, column: str) -> None:
    refused(still_books, plain(f"UPDATE balance SET {column} = NULL"))
    refused(still_books, plain(f"UPDATE balance SET {column} = -999999999"))


def new_leaf(**changes: Any) -> NewAccount:
    values: dict[str, Any] = {"id": 50, "gl_code": "739", "fund": "POOL", "contract": "D2", "holder": None,
                              "kind": "asset", "currency": "USD", "floor": 0, "ceiling": None}  # fmt: skip
    return NewAccount(**{**values, **changes})


def test_a_leaf_like_its_control_account_is_opened(books: Books) -> None:
    send(books, Raw(books, rows=[new_leaf()]).statements())
    assert_books(books.database)


WRONG_LEAVES: dict[str, dict[str, Any]] = {
    "without the floor": {"floor": None},
    "with a lower floor": {"floor": -100},
    "with a ceiling": {"ceiling": 0},
    "of another kind": {"kind": "expense"},
    "of no control account": {"gl_code": "998"},
    "of no fund": {"fund": "NONE"},
    "in the pool where it must not be": {"gl_code": "729", "contract": "x"},
    "of a memo currency": {"currency": "MEM"},
    "of no currency": {"currency": "DOLLAR"},
    "with the number of another": {"id": SAVINGS},
    "with the name of another": {"contract": "D1"},
}


@pytest.mark.parametrize("how", WRONG_LEAVES)
def test_a_wrong_leaf_is_not_opened(still_books: Books, how: str) -> None:
    refused(still_books, Raw(still_books, rows=[new_leaf(**WRONG_LEAVES[how])]).statements())


def test_master_data_is_numbered_from_one(still_books: Books) -> None:
    for row in (new_leaf(), NewFund("X", "New", "general"), NewControl("998", "New", "asset", "debit", "none"),
                NewPeriodState("2026-05", "open"), NewRecord("role", "bob", 1, None, {})):  # fmt: skip
        raw = Raw(still_books, rows=[row])
        raw.rows[0][1]["line"] = 0
        refused(still_books, raw.statements(), "CHECK constraint failed|check constraint")


@pytest.mark.parametrize(
    "row",
    [
        NewFund("GEN", "Twice", "general"),
        NewFund("POOL2", "A second pool", "pool"),
        NewFund("X", "Of no class", "other"),
        NewControl("739", "Twice", "asset", "debit", "none"),
        NewControl("M99", "A memo that is none", "asset", "debit", "none"),
        NewControl("998", "Of no kind", "thing", "debit", "none"),
        NewPeriodState("2026-05", "ajar"),
        NewRecord("role", "ann", 3, None, {}),
        NewRecord("role", "ann", 1, None, {}),
        NewRecord("role", "bob", 2, None, {}),
        NewRecord("role", "bob", 0, None, {}),
    ],
)
def test_wrong_master_data_is_refused(still_books: Books, row: posting.Row) -> None:
    refused(still_books, Raw(still_books, rows=[row]).statements())
    if still_books.database.dialect == "sqlite":
        replaced = [(sql.replace("INSERT INTO", "INSERT OR REPLACE INTO"), values)
                    for sql, values in Raw(still_books, rows=[row]).statements()]  # fmt: skip
        refused(still_books, replaced)


def test_a_record_holds_json(still_books: Books) -> None:
    raw = Raw(still_books, rows=[NewRecord("role", "bob", 1, None, {})])
    raw.rows[0][1]["body"] = "{not json"
    refused(still_books, raw.statements(), kinds=(*KINDS, psycopg.DataError))


def test_a_missing_balance_row_stops_the_seal(engine_url: str) -> None:
    """The row is taken away by force, as its owner could; the seal then refuses every posting to that leaf."""
    with new_books(engine_url) as books:
        if books.database.dialect == "sqlite":
            send(books, plain("DROP TRIGGER balance_no_delete"))
            send(books, plain(f"DELETE FROM balance WHERE account_id = {SAVINGS}"))
        else:
            gone = "SET LOCAL session_replication_role = replica"
            send(books, [(gone, ()), (f"DELETE FROM balance WHERE account_id = {SAVINGS}", ())])
        refused(books, Raw(books, [entry(deposit_lines(5_00))]).statements(), "missing")
        send(books, Raw(books, [entry(deposit_lines(5_00, OTHER))]).statements())


# --------------------------------------------------------------------------------- reversals


def reversing(amount: int, number: int) -> list[posting.EntryDraft]:
    return [entry(deposit_lines(-amount), memo="reversal", reverses=number)]


def test_a_reversal_is_the_exact_negative(books: Books) -> None:
    spoiled = [
        reversing(99_00, 1),
        [entry(deposit_lines(100_00), reverses=1)],
        [entry(deposit_lines(-100_00, OTHER), reverses=1)],
        [entry([*deposit_lines(-100_00), (CLAIM, 1), (CAPITAL, -1)], reverses=1)],
        [entry([*deposit_lines(-100_00)][:2], reverses=1)],
        [entry([*deposit_lines(-100_00)][::-1], reverses=1)],
    ]
    for entries in spoiled:
        refused(books, Raw(books, entries).statements())
    send(books, Raw(books, reversing(100_00, 1)).statements())
    assert_books(books.database)


def test_an_entry_is_reversed_once(books: Books) -> None:
    books.deposit(100_00)
    refused(books, Raw(books, [*reversing(100_00, 1), *reversing(100_00, 1)]).statements())
    send(books, Raw(books, reversing(100_00, 1)).statements())
    refused(books, Raw(books, reversing(100_00, 1)).statements())
    send(books, Raw(books, reversing(100_00, 2)).statements())
    assert_books(books.database)


def test_a_reversal_is_not_reversed(books: Books) -> None:
    done = books.seal(reversing(100_00, 1))
    again = [entry(deposit_lines(100_00), memo="back again", reverses=done.entries[0])]
    refused(books, Raw(books, again).statements(), "exact negative")


def test_what_is_reversed_was_there_before(still_books: Books) -> None:
    refused(still_books, Raw(still_books, reversing(100_00, 99)).statements())
    refused(still_books, Raw(still_books, reversing(100_00, 2)).statements())  # itself
    forward = [entry(deposit_lines(-5_00), reverses=3), entry(deposit_lines(5_00))]
    refused(still_books, Raw(still_books, forward).statements())
    raw = Raw(still_books, forward)
    raw.entries.reverse()
    refused(still_books, raw.statements())  # whichever is written first


# ---------------------------------------------------------------------------------- caches


@pytest.mark.parametrize("sql", [
    "UPDATE balance SET debit = debit + 100",
    "UPDATE balance_day SET debit = debit + 100",
    "UPDATE control_total SET debit = debit + 100",
    "INSERT INTO balance_day VALUES (1, '2026-03-05', 1, 0)",
    "INSERT INTO control_total VALUES ('2026-03-05', '739', 'POOL', 'USD', 1, 0)",
])  # fmt: skip
def test_caches_are_kept_by_the_seal_alone(still_books: Books, sql: str) -> None:
    postgresql_only(still_books)
    refused(still_books, plain(sql), "seal alone")


@pytest.mark.parametrize("said", [
    "/* function operation_seal() */",
    '/*"\nPL/pgSQL function operation_seal() line 1 at SQL statement*/',
    "WHERE '\"\nPL/pgSQL function operation_seal() line 1' <> ''",
    'WHERE $$"\nPL/pgSQL function operation_seal() line 1$$ <> $$$$',
])  # fmt: skip
def test_a_statement_that_says_it_stands_in_the_seal_does_not(still_books: Books, said: str) -> None:
    postgresql_only(still_books)
    block = f"DO $block$ BEGIN UPDATE balance SET debit = debit + 100, credit = credit + 100 {said}; END $block$"
    refused(still_books, plain(block), "seal alone")


@pytest.mark.parametrize("sql", [
    'UPDATE balance AS "PL function operation_seal() x" SET debit = debit + 100, credit = credit + 100',
    'UPDATE balance AS "\nPL/pgSQL function operation_seal() line 72" SET debit = debit + 100, credit = credit + 100',
    'WITH "a function operation_seal() x" AS (SELECT 1) UPDATE control_total SET debit = debit + 100',
])  # fmt: skip
def test_a_name_in_a_statement_does_not_say_that_it_stands_in_the_seal(still_books: Books, sql: str) -> None:
    postgresql_only(still_books)
    refused(still_books, plain(f"DO $block$ BEGIN {sql}; END $block$"), "seal alone")


def test_a_trigger_function_whose_name_says_it_is_the_seal_is_not(still_books: Books) -> None:
    postgresql_only(still_books)
    steps = [
        "CREATE TEMP TABLE trap (a int)",
        """CREATE FUNCTION pg_temp."x operation_seal() x"() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN UPDATE balance SET debit = debit + 1000000; RETURN NULL; END $$""",
        'CREATE TRIGGER t AFTER INSERT ON trap FOR EACH ROW EXECUTE FUNCTION pg_temp."x operation_seal() x"()',
        "SET search_path = public, pg_temp",
        "INSERT INTO trap VALUES (1)",
    ]
    refused(still_books, [(step, ()) for step in steps], "seal alone")


@pytest.mark.parametrize("said", [
    "--\n-- PL/pgSQL function operation_seal() line 1\n",
    "/*\nPL/pgSQL function operation_seal() line 1\n*/",
    "/* PL/pgSQL function operation_seal() line 1\n*/",
    "\n/* PL/pgSQL function operation_seal() line 1\n*/",
])  # fmt: skip
def test_a_comment_in_a_trigger_of_somebody_else_does_not_say_that_it_is_the_seal(
    still_books: Books, said: str
) -> None:
    postgresql_only(still_books)
    steps = [
        "CREATE TEMP TABLE trap (a int)",
        f"""CREATE FUNCTION pg_temp.trap() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN UPDATE balance SET debit = debit + 100, credit = credit + 100 {said}; RETURN NULL; END $$""",
        "CREATE TRIGGER t AFTER INSERT ON trap FOR EACH ROW EXECUTE FUNCTION pg_temp.trap()",
        "SET search_path = public, pg_temp",
        "INSERT INTO trap VALUES (1)",
    ]
    refused(still_books, [(step, ()) for step in steps], "seal alone")


_CALLS = {
    "en": ("PL/pgSQL function %s line 1 at GET DIAGNOSTICS", 'SQL statement "%s"',
           "PL/pgSQL function %s line 72 at SQL statement"),
    "es": ("función PL/pgSQL %s en la línea 1 en GET DIAGNOSTICS", "sentencia SQL: «%s»",
           "función PL/pgSQL %s en la línea 1 en sentencia SQL"),
    "de": ("PL/pgSQL-Funktion %s Zeile 1 bei GET DIAGNOSTICS", "SQL-Anweisung »%s«",
           "PL/pgSQL-Funktion %s Zeile 1 bei SQL-Anweisung"),
    "fr": ("fonction PL/pgSQL %s, ligne 1 à GET DIAGNOSTICS", "instruction SQL « %s »",
           "fonction PL/pgSQL %s, ligne 1 à instruction SQL"),
    "ja": ("PL/pgSQL関数%sの1行目 - GET DIAGNOSTICS", 'SQL文 "%s"', "PL/pgSQL関数%sの1行目 - SQL ステートメント"),
    "zh": ("在GET DIAGNOSTICS的第1行的PL/pgSQL函数%s", 'SQL 语句 "%s"', "在SQL语句的第1行的PL/pgSQL函数%s"),
    "ko": ('PL/pgSQL 함수 "%s" 의 1번째 GET DIAGNOSTICS', 'SQL 구문: "%s"', 'PL/pgSQL 함수 "%s" 의 1번째 SQL'),
    "tr": ("%s PL/pgSQL fonksiyonu, 1. satır, GET DIAGNOSTICS içinde", 'SQL deyimi: "%s"',
           "%s PL/pgSQL fonksiyonu, 1. satır, SQL içinde"),
}  # fmt: skip


@pytest.mark.parametrize("language", _CALLS)
def test_the_seal_is_known_whatever_language_the_server_speaks(still_books: Books, language: str) -> None:
    """The server tells in its own words what calls: those are held against the guard as servers have said them."""
    postgresql_only(still_books)
    own, statement, function = _CALLS[language]
    with plain_postgresql(still_books.database.place) as server:
        seal = server.execute("SELECT prosrc FROM pg_proc WHERE proname = 'operation_seal'").fetchone()[0]
        statement %= seal[seal.index("WITH said") : seal.index(";", seal.index("WITH said"))]
        source = server.execute("SELECT prosrc FROM pg_proc WHERE proname = 'by_seal'").fetchone()[0]
        for before, after in (
            ("GET DIAGNOSTICS calls = PG_CONTEXT", "calls := current_setting('test.calls')"),
            ("pg_trigger_depth()", "2"), ("TG_OP", "'UPDATE'"), ("TG_TABLE_NAME", "'it'"),
        ):  # fmt: skip
            assert before in source
            source = source.replace(before, after)
        server.execute(f"CREATE FUNCTION pg_temp.guard() RETURNS text LANGUAGE plpgsql AS $guard${source}$guard$")

        def passes(called: str) -> bool:
            calls = "\n".join([own % "by_seal()", statement, function % called])
            server.execute("SELECT set_config('test.calls', %s, false)", (calls,))
            try:
                with server.transaction():
                    server.execute("SELECT pg_temp.guard()")
            except psycopg.Error as error:
                assert "seal alone" in str(error)
                return False
            return True

        assert passes("operation_seal()")
        assert passes("account_opens_balance()")
        assert not passes("evil.operation_seal()")
        assert not passes("my_operation_seal()")
        assert not passes("inline_code_block")


def test_a_trigger_of_the_attackers_own_is_not_the_seal(still_books: Books) -> None:
    postgresql_only(still_books)
    function = ("CREATE FUNCTION pg_temp.operation_seal() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN UPDATE balance SET debit = debit + 1000000; RETURN NULL; END $$")  # fmt: skip
    trap = "CREATE TRIGGER t AFTER INSERT ON trap FOR EACH ROW EXECUTE FUNCTION pg_temp.operation_seal()"
    steps = ["CREATE TEMP TABLE trap (a int)", function, trap, "INSERT INTO trap VALUES (1)"]
    refused(still_books, [(step, ()) for step in steps], "seal alone")


@pytest.mark.parametrize("table", [*SEALED, *CACHES])
def test_a_temporary_table_does_not_stand_in_for_one_of_the_books(books: Books, table: str) -> None:
    """With the name looked up in the session's own tables first, the seal would read and write those."""
    postgresql_only(books)
    shadow = (f"CREATE TEMP TABLE {table} AS SELECT * FROM public.{table} WHERE false", ())
    spoiled = [(sql.replace("INSERT INTO ", "INSERT INTO public."), values)
               for sql, values in Raw(books, [entry(deposit_lines(-100_01))]).statements()]  # fmt: skip
    refused(books, [shadow, *spoiled])
    legal = [(sql.replace("INSERT INTO ", "INSERT INTO public."), values)
             for sql, values in Raw(books, [entry(deposit_lines(1_00))]).statements()]  # fmt: skip
    send(books, [shadow, *legal])
    assert_books(books.database)


@pytest.fixture
def clerk(books: Books) -> Books:
    """A role that may read everything and append to the sealed tables, and nothing else."""
    postgresql_only(books)
    sealed = ", ".join(SEALED)
    role = "clerk_of_the_books"
    place = books.database.place
    with plain_postgresql(place) as owner:
        owner.execute(f"DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
        owner.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        owner.execute(f"GRANT INSERT ON {sealed} TO {role}")
        owner.commit()
    return books


def test_an_application_role_needs_no_right_on_the_caches(clerk: Books) -> None:
    become: Statement = ("SET ROLE clerk_of_the_books", ())
    send(clerk, [become, *Raw(clerk, [entry(deposit_lines(5_00))], [new_leaf()]).statements()])
    for sql in ("UPDATE balance SET debit = 0", "DELETE FROM entry", "TRUNCATE record", "DROP TABLE posting",
                "ALTER TABLE posting DISABLE TRIGGER ALL", "DROP TRIGGER posting_with_header ON posting"):  # fmt: skip
        refused(clerk, [become, (sql, ())], kinds=(psycopg.errors.InsufficientPrivilege,))
    assert_books(clerk.database)


AS_THE_SEAL = "\nPL/pgSQL function operation_seal()\n"
MORE = "VALUES (1, 5, 1, 777), (1, 6, 3, -777)"
DISGUISED: dict[str, list[str]] = {
    "by an alias": [
        f"""CREATE FUNCTION pg_temp.t() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO public.posting AS "{AS_THE_SEAL}" {MORE}; RETURN NULL; END $$"""],
    "by a function in SQL": [
        f"""CREATE FUNCTION pg_temp."{AS_THE_SEAL}"() RETURNS void LANGUAGE sql AS
            $$ INSERT INTO public.posting {MORE} $$""",
        f"""CREATE FUNCTION pg_temp.t() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_temp."{AS_THE_SEAL}"(); RETURN NULL; END $$"""],
    "with first lines": [
        """CREATE FUNCTION pg_temp.t() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN INSERT INTO public.posting VALUES (1, 1, 1, 777), (1, 6, 3, -777) ON CONFLICT DO NOTHING;
           RETURN NULL; END $$"""],
}  # fmt: skip


@pytest.mark.parametrize("how", DISGUISED)
def test_nothing_joins_an_entry_whatever_it_says_that_it_is(clerk: Books, how: str) -> None:
    """What calls is told in words of the caller's; so it is what is added that is held against the header."""
    steps = [
        "SET ROLE clerk_of_the_books", "CREATE TEMP TABLE trap (a int)", *DISGUISED[how],
        "CREATE TRIGGER t AFTER INSERT ON trap FOR EACH ROW EXECUTE FUNCTION pg_temp.t()",
        "INSERT INTO trap VALUES (1)",
    ]  # fmt: skip
    refused(clerk, [(step, ()) for step in steps], "by the seal alone")


@pytest.mark.parametrize("sql", [f"INSERT INTO public.posting {MORE}", "UPDATE public.balance SET debit = debit + 7"])
def test_the_name_of_a_copied_column_does_not_say_that_it_is_the_seal(still_books: Books, sql: str) -> None:
    """COPY tells it as it is, and last, where it tells of what it calls."""
    postgresql_only(still_books)
    name = f"{AS_THE_SEAL.rstrip()} line 12 at SQL statement"
    with unchanged(still_books), plain_postgresql(still_books.database.place) as eve:
        eve.execute(f"""CREATE FUNCTION pg_temp.f(x int) RETURNS boolean LANGUAGE plpgsql AS
                        $$ BEGIN {sql}; RETURN true; END $$""")
        eve.execute("CREATE DOMAIN pg_temp.one AS int CHECK (pg_temp.f(VALUE))")
        eve.execute(f'CREATE TEMP TABLE trap ("{name}" pg_temp.one)')
        with (
            pytest.raises(psycopg.IntegrityError, match="seal alone"),
            eve.cursor().copy("COPY trap FROM STDIN (FORMAT binary)") as copy,
        ):
            copy.write(b"PGCOPY\n\xff\r\n\0" + struct.pack("!iihiih", 0, 0, 1, 4, 7, -1))


def test_the_seal_lends_its_rights_to_nobody(clerk: Books) -> None:
    """Its trigger on a table of one's own, with a cast of one's own, would run that with the owner's rights."""
    trap = ["SET ROLE clerk_of_the_books", "CREATE TYPE pg_temp.evil AS (x int)",
            """CREATE FUNCTION pg_temp.f(e pg_temp.evil) RETURNS jsonb LANGUAGE plpgsql AS
               $$ BEGIN RAISE EXCEPTION 'run by %', current_user; END $$""",
            "CREATE CAST (pg_temp.evil AS jsonb) WITH FUNCTION pg_temp.f(pg_temp.evil)",
            "CREATE TEMP TABLE trap (sealed pg_temp.evil)",
            "CREATE TRIGGER t AFTER INSERT ON trap FOR EACH ROW EXECUTE FUNCTION public.operation_seal()",
            "INSERT INTO trap VALUES (ROW(1))"]  # fmt: skip
    refused(clerk, [(step, ()) for step in trap], "is not sealed")


# ------------------------------------------------------- what the server puts together itself


def by_server(
    books: Books, entries: list[posting.EntryDraft], *, expected: int | None = None, **columns: Any
) -> Statement:
    """An operation as a client says it to a server, to be spoiled."""
    said = at_once.values(BOOK, books.draft(entries), expected)
    return insert("operation", {**dict(zip(at_once.COLUMNS, said, strict=True)), **columns})


def told(books: Books, entries: list[posting.EntryDraft], old: str, new: str) -> Statement:
    """The same with another text of it."""
    said = dict(zip(at_once.COLUMNS, at_once.values(BOOK, books.draft(entries), None), strict=True))
    text = str(said["sealed"])
    assert old in text
    return insert("operation", {**said, "sealed": text.replace(old, new)})


def test_a_client_leaves_number_and_text_to_the_server(books: Books) -> None:
    postgresql_only(books)
    send(books, [by_server(books, [entry(deposit_lines(5_00)), entry(deposit_lines(6_00, OTHER))])])
    send(books, [by_server(books, [entry(deposit_lines(7_00))], expected=4)])
    assert books.head().number == 4
    assert_books(books.database)


def test_a_session_reads_texts_and_plans_as_it_likes(books: Books) -> None:
    postgresql_only(books)
    settings = (
        "standard_conforming_strings = off", "bytea_output = escape", "search_path = pg_catalog",
        "enable_indexscan = off", "client_encoding = LATIN1", "default_transaction_isolation = serializable",
    )  # fmt: skip
    for setting in settings:
        sql, values = by_server(books, [entry(deposit_lines(5_00))])
        send(books, [(f"SET {setting}", ()), (sql.replace("INTO ", "INTO public.", 1), values)])
    assert_books(books.database)


def test_operations_are_written_by_a_function_or_several_at_once_too(books: Books) -> None:
    """The guards know the seal wherever it is called from, and each header is sealed with its own entries."""
    postgresql_only(books)
    one = Raw(books, [entry(deposit_lines(5_00))])
    two = Raw(books, [entry(deposit_lines(6_00, OTHER)), entry(deposit_lines(-1_00))], after=one)
    names, values = ", ".join(one.columns), (*one.columns.values(), *two.columns.values())
    marks = ", ".join("?" * len(one.columns))
    send(books, [(f"INSERT INTO operation ({names}) VALUES ({marks}), ({marks})", values)])
    assert_books(books.database)
    three = Raw(books, [entry(deposit_lines(7_00))]).columns
    function = f"""CREATE FUNCTION pg_temp.post(o operation) RETURNS void LANGUAGE plpgsql AS
                   $$ BEGIN INSERT INTO operation ({names}) SELECT {", ".join(f"o.{name}" for name in three)}; END $$"""
    typed = ", ".join("?::bytea" if "hash" in name else "?::bigint" if type(value) is int else "?::text"
                      for name, value in three.items())  # fmt: skip
    with books.database.read() as tx:
        found = tx.rows(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'operation'::regclass AND attnum > 0 ORDER BY attnum"
        )
    assert [name for (name,) in found] == list(three)
    send(books, [(function, ()), (f"SELECT pg_temp.post(ROW({typed})::operation)", tuple(three.values()))])
    assert books.head().number == 5
    assert_books(books.database)


def test_what_is_moved_here_has_no_other_lines_than_its_text(books: Books) -> None:
    """The seal writes them out of the text, so a book with lines that were changed must not become one without."""
    postgresql_only(books)
    raw = Raw(books, [entry(deposit_lines(5_00)), entry(deposit_lines(6_00, OTHER), memo="é\n")])

    def rows() -> dict[str, list[tuple[Any, ...]]]:
        tables = {"posting": raw.postings, "entry": raw.entries, "operation": [raw.columns]}
        return {table: [tuple(row.values()) for row in of_table] for table, of_table in tables.items()}

    for row, column, value in ((raw.postings[0], "amount", 1), (raw.entries[1], "memo", "other")):
        honest = row[column]
        row[column] = value
        with unchanged(books), pytest.raises(SealRefused, match="differ"), books.database.write() as tx:
            posting.write_again(tx, rows())
        row[column] = honest
    honest = raw.columns["sealed"]
    for text in ("", "[", "[]", "{}", "7", "[" * 9000, f"[{'0,' * 11}[[1]]]", f"[{'0,' * 11}7]"):
        raw.columns["sealed"] = text
        with unchanged(books), pytest.raises(SealRefused, match="differ"), books.database.write() as tx:
            posting.write_again(tx, rows())
    raw.columns["sealed"] = honest
    with books.database.write() as tx:
        posting.write_again(tx, rows())
    assert_books(books.database)


SAID: dict[str, tuple[str, str]] = {
    "an amount as a text": ("500]", '"500"]'),
    "an amount that is written otherwise": ("500]", "500.0]"),
    "a line that says more": ("500]", "500,1]"),
    "a line that says less": ("[1,500]", "[1]"),
    "an account as a text": ("[3,", '["3",'),
    "no lines": ("[[1,500]", "[],[[1,500]"),
    "an entry that says more": ("]]]", "]],1]"),
    "a memo that is none": ('"deposit"', "7"),
    "no memo": ('"deposit"', "null"),
    "a date that is none": (f'"{DAY}"', "20260302"),
    "a reversal as a text": ("null,[[", '"1",[['),
    "an entry that is none": ('"deposit"', '"deposit"]'),
    "a line between": ('"deposit"', '"dep\nosit"'),
    "other rows": ("],[],", '],[["fund","X","X","general"]],'),
    "another form": ("coopbank/1", "coopbank/2"),
    "another book": (BOOK, "ff" * 16),
    "an actor of the text alone": ('"ann"', '"eve"'),
    "another revision": (SCHEMA_VERSION, "9999"),
}


@pytest.mark.parametrize("how", SAID)
def test_what_a_client_leaves_to_the_server_is_proven(still_books: Books, how: str) -> None:
    postgresql_only(still_books)
    entries = [entry(deposit_lines(5_00))]
    kinds = (*KINDS, psycopg.DataError, psycopg.errors.ObjectNotInPrerequisiteState)
    refused(still_books, [told(still_books, entries, *SAID[how])], kinds=kinds)


@pytest.mark.parametrize(
    "columns",
    [
        {"id": 2}, {"id": 4}, {"entry_count": 0}, {"entry_count": 2}, {"entry_count": None}, {"posting_count": 3},
        {"debit_total": 1}, {"row_count": 1}, {"actor": "eve"}, {"key": "key-2"}, {"sealed": ""}, {"sealed": None},
        {"sealed": "\n\n\n\n"}, {"business_date": "2026-03-03"}, {"approver": "ann"},
        {"prev_hash": bytes(32), "id": 9},
    ],
)  # fmt: skip
def test_the_columns_of_what_is_left_to_the_server_are_proven(still_books: Books, columns: dict[str, Any]) -> None:
    postgresql_only(still_books)
    kinds = (*KINDS, psycopg.DataError, psycopg.errors.ObjectNotInPrerequisiteState)
    refused(still_books, [by_server(still_books, [entry(deposit_lines(5_00))], **columns)], kinds=kinds)


@pytest.mark.parametrize("line", ['["3",-500]', "[3,-500,0]", '[3,"-500"]'])
def test_a_line_of_another_form_is_refused(still_books: Books, line: str) -> None:
    """It would be posted as it was meant, and read otherwise by whoever reads the sealed text."""
    postgresql_only(still_books)
    refused(still_books, [told(still_books, [entry(deposit_lines(5_00))], "[3,-500]", line)], "of the form")


@pytest.mark.parametrize("function", ["operation_seal", "account_opens_balance"])
def test_the_seal_is_not_lent_to_another_table(books: Books, function: str) -> None:
    """A table of one's own that looks like the operations, with the seal as its trigger, moved the caches twice."""
    postgresql_only(books)
    raw = Raw(books, [entry(deposit_lines(5_00))])
    trap = {
        "operation_seal": insert("pg_temp.trap", raw.columns),
        "account_opens_balance": ("INSERT INTO pg_temp.trap SELECT * FROM account LIMIT 1", ()),
    }[function]
    like = "operation" if function == "operation_seal" else "account"
    steps: list[Statement] = [
        (f"CREATE TEMP TABLE trap (LIKE public.{like})", ()),
        (f"CREATE TRIGGER t AFTER INSERT ON trap FOR EACH ROW EXECUTE FUNCTION public.{function}()", ()),
    ]
    refused(books, [*steps, trap, *raw.statements()], "is not sealed|has no balances")
    send(books, [*steps, *raw.statements()])
    assert_books(books.database)


def test_rows_do_not_hide_behind_a_header_that_says_there_are_none(still_books: Books) -> None:
    """Not even where whoever writes them asks at once, before there is a header, or for that one rule."""
    postgresql_only(still_books)
    row = insert("record", {"operation_id": still_books.head().number + 1, "line": 9, "kind": "role", "ref": "eve",
                            "version": 1, "body": "{}"})  # fmt: skip
    header = Raw(still_books, [entry(deposit_lines(5_00))]).statements()
    ask: Statement = ("SET CONSTRAINTS record_counted IMMEDIATE", ())
    later: Statement = ("SET CONSTRAINTS record_counted DEFERRED", ())
    for statements in ([row, *header], [ask, row, *header], [row, ask, later, *header], [row, *header, ask]):
        refused(still_books, statements, "count of rows differs")


@pytest.mark.parametrize("table", ["posting", "entry"])
def test_entries_and_lines_are_written_by_the_seal_alone(still_books: Books, table: str) -> None:
    """Before their header, after it, and by a trigger of somebody's own."""
    postgresql_only(still_books)
    raw = Raw(still_books, [entry(deposit_lines(5_00))])
    row = insert(table, (raw.postings if table == "posting" else raw.entries)[0])
    more = insert(table, {**(raw.postings if table == "posting" else raw.entries)[0],
                          **({"line": 9} if table == "posting" else {"id": raw.first + 1})})  # fmt: skip
    copied = f"INSERT INTO {table} SELECT * FROM public.{table} WHERE false"
    function = f"""CREATE FUNCTION pg_temp.operation_seal() RETURNS trigger LANGUAGE plpgsql AS
                   $$ BEGIN {copied}; RETURN NULL; END $$"""
    trap = [
        ("CREATE TEMP TABLE trap (a int)", ()), (function, ()),
        ("CREATE TRIGGER t AFTER INSERT ON trap FOR EACH ROW EXECUTE FUNCTION pg_temp.operation_seal()", ()),
        ("INSERT INTO trap VALUES (1)", ()),
    ]  # fmt: skip
    refused(still_books, [row, *raw.statements()], "foreign key")
    for statements in ([*raw.statements(), more], trap):
        refused(still_books, statements, "by the seal alone")


# ----------------------------------------------------------- two connections on PostgreSQL


RACING: dict[str, Callable[[Raw], Statement]] = {
    "record": lambda raw: insert("record", {"operation_id": raw.number, "line": 9, "kind": "role", "ref": "eve",
                                            "version": 1, "body": "{}"}),
    "account": lambda raw: insert("account", {"operation_id": raw.number, "line": 9, "id": 77, "gl_code": "940",
                                              "fund": "GEN", "contract": "late", "kind": "equity", "currency": "USD"}),
    "period_state": lambda raw: insert("period_state", {"operation_id": raw.number, "line": 9, "period": "2026-04",
                                                        "state": "open"}),
}  # fmt: skip


def in_the_background(work: Callable[[], None]) -> Callable[[], BaseException | None]:
    """Begin something that has to wait; what is returned waits for its end, and tells what it was refused with."""
    outcome: list[BaseException | None] = []

    def worked() -> None:
        try:
            work()
            outcome.append(None)
        except psycopg.Error as error:
            outcome.append(error)

    thread = threading.Thread(target=worked)
    thread.start()

    def ended() -> BaseException | None:
        thread.join()
        return outcome[0]

    return ended


def wait_for_a_waiter(watching: Any) -> None:
    """Until some connection of this database waits for the book's lock."""
    waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
    for _ in range(600):
        watching.execute("SELECT pg_stat_clear_snapshot()")  # or a transaction is shown for ever what it saw at first
        if watching.execute(waits).fetchone()[0]:
            return
        time.sleep(0.05)
    pytest.fail("nobody waited")


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
@pytest.mark.parametrize("table", RACING)
def test_a_row_slipped_under_an_uncommitted_header_is_refused(books: Books, table: str, level: str) -> None:
    """The second connection cannot see the header yet: it waits, and is refused after the header was committed."""
    postgresql_only(books)
    raw = Raw(books, [entry(deposit_lines(5_00))])
    late = RACING[table](raw)
    place = books.database.place

    def slip() -> None:
        eve.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        eve.execute(late[0].replace("?", "%s"), late[1])
        eve.commit()

    with plain_postgresql(place) as honest, plain_postgresql(place) as eve:
        for sql, values in raw.statements():
            honest.execute(sql.replace("?", "%s"), values)
        slipped = in_the_background(slip)
        wait_for_a_waiter(honest)
        honest.commit()
        assert isinstance(slipped(), psycopg.Error)
    assert_books(books.database)
    assert books.head().number == raw.number


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ"])
@pytest.mark.parametrize("table", RACING)
def test_a_row_laid_ready_for_somebody_elses_header_is_refused(books: Books, table: str, level: str) -> None:
    """Written before the header's transaction began, and committed after it wanted to: the header waits meanwhile."""
    postgresql_only(books)
    raw = Raw(books, [entry(deposit_lines(5_00))])
    late = RACING[table](raw)
    place = books.database.place
    with plain_postgresql(place) as honest, plain_postgresql(place) as eve, plain_postgresql(place) as watching:
        eve.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        eve.execute(late[0].replace("?", "%s"), late[1])

        def seal() -> None:
            for sql, values in raw.statements():
                honest.execute(sql.replace("?", "%s"), values)
            honest.commit()

        sealed = in_the_background(seal)
        watching.autocommit = True
        wait_for_a_waiter(watching)
        with pytest.raises(psycopg.Error):
            eve.commit()
        assert sealed() is None
    assert_books(books.database)
    assert books.head().number == raw.number


def test_two_writers_make_one_chain(books: Books) -> None:
    """The second writer waits for the first, finds its number taken, and leaves nothing behind."""
    postgresql_only(books)
    place = books.database.place
    mine, yours = Raw(books, [entry(deposit_lines(5_00))]), Raw(books, [entry(deposit_lines(6_00))])
    outcome: list[BaseException | None] = []
    with plain_postgresql(place) as first:
        for sql, values in mine.statements():
            first.execute(sql.replace("?", "%s"), values)

        def second() -> None:
            try:
                send(books, yours.statements())
                outcome.append(None)
            except psycopg.Error as error:
                outcome.append(error)

        thread = threading.Thread(target=second)
        thread.start()
        wait_for_a_waiter(first)
        first.commit()
        thread.join()
    assert isinstance(outcome[0], psycopg.Error)
    assert books.head().number == mine.number
    assert_books(books.database)


def test_the_book_id_of_these_tests_is_in_every_text(still_books: Books) -> None:
    with still_books.database.read() as tx:
        assert all(BOOK in text for (text,) in tx.rows("SELECT sealed FROM operation"))


# -------------------------------------------------------------------- the indivisible reserve


def reserve_books(books: Books) -> tuple[int, int, int]:
    """Leaves of the indivisible reserve with money in it, of undivided earnings, and one that names no holder."""
    reserve, earned, unnamed = 9001, CAPITAL, 9003
    rows = [
        NewControl("932", "Indivisible reserve", "equity", "credit", "ceiling"),
        NewControl("945", "Retained patronage", "equity", "credit", "ceiling"),
        NewAccount(reserve, "932", "GEN", "", None, "equity", "USD", None, 0),
        NewAccount(unnamed, "945", "GEN", "OTHERS/2021", None, "equity", "USD", None, 0),
    ]
    send(books, Raw(books, rows=rows).statements())
    send(books, Raw(books, [entry([(earned, 90_00), (reserve, -90_00)])]).statements())
    return reserve, earned, unnamed


def test_the_indivisible_reserve_is_never_moved_to_a_member(books: Books) -> None:
    reserve, earned, unnamed = reserve_books(books)
    words = "never moved to a member"
    # at once, by a leaf that names nobody, and by two entries of one operation
    refused(books, Raw(books, [entry([(reserve, 5_00), (unnamed, -5_00)])]).statements(), words)
    refused(books, Raw(books, [entry([(reserve, 5_00), (SAVINGS, -5_00)])]).statements(), words)
    refused(
        books,
        Raw(books, [entry([(reserve, 5_00), (earned, -5_00)]), entry([(earned, 5_00), (unnamed, -5_00)])]).statements(),
        words,
    )
    # its legal twin: to what is nobody's
    send(books, Raw(books, [entry([(reserve, 5_00), (earned, -5_00)])]).statements())
    assert_books(books.database)
