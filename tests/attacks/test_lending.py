"""Attacks on lending: many hands on one loan, lives without one of their days, hostile words at the command line."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from coopbank.bank.bank import Bank
from coopbank.bank.lending.accounts import account
from coopbank.bank.lending.reported import ReportedRun
from coopbank.bank.operation import CATALOGUE
from coopbank.clock import SetClock
from coopbank.errors import DatabaseBusy, Refused
from tests.bank.support_lending import close_months_before, copy_of, facts, standing, stored, visit
from tests.bank.support_twins import CLOSE, START, Step, act, as_if_never, assert_leaves, borrow, found, leaves, told
from tests.cli.conftest import Run, assert_books, books, folder, furnished, run
from tests.support_bank import SmallBank, new_bank
from tests.support_bank import assert_books as assert_proven

__all__ = ["books", "folder", "furnished", "run"]  # fixtures of the command line's tests

HANDS = 4


# -------------------------------------------------------------------------------- many hands at once


@pytest.fixture
def lender(engine_url: str) -> Iterator[SmallBank]:
    """On either engine: money to lend, a member, a loan of 12,000.00 paid out by two funds."""
    with new_bank(engine_url) as bank:
        for fund in ("RLF", "GEN"):
            bank.do("receive-gift", by=bank.tom, amount="50000.00", donor="Many", fund=fund, tender="transfer")
        bank.admit("Mia Lee")
        borrow(bank, other_funds="GEN 33.33")
        yield bank
        assert_proven(bank)
        assert_leaves(bank, "L-001")


def together(bank: SmallBank, place: str, work: Callable[[SmallBank, int], str]) -> list[str]:
    """What each of some hands answers, each with a connection of its own, all at once."""
    answers: list[str] = []
    failed: list[BaseException] = []
    start = threading.Barrier(HANDS)

    def hand(index: int) -> None:
        opened = Bank.open(place, clock=SetClock(bank.clock.instant))
        try:
            own = SmallBank(opened, SetClock(bank.clock.instant))
            start.wait()
            answers.append(work(own, index))
        except BaseException as error:
            failed.append(error)
        finally:
            opened.close()

    threads = [threading.Thread(target=hand, args=(index,)) for index in range(HANDS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed
    return answers


def tried(own: SmallBank, operation: str, key: str | None = None, **values: Any) -> str:
    """What comes of an operation of tom's, tried again while the books are busy."""
    request = own.bank.build(operation, {"tender": "transfer", **values})
    while True:
        try:
            return own.bank.perform(own.tom, request, key=key).status
        except DatabaseBusy:
            continue
        except Refused as refusal:
            return refusal.code


def test_payments_at_once_lose_nothing(lender: SmallBank, engine_url: str) -> None:
    visit(lender, "2026-04-20")

    def pay(own: SmallBank, index: int) -> str:
        for time in range(5):
            day = date(2026, 4, 20) - timedelta(days=(index * 7 + time * 3) % 40)  # in any order of value dates
            assert tried(own, "repay-loan", loan="L-001", amount=f"{index + 1}.0{time}", value_date=str(day)) == "done"
        return "done"

    assert together(lender, engine_url, pay) == ["done"] * HANDS
    wanted = sorted(100 * (index + 1) + time for index in range(HANDS) for time in range(5))
    assert sorted(fact.data["amount"] for fact in facts(lender, "L-001") if fact.type == "payment") == wanted
    assert lender.balance("731/FIRST", "POOL") == 100_000_00 - 12_000_00 + sum(wanted)
    paid = stored(lender, "L-001").told
    assert paid["interest_paid"] + paid.get("principal_paid", 0) == sum(wanted)


def test_one_slip_in_many_hands_is_one_payment(lender: SmallBank, engine_url: str) -> None:
    said = together(lender, engine_url, lambda own, _: tried(own, "repay-loan", "slip 7", loan="L-001", amount="9.00"))
    assert Counter(said) == {"done": 1, "repeated": HANDS - 1}
    assert sum(fact.type == "payment" for fact in facts(lender, "L-001")) == 1


def test_a_loan_is_paid_off_once(lender: SmallBank, engine_url: str) -> None:
    said = together(lender, engine_url, lambda own, _: tried(own, "repay-loan", loan="L-001", amount="12000.00"))
    assert Counter(said) == {"done": 1, "wrong-state": HANDS - 1}
    assert stored(lender, "L-001").state == "paid"


def test_a_line_is_not_drawn_beyond_its_limit(lender: SmallBank, engine_url: str) -> None:
    line = act(lender, "grant-loan", member="M0001", principal="1000.00", annual_rate="8", product="LINE").created[0]
    said = together(lender, engine_url, lambda own, _: tried(own, "disburse-loan", loan=line, amount="400.00"))
    assert Counter(said) == {"done": 2, "overdrawn": HANDS - 2}
    assert standing(lender, line, "2026-03-02").available == 200_00


