"""Drawers, vault, bank account and cheques: what each operation posts, and what each refuses."""

from __future__ import annotations

import re
from datetime import date

import pytest

from coopbank.bank import records
from coopbank.bank.lending.position import loan_position
from coopbank.errors import (
    AlreadyExists,
    CannotReverse,
    CoopbankError,
    DayClosed,
    DrawerClosed,
    InvalidAmount,
    InvalidDate,
    InvalidValue,
    NotAllowed,
    Overdrawn,
    OwnAccount,
    Unknown,
    WrongState,
)
from tests.bank.support_counter import HOSTILE, entry, posted, refused
from tests.bank.support_lending import notes_of
from tests.support_bank import SmallBank

CHEQUE = {"tender": "cheque", "cheque_number": "311"}
LOAN = {"principal": "1200.00", "annual_rate": "6", "installments": 12}


def cheque_of(bank: SmallBank, operation: str = "deposit", **values: str) -> tuple[int, str]:
    """Take a cheque in; number of the operation and of the cheque."""
    done = bank.do(operation, **{"member": "M0002", "amount": "120.00", **values}, **CHEQUE)
    return done.number, next(ref for ref in done.created if ref.startswith("CH-"))


def banked(bank: SmallBank, operation: str = "deposit", **values: str) -> tuple[int, str]:
    number, cheque = cheque_of(bank, operation, **values)
    bank.do("bank-cheques", by=bank.tom, cheques=[cheque], slip="1")
    return number, cheque


def drawer(bank: SmallBank, ref: str = "D1") -> records.Drawer:
    with bank.read() as books:
        return books.get(records.Drawer, ref)


# ---------------------------------------------------------------------------------- open-drawer


def test_a_drawer_gets_its_float(counter: SmallBank) -> None:
    done = counter.do("open-drawer", by=counter.tom, drawer="D2", float_amount="200.00")
    assert posted(done) == [entry("POOL 739/D2 Dr 200.00", "POOL 739/VAULT Cr 200.00")]
    assert (drawer(counter, "D2").owner, drawer(counter, "D2").state) == ("tom", "open")
    counter.do("close-drawer", by=counter.tom, drawer="D2", counted="200.00")
    assert posted(counter.do("open-drawer", by=counter.tom, drawer="D2")) == []


def test_drawers_that_are_not_opened(counter: SmallBank) -> None:
    refused(counter, DrawerClosed, "open-drawer", field="drawer", says="D1", drawer="D2")
    refused(counter, DrawerClosed, "open-drawer", counter.tom, field="drawer", says="ana", drawer="D1")
    refused(counter, NotAllowed, "open-drawer", counter.sue, drawer="D2")
    for name in ("VAULT", "vault"):
        refused(counter, InvalidValue, "open-drawer", counter.tom, field="drawer", drawer=name)
    refused(counter, AlreadyExists, "open-drawer", counter.tom, field="drawer", drawer="FIRST")
    for name in ("", "D 2", "<b>", "D/2", "x" * 41):
        refused(counter, InvalidValue, "open-drawer", counter.tom, field="drawer", drawer=name)
    for amount in ("-1.00", "1.001", "x", 5, "1,000.00"):
        refused(
            counter, InvalidValue, "open-drawer", counter.tom, field="float_amount", drawer="D2", float_amount=amount
        )
    refused(
        counter, Overdrawn, "open-drawer", counter.tom,
        field="float_amount", says="500.00", drawer="D2", float_amount="500.01",
    )  # fmt: skip
    refused(
        counter, InvalidAmount, "open-drawer", counter.tom, field="float_amount", drawer="D2", float_amount="5000.01"
    )
    counter.close_day()
    refused(counter, DayClosed, "open-drawer", drawer="D1")


def test_a_drawer_holds_no_more_than_its_limit(counter: SmallBank) -> None:
    counter.agreed("set-policy", by=counter.tom, approver=counter.sue, policy="drawer_limit", value="600.00")
    counter.do("move-cash", from_place="VAULT", to_place="D1", amount="100.00")
    refused(counter, InvalidAmount, "move-cash", field="amount", from_place="VAULT", to_place="D1", amount="0.01")
    counter.agreed("set-policy", by=counter.tom, approver=counter.sue, policy="drawer_limit", value="0")
    counter.do("move-cash", from_place="VAULT", to_place="D1", amount="400.00")


# ------------------------------------------------------------------------------------ move-cash


