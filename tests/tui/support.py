"""A hand at the counter: drives the application by keys and reads what stands on the screen.

    async with counter(place) as hand:
        await hand.sign_in("ana")
        await hand.type("ada")
        await hand.press("enter", "f3")
        await hand.see("Deposit")

`place` comes from the fixture `book`: a copy of a small bank that is built once for all tests of the folder.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from textual import events
from textual._compositor import Compositor
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Static

from coopbank.bank.bank import Bank
from coopbank.bank.books import Books
from coopbank.clock import SetClock
from coopbank.ledger.verify import verify_ledger, wrong
from coopbank.tui.app import Counter
from coopbank.tui.screens.review import ReviewScreen

WORDS = "common wealth"
NOON = datetime(2026, 3, 5, 18, tzinfo=UTC)
HOSTILE = "[red]Eve[/red] <b>&amp; {x} 'q'"
TURNED = "\u202eevil\u200b"
PATIENCE = 60.0


class Hand:
    """Types, waits for the screen, and reads it."""

    def __init__(self, pilot: Pilot[int], app: Counter) -> None:
        self.pilot = pilot
        self.app = app

    async def press(self, *keys: str) -> None:
        """Keys by name, each when what the last one began is done."""
        for key in keys:
            self._send(key)
            await self.settled()

    async def type(self, text: str) -> None:
        """Characters."""
        await self.burst(*text)

    async def burst(self, *keys: str) -> None:
        """Keys all at once, faster than any hand: nothing is waited for in between."""
        for key in keys:
            self._send(key)
        await self.settled()

    def _send(self, key: str) -> None:
        character = _CHARACTERS.get(key, key if len(key) == 1 else None)
        self.app.post_message(events.Key(_KEYS.get(key, key), character))

    async def settled(self, horizon: float = 0.0) -> None:
        """Until nothing is ready to run: messages are handled, what comes after a refresh too, questions answered.

        Timers are waited for, that go off within `horizon` seconds.
        Textual's own pilot sleeps 40 ms after each key instead, and longer while the processor works.
        """
        loop = asyncio.get_running_loop()
        began, calm = loop.time(), 0
        while calm < 2:
            await asyncio.sleep(0)
            if loop._ready or self._refreshed():  # type: ignore[attr-defined]
                calm = 0
            elif self._soon(loop, began + horizon) or (self._at_work() and loop.time() < began + PATIENCE):
                calm = 0
                await asyncio.sleep(0.002)
            else:
                calm += 1

    def _refreshed(self) -> bool:
        """What waits for the screen's next refresh does not have to wait for its turn; whether something did."""
        screen = self.app._screen_stack[-1] if self.app._screen_stack else None
        if screen is None or not screen.is_running or not self._waits(screen):
            return False
        with self.app._context():  # of two applications in one test the other one may be the current one
            screen._on_timer_update()
        return bool(screen._callbacks) or not self._waits(screen)

    @staticmethod
    def _waits(screen: Screen[Any]) -> bool:
        return bool(screen._callbacks) or screen._layout_required or screen._scroll_required

    @staticmethod
    def _soon(loop: asyncio.AbstractEventLoop, until: float) -> bool:
        return any(not timer.cancelled() and timer.when() < until for timer in loop._scheduled)  # type: ignore[attr-defined]

    def _at_work(self) -> bool:
        """Whether the books are asked, or a key is under way to a screen that is not laid out yet."""
        typing = self.app._key_under_way and self.app.is_running and not self.app._exit
        return typing or any(not worker.is_finished for worker in self.app.workers)

    async def until(self, condition: Callable[[], bool], what: str = "") -> None:
        """Wait for something to become true, and see what stands there then."""
        ends = monotonic() + PATIENCE
        while not condition():
            if monotonic() > ends or self.app._exception is not None:
                raise AssertionError(f"never happened: {what}\n{self.screen_text()}")
            await asyncio.sleep(0.002)
            await self.settled()
        self.paint()

    async def see(self, text: str) -> None:
        """Wait until the text stands on the screen."""
        await self.until(lambda: text in self.screen_text(), f"{text!r} on the screen")

    async def on(self, screen: type[Screen[Any]]) -> None:
        """Wait until that screen is there."""
        await self.until(lambda: isinstance(self.app.screen, screen), screen.__name__)

    async def post(self) -> None:
        """From the form through the review, which is read."""
        await self.press("f9")
        await self.on(ReviewScreen)
        await self.deaf_time()
        await self.press("enter")

    async def quiet(self) -> None:
        """Wait until nothing is on its way."""
        for _ in range(3):
            await self.app.workers.wait_for_complete()
            await self.settled(horizon=0.02)
        self.paint()

    def paint(self) -> None:
        """What has changed, without waiting for its turn."""
        screen = self.app._screen_stack[-1] if self.app._screen_stack else None
        if screen is None or not screen.is_running:
            return
        with self.app._context():
            if screen._dirty_widgets or screen._repaint_required:
                screen._on_timer_update()
            if screen._compositor._dirty_regions:
                _painted(screen._compositor, screen_stack=self.app._background_screens)

    async def sign_in(self, user: str, words: str = WORDS) -> None:
        """From the first screen to the counter."""
        await self.until(lambda: self.app.opened is not None, "the books are opened")
        await self.press("ctrl+u")
        await self.type(user)
        await self.press("enter")
        await self.type(words)
        await self.press("enter")
        await self.until(lambda: self.app.standing is not None, "somebody is signed in")
        await self.quiet()

    async def deaf_time(self) -> None:
        """Wait until a review or a receipt has been on the screen long enough to take an answer."""
        await self.until(lambda: not getattr(self.app.screen, "deaf", True), "a screen that takes an answer")

    def lines(self) -> list[str]:
        """What is painted, line by line."""
        self.app.screen.refresh()
        return [
            "".join(segment.text for segment in strip).replace("\u00a0", " ")
            for strip in self.app.screen._compositor.render_strips()
        ]

    def screen_text(self) -> str:
        """What is painted."""
        return "\n".join(self.lines())

    def status(self) -> str:
        """The status line."""
        return " ".join(str(line.render()) for line in self.app.screen.query(".status").results(Static))


