"""The line at the bottom of every screen: which keys do something here.

One widget that paints one line, whatever the number of keys: the keys change with every field
that is entered, and a widget for each of them would be made and styled anew each time.
"""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

_Key = tuple[str, str, str, bool]
"""A key as the terminal names it, as people name it, what it does, and whether it does so now."""


class KeysLine(Widget):
    """The keys of the screen and of what has the focus. A click on one of them presses it."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"keys--key", "keys--words"}
    DEFAULT_CSS = """
    KeysLine {
        dock: bottom; height: 1; background: $panel; color: $footer-foreground;
        & > .keys--key { color: $footer-key-foreground; text-style: bold; }
        & > .keys--words { color: $footer-description-foreground; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._keys: tuple[_Key, ...] = ()

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[object]) -> None:
        if screen is self.screen and self.is_attached:
            self.call_after_refresh(self._look)

    def _look(self) -> None:
        if not (self.is_attached and self.screen.is_current):  # the books of a screen that is left may be closed
            return
        keys = self._now()
        if keys != self._keys:
            self._keys = keys
            self.refresh()

    def _now(self) -> tuple[_Key, ...]:
        """One key for each thing that can be done, the first that is named for it."""
        found: dict[str, _Key] = {}
        for _node, binding, enabled, _tip in self.screen.active_bindings.values():
            if binding.show:
                key = (binding.key, self.app.get_key_display(binding), binding.description, enabled)
                found.setdefault(binding.action, key)
        return tuple(found.values())

    @property
    def wanted(self) -> int:
        """The columns that all keys take."""
        return sum(map(_columns, self._keys))

    def render(self) -> Content:
        key_style = self.get_visual_style("keys--key")
        words_style = self.get_visual_style("keys--words")
        parts: list[Content] = []
        for _key, display, words, enabled in self._keys:
            told = Content.assemble((display, key_style), " ", (words, words_style), " ")
            parts.append(told if enabled else told.stylize("dim"))
        return Content("").join(parts)

    def on_click(self, event: events.Click) -> None:
        """Press the key under the pointer."""
        left = 0
        for each in self._keys:
            left += _columns(each)
            if event.x < left:
                key, _display, _words, enabled = each
                if enabled:
                    self.app.simulate_key(key)
                return


def _columns(each: _Key) -> int:
    _name, display, words, _enabled = each
    return cell_len(display) + cell_len(words) + 2
