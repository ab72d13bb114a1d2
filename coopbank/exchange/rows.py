"""Reading files that people made: bytes to text to rows, refusing in words whatever is not clear.

Text is UTF-8, or UTF-16 with its mark. Nothing is guessed: a file in another encoding is
refused with its first bad row, for a name read wrongly would be sealed for ever.

CSV: the first row names the columns; the delimiter (comma, semicolon, tab) is the one by
which most of them are known. Cells are text and stay so, formulas included; an empty cell
is a field that is not filled in. Rows are counted as a spreadsheet shows them.

JSON: a list of objects, or an object a line.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NoReturn

from coopbank.errors import InvalidValue
from coopbank.exchange.faults import Faults
from coopbank.money import quoted

MOST_ROWS: Final = 9_999
"""Rows of one import, since it is one transaction."""

LARGEST_FILE: Final = 64 * 1024 * 1024
"""Bytes."""

LONGEST_CELL: Final = 100_000
"""Characters: more than any field takes, and few enough to look at each."""

csv.field_size_limit(2**31 - 1)  # a long cell is refused with its row and column, not by the reader

_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_OTHER_PROGRAMS: Final = {b"PK\x03\x04": "XLSX or ODS", b"\xd0\xcf\x11\xe0": "XLS", b"%PDF": "PDF"}
DELIMITERS: Final = (",", ";", "\t")
"""What may stand between two cells."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row: what it says by field, and how the file calls these fields."""

    row: int
    values: dict[str, Any]
    columns: dict[str, str]
    bad: frozenset[str] = frozenset()  # fields of which a fault is noted already


Naming = Callable[[str], str | None]
"""The field that a column's heading means; None if it means none, `IGNORED` if it is left out."""

IGNORED: Final = "-"


def decoded(content: bytes, faults: Faults) -> str | None:
    """The text of a file; None, and a fault, if it is none."""
    for start, program in _OTHER_PROGRAMS.items():
        if content.startswith(start):
            refusal = InvalidValue(
                "The file is not text, but {program}.", program=program, hint="Save it as CSV, and import that."
            )
            faults.add(None, None, None, refusal)
            return None
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = 1 + content[: error.start].count(b"\n")
        refusal = InvalidValue(
            "The file is not text in {encoding}: byte {byte} in line {line} cannot stand there.",
            encoding=encoding.removesuffix("-sig").upper(), byte=content[error.start : error.start + 1].hex().upper(),
            line=line, hint="Save it as CSV UTF-8, and import that.",
        )  # fmt: skip
        faults.add(line, None, None, refusal)
        return None
    if text[:1000].count("\0") > len(text[:1000]) // 4:
        refusal = InvalidValue(
            "The file looks like UTF-16 without its mark, or is not text.",
            hint="Save it as CSV UTF-8, and import that.",
        )
        faults.add(None, None, None, refusal)
        return None
    return text


# ------------------------------------------------------------------------------------------ CSV


def csv_records(
    text: str, naming: Naming, required: tuple[str, ...], faults: Faults, *, others: bool = False
) -> list[Record]:
    """The rows below the heading, each with what it fills in. Columns that mean nothing are refused, or left out."""
    delimiter, text = _delimiter(text, naming)
    rows = _csv_rows(text, delimiter, faults)
    number, heading = next(rows, (0, []))
    if not heading:
        if not faults.count:
            faults.add(None, None, None, InvalidValue("The file is empty.", hint="Its first row names the columns."))
        return []
    fields = _fields(number, heading, naming, required, faults, others=others)
    columns = {field: heading[place].strip() for place, field in fields.items()}
    found: list[Record] = []
    for number, cells in rows:
        if len(found) >= MOST_ROWS:
            _too_many(number, faults)
            break
        if _fits(number, cells, heading, faults):
            values = {field: cells[place] for place, field in fields.items() if cells[place].strip()}
            found.append(Record(number, values, columns))
    return found


def _delimiter(text: str, naming: Naming) -> tuple[str, str]:
    """The delimiter by which most columns are known, and the text; Excel's line `sep=;` says it itself."""
    first, _line_end, rest = text.partition("\n")
    said = first.strip(" \r").strip('"')
    if len(said) == 5 and said.startswith("sep=") and said[4] in DELIMITERS:
        return said[4], rest

    def known(delimiter: str) -> tuple[int, int]:
        try:
            heading = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), [])
        except csv.Error:
            return (0, 0)
        return sum(naming(cell) is not None for cell in heading), len(heading)

    return max(DELIMITERS, key=known), text


