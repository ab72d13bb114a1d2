"""Help for the screen it was called from: what it is for, and its keys as they really are."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Markdown, Static

from coopbank.tui.choices import codes_of
from coopbank.tui.forms import FieldSpec
from coopbank.tui.screens.base import CounterModal
from coopbank.tui.widgets.fields import FieldRow
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


MOST_CODES = 12  # of a longer list F2 shows all, and what is typed narrows it

#: What may be typed into a field of each kind.
KINDS = {
    "money": marked(
        "An **amount** as you write it: `150`, `1,250.00`, `12.5`. What could be read in two ways is refused."
    ),
    "day": marked(
        "A **day**: `20260302` or `0302` (this year), `t` for today, `+7` for a week later, `-1` for yesterday."
    ),
    "choice": marked("One of a few: ← → or the first letter choose."),
    "yes-no": marked("Yes or no: ← → or the first letter choose."),
    "number": marked("A whole number, in digits."),
    "rate": marked("A rate in percent a year, such as `3` or `2.5`."),
    "ref": marked("A **number** that the bank gave. **F2** shows what there is and chooses."),
    "code": marked("A **word of a list**. **F2** shows the list, says what each means, and chooses."),
    "lines": marked("Several lines; Enter begins a new one, Tab leaves the field."),
    "json": marked("A list in the form that computers exchange; see the documentation of the operation."),
    "text": marked("A text, as you like."),
    # of texts, by the name of their field
    "month": marked("A **month**: year and month, such as `2026-03`."),
    "quarter": marked("A **quarter** of a year, such as `2026-Q2`."),
}


def field_help(about: Screen[object]) -> str:
    """What the field that has the focus is for, and what may be typed into it; nothing where there is no field."""
    row = next((row for row in about.query(FieldRow) if row.control.has_focus), None)
    if row is None:
        return ""
    spec = row.spec
    parts = [f"# {spec.label}"]
    if spec.hint:
        parts.append(f"{spec.label}: {spec.hint}.")
    if spec.help:
        parts.append(spec.help)
    parts.append(what_to_type(spec))
    parts.append(_("It has to be filled in.") if spec.required else _("It may stay empty."))
    if spec.choices and spec.kind == "choice":
        parts.append(", ".join(shown for _value, shown in spec.choices) + ".")
    if (known := codes_of(spec.ref)) is not None and len(known) <= MOST_CODES:
        parts.append("\n".join(f"- `{code}` {said}" for code, said in known.items()))
    return "\n\n".join(parts)


def what_to_type(spec: FieldSpec) -> str:
    """What a field takes, in a sentence."""
    if codes_of(spec.ref) is not None:
        return translate(KINDS["code"])
    return translate(KINDS.get(spec.name if spec.kind == "text" else spec.kind, KINDS["text"]))


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
        field = field_help(self._about)
        own = translate(getattr(self._about, "HELP", None) or "")
        return "\n\n".join(part for part in (field, own.strip(), self._keys(), translate(GENERAL)) if part)

    def _keys(self) -> str:
        lines = dict.fromkeys(  # two keys of a screen may be shown as one
            f"| {self.app.get_key_display(active.binding)} | {active.binding.description} |"
            for active in self._about.active_bindings.values()
            if active.binding.show and active.enabled
        )
        return "\n".join((f"## {_('Keys of this screen')}", "", "| | |", "| --- | --- |", *lines)) if lines else ""
