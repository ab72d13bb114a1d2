"""Straight-line depreciation, and anything else that is spread evenly over months.

What has been written off after m of n months is total × m / n, exact, rounded once; a
month's part is the difference of two such totals. So the parts of all months add up to the
total to the cent, and the last month takes whatever the others left.

A month counts whole: the month in which a thing came into use is its first.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from coopbank.money import round_minor


def spread(total_minor: int, months: int, of_months: int) -> int:
    """How much of a total belongs to the first `months` of `of_months`; all of it once they are over."""
    if of_months < 1:
        raise ValueError("something is spread over one month at least")
    return round_minor(Fraction(total_minor * min(max(months, 0), of_months), of_months))


def months_through(start: date, last: date) -> int:
    """How many calendar months lie from that of `start` to that of `last`, both counted; 0 if it begins later."""
    return max(0, (last.year - start.year) * 12 + last.month - start.month + 1)
