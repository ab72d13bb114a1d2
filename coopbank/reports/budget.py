"""The budget beside what happened: by fund and by gift, for a month and for the year up to a day.

The budget of a month is its part of the year's, reckoned as depreciation is (the months add up
to the year to the cent); that of the year to date holds whole months, the day's month included.
What a fund did is all its income and expense, but for entries that close a year. What a gift
did is what it brought (181) and the expenses that it released (186), wherever these stand.
Assets (751, 771, 772) are held against what was bought of them, beside income and expense.
Accounts of which something happened and that nobody budgeted are listed with a budget of nothing.

Amounts are on the side where the account normally stands; totals add income and expense, less
what is contrary to them. The budget is the version that was in force on the day; the first
one stands beside it. A year's first budget that was decided later than the day is shown all the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from coopbank.bank import records
from coopbank.bank.asset_plan import WRITTEN_OFF_ON
from coopbank.bank.books import Books
from coopbank.bank.budgeting import budget_ref
from coopbank.errors import InvalidDate
from coopbank.finance.depreciation import spread
from coopbank.reports.document import Minor, Source, natural, source
from coopbank.reports.financial import RESULT, closing_movements
from coopbank.reports.totals import Backdated, Control, backdated, controls, movements, require_fund

_MONTHS = 12
_BUY = "buy-asset"


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """An account, or a total: what happened and what was to happen."""

    code: str
    name: str
    month: Minor
    month_budget: Minor
    to_date: Minor
    to_date_budget: Minor
    variance: Minor  # to date: what happened less the budget
    percent_bp: int | None  # to date: what happened in hundredths of a percent of the budget; None without one
    year_budget: Minor
    first_budget: Minor  # of the year, as it was first decided
    left: Minor  # of the year's budget


@dataclass(frozen=True, slots=True)
class BudgetPart:
    """A fund's budget, or a gift's."""

    budget: str  # 2026-GEN
    fund: str
    fund_name: str
    gift: str | None
    version: int
    versions: int  # that there are by now
    decided_on: date
    first_decided_on: date
    resolution: str
    why: str
    income: tuple[BudgetRow, ...]
    expense: tuple[BudgetRow, ...]
    assets: tuple[BudgetRow, ...]  # bought
    income_total: BudgetRow
    expense_total: BudgetRow
    assets_total: BudgetRow
    result: BudgetRow  # income less expense


@dataclass(frozen=True, slots=True)
class BudgetReport:
    """All budgets of a year, or those of one fund, as of a day in it."""

    source: Source
    year: int
    as_of: date
    month_start: date
    parts: tuple[BudgetPart, ...]
    backdated: Backdated | None


def budget(books: Books, year: int, as_of: date | None = None, fund: str | None = None) -> BudgetReport:
    """Actual against budget of a year; on the business date, or the year's last day if that is over."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    if as_of is not None and not first <= as_of <= last:
        raise InvalidDate(
            "{day} is not in {year}.", field="as_of", day=as_of, year=year, hint="Choose a day of the budget's year."
        )
    if fund is not None:
        require_fund(books.tx, fund)
    day = as_of or min(max(books.business_date() or first, first), last)
    found = [_versions(books, ref) for ref, body in books.about(records.Budget, str(year)) if fund in (None, body.fund)]
    spans = (day.replace(day=1), day), (first, day)
    funds = _funds(books, spans) if any(versions[0].body.gift is None for versions in found) else []
    names = dict(books.tx.rows("SELECT code, name FROM fund"))
    chart = controls(books.tx)
    parts = []
    for versions in found:
        body = versions[0].body
        own = funds if body.gift is None else [_of_gift(books, body.gift, *span) for span in spans]
        month, to_date = ({code: net for (code, of), net in each.items() if of == body.fund} for each in own)
        parts.append(_part(versions, str(names[body.fund]), chart, _Happened(day, month, to_date)))
    parts.sort(key=lambda part: (list(names).index(part.fund), part.gift or ""))
    return BudgetReport(source(books), year, day, spans[0][0], tuple(parts), backdated(books, day, first))


# --------------------------------------------------------------------------------- what happened

_Nets = dict[tuple[str, str], int]
"""By account and fund, debit +."""


def _funds(books: Books, spans: Iterable[tuple[date, date]]) -> list[_Nets]:
    """Movements of every account in every fund in each span of time, without the closing of a year."""
    found = []
    for start, end in spans:
        closed = closing_movements(books.tx, start, end)
        nets: _Nets = defaultdict(int)
        for (code, fund, _currency), (debit, credit) in movements(books.tx, start, end).items():
            if code not in WRITTEN_OFF_ON:
                nets[code, fund] += debit - credit - closed.get((code, fund), 0)
        found.append(nets | _bought(books, start, end))
    return found


def _bought(books: Books, start: date, end: date) -> _Nets:
    """Cost of the assets that each fund bought, less purchases that were reversed."""
    rows = books.tx.rows(
        "SELECT a.gl_code, a.fund, sum(p.amount) FROM entry e JOIN operation o ON o.id = e.operation_id"
        " JOIN posting p ON p.entry_id = e.id JOIN account a ON a.id = p.account_id"
        " LEFT JOIN entry undone ON undone.id = e.reverses_id LEFT JOIN operation was ON was.id = undone.operation_id"
        " WHERE e.effective_on BETWEEN ? AND ? AND a.gl_code IN (?, ?, ?) AND (o.kind = ? OR was.kind = ?)"
        " GROUP BY a.gl_code, a.fund",
        start.isoformat(), end.isoformat(), *WRITTEN_OFF_ON, _BUY, _BUY,
    )  # fmt: skip
    return {(code, fund): int(net) for code, fund, net in rows}


