"""The folder of backups: what the files in it are called, which of them are kept, and when the last one was made.

    coopbank-5d1f0c9a-2026-03-05T221031Z-4212-9f86d081884c7d65.db.sealed

is of the book whose number begins so, made at that instant (UTC), with that head of the chain in it; `.db` is a book in
a file, `.pgdump` what pg_dump makes of one on a server, `.sealed` says that it is encrypted.

Which are kept, the policy `backups_kept` says (retention.py). What no rule keeps is removed after the next backup;
never the newest good one, and never a file that does not look as if we had made it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from coopbank.bank import anchors, records
from coopbank.bank.books import Books
from coopbank.bank.retention import DAYS, KEPT, kept, rules_of

ANCHOR: Final = "backup"
"""What a line of anchors.log says of a backup, where others name what was closed."""
DUMP: Final = "pgdump"
_NAME = re.compile(
    r"coopbank-([0-9a-f]{8})-([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{6}Z)-([0-9]{1,18})-([0-9a-f]{16})\.(db|pgdump)(\.sealed)?"
)
_AT: Final = "%Y-%m-%dT%H%M%SZ"
_BEGINNINGS: Final = {"db": b"SQLite format 3\0", DUMP: b"PGDMP"}
_TAIL: Final = 65_536  # bytes of anchors.log that are looked through for the last backup


@dataclass(frozen=True, slots=True)
class BackupFile:
    """A file of the folder, as its name tells."""

    path: Path
    at: datetime
    number: int
    head: str
    form: str  # db, pgdump
    sealed: bool

    @property
    def day(self) -> date:
        """The day on which it was made, where the bank is."""
        return self.at.astimezone().date()


def file_name(book: str, at: datetime, head: tuple[int, str], form: str, *, sealed: bool) -> str:
    """What a backup is called in the folder."""
    moment = at.astimezone(UTC).strftime(_AT)
    return f"coopbank-{book[:8]}-{moment}-{head[0]}-{head[1]}.{form}{'.sealed' if sealed else ''}"


def backup_files(folder: Path, book: str) -> list[BackupFile]:
    """The backups of a book that are there, the newest first."""
    if not folder.is_dir():
        return []
    found = (_read_name(path, book) for path in folder.iterdir())
    return sorted((file for file in found if file is not None), key=lambda f: (f.at, f.number), reverse=True)


def _read_name(path: Path, book: str) -> BackupFile | None:
    match = _NAME.fullmatch(path.name)
    if match is None or match[1] != book[:8] or path.is_symlink() or not path.is_file():
        return None
    try:
        at = datetime.strptime(match[2], _AT).replace(tzinfo=UTC)
    except ValueError:
        return None
    return BackupFile(path, at, int(match[3]), match[4], match[5], match[6] is not None)


def remove_superfluous(folder: Path, books: Books, book: str, made: Path) -> tuple[list[Path], list[Path]]:
    """Take away what no rule keeps; returns what was removed, and what is not as it was recorded.

    A file of another size than its record says, or that begins as no backup does, is no good one: it keeps no other
    from being kept, and stays, so that somebody can look.
    """
    good: list[BackupFile] = []
    odd: list[BackupFile] = []
    for file in backup_files(folder, book):
        (good if file.path == made or _looks_good(file, books) else odd).append(file)
    stay = kept([file.day for file in good], rules_of(str(books.policy("backups_kept") or KEPT)))
    removed = []
    for place, file in enumerate(good):
        if place not in stay and file.path != made:
            file.path.unlink()
            removed.append(file.path)
    return removed, [file.path for file in odd]


def _looks_good(file: BackupFile, books: Books) -> bool:
    from coopbank.bank.sealed_files import MAGIC  # not on top: the counter asks only when the last backup was made

    recorded = [body for _ref, body in books.about(records.Backup, file.path.name)]
    try:
        size = file.path.stat().st_size
        with file.path.open("rb") as opened:
            begins = opened.read(len(MAGIC))
    except OSError:
        return False
    wanted = MAGIC if file.sealed else _BEGINNINGS[file.form]
    return begins.startswith(wanted) and all(body.size == size for body in recorded)


# -------------------------------------------------------------------- when the last one was


@dataclass(frozen=True, slots=True)
class LastBackup:
    """How long ago the last good backup was made."""

    on: date | None  # None: never
    file: str  # its name; empty where only anchors.log tells of it
    days: int  # since then; since the books were founded where there is none
    limit: int

    @property
    def old(self) -> bool:
        """Whether it is time for another one."""
        return self.days > self.limit


def last_backup(place: str, books: Books, book: str, today: date) -> LastBackup:
    """The newest of what the books record and of what anchors.log beside the backups tells.

    Only copies that were verified after they were written stand there.
    """
    text = books.tx.value(
        "SELECT body FROM record WHERE kind = ? ORDER BY operation_id DESC LIMIT 1", records.Backup.kind
    )
    body = None if text is None else records.Backup.model_validate_json(text)
    recorded = None if body is None else datetime.fromisoformat(body.at)
    told = _told(anchors.anchors_file(place, books), book)
    last = max((each for each in (recorded, told) if each is not None), default=None)
    since = last or datetime.fromisoformat(str(books.tx.value("SELECT at FROM operation WHERE id = 1")))
    name = body.file if body is not None and last == recorded else ""
    limit = books.policy("backup_days")
    return LastBackup(
        None if last is None else last.astimezone().date(), name, max(0, (today - since.astimezone().date()).days),
        limit if isinstance(limit, int) else DAYS,
    )  # fmt: skip


def _told(file: Path, book: str) -> datetime | None:
    """The instant of the last backup of this book in anchors.log."""
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, opened.seek(0, 2) - _TAIL))
            lines = opened.read().decode(errors="replace").splitlines()
    except OSError:
        return None
    for line in reversed(lines):
        words = line.split()
        if len(words) == 7 and words[2] == ANCHOR and words[6] == book[:8]:
            try:
                return datetime.fromisoformat(words[4])
            except ValueError:
                continue
    return None


def sealing_key(books: Books) -> bytes | None:
    """The book's public sealing key, if it has one."""
    known = books.find(records.SigningKey, "key")
    return None if known is None else bytes.fromhex(known.seal)
