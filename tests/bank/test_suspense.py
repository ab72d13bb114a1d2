"""Money that nobody recognises, and money that borrowers paid ahead: owed, cleared, given back."""

from __future__ import annotations

from typing import Any

import pytest

from coopbank.bank import records
from coopbank.errors import (
    CannotReverse,
    DrawerClosed,
    InvalidDate,
    InvalidValue,
    NotAllowed,
    Overdrawn,
    OwnAccount,
    Unknown,
    WrongState,
)
from tests.bank.support_counter import entry, posted, refused
from tests.support_bank import SmallBank, assert_books


def receive(bank: SmallBank, amount: str = "250.00", **values: Any) -> str:
    return bank.do("receive-unknown", amount=amount, **values).created[0]


def clear(bank: SmallBank, ref: str, to: str, **values: Any) -> Any:
    return bank.do("clear-suspense", by=bank.tom, suspense=ref, to=to, **values)


def kept(bank: SmallBank, ref: str) -> records.Suspense:
    with bank.read() as books:
        return books.get(records.Suspense, ref)


def test_the_worked_entries(beginning: SmallBank) -> None:
    """E14c and E14d: an unknown receipt turns out to be a gift to the solidarity fund."""
    bank = beginning
    fund = {"code": "SOL", "fund_name": "Solidarity", "fund_class": "designated"}
    bank.agreed("open-fund", by=bank.tom, approver=bank.sue, **fund)
    got = bank.do("receive-unknown", amount="250.00", statement="TRSF 4711 J SMITH")
    assert posted(got) == [
        entry("POOL 731/FIRST Dr 250.00", "POOL 879/GEN Cr 250.00", "GEN 729 Dr 250.00", "GEN 872 Cr 250.00")
    ]
    assert got.created == ("U-00001",)
    with bank.read() as books:
        assert books.personal(kept(bank, "U-00001").statement) == "TRSF 4711 J SMITH"
    done = clear(bank, "U-00001", "gift", fund="SOL")
    assert posted(done) == [
        entry(
            "GEN 872 Dr 250.00", "GEN 729 Cr 250.00", "SOL 729 Dr 250.00", "SOL 181 Cr 250.00",
            "POOL 879/GEN Dr 250.00", "POOL 879/SOL Cr 250.00",
        )
    ]  # fmt: skip
    found = kept(bank, "U-00001")
    assert (found.left, found.state, bank.balance("872")) == (0, "cleared", 0)


def test_it_is_cleared_in_parts_to_where_it_belongs(beginning: SmallBank) -> None:
    bank = beginning
    ref = receive(bank, "300.00", received_on="2026-02-20")
    assert posted(clear(bank, ref, "savings", member="M0001", amount="100.00")) == [
        entry("GEN 872 Dr 100.00", "GEN 905/M0001 Cr 100.00")
    ]
    assert posted(clear(bank, ref, "gift", fund="GEN", amount="50.00")) == [
        entry("GEN 872 Dr 50.00", "GEN 181 Cr 50.00")
    ]
    refused(bank, Overdrawn, "clear-suspense", bank.tom, field="amount", says="150.00", suspense=ref, to="sender",
            amount="150.01")  # fmt: skip
    assert (kept(bank, ref).left, kept(bank, ref).state) == (150_00, "open")
    newer = receive(bank, "1.00")
    with bank.read() as books:
        waiting = dict(books.about(records.Suspense, "open"))
        assert waiting.keys() == {ref, newer}
        assert sum(receipt.left for receipt in waiting.values()) == -books.balance("GEN", "872")
    back = clear(bank, ref, "sender", memo="sent in error")
    assert posted(back) == [
        entry("GEN 872 Dr 150.00", "GEN 729 Cr 150.00", "POOL 879/GEN Dr 150.00", "POOL 731/FIRST Cr 150.00")
    ]
    refused(bank, WrongState, "clear-suspense", bank.tom, field="suspense", says="cleared", suspense=ref, to="sender")
    with bank.read() as books:
        assert [r for r, _s in books.about(records.Suspense, "open")] == [newer]


@pytest.mark.parametrize("to", ["111", "131", "income", "151", ["gift"], None, 181])
def test_it_is_never_income(counter: SmallBank, to: Any) -> None:
    ref = receive(counter)
    refused(counter, InvalidValue, "clear-suspense", counter.tom, field="to", says="not income", suspense=ref, to=to)


