"""Books move between a file and a server: byte for byte, killed at any step and given again, and never two in use."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor
from coopbank.bank.verify import verify
from coopbank.cli import main
from coopbank.clock import SetClock
from coopbank.database import SCHEMA_VERSION, Database
from coopbank.errors import BooksMoved, CoopbankError, DatabaseMissing, MoveUnfinished, NotABook
from coopbank.ledger import moving
from coopbank.ledger.tables import TABLES
from coopbank.ledger.verify import wrong
from tests.crash.hands import Hands
from tests.support_bank import PASSPHRASE, new_bank

pytestmark = [pytest.mark.crash, pytest.mark.postgresql]
NOW = datetime(2026, 3, 3, 18, tzinfo=UTC)
ON_A_SERVER = pytest.mark.parametrize("engine_kind", ["postgresql"], indirect=True)


def everything(place: str) -> dict[str, list[Any]]:
    """Every row of every table; these books prove themselves besides."""
    with contextlib.closing(Database.open(place, read_only=True, marked=True)) as database:
        assert not wrong(verify(database))
        return rows_of(database)


def rows_of(database: Database) -> dict[str, list[Any]]:
    with database.read() as tx:
        return {
            str(table.__tablename__): sorted(map(repr, tx.rows(f"SELECT * FROM {table.__tablename__}")))
            for table in TABLES
        }


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Books in a file with members, hostile texts, a batch, a loan that waits, something forgotten, a kept sign-in."""
    place = tmp_path_factory.mktemp("moving") / "kept.db"
    with new_bank(str(place)) as small:
        small.bank.make_keys(small.admin, PASSPHRASE)
        names = ("Mia <b>Lee</b> [red]", "José \u202eNúñez 🌱", "=1+1 'x'\"")
        for name in names:
            member = small.admit(name, phone="601 555 0142", tax_id="1-2-3")
            small.do("open-savings", member=member)
            small.do("deposit", member=member, amount="300.00", memo=f"{name} \\ %s ? {{}}")
        small.do("buy-shares", member="M0001", amount="25.00")
        small.ask("redeem-shares", member="M0001", amount="25.00")
        small.bank.keep_sign_in(small.ana)
        small.go_to("2026-03-03")
        small.bank.authenticate("admin", PASSPHRASE)  # with the key there, a hash is made anew once
    return place


