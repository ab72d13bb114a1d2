"""The bank's own registers: what each holds, its entries as people read them, and what they come to in a period.

Personal values are shown only to who asks as somebody who keeps the register (`personal`); others read `(kept apart)`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.institution_registers import (
    Definition,
    RegisterField,
    counted,
    date_of,
    definition_of,
    entries_of,
    plain_number,
    register_named,
    shown_value,
)
from coopbank.money import format_amount
from coopbank.reports.document import Source, source
from coopbank.words import _

KEPT_APART = "(kept apart)"


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry; its values in the order of the register's fields."""

    entry: str
    version: int
    state: str
    dated: str
    entered_on: str
    values: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class RegisterTotal:
    """What a field adds up to; an amount is text with its decimals, other numbers in as few digits as it takes."""

    field: str
    title: str
    total: str


@dataclass(frozen=True, slots=True)
class RegisterCount:
    """How many entries have a choice."""

    value: str
    entries: int


@dataclass(frozen=True, slots=True)
class RegisterSummary:
    """A register and what its entries of a period come to, mistakes left out."""

    register: str
    title: str
    entries: int  # of the period
    open: int  # of these
    counts: tuple[RegisterCount, ...]
    totals: tuple[RegisterTotal, ...]


@dataclass(frozen=True, slots=True)
class RegisterBook:
    """The entries of a register in a span of time; all of them where none is given."""

    source: Source
    register: str
    title: str
    start: date | None
    end: date | None
    fields: tuple[str, ...]
    titles: tuple[str, ...]
    entries: tuple[EntryRow, ...]
    summary: RegisterSummary


@dataclass(frozen=True, slots=True)
class RegisterList:
    """Every register that the bank keeps, with its totals of a span of time."""

    source: Source
    start: date | None
    end: date | None
    registers: tuple[RegisterSummary, ...]


def grouped(total: str) -> str:
    """A total as people read it, its thousands apart: 4,160.00."""
    whole, point, rest = total.partition(".")
    return f"{int(whole):,}{point}{rest}"


def registers(books: Books, start: date | None = None, end: date | None = None) -> RegisterList:
    """What every register holds."""
    found = summaries(books, start, end)
    return RegisterList(source(books), start, end, found)


def summaries(books: Books, start: date | None = None, end: date | None = None) -> tuple[RegisterSummary, ...]:
    """The totals of every register, in the order of their codes."""
    found = []
    for code, body in books.every(records.Register):
        definition = definition_of(code, body)
        found.append(_summary(books, definition, _within(definition, entries_of(books, code), start, end)))
    return tuple(found)


def register_book(
    books: Books, code: str, start: date | None = None, end: date | None = None, *, personal: bool = False
) -> RegisterBook:
    """A register with its entries; refuses one that there is not."""
    definition = register_named(books, code)
    found = _within(definition, entries_of(books, code), start, end)
    return RegisterBook(
        source=source(books), register=code, title=definition.label, start=start, end=end,
        fields=tuple(field.name for field in definition.fields), entries=_rows(books, definition, found, personal),
        titles=tuple(field.label for field in definition.fields), summary=_summary(books, definition, found),
    )  # fmt: skip


def newest_entries(
    books: Books, code: str, most: int, *, personal: bool = False
) -> tuple[tuple[EntryRow, ...], int, RegisterSummary]:
    """The newest entries of a register, how many older ones there are, and what all of them come to."""
    definition = register_named(books, code)
    found = entries_of(books, code)
    rows = _rows(books, definition, found[-most:], personal)
    return rows, len(found) - len(rows), _summary(books, definition, found)


Entries = list[tuple[str, records.RegisterEntry]]


def _within(definition: Definition, entries: Entries, start: date | None, end: date | None) -> Entries:
    first, last = (start or date.min).isoformat(), (end or date.max).isoformat()
    return [(ref, body) for ref, body in entries if first <= date_of(definition, body) <= last]


def _rows(books: Books, definition: Definition, entries: Entries, personal: bool) -> tuple[EntryRow, ...]:
    currency = books.institution().currency
    versions = dict(
        books.tx.rows(
            "SELECT ref, max(version) FROM record WHERE kind = ? AND ref > ? AND ref < ? GROUP BY ref",
            records.RegisterEntry.kind, f"{definition.code}-", f"{definition.code}.",
        )
    )  # fmt: skip
    return tuple(_row(books, definition, ref, body, currency, personal, versions[ref]) for ref, body in entries)


def _row(
    books: Books, definition: Definition, ref: str, body: records.RegisterEntry, currency: str, personal: bool,
    version: int,
) -> EntryRow:  # fmt: skip
    def shown(field: RegisterField) -> str:
        value: Any = body.values.get(field.name)
        if isinstance(value, dict):
            return books.personal(value) if personal else _(KEPT_APART)
        return shown_value(field, value, currency)

    return EntryRow(
        entry=ref, version=int(version), state=body.state,
        dated=date_of(definition, body), entered_on=body.entered_on, why=body.why,
        values=tuple(shown(field) for field in definition.fields),
    )  # fmt: skip


def _summary(books: Books, definition: Definition, entries: Entries) -> RegisterSummary:
    kept = [body for _ref, body in counted(entries)]
    currency = books.institution().currency
    return RegisterSummary(
        register=definition.code, title=definition.label, entries=len(kept),
        open=sum(body.state == "open" for body in kept), counts=_counts(definition, kept),
        totals=tuple(_total(field, kept, currency) for field in definition.fields if field.total),
    )  # fmt: skip


def _counts(definition: Definition, kept: list[records.RegisterEntry]) -> tuple[RegisterCount, ...]:
    by = definition.field(definition.count_by) if definition.count_by else None
    if by is None:
        return ()
    found: dict[str, int] = defaultdict(int)
    for body in kept:
        value = body.values.get(by.name)
        found["" if value is None else shown_value(by, value, "USD")] += 1
    order = {choice: place for place, choice in enumerate(by.choices)}
    return tuple(RegisterCount(value, found[value]) for value in sorted(found, key=lambda v: (order.get(v, 99), v)))


def _total(field: RegisterField, kept: list[records.RegisterEntry], currency: str) -> RegisterTotal:
    values = [body.values[field.name] for body in kept if field.name in body.values]
    if field.type == "amount":
        return RegisterTotal(field.name, field.label, format_amount(sum(values), currency))
    return RegisterTotal(field.name, field.label, plain_number(sum(map(Decimal, values), Decimal(0))))
