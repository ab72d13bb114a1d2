"""A question before something typed is lost: the safe answer has the focus."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from coopbank.tui.screens.base import CounterModal
from coopbank.tui.widgets.inputs import Choice
from coopbank.words import _, marked


class ConfirmScreen(CounterModal[bool]):
    """Answers True only when the other answer was chosen on purpose."""

    HELP = marked("""# A question

Left and right choose, Enter answers. **Esc** stays where you were.""")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "answer", marked("Answer"), key_display="Enter")]

    def __init__(self, question: str, stay: str, go: str) -> None:
        super().__init__()
        self._question = question
        self._options = (("stay", stay), ("go", go))

    def compose(self) -> ComposeResult:
        with Vertical(classes="box small"):
            yield Static(Content(self._question), markup=False, classes="box-title")
            yield Choice(self._options, "stay")
            yield Static(Content(_("← → choose · Enter answers · Esc stays")), markup=False, classes="box-keys")

    def on_mount(self) -> None:
        self.query_one(Choice).focus()

    def on_choice_submitted(self) -> None:
        self.action_answer()

    def action_answer(self) -> None:
        """Give the answer that is chosen."""
        self.dismiss(self.query_one(Choice).value == "go")

    def action_leave(self) -> None:
        self.dismiss(False)
