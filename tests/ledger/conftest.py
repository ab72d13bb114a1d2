"""Books for the tests of the ledger."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ledger.support import Books, new_books, plain_postgresql


@pytest.fixture
def books(engine_url: str) -> Iterator[Books]:
    """Fresh books with an open day and 100.00 in the drawer, on SQLite and on PostgreSQL."""
    with new_books(engine_url) as made:
        yield made


@pytest.fixture(scope="module")
def _standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with contextlib.ExitStack() as ending:
        yield {"ending": ending, "folder": tmp_path_factory.mktemp("standing")}


@pytest.fixture
def still_books(engine_kind: str, _standing: dict[str, Any], request: pytest.FixtureRequest) -> Iterator[Books]:
    """The same books for every test of a module on one engine: for tests that must change nothing.

    A test that did change them fails here, and the next one gets fresh books.
    """
    if engine_kind not in _standing:
        ending: contextlib.ExitStack = _standing["ending"]
        place = str(Path(_standing["folder"], f"book{len(_standing)}.db"))
        if engine_kind == "postgresql":
            place = ending.enter_context(_database(request.getfixturevalue("postgresql_url"), f"still_{os.getpid()}"))
        _standing[engine_kind] = ending.enter_context(new_books(place))
    books: Books = _standing[engine_kind]
    before = books.dump()
    yield books
    if books.dump() != before:
        del _standing[engine_kind]
        pytest.fail("the attack changed the books")


@contextlib.contextmanager
def _database(server: str, name: str) -> Iterator[str]:
    with plain_postgresql(server) as connection:
        connection.autocommit = True
        connection.execute(f'drop database if exists "{name}" with (force)')
        connection.execute(f'create database "{name}" template template0')
    yield server.replace("/postgres?", f"/{name}?")
    with plain_postgresql(server) as connection:
        connection.autocommit = True
        connection.execute(f'drop database if exists "{name}" with (force)')
