"""Backups as a habit: encrypted, proven, rotated, restored, drilled; and what is done to spoil one."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from coopbank.bank import backups, codes, records, retention
from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor, Books
from coopbank.bank.operations.copies import RecordBackup
from coopbank.bank.retention import rules_of
from coopbank.bank.sealed_files import hash_of, header_of, is_sealed, recipient_of
from coopbank.bank.whole_files import SCRATCH
from coopbank.database import Database
from coopbank.errors import CoopbankError
from tests.cli.conftest import PASSPHRASE, PROGRAM, Answer, Run, assert_books, operations_in
from tests.cli.test_books import damage
from tests.crash.hands import Hands
from tests.support_bank import new_bank

FOLDER = "backups"


@pytest.fixture(scope="session")
def sealed_bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with books that have a key, which admin's and tom's passphrases open, and its key file."""
    folder = tmp_path_factory.mktemp("sealed bank")
    with new_bank(str(folder / "ledger.db")) as small:
        small.bank.make_keys(small.admin, PASSPHRASE)
        small.give_passphrase("tom", PASSPHRASE)
        small.give_passphrase("sue", PASSPHRASE)
        mia = small.admit("Mia Lee", phone="601 555 0101", tax_id="123-45-6789")
        small.do("open-savings", member=mia)
        small.do("deposit", member=mia, amount="150.00")
    return folder


@pytest.fixture
def keyed(folder: Path, sealed_bank: Path) -> Iterator[Path]:
    """A copy of them in the folder."""
    for file in sealed_bank.iterdir():
        if file.suffix in (".db", ".key"):
            shutil.copy2(file, folder / file.name)
    yield folder / "ledger.db"
    assert_books(folder / "ledger.db")
    assert not list(folder.rglob(f"{SCRATCH}*")) and not list(folder.rglob("*.part"))


def key_file(folder: Path) -> Path:
    (found,) = folder.glob("coopbank.*.key")
    return found


def made(run: Run, *arguments: str) -> Answer:
    answer = run("--as", "tom", "backup", *arguments, "--json")
    assert answer.code == 0, answer.out + answer.err
    return answer


def recorded(place: Path) -> list[records.Backup]:
    database = Database.open(str(place), read_only=True)
    try:
        with database.read() as tx:
            return [body for _ref, body in Books(tx).every(records.Backup)]
    finally:
        database.close()


# ------------------------------------------------------------------------------------- backup


