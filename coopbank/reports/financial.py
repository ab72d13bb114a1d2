"""Balance sheet, income of a period, and the position of each fund.

All from control totals, so that they cost the same however many members there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.database import Transaction
from coopbank.ledger.chart import POOL
from coopbank.reports.document import Minor, Source, source
from coopbank.reports.totals import (
    Backdated,
    FundColumn,
    backdated,
    fund_columns,
    movements,
    require_fund,
    require_period,
)
from coopbank.reports.trial_balance import TrialRow, rows_of, sum_by_fund
from coopbank.words import _

RESULT = "960"
"""The clearing account that an entry of the year-end closing goes through."""


@dataclass(frozen=True, slots=True)
class Section:
    """Rows of one kind and their sum. Debit +, so that what is owed and earned is negative."""

    name: str
    rows: tuple[TrialRow, ...]
    by_fund: dict[str, Minor]
    eliminated: Minor
    combined: Minor


@dataclass(frozen=True, slots=True)
class BalanceSheet:
    """What is owned, what is owed, and the members' stake with the result not yet closed; together nothing."""

    source: Source
    as_of: date | None
    funds: tuple[FundColumn, ...]
    assets: Section
    liabilities: Section
    equity: Section
    backdated: Backdated | None

    @property
    def balanced(self) -> bool:
        """Whether what is owned equals what is owed and the members' stake."""
        return self.assets.combined + self.liabilities.combined + self.equity.combined == 0


@dataclass(frozen=True, slots=True)
class Income:
    """Income and expense of a period, without the entries that close a year. Debit +: a surplus is negative."""

    source: Source
    start: date
    end: date
    funds: tuple[FundColumn, ...]
    income: Section
    expense: Section
    result: dict[str, Minor]
    combined: Minor
    backdated: Backdated | None


@dataclass(frozen=True, slots=True)
class FundPosition:
    """Where a fund stands; every amount positive as it is named."""

    code: str
    name: str
    fund_class: str
    claim: Minor  # on pooled cash
    own_cash: Minor  # in bank accounts of its own
    lent: Minor  # principal outstanding, to members and to other funds
    allowance: Minor
    accrued: Minor  # interest earned and not yet paid
    committed: Minor  # granted and not yet paid out
    free: Minor  # cash less what is committed
    owed_to_lenders: Minor  # notes and their interest
    owed_otherwise: Minor
    balance: Minor  # all it owns less all it owes


@dataclass(frozen=True, slots=True)
class Funds:
    """The position of one fund or of all of them."""

    source: Source
    as_of: date | None
    funds: tuple[FundPosition, ...]
    backdated: Backdated | None


def balance_sheet(books: Books, as_of: date | None = None) -> BalanceSheet:
    """What the institution owns and owes at the end of a day; now if no day is given."""
    rows, _memo = rows_of(books, as_of)
    owed = _classes_owed(books, as_of)
    by_kind: dict[str, list[TrialRow]] = {"asset": [], "liability": [], "equity": []}
    for row in rows:
        by_kind.setdefault("liability" if row.code in owed else row.kind, []).append(row)
    result = _result_row([row for row in rows if row.kind in ("income", "expense")])
    equity = [*by_kind["equity"], result] if result.combined or any(result.by_fund.values()) else by_kind["equity"]
    return BalanceSheet(
        source=source(books), as_of=as_of,
        funds=fund_columns(books.tx, as_of, {code for row in rows for code in row.by_fund}),
        assets=_section(_("What is owned"), by_kind["asset"]),
        liabilities=_section(_("What is owed"), by_kind["liability"]),
        equity=_section(_("Members' stake and reserves"), equity),
        backdated=backdated(books, as_of),
    )  # fmt: skip


def _classes_owed(books: Books, as_of: date | None) -> set[str]:
    """Classes of shares that are presented as a liability, by the terms that were in force on the day."""
    found = books.tx.rows(
        "SELECT r.ref, r.body FROM record r JOIN operation o ON o.id = r.operation_id"
        " WHERE r.kind = ? AND o.business_date <= ? ORDER BY r.version",
        records.ShareClass.kind, (as_of or date.max).isoformat(),
    )  # fmt: skip
    terms = {ref: records.ShareClass.model_validate_json(text).presentation for ref, text in found}
    return {ref for ref, presentation in terms.items() if presentation == "liability"}


def _result_row(rows: list[TrialRow]) -> TrialRow:
    by_fund = {fund: net for fund, net in sum_by_fund(rows).items() if net}
    return TrialRow("", _("Result not yet closed"), "equity", "credit", by_fund, 0, sum(row.combined for row in rows))


