"""Bank lines from the file that a bank gives out: OFX 1 and 2, camt.053, or CSV with its columns said.

`read_statements(content, ...)` says what is in a file, whatever its bytes are: statements, or faults, each
with row, column and reason. `import_statements` records them with `record-bank-lines`, all of them or none;
the same file again does nothing. What kind of file it is, its first bytes say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from coopbank.bank import records
from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor, Books
from coopbank.bank.operation import Operation, Receipt
from coopbank.bank.operations.bank_reconciliation import MOST_LINES
from coopbank.bank.reconciling import account_of, statements_of
from coopbank.errors import InvalidAmount, InvalidValue, Refused
from coopbank.exchange import bank_camt, bank_csv, bank_ofx, plain_xml, rows
from coopbank.exchange.bank_csv import DateOrder, DecimalMark
from coopbank.exchange.bank_parts import FoundLine, FoundStatement, Reading
from coopbank.exchange.faults import Faults
from coopbank.money import format_amount, quoted

LARGEST_FILE: Final = 16 * 1024 * 1024
"""Bytes: a file of a year has some hundred thousand."""
_COLUMNS: Final = {"on": "date", "amount": "amount", "bank_id": "id", "text": "text", "reference": "reference"}
"""Fields of a line, as a file's faults name them."""


@dataclass(frozen=True, slots=True)
class BankFile:
    """What is said of a file besides what stands in it."""

    account: str | None = None  # of the books; the first one if it is left out
    columns: Mapping[str, str] = field(default_factory=dict)  # CSV: field and heading
    dates: DateOrder = "ymd"
    decimal: DecimalMark = "point"
    start: date | None = None
    end: date | None = None
    opening: int | None = None  # minor units
    closing: int | None = None


def read_statements(content: bytes, about: BankFile, currency: str, faults: Faults) -> list[FoundStatement]:
    """The statements in a file; none, and faults, if it is not clear what it says."""
    reading = Reading(faults, currency)
    if len(content) > LARGEST_FILE:
        faults.add(None, None, None, InvalidValue("A bank's file has at most {most} bytes.", most=LARGEST_FILE))
        return []
    try:
        found = _read(content, about, reading)
    except Refused as refusal:
        faults.add(None, None, None, refusal)
        return []
    if not found and not faults.count:
        faults.add(None, None, None, InvalidValue("There is no statement of a bank account in this file."))
    _require_sizes(found, faults)
    return [] if faults.count else found


def _read(content: bytes, about: BankFile, reading: Reading) -> list[FoundStatement]:
    head = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").upper()
    if head.startswith((b"OFXHEADER:", b"<OFX>")):
        return bank_ofx.statements(bank_ofx.sgml(content), reading)
    if head.startswith(b"<") or content.startswith((b"\xff\xfe<", b"\xfe\xff\0<")):
        root = plain_xml.parse(content.lstrip() if head.startswith(b"<") else content)
        return bank_ofx.statements(root, reading) if root.name == "OFX" else bank_camt.statements(root, reading)
    bank_csv.require_columns(about.columns)
    text = rows.decoded(content, reading.faults)
    return [] if text is None else [bank_csv.statement(text, about.columns, about.dates, about.decimal, reading)]


def _require_sizes(found: Sequence[FoundStatement], faults: Faults) -> None:
    numbers = sorted({each.number for each in found})
    if len(numbers) > 1:
        refusal = InvalidValue(
            "The file has statements of several accounts: {numbers}.",
            numbers=", ".join(quoted(number[-4:]) for number in numbers[:10]), hint="Ask the bank for one of each.",
        )  # fmt: skip
        faults.add(None, None, None, refusal)
    for each in found:
        if len(each.lines) > MOST_LINES:
            refusal = InvalidValue("A statement has at most {most} lines.", most=MOST_LINES, hint="Take a month each.")
            faults.add(each.lines[MOST_LINES].row, None, None, refusal)


# ------------------------------------------------------------------------------------ importing


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came of a file: how many lines it has and were skipped as not booked, and the receipts."""

    lines: int
    skipped: int
    receipts: tuple[Receipt, ...]


def import_statements(
    bank: Bank, actor: Actor, content: bytes, about: BankFile, faults: Faults, *, dry_run: bool = False,
    key_prefix: str | None = None,
) -> Recorded:  # fmt: skip
    """Record the statements of a file, all or none; refused with every fault that there is."""
    currency = bank.institution.currency
    found = read_statements(content, about, currency, faults)
    faults.refuse_if_any()
    prefix = key_prefix or f"import:bank-lines:{hashlib.sha256(content).hexdigest()[:32]}"
    with bank.read() as books:
        keys = [_key(books, f"{prefix}:{place}") for place in range(1, len(found) + 1)]
        wanted = [_wanted(books, about, place, found, keys[place]) for place in range(len(found))]
    for statement in wanted:
        _require_whole(statement, faults)
    faults.refuse_if_any()
    requests: list[tuple[Operation, str | None]] = []
    for statement, key in zip(wanted, keys, strict=True):
        try:
            requests.append((bank.build("record-bank-lines", _values(statement, about, currency)), key))
        except Refused as refusal:
            _note(faults, statement, refusal)
    faults.refuse_if_any()
    receipts = _performed(bank, actor, requests, wanted, faults, dry_run)
    return Recorded(sum(len(each.lines) for each in found), sum(each.skipped for each in found), tuple(receipts))


def _key(books: Books, key: str) -> str:
    """The key of a statement of the file: another one each time that the statement was withdrawn."""
    while True:
        void = books.tx.value(
            "SELECT 1 FROM operation o JOIN record r ON r.operation_id = o.id AND r.kind = 'bank-statement'"
            " JOIN record w ON w.kind = r.kind AND w.ref = r.ref AND w.version > 1 WHERE o.key = ?",
            key,
        )
        if void is None:
            return key
        key += "+"


def _before(books: Books, account: str, key: str) -> records.BankStatement | None:
    """The account's last statement; if this one is in the books already, the last before it."""
    known = [body for _ref, body in statements_of(books, account)]
    own = books.tx.value(
        "SELECT r.ref FROM operation o JOIN record r ON r.operation_id = o.id WHERE o.key = ? AND r.kind = ?",
        key, records.BankStatement.kind,
    )  # fmt: skip
    body = None if own is None else books.find(records.BankStatement, str(own))
    known = [each for each in known if body is None or each.start < body.start]
    return known[-1] if known else None