@pytest.fixture
def books(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A copy of them in a folder of their own, which is that of the key too."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COOPBANK_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("COOPBANK_KEYS", str(kept.parent))
    shutil.copy(kept, tmp_path / "books.db")
    (tmp_path / "books.db").chmod(0o600)
    return str(tmp_path / "books.db")


def moved(capsys: pytest.CaptureFixture[str], old: str, new: str) -> Any:
    """Move them; what the program says of it."""
    capsys.readouterr()
    assert give("--db", old, "move", "--to", new, "--json") == 0
    return json.loads(capsys.readouterr().out)


def give(*arguments: str) -> int:
    return main(["--as", "admin", *arguments])


def refusal_of(place: str) -> type[CoopbankError] | None:
    """How opening these books is refused, if it is."""
    try:
        Database.open(place).close()
    except CoopbankError as refusal:
        return type(refusal)
    return None


@ON_A_SERVER
def test_there_and_back_again_nothing_differs(
    books: str, engine_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before, new = everything(books), str(tmp_path / "new.db")
    assert moved(capsys, books, engine_url)["copied"] == len(before["operation"])
    assert everything(engine_url) == before
    assert (refusal_of(books), refusal_of(engine_url)) == (BooksMoved, None)
    assert moved(capsys, engine_url, new)["copied"] == len(before["operation"])
    assert everything(new) == before
    assert (refusal_of(engine_url), refusal_of(new)) == (BooksMoved, None)
    # and back to where they were at first, with what was done meanwhile
    bank = Bank.open(new, clock=SetClock(NOW))
    bank.sign_in("admin", PASSPHRASE)
    bank.close()
    after = everything(new)
    assert moved(capsys, new, books)["copied"] == 1
    assert everything(books) == after != before
    assert (refusal_of(new), refusal_of(books)) == (BooksMoved, None)


@ON_A_SERVER
@pytest.mark.parametrize("backwards", [False, True], ids=["to a server", "from a server"])
def test_a_move_that_was_killed_goes_on_and_two_are_never_in_use(
    books: str, new_engine_url: Callable[[str], str], tmp_path: Path, hands: Hands, kept: Path, backwards: bool
) -> None:
    """Killed while it proves and copies, and before its last steps; each time it is given again and goes on."""
    old, server = books, new_engine_url("server")
    if backwards:
        assert give("--db", books, "move", "--to", server) == 0
        old = server
    before = everything(old)

    def run(to: str, at: int = 0, *more: str) -> dict[str, int] | None:
        environment = {"COOPBANK_PASSPHRASE": PASSPHRASE, "XDG_STATE_HOME": str(tmp_path / "state"),
                       "HOME": str(tmp_path), "COOPBANK_KEYS": str(kept.parent)}  # fmt: skip
        arguments = ["--db", old, "--as", "admin", "move", "--to", to, *more]
        said = list(hands.work("", "command", folder=str(tmp_path), now=NOW.isoformat(), env=environment, at=at,
                               arguments=arguments, group=4))  # fmt: skip
        done: dict[str, int] | None = next((each for each in said if "code" in each), None)
        assert [each["status"] for each in said if "dead" in each] == [-signal.SIGKILL if done is None else 0]
        return done

    new = str(tmp_path / "new.db") if backwards else new_engine_url("new")
    for at in (150, 250):  # while the old books are proven, and while they are copied
        assert run(new, at) is None
        assert refusal_of(old) is None and refusal_of(new) in (DatabaseMissing, NotABook, MoveUnfinished)
    assert run(new, 0, "--rehearse") is not None
    rehearsed = run(new, 0, "--rehearse")
    assert rehearsed is not None and rehearsed["code"] == 0
    states = []
    start = rehearsed["steps"] + 78  # of handing over, all that is in its last part
    for at in range(start, start + 30):
        assert run(new, at) is None
        states.append((refusal_of(old), refusal_of(new)))
        if states[-1] != (None, MoveUnfinished):
            break
    assert states[0] == (None, MoveUnfinished)
    assert states[-1] == (BooksMoved, MoveUnfinished), "the old ones are closed before the new ones open"
    assert give("--db", old, "move", "--to", str(tmp_path / "third.db")) == 4
    done = run(new)
    assert done is not None and done["code"] == 0
    assert everything(new) == before
    assert (refusal_of(old), refusal_of(new)) == (BooksMoved, None)


@ON_A_SERVER
def test_tills_go_on_until_the_books_are_handed_over(books: str, engine_url: str) -> None:
    with contextlib.closing(Bank.open(books, clock=SetClock(NOW))) as till:
        assert give("--db", books, "move", "--to", engine_url, "--rehearse") == 0
        deposit = till.build("deposit", {"member": "M0001", "amount": "1.00"})
        assert till.perform(Actor("ana", ()), deposit, key="before").status == "done"
        with pytest.raises(MoveUnfinished):
            Bank.open(engine_url)
        assert give("--db", books, "move", "--to", engine_url) == 0
        with pytest.raises(BooksMoved):
            till.perform(Actor("ana", ()), deposit, key="after")
        with pytest.raises(BooksMoved):
            till.perform(Actor("ana", ()), deposit, key="before")
    with contextlib.closing(Bank.open(engine_url, clock=SetClock(NOW))) as till:
        assert till.perform(Actor("ana", ()), deposit, key="before").status == "repeated"
        assert till.perform(Actor("ana", ()), deposit, key="after").status == "done"
    everything(engine_url)


@ON_A_SERVER
@pytest.mark.parametrize("backwards", [False, True], ids=["to a server", "from a server"])
def test_what_is_forgotten_after_it_was_copied_is_forgotten_there_too(
    books: str, engine_url: str, tmp_path: Path, backwards: bool
) -> None:
    place, to = (engine_url, str(tmp_path / "new.db")) if backwards else (books, engine_url)
    if backwards:
        assert give("--db", books, "move", "--to", engine_url) == 0
    assert give("--db", place, "move", "--to", to, "--rehearse") == 0
    with contextlib.closing(Database.open(place, marked=True)) as old:
        with old.write() as tx:
            tx.run("UPDATE personal SET salt = NULL, value = NULL WHERE field = 'phone'")
            tx.run("DELETE FROM session")
            tx.run("UPDATE directory SET phone = ''")
        new, token = moving.receive(old, to, "another")
        with contextlib.closing(new):
            assert moving.hand_over(old, new, token) == (3 * 2 + 1 + 3 * 2, 3)
    assert (refusal_of(place), refusal_of(to)) == (BooksMoved, None)
    if backwards:
        assert b"601 555 0142" not in Path(to).read_bytes()
    with contextlib.closing(Database.open(to, read_only=True)) as new, new.read() as tx:
        assert tx.value("SELECT count(*) FROM personal WHERE field = 'phone' AND value IS NULL") == 3
        assert tx.value("SELECT count(*) FROM session") == 0


def test_nothing_is_left_of_what_was_forgotten_after_a_rehearsal(books: str, tmp_path: Path) -> None:
    new = tmp_path / "new.db"
    assert give("--db", books, "move", "--to", str(new), "--rehearse") == 0
    assert b"601 555 0142" in new.read_bytes()
    with contextlib.closing(Database.open(books, marked=True)) as old:
        with old.write() as tx:
            tx.run("UPDATE personal SET salt = NULL, value = NULL WHERE field = 'phone'")
            tx.run("UPDATE directory SET phone = ''")
        there, _token = moving.receive(old, str(new), "another")
        with contextlib.closing(there):
            moving.level_before(old, there)
    assert b"601 555 0142" not in new.read_bytes()


@ON_A_SERVER
def test_under_the_lock_only_what_came_since_is_compared(books: str, engine_url: str) -> None:
    """A value forgotten, a member and a sign-in between the comparison and the lock come along."""
    assert give("--db", books, "move", "--to", engine_url, "--rehearse") == 0
    with contextlib.closing(Database.open(books, marked=True)) as old:
        new, token = moving.receive(old, engine_url, "another")
        with contextlib.closing(new):
            known = moving.level_before(old, new)
            with contextlib.closing(Bank.open(books, clock=SetClock(NOW))) as bank:
                admin = bank.sign_in("admin", PASSPHRASE)
                bank.keep_sign_in(admin)
                admit = bank.build("admit-member", {"member_name": "Zoë Late", "phone": "601 555 0199"})
                assert bank.perform(Actor("ana", ()), admit, key="late").status == "done"
            with old.write() as tx:
                tx.run("UPDATE personal SET salt = NULL, value = NULL WHERE field = 'tax_id'")
            assert moving.hand_over(old, new, token, known).erased == 3
            assert rows_of(new) == rows_of(old)
            with pytest.raises(BooksMoved):
                moving.hand_over(old, new, "other", known)


@ON_A_SERVER
def test_two_who_move_them_at_once_move_them_once(books: str, engine_url: str, hands: Hands, kept: Path) -> None:
    before, folder = everything(books), Path(books).parent
    environment = {"COOPBANK_PASSPHRASE": PASSPHRASE, "XDG_STATE_HOME": str(folder), "COOPBANK_KEYS": str(kept.parent)}
    said = hands.all("", "command", 2, folder=str(folder), env=environment, at=0, group=4, now=NOW.isoformat(),
                     arguments=["--db", books, "--as", "admin", "move", "--to", engine_url])  # fmt: skip
    codes = sorted(each["code"] for each in said)
    assert codes in ([0, 0], [0, 1], [0, 4]), codes  # the slower one finds it done, or the old ones closed
    assert everything(engine_url) == before
    assert (refusal_of(books), refusal_of(engine_url)) == (BooksMoved, None)


@ON_A_SERVER
def test_who_moves_them_too_and_comes_late_changes_nothing_where_they_are_used(books: str, engine_url: str) -> None:
    """It would bring passphrases and sign-ins there to what they were when the old books were closed."""
    assert give("--db", books, "move", "--to", engine_url, "--rehearse") == 0
    with contextlib.closing(Database.open(books, marked=True)) as old:
        new, token = moving.receive(old, engine_url, "another")
        with contextlib.closing(new):
            assert give("--db", books, "move", "--to", engine_url) == 0
            with contextlib.closing(Bank.open(engine_url, clock=SetClock(NOW))) as bank:
                bank.set_passphrase(bank.authenticate("admin", PASSPHRASE), "admin", "another fine passphrase")
            before = rows_of(new)
            assert before["credential"] != rows_of(old)["credential"]
            for late in (
                lambda: moving.copy_all(old, new),
                lambda: moving.level_before(old, new),
                lambda: moving.hand_over(old, new, token),
            ):
                with pytest.raises(BooksMoved, match="old copy"):
                    late()
                assert rows_of(new) == before


def test_what_may_not_be_moved(books: str, kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Other books, files that hold something, the same place; by somebody else; nothing of it changes anything."""
    other = str(tmp_path / "other.db")
    with new_bank(other, nonces=1_000_000):
        pass
    (tmp_path / "text").write_text("hello")
    sqlite3.connect(tmp_path / "foreign.db").execute("CREATE TABLE t (a)").connection.close()
    bytes_before = {file: file.read_bytes() for file in tmp_path.glob("*") if file.is_file()}

    def refused(*arguments: str, by: str = "admin") -> str:
        capsys.readouterr()
        assert main(["--as", by, "--db", books, "move", "--json", *arguments]) in (1, 2, 4)
        return str(json.loads(capsys.readouterr().out)["error"]["code"])

    for place in (other, books, str(kept), str(tmp_path / "foreign.db")):
        assert refused("--to", place) == "already-exists"
    assert refused("--to", str(tmp_path / "text")) == "not-a-book"
    assert refused("--to", str(tmp_path / "no" / "new.db")) == "database-unusable"
    assert refused("--to", str(tmp_path)) == "not-a-book"
    os.mkfifo(tmp_path / "pipe")  # whoever opened it would wait for ever
    (tmp_path / "loop").symlink_to("loop")
    assert (refused("--to", str(tmp_path / "pipe")), refused("--to", str(tmp_path / "loop"))) == (
        "not-a-book", "database-unusable",
    )  # fmt: skip
    assert refused("--to", "postgresql+psycopg://ann:secret@host/bank") == "wrong-usage"
    assert refused("--to", "mysql://host/bank") == "wrong-usage"
    assert (
        refused()
        == refused("--to", "")
        == refused("--back", "--to", "x.db")
        == refused("--back", "--rehearse")
        == "wrong-usage"
    )
    assert refused("--back") == "wrong-state"
    assert {file: file.read_bytes() for file in bytes_before} == bytes_before
    assert refused("--to", str(tmp_path / "new.db"), by="ana") == "sign-in-refused"
    assert not (tmp_path / "new.db").exists()


def test_books_that_are_lost_at_their_new_place_are_used_again_where_they_were(books: str, tmp_path: Path) -> None:
    """Never while they live on there; only when somebody says so, if nobody can look."""
    new, note = str(tmp_path / "new.db"), Path(f"{books}.moved")
    assert give("--db", books, "move", "--to", new) == 0
    assert note.read_text() == f"{new}\n" and note.stat().st_mode & 0o777 == 0o600
    assert give("--db", books, "move", "--back") == give("--db", books, "move", "--back", "--lost") == 1
    assert give("--db", books, "move", "--back", "--lost", "--from", str(tmp_path / "other.db")) == 1
    assert (refusal_of(books), refusal_of(new)) == (BooksMoved, None)
    Path(new).unlink()
    assert give("--db", books, "move", "--to", new) == 4
    assert give("--db", books, "move", "--back") == 2
    note.rename(tmp_path / "note")
    assert give("--db", books, "move", "--back", "--lost") == 2
    for spoilt in (b"", b"\xff", b"mysql://host/bank", b"postgresql+psycopg://till:word@:x/bank"):
        note.write_bytes(spoilt)
        assert give("--db", books, "move", "--back", "--lost") == 2, spoilt
    for name in ("x" * 10_000, "a\0b", "\u202e[red]<b>", "=1+1\n'\""):
        note.write_text(name)
        assert give("--db", books, "move", "--back") == 2, name
    note.unlink()
    assert give("--db", books, "move", "--back", "--lost", "--from", "") == 2
    assert refusal_of(books) is BooksMoved
    (tmp_path / "note").rename(note)
    assert give("--db", books, "move", "--back", "--lost") == 0
    assert not note.exists()
    assert (refusal_of(books), refusal_of(new)) == (None, DatabaseMissing)
    assert give("--db", books, "move", "--to", new) == 0


def test_of_two_moves_at_once_the_one_that_was_done_is_written_down(
    books: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one was under way when the books went: what it wrote would have them used at two places."""
    new, other, before, began = str(tmp_path / "new.db"), str(tmp_path / "other.db"), moving.level_before, []

    def meanwhile(*values: Any) -> int:
        known = before(*values)
        if not began:
            began.append(True)
            assert give("--db", books, "move", "--to", new) == 0
        return known

    monkeypatch.setattr(moving, "level_before", meanwhile)
    assert give("--db", books, "move", "--to", other) == 4
    assert Path(f"{books}.moved").read_text() == f"{new}\n"
    Path(other).unlink()
    assert give("--db", books, "move", "--back", "--lost") == 1
    assert (refusal_of(books), refusal_of(new)) == (BooksMoved, None)


@ON_A_SERVER
def test_a_move_that_was_taken_back_cannot_end(books: str, engine_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever takes books back while their move hangs before its last step keeps them; the move is refused then."""
    hung, real = [], Database.mark

    def hang(tx: Any, what: str = "", token: str = "") -> None:
        if not what and not hung:
            hung.append(True)
            raise MoveUnfinished("It hangs.")
        real(tx, what, token)

    monkeypatch.setattr(Database, "mark", staticmethod(hang))
    assert give("--db", books, "move", "--to", engine_url) == 4
    assert (refusal_of(books), refusal_of(engine_url)) == (BooksMoved, MoveUnfinished)
    with contextlib.closing(Database.open(books, marked=True)) as old, old.read() as tx:
        token = Database.mark_of(tx)[1]
    assert give("--db", books, "move", "--back") == 0
    assert (refusal_of(books), refusal_of(engine_url)) == (None, MoveUnfinished)
    old, new = (Database.open(place, marked=True) for place in (books, engine_url))
    with contextlib.closing(old), contextlib.closing(new), pytest.raises(BooksMoved):
        moving.open_there(old, new, token)
    assert give("--db", books, "move", "--to", engine_url) == 0
    assert (refusal_of(books), refusal_of(engine_url)) == (BooksMoved, None)


def test_wrong_books_are_not_moved(books: str, tmp_path: Path) -> None:
    connection = sqlite3.connect(books)
    connection.execute("UPDATE balance SET debit = debit + 1, credit = credit + 1")
    connection.commit()
    connection.close()
    assert give("--db", books, "move", "--to", str(tmp_path / "new.db")) == 3
    assert not (tmp_path / "new.db").exists()


def test_a_target_that_holds_more_or_other_is_refused(books: str, tmp_path: Path) -> None:
    """An older rehearsal is gone on with; one that somebody wrote into is not."""
    new = str(tmp_path / "new.db")
    assert give("--db", books, "move", "--to", new, "--rehearse") == 0
    fork = sqlite3.connect(new)
    fork.execute(f"UPDATE alembic_version SET version_num = '{SCHEMA_VERSION}'")
    fork.commit()
    with contextlib.closing(Bank.open(new, clock=SetClock(NOW))) as bank:
        bank.sign_in("admin", PASSPHRASE)
    fork.execute(f"UPDATE alembic_version SET version_num = '{SCHEMA_VERSION}+moving-0'")
    fork.commit()
    fork.close()
    assert give("--db", books, "move", "--to", new) == 1
    assert refusal_of(books) is None


def test_the_key_and_the_anchors_come_back_as_they_are_where_the_books_were(
    books: str, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the old place lie those of the first move: with the passphrases of that day, and without later closes."""
    monkeypatch.delenv("COOPBANK_KEYS")
    here, there = tmp_path, tmp_path / "there"
    there.mkdir()
    (key,) = kept.parent.glob("coopbank.*.key")
    shutil.copy(key, here / key.name)
    (here / "anchors.log").write_text("1 0123456789abcdef close-day 2026-03-02 2026-03-02T18:00:00Z book 00000000\n")
    new, words = str(there / "new.db"), "another fine passphrase"
    assert give("--db", books, "move", "--to", new) == 0
    bank = Bank.open(new, clock=SetClock(NOW))
    with contextlib.closing(bank):
        bank.set_passphrase(bank.authenticate("admin", PASSPHRASE), "admin", words)
    monkeypatch.setenv("COOPBANK_PASSPHRASE", words)
    assert give("--db", new, "move", "--to", books) == 0
    assert (here / key.name).read_bytes() == (there / key.name).read_bytes()
    assert (here / key.name).stat().st_mode & 0o777 == 0o600
    lines = (here / "anchors.log").read_text().splitlines()
    assert lines[:-1] == (there / "anchors.log").read_text().splitlines() and len(lines) == 3
    bank = Bank.open(books, clock=SetClock(NOW))
    with contextlib.closing(bank):
        bank.authenticate("admin", words)
        assert bank.keys is not None
