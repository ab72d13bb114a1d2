"""From a spreadsheet into the books on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from coopbank.bank import passphrases
from coopbank.exchange import template
from tests.cli.conftest import Run, assert_books
from tests.support_bank import PASSPHRASE, new_bank


@pytest.fixture
def empty(folder: Path) -> Iterator[Path]:
    """A bank on its first day; ana, tom and sue can sign in."""
    place = folder / "ledger.db"
    with new_bank(str(place)) as bank, bank.bank.database.write() as tx:
        for user in ("ana", "tom", "sue"):
            passphrases.set_passphrase(tx, user, PASSPHRASE)
    yield place
    assert_books(place)


def test_from_the_templates_to_the_balance_sheet(run: Run, empty: Path, folder: Path) -> None:
    for kind, by in (("members", "ana"), ("shares", "tom"), ("savings", "tom"), ("loans", "tom")):
        printed = run("import", kind, "--template")
        assert printed.code == 0 and printed.out == template(kind)
        (folder / f"{kind}.csv").write_text(printed.out)
        tried = run("--as", by, "import", kind, f"{kind}.csv", "--dry-run", "--report", "report.csv")
        assert tried.code == 0 and "nothing was changed" in tried.out, tried.err
        assert (folder / "report.csv").read_text().splitlines()[1] == "2,good,,,"
        done = run("--as", by, "import", kind, f"{kind}.csv", "--as-of", "2026-03-02", "--json") if kind != "members" \
            else run("--as", by, "import", kind, f"{kind}.csv", "--control-count", "4", "--json")  # fmt: skip
        assert done.code == 0, done.out
        for request in done.document["requests"]:
            assert run("--as", "sue", "approve", request).code == 0
    assert run("import", "--template", "loans", "--json").document["kind"] == "loans"
    assert "3000.00" in run("loan", "L-003", "--json").out


def test_somebody_elses_columns(run: Run, empty: Path, folder: Path) -> None:
    (folder / "theirs.csv").write_text("Who;Since;Remarks\nLena Moss;3/14/2020;knits\n")
    words = ("--as", "ana", "import", "members", "theirs.csv")
    refused = run(*words)
    assert refused.code == 1 and "column Remarks" in refused.err and "--ignore" in refused.err
    kept = {"columns": {"Who": "member_name", "Since": "joined_on"}, "dates": "us"}
    (folder / "map.json").write_text(json.dumps(kept))
    assert run(*words, "--map-file", "map.json", "--ignore", "Remarks", "--dry-run").code == 0
    said = ("--map", "Who=member_name", "--map", "Since=Member since", "--ignore", "remarks", "--dates", "us")
    assert run(*words, *said).code == 0
    assert run("member", "M0001", "--json").document["joined_on"] == "2020-03-14"


def test_every_total_that_does_not_agree_is_told(run: Run, empty: Path, folder: Path) -> None:
    (folder / "members.csv").write_text("name\nLena\n")
    run("--as", "ana", "import", "members", "members.csv")
    (folder / "savings.csv").write_text("member,amount\nM0001,5.00\n")
    words = ("--as", "tom", "import", "savings", "savings.csv", "--control-count", "2", "--control-total")
    refused = run(*words, "6.00", "--report", "report.csv")
    assert refused.code == 1
    assert "1 rows" in refused.err and "come to 5.00" in refused.err
    lines = (folder / "report.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in lines[1:]] == [["", "refused"], ["", "refused"], ["2", "good"]]
    assert run(*words, "much", "--json").error["field"] == "control_total"


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("import", "members"), "file"), (("import", "houses", "--template"), "kind"),
        (("import", "members", "x.csv", "--map", "name"), "map"),
        (("import", "savings", "x.csv", "--as-of", "x"), "as_of"),
        (("import", "bank-lines", "x.csv", "--ignore", "x"), "ignore"),
        (("import", "members", "x.csv", "--closing", "1.00"), "closing"),
        (("import", "members", "x.csv", "--map-file", "none.json"), "map_file"),
        (("import", "members", "x.csv", "--report", "none/r.csv"), "report"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(run: Run, empty: Path, folder: Path, words: tuple[str, ...], field: str) -> None:
    (folder / "x.csv").write_text("name\nLena\n")
    answer = run("--as", "tom", *words, "--json")
    assert (answer.code, answer.error["field"]) == (2, field), answer.out
