"""An operation said to a server at once.

The client says what was asked and which lines it makes; the database puts numbers, link
and text together (`operation_chain` in schema_postgresql.sql), and the seal writes the
entries and their lines out of it. What is hashed is byte for byte what
`posting.sealed_text` makes of the same draft, since each part of it is the client's own
canonical text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from coopbank.database import SCHEMA_VERSION, Database, Transaction
from coopbank.ledger import chain

if TYPE_CHECKING:
    from coopbank.ledger.posting import Draft

Values = tuple[str | bytes | None, ...]
COLUMNS: Final = (
    "id", "key", "kind", "kind_version", "actor", "approver", "business_date", "at", "request_hash", "entry_count",
    "posting_count", "debit_total", "row_count", "sealed",
)  # fmt: skip
_INSERT: Final = (
    f"INSERT INTO operation ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
    " RETURNING id, first_entry, encode(hash, 'hex')"
)


def values(book: str, draft: Draft, expected: int | None) -> Values:
    """What `_INSERT` is called with; `expected` is the operation's number where the draft relies on it."""
    business = draft.business_date.isoformat()
    days = {day: day.isoformat() for day in {e.effective_on for e in draft.entries}}
    entries = draft.entries
    said = chain.canonical(
        [draft.at, business, draft.actor, draft.approver, draft.kind, draft.kind_version, draft.key, draft.request]
    )
    rows = chain.canonical([[row.table, *row.values()] for row in draft.rows])
    texts = ["," + chain.canonical([days[e.effective_on], e.memo, e.reverses, e.lines])[1:] for e in entries]
    amounts = [line.amount for e in entries for line in e.lines]
    parts = (
        SCHEMA_VERSION if expected is None else "", f'["{chain.FORM}","{book}",', f",{said[1:-1]},[{'[' * bool(texts)}",
        f'],{rows},"', *texts,
    )  # fmt: skip
    return (
        None if expected is None else str(expected), draft.key, draft.kind, str(draft.kind_version), draft.actor,
        draft.approver, business, draft.at, draft.request_hash, str(len(entries)), str(len(amounts)),
        str(sum(map(abs, amounts)) // 2), str(len(draft.rows)), "\n".join(parts),
    )  # fmt: skip


def write(tx: Transaction, said: Values) -> tuple[int, int, bytes]:
    """Post it in this transaction: its number, its first entry's, and its hash."""
    number, first_entry, link = tx.rows(_INSERT, *said)[0]
    return number, first_entry, bytes.fromhex(link)


def write_alone(database: Database, said: Values) -> tuple[int, int, bytes]:
    """Post it in a transaction of its own, in one round trip."""
    number, first_entry, link = database.ask_alone(_INSERT, said)
    return int(number), int(first_entry), bytes.fromhex(link.decode())
