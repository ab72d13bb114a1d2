"""The parts that documents are made of: headings, paragraphs, boxes, tables of figures, tables of activity.

A part draws what it is given and reckons nothing. Figures arrive as texts (`amount`), so that what
stands on the paper is what the report said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from reportlab.lib.enums import TA_LEFT
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, Flowable, KeepTogether, Paragraph, Table

from coopbank.money import format_amount
from coopbank.statements.document import ACCENT, INK, QUIET, RULE, SHADE
from coopbank.statements.tagged import TableTags, Tag, TaggedCanvas, TaggedParagraph
from coopbank.statements.typeface import BOLD, REGULAR, lines_markup, markup, plain, printable, register, spoken, width

_PAD = 2 * mm
_SMALLEST_TEXT = 46 * mm
_NARROWEST = 17 * mm


def amount(minor: int, currency: str) -> str:
    """An amount as it stands in a table: with thousands, and a minus that can be heard and seen."""
    return format_amount(minor, currency, grouping=True).replace("-", "\u2212")


def amount_or_blank(minor: int, currency: str) -> str:
    """The same; nothing where nothing moved."""
    return amount(minor, currency) if minor else ""


# ---------------------------------------------------------------------------------- text


def style(size: float, *, bold: bool = False, colour: Any = INK, before: float = 0, after: float = 0) -> ParagraphStyle:
    """A style of the documents' own fonts."""
    register()
    return ParagraphStyle(
        name="", fontName=BOLD if bold else REGULAR, fontSize=size, leading=size * 1.35, textColor=colour,
        alignment=TA_LEFT, spaceBefore=before, spaceAfter=after, splitLongWords=1,
    )  # fmt: skip


def paragraph(
    text: str, *, size: float = 9.5, bold: bool = False, colour: Any = INK, after: float = 1.5 * mm
) -> Flowable:
    """A paragraph of plain text; whatever is in it, it is text."""
    return _tagged(text, style(size, bold=bold, colour=colour, after=after))


def _tagged(text: str, text_style: ParagraphStyle, tag: Tag = "P") -> TaggedParagraph:
    return TaggedParagraph(lines_markup(text), text_style, tag, spoken(text))


def block(text: str, *, size: float = 9.5) -> Flowable:
    """Text of several lines that stay lines, such as an address."""
    return _tagged(text, style(size))


def title(text: str) -> Flowable:
    """The title of the document."""
    return _tagged(text, style(19, bold=True, colour=ACCENT, after=1 * mm), "H1")


def heading(text: str, *, keep: float = 46 * mm) -> list[Flowable]:
    """A heading, moved to the next page if less than `keep` is left under it."""
    text_style = style(12.5, bold=True, colour=ACCENT, before=5 * mm, after=1.5 * mm)
    return [CondPageBreak(keep), _tagged(text, text_style, "H2")]


class SideBySide(Flowable):
    """Two columns of paragraphs, read left then right."""

    def __init__(self, left: Sequence[Flowable], right: Sequence[Flowable]) -> None:
        super().__init__()
        self._columns = (list(left), list(right))

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """As wide as there is room, as high as the higher column."""
        self._half = (available_width - 8 * mm) / 2
        self._heights = [
            [part.wrap(self._half, available_height)[1] + part.getSpaceAfter() for part in column]
            for column in self._columns
        ]
        self.width, self.height = available_width, max(sum(heights) for heights in self._heights)
        return self.width, self.height

    def draw(self) -> None:
        for index, (column, heights) in enumerate(zip(self._columns, self._heights, strict=True)):
            top = self.height
            for part, height in zip(column, heights, strict=True):
                top -= height
                part.drawOn(self.canv, index * (self._half + 8 * mm), top + part.getSpaceAfter())


class Notice(Flowable):
    """Paragraphs beside a thick rule: what must not be overlooked."""

    def __init__(self, *parts: Flowable, colour: Any = ACCENT) -> None:
        super().__init__()
        self._parts = list(parts)
        self._colour = colour

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """As wide as there is room."""
        inner = available_width - 6 * mm
        self._heights = [p.wrap(inner, available_height)[1] + p.getSpaceAfter() for p in self._parts]
        self.width, self.height = available_width, sum(self._heights) + 5 * mm
        return self.width, self.height

    def draw(self) -> None:
        canvas = cast("TaggedCanvas", self.canv)
        canvas.begin_artifact()
        canvas.setFillColor(self._colour)
        canvas.rect(0, 2.5 * mm, 1.2 * mm, self.height - 2.5 * mm, stroke=0, fill=1)
        canvas.end()
        top = self.height - 1 * mm
        for part, height in zip(self._parts, self._heights, strict=True):
            top -= height
            part.drawOn(canvas, 4 * mm, top + part.getSpaceAfter())


