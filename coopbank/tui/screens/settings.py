"""Settings of this terminal: language, colours, and when it locks itself. Each is in force at once, and kept."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from coopbank.tui.screens.base import HELP_KEY, CounterScreen, StatusLine
from coopbank.tui.settings import LOCK_MINUTES, THEMES
from coopbank.tui.widgets.banner import Banner
from coopbank.tui.widgets.inputs import Choice
from coopbank.tui.widgets.keys import KeysLine
from coopbank.words import _, marked

LANGUAGES = (("en", "English"), ("es", "Español"))


class SettingsScreen(CounterScreen[None]):
    """A choice a line."""

    HELP = marked("""# Settings

They belong to this terminal and not to the books: another terminal of the bank may speak another language. ← →
choose, ↑ ↓ go from line to line. What you choose is in force at once and kept.

**High contrast** is black, white and yellow. The two **terminal** colours are those of your own terminal. With
NO_COLOR set nothing is coloured; every colour only repeats what a word or a sign says.

A **locked** counter keeps everything as it is, and asks for your passphrase.""")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", marked("Back"), key_display="Esc", id="back"),
        HELP_KEY,
        Binding("ctrl+q", "app.leave", marked("Leave"), key_display="Ctrl+Q", id="leave"),
    ]

    def compose(self) -> ComposeResult:
        own = self.counter.settings
        yield Banner()
        yield Static(_("Settings of this terminal"), id="settings-title", markup=False)
        with Vertical(id="settings"):
            for name, label, options, value in (
                ("language", _("Language"), LANGUAGES, own.language),
                ("theme", _("Colours"), _themes(), own.theme),
                ("lock", _("Lock after"), _minutes(), str(own.lock_minutes)),
            ):
                with Horizontal(classes="field-line"):
                    yield Static(label, classes="field-label", markup=False)
                    yield Choice(options, value, id=name)
            yield Static(Content(self._key_note()), markup=False, classes="settings-note")
        yield StatusLine()
        yield KeysLine()

    def _key_note(self) -> str:
        return _("A locked counter keeps your form as it is. Passphrases are set with F10, Set a passphrase.")

    def on_mount(self) -> None:
        self._spoken = self.counter.settings.language
        self.query_one(Choice).focus()

    def on_choice_submitted(self) -> None:
        self.focus_next()

    def on_choice_changed(self, event: Choice.Changed) -> None:
        chosen = {each.id: each.value for each in self.query(Choice)}
        wanted = replace(
            self.counter.settings, language=chosen["language"], theme=chosen["theme"],
            lock_minutes=int(chosen["lock"]),
        )  # fmt: skip
        spoken, self.counter.settings = self.counter.settings.language, wanted
        kept = self.counter.settle()
        if wanted.language != spoken:
            self.call_later(self._speak_anew)
        elif not kept:
            self.status.say(_("In force until you leave: this computer does not let the counter keep it."))

    async def _speak_anew(self) -> None:
        await self.recompose()
        self.query_one(Choice).focus()
        self.refresh_bindings()

    def action_leave(self) -> None:
        """Back to the counter, in the language that was chosen."""
        if self.counter.settings.language != self._spoken:
            self.counter.home_anew()
        else:
            self.dismiss(None)


def _themes() -> tuple[tuple[str, str], ...]:
    shown = (_("dark"), _("light"), _("high contrast"), _("terminal, dark"), _("terminal, light"))
    return tuple(zip(THEMES, shown, strict=True))


def _minutes() -> tuple[tuple[str, str], ...]:
    return tuple(
        (str(minutes), _("{count} minutes").format(count=minutes) if minutes else _("never"))
        for minutes in LOCK_MINUTES
    )
