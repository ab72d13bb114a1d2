"""Due dates moved off closed days by a country's calendar: dates move, amounts do not."""

from __future__ import annotations

import datetime as dt
import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.errors import InvalidTerms, WrongUsage
from coopbank.finance.business_days import closed_days, mover
from coopbank.finance.disclosure import disclosure
from coopbank.finance.schedule import Schedule, schedule
from coopbank.finance.terms import LoanTerms
from tests.finance.test_schedule import BASE, documents, drawn

RULES = st.sampled_from(["following", "preceding", "modified-following"])
US = closed_days("US", "MS")


def moved(result: Schedule, rule: str) -> list[dt.date]:
    return [row.due for row in schedule(result.terms, move=mover(rule, US)).rows]


def test_the_three_rules_by_the_calendar_of_mississippi() -> None:
    # 4 July 2026 is a Saturday, observed on Friday the 3rd.
    fourth = drawn(first_due="2026-07-04", installments=1)
    assert moved(fourth, "following") == [dt.date(2026, 7, 6)]
    assert moved(fourth, "preceding") == [dt.date(2026, 7, 2)]
    assert moved(fourth, "modified-following") == [dt.date(2026, 7, 6)]
    # 31 May 2026 is a Sunday: modified following does not leave May.
    may = drawn(first_due="2026-05-31", installments=1)
    assert moved(may, "following") == [dt.date(2026, 6, 1)]
    assert moved(may, "modified-following") == [dt.date(2026, 5, 29)]
    # Confederate Memorial Day is one of Mississippi and not of the country.
    april = dt.date(2026, 4, 27)
    assert US(april) and not closed_days("US")(april)


def test_a_country_has_its_own_weekend() -> None:
    friday, sunday = dt.date(2026, 1, 9), dt.date(2026, 1, 11)
    assert closed_days("IL")(friday) and not closed_days("IL")(sunday)
    assert mover("following", closed_days("IL"))(friday) == sunday
    assert mover("following")(friday) == friday  # without a calendar: Saturdays and Sundays


@given(documents(), RULES)
def test_dates_move_to_open_days_and_nothing_else_changes(document: dict[str, object], rule: str) -> None:
    document.pop("fees", None)  # above what is lent they have no rate
    plain = drawn(**document)
    try:
        result = schedule(plain.terms, move=mover(rule, US))  # type: ignore[arg-type]
    except InvalidTerms as refusal:
        # A calendar ends somewhere, and nothing falls due before the money is there.
        assert refusal.field == "holidays" or (refusal.field == "first_due" and rule != "following")
        return
    start = plain.terms.first_disbursed
    assert [row[2:] for row in result.rows] == [row[2:] for row in plain.rows]
    assert result.due_unmoved == tuple(row.due for row in plain.rows)
    assert (result.totals, result.apr) == (plain.totals, plain.apr)
    for row, before in zip(result.rows, plain.rows, strict=True):
        assert row.due == before.due == start or not US(row.due)
        assert row.due == before.due or US(before.due)
        if rule == "modified-following" and before.due != start:
            assert row.due.month == before.due.month
    assert [row.due for row in result.rows] == sorted(row.due for row in result.rows)


def test_a_down_payment_stays_on_the_day_of_the_money() -> None:
    saturday = {**BASE, "disbursements": [{"date": "2026-01-17", "amount": "1000.00"}], "down_payment_percent": "10"}
    result = schedule(LoanTerms.read(saturday), move=mover("preceding", US))
    assert [row.due for row in result.rows[:2]] == [dt.date(2026, 1, 17), dt.date(2026, 2, 17)]
    assert disclosure(result).payments[0].first_due == dt.date(2026, 2, 17)


def test_nothing_falls_due_before_the_money_is_there() -> None:
    with pytest.raises(InvalidTerms, match="2026-01-16, before the first disbursement") as refusal:
        moved(drawn(disbursements=[{"date": "2026-01-17", "amount": "9.00"}], first_due="2026-01-18"), "preceding")
    assert refusal.value.field == "first_due"


def test_what_no_calendar_knows_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for country, part, field in [("us", None, "holidays"), ("", None, "holidays"), ("US", "Texas!", "subdivision")]:
        with pytest.raises(WrongUsage) as refusal:
            closed_days(country, part)
        assert refusal.value.field == field
    with pytest.raises(InvalidTerms, match="known from 1777 to 2100") as late:
        US(dt.date(2101, 1, 4))
    assert late.value.field == "holidays"
    monkeypatch.setitem(sys.modules, "holidays", None)  # as if it were not installed
    with pytest.raises(WrongUsage, match="not installed") as absent:
        closed_days("US")
    assert absent.value.field == "holidays" and "coopbank[holidays]" in str(absent.value.hint)
    assert mover("following")(dt.date(2026, 1, 17)) == dt.date(2026, 1, 19)  # needs no library


def test_amounts_are_those_of_the_dates_that_the_terms_say() -> None:
    result = drawn(first_due="2026-05-31", annual_rate="5", day_count="actual/365")
    by_rule = [schedule(result.terms, move=mover(rule, US)) for rule in ("following", "preceding")]  # type: ignore[arg-type]
    assert by_rule[0].totals == by_rule[1].totals == result.totals
    assert by_rule[0].apr == by_rule[1].apr and isinstance(result.apr, Decimal)