def test_cash_moves_and_nobody_s_claim_does(counter: SmallBank) -> None:
    done = counter.do("move-cash", from_place="D1", to_place="VAULT", amount="50.00")
    assert posted(done) == [entry("POOL 739/VAULT Dr 50.00", "POOL 739/D1 Cr 50.00")]
    done = counter.do("move-cash", by=counter.tom, from_place="VAULT", to_place="FIRST", amount="550.00")
    assert posted(done) == [entry("POOL 731/FIRST Dr 550.00", "POOL 739/VAULT Cr 550.00")]
    assert counter.balance("729") == 5080_00


def test_cash_that_is_not_moved(counter: SmallBank) -> None:
    def no(error: type[CoopbankError], field: str | None, source: str, target: str, amount: str = "1.00") -> None:
        refused(counter, error, "move-cash", field=field, from_place=source, to_place=target, amount=amount)

    no(InvalidValue, "to_place", "VAULT", "VAULT")
    no(Unknown, "from_place", "D9", "VAULT")
    no(Unknown, "to_place", "VAULT", "D9")
    no(NotAllowed, "to_place", "VAULT", "FIRST")
    no(NotAllowed, "from_place", "FIRST", "VAULT")
    no(Overdrawn, "amount", "D1", "VAULT", "500.01")
    no(InvalidValue, "amount", "D1", "VAULT", "0.00")
    counter.do("open-drawer", by=counter.tom, drawer="D2")
    no(NotAllowed, "from_place", "D2", "VAULT")
    counter.do("close-drawer", by=counter.tom, drawer="D2", counted="0.00")
    no(DrawerClosed, "from_place", "D2", "VAULT")
    values = {"code": "RESERVE", "account_name": "Reserve", "fund": "LLR"}
    counter.agreed("add-bank-account", by=counter.tom, approver=counter.sue, **values)
    refused(counter, InvalidValue, "move-cash", counter.tom, field="to_place", from_place="VAULT", to_place="RESERVE",
            amount="1.00")  # fmt: skip


# -------------------------------------------------------------------------- counting and closing


@pytest.mark.parametrize(
    ("counted", "lines", "said"),
    [
        (
            "495.00",
            ["GEN 330 Dr 5.00", "GEN 729 Cr 5.00", "POOL 879/GEN Dr 5.00", "POOL 739/D1 Cr 5.00"],
            "5.00 short",
        ),
        (
            "500.25",
            ["GEN 330 Cr 0.25", "GEN 729 Dr 0.25", "POOL 879/GEN Cr 0.25", "POOL 739/D1 Dr 0.25"],
            "0.25 over",
        ),
        ("500.00", [], "none, it agrees"),
    ],
)
def test_the_book_is_made_equal_to_the_count(counter: SmallBank, counted: str, lines: list[str], said: str) -> None:
    done = counter.do("count-drawer", drawer="D1", counted=counted, **({"why": "not known"} if lines else {}))
    assert posted(done) == ([entry(*lines)] if lines else [])
    assert dict(done.notes)["Difference"] == said
    assert counter.text(counter.balance("739/D1", "POOL")) == counted
    assert (drawer(counter).state, drawer(counter).owner) == ("open", "ana")
    counter.do("deposit", member="M0001", amount="1.00")


@pytest.mark.parametrize(("counted", "said"), [("495.00", "5.00 short"), ("500.25", "0.25 over")])
def test_a_difference_wants_a_reason(counter: SmallBank, counted: str, said: str) -> None:
    for operation in ("count-drawer", "close-drawer"):
        for nothing in ({}, {"why": ""}):
            fault = refused(counter, InvalidValue, operation, field="why", drawer="D1", counted=counted, **nothing)
            assert said in str(fault)
    assert drawer(counter).state == "open"


def test_a_float_may_be_counted_by_notes_and_coins(counter: SmallBank) -> None:
    counter.do("close-drawer", drawer="D1", counted="500.00")
    refused(
        counter, InvalidValue, "open-drawer", field="float_amount", drawer="D1", float_amount="100.00",
        pieces="4x20.00",
    )  # fmt: skip
    done = counter.do("open-drawer", drawer="D1", float_amount="80.00", pieces="4x20.00")
    assert dict(done.notes)["Notes and coins"] == "4x20.00"


def test_a_drawer_is_closed_with_its_count(counter: SmallBank) -> None:
    done = counter.do("close-drawer", drawer="D1", counted="490.00", why="a note fell behind")
    short, to_vault = posted(done)
    assert short == entry("GEN 330 Dr 10.00", "GEN 729 Cr 10.00", "POOL 879/GEN Dr 10.00", "POOL 739/D1 Cr 10.00")
    assert to_vault == entry("POOL 739/VAULT Dr 490.00", "POOL 739/D1 Cr 490.00")
    after = drawer(counter)
    assert (after.state, after.owner, after.counted, after.expected) == ("closed", None, 490_00, 500_00)
    refused(counter, DrawerClosed, "close-drawer", field="drawer", drawer="D1", counted="0.00")
    refused(counter, DrawerClosed, "count-drawer", field="drawer", drawer="D1", counted="0.00")
    refused(counter, DrawerClosed, "deposit", field="tender", member="M0001", amount="1.00")