def _section(name: str, rows: Iterable[TrialRow]) -> Section:
    kept = tuple(row for row in rows if row.by_fund or row.combined)
    return Section(
        name=name, rows=kept, by_fund=sum_by_fund(kept), eliminated=sum(row.eliminated for row in kept),
        combined=sum(row.combined for row in kept),
    )  # fmt: skip


def income(books: Books, start: date, end: date) -> Income:
    """What came in and what it cost in a period, fund by fund."""
    require_period(start, end)
    rows, _memo = rows_of(books, end, start)
    closed = closing_movements(books.tx, start, end)
    rows = tuple(_without(row, closed) for row in rows)
    earned = _section(_("Income"), [row for row in rows if row.kind == "income"])
    spent = _section(_("Expense"), [row for row in rows if row.kind == "expense"])
    funds = fund_columns(books.tx, end, {code for row in rows for code in row.by_fund})
    result = sum_by_fund([*earned.rows, *spent.rows])
    return Income(
        source=source(books), start=start, end=end, funds=funds, income=earned, expense=spent,
        result=result, combined=earned.combined + spent.combined, backdated=backdated(books, end, start),
    )  # fmt: skip


def closing_movements(tx: Transaction, start: date, end: date) -> dict[tuple[str, str], int]:
    """What the closing of a year moved on income and expense: those entries, and no others, touch 960."""
    found = tx.rows(
        "SELECT a.gl_code, a.fund, sum(p.amount) FROM posting p JOIN account a ON a.id = p.account_id"
        " JOIN gl_account g ON g.code = a.gl_code WHERE g.kind IN ('income', 'expense') AND p.entry_id IN"
        " (SELECT q.entry_id FROM account r JOIN posting q ON q.account_id = r.id JOIN entry e ON e.id = q.entry_id"
        "   WHERE r.gl_code = ? AND e.effective_on BETWEEN ? AND ?) GROUP BY a.gl_code, a.fund",
        RESULT, start.isoformat(), end.isoformat(),
    )  # fmt: skip
    return {(code, fund): int(net) for code, fund, net in found}


def _without(row: TrialRow, closed: dict[tuple[str, str], int]) -> TrialRow:
    taken = {fund: closed[row.code, fund] for code, fund in closed if code == row.code}
    if not taken:
        return row
    funds = row.by_fund.keys() | taken.keys()
    left = {fund: net for fund in sorted(funds) if (net := row.by_fund.get(fund, 0) - taken.get(fund, 0))}
    return TrialRow(row.code, row.name, row.kind, row.side, left, row.eliminated, row.combined - sum(taken.values()))


# ------------------------------------------------------------------------------- funds

_CASH = ("731", "735", "739")
_LENT = ("701", "702", "728")
_LENDERS = ("811", "812", "851")
_COMMITTED = "M40"


def fund(books: Books, code: str = "all", as_of: date | None = None) -> Funds:
    """Where one fund stands at the end of a day, or all of them: claim on cash, lent, committed, owed, balance."""
    nets = {key[:2]: debit - credit for key, (debit, credit) in movements(books.tx, None, as_of).items()}
    kinds = dict(books.tx.rows("SELECT code, kind FROM gl_account"))
    if code == "all":
        used = {of for (_gl, of), net in nets.items() if net}
        wanted = [column for column in fund_columns(books.tx, as_of, used) if column.code != POOL]
    else:
        wanted = [require_fund(books.tx, code)]
    positions = tuple(_position(column, nets, kinds) for column in wanted)
    return Funds(source(books), as_of, positions, backdated(books, as_of))


def _position(column: FundColumn, nets: dict[tuple[str, str], int], kinds: dict[str, str]) -> FundPosition:
    own = {code: net for (code, fund_code), net in nets.items() if fund_code == column.code}

    def total(*codes: str) -> int:
        return sum(own.get(code, 0) for code in codes)

    claim, own_cash, committed = total("729"), total(*_CASH), total(_COMMITTED)
    owed = -sum(net for code, net in own.items() if kinds[code] == "liability")
    owned = sum(net for code, net in own.items() if kinds[code] == "asset")
    lenders = -total(*_LENDERS)
    return FundPosition(
        code=column.code, name=column.name, fund_class=column.fund_class,
        claim=claim, own_cash=own_cash, lent=total(*_LENT), allowance=-total("719"), accrued=total("781"),
        committed=committed, free=claim + own_cash - committed,
        owed_to_lenders=lenders, owed_otherwise=owed - lenders, balance=owned - owed,
    )  # fmt: skip
