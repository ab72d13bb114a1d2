"""What must hold for every schedule: nothing lost, nothing negative, one rounding, no float."""

from __future__ import annotations

import ast
import datetime as dt
import json
import time
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import coopbank.finance
import coopbank.money
from coopbank.errors import InvalidTerms
from coopbank.finance.apr import apr
from coopbank.finance.daycount import DAY_COUNTS, year_fraction
from coopbank.finance.periods import adjust
from coopbank.finance.schedule import Schedule, _Drawing, schedule
from coopbank.finance.terms import LoanTerms
from coopbank.money import format_amount, round_minor

BASE: dict[str, Any] = {
    "disbursements": [{"date": "2026-01-15", "amount": "12000.00"}],
    "annual_rate": "7.25",
    "installments": 24,
    "every": {"months": 1},
    "method": "level",
    "day_count": "actual/365",
}


def drawn(**changes: Any) -> Schedule:
    return schedule(LoanTerms.read({**BASE, **changes}))


DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2080, 12, 31))
RATES = st.integers(0, 60_000).map(lambda thousandths: str(Decimal(thousandths).scaleb(-3)))
EVERY = st.one_of(
    st.integers(1, 12).map(lambda n: {"months": n}),
    st.integers(1, 26).map(lambda n: {"weeks": n}),
    st.integers(1, 45).map(lambda n: {"days": n}),
    st.just({"years": 1}),
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Terms of every kind that can be written; few of them would be wise."""
    rows = draw(st.integers(1, 40))
    method = draw(st.sampled_from(["level", "equal-principal", "flat"]))
    start = draw(DAYS)
    amount = draw(st.integers(1, 10**12))
    document: dict[str, Any] = {
        "disbursements": [{"date": start.isoformat(), "amount": format_amount(amount)}],
        "annual_rate": draw(RATES),
        "installments": rows,
        "every": draw(EVERY),
        "method": method,
        "day_count": draw(st.sampled_from(DAY_COUNTS)),
        "month_end": draw(st.sampled_from(["clamp", "roll"])),
        "rounding": draw(st.sampled_from(["half-even", "half-up"])),
        "principal_grace": draw(st.integers(0, rows - 1)),
        "interest_postponed": draw(st.integers(0, rows - 1)),
        "interest_free": draw(st.integers(0, rows)),
    }
    if method == "level":
        document["residue"] = draw(st.sampled_from(["last", "even"]))
    if draw(st.booleans()):
        document["first_due"] = (start + dt.timedelta(days=draw(st.integers(1, 100)))).isoformat()
    if draw(st.booleans()):
        document["down_payment_percent"] = draw(st.sampled_from(["0.5", "10", "33.333", "99"]))
    if draw(st.booleans()):
        document["fees"] = [{"flat": "1.25"}, {"percent": "1.5", "of": "principal+interest"}]
    return document


@st.composite
def eventful(draw: st.DrawFn) -> dict[str, Any]:
    """The same with tranches and changes, on due dates and between."""
    document = draw(documents())
    document["installments"] += 2
    due = LoanTerms.read(document).due_dates()
    start = dt.date.fromisoformat(document["disbursements"][0]["date"])
    inside = st.dates(start, due[-1] - dt.timedelta(days=1)) | st.sampled_from([start, *due[:-1]])
    for day in draw(st.lists(inside, max_size=3)):
        amount = format_amount(draw(st.integers(1, 10**9)))
        document["disbursements"].append({"date": day.isoformat(), "amount": amount})
    changes = [{"on": day.isoformat(), "annual_rate": draw(RATES)} for day in draw(st.sets(inside, max_size=2))]
    extra = [{"on": day.isoformat(), "extra_installments": 2} for day in draw(st.sets(inside, max_size=1))]
    document["changes"] = draw(st.permutations(changes + extra))
    return document


@st.composite
def vast(draw: st.DrawFn) -> dict[str, Any]:
    """Amounts near the largest at high rates, where a binary float has no cents left."""
    document = draw(st.one_of(documents(), eventful()))
    document["annual_rate"] = f"{draw(st.integers(20, 400))}.{draw(st.integers(0, 999)):03d}"
    document["every"] = draw(st.sampled_from([{"years": 1}, {"months": 7}, {"weeks": 26}, {"days": 211}]))
    document.update(interest_free=0, interest_postponed=0, principal_grace=0, installments=draw(st.integers(8, 40)))
    document.pop("first_due", None)
    first = document["disbursements"][0]["date"]
    last = (dt.date.fromisoformat(first) + dt.timedelta(days=180) * document["installments"]).isoformat()
    later = [each for each in document["disbursements"] if first < each["date"] < last]
    document["disbursements"] = [{"date": first, "amount": ""}, *later]
    document["changes"] = [each for each in document.get("changes", []) if each["on"] < last]
    for each in document["disbursements"]:
        each["amount"] = format_amount(draw(st.integers(9 * 10**14, 10**15)))
    return document


def check(result: Schedule) -> None:
    lent = sum(result.terms.minor(each.amount, "amount") for each in result.terms.disbursements)
    assert sum(row.principal for row in result.rows) == lent
    assert result.rows[-1].balance == 0
    assert result.totals.payment == sum(result.totals[:3])
    for row in result.rows:
        assert row.payment == row.principal + row.interest + row.fees
        assert all(type(value) is int and value >= 0 for value in (row.n, row.days, *row[3:]))
    assert [row.n for row in result.rows] == list(range(1, len(result.rows) + 1))
    assert all(one.due < other.due for one, other in zip(result.rows, result.rows[1:], strict=False))
    assert sum(row.days for row in result.rows) == (result.rows[-1].due - result.terms.first_disbursed).days


@given(documents())
def test_principal_adds_up_and_the_balance_ends_at_zero(document: dict[str, Any]) -> None:
    check(drawn(**document))


@given(eventful())
def test_so_it_does_with_tranches_new_rates_and_extra_rows(document: dict[str, Any]) -> None:
    result = drawn(**document)
    check(result)
    # The order in which events are written down says nothing.
    turned = {
        **document,
        "disbursements": document["disbursements"][::-1],
        "changes": document["changes"][::-1],
    }
    assert drawn(**turned).rows == result.rows


@given(documents())
def test_a_rows_interest_is_the_exact_sum_rounded_once(document: dict[str, Any]) -> None:
    document["interest_postponed"] = 0
    if document["method"] == "flat":
        document["method"] = "level"
    if document["day_count"] in ("30/360", "equal-periods"):
        document["day_count"] = "actual/actual"
    result = drawn(**document)
    rate = Fraction(document["annual_rate"]) / 100
    rows = [row for row in result.rows if row.days]
    balance = sum(row.principal for row in rows)
    start = result.terms.first_disbursed
    for index, row in enumerate(rows):
        part = year_fraction(start, row.due, document["day_count"]) if index >= document["interest_free"] else 0
        assert row.interest == round_minor(balance * rate * part, document["rounding"])
        balance, start = row.balance, row.due


@given(documents())
def test_flat_interest_is_one_sum_rounded_once(document: dict[str, Any]) -> None:
    document.update(method="flat", interest_free=0, day_count="actual/365", residue="last")
    result = drawn(**document)
    lent = sum(row.principal for row in result.rows if row.days)
    days = (result.rows[-1].due - result.terms.first_disbursed).days
    whole = Fraction(lent * days, 365) * Fraction(document["annual_rate"]) / 100
    assert result.totals.interest == round_minor(whole, document["rounding"])


@given(documents(), st.data())
def test_a_change_to_the_same_rate_changes_no_interest(document: dict[str, Any], data: st.DataObject) -> None:
    document.update(method="equal-principal", residue="last")
    document["installments"] += 1
    plain = drawn(**document)
    inside = st.dates(plain.terms.first_disbursed, plain.rows[-1].due - dt.timedelta(days=1))
    change = {"on": data.draw(inside).isoformat(), "annual_rate": document["annual_rate"]}
    assert drawn(**document, changes=[change]).rows == plain.rows


@given(documents())
def test_all_level_payments_but_the_last_are_level(document: dict[str, Any]) -> None:
    document.update(method="level", interest_postponed=0, fees=[], interest_free=0, residue="last")
    document.pop("down_payment_percent", None)
    rows = drawn(**document).rows[document["principal_grace"] :]
    # A row pays more than its level payment only where its interest alone is more, and less only at the end.
    regular = [row.payment for row in rows[:-1] if row.principal and row.balance]
    assert len(set(regular)) <= 1
    if regular and len(regular) == len(rows) - 1 and "first_due" not in document:
        assert regular[0] == round_minor(present_value(rows, document), document["rounding"])


def present_value(rows: tuple[Any, ...], document: dict[str, Any]) -> Fraction:
    """The level payment by adding up discounted payments of one, the other way round."""
    terms = LoanTerms.read(document)
    starts = [terms.first_disbursed, *terms.due_dates()]
    first = terms.principal_grace
    worth, discount = Fraction(0), Fraction(1)
    for start, due in zip(starts[first:], starts[first + 1 :], strict=False):
        part = year_fraction(start, due, document["day_count"], terms.every.period)
        if document["day_count"] in ("30/360", "equal-periods"):
            part = 1 / terms.every.period.per_year if terms.every.period.unit in ("months", "years") else part
        discount /= 1 + part * Fraction(document["annual_rate"]) / 100
        worth += discount
    return sum(row.principal for row in rows) / worth


@given(st.one_of(documents(), eventful()))
def test_rows_drawn_in_one_go_are_those_drawn_one_by_one(document: dict[str, Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Drawing, "in_one_go", False)
        one_by_one = drawn(**document)
    assert drawn(**document).rows == one_by_one.rows


def test_a_tie_is_a_tie_whatever_a_float_would_make_of_it() -> None:
    # 0.005 and 2.675 are no ties as binary floats; here they are.
    tie = {"annual_rate": "1", "installments": 1, "every": {"years": 1}, "day_count": "30/360"}
    one = [{"date": "2026-01-01", "amount": "267.50"}]
    assert drawn(**tie, disbursements=one).rows[0].interest == 268
    assert (
        drawn(**{**tie, "annual_rate": "0.9"}, disbursements=[{"date": "2026-01-01", "amount": "5.00"}])
        .rows[0]
        .interest
        == 4
    )
    assert drawn(**tie, disbursements=[{"date": "2026-01-01", "amount": "0.50"}]).rows[0].interest == 0
    assert (
        drawn(**tie, rounding="half-up", disbursements=[{"date": "2026-01-01", "amount": "0.50"}]).rows[0].interest == 1
    )
    assert drawn(**tie, disbursements=[{"date": "2026-01-01", "amount": "1.50"}]).rows[0].interest == 2


@pytest.mark.parametrize(("rounding", "cents"), [("half-even", 3110), ("half-up", 3111)])
def test_a_tie_of_two_parts_of_a_row_is_a_tie(rounding: str, cents: int) -> None:
    """At 36.5 % a day bears a thousandth: 10 days of 1,000.00 and 21 of 1,005.00 are 3,110.5 cents."""
    for day_count, rate in (("actual/365", "36.5"), ("actual/360", "36"), ("actual/364", "36.4")):
        tranches = [{"date": "2026-01-01", "amount": "1000.00"}, {"date": "2026-01-11", "amount": "5.00"}]
        result = drawn(disbursements=tranches, annual_rate=rate, day_count=day_count, rounding=rounding)
        assert result.rows[0].interest == cents


@pytest.mark.parametrize("first", [days for days in range(1, 31) if (31 - days) % 8])
def test_ties_at_every_day_of_a_row(first: int) -> None:
    """A tie stays one wherever the row is parted: half-even and half-up differ by a cent, always."""
    start = dt.date(2026, 1, 1)
    later = 31 - first
    # The tranche that makes a tie: 100,000 × 31 + tranche × later = 500 more than whole thousands.
    tranche = next(n for n in range(1, 1001) if (100_000 * 31 + n * later) % 1000 == 500)
    told = [{"date": "2026-01-01", "amount": "1000.00"},
            {"date": (start + dt.timedelta(days=first)).isoformat(), "amount": format_amount(tranche)}]  # fmt: skip
    low, high = (
        drawn(disbursements=told, annual_rate="36.5", rounding=mode).rows[0].interest
        for mode in ("half-even", "half-up")
    )
    exact = Fraction(100_000 * 31 + tranche * later, 1000)
    assert high == exact + Fraction(1, 2) and low == round(exact)


def test_large_sums_are_exact_beyond_what_a_float_can_hold() -> None:
    lent = "9999999999999.99"
    result = drawn(disbursements=[{"date": "2026-01-01", "amount": lent}], day_count="30/360", annual_rate="12")
    assert result.rows[0].interest == 10**13  # 1 % of one cent less, a hundredth of a cent off
    check(result)
    hundred = drawn(disbursements=[{"date": "2026-01-01", "amount": lent}] * 100, annual_rate="0.0000000001")
    check(hundred)


def test_long_terms_end_at_zero_and_quickly() -> None:
    for day_count in DAY_COUNTS:
        began = time.process_time()
        result = drawn(installments=1200, day_count=day_count, annual_rate="7.123456", residue="even")
        check(result)
        assert result.as_document()["installments"][1199]["balance"] == "0.00"
        assert time.process_time() - began < 2


def test_no_module_of_the_arithmetic_holds_a_float() -> None:
    """No float literal, no name `float`, no function that would answer with one."""
    package = Path(coopbank.finance.__file__).parent
    for path in [*package.glob("*.py"), Path(coopbank.money.__file__)]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), path.name
            assert not (isinstance(node, ast.Name) and node.id == "float"), path.name
            assert not (isinstance(node, ast.Attribute) and node.attr in ("sqrt", "pow", "log")), path.name
            # round(a / b) names no float and is one: a quotient of whole numbers is a Fraction(a, b).
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MAKERS:
                assert not any(map(divides, node.args)), f"{path.name}:{node.lineno}"


MAKERS = ("round", "int", "Decimal", "Fraction")


def divides(node: ast.expr) -> bool:
    """Whether a formula holds a division, calls inside it aside."""
    if isinstance(node, ast.UnaryOp):
        return divides(node.operand)
    return isinstance(node, ast.BinOp) and (isinstance(node.op, ast.Div) or divides(node.left) or divides(node.right))


def test_interest_above_the_level_payment_is_paid_and_never_added() -> None:
    result = drawn(annual_rate="60", installments=480, disbursements=[{"date": "2026-01-15", "amount": "1000.00"}])
    check(result)
    assert result.rows[0].principal == 0
    assert all(one.balance >= other.balance for one, other in zip(result.rows, result.rows[1:], strict=False))


def test_a_day_off_moves_dates_and_no_amount() -> None:
    plain = drawn(first_due="2026-02-15")
    moved = schedule(plain.terms, move=lambda day: adjust(day, "following", {dt.date(2026, 2, 16)}))
    assert moved.rows[0].due == dt.date(2026, 2, 17)  # a Sunday, and Monday a holiday
    assert [row[2:] for row in moved.rows] == [row[2:] for row in plain.rows]
    assert moved.apr == plain.apr


def test_the_odd_first_period_is_charged_for_its_days() -> None:
    long, short = drawn(first_due="2026-03-01"), drawn(first_due="2026-02-01")
    assert (long.rows[0].days, short.rows[0].days) == (45, 17)
    assert long.rows[0].interest == round_minor(Fraction(1_200_000 * 725 * 45, 10_000 * 365))
    # Under 30/360: one month, and 14 of the 28 days of the next.
    month = drawn(first_due="2026-03-01", day_count="30/360")
    assert month.rows[0].interest == round_minor(Fraction(1_200_000 * 725, 10_000 * 12) * (1 + Fraction(14, 28)))


def test_a_first_due_date_that_is_regular_changes_nothing() -> None:
    for day_count in DAY_COUNTS:
        given_date = drawn(day_count=day_count, first_due="2026-02-15")
        assert given_date.rows == drawn(day_count=day_count).rows
        assert given_date.apr == drawn(day_count=day_count).apr


def test_postponed_interest_falls_due_once_and_bears_none() -> None:
    plain, postponed = drawn(), drawn(interest_postponed=3)
    assert [row.interest for row in postponed.rows[:3]] == [0, 0, 0]
    assert postponed.rows[3].interest == sum(row.interest for row in plain.rows[:4])
    assert [row.principal for row in postponed.rows] == [row.principal for row in plain.rows]


def test_a_tranche_between_due_dates_bears_interest_from_its_day() -> None:
    tranche = {"date": "2026-02-05", "amount": "6000.00"}
    result = drawn(disbursements=[*BASE["disbursements"], tranche], annual_rate="10", principal_grace=1)
    exact = Fraction(1_200_000 * 31 + 600_000 * 10, 3650)
    assert result.rows[0].interest == round_minor(exact)
    assert result.rows[0].balance == 1_800_000


def test_a_tranche_on_a_due_date_is_owed_that_evening() -> None:
    tranche = {"date": "2026-03-15", "amount": "6000.00"}
    plain, result = drawn(), drawn(disbursements=[*BASE["disbursements"], tranche])
    assert result.rows[:1] == plain.rows[:1]
    assert result.rows[1].balance == plain.rows[1].balance + 600_000
    assert result.rows[1].payment == plain.rows[1].payment < result.rows[2].payment


def test_flat_interest_on_tranches_and_rates_stays_one_exact_sum() -> None:
    result = drawn(
        method="flat",
        annual_rate="6",
        installments=6,
        day_count="equal-periods",
        disbursements=[*BASE["disbursements"], {"date": "2026-04-15", "amount": "6000.00"}],
        changes=[{"on": "2026-06-15", "annual_rate": "12"}],
    )
    check(result)
    # Three months of 12,000 and two of 18,000 at 6 %, one of 18,000 at 12 %.
    assert result.totals.interest == 18_000 + 18_000 + 18_000


def test_a_flat_payment_with_a_multiple_takes_the_difference_from_principal() -> None:
    result = drawn(
        method="flat",
        disbursements=[{"date": "2026-01-01", "amount": "5000.00"}],
        annual_rate="3",
        installments=12,
        day_count="equal-periods",
        payment_multiple="1",
    )
    assert (result.rows[0].principal, result.rows[0].interest) == (41650, 1250)
    check(result)


def test_the_document_is_that_of_the_contract() -> None:
    document = drawn().as_document()
    assert json.loads(json.dumps(document)) == document
    assert list(document) == ["installments", "totals", "apr", "currency"]
    assert list(document["installments"][0]) == [
        "n", "due", "days", "principal", "interest", "fees", "payment", "balance",
    ]  # fmt: skip
    assert document["totals"]["principal"] == "12000.00"
    # Below the rate: Appendix J takes all months as equal, and February comes early in both years.
    assert document["apr"] == "7.235"
    flows = {
        "advances": BASE["disbursements"],
        "payments": [{"date": row["due"], "amount": row["payment"]} for row in document["installments"]],
    }
    assert Decimal(document["apr"]) == round(Decimal(apr(flows)["apr"]), 3)


def test_the_currency_sets_the_decimals() -> None:
    yen = drawn(currency="JPY", disbursements=[{"date": "2026-01-15", "amount": "1200000"}])
    check(yen)
    assert yen.as_document()["totals"]["principal"] == "1200000"
    check(drawn(currency="KWD", disbursements=[{"date": "2026-01-15", "amount": "1200.125"}]))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"payment_multiple": "1000"}, "payment_multiple"),
        ({"payment_multiple": "100000"}, "payment_multiple"),
        ({"method": "flat", "payment_multiple": "10000"}, "payment_multiple"),
        # 9.21 of interest in February, 10.19 in a month of 31 days: a payment of 10.00 would repay next to nothing.
        (
            {
                "disbursements": [{"date": "2026-02-01", "amount": "1000.00"}],
                "annual_rate": "12",
                "payment_multiple": "10",
            },
            "payment_multiple",
        ),
        ({"amount_multiple": "1000"}, "amount_multiple"),
    ],
)
def test_a_payment_that_never_repays_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidTerms) as refusal:
        drawn(**{"installments": 240, **changes})
    assert refusal.value.field == field


def test_absurd_rates_are_drawn_or_refused_quickly() -> None:
    began = time.process_time()
    check(drawn(annual_rate="1000", installments=1200, every={"weeks": 1}))
    with pytest.raises(InvalidTerms):
        drawn(annual_rate="1000", installments=60, every={"years": 100}, disbursements=[
            {"date": "2026-01-01", "amount": "9999999999999.99"}
        ])  # fmt: skip
    assert time.process_time() - began < 5


def test_many_events_on_many_rows_take_no_more_than_seconds() -> None:
    start = dt.date(2000, 1, 1)
    days = [(start + dt.timedelta(days=300 * k)).isoformat() for k in range(100)]
    began = time.process_time()
    result = drawn(
        disbursements=[{"date": day, "amount": "1000.00"} for day in days],
        changes=[{"on": day, "annual_rate": f"{5 + k % 7}.{k:03d}"} for k, day in enumerate(days)],
        installments=1200,
        residue="even",
        day_count="actual/actual",
    )
    check(result)
    assert result.apr > 0
    assert time.process_time() - began < 10
