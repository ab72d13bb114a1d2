"""Someone with the file, or with the owner's rights, changes it: verify finds every change and names the operation.

Triggers are dropped or switched off for the change and put back after it, so that the
check of the schema does not find it first.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from coopbank.database import Database
from coopbank.errors import CoopbankError
from coopbank.ledger import chain
from coopbank.ledger.balances import rebuild
from coopbank.ledger.posting import NewAccount, NewRecord
from coopbank.ledger.verify import CANNOT_EXCLUDE, CHECKS, verify_ledger, wrong
from tests.ledger import support
from tests.ledger.support import (
    DAY,
    DRAWER,
    OTHER,
    SAVINGS,
    Books,
    assert_books,
    deposit_lines,
    entry,
    new_books,
)

Change = Sequence[tuple[str, Sequence[Any]]]


@pytest.fixture
def books(engine_url: str) -> Iterator[Books]:
    """Nine operations: 1 opens, 2 and 3 deposit, 4 raises a rate, 5 closes a day and opens the next,
    6 withdraws, 7 reverses the entry of 3, 8 is approved and dated back, 9 deposits.
    """
    with new_books(engine_url) as made:
        nine_operations(made)
        yield made


def nine_operations(made: Books) -> None:
    """The others of the nine: `new_books` has done two."""
    made.deposit(20_00, OTHER)
    made.seal(rows=[NewRecord("product", "savings", 2, "savings", {"rate_ppm": 20_000})])
    made.next_day()
    made.withdraw(30_00)
    made.seal([entry(deposit_lines(-20_00, OTHER), made.today, "reversal", reverses=2)])
    made.seal([entry(deposit_lines(1_00), DAY)], approver="bob")
    made.deposit(4_00, OTHER)
    assert made.head().number == 9
    assert_books(made.database)


def corrupt(books: Books, changes: Change) -> None:
    """Make the changes with every protection out of the way, and put the protections back."""
    support.corrupt(books.database, changes)


def found(books: Books, known: Sequence[tuple[int, str]] = ()) -> set[tuple[str, int | None]]:
    return {(finding.check, finding.operation) for finding in wrong(verify_ledger(books.database, known))}


def test_clean_books_have_no_findings(books: Books) -> None:
    verdicts = verify_ledger(books.database, [(9, books.head().short)])
    assert [verdict.name for verdict in verdicts] == [check.name for check in CHECKS]
    assert all(verdict.count == 0 and not verdict.findings for verdict in verdicts)
    assert len(CANNOT_EXCLUDE) == 3


EDITS: dict[str, tuple[str, tuple[str, int | None]]] = {
    "an amount": ("UPDATE posting SET amount = amount * 2 WHERE entry_id = 2", ("entries", 3)),
    "two amounts that still balance": (
        "UPDATE posting SET amount = CASE WHEN amount > 0 THEN 1 ELSE -1 END WHERE entry_id = 3", ("entries", 6)),
    "an account of a line": (
        f"UPDATE posting SET account_id = {OTHER} WHERE entry_id = 1 AND line = 4", ("entries", 2)),
    "a line gone": ("DELETE FROM posting WHERE entry_id = 2 AND line = 3", ("entries", 3)),
    "a line more": ("INSERT INTO posting VALUES (2, 5, 1, 1)", ("entries", 3)),
    "a line of no entry": ("INSERT INTO posting VALUES (77, 1, 1, 1)", ("entries", None)),
    "lines out of order": ("UPDATE posting SET line = 9 WHERE entry_id = 2 AND line = 1", ("entries", 3)),
    "a memo": ("UPDATE entry SET memo = 'gift' WHERE id = 2", ("entries", 3)),
    "an effective date": ("UPDATE entry SET effective_on = '2026-01-01' WHERE id = 2", ("entries", 3)),
    "what is reversed": ("UPDATE entry SET reverses_id = 1 WHERE id = 4", ("entries", 7)),
    "an entry gone": ("DELETE FROM entry WHERE id = 3", ("entries", 6)),
    "an entry moved": ("UPDATE entry SET operation_id = 4 WHERE id = 3", ("entries", 6)),
    "an entry of no operation": ("INSERT INTO entry VALUES (77, 77, '2026-03-02', 'x', NULL)", ("entries", 77)),
    "an actor": ("UPDATE operation SET actor = 'eve' WHERE id = 6", ("columns", 6)),
    "an approver": ("UPDATE operation SET approver = 'eve' WHERE id = 8", ("columns", 8)),
    "an approver gone": ("UPDATE operation SET approver = NULL WHERE id = 8", ("columns", 8)),
    "a business date": ("UPDATE operation SET business_date = '2026-03-04' WHERE id = 9", ("columns", 9)),
    "an instant": ("UPDATE operation SET at = '2026-03-02T00:00:00.000000Z' WHERE id = 3", ("columns", 3)),
    "a kind": ("UPDATE operation SET kind = 'gift' WHERE id = 3", ("columns", 3)),
    "a key": ("UPDATE operation SET key = 'other' WHERE id = 3", ("columns", 3)),
    "a version": ("UPDATE operation SET kind_version = 2 WHERE id = 3", ("columns", 3)),
    "a count": ("UPDATE operation SET posting_count = 6 WHERE id = 3", ("columns", 3)),
    "a total": ("UPDATE operation SET debit_total = 9 WHERE id = 3", ("columns", 3)),
    "a first entry": ("UPDATE operation SET first_entry = 9 WHERE id = 4", ("columns", 4)),
    "an owner": (f"UPDATE account SET holder = 'M0002' WHERE id = {SAVINGS}", ("rows", 1)),
    "a fund": (f"UPDATE account SET fund = 'REV' WHERE id = {SAVINGS}", ("rows", 1)),
    "a number of a leaf": (f"UPDATE account SET contract = 'M0077' WHERE id = {SAVINGS}", ("rows", 1)),
    "a leaf under another number": (f"UPDATE account SET id = 77 WHERE id = {OTHER}", ("rows", 1)),
    "a kind of a leaf": (f"UPDATE account SET kind = 'equity' WHERE id = {SAVINGS}", ("rows", 1)),
    "a currency": (f"UPDATE account SET currency = 'EUR' WHERE id = {SAVINGS}", ("rows", 1)),
    "a guard": (f"UPDATE account SET ceiling = NULL WHERE id = {SAVINGS}", ("rows", 1)),
    "a guard in the cache": (f"UPDATE balance SET ceiling = NULL WHERE account_id = {SAVINGS}", ("caches", None)),
    "a control account": ("UPDATE gl_account SET guard = 'none' WHERE code = '902'", ("rows", 1)),
    "a class of a fund": ("UPDATE fund SET class = 'restricted' WHERE code = 'REV'", ("rows", 1)),
    "a rate": ("""UPDATE record SET body = '{"rate_ppm":90000}' WHERE kind = 'product' AND version = 2""", ("rows", 4)),
    "a role": ("""UPDATE record SET body = '{"role":"admin"}' WHERE kind = 'role'""", ("rows", 1)),
    "whom a record is about": ("UPDATE record SET about = NULL WHERE version = 2", ("rows", 4)),
    "a record gone": ("DELETE FROM record WHERE version = 2", ("rows", 4)),
    "a record more": ("INSERT INTO record VALUES (4, 2, 'role', 'eve', 1, NULL, '{}')", ("rows", 4)),
    "a record of no operation": ("INSERT INTO record VALUES (77, 1, 'role', 'eve', 1, NULL, '{}')", ("rows", 77)),
    "a period state": ("UPDATE period_state SET state = 'open' WHERE state = 'closed'", ("rows", 5)),
    "a period state gone": ("DELETE FROM period_state WHERE state = 'closed'", ("rows", 5)),
    "a balance": (f"UPDATE balance SET debit = debit + 5 WHERE account_id = {DRAWER}", ("caches", None)),
    "a balance row gone": (f"DELETE FROM balance WHERE account_id = {OTHER}", ("caches", None)),
    "day movements": ("UPDATE balance_day SET credit = credit + 5 WHERE account_id = 4", ("caches", None)),
    "day movements gone": ("DELETE FROM balance_day WHERE account_id = 4", ("caches", None)),
    "day movements more": ("INSERT INTO balance_day VALUES (4, '2026-03-09', 5, 5)", ("caches", None)),
    "a control total": ("UPDATE control_total SET debit = debit + 5 WHERE span = '2026-03'", ("caches", None)),
    "a control total gone": ("DELETE FROM control_total WHERE span = '2026-03-02'", ("caches", None)),
    "an operation gone": ("DELETE FROM operation WHERE id = 4", ("chain", 4)),
    "a text": ("UPDATE operation SET sealed = replace(sealed, 'deposit', 'present') WHERE id = 3", ("chain", 3)),
    "a text that is none": ("UPDATE operation SET sealed = 'gone' WHERE id = 3", ("text", 3)),
    "a text of another shape": ("UPDATE operation SET sealed = '[1,2]' WHERE id = 3", ("text", 3)),
    "an empty text": ("UPDATE operation SET sealed = '' WHERE id = 3", ("text", 3)),
}  # fmt: skip


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_is_found_and_named(books: Books, what: str) -> None:
    sql, expected = EDITS[what]
    corrupt(books, [(sql, ())])
    assert expected in found(books)
    assert not any(check == "schema" for check, _ in found(books))


def test_hashes_edited_alone_are_found(books: Books) -> None:
    for column, check in (("hash", "chain"), ("prev_hash", "columns"), ("request_hash", "columns")):
        with books.database.read() as tx:
            was = tx.value(f"SELECT {column} FROM operation WHERE id = 6")
        corrupt(books, [(f"UPDATE operation SET {column} = ? WHERE id = 6", (bytes(32),))])
        assert (check, 6) in found(books)
        corrupt(books, [(f"UPDATE operation SET {column} = ? WHERE id = 6", (was,))])
        assert not found(books)


def rewrite(books: Books, number: int, change: Callable[[list[Any]], None], *, chain_on: bool = False) -> Change:
    """The changes that put another text, hashed anew, in an operation; with `chain_on`, in all that follow too."""
    with books.database.read() as tx:
        texts = tx.rows("SELECT id, sealed FROM operation WHERE id >= ? ORDER BY id", number)
    changes: list[tuple[str, Sequence[Any]]] = []
    previous: str | None = None
    for at, text in texts:
        places = json.loads(text)
        if at == number:
            change(places)
        if previous is not None:
            places[13] = previous
        new = chain.canonical(places)
        hash_ = chain.digest(new)
        approver = None if places[6] == places[5] else places[6]  # a CHECK would see it
        sql = "UPDATE operation SET sealed = ?, hash = ?, prev_hash = ?, actor = ?, approver = ? WHERE id = ?"
        changes.append((sql, (new, hash_, bytes.fromhex(places[13]), places[5], approver, at)))
        if not chain_on:
            break
        previous = hash_.hex()
    return changes


def put(place: int, value: Any) -> Callable[[list[Any]], None]:
    def change(places: list[Any]) -> None:
        places[place] = value

    return change


def test_one_operation_hashed_anew_is_found(books: Books) -> None:
    corrupt(books, rewrite(books, 6, put(5, "eve")))
    assert found(books) == {("chain", 6)}


def test_all_hashed_anew_is_found_only_with_a_known_head(books: Books) -> None:
    heads = [(2, ""), (6, ""), (9, "")]
    with books.database.read() as tx:
        heads = [(n, chain.short(tx.value("SELECT hash FROM operation WHERE id = ?", n))) for n, _ in heads]
    corrupt(books, rewrite(books, 6, put(5, "eve"), chain_on=True))
    assert not found(books)
    assert found(books, heads) == {("heads", 6), ("heads", 9)}


def test_a_cut_tail_is_found_with_a_known_head(books: Books) -> None:
    head = books.head()
    tail = [
        f"DELETE FROM {table} WHERE {where}"
        for table, where in (
            ("posting", "entry_id = 6"), ("entry", "id = 6"), ("operation", "id = 9"),
            ("balance_day", "1 = 1"), ("control_total", "1 = 1"), ("balance", "1 = 1"),
        )
    ]  # fmt: skip
    corrupt(books, [(sql, ()) for sql in tail])
    with closing(Database.open(books.database.place)) as opened_anew:  # who had them open misses what they wrote
        rebuild(opened_anew)
    assert not found(books)
    (finding,) = wrong(verify_ledger(books.database, [(head.number, head.short)]))
    assert finding.operation == 9 and "cut tail" in finding.message


def test_a_swapped_pair_is_found(books: Books) -> None:
    swap = ((2, -2), (3, 2), (-2, 3))
    corrupt(books, [("UPDATE operation SET id = ? WHERE id = ?", (to, at)) for at, to in swap])
    assert {("columns", 2), ("columns", 3)} <= found(books)


def lines(places: list[Any]) -> list[list[int]]:
    found_lines: list[list[int]] = places[11][0][4]
    return found_lines


def unbalance(places: list[Any]) -> None:
    lines(places)[0][1] += 1


def overdraw(places: list[Any]) -> None:
    for line in lines(places):
        line[1] *= 100


def gl_in_pool(places: list[Any]) -> None:
    next(row for row in places[12] if row[0] == "account" and row[1] == SAVINGS)[3] = "POOL"


def lifted(places: list[Any]) -> None:
    next(row for row in places[12] if row[0] == "account" and row[1] == SAVINGS)[9] = None


def other_negative(places: list[Any]) -> None:
    for line in lines(places):
        line[1] += 1 if line[1] > 0 else -1


def entry_number(places: list[Any]) -> None:
    places[11][0][0] = 40


def dated(day: str) -> Callable[[list[Any]], None]:
    def change(places: list[Any]) -> None:
        places[11][0][1] = day

    return change


def reverses(number: int) -> Callable[[list[Any]], None]:
    def change(places: list[Any]) -> None:
        places[11][0][3] = number

    return change


def closed_before(places: list[Any]) -> None:
    places[12][1] = ["period_state", "2026-03-03", "closed"]


def locked(places: list[Any]) -> None:
    places[12][0] = ["period_state", "2026-03", "locked"]


# an attacker who hashes everything anew still breaks a rule of bookkeeping: (operation, change, finding)
FORGED: dict[str, tuple[int, Callable[[list[Any]], None], tuple[str, int]]] = {
    "an entry out of balance": (6, unbalance, ("balance", 6)),
    "an overdraft": (6, overdraw, ("guards", 6)),
    "a leaf in the pool": (1, gl_in_pool, ("funds", 1)),
    "a lifted guard": (1, lifted, ("guards", 1)),
    "not the exact negative": (7, other_negative, ("reversals", 7)),
    "a second reversal": (9, reverses(2), ("reversals", 9)),
    "a reversal of a reversal": (9, reverses(4), ("reversals", 9)),
    "a reversal of nothing": (9, reverses(40), ("reversals", 9)),
    "a date in the future": (9, dated("2026-03-09"), ("dates", 9)),
    "an impossible date": (9, dated("2026-02-30"), ("dates", 9)),
    "a date back alone": (9, dated("2026-03-01"), ("dates", 9)),
    "a business date that goes back": (6, put(4, "2026-03-01"), ("dates", 6)),
    "a business date in the future": (9, put(4, "2026-04-01"), ("dates", 9)),
    "an instant that is none": (9, put(3, "yesterday"), ("dates", 9)),
    "approved alone": (8, put(6, "ann"), ("dates", 8)),
    "a day not open": (5, closed_before, ("periods", 6)),
    "a month locked": (5, locked, ("periods", 6)),
    "an entry number skipped": (6, entry_number, ("entries", 6)),
    "another book": (6, put(1, "ff" * 16), ("chain", 6)),
    "another number": (6, put(2, 66), ("columns", 6)),
    "another request": (6, put(10, {"asked": "more"}), ("columns", 6)),
    "a fraction": (6, put(10, {"asked": 0.5}), ("text", 6)),
    "another form": (6, put(0, "coopbank/2"), ("text", 6)),
    "a row of no table": (4, put(12, [["thing", 1]]), ("text", 4)),
    "an account as text": (6, put(11, [[3, "2026-03-03", "m", None, [["1", 5]]]]), ("text", 6)),
    "an absurd amount": (6, put(11, [[3, "2026-03-03", "m", None, [[1, 10**40], [3, -(10**40)]]]]), ("entries", 6)),
    "an absurd entry number": (6, put(11, [[10**40, "2026-03-03", "m", None, [[1, 5], [3, -5]]]]), ("entries", 6)),
    "an account never opened": (6, put(11, [[3, "2026-03-03", "m", None, [[77, 5], [3, -5]]]]), ("entries", 6)),
    "an entry of one line": (6, put(11, [[3, "2026-03-03", "m", None, [[1, 5]]]]), ("entries", 6)),
    "lone surrogates": (6, put(10, {"asked": "\ud800"}), ("text", 6)),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_text_is_found_by_the_rule_it_breaks(books: Books, what: str) -> None:
    number, change, expected = FORGED[what]
    if what == "lone surrogates":
        sql = "UPDATE operation SET sealed = replace(sealed, 'asked', 'ask\\ud800d') WHERE id = 6"
        corrupt(books, [(sql, ())])
    else:
        corrupt(books, rewrite(books, number, change, chain_on=True))
    assert expected in found(books)


def test_an_operation_of_fewer_entries_than_none_shares_those_of_no_other(tmp_path: Path) -> None:
    """Counts that cancel out, hashed anew to fit: entry 2 would stand in two texts and entry 7 in none."""
    with new_books(str(tmp_path / "book.db")) as books:
        nine_operations(books)
        with books.database.read() as tx:
            (taken,) = json.loads(tx.value("SELECT sealed FROM operation WHERE id = 3"))[11]
        twice = rewrite(books, 6, lambda places: places[11].insert(0, taken), chain_on=True)
        columns = ("UPDATE operation SET first_entry = 2, entry_count = 2, posting_count = posting_count * 2,"
                   " debit_total = debit_total + 4000 WHERE id = 6")  # fmt: skip
        moved = [f"UPDATE entry SET operation_id = {to} WHERE id = {at}" for at, to in ((4, 6), (5, 7), (6, 8))]
        corrupt(books, [(sql, ()) for sql in (
            "PRAGMA ignore_check_constraints = ON", columns,
            "UPDATE operation SET entry_count = -1, posting_count = -4, debit_total = -4000 WHERE id = 5",
            *moved, "INSERT INTO entry VALUES (7, 9, '2026-03-03', 'x', NULL)",
            "INSERT INTO posting SELECT 7, line, account_id, amount FROM posting WHERE entry_id = 6",
        )])  # fmt: skip
        corrupt(books, twice)
        assert {("file", None), ("columns", 5), ("entries", 6), ("entries", 9)} <= found(books)


def test_a_text_that_is_not_canonical_is_found(books: Books) -> None:
    with books.database.read() as tx:
        text = tx.value("SELECT sealed FROM operation WHERE id = 9").replace(",", ", ", 1)
    corrupt(books, [("UPDATE operation SET sealed = ?, hash = ? WHERE id = 9", (text, chain.digest(text)))])
    assert ("text", 9) in found(books)


def test_a_dip_in_the_past_is_told_and_is_not_wrong(engine_url: str) -> None:
    """30.00 came in on the third day and 30.00 more go out dated back to the second, when there was not so much."""
    with new_books(engine_url) as books:
        books.withdraw(90_00)
        books.next_day()
        books.deposit(30_00)
        books.seal([entry(deposit_lines(-20_00), books.today - timedelta(days=1))], approver="bob")
        assert_books(books.database)
        verdict = next(v for v in verify_ledger(books.database) if v.name == "past dips")
        assert verdict.informational and {f.operation for f in verdict.findings} == {6}
        assert any("at the end of 2026-03-02" in f.message for f in verdict.findings)


# ------------------------------------------------------------------ damage beyond reading


@pytest.mark.parametrize("table", ["operation", "posting", "entry", "record", "account", "balance", "balance_day"])
def test_a_missing_table_is_a_finding(books: Books, table: str) -> None:
    if books.database.dialect == "postgresql":
        corrupt(books, [(f"DROP TABLE {table} CASCADE", ())])
    else:
        with closing(sqlite3.connect(books.database.place, isolation_level=None)) as connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                connection.execute(f"DROP TRIGGER {name}")
            connection.execute(f"DROP TABLE {table}")
    assert any(check == "schema" for check, _ in found(books))
    assert any(check != "schema" for check, _ in found(books))


SPOILED = {
    "a blob for a text": ("operation", "sealed", "x'5b5d'"),
    "bytes that are no UTF-8": ("operation", "sealed", "CAST(x'ff5b' AS TEXT)"),
    "a memo of such bytes": ("entry", "memo", "CAST(x'ff5b' AS TEXT)"),
    "a memo that is a blob": ("entry", "memo", "x'00ff'"),
    "a NULL number": ("operation", "kind_version", "NULL"),
    "a NULL text": ("operation", "sealed", "NULL"),
    "a text for an amount": ("posting", "amount", "'much'"),
    "a fraction for an amount": ("posting", "amount", "0.5"),
    "a text for an operation": ("entry", "operation_id", "'three'"),
    "a NULL operation": ("record", "operation_id", "NULL"),
    "a body that is none": ("record", "body", "'{'"),
    "a blob in the cache": ("balance", "debit", "x'00'"),
    "a blob for a date": ("balance_day", "effective_on", "x'00'"),
    "a text for a hash": ("operation", "hash", "'abc'"),
}


@pytest.mark.parametrize("what", SPOILED)
def test_values_of_impossible_types_are_findings(tmp_path: Any, what: str) -> None:
    """Only a file edited below the rules of SQLite holds such values: the table's own definition is taken away."""
    table, column, value = SPOILED[what]
    with new_books(str(tmp_path / "book.db")) as books:
        with closing(sqlite3.connect(books.database.place, isolation_level=None)) as connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                connection.execute(f"DROP TRIGGER {name}")
            connection.execute(f"CREATE TABLE loose AS SELECT * FROM {table}")
            connection.execute(f"DROP TABLE {table}")
            connection.execute(f"UPDATE loose SET {column} = {value} WHERE rowid = (SELECT max(rowid) FROM loose)")
            columns = [row[1] for row in connection.execute("PRAGMA table_info(loose)")]
            connection.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
            connection.execute(f"INSERT INTO {table} SELECT * FROM loose")
            connection.execute("DROP TABLE loose")
        findings = wrong(verify_ledger(books.database))
        assert any(finding.check != "schema" for finding in findings)
        for finding in findings:
            finding.message.encode("utf-8")  # can be printed


