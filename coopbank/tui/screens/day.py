"""The day and the drawer: open, count, look round, close, as one short list with the next step marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Footer, Static

from coopbank.tui.screens.base import HELP_KEY, CounterScreen, StatusLine
from coopbank.tui.show import amount, day_words
from coopbank.tui.widgets.banner import Banner
from coopbank.tui.widgets.guide import Guide
from coopbank.tui.widgets.rows import Column, RowList
from coopbank.words import _, marked

if TYPE_CHECKING:
    from coopbank.tui.queries import Standing
    from coopbank.tui.session import Session


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the day: done, next, or not yet, and why."""

    operation: str
    title: str
    says: str
    state: str  # done, next, free, blocked

    @property
    def mark(self) -> str:
        """A sign for the state; the words say it too."""
        return {"done": "✓", "next": "▸", "free": " ", "blocked": "·"}[self.state]


class DayScreen(CounterScreen[None]):
    """What is open, and what comes next."""

    HELP = marked("""# The day and your drawer

From top to bottom, as an evening goes: open the **day**, open your **drawer** with a float from the vault; at the
end **count** it and close it, and the last one closes the day. ▸ marks what comes next; **Enter** does it.

A count is blind: count first, then see in the review what the book expected. A difference is posted to cash over
and short at once, with your name; nobody covers it from their own pocket.""")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "do", marked("Do this"), key_display="Enter", id="do"),
        Binding("f7", "app.go_to('journal')", marked("Journal"), key_display="F7", id="journal"),
        Binding("escape,f8", "leave", marked("Back"), key_display="Esc", id="back"),
        HELP_KEY,
        Binding("ctrl+q", "app.leave", marked("Leave"), key_display="Ctrl+Q", id="leave"),
    ]

    def compose(self) -> ComposeResult:
        yield Banner()
        yield Guide()
        yield Static("", id="day-title", markup=False)
        yield RowList(
            (Column("", 1), Column(_("Step"), 24), Column("", 20, flexible=True)),
            lambda step: (step.mark, step.title, step.says), heading=False, id="day-steps",
            faint=lambda step: step.state in ("done", "blocked"),
        )  # fmt: skip
        yield Static("", id="day-facts", markup=False)
        yield StatusLine()
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self.query_one("#day-steps").focus()
        self.counter.stands.subscribe(self, self._stood)
        if self.counter.standing is not None:
            self._stood(self.counter.standing)
        self.counter.books_changed()

    def _stood(self, standing: Standing) -> None:
        steps = steps_of(standing, self.session)
        order = {"next": 0, "free": 1, "done": 2, "blocked": 3}
        following = min(range(len(steps)), key=lambda i: (order[steps[i].state], i))
        self.query_one("#day-steps", RowList).show(steps, cursor=following)
        day = standing.business_date if standing.day_open else None
        title = day_words(day) if day is not None else _("No day is open")
        self.query_one("#day-title", Static).update(Content.styled(title, "bold"))
        self.query_one("#day-facts", Static).update(Content("\n".join(_facts(standing, self.session.currency))))

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        self._do(event.item)

    def action_do(self) -> None:
        """Do the step under the cursor."""
        self.query_one("#day-steps", RowList).action_choose()

    def _do(self, step: Step) -> None:
        standing = self.counter.standing
        if standing is None:
            return
        if step.state in ("done", "blocked"):
            self.status.say(f"{step.title}: {step.says}")
            return
        self.status.clear()
        if step.operation.startswith("place:"):
            self.counter.action_go_to(step.operation.removeprefix("place:"))
            return
        if not self.session.may(step.operation):
            self.status.say(_("Your roles do not include this; a colleague has to do it."))
            return
        fixed: dict[str, str] = {}
        suggested: dict[str, str] = {}
        if step.operation == "close-day":
            fixed["date"] = ""
        elif step.operation in ("count-drawer", "close-drawer") and standing.mine is not None:
            fixed["drawer"] = standing.mine.ref
        elif step.operation == "open-drawer":
            closed = [drawer.ref for drawer in standing.drawers if drawer.state != "open"]
            if len(closed) == 1:
                fixed["drawer"] = closed[0]
            else:
                suggested["drawer"] = closed[0] if closed else f"D{len(standing.drawers) + 1}"
        elif step.operation == "move-cash" and standing.mine is not None:
            suggested = {"from_place": standing.mine.ref, "to_place": "VAULT"}
        self.counter.fill_in(step.operation, fixed=fixed, suggested=suggested)

    def action_leave(self) -> None:
        """Back to the counter."""
        self.dismiss(None)


