"""What happens to the books or to the machine in cases of the error gallery that no operation can bring about."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from coopbank import database
from coopbank.bank import groups, passphrases
from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor
from coopbank.bank.keyring import KeyFile
from coopbank.bank.passphrases import Cost
from coopbank.clock import SetClock
from coopbank.errors import ConnectionLost
from tests.documents.gallery_stage import CHEAP, Scene, nonces, run_program
from tests.support_bank import PASSPHRASE

Fault = Callable[[Scene], AbstractContextManager[None]]


def _before(spoil: Callable[[Path], None]) -> Fault:
    @contextmanager
    def fault(scene: Scene) -> Iterator[None]:
        spoil(scene.place)
        yield

    return fault


def _raw(place: Path, *statements: str) -> None:
    """Change the file as somebody would who has taken its guards away."""
    with closing(sqlite3.connect(place)) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _sql in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        for _name, sql in triggers:
            connection.execute(sql)
        connection.commit()


def _other_database(place: Path) -> None:
    place.unlink()
    with closing(sqlite3.connect(place)) as connection:
        connection.execute("CREATE TABLE song (title TEXT)")
        connection.commit()


def _letter(place: Path) -> None:
    place.write_text("Dear members,\n" * 100)


def _folder(place: Path) -> None:
    place.unlink()
    place.mkdir()


amount_changed = _before(
    lambda place: _raw(place, "UPDATE posting SET amount = amount + 100 WHERE entry_id = 2 AND line = 1")
)
guard_lifted = _before(lambda place: _raw(place, "UPDATE balance SET floor = -1000000 WHERE floor = 0"))
newer = _before(lambda place: _raw(place, "UPDATE alembic_version SET version_num = '9999'"))
moved = _before(
    lambda place: _raw(place, f"UPDATE alembic_version SET version_num = '{database.SCHEMA_VERSION}+moved-1f'")
)
moving = _before(
    lambda place: _raw(place, f"UPDATE alembic_version SET version_num = '{database.SCHEMA_VERSION}+moving-1f'")
)
restoring = _before(
    lambda place: _raw(place, f"UPDATE alembic_version SET version_num = '{database.SCHEMA_VERSION}+restoring-1f'")
)


def _moved_on(place: Path) -> None:
    shutil.copy(place, place.with_name("new.db"))
    _raw(place, f"UPDATE alembic_version SET version_num = '{database.SCHEMA_VERSION}+moved-1f'")


def _moved_and_noted(place: Path) -> None:
    _raw(place, f"UPDATE alembic_version SET version_num = '{database.SCHEMA_VERSION}+moved-1f'")
    place.with_name(f"{place.name}.moved").write_text(f"{place.resolve().with_name('new.db')}\n")


moved_on = _before(_moved_on)
moved_and_noted = _before(_moved_and_noted)
letter = _before(_letter)
other_database = _before(_other_database)
folder = _before(_folder)
nothing = _before(lambda place: place.unlink())


def _unfounded(place: Path) -> None:
    place.unlink()
    database.Database.create(str(place)).close()


unfounded = _before(_unfounded)


@contextmanager
def groups_of_one(_scene: Scene) -> Iterator[None]:
    """As if the bank had so many members that interest goes to their accounts in groups."""
    with patch.object(groups, "LARGEST", 1):
        yield


@contextmanager
def _without(package: str) -> Iterator[None]:
    """As if it were not installed. What is loaded meanwhile stays loaded, as `patch.dict` would not let it."""
    before = sys.modules.get(package)
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]
        if before is not None:
            sys.modules[package] = before


@contextmanager
def locked_out(scene: Scene) -> Iterator[None]:
    """The passphrase was typed wrong four times."""
    for _ in range(4):
        run_program(scene, "coopbank --as ana do open-day", env={"COOPBANK_PASSPHRASE": "wrong horse"})
    yield


def _with_keys(scene: Scene) -> Bank:
    """The bank with a key that admin's passphrase opens; its clock and nonces are the scene's."""
    bank = Bank.open(str(scene.place), clock=SetClock(scene.clock), nonce=nonces(scene.folder.name))
    with patch.object(passphrases, "_hasher", CHEAP):
        bank.make_keys(Actor("admin", ("administrator",)), PASSPHRASE)
    return bank


@contextmanager
def keyed(scene: Scene) -> Iterator[None]:
    """The book has a key, which only admin's passphrase opens."""
    _with_keys(scene).close()
    yield


@contextmanager
def coded(scene: Scene) -> Iterator[None]:
    """Admin signs in with one-time codes."""
    with closing(_with_keys(scene)) as bank:
        bank.set_code(Actor("admin", ("administrator",)), "admin", "JBSWY3DPEHPK3PXP" * 2)
    yield


