"""Repayment by season: rows in the months of harvest, charged for the time that they really have."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.errors import InvalidTerms
from coopbank.finance.daycount import DAY_COUNTS
from coopbank.finance.elapsed import years_between
from coopbank.finance.schedule import schedule
from coopbank.finance.seasonal import SeasonalTerms, read_terms
from coopbank.finance.terms import LoanTerms
from coopbank.money import round_minor

FARM: dict[str, Any] = {
    "disbursements": [{"date": "2026-03-15", "amount": "9000.00"}],
    "annual_rate": "6", "installments": 6, "months": [9, 10, 11],
}  # fmt: skip


def test_a_farm_pays_in_the_months_of_harvest() -> None:
    drawn = schedule(SeasonalTerms.read(FARM))
    assert [row.due.isoformat() for row in drawn.rows] == [
        "2026-09-15", "2026-10-15", "2026-11-15", "2027-09-15", "2027-10-15", "2027-11-15",
    ]  # fmt: skip
    assert drawn.rows[0].interest == round_minor(Fraction(900_000 * 6 * 184, 36_500))
    assert len({row.payment for row in drawn.rows[:-1]}) == 1
    assert SeasonalTerms.read(drawn.terms.as_document()) == drawn.terms


def test_the_first_row_says_the_day_of_all() -> None:
    drawn = schedule(SeasonalTerms.read({**FARM, "first_due": "2026-10-05"}))
    assert [row.due.isoformat() for row in drawn.rows] == [
        "2026-10-05", "2026-11-05", "2027-09-05", "2027-10-05", "2027-11-05", "2028-09-05",
    ]  # fmt: skip


@given(
    st.dates(dt.date(2000, 1, 1), dt.date(2060, 1, 1)), st.sets(st.integers(1, 12), min_size=1), st.integers(1, 30),
    st.sampled_from(DAY_COUNTS), st.sampled_from(["level", "equal-principal", "flat"]),
)  # fmt: skip
def test_seasonal_rows_fall_in_their_months_and_end_at_zero(
    start: dt.date, months: set[int], rows: int, day_count: str, method: str
) -> None:
    document = {
        **FARM, "disbursements": [{"date": start.isoformat(), "amount": "5000.00"}], "months": sorted(months),
        "installments": rows, "day_count": day_count, "method": method,
    }  # fmt: skip
    terms = SeasonalTerms.read(document)
    drawn = schedule(terms)
    assert {row.due.month for row in drawn.rows} <= months
    assert drawn.rows[0].due > start and sum(row.principal for row in drawn.rows) == 500_000
    assert drawn.rows[-1].balance == 0 and sum(terms.row_periods()) <= 12 * rows
    # The clock of the loan agrees with its rows.
    first = years_between(terms, start, drawn.rows[0].due)
    if method != "flat":
        assert drawn.rows[0].interest == round_minor(500_000 * Fraction(6, 100) * first)
    if day_count in ("30/360", "equal-periods"):
        assert first == Fraction(terms.row_periods()[0], 12)
    if len(months) == 12:
        every_month = {name: value for name, value in document.items() if name != "months"}
        assert drawn.rows == schedule(LoanTerms.read({**every_month, "every": {"months": 1}})).rows


def test_the_rate_of_a_seasonal_loan_is_about_that_of_its_terms() -> None:
    assert abs(schedule(SeasonalTerms.read({**FARM, "day_count": "equal-periods"})).apr - 6) < Decimal("0.1")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"months": []}, "months"),
        ({"months": [13]}, "months.0"),
        ({"months": [9, 9]}, "months"),
        ({"every": {"weeks": 2}}, "every"),
        ({"month_end": "roll"}, "month_end"),
        ({"first_due": "2026-08-15"}, "first_due"),
        ({"first_due": "2025-09-15"}, "first_due"),
        ({"disbursements": [{"date": "9999-01-01", "amount": "1"}]}, "installments"),
    ],
)
def test_seasons_that_cannot_be_are_refused_by_name(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidTerms) as refusal:
        SeasonalTerms.read({**FARM, **changes})
    assert refusal.value.field == field


def test_a_document_with_months_is_of_a_seasonal_loan() -> None:
    seasonal, plain = read_terms(json.dumps(FARM)), {**FARM, "every": {"months": 1}}
    assert seasonal == SeasonalTerms.read(FARM) and read_terms(seasonal.as_document()) == seasonal
    del plain["months"]
    assert type(read_terms(plain)) is LoanTerms
    for text in ("[]", "7", '{"months": [9], "months": [10]}', "{"):
        with pytest.raises(InvalidTerms) as refusal:
            read_terms(text)
        assert refusal.value.field in ("document", "months")
