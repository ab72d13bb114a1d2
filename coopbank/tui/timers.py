"""Timers that go off once, for certain.

Textual's timers pass over a turn for which they are late. One that has a single turn then never goes off: where a busy
machine stops the program for ten milliseconds between two of its lines, a look into the books that was to be ten
milliseconds later is not taken at all, and keys wait for its answer for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.message_pump import MessagePump
    from textual.timer import Timer


def once(node: MessagePump, seconds: float, then: Callable[[], object], *, name: str | None = None) -> Timer:
    """Do it so many seconds from now, or as soon after as can be."""
    timer = node.set_timer(seconds, then, name=name)
    timer._skip = False  # before it begins: that is a task of its own
    return timer