_painted = Compositor.render_update


def painted_by_the_hand(compositor: Compositor, full: bool = False, *args: Any, **more: Any) -> Any:
    """In place of Textual's own: what changed is painted when a hand looks (`Hand.paint`), and then all of it.

    Without a terminal nobody sees what is painted in between: a layout would be painted that the next one replaces.
    """
    return _painted(compositor, full, *args, **more) if full else None


_KEYS = {" ": "space", ".": "full_stop", ",": "comma", "-": "minus", "+": "plus", "/": "slash", "$": "dollar_sign"}
_CHARACTERS = {"space": " ", "enter": "\r", "tab": "\t"}


@asynccontextmanager
async def counter(
    place: str,
    *,
    size: tuple[int, int] = (80, 24),
    user: str | None = None,
    moment: datetime = NOON,
    read_only: bool = False,
) -> AsyncIterator[Hand]:
    """The application on these books, in a terminal of that size, at a moment that stands still."""
    app = Counter(place, user, clock=SetClock(moment), read_only=read_only)
    async with app.run_test(size=size) as pilot:
        yield Hand(pilot, app)


def look(place: str, question: Callable[[Books], object]) -> object:
    """Ask the books from outside the application."""
    bank = Bank.open(place)
    try:
        with bank.read() as books:
            return question(books)
    finally:
        bank.close()


def balance(place: str, code: str, fund: str = "GEN") -> int:
    """A leaf's balance, debit +."""
    found = look(place, lambda books: books.balance(fund, code))
    assert isinstance(found, int)
    return found


def operations(place: str, kind: str) -> int:
    """How many operations of a kind there are."""
    found = look(place, lambda books: books.tx.value("SELECT count(*) FROM operation WHERE kind = ?", kind))
    assert isinstance(found, int)
    return found


def assert_book(place: str) -> None:
    """The books prove themselves: no check finds anything."""
    bank = Bank.open(place)
    try:
        found = wrong(verify_ledger(bank.database))
        assert not found, "\n".join(f"{f.check}: operation {f.operation}: {f.message}" for f in found)
    finally:
        bank.close()
