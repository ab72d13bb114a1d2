"""Explanations of loans with any life: whatever happened, each figure is explained as the engine has it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from coopbank.bank.lending.accounts import LoanAccount
from coopbank.bank.lending.contract import Contract
from coopbank.bank.lending.facts import in_order
from coopbank.bank.lending.position import position
from coopbank.bank.lending.reported import ReportedRun
from coopbank.finance.surplus import SurplusPosition
from coopbank.reports.answers import Answers
from coopbank.reports.sentences import Named, all_interest
from coopbank.reports.stretches import of_surplus, watched
from tests.bank.lending.stories import START, Story, a_life, agreed, loan_of

DAY_COUNTS = ("actual/365", "actual/360", "actual/actual", "30/360", "30us/360", "30e/360", "equal-periods")
TERMS: tuple[dict[str, Any], ...] = (
    {}, {"principal_grace": 3}, {"interest_free": 2}, {"interest_postponed": 2}, {"method": "equal-principal"},
    {"months": [3, 9, 10]}, {"every": {"weeks": 2}}, {"every": {"days": 15}}, {"first_due": "2026-04-30"},
)  # fmt: skip
OUTER = date(2027, 3, 2)


def told(loan: LoanAccount, story: Story, **changes: Any) -> LoanAccount:
    """The loan as the books would hold it after its story."""
    loan.__dict__ |= {"facts": in_order(story.facts), "contracts": dict(story.contracts)}
    update = {"state": "active", "disbursed_on": START.isoformat(), "events": len(story.facts), **changes}
    loan.body = loan.body.model_copy(update=update)
    return loan


def answers(loan: LoanAccount, day: date) -> Answers:
    return Answers(None, loan, day)  # type: ignore[arg-type]  # nothing is looked up


def first(found: Iterator[Named]) -> int:
    """The figure asked for; every sentence can be said."""
    parts = list(found)
    assert all("{" not in part.explanation.sentence for part in parts)
    return parts[0].explanation.amount


def months(upto: date) -> Iterator[date]:
    month = START.replace(day=1)
    while month <= upto:
        yield month
        month = (month + timedelta(days=32)).replace(day=1)


def days_of(chance: random.Random, story: Story) -> tuple[date, date]:
    last = story.facts[-1].on
    return last, last + timedelta(days=chance.choice([1, 13, 40, 200]))


# ------------------------------------------------------------------------------------- scheduled


@pytest.mark.parametrize("seed", range(25))
def test_a_scheduled_loan(seed: int) -> None:
    chance = random.Random(seed)
    terms = chance.choice(TERMS)
    repayment = "line" if terms.keys() <= {"every", "first_due"} and chance.random() < 0.5 else "schedule"
    story = a_life(chance, Story(agreed(repayment=repayment, day_count=chance.choice(DAY_COUNTS), **terms)))
    loan = told(loan_of(story), story, told=story.run().state.as_document())
    for day in days_of(chance, story):
        marks = sorted(START + timedelta(days=chance.randrange(500)) for _ in range(3))
        run, walk = watched(loan, loan.facts, day, marks)
        assert all_interest(walk).value == run.state.interest_run == story.run().standing(day).interest_run
        at, asked = position(loan, day), answers(loan, day)
        paid_off = {part.of: part.explanation.amount for part in asked.payoff(day)}
        assert paid_off["payoff"] == at.payoff and paid_off.get("interest", 0) == at.standing.interest
        assert first(asked.due(None)) == at.due_now
        assert sum(first(asked.accrual(month)) for month in months(day)) == run.state.interest_run
        first(asked.late_fee(None))
        for row in at.rows:
            found = {part.of: part.explanation.amount for part in asked.row(row.n)}
            assert repayment == "line" or (
                (found["payment"], found["interest"], found["principal"], found["balance"])
                == (row.payment, row.interest, row.principal, row.balance)
            )  # fmt: skip


def test_interest_runs_on_where_all_was_due_when_the_schedule_began_anew() -> None:
    story = Story(agreed(day_count="30us/360", installments=2)).lent()
    story.add("write-down", "2026-07-01", principal=1)  # both payments are late: nothing is left to be spread
    assert story.run().standing(date(2026, 8, 1)).interest > story.run().standing(date(2026, 7, 1)).interest


# -------------------------------------------------------------------------------------- reported


def a_reported_life(chance: random.Random, repayment: str) -> tuple[LoanAccount, Story]:
    document: dict[str, Any] = {
        "share_percent": chance.choice(["50", "5", "33.3"]), "every": {"months": chance.choice([1, 3])},
        "report_days": 30, "payment_days": 30, "outer_date": OUTER.isoformat(), "annual_rate": "0",
        "loss_carry_forward": chance.choice([True, False]),
    }  # fmt: skip
    if repayment == "surplus":
        document |= {"annual_rate": chance.choice(["8", "12", "0"]), "day_count": chance.choice(DAY_COUNTS),
                     "cost_cap_percent": chance.choice(["50", "10", "100"])}  # fmt: skip
    else:
        document |= {"multiple": chance.choice(["1.2", "1.0", "2.5"])}
        document |= chance.choice([{}, {"cost_cap_percent": "50"}])
    story = Story(Contract(1, repayment, document)).lent(START, 6000_00)
    reports, today = 0, START
    for _ in range(12):
        today += timedelta(days=chance.choice([0, 5, 20, 31, 45]))
        if today < OUTER:
            reports += _something(chance, story, today, reports + 1)
    return told(loan_of(story), story), story


def _something(chance: random.Random, story: Story, today: date, period: int) -> int:
    """A payment, a tranche, a write-down or a report; 1 for a report."""
    run = ReportedRun(story.contracts, story.principal, "USD", story.facts)
    now, kind = run.standing(today), chance.choice(["payment", "payment", "report", "report", "advance", "write-down"])
    if kind == "advance" and now.lent < story.principal and now.principal:
        story.lent(today, 1000_00)
    elif kind == "payment" and now.owed:
        story.paid(today, max(1, min(now.owed, chance.choice([100, 500_00, now.due.total or 5, now.principal]))))
    elif kind == "write-down" and now.principal > 10:
        story.add("write-down", today, principal=1 + now.principal // 10)
    elif kind == "report":
        row = next((each for each in run.position(today).periods if each.number == period), None)
        if row is None or row.end > today:
            return 0
        figures = {"surplus": chance.choice([-1000_00, 0, 40_01, 500_00, 4000_00])}
        if run.contract.repayment == "revenue":
            figures["revenue"] = chance.choice([0, 1000_00, 999_99])
        story.add("report-filed", today, period=period, version=1, **figures)
        story.add("report-accepted", today, period=period, version=1)
        return 1
    return 0


@pytest.mark.parametrize("seed", range(40))
def test_a_loan_repaid_by_reports(seed: int) -> None:
    chance = random.Random(seed)
    repayment = chance.choice(["surplus", "surplus", "revenue"])
    loan, story = a_reported_life(chance, repayment)
    for day in days_of(chance, story):
        at, asked = position(loan, day), answers(loan, day)
        known = asked.reported().position(day)
        paid_off = {part.of: part.explanation.amount for part in asked.payoff(day)}
        assert paid_off["payoff"] == at.payoff and first(asked.due(None)) == at.due_now
        for row in at.periods:
            assert row.report != "accepted" or first(asked.ceiling(row.number)) == row.ceiling
        if isinstance(known, SurplusPosition):
            assert all_interest(of_surplus(asked.reported(), day)).value == known.contract_interest
            assert sum(first(asked.accrual(month)) for month in months(day)) == known.contract_interest
            assert paid_off.get("interest", 0) == at.payoff - at.standing.principal
            cap = {part.of: part.explanation.amount for part in asked.cap(None)}
            assert cap["income"] == known.recognisable and cap["cap"] == max(0, (known.cap or 0) - known.interest_paid)
        elif known.cap is not None:
            assert first(asked.cap(None)) == known.cost
