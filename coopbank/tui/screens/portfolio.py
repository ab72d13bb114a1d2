"""Funds and loans at one look: what each fund has, how late loans are, how they are repaid, how money goes round.

Four views of the same day. Every line opens the loans behind it, and each of these the loan itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from coopbank.reports.financial import Funds, fund
from coopbank.reports.portfolio import Portfolio, PortfolioLoan, portfolio
from coopbank.reports.revolving import MonthLent, lent_by_month
from coopbank.tui.screens.base import HELP_KEY, CounterModal, DatedScreen, StatusLine
from coopbank.tui.show import amount, day_row, day_words, month_row, neat
from coopbank.tui.widgets.banner import Banner
from coopbank.tui.widgets.bars import bar
from coopbank.tui.widgets.inputs import LineInput
from coopbank.tui.widgets.keys import KeysLine
from coopbank.tui.widgets.rows import Column, RowList
from coopbank.words import _, marked, translate

if TYPE_CHECKING:
    from coopbank.bank.bank import Bank
    from coopbank.tui.session import Session

_BAR: Final = 24  # cells

REPAID: Final = {
    "schedule": marked("by a schedule"), "line": marked("lines of credit"), "surplus": marked("out of surplus"),
    "revenue": marked("out of revenue"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Picture:
    """What the screen shows of a day."""

    portfolio: Portfolio
    funds: Funds
    months: tuple[MonthLent, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a view; `loans` are what Enter opens, None where there is nothing behind it."""

    name: str
    first: str
    second: str
    third: str
    drawn: str
    loans: tuple[PortfolioLoan, ...] | None = None


def picture(session: Session, as_of: date | None) -> Picture:
    """Everything of a day, read in one view of the books."""

    def read(bank: Bank) -> Picture:
        with bank.read() as books:
            loans = portfolio(books, as_of)
            return Picture(loans, fund(books, "all", as_of), lent_by_month(books, loans.as_of))

    return session.read_at_length(read)


def _columns(*titles: str) -> tuple[Column, ...]:
    name, first, second, third = titles
    return (
        Column(name, 16, flexible=True), Column(first, 8, right=True), Column(second, 11, right=True),
        Column(third, 11, right=True), Column("", _BAR + 1),
    )  # fmt: skip


VIEWS: Final = ("funds", "late", "kinds", "months")
TITLES: Final = {
    "funds": (marked("Funds"), "F3"), "late": (marked("How late"), "F4"), "kinds": (marked("How repaid"), "F6"),
    "months": (marked("Month by month"), "F8"),
}  # fmt: skip
COLUMNS: Final = {
    "funds": _columns(marked("Fund"), marked("Cash"), marked("Lent"), marked("Promised")),
    "late": _columns(marked("Loans"), marked("How many"), marked("Principal"), marked("Due now")),
    "kinds": _columns(marked("Repaid"), marked("How many"), marked("Principal"), marked("Due now")),
    "months": _columns(marked("Month"), marked("Went out"), marked("Came back"), marked("Out at its end")),
}  # fmt: skip
LEGENDS: Final = {
    "funds": marked("█ lent  ▒ promised  · free to lend"),
    "late": marked("█ principal of these loans, of all loans"),
    "kinds": marked("█ principal of these loans, of all loans"),
    "months": marked("█ went out  ▒ came back; what was written off stands among what came back"),
}


