"""Figures that others published: Fineract's schedules and due dates, ISDA's day counts, Regulation Z and DD.

The files of tests/conformance say where each figure comes from. What the product
does not offer (ISDA 4.16(f) and (h), ICMA, the spreadsheets' bases 0 and 1, the EU's
APRC) is counted here, so that nothing is left out unnoticed.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from coopbank.finance.apr import apr, dated_flows, nominal_rate, unit_periods
from coopbank.finance.apy import (
    apy,
    apy_earned,
    average_daily_balance,
    composite_rate,
    compound_interest,
    tiered_interest,
)
from coopbank.finance.daycount import days_30e, days_30us, year_fraction
from coopbank.finance.interest import interest_ratio
from coopbank.finance.periods import Period, due_dates
from coopbank.finance.schedule import present_value_ratio, schedule
from coopbank.finance.terms import LoanTerms
from coopbank.money import format_amount, parse_amount, round_minor

LEVEL = {"disbursements": [{"date": "2024-01-01", "amount": "1"}], "every": {"months": 1}, "day_count": "equal-periods"}

FOLDER = Path(__file__).parent.parent / "conformance"


HELD = {"schedules": 43, "due_dates": 6, "day_counts": 195, "apr": 27, "apy": 32, "time_value": 172}
"""How many cases each file holds. All are exercised below, but for those counted in NOT_OFFERED and NO_LOAN."""
ROWS_PUBLISHED, WHOLE_SCHEDULES = 291, 41
"""Of B07 and B10 the source prints some rows only."""


def cases(name: str) -> list[Any]:
    document = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return [pytest.param(case, id=case["id"]) for case in document["cases"]]


def close(actual: Decimal | Fraction, case: dict[str, Any]) -> bool:
    return abs(Fraction(actual) - Fraction(case["expected"])) <= Fraction(case["tolerance"])


def test_no_case_is_lost() -> None:
    for name, count in HELD.items():
        ids = [param.id for param in cases(name)]
        assert len(ids) == len(set(ids)) == count, name
    assert sum("dated_input" in param.values[0] for param in cases("apr")) == 17
    assert sum(len(param.values[0]["expected"]) for param in cases("schedules")) == ROWS_PUBLISHED
    assert sum(param.values[0]["complete"] for param in cases("schedules")) == WHOLE_SCHEDULES


@pytest.mark.parametrize("case", cases("schedules"))
def test_schedules_to_the_cent(case: dict[str, Any]) -> None:
    rows = {row["n"]: row for row in schedule(LoanTerms.read(case["terms"])).as_document()["installments"]}
    for expected in case["expected"]:
        assert {name: rows[expected["n"]][name] for name in expected} == expected
    if case["complete"]:
        assert len(rows) == len(case["expected"])


@pytest.mark.parametrize("case", cases("due_dates"))
def test_due_dates(case: dict[str, Any]) -> None:
    expected = [date.fromisoformat(day) for day in case["expected_due_dates"]]
    period = Period(case["period_unit"], case["repay_every"])
    month_end = "roll" if "rolls" in case["rule"] else "clamp"
    if "disbursed" in case:
        assert due_dates(date.fromisoformat(case["disbursed"]), period, len(expected), month_end=month_end) == expected
    else:
        first, before = date.fromisoformat(case["first_due"]), date(2022, 12, 1)
        assert due_dates(before, period, len(expected), first_due=first, month_end=month_end) == expected


OFFERED = {
    "30/360 US (with end-of-February rules)": "30us/360",
    "30E/360 Eurobond (ISDA 4.16(g))": "30e/360",
    "Actual/Actual ISDA": "actual/actual",
    "Actual/360": "actual/360",
    "Actual/365F": "actual/365",
    "Excel YEARFRAC basis 2": "actual/360",
    "Excel YEARFRAC basis 3": "actual/365",
    "Excel YEARFRAC basis 4": "30e/360",
}
NOT_OFFERED = {
    "30/360 Bond Basis (ISDA 4.16(f))": 22,
    "30E/360 ISDA (4.16(h))": 22,
    "Actual/Actual ICMA": 7,
    "Excel YEARFRAC basis 0": 7,
    "Excel YEARFRAC basis 1": 6,
    "EU Annex I remark (c), months": 11,
    "EU Annex I remark (c), years": 1,
}
UNITS = {"month": "months", "semimonth": "semimonths", "week": "weeks", "year": "years"}


@pytest.mark.parametrize(
    "case", [c for c in cases("day_counts") if c.values[0]["inputs"]["convention"] not in NOT_OFFERED]
)
def test_day_counts(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    convention = inputs["convention"]
    start, end = date.fromisoformat(inputs["start"]), date.fromisoformat(inputs["end"])
    if convention == "Reg Z Appendix J (b)(5)":
        *count, unit = inputs["unit_period"].split()
        period = Period(UNITS[unit], int(count[0]) if count else 1)
        whole, part = unit_periods(start, end, period, inputs.get("series_due_day"))
        assert f"{whole},{part}" == case["expected"]
    elif inputs["measure"] == "days":
        counted = {"30us/360": days_30us, "30e/360": days_30e}.get(OFFERED.get(convention, ""))
        assert (counted(start, end) if counted else (end - start).days) == int(case["expected"])
    else:
        assert close(year_fraction(start, end, OFFERED[convention]), case)


def test_only_the_named_day_counts_are_left_out() -> None:
    names = [param.values[0]["inputs"]["convention"] for param in cases("day_counts")]
    left_out = {name: names.count(name) for name in names if name in NOT_OFFERED}
    assert left_out == NOT_OFFERED
    assert set(names) - set(NOT_OFFERED) - set(OFFERED) == {"Reg Z Appendix J (b)(5)", "Actual"}


@pytest.mark.parametrize("case", cases("apr"))
def test_annual_percentage_rates(case: dict[str, Any]) -> None:
    assert close(Decimal(apr(case["input"])["apr"]), case)
    dated = case.get("dated_input")
    if dated:
        assert close(Decimal(apr(dated)["apr"]), case)
        # The unit-period is found from the dates as well.
        assert close(Decimal(apr({**dated, "unit_period": None})["apr"]), case)


def test_a_series_of_half_months_keeps_the_fraction_of_its_first_payment() -> None:
    """Appendix J (c)(1)(iii) by its dates: 23 February, then the 1st and the 16th."""
    days = [date(1978 + (2 + k // 2) // 12, (2 + k // 2) % 12 + 1, 16 if k % 2 else 1) for k in range(24)]
    flows = dated_flows([(date(1978, 2, 23), 500000)], [(day, 21917) for day in days])
    assert round(nominal_rate(*flows), 2) == Decimal("10.34")


@pytest.mark.parametrize("case", cases("apy"))
def test_yields_of_savings(case: dict[str, Any]) -> None:
    assert close(YIELDS[case["inputs"]["method"]](case["inputs"]), case)


def minor(text: str) -> int:
    return parse_amount(text)


def major(amount: int) -> Decimal:
    return Decimal(format_amount(amount))


def legs(pairs: list[list[Any]]) -> list[tuple[int, int]]:
    return [(minor(balance), days) for balance, days in pairs]


YIELDS = {
    "general": lambda i: apy(minor(i["interest"]), minor(i["principal"]), i["days"]),
    "special": lambda i: apy_earned(minor(i["interest"]), minor(i["balance"]), i["days"], i["compounding_days"]),
    "average_daily_balance": lambda i: average_daily_balance(legs(i["legs"])) / 100,
    "composite_rate": lambda i: composite_rate([(Decimal(rate), days) for rate, days in i["legs"]]),
    "daily_compounding_interest": lambda i: major(
        compound_interest(
            minor(i["principal"]),
            [(Decimal(leg["rate_percent"]), leg["days"]) for leg in i["legs"]],
            credit_each_step=i["round_to_cent_after_each_leg"],
        )
    ),
    "tiered_marginal_daily": lambda i: major(
        tiered_interest(
            minor(i["balance"]),
            [(Decimal(rate), limit and minor(limit)) for rate, limit in i["tiers"]],
            i["days"],
        )
    ),
    "simple_interest": lambda i: major(
        round_minor(Fraction(minor(i["balance"]) * i["days"], i["year_days"]) * Fraction(i["rate_percent"]) / 100)
    ),
    "round_interest_before_apy_earned": lambda i: major(round_minor(Decimal(i["interest"]) * 100)),
}


def time_value(function: str) -> list[Any]:
    return [param for param in cases("time_value") if param.values[0]["inputs"].get("function") == function]


def is_asked(inputs: dict[str, Any]) -> bool:
    """Whether a loan can be asked for it: payments at the end of a period, none given, nothing left to pay."""
    if inputs["function"] == "PMT" and {"fv", "type"} & set(inputs):
        return False
    given = any("nper" not in leg for leg in inputs.get("chain", []))
    return inputs.get("type", "0") == "0" and not given and not inputs.get("add_one_payment")


def asked(function: str) -> list[Any]:
    return [param for param in time_value(function) if is_asked(param.values[0]["inputs"])]


def ratio(text: str) -> Fraction:
    numerator, _, denominator = text.partition("/")
    return Fraction(numerator) / Fraction(denominator or 1)


@pytest.mark.parametrize("case", asked("PMT"))
def test_the_level_payment_is_the_annuity_when_all_factors_are_equal(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    rate, owed = ratio(inputs["rate"]), Fraction(inputs["pv"])
    product, divisor = present_value_ratio([rate.numerator] * (int(inputs["nper"]) - 1), rate.denominator)
    payment = owed * (1 + rate) * product / divisor
    assert close(-payment, case)


@pytest.mark.parametrize("case", asked("REAMORTIZE_PMT"))
def test_a_new_rate_levels_anew(case: dict[str, Any]) -> None:
    """The regulator's variable-rate examples, as terms with changes of the rate."""
    inputs = case["inputs"]
    chain = inputs["chain"]
    start, changes, paid = date(2024, 1, 1), [], 0
    for leg, rate in zip(chain, [leg["rate"] for leg in chain[1:]] + [inputs["rate"]], strict=True):
        paid += leg["paid"]
        on = due_dates(start, Period("months"), paid)[-1]
        changes.append({"on": on.isoformat(), "annual_rate": str(100 * Decimal(rate.removesuffix("/12")))})
    terms = LoanTerms.read(
        {
            "disbursements": [{"date": start.isoformat(), "amount": inputs["pv"]}],
            "annual_rate": str(100 * Decimal(chain[0]["rate"].removesuffix("/12"))),
            "installments": chain[0]["nper"],
            "every": {"months": 1},
            "day_count": "30/360",
            "changes": changes,
        }
    )
    payment = schedule(terms).rows[paid].payment
    assert abs(major(-payment) - Decimal(case["expected"])) <= max(Decimal(case["tolerance"]), Decimal("0.01"))


