"""Imports: facts from files, through the same operations that a person would use.

`import_file(bank, actor, "members", "members.csv")` performs one operation for each row,
all rows in one transaction or none. When anything is wrong, every bad row is named with
its column and the reason (`ImportRefused.faults`): those whose fields cannot be read, and
those that the bank refuses, each tried upon the good ones before it in a transaction that
is taken back. A `Layout` says what somebody else's columns mean and how their days are
written; a `Control` says how many rows there must be, and what they must come to; a report
has every row with its verdict.

Importing the same file again does nothing: each row has an idempotency key made of the
SHA-256 of the file and its number, and the bank answers "repeated".

A large file keeps tills waiting for as long as it takes. `in_groups` commits some hundred rows at a time instead, and
lets tills in between: whatever can be seen of the file alone is still found before anything is done, but a row that
the bank refuses leaves those of the groups before it in the books. That is told, and the same file goes on from there.

    members      admits them; a column for each field of admit-member
    savings      opening balances of savings: member, amount, account (if not the first)
    shares       opening balances of whole shares: member, amount, share class (901 or 903)
    loans        loans in mid-life: terms, what was paid, what is due next (see opening_rows.py)
    operations   any operations: JSON, JSON lines, or CSV with a column "operation"
    entries      entries of the bank's own registers: a column "register", and one for each field
    bank-lines   statements of the bank: OFX, camt.053 or CSV (see bank_lines.py), all that is said besides in `about`
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor, Books, loads, opened
from coopbank.bank.operation import CATALOGUE, Operation, Receipt, operation_named
from coopbank.bank.records import Member
from coopbank.errors import (
    AlreadyExists,
    CoopbankError,
    DatabaseUnusable,
    ImportRefused,
    InvalidAmount,
    InvalidValue,
    NotOffered,
    Refused,
    Unknown,
    WrongUsage,
)
from coopbank.exchange import opening_rows, register_rows, rows, verdicts
from coopbank.exchange.bank_lines import BankFile, import_statements
from coopbank.exchange.faults import Faults
from coopbank.exchange.files import NewFiles
from coopbank.exchange.layout import Layout
from coopbank.exchange.plans import Plan, Source, Wanted, fold, headings, note
from coopbank.exchange.rows import Record
from coopbank.ledger.posting import head
from coopbank.money import format_amount, quoted


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
    total: str | None = None  # what the amounts of the rows come to

    def as_dict(self) -> dict[str, Any]:
        """The counts and numbers, without the receipts."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "receipts"}


@dataclass(frozen=True, slots=True)
class Control:
    """What a file must come to, as whoever made it says: rows, and the sum of their amounts in minor units."""

    count: int | None = None
    total: int | None = None

    def check(self, plan: Plan, currency: str, faults: Faults) -> None:
        """What does not agree is a fault of the file."""
        if self.count is not None and plan.rows != self.count:
            refusal = InvalidValue(
                "The file has {rows} rows, and there must be {count}.", rows=plan.rows, count=self.count,
                hint="See which row is missing, or there twice.",
            )  # fmt: skip
            faults.add(None, None, None, refusal)
        if self.total is not None and plan.total is not None and plan.total != self.total:
            total = InvalidAmount(
                "The rows come to {sum}, and must come to {total}: {apart} apart.",
                sum=format_amount(plan.total, currency), total=format_amount(self.total, currency),
                apart=format_amount(abs(plan.total - self.total), currency),
                hint="See which amount is missing, or there twice, or written wrongly.",
            )  # fmt: skip
            faults.add(None, None, None, total)


