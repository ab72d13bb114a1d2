"""A year's surplus divided by the bank's rules: one reckoning to propose it, to post it, to show and to prove it.

`divided` reads what the books knew at an operation: the closing of the year, the version of the rules, the members'
measures. Two calls for the same operation give the same division, whenever they are made.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from coopbank.bank import equity, records
from coopbank.bank.books import Books
from coopbank.errors import NotABook
from coopbank.finance.distribution import HUNDRED, Division, divide
from coopbank.ledger import chain
from coopbank.money import round_minor

RULES: Final = "surplus-rules"
#: The account that a step's amount goes to; a fund has its own balance (961), members have leaves of their own.
RESERVE_OF: Final = {"regular": "931", "indivisible": "932"}
LEAST_CASH: Final = Decimal(20)  # percent, of qualified notices: 26 USC 1388(c)(1)


def rules_of(books: Books, version: int) -> records.SurplusRules:
    """A version of the rules."""
    text = books.tx.value(
        "SELECT body FROM record WHERE kind = ? AND ref = ? AND version = ?", records.SurplusRules.kind, RULES, version
    )
    if text is None:
        raise NotABook("The books are damaged: a record of kind {kind} cannot be read.", kind=RULES)
    return records.SurplusRules.model_validate_json(text)


@dataclass(frozen=True, slots=True)
class Divided:
    """A division, and the fingerprint of what every member is to get of it."""

    division: Division
    each: str

    def document(self) -> list[dict[str, Any]]:
        """The steps as their record keeps them."""
        return [
            {**step.rule, "base": step.base, "amount": step.amount}
            | ({"measured": step.measured} if step.rule["to"] == "patronage" else {})
            for step in self.division.steps
        ]


def divided(books: Books, year: str, rules: records.SurplusRules, upto: int) -> Divided:
    """The surplus of a closed year by the rules, as the books knew it at an operation.

    Raises `InvalidAmount` where the steps come to more than the result.
    """
    close = books.find_at(records.YearClose, year, upto)
    result = 0 if close is None else close.results.get(equity.FUND, 0)
    kept = 0 if close is None else kept_of(books, close, rules.outside)
    weights: dict[str, dict[str, int]] = {}
    for step in rules.steps:
        if step["to"] == "dividend":
            weights[step["share_class"]] = equity.balance_weights(books, step["share_class"], year, step["basis"], upto)
        elif step["to"] == "patronage":
            weights[step["basis"]] = equity.basis_weights(books, step["basis"], year, upto)
    division = divide(result, kept, rules.steps, weights, equity.days_in(year), rules.cash)
    shares = [[dict(step.rule), sorted(step.shares.items())] for step in division.steps]
    text = chain.canonical([year, shares, sorted(division.cash.items())])
    return Divided(division, hashlib.sha256(text.encode()).hexdigest())


def kept_of(books: Books, close: records.YearClose, outside: dict[str, str]) -> int:
    """What of the result is not of members' business, by the percentages of the rules; rounded once, never below zero.

    What an account came to in the year is what the closing took from it.
    """
    exact = Fraction(0)
    for entry in close.entries:  # CROSS: from its few lines, where SQLite would go through all accounts of the fund
        for code, amount in books.tx.rows(
            "SELECT a.gl_code, sum(p.amount) FROM posting p CROSS JOIN account a"
            " WHERE p.entry_id = ? AND a.id = p.account_id AND a.fund = ? GROUP BY a.gl_code", entry, equity.FUND,
        ):  # fmt: skip
            if code in outside:
                exact += Fraction(Decimal(outside[code])) * int(amount) / HUNDRED
    return max(0, round_minor(exact))


def notice_due(closed_year: str) -> date:
    """Last day for written notices: the 15th of the ninth month after the year (26 USC 1382(d))."""
    return date(int(closed_year) + 1, 9, 15)
