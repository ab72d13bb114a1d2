"""Decisions: what is open and what it lacks, what was decided, meetings, bodies; one resolution, one secret ballot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.binding import BindingType

from coopbank.bank.voting import RESOLUTION
from coopbank.tui import decisions
from coopbank.tui.pages import Page
from coopbank.tui.screens.views import ACTS_KEY, OPEN_KEY, View, ViewsScreen, usual_keys, view_keys
from coopbank.tui.widgets.rows import Column
from coopbank.words import marked

if TYPE_CHECKING:
    from coopbank.tui.session import Session

_NUMBER: Final = Column(marked("Number"), 9)
_BODY: Final = Column(marked("Who decides"), 11)
_DAY: Final = Column(marked("Day"), 12)
ALL: Final = {
    "open": View(
        marked("To decide"),
        (_NUMBER, _BODY, Column(marked("Day"), 12, least_total=96), Column(marked("So far"), 10, flexible=True),
         Column(marked("Still missing"), 14, flexible=True),
         Column(marked("What"), 10, flexible=True, least_total=110)),
        marked("Nothing is to be decided."),
    ),
    "decided": View(
        marked("Decided"),
        (_NUMBER, _BODY, _DAY, Column(marked("Outcome"), 9), Column(marked("Up to"), 9, right=True),
         Column(marked("What"), 14, flexible=True)),
        marked("Nothing was decided yet."),
    ),
    "meetings": View(
        marked("Meetings"),
        (_NUMBER, _BODY, _DAY, Column("", 9), Column(marked("Roll"), 5, right=True),
         Column(marked("Quorum"), 6, right=True), Column(marked("Agenda"), 10, flexible=True)),
        marked("No meeting was called yet."),
    ),
    "bodies": View(
        marked("Who decides"),
        (Column(marked("Code"), 10), Column(marked("Name"), 16, flexible=True), Column(marked("Who"), 18),
         Column(marked("Seats"), 5, right=True), Column(marked("Quorum"), 20)),
        marked("No body was set up yet."),
    ),
}  # fmt: skip
_MEMBER: Final = Column(marked("Member"), 8)
_NAME: Final = Column(marked("Name"), 18, flexible=True)
ONE: Final = {
    "votes": View(
        marked("Votes"), (_MEMBER, _NAME, Column(marked("Vote"), 12), Column(marked("Why"), 14, flexible=True)),
        marked("No vote was recorded by name."),
    ),
    "yet": View(
        marked("Not yet"), (_MEMBER, _NAME, Column("", 20, flexible=True)),
        marked("Nobody is listed: all have voted, or it is an assembly of all members."),
    ),
    "uses": View(
        marked("Done under it"),
        (Column(marked("Operation"), 10), Column(marked("What"), 20, flexible=True),
         Column(marked("Amount"), 12, right=True)),
        marked("Nothing was done under it."),
    ),
}  # fmt: skip
BALLOT: Final = {
    "options": View(
        marked("Options"),
        (Column(marked("Code"), 12), Column("", 18, flexible=True), Column(marked("Asks for"), 11, right=True),
         Column(marked("Approvals"), 9, right=True), Column(marked("Gets"), 11, right=True)),
        marked("It has no options."),
    ),
    "voters": View(
        marked("Who was given a ballot"), (_MEMBER, _NAME), marked("No ballot was given out yet."),
    ),
}  # fmt: skip


class DecisionsScreen(ViewsScreen):
    """All decisions."""

    HELP = marked("""# Decisions

**F3** what is open, with the votes so far and what it still lacks: notice, quorum, somebody with an interest who has
to stand back. **F4** what was decided, the newest first. **F6** meetings, **F8** who decides: the assembly and its
committees, with their seats, and what they have to decide first.

**Enter** opens a resolution with its votes, or a secret ballot. **F5** lists what can be done with the row, and opens
the form with what is known already: recording a vote, giving out ballots, closing a vote. Closing takes two people.""")
    VIEWS: ClassVar[Mapping[str, View]] = ALL
    BINDINGS: ClassVar[list[BindingType]] = [*view_keys(ALL), OPEN_KEY, ACTS_KEY, *usual_keys(days=False)]

    def question(self, day: date | None) -> Callable[[Session], Page]:
        return decisions.decisions_page

    def open_line(self, opens: Any) -> None:
        if isinstance(opens, str):
            self.app.push_screen(ResolutionScreen(opens) if RESOLUTION.fullmatch(opens) else PollScreen(opens))
        else:
            super().open_line(opens)


class ResolutionScreen(ViewsScreen):
    """One resolution."""

    HELP = marked("""# A resolution

**F3** who voted how, **F4** who has not voted yet, of a committee or a council, **F6** what was done under it; Enter
opens the operation. **F5** lists what can be done: record a vote, declare an interest, close the vote.

A vote that was typed wrong is recorded anew, with the reason. Who has an interest in the matter stands back.""")
    VIEWS: ClassVar[Mapping[str, View]] = ONE
    BINDINGS: ClassVar[list[BindingType]] = [*view_keys(ONE), OPEN_KEY, ACTS_KEY, *usual_keys(days=False)]

    def __init__(self, ref: str) -> None:
        super().__init__()
        self._ref = ref

    def question(self, day: date | None) -> Callable[[Session], Page]:
        ref = self._ref
        return lambda session: decisions.resolution_page(session, ref)


class PollScreen(ViewsScreen):
    """One secret ballot."""

    HELP = marked("""# A secret ballot

**F3** its options, in the order of the count once it was counted. **F4** who was given a ballot; what they voted
stands nowhere. **F5** lists what comes next: give out ballots, close it, type the box, declare the result.""")
    VIEWS: ClassVar[Mapping[str, View]] = BALLOT
    BINDINGS: ClassVar[list[BindingType]] = [*view_keys(BALLOT), OPEN_KEY, ACTS_KEY, *usual_keys(days=False)]

    def __init__(self, ref: str) -> None:
        super().__init__()
        self._ref = ref

    def question(self, day: date | None) -> Callable[[Session], Page]:
        ref = self._ref
        return lambda session: decisions.poll_page(session, ref)
