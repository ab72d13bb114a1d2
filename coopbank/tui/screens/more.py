"""Everything that can be done here: one list for every place and every operation of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import TYPE_CHECKING

from coopbank.bank.desk import fold
from coopbank.tui.places import PLACES, Place
from coopbank.tui.screens.pick import ListModal
from coopbank.tui.widgets.rows import Column
from coopbank.words import _, marked, translate

if TYPE_CHECKING:
    from coopbank.tui.queries import Card
    from coopbank.tui.session import Power

#: What the first word of the day is about comes first, what the office does comes last.
_ORDER = ("members", "savings", "shares", "loans", "lending", "cash", "days")

_SUBJECTS = {"cash": marked("cash and banks")}  # "cash" alone is how somebody pays, and another word in Spanish


def subject_of(subject: str) -> str:
    """What the list calls a subject of the catalogue."""
    return _SUBJECTS.get(subject, subject)


class MoreScreen(ListModal["Place | Power"]):
    """Answers with a place to go to or an operation to do."""

    HELP = marked("""# Everything else

Every screen and every operation that you may use. Type a part of its name; ↑ ↓ move, **Enter** goes there or opens
its form. What you may not do is not in the list; an administrator gives and takes roles.""")

    def __init__(self, card: Card | None) -> None:
        title = _("What is to be done?")
        if card is not None:
            title = _("What is to be done for {member}?").format(member=f"{card.name} · {card.member}")
        super().__init__(title, (Column("", 14), Column("", 26, flexible=True)))
        self._offered: list[tuple[str, str, Place | Power]] = []  # each with what it is found by, and its whole name

    def cells(self, item: Place | Power) -> Sequence[str]:
        subject = _("look at") if isinstance(item, Place) else translate(subject_of(item.subject))
        return (subject, translate(item.title))

    def says(self, item: Place | Power) -> str:
        return translate(item.says)

    def on_mount(self) -> None:
        powers = sorted(
            self.session.powers,
            key=lambda p: (_ORDER.index(p.subject) if p.subject in _ORDER else len(_ORDER), p.subject),
        )
        offered: list[Place | Power] = [*powers, *(place for place in PLACES if place.offered(self.session))]
        self._offered = [
            (fold(" ".join((*self.cells(each)[:2], each.name))), fold(translate(each.title)), each) for each in offered
        ]
        super().on_mount()

    def narrow(self, text: str) -> None:
        wanted = fold(text.strip())
        found = [(name != wanted, each) for words, name, each in self._offered if wanted in words]
        self.rows.show([each for _other, each in sorted(found, key=itemgetter(0))])  # its whole name: first
