"""What a writer knows of the books from before: good as long as nobody else has written, and never longer."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import Any

import pytest

from coopbank.database import MOVED, MOVING, Database
from coopbank.errors import BooksMoved, DayClosed, MoveUnfinished, Overdrawn, SealRefused
from coopbank.ledger import periods, posting
from coopbank.ledger.posting import NewPeriodState, NewRecord
from coopbank.ledger.verify import verify_ledger, wrong
from tests.ledger.raw import unchanged
from tests.ledger.support import (
    BOOK,
    CLAIM,
    DAY,
    DRAWER,
    OTHER,
    SAVINGS,
    Books,
    assert_books,
    deposit_lines,
    entry,
    plain_sqlite,
)

ON_FILES = pytest.mark.parametrize("engine_kind", ["sqlite"], indirect=True)
KNOWN = "SELECT id, debit - credit FROM balance ORDER BY account_id"


def stands(books: Books, leaf: int) -> int:
    """What the seal takes a leaf's balance for, before anything is done to it."""
    with books.database.write() as tx:
        return posting.read_leaves(tx, [leaf])[leaf].balance


def asked(tx: Any) -> list[str]:
    """The statements that are given to the driver from here on."""
    found: list[str] = []
    tx.connection.dbapi_connection.set_trace_callback(found.append)
    return found


@ON_FILES
def test_what_was_seen_is_not_asked_again(books: Books) -> None:
    """Without this, each test below would be true of a program that knows nothing."""
    books.deposit(5)
    stands(books, SAVINGS)
    with books.database.write() as tx:
        told = asked(tx)
        assert posting.head(tx).number == 3
        assert posting.read_leaves(tx, [SAVINGS])[SAVINGS].balance == -100_05
        tx.connection.dbapi_connection.set_trace_callback(None)
    assert not told


def test_a_leaf_is_known_as_the_operations_left_it(books: Books) -> None:
    for amount in (5, 7, -3):
        before = stands(books, SAVINGS)
        done = books.seal([entry(deposit_lines(amount)), entry(deposit_lines(2 * amount))])
        assert done.leaves[SAVINGS].balance == before
        assert stands(books, SAVINGS) == before - 3 * amount
    posting.post(books.database, BOOK, books.draft([entry(deposit_lines(1))]))  # which reads no leaf
    assert stands(books, SAVINGS) == -100_28
    assert_books(books.database)


def test_a_colleague_at_another_till_is_seen(books: Books) -> None:
    colleague = Books(Database.open(books.database.place), keys=1000)
    try:
        for each, other in ((books, colleague), (colleague, books)) * 3:
            before = stands(other, SAVINGS)
            each.deposit(10)
            assert stands(other, SAVINGS) == before - 10
            number = other.head().number
            assert other.deposit(1).number == number + 1
        colleague.seal(rows=[NewPeriodState(DAY.isoformat(), "closed")])
        with unchanged(books), pytest.raises(DayClosed):
            books.deposit(1)
        assert_books(books.database)
    finally:
        colleague.database.close()


def test_two_connections_of_one_program_see_each_other(books: Books) -> None:
    """Each keeps what it knows; while one is in use, the other is taken."""
    books.deposit(1)
    with books.database.read() as held:
        held.value("SELECT 1")
        books.deposit(2)  # on a second connection
        with books.database.read() as held_too:
            held_too.value("SELECT 1")
            books.deposit(3)
    for amount in (4, 5):
        books.deposit(amount)
    assert stands(books, SAVINGS) == -100_15
    assert_books(books.database)


def test_what_was_undone_is_not_known(books: Books) -> None:
    before, head = stands(books, SAVINGS), books.head()
    with contextlib.suppress(ZeroDivisionError), books.database.write() as tx:
        posting.seal(tx, BOOK, books.draft([entry(deposit_lines(9_00))]))
        raise ZeroDivisionError
    assert (stands(books, SAVINGS), books.head()) == (before, head)
    books.deposit(1)
    assert stands(books, SAVINGS) == before - 1
    assert_books(books.database)


def test_what_was_tried_inside_of_a_transaction_is_not_known_after_it(books: Books) -> None:
    before = stands(books, SAVINGS)
    with books.database.write() as tx:
        posting.seal(tx, BOOK, books.draft([entry(deposit_lines(1))]))
        with contextlib.suppress(ZeroDivisionError), tx.savepoint():
            posting.seal(tx, BOOK, books.draft([entry(deposit_lines(9_00))]))
            posting.seal(tx, BOOK, books.draft(rows=[NewPeriodState(DAY.isoformat(), "closed")]))
            assert periods.state(tx, DAY.isoformat()) == "closed"
            raise ZeroDivisionError
        assert periods.state(tx, DAY.isoformat()) == "open"
        done = posting.seal(tx, BOOK, books.draft([entry(deposit_lines(2))]))
        assert done.leaves[SAVINGS].balance == before - 1
    assert stands(books, SAVINGS) == before - 3
    assert_books(books.database)


def test_an_operation_that_failed_at_its_end_is_not_known(books: Books) -> None:
    """Its lines name a leaf that another statement of the transaction has spoiled: it is the seal that refuses."""
    before, head = stands(books, DRAWER), books.head()
    with pytest.raises((SealRefused, Overdrawn)):
        posting.post(books.database, BOOK, books.draft([entry(deposit_lines(-200_00))]))
    assert (stands(books, DRAWER), books.head()) == (before, head)
    books.deposit(1)
    assert_books(books.database)


