"""Control accounts by fund and by date, and what was posted into a period after it had passed.

The seal keeps `control_total`: movements of every control account in every fund, by month and
by day. A span of time is the whole months in it and the days at its ends, so that a report costs
the same however many members and entries there are.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import date

from coopbank.bank.books import Books
from coopbank.database import Transaction
from coopbank.errors import InvalidDate, Unknown
from coopbank.reports.dates import month_bounds

Key = tuple[str, str, str]
"""Control account, fund, currency."""
Moved = tuple[int, int]
"""Debits and credits in minor units, both positive."""

_SUM = "SELECT gl_code, fund, currency, sum(debit), sum(credit) FROM control_total WHERE {where} GROUP BY 1, 2, 3"


def movements(tx: Transaction, start: date | None, end: date | None) -> dict[Key, Moved]:
    """Debits and credits of every control account in every fund, both days included; None is open-ended."""
    found: dict[Key, Moved] = {}
    for where, values in _spans(tx, start, end):
        for gl_code, fund, currency, debit, credit in tx.rows(_SUM.format(where=where), *values):
            before = found.get((gl_code, fund, currency), (0, 0))
            found[gl_code, fund, currency] = (before[0] + int(debit), before[1] + int(credit))
    return found


def _spans(tx: Transaction, start: date | None, end: date | None) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Conditions that cover a span of time without overlap: days, whole months, days."""
    known = tx.row("SELECT min(span), max(span) FROM control_total")
    if known is None or known[0] is None:
        return
    first = max(start or date.min, date.fromisoformat(known[0][:7] + "-01"))
    last = min(end or date.max, month_bounds(date.fromisoformat(known[1][:7] + "-01"))[1])
    if first > last:
        return
    months = []
    while first <= last:
        month_first, month_last = month_bounds(first)
        if first == month_first and month_last <= last:
            months.append(first.isoformat()[:7])
        else:
            yield "span BETWEEN ? AND ?", (first.isoformat(), min(month_last, last).isoformat())
        if month_last >= last:
            break
        first = date.fromordinal(month_last.toordinal() + 1)
    if months:
        yield f"span IN ({','.join('?' * len(months))})", tuple(months)


# ------------------------------------------------------------------------ chart and funds


@dataclass(frozen=True, slots=True)
class FundColumn:
    """A fund, as the column of a report."""

    code: str
    name: str
    fund_class: str


@dataclass(frozen=True, slots=True)
class Control:
    """A control account of the chart."""

    code: str
    name: str
    kind: str
    side: str


def fund_columns(tx: Transaction, as_of: date | None = None, used: Container[str] = ()) -> tuple[FundColumn, ...]:
    """Every fund that there was on a day: POOL first, then in the order in which they were opened.

    One that was opened later is told only where it is `used`, since something was dated back before it: otherwise a
    report of the past would change, and a paper of it be replaced, by a fund of which it says nothing but zeros.
    """
    found = tx.rows(
        "SELECT f.code, f.name, f.class, o.business_date, o.id FROM fund f JOIN operation o ON o.id = f.operation_id"
        " ORDER BY f.operation_id, f.line"
    )
    day = (as_of or date.max).isoformat()
    there = (row for row in found if row[3] <= day or row[4] == 1 or row[0] in used)  # the first ones: at any time
    return tuple(FundColumn(*row[:3]) for row in sorted(there, key=lambda row: row[2] != "pool"))


def controls(tx: Transaction) -> dict[str, Control]:
    """The chart by code, in the order of the codes."""
    return {row[0]: Control(*row) for row in tx.rows("SELECT code, name, kind, side FROM gl_account ORDER BY code")}


def require_fund(tx: Transaction, code: str) -> FundColumn:
    """The fund of that code; refuses if there is none."""
    for found in fund_columns(tx):
        if found.code == code:
            return found
    raise Unknown("There is no fund {fund}.", field="fund", fund=code)


def require_period(start: date, end: date) -> None:
    """Refuse a period that ends before it starts."""
    if end < start:
        raise InvalidDate(
            "The period ends on {end}, before it starts on {start}.", field="to", start=start, end=end,
            hint="Give the earlier day first.",
        )  # fmt: skip


# ------------------------------------------------------------------- posted after the fact


CLOSE = "close-month"
"""The operation that dates a month's interest on its last day; it comes after that day and belongs to it."""


@dataclass(frozen=True, slots=True)
class Backdated:
    """Entries dated in a period and posted after its last day: a report made on that day showed other figures."""

    entries: int  # back-dated by people
    by_close: int  # of the month's own close
    last_posted_on: date
    last_operation: int


_LATE = (
    "SELECT count(*), sum(CASE WHEN o.kind IN (?, 'close-month-part') THEN 1 ELSE 0 END), max(o.id),"
    " max(o.business_date) FROM {source}"
    " CROSS JOIN operation o WHERE o.id = e.operation_id AND e.id >= ? AND {dated}"
)
_LATE_BY_NUMBER = _LATE.format(source="entry e", dated="e.effective_on || '' BETWEEN ? AND ?")
#: From day to day by the index: days are few where entries are many.
_LATE_BY_DAY = (
    "WITH RECURSIVE days (day) AS (SELECT min(effective_on) FROM entry WHERE effective_on BETWEEN ? AND ? UNION ALL"
    " SELECT (SELECT min(n.effective_on) FROM entry n WHERE n.effective_on > days.day AND n.effective_on <= ?)"
    " FROM days WHERE days.day IS NOT NULL) "
) + _LATE.format(source="days CROSS JOIN entry e", dated="e.effective_on = days.day")
_FEW = 5000


def backdated(books: Books, end: date | None, start: date | None = None) -> Backdated | None:
    """What was posted into the period after its last day; None if nothing was."""
    after = None if end is None else first_operation_after(books.tx, end)
    if end is None or after is None:
        return None
    # The business date never goes back, so that no entry before `first` can have been posted late.
    first = int(books.tx.value("SELECT first_entry FROM operation WHERE id = ?", after))
    last = int(books.tx.value("SELECT coalesce(max(id), 0) FROM entry"))
    period = ((start or date.min).isoformat(), end.isoformat())
    if last - first > _FEW:
        found = books.tx.row(_LATE_BY_DAY, *period, period[1], CLOSE, first)
    else:
        found = books.tx.row(_LATE_BY_NUMBER, CLOSE, first, *period)
    if found is None or not found[0]:
        return None
    count, by_close, number, posted_on = found
    return Backdated(int(count) - int(by_close), int(by_close), date.fromisoformat(posted_on), int(number))


def first_operation_after(tx: Transaction, day: date) -> int | None:
    """Number of the first operation of a later business date. Numbers are gapless and dates never go back."""
    low, high = 1, int(tx.value("SELECT coalesce(max(id), 0) FROM operation")) + 1
    end = high
    text = day.isoformat()
    while low < high:
        middle = (low + high) // 2
        if tx.value("SELECT business_date FROM operation WHERE id = ?", middle) > text:
            high = middle
        else:
            low = middle + 1
    return low if low < end else None
