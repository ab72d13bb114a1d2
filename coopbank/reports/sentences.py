"""What explanations of a loan are made of: the sentences that only a bank needs, the answer, and small arithmetic.

The sentences of `coopbank.finance.explain` speak of schedules and payments by themselves; these
speak of a loan in the books. Both hold the arithmetic of their amount.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from coopbank.errors import fill
from coopbank.finance.explanation import (
    Amount,
    Explanation,
    Expression,
    Phrase,
    Stretch,
    interest_of,
    rounded,
    sum_of,
)
from coopbank.money import format_amount
from coopbank.reports.stretches import Walk
from coopbank.words import translate

__all__ = ["SENTENCES", "Explained", "Named", "Sentence", "Words", "all_interest", "of_stretches", "once", "say"]

SENTENCES: Final = {
    "month": "Interest of {amount} for {month} = {parts}.",
    "month-none": "No interest for {month}: nothing was owed, or none ran.",
    "interest-owed": "Interest of {amount} is owed = {run} since the start − {paid} paid.",
    "interest-owed-waived": "Interest of {amount} is owed = {run} since the start − {paid} paid − {waived} waived.",
    "interest-older": "Interest of {amount} is owed = {older} unpaid from before {since} + {running} since then.",
    "interest-row": "Interest of {amount} = {own} of this row + {before} owed before the schedule began anew.",
    "interest-line": "Interest of {amount} is asked for on {day} = {parts}.",
    "payment-split": "Payment of {amount} = {parts}.",
    "part": "{part} of {component}",
    "part-cost": "{part} of cost",
    "part-kept": "{part} kept for you",
    "payoff-cost": "{amount} closes the loan on {day} = {principal} of principal + {cost} of cost.",
    "principal-cost": "Principal of {amount} = payment of {payment} − cost of {cost}.",
    "part-paid": "{amount} pays a part of the {component} owed: {owed} was owed, and {left} was left of the payment.",
    "principal": "Principal of {amount} = payment of {payment} − {others} for what comes first.",
    "over": "{amount} of it is kept for you: no more was owed.",
    "anew": "Payments that count later were shared anew: {amount} more of them is interest.",
    "anew-less": "Payments that count later were shared anew: {less} less of them is interest.",
    "fund": "{fund} gets {amount} of it = {parts}; its share of the loan is {percent} %.",
    "late-fee": "Late fee of {amount} = {percent} % of the {unpaid} not paid of what was due on {due}.",
    "late-fee-flat": "Late fee of {amount} for the payment due on {due}: the terms name this amount.",
    "late-fee-none": "No late fee: the terms of this loan have none.",
    "late-fee-never": "No late fee: a loan repaid by reports has none.",
    "late-fee-not-late": "No late fee on {day}: no payment is late by {days} days and without a fee.",
    "due": "{amount} is due on {day} = {billed} asked for up to then − {paid} paid.",
    "due-fees": "{amount} is due on {day} = {billed} asked for up to then − {paid} paid + {fees} of fees.",
    "due-all": "All that is owed, {amount}, is due on {day}: the last payment is due.",
    "due-less": "{amount} is due on {day}: no more is owed.",
    "due-line": "{amount} is due on {day} = {billed} of interest billed up to then − {paid} paid.",
    "due-none": "Nothing is due on {day}.",
    "due-reports": "{amount} is due on {day} = {ceilings} by the reports so far − {paid} paid.",
    "due-reports-owed": "{amount} is due on {day}: that is all that is owed; the reports would allow {ceilings}.",
    "due-paid": "Nothing is due on {day} = {ceilings} by the reports so far − {paid} paid.",
    "due-no-report": "Nothing is due on {day}: no report is accepted yet.",
    "due-no-surplus": "Nothing is due on {day}: no surplus was reported.",
    "due-no-revenue": "Nothing is due on {day}: no revenue was reported.",
    "ceiling-less": "Of it {amount} is due: no more is owed.",
    "cap-income": "Income so far is {amount} = the smaller of {interest} of interest and {cap}, the cap of all cost.",
    "cap-cost": "Cost of {amount} in all = the smaller of {multiple} times what was lent less it, and {cap}, the cap.",
    "recognised": "Income of {amount} = {now} that the cap allows now − {before} recognised before.",
    "recognised-none": "No income: the cap allows no more than the {before} recognised before.",
    "waived-report": "{less} of income is waived = {before} recognised before − {now} that the cap allows now.",
}  # fmt: skip
"""Sentences and phrases beside those of `coopbank.finance.explain`, by kind."""


# ------------------------------------------------------------------------------------ the answer


class Sentence(Explanation):
    """An explanation whose sentence stands here."""

    __slots__ = ()

    @property
    def template(self) -> str:
        """The sentence before its values are put in, in English."""
        return SENTENCES[self.kind]

    @property
    def sentence(self) -> str:
        """The sentence in the language in force."""
        return _said(self.kind, self.values)


class Words(Phrase):
    """A phrase that stands here."""

    __slots__ = ()

    def __str__(self) -> str:
        return _said(self.kind, self.values)


def _said(kind: str, values: Mapping[str, Any]) -> str:
    return fill(translate(SENTENCES.get(kind, "")), {name: _shown(value) for name, value in values.items()})


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return " + ".join(map(str, value))
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return value.isoformat() if isinstance(value, date) else str(value)


@dataclass(frozen=True, slots=True)
class Named:
    """An explanation and what it is of: interest, principal, fund RLF."""

    of: str
    explanation: Explanation


@dataclass(frozen=True, slots=True)
class Explained:
    """The answer: the first explanation is that of the figure asked for, the others of what it is made of."""

    loan: str | None
    question: str
    value: str
    as_of: date | None
    currency: str
    parts: tuple[Named, ...]

    @property
    def amount(self) -> int:
        """The figure asked for, minor units."""
        return self.parts[0].explanation.amount

    @property
    def sentences(self) -> tuple[str, ...]:
        """All of it in words, in the language in force."""
        return tuple(each.explanation.sentence for each in self.parts)

    def as_document(self) -> dict[str, Any]:
        """JSON: amounts as decimal texts; the expression of each in minor units, as in `finance.explain`."""
        return {
            "loan": self.loan, "question": self.question, "value": self.value,
            "as_of": None if self.as_of is None else self.as_of.isoformat(),
            "amount": format_amount(self.amount, self.currency), "currency": self.currency,
            "sentences": list(self.sentences),
            "explanations": [
                {
                    "of": each.of, "kind": each.explanation.kind, "sentence": each.explanation.sentence,
                    "amount": format_amount(each.explanation.amount, self.currency),
                    "expression": each.explanation.expression.as_document(),
                }
                for each in self.parts
            ],
        }  # fmt: skip


# ------------------------------------------------------------------------------------ arithmetic


def say(kind: str, expression: Expression | int, currency: str, **values: Any) -> Sentence:
    """A sentence of this module: whole numbers among the values are amounts."""
    held = expression if isinstance(expression, Expression) else sum_of(expression)
    amount = held.value
    assert amount.denominator == 1, "an amount is whole"
    shown = {name: Amount(value, currency) if type(value) is int else value for name, value in values.items()}
    return Sentence(kind, {"amount": Amount(int(amount), currency), **shown}, int(amount), held)


def of_stretches(stretches: Sequence[Stretch], walk: Walk, currency: str) -> Explanation:
    """`Interest of 41.10 = 10,000.00 × 5 % × 30 days / 365.`"""
    bearing = [each for each in stretches if each.rate]
    return interest_of(bearing, walk.day_count, "half-even", 1, currency)


def once(stretches: Sequence[Stretch]) -> Expression:
    """The interest of some stretches, rounded as one sum."""
    return rounded(sum_of(*(each.expression for each in stretches)), "half-even")


def all_interest(walk: Walk) -> Expression:
    """All interest that ran, each span rounded once."""
    return sum_of(walk.before, *(once(span.stretches) for span in walk.spans))
