"""Tables of figures, and long tables of activity that carry their balance from page to page.

In large print a table of many columns becomes one of two: what the row is about, and its figures one under the other,
each with the name of its column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, Flowable, KeepTogether, Paragraph, Table

from coopbank.statements.parts import Parts
from coopbank.statements.sheet import INK, QUIET, RULE, SHADE, Print
from coopbank.statements.tagged import TableTags
from coopbank.statements.typeface import BOLD, REGULAR, brief, lines_markup, plain, printable, readable, spoken, width
from coopbank.words import _

_PAD = 2 * mm
_SMALLEST_TEXT = 44 * mm
_NARROWEST = 15 * mm
_TALLEST = 40
"""Rows of a table of figures that stay on one page."""
_LONGEST_CELL: dict[Print, int] = {"normal": 400, "large": 180}
"""Characters of a cell, so that no row is higher than a page."""
_PARTED = 3
"""Rows of a table that no page's end parts: two would stand on neither side."""
_MOST_KEPT = 160 * mm
"""What a heading asks for at most, well below the height of a page."""
_SENTENCES = 2
"""Between a heading and the table that it is kept with, at most."""
_ENDLESS = 10_000.0
_ROOM = 4.6
"""Points above and below the lines of a row together."""
_TIGHT = 1.22
"""Line height in a table of normal print; its rules keep the rows apart."""


@dataclass(frozen=True)
class Column:
    """A column of a table: its head (in lines), and whether it holds figures, texts that wrap, or short texts."""

    head: str
    kind: str = "figure"  # figure, text, short


@dataclass(frozen=True)
class Row:
    """Cells of a row as texts. `strong`: a total, an opening or closing line. `head`: it heads the rows below."""

    cells: tuple[str, ...]
    strong: bool = False


def figures(parts: Parts, columns: Sequence[Column], rows: Sequence[Row]) -> Flowable:
    """A table of figures; the first cell of each row heads it. It stays on one page unless it is long."""
    columns, rows = _for_print(parts, columns, rows)
    if len(rows) > _TALLEST or parts.sheet.large:
        return Activity(_Body(parts, columns, rows, "", "", row_heads=_row_heads(columns, rows)))
    layout = _Layout(parts, columns, rows)
    body = [layout.cells(row) for row in rows]
    tags: Any = TableTags(
        1, row_heads=_row_heads(columns, rows)
    )  # ReportLab asks for a callable and its stubs for a base class
    table = Table([layout.heads(), *body], colWidths=layout.widths, renderCB=tags, hAlign="LEFT")
    table.setStyle([*layout.styles(), *_strong(rows, 1, layout.size)])
    return _Whole(table, layout.head_height + sum(layout.height(cells) for cells in body))


class _Whole(KeepTogether):
    """A table that stays on one page; `least` is what it needs of it."""

    def __init__(self, table: Table, least: float) -> None:
        super().__init__([table])
        self.least = least


def under_headings(story: Sequence[Flowable], room: float) -> list[Flowable]:
    """The same, where a heading, and what is said below it, goes to the next page with the first rows of its table."""
    for place, gap in enumerate(story):
        if isinstance(gap, CondPageBreak):
            said = list(takewhile(lambda each: isinstance(each, Paragraph), story[place + 1 : place + 2 + _SENTENCES]))
            table = story[place + 1 + len(said)] if place + 1 + len(said) < len(story) else None
            if isinstance(table, (Activity, _Whole)):
                heights = (e.getSpaceBefore() + e.wrap(room, _ENDLESS)[1] + e.getSpaceAfter() for e in said)
                gap.height = max(gap.height, min(sum(heights) + table.least, _MOST_KEPT))
    return list(story)


def _row_heads(columns: Sequence[Column], rows: Sequence[Row]) -> bool:
    """Whether the first cell of each row heads it: not in a table so small that most of its cells would be heads."""
    return len(rows) * (len(columns) - 1) > len(rows) + len(columns)


def activity(
    parts: Parts, columns: Sequence[Column], rows: Sequence[Row], *, carried: str = "", brought: str = ""
) -> Flowable:
    """A long table, of movements whose running balance stands in the last column if `carried` is given.

    At a page's end the balance is carried forward, on the next page brought forward: `carried` and `brought` are
    those rows' words, and the balance is that of the row above.
    """
    if parts.sheet.large:
        carried = brought = ""  # each row tells its balance in words
    columns, rows = _for_print(parts, columns, rows)
    return Activity(_Body(parts, columns, rows, carried, brought))


