"""Imports: facts from files, through the same operations that a person would use.

`import_file(bank, actor, "members", "members.csv")` performs one operation for each row,
all rows in one transaction or none. When anything is wrong, every bad row is named with
its column and the reason (`ImportRefused.faults`): those whose fields cannot be read, and
those that the bank refuses, each tried upon the good ones before it in a transaction that
is taken back.

Importing the same file again does nothing: each row has an idempotency key made of the
SHA-256 of the file and its number, and the bank answers "repeated".

    members      admits them; a column for each field of admit-member
    savings      opening balances of savings: member, amount, account (if not the first)
    shares       opening balances of whole shares: member, amount, share class (901 or 903)
    operations   any operations: JSON, JSON lines, or CSV with a column "operation"
    bank-lines   statements of the bank: OFX, camt.053 or CSV (see bank_lines.py), all that is said besides in `about`
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, ValidationError

from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor
from coopbank.bank.fields import Code, MemberRef, Money, book_currency
from coopbank.bank.operation import CATALOGUE, Operation, Receipt, operation_named, plain_refusals
from coopbank.bank.operations.savings import FUND
from coopbank.errors import AlreadyExists, InvalidAmount, InvalidValue, Refused, Unknown, WrongUsage
from coopbank.exchange import rows
from coopbank.exchange.bank_lines import BankFile, import_statements
from coopbank.exchange.faults import Faults
from coopbank.exchange.rows import Record
from coopbank.money import format_amount, parse_amount, quoted
from coopbank.words import LANGUAGES, speaking, translate


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What came of an import, or would come of it (`dry_run`).

    `rows` are those of the file; the other counts are of operations, of which opening
    balances take several hundred rows each.
    """

    kind: str
    file: str
    dry_run: bool
    rows: int
    done: int
    repeated: int
    pending: int
    created: tuple[str, ...]  # numbers given: M0061, L-021
    requests: tuple[str, ...]  # what waits for a second person: R-00012
    receipts: tuple[Receipt, ...]

    def as_dict(self) -> dict[str, Any]:
        """The counts and numbers, without the receipts."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "receipts"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """An operation that rows of the file ask for. `key` is their own, or the number of the row."""

    operation: Operation
    key: str
    record: Record
    own_key: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What a file asks for: how each row is tried, and what is done when every one is good."""

    trial: list[Wanted]
    work: list[Wanted]
    uniform: bool = True  # every row asks for the same operation


def import_file(
    bank: Bank,
    actor: Actor,
    kind: str,
    path: str | os.PathLike[str],
    *,
    dry_run: bool = False,
    key_prefix: str | None = None,
    about: BankFile | None = None,
) -> ImportResult:
    """Import a file: all of it, or nothing.

    `dry_run` tries every row and keeps nothing. `key_prefix` takes the place of the file's
    hash in the idempotency keys. Refused with `ImportRefused` for what is in the file, with
    `WrongUsage` when it cannot be read, with `NotAllowed` when the actor may not do this.
    """
    if kind not in (*KINDS, BANK_LINES):
        raise WrongUsage(
            "There is no import called {kind}.", field="kind", kind=quoted(kind),
            hint="Choose one of: {kinds}.", kinds=", ".join((*KINDS, BANK_LINES)),
        )  # fmt: skip
    content = _content(path)
    faults = Faults(Path(path).name)
    if kind == BANK_LINES:
        recorded = import_statements(
            bank, actor, content, about or BankFile(), faults, dry_run=dry_run, key_prefix=key_prefix
        )
        return _result(kind, faults.file, recorded.lines, recorded.receipts, dry_run)
    text = rows.decoded(content, faults)
    plan = Plan([], []) if text is None else KINDS[kind](bank, text, faults)
    if not plan.trial and not faults.count:
        faults.add(None, None, None, InvalidValue("The file has no rows below its heading."))
    prefix = key_prefix or f"import:{kind}:{hashlib.sha256(content).hexdigest()[:32]}"
    receipts = _performed(bank, actor, plan, prefix, faults, dry_run)
    return _result(kind, faults.file, len(plan.trial), receipts, dry_run)