def test_digits_too_many_are_refused_where_they_are_typed(counter: SmallBank) -> None:
    """And what ten such amounts have made of a drawer is undone before it is counted."""
    refused(counter, InvalidValue, "deposit", field="amount", member="M0001", amount="1000000000000.01")
    mistyped = [counter.do("deposit", member="M0001", amount="1000000000000.00").number for _ in range(11)]
    for operation in ("count-drawer", "close-drawer"):
        fault = refused(counter, InvalidAmount, operation, field="counted", drawer="D1", counted="500.00", why="typing")
        assert "11000000000500.00" in str(fault).replace(",", "")
    for number in mistyped:
        counter.agreed("reverse", operation=number, reason="digits too many")
    counter.do("count-drawer", drawer="D1", counted="500.00")


def test_a_drawer_may_be_empty(counter: SmallBank) -> None:
    counter.do("move-cash", from_place="D1", to_place="VAULT", amount="500.00")
    assert posted(counter.do("close-drawer", drawer="D1", counted="0.00")) == []


def test_counts_that_are_refused(counter: SmallBank) -> None:
    for operation in ("count-drawer", "close-drawer"):
        refused(counter, Unknown, operation, field="drawer", drawer="D9", counted="1.00")
        for amount in ("-0.01", "", "x", 500, "500.005", "1e2", None):
            refused(counter, InvalidValue, operation, field="counted", drawer="D1", counted=amount)
        refused(counter, NotAllowed, operation, counter.sue, drawer="D1", counted="500.00")
    refused(counter, NotAllowed, "count-drawer", counter.tom, field="drawer", drawer="D1", counted="500.00")


def test_a_count_is_not_reversed(counter: SmallBank) -> None:
    done = counter.do("count-drawer", drawer="D1", counted="499.00", why="not known")
    refused(counter, CannotReverse, "reverse", operation=done.number, reason="found it")
    found = counter.do("count-drawer", drawer="D1", counted="500.00", why="it was found")
    assert ("GEN", "330", -1_00) in posted(found)[0]


def test_the_treasurer_closes_an_absent_colleague_s_drawer(counter: SmallBank) -> None:
    counter.agreed("add-user", by=counter.admin, user="ben", full_name="Ben", user_roles=["teller"])
    with counter.read() as books:
        ben = books.actor_now("ben")
    refused(counter, NotAllowed, "close-drawer", ben, field="drawer", drawer="D1", counted="500.00")
    done = counter.agreed("close-drawer", counter.tom, counter.sue, drawer="D1", counted="500.00")
    assert posted(done) == [entry("POOL 739/VAULT Dr 500.00", "POOL 739/D1 Cr 500.00")]
    counter.do("close-day")


def test_the_day_is_not_closed_over_an_open_drawer(counter: SmallBank) -> None:
    refused(counter, WrongState, "close-day", says="D1")


# -------------------------------------------------------------------------------------- cheques


def test_a_cheque_is_taken_banked_and_paid(counter: SmallBank) -> None:
    done = counter.do("deposit", member="M0002", amount="120.00", **CHEQUE)
    assert posted(done) == [
        entry("POOL 735/D1 Dr 120.00", "POOL 879/GEN Cr 120.00", "GEN 729 Dr 120.00", "GEN 905/M0002 Cr 120.00")
    ]
    assert ("Held until", "2026-03-10") in done.notes
    banking = counter.do("bank-cheques", by=counter.tom, cheques=["CH-00001"], slip="7")
    assert posted(banking) == [entry("POOL 731/FIRST Dr 120.00", "POOL 735/D1 Cr 120.00")]
    assert banking.entries[0].memo == "Deposit slip 7"
    refused(counter, Overdrawn, "withdraw", field="amount", says="120.00 is held", member="M0002", amount="0.01")
    counter.go_to("2026-03-10")
    counter.do("withdraw", member="M0002", amount="120.00")


def test_cheques_of_several_drawers_go_on_one_slip(counter: SmallBank) -> None:
    _number, first = cheque_of(counter)
    counter.do("close-drawer", drawer="D1", counted="500.00")
    counter.do("open-drawer", drawer="D3")
    _number, second = cheque_of(counter, amount="30.00")
    banking = counter.do("bank-cheques", by=counter.tom, cheques=[second, first])
    assert posted(banking) == [entry("POOL 731/FIRST Dr 150.00", "POOL 735/D1 Cr 120.00", "POOL 735/D3 Cr 30.00")]


