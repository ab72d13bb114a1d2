"""The accounts: the chart with its balances, the leaves of one account, the register of a leaf, and so to the entry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from coopbank.errors import CoopbankError
from coopbank.reports import register as registers
from coopbank.reports.trial_balance import trial_balance
from coopbank.tui.queries import account_words, told_fields
from coopbank.tui.screens.base import HELP_KEY, CounterModal, CounterScreen, DatedScreen, StatusLine
from coopbank.tui.show import amount, day_words, neat
from coopbank.tui.widgets.banner import Banner
from coopbank.tui.widgets.inputs import LineInput
from coopbank.tui.widgets.keys import KeysLine
from coopbank.tui.widgets.rows import Column, RowList
from coopbank.words import _, marked, translate

if TYPE_CHECKING:
    from coopbank.reports.register import LeafLine, OperationStory, Register, RegisterLine
    from coopbank.reports.trial_balance import TrialBalance
    from coopbank.tui.session import Session

LEAVE = Binding("ctrl+q", "app.leave", marked("Leave"), key_display="Ctrl+Q", id="leave", show=False)


@dataclass(frozen=True, slots=True)
class ChartLine:
    """A control account in the list; its balance is debit +. The line of the totals has no code."""

    code: str
    name: str
    debit: int
    credit: int
    memo: bool = False


class AccountsScreen(DatedScreen):
    """The trial balance: every account that anything was posted to."""

    HELP = marked("""# The accounts

Every account with its balance: what the bank owns and spends on the left (debit), what it owes and earns on the
right (credit). Both sides add up to the same, or the books are wrong. **Enter** opens an account: its parts, one
for each member, loan or drawer; then the lines of that part, newest first; then the entry.

**F2** shows the balances as of another day (`20260630`, `-30`, `t`). Accounts whose number begins with M are notes
beside the books, in no total.""")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column(marked("Account"), 7), Column(marked("Name"), 20, flexible=True),
        Column(marked("Debit"), 14, right=True), Column(marked("Credit"), 14, right=True),
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", marked("Open"), key_display="Enter", id="open"),
        Binding("f2", "as_of", marked("As of a day"), key_display="F2", id="as-of"),
        Binding("f7", "app.go_to('journal')", marked("Journal"), key_display="F7", id="journal"),
        Binding("escape", "leave", marked("Back"), key_display="Esc", id="back"),
        HELP_KEY,
        LEAVE,
    ]

    def compose(self) -> ComposeResult:
        yield Banner()
        with Horizontal(id="journal-line"):
            yield Static(_("Accounts"), id="journal-title", markup=False)
            yield Static("", id="accounts-where", markup=False)
            yield LineInput(placeholder=_("day"), id="journal-go", max_length=12)
        yield RowList(self.COLUMNS, self._cells, id="accounts", faint=lambda line: line.memo)
        yield StatusLine()
        yield KeysLine()

    def on_mount(self) -> None:
        self.query_one("#journal-go").display = False
        self.query_one("#accounts").focus()
        self.counter.changed.subscribe(self, lambda _where: self.read())
        self.read()

    def read(self) -> None:
        day = self._as_of

        def question(session: Session) -> TrialBalance:
            with session.bank.read() as books:
                return trial_balance(books, day)

        self.ask("accounts", question, self._show, self.refused)

    def _show(self, found: TrialBalance) -> None:
        lines = [
            ChartLine(row.code, translate(row.name), max(row.combined, 0), max(-row.combined, 0)) for row in found.rows
        ]
        lines.append(ChartLine("", _("Both sides"), found.debits, found.credits))
        lines += [
            ChartLine(row.code, translate(row.name), max(row.combined, 0), max(-row.combined, 0), memo=True)
            for row in found.memo
        ]
        rows = self.rows
        rows.show(lines, cursor=rows.cursor)
        when = _("now") if self._as_of is None else _("as of {day}").format(day=day_words(self._as_of))
        says = when if found.balanced else f"{when} · {_('NOT BALANCED')}"
        self.query_one("#accounts-where", Static).update(Content(says))

    def _cells(self, line: ChartLine) -> Sequence[str]:
        money = self.session.currency
        return (
            line.code, line.name, amount(line.debit, money) if line.debit else "",
            amount(line.credit, money) if line.credit else "",
        )  # fmt: skip

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        if event.item.code:
            self.app.push_screen(LeavesScreen(event.item.code, event.item.name))

    def action_open(self) -> None:
        """Open the account under the cursor."""
        self.rows.action_choose()


class FilterBox(LineInput):
    """What is typed narrows the list; up and down move in it, and so do the keys for a page."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "screen.move(-1)", marked("Up"), show=False),
        Binding("down", "screen.move(1)", marked("Down"), show=False),
        Binding("pageup", "screen.page(-1)", marked("Page up"), show=False),
        Binding("pagedown", "screen.page(1)", marked("Page down"), show=False),
    ]


