"""The one door: what it writes, and what it refuses in words, with the field at fault, changing nothing."""

from __future__ import annotations

import concurrent.futures
import contextlib
import gc
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from coopbank import database
from coopbank.database import MOVED, Database
from coopbank.errors import (
    BooksMoved,
    CannotReverse,
    ConnectionLost,
    CoopbankError,
    DatabaseReadOnly,
    DayClosed,
    InvalidAmount,
    InvalidValue,
    Overdrawn,
    PeriodLocked,
    SealRefused,
)
from coopbank.ledger import chain, posting
from coopbank.ledger.posting import EntryDraft, NewAccount, NewFund, NewRecord, PersonalValue
from tests.ledger.raw import unchanged
from tests.ledger.support import (
    BANK,
    BOOK,
    CAPITAL,
    CLAIM,
    DAY,
    DRAWER,
    MEMO,
    OTHER,
    OWED,
    REV_CAPITAL,
    SAVINGS,
    Books,
    assert_books,
    deposit_lines,
    entry,
    new_books,
    plain_postgresql,
)


def test_the_first_operation_starts_the_chain(engine_url: str) -> None:
    with new_books(engine_url, opened=False) as books:
        assert books.head() == posting.Head(0, chain.ZERO_HASH, 1)
        done = books.seal(rows=[NewFund("GEN", "General", "general")])
        assert done.number == 1 and done.entries == ()
        assert_books(books.database)
        assert books.head() == posting.Head(1, done.hash, 1, books.today)
        assert books.head().short == done.hash.hex()[:16]


def test_many_lines_are_written_as_few_are(books: Books) -> None:
    """On a file they go in statements of fifty rows, whose ends fall inside of entries and of operations."""
    entries = [entry([(CLAIM, 3), (SAVINGS, -1), (OTHER, -2)], memo=f"number {n}") for n in range(117)]
    records = [NewRecord("role", f"r{n}", 1, None, {"n": n}) for n in range(101)]
    first = books.head().next_entry
    books.seal(entries, records)
    with books.database.read() as tx:
        lines = tx.rows(
            "SELECT entry_id, line, account_id, amount FROM posting WHERE entry_id >= ? ORDER BY entry_id, line", first
        )
        memos = [memo for (memo,) in tx.rows("SELECT memo FROM entry WHERE id >= ? ORDER BY id", first)]
        kept = tx.rows("SELECT line, ref FROM record WHERE kind = 'role' AND ref LIKE 'r%' ORDER BY line")
    wanted = [(first + n, k, *line) for n, each in enumerate(entries) for k, line in enumerate(each.lines, 1)]
    assert [tuple(line) for line in lines] == wanted
    assert memos == [each.memo for each in entries]
    assert [tuple(row) for row in kept] == [(n + 1, f"r{n}") for n in range(101)]
    assert_books(books.database)


def test_one_wrong_line_among_many_leaves_nothing(books: Books) -> None:
    before = books.dump()
    entries = [entry([(CLAIM, 3), (SAVINGS, -3)]) for _ in range(117)]
    entries[88] = entry([(CLAIM, 3), (SAVINGS, -2)])
    with pytest.raises(InvalidValue, match="Debits and credits differ"):
        books.seal(entries)
    assert books.dump() == before
    with pytest.raises(InvalidAmount):
        books.seal([entry([(CLAIM, 2.0), (SAVINGS, -2)])])  # type: ignore[list-item]
    assert books.dump() == before


def test_what_is_sealed_is_what_was_hashed(books: Books) -> None:
    before = books.head()
    done = books.seal(
        [entry(deposit_lines(5_00), memo="Einzahlung für Zoë"), entry(deposit_lines(7, OTHER))],
        [NewRecord("role", "bob", 1, "bob", {"b": [1, None, True], "a": "é"})],
        approver="bob",
        request={"amount": 5, "name": {"#": "ab"}},
    )
    assert_books(books.database)
    assert done.number == before.number + 1
    assert done.entries == (before.next_entry, before.next_entry + 1)
    with books.database.read() as tx:
        row = tx.row("SELECT sealed, hash, prev_hash, request_hash, row_count FROM operation WHERE id = ?", done.number)
        assert row is not None
        body = tx.value("SELECT body FROM record WHERE kind = 'role' AND ref = 'bob'")
    text, hash_, previous, request_hash, row_count = row
    places = json.loads(text)
    assert hash_ == chain.digest(text) == done.hash and previous == before.hash
    assert chain.canonical(places) == text
    assert places[:3] == ["coopbank/1", BOOK, done.number]
    assert places[10] == {"amount": 5, "name": {"#": "ab"}}
    assert request_hash == chain.digest(chain.canonical(["test", 1, places[10]]))
    assert places[11][0][2] == "Einzahlung für Zoë" and places[11][1][4][3] == [OTHER, -7]
    assert places[12] == [["record", "role", "bob", 1, "bob", {"a": "é", "b": [1, None, True]}]] and row_count == 1
    assert body == '{"a":"é","b":[1,null,true]}'


