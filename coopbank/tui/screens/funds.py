"""The funds: what each has, lent, promised and can lend; and one fund with its ratios and its cash to come."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.binding import Binding, BindingType

from coopbank.money import parse_typed
from coopbank.tui import funds
from coopbank.tui.pages import Page
from coopbank.tui.screens.views import (
    ACTS_KEY,
    OPEN_KEY,
    LinesScreen,
    View,
    ViewsScreen,
    usual_keys,
    view_keys,
)
from coopbank.tui.widgets.rows import Column
from coopbank.words import _, marked

if TYPE_CHECKING:
    from coopbank.statements import Written
    from coopbank.tui.session import Session

DUE: Final = View(
    marked("What falls due"),
    (Column(marked("Due"), 12), Column(marked("Number"), 7), Column(marked("Fund"), 5),
     Column(marked("Class, or lender"), 8, flexible=True), Column(marked("Rank"), 4, right=True),
     Column(marked("Principal"), 11, right=True), Column(marked("Interest"), 9, right=True), Column("", 8)),
    marked("Nothing is owed to lenders or between funds."),
)  # fmt: skip
OF_ALL: Final = {
    "funds": View(
        marked("Funds"),
        (Column(marked("Fund"), 4), Column("", 4, flexible=True), Column(marked("Capital"), 9, right=True),
         Column(marked("Lent"), 9, right=True), Column(marked("Promised"), 8, right=True, least_total=96),
         Column(marked("Available"), 9, right=True), Column(marked("Used"), 6, right=True),
         Column(marked("PAR30"), 5, right=True), Column(marked("PAR90"), 5, right=True),
         Column(marked("Times"), 5, right=True)),
        marked("There are no funds."),
        marked("█ lent  ▒ promised  · available    Used: percent lent  Times: how often lent"),
    ),
    "due": DUE,
    "years": View(
        marked("Year by year"),
        (Column(marked("Year"), 6), Column(marked("Debts"), 6, right=True), Column(marked("Principal"), 12, right=True),
         Column(marked("With all before"), 15, right=True), Column("", funds.BAR, flexible=True)),
        marked("Nothing is owed to lenders or between funds."),
        marked("█ what falls due in the year, of all debts"),
    ),
}  # fmt: skip
OF_ONE: Final = {
    "ratios": View(
        marked("Ratios"),
        (Column(marked("Ratio"), 20, flexible=True), Column(marked("Value"), 8, right=True),
         Column(marked("Part"), 10, right=True), Column(marked("Of"), 10, right=True)),
        marked("There is nothing to compare yet."),
    ),
    "sources": View(
        marked("Where it came from"),
        (Column(marked("Source"), 20, flexible=True), Column(marked("Amount"), 12, right=True),
         Column("", funds.BAR + 1)),
        marked("There is no money in it."),
        marked("█ part of the capital base; what is below zero is not drawn"),
    ),
    "ahead": View(
        marked("Cash ahead"),
        (Column(marked("At the end of"), 14, flexible=True), Column(marked("Cautious"), 12, right=True),
         Column(marked("Hopeful"), 12, right=True), Column("", funds.BAR + 3)),
        marked("Nothing is expected."),
        marked("█ cautious  ▒ hopeful besides  ! below nothing on some day    Enter: payment by payment"),
    ),
    "due": DUE,
}  # fmt: skip
EXPECTED: Final = (
    Column(marked("Day"), 12), Column(marked("What"), 14, flexible=True), Column(marked("Number"), 8),
    Column(marked("Amount"), 12, right=True), Column("", 14),
)  # fmt: skip


class FundsScreen(ViewsScreen):
    """Every fund at one look, and what falls due."""

    HELP = marked("""# Funds

**F3** what each fund has in capital, has lent, has promised and can still lend; how much of it is in use, how late its
loans are, and how often each dollar was lent. **F4** what falls due on lenders' notes and between funds, **F6** the
same year by year. **Enter** opens a fund: its ratios with both their parts, where its money came from, and its cash
for two years to come. **F5** on what falls due opens the form that repays it.

**F2** shows another day (`20260630`, `-30`, `t`). Loans over 30 or 90 days late are those of the last day that was
closed.""")
    VIEWS: ClassVar[Mapping[str, View]] = OF_ALL
    BINDINGS: ClassVar[list[BindingType]] = [*view_keys(OF_ALL), OPEN_KEY, ACTS_KEY, *usual_keys(days=True)]

    def question(self, day: date | None) -> Callable[[Session], Page]:
        return lambda session: funds.funds_page(session, day)

    def open_line(self, opens: Any) -> None:
        if isinstance(opens, str):
            self.app.push_screen(FundScreen(opens, self._as_of))
        else:
            super().open_line(opens)


class FundScreen(ViewsScreen):
    """One fund."""

    HELP = marked("""# A fund

**F3** its ratios, each with both its parts, or why there is none. **F4** where its money came from. **F6** its cash at
the end of each of 24 months: cautious is what is agreed, hopeful what may come besides; **Enter** on a month lists
every payment. **F8** what falls due on its notes.

**F5** answers from which day on an amount can be lent, without going below it later. **F9** makes the fund report as
PDF in the folder *statements*. **F2** shows another day.""")
    VIEWS: ClassVar[Mapping[str, View]] = OF_ONE
    BINDINGS: ClassVar[list[BindingType]] = [
        *view_keys(OF_ONE),
        OPEN_KEY,
        Binding("f5", "when", marked("When can we lend?"), key_display="F5", id="when"),
        Binding("f9", "paper", marked("Report"), key_display="F9", id="paper"),
        *usual_keys(days=True),
    ]

    def __init__(self, code: str, as_of: date | None = None) -> None:
        super().__init__(as_of)
        self._code = code

    def question(self, day: date | None) -> Callable[[Session], Page]:
        code = self._code
        return lambda session: funds.fund_page(session, code, day)

    def open_line(self, opens: Any) -> None:
        if isinstance(opens, funds.Month):
            self.app.push_screen(LinesScreen(opens.title, EXPECTED, opens.lines))
        else:
            super().open_line(opens)

    # ------------------------------------------------------------ when, on paper

    def action_when(self) -> None:
        """Ask how much is to be lent."""
        self.ask_for(_("amount to lend"), self._when_typed)

    def _when_typed(self, text: str) -> None:
        lend, code, day = parse_typed(text, self.session.currency, field="lend"), self._code, self._as_of
        self.ask("when", lambda session: funds.when(session, code, lend, day), self.status.say, self.refused)

    def action_paper(self) -> None:
        """Make the fund report."""
        self.status.say(_("Drawing it …"))
        self.carry_out(partial(_report, self._code, self._as_of), self._made, self.refused)

    def _made(self, made: Written) -> None:
        from coopbank.tui.screens.documents import made_words

        self.status.say(made_words(made))


def _report(code: str, day: date | None, session: Session) -> Written:
    from coopbank.statements import make
    from coopbank.tui.screens.statements import FOLDER, printer_of

    return make(session.bank, "fund-report", code, None, day, actor=printer_of(session), folder=FOLDER)
