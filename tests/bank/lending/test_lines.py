"""Lines of credit: interest billed on each due date, draws up to the limit, everything due at the end."""

from __future__ import annotations

import random
from datetime import timedelta
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from coopbank.bank.lending.flows import balance
from coopbank.bank.lending.scheduled import ScheduledRun
from coopbank.money import round_minor
from tests.bank.lending.stories import LENT, START, TWO_FUNDS, Story, again, assert_sound, day

LIMIT = LENT


def line(**changes: object) -> Story:
    return Story(**{"repayment": "line", "installments": 12, **changes})  # type: ignore[arg-type]


def of(principal: int, days: int) -> Fraction:
    return Fraction(principal * 725 * days, 10_000 * 365)


def test_interest_is_billed_on_each_due_date_and_principal_at_the_end() -> None:
    story = line().lent(START, 4_000_00)
    before = story.run().standing(day("2026-04-01"))
    assert (before.due.total, before.interest) == (0, round_minor(of(4_000_00, 30)))
    due = story.run().standing(day("2026-04-02")).due
    assert (due.interest, due.principal, due.since) == (round_minor(of(4_000_00, 31)), 0, day("2026-04-02"))
    later = story.run().standing(day("2026-04-20"))
    assert later.due.total == due.total < later.interest, "what ran since is billed with the next date"
    assert later.due.since == day("2026-04-02")
    end = story.run().standing(day("2027-03-02"))
    assert end.due.total == end.owed
    assert end.due.principal == 4_000_00
    assert end.due.since == day("2026-04-02")


def test_a_line_whose_interest_is_paid_is_late_with_its_principal_after_the_end() -> None:
    story = line().lent(START, 4_000_00)
    story.paid("2027-03-02", story.run().standing(day("2027-03-02")).interest)
    for on, days in (("2027-03-02", 0), ("2027-03-12", 10)):
        due = story.run().standing(day(on)).due
        assert due.principal == 4_000_00
        assert due.since is not None
        assert (day(on) - due.since).days == days
    free = line(annual_rate="0").lent(START, 4_000_00)
    assert free.run().standing(day("2027-03-12")).due.since == day("2027-03-02")


def test_a_bill_that_is_paid_is_not_late_and_the_next_is() -> None:
    story = line().lent(START, 4_000_00)
    story.paid("2026-04-05", round_minor(of(4_000_00, 31)))
    assert story.run().standing(day("2026-05-01")).due.total == 0
    second = story.run().standing(day("2026-05-06"))
    assert second.due.since == day("2026-05-02")
    assert second.due.total == round_minor(of(4_000_00, 34)) + round_minor(of(4_000_00, 27)) - round_minor(
        of(4_000_00, 31)
    )


def test_draws_and_payments_on_the_due_date_itself() -> None:
    """Whatever comes first on that day: what ran up to it is billed."""
    ran = round_minor(of(4_000_00, 31))
    for story in (
        line().lent(START, 4_000_00).lent("2026-04-02", 1_000_00).paid("2026-04-02", ran),
        line().lent(START, 4_000_00).paid("2026-04-02", ran).lent("2026-04-02", 1_000_00),
    ):
        run = story.run()
        assert (run.state.principal, run.state.interest) == (5_000_00, 0)
        assert run.standing(day("2026-04-30")).due.total == 0
        assert run.standing(day("2026-05-02")).due.total == round_minor(of(5_000_00, 30))


def test_what_is_available_after_draws_and_payments() -> None:
    story = line()
    assert story.run().committed == LIMIT
    assert balance(story.run().state.flows, "M40") == LIMIT
    for fact, left in (
        (("lent", "2026-03-02", 5_000_00), 7_000_00), (("lent", "2026-03-20", 7_000_00), 0),
        (("paid", "2026-04-02", 3_000_00), None), (("lent", "2026-04-10", 1_000_00), None),
    ):  # fmt: skip
        getattr(story, fact[0])(*fact[1:])
        run = story.run()
        assert run.committed == LIMIT - run.state.principal == balance(run.state.flows, "M40")
        assert left is None or run.committed == left
    paid = story.run().standing(day("2026-04-20")).owed
    story.paid("2026-04-20", paid)
    assert story.run().committed == LIMIT, "a line that is paid back can be drawn again"
    story.add("close-line", "2026-05-01")
    assert story.run().committed == 0


def test_nothing_is_available_from_the_last_day_on() -> None:
    story = line().lent(START, 1_000_00)
    assert story.run().standing(day("2027-03-01")).committed == LIMIT - 1_000_00
    at_end = story.run().standing(day("2027-03-02"))
    assert at_end.committed == 0
    assert "promised" not in at_end.flows


def test_early_money_on_a_line_is_no_payment_of_bills_to_come() -> None:
    story = line().lent(START, 4_000_00).paid("2026-03-12", 2_000_00)
    ten = round_minor(of(4_000_00, 10))
    left = 2_000_00 + ten
    assert story.run().state.principal == left
    assert story.run().standing(day("2026-04-02")).due.total == round_minor(of(left, 21))


@given(st.integers(0, 10**9), st.sampled_from(["actual/365", "30/360", "actual/actual"]))
def test_any_line_is_sound_and_bills_what_ran(seed: int, day_count: str) -> None:
    """Draws and payments on any day: on each due date all interest that ran is due, less what was paid."""
    chance = random.Random(seed)
    story = line(day_count=day_count)
    story.lent(START, 1_000_00)
    today, billed = START, 0
    dates = [day(f"{2026 + (2 + n) // 12}-{1 + (2 + n) % 12:02d}-02") for n in range(1, 13)]
    for _ in range(20):
        after = today + timedelta(days=chance.choice([0, 1, 9, 30, 31, 45]))
        run = story.run()
        for due in (each for each in dates if today <= each <= after):
            billed = run.standing(due).interest_run if due > START else billed
        now = run.standing(after)
        if after < dates[-1]:
            asked = max(0, billed - now.interest_paid)
            assert now.due.total == min(asked, now.owed), (after, now)
        else:
            assert now.due.total == now.owed
        today = after
        if chance.random() < 0.5 and now.committed:
            story.lent(today, chance.randint(1, now.committed))
        elif now.owed:
            story.paid(today, chance.choice([now.interest or 1, 1, now.owed, 300_00 % now.owed + 1]))
        told = story.run()
        assert_sound(told, TWO_FUNDS)
        assert 0 <= told.committed <= LIMIT
        read = ScheduledRun(story.contracts, LIMIT, "USD", again(told.state))
        assert read.standing(today + timedelta(days=40)) == told.standing(today + timedelta(days=40))
