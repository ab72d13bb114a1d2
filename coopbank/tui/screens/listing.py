"""A list, and below it what is to be said of the row under the cursor: the shape of several screens.

Tab goes from the list to what is below it, where the arrows scroll.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from coopbank.tui.screens.base import CounterScreen, StatusLine
from coopbank.tui.widgets.banner import Banner
from coopbank.tui.widgets.keys import KeysLine
from coopbank.tui.widgets.rows import Column, RowList
from coopbank.words import translate

if TYPE_CHECKING:
    from coopbank.tui.session import Session

T = TypeVar("T")


class ListingScreen(CounterScreen[None], Generic[T]):
    """Reads its rows from the books, and again whenever they change."""

    HEADING: ClassVar[str]
    COLUMNS: ClassVar[tuple[Column, ...]]
    EMPTY: ClassVar[str]

    def compose(self) -> ComposeResult:
        yield Banner()
        yield Static(translate(self.HEADING), classes="listing-heading", markup=False)
        yield RowList(self.COLUMNS, self.cells, empty=translate(self.EMPTY), faint=self.faint, classes="listing-rows")
        with VerticalScroll(classes="listing-detail"):
            yield Static("", classes="listing-says", markup=False)
        yield StatusLine()
        yield KeysLine()

    @staticmethod
    @abstractmethod
    def question(session: Session) -> Sequence[T]:
        """The rows, read from the books."""

    @abstractmethod
    def cells(self, item: T) -> Sequence[str]:
        """A row of the list."""

    @abstractmethod
    def detail(self, item: T) -> Text:
        """What is said of the row under the cursor."""

    def faint(self, item: T) -> bool:
        """Whether the row is of the past."""
        return False

    def on_mount(self) -> None:
        self.rows.focus()
        self.counter.changed.subscribe(self, lambda _where: self._read())
        self._read()

    @property
    def rows(self) -> RowList:
        """The list."""
        return self.query_one(".listing-rows", RowList)

    @property
    def chosen(self) -> T | None:
        """The row under the cursor."""
        found: T | None = self.rows.chosen if self.is_mounted and self.query(RowList) else None
        return found

    def _read(self) -> None:
        self.ask("listing", self.question, self._show, self.refused)

    def _show(self, found: Sequence[T]) -> None:
        self.rows.show(found, cursor=self._same_row(found))
        self._say(self.chosen)

    def _same_row(self, found: Sequence[T]) -> int:
        """Where the row under the cursor stands now, though others came or went before it."""
        before = getattr(self.chosen, "ref", None)
        here = (place for place, item in enumerate(found) if before and getattr(item, "ref", None) == before)
        return next(here, self.rows.cursor)

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        self._say(event.item)

    def _say(self, item: T | None) -> None:
        self.query_one(".listing-says", Static).update(Text("") if item is None else self.detail(item))
        self.query_one(".listing-detail", VerticalScroll).scroll_home(animate=False)
        self.refresh_bindings()

    def action_leave(self) -> None:
        """Back to the counter."""
        self.dismiss(None)
