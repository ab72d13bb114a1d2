"""Late fees, waivers, non-accrual and the return from it: every cent where the contract and the books put it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from coopbank.errors import CannotReverse, DayClosed, InvalidAmount, InvalidValue, OwnAccount, Unknown, WrongState
from tests.bank.support_counter import entry, posted, refused
from tests.bank.support_lending import (
    close_months_before,
    notes_of,
    simple_interest,
    standing,
    stored,
    visit,
)
from tests.bank.support_twins import CLOSE, START, Step, act, as_if_never, borrow, furnish, leaves, pay, play, told
from tests.support_bank import SmallBank

LEVEL = 538_75
TWELVE_THOUSAND = 12_000_00


def begun(bank: SmallBank) -> None:
    """With products that charge for lateness: FEES 5 % after 15 days, FLAT 2.00 after 5."""
    furnish(bank)
    act(bank, "define-product", code="FEES", product_name="With fees", late_fee_percent="5")
    act(bank, "define-product", code="FLAT", product_name="Flat fee", late_fee="2.00", late_fee_days=5,
        least="500.00", most_installments=12)  # fmt: skip


# ----------------------------------------------------------------------------------- late fees


def test_one_fee_for_each_late_payment_and_none_on_a_fee(lite: SmallBank) -> None:
    loan = borrow(lite, product="FEES")
    visit(lite, "2026-04-16")
    refused(lite, WrongState, "charge-late-fee", lite.tom, loan=loan, field="loan", says="15 days late")
    visit(lite, "2026-04-17")
    visit(lite, "2026-05-02")
    interest = simple_interest(TWELVE_THOUSAND, "7.25", START, date(2026, 5, 2))
    close_months_before(lite, date(2026, 5, 2))
    done = act(lite, "charge-late-fee", loan=loan)
    lines = ["RLF 791/L-001 Dr 26.94", "RLF 131 Cr 26.94"]  # 5 % of 538.75, half to even; and a day's interest
    day = interest - simple_interest(TWELVE_THOUSAND, "7.25", START, date(2026, 5, 1))
    assert posted(done) == [entry(*lines, f"RLF 781/L-001 Dr {lite.text(day)}", f"RLF 111 Cr {lite.text(day)}")]
    refused(lite, WrongState, "charge-late-fee", lite.tom, loan=loan, field="loan")  # once
    at = standing(lite, loan, "2026-05-01")
    assert (at.due.fees, at.days_late) == (0, 29)
    at = standing(lite, loan, "2026-05-02")
    assert (at.due.fees, at.due_now, at.days_late) == (26_94, 2 * LEVEL + 26_94, 30)
    visit(lite, "2026-05-20")
    act(lite, "charge-late-fee", loan=loan)  # the second payment, and on it alone
    assert lite.balance("791/L-001", "RLF") == 2 * 26_94
    paid = pay(lite, loan, 60_00)
    assert (paid["Fees"], paid["Interest"]) == ("53.88", "6.12")  # fees come first
    assert standing(lite, loan, "2026-05-20").standing.interest == simple_interest(
        TWELVE_THOUSAND, "7.25", START, date(2026, 5, 20)
    ) - 6_12  # no interest on a fee  # fmt: skip


def test_a_fee_of_a_payment_that_is_late_in_part(lite: SmallBank) -> None:
    loan = borrow(lite, product="FEES")
    visit(lite, "2026-04-02")
    pay(lite, loan, 500_00)
    visit(lite, "2026-04-17")
    done = act(lite, "charge-late-fee", loan=loan)
    assert notes_of(done)["Late fee"] == "1.94"  # 5 % of 38.75: 1.9375
    assert (lite.balance("791/L-001", "RLF"), lite.balance("131", "RLF")) == (1_94, -1_94)


def test_a_flat_fee_and_what_comes_of_paying_late_by_value_date(lite: SmallBank) -> None:
    """A payment that was typed late turns out to have been in time: the fee stands until somebody waives it."""
    loan = borrow(lite, product="FLAT", principal="600.00", installments=12)
    visit(lite, "2026-04-08")
    fee = act(lite, "charge-late-fee", loan=loan)
    assert notes_of(fee)["Late fee"] == "2.00"
    due = standing(lite, loan, "2026-04-08").due.bills
    pay(lite, loan, due, value_date="2026-04-02")
    assert standing(lite, loan, "2026-04-08").due.fees == 2_00
    refused(lite, CannotReverse, "reverse", lite.tom, operation=fee.number, reason="in time", field="operation")
    act(lite, "waive-charges", loan=loan, fees="2.00")
    assert lite.balance("791/L-001", "RLF") == lite.balance("131", "RLF") == 0


def test_no_fee_where_the_terms_have_none(lite: SmallBank) -> None:
    loan = borrow(lite)
    visit(lite, "2026-12-24")
    refused(lite, WrongState, "charge-late-fee", lite.tom, loan=loan, field="loan", says="no late fee")
    surplus = borrow(lite, product="SURPLUS", outer_date="2028-03-02")
    refused(lite, WrongState, "charge-late-fee", lite.tom, loan=surplus, field="loan", says="does not fit")
    refused(lite, Unknown, "charge-late-fee", lite.tom, loan="L-999", field="loan")


def test_fees_of_two_funds(lite: SmallBank) -> None:
    loan = borrow(lite, product="FEES", other_funds="GEN 33.33")
    visit(lite, "2026-04-17")
    act(lite, "charge-late-fee", loan=loan)
    assert [lite.balance(code, "RLF") for code in ("791/L-001", "131")] == [17_96, -17_96]
    assert [lite.balance(code, "GEN") for code in ("791/L-001", "131")] == [8_98, -8_98]
    pay(lite, loan, 26_94)
    assert lite.balance("791/L-001", "RLF") == lite.balance("791/L-001", "GEN") == 0


def test_a_fee_is_reckoned_on_what_was_billed_and_not_on_what_ran_since(lite: SmallBank) -> None:
    loan = borrow(lite, product="FEES", installments=1, principal="100.00")
    visit(lite, "2026-04-17")
    pay(lite, loan, 90_00)
    assert standing(lite, loan, "2026-04-17").payoff == 100_91 - 90_00  # 46 days
    act(lite, "charge-late-fee", loan=loan)
    assert standing(lite, loan, "2026-04-17").due.fees == 53  # 5 % of 100.62 less 90.00
    pay(lite, loan, standing(lite, loan, "2026-04-17").payoff)
    assert stored(lite, loan).state == "paid"


# -------------------------------------------------------------------------------------- waivers


def test_interest_is_waived_out_of_income(lite: SmallBank) -> None:
    loan = borrow(lite)
    visit(lite, "2026-04-02")
    interest = simple_interest(TWELVE_THOUSAND, "7.25", START, date(2026, 4, 2))
    done = act(lite, "waive-charges", loan=loan, interest="50.00")
    assert notes_of(done)["Waived"] == "50.00"
    assert lite.balance("119", "RLF") == 50_00
    assert lite.balance("111", "RLF") == -interest
    assert lite.balance("781/L-001", "RLF") == interest - 50_00
    at = standing(lite, loan, "2026-04-02")
    assert at.due_now == LEVEL - 50_00  # the payment asks for that much less
    assert at.due.interest == interest - 50_00
    pay(lite, loan, at.due_now)
    assert standing(lite, loan, "2026-04-02").due_now == 0


def test_no_more_is_waived_than_is_owed(lite: SmallBank) -> None:
    loan = borrow(lite, product="FEES")
    visit(lite, "2026-04-17")
    act(lite, "charge-late-fee", loan=loan)
    interest = simple_interest(TWELVE_THOUSAND, "7.25", START, date(2026, 4, 17))
    values = {"loan": loan, "why": "x"}
    refused(lite, InvalidAmount, "waive-charges", lite.tom, **values, field="interest", says="Say how much")
    refused(lite, InvalidAmount, "waive-charges", lite.tom, **values, interest=lite.text(interest + 1),
            field="interest", says=lite.text(interest))  # fmt: skip
    refused(lite, InvalidAmount, "waive-charges", lite.tom, **values, fees="26.95", field="fees", says="26.94")
    refused(lite, InvalidValue, "waive-charges", lite.tom, **values, fees="0.00", field="fees")
    refused(lite, InvalidValue, "waive-charges", lite.tom, loan=loan, fees="1.00", why="", field="why")
    act(lite, "waive-charges", loan=loan, interest=lite.text(interest), fees="26.94")
    at = standing(lite, loan, "2026-04-17").standing
    assert (at.interest, at.fees, at.principal) == (0, 0, TWELVE_THOUSAND)
    refused(lite, InvalidAmount, "waive-charges", lite.tom, **values, interest="0.01", field="interest")


def test_a_waiver_of_all_that_is_left_ends_the_loan(lite: SmallBank) -> None:
    loan = borrow(lite, principal="100.00")
    visit(lite, "2026-03-20")
    owed = standing(lite, loan, "2026-03-20").standing
    pay(lite, loan, 100_00)  # interest first: so much of the principal is left
    act(lite, "write-down", loan=loan, principal=lite.text(owed.interest), gift=True)
    assert stored(lite, loan).state == "paid"
    again = borrow(lite, principal="100.00")
    visit(lite, "2026-04-20")
    act(lite, "write-down", loan=again, principal="100.00")
    act(lite, "waive-charges", loan=again, interest=lite.text(standing(lite, again, "2026-04-20").payoff))
    assert stored(lite, again).state == "paid"


def test_a_payment_from_before_a_waiver_pays_what_was_waived(lite: SmallBank) -> None:
    """Ten of interest were waived on the 12th; a payment of the 10th, typed later, had paid them already."""
    loan = borrow(lite)
    visit(lite, "2026-03-12")
    act(lite, "waive-charges", loan=loan, interest="20.00")
    visit(lite, "2026-03-20")
    pay(lite, loan, 100_00, value_date="2026-03-10")
    paid = simple_interest(TWELVE_THOUSAND, "7.25", START, date(2026, 3, 10))
    owed = TWELVE_THOUSAND - 100_00 + paid
    at = standing(lite, loan, "2026-03-20").standing
    two_days = simple_interest(owed, "7.25", date(2026, 3, 10), date(2026, 3, 12))
    assert (at.interest_paid, at.waived, at.principal) == (paid, two_days, owed)
    assert lite.balance("119", "RLF") == two_days


# ---------------------------------------------------------------------------------- non-accrual


def test_income_is_taken_back_and_money_goes_to_principal_alone(lite: SmallBank) -> None:
    """E18 with cost recovery: the borrower's paper goes on by the contract."""
    loan = borrow(lite)
    visit(lite, "2026-04-20")
    interest = simple_interest(TWELVE_THOUSAND, "7.25", START, date(2026, 4, 20))
    close_months_before(lite, date(2026, 4, 20))
    done = act(lite, "stop-accrual", loan=loan)
    assert notes_of(done)["Income taken back"] == lite.text(interest)
    assert lite.balance("111", "RLF") == lite.balance("781/L-001", "RLF") == 0
    assert lite.balance("M10/L-001", "RLF") == -lite.balance("M19", "RLF") == interest
    paid = pay(lite, loan, LEVEL)  # by the contract: interest first
    assert (paid["Interest"], paid["Principal"]) == (lite.text(interest), lite.text(LEVEL - interest))
    assert lite.balance("701/L-001", "RLF") == TWELVE_THOUSAND - LEVEL  # in the books: principal alone
    assert lite.balance("111", "RLF") == 0
    assert lite.balance("M10/L-001", "RLF") == interest  # owed as principal, and not carried
    owed = TWELVE_THOUSAND - LEVEL + interest
    visit(lite, "2026-05-04")
    more = simple_interest(owed, "7.25", date(2026, 4, 20), date(2026, 5, 1))
    close_months_before(lite, date(2026, 5, 4))
    assert lite.balance("M10/L-001", "RLF") == interest + more
    pay(lite, loan, standing(lite, loan, "2026-05-04").payoff)
    all_interest = interest + simple_interest(owed, "7.25", date(2026, 4, 20), date(2026, 5, 4))
    assert lite.balance("111", "RLF") == -all_interest  # once nothing is carried, the rest is income
    assert (lite.balance("M10/L-001", "RLF"), stored(lite, loan).state) == (0, "paid")