def test_a_cheque_that_may_be_taken_in_twice_is_pointed_out(counter: SmallBank) -> None:
    _number, first = cheque_of(counter)
    taken = {"member": "M0002", "amount": "120.00", "tender": "cheque"}
    said = "Is this the same cheque? Taken in already"
    assert (said, first) in counter.do("deposit", **taken, cheque_number=" #0311").notes
    for other in ({"amount": "120.01"}, {"member": "M0001"}, {"cheque_number": "312"}):
        assert said not in dict(counter.do("deposit", **{**taken, "cheque_number": "311", **other}).notes)
    counter.do("bank-cheques", by=counter.tom, cheques=[first, "CH-00002"])
    assert said not in dict(counter.do("deposit", **taken, cheque_number="311").notes)  # what is banked is not at hand


def test_cheques_that_are_not_taken(counter: SmallBank) -> None:
    values = {"member": "M0002", "amount": "10.00", "tender": "cheque"}
    refused(counter, InvalidValue, "deposit", field="cheque_number", **values)
    refused(counter, InvalidDate, "deposit", field="cheque_date", **values, cheque_number="1", cheque_date="2026-03-04")
    refused(counter, InvalidValue, "deposit", field="cheque_date", **values, cheque_number="1", cheque_date="4 March")
    refused(counter, InvalidValue, "deposit", field="cheque_number", **{**values, "tender": "cash"}, cheque_number="1")
    refused(counter, DrawerClosed, "deposit", counter.tom, field="tender", **values, cheque_number="1")
    refused(counter, InvalidValue, "deposit", field="tender", **{**values, "tender": "card"})
    counter.do("deposit", **values, cheque_number="1", cheque_date="2026-03-03")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_cheque_s_number_is_any_text(counter: SmallBank, text: str) -> None:
    counter.do("deposit", member="M0002", amount="1.00", tender="cheque", cheque_number=text)
    done = counter.do("bank-cheques", by=counter.tom, cheques=["CH-00001"], slip=text)
    assert done.entries[0].memo == f"Deposit slip {text}"


def test_cheques_that_are_not_banked(counter: SmallBank) -> None:
    _number, cheque = cheque_of(counter)
    refused(counter, NotAllowed, "bank-cheques", cheques=[cheque])
    refused(counter, InvalidValue, "bank-cheques", counter.tom, field="cheques", cheques=[cheque, cheque])
    refused(counter, InvalidValue, "bank-cheques", counter.tom, field="cheques", cheques=[])
    refused(counter, InvalidValue, "bank-cheques", counter.tom, field="cheques", cheques=cheque)
    refused(counter, Unknown, "bank-cheques", counter.tom, field="cheques", cheques=[cheque, "CH-00009"])
    refused(counter, Unknown, "bank-cheques", counter.tom, field="bank_account", cheques=[cheque], bank_account="NONE")
    values = {"code": "RESERVE", "account_name": "Reserve", "fund": "LLR"}
    counter.agreed("add-bank-account", counter.tom, counter.sue, **values)
    refused(counter, InvalidValue, "bank-cheques", counter.tom, field="bank_account", cheques=[cheque],
            bank_account="RESERVE")  # fmt: skip
    counter.do("bank-cheques", by=counter.tom, cheques=[cheque])
    refused(counter, WrongState, "bank-cheques", counter.tom, field="cheques", says="banked", cheques=[cheque])


def test_a_returned_cheque_takes_its_credit_back(counter: SmallBank) -> None:
    _number, cheque = banked(counter)
    done = counter.do("return-cheque", by=counter.tom, cheque=cheque, bank_charge="10.00")
    assert posted(done) == [
        entry(
            "GEN 905/M0002 Dr 120.00", "GEN 260 Dr 10.00", "GEN 729 Cr 130.00", "POOL 879/GEN Dr 130.00",
            "POOL 731/FIRST Cr 130.00",
        )
    ]  # fmt: skip
    with counter.read() as books:
        assert books.holds("GEN", "905/M0002") == 0
    refused(counter, WrongState, "return-cheque", counter.tom, field="cheque", says="returned", cheque=cheque)


def test_a_vault_that_never_held_anything_is_told_at_the_field(small: SmallBank) -> None:
    assert small.balance("739/VAULT", "POOL") == 0
    no = refused(small, Overdrawn, "open-drawer", small.tom, field="float_amount", drawer="D2", float_amount="1.00")
    assert "VAULT holds only 0.00" in str(no)


PARTLY_OWED = entry(
    "GEN 905/M0002 Dr 30.00", "GEN 791/M0002 Dr 90.00", "GEN 729 Cr 120.00", "POOL 879/GEN Dr 120.00",
    "POOL 731/FIRST Cr 120.00",
)  # fmt: skip
"""A cheque of 120.00 comes back, and M0002 has 30.00 left of it."""