@contextmanager
def tom_coded(scene: Scene) -> Iterator[None]:
    """Tom signs in with one-time codes, and admin could, and does not yet."""
    with closing(_with_keys(scene)) as bank:
        bank.set_code(Actor("tom", ("treasurer",)), "tom", "JBSWY3DPEHPK3PXP" * 2)
    yield


@contextmanager
def backed_up(scene: Scene) -> Iterator[None]:
    """The book has a key, and there is a backup that is encrypted to it."""
    with keyed(scene):
        assert run_program(scene, "coopbank backup copy.db").code == 0
        yield


@contextmanager
def backup_cut(scene: Scene) -> Iterator[None]:
    """The backup was cut when the disk was pulled out."""
    with backed_up(scene):
        copy = scene.folder / "copy.db"
        copy.write_bytes(copy.read_bytes()[:-100])
        yield


@contextmanager
def backup_alone(scene: Scene) -> Iterator[None]:
    """The backup is there, and the key file is not."""
    with backed_up(scene):
        for file in scene.folder.glob("*.key"):
            file.unlink()
        yield


@contextmanager
def backup_of_others(scene: Scene) -> Iterator[None]:
    """The backup is of other books, and only the key file of these is there."""
    with backed_up(scene):
        (own,) = scene.folder.glob("*.key")
        KeyFile(scene.folder / "coopbank.other.key").make("other", b"o" * 32, "admin", PASSPHRASE, Cost(1, 8, 1), None)
        own.unlink()
        yield


@contextmanager
def backed_up_for_drill(scene: Scene) -> Iterator[None]:
    """A backup lies in the folder of backups."""
    with keyed(scene):
        assert run_program(scene, "coopbank backup").code == 0
        yield


@contextmanager
def key_file_gone(scene: Scene) -> Iterator[None]:
    """Admin signs in with one-time codes, and the key file lies elsewhere."""
    with coded(scene):
        for file in scene.folder.glob("*.key"):
            file.unlink()
        yield


@contextmanager
def given_passphrase(scene: Scene) -> Iterator[None]:
    """The administrator gave ana a passphrase, which she is to change."""
    environment = {"COOPBANK_NEW_PASSPHRASE": PASSPHRASE}
    scene.play("admin+tom reset-sign-in user=ana")
    run_program(scene, "coopbank --as admin passphrase ana", env=environment)
    yield


@contextmanager
def signed_in_yesterday(scene: Scene) -> Iterator[None]:
    """Ana signed in, and a night went by."""
    run_program(scene, "coopbank login ana")
    scene.clock += timedelta(hours=14)
    yield


@contextmanager
def busy(scene: Scene) -> Iterator[None]:
    """Another program writes for longer than anybody waits."""
    with closing(sqlite3.connect(scene.place, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with patch.object(database, "BUSY_SECONDS", 0.02):
            yield
        other.execute("ROLLBACK")


@contextmanager
def read_only(scene: Scene) -> Iterator[None]:
    """The file lies where it can only be read."""
    connect: Any = database._sqlite_connection
    with patch.object(database, "_sqlite_connection", lambda path, mode: connect(path, "ro")):
        yield


@contextmanager
def unreadable(scene: Scene) -> Iterator[None]:
    """The system lets nobody read the file."""
    with patch("coopbank.cli.door.os.access", lambda _place, _mode: False):
        yield


@contextmanager
def no_driver(scene: Scene) -> Iterator[None]:
    """The package for PostgreSQL is not installed."""
    with _without("psycopg"):
        yield


@contextmanager
def server_gone(scene: Scene) -> Iterator[None]:
    """The server is gone when the answer is awaited, and does not come back."""

    def lose(*_values: Any) -> None:
        raise ConnectionLost("The connection to {place} was lost.", place="postgresql+psycopg://bank@db.example/bank")

    with patch.object(database, "_LOST_PAUSES", ()), patch.object(Bank, "_perform_once", lose):
        yield


@contextmanager
def no_holidays(scene: Scene) -> Iterator[None]:
    """The package with the holidays of the world is not installed."""
    with _without("holidays"):
        yield


@contextmanager
def no_room(scene: Scene) -> Iterator[None]:
    """The file may not grow any more, as on a disk that is full."""
    plain = database._sqlite_connection

    def connect(*values: Any) -> sqlite3.Connection:
        connection = plain(*values)
        connection.execute(f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0]}")
        return connection

    with patch.object(database, "_sqlite_connection", connect):
        yield


@contextmanager
def unsafe(scene: Scene) -> Iterator[None]:
    """An SQLite that does not keep its promises."""
    with patch.dict(database._PRAGMAS, {"synchronous": 99}):
        yield
