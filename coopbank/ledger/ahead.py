"""A second process that proves the pages of a large book ahead of the first.

Reading, hashing and comparing texts (proof.py) is two thirds of what verify does, and the
interpreter does one thing at a time. So where there is a second processor, a process of its own
proves page after page and hands on what each operation says; the first goes through the rules of
bookkeeping meanwhile, in the same order and with the same words as it would alone. This one finds
nothing: a page that it does not prove, or that does not follow upon what the first has read, is read
by the first as if there were no second.

It begins some pages into the log, where the first arrives while it still starts, or at the second
page where the first has something else to do, and reads the same pages as the first would. Where
judging takes less than proving, the first would wait: then every other page is left to it, so that
both are busy to the end. What is sealed after the first began to read does not count, and what was
sealed before does not change. On the pipe between them stands, for each page, its length and then,
by `marshal`, what it follows upon, the number that it goes up to, and what its columns say, or None
if it was not proven; some pages wait in the second process until there is room.

It is started as a program with the standard library alone: a fork would take over the locks of
threads, and of SQLite, that are no longer there.
"""

from __future__ import annotations

import itertools
import marshal
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from coopbank.ledger import proof
from coopbank.ledger.columns import Columns, Proven
from coopbank.ledger.log import LOWEST, Page, Stand, page_size, parse, read_page

if TYPE_CHECKING:
    from queue import Queue

    from coopbank.database import Database, Transaction

WORTH: Final = 24_000_000
"""Bytes of a file from which on a second process takes less time than it costs."""
HEAD_START: Final = 8
"""Pages that the first process reads itself, while the second starts; one, where that has been started before."""
_LENGTH: Final = 8
_PIPE: Final = 1_000_000
"""Bytes that the pipe should hold: some pages, so that neither waits for the other at every one."""
_PROGRAM: Final = "import sys; sys.path.insert(0, sys.argv[1]); from coopbank.ledger.ahead import main; main()"
_WAITING: Final = 64
"""Pages that the second process is ahead by at most: some 100 kB each."""
Ahead = Callable[[Stand], Proven | None]


# ------------------------------------------------------------------------------ the first process


@contextmanager
def begun(database: Database, head_start: int | None = None) -> Iterator[Pages]:
    """The pages that a second process proves from now on; none, where it is not worth its while."""
    skipped = HEAD_START if head_start is None else head_start
    if not _is_worth_it(database):
        yield Pages(None, skipped)
        return
    import subprocess  # the second process starts without it

    root = str(Path(__file__).parents[2])
    flags = ["-I", "-S", *(["-B"] if sys.dont_write_bytecode else [])]
    command = [sys.executable, *flags, "-c", _PROGRAM, root, str(database.path), str(skipped)]
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        yield Pages(None, skipped)
        return
    _widen(process.stdout)
    try:
        yield Pages(process.stdout, skipped)
    finally:
        process.kill()
        with suppress(OSError):
            process.communicate()


def _widen(pipe: IO[bytes] | None) -> None:
    """Let some pages stand in the pipe, where the system has a way to say so."""
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe.fileno() if pipe is not None else -1, fcntl.F_SETPIPE_SZ, _PIPE)


def _is_worth_it(database: Database) -> bool:
    if database.path is None or (os.cpu_count() or 1) < 2 or not sys.executable or getattr(sys, "frozen", False):
        return False
    try:
        return database.path.stat().st_size >= WORTH
    except OSError:
        return False


