"""The sealed text of an operation, and the chain that its hashes make.

An operation is hashed as one canonical JSON array, and the text that was hashed is
stored as it stands; nothing is ever serialised a second time. Its places:

     0  "coopbank/1"     the version of this form
     1  book             hex id of the book, drawn at random by operation 1
     2  number           1, 2, 3 ... without a gap
     3  at               the instant, UTC, "2026-03-02T15:04:05.000000Z"
     4  business date    "2026-03-02"
     5  actor            user name
     6  approver         user name, or null
     7  kind             name of the operation in the catalogue
     8  kind version     which shape of that kind's request
     9  key              idempotency key
    10  request          what was asked; a personal value is {"#": salted digest}
    11  entries          [[id, effective on, memo, reverses id or null, [[account id, amount], ...]], ...]
    12  rows             [[table, column, ...], ...] of master data, see `posting.Row`
    13  previous         hex SHA-256 of the previous operation's text; 64 zeros for the first

Canonical: UTF-8, no space between tokens, keys sorted, no escape that JSON does
not demand, integers only. Amounts are minor units, debit positive. The hash of an
operation is the SHA-256 of its text. `export jsonl` writes one text a line, so a
stranger with `sha256sum` can follow the chain.
"""

from __future__ import annotations

import hashlib
import json
from json import encoder
from typing import Any

FORM = "coopbank/1"
ZERO_HASH = bytes(32)


def canonical(value: Any) -> str:
    """The one JSON text of a value made of objects, arrays, texts, integers, booleans and null."""
    return "".join(_encode(value, 0))


def _not_json(value: Any) -> Any:
    raise TypeError(f"{type(value).__name__} has no canonical text")


# What json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False) would use, made
# once: making it takes longer than most texts do.
_made: Any = getattr(encoder, "c_make_encoder", None)
_encode: Any = (
    json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False).iterencode
    if _made is None
    else _made(None, _not_json, encoder.encode_basestring, None, ":", ",", True, False, False)
)


quote = encoder.encode_basestring
"""The canonical text of a text; raises TypeError for what is none."""


def digest(text: str) -> bytes:
    """SHA-256 of the text in UTF-8."""
    return hashlib.sha256(text.encode("utf-8")).digest()


def short(hash_: bytes) -> str:
    """First 16 hex digits: what is printed on every document as the head of the chain."""
    return hash_.hex()[:16]


def salted(salt: bytes, value: str) -> str:
    """The digest by which a sealed text names a personal value that can be forgotten."""
    return hashlib.sha256(salt + value.encode("utf-8")).hexdigest()