def _for_print(parts: Parts, columns: Sequence[Column], rows: Sequence[Row]) -> tuple[Sequence[Column], Sequence[Row]]:
    """Columns and rows as they are, or stacked for large print."""
    if not parts.sheet.large or len(columns) <= 2:
        return columns, rows
    texts = [i for i, column in enumerate(columns) if column.kind != "figure"]
    texts = texts or [0]
    numbers = [i for i in range(len(columns)) if i not in texts]
    heads = [" ".join(column.head.split("\n")) for column in columns]
    name = heads[next((i for i in texts if columns[i].kind == "text"), texts[0] if texts else 0)]
    stacked = [
        Row(
            (
                "\n".join(row.cells[i] for i in texts if row.cells[i]),
                "\n".join(f"{heads[i]} {row.cells[i]}" for i in numbers if row.cells[i]),
            ),
            row.strong,
        )
        for row in rows
    ]
    return [Column(name, "text"), Column(_("Amounts"), "figure")], stacked


def _strong(rows: Sequence[Row], first: int, size: float) -> list[Any]:
    found: list[Any] = []
    for index, row in enumerate(rows, first):
        if row.strong:
            found += [
                ("FONT", (0, index), (-1, index), BOLD, size),
                ("LINEABOVE", (0, index), (-1, index), 0.75, QUIET),
            ]
    return found


class _Body:
    """All rows of a long table, measured once; its pieces share it."""

    def __init__(
        self, parts: Parts, columns: Sequence[Column], rows: Sequence[Row], carried: str, brought: str,
        *, row_heads: bool = False,
    ) -> None:  # fmt: skip
        self.layout = _Layout(parts, columns, rows)
        self.rows = list(rows)
        self.cells = [self.layout.cells(row) for row in rows]
        self.heights = [self.layout.height(cells) for cells in self.cells]
        self.carried, self.brought = carried, brought
        self.tags: Any = TableTags(1, row_heads=row_heads)

    def continued(self, words: str, above: Row) -> Row:
        """The row that carries the balance of the row above over to another page."""
        columns = self.layout.columns
        cells = [""] * len(columns)
        cells[next(i for i, column in enumerate(columns) if column.kind == "text")] = words
        cells[-1] = above.cells[-1]
        return Row(tuple(cells), strong=True)


class Activity(Flowable):
    """Some rows of a long table, from `first` up to `last`.

    Each page gets a small table of its own with known heights, so that thousands of rows take time in proportion.
    """

    def __init__(self, body: _Body, first: int = 0, last: int | None = None) -> None:
        super().__init__()
        self._body = body
        self._first, self._last = first, len(body.rows) if last is None else last

    @property
    def least(self) -> float:
        """What its first part needs: two rows, or all of so few that they are not parted."""
        rows, layout = self._body.heights[self._first : self._last], self._body.layout
        lines = bool(self._body.carried) * layout.line_height
        return layout.head_height + lines + sum(rows[: len(rows) if len(rows) <= _PARTED else 2])

    @property
    def _carries(self) -> bool:
        return bool(self._body.carried) and self._last < len(self._body.rows)

    @property
    def _brings(self) -> bool:
        return bool(self._body.carried) and self._first > 0

    def wrap(self, available_width: float, available_height: float) -> tuple[float, float]:
        """As high as its rows, its head, and the lines that carry the balance."""
        layout = self._body.layout
        extra = self._brings + self._carries
        self.width = sum(layout.widths)
        self.height = (
            layout.head_height + sum(self._body.heights[self._first : self._last]) + extra * layout.line_height
        )
        return self.width, self.height

    def split(self, available_width: float, available_height: float) -> list[Flowable]:
        """This page's rows and the rest; nothing if not even two rows fit."""
        layout, heights = self._body.layout, self._body.heights
        carried = bool(self._body.carried)
        room = available_height - layout.head_height - (carried + self._brings) * layout.line_height
        cut = self._first
        while cut < self._last and heights[cut] <= room:
            room -= heights[cut]
            cut += 1
        alone = 1 if heights[self._first] > available_height / 3 else 2
        cut = min(cut, self._last - alone)  # a closing balance does not stand alone
        if cut - self._first < alone:
            return []
        return [Activity(self._body, self._first, cut), Activity(self._body, cut, self._last)]

    def draw(self) -> None:
        body, layout = self._body, self._body.layout
        rows = body.rows[self._first : self._last]
        cells = [layout.heads(), *body.cells[self._first : self._last]]
        heights = [layout.head_height, *body.heights[self._first : self._last]]
        body.tags.extra = set()
        if self._brings:
            self._insert(1, body.continued(body.brought, body.rows[self._first - 1]), rows, cells, heights)
        if self._carries:
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
    """Text in a table that wraps; `spoken` where stand-ins are drawn."""

    def __init__(self, text: str, text_style: ParagraphStyle) -> None:
        super().__init__(lines_markup(text), text_style)
        self.spoken = spoken(text)


