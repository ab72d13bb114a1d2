"""Making a document: found or drawn, written as a file, recorded; and made again, byte by byte.

    made = make(bank, "member-statement", "M0007", start, end, actor=actor, folder=Path("statements"))

    1. The report is read and its figures are hashed (in English, so that every copy has the same hash).
    2. If the last edition that was made shows the same figures, this is a copy of it: it is drawn as of the operation
       that it was made as of, with the names and settings of then. Else it is the next edition, as of now.
    3. The file is written whole or not at all, then the document is recorded in the books by whoever made it.

Somebody who only reads the books gets the same document; it says that no record of it is held.
"""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from coopbank import __version__
from coopbank.bank import records
from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor, Books
from coopbank.bank.operations.documents import Made, edition_number, last_edition
from coopbank.bank.whole_files import make_folder, new_part
from coopbank.errors import AlreadyExists, WrongState, WrongUsage
from coopbank.reports.document import source
from coopbank.statements.document import figures_hash
from coopbank.statements.kinds import Kind, kind_named, span_of
from coopbank.statements.sheet import COLOUR, Brand, Paper, Print, Sheet, Stamp
from coopbank.words import speaking

_TRIES = 5


@dataclass(frozen=True)
class Copy:
    """How a copy is wanted; what is None is as the member or the bank has it."""

    language: str | None = None
    paper: Paper | None = None
    print_size: Print = "normal"


ORDINARY = Copy()


@dataclass(frozen=True)
class Written:
    """A document as a file. `again`: the books knew of it already; `identical`: and this copy is that copy."""

    path: Path
    number: str
    about: str
    sha256: str
    recorded: bool
    again: bool
    identical: bool
    software: str  # that made the first copy
    entry: Made


@dataclass(frozen=True)
class Request:
    """A document that is wanted, with nothing left open."""

    kind: Kind
    about: str
    start: date
    end: date
    language: str
    paper: Paper
    print_size: Print

    @property
    def number(self) -> str:
        """The number of its first edition."""
        return self.kind.number(self.about, self.start, self.end)

    def variant_of(self, body: records.Document) -> bool:
        """Whether a recorded copy is in the same language, paper and print."""
        return (body.language, body.paper, body.print_size) == (self.language, self.paper, self.print_size)


def make(
    bank: Bank, kind: str, about: str = "", start: date | None = None, end: date | None = None, *,
    actor: Actor | None = None, folder: Path | str = "statements", copy: Copy = ORDINARY,
) -> Written:  # fmt: skip
    """Make one document. With an `actor` it is recorded; two who make the same one at a time get the same document."""
    for attempt in range(1, _TRIES + 1):
        with bank.read() as books:
            request = wanted(books, kind, about, start, end, copy)
            data, written = draw(bank, books, request, recorded=actor is not None)
        written = replace(written, path=file_of(request, written.number, Path(folder)))
        store(written.path, data)
        if actor is None or written.identical:
            return written
        try:
            bank.record_documents(actor, [written.entry])
        except AlreadyExists:
            if attempt == _TRIES:
                raise
            continue
        return replace(written, recorded=True)
    raise AssertionError("the last attempt returns or raises")


def make_again(
    bank: Bank, number: str, *, actor: Actor | None = None, folder: Path | str = "statements", copy: Copy | None = None
) -> Written:
    """A further copy of a document that was recorded, by its number: as of its operation, whatever came later.

    What `copy` leaves open is as it was in the copy that was recorded last.
    """
    with bank.read() as books:
        body = books.get(records.Document, number)
        known = Copy(body.language, paper_named(body.paper), "large" if body.print_size == "large" else "normal")
        asked = copy or known
        request = Request(
            kind_named(body.document), body.about, date.fromisoformat(body.start), date.fromisoformat(body.end),
            asked.language or body.language, asked.paper or paper_named(body.paper), asked.print_size,
        )  # fmt: skip
        data, written = _again(bank, books, request, number, body)
    written = replace(written, path=file_of(request, number, Path(folder)))
    store(written.path, data)
    if actor is not None and not written.identical:
        bank.record_documents(actor, [written.entry])
        written = replace(written, recorded=True)
    return written


