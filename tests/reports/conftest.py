"""Banks with some months of life, each made once for each engine and process; the tests here only read them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.reports.borrowers import Borrowers, borrow
from tests.reports.suspects import Suspects
from tests.reports.suspects import live as live_suspiciously
from tests.reports.town import Town, live
from tests.support_bank import assert_books, new_bank


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with new_bank(_place(request, tmp_path_factory.mktemp("town"))) as small:
        made = live(small)
        assert_books(small)
        yield made


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Borrowers]:
    """A bank with a loan of every kind; the tests only read it."""
    with new_bank(_place(request, tmp_path_factory.mktemp("loans"))) as small:
        lived = borrow(small)
        assert_books(small)
        yield lived


def _place(request: pytest.FixtureRequest, folder: Path) -> str:
    if request.param == "sqlite":
        return str(folder / "town.db")
    server: str = request.getfixturevalue("postgresql_url")
    name = f"{request.fixturename}_{os.getpid()}"
    with psycopg.connect(server.replace("+psycopg", "", 1), autocommit=True) as connection:
        connection.execute(f'drop database if exists "{name}" with (force)')
        connection.execute(f'create database "{name}" template template0')
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def suspects(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suspects]:
    """A bank in which much deserves a look; the tests only read it."""
    with new_bank(_place(request, tmp_path_factory.mktemp("suspects"))) as small:
        made = live_suspiciously(small)
        assert_books(small)
        yield made
