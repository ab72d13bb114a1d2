"""The journal, newest first, and one entry down to its place in the chain.

The list reads only the pages that come into view, by entry number: numbers are gapless,
so the row of an entry is known without counting.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from coopbank.bank.operation import ReceiptEntry, ReceiptLine
from coopbank.errors import CoopbankError
from coopbank.tui import queries
from coopbank.tui.forms import read_day
from coopbank.tui.screens.base import HELP_KEY, BoxedScreen, CounterModal, StatusLine
from coopbank.tui.show import amount, day_words, neat
from coopbank.tui.widgets.banner import Banner
from coopbank.tui.widgets.effects import journal_lines
from coopbank.tui.widgets.inputs import LineInput
from coopbank.tui.widgets.keys import KeysLine
from coopbank.tui.widgets.rows import Column, RowList
from coopbank.words import _, marked

if TYPE_CHECKING:
    from coopbank.tui.queries import EntryView, JournalRow

COLUMNS = (
    Column(marked("No."), 8, right=True),
    Column(marked("Date"), 10),
    Column(marked("What"), 12, flexible=True),
    Column(marked("Amount"), 15, right=True),
    Column(marked("By"), 10),
    Column(marked("Kind"), 22, least_total=100),
)


class JournalScreen(BoxedScreen[None]):
    """Every entry, newest first."""

    HELP = marked("""# The journal

Every entry, the newest on top. ↑ ↓ and Page keys move, Home and End go to the newest and the oldest. **Enter**
opens an entry: its lines, its operation, who did it, who approved it, and its place in the chain.

**F2** goes to an entry by its **number**, to an operation by `#` and its number, or to a **date** (`20260302`,
`0302`, `t` for today, `-7`).""")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", marked("Open"), key_display="Enter", id="open"),
        Binding("f2", "go_to", marked("Go to number or date"), key_display="F2", id="go-to"),
        Binding("f5", "again", marked("Read again"), key_display="F5", id="again"),
        Binding("escape", "leave", marked("Back"), key_display="Esc", id="back"),
        HELP_KEY,
    ]

    def compose(self) -> ComposeResult:
        yield Banner()
        with Horizontal(id="journal-line"):
            yield Static(_("Journal"), id="journal-title", markup=False)
            yield Static("", id="journal-where", markup=False)
            yield LineInput(placeholder=_("entry number or date"), id="journal-go", max_length=12)
        yield RowList(
            COLUMNS, self._cells, id="journal", empty=_("There is no entry yet."),
            faint=lambda row: row.reversed_by is not None,
        )  # fmt: skip
        yield StatusLine()
        yield KeysLine()

    def on_mount(self) -> None:
        self.query_one("#journal-go").display = False
        self.rows.focus()
        self.counter.changed.subscribe(self, lambda _reason: self.action_again())
        self.action_again()

    def action_again(self) -> None:
        """Read it again, and stay at the entry that the cursor is on."""
        self.ask("size", queries.journal_size, self._sized, self.refused)

    def _sized(self, size: int) -> None:
        here = self.rows.count - self.rows.cursor if self.rows.cursor else size
        self.rows.show_pages(size, queries.PAGE, partial(self._load, size), cursor=size - here)

    def _load(self, size: int, page: int) -> None:
        newest = size - page * queries.PAGE

        def came(rows: Sequence[JournalRow]) -> None:
            self.rows.page_came(page, rows)
            self._say_where()

        def failed(fault: CoopbankError) -> None:
            self.rows.page_failed(page)
            self.refused(fault)

        self.ask(f"page {page}", lambda session: queries.journal_page(session, newest, queries.PAGE), came, failed)

    def _cells(self, row: JournalRow) -> Sequence[str]:
        what = row.memo
        if row.reversed_by is not None:
            what = f"{_('REVERSED')} · {what}"
        return (
            str(row.number), row.day, what,
            amount(row.amount, self.session.currency) if row.amount else _("memo only"), row.actor, row.kind,
        )  # fmt: skip

    def on_row_list_moved(self) -> None:
        self._say_where()

    def _say_where(self) -> None:
        where = _("{count} entries").format(count=f"{self.rows.count:,}")
        self.query_one("#journal-where", Static).update(Content(where))

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        self.counter.open_entry(event.item.number)

    def action_open(self) -> None:
        """Open the entry under the cursor."""
        self.rows.action_choose()

    # -------------------------------------------------------------------- go to

    def action_go_to(self) -> None:
        """Ask for a number or a date."""
        self.open_box().value = ""

    def on_input_submitted(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        if not text:
            self.close_box()
        elif re.fullmatch(r"#[0-9]{1,12}", text):
            self.close_box()
            self.counter.open_operation(int(text[1:]))
        elif text.isascii() and text.isdigit() and not _looks_like_a_day(text):
            self._go(int(text))
        else:
            try:
                day = read_day(text, self.today)
            except CoopbankError as fault:
                self.refused(fault)
                return
            self.ask("day", lambda session: queries.entry_of_day(session, day), self._go, self.refused)

    def _go(self, number: int | None) -> None:
        if number is None or not 1 <= number <= self.rows.count:
            self.status.say(_("There is no such entry; the newest is {newest}.").format(newest=self.rows.count))
            return
        self.close_box()
        self.rows.cursor = self.rows.count - number

    def close_box(self) -> None:
        """Back to the list; what was wrong with what was typed is over."""
        self.status.clear()
        super().close_box()


def _looks_like_a_day(text: str) -> bool:
    return len(text) == 8 and text[:2] in ("19", "20")


class EntryDetailScreen(CounterModal[None]):
    """One entry and everything behind it."""

    HELP = marked("""# An entry