def _content(path: str | os.PathLike[str]) -> bytes:
    place = Path(path)
    try:
        if place.is_dir():
            raise WrongUsage("{file} is a folder.", field="file", file=quoted(str(path)))
        if not place.is_file():
            raise WrongUsage("There is no file {file}.", field="file", file=quoted(str(path)))
        with place.open("rb") as file:
            content = file.read(rows.LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or str(error)).lower()
        raise WrongUsage("{file} cannot be read: {why}.", field="file", file=quoted(str(path)), why=why) from error
    if len(content) > rows.LARGEST_FILE:
        raise WrongUsage("{file} is too large.", field="file", file=quoted(str(path)), hint="Split it.")
    return content


# ---------------------------------------------------------------------------------- performing


def _performed(bank: Bank, actor: Actor, plan: Plan, prefix: str, faults: Faults, dry_run: bool) -> list[Receipt]:
    """The receipts of the work; when a row is refused, every row that is, and nothing is kept."""
    refused: Refused | None = None
    if not faults.count and not dry_run:
        try:
            return bank.perform_all(actor, _requests(plan.work, prefix))
        except Refused as refusal:  # logged by the bank; which rows it takes a second look to say
            refused = refusal
    tried = bank.try_all(actor, _requests(plan.trial, prefix))
    if plan.uniform:
        _require_no_common_cause(plan, tried)
    for wanted, outcome in zip(plan.trial, tried, strict=True):
        if isinstance(outcome, Refused):
            _note(faults, wanted.record, outcome)
    faults.refuse_if_any()
    if refused is not None:
        raise refused
    if plan.work is not plan.trial:
        return _receipts(bank.try_all(actor, _requests(plan.work, prefix)))
    return _receipts(tried)


def _requests(wanted: Iterable[Wanted], prefix: str) -> list[tuple[Operation, str | None]]:
    return [(each.operation, each.key if each.own_key else f"{prefix}:{each.key}") for each in wanted]


def _require_no_common_cause(plan: Plan, tried: Sequence[Receipt | Refused]) -> None:
    """When all rows are refused for one reason that stands in none of them (no power, no open day), say it once."""
    first = tried[0] if tried else None
    if not isinstance(first, Refused) or first.field in plan.trial[0].record.columns:
        return
    if all(isinstance(each, Refused) and str(each) == str(first) for each in tried):
        raise first


def _receipts(outcomes: Sequence[Receipt | Refused]) -> list[Receipt]:
    for outcome in outcomes:
        if isinstance(outcome, Refused):
            raise outcome
    return [outcome for outcome in outcomes if isinstance(outcome, Receipt)]


def _note(faults: Faults, record: Record, refusal: Refused) -> None:
    """A refusal of a row, under the name that the file gives the column."""
    field = (refusal.field or "").partition(".")[0]
    if field == "lines" and field not in record.values:  # of an opening balance that the row was made into
        field = "amount" if isinstance(refusal, InvalidAmount) else "member"
    column = record.columns.get(field, refusal.field)
    if refusal.values.get("field_name") == field:  # "{field_name} is missing."
        refusal = type(refusal)(refusal.template, field=field, field_name=column)
    faults.add(record.row, column, record.values.get(field), refusal)


def _result(kind: str, file: str, count: int, receipts: Sequence[Receipt], dry_run: bool) -> ImportResult:
    repeated = sum(receipt.status == "repeated" for receipt in receipts)
    pending = [receipt for receipt in receipts if receipt.status != "repeated" and receipt.reason]
    fresh = [receipt for receipt in receipts if receipt.status != "repeated" and not receipt.reason]
    return ImportResult(
        kind=kind, file=file, dry_run=dry_run, rows=count, done=len(fresh), repeated=repeated,
        pending=len(pending), created=tuple(number for receipt in fresh for number in receipt.created),
        requests=tuple(receipt.request for receipt in pending if receipt.request), receipts=tuple(receipts),
    )  # fmt: skip


# ----------------------------------------------------------------------------------------- rows


def _built(bank: Bank, name: str, values: dict[str, Any], record: Record, faults: Faults) -> Operation | None:
    """The operation that a row describes; every field that is wrong is a fault."""
    try:
        return bank.build(name, values)
    except InvalidValue as refusal:
        cause = refusal.__cause__
        for each in plain_refusals(cause) if isinstance(cause, ValidationError) else [refusal]:
            _note(faults, record, each)
        return None


