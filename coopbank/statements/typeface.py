"""The typeface of the documents, and text that is safe to draw with it.

Lato, regular and bold, from the font package that the requirements lock by its hash: Latin,
Greek and Cyrillic, with figures of equal width. What it lacks (other scripts, pictographs) is drawn as a
stand-in that can be read, between angle quotation marks: its letters in the Latin alphabet, its meaning or its number;
a screen reader and a search are given the text itself. Controls and marks that turn the writing direction are taken
out, so that no name can disturb the page around it.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache
from itertools import groupby
from typing import Final
from xml.sax.saxutils import escape  # writes XML, reads none  # nosec B406

import fontpkg  # type: ignore[import-untyped]
from anyascii import anyascii
from reportlab.lib.fonts import addMapping
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

REGULAR, BOLD = "Lato", "Lato-Bold"
_WEIGHTS = {REGULAR: 400, BOLD: 700}
_ADDRESS = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_SPECIAL = frozenset("&<>@\u00ad\u200b")
LONGEST_KEPT = 360
"""Characters of a text in a part that does not go over a page's end."""
LONGEST = 1000
"""Characters of one text that are drawn; what is longer ends with an ellipsis."""


DRAWING: Final = threading.RLock()
"""Held while a document is drawn: ReportLab reads a font with one cursor, so two threads would cut each other's."""


def register() -> None:
    """Make the fonts known to ReportLab, once, however many threads ask."""
    with DRAWING:
        _registered()


@lru_cache(maxsize=1)
def _registered() -> None:
    for name, weight in _WEIGHTS.items():
        pdfmetrics.registerFont(TTFont(name, str(fontpkg.path("Lato", weight))))
    for bold in (0, 1):
        for italic in (0, 1):
            addMapping(REGULAR, bold, italic, BOLD if bold else REGULAR)


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    register()
    faces = [pdfmetrics.getFont(name) for name in _WEIGHTS]
    return frozenset.intersection(*(frozenset(face.face.charToGlyph) for face in faces if isinstance(face, TTFont)))


def printable(text: str) -> str:
    """The text as it is meant: composed, in one line, without controls and direction marks."""
    if text.isascii() and text.isprintable() and len(text) <= LONGEST:
        return text  # nearly always
    kept = []
    for character in unicodedata.normalize("NFC", text[: 4 * LONGEST]):
        category = unicodedata.category(character)
        if character.isspace():
            kept.append("\u00a0" if character == "\u00a0" else " ")
        elif category not in ("Cc", "Cf", "Cs", "Co") and not 0xFE00 <= ord(character) <= 0xFE0F:
            kept.append(character)
    found = "".join(kept)
    return found if len(found) <= LONGEST and len(text) <= 4 * LONGEST else found[: LONGEST - 1] + "…"


def plain(text: str) -> bool:
    """Whether the typeface has every letter of it."""
    return text.isascii() or _glyphs().issuperset(map(ord, text))


def readable(text: str) -> str:
    """The text as it is drawn: printable, with stand-ins for what the typeface lacks."""
    safe = printable(text)
    if plain(safe):
        return safe
    glyphs = _glyphs()
    runs = groupby(safe, key=lambda character: ord(character) in glyphs)
    return "".join("".join(run) if known else _stand_in("".join(run)) for known, run in runs)


@lru_cache(maxsize=4096)
def _stand_in(run: str) -> str:
    """Latin letters for a run of other letters, a name for a pictograph, else the number of the character."""
    letters = anyascii(run).replace(":", " ").strip() or " ".join(f"U+{ord(character):04X}" for character in run)
    return f"\u2039{' '.join(letters.split())}\u203a"


def markup(text: str) -> str:
    """The text for a Paragraph: readable, and nothing in it is markup."""
    return escape(readable(text))


def brief(text: str, most: int = LONGEST_KEPT) -> str:
    """The text for a place that stays on one page: what is endless, as it is drawn, ends with an ellipsis."""
    text = text if len(text) <= most else text[: most - 1].rstrip() + "…"
    drawn = sum(len(readable(line)) for line in text.split("\n"))
    return text if drawn <= most else text[: most * len(text) // drawn - 1].rstrip() + "…"


def spoken(text: str) -> str | None:
    """What a screen reader shall say where stand-ins are drawn: the text itself; else None."""
    safe = printable(text)
    return None if plain(safe) else safe


def simple(text: str) -> bool:
    """Whether the text is one line that needs no markup and no link."""
    if text.isascii():
        return text.isprintable() and len(text) <= LONGEST and not _SPECIAL.intersection(text)
    return text == printable(text) and plain(text) and not _SPECIAL.intersection(text)


def lines_markup(text: str, *, links: bool = False) -> str:
    """The same for text of several lines, such as an address; with `links`, e-mail addresses can be followed."""
    found = "<br/>".join(markup(line) for line in text.splitlines() if line.strip())
    return _ADDRESS.sub(r'<a href="mailto:\g<0>">\g<0></a>', found) if links and "@" in found else found


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Width of a string in points."""
    return float(pdfmetrics.stringWidth(text, BOLD if bold else REGULAR, size))


def fitted(text: str, size: float, room: float, *, bold: bool = False) -> str:
    """The string, cut with an ellipsis where it is wider than the room in points."""
    safe = readable(text)
    if width(safe, size, bold=bold) <= room:
        return safe
    low, high = 0, len(safe)
    while low < high:
        middle = (low + high + 1) // 2
        if width(safe[:middle].rstrip() + "…", size, bold=bold) <= room:
            low = middle
        else:
            high = middle - 1
    return safe[:low].rstrip() + "…"
