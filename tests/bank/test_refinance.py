"""Refinancing: a new loan pays an old one off; no cash moves but the funds' claims on it."""

from __future__ import annotations

from datetime import date
from typing import Any

from coopbank.errors import (
    CannotReverse,
    DayClosed,
    InvalidValue,
    NotAllowed,
    Overdrawn,
    OwnAccount,
    Unknown,
    WrongState,
)
from tests.bank.support_counter import refused
from tests.bank.support_lending import notes_of, simple_interest, standing, stored, visit
from tests.bank.support_twins import START, act, assert_leaves, borrow, furnish, leaves, told
from tests.support_bank import SmallBank

TWELVE_THOUSAND = 12_000_00
DAY = "2026-05-20"
LATER = date(2026, 5, 20)


def begun(bank: SmallBank) -> None:
    furnish(bank)
    bank.admit("Noa Banks")


def promise(bank: SmallBank, amount: str, **changes: Any) -> str:
    """A loan that is granted and not paid out."""
    terms = {"member": "M0001", "annual_rate": "5", "installments": 36, "principal": amount}
    return act(bank, "grant-loan", **{**terms, **changes}).created[0]


def test_the_old_loan_is_paid_off_and_the_new_one_stands(lite: SmallBank) -> None:
    old = borrow(lite)
    visit(lite, DAY)
    interest = simple_interest(TWELVE_THOUSAND, "7.25", START, LATER)
    owed = TWELVE_THOUSAND + interest
    new = promise(lite, lite.text(owed))
    cash = lite.balance("731/FIRST", "POOL"), lite.balance("729", "RLF")
    done = act(lite, "refinance-loan", loan=old, new_loan=new)
    assert notes_of(done)["Interest"] == lite.text(interest)
    assert (lite.balance("731/FIRST", "POOL"), lite.balance("729", "RLF")) == cash
    assert (stored(lite, old).state, stored(lite, old).replaced_by) == ("paid", new)
    assert (lite.balance(f"701/{old}", "RLF"), lite.balance(f"701/{new}", "RLF")) == (0, owed)
    assert lite.balance("111", "RLF") == -interest
    assert standing(lite, new, DAY).next_due == date(2026, 6, 20)
    assert stored(lite, new).state == "active"


def test_between_funds_the_claim_on_cash_passes(lite: SmallBank) -> None:
    old = borrow(lite, annual_rate="0", other_funds="GEN 40")
    new = promise(lite, "12000.00", fund="GEN")
    before = {fund: lite.balance("729", fund) for fund in ("RLF", "GEN")}
    act(lite, "refinance-loan", loan=old, new_loan=new)
    assert lite.balance("729", "RLF") == before["RLF"] + 7200_00
    assert lite.balance("729", "GEN") == before["GEN"] + 4800_00 - 12000_00
    assert lite.balance(f"701/{new}", "GEN") == 12000_00


def test_by_a_part_of_a_larger_loan_whose_rest_is_paid_out_later(lite: SmallBank) -> None:
    old = borrow(lite, annual_rate="0", principal="500.00")
    new = promise(lite, "2000.00")
    act(lite, "refinance-loan", loan=old, new_loan=new)
    assert lite.balance(f"M40/{new}", "RLF") == 1500_00
    act(lite, "disburse-loan", loan=new)
    assert lite.balance(f"701/{new}", "RLF") == 2000_00


def test_two_old_loans_by_one(lite: SmallBank) -> None:
    first, second = (borrow(lite, annual_rate="0", principal="500.00") for _ in range(2))
    new = promise(lite, "1000.00")
    act(lite, "refinance-loan", loan=first, new_loan=new)
    act(lite, "refinance-loan", loan=second, new_loan=new)
    assert (stored(lite, first).state, stored(lite, second).state) == ("paid", "paid")
    refused(lite, WrongState, "refinance-loan", lite.tom, loan=first, new_loan=new, field="loan")


def test_a_line_of_credit_pays_a_loan_off(lite: SmallBank) -> None:
    old = borrow(lite, annual_rate="0", principal="500.00")
    line = promise(lite, "800.00", product="LINE", installments=12)
    act(lite, "refinance-loan", loan=old, new_loan=line)
    assert standing(lite, line, "2026-03-02").available == 300_00


def test_of_a_surplus_loan_no_more_than_its_cap_allows_is_paid(lite: SmallBank) -> None:
    old = borrow(lite, product="SURPLUS", outer_date="2029-03-02", principal="1000.00")
    visit(lite, "2027-03-02")
    act(lite, "file-report", loan=old, surplus="100.00")
    act(lite, "accept-report", loan=old, period=1)
    new = promise(lite, "1050.00")
    act(lite, "refinance-loan", loan=old, new_loan=new)
    assert (stored(lite, old).state, lite.balance(f"701/{new}", "RLF")) == ("paid", 1050_00)
    assert (lite.balance("111", "RLF"), lite.balance(f"M10/{old}", "RLF")) == (-50_00, 0)


