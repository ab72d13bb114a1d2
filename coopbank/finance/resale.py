"""What a leaseholder may sell a building for on the land trust's ground, by the usual formula of shared appreciation.

    price paid + improvements at cost + the leaseholder's share of what the building rose beyond both

A building that is worth less than was paid for it is sold for what it is worth. Minor units in, minor units out; the
share is an exact decimal, and the leaseholder's part is rounded once, half to even.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from coopbank.money import round_minor


@dataclass(frozen=True, slots=True)
class Resale:
    """The calculation, step by step; minor units."""

    price: int
    improvements: int
    value: int
    rise: int  # of the value beyond price and improvements, not below zero
    share: int  # of the rise that is the leaseholder's
    resale_price: int


def resale(price: int, improvements: int, value: int, share_percent: Decimal) -> Resale:
    """The resale price at an appraised value; all not below zero, the share from 0 to 100."""
    assert price >= 0 and improvements >= 0 and value >= 0 and 0 <= share_percent <= 100
    cost = price + improvements
    rise = max(0, value - cost)
    share = round_minor(Fraction(share_percent) * rise / 100)
    return Resale(price, improvements, value, rise, share, min(cost, value) + share)
