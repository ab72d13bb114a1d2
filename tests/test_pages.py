"""What pages name is there: tests in docs/security.md and docs/reliability.md, documents in docs/documents.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from coopbank.statements.kinds import KINDS

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("page", ["security", "reliability"])
def test_every_test_that_a_page_names_is_there(page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[a-z_/]+\.py)(?:::(\w+))?`", text)
    assert len(named) > 10
    for file, test in named:
        source = (ROOT / file).read_text(encoding="utf-8")
        assert not test or re.search(rf"^(?:async )?def {test}\(", source, re.MULTILINE), f"{file}::{test} is gone"
    assert len(re.findall(r"::", text)) == len([test for _file, test in named if test]), "written as `file::test`"


def test_the_page_of_documents_lists_every_kind() -> None:
    text = (ROOT / "docs" / "documents.md").read_text(encoding="utf-8")
    rows = "\n".join(line for line in text.splitlines() if line.startswith("| `"))
    assert [kind.name for kind in KINDS.values() if f"`{kind.name}`" not in rows or f"`{kind.code}-" not in rows] == []