def import_file(
    bank: Bank, actor: Actor, kind: str, path: str | os.PathLike[str], *, dry_run: bool = False,
    key_prefix: str | None = None, about: BankFile | None = None, layout: Layout | None = None,
    control: Control | None = None, as_of: date | None = None, report: str | None = None, in_groups: bool = False,
) -> ImportResult:  # fmt: skip
    """Import a file: all of it, or nothing; `in_groups`, all of it or the groups before a row that is refused.

    `dry_run` tries every row and keeps nothing. `key_prefix` takes the place of the file's
    hash in the idempotency keys. `as_of` is the day at whose start opening balances stand,
    today if it is not said. Refused with `ImportRefused` for what is in the file, with
    `WrongUsage` when it cannot be read, with `NotAllowed` when the actor may not do this.
    """
    _require_kind(kind, control, as_of)
    content = _content(path)
    faults = Faults(Path(path).name)
    if kind == BANK_LINES:
        recorded = import_statements(
            bank, actor, content, about or BankFile(), faults, dry_run=dry_run, key_prefix=key_prefix
        )
        return _result(kind, faults.file, recorded.lines, recorded.receipts, dry_run)
    job = _Job(bank, actor, kind, content, faults, dry_run, key_prefix, layout or Layout(), control, as_of, in_groups)
    if report is None:
        return job.done({})
    place = verdicts.require_place(report)
    found: dict[int, str] = {}
    refused: CoopbankError | None = None
    result: ImportResult | None = None
    with NewFiles(place.parent) as files:  # opened before anything is done, so that it can be written after
        stream = files.text(place.name)
        try:
            result = job.done(found)
        except CoopbankError as refusal:
            if not isinstance(refusal, ImportRefused) and not faults.rows_done:
                raise
            refused = refusal  # whatever it was: which rows are in is told all the more
        verdicts.write(stream, found, faults)
    if result is None:
        assert refused is not None, "it is imported, or refused"
        raise refused
    return result


def _require_kind(kind: str, control: Control | None, as_of: date | None) -> None:
    """Refuse a kind that there is not, and what does not go with it."""
    if kind not in (*KINDS, BANK_LINES):
        raise WrongUsage(
            "There is no import called {kind}.", field="kind", kind=quoted(kind),
            hint="Choose one of: {kinds}.", kinds=", ".join((*KINDS, BANK_LINES)),
        )  # fmt: skip
    if control is not None and control.total is not None and kind in ("members", "entries"):
        raise WrongUsage(
            "These rows have no amounts that could come to a total.", field="control_total",
            hint="Say how many there are: --control-count.",
        )  # fmt: skip
    if as_of is not None and kind not in OPENINGS:
        raise WrongUsage(
            "Only opening balances stand under a day of their own.", field="as_of", hint="Leave --as-of out."
        )


@dataclass(frozen=True, slots=True)
class _Job:
    """One import of rows."""

    bank: Bank
    actor: Actor
    kind: str
    content: bytes
    faults: Faults
    dry_run: bool
    key_prefix: str | None
    layout: Layout
    control: Control | None
    as_of: date | None
    in_groups: bool

    def done(self, found: dict[int, str]) -> ImportResult:
        """Do it; `found` gets the verdict on each row that can be read."""
        digest = hashlib.sha256(self.content).hexdigest()
        prefix = self.key_prefix or f"import:{self.kind}:{digest[:32]}"
        text = rows.decoded(self.content, self.faults)
        plan = Plan([], [], 0)
        if text is not None:
            about = f"{self.kind}, file sha256 {digest[:16]}"
            day = self._day(prefix) if self.kind in OPENINGS else None
            plan = KINDS[self.kind](Source(self.bank, text, self.faults, self.layout, day, about, prefix))
            if not plan.rows and not self.faults.count:
                self.faults.add(None, None, None, InvalidValue("The file has no rows below its heading."))
            if self.control is not None and plan.rows:
                self.control.check(plan, self.bank.institution.currency, self.faults)
        if self.in_groups and not self.dry_run and not self.faults.count:
            receipts = self._in_groups(plan, prefix, found)
        else:
            receipts = self._at_once(plan, prefix, found)
        return _result(self.kind, self.faults.file, plan.rows, receipts, self.dry_run, self._shown(plan.total))

    def _at_once(self, plan: Plan, prefix: str, found: dict[int, str]) -> list[Receipt]:
        found |= {row: verdicts.GOOD for wanted in plan.trial for row in wanted.of_rows}
        receipts = _performed(self.bank, self.actor, plan, prefix, self.faults, self.dry_run)
        found |= verdicts.of_receipts(plan.work, receipts, dry_run=self.dry_run)
        return receipts

    def _in_groups(self, plan: Plan, prefix: str, found: dict[int, str]) -> list[Receipt]:
        found |= {row: verdicts.NOT_BEGUN for wanted in plan.trial for row in wanted.of_rows}
        receipts: list[Receipt] = []
        for group in _split_up(self.bank, plan):
            try:
                receipts += self._at_once(group, prefix, found)
            except ImportRefused:
                raise
            except Refused as refusal:
                if not self.faults.rows_done:
                    raise
                self.faults.add(group.trial[0].record.row, None, None, refusal)
                self.faults.refuse_if_any()
            except DatabaseUnusable as error:
                raise self._broken_off(error) from error
            self.faults.rows_done += group.rows
        return receipts

    def _broken_off(self, error: DatabaseUnusable) -> DatabaseUnusable:
        """The same fault of the database, and how many rows are in by then."""
        if not self.faults.rows_done:
            return error
        return type(error)(
            "{done} rows of {file} are in the books, then it was broken off: {reason}", field=error.field,
            done=self.faults.rows_done, file=self.faults.file, reason=error.message,
            hint="Give the same file again: it goes on from there.",
        )  # fmt: skip

    def _day(self, prefix: str) -> date | None:
        """The cut-over: as it was said, or as it was when this file was imported before, or the business date."""
        if self.as_of is not None:
            return self.as_of
        with self.bank.read() as books:
            sealed = books.tx.value(
                "SELECT sealed FROM operation WHERE key >= ? AND key < ? ORDER BY key LIMIT 1",
                f"{prefix}:",
                f"{prefix};",
            )
            request = {} if sealed is None else loads(sealed)[10]
            said = request.get("payload", request).get("effective_on")
            return books.business_date() if said is None else date.fromisoformat(said)

    def _shown(self, total: int | None) -> str | None:
        return None if total is None else format_amount(total, self.bank.institution.currency)


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


