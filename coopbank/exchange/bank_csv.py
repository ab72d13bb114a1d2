"""Statements as a table: the CSV that a bank's web site gives out, with columns named as the bank likes.

`--map date="Posted on"` says which column is what; without it, columns with usual names are known. Others are left
out, and so are lines above the heading. Days are YYYY-MM-DD unless it is said in which order they stand; a comma
is a thousands mark unless it is said to be the decimal mark. Either one column has the amount with its
sign, or one has what came in and another what went out. A column with the balance after each line is checked
against the amounts, and gives the statement's opening and closing balance.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Final, Literal

from coopbank.errors import InvalidAmount, InvalidDate, InvalidValue, WrongUsage
from coopbank.exchange import rows
from coopbank.exchange.bank_parts import (
    FoundLine,
    FoundStatement,
    Reading,
    T,
    bank_id,
    calendar_day,
    require_moved,
    said,
)
from coopbank.exchange.rows import Record
from coopbank.money import format_amount, parse_typed, quoted

DateOrder = Literal["ymd", "mdy", "dmy"]
DecimalMark = Literal["point", "comma"]

FIELDS: Final = ("date", "amount", "credit", "debit", "text", "reference", "id", "balance")
"""What a column may be: `credit` is money that came in, `debit` money that went out."""

_USUAL: Final = {
    "date": "date posted booked booking_date posting_date post_date posted_on transaction_date date_posted fecha"
            " fecha_de_operacion",
    "amount": "amount betrag importe monto amount_usd",
    "credit": "credit credits deposit deposits deposit_amount amount_credit paid_in abono abonos credito",
    "debit": "debit debits withdrawal withdrawals withdrawal_amount amount_debit paid_out cargo cargos debito",
    "text": "text description memo payee details name descripcion concepto",
    "reference": "reference ref check_number check_no cheque_number check number referencia",
    "id": "id transaction_id fitid transaction_number bank_id",
    "balance": "balance running_balance balance_after saldo",
}  # fmt: skip
_KNOWN: Final = {heading: field for field, headings in _USUAL.items() for heading in headings.split()}
_ABOVE: Final = 50  # lines that may stand above the heading
_LONGEST_LINE: Final = 100_000  # characters
_MOST_ROWS: Final = 100_000  # empty ones included
_YEAR_FIRST: Final = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})|([0-9]{4})([0-9]{2})([0-9]{2})")
_YEAR_LAST: Final = re.compile(r"([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4}|[0-9]{2})")
_COMMA: Final = re.compile(r"([1-9][0-9]{0,2}(?:\.[0-9]{3})+|[0-9]+)(?:,([0-9]+))?")


def statement(
    text: str, columns: Mapping[str, str], dates: DateOrder, decimal: DecimalMark, reading: Reading
) -> FoundStatement:
    """The statement that a table is; its days and balances are those of its lines."""
    if text.count("\n") > _MOST_ROWS:
        raise InvalidValue("The table has more than {most} rows.", most=_MOST_ROWS, hint="Take a month each.")
    if any(len(line) > _LONGEST_LINE for line in text.split("\n")):
        raise InvalidValue("A line of the table has more than {most} characters.", most=_LONGEST_LINE)
    naming = _naming(columns)
    text = _from_heading(text, naming)
    sides = {"credit", "debit"} <= set(_headed(text, naming))
    required = tuple(dict.fromkeys(("date", *(() if sides else ("amount",)), *columns)))
    table = _Table(dates, decimal, reading)
    found, balances = [], []
    for record in rows.csv_records(text, naming, required, reading.faults, others=True):
        line, balance = table.line(record), table.balance(record)
        if line is not None:
            found.append(line)
            balances.append((record, balance))
    if reading.faults.count or not found:
        return FoundStatement(lines=found)
    return _in_order(found, balances, reading)


def _naming(columns: Mapping[str, str]) -> Callable[[str], str | None]:
    """Which field a heading means: by what was said, else by its usual name."""
    named = {_folded(heading): field for field, heading in columns.items()}
    usual = {heading: field for heading, field in _KNOWN.items() if field not in columns}
    if "amount" in columns:  # one column has it all
        usual = {heading: field for heading, field in usual.items() if field not in ("credit", "debit")}
    return lambda cell: named.get(_folded(cell)) or usual.get(_folded(cell))


def _folded(heading: str) -> str:
    return re.sub(r"[\W_]+", "_", heading.casefold()).strip("_") if len(heading) <= 100 else ""


def _from_heading(text: str, naming: Callable[[str], str | None]) -> str:
    """The text with all above its heading left empty, so that rows keep their numbers; its delimiter is said."""
    lines = text.split("\n", _ABOVE)
    for place, line in enumerate(lines[:_ABOVE]):
        for delimiter in (",", ";", "\t"):
            fields = {naming(cell) for cell in _cells(line, delimiter)}
            if "date" in fields and fields & {"amount", "credit", "debit"}:
                return f"sep={delimiter}\n" + "\n" * place + "\n".join(lines[place:])
    return text


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line.rstrip("\r")], delimiter=delimiter), [])
    except csv.Error:
        return []


def _headed(text: str, naming: Callable[[str], str | None]) -> list[str]:
    """The fields that the heading names."""
    if not text.startswith("sep=") or text[4:5] not in rows.DELIMITERS:
        return []
    heading = next((line for line in text.split("\n")[1:] if line.strip()), "")
    return [field for cell in _cells(heading, text[4]) if (field := naming(cell)) is not None]


def _in_order(
    lines: list[FoundLine], balances: Sequence[tuple[Record, int | None]], reading: Reading
) -> FoundStatement:
    """The lines, the oldest first: some banks begin with the newest. The balances say it where the days do not."""
    backwards = lines[0].on > lines[-1].on
    if lines[0].on == lines[-1].on and len(lines) > 1:
        backwards = _first_break(lines, balances) is not None and _first_break(lines[::-1], balances[::-1]) is None
    if backwards:
        lines, balances = lines[::-1], balances[::-1]
    found = FoundStatement(start=min(line.on for line in lines), end=max(line.on for line in lines), lines=lines)
    first, last = balances[0][1], balances[-1][1]
    if first is None or last is None:
        return found
    place = _first_break(lines, balances)
    if place is not None:
        record, balance = balances[place]
        should = (balances[place - 1][1] or 0) + lines[place].amount
        refusal = InvalidAmount(
            "After the line before it and this amount the balance is {should}.",
            should=format_amount(should, reading.currency), hint="A row is missing, or stands elsewhere.",
        )  # fmt: skip
        shown = None if balance is None else format_amount(balance, reading.currency)
        reading.faults.add(record.row, record.columns.get("balance"), shown, refusal)
    found.opening, found.closing = first - lines[0].amount, last
    return found


def _first_break(lines: Sequence[FoundLine], balances: Sequence[tuple[Record, int | None]]) -> int | None:
    """The first line whose balance does not follow; a line may say none."""
    running: int | None = None
    for place, (line, (_record, balance)) in enumerate(zip(lines, balances, strict=True)):
        running = None if running is None else running + line.amount
        if running is not None and balance is not None and balance != running:
            return place
        running = balance if running is None else running
    return None


class _Table:
    """Reads the cells of a table."""

    def __init__(self, dates: DateOrder, decimal: DecimalMark, reading: Reading) -> None:
        self.dates = dates
        self.decimal = decimal
        self.reading = reading

    def line(self, record: Record) -> FoundLine | None:
        """A row as a line; None, and faults, if it is not one."""
        on = self._cell(record, "date", self._day)
        amount = self._amount_of(record)
        text = self._optional(record, "text", said)
        reference = self._optional(record, "reference", said)
        own = self._optional(record, "id", bank_id)
        if on is None or amount is None:
            return None
        return FoundLine(record.row, on, amount, own, text or "", reference or "")

    def balance(self, record: Record) -> int | None:
        """The balance after it, if the table has one."""
        return self._optional(record, "balance", self._amount)

    def _cell(self, record: Record, name: str, read: Callable[[str], T]) -> T | None:
        return self.reading.cell(record.row, record.columns.get(name, name), record.values.get(name), read)

    def _optional(self, record: Record, name: str, read: Callable[[str], T]) -> T | None:
        return self.reading.optional(record.row, record.columns.get(name, name), record.values.get(name), read)

    def _amount_of(self, record: Record) -> int | None:
        if "amount" in record.columns:
            return self._cell(record, "amount", lambda text: require_moved(self._amount(text)))
        both = [name for name in ("credit", "debit") if record.values.get(name)]
        amounts = {name: self._cell(record, name, self._amount) for name in both}
        moved = [name for name, amount in amounts.items() if amount != 0]
        if len(moved) != 1:
            refusal = InvalidAmount("A row has an amount that came in or one that went out, one of them.")
            self.reading.faults.add(record.row, record.columns.get("credit"), record.values.get("credit"), refusal)
            return None
        name = moved[0]
        amount = amounts[name]
        if amount is not None and amount < 0:
            refusal = InvalidAmount("In a column of its own an amount has no sign.", hint="Import it as one column.")
            self.reading.faults.add(record.row, record.columns.get(name), record.values.get(name), refusal)
            return None
        return -amount if amount is not None and name == "debit" else amount

    def _amount(self, text: str) -> int:
        """An amount as banks' tables have it: `1,250.00`, `$40`, `(12.00)`, `12.00-`, `+5`, `−5`."""
        bare = text.replace("\u2212", "-").replace("\u00a0", "")
        sign = ""
        if bare.startswith("(") and bare.endswith(")"):
            sign, bare = "-", bare[1:-1]
        elif bare.endswith("-"):
            sign, bare = "-", bare[:-1]
        if sign and "-" in bare:
            raise InvalidAmount("{text} is not an amount.", text=quoted(text))
        bare = bare.removeprefix("+")
        if self.decimal == "comma":
            bare = with_point(bare, text)
        return parse_typed(sign + bare.strip(), self.reading.currency)

    def _day(self, text: str) -> date:
        """A day in the order that was said."""
        if self.dates == "ymd":
            match = _YEAR_FIRST.fullmatch(text)
            parts = [part for part in match.groups() if part] if match else []
        else:
            match = _YEAR_LAST.fullmatch(text)
            first, second, year = match.groups() if match else ("", "", "")
            month, day = (first, second) if self.dates == "mdy" else (second, first)
            parts = [year if len(year) == 4 else f"20{year}", month, day] if match else []
        if not parts:
            raise InvalidDate(
                "{text} is not a date in the order {order}.", text=quoted(text), order=self.dates,
                hint="Say the order of the bank's dates: ymd, mdy or dmy.",
            )  # fmt: skip
        return calendar_day(*parts)


def with_point(bare: str, text: str) -> str:
    """An amount with a decimal comma, as one with a point."""
    minus = "-" if bare.startswith("-") else ""
    match = _COMMA.fullmatch(bare.removeprefix("-").strip())
    if match is None:
        raise InvalidAmount(
            "{text} is not an amount with a decimal comma.", text=quoted(text), hint="It is such as 1.250,00."
        )
    whole, decimals = match.groups()
    return f"{minus}{whole.replace('.', '')}" + (f".{decimals}" if decimals else "")


def require_columns(columns: Mapping[str, str]) -> None:
    """Refuse a mapping of what a column cannot be."""
    for field in columns:
        if field not in FIELDS:
            raise WrongUsage(
                "A column of a statement cannot be {what}.", field="map", what=quoted(field),
                hint="Choose one of: {fields}.", fields=", ".join(FIELDS),
            )  # fmt: skip
