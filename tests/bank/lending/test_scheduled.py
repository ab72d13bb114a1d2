"""The story of a loan with a schedule: to the cent what the calculator draws, and the same however it is told."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.bank.lending.facts import Fact
from coopbank.bank.lending.scheduled import ScheduledRun, State
from coopbank.finance.schedule import schedule
from coopbank.finance.seasonal import read_terms
from coopbank.money import format_amount, round_minor
from tests.bank.lending.stories import LENT, START, Story, a_life, again, agreed, assert_sound, day

DAY_COUNTS = ["actual/365", "actual/360", "actual/364", "actual/actual", "30/360", "30us/360", "30e/360",
              "equal-periods"]  # fmt: skip

#: Terms beside the day count, and the day on which the money goes out.
SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "months": ("2026-03-02", {}),
    "a 31st, clamped": ("2027-08-31", {"installments": 19}),
    "a 31st, rolled": ("2027-01-31", {"installments": 19, "month_end": "roll"}),
    "a 29 February by years": ("2028-02-29", {"every": {"years": 1}, "installments": 6}),
    "an odd first period": ("2026-03-20", {"first_due": "2026-05-31", "installments": 12}),
    "a short first period": ("2026-03-20", {"first_due": "2026-03-31", "installments": 12}),
    "two weeks": ("2026-03-02", {"every": {"weeks": 2}}),
    "ten days": ("2026-03-02", {"every": {"days": 10}, "installments": 40}),
    "quarters": ("2026-11-30", {"every": {"months": 3}, "installments": 9}),
    "equal principal": ("2026-01-31", {"method": "equal-principal"}),
    "percent of principal": ("2026-03-02", {"method": "equal-principal", "principal_percent": "2"}),
    "grace": ("2026-03-02", {"principal_grace": 5}),
    "bullet": ("2026-03-02", {"principal_grace": 23}),
    "free of interest": ("2026-03-31", {"interest_free": 4}),
    "postponed": ("2026-03-31", {"interest_postponed": 4}),
    "postponed in grace": ("2026-03-31", {"interest_postponed": 4, "principal_grace": 6}),
    "free, then grace": ("2026-03-31", {"interest_free": 2, "principal_grace": 6}),
    "harvest": ("2026-03-15", {"months": [9, 10, 11], "installments": 8}),
    "harvest with a first day": ("2026-03-15", {"months": [9, 11], "first_due": "2026-09-30", "installments": 8}),
    "no interest": ("2026-03-02", {"annual_rate": "0"}),
    "a high rate": ("2026-03-02", {"annual_rate": "36.5"}),
    "one payment": ("2026-03-02", {"installments": 1}),
}


def told_by_rows(story: Story) -> ScheduledRun:
    """Each row paid on its day: interest and principal are the row's, and nothing is left."""
    run = ScheduledRun(story.contracts, story.principal, "USD")
    run.tell(story.facts)
    paid = 0
    for number, row in enumerate(story.rows(), start=2):
        before = run.standing(row.due)
        assert (before.due.total, before.due.interest) == (row.payment, row.interest), row
        assert before.due.since == row.due or not row.payment
        if row.payment:
            run.tell([Fact(number, "payment", row.due, {"amount": row.payment})])
            assert run.state.last_parts == (0, row.interest, row.principal), row
        paid += row.interest
        assert run.state.principal == row.balance
        assert run.standing(row.due).due.total == 0
        assert_sound(run)
    assert (run.state.owed, run.state.overpaid, run.state.interest_paid) == (0, 0, paid)
    return run


