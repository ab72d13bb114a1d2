"""Files that are there whole or not at all, and that only their owner reads.

A file is written under another name beside its place, made durable, and only then given its name. A process that is
killed leaves at most a hidden `.part` behind, which the next one that writes there takes away.
"""

from __future__ import annotations

import fcntl
import glob
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from coopbank.errors import AlreadyExists, CoopbankError, DatabaseUnusable

SCRATCH: Final = ".coopbank-scratch-"
_NEW: Final = ".coopbank-new-"  # as long as nobody need look at it
_LOCK: Final = "in-use"


@contextmanager
def whole_file(to: Path, *, replace: bool = False) -> Iterator[tuple[IO[bytes], Path]]:
    """A new file to write, and the name that it has until the block ends well; then it is `to`.

    What keeps it from being written is a `DatabaseUnusable`. With `replace` it takes the place of what is there.
    """
    if not replace and (to.exists() or to.is_symlink()):
        raise taken(to)
    clear_parts(to.parent, to.name)
    parts: list[Path] = []
    try:
        handle, part = new_part(to.parent, f"{to.name}.", parts)
        with os.fdopen(handle, "w+b") as file:
            yield file, part
            file.flush()
            os.fsync(file.fileno())
            if replace:
                part.replace(to)
                sync_folder(to.parent)
            else:
                give_name(part, to)
    except CoopbankError:
        raise
    except OSError as error:
        raise cannot_write(to, error) from error
    finally:
        for each in parts:
            each.unlink(missing_ok=True)


def new_part(folder: Path, begins: str, parts: list[Path]) -> tuple[int, Path]:
    """A new hidden file and its handle, with the lock that says it is in use: it is given its name while it has that.

    Between the two somebody who clears away may take it for one that a killed process left: then it is another one.
    `parts` is told before the file is there: an interruption may come right after it is.
    """
    while True:
        part = folder / f".{begins}{secrets.token_hex(6)}.part"
        parts.append(part)
        handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if os.fstat(handle).st_nlink:
                return handle, part
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def make_folder(folder: Path) -> None:
    """A folder, and those above it that are missing: only their owner enters them, whatever the umask is."""
    for each in reversed(folder.parents):
        if not each.exists():
            each.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def clear_parts(folder: Path, begins: str) -> None:
    """Take away what a killed process left of files whose name begins so: nobody holds its lock any more."""
    for left in folder.glob(f".{glob.escape(begins)}*.part"):
        with suppress(OSError), left.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink()


def taken(to: Path) -> AlreadyExists:
    """The refusal to write over a file."""
    return AlreadyExists(
        "{file} exists already; nothing was overwritten.", field="file", file=str(to),
        hint="Name a file that does not exist.",
    )  # fmt: skip


def cannot_write(file: Path, error: OSError) -> DatabaseUnusable:
    """What the system said, as a refusal."""
    why = (error.strerror or str(error)).lower()
    return DatabaseUnusable(
        "{file} cannot be written: {why}.", field="file", file=str(file), why=why,
        hint="Nothing was left behind. Make room, or name another place.",
    )  # fmt: skip


def give_name(part: Path, to: Path) -> None:
    """The name, which must be free, and durable from then on."""
    try:
        os.link(part, to)  # refuses a name that somebody took meanwhile, which a rename would overwrite
    except FileExistsError:
        raise taken(to) from None
    except OSError:  # a file system without links
        part.rename(to)
    sync_folder(to.parent)


def make_durable(file: Path) -> None:
    """Nothing of its content is only in memory any more."""
    handle = os.open(file, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """The names in it are durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# ---------------------------------------------------------------------------------- scratch


@contextmanager
def scratch_folder(beside: Path) -> Iterator[Path]:
    """A folder of its own for copies that are open to read, gone when the block ends.

    Where the process was killed it stays, and is taken away by the next one: nobody holds its lock any more.
    """
    clear_scratch(beside)
    name = secrets.token_hex(6)
    folder, new = beside / f"{SCRATCH}{name}", beside / f"{_NEW}{name}"
    try:
        with _lock_of(new):
            new.rename(folder)  # only now others may look at it, and find that it is in use
            yield folder
    except CoopbankError:
        raise
    except OSError as error:
        raise cannot_write(Path(error.filename or folder), error) from error
    finally:
        undone(lambda: _take_away(folder, new))


def _lock_of(new: Path) -> IO[bytes]:
    """A new folder's lock, held. Made anew where somebody who clears away took the folder before it had one."""
    while True:
        new.mkdir(mode=0o700)
        try:
            lock = (new / _LOCK).open("wb")
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if os.fstat(lock.fileno()).st_nlink:
                return lock
        except BaseException:
            lock.close()
            raise
        lock.close()


def _take_away(*folders: Path) -> None:
    for each in folders:
        shutil.rmtree(each, ignore_errors=True)


def undone(clearing: Callable[[], object]) -> None:
    """Take away what is left over: from the beginning once more if it is interrupted in the midst of that."""
    try:
        clearing()
    except KeyboardInterrupt:
        clearing()
        raise


def clear_scratch(beside: Path) -> None:
    """Take away what a killed process left in a folder."""
    for left in (*beside.glob(f"{SCRATCH}*"), *beside.glob(f"{_NEW}*")):
        with suppress(OSError), (left / _LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
        with suppress(OSError):
            left.rmdir()  # killed before it had its lock
