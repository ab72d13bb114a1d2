"""Samples that anybody can draw again: by dollar units, and simple random.

A sample is only evidence if nobody could choose it and everybody can repeat it. So all chance comes from a seed, a text
that is written down before the sample is drawn, and from SHA-256, which every computer has:

    number(seed, what)  =  SHA-256 of the text `seed:what` in UTF-8, its 64 hex digits read as one whole number

    printf '%s' 'river 42:start' | sha256sum          the same at any terminal

Dollar units (monetary-unit sampling, systematic). Every minor unit of the total has the same chance:

1. Balances of zero hold no unit and can never be drawn, balances below zero would hold less than none. Neither is left
   out in silence: both are listed apart, and whoever draws decides what is done with them.
2. The interval is given, or the total divided by the size asked for, rounded down. Balances that are not below the
   interval are the top stratum: each is taken. With a size, what is left of it is then spread over what is left of the
   total, and so on until no balance reaches the interval.
3. The start is `number(seed, "start")` modulo the interval, plus 1. The balances that are left are laid end to end in
   the order of the list; drawn are those that hold the units start, start + interval, start + 2 intervals ...
   With a size, rounding the interval down can draw a few more than were asked for, never fewer while there are so many.

Simple random: those whose `number(seed, ref)` are the smallest. Each item has the same chance whatever it holds, and
the order of the list does not matter.

Error found in a dollar-unit sample is projected by tainting: an item drawn stands for its whole interval, so an error
of a tenth of its balance counts for a tenth of the interval; an item of the top stratum stands for itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from coopbank.errors import InvalidValue
from coopbank.money import round_minor

__all__ = ["DollarSample", "Item", "Pick", "draw_dollars", "draw_simple", "number", "projected"]


@dataclass(frozen=True, slots=True)
class Item:
    """What can be drawn: a name that no other item has, and its balance in minor units."""

    ref: str
    amount: int


@dataclass(frozen=True, slots=True)
class Pick:
    """An item that was drawn. `unit`: which unit of the items laid end to end hit it; None in the top stratum."""

    ref: str
    amount: int
    unit: int | None


@dataclass(frozen=True, slots=True)
class DollarSample:
    """A dollar-unit sample and all that is needed to draw it again. Amounts in minor units."""

    seed: str
    interval: int
    start: int
    top: tuple[Pick, ...]
    drawn: tuple[Pick, ...]
    zero: tuple[Item, ...]
    negative: tuple[Item, ...]
    count: int  # items above zero
    total: int  # of these

    @property
    def picks(self) -> tuple[Pick, ...]:
        """All that were taken, the top stratum first."""
        return self.top + self.drawn


def number(seed: str, what: str) -> int:
    """The whole number that a seed gives for something: SHA-256 of `seed:what`."""
    return int(hashlib.sha256(f"{seed}:{what}".encode()).hexdigest(), 16)


def draw_dollars(
    items: Iterable[Item], seed: str, *, size: int | None = None, interval: int | None = None
) -> DollarSample:  # fmt: skip
    """A dollar-unit sample of so many items, or with an interval in minor units; one of the two is given."""
    listed = _distinct(items)
    if (size is None) == (interval is None):
        raise InvalidValue("Give a size or an interval, one of the two.", field="size")
    if size is not None and size < 1:
        raise InvalidValue("A sample has at least one item.", field="size")
    if interval is not None and interval < 1:
        raise InvalidValue("The interval must be more than zero.", field="interval")
    positive = [item for item in listed if item.amount > 0]
    step = interval if interval is not None else _interval(positive, size or 1)
    top = tuple(Pick(item.ref, item.amount, None) for item in positive if item.amount >= step)
    start = number(seed, "start") % step + 1
    return DollarSample(
        seed=seed, interval=step, start=start, top=top, drawn=tuple(_hit(positive, start, step)),
        zero=tuple(item for item in listed if item.amount == 0),
        negative=tuple(item for item in listed if item.amount < 0),
        count=len(positive), total=sum(item.amount for item in positive),
    )  # fmt: skip


def _interval(positive: Sequence[Item], size: int) -> int:
    """The interval of a size: the total over it, anew for what is left while a balance reaches it."""
    left = sorted((item.amount for item in positive), reverse=True)
    total, taken = sum(left), 0
    while taken < size and total:
        step = max(1, total // (size - taken))
        more = 0
        while taken + more < len(left) and left[taken + more] >= step:
            more += 1
        if not more:
            return step
        total -= sum(left[taken : taken + more])
        taken += more
    # the top stratum is the whole sample: an interval that its smallest balance reaches, and no other does
    return left[taken - 1] if taken else 1


def _hit(positive: Sequence[Item], start: int, step: int) -> Iterable[Pick]:
    """Those below the interval that hold a unit of start, start + step, ...; none can hold two."""
    passed, unit = 0, start
    for item in positive:
        if item.amount >= step:
            continue
        passed += item.amount
        if unit <= passed:
            yield Pick(item.ref, item.amount, unit)
            unit += step


def draw_simple(items: Iterable[Item], seed: str, size: int) -> tuple[Item, ...]:
    """A simple random sample of so many items, or all where there are fewer, in the order in which they came up."""
    if size < 1:
        raise InvalidValue("A sample has at least one item.", field="size")
    return tuple(sorted(_distinct(items), key=lambda item: (number(seed, item.ref), item.ref))[:size])


def _distinct(items: Iterable[Item]) -> list[Item]:
    listed = list(items)
    if len({item.ref for item in listed}) != len(listed):
        raise InvalidValue("An item stands twice in the list that is drawn from.", field="items")
    return listed


def projected(sample: DollarSample, found: Mapping[str, int]) -> int:
    """The error of the whole that a sample's errors point to: book less right balance by ref, in minor units."""
    known = {pick.ref: pick for pick in sample.picks}
    error = Fraction(0)
    for ref, difference in found.items():
        pick = known[ref]
        error += difference if pick.unit is None else Fraction(difference * sample.interval, pick.amount)
    return round_minor(error)
