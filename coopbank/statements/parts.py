"""The parts that documents are made of: text, notices, tiles of key figures, facts, signatures, the seal.

A part draws what it is given and reckons nothing. Figures arrive as texts (`amount`), so that what
stands on the paper is what the report said. `Parts` makes them at the size of one sheet; tables stand in
tables.py, charts in charts.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import BytesIO
from itertools import groupby
from typing import Any, cast

import segno
from PIL import Image
from reportlab.lib.colors import Color, white
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.platypus import CondPageBreak, Flowable, KeepTogether, Spacer

from coopbank.money import format_amount
from coopbank.statements.sheet import INK, QUIET, RULE, SHADE, Role, Sheet
from coopbank.statements.tagged import Tag, TaggedCanvas, TaggedFigure, TaggedParagraph, fragments
from coopbank.statements.typeface import (
    BOLD,
    REGULAR,
    brief,
    lines_markup,
    readable,
    register,
    simple,
    spoken,
    width,
)

GAP = 8 * mm
_MASK = 3
"""One pattern for all square codes: looking for the best of eight takes longer than the rest of a page."""
MOST_LINES = 12
"""Lines of a block or of a notice; what is more is counted in its last."""


def amount(minor: int, currency: str) -> str:
    """An amount as it stands in a table: with thousands, and a minus that can be heard and seen."""
    return format_amount(minor, currency, grouping=True).replace("-", "\u2212")


def amount_or_blank(minor: int, currency: str) -> str:
    """The same; nothing where nothing moved."""
    return amount(minor, currency) if minor else ""


class Parts:
    """The parts of documents at the size of a sheet."""

    def __init__(self, sheet: Sheet) -> None:
        register()
        self.sheet = sheet

    # ----------------------------------------------------------------------- text

    def style(
        self, role: Role = "body", *, bold: bool = False, colour: Any = INK, before: float = 0, after: float = 0
    ) -> ParagraphStyle:
        """A style of the documents' own fonts."""
        size = self.sheet.points(role)
        return ParagraphStyle(
            name="", fontName=BOLD if bold else REGULAR, fontSize=size, leading=size * self.sheet.leading,
            textColor=colour, alignment=TA_LEFT, spaceBefore=before, spaceAfter=after, splitLongWords=1,
        )  # fmt: skip

    def tagged(self, text: str, style: ParagraphStyle, tag: Tag = "P") -> TaggedParagraph:
        """Text of one or several lines, as an element of the document."""
        if simple(text):
            return TaggedParagraph(None, style, tag, frags=fragments(" ".join(text.split()), style))
        return TaggedParagraph(lines_markup(_some_lines(text), links=True), style, tag, spoken(text))

    def paragraph(
        self, text: str, *, role: Role = "body", bold: bool = False, colour: Any = INK, after: float = 1.6 * mm
    ) -> Flowable:
        """A paragraph of plain text; whatever is in it, it is text."""
        return self.tagged(text, self.style(role, bold=bold, colour=colour, after=after))

    def quiet(self, text: str, *, after: float = 1.6 * mm) -> Flowable:
        """A paragraph that stands back."""
        return self.paragraph(text, colour=QUIET, after=after)

    def small(self, text: str) -> Flowable:
        """Small print; still large enough to be read."""
        return self.paragraph(text, role="small", colour=QUIET)

    def title(self, text: str) -> Flowable:
        """The title of the document."""
        return self.tagged(text, self.style("title", bold=True, colour=self.sheet.accent, after=0.6 * mm), "H1")

    def heading(self, text: str, *, keep: float = 40 * mm) -> list[Flowable]:
        """A heading, moved to the next page if less than `keep` is left under it."""
        style = self.style("heading", bold=True, colour=self.sheet.accent, before=4.2 * mm, after=1.3 * mm)
        return [CondPageBreak(keep * (1.6 if self.sheet.large else 1)), self.tagged(text, style, "H2")]

    def bullets(self, items: Sequence[str]) -> list[Flowable]:
        """A list of sentences."""
        run = ListRun(len(items))
        return [Item(self.tagged(text, self.style(after=0.9 * mm)), run) for text in items]

    # ---------------------------------------------------------------------- blocks

    def letterhead(self, words: str = "") -> Flowable:
        """Who writes: logo, name, how to reach them."""
        brand = self.sheet.brand
        told: list[Flowable] = [self.paragraph(brief(brand.name), bold=True, colour=INK, after=0)]
        if brand.contact or words:
            told.append(self.paragraph(brief(brand.contact or words), role="small", colour=QUIET, after=0))
        if brand.logo is None:
            return Beside([told], [self.sheet.room])
        high = 13 * mm * (1.5 if self.sheet.large else 1)
        logo = Logo(brand.logo, high, brand.name)
        return Beside([[logo], told], [logo.width, self.sheet.room - logo.width - 5 * mm], gap=5 * mm)

    def beside(self, left: Sequence[Flowable], right: Sequence[Flowable]) -> Flowable:
        """Two columns, read left then right; one above the other in large print."""
        if self.sheet.large:
            return Beside([[*left, *right]], [self.sheet.room])
        half = (self.sheet.room - GAP) / 2
        return Beside([list(left), list(right)], [half, half])

    def notice(self, head: str, lines: Sequence[str]) -> Flowable:
        """Beside a thick rule: what must not be overlooked."""
        few = list(lines[:MOST_LINES])
        if len(lines) > MOST_LINES:
            few[-1] = f"… (+{len(lines) - MOST_LINES + 1})"
        style = self.style(after=0.4 * mm)
        parts = [self.paragraph(head, bold=True, after=0.4 * mm), *(self.tagged(brief(line), style) for line in few)]
        return Notice(parts, self.sheet.accent)

    def tiles(self, items: Sequence[tuple[str, str] | tuple[str, str, str]]) -> Flowable:
        """The figures that matter most, each in a field of its own: label, figure and a note under it."""
        return Tiles(self, [tuple(brief(text) for text in (*item, "")[:3]) for item in items])

    def facts(self, pairs: Iterable[tuple[str, str]]) -> list[Flowable]:
        """Labels and what they say, a line each; pairs with nothing to say are left out."""
        style = self.style(after=0.6 * mm)
        return [self.tagged(brief(f"{label}: {value}"), style) for label, value in pairs if value]

    def signatures(self, who: Sequence[str], day: str) -> Flowable:
        """Lines to sign on, each with the name of who signs and room for the day."""
        lines = [SignatureLine(self, brief(name), day) for name in who]
        return KeepTogether([Spacer(1, 10 * mm), *lines])

    def seal(self, head: str, sentences: Sequence[str], spoken_code: str) -> Flowable:
        """The square code and how to check the document with it."""
        side = 24 * mm * (1.35 if self.sheet.large else 1)
        told = [self.paragraph(head, bold=True, after=0.6 * mm)]
        told += [self.paragraph(text, role="small", colour=QUIET, after=0.6 * mm) for text in sentences]
        code = SquareCode(self.sheet.stamp.code, side, spoken_code)
        if self.sheet.large:
            return KeepTogether([*told, code])
        return Beside([[code], told], [side, self.sheet.room - side - 5 * mm], gap=5 * mm)