def steps_of(standing: Standing, session: Session) -> Sequence[Step]:
    """The steps of a day, as they stand."""
    money = session.currency
    steps = []
    opened, mine = standing.day_open, standing.mine
    if opened and standing.business_date is not None:
        steps.append(Step("open-day", _("Open the day"), _("open"), "done"))
    else:
        today = day_words(standing.today)
        steps.append(Step("open-day", _("Open the day"), _("today is {day}").format(day=today), "next"))
    old = opened and standing.business_date is not None and standing.business_date < standing.today
    if mine is not None:
        says = _("{drawer}, with {amount} in it").format(drawer=mine.ref, amount=amount(mine.holds, money))
        steps.append(Step("open-drawer", _("Open your drawer"), says, "done"))
    elif opened:
        says = _("with a float from the vault, which holds {amount}").format(amount=amount(standing.vault, money))
        steps.append(Step("open-drawer", _("Open your drawer"), says, "free" if old else "next"))
    else:
        steps.append(Step("open-drawer", _("Open your drawer"), _("once the day is open"), "blocked"))
    no_drawer = _("you have no drawer open")
    for name, title, says in (
        ("move-cash", _("Move cash"), _("between your drawer and the vault")),
        ("count-drawer", _("Count your drawer"), _("in between, as often as you like")),
        ("close-drawer", _("Close your drawer"), _("count it and bring the cash to the vault")),
    ):
        steps.append(Step(name, title, says if mine else no_drawer, "free" if mine else "blocked"))
    steps += _loose_ends(standing, money)
    steps.append(_close_day(standing, old=old))
    return steps


def _loose_ends(standing: Standing, money: str) -> Iterator[Step]:
    """What is looked at before a day is closed. None of it keeps the day from being closed."""
    if standing.cheques:
        says = _("{amount} on hand; the treasurer takes them").format(amount=amount(standing.cheques, money))
        yield Step("bank-cheques", _("Cheques to the bank"), says, "free")
    if standing.unknown:
        says = _("{count} receipts that nobody recognised").format(count=standing.unknown)
        yield Step("clear-suspense", _("Unknown money"), says, "free")
    if standing.waiting:
        says = _("{count} requests; they may wait").format(count=standing.waiting)
        yield Step("place:waiting", _("For a second person"), says, "free")
    yield Step("place:portfolio", _("Late loans"), _("look who is late, and what comes next"), "free")
    yield Step("place:statements", _("Statements"), _("of a month, for every member"), "free")


def _close_day(standing: Standing, *, old: bool) -> Step:
    title = _("Close the day")
    if not standing.day_open:
        return Step("close-day", title, _("no day is open"), "blocked")
    still = [f"{drawer.ref} ({drawer.owner})" for drawer in standing.drawers if drawer.state == "open"]
    if still:
        says = _("close first: {drawers}").format(drawers=", ".join(still))
        return Step("close-day", title, says, "blocked")
    says = _("every drawer is closed, {count} entries today").format(count=standing.entries_today)
    return Step("close-day", title, says, "next" if old else "free")


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
    facts.append(_("In the vault: {amount}.").format(amount=amount(standing.vault, currency)))
    if standing.waiting:
        facts.append(_("Waiting for a second person: {count}.").format(count=standing.waiting))
    facts.append(_("Head of the chain: {number} {hash}").format(number=standing.head_number, hash=standing.head_hash))
    return facts
