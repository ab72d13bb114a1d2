"""Heads of the chain kept outside the books: a line for each close and backup, in `anchors.log` beside the backups.

    4212 9f86d081884c7d65 close-day 2026-03-05 2026-03-05T22:10:31Z book 5d1f0c9a

is the number of the last operation, the first 16 hex digits of its hash, what was closed (or `backup`, and the day on
which it was made), when it was written, and whose books. Put the folder on another disk (policy `backups`, or
COOPBANK_BACKUPS): a head beside the books guards against mistakes, and one that left the machine guards against
whoever can write everything on it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from coopbank.bank.books import Books
from coopbank.bank.whole_files import make_folder, sync_folder
from coopbank.ledger import posting

NAME: Final = "anchors.log"


def backups_folder(place: str, books: Books) -> Path:
    """Where backups go: what was named, else a folder `backups` beside the file (of a server: in the state folder)."""
    return _named(place, books) or beside(place) / "backups"


def anchors_file(place: str, books: Books) -> Path:
    """The file of anchors: in the folder of backups if that was named or is there, else beside the books."""
    named, folder = _named(place, books), beside(place) / "backups"
    return (named or (folder if folder.is_dir() else beside(place))) / NAME


def _named(place: str, books: Books) -> Path | None:
    """The folder that COOPBANK_BACKUPS names, else the policy; one that is not absolute lies beside the books."""
    named = os.environ.get("COOPBANK_BACKUPS") or str(books.policy("backups") or "")
    if not named:
        return None
    try:
        return beside(place) / Path(named).expanduser()
    except RuntimeError as error:  # ~somebody, who has no home here
        raise OSError(2, f"There is no such folder: {named}") from error


def beside(place: str) -> Path:
    """The folder of the books themselves; of a server, that of what is kept between runs."""
    if "://" not in place:
        return Path(place).resolve().parent
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "coopbank"


def append(
    place: str, books: Books, book: str, kind: str, day: str, at: str, head: tuple[int, str] | None = None
) -> Path:
    """Write a head as one more line, as it is now if none is given; `OSError` if it cannot be written."""
    number, short = head or _head_now(books)
    file = anchors_file(place, books)
    make_folder(file.parent)
    new = not file.exists()
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, f"{number} {short} {kind} {day} {at} book {book[:8]}\n".encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    if new:
        sync_folder(file.parent)
    return file


def _head_now(books: Books) -> tuple[int, str]:
    head = posting.head(books.tx)
    return head.number, head.short
