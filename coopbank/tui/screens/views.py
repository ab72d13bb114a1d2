"""Several lists of the same thing, one seen at a time, with what is to be said of the row under the cursor below.

A screen of this shape says what its page is, as a question to the books; rows are plain texts, made where the books are
read. From a row Enter opens what stands behind it, and F5 lists what can be done with it: forms, filled in as far as
the row knows.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from coopbank.bank.operation import CATALOGUE
from coopbank.errors import CoopbankError
from coopbank.tui.forms import read_day
from coopbank.tui.pages import Act, Line, Page
from coopbank.tui.screens.base import HELP_KEY, BoxedScreen, CounterModal, StatusLine
from coopbank.tui.screens.pick import ListModal
from coopbank.tui.show import neat
from coopbank.tui.widgets.banner import Banner
from coopbank.tui.widgets.inputs import LineInput
from coopbank.tui.widgets.keys import KeysLine
from coopbank.tui.widgets.rows import Column, RowList
from coopbank.words import _, marked, translate

if TYPE_CHECKING:
    from coopbank.tui.session import Session

KEYS: Final = ("f3", "f4", "f6", "f8")
"""The keys of the views, in their order."""


@dataclass(frozen=True, slots=True)
class View:
    """A list: its name on the tab, its columns, and what stands there if there is nothing."""

    title: str
    columns: tuple[Column, ...]
    empty: str
    legend: str = ""


def view_keys(views: Mapping[str, View]) -> list[BindingType]:
    """The keys of the views: one each, and left and right."""
    return [
        *(
            Binding(key, f"view('{name}')", view.title, key_display=key.upper(), id=name, show=False)
            for key, (name, view) in zip(KEYS, views.items(), strict=False)
        ),
        Binding("left", "turn(-1)", marked("View before"), show=False),
        Binding("right", "turn(1)", marked("Next view"), show=False),
    ]


def usual_keys(*, days: bool) -> list[BindingType]:
    """What every such screen answers to."""
    as_of = Binding("f2", "as_of", marked("As of a day"), key_display="F2", id="as-of")
    return [
        *([as_of] if days else []),
        Binding("escape", "leave", marked("Back"), key_display="Esc", id="back"),
        HELP_KEY,
        Binding("ctrl+q", "app.leave", marked("Leave"), key_display="Ctrl+Q", id="leave", show=False),
    ]


OPEN_KEY: Final = Binding("enter", "open", marked("Open"), key_display="Enter", id="open")
ACTS_KEY: Final = Binding("f5", "acts", marked("What can be done"), key_display="F5", id="acts")


class ViewsScreen(BoxedScreen[None]):
    """Lists by key, read anew whenever the books change."""

    VIEWS: ClassVar[Mapping[str, View]]

    def __init__(self, as_of: date | None = None) -> None:
        super().__init__()
        self._as_of = as_of
        self._seen_of = as_of  # the day of the page that is seen
        self._page: Page | None = None
        self._asks: Callable[[str], None] | None = None  # what the box on top is asked for
        self.seen = next(iter(self.VIEWS))

    def compose(self) -> ComposeResult:
        yield Banner()
        with Horizontal(id="journal-line"):
            yield Static("", id="views-head", markup=False)
            yield LineInput(id="journal-go", max_length=24)
        yield Static("", id="views-sums", markup=False)
        yield Static("", id="loan-views", markup=False)
        for name, view in self.VIEWS.items():
            yield RowList(view.columns, _cells, id=f"view-{name}", empty=translate(view.empty), faint=_faint)
        yield Static("", id="views-legend", markup=False)
        with VerticalScroll(classes="views-detail"):
            yield Static("", id="views-says", markup=False)
        yield StatusLine()
        yield KeysLine()

    def on_mount(self) -> None:
        self.query_one("#journal-go").display = False
        self.query_one("#views-sums").display = False
        self.action_view(self.seen)
        self.follow_the_books(self.read_again)

    @abstractmethod
    def question(self, day: date | None) -> Callable[[Session], Page]:
        """What the page is, on a day or now; a page of one list, if the others are read when they are seen."""

    def read_again(self) -> None:
        """Read the page from the books."""
        self.ask("page", self._pace.timed(self.question(self._as_of)), self._show, self._not_read)

    def _not_read(self, fault: CoopbankError) -> None:
        """What was seen stays, and so does its day."""
        self._as_of = self._seen_of
        self.refused(fault)

    def _show(self, page: Page) -> None:
        self._page, self._seen_of = page, self._as_of
        self.query_one("#views-head", Static).update(Content.styled(neat(page.head), "bold"))
        sums = self.query_one("#views-sums", Static)
        told = [neat(each) for each in page.sums if each]
        sums.update(Content("\n".join(told)))
        sums.display = bool(told)
        for name, lines in page.views.items():
            rows = self.query_one(f"#view-{name}", RowList)
            rows.show(list(lines), cursor=rows.cursor)
        self._say(self.rows.chosen)

    # ------------------------------------------------------------------- views

    @property
    def rows(self) -> RowList:
        """The list that is seen."""
        return self.query_one(f"#view-{self.seen}", RowList)

    @property
    def chosen(self) -> Line | None:
        """The row under the cursor."""
        found: Line | None = self.rows.chosen if self.is_mounted and self.query(RowList) else None
        return found

    def action_view(self, name: str) -> None:
        """Show that list."""
        self.seen = name
        for each in self.VIEWS:
            self.query_one(f"#view-{each}").display = each == name
        tabs = self.query_one("#loan-views", Static)
        tabs.update(
            Content(
                "  ".join(
                    f"{'▸' if each == name else ' '}{key.upper()} {translate(view.title)}"
                    for key, (each, view) in zip(KEYS, self.VIEWS.items(), strict=False)
                )
            )
        )
        tabs.display = len(self.VIEWS) > 1
        legend = self.query_one("#views-legend", Static)
        legend.update(Content(translate(self.VIEWS[name].legend)))
        legend.display = bool(self.VIEWS[name].legend)
        self.rows.focus()
        self._say(self.rows.chosen)
        if self._page is not None and name not in self._page.views:
            self.read_again()

    def action_turn(self, by: int) -> None:
        """The view before or after."""
        names = list(self.VIEWS)
        self.action_view(names[(names.index(self.seen) + by) % len(names)])

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        if event.rows is self.rows:
            self._say(event.item)

    def _say(self, line: Line | None) -> None:
        heading, *rest = line.says if line is not None and line.says else ("",)
        told = Text.assemble((neat(heading), "bold"), *(f"\n{neat(each)}" for each in rest))
        self.query_one("#views-says", Static).update(told)
        self.query_one(".views-detail", VerticalScroll).scroll_home(animate=False)
        self.refresh_bindings()

    # ----------------------------------------------------------- opening, doing

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        event.stop()
        self.action_open()

    def action_open(self) -> None:
        """What stands behind the row; where there is nothing, what can be done with it."""
        line = self.chosen
        if line is None:
            return
        self.status.clear()
        if line.opens is not None:
            self.open_line(line.opens)
        elif line.acts:
            self.action_acts()

    def open_line(self, opens: Any) -> None:
        """Show what a row opens; a tuple is what stands behind a figure."""
        self.counter.open_what(opens)

    @property
    def acts(self) -> tuple[Act, ...]:
        """What the actor may do with the row, and here at all; nothing on top of a form that is open."""
        if any(hasattr(screen, "dirty") for screen in self.counter.screen_stack):
            return ()
        of_row = self.chosen.acts if self.chosen is not None else ()
        named = {act.name for act in of_row}
        of_page = [act for act in (self._page.acts if self._page else ()) if act.fixed or act.name not in named]
        return tuple(act for act in (*of_row, *of_page) if self.session.may(act.name))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what there is to do to whom may do it."""
        return True if action != "acts" or self._page is None else bool(self.acts)

    def action_acts(self) -> None:
        """What can be done with the row; a form follows."""
        acts = self.acts
        if len(acts) == 1:
            self._fill_in(acts[0])
        elif acts:
            self.app.push_screen(ActsScreen(acts), self._fill_in)

    def _fill_in(self, act: Act | None) -> None:
        if act is not None:
            self.counter.fill_in(act.name, fixed=dict(act.fixed), suggested=dict(act.suggested))

    # --------------------------------------------------------------------- day

    def ask_for(self, what: str, then: Callable[[str], None]) -> None:
        """Ask for something in the box on top."""
        self._asks = then
        box = self.open_box()
        box.placeholder, box.value = what, ""

    def action_as_of(self) -> None:
        """Ask for a day."""
        self.ask_for(_("day"), self._as_of_typed)

    def _as_of_typed(self, text: str) -> None:
        today = self._page.today if self._page is not None else self.session.bank.clock.today()
        self._as_of = read_day(text, today) if text else None
        self.read_again()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        try:
            if self._asks is not None:
                self.status.clear()
                self._asks(event.value.strip())
        except CoopbankError as fault:
            self.refused(fault)
            return
        self.close_box()


