"""Copies of books in a file: backup, restore, and the copy that is made before an upgrade.

SQLite's VACUUM INTO writes one consistent state while others go on; the copy is made
under another name beside its place, checked, made durable, and only then given its name,
which must be free. So there is a whole copy there or none.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from coopbank.bank.whole_files import give_name, make_durable, taken
from coopbank.database import SCHEMA_VERSION, Database
from coopbank.errors import DatabaseVersion, NotABook, WrongUsage
from coopbank.ledger import posting

if TYPE_CHECKING:
    from coopbank.cli.door import Door


def copy_books(database: Database, to: Path, *, check: Callable[[Database], None] | None = None) -> tuple[int, str]:
    """Copy the books to a new file; returns the head of the chain in the copy."""
    if to.exists() or to.is_symlink():
        raise taken(to)
    if not to.parent.is_dir():
        raise WrongUsage(
            "There is no folder {folder}.", field="file", folder=str(to.parent), hint="Make it first, or name another."
        )
    part = to.with_name(f".{to.name}.{secrets.token_hex(6)}.part")
    try:
        database.copy_to(part)
        head = _checked(part, check)
        make_durable(part)
        give_name(part, to)
    finally:
        for end in ("", "-wal", "-shm"):
            part.with_name(part.name + end).unlink(missing_ok=True)
    return head


def _checked(part: Path, check: Callable[[Database], None] | None) -> tuple[int, str]:
    copy = Database.open(str(part), read_only=True)
    try:
        if check is not None:
            check(copy)
        with copy.read() as tx:
            head = posting.head(tx)
            return head.number, head.short
    finally:
        copy.close()


def upgrade_books(door: Door) -> tuple[str, str, str | None]:
    """Bring older books to the newest schema; returns the versions before and after, and the copy made before."""
    door.require_file()
    database = Database(door.place)
    try:
        before = database.revision()
        if before is None:
            raise NotABook("{place} holds no books of coopbank.", place=door.shown_place)
        if before == SCHEMA_VERSION:
            return before, before, None
        if before > SCHEMA_VERSION:
            raise DatabaseVersion(
                "{place} has schema {found}, which is newer than this program's {own}.", place=door.shown_place,
                found=before, own=SCHEMA_VERSION, hint="Use the version of coopbank that made it, or a newer one.",
            )  # fmt: skip
        copy = None
        if door.is_sqlite:
            copy = f"{door.place}.before-{SCHEMA_VERSION}"
            _plain_copy(database, Path(copy))
        database.upgrade()
        return before, SCHEMA_VERSION, copy
    finally:
        database.close()


def _plain_copy(database: Database, to: Path) -> None:
    """A copy of books that this version cannot open yet."""
    if to.exists():
        raise taken(to)
    database.copy_to(to)
    make_durable(to)
