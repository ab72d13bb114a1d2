"""The loan calculators from the command line: moved dates, seasons, the Truth in Lending box."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run

TERMS: dict[str, Any] = {
    "disbursements": [{"date": "2026-01-15", "amount": "12000.00"}], "annual_rate": "7.25", "installments": 6,
    "every": {"months": 1}, "first_due": "2026-02-01",
}  # fmt: skip
FARM: dict[str, Any] = {
    "disbursements": [{"date": "2026-03-15", "amount": "9000.00"}], "annual_rate": "6", "installments": 6,
    "months": [9, 10, 11],
}  # fmt: skip


@pytest.fixture
def terms(folder: Path) -> str:
    (folder / "terms.json").write_text(json.dumps(TERMS))
    return "terms.json"


def test_due_dates_move_and_amounts_do_not(run: Run, terms: str) -> None:
    plain = run("schedule", terms, "--json").document
    moved = run("schedule", terms, "--adjust", "following", "--json").document
    us = ("--adjust", "following", "--holidays", "US", "--subdivision", "MS")
    first = [document["installments"][0]["due"] for document in (plain, moved)]
    assert first == ["2026-02-01", "2026-02-02"]  # a Sunday
    for document in (moved, run("schedule", terms, *us, "--json").document):
        for row, before in zip(document["installments"], plain["installments"], strict=True):
            assert {**row, "due": ""} == {**before, "due": ""}
        assert (document["totals"], document["apr"]) == (plain["totals"], plain["apr"])
    rows = list(csv.DictReader(io.StringIO(run("schedule", terms, *us, "--csv").out)))
    assert rows[0]["due"] == "2026-02-02" and "2026-02-02" in run("schedule", terms, *us).out


def test_a_seasonal_loan_is_drawn_up(run: Run, folder: Path) -> None:
    (folder / "farm.json").write_text(json.dumps(FARM))
    found = run("schedule", "farm.json", "--json").document
    assert {row["due"][5:7] for row in found["installments"]} == {"09", "10", "11"}
    assert found["totals"]["principal"] == "9000.00" and "2027-11-15" in run("schedule", "farm.json").out
    (folder / "farm.json").write_text(json.dumps({**FARM, "months": [13]}))
    assert run("schedule", "farm.json", "--json").error["field"] == "months.0"


def test_the_box_has_four_figures_and_the_payments(run: Run, terms: str) -> None:
    drawn = run("schedule", terms, "--json").document
    box = run("schedule", terms, "--box", "--json").document
    assert (box["finance_charge"], box["amount_financed"]) == (drawn["totals"]["interest"], "12000.00")
    assert box["total_of_payments"] == drawn["totals"]["payment"] and box["apr"] == "7.10"
    dearer = run("schedule", terms, "--box", "--prepaid", "100.00", "--json").document
    assert (dearer["amount_financed"], dearer["apr"]) == ("11900.00", "10.42")
    shown = run("schedule", terms, "--box").out
    for words in ("Annual percentage rate", "Finance charge", "Amount financed", "Total of payments", "12,218.44"):
        assert words in shown


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (["--holidays", "US"], "holidays"), (["--subdivision", "MS"], "subdivision"), (["--prepaid", "1"], "prepaid"),
        (["--adjust", "following", "--subdivision", "MS"], "subdivision"),
        (["--adjust", "following", "--holidays", "Mars"], "holidays"),
        (["--adjust", "following", "--holidays", "US", "--subdivision", "Mars"], "subdivision"),
        (["--adjust", "sideways"], "adjust"), (["--box", "--csv"], "csv"),
    ],
)  # fmt: skip
def test_options_that_cannot_be_are_named(run: Run, terms: str, options: list[str], field: str) -> None:
    answer = run("schedule", terms, *options, "--json")
    assert (answer.code, answer.error["field"]) == (2, field)


def test_impossible_prepaid_charges_are_refused(run: Run, terms: str) -> None:
    for amount in ("12000.00", "-1", "x"):
        answer = run("schedule", terms, "--box", "--prepaid", amount, "--json")
        assert (answer.code, answer.error["field"]) == (1, "prepaid")


def test_without_the_library_a_plain_sentence(run: Run, terms: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "holidays", None)
    answer = run("schedule", terms, "--adjust", "following", "--holidays", "US")
    assert answer.code == 2 and "not installed" in answer.err and "coopbank[holidays]" in answer.err
    assert run("schedule", terms, "--adjust", "following").code == 0
