"""What a second process has proven ahead counts only where the first would have proven it, and changes no word."""

from __future__ import annotations

import io
import itertools
import marshal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from coopbank.database import Database, Transaction
from coopbank.ledger import ahead, chain, log, posting, proof
from coopbank.ledger.columns import Proven
from coopbank.ledger.log import PAGE, Page, Stand, parse, read_page
from coopbank.ledger.verify import CHECKS, Verdict, helped, run, verify_ledger, wrong
from tests.ledger.support import (
    BOOK,
    DAY,
    OTHER,
    SAVINGS,
    Books,
    assert_books,
    corrupt,
    deposit_lines,
    entry,
    new_books,
)

MANY = 2 * PAGE + 40  # operations: the second process tells of two whole pages
BEYOND = 700  # an operation on the second of them
HOSTILE = (
    "", "deposit", '],"",[', "]", ',"",', "[[1,2]]", "\\", '\\"', '"],"",["', "a\nb\x1f", "\u202egift", "\U0001f980",
    "<b>", "1,2", "null", "]]],[", "x" * 10_000,
)  # fmt: skip


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """Books of so many operations, among them a second day and a reversal."""
    with new_books(str(tmp_path_factory.mktemp("ahead") / "books.db")) as books:
        books.seal([entry(deposit_lines(20_00, OTHER), books.today)])
        books.next_day()
        books.seal([entry(deposit_lines(-20_00, OTHER), books.today, "reversal", reverses=2)])
        with books.database.write() as tx:
            while books.keys < MANY:
                posting.seal(tx, BOOK, mixed(books))
        assert_books(books.database)
        yield books


def mixed(books: Books) -> posting.Draft:
    """Most of them with one entry, some with two or with none; what texts are taken apart by stands in memos too."""
    memo = HOSTILE[books.keys % len(HOSTILE)]
    one = entry(deposit_lines(books.keys + 1), books.today, memo)
    entries = [one] * (0 if books.keys % 50 == 24 else 2 if books.keys % 50 == 49 else 1)
    return books.draft(entries, request={"asked": [memo, "", [[books.keys], ""], {"": memo}]})


