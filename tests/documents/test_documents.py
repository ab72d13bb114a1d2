"""The generated documents say what the program does today."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documents import DOCUMENTS

FOLDER = Path(__file__).parents[2] / "docs"
A_PAGE = 66  # lines of a printed page


@pytest.mark.parametrize("name", DOCUMENTS)
def test_document_is_current(name: str, tmp_path: Path) -> None:
    kept = (FOLDER / name).read_text(encoding="utf-8")
    assert kept == DOCUMENTS[name](str(tmp_path / "book.db")), f"docs/{name} is out of date: run make docs"


def test_one_repayment_fits_a_page() -> None:
    assert len((FOLDER / "one-repayment.md").read_text(encoding="utf-8").splitlines()) <= A_PAGE