def test_interest_is_income_when_it_is_paid(lite: SmallBank) -> None:
    loan = borrow(lite)
    visit(lite, "2026-04-20")
    interest = simple_interest(TWELVE_THOUSAND, "7.25", START, date(2026, 4, 20))
    act(lite, "stop-accrual", loan=loan, method="cash")
    pay(lite, loan, 30_00)
    assert (lite.balance("111", "RLF"), lite.balance("701/L-001", "RLF")) == (-30_00, TWELVE_THOUSAND)
    assert lite.balance("M10/L-001", "RLF") == interest - 30_00
    act(lite, "waive-charges", loan=loan, interest=lite.text(interest - 30_00))
    assert (lite.balance("M10/L-001", "RLF"), lite.balance("119", "RLF")) == (0, 0)  # it never was income
    assert standing(lite, loan, "2026-04-20").standing.interest == 0


def test_no_interest_runs_by_the_contract_either(lite: SmallBank) -> None:
    loan = borrow(lite)
    visit(lite, "2026-04-20")
    act(lite, "stop-accrual", loan=loan, stop_interest=True)
    interest = simple_interest(TWELVE_THOUSAND, "7.25", START, date(2026, 4, 20))
    assert standing(lite, loan, "2028-01-01").standing.interest == interest
    refused(lite, WrongState, "stop-accrual", lite.tom, loan=loan, why="x", field="loan", says="already")