def test_a_payment_is_reversed_once(lender: SmallBank, engine_url: str) -> None:
    number = act(lender, "repay-loan", loan="L-001", amount="100.00").number
    asked = [lender.ask("reverse", lender.tom, operation=number, reason="x", replay=True) for _ in range(HANDS)]

    def agree(own: SmallBank, index: int) -> str:
        request = own.bank.build("approve", {"request": asked[index].request})
        while True:
            try:
                return own.bank.perform(own.sue, request).then[0].status
            except DatabaseBusy:
                continue
            except Refused as refusal:
                return refusal.code

    assert Counter(together(lender, engine_url, agree)) == {"done": 1, "cannot-reverse": HANDS - 1}
    assert lender.balance("701/L-001", "RLF") + lender.balance("701/L-001", "GEN") == 12_000_00


# ------------------------------------------------------------------------------ what waits meanwhile


def test_what_waited_for_a_second_person_is_looked_at_again(lender: SmallBank) -> None:
    """Between the asking and the approval the loan was paid: nothing happens, and the request may be taken back."""
    visit(lender, "2026-04-20")
    asked = [
        lender.ask("payment-holiday", lender.tom, loan="L-001", payments=2, why="x"),
        lender.ask("waive-charges", lender.tom, loan="L-001", interest="100.00", why="x"),
        lender.ask("write-down", lender.tom, loan="L-001", principal="12000.00", resolution="x"),
        lender.ask("charge-off", lender.tom, loan="L-001", resolution="x", why="x"),
    ]
    act(lender, "repay-loan", loan="L-001", amount="500.00")
    before = told(lender, "L-001"), leaves(lender)
    for request, error in ((asked[1], "invalid-amount"), (asked[2], "invalid-amount")):
        with pytest.raises(Refused) as refused:
            lender.do("approve", by=lender.sue, request=request.request)
        assert refused.value.code == error
    assert (told(lender, "L-001"), leaves(lender)) == before
    act(lender, "repay-loan", loan="L-001", amount=lender.text(standing(lender, "L-001", "2026-04-20").payoff))
    for request in asked:
        with pytest.raises(Refused) as refused:
            lender.do("approve", by=lender.sue, request=request.request)
        assert refused.value.code == "wrong-state"
        lender.do("take-back", by=lender.tom, request=request.request)


def test_two_grants_that_wait_cannot_both_have_the_fund_s_money(lender: SmallBank) -> None:
    grants = [lender.ask("grant-loan", lender.ana, member="M0001", principal="30000.00") for _ in range(2)]
    lender.do("approve", by=lender.tom, request=grants[0].request)
    with pytest.raises(Refused) as refused:
        lender.do("approve", by=lender.tom, request=grants[1].request)
    assert refused.value.code == "overdrawn"


# ------------------------------------------------------------------- any life, without one of its days

SCHEDULES: list[dict[str, Any]] = [
    {"annual_rate": "7.25", "installments": 12}, {"annual_rate": "7.25", "installments": 24, "day_count": "30/360"},
    {"annual_rate": "9", "installments": 18, "day_count": "equal-periods"}, {"annual_rate": "0", "installments": 10},
    {"annual_rate": "12", "installments": 12, "principal_grace": 3}, {"product": "SEASON", "installments": 6},
    {"annual_rate": "12", "installments": 12, "interest_postponed": 3}, {"product": "LINE", "installments": 12},
    {"annual_rate": "12", "installments": 12, "interest_free": 3}, {"every": "2 weeks", "installments": 20},
    {"product": "EQUAL", "annual_rate": "6.5", "installments": 9, "first_due": "2026-04-20"},
]  # fmt: skip
REPORTS: list[dict[str, Any]] = [
    {"product": "SURPLUS", "outer_date": "2029-03-02"},
    {"product": "SURPLUS", "annual_rate": "20", "share_percent": "100", "cost_cap_percent": "10",
     "outer_date": "2026-12-31", "every": "1 month", "report_days": 5, "loss_carry_forward": "no"},
    {"product": "REVENUE", "outer_date": "2028-03-02"},
    {"product": "REVENUE", "share_percent": "20", "multiple": "1.5", "outer_date": "2026-12-31", "every": "1 month",
     "cost_cap_percent": "25"},
]  # fmt: skip
FUNDS = ["", "GEN 40", "GEN 33.33", "GEN 0.01"]


