"""Whom a campaign asks: the balances of a day as the books knew them, and the sample that a seed draws from them.

The campaign writes down everything that the draw rests on, so that it can be drawn again by anybody at any time: by
`verify`, by the control sheet, and by an auditor with a list of balances and `sha256sum` (finance/sampling.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from coopbank.bank import records
from coopbank.database import Transaction
from coopbank.finance.sampling import DollarSample, Item, draw_dollars, draw_simple
from coopbank.ledger.log import Finding
from coopbank.words import marked

LOAN_PARTS: Final = ("701", "781", "791", "M10", "M20", "M30")
"""What a borrower owes by the contract, in the books and in memo, as member statements have it."""
_ALL: Final = 2**62
_OWN: Final = {"shares": ("901", "903"), "savings": ("905",)}
STRATA: Final = {
    "top": marked("at or above the interval"), "drawn": marked("drawn"), "all": marked("all are asked"),
    "negative": marked("below zero"), "empty": marked("empty"),
}  # fmt: skip
"""Why an account was chosen."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account that can be confirmed: its number, whose it is, its balance as the member reads it."""

    number: str
    member: str
    balance: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """An account that is asked about, and why it was chosen: top, drawn, negative, all, empty."""

    account: Account
    stratum: str


@dataclass(frozen=True, slots=True)
class Draw:
    """What a selection came to. `dollars` where it was drawn by dollar units."""

    population: tuple[Account, ...]
    chosen: tuple[Chosen, ...]
    dollars: DollarSample | None

    def count(self, sign: int) -> int:
        """How many accounts stand above zero (1), at zero (0) or below it (-1)."""
        return sum(1 for each in self.population if (each.balance > 0) - (each.balance < 0) == sign)

    @property
    def total(self) -> int:
        """All balances above zero."""
        return sum(each.balance for each in self.population if each.balance > 0)


def accounts_of(
    tx: Transaction, population: str, day: date, last_entry: int | None = None, last_operation: int | None = None
) -> list[Account]:
    """Every account of a population with its balance at the end of a day; sorted by number.

    As the books stood when they ended with an entry and an operation, if these are named: what was opened later was
    not there to be asked about, not even as empty.
    """
    names = ("shares", "savings", "loans") if population == "all" else (population,)
    found: list[Account] = []
    for name in names:
        codes = _OWN.get(name, LOAN_PARTS)
        found += _accounts(tx, codes, name == "loans", day, last_entry, last_operation)
    return sorted(found, key=lambda each: each.number)


def _accounts(
    tx: Transaction, codes: Sequence[str], loans: bool, day: date, last_entry: int | None, last_operation: int | None
) -> Iterator[Account]:
    number = "a.contract" if loans else "a.gl_code || '/' || a.contract"
    rows = tx.stream(
        f"SELECT {number}, min(a.holder), coalesce(sum(l.amount), 0) FROM account a LEFT JOIN"
        " (SELECT p.account_id, sum(p.amount) AS amount FROM account b CROSS JOIN posting p CROSS JOIN entry e"
        f" WHERE b.gl_code IN ({_marks(codes)}) AND p.account_id = b.id AND e.id = p.entry_id AND e.id <= ?"
        " AND e.effective_on <= ? GROUP BY p.account_id) l ON l.account_id = a.id"
        f" WHERE a.gl_code IN ({_marks(codes)}) AND a.holder IS NOT NULL AND (a.contract LIKE 'L-%') = ?"
        f" AND a.operation_id <= ? GROUP BY {number}",
        *codes, _ALL if last_entry is None else last_entry, day.isoformat(), *codes, loans,
        _ALL if last_operation is None else last_operation,
    )  # fmt: skip
    for ref, holder, amount in rows:
        yield Account(str(ref), str(holder), int(amount) if loans else -int(amount))


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def draw(
    population: Iterable[Account], selection: str, *, seed: str = "", size: int | None = None,
    interval: int | None = None, with_empty: bool = False,
) -> Draw:  # fmt: skip
    """Choose by dollar units, at random or all; what stands below zero is always asked about."""
    accounts = tuple(population)
    known = {each.number: each for each in accounts}
    dollars = None
    strata: dict[str, str] = {}
    if selection == "dollar-unit":
        dollars = draw_dollars((Item(a.number, a.balance) for a in accounts), seed, size=size, interval=interval)
        strata = {pick.ref: "top" if pick.unit is None else "drawn" for pick in dollars.picks}
    elif selection == "random":
        filled = (Item(a.number, a.balance) for a in accounts if a.balance > 0)
        strata = {item.ref: "drawn" for item in draw_simple(filled, seed, size or 1)}
    else:
        strata = {each.number: "all" for each in accounts if each.balance > 0}
    strata |= {each.number: "negative" for each in accounts if each.balance < 0}
    if with_empty:
        strata |= {each.number: "empty" for each in accounts if each.balance == 0}
    chosen = tuple(Chosen(known[number], stratum) for number, stratum in sorted(strata.items()))
    return Draw(accounts, chosen, dollars)


def drawn_again(tx: Transaction, campaign: records.Campaign) -> Draw:
    """The draw of a campaign once more, from the books as they stood when it began."""
    last = tx.value("SELECT first_entry + entry_count - 1 FROM operation WHERE id = ?", campaign.as_of)
    day = date.fromisoformat(campaign.day)
    accounts = accounts_of(tx, campaign.population, day, int(last or 0), campaign.as_of)
    return draw(
        accounts, campaign.selection, seed=campaign.seed,
        size=campaign.size if campaign.interval is None else None, interval=campaign.interval,
        with_empty=campaign.with_empty,
    )  # fmt: skip


def differences(
    draw_: Draw, campaign: records.Campaign, confirmations: Iterable[tuple[str, records.Confirmation]]
) -> Iterator[str]:
    """What a campaign says of its draw that the books of then do not."""
    asked = {body.account: (body.member, body.balance, body.stratum) for _ref, body in confirmations}
    wanted = {c.account.number: (c.account.member, c.account.balance, c.stratum) for c in draw_.chosen}
    for number in sorted(asked.keys() | wanted.keys()):
        if number not in asked:
            yield f"{number} was drawn and not asked about"
        elif number not in wanted:
            yield f"{number} was asked about and not drawn"
        elif asked[number] != wanted[number]:
            yield f"{number} was asked about with another balance, member or reason"
    if (campaign.count, campaign.total) != (draw_.count(1), draw_.total):
        yield "the population is another"


def campaign_faults(tx: Transaction, campaigns: Iterable[tuple[str, records.Campaign]]) -> Iterator[Finding]:
    """For `verify`: each campaign asked about what its seed draws from the balances of then."""
    for ref, campaign in campaigns:
        rows = tx.rows(
            "SELECT ref, body FROM record WHERE kind || '' = ? AND about = ? AND version = 1",
            records.Confirmation.kind, ref,
        )  # fmt: skip
        asked = ((number, records.Confirmation.model_validate_json(body)) for number, body in rows)
        for fault in differences(drawn_again(tx, campaign), campaign, asked):
            yield Finding("confirmations", f"campaign {ref}: {fault}", campaign.as_of)
