"""The close of a day of a large bank: members' savings and loans, and a till that goes on while it is reckoned. Then
the month's: what is set aside for losses, and the interest of every loan.

The baseline is the plain loop over plain tables of `benchmarks/lending.py`.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import lending, savings
from benchmarks.books import ADMINISTRATOR, TELLER, new_bank, show
from coopbank.bank import records
from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor
from coopbank.clock import SetClock
from coopbank.money import format_amount

_SUE = Actor("sue", ("supervisor",))


def measure(folder: Path, *, quick: bool = False) -> None:
    """Close a day of 100,000 members and 20,000 loans."""
    members, loans = (20_000, 4_000) if quick else (100_000, 20_000)
    instant = datetime(2026, 3, 2, 15, tzinfo=UTC)
    clock = SetClock(instant)
    bank = new_bank(folder, "evening", clock)
    bank.perform(
        TELLER, bank.build("receive-gift", {"amount": "1.00", "donor": "D", "fund": "GEN", "tender": "transfer"})
    )
    savings.write_savings(bank, members)
    lending.write_loans(bank, loans)
    with bank.read() as books:
        counted = format_amount(books.balance("POOL", "739/D1"))
    bank.perform(TELLER, bank.build("close-drawer", {"drawer": "D1", "counted": counted}))
    with savings.till(bank.database.place, instant) as waits:
        began = time.perf_counter()
        bank.perform(TELLER, bank.build("close-day", {}))
        seconds = time.perf_counter() - began
    with bank.read() as books:
        if books.get(records.DayClose, lending.TODAY.isoformat()).loans["count"] != loans:
            raise SystemExit("the measured close is wrong")
    other = lending.Bare(folder / "evening-bare.db", loans).close()
    what = f"day close of {members:,} members, {loans:,} loans"
    show(what, seconds, "s", "plain loop", other, seconds / other, "< 60 s")
    longest = max(waits, default=0.0)
    show(
        f"longest wait of a till, of {len(waits)} gifts", longest, "s", "plain loop", other, longest / other, "< 0.5 s"
    )
    _month(bank, clock, loans, other)
    bank.close()


def _month(bank: Bank, clock: SetClock, loans: int, other: float) -> None:
    """Provide for the month and close it, on the first day of the next; two people."""
    clock.instant = datetime(2026, 4, 1, 15, tzinfo=UTC)
    bank.perform(TELLER, bank.build("open-day", {"date": "2026-04-01"}))
    sue = {"user": "sue", "full_name": "Sue", "user_roles": ["supervisor"]}
    asked = bank.perform(ADMINISTRATOR, bank.build("add-user", sue))
    bank.perform(TELLER, bank.build("approve", {"request": asked.request}))
    for operation in ("provide", "close-month"):
        with savings.till(bank.database.place, clock.instant) as waits:
            began = time.perf_counter()
            asked = bank.perform(TELLER, bank.build(operation, {"month": "2026-03"}))
            bank.perform(_SUE, bank.build("approve", {"request": asked.request}))
            seconds = time.perf_counter() - began
        show(f"{operation} of {loans:,} loans, asked and approved", seconds, "s", "plain loop", other,
             seconds / other, "told")  # fmt: skip
        longest = max(waits)
        show(f"longest wait of a till, of {len(waits)} gifts", longest, "s", "plain loop", other, longest / other,
             "< 0.5 s")  # fmt: skip