Its lines, debits and credits; the **operation** that wrote it, who did it and who approved it; and its place in the
**chain**: the hash of the operation and that of the one before, so that nothing can be put in or taken out unseen.

**F6** undoes the operation, if you may: a reversal is a new entry with a reason, and both stay in sight.""")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "operation", marked("Operation"), key_display="Enter", id="operation"),
        Binding("left", "step(1)", marked("Newer"), key_display="←", id="newer"),
        Binding("right", "step(-1)", marked("Older"), key_display="→", id="older"),
        Binding("f6", "undo", marked("Reverse"), key_display="F6", id="reverse"),
        Binding("up,pageup", "scroll(-1)", marked("Up"), show=False),
        Binding("down,pagedown", "scroll(1)", marked("Down"), show=False),
    ]

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number
        self.view: EntryView | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="box wide tall"):
            yield Static("", id="detail-title", markup=False, classes="box-title")
            with VerticalScroll(can_focus=False):
                yield Static("", id="detail-facts", markup=False)
                yield Static("", id="detail-lines", markup=False, classes="review-lines")
            yield StatusLine()
            yield Static("", id="detail-keys", markup=False, classes="box-keys")

    def on_mount(self) -> None:
        self._read(self._number)
        self.counter.changed.subscribe(self, lambda _reason: self._read(self._number))

    def _read(self, number: int) -> None:
        self.ask(
            "entry", lambda session: queries.entry_view(session, number), self._show, self.query_one(StatusLine).refuse
        )

    def _show(self, view: EntryView | None) -> None:
        if view is None:
            return
        self.view, self._number = view, view.number
        title = Content.assemble((f"{_('Entry')} {view.number}", "bold"), f"  {neat(view.memo)}")
        self.query_one("#detail-title", Static).update(title)
        self.query_one("#detail-facts", Static).update(_facts(view))
        lines = tuple(ReceiptLine(e.fund, e.code, e.words or e.name, e.amount, e.currency) for e in view.lines)
        entry = ReceiptEntry(view.number, "", view.effective_on, lines)
        self.query_one("#detail-lines", Static).update(journal_lines((entry,), self.session.currency))
        undo = _(" · F6 reverses the operation") if self._may_undo else ""
        self.query_one("#detail-keys", Static).update(
            Content(_("← newer · → older · Enter its operation · Esc back") + undo)
        )

    @property
    def _may_undo(self) -> bool:
        view = self.view
        undoable = view is not None and view.reversible and view.reversed_by is None and view.reverses is None
        forms = any(hasattr(screen, "dirty") for screen in self.counter.screen_stack)
        return undoable and not forms and self.session.may("reverse")

    def action_step(self, by: int) -> None:
        """The entry after or before."""
        if self._number + by >= 1:
            self._read(self._number + by)

    def action_operation(self) -> None:
        """The operation that wrote it."""
        if self.view is not None:
            self.counter.open_operation(self.view.operation)

    def action_undo(self) -> None:
        """Undo the operation: a form that asks for the reason."""
        if self._may_undo and self.view is not None:
            self.counter.fill_in("reverse", fixed={"operation": str(self.view.operation)})

    def action_scroll(self, by: int) -> None:
        """Read what does not fit."""
        self.query_one(VerticalScroll).scroll_relative(y=by * 3, animate=False)


def _facts(view: EntryView) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(ratio=1, overflow="fold")
    rows = [(_("Dated"), day_words(date.fromisoformat(view.effective_on)))]
    if view.reversed_by is not None:
        rows.append((_("REVERSED"), _("by entry {number}").format(number=view.reversed_by)))
    if view.reverses is not None:
        rows.append((_("Reversal"), _("of entry {number}").format(number=view.reverses)))
    rows += [
        (_("Operation"), f"{view.operation}  {view.title}"),
        (_("Done by"), view.actor),
        (_("Approved by"), view.approver or _("nobody: one person may do this")),
        (_("At"), f"{view.at[:19].replace('T', ' ')} UTC, {_('business day')} {view.business_date}"),
        (_("Chain"), f"{view.prev_hash} → {view.hash}"),
    ]
    if view.siblings:
        rows.append((_("With entries"), ", ".join(map(str, view.siblings))))
    for label, value in rows:
        table.add_row(Text(label), Text(neat(value)))
    return table