def test_both_engines_seal_the_same_text(books: Books) -> None:
    """The head of these books, whatever the engine: a change of the form would be seen here."""
    assert [sealed.number for sealed in books.sealed] == [1, 2]
    assert books.head().short == "7464d68159321fd5"


def test_accounts_and_money_may_come_in_one_operation(books: Books) -> None:
    leaf = NewAccount(50, "902", "GEN", "M0003", "M0003", "liability", "USD", None, 0)
    books.seal([entry(deposit_lines(5_00, 50))], [leaf])
    assert_books(books.database)


def test_personal_values_are_kept_beside_the_log(books: Books) -> None:
    value = PersonalValue("name", "Zoë Ash", b"salt")
    done = books.seal(personal=[value], request={"name": {"#": value.digest}})
    assert_books(books.database)
    with books.database.read() as tx:
        assert tx.row("SELECT digest, operation_id, value FROM personal") == (value.digest, done.number, "Zoë Ash")
        assert "Ash" not in tx.value("SELECT sealed FROM operation WHERE id = ?", done.number)


def test_an_operation_without_entries_needs_no_open_day(books: Books) -> None:
    books.set_state((DAY.isoformat(), "closed"))
    books.seal(rows=[NewRecord("role", "bob", 1, None, {})])
    assert_books(books.database)


def test_largest_amounts_are_kept_exactly(books: Books) -> None:
    amount = posting.LARGEST_MINOR
    books.seal([entry([(DRAWER, amount), (OWED, -amount), (CLAIM, amount), (CAPITAL, -amount)])])
    assert_books(books.database)
    with books.database.read() as tx:
        assert tx.value("SELECT debit FROM balance WHERE account_id = ?", DRAWER) == amount + 100_00


