"""Questions about leaves that no report asks: a list of accounts, a member's entries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.errors import Unknown
from coopbank.reports.document import source
from coopbank.reports.find import member_ref
from coopbank.reports.journal import JournalPage, account_condition, entries_numbered
from coopbank.reports.movements import loans_of, member_leaves
from coopbank.reports.totals import require_fund, require_period


@dataclass(frozen=True, slots=True)
class ListedLeaf:
    """A leaf with its balance now; minor units, debit +."""

    fund: str
    code: str
    name: str
    kind: str
    holder: str | None
    currency: str
    balance: int


def counted(ref: str) -> list[tuple[int, str]]:
    """A key to sort by as people count: a number in a ref is a number."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"([0-9]+)", ref)]


def leaves(books: Books, account: str | None, fund: str | None) -> Iterator[ListedLeaf]:
    """The leaves of a control account, a contract or a fund, in the order of their codes."""
    conditions: list[str] = ["1 = 1"]
    values: list[str] = []
    if account is not None:
        condition, values = account_condition(account)
        conditions.append(condition)
    if fund is not None:
        conditions.append("a.fund = ?")
        values.append(require_fund(books.tx, fund).code)
    rows = books.tx.rows(
        "SELECT a.fund, a.gl_code, a.contract, g.name, a.kind, a.holder, a.currency, b.debit - b.credit FROM account a"
        " JOIN gl_account g ON g.code = a.gl_code JOIN balance b ON b.account_id = a.id"
        f" WHERE {' AND '.join(conditions)} ORDER BY a.gl_code, a.fund, a.contract",
        *values,
    )
    if account is not None and not rows:
        raise Unknown(
            "There is no account {account}.",
            field="account",
            account=account[:60],
            hint="Write it like 905 or 905/M0007.",
        )
    rows.sort(key=lambda row: (row[1], row[0], counted(row[2])))  # S-M0007-2 before S-M0007-10
    for fund_code, gl_code, contract, name, kind, holder, currency, balance in rows:
        code = f"{gl_code}/{contract}" if contract else gl_code
        yield ListedLeaf(fund_code, code, name, kind, holder, currency, int(balance))


def member_entries(
    books: Books, member: str, start: date | None, end: date | None, limit: int, before: int | None
) -> JournalPage:
    """A page of the entries that touch a member's own accounts and loans, newest first."""
    if start is not None and end is not None:
        require_period(start, end)
    ref = member_ref(member) or member
    books.get(records.Member, ref, "member")
    own = [leaf.id for leaf in member_leaves(books, ref, loans_of(books, ref))]
    if not own:
        return JournalPage(source(books), (), None)
    conditions, values = ["p.entry_id < ?"], [*own, before if before is not None else 2**62]
    for comparison, day in ((">=", start), ("<=", end)):
        if day is not None:
            conditions.append(f"e.effective_on {comparison} ?")
            values.append(day.isoformat())  # type: ignore[arg-type]
    marks = ",".join("?" * len(own))
    numbers = [
        int(number)
        for (number,) in books.tx.rows(
            "SELECT DISTINCT p.entry_id FROM posting p JOIN entry e ON e.id = p.entry_id"
            f" WHERE p.account_id IN ({marks}) AND {' AND '.join(conditions)} ORDER BY p.entry_id DESC LIMIT ?",
            *values, limit + 1,
        )
    ]  # fmt: skip
    found = entries_numbered(books, numbers[:limit])
    return JournalPage(source(books), found, found[-1].number if len(numbers) > limit else None)
