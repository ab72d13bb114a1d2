"""The lock: nobody is at the terminal. What was on it stays as it is, out of sight, until its person is back."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from coopbank.errors import CoopbankError
from coopbank.tui.screens.base import HELP_KEY, CounterScreen, StatusLine
from coopbank.tui.screens.confirm import ConfirmScreen
from coopbank.tui.show import neat
from coopbank.tui.widgets.inputs import LineInput
from coopbank.tui.widgets.keys import KeysLine
from coopbank.words import _, marked


class LockScreen(CounterScreen[None]):
    """A passphrase, or somebody else."""

    HELP = marked("""# Locked

Nobody typed for a while. Type your **passphrase** and Enter: everything is as you left it, a half-filled form too.

**F4** lets somebody else sign in; a form that is filled in is lost then, and the counter asks before.""")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "unlock", marked("Unlock"), key_display="Enter", id="unlock"),
        Binding("f4", "another", marked("Somebody else"), key_display="F4", id="another"),
        HELP_KEY,
        Binding("ctrl+q", "app.leave", marked("Leave"), key_display="Ctrl+Q", id="leave"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._busy = False

    def compose(self) -> ComposeResult:
        with Vertical(id="sign-in"):
            yield Static(Content(neat(self.session.welcome.institution)), id="sign-in-bank", markup=False)
            user = neat(self.session.actor.user)
            yield Static(_("Locked. {user} is signed in.").format(user=user), id="sign-in-mark", markup=False)
            with Horizontal(classes="field-line"):
                yield Static(_("Passphrase"), classes="field-label", markup=False)
                yield LineInput(placeholder=_("then Enter"), password=True, id="passphrase", max_length=200)
            with Horizontal(classes="field-line", id="code-line"):
                yield Static(_("One-time code"), classes="field-label", markup=False)
                yield LineInput(placeholder=_("six digits from your telephone"), id="code", max_length=10)
            yield StatusLine()
        yield KeysLine()

    @property
    def box(self) -> LineInput:
        """Where the passphrase is typed."""
        return self.query_one("#passphrase", LineInput)

    @property
    def code(self) -> LineInput:
        """Where the one-time code is typed, by whoever has them."""
        return self.query_one("#code", LineInput)

    def on_mount(self) -> None:
        self.query_one("#code-line").display = False  # until one is asked for
        self.box.focus()

    def on_input_submitted(self) -> None:
        self.action_unlock()

    def action_unlock(self) -> None:
        """Check the passphrase; the books seal that it was given."""
        words = self.box.value
        if self._busy or not words:
            return
        self._busy = True
        self.status.say(_("Checking …"))
        user, code = self.session.actor.user, self.code.value or None
        self.carry_out(lambda session: session.sign_in(user, words, code), self._unlocked, self._still_locked)

    def _unlocked(self, _powers: object) -> None:
        self.counter.books_changed()
        self.dismiss(None)

    def _still_locked(self, fault: CoopbankError) -> None:
        self._busy = False
        self.status.refuse(fault)
        self.code.value = ""
        if fault.field == "code":  # the passphrase was right, and stays
            self.query_one("#code-line").display = True
            self.code.focus()
            return
        self.box.value = ""
        self.box.focus()

    def action_another(self) -> None:
        """Somebody else signs in; asks first if a form would be lost."""
        if not any(getattr(screen, "dirty", False) for screen in self.counter.screen_stack):
            self.counter.to_sign_in()
            return
        question = _("Let somebody else sign in? A form is filled in and not posted; it will be lost.")
        ask = ConfirmScreen(question, _("Stay locked"), _("Sign in anew"))
        self.app.push_screen(ask, lambda go: self.counter.to_sign_in() if go else None)
