"""The close of a day of a large bank: members' savings and loans, and a till that goes on while it is reckoned.

The baseline is the plain loop over plain tables of `benchmarks/lending.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import lending, savings
from benchmarks.books import TELLER, new_bank
from coopbank.bank import records
from coopbank.clock import SetClock
from coopbank.money import format_amount

Show = Callable[[str, float, str, str, float, float, str], None]


def measure(show: Show, folder: Path, *, quick: bool = False) -> None:
    """Close a day of 100,000 members and 20,000 loans."""
    members, loans = (20_000, 4_000) if quick else (100_000, 20_000)
    instant = datetime(2026, 3, 2, 15, tzinfo=UTC)
    bank = new_bank(folder, "evening", SetClock(instant))
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
    bank.close()