@pytest.mark.parametrize(
    ("error", "field", "values"),
    [
        (InvalidValue, "fund", {"to": "gift"}),
        (InvalidValue, "member", {"to": "savings"}),
        (InvalidValue, "loan", {"to": "loan"}),
        (InvalidValue, "member", {"to": "gift", "fund": "GEN", "member": "M0001"}),
        (InvalidValue, "account", {"to": "gift", "fund": "GEN", "account": "M0001"}),
        (InvalidValue, "fund", {"to": "sender", "fund": "GEN"}),
        (InvalidValue, "loan", {"to": "savings", "member": "M0001", "loan": "L-001"}),
        (InvalidValue, "fund", {"to": "gift", "fund": "POOL"}),
        (InvalidValue, "amount", {"to": "sender", "amount": "0.00"}),
        (Unknown, "fund", {"to": "gift", "fund": "NONE"}),
        (Unknown, "member", {"to": "savings", "member": "M0404"}),
        (Unknown, "member", {"to": "savings", "member": "M0003"}),
        (Unknown, "account", {"to": "savings", "member": "M0001", "account": "M0002"}),
        (Unknown, "loan", {"to": "loan", "loan": "L-404"}),
        (Unknown, "suspense", {"to": "sender", "suspense": "U-99999"}),
    ],
)
def test_where_it_cannot_go(counter: SmallBank, error: Any, field: str, values: dict[str, Any]) -> None:
    refused(counter, error, "clear-suspense", counter.tom, field=field, **{"suspense": receive(counter), **values})


def test_money_that_must_be_returned_is_no_gift(counter: SmallBank) -> None:
    fund = {"code": "CG1", "fund_name": "Grant", "fund_class": "conditional"}
    counter.agreed("open-fund", by=counter.tom, approver=counter.sue, **fund)
    ref = receive(counter)
    refused(counter, WrongState, "clear-suspense", counter.tom, field="fund", suspense=ref, to="gift", fund="CG1")


def test_much_of_it_goes_to_a_person_by_two_only(counter: SmallBank) -> None:
    bank = counter
    ref = receive(bank, "1000.02")
    asked = bank.ask("clear-suspense", by=bank.tom, suspense=ref, to="savings", member="M0001")
    assert asked.status == "pending"
    bank.do("take-back", by=bank.tom, request=asked.request)
    clear(bank, ref, "savings", member="M0001", amount="0.01")
    assert bank.ask("clear-suspense", by=bank.tom, suspense=ref, to="sender").status == "pending"
    clear(bank, ref, "gift", fund="RLF")  # what a fund gets, one person may book


def test_what_cannot_be_received(counter: SmallBank) -> None:
    bank = counter
    later: dict[str, Any] = {"amount": "1.00", "received_on": "2026-03-04"}
    refused(bank, InvalidDate, "receive-unknown", field="received_on", **later)
    refused(bank, Unknown, "receive-unknown", field="bank_account", amount="1.00", bank_account="NONE")
    apart = {"code": "LLRB", "account_name": "Reserve", "fund": "LLR"}
    bank.agreed("add-bank-account", by=bank.tom, approver=bank.sue, **apart)
    refused(bank, InvalidValue, "receive-unknown", field="bank_account", amount="1.00", bank_account="LLRB")
    refused(bank, NotAllowed, "receive-unknown", bank.sue, amount="1.00")
    refused(bank, NotAllowed, "clear-suspense", suspense=receive(bank), to="sender")  # ana is no treasurer


def test_nobody_clears_it_to_themselves(counter: SmallBank) -> None:
    bank = counter
    bank.agreed("link-user", by=bank.admin, approver=bank.sue, user="tom", member="M0001")
    ref = receive(bank)
    refused(bank, OwnAccount, "clear-suspense", bank.tom, suspense=ref, to="savings", member="M0001")


def test_it_is_reversed_in_order(counter: SmallBank) -> None:
    bank = counter
    got = bank.do("receive-unknown", by=bank.tom, amount="250.00")
    cleared = clear(bank, got.created[0], "savings", member="M0001")
    refused(bank, CannotReverse, "reverse", bank.tom, operation=got.number, reason="x")
    bank.do("reverse", by=bank.tom, operation=cleared.number, reason="another M0001")
    assert (kept(bank, "U-00001").left, bank.balance("872"), bank.balance("905/M0001")) == (250_00, -250_00, -100_00)
    bank.do("reverse", by=bank.tom, operation=got.number, reason="twice")
    assert bank.balance("872") == 0
    refused(bank, Unknown, "clear-suspense", bank.tom, field="suspense", suspense="U-00001", to="sender")


def test_what_old_books_had_unrecognised_is_cleared_like_any_other(counter: SmallBank) -> None:
    bank = counter
    lines = ["GEN 741 Dr 100.00", "GEN 872 Cr 60.00", "GEN 872 Cr 40.00"]
    taken = bank.agreed("opening-balance", by=bank.tom, approver=bank.sue, lines=lines)
    assert taken.created == ("U-00001", "U-00002")
    assert_books(bank)
    clear(bank, "U-00002", "savings", member="M0001")
    assert (kept(bank, "U-00001").left, kept(bank, "U-00002").state) == (60_00, "cleared")
    assert_books(bank)


# -------------------------------------------------------------------------------- unapplied money


