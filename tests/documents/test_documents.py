"""The generated documents say what the program does today."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.documents import DOCUMENTS

FOLDER = Path(__file__).parents[2] / "docs"
A_PAGE = 66  # lines of a printed page
A_QUARTER_OF_AN_HOUR = 400  # lines that somebody reads in it


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name != "errors.md"])  # that one: test_gallery.py
def test_document_is_current(name: str, tmp_path: Path) -> None:
    kept = (FOLDER / name).read_text(encoding="utf-8")
    assert kept == DOCUMENTS[name](str(tmp_path / "book.db")), f"docs/{name} is out of date: run make docs"


def test_how_lending_works_is_read_in_one_go() -> None:
    lines = (FOLDER / "lending.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) < A_QUARTER_OF_AN_HOUR
    assert max(len(line) for line in lines if not line.startswith("|")) <= 125


def test_by_hand_the_loan_stands_where_the_books_have_it() -> None:
    """The script for auditors, which knows only the exported log, comes to account 701."""
    printed = (FOLDER / "lending.md").read_text(encoding="utf-8").rpartition("$ python3 loan.py")[2]
    left, posted = re.findall(r"left +([0-9.]+)", printed)[-1], re.search(r"posted:.* 701 ([0-9.]+)", printed)
    assert posted is not None
    assert posted[1] == left


def test_one_repayment_fits_a_page() -> None:
    assert len((FOLDER / "one-repayment.md").read_text(encoding="utf-8").splitlines()) <= A_PAGE
