"""Trouble with the database, as an unlucky volunteer meets it: one sentence, the right exit code, nothing changed."""

from __future__ import annotations

import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from coopbank.bank import passphrases
from coopbank.bank.bank import Bank
from coopbank.database import Database
from coopbank.errors import DatabaseMissing, DatabaseReadOnly, NotABook
from tests.cli.conftest import PROGRAM, Answer, Run, assert_books, folder, program, run
from tests.nobody import as_nobody
from tests.support_bank import PASSPHRASE, SmallBank, new_bank

__all__ = ["folder", "run"]  # fixtures of the command line's tests

ANA = ("--as", "ana")
DEPOSIT = (*ANA, "do", "deposit", "--member", "M0001", "--amount", "1.00", "--tender", "transfer", "--json")
READING = [
    ("trial-balance",), ("accounts",), ("entries",), ("members",), ("member", "M0001"), ("loan", "L-001"), ("users",),
]  # fmt: skip


@pytest.fixture(scope="session")
def one_file(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The furnished books as one file without a journal beside it; ana has a passphrase that is cheap to check."""
    place = Path(shutil.copy(furnished, tmp_path_factory.mktemp("one") / "ledger.db"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passphrases, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        database = Database.open(str(place))
        with database.write() as tx:
            passphrases.set_passphrase(tx, "ana", PASSPHRASE)
        database.close()
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    return place


@pytest.fixture
def books(one_file: Path, folder: Path) -> Path:
    return Path(shutil.copy(one_file, folder / "ledger.db"))


def figures(place: Path) -> Any:
    """What the tables say, read past the program."""
    with closing(sqlite3.connect(place)) as connection:
        return [
            connection.execute("SELECT count(*), max(id) FROM operation").fetchone(),
            connection.execute("SELECT account_id, debit, credit FROM balance ORDER BY 1").fetchall(),
        ]


# ---------------------------------------------------------------------------------------- flipped bits


def test_a_flipped_bit_never_changes_a_figure_in_silence(run: Run, books: Path) -> None:
    _flips(run, books, count=20, seed=20_260_302)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(8))
def test_many_flipped_bits(run: Run, books: Path, seed: int) -> None:
    _flips(run, books, count=400, seed=seed)


def _flips(run: Run, place: Path, *, count: int, seed: int) -> None:
    """The file is refused, or `verify` names what is wrong, or every report says what it said before."""
    clean, rng = place.read_bytes(), random.Random(seed)
    right = {command: run(*command, "--json") for command in READING}
    assert run("verify", "--json").code == 0 and all(answer.code == 0 for answer in right.values())
    outcomes: Counter[int] = Counter()
    for _ in range(count):
        position, bit = _byte_with_meaning(rng, clean), 1 << rng.randrange(8)
        print(f"seed {seed}: bit {bit} of byte {position}")
        spoilt = bytearray(clean)
        spoilt[position] ^= bit
        _only_file(place, bytes(spoilt))
        verdict = run("verify", "--json")
        assert verdict.code in (0, 3, 4), verdict.out
        outcomes[verdict.code] += 1
        for command, before in right.items():
            answer = run(*command, "--json")
            if verdict.code == 0:
                assert answer == before, f"verify says all is well, and {command} is not what it was"
            elif answer.code:
                assert answer.code == 4 or "coopbank verify" in answer.error["hint"], answer.out
    assert len(outcomes) > 1, outcomes
    _only_file(place, clean)


def _byte_with_meaning(rng: random.Random, clean: bytes) -> int:
    """Mostly a byte that is not zero: pages have much room in them."""
    while True:
        position = rng.randrange(len(clean))
        if clean[position] or rng.random() < 0.05:
            return position


def _only_file(place: Path, content: bytes) -> None:
    for beside in ("-wal", "-shm", "-journal"):
        place.with_name(place.name + beside).unlink(missing_ok=True)
    place.write_bytes(content)


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut_short(run: Run, books: Path, kept: float) -> None:
    clean = books.read_bytes()
    cut = clean[: int(len(clean) * kept)]
    books.write_bytes(cut)
    assert run("verify", "--json").code in (3, 4)
    answer = run(*DEPOSIT)
    assert answer.code == 4, answer.out
    assert answer.error["code"] == "not-a-book"
    assert books.read_bytes()[: len(cut)] == cut


def test_a_damaged_index_is_found(run: Run, books: Path) -> None:
    """Every row is as it was sealed, but an index has lost one: a look-up would pass over it."""
    with closing(sqlite3.connect(books, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        kept = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'account_holder'").fetchone()[0]
        narrow = kept.replace("holder IS NOT NULL", "holder IS NOT NULL AND holder <> 'M0001'")
        connection.execute("DROP INDEX account_holder")
        connection.execute(narrow)
        connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'account_holder'", (kept,))
        connection.execute("PRAGMA writable_schema = RESET")
    verdict = run("verify", "--json")
    assert verdict.code == 3
    assert [check["name"] for check in verdict.document["checks"] if check["verdict"] == "wrong"] == ["file"]


# ------------------------------------------------------------------------------------------- no room left


@contextmanager
def small_disk(parent: Path, kilobytes: int) -> Iterator[Path]:
    """A disk of that size, where one can be had."""
    where = parent / "small"
    where.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(where)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield where
    finally:
        subprocess.run(["umount", "-l", str(where)], check=True)


def test_a_full_disk_refuses_and_loses_nothing(folder: Path, one_file: Path) -> None:
    size = one_file.stat().st_size // 1024
    with small_disk(folder, size + 200) as disk:
        place = Path(shutil.copy(one_file, disk / "ledger.db"))
        before = figures(place)
        (disk / "filler").write_bytes(bytes(max(0, shutil.disk_usage(disk).free - 44 * 1024)))
        _no_room(program("--db", str(place), *DEPOSIT), place, before)
        (disk / "filler").unlink()
        assert program("--db", str(place), *DEPOSIT).code == 0
        assert_books(place)


@pytest.mark.parametrize("room", [1, 9_000, 30_000])
def test_a_file_that_may_not_grow_refuses_and_loses_nothing(books: Path, room: int) -> None:
    """The same by a limit on the size of files, which the journal runs into."""
    before = figures(books)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    _no_room(program("--db", str(books), *DEPOSIT, preexec_fn=limit), books, before)
    assert program("--db", str(books), *DEPOSIT).code == 0
    assert_books(books)


def _no_room(answer: Answer, place: Path, before: Any) -> None:
    assert answer.code == 4, answer.out + answer.err
    assert answer.error["code"] in ("database-unusable", "database-read-only")
    assert figures(place) == before


# ------------------------------------------------------------------------------------ places and their names

NAMES = [
    "a b.db", "ünï ☃ 银行.db", "q?mode=memory", "h#fragment.db", "p%20%41%00.db", "quote'\".db", "semi;--.db",
    ":memory:", "file:x.db", "new\nline.db", "-dash.db", "{braces}.db", "[red].db", "name", "😀.db", "a&vfs=x.db",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_file_may_have_any_name(run: Run, folder: Path, one_file: Path, name: str) -> None:
    inner = folder / "in here"
    inner.mkdir()
    place = Path(shutil.copy(one_file, inner / name))
    before = figures(place)
    relative = f"in here/{name}"
    done = run("--db", relative, *DEPOSIT)
    assert done.code == 0, done.out
    assert run("--db", relative, "trial-balance").code == 0
    assert run("--db", relative, "backup", f"in here/copy of {name}").code == 0
    assert run("--db", f"in here/copy of {name}", "verify").code == 0
    assert figures(place)[0] == (before[0][0] + 2, before[0][1] + 2), "the deposit, and whose sign-in it came with"
    assert {path.name for path in inner.iterdir()} <= {name, name + "-wal", name + "-shm", f"copy of {name}"}


def test_a_link_is_followed_to_the_file(run: Run, folder: Path, books: Path) -> None:
    away = folder / "away"
    away.mkdir()
    (away / "link.db").symlink_to(books)
    assert run("--db", "away/link.db", *DEPOSIT).code == 0
    assert run("--db", "away/link.db", "members").out == run("members").out
    assert [path.name for path in away.iterdir()] == ["link.db"]
    (away / "nowhere.db").symlink_to(folder / "gone.db")
    (away / "loop.db").symlink_to(away / "loop.db")
    for name, code in (("nowhere", "database-missing"), ("loop", "database-unusable")):
        answer = run("--db", f"away/{name}.db", "members", "--json")
        assert (answer.code, answer.error["code"]) == (4, code)
    assert not (folder / "gone.db").exists()
    assert_books(books)


def test_a_link_in_a_folder_that_cannot_be_written_shows_what_was_just_posted(
    run: Run, folder: Path, books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was posted may stand in the journal beside the file, which is not beside the link."""
    away = folder / "away"
    away.mkdir()
    (away / "link.db").symlink_to(books)
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != away and access(path, mode))
    bank = Bank.open(str(books))  # held open, so that the journal stays
    try:
        actor = bank.authenticate("ana", PASSPHRASE)
        bank.perform(actor, bank.build("deposit", {"member": "M0001", "amount": "77.00", "tender": "transfer"}))
        assert books.with_name("ledger.db-wal").stat().st_size > 0
        fresh = run("trial-balance", "--json")
        assert run("--db", "away/link.db", "trial-balance", "--json").document == fresh.document
    finally:
        bank.close()