def test_what_savings_do_not_cover_is_owed(counter: SmallBank) -> None:
    number, cheque = banked(counter)
    counter.go_to("2026-03-10")
    counter.do("withdraw", member="M0002", amount="90.00")
    done = counter.do("return-cheque", by=counter.tom, cheque=cheque)
    assert posted(done) == [PARTLY_OWED]
    refused(counter, WrongState, "change-member", field="status", member="M0002", status="left")
    refused(counter, CannotReverse, "reverse", counter.tom, operation=number, reason="x")


def test_a_returned_cheque_is_taken_from_whoever_has_its_credit(counter: SmallBank) -> None:
    number, cheque = banked(counter, member="M0001")
    wrong = {"wrong_account": "M0001", "right_account": "M0002", "reason": "it was Noa's"}
    right = counter.do("correct", operation=number, **wrong)
    assert posted(right) == [entry("GEN 905/M0001 Dr 120.00", "GEN 905/M0002 Cr 120.00")]
    with counter.read() as books:  # what is not sure yet is so in the right account
        assert (books.holds("GEN", "905/M0001"), books.holds("GEN", "905/M0002")) == (0, 120_00)
    refused(counter, Overdrawn, "withdraw", says="120.00 is held", member="M0002", amount="1.00")
    counter.do("withdraw", member="M0001", amount="100.00")
    counter.go_to("2026-03-11")
    counter.do("withdraw", member="M0002", amount="90.00")
    done = counter.do("return-cheque", by=counter.tom, cheque=cheque)
    assert posted(done) == [PARTLY_OWED]
    refused(counter, WrongState, "correct", counter.tom, field="operation", says=cheque, operation=number, **wrong)
    refused(counter, WrongState, "correct", counter.tom, operation=right.number, **wrong)
    counter.do("reverse", by=counter.tom, operation=done.number, reason="it was paid")
    counter.do("deposit", member="M0002", amount="90.00")
    counter.agreed("reverse", operation=right.number, reason="it was Mia's after all")
    assert (counter.balance("905/M0001"), counter.balance("905/M0002")) == (-120_00, 0)


def test_a_part_of_a_cheque_goes_to_another_account_and_back(counter: SmallBank) -> None:
    number, cheque = banked(counter, member="M0001")
    wrong = {"wrong_account": "M0001", "right_account": "M0002", "reason": "they share it"}
    first = counter.do("correct", operation=number, **wrong, amount="50.00")
    back = {"wrong_account": "M0002", "right_account": "M0001", "reason": "less"}
    again = counter.do("correct", operation=first.number, **back, amount="20.00")
    with counter.read() as books:
        assert (books.holds("GEN", "905/M0001"), books.holds("GEN", "905/M0002")) == (90_00, 30_00)
    done = counter.do("return-cheque", by=counter.tom, cheque=cheque)
    assert not entry("GEN 905/M0001 Dr 90.00", "GEN 905/M0002 Dr 30.00") - posted(done)[0]
    with counter.read() as books:
        assert (books.holds("GEN", "905/M0001"), books.holds("GEN", "905/M0002")) == (0, 0)
    refused(counter, CannotReverse, "reverse", operation=again.number, reason="x")


def test_a_line_that_a_cheque_repaid_is_not_drawn_again_before_it_is_good(counter: SmallBank) -> None:
    line = counter.agreed("grant-loan", member="M0001", **{**LOAN, "principal": "500.00"}, product="LINE").created[0]
    counter.do("disburse-loan", by=counter.tom, loan=line, amount="400.00")
    paid = counter.do("repay-loan", loan=line, amount="300.00", tender="cheque", cheque_number="9")
    cheque = next(ref for ref in paid.created if ref.startswith("CH-"))
    draw = {"loan": line, "amount": "100.01", "tender": "transfer"}
    assert notes_of(paid)["Available"] == "100.00", "what can be drawn, without what waits"
    assert [drawable(counter, line, on) for on in ("2026-03-03", "2026-03-20")] == [100_00, 400_00]
    refused(counter, Overdrawn, "disburse-loan", counter.tom, field="amount", says="300.00 waits", **draw)
    counter.do("disburse-loan", by=counter.tom, **{**draw, "amount": "60.00"})
    new = {"loan": loan_of(counter), "new_loan": line}
    refused(counter, Overdrawn, "refinance-loan", counter.tom, field="new_loan", says="only 40.00", **new)
    counter.do("bank-cheques", by=counter.tom, cheques=[cheque])
    back = counter.do("return-cheque", by=counter.tom, cheque=cheque)
    assert counter.balance(f"701/{line}", "RLF") == 460_00
    counter.do("reverse", by=counter.tom, operation=back.number, reason="it was paid")
    refused(counter, Overdrawn, "disburse-loan", counter.tom, field="amount", says="40.00 can be drawn", **draw)
    counter.go_to("2026-03-10")
    counter.do("disburse-loan", by=counter.tom, **draw)