GROUP: Final = 250
"""Rows of a group: as many as are done in a fifth of a second."""


def _split_up(bank: Bank, plan: Plan) -> Iterator[Plan]:
    """The plan in groups, with a pause between two in which tills get in."""
    tried = {row: wanted for wanted in plan.trial for row in wanted.of_rows}
    group: list[Wanted] = []
    rows_of_group: list[int] = []
    began = time.perf_counter()
    for place, wanted in enumerate(plan.work, start=1):
        group.append(wanted)
        rows_of_group += wanted.of_rows
        if len(rows_of_group) >= GROUP or place == len(plan.work):
            trial = list({id(tried[row]): tried[row] for row in rows_of_group}.values())
            first = group[0] is plan.work[0]
            yield Plan(trial, group, len(rows_of_group), uniform=plan.uniform and first, first=plan.first)
            if place < len(plan.work):
                bank.let_others_in(time.perf_counter() - began)
            group, rows_of_group, began = [], [], time.perf_counter()


def _performed(bank: Bank, actor: Actor, plan: Plan, prefix: str, faults: Faults, dry_run: bool) -> list[Receipt]:
    """The receipts of the work; when a row is refused, every row that is, and nothing is kept."""
    refused: Refused | None = None
    if not faults.count and dry_run and _done_before(bank, plan, prefix):
        return _receipts(bank.try_all(actor, _requests(plan.work, prefix)))
    if not faults.count and not dry_run:
        try:
            return bank.perform_all(actor, _requests(plan.work, prefix), plan.first)
        except ImportRefused:
            raise
        except Refused as refusal:  # logged by the bank; which rows it takes a second look to say
            refused = refusal
    tried = bank.try_all(actor, _requests(plan.trial, prefix))
    if plan.uniform:
        _require_no_common_cause(plan, tried)
    for wanted, outcome in zip(plan.trial, tried, strict=True):
        if isinstance(outcome, Refused):
            note(faults, wanted.record, outcome)
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
    of_row = (first.field or "").startswith(("lines.", "loans.")) and not isinstance(first, NotOffered)
    if of_row and len(tried) == 1:  # the reason of the only row that there is
        return
    if all(isinstance(each, Refused) and str(each) == str(first) for each in tried):
        raise first


def _receipts(outcomes: Sequence[Receipt | Refused]) -> list[Receipt]:
    for outcome in outcomes:
        if isinstance(outcome, Refused):
            raise outcome
    return [outcome for outcome in outcomes if isinstance(outcome, Receipt)]


