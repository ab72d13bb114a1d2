"""Two years of a bank with every kind of loan: its books are right after each of its days.

Each evening every loan is told again from its facts and held against its accounts, and each
month all of verify is run. `make soak` runs all of it every evening, for several banks.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from coopbank.bank import records
from coopbank.bank.bank import Bank
from coopbank.bank.books import Books
from coopbank.bank.lending.accounts import LoanAccount, facts_of
from coopbank.bank.lending.closing import all_loans
from coopbank.bank.lending.flows import OWN, on_leaf, real_fund
from coopbank.bank.lending.proof import faults_of
from coopbank.bank.verify import verify
from coopbank.demo import run_demo
from coopbank.demo_institutions import COMPOSTER
from coopbank.finance.voting import count, read_box
from coopbank.ledger.verify import wrong
from coopbank.reports.decisions import ballot_box, resolutions
from coopbank.reports.surplus import surplus

#: What a loan can go through; the demonstration of this seed brings about all of it.
KINDS = {"TERM", "EQUAL", "SEASON", "LINE", "SURPLUS", "REVENUE"}
HAPPENS = {
    "apply-for-loan", "grant-loan", "disburse-loan", "repay-loan", "pledge-collateral", "sell-participation",
    "remit-participation", "file-report", "accept-report", "change-rate", "move-due-date", "extend-loan",
    "payment-holiday", "re-amortize", "waive-charges", "grade-loan", "stop-accrual", "charge-off", "refinance-loan",
    "provide", "close-month",
}  # fmt: skip
#: And what else a co-operative bank lives through.
COMMONS = {
    "set-loss-waterfall", "set-programme", "define-note-class", "issue-note", "repay-note", "spend-gift", "buy-parcel",
    "recognise-donated-work", "receive-ground-rent", "give-aid", "file-aid-receipt", "lend-to-fund", "repay-fund",
    "set-body", "seat-member", "set-mandate", "call-meeting", "propose-resolution", "declare-interest", "record-vote",
    "record-count", "close-vote", "open-poll", "give-ballots", "load-ballots", "declare-result", "write-credit-memo",
    "consent-to-share", "close-year", "set-surplus-rules", "propose-surplus", "allocate-surplus", "pay-patronage",
    "pay-dividend", "redeem-patronage", "accept-redemption", "pay-redemption", "bill-dues", "receive-dues",
    "define-register", "add-entry", "change-entry",
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
    assert evenings.days > 500
    assert products == KINDS
    assert kinds >= HAPPENS | COMMONS
    with bank.read() as books:
        commons_are_right(books)
    bank.close()


def commons_are_right(books: Books) -> None:
    """The assembly divided a surplus, a loss was borne in order, and the composter paid by its surplus."""
    year = surplus(books, "2025")
    assert year.resolution == "RES-00002"
    vote = books.get(records.Resolution, "RES-00002")
    assert (vote.body, vote.state) == ("ASSEMBLY", "carried")
    voted = sum(step.amount for step in year.steps)
    assert voted == year.result and all(step.amount > 0 for step in year.steps)
    ((loan, borne),) = books.every(records.LossAttribution)
    assert sum(amount for _rank, _who, amount in borne.shares["RLF"]) == borne.funds["RLF"] > 0
    composter = next(ref for ref, body in books.every(records.Loan) if body.member == COMPOSTER)
    paid = [fact for fact in facts_of(books, [composter])[composter] if fact.type == "payment"]
    assert loan != composter and paid, "its surplus repaid a part"
    (council,) = [line for line in resolutions(books) if line.body == "LOANS"]
    assert council.used == council.amount
    box = ballot_box(books, "PL-00002")
    assert count(read_box(box.text)) == box.count and box.count.won


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_all_of_verify_after_each_day_of_two_years(tmp_path: Path, seed: int) -> None:
    place = str(tmp_path / "ledger.db")
    bank = run_demo(place, seed=seed, members=60, echo=lambda _line: None, each_day=books_are_right)
    assert what_happened(bank)[0] == KINDS
    bank.close()