def drawable(bank: SmallBank, line: str, on: str) -> int:
    """What a report shows as available."""
    with bank.read() as books:
        return loan_position(books, line, date.fromisoformat(on)).available


def loan_of(bank: SmallBank) -> str:
    loan = bank.agreed("grant-loan", member="M0001", **{**LOAN, "principal": "90.00"}).created[0]
    bank.do("disburse-loan", by=bank.tom, loan=loan)
    return loan


def test_a_returned_cheque_takes_the_shares_back(counter: SmallBank) -> None:
    counter.do("buy-shares", member="M0002", amount="5.00")
    number, cheque = banked(counter, "buy-shares", amount="20.00")
    refused(counter, Overdrawn, "redeem-shares", says="20.00 is held", member="M0002", amount="25.00")
    done = counter.do("return-cheque", by=counter.tom, cheque=cheque, bank_charge="2.00")
    back, charge = posted(done)
    assert back == entry(
        "GEN 901/M0002 Dr 25.00", "GEN 875/M0002 Cr 5.00", "GEN 729 Cr 20.00", "POOL 879/GEN Dr 20.00",
        "POOL 731/FIRST Cr 20.00",
    )  # fmt: skip
    assert charge == entry("GEN 260 Dr 2.00", "GEN 729 Cr 2.00", "POOL 879/GEN Dr 2.00", "POOL 731/FIRST Cr 2.00")
    with counter.read() as books:
        assert books.holds("GEN", "901/M0002") == 0
    refused(counter, CannotReverse, "reverse", counter.tom, operation=number, reason="x")


def test_a_returned_cheque_takes_a_gift_back(counter: SmallBank) -> None:
    values = {"fund": "GRT", "amount": "80.00", "donor": "x", "number": "G-90"}
    done = counter.do("receive-gift", **values, **CHEQUE)
    cheque = next(ref for ref in done.created if ref.startswith("CH-"))
    counter.do("bank-cheques", by=counter.tom, cheques=[cheque])
    back = counter.do("return-cheque", by=counter.tom, cheque=cheque)
    assert posted(back) == [
        entry("GRT 181/G-90 Dr 80.00", "GRT 729 Cr 80.00", "POOL 879/GRT Dr 80.00", "POOL 731/FIRST Cr 80.00")
    ]
    refused(counter, Unknown, "spend-gift", counter.tom, gift="G-90", amount="1.00", expense="290", tender="transfer")


def test_a_gift_that_is_spent_is_not_taken_back_by_its_cheque(counter: SmallBank) -> None:
    done = counter.do("receive-gift", fund="GRT", amount="80.00", donor="x", number="G-90", **CHEQUE)
    cheque = next(ref for ref in done.created if ref.startswith("CH-"))
    counter.do("bank-cheques", by=counter.tom, cheques=[cheque])
    values = {"gift": "G-90", "amount": "1.00", "expense": "290", "tender": "transfer"}
    counter.agreed("spend-gift", counter.tom, counter.sue, **values)
    way_out(counter, cheque)
    counter.do("receive-gift", fund="GRT", amount="5.00", donor="y", number="G-91", tender="cash")
    counter.agreed("spend-gift", counter.tom, counter.sue, **{**values, "gift": "G-91"})


def test_a_grant_that_is_earned_is_not_taken_back_by_its_cheque(counter: SmallBank) -> None:
    counter.do("open-drawer", by=counter.tom, drawer="D2")
    fund = {"code": "CG1", "fund_name": "Teaching", "fund_class": "conditional"}
    counter.agreed("open-fund", counter.tom, counter.sue, **fund)
    grant = {"fund": "CG1", "amount": "80.00", "funder": "x", "condition": "y", "number": "CG1", **CHEQUE}
    done = counter.agreed("receive-grant", counter.tom, counter.sue, **grant)
    cheque = next(ref for ref in done.created if ref.startswith("CH-"))
    counter.do("bank-cheques", by=counter.tom, cheques=[cheque])
    cost = {"grant": "CG1", "amount": "1.00", "expense": "290", "evidence": "z", "tender": "transfer"}
    counter.agreed("earn-grant", counter.tom, counter.sue, **cost)
    way_out(counter, cheque)


