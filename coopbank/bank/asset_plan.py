"""What an asset's record says of the books: on which leaves it stands, and how much of it is written off when."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.finance.depreciation import months_through, spread
from coopbank.finance.periods import add_months

WRITTEN_OFF_ON: Final[dict[str, str | None]] = {"751": "759", "771": None, "772": "779"}
"""Accounts of assets, and where what was written off of them stands. Land wears out never."""
ASSET_LEAVES: Final = (*WRITTEN_OFF_ON, *(code for code in WRITTEN_OFF_ON.values() if code is not None))


def is_asset(contract: str) -> bool:
    """Whether what follows an account is an asset's number."""
    return re.fullmatch(r"FA-[0-9]{3,}", contract) is not None


def to_write_off(asset: records.Asset) -> int:
    """What is spread over its months of use here."""
    return asset.cost - asset.residual - asset.taken_over


def through(asset: records.Asset, last: date) -> int:
    """What is written off by the end of the month that a day lies in, by the plan."""
    if asset.life_months is None:
        return 0
    months = months_through(date.fromisoformat(asset.in_use_from), last) - asset.months_before
    return asset.taken_over + spread(to_write_off(asset), months, asset.life_months - asset.months_before)


def months_before(used: date, booked: date) -> int:
    """How many months of its use were over before the month in which it came into these books."""
    return max(0, months_through(used, booked) - 1)


def begins(asset: records.Asset) -> date:
    """The first day not yet reckoned: never before it was in use, or in the books."""
    first = date.fromisoformat(max(asset.in_use_from, asset.booked_on))
    if not asset.through:
        return first
    return max(first, add_months(date.fromisoformat(f"{asset.through}-01"), 1))


def due_in(books: Books, last: date) -> Iterator[tuple[str, records.Asset]]:
    """Assets of which something is still to be written off in the month that ends on a day."""
    for ref, asset in books.about(records.Asset, "in use"):
        left = asset.cost - asset.residual - asset.depreciated
        if asset.life_months is not None and left and begins(asset) <= last:
            yield ref, asset


def written_off_by_plan(asset: records.Asset) -> int:
    """What is to be written off by the end of the last month that was reckoned."""
    if not asset.through:
        return asset.taken_over
    return through(asset, date.fromisoformat(f"{asset.through}-01"))
