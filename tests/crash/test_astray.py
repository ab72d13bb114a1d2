"""Files that people move, copy and put back by hand, apart from those that belong to them.

The newest operations of books in a file stand in its journal (-wal) until SQLite writes them over. A file without its
journal is older, and one with the journal of others is none: it may never be taken for right.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from coopbank.bank.bank import Bank
from coopbank.bank.operations.founding import FoundBook
from coopbank.bank.whole_files import clear_parts, clear_scratch, scratch_folder, whole_file
from coopbank.cli.copies import copy_books
from coopbank.database import Database
from coopbank.errors import AlreadyExists, CoopbankError, DatabaseMissing
from coopbank.exchange.files import NewFiles
from coopbank.statements.making import store
from tests.crash.damage import is_found
from tests.crash.powercut import Cut
from tests.crash.test_powercut import NAME, Recorded, head, known
from tests.support_bank import PASSPHRASE, new_bank

__all__ = ["known"]

pytestmark = pytest.mark.crash


@pytest.fixture
def killed(tmp_path: Path) -> tuple[Path, int]:
    """Books whose user was killed, so that all of a day stands in their journal; and how many operations they have."""
    place = tmp_path / NAME
    with new_bank(str(place)) as small:
        small.do("open-savings", member=small.admit("Mia Lee"))
        copy_books(small.bank.database, tmp_path / "backup.db")
        clock, teller = small.clock, small.ana
    pid = os.fork()
    if pid == 0:
        try:
            bank = Bank.open(str(place), clock=clock)
            for _ in range(5):
                bank.perform(teller, bank.build("deposit", {"member": "M0001", "amount": "1.00"}))
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    return place, 15


def restored(place: Path) -> None:
    with closing(Database.open(str(place.with_name("backup.db")), read_only=True)) as backup:
        copy_books(backup, place)


def founded(place: Path) -> None:
    Bank.found(str(place), FoundBook(bank_name="Other", administrator_roles=["administrator"]), passphrase=PASSPHRASE)


def received(place: Path) -> None:
    Database.to_receive(str(place), "token")


@pytest.mark.parametrize("putting", [restored, founded, received])
def test_nothing_is_put_where_the_journal_of_others_lies(
    killed: tuple[Path, int], putting: Callable[[Path], None]
) -> None:
    """Somebody moves the file aside and forgets the journal, which would be taken for that of what is put there."""
    place, operations = killed
    journal = place.with_name(NAME + "-wal")
    before = journal.read_bytes()
    assert before
    aside = place.rename(place.with_name("aside.db"))
    with pytest.raises(AlreadyExists, match=r"ledger\.db-wal is there") as refused:
        putting(place)
    assert refused.value.field == "file" and "aside" not in str(refused.value)
    assert not place.exists() and journal.read_bytes() == before
    journal.rename(aside.with_name("aside.db-wal"))  # as the refusal says
    with closing(Bank.open(str(aside))) as bank:
        assert head(bank)[0] == operations, "nothing of it is lost"
    putting(place)


def test_an_old_copy_with_a_newer_journal_is_refused_or_found(killed: tuple[Path, int]) -> None:
    """`cp backup.db ledger.db`, over books whose journal is left."""
    place, _operations = killed
    with place.open("r+b") as file, place.with_name("backup.db").open("rb") as backup:
        file.truncate()
        shutil.copyfileobj(backup, file)
    try:
        assert is_found(place)
    except CoopbankError as refusal:
        assert "damaged" in str(refusal)


def test_a_file_that_was_copied_without_its_journal_is_older_or_told(known: Recorded, tmp_path: Path) -> None:
    """At any moment, in the midst of a checkpoint too: as it was at an operation before, or refused, or found."""
    rng, older = random.Random(5), 0
    begun = next(place for place, step in enumerate(known.log) if step.what == "mark") + 1
    for number in range(40):
        at = rng.randrange(begun, len(known.log))
        copied = Cut(known.log, at, rng, known.begun, whole=True)
        folder = tmp_path / f"copy-{number}"
        folder.mkdir()
        (folder / NAME).write_bytes(copied.files[NAME])
        try:
            if is_found(folder / NAME):
                continue
        except CoopbankError:
            continue
        with closing(Bank.open(str(folder / NAME), read_only=True)) as bank:
            number, found = head(bank)
            assert known.heads[number] == found and number <= copied.mark + 1  # the last was not acknowledged yet
            with bank.read() as books:
                deposits = number - known.first
                assert -books.balance("GEN", "905/M0001") == deposits * (deposits + 1) // 2
            older += number < copied.mark
    assert older


def test_a_backup_that_is_copied_over_the_open_books_is_noticed_by_the_next_that_writes(tmp_path: Path) -> None:
    place = tmp_path / NAME
    with new_bank(str(place)) as small:
        small.spoiled = True
        mia = small.admit("Mia Lee")
        small.do("open-savings", member=mia)
        copy_books(small.bank.database, tmp_path / "backup.db")
        small.do("deposit", member=mia, amount="5.00")
        with small.read() as books:
            last = books.tx.value("SELECT max(id) FROM operation")
        with closing(sqlite3.connect(place)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        place.write_bytes((tmp_path / "backup.db").read_bytes())  # as `cp` does, into the same file
        with pytest.raises(DatabaseMissing, match="was replaced while it was in use"):
            small.do("deposit", member=mia, amount="1.00")
    # whoever starts anew sees what it is
    with closing(Database.open(str(place))) as again, again.read() as tx:
        assert tx.value("SELECT max(id) FROM operation") == last - 1


def test_what_a_killed_command_left_of_a_folder_is_taken_away(tmp_path: Path) -> None:
    """Wherever it was killed: before the lock, before the name, after both. What is in use stays."""
    for name, locked in ((".coopbank-new-a", False), (".coopbank-new-b", True), (".coopbank-scratch-c", True)):
        (tmp_path / name).mkdir()
        if locked:
            (tmp_path / name / "in-use").touch()
    with scratch_folder(tmp_path) as one:
        (one / "copy").touch()
        with scratch_folder(tmp_path) as other:
            assert sorted(tmp_path.iterdir()) == sorted([one, other]) and (one / "copy").exists()
    assert not list(tmp_path.iterdir())


def test_what_is_being_written_is_not_taken_for_what_a_killed_command_left(tmp_path: Path) -> None:
    """Whoever clears away may come at any moment: before the new file has its lock, and before it has its name."""
    done, fault = threading.Event(), list[BaseException]()

    def clears() -> None:
        while not done.is_set():
            clear_parts(tmp_path, "")
            clear_scratch(tmp_path)

    def writes(number: int) -> None:
        try:
            for each in range(60):
                store(tmp_path / f"{number}-{each}.pdf", b"x")
                with NewFiles(tmp_path) as files:
                    files.text(f"{number}-{each}.csv").write("x")
                with scratch_folder(tmp_path) as scratch, whole_file(scratch / "copy") as (file, _part):
                    file.write(b"x")
        except BaseException as error:
            fault.append(error)

    clearing, writing = threading.Thread(target=clears), [threading.Thread(target=writes, args=(n,)) for n in range(2)]
    try:
        for thread in (clearing, *writing):
            thread.start()
        for thread in writing:
            thread.join()
    finally:
        done.set()
        clearing.join()
    assert not fault
    assert sorted(each.suffix for each in tmp_path.iterdir()) == [".csv"] * 120 + [".pdf"] * 120
