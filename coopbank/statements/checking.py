"""Whether the books still agree with a document: from its code, or from the file itself.

    checked = check(bank, "COOPBANK:ST-2026-06-M0007:4512:A1B2C3D4E5F60718:9F86D081884C7D65")

Asked are: is the fingerprint at that operation still the one on the paper; did the books record the document; do the
figures, read again as of that operation, come to the hash on the paper; is the file one of the copies that were
recorded; and has anything changed since. A document that the bank never made, or one that was altered, cannot pass
the third question without the books themselves having been made anew.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import pikepdf

from coopbank.bank import records
from coopbank.bank.bank import Bank
from coopbank.bank.books import Books
from coopbank.bank.operations.documents import base_number, last_edition
from coopbank.errors import CoopbankError, InvalidValue, WrongUsage
from coopbank.money import quoted
from coopbank.statements.document import figures_hash
from coopbank.statements.kinds import Kind, read_number, span_of
from coopbank.statements.making import copies
from coopbank.words import _, speaking

_HEX: Final = re.compile(r"[0-9A-F]{16}")
_LARGEST: Final = 100 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Code:
    """What the printed code says."""

    number: str
    operation: int
    head: str  # 16 hex digits, small letters
    figures: str  # the first 16 of the figures' hash


@dataclass(frozen=True, slots=True)
class Answer:
    """One question and its answer. `agrees` is None where it is told and decides nothing."""

    name: str
    agrees: bool | None
    words: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A document held against the books."""

    number: str
    operation: int
    head: str
    answers: tuple[Answer, ...]

    @property
    def agrees(self) -> bool:
        """Whether nothing speaks against it."""
        return all(answer.agrees is not False for answer in self.answers)


def check(bank: Bank, given: str) -> Checked:
    """Hold a document against the books: `given` is its code as it is printed, or the name of its file."""
    digest = None
    path = Path(given)
    if not given.upper().startswith("COOPBANK") and len(given) < 1000 and path.is_file():
        text, digest = _code_of_file(path)
    elif given.strip().lower().endswith(".pdf"):
        raise WrongUsage("There is no file {file}.", field="code", file=quoted(given))
    else:
        text = given
    code = read_code(text)
    with bank.read() as books:
        return Checked(code.number, code.operation, code.head, tuple(_answers(bank, books, code, digest)))


def read_code(text: str) -> Code:
    """The code as it was read or typed: parts apart by colons or blanks, in capitals or not."""
    parts = [part for part in re.split(r"[\s:]+", text.strip()) if part]
    if parts and parts[0].upper() == "COOPBANK":
        parts = parts[1:]
    tail = "".join(parts[2:]).upper()
    if len(parts) < 3 or not parts[1].isascii() or not parts[1].isdigit() or len(parts[1]) > 15 or not (
        _HEX.fullmatch(tail[:16]) and _HEX.fullmatch(tail[16:])
    ):  # fmt: skip
        raise InvalidValue(
            "This is no code of a document.", field="code",
            hint="It stands beside the square on its last page: COOPBANK, the document's number, a number, and twice 16"
            " digits or letters A to F.",
        )  # fmt: skip
    kind = parts[0].partition("-")[0]  # every number begins with capitals: without, none of it is as it was printed
    number = parts[0] if kind.isupper() else parts[0].upper()
    return Code(number, int(parts[1]), tail[:16].lower(), tail[16:].lower())


def _code_of_file(path: Path) -> tuple[str, str]:
    """The code that a file carries, and the hash of its bytes."""
    try:
        if path.stat().st_size > _LARGEST:
            raise WrongUsage("{file} is too large for a document.", field="code", file=path)
        data = path.read_bytes()
        with pikepdf.open(path) as pdf:
            text = str(pdf.docinfo.get("/Keywords", ""))
    except pikepdf.PasswordError as error:
        raise WrongUsage(
            "{file} is a locked copy.", field="code", file=path, hint="Type the code that is printed in it."
        ) from error
    except (OSError, pikepdf.PdfError) as error:
        raise WrongUsage(
            "{file} is no document that can be read.", field="code", file=path, hint="Type the code printed in it."
        ) from error
    return text, hashlib.sha256(data).hexdigest()


def _answers(bank: Bank, books: Books, code: Code, digest: str | None) -> Iterator[Answer]:
    stored = books.tx.value("SELECT hash FROM operation WHERE id = ?", code.operation)
    if stored is None:
        text = _("These books have no operation {number}: they are others, or their end was cut off.")
        yield Answer(_("books"), False, text.format(number=code.operation))
        return
    if bytes(stored).hex()[:16] != code.head:
        text = _("Operation {number} has another fingerprint: these are other books, or they were changed before it.")
        yield Answer(_("books"), False, text.format(number=code.operation))
        return
    text = _("The fingerprint at operation {number} is the one on the document.")
    yield Answer(_("books"), True, text.format(number=code.operation))
    body = books.find(records.Document, code.number)
    yield _recorded(code, body)
    yield _figures(bank, code, body)
    if digest is not None:
        yield _file(books, code, digest, known=body is not None)
    yield from _since(books, code)


def _recorded(code: Code, body: records.Document | None) -> Answer:
    if body is None:
        return Answer(_("record"), None, _("The books hold no record of it: somebody who only read them made it."))
    if (body.as_of, body.head) != (code.operation, code.head):
        text = _("The books know document {document} as of operation {number}, not as of the one on this paper.")
        return Answer(_("record"), False, text.format(document=code.number, number=body.as_of))
    text = _("{who} made it, and the books recorded it.")
    return Answer(_("record"), True, text.format(who=body.made_by))


def _figures(bank: Bank, code: Code, body: records.Document | None) -> Answer:
    """The figures, read again as of the operation."""
    found = read_number(base_number(code.number))
    if found is None:
        return Answer(_("figures"), False, _("There is no document with such a number."))
    kind, about, start, end = found
    try:
        with bank.read(code.operation) as then, speaking("en"):
            if body is not None:
                start, end = _day(body.start) or start, _day(body.end) or end
            hashed = _hash_then(then, kind, about, start, end)
    except CoopbankError as refusal:
        return Answer(_("figures"), False, _("They cannot be read again: {why}").format(why=refusal.message))
    if hashed[:16] != code.figures:
        text = _("The books come to other figures than this document shows, or the names in it were forgotten since.")
        return Answer(_("figures"), False, text)
    return Answer(_("figures"), True, _("Read again, the books come to exactly the figures of this document."))


def _hash_then(then: Books, kind: Kind, about: str, start: date | None, end: date | None) -> str:
    first, last = span_of(kind, start, end, then.business_date() or date.max)
    return figures_hash(kind.gather(then, about, first, last))


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _file(books: Books, code: Code, digest: str, *, known: bool) -> Answer:
    if not known:
        return Answer(_("file"), None, _("Its bytes cannot be compared: no copy was recorded."))
    if any(books.personal(copy.file) == digest for copy in copies(books, code.number)):
        return Answer(_("file"), True, _("The file is, byte by byte, a copy that was recorded."))
    text = _("The file is none of the recorded copies: trust its code, not what else stands in it.")
    return Answer(_("file"), False, text)


def _since(books: Books, code: Code) -> Iterator[Answer]:
    """What is newer than the document."""
    last = last_edition(books, base_number(code.number))
    if last is not None and last[0] != code.number:
        text = _("A newer edition was made: {document}, as of operation {number}.")
        yield Answer(_("since"), None, text.format(document=last[0], number=last[1].as_of))