def _some_lines(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return text if len(lines) <= MOST_LINES else "\n".join([*lines[: MOST_LINES - 1], "…"])


# -------------------------------------------------------------------------------- layout


class Beside(Flowable):
    """Columns of parts, read column by column."""

    def __init__(self, columns: Sequence[Sequence[Flowable]], widths: Sequence[float], gap: float = GAP) -> None:
        super().__init__()
        self._columns = [list(column) for column in columns]
        self._widths = list(widths)
        self._gap = gap

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """As high as the highest column."""
        self._heights = [
            [part.wrap(wide, available_height)[1] + part.getSpaceAfter() for part in column]
            for column, wide in zip(self._columns, self._widths, strict=True)
        ]
        self.width, self.height = available_width, max(sum(heights) for heights in self._heights)
        return self.width, self.height

    def draw(self) -> None:
        left = 0.0
        for column, heights, wide in zip(self._columns, self._heights, self._widths, strict=True):
            top = self.height
            for part, height in zip(column, heights, strict=True):
                top -= height
                part.drawOn(self.canv, left, top + part.getSpaceAfter())
            left += wide + self._gap


class Notice(Flowable):
    """Paragraphs beside a thick rule, on a light ground."""

    def __init__(self, parts: Sequence[Flowable], colour: Color) -> None:
        super().__init__()
        self._parts = list(parts)
        self._colour = colour

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """As wide as there is room."""
        inner = available_width - 8 * mm
        self._heights = [p.wrap(inner, available_height)[1] + p.getSpaceAfter() for p in self._parts]
        self.width, self.height = available_width, sum(self._heights) + 6.5 * mm
        return self.width, self.height

    def split(self, available_width: float, available_height: float) -> list[Flowable]:
        """What fits, and the rest on another page; nothing if not even its head and a line fit."""
        self.wrap(available_width, available_height)
        room, fits = available_height - 6.5 * mm, 0
        while fits < len(self._parts) and self._heights[fits] <= room:
            room -= self._heights[fits]
            fits += 1
        if fits < 2 or fits == len(self._parts):
            return []
        return [Notice(self._parts[:fits], self._colour), Notice(self._parts[fits:], self._colour)]

    def draw(self) -> None:
        canvas = cast("TaggedCanvas", self.canv)
        canvas.begin_artifact()
        canvas.setFillColor(SHADE)
        canvas.rect(0, 2.5 * mm, self.width, self.height - 2.5 * mm, stroke=0, fill=1)
        canvas.setFillColor(self._colour)
        canvas.rect(0, 2.5 * mm, 1.2 * mm, self.height - 2.5 * mm, stroke=0, fill=1)
        canvas.end()
        top = self.height - 1.8 * mm
        for part, height in zip(self._parts, self._heights, strict=True):
            top -= height
            part.drawOn(canvas, 4.5 * mm, top + part.getSpaceAfter())


class Tiles(Flowable):
    """Key figures side by side; one under the other in large print."""

    def __init__(self, parts: Parts, items: Sequence[Sequence[str]]) -> None:
        super().__init__()
        self._large = parts.sheet.large
        self._accent = parts.sheet.accent
        self._gap = 3.5 * mm
        columns = 1 if self._large else len(items)
        self._wide = (parts.sheet.room - self._gap * (columns - 1)) / columns
        self._tiles = [self._made(parts, *item) for item in items]

    def _made(self, parts: Parts, label: str, value: str, note: str) -> list[Flowable]:
        style = parts.style("figure", bold=True, colour=parts.sheet.accent, after=0)
        safe, room = readable(value), self._wide - 7 * mm
        while style.fontSize > parts.sheet.points("body") and width(safe, style.fontSize, bold=True) > room:
            style.fontSize -= 0.5
        made = [parts.paragraph(label, role="small", colour=QUIET, after=0), parts.tagged(value, style)]
        return [*made, parts.paragraph(note, role="small", colour=QUIET, after=0)] if note else made

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """As high as the highest tile, or as all of them."""
        inner = self._wide - 7 * mm
        self._parts_high = [[part.wrap(inner, available_height)[1] for part in tile] for tile in self._tiles]
        self._high = [sum(heights) + 5 * mm for heights in self._parts_high]
        tall = sum(self._high) + self._gap * (len(self._high) - 1) if self._large else max(self._high)
        self.width, self.height = available_width, tall + 3 * mm
        return self.width, self.height

    def draw(self) -> None:
        canvas, highest = cast("TaggedCanvas", self.canv), max(self._high)
        left, top = 0.0, self.height
        for tile, heights, high in zip(self._tiles, self._parts_high, self._high, strict=True):
            tall = high if self._large else highest
            canvas.begin_artifact()
            canvas.setFillColor(SHADE)
            canvas.roundRect(left, top - tall, self._wide, tall, 1.5 * mm, stroke=0, fill=1)
            canvas.end()
            below = top - 2.2 * mm
            for part, part_high in zip(tile, heights, strict=True):
                below -= part_high
                part.drawOn(canvas, left + 3.5 * mm, below)
            left, top = (left, top - tall - self._gap) if self._large else (left + self._wide + self._gap, top)


class ListRun:
    """A list that is being drawn, item by item."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.node: list[Any] = []


class Item(Flowable):
    """A sentence of a list; all items of one run are one list to a screen reader."""

    def __init__(self, body: TaggedParagraph, run: ListRun) -> None:
        super().__init__()
        self._body = body
        self._run = run

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """As high as its sentence."""
        high = self._body.wrap(available_width - 5 * mm, available_height)[1]
        self.width, self.height = available_width, high + self._body.getSpaceAfter()
        return self.width, self.height

    def draw(self) -> None:
        canvas = cast("TaggedCanvas", self.canv)
        if not self._run.node:
            self._run.node.append(canvas.tree.add("L"))
        canvas.tree.enter(self._run.node[0])
        canvas.tree.enter(canvas.tree.add("LI"))
        size = self._body.style.fontSize
        canvas.begin_artifact()
        canvas.setFillColor(QUIET)
        canvas.circle(1.8 * mm, self.height - size * 0.75, size * 0.13, stroke=0, fill=1)
        canvas.end()
        canvas.tree.enter(canvas.tree.add("LBody"))
        self._body.drawOn(canvas, 5 * mm, self._body.getSpaceAfter())
        for _level in range(3):
            canvas.tree.leave()


class SignatureLine(Flowable):
    """A line to sign on and one for the day."""

    def __init__(self, parts: Parts, name: str, day: str) -> None:
        super().__init__()
        self._room = parts.sheet.room
        self._name = parts.paragraph(name, role="small", colour=QUIET, after=0)
        self._day = parts.paragraph(day, role="small", colour=QUIET, after=0)

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """Room to write above the line."""
        self._left, self._right = self._room * 0.62, self._room * 0.32
        heights = [self._name.wrap(self._left, available_height)[1], self._day.wrap(self._right, available_height)[1]]
        self._low = max(heights)
        self.width, self.height = available_width, self._low + 13 * mm
        return self.width, self.height

    def draw(self) -> None:
        canvas, start = cast("TaggedCanvas", self.canv), self._room - self._right
        canvas.begin_artifact()
        canvas.setStrokeColor(INK)
        canvas.setLineWidth(0.6)
        canvas.line(0, self._low + 1 * mm, self._left, self._low + 1 * mm)
        canvas.line(start, self._low + 1 * mm, self._room, self._low + 1 * mm)
        canvas.end()
        self._name.drawOn(canvas, 0, self._low - self._name.height)
        self._day.drawOn(canvas, start, self._low - self._day.height)


# ------------------------------------------------------------------------------- pictures


class Logo(TaggedFigure):
    """The institution's sign, as high as it is told to be and no wider than a third of a page."""

    def __init__(self, data: bytes, high: float, name: str) -> None:
        super().__init__(name)
        with Image.open(BytesIO(data)) as picture:
            flat = picture.convert("RGBA")
            ground = Image.new("RGB", flat.size, (255, 255, 255))  # PDF/A-1 readers know no transparency; paper neither
            ground.paste(flat, mask=flat.getchannel("A"))
        self._picture = ImageReader(ground)
        self.height = high
        self.width = min(high * flat.width / flat.height, 60 * mm)

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        return self.width, self.height

    def paint(self, canvas: TaggedCanvas) -> None:
        canvas.drawImage(self._picture, 0, 0, self.width, self.height, preserveAspectRatio=True, anchor="w")


class SquareCode(TaggedFigure):
    """A QR code, drawn as squares of ink."""

    def __init__(self, text: str, side: float, alternate: str) -> None:
        super().__init__(alternate)
        self._rows = segno.make(text, error="m", micro=False, boost_error=False, mask=_MASK).matrix
        self.width = self.height = side

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        return self.width, self.height

    def paint(self, canvas: TaggedCanvas) -> None:
        canvas.setFillColor(white)
        canvas.rect(0, 0, self.width, self.height, stroke=0, fill=1)
        canvas.setFillColor(INK)
        count = len(self._rows)
        canvas.scale(self.width / (count + 2), self.height / (count + 2))  # a square of the code is one unit
        for row, modules in enumerate(self._rows):
            column = 0
            for dark, run in groupby(modules):
                length = len(list(run))
                if dark:
                    canvas.write(f"{column + 1} {count - row} {length} 1 re")
                column += length
        canvas.write("f")


__all__ = ["RULE", "Parts", "amount", "amount_or_blank"]
