"""The books themselves: lines as an accountant writes them, and entries that no other operation makes.

A journal entry takes the treasurer and a second person, and cannot name what a register
owns: a member's savings change by a deposit, not by a journal entry.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from typing import Annotated, Any, ClassVar, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from coopbank.bank import records
from coopbank.bank.asset_plan import is_asset
from coopbank.bank.campaign_guard import require_none_named
from coopbank.bank.desk import Desk, Move
from coopbank.bank.fields import Code, Day, Memo, Money, Widget, clean_text, read_lines, refuse
from coopbank.bank.operation import TREASURER, Operation
from coopbank.bank.operations.closing import require_not_passed
from coopbank.bank.operations.funds import fund_class, require_spendable_fund
from coopbank.bank.operations.savings import shown
from coopbank.bank.operations.unclaimed import UNCLAIMED
from coopbank.bank.tender import cash_in
from coopbank.errors import (
    InvalidDate,
    InvalidValue,
    Overdrawn,
    Unknown,
    WrongState,
)

# ---------------------------------------------------------------------------- lines of an entry

_ACCOUNT = re.compile(r"(?:[1-9][0-9]{2}|M[0-9]{2})(?:/[A-Za-z0-9][A-Za-z0-9._-]*){0,2}")
_LINE_TEXT = re.compile(r"(\S+)\s+(\S+)\s+(dr|cr)\s+(\S+)", re.IGNORECASE)
_MEMBER = re.compile(r"(M[0-9]{4,9})(?:[.-].*)?")


def _read_account(value: Any) -> Any:
    value = clean_text(value)
    if not isinstance(value, str) or not _ACCOUNT.fullmatch(value) or len(value) > 44:
        raise refuse("Write an account as its number, and after a stroke whose it is: 931, 905/M0007.")
    return value


def _read_line(value: Any) -> Any:
    """A line may be written as it stands in a journal: `GEN 905/M0007 Cr 150.00`."""
    if not isinstance(value, str):
        return value
    match = _LINE_TEXT.fullmatch(value.strip())
    if match is None:
        raise refuse("Write a line as fund, account, Dr or Cr, and amount: GEN 905/M0007 Cr 150.00.")
    fund, account, side, amount = match.groups()
    return {"fund": fund, "account": account, "debit" if side.lower() == "dr" else "credit": amount}


class EntryLine(BaseModel):
    """One line of an entry: fund, account, and a debit or a credit."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    fund: Code
    account: Annotated[str, BeforeValidator(_read_account)]
    debit: Money | None = None
    credit: Money | None = None

    @model_validator(mode="after")
    def _one_side(self) -> EntryLine:
        if (self.debit is None) == (self.credit is None):
            raise refuse("A line has a debit or a credit, one of them.")
        return self

    @property
    def amount(self) -> int:
        """Minor units, debit +, credit -."""
        return self.debit if self.debit is not None else -(self.credit or 0)

    @property
    def gl_code(self) -> str:
        """The control account."""
        return self.account.partition("/")[0]

    @property
    def contract(self) -> str:
        """What follows the control account: M0007, M0007/2021, FIRST; empty if nothing."""
        return self.account.partition("/")[2]

    @property
    def member(self) -> str | None:
        """The member whose leaf it is, if its contract begins with a member number."""
        match = _MEMBER.fullmatch(self.contract.partition("/")[0])
        return match.group(1) if match else None


Line = Annotated[EntryLine, BeforeValidator(_read_line)]
Lines = Annotated[
    list[Line], BeforeValidator(read_lines), Field(min_length=2, max_length=500, title="Lines"), Widget("lines")
]


def members_of(lines: Sequence[EntryLine]) -> set[str]:
    """Members whose leaves the lines name."""
    return {line.member for line in lines if line.member is not None}