class LeavesScreen(CounterScreen[None]):
    """The parts of an account; they are read a page at a time."""

    HELP = marked("""# The parts of an account

One for each member, loan, drawer or fund. Type a part of the number (`M0007`, `L-010`, `D1`) to narrow the list; ↑
↓ move, **Enter** opens the lines of that part.""")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column(marked("Fund"), 6), Column(marked("Part"), 14), Column(marked("Whose"), 16, flexible=True),
        Column(marked("Debit"), 14, right=True), Column(marked("Credit"), 14, right=True),
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", marked("Back"), key_display="Esc", id="back"), HELP_KEY, LEAVE,
    ]  # fmt: skip

    def __init__(self, gl_code: str, name: str) -> None:
        super().__init__()
        self._gl_code = gl_code
        self._title = name
        self._numbers: tuple[int, ...] = ()

    def compose(self) -> ComposeResult:
        yield Banner()
        with Horizontal(id="journal-line"):
            yield Static(Content(f"{self._gl_code}  {neat(self._title)}"), id="leaves-title", markup=False)
            yield FilterBox(placeholder=_("a part of the number"), id="leaves-filter", max_length=20)
        rows = RowList(self.COLUMNS, self._cells, id="leaves", empty=_("Nothing fits."))
        rows.can_focus = False
        yield rows
        yield StatusLine()
        yield KeysLine()

    def on_mount(self) -> None:
        self.query_one("#leaves-filter").focus()
        self.counter.changed.subscribe(self, lambda _where: self._read())
        self._read()

    @property
    def rows(self) -> RowList:
        """The list."""
        return self.query_one("#leaves", RowList)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._read()

    def _read(self) -> None:
        gl_code, text = self._gl_code, self.query_one("#leaves-filter", LineInput).value.strip()

        def question(session: Session) -> tuple[int, ...]:
            with session.bank.read() as books:
                return registers.leaf_numbers(books, gl_code, text)

        self.ask("leaves", question, self._numbered, self.refused)

    def _numbered(self, numbers: tuple[int, ...]) -> None:
        self._numbers = numbers
        self.rows.show_pages(len(numbers), registers.PAGE, self._load, cursor=self.rows.cursor)

    def _load(self, page: int) -> None:
        wanted = self._numbers[page * registers.PAGE : (page + 1) * registers.PAGE]

        def question(session: Session) -> tuple[LeafLine, ...]:
            with session.bank.read() as books:
                return registers.leaf_lines(books, wanted)

        def failed(fault: CoopbankError) -> None:
            self.rows.page_failed(page)
            self.refused(fault)

        self.ask(f"page {page}", question, partial(self.rows.page_came, page), failed)

    def _cells(self, leaf: LeafLine) -> Sequence[str]:
        gl_code, _slash, contract = leaf.code.partition("/")
        whose = leaf.name or account_words(gl_code, contract)
        return (leaf.fund, contract or leaf.code, whose, *_sides(leaf.balance, leaf.currency))

    def on_input_submitted(self) -> None:
        self.rows.action_choose()

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        self.counter.open_account(event.item.fund, event.item.code)

    def action_move(self, by: int) -> None:
        """Move in the list."""
        self.rows.action_move(by)

    def action_page(self, direction: int) -> None:
        """Move in the list by a screenful."""
        self.rows.action_page(direction)

    def action_leave(self) -> None:
        """Back to the accounts."""
        self.dismiss(None)


def _sides(balance: int, currency: str) -> tuple[str, str]:
    return (amount(balance, currency) if balance > 0 else "", amount(-balance, currency) if balance < 0 else "")


