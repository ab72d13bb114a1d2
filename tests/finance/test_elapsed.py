"""The clock of a loan: on its due dates it stands where the schedule has charged it to."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest

from coopbank.errors import InvalidDate
from coopbank.finance.daycount import DAY_COUNTS
from coopbank.finance.elapsed import years_between
from coopbank.finance.schedule import schedule
from coopbank.finance.terms import LoanTerms
from coopbank.money import round_minor

RATE = Decimal("9.9")
SEEDS: dict[str, dict[str, Any]] = {
    "a 31st": {"every": {"months": 1}},
    "odd first row": {"every": {"months": 1}, "first_due": "2027-04-15"},
    "two weeks": {"every": {"weeks": 2}},
    "quarters": {"every": {"months": 3}},
    "years": {"every": {"years": 1}, "installments": 5},
    "fifteen days": {"every": {"days": 15}},
}


def terms(day_count: str, **changes: Any) -> LoanTerms:
    document: dict[str, Any] = {
        "disbursements": [{"date": "2027-01-31", "amount": "123456.78"}], "annual_rate": str(RATE),
        "installments": 18, "day_count": day_count, **changes,
    }  # fmt: skip
    return LoanTerms.read(document)


@pytest.mark.parametrize("day_count", DAY_COUNTS)
@pytest.mark.parametrize("seed", SEEDS)
def test_from_due_date_to_due_date_it_counts_what_the_row_is_charged(day_count: str, seed: str) -> None:
    asked = terms(day_count, **SEEDS[seed])
    rows = schedule(asked).rows
    balance, since = 123_456_78, asked.first_disbursed
    for row in rows:
        years = years_between(asked, since, row.due)
        assert round_minor(balance * Fraction(RATE) / 100 * years) == row.interest
        balance, since = row.balance, row.due


@pytest.mark.parametrize("day_count", ["30/360", "equal-periods"])
@pytest.mark.parametrize("row", [1, 13, 25])  # the last two were added when the loan was extended
def test_a_day_within_a_row_has_its_share_of_the_row(day_count: str, row: int) -> None:
    extended = {"installments": 13, "changes": [{"on": "2027-06-15", "extra_installments": 15}]}
    asked = terms(day_count, **SEEDS["a 31st"], **extended)
    start, end = asked.due_dates()[row - 1 : row + 1]  # 28 February, 31 March
    assert start.month == 2
    whole = years_between(asked, start, end)
    assert whole == Fraction(1, 12)
    for days in range((end - start).days):
        day = start + timedelta(days=days)
        assert years_between(asked, start, day) == whole * Fraction(days, (end - start).days)


@pytest.mark.parametrize("day_count", [name for name in DAY_COUNTS if name != "actual/actual"])
def test_it_never_runs_backwards_and_adds_up(day_count: str) -> None:
    asked = terms(day_count, **SEEDS["odd first row"])
    days = [asked.first_disbursed + timedelta(days=n) for n in range(0, 700, 3)]  # beyond the last row
    parts = [years_between(asked, one, other) for one, other in pairwise(days)]
    assert min(parts) >= 0
    assert sum(parts) == years_between(asked, days[0], days[-1])


@pytest.mark.parametrize(("start", "end"), [("2027-03-01", "2027-02-28"), ("2027-01-30", "2027-02-28")])
@pytest.mark.parametrize("day_count", ["30/360", "actual/365"])
def test_days_that_are_none_of_the_loan(day_count: str, start: str, end: str) -> None:
    with pytest.raises(InvalidDate):
        years_between(terms(day_count, every={"months": 1}), *map(date.fromisoformat, (start, end)))
