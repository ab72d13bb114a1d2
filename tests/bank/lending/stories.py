"""Stories of loans in tests, without a database: facts in one line, random lives, and what must hold of each state."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

from coopbank.bank import records
from coopbank.bank.lending.accounts import LoanAccount, Outcome, tell
from coopbank.bank.lending.contract import Contract, drawn, first_plan
from coopbank.bank.lending.facts import Fact, in_order
from coopbank.bank.lending.flows import OWED, Book, balance, by_fund, cash_of, lines
from coopbank.bank.lending.scheduled import ScheduledRun, State
from coopbank.finance.schedule import Row

START = date(2026, 3, 2)
LENT = 12_000_00
MONTHLY: dict[str, Any] = {
    "annual_rate": "7.25", "installments": 24, "every": {"months": 1}, "day_count": "actual/365",
}  # fmt: skip
TWO_FUNDS = {"RLF": 6_000, "GEN": 4_000}
THREE_FUNDS = {"RLF": 3_333, "GEN": 3_333, "SOL": 3_334}


def day(text: str) -> date:
    return date.fromisoformat(text)


def agreed(version: int = 1, repayment: str = "schedule", **changes: Any) -> Contract:
    """Terms: those of a monthly loan but for what is said."""
    others = {name: changes.pop(name) for name in ("order", "early", "late_fee") if name in changes}
    return Contract(version, repayment, {**MONTHLY, **changes}, **others)


class Story:
    """Facts of one loan in the order in which the bank hears of them."""

    def __init__(self, *contracts: Contract, principal: int = LENT, **changes: Any) -> None:
        self.contracts = {each.version: each for each in contracts or (agreed(**changes),)}
        self.principal = principal
        self.facts: list[Fact] = []

    def add(self, type_: str, on: date | str, **data: Any) -> Story:
        on = on if isinstance(on, date) else day(on)
        self.facts.append(Fact(len(self.facts) + 1, type_, on, data))
        return self

    def lent(self, on: date | str = START, amount: int | None = None) -> Story:
        return self.add("advance", on, amount=self.principal if amount is None else amount)

    def paid(self, on: date | str, amount: int, early: str = "next") -> Story:
        return self.add("payment", on, amount=amount, **({} if early == "next" else {"early": early}))

    def run(self, until: date | None = None) -> ScheduledRun:
        """The story told from its first fact, up to a day."""
        facts = [fact for fact in self.facts if until is None or fact.on <= until]
        return ScheduledRun(self.contracts, self.principal, "USD").tell(facts)

    def rows(self) -> tuple[Row, ...]:
        """What the calculator draws for the money paid out at once on the first day."""
        return drawn(first_plan(self.contracts[1].document, self.facts[0].on, self.principal), "USD").rows


def assert_sound(run: ScheduledRun, *shares: dict[str, int]) -> None:
    """Contract owed = 701 + 781 + 791 + M10 + M20; nothing below zero, in no fund either; every fund near its share."""
    s = run.state
    assert min(s.principal, s.interest, s.fees_owed, s.overpaid, s.lent, s.interest_run) >= 0, s
    assert s.owed == sum(balance(s.flows, code) for code in OWED)
    assert balance(s.flows, "M10") == 0 or balance(s.flows, "M20") == 0
    for each in shares:
        book = by_fund(s.flows, each)
        whole = sum(each.values())
        for code in ("701", "781", "791"):
            all_of_it = balance(s.flows, code)
            parts = {fund: balance(book.get(fund, {}), code) for fund in each}
            assert sum(parts.values()) == all_of_it
            assert min(parts.values()) >= 0, (code, parts)
            assert all_of_it or not any(parts.values()), (code, parts)
        for flow, amount in s.flows.items():
            parts = {fund: flows.get(flow, 0) for fund, flows in book.items()}
            assert sum(parts.values()) == amount
            if flow != "overpaid":
                for fund, share in each.items():
                    assert abs(parts.get(fund, 0) - amount * share / whole) < 2, (flow, parts)
        assert_balanced(book)


def assert_balanced(book: Book) -> None:
    """Each fund's lines and its cash come to zero, memo apart."""
    cash = cash_of(book)
    for memo in (False, True):
        sums: dict[str, int] = {} if memo else dict(cash)
        for fund, code, amount in lines("L-001", "M0001", book):
            if code.startswith("M") == memo:
                sums[fund] = sums.get(fund, 0) + amount
        assert not any(sums.values()), sums