def a_level_loan(inputs: dict[str, Any]) -> list[Any]:
    """The rows of a level loan by its spreadsheet arguments, a period taken as a month."""
    percent = 1200 * ratio(inputs["rate"])
    terms = {
        **LEVEL, "disbursements": [{"date": "2024-01-01", "amount": inputs["pv"]}],
        "annual_rate": str(round(Decimal(percent.numerator) / percent.denominator, 10)),
        "installments": int(inputs["nper"]),
    }  # fmt: skip
    return list(schedule(LoanTerms.read(terms)).rows)


PARTS = {"IPMT": "interest", "CUMIPMT": "interest", "PPMT": "principal", "CUMPRINC": "principal"}


@pytest.mark.parametrize("case", [case for name in PARTS for case in asked(name)])
def test_what_a_spreadsheet_says_of_rows(case: dict[str, Any]) -> None:
    """Within the cents that a spreadsheet does not round: half a cent a row."""
    inputs = case["inputs"]
    first, last = (int(inputs.get(name) or inputs["per"]) for name in ("start", "end"))
    rows = a_level_loan(inputs)[first - 1 : last]
    found = -sum(getattr(row, PARTS[inputs["function"]]) for row in rows)
    cents = Fraction(len(rows), 2) + first
    assert abs(found - 100 * Fraction(case["expected"])) <= cents


