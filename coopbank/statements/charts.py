"""Charts: a balance as it went, and amounts side by side. Each is a figure with words for who cannot see it.

They show and prove nothing: the figures stand in a table or a sentence beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from reportlab.lib.colors import Color, white
from reportlab.lib.units import mm

from coopbank.money import currency as currency_of
from coopbank.statements.parts import Parts
from coopbank.statements.sheet import INK, QUIET, RULE
from coopbank.statements.tagged import TaggedCanvas, TaggedFigure
from coopbank.statements.typeface import REGULAR, fitted, readable, width


@dataclass(frozen=True)
class Series:
    """Amounts of one kind, minor units, one for each place on the axis."""

    name: str
    amounts: tuple[int, ...]


def _steps(lowest: int, highest: int) -> list[int]:
    """Three to six round amounts that reach from the lowest to the highest."""
    span = max(highest - lowest, 1)
    unit = 1
    while span / unit > 5:
        unit *= 2 if str(unit)[0] in "15" else 1
        unit = unit * 5 // 2 if str(unit)[0] == "2" and span / unit > 5 else unit
    first = -(-lowest // unit) - 1 if lowest < 0 else lowest // unit
    last = -(-highest // unit)
    return [unit * n for n in range(min(first, 0), max(last, 1) + 1)]


class _Chart(TaggedFigure):
    """What both charts share: the frame, the scale of amounts, the letters."""

    def __init__(self, parts: Parts, currency: str, alternate: str, amounts: Sequence[int]) -> None:
        super().__init__(alternate)
        self.size = parts.sheet.points("foot")
        self.accent = parts.sheet.accent
        self.width = parts.sheet.room
        self.height = (70 if parts.sheet.large else 46) * mm
        self._per = currency_of(currency).minor_per_major
        self._ticks = _steps(min((0, *amounts)), max((1, *amounts)))
        self._left = max(width(self._told(tick), self.size) for tick in self._ticks) + 2 * mm
        self._low = self.size * 1.9

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        return self.width, self.height + 2 * mm

    def _told(self, minor: int) -> str:
        whole = minor / self._per
        return (f"{whole:,.0f}" if whole == int(whole) else f"{whole:,.2f}").replace("-", "\u2212")

    def _y(self, minor: int) -> float:
        low, high = self._ticks[0], self._ticks[-1]
        return self._low + (self.height - self._low - self.size * 2) * (minor - low) / (high - low)

    def _scale(self, canvas: TaggedCanvas) -> None:
        canvas.setFont(REGULAR, self.size)
        for tick in self._ticks:
            canvas.setStrokeColor(QUIET if tick == 0 else RULE)
            canvas.setLineWidth(0.7 if tick == 0 else 0.35)
            canvas.line(self._left, self._y(tick), self.width, self._y(tick))
            canvas.setFillColor(QUIET)
            canvas.drawRightString(self._left - 1.5 * mm, self._y(tick) - self.size * 0.35, self._told(tick))


class BalanceChart(_Chart):
    """A balance from day to day: it stays until it moves."""

    def __init__(
        self, parts: Parts, points: Sequence[tuple[date, int]], names: tuple[str, str], currency: str, alternate: str
    ) -> None:
        super().__init__(parts, currency, alternate, [minor for _day, minor in points])
        self._points = list(points)
        self._names = names

    def paint(self, canvas: TaggedCanvas) -> None:
        self._scale(canvas)
        first, last = self._points[0][0], self._points[-1][0]
        days, room = max((last - first).days, 1), self.width - self._left
        spots = [(self._left + room * (day - first).days / days, self._y(minor)) for day, minor in self._points]
        line, area = canvas.beginPath(), canvas.beginPath()
        line.moveTo(*spots[0])
        area.moveTo(spots[0][0], self._y(0))
        area.lineTo(*spots[0])
        for (_x, before), (x, y) in pairwise(spots):
            for path in (line, area):
                path.lineTo(x, before)
                path.lineTo(x, y)
        area.lineTo(spots[-1][0], self._y(0))
        area.close()
        canvas.setFillColor(_tint(self.accent, 0.86))
        canvas.drawPath(area, stroke=0, fill=1)
        canvas.setStrokeColor(self.accent)
        canvas.setLineWidth(1.4)
        canvas.drawPath(line, stroke=1, fill=0)
        canvas.setFillColor(QUIET)
        canvas.drawString(self._left, 0.5 * mm, readable(self._names[0]))
        canvas.drawRightString(self.width, 0.5 * mm, readable(self._names[1]))


class BarChart(_Chart):
    """Amounts of one or more kinds, side by side at each place."""

    def __init__(
        self, parts: Parts, places: Sequence[str], series: Sequence[Series], currency: str, alternate: str
    ) -> None:
        super().__init__(parts, currency, alternate, [minor for each in series for minor in each.amounts])
        self._places = list(places)
        self._series = list(series)

    def paint(self, canvas: TaggedCanvas) -> None:
        self._scale(canvas)
        colours = [_tint(self.accent, share) for share in (0, 0.45, 0.75)]
        step = (self.width - self._left) / len(self._places)
        bar = step * 0.72 / len(self._series)
        told = every(self._places, step, self.size)
        for n, place in enumerate(self._places):
            start = self._left + n * step + step * 0.14
            for k, each in enumerate(self._series):
                canvas.setFillColor(colours[k % 3])
                low, high = sorted((self._y(0), self._y(each.amounts[n])))
                canvas.rect(start + k * bar, low, bar * 0.92, high - low, stroke=0, fill=1)
            if n % told == 0:
                canvas.setFillColor(QUIET)
                canvas.setFont(REGULAR, self.size)
                canvas.drawCentredString(start + step * 0.36, 0.5 * mm, fitted(place, self.size, step * told * 0.98))
        self._legend(canvas, colours)

    def _legend(self, canvas: TaggedCanvas, colours: Sequence[Color]) -> None:
        left, base = self._left, self.height - self.size
        for k, each in enumerate(self._series):
            canvas.setFillColor(colours[k % 3])
            canvas.rect(left, base, self.size * 0.75, self.size * 0.75, stroke=0, fill=1)
            canvas.setFillColor(INK)
            name = readable(each.name)
            canvas.drawString(left + self.size, base, name)
            left += self.size * 2.4 + width(name, self.size)


def every(places: Sequence[str], step: float, size: float) -> int:
    """Which places are told so that none is cut: each, every second, third or fourth; each where that is no help."""
    widest = max(width(readable(place), size) for place in places)
    return next((n for n in (1, 2, 3, 4) if widest <= step * n * 0.98 and n * 2 <= len(places)), 1)


def _tint(colour: Color, share: float) -> Color:
    """The colour, so much lighter: 0 as it is, 1 white."""
    return Color(*(c + (w - c) * share for c, w in zip(colour.rgb(), white.rgb(), strict=True)))
