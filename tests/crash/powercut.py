"""Power cuts: all that SQLite writes and syncs is written down, and a disk is made from any point of it.

    with Recorder() as recorder:                      # every file that SQLite opens meanwhile
        ...                                           # the bank works; recorder.mark(...) after each acknowledgement
    cut = Cut(recorder.log, at, random.Random(7))     # the power fails after that many steps
    cut.write_to(folder)                              # the files as the disk may have them then

A disk has what was synced. Of what was written since, it has any part in any order: each piece of 512 bytes is there,
or not, or holds something else. What lies beside a piece is not touched, as SQLite assumes too (powersafe overwrite).
Files in memory that processes share (-shm) do not outlive a power cut.

SQLite's own way to the disk (its VFS) is taken over through ctypes: xWrite, xTruncate and xSync are noted, then done.
"""

from __future__ import annotations

import ctypes
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SECTOR = 512
INT, PTR, INT64 = ctypes.c_int, ctypes.c_void_p, ctypes.c_int64
_XOPEN = ctypes.CFUNCTYPE(INT, PTR, PTR, PTR, INT, ctypes.POINTER(INT))
_XWRITE = ctypes.CFUNCTYPE(INT, PTR, PTR, INT, INT64)
_XTRUNCATE = ctypes.CFUNCTYPE(INT, PTR, INT64)
_XSYNC = ctypes.CFUNCTYPE(INT, PTR, INT)
_WORDS_OF_METHODS = 19  # iVersion and 18 functions, of which the third version has all


class _Vfs(ctypes.Structure):
    _fields_ = [
        ("version", INT), ("size_of_file", INT), ("longest_path", INT), ("next", PTR), ("name", ctypes.c_char_p),
        ("data", PTR), ("open", PTR), ("others", PTR * 15),
    ]  # fmt: skip


class _Methods(ctypes.Structure):
    _fields_ = [
        ("version", INT), ("close", PTR), ("read", PTR), ("write", PTR), ("truncate", PTR), ("sync", PTR),
        ("others", PTR * (_WORDS_OF_METHODS - 6)),
    ]  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One thing that was done to a file, or a mark of the test's own."""

    what: str  # write, truncate, sync, mark
    file: str = ""
    at: int = 0  # the new length, where it is cut to one
    data: bytes = b""
    mark: Any = None


def _library() -> Any:
    """The library of SQLite that Python uses; the test is skipped where it cannot be reached."""
    import _sqlite3

    try:
        library = ctypes.CDLL(_sqlite3.__file__)
        library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
        return library
    except (AttributeError, OSError) as error:
        pytest.skip(f"SQLite's way to the disk cannot be taken over here: {error}")


