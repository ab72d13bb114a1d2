"""Loans repaid out of surplus or revenue: reports filed by one and accepted by another, corrected, taken back."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from coopbank.errors import (
    AlreadyExists,
    CannotReverse,
    CoopbankError,
    InvalidDate,
    InvalidValue,
    NotAllowed,
    OwnAccount,
    Unknown,
    WrongState,
)
from tests.bank.support_counter import HOSTILE, refused
from tests.bank.support_lending import (
    close_months_before,
    notes_of,
    simple_interest,
    standing,
    stored,
    visit,
)
from tests.bank.support_twins import CLOSE, START, Step, act, as_if_never, borrow, pay
from tests.support_bank import SmallBank

TEN = 10_000_00
YEAR = date(2027, 3, 2)


def surplus(bank: SmallBank, **changes: Any) -> str:
    """10,000.00 at 8 %, half of the surplus of each year until March 2029, cost at most half of all surplus."""
    return borrow(bank, **{"product": "SURPLUS", "principal": "10000.00", "outer_date": "2029-03-02", **changes})


def revenue(bank: SmallBank, **changes: Any) -> str:
    """10,000.00, a tenth of the revenue of each quarter, until 12,000.00 are paid or March 2029."""
    terms = {"product": "REVENUE", "principal": "10000.00", "outer_date": "2029-03-02", "share_percent": "10"}
    return borrow(bank, **{**terms, **changes})


def report(bank: SmallBank, loan: str, period: int, **figures: Any) -> dict[str, str]:
    """Filed by tom, accepted by ana."""
    act(bank, "file-report", loan=loan, period=period, **figures)
    return notes_of(act(bank, "accept-report", loan=loan, period=period))


# ------------------------------------------------------------------------------------ of surplus


def test_nothing_is_due_but_what_an_accepted_report_makes_due(lite: SmallBank) -> None:
    loan = surplus(lite)
    visit(lite, "2027-03-10")
    close_months_before(lite, date(2027, 3, 10))
    assert lite.balance("111", "RLF") == 0  # no surplus, no income
    assert lite.balance("M10/L-001", "RLF") == simple_interest(TEN, "8", START, date(2027, 3, 1))
    act(lite, "file-report", loan=loan, surplus="3000.00")
    assert standing(lite, loan, "2027-03-10").due_now == 0  # filed is not accepted
    done = notes_of(act(lite, "accept-report", loan=loan, period=1))
    assert (done["Due at most"], done["Due now"]) == ("1,500.00", "1,500.00")
    assert lite.balance("111", "RLF") == -simple_interest(TEN, "8", START, date(2027, 3, 1))  # within the cap
    assert lite.balance("M10/L-001", "RLF") == 0
    interest = simple_interest(TEN, "8", START, date(2027, 3, 20))
    visit(lite, "2027-03-20")
    paid = pay(lite, loan, 1500_00)
    assert (paid["Interest"], paid["Principal"]) == (lite.text(interest), lite.text(1500_00 - interest))
    at = standing(lite, loan, "2027-03-20")
    assert (at.due_now, at.standing.bucket) == (0, "deferred by terms")
    assert at.owed_principal == TEN - 1500_00 + interest


def test_a_loss_defers_and_a_missing_report_does_not(lite: SmallBank) -> None:
    loan = surplus(lite)
    visit(lite, "2027-06-10")
    late = standing(lite, loan, "2027-06-10").standing
    assert (late.bucket, late.report_days_late) == ("report overdue", 10)  # 90 days after 2 March: 31 May
    done = report(lite, loan, 1, surplus="-4000.00")
    assert (done["Due at most"], done["Income recognised"]) == ("0.00", "0.00")
    at = standing(lite, loan, "2027-06-10")
    assert (at.standing.bucket, at.due_now, at.days_late) == ("deferred by terms", 0, 0)
    visit(lite, "2028-03-02")
    assert report(lite, loan, 2, surplus="5000.00")["Due now"] == "2,500.00"
    assert standing(lite, loan, "2028-03-02").standing.cap == 500_00  # half of 1,000.00: the loss is carried forward
    paid = pay(lite, loan, 2500_00)
    assert paid["Interest"] == "500.00"


def test_without_carry_forward_a_loss_counts_as_nothing(lite: SmallBank) -> None:
    loan = surplus(lite, loss_carry_forward="no")
    visit(lite, "2028-03-02")
    report(lite, loan, 1, surplus="-4000.00")
    report(lite, loan, 2, surplus="5000.00")
    assert standing(lite, loan, "2028-03-02").standing.cap == 2500_00


def test_what_the_cap_does_not_cover_is_waived_at_the_end(lite: SmallBank) -> None:
    """E17: three years of 8 %, of which the cap allows 100.00."""
    loan = surplus(lite)
    visit(lite, "2028-03-02")
    report(lite, loan, 1, surplus="0.00")
    report(lite, loan, 2, surplus="200.00")
    pay(lite, loan, 100_00)
    pay(lite, loan, TEN)
    assert stored(lite, loan).state == "paid"
    assert (lite.balance("111", "RLF"), lite.balance("M10/L-001", "RLF")) == (-100_00, 0)
    assert standing(lite, loan, "2028-03-02").payoff == 0


def test_reports_that_cannot_be(lite: SmallBank) -> None:
    loan = surplus(lite)
    visit(lite, "2027-03-01")
    values: dict[str, Any] = {"loan": loan, "surplus": "1.00"}
    refused(lite, InvalidDate, "file-report", lite.tom, **values, field="period", says="not over")
    visit(lite, "2027-03-02")
    refused(lite, InvalidDate, "file-report", lite.tom, **values, period=2, field="period", says="Period 2")
    refused(lite, InvalidDate, "file-report", lite.tom, **values, period=1200, field="period")
    for period in (0, -1, 1201):
        refused(lite, InvalidValue, "file-report", lite.tom, **values, period=period, field="period")
    refused(lite, InvalidValue, "file-report", lite.tom, loan=loan, field="surplus", says="missing")
    refused(lite, InvalidValue, "file-report", lite.tom, **values, revenue="1.00", field="revenue")
    refused(lite, InvalidValue, "file-report", lite.tom, loan=loan, surplus="many", field="surplus")
    refused(lite, Unknown, "file-report", lite.tom, **values, period=1, correction=True, field="correction")
    refused(lite, InvalidValue, "file-report", lite.tom, **values, correction=True, field="period")
    refused(lite, Unknown, "accept-report", lite.ana, loan=loan, period=1, field="period", says="no report")
    act(lite, "file-report", **values)
    refused(lite, AlreadyExists, "file-report", lite.tom, **values, period=1, field="period", says="correction")
    refused(lite, NotAllowed, "accept-report", lite.tom, loan=loan, period=1, field="period", says="tom")
    act(lite, "accept-report", loan=loan, period=1)
    refused(lite, WrongState, "accept-report", lite.ana, loan=loan, period=1, field="period", says="2027-03-02")
    scheduled = borrow(lite)
    refused(lite, WrongState, "file-report", lite.tom, loan=scheduled, surplus="1.00", field="loan")
    refused(lite, WrongState, "accept-report", lite.ana, loan=scheduled, period=1, field="loan")
    granted = act(lite, "grant-loan", member="M0001", principal="10.00", product="SURPLUS",
                  outer_date="2030-01-01").created[0]  # fmt: skip
    for more in ({}, {"period": 1, "correction": True}):
        values = {"loan": granted, "surplus": "1.00", **more}
        refused(lite, WrongState, "file-report", lite.tom, **values, field="loan", says="not paid out")
    refused(lite, WrongState, "accept-report", lite.ana, loan=granted, period=1, field="loan", says="not paid out")


def test_reports_are_accepted_in_their_order(lite: SmallBank) -> None:
    """Or a loss could be hidden by not reporting it."""
    loan = surplus(lite)
    visit(lite, "2028-03-02")
    act(lite, "file-report", loan=loan, period=2, surplus="5000.00")
    with pytest.raises(CoopbankError) as out_of_order:
        act(lite, "accept-report", loan=loan, period=2)
    assert out_of_order.value.field == "period"
    report(lite, loan, 1, surplus="-1000.00", remark=HOSTILE[0] + HOSTILE[2])
    act(lite, "accept-report", loan=loan, period=2)
    assert standing(lite, loan, "2028-03-02").standing.cap == 2000_00


@pytest.mark.parametrize("amount", ["900000000000.00", "-900000000000.00", "0.01", "-0.01"])
def test_figures_of_any_size(lite: SmallBank, amount: str) -> None:
    loan = surplus(lite)
    visit(lite, "2027-03-02")
    done = report(lite, loan, 1, surplus=amount)
    due = standing(lite, loan, "2027-03-02").due_now
    interest = simple_interest(TEN, "8", START, YEAR)
    assert due == (TEN + interest if amount.startswith("9") else 0)  # never more than is owed
    assert done["Due now"] == f"{due / 100:,.2f}"


# ------------------------------------------------------------------------------------ corrections


def test_a_correction_gives_back_what_was_taken_too_much(lite: SmallBank) -> None:
    """1,500.00 were paid out of a surplus of 3,000.00 that never was: it all repaid principal."""
    loan = surplus(lite)
    visit(lite, "2027-03-20")
    report(lite, loan, 1, surplus="3000.00")
    pay(lite, loan, 1500_00)
    interest = simple_interest(TEN, "8", START, date(2027, 3, 20))
    assert lite.balance("701/L-001", "RLF") == TEN - 1500_00 + interest
    visit(lite, "2027-05-10")
    close_months_before(lite, date(2027, 5, 10))
    done = report(lite, loan, 1, surplus="0.00", correction=True)
    assert "Waived" in done
    at = standing(lite, loan, "2027-05-10").standing
    assert (at.principal, at.interest_paid, at.cap) == (TEN - 1500_00, 0, 0)
    assert lite.balance("701/L-001", "RLF") == TEN - 1500_00
    assert lite.balance("781/L-001", "RLF") == 0
    assert lite.balance("111", "RLF") + lite.balance("119", "RLF") == 0
    visit(lite, "2027-06-02")  # as if it had been known on the day of the payment: less principal stood from then on
    close_months_before(lite, date(2027, 6, 2))
    assert lite.balance("M10/L-001", "RLF") == interest + simple_interest(
        TEN - 1500_00, "8", date(2027, 3, 20), date(2027, 6, 1)
    )
    again = report(lite, loan, 1, surplus="3000.00", correction=True)  # a third version, as the first
    assert again["Due now"] == "0.00"
    assert standing(lite, loan, "2027-06-02").standing.interest_paid == interest


def test_a_correction_makes_more_due(lite: SmallBank) -> None:
    loan = surplus(lite)
    visit(lite, "2027-03-20")
    report(lite, loan, 1, surplus="100.00")
    pay(lite, loan, 50_00)
    assert report(lite, loan, 1, surplus="700.00", correction=True)["Due now"] == "300.00"
    assert standing(lite, loan, "2027-03-20").collectable == 300_00


def test_a_correction_after_the_loan_is_paid_gives_money_back(lite: SmallBank) -> None:
    loan = surplus(lite)
    visit(lite, "2027-03-02")
    report(lite, loan, 1, surplus="5000.00")
    interest = simple_interest(TEN, "8", START, YEAR)
    pay(lite, loan, TEN + interest)
    assert stored(lite, loan).state == "paid"
    refused(lite, WrongState, "accept-report", lite.ana, loan=loan, period=2, field="loan", says="paid")
    visit(lite, "2027-04-10")
    act(lite, "file-report", loan=loan, period=1, surplus="400.00", correction=True)
    refused(lite, NotAllowed, "accept-report", lite.tom, loan=loan, period=1, field="period")
    done = act(lite, "accept-report", loan=loan, period=1)
    assert notes_of(done)["Kept as unapplied"] == lite.text(interest - 200_00)
    assert lite.balance("871/M0001") == -(interest - 200_00)
    assert stored(lite, loan).state == "paid"
    assert -lite.balance("111", "RLF") - lite.balance("119", "RLF") == 200_00
    report(lite, loan, 1, surplus="1000.00", correction=True)  # and up again: 300.00 come back out of it
    assert lite.balance("871/M0001") == -(interest - 500_00)


def test_a_correction_after_the_outer_date(lite: SmallBank) -> None:
    loan = surplus(lite, outer_date="2028-03-02")
    visit(lite, "2028-03-10")
    report(lite, loan, 1, surplus="1000.00")
    report(lite, loan, 2, surplus="0.00")
    at = standing(lite, loan, "2028-03-10").standing
    assert (at.due.total, at.owed) == (500_00, TEN + 500_00)
    report(lite, loan, 2, surplus="200.00", correction=True)
    assert standing(lite, loan, "2028-03-10").payoff == TEN + 600_00
    pay(lite, loan, TEN + 600_00)
    assert stored(lite, loan).state == "paid"


def test_a_report_of_a_part_of_a_period_stands_in_the_way_of_a_later_outer_date(lite: SmallBank) -> None:
    loan = surplus(lite, outer_date="2027-06-02")  # its second period has three months
    visit(lite, "2027-06-02")
    report(lite, loan, 1, surplus="100.00")
    filed = act(lite, "file-report", loan=loan, period=2, surplus="40.00")
    accepted = act(lite, "accept-report", loan=loan, period=2)
    moved = {"loan": loan, "outer_date": "2028-03-02", "why": "the board"}
    refused(lite, InvalidDate, "move-outer-date", lite.tom, field="outer_date", says="2027-06-02", **moved)
    for done in (accepted, filed):
        act(lite, "reverse", operation=done.number, reason="the period is longer now")
    act(lite, "move-outer-date", **moved)
    refused(lite, InvalidDate, "file-report", lite.tom, field="period", loan=loan, period=2, surplus="40.00")
    visit(lite, "2028-03-02")
    report(lite, loan, 2, surplus="160.00")
    assert standing(lite, loan, "2028-03-02").due_now == 50_00 + 80_00


def test_a_loan_that_is_over_before_it_is_paid_out(lite: SmallBank) -> None:
    terms = {"product": "SURPLUS", "principal": "10000.00", "outer_date": "2026-09-02"}
    loan = act(lite, "grant-loan", member="M0001", **terms).created[0]
    early = act(lite, "grant-loan", member="M0001", **terms).created[0]
    act(lite, "disburse-loan", loan=early, amount="10.00")
    visit(lite, "2026-09-02")
    for late in (loan, early):
        refused(lite, WrongState, "disburse-loan", lite.tom, field="loan", says="2026-09-02", loan=late)
    refused(
        lite, WrongState, "refinance-loan", lite.tom, field="new_loan", says="2026-09-02", loan=early, new_loan=loan
    )
    for correction in (True, False):
        values = {"loan": loan, "period": 1, "surplus": "1.00", "correction": correction}
        refused(lite, WrongState, "file-report", lite.tom, field="loan", says="not paid out", **values)


def test_a_year_in_which_no_money_stood_counts_for_nothing(lite: SmallBank) -> None:
    loan = act(lite, "grant-loan", member="M0001", principal="1000.00", product="SURPLUS",
               outer_date="2030-03-02").created[0]  # fmt: skip
    act(lite, "disburse-loan", loan=loan, amount="500.00")
    visit(lite, "2026-03-02")
    pay(lite, loan, 500_00)  # the same day: it never stood for a day
    visit(lite, "2027-03-02")
    act(lite, "disburse-loan", loan=loan)
    visit(lite, "2027-03-10")
    periods = standing(lite, loan, "2027-03-10").periods
    assert [row.number for row in periods] == [2]
    visit(lite, "2028-03-02")
    act(lite, "file-report", loan=loan, surplus="100.00")
    refused(lite, InvalidValue, "accept-report", lite.ana, loan=loan, period=2, field="period", says="in the order")
    assert report(lite, loan, 1, surplus="9000.00")["Due now"] == "0.00"
    act(lite, "accept-report", loan=loan, period=2)
    at = standing(lite, loan, "2028-03-02")
    assert (at.standing.cap, at.due_now) == (50_00, 0)  # the 500.00 that were paid ahead stand against it
    assert at.collectable == simple_interest(500_00, "8", YEAR, date(2028, 3, 2))


# ------------------------------------------------------------------------------------- of revenue


def test_a_share_of_revenue_until_its_multiple_is_paid(lite: SmallBank) -> None:
    loan = revenue(lite)
    visit(lite, "2026-06-02")
    refused(lite, InvalidValue, "file-report", lite.tom, loan=loan, surplus="1.00", field="revenue", says="missing")
    refused(lite, InvalidValue, "file-report", lite.tom, loan=loan, revenue="-1.00", field="revenue")
    assert report(lite, loan, 1, revenue="30000.00")["Due now"] == "3,000.00"
    paid = pay(lite, loan, 3000_00)
    assert int(paid["Interest"].replace(",", "").replace(".", "")) == -lite.balance("111", "RLF")
    assert lite.balance("701/L-001", "RLF") == TEN - 3000_00 - lite.balance("111", "RLF")
    visit(lite, "2026-09-02")
    assert report(lite, loan, 2, revenue="900000.00")["Due now"] == "9,000.00"  # what is left of 12,000.00
    pay(lite, loan, 9000_00)
    assert (stored(lite, loan).state, lite.balance("111", "RLF")) == ("paid", -2000_00)


def test_a_cap_of_its_cost_needs_the_surplus_too(lite: SmallBank) -> None:
    loan = revenue(lite, cost_cap_percent="50")
    visit(lite, "2026-06-02")
    refused(lite, InvalidValue, "file-report", lite.tom, loan=loan, revenue="30000.00", field="surplus", says="missing")
    report(lite, loan, 1, revenue="30000.00", surplus="100.00")
    pay(lite, loan, 3000_00)
    assert -lite.balance("111", "RLF") <= 50_00


# ------------------------------------------------------------------------- who may, and the way back


def test_nobody_reports_for_themselves(lite: SmallBank) -> None:
    loan = surplus(lite)
    visit(lite, "2027-03-02")
    lite.agreed("link-user", by=lite.admin, approver=lite.sue, user="tom", member="M0001")
    refused(lite, OwnAccount, "file-report", lite.tom, loan=loan, surplus="1.00")
    act(lite, "file-report", by=lite.ana, loan=loan, surplus="1.00")
    refused(lite, OwnAccount, "accept-report", lite.tom, loan=loan, period=1)


LENT: list[Step] = [
    ("2026-03-02", "grant-loan", {"member": "M0001", "principal": "10000.00", "product": "SURPLUS",
                                  "outer_date": "2029-03-02", "other_funds": "GEN 33.33"}),
    ("2026-03-02", "disburse-loan", {"loan": "L-001"}),
    ("2026-07-10", "repay-loan", {"loan": "L-001", "amount": "1000.00"}),
    ("2027-03-10", CLOSE, {}),
    ("2027-03-10", "file-report", {"loan": "L-001", "surplus": "3000.00"}),
    ("2027-03-11", "accept-report", {"loan": "L-001", "period": 1}),
    ("2027-03-20", "repay-loan", {"loan": "L-001", "amount": "1500.00"}),
    ("2027-04-10", CLOSE, {}),
    ("2027-04-12", "file-report", {"loan": "L-001", "period": 1, "surplus": "-50.00", "correction": True}),
    ("2027-04-13", "accept-report", {"loan": "L-001", "period": 1}),
    ("2027-04-15", "move-outer-date", {"loan": "L-001", "outer_date": "2030-03-02"}),
    ("2027-05-15", "repay-loan", {"loan": "L-001", "amount": "1000.00", "value_date": "2027-03-15"}),
    ("2027-05-15", CLOSE, {}),
]  # fmt: skip


@pytest.mark.parametrize(("last", "taken"), [(5, 4), (6, 5), (9, 5), (9, 8), (10, 9), (13, 2), (13, 6), (13, 9),
                                             (13, 10), (13, 11)])  # fmt: skip
def test_what_is_taken_back_never_was(founded: Path, tmp_path: Path, last: int, taken: int) -> None:
    """Reports, acceptances, corrections, payments and a new outer date; at once, and after what came later."""
    try:
        as_if_never(founded, tmp_path, LENT[:last], taken)
    except CannotReverse:
        assert (last, taken) == (9, 5)  # a correction was filed: that rests on it
    else:
        assert (last, taken) != (9, 5)
