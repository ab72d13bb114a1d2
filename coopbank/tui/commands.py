"""The palette: every place, every operation that the actor may do, and what the member who is served owes and owns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from coopbank.tui.places import PLACES
from coopbank.tui.show import neat
from coopbank.words import _, translate

if TYPE_CHECKING:
    from coopbank.tui.app import Counter


@dataclass(frozen=True, slots=True)
class _Command:
    title: str
    says: str | None  # plain words of ours: the palette reads it as markup
    run: Callable[[], object]


class CounterCommands(Provider):
    """Places, loans and operations as commands."""

    async def discover(self) -> Hits:
        for each in self._commands():
            yield DiscoveryHit(Content(each.title), each.run, text=each.title, help=each.says)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for each in self._commands():
            score = matcher.match(each.title)
            if score > 0:
                shown = matcher.highlight(each.title) if each.says else Content(each.title)
                yield Hit(score, shown, each.run, text=each.title, help=each.says)

    def _commands(self) -> Iterator[_Command]:
        counter = cast("Counter", self.app)
        if counter.opened is None or not (counter.opened.actor.user or counter.opened.read_only):
            return
        yield from self._loans(counter)
        if any(hasattr(screen, "dirty") for screen in counter.screen_stack):
            return  # a form is open: nothing is begun on top of it
        if counter.at_home:
            for place in PLACES:
                if place.offered(counter.opened):
                    go = partial(counter.action_go_to, place.name)
                    yield _Command(translate(place.title), translate(place.says), go)
        for power in counter.opened.powers:
            yield _Command(power.title, power.says, partial(counter.do_operation, power.name))

    def _loans(self, counter: Counter) -> Iterator[_Command]:
        """Equity and loans of the card that is shown. Names stand in the title, which is never read as markup."""
        from coopbank.tui.screens.home import FindScreen

        card = self.screen.card if isinstance(self.screen, FindScreen) else None
        if card is not None:
            title = f"{_('What {member} owns').format(member=card.member)}  {neat(card.name)}"
            yield _Command(title, None, partial(counter.open_equity, card.member))
        for loan in card.loans if card is not None else ():
            title = f"{_('Look at loan {loan}').format(loan=loan.ref)}  {neat(loan.purpose)}"
            yield _Command(title, None, partial(counter.open_loan, loan.ref))
