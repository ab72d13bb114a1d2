"""How much of a year a loan counts between any two days, so that books and schedule never part.

A schedule counts each row as a whole: under `30/360` and `equal-periods` a month is a
twelfth of a year whatever its days, and a day within it a part of that twelfth. Interest
that is posted between due dates must be counted the same way, or a payment on its due
date would differ from its row by cents. So a loan has a clock that stands at zero on the
day of the first disbursement, at the sum of the rows' parts on each due date, between them
where the schedule would place a change of that day, and that runs on by dates after the
last row. What lies between two days is the difference.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from coopbank.finance.daycount import year_fraction
from coopbank.finance.schedule import _BY_ACTUAL_DAYS, _Drawing
from coopbank.finance.terms import LoanTerms

__all__ = ["years_between"]


def years_between(terms: LoanTerms, start: dt.date, end: dt.date) -> Fraction:
    """The years that a loan of these terms counts from `start` up to `end`, zero or more, exactly.

    From one due date to the next it is exactly what the row is charged for. Raises
    `InvalidDate` when the end lies before the start, or the start before the loan's.
    """
    for one, other in ((terms.first_disbursed, start), (start, end)):
        year_fraction(one, other, "actual/365")  # refuses what lies before
    if terms.day_count in _BY_ACTUAL_DAYS:
        return year_fraction(start, end, terms.day_count)
    clock = _clock(terms)
    return clock.at(end) - clock.at(start)


@dataclass(frozen=True, slots=True)
class _Clock:
    drawing: _Drawing
    days: list[dt.date]  # the start and every due date
    reached: list[Fraction]  # the clock on each of them

    def at(self, day: dt.date) -> Fraction:
        row = bisect_right(self.days, day) - 1
        start = self.days[row]
        if row + 1 < len(self.days):
            return self.reached[row] + self.drawing._part(row, start, day)
        terms = self.drawing.terms
        return self.reached[row] + year_fraction(start, day, terms.day_count, terms.every.period)


@lru_cache(maxsize=4096)
def _clock(terms: LoanTerms) -> _Clock:
    drawing = _Drawing(terms)
    reached = [Fraction(0)]
    for part in drawing.years[: terms.rows]:  # with those that were added later
        reached.append(reached[-1] + Fraction(part, drawing.year_den))
    return _Clock(drawing, [drawing.start, *drawing.due[: terms.rows]], reached)
