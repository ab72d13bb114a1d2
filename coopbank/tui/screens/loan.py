"""A loan whole: how it stands, its schedule, what happened, what was agreed, a picture, and what if.

On top stand its figures, below one of five views. Every line of every list opens (Enter) its
explanation in plain sentences, and from there the entries behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Static

from coopbank.bank.desk import fold
from coopbank.errors import CoopbankError
from coopbank.money import parse_typed
from coopbank.tui import foresight, loans, queries
from coopbank.tui.forms import read_day
from coopbank.tui.screens.base import HELP_KEY, CounterModal, CounterScreen, StatusLine
from coopbank.tui.screens.pick import ListModal
from coopbank.tui.show import amount, day_short, neat
from coopbank.tui.timers import once
from coopbank.tui.widgets.banner import Banner
from coopbank.tui.widgets.inputs import LineInput
from coopbank.tui.widgets.keys import KeysLine
from coopbank.tui.widgets.loan_chart import LoanChart
from coopbank.tui.widgets.rows import Column, RowList
from coopbank.words import _, marked

if TYPE_CHECKING:
    from coopbank.tui.foresight import Course, WhatIf
    from coopbank.tui.loans import Behind, Line, LoanHit, LoanView, Why
    from coopbank.tui.queries import Card

_PAUSE: Final = 0.15  # seconds after the last key before the books are asked what a payment would do

FIGURES: Final = (Column("", 15), Column("", 10, right=True), Column("", 20, flexible=True))
ROWS: Final = (
    Column("#", 2, right=True), Column(marked("Due"), 10), Column(marked("Principal"), 9, right=True),
    Column(marked("Interest"), 8, right=True), Column(marked("Payment"), 9, right=True),
    Column(marked("Paid"), 9, right=True),
    Column(marked("Balance"), 10, right=True), Column(marked("State"), 5, flexible=True),
)  # fmt: skip
LINE_ROWS: Final = (
    Column("#", 2, right=True), Column(marked("Interest due"), 12), Column(marked("State"), 8, flexible=True),
)  # fmt: skip
EVENTS: Final = (
    Column(marked("Date"), 10), Column(marked("What happened"), 10, flexible=True),
    Column(marked("Amount"), 9, right=True),
    Column(marked("Interest"), 8, right=True), Column(marked("Principal"), 9, right=True), Column(marked("By"), 8),
    Column(marked("No."), 4, right=True), Column(marked("Posted on"), 10, least_total=100),
    Column(marked("Approved by"), 11, least_total=110),
)  # fmt: skip
TERMS: Final = (Column("", 9), Column(marked("What"), 20, flexible=True), Column(marked("By"), 16))


def _periods(of: str) -> tuple[Column, ...]:
    return (
        Column("#", 2, right=True), Column(_("Until"), 10), Column(_("Report"), 8, flexible=True),
        Column(of, 9, right=True), Column(_("Due"), 9, right=True), Column(_("Paid"), 9, right=True),
        Column(_("Pay by"), 10), Column(_("Ceiling"), 9, right=True, least_total=100),
        Column(_("Cap room"), 9, right=True, least_total=100), Column(_("Report by"), 10, least_total=100),
    )  # fmt: skip


def _row_columns(repayment: str) -> tuple[Column, ...]:
    return {
        "line": LINE_ROWS, "surplus": _periods(_("Surplus")), "revenue": _periods(_("Revenue")),
    }.get(repayment, ROWS)  # fmt: skip


@dataclass(frozen=True, slots=True)
class View:
    """One of the views below the figures."""

    name: str
    key: str
    title: str


class LoanRows(RowList):
    """A list of the loan screen: each of its lines can be asked why."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", marked("Why"), key_display="Enter")]