def test_a_note_that_is_repaid_in_part_is_not_taken_back_by_its_cheque(counter: SmallBank) -> None:
    counter.do("open-drawer", by=counter.tom, drawer="D2")
    values = {"lender": "Lee", "amount": "300.00", "annual_rate": "2", "due_on": "2028-01-01", **CHEQUE}
    note, cheque = sorted(counter.agreed("issue-note", counter.tom, counter.sue, **values).created, reverse=True)
    counter.do("bank-cheques", by=counter.tom, cheques=[cheque])
    counter.agreed("repay-note", counter.tom, counter.sue, note=note, amount="10.00", tender="transfer")
    way_out(counter, cheque)


def way_out(counter: SmallBank, cheque: str) -> None:
    """The refusal says which operations rest on it; once these are reversed, the cheque is taken back."""
    refusal = refused(counter, CannotReverse, "return-cheque", counter.tom, field="cheque", cheque=cheque)
    assert "enter anew" in str(refusal)
    for number in reversed(re.findall(r"([0-9]+) \(", str(refusal))):
        counter.agreed("reverse", counter.tom, counter.sue, operation=number, reason="the cheque came back")
    counter.do("return-cheque", by=counter.tom, cheque=cheque)
    with counter.read() as books:
        assert books.get(records.Cheque, cheque).state == "returned"


def paid_by_cheque(counter: SmallBank) -> tuple[str, str]:
    """A loan of which an instalment was paid by a cheque; its number and the cheque's."""
    loan = counter.agreed("grant-loan", member="M0002", **LOAN).created[0]
    counter.do("disburse-loan", by=counter.tom, loan=loan)
    counter.go_to("2026-04-03")
    done = counter.do("repay-loan", loan=loan, amount="103.28", **CHEQUE)
    cheque = next(ref for ref in done.created if ref.startswith("CH-"))
    counter.do("bank-cheques", by=counter.tom, cheques=[cheque])
    return loan, cheque


def test_a_returned_loan_payment_leaves_the_instalment_unpaid(counter: SmallBank) -> None:
    loan, cheque = paid_by_cheque(counter)
    counter.go_to("2026-04-07")
    done = counter.do("return-cheque", by=counter.tom, cheque=cheque)
    with counter.read() as books:
        state = loan_position(books, loan, date(2026, 4, 7)).standing
    assert (state.principal, state.principal_paid, state.interest_paid, state.due.total) == (1200_00, 0, 0, 103_30)
    assert counter.balance(f"701/{loan}", "RLF") == 1200_00
    assert counter.balance(f"781/{loan}", "RLF") == 0
    assert ("POOL", "731/FIRST", -103_28) in posted(done)[0]
    counter.do("repay-loan", loan=loan, amount="103.28")


def test_a_returned_loan_payment_with_later_ones_is_told_anew(counter: SmallBank) -> None:
    loan, cheque = paid_by_cheque(counter)
    counter.go_to("2026-04-20")
    counter.do("repay-loan", loan=loan, amount="50.00")
    counter.go_to("2026-04-22")
    done = counter.do("return-cheque", by=counter.tom, cheque=cheque)
    interest = round(1200_00 * 0.06 * 48 / 365)  # of 3 March to 20 April: the 50.00 then paid it first
    with counter.read() as books:
        state = loan_position(books, loan, date(2026, 4, 22))
    assert (state.standing.interest_paid, state.standing.principal_paid) == (interest, 50_00 - interest)
    assert (state.due_now, state.due_since) == (103_30 - 50_00, date(2026, 4, 3))
    assert counter.balance(f"701/{loan}", "RLF") == 1200_00 - 50_00 + interest
    assert counter.balance("111", "RLF") == -interest
    assert ("POOL", "731/FIRST", -103_28) in posted(done)[0]
    assert counter.balance("791/M0002", "RLF") == 0


def test_a_returned_loan_payment_of_a_member_who_was_paid_off(counter: SmallBank) -> None:
    """The loan that a worthless cheque had paid off is owed again."""
    loan = counter.agreed("grant-loan", member="M0002", **LOAN).created[0]
    counter.do("disburse-loan", by=counter.tom, loan=loan)
    done = counter.do("repay-loan", loan=loan, amount="1200.00", **CHEQUE)
    with counter.read() as books:
        assert books.get(records.Loan, loan).state == "paid"
    cheque = next(ref for ref in done.created if ref.startswith("CH-"))
    counter.do("bank-cheques", by=counter.tom, cheques=[cheque])
    counter.do("return-cheque", by=counter.tom, cheque=cheque)
    with counter.read() as books:
        assert books.get(records.Loan, loan).state == "active"
    assert counter.balance(f"701/{loan}", "RLF") == 1200_00


