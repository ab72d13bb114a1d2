"""Who gets what of a payment: first its components, then the funds behind a loan.

*Components.* Money goes to what is due in a stated order (say fees, interest,
principal), each filled before the next gets anything. What is due nowhere is left
over, for the product to say what becomes of it.

*Funds.* A loan financed by several funds shares every amount among them so that each
fund's **cumulative** total is the largest-remainder split of the cumulative amount.
Rounding therefore never drifts: after any number of payments no fund is a whole cent
from its exact share, and when all is paid each has exactly its part. A price is paid for
that: with three funds or more, the largest-remainder method may take a cent back from one
fund when a small amount is added (the "Alabama paradox"), so that one payment's part can be
−1 cent. The entry balances all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from coopbank.errors import InvalidAmount, InvalidValue
from coopbank.money import split

DEFAULT_ORDER = ("fees", "interest", "principal")


@dataclass(frozen=True, slots=True)
class Allocation:
    """What each component gets, in minor units, and what is left over."""

    parts: dict[str, int]
    left_over: int


def allocate(amount: int, due: Mapping[str, int], order: Sequence[str] = DEFAULT_ORDER) -> Allocation:
    """Share a payment (minor units) over what is due, in that order.

    Every component appears in the answer, with zero if it gets nothing. Raises
    `InvalidAmount` for a payment or a due amount below zero, `InvalidValue` (field
    `order`) for an order that does not name each component once.
    """
    if amount < 0:
        raise InvalidAmount("A payment cannot be below zero.", field="amount")
    _check(due, order)
    parts, left = {}, amount
    for name in order:
        parts[name] = min(left, due.get(name, 0))
        left -= parts[name]
    assert sum(parts.values()) + left == amount, "nothing of a payment is lost"
    return Allocation(parts, left)


def split_cumulative(amount: int, already: Sequence[int], shares: Sequence[int | Fraction]) -> list[int]:
    """Each fund's part of `amount` (minor units), given what each has `already` had.

    The parts bring every fund to its place in `split(sum(already) + amount, shares)`
    and add up to `amount`. An amount below zero takes back. Raises `InvalidAmount` (field
    `shares`) when there is not one share for each fund, and as `money.split` does.
    """
    if len(already) != len(shares):
        raise InvalidAmount("There is not one share for each fund.", field="shares")
    goal = split(sum(already) + amount, shares)
    parts = [to - had for to, had in zip(goal, already, strict=True)]
    assert sum(parts) == amount, "a split adds up"
    return parts


def _check(due: Mapping[str, int], order: Sequence[str]) -> None:
    if len(set(order)) != len(order) or not set(due) <= set(order):
        raise InvalidValue(
            "The order {order} does not name each of {components} once.",
            field="order",
            order=", ".join(order),
            components=", ".join(due),
        )
    for name, amount in due.items():
        if amount < 0:
            raise InvalidAmount("What is due cannot be below zero.", field=name)
