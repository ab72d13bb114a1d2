"""The glossary: a list of words, and below it what the one under the cursor means."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from coopbank.bank.desk import fold
from coopbank.tui.glossary import GLOSSARY
from coopbank.tui.screens.base import StatusLine
from coopbank.tui.screens.pick import ListModal, NarrowBox
from coopbank.tui.widgets.rows import Column, RowList
from coopbank.words import _, marked, translate


class GlossaryScreen(ListModal["tuple[str, str]"]):
    """Words and meanings."""

    HELP = marked("""# The words of the bank

Type a part of a word; ↑ ↓ move. What it means stands below.""")

    def __init__(self) -> None:
        super().__init__(_("The words of the bank"), (Column("", 20), Column("", 20, flexible=True)))

    def compose(self) -> ComposeResult:
        with Vertical(classes="box wide tall"):
            yield Static(Content.styled(self._title, "bold"), classes="box-title", markup=False)
            yield NarrowBox(placeholder=_("type to narrow the list"), max_length=60)
            rows = RowList(self._columns, self.cells, heading=False, empty=_("Nothing fits."))
            rows.can_focus = False
            yield rows
            yield Static("", id="glossary-says", markup=False)
            yield StatusLine()
            yield Static(Content(_("↑ ↓ move · Esc back")), markup=False, classes="box-keys")

    def cells(self, item: tuple[str, str]) -> Sequence[str]:
        return (translate(item[0]), translate(item[1]))

    def narrow(self, text: str) -> None:
        wanted = fold(text.strip())
        found = [each for each in GLOSSARY if wanted in fold(" ".join(self.cells(each)))]
        first = [each for each in found if fold(translate(each[0])).startswith(wanted)]
        ordered = sorted(found, key=lambda each: (each not in first, fold(translate(each[0]))))
        self.rows.show(ordered)

    def on_row_list_moved(self, event: RowList.Moved) -> None:
        says = Content("") if event.item is None else Content.assemble(
            (f"{translate(event.item[0])}: ", "bold"), translate(event.item[1])
        )  # fmt: skip
        self.query_one("#glossary-says", Static).update(says)

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        """There is nothing to choose."""