def require_control(desk: Desk, line: EntryLine, field: str) -> str:
    """The kind of the line's control account; refuses one that is not in the chart."""
    kind = desk.tx.value("SELECT kind FROM gl_account WHERE code = ?", line.gl_code)
    if kind is None:
        raise Unknown("There is no account {code} in the chart.", field=field, code=line.gl_code)
    return str(kind)


def bank_account(desk: Desk, line: EntryLine, field: str) -> records.BankAccount:
    """The bank account that a line on 731 names."""
    if not line.contract:
        raise InvalidValue("Name the bank account after a stroke: 731/FIRST.", field=field)
    return desk.get(records.BankAccount, line.contract, field)


TRANSFERS = "187"
#: Accounts that come to zero over all funds, every day: releases, transfers, loans between funds.
ZERO_SUMS = (("185", "186"), (TRANSFERS,), ("728", "878"))


def _require_zero_sums(desk: Desk, lines: Sequence[EntryLine]) -> None:
    for group in ZERO_SUMS:
        total = sum(line.amount for line in lines if line.gl_code in group)
        if total:
            raise InvalidValue(
                "Accounts {codes} must come to zero over all funds; here they differ by {difference}.", field="lines",
                codes=", ".join(group), difference=shown(desk, abs(total)),
            )  # fmt: skip


# -------------------------------------------------------------------------------- journal entries

#: Control accounts whose leaves belong to a register or to an operation of their own.
OWNED = {
    "901": "shares", "903": "shares", "875": "shares", "905": "savings", "945": "patronage", "946": "patronage",
    "950": "patronage", "821": "dividends", "823": "patronage", "825": "shares", "701": "loans", "781": "loans",
    "871": "loans", "872": "unknown receipts", "831": "participations", "811": "notes", "851": "notes",
    "801": "bills", "739": "cash", "735": "cash", "729": "cash", "879": "cash", "990": "opening", "960": "closing",
    "728": "loans between funds", "878": "loans between funds",
}  # fmt: skip
#: The same of single leaves, by what they are called, on accounts that are free otherwise.
_OWNED_LEAVES = (
    (re.compile(r"771/P-.+|772/B-.+"), "land"), (re.compile(r"791/DU-.+"), "dues"), (re.compile(r"791/L-.+"), "loans"),
)  # fmt: skip


def owner_of(account: str, known: Callable[[str, str], bool]) -> str | None:
    """The operations that an account belongs to, so that no journal entry names it; None for one that is free.

    `known` says whether there is a record of a kind and number.
    """
    gl_code, _stroke, contract = account.partition("/")
    if gl_code in OWNED:
        return OWNED[gl_code]
    if gl_code in ("181", "186") and known("gift", contract):
        return "gifts"
    if gl_code in ("792", "892") and known("partner", contract):
        return "other institutions"
    if is_asset(contract):
        return "assets"
    if gl_code == UNCLAIMED and _MEMBER.fullmatch(contract.partition("/")[0]):
        return "unclaimed money"
    return next((owner for pattern, owner in _OWNED_LEAVES if pattern.fullmatch(account)), None)


