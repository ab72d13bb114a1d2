"""Copies of books, which are made in a fraction of the time that their operations take.

put_back = copied(bank.database)       # now
put_back(str(tmp_path / "b.db"))       # these books, at a place where nothing or an empty database is

On a server an empty database costs as much as a copy, and a test that puts a copy in its place has no use for it:
it is given another name and is the next test's.
"""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from coopbank.database import Database

_numbers = itertools.count(1)
_unused: set[str] = set()
"""Databases by URL that were made empty, and in which nothing was put yet."""
_spare: list[str] = []
"""Empty databases by URL that nobody has."""
_done_with: list[str] = []
"""Databases by URL that were some test's."""
_connections: dict[tuple[int, str], Any] = {}
"""Connections by process and server; who is forked off a test has no use for its parent's."""


def empty_database(server: str, name: str) -> str:
    """An empty database of that name on the tests' server; its URL. Those that were done with are gone then."""
    url = server.replace("/postgres?", f"/{name}?")
    dropped = [f'drop database if exists "{_name(each)}" with (force)' for each in _done_with]
    _done_with.clear()
    made = f'alter database "{_name(_spare.pop())}" rename to "{name}"' if _spare else _make(name, "template0")
    _on_server(server, *dropped, made)
    _unused.add(url)
    return url


def done_with(urls: list[str]) -> None:
    """These databases are nobody's any more. The last ones go with the server."""
    _unused.difference_update(urls)
    _done_with.extend(urls)


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
    _unused.discard(database.place)  # these books were founded in it
    database.close()  # a database is copied only while nobody is in it
    _on_server(database.place, _all_gone(_name(database.place)), _make(copy, _name(database.place)))

    def put_back(place: str) -> None:
        name, spare = _name(place), f"spare_{os.getpid()}_{next(_numbers)}"
        if unused := place in _unused:
            _unused.remove(place)
            away = f'alter database "{name}" rename to "{spare}"'
        else:
            away = f'drop database "{name}" with (force)'
        _on_server(place, away, _make(name, copy))
        if unused:
            _spare.append(place.replace(f"/{name}?", f"/{spare}?"))

    return put_back


def _make(name: str, template: str) -> str:
    """Files are copied as files: through the log, as a server does it by itself, takes twice as long."""
    return f'create database "{name}" template "{template}" strategy file_copy'


def _all_gone(name: str) -> str:
    """Who has hung up is there until a process of the server sees so; `create database` waits for it a few seconds."""
    return f"select pg_terminate_backend(pid, 60000) from pg_stat_activity where datname = '{name}'"


def _name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


def _on_server(url: str, *statements: str) -> None:
    connection = _connection(url.replace("+psycopg", "", 1).replace(f"/{_name(url)}", "/postgres", 1))
    for statement in statements:
        connection.execute(statement)


def _connection(server: str) -> Any:
    """This process's connection to that server: each new one costs the server as much as a database is worth."""
    import psycopg

    kept = _connections.get((os.getpid(), server))
    if kept is None or not _answers(kept):
        kept = _connections[os.getpid(), server] = psycopg.connect(server, autocommit=True)
        atexit.register(kept.close)
    return kept


def _answers(connection: Any) -> bool:
    """Whether the server is still there: some tests kill theirs, and start it again at the same address."""
    import psycopg

    try:
        connection.execute("")
    except psycopg.OperationalError:
        connection.close()
        return False
    return True
