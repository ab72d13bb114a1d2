"""Loans with any life, through the operations: whatever is done, typed late or taken back, the books are proven.

Each life is a random walk over every operation that a loan knows, on days that go by, with months
that are closed now and then. What is refused is refused by the bank's own errors and names a field of
the form; it changes nothing. In between, and at the end, every loan is what its facts lead to.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from coopbank.bank.books import Actor
from coopbank.bank.lending.accounts import account
from coopbank.bank.operation import CATALOGUE
from coopbank.errors import CoopbankError, Overdrawn
from tests.bank.support_lending import (
    assert_replayed,
    close_months_before,
    copy_of,
    lend_to_us,
    standing,
    stored,
    visit,
)
from tests.support_bank import SmallBank, assert_books

LIVES = 30
STEPS = 45

#: Terms of loans of all kinds; the money comes from one, two or three funds.
LOANS: list[dict[str, Any]] = [
    {"annual_rate": "7.25", "installments": 12, "other_funds": "GEN 40"},
    {"annual_rate": "12", "installments": 18, "day_count": "30/360", "other_funds": "GEN 33.33, SOL 33.34"},
    {"annual_rate": "9", "installments": 8, "months": [5, 9, 10, 11], "first_due": "2026-05-31"},
    {"annual_rate": "6", "installments": 10, "method": "equal-principal", "principal_grace": 2},
    {"annual_rate": "18", "installments": 26, "every": {"weeks": 2}, "day_count": "equal-periods"},
    {"product": "FEES", "annual_rate": "7.25", "installments": 12, "other_funds": "GEN 50"},
    {"product": "LINE", "annual_rate": "8", "installments": 9, "other_funds": "SOL 20"},
    {"product": "SURPLUS", "annual_rate": "8", "share_percent": "50", "outer_date": "2028-03-02",
     "every": {"months": 3}, "report_days": 20, "other_funds": "GEN 40"},
    {"product": "REVENUE", "share_percent": "10", "multiple": "1.3", "outer_date": "2028-03-02",
     "every": {"months": 3}},
    {"annual_rate": "6", "installments": 9, "peer": "35"},
]  # fmt: skip


def begun(bank: SmallBank) -> None:
    """A bank with three funds that lend, a reserve's account and a member."""
    bank.agreed("open-fund", by=bank.tom, approver=bank.sue, code="SOL", fund_name="Sol", fund_class="designated")
    bank.agreed("add-bank-account", by=bank.tom, approver=bank.sue, code="RESERVE", account_name="R", fund="LLR")
    for fund in ("RLF", "GEN", "SOL"):
        lend_to_us(bank, "60000.00", fund)
    product = {"code": "FEES", "product_name": "With late fees", "early": "lower", "late_fee_percent": "5"}
    bank.agreed("define-product", by=bank.tom, approver=bank.sue, **product, late_fee_days=5)
    bank.agreed("set-policy", by=bank.tom, approver=bank.sue, policy="accrual_payments", value="1")
    bank.do("receive-gift", by=bank.tom, amount="2000.00", donor="Many", tender="transfer", fund="LLR",
            bank_account="RESERVE")  # fmt: skip
    bank.admit("Mia Lee")


@pytest.fixture
def bank(founded: Path, tmp_path: Path) -> Iterator[SmallBank]:
    small = copy_of(founded, tmp_path / "book.db")
    yield small
    small.bank.close()