class Chances:
    """What may happen next to a loan, by chance: sensible, absurd, late and twice."""

    def __init__(self, bank: SmallBank, seed: int) -> None:
        self.bank, self.rng, self.today = bank, random.Random(seed), START

    def any_day(self) -> str:
        """Today, or some time ago."""
        return str(self.today - timedelta(days=self.rng.choice([0, 0, 1, 5, 17, 40])))

    def step(self) -> tuple[str, dict[str, Any]]:
        """An operation and its values."""
        with self.bank.read() as view:
            loan = account(view, "L-001")
            self.now, self.run = loan.standing(self.today), loan.run()
        names = self.reported if isinstance(self.run, ReportedRun) else self.scheduled
        name = self.rng.choice([*["repay-loan"] * 5, "disburse-loan", "write-down", "close-commitment", *names])
        return name, {"loan": "L-001", **getattr(self, name.replace("-", "_"))()}

    scheduled = ("change-rate", "extend-loan", "move-due-date", "payment-holiday", "re-amortize", "pause-interest",
                 "waive-charges", "stop-accrual", "resume-accrual", "charge-off")  # fmt: skip
    reported = (*["file-report"] * 5, *["accept-report"] * 7, "move-outer-date", "charge-off")

    def amount(self, *minor: int) -> str:
        return self.bank.text(max(1, self.rng.choice(minor)))

    def repay_loan(self) -> dict[str, Any]:
        owed = self.now.owed
        early = self.rng.choice([{}, {"early": "next"}, {"early": "shorten"}, {"early": "lower"}])
        amount = self.amount(1, 7_77, 100_00, self.now.due.total, owed // 2, owed, owed + 1)
        return {"amount": amount, "value_date": self.any_day(), **early}

    def disburse_loan(self) -> dict[str, Any]:
        return {"amount": self.amount(self.now.committed, 100_00)}

    def write_down(self) -> dict[str, Any]:
        principal = self.now.principal
        return {"principal": self.amount(principal, principal // 3, 1), "gift": self.rng.random() < 0.3}

    def close_commitment(self) -> dict[str, Any]:
        return {}

    def charge_off(self) -> dict[str, Any]:
        return {"resolution": self.rng.choice(["", "R-1"])}

    def change_rate(self) -> dict[str, Any]:
        return {"annual_rate": self.rng.choice(["0", "3", "7.25", "24.9"]), "from_day": self.any_day()}

    def extend_loan(self) -> dict[str, Any]:
        return {"extra_installments": self.rng.choice([1, 3, 12])}

    def move_due_date(self) -> dict[str, Any]:
        return {"next_due": str(self.today + timedelta(days=self.rng.choice([0, 1, 9, 30, 400])))}

    def payment_holiday(self) -> dict[str, Any]:
        return {"payments": self.rng.choice([1, 2, 6])}

    def re_amortize(self) -> dict[str, Any]:
        return self.rng.choice([{}, {"installments": 1}, {"installments": 30}])

    def pause_interest(self) -> dict[str, Any]:
        first = date.fromisoformat(self.any_day())
        return {"from_day": str(first), "until": str(first + timedelta(days=self.rng.choice([0, 5, 30, 90])))}

    def waive_charges(self) -> dict[str, Any]:
        return {"interest": self.amount(self.now.interest, self.now.interest // 2)}

    def stop_accrual(self) -> dict[str, Any]:
        return {"method": self.rng.choice(["recovery", "cash"]), "stop_interest": self.rng.random() < 0.3}

    def resume_accrual(self) -> dict[str, Any]:
        return {}

    def file_report(self) -> dict[str, Any]:
        assert isinstance(self.run, ReportedRun)
        figure = self.rng.choice(["0.00", "12.34", "400.00", "2000.00", "-150.00", "-3000.00", "90000000.00"])
        filed = sorted({each.period for each in self.run.facts.reports})
        again = {"period": self.rng.choice(filed), "correction": True} if filed and self.rng.random() < 0.4 else {}
        revenue = {} if self.run.contract.repayment == "surplus" else {"revenue": figure.removeprefix("-")}
        return {"surplus": figure, **revenue, **again}

    def accept_report(self) -> dict[str, Any]:
        assert isinstance(self.run, ReportedRun)
        waiting = [each.period for each in self.run.facts.reports if each.accepted_on is None]
        return {"period": self.rng.choice(waiting or [1])}

    def move_outer_date(self) -> dict[str, Any]:
        return {"outer_date": str(self.today + timedelta(days=self.rng.choice([1, 200, 900])))}


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return found(tmp_path_factory.mktemp("founded") / "book.db")


def live(bank: SmallBank, seed: int, kinds: list[dict[str, Any]], length: int = 14) -> list[Step]:
    """A life by chance; the steps that were done. What was refused names a field and changed nothing."""
    chance = Chances(bank, seed)
    rng = chance.rng
    terms = {"member": "M0001", "principal": "1234.56", **rng.choice(kinds)}
    if other := rng.choice(FUNDS):
        terms["other_funds"] = other
    paid_out = {"loan": "L-001", "amount": rng.choice(["1234.56", "500.00"])}
    steps: list[Step] = [(str(START), "grant-loan", terms), (str(START), "disburse-loan", paid_out)]
    for _day, operation, values in steps:
        act(bank, operation, **values)
    for _ in range(length):
        chance.today += timedelta(days=rng.choice([0, 0, 1, 3, 10, 20, 31, 31, 60]))
        visit(bank, chance.today)
        if rng.random() < 0.3:
            close_months_before(bank, chance.today)
            steps.append((str(chance.today), CLOSE, {}))
        operation, values = chance.step()
        before = told(bank, "L-001"), leaves(bank)
        try:
            act(bank, operation, **values)
        except Refused as refusal:
            assert (told(bank, "L-001"), leaves(bank)) == before
            assert refusal.field in CATALOGUE[operation].model_fields, f"{operation}: {refusal.field}: {refusal}"
            assert "{" not in str(refusal)
            continue
        steps.append((str(chance.today), operation, values))
        assert_leaves(bank, "L-001")
        then = standing(bank, "L-001", str(chance.today + timedelta(days=rng.choice([0, 45, 4000]))))
        assert min(then.standing.principal, then.standing.interest, then.standing.fees, then.next_amount) >= 0
        assert 0 <= then.due.total <= then.standing.owed
    return steps


@pytest.mark.parametrize("kinds", [SCHEDULES, REPORTS], ids=["schedules", "reports"])
@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(4, 60))])
def test_any_life_without_one_of_its_days(founded: Path, tmp_path: Path, kinds: Any, seed: int) -> None:
    """Whatever is taken back of a life, the books are those of a bank where it never was, if that life can be lived."""
    bank = copy_of(founded, tmp_path / "book.db")
    try:
        steps = live(bank, seed, kinds)
        assert_proven(bank)
    finally:
        bank.bank.close()
    money = [place for place, step in enumerate(steps) if step[1] != CLOSE][2:]
    for taken in random.Random(seed).sample(money, min(2, len(money))):
        try:
            as_if_never(founded, tmp_path, steps, taken)
        except Refused:
            continue  # something rests on it, or what came later could not have been done without it


# ---------------------------------------------------------------------------- the command line

WORDS = ["<b>bold</b>", "[red]ink[/red]", "[/]", "=1+1", "\"'`;--", "two\nlines", "\u202etxet", "{braces} %s {0}",
         "🏦" * 20, "'; DROP TABLE entry; --", "--help", "\\[x]", "\t\ttab"]  # fmt: skip
ANA, TOM = ("--as", "ana"), ("--as", "tom")


@pytest.fixture
def proven(books: Path) -> Iterator[Path]:
    yield books
    assert_books(books)


@pytest.mark.parametrize("words", WORDS)
def test_hostile_words_break_no_answer(run: Run, proven: Path, words: str) -> None:
    grant = ("do", "grant-loan", "--member", "M0001", "--principal", "300.00", f"--purpose={words}")
    answer = run(*ANA, *grant, "--json")
    assert answer.code in (0, 3), answer.out
    request = answer.document["request"]
    assert run(*TOM, "do", "approve", "--request", request).code == 0
    assert run(*TOM, "do", "disburse-loan", "--loan", "L-002", f"--paid-to={words}").code == 0
    answer = run(*ANA, "do", "change-rate", "--loan", "L-002", "--annual-rate", "5", f"--why={words}", "--json")
    assert run(*TOM, "do", "approve", "--request", answer.document["request"]).code == 0
    plain = words.strip()
    for arguments in (("loan", "L-002"), ("loans",), ("explain", "L-002", "--row", "1"),
                      ("explain", "L-002", "--payoff", "2026-04-02")):  # fmt: skip
        shown = run(*arguments)
        assert shown.code == 0, shown.err
        assert "\u202e" not in shown.out, "no mark turns the line round"
        answer = run(*arguments, "--json")
        assert answer.document
    assert run("loan", "L-002", "--json").document["purpose"] == plain
    if plain.isascii() and plain.isprintable():
        assert plain in run("loan", "L-002").out, "as it was written, and nothing of it is markup"


def test_words_that_are_too_many(run: Run, proven: Path) -> None:
    for name in ("--purpose", "--other-funds", "--number"):
        answer = run(*ANA, "do", "grant-loan", "--member", "M0001", "--principal", "30.00", f"{name}={'x' * 10_000}",
                     "--json")  # fmt: skip
        assert answer.code == 1
        assert answer.error["field"] == name.removeprefix("--").replace("-", "_")
        assert len(answer.out) < 5_000, "a refusal does not repeat all that was typed"