@pytest.mark.parametrize("mode", [0o444, 0o666], ids=["read-only file", "writable file"])
def test_a_folder_that_cannot_be_written(one_file: Path, mode: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        shared = Path(name)
        place = Path(shutil.copy(one_file, shared / "ledger.db"))
        before = figures(place)
        place.chmod(mode)
        shared.chmod(0o555)
        environment = dict(os.environ, HOME="/nonexistent", COOPBANK_PASSPHRASE=PASSPHRASE)
        environment.pop("XDG_STATE_HOME", None)
        try:
            for command, code in ((("trial-balance", "--json"), 0), (("verify", "--json"), 0), (DEPOSIT, 4)):
                done = as_nobody(str(PROGRAM), "--db", str(place), *command, env=environment)
                assert done.returncode == code, done.stdout + done.stderr
        finally:
            shared.chmod(0o755)
        assert figures(place) == before


def test_a_file_that_another_program_keeps_to_itself(run: Run, books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only the writer's lock, which readers pass: the whole file."""
    monkeypatch.setattr("coopbank.database.BUSY_SECONDS", 0.2)
    hold = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('PRAGMA locking_mode = EXCLUSIVE'); c.execute('BEGIN EXCLUSIVE');"
        "c.execute('UPDATE credential SET failures = 0'); print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", hold, str(books)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        for command in (("members", "--json"), ("verify", "--json"), DEPOSIT):
            answer = run(*command)
            assert (answer.code, answer.error["code"]) == (4, "database-busy")
    finally:
        holder.communicate()
    assert run(*DEPOSIT).code == 0


# --------------------------------------------------------------------------------------------- a server


@pytest.mark.postgresql
@pytest.mark.parametrize("engine_kind", ["postgresql"], indirect=True)
def test_trouble_with_a_server_is_told_in_words(new_engine_url: Callable[[str], str], tmp_path: Path) -> None:
    url = new_engine_url("book")
    with pytest.raises(NotABook, match="holds no books"):
        Database.open(url)
    with pytest.raises(DatabaseMissing):
        Database.open(url.replace("/book_", "/no_such_book_"))
    with pytest.raises(DatabaseMissing):
        Database.open(f"postgresql+psycopg://postgres@/book?host={tmp_path}")
    with new_bank(url) as small:
        with small.read() as books:
            name = books.tx.value("SELECT current_database()")
        _alter(url, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        small.bank.database.close()
        with pytest.raises(DatabaseReadOnly):
            _deposit(small)
        _alter(url, f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        small.bank.database.close()
        small.admit("Mia Lee")


def _deposit(small: SmallBank) -> None:
    small.admit("Mia Lee")


def _alter(url: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(statement)


@pytest.mark.postgresql
@pytest.mark.parametrize("engine_kind", ["postgresql"], indirect=True)
def test_a_server_that_goes_away_undoes_what_was_not_committed(engine_url: str) -> None:
    """The connection is ended in the middle of a unit of work: it is refused in words, and the next one works."""
    from coopbank.errors import DatabaseUnusable

    with new_bank(engine_url) as small:
        with small.read() as books:
            before = books.tx.value("SELECT count(*) FROM operation")
        with pytest.raises(DatabaseUnusable), small.bank.database.write() as tx:
            tx.run("SELECT pg_terminate_backend(pg_backend_pid())")
        with small.read() as books:
            assert books.tx.value("SELECT count(*) FROM operation") == before
        small.admit("Mia Lee")
