"""Opening balances from tables: savings, shares, and loans in mid-life.

Each row is tried as an opening balance of its own, so that each that is wrong can be named;
what is then asked for is as few as there can be, with a line on 990 against them. All of a
file stand under one day, the cut-over, and wait for a second person.

A loan comes as the figures that every spreadsheet of loans has. From them its history is
proven (bank/lending/history.py): all that does not fit is named, each in its column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field

from coopbank.bank.fields import Code, Counted, Day, Every, FundRef, MemberRef, Money, Rate, Text
from coopbank.bank.lending.history import OldHistory, principal_fault
from coopbank.bank.operations.opening import OldLoan, history_of, scheduled_terms
from coopbank.bank.operations.savings import FUND
from coopbank.errors import AlreadyExists, InvalidDate, Refused
from coopbank.exchange.plans import Plan, Source, Wanted, fold, headings, note
from coopbank.exchange.rows import Record
from coopbank.finance.daycount import DayCount
from coopbank.finance.periods import MOST_ROWS
from coopbank.money import format_amount

LINES_AT_ONCE: Final = 499
"""Of an opening balance, besides those that are made for all its rows: on 990, and against memo."""


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


class LoanRow(BaseModel):
    """A loan with a schedule, as the old records tell it at the start of the cut-over day."""

    loan: Code
    member: MemberRef
    fund: Annotated[FundRef, Field(title="Fund that lends")] = "RLF"
    purpose: Text = ""
    principal: Annotated[Money, Field(title="Amount lent")]
    annual_rate: Annotated[Rate, Field(title="Percent a year")]
    disbursed_on: Annotated[Day, Field(title="Paid out on")]
    installments: Annotated[int, Field(ge=1, le=MOST_ROWS, title="Instalments")]
    every: Annotated[Every | None, Field(title="How often")] = None
    first_due: Annotated[Day | None, Field(title="First instalment due")] = None
    method: Literal["level", "equal-principal"] = "level"
    day_count: DayCount = "actual/365"
    payment: Annotated[Money | None, Field(title="Regular instalment")] = None
    payment_multiple: Annotated[Money | None, Field(title="Instalments are rounded to this")] = None
    early: Annotated[Literal["next", "shorten"], Field(title="What money paid early does")] = "next"
    balance: Annotated[Money, Field(title="Principal owed")]
    paid_principal: Annotated[Counted, Field(title="Principal repaid so far")] = 0
    paid_interest: Annotated[Counted, Field(title="Interest paid so far")] = 0
    paid_to: Annotated[Day | None, Field(title="Interest paid to")] = None
    next_due: Annotated[Day, Field(title="Next instalment due")]
    accrued_interest: Annotated[Counted | None, Field(title="Interest owed")] = None
    unrecognised_interest: Annotated[Counted, Field(title="Interest owed and not recognised")] = 0
    days_late: Annotated[int | None, Field(ge=0, title="Days late")] = None


_BALANCE_HEADINGS: Final = {
    "number": "member", "member_number": "member", "member_no": "member", "balance": "amount", "savings": "amount",
    "shares": "amount", "paid": "amount", "class": "share_class",
}  # fmt: skip
_LOAN_HEADINGS: Final = {
    "loan_number": "loan", "loan_no": "loan", "member_number": "member", "member_no": "member", "borrower": "member",
    "original_principal": "principal", "loan_amount": "principal", "original_amount": "principal",
    "rate": "annual_rate", "interest_rate": "annual_rate", "date_paid_out": "disbursed_on",
    "disbursed": "disbursed_on", "loan_date": "disbursed_on", "term": "installments",
    "number_of_installments": "installments", "first_payment": "first_due", "regular_payment": "payment",
    "outstanding": "balance", "principal_balance": "balance", "outstanding_principal": "balance",
    "principal_paid": "paid_principal", "principal_paid_to_date": "paid_principal", "interest_paid": "paid_interest",
    "interest_paid_to_date": "paid_interest", "paid_through": "paid_to", "next_payment": "next_due",
    "next_due_date": "next_due", "accrued": "accrued_interest", "late_days": "days_late",
}  # fmt: skip
#: What `opening-balance` calls a thing, and what the table calls it.
_TABLE_NAMES: Final = {"interest_from": "paid_to", "lines": "loan"}


@dataclass(frozen=True, slots=True)
class Part:
    """What one row brings into the books: lines (fund, account, debit +), and the terms of a loan."""

    record: Record
    lines: tuple[tuple[str, str, int], ...]
    loan: dict[str, Any] | None = None


@dataclass(slots=True)
class _Batch:
    """An opening balance in the making."""

    parts: list[Part] = field(default_factory=list)

    def room_for(self, part: Part) -> bool:
        return sum(len(each.lines) for each in self.parts) + len(part.lines) <= LINES_AT_ONCE

    @property
    def rows(self) -> tuple[int, ...]:
        return tuple(part.record.row for part in self.parts)


def savings(source: Source) -> Plan:
    """Opening balances of members' savings."""
    return _balances(source, SavingsRow)