def test_a_backup_is_encrypted_proven_recorded_and_anchored(run: Run, keyed: Path, folder: Path) -> None:
    before = operations_in(keyed)
    answer = made(run).document
    file = Path(answer["place"])
    assert file.parent == folder / FOLDER and is_sealed(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert b"Mia Lee" not in file.read_bytes() and b"SQLite" not in file.read_bytes()
    assert (answer["head"]["number"], answer["encrypted"], answer["recorded"]) == (before, True, True)
    assert (answer["sha256"], answer["size"]) == (hash_of(file).sha256, file.stat().st_size)
    (read,) = backups.backup_files(file.parent, file.name.split("-")[1] + "0" * 24)
    assert (read.number, read.head, read.form, read.sealed) == (before, answer["head"]["hash"], "db", True)
    (body,) = recorded(keyed)
    assert (body.file, body.sha256, body.number, body.encrypted) == (file.name, answer["sha256"], before, True)
    (line,) = (folder / FOLDER / "anchors.log").read_text().splitlines()
    assert line.startswith(f"{before} {answer['head']['hash']} backup ")
    assert run("verify", "--anchors", f"{FOLDER}/anchors.log").code == 0
    assert b"123-45-6789" not in keyed.read_bytes()


def test_a_backup_needs_no_passphrase_and_no_sign_in(
    run: Run, keyed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COOPBANK_PASSPHRASE")
    key_file(folder).unlink()
    before = operations_in(keyed)
    answer = run("backup", "--json")
    assert answer.code == 0, answer.out
    assert (answer.document["encrypted"], answer.document["recorded"]) == (True, False)
    assert operations_in(keyed) == before and recorded(keyed) == []
    assert " backup " in (folder / FOLDER / "anchors.log").read_text()
    assert json.loads(run("backup", "--status", "--json").out)["days"] == 0


def test_a_named_file_is_encrypted_unless_plain_is_asked_for(run: Run, keyed: Path, folder: Path) -> None:
    assert made(run, "copy.db").document["encrypted"] and is_sealed(folder / "copy.db")
    assert not made(run, "plain.db", "--plain").document["encrypted"]
    assert_books(folder / "plain.db")
    assert stat.S_IMODE((folder / "plain.db").stat().st_mode) == 0o600
    assert not (folder / FOLDER).exists()
    text = run("--as", "tom", "backup", "third.db")
    assert "Encrypted" in text.out and text.err == ""
    again = run("backup", "copy.db")
    assert (again.code, "exists already" in again.err) == (1, True)
    (folder / "link.db").symlink_to("nowhere.db")
    assert run("backup", "link.db").code == 1


def test_books_without_a_key_are_copied_open_and_told_so(run: Run, books: Path, folder: Path) -> None:
    answer = run("--as", "tom", "backup")
    assert (answer.code, "not encrypted" in answer.err) == (0, True)
    (file,) = (folder / FOLDER).glob("coopbank-*")
    assert file.suffix == ".db"
    assert_books(file)
    assert "not encrypted" not in run("--as", "tom", "backup", "x.db", "--plain").err


def test_tills_work_while_a_backup_is_made(
    run: Run, keyed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer holds the books: the copy is made, and what cannot be recorded now is told."""
    monkeypatch.setattr("coopbank.database.BUSY_SECONDS", 0.05)
    assert run("login", "tom").code == 0
    writer = sqlite3.connect(keyed, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    try:
        answer = run("backup", "--json")
    finally:
        writer.execute("ROLLBACK")
        writer.close()
    assert answer.code == 0, answer.out
    assert not answer.document["recorded"] and "could not record it" in answer.document["notes"][0]


def test_wrong_books_are_not_backed_up(run: Run, keyed: Path, folder: Path) -> None:
    whole = keyed.read_bytes()
    damage(keyed, "UPDATE entry SET memo = 'x' WHERE id = 1")
    answer = run("backup")
    assert (answer.code, "THE BOOKS ARE WRONG." in answer.out) == (3, True)
    assert run("backup", "copy.db").code == 3
    assert list((folder / FOLDER).iterdir()) == [] and not (folder / "copy.db").exists()
    for end in ("-wal", "-shm"):
        Path(f"{keyed}{end}").unlink(missing_ok=True)
    keyed.write_bytes(whole)


def test_a_disk_that_is_away_is_named(run: Run, keyed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "disk").write_text("no folder")
    monkeypatch.setenv("COOPBANK_BACKUPS", str(folder / "disk" / "bank"))
    answer = run("backup")
    assert (answer.code, "disk" in answer.err) == (2, True)


# ------------------------------------------------------------------------------------ restore


def test_an_encrypted_backup_is_restored_with_a_sign_in(run: Run, keyed: Path, folder: Path) -> None:
    made(run, "copy.db")
    restored = run("--db", "new.db", "--as", "tom", "restore", "copy.db", "--json")
    assert restored.code == 0, restored.out
    assert operations_in(folder / "new.db") == restored.document["head"]["number"]
    assert run("--db", "new.db", "--as", "admin", "do", "open-day", "--json").code in (0, 1)
    assert_books(folder / "new.db")
    before = (folder / "new.db").read_bytes()
    over = run("--db", "new.db", "--as", "tom", "restore", "copy.db")
    assert (over.code, "exists already" in over.err) == (1, True)
    assert (folder / "new.db").read_bytes() == before


@pytest.mark.parametrize("where", ["beside the backup", "beside the new books", "named", "in COOPBANK_KEYS"])
def test_the_key_file_is_found(
    run: Run, keyed: Path, folder: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    away, there = folder / "disk", folder / "new"
    away.mkdir()
    there.mkdir()
    made(run, "disk/copy.db")
    key, named = key_file(folder), []
    if where == "named":
        key = key.rename(folder / "my key")
        named = ["--key-file", str(key)]
    else:
        target = {"beside the backup": away, "beside the new books": there, "in COOPBANK_KEYS": folder / "keys"}[where]
        target.mkdir(exist_ok=True)
        key.rename(target / key.name)
        monkeypatch.setenv("COOPBANK_KEYS", str(folder / "keys"))
    answer = run("--db", "new/ledger.db", "--as", "tom", "restore", "disk/copy.db", *named)
    assert answer.code == 0, answer.err
    assert_books(there / "ledger.db")


def test_without_key_file_user_or_passphrase_nothing_is_restored(
    run: Run, keyed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(run, "copy.db")

    def refused(code: str, *arguments: str, user: str | None = "tom") -> Answer:
        who = [] if user is None else ["--as", user]
        answer = run("--db", "new.db", *who, "restore", "copy.db", *arguments, "--json")
        assert answer.code == 1 and answer.error["code"] == code, answer.out
        assert not (folder / "new.db").exists()
        return answer

    refused("sign-in-refused", user=None)
    refused("sign-in-refused", user="sue")  # a supervisor's passphrase opens no key
    refused("sign-in-refused", user="nobody")
    with monkeypatch.context() as patch:
        patch.setenv("COOPBANK_PASSPHRASE", "another one entirely")
        refused("sign-in-refused")
        patch.delenv("COOPBANK_PASSPHRASE")
        refused("sign-in-refused")
    key_file(folder).rename(folder / "away")
    refused("keys-locked")
    refused("keys-locked", "--key-file", "nowhere.key")


def test_a_user_with_one_time_codes_gives_one(
    run: Run, keyed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank, secret = Bank.open(str(keyed)), "JBSWY3DPEHPK3PXP" * 2
    try:
        actor = bank.authenticate("tom", PASSPHRASE)
        bank.set_code(actor, "tom", secret)
    finally:
        bank.close()
    assert run("backup", "copy.db").code == 0
    answer = run("--db", "new.db", "--as", "tom", "restore", "copy.db", "--json")
    assert answer.error["code"] == "code-wanted"
    monkeypatch.setenv("COOPBANK_CODE", codes.code_at(secret, datetime.now(UTC)))
    assert run("--db", "new.db", "--as", "tom", "restore", "copy.db").code == 0


def test_another_books_key_opens_nothing(run: Run, keyed: Path, folder: Path) -> None:
    made(run, "copy.db")
    key_file(folder).rename(folder / "hidden")
    assert run("--db", "other/ledger.db", "init", "--name", "Other").code in (0, 4)
    (folder / "other").mkdir(exist_ok=True)
    assert run("--db", "other/ledger.db", "init", "--name", "Other").code == 0
    answer = run("--db", "other/new.db", "--as", "admin", "restore", "copy.db", "--json")
    assert answer.error["code"] == "keys-locked", answer.out
    assert recipient_of(header_of(folder / "copy.db")).hex()[:16] in answer.error["hint"]
    assert not (folder / "other" / "new.db").exists()
    (folder / "hidden").rename(folder / "coopbank.0.key")


@pytest.mark.parametrize("spoil", ["cut", "one byte", "one byte of the end", "empty", "longer", "a letter"])
@pytest.mark.parametrize("plain", [False, True], ids=["encrypted", "plain"])
def test_a_backup_that_was_spoilt_is_refused_with_a_reason(
    run: Run, keyed: Path, folder: Path, spoil: str, plain: bool
) -> None:
    made(run, "copy.db", *(["--plain"] if plain else []))
    copy = folder / "copy.db"
    raw = bytearray(copy.read_bytes())
    if spoil.startswith("one byte"):
        raw[len(raw) // 2 if spoil == "one byte" else -1] ^= 0x10
    copy.write_bytes({
        "cut": bytes(raw[: len(raw) // 2]), "empty": b"", "longer": bytes(raw) + b"x", "a letter": b"Dear all,\n" * 9,
    }.get(spoil, bytes(raw)))  # fmt: skip
    answer = run("--db", "new.db", "--as", "tom", "restore", "copy.db")
    if plain and spoil in ("one byte", "one byte of the end", "longer"):
        assert answer.code in (0, 3, 4)  # the drill knows the hash
    else:
        assert answer.code == 4 and answer.err, answer.out
    assert answer.code == 0 or not (folder / "new.db").exists()
    drilled = run("--as", "tom", "drill", "copy.db")
    assert drilled.code == 4, drilled.out + drilled.err
    assert "damaged" in drilled.err or "no books" in drilled.err or "not a book" in drilled.err


# --------------------------------------------------------------------------------------- drill


def test_a_drill_proves_the_newest_backup(run: Run, keyed: Path, folder: Path) -> None:
    made(run)
    assert run("--as", "ana", "drill").code == 1, "ana has no passphrase"
    answer = run("--as", "tom", "drill", "--json")
    assert answer.code == 0, answer.out + answer.err
    found = answer.document
    assert (found["encrypted"], found["known"], found["anchors"], found["newer"]) == (True, True, 1, 3)
    assert "can be restored" in run("--as", "tom", "drill").out
    bank = Bank.open(str(keyed), read_only=True)
    try:
        with bank.read() as books:
            drills = [body for _ref, body in books.every(records.Drill)]
    finally:
        bank.close()
    assert [(body.outcome, body.number) for body in drills] == [("good", found["head"]["number"])] * 2
    assert json.loads(run("backup", "--status", "--json").out)["last_drill"] is not None
    assert run("verify").code == 0


def test_a_drill_without_a_backup_or_a_key_says_so(run: Run, keyed: Path, folder: Path) -> None:
    assert run("--as", "tom", "drill", "--json").error["code"] == "unknown"
    made(run)
    assert run("--as", "sue", "drill", "--json").error["code"] == "keys-locked"
    assert run("drill").code == 1
    assert run("--as", "tom", "drill", "nowhere.db").code == 4


def test_a_drill_sees_that_the_live_books_were_replaced(run: Run, keyed: Path, folder: Path) -> None:
    old = keyed.read_bytes()
    assert run("--as", "admin", "do", "set-policy", "--policy", "phone", "--value", "1").code == 0
    made(run)
    for end in ("-wal", "-shm"):
        Path(f"{keyed}{end}").unlink(missing_ok=True)
    keyed.write_bytes(old)  # an old copy is put back
    answer = run("--as", "tom", "drill", "--json")
    assert (answer.code, answer.error["code"]) == (3, "books-wrong"), answer.out


def test_a_drill_sees_an_anchor_that_the_backup_does_not_have(run: Run, keyed: Path, folder: Path) -> None:
    made(run)
    anchors = folder / FOLDER / "anchors.log"
    number, head, *rest = anchors.read_text().split()
    anchors.write_text(f"{number} {head[::-1]} {' '.join(rest)}\n")
    assert run("--as", "tom", "drill").code == 3


# ------------------------------------------------------------------------------------- rotation


def backups_of_days(folder: Path, name: str, days: int) -> None:
    """Copies of a backup under the names of the days before it."""
    first = (folder / name).read_bytes()
    stem, at, rest = name[:17], name[18:36], name[36:]
    assert at.endswith("Z") and stem.startswith("coopbank-"), (stem, at, rest)
    moment = datetime.strptime(at, "%Y-%m-%dT%H%M%SZ").replace(tzinfo=UTC)
    for day in range(1, days):
        then = (moment - timedelta(days=day)).strftime("%Y-%m-%dT%H%M%SZ")
        (folder / f"{stem}-{then}{rest}").write_bytes(first)


def test_what_no_rule_keeps_is_removed_and_nothing_else(run: Run, keyed: Path, folder: Path) -> None:
    name = Path(made(run).document["place"]).name
    there = folder / FOLDER
    backups_of_days(there, name, 400)
    other = name.replace(name[9:17], "0123abcd")
    strangers = {other: "x", "notes.txt": "x", "coopbank-old.db": "x", name + ".bak": "x"}
    for stranger, text in strangers.items():
        (there / stranger).write_text(text)
    lying = name[:17] + "-2020-01-01T000000Z" + name[36:]
    (there / lying).write_text("named like ours, and no backup")
    (there / (name[:17] + "-2020-01-02T000000Z" + name[36:])).symlink_to(there / name)
    rule = "3 daily 2 weekly 4 monthly"
    run("--as", "tom", "do", "set-policy", "--policy", "backups_kept", "--value", rule)
    assert run("--as", "admin", "approve", "R-00002").code == 0
    before = {file.path: file.day for file in backups.backup_files(there, name[9:17]) if file.path.name != lying}
    answer = made(run).document
    kept = [file for file in backups.backup_files(there, name[9:17]) if file.path.name != lying]
    of_days = sorted([*before.values(), max(file.day for file in kept)], reverse=True)  # with the one made just now
    assert {file.day for file in kept} == {of_days[place] for place in retention.kept(of_days, rules_of(rule))}
    assert Path(answer["place"]).exists() and lying in " ".join(answer["notes"])
    assert all((there / stranger).exists() for stranger in (*strangers, lying, "anchors.log"))
    assert len(answer["removed"]) + len(kept) == 401


def test_a_damaged_newer_backup_takes_no_good_ones_place(run: Run, keyed: Path, folder: Path) -> None:
    good = Path(made(run).document["place"])
    bank = Bank.open(str(keyed))
    try:
        with bank.read() as books:
            good.write_bytes(good.read_bytes()[:-1])
            removed, odd = backups.remove_superfluous(good.parent, books, bank.book, good.with_name("other"))
    finally:
        bank.close()
    assert (removed, odd) == ([], [good])


# --------------------------------------------------------------------------------------- status


def test_the_status_tells_how_old_the_last_backup_is(run: Run, keyed: Path, folder: Path) -> None:
    fresh = run("backup", "--status")
    assert fresh.code == 0 and "never" in fresh.out and "never backed up" in fresh.err
    made(run)
    told = run("backup", "--status")
    assert told.code == 0 and "days old" not in told.err and "7 daily 5 weekly 12 monthly" in told.out
    found = json.loads(run("backup", "--status", "--json").out)
    assert (found["old"], found["files"], found["limit"]) == (False, 1, 7)
    assert set(found["disk_encrypted"]) == {"books", "backups"}


# --------------------------------------------------------------------------------------- unseal


def test_a_sealed_file_is_opened_with_a_sign_in(run: Run, keyed: Path, folder: Path) -> None:
    made(run, "copy.db.sealed")
    assert run("unseal", "copy.db.sealed").code == 1
    assert run("--as", "sue", "unseal", "copy.db.sealed").code == 1
    assert not (folder / "copy.db").exists()


def test_a_sealed_file_is_opened_into_a_file_of_its_own(run: Run, keyed: Path, folder: Path) -> None:
    made(run, "copy.db.sealed")
    opened = run("--as", "tom", "unseal", "copy.db.sealed")
    assert opened.code == 0, opened.err
    assert_books(folder / "copy.db")
    assert stat.S_IMODE((folder / "copy.db").stat().st_mode) == 0o600
    assert run("--as", "tom", "unseal", "copy.db.sealed").code == 1, "there is one already"
    assert run("--as", "tom", "unseal", "ledger.db").code == 4
    assert run("--as", "tom", "unseal", "nowhere").code == 4
    key, there = key_file(folder), folder / "there"
    there.mkdir()
    shutil.copy(folder / "copy.db.sealed", there)
    shutil.copy(key, there)
    away = run("--db", "there/lost.db", "--as", "tom", "unseal", "there/copy.db.sealed", "there/x", "--json")
    assert away.code == 0 and Path(away.document["place"]) == Path("there/x"), "the books themselves need not be there"


# ------------------------------------------------------------------------- killed, and no room


def test_a_kill_at_any_step_leaves_no_half_file(keyed: Path, folder: Path, run: Run) -> None:
    """Under its name there is a whole backup or none; what was left is taken away by the next one."""
    environment = {name: os.environ[name] for name in ("COOPBANK_PASSPHRASE", "XDG_STATE_HOME")}
    arguments = ["--db", str(keyed), "--as", "tom", "backup"]
    job = {"folder": str(folder), "arguments": arguments, "env": environment}
    now = datetime.now(UTC)  # it gives a backup its name
    with Hands() as hands:
        (done,) = hands.all("", "command", at=0, now=now.isoformat(), **job)
        assert done["code"] == 0 and done["steps"] > 24, done
        for step in range(1, 13):
            then = (now + timedelta(minutes=step)).isoformat()
            said = list(hands.work("", "command", at=step * done["steps"] // 13, now=then, **job))
            assert [each["status"] for each in said if "dead" in each] == [-signal.SIGKILL], said
    files = list((folder / FOLDER).glob("coopbank-*"))
    assert files
    for number, file in enumerate(files):
        answer = run("--db", f"restored-{number}.db", "--as", "tom", "restore", str(file))
        assert answer.code == 0, answer.err
    assert run("--as", "tom", "backup").code == 0
    assert not list(folder.glob(f"{SCRATCH}*"))


@pytest.mark.parametrize("full_in", ["the copy", "the encrypted file"])
def test_a_full_disk_leaves_nothing(run: Run, keyed: Path, folder: Path, full_in: str) -> None:
    """No file may grow beyond so many bytes; the encrypted one is a little larger than the copy."""
    made(run, "plain.db", "--plain")
    room = 50_000 if full_in == "the copy" else (folder / "plain.db").stat().st_size + 10

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    done = subprocess.run(
        [str(PROGRAM), "backup", "copy.db"], capture_output=True, text=True, check=False,
        preexec_fn=limit,
    )  # fmt: skip
    assert done.returncode == 4, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "copy.db").exists()


def test_a_disk_that_is_full_at_the_end_leaves_nothing(
    run: Run, keyed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        answer = run("backup", "copy.db")
    assert (answer.code, "no space left" in answer.err) == (4, True)
    assert not (folder / "copy.db").exists()


def test_an_anchor_that_cannot_be_kept_is_told(
    run: Run, keyed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / FOLDER).mkdir()
    (folder / FOLDER / "anchors.log").mkdir()
    answer = made(run).document
    assert any("No anchor was kept" in note for note in answer["notes"])
    (folder / FOLDER / "anchors.log").rmdir()


def test_what_is_recorded_of_a_copy_is_of_these_books(keyed: Path) -> None:
    bank = Bank.open(str(keyed))
    try:
        claim = RecordBackup(
            file="x", at="2026-03-05T22:10:31Z", number=2, head="0" * 16, sha256="0" * 64, size=1, encrypted=True
        )
        with pytest.raises(CoopbankError, match="do not say"):
            bank.record_copy(Actor("tom", ()), claim)
        with pytest.raises(CoopbankError, match="done by the program"):
            bank.perform(Actor("tom", ("treasurer",)), claim)
    finally:
        bank.close()


@pytest.mark.parametrize("harm", ["gone", "cut", "another"])
def test_a_backup_that_nobody_could_open_says_so(keyed: Path, run: Run, folder: Path, harm: str) -> None:
    """It is encrypted with the public key in the books, and would open with a good copy of the file only."""
    key = key_file(folder)
    whole = key.read_text()
    assert made(run).document["notes"] == []
    if harm == "gone":
        key.unlink()
    else:
        key.write_text(whole[:200] if harm == "cut" else whole.replace('"seal": "', '"seal": "00'))
    [note] = made(run).document["notes"]
    assert key.name in note and "nobody can open this backup" in note
    assert made(run, "plain.db", "--plain").document["notes"] == []


# ------------------------------------------------------------------------- folders of another time


def test_in_a_folder_whose_name_is_no_text_books_are_copied_moved_and_taken_back(
    run: Run, folder: Path, furnished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named on a system that wrote Latin-1, say. On the command line nobody can name it; but one may stand in it."""
    odd = folder / os.fsdecode(b"jos\xe9")
    try:
        odd.mkdir()
    except OSError:
        pytest.skip("this file system holds nothing but UTF-8")
    shutil.copy(furnished, odd / "ledger.db")
    monkeypatch.chdir(odd)
    assert run("--as", "admin", "backup").code == 0
    assert run("--as", "admin", "drill").code == 0
    assert run("--db", "copy.db", "restore", str(next(Path("backups").glob("*.db")))).code == 0
    assert_books(odd / "copy.db")
    assert run("--as", "admin", "move", "--to", "new.db").code == 0
    assert run("--as", "admin", "move", "--back", "--json").error["code"] == "books-live-on"
    (odd / "new.db").unlink()
    assert run("--as", "admin", "move", "--back", "--lost").code == 0
    assert_books(odd / "ledger.db")
