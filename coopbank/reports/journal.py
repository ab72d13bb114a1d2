"""The journal, newest entry first, a page at a time.

Pages follow entry numbers (`before`), never offsets: an entry posted while somebody reads
moves nothing, and page 1,000 costs what page 1 costs.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any

from coopbank.bank.books import Books
from coopbank.bank.operation import CATALOGUE
from coopbank.database import Transaction
from coopbank.errors import InvalidValue, Unknown
from coopbank.reports.document import Minor, Source, source
from coopbank.reports.totals import first_operation_after, require_period
from coopbank.words import translate

MOST = 1000
_FEW_LEAVES = 200


@dataclass(frozen=True, slots=True)
class JournalLine:
    """A posting. Memo amounts have the currency MEM."""

    fund: str
    code: str  # 905/M0007
    name: str
    amount: Minor
    currency: str


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """An entry, with the operation that wrote it. `reverses` and `reversed_by` are entry numbers."""

    number: int
    effective_on: date
    memo: str
    operation: int
    kind: str
    title: str
    posted_on: date
    actor: str
    approver: str | None
    reverses: int | None
    reversed_by: int | None
    lines: tuple[JournalLine, ...]


@dataclass(frozen=True, slots=True)
class JournalPage:
    """Entries, newest first; `before` asks for the next page and is None on the last one."""

    source: Source
    entries: tuple[JournalEntry, ...]
    before: int | None


def journal(
    books: Books, start: date | None = None, end: date | None = None, account: str | None = None,
    limit: int = 50, before: int | None = None,
) -> JournalPage:  # fmt: skip
    """A page of the journal.

    `start` and `end` are effective dates, both included. `account` is a control account (`905`), a leaf
    (`905/M0007`), either with its fund before it (`GEN 905`), or a contract alone (`/L-010`: all leaves of that loan).
    """
    if start is not None and end is not None:
        require_period(start, end)
    limit = max(1, min(limit, MOST))
    if account is None:
        numbers = _numbers_by_date(books, start, end, limit + 1, before)
    else:
        numbers = _numbers_by_account(books.tx, account, start, end, limit + 1, before)
    more = len(numbers) > limit
    entries = entries_numbered(books, numbers[:limit])
    return JournalPage(source(books), entries, entries[-1].number if more and entries else None)


def journal_entry(books: Books, number: int) -> JournalEntry:
    """One entry by its number."""
    found = entries_numbered(books, [number])
    if not found:
        raise Unknown("There is no entry {number}.", field="entry", number=number)
    return found[0]


def _numbers_by_date(books: Books, start: date | None, end: date | None, limit: int, before: int | None) -> list[int]:
    conditions, values = ["id < ?"], [before if before is not None else 2**62]
    dates, days = _dates("effective_on", start, end)
    business_date = books.business_date()
    open_ended = end is None or (business_date is not None and end >= business_date)
    if open_ended and start is not None:
        # No entry is dated after its business date: nothing posted earlier can be in the period.
        first = books.tx.value(
            "SELECT first_entry FROM operation WHERE id = ?",
            first_operation_after(books.tx, date.fromordinal(max(1, start.toordinal() - 1))),
        )
        conditions.append("id >= ?")
        values.append(2**62 if first is None else int(first))
    # `+id` keeps SQLite on the index of dates when the period lies in the past.
    order = "id" if open_ended else "+id"
    sql = f"SELECT id FROM entry WHERE {' AND '.join([*conditions, *dates])} ORDER BY {order} DESC LIMIT ?"
    return [int(number) for (number,) in books.tx.rows(sql, *values, *days, limit)]


def _dates(column: str, start: date | None, end: date | None) -> tuple[list[str], list[str]]:
    conditions, values = [], []
    if start is not None:
        conditions.append(f"{column} >= ?")
        values.append(start.isoformat())
    if end is not None:
        conditions.append(f"{column} <= ?")
        values.append(end.isoformat())
    return conditions, values


# ---------------------------------------------------------------------------- by account


def _numbers_by_account(
    tx: Transaction, account: str, start: date | None, end: date | None, limit: int, before: int | None
) -> list[int]:
    where, names = account_condition(account)
    leaves = [int(i) for (i,) in tx.rows(f"SELECT a.id FROM account a WHERE {where} LIMIT {_FEW_LEAVES + 1}", *names)]
    if not leaves:
        raise Unknown(
            "There is no account {account}.", field="account", account=account, hint="Write it like 905 or 905/M0007."
        )
    dates, days = _dates("e.effective_on", start, end)
    last = before if before is not None else 2**62
    if len(leaves) <= _FEW_LEAVES:
        # Each leaf's newest entries are the end of its index; the newest of all are among them.
        sql = (
            "SELECT DISTINCT p.entry_id FROM posting p CROSS JOIN entry e WHERE e.id = p.entry_id AND p.account_id = ?"
            f" AND p.entry_id < ? {''.join(' AND ' + d for d in dates)} ORDER BY p.entry_id DESC LIMIT ?"
        )
        found = {int(n) for leaf in leaves for (n,) in tx.rows(sql, leaf, last, *days, limit)}
        return sorted(found, reverse=True)[:limit]
    sql = (
        f"SELECT e.id FROM entry e WHERE e.id < ? {''.join(' AND +' + d for d in dates)} AND EXISTS"
        " (SELECT 1 FROM posting p JOIN account a ON a.id = p.account_id WHERE p.entry_id = e.id"
        f" AND {where}) ORDER BY e.id DESC LIMIT ?"
    )
    if tx.dialect == "postgresql":
        sql = sql.replace(" +e.", " e.")
    return [int(number) for (number,) in tx.rows(sql, last, *days, *names, limit)]


def account_condition(account: str) -> tuple[str, list[str]]:
    """What `GEN 905/M0007`, `905/M0007`, `905` or `/L-010` asks of the leaf `a`, as SQL and its values."""
    fund, _space, code = account.strip().rpartition(" ")
    gl_code, slash, contract = code.partition("/")
    if not gl_code and not contract:
        raise InvalidValue(
            "{account} is not an account.", field="account", account=account, hint="Write it like 905/M0007."
        )
    wanted = {"a.fund": fund.strip(), "a.gl_code": gl_code, "a.contract": contract if slash else ""}
    given = {column: value for column, value in wanted.items() if value}
    # The index of contracts holds those that are not empty, and SQLite wants to be told.
    conditions = [f"{column} = ?" for column in given] + (["a.contract <> ''"] if contract else [])
    return " AND ".join(conditions), list(given.values())


# ------------------------------------------------------------------------------- entries


def entries_numbered(books: Books, numbers: list[int]) -> tuple[JournalEntry, ...]:
    """Entries with their lines, in the order of the numbers given."""
    if not numbers:
        return ()
    marks = ",".join("?" * len(numbers))
    heads = books.tx.rows(
        "SELECT e.id, e.effective_on, e.memo, e.operation_id, o.kind, o.business_date, o.actor, o.approver,"
        " e.reverses_id, r.id FROM entry e JOIN operation o ON o.id = e.operation_id"
        f" LEFT JOIN entry r ON r.reverses_id = e.id WHERE e.id IN ({marks})",
        *numbers,
    )
    lines = _lines(books.tx, marks, numbers)
    found = {row[0]: _entry(row, tuple(lines[row[0]])) for row in heads}
    return tuple(found[number] for number in numbers if number in found)


def _lines(tx: Transaction, marks: str, numbers: list[int]) -> dict[int, list[JournalLine]]:
    found: dict[int, list[JournalLine]] = defaultdict(list)
    rows = tx.rows(
        "SELECT p.entry_id, a.fund, a.gl_code, a.contract, g.name, p.amount, a.currency FROM posting p"
        " JOIN account a ON a.id = p.account_id JOIN gl_account g ON g.code = a.gl_code"
        f" WHERE p.entry_id IN ({marks}) ORDER BY p.entry_id, p.line",
        *numbers,
    )
    for entry, fund, gl_code, contract, name, amount, currency in rows:
        code = f"{gl_code}/{contract}" if contract else gl_code
        found[entry].append(JournalLine(fund, code, name, int(amount), currency))
    return found


def _entry(row: tuple[Any, ...], lines: tuple[JournalLine, ...]) -> JournalEntry:
    number, effective_on, memo, operation, kind, posted_on, actor, approver, reverses, reversed_by = row
    cls = CATALOGUE.get(kind)
    return JournalEntry(
        number=number, effective_on=date.fromisoformat(effective_on), memo=memo, operation=operation, kind=kind,
        title=translate(cls.title) if cls else kind, posted_on=date.fromisoformat(posted_on), actor=actor,
        approver=approver, reverses=reverses, reversed_by=reversed_by, lines=lines,
    )  # fmt: skip
