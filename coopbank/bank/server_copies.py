"""Copies of books on a PostgreSQL server: made by its own pg_dump, and restored by its own pg_restore.

Both must be in PATH, of the server's version or newer. They are given the address without a password, which comes from
a PGPASSFILE or from the environment, never from a command line, where others on the machine could read it.

The dump is taken of the very view of the books whose head is named, while tills go on. It holds the books alone: owners
and grants stay with the server, and are given anew by whoever runs it.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from coopbank.database import LOCK, RESTORING, SCHEMA_VERSION, Database, postgresql_refusal
from coopbank.errors import (
    AlreadyExists,
    CoopbankError,
    DatabaseBusy,
    DatabaseUnusable,
    DatabaseVersion,
    FileDamaged,
    NotABook,
    WrongUsage,
)
from coopbank.ledger import posting

if TYPE_CHECKING:
    import psycopg

SCRATCH = "coopbank_scratch_"
_CALLERS = ("public.is_period(text)", "public.is_instant(text)")  # called is_day by its bare name


def require_tools() -> None:
    """Refuse where the server's own programs are not installed."""
    for name in ("pg_dump", "pg_restore"):
        if shutil.which(name) is None:
            raise WrongUsage(
                "A copy of books on a server is made by {tool}, which is not installed here.", field="db", tool=name,
                hint="Install PostgreSQL's client programs, of the server's version or newer.",
            )  # fmt: skip


def dump(database: Database, to: Path) -> tuple[int, str]:
    """Write a dump of the books; returns the head of the chain in it."""
    require_tools()
    with database.read() as tx:
        head = posting.head(tx)
        view = tx.value("SELECT pg_export_snapshot()")
        _run(
            "pg_dump", database.place, "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={view}",
            f"--file={to}",
        )  # fmt: skip
    return head.number, head.short


@contextmanager
def restored(file: Path, place: str, name: str) -> Iterator[Database]:
    """A dump restored into a database that is there and holds nothing, to be proven; all of it or nothing.

    They are books of use once the block ends well. Until then they are marked, so that nobody works with them while
    they lack rules or a proof, and what a killed restore left is known as such and taken away.
    """
    require_tools()
    version = _version_in(file, name)
    if version != SCHEMA_VERSION:
        raise DatabaseVersion(
            "{file} has schema {found}; this program works with {own}.", file=name, found=version, own=SCHEMA_VERSION,
            hint="Restore it with the version of coopbank that made it.",
        )  # fmt: skip
    with _connected(place) as connection:
        _take_alone(connection, place)
        try:
            _restore_marked(connection, file, place, name)
            copy = Database.open(place, read_only=True, marked=True)
            try:
                yield copy
            finally:
                copy.close()
            connection.execute("UPDATE alembic_version SET version_num = %s", (SCHEMA_VERSION,))
        except BaseException:
            _clear(connection)
            raise


def _take_alone(connection: psycopg.Connection[Any], place: str) -> None:
    """Keep everybody else from writing there, or from restoring too, until this connection ends."""
    if connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone() != (True,):
        raise DatabaseBusy("Another program is using {place}; try again in a moment.", place=_shown(place))
    if _left_by_a_killed_one(connection):
        _clear(connection)
    _require_empty(connection, place)


def _left_by_a_killed_one(connection: psycopg.Connection[Any]) -> bool:
    there = connection.execute("SELECT to_regclass('public.alembic_version'), to_regclass('public.operation')")
    if None in (there.fetchone() or (None,)):
        return False
    marks = connection.execute("SELECT version_num FROM public.alembic_version").fetchall()
    if marks:
        return f"+{RESTORING}-" in str(marks[0][0])
    ours = connection.execute("SELECT to_regproc('public.begin_work') IS NOT NULL").fetchone() == (True,)
    return ours and connection.execute("SELECT FROM public.operation LIMIT 1").fetchone() is None


def _restore_marked(connection: psycopg.Connection[Any], file: Path, place: str, name: str) -> None:
    """The dump but for its version, in whose place stands the mark.

    pg_restore works without any search path, and in dumps of the first schema two functions that constraints call, call
    a third one by its name alone: so they are given one while the rows come in.
    """
    wanted = _listed(file, name)
    for section in ("pre-data", "data", "post-data"):
        _run(
            "pg_restore", place, "--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges",
            "--schema=public", f"--section={section}", "--use-list=/dev/stdin", str(file), name=name, given=wanted,
        )  # fmt: skip
        if section == "pre-data":
            mark = f"{SCHEMA_VERSION}+{RESTORING}-{secrets.token_hex(4)}"
            connection.execute("INSERT INTO public.alembic_version VALUES (%s)", (mark,))
        if section != "post-data":
            _find_each_other(connection, begins=section == "pre-data")


def _listed(file: Path, name: str) -> bytes:
    """What there is in a dump, but for the row that says of which version it is."""
    lines = _run("pg_restore", None, "--list", str(file), name=name).splitlines(keepends=True)
    return b"".join(line for line in lines if b" TABLE DATA public alembic_version " not in line)


