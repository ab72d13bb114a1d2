"""Internal capital accounts of a worker co-op's own book: what each worker has left in it, by vintage (950/M0001/2026).

A vintage is the year in which something was earned. It grows by what was retained of the year's surplus and by interest
on capital, and shrinks by losses that the workers bear, by vintages redeemed, and by what a worker who leaves is owed.
A bank's book has none: whoever keeps money there is a member of the bank and no worker of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.equity import CAPITAL, FUND, NONQUALIFIED, QUALIFIED
from coopbank.bank.operation import WORKER_COOP
from coopbank.money import split

INTEREST: Final = "386"
VINTAGE: Final = re.compile(r"M[0-9]{4,9}/[0-9]{4}")


def of_workers(books: Books) -> bool:
    """Whether this is a worker co-op's own book."""
    return books.institution().institution_kind == WORKER_COOP


def retained_on(books: Books, rules: records.SurplusRules) -> str:
    """The control account where the retained part of a year's surplus stands."""
    if of_workers(books):
        return CAPITAL
    return QUALIFIED if rules.qualified else NONQUALIFIED


def held(books: Books, member: str | None = None, upto: int | None = None) -> dict[str, int]:
    """What stands on each account, by contract (M0001/2026), now or as an operation found it; one worker's alone."""
    if upto is None:
        leaves = {leaf.contract: -leaf.balance for leaf in books.leaves(CAPITAL, FUND)}
    else:
        leaves = {
            str(contract): -int(amount)
            for contract, amount in books.tx.rows(
                "SELECT a.contract, sum(p.amount) FROM account a JOIN posting p ON p.account_id = a.id"
                " JOIN entry e ON e.id = p.entry_id WHERE a.gl_code = ? AND a.fund = ? AND e.operation_id <= ?"
                " GROUP BY a.contract", CAPITAL, FUND, upto,
            )
        }  # fmt: skip
    return {
        contract: amount
        for contract, amount in sorted(leaves.items())
        if amount and contract and member in (None, contract.partition("/")[0])  # nobody's is on its way to some
    }


def borne(amount: int, capital: Mapping[str, int]) -> dict[str, int]:
    """A loss split over the accounts pro rata, by largest remainder.

    Up to what they hold together no account gives more than it holds: its exact part is no more, rounded up or not.
    """
    contracts = sorted(capital)
    parts = split(amount, [capital[contract] for contract in contracts])
    return {contract: part for contract, part in zip(contracts, parts, strict=True) if part}
