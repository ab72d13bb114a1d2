"""The receipt: what was done, its number, and the head of the chain that now holds it."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from coopbank.reports.evening import day_report
from coopbank.tui.screens.base import CounterModal, ReadFirst, StatusLine
from coopbank.tui.show import amount, day_words, neat
from coopbank.tui.widgets.effects import before_after, notes_of
from coopbank.words import _, marked, translate

if TYPE_CHECKING:
    from coopbank.bank.operation import Receipt
    from coopbank.reports.evening import DayReport
    from coopbank.statements import Written
    from coopbank.tui.queries import Card
    from coopbank.tui.session import Session


class ReceiptScreen(ReadFirst[bool]):
    """Answers True for the next member, False to stay with this one."""

    HELP = marked("""# Receipt

It is in the books. The number finds it again, and the head of the chain proves that it was there: write both on
what you hand out. After the close of a day it says what came in and went out, and what the counts found.

**Ctrl+S** makes it a PDF to hand out. **Enter** goes on to the next member, **Esc** stays with this one.""")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "next", marked("Next member"), key_display="Enter", id="next"),
        Binding("ctrl+s", "paper", marked("On paper"), key_display="Ctrl+S", id="paper"),
        Binding("up,pageup", "scroll(-1)", marked("Up"), show=False),
        Binding("down,pagedown", "scroll(1)", marked("Down"), show=False),
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
                report = Static("", id="day-report", markup=False)
                report.display = False  # until it is read
                yield report
                if final.effects and final.status != "pending":
                    yield Static(before_after(final, currency), markup=False, classes="review-effects")
                notes = notes_of(receipt, currency) + (notes_of(final, currency) if receipt.then else [])
                if notes:
                    said = "\n".join(f"{neat(label)}: {neat(value)}" for label, value in notes)
                    yield Static(Content(said), markup=False, classes="review-notes")
            yield Static(Content(self._keys()), markup=False, classes="box-keys")

    def on_mount(self) -> None:
        super().on_mount()
        day = next((wish.partition(" ")[2] for wish in self._receipt.wishes if wish.startswith("day-report ")), None)
        if day is not None:
            self.ask("day", partial(_day, date.fromisoformat(day)), self._show_day, lambda _fault: None)

    def _show_day(self, report: DayReport) -> None:
        for shown in self.query("#day-report").results(Static):  # none, if the screen is gone by now
            shown.update(shown_day(report, self.session.currency))
            shown.display = True

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
            return _("Enter goes on · Ctrl+S receipt on paper")
        return _("Enter next member · Esc stay with this member · Ctrl+S receipt on paper")

    def action_paper(self) -> None:
        """The receipt as PDF."""
        from coopbank.tui.screens.documents import receipt_paper

        final = self._receipt.then[-1] if self._receipt.then else self._receipt
        if final.status != "pending":
            self._say(_("Drawing it …"))
            self.ask("paper", partial(receipt_paper, final.number), self._drawn, lambda fault: self._say(fault.message))

    def _drawn(self, made: Written) -> None:
        from coopbank.tui.screens.documents import made_words

        self._say(made_words(made))

    def _say(self, words: str) -> None:
        if self.is_attached:
            self.query_one(".box-keys", Static).update(Content(f"{neat(words)}\n{self._keys()}"))

    def action_next(self) -> None:
        """On to the next member; not by the second half of a double Enter."""
        if not self.deaf:
            self.dismiss(True)

    def action_leave(self) -> None:
        if not self.deaf:
            self.dismiss(False)

    def action_scroll(self, by: int) -> None:
        """Read what does not fit."""
        self.query_one(VerticalScroll).scroll_relative(y=by * 3, animate=False)


class DayReportScreen(CounterModal[None]):
    """What a day came to, once more."""

    HELP = marked("""# What the day came to

Money that came in and went out, by kind of operation, over all drawers, cheques and bank accounts; what the counts
found; and the head of the chain when the day was closed. The receipt of the close says the same.""")

    def __init__(self, day: date) -> None:
        super().__init__()
        self._day = day

    def compose(self) -> ComposeResult:
        with Vertical(classes="box wide"):
            yield Static(Content.styled(day_words(self._day), "bold"), markup=False, classes="box-title")
            with VerticalScroll():
                yield Static("", id="day-report", markup=False)
            yield StatusLine()
            yield Static(Content(_("Esc back")), markup=False, classes="box-keys")

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()
        self.ask("day", partial(_day, self._day), self._show, self.query_one(StatusLine).refuse)

    def _show(self, report: DayReport) -> None:
        if self.is_attached:
            head = Text("")
            if report.head is not None:
                number, hash_ = report.head
                head = Text(_("Head of the chain at the close: {number} {hash}").format(number=number, hash=hash_))
            shown = Group(shown_day(report, self.session.currency), head)
            self.query_one("#day-report", Static).update(shown)


def _day(day: date, session: Session) -> DayReport:
    with session.bank.read() as books:
        return day_report(books, day)


def shown_day(report: DayReport, currency: str) -> Group:
    """What a day came to: money in and out by kind, the sums, and what the counts found."""
    said = []
    for each in report.differences:
        found = (_("{amount} short") if each.short > 0 else _("{amount} over")).format(
            amount=amount(abs(each.short), currency)
        )
        said.append(_("Counted by {user}: {difference}").format(user=neat(each.actor), difference=found))
    lines = [Text(each) for each in said or [_("Every count agreed.")]]
    return Group(_day_table(report, currency), *lines)


def _day_table(report: DayReport, currency: str) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    for _each in range(3):
        table.add_column(justify="right", no_wrap=True)
    table.add_row(*(Text(each, style="dim") for each in (_("The day"), _("How many"), _("In"), _("Out"))))
    for line in report.lines:
        table.add_row(
            Text(neat(line.title)), Text(str(line.count)), Text(amount(line.came, currency) if line.came else ""),
            Text(amount(line.went, currency) if line.went else ""),
        )  # fmt: skip
    table.add_row(
        Text(_("Together")), Text(""), Text(amount(report.came, currency)), Text(amount(report.went, currency)),
        style="bold",
    )  # fmt: skip
    return table


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
