"""Losses: written down, charged off, recovered; who bears them, who gets what comes back, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from coopbank.errors import (
    CannotReverse,
    InvalidAmount,
    InvalidValue,
    NotAllowed,
    Overdrawn,
    OwnAccount,
    Unknown,
    WrongState,
)
from tests.bank.support_counter import entry, posted, refused
from tests.bank.support_lending import (
    assert_replayed,
    close_months_before,
    copy_of,
    notes_of,
    simple_interest,
    standing,
    stored,
    visit,
)
from tests.bank.support_twins import (
    CLOSE,
    START,
    Step,
    act,
    as_if_never,
    assert_leaves,
    assert_rows,
    borrow,
    furnish,
    leaves,
    pay,
    play,
    told,
)
from tests.support_bank import SmallBank, assert_books

LEVEL = 538_75
TWELVE_THOUSAND = 12_000_00


def begun(bank: SmallBank) -> None:
    """With a reserve of 3,000.00 in an account of its own."""
    furnish(bank)
    act(bank, "add-bank-account", code="RESERVE", account_name="Reserve", fund="LLR")
    gift = {"donor": "A foundation", "tender": "transfer", "fund": "LLR", "bank_account": "RESERVE"}
    bank.do("receive-gift", by=bank.tom, amount="3000.00", **gift)


@pytest.fixture
def lite(lite: SmallBank) -> Iterator[SmallBank]:
    yield lite
    with lite.read() as books:
        loans = [ref for (ref,) in books.tx.rows("SELECT DISTINCT ref FROM record WHERE kind = 'loan'")]
        for fund in ("RLF", "GEN"):
            assert books.balance(fund, "719") <= 0, "the allowance never stands on the debit side"
    for loan in loans:
        assert_leaves(lite, loan)


# ---------------------------------------------------------------------------------- written down


def test_what_is_written_down_is_owed_no_more(lite: SmallBank) -> None:
    loan = borrow(lite)
    visit(lite, "2026-04-02")
    pay(lite, loan, LEVEL)
    owed = TWELVE_THOUSAND - LEVEL + simple_interest(TWELVE_THOUSAND, "7.25", START, date(2026, 4, 2))
    done = act(lite, "write-down", loan=loan, principal="2000.00")
    assert posted(done) == [
        entry("RLF 301 Dr 2000.00", "RLF 719 Cr 2000.00", "RLF 719 Dr 2000.00", "RLF 701/L-001 Cr 2000.00")
    ]
    assert notes_of(done)["To be reported"] == "1099-C"
    at = standing(lite, loan, "2026-04-02")
    assert (at.owed_principal, at.due_now, len(at.rows)) == (owed - 2000_00, 0, 23)
    assert_rows(at.rows, owed - 2000_00, "7.25", date(2026, 4, 2))
    small = act(lite, "write-down", loan=loan, principal="599.99")
    assert "To be reported" not in notes_of(small)


def test_a_gift_of_the_fund_is_no_loss(lite: SmallBank) -> None:
    loan = borrow(lite, other_funds="GEN 33.33")
    done = act(lite, "write-down", loan=loan, principal="1000.00", gift=True)
    assert posted(done) == [
        entry("RLF 366 Dr 666.70", "RLF 701/L-001 Cr 666.70", "GEN 366 Dr 333.30", "GEN 701/L-001 Cr 333.30")
    ]


def test_a_cent_of_a_gift_goes_to_the_other_fund_with_a_write_down(lite: SmallBank) -> None:
    """Both lower one balance, and are split as one sum: `verify` knows that (the fixture asks it)."""
    loan = borrow(lite, other_funds="GEN 33.33")
    act(lite, "write-down", loan=loan, principal="5.00", gift=True)
    (lines,) = posted(act(lite, "write-down", loan=loan, principal="50.00"))
    assert lines["RLF", "366", 1] == lines["GEN", "366", -1] == 1


def test_all_of_it_is_written_down(lite: SmallBank) -> None:
    loan = borrow(lite)
    visit(lite, "2026-03-20")
    interest = simple_interest(TWELVE_THOUSAND, "7.25", START, date(2026, 3, 20))
    refused(lite, InvalidAmount, "write-down", lite.tom, loan=loan, principal="12000.01", resolution="x",
            field="principal", says="12,000.00")  # fmt: skip
    act(lite, "write-down", loan=loan, principal="12000.00")
    at = standing(lite, loan, "2027-03-20")
    assert (stored(lite, loan).state, at.payoff, at.owed_principal) == ("active", interest, 0)
    act(lite, "waive-charges", loan=loan, interest=lite.text(interest))
    assert stored(lite, loan).state == "paid"
    refused(lite, WrongState, "write-down", lite.tom, loan=loan, principal="0.01", resolution="x", field="loan")


def test_a_write_down_while_payments_are_late(lite: SmallBank) -> None:
    """What is late stays late, the rest is spread anew over the payments that are left."""
    loan = borrow(lite)
    visit(lite, "2026-04-10")
    late = standing(lite, loan, "2026-04-10")
    act(lite, "write-down", loan=loan, principal="3000.00")
    at = standing(lite, loan, "2026-04-10")
    assert (at.due_now, at.days_late) == (LEVEL, 8)
    assert at.standing.owed == late.standing.owed - 3000_00
    assert_rows(at.rows, at.owed_principal - at.due.principal, "7.25", date(2026, 4, 10),
                carried=at.standing.interest - at.due.interest)  # fmt: skip


def test_who_asked_for_the_loan_does_not_forgive_it(lite: SmallBank) -> None:
    loan = act(lite, "grant-loan", member="M0001", principal="100.00").created[0]
    refused(lite, WrongState, "write-down", lite.tom, loan=loan, principal="1.00", resolution="x", field="loan")
    act(lite, "disburse-loan", loan=loan)
    refused(lite, NotAllowed, "write-down", lite.ana, loan=loan, principal="1.00", resolution="x")
    act(lite, "change-role", by=lite.admin, user="ana", user_roles=["loan-officer", "treasurer"])
    refused(lite, NotAllowed, "write-down", lite.ana, loan=loan, principal="1.00", resolution="x", field="loan",
            says="ana")  # fmt: skip
    refused(lite, InvalidValue, "write-down", lite.tom, loan=loan, principal="1.00", resolution="", field="resolution")
    refused(lite, InvalidValue, "write-down", lite.tom, loan=loan, principal="0", resolution="x", field="principal")
    refused(lite, Unknown, "write-down", lite.tom, loan="L-9", principal="1.00", resolution="x", field="loan")


# ----------------------------------------------------------------------------------- charged off


def test_a_loss_is_provided_for_first_and_the_debt_stands(lite: SmallBank) -> None:
    """E20 and E21 with figures of their own: 12,000.00 lent, nothing paid for a year."""
    loan = borrow(lite)
    visit(lite, "2027-03-01")
    interest = simple_interest(TWELVE_THOUSAND, "7.25", START, date(2027, 3, 1))
    refused(lite, WrongState, "charge-off", lite.tom, loan=loan, why="x", field="resolution", says="365 days")
    visit(lite, "2027-03-02")
    interest = simple_interest(TWELVE_THOUSAND, "7.25", START, date(2027, 3, 2))
    act(lite, "charge-off", loan=loan)
    loss = TWELVE_THOUSAND + interest
    assert lite.balance("301", "RLF") == loss
    assert lite.balance("719", "RLF") == lite.balance("701/L-001", "RLF") == lite.balance("781/L-001", "RLF") == 0
    assert lite.balance("M20/L-001", "RLF") == -lite.balance("M29", "RLF") == loss
    visit(lite, "2027-06-02")
    close_months_before(lite, date(2027, 6, 2))
    at = standing(lite, loan, "2027-06-02")
    assert (at.payoff, at.due_now, at.next_due) == (loss, 0, None)  # no interest runs on it
    paid = act(lite, "repay-loan", loan=loan, amount="300.00")
    assert posted(paid) == [
        entry("POOL 731/FIRST Dr 300.00", "POOL 879/RLF Cr 300.00", "RLF 729 Dr 300.00", "RLF 719 Cr 300.00",
              "RLF M29 Dr 300.00", "RLF M20/L-001 Cr 300.00")
    ]  # fmt: skip
    refused(lite, InvalidAmount, "repay-loan", lite.tom, loan=loan, amount=lite.text(loss - 299_99), tender="transfer",
            field="amount", says=lite.text(loss - 300_00)[-6:])  # fmt: skip
    pay(lite, loan, loss - 300_00)
    assert lite.balance("M20/L-001", "RLF") == 0
    assert lite.balance("719", "RLF") == -loss
    refused(lite, WrongState, "charge-off", lite.tom, loan=loan, why="x", resolution="x", field="loan")


def test_a_paid_loan_and_one_that_is_paid_as_agreed_are_no_loss(lite: SmallBank) -> None:
    loan = borrow(lite)
    visit(lite, "2026-04-01")
    refused(lite, WrongState, "charge-off", lite.tom, loan=loan, why="x", resolution="x", field="loan", says="agreed")
    pay(lite, loan, standing(lite, loan, "2026-04-01").payoff)
    refused(lite, WrongState, "charge-off", lite.tom, loan=loan, why="x", resolution="x", field="loan", says="paid")
    granted = act(lite, "grant-loan", member="M0001", principal="100.00").created[0]
    refused(lite, WrongState, "charge-off", lite.tom, loan=granted, why="x", resolution="x", field="loan")
    surplus = act(lite, "grant-loan", member="M0001", principal="100.00", product="SURPLUS",
                  outer_date="2030-01-01").created[0]  # fmt: skip
    act(lite, "disburse-loan", loan=surplus, amount="50.00")
    pay(lite, surplus, 50_00)
    assert stored(lite, surplus).state == "active"  # the rest may still be paid out
    refused(lite, WrongState, "charge-off", lite.tom, loan=surplus, why="x", resolution="x", field="loan",
            says="Nothing")  # fmt: skip


def test_what_is_more_than_is_owed_of_a_loss_waits_and_the_rest_comes_back(lite: SmallBank) -> None:
    """Nothing falls due any more on it, and all that is owed is asked for."""
    loan = borrow(lite, principal="1000.00", annual_rate="0")
    visit(lite, "2026-05-10")
    act(lite, "charge-off", loan=loan, resolution="R-1")
    act(lite, "repay-loan", loan=loan, amount="100.00", excess="unapplied")
    assert (lite.balance("M20/L-001", "RLF"), lite.balance("871/M0001")) == (900_00, 0)
    refused(lite, InvalidAmount, "repay-loan", loan=loan, amount="1200.00", field="amount", says="keep the excess")
    act(lite, "repay-loan", loan=loan, amount="1200.00", excess="unapplied")
    assert (lite.balance("M20/L-001", "RLF"), lite.balance("871/M0001")) == (0, -300_00)
    assert lite.balance("719", "RLF") == -1000_00


def test_a_loss_of_two_funds(lite: SmallBank) -> None:
    loan = borrow(lite, other_funds="GEN 33.33", principal="1000.00")
    visit(lite, "2026-05-10")
    act(lite, "charge-off", loan=loan, resolution="R-1")
    interest = simple_interest(1000_00, "7.25", START, date(2026, 5, 10))
    assert (lite.balance("M20/L-001", "RLF"), lite.balance("M20/L-001", "GEN")) == (666_70 + 9_14, 333_30 + 4_57)
    assert interest == 9_14 + 4_57
    pay(lite, loan, 100_00)
    assert (lite.balance("719", "RLF"), lite.balance("719", "GEN")) == (-66_67, -33_33)


def test_a_peer_bears_its_own_part(lite: SmallBank) -> None:
    loan = act(lite, "grant-loan", member="M0001", principal="1000.00", annual_rate="7.3", installments=4).created[0]
    act(lite, "sell-participation", loan=loan, peer="PF-1", share_percent="40", agreement="A-1")
    act(lite, "disburse-loan", loan=loan)
    visit(lite, "2026-04-11")  # 40 days: 8.00 of interest
    written = act(lite, "write-down", loan=loan, principal="100.00")
    assert {line.fund for each in written.entries for line in each.lines} == {"RLF"}
    assert (lite.balance("301", "RLF"), lite.balance("M30/L-001", "RLF")) == (60_00, 360_00 + 3_20)
    act(lite, "charge-off", loan=loan, resolution="R-1")
    assert lite.balance("301", "RLF") == 60_00 + 540_00 + 4_80
    assert (lite.balance("M20/L-001", "RLF"), lite.balance("M30/L-001", "RLF")) == (544_80, 363_20)
    pay(lite, loan, 50_00)
    assert (lite.balance("719", "RLF"), lite.balance("831/PF-1", "RLF")) == (-30_00, -20_00)


def test_what_was_promised_and_not_paid_out_is_promised_no_more(lite: SmallBank) -> None:
    loan = act(lite, "grant-loan", member="M0001", principal="1000.00").created[0]
    act(lite, "disburse-loan", loan=loan, amount="400.00")
    visit(lite, "2026-05-10")
    act(lite, "charge-off", loan=loan, resolution="R-1")
    assert lite.balance("M40/L-001", "RLF") == lite.balance("M49", "RLF") == 0
    refused(lite, WrongState, "disburse-loan", lite.tom, loan=loan, amount="1.00", field="loan")
    refused(lite, WrongState, "close-commitment", lite.tom, loan=loan, reason="x", field="loan")


def test_a_loan_on_non_accrual_is_charged_off(lite: SmallBank) -> None:
    loan = borrow(lite, principal="1000.00")
    visit(lite, "2026-04-20")
    act(lite, "stop-accrual", loan=loan)
    pay(lite, loan, 200_00)
    act(lite, "charge-off", loan=loan, resolution="R-1")
    owed = 1000_00 - 200_00 + simple_interest(1000_00, "7.25", START, date(2026, 4, 20))
    assert lite.balance("301", "RLF") == 800_00  # what was carried; the interest never was income
    assert (lite.balance("M20/L-001", "RLF"), lite.balance("M10/L-001", "RLF")) == (owed, 0)


# -------------------------------------------------------------------------------------- reserves


def test_a_reserve_makes_a_part_good_and_is_refilled_first(lite: SmallBank) -> None:
    loan = borrow(lite, principal="4000.00")
    visit(lite, "2026-05-10")
    before = lite.balance("729", "RLF")
    values = {"loan": loan, "why": "x", "resolution": "R-1"}
    wrong: list[tuple[dict[str, str], Any, str]] = [
        ({"reserve_account": "RESERVE"}, InvalidValue, "from_reserve"),
        ({"from_reserve": "10.00"}, InvalidValue, "from_reserve"),
        ({"from_reserve": "10.00", "reserve_account": "FIRST"}, InvalidValue, "reserve_account"),
        ({"from_reserve": "10.00", "reserve_account": "NONE"}, Unknown, "reserve_account"),
        ({"from_reserve": "5000.00", "reserve_account": "RESERVE"}, InvalidAmount, "from_reserve"),
        ({"from_reserve": "3000.01", "reserve_account": "RESERVE"}, Overdrawn, "from_reserve"),
    ]  # fmt: skip
    for more, error, field in wrong:
        refused(lite, error, "charge-off", lite.tom, **values, **more, field=field)
    act(lite, "charge-off", loan=loan, resolution="R-1", reserve_account="RESERVE", from_reserve="450.00")
    assert (lite.balance("731/RESERVE", "LLR"), lite.balance("729", "RLF")) == (2550_00, before + 450_00)
    assert lite.balance("187", "LLR") == -lite.balance("187", "RLF") == 450_00
    first = act(lite, "repay-loan", loan=loan, amount="300.00")
    assert (lite.balance("731/RESERVE", "LLR"), stored(lite, loan).borne) == (2850_00, {"LLR": 150_00})
    pay(lite, loan, 200_00)  # 150.00 to the reserve, the rest stays with the fund
    assert (lite.balance("731/RESERVE", "LLR"), stored(lite, loan).borne) == (3000_00, {})
    assert lite.balance("187", "LLR") == lite.balance("187", "RLF") == 0
    act(lite, "reverse", operation=first.number, replay=True)  # 350.00 came back, 150.00 of it to the reserve
    assert (lite.balance("731/RESERVE", "LLR"), stored(lite, loan).borne) == (2700_00, {"LLR": 300_00})


def test_unapplied_money_refills_the_reserve_too(lite: SmallBank) -> None:
    loan = borrow(lite, principal="1000.00")
    act(lite, "repay-loan", loan=loan, amount="100.00", excess="unapplied")
    visit(lite, "2026-05-10")
    act(lite, "charge-off", loan=loan, resolution="R-1", reserve_account="RESERVE", from_reserve="60.00")
    act(lite, "apply-unapplied", loan=loan, amount="100.00")
    assert (lite.balance("731/RESERVE", "LLR"), stored(lite, loan).borne) == (3000_00, {})
    assert lite.balance("719", "RLF") == -100_00


def test_a_reserve_makes_good_what_the_leading_fund_lost_and_no_more(lite: SmallBank) -> None:
    loan = borrow(lite, principal="1000.00", annual_rate="0", other_funds="GEN 40")
    visit(lite, "2026-05-10")
    values: dict[str, Any] = {"loan": loan, "why": "x", "resolution": "R-1", "reserve_account": "RESERVE"}
    refused(lite, InvalidAmount, "charge-off", lite.tom, **values, from_reserve="600.01", field="from_reserve",
            says="600.00")  # fmt: skip
    act(lite, "charge-off", **values, from_reserve="600.00")
    pay(lite, loan, 100_00)  # 60.00 of it are the leading fund's
    assert stored(lite, loan).borne == {"LLR": 540_00}
    assert lite.balance("719", "GEN") == -40_00


# ---------------------------------------------------------------- value dates before, and the way back


def test_a_payment_that_counts_from_before_the_charge_off(lite: SmallBank) -> None:
    loan = borrow(lite, principal="1000.00")
    visit(lite, "2026-05-10")
    act(lite, "charge-off", loan=loan, resolution="R-1")
    visit(lite, "2026-05-12")
    pay(lite, loan, 100_00, value_date="2026-04-02")
    first = simple_interest(1000_00, "7.25", START, date(2026, 4, 2))
    owed = 1000_00 - 100_00 + first
    rest = owed + simple_interest(owed, "7.25", date(2026, 4, 2), date(2026, 5, 10))
    assert standing(lite, loan, "2026-05-12").payoff == lite.balance("M20/L-001", "RLF") == rest
    assert lite.balance("111", "RLF") == -(rest - owed) - first
    assert (lite.balance("701/L-001", "RLF"), lite.balance("781/L-001", "RLF")) == (0, 0)


def test_two_people_neither_of_them_the_borrower(lite: SmallBank) -> None:
    loan = borrow(lite, principal="1000.00")
    visit(lite, "2026-05-10")
    before = told(lite, loan), leaves(lite)
    for name, values in (("write-down", {"principal": "1.00"}), ("charge-off", {"why": "x"})):
        assert lite.ask(name, lite.tom, loan=loan, resolution="R-1", **values).status == "pending"
    assert (told(lite, loan), leaves(lite)) == before
    lite.agreed("link-user", by=lite.admin, approver=lite.sue, user="tom", member="M0001")
    for name, values in (("write-down", {"principal": "1.00"}), ("charge-off", {"why": "x"})):
        refused(lite, OwnAccount, name, lite.tom, loan=loan, resolution="R-1", **values)


LENT: list[Step] = [
    ("2026-03-02", "grant-loan", {"member": "M0001", "principal": "4000.00", "annual_rate": "7.25",
                                  "installments": 24, "other_funds": "GEN 33.33"}),
    ("2026-03-02", "disburse-loan", {"loan": "L-001"}),
    ("2026-04-02", "repay-loan", {"loan": "L-001", "amount": "179.58"}),
    ("2026-05-10", CLOSE, {}),
]  # fmt: skip
LOSSES: dict[str, Step] = {
    "write-down": ("2026-05-10", "write-down", {"loan": "L-001", "principal": "1000.00"}),
    "gift": ("2026-05-10", "write-down", {"loan": "L-001", "principal": "1000.00", "gift": True}),
    "charge-off": ("2026-05-10", "charge-off", {"loan": "L-001", "resolution": "R-1"}),
    "borne": ("2026-05-10", "charge-off", {"loan": "L-001", "resolution": "R-1", "reserve_account": "RESERVE",
                                           "from_reserve": "500.00"}),
}  # fmt: skip
PAID: list[Step] = [
    ("2026-06-08", CLOSE, {}),
    ("2026-06-08", "repay-loan", {"loan": "L-001", "amount": "300.00"}),
    ("2026-06-10", "repay-loan", {"loan": "L-001", "amount": "200.00", "value_date": "2026-06-09"}),
    ("2026-07-08", CLOSE, {}),
]


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_that_is_taken_back_never_was(founded: Path, tmp_path: Path, name: str) -> None:
    as_if_never(founded, tmp_path, [*LENT, LOSSES[name]], taken=4)
    as_if_never(founded, tmp_path, [*LENT, LOSSES[name], PAID[0]], taken=4)
    if name in ("write-down", "gift"):
        as_if_never(founded, tmp_path, [*LENT, LOSSES[name], *PAID], taken=4)


@pytest.mark.parametrize("taken", [2, 6, 7], ids=["before the loss", "the first recovery", "the last one"])
@pytest.mark.parametrize("name", LOSSES)
def test_a_payment_around_a_loss_is_taken_back(founded: Path, tmp_path: Path, name: str, taken: int) -> None:
    as_if_never(founded, tmp_path, [*LENT, LOSSES[name], *PAID], taken=taken)


def test_a_charge_off_with_recoveries_is_not_taken_back_under_them(founded: Path, tmp_path: Path) -> None:
    bank = copy_of(founded, tmp_path / "book.db")
    off, _closed, first, second, _again = play(bank, [*LENT, LOSSES["borne"], *PAID])[-5:]
    for replay in (False, True):
        with pytest.raises(CannotReverse, match=f"rest on it: {first} .*, {second} "):
            act(bank, "reverse", operation=off, replay=replay)
    for number in (second, first, off):
        act(bank, "reverse", operation=number)
    assert (stored(bank, "L-001").state, stored(bank, "L-001").borne) == ("active", {})
    assert bank.balance("731/RESERVE", "LLR") == 3000_00
    assert_books(bank)
    assert_replayed(bank)
    bank.bank.close()