def _csv_rows(text: str, delimiter: str, faults: Faults) -> Iterator[tuple[int, list[str]]]:
    """Rows that hold anything, with their numbers; a quotation mark out of place ends them with a fault."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            if any(cell.strip() for cell in cells):
                yield number, cells
    except csv.Error as error:
        faults.add(number + 1, None, None, _csv_refusal(str(error)))


def _csv_refusal(why: str) -> InvalidValue:
    if "end of data" in why:
        return InvalidValue("A quotation mark is opened here and never closed.")
    if "expected after" in why:
        return InvalidValue(
            "A quotation mark stands in the middle of a cell in quotation marks.", hint="Write it twice there."
        )
    return InvalidValue("The row cannot be read: {why}.", why=why)


def _fields(
    row: int, heading: list[str], naming: Naming, required: tuple[str, ...], faults: Faults, *, others: bool
) -> dict[int, str]:
    """The field of each column, by its place; what is unknown, double or missing is a fault."""
    fields: dict[int, str] = {}
    for place, cell in enumerate(heading):
        field = naming(cell)
        if not cell.strip() or field == IGNORED or (others and field is None):
            continue  # a cell below an empty one is a fault of its own
        if field is None:
            refusal = InvalidValue(
                "There is no column called {column} here.", column=quoted(cell),
                hint='Say what it is with --map "HEADING=FIELD", or leave it out with --ignore.',
            )  # fmt: skip
            faults.add(row, cell, None, refusal)
        elif others and field in fields.values():
            first = next(heading[known] for known, name in fields.items() if name == field)
            refusal = InvalidValue(
                "The columns {first} and {column} both seem to be the {name}.", first=quoted(first),
                column=quoted(cell), name=field, hint="Say which of them is: {name}=HEADING.",
            )  # fmt: skip
            faults.add(row, cell, None, refusal)
        elif field in fields.values():
            faults.add(row, cell, None, InvalidValue("The column {column} is there twice.", column=quoted(cell)))
        else:
            fields[place] = field
    for field in required:
        if field not in fields.values():
            faults.add(row, field, None, InvalidValue("The column {column} is missing.", column=field))
    return fields


def _fits(row: int, cells: list[str], heading: list[str], faults: Faults) -> bool:
    """Whether the row has a cell for each column, and nothing outside them."""
    for place in range(len(cells)):
        if cells[place].strip() and (place >= len(heading) or not heading[place].strip()):
            refusal = InvalidValue(
                "This cell stands under no column; the heading has {count}.", count=len(heading),
                hint="A delimiter within a text needs quotation marks around that text.",
            )  # fmt: skip
            faults.add(row, f"column {place + 1}", cells[place], refusal)
            return False
        if len(cells[place]) > LONGEST_CELL:
            refusal = InvalidValue("The cell is too long: {count} characters.", count=len(cells[place]))
            faults.add(row, heading[place].strip(), cells[place], refusal)
            return False
    if len(cells) < len(heading):
        refusal = InvalidValue(
            "The row has {cells} cells, and the heading has {count}.", cells=len(cells), count=len(heading),
            hint="Write the delimiters of empty cells too.",
        )  # fmt: skip
        faults.add(row, None, None, refusal)
        return False
    return True


def _too_many(row: int, faults: Faults) -> None:
    refusal = InvalidValue(
        "One import has at most {most} rows, since it is done as a whole.", most=MOST_ROWS, hint="Split the file."
    )
    faults.add(row, None, None, refusal)


# ----------------------------------------------------------------------------------------- JSON


def json_records(text: str, faults: Faults) -> list[Record]:
    """The objects of a JSON list, of JSON lines, or the only one; a row is the object's number, or its line."""
    found: list[Record] = []
    for row, item in _json_items(text.strip(), faults):
        if len(found) >= MOST_ROWS:
            _too_many(row, faults)
            break
        if isinstance(item, dict):
            found.append(Record(row, item, {name: name for name in item}))
        else:
            faults.add(row, None, item, InvalidValue("A JSON object was expected here."))
    return found


def _json_items(text: str, faults: Faults) -> Iterator[tuple[int, Any]]:
    try:
        whole = json_of(text)
    except InvalidValue as refusal:
        if text.startswith("["):
            faults.add(None, None, None, refusal)
        else:
            yield from _json_lines(text, faults)
        return
    yield from enumerate(whole if isinstance(whole, list) else [whole], start=1)


def _json_lines(text: str, faults: Faults) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            item = json_of(line)
        except InvalidValue as refusal:
            faults.add(number, None, None, refusal)
        else:
            yield number, item


def json_of(text: str) -> Any:
    """What a JSON text says; a number with a fraction stays exact, and no name is given twice."""
    try:
        return json.loads(text, object_pairs_hook=_once, parse_float=_exact, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise InvalidValue(
            "This is not JSON: {why}, line {line} column {column}.", why=error.msg, line=error.lineno,
            column=error.colno,
        ) from None  # fmt: skip
    except RecursionError:
        raise InvalidValue("This JSON is nested too deeply.") from None
    except ValueError as error:
        raise InvalidValue("This JSON cannot be read: {why}.", why=str(error)) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise InvalidValue("{name} is given twice in one object.", name=quoted(name))
        if any("\ud800" <= character <= "\udfff" for character in name):
            raise InvalidValue("{name} holds half a character.", name=quoted(name))
        found[name] = value
    return found


def _exact(text: str) -> Decimal:
    if "e" in text.lower():  # a small text that can mean a number of a billion digits
        raise InvalidValue("Write {number} without an exponent.", number=quoted(text))
    return Decimal(text)


def _no_number(name: str) -> NoReturn:
    raise InvalidValue("{name} is not a number that JSON knows.", name=name)
