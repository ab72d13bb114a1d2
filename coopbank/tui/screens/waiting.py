"""What waits for a second person: look at it, approve it, refuse it, or take one's own back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from coopbank.bank.operation import Receipt
from coopbank.errors import ConnectionLost, CoopbankError
from coopbank.tui import queries
from coopbank.tui.screens.base import HELP_KEY
from coopbank.tui.screens.listing import ListingScreen
from coopbank.tui.screens.receipt import ReceiptScreen
from coopbank.tui.screens.review import ReviewScreen
from coopbank.tui.show import neat
from coopbank.tui.widgets.rows import Column
from coopbank.words import _, marked, translate

if TYPE_CHECKING:
    from coopbank.bank.operation import Operation
    from coopbank.tui.queries import Waiting
    from coopbank.tui.session import Session


class WaitingScreen(ListingScreen["Waiting"]):
    """The requests, and below them what the one under the cursor asks for."""

    HELP = marked("""# The second person

Some operations take two people: one asks, another approves. Read what is asked below the list; **F9** shows what it
would do, as a review, and **Enter** there approves it. **F4** refuses it, with a reason. Nobody approves what they
asked for themselves: **F6** takes your own request back.

What is approved is checked again and dated today.""")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f9", "approve", marked("Approve"), key_display="F9", id="approve"),
        Binding("f4", "refuse", marked("Refuse"), key_display="F4", id="refuse"),
        Binding("f6", "take_back", marked("Take back"), key_display="F6", id="take-back"),
        Binding("escape", "leave", marked("Back"), key_display="Esc", id="back"),
        HELP_KEY,
    ]

    HEADING = marked("Waiting for a second person")
    EMPTY = marked("Nothing waits.")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column(marked("Request"), 8), Column(marked("What"), 16, flexible=True),
        Column(marked("For"), 16, flexible=True), Column(marked("Asked by"), 10), Column(marked("On"), 10),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._busy = False
        self._key = ""
        self._unsure = ""  # the request whose approval was begun when the connection was lost

    @staticmethod
    def question(session: Session) -> Sequence[Waiting]:
        return queries.waiting(session)

    def cells(self, item: Waiting) -> Sequence[str]:
        return (item.ref, item.title, item.whom, item.asked_by, item.asked_on)

    def on_row_list_chosen(self) -> None:
        self.action_approve()

    def detail(self, item: Waiting) -> Text:
        text = Text.assemble((f"{neat(item.title)}  ", "bold"), f"{neat(item.whom)}\n")
        for label, value in item.payload:
            text.append(f"{neat(label)}: ", style="dim")
            text.append(f"{neat(value)}\n")
        text.append(f"\n{neat(translate(item.reason))}")
        return text

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what this person may do with the request under the cursor."""
        if action not in ("approve", "refuse", "take_back"):
            return True
        request = self.chosen
        if request is None:
            return False if self.session.read_only else None
        if not self.session.may({"take_back": "take-back"}.get(action, action)):
            return False
        own = request.asked_by == self.session.actor.user
        if action == "take_back":
            return own and self.session.may("take-back")
        return (not own and self.session.may(action)) or None

    # ----------------------------------------------------------------- deciding

    def action_approve(self) -> None:
        """Show what it would do; the review approves."""
        request = self.chosen
        if request is None or self._busy or self.check_action("approve", ()) is not True:
            return
        self._busy = True
        self._key = self.session.bank.new_key()
        self.carry_out(partial(queries.approval, ref=request.ref), self._to_review, self._not_possible)

    def _to_review(self, came: tuple[Operation, Receipt]) -> None:
        self.app.push_screen(ReviewScreen(came[0], came[1], self._key, card=None), self._decided)

    def _not_possible(self, fault: CoopbankError) -> None:
        self._busy = False
        self.refused(fault)

    def _decided(self, came: Receipt | CoopbankError | None) -> None:
        self._busy = False
        if isinstance(came, Receipt):
            self.app.push_screen(ReceiptScreen(came, card=None))
        elif isinstance(came, ConnectionLost) and self.chosen is not None:
            self._unsure = self.chosen.ref
            self.status.keep(
                _("The connection was lost, and whether this was approved is not known yet. Stay here: it is looked up"
                  " as soon as the books can be read, and nothing is done twice.")
            )  # fmt: skip
            self._read()
        elif came is not None:
            self.refused(came)

    def _show(self, found: Sequence[Waiting]) -> None:
        super()._show(found)
        if self._unsure:
            said = _("{request} still waits: nothing was approved.")
            if self._unsure not in [each.ref for each in found]:
                said = _("{request} waits no longer: it is decided.")
            self.status.keep("")
            self.status.say(said.format(request=self._unsure))
            self._unsure = ""

    def action_refuse(self) -> None:
        """Refuse it; the form asks why."""
        if self.chosen is not None:
            self.counter.fill_in("refuse", fixed={"request": self.chosen.ref})

    def action_take_back(self) -> None:
        """Take one's own request back."""
        if self.chosen is not None:
            self.counter.fill_in("take-back", fixed={"request": self.chosen.ref})
