"""The fonts of the documents, and text that is safe to draw with them.

Noto Sans for everything that it has; DejaVu Sans for some other scripts and symbols; a box
for the rest. Marks that turn the writing direction, controls and half characters are taken
out, so that no name can disturb the page around it. Nothing is shaped: scripts whose letters join are
outside what these fonts hold and show as boxes.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from pathlib import Path
from xml.sax.saxutils import escape

from reportlab.lib.fonts import addMapping
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

REGULAR, BOLD, OTHER = "Noto", "Noto-Bold", "Other"
FOLDER = Path(__file__).parent / "fonts"
_FILES = {REGULAR: "NotoSans-Regular.ttf", BOLD: "NotoSans-Bold.ttf", OTHER: "DejaVuSans.ttf"}
BOX = "\u25a1"
_LONGEST = 1000
_HEBREW = range(0x590, 0x600), range(0xFB1D, 0xFB50)


@lru_cache(maxsize=1)
def register() -> None:
    """Make the fonts known to ReportLab, once."""
    for name, file in _FILES.items():
        pdfmetrics.registerFont(TTFont(name, str(FOLDER / file)))
    for bold in (0, 1):
        for italic in (0, 1):
            addMapping(REGULAR, bold, italic, BOLD if bold else REGULAR)


@lru_cache(maxsize=4)
def _glyphs(name: str) -> frozenset[int]:
    register()
    font = pdfmetrics.getFont(name)
    assert isinstance(font, TTFont), "registered above"
    return frozenset(font.face.charToGlyph)


def printable(text: str) -> str:
    """The text as it may be drawn: composed, in one line, without controls and direction marks."""
    if text.isascii() and text.isprintable() and len(text) <= _LONGEST:
        return text  # nearly always
    kept = []
    for character in unicodedata.normalize("NFC", text):
        category = unicodedata.category(character)
        if character.isspace():
            kept.append("\u00a0" if character == "\u00a0" else " ")
        elif category not in ("Cc", "Cf", "Cs", "Co") and not 0xFE00 <= ord(character) <= 0xFE0F:
            kept.append(character)
    found = "".join(kept)
    return found if len(found) <= _LONGEST else found[: _LONGEST - 1] + "…"


def plain(text: str) -> bool:
    """Whether the main font has every letter of it, so that a string will do."""
    return text.isascii() or _glyphs(REGULAR).issuperset(map(ord, text))


def markup(text: str) -> str:
    """The text for a Paragraph: escaped, and in the other font where the main one has no letter."""
    safe = printable(text)
    if plain(safe):
        return escape(safe)
    runs: list[tuple[str, str]] = []
    for character in safe:
        font = _font_of(character)
        character = character if _known(character) else BOX
        if runs and (runs[-1][0] == font or character == " "):
            runs[-1] = (runs[-1][0], runs[-1][1] + character)
        else:
            runs.append((font, character))
    return "".join(_run(font, escape(_visual(run))) for font, run in runs)


def _run(font: str, text: str) -> str:
    return text if font == REGULAR else f'<font face="{font}">{text}</font>'


def spoken(text: str) -> str | None:
    """What a screen reader shall say where the glyphs do not tell it: boxes, and what was turned round; else None."""
    safe = printable(text)
    if plain(safe) or all(_known(c) and not _is_hebrew(c) for c in safe):
        return None
    return safe


def _font_of(character: str) -> str:
    return REGULAR if ord(character) in _glyphs(REGULAR) else OTHER


def _known(character: str) -> bool:
    return ord(character) in _glyphs(REGULAR) or ord(character) in _glyphs(OTHER)


def _is_hebrew(character: str) -> bool:
    return any(ord(character) in part for part in _HEBREW)


def _visual(run: str) -> str:
    """Hebrew runs from right to left; the page itself is laid out from left to right."""
    if not any(map(_is_hebrew, run)):
        return run
    body = run.rstrip(" ")
    return body[::-1] + run[len(body) :]


def lines_markup(text: str) -> str:
    """The same for text of several lines, such as an address."""
    return "<br/>".join(markup(line) for line in text.splitlines() if line.strip())


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Width of a string in points."""
    return float(pdfmetrics.stringWidth(text, BOLD if bold else REGULAR, size))


def fitted(text: str, size: float, room: float, *, bold: bool = False) -> str:
    """The string, cut with an ellipsis where it is wider than the room in points."""
    safe = "".join(c if ord(c) in _glyphs(REGULAR) else "\u2026" for c in printable(text))
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
