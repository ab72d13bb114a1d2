"""Every document as pictures: `python -m tests.statements.gallery` writes docs/documents/.

The bank is the small demonstration of village.py, with a logo; each document is drawn in both languages and both sizes
of print, and its pages stand side by side on one picture. Look at them before they are committed.
"""

from __future__ import annotations

import base64
import io
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymupdf
from PIL import Image, ImageDraw

from coopbank.statements.document import Document
from coopbank.statements.kinds import KINDS
from coopbank.statements.sheet import Print
from coopbank.words import speaking
from tests.statements.village import Village, build, capital_paper, paper_of, patronage_paper

FOLDER = Path(__file__).parents[2] / "docs" / "documents"
SIZES: tuple[Print, ...] = ("normal", "large")
LANGUAGES = ("en", "es")
_DOTS, _GAP, _ACROSS = 50, 10, 4


@dataclass(frozen=True)
class Shown:
    """A document of the gallery: its file's name, what it is called, and what is to be known of it."""

    name: str
    title: str
    about: str


def shown(village: Village) -> list[tuple[Shown, tuple[Any, ...]]]:
    """What the gallery shows, in the order of the kinds."""
    found = []
    seen: dict[str, int] = {}
    for wanted in village.papers:
        kind = wanted[0]
        seen[kind] = seen.get(kind, 0) + 1
        name = kind if seen[kind] == 1 else f"{kind}-{seen[kind]}"
        found.append((Shown(name, KINDS[kind].title, wanted[1]), wanted))
    return found


def main() -> int:
    """Write the pictures and their page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.png"):
        old.unlink()
    with tempfile.TemporaryDirectory() as name:
        village = build(Path(name) / "ledger.db")
        _give_logo(village)
        rows = list(_drawn(village))
        village.bank.close()
    (FOLDER / "README.md").write_text(page(rows), encoding="utf-8")
    print(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER.name}")
    return 0


def _drawn(village: Village) -> Iterator[Shown]:
    with village.bank.read() as books:
        for each, wanted in shown(village):
            for language in LANGUAGES:
                for size in SIZES:
                    with speaking(language):
                        _save(each.name, language, size, paper_of(books, *wanted, size))
            yield each
        for language in LANGUAGES:
            for size in SIZES:
                with speaking(language):
                    _save("patronage-notice", language, size, patronage_paper(books, size))
        yield Shown("patronage-notice", "Patronage notice", "invented figures")
        for language in LANGUAGES:
            for size in SIZES:
                with speaking(language):
                    _save("capital-statement", language, size, capital_paper(books, size))
        yield Shown("capital-statement", "Internal capital account", "invented figures")


def _save(name: str, language: str, size: str, paper: Document[Any]) -> None:
    picture = contact_sheet(paper.to_bytes())
    picture.save(FOLDER / f"{name}-{language}-{size}.png", optimize=True)


def contact_sheet(data: bytes) -> Image.Image:
    """All pages of a document on one picture."""
    with pymupdf.open(stream=data, filetype="pdf") as pdf:
        pages = [
            Image.open(io.BytesIO(page.get_pixmap(dpi=_DOTS).tobytes("png"))).convert("RGB") for page in pdf
        ]  # fmt: skip
    wide, high = pages[0].size
    across = min(_ACROSS, len(pages))
    down = -(-len(pages) // across)
    sheet = Image.new("RGB", (across * (wide + _GAP) + _GAP, down * (high + _GAP) + _GAP), "#8a9499")
    for n, page in enumerate(pages):
        sheet.paste(page, (_GAP + n % across * (wide + _GAP), _GAP + n // across * (high + _GAP)))
    return sheet.quantize(48, dither=Image.Dither.NONE)


def _give_logo(village: Village) -> None:
    """An invented sign: a sun over a field."""
    picture = Image.new("RGB", (240, 120), "white")
    pen = ImageDraw.Draw(picture)
    pen.ellipse((70, 10, 170, 110), fill="#d9a441")
    pen.rectangle((0, 62, 240, 120), fill="#1d4f5c")
    pen.line((0, 90, 240, 90), fill="white", width=4)
    told = io.BytesIO()
    picture.save(told, "PNG")
    bank = village.bank
    value = base64.b64encode(told.getvalue()).decode()
    request = bank.perform(village.dell, bank.build("set-policy", {"policy": "logo", "value": value})).request
    with bank.read() as books:
        rosa = books.actor_now("rosa")
    bank.perform(rosa, bank.build("approve", {"request": request}))


def page(rows: list[Shown]) -> str:
    """The page of the gallery."""
    told = [
        "# The documents",
        "",
        "Each in English and Spanish, in normal and in large print (18 points and more); made by",
        "`python -m tests.statements.gallery` from a small demonstration bank, whose people and figures are invented.",
        "How they are made, recorded and checked: [documents.md](../documents.md).",
    ]
    for each in rows:
        told += ["", f"## {each.title}{f' ({each.about})' if each.about else ''}", ""]
        told += ["| English | Spanish |", "|---|---|"]
        for size in SIZES:
            cells = [
                f"![{each.title}, {language}, {size}]({each.name}-{language}-{size}.png)" for language in LANGUAGES
            ]
            told.append(f"| {' | '.join(cells)} |")
    return "\n".join(told) + "\n"


if __name__ == "__main__":
    sys.exit(main())
