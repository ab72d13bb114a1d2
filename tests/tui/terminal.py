"""The real program in a real pseudo-terminal, and a terminal emulator that reads what it paints.

with Terminal(["--db", place], size=(80, 24)) as terminal:
    terminal.see("Passphrase")
    terminal.type("ana\\r")
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic
from types import TracebackType

import pyte

PATIENCE = 60.0
PROGRAM = "import sys; from coopbank.cli import main; sys.exit(main())"
ROOT = Path(__file__).parents[2]

F1, F2, F3, F4, F5 = "\x1bOP", "\x1bOQ", "\x1bOR", "\x1bOS", "\x1b[15~"
F6, F7, F8, F9, F10 = "\x1b[17~", "\x1b[18~", "\x1b[19~", "\x1b[20~", "\x1b[21~"
ESC, ENTER, TAB, CTRL_Q = "\x1b", "\r", "\t", "\x11"


class Terminal:
    """A terminal of a size with the program in it."""

    def __init__(
        self, arguments: Sequence[str], *, size: tuple[int, int] = (80, 24), env: Mapping[str, str] | None = None,
        cwd: Path | None = None, before: Callable[[], None] | None = None, program: str = PROGRAM,
    ) -> None:  # fmt: skip
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self.output = bytearray()
        self.started = monotonic()
        self.code: int | None = None
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            self._become_the_program(program, arguments, env or {}, cwd, before)
        self.resize(*size)

    def _become_the_program(
        self,
        program: str,
        arguments: Sequence[str],
        env: Mapping[str, str],
        cwd: Path | None,
        before: Callable[[], None] | None,
    ) -> None:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", PYTHONPATH=str(ROOT))
        for name in ("NO_COLOR", "COLUMNS", "LINES"):
            os.environ.pop(name, None)
        os.environ.update(env)
        if cwd is not None:
            os.chdir(cwd)
        if before is not None:
            before()
        os.execv(sys.executable, [sys.executable, "-c", program, *arguments])

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, where: TracebackType | None
    ) -> None:
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            self._reap()
        os.close(self._fd)

    # ------------------------------------------------------------------ typing

    def type(self, text: str) -> None:
        """Bytes as the terminal sends them."""
        os.write(self._fd, text.encode())

    def resize(self, columns: int, lines: int) -> None:
        """Another size; the program is told."""
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.screen.resize(lines, columns)

    # ----------------------------------------------------------------- reading

    def text(self) -> str:
        """What stands on the screen."""
        return "\n".join(line.replace("\u00a0", " ") for line in self.screen.display)

    def see(self, text: str) -> float:
        """Wait until it stands there; returns the seconds since the start."""
        self.until(lambda: text in self.text(), repr(text))
        return monotonic() - self.started

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Read until it is true."""
        ends = monotonic() + PATIENCE
        while not condition():
            if monotonic() > ends or self._over():
                raise AssertionError(f"never happened: {what}\n{self.text()}")

    def answer(self, key: str, text: str) -> None:
        """Press a key when a review could be read, and again if it came too early; wait until the text stands there."""
        ends = monotonic() + PATIENCE
        while text not in self.text():
            assert monotonic() < ends and self.code is None, f"never happened: {text!r}\n{self.text()}"
            self.listen(0.4)
            if text in self.text():  # it answers the last time only now: a key more would be for what stands there
                return
            self.type(key)
            again = monotonic() + 5.0
            while monotonic() < again and text not in self.text() and not self._over():
                pass

    def silent(self, seconds: float) -> bool:
        """Whether there is such a time in which the program sends nothing, once what came before is painted."""
        return any(self.listen(seconds) == 0 for _ in range(5))

    def listen(self, seconds: float) -> int:
        """How many bytes the program sends in that time."""
        before, ends = len(self.output), monotonic() + seconds
        while monotonic() < ends and not self._over():
            pass
        return len(self.output) - before

    def _over(self) -> bool:
        """Read what comes in a moment; whether the program is gone and all that it said is read."""
        gone = self.code is not None  # asked before: what it said last may come while it ends
        return not self._read(0.05) and gone

    def _read(self, wait: float) -> bool:
        ready, _w, _x = select.select([self._fd], [], [], wait)
        if not ready:
            self._ended()
            return False
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # the program is gone
            data = b""
        if not data:
            self._reap()
            return False
        self.output += data
        self._stream.feed(data)
        return True

    # -------------------------------------------------------------------- ending

    def ends(self) -> int:
        """Wait for the program to end; its exit code."""
        ends = monotonic() + PATIENCE
        while self.code is None and monotonic() < ends:
            self._read(0.05)
        assert self.code is not None, f"still running\n{self.text()}"
        return self.code

    def kill(self) -> None:
        """Kill -9."""
        os.kill(self.pid, signal.SIGKILL)
        self._reap()

    def _ended(self) -> None:
        done, status = os.waitpid(self.pid, os.WNOHANG) if self.code is None else (0, 0)
        if done:
            self.code = os.waitstatus_to_exitcode(status)

    def _reap(self) -> None:
        if self.code is None:
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
