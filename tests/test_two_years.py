"""Two years of a bank with every kind of loan: its books are right after each of its days.

Each evening every loan is told again from its facts and held against its accounts, and each
month all of verify is run. `make soak` runs all of it every evening, for several banks.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from coopbank.bank.bank import Bank
from coopbank.bank.lending.accounts import LoanAccount
from coopbank.bank.lending.closing import all_loans
from coopbank.bank.lending.flows import OWN, on_leaf, real_fund
from coopbank.bank.lending.proof import faults_of
from coopbank.bank.verify import verify
from coopbank.demo import run_demo
from coopbank.ledger.verify import wrong

#: What a loan can go through; the demonstration of this seed brings about all of it.
KINDS = {"TERM", "EQUAL", "SEASON", "LINE", "SURPLUS", "REVENUE"}
HAPPENS = {
    "apply-for-loan", "grant-loan", "disburse-loan", "repay-loan", "pledge-collateral", "sell-participation",
    "remit-participation", "file-report", "accept-report", "change-rate", "move-due-date", "extend-loan",
    "payment-holiday", "re-amortize", "waive-charges", "grade-loan", "stop-accrual", "charge-off", "refinance-loan",
    "provide", "close-month",
}  # fmt: skip


def loans_are_right(bank: Bank) -> None:
    """Every loan is what its facts lead to, and what it owes by contract stands on its accounts."""
    with bank.read() as books:
        for ref, _version, body in list(all_loans(books)):
            assert list(faults_of(LoanAccount(books, ref, body, "USD"))) == []
            for fund in {real_fund(name) for name in body.book}:
                for account in OWN:
                    assert books.balance(fund, f"{account}/{ref}") == on_leaf(body.book, fund, account), (ref, account)


def books_are_right(bank: Bank) -> None:
    """All of verify."""
    assert wrong(verify(bank.database)) == []


class Evenings:
    """What is looked at each evening: the loans, and all of the books once a month."""

    def __init__(self) -> None:
        self.days = 0

    def __call__(self, bank: Bank) -> None:
        self.days += 1
        loans_are_right(bank)
        if self.days % 21 == 0:
            books_are_right(bank)


def what_happened(bank: Bank) -> tuple[set[str], set[str]]:
    with bank.read() as books:
        products = {body.product for _ref, _version, body in list(all_loans(books))}
        kinds = {str(kind) for (kind,) in books.tx.rows("SELECT DISTINCT kind FROM operation")}
    return products, kinds


def test_the_books_are_right_after_each_day_of_two_years(tmp_path: Path) -> None:
    evenings = Evenings()
    bank = run_demo(str(tmp_path / "ledger.db"), members=60, echo=lambda _line: None, each_day=evenings)
    products, kinds = what_happened(bank)
    bank.close()
    assert evenings.days > 500
    assert products == KINDS
    assert kinds >= HAPPENS


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_all_of_verify_after_each_day_of_two_years(tmp_path: Path, seed: int) -> None:
    place = str(tmp_path / "ledger.db")
    bank = run_demo(place, seed=seed, members=60, echo=lambda _line: None, each_day=books_are_right)
    assert what_happened(bank)[0] == KINDS
    bank.close()