Entries = Callable[[], list[EntryDraft]]
YESTERDAY, TOMORROW = DAY - timedelta(days=1), DAY + timedelta(days=1)
REFUSED: dict[str, tuple[list[EntryDraft], type[CoopbankError], str]] = {
    "an entry without lines": ([entry([])], InvalidValue, "lines"),
    "an entry of one line": ([entry([(DRAWER, 5)])], InvalidValue, "lines"),
    "a line of zero": ([entry([(DRAWER, 0), (OWED, 0)])], InvalidValue, "lines"),
    "an account that is not there": ([entry([(DRAWER, 5), (999, -5)])], InvalidValue, "lines"),
    "an absurd account": ([entry([(DRAWER, 5), (10**30, -5)])], InvalidValue, "lines"),
    "an absurd amount": ([entry(deposit_lines(10**30))], InvalidAmount, "lines"),
    "an amount too large": ([entry(deposit_lines(posting.LARGEST_MINOR + 1))], InvalidAmount, "lines"),
    "a fraction": ([entry([(DRAWER, 0.5), (OWED, -0.5)])], InvalidAmount, "lines"),  # type: ignore[list-item]
    "out of balance": ([entry([(DRAWER, 5), (OWED, -4)])], InvalidValue, "lines"),
    "out of balance by fund": ([entry([(CLAIM, 5), (REV_CAPITAL, -5)])], InvalidValue, "lines"),
    "out of balance by currency": ([entry([(CLAIM, 5), (MEMO, -5)])], InvalidValue, "lines"),
    "more than the drawer has": ([entry(deposit_lines(-100_01))], Overdrawn, "amount"),
    "more than the bank account has": ([entry([(BANK, -1), (OWED, 1)])], Overdrawn, "amount"),
    "more than the member has": ([entry([(OTHER, 1), (CAPITAL, -1)])], Overdrawn, "amount"),
    "tomorrow": ([entry(deposit_lines(5), TOMORROW)], DayClosed, "effective_on"),
    "yesterday, alone": ([entry(deposit_lines(5), YESTERDAY)], DayClosed, "effective_on"),
    "a reversal of nothing": ([entry(deposit_lines(-5), reverses=99)], CannotReverse, "entry"),
    "not the exact negative": ([entry(deposit_lines(-5), reverses=1)], CannotReverse, "lines"),
    "in another order": ([entry([*deposit_lines(-100_00)][::-1], reverses=1)], CannotReverse, "lines"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_refusal_names_the_field_and_changes_nothing(books: Books, what: str) -> None:
    entries, kind, field = REFUSED[what]
    with unchanged(books), pytest.raises(kind) as caught:
        books.seal(entries)
    assert caught.value.field == field
    assert caught.value.message and "{" not in caught.value.message
    assert_books(books.database)


def test_overdrafts_say_what_there_is(books: Books) -> None:
    with pytest.raises(Overdrawn, match=r"D1 holds only 100\.00 in cash"):
        books.withdraw(100_01)
    with pytest.raises(Overdrawn, match=r"Fund GEN has only 100\.00"):
        books.seal([entry([(CLAIM, -100_01), (CAPITAL, 100_01)])])
    books.withdraw(100_00)
    assert_books(books.database)


def test_a_reversal_is_made_once_and_not_taken_back(books: Books) -> None:
    done = books.seal([entry(deposit_lines(-100_00), memo="reversal", reverses=1)])
    assert_books(books.database)
    books.deposit(100_00)
    with pytest.raises(CannotReverse, match="already reversed by entry 2"):
        books.seal([entry(deposit_lines(-100_00), reverses=1)])
    with pytest.raises(CannotReverse, match="cannot be reversed"):
        books.seal([entry(deposit_lines(100_00), reverses=done.entries[0])])
    assert_books(books.database)


@pytest.mark.parametrize("state", ["closed", "locked", "adjusting"])
def test_days_that_are_not_open_take_nothing(books: Books, state: str) -> None:
    books.set_state((DAY.isoformat(), state))
    with unchanged(books), pytest.raises(DayClosed) as caught:
        books.deposit(5)
    assert caught.value.field == "business_date" and caught.value.hint


@pytest.mark.parametrize("period", ["2026-02", "2026"])
def test_locked_periods_take_nothing(books: Books, period: str) -> None:
    books.set_state((period, "locked"))
    with unchanged(books), pytest.raises(PeriodLocked) as caught:
        books.seal([entry(deposit_lines(5), DAY - timedelta(days=5))], approver="bob")
    assert caught.value.field == "effective_on"


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"])
@pytest.mark.parametrize("where", ["memo", "request", "record", "key", "actor"])
def test_characters_that_cannot_be_stored_are_refused(books: Books, text: str, where: str) -> None:
    entries = [entry(deposit_lines(5), memo=text)] if where == "memo" else []
    rows = [NewRecord("role", "bob", 1, None, {"a": text})] if where == "record" else []
    changes: dict[str, Any] = {"request": {"a": text}, "request_hash": bytes(32)} if where == "request" else {}
    changes |= {where: text} if where in ("key", "actor") else {}
    with unchanged(books), pytest.raises(InvalidValue):
        books.seal(entries, rows, **changes)


@pytest.mark.parametrize(
    "text", ["\\u0000", "\\\\u0000", "line\nline", "\t", "\u2028", "😀", "'; DROP TABLE entry; --"]
)
def test_other_characters_are_kept(books: Books, text: str) -> None:
    rows = [NewRecord("note", "n", 1, text, {text: text})]
    done = books.seal([entry(deposit_lines(5), memo=text)], rows, key=text, kind=text, actor=text)
    assert_books(books.database)
    with books.database.read() as tx:
        assert tx.value("SELECT memo FROM entry WHERE id = ?", done.entries[0]) == text


def test_what_only_the_database_sees_is_a_refusal_too(books: Books) -> None:
    with unchanged(books), pytest.raises(SealRefused):
        books.seal(key="key-1")
    with unchanged(books), pytest.raises(SealRefused):
        books.seal(rows=[NewRecord("role", "ann", 7, None, {})])
    with unchanged(books), pytest.raises(SealRefused):
        books.seal(business_date=YESTERDAY)
    with unchanged(books), pytest.raises(SealRefused):
        books.seal(actor="")
    books.deposit(5)
    assert_books(books.database)


def test_an_error_after_the_seal_leaves_nothing(books: Books) -> None:
    def seal_and_fail() -> None:
        with books.database.write() as tx:
            posting.seal(tx, BOOK, books.draft([entry(deposit_lines(5))]))
            raise RuntimeError("the power went")

    with unchanged(books), pytest.raises(RuntimeError, match="power"):
        seal_and_fail()


def test_several_operations_in_one_transaction_make_one_chain(books: Books) -> None:
    with books.database.write() as tx:
        for amount in (1, 2, 3):
            posting.seal(tx, BOOK, books.draft([entry(deposit_lines(amount))]))
    assert books.head().number == 5
    assert_books(books.database)


def test_the_assertion_that_closes_tests_can_fail(books: Books) -> None:
    from tests.ledger.test_corruption import corrupt

    corrupt(books, [(f"UPDATE balance SET debit = debit + 1 WHERE account_id = {SAVINGS}", ())])
    with pytest.raises(AssertionError, match="caches"):
        assert_books(books.database)


# ------------------------------------------------------------------- posted at once


def posted(books: Books, entries: list[EntryDraft], **changes: Any) -> posting.Sealed:
    return posting.post(books.database, BOOK, books.draft(entries, **changes))


def test_what_is_posted_at_once_is_what_the_door_would_have_sealed(books: Books) -> None:
    """The text that the server puts together is, byte for byte, the one that is put together here."""
    for draft in (
        books.draft([entry(deposit_lines(5_00), memo='Zoë\'s "first"\t\\ 😀'), entry(deposit_lines(7, OTHER))]),
        books.draft([entry(deposit_lines(-100_00), memo="back", reverses=1)], approver="bob"),
        books.draft(request={"b": [1, None, True, {}], "a": "é\u2028</b>[red]"}),
        books.draft(
            [entry(deposit_lines(5), memo=memo) for memo in ('{"a",NULL}', "\\", '"', "", "NULL", "a\n\u202eb")]
        ),
        books.draft([entry([*deposit_lines(5), *deposit_lines(7)]), entry(deposit_lines(5))]),  # leaves named twice
    ):
        last = books.head()
        text = posting.sealed_text(BOOK, last.number + 1, last, draft)
        done = posting.post(books.database, BOOK, draft)
        assert (done.number, done.hash) == (last.number + 1, chain.digest(text))
        assert done.entries == tuple(range(last.next_entry, last.next_entry + len(draft.entries)))
        with books.database.read() as tx:
            assert tx.value("SELECT sealed FROM operation WHERE id = ?", done.number) == text
    assert_books(books.database)


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_at_once_is_refused_in_the_same_words(books: Books, what: str) -> None:
    entries, kind, field = REFUSED[what]
    with pytest.raises(kind) as by_door:
        books.seal(entries)
    with unchanged(books), pytest.raises(kind) as caught:
        posted(books, entries)
    assert (caught.value.field, caught.value.message) == (field, by_door.value.message)
    posted(books, [entry(deposit_lines(5))])
    assert_books(books.database)


def test_what_only_the_database_sees_is_refused_at_once_too(books: Books) -> None:
    for changes in ({"key": "key-1"}, {"business_date": YESTERDAY}, {"actor": ""}, {"approver": "ann"}):
        with unchanged(books), pytest.raises(SealRefused):
            posted(books, [], **changes)
    for text in ("a\x00b", "a\ud800b"):
        with unchanged(books), pytest.raises(InvalidValue):
            posted(books, [entry(deposit_lines(5), memo=text)])
    posted(books, [entry(deposit_lines(5))])
    assert_books(books.database)


def test_who_opened_the_books_to_read_writes_nothing(books: Books) -> None:
    """On a server it is this program that keeps to it: the same user could write."""
    reading = Database.open(books.database.place, read_only=True)
    try:
        draft = books.draft([entry(deposit_lines(5))])
        with unchanged(books), pytest.raises(DatabaseReadOnly):
            posting.post(reading, BOOK, draft)
        with unchanged(books), pytest.raises(DatabaseReadOnly), reading.write() as tx:
            posting.seal(tx, BOOK, draft)
    finally:
        reading.close()


def test_books_that_were_moved_away_take_nothing_at_once(books: Books) -> None:
    with books.database.write() as tx:
        books.database.mark(tx, MOVED, "elsewhere")
    with unchanged(books), pytest.raises(BooksMoved):
        posted(books, [entry(deposit_lines(5))])
    with unchanged(books), pytest.raises(BooksMoved):
        books.deposit(5)


@pytest.mark.parametrize("engine_kind", ["postgresql"], indirect=True)
def test_a_default_of_the_server_does_not_change_what_a_writer_sees(books: Books, engine_kind: str) -> None:
    """A view that is taken before the wait for the book's lock would be of books that have grown since."""
    with plain_postgresql(books.database.place) as owner:
        owner.autocommit = True
        name = owner.execute("SELECT quote_ident(current_database())").fetchone()[0]
        owner.execute(f"ALTER DATABASE {name} SET default_transaction_isolation TO serializable")
    books.database.close()
    with concurrent.futures.ThreadPoolExecutor(4) as several:
        drafts = [books.draft([entry(deposit_lines(1))]) for _ in range(12)]
        done = list(several.map(lambda draft: posting.post(books.database, BOOK, draft), drafts))
    assert sorted(each.number for each in done) == list(range(3, 15))
    assert_books(books.database)


@pytest.mark.parametrize("engine_kind", ["postgresql"], indirect=True)
@pytest.mark.parametrize(
    "setting",
    [
        "bytea_output = 'escape'",
        "client_encoding = 'LATIN1'",
        "client_encoding = 'SQL_ASCII'",
        "quote_all_identifiers = on",
    ],
)
@pytest.mark.parametrize("alone", [True, False])
def test_how_a_server_writes_by_default_changes_nothing(
    books: Books, engine_kind: str, setting: str, alone: bool
) -> None:
    with plain_postgresql(books.database.place) as owner:
        owner.autocommit = True
        name = owner.execute("SELECT quote_ident(current_database())").fetchone()[0]
        owner.execute(f"ALTER DATABASE {name} SET {setting}")
    books.database.close()
    drafts = [books.draft([entry(deposit_lines(5), memo=memo)]) for memo in ("Añil, 5 €", "Größe")]
    for draft in drafts:
        if alone:
            done = posting.post(books.database, BOOK, draft)
        else:
            with books.database.write() as tx:
                done = posting.seal(tx, BOOK, draft)
        with books.database.read() as tx:
            assert tx.row("SELECT hash, (SELECT max(id) FROM entry) FROM operation ORDER BY id DESC LIMIT 1") == (
                done.hash, done.entries[0]
            )  # fmt: skip
            assert tx.value("SELECT memo FROM entry ORDER BY id DESC LIMIT 1") == draft.entries[0].memo
    assert_books(books.database)


def test_a_fork_leaves_the_connections_to_the_process_that_made_them(books: Books, engine_kind: str) -> None:
    """Two processes that speak on one connection read each other's answers, and would post what they did not ask."""

    def mine() -> bytes:
        with books.database.read() as tx:
            if engine_kind == "postgresql":
                return str(tx.value("SELECT pg_backend_pid()")).encode()
            return str(id(tx.connection.dbapi_connection)).encode()

    books.deposit(5)
    before, draft = mine(), books.draft([entry(deposit_lines(6))])
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, mine())
            with books.database.write() as tx:
                posting.seal(tx, BOOK, draft)
            gc.collect()
            os.write(writing, b" posted")
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as said:
        theirs, posted_ = said.read().split()
    assert (theirs != before, posted_) == (True, b"posted")
    assert mine() == before
    posted(books, [entry(deposit_lines(7))])
    assert books.head().number == 5
    assert_books(books.database)


def test_who_was_forked_and_closes_the_books_ends_nothing_of_others(books: Books, engine_kind: str) -> None:
    """A server would take it as said by the process that made the connection, and end its session."""

    def mine() -> object:
        with books.database.read() as tx:
            return tx.value("SELECT pg_backend_pid()" if engine_kind == "postgresql" else "PRAGMA data_version")

    books.deposit(5)
    before = mine()
    child = os.fork()
    if child == 0:
        try:
            books.database.close()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert mine() == before
    books.deposit(6)
    assert_books(books.database)


def test_a_question_of_which_not_all_was_read_holds_no_view_of_the_books(books: Books) -> None:
    """Somebody still has the transaction at hand that is over; the connection that it was on is used again."""
    with books.database.read() as over:
        over.value("SELECT id FROM operation ORDER BY id")
    with contextlib.suppress(ZeroDivisionError), books.database.write() as undone:
        undone.value("SELECT id FROM operation ORDER BY id")
        raise ZeroDivisionError
    with books.database.write() as done:
        done.value("SELECT id FROM operation ORDER BY id")
    other = Database.open(books.database.place)
    try:
        with other.write() as tx:
            number = posting.seal(tx, BOOK, books.draft([entry(deposit_lines(5))])).number
    finally:
        other.close()
    assert books.head().number == number
    books.deposit(7)
    assert books.head().number == number + 1


@pytest.mark.parametrize("engine_kind", ["postgresql"], indirect=True)
def test_what_failed_and_was_not_told_is_not_called_done(books: Books, engine_kind: str) -> None:
    def swallow() -> None:
        with books.database.write() as tx:
            posting.seal(tx, BOOK, books.draft([entry(deposit_lines(5))]))
            with contextlib.suppress(psycopg.Error):
                tx.run("SELECT 1 / 0")

    with unchanged(books), pytest.raises(CoopbankError):
        swallow()
    books.deposit(5)
    assert_books(books.database)


@pytest.mark.parametrize("engine_kind", ["postgresql"], indirect=True)
def test_a_connection_lost_while_it_lay_at_hand_is_replaced(books: Books, engine_kind: str) -> None:
    def cut() -> None:
        with plain_postgresql(books.database.place) as other:
            other.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                          " WHERE datname = current_database() AND pid <> pg_backend_pid()")  # fmt: skip

    books.deposit(5)
    cut()
    books.deposit(6)
    cut()
    assert books.head().number == 4
    cut()  # whether it was done is not known then: it is told, and never done twice
    with pytest.raises(ConnectionLost):
        posted(books, [entry(deposit_lines(7))])
    assert posted(books, [entry(deposit_lines(7))]).number == 5
    assert_books(books.database)


