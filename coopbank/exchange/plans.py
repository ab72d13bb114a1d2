"""What a file of rows asks for: the operation of each row, and those that are performed when every row is good.

A reader of a kind of file is given a `Source` and gives back a `Plan`; what is wrong with a row goes
into the source's faults, under the name that the file gives the column.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from coopbank.bank.bank import Bank
from coopbank.bank.books import Books
from coopbank.bank.fields import book_currency
from coopbank.bank.operation import Operation, plain_refusals
from coopbank.errors import InvalidAmount, InvalidValue, Refused
from coopbank.exchange import rows
from coopbank.exchange.faults import Faults
from coopbank.exchange.layout import Layout
from coopbank.exchange.rows import Record
from coopbank.words import LANGUAGES, speaking, translate

R = TypeVar("R", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Source:
    """A file that is being read, and the bank that it is read for."""

    bank: Bank
    text: str
    faults: Faults
    layout: Layout = field(default_factory=Layout)
    as_of: date | None = None  # the day at whose start balances stand
    about: str = ""  # what a sealed memo says of the file: its digest
    prefix: str = ""  # begins the keys of its rows

    @property
    def currency(self) -> str:
        """The book's."""
        return self.bank.institution.currency

    def records(
        self, known: Callable[[str], str | None], fields: Iterable[str], required: tuple[str, ...],
        model: type[BaseModel] | None = None,
    ) -> list[Record]:  # fmt: skip
        """The rows of a table, by the fields of a model if there is one for all."""
        book_currency.set(self.currency)
        heads = self.layout.heads(known, tuple(fields))
        found = rows.csv_records(self.text, heads, required, self.faults)
        heads.note_missing(self.faults)
        return found if model is None else [self.tidied(record, model) for record in found]

    def tidied(self, record: Record, model: type[BaseModel]) -> Record:
        """A row as the fields of a model read it."""
        return self.layout.tidied(record, model, self.currency, self.faults)

    def validated(self, model: type[R], record: Record) -> R | None:
        """A row as a model; every field that is wrong is a fault."""
        try:
            found = model.model_validate(record.values)
        except ValidationError as error:
            note_all(self.faults, record, plain_refusals(error))
            return None
        return None if record.bad else found

    def built(self, name: str, values: dict[str, Any], record: Record) -> Operation | None:
        """The operation that a row describes; every field that is wrong is a fault."""
        try:
            found = self.bank.build(name, values)
        except InvalidValue as refusal:
            cause = refusal.__cause__
            note_all(self.faults, record, plain_refusals(cause) if isinstance(cause, ValidationError) else [refusal])
            return None
        return None if record.bad else found


@dataclass(frozen=True, slots=True)
class Wanted:
    """An operation that rows of the file ask for. `key` is their own, or the number of the row."""

    operation: Operation
    key: str
    record: Record
    own_key: bool = False
    rows: tuple[int, ...] = ()  # where it is made of several

    @property
    def of_rows(self) -> tuple[int, ...]:
        """The rows that ask for it."""
        return self.rows or (self.record.row,)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a file asks for: how each row is tried, and what is done when every one is good."""

    trial: list[Wanted]
    work: list[Wanted]
    rows: int  # that the file has, good or not
    total: int | None = None  # of their amounts, minor units; None if they have none, or not all can be read
    uniform: bool = True  # every row asks for the same operation
    first: Callable[[Books], None] | None = None  # looks at the locked books before the rows are done, and may refuse


def note_all(faults: Faults, record: Record, refusals: Iterable[Refused]) -> None:
    """Refusals of a row, but for cells of which one is noted already."""
    for refusal in refusals:
        if (refusal.field or "").partition(".")[0] not in record.bad:
            note(faults, record, refusal)


def note(faults: Faults, record: Record, refusal: Refused) -> None:
    """A refusal of a row, under the name that the file gives the column."""
    place = (refusal.field or "").split(".")
    name = place[2] if place[0] == "loans" and len(place) > 2 else place[0]
    if place[0] == "values" and len(place) > 1:  # of an entry of a register
        name = place[1]
    if name == "lines" and name not in record.values:  # of an opening balance that the row was made into
        name = "amount" if isinstance(refusal, InvalidAmount) else "member"
    column = record.columns.get(name, refusal.field and name)
    if refusal.values.get("field_name") == name:  # "{field_name} is missing."
        refusal = type(refusal)(refusal.template, field=name, field_name=column)
    faults.add(record.row, column, record.values.get(name), refusal)


def fold(heading: str) -> str:
    """A heading as it is compared: lower case, words joined by one underscore."""
    return "" if len(heading) > 100 else _GAP.sub("_", heading.casefold()).strip("_")


_GAP: Final = re.compile(r"[\W_]+")


def headings(model: type[BaseModel], more: dict[str, str]) -> dict[str, str]:
    """What the columns of a model's fields may be called: names, titles in every language, and more."""
    known = {name: name for name in model.model_fields}
    for name, info in model.model_fields.items():
        for language in LANGUAGES:
            with speaking(language):
                known.setdefault(fold(translate(info.title or name)), name)
    return known | more