def _version_in(file: Path, name: str) -> str:
    said = _run("pg_restore", None, "--data-only", "--table=alembic_version", "--file=-", str(file), name=name)
    found = re.search(rb"^COPY public\.alembic_version [^\n]*\n([0-9a-z+-]+)\n", said, re.MULTILINE)
    if found is None:
        raise NotABook("{place} holds no books of coopbank.", place=name)
    return found[1].decode()


def _find_each_other(connection: psycopg.Connection[Any], *, begins: bool) -> None:
    what = "SET search_path = public, pg_temp" if begins else "RESET search_path"
    for function in _CALLERS:
        if connection.execute("SELECT to_regprocedure(%s)", (function,)).fetchone() != (None,):
            connection.execute(f"ALTER FUNCTION {function} {what}")


def require_empty(place: str) -> None:
    """Refuse a database that holds anything but what a killed restore left."""
    with _connected(place) as connection:
        if not _left_by_a_killed_one(connection):
            _require_empty(connection, place)


def _require_empty(connection: psycopg.Connection[Any], place: str) -> None:
    held = connection.execute("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                              " WHERE n.nspname = 'public'").fetchone()  # fmt: skip
    if held is not None and held[0]:
        raise AlreadyExists(
            "{place} holds something already; nothing was changed.", field="db", place=_shown(place),
            hint="Make an empty database with createdb, and name that.",
        )  # fmt: skip


def _clear(connection: psycopg.Connection[Any]) -> None:
    """Take away what was restored into a database, and did not prove right."""
    connection.execute("DROP SCHEMA public CASCADE")
    connection.execute("CREATE SCHEMA public")


@contextmanager
def restored_apart(file: Path, place: str, name: str) -> Iterator[Database | None]:
    """A dump restored into a database of its own on the same server, gone afterwards.

    None if the user of the server may not make databases: then the dump was only read whole.
    """
    require_tools()
    scratch = f"{SCRATCH}{secrets.token_hex(6)}"
    if not _made(place, scratch):
        _run("pg_restore", None, "--file=/dev/null", str(file), name=name)
        yield None
        return
    try:
        beside = sa.make_url(place).set(database=scratch).render_as_string(hide_password=False)
        with restored(file, beside, name) as copy:
            yield copy
    finally:
        with _connected(place) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{scratch}" WITH (FORCE)')


def _made(place: str, scratch: str) -> bool:
    import psycopg

    with _connected(place) as connection:
        try:
            connection.execute(f'CREATE DATABASE "{scratch}" TEMPLATE template0')
        except psycopg.errors.InsufficientPrivilege:
            return False
    return True


@contextmanager
def _connected(place: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection outside any transaction; what the server says against it is a refusal in our words."""
    import psycopg

    try:
        with psycopg.connect(libpq_address(sa.make_url(place)), autocommit=True) as connection:
            yield connection
    except psycopg.Error as error:
        raise postgresql_refusal(error, str(error).splitlines()[0], place) from error


def libpq_address(url: sa.URL, password: str | None = "") -> str:  # nosec B107
    """The address as PostgreSQL's own library takes it, where several servers are written another way.

    SQLAlchemy: host=one:5432&host=two:5433; libpq: host=one,two&port=5432,5433. `password` None leaves it out.
    """
    query = dict(url.normalized_query)
    hosts = [each.rpartition(":") if not each.startswith("/") else (each, "", "") for each in query.get("host", ())]
    if any(name and port.isdigit() for name, _colon, port in hosts):
        query["host"] = (",".join(name or port for name, _colon, port in hosts),)
        query["port"] = (",".join(port if name else "5432" for name, _colon, port in hosts),)
    kept = None if password is None else url.password
    plain = sa.URL.create("postgresql", url.username, kept, url.host, url.port, url.database, query)
    return plain.render_as_string(hide_password=False)


def _shown(place: str) -> str:
    return sa.make_url(place).render_as_string(hide_password=True)


def _run(tool: str, place: str | None, *options: str, name: str = "", given: bytes = b"") -> bytes:
    """Run one of the server's programs; what it prints. What it says on failure is the refusal."""
    environment = {**os.environ, "LC_ALL": "C"}
    address = []
    if place is not None:
        url = sa.make_url(place)
        if url.password is not None:
            environment["PGPASSWORD"] = str(url.password)
        address = ["--no-password", f"--dbname={libpq_address(url, password=None)}"]
    program = shutil.which(tool) or tool
    done = subprocess.run([program, *address, *options], input=given, capture_output=True, env=environment, check=False)
    if done.returncode:
        raise _refusal(tool, done.stderr.decode(errors="replace"), name)
    return done.stdout


def _refusal(tool: str, said: str, name: str) -> CoopbankError:
    lines = [line.partition(": error: ")[2] or line for line in said.splitlines() if line.strip()] or ["it failed"]
    why = lines[0].rstrip(".")[:200]
    if tool == "pg_restore":
        return FileDamaged(
            "{file} cannot be restored: {why}.", field="file", file=name, why=why,
            hint="Nothing of it was used. If the file is damaged, take another copy.",
        )  # fmt: skip
    other = "server version mismatch" in why
    return DatabaseUnusable(
        "{tool} refused it: {why}.", field="db", tool=tool, why=why,
        hint="Put the {tool} of the server's own version, or of a newer one, first on PATH." if other else None,
    )  # fmt: skip
