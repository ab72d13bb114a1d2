"""What every document has: whose face it bears, a title, to whom it is, its parts, and how it can be checked.

    class Payoff(Document[PayoffLetter]):
        def title(self) -> str: ...
        def body(self) -> Iterator[Flowable]: ...

    data = Payoff(report, sheet).to_bytes()

A document draws a report and reckons nothing. It speaks the language in force.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Spacer

from coopbank.bank.operation import CREDIT_UNION
from coopbank.reports.document import as_document
from coopbank.statements.archive import Properties
from coopbank.statements.pages import Pages
from coopbank.statements.parts import Parts, amount, amount_or_blank
from coopbank.statements.sheet import Sheet
from coopbank.statements.tables import Column, Row, activity, figures, under_headings
from coopbank.statements.typeface import DRAWING, brief
from coopbank.words import _, language

R = TypeVar("R")

DISPUTE_DAYS = 60
_BOOKS = frozenset({"business_date", "head_number", "head_hash", "head_at", "changed_since"})
"""What a report's source says of the books; the stamp says it, and the hash of the figures is the same without."""
_COMING = "still_coming"
"""What a report still lacks: that it lacks some is hashed, so that a whole paper replaces it; how much of it is not."""

_ADDED = frozenset({"takes_back"})
"""What reports show since papers were made without it: those still agree with the books."""


def figures_hash(report: Any) -> str:
    """SHA-256 in hex of all that a report shows: as JSON with sorted names, without how far the books had come."""
    text = json.dumps(
        _shown(as_document(report)), sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str
    )
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        shown = {name: _shown(each) for name, each in value.items() if name not in _BOOKS | _ADDED and name != _COMING}
        return shown | ({_COMING: True} if value.get(_COMING) else {})
    return [_shown(each) for each in value] if isinstance(value, list) else value