@pytest.mark.parametrize("day_count", DAY_COUNTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_each_row_paid_on_its_day_is_the_schedule(shape: str, day_count: str) -> None:
    on, changes = SHAPES[shape]
    told_by_rows(Story(**{"day_count": day_count, **changes}).lent(on))


@pytest.mark.parametrize("day_count", DAY_COUNTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_telling_day_by_day_is_telling_at_once(shape: str, day_count: str) -> None:
    on, changes = SHAPES[shape]
    chance = random.Random(f"{shape} {day_count}")
    story = Story(**{"day_count": day_count, **changes}).lent(on)
    stepped, whole = story.run(), story.run()
    at = day(on)
    for _ in range(40):
        at += timedelta(days=chance.choice([1, 1, 2, 7, 28, 30, 31]))
        earned = stepped.state.interest_run
        stepped.advance(at)
        stepped = ScheduledRun(story.contracts, story.principal, "USD", again(stepped.state))
        assert stepped.state.interest_run >= earned, "interest never runs backwards"
        assert stepped.state.flows.get("earned", 0) == stepped.state.interest_run
    whole.advance(at)
    assert stepped.state == whole.state


@pytest.mark.parametrize("order", [("fees", "interest", "principal"), ("interest", "principal", "fees"),
                                   ("principal", "interest", "fees")])  # fmt: skip
def test_any_order_pays_a_loan_off_by_its_schedule(order: tuple[str, ...]) -> None:
    story = Story(order=order).lent()
    for row in story.rows():
        story.paid(row.due, row.payment)
    run = story.run()
    assert (run.state.owed, run.state.interest_paid) == (0, sum(row.interest for row in story.rows()))


def test_the_order_of_the_terms_decides_a_payment_that_is_too_small() -> None:
    parts = {}
    for order in (("fees", "interest", "principal"), ("interest", "principal", "fees"),
                  ("principal", "interest", "fees")):  # fmt: skip
        story = Story(order=order).lent().add("fee", "2026-03-20", amount=30_00, what="late")
        row = story.rows()[0]
        parts[order] = story.paid(row.due, row.principal + 10_00).run().state.last_parts
    row = Story().lent().rows()[0]
    assert parts == {
        ("fees", "interest", "principal"): (30_00, row.interest, row.principal - 20_00 - row.interest),
        ("interest", "principal", "fees"): (0, row.interest, row.principal + 10_00 - row.interest),
        ("principal", "interest", "fees"): (0, 10_00, row.principal),
    }


# ------------------------------------------------------------------------------- early and late


def test_early_money_pays_the_next_rows() -> None:
    story = Story().lent()
    rows = story.rows()
    story.paid(rows[0].due, rows[0].payment + rows[1].payment + 10_00)
    run = story.run()
    assert run.standing(rows[1].due).due.total == 0
    third = run.standing(rows[2].due)
    assert third.due.total == rows[2].payment - 10_00
    assert third.due.since == rows[2].due
    assert run.state.principal == LENT - rows[0].principal - rows[1].payment - 10_00


def test_early_money_shortens() -> None:
    story = Story().lent()
    rows = story.rows()
    story.paid(rows[0].due, rows[0].payment + 5_000_00, "shorten")
    paid = 1
    for row in rows[1:]:
        due = story.run().standing(row.due).due
        if due.total:
            assert due.total == row.payment or due.total == story.run().standing(row.due).owed
            story.paid(row.due, due.total, "shorten")
            paid += 1
    assert story.run().state.owed == 0
    assert paid == 14, "the bills stay, and the last of them fall away"


LOWERED = ["months", "a 31st, clamped", "a 31st, rolled", "grace", "equal principal", "postponed", "two weeks",
           "an odd first period", "harvest", "harvest with a first day", "free of interest"]  # fmt: skip


@pytest.mark.parametrize("shape", LOWERED)
@pytest.mark.parametrize("day_count", ["actual/365", "30/360", "equal-periods"])
def test_early_money_lowers_the_payments_and_keeps_the_days(shape: str, day_count: str) -> None:
    on, changes = SHAPES[shape]
    story = Story(**{"day_count": day_count, **changes}).lent(on)
    rows = story.rows()
    story.paid(rows[0].due, rows[0].payment)
    story.paid(rows[1].due - timedelta(days=3), rows[1].payment + 3_000_00, "lower")
    assert story.run().standing(rows[1].due).due.total == 0, "the running row is paid"
    asked = []
    for row in rows[2:]:
        before = story.run().standing(row.due - timedelta(days=1))
        assert before.due.total == 0
        due = story.run().standing(row.due).due
        assert due.since == row.due or not due.total
        asked.append(due.total)
        if due.total:
            story.paid(row.due, due.total)
    assert story.run().state.owed == 0
    assert asked[-2] < rows[-2].payment
    assert_sound(story.run())


def test_a_row_that_is_paid_late_asks_for_no_more_and_costs_more() -> None:
    story = Story(installments=3).lent()
    rows = story.rows()
    late = rows[0].due + timedelta(days=10)
    assert story.run().standing(late).due.total == rows[0].payment
    assert story.run().standing(late).due.since == rows[0].due
    story.paid(late, rows[0].payment)
    at = story.run().state
    assert at.interest_paid == round_minor(Fraction(LENT * 725 * 41, 10_000 * 365))
    assert story.run().standing(late).due.total == 0
    story.paid(rows[1].due, rows[1].payment)
    last = story.run().standing(rows[2].due)
    assert last.due.total == last.owed > rows[2].payment


def test_more_than_is_owed_is_the_borrowers() -> None:
    story = Story().lent().paid("2026-03-12", LENT * 2)
    run = story.run()
    interest = round_minor(Fraction(LENT * 725 * 10, 10_000 * 365))
    assert (run.state.owed, run.state.overpaid) == (0, LENT - interest)
    assert_sound(run)


# ------------------------------------------------------------------------------ pauses and rates


def test_days_of_a_pause_bear_no_interest_the_first_and_the_last_included() -> None:
    def interest(*pause: str) -> int:
        story = Story().lent()
        if pause:
            story.add("pause", pause[0], until=pause[1])
        return story.run().standing(day("2026-05-02")).interest

    def of(days: int) -> int:
        return round_minor(Fraction(LENT * 725 * days, 10_000 * 365))

    assert interest() == of(61)
    assert interest("2026-03-10", "2026-03-10") == of(60)
    assert interest("2026-03-10", "2026-03-19") == of(51)
    assert interest("2026-03-02", "2026-04-30") == of(1)
    assert interest("2026-03-02", "2026-06-30") == 0


def test_a_pause_within_days_that_are_free_anyhow_takes_none_of_them_away() -> None:
    story = Story(interest_free=3).lent().add("pause", "2026-03-10", until="2026-03-12")
    assert story.run().standing(day("2026-06-02")).interest == 0
    longer = (
        Story().lent().add("pause", "2026-03-10", until="2026-04-30").add("pause", "2026-03-15", until="2026-03-16")
    )
    once = Story().lent().add("pause", "2026-03-10", until="2026-04-30")
    assert longer.run().standing(day("2026-06-02")).interest == once.run().standing(day("2026-06-02")).interest


@pytest.mark.parametrize("day_count", DAY_COUNTS)
@pytest.mark.parametrize("on", ["2026-06-02", "2026-06-11", "2026-07-01"])
def test_a_rate_that_changes_within_a_row_is_the_calculators(day_count: str, on: str) -> None:
    one = agreed(day_count=day_count)
    story = Story(one, agreed(2, day_count=day_count, annual_rate="11")).lent()
    changed = read_terms({
        **one.document, "disbursements": [{"date": START.isoformat(), "amount": format_amount(LENT, "USD")}],
        "changes": [{"on": on, "annual_rate": "11"}],
    })  # fmt: skip
    run = story.run()
    told = False
    for number, row in enumerate(schedule(changed).rows, start=9):
        if row.due >= day(on) and not told:
            run.tell([Fact(2, "terms", day(on), {"version": 2, "how": "rate"})])
            told = True
        run.tell([Fact(number, "payment", row.due, {"amount": row.payment})])
        assert run.state.last_parts[1:] == (row.interest, row.principal), row
    assert run.state.owed == 0


def test_a_rate_may_change_on_the_first_day_after_the_last_and_on_the_day_of_a_new_plan() -> None:
    two = agreed(2, annual_rate="3")
    first = Story(agreed(), two).lent().add("terms", START, version=2, how="rate").run()
    assert first.standing(day("2026-04-02")).interest == round_minor(Fraction(LENT * 3 * 31, 100 * 365))
    late = Story(agreed(installments=2), agreed(2, installments=2, annual_rate="0")).lent()
    late.add("terms", "2026-06-11", version=2, how="rate")
    assert late.run().standing(day("2027-06-11")).interest == late.run().standing(day("2026-06-11")).interest
    again_ = {"installments": 30, "first_due": "2026-07-02"}
    both = Story(agreed(), agreed(2, **again_), agreed(3, **again_, annual_rate="3")).lent()
    both.add("terms", "2026-06-11", version=2, how="restart", arrears=False)
    both.add("terms", "2026-06-11", version=3, how="rate")
    assert both.run().state.plan is not None
    assert_sound(both.run())


# ---------------------------------------------------------------------------- a plan begins anew


@pytest.mark.parametrize("day_count", ["actual/365", "30/360", "equal-periods"])
def test_a_holiday_keeps_the_days_of_the_month(day_count: str) -> None:
    """Lent on a 31st: after two payments are left out, the days are still month ends."""
    rest = {"installments": 17, "first_due": "2027-06-30"}
    story = Story(
        agreed(day_count=day_count, installments=19), agreed(2, day_count=day_count, **rest)
    ).lent("2027-01-31")  # fmt: skip
    rows = story.rows()
    story.paid(rows[0].due, rows[0].payment).paid(rows[1].due, rows[1].payment)
    story.add("terms", "2027-04-05", version=2, how="restart")
    run = story.run()
    assert run.standing(day("2027-05-31")).due.total == 0
    plan = run.state.plan
    assert plan is not None
    assert [plan.due(n).isoformat() for n in range(3)] == ["2027-06-30", "2027-07-31", "2027-08-31"]
    for n in range(17):
        due = story.run().standing(plan.due(n)).due
        assert due.since == plan.due(n)
        story.paid(plan.due(n), due.total)
    assert story.run().state.owed == 0


def test_what_is_late_stays_due_beside_a_new_plan() -> None:
    story = Story(agreed(), agreed(2, installments=23, first_due="2026-05-15")).lent()
    rows = story.rows()
    story.add("terms", "2026-04-10", version=2, how="restart")
    run = story.run()
    now = run.standing(day("2026-04-10"))
    assert (now.due.total, now.due.since) == (rows[0].payment, rows[0].due)
    story.paid("2026-04-12", rows[0].payment)
    assert story.run().standing(day("2026-05-14")).due.total == 0
    assert story.run().standing(day("2026-05-15")).due.since == day("2026-05-15")
    assert_sound(story.run())


@pytest.mark.parametrize("day_count", DAY_COUNTS)
def test_a_new_plan_on_nothing_but_arrears(day_count: str) -> None:
    """All that is owed is late already: there is nothing to spread, interest runs on, and more money begins anew."""
    terms = {"day_count": day_count, "installments": 3}
    given_up = Story(**terms).lent(START, 3_000_00).add("write-down", "2026-05-20", principal=2_900_00)
    run = given_up.run()
    assert run.state.runs == []
    late = run.standing(day("2026-06-20"))
    assert late.due.total == late.owed > 100_00
    assert late.due.since == given_up.rows()[0].due
    assert late.interest > run.standing(day("2026-05-20")).interest
    nothing = Story(agreed(**terms), agreed(2, **{**terms, "installments": 5, "first_due": "2026-06-15"}))
    nothing.lent(START, 3_000_00)
    nothing.paid("2026-03-20", nothing.run().standing(day("2026-03-20")).owed)
    nothing.add("terms", "2026-03-25", version=2, how="restart")
    assert nothing.run().standing(day("2027-01-01")).owed == 0
    nothing.lent("2026-07-01", 2_000_00)
    again_ = nothing.run()
    assert again_.standing(day("2026-07-14")).due.total == 0
    first = again_.standing(day("2026-07-15"))
    assert first.due.since == day("2026-07-15")
    assert 2_000_00 // 4 < first.due.total < 2_100_00 // 4
    assert_sound(again_)


def test_spreading_anew_leaves_nothing_late() -> None:
    story = Story(agreed(), agreed(2, installments=30, first_due="2026-08-02")).lent()
    story.add("terms", "2026-07-20", version=2, how="restart", arrears=False)
    run = story.run()
    assert run.standing(day("2026-08-01")).due.total == 0
    first = run.standing(day("2026-08-02"))
    assert first.due.total == story.run().state.runs[0][1]
    assert first.due.interest == first.interest, "what ran before the new plan is asked for with its first row"


# --------------------------------------------------------------------------------- any stories


def lives(**kinds: Any) -> Any:
    return st.builds(lambda seed: a_life(random.Random(seed), Story(**kinds)), st.integers(0, 10**9))


@given(lives())
def test_what_is_owed_is_what_stands_in_the_books(story: Story) -> None:
    run = ScheduledRun(story.contracts, story.principal, "USD")
    for fact in story.facts:
        run.apply(fact)
        assert_sound(run, {"RLF": 1}, {"RLF": 6_000, "GEN": 4_000})
    run.advance(run.state.at + timedelta(days=400))
    assert_sound(run, {"RLF": 6_000, "GEN": 4_000})


@given(lives(), st.integers(0, 10**9))
def test_telling_on_is_telling_anew(story: Story, seed: int) -> None:
    """Read back from its record between any two facts, looked at on any day: the state is the same."""
    chance = random.Random(seed)
    run = ScheduledRun(story.contracts, story.principal, "USD")
    for fact in story.facts:
        run.apply(fact)
        run.standing(fact.on + timedelta(days=chance.randint(0, 90)))
        document = run.state.as_document()
        assert State.of(json.loads(json.dumps(document))).as_document() == document
        run = ScheduledRun(story.contracts, story.principal, "USD", again(run.state))
    assert run.state == story.run().state


@given(lives())
def test_telling_on_leaves_the_record_as_it_is(story: Story) -> None:
    run = ScheduledRun(story.contracts, story.principal, "USD")
    for fact in story.facts:
        document = run.state.as_document()
        before = json.dumps(document)
        run = ScheduledRun(story.contracts, story.principal, "USD", State.of(document))
        run.apply(fact)
        assert json.dumps(document) == before


@given(lives(), st.integers(0, 10**9))
def test_looking_changes_nothing(story: Story, seed: int) -> None:
    """Interest brought in between, as closes do, leads to the same books."""
    chance = random.Random(seed)
    run = ScheduledRun(story.contracts, story.principal, "USD")
    for fact in story.facts:
        if run.state.plan is not None and fact.on > run.state.at:
            run.advance(run.state.at + timedelta(days=chance.randint(0, (fact.on - run.state.at).days)))
        run.apply(fact)
    assert run.state.flows == story.run().state.flows
    assert run.state.owed == story.run().state.owed


@given(
    st.sampled_from(DAY_COUNTS), st.sampled_from(sorted(SHAPES)), st.integers(10_000, 10**9),
    st.integers(0, 500),
)  # fmt: skip
def test_any_loan_of_any_shape_ends_at_zero(day_count: str, shape: str, lent: int, days: int) -> None:
    on, changes = SHAPES[shape]
    if "first_due" not in changes:
        on = (day(on) + timedelta(days=days)).isoformat()
    told_by_rows(Story(principal=lent, **{"day_count": day_count, **changes}).lent(on))


# ---------------------------------------------------------------------------------- taken over


@pytest.mark.parametrize("day_count", DAY_COUNTS)
@pytest.mark.parametrize("shape", ["months", "a 31st, clamped", "a 31st, rolled", "an odd first period", "harvest"])
def test_a_loan_of_old_records_goes_on_as_if_it_had_always_been_here(shape: str, day_count: str) -> None:
    """Taken over between two due dates, with what is owed and the day from which it ran: later rows are the same."""
    on, changes = SHAPES[shape]
    always = Story(**{"day_count": day_count, **changes}).lent(on)
    rows = always.rows()
    for row in rows[:4]:
        always.paid(row.due, row.payment)
    cut_over = rows[3].due + timedelta(days=11)
    then = always.run().standing(cut_over)
    new = Story(**{"day_count": day_count, **changes})
    new.add(
        "opening", rows[3].due, lent=LENT, disbursed_on=on, paid_principal=then.principal_paid,
        paid_interest=then.interest_paid, interest=then.interest, memo=0, cut_over=cut_over.isoformat(),
    )  # fmt: skip
    for number, row in enumerate(rows[4:], start=2):
        assert new.run().standing(row.due).due == always.run().standing(row.due).due
        for story in (new, always):
            story.facts.append(Fact(number + 10, "payment", row.due, {"amount": row.payment}))
        assert new.run().state.last_parts == always.run().state.last_parts == (0, row.interest, row.principal)
        assert_sound(new.run())
    assert new.run().state.owed == 0


def test_a_loan_taken_over_late_and_on_non_accrual_is_late_and_in_memo() -> None:
    story = Story()
    story.add("opening", "2026-05-20", lent=LENT, disbursed_on="2026-03-02", paid_principal=0, paid_interest=0,
              interest=50_00, memo=100_00, cut_over="2026-05-20")  # fmt: skip
    run = story.run()
    assert (run.state.flows["memo"], run.state.basis) == (100_00, "recovery")
    now = run.standing(day("2026-05-20"))
    assert (now.interest, now.due.since) == (150_00, day("2026-04-02"))
    later = run.standing(day("2026-06-20"))
    assert later.flows["memo"] == 100_00 + later.interest_run - now.interest_run
    assert_sound(run)