def _cells(line: Line) -> Sequence[str]:
    return line.cells


def _faint(line: Line) -> bool:
    return line.faint


class ActsScreen(ListModal[Act]):
    """What can be done with what was chosen; answers with it."""

    HELP = marked("""# What can be done

What fits the row that you were on, as far as you may do it. Type a part of its name; ↑ ↓ move, **Enter** opens its
form, filled in with what is known already.""")

    def __init__(self, acts: Sequence[Act]) -> None:
        super().__init__(_("What is to be done?"), (Column("", 30, flexible=True), Column("", 24, flexible=True)))
        self._acts = acts

    def cells(self, item: Act) -> Sequence[str]:
        return (translate(CATALOGUE[item.name].title), " ".join(item.fixed.values()))

    def narrow(self, text: str) -> None:
        from coopbank.bank.desk import fold

        wanted = fold(text.strip())
        self.rows.show([act for act in self._acts if wanted in fold(" ".join((*self.cells(act), act.name)))])


class LinesScreen(CounterModal[None]):
    """Rows that stand behind another one, each with what is to be said of it."""

    HELP = marked("""# What stands behind it

↑ ↓ move, **Esc** goes back.""")

    def __init__(self, title: str, columns: Sequence[Column], lines: Sequence[Line]) -> None:
        super().__init__()
        self._about, self._columns, self._lines = title, columns, lines

    def compose(self) -> ComposeResult:
        from textual.containers import Vertical

        with Vertical(classes="box wide tall"):
            yield Static(Content.styled(neat(self._about), "bold"), markup=False, classes="box-title")
            yield RowList(self._columns, _cells, id="lines-behind", faint=_faint, empty=_("Nothing."))
            yield Static(Content(_("↑ ↓ move · Enter opens · Esc back")), markup=False, classes="box-keys")

    def on_mount(self) -> None:
        rows = self.query_one("#lines-behind", RowList)
        rows.show(self._lines)
        rows.focus()

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        if event.item.opens is not None:
            self.counter.open_what(event.item.opens)
