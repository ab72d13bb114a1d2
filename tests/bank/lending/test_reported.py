"""Loans repaid out of surplus or revenue, in the books: income within the cap, memo for the rest."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.bank.lending.accounts import LoanAccount, tell
from coopbank.bank.lending.contract import Contract
from coopbank.bank.lending.facts import in_order
from coopbank.bank.lending.flows import OWED, balance, total
from coopbank.bank.lending.proof import faults_of
from tests.bank.lending.stories import START, TWO_FUNDS, Story, assert_balanced, day, loan_of, recorded

LENT = 20_000_00
SURPLUS: dict[str, Any] = {
    "annual_rate": "8", "share_percent": "50", "cost_cap_percent": "50", "outer_date": "2031-03-02",
    "day_count": "actual/365",
}  # fmt: skip
REVENUE: dict[str, Any] = {"share_percent": "10", "multiple": "1.2", "outer_date": "2031-03-02"}
KINDS = {"surplus": SURPLUS, "revenue": REVENUE}


def loan(repayment: str = "surplus", shares: dict[str, int] | None = None, **changes: Any) -> LoanAccount:
    story = Story(Contract(1, repayment, {**KINDS[repayment], **changes}), principal=LENT)
    story.contracts[1].document.setdefault("annual_rate", "0")
    found = loan_of(story, shares)
    if repayment == "revenue":
        del story.contracts[1].document["annual_rate"]
    return found


def hear(held: LoanAccount, type_: str, on: date | str, **data: Any) -> dict[str, int]:
    """One more fact, with its proof; what is posted of each flow."""
    on = on if isinstance(on, date) else day(on)
    return _told(held, tell(held, [(type_, on, data)]))


def close(held: LoanAccount, last: date | str) -> dict[str, int]:
    """Contract interest through a day, as the close of a month brings it."""
    last = last if isinstance(last, date) else day(last)
    return _told(held, tell(held, [], accrued_to=last + timedelta(days=1)))


def _told(held: LoanAccount, done: Any) -> dict[str, int]:
    held.body = done.after
    held.__dict__["facts"] = in_order([*held.facts, *done.facts])
    assert_balanced(done.moved)
    assert list(faults_of(held)) == []
    for fund, flows in held.body.book.items():
        for code in ("701", "781", "M10", "M20"):
            assert balance(flows, code) >= 0, (fund, code, flows)
    moved: dict[str, int] = {}
    for flows in done.moved.values():
        for flow, amount in flows.items():
            moved[flow] = moved.get(flow, 0) + amount
    return {flow: amount for flow, amount in moved.items() if amount}


def on(held: LoanAccount, account: str) -> int:
    return sum(balance(flows, account) for flows in held.body.book.values())


# ---------------------------------------------------------------------------------------- stories


def test_contract_interest_stands_in_memo_until_a_report_gives_room() -> None:
    """E16: nothing is income after a loss; then half of what was earned in all, and the payment takes it first."""
    held = loan()
    hear(held, "advance", START, amount=LENT)
    assert close(held, "2026-12-31") == {"memo": 1_336_99}
    hear(held, "report-filed", "2027-03-20", period=1, version=1, surplus=-3_000_00)
    assert "earned" not in hear(held, "report-accepted", "2027-03-25", period=1, version=1)
    close(held, "2028-02-29")
    hear(held, "report-filed", "2028-03-10", period=2, version=1, surplus=4_000_00)
    accepted = hear(held, "report-accepted", "2028-03-20", period=2, version=1)
    assert accepted == {"earned": 500_00, "memo": -500_00}
    now = held.standing(day("2028-03-20"))
    assert (now.due.total, now.due.interest, now.cap) == (2_000_00, 500_00, 500_00)
    paid = hear(held, "payment", "2028-03-31", amount=2_000_00)
    assert paid == {"interest_paid": 500_00, "principal_paid": 1_500_00}
    assert (on(held, "701"), on(held, "781")) == (LENT - 1_500_00, 0)


def test_a_correction_that_lowers_the_surplus_waives_income_and_repays_principal() -> None:
    held = loan()
    hear(held, "advance", START, amount=LENT)
    close(held, "2027-02-28")
    hear(held, "report-filed", "2027-03-10", period=1, version=1, surplus=4_000_00)
    assert hear(held, "report-accepted", "2027-03-12", period=1, version=1)["earned"] == 1_600_00 - 4_38
    hear(held, "payment", "2027-03-31", amount=1_000_00)
    hear(held, "report-filed", "2027-05-02", period=1, version=2, surplus=1_000_00)
    corrected = hear(held, "report-accepted", "2027-05-05", period=1, version=2)
    assert corrected["waived"] > 0
    assert corrected["interest_paid"] == -500_00
    assert corrected["principal_paid"] == 500_00
    assert total(held.body.book, "earned") - total(held.body.book, "waived") == 500_00
    assert on(held, "701") == LENT - 500_00


def test_at_maturity_interest_above_the_cap_is_waived_and_principal_is_not() -> None:
    held = loan(outer_date="2028-03-02")
    hear(held, "advance", START, amount=LENT)
    for period, accepted in ((1, "2027-03-20"), (2, "2028-03-20")):
        hear(held, "report-filed", day(accepted) - timedelta(days=1), period=period, version=1, surplus=1_000_00)
        close(held, day(accepted).replace(day=1) - timedelta(days=1))
        hear(held, "report-accepted", accepted, period=period, version=1)
    now = held.standing(day("2028-03-20"))
    assert now.waived == now.interest_run - 1_000_00 > 0
    assert (now.principal, now.interest) == (LENT, 1_000_00)
    assert on(held, "M10") == 0
    assert hear(held, "payment", "2028-04-02", amount=LENT + 1_000_00)
    assert held.body.state == "paid"


def test_a_share_of_revenue_costs_a_multiple_and_is_income_when_it_is_paid() -> None:
    held = loan("revenue")
    assert hear(held, "advance", START, amount=LENT) == {"lent": LENT, "memo": 4_000_00, "promised": -LENT}
    hear(held, "report-filed", "2027-03-10", period=1, version=1, revenue=60_000_00)
    hear(held, "report-accepted", "2027-03-12", period=1, version=1)
    assert held.standing(day("2027-04-30")).due.total == 6_000_00
    paid = hear(held, "payment", "2027-04-01", amount=6_000_00)
    assert paid == {"earned": 1_000_00, "interest_paid": 1_000_00, "principal_paid": 5_000_00, "memo": -1_000_00}
    assert close(held, "2027-04-30") == {}, "its cost does not run by days"
    hear(held, "payment", "2027-06-01", amount=18_000_00)
    assert held.body.state == "paid"
    assert on(held, "M10") == 0


def test_a_year_without_revenue_makes_nothing_due() -> None:
    held = loan("revenue")
    hear(held, "advance", START, amount=LENT)
    hear(held, "report-filed", "2027-03-10", period=1, version=1, revenue=0)
    hear(held, "report-accepted", "2027-03-12", period=1, version=1)
    assert held.standing(day("2027-12-31")).due.total == 0


@pytest.mark.parametrize("repayment", KINDS)
def test_principal_given_up_is_a_loss_or_a_gift_as_it_was_said(repayment: str) -> None:
    held = loan(repayment)
    hear(held, "advance", START, amount=LENT)
    assert hear(held, "write-down", "2026-06-01", principal=1_000_00)["written_principal"] == 1_000_00
    given_up = hear(held, "write-down", "2026-07-01", principal=500_00, gift=True)
    assert given_up["given"] == 500_00
    assert "written_principal" not in given_up
    assert on(held, "701") == LENT - 1_500_00


def test_no_more_is_given_up_than_was_owed_once_all_is_told() -> None:
    held = loan()
    hear(held, "advance", START, amount=LENT)
    hear(held, "write-down", "2026-06-01", principal=LENT)
    hear(held, "payment", "2026-05-01", amount=1_000_00)
    assert on(held, "701") == 0
    assert total(held.body.book, "written_principal") == LENT - 1_000_00
    assert total(held.body.book, "principal_paid") == 1_000_00


@pytest.mark.parametrize("repayment", KINDS)
@pytest.mark.parametrize("closed", [False, True], ids=["", "closed"])
def test_a_charged_off_loan_is_owed_to_the_day_and_stands_still(repayment: str, closed: bool) -> None:
    held = loan(repayment)
    hear(held, "advance", START, amount=LENT)
    if closed:
        close(held, "2026-08-31")
    hear(held, "charge-off", "2026-09-15")
    owed = held.standing(day("2026-09-15")).owed
    assert on(held, "M20") == owed
    assert on(held, "701") == on(held, "781") == on(held, "M10") == 0
    later = held.standing(day("2029-01-01"))
    assert (later.owed, later.due.total) == (owed, 0)
    assert hear(held, "payment", "2026-11-02", amount=300_00) == {"recovered": 300_00, "off": -300_00}
    assert held.standing(day("2026-11-02")).owed == owed - 300_00
    back = hear(held, "payment", "2027-11-02", amount=owed)
    assert back == {"recovered": owed - 300_00, "off": 300_00 - owed, "overpaid": 300_00}
    assert held.standing(day("2027-11-02")).owed == 0


def test_what_was_paid_ahead_is_the_borrowers_until_there_is_room() -> None:
    """Nothing is left but interest above the cap: money beyond it waits in 871, and a report takes it."""
    held = loan()
    hear(held, "advance", START, amount=1_000_00)
    paid = hear(held, "payment", "2026-09-02", amount=1_010_00)
    assert (paid["principal_paid"], paid["overpaid"]) == (1_000_00, 10_00)
    hear(held, "report-filed", "2027-03-10", period=1, version=1, surplus=100_00)
    took = hear(held, "report-accepted", "2027-03-12", period=1, version=1)
    assert (took["interest_paid"], took["overpaid"]) == (10_00, -10_00)
    assert took["earned"] == held.standing(day("2027-03-12")).interest_run == 40_33, "less than the cap of 50.00"


# -------------------------------------------------------------------------------------- any lives


class Life:
    """A random life of such a loan, a fact or a close at a time."""

    def __init__(self, seed: int, repayment: str, shares: dict[str, int]) -> None:
        self.chance = random.Random(seed)
        self.repayment = repayment
        changes: dict[str, Any] = {"loss_carry_forward": self.chance.random() < 0.5}
        if repayment == "revenue" and self.chance.random() < 0.5:
            changes["cost_cap_percent"] = "30"
        self.held = loan(repayment, shares, **changes)
        self.today = START
        self.versions: dict[int, int] = {}
        self.accepted: dict[int, int] = {}

    def live(self, steps: int = 16) -> LoanAccount:
        hear(self.held, "advance", START, amount=self.chance.choice([LENT, LENT // 2]))
        for _ in range(steps):
            self.today += timedelta(days=self.chance.choice([0, 1, 17, 40, 95, 200]))
            kinds = [self.report, self.report, self.accept, self.accept, self.pay, self.pay, self.close, self.more]
            self.chance.choice([*kinds, self.give_up, *([self.charge_off] if self.chance.random() < 0.2 else [])])()
        return self.held

    def report(self) -> None:
        period = self.chance.randint(1, 5)
        if START.replace(year=START.year + period) > self.today or self.held.body.state != "active":
            return
        if self.versions.get(period, 0) > self.accepted.get(period, 0):
            return
        self.versions[period] = self.versions.get(period, 0) + 1
        earned = self.chance.choice([-3_000_00, 0, 1, 999_99, 8_000_00])
        figures = {"surplus": earned} | ({"revenue": self.chance.choice([0, 50_000_00])} if self._revenue else {})
        hear(self.held, "report-filed", self.today, period=period, version=self.versions[period], **figures)

    @property
    def _revenue(self) -> bool:
        return self.repayment == "revenue"

    def accept(self) -> None:
        upto = next(n for n in range(1, 9) if n not in self.accepted)
        open_ = [n for n, version in self.versions.items() if version > self.accepted.get(n, 0) and n <= upto]
        if open_ and self.held.body.state == "active":
            self.accepted[open_[0]] = self.versions[open_[0]]
            hear(self.held, "report-accepted", self.today, period=open_[0], version=self.versions[open_[0]])

    def pay(self) -> None:
        now = self.held.standing(self.today)
        if now.owed:
            back = self.chance.choice([0, 0, 9, 120])
            when = max(START, self.today - timedelta(days=back))
            amount = self.chance.choice([1, now.due.total, 777_77, now.owed])
            hear(self.held, "payment", when, amount=max(1, min(amount, now.owed)))

    def close(self) -> None:
        close(self.held, self.today)

    def more(self) -> None:
        now = self.held.standing(self.today)
        if now.committed and self.today < day("2030-01-01") and self.held.body.state == "active":
            hear(self.held, "advance", self.today, amount=self.chance.randint(1, now.committed))

    def give_up(self) -> None:
        now = self.held.standing(self.today)
        if now.principal and self.held.body.state == "active":
            gift = self.chance.choice([{}, {"gift": True}])
            hear(self.held, "write-down", self.today, principal=1 + now.principal // 4, **gift)

    def charge_off(self) -> None:
        if self.held.body.state == "active":
            hear(self.held, "charge-off", self.today)


@given(st.integers(0, 10**9), st.sampled_from(sorted(KINDS)), st.sampled_from([{"RLF": 1}, TWO_FUNDS]))
def test_any_life_is_proven_after_every_fact(seed: int, repayment: str, shares: dict[str, int]) -> None:
    life = Life(seed, repayment, shares)
    held = life.live()
    close(held, life.today + timedelta(days=1))
    now = held.standing(max(life.today + timedelta(days=2), held.facts[-1].on))
    assert sum(on(held, code) for code in OWED) == now.owed
    if repayment == "surplus" and now.cap is not None:
        net = total(held.body.book, "earned") - total(held.body.book, "waived")
        assert net <= max(now.cap, now.interest_paid)


@given(st.integers(0, 10**9), st.sampled_from(sorted(KINDS)), st.integers(0, 10**9))
def test_the_order_of_hearing_does_not_matter_but_for_income_that_was_waived_again(
    seed: int, repayment: str, order: int
) -> None:
    """Payments heard of in any order: the same principal, interest and memo, net of what was waived."""
    life = Life(seed, repayment, {"RLF": 1})
    told = life.live(10)
    facts = list(told.facts)
    late = [fact for fact in facts if fact.type == "payment"]
    rest = [fact for fact in facts if fact.type != "payment"]
    random.Random(order).shuffle(late)
    again = loan(repayment, {"RLF": 1})
    again.__dict__["contracts"] = told.contracts
    for _done in recorded(again, [*rest, *late]):
        pass
    assert list(faults_of(again)) == []
    for each in (told, again):
        close(each, life.today + timedelta(days=5))
    assert {code: on(told, code) for code in OWED} == {code: on(again, code) for code in OWED}
    net = [total(each.body.book, "earned") - total(each.body.book, "waived") for each in (told, again)]
    assert net[0] == net[1]