def test_bytes_overwritten_in_the_file_are_findings_or_refused(tmp_path: Any) -> None:
    """A page of the file is scratched at each of many places; verify tells it, the file is no database any more, or
    every row says what it said.
    """

    def rows(database: Database) -> list[Any]:
        with database.read() as tx:
            return [tx.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in ("operation", "entry", "posting")]

    source = tmp_path / "book.db"
    with new_books(str(source)) as books:
        for amount in range(1, 40):
            books.deposit(amount)
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    clean = source.read_bytes()
    with closing(Database.open(str(source))) as database:
        said = rows(database)
    told = 0
    for place in range(100, len(clean), 4099):
        scratched = tmp_path / "scratched.db"
        scratched.write_bytes(clean[:place] + b"\xa5" * 64 + clean[place + 64 :])
        try:
            with closing(Database.open(str(scratched))) as database:
                found = wrong(verify_ledger(database))
                assert found or rows(database) == said, f"64 bytes from {place} on"
                told += bool(found)
        except CoopbankError:
            told += 1
    assert told


def test_a_leaf_opened_twice_in_the_log_is_found(books: Books) -> None:
    leaf = NewAccount(SAVINGS, "902", "GEN", "M0077", "M0077", "liability", "USD", None, 0)
    corrupt(books, rewrite(books, 4, put(12, [["account", *leaf.values()]]), chain_on=True))
    assert ("funds", 4) in found(books)