def test_back_to_accrual_once_it_was_paid_for_a_while(lite: SmallBank) -> None:
    act(lite, "set-policy", by=lite.tom, policy="accrual_payments", value="2")
    loan = borrow(lite)
    refused(lite, WrongState, "resume-accrual", lite.tom, loan=loan, why="x", field="loan", says="not on non-accrual")
    visit(lite, "2026-04-20")
    act(lite, "stop-accrual", loan=loan, stop_interest=True)
    refused(lite, WrongState, "resume-accrual", lite.tom, loan=loan, why="x", field="loan", says="538.75 is due since")
    pay(lite, loan, LEVEL)
    refused(lite, WrongState, "resume-accrual", lite.tom, loan=loan, why="x", field="loan", says="1; 2 are needed")
    visit(lite, "2026-05-02")
    pay(lite, loan, LEVEL)
    interest = simple_interest(TWELVE_THOUSAND, "7.25", START, date(2026, 4, 20))
    act(lite, "resume-accrual", loan=loan)
    owed = TWELVE_THOUSAND - 2 * LEVEL + interest
    assert standing(lite, loan, "2026-05-02").standing.principal == owed
    assert lite.balance("701/L-001", "RLF") == TWELVE_THOUSAND - 2 * LEVEL
    visit(lite, "2026-06-02")
    month = simple_interest(owed, "7.25", date(2026, 5, 2), date(2026, 6, 2))
    paid = pay(lite, loan, LEVEL)
    assert paid["Interest"] == lite.text(month)
    assert lite.balance("111", "RLF") == -month
    pay(lite, loan, standing(lite, loan, "2026-06-02").payoff)
    assert lite.balance("111", "RLF") == -month - interest  # what ran meanwhile is income when it is collected
    assert stored(lite, loan).state == "paid"


