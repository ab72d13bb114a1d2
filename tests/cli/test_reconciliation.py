"""A bank's file and its reconciliation on the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from coopbank.bank import passphrases
from tests.cli.conftest import Run, assert_books
from tests.support_bank import PASSPHRASE, new_bank

TABLE = "Posted,What,Amount USD\n03/02/2026,MANY [b]FRIENDS[/b],900.00\n03/02/2026,FEE,(12.00)\n"
OPTIONS = ("--map", "date=Posted", "--map", "amount=Amount USD", "--map", "text=What", "--dates", "mdy",
           "--closing", "888.00", "--account", "FIRST")  # fmt: skip


@pytest.fixture
def received(folder: Path) -> Iterator[Path]:
    """Two gifts on 2 March by transfer, of 900.00 and of 70.00."""
    place = folder / "ledger.db"
    with new_bank(str(place)) as bank:
        for amount in ("900.00", "70.00"):
            bank.do("receive-gift", by=bank.tom, amount=amount, donor="Many", tender="transfer")
        with bank.bank.database.write() as tx:
            for user in ("tom", "sue"):
                passphrases.set_passphrase(tx, user, PASSPHRASE)
    (folder / "bank.csv").write_text(TABLE)
    yield place
    assert_books(place)


def test_from_the_file_to_the_statement(run: Run, received: Path) -> None:
    tried = run("--as", "tom", "import", "bank-lines", "bank.csv", *OPTIONS, "--dry-run")
    assert tried.code == 0 and "nothing was changed" in tried.out
    assert run("reconciliation").code == 1
    assert run("--as", "tom", "import", "bank-lines", "bank.csv", *OPTIONS).code == 0
    again = run("--as", "tom", "import", "bank-lines", "bank.csv", *OPTIONS, "--json").document
    assert (again["rows"], again["done"], again["repeated"]) == (2, 0, 1)
    said = run("reconciliation", "FIRST")
    for line in (
        r"Bank reconciliation of FIRST, 2026-03-02", r"Balance by the bank +888\.00",
        r"\+ deposits in transit +970\.00",
        r"- not yet in the books +888\.00", r"= balance by the books +970\.00", r"Difference +0\.00", r"Signed +no",
        r"1\.1 +2026-03-02 +0 +900\.00 +Gift G-01",
        r"BS-00001\.1 +2026-03-02 +0 +900\.00 +MANY \[b\]FRIENDS\[/b\] +1\.1 +amount, date",
    ):  # fmt: skip
        assert re.search(line, said.out), f"{line}\n{said.out}"
    found = run("reconciliation", "--json").document
    assert (found["by_bank"], found["difference"], found["lines"][1]["amount"]) == ("888.00", "0.00", "-12.00")
    best = found["lines"][0]["suggestions"][0]
    assert best == {"entries": ["1.1"], "days": 0, "by": ["amount", "date"]}
    assert run("--as", "tom", "do", "match-bank-line", "--lines", "BS-00001.1", "--entries", *best["entries"]).code == 0
    sign = ("do", "sign-reconciliation", "--on", "2026-03-02", "--balance", "888.00")
    assert run("--as", "tom", *sign).code == 0
    assert run("--as", "sue", "do", "review-reconciliation", "--on", "2026-03-02").code == 0
    said = run("reconciliation", "--as-of", "2026-03-02")
    assert re.search(r"Signed by +tom, 2026-03-02\nReviewed by +sue, 2026-03-02", said.out), said.out
    assert "BS-00001.1" not in said.out


@pytest.mark.parametrize(("words", "field", "code"), [
    (("reconciliation", "NONE"), "bank_account", 1),
    (("reconciliation", "--as-of", "tomorrow"), "as_of", 2),
    (("--as", "tom", "import", "bank-lines", "bank.csv", "--map", "Posted"), "map", 2),
    (("--as", "tom", "import", "bank-lines", "bank.csv", "--map", "colour=What"), "map", 2),
    (("--as", "tom", "import", "bank-lines", "bank.csv", "--closing", "1,00"), "closing", 2),
    (("--as", "tom", "import", "bank-lines", "bank.csv", "--from", "x"), "from", 2),
    (("--as", "tom", "import", "members", "bank.csv", "--opening", "1.00"), "opening", 2),
    (("--as", "tom", "import", "bank-lines", "bank.csv", "--account", "NONE", "--dates", "mdy"), "account", 1),
])  # fmt: skip
def test_what_is_wrong_is_named(run: Run, received: Path, words: tuple[str, ...], field: str, code: int) -> None:
    answer = run(*words, "--json")
    assert (answer.code, answer.error["field"]) == (code, field), answer.out
    assert run("--as", "tom", "import", "bank-lines", "bank.csv", "--dates", "soon").code == 2


def test_every_bad_row_is_named(run: Run, received: Path) -> None:
    Path("bank.csv").write_text(TABLE + "02/30/2026,x,1.00\n03/02/2026,y,z\n")
    answer = run("--as", "tom", "import", "bank-lines", "bank.csv", *OPTIONS, "--json")
    assert answer.code == 1
    assert [(fault["row"], fault["column"]) for fault in answer.error["faults"]] == [(4, "Posted"), (5, "Amount USD")]
