"""A document on paper: page size, margins, running heads and feet, and how its parts become bytes.

paper = Document(title=..., head=..., foot=..., properties=..., paper="letter")
paper.add(...parts of coopbank/statements/parts.py...)
data = paper.to_bytes()
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any, Literal

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4, LETTER
from reportlab.lib.units import mm
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate

from coopbank.statements.tagged import Properties, TaggedCanvas, Tree, finish
from coopbank.statements.typeface import BOLD, REGULAR, fitted, register, width

Paper = Literal["letter", "a4"]
SIZES: dict[Paper, tuple[float, float]] = {"letter": LETTER, "a4": A4}

INK = HexColor("#1b1f23")
QUIET = HexColor("#4b5560")
ACCENT = HexColor("#1d4f5c")
SHADE = HexColor("#eaf0f1")
RULE = HexColor("#b9c4c8")

SIDE = 18 * mm
TOP = 17 * mm
BOTTOM = 20 * mm


@dataclass
class Document:
    """Parts that become the pages of one document. `foot` stands on every page, `head` from the second on."""

    head: tuple[str, str]  # left and right
    foot: str
    page_words: str  # "Page {page} of {pages}"
    properties: Properties
    paper: Paper = "letter"
    parts: list[Flowable] = field(default_factory=list)

    def add(self, *parts: Flowable) -> None:
        """Put parts at the end."""
        self.parts.extend(parts)

    @property
    def width(self) -> float:
        """Room between the margins, in points."""
        return SIZES[self.paper][0] - 2 * SIDE

    def to_bytes(self) -> bytes:
        """The finished PDF."""
        register()
        tree = Tree()
        drawn = io.BytesIO()
        page_width, page_height = SIZES[self.paper]
        template = BaseDocTemplate(
            drawn, pagesize=(page_width, page_height), leftMargin=SIDE, rightMargin=SIDE, topMargin=TOP,
            bottomMargin=BOTTOM, title=self.properties.title, author=self.properties.author,
            subject=self.properties.subject, lang=self.properties.language, invariant=1, initialFontName=REGULAR,
            pageCompression=1,
        )  # fmt: skip
        room = (SIDE, BOTTOM, self.width, page_height - TOP - BOTTOM)
        later = (SIDE, BOTTOM, self.width, page_height - TOP - BOTTOM - 8 * mm)
        template.addPageTemplates(
            [
                PageTemplate("first", [_frame(*room)], autoNextPageTemplate="later"),
                PageTemplate("later", [_frame(*later)]),
            ]
        )

        def canvas(*args: Any, **kwargs: Any) -> TaggedCanvas:
            return TaggedCanvas(*args, tree=tree, furniture=self._furniture, **kwargs)

        template.build(self.parts, canvasmaker=canvas)
        return finish(drawn.getvalue(), tree, self.properties)

    def _furniture(self, canvas: TaggedCanvas, page: int, pages: int) -> None:
        page_width, page_height = SIZES[self.paper]
        right = page_width - SIDE
        number = self.page_words.format(page=page, pages=pages)
        canvas.begin_artifact("/Type /Pagination /Subtype /Footer /Attached [/Bottom]")
        canvas.setFillColor(QUIET)
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.5)
        canvas.setFont(REGULAR, 8)
        canvas.line(SIDE, BOTTOM - 4 * mm, right, BOTTOM - 4 * mm)
        canvas.drawRightString(right, BOTTOM - 8.5 * mm, number)
        room = self.width - width(number, 8) - 6 * mm
        canvas.drawString(SIDE, BOTTOM - 8.5 * mm, fitted(self.foot, 8, room))
        canvas.end()
        if page > 1:
            canvas.begin_artifact("/Type /Pagination /Subtype /Header /Attached [/Top]")
            canvas.setFont(BOLD, 8)
            whose, what = self.head
            room = self.width - width(what, 8, bold=True) - 6 * mm
            canvas.drawString(SIDE, page_height - TOP - 1 * mm, fitted(whose, 8, room, bold=True))
            canvas.drawRightString(right, page_height - TOP - 1 * mm, what)
            canvas.line(SIDE, page_height - TOP - 3 * mm, right, page_height - TOP - 3 * mm)
            canvas.end()


def _frame(x: float, y: float, w: float, h: float) -> Frame:
    return Frame(x, y, w, h, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