def _wanted(
    books: Books, about: BankFile, place: int, every: Sequence[FoundStatement], key: str
) -> FoundStatement:  # fmt: skip
    """A statement with what was said besides, and with what the statement before it says.

    Banks may date the beginning on the evening before: days that were told already and on which this
    file has no line are left out.
    """
    found = every[place]
    account = about.account or str(books.policy("bank_account", "FIRST"))
    account_of(books, account, "account")
    start, end = about.start or found.start, about.end or found.end
    opening = about.opening if about.opening is not None and place == 0 else found.opening
    closing = about.closing if about.closing is not None and place == len(every) - 1 else found.closing
    told, ended = every[place - 1].end if place else None, every[place - 1].closing if place else None
    if not place and (before := _before(books, account, key)) is not None:
        told, ended = date.fromisoformat(before.end), before.closing
    if told and about.start is None and start and start <= told < min([line.on for line in found.lines] or [date.max]):
        start = told + timedelta(days=1) if end is None or told < end else start
    if opening is None and ended is not None:
        opening = ended
    if opening is None and closing is not None:
        opening = closing - sum(line.amount for line in found.lines)
    return FoundStatement(start, end, opening, closing, found.number, found.lines, found.skipped)


def _require_whole(statement: FoundStatement, faults: Faults) -> None:
    """Refuse a statement whose days or balances nobody has said, each by its option, and lines outside of it."""
    for name, value, refusal in (
        ("--from", statement.start, InvalidValue("It is not said on which day the statement begins.")),
        ("--to", statement.end, InvalidValue("It is not said on which day the statement ends.")),
        ("--closing", statement.closing, InvalidAmount(
            "It is not said what the bank's balance was at the end.", hint="Read it off the bank's paper.")),
    ):  # fmt: skip
        if value is None:
            faults.add(None, name, None, refusal)
    for line in statement.lines:
        if statement.start and statement.end and not statement.start <= line.on <= statement.end:
            refusal = InvalidValue(
                "{day} is outside of the statement, which goes from {start} to {end}.", day=line.on,
                start=statement.start, end=statement.end,
            )  # fmt: skip
            faults.add(line.row, "date", line.on.isoformat(), refusal)


def _values(statement: FoundStatement, about: BankFile, currency: str) -> dict[str, Any]:
    """The fields of the operation."""
    ends = "".join(c for c in statement.number if c.isascii() and c.isalnum())[-4:]
    return {
        "start": str(statement.start), "end": str(statement.end),
        "opening": format_amount(statement.opening or 0, currency),
        "closing": format_amount(statement.closing or 0, currency),
        "lines": [_line(line, currency) for line in statement.lines],
        **({"bank_account": about.account} if about.account else {}), **({"number_ends": ends} if ends else {}),
    }  # fmt: skip


def _line(line: FoundLine, currency: str) -> dict[str, str]:
    said = {"bank_id": line.bank_id, "text": line.text, "reference": line.reference}
    amount = format_amount(line.amount, currency)
    return {"on": line.on.isoformat(), "amount": amount, **{name: value for name, value in said.items() if value}}


def _performed(
    bank: Bank, actor: Actor, requests: list[tuple[Operation, str | None]], wanted: Sequence[FoundStatement],
    faults: Faults, dry_run: bool,
) -> list[Receipt]:  # fmt: skip
    """The receipts; when one is refused, nothing is kept, and what is wrong is said by its row."""
    refused: Refused | None = None
    if not dry_run:
        try:
            return bank.perform_all(actor, requests)
        except Refused as refusal:  # logged by the bank; which row it takes a second look to say
            refused = refusal
    tried = bank.try_all(actor, requests)
    for statement, outcome in zip(wanted, tried, strict=True):
        if isinstance(outcome, Refused):
            if (outcome.field or "").partition(".")[0] not in ("lines", "start", "end", "opening", "closing"):
                raise outcome  # of who asks, or of the day: nothing in the file
            _note(faults, statement, outcome)
    faults.refuse_if_any()
    if refused is not None:
        raise refused
    return [outcome for outcome in tried if isinstance(outcome, Receipt)]


def _note(faults: Faults, statement: FoundStatement, refusal: Refused) -> None:
    """A refusal of the operation, by the row of the line that it names."""
    name, _point, rest = (refusal.field or "").partition(".")
    place, _point, column = rest.partition(".")
    if name == "lines" and place.isdecimal() and int(place) < len(statement.lines):
        line = statement.lines[int(place)]
        value = {"on": line.on.isoformat(), "bank_id": line.bank_id}.get(column)
        faults.add(line.row, _COLUMNS.get(column, column), value, refusal)
    else:
        faults.add(None, {"start": "--from", "end": "--to"}.get(name, f"--{name}"), None, refusal)
