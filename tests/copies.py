"""Copies of books, which are made in a fraction of the time that their operations take.

put_back = copied(bank.database)       # now
put_back(str(tmp_path / "b.db"))       # these books, at a place where nothing or an empty database is
"""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from coopbank.database import Database

_numbers = itertools.count(1)


def copied(database: Database) -> Callable[[str], None]:
    """Keep a copy of these books for as long as the tests run; what puts it somewhere."""
    return _copied_server(database) if database.path is None else _copied_file(database)


def _copied_file(database: Database) -> Callable[[str], None]:
    folder = Path(tempfile.mkdtemp(prefix="coopbank-copy-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    database.copy_to(folder / "copy.db")

    def put_back(place: str) -> None:
        with (folder / "copy.db").open("rb") as source, Path(place).open("xb") as target:
            Path(place).chmod(0o600)
            shutil.copyfileobj(source, target)

    return put_back


def _copied_server(database: Database) -> Callable[[str], None]:
    copy = f"copy_{os.getpid()}_{next(_numbers)}"
    database.close()  # a database is copied only while nobody is in it
    _on_server(database.place, f'create database "{copy}" template "{_name(database.place)}"')

    def put_back(place: str) -> None:
        _on_server(place, f'drop database "{_name(place)}"', f'create database "{_name(place)}" template "{copy}"')

    return put_back


def _name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def _on_server(url: str, *statements: str) -> None:
    import psycopg

    server = url.replace("+psycopg", "", 1).replace(f"/{_name(url)}", "/postgres", 1)
    with psycopg.connect(server, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
