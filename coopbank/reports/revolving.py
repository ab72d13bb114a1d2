"""How the money goes round: principal that went out and principal that came back, month by month.

Read from the control totals of account 701, so that it costs the same however many loans there are. What was written
off left the account too, and did not come back: it is told apart, from the few entries on the allowance.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from coopbank.bank.books import Books
from coopbank.finance.periods import add_months
from coopbank.reports.dates import month_bounds
from coopbank.reports.document import Minor
from coopbank.reports.totals import movements

PRINCIPAL = "701"
LOSSES = ("charge-off", "write-down")
_WRITTEN_OFF = (
    "SELECT substr(e.effective_on, 1, 7), -sum(p.amount) FROM entry e JOIN operation o ON o.id = e.operation_id"
    " JOIN posting p ON p.entry_id = e.id JOIN account a ON a.id = p.account_id WHERE a.gl_code = ?"
    " AND o.kind IN (?, ?) AND e.effective_on BETWEEN ? AND ? AND e.id IN (SELECT q.entry_id FROM account l"
    " JOIN posting q ON q.account_id = l.id WHERE l.gl_code IN ('719', '301')) GROUP BY substr(e.effective_on, 1, 7)"
)


@dataclass(frozen=True, slots=True)
class MonthLent:
    """Principal of a month: what went out, what came back, what was written off, and what was out at its end."""

    first: date
    out: Minor
    back: Minor
    lost: Minor
    outstanding: Minor


def lent_by_month(books: Books, until: date, months: int = 12) -> tuple[MonthLent, ...]:
    """The months up to that day, the oldest first; the last one as far as it has come."""
    found = []
    end = until
    first = month_bounds(add_months(until, 1 - months))[0]
    rows = books.tx.rows(_WRITTEN_OFF, PRINCIPAL, *LOSSES, first.isoformat(), until.isoformat())
    written_off = {month: int(amount) for month, amount in rows}
    for _ in range(months):
        start, _last = month_bounds(end)
        out = back = outstanding = 0
        for (gl_code, _fund, _currency), (debit, credit) in movements(books.tx, start, end).items():
            if gl_code == PRINCIPAL:
                out, back = out + debit, back + credit
        for (gl_code, _fund, _currency), (debit, credit) in movements(books.tx, None, end).items():
            if gl_code == PRINCIPAL:
                outstanding += debit - credit
        lost = written_off.get(f"{start:%Y-%m}", 0)
        found.append(MonthLent(start, out, back - lost, lost, outstanding))
        end = start - timedelta(days=1)
    return tuple(reversed(found))