# -------------------------------------------------------------------------------- tables


@dataclass(frozen=True)
class Column:
    """A column of a table: its head (in lines), and whether it holds figures, texts that wrap, or short texts."""

    head: str
    kind: str = "figure"  # figure, text, short


@dataclass(frozen=True)
class Row:
    """Cells of a row as texts. `strong`: a total, an opening or closing line."""

    cells: tuple[str, ...]
    strong: bool = False


def figures(columns: Sequence[Column], rows: Sequence[Row], *, size: float = 9, room: float) -> Flowable:
    """A small table of figures that stays on one page; the first cell of each row heads it."""
    layout = _Layout(columns, rows, size, room)
    body = [layout.cells(row) for row in rows]
    tags: Any = TableTags(1, row_heads=True)  # ReportLab asks for a callable and its stubs for a base class
    table = Table(
        [layout.heads(), *body],
        colWidths=layout.widths,
        renderCB=tags,
        hAlign="LEFT",
    )
    table.setStyle([*layout.styles(), *_strong(rows, 1, layout.size), ("BOX", (0, 0), (-1, -1), 0.75, ACCENT)])
    return KeepTogether([table])


def _strong(rows: Sequence[Row], first: int, size: float) -> list[Any]:
    found: list[Any] = []
    for index, row in enumerate(rows, first):
        if row.strong:
            found += [
                ("FONT", (0, index), (-1, index), BOLD, size),
                ("LINEABOVE", (0, index), (-1, index), 0.75, QUIET),
            ]
    return found


def activity(columns: Sequence[Column], rows: Sequence[Row], *, carried: str, brought: str, room: float) -> Flowable:
    """A long table of movements whose running balance stands in the last column.

    At a page's end the balance is carried forward, on the next page brought forward: `carried` and `brought` are
    those rows' words, and the balance is that of the row above.
    """
    return Activity(_Body(columns, rows, carried, brought, room))


class _Body:
    """All rows of a table of activity, measured once; its pieces share it."""

    def __init__(
        self, columns: Sequence[Column], rows: Sequence[Row], carried: str, brought: str, room: float, size: float = 9
    ) -> None:
        self.layout = _Layout(columns, rows, size, room)
        self.rows = list(rows)
        self.cells = [self.layout.cells(row) for row in rows]
        self.heights = [self.layout.height(cells) for cells in self.cells]
        self.carried, self.brought = carried, brought
        self.tags: Any = TableTags(1)

    def continued(self, words: str, above: Row) -> Row:
        """The row that carries the balance of the row above over to another page."""
        columns = self.layout.columns
        cells = [""] * len(columns)
        cells[next(i for i, column in enumerate(columns) if column.kind == "text")] = words
        cells[-1] = above.cells[-1]
        return Row(tuple(cells), strong=True)


class Activity(Flowable):
    """Some rows of a table of activity, from `first` up to `last`.

    Each page gets a small table of its own with known heights, so that thousands of rows take time in proportion.
    """

    def __init__(self, body: _Body, first: int = 0, last: int | None = None) -> None:
        super().__init__()
        self._body = body
        self._first, self._last = first, len(body.rows) if last is None else last

    @property
    def _continues(self) -> bool:
        return self._last < len(self._body.rows)

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """As high as its rows, its head, and the lines that carry the balance."""
        layout = self._body.layout
        extra = (self._first > 0) + self._continues
        self.width = sum(layout.widths)
        self.height = (
            layout.head_height + sum(self._body.heights[self._first : self._last]) + extra * layout.line_height
        )
        return self.width, self.height

    def split(self, available_width: float, available_height: float) -> list[Flowable]:
        """This page's rows and the rest; nothing if not even two rows fit."""
        layout, heights = self._body.layout, self._body.heights
        room = available_height - layout.head_height - (1 + (self._first > 0)) * layout.line_height
        cut = self._first
        while cut < self._last and heights[cut] <= room:
            room -= heights[cut]
            cut += 1
        cut = min(cut, self._last - 2)  # a closing balance does not stand alone
        if cut - self._first < 2:
            return []
        return [Activity(self._body, self._first, cut), Activity(self._body, cut, self._last)]

    def draw(self) -> None:
        body, layout = self._body, self._body.layout
        rows = body.rows[self._first : self._last]
        cells = [layout.heads(), *body.cells[self._first : self._last]]
        heights = [layout.head_height, *body.heights[self._first : self._last]]
        body.tags.extra = set()
        if self._first:
            self._insert(1, body.continued(body.brought, body.rows[self._first - 1]), rows, cells, heights)
        if self._continues:
            self._insert(len(cells), body.continued(body.carried, body.rows[self._last - 1]), rows, cells, heights)
        table = Table(cells, colWidths=layout.widths, rowHeights=heights, renderCB=body.tags)
        table.setStyle([*layout.styles(), *_strong(rows, 1, layout.size)])
        table.wrapOn(self.canv, self.width, self.height)
        table.drawOn(self.canv, 0, 0)

    def _insert(self, at: int, row: Row, rows: list[Row], cells: list[list[Any]], heights: list[float]) -> None:
        rows.insert(at - 1, row)
        cells.insert(at, self._body.layout.cells(row))
        heights.insert(at, self._body.layout.line_height)
        self._body.tags.extra.add(at)


