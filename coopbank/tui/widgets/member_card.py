"""The member card: who it is, what they hold and owe, and the last lines of their passbook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from coopbank.bank.contact import ROLE_WORDS
from coopbank.reports.dates import short_date
from coopbank.tui.show import amount, neat
from coopbank.tui.widgets.rows import Column, RowList
from coopbank.words import _, marked

if TYPE_CHECKING:
    from coopbank.bank.backups import LastBackup
    from coopbank.reports.card import CardLoan, CardOwner, CardSavings, CardShares
    from coopbank.reports.card import MemberCard as Report
    from coopbank.tui.queries import Activity, Card, Standing

PASSBOOK = (
    Column(marked("Date"), 10),
    Column(marked("Account"), 10),
    Column(marked("What"), 10, flexible=True),
    Column(marked("Out"), 10, right=True),
    Column(marked("In"), 10, right=True),
    Column(marked("Balance"), 11, right=True),
)


HOLDINGS = (Column("", 9), Column("", 20, flexible=True), Column("", 10, right=True))


@dataclass(frozen=True, slots=True)
class Holding:
    """A line of what a member has and owes, or of how the day stands; `opens` says what Enter shows."""

    heading: str
    what: str
    shown: str = ""
    opens: tuple[str, ...] = ()  # account FUND CODE, loan REF, equity MEMBER, place NAME, operation NUMBER


class MemberCard(Vertical):
    """The card of one member, or how the day stands while nobody is being served. Every figure can be opened."""

    class Opened(Message):
        """Enter on a figure."""

        def __init__(self, opens: tuple[str, ...]) -> None:
            super().__init__()
            self.opens = opens

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.card: Card | None = None
        self._standing: Standing | None = None
        self._currency = "USD"

    def compose(self) -> ComposeResult:
        yield Static("", id="card-head", markup=False)
        yield RowList(HOLDINGS, lambda line: (line.heading, line.what, line.shown), heading=False, id="card-holdings")
        activity = RowList(
            PASSBOOK, self._cells, id="card-activity", empty=_("Nothing has happened yet."),
            faint=lambda line: line.reversed_by is not None,
        )  # fmt: skip
        activity.display = False
        yield activity

    @property
    def holdings(self) -> RowList:
        """The figures on top."""
        return self.query_one("#card-holdings", RowList)

    def show_card(self, card: Card, currency: str) -> None:
        """Show a member."""
        self.card, self._standing, self._currency = card, None, currency
        self.query_one("#card-head", Static).update(_head(card))
        self._fill()
        activity = self.query_one("#card-activity", RowList)
        activity.display = True
        activity.show(card.activity)

    def show_day(self, standing: Standing | None, currency: str) -> None:
        """Nobody is being served: how the day stands."""
        self.card, self._standing, self._currency = None, standing, currency
        self.query_one("#card-activity", RowList).display = False
        self.query_one("#card-head", Static).update(Text(_("Ready for the next member"), style="bold"))
        self._fill()

    def _fill(self) -> None:
        if self.card is not None:
            lines = _holdings(self.card, self._currency)
        else:
            lines = [] if self._standing is None else _day(self._standing, self._currency)
        self.holdings.show(self._broken(lines), cursor=self.holdings.cursor)

    def _broken(self, lines: Sequence[Holding]) -> list[Holding]:
        """Long words go on in the next line: nothing of what is due is cut."""
        amounts = max((cell_len(line.shown) for line in lines), default=0)
        room = max(20, self.holdings.size.width - HOLDINGS[0].width - amounts - 6)
        found = []
        for line in lines:
            first, *rest = wrap(neat(line.what), room) or [""]
            found.append(replace(line, what=first))
            found += [Holding("", more, "", line.opens) for more in rest]
        return found

    def on_resize(self) -> None:
        if self.is_mounted:
            self._fill()

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        if event.rows is self.holdings:
            event.stop()
            if event.item.opens:
                self.post_message(self.Opened(event.item.opens))

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
    table.add_row(Text(" · ".join(facts), style="dim"), Text(_mark(report), style="bold reverse"))
    if card.own:
        table.add_row(Text(_("This is your own account: a colleague has to serve it."), style="bold reverse"), "")
    return table


def _mark(report: Report) -> str:
    """What whoever serves them must see at once."""
    if report.died_on is not None:
        return _("DIED {day}").format(day=short_date(report.died_on))
    if report.status != "active":
        return _("HAS LEFT")
    if report.lost_since is not None:
        return _("CONTACT LOST {day}").format(day=short_date(report.lost_since))
    return ""


def _holdings(card: Card, currency: str) -> list[Holding]:
    report = card.report
    parts: list[tuple[str, list[Holding]]] = [
        (_("Savings"), [_savings_line(line, currency) for line in card.savings]),
        (_("Shares"), [_shares_line(report.member, line, currency) for line in report.shares]),
        (_("Loans"), [row for line in card.loans for row in _loan_lines(line, currency)]),
    ]
    if card.equity:
        owned = [Holding("", what, shown, ("equity", report.member)) for what, shown in card.equity]
        parts.insert(2, (_("Equity"), owned))
    if report.owners:
        parts.append((_("With them"), [_owner_line(each) for each in report.owners]))
    if report.unapplied:
        ahead = Holding("", _("unapplied money, kept for them"), amount(report.unapplied, currency))
        parts.append((_("Ahead"), [ahead]))
    if report.owing:
        opens = ("account", "GEN", f"791/{report.member}")
        parts.append((_("Owes"), [Holding("", _("returned items"), amount(-report.owing, currency), opens)]))
    if report.waiting:
        waits = _("{requests} for a second person").format(requests=", ".join(report.waiting))
        parts.append((_("Waits"), [Holding("", waits, "", ("place", "waiting"))]))
    return [
        replace(line, heading=heading if place == 0 else "")
        for heading, lines in parts
        for place, line in enumerate(lines or [Holding("", _("none"))])
    ]


def _owner_line(owner: CardOwner) -> Holding:
    said = [owner.ref, _(ROLE_WORDS[owner.role]), owner.name, owner.member or ""]
    account = f"S-{owner.account}" if owner.account else ""
    return Holding("", "  ".join(part for part in (*said, account) if part))


def _savings_line(line: CardSavings, currency: str) -> Holding:
    said = _("{available} available").format(available=amount(line.available, currency))
    if line.held:
        said = _("{held} held, ").format(held=amount(line.held, currency)) + said
    return Holding("", f"{line.ref}  {said}", amount(line.balance, currency), ("account", "GEN", f"905/{line.account}"))


def _shares_line(member: str, line: CardShares, currency: str) -> Holding:
    towards = f"875/{member}" if line.share_class == "901" else f"875/{member}.{line.share_class}"
    code = f"{line.share_class}/{member}" if line.paid_up else towards
    said = f"{line.title}  {line.words}" if line.paid_up else line.words
    return Holding("", said, amount(line.amount, currency), ("account", "GEN", code))


def _loan_lines(line: CardLoan, currency: str) -> Iterable[Holding]:
    opens = ("loan", line.ref)
    yield Holding(
        "", f"{line.ref}  {line.purpose}", amount(line.payoff, currency) if line.state != "granted" else "", opens
    )
    yield Holding("", due_words(line), "", opens)


def due_words(line: CardLoan) -> str:
    """What is due on a loan, in words; never by colour alone."""
    return f"{_('OVERDUE')}: {line.words}" if line.days_late else line.words


def backup_words(backup: LastBackup) -> str:
    """That it is time for another backup, and how."""
    if backup.on is None:
        return _("! never: type coopbank backup")
    return _("! {days} days ago: type coopbank backup").format(days=backup.days)


def _day(standing: Standing, currency: str) -> list[Holding]:
    lines: list[tuple[str, str, tuple[str, ...]]] = []
    if standing.day_open and standing.business_date is not None:
        lines.append((_("Entries today"), str(standing.entries_today), ("place", "journal")))
    if standing.mine is not None:
        drawer = ("account", "POOL", f"739/{standing.mine.ref}")
        through = _("{came} in, {went} out").format(
            came=amount(standing.cash_in, currency), went=amount(standing.cash_out, currency)
        )
        lines.append((_("Through your drawer"), through, drawer))
        lines.append((_("It should hold"), amount(standing.mine.holds, currency), drawer))
        if standing.mine.cheques:
            cheques = ("account", "POOL", f"735/{standing.mine.ref}")
            lines.append((_("Cheques in it"), amount(standing.mine.cheques, currency), cheques))
    lines.append((_("In the vault"), amount(standing.vault, currency), ("account", "POOL", "739/VAULT")))
    if standing.waiting:
        waits = _("{count} waiting: F9 shows them").format(count=standing.waiting)
        lines.append((_("For a second person"), waits, ("place", "waiting")))
    if standing.backup is not None and standing.backup.old:
        lines.append((_("Last backup"), backup_words(standing.backup), ("place", "day")))
    for each in standing.told:
        lines.append((_("Your sign-in"), f"! {neat(each)}", ("place", "people")))
    if standing.lack_codes:
        lines.append((_("No one-time code"), f"! {', '.join(map(neat, standing.lack_codes))}", ("place", "people")))
    head = f"{standing.head_number}  {standing.head_hash}"
    lines.append((_("Head of the chain"), head, ("operation", str(standing.head_number))))
    wide = max(len(label) for label, _what, _opens in lines) + 2
    return [Holding("", f"{label:<{wide}}{what}", "", opens) for label, what, opens in lines]
