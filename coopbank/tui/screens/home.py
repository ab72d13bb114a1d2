"""The counter itself: find a member as you type, see their card, serve them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widgets import Input, Static

from coopbank.errors import CoopbankError
from coopbank.reports.find import FoundMember
from coopbank.tui import loans, queries
from coopbank.tui.screens.base import HELP_KEY, CounterScreen, StatusLine
from coopbank.tui.screens.loan import LoanPick
from coopbank.tui.show import day_words
from coopbank.tui.timers import once
from coopbank.tui.widgets.banner import Banner
from coopbank.tui.widgets.guide import Guide
from coopbank.tui.widgets.inputs import LineInput
from coopbank.tui.widgets.keys import KeysLine
from coopbank.tui.widgets.member_card import MemberCard
from coopbank.tui.widgets.rows import Column, RowList
from coopbank.words import _, marked

if TYPE_CHECKING:
    from coopbank.tui.loans import LoanHit
    from coopbank.tui.queries import Card, Standing

_PAUSE = 0.01  # seconds after the last key before the books are asked
_LATELY = 12


class FindBox(LineInput):
    """Where one types whom to find. Up and down move in the list below, Enter opens."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "screen.hit(-1)", marked("Hit before"), show=False),
        Binding("down", "screen.hit(1)", marked("Next hit"), show=False),
    ]


class FindScreen(CounterScreen[str | None]):
    """Finding and looking: the part that the counter and a look-up in mid-form share."""

    def __init__(self) -> None:
        super().__init__()
        self._pause: Timer | None = None
        self._found_for = ""  # the text that the hits belong to
        self._then: str | None = None  # an action that waits for the hits of what was just typed
        self._lately: list[FoundMember] = []
        self.member: str | None = None  # whose card is shown, or is on its way

    def compose(self) -> ComposeResult:
        yield Banner()
        yield Guide()
        yield Static("", id="notice", markup=False)
        with Horizontal(id="counter"):
            with Vertical(id="finding"):
                with Horizontal(id="find-line"):
                    yield Static(_("Find"), id="find-label", markup=False)
                    hint = _("name, number, loan or telephone (F1 helps)")
                    yield FindBox(placeholder=hint, id="find", max_length=200)
                columns = (Column("", 16, flexible=True), Column("", 16, least_total=60), Column("", 7))
                nobody = _("No member is found by that.")
                hits = RowList(columns, _hit_cells, heading=False, id="hits", empty=nobody)
                hits.can_focus = False
                yield hits
            yield MemberCard(id="card")
        yield StatusLine()
        yield KeysLine()

    def on_mount(self) -> None:
        self.query_one("#notice").display = False
        self.query_one("#hits").display = False
        self.query_one("#find").focus()
        self.counter.changed.subscribe(self, lambda _reason: self._read_again())
        self.counter.stands.subscribe(self, self.stood)
        self.show_nobody()
        if self.counter.standing is not None:
            self.stood(self.counter.standing)

    # ------------------------------------------------------------------ finding

    @property
    def find(self) -> FindBox:
        """The find box."""
        return self.query_one("#find", FindBox)

    @property
    def hits(self) -> RowList:
        """What it found."""
        return self.query_one("#hits", RowList)

    @property
    def card(self) -> Card | None:
        """The member whose card is shown."""
        return self.query_one(MemberCard).card

    @property
    def _settled(self) -> bool:
        """Whether the list shows what belongs to the text in the box."""
        return self._found_for == self.find.value.strip()

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input is not self.find:
            return
        self.status.clear()
        if self._pause is not None:
            self._pause.stop()
        if self._settled:
            return
        self._pause = once(self, _PAUSE, self._look)

    def _look(self) -> None:
        text = self.find.value.strip()
        if self._settled:  # it was answered meanwhile, and somebody may have been chosen of it: the list stays away
            return
        if not text:
            self._found("", ())
            return
        self.ask("find", lambda session: queries.find(session, text), partial(self._found, text), self._not_found)

    def _found(self, text: str, hits: Sequence[FoundMember]) -> None:
        if text != self.find.value.strip():
            return
        self._found_for = text
        self.hits.display = bool(text) or bool(self._lately)
        self.hits.show(hits if text else self._lately)
        if not text or not hits:
            self.show_nobody()
        else:
            self.open_member(hits[0].member)
        then, self._then = self._then, None
        if then is not None:
            self.call_later(self._go_on, then if hits else None)

    async def _go_on(self, action: str | None) -> None:
        """The action that waited for the hits; keys waited with it."""
        if action is not None:
            await self.run_action(action)
        self.counter.release_keys()

    def wait_for_hits(self, action: str) -> None:
        """Act once the books have answered what was just typed."""
        if self._then is None:
            self.counter.hold_keys()
        self._then = action

    def _not_found(self, fault: CoopbankError) -> None:
        if self._then is not None:
            self._then = None
            self.counter.release_keys()
        self.refused(fault)

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        moved = event.rows is self.hits and event.item is not None and self.find.value.strip()
        if moved and event.item.member != self.member:
            self.open_member(event.item.member)

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        if event.rows is self.hits:
            self.choose(event.item)
        else:
            self.counter.open_entry(event.item.entry)

    def on_member_card_opened(self, event: MemberCard.Opened) -> None:
        self.counter.open_what(event.opens)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.input is self.find:
            self.action_take()

    def action_hit(self, by: int) -> None:
        """Another of the members found."""
        self.hits.action_move(by)
        if not self.find.value.strip() and self.hits.chosen is not None:
            self.open_member(self.hits.chosen.member)

    def action_take(self) -> None:
        """Enter: the member under the cursor is the one."""
        if not self._settled:
            self.wait_for_hits("take")
        elif self.hits.chosen is not None and self.hits.display:
            self.choose(self.hits.chosen)

    def choose(self, hit: FoundMember) -> None:
        """This member is the one: what was typed is ready to be typed over."""
        self.open_member(hit.member)
        self.find.action_select_all()
        if self.has_class("-narrow"):
            self.hits.display = False

    # ----------------------------------------------------------------- the card

    def open_member(self, member: str) -> None:
        """Show a member's card."""
        self.member = member
        self.ask("card", lambda session: queries.card(session, member), self.show_card, self.refused)

    def show_card(self, card: Card) -> None:
        """The card has come."""
        if card.member != self.member:
            return
        self.query_one(MemberCard).show_card(card, self.session.currency)

    def action_loan(self) -> None:
        """The loan of the member that is shown: the one that was typed, or the only one, or one of a list."""
        if not self._settled:
            self.wait_for_hits("loan")
            return
        hit = self.hits.chosen if self.find.value.strip() else None
        member = self.member or (hit.member if hit is not None else None)
        if member is None:
            self.status.say(_("Whose loan? Type a name, a member number or a loan number first."))
            self.find.focus()
        elif hit is not None and hit.why == "loan":
            self.counter.open_loan(hit.found_by)
        else:
            self.carry_out(lambda session: loans.loans_of_member(session, member), self._choose_loan, self.refused)

    def _choose_loan(self, found: Sequence[LoanHit]) -> None:
        if not found:
            self.status.say(_("This member has no loan and had none."))
        elif len(found) == 1:
            self.counter.open_loan(found[0].ref)
        else:
            name = self.card.name if self.card is not None and self.card.member == self.member else str(self.member)
            self.app.push_screen(LoanPick(name, found), lambda hit: self.counter.open_loan(hit.ref) if hit else None)

    def show_nobody(self) -> None:
        """Nobody is being served."""
        self.member = None
        self.query_one(MemberCard).show_day(self.counter.standing, self.session.currency)

    def stood(self, standing: Standing) -> None:
        """The bank stands elsewhere: the day, the drawer, what waits."""
        if self.card is None:
            self.query_one(MemberCard).show_day(standing, self.session.currency)

    def _read_again(self) -> None:
        if self.card is not None:
            self.open_member(self.card.member)

    def remember(self, card: Card) -> None:
        """This member was served lately: they are offered while the find box is empty."""
        hit = FoundMember(card.member, card.name, "", "name", "")
        self._lately = [hit, *(other for other in self._lately if other.member != hit.member)][:_LATELY]


