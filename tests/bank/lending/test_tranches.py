"""Money that goes out in parts: interest on what is out, payments levelled anew, the rest promised."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from coopbank.bank.lending.contract import drawn
from coopbank.bank.lending.facts import Fact
from coopbank.bank.lending.flows import balance
from coopbank.errors import Refused
from coopbank.finance.schedule import schedule
from coopbank.finance.seasonal import read_terms
from coopbank.money import format_amount, round_minor
from tests.bank.lending.stories import LENT, MONTHLY, START, Story, assert_sound, day
from tests.bank.lending.test_scheduled import DAY_COUNTS

#: Day and part of the loan.
PARTS = [("2026-03-02", 5_000_00), ("2026-05-18", 4_000_00), ("2026-07-02", 3_000_00)]


def rows_of(**changes: Any) -> Any:
    """The calculator's rows for the same tranches."""
    out = [{"date": on, "amount": format_amount(amount, "USD")} for on, amount in PARTS]
    return schedule(read_terms({**MONTHLY, **changes, "disbursements": out})).rows


SHAPES: dict[str, dict[str, Any]] = {
    "level": {}, "equal principal": {"method": "equal-principal"}, "grace": {"principal_grace": 3},
    "free of interest": {"interest_free": 2}, "harvest": {"months": [6, 9, 10, 11], "installments": 9},
    "two weeks": {"every": {"weeks": 2}}, "a first day": {"first_due": "2026-04-30"},
}  # fmt: skip


@pytest.mark.parametrize("day_count", DAY_COUNTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_tranches_level_anew_as_the_calculator_draws_them(shape: str, day_count: str) -> None:
    changes = {**SHAPES[shape], "day_count": day_count}
    story = Story(**changes)
    run = story.run()
    facts = [Fact(n, "advance", day(on), {"amount": amount}) for n, (on, amount) in enumerate(PARTS, start=1)]
    told = 0
    for number, row in enumerate(rows_of(**changes), start=10):
        while told < len(facts) and facts[told].on < row.due:
            run.tell([facts[told]])
            told += 1
            assert balance(run.state.flows, "M40") == LENT - run.state.lent
        run.advance(row.due)
        if row.payment:
            assert run.standing(row.due).due.total == row.payment, row
            run.tell([Fact(number, "payment", row.due, {"amount": row.payment})])
            assert run.state.last_parts[1:] == (row.interest, row.principal), row
        if told < len(facts) and facts[told].on == row.due:
            run.tell([facts[told]])
            told += 1
        assert run.state.principal == row.balance
        assert_sound(run)
    assert run.state.owed == 0


def test_interest_runs_on_what_is_out() -> None:
    story = Story()
    for on, amount in PARTS:
        story.lent(on, amount)
    ran = sum(
        Fraction(amount * 725 * (day("2026-08-02") - day(on)).days, 10_000 * 365) for on, amount in PARTS
    )  # fmt: skip
    assert story.run().standing(day("2026-08-02")).interest == round_minor(ran)


def test_what_was_billed_stays_and_the_rest_is_promised() -> None:
    story = Story().lent(START, 5_000_00)
    first = story.run()
    row = first.state.runs[0][1]
    assert first.committed == 7_000_00
    story.lent("2026-04-10", 7_000_00)
    second = story.run()
    assert second.committed == 0
    assert second.standing(day("2026-04-10")).due.total == row, "a tranche changes no bill that came before it"
    plan = second.state.plan
    assert plan is not None
    assert drawn(plan, "USD").rows[1].payment > row


def test_no_more_is_paid_out_once_that_is_said() -> None:
    story = Story().lent(START, 5_000_00).add("close-line", "2026-03-10")
    run = story.run()
    assert (run.committed, run.state.principal) == (0, 5_000_00)
    assert "promised" not in run.state.flows
    story.paid("2026-03-10", 5_100_00)
    assert story.run().state.owed == 0


def test_a_tranche_after_everything_was_paid_back_is_owed_again() -> None:
    story = Story().lent(START, 5_000_00)
    owed = story.run().standing(day("2026-03-12")).owed
    story.paid("2026-03-12", owed).lent("2026-03-20", 2_000_00)
    run = story.run()
    assert run.state.principal == 2_000_00
    at = day("2026-03-20") + timedelta(days=365 * 3)
    assert run.standing(at).due.total == run.standing(at).owed
    assert_sound(run)


def test_a_tranche_on_the_last_due_date_or_later_is_refused() -> None:
    story = Story(installments=2).lent(START, 5_000_00)
    for on in ("2026-05-02", "2026-06-02"):
        with pytest.raises(Refused):
            story.run().tell([Fact(9, "advance", day(on), {"amount": 1_00})])
