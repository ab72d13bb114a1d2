"""The receipt: what was done, its number, and the head of the chain that now holds it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from coopbank.tui.screens.base import ReadFirst
from coopbank.tui.show import day_words, neat
from coopbank.tui.widgets.effects import before_after, notes_of
from coopbank.words import _, marked, translate

if TYPE_CHECKING:
    from coopbank.bank.operation import Receipt
    from coopbank.tui.queries import Card


class ReceiptScreen(ReadFirst[bool]):
    """Answers True for the next member, False to stay with this one."""

    HELP = marked("""# Receipt

It is in the books. The number finds it again, and the head of the chain proves that it was there: write both on
what you hand out.

**Enter** goes on to the next member, **Esc** stays with this one.""")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "next", marked("Next member"), key_display="Enter", id="next")
    ]

    def __init__(self, receipt: Receipt, *, card: Card | None) -> None:
        super().__init__()
        self._receipt = receipt
        self._card = card

    def compose(self) -> ComposeResult:
        receipt, currency = self._receipt, self.session.currency
        with Vertical(classes="box wide receipt"):
            yield Static(self._title(), markup=False, classes="box-title")
            with VerticalScroll(can_focus=False):
                final = receipt.then[-1] if receipt.then else receipt  # what an approval let happen
                yield Static(_facts(final, self._card, self.session.practice), markup=False, classes="receipt-facts")
                if final.effects and final.status != "pending":
                    yield Static(before_after(final, currency), markup=False, classes="review-effects")
                notes = notes_of(receipt, currency) + (notes_of(final, currency) if receipt.then else [])
                if notes:
                    said = "\n".join(f"{neat(label)}: {neat(value)}" for label, value in notes)
                    yield Static(Content(said), markup=False, classes="review-notes")
            yield Static(Content(self._keys()), markup=False, classes="box-keys")

    def _title(self) -> Content:
        done = {
            "pending": _("Waiting for a second person"), "repeated": _("Done already, and only once"),
        }.get(self._receipt.status, _("Done"))  # fmt: skip
        titles = [translate(part.title) for part in (self._receipt, *self._receipt.then)]
        return Content.assemble((done, "bold"), f"  {neat(' · '.join(titles))}")

    def _keys(self) -> str:
        if self._receipt.status == "pending":
            return _("A colleague approves it with F9 · Enter goes on")
        if self._card is None:
            return _("Enter goes on")
        return _("Enter next member · Esc stay with this member")

    def action_next(self) -> None:
        """On to the next member; not by the second half of a double Enter."""
        if not self.deaf:
            self.dismiss(True)

    def action_leave(self) -> None:
        if not self.deaf:
            self.dismiss(False)


def _facts(receipt: Receipt, card: Card | None, practice: bool) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(ratio=1, overflow="fold")
    if practice:
        table.add_row(Text(""), Text(_("PRACTICE: this counts nowhere."), style="bold"))
    if card is not None:
        table.add_row(Text(_("Member")), Text(f"{neat(card.name)} · {neat(card.member)}"))
    table.add_row(Text(_("Number")), Text(str(receipt.number), style="bold"))
    if receipt.request:
        table.add_row(Text(_("Request")), Text(neat(receipt.request), style="bold"))
    if receipt.reason:
        table.add_row(Text(_("Why")), Text(neat(translate(receipt.reason))))
    created = [ref for ref in receipt.created if ref != receipt.request]
    if created:
        table.add_row(Text(_("New")), Text(neat(", ".join(created)), style="bold"))
    entries = [entry for entry in receipt.entries if entry.number]
    if entries:
        table.add_row(Text(_("Entry")), Text(", ".join(f"{entry.number} {neat(entry.memo)}" for entry in entries)))
    table.add_row(Text(_("Day")), Text(day_words(date.fromisoformat(receipt.business_date))))
    approver = f", {_('approved by')} {neat(receipt.approver)}" if receipt.approver else ""
    table.add_row(Text(_("By")), Text(neat(receipt.actor) + approver))
    table.add_row(Text(_("Head of the chain")), Text(f"{receipt.number}  {receipt.head}"))
    return table
