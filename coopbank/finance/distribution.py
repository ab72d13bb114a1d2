"""Dividing what members earned together: dividends on shares, and a surplus by a waterfall of rules.

A *dividend* is rate × capital, where capital is a member's balance at the year's end or the average of its daily
balances. The total of all members is rounded once, half to even, and split by largest remainder on exact weights.

A *waterfall* takes the steps of its rules in their order. With R the result of the year and K what of it did not come
from business with members (and is kept):

    a reserve, a fund       =  percent × R                             rounded half to even
    a dividend              =  as above, from the members' shares
    base of patronage       =  R − K − every step before the first patronage
    a patronage             =  percent × base                          rounded half to even; the last, if percentages
                                                                       come to 100, takes what is left of the base

A patronage is split over the members by largest remainder on the measure that its basis names; each member's notice has
its part in money, **rounded up** to the cent, so that no notice has less than the percentage (26 USC 1388(c)(1)).
Nothing here knows of a database. Amounts are minor units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from coopbank.errors import InvalidAmount
from coopbank.money import round_minor, split

HUNDRED = 100


def percent_of(percent: str, amount: int | Fraction) -> Fraction:
    """An exact part of an amount; the percentage is a decimal text."""
    return Fraction(Decimal(percent)) * amount / HUNDRED


def dividend(rate: str, weights: Mapping[str, int], days: int) -> dict[str, int]:
    """What each member gets: `weights` are balance × days (minor units × days), over `days` of a year.

    Members who get nothing are left out. Raises `InvalidAmount` for a weight below zero.
    """
    total = round_minor(percent_of(rate, Fraction(sum(weights.values()), days)))
    return shared(total, weights)


def shared(total: int, weights: Mapping[str, int]) -> dict[str, int]:
    """A total split over members by largest remainder, in the order of their numbers, so that ties are told apart."""
    if not total:
        return {}
    members = sorted(member for member, weight in weights.items() if weight)
    parts = split(total, [weights[member] for member in members])
    return {member: part for member, part in zip(members, parts, strict=True) if part}


def in_money(allocated: int, percent: str) -> int:
    """The part of a notice that is paid in money, rounded up to the minor unit."""
    numerator, denominator = Decimal(percent).as_integer_ratio()
    return -(-allocated * numerator // (HUNDRED * denominator))


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the waterfall, and what it came to. `shares` are the members' parts of a dividend or a patronage."""

    rule: Mapping[str, str]
    amount: int
    base: int  # what the percentage was taken of; of a dividend the capital, rounded
    shares: Mapping[str, int] = field(default_factory=dict)
    measured: int = 0  # of a patronage: the measure of all members together


@dataclass(frozen=True, slots=True)
class Division:
    """A surplus, divided. `allocated` is each member's patronage, `cash` the part of it in money."""

    result: int
    kept: int
    steps: tuple[Step, ...]
    allocated: Mapping[str, int]
    cash: Mapping[str, int]

    @property
    def taken(self) -> int:
        """What leaves undivided earnings."""
        return sum(step.amount for step in self.steps)

    @property
    def left(self) -> int:
        """What stays there."""
        return self.result - self.taken


def divide(
    result: int, kept: int, rules: Sequence[Mapping[str, str]], weights: Mapping[str, Mapping[str, int]], days: int,
    cash_percent: str,
) -> Division:  # fmt: skip
    """The waterfall. `weights` are the members' measures by class of shares ("901": balance × days) and by basis.

    A loss is divided among nobody. Raises `InvalidAmount` (field `steps`) where the steps come to more than the result.
    """
    if result <= 0:
        return Division(result, kept, (), {}, {})
    steps: list[Step] = []
    base: int | None = None  # of patronage, once the first of it is reached
    left_percent, left = Fraction(HUNDRED), 0
    for rule in rules:
        if rule["to"] == "patronage":
            if base is None:
                base = left = max(0, result - kept - sum(step.amount for step in steps))
            part = Fraction(Decimal(rule["percent"]))
            left_percent -= part
            amount = left if not left_percent else min(left, round_minor(part * base / HUNDRED))
            measured = weights[rule["basis"]]
            amount = amount if any(measured.values()) else 0
            left -= amount
            steps.append(Step(rule, amount, base, shared(amount, measured), sum(measured.values())))
        elif rule["to"] == "dividend":
            capital = weights[rule["share_class"]]
            shares = dividend(rule["rate"], capital, days)
            steps.append(Step(rule, sum(shares.values()), round_minor(Fraction(sum(capital.values()), days)), shares))
        else:
            steps.append(Step(rule, round_minor(percent_of(rule["percent"], result)), result))
    if sum(step.amount for step in steps) > result:
        raise InvalidAmount("The steps come to more than the result.", field="steps")
    allocated: dict[str, int] = {}
    for step in steps:
        if step.rule["to"] == "patronage":
            for member, part_ in step.shares.items():
                allocated[member] = allocated.get(member, 0) + part_
    cash = {member: in_money(amount, cash_percent) for member, amount in allocated.items()}
    division = Division(result, kept, tuple(steps), allocated, cash)
    assert sum(allocated.values()) == sum(s.amount for s in steps if s.rule["to"] == "patronage"), "parts add up"
    return division
