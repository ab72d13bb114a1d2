"""Principal owed and interest paid over the life of a loan, drawn with plain characters.

Two charts over one line of days. What was is solid, what is to come is hatched, and the
figures stand beside them: nothing is told by colour alone. Heights are whole eighths of a
line, by whole numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from coopbank.tui.show import amount, right
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.tui.foresight import Point
    from coopbank.tui.loans import Picture

_EIGHTHS: Final = " ▁▂▃▄▅▆▇█"
_HATCHED: Final = "░"
_LEAST: Final = (24, 8)  # columns and lines without which nothing is drawn


@dataclass(frozen=True, slots=True)
class Bar:
    """A column of a chart: its value, and whether its days are still to come."""

    value: int
    ahead: bool


def bars(picture: Picture, value: Callable[[Point], int], width: int) -> list[Bar]:
    """What stood at the end of each of so many equal stretches of days."""
    points = [*picture.past, *picture.ahead]
    start, end = points[0].on, max(points[-1].on, points[0].on + timedelta(days=1))
    days, found, place = (end - start).days, [], 0
    for column in range(width):
        until = start + timedelta(days=days * (column + 1) // width)
        while place + 1 < len(points) and points[place + 1].on <= until:
            place += 1
        found.append(Bar(value(points[place]), until > picture.today))
    return found


def drawn(columns: Sequence[Bar], top: int, height: int) -> list[str]:
    """The columns as lines of text, the uppermost first; a value that is not nothing is always seen."""
    heights = [0 if top <= 0 or bar.value <= 0 else max(1, bar.value * 8 * height // top) for bar in columns]
    lines = []
    for floor in range((height - 1) * 8, -1, -8):
        cells = []
        for bar, eighths in zip(columns, heights, strict=True):
            part = max(0, min(8, eighths - floor))
            if bar.ahead and part:
                cells.append(_HATCHED if part > 4 or floor == 0 else " ")
            else:
                cells.append(_EIGHTHS[part])
        lines.append("".join(cells))
    return lines


class LoanChart(Widget):
    """The picture of a loan."""

    DEFAULT_CSS = "LoanChart { height: 1fr; width: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._picture: Picture | None = None

    def draw(self, picture: Picture) -> None:
        """Draw that."""
        self._picture = picture
        self.refresh()

    def render(self) -> Content:
        picture = self._picture
        width, height = self.content_size
        if picture is None or width < _LEAST[0] or height < _LEAST[1]:
            return Content("")
        if not picture.past:
            return Content(_("Nothing is paid out yet."))
        return Content("\n").join(self._lines(picture, width, height))

    def _lines(self, picture: Picture, width: int, height: int) -> list[Content]:
        points = [*picture.past, *picture.ahead]
        most = max(point.principal for point in points)
        cost = max(point.interest for point in points)
        edge = max(cell_len(amount(each, picture.currency)) for each in (most, cost)) + 1
        room, left = width - edge - 1, height - 4
        upper = left - left // 3
        found = [self._heading(picture)]
        found += self._chart(bars(picture, lambda point: point.principal, room), most, upper, edge)
        found.append(self._costs(picture))
        found += self._chart(bars(picture, lambda point: point.interest, room), cost, left - upper, edge)
        return [*found, self._days(points, edge, room), self._legend(picture)]

    def _chart(self, columns: list[Bar], top: int, height: int, edge: int) -> list[Content]:
        assert self._picture is not None, "drawn only where there is one"
        labels = [amount(top, self._picture.currency), *[""] * (height - 2), "0"][:height]
        return [
            Content.assemble((right(label, edge), "dim"), ("│", "dim"), (line, "$primary"))
            for label, line in zip(labels, drawn(columns, top, height), strict=True)
        ]

    def _heading(self, picture: Picture) -> Content:
        now = amount(picture.past[-1].principal, picture.currency)
        return Content.assemble((_("Principal owed"), "bold"), f"  {_('now {amount}').format(amount=now)}")

    def _costs(self, picture: Picture) -> Content:
        paid = picture.past[-1].interest
        said = _("so far {amount}").format(amount=amount(paid, picture.currency))
        if picture.ahead:
            more = amount(picture.ahead[-1].interest - paid, picture.currency)
            said = _("{so_far}, {more} to come").format(so_far=said, more=more)
        title = _("Cost paid, all together") if picture.cost else _("Interest paid, all together")
        return Content.assemble((title, "bold"), f"  {said}")

    def _days(self, points: Sequence[Point], edge: int, room: int) -> Content:
        first, last = points[0].on.isoformat(), points[-1].on.isoformat()
        gap = max(1, room - len(first) - len(last))
        line = f"{first}{self._today(gap, room)}{last}"
        return Content.assemble((" " * (edge + 1) + line, "dim"))

    def _today(self, gap: int, room: int) -> str:
        """Between the first day and the last: where today is, if there is room to say so."""
        assert self._picture is not None, "drawn only where there is one"
        picture = self._picture
        if not picture.ahead:
            return " " * gap
        start, end = picture.past[0].on, picture.ahead[-1].on
        place = room * (picture.today - start).days // max(1, (end - start).days)
        words = f"▲ {picture.today.isoformat()}"
        before = place - (room - gap) // 2
        if before < 1 or before + len(words) >= gap:
            return " " * gap
        return f"{' ' * before}{words}{' ' * (gap - before - len(words))}"

    def _legend(self, picture: Picture) -> Content:
        told = [f"█ {_('so far')}"]
        if picture.ahead:
            told.append(f"{_HATCHED} {_('to come, if every payment is made on its day')}")
        elif picture.note:
            told.append(picture.note)
        return Content.styled("   ".join(told), "dim")
