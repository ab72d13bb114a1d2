"""The member card: who it is, what they hold and owe, and the last lines of their passbook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from coopbank.reports.dates import short_date
from coopbank.tui.show import amount, neat
from coopbank.tui.widgets.rows import Column, RowList
from coopbank.words import _, marked

if TYPE_CHECKING:
    from coopbank.reports.card import CardLoan, CardSavings, CardShares
    from coopbank.tui.queries import Activity, Card, Standing

PASSBOOK = (
    Column(marked("Date"), 10),
    Column(marked("Account"), 10),
    Column(marked("What"), 10, flexible=True),
    Column(marked("Out"), 10, right=True),
    Column(marked("In"), 10, right=True),
    Column(marked("Balance"), 11, right=True),
)


class MemberCard(Vertical):
    """The card of one member, or how the day stands while nobody is being served."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.card: Card | None = None
        self._currency = "USD"

    def compose(self) -> ComposeResult:
        yield Static("", id="card-head", markup=False)
        yield Static("", id="card-holdings", markup=False)
        activity = RowList(
            PASSBOOK, self._cells, id="card-activity", empty=_("Nothing has happened yet."),
            faint=lambda line: line.reversed_by is not None,
        )  # fmt: skip
        activity.display = False
        yield activity

    def show_card(self, card: Card, currency: str) -> None:
        """Show a member."""
        self.card, self._currency = card, currency
        self.query_one("#card-head", Static).update(_head(card))
        self.query_one("#card-holdings", Static).update(_holdings(card, currency))
        activity = self.query_one("#card-activity", RowList)
        activity.display = True
        activity.show(card.activity)

    def show_day(self, standing: Standing | None, currency: str) -> None:
        """Nobody is being served: how the day stands."""
        self.card, self._currency = None, currency
        self.query_one("#card-activity", RowList).display = False
        self.query_one("#card-head", Static).update(Text(_("Ready for the next member"), style="bold"))
        holdings = self.query_one("#card-holdings", Static)
        holdings.update(Text("") if standing is None else _day(standing, currency))

    def _cells(self, line: Activity) -> Sequence[str]:
        undone = line.reversed_by is not None
        what = f"{_('REVERSED')} · {line.what}" if undone else line.what
        return (
            line.day, line.account, what, amount(line.out, self._currency) if line.out else "",
            amount(line.came, self._currency) if line.came else "", amount(line.balance, self._currency),
        )  # fmt: skip


def _head(card: Card) -> Table:
    report = card.report
    table = Table.grid(expand=True)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column(justify="right", no_wrap=True)
    table.add_row(Text(neat(report.name), style="bold"), Text(neat(report.member), style="bold"))
    facts = [_("organisation")] if report.entity != "person" else []
    facts.append(_("member since {day}").format(day=short_date(report.joined_on)))
    if report.phone:
        facts.append(neat(report.phone))
    left = Text(_("HAS LEFT"), style="bold reverse") if report.status != "active" else Text("")
    table.add_row(Text(" · ".join(facts), style="dim"), left)
    if card.own:
        table.add_row(Text(_("This is your own account: a colleague has to serve it."), style="bold reverse"), "")
    return table


Row = tuple[Text, str]


def _holdings(card: Card, currency: str) -> Table:
    report = card.report
    table = Table.grid(expand=True, padding=(0, 1, 0, 0))
    table.add_column(width=9, no_wrap=True, style="bold")
    table.add_column(ratio=1, overflow="fold")
    table.add_column(justify="right", no_wrap=True, style="bold")
    parts: list[tuple[str, list[Row]]] = [
        (_("Savings"), [_savings_row(line, currency) for line in card.savings]),
        (_("Shares"), [_shares_row(line, currency) for line in report.shares]),
        (_("Loans"), [row for line in card.loans for row in _loan_rows(line, currency)]),
    ]
    if report.unapplied:
        parts.append((_("Ahead"), [(Text(_("unapplied money, kept for them")), amount(report.unapplied, currency))]))
    if report.owing:
        parts.append((_("Owes"), [(Text(_("returned items")), amount(-report.owing, currency))]))
    if report.waiting:
        waits = _("{requests} for a second person").format(requests=neat(", ".join(report.waiting)))
        parts.append((_("Waits"), [(Text(waits), "")]))
    for heading, rows in parts:
        for place, (what, shown) in enumerate(rows or [(Text(_("none"), style="dim"), "")]):
            table.add_row(Text(heading if place == 0 else ""), what, Text(shown))
    return table


def _savings_row(line: CardSavings, currency: str) -> Row:
    said = Text(f"{neat(line.ref)}  ")
    if line.held:
        said.append(_("{held} held, ").format(held=amount(line.held, currency)), style="bold")
    said.append(_("{available} available").format(available=amount(line.available, currency)))
    return said, amount(line.balance, currency)


def _shares_row(line: CardShares, currency: str) -> Row:
    said = Text(f"{neat(line.title)}  ") if line.paid_up else Text("")
    said.append(neat(line.words))
    return said, amount(line.amount, currency)


def _loan_rows(line: CardLoan, currency: str) -> Iterable[Row]:
    what = Text(f"{neat(line.ref)}  {neat(line.purpose)}")
    yield what, amount(line.payoff, currency) if line.state != "granted" else ""
    yield due_words(line), ""


def due_words(line: CardLoan) -> Text:
    """What is due on a loan, in words; never by colour alone."""
    if line.days_late:
        return Text(f"{_('OVERDUE')}: {line.words}", style="bold reverse")
    return Text(line.words, style="bold" if line.due_now else "")


def _day(standing: Standing, currency: str) -> Table:
    table = Table.grid(expand=True, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(ratio=1)
    if standing.day_open and standing.business_date is not None:
        table.add_row(Text(_("Entries today")), Text(str(standing.entries_today)))
    if standing.mine is not None:
        table.add_row(
            Text(_("Through your drawer")),
            Text(
                _("{came} in, {went} out").format(
                    came=amount(standing.cash_in, currency), went=amount(standing.cash_out, currency)
                )
            ),
        )
        table.add_row(Text(_("It should hold")), Text(amount(standing.mine.holds, currency), style="bold"))
        if standing.mine.cheques:
            table.add_row(Text(_("Cheques in it")), Text(amount(standing.mine.cheques, currency)))
    table.add_row(Text(_("In the vault")), Text(amount(standing.vault, currency)))
    if standing.waiting:
        table.add_row(
            Text(_("For a second person")), Text(_("{count} waiting: F9 shows them").format(count=standing.waiting))
        )
    table.add_row(Text(_("Head of the chain")), Text(f"{standing.head_number}  {standing.head_hash}"))
    return table
