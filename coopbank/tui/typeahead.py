"""Keys arrive one at a time, however fast they are typed.

Textual hands a key to the widget that has the focus when the key arrives. When keys come in
a burst (a practised hand, a bar-code reader, a slow line), the Enter that moves on to the next
field is still on its way while the digits behind it already go to the old one. At a till that
turns `150` into `50`. So the application keeps keys in a queue and lets the next one go only
when all that the last one set off has been handled; while it waits for the books before it
can show the next screen, it holds them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import App
from textual.screen import Screen
from textual.timer import Timer

from coopbank.tui.timers import once

if TYPE_CHECKING:
    from textual.dom import DOMNode

#: What a key sets off may set off more (Enter, then "on to the next", then the focus): so often it is followed up.
_ROUNDS = 3
#: Keys are not held longer for an answer that was lost; one that is on its way is waited for.
_LONGEST_HOLD = 10.0
_ALWAYS = frozenset({"ctrl+q"})
#: A screen that a key brought is given this long to be laid out and to take the focus, on however slow a machine.
_LOOK_AGAIN, _LOOKS = 0.01, 100


class _Then:
    """What comes later, in a form that Textual need not look into: of a `partial` it works out the signature each time.

    A key sets off two dozen of them.
    """

    __slots__ = ("_function", "_values")
    _param_count = 0  # what Textual keeps on a function of which it knows how many parameters it takes

    def __init__(self, function: Callable[..., Any], *values: Any) -> None:
        self._function, self._values = function, values

    def __call__(self) -> Any:
        return self._function(*self._values)


class TypeAhead(App[int]):
    """An application that loses no key and sends none astray."""

    def __init__(self) -> None:
        super().__init__()
        self._keys: deque[events.Key | events.Paste] = deque()
        self._key_under_way = False
        self._screen_before: DOMNode | None = None
        self._looks = 0
        self._holds = 0
        self._hold_timer: Timer | None = None
        self._typed_at = monotonic()

    @property
    def idle_seconds(self) -> float:
        """How long ago the last key came."""
        return monotonic() - self._typed_at

    def hold_keys(self) -> None:
        """Keep what is typed until `release_keys`: the screen that it is meant for is on its way."""
        self._holds += 1
        if self._hold_timer is None:
            self._hold_timer = once(self, _LONGEST_HOLD, self._held_long)

    def _held_long(self) -> None:
        """On a slow machine an answer takes its time; let go before it, the keys would go where they are not meant."""
        if any(not worker.is_finished for worker in self.workers):
            self._hold_timer = once(self, _LONGEST_HOLD, self._held_long)
        else:
            self._let_go()

    def release_keys(self) -> None:
        """One reason less to keep keys."""
        self._holds = max(0, self._holds - 1)
        if self._holds == 0:
            self._let_go()

    def forget_keys(self) -> None:
        """What was typed before this screen could be read is not meant for it."""
        self._keys.clear()

    def _let_go(self) -> None:
        self._holds = 0
        if self._hold_timer is not None:
            self._hold_timer.stop()
            self._hold_timer = None
        if not self._key_under_way:
            self._key_under_way = True  # what the answer set off (another screen, its focus) comes first
            self._follow_up(self.focused or self._top, _ROUNDS)

    async def on_event(self, event: events.Event) -> None:
        typed = isinstance(event, (events.Key, events.Paste)) and not event.is_forwarded
        if typed:
            self._typed_at = monotonic()
        if not typed or (isinstance(event, events.Key) and event.key in _ALWAYS):
            await super().on_event(event)
            return
        assert isinstance(event, (events.Key, events.Paste))
        self._keys.append(event)
        if not self._key_under_way:
            await self._next_key()

    async def _next_key(self) -> None:
        if self._key_under_way or self._holds or not self._keys:
            return
        self._key_under_way = True
        if self._unready() and self._looks < _LOOKS:
            self._looks += 1
            once(self, _LOOK_AGAIN, self._look_again)
            return
        self._screen_before, self._looks = self._top, 0
        event = self._keys.popleft()
        try:
            await super().on_event(event)
        finally:
            self._follow_up(self.focused or self._top, _ROUNDS)

    async def _look_again(self) -> None:
        self._key_under_way = False
        await self._next_key()

    @property
    def _top(self) -> DOMNode | None:
        return self.screen_stack[-1] if self.screen_stack else None

    def _unready(self) -> bool:
        """Whether the first screen, or one that the last key brought, does not know yet where the next one goes."""
        top = self._top
        if not isinstance(top, Screen) or top is self._screen_before:
            return False
        if len(self.screen_stack) == 1:
            return True  # Textual's own, under all of ours
        return not top.is_mounted or (top.focused is None and bool(top.focus_chain))

    def _follow_up(self, node: DOMNode | None, rounds: int) -> None:
        """Go up the way that messages bubble, through the queue of each widget, and do so again."""
        while node is not None and node is not self:
            if node.post_message(events.Callback(callback=_Then(self._follow_up, node.parent, rounds))):
                return
            node = node.parent  # it is closed already
        if not self.post_message(events.Callback(callback=_Then(self._followed, rounds))):
            self._key_under_way = False

    async def _followed(self, rounds: int) -> None:
        if rounds > 1:
            self._follow_up(self.focused or self._top, rounds - 1)
            return
        if self._unready() and self._looks < _LOOKS:
            self._looks += 1
            once(self, _LOOK_AGAIN, partial(self._followed, 1))
            return
        self._key_under_way = False
        await self._next_key()
