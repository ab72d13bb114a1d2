"""A member's equity: shares by class, retained patronage by vintage, what waits to be paid, certificates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType

from coopbank.tui import equity
from coopbank.tui.pages import Page
from coopbank.tui.screens.views import ACTS_KEY, OPEN_KEY, View, ViewsScreen, usual_keys, view_keys
from coopbank.tui.widgets.rows import Column
from coopbank.words import _, marked

if TYPE_CHECKING:
    from coopbank.statements import Written
    from coopbank.tui.session import Session

VIEWS: Final = {
    "shares": View(
        marked("Shares"),
        (Column(marked("Class"), 6), Column(marked("Title"), 18, flexible=True),
         Column(marked("Shares"), 7, right=True), Column(marked("Amount"), 11, right=True),
         Column(marked("Towards"), 10, right=True)),
        marked("This member has no shares."),
    ),
    "patronage": View(
        marked("Patronage"),
        (Column(marked("Year"), 6), Column(marked("Retained"), 12, right=True), Column("", 30, flexible=True)),
        marked("No patronage of this member is retained."),
    ),
    "waits": View(
        marked("To be paid"),
        (Column(marked("Number"), 9), Column(marked("What"), 30, flexible=True),
         Column(marked("Amount"), 11, right=True)),
        marked("Nothing waits to be paid to this member."),
    ),
    "certificates": View(
        marked("Certificates"),
        (Column(marked("Number"), 30, flexible=True), Column(marked("Made on"), 12),
         Column(marked("Instead of"), 24, flexible=True)),
        marked("No certificate was made. F9 makes one."),
    ),
}  # fmt: skip


class EquityScreen(ViewsScreen):
    """What a member owns of the co-operative."""

    HELP = marked("""# What a member owns

**F3** shares by class, with what is paid towards the next one. **F4** patronage that is retained, year by year: the
oldest is redeemed first. **F6** what waits to be paid: shares that were given back, with their place in the queue,
dividends, patronage. **F8** certificates that were made. **Enter** opens the account behind a line.

**F5** lists what can be done: buy, pass on or give back shares, pay what waits. **F9** makes a share certificate as
PDF in the folder *statements*.""")
    VIEWS: ClassVar[Mapping[str, View]] = VIEWS
    BINDINGS: ClassVar[list[BindingType]] = [
        *view_keys(VIEWS),
        OPEN_KEY,
        ACTS_KEY,
        Binding("f9", "paper", marked("Certificate"), key_display="F9", id="paper"),
        *usual_keys(days=False),
    ]

    def __init__(self, member: str) -> None:
        super().__init__()
        self._member = member

    def question(self, day: date | None) -> Callable[[Session], Page]:
        member = self._member
        return lambda session: equity.equity_page(session, member)

    def action_paper(self) -> None:
        """Make a share certificate."""
        self.status.say(_("Drawing it …"))
        self.carry_out(partial(_certificate, self._member), self._made, self.refused)

    def _made(self, made: Written) -> None:
        from coopbank.tui.screens.documents import made_words

        self.status.say(made_words(made))
        self.read_again()


def _certificate(member: str, session: Session) -> Written:
    from coopbank.statements import make
    from coopbank.tui.screens.statements import FOLDER, printer_of

    return make(session.bank, "certificate", member, actor=printer_of(session), folder=FOLDER)