class Pages:
    """What has come through the pipe."""

    def __init__(self, pipe: IO[bytes] | None, skipped: int) -> None:
        self._pipe, self._skipped, self._asked = pipe, skipped, 0
        self._next: tuple[Any, ...] | None = None  # came already, and follows upon a later stand

    def up_to(self, tx: Transaction) -> Ahead:
        """Who is asked for each page in turn, and may know the one that follows upon a stand: none with the last
        operation that this transaction sees, since the other process may have seen more.
        """
        last = tx.value("SELECT max(id) FROM operation") if self._pipe is not None else None
        if type(last) is not int:
            self._pipe = None
        return lambda stand: self._following(stand, last)

    def _following(self, stand: Stand, last: Any) -> Proven | None:
        self._asked += 1
        if self._pipe is None or type(stand.last) is not int or self._asked <= self._skipped:
            return None
        try:
            while self._next is None or self._next[0][0] < stand.last:
                frame = self._exactly(int.from_bytes(self._exactly(_LENGTH)))
                self._next = marshal.loads(frame)  # written by our own process  # nosec B302
            follows, upto, told = self._next
            if Stand(*follows) != stand or told is None or upto >= last:
                return None
            self._next = None
            return Proven(upto, Columns(*told))
        except Exception:  # it has ended, or does not know
            self._pipe = None
            return None

    def _exactly(self, length: int) -> bytes:
        assert self._pipe is not None
        found = self._pipe.read(length)
        if len(found) < length:
            raise EOFError
        return found


# ----------------------------------------------------------------------------- the second process


def main() -> None:
    """Prove the pages of a file, and write what they say to standard output."""
    import gc
    from queue import Queue
    from threading import Thread

    from coopbank.database import Database

    gc.disable()  # lists by the million and no cycle among them
    place, skipped = sys.argv[2], int(sys.argv[3])
    frames: Queue[bytes | None] = Queue(_WAITING)
    writer = Thread(target=_write, args=(frames,), daemon=True)
    writer.start()
    with Database(place, read_only=True).read() as tx:
        for follows, upto, told in _told(tx, skipped, lambda: frames.empty() and _is_waited_for()):
            frames.put(marshal.dumps((tuple(follows), upto, None if told is None else tuple(told))))
    frames.put(None)
    writer.join()


def _write(frames: Queue[bytes | None]) -> None:
    """Whatever is proven, as soon as the first process takes it. Where there is nobody any more, this process ends."""
    try:
        while (frame := frames.get()) is not None:
            sys.stdout.buffer.write(len(frame).to_bytes(_LENGTH) + frame)
            sys.stdout.buffer.flush()
    except OSError:
        os._exit(0)


def _is_waited_for() -> bool:
    """Whether the first process has taken all that was written."""
    try:
        import fcntl
        import termios

        unread = fcntl.ioctl(sys.stdout.fileno(), termios.FIONREAD, bytes(4))
    except (ImportError, OSError):  # where a pipe cannot be asked, each page is proven here
        return False
    return unread == bytes(4)


def _told(
    tx: Transaction, skipped: int, is_waited_for: Callable[[], bool]
) -> Iterator[tuple[Stand, int, Columns | None]]:  # fmt: skip
    """Each page but the first ones and the last: what it follows upon, its end, and if it is proven what it says.

    Where the first process waits for a page, the one after it is left to it as well.
    """
    after: int | None = None
    stand = Stand(0, b"", 1, _book(tx))
    is_left = False
    for number in itertools.count(1):
        following, upto = _after_page(tx, after, stand.book)
        if upto is None:
            return
        if number > skipped:
            told = None
            if not is_left:
                with suppress(Exception):  # the first process looks, and says what is wrong
                    told = proof.columns(tx, stand, read_page(tx, after)[0], Page(after, upto, {}))
                is_left = is_waited_for()
            else:
                is_left = False
            yield stand, upto, told
        after, stand = upto, following


def _after_page(tx: Transaction, after: int | None, book: str | None) -> tuple[Stand, int | None]:
    """Where the log stands after a page, and the number that the page goes up to; None: it is the last."""
    after = LOWEST if after is None else after
    count, there_are = page_size(tx, after)
    upto, hash_, next_entry = tx.row(_END, after, max(count - 1, 0)) or (None, None, None)
    return Stand(upto, hash_, next_entry, book), upto if count < there_are else None


_END: Final = "SELECT id, hash, first_entry + entry_count FROM operation WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?"


def _book(tx: Transaction) -> str | None:
    with suppress(Exception):
        return parse(tx.value("SELECT sealed FROM operation ORDER BY id LIMIT 1")).book
    return None
