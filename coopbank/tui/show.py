"""How things look in one line of a terminal: texts made harmless, amounts, days in words.

Names and memos are typed by people and imported from files. Nothing of them is ever read
as markup, and characters that would move the cursor, hide or turn text around are shown
as a replacement mark, so that what stands on the screen is what stands in the books.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from rich.cells import cell_len, set_cell_size

from coopbank.errors import CoopbankError
from coopbank.money import format_amount
from coopbank.words import language, translate

REPLACED = "\ufffd"
_BREAKS = frozenset("\n\t\r\v\f\x85\u2028\u2029")
#: Control, format (which turn text around or hide it), surrogate, private and unassigned characters.
_UNSHOWABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def neat(text: str) -> str:
    """The text on one line, every character visible; ordinary text comes back as it is."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_neat(character) for character in text)


def _neat(character: str) -> str:
    if character in _BREAKS:
        return " "
    return REPLACED if unicodedata.category(character) in _UNSHOWABLE else character


def told(fault: CoopbankError | str) -> str:
    """A refusal as a counter says it: what would be right by its title here, not by its command."""
    return re.sub(r"\(([a-z]+(?:-[a-z]+)+)\)", _by_title, str(fault))


def _by_title(found: re.Match[str]) -> str:
    from coopbank.bank.operation import CATALOGUE  # not before the first screen

    operation = CATALOGUE.get(found[1])
    return found[0] if operation is None else f"({translate(operation.title)})"


def cut(text: str, width: int) -> str:
    """The text in exactly that many cells: padded, or cut with an ellipsis."""
    if width <= 0:
        return ""
    if cell_len(text) > width:
        text = set_cell_size(text, width - 1).rstrip() + "…"
    return set_cell_size(text, width)


def giving_way(parts: Sequence[str], width: int) -> list[str]:
    """A name and the numbers behind it, for one line: a name that would push them out is cut, to a third at most."""
    name, behind = neat(parts[0]), parts[1:]
    room = max(width // 3, width - sum(cell_len(each) + len(" · ") for each in behind))
    return [cut(name, room) if cell_len(name) > room else name, *behind]


def right(text: str, width: int) -> str:
    """The text at the right end of that many cells; cut at its start if it is longer."""
    length = cell_len(text)
    return " " * (width - length) + text if length <= width else cut(text, width)


def amount(minor: int, currency: str) -> str:
    """An amount as people read it: 1,250.00."""
    return format_amount(minor, "USD" if currency == "MEM" else currency, grouping=True)


def day_words(day: date) -> str:
    """`Thursday, March 5, 2026`."""
    return _formatted(day, "", language())


def day_short(day: date) -> str:
    """`Thu, Mar 5, 2026`."""
    return _formatted(day, "yMMMEd", language())


def day_row(day: date) -> str:
    """`Mar 5, 2026`."""
    return _formatted(day, "yMMMd", language())


def month_row(day: date) -> str:
    """`Mar 2026`."""
    return _formatted(day, "yMMM", language())


@lru_cache(maxsize=512)
def _formatted(day: date, skeleton: str, code: str) -> str:
    from babel.dates import format_date, format_skeleton  # not on top: the sign-in screen need not wait for it

    return str(format_skeleton(skeleton, day, locale=code) if skeleton else format_date(day, "full", locale=code))
