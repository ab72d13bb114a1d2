"""A small bank in a file for each test, and the program run in this process or as a real one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from coopbank.bank import passphrases
from coopbank.bank.verify import verify
from coopbank.cli import main
from coopbank.database import Database
from coopbank.ledger.verify import wrong
from tests.support_bank import PASSPHRASE, SmallBank, new_bank

PROGRAM = Path(sys.executable).with_name("coopbank")


@dataclass(frozen=True)
class Answer:
    """What a run of the program came to."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = self.document["error"]
        return found


Run = Callable[..., Answer]


def furnish(small: SmallBank) -> None:
    """Members, savings, a loan and something that waits; passphrases for two of the staff."""
    with small.bank.database.write() as tx:
        for user in ("ana", "tom"):
            passphrases.set_passphrase(tx, user, PASSPHRASE)
    mia = small.admit("Mia <b>Lee</b> [red]", phone="601 555 0101")
    small.admit("José \u202eNúñez")
    small.do("buy-shares", member=mia, amount="25.00")
    small.do("open-savings", member=mia)
    small.do("deposit", member=mia, amount="150.00", memo='=1+1, "paid"')
    small.do("receive-gift", by=small.tom, fund="RLF", amount="9000.00", donor="A Foundation", tender="transfer")
    loan = {"member": mia, "principal": "1200.00", "annual_rate": "6", "installments": 12}
    small.agreed("grant-loan", **loan)
    small.do("disburse-loan", by=small.tom, loan="L-001", tender="transfer")
    small.ask("redeem-shares", member=mia, amount="25.00")


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that every test gets a copy of."""
    place = tmp_path_factory.mktemp("cli") / "ledger.db"
    with pytest.MonkeyPatch.context() as patch:
        # Signing in checks a passphrase at the cost that its hash names: a cheap one here, for speed.
        patch.setattr(passphrases, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        with new_bank(str(place)) as small:
            furnish(small)
    assert_books(place)
    return place


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with state of its own and a passphrase for scripts."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COOPBANK_PASSPHRASE", PASSPHRASE)
    return tmp_path


@pytest.fixture
def books(folder: Path, furnished: Path) -> Iterator[Path]:
    """`ledger.db` in the folder: the furnished bank. Books that a test changed prove themselves at its end."""
    place = folder / "ledger.db"
    shutil.copy(furnished, place)
    yield place
    if place.read_bytes() != furnished.read_bytes():
        assert_books(place)


def assert_books(place: Path) -> None:
    database = Database.open(str(place))
    try:
        found = wrong(verify(database))
    finally:
        database.close()
    assert not found, found


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """The program in this process: `run("members", "--json").document`."""

    def in_process(*arguments: str) -> Answer:
        capsys.readouterr()
        code = main(arguments)
        printed = capsys.readouterr()
        assert "Traceback" not in printed.out + printed.err
        return Answer(code, printed.out, printed.err)

    return in_process


def program(*arguments: str, **options: Any) -> Answer:
    """The program as users start it."""
    done = subprocess.run(
        [str(PROGRAM), *arguments], capture_output=True, text=True, check=False, timeout=60,
        **{"stdin": subprocess.DEVNULL, "env": dict(os.environ)} | options,
    )  # fmt: skip
    assert "Traceback" not in done.stdout + done.stderr
    return Answer(done.returncode, done.stdout, done.stderr)


def operations_in(place: Path) -> int:
    """How many operations the books hold."""
    database = Database.open(str(place), read_only=True)
    try:
        with database.read() as tx:
            return int(tx.value("SELECT count(*) FROM operation"))
    finally:
        database.close()


def kinds_in(place: Path) -> list[str]:
    """The kinds of the operations in their order."""
    database = Database.open(str(place), read_only=True)
    try:
        with database.read() as tx:
            return [kind for (kind,) in tx.rows("SELECT kind FROM operation ORDER BY id")]
    finally:
        database.close()


__all__ = ["PASSPHRASE", "Answer", "Run", "assert_books", "kinds_in", "operations_in", "program"]