def test_a_payment_that_counts_from_before_non_accrual_was_income(lite: SmallBank) -> None:
    loan = borrow(lite)
    visit(lite, "2026-04-20")
    act(lite, "stop-accrual", loan=loan)
    visit(lite, "2026-04-22")
    pay(lite, loan, LEVEL, value_date="2026-04-02")
    paid = simple_interest(TWELVE_THOUSAND, "7.25", START, date(2026, 4, 2))
    assert lite.balance("111", "RLF") == -paid
    owed = TWELVE_THOUSAND - LEVEL + paid
    assert lite.balance("701/L-001", "RLF") == owed
    assert lite.balance("M10/L-001", "RLF") == simple_interest(owed, "7.25", date(2026, 4, 2), date(2026, 4, 20))
    assert standing(lite, loan, "2026-04-22").due_now == 0


# ------------------------------------------------------------------------- who may, and the way back


@pytest.mark.parametrize(
    ("name", "values"),
    [("waive-charges", {"interest": "1.00"}), ("stop-accrual", {}), ("resume-accrual", {})],
)
def test_two_people_and_not_the_borrower(lite: SmallBank, name: str, values: dict[str, Any]) -> None:
    loan = borrow(lite)
    if name == "resume-accrual":
        act(lite, "set-policy", by=lite.tom, policy="accrual_payments", value="0")
        act(lite, "stop-accrual", loan=loan)
    visit(lite, "2026-03-20")
    before = told(lite, loan), leaves(lite)
    assert lite.ask(name, lite.tom, loan=loan, why="x", **values).status == "pending"
    assert (told(lite, loan), leaves(lite)) == before
    surplus = borrow(lite, product="SURPLUS", outer_date="2028-03-02")
    refused(lite, WrongState, name, lite.tom, loan=surplus, why="x", **values, field="loan", says="does not fit")
    lite.agreed("link-user", by=lite.admin, approver=lite.sue, user="tom", member="M0001")
    refused(lite, OwnAccount, name, lite.tom, loan=loan, why="x", **values)
    refused(lite, OwnAccount, "charge-late-fee", lite.tom, loan=loan)