@pytest.mark.parametrize("case", time_value("AMORTIZATION_TABLE"))
def test_a_published_table_of_rounded_figures(case: dict[str, Any]) -> None:
    rows = a_level_loan(case["inputs"])
    for row, printed in zip(rows, case["inputs"]["rows"], strict=True):
        expected = [int(Fraction(text) * 100) for text in printed]
        for ours, theirs in zip((-row.principal, -row.interest, row.balance), expected, strict=True):
            assert abs(ours - theirs) <= 2 + row.n // 2


@pytest.mark.parametrize("case", time_value("SIMPLE_INTEREST"))
def test_simple_interest_of_odd_days(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    start = date(2026, 1, 1)
    exact = interest_ratio(
        minor(inputs["principal"]), 100 * Decimal(inputs["rate"]), start, start + timedelta(days=int(inputs["days"])),
        "actual/360",
    )  # fmt: skip
    assert inputs["basis"] == "360" and close(Fraction(*exact) / 100, case)


@pytest.mark.parametrize("case", asked("SCHEDULE_BALANCE"))
def test_a_balance_after_changes_of_the_rate(case: dict[str, Any]) -> None:
    chain = case["inputs"]["chain"]
    paid, changes, start = 0, [], date(2024, 1, 1)
    for leg, following in pairwise(chain):
        paid += leg["paid"]
        on = due_dates(start, Period("months"), paid)[-1]
        changes.append({"on": on.isoformat(), "annual_rate": str(1200 * Decimal(following["rate"][:-3]) / 12)})
    terms = {
        **LEVEL, "disbursements": [{"date": start.isoformat(), "amount": case["inputs"]["pv"]}],
        "annual_rate": str(100 * Decimal(chain[0]["rate"][:-3])), "installments": chain[0]["nper"], "changes": changes,
    }  # fmt: skip
    paid += chain[-1]["paid"]
    assert abs(major(schedule(LoanTerms.read(terms)).rows[paid - 1].balance) - Decimal(case["expected"])) <= 1


NO_LOAN = {
    # Rates of return of investments, with signs that change and roots below zero: no product answers these.
    "xirr": 21, "irr": 9, "RATE": 3, "NPER": 7, "FV": 6, "PV": 1, "EFFECT": 2, "NOMINAL": 2, "compound": 1,
    # Factors by themselves, and steps of a single multiplication that the text takes by hand.
    "DISCOUNT_FACTOR": 4, "ANNUITY_FACTOR": 4, "PAYMENT_CAP": 7, "finance_charge": 3,
    "appendix_d_estimated_interest": 1, "BALANCE": 2,
}  # fmt: skip
"""Figures of time_value.json that no loan of this product has, by function."""
PARTLY = {"PMT": 3, "REAMORTIZE_PMT": 1, "IPMT": 3, "PPMT": 2, "CUMIPMT": 2, "CUMPRINC": 1, "SCHEDULE_BALANCE": 5}
"""Of these functions: payments at the beginning of a period, future values, payments that are given."""


def test_only_the_named_figures_are_left_out() -> None:
    inputs = [param.values[0]["inputs"] for param in cases("time_value")]
    kinds = [each.get("function") or each["method"] for each in inputs]
    assert {name: kinds.count(name) for name in NO_LOAN} == NO_LOAN
    assert set(kinds) == {*NO_LOAN, *PARTLY, "AMORTIZATION_TABLE", "SIMPLE_INTEREST"}
    left_out = [kind for kind, each in zip(kinds, inputs, strict=True) if kind in PARTLY and not is_asked(each)]
    assert {name: left_out.count(name) for name in PARTLY} == PARTLY