class Document(ABC, Generic[R]):
    """A report as pages of paper."""

    disputable: ClassVar[bool] = False  # the reader is told what to do if something is wrong

    def __init__(self, report: R, sheet: Sheet) -> None:
        self.report = report
        self.sheet = sheet if sheet.stamp.figures else sheet.stamped(figures_hash(report))
        self.parts = Parts(self.sheet)

    # ------------------------------------------------------- what a document says of itself

    @abstractmethod
    def title(self) -> str:
        """The title, as it stands on the first page."""

    def subtitle(self) -> str:
        """Of when it is."""
        return ""

    def about(self) -> str:
        """Whose it is, for the running head and the name of the file's window: a number, never a name."""
        return ""

    def addressee(self) -> Sequence[str]:
        """Name and address of who is written to; the name first."""
        return ()

    def facts(self) -> Sequence[tuple[str, str]]:
        """Labels and values beside the address."""
        return ()

    @abstractmethod
    def body(self) -> Iterator[Flowable]:
        """The parts between the opening and the closing."""

    # --------------------------------------------------------------------------- as pages

    def to_bytes(self) -> bytes:
        """The finished PDF."""
        with DRAWING:
            story = under_headings([*self.opening(), *self.body(), *self.closing()], self.sheet.room)
            return self._pages().to_bytes(story)

    def _pages(self) -> Pages:
        stamp, brand = self.sheet.stamp, self.sheet.brand
        name = " · ".join(part for part in (self.title(), self.about(), self.subtitle()) if part)
        books = _("Books {number} · {hash}").format(number=stamp.operation, hash=stamp.head)
        return Pages(
            sheet=self.sheet, head=(brand.name, stamp.number),
            foot=stamp.number if self.sheet.large else f"{stamp.number} · {books}",
            page_words=_("Page {page} of {pages}"),
            properties=Properties(
                title=f"{name} · {brand.name[:100]}", author=brand.name, subject=name,
                language="es-US" if language() == "es" else "en-US", instant=stamp.at, keywords=stamp.code,
            ),
        )  # fmt: skip

    def opening(self) -> Iterator[Flowable]:
        """Letterhead, title, to whom, and the facts beside."""
        parts = self.parts
        yield parts.letterhead()
        yield Spacer(1, 3 * mm)
        yield parts.title(self.title())
        if self.subtitle():
            yield parts.quiet(self.subtitle(), after=3 * mm)
        to, facts = list(self.addressee()), list(self.facts())
        if to or facts:
            left = [parts.paragraph(brief(to[0]), bold=True, after=0.4 * mm)] if to else []
            left += [parts.paragraph(brief(line), after=0) for line in to[1:] if line]
            right = parts.facts(facts)
            yield Spacer(1, 2 * mm)
            yield parts.beside(left, right) if left and right else parts.beside([*left, *right], [])
            yield Spacer(1, 3 * mm)

    def closing(self) -> Iterator[Flowable]:
        """What to do if something is wrong, and how the document can be checked."""
        if self.disputable:
            yield from self.parts.heading(_("If something is wrong"), keep=24 * mm)
            yield self.parts.paragraph(self._dispute())
        if self.sheet.brand.kind != CREDIT_UNION and self.disputable:
            yield self.parts.small(_("No government agency guarantees this money."))
        yield Spacer(1, 2.5 * mm)
        yield self._seal()

    def _dispute(self) -> str:
        text = _(
            "Tell us within {days} days of receiving this document: {contact}. Say which line it is, with its date and"
            " receipt number, and what you think is right. A mistake is corrected by a new line; the wrong one stays"
            " to be seen."
        )
        return text.format(days=DISPUTE_DAYS, contact=self.sheet.brand.contact or _("at the counter"))

    def _seal(self) -> Flowable:
        stamp = self.sheet.stamp
        text = _(
            "Document {document}. Its figures are those of the books up to operation {number}, made on {instant} (UTC),"
            " whose fingerprint begins with {hash}. Show this code to anyone who has the books: “coopbank check” says"
            " whether they still agree."
        )
        sentences = [
            text.format(
                document=stamp.number, number=stamp.operation, instant=stamp.at[:16].replace("T", " "), hash=stamp.head
            ),
            stamp.code,
        ]
        if not stamp.recorded:
            sentences.append(_("This copy was made by somebody who only read the books; they hold no record of it."))
        if stamp.first_made_by:
            text = _("Its first copy was made by version {version} of the program; the figures are the same.")
            sentences.append(text.format(version=stamp.first_made_by))
        if stamp.replaces:
            sentences.append(_("It replaces document {document}.").format(document=stamp.replaces))
        spoken = _("The code above as a square to be read by a telephone")
        return self.parts.seal(_("How this can be checked"), sentences, spoken)

    # ------------------------------------------------------------------ for those who draw

    @cached_property
    def currency(self) -> str:
        """The currency of the report's amounts."""
        return str(getattr(getattr(self.report, "source", None), "currency", "USD"))

    def money(self, minor: int) -> str:
        """An amount with thousands and decimals."""
        return amount(minor, self.currency)

    def money_or_blank(self, minor: int) -> str:
        """The same; nothing where there is none."""
        return amount_or_blank(minor, self.currency)

    def heading(self, text: str, *, keep: float = 40 * mm) -> list[Flowable]:
        """A heading of a section."""
        return self.parts.heading(text, keep=keep)

    def paragraph(self, text: str) -> Flowable:
        """A paragraph."""
        return self.parts.paragraph(text)

    def figures(self, columns: Sequence[Column], rows: Sequence[Row]) -> Flowable:
        """A table of figures."""
        return figures(self.parts, columns, rows)

    def activity(self, columns: Sequence[Column], rows: Sequence[Row], *, carries: bool = True) -> Flowable:
        """A long table; with `carries`, its last column is a running balance that is carried over each page."""
        if not carries:
            return activity(self.parts, columns, rows)
        return activity(self.parts, columns, rows, carried=_("Carried forward"), brought=_("Brought forward"))

    @staticmethod
    def gap(high: float = 3 * mm) -> Flowable:
        """Room."""
        return Spacer(1, high)
