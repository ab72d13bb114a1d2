"""What all reports share: amounts that know they are amounts, where figures come from, and the JSON form.

A report is a frozen dataclass. Its fields marked `Minor` are whole minor units of the book's
currency, debit +, credit -, unless the class says that they are in the member's own sign.
`as_document` writes any report as plain JSON values: amounts as decimal texts ("1250.00"),
dates as ISO texts, everything else as it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from functools import lru_cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from coopbank.bank.books import Books
from coopbank.ledger import posting
from coopbank.money import format_amount


class _AmountMark:
    """The mark by which `as_document` knows an amount."""


Minor = Annotated[int, _AmountMark()]
"""An amount in minor units of the book's currency."""


@dataclass(frozen=True, slots=True)
class Source:
    """Whose books, and how far they had come when they were read."""

    institution: str
    institution_kind: str
    currency: str
    business_date: date | None
    head_number: int
    head_hash: str  # first 16 hex digits
    head_at: str  # the instant of the last operation, UTC


def source(books: Books) -> Source:
    """Where the figures of a report come from."""
    found = books.institution()
    head = posting.head(books.tx)
    at = books.tx.value("SELECT at FROM operation WHERE id = ?", head.number)
    return Source(
        institution=found.name, institution_kind=found.institution_kind, currency=found.currency,
        business_date=books.business_date(), head_number=head.number, head_hash=head.short, head_at=str(at or ""),
    )  # fmt: skip


def natural(minor: int, side: str) -> int:
    """An amount as people read it: positive on the side where the account normally stands."""
    return minor if side == "debit" else -minor


# ---------------------------------------------------------------------------- the JSON form


def as_document(report: Any, currency: str | None = None) -> Any:
    """The report as plain JSON values. `currency` is the report's own unless it has none."""
    return _plain(report, currency or _currency_of(report))


def _currency_of(report: Any) -> str:
    origin = getattr(report, "source", None)
    return str(getattr(origin, "currency", "USD"))


def _plain(value: Any, currency: str) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        writers = _writers(type(value))
        return {f.name: writers[f.name](getattr(value, f.name), currency) for f in fields(value)}
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(item, currency) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, currency) for item in value]
    return value


def _amounts(value: Any, currency: str) -> Any:
    if isinstance(value, int):
        return format_amount(value, currency)
    if isinstance(value, Mapping):
        return {str(key): _amounts(item, currency) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_amounts(item, currency) for item in value]
    return value


@lru_cache(maxsize=256)
def _writers(cls: type[Any]) -> dict[str, Callable[[Any, str], Any]]:
    hints = get_type_hints(cls, include_extras=True)
    return {f.name: _amounts if _holds_amounts(hints[f.name]) else _plain for f in fields(cls)}


def _holds_amounts(hint: Any) -> bool:
    """Whether a type is an amount, or a list, tuple, mapping or union of amounts."""
    if get_origin(hint) is Annotated:
        return any(isinstance(mark, _AmountMark) for mark in hint.__metadata__)
    return any(_holds_amounts(part) for part in get_args(hint))