class PortfolioScreen(DatedScreen):
    """The funds and the loans of a day."""

    HELP = marked("""# Funds and loans

Four views, by key or ← →: **F3** what each fund has in cash, has lent and has promised, **F4** how late the loans
are, **F6** how they are repaid, **F8** what went out and came back in each of twelve months. **Enter** shows the
loans behind a line; Enter there opens one of them.

**F2** shows another day (`20260630`, `-30`, `t`). The figures are those of the reports and of the books. Principal
at risk is that of loans with anything late by more than 30 or 90 days; loans that are deferred by their terms are
told apart.""")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f3", "view('funds')", marked("Funds"), key_display="F3", id="funds", show=False),
        Binding("f4", "view('late')", marked("How late"), key_display="F4", id="late", show=False),
        Binding("f6", "view('kinds')", marked("How repaid"), key_display="F6", id="kinds", show=False),
        Binding("f8", "view('months')", marked("Months"), key_display="F8", id="months", show=False),
        Binding("left", "turn(-1)", marked("View before"), show=False),
        Binding("right", "turn(1)", marked("Next view"), show=False),
        Binding("enter", "open", marked("Loans"), key_display="Enter", id="open"),
        Binding("f2", "as_of", marked("As of a day"), key_display="F2", id="as-of"),
        Binding("escape", "leave", marked("Back"), key_display="Esc", id="back"),
        HELP_KEY,
        Binding("ctrl+q", "app.leave", marked("Leave"), key_display="Ctrl+Q", id="leave", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._picture: Picture | None = None
        self.seen = "funds"

    def compose(self) -> ComposeResult:
        yield Banner()
        with Horizontal(id="journal-line"):
            yield Static("", id="portfolio-head", markup=False)
            yield LineInput(placeholder=_("day"), id="journal-go", max_length=12)
        yield Static("", id="portfolio-sums", markup=False)
        yield Static("", id="loan-views", markup=False)
        for view in VIEWS:
            yield RowList(COLUMNS[view], _cells, id=f"portfolio-{view}", empty=_("Nothing was lent yet."))
        yield Static("", id="portfolio-legend", markup=False)
        yield StatusLine()
        yield KeysLine()

    def on_mount(self) -> None:
        self.query_one("#journal-go").display = False
        self.action_view("funds")
        self.follow_the_books(self.read)

    def read(self) -> None:
        day = self._as_of
        self.ask("portfolio", self._pace.timed(lambda session: picture(session, day)), self._show, self.refused)

    def _show(self, found: Picture) -> None:
        self._picture = found
        money = self.session.currency
        loans = found.portfolio
        head = _("Funds and loans on {day}").format(day=day_words(loans.as_of))
        self.query_one("#portfolio-head", Static).update(Content.styled(head, "bold"))
        sums = _(
            "Loans: {count}, {owed} lent · at risk over 30 days {par30} ({percent} %), over 90 days {par90} · deferred"
            " by terms {deferred}"
        ).format(
            count=sum(each.state == "active" for each in loans.loans), owed=amount(loans.owed, money),
            par30=amount(loans.at_risk_30, money), percent=f"{loans.par30_bp // 100}.{loans.par30_bp % 100:02d}",
            par90=amount(loans.at_risk_90, money), deferred=amount(loans.deferred, money),
        )  # fmt: skip
        self.query_one("#portfolio-sums", Static).update(Content(sums))
        for view, lines in LINES.items():
            rows = self.query_one(f"#portfolio-{view}", RowList)
            rows.show(list(lines(found, money)), cursor=rows.cursor)

    # ------------------------------------------------------------------- views

    @property
    def rows(self) -> RowList:
        """The list that is seen."""
        return self.query_one(f"#portfolio-{self.seen}", RowList)

    def action_view(self, view: str) -> None:
        """Show that view."""
        self.seen = view
        for each in VIEWS:
            self.query_one(f"#portfolio-{each}").display = each == view
        tabs = "  ".join(
            f"{'▸' if each == view else ' '}{TITLES[each][1]} {translate(TITLES[each][0])}" for each in VIEWS
        )
        self.query_one("#loan-views", Static).update(Content(tabs))
        self.query_one("#portfolio-legend", Static).update(Content(translate(LEGENDS[view])))
        self.rows.focus()

    def action_turn(self, by: int) -> None:
        """The view before or after."""
        self.action_view(VIEWS[(VIEWS.index(self.seen) + by) % len(VIEWS)])

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        line: Line = event.item
        if line.loans is None:
            self.status.say(_("There are no loans behind this line."))
        else:
            self.status.clear()
            self.app.push_screen(LoansScreen(line.name, line.loans))

    def action_open(self) -> None:
        """The loans behind the line."""
        self.rows.action_choose()


def _cells(line: Line) -> Sequence[str]:
    return (line.name, line.first, line.second, line.third, line.drawn)


def _of_funds(found: Picture, money: str) -> Iterator[Line]:
    for each in found.funds.funds:
        cash = each.claim + each.own_cash
        behind = tuple(loan for loan in found.portfolio.loans if loan.fund == each.code)
        whole = each.lent + max(cash, each.committed, 0)
        yield Line(
            f"{each.code}  {translate(each.name)}", amount(cash, money), amount(each.lent, money),
            amount(each.committed, money), bar((each.lent, each.committed, max(each.free, 0)), whole, _BAR),
            behind or None,
        )  # fmt: skip


def _of_lateness(found: Picture, money: str) -> Iterator[Line]:
    whole = found.portfolio
    for bucket in (*whole.buckets, *whole.beside):
        if bucket.loans or bucket in whole.buckets:
            behind = tuple(each for each in whole.loans if each.bucket == bucket.code and each.state == "active")
            yield Line(
                bucket.name, str(bucket.loans), amount(bucket.owed, money), amount(bucket.due_now, money),
                bar((bucket.owed,), whole.owed, _BAR), behind or None,
            )  # fmt: skip
    if whole.charged_off_loans:
        yield Line(
            _("charged off, in no sum"), str(whole.charged_off_loans), amount(whole.charged_off, money), "", "", None
        )


def _of_kinds(found: Picture, money: str) -> Iterator[Line]:
    whole = found.portfolio
    for kind, title in REPAID.items():
        behind = tuple(each for each in whole.loans if each.repayment == kind and each.state == "active")
        if behind:
            carried = sum(each.carried for each in behind)
            yield Line(
                translate(title), str(len(behind)), amount(carried, money),
                amount(sum(each.due_now for each in behind), money), bar((carried,), whole.owed, _BAR), behind,
            )  # fmt: skip


def _of_months(found: Picture, money: str) -> Iterator[Line]:
    most = max((max(month.out, month.back) for month in found.months), default=0)
    for month in reversed(found.months):
        half = _BAR // 2
        drawn = f"{bar((month.out,), most, half):<{half}}{bar((0, month.back), most, half)}"
        if month.lost:
            drawn = f"{drawn.rstrip()}  " + _("{amount} lost").format(amount=amount(month.lost, money))
        yield Line(
            month_row(month.first), amount(month.out, money), amount(month.back, money),
            amount(month.outstanding, money), drawn,
        )  # fmt: skip


LINES: Final[dict[str, Callable[[Picture, str], Iterator[Line]]]] = {
    "funds": _of_funds, "late": _of_lateness, "kinds": _of_kinds, "months": _of_months,
}  # fmt: skip


class LoansScreen(CounterModal[None]):
    """The loans behind a line."""

    HELP = marked("""# Loans

Whose they are, what is still owed, how late they are and what comes next. **Enter** opens a loan whole.""")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        Column(marked("Loan"), 6), Column(marked("Whose"), 16, flexible=True), Column(marked("Owed"), 11, right=True),
        Column(marked("Days late"), 9, right=True), Column(marked("Next due"), 12),
        Column(marked("For"), 16, flexible=True, least_total=90),
    )  # fmt: skip

    def __init__(self, title: str, found: Sequence[PortfolioLoan]) -> None:
        super().__init__()
        self._about = title
        self._found = found

    def compose(self) -> ComposeResult:
        with Vertical(classes="box wide tall"):
            yield Static(Content.styled(neat(self._about), "bold"), markup=False, classes="box-title")
            yield RowList(self.COLUMNS, self._cells, id="loans-behind")
            yield Static(Content(_("↑ ↓ move · Enter opens the loan · Esc back")), markup=False, classes="box-keys")

    def on_mount(self) -> None:
        rows = self.query_one("#loans-behind", RowList)
        rows.show(self._found)
        rows.focus()

    def _cells(self, loan: PortfolioLoan) -> Sequence[str]:
        late = str(loan.days_late) if loan.days_late else ""
        due = day_row(loan.next_due) if loan.next_due is not None else ""
        return (loan.ref, loan.name, amount(loan.owed, self.session.currency), late, due, loan.purpose)

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        self.counter.open_loan(event.item.ref)
