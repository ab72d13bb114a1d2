"""Records of documents: what may be recorded, what is refused, and what verify finds in those that were forged."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from coopbank.bank import records
from coopbank.bank.books import Actor
from coopbank.bank.operations.documents import MOST, Made, RecordDocuments, last_edition
from coopbank.bank.verify import verify
from coopbank.errors import AlreadyExists, InvalidValue, Unknown, WrongState
from coopbank.ledger.posting import NewRecord
from tests.forging import forge
from tests.support_bank import SmallBank, assert_books

NUMBER = "ST-2026-03-M0001"


def begun(bank: SmallBank) -> None:
    bank.admit("Ada Tate")
    bank.admit("Bea Lee")


def head(small: SmallBank, number: int | None = None) -> tuple[int, str]:
    """The last operation, or an earlier one, and its fingerprint."""
    with small.read() as books:
        at = number or int(books.tx.value("SELECT max(id) FROM operation"))
        return at, bytes(books.tx.value("SELECT hash FROM operation WHERE id = ?", at)).hex()[:16]


def made(small: SmallBank, **changes: Any) -> Made:
    """A statement that was drawn just now; `changes` are looked at as any other value is."""
    as_of, fingerprint = head(small)
    return Made(**{
        "number": NUMBER, "document": "member-statement", "about": "M0001", "start": "2026-03-01", "end": "2026-03-31",
        "as_of": as_of, "head": fingerprint, "figures": "a" * 64, "file": "b" * 64, "language": "en",
        "paper": "letter", "print_size": "normal", "software": "1.0",
    } | changes)  # fmt: skip


def record(small: SmallBank, *documents: Made, by: Actor | None = None) -> int:
    return small.bank.record_documents(by or small.ana, list(documents)).number


def count(small: SmallBank) -> int:
    with small.read() as books:
        return int(books.tx.value("SELECT count(*) FROM record WHERE kind = 'document'"))


def test_a_document_and_its_copies_are_versions_of_one_record(small: SmallBank) -> None:
    first = made(small)
    record(small, first)
    small.admit("Cal Wells")
    record(small, first.model_copy(update={"file": "c" * 64, "paper": "a4", "print_size": "large"}), by=small.tom)
    with small.read() as books:
        assert books.version("document", NUMBER) == 2
        body = books.get(records.Document, NUMBER)
        assert (body.as_of, body.head, body.paper, body.made_by) == (first.as_of, first.head, "a4", "tom")
        assert (books.personal(body.figures), books.personal(body.file)) == ("a" * 64, "c" * 64)
        assert [ref for ref, _body in books.about(records.Document, "M0001")] == [NUMBER]
        assert books.about(records.Document, "M0002") == []
    assert_books(small)


def test_no_hash_of_what_names_a_person_is_sealed(small: SmallBank) -> None:
    """A hash over a name can be guessed from a list of names; a salted digest cannot, once the salt is gone."""
    number = record(small, made(small))
    with small.read() as books:
        text = str(books.tx.value("SELECT sealed FROM operation WHERE id = ?", number))
        body = str(books.tx.value("SELECT body FROM record WHERE kind = 'document'"))
    assert "a" * 64 not in text + body and "b" * 64 not in text + body


def test_a_copy_as_of_now_keeps_the_days_of_the_first(small: SmallBank) -> None:
    """A certificate that is printed again next year is still the one of the year that it was made in."""
    first = made(small, number="CE-M0001", document="certificate", start="2026-03-02", end="2026-03-02")
    record(small, first)
    record(small, first.model_copy(update={"file": "c" * 64, "start": "2027-01-04", "end": "2027-01-04"}))
    with small.read() as books:
        body = books.get(records.Document, "CE-M0001")
        assert (body.start, body.end, books.version("document", "CE-M0001")) == ("2026-03-02", "2026-03-02", 2)


def test_editions_follow_one_another(small: SmallBank) -> None:
    record(small, made(small))
    second = made(small, number=f"{NUMBER}.E2", edition=2, replaces=NUMBER, figures="d" * 64)
    record(small, second)
    small.admit("Cal Wells")
    third = made(small, number=f"{NUMBER}.E3", edition=3, replaces=f"{NUMBER}.E2", figures="e" * 64)
    record(small, third)
    with small.read() as books:
        found = last_edition(books, NUMBER)
        assert found is not None and (found[0], found[1].replaces) == (f"{NUMBER}.E3", f"{NUMBER}.E2")
        assert last_edition(books, "ST-2026-04-M0001") is None
    assert_books(small)


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"number": f"{NUMBER}.E3", "edition": 3, "replaces": f"{NUMBER}.E2"}, WrongState),
        ({"number": f"{NUMBER}.E2", "edition": 2}, WrongState),
        ({"number": f"{NUMBER}.E2", "edition": 2, "replaces": "ST-2026-02-M0001"}, WrongState),
        ({"number": f"{NUMBER}.E2", "edition": 1}, WrongState),
        ({"number": f"{NUMBER}.E2", "edition": 3, "replaces": f"{NUMBER}.E2"}, WrongState),
        ({"number": "ST-2026-04-M0001", "replaces": NUMBER}, WrongState),
        ({"number": "ST-2026-04-M0001", "edition": 2}, WrongState),
        ({"number": "ST-2026-04-M0001", "head": "0" * 16}, InvalidValue),
        ({"number": "ST-2026-04-M0001", "head": ""}, InvalidValue),
        ({"number": "ST-2026-04-M0001", "as_of": 10**9}, InvalidValue),
        ({"figures": "f" * 64}, AlreadyExists),
        ({"as_of": 1}, AlreadyExists),
        ({"head": "0" * 16}, InvalidValue),
        ({"about": "M0002"}, WrongState),
        ({"document": "certificate"}, WrongState),
        ({"edition": 2}, WrongState),
        ({"replaces": "ST-2026-02-M0001"}, WrongState),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_recorded(
    small: SmallBank, changes: dict[str, Any], refused: type[Exception]
) -> None:
    first = made(small)
    record(small, first)
    wrong = made(small, **changes) if "number" in changes else first.model_copy(update=changes | {"file": "c" * 64})
    good = made(small, number="ST-2026-03-M0002", about="M0002")
    with pytest.raises(refused):
        record(small, good, wrong)
    assert count(small) == 1
    assert_books(small)


def test_an_edition_is_as_of_a_later_operation_than_the_one_before(small: SmallBank) -> None:
    first = made(small)
    record(small, first)
    again = {"number": f"{NUMBER}.E2", "edition": 2, "replaces": NUMBER, "figures": "d" * 64}
    for number in (first.as_of, first.as_of - 1):
        as_of, fingerprint = head(small, number)
        with pytest.raises(WrongState):
            record(small, made(small, **again, as_of=as_of, head=fingerprint))
    assert count(small) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"figures": "a" * 63}, {"figures": "A" * 64}, {"file": "g" * 64}, {"file": ""}, {"file": "b" * 64 + "\n"},
        {"number": "statement of March"}, {"number": ""}, {"as_of": 0}, {"as_of": 10**30}, {"edition": 0},
        {"paper": "foolscap"}, {"print_size": "tiny"}, {"language": "English"}, {"document": "A NOVEL"},
        {"start": "2026-02-30"}, {"end": "soon"}, {"end": "20260331"},
    ],
)  # fmt: skip
def test_what_is_no_document_is_not_even_asked(small: SmallBank, changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        made(small, **changes)
    with pytest.raises(ValidationError):  # nor where the value was put into one that was good
        record(small, made(small).model_copy(update=changes))
    assert count(small) == 0


def test_a_list_has_one_to_five_hundred(small: SmallBank) -> None:
    one = made(small)
    for few in ([], [one] * (MOST + 1)):
        with pytest.raises(ValidationError):
            RecordDocuments(documents=few)
    record(small, *[made(small, number=f"ST-2026-03-M{n:04d}", about=f"M{n:04d}") for n in range(1, MOST + 1)])
    assert count(small) == MOST
    assert_books(small)


def test_a_member_of_the_staff_may_record_their_own_and_a_stranger_nothing(small: SmallBank) -> None:
    small.agreed("link-user", by=small.admin, approver=small.sue, user="ana", member="M0001")
    record(small, made(small), by=small.ana)
    with pytest.raises(Unknown):
        record(small, made(small, number="ST-2026-04-M0001"), by=Actor("eve", ("teller",)))


# ------------------------------------------------------------------------------- forged


def forge_document(small: SmallBank, ref: str, version: int = 1, **changes: Any) -> None:
    """Seal a record of a document that no rule of the bank has seen; every hash is good."""
    small.spoiled = True
    copy = made(small).model_dump(exclude={"number"}, exclude_none=True)
    with small.read() as books:  # the digests are such as an honest copy would have
        known = books.find(records.Document, NUMBER)
    assert known is not None
    body = copy | {"made_by": "ana", "figures": known.figures, "file": known.file} | changes
    forge(
        small, rows=[NewRecord("document", ref, version, "M0001", body)], key=f"forged {ref} {version}",
        kind="record-documents", request={"documents": []},
    )  # fmt: skip


def findings(small: SmallBank) -> str:
    """What the check of documents found; no other finds anything."""
    found = [f for v in verify(small.bank.database) if not v.informational for f in v.findings]
    assert {f.check for f in found} <= {"documents"}, found
    return "\n".join(f.message for f in found)


def test_a_forged_document_is_found(small: SmallBank) -> None:
    record(small, made(small))
    assert findings(small) == ""
    forge_document(small, "TX-2026-M0001", head="0" * 16)
    assert "TX-2026-M0001 names operation" in findings(small)


def test_a_document_as_of_its_own_operation_or_a_later_one_is_found(small: SmallBank) -> None:
    record(small, made(small))
    own = head(small)[0] + 1
    forge_document(small, "TX-2026-M0001", as_of=own)
    assert f"TX-2026-M0001 names operation {own}" in findings(small)


def test_a_forged_first_copy_is_not_hidden_by_a_good_second_one(small: SmallBank) -> None:
    record(small, made(small))
    good = made(small)
    same = {"as_of": good.as_of, "head": good.head}
    forge_document(small, "TX-2026-M0001", head="0" * 16)
    forge_document(small, "TX-2026-M0001", 2, **same)
    assert "TX-2026-M0001 names operation" in findings(small)


def test_a_copy_that_says_other_things_is_found(small: SmallBank) -> None:
    first = made(small)
    record(small, first)
    same = {"as_of": first.as_of, "head": first.head}
    with small.read() as books:  # a value that is kept, and another one
        known = books.get(records.Document, NUMBER)
    forge_document(small, NUMBER, 2, **same, about="M0002", figures=known.file)
    assert f"a copy of document {NUMBER} has another about and another figures" in findings(small)


@pytest.mark.parametrize(
    ("ref", "changes", "words"),
    [
        (f"{NUMBER}.E3", {"edition": 3, "replaces": f"{NUMBER}.E2"}, f"{NUMBER}.E2 was never made"),
        (f"{NUMBER}.E3", {"edition": 3}, f"{NUMBER}.E2 was never made"),
        (f"{NUMBER}.E2", {"edition": 2}, f"replaces nothing, not {NUMBER}"),
        (f"{NUMBER}.E2", {"edition": 5, "replaces": NUMBER}, "says that it is edition 5"),
        ("TX-2026-M0001", {"replaces": NUMBER}, f"replaces {NUMBER}, not nothing"),
    ],
)
def test_editions_with_gaps_are_found(small: SmallBank, ref: str, changes: dict[str, Any], words: str) -> None:
    record(small, made(small))
    forge_document(small, ref, **changes)
    assert words in findings(small)


def test_an_edition_as_of_an_earlier_time_than_the_one_it_replaces_is_found(small: SmallBank) -> None:
    first = made(small)
    record(small, first)
    same = {"as_of": first.as_of, "head": first.head}
    forge_document(small, f"{NUMBER}.E2", edition=2, replaces=NUMBER, **same)
    assert "no later operation" in findings(small)