def shares(source: Source) -> Plan:
    """Opening balances of whole shares."""
    return _balances(source, SharesRow)


def _balances(source: Source, model: type[SavingsRow] | type[SharesRow]) -> Plan:
    known = headings(model, _BALANCE_HEADINGS)
    records = source.records(lambda cell: known.get(fold(cell)), model.model_fields, ("member", "amount"), model)
    parts: list[Part] = []
    seen: dict[str, int] = {}
    amounts: list[int] = []
    for record in records:
        row = source.validated(model, record)
        if row is None:
            continue
        amounts.append(row.amount)
        if row.leaf in seen:
            refusal = AlreadyExists(
                "{account} is in this file twice.", field="member", account=row.leaf,
                hint="It stands in row {row} already.", row=seen[row.leaf],
            )  # fmt: skip
            note(source.faults, record, refusal)
            continue
        seen[row.leaf] = record.row
        parts.append(Part(record, ((FUND, row.leaf, -row.amount),)))
    return _plan(source, records, parts, amounts)


def _plan(source: Source, records: Sequence[Record], parts: list[Part], amounts: list[int]) -> Plan:
    trial = []
    for part in parts:
        built = source.built("opening-balance", _opening(source, [part]), part.record)
        if built is not None:
            trial.append(Wanted(built, str(part.record.row), part.record))
    total = sum(amounts) if len(amounts) == len(records) else None
    if source.faults.count:
        return Plan(trial, trial, len(records), total)
    work = [
        Wanted(
            source.bank.build("opening-balance", _opening(source, batch.parts, batch.rows)), f"from {batch.rows[0]}",
            batch.parts[0].record, rows=batch.rows,
        )
        for batch in _batches(parts)
    ]  # fmt: skip
    return Plan(trial, work, len(records), total)


def _batches(parts: Sequence[Part]) -> Iterator[_Batch]:
    batch = _Batch()
    for part in parts:
        if batch.parts and not batch.room_for(part):
            yield batch
            batch = _Batch()
        batch.parts.append(part)
    if batch.parts:
        yield batch


def _opening(source: Source, parts: Sequence[Part], rows: Sequence[int] = ()) -> dict[str, Any]:
    """The lines of some rows and, against them, those on 990 and of memo, one in each fund."""
    lines: list[tuple[str, str, int]] = []
    against: dict[tuple[str, str], int] = {}
    for part in parts:
        for fund, account, amount in part.lines:
            lines.append((fund, account, amount))
            other = "M19" if account.startswith("M10/") else "990"
            against[fund, other] = against.get((fund, other), 0) - amount
    lines += [(fund, account, amount) for (fund, account), amount in against.items() if amount]
    found: dict[str, Any] = {"lines": [_line(line, source.currency) for line in lines]}
    if loans := [part.loan for part in parts if part.loan is not None]:
        found["loans"] = loans
    if source.as_of is not None:
        found["effective_on"] = source.as_of.isoformat()
    if rows:
        found["memo"] = f"rows {rows[0]} to {rows[-1]} of {source.about}"
    return found


def _line(line: tuple[str, str, int], currency: str) -> dict[str, str]:
    fund, account, amount = line
    side = "debit" if amount > 0 else "credit"
    return {"fund": fund, "account": account, side: format_amount(abs(amount), currency)}


