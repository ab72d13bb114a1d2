"""The annual percentage rate: unit-periods found from dates, the equation, and what is refused."""

from __future__ import annotations

import datetime as dt
import time
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import coopbank.finance.apr as apr_module
from coopbank.errors import InvalidTerms
from coopbank.finance.apr import AprTerms, Flow, apr, nominal_rate, unit_period, unit_periods
from coopbank.finance.periods import Period, due_dates
from coopbank.finance.schedule import schedule
from coopbank.finance.terms import LoanTerms

DAY = dt.date(2026, 1, 31)


def at(day: dt.date | str, amount: str = "100.00") -> dict[str, str]:
    return {"date": str(day), "amount": amount}


@pytest.mark.parametrize(
    "period",
    [Period("days", 1), Period("days", 15), Period("weeks", 1), Period("weeks", 4), Period("months", 1),
     Period("months", 3), Period("months", 6), Period("years", 1)],
)  # fmt: skip
@pytest.mark.parametrize("start", [DAY, dt.date(2026, 2, 1), dt.date(2027, 2, 28), dt.date(2027, 8, 30)])
def test_the_unit_period_of_a_regular_series_is_its_interval(period: Period, start: dt.date) -> None:
    assert unit_period([start], due_dates(start, period, 9)) == period


def test_the_unit_period_where_no_interval_is_common() -> None:
    month = dt.date(2026, 1, 1)
    irregular = [dt.date(2026, 2, 3), dt.date(2026, 3, 1), dt.date(2026, 4, 6)]  # 33, 26 and 36 days: 31.67
    assert unit_period([month], irregular) == Period("months", 1)
    assert unit_period([month], [dt.date(2028, 1, 1), dt.date(2031, 1, 1)]) == Period("years", 1)
    # Two intervals of a week and two of a month: the smaller.
    mixed = [dt.date(2026, 1, 8), dt.date(2026, 1, 15), dt.date(2026, 2, 15), dt.date(2026, 3, 15)]
    assert unit_period([month], mixed) == Period("weeks", 1)


@pytest.mark.parametrize(
    ("paid_on", "unit"),
    [
        ("2026-02-21", Period("days", 42)),
        ("2026-07-10", Period("months", 6)),
        ("2027-01-10", Period("years", 1)),
        ("2031-05-02", Period("years", 1)),
    ],
)
def test_one_advance_and_one_payment_take_the_term(paid_on: str, unit: Period) -> None:
    assert unit_period([dt.date(2026, 1, 10)], [dt.date.fromisoformat(paid_on)]) == unit


def test_the_single_payment_examples_by_their_dates() -> None:
    """Appendix J (c)(5): 255 days, six months, a year and a half, two years."""
    for paid_on, amount, expected in [
        (dt.date(1978, 1, 3) + dt.timedelta(days=255), "1080.00", "11.45"),
        (dt.date(1978, 7, 3), "1044.00", "8.80"),
        (dt.date(1979, 7, 3), "1135.19", "8.76"),
        (dt.date(1980, 1, 3), "1240.00", "11.36"),
    ]:
        document = {"advances": [at("1978-01-03", "1000.00")], "payments": [at(paid_on, amount)]}
        assert round(Decimal(apr(document)["apr"]), 2) == Decimal(expected)


def test_a_single_regular_row_is_a_month_even_in_february() -> None:
    terms = {"disbursements": [at(DAY)], "annual_rate": "12", "installments": 1, "every": {"months": 1}}
    assert schedule(LoanTerms.read({**terms, "day_count": "30/360"})).apr == 12


@pytest.mark.parametrize("every", [{"months": 1}, {"weeks": 2}, {"days": 15}, {"months": 6}, {"years": 1}])
@pytest.mark.parametrize("rows", [1, 2, 30])
def test_the_rate_of_equal_periods_is_the_rate(every: dict[str, int], rows: int) -> None:
    document = {"disbursements": [at("2026-01-15", "9000000.00")], "annual_rate": "9.5", "installments": rows}
    rate = schedule(LoanTerms.read({**document, "every": every, "day_count": "equal-periods"})).apr
    # One payment after two weeks has a term of 14 days of 365; two weeks of 52 are a series.
    expected = Decimal("9.5") * 365 / 364 if rows == 1 and "weeks" in every else Decimal("9.5")
    assert abs(rate - expected) < Decimal("0.00001")


