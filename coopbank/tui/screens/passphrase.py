"""A new passphrase: one's own, or as administrator a colleague's. The words are kept nowhere."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from coopbank.errors import CoopbankError
from coopbank.tui.screens.base import CounterModal, StatusLine
from coopbank.tui.widgets.inputs import LineInput
from coopbank.words import _, marked


class PassphraseScreen(CounterModal[bool]):
    """User, passphrase, and the passphrase again."""

    HELP = marked("""# A new passphrase

At least eight characters; several words are best. An administrator sets a colleague's, who then chooses another
at the next sign-in; everybody sets their own. One that a colleague has already is replaced by two people.
That it was set is in the books; the words are not.""")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("f9", "set", marked("Set it"), key_display="F9", id="set")]

    def __init__(self, user: str | None = None) -> None:
        super().__init__()
        self._user = user  # whose; the actor's own if left out
        self._busy = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="box small"):
            yield Static(_("A new passphrase"), markup=False, classes="box-title")
            for name, label, hidden in (
                ("user", _("User"), False), ("words", _("Passphrase"), True), ("again", _("Once more"), True),
            ):  # fmt: skip
                with Horizontal(classes="field-line"):
                    yield Static(label, markup=False, classes="field-label")
                    yield LineInput(
                        (self._user or self.session.actor.user) if name == "user" else "",
                        password=hidden,
                        max_length=200,
                        id=name,
                    )
            yield StatusLine()
            yield Static(Content(_("F9 sets it · Esc back")), markup=False, classes="box-keys")

    def on_mount(self) -> None:
        self.query_one("#words").focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.focus_next() if event.input.id != "again" else self.action_set()

    def action_set(self) -> None:
        """Set it, if both are the same."""
        user, words, again = (self.query_one(f"#{name}", LineInput).value for name in ("user", "words", "again"))
        if self._busy:
            return
        if words != again:
            self.query_one(StatusLine).refuse(_("The two are not the same; type it once more."))
            self.query_one("#again").focus()
            return
        self._busy = True
        self.carry_out(lambda session: session.set_passphrase(user.strip(), words), self._set, self._refused)

    def _set(self, waits: str | None) -> None:
        self._busy = False
        self.counter.books_changed()
        if waits is not None:
            told = _("A colleague has to agree first: {request}. Then set it here once more.")
            self.query_one(StatusLine).say(told.format(request=waits))
            return
        self.dismiss(True)

    def _refused(self, fault: CoopbankError) -> None:
        self._busy = False
        self.query_one(StatusLine).refuse(fault)
