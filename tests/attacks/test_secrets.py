"""Files that others may not read, secrets that nobody is told, and a sign-in that does not say who there is."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from coopbank.cli import main
from coopbank.errors import SignInRefused
from tests.support_bank import PASSPHRASE, SmallBank

PROGRAM = Path(sys.executable).with_name("coopbank")
NAMES = ("Mia Lee", "Noa Banks", "Oto Cole", "Cora Quist", "12-3456789", "601 555 0101", "Farish Street")
COMMANDS = (
    ("login",), ("keys", "make"), ("backup", "copy.db", "--plain"), ("backup",), ("export", "jsonl", "out"),
    ("export", "pack", "pack"), ("statements", "--month", "2026-03", "--print", "print/all.pdf"), ("trial-balance",),
    ("keys", "show", "--pem", "key.pem"), ("verify",),
)  # fmt: skip


@dataclass
class Written:
    """A folder, and what the program said while it wrote there."""

    folder: Path
    said: list[str]


@pytest.fixture(scope="module")
def written(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Everything that the program writes was written, under a umask that forbids nothing."""
    place = Written(tmp_path_factory.mktemp("secrets"), [])
    (place.folder / "ledger.db").write_bytes(furnished.read_bytes())
    (place.folder / "ledger.db").chmod(0o600)
    before = os.umask(0)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(place.folder)
            for name, value in (("HOME", ""), ("XDG_STATE_HOME", "state"), ("XDG_CONFIG_HOME", "config")):
                patch.setenv(name, str(place.folder / value))
            patch.setenv("COOPBANK_PASSPHRASE", PASSPHRASE)
            given(place, "init", "--name", "Other", "--admin", "eve", db="new.db")
            for command in COMMANDS:
                given(place, *command)
    finally:
        os.umask(before)
    return place


def given(place: Written, *command: str, db: str = "ledger.db") -> None:
    """Give a command as the administrator. Some may be refused; what they say is kept all the same."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(out):
        main(["--db", db, "--as", "admin", *command])
    assert "Traceback" not in out.getvalue()
    place.said.append(out.getvalue())


def test_every_file_is_its_owner_s_alone(written: Written) -> None:
    """Whatever the umask is: none of them can be read by a group or by others."""
    files = [file for file in written.folder.rglob("*") if file.is_file()]
    ends = {file.suffix for file in files}
    assert {".db", ".key", ".sealed", ".log", ".pdf", ".jsonl", ".xlsx", ".csv", ".json", ".pem"} <= ends
    assert {"new.db", "all.pdf"} <= {file.name for file in files}
    open_to_others = {
        str(file.relative_to(written.folder)): oct(mode)
        for file in files
        if (mode := stat.S_IMODE(file.stat().st_mode)) & 0o077
    }
    assert open_to_others == {}
    folders = [path for path in written.folder.rglob("*") if path.is_dir()]
    assert len(folders) > 5 and not [str(each) for each in folders if stat.S_IMODE(each.stat().st_mode) & 0o022]


def test_no_passphrase_and_no_token_is_printed_or_kept(written: Written) -> None:
    kept = (written.folder / "state" / "coopbank" / "sign-ins.json").read_text()
    token = kept.partition('"token": "')[2].partition('"')[0]
    assert len(token) > 20
    for text in written.said:
        assert PASSPHRASE not in text and token not in text
    for file in written.folder.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert PASSPHRASE.encode() not in content, file
            assert token.encode() not in content or file.name == "sign-ins.json", file


def test_what_is_sealed_and_what_anchors_say_name_nobody(written: Written) -> None:
    """Log and heads carry numbers, in what is exported of them too."""
    files = [file for file in written.folder.rglob("*") if file.name == "operations.jsonl" or file.suffix == ".log"]
    assert len(files) >= 2
    for file in files:
        content = file.read_text(encoding="utf-8")
        assert not [name for name in NAMES if name in content], file


def test_other_users_of_the_machine_see_no_secret_in_the_list_of_processes(furnished: Path, tmp_path: Path) -> None:
    """While it runs, its command line is what was typed: passphrases come by the environment or the terminal."""
    environment = dict(os.environ, COOPBANK_PASSPHRASE=PASSPHRASE, XDG_STATE_HOME=str(tmp_path))
    command = [str(PROGRAM), "--db", str(furnished), "--as", "admin", "do", "--json", "-"]
    running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env=environment)  # fmt: skip
    try:
        line = Path(f"/proc/{running.pid}/cmdline")
        if not line.exists():
            pytest.skip("this system has no /proc")
        while b"coopbank" not in line.read_bytes():  # for a moment it has none
            assert running.poll() is None
            time.sleep(0.01)
        assert PASSPHRASE.encode() not in line.read_bytes()
        assert stat.S_IMODE(Path(f"/proc/{running.pid}/environ").stat().st_mode) & 0o077 == 0
    finally:
        running.communicate(b"not JSON")  # which is not what is looked at here, however long it takes


# ------------------------------------------------------------------------------------------------------------ sign-in


def test_all_of_them_are_told_the_same(small: SmallBank) -> None:
    told = set()
    for user in ("admin", "nobody", "sue", "", "a'; DROP TABLE credential; --"):
        with pytest.raises(SignInRefused) as refused:
            small.bank.authenticate(user, "wrong horse battery")
        told.add(str(refused.value))
    assert len(told) == 1