def test_fees_raise_the_rate_and_a_loan_without_charge_has_none() -> None:
    terms = {"disbursements": [at("2026-01-15")], "annual_rate": "0", "installments": 5, "every": {"months": 1}}
    assert schedule(LoanTerms.read(terms)).as_document()["apr"] == "0.000"
    assert schedule(LoanTerms.read({**terms, "fees": [{"flat": "1"}]})).apr > 19


def flows(amounts: list[int], fraction: Fraction) -> list[Flow]:
    return [Flow(amount, n, fraction) for n, amount in enumerate(amounts, 1)]


@given(
    st.lists(st.integers(0, 10**9), min_size=1, max_size=40),
    st.fractions(0, Fraction(29, 30), max_denominator=30),
    st.integers(0, 10**6),
)
def test_the_rate_makes_both_sides_equal(amounts: list[int], fraction: Fraction, ppm: int) -> None:
    """Lend what the payments are worth at a known rate: that rate comes back."""
    rate = Fraction(ppm, 10**6)
    paid = [flow for flow in flows(amounts, fraction) if flow.amount] or [Flow(1, 1)]
    worth = sum(flow.amount / ((1 + flow.fraction * rate) * (1 + rate) ** flow.periods) for flow in paid)
    lent = Decimal(worth.numerator) / worth.denominator
    found = nominal_rate([Flow(lent, 0)], paid, Fraction(1))
    assert abs(found - Decimal(ppm) / 10**4) < Decimal("1e-9")


