"""Choose what a field names from a list, narrowed by typing."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from coopbank.tui import queries
from coopbank.tui.choices import codes_of
from coopbank.tui.screens.base import CounterModal, StatusLine
from coopbank.tui.show import neat
from coopbank.tui.widgets.inputs import LineInput
from coopbank.tui.widgets.rows import Column, RowList
from coopbank.words import _, marked

if TYPE_CHECKING:
    from coopbank.tui.queries import Reference


class NarrowBox(LineInput):
    """What is typed narrows the list; up and down move in it, and so do the keys for a page."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "screen.move(-1)", marked("Up"), show=False),
        Binding("down", "screen.move(1)", marked("Down"), show=False),
        Binding("pageup", "screen.page(-1)", marked("Page up"), show=False),
        Binding("pagedown", "screen.page(1)", marked("Page down"), show=False),
    ]


T = TypeVar("T")


class ListModal(CounterModal[T]):
    """A box with a line to type in and a list below it; answers with what was chosen."""

    def __init__(self, title: str, columns: Sequence[Column]) -> None:
        super().__init__()
        self._title = title
        self._columns = columns

    def compose(self) -> ComposeResult:
        with Vertical(classes="box tall"):
            yield Static(Content(self._title), markup=False, classes="box-title")
            yield NarrowBox(placeholder=_("type to narrow the list"), max_length=60)
            rows = RowList(self._columns, self.cells, heading=False, empty=_("Nothing fits."))
            rows.can_focus = False
            yield rows
            yield Static("", markup=False, classes="box-says")
            yield StatusLine()
            yield Static(Content(_("↑ ↓ move · Enter chooses · Esc back")), markup=False, classes="box-keys")

    def on_mount(self) -> None:
        self.query_one(NarrowBox).focus()
        self.narrow("")

    @abstractmethod
    def cells(self, item: Any) -> Sequence[str]:
        """A row of the list."""

    def says(self, item: Any) -> str:
        """What is told of the row under the cursor, in whole sentences below the list."""
        return ""

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        said = self.says(event.item) if event.item is not None else ""
        for below in self.query(".box-says").results(Static):  # the words of the bank have a line of their own
            below.update(Content(neat(said)))
            below.display = bool(said)

    @abstractmethod
    def narrow(self, text: str) -> None:
        """Show what fits the text."""

    @property
    def rows(self) -> RowList:
        """The list."""
        return self.query_one(RowList)

    def on_input_changed(self, event: Input.Changed) -> None:
        self.narrow(event.value)

    def on_input_submitted(self) -> None:
        self.rows.action_choose()

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        self.dismiss(event.item)

    def action_move(self, by: int) -> None:
        """Move in the list."""
        self.rows.action_move(by)

    def action_page(self, direction: int) -> None:
        """Move in the list by a screenful."""
        self.rows.action_page(direction)


class PickScreen(ListModal["Reference"]):
    """What a field may name."""

    HELP = marked("""# Choose

Type a part of the number or of the name; ↑ ↓ move, **Enter** chooses, **Esc** goes back without choosing.""")

    def __init__(self, title: str, kind: str, member: str | None) -> None:
        codes = max(map(len, codes_of(kind) or ()), default=0)
        super().__init__(title, (Column("", max(14, codes)), Column("", 20, flexible=True)))
        self._kind = kind
        self._member = member

    def cells(self, item: Reference) -> Sequence[str]:
        return (item.ref, item.label)

    def narrow(self, text: str) -> None:
        kind, member = self._kind, self._member
        self.ask(
            "pick", lambda session: queries.references(session, kind, text, member), self.rows.show,
            self.query_one(StatusLine).refuse,
        )  # fmt: skip
