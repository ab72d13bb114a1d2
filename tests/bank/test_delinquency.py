"""How late loans are: buckets, what stands beside them, what is at risk, and what a day's close keeps of it."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest

from coopbank.bank import records
from coopbank.bank.lending.accounts import account, account_on
from coopbank.bank.lending.delinquency import AGES, BUCKETS, Delinquency, age_of, classify, summary
from coopbank.bank.lending.provision_proof import close_faults
from coopbank.bank.verify import Registers
from coopbank.errors import InvalidValue
from coopbank.reports.portfolio import Portfolio, portfolio
from tests.bank.support_counter import refused
from tests.bank.support_lending import lend_to_three, lent, notes_of, simple_interest, visit
from tests.support_bank import SmallBank

LENT_ON = date(2026, 3, 2)
SURPLUS: dict[str, Any] = {
    "product": "SURPLUS", "principal": "6000.00", "annual_rate": "8", "share_percent": "50", "installments": None,
    "every": "3 months", "report_days": 10, "payment_days": 5, "outer_date": "2027-03-02",
}  # fmt: skip


begun = lend_to_three


def on(bank: SmallBank, loan: str, day: str | date) -> Delinquency:
    with bank.read() as books:
        return classify(account(books, loan), date.fromisoformat(str(day)))


def drawn(bank: SmallBank, day: str | None = None) -> Portfolio:
    with bank.read() as books:
        return portfolio(books, None if day is None else date.fromisoformat(day))


def close_of(bank: SmallBank, day: str) -> dict[str, Any]:
    with bank.read() as books:
        return books.get(records.DayClose, day).loans


def surplus_loan(bank: SmallBank, member: str, **changes: Any) -> str:
    terms = {name: value for name, value in {**SURPLUS, **changes}.items() if value is not None}
    loan = bank.agreed("grant-loan", member=member, **terms).created[0]
    bank.do("disburse-loan", by=bank.tom, loan=loan)
    return loan


def report(bank: SmallBank, loan: str, period: int, surplus: str) -> None:
    bank.do("file-report", loan=loan, period=period, surplus=surplus)
    bank.do("accept-report", by=bank.tom, loan=loan, period=period)


# ------------------------------------------------------------------------------------- buckets


@pytest.mark.parametrize(
    ("days", "bucket"),
    [(0, "current"), (1, "1-30"), (30, "1-30"), (31, "31-60"), (60, "31-60"), (61, "61-90"), (90, "61-90"),
     (91, "91-180"), (180, "91-180"), (181, "over 180"), (5000, "over 180")],
)  # fmt: skip
def test_every_number_of_days_has_its_bucket(days: int, bucket: str) -> None:
    assert age_of(days) == bucket


def test_the_buckets_follow_each_other_without_a_gap() -> None:
    for (_name, _first, last), (_next, first, _last) in pairwise(AGES):
        assert last is not None and first == last + 1
    assert len(set(BUCKETS)) == len(BUCKETS) == 10


def test_an_unpaid_loan_ages_by_its_oldest_instalment(lite: SmallBank) -> None:
    loan = lent(lite, "M0001")
    for day, days, bucket in (
        ("2026-03-02", 0, "current"), ("2026-04-02", 0, "current"), ("2026-04-03", 1, "1-30"),
        ("2026-05-02", 30, "1-30"), ("2026-05-03", 31, "31-60"), ("2026-06-02", 61, "61-90"),
        ("2026-07-01", 90, "61-90"), ("2026-07-02", 91, "91-180"), ("2026-09-30", 181, "over 180"),
    ):  # fmt: skip
        at = on(lite, loan, day)
        assert (at.days, at.bucket) == (days, bucket), day
    assert on(lite, loan, "2026-04-01").since is None
    assert on(lite, loan, "2026-07-02").since == date(2026, 4, 2)

    visit(lite, "2026-05-05")
    due = on(lite, loan, "2026-05-05").due
    lite.do("repay-loan", loan=loan, amount=lite.text(due // 2), tender="transfer")
    at = on(lite, loan, "2026-05-05")  # one of two rows is paid
    assert (at.days, at.since, at.bucket) == (3, date(2026, 5, 2), "1-30")
    assert at.due == due - due // 2
    lite.do("repay-loan", loan=loan, amount=lite.text(at.due), tender="transfer")
    assert on(lite, loan, "2026-05-05").bucket == "current"


def test_a_cent_that_is_missing_is_late(lite: SmallBank) -> None:
    loan = lent(lite, "M0001")
    visit(lite, "2026-04-02")
    due = on(lite, loan, "2026-04-02").due
    lite.do("repay-loan", loan=loan, amount=lite.text(due - 1), tender="transfer")
    assert on(lite, loan, "2026-04-02").bucket == "current"
    at = on(lite, loan, "2026-04-20")
    assert (at.due, at.days, at.bucket) == (1, 18, "1-30")


# ------------------------------------------------------------------------- loans that reports repay


def test_deferral_by_the_terms_is_no_lateness_and_a_missing_report_ages(small: SmallBank) -> None:
    loan = surplus_loan(small, "M0001")
    assert on(small, loan, "2026-06-12").bucket == "deferred by terms"  # the report is due on this day
    at = on(small, loan, "2026-07-12")
    assert (at.bucket, at.days, at.report_days, at.ages_by, at.due) == ("report overdue", 0, 30, 30, 0)

    visit(small, "2026-07-12")
    now = drawn(small)
    assert (now.at_risk_30, now.deferred) == (0, 0)
    (overdue,) = [bucket for bucket in now.beside if bucket.loans]
    assert (overdue.code, overdue.loans, overdue.owed, overdue.longest) == ("report overdue", 1, 6000_00, 30)
    assert sum(bucket.loans for bucket in now.buckets) == 0

    report(small, loan, 1, "-500.00")  # a loss: nothing is due, and nothing is late
    assert on(small, loan, "2026-07-12").bucket == "deferred by terms"
    assert (drawn(small).deferred, drawn(small).par30_bp) == (6000_00, 0)


def test_what_a_report_makes_due_is_due_and_then_late(lite: SmallBank) -> None:
    loan = surplus_loan(lite, "M0001")
    visit(lite, "2026-06-05")
    report(lite, loan, 1, "2000.00")
    at = on(lite, loan, "2026-06-10")
    assert (at.bucket, at.days, at.due, at.since) == ("due", 0, 1000_00, date(2026, 6, 10))
    at = on(lite, loan, "2026-07-12")
    assert (at.bucket, at.days) == ("late", 32)
    visit(lite, "2026-07-12")
    now = drawn(lite)
    assert (now.at_risk_30, now.par30_bp, now.at_risk_90) == (6000_00, 10_000, 0)
    assert [bucket.code for bucket in now.beside if bucket.loans] == ["late"]
    lite.do("repay-loan", loan=loan, amount="1000.00", tender="transfer")
    assert on(lite, loan, "2026-07-12").bucket == "deferred by terms"


def test_what_is_left_when_the_contract_is_over_is_late(lite: SmallBank) -> None:
    loan = surplus_loan(lite, "M0001", outer_date="2026-09-02")
    visit(lite, "2026-06-05")
    report(lite, loan, 1, "0.00")
    visit(lite, "2026-09-05")
    assert on(lite, loan, "2026-09-05").bucket == "deferred by terms"  # the last report may still come
    report(lite, loan, 2, "-100.00")
    at = on(lite, loan, "2026-09-10")
    assert (at.bucket, at.days, at.due) == ("due", 0, 6000_00)
    at = on(lite, loan, "2026-12-20")
    assert (at.bucket, at.days, at.due) == ("late", 101, 6000_00)


# --------------------------------------------------------------------------------------- at risk


def test_the_portfolio_adds_up_over_buckets_and_funds(small: SmallBank) -> None:
    late = lent(small, "M0001", principal="1000.01", other_funds="GEN 33.33")
    lent(small, "M0002", principal="2000.00", fund="GEN", first_due="2026-12-01")
    surplus_loan(small, "M0003")
    visit(small, "2026-05-04")
    now = drawn(small)
    with small.read() as books:
        held = {fund: sum(leaf.balance for leaf in books.leaves("701", fund)) for fund in ("GEN", "RLF")}
        late_held = {fund: books.balance(fund, f"701/{late}") for fund in held}
    assert {fund.code: fund.owed for fund in now.funds} == held
    assert {fund.code: fund.at_risk_30 for fund in now.funds} == late_held
    assert now.owed == sum(held.values()) == sum(bucket.owed for bucket in (*now.buckets, *now.beside)) == 9000_01
    assert now.at_risk_30 == 1000_01 and now.par30_bp == round(1000_01 * 10_000 / 9000_01)
    assert now.at_risk_90 == 0
    assert [loan.bucket for loan in now.loans] == ["31-60", "current", "deferred by terms"]
    assert {fund.code: fund.deferred for fund in now.funds} == {"GEN": 0, "RLF": 6000_00}


def test_modified_loans_are_told_apart(lite: SmallBank) -> None:
    loan = lent(lite, "M0001", principal="1000.00")
    lent(lite, "M0002", principal="3000.00", first_due="2026-12-01")
    visit(lite, "2026-05-05")
    lite.agreed("extend-loan", loan=loan, extra_installments=6, eased=True, why="the shop burned")
    with lite.read() as books:
        assert books.get(records.Loan, loan).modified
    now = drawn(lite)
    assert (now.modified, now.owed) == (1000_00, 4000_00)
    assert now.modified_at_risk_30 == now.at_risk_30
    assert [fund.modified for fund in now.funds] == [1000_00]


def test_a_past_day_is_told_as_the_books_knew_it(lite: SmallBank) -> None:
    loan = lent(lite, "M0001")
    reported = surplus_loan(lite, "M0002")
    visit(lite, "2026-05-20")
    before = drawn(lite)
    assert before.at_risk_30
    visit(lite, "2026-06-25")
    lite.do("repay-loan", loan=loan, amount="2500.00", tender="transfer", value_date="2026-05-10")
    report(lite, reported, 1, "9000.00")
    lite.do("repay-loan", loan=reported, amount="100.00", tender="transfer", value_date="2026-05-11")
    again = drawn(lite, "2026-05-20")
    assert (again.loans, again.buckets, again.beside, again.funds) == (
        before.loans, before.buckets, before.beside, before.funds,
    )  # fmt: skip
    assert drawn(lite, "2026-03-01").loans == ()
    with lite.read() as books:  # told from the loan as it is now, the payment counts
        assert classify(account(books, loan), date(2026, 5, 20)).days == 0
        assert classify(account_on(books, loan, date(2026, 5, 20)), date(2026, 5, 20)).days == 48


def test_a_charged_off_loan_is_in_no_bucket(lite: SmallBank) -> None:
    loan = lent(lite, "M0001", principal="500.00")
    lent(lite, "M0002", principal="1500.00", first_due="2026-12-01")
    visit(lite, "2026-10-01")
    lite.agreed("charge-off", loan=loan, by=lite.ana, approver=lite.sue, resolution="R-7", why="gone")
    now = drawn(lite)
    assert (now.owed, now.at_risk_30, now.charged_off_loans) == (1500_00, 0, 1)
    assert now.charged_off > 500_00  # with its interest
    assert [each.ref for each in now.loans] == ["L-002"]
    lite.close_day()
    kept = close_of(lite, "2026-10-01")
    assert (kept["count"], kept["principal"], kept["charged_off"]) == (1, 1500_00, [1, 500_00])


# ------------------------------------------------------------------------------------- the close


def test_a_close_keeps_what_all_loans_come_to(small: SmallBank) -> None:
    late = lent(small, "M0001", principal="1000.00")
    lent(small, "M0002", principal="2000.00", fund="GEN", first_due="2026-12-01")
    surplus_loan(small, "M0003")
    visit(small, "2026-05-04")
    small.close_day()
    kept = close_of(small, "2026-05-04")
    through = date(2026, 5, 5)  # a close counts its own day
    interest = simple_interest(1000_00, "7.25", LENT_ON, through) + simple_interest(2000_00, "7.25", LENT_ON, through)
    assert kept == {
        "count": 3, "principal": 9000_00, "interest": interest, "posted": 0,
        "memo": simple_interest(6000_00, "8", LENT_ON, through),
        "buckets": {"current": [1, 2000_00], "31-60": [1, 1000_00], "deferred by terms": [1, 6000_00]},
        "over_30": 1000_00, "over_90": 0, "deferred": 6000_00, "modified": 0, "modified_over_30": 0,
        "non_accrual": 0, "charged_off": [0, 0],
        "funds": {"GEN": [1, 2000_00, 0, 0, 0, 0, 0, 0], "RLF": [2, 7000_00, 1000_00, 0, 6000_00, 0, 0, 0]},
    }  # fmt: skip

    small.open_day("2026-05-05", open_drawer=False)
    for month in ("2026-03", "2026-04"):
        small.agreed("close-month", by=small.tom, approver=small.sue, month=month)
    small.agreed("stop-accrual", loan=late, why="no answer")
    small.close_day()
    kept = close_of(small, "2026-05-05")
    posted = simple_interest(2000_00, "7.25", LENT_ON, date(2026, 5, 1))
    assert (kept["posted"], kept["non_accrual"]) == (posted, 1000_00)
    assert kept["interest"] == simple_interest(2000_00, "7.25", LENT_ON, date(2026, 5, 6))
    with small.read() as books:
        now = summary(books, date(2026, 5, 5), "USD")
        assert now.as_document() == kept
        assert now.posted == sum(leaf.balance for leaf in books.leaves("781"))


def test_a_part_owned_by_a_peer_is_not_ours(lite: SmallBank) -> None:
    loan = lite.agreed("grant-loan", member="M0001", principal="1000.00", annual_rate="6", installments=12).created[0]
    sold = {"loan": loan, "peer": "PF-1", "share_percent": "40", "agreement": "PA-1"}
    lite.agreed("sell-participation", by=lite.ana, approver=lite.tom, **sold)
    lite.do("disburse-loan", by=lite.tom, loan=loan)
    visit(lite, "2026-05-04")
    now = drawn(lite)
    assert (now.owed, now.at_risk_30, now.loans[0].owed, now.loans[0].carried) == (600_00, 600_00, 1000_00, 600_00)
    assert [(fund.code, fund.owed) for fund in now.funds] == [("RLF", 600_00)]
    lite.close_day()
    kept = close_of(lite, "2026-05-04")
    whole = simple_interest(1000_00, "6", LENT_ON, date(2026, 5, 5))
    assert (kept["principal"], kept["posted"]) == (600_00, 0)
    assert abs(kept["interest"] - whole * 60 / 100) < 1
    lite.open_day("2026-05-29", open_drawer=False)
    lite.agreed("provide", by=lite.tom, approver=lite.sue, month="2026-05")
    assert lite.balance("719", "RLF") == -60_00  # 57 days late, 10 %


def test_a_bank_without_loans_keeps_nothing_of_them(lite: SmallBank) -> None:
    lite.close_day()
    assert close_of(lite, "2026-03-02") == {}


def test_verify_compares_a_close_with_the_books() -> None:
    state = Registers()
    state.sums["RLF", "701"], state.sums["GEN", "781"] = 500, 7
    assert list(close_faults(state, {"principal": 500, "posted": 7})) == []
    assert len(list(close_faults(state, {"principal": 499, "posted": 8}))) == 2
    assert list(close_faults(state, {})) == []  # closes of older books kept nothing of loans


def test_the_close_proposes_what_should_be_income_no_more(lite: SmallBank) -> None:
    loan = lent(lite, "M0001", principal="1000.00")
    surplus_loan(lite, "M0002")
    day = date(2026, 4, 2) + timedelta(days=89)
    visit(lite, day)
    assert drawn(lite).proposed == ()
    assert "Propose" not in notes_of(lite.do("close-day"))
    lite.open_day(day + timedelta(days=1), open_drawer=False)
    assert drawn(lite).proposed == (loan,)
    assert notes_of(lite.do("close-day"))["Propose"] == f"{loan}: Put a loan on non-accrual"

    lite.open_day(day + timedelta(days=2), open_drawer=False)
    lite.agreed("set-policy", by=lite.tom, approver=lite.sue, policy="non_accrual_days", value="0")
    assert drawn(lite).proposed == ()
    lite.agreed("set-policy", by=lite.tom, approver=lite.sue, policy="non_accrual_days", value="30")
    assert drawn(lite).proposed == (loan,)
    lite.agreed("stop-accrual", loan=loan, why="no answer to four letters")
    assert drawn(lite).proposed == ()
    assert drawn(lite).non_accrual == 1000_00
    assert "Propose" not in notes_of(lite.do("close-day"))


def test_a_policy_of_days_is_a_whole_number(lite: SmallBank) -> None:
    refused(lite, InvalidValue, "set-policy", by=lite.tom, field="value", policy="non_accrual_days", value="soon")


def test_the_close_and_the_portfolio_say_the_same_day_after_day(lite: SmallBank) -> None:
    """The close reckons a loan once, with the interest of the day itself; it may not count as lateness."""
    lent(lite, "M0001", principal="1000.00")
    lent(lite, "M0002", principal="900.00", installments=2, day_count="30/360")
    line = lite.agreed("grant-loan", member="M0003", product="LINE", principal="2000.00", installments=6).created[0]
    lite.do("disburse-loan", by=lite.tom, loan=line, amount="500.00")
    surplus_loan(lite, "M0001")
    seasonal = lent(lite, "M0002", product="SEASON", principal="800.00", installments=3)
    paid = False
    for day in (
        "2026-03-02", "2026-04-01", "2026-04-02", "2026-04-03", "2026-05-02", "2026-05-03", "2026-06-12",
        "2026-06-13", "2026-07-01", "2026-09-02", "2026-09-03", "2026-10-05",
    ):  # fmt: skip
        visit(lite, day)
        if day > "2026-05-01" and not paid:
            paid = True
            lite.do("repay-loan", loan=line, amount="3.00", tender="transfer")
            lite.do("repay-loan", loan=seasonal, amount="100.00", tender="transfer")
        now = drawn(lite)
        with lite.read() as books:
            kept = summary(books, date.fromisoformat(day), "USD")
        told = {bucket.code: [bucket.loans, bucket.owed] for bucket in (*now.buckets, *now.beside) if bucket.loans}
        assert kept.buckets == told, day
        assert (kept.over_30, kept.over_90, kept.principal) == (now.at_risk_30, now.at_risk_90, now.owed), day
        assert tuple(kept.proposed) == now.proposed, day


def test_a_payment_while_the_close_reckons_is_in_what_it_keeps(lite: SmallBank) -> None:
    """The close reckons all loans before the book is locked; what is told of a loan meanwhile makes it reckon anew."""
    loan = lent(lite, "M0001")
    visit(lite, "2026-04-10")
    with lite.read() as books:
        before = summary(books, date(2026, 4, 10), "USD")
    close = lite.bank.build("close-day", {})
    paid = {"loan": loan, "amount": "50.00", "tender": "transfer"}
    lite.reckoned_before(close, lite.tom, lambda: lite.do("repay-loan", **paid))
    with lite.read() as books:
        kept = books.get(records.DayClose, "2026-04-10").loans
        assert kept == summary(books, date(2026, 4, 10), "USD").as_document() != before.as_document()


def test_a_close_that_reckoned_before_keeps_what_it_would_have(lite: SmallBank) -> None:
    lent(lite, "M0001")
    visit(lite, "2026-06-10")
    close = lite.bank.build("close-day", {})
    lite.reckoned_before(close, lite.tom, lambda: lite.admit("Pia Moss"))
    with lite.read() as books:
        kept = books.get(records.DayClose, "2026-06-10").loans
        assert kept == summary(books, date(2026, 6, 10), "USD").as_document()
        assert kept["buckets"]