class _Layout:
    """Widths, fonts and heights of a table: figures take what they need, the text columns the rest."""

    def __init__(self, parts: Parts, columns: Sequence[Column], rows: Sequence[Row]) -> None:
        self.columns = list(columns)
        self.rows = rows
        self.leading = parts.sheet.leading if parts.sheet.large else _TIGHT
        self.longest = _LONGEST_CELL[parts.sheet.print_size]
        self.accent = parts.sheet.accent
        size, room = parts.sheet.points("table"), parts.sheet.room
        for self.size in (size,) if parts.sheet.large else (size, size - 1, size - 2, size - 3):
            self.widths = self._measured(room)
            texts = [w for w, c in zip(self.widths, columns, strict=True) if c.kind == "text"]
            if min(texts, default=_SMALLEST_TEXT) >= _SMALLEST_TEXT and sum(self.widths) <= room + 1:
                break
        self._text = {strong: self._style(parts, strong) for strong in (False, True)}
        self.line_height = self.size * self.leading + _ROOM
        self.head_height = max(self.height(self.heads()), self.line_height)

    def _style(self, parts: Parts, strong: bool) -> ParagraphStyle:
        style = parts.style("table", bold=strong)
        style.fontSize, style.leading = self.size, self.size * self.leading
        return style

    def _measured(self, room: float) -> list[float]:
        widths = []
        for index, column in enumerate(self.columns):
            if column.kind == "text":
                widths.append(0.0)
                continue
            # The longest text is nearly always the widest; its neighbours in length are measured too.
            texts = {line for row in self.rows for line in row.cells[index].split("\n")}
            longest = [readable(text) for text in sorted(texts, key=len, reverse=True)[:20]]
            needed = max(width(t, self.size, bold=True) for t in longest + column.head.split("\n"))
            widths.append(max(needed + 2 * _PAD + 1, _NARROWEST))
        texts_left = sum(column.kind == "text" for column in self.columns)
        rest = room - sum(widths)
        if not texts_left:  # spread what is left
            return [w + max(rest, 0) / len(widths) for w in widths]
        return [w or max(rest / texts_left, 20 * mm) for w in widths]

    def heads(self) -> list[Any]:
        """The cells of the head row."""
        lines = ["\n".join(printable(line) for line in column.head.split("\n")) for column in self.columns]
        return [text if plain(text.replace("\n", "")) else TextCell(text, self._text[True]) for text in lines]

    def cells(self, row: Row) -> list[Any]:
        """The cells of a row: plain strings wherever they will do, for they are ten times faster."""
        return [self._cell(text, index, row.strong) for index, text in enumerate(row.cells)]

    def _cell(self, text: str, index: int, strong: bool) -> Any:
        text = brief(text, self.longest)
        lines = [printable(line) for line in text.split("\n")]
        if self.columns[index].kind != "text":
            return "\n".join(readable(line) for line in lines)
        room = self.widths[index] - 2 * _PAD
        if all(plain(line) and width(line, self.size, bold=True) <= room for line in lines):
            return "\n".join(lines)
        return TextCell("\n".join(lines), self._text[strong])

    def height(self, cells: Sequence[Any]) -> float:
        """The height of a row."""
        line = self.size * self.leading
        highest = line
        for cell, room in zip(cells, self.widths, strict=True):
            if isinstance(cell, Paragraph):
                highest = max(highest, float(cell.wrap(room - 2 * _PAD, 10_000)[1]))
            elif "\n" in cell:
                highest = max(highest, line * (cell.count("\n") + 1))
        return highest + _ROOM

    def styles(self) -> list[Any]:
        """Fonts, rules and alignment."""
        lead = self.size * self.leading
        found: list[Any] = [
            ("FONT", (0, 0), (-1, -1), REGULAR, self.size, lead),
            ("TEXTCOLOR", (0, 0), (-1, -1), INK),
            ("BACKGROUND", (0, 0), (-1, 0), SHADE),
            ("LINEBELOW", (0, 1), (-1, -1), 0.35, RULE),
            ("LINEBELOW", (0, 0), (-1, 0), 0.9, self.accent),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("FONT", (0, 0), (-1, 0), BOLD, self.size, lead),
            ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
            ("LEFTPADDING", (0, 0), (-1, -1), _PAD),
            ("RIGHTPADDING", (0, 0), (-1, -1), _PAD),
            ("TOPPADDING", (0, 0), (-1, -1), _ROOM / 2 - 0.25),
            ("BOTTOMPADDING", (0, 0), (-1, -1), _ROOM / 2 + 0.25),
        ]
        for index, column in enumerate(self.columns):
            if column.kind == "figure":
                found.append(("ALIGN", (index, 0), (index, -1), "RIGHT"))
        return found
