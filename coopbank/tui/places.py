"""Where one can go at the counter: the screens that are no operation, by name.

One table, read by the palette (Ctrl+P), by the list of everything (F10) and by `Counter.go_to`. A screen
is loaded when somebody goes there, so that none costs anything at the start.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from coopbank.words import marked

if TYPE_CHECKING:
    from textual.screen import Screen

    from coopbank.tui.session import Session


def everybody(_session: Session) -> bool:
    """Whoever stands at the counter may look."""
    return True


def staff(session: Session) -> bool:
    """Somebody who is signed in: in books that are only read there is nobody."""
    return bool(session.actor.user)


@dataclass(frozen=True, slots=True)
class Place:
    """A screen to go to: `screen` is `module:Class` below coopbank.tui.screens, made without arguments."""

    name: str
    title: str
    says: str
    screen: str
    offered: Callable[[Session], bool] = everybody

    def make(self) -> Screen[Any]:
        """The screen, newly made."""
        module, _colon, cls = self.screen.partition(":")
        made: Screen[Any] = getattr(import_module(f"coopbank.tui.screens.{module}"), cls)()
        return made


PLACES: Final = (
    Place("day", marked("The day"), marked("Open and close the day and your drawer, count, move cash"),
          "day:DayScreen", staff),
    Place("journal", marked("Journal"), marked("Every entry, the newest on top"), "journal:JournalScreen"),
    Place("accounts", marked("Accounts"), marked("Every account with its balance, down to the entry"),
          "accounts:AccountsScreen"),
    Place("portfolio", marked("Funds and loans"), marked("What each fund has, and how the loans stand"),
          "portfolio:PortfolioScreen"),
    Place("funds", marked("Funds at a glance"), marked("Ratios, cash for two years, what falls due, when we can lend"),
          "funds:FundsScreen"),
    Place("decisions", marked("Decisions"), marked("What is open and what it lacks, what was decided, who decides"),
          "decisions:DecisionsScreen"),
    Place("registers", marked("Registers"), marked("Their entries and versions, jobs, and borrowers who are linked"),
          "registers:RegistersScreen"),
    Place("waiting", marked("Waiting for a second person"), marked("Approve, refuse or take back what was asked for"),
          "waiting:WaitingScreen"),
    Place("statements", marked("Statements of a month"), marked("A PDF for every member"),
          "statements:StatementsScreen", staff),
    Place("documents", marked("Documents"), marked("Receipts, letters, a loan's papers, the books as PDF"),
          "documents:DocumentsScreen", staff),
    Place("people", marked("Who works here"), marked("Users, their roles, and what these may do"),
          "people:PeopleScreen"),
    Place("rules", marked("What the bank decided"), marked("Its own settings: limits, days, address"),
          "people:RulesScreen"),
    Place("requests", marked("Requests and approvals"), marked("Who asked for what, and who approved or refused it"),
          "audit:RequestsScreen"),
    Place("audit", marked("Audit desk"), marked("Prove the books, look at everything, export"), "audit:AuditScreen"),
    Place("glossary", marked("The words of the bank"), marked("What each of them means, in a sentence"),
          "glossary:GlossaryScreen"),
    Place("settings", marked("Settings"), marked("Language, colours, and when the counter locks itself"),
          "settings:SettingsScreen"),
)  # fmt: skip
"""In the order in which they are listed."""


def place(name: str) -> Place:
    """The place of that name."""
    return next(each for each in PLACES if each.name == name)
