"""The demonstration bank: the same seed gives the same books, and two accounting programs accept them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from beancount import loader

from coopbank.bank.bank import Bank
from coopbank.bank.verify import verify
from coopbank.demo import PASSPHRASE, run_demo
from coopbank.errors import AlreadyExists
from coopbank.exchange import export
from coopbank.ledger.verify import wrong


def build(folder: Path, seed: int = 7, months: int = 4) -> tuple[Bank, list[str]]:
    """A small demonstration; four months reach the mistake that is reversed."""
    told: list[str] = []
    folder.mkdir()
    bank = run_demo(str(folder / "ledger.db"), seed=seed, members=14, months=months, echo=told.append)
    return bank, told


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return build(tmp_path_factory.mktemp("demo") / "first")[0]


def log_of(bank: Bank, folder: Path) -> bytes:
    """The exported log, byte for byte."""
    export(bank, "jsonl", folder)
    return (folder / "operations.jsonl").read_bytes()


def test_the_same_seed_gives_the_same_log_byte_for_byte(demo: Bank, tmp_path: Path) -> None:
    again, _told = build(tmp_path / "again")
    other, _told = build(tmp_path / "other", seed=8, months=1)
    assert log_of(demo, tmp_path / "a") == log_of(again, tmp_path / "b")
    assert log_of(other, tmp_path / "c") != log_of(demo, tmp_path / "d")


def test_its_books_are_right_and_tell_a_story(demo: Bank) -> None:
    assert wrong(verify(demo.database)) == []
    with demo.read() as books:
        kinds = {kind for (kind,) in books.tx.rows("SELECT DISTINCT kind FROM operation")}
        reversals = books.tx.value("SELECT count(*) FROM entry WHERE reverses_id IS NOT NULL")
    assert {
        "buy-shares",
        "deposit",
        "withdraw",
        "grant-loan",
        "repay-loan",
        "close-month",
        "issue-note",
        "reverse",
    } <= kinds
    assert reversals == 1


def test_bean_check_and_hledger_accept_its_exports(demo: Bank, tmp_path: Path) -> None:
    journal, _key = export(demo, "beancount", tmp_path / "bean")
    _entries, errors, _options = loader.load_file(str(journal))
    assert errors == []
    journal, _key = export(demo, "hledger", tmp_path / "hledger")
    program = shutil.which("hledger")
    if program:  # installed where CI runs
        done = subprocess.run(
            [program, "check", "--strict", "-f", str(journal)], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_it_never_touches_books_that_it_did_not_make(tmp_path: Path) -> None:
    mine = tmp_path / "ledger.db"
    mine.write_bytes(b"mine")
    with pytest.raises(AlreadyExists):
        run_demo(str(mine), months=1)
    assert mine.read_bytes() == b"mine"


def test_it_is_made_again_where_one_was_made_before(tmp_path: Path) -> None:
    """Somebody takes the books away and begins anew, or makes a second file beside the first: one key is both's."""
    for name in ("first.db", "second.db"):
        run_demo(str(tmp_path / name), members=2, months=1, echo=lambda _line: None).close()
    (key,) = tmp_path.glob("coopbank.*.key")
    for name in ("first.db", "second.db"):
        bank = Bank.open(str(tmp_path / name))
        bank.sign_in("imani", PASSPHRASE)
        assert bank.keys is not None and bank.key_file().path == key
        bank.close()


def test_the_same_seed_makes_the_same_log_whatever_the_hash_seed(tmp_path: Path) -> None:
    """Texts hash differently in each run of Python; nothing that is sealed may depend on it."""
    script = (
        "import sys; from coopbank.demo import PASSPHRASE, run_demo;"
        "bank = run_demo(sys.argv[1], members=4, months=1, echo=lambda _line: None);"
        "print(bank.receipt(40).head); bank.close()"
    )
    heads = set()
    for seed in ("1", "2"):
        place = tmp_path / seed / "book.db"
        place.parent.mkdir()
        ran = subprocess.run(
            [sys.executable, "-c", script, str(place)], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )  # fmt: skip
        heads.add(ran.stdout)
    assert len(heads) == 1, heads
