"""An operation said to a server at once.

The client says what was asked and which lines it makes; the database puts numbers, link
and text together (`post_operation` in schema_postgresql.sql) and seals. What is hashed is
byte for byte what `posting.sealed_text` makes of the same draft, since each part of it is
the client's own canonical text.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from coopbank.database import SCHEMA_VERSION, Database, Transaction
from coopbank.ledger import chain

if TYPE_CHECKING:
    from coopbank.ledger.posting import Draft

Values = tuple[str | bytes | None, ...]
_TYPES: Final = (
    "text", "bigint", "text", "text", "text", "text[]", "text[]", "bigint[]", "text[]", "bigint[]", "bigint[]",
    "bigint[]", "bigint[]", "bigint", "text", "text", "bigint", "text", "text", "text", "text", "bytea", "bigint",
)  # fmt: skip
_CALL: Final = "SELECT post_operation(" + ", ".join(f"?::{each}" for each in _TYPES) + ")"


def values(book: str, draft: Draft, expected: int | None) -> Values:
    """What `post_operation` is called with; `expected` is the operation's number where the draft relies on it."""
    business = draft.business_date.isoformat()
    days = {day: day.isoformat() for day in {e.effective_on for e in draft.entries}}
    entries = draft.entries
    said = chain.canonical(
        [draft.at, business, draft.actor, draft.approver, draft.kind, draft.kind_version, draft.key, draft.request]
    )
    rows = chain.canonical([[row.table, *row.values()] for row in draft.rows])
    texts = [chain.canonical([days[e.effective_on], e.memo, e.reverses, e.lines])[1:] for e in entries]
    amounts = [line.amount for e in entries for line in e.lines]
    return (
        SCHEMA_VERSION if expected is None else None, None if expected is None else str(expected),
        f'["{chain.FORM}","{book}",', f",{said[1:-1]},[", f'],{rows},"',
        _numbers([days[e.effective_on] for e in entries]), _texts([e.memo for e in entries]),
        _numbers(["NULL" if e.reverses is None else e.reverses for e in entries]), _texts(texts),
        _numbers([place for place, e in enumerate(entries) for _ in e.lines]),
        _numbers([n for e in entries for n in range(1, len(e.lines) + 1)]),
        _numbers([line.account_id for e in entries for line in e.lines]), _numbers(amounts),
        str(sum(map(abs, amounts)) // 2),
        draft.key, draft.kind, str(draft.kind_version), draft.actor, draft.approver, business, draft.at,
        draft.request_hash, str(len(draft.rows)),
    )  # fmt: skip


def _numbers(values: Iterable[object]) -> str:
    """An array of what needs no quotes, as the engine reads it."""
    return "{" + ",".join(map(str, values)) + "}"


def _texts(values: Iterable[str]) -> str:
    """An array of texts."""
    return "{" + ",".join('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in values) + "}"


def write(tx: Transaction, said: Values) -> tuple[int, int, bytes]:
    """Post it in this transaction: its number, its first entry's, and its hash."""
    return _answer(str(tx.value(_CALL, *said)))


def write_alone(database: Database, said: Values) -> tuple[int, int, bytes]:
    """Post it in a transaction of its own, in one round trip."""
    return _answer(database.ask_alone(_CALL, said)[0].decode())


def _answer(text: str) -> tuple[int, int, bytes]:
    number, first_entry, link = text.split(" ")
    return int(number), int(first_entry), bytes.fromhex(link)
