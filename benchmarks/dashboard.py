"""The dashboard of a bank with a million entries: every fund at one look, with two thousand loans.

The baseline sums the postings themselves by control account and fund, which is what the first lines of the dashboard
would cost without control totals.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import date

from benchmarks.books import TELLER, show
from benchmarks.lending import write_loans
from coopbank.bank.bank import Bank
from coopbank.reports.financial import balance_sheet, fund, income
from coopbank.reports.glance import WHOLE, glance

_LOANS = 2000


def prepare(bank: Bank) -> None:
    """Loans, and a close that keeps how late they are; on the first day, before the entries."""
    write_loans(bank, _LOANS)
    bank.perform(TELLER, bank.build("close-drawer", {"drawer": "D1", "counted": "100.00"}))
    bank.perform(TELLER, bank.build("close-day", {}))


def measure(bank: Bank, entries: int) -> None:
    """`bank` was prepared and holds so many entries by now."""
    with bank.read() as books:
        ours = statistics.median(_seconds(lambda: glance(books, WHOLE, at_close=True)) for _ in range(9))
        summed = statistics.median(
            _seconds(
                lambda: books.tx.rows(
                    "SELECT a.gl_code, a.fund, a.currency, sum(p.amount) FROM posting p"
                    " JOIN account a ON a.id = p.account_id GROUP BY 1, 2, 3"
                )
            )
            for _ in range(3)
        )
        day = books.business_date() or date.max
        year = date(day.year, 1, 1), day
        controls = [("balance sheet", lambda: balance_sheet(books)), ("every fund's position", lambda: fund(books)),
                    ("income of the year", lambda: income(books, *year))]  # fmt: skip
        by_control = {name: statistics.median(_seconds(call) for _ in range(9)) for name, call in controls}
        if not glance(books, WHOLE, at_close=True).funds[-1].lent_ever:
            raise SystemExit("the measured dashboard is empty")
    show(f"dashboard, {entries:,} entries, {_LOANS:,} loans", ours * 1e3, "ms", "sum of postings", summed * 1e3,
         ours / summed, "< 100 ms")  # fmt: skip
    for name, seconds in by_control.items():
        show(f"   {name}, by control accounts", seconds * 1e3, "ms", "sum of postings", summed * 1e3,
             seconds / summed, "< 5 ms")  # fmt: skip


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
