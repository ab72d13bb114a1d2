"""Everything that the actor may do: one list for every operation of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from coopbank.bank.desk import fold
from coopbank.tui.screens.pick import ListModal
from coopbank.tui.widgets.rows import Column
from coopbank.words import _, translate

if TYPE_CHECKING:
    from coopbank.tui.queries import Card
    from coopbank.tui.session import Power

#: What the first word of the day is about comes first, what the office does comes last.
_ORDER = ("members", "savings", "shares", "loans", "lending", "cash", "days")


class MoreScreen(ListModal):
    """Answers with the name of an operation."""

    HELP = _("""# Everything else

Every operation that you may do. Type a part of its name; ↑ ↓ move, **Enter** opens its form. What you may not do is
not in the list; an administrator gives and takes roles.""")

    def __init__(self, card: Card | None) -> None:
        title = _("What is to be done?")
        if card is not None:
            title = _("What is to be done for {member}?").format(member=f"{card.name} · {card.member}")
        super().__init__(title, (Column("", 10), Column("", 26), Column("", 10, flexible=True)))

    def cells(self, item: Power) -> Sequence[str]:  # type: ignore[override]
        return (translate(item.subject), item.title, item.says)

    def taken(self, item: Power) -> str:  # type: ignore[override]
        return item.name

    def narrow(self, text: str) -> None:
        wanted = fold(text.strip())
        found = [p for p in self.session.powers if wanted in fold(f"{p.title} {translate(p.subject)} {p.name}")]
        found.sort(key=lambda p: (_ORDER.index(p.subject) if p.subject in _ORDER else len(_ORDER), p.subject))
        self.rows.show(found)