def wanted(books: Books, kind: str, about: str, start: date | None, end: date | None, copy: Copy = ORDINARY) -> Request:
    """The request with the language of the member, the paper of the bank, and the days of the kind."""
    found = kind_named(kind)
    if about and not found.subject:  # a day, say: a paper of another day would carry it in its number
        raise WrongUsage(
            "A document of the kind {kind} is about the whole bank: no number goes with it.", field="number", kind=kind,
            hint="Say its days with --from and --to." if found.span else None,
        )  # fmt: skip
    today = books.business_date() or date.max
    first, last = span_of(found, start, end, today)
    member = found.member_of(books, about)
    language = copy.language or ("en" if member is None else books.get(records.Member, member, "member").language)
    return Request(found, about, first, last, language, copy.paper or paper_of(books), copy.print_size)


def kept(books: Books, request: Request, folder: Path, known: Books | None = None) -> Written | None:
    """What is there already: a copy that was recorded, whose figures still hold; None if it must be drawn.

    `known`: the books as they are now, where `books` shows them as they were.
    """
    now = known or books
    last = last_edition(now, request.number)
    if last is None or not (path := file_of(request, last[0], folder)).is_file():
        return None
    number, body = last
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    copy = next((each for each in copies(now, number) if request.variant_of(each)), None)
    if copy is None or copy.software != __version__ or now.personal(copy.file) != digest:
        return None
    with speaking("en"):
        figures = figures_hash(_report(books, request))
    if figures != now.personal(body.figures):
        return None
    stamp = Stamp(number, body.as_of, body.head, "", figures, recorded=True, replaces=body.replaces)
    found = _written(request, stamp, b"", edition=body.edition, again=True, identical=True, software=body.software)
    return replace(found, path=path, sha256=digest, entry=found.entry.model_copy(update={"file": digest}))


def draw(
    bank: Bank, books: Books, request: Request, *, recorded: bool, known: Books | None = None
) -> tuple[bytes, Written]:
    """The document's bytes, and what is known of it; its path is still to be given. `known` as in `kept`."""
    now = known or books
    with speaking("en"):
        report = _report(books, request)
        figures = figures_hash(report)
    last = last_edition(now, request.number)
    if last is not None and now.personal(last[1].figures) == figures:
        return _again(bank, now, request, *last)
    edition = 1 if last is None else last[1].edition + 1
    origin = source(books)
    if last is not None and last[1].as_of >= origin.head_number:
        raise WrongState(
            "Document {number} shows other figures, as of operation {later}; one as of {earlier} does not replace it.",
            field="document", number=last[0], later=last[1].as_of, earlier=origin.head_number,
        )  # fmt: skip
    stamp = Stamp(
        number=edition_number(request.number, edition), operation=origin.head_number, head=origin.head_hash,
        at=origin.head_at, figures=figures, recorded=recorded, replaces=None if last is None else last[0],
    )  # fmt: skip
    data = _drawn(books, request, stamp, report if request.language == "en" else None)
    return data, _written(request, stamp, data, edition=edition, again=False, identical=False, software=__version__)


def _again(
    bank: Bank, books: Books, request: Request, number: str, body: records.Document
) -> tuple[bytes, Written]:  # fmt: skip
    """A further copy of a document that the books know: as of its operation, with the names and settings of then."""
    at = str(books.tx.value("SELECT at FROM operation WHERE id = ?", body.as_of))
    stamp = Stamp(
        number=number, operation=body.as_of, head=body.head, at=at, figures=books.personal(body.figures),
        recorded=True, replaces=body.replaces,
        first_made_by="" if body.software == __version__ else body.software,
    )  # fmt: skip
    with bank.read(body.as_of) as then:
        data = _drawn(then, request, stamp)
    digest = hashlib.sha256(data).hexdigest()
    known = any(request.variant_of(copy) and books.personal(copy.file) == digest for copy in copies(books, number))
    return data, _written(
        request, stamp, data, edition=body.edition, again=True, identical=known, software=body.software
    )


