"""The fields of a form: one line each, with what is wrong and how to mend it right below."""

from __future__ import annotations

from datetime import date

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static, TextArea

from coopbank.errors import CoopbankError
from coopbank.tui.choices import codes_of, meaning
from coopbank.tui.forms import FieldSpec, read_day
from coopbank.tui.show import day_words, neat, told
from coopbank.tui.widgets.inputs import Choice, LineInput
from coopbank.words import _, marked, translate

#: What may be typed: letters of currencies and signs are for the reader of amounts to judge.
RESTRICT = {"money": r"[0-9.,$€£¥₹₦' -]*", "day": r"[0-9A-Za-zñÑ+\-/., ]*", "number": r"[0-9]*", "rate": r"[0-9.,%]*"}

_FITS = {
    "money": marked("Only an amount fits here: digits, a comma, a point."),
    "day": marked("Only a day fits here: digits, or t for today."),
    "number": marked("Only digits fit here."),
    "rate": marked("Only a rate fits here: digits, a point, %."),
}


class LinesBox(TextArea):
    """Several lines of text. Enter begins a new one; Tab leaves."""

    def __init__(self, text: str) -> None:
        super().__init__(text, tab_behavior="focus", soft_wrap=True, show_line_numbers=False, compact=True)
        self.cursor_blink = False


class FieldRow(Vertical):
    """A label, its widget, and below them what is wrong or how it is understood."""

    class Edited(Message):
        """The field holds something else."""

        def __init__(self, row: FieldRow) -> None:
            super().__init__()
            self.row = row

    class Left(Message):
        """Enter in the field: on to the next one."""

        def __init__(self, row: FieldRow) -> None:
            super().__init__()
            self.row = row

    def __init__(self, spec: FieldSpec, value: str, today: date, options: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(classes="field")
        self.spec = spec
        self.today = today
        self.initial = value
        self._options = options or spec.choices
        self._refused = False
        self._start = value
        self._control: LineInput | Choice | LinesBox | None = None
        self._noted: str | None = None

    def compose(self) -> ComposeResult:
        with Horizontal(classes="field-line"):
            yield Static(Content(self.spec.label), classes="field-label", markup=False)
            self._control = self._made()
            yield self._control
        yield Static("", classes="field-note", markup=False)

    def _made(self) -> LineInput | Choice | LinesBox:
        if self._options:
            return Choice(self._options, self.initial)
        if self.spec.kind in ("lines", "json"):
            return LinesBox(self.initial)
        return LineInput(
            self.initial, placeholder=self._placeholder(), restrict=RESTRICT.get(self.spec.kind),
            max_length=0 if self.spec.many else self.spec.longest,
        )  # fmt: skip

    def on_mount(self) -> None:
        self._start = self.read()  # with what a choice stands on that was given no value
        self.accept(self.understood())

    def on_resize(self) -> None:
        if self.refused and self.has_focus_within:
            self.scroll_visible(animate=False)  # with all that is said below it

    def _placeholder(self) -> str:
        if self.spec.hint:
            return neat(self.spec.hint)
        if self.spec.kind == "day":
            return _("today") if not self.spec.required else _("YYYYMMDD")
        if self.spec.kind == "ref":
            return _("F2 chooses")
        if self.spec.kind == "money" and not self.spec.required:
            return "0.00"
        if self.spec.many:
            return _("several, with commas")
        return "" if self.spec.required else _("may stay empty")

    @property
    def control(self) -> LineInput | Choice | LinesBox:
        """The widget that is typed into."""
        assert self._control is not None, "the field is not on the screen yet"
        return self._control

    def read(self) -> str:
        """What its widget holds."""
        control = self.control
        return control.text if isinstance(control, LinesBox) else control.value

    @property
    def value(self) -> str:
        """What it holds, as typed."""
        return self.read() if self.is_mounted and self.children else self.initial

    @value.setter
    def value(self, value: str) -> None:
        control = self.control
        if isinstance(control, LinesBox):
            control.text = value
        else:
            control.value = value

    @property
    def dirty(self) -> bool:
        """Whether somebody typed in it."""
        return self.value != self._start

    def refuse(self, fault: CoopbankError) -> None:
        """Say at the field what is wrong, and what would be right."""
        self._refused = True
        self.add_class("refused")
        self._note(f"! {told(fault)}")

    def accept(self, note: str = "") -> None:
        """Nothing is wrong; a note says how it is understood."""
        self._refused = False
        self.remove_class("refused")
        self._note(note)

    @property
    def refused(self) -> bool:
        """Whether something is wrong with it."""
        return self._refused

    def _note(self, text: str) -> None:
        if text == self._noted:
            return  # as after most keys: the screen need not be laid out anew
        self._noted = text
        note = self.query_one(".field-note", Static)
        note.update(Content(neat(text)))
        note.display = bool(text)

    def understood(self) -> str:
        """How a date is read, in words; and what codes mean."""
        if codes_of(self.spec.ref) is not None:
            return meaning(self.spec.ref, self.value)
        if self.spec.kind == "day" and self.value.strip():
            try:
                return day_words(read_day(self.value, self.today))
            except CoopbankError:
                return ""
        return ""

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.edited(event.input)

    def on_line_input_restricted(self, event: LineInput.Restricted) -> None:
        """A key or a paste that does not fit was left out: say so, rather than nothing."""
        event.stop()
        if self._refused:
            return
        kind = "number" if self.spec.kind == "pieces" else self.spec.kind
        longest = _("At most {most} characters fit here; nothing was put in.").format(most=self.spec.longest)
        self._note(translate(_FITS[kind]) if kind in _FITS else longest)

    def edited(self, box: Input) -> None:
        """Something was typed into one of its boxes."""
        self.accept(self.understood())
        self.post_message(self.Edited(self))

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self.accept()
        self.post_message(self.Edited(self))

    def on_choice_changed(self, event: Choice.Changed) -> None:
        event.stop()
        self.accept()
        self.post_message(self.Edited(self))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.submitted(event.input)

    def submitted(self, box: Input) -> None:
        """Enter in one of its boxes."""
        self.post_message(self.Left(self))

    def on_choice_submitted(self, event: Choice.Submitted) -> None:
        event.stop()
        self.post_message(self.Left(self))