class JournalEntry(Operation):
    """An entry that no other operation makes, by the treasurer and a second person."""

    name: ClassVar[str] = "journal-entry"
    title: ClassVar[str] = "Journal entry"
    subject: ClassVar[str] = "books"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    second_person: ClassVar[bool] = True
    version: ClassVar[int] = 2  # 1 could name loans between funds, land, dues and pairs, and bring them off their books

    memo: Annotated[Memo, Field(min_length=1, title="What for")]
    effective_on: Annotated[Day | None, Field(title="Dated (today, or earlier in an open month)")] = None
    lines: Lines

    def serves(self, desk: Desk) -> set[str]:
        return members_of(self.lines)

    def perform(self, desk: Desk) -> None:
        moves: dict[tuple[str, str], int] = defaultdict(int)
        for number, line in enumerate(self.lines):
            for fund, code, amount in self._line(desk, line, f"lines.{number}"):
                moves[fund, code] += amount
        _require_zero_sums(desk, self.lines)
        named = {f"lines.{number}.account": line.contract for number, line in enumerate(self.lines) if line.amount > 0}
        require_none_named(desk, named, {line.fund for line in self.lines})
        merged: list[Move] = [(fund, code, amount) for (fund, code), amount in moves.items()]
        day = self.effective_on or desk.business_day
        if day < desk.business_day:
            require_past(desk, merged, day)
        desk.post(self.memo, merged, effective_on=day)

    def _line(self, desk: Desk, line: EntryLine, field: str) -> list[Move]:
        require_spendable_fund(desk, line.fund, f"{field}.fund")
        kind = require_control(desk, line, f"{field}.account")
        self._require_plain(desk, line, kind, f"{field}.account")
        leaves = (kind == "expense" or line.gl_code == TRANSFERS) and line.amount > 0
        if leaves and fund_class(desk, line.fund) in ("restricted", "conditional"):
            raise WrongState(
                "Money of fund {fund} is spent by releasing a gift.", field=f"{field}.fund", fund=line.fund,
                hint="Spend the gift on it (spend-gift), or name the fund that bears it.",
            )  # fmt: skip
        if line.member is not None:
            desk.get(records.Member, line.member, f"{field}.account")
            desk.leaf_id(line.fund, line.account, line.member)
        if line.gl_code != "731":
            return [(line.fund, line.account, line.amount)]
        account = bank_account(desk, line, f"{field}.account")
        return cash_in(account.fund, line.account, line.fund, line.amount)

    @staticmethod
    def _require_plain(desk: Desk, line: EntryLine, kind: str, field: str) -> None:
        owner = "memo" if kind == "memo" else owner_of(line.account, lambda of, ref: desk.version(of, ref) > 0)
        if owner is not None:
            raise InvalidValue(
                "Account {account} belongs to the operations on {owner}; a journal entry cannot name it.", field=field,
                account=line.account, owner=owner, hint="See the list with: coopbank operations",
            )  # fmt: skip
        if line.gl_code == "932" and line.debit is not None:
            raise InvalidValue("The indivisible reserve (932) is never taken from.", field=field)


def require_past(desk: Desk, moves: Sequence[Move], day: date) -> None:
    """Refuse an entry dated back that would break a guard, or a beginning, on any day since."""
    first = date.fromisoformat(desk.tx.value("SELECT business_date FROM operation WHERE id = 1"))
    if day < first:
        raise InvalidDate("The books begin on {first}.", field="effective_on", first=first)
    require_not_passed(desk, f"{day:%Y-%m}", "effective_on")
    for fund, code, amount in moves:
        leaf = desk.leaf(fund, code)
        floor, ceiling = (None, None) if leaf is None else (leaf.floor, leaf.ceiling)
        if leaf is None or (floor is None and ceiling is None):
            continue
        for on, balance in _balances_since(desk, leaf.id, day):
            after = balance + amount
            if (floor is not None and after < floor) or (ceiling is not None and after > ceiling):
                raise Overdrawn(
                    "Account {code} in fund {fund} had only {available} on {on}.", field="effective_on", code=code,
                    fund=fund, available=shown(desk, abs(balance)), on=on,
                )  # fmt: skip


def _balances_since(desk: Desk, account: int, day: date) -> list[tuple[str, int]]:
    """The balance of a leaf at the end of a day and of every later day on which it moved."""
    before = desk.tx.value(
        "SELECT coalesce(sum(debit - credit), 0) FROM balance_day WHERE account_id = ? AND effective_on <= ?",
        account, day.isoformat(),
    )  # fmt: skip
    found = [(day.isoformat(), int(before))]
    for on, moved in desk.tx.rows(
        "SELECT effective_on, debit - credit FROM balance_day WHERE account_id = ? AND effective_on > ?"
        " ORDER BY effective_on",
        account, day.isoformat(),
    ):  # fmt: skip
        found.append((cast(str, on), found[-1][1] + int(moved)))
    return found