LATE: list[Step] = [
    ("2026-03-02", "grant-loan", {"member": "M0001", "principal": "12000.00", "annual_rate": "7.25",
                                  "installments": 24, "other_funds": "GEN 33.33", "product": "FEES"}),
    ("2026-03-02", "disburse-loan", {"loan": "L-001"}),
    ("2026-04-20", CLOSE, {}),
]  # fmt: skip
CARE: dict[str, Step] = {
    "late fee": ("2026-04-20", "charge-late-fee", {"loan": "L-001"}),
    "waiver": ("2026-04-20", "waive-charges", {"loan": "L-001", "interest": "33.33"}),
    "recovery": ("2026-04-20", "stop-accrual", {"loan": "L-001"}),
    "cash": ("2026-04-20", "stop-accrual", {"loan": "L-001", "method": "cash", "stop_interest": True}),
}
AFTER: list[Step] = [
    ("2026-05-04", CLOSE, {}),
    ("2026-05-04", "repay-loan", {"loan": "L-001", "amount": "538.75", "value_date": "2026-04-28"}),
    ("2026-05-20", "change-rate", {"loan": "L-001", "annual_rate": "5"}),
    ("2026-06-08", "repay-loan", {"loan": "L-001", "amount": "300.00", "value_date": "2026-04-11"}),
    ("2026-06-08", CLOSE, {}),
]


@pytest.mark.parametrize("rest", [[], AFTER], ids=["at once", "after payments, terms and closes"])
@pytest.mark.parametrize("name", CARE)
def test_what_is_taken_back_never_was(founded: Path, tmp_path: Path, name: str, rest: list[Step]) -> None:
    as_if_never(founded, tmp_path, [*LATE, CARE[name], *rest], taken=3)


def test_a_return_to_accrual_is_taken_back(founded: Path, tmp_path: Path) -> None:
    steps: list[Step] = [
        *LATE, CARE["recovery"],
        ("2026-04-20", "set-policy", {"policy": "accrual_payments", "value": "1"}),
        ("2026-05-04", "repay-loan", {"loan": "L-001", "amount": "1500.00"}),
        ("2026-05-05", "resume-accrual", {"loan": "L-001"}),
        ("2026-06-08", "repay-loan", {"loan": "L-001", "amount": "300.00"}), ("2026-06-08", CLOSE, {}),
    ]  # fmt: skip
    as_if_never(founded, tmp_path, steps, taken=6)


def test_a_fee_that_was_taken_back_may_be_charged_again(lite: SmallBank) -> None:
    loan = borrow(lite, product="FEES")
    visit(lite, "2026-04-17")
    first = act(lite, "charge-late-fee", loan=loan)
    act(lite, "reverse", operation=first.number)
    assert lite.balance("791/L-001", "RLF") == 0
    act(lite, "charge-late-fee", loan=loan)
    assert lite.balance("791/L-001", "RLF") == 26_94


def test_non_accrual_by_mistake_is_taken_back_even_where_it_posted_nothing(lite: SmallBank) -> None:
    """On the day of the pay-out no interest ran: nothing was posted, and yet everything would be different."""
    loan = borrow(lite)
    before = told(lite, loan)
    wrong = act(lite, "stop-accrual", loan=loan, stop_interest=True)
    assert not wrong.entries
    taken = act(lite, "reverse", operation=wrong.number)
    assert not taken.entries
    assert told(lite, loan) == before
    refused(lite, CannotReverse, "reverse", lite.tom, operation=wrong.number, reason="x", field="operation",
            says=f"already reversed by operation {taken.number}")  # fmt: skip
    refused(lite, CannotReverse, "reverse", lite.tom, operation=taken.number, reason="x", says="a reversal itself")
    assert standing(lite, loan, "2026-04-02").standing.interest > 0


def test_a_day_that_lies_ahead_or_before_the_loan(lite: SmallBank) -> None:
    loan = borrow(lite)
    visit(lite, START + timedelta(days=40))
    for day in ("2026-03-01", "2026-04-12", "0001-01-01", "9999-12-31"):
        refused(lite, DayClosed, "repay-loan", lite.tom, loan=loan, amount="1.00", tender="transfer", value_date=day,
                field="value_date")  # fmt: skip
    assert play(lite, [("2026-04-11", "repay-loan", {"loan": loan, "amount": "0.01", "value_date": "2026-03-02"})])