def _fold(heading: str) -> str:
    """A heading as it is compared: lower case, words joined by one underscore."""
    return "" if len(heading) > 100 else re.sub(r"[\W_]+", "_", heading.casefold()).strip("_")


def _headings(operation: type[BaseModel], more: dict[str, str]) -> dict[str, str]:
    """What the columns of an operation's fields may be called: names, titles in every language, and more."""
    known = {name: name for name in operation.model_fields}
    for name, info in operation.model_fields.items():
        for language in LANGUAGES:
            with speaking(language):
                known.setdefault(_fold(translate(info.title or name)), name)
    return known | more


_MEMBER_HEADINGS: Final = {
    "name": "member_name", "full_name": "member_name", "tel": "phone", "mobile": "phone", "phone_number": "phone",
    "mail": "email", "email_address": "email", "kind": "entity", "type": "entity", "taxpayer_id": "tax_id",
    "ssn": "tax_id", "ein": "tax_id", "since": "joined_on", "joined": "joined_on", "date_joined": "joined_on",
    "member": "number", "member_number": "number", "member_no": "number", "lang": "language",
}  # fmt: skip


def _members(bank: Bank, text: str, faults: Faults) -> Plan:
    operation = CATALOGUE["admit-member"]
    headings = _headings(operation, _MEMBER_HEADINGS)
    wanted = []
    for record in rows.csv_records(text, lambda cell: headings.get(_fold(cell)), ("member_name",), faults):
        built = _built(bank, operation.name, record.values, record, faults)
        if built is not None:
            wanted.append(Wanted(built, str(record.row), record))
    return Plan(wanted, wanted)


# ----------------------------------------------------------------------------- opening balances

_LINES_AT_ONCE: Final = 499  # of an opening balance, besides the line on 990


class SavingsRow(BaseModel):
    """What a member had saved in the old records."""

    member: MemberRef
    amount: Money
    account: Annotated[Code | None, Field(title="Account, if not the first")] = None

    @property
    def leaf(self) -> str:
        """The leaf that takes it."""
        return f"905/{(self.account or self.member).removeprefix('S-')}"


class SharesRow(BaseModel):
    """What a member had paid for whole shares in the old records."""

    member: MemberRef
    amount: Money
    share_class: Annotated[Literal["901", "903"], Field(title="Class of shares")] = "901"

    @property
    def leaf(self) -> str:
        """The leaf that takes it."""
        return f"{self.share_class}/{self.member}"


_BALANCE_HEADINGS: Final = {
    "number": "member", "member_number": "member", "member_no": "member", "balance": "amount", "savings": "amount",
    "shares": "amount", "paid": "amount", "class": "share_class",
}  # fmt: skip


def _openings(model: type[SavingsRow] | type[SharesRow], bank: Bank, text: str, faults: Faults) -> Plan:
    """Each row is tried as an opening balance of its own; the work is as few of them as there can be."""
    book_currency.set(bank.institution.currency)
    headings = _headings(model, _BALANCE_HEADINGS)
    trial: list[Wanted] = []
    lines: dict[str, dict[str, str]] = {}
    for record in rows.csv_records(text, lambda cell: headings.get(_fold(cell)), ("member", "amount"), faults):
        try:
            row = model.model_validate(record.values)
        except ValidationError as error:
            for each in plain_refusals(error):
                _note(faults, record, each)
            continue
        if row.leaf in lines:
            refusal = AlreadyExists("{account} is in this file twice.", field="member", account=row.leaf)
            _note(faults, record, refusal)
            continue
        lines[row.leaf] = {
            "fund": FUND,
            "account": row.leaf,
            "credit": format_amount(row.amount, bank.institution.currency),
        }
        built = _built(bank, "opening-balance", _opening([lines[row.leaf]], bank), record, faults)
        if built is not None:
            trial.append(Wanted(built, str(record.row), record))
    if faults.count:
        return Plan(trial, trial)
    every, work = list(lines.values()), []
    for start in range(0, len(every), _LINES_AT_ONCE):
        batch = _opening(every[start : start + _LINES_AT_ONCE], bank)
        record = trial[start].record
        work.append(Wanted(bank.build("opening-balance", batch), f"from {record.row}", record))
    return Plan(trial, work)


