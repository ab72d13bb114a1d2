"""The first evening: there are no books yet. Practise, make the books of a bank, or leave."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, ProgressBar, Static

from coopbank.errors import CoopbankError
from coopbank.tui.screens.base import HELP_KEY, CounterScreen, StatusLine
from coopbank.tui.show import neat
from coopbank.tui.widgets.inputs import Choice, LineInput
from coopbank.tui.widgets.keys import KeysLine
from coopbank.tui.widgets.rows import Column, RowList
from coopbank.words import _, marked, translate

if TYPE_CHECKING:
    from coopbank.bank.operations.founding import FoundBook
    from coopbank.clock import Clock

PRACTICE: Final = "practice.db"


@dataclass(frozen=True, slots=True)
class Way:
    """One of the ways to begin."""

    name: str
    title: str
    says: str


WAYS: Final = (
    Way("practise", marked("Practise"), marked("a small bank where nothing counts, with a guide: begin here")),
    Way("found", marked("Make the books"), marked("of a real bank: its name, and who administers it")),
    Way("leave", marked("Leave"), marked("nothing was made")),
)


class FirstRunScreen(CounterScreen[None]):
    """What to begin with."""

    HELP = marked("""# The first evening

There are no books in this folder yet. **Practise** makes a small bank with members, savings and a loan, in a file
of its own; a guide leads through an evening at its counter, and nothing in it counts. **Make the books** founds a
real bank.

If your bank's books lie somewhere else, leave and start the counter with their place: `coopbank --db PATH`.""")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", marked("Choose"), key_display="Enter", id="choose"),
        HELP_KEY,
        Binding("f3", "language", "Español / English", key_display="F3", id="language"),
        Binding("ctrl+q,escape", "app.leave", marked("Leave"), key_display="Ctrl+Q", id="leave"),
    ]

    def __init__(self, place: str) -> None:
        super().__init__()
        self._place = place

    def compose(self) -> ComposeResult:
        with Vertical(id="sign-in"):
            yield Static(_("Welcome. There are no books here yet."), id="sign-in-bank", markup=False)
            yield Static(Content(neat(self._place)), id="sign-in-mark", markup=False)
            yield RowList(
                (Column("", 16), Column("", 20, flexible=True)),
                lambda way: (translate(way.title), translate(way.says)), heading=False, id="ways",
            )  # fmt: skip
            yield ProgressBar(id="practice-bar", show_eta=False)
            yield StatusLine()
        yield KeysLine()

    def on_mount(self) -> None:
        self.query_one("#practice-bar").display = False
        rows = self.query_one("#ways", RowList)
        rows.show(WAYS)
        rows.focus()

    def reword(self) -> None:
        """Say everything in the language in force."""
        self.call_later(self._say_anew)

    async def _say_anew(self) -> None:
        await self.recompose()
        self.refresh_bindings()
        self.on_mount()

    def action_language(self) -> None:
        """The other language."""
        self.counter.other_language()

    def action_choose(self) -> None:
        """Go the way under the cursor."""
        self.query_one("#ways", RowList).action_choose()

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        way = event.item.name
        if way == "practise":
            self.query_one("#practice-bar").display = True
            self.status.say(_("Making the practice bank …"))
            self.counter.practise(self._come_so_far, self.refused)
        elif way == "found":
            self.app.push_screen(FoundScreen(self._place))
        else:
            self.counter.action_leave()

    def _come_so_far(self, done: int, of: int) -> None:
        if self.is_attached:
            self.query_one(ProgressBar).update(total=of, progress=done)


