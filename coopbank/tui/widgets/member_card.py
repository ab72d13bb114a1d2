"""The member card: who it is, what they hold and owe, and the last lines of their passbook."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from coopbank.tui.show import amount, day_row, day_short, neat
from coopbank.tui.widgets.rows import Column, RowList
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.tui.queries import Activity, Card, LoanLine, SavingsLine, Shares, Standing

PASSBOOK = (
    Column(_("Date"), 11),
    Column(_("What"), 10, flexible=True),
    Column(_("Account"), 20, least_total=96),
    Column(_("Out"), 10, right=True),
    Column(_("In"), 10, right=True),
    Column(_("Balance"), 11, right=True),
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
            day_row(line.day), what, line.account, amount(line.out, self._currency) if line.out else "",
            amount(line.came, self._currency) if line.came else "", amount(line.balance, self._currency),
        )  # fmt: skip


def _head(card: Card) -> Table:
    table = Table.grid(expand=True)
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column(justify="right", no_wrap=True)
    table.add_row(Text(neat(card.name), style="bold"), Text(neat(card.member), style="bold"))
    facts = [_("organisation")] if card.organisation else []
    facts.append(_("member since {day}").format(day=day_short(date.fromisoformat(card.joined_on))))
    if card.phone:
        facts.append(neat(card.phone))
    left = Text(_("HAS LEFT"), style="bold reverse") if card.left else Text("")
    table.add_row(Text(" · ".join(facts), style="dim"), left)
    if card.own:
        table.add_row(Text(_("This is your own account: a colleague has to serve it."), style="bold reverse"), "")
    return table


def _holdings(card: Card, currency: str) -> Table:
    table = Table.grid(expand=True, padding=(0, 1, 0, 0))
    table.add_column(width=9, no_wrap=True, style="bold")
    table.add_column(ratio=1, overflow="fold")
    table.add_column(justify="right", no_wrap=True, style="bold")
    for heading, rows in (
        (_("Savings"), [row for line in card.savings for row in _savings_rows(line, currency)]),
        (_("Shares"), [row for line in card.shares for row in _share_rows(line, currency)]),
        (_("Loans"), [row for line in card.loans for row in _loan_rows(line, card.today, currency)]),
    ):
        for place, (what, shown) in enumerate(rows or [(Text(_("none"), style="dim"), "")]):
            table.add_row(Text(heading if place == 0 else ""), what, Text(shown))
    return table


def _savings_rows(line: SavingsLine, currency: str) -> list[tuple[Text, str]]:
    said = Text(f"{neat(line.ref)}  ")
    if line.held:
        said.append(_("{held} held, ").format(held=amount(line.held, currency)), style="bold")
    said.append(_("{available} available").format(available=amount(line.available, currency)))
    return [(said, amount(line.balance, currency))]


def _share_rows(line: Shares, currency: str) -> list[tuple[Text, str]]:
    count = f"{line.count} {_('of')} {line.most}" if line.most is not None else str(line.count)
    rows = [(Text(f"{neat(line.name)}  {count}"), amount(line.amount, currency))]
    if line.waiting:
        rows.append((Text(_("paid towards the next share")), amount(line.waiting, currency)))
    return rows


def _loan_rows(line: LoanLine, today: date, currency: str) -> list[tuple[Text, str]]:
    what = Text(f"{neat(line.ref)}  {neat(line.purpose)}")
    return [(what, amount(line.owed, currency)), (due_words(line, today, currency), "")]


def due_words(line: LoanLine, today: date, currency: str) -> Text:
    """What is due on a loan, in words; never by colour alone."""
    if line.state == "granted":
        return Text(_("granted, not paid out yet"))
    text = Text()
    if line.due and line.days_late and line.due_since is not None:
        late = _("OVERDUE {days} days: {amount}, since {day}").format(
            days=line.days_late, amount=amount(line.due, currency), day=day_short(line.due_since, today)
        )
        text.append(late, style="bold reverse")
    elif line.due:
        text.append(_("{amount} due today").format(amount=amount(line.due, currency)), style="bold")
    if line.next_due is not None and line.next_amount:
        text.append(" · " if text.plain else "")
        following = _("then {amount} on {day}") if line.due else _("nothing due now; {amount} on {day}")
        text.append(following.format(amount=amount(line.next_amount, currency), day=day_short(line.next_due, today)))
    return text if text.plain else Text(_("nothing due"), style="dim")


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
