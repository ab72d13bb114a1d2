"""Any document of the bank as PDF: its kind from a list, what it is about, of when; F9 makes it and records it."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from coopbank.errors import InvalidDate
from coopbank.tui.screens.base import HELP_KEY, CounterScreen, StatusLine
from coopbank.tui.screens.statements import FOLDER, printer_of
from coopbank.tui.widgets.banner import Banner
from coopbank.tui.widgets.inputs import Choice, LineInput
from coopbank.tui.widgets.keys import KeysLine
from coopbank.tui.widgets.rows import Column, RowList
from coopbank.words import _, marked, translate

if TYPE_CHECKING:
    from coopbank.statements import Written
    from coopbank.statements.kinds import Kind
    from coopbank.tui.session import Session

#: What a kind is about, and how its number looks.
SUBJECTS = {
    "": marked("the bank: leave the number empty"), "member": marked("a member: M0007"),
    "loan": marked("a loan: L-010"), "note": marked("a lender's note: N-001"), "gift": marked("a gift: G-07"),
    "application": marked("an application: A-001"), "operation": marked("an operation: its number"),
    "fund": marked("a fund: RLF"),
}  # fmt: skip


class DocumentsScreen(CounterScreen[None]):
    """A kind, a number, days, F9."""

    HELP = marked("""# Documents

Choose a kind of document in the list. Say what it is about by its number (M0007, L-010, the number of a receipt)
and, where it tells of a time, the first and the last day. **F9** makes the PDF in the folder *statements*.

Whoever is signed in is written into the books as the one who made it. The square code on it lets anyone check later
whether the books still agree: `coopbank check`.""")
    COLUMNS: ClassVar[tuple[Column, ...]] = (Column("", 32), Column("", 30, flexible=True))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f9", "make", marked("Make it"), key_display="F9", id="make"),
        Binding("escape", "leave", marked("Back"), key_display="Esc", id="back"),
        HELP_KEY,
        Binding("ctrl+q", "app.leave", marked("Leave"), key_display="Ctrl+Q", id="leave", show=False),
    ]

    def __init__(self, kind: str = "", about: str = "") -> None:
        super().__init__()
        self._kind, self._about = kind, about

    def compose(self) -> ComposeResult:
        yield Banner()
        yield Static(_("Documents"), classes="listing-heading", markup=False)
        yield RowList(self.COLUMNS, self._cells, heading=False, id="documents-kinds", faint=lambda kind: False)
        with Vertical(id="statements-form"):
            for name, label, value in (
                ("about", _("Number"), self._about), ("from", _("From"), ""), ("to", _("To"), ""),
            ):  # fmt: skip
                with Horizontal(classes="field-line"):
                    yield Static(label, classes="field-label", markup=False)
                    yield LineInput(value, id=f"documents-{name}", max_length=40, placeholder=_hint(name))
            with Horizontal(classes="field-line"):
                yield Static(_("Print"), classes="field-label", markup=False)
                sizes = (("normal", _("normal")), ("large", _("large")))
                yield Choice(sizes, "normal", id="documents-size")
        yield StatusLine()
        yield KeysLine()

    def on_mount(self) -> None:
        from coopbank.statements import KINDS

        kinds = self.query_one("#documents-kinds", RowList)
        kinds.show(list(KINDS.values()), cursor=list(KINDS).index(self._kind) if self._kind in KINDS else 0)
        kinds.focus()

    def _cells(self, kind: Kind) -> tuple[str, str]:
        return translate(kind.title), translate(SUBJECTS[kind.subject])

    def on_row_list_chosen(self) -> None:
        """Enter on a kind: on to its number."""
        self.query_one("#documents-about").focus()

    def on_input_submitted(self) -> None:
        self.focus_next()

    def on_choice_submitted(self) -> None:
        self.action_make()

    def action_make(self) -> None:
        """Make the document that is asked for."""
        kind = self.query_one("#documents-kinds", RowList).chosen
        about, start, end = (self._typed(name) for name in ("about", "from", "to"))
        try:
            days = tuple(_day(text, name) for text, name in ((start, "from"), (end, "to")))
        except InvalidDate as refusal:
            self.refused(refusal)
            return
        if kind is None:
            return
        self.status.say(_("Drawing it …"))
        size = self.query_one("#documents-size", Choice).value
        self.carry_out(partial(_make, kind.name, about, days, size), self._made, self.refused)

    def _typed(self, name: str) -> str:
        return self.query_one(f"#documents-{name}", LineInput).value.strip()

    def _made(self, made: Written) -> None:
        self.status.say(made_words(made))

    def action_leave(self) -> None:
        """Back."""
        self.dismiss(None)


def _hint(name: str) -> str:
    return "" if name == "about" else _("YYYY-MM-DD; empty for this month or today")


def _day(text: str, field: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidDate(
            "{day} is not a date.", field=field, day=text[:40], hint="Write it as YYYY-MM-DD, such as 2026-03-02."
        ) from None


def _make(
    kind: str, about: str, days: tuple[date | None, ...], size: str, session: Session
) -> Written:  # fmt: skip
    from coopbank.reports.find import member_ref
    from coopbank.statements import KINDS, Copy, make

    number = (member_ref(about) or about) if KINDS[kind].subject == "member" else about
    return make(
        session.bank, kind, number, *days, actor=printer_of(session), folder=FOLDER,
        copy=Copy(print_size="large" if size == "large" else "normal"),
    )  # fmt: skip


def receipt_paper(number: int, session: Session) -> Written:
    """The receipt of an operation as PDF."""
    return _make("receipt", str(number), (None, None), "normal", session)


def made_words(made: Written) -> str:
    """`Made: statements/...`, and what the books know of it."""
    if made.identical:
        return _("{file}: made before, and the same now.").format(file=made.path)
    if made.entry.replaces:
        return _("{file}: it replaces {number}, whose figures have changed.").format(
            file=made.path, number=made.entry.replaces
        )
    return _("Made: {file}").format(file=made.path)
