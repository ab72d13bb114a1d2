"""The trial balance: every control account in every fund, the pool's column, eliminations, the whole.

Claims of the funds on pooled cash (729) and what the pool owes them (879), and likewise loans from
one fund to another (728 and 878), are the institution's dealings with itself: they stand in their
funds' columns and are taken out of the whole in a column of their own. Memo accounts are in a
currency of their own and stand apart; no memo amount is in any total.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from coopbank.bank.books import Books
from coopbank.ledger.chart import MEMO_CURRENCY
from coopbank.reports.document import Minor, Source, source
from coopbank.reports.totals import (
    Backdated,
    Control,
    FundColumn,
    backdated,
    controls,
    fund_columns,
    movements,
)

INTERNAL = (("729", "879"), ("728", "878"))
"""Control accounts that cancel when all funds are seen as one."""


@dataclass(frozen=True, slots=True)
class TrialRow:
    """A control account: its balance in each fund that has one, what is eliminated, and the rest. Debit +."""

    code: str
    name: str
    kind: str
    side: str
    by_fund: dict[str, Minor]
    eliminated: Minor
    combined: Minor


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """Balances of all control accounts as of a date (None: now). `debits` equals `credits` or the books are wrong."""

    source: Source
    as_of: date | None
    funds: tuple[FundColumn, ...]
    rows: tuple[TrialRow, ...]
    memo: tuple[TrialRow, ...]
    fund_totals: dict[str, Minor]  # each 0
    eliminated: Minor  # 0
    debits: Minor  # of the combined column
    credits: Minor
    backdated: Backdated | None

    @property
    def balanced(self) -> bool:
        """Whether every fund and the whole add up to nothing."""
        return self.debits == self.credits and not self.eliminated and not any(self.fund_totals.values())


def trial_balance(books: Books, as_of: date | None = None) -> TrialBalance:
    """The trial balance at the end of a day, by effective date; now if no day is given."""
    rows, memo = rows_of(books, as_of)
    funds = fund_columns(books.tx, as_of, {fund for row in (*rows, *memo) for fund in row.by_fund})
    return TrialBalance(
        source=source(books), as_of=as_of, funds=funds, rows=rows, memo=memo,
        fund_totals={fund.code: sum(row.by_fund.get(fund.code, 0) for row in rows) for fund in funds},
        eliminated=sum(row.eliminated for row in rows),
        debits=sum(max(row.combined, 0) for row in rows), credits=-sum(min(row.combined, 0) for row in rows),
        backdated=backdated(books, as_of),
    )  # fmt: skip


def rows_of(
    books: Books, end: date | None, start: date | None = None
) -> tuple[tuple[TrialRow, ...], tuple[TrialRow, ...]]:
    """Rows of money and rows of memo accounts: balances at a date, or movements of a period."""
    nets: dict[str, dict[str, int]] = {}
    memo: set[str] = set()
    for (gl_code, fund, currency), (debit, credit) in movements(books.tx, start, end).items():
        nets.setdefault(gl_code, {})[fund] = debit - credit
        if currency == MEMO_CURRENCY:
            memo.add(gl_code)
    taken_out = eliminations(nets)
    chart = controls(books.tx)
    rows = [_row(chart[code], nets[code], taken_out.get(code, 0)) for code in chart if code in nets]
    return tuple(row for row in rows if row.code not in memo), tuple(row for row in rows if row.code in memo)


def eliminations(nets: dict[str, dict[str, int]]) -> dict[str, int]:
    """What is taken out of each internal account: as much as its counterpart carries on the other side."""
    found = {}
    for claim, owed in INTERNAL:
        claimed, owes = sum(nets.get(claim, {}).values()), -sum(nets.get(owed, {}).values())
        both = max(0, min(claimed, owes))
        found[claim], found[owed] = -both, both
    return found


def _row(control: Control, by_fund: dict[str, int], eliminated: int) -> TrialRow:
    return TrialRow(
        code=control.code, name=control.name, kind=control.kind, side=control.side,
        by_fund={fund: net for fund, net in by_fund.items() if net}, eliminated=eliminated,
        combined=sum(by_fund.values()) + eliminated,
    )  # fmt: skip


def sum_by_fund(rows: Iterable[TrialRow]) -> dict[str, int]:
    """The rows added up, fund by fund."""
    found: dict[str, int] = {}
    for row in rows:
        for fund, net in row.by_fund.items():
            found[fund] = found.get(fund, 0) + net
    return found
