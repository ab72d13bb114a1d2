"""New files in a folder: all of them whole, or none.

Each is written beside its place under another name, made durable, and only renamed when
all are complete. Whoever looks finds the earlier files or the new ones, never half of one.
What a killed process left under those other names, the next one that writes there takes away.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import IO

from coopbank.bank.whole_files import clear_parts, make_folder, new_part, undone
from coopbank.errors import WrongUsage
from coopbank.money import quoted
from coopbank.words import _


class NewFiles:
    """The files that an export writes: `with NewFiles(folder) as files: files.text("a.txt").write(...)`.

    The folder is made if need be. What keeps a file from being written is refused, naming the folder.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.written: list[Path] = []
        self._open: list[tuple[IO[bytes] | IO[str], Path, Path]] = []
        self._parts: list[Path] = []
        self._inner: list[Path] = []

    def __enter__(self) -> NewFiles:
        if self.folder.exists() and not self.folder.is_dir():
            raise self._refusal(_("it is a file"))
        try:
            make_folder(self.folder)
        except (OSError, ValueError) as error:
            raise self._refusal(_why(error)) from error
        return self

    def text(self, name: str) -> IO[str]:
        """A new text file: UTF-8, lines end in a line feed on every system."""
        handle, part, place = self._part(name)
        stream = os.fdopen(handle, "w", encoding="utf-8", newline="\n", buffering=1 << 16)
        self._open.append((stream, part, place))
        return stream

    def binary(self, name: str) -> IO[bytes]:
        """A new file of bytes."""
        handle, part, place = self._part(name)
        stream = os.fdopen(handle, "wb", buffering=1 << 16)
        self._open.append((stream, part, place))
        return stream

    def under(self, name: str) -> NewFiles:
        """The files of a folder inside this one; they are kept or dropped together with these."""
        inner = NewFiles(self.folder / name)
        inner._open, inner._parts, inner.written = self._open, self._parts, self.written
        self._inner.append(inner.folder)
        return inner.__enter__()

    def digests(self) -> list[tuple[Path, str]]:
        """The places of what was written so far, complete as it is, with the SHA-256 of each."""
        found = []
        for stream, part, place in self._open:
            stream.flush()
            with part.open("rb") as file:
                found.append((place, hashlib.file_digest(file, "sha256").hexdigest()))
        return found

    def _part(self, name: str) -> tuple[int, Path, Path]:
        place = self.folder / name
        if place.is_dir():
            raise self._refusal(_("it holds a folder called {name}").format(name=name))
        clear_parts(self.folder, f"{name}.")
        try:
            return *new_part(self.folder, f"{name}.", self._parts), place
        except OSError as error:
            raise self._refusal(_why(error)) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._keep()
            elif isinstance(error, OSError):
                raise self._refusal(_why(error)) from error
        except OSError as failure:
            raise self._refusal(_why(failure)) from failure
        finally:
            undone(self._clear)

    def _keep(self) -> None:
        for stream, _part, _place in self._open:
            stream.flush()
            os.fsync(stream.fileno())
        for stream, part, place in self._open:
            part.replace(place)  # while it is open: from then on it would be taken for one that was left
            self.written.append(place)
            stream.close()
        if os.name == "posix":  # the renames themselves survive a power cut
            for folder in {self.folder, *(place.parent for place in self.written)}:
                handle = os.open(folder, os.O_RDONLY)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)

    def _clear(self) -> None:
        """Close what is still open and take away what was not kept; a second fault must not hide the first."""
        for stream, _part, _place in self._open:
            try:
                stream.close()
            except OSError:
                pass
        for part in self._parts:
            try:
                part.unlink(missing_ok=True)
            except OSError:
                pass
        for folder in self._inner:
            try:
                folder.rmdir()  # only if nothing was kept in it
            except OSError:
                pass

    def _refusal(self, why: str) -> WrongUsage:
        return WrongUsage(
            "Nothing can be exported to {folder}: {why}.", field="folder", folder=quoted(str(self.folder)), why=why,
            hint="Name a folder that can be written; it is made if it is not there.",
        )  # fmt: skip


def _why(error: OSError | ValueError) -> str:
    """What the system said, in lower case and without the path."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return text[:1].lower() + text[1:]
