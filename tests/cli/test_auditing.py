"""The auditor's commands: tests, roll-forward, samples, campaigns."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from coopbank.bank.bank import Bank
from coopbank.clock import SetClock
from coopbank.reports.audit import TESTS
from tests.cli.conftest import Run
from tests.support_bank import NOON, SmallBank

DAY = "2026-03-02"


@pytest.fixture
def asked(books: Path) -> Path:
    """The furnished bank, with a campaign in which somebody differs."""
    clock = SetClock(datetime.combine(date.fromisoformat(DAY), NOON))
    small = SmallBank(Bank.open(str(books), clock=clock), clock)
    try:
        small.do("start-campaign", small.sue, form="positive", population="savings", seed="river 42", size=1)
        small.do("record-reply", small.sue, campaign="V-001", about="905/M0001", reply="differs", amount="140.00")
    finally:
        small.bank.close()
    return books


def test_all_tests_in_a_table(books: Path, run: Run) -> None:
    answer = run("audit")
    assert answer.code == 0
    for name in TESTS:
        assert f"\n{name} " in answer.out
    assert "the time zone CST/CDT" in answer.out
    assert "Round amounts: " in answer.out and "9,000.00" in answer.out


def test_one_test_as_a_document(books: Path, run: Run) -> None:
    found = run("audit", "round-amounts", "--from", DAY, "--to", DAY, "--json").document
    (result,) = found["results"]
    assert (result["name"], result["found"], result["of"]) == ("round-amounts", 1, "entries")
    assert {row["amount"] for row in result["rows"]} == {"9000.00"}
    assert run("audit", "round-amounts", "--from", "2026-04-01", "--json").document["results"][0]["found"] == 0


def test_rows_may_be_limited(books: Path, run: Run) -> None:
    whole = run("audit", "rare-accounts")
    few = run("audit", "rare-accounts", "--limit", "1")
    assert "more." in few.out and len(few.out.splitlines()) < len(whole.out.splitlines())


def test_which_tests_there_are(books: Path, run: Run) -> None:
    assert [each["test"] for each in run("audit", "--tests", "--json").document] == list(TESTS)
    assert "gaps: A number that is missing" in run("audit", "--tests").out


def test_a_test_that_there_is_not(books: Path, run: Run) -> None:
    answer = run("audit", "tea-leaves", "--json")
    assert answer.code == 1 and answer.error["field"] == "test"
    assert run("audit", "--from", "2026-03-02", "--to", "2026-03-01").code == 1


def test_roll_forward(books: Path, run: Run) -> None:
    answer = run("roll-forward")
    assert "Difference" in answer.out and "Members' savings" in answer.out
    document = run("roll-forward", "--from", DAY, "--json").document
    assert document["difference"] == []
    assert {line["beginning"] for line in document["lines"]} == {"0.00"}


def test_a_sample_is_drawn_and_drawn_again(books: Path, run: Run) -> None:
    first = run("sample", "all", "--seed", "river 42", "--size", "2", "--json").document
    assert first == run("sample", "all", "--seed", "river 42", "--size", "2", "--json").document
    assert {"905/M0001": "150.00", "L-001": "1200.00"}.items() >= {
        each["account"]: each["balance"] for each in first["sample"]
    }.items()
    assert (first["count"], first["total"]) == (3, "1375.00")
    told = run("sample", "all", "--seed", "river 42", "--interval", "100.00")
    assert "Interval" in told.out and "100.00" in told.out and "river 42" in told.out
    random = run("sample", "savings", "--seed", "s", "--size", "1", "--random", "--json").document
    assert [each["account"] for each in random["sample"]] == ["905/M0001"]
    assert random["interval"] is None


def test_a_sample_of_a_past_day(books: Path, run: Run) -> None:
    found = run("sample", "all", "--seed", "s", "--size", "2", "--as-of", "2026-03-01", "--json").document
    assert (found["count"], found["sample"]) == (0, [])


def test_no_campaign_yet(books: Path, run: Run) -> None:
    answer = run("campaign")
    assert (answer.code, answer.out) == (0, "") and "Nobody was asked" in answer.err


def test_the_control_sheet(asked: Path, run: Run) -> None:
    told = run("campaign", "v-001").out
    assert "Control sheet of campaign V-001" in told
    assert "the same" in told and "to be looked into" in told
    document = run("campaign", "V-001", "--json").document
    assert (document["asked"][0]["difference"], document["drawn_again"], document["unresolved"]) == ("10.00", True, 1)
    assert [each["ref"] for each in run("campaign", "--json").document["campaigns"]] == ["V-001"]
    assert "V-001" in run("campaign").out


def test_the_letters(asked: Path, run: Run, folder: Path) -> None:
    answer = run("campaign", "V-001", "--letters", "--print", "all.pdf", "--json")
    assert [Path(file).name for file in answer.document["files"]] == ["M0001-confirmation-2026-03-02.pdf"]
    assert (folder / "all.pdf").exists()
    assert run("campaign", "V-001", "--letters", "--folder", "other").out.startswith("other/2026-03/M0001")
    assert run("campaign", "--letters").code == 2