def _of_gift(books: Books, gift: str, start: date, end: date) -> _Nets:
    """What a gift brought and paid for: income on its own leaf; expenses and assets of the entries that released it.

    All of it as of the gift's fund, whose money it was, although the expense stands in the general fund.
    """
    fund = books.get(records.Gift, gift, "gift").fund
    rows = books.tx.rows(
        "SELECT a.gl_code, sum(p.amount) FROM entry e JOIN posting p ON p.entry_id = e.id"
        " JOIN account a ON a.id = p.account_id JOIN gl_account g ON g.code = a.gl_code"
        " WHERE e.effective_on BETWEEN ? AND ?"
        " AND e.id IN (SELECT q.entry_id FROM account r JOIN posting q ON q.account_id = r.id"
        "   WHERE r.gl_code IN ('181', '186') AND r.contract = ?)"
        " AND e.id NOT IN (SELECT q.entry_id FROM account r JOIN posting q ON q.account_id = r.id WHERE r.gl_code = ?)"
        " AND (g.kind = 'expense' OR a.gl_code IN (?, ?, ?) OR (a.gl_code = '181' AND a.contract = ?))"
        " GROUP BY a.gl_code",
        start.isoformat(), end.isoformat(), gift, RESULT, *WRITTEN_OFF_ON, gift,
    )  # fmt: skip
    return {(code, fund): int(net) for code, net in rows}


# -------------------------------------------------------------------------------------- the budget


@dataclass(frozen=True, slots=True)
class _Version:
    number: int
    decided_on: date
    body: records.Budget


def _versions(books: Books, ref: str) -> list[_Version]:
    """Every version of a budget, in their order."""
    rows = books.tx.rows(
        "SELECT r.version, o.business_date, r.body FROM record r JOIN operation o ON o.id = r.operation_id"
        " WHERE r.kind = ? AND r.ref = ? ORDER BY r.version",
        records.Budget.kind, ref,
    )  # fmt: skip
    return [_Version(int(n), date.fromisoformat(on), records.Budget.model_validate_json(text)) for n, on, text in rows]


@dataclass(frozen=True, slots=True)
class _Happened:
    day: date
    month: Mapping[str, int]
    to_date: Mapping[str, int]


def _part(versions: list[_Version], fund_name: str, chart: dict[str, Control], moved: _Happened) -> BudgetPart:
    first = versions[0]
    known = [version for version in versions if version.decided_on <= moved.day]
    valid = known[-1] if known else first
    body = valid.body
    codes = {code for code in (*moved.month, *moved.to_date) if moved.month.get(code) or moved.to_date.get(code)}
    codes |= body.lines.keys() | first.body.lines.keys()
    rows: dict[str, list[BudgetRow]] = defaultdict(list)
    signed: dict[str, list[tuple[BudgetRow, int]]] = defaultdict(list)
    for code in sorted(codes):
        control = chart[code]
        if control.kind not in ("income", "expense") and code not in WRITTEN_OFF_ON:
            continue
        row = _row(control, body.lines.get(code, 0), first.body.lines.get(code, 0), moved)
        rows[control.kind].append(row)
        contrary = (control.kind == "income") == (control.side == "debit")
        signed[control.kind].append((row, -1 if contrary else 1))
    income, expense, bought = (_sum(signed[kind]) for kind in ("income", "expense", "asset"))
    return BudgetPart(
        budget=budget_ref(body.year, body.fund, body.gift), fund=body.fund, fund_name=fund_name, gift=body.gift,
        version=valid.number, versions=len(versions), decided_on=valid.decided_on,
        first_decided_on=first.decided_on, resolution=body.resolution, why=body.why,
        income=tuple(rows["income"]), expense=tuple(rows["expense"]), assets=tuple(rows["asset"]),
        income_total=income, expense_total=expense, assets_total=bought, result=_sum([(income, 1), (expense, -1)]),
    )  # fmt: skip


def _row(control: Control, year: int, first: int, moved: _Happened) -> BudgetRow:
    month, code = moved.day.month, control.code
    to_date = spread(year, month, _MONTHS)
    return _made(
        code, control.name,
        natural(moved.month.get(code, 0), control.side), to_date - spread(year, month - 1, _MONTHS),
        natural(moved.to_date.get(code, 0), control.side), to_date, year, first,
    )  # fmt: skip


def _sum(parts: Iterable[tuple[BudgetRow, int]]) -> BudgetRow:
    """Rows added up, each with its sign."""
    totals = [0] * 6
    for row, sign in parts:
        amounts = (row.month, row.month_budget, row.to_date, row.to_date_budget, row.year_budget, row.first_budget)
        totals = [total + sign * amount for total, amount in zip(totals, amounts, strict=True)]
    return _made("", "", *totals)


def _made(
    code: str, name: str, month: int, month_budget: int, to_date: int, to_date_budget: int, year: int, first: int
) -> BudgetRow:  # fmt: skip
    percent = None
    if to_date_budget > 0:
        percent = (2 * 10_000 * to_date + to_date_budget) // (2 * to_date_budget)
    return BudgetRow(
        code=code, name=name, month=month, month_budget=month_budget, to_date=to_date, to_date_budget=to_date_budget,
        variance=to_date - to_date_budget, percent_bp=percent, year_budget=year, first_budget=first,
        left=year - to_date,
    )  # fmt: skip
