"""Years for tests of members' equity: something is earned, the year ends, and is closed."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from coopbank.bank.operation import Receipt
from tests.support_bank import SmallBank


def lines(receipt: Receipt) -> dict[str, int]:
    """What a receipt moved, by fund and leaf; minor units, debit +."""
    found: dict[str, int] = defaultdict(int)
    for entry in receipt.entries:
        for line in entry.lines:
            found[f"{line.fund} {line.code}"] += line.amount
    return {leaf: amount for leaf, amount in found.items() if amount}


def earn(small: SmallBank, amount: str, account: str = "151") -> None:
    """Money comes in that the bank has earned, on its account at the bank."""
    small.do("receive-gift", by=small.tom, amount=amount, donor="Cora Quist", fund="GEN", tender="transfer")
    if account != "181":
        moved = [f"GEN 181 Dr {amount}", f"GEN {account} Cr {amount}"]
        small.agreed("journal-entry", by=small.tom, approver=small.sue, memo="it was earned", lines=moved)


def end_of_year(small: SmallBank, year: int = 2026, since: int = 3) -> None:
    """To January, each month from `since` on closed, December open for the auditor."""
    last_day = date(year, 12, 31)
    small.go_to(last_day.isoformat())
    small.go_to(f"{year + 1}-01-04")
    for month in range(since, 13):
        small.agreed("close-month", by=small.tom, approver=small.sue, month=f"{year}-{month:02d}")
    small.agreed("open-audit-period", by=small.tom, approver=small.sue, year=str(year))


def close_year(small: SmallBank, year: int = 2026) -> None:
    """The year is closed and locked."""
    small.agreed("close-year", by=small.tom, approver=small.sue, year=str(year))