@pytest.mark.parametrize("engine_kind", ["postgresql"], indirect=True)
@pytest.mark.parametrize("alone", [True, False])
def test_who_waits_for_a_server_can_be_interrupted(books: Books, engine_kind: str, alone: bool) -> None:
    waits = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"
    interrupted: list[float] = []

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def interrupt_once_it_waits() -> None:
        with plain_postgresql(books.database.place) as watching:
            watching.autocommit = True
            for _ in range(1000):
                if watching.execute(waits).fetchone() is not None:
                    interrupted.append(time.perf_counter())
                    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
                    return
                time.sleep(0.02)

    draft = books.draft([entry(deposit_lines(5))])
    before = signal.signal(signal.SIGUSR1, interrupt)
    watch = threading.Thread(target=interrupt_once_it_waits)
    try:
        with plain_postgresql(books.database.place) as other:
            other.execute("SELECT pg_advisory_xact_lock(20261122)")
            watch.start()
            with pytest.raises(KeyboardInterrupt):
                posting.post(books.database, BOOK, draft) if alone else books.deposit(6)
            assert time.perf_counter() - interrupted[0] < database.BUSY_SECONDS / 2, "not only when the server gave up"
    finally:
        watch.join()
        signal.signal(signal.SIGUSR1, before)
    assert books.head().number == 2
    books.deposit(7)
    assert_books(books.database)


@pytest.mark.parametrize("engine_kind", ["postgresql"], indirect=True)
def test_a_connection_lost_in_the_middle_is_told_in_a_sentence_and_no_more(
    books: Books, engine_kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    def cut() -> None:
        with books.database.write() as tx:
            pid = tx.value("SELECT pg_backend_pid()")
            with plain_postgresql(books.database.place) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
            tx.value("SELECT 1")

    books.deposit(5)
    with pytest.raises(ConnectionLost):
        cut()
    assert not [each for each in caplog.records if each.name.startswith("sqlalchemy")]
    books.deposit(6)
    assert_books(books.database)