class Recorder:
    """Stands between SQLite and the files of this process that it opens while the block runs."""

    def __init__(self) -> None:
        self.log: list[Step] = []
        self._files: dict[int, str] = {}
        self._library = _library()
        self._plain = self._library.sqlite3_vfs_find(None)
        self._methods: dict[int, _Methods] = {}  # by the address of what they stand for; kept, SQLite points to them
        self._callbacks: list[Any] = [_XOPEN(self._open)]
        self._vfs = _Vfs.from_buffer_copy(self._plain.contents)
        self._vfs.name = b"power-cut"
        self._vfs.open = ctypes.cast(self._callbacks[0], PTR)
        self._open_plainly = _XOPEN(self._plain.contents.open)

    def __enter__(self) -> Recorder:
        assert self._library.sqlite3_vfs_register(ctypes.byref(self._vfs), 1) == 0
        return self

    def __exit__(self, *_: object) -> None:
        self._library.sqlite3_vfs_unregister(ctypes.byref(self._vfs))
        self._library.sqlite3_vfs_register(self._plain, 1)

    def mark(self, what: Any) -> None:
        """Say how far the test is."""
        self.log.append(Step("mark", mark=what))

    def _open(self, _vfs: int, name: int | None, file: int, flags: int, out: Any) -> int:
        # The name goes on as the pointer it is: SQLite keeps it, and reads its parameters behind its end.
        code = self._open_plainly(ctypes.addressof(self._plain.contents), name, file, flags, out)
        if code == 0 and name:
            self._files[file] = Path(ctypes.string_at(name).decode()).name
            methods = ctypes.cast(file, ctypes.POINTER(PTR))
            methods[0] = ctypes.addressof(self._noting(methods[0]))
        return int(code)

    def _noting(self, plain: int) -> _Methods:
        """These methods of a file, with those that change it noted first."""
        if plain not in self._methods:
            found = _Methods.from_address(plain)
            noting = _Methods.from_buffer_copy(found)
            noting.write = self._kept(_XWRITE, found.write, self._wrote)
            noting.truncate = self._kept(_XTRUNCATE, found.truncate, self._cut)
            noting.sync = self._kept(_XSYNC, found.sync, self._synced)
            self._methods[plain] = noting
        return self._methods[plain]

    def _kept(self, kind: Any, plain: int, note: Callable[..., Step]) -> int:
        doing = kind(plain)

        def noted(file: int, *values: Any) -> int:
            step = note(self._files[file], *values)
            code = int(doing(file, *values))
            if code == 0:
                self.log.append(step)
            return code

        callback = kind(noted)
        self._callbacks += [callback, doing]
        return int(ctypes.cast(callback, PTR).value or 0)

    def _wrote(self, file: str, data: int, size: int, at: int) -> Step:
        return Step("write", file, at, ctypes.string_at(data, size))

    def _cut(self, file: str, size: int) -> Step:
        return Step("truncate", file, size)

    def _synced(self, file: str, _flags: int) -> Step:
        return Step("sync", file)


class Cut:
    """What a disk has after the power failed behind the first `at` steps.

    `lying`: a disk that says that it has written what it was asked to sync, and has not. `whole`: all that was written
    is there, as for somebody who reads the files meanwhile.
    """

    def __init__(
        self, log: list[Step], at: int, rng: random.Random, begun: dict[str, bytes], *, lying: bool = False,
        whole: bool = False,
    ) -> None:  # fmt: skip
        done = log[:at]
        self.rng = rng
        self.mark = next((step.mark for step in reversed(done) if step.what == "mark"), None)
        self.files = {name: bytearray(content) for name, content in begun.items()}
        for name in {step.file for step in done if step.file}:
            steps = [step for step in done if step.file == name]
            synced = max((n + 1 for n, step in enumerate(steps) if step.what == "sync"), default=0)
            if whole or lying:
                synced = len(steps) if whole else 0
            content = self.files.setdefault(name, bytearray())
            for step in steps[:synced]:
                _apply(content, step)
            self._perhaps(content, steps[synced:])

    def _perhaps(self, content: bytearray, steps: list[Step]) -> None:
        """What was written and not synced: of each piece the new, the old or anything."""
        kept = self.rng.choice([0.0, 0.5, 0.9, 1.0])
        for step in steps:
            for piece in _pieces(step):
                if self.rng.random() < kept:
                    _apply(content, piece)
                elif piece.what == "write" and self.rng.random() < 0.1:
                    _apply(content, Step("write", piece.file, piece.at, self.rng.randbytes(len(piece.data))))

    def write_to(self, folder: Path) -> None:
        """The files, in a folder of their own."""
        folder.mkdir()
        for name, content in self.files.items():
            if content:
                (folder / name).write_bytes(content)


def _pieces(step: Step) -> list[Step]:
    """A write as the disk does it: up to the next border of 512 bytes, and so on."""
    if step.what != "write":
        return [step]
    found, place, end = [], step.at, step.at + len(step.data)
    while place < end:
        border = min(end, (place // SECTOR + 1) * SECTOR)
        found.append(Step("write", step.file, place, step.data[place - step.at : border - step.at]))
        place = border
    return found


def _apply(content: bytearray, step: Step) -> None:
    if step.what == "truncate":
        del content[step.at :]
    elif step.what == "write":
        content.extend(bytes(max(0, step.at - len(content))))
        content[step.at : step.at + len(step.data)] = step.data