@pytest.fixture(autouse=True)
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second process is worth it, whatever the machine and the size; it begins with the second page."""
    monkeypatch.setattr(ahead, "WORTH", 0)
    monkeypatch.setattr(ahead, "HEAD_START", 1)
    monkeypatch.setattr(ahead.os, "cpu_count", lambda: 2)


@pytest.fixture
def copy(grown: Books, tmp_path: Path) -> Iterator[Database]:
    """The same books in a file of their own."""
    grown.database.copy_to(tmp_path / "copy.db")
    database = Database.open(str(tmp_path / "copy.db"))
    yield database
    database.close()


def alone(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[Verdict]:
    """What one process finds."""
    with monkeypatch.context() as one:
        one.setattr(ahead.os, "cpu_count", lambda: 1)
        return verify_ledger(database)


def stand_after(tx: Transaction, upto: int) -> Stand:
    row = tx.row("SELECT id, hash, first_entry + entry_count FROM operation WHERE id = ?", upto)
    assert row is not None
    return Stand(*row, book=BOOK)


def test_a_page_that_was_proven_ahead_is_the_page_that_the_first_would_prove(grown: Books) -> None:
    with grown.database.read() as tx, ahead.begun(grown.database) as pages:
        known = pages.up_to(tx)
        assert known(Stand(0, chain.ZERO_HASH, 1, None)) is None, "the first page is read by the first process"
        stand = stand_after(tx, PAGE)
        told = known(stand)
        stored, upto = read_page(tx, PAGE)
        own = proof.proven(tx, stand, stored, Page(PAGE, upto, {}))
        assert isinstance(told, Proven) and isinstance(own, Proven)
        assert (told.upto, told.columns) == (own.upto, own.columns)
        assert [told.stored(at)[:-1] for at in range(PAGE)] == [row[:-1] for row in stored]
        assert [told.operation(at)[:12] for at in range(PAGE)] == [parse(row.sealed)[:12] for row in stored]
        assert known(stand) is None, "it was told once"


def test_while_the_first_waits_every_other_page_is_left_to_it(grown: Books) -> None:
    pages = MANY // 10  # of ten operations; of the last nothing is told
    with grown.database.read() as tx, pytest.MonkeyPatch.context() as small:
        small.setattr(log, "PAGE", 10)
        small.setattr(log, "_SUM_OF_SIZES", log._SUM_OF_SIZES.replace(f"LIMIT {PAGE + 1}", "LIMIT 11"))
        for waits, wanted in ((False, [True] * 6), (True, [True, False] * 3)):
            told = list(itertools.islice(ahead._told(tx, 1, lambda waits=waits: waits), pages))
            assert [columns is not None for _stand, _upto, columns in told[:6]] == wanted
            assert [(stand, upto) for stand, upto, _columns in told] == [
                (stand_after(tx, 10 * at), 10 * at + 10) for at in range(1, pages - 1)
            ]


@pytest.mark.parametrize("wrongly", [{"hash": bytes(32)}, {"next_entry": 5}, {"book": "another"}, {"last": "500"}])
def test_a_page_that_follows_upon_something_else_does_not_count(grown: Books, wrongly: dict[str, object]) -> None:
    with grown.database.read() as tx, ahead.begun(grown.database) as pages:
        known = pages.up_to(tx)
        assert known(Stand(0, chain.ZERO_HASH, 1, None)) is None
        stand = stand_after(tx, PAGE)
        assert known(stand._replace(**wrongly)) is None
        assert known(stand) is not None


def test_two_find_nothing_wrong_where_one_does_not(grown: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    assert verify_ledger(grown.database) == alone(grown.database, monkeypatch)
    head = grown.head()
    known = [(BEYOND, "0" * 16), (head.number, head.short)]
    found = wrong(verify_ledger(grown.database, known))
    assert [(each.check, each.operation) for each in found] == [("heads", BEYOND)]


DAMAGES = {
    "an amount": f"UPDATE posting SET amount = amount * 2 WHERE entry_id = {BEYOND}",
    "a line more": f"INSERT INTO posting VALUES ({BEYOND}, 5, 1, 1)",
    "a line moved": f"UPDATE posting SET account_id = {OTHER} WHERE account_id = {SAVINGS} AND entry_id = {BEYOND}",
    "an entry gone": f"DELETE FROM entry WHERE id = {BEYOND}",
    "a memo": f"UPDATE entry SET memo = 'gift' WHERE id = {BEYOND}",
    "a text": f"UPDATE operation SET sealed = replace(sealed, 'asked', 'axked') WHERE id = {BEYOND}",
    "a text with a space": f"UPDATE operation SET sealed = replace(sealed, ',', ', ') WHERE id = {BEYOND}",
    "a text that is none": f"UPDATE operation SET sealed = '[' WHERE id = {BEYOND}",
    "bytes": f"UPDATE operation SET sealed = CAST(x'5bff' AS TEXT) WHERE id = {BEYOND}",
    "a hash": f"UPDATE operation SET hash = prev_hash WHERE id = {BEYOND}",
    "an actor": f"UPDATE operation SET actor = 'eve' WHERE id = {BEYOND}",
    "an operation gone": f"DELETE FROM operation WHERE id = {BEYOND}",
    "the operation before the second process": f"DELETE FROM operation WHERE id = {PAGE}",
    "its first entry": f"UPDATE operation SET first_entry = 7 WHERE id = {PAGE}",
    "many": f"UPDATE operation SET actor = 'eve' WHERE id > {BEYOND} AND id % 7 = 0",
    "the tail": f"DELETE FROM operation WHERE id > {BEYOND}",
}


@pytest.mark.parametrize("what", DAMAGES)
def test_what_is_wrong_is_said_in_the_same_words_and_order(
    what: str, copy: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    corrupt(copy, [(DAMAGES[what], ())])
    found = verify_ledger(copy)
    assert wrong(found)
    assert found == alone(copy, monkeypatch)


PROGRAMS = {
    "says nothing": "",
    "fails": "raise SystemExit(1)",
    "says something else": "print('x' * 100_000)",
    "stops in the middle": "import sys; sys.stdout.buffer.write((999).to_bytes(8) + b'half')",
    "says what is no page": (
        "import marshal, sys; said = marshal.dumps(7); sys.stdout.buffer.write(len(said).to_bytes(8) + said)"
    ),
}


@pytest.mark.parametrize("what", PROGRAMS)
def test_without_the_second_process_the_first_goes_on(what: str, grown: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "_PROGRAM", PROGRAMS[what])
    assert wrong(verify_ledger(grown.database)) == []


def test_a_program_that_cannot_be_started_is_done_without(grown: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead.sys, "executable", "/nowhere/python")
    assert wrong(verify_ledger(grown.database)) == []


def test_it_may_begin_before_the_first_and_what_is_sealed_meanwhile_does_not_count(
    copy: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = Books(copy, keys=MANY, today=DAY.replace(day=DAY.day + 1))
    with helped(copy, head_start=1) as helping:
        with copy.write() as tx:
            for _ in range(PAGE):
                posting.seal(tx, BOOK, mixed(books))
        assert run(copy, CHECKS, helping=helping) == alone(copy, monkeypatch)


def test_what_it_saw_after_the_first_does_not_count(grown: Books) -> None:
    with grown.database.read() as tx:
        told = [(tuple(stand), upto, tuple(page or ())) for stand, upto, page in ahead._told(tx, 1, lambda: False)]
        stand, upto, _columns = told[0]
        for last, counts in ((upto + 1, True), (upto, False), (upto - 1, False)):
            frame = marshal.dumps(told[0])
            known = ahead.Pages(io.BytesIO(len(frame).to_bytes(8) + frame), 0).up_to(Upto(last))  # type: ignore[arg-type]
            assert (known(Stand(*stand)) is not None) is counts


class Upto:
    """A transaction that sees the log end with an operation."""

    def __init__(self, last: int) -> None:
        self.last = last

    def value(self, _statement: str) -> int:
        return self.last


SMALL_PAGES = (
    "import sys; sys.path.insert(0, sys.argv[1]); from coopbank.ledger import ahead, log; ahead._WAITING = 1;"
    " log._SUM_OF_SIZES = log._SUM_OF_SIZES.replace(f'LIMIT {log.PAGE + 1}', 'LIMIT 11'); log.PAGE = 10; ahead.main()"
)


def test_where_nobody_listens_any_more_it_ends(grown: Books) -> None:
    begun = [sys.executable, "-I", "-S", "-c", SMALL_PAGES, str(Path(ahead.__file__).parents[2])]
    with subprocess.Popen([*begun, str(grown.database.path), "1"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(1), "it has begun, and more waits than the pipe and the program hold"
        assert process.poll() is None
        process.stdout.close()
        assert process.wait(60) == 0


def test_what_is_sealed_meanwhile_disturbs_nobody(copy: Database) -> None:
    books = Books(copy, keys=MANY, today=DAY.replace(day=DAY.day + 1))
    told: list[int] = []

    def meanwhile(number: int) -> None:
        if not told:
            books.deposit(5_00)
        told.append(number)

    assert wrong(run(copy, CHECKS, progress=meanwhile)) == []
    assert told[-1] == MANY


def test_a_small_book_is_not_worth_a_process(grown: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "WORTH", 24_000_000)
    with grown.database.read() as tx, ahead.begun(grown.database) as pages:
        known = pages.up_to(tx)
        assert known(Stand(0, chain.ZERO_HASH, 1, None)) is None
        assert known(stand_after(tx, PAGE)) is None
