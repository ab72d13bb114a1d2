"""Making, proving and copying books; and everything that can be wrong with a file that should be books."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from coopbank import migrations
from coopbank.cli import copies
from coopbank.database import SCHEMA_VERSION, Database
from tests.cli.conftest import PASSPHRASE, PROGRAM, Run, assert_books, operations_in, program
from tests.nobody import as_nobody

# -------------------------------------------------------------------------------------- init


def test_new_books_are_ready_for_their_administrator(run: Run, folder: Path) -> None:
    made = run(
        "init", "--name", "Our <b>Bank</b>", "--currency", "EUR", "--kind", "charity", "--admin", "rosa", "--json"
    )
    assert made.code == 0, made.out
    assert made.document["name"] == "Our <b>Bank</b>"
    assert (made.document["kind"], made.document["currency"]) == ("charity", "EUR")
    assert made.document["head"]["number"] == 2  # founded, and a key
    assert stat.S_IMODE(Path(made.document["key_file"]).stat().st_mode) == 0o600
    (user,) = run("users", "--json").document["users"]
    assert user["user"] == "rosa" and "administrator" in user["roles"]
    assert run("--as", "rosa", "do", "open-day").code == 0
    assert run("trial-balance", "--json").document["source"]["currency"] == "EUR"
    again = run("init", "--name", "Other")
    assert (again.code, "exists already" in again.err) == (1, True)
    assert_books(folder / "ledger.db")


@pytest.mark.parametrize(
    ("arguments", "code", "field"),
    [
        (("--name", "X", "--currency", "QQQ"), 1, "currency"),
        (("--name", "X", "--currency", "usd"), 1, "currency"),
        (("--name", ""), 1, "name"),
        (("--name", "x" * 300), 1, "name"),
        (("--name", "X", "--admin", "two words"), 1, "admin"),
        (("--name", "X", "--kind", "bank"), 2, "kind"),
        ((), 2, "name"),
    ],
)
def test_bad_founding_leaves_no_file(run: Run, folder: Path, arguments: tuple[str, ...], code: int, field: str) -> None:
    answer = run("init", *arguments, "--json")
    assert (answer.code, answer.error["field"]) == (code, field)
    assert not (folder / "ledger.db").exists()


def test_a_passphrase_is_needed_and_must_be_long(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COOPBANK_PASSPHRASE", "short")
    weak = run("init", "--name", "X", "--json")
    assert (weak.code, weak.error["field"]) == (1, "passphrase")
    monkeypatch.delenv("COOPBANK_PASSPHRASE")
    none = program("init", "--name", "X")
    assert none.code == 2
    assert none.err == (
        "coopbank: There is no terminal to ask for a new passphrase at. Set COOPBANK_PASSPHRASE to it.\n"
    )
    assert not (folder / "ledger.db").exists()


def test_a_founding_that_fails_takes_its_file_away(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr("coopbank.bank.bank.Bank._perform", fails)
    assert run("init", "--name", "X").code == 1
    assert not list(folder.glob("ledger.db*"))


def typed(*answers: tuple[bytes, bytes]) -> tuple[int, str]:
    """Run `init` at a terminal, answering each prompt; its exit code and what the terminal showed."""
    environment = {name: value for name, value in os.environ.items() if name != "COOPBANK_PASSPHRASE"}
    parent, child = pty.openpty()
    with subprocess.Popen(
        [PROGRAM, "init", "--name", "X"],
        stdin=child,
        stdout=child,
        stderr=child,
        env=environment,
        start_new_session=True,
    ) as started:
        os.close(child)
        shown = b""
        for prompt, answer in answers:
            while not shown.endswith(prompt):
                shown += os.read(parent, 1000)
            os.write(parent, answer + b"\n")
        code = started.wait(timeout=60)
        with contextlib.suppress(OSError):  # the end of a terminal is an error
            while part := os.read(parent, 1000):
                shown += part
    os.close(parent)
    return code, shown.decode()


def test_at_a_terminal_the_passphrase_is_asked_twice_and_never_shown(folder: Path) -> None:
    first, second = b"Passphrase for admin: ", b"Once more: "
    code, shown = typed((first, b"correct horse"), (second, b"correct house"))
    assert (code, "not the same" in shown, "horse" in shown) == (2, True, False)
    assert not (folder / "ledger.db").exists()
    code, shown = typed((first, b"correct horse"), (second, b"correct horse"))
    assert (code, "horse" in shown) == (0, False)
    assert operations_in(folder / "ledger.db") == 2


# --------------------------------------------------------------------------- unusable books


def missing(place: Path) -> None:
    place.unlink()


def empty(place: Path) -> None:
    place.write_bytes(b"")


def no_database(place: Path) -> None:
    place.write_text("Dear members,\n" * 1000)


def another_database(place: Path) -> None:
    place.unlink()
    with sqlite3.connect(place) as connection:
        connection.execute("CREATE TABLE song (title TEXT)")
    connection.close()


def directory(place: Path) -> None:
    place.unlink()
    place.mkdir()


def pipe(place: Path) -> None:
    place.unlink()
    os.mkfifo(place)


def newer(place: Path) -> None:
    with sqlite3.connect(place) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()


def no_operations(place: Path) -> None:
    """The schema without a founding."""
    from coopbank.database import Database

    place.unlink()
    Database.create(str(place)).close()


def truncated(place: Path) -> None:
    os.truncate(place, 20_000)


@pytest.mark.parametrize("command", [("users",), ("--as", "ana", "do", "open-day"), ("verify",)])
@pytest.mark.parametrize(
    ("spoil", "code", "says"),
    [
        (missing, "database-missing", "no books at ledger.db"),
        (empty, "not-a-book", "holds no books"),
        (no_database, "not-a-book", "not a book"),
        (another_database, "not-a-book", "holds no books"),
        (directory, "not-a-book", "is a folder"),
        (pipe, "not-a-book", "not a file"),
        (newer, "database-version", "9999"),
        (truncated, "not-a-book", "damaged"),
    ],
)
def test_what_is_no_book_is_said_and_stays_as_it_is(
    run: Run,
    folder: Path,
    furnished: Path,
    spoil: Callable[[Path], None],
    code: str,
    says: str,
    command: tuple[str, ...],
) -> None:
    place = folder / "ledger.db"
    shutil.copy(furnished, place)
    spoil(place)
    before = place.read_bytes() if place.is_file() else None
    people = run(*command)
    assert (people.code, people.out) == (4, "")
    assert people.err.startswith("coopbank: ") and people.err.count("\n") == 1
    assert says in people.err
    programs = run(*command, "--json")
    assert (programs.code, programs.error["code"]) == (4, code)
    assert before == (place.read_bytes() if place.is_file() else None)
    assert place.exists() == (spoil is not missing)


def test_a_schema_without_a_founding_holds_no_books(run: Run, folder: Path) -> None:
    (folder / "ledger.db").touch()
    no_operations(folder / "ledger.db")
    for command in (("users",), ("--as", "ana", "do", "open-day")):
        assert (run(*command).code, run(*command, "--json").error["code"]) == (4, "not-a-book")


def test_a_folder_in_the_way(run: Run, books: Path) -> None:
    answer = run("--db", "ledger.db/inner.db", "users", "--json")
    assert (answer.code, answer.error["code"]) == (4, "database-missing")
    answer = run("--db", "x" * 5000, "users", "--json")
    assert (answer.code, answer.error["code"]) == (4, "database-unusable")


def test_books_that_another_process_holds_are_busy(run: Run, books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coopbank.database.BUSY_SECONDS", 0.2)
    hold = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE');"
        " print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", hold, str(books)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        before = operations_in(books)
        busy = run("--as", "ana", "do", "deposit", "--member", "M0001", "--amount", "1.00", "--json")
        assert (busy.code, busy.error["code"]) == (4, "database-busy")
        assert run("trial-balance").code == 0, "who reads does not wait for who writes"
        assert operations_in(books) == before
    finally:
        holder.communicate()


def test_a_read_only_file_is_read_and_not_written(books: Path, folder: Path) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:  # a folder that others may enter
        shared = Path(name)
        place = shared / "ledger.db"
        shutil.copy(books, place)
        environment = dict(os.environ, COOPBANK_DB=str(place), HOME=name, XDG_STATE_HOME=str(shared / "state"))
        place.chmod(0o444)
        shared.chmod(0o555)
        try:

            def tried(*arguments: str) -> tuple[int, str]:
                done = as_nobody(str(PROGRAM), *arguments, "--json", env=environment)
                return done.returncode, done.stdout

            for command in ("trial-balance", "verify", "members"):
                code, out = tried(command)
                assert code == 0, out
            code, out = tried("--as", "ana", "do", "deposit", "--member", "M0001", "--amount", "1.00")
            assert (code, json.loads(out)["error"]["code"]) == (4, "database-read-only")
        finally:
            shared.chmod(0o755)
        assert sorted(path.name for path in shared.iterdir()) == ["ledger.db"]


# ----------------------------------------------------------------------------------- verify


def test_right_books_are_proven_check_by_check(run: Run, books: Path) -> None:
    found = run("verify", "--json").document
    assert found["ok"] is True
    names = [check["name"] for check in found["checks"]]
    assert len(names) == len(set(names)) > 20
    assert {"chain", "balance", "guards", "loans", "two people"} <= set(names)
    assert all(check["verdict"] == "ok" and check["count"] == 0 for check in found["checks"])
    assert found["head"]["number"] == operations_in(books)
    assert found["cannot_exclude"]
    shown = run("verify")
    assert shown.code == 0
    assert all(f"{name} " in shown.out for name in names)
    assert "The books are right." in shown.out and "cannot exclude" in shown.out


def damage(place: Path, *statements: str) -> None:
    connection = sqlite3.connect(place)
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _sql in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    for _name, sql in triggers:
        connection.execute(sql)
    connection.commit()
    connection.close()


def test_a_changed_amount_is_found_and_the_exit_code_is_3(run: Run, folder: Path, furnished: Path) -> None:
    place = folder / "ledger.db"
    shutil.copy(furnished, place)
    damage(place, "UPDATE posting SET amount = amount + 1 WHERE entry_id = 2 AND line = 1")
    shown = run("verify")
    assert shown.code == 3
    assert "THE BOOKS ARE WRONG." in shown.out and "WRONG" in shown.out and "operation " in shown.out
    found = run("verify", "--json")
    assert (found.code, found.document["ok"]) == (3, False)
    wrong = [check for check in found.document["checks"] if check["verdict"] == "wrong"]
    assert any(each["operation"] for check in wrong for each in check["findings"])
    assert program("verify").code == 3


def test_a_wrong_cache_is_found_and_rebuilt(run: Run, books: Path) -> None:
    damage(books, "UPDATE balance SET credit = credit + 1 WHERE account_id = 1")
    assert run("verify").code == 3
    assert run("rebuild", "--as", "ana", "--json").error["code"] == "not-allowed"
    assert run("rebuild", "--as", "tom").code == 0
    assert run("verify").code == 0


def test_known_heads_are_compared(run: Run, books: Path, folder: Path) -> None:
    head = run("verify", "--json").document["head"]
    good = f"{head['number']}:{head['hash']}"
    found = run("verify", "--head", good, "--json").document
    assert found["ok"] and found["known_heads"] == 1
    assert found["cannot_exclude"] != run("verify", "--json").document["cannot_exclude"]
    other = good[:-1] + ("0" if good[-1] != "0" else "1")
    assert run("verify", "--head", other).code == 3
    assert run("verify", "--head", f"{head['number'] + 7}:{head['hash']}").code == 3
    anchors = folder / "anchors.log"
    anchors.write_text(f"# heads\n\n2026-03-02 {head['number']} {head['hash']}\n")
    assert run("verify", "--anchors", "anchors.log", "--json").document["known_heads"] == 1
    anchors.write_text(f"2026-03-02 {head['number']} {'0' * 16}\n")
    assert run("verify", "--anchors", "anchors.log").code == 3
    for arguments in (("--head", "5"), ("--head", "5:xyz"), ("--anchors", "none.log"), ("--key", "none.pem")):
        assert run("verify", *arguments).code == 2
    anchors.write_text("nothing\n")
    assert "line 1" in run("verify", "--anchors", "anchors.log").err
    for text in ("", "# heads\n", f"{head['number']} {head['hash']} close-day 2026-03-02 book 00000000\n"):
        anchors.write_text(text)  # of other books, as those would be that somebody made anew
        told = run("verify", "--anchors", "anchors.log")
        assert told.code == 2 and "no head of these books" in told.err


# ----------------------------------------------------------------------------------- copies


def test_a_backup_is_a_whole_copy_while_others_write(run: Run, books: Path, folder: Path) -> None:
    writer = sqlite3.connect(books, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    try:
        made = run("backup", "copy.db", "--json")
    finally:
        writer.execute("ROLLBACK")
        writer.close()
    assert made.code == 0, made.out
    assert made.document["head"]["number"] == operations_in(books) == operations_in(folder / "copy.db")
    assert_books(folder / "copy.db")
    again = run("backup", "copy.db")
    assert (again.code, "exists already" in again.err) == (1, True)
    assert run("backup", "nowhere/copy.db").code == 2
    assert [path.name for path in folder.iterdir() if "part" in path.name] == []


def test_restoring_verifies_and_overwrites_nothing(run: Run, books: Path, folder: Path) -> None:
    run("backup", "copy.db")
    refused = run("restore", "copy.db")
    assert (refused.code, "exists already" in refused.err) == (1, True)
    restored = run("--db", "new.db", "restore", "copy.db", "--json")
    assert restored.code == 0, restored.out
    assert operations_in(folder / "new.db") == operations_in(books)
    assert run("--db", "new.db", "--as", "ana", "do", "deposit", "--member", "M0001", "--amount", "1.00").code == 0
    assert_books(folder / "new.db")
    damage(folder / "copy.db", "UPDATE entry SET memo = 'x' WHERE id = 1")
    wrong = run("--db", "third.db", "restore", "copy.db")
    assert (wrong.code, "THE BOOKS ARE WRONG." in wrong.out) == (3, True)
    assert run("--db", "third.db", "restore", "none.db").code == 4
    assert not list(folder.glob("*third.db*"))


def test_books_of_this_version_need_no_upgrade(run: Run, books: Path) -> None:
    found = run("upgrade", "--json").document
    assert (found["from"], found["to"], found["copy"]) == (SCHEMA_VERSION, SCHEMA_VERSION, None)


def test_an_upgrade_that_was_cut_off_is_done_by_giving_it_again(run: Run, folder: Path) -> None:
    """What it left of a copy, or a whole one, stays as it is; nobody has to find out what it was."""
    old = Database("ledger.db")
    with old.closed_on_failure(), old.write_by_engine() as tx:
        migrations.upgrade(tx.connection, to="0006")
    old.close()
    left = folder / f"ledger.db.before-{SCHEMA_VERSION}"
    left.write_bytes(b"half of a copy")
    killed = folder / ".coopbank-scratch-0123456789ab"
    killed.mkdir()
    (killed / "in-use").touch()
    found = run("upgrade", "--json").document
    assert found == {"from": "0006", "to": SCHEMA_VERSION, "copy": f"{left.name}-2"}
    assert left.read_bytes() == b"half of a copy" and not killed.exists()
    assert stat.S_IMODE((folder / found["copy"]).stat().st_mode) == 0o600
    with contextlib.closing(sqlite3.connect(folder / found["copy"])) as copy:
        assert copy.execute("SELECT version_num FROM alembic_version").fetchall() == [("0006",)]
    assert run("upgrade", "--json").document["copy"] is None


def test_books_of_a_newer_version_are_left_alone(run: Run, folder: Path, furnished: Path) -> None:
    shutil.copy(furnished, folder / "ledger.db")
    newer(folder / "ledger.db")
    answer = run("upgrade", "--json")
    assert (answer.code, answer.error["code"]) == (4, "database-version")
    assert run("--db", "copy.db", "restore", "ledger.db").code == 4


def test_a_restore_that_was_killed_leaves_no_open_copy_behind_the_next_one(
    run: Run, folder: Path, furnished: Path
) -> None:
    shutil.copy(furnished, folder / "copy.db")
    killed = os.fork()
    if not killed:
        copies.restore_file(folder / "copy.db", folder / "new.db", None, lambda _copy: os._exit(0))
        os._exit(1)
    assert os.waitpid(killed, 0)[1] == 0
    assert not (folder / "new.db").exists()
    assert run("--db", "new.db", "restore", "copy.db").code == 0
    assert [each.name for each in folder.iterdir() if each.name.startswith(".")] == []
    assert_books(folder / "new.db")


# --------------------------------------------------------------------------------- staff


def test_signing_in_and_out(run: Run, books: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("do", "open-day", "--json").error["code"] == "sign-in-refused"
    signed = run("login", "ana", "--json")
    assert (signed.code, signed.document["user"]) == (0, "ana")
    kept = Path(signed.document["kept_in"])
    assert kept.is_relative_to(folder / "state")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600 and stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    monkeypatch.delenv("COOPBANK_PASSPHRASE")
    deposit = ("do", "deposit", "--member", "M0001", "--amount", "1.00")
    assert run(*deposit, "--json").document["actor"] == "ana"
    assert run("--as", "ana", *deposit).code == 0
    other = program("--as", "tom", *deposit)
    assert (other.code, "COOPBANK_PASSPHRASE" in other.err) == (1, True)
    kept.chmod(0o644)
    assert run(*deposit).code == 1, "a file that others can read counts for nothing"
    kept.chmod(0o600)
    assert run("logout", "--json").document == {"user": "ana"}
    assert run(*deposit).code == 1
    assert run("logout").code == 0


def test_a_kept_sign_in_that_was_ended_elsewhere(run: Run, books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("login", "ana")
    connection = sqlite3.connect(books)
    connection.execute("DELETE FROM session")
    connection.commit()
    connection.close()
    answer = run("do", "open-day")
    assert (answer.code, "has ended" in answer.err) == (1, True)


@pytest.mark.parametrize("user", ["ana", "nobody", "", "x" * 10_000, "'; DROP TABLE operation; --", "[red]"])
def test_a_wrong_passphrase_or_user_is_refused_alike(
    run: Run, books: Path, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COOPBANK_PASSPHRASE", "wrong horse battery")
    for command in (("do", "open-day"), ("login",)):
        answer = run("--as", user, *command, "--json")
        assert (answer.code, answer.error["code"]) == (1, "sign-in-refused")
        assert answer.error["message"] == "The user name or the passphrase is wrong."


def test_a_colleague_gets_a_user_and_a_passphrase(run: Run, books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    added = run(
        "user", "add", "lou", "--full-name", "Lou [b]Park[/b]", "--role", "teller", "--role", "auditor",
        "--as", "admin", "--json",
    ).document  # fmt: skip
    assert added["status"] == "pending"
    assert run("approve", added["request"], "--as", "tom").code == 0
    lou = next(each for each in run("users", "--json").document["users"] if each["user"] == "lou")
    assert (lou["full_name"], lou["roles"]) == ("Lou [b]Park[/b]", ["auditor", "teller"])
    assert "Lou [b]Park[/b]" in run("users").out
    monkeypatch.setenv("COOPBANK_NEW_PASSPHRASE", "my own long words")
    assert run("passphrase", "lou", "--as", "ana").code == 1, "only an administrator sets a colleague's"
    assert run("user", "passphrase", "lou", "--as", "admin").code == 0
    assert run("passphrase", "nobody", "--as", "admin").code == 1
    monkeypatch.setenv("COOPBANK_PASSPHRASE", "my own long words")
    assert run("login", "lou").code == 0
    monkeypatch.setenv("COOPBANK_PASSPHRASE", PASSPHRASE)
    assert run("login", "lou").code == 1


def test_no_home_for_kept_sign_ins(run: Run, books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (books.parent / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(books.parent / "file"))
    answer = run("login", "ana")
    assert (answer.code, answer.out) == (2, "")


def test_the_public_key_is_written_over_nothing(books: Path, run: Run, folder: Path) -> None:
    """Least of all over the books, whose name one may have typed."""
    assert run("--as", "admin", "keys", "make").code == 0
    before = books.read_bytes()
    refused = run("keys", "show", "--pem", str(books), "--json")
    assert (refused.code, refused.error["code"], refused.error["field"]) == (1, "already-exists", "pem")
    assert books.read_bytes() == before
    for _ in range(2):  # the same key once more is no harm
        assert run("keys", "show", "--pem", "key.pem").code == 0
    assert (folder / "key.pem").read_text().startswith("-----BEGIN PUBLIC KEY-----")
    assert run("keys", "show", "--pem", "none/key.pem", "--json").error["field"] == "pem"
    assert run("keys", "show", "--pem", "a\0b", "--json").code == 2
