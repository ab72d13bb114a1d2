"""Being asked to end: from the keyboard, by a machine that shuts down (SIGTERM), by a closed terminal (SIGHUP).

All three go the way of Ctrl-C: what was begun is undone, files that are not whole are taken away, and the counter
gives the terminal back as it was. A second one of the same kind ends the program where it stands.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

ENDING: Final = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def heeded() -> Iterator[list[int]]:
    """While the block runs; yields the signals that came, of which the first is why it ended.

    What was set otherwise stays: nohup lets a program outlive its terminal.
    """
    asked: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        signal.signal(number, signal.SIG_DFL)
        interrupt = signal.getsignal(signal.SIGINT)  # the counter's loop has its own way to stop
        if not callable(interrupt):
            raise KeyboardInterrupt
        interrupt(signal.SIGINT, frame)

    ours = [each for each in ENDING if signal.getsignal(each) is signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():
        ours = []  # only there they can be heard
    try:
        for each in ours:
            signal.signal(each, end)
        yield asked
    finally:
        for each in ours:
            signal.signal(each, signal.SIG_DFL)
