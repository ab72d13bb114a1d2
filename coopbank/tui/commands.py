"""The palette: every operation that the actor may do, by name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

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

    async def discover(self) -> Hits:
        for power in self._powers:
            yield DiscoveryHit(Content(power.title), self._command(power.name), text=power.title, help=power.says)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for power in self._powers:
            score = matcher.match(power.title)
            if score > 0:
                shown = matcher.highlight(power.title)
                yield Hit(score, shown, self._command(power.name), text=power.title, help=power.says)

    def _command(self, name: str) -> partial[None]:
        return partial(cast("Counter", self.app).do_operation, name)