class LoanScreen(CounterScreen[bool | None]):
    """A loan. Answers True when a payment was taken here and the next member is to be served."""

    HELP = marked("""# A loan

On top: what is due, what is owed, what closes it, what comes next. Below, by key: **F3** the schedule or the
reports, **F4** everything that happened, **F6** what was agreed, what secures it and whose money it is, **F8** a
picture of principal and interest, **F2** what if. ← → go from one to the next; Tab goes between the figures and the
list.

**Enter** on any line says in plain sentences how its figures come about, and lists the operations behind them;
Enter there opens the entry.

**Ctrl+S** makes its papers: statement, schedule, agreement, payoff letter.

**What if**: type an amount, and a day if it is not today. It shows how the payment would be shared and how the loan
would go on. Nothing is posted. **F5** takes a payment for real.""")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "view('what-if')", marked("What if"), key_display="F2", id="what-if", show=False),
        Binding("f3", "view('rows')", marked("Schedule"), key_display="F3", id="schedule", show=False),
        Binding("f4", "view('events')", marked("Events"), key_display="F4", id="events", show=False),
        Binding("f5", "pay", marked("Payment"), key_display="F5", id="loan-payment"),
        Binding("f6", "view('terms')", marked("Terms"), key_display="F6", id="terms", show=False),
        Binding("f8", "view('chart')", marked("Chart"), key_display="F8", id="chart", show=False),
        Binding("f7", "app.go_to('journal')", marked("Journal"), key_display="F7", id="journal"),
        Binding("ctrl+s", "papers", marked("Papers"), key_display="Ctrl+S", id="papers", show=False),
        Binding("left", "turn(-1)", marked("View before"), show=False),
        Binding("right", "turn(1)", marked("Next view"), show=False),
        Binding("escape", "leave", marked("Back"), key_display="Esc", id="back"),
        HELP_KEY,
        Binding("ctrl+q", "app.leave", marked("Leave"), key_display="Ctrl+Q", id="leave", show=False),
    ]

    def __init__(self, view: LoanView) -> None:
        super().__init__()
        self.view = view
        self.seen = "rows"
        self._before = "rows"  # the view that Esc goes back to
        self._pause: Timer | None = None
        reports = view.repayment in ("surplus", "revenue")
        self._views = (
            View("rows", "F3", _("Reports") if reports else _("Schedule")), View("events", "F4", _("What happened")),
            View("terms", "F6", _("Terms and funds")), View("chart", "F8", _("Chart")),
            View("what-if", "F2", _("What if")),
        )  # fmt: skip

    def compose(self) -> ComposeResult:
        yield Banner()
        yield Static("", id="loan-head", markup=False)
        yield LoanRows(FIGURES, _cells, heading=False, id="loan-figures")
        yield Static("", id="loan-views", markup=False)
        with Container(id="loan-body"):
            nothing = _("Nothing has happened yet.")
            yield LoanRows(
                _row_columns(self.view.repayment), _cells, id="loan-rows", faint=_faint,
                empty=_("There is no schedule: nothing is to be paid."),
            )  # fmt: skip
            yield LoanRows(EVENTS, _cells, id="loan-events", faint=_faint, empty=nothing)
            yield LoanRows(TERMS, _cells, id="loan-terms", faint=_faint, heading=False)
            yield LoanChart(id="loan-chart")
            with Vertical(id="loan-what-if"):
                with Horizontal(id="what-if-line"):
                    yield Static(_("Amount"), classes="what-if-label", markup=False)
                    yield LineInput(id="what-if-amount", restrict="[0-9.,]*", max_length=20)
                    yield Static(_("on"), classes="what-if-label", markup=False)
                    yield LineInput(placeholder=_("today, or a day"), id="what-if-day", max_length=12)
                with VerticalScroll(id="what-if-says"):
                    yield Static("", id="what-if-result", markup=False)
        yield StatusLine()
        yield KeysLine()

    def on_mount(self) -> None:
        self._fill()
        self.action_view("rows")
        self.call_after_refresh(self._in_the_middle)
        self.counter.changed.subscribe(self, lambda _reason: self._read_again())

    def action_papers(self) -> None:
        """Its papers as PDF, beginning with the statement."""
        from coopbank.tui.screens.documents import DocumentsScreen

        self.app.push_screen(DocumentsScreen("loan-statement", self.view.ref))

    # ------------------------------------------------------------------ showing

    def _read_again(self) -> None:
        ref = self.view.ref
        self.ask("loan", lambda session: loans.loan_view(session, ref), self._came, self.refused)

    def _came(self, view: LoanView) -> None:
        self.view = view
        self._fill()
        if self.seen == "what-if":
            self._what_if()

    def _fill(self) -> None:
        view = self.view
        self.query_one("#loan-head", Static).update(_head(view))
        for name, lines in (
            ("figures", view.figures), ("rows", view.rows), ("events", view.events), ("terms", view.terms)
        ):  # fmt: skip
            rows = self.query_one(f"#loan-{name}", RowList)
            start = self._start(lines) if name == "rows" and not rows.count else rows.cursor
            rows.show(lines, cursor=start)
        self.query_one("#loan-chart", LoanChart).draw(view.picture)
        self.refresh_bindings()

    def _start(self, lines: Sequence[Line]) -> int:
        """The first row that is not over: what is asked about most."""
        return next((place for place, line in enumerate(lines) if not line.faint), 0)

    def _in_the_middle(self) -> None:
        """Show what comes after the first row that is not over, and not only what came before it."""
        rows = self.query_one("#loan-rows", RowList)
        rows.scroll_to(y=max(0, rows.cursor - 2), animate=False)

    def action_view(self, name: str) -> None:
        """Show another view."""
        if name != "what-if":
            self._before = name
        self.seen = name
        for each in self._views:
            self.query_one(f"#loan-{each.name}").display = each.name == name
        self.query_one("#loan-views", Static).update(self._tabs())
        self.status.clear()
        if name == "what-if":
            self.query_one("#what-if-amount").focus()
            self._what_if()
        elif name == "chart":
            self.query_one("#loan-figures").focus()
        else:
            self.query_one(f"#loan-{name}").focus()

    def action_turn(self, by: int) -> None:
        """The view before, or the next."""
        names = [view.name for view in self._views]
        self.action_view(names[(names.index(self.seen) + by) % len(names)])

    def _tabs(self) -> Content:
        """The views and their keys; the one that is seen stands in brackets."""
        parts: list[str | tuple[str, str]] = []
        for view in self._views:
            here = view.name == self.seen
            parts.append((f"[{view.key} {view.title}]", "bold reverse") if here else f" {view.key} {view.title} ")
        return Content.assemble(*parts)

    # --------------------------------------------------------------- explaining

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        self.app.push_screen(WhyScreen(self.view.ref, event.item))

    # ------------------------------------------------------------------ what if

    def on_input_changed(self) -> None:
        self.status.clear()
        if self._pause is not None:
            self._pause.stop()
        self._pause = once(self, _PAUSE, self._what_if)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        wanted = "#what-if-day" if event.input.id == "what-if-amount" else "#what-if-amount"
        self.query_one(wanted).focus()

    def _what_if(self) -> None:
        """Ask what the payment that is typed would do."""
        ref, typed = self.view.ref, self._typed()
        try:
            minor = parse_typed(typed["amount"], self.session.currency, field="amount") if typed["amount"] else 0
            day = read_day(typed["day"], self.view.as_of) if typed["day"] else None
        except CoopbankError as fault:
            self._cannot_tell(fault)
            return
        told, refused = self.if_still(self._typed, self._told), self.if_still(self._typed, self._cannot_tell)
        self.ask("what if", lambda session: foresight.what_if(session, ref, minor, day), told, refused)

    def _typed(self) -> dict[str, str]:
        return {name: self.query_one(f"#what-if-{name}", Input).value.strip() for name in ("amount", "day")}

    def _told(self, found: WhatIf) -> None:
        self.status.clear()
        shown = what_if_words(found, self.session.currency)
        self.query_one("#what-if-result", Static).update(shown)

    def _cannot_tell(self, fault: CoopbankError) -> None:
        self.query_one("#what-if-result", Static).update("")
        if self.seen == "what-if":
            self.refused(fault)

    # ------------------------------------------------------------------- paying

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A payment is taken by who may, of a loan on which something is owed, and not in the middle of a form."""
        if action == "pay":
            forms = any(hasattr(screen, "dirty") for screen in self.counter.screen_stack)
            return self.session.may("repay-loan") and self.view.payable and not self.view.own and not forms
        return True

    def action_pay(self) -> None:
        """The form of a payment on this loan; with what was asked for under what if."""
        member = self.view.member
        self.carry_out(lambda session: queries.card(session, member), self._pay, self.refused)

    def _pay(self, card: Card) -> None:
        typed = self._typed() if self.seen == "what-if" else {}
        suggested = {"amount": typed["amount"]} if typed.get("amount") else {}
        self.counter.fill_in("repay-loan", card, fixed={"loan": self.view.ref}, suggested=suggested)

    def served(self) -> None:
        """A payment went through, and the next member is to be served."""
        self.dismiss(True)

    def action_leave(self) -> None:
        """Back: from what if to the view before, else to the member."""
        if self.seen == "what-if":
            self.action_view(self._before)
        else:
            self.dismiss(None)


def _cells(line: Line) -> Sequence[str]:
    return line.cells


def _faint(line: Line) -> bool:
    return line.faint


def _head(view: LoanView) -> Table:
    table = Table.grid(expand=True)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column(justify="right", no_wrap=True)
    who = Text.assemble((neat(view.ref), "bold"), f"  {neat(view.name)} · {neat(view.member)}")
    table.add_row(who, Text(neat(view.state), style="bold"))
    what = " · ".join(filter(None, (neat(view.purpose), neat(view.product))))
    table.add_row(Text(what, style="dim"), Text(day_short(view.as_of), style="dim"))
    words = Text(neat(view.words))
    if view.late:
        words = Text(f"{_('OVERDUE')}: {neat(view.words)}", style="bold reverse")
    whole = Table.grid(expand=True)
    whole.add_column(ratio=1, overflow="fold")
    whole.add_row(table)
    whole.add_row(words)
    if view.own:
        whole.add_row(Text(_("This is your own loan: a colleague has to serve it."), style="bold reverse"))
    return whole


# ------------------------------------------------------------------------------------ what if


def what_if_words(found: WhatIf, currency: str) -> Text:
    """What would be, in lines."""
    text = Text()
    if not found.amount:
        for place, sentence in enumerate(found.sentences):
            text.append(f"{neat(sentence)}\n", style="bold" if place == 0 else "")
        text.append("\n" + _("Type an amount to see what a payment would do. Nothing is posted here."), style="dim")
        return text
    closes = _("What closes it on {day}: {amount}")
    text.append(closes.format(day=day_short(found.day), amount=amount(found.payoff, currency)) + "\n")
    text.append(_payment_words(found, currency) + "\n", style="bold")
    if found.over:
        text.append(_("More than is owed: take less, or keep the rest as unapplied money.") + "\n")
    owed = _("Owed: {before} → {after}").format(
        before=amount(found.before, currency), after=amount(found.after, currency)
    )  # fmt: skip
    text.append(owed + (f"   {_('The loan is paid off.')}" if found.closes else "") + "\n")
    if found.available is not None:
        text.append(_("Available: {amount}").format(amount=amount(found.available, currency)) + "\n")
    if not found.closes:
        text.append(_("After it: {words}").format(words=neat(found.words)) + "\n")
    text.append(_courses(found, currency))
    return text


def _payment_words(found: WhatIf, currency: str) -> str:
    """`100.00 = 2.00 of fees + 6.00 of interest + 92.00 of principal`"""
    parts = [
        words.format(amount=amount(minor, currency))
        for words, minor in (
            (_("{amount} of fees"), found.parts.fees), (_("{amount} of interest"), found.parts.interest),
            (_("{amount} of principal"), found.parts.principal), (_("{amount} too much"), found.over),
        )
        if minor
    ]  # fmt: skip
    return f"{amount(found.amount, currency)} = {' + '.join(parts)}"


def _courses(found: WhatIf, currency: str) -> Text:
    """How the loan goes on, with the payment and without it."""
    if not found.courses:
        return Text("")
    names = {
        "": _("without this payment"), "next": _("pays the next ones"), "shorten": _("ends it earlier"),
        "lower": _("lowers payments"),
    }  # fmt: skip
    rows = [(_("If all is paid on its day"), _("Left"), _("Next"), _("Last"), _("Interest"))]
    for course in found.courses:
        name = names[course.way] if course.way == "" or found.early else _("with this payment")
        if found.early and course.way == found.rule:
            name = f"{name} ({_('as agreed')})"
        rows.append((name, *_course(course, currency)))
    return _aligned(rows)


def _course(course: Course, currency: str) -> tuple[str, str, str, str]:
    following = amount(course.following, currency)
    if course.following_on is not None:
        following = f"{following} {course.following_on.isoformat()}"
    last = course.last.isoformat() if course.last is not None else ""
    return str(course.payments), following, last, amount(course.interest, currency)


def _aligned(rows: Sequence[Sequence[str]]) -> Text:
    """A small table, its first column at the left and the others at the right."""
    table = Text()
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        table.append("  ".join(cells).rstrip() + "\n", style="dim" if number == 0 else "")
    return table


# ---------------------------------------------------------------------------- behind a figure


class WhyScreen(CounterModal[None]):
    """How a figure comes about, and the operations behind it."""

    HELP = marked("""# Why

