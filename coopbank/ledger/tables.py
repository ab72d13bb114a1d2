"""The tables of a book as SQLModel classes, for reading, for forms and for documents.

Nothing writes through these classes and nothing creates tables from them: writing is
`posting.seal`'s, the schema is the two SQL files beside this one. Each class declares
in `table_class` what its table is:

    sealed  append-only; every row names its operation and stands in that operation's hashed text
    cache   rebuildable from the sealed tables, compared by verify
    secret  personal values, passphrase hashes, sessions: erasable

Amounts are 64-bit integers of minor units of the leaf's currency, debit positive. Dates
and instants are ISO text on both engines, so that what was hashed is what is stored.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, Text
from sqlmodel import Field, SQLModel

TableClass = Literal["sealed", "cache", "secret"]


def _integer(*, key: bool = False, null: bool = False, to: str | None = None) -> Any:
    return Field(sa_column=_column(BigInteger, key, null, to))


def _text(*, key: bool = False, null: bool = False, to: str | None = None, name: str | None = None) -> Any:
    return Field(sa_column=_column(Text, key, null, to, name))


def _bytes(*, null: bool = False) -> Any:
    return Field(sa_column=Column(LargeBinary, nullable=null))


def _column(kind: Any, key: bool, null: bool, to: str | None, name: str | None = None) -> Column[Any]:
    refers = [] if to is None else [ForeignKey(to)]
    return Column(kind, *refers, name=name, primary_key=key, nullable=null, autoincrement=False)


# ---------------------------------------------------------------------------- sealed


class Operation(SQLModel, table=True):
    """One act of one person, and the link of the chain. `debit_total` in minor units over all its entries."""

    table_class: ClassVar[TableClass] = "sealed"
    id: int = _integer(key=True)
    key: str = _text()
    kind: str = _text()
    kind_version: int = _integer()
    actor: str = _text()
    approver: str | None = _text(null=True)
    business_date: str = _text()
    at: str = _text()
    request_hash: bytes = _bytes()
    first_entry: int = _integer()
    entry_count: int = _integer()
    posting_count: int = _integer()
    debit_total: int = _integer()
    row_count: int = _integer()
    prev_hash: bytes = _bytes()
    hash: bytes = _bytes()
    sealed: str = _text()


class GlAccount(SQLModel, table=True):
    """A control account of the chart."""

    __tablename__ = "gl_account"
    table_class: ClassVar[TableClass] = "sealed"
    code: str = _text(key=True)
    operation_id: int = _integer(to="operation.id")
    line: int = _integer()
    name: str = _text()
    kind: str = _text()
    side: str = _text()
    guard: str = _text()


class Fund(SQLModel, table=True):
    """Whose money it is. The column `class` is the attribute `fund_class`."""

    table_class: ClassVar[TableClass] = "sealed"
    code: str = _text(key=True)
    operation_id: int = _integer(to="operation.id")
    line: int = _integer()
    name: str = _text()
    fund_class: str = _text(name="class")


class Account(SQLModel, table=True):
    """A leaf, the only thing a posting can name. `floor` and `ceiling` in minor units, debit positive."""

    table_class: ClassVar[TableClass] = "sealed"
    id: int = _integer(key=True)
    operation_id: int = _integer(to="operation.id")
    line: int = _integer()
    gl_code: str = _text(to="gl_account.code")
    fund: str = _text(to="fund.code")
    contract: str = _text()
    holder: str | None = _text(null=True)
    kind: str = _text()
    currency: str = _text()
    floor: int | None = _integer(null=True)
    ceiling: int | None = _integer(null=True)


class Entry(SQLModel, table=True):
    """One balanced journal entry."""

    table_class: ClassVar[TableClass] = "sealed"
    id: int = _integer(key=True)
    operation_id: int = _integer(to="operation.id")
    effective_on: str = _text()
    memo: str = _text()
    reverses_id: int | None = _integer(null=True, to="entry.id")


class Posting(SQLModel, table=True):
    """One line of an entry; `amount` in minor units, debit positive, credit negative."""

    table_class: ClassVar[TableClass] = "sealed"
    entry_id: int = _integer(key=True, to="entry.id")
    line: int = _integer(key=True)
    account_id: int = _integer(to="account.id")
    amount: int = _integer()


class PeriodState(SQLModel, table=True):
    """A day, month or year is open, adjusting, closed or locked from this operation on."""

    __tablename__ = "period_state"
    table_class: ClassVar[TableClass] = "sealed"
    period: str = _text(key=True)
    operation_id: int = _integer(key=True, to="operation.id")
    line: int = _integer()
    state: str = _text()


class Record(SQLModel, table=True):
    """A version of something that the bank keeps: a member, a loan, a role. `body` is canonical JSON."""

    table_class: ClassVar[TableClass] = "sealed"
    operation_id: int = _integer(to="operation.id")
    line: int = _integer()
    kind: str = _text(key=True)
    ref: str = _text(key=True)
    version: int = _integer(key=True)
    about: str | None = _text(null=True)
    body: str = _text()


# ----------------------------------------------------------------------------- cache


class Balance(SQLModel, table=True):
    """A leaf's balance now: debits and credits in minor units, and the leaf's own guards."""

    table_class: ClassVar[TableClass] = "cache"
    account_id: int = _integer(key=True, to="account.id")
    debit: int = _integer()
    credit: int = _integer()
    floor: int | None = _integer(null=True)
    ceiling: int | None = _integer(null=True)


class BalanceDay(SQLModel, table=True):
    """Movements of a leaf on one effective date, in minor units."""

    __tablename__ = "balance_day"
    table_class: ClassVar[TableClass] = "cache"
    account_id: int = _integer(key=True, to="account.id")
    effective_on: str = _text(key=True)
    debit: int = _integer()
    credit: int = _integer()


class ControlTotal(SQLModel, table=True):
    """Movements of a control account in a fund, in minor units, by month ("2026-03") and by day."""

    __tablename__ = "control_total"
    table_class: ClassVar[TableClass] = "cache"
    span: str = _text(key=True)
    gl_code: str = _text(key=True)
    fund: str = _text(key=True)
    currency: str = _text(key=True)
    debit: int = _integer()
    credit: int = _integer()


class Directory(SQLModel, table=True):
    """Members by name and telephone, for the find box."""

    table_class: ClassVar[TableClass] = "cache"
    member: str = _text(key=True)
    name: str = _text()
    folded: str = _text()
    phone: str = _text()


# ---------------------------------------------------------------------------- secret


class Personal(SQLModel, table=True):
    """A value that sealed texts name by a salted digest only; salt and value are NULL once forgotten."""

    table_class: ClassVar[TableClass] = "secret"
    digest: str = _text(key=True)
    operation_id: int = _integer(to="operation.id")
    field: str = _text()
    salt: bytes | None = _bytes(null=True)
    value: str | None = _text(null=True)


class Credential(SQLModel, table=True):
    """A user's passphrase as an Argon2id hash; `failures` counts wrong tries since the last right one."""

    table_class: ClassVar[TableClass] = "secret"
    user: str = _text(key=True)
    hash: str = _text()
    failures: int = _integer()
    until: str | None = _text(null=True)


class Session(SQLModel, table=True):
    """A sign-in kept by `coopbank login`."""

    table_class: ClassVar[TableClass] = "secret"
    token_hash: str = _text(key=True)
    user: str = _text()
    expires_at: str = _text()


TABLES: tuple[type[SQLModel], ...] = (
    Operation, GlAccount, Fund, Account, Entry, Posting, PeriodState, Record,
    Balance, BalanceDay, ControlTotal, Directory,
    Personal, Credential, Session,
)  # fmt: skip


def table_class(model: type[SQLModel]) -> TableClass:
    """What the table of this class is: sealed, cache or secret."""
    found: TableClass = model.table_class  # type: ignore[attr-defined]
    return found
