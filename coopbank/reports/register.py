"""The way down from a balance: the leaves of a control account, the register of a leaf, an operation whole.

Registers are read backwards from the balance now, a page at a time and by entry number, so that the newest lines of an
account with a million postings cost what those of a new one do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from coopbank.bank import records
from coopbank.bank.books import Books, loads
from coopbank.bank.operation import CATALOGUE, Operation
from coopbank.errors import Unknown
from coopbank.ledger import chain
from coopbank.reports.document import Minor
from coopbank.words import translate

PAGE = 200


@dataclass(frozen=True, slots=True)
class LeafLine:
    """A leaf of a control account and what it holds now, debit +. `holder` is a member number."""

    id: int
    fund: str
    code: str
    holder: str | None
    name: str  # of its holder, where it has one
    currency: str
    balance: Minor


def leaf_numbers(books: Books, gl_code: str, contract: str = "") -> tuple[int, ...]:
    """The numbers of a control account's leaves in their order; of those whose contract has that text in it."""
    like = contract.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    rows = books.tx.rows(
        "SELECT id FROM account WHERE gl_code = ? AND contract LIKE ? ESCAPE '\\' ORDER BY id",
        gl_code, f"%{like.upper()}%",
    )  # fmt: skip
    return tuple(int(number) for (number,) in rows)


def leaf_lines(books: Books, numbers: Sequence[int]) -> tuple[LeafLine, ...]:
    """Those leaves, with their balances now."""
    if not numbers:
        return ()
    marks = ", ".join("?" * len(numbers))
    rows = books.tx.rows(
        "SELECT a.id, a.fund, a.gl_code, a.contract, a.holder, d.name, a.currency, b.debit - b.credit FROM account a"
        " JOIN balance b ON b.account_id = a.id LEFT JOIN directory d ON d.member = a.holder"
        f" WHERE a.id IN ({marks}) ORDER BY a.id",
        *numbers,
    )
    return tuple(
        LeafLine(id_, fund, _code(gl, contract), holder, name or "", currency, int(balance))
        for id_, fund, gl, contract, holder, name, currency, balance in rows
    )


def _code(gl_code: str, contract: str) -> str:
    return f"{gl_code}/{contract}" if contract else gl_code


@dataclass(frozen=True, slots=True)
class RegisterLine:
    """What one entry did to a leaf: the amount (debit +) and the balance after it, in the order of posting."""

    entry: int
    effective_on: date
    memo: str
    title: str
    actor: str
    amount: Minor
    after: Minor
    reversed_by: int | None


@dataclass(frozen=True, slots=True)
class Register:
    """A page of a leaf's register, the newest first; `before` and `balance` ask for the next one, None: the last."""

    leaf: LeafLine
    lines: tuple[RegisterLine, ...]
    before: int | None
    balance: Minor


def register(books: Books, fund: str, code: str, before: int | None = None, balance: int | None = None) -> Register:
    """A page of the register of `GEN`, `905/M0007`; refuses an account that is not there."""
    gl_code, _slash, contract = code.partition("/")
    number = books.tx.value(
        "SELECT id FROM account WHERE fund = ? AND gl_code = ? AND contract = ?", fund, gl_code, contract
    )
    if number is None:
        raise Unknown("There is no account {account}.", field="account", account=f"{fund} {code}")
    (leaf,) = leaf_lines(books, [int(number)])
    after = leaf.balance if balance is None else balance
    rows = books.tx.rows(
        "SELECT p.entry_id, sum(p.amount) FROM posting p WHERE p.account_id = ? AND p.entry_id < ?"
        " GROUP BY p.entry_id ORDER BY p.entry_id DESC LIMIT ?",
        number, before if before is not None else 2**62, PAGE + 1,
    )  # fmt: skip
    told = _told(books, [entry for entry, _amount in rows[:PAGE]])
    lines = []
    for entry, amount in rows[:PAGE]:
        day, memo, kind, actor, undone = told[entry]
        lines.append(
            RegisterLine(entry, date.fromisoformat(day), memo, title_of(kind), actor, int(amount), after, undone)
        )
        after -= int(amount)
    more = len(rows) > PAGE
    return Register(leaf, tuple(lines), lines[-1].entry if more else None, after)


def _told(books: Books, entries: Sequence[int]) -> dict[int, tuple[Any, ...]]:
    if not entries:
        return {}
    marks = ", ".join("?" * len(entries))
    rows = books.tx.rows(
        "SELECT e.id, e.effective_on, e.memo, o.kind, o.actor, r.id FROM entry e"
        f" JOIN operation o ON o.id = e.operation_id LEFT JOIN entry r ON r.reverses_id = e.id WHERE e.id IN ({marks})",
        *entries,
    )
    return {row[0]: row[1:] for row in rows}


def title_of(kind: str) -> str:
    """What an operation is called, in the language in force."""
    cls = CATALOGUE.get(kind)
    return translate(cls.title) if cls is not None else kind


# ------------------------------------------------------------------------------ an operation whole


@dataclass(frozen=True, slots=True)
class WrittenRecord:
    """A version of master data that an operation wrote."""

    kind: str
    ref: str
    version: int


@dataclass(frozen=True, slots=True)
class OperationStory:
    """An operation: what was asked, by whom, what it wrote, and its place in the chain. Hashes are 16 hex digits."""

    number: int
    kind: str
    title: str
    fields: tuple[tuple[str, Any], ...]  # label and value, personal values put back
    actor: str
    approver: str | None
    request: str | None  # R-00012, of the request that it came from
    asked_on: str | None
    reason: str
    at: str
    business_date: str
    entries: tuple[tuple[int, str], ...]  # number and memo
    records: tuple[WrittenRecord, ...]
    hash: str
    prev_hash: str


def operation_story(books: Books, number: int) -> OperationStory:
    """One operation of the log, as it stands in its sealed text."""
    row = books.tx.row(
        "SELECT kind, actor, approver, at, business_date, sealed, key, hash, prev_hash FROM operation WHERE id = ?",
        number,
    )
    if row is None:
        raise Unknown("There is no operation {number}.", field="operation", number=number)
    kind, actor, approver, at, business_date, sealed, key, hash_, prev = row
    values = books.resolve(loads(sealed)[10])
    asked = str(key).removeprefix("approved:") if str(key).startswith("approved:") else None
    request = books.find(records.Request, asked) if asked else None
    return OperationStory(
        number, kind, title_of(kind), tuple(_labelled(kind, values)), actor, approver, asked,
        request.asked_on if request else None, request.reason if request else "", at, business_date,
        tuple(books.tx.rows("SELECT id, memo FROM entry WHERE operation_id = ? ORDER BY id", number)),
        tuple(
            WrittenRecord(*each)
            for each in books.tx.rows(
                "SELECT kind, ref, version FROM record WHERE operation_id = ? ORDER BY line", number
            )
        ),
        chain.short(hash_), chain.short(prev),
    )  # fmt: skip


def _labelled(kind: str, values: dict[str, Any]) -> list[tuple[str, Any]]:
    cls = CATALOGUE.get(kind)
    return [(field_title(cls, name), value) for name, value in values.items() if value not in (None, "", [], {})]


def field_title(cls: type[Operation] | None, name: str) -> str:
    """What a field of an operation is called, whole."""
    info = cls.model_fields.get(name) if cls is not None else None
    return translate((info.title if info is not None else None) or name.replace("_", " ").capitalize())
