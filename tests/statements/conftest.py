"""The small demonstration bank that the documents are drawn from, built once for each process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.statements.village import Village, build


@pytest.fixture(scope="session")
def village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    made = build(tmp_path_factory.mktemp("village") / "ledger.db")
    yield made
    made.bank.close()
