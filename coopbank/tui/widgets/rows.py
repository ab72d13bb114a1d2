"""A list of rows that paints only what is seen.

Textual's own table measures every row before it shows the first one. This one holds rows
it was given, or reads pages of them as they come into view: the pages come from a worker,
and rows that are still on their way are shown as dots. Columns share out the width, so
that nothing is cut while there is room.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from coopbank.tui.show import cut, neat, right
from coopbank.words import marked, translate

_PAGES_KEPT = 12


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, its width, and whether it takes a part of what is left over."""

    title: str
    width: int
    flexible: bool = False
    right: bool = False
    least_total: int = 0  # shown only if the list is at least so wide


class _OfRow(Message):
    """Something happened to a row of a list."""

    def __init__(self, rows: RowList, index: int, item: Any) -> None:
        super().__init__()
        self.rows = rows
        self.index = index
        self.item = item

    @property
    def control(self) -> RowList:
        """The list."""
        return self.rows


class RowList(ScrollView, can_focus=True):
    """Rows under a heading, with a cursor."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--heading", "rows--cursor", "rows--faint", "rows--empty"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", marked("Up"), show=False),
        Binding("down", "move(1)", marked("Down"), show=False),
        Binding("pageup", "page(-1)", marked("Page up"), show=False),
        Binding("pagedown", "page(1)", marked("Page down"), show=False),
        Binding("home", "go(0)", marked("First"), show=False),
        Binding("end", "go(-1)", marked("Last"), show=False),
        Binding("enter", "choose", marked("Open"), show=False),
    ]

    cursor: reactive[int] = reactive(0)

    class Chosen(_OfRow):
        """Enter on a row, or a click on the row under the cursor."""

    class Moved(_OfRow):
        """The cursor stands on another row."""

    def __init__(
        self, columns: Sequence[Column], cells: Callable[[Any], Sequence[str]], *, empty: str = "",
        heading: bool = True, faint: Callable[[Any], bool] | None = None, id: str | None = None,
        classes: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(id=id, classes=classes)
        self._columns = tuple(columns)
        self._cells = cells
        self._faint = faint or (lambda item: False)
        self._empty = empty
        self._heading = 1 if heading else 0
        self._items: Sequence[Any] = ()
        self._count = 0
        self._pages: dict[int, Sequence[Any]] = {}
        self._page_rows = 0
        self._load: Callable[[int], None] | None = None
        self._wanted: set[int] = set()
        self._fitted: dict[Column, int] = {}

    # ------------------------------------------------------------------ content

    def show(self, items: Sequence[Any], *, cursor: int = 0) -> None:
        """Show these rows."""
        self._load, self._items = None, items
        self._fit(items)
        self._resize_to(len(items), cursor)

    def _fit(self, items: Sequence[Any]) -> None:
        """Columns of amounts are as wide as their widest amount: no figure is ever cut, and no room is wasted."""
        wide = any(column.right for column in self._columns)
        rows = [self._cells(item) for item in items] if wide else []
        self._fitted = {
            column: 1 + max([cell_len(translate(column.title)), *(cell_len(row[place]) for row in rows)])
            for place, column in enumerate(self._columns)
            if column.right and rows
        }

    def show_pages(self, count: int, rows_of_page: int, load: Callable[[int], None], *, cursor: int = 0) -> None:
        """Show so many rows, read page by page: `load(page)` has to end in `page_came(page, items)`."""
        self._load, self._page_rows = load, rows_of_page
        self._pages.clear()
        self._wanted.clear()
        self._resize_to(count, cursor)

    def page_came(self, page: int, items: Sequence[Any]) -> None:
        """A page of rows has been read; nothing if it is of the rows that were shown before."""
        if page not in self._wanted:
            return
        self._wanted.discard(page)
        self._pages[page] = items
        while len(self._pages) > _PAGES_KEPT:
            here = self.cursor // self._page_rows
            self._pages.pop(max(self._pages, key=lambda kept: abs(kept - here)))
        self.refresh()

    def page_failed(self, page: int) -> None:
        """A page could not be read; it is asked for again when it is next painted."""
        self._wanted.discard(page)

    def item(self, index: int) -> Any:
        """The row at that place; None while it is on its way or if there is none."""
        if not 0 <= index < self._count:
            return None
        if self._load is None:
            return self._items[index]
        page, place = divmod(index, self._page_rows)
        rows = self._pages.get(page)
        if rows is None:
            if page not in self._wanted:
                self._wanted.add(page)
                self._load(page)
            return None
        return rows[place] if place < len(rows) else None

    @property
    def chosen(self) -> Any:
        """The row under the cursor."""
        return self.item(self.cursor)

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self._count

    def _resize_to(self, count: int, cursor: int) -> None:
        self._count = count
        self.virtual_size = Size(0, count + self._heading)
        self.cursor = max(0, min(cursor, count - 1))
        self._keep_in_view()
        self.refresh(layout=self.styles.is_auto_height)
        self.post_message(self.Moved(self, self.cursor, self.chosen))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(1, self._count) + self._heading

    # ----------------------------------------------------------------- painting

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        if self._heading and y == 0:
            return self._strip([translate(column.title) for column in self._shown(width)], "rows--heading", width)
        index = y - self._heading + self.scroll_offset.y
        if self._count == 0 and index == 0:
            return self._plain(self._empty, "rows--empty", width)
        if index >= self._count:
            return Strip.blank(width, self.rich_style)
        item = self.item(index)
        if item is None:
            return self._plain("  …", "rows--faint", width)
        here = index == self.cursor and self.has_focus_within_reach
        style = "rows--cursor" if here else "rows--faint" if self._faint(item) else None
        return self._strip(self._cells(item), style, width, mark="›" if here else " ")

    @property
    def has_focus_within_reach(self) -> bool:
        """Whether the cursor is shown: a list that cannot be focused is moved from elsewhere."""
        return self.has_focus or not self.can_focus

    def _shown(self, width: int) -> list[Column]:
        return [column for column in self._columns if column.least_total <= width]

    def _strip(self, cells: Sequence[str], style: str | None, width: int, mark: str = " ") -> Strip:
        shown = self._shown(width)
        wanted = [cell for cell, column in zip(cells, self._columns, strict=False) if column in shown]
        cells = [translate(column.title) for column in shown] if style == "rows--heading" else wanted
        parts = [mark]
        for cell, column, room in zip(cells, shown, self._widths(shown, width), strict=True):
            parts.append(right(neat(cell), room) if column.right else cut(neat(cell), room))
        return self._plain(" ".join(parts), style, width)

    def _widths(self, shown: list[Column], width: int) -> list[int]:
        wanted = [self._fitted.get(column, column.width) for column in shown]
        left = width - 1 - len(shown) - sum(wanted)
        for place, column in enumerate(shown):  # a heading is not cut while another column has room to give
            lacks = cell_len(translate(column.title)) - wanted[place] if self._heading else 0
            if 0 < lacks <= left and not column.flexible:
                wanted[place], left = wanted[place] + lacks, left - lacks
        flexible = [column for column in shown if column.flexible]
        widths = []
        for column, own in zip(shown, wanted, strict=True):
            more = left // len(flexible) if column.flexible and flexible else 0
            widths.append(max(1, own + more))
        return widths

    def _plain(self, text: str, style: str | None, width: int) -> Strip:
        rich_style = self.get_component_rich_style(style) if style else self.rich_style
        return Strip([Segment(cut(text, width), rich_style)], width)

    # ------------------------------------------------------------------- moving

    def watch_cursor(self, before: int, after: int) -> None:
        if before != after:
            self._keep_in_view()
            self.refresh()
            self.post_message(self.Moved(self, after, self.chosen))

    def _keep_in_view(self) -> None:
        if self.size.height:
            self.scroll_to_region(
                Region(0, self.cursor, 1, 1 + self._heading), animate=False, force=True, immediate=True
            )

    def on_resize(self) -> None:
        self._keep_in_view()

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        if self._count:
            self.cursor = max(0, min(self._count - 1, self.cursor + by))

    def action_page(self, direction: int) -> None:
        """Move the cursor by a screenful."""
        self.action_move(direction * max(1, self.size.height - self._heading - 1))

    def action_go(self, index: int) -> None:
        """The first row, or the last."""
        if self._count:
            self.cursor = self._count - 1 if index < 0 else min(index, self._count - 1)

    def action_choose(self) -> None:
        """Open the row under the cursor."""
        if self._count and self.chosen is not None:
            self.post_message(self.Chosen(self, self.cursor, self.chosen))

    def on_click(self, event: events.Click) -> None:
        index = event.y - self._heading + self.scroll_offset.y
        if not 0 <= index < self._count or event.y < self._heading:
            return
        if index == self.cursor:
            self.action_choose()
        else:
            self.cursor = index
