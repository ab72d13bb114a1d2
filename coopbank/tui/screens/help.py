"""Help for the screen it was called from: what it is for, and its keys as they really are."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Markdown, Static

from coopbank.tui.screens.base import CounterModal
from coopbank.words import _, marked, translate

GENERAL = marked("""## Everywhere

| Key | |
| --- | --- |
| Tab, Shift+Tab, ↑ ↓ | from field to field |
| Esc | one step back; asks before something typed is lost |
| Ctrl+P | every operation that you may do, by name |
| Ctrl+Q | leave the counter |

**Amounts** as you write them: `150`, `1,250.00`, `12.5`. A comma marks thousands only.

**Dates**: `20260302` or `0302` (this year), `t` for today, `+7` for a week later, `-1` for yesterday.

Nothing is in the books before the review is confirmed with Enter, and nothing in the books is ever
changed: a mistake is undone by a reversal, which leaves both in sight.
""")


class HelpScreen(CounterModal[None]):
    """The help of another screen."""

    def __init__(self, about: Screen[object]) -> None:
        super().__init__()
        self._about = about

    def compose(self) -> ComposeResult:
        with Vertical(classes="box tall"):
            with VerticalScroll():
                yield Markdown(self._text())
            yield Static(Content(_("↑ ↓ scroll · Esc back")), markup=False, classes="box-keys")

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()

    def _text(self) -> str:
        own = translate(getattr(self._about, "HELP", None) or "")
        return "\n\n".join((own.strip(), self._keys(), translate(GENERAL)))

    def _keys(self) -> str:
        lines = [
            f"| {self.app.get_key_display(active.binding)} | {active.binding.description} |"
            for active in self._about.active_bindings.values()
            if active.binding.show and active.enabled
        ]
        return "\n".join((f"## {_('Keys of this screen')}", "", "| | |", "| --- | --- |", *lines)) if lines else ""
