"""Rows of the bank's own registers, in and out: an entry a row, the fields as columns.

A file says its register in a column `register`, and has a column for each field, by its name or its title in any
language. What `csv_of` writes is read back by `entries`, but for the columns that the books give (`--ignore` them).
"""

from __future__ import annotations

import csv
import io
import json
from functools import cache
from typing import Any, Final

from pydantic import BaseModel, create_model

from coopbank.bank import records
from coopbank.bank.institution_registers import READERS, Definition, definition_of
from coopbank.errors import InvalidValue, Unknown
from coopbank.exchange.cells import csv_text
from coopbank.exchange.plans import Plan, Source, Wanted, fold, note
from coopbank.exchange.rows import Record
from coopbank.reports.register_book import RegisterBook

_REGISTER: Final = "register"


def entries(source: Source) -> Plan:
    """An add-entry for each row."""
    with source.bank.read() as books:
        known = {code: definition_of(code, body) for code, body in books.every(records.Register)}
    columns = _columns(known)
    names = sorted(set(columns.values()))
    found = source.records(lambda cell: columns.get(fold(cell)), names, (_REGISTER,))
    wanted = [each for record in found if (each := _wanted(source, known, record)) is not None]
    return Plan(wanted, wanted, len(found), uniform=False)


def _columns(known: dict[str, Definition]) -> dict[str, str]:
    found = {_REGISTER: _REGISTER}
    for definition in known.values():
        for field in definition.live:
            found |= {fold(field.name): field.name}
            for title in field.title.values():
                found.setdefault(fold(title), field.name)
    return found


def _wanted(source: Source, known: dict[str, Definition], record: Record) -> Wanted | None:
    code = str(record.values.get(_REGISTER, "")).strip().upper()
    definition = known.get(code)
    if definition is None:
        refusal: InvalidValue | Unknown = Unknown("There is no register {code}.", field=_REGISTER, code=code[:40])
        if not code:
            refusal = InvalidValue("{field_name} is missing.", field=_REGISTER, field_name=_REGISTER)
        note(source.faults, record, refusal)
        return None
    said = {name: value for name, value in record.values.items() if name != _REGISTER}
    tidy = source.tidied(Record(record.row, said, record.columns, record.bad), _model(definition.model_dump_json()))
    values = {"register_code": code, "values": json.dumps(tidy.values, ensure_ascii=False)}
    built = source.built("add-entry", values, tidy)
    return None if built is None else Wanted(built, str(record.row), tidy)


@cache
def _model(definition: str) -> type[BaseModel]:
    """A model whose fields are those of a register, for how days and amounts are written in a file."""
    fields: dict[str, Any] = {
        field.name: (READERS[field.type], None) for field in Definition.model_validate_json(definition).live
    }
    return create_model("RegisterRow", **fields)


def csv_of(book: RegisterBook) -> str:
    """The entries of a register as CSV, made safe for spreadsheets; lines end with CR LF."""
    stream = io.StringIO(newline="")
    table = csv.writer(stream, lineterminator="\r\n")
    table.writerow([_REGISTER, "entry", "version", "state", "entered_on", *book.fields, "why"])
    for row in book.entries:
        cells = [book.register, row.entry, str(row.version), row.state, row.entered_on, *row.values, row.why]
        table.writerow([csv_text(cell) for cell in cells])
    return stream.getvalue()
