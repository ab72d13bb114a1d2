"""The palette: every operation that the actor may do, by name, and the loans of the member who is served."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from coopbank.tui.show import neat
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.tui.app import Counter
    from coopbank.tui.session import Power


class OperationCommands(Provider):
    """Operations as commands."""

    @property
    def _powers(self) -> tuple[Power, ...]:
        counter = cast("Counter", self.app)
        busy = any(hasattr(screen, "dirty") for screen in counter.screen_stack)
        return () if counter.opened is None or busy else counter.opened.powers

    @property
    def _loans(self) -> tuple[tuple[str, str], ...]:
        """Loans on the card that is shown, and what the palette calls them.

        The purpose is a part of that: the palette would read a help text as markup.
        """
        from coopbank.tui.screens.home import FindScreen

        card = self.screen.card if isinstance(self.screen, FindScreen) else None
        if card is None:
            return ()
        called = _("Look at loan {loan}")
        return tuple((loan.ref, f"{called.format(loan=loan.ref)}  {neat(loan.purpose)}") for loan in card.loans)

    async def discover(self) -> Hits:
        for ref, title in self._loans:
            yield DiscoveryHit(Content(title), self._loan(ref), text=title)
        for power in self._powers:
            yield DiscoveryHit(Content(power.title), self._command(power.name), text=power.title, help=power.says)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for ref, title in self._loans:
            score = matcher.match(title)
            if score > 0:
                yield Hit(score, Content(title), self._loan(ref), text=title)
        for power in self._powers:
            score = matcher.match(power.title)
            if score > 0:
                shown = matcher.highlight(power.title)
                yield Hit(score, shown, self._command(power.name), text=power.title, help=power.says)

    def _command(self, name: str) -> partial[None]:
        return partial(cast("Counter", self.app).do_operation, name)

    def _loan(self, ref: str) -> partial[None]:
        return partial(cast("Counter", self.app).open_loan, ref)
