"""Petty cash: a float that one person keeps, receipts paid from it, refills and counts; and what each refuses."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from coopbank.bank import records
from coopbank.bank.operation import Receipt
from coopbank.bank.verify import verify
from coopbank.errors import (
    AlreadyExists,
    CannotReverse,
    DayClosed,
    DrawerClosed,
    InvalidAmount,
    InvalidValue,
    NotAllowed,
    Overdrawn,
    OwnAccount,
    Unknown,
    WrongState,
)
from coopbank.ledger.verify import wrong
from coopbank.reports import day_report
from tests.bank.conftest import begin
from tests.bank.support_counter import HOSTILE, entry, posted, refused
from tests.support_bank import SmallBank, assert_books, new_bank

STAMPS: dict[str, Any] = {
    "petty_cash": "PETTY", "supplier": "POST", "receipt": "17", "amount": "12.50", "expense": "260",
}  # fmt: skip


def open_(bank: SmallBank, **changes: Any) -> Receipt:
    values = {"petty_cash": "PETTY", "holder": "ana", "float_amount": "100.00", **changes}
    return bank.agreed("open-petty-cash", by=bank.tom, approver=bank.sue, **values)


def spend(bank: SmallBank, **changes: Any) -> Receipt:
    return bank.do("spend-petty-cash", **{**STAMPS, **changes})


def kept(bank: SmallBank, ref: str = "PETTY") -> records.PettyCash:
    with bank.read() as books:
        return books.get(records.PettyCash, ref)


@pytest.fixture
def petty(counter: SmallBank) -> SmallBank:
    """The counter, where ana keeps 100.00."""
    open_(counter)
    return counter


def test_a_life_on_both_engines(engine_url: str) -> None:
    """Opened from the vault, spent from for two funds, over a night, counted short, refilled from the bank, closed."""
    with new_bank(engine_url) as bank:
        begin(bank)
        assert posted(open_(bank)) == [entry("POOL 739/PETTY Dr 100.00", "POOL 739/VAULT Cr 100.00")]
        paid = spend(bank)
        assert posted(paid) == [
            entry("GEN 260 Dr 12.50", "GEN 729 Cr 12.50", "POOL 879/GEN Dr 12.50", "POOL 739/PETTY Cr 12.50")
        ]
        assert paid.created == ("V-00001",)
        assert dict(paid.notes)["Left"] == "87.50"
        assert ("RLF", "270", 5_00) in posted(spend(bank, receipt="18", amount="5.00", expense="270", fund="RLF"))[0]
        bank.go_to("2026-03-04")
        assert bank.balance("739/PETTY", "POOL") == 82_50, "it stays out overnight"
        counted = bank.do("count-petty-cash", petty_cash="PETTY", counted="82.00", why="not known")
        assert posted(counted) == [
            entry("GEN 330 Dr 0.50", "GEN 729 Cr 0.50", "POOL 879/GEN Dr 0.50", "POOL 739/PETTY Cr 0.50")
        ]
        filled = bank.do("refill-petty-cash", by=bank.tom, petty_cash="PETTY", from_place="FIRST")
        assert posted(filled) == [entry("POOL 739/PETTY Dr 18.00", "POOL 731/FIRST Cr 18.00")]
        notes = dict(filled.notes)
        assert (notes["Vouchers"], notes["Difference"], notes["Refilled"]) == ("2 (17.50)", "0.50 short", "18.00")
        spend(bank, receipt="19")
        closed = bank.do("close-petty-cash", petty_cash="PETTY", counted="87.50", pieces="4x20.00 1x5.00 1x2.00 2x0.25")
        assert posted(closed) == [entry("POOL 739/VAULT Dr 87.50", "POOL 739/PETTY Cr 87.50")]
        assert (kept(bank).state, kept(bank).holder, kept(bank).float_amount) == ("closed", None, 0)
        open_(bank, holder="tom", float_amount="30.00")
        assert kept(bank).holder == "tom"
        assert_books(bank)


# ----------------------------------------------------------------------------------------- opening


@pytest.mark.parametrize(
    ("error", "field", "changes"),
    [
        (InvalidValue, "petty_cash", {"petty_cash": "VAULT"}),
        (AlreadyExists, "petty_cash", {"petty_cash": "D1"}),
        (AlreadyExists, "petty_cash", {"petty_cash": "FIRST"}),
        (Unknown, "user", {"holder": "nobody"}),
        (InvalidValue, "holder", {"holder": "sue"}),
        (InvalidValue, "float_amount", {"float_amount": "0.00"}),
        (InvalidAmount, "float_amount", {"float_amount": "5000.01"}),
        (Overdrawn, "float_amount", {"float_amount": "500.01"}),
        (Unknown, "from_place", {"from_place": "NONE"}),
    ],
)
def test_what_is_not_opened(counter: SmallBank, error: Any, field: str, changes: dict[str, str]) -> None:
    values = {"petty_cash": "PETTY", "holder": "ana", "float_amount": "100.00", **changes}
    refused(counter, error, "open-petty-cash", counter.tom, field=field, **values)


def test_who_opens_it_when(petty: SmallBank) -> None:
    values = {"petty_cash": "PETTY", "holder": "tom", "float_amount": "10.00"}
    refused(petty, AlreadyExists, "open-petty-cash", petty.tom, field="petty_cash", says="ana", **values)
    refused(petty, NotAllowed, "open-petty-cash", **{**values, "petty_cash": "P2"})
    refused(petty, AlreadyExists, "open-drawer", petty.tom, field="drawer", says="petty cash", drawer="PETTY")
    bank = {"code": "PETTY", "account_name": "x"}
    refused(petty, AlreadyExists, "add-bank-account", petty.tom, field="code", **bank)
    apart = {"code": "LLRB", "account_name": "Reserve", "fund": "LLR"}
    petty.agreed("add-bank-account", by=petty.tom, approver=petty.sue, **apart)
    refused(petty, InvalidValue, "open-petty-cash", petty.tom, field="from_place",
            **{**values, "petty_cash": "P2", "from_place": "LLRB"})  # fmt: skip
    petty.close_day()
    refused(petty, DayClosed, "open-petty-cash", petty.tom, **{**values, "petty_cash": "P2"})


# ---------------------------------------------------------------------------------------- spending


@pytest.mark.parametrize(
    ("error", "field", "changes"),
    [
        (Unknown, "petty_cash", {"petty_cash": "P9"}),
        (Overdrawn, "amount", {"amount": "100.01"}),
        (InvalidValue, "amount", {"amount": "0.00"}),
        (InvalidValue, "expense", {"expense": "731"}),
        (InvalidValue, "expense", {"expense": "330"}),
        (InvalidValue, "expense", {"expense": "350"}),
        (Unknown, "expense", {"expense": "299"}),
        (WrongState, "fund", {"fund": "GRT"}),
        (InvalidValue, "fund", {"fund": "POOL"}),
        (Unknown, "fund", {"fund": "NONE"}),
        (InvalidValue, "receipt", {"receipt": " "}),
        (InvalidValue, "supplier", {"supplier": "A shop"}),
        (WrongState, "fund", {"fund": "LLR"}),
    ],
)
def test_what_is_not_paid_from_it(petty: SmallBank, error: Any, field: str, changes: dict[str, str]) -> None:
    refused(petty, error, "spend-petty-cash", field=field, **{**STAMPS, **changes})


def test_a_receipt_is_paid_once_wherever(petty: SmallBank) -> None:
    spend(petty)
    refused(petty, AlreadyExists, "spend-petty-cash", field="receipt", says="V-00001", **{**STAMPS, "receipt": "  17 "})
    spend(petty, supplier="SHOP")
    petty.do("enter-bill", supplier="POST", number="20", amount="3.00", expense="260")
    refused(petty, AlreadyExists, "spend-petty-cash", field="receipt", says="B-00001", **{**STAMPS, "receipt": "20"})
    again = {"supplier": "post", "number": "1 7", "amount": "3.00", "expense": "260"}
    refused(petty, AlreadyExists, "enter-bill", field="number", says="V-00001", **again)
    refused(petty, AlreadyExists, "pay-expense", field="number", says="V-00001", **again)


def test_who_spends_it(petty: SmallBank) -> None:
    refused(petty, NotAllowed, "spend-petty-cash", petty.tom, field="petty_cash", says="ana", **STAMPS)
    refused(petty, NotAllowed, "spend-petty-cash", petty.sue, **STAMPS)
    petty.agreed("link-user", by=petty.admin, approver=petty.sue, user="ana", member="M0001")
    refused(petty, OwnAccount, "spend-petty-cash", **{**STAMPS, "supplier": "M0001"})
    petty.agreed("set-policy", by=petty.tom, approver=petty.sue, policy="withdrawal_alone", value="10.00")
    assert petty.ask("spend-petty-cash", **{**STAMPS, "amount": "10.00"}).status == "done"
    assert petty.ask("spend-petty-cash", **{**STAMPS, "amount": "10.01", "receipt": "18"}).status == "pending"


def test_hostile_words_go_in_and_out(petty: SmallBank) -> None:
    for text in HOSTILE:
        ref = spend(petty, receipt=text, memo=text, amount="0.01").created[0]
        with petty.read() as books:
            assert books.get(records.Voucher, ref).receipt == text


def test_undoing(petty: SmallBank) -> None:
    first = spend(petty)
    petty.do("reverse", operation=first.number, reason="typed wrong")
    assert petty.balance("739/PETTY", "POOL") == 100_00
    paid = spend(petty)
    refused(petty, CannotReverse, "reverse", petty.tom, operation=petty.do("count-petty-cash", petty_cash="PETTY",
            counted="87.50").number, reason="x")  # fmt: skip
    filled = petty.do("refill-petty-cash", by=petty.tom, petty_cash="PETTY")
    refused(petty, CannotReverse, "reverse", operation=paid.number, reason="x", says="rest on it")
    petty.do("reverse", by=petty.tom, operation=filled.number, reason="not yet")
    petty.do("close-petty-cash", petty_cash="PETTY", counted="87.50")
    refused(petty, CannotReverse, "reverse", operation=paid.number, reason="x", says="closed since")


def test_a_colleague_does_not_reverse_it_without_the_cash(petty: SmallBank) -> None:
    paid = spend(petty)
    petty.agreed("add-user", by=petty.admin, user="ben", full_name="Ben", user_roles=["teller"])
    with petty.read() as books:
        ben = books.actor_now("ben")
    refused(petty, NotAllowed, "reverse", ben, field="operation", operation=paid.number, reason="x")


# ----------------------------------------------------------------------------- refilling, counting


def test_refills_that_are_refused(petty: SmallBank) -> None:
    values = {"petty_cash": "PETTY"}
    refused(petty, Overdrawn, "refill-petty-cash", petty.tom, field="petty_cash", says="its float", **values)
    spend(petty)
    refused(petty, NotAllowed, "refill-petty-cash", **values)
    refused(petty, Unknown, "refill-petty-cash", petty.tom, field="petty_cash", petty_cash="P9")
    refused(petty, Unknown, "refill-petty-cash", petty.tom, field="from_place", **values, from_place="NONE")
    petty.do("move-cash", by=petty.tom, from_place="VAULT", to_place="FIRST", amount="400.00")
    refused(petty, Overdrawn, "refill-petty-cash", petty.tom, field="from_place", says="VAULT", **values)


def test_counts_that_are_refused(petty: SmallBank) -> None:
    for operation in ("count-petty-cash", "close-petty-cash"):
        refused(petty, InvalidValue, operation, field="why", says="1.00 short", petty_cash="PETTY", counted="99.00")
        refused(petty, InvalidValue, operation, field="counted", petty_cash="PETTY", counted="100.00", pieces="1x20.00")
        refused(petty, InvalidValue, operation, field="counted", petty_cash="PETTY", counted="-1.00")
        refused(petty, NotAllowed, operation, petty.sue, petty_cash="PETTY", counted="100.00")
        refused(petty, Unknown, operation, field="petty_cash", petty_cash="P9", counted="1.00")
    refused(petty, NotAllowed, "close-petty-cash", field="to_place", petty_cash="PETTY", counted="100.00",
            to_place="FIRST")  # fmt: skip
    petty.do("close-petty-cash", petty_cash="PETTY", counted="100.00")
    for operation in ("count-petty-cash", "close-petty-cash"):
        refused(petty, DrawerClosed, operation, field="petty_cash", petty_cash="PETTY", counted="100.00")
    refused(petty, DrawerClosed, "refill-petty-cash", petty.tom, field="petty_cash", petty_cash="PETTY")
    refused(petty, DrawerClosed, "spend-petty-cash", field="petty_cash", **STAMPS)


def test_over_and_found_again(petty: SmallBank) -> None:
    over = petty.do("count-petty-cash", petty_cash="PETTY", counted="101.00", why="not known")
    assert ("GEN", "330", -1_00) in posted(over)[0]
    assert kept(petty).short == -1_00
    petty.do("count-petty-cash", petty_cash="PETTY", counted="100.00", why="it was the cook's")
    assert kept(petty).short == 0


def test_the_day_s_report_tells_a_count_as_a_difference(petty: SmallBank) -> None:
    spend(petty)
    petty.do("count-petty-cash", petty_cash="PETTY", counted="87.00", why="not known")
    with petty.read() as books:
        told = day_report(books, date(2026, 3, 3))
    assert [(each.memo, each.short) for each in told.differences] == [("Petty cash PETTY short", 50)]
    assert "count-petty-cash" not in {each.kind for each in told.lines}
    assert next(each.went for each in told.lines if each.kind == "spend-petty-cash") == 12_50


def test_the_treasurer_closes_it_with_a_second_person(petty: SmallBank) -> None:
    closed = petty.agreed("close-petty-cash", petty.tom, petty.sue, petty_cash="PETTY", counted="100.00")
    assert posted(closed) == [entry("POOL 739/VAULT Dr 100.00", "POOL 739/PETTY Cr 100.00")]


def test_verify_sees_a_float_that_is_not_there(petty: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coopbank.bank.subledger_proof.POOL", "GEN")
    found = [each for each in wrong(verify(petty.bank.database)) if each.check == "petty cash"]
    assert len(found) == 1 and "100.00" in found[0].message
