"""The day and the drawer: open, count, look round, close, as one short list with the next step marked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from coopbank.reports.evening import loans_behind
from coopbank.tui.checklist import DONE, LATER, WIDEST, WORDS, Evening, Step, evening, following, steps_of
from coopbank.tui.screens.base import HELP_KEY, HERE, CounterScreen, StatusLine
from coopbank.tui.screens.receipt import DayReportScreen
from coopbank.tui.show import amount, day_words
from coopbank.tui.widgets.banner import Banner
from coopbank.tui.widgets.guide import Guide
from coopbank.tui.widgets.keys import KeysLine
from coopbank.tui.widgets.rows import Column, RowList
from coopbank.words import _, marked, translate

if TYPE_CHECKING:
    from coopbank.reports.portfolio import PortfolioLoan
    from coopbank.tui.queries import Standing
    from coopbank.tui.session import Session


class DayScreen(CounterScreen[None]):
    """What is open, and what comes next."""

    HELP = marked("""# The day and your drawer

From top to bottom, as an evening goes: open the **day**, open your **drawer** with a float from the vault; at the
end **count** it and close it, look through what is loose, and the last one closes the day. ▸ next is what comes
next, ! look is what somebody should look at; that may wait, only open drawers keep the day open. **Enter** does the
line, or goes where it is about.

A count is blind: count first, then see in the review what the book expected. A difference is posted to cash over
and short at once, with your name and your word on why; nobody covers it from their own pocket.""")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "do", marked("Do this"), key_display="Enter", id="do"),
        Binding("f7", "app.go_to('journal')", marked("Journal"), key_display="F7", id="journal"),
        Binding("escape,f8", "leave", marked("Back"), key_display="Esc", id="back"),
        HELP_KEY,
        Binding("ctrl+q", "app.leave", marked("Leave"), key_display="Ctrl+Q", id="leave"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._evening: Evening | None = None
        self._follow = True  # whether the hand goes to what comes next, or stays where it is
        self._looking_round = True  # whether what comes next may still be another line,
        self._put = 0  # for a hand that stays where it was put

    def compose(self) -> ComposeResult:
        yield Banner()
        yield Guide()
        yield Static("", id="day-title", markup=False)
        yield RowList(
            (Column("", WIDEST), Column(_("Step"), 21), Column("", 20, flexible=True)), _cells,
            heading=False, id="day-steps", faint=lambda step: step.state in (DONE, LATER),
        )  # fmt: skip
        yield Static("", id="day-facts", markup=False)
        yield StatusLine()
        yield KeysLine()

    def on_mount(self) -> None:
        self.rows.focus()
        self.counter.stands.subscribe(self, self._stood)
        self.counter.changed.subscribe(self, self._written)
        if self.counter.standing is not None:
            self._stood(self.counter.standing)
        self.counter.books_changed()

    @property
    def rows(self) -> RowList:
        """The list."""
        return self.query_one("#day-steps", RowList)

    def _written(self, where: str) -> None:
        """Something was done: what comes next is another line now, if it was done here."""
        self._follow = self._follow or where == HERE
        self._looking_round = self._looking_round or where == HERE
        self.ask("evening", evening, self._looked_round, self.refused)

    def _looked_round(self, found: Evening) -> None:
        self._evening = found
        if self.counter.standing is not None and self.is_attached:
            self._show(self.counter.standing)
            self._looking_round = False

    def _stood(self, standing: Standing) -> None:
        self._show(standing)
        self._follow = False

    def _show(self, standing: Standing) -> None:
        before: Step | None = self.rows.chosen
        steps = steps_of(standing, self._evening, self.session.currency)
        here = next((place for place, step in enumerate(steps) if before and step.title == before.title), None)
        if self._follow or here is None or (self._looking_round and self.rows.cursor == self._put):
            here = self._put = following(steps)
        self.rows.show(steps, cursor=here)
        day = standing.business_date if standing.day_open else None
        title = day_words(day) if day is not None else _("No day is open")
        self.query_one("#day-title", Static).update(Content.styled(title, "bold"))
        self.query_one("#day-facts", Static).update(Content("\n".join(_facts(standing, self.session.currency))))

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        self._do(event.item)

    def action_do(self) -> None:
        """Do the step under the cursor."""
        self.rows.action_choose()

    def _do(self, step: Step) -> None:
        standing = self.counter.standing
        if standing is None:
            return
        self.status.clear()
        kind, _colon, what = step.does.partition(":")
        if step.loans:
            self._show_loans(step)
        elif kind == "place":
            self.counter.action_go_to(what)
        elif kind == "report" and standing.business_date is not None:
            self.app.push_screen(DayReportScreen(standing.business_date))
        elif step.state in (DONE, LATER) or not kind:
            self.status.say(f"{step.title}: {step.says}")
        elif not self.session.may("close-drawer" if kind == "drawer" else kind):
            self.status.say(_("Your roles do not include this; a colleague has to do it."))
        elif kind == "drawer":
            self.counter.fill_in("close-drawer", fixed={"drawer": what})
        else:
            self.counter.fill_in(kind, fixed=_known(kind, standing), suggested=_likely(kind, standing))

    def _show_loans(self, step: Step) -> None:
        def came(found: tuple[PortfolioLoan, ...]) -> None:
            from coopbank.tui.screens.portfolio import LoansScreen

            more = len(step.loans) - len(found)
            said = _("{title}; {count} more are not shown").format(title=step.title, count=more)
            self.app.push_screen(LoansScreen(said if more else step.title, found))

        self.carry_out(partial(_behind, step.loans), came, self.refused)

    def action_leave(self) -> None:
        """Back to the counter."""
        self.dismiss(None)


def _cells(step: Step) -> Sequence[str]:
    return (translate(WORDS[step.state]), step.title, step.says)


def _behind(refs: tuple[str, ...], session: Session) -> tuple[PortfolioLoan, ...]:
    with session.bank.read() as books:
        return loans_behind(books, refs)


def _known(operation: str, standing: Standing) -> dict[str, str]:
    """Fields that are not asked for."""
    closed = [drawer.ref for drawer in standing.drawers if drawer.state != "open"]
    if operation == "close-day":
        return {"date": ""}
    if operation in ("count-drawer", "close-drawer") and standing.mine is not None:
        return {"drawer": standing.mine.ref}
    return {"drawer": closed[0]} if operation == "open-drawer" and len(closed) == 1 else {}


def _likely(operation: str, standing: Standing) -> dict[str, str]:
    """What fields hold at first."""
    if operation == "move-cash" and standing.mine is not None:
        return {"from_place": standing.mine.ref, "to_place": "VAULT"}
    if operation == "open-drawer":
        closed = [drawer.ref for drawer in standing.drawers if drawer.state != "open"]
        return {"drawer": closed[0] if closed else f"D{len(standing.drawers) + 1}"}
    return {}


def _facts(standing: Standing, currency: str) -> list[str]:
    facts = []
    if standing.mine is not None:
        facts.append(
            _("Through your drawer today: {came} in, {went} out.").format(
                came=amount(standing.cash_in, currency), went=amount(standing.cash_out, currency)
            )
        )
        if standing.mine.cheques:
            facts.append(_("Cheques in it: {amount}.").format(amount=amount(standing.mine.cheques, currency)))
    facts.append(_("Head of the chain: {number} {hash}").format(number=standing.head_number, hash=standing.head_hash))
    return facts
