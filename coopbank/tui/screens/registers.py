"""The registers: all of them, the entries of one, one entry with its versions; jobs and the ladder of borrowers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual.binding import Binding, BindingType

from coopbank.tui import registers
from coopbank.tui.pages import Page
from coopbank.tui.screens.views import ACTS_KEY, OPEN_KEY, View, ViewsScreen, usual_keys, view_keys
from coopbank.tui.widgets.rows import Column
from coopbank.words import _, marked

if TYPE_CHECKING:
    from coopbank.tui.session import Session

_MEMBER: Final = Column(marked("Member"), 7)
_NAME: Final = Column(marked("Name"), 14, flexible=True)
ALL: Final = {
    "registers": View(
        marked("Registers"),
        (Column(marked("Register"), 12), Column(marked("Title"), 20, flexible=True),
         Column(marked("Entries"), 7, right=True), Column("", 17), Column(marked("Kept by"), 12, flexible=True)),
        marked("No register is kept. F5 defines one; fourteen come with the program."),
    ),
    "jobs": View(
        marked("Jobs"),
        (Column(marked("Loan"), 7), _MEMBER, Column(marked("Lent"), 10, right=True),
         Column(marked("Projected"), 9, right=True), Column(marked("Created"), 7, right=True),
         Column(marked("Retained"), 8, right=True), Column(marked("FTE"), 4, right=True),
         Column(marked("Living wage"), 11), Column(marked("As of"), 12, flexible=True, least_total=90)),
        marked("No jobs were reported."),
    ),
    "ladder": View(
        marked("Ladder"),
        (_MEMBER, _NAME, Column(marked("First"), 12), Column(marked("First loan"), 10, right=True),
         Column(marked("Largest after"), 13, right=True), Column(marked("Loans"), 10, flexible=True)),
        marked("No small loan has led to a larger one yet."),
    ),
    "linked": View(
        marked("Linked borrowers"),
        (Column(marked("Group"), 12), _MEMBER, _NAME, Column(marked("Owed"), 11, right=True),
         Column(marked("Promised"), 11, right=True)),
        marked("No borrowers are linked."),
    ),
}  # fmt: skip
ONE: Final = {
    "entries": View(
        marked("Entries"),
        (Column(marked("Entry"), 17), Column(marked("State"), 9), Column(marked("Day"), 12),
         Column(marked("What it says"), 20, flexible=True)),
        marked("There are no entries. F5 adds one."),
    ),
    "totals": View(
        marked("Come to"), (Column("", 24, flexible=True), Column(marked("Together"), 14, right=True)),
        marked("Nothing of it is counted or added up."),
    ),
    "fields": View(
        marked("Fields"),
        (Column(marked("Field"), 14), Column(marked("Title"), 18, flexible=True),
         Column(marked("What it holds"), 18, flexible=True), Column("", 18)),
        marked("It has no fields."),
    ),
}  # fmt: skip
ENTRY: Final = {
    "values": View(
        marked("What it says"),
        (Column(marked("Field"), 26), Column("", 20, flexible=True), Column("", 20, least_total=100)),
        marked("It says nothing."),
    ),
    "versions": View(
        marked("Versions"),
        (Column("#", 2, right=True), Column(marked("Day"), 12), Column(marked("By"), 10), Column(marked("State"), 9),
         Column(marked("Why, or what changed"), 20, flexible=True)),
        marked("It has no versions."),
    ),
}  # fmt: skip
_APART: Final = Binding("f9", "apart", marked("What is kept apart"), key_display="F9", id="apart")


class RegistersScreen(ViewsScreen):
    """All registers, and what the program reads from them."""

    HELP = marked("""# Registers

Whatever is a record and no money. **F3** the registers that the bank keeps; **Enter** opens one, with its entries and
what they come to. **F4** jobs of borrowers with their wages, **F6** members whose small first loan led to a larger
one, **F8** borrowers who are linked, with what they owe together.

**F5** adds an entry to the register under the cursor, or defines a register; fourteen come with the program.""")
    VIEWS: ClassVar[Mapping[str, View]] = ALL
    BINDINGS: ClassVar[list[BindingType]] = [*view_keys(ALL), OPEN_KEY, ACTS_KEY, *usual_keys(days=False)]

    def question(self, day: date | None) -> Callable[[Session], Page]:
        view = self.seen
        return lambda session: registers.registers_page(session, view)

    def open_line(self, opens: Any) -> None:
        if isinstance(opens, str):
            self.app.push_screen(RegisterBookScreen(opens))
        else:
            super().open_line(opens)


class _Apart(ViewsScreen):
    """A screen of a register: what is kept apart is shown when somebody who keeps it asks for it."""

    def __init__(self, ref: str) -> None:
        super().__init__()
        self._ref = ref
        self._personal = False

    def action_apart(self) -> None:
        """Show what is kept apart, or hide it again."""
        self._personal = not self._personal
        self.read_again()
        if self._personal:
            self.status.say(_("What is kept apart is shown to who keeps the register. F9 hides it."))
        else:
            self.status.clear()


class RegisterBookScreen(_Apart):
    """One register."""

    HELP = marked("""# A register

**F3** its entries, the newest first; **Enter** opens one with all its versions. **F4** what the entries come to,
**F6** its fields. **F5** adds an entry, changes the one under the cursor, or closes it.

What is personal is kept apart: **F9** shows it to who keeps the register, and hides it again.""")
    VIEWS: ClassVar[Mapping[str, View]] = ONE
    BINDINGS: ClassVar[list[BindingType]] = [*view_keys(ONE), OPEN_KEY, ACTS_KEY, _APART, *usual_keys(days=False)]

    def question(self, day: date | None) -> Callable[[Session], Page]:
        code, personal = self._ref, self._personal
        return lambda session: registers.register_page(session, code, personal=personal)

    def open_line(self, opens: Any) -> None:
        self.app.push_screen(RegisterEntryScreen(opens))


class RegisterEntryScreen(_Apart):
    """One entry of a register."""

    HELP = marked("""# An entry of a register

**F3** what it says, **F4** its versions: who wrote each, when, and what changed; Enter opens the operation. **F5**
changes it, with the reason, or closes it: what it was about is over, or it was a mistake and counts no more.

What is personal is kept apart: **F9** shows it to who keeps the register, and hides it again.""")
    VIEWS: ClassVar[Mapping[str, View]] = ENTRY
    BINDINGS: ClassVar[list[BindingType]] = [*view_keys(ENTRY), OPEN_KEY, ACTS_KEY, _APART, *usual_keys(days=False)]

    def question(self, day: date | None) -> Callable[[Session], Page]:
        ref, personal = self._ref, self._personal
        return lambda session: registers.entry_page(session, ref, personal=personal)
