"""One-line inputs: a text, and a choice of a few."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input

from coopbank.tui.show import neat
from coopbank.words import marked


class LineInput(Input):
    """A one-line input. Up and down go to the neighbours; nothing blinks."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "app.focus_previous", marked("Field before"), show=False),
        Binding("down", "app.focus_next", marked("Next field"), show=False),
    ]

    def __init__(
        self, value: str = "", *, placeholder: str = "", password: bool = False, restrict: str | None = None,
        max_length: int = 0, id: str | None = None, classes: str | None = None,
    ) -> None:  # fmt: skip
        compact = "-textual-compact"  # what `compact` sets: set later, its styles would be worked out once more
        super().__init__(
            value, placeholder, password=password, restrict=restrict, max_length=max_length, id=id,
            classes=compact if classes is None else f"{compact} {classes}", compact=True, select_on_focus=True,
        )  # fmt: skip
        self.cursor_blink = False

    def validate_virtual_size(self, size: Size) -> Size:
        """As wide as the box at least: of another size at each key, Textual would lay out the whole screen for each."""
        return Size(max(size.width, self.size.width), size.height)

    class Restricted(Message):
        """What was typed or pasted does not fit here, and was left out."""

    def restricted(self) -> None:
        super().restricted()
        self.post_message(self.Restricted())


class Choice(Widget, can_focus=True):
    """A few options on one line: left and right, space, or the first letter choose."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "turn(-1)", marked("Before"), show=False),
        Binding("right,space", "turn(1)", marked("Next"), show=False),
        Binding("up", "app.focus_previous", marked("Field before"), show=False),
        Binding("down", "app.focus_next", marked("Next field"), show=False),
        Binding("enter", "submit", marked("Next field"), show=False),
    ]
    DEFAULT_CSS = "Choice { height: auto; width: 1fr; }"

    index: reactive[int] = reactive(0, layout=True)

    class Changed(Message):
        """Another option is chosen."""

    class Submitted(Message):
        """Enter: on to the next field."""

    def __init__(self, options: tuple[tuple[str, str], ...], value: str = "", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.options = options
        values = [option for option, _shown in options]
        self.set_reactive(Choice.index, values.index(value) if value in values else 0)

    @property
    def value(self) -> str:
        """The chosen option."""
        return self.options[self.index][0]

    @value.setter
    def value(self, value: str) -> None:
        for index, (option, _shown) in enumerate(self.options):
            if option == value:
                self.index = index

    def render(self) -> Content:
        parts: list[str | tuple[str, str]] = []
        for line in self._lines(self.content_size.width):
            for index in line:
                chosen = index == self.index
                style = ("bold reverse" if self.has_focus else "bold") if chosen else ""
                parts += [(self._text(index), style), " "]
            parts[-1:] = ["\n"]
        return Content.assemble(*parts[:-1])

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines(width))

    def _text(self, index: int) -> str:
        return f"({'•' if index == self.index else ' '}) {neat(self.options[index][1])}"

    def _lines(self, width: int) -> list[list[int]]:
        """Which options stand on which line: an option is never broken."""
        lines: list[list[int]] = [[]]
        used = 0
        for index in range(len(self.options)):
            length = cell_len(self._text(index))
            if lines[-1] and used + length > width:
                lines.append([])
                used = 0
            lines[-1].append(index)
            used += length + 1
        return lines

    def watch_index(self) -> None:
        self.post_message(self.Changed())

    def action_turn(self, by: int) -> None:
        """The option before or after."""
        self.index = (self.index + by) % len(self.options)

    def action_submit(self) -> None:
        """On to the next field."""
        self.post_message(self.Submitted())

    def on_key(self, event: events.Key) -> None:
        if event.character and event.character.isalnum():
            letter = event.character.casefold()
            places = [i for i, (_v, shown) in enumerate(self.options) if shown.casefold().startswith(letter)]
            later = [i for i in places if i > self.index] or places
            if later:
                self.index = later[0]
            event.stop()

    def on_click(self, event: events.Click) -> None:
        lines, at = self._lines(self.content_size.width), 0
        for index in lines[event.y] if 0 <= event.y < len(lines) else ():
            at += cell_len(self._text(index)) + 1
            if event.x < at:
                self.index = index
                return
