"""The terminal as the counter drives it: who was stopped and goes on does so where it was.

Something may stop a program and let it go on without asking it: `kill -STOP`, a shell, what keeps a slow laptop cool.
Textual takes that for its own way to be suspended and begins anew with the terminal, though it never left it: from then
on two threads read what is typed, letters change places, and one of the threads never ends, nor does the program.
"""

from __future__ import annotations

import termios
import tty
from contextlib import suppress

from textual.drivers.linux_driver import LinuxDriver


class SteadyDriver(LinuxDriver):
    """Goes on with the terminal that it has; what others painted or changed there meanwhile is put right."""

    def _sigcont_application(self, *_: object) -> None:
        if self._must_signal_resume:  # it was asked, and left the terminal before it stopped
            super()._sigcont_application()
        elif self._key_thread is not None and self._key_thread.is_alive():
            self._loop.call_soon_threadsafe(self._take_again)  # in its turn: a signal comes in the midst of anything

    def _take_again(self) -> None:
        with suppress(termios.error):
            now = termios.tcgetattr(self.fileno)
            now[tty.LFLAG] = self._patch_lflag(now[tty.LFLAG])
            now[tty.IFLAG] = self._patch_iflag(now[tty.IFLAG])
            now[tty.CC][termios.VMIN] = 1
            termios.tcsetattr(self.fileno, termios.TCSANOW, now)
        self._app.refresh(layout=True)
