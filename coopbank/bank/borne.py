"""An expense of a period that is over, made anew after it was taken back: the period bears it once.

A reversal is dated on its own day, so a period goes on to bear what was taken back after it. What is made anew is an
expense of the period only beyond that; the rest is one of today, as the reversal is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from coopbank.bank.books import Books
from coopbank.bank.desk import Desk
from coopbank.bank.records import Body


def borne(books: Books, made: type[Body], ref: str, expense: tuple[str, str], through: date) -> int:
    """What a period that ends on this day bears of what was written there, minor units; `expense` is fund and code."""
    fund, code = expense
    found = books.tx.value(
        "SELECT sum(p.amount) FROM entry e JOIN posting p ON p.entry_id = e.id JOIN account a ON a.id = p.account_id"
        " WHERE e.operation_id IN (SELECT operation_id FROM record WHERE kind = ? AND ref = ?)"
        " AND a.gl_code = ? AND a.fund = ? AND e.effective_on <= ?",
        made.kind, ref, code, fund, through.isoformat(),
    )  # fmt: skip
    return int(found or 0)


def days_of_expense(desk: Desk, total: int, period_ends: date, there: int) -> Iterator[tuple[date, int]]:
    """Under which days a total stands, of which the period bears so much already: its last one, and today."""
    of_period = max(0, total - there)
    for day, part in ((period_ends, of_period), (desk.business_day, total - of_period)):
        if part:
            yield day, part