class TextCell(Paragraph):
    """Text in a table that wraps, or that needs another font; `spoken` where the glyphs do not tell the text."""

    def __init__(self, text: str, text_style: ParagraphStyle) -> None:
        super().__init__(markup(text), text_style)
        self.spoken = spoken(text)


class _Layout:
    """Widths, fonts and heights of a table: figures take what they need, the text column the rest."""

    def __init__(self, columns: Sequence[Column], rows: Sequence[Row], size: float, room: float) -> None:
        register()
        self.columns = list(columns)
        self.rows = rows
        for self.size in (size, size - 1, size - 2, size - 3):
            self.widths = self._measured(room)
            if min(w for w, c in zip(self.widths, columns, strict=True) if c.kind == "text") >= _SMALLEST_TEXT:
                break
        self._text = {strong: style(self.size, bold=strong) for strong in (False, True)}
        self.line_height = self.size * 1.35 + 5.5
        self.head_height = max(self.height(self.heads()), self.line_height)

    def _measured(self, room: float) -> list[float]:
        widths = []
        for index, column in enumerate(self.columns):
            if column.kind == "text":
                widths.append(0.0)
                continue
            # The longest text is nearly always the widest; its neighbours in length are measured too.
            texts = {row.cells[index] for row in self.rows}
            longest = sorted(texts, key=len, reverse=True)[:20]
            needed = max(width(t, self.size, bold=True) for t in longest + column.head.split("\n"))
            widths.append(max(needed + 2 * _PAD + 1, _NARROWEST))
        texts_left = sum(column.kind == "text" for column in self.columns)
        rest = room - sum(widths)
        return [w or max(rest / texts_left, 20 * mm) for w in widths]

    def heads(self) -> list[Any]:
        """The cells of the head row."""
        lines = ["\n".join(printable(line) for line in column.head.split("\n")) for column in self.columns]
        return [text if plain(text.replace("\n", "")) else TextCell(text, self._text[True]) for text in lines]

    def cells(self, row: Row) -> list[Any]:
        """The cells of a row: plain strings wherever they will do, for they are ten times faster."""
        return [self._cell(text, index, row.strong) for index, text in enumerate(row.cells)]

    def _cell(self, text: str, index: int, strong: bool) -> Any:
        safe = printable(text)
        fits = self.columns[index].kind != "text" or width(safe, self.size, bold=True) <= self.widths[index] - 2 * _PAD
        return safe if fits and plain(safe) else TextCell(text, self._text[strong])

    def height(self, cells: Sequence[Any]) -> float:
        """The height of a row."""
        highest = self.size * 1.35
        for cell, room in zip(cells, self.widths, strict=True):
            if isinstance(cell, Paragraph):
                highest = max(highest, float(cell.wrap(room - 2 * _PAD, 10_000)[1]))
            elif "\n" in cell:
                highest = max(highest, self.size * 1.35 * (cell.count("\n") + 1))
        return highest + 5.5

    def styles(self) -> list[Any]:
        """Fonts, rules and alignment."""
        found: list[Any] = [
            ("FONT", (0, 0), (-1, -1), REGULAR, self.size, self.size * 1.35),
            ("TEXTCOLOR", (0, 0), (-1, -1), INK),
            ("BACKGROUND", (0, 0), (-1, 0), SHADE),
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("FONT", (0, 0), (-1, 0), BOLD, self.size, self.size * 1.35),
            ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
            ("LEFTPADDING", (0, 0), (-1, -1), _PAD),
            ("RIGHTPADDING", (0, 0), (-1, -1), _PAD),
            ("TOPPADDING", (0, 0), (-1, -1), 2.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        ]
        for index, column in enumerate(self.columns):
            if column.kind == "figure":
                found.append(("ALIGN", (index, 0), (index, -1), "RIGHT"))
        return found