def _opening(lines: list[dict[str, str]], bank: Bank) -> dict[str, Any]:
    """The lines and, against them, one on 990."""
    code = bank.institution.currency
    total = format_amount(sum(parse_amount(line["credit"], code) for line in lines), code)
    return {"lines": [*lines, {"fund": FUND, "account": "990", "debit": total}]}


def _savings(bank: Bank, text: str, faults: Faults) -> Plan:
    return _openings(SavingsRow, bank, text, faults)


def _shares(bank: Bank, text: str, faults: Faults) -> Plan:
    return _openings(SharesRow, bank, text, faults)


# ----------------------------------------------------------------------------------- operations

_FIELD: Final = "fields."  # before a field that is called "operation" or "key" itself


def _operations(bank: Bank, text: str, faults: Faults) -> Plan:
    json = text.lstrip("\ufeff \t\r\n")[:1] in ("[", "{")
    records = rows.json_records(text, faults) if json else _operation_rows(text, faults)
    wanted = []
    for record in records:
        found = _one_operation(bank, record, faults, from_text=not json)
        if found is not None:
            wanted.append(found)
    return Plan(wanted, wanted, uniform=False)


def _operation_rows(text: str, faults: Faults) -> list[Record]:
    fields = {name for operation in CATALOGUE.values() for name in operation.model_fields}
    headings = {name: name for name in fields} | {"operation": "operation", "key": "key"}

    def naming(cell: str) -> str | None:
        if cell.strip().casefold().startswith(_FIELD):
            field = _fold(cell.strip()[len(_FIELD) :])
            return _FIELD + field if field in fields else None
        return headings.get(_fold(cell))

    return rows.csv_records(text, naming, ("operation",), faults)


def _one_operation(bank: Bank, record: Record, faults: Faults, from_text: bool) -> Wanted | None:
    values = dict(record.values)
    name, key = values.pop("operation", None), values.pop("key", None)
    inner = values.pop("fields", None) if set(values) == {"fields"} else None
    try:
        cls = _named(name)
        _require_key(key)
    except Refused as refusal:
        _note(faults, record, refusal)
        return None
    if isinstance(inner, dict):
        values = inner
    record = Record(record.row, values, {field.removeprefix(_FIELD): own for field, own in record.columns.items()})
    if from_text:
        values = {field.removeprefix(_FIELD): value for field, value in values.items()}
        lists = _list_fields(cls)
        values = {field: _listed(value) if field in lists else value for field, value in values.items()}
    built = _built(bank, cls.name, values, record, faults)
    return None if built is None else Wanted(built, key or str(record.row), record, own_key=key is not None)


def _named(name: Any) -> type[Operation]:
    if not isinstance(name, str) or not name.strip():
        raise InvalidValue(
            "This does not say which operation it is.", field="operation", hint="Write its name, such as deposit."
        )
    try:
        return operation_named(name.strip())
    except Unknown as refusal:
        raise Unknown(
            "There is no operation called {name}.", field="operation", name=quoted(name),
            hint="See the list with: coopbank operations",
        ) from refusal  # fmt: skip


def _require_key(key: Any) -> None:
    if key is not None and (not isinstance(key, str) or not re.fullmatch(r"[!-~]{1,200}", key)):
        raise InvalidValue("A key is a text of at most 200 letters, digits and marks, without spaces.", field="key")


@lru_cache(maxsize=256)
def _list_fields(cls: type[Operation]) -> frozenset[str]:
    """Fields that are lists of plain texts."""
    schema = cls.model_json_schema()

    def is_list(kind: dict[str, Any]) -> bool:
        plain = kind.get("type") == "array" and kind.get("items", {}).get("type") == "string"
        return plain or any(is_list(each) for each in kind.get("anyOf", ()))

    return frozenset(name for name, kind in schema.get("properties", {}).items() if is_list(kind))


def _listed(cell: str) -> list[str]:
    """A cell that holds several codes, with spaces, commas or semicolons between them."""
    return [part for part in re.split(r"[\s,;]+", cell) if part]


BANK_LINES: Final = "bank-lines"
"""The import of statements, which are more than rows."""

KINDS: Final[dict[str, Callable[[Bank, str, Faults], Plan]]] = {
    "members": _members, "savings": _savings, "shares": _shares, "operations": _operations,
}  # fmt: skip
"""Every import of rows by name."""