def copies(books: Books, number: str) -> list[records.Document]:
    """Every copy of a document that was recorded."""
    rows = books.tx.rows(
        "SELECT body FROM record WHERE kind = ? AND ref = ? ORDER BY version", records.Document.kind, number
    )
    return [records.Document.model_validate_json(text) for (text,) in rows]


def _report(books: Books, request: Request) -> Any:
    return request.kind.gather(books, request.about, request.start, request.end)


def _drawn(books: Books, request: Request, stamp: Stamp, report: Any = None) -> bytes:
    """The PDF; a report that was read in the same language need not be read again."""
    with speaking(request.language):
        sheet = Sheet(brand_of(books), stamp, request.paper, request.print_size)
        return request.kind.paper(report or _report(books, request), sheet).to_bytes()


def _written(
    request: Request, stamp: Stamp, data: bytes, *, edition: int, again: bool, identical: bool, software: str
) -> Written:
    digest = hashlib.sha256(data).hexdigest()
    entry = Made(
        number=stamp.number, document=request.kind.name, about=request.about, start=request.start.isoformat(),
        end=request.end.isoformat(), edition=edition, replaces=stamp.replaces, as_of=stamp.operation, head=stamp.head,
        figures=stamp.figures, file=digest, language=request.language, paper=request.paper,
        print_size=request.print_size, software=__version__,
    )  # fmt: skip
    return Written(
        path=Path(), number=stamp.number, about=request.about, sha256=digest, recorded=identical, again=again,
        identical=identical, software=software, entry=entry,
    )  # fmt: skip


# ---------------------------------------------------------------------------- face and file


def brand_of(books: Books) -> Brand:
    """The institution's face, as its settings are in these books."""
    found = books.institution()
    told = {name: str(books.policy(name, "")).strip() for name in ("address", "phone", "email", "colour", "logo")}
    return Brand(
        name=found.name, kind=found.institution_kind, address=told["address"], phone=told["phone"],
        email=told["email"], colour=told["colour"] or COLOUR,
        logo=base64.b64decode(told["logo"]) if told["logo"] else None,
    )  # fmt: skip


def paper_of(books: Books) -> Paper:
    """The bank's paper."""
    return paper_named(str(books.policy("paper", "letter")))


def paper_named(text: str) -> Paper:
    """Letter, unless A4 is named."""
    return "a4" if text.lower() == "a4" else "letter"


def file_of(request: Request, number: str, folder: Path) -> Path:
    """`statements/2026-06/M0007-member-statement-2026-06.pdf`: by month, then whose, then what."""
    kind, edition = request.kind, number.removeprefix(request.number).removeprefix(".")
    named = request.number.removeprefix(f"{kind.code}-").removesuffix(request.about).strip("-")
    about = "".join(c if c.isalnum() or c in "-." else "_" for c in request.about) or "bank"
    parts = [about, kind.name, named, edition.lower()]
    parts += [request.language] if request.language != "en" else []
    parts += ["large"] if request.print_size == "large" else []
    return folder / f"{request.end:%Y-%m}" / ("-".join(part for part in parts if part) + ".pdf")


def store(path: Path, data: bytes, *, field: str = "folder") -> None:
    """Write the file beside its place and move it there, so that nobody finds half of it."""
    try:
        make_folder(path.parent)
        parts: list[Path] = []
        try:
            handle, part = new_part(path.parent, "", parts)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                part.replace(path)  # while it is open: from then on it would be taken for one that was left
        except BaseException:
            for each in parts:
                each.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise WrongUsage(
            "{path} cannot be written: {why}.", field=field, path=path, why=error.strerror or error,
            hint="Choose another folder with --folder, or make room." if field == "folder" else None,
        ) from error  # fmt: skip
