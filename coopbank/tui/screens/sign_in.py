"""Sign in: whose bank this is, whether it counts, and who stands at the counter.

This screen is painted before the books are even opened, so it loads nothing heavy.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from coopbank.errors import CoopbankError
from coopbank.tui.screens.base import HELP_KEY, CounterScreen, StatusLine
from coopbank.tui.show import neat
from coopbank.tui.widgets.inputs import LineInput
from coopbank.tui.widgets.keys import KeysLine
from coopbank.words import _, marked, translate

if TYPE_CHECKING:
    from coopbank.tui.queries import Seen
    from coopbank.tui.session import Session, Welcome


class SignInScreen(CounterScreen[None]):
    """User and passphrase."""

    HELP = marked("""# Sign in

Type your user name, **Enter**, your passphrase, **Enter**. After three wrong passphrases the next try
has to wait, a little longer each time. An administrator can give you a new passphrase.

**LIVE** books are the real ones. **PRACTICE** books are for learning: nothing in them counts.""")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "next", marked("Sign in"), key_display="Enter", id="sign-in"),
        HELP_KEY,
        Binding("f3", "language", "Español / English", key_display="F3", id="language"),
        Binding("escape", "clear", marked("Start again"), key_display="Esc", id="clear"),
        Binding("ctrl+q", "app.leave", marked("Leave"), key_display="Ctrl+Q", id="leave"),
    ]

    def __init__(self, user: str | None) -> None:
        super().__init__()
        self._user = user or ""
        self._busy = False

    def compose(self) -> ComposeResult:
        with Vertical(id="sign-in"):
            yield Static(_("Opening the books …"), id="sign-in-bank", markup=False)
            yield Static("", id="sign-in-mark", markup=False)
            with Horizontal(classes="field-line"):
                yield Static(_("User"), classes="field-label", markup=False)
                yield LineInput(self._user, placeholder=_("your user name, then Enter"), id="user", max_length=40)
            with Horizontal(classes="field-line"):
                yield Static(_("Passphrase"), classes="field-label", markup=False)
                yield LineInput(placeholder=_("then Enter"), password=True, id="passphrase", max_length=200)
            with Horizontal(classes="field-line", id="code-line"):
                yield Static(_("One-time code"), classes="field-label", markup=False)
                yield LineInput(placeholder=_("six digits from your telephone"), id="code", max_length=10)
            yield StatusLine()
            yield Static("", id="sign-in-practice", markup=False)
            yield Static("", id="sign-in-head", markup=False)
        yield KeysLine()

    def on_mount(self) -> None:
        if self.query("#passphrase"):
            self._begin()
        else:  # on a slow machine the screen may be mounted before what is in it
            self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.query_one("#code-line").display = False  # until somebody has codes
        self.query_one("#passphrase" if self._user else "#user").focus()
        if self.counter.opened is not None:
            self.welcomed(self.counter.opened)

    def reword(self) -> None:
        """Say everything in the language in force, with what was typed."""
        self.call_later(self._say_anew)

    async def _say_anew(self) -> None:
        self._user = self.query_one("#user", LineInput).value
        await self.recompose()
        self.refresh_bindings()
        self.on_mount()

    def action_language(self) -> None:
        """The other language."""
        self.counter.other_language()

    def welcomed(self, session: Session) -> None:
        """The books are open."""
        welcome = session.welcome
        self.query_one("#sign-in-bank", Static).update(Content(neat(welcome.institution)))
        self.query_one("#sign-in-mark", Static).update(_mark(welcome))
        if welcome.practice:
            self.query_one("#sign-in-practice", Static).update(_sign_ins(welcome.practice))
        closed = welcome.last_close or _("never")
        head = _("Last close {day} · head {number} {hash}").format(
            day=closed, number=welcome.head_number, hash=welcome.head_hash
        )
        self.query_one("#sign-in-head", Static).update(Content(head))
        if self._busy:
            user, passphrase = (self.query_one(f"#{name}", LineInput).value for name in ("user", "passphrase"))
            self._check(user.strip(), passphrase)
            self.counter.release_keys()

    def not_opened(self, fault: CoopbankError) -> None:
        """The books cannot be opened."""
        if self._busy:
            self._busy = False
            self.counter.release_keys()
        self.query_one("#sign-in-bank", Static).update(_("The books cannot be opened"))
        self.status.refuse(fault)

    def on_input_submitted(self) -> None:
        self.action_next()

    def action_next(self) -> None:
        """From the user name to the passphrase, and from there in."""
        user = self.query_one("#user", LineInput).value.strip()
        passphrase = self.query_one("#passphrase", LineInput)
        if not user:
            self.query_one("#user").focus()
            return
        if not passphrase.value:
            passphrase.focus()
            return
        if self._busy:
            return
        if self.counter.failed is not None:
            self.status.refuse(self.counter.failed)
            return
        self._busy = True
        if self.counter.opened is None:
            self.status.say(_("One moment: the books are being opened."))
            self.counter.hold_keys()  # what is typed ahead waits with us
            return
        self._check(user, passphrase.value)

    def _check(self, user: str, words: str) -> None:
        self.status.say(_("Checking …"))
        code = self.query_one("#code", LineInput).value or None
        self.carry_out(lambda session: _enter(session, user, words, code), self._in, self._not_in)

    def action_clear(self) -> None:
        """Empty both fields."""
        for field in self.query(LineInput):
            field.value = ""
        self.query_one("#code-line").display = False
        self.status.clear()
        self.query_one("#user").focus()

    def _in(self, seen: Seen | None) -> None:
        self._busy = False
        for name in ("passphrase", "code"):
            self.query_one(f"#{name}", LineInput).value = ""
        self.query_one("#code-line").display = False
        self.status.clear()
        self.counter.signed_in(seen)

    def _not_in(self, fault: CoopbankError) -> None:
        self._busy = False
        self.status.refuse(fault)
        code = self.query_one("#code", LineInput)
        code.value = ""
        if fault.field == "code":  # the passphrase was right, and stays
            self.query_one("#code-line").display = True
            code.focus()
            return
        passphrase = self.query_one("#passphrase", LineInput)
        passphrase.value = ""
        passphrase.focus()


def _enter(session: Session, user: str, words: str, code: str | None) -> Seen | None:
    """Sign in, and read with it what every screen shows; if that fails, whoever is in asks again and is told why."""
    from coopbank.tui import queries

    session.sign_in(user, words, code)
    try:
        return queries.seen(session)
    except Exception:
        return None


def _mark(welcome: Welcome) -> Content:
    if welcome.practice is None:
        return Content.assemble((_(" LIVE "), "bold"), " ", _("These are the real books."))
    return Content.assemble((_(" PRACTICE "), "bold reverse"), " ", _("Nothing in these books counts."))


def _sign_ins(text: str) -> Content:
    """Who can sign in to practice, one on a line."""
    said = re.sub(r"(?<=[(,])( ?)([a-z-]+)(?=[,)])", lambda role: role[1] + translate(role[2]), text)
    said = re.sub(r"\bpassphrase:", lambda _word: _("Passphrase").lower() + ":", said)
    lines = [neat(part.strip()) for part in said.replace("\n", ";").split(";") if part.strip()]
    return Content("\n".join([_("Sign in as one of:"), *(f"  {line}" for line in lines)]))