def _hit_cells(hit: FoundMember) -> Sequence[str]:
    return (hit.name, hit.found_by or hit.phone, hit.member)


class HomeScreen(FindScreen):
    """The counter."""

    HELP = marked("""# The counter

Type a **name**, a member **number**, a **loan** number or a **telephone** number. The card of the member
under the cursor is shown at once; ↑ ↓ choose another, **Enter** keeps this one.

Then serve them: **F3** takes money in for their savings, **F4** pays out, **F5** takes a loan payment, **F6** sells
shares. Everything else is in the list of **F10**. **Ctrl+L** opens their loan: its schedule, what happened, why,
and what if. **Ctrl+O** shows what they own: shares, retained patronage, what waits to be paid. **Ctrl+S** draws their
statement. Tab goes to what they have and owe, and to their passbook; **Enter** there opens what stands behind the
figure.

The first act of a day is **F8**: open the day and your drawer. The last one is F8 too: count and close.""")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f3", "act('deposit')", marked("Pay in"), key_display="F3", id="deposit"),
        Binding("f4", "act('withdraw')", marked("Pay out"), key_display="F4", id="withdraw"),
        Binding("f5", "act('repay-loan')", marked("Loan"), key_display="F5", id="loan-payment"),
        Binding("f6", "act('buy-shares')", marked("Shares"), key_display="F6", id="buy-shares"),
        Binding("f7", "app.go_to('journal')", marked("Journal"), key_display="F7", id="journal"),
        Binding("f8", "app.go_to('day')", marked("Day"), key_display="F8", id="drawer"),
        Binding("f9", "app.go_to('waiting')", marked("Approve"), key_display="F9", id="waiting"),
        Binding("f10,f12", "more", marked("More"), key_display="F10", id="more"),
        Binding("ctrl+l", "loan", marked("Look at the loan"), key_display="Ctrl+L", id="loan", show=False),
        Binding("ctrl+o", "equity", marked("What they own"), key_display="Ctrl+O", id="equity", show=False),
        Binding("ctrl+s", "statement", marked("Statement"), key_display="Ctrl+S", id="statement", show=False),
        Binding("f1", "app.help", marked("Help"), key_display="F1", id="help", show=False),
        Binding("f2", "start", marked("Find"), key_display="F2", id="find", show=False),
        Binding("escape", "start", marked("Next member"), key_display="Esc", id="next-member", show=False),
        Binding("ctrl+q", "app.leave", marked("Leave"), key_display="Ctrl+Q", id="leave", show=False),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide what this person or this institution does not do."""
        if action == "act":
            return self.session.may(str(parameters[0]))
        return True

    def stood(self, standing: Standing) -> None:
        super().stood(standing)
        notice = self.query_one("#notice", Static)
        text = notice_of(standing, may_open=self.session.may("open-day"))
        notice.update(text)
        notice.display = bool(text)

    def action_start(self) -> None:
        """Back to the empty find box: the next member."""
        if self.card is not None:
            self.remember(self.card)
        self.status.clear()
        self.find.value = ""
        self._found("", ())
        self.find.focus()

    def action_act(self, name: str) -> None:
        """Serve the member that is shown."""
        if not self._settled:
            self.wait_for_hits(f"act('{name}')")
            return
        if self.member is None:
            self.status.say(_("Whom for? Type a name or a member number first."))
            self.find.focus()
        else:
            self._then_with(self.member, partial(self._serve, name))

    def _then_with(self, member: str, then: Callable[[Card], None]) -> None:
        """Go on with the card of the member; the one that is shown may be another's while theirs is on its way."""
        if self.card is not None and self.card.member == member:
            then(self.card)
            return

        def came(card: Card) -> None:
            self.show_card(card)
            then(card)

        self.carry_out(lambda session: queries.card(session, member), came, self.refused)

    def _serve(self, name: str, card: Card) -> None:
        lacks = lacking(name, card)
        if lacks:
            self.status.say(lacks)
        else:
            self.counter.fill_in(name, card)

    def action_statement(self) -> None:
        """The statement of the member that is shown, as PDF."""
        from coopbank.tui.screens.statements import one_statement

        if not self._settled:
            self.wait_for_hits("statement")
        elif self.member is None:
            self.status.say(_("Whose statement? Type a name or a member number first."))
        else:
            self.status.say(_("Drawing the statement …"))
            self.carry_out(partial(one_statement, self.member), self._drawn, self.refused)

    def action_equity(self) -> None:
        """What the member that is shown owns of the co-operative."""
        if not self._settled:
            self.wait_for_hits("equity")
        elif self.member is None:
            self.status.say(_("Whose shares? Type a name or a member number first."))
        else:
            self.counter.open_equity(self.member)

    def _drawn(self, file: Path) -> None:
        self.status.say(_("The statement is {file}.").format(file=file))

    def action_more(self) -> None:
        """Every operation that the actor may do, for the member that is shown, if there is one."""
        if not self._settled:
            self.wait_for_hits("more")
        elif self.member is None:
            self.counter.more(None)
        else:
            self._then_with(self.member, self.counter.more)

    def served(self, *, next_member: bool) -> None:
        """An operation went through: on to the next member, or stay."""
        if next_member:
            self.action_start()