# ---------------------------------------------------------------------------------------- loans

_REQUIRED: Final = (
    "loan", "member", "principal", "annual_rate", "disbursed_on", "installments", "balance", "next_due"
)  # fmt: skip


def loans(source: Source) -> Plan:
    """Loans with a schedule in mid-life."""
    known = headings(LoanRow, _LOAN_HEADINGS)
    records = source.records(lambda cell: known.get(fold(cell)), LoanRow.model_fields, _REQUIRED, LoanRow)
    parts: list[Part] = []
    seen: dict[str, int] = {}
    amounts: list[int] = []
    for record in records:
        row = source.validated(LoanRow, record)
        if row is None:
            continue
        amounts.append(row.balance)
        record = _with_table_names(record)
        if row.loan in seen:
            refusal = AlreadyExists(
                "{account} is in this file twice.", field="loan", account=row.loan,
                hint="It stands in row {row} already.", row=seen[row.loan],
            )  # fmt: skip
            note(source.faults, record, refusal)
            continue
        seen[row.loan] = record.row
        part = _loan_part(source, row, record)
        if part is not None:
            parts.append(part)
    return _plan(source, records, parts, amounts)


def _with_table_names(record: Record) -> Record:
    """The row with its columns also under the names that the operation refuses them by."""
    columns, values = dict(record.columns), dict(record.values)
    for theirs, ours in _TABLE_NAMES.items():
        columns[theirs] = columns.get(ours, ours)
        if ours in values:
            values[theirs] = values[ours]
    return replace(record, columns=columns, values=values)


def _loan_part(source: Source, row: LoanRow, record: Record) -> Part | None:
    """What a loan brings; None, and every fault, if its history does not give its balance."""
    terms = _terms(row, record)
    old = OldLoan.model_validate(terms)
    day = source.as_of
    try:
        history = None if day is None else _history(old, row, day, source.currency)
        faults = [] if history is None else list(history.faults())
    except Refused as refusal:  # there is no such schedule
        history, faults = None, [refusal]
    if wrong := principal_fault(row.principal, row.paid_principal, row.balance, source.currency):
        faults.insert(0, wrong)
    for fault in faults:
        note(source.faults, record, fault)
    if faults:
        return None
    interest = 0 if history is None else history.interest - row.unrecognised_interest
    amounts = (("701", row.balance), ("781", interest), ("M10", row.unrecognised_interest))
    lines = tuple((row.fund, f"{code}/{row.loan}", amount) for code, amount in amounts if amount)
    return Part(record, lines, terms)


def _terms(row: LoanRow, record: Record) -> dict[str, Any]:
    """The terms as `opening-balance` takes them: the cells under its names, without what is zero."""
    named = {theirs: ours for ours, theirs in _TABLE_NAMES.items() if ours != "lines"}
    found = {named.get(name, name): value for name, value in record.values.items() if name not in ("lines",)}
    if not row.paid_interest:
        found.pop("paid_interest", None)
    found["paid_principal"] = record.values.get("paid_principal", "0")
    return {name: value for name, value in found.items() if name in OldLoan.model_fields}


def _history(old: OldLoan, row: LoanRow, day: date, currency: str) -> OldHistory:
    """The history with the interest that is owed: as the table says, or as it ran since it was paid to a day."""
    if not old.disbursed_on <= (old.interest_from or day) <= day:
        raise InvalidDate(
            "Lent on {since}, interest paid to {paid_to}, taken over on {day}: these days must follow each other.",
            field="paid_to" if old.interest_from else "disbursed_on", since=old.disbursed_on,
            paid_to=old.interest_from or day, day=day,
        )  # fmt: skip
    document = scheduled_terms(old, currency)
    said = row.accrued_interest
    history = history_of(old, row.balance, (said or 0) + row.unrecognised_interest, document, day, currency)
    assert history.drawn.rows, "terms of which no schedule can be drawn are refused here"
    if said is None and old.interest_from is not None:
        ran = history.interest_on(row.balance, old.interest_from)[1]
        history = replace(history, interest=max(ran, row.unrecognised_interest))
    return history
