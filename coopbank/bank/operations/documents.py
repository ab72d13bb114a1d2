"""Documents that were made: their numbers, as of which operation, who made them, and the hash of each copy.

The program records a document when it has drawn it; nobody fills this in. A document is made once for its figures: a
further copy, in other print, paper or language, is made as of the same operation and is a further version of its
record. When the figures of the same period have changed, the next edition is made, and names the one that it replaces.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.desk import Desk
from coopbank.bank.fields import refuse
from coopbank.bank.operation import CATALOGUE, Operation
from coopbank.errors import AlreadyExists, InvalidValue, WrongState

MOST: Final = 500
"""Documents recorded by one operation; a longer run is recorded in parts."""
SAME_IN_COPIES: Final = ("document", "about", "edition", "replaces", "as_of", "head")
"""What every copy of a document has from its first one, beside the figures."""
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_NUMBER: Final = re.compile(r"[A-Z]{2}(-[A-Za-z0-9._]+){0,12}")


def _is_hash(text: str) -> str:
    if not _HASH.fullmatch(text):
        raise refuse("A SHA-256 has 64 digits, 0 to 9 and a to f.")
    return text


def _is_number(text: str) -> str:
    if not _NUMBER.fullmatch(text) or len(text) > 80:
        raise refuse("{number} is no number of a document.", number=text[:40])
    return text


def _is_day(text: str) -> str:
    if text and date.fromisoformat(text).isoformat() != text:  # it reads 20260331 and weeks too
        raise ValueError(text)
    return text


class Made(BaseModel):
    """A copy of a document that was drawn."""

    # Looked at again in the list: a copy of another one with some values changed was never looked at.
    model_config = ConfigDict(frozen=True, extra="forbid", revalidate_instances="always", defer_build=True)
    number: Annotated[str, AfterValidator(_is_number)]
    document: Annotated[str, Field(pattern=r"^[a-z]+(-[a-z]+)*$", max_length=40)]
    about: str = ""
    start: Annotated[str, AfterValidator(_is_day)] = ""
    end: Annotated[str, AfterValidator(_is_day)] = ""
    edition: int = Field(default=1, ge=1)
    replaces: str | None = None
    as_of: int = Field(ge=1, lt=2**63)
    head: str
    figures: Annotated[str, AfterValidator(_is_hash)]
    file: Annotated[str, AfterValidator(_is_hash)]
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
    paper: Literal["letter", "a4"]
    print_size: Literal["normal", "large"]
    software: str


class RecordDocuments(Operation):
    """Documents were made."""

    name: ClassVar[str] = "record-documents"
    title: ClassVar[str] = "Documents made"
    subject: ClassVar[str] = "books"
    internal: ClassVar[bool] = True
    reversible: ClassVar[bool] = False

    documents: Annotated[list[Made], Field(min_length=1, max_length=MOST)]

    def serves(self, desk: Desk) -> set[str]:
        return set()  # paper moves nothing

    def sealed(self, keep: Callable[[str, str], dict[str, str]]) -> dict[str, Any]:
        """Numbers and the digests of the files; all else stands in the records."""
        return {"documents": [[made.number, keep("document_file", made.file)] for made in self.documents]}

    def perform(self, desk: Desk) -> None:
        desk.actor_now(desk.actor.user)
        for made in self.documents:
            self._record(desk, made)

    def _record(self, desk: Desk, made: Made) -> None:
        known = desk.find(records.Document, made.number)
        if known is None:
            self._require_head(desk, made)
            self._require_nobody_forgotten(desk, made)
            self._require_edition(desk, made)
        else:
            self._require_copy(desk, made, known)
        told = made.model_dump(exclude={"number", "figures", "file"})
        if known is not None:  # what is as of now has no days of its own: those of the first copy stay
            told |= {"start": known.start, "end": known.end}
        body = records.Document(
            **told, made_by=desk.actor.user, file=desk.keep("document_file", made.file),
            figures=desk.keep("document_figures", made.figures) if known is None else known.figures,
        )  # fmt: skip
        desk.write(made.number, body, about=made.about or None)
        desk.created.append(made.number)

    @staticmethod
    def _require_head(desk: Desk, made: Made) -> None:
        hash_ = desk.tx.value("SELECT hash FROM operation WHERE id = ?", made.as_of)
        if hash_ is None or bytes(hash_).hex()[:16] != made.head:
            raise InvalidValue(
                "The books do not say {head} at operation {as_of}.", field="documents", head=made.head[:16],
                as_of=made.as_of,
            )  # fmt: skip

    @staticmethod
    def _require_nobody_forgotten(desk: Desk, made: Made) -> None:
        """What was drawn before somebody was forgotten may say their name, and is drawn anew."""
        kinds = [kind.name for kind in CATALOGUE.values() if kind.erases]
        marks = ", ".join("?" * len(kinds))
        forgot = desk.tx.value(f"SELECT 1 FROM operation WHERE id > ? AND kind || '' IN ({marks})", made.as_of, *kinds)
        if forgot is not None:
            raise AlreadyExists(
                "Somebody was forgotten since document {number} was drawn.", field="documents", number=made.number,
                hint="Ask for it again: it is drawn anew, without what was erased.",
            )  # fmt: skip

    @staticmethod
    def _require_edition(desk: Desk, made: Made) -> None:
        """A first edition replaces nothing; each later one replaces the one before, and is as of a later operation."""
        before = None if made.edition == 1 else edition_number(made.number, made.edition - 1)
        replaced = None if before is None else desk.find(records.Document, before)
        if (
            made.number != edition_number(made.number, made.edition)
            or made.replaces != before
            or (before is not None and (replaced is None or replaced.as_of >= made.as_of))
        ):
            raise WrongState(
                "Document {number} is no edition {edition}.", field="documents", number=made.number,
                edition=made.edition,
            )  # fmt: skip

    @classmethod
    def _require_copy(cls, desk: Desk, made: Made, known: records.Document) -> None:
        """Another copy of a document says of it what its record says."""
        # First: whoever meets this reads the books again and makes the copy anew.
        if (known.as_of, desk.personal(known.figures)) != (made.as_of, made.figures):
            raise AlreadyExists(
                "Document {number} was made as of operation {known}; this one is as of {as_of} or has other figures.",
                field="documents", number=made.number, known=known.as_of, as_of=made.as_of,
                hint="Somebody else made it a moment ago: ask for it again.",
            )  # fmt: skip
        cls._require_head(desk, made)
        if any(getattr(made, name) != getattr(known, name) for name in SAME_IN_COPIES):
            raise WrongState("A copy of document {number} says other things of it than its record.", field="documents",
                             number=made.number)  # fmt: skip


def base_number(number: str) -> str:
    """The number of a document's first edition."""
    return re.sub(r"\.E[0-9]+$", "", number)


def edition_number(number: str, edition: int) -> str:
    """The number of an edition: `ST-2026-06-M0007`, `ST-2026-06-M0007.E2`."""
    base = base_number(number)
    return base if edition <= 1 else f"{base}.E{edition}"


def last_edition(books: Books, number: str) -> tuple[str, records.Document] | None:
    """The last edition of a document, and its number; None if it was never made."""
    found, edition = None, 1
    while (body := books.find(records.Document, edition_number(number, edition))) is not None:
        found = (edition_number(number, edition), body)
        edition += 1
    return found
