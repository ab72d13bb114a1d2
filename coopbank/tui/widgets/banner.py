"""The line on top of every screen: whose bank, live or practice, which day, who, which drawer."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from coopbank.tui.show import amount, cut, day_row, day_short, neat
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.tui.app import Counter
    from coopbank.tui.queries import Standing


class Banner(Widget):
    """One line; the name of the institution gives way when it is narrow."""

    def __init__(self, *, blind: bool = False) -> None:
        super().__init__()
        self._blind = blind  # while somebody counts, what the drawer should hold is not shown

    def on_mount(self) -> None:
        cast("Counter", self.app).stands.subscribe(self, self._stood)

    def _stood(self, _standing: Standing) -> None:
        self.refresh()

    def render(self) -> Content:
        counter = cast("Counter", self.app)
        if counter.opened is None:
            return Content(" coopbank")
        session, standing = counter.session, counter.standing
        mark, style = (_(" PRACTICE "), "banner-practice") if session.practice else (_(" LIVE "), "banner-live")
        if session.read_only:
            mark, style = _(" READ-ONLY "), "banner-practice"
        facts = f" {self._facts(standing)} "
        room = self.size.width - cell_len(mark) - cell_len(facts) - 3
        name = neat(session.welcome.institution)
        name = name if cell_len(name) <= room else cut(name, max(0, room)).rstrip()
        gap = " " * max(1, room - cell_len(name) + 1)
        return Content.assemble(
            (f" {name} ", "bold"), (mark, self._style(style)), gap, (facts, ""),
        )  # fmt: skip

    def _style(self, name: str) -> str:
        return "bold reverse" if name == "banner-practice" else "bold"

    def _facts(self, standing: Standing | None) -> str:
        session = cast("Counter", self.app).session
        facts = []
        if standing is not None:
            facts.append(self._day(standing))
        if session.actor.user:
            facts.append(neat(session.actor.user))
        if standing is not None and standing.mine is not None:
            held = "…" if self._blind else amount(standing.mine.holds, session.currency)
            drawer = f"{neat(standing.mine.ref)} {held}"
            facts.append(drawer if self._narrow else f"{_('Drawer')} {drawer}")
        elif standing is not None and not session.read_only:
            facts.append(_("no drawer"))
        return " · ".join(facts)

    def _day(self, standing: Standing) -> str:
        day = standing.business_date
        if day is None or not standing.day_open:
            return _("day closed") if standing.today_closed else _("day not open")
        return day_row(day) if self._narrow else day_short(day)

    @property
    def _narrow(self) -> bool:
        return self.size.width < 100