def test_a_returned_cheque_takes_a_note_back(counter: SmallBank) -> None:
    counter.do("open-drawer", by=counter.tom, drawer="D2")
    values = {"lender": "Lee", "amount": "300.00", "annual_rate": "2", "due_on": "2028-01-01", **CHEQUE}
    issued = counter.agreed("issue-note", counter.tom, counter.sue, **values)
    note, cheque = sorted(issued.created, reverse=True)
    counter.do("bank-cheques", by=counter.tom, cheques=[cheque])
    counter.do("return-cheque", by=counter.tom, cheque=cheque)
    assert counter.balance(f"811/{note}", "RLF") == 0
    refused(counter, Unknown, "repay-note", counter.tom, note=note)


def test_cheques_that_do_not_come_back(counter: SmallBank) -> None:
    _number, cheque = cheque_of(counter)
    refused(counter, WrongState, "return-cheque", counter.tom, field="cheque", says="on-hand", cheque=cheque)
    refused(counter, Unknown, "return-cheque", counter.tom, field="cheque", cheque="CH-00009")
    refused(counter, NotAllowed, "return-cheque", cheque=cheque)
    counter.do("bank-cheques", by=counter.tom, cheques=[cheque])
    refused(
        counter, InvalidValue, "return-cheque", counter.tom, field="bank_charge", cheque=cheque, bank_charge="-1.00"
    )
    counter.agreed("link-user", by=counter.admin, user="tom", member="M0002")
    refused(counter, OwnAccount, "return-cheque", counter.tom, cheque=cheque)


# -------------------------------------------------------------------------------- bank accounts


def test_bank_accounts(counter: SmallBank) -> None:
    values = {"code": "SECOND", "account_name": "Credit union"}
    counter.agreed("add-bank-account", counter.tom, counter.sue, **values)
    done = counter.do("deposit", member="M0001", amount="5.00", tender="transfer", bank_account="SECOND")
    assert ("POOL", "731/SECOND", 5_00) in posted(done)[0]
    refused(counter, AlreadyExists, "add-bank-account", counter.tom, field="code", **values)
    refused(counter, AlreadyExists, "add-bank-account", counter.tom, field="code", **{**values, "code": "D1"})
    refused(counter, InvalidValue, "add-bank-account", counter.tom, field="code", **{**values, "code": "Vault"})
    refused(counter, Unknown, "add-bank-account", counter.tom, field="fund", **{**values, "code": "X", "fund": "XYZ"})
    refused(counter, InvalidValue, "add-bank-account", counter.tom, field="account_name", code="X", account_name="")
    refused(counter, NotAllowed, "add-bank-account", **{**values, "code": "X"})
    transfer = {"member": "M0001", "amount": "5.00", "tender": "transfer"}
    refused(counter, Overdrawn, "withdraw", says="SECOND", bank_account="SECOND", **{**transfer, "amount": "5.01"})
    refused(counter, Unknown, "deposit", field="bank_account", bank_account="NONE", **transfer)


# ------------------------------------------------------------------------------- both engines


def test_the_same_on_both_engines(beginning: SmallBank) -> None:
    bank = beginning
    number, cheque = banked(bank, "buy-shares", amount="25.00")
    bank.do("return-cheque", by=bank.tom, cheque=cheque, bank_charge="1.00")
    refused(bank, CannotReverse, "reverse", bank.tom, operation=number, reason="x")
    refused(bank, Overdrawn, "open-drawer", bank.tom, drawer="D2", float_amount="500.01")
    bank.agreed("close-drawer", bank.tom, bank.sue, drawer="D1", counted="501.00", why="not known")
    bank.do("close-day")


@pytest.mark.parametrize(
    ("pieces", "kept"),
    [("5x100.00", "5x100.00"), ("0x50.00 5x100", "5x100.00"), ("4x100, 20x5.00", "4x100.00 20x5.00"), ("", None)],
)
def test_a_count_by_notes_and_coins_is_kept(counter: SmallBank, pieces: str, kept: str | None) -> None:
    done = counter.do("count-drawer", drawer="D1", counted="500.00", pieces=pieces)
    assert dict(done.notes).get("Notes and coins") == kept


@pytest.mark.parametrize(
    ("pieces", "field"),
    [("4x100.00", "counted"), ("5x100.00 1x100.00", "pieces"), ("1x3.00", "pieces"), ("5*100", "pieces"),
     ("-5x100.00", "pieces"), ("9999999x1.00", "pieces"), ("5x", "pieces"), ("1x0.005", "pieces")],
)  # fmt: skip
def test_a_count_that_is_none_is_refused(counter: SmallBank, pieces: str, field: str) -> None:
    refused(counter, InvalidValue, "count-drawer", field=field, drawer="D1", counted="500.00", pieces=pieces)