class RegisterScreen(CounterScreen[None]):
    """The lines of one part of an account, newest first, with the balance after each."""

    HELP = marked("""# The lines of an account

Newest first: what each entry brought (debit) or took (credit), and the balance after it. **Enter** opens the entry.
Older lines are read as the cursor comes to them.""")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column(marked("Date"), 10), Column(marked("No."), 6, right=True), Column(marked("What"), 12, flexible=True),
        Column(marked("Debit"), 12, right=True), Column(marked("Credit"), 12, right=True),
        Column(marked("Balance"), 13, right=True), Column(marked("By"), 8, least_total=100),
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", marked("Open"), key_display="Enter", id="open"),
        Binding("escape", "leave", marked("Back"), key_display="Esc", id="back"),
        HELP_KEY,
        LEAVE,
    ]

    def __init__(self, fund: str, code: str) -> None:
        super().__init__()
        self._fund, self._code = fund, code
        self._page: Register | None = None
        self._lines: list[RegisterLine] = []

    def compose(self) -> ComposeResult:
        yield Banner()
        yield Static("", classes="listing-heading", markup=False)
        yield RowList(
            self.COLUMNS, self._cells, id="register", empty=_("Nothing was posted here yet."),
            faint=lambda line: line.reversed_by is not None,
        )  # fmt: skip
        yield StatusLine()
        yield KeysLine()

    def on_mount(self) -> None:
        self.rows.focus()
        self.counter.changed.subscribe(self, lambda _where: self._read(anew=True))
        self._read(anew=True)

    @property
    def rows(self) -> RowList:
        """The list."""
        return self.query_one("#register", RowList)

    def _read(self, *, anew: bool) -> None:
        page = None if anew else self._page
        fund, code = self._fund, self._code
        before, balance = (page.before, page.balance) if page is not None else (None, None)

        def question(session: Session) -> Register:
            with session.bank.read() as books:
                return registers.register(books, fund, code, before, balance)

        self.ask("register", question, partial(self._show, anew), self.refused)

    def _show(self, anew: bool, page: Register) -> None:
        self._page = page
        self._lines = list(page.lines) if anew else [*self._lines, *page.lines]
        self.rows.show(self._lines, cursor=self.rows.cursor)
        leaf = page.leaf
        gl_code, _slash, contract = leaf.code.partition("/")
        whose = leaf.name or account_words(gl_code, contract)
        title = Content.assemble((f"{leaf.fund} {neat(leaf.code)}", "bold"), f"  {neat(whose)}")
        self.query_one(".listing-heading", Static).update(title)

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        near_the_end = event.index >= len(self._lines) - 2
        if near_the_end and self._page is not None and self._page.before is not None and not self.asking("register"):
            self._read(anew=False)

    def _cells(self, line: RegisterLine) -> Sequence[str]:
        assert self._page is not None
        money = self._page.leaf.currency
        what = f"{_('REVERSED')} · {line.memo}" if line.reversed_by is not None else line.memo
        balance = f"{amount(abs(line.after), money)} {_side(line.after)}"
        return (
            line.effective_on.isoformat(), str(line.entry), what or line.title, *_sides(line.amount, money), balance,
            line.actor,
        )  # fmt: skip

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        self.counter.open_entry(event.item.entry)

    def action_open(self) -> None:
        """Open the entry under the cursor."""
        self.rows.action_choose()

    def action_leave(self) -> None:
        """Back."""
        self.dismiss(None)


def _side(balance: int) -> str:
    return "" if balance == 0 else _("Dr") if balance > 0 else _("Cr")


# ------------------------------------------------------------------------------ an operation


class OperationScreen(CounterModal[None]):
    """An operation whole: what was asked, who asked and approved it, what it wrote, its place in the chain."""

    HELP = marked("""# An operation

What was asked for, field by field, as it stands in the sealed log; who did it and who approved it; the entries and
the records that it wrote; its own hash and that of the operation before. **Enter** opens the entry under the
cursor.""")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(1)", marked("Newer"), key_display="←", id="newer", show=False),
        Binding("right", "step(-1)", marked("Older"), key_display="→", id="older", show=False),
    ]

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def compose(self) -> ComposeResult:
        with Vertical(classes="box wide tall"):
            yield Static("", id="operation-title", markup=False, classes="box-title")
            with VerticalScroll(can_focus=False):
                yield Static("", id="operation-says", markup=False)
            yield RowList(
                (Column("", 9, right=True), Column("", 20, flexible=True)), lambda line: (str(line[0]), line[1]),
                heading=False, id="operation-entries", empty=_("It moved no money: it wrote no entry."),
            )  # fmt: skip
            yield StatusLine()
            yield Static(
                Content(_("← newer · → older · Enter opens the entry · Esc back")), markup=False, classes="box-keys"
            )

    def on_mount(self) -> None:
        self.query_one("#operation-entries").focus()
        self._read(self._number)

    def _read(self, number: int) -> None:
        def question(session: Session) -> OperationStory:
            with session.bank.read() as books:
                return registers.operation_story(books, number)

        self.ask("operation", question, self._show, self.query_one(StatusLine).refuse)

    def _show(self, story: OperationStory) -> None:
        self._number = story.number
        self.query_one(StatusLine).clear()
        title = Content.assemble((f"{_('Operation')} {story.number}", "bold"), f"  {neat(story.title)}")
        self.query_one("#operation-title", Static).update(title)
        self.query_one("#operation-says", Static).update(_says(story))
        self.query_one("#operation-entries", RowList).show(story.entries)

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        self.counter.open_entry(event.item[0])

    def action_step(self, by: int) -> None:
        """The operation after or before."""
        if self._number + by >= 1:
            self._read(self._number + by)


def _says(story: OperationStory) -> Text:
    text = Text()
    rows = told_fields(story)
    rows += [(_("Done by"), story.actor), (_("Approved by"), story.approver or _("nobody: one person may do this"))]
    if story.request is not None:
        asked = _("{request}, asked for on {day}").format(request=story.request, day=story.asked_on)
        rows += [(_("Request"), asked), (_("Why two people"), translate(story.reason))]
    rows.append((_("At"), f"{story.at[:19].replace('T', ' ')} UTC, {_('business day')} {story.business_date}"))
    if story.records:
        written = ", ".join(f"{each.kind} {each.ref} ({each.version})" for each in story.records[:12])
        rows.append((_("Wrote"), written + (" …" if len(story.records) > 12 else "")))
    rows.append((_("Chain"), f"{story.prev_hash} → {story.hash}"))
    for label, value in rows:
        text.append(f"{neat(label)}: ", style="dim")
        text.append(f"{neat(value)}\n")
    return text
