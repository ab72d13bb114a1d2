"""The counter in a terminal that is taken from it: the terminal is given back as it was, and the books are sound."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.support_bank import PASSPHRASE, new_bank

pytestmark = pytest.mark.crash

PROGRAM = Path(sys.executable).with_name("coopbank")
FIRST_WORDS, LAST_WORDS = b"\x1b[?1049h", b"\x1b[?1049l"  # the terminal's other page, and back
MOUSE_OFF = b"\x1b[?1003l"
LONGEST = 60


class Terminal:
    """Both ends of a terminal; `said` is all that the program wrote."""

    def __init__(self, *command: str, folder: Path) -> None:
        self.ours, self.theirs = os.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.before, self.said = termios.tcgetattr(self.theirs), b""
        environment = dict(os.environ, TERM="xterm-256color", XDG_STATE_HOME=str(folder), XDG_CONFIG_HOME=str(folder),
                           PYTHONFAULTHANDLER="1")  # fmt: skip
        self.process = subprocess.Popen(
            [str(PROGRAM), *command], stdin=self.theirs, stdout=self.theirs, stderr=self.theirs, cwd=folder,
            env=environment, start_new_session=True,
        )  # fmt: skip

    def read_until(self, words: bytes) -> None:
        """Take what comes until these words were said, or nothing more can come."""
        deadline = time.monotonic() + LONGEST
        while words not in self.said and time.monotonic() < deadline:
            gone = self.process.poll() is not None  # asked before: it may end while we look whether it said more
            if select.select([self.ours], [], [], 0.1)[0]:
                self.said += os.read(self.ours, 65536)
            elif gone:
                return

    def ended(self) -> int:
        """Take what comes until the program ends; its exit code. One that does not end is made to tell where it is."""
        deadline = time.monotonic() + LONGEST
        while self.process.poll() is None and time.monotonic() < deadline:
            if select.select([self.ours], [], [], 0.1)[0]:
                self.said += os.read(self.ours, 65536)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGABRT)
            self.read_until(b"no more is to come")
            raise AssertionError(f"it goes on: {self.said[-6000:].decode(errors='replace')}")
        self.read_until(b"no more is to come")
        return self.process.returncode

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.ours)
        os.close(self.theirs)


@pytest.mark.parametrize("frozen", [0, 2], ids=["shut down", "frozen and thawed before"])
def test_a_machine_that_shuts_down_gets_its_terminal_back(tmp_path: Path, frozen: int) -> None:
    """SIGTERM, as `kill` and every shutdown send it; SIGSTOP and SIGCONT, as who freezes machines or programs does."""
    with new_bank(str(tmp_path / "ledger.db")) as small:
        small.give_passphrase("ana", PASSPHRASE)
        terminal = Terminal("--db", "ledger.db", folder=tmp_path)
        try:
            terminal.read_until(b"Pearl River")  # the screen where one signs in
            assert FIRST_WORDS in terminal.said and LAST_WORDS not in terminal.said
            assert termios.tcgetattr(terminal.theirs) != terminal.before, "keys come one by one, unseen"
            for _ in range(frozen):
                terminal.said = b""
                terminal.process.send_signal(signal.SIGSTOP)
                terminal.process.send_signal(signal.SIGCONT)
                terminal.read_until(b"Pearl River")  # painted anew
                assert termios.tcgetattr(terminal.theirs) != terminal.before, "and still"
            terminal.process.send_signal(signal.SIGTERM)
            assert terminal.ended() == 128 + signal.SIGTERM
            assert b"look first." in terminal.said
            assert LAST_WORDS in terminal.said and MOUSE_OFF in terminal.said and b"Traceback" not in terminal.said
            assert termios.tcgetattr(terminal.theirs) == terminal.before
        finally:
            terminal.close()