def _done_before(bank: Bank, plan: Plan, prefix: str) -> bool:
    """Whether all that the file asks for was asked for before: then there is nothing to try."""
    keys = [key for _operation, key in _requests(plan.work, prefix)]
    with bank.read() as books:
        return all(books.tx.value("SELECT id FROM operation WHERE key = ?", key) is not None for key in keys)


def _result(
    kind: str, file: str, count: int, receipts: Sequence[Receipt], dry_run: bool, total: str | None = None
) -> ImportResult:
    repeated = sum(receipt.status == "repeated" for receipt in receipts)
    pending = [receipt for receipt in receipts if receipt.status != "repeated" and receipt.reason]
    fresh = [receipt for receipt in receipts if receipt.status != "repeated" and not receipt.reason]
    return ImportResult(
        kind=kind, file=file, dry_run=dry_run, rows=count, done=len(fresh), repeated=repeated,
        pending=len(pending), created=tuple(number for receipt in fresh for number in receipt.created),
        requests=tuple(receipt.request for receipt in pending if receipt.request), receipts=tuple(receipts),
        total=total,
    )  # fmt: skip


# --------------------------------------------------------------------------------------- members

_MEMBER_HEADINGS: Final = {
    "name": "member_name", "full_name": "member_name", "tel": "phone", "mobile": "phone", "phone_number": "phone",
    "mail": "email", "email_address": "email", "kind": "entity", "type": "entity", "taxpayer_id": "tax_id",
    "ssn": "tax_id", "ein": "tax_id", "since": "joined_on", "joined": "joined_on", "date_joined": "joined_on",
    "member": "number", "member_number": "number", "member_no": "number", "lang": "language",
}  # fmt: skip


def _members(source: Source) -> Plan:
    operation = CATALOGUE["admit-member"]
    known = headings(operation, _MEMBER_HEADINGS)
    wanted: list[Wanted] = []
    seen: dict[tuple[str, str], int] = {}
    records = source.records(lambda cell: known.get(fold(cell)), operation.model_fields, ("member_name",), operation)
    by_number = any(record.values.get("tax_id") for record in records)
    stands_at, taxed = _taxed(source) if by_number else (0, {})
    for record in records:
        built = source.built(operation.name, record.values, record)
        if built is not None:
            _note_repeated(source, record, seen)
            _note_known(source, record, taxed)
            wanted.append(Wanted(built, str(record.row), record))
    return Plan(wanted, wanted, len(records), first=_Nobodys(source, records, stands_at) if by_number else None)


@dataclass(frozen=True, slots=True)
class _Nobodys:
    """Refuses rows whose taxpayer number somebody got after the file was read, once nobody else can write."""

    source: Source
    records: list[Record]
    head: int  # as the books stood then

    def __call__(self, books: Books) -> None:
        taxed = _since(self.source, books, self.head)
        for record in self.records if taxed else ():
            _note_known(self.source, record, taxed)
        self.source.faults.refuse_if_any()


def _note_repeated(source: Source, record: Record, seen: dict[tuple[str, str], int]) -> None:
    """A row that is another one's member again is a fault: the same in every cell, or by the taxpayer number."""
    whole = "|".join(f"{name}={' '.join(str(v).casefold().split())}" for name, v in sorted(record.values.items()))
    marks = {"member_name": whole}
    if digits := _digits(record.values.get("tax_id", "")):
        marks["tax_id"] = digits
    found = {name: seen.get((name, mark)) for name, mark in marks.items()}
    again = next(((name, row) for name, row in found.items() if row is not None), None)
    if again is not None:
        refusal = AlreadyExists(
            "This is the member of row {row} again.", field=again[0], row=again[1],
            hint="If they are two people, give them their numbers, or what else tells them apart.",
        )  # fmt: skip
        note(source.faults, record, refusal)
    for name, mark in marks.items():
        seen.setdefault((name, mark), record.row)


def _taxed(source: Source) -> tuple[int, dict[str, str]]:
    """The number of the last operation, and members by their taxpayer numbers, as far as they can be read."""
    with source.bank.read() as books:
        return head(books.tx).number, _since(source, books, 0)