def lacking(name: str, card: Card) -> str:
    """What the member has not got that the operation needs, and the way to it."""
    if name in ("deposit", "withdraw") and not card.savings:
        return _("{name} has no savings account yet: F10, then Open a savings account.").format(name=card.name)
    if name == "repay-loan" and not any(loan.state == "active" for loan in card.loans):
        return _("{name} owes nothing on a loan.").format(name=card.name)
    return ""


def notice_of(standing: Standing, *, may_open: bool) -> str:
    """What keeps the counter from serving, and the key that mends it."""
    if not standing.day_open:
        if standing.today_closed:
            return _("The day is closed; the next one is tomorrow's. Until then you can look things up.")
        if may_open:
            return _("The day is not open yet: press F8 to open it and your drawer.")
        return _("The day is not open yet; a teller or the treasurer opens it.")
    if standing.business_date is not None and standing.business_date < standing.today:
        return _("The day of {day} is still open: press F8 to close it first.").format(
            day=day_words(standing.business_date)
        )
    if standing.mine is None and may_open:
        return _("You have no drawer for cash yet: press F8 to open one.")
    return ""


class LookUpScreen(FindScreen):
    """Look a member up in the middle of a form, which stays as it is."""

    HELP = marked("""# Look up

Find a member and see their card, without leaving the form you were in. **Enter** takes the number of this member
into the form if it asks for one; **Esc** goes back to the form.""")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", marked("Back to the form"), key_display="Esc", id="back"),
        Binding("ctrl+l", "loan", marked("Look at the loan"), key_display="Ctrl+L", id="loan"),
        Binding("ctrl+q", "app.leave", marked("Leave"), key_display="Ctrl+Q", id="leave", show=False),
        HELP_KEY,
    ]

    def choose(self, hit: FoundMember) -> None:
        self.dismiss(hit.member)

    def action_leave(self) -> None:
        """Back to the form."""
        self.dismiss(None)