@given(
    st.lists(st.integers(1, 10**9), min_size=1, max_size=30), st.fractions(0, Fraction(29, 30), max_denominator=30),
    st.integers(1, 10**6), st.sampled_from([1, 12, 26, 52]),
)  # fmt: skip
def test_the_rate_is_right_in_all_its_twelve_decimals(
    amounts: list[int], fraction: Fraction, ppm: int, per_year: int
) -> None:
    """Half of the last decimal below it the payments are worth too much, half above too little: by fractions."""
    payments = [Flow(amount, n, fraction if n else Fraction(1, 2)) for n, amount in enumerate(amounts)]
    lent = max(1, sum(amounts) * 1_000_000 // (1_000_000 + ppm))
    rate = nominal_rate([Flow(lent, 0)], payments, Fraction(per_year))
    slack = Fraction(51, 100 * 10**12)
    for percent, sign in ((Fraction(rate) - slack, 1), (Fraction(rate) + slack, -1)):
        if percent < 0:
            continue
        i = percent / 100 / per_year
        worth = sum(flow.amount / ((1 + flow.fraction * i) * (1 + i) ** flow.periods) for flow in payments)
        assert (worth - lent) * sign >= 0


@given(
    st.lists(st.tuples(st.integers(1, 400), st.integers(1, 10**6)), min_size=1, max_size=5), st.integers(1, 5 * 10**6),
    st.integers(1, 3),
)  # fmt: skip
def test_a_run_of_equal_payments_is_worth_what_each_of_them_is(runs: list[Any], ppm: int, gap: int) -> None:
    """As a geometric series and one by one: the same to the last of twelve decimals."""
    amounts = [amount for times, amount in runs for _ in range(times)]
    payments = [Flow(amount, gap * n) for n, amount in enumerate(amounts, 1)]
    lent = [Flow(max(1, sum(amounts) * 1_000_000 // (1_000_000 + ppm)), 0)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(apr_module, "_LONG_RUN", 10**9)
        one_by_one = nominal_rate(lent, payments, Fraction(12))
    assert nominal_rate(lent, payments, Fraction(12)) == one_by_one


@given(st.dates(dt.date(1950, 1, 1), dt.date(2100, 1, 1)), st.integers(0, 3000))
def test_time_never_runs_backwards(start: dt.date, days: int) -> None:
    end = start + dt.timedelta(days=days)
    for unit in (Period("days", 10), Period("weeks", 2), Period("semimonths"), Period("months"), Period("years")):
        whole, part = unit_periods(start, end, unit)
        assert whole >= 0
        assert 0 <= part <= Fraction(31, 15)
        assert abs((whole + part) / unit.per_year - Fraction(days, 365)) < Fraction(1, 20)


def test_several_advances_and_a_payment_between() -> None:
    document = {
        "advances": [at("2026-01-01", "1000.00"), at("2026-03-01", "1000.00")],
        "payments": [at("2026-02-01", "500.00"), at("2026-04-01", "800.00"), at("2026-05-01", "800.00")],
        "unit_period": {"months": 1},
    }
    rate = Decimal(apr(document)["apr"]) / 1200
    worth = 1000 + 1000 / (1 + rate) ** 2 - 500 / (1 + rate) - 800 / (1 + rate) ** 3 - 800 / (1 + rate) ** 4
    assert abs(worth) < Decimal("0.0001")


GOOD: dict[str, Any] = {"advances": [at("2026-01-10", "1000.00")], "payments": [at("2026-02-10", "1010.00")]}
COUNTED = {"amount": "5.00", "periods": 1, "fraction": "1/2"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"advances": []}, "advances"),
        ({"payments": []}, "payments"),
        ({"payments": [at("2026-02-10", "999.99")]}, "payments"),
        ({"payments": [at("2026-02-10", "0")]}, "payments.0.amount"),
        ({"payments": [at("2026-02-30")]}, "payments.0.date"),
        ({"payments": [{"amount": "5.00"}]}, "payments.0"),
        ({"payments": [{**COUNTED, "date": "2026-01-01"}]}, "payments.0"),
        ({"payments": [COUNTED]}, "payments.0"),
        ({"advances": [COUNTED], "payments": [COUNTED]}, "unit_period"),
        ({"payments": [{**COUNTED, "fraction": "3/2"}]}, "payments.0.fraction"),
        ({"payments": [{**COUNTED, "fraction": "1/0"}]}, "payments.0.fraction"),
        ({"payments": [{**COUNTED, "fraction": "-1/2"}]}, "payments.0.fraction"),
        ({"payments": [{**COUNTED, "fraction": 0.5}]}, "payments.0.fraction"),
        ({"payments": [{**COUNTED, "periods": -1}]}, "payments.0.periods"),
        ({"payments": [{**COUNTED, "periods": 10**9}]}, "payments.0.periods"),
        ({"payments": [at("2026-02-10")] * 5001}, "payments"),
        ({"unit_period": {}}, "unit_period"),
        ({"unit_period": {"months": 13}}, "unit_period.months"),
        ({"unit_period": {"months": 1, "weeks": 1}}, "unit_period"),
        ({"unit_period": {"moons": 1}}, "unit_period.moons"),
        ({"method": "us-rule"}, "method"),
        # All is paid on the day it is lent, and then some: no rate makes that equal.
        ({"payments": [at("2026-01-10", "1010.00")]}, "payments"),
    ],
)
def test_bad_flows_are_refused_with_their_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidTerms) as refusal:
        apr({**GOOD, **changes})
    assert refusal.value.field == field


def test_the_largest_documents_are_answered_in_time() -> None:
    began = time.process_time()
    many = [{"amount": "1.00", "periods": 20 * n, "fraction": f"{n % 29}/30"} for n in range(5000)]
    document = {
        "advances": [{"amount": "1000.00", "periods": 0}],
        "payments": many,
        "unit_period": {"days": 1},
    }
    assert Decimal(apr(document)["apr"]) > 0
    far = {"advances": [at("0001-01-01")], "payments": [at("9999-12-31", "10000.00")]}
    assert Decimal(apr(far)["apr"]) > 0
    steep = {"advances": [at("2026-01-01", "0.01")], "payments": [at("2026-01-02", "9999999.00")]}
    assert Decimal(apr(steep)["apr"]) > 10**10
    assert time.process_time() - began < 5


def test_a_flow_with_periods_needs_no_fraction() -> None:
    terms = AprTerms.read(
        {
            "advances": [{"amount": "100", "periods": 0}],
            "payments": [{"amount": "101", "periods": 1}],
            "unit_period": {"months": 1},
        }
    )
    assert terms.payments[0].fraction is None
    assert nominal_rate([Flow(100, 0)], [Flow(101, 1)], Fraction(12)) == 12
