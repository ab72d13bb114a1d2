"""The guide of a practice bank: the next thing to do in one line or two, and how far the evening has come.

It reads the books to know what was done, so it never blocks, survives leaving, and cannot be told wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textual.content import Content
from textual.widgets import Static

from coopbank.tui.work import AsksBooks
from coopbank.words import _, marked, translate

if TYPE_CHECKING:
    from coopbank.tui.queries import Standing
    from coopbank.tui.session import Session


@dataclass(frozen=True, slots=True)
class Lesson:
    """A thing to do, and the kinds of operations that show that it was done."""

    done_by: frozenset[str]
    says: str


LESSONS: Final = (
    Lesson(frozenset({"open-day"}), marked("Press F8 and Enter to open the day; F9 shows the review, Enter posts.")),
    Lesson(
        frozenset({"open-drawer"}), marked("Now open your drawer on the same screen (F8), with 200.00 from the vault.")
    ),
    Lesson(
        frozenset({"deposit"}), marked("Ada Abernathy brings 20.00: type ada, press Enter, then F3, 20, F9, Enter.")
    ),
    Lesson(frozenset({"withdraw"}), marked("Amos Banks wants 10.00 of his savings: type amos, Enter, then F4.")),
    Lesson(frozenset({"repay-loan"}), marked("The urban farm pays on its loan: type farm, Enter, F5, 101.63, cash.")),
    Lesson(
        frozenset({"reverse"}),
        marked("Ada's 20.00 were 10.00: find ada, Tab to her passbook, Enter on the line, F6, and say why."),
    ),
    Lesson(
        frozenset({"close-drawer"}),
        marked("The evening ends: F8, Close your drawer. Count it; try 5.00 too little and say why."),
    ),
    Lesson(frozenset({"close-day"}), marked("Close the day on the same screen. You have to type CLOSE.")),
)


class Guide(AsksBooks, Static):
    """Seen in the practice bank only."""

    def __init__(self) -> None:
        super().__init__("", markup=False, classes="guide")

    def on_mount(self) -> None:
        self.display = False
        if self.session.guided and not self.session.read_only:
            self.counter.stands.subscribe(self, self._stood)
            if self.session.actor.user:  # it may be mounted before anybody is signed in
                self._ask()

    def _stood(self, _standing: Standing) -> None:
        self._ask()

    def _ask(self) -> None:
        self.ask("guide", kinds_done, self._show, lambda _fault: None)

    def _show(self, done: frozenset[str]) -> None:
        if not self.counter.settings.guide:
            self.display = False
            return
        self.display = True
        place = next((i for i, lesson in enumerate(LESSONS) if not lesson.done_by & done), None)
        if place is None:
            said = _("That was an evening. Nothing of it counts: go on as you like, or leave with Ctrl+Q.")
            self.update(Content(f"✓ {said}"))
            return
        head = _("Practice {number} of {count}").format(number=place + 1, count=len(LESSONS))
        self.update(Content.assemble((f"{head} ▸ ", "bold"), translate(LESSONS[place].says)))


def kinds_done(session: Session) -> frozenset[str]:
    """The kinds of operations of today, by the clock."""
    today = session.bank.clock.today().isoformat()
    with session.bank.database.read() as tx:
        return frozenset(str(kind) for (kind,) in tx.rows(
            "SELECT DISTINCT kind FROM operation WHERE business_date = ?", today
        ))  # fmt: skip