class FoundScreen(CounterScreen[None]):
    """The few things that a new bank has to say."""

    HELP = marked("""# New books

The **name** stands on everything that the bank prints. The **kind** decides its words and what it may do: a
co-operative without a charter speaks of savings and not of deposits, a charity pays no patronage, a credit union
may say both.

The first **administrator** can do everything that takes one person. Add a colleague soon (F10, Who works here):
what matters takes two. Nobody can look the passphrase up; write it down where only you find it.""")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f9", "make", marked("Make the books"), key_display="F9", id="make"),
        Binding("escape", "leave", marked("Back"), key_display="Esc", id="back"),
        HELP_KEY,
    ]

    def __init__(self, place: str) -> None:
        super().__init__()
        self._place = place
        self._busy = False

    def compose(self) -> ComposeResult:
        yield Static(_("New books"), classes="listing-heading", markup=False)
        with Vertical(id="found-form"):
            yield from self._line(_("Name"), LineInput(id="found-name", placeholder=_("of the bank"), max_length=200))
            yield from self._line(_("Kind"), Choice(_kinds(), id="found-kind"))
            yield from self._line(_("Currency"), LineInput("USD", id="found-currency", max_length=3))
            yield from self._line(_("Your user name"), LineInput(id="found-user", max_length=40))
            yield from self._line(_("Your name"), LineInput(id="found-full", max_length=200))
            yield from self._line(
                _("Passphrase"),
                LineInput(id="found-words", password=True, placeholder=_("eight characters or more"), max_length=200),
            )
            yield from self._line(_("Once more"), LineInput(id="found-again", password=True, max_length=200))
        yield StatusLine()
        yield KeysLine()

    def _line(self, label: str, box: LineInput | Choice) -> ComposeResult:
        with Horizontal(classes="field-line"):
            yield Static(label, classes="field-label", markup=False)
            yield box

    def on_mount(self) -> None:
        self.query_one("#found-name").focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.input.id == "found-again":
            self.status.say(_("F9 makes the books."))
        else:
            self.focus_next()

    def on_choice_submitted(self) -> None:
        self.focus_next()

    @property
    def dirty(self) -> bool:
        """Whether something typed would be lost."""
        return bool(self._text("name")) and not self._busy

    def _text(self, name: str) -> str:
        return self.query_one(f"#found-{name}", LineInput).value.strip()

    def action_make(self) -> None:
        """Make them, if everything is said."""
        if self._busy:
            return
        words = self.query_one("#found-words", LineInput).value
        if words != self.query_one("#found-again", LineInput).value:
            self._wrong("again", _("The two passphrases are not the same; type it once more."))
            return
        try:
            request = self._request()
        except CoopbankError as fault:
            self._wrong(_BOXES.get(fault.field or "", "name"), fault)
            return
        self._busy = True
        self.status.say(_("Making the books …"))
        place, clock = self._place, self.counter.clock
        self.counter.in_background(lambda: _found(place, request, words, clock), self._made, self._not_made)

    def _request(self) -> FoundBook:
        from pydantic import ValidationError

        from coopbank.bank.operation import plain_refusal
        from coopbank.bank.operations.founding import FoundBook

        more = {"full_name": self._text("full")} if self._text("full") else {}
        try:
            return FoundBook.model_validate({
                "bank_name": self._text("name"), "currency": self._text("currency").upper(),
                "institution_kind": self.query_one("#found-kind", Choice).value, "administrator": self._text("user"),
                **more,
            })  # fmt: skip
        except ValidationError as error:
            raise plain_refusal(error) from None

    def _wrong(self, box: str, why: CoopbankError | str) -> None:
        self.status.refuse(why)
        self.query_one(f"#found-{box}").focus()

    def _made(self, _nothing: object) -> None:
        self.counter.open_place(self._place, self._text("user"))

    def _not_made(self, fault: CoopbankError) -> None:
        self._busy = False
        self._wrong("words" if fault.field == "passphrase" else "name", fault)

    def action_leave(self) -> None:
        """Back; nothing was made."""
        if not self._busy:
            self.dismiss(None)


_BOXES: Final = {
    "bank_name": "name", "currency": "currency", "institution_kind": "kind", "administrator": "user",
    "full_name": "full",
}  # fmt: skip


def _kinds() -> tuple[tuple[str, str], ...]:
    return (
        ("unchartered-coop", _("co-operative without a charter")), ("charity", _("charity")),
        ("credit-union", _("credit union")), ("worker-coop", _("worker co-operative")),
    )  # fmt: skip


def _found(place: str, request: FoundBook, words: str, clock: Clock | None) -> None:
    """Found the books in a file that is not there; what could not be finished is taken away again."""
    from coopbank.bank.bank import Bank
    from coopbank.bank.books import Actor
    from coopbank.errors import AlreadyExists

    if Path(place).exists():
        raise AlreadyExists("{place} exists already; nothing was changed.", place=place)
    try:
        bank = Bank.found(place, request, passphrase=words, clock=clock)
        with closing(bank):
            bank.make_keys(Actor(request.administrator, ()), words)
    except BaseException:
        for end in ("", "-wal", "-shm"):
            Path(place + end).unlink(missing_ok=True)
        raise
