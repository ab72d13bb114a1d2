"""The Truth in Lending box: its identity, its rate, its payment schedule."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.errors import InvalidAmount
from coopbank.finance.disclosure import disclosure
from coopbank.finance.schedule import schedule
from coopbank.finance.terms import LoanTerms

BASE: dict[str, Any] = {
    "disbursements": [{"date": "2026-01-15", "amount": "5000.00"}],
    "annual_rate": "9.69",
    "installments": 24,
    "every": {"months": 1},
    "day_count": "30/360",
}


@given(
    st.integers(0, 10_000),
    st.sampled_from([None, "10", "25"]),
    st.sampled_from([[], [{"flat": "2.50"}]]),
    st.sampled_from(["level", "flat", "equal-principal"]),
)
def test_total_of_payments_is_amount_financed_and_finance_charge(
    prepaid: int, down: str | None, fees: list[dict[str, str]], method: str
) -> None:
    terms = LoanTerms.read({**BASE, "down_payment_percent": down, "fees": fees, "method": method})
    box = disclosure(schedule(terms), prepaid_minor=prepaid)
    assert box.total_of_payments == box.amount_financed + box.finance_charge
    assert sum(run.count * run.amount for run in box.payments) == box.total_of_payments


def test_the_box_of_the_first_example_of_appendix_j() -> None:
    document = disclosure(schedule(LoanTerms.read(BASE))).as_document()
    assert document["apr"] == "9.69"
    assert document["amount_financed"] == "5000.00"
    assert [run["count"] for run in document["payments"]] == [23, 1]
    assert document["payments"][0]["first_due"] == "2026-02-15"


def test_a_prepaid_charge_raises_the_rate_and_lowers_the_amount_financed() -> None:
    plain = disclosure(schedule(LoanTerms.read(BASE)))
    dearer = disclosure(schedule(LoanTerms.read(BASE)), prepaid_minor=10_000)
    assert dearer.amount_financed == 490_000
    assert dearer.apr > plain.apr + Decimal("1.9")
    assert dearer.total_of_payments == plain.total_of_payments


@pytest.mark.parametrize("prepaid", [-1, 500_000, 10**12])
def test_impossible_prepaid_charges_are_refused(prepaid: int) -> None:
    with pytest.raises(InvalidAmount) as refusal:
        disclosure(schedule(LoanTerms.read(BASE)), prepaid_minor=prepaid)
    assert refusal.value.field == "prepaid"
