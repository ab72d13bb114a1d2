"""What every screen of the counter has: the banner, a line for what went wrong, help, the way to the books."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from time import monotonic
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual.binding import ActiveBinding, Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.timer import Timer
from textual.widgets import Input, Static

from coopbank.errors import CoopbankError
from coopbank.tui.show import neat, told
from coopbank.tui.timers import once
from coopbank.tui.widgets.rows import RowList
from coopbank.tui.work import AsksBooks, Pace
from coopbank.words import marked, translate

if TYPE_CHECKING:
    from textual.app import ComposeResult

R = TypeVar("R")

_DEAF = 0.3  # seconds

#: Who wrote, when the books have changed: this terminal, or another one. Or they can be read again, changed or not.
HERE, ELSEWHERE, AGAIN = "here", "elsewhere", "again"

HELP_KEY = Binding("f1", "app.help", marked("Help"), key_display="F1", id="help")


class StatusLine(Static):
    """One sentence: what was refused and what to do, or what was done. Hidden while there is nothing to say."""

    def __init__(self) -> None:
        super().__init__("", markup=False, classes="status")
        self.said = ""
        self._kept = ""
        self._stands: tuple[str, bool] | None = None  # what stands there, and whether as a refusal

    def on_mount(self) -> None:
        self.display = False
        self._stands = None

    def say(self, text: str) -> None:
        """Something to know."""
        self._put(text, refusal=False)

    def refuse(self, fault: CoopbankError | str) -> None:
        """Something that was refused."""
        self._put(f"! {told(fault)}", refusal=True)

    def clear(self) -> None:
        """Nothing to say."""
        self._put("", refusal=False)

    def keep(self, text: str) -> None:
        """What has to be known before anything else, and stands there until it is settled; with "" it is."""
        self._kept = text
        self._put(text, refusal=bool(text))

    def _put(self, text: str, *, refusal: bool) -> None:
        if self._kept:
            text, refusal = f"! {self._kept}", True
        self.said = text
        if self._stands == (text, refusal):
            return  # each key says that there is nothing to say: the screen would be laid out anew for it
        self._stands = text, refusal
        self.set_class(refusal, "refusal")
        self.update(Content(neat(text)))
        self.display = bool(text)


class Worded(Screen[R]):
    """What its keys do is told in the language in force when they are shown."""

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        return {
            key: active._replace(binding=replace(active.binding, description=translate(active.binding.description)))
            for key, active in super().active_bindings.items()
        }


class CounterScreen(AsksBooks, Worded[R]):
    """Base of the full screens."""

    AUTO_FOCUS: ClassVar[str | None] = ""  # every screen says itself where typing goes

    @property
    def status(self) -> StatusLine:
        """The line for what went wrong."""
        return self.query_one(StatusLine)

    @property
    def today(self) -> date:
        """The business date; the clock's day, before the first one."""
        standing = self.counter.standing
        return (standing.business_date if standing else None) or self.session.bank.clock.today()

    def refused(self, fault: CoopbankError) -> None:
        """Say what was refused; the screen stays as it is."""
        if self.is_attached:
            self.status.refuse(fault)


class BoxedScreen(CounterScreen[R]):
    """A list over which a box opens that asks for a day or a number; Esc leaves the box first, then the screen."""

    def __init__(self) -> None:
        super().__init__()
        self._pace = Pace()
        self._later: Timer | None = None

    def follow_the_books(self, read: Callable[[], None]) -> None:
        """Read now and whenever the books change: at once after what is done here, at its pace after others' work."""

        def again() -> None:
            self._later = None
            read()

        def changed(where: str) -> None:
            wait = 0.0 if where == HERE else self._pace.wait(monotonic())
            if not wait:
                again()
            elif self._later is None:
                self._later = once(self, wait, again, name="pace")

        self.counter.changed.subscribe(self, changed)
        read()

    @property
    def rows(self) -> RowList:
        """The list that is seen; a screen with several says which."""
        return self.query_one(RowList)

    def open_box(self) -> Input:
        """Show the box; what is typed goes there."""
        box = self.query_one("#journal-go", Input)
        box.display = True
        box.focus()
        return box

    def close_box(self) -> None:
        """Back to the list."""
        self.query_one("#journal-go").display = False
        self.rows.focus()

    def action_leave(self) -> None:
        """Out of the box, or back."""
        if self.query_one("#journal-go").display:
            self.close_box()
        else:
            self.dismiss(None)


class DatedScreen(BoxedScreen[None]):
    """A picture of the books as of now, or of the day that is asked for in the box."""

    def __init__(self) -> None:
        super().__init__()
        self._as_of: date | None = None

    @abstractmethod
    def read(self) -> None:
        """Ask the books for the picture of that day."""

    def action_as_of(self) -> None:
        """Ask for a day."""
        self.open_box()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        from coopbank.tui.forms import read_day  # which loads pydantic: the sign-in screen stands on this module too

        event.stop()
        try:
            self._as_of = read_day(event.value, self.today) if event.value.strip() else None
        except CoopbankError as fault:
            self.refused(fault)
            return
        self.status.clear()
        self.close_box()
        self.read()


class CounterModal(AsksBooks, Worded[R], ModalScreen[R]):
    """Base of the screens that lie over another one. The keys of the application are out of their reach."""

    AUTO_FOCUS: ClassVar[str | None] = ""  # every screen says itself where typing goes
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", marked("Back"), key_display="Esc", id="back"),
        HELP_KEY,
    ]

    def action_leave(self) -> None:
        """One step back."""
        self.dismiss(None)


class ReadFirst(CounterModal[R]):
    """A screen that is read before a key counts: none does before it was painted, nor for a moment after that.

    So neither an Enter meant for the form nor the second half of a double Enter answers it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._painted: float | None = None

    def on_mount(self) -> None:
        self.call_after_refresh(self._shown)

    def _shown(self) -> None:
        self._painted = monotonic()
        self.counter.forget_keys()

    def read_again(self) -> None:
        """What is shown has changed: the next key is judged anew."""
        self._painted = None
        self.call_after_refresh(self._shown)

    @property
    def deaf(self) -> bool:
        """Whether it is too early for an answer."""
        return self._painted is None or monotonic() - self._painted < _DEAF


__all__ = ["HELP_KEY", "ComposeResult", "CounterModal", "CounterScreen", "ReadFirst", "StatusLine"]
