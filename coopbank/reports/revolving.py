"""How the money goes round: principal that went out and principal that came back, month by month.

Read from the control totals of account 701, so that it costs the same however many loans there are. What was written
off stands among what left the account, and is told apart by the portfolio.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from coopbank.bank.books import Books
from coopbank.reports.dates import month_bounds
from coopbank.reports.document import Minor
from coopbank.reports.totals import movements

PRINCIPAL = "701"


@dataclass(frozen=True, slots=True)
class MonthLent:
    """Principal of a month: what went out, what left the account again, and what was out at its end."""

    first: date
    out: Minor
    back: Minor
    outstanding: Minor


def lent_by_month(books: Books, until: date, months: int = 12) -> tuple[MonthLent, ...]:
    """The months up to that day, the oldest first; the last one as far as it has come."""
    found = []
    end = until
    for _ in range(months):
        start, _last = month_bounds(end)
        out = back = outstanding = 0
        for (gl_code, _fund, _currency), (debit, credit) in movements(books.tx, start, end).items():
            if gl_code == PRINCIPAL:
                out, back = out + debit, back + credit
        for (gl_code, _fund, _currency), (debit, credit) in movements(books.tx, None, end).items():
            if gl_code == PRINCIPAL:
                outstanding += debit - credit
        found.append(MonthLent(start, out, back, outstanding))
        end = start - timedelta(days=1)
    return tuple(reversed(found))
