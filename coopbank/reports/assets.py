"""The register of assets on a day: each with its cost, what was written off of it, and its book value.

Cost and depreciation are read from the accounts, by effective date; what the things are comes
from the register. What stands on accounts of assets without a number is a line of its own,
so that the register comes to the control accounts.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from coopbank.bank import records
from coopbank.bank.asset_plan import ASSET_LEAVES, WRITTEN_OFF_ON
from coopbank.bank.books import Books
from coopbank.reports.document import Minor, Source, source
from coopbank.reports.totals import Backdated, backdated


@dataclass(frozen=True, slots=True)
class AssetRow:
    """An asset, or what stands on a leaf that is none's."""

    asset: str  # FA-001; what follows the account where it has no number
    name: str
    account: str
    fund: str
    cost: Minor
    depreciated: Minor
    value: Minor
    residual: Minor
    life_months: int | None
    in_use_from: str
    place: str
    bill: str | None
    gift: str | None
    numbered: bool


@dataclass(frozen=True, slots=True)
class Assets:
    """The register as of a day; now if none is given."""

    source: Source
    as_of: date | None
    rows: tuple[AssetRow, ...]
    cost: Minor
    depreciated: Minor
    value: Minor
    backdated: Backdated | None


def assets(books: Books, as_of: date | None = None) -> Assets:
    """Every asset that was there at the end of the day."""
    known = dict(books.every(records.Asset))
    rows = tuple(
        _row(known.get(contract), account, fund, contract, cost, off)
        for (account, fund, contract), (cost, off) in sorted(_balances(books, as_of).items())
        if cost or off
    )
    return Assets(
        source=source(books), as_of=as_of, rows=rows, cost=sum(row.cost for row in rows),
        depreciated=sum(row.depreciated for row in rows), value=sum(row.value for row in rows),
        backdated=backdated(books, as_of),
    )  # fmt: skip


def _balances(books: Books, as_of: date | None) -> dict[tuple[str, str, str], list[int]]:
    """Cost and what was written off, by account, fund and what follows the account."""
    found: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    of = {off: account for account, off in WRITTEN_OFF_ON.items() if off is not None}
    for gl_code, fund, contract, net in books.tx.rows(
        "SELECT a.gl_code, a.fund, a.contract, sum(d.debit - d.credit) FROM account a"
        " JOIN balance_day d ON d.account_id = a.id"
        f" WHERE a.gl_code IN ({','.join('?' * len(ASSET_LEAVES))}) AND d.effective_on <= ?"
        " GROUP BY a.gl_code, a.fund, a.contract",
        *ASSET_LEAVES, (as_of or date.max).isoformat(),
    ):  # fmt: skip
        side = found[of.get(gl_code, gl_code), fund, contract]
        side[gl_code in of] += -int(net) if gl_code in of else int(net)
    return found


def _row(asset: records.Asset | None, account: str, fund: str, contract: str, cost: int, off: int) -> AssetRow:
    return AssetRow(
        asset=contract, name="" if asset is None else asset.name, account=account, fund=fund, cost=cost,
        depreciated=off, value=cost - off, residual=0 if asset is None else asset.residual,
        life_months=None if asset is None else asset.life_months,
        in_use_from="" if asset is None else asset.in_use_from, place="" if asset is None else asset.place,
        bill=None if asset is None else asset.bill, gift=None if asset is None else asset.gift,
        numbered=asset is not None,
    )  # fmt: skip
