"""`explain` and `loan` from the command line: sentences for people, one document for programs, refusals by name."""

from __future__ import annotations

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import PROGRAM, Run, assert_books
from tests.reports.borrowers import borrow
from tests.support_bank import new_bank

TERMS = {
    "disbursements": [{"date": "2026-01-15", "amount": "10000.00"}], "annual_rate": "5", "installments": 12,
    "every": {"months": 1}, "first_due": "2026-02-14",
}  # fmt: skip


@pytest.fixture(scope="module")
def borrowed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("loans") / "ledger.db"
    with new_bank(str(place)) as small:
        borrow(small)
    assert_books(place)
    return place


@pytest.fixture
def lent(folder: Path, borrowed: Path) -> Path:
    return Path(shutil.copy(borrowed, folder / "ledger.db"))


def recomputed(part: Any) -> Fraction:
    """What an expression of the JSON document comes to."""
    if isinstance(part, str):
        return Fraction(part)
    operation, *rest = part
    if operation == "round":
        _mode, unit, inner = rest
        value = recomputed(inner) / unit
        return Fraction(value.numerator // value.denominator if _mode == "down" else round(value)) * unit
    found = [recomputed(each) for each in rest]
    if operation == "sum":
        return sum(found, Fraction(0))
    if operation == "product":
        whole = Fraction(1)
        for each in found:
            whole *= each
        return whole
    if operation == "quotient":
        return found[0] / found[1]
    return min(found) if operation == "smallest" else max(found)


QUESTIONS = [
    ("L-001", "--row", "3"), ("L-001", "--operation", "55"), ("L-001", "--operation", "68"),
    ("l-001", "--operation", "80"), ("L-001", "--accrual", "2026-05"), ("L-001", "--payoff", "2026-08-15"),
    ("L-001", "--due"), ("L-001", "--due", "--as-of", "2026-06-30"), ("L-001", "--late-fee"), ("L-002", "--cap"),
    ("L-002", "--ceiling", "1"), ("L-002", "--operation", "94"), ("L-002", "--payoff", "2026-09-01"),
    ("L-002", "--due"), ("L-003", "--ceiling", "1"), ("L-003", "--operation", "107"), ("L-004", "--row", "4"),
    ("L-005", "--operation", "118"), ("L-006", "--accrual", "2026-05"), ("L-006", "--row", "9"),
]  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_an_answer_is_a_sentence_and_its_figures_recompute(run: Run, lent: Path, question: tuple[str, ...]) -> None:
    before = lent.read_bytes()
    people, programs = run("explain", *question), run("explain", *question, "--json")
    assert (people.code, programs.code, people.err, programs.err) == (0, 0, "", "")
    found = programs.document
    assert people.out.splitlines() == found["sentences"] and all(each.endswith(".") for each in found["sentences"])
    assert found["loan"] == question[0].upper() and found["amount"] == found["explanations"][0]["amount"]
    for each in found["explanations"]:
        assert recomputed(each["expression"]) == Fraction(each["amount"]) * 100
    assert lent.read_bytes() == before


def test_the_sentences_are_plain(run: Run, lent: Path) -> None:
    assert run("explain", "L-001", "--operation", "55").out.splitlines()[:2] == [
        "Payment of 540.00 = 83.42 of interest + 456.58 of principal.",
        "Interest of 83.42 = 12,000.00 × 7.25 % × 35 days / 365.",
    ]
    assert run("explain", "L-002", "--payoff", "2026-07-31").out == (
        "4,179.80 closes the loan on 2026-07-31 = 4,138.08 of principal + 41.72 of interest.\n"
        "Interest of 41.72 = 4,138.08 × 8 % × 46 days / 365.\n"
    )


def test_a_document_needs_no_books(run: Run, folder: Path) -> None:
    (folder / "terms.json").write_text(json.dumps(TERMS))
    found = run("explain", "terms.json", "--row", "1", "--json").document
    assert found["sentences"][1] == "Interest of 41.10 = 10,000.00 × 5 % × 30 days / 365."
    assert (found["loan"], found["as_of"]) == (None, None)
    piped = subprocess.run(
        [PROGRAM, "explain", "-", "--row", "1"], input=json.dumps(TERMS), capture_output=True, text=True, check=True
    )
    assert piped.stdout.splitlines() == found["sentences"]
    harvest = TERMS | {"months": [9, 10], "installments": 2, "first_due": "2026-09-15"}
    (folder / "harvest.json").write_text(json.dumps(harvest))
    assert "is left" in run("explain", "harvest.json", "--row", "1").out
    assert not list(folder.glob("*.db*"))


@pytest.mark.parametrize(
    ("arguments", "code", "field"),
    [
        (("L-001",), 2, "row"), (("L-001", "--row", "1", "--due"), 2, "due"), (("L-001", "--row", "x"), 2, "row"),
        (("L-001", "--row", "0"), 2, "row"), (("L-001", "--row", "99"), 1, "row"),
        (("L-001", "--accrual", "2026-13"), 2, "accrual"), (("L-001", "--payoff", "tomorrow"), 2, "payoff"),
        (("L-001", "--payoff", "2026-08-01", "--as-of", "2026-07-01"), 2, "as_of"),
        (("L-001", "--operation", "99999"), 1, "operation"), (("L-001", "--cap"), 1, "cap"),
        (("L-002", "--row", "1"), 1, "row"), (("L-002", "--ceiling", "2"), 1, "ceiling"),
        (("L-999", "--due"), 1, "loan"), (("L-001", "--due", "--as-of", "2020-01-01"), 1, "as_of"),
        (("none.json", "--row", "1"), 2, "file"), (("none.json", "--due"), 2, "due"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)  # fmt: skip
def test_what_cannot_be_explained_is_refused_by_name(
    run: Run, lent: Path, arguments: tuple[str, ...], code: int, field: str
) -> None:
    answer = run("explain", *arguments, "--json")
    assert (answer.code, answer.error["field"]) == (code, field)
    people = run("explain", *arguments)
    assert people.err.count("\n") == 1 and people.out == ""


@pytest.mark.parametrize("loan", [f"L-{number:03d}" for number in range(1, 10)])
def test_a_story_has_both_forms_on_any_day(run: Run, lent: Path, loan: str) -> None:
    people, programs = run("loan", loan), run("loan", loan, "--json")
    assert (people.code, programs.code, people.err) == (0, 0, "")
    found = programs.document
    assert people.out.startswith(f"{loan}  M0001  Pearl River Growers\n")
    assert len(found["events"]) == sum(line.startswith(tuple("0123456789 ")) for line in _table(people.out, "Counts"))
    later = run("loan", loan, "--as-of", "2027-01-01")
    assert later.code == 0 and "if nothing is paid until then:" in later.out
    if found["disbursed_on"] == "2026-03-02":
        past = run("loan", loan, "--as-of", "2026-03-19", "--json").document
        assert [each["type"] for each in past["events"]] == ["advance"]


def _table(text: str, head: str) -> list[str]:
    """The rows of a table by a word of its heading."""
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if line.lstrip().startswith("#") and head in line), len(lines))
    end = next((i for i in range(start, len(lines)) if not lines[i].strip()), len(lines))
    return lines[start + 1 : end]


def test_a_story_says_who_and_why_and_what_was_taken_back(run: Run, lent: Path) -> None:
    eased = run("loan", "L-006").out
    assert "2  2026-05-14  rate     ana       tom          annual_rate 10, now 6 (By R-12)" in eased
    assert "[taken back by 113] Payment of 50.00" in eased
    assert "Due from before this schedule: 347.74." in eased
    shared = run("loan", "L-001").out
    assert "Funds                RLF 60 %, GEN 40 %" in shared
    assert "4  2026-05-10   2026-05-20         80  ana  Payment of 300.00: interest 77.96, principal 222.04" in shared
    schedule = _table(shared, "Principal")
    assert len(schedule) == 24 and max(map(len, schedule)) <= 80
    surplus = run("loan", "L-002").out
    assert "Nothing is due: what the reports asked for is paid." in surplus
    assert "Cap of all cost   2,000.00" in surplus
    assert "M20    charged off, still owed" in run("loan", "L-005").out