How the figure comes about, in sentences that anybody can reckon again. Below stand the operations that it goes back
to, the newest first; **Enter** opens the entry that one wrote, with who did it, who approved it and its place in
the chain.""")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", marked("Entry"), key_display="Enter", id="open"),
        Binding("pageup", "scroll(-1)", marked("Up"), show=False),
        Binding("pagedown", "scroll(1)", marked("Down"), show=False),
    ]

    def __init__(self, loan: str, line: Line) -> None:
        super().__init__()
        self._loan = loan
        self._line = line
        self._told = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="box wide"):
            yield Static("", markup=False, classes="box-title")
            with VerticalScroll(id="why-sentences", can_focus=False):
                yield Static("", id="why-says", markup=False)
            columns = (
                Column(_("No."), 5, right=True), Column(_("Day"), 10), Column(_("Operation"), 12, flexible=True),
                Column(_("By"), 8), Column(_("Approved by"), 11), Column(_("Entry"), 5, right=True),
            )  # fmt: skip
            yield RowList(columns, _behind_cells, id="why-behind")
            yield StatusLine()
            yield Static("", id="why-keys", markup=False, classes="box-keys")

    def on_mount(self) -> None:
        title = Content.assemble((self._loan, "bold"), f"  {neat(self._line.title)}")
        self.query_one(".box-title", Static).update(title)
        self.query_one("#why-behind").display = False
        loan, line = self._loan, self._line
        self.ask("why", lambda session: loans.why(session, loan, line), self._show, self._cannot_tell)

    def _cannot_tell(self, fault: CoopbankError) -> None:
        self._told = True
        self.query_one(StatusLine).refuse(fault)

    def _show(self, found: Why) -> None:
        self._told = True
        said = Text("\n".join(neat(sentence) for sentence in found.sentences))
        self.query_one("#why-says", Static).update(said)
        rows = self.query_one("#why-behind", RowList)
        rows.display = bool(found.behind)
        rows.show(found.behind)
        keys = _("Esc back")
        if found.behind:
            rows.focus()
            keys = _("↑ ↓ move · Enter opens the entry · PgUp PgDn scroll · Esc back")
        if found.more:
            self.query_one(StatusLine).say(_("{count} older operations are not listed.").format(count=found.more))
        self.query_one("#why-keys", Static).update(Content(keys))

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        behind: Behind = event.item
        if behind.entry is not None:
            self.counter.open_entry(behind.entry)
        else:
            said = _("Operation {number} moved no money and has no entry. Written {at} UTC; chain {hash}.").format(
                number=behind.number, at=behind.at[:19].replace("T", " "), hash=behind.hash
            )
            self.query_one(StatusLine).say(said)

    def action_open(self) -> None:
        """Nothing is behind it: back."""
        if self._told and not self.query_one("#why-behind").display:
            self.dismiss(None)

    def action_scroll(self, by: int) -> None:
        """Read what does not fit."""
        self.query_one("#why-sentences", VerticalScroll).scroll_relative(y=by * 3, animate=False)


def _behind_cells(item: Behind) -> Sequence[str]:
    entry = "" if item.entry is None else str(item.entry)
    return (str(item.number), item.on, item.title, item.actor, item.approver or "", entry)


class LoanPick(ListModal["LoanHit"]):
    """Which loan of a member."""

    HELP = marked("""# Which loan

Every loan that this member has or had. Type a part of the number or of the purpose; ↑ ↓ move, **Enter** opens.""")

    def __init__(self, name: str, found: Sequence[LoanHit]) -> None:
        super().__init__(
            _("Which loan of {name}?").format(name=neat(name)),
            (Column("", 8), Column("", 20, flexible=True), Column("", 12)),
        )
        self._loans = found

    def cells(self, item: LoanHit) -> Sequence[str]:
        return (item.ref, item.purpose, item.state)

    def narrow(self, text: str) -> None:
        wanted = fold(text.strip())
        self.rows.show([hit for hit in self._loans if wanted in fold(f"{hit.ref} {hit.purpose} {hit.state}")])
