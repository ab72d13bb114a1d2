"""Books opened to be read and nothing else: not a byte is written beside them, nor into them.

A book in WAL mode cannot simply be opened read-only: SQLite wants to make or write the files by which readers and
writers take turns, which changes the folder, and fails where the folder cannot be written. So what lies there is looked
at from a copy: the file and its journal are copied into a private folder of our own, and again if somebody wrote
meanwhile. Where nobody writes and there is no journal, a file in a folder that cannot be written is opened in place,
as one that does not change.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from coopbank.errors import DatabaseBusy, DatabaseMissing

_TRIES: Final = 20


@dataclass(frozen=True, slots=True)
class Reading:
    """Where to read, and the folder to remove afterwards, if it is a copy."""

    place: str
    folder: Path | None

    @property
    def is_copy(self) -> bool:
        """Whether it is a copy, and so stands still while others write."""
        return self.folder is not None

    def close(self) -> None:
        """Remove the copy."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def open_reading(place: str) -> Reading:
    """What can be read without writing anything where the books lie; a server is read as it is."""
    if "://" in place:
        return Reading(place, None)
    path = Path(place)
    if not path.is_file():
        raise DatabaseMissing("There are no books at {place}.", place=place)
    path = path.resolve()
    if not os.access(path.parent, os.W_OK) and not _journal(path).exists():
        return Reading(str(path), None)
    folder = Path(tempfile.mkdtemp(prefix="coopbank-"))  # ours alone: 0700
    try:
        for _ in range(_TRIES):
            before = _stamp(path)
            for name in (path, _journal(path)):
                (folder / name.name).unlink(missing_ok=True)
                with suppress(FileNotFoundError):  # a journal goes when the last writer does, at any moment
                    shutil.copyfile(name, folder / name.name)
            if _stamp(path) == before and before[0] is not None:
                return Reading(str(folder / path.name), folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    raise DatabaseBusy("Another program is using {place}; try again in a moment.", place=place)


def _journal(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _stamp(path: Path) -> tuple[tuple[int, int, int] | None, ...]:
    """What shows that somebody wrote: size, time and identity of the file and its journal."""
    found: list[tuple[int, int, int] | None] = []
    for name in (path, _journal(path)):
        try:
            stat = name.stat()
            found.append((stat.st_size, stat.st_mtime_ns, stat.st_ino))
        except FileNotFoundError:
            found.append(None)
    return tuple(found)