class Life:
    """A bank and its chances."""

    def __init__(self, bank: SmallBank, seed: int) -> None:
        self.bank, self.seed, self.chance = bank, seed, random.Random(seed)
        self.today = date(2026, 3, 2)
        self.loans: list[str] = []
        self.done: list[int] = []  # operations on loans, to be taken back some day
        self.cheques: list[str] = []
        self.counted: Counter[str] = Counter()

    def live(self) -> None:
        for terms in (LOANS[self.seed % len(LOANS)], self.chance.choice(LOANS)):
            self.grant(terms)
        for step in range(STEPS):
            if self.chance.random() < 0.5:
                self.go_on()
            self.chance.choice(self.doings)()
            if step % 9 == 0:
                self.prove()
        self.go_on()
        close_months_before(self.bank, self.today)
        self.prove()

    def prove(self) -> None:
        assert_replayed(self.bank)
        assert_books(self.bank)

    # ------------------------------------------------------------------------- doing

    def do(self, operation: str, /, by: Actor | None = None, **values: Any) -> Any:
        """Do it, with a second person if needed; a refusal names a field and changes nothing."""
        bank = self.bank
        values = {name: value for name, value in values.items() if value is not None}
        try:
            receipt = bank.ask(operation, by or bank.tom, **values)
            if receipt.status == "pending":
                receipt = bank.do("approve", by=bank.sue, request=receipt.request).then[0]
        except CoopbankError as refusal:
            self.counted[f"{operation} refused"] += 1
            name = (refusal.field or "").partition(".")[0]
            guard = isinstance(refusal, Overdrawn) and "code" in refusal.values  # a leaf's own, whatever was done
            assert guard or not name or name in CATALOGUE[operation].model_fields, (operation, name, str(refusal))
            assert "{" not in str(refusal)
            return None
        self.counted[operation] += 1
        if values.get("loan") and operation != "reverse":
            self.done.append(receipt.number)
        return receipt

    def grant(self, terms: dict[str, Any]) -> None:
        self.today = self.date_open()
        peer = terms.get("peer")
        terms = {name: value for name, value in terms.items() if name != "peer"}
        made = self.bank.agreed("grant-loan", member="M0001", principal="9000.00", **terms)
        loan = made.created[0]
        self.loans.append(loan)
        if peer:
            self.do("sell-participation", loan=loan, peer="PF-1", share_percent=peer, servicing_rate="0.5",
                    agreement="A-1")  # fmt: skip
        self.do("disburse-loan", loan=loan, amount=self.chance.choice(["9000.00", "4000.00", "2500.01"]))

    def date_open(self) -> date:
        with self.bank.read() as books:
            return books.business_date() or self.today

    def go_on(self) -> None:
        self.today += timedelta(days=self.chance.choice([1, 3, 9, 20, 31, 45]))
        visit(self.bank, self.today)
        if self.chance.random() < 0.4:
            close_months_before(self.bank, self.today)

    def one(self, *products: str) -> str:
        """Any loan; where products are named, mostly one of these."""
        fitting = [loan for loan in self.loans if stored(self.bank, loan).product in products]
        return self.chance.choice(fitting if fitting and self.chance.random() < 0.9 else self.loans)

    def back(self) -> str | None:
        """A value date: today, or some days ago."""
        days = self.chance.choice([0, 0, 0, 1, 12, 40, 100])
        return None if not days else (self.today - timedelta(days=days)).isoformat()

    @property
    def doings(self) -> list[Any]:
        often = [self.pay, self.pay, self.pay, self.pay, self.reverse, self.reverse]
        return [
            *often, self.more, self.ahead, self.apply, self.fee, self.waive, self.pause, self.rate, self.extend,
            self.move, self.holiday, self.spread, self.stop, self.resume, self.write_down, self.charge_off,
            self.cheque, self.bounce, self.report, self.report, self.accept, self.accept, self.end, self.refinance,
            self.remit, self.grade, self.provide, self.reopen,
        ]  # fmt: skip

    def pay(self, **values: Any) -> Any:
        loan = self.one()
        now = standing(self.bank, loan, self.today.isoformat())
        choices = [now.due_now, now.due_now, 250_00, 1, now.standing.interest, now.payoff, 800_00]
        amount = self.bank.text(max(1, self.chance.choice(choices)))
        early = self.chance.choice([None, None, "next", "shorten", "lower"])
        tender = values.pop("tender", "transfer")
        return self.do(
            "repay-loan", loan=loan, amount=amount, tender=tender, value_date=self.back(), early=early, **values
        )

    def ahead(self) -> None:
        self.pay(excess="unapplied")

    def apply(self) -> None:
        self.do("apply-unapplied", loan=self.one(), amount=self.chance.choice(["0.01", "20.00", "250.00"]))

    def more(self) -> None:
        loan = self.one()
        left = standing(self.bank, loan, self.today.isoformat()).available
        self.do("disburse-loan", loan=loan, amount=self.bank.text(max(1, self.chance.choice([left, left // 2, 1]))))

    def fee(self) -> None:
        self.do("charge-late-fee", loan=self.one())

    def waive(self) -> None:
        loan = self.one()
        now = standing(self.bank, loan, self.today.isoformat()).standing
        parts = {"interest": now.interest // 2, "fees": now.fees}
        self.do("waive-charges", loan=loan, why="hardship",
                **{name: self.bank.text(amount) for name, amount in parts.items() if amount})  # fmt: skip

    def pause(self) -> None:
        until = self.today + timedelta(days=self.chance.choice([0, 14, 60]))
        self.do("pause-interest", loan=self.one(), from_day=self.back(), until=until.isoformat(), why="flood")

    def rate(self) -> None:
        self.do("change-rate", loan=self.one(), annual_rate=self.chance.choice(["0", "4", "7.25", "15"]),
                from_day=self.back(), why="vote")  # fmt: skip

    def extend(self) -> None:
        self.do("extend-loan", loan=self.one(), extra_installments=self.chance.choice([1, 6]), why="vote")

    def move(self) -> None:
        on = self.today + timedelta(days=self.chance.choice([1, 10, 33]))
        self.do("move-due-date", loan=self.one(), next_due=on.isoformat(), why="payday")

    def holiday(self) -> None:
        self.do("payment-holiday", loan=self.one(), payments=self.chance.choice([1, 3]), why="winter")

    def spread(self) -> None:
        count = self.chance.choice([None, 6, 30])
        self.do("re-amortize", loan=self.one(), installments=count, why="vote")

    def stop(self) -> None:
        method = self.chance.choice(["recovery", "cash"])
        self.do("stop-accrual", loan=self.one(), method=method, stop_interest=self.chance.random() < 0.3, why="doubt")

    def resume(self) -> None:
        self.do("resume-accrual", loan=self.one(), why="paid")

    def write_down(self) -> None:
        amount = self.chance.choice(["100.00", "0.01", "1500.00"])
        gift = self.chance.choice([True, None])
        self.do("write-down", loan=self.one(), principal=amount, gift=gift, resolution="R-1")

    def charge_off(self) -> None:
        if self.chance.random() < 0.5:
            borne = {"reserve_account": "RESERVE", "from_reserve": self.chance.choice(["5.00", "900.00"])}
            self.do("charge-off", loan=self.one(), resolution="R-2", why="lost", **self.chance.choice([{}, borne]))

    def remit(self) -> None:
        self.do("remit-participation", peer="PF-1")

    def grade(self) -> None:
        self.do("grade-loan", by=self.bank.ana, loan=self.one(), grade=self.chance.choice("12345"), why="looked at")

    def provide(self) -> None:
        self.do("provide", month=f"{self.today:%Y-%m}")

    def reopen(self) -> None:
        month = f"{self.today.replace(day=1) - timedelta(days=1):%Y-%m}"
        if self.do("reopen-month", month=month, why="a bill came late") is not None:
            self.go_on()

    def cheque(self) -> None:
        self.bank.close_day()
        self.today += timedelta(days=1)
        self.bank.open_day(self.today, open_drawer=False)
        self.do("open-drawer", by=self.bank.ana, drawer="D1")
        took = self.do("repay-loan", by=self.bank.ana, loan=self.one(), amount="300.00", tender="cheque",
                       cheque_number="7")  # fmt: skip
        self.do("close-drawer", by=self.bank.ana, drawer="D1", counted="0.00")
        if took is not None:
            found = next(ref for ref in took.created if ref.startswith("CH-"))
            self.do("bank-cheques", cheques=[found])
            self.cheques.append(found)

    def bounce(self) -> None:
        if self.cheques:
            self.do("return-cheque", cheque=self.cheques.pop(self.chance.randrange(len(self.cheques))))

    @property
    def reports(self) -> bool:
        """Whether any loan is repaid by reports; now and then one is filed all the same."""
        found = {stored(self.bank, loan).product for loan in self.loans} & {"SURPLUS", "REVENUE"}
        return bool(found) or self.chance.random() < 0.1

    def report(self) -> None:
        if not self.reports:
            self.pay()
            return
        loan = self.one("SURPLUS", "REVENUE")
        figure = {"REVENUE": "revenue"}.get(stored(self.bank, loan).product, "surplus")
        amount = self.chance.choice(["0.00", "3000.00", "9000.00", *(["-500.00"] if figure == "surplus" else [])])
        again = self.chance.random() < 0.2
        self.do("file-report", loan=loan, **{figure: amount}, correction=again or None,
                period=self.chance.choice([1, 2]) if again else None)  # fmt: skip

    def accept(self) -> None:
        if not self.reports:
            self.pay()
            return
        loan = self.one("SURPLUS", "REVENUE")
        with self.bank.read() as books:
            filed = [fact.data["period"] for fact in account(books, loan).facts if fact.type == "report-filed"]
        self.do("accept-report", by=self.bank.ana, loan=loan, period=self.chance.choice([*filed, 1]))

    def end(self) -> None:
        if self.chance.random() < 0.2:
            self.do("close-commitment", loan=self.one(), reason="enough")

    def refinance(self) -> None:
        if self.chance.random() < 0.3 and len(self.loans) < 5:
            old = self.one()
            made = self.do("grant-loan", by=self.bank.ana, member="M0001", principal="11000.00", annual_rate="5",
                           installments=24, other_funds="GEN 50")  # fmt: skip
            if made is not None:
                self.loans.append(made.created[0])
                self.do("refinance-loan", loan=old, new_loan=made.created[0])

    def reverse(self) -> None:
        if self.done:
            number = self.done[-1 - min(self.chance.choice([0, 0, 1, 3, 8]), len(self.done) - 1)]
            replay = self.chance.choice([True, True, False])
            if self.do("reverse", operation=number, reason="wrong", replay=replay) is not None:
                self.done.remove(number)


@pytest.mark.parametrize("seed", range(LIVES))
def test_any_life(bank: SmallBank, seed: int) -> None:
    life = Life(bank, seed)
    life.live()
    assert life.counted.total() > STEPS // 2
