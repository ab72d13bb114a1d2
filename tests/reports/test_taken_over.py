"""Stories, paper and explanations of loans from old records, of schedules begun anew, and of a cap that bites."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from coopbank.bank.lending.accounts import account
from coopbank.bank.lending.position import loan_position
from coopbank.reports import member
from coopbank.reports.explained import explain
from coopbank.reports.loan import story
from tests.support_bank import SmallBank, assert_books, new_bank


@pytest.fixture
def small(tmp_path: Any) -> Iterator[SmallBank]:
    with new_bank(str(tmp_path / "book.db")) as made:
        made.admit("Ada Tate")
        for fund in ("RLF", "GEN"):
            made.do("receive-gift", by=made.tom, fund=fund, amount="60000.00", donor="A friend", tender="transfer")
        yield made
        assert_books(made)


def close(small: SmallBank, day: str, month: str) -> None:
    small.go_to(day, open_drawer=False)
    small.agreed("close-month", by=small.tom, approver=small.sue, month=month)


def agrees(small: SmallBank, loan: str, upto: str, brought: int = 0) -> None:
    """The paper closes at what the contract says, and its interest is explained month by month.

    `brought`: interest of the days of March before the loan was taken over.
    """
    with small.read() as books:
        today = books.business_date()
        assert today is not None
        (shown,) = [each for each in member(books, "M0001", date(2026, 3, 1), today).loans if each.ref == loan]
        held = account(books, loan)
        assert shown.closing == held.standing(date.fromisoformat(str(held.body.accrued_to))).owed
        assert shown.closing == shown.owed_principal + shown.owed_interest + shown.owed_fees
        added = sum(line.added for line in shown.lines if line.words.startswith(("Interest for", "Interest up to")))
        month, ran = date(2026, 3, 1), 0
        while month <= date.fromisoformat(upto):
            ran += explain(books, loan, "accrual", month).amount
            month = date(2026, month.month + 1, 1)
        assert ran == added + brought
        assert explain(books, loan, "payoff", today).amount == loan_position(books, loan, today).payoff
        assert story(books, loan).owed == loan_position(books, loan, today).standing.owed


def test_a_share_of_surplus_taken_over_meets_its_cap(small: SmallBank) -> None:
    old = {"loan": "L-002", "member": "M0001", "principal": "20000.00", "annual_rate": "8", "repayment": "surplus",
           "share_percent": "50", "cost_cap_percent": "50", "outer_date": "2027-01-01", "disbursed_on": "2025-01-01",
           "reports": [{"accepted_on": "2026-02-20", "surplus": "-3000.00"}]}  # fmt: skip
    memo = "1863.01"  # of 425 days
    lines = ["RLF 701/L-002 Dr 20000.00", f"RLF M10/L-002 Dr {memo}", f"RLF M19 Cr {memo}", "RLF 990 Cr 20000.00"]
    small.agreed("opening-balance", by=small.tom, approver=small.sue, lines=lines, loans=json.dumps([old]))
    close(small, "2026-04-01", "2026-03")
    agrees(small, "L-002", "2026-03-31", brought=438)
    with small.read() as books:
        nothing = explain(books, "L-002", "cap")
        assert nothing.amount == 0 and nothing.sentences[0].startswith("No interest can be taken")
        assert explain(books, "L-002", "due").sentences == ("Nothing is due on 2026-04-01: no surplus was reported.",)
        assert explain(books, "L-002", "payoff", date(2026, 4, 1)).amount == 2000000
        (shown,) = member(books, "M0001", date(2026, 3, 1), date(2026, 4, 1)).loans
        assert shown.reports[0] == "Nothing is due: no surplus was reported."


def test_a_loan_on_non_accrual_taken_over(small: SmallBank) -> None:
    old = {"loan": "L-003", "member": "M0001", "principal": "6000.00", "annual_rate": "9", "installments": 24,
           "disbursed_on": "2025-09-01", "paid_interest": "100.00"}  # fmt: skip
    lines = ["RLF 701/L-003 Dr 4900.00", "RLF M10/L-003 Dr 75.00", "RLF M19 Cr 75.00", "RLF 990 Cr 4900.00"]
    small.agreed("opening-balance", by=small.tom, approver=small.sue, lines=lines, loans=json.dumps([old]))
    small.go_to("2026-03-10")
    paid = small.do("repay-loan", loan="L-003", amount="100.00", tender="transfer").number
    with small.read() as books:
        found = explain(books, "L-003", "operation", paid)
        assert found.sentences[0] == "Payment of 100.00 = 84.67 of interest + 15.33 of principal."
        assert found.parts[1].of == "interest" and found.parts[1].explanation.amount == 8467
    agrees(small, "L-003", "2026-03-31")


def test_a_schedule_begun_anew_bills_what_was_owed_before_with_its_first_row(small: SmallBank) -> None:
    terms = {"principal": "6000.00", "annual_rate": "9", "installments": 24, "other_funds": "GEN 33.33"}
    loan = small.agreed("grant-loan", member="M0001", **terms).created[0]
    small.do("disburse-loan", by=small.tom, loan=loan, amount="4000.00")
    close(small, "2026-04-01", "2026-03")
    small.do("disburse-loan", by=small.tom, loan=loan)
    small.go_to("2026-04-20")
    small.do("repay-loan", loan=loan, amount="333.33", tender="transfer")
    close(small, "2026-05-06", "2026-04")
    small.agreed("re-amortize", loan=loan, why="By R-1")
    close(small, "2026-06-03", "2026-05")
    agrees(small, loan, "2026-05-31")
    with small.read() as books:
        at = loan_position(books, loan, date(2026, 6, 3))
        for row in at.rows:
            told = {part.of: part.explanation.amount for part in explain(books, loan, "row", row.n).parts}
            assert (told["payment"], told["interest"], told["principal"], told["balance"]) == (
                row.payment, row.interest, row.principal, row.balance,
            )  # fmt: skip
        versions = story(books, loan).terms
        assert [each.change for each in versions] == ["granted", "re-amortization"]


def test_a_peer_s_part_is_owed_by_the_borrower_too(small: SmallBank) -> None:
    loan = small.agreed("grant-loan", member="M0001", principal="10000.00", annual_rate="6", installments=24).created[0]
    small.agreed("sell-participation", by=small.tom, approver=small.sue, loan=loan, peer="PF-1", share_percent="40",
                 servicing_rate="0.5", agreement="PF-1/2026", tender="transfer")  # fmt: skip
    small.do("disburse-loan", by=small.tom, loan=loan)
    small.go_to("2026-04-01")
    paid = small.do("repay-loan", loan=loan, amount="450.00", tender="transfer").number
    agrees(small, loan, "2026-03-31")
    with small.read() as books:
        found = explain(books, loan, "operation", paid)
        assert found.sentences[0] == "Payment of 450.00 = 49.32 of interest + 400.68 of principal."
        funds = {part.of: part.explanation.amount for part in found.parts if part.of.startswith("fund ")}
        assert funds == {"fund RLF": 27000, "fund PF-1": 18000}
        told = story(books, loan)
        assert [(part.fund, part.percent) for part in told.funds] == [("RLF", "60"), ("PF-1", "40")]
        assert told.books["M30"] == 400000 - 16027 and told.owed_principal == told.books["701"] + told.books["M30"]


def test_a_cap_that_bites_at_maturity_waives_the_rest(small: SmallBank) -> None:
    terms = {"product": "SURPLUS", "principal": "3000.00", "annual_rate": "12", "share_percent": "50",
             "every": {"months": 1}, "report_days": 30, "payment_days": 30, "outer_date": "2027-03-02"}  # fmt: skip
    loan = small.agreed("grant-loan", member="M0001", **terms).created[0]
    small.do("disburse-loan", by=small.tom, loan=loan)
    small.go_to("2026-04-02")
    small.do("file-report", loan=loan, surplus="40.00")
    accepted = small.do("accept-report", by=small.tom, loan=loan, period=1).number
    small.go_to("2026-04-03")
    paid = small.do("repay-loan", loan=loan, amount="3020.00", tender="transfer").number
    with small.read() as books:
        told = {part.of: part.explanation for part in explain(books, loan, "operation", accepted).parts}
        assert (told["cap"].amount, told["ceiling"].amount) == (2000, 2000)
        found = explain(books, loan, "operation", paid)
        assert found.sentences[0] == "Payment of 3,020.00 = 20.00 of interest + 3,000.00 of principal."
        assert found.sentences[1] == (
            "Interest of 20.00 can still be taken = 50 % of the surplus of 40.00 so far − 0.00 taken."
        )
        (shown,) = member(books, "M0001", date(2026, 3, 1), date(2026, 4, 3)).loans
        assert shown.closing == loan_position(books, loan, date(2026, 4, 3)).standing.owed
        at = loan_position(books, loan, date(2026, 4, 3))
        assert at.payoff == 0 and explain(books, loan, "payoff", date(2026, 4, 3)).amount == 0
    small.go_to("2026-05-04")
    small.do("file-report", loan=loan, surplus="0.00")
    last = small.do("accept-report", by=small.tom, loan=loan, period=2).number
    with small.read() as books:
        waived = [part for part in explain(books, loan, "operation", last).parts if part.of == "waived"]
        assert [part.explanation.sentence for part in waived] == [
            "Interest of 11.56 is waived = 31.56 by the contract − 20.00 within the cap of 20.00."
        ]
        (shown,) = member(books, "M0001", date(2026, 3, 1), date(2026, 5, 4)).loans
        assert shown.closing == 0 and shown.lines[-1].words == "Interest above the cap, waived"
        assert story(books, loan).state == "paid"


@pytest.mark.parametrize("gift", [False, True])
def test_a_share_of_surplus_written_down_lost_and_partly_recovered(small: SmallBank, gift: bool) -> None:
    terms = {"product": "SURPLUS", "principal": "3000.00", "annual_rate": "12", "share_percent": "50",
             "every": {"months": 1}, "outer_date": "2027-03-02"}  # fmt: skip
    loan = small.agreed("grant-loan", member="M0001", **terms).created[0]
    small.do("disburse-loan", by=small.tom, loan=loan)
    close(small, "2026-04-02", "2026-03")
    small.agreed(
        "write-down", by=small.tom, approver=small.sue, loan=loan, principal="500.00", resolution="R-1", gift=gift
    )
    small.agreed("charge-off", approver=small.sue, loan=loan, resolution="R-2", why="It will not be paid")
    small.go_to("2026-04-09")
    paid = small.do("repay-loan", loan=loan, amount="100.00", tender="transfer").number
    with small.read() as books:
        (shown,) = member(books, "M0001", date(2026, 3, 1), date(2026, 4, 9)).loans
        standing = loan_position(books, loan, date(2026, 4, 9)).standing
        assert shown.closing == standing.owed and shown.owed_principal == standing.principal == 240000
        assert [(line.words, line.added, line.paid) for line in shown.lines][-3:] == [
            ("Part of the loan that you need not repay", -50000, 0), ("Interest up to April 2, 2026", 99, 0),
            ("Payment, transfer", 0, 10000),
        ]  # fmt: skip
        assert explain(books, loan, "operation", paid).sentences == ("Payment of 100.00 = 100.00 of principal.",)
        assert explain(books, loan, "payoff", date(2026, 4, 9)).amount == loan_position(
            books, loan, date(2026, 4, 9)
        ).payoff  # fmt: skip