def test_what_cannot_be_refinanced(lite: SmallBank) -> None:
    old = borrow(lite, annual_rate="7.25", principal="1000.00")
    visit(lite, DAY)
    owed = 1000_00 + simple_interest(1000_00, "7.25", START, LATER)
    small = promise(lite, lite.text(owed - 1))
    values = {"loan": old, "new_loan": small}
    refused(lite, Overdrawn, "refinance-loan", lite.tom, **values, field="new_loan", says=lite.text(owed - 1)[-6:])
    refused(lite, InvalidValue, "refinance-loan", lite.tom, loan=old, new_loan=old, field="new_loan")
    others = promise(lite, "5000.00", member="M0002")
    refused(lite, InvalidValue, "refinance-loan", lite.tom, loan=old, new_loan=others, field="new_loan")
    refused(lite, NotAllowed, "refinance-loan", lite.ana, loan=old, new_loan=promise(lite, "2000.00"), field="new_loan",
            says="ana")  # fmt: skip
    done = borrow(lite, principal="2000.00")
    refused(lite, Overdrawn, "refinance-loan", lite.tom, loan=old, new_loan=done, field="new_loan")
    act(lite, "repay-loan", loan=done, amount="2000.00")
    refused(lite, WrongState, "refinance-loan", lite.tom, loan=old, new_loan=done, field="new_loan", says="paid")
    refused(lite, WrongState, "refinance-loan", lite.tom, loan=small, new_loan=done, field="loan", says="not paid out")
    refused(lite, Unknown, "refinance-loan", lite.tom, loan=old, new_loan="L-099", field="new_loan")
    refused(lite, Unknown, "refinance-loan", lite.tom, loan="L-099", new_loan=small, field="loan")
    act(lite, "charge-off", loan=old, resolution="R-1")
    refused(lite, WrongState, "refinance-loan", lite.tom, loan=old, new_loan=small, field="loan", says="charged-off")


def test_a_first_payment_that_would_be_due_before_it_is_paid_out(lite: SmallBank) -> None:
    old = borrow(lite, principal="1000.00", annual_rate="0")
    new = promise(lite, "2000.00", first_due="2026-05-10")
    visit(lite, DAY)
    refused(lite, WrongState, "refinance-loan", lite.tom, loan=old, new_loan=new, field="new_loan", says="2026-05-10")


def test_the_new_money_does_not_come_from_the_past(lite: SmallBank) -> None:
    """A later payment on the old loan that counts from before leaves the new one as it is: too much was paid off."""
    old = borrow(lite, principal="1000.00", annual_rate="0")
    new = promise(lite, "1000.00")
    visit(lite, DAY)
    act(lite, "refinance-loan", loan=old, new_loan=new)
    refused(lite, WrongState, "repay-loan", lite.tom, loan=old, amount="100.00", tender="transfer",
            value_date="2026-04-02", field="loan", says="paid")  # fmt: skip


def test_nobody_refinances_their_own_loan(lite: SmallBank) -> None:
    old = borrow(lite, principal="1000.00")
    new = promise(lite, "2000.00")
    lite.agreed("link-user", by=lite.admin, approver=lite.sue, user="tom", member="M0001")
    refused(lite, OwnAccount, "refinance-loan", lite.tom, loan=old, new_loan=new)


def test_refinancing_is_taken_back_whole(lite: SmallBank) -> None:
    old = borrow(lite, other_funds="GEN 40")
    visit(lite, DAY)
    new = promise(lite, "13000.00", fund="GEN")
    before = told(lite, old), told(lite, new), leaves(lite)
    done = act(lite, "refinance-loan", loan=old, new_loan=new)
    act(lite, "repay-loan", loan=new, amount="100.00")
    for replay in (False, True):
        refused(lite, CannotReverse, "reverse", lite.tom, operation=done.number, reason="x", replay=replay)
    paid = act(lite, "repay-loan", loan=new, amount="0.01")
    for number in (paid.number, paid.number - 3, done.number):  # the refusals have numbers of their own
        act(lite, "reverse", operation=number)
    assert (told(lite, old), told(lite, new), leaves(lite)) == before
    assert stored(lite, old).replaced_by is None
    for loan in (old, new):
        assert_leaves(lite, loan)


def test_a_pay_out_that_is_taken_back_was_no_first_day(lite: SmallBank) -> None:
    loan = promise(lite, "1000.00", first_due="2026-05-10")
    wrong = act(lite, "disburse-loan", loan=loan)
    act(lite, "reverse", operation=wrong.number)
    assert (stored(lite, loan).state, stored(lite, loan).disbursed_on) == ("granted", None)
    visit(lite, "2026-04-20")
    act(lite, "disburse-loan", loan=loan, amount="400.00")
    act(lite, "disburse-loan", loan=loan, amount="100.00")
    assert stored(lite, loan).disbursed_on == "2026-04-20"
    refused(lite, DayClosed, "repay-loan", lite.tom, loan=loan, amount="1.00", tender="transfer",
            value_date="2026-04-19", field="value_date")  # fmt: skip
