"""What the records of documents say, held against the books and against each other: for `verify`.

Every copy counts, not only the newest: a fingerprint that was forged in a first copy would else be hidden by an
honest second one. Editions are looked at in the order in which they were recorded, so that none comes before the one
that it replaces, and none is left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from coopbank.bank import records
from coopbank.bank.operations.documents import SAME_IN_COPIES, base_number, edition_number
from coopbank.database import Transaction

_SAME = (*SAME_IN_COPIES, "figures")


def document_faults(tx: Transaction) -> Iterator[tuple[int, str]]:
    """What does not agree, in words, each with the number of the operation that recorded it."""
    first: dict[str, records.Document] = {}
    for ref, operation, text in tx.stream(
        "SELECT ref, operation_id, body FROM record WHERE kind = ? ORDER BY operation_id, line", records.Document.kind
    ):
        body = records.Document.model_validate_json(text)
        known = first.setdefault(ref, body)
        faults = _edition_faults(ref, body, first) if known is body else _copy_faults(ref, body, known)
        yield from ((operation, fault) for fault in (*_head_faults(tx, ref, body, operation), *faults))


def _head_faults(tx: Transaction, ref: str, body: records.Document, recorded_by: int) -> Iterator[str]:
    stored = tx.value("SELECT hash FROM operation WHERE id = ?", body.as_of) if body.as_of < recorded_by else None
    if stored is None or bytes(stored).hex()[:16] != body.head:
        yield f"document {ref} names operation {body.as_of} with another fingerprint"


def _edition_faults(ref: str, body: records.Document, first: dict[str, records.Document]) -> Iterator[str]:
    """Editions are 1, 2, 3 ... without a gap; each names the one that it replaces."""
    if ref != edition_number(ref, body.edition):
        yield f"document {ref} says that it is edition {body.edition}"
        return
    before = None if body.edition == 1 else edition_number(ref, body.edition - 1)
    if before is not None and before not in first:
        yield f"document {ref} is edition {body.edition} of {base_number(ref)}, and {before} was never made"
    elif before is not None and first[before].as_of >= body.as_of:
        yield f"document {ref} is as of no later operation than {before}, which it replaces"
    if body.replaces != before:
        yield f"document {ref} replaces {body.replaces or 'nothing'}, not {before or 'nothing'}"


def _copy_faults(ref: str, body: records.Document, known: records.Document) -> Iterator[str]:
    other = [name for name in _SAME if getattr(body, name) != getattr(known, name)]
    if other:
        yield f"a copy of document {ref} has another {' and another '.join(other)} than its first one"
