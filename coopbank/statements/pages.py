"""The pages of a document: margins, running heads and feet, and how its parts become bytes."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reportlab import rl_config
from reportlab.lib.units import mm
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate

from coopbank.statements.archive import Properties
from coopbank.statements.sheet import BOTTOM, QUIET, RULE, SIDE, TOP, Sheet
from coopbank.statements.tagged import TaggedCanvas, Tree, finish
from coopbank.statements.typeface import BOLD, REGULAR, fitted, register, width

_BAND = 3 * mm


@dataclass(frozen=True)
class Pages:
    """Parts that become pages. `foot` stands on every page, `head` (left and right) from the second on."""

    sheet: Sheet
    head: tuple[str, str]
    foot: str
    page_words: str  # "Page {page} of {pages}"
    properties: Properties

    def to_bytes(self, parts: Iterable[Flowable]) -> bytes:
        """The finished PDF."""
        register()
        rl_config.useA85 = 0  # streams of bytes; as text they would be a quarter longer
        tree, drawn = Tree(), io.BytesIO()
        page_width, page_height = self.sheet.page
        template = BaseDocTemplate(
            drawn, pagesize=(page_width, page_height), leftMargin=SIDE, rightMargin=SIDE, topMargin=TOP,
            bottomMargin=BOTTOM, title=self.properties.title, author=self.properties.author,
            subject=self.properties.subject, lang=self.properties.language, invariant=1, initialFontName=REGULAR,
            pageCompression=0,  # the second pass packs them, with a library of its own: no Python differs
        )  # fmt: skip
        high = page_height - TOP - BOTTOM
        later = high - self.sheet.points("foot") * 1.4 - 4 * mm
        template.addPageTemplates(
            [
                PageTemplate("first", [_frame(self.sheet.room, high)], autoNextPageTemplate="later"),
                PageTemplate("later", [_frame(self.sheet.room, later)]),
            ]
        )

        def canvas(*args: Any, **kwargs: Any) -> TaggedCanvas:
            return TaggedCanvas(*args, tree=tree, furniture=self._furniture, **kwargs)

        template.build(list(parts), canvasmaker=canvas)
        return finish(drawn.getvalue(), tree, self.properties)

    def _furniture(self, canvas: TaggedCanvas, page: int, pages: int) -> None:
        self._foot(canvas, self.page_words.format(page=page, pages=pages))
        if page == 1:
            self._band(canvas)
        else:
            self._running_head(canvas)

    def _band(self, canvas: TaggedCanvas) -> None:
        page_width, page_height = self.sheet.page
        canvas.begin_artifact()
        canvas.setFillColor(self.sheet.accent)
        canvas.rect(0, page_height - _BAND, page_width, _BAND, stroke=0, fill=1)
        canvas.end()

    def _foot(self, canvas: TaggedCanvas, number: str) -> None:
        size, right = self.sheet.points("foot"), self.sheet.page[0] - SIDE
        canvas.begin_artifact("/Type /Pagination /Subtype /Footer /Attached [/Bottom]")
        canvas.setFillColor(QUIET)
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.5)
        canvas.setFont(REGULAR, size)
        canvas.line(SIDE, BOTTOM - 4 * mm, right, BOTTOM - 4 * mm)
        base = BOTTOM - 4.5 * mm - size
        canvas.drawRightString(right, base, number)
        room = self.sheet.room - width(number, size) - 6 * mm
        canvas.drawString(SIDE, base, fitted(self.foot, size, room))
        canvas.end()

    def _running_head(self, canvas: TaggedCanvas) -> None:
        size, right = self.sheet.points("foot"), self.sheet.page[0] - SIDE
        base = self.sheet.page[1] - TOP - size * 0.8
        whose, what = self.head
        canvas.begin_artifact("/Type /Pagination /Subtype /Header /Attached [/Top]")
        canvas.setFillColor(QUIET)
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.5)
        canvas.setFont(BOLD, size)
        what = fitted(what, size, self.sheet.room * 0.6, bold=True)
        room = self.sheet.room - width(what, size, bold=True) - 6 * mm
        canvas.drawString(SIDE, base, fitted(whose, size, room, bold=True))
        canvas.drawRightString(right, base, what)
        canvas.line(SIDE, base - 2 * mm, right, base - 2 * mm)
        canvas.end()


def _frame(wide: float, high: float) -> Frame:
    return Frame(SIDE, BOTTOM, wide, high, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