@ON_FILES
def test_what_is_written_past_the_door_is_seen(books: Books) -> None:
    before = stands(books, SAVINGS)
    with plain_sqlite(books.database.place) as other:
        other.execute(f"UPDATE balance SET credit = credit + 5 WHERE account_id = {SAVINGS}")
    assert stands(books, SAVINGS) == before - 5
    with books.database.write() as tx:  # and by this program
        tx.run(f"UPDATE balance SET credit = credit - 5 WHERE account_id = {SAVINGS}")
        assert posting.read_leaves(tx, [SAVINGS])[SAVINGS].balance == before
    assert stands(books, SAVINGS) == before
    assert_books(books.database)


@ON_FILES
@pytest.mark.parametrize(("what", "refusal"), [(MOVED, BooksMoved), (MOVING, MoveUnfinished)])
@pytest.mark.parametrize("by", ["another", "this"])
def test_books_that_were_moved_are_not_written_by_who_knew_them(
    books: Books, what: str, refusal: type[Exception], by: str
) -> None:
    books.deposit(1)
    marker = books.database if by == "this" else Database.open(books.database.place)
    with marker.write() as tx:
        Database.mark(tx, what, "token")
    with pytest.raises(refusal):
        books.deposit(1)
    marker.close()


def test_a_leaf_that_is_opened_is_known_from_then_on(books: Books) -> None:
    with books.database.write() as tx:
        assert 77 not in posting.read_leaves(tx, [77])
    new = posting.NewAccount(77, "902", "GEN", "M0077", "M0077", "liability", "USD", None, 0)
    books.seal([entry([(CLAIM, 5), (77, -5)]), entry([(CLAIM, -5), (SAVINGS, 5)])], rows=[new])
    assert stands(books, 77) == -5
    with books.database.write() as tx:
        posting.seal(tx, BOOK, books.draft([entry([(OTHER, -3), (77, 3)])]))
        done = posting.seal(tx, BOOK, books.draft([entry([(OTHER, -1), (77, 1)])]))
        assert done.leaves[77].balance == -2
    assert_books(books.database)


def test_more_leaves_than_are_kept_do_no_harm(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "_MOST_SEEN", 3)
    for amount in range(1, 6):
        books.deposit(amount, SAVINGS if amount % 2 else OTHER)
        assert stands(books, DRAWER) == 100_00 + amount * (amount + 1) // 2
    assert_books(books.database)


def test_records_that_were_written_are_asked_again(books: Books) -> None:
    books.deposit(1)
    with books.database.write() as tx:
        tx.kept = {"role": {"eve": None}}
        done = posting.seal(tx, BOOK, books.draft(rows=[NewRecord("role", "eve", 1, None, {"role": "auditor"})]))
        assert (tx.master, tx.kept) == (done.hash, None)
        posting.seal(tx, BOOK, books.draft([entry(deposit_lines(1))]))
    assert_books(books.database)


# -------------------------------------------------------------- several days of a leaf in one operation


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("amount", [150_00, -150_00])
def test_a_guard_is_asked_for_the_operation_as_a_whole(books: Books, amount: int, turned: bool) -> None:
    """More goes out on one day than there is, and comes in on another; some leaves have a floor, some a ceiling."""
    books.next_day()
    entries = [entry(deposit_lines(-amount), DAY), entry(deposit_lines(amount), books.today)]
    books.seal(entries[::-1] if turned else entries, approver="bob")
    assert stands(books, DRAWER) == 100_00
    with books.database.read() as tx:
        assert tx.value("SELECT count(*) FROM balance_day WHERE account_id = ?", SAVINGS) == 2
    assert_books(books.database)


@pytest.mark.parametrize("first", [-150_00, 50_00])
def test_a_guard_that_the_whole_breaks_refuses_it(books: Books, first: int) -> None:
    books.next_day()
    entries = [entry(deposit_lines(first), DAY), entry(deposit_lines(-100_01 - first), books.today)]
    with unchanged(books), pytest.raises(Overdrawn):
        books.seal(entries, approver="bob")
    with unchanged(books), pytest.raises((SealRefused, Overdrawn)):
        posting.post(books.database, BOOK, books.draft(entries, approver="bob"))


@ON_FILES
def test_what_is_told_to_the_caches_past_the_seal_is_found(books: Books) -> None:
    """SQLite cannot tell the seal's own words to its caches from another's, as with an UPDATE of them."""
    values = f"{DRAWER}, '{DAY}', 5, 0, '739', 'POOL', 'USD', 0, NULL"
    with plain_sqlite(books.database.place) as other:
        other.execute(f"INSERT INTO movement VALUES ({values})")
        with pytest.raises(sqlite3.DatabaseError, match="beyond its guard"):
            other.execute(f"INSERT INTO movement VALUES ({values.replace('5, 0', '0, 999999')})")
        with pytest.raises(sqlite3.DatabaseError, match="guard is not the account"):
            other.execute(f"INSERT INTO movement VALUES ({values.replace('0, NULL', 'NULL, NULL')})")
    assert {finding.check for finding in wrong(verify_ledger(books.database))} == {"caches"}


@ON_FILES
@pytest.mark.parametrize("column", ["account_id", "rowid", "oid", "_rowid_", "ROWID", "floor", "ceiling"])
@pytest.mark.parametrize("how", ["UPDATE", "UPDATE OR REPLACE", "UPDATE OR IGNORE"])
def test_no_name_of_a_column_walks_around_the_guards(still_books: Books, column: str, how: str) -> None:
    with plain_sqlite(still_books.database.place, foreign_keys=False, recursive=False) as other:
        with pytest.raises(sqlite3.DatabaseError, match="guards are immutable"):
            other.execute(f"{how} balance SET {column} = 7 WHERE account_id = {SAVINGS}")
        with pytest.raises(sqlite3.DatabaseError, match="guards are immutable"):
            other.execute(f"{how} balance SET debit = debit, {column} = 7 WHERE account_id = {SAVINGS}")