def borrow(bank: SmallBank, member: str = "M0001") -> str:
    terms: dict[str, Any] = {"principal": "1000.00", "annual_rate": "6", "installments": 12}
    loan: str = bank.agreed("grant-loan", member=member, **terms).created[0]
    bank.do("disburse-loan", by=bank.tom, loan=loan)
    return loan


def test_what_was_paid_ahead_goes_back_to_the_one_who_paid(beginning: SmallBank) -> None:
    bank = beginning
    loan = borrow(bank)
    ref = receive(bank, "300.00")
    assert posted(clear(bank, ref, "loan", loan=loan)) == [entry("GEN 872 Dr 300.00", "GEN 871/M0001 Cr 300.00")]
    done = bank.do("refund-unapplied", member="M0001", amount="100.00")
    assert posted(done) == [
        entry("GEN 871/M0001 Dr 100.00", "GEN 729 Cr 100.00", "POOL 879/GEN Dr 100.00", "POOL 739/D1 Cr 100.00")
    ]
    by_transfer = bank.do("refund-unapplied", by=bank.tom, member="M0001", amount="50.00", tender="transfer")
    assert posted(by_transfer) == [
        entry("GEN 871/M0001 Dr 50.00", "GEN 729 Cr 50.00", "POOL 879/GEN Dr 50.00", "POOL 731/FIRST Cr 50.00")
    ]
    bank.do("apply-unapplied", loan=loan, amount="30.00")
    assert bank.balance("871/M0001") == -120_00
    for member, amount in (("M0001", "120.01"), ("M0002", "0.01"), ("M0003", "120.00")):
        refused(bank, Overdrawn, "refund-unapplied", field="amount", says=member, member=member, amount=amount)
    bank.do("refund-unapplied", member="M0001", amount="120.00")
    assert bank.balance("871/M0001") == 0


def test_what_was_paid_ahead_by_cheque_waits_for_it(counter: SmallBank) -> None:
    bank, loan = counter, borrow(counter)
    cheque = {"tender": "cheque", "cheque_number": "9"}
    done = bank.do("repay-loan", loan=loan, amount="300.00", excess="unapplied", **cheque)
    assert bank.balance("871/M0001") == -300_00
    refused(bank, Overdrawn, "refund-unapplied", field="amount", says="Only 0.00", member="M0001", amount="0.01")
    ref = next(each for each in done.created if each.startswith("CH-"))
    bank.do("bank-cheques", by=bank.tom, cheques=[ref])
    back = bank.do("return-cheque", by=bank.tom, cheque=ref)
    with bank.read() as books:
        assert (books.balance("GEN", "871/M0001"), books.holds("GEN", "871/M0001")) == (0, 0)
    bank.do("reverse", by=bank.tom, operation=back.number, reason="it was paid")
    with bank.read() as books:
        assert books.holds("GEN", "871/M0001") == 300_00
    bank.go_to("2026-03-10")
    bank.do("refund-unapplied", member="M0001", amount="300.00")


def test_what_cannot_be_refunded(counter: SmallBank) -> None:
    bank = counter
    clear(bank, receive(bank, "900.00"), "loan", loan=borrow(bank))
    clear(bank, receive(bank, "900.00"), "loan", loan="L-001")
    refused(bank, Unknown, "refund-unapplied", field="member", member="M0404", amount="1.00")
    refused(bank, InvalidValue, "refund-unapplied", field="paid_to", member="M0001", amount="1.00", paid_to="M0002")
    refused(bank, DrawerClosed, "refund-unapplied", bank.tom, field="tender", member="M0001", amount="1.00")
    refused(bank, NotAllowed, "refund-unapplied", bank.sue, member="M0001", amount="1.00")
    assert bank.ask("refund-unapplied", member="M0001", amount="1000.01", tender="transfer").status == "pending"
    bank.agreed("link-user", by=bank.admin, approver=bank.tom, user="ana", member="M0001")
    refused(bank, OwnAccount, "refund-unapplied", member="M0001", amount="1.00")


def test_money_for_a_loan_that_is_not_owed(counter: SmallBank) -> None:
    bank = counter
    terms: dict[str, Any] = {"principal": "100.00", "annual_rate": "6", "installments": 12}
    granted = bank.agreed("grant-loan", member="M0001", **terms).created[0]
    ref = receive(bank)
    refused(bank, WrongState, "clear-suspense", bank.tom, field="loan", suspense=ref, to="loan", loan=granted)
    bank.do("disburse-loan", by=bank.tom, loan=granted)
    bank.do("repay-loan", loan=granted, amount="100.00")
    refused(bank, WrongState, "clear-suspense", bank.tom, field="loan", suspense=ref, to="loan", loan=granted)
    bank.agreed("link-user", by=bank.admin, approver=bank.sue, user="tom", member="M0001")
    refused(bank, OwnAccount, "clear-suspense", bank.tom, suspense=ref, to="loan", loan=granted)