# --------------------------------------------------------------------------------- any lives


def a_life(chance: random.Random, story: Story, *, events: int = 14, kinds: Iterable[str] = ()) -> Story:
    """Random facts that could happen to this loan, in the order of their days."""
    today = START
    story.lent(today)
    for _ in range(events):
        today += timedelta(days=chance.choice([0, 1, 3, 17, 29, 31, 45, 90]))
        now = story.run().standing(today)
        if not now.owed:
            break
        _something(chance, story, today, chance.choice([*kinds] or list(_KINDS)))
    return story


_KINDS = ("payment", "payment", "payment", "payment", "fee", "waiver", "pause", "non-accrual", "accrual", "write-down",
          "rate", "charge-off")  # fmt: skip


def _something(chance: random.Random, story: Story, today: date, kind: str) -> None:
    run = story.run()
    now = run.standing(today)
    if now.charged_off:
        kind = "payment"
    if kind == "payment":
        row = run.state.runs[0][1] if run.state.runs else 1
        amount = chance.choice([1, row, row, now.due.total or row, row * 3, now.interest + 1, now.owed // 2])
        story.paid(today, max(1, min(amount, now.owed)), chance.choice(["next", "shorten", "lower"]))
    elif kind == "fee":
        story.add("fee", today, amount=chance.choice([1, 25_00]), what="late")
    elif kind == "waiver" and now.interest + now.fees:
        story.add("waiver", today, interest=chance.choice([now.interest, now.interest // 3]), fees=now.fees)
    elif kind == "pause":
        story.add("pause", today, until=(today + timedelta(days=chance.choice([0, 10, 40]))).isoformat())
    elif kind == "non-accrual":
        story.add("non-accrual", today, method=chance.choice(["recovery", "cash"]))
    elif kind in ("accrual", "charge-off"):
        story.add(kind, today)
    elif kind == "write-down":
        story.add("write-down", today, principal=1 + now.principal // 5, **chance.choice([{}, {"gift": True}]))
    elif kind == "rate":
        _rate(chance, story, today)


def _rate(chance: random.Random, story: Story, today: date) -> None:
    last = max(story.contracts)
    new = story.contracts[last].document | {"annual_rate": chance.choice(["0", "3", "9.99", "18"])}
    story.contracts[last + 1] = Contract(last + 1, story.contracts[last].repayment, new)
    story.add("terms", today, version=last + 1, how="rate")


# ------------------------------------------------------------------------- as the bank records


class NoBooks:
    """What a loan in memory asks of its books: no cheque that may come back repaid it."""

    def holds(self, _fund: str, _code: str, _on: date) -> int:
        return 0


def loan_of(story: Story, shares: dict[str, int] | None = None) -> LoanAccount:
    """A loan of these terms of which nothing happened yet, held in memory alone."""
    body = records.Loan(
        member="M0001", product="TERM", product_version=1, repayment=story.contracts[1].repayment,
        funds=shares or {"RLF": 1}, principal=story.principal, annual_rate=story.contracts[1].document["annual_rate"],
        granted_on=START.isoformat(), granted_by="ana",
        book=by_fund({"promised": story.principal}, shares or {"RLF": 1}),
    )  # fmt: skip
    loan = LoanAccount(NoBooks(), "L-001", body, "USD")  # type: ignore[arg-type]
    loan.__dict__ |= {"contracts": dict(story.contracts), "facts": []}
    return loan


def recorded(loan: LoanAccount, facts: Iterable[Fact]) -> Iterator[Outcome]:
    """Each fact told to the bank in this order, and what that leads to."""
    for fact in facts:
        done = tell(loan, [(fact.type, fact.on, fact.data)])
        loan.body = done.after
        loan.__dict__["facts"] = in_order([*loan.facts, *done.facts])
        yield done


def again(state: State) -> State:
    """The state as it is read back from a record."""
    return State.of(state.as_document())