def _since(source: Source, books: Books, number: int) -> dict[str, str]:
    """Members by the taxpayer numbers that they got after an operation; not those that this very file brought in."""
    kept = books.tx.rows(
        "SELECT digest, salt, value FROM personal WHERE operation_id > ? AND field = 'tax_id' AND value IS NOT NULL",
        number,
    )
    if not kept:
        return {}
    own = {ref for (ref,) in books.tx.rows(
        "SELECT r.ref FROM record r JOIN operation o ON o.id = r.operation_id"
        " WHERE r.kind = ? AND r.version = 1 AND o.key >= ? AND o.key < ?",
        Member.kind, f"{source.prefix}:", f"{source.prefix};",
    )}  # fmt: skip
    digests = {body.tax_id["#"]: ref for ref, body in books.every(Member) if body.tax_id is not None and ref not in own}
    return {
        _digits(opened(books.keys, salt, value)[1]): digests[digest]
        for digest, salt, value in kept if digest in digests
    }  # fmt: skip


def _digits(text: str) -> str:
    return re.sub("[^0-9]", "", text)


def _note_known(source: Source, record: Record, taxed: dict[str, str]) -> None:
    """A row of somebody who is a member is a fault: told by the taxpayer number, which is nobody else's."""
    digits = _digits(record.values.get("tax_id", ""))
    if digits and digits in taxed:
        refusal = AlreadyExists(
            "{member} has this taxpayer number.", field="tax_id", member=taxed[digits],
            hint="Leave the row out; what is new of them is changed with change-member.",
        )  # fmt: skip
        note(source.faults, record, refusal)


# ----------------------------------------------------------------------------------- operations

_FIELD: Final = "fields."  # before a field that is called "operation" or "key" itself


def _operations(source: Source) -> Plan:
    json = source.text.lstrip("\ufeff \t\r\n")[:1] in ("[", "{")
    records = _json_rows(source) if json else _operation_rows(source)
    wanted = []
    for record in records:
        found = _one_operation(source, record, from_text=not json)
        if found is not None:
            wanted.append(found)
    amounts = [getattr(each.operation, "amount", None) for each in wanted]
    total = sum(amount for amount in amounts if isinstance(amount, int)) if len(wanted) == len(records) else None
    return Plan(wanted, wanted, len(records), total, uniform=False)


def _json_rows(source: Source) -> list[Record]:
    source.layout.heads(lambda said: said, ()).note_missing(source.faults)  # JSON has no columns
    return rows.json_records(source.text, source.faults)


def _operation_rows(source: Source) -> list[Record]:
    fields = {name for operation in CATALOGUE.values() for name in operation.model_fields}
    known = {name: name for name in fields} | {"operation": "operation", "key": "key"}

    def naming(cell: str) -> str | None:
        if cell.strip().casefold().startswith(_FIELD):
            field = fold(cell.strip()[len(_FIELD) :])
            return _FIELD + field if field in fields else None
        return known.get(fold(cell))

    return source.records(naming, ("operation", "key", "(the fields of the operations)"), ("operation",))


def _one_operation(source: Source, record: Record, from_text: bool) -> Wanted | None:
    values = dict(record.values)
    name, key = values.pop("operation", None), values.pop("key", None)
    inner = values.pop("fields", None) if set(values) == {"fields"} else None
    try:
        cls = _named(name)
        _require_key(key)
    except Refused as refusal:
        note(source.faults, record, refusal)
        return None
    if isinstance(inner, dict):
        values = inner
    record = Record(record.row, values, {field.removeprefix(_FIELD): own for field, own in record.columns.items()})
    if from_text:
        record = Record(record.row, {f.removeprefix(_FIELD): value for f, value in values.items()}, record.columns)
        record = source.tidied(record, cls)
        lists = _list_fields(cls)
        values = {f: _listed(value) if f in lists else value for f, value in record.values.items()}
    built = source.built(cls.name, values, record)
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

KINDS: Final[dict[str, Callable[[Source], Plan]]] = {
    "members": _members, "savings": opening_rows.savings, "shares": opening_rows.shares,
    "loans": opening_rows.loans, "operations": _operations, "entries": register_rows.entries,
}  # fmt: skip
"""Every import of rows by name."""

OPENINGS: Final = ("savings", "shares", "loans")
"""Those that are opening balances, dated on the cut-over."""
