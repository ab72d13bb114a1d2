"""Savings accounts: what each operation posts, and what each refuses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from coopbank.bank import records
from coopbank.bank.verify import verify
from coopbank.errors import (
    CoopbankError,
    DayClosed,
    DrawerClosed,
    InvalidValue,
    NotAllowed,
    NotOffered,
    Overdrawn,
    OwnAccount,
    Unknown,
    WrongState,
)
from coopbank.ledger.verify import wrong
from coopbank.reports.member import member as told_of
from tests.bank.conftest import begin
from tests.bank.support_counter import HOSTILE, entry, posted, refused
from tests.support_bank import CHARITY, CREDIT_UNION, SmallBank, assert_books, new_bank

WRONG_AMOUNTS = ["0", "0.00", "-1.00", "1.005", "1,000.00", "1e3", "", " ", "x", "１", "9" * 30, 1, 1.5, None, True]


# --------------------------------------------------------------------------------- open-savings


def test_a_member_opens_one_account_and_then_others(counter: SmallBank) -> None:
    first = counter.do("open-savings", member="M0003", annual_rate="0.5")
    second = counter.do("open-savings", member="M0003")
    assert (first.created, second.created) == (("S-M0003",), ("S-M0003-2",))
    with counter.read() as books:
        assert books.get(records.Savings, "S-M0003").annual_rate == "0.5"
        assert {leaf.code for leaf in books.held_by("M0003")} == {"905/M0003", "905/M0003-2"}
    counter.do("deposit", member="M0003", amount="7.00", account="M0003-2")
    counter.do("deposit", member="M0003", amount="5.00")
    counter.do("deposit", member="M0003", amount="1.00", account="S-M0003-2")
    assert (counter.balance("905/M0003"), counter.balance("905/M0003-2")) == (-5_00, -8_00)
    refused(counter, Overdrawn, "withdraw", says="5.00", member="M0003", amount="5.01")


def test_accounts_that_are_not_opened(counter: SmallBank) -> None:
    refused(counter, Unknown, "open-savings", field="member", member="M9999")
    refused(counter, NotAllowed, "open-savings", counter.sue, member="M0003")
    for rate in ("-1", "x", "1.2345678", "1000", 2, "", "1,5"):
        refused(counter, InvalidValue, "open-savings", field="annual_rate", member="M0003", annual_rate=rate)
    for member in ("", "M 1", "<b>", "x" * 50, None, 7):
        refused(counter, InvalidValue, "open-savings", field="member", member=member)
    counter.do("change-member", member="M0003", status="left")
    refused(counter, WrongState, "open-savings", field="member", says="left", member="M0003")


def test_where_members_money_is_kept(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "charity.db"), institution_kind=CHARITY) as bank:
        bank.admit("Mia Lee")
        for operation, values in (
            ("open-savings", {}),
            ("deposit", {"amount": "1.00"}),
            ("withdraw", {"amount": "1.00"}),
        ):
            refused(bank, NotOffered, operation, member="M0001", **values)
        assert_books(bank)
    with new_bank(str(tmp_path / "union.db"), institution_kind=CREDIT_UNION) as bank:
        bank.admit("Mia Lee")
        bank.do("open-savings", member="M0001")
        bank.do("deposit", member="M0001", amount="1.00")
        assert_books(bank)


# ------------------------------------------------------------------------- deposit and withdraw


@pytest.mark.parametrize(("tender", "place"), [("cash", "739/D1"), ("cheque", "735/D1"), ("transfer", "731/FIRST")])
def test_money_comes_in_any_tender(counter: SmallBank, tender: str, place: str) -> None:
    cheque = {"cheque_number": "9"} if tender == "cheque" else {}
    done = counter.do("deposit", member="M0001", amount="150.00", tender=tender, **cheque)
    assert posted(done) == [
        entry(f"POOL {place} Dr 150.00", "POOL 879/GEN Cr 150.00", "GEN 729 Dr 150.00", "GEN 905/M0001 Cr 150.00")
    ]
    assert ("New balance", "250.00") in done.notes


@pytest.mark.parametrize(("tender", "place"), [("cash", "739/D1"), ("transfer", "731/FIRST")])
def test_money_is_paid_out(counter: SmallBank, tender: str, place: str) -> None:
    done = counter.do("withdraw", member="M0001", amount="40.00", tender=tender)
    assert posted(done) == [
        entry("GEN 905/M0001 Dr 40.00", "GEN 729 Cr 40.00", "POOL 879/GEN Dr 40.00", f"POOL {place} Cr 40.00")
    ]
    assert ("New balance", "60.00") in done.notes


@pytest.mark.parametrize("operation", ["deposit", "withdraw"])
def test_what_both_refuse(counter: SmallBank, operation: str) -> None:
    values = {"member": "M0001", "amount": "1.00"}

    def no(error: type[CoopbankError], field: str | None, **changes: Any) -> None:
        refused(counter, error, operation, field=field, **{**values, **changes})

    for amount in WRONG_AMOUNTS:
        no(InvalidValue, "amount", amount=amount)
    no(Unknown, "member", member="M9999")
    no(Unknown, "member", member="M0003")
    no(Unknown, "account", account="M0002")
    no(Unknown, "account", account="M0001-2")
    no(InvalidValue, "account", account="M0001/2")
    no(InvalidValue, "tender", tender="gold")
    no(InvalidValue, "surprise", surprise="x")
    no(Unknown, "bank_account", tender="transfer", bank_account="NONE")
    refused(counter, NotAllowed, operation, counter.sue, **values)
    refused(counter, DrawerClosed, operation, counter.tom, field="tender", **values)
    counter.agreed("link-user", by=counter.admin, user="ana", member="M0001")
    no(OwnAccount, "member")
    counter.close_day()
    refused(counter, DayClosed, operation, counter.tom, **values, tender="transfer")


def test_a_dedicated_bank_account_is_not_a_place_for_savings(counter: SmallBank) -> None:
    values = {"code": "RESERVE", "account_name": "Reserve", "fund": "LLR"}
    counter.agreed("add-bank-account", counter.tom, counter.sue, **values)
    transfer = {"member": "M0001", "amount": "1.00", "tender": "transfer", "bank_account": "RESERVE"}
    for operation in ("deposit", "withdraw"):
        refused(counter, InvalidValue, operation, field="bank_account", **transfer)


def test_only_what_is_there_is_paid_out(counter: SmallBank) -> None:
    refused(counter, Overdrawn, "withdraw", field="amount", says="100.00", member="M0001", amount="100.01")
    refused(counter, Overdrawn, "withdraw", field="amount", member="M0002", amount="0.01")
    counter.do("deposit", member="M0001", amount="800.00", tender="transfer")
    refused(counter, Overdrawn, "withdraw", field="amount", says="D1", member="M0001", amount="500.01")
    counter.do("withdraw", member="M0001", amount="500.00")
    assert counter.balance("739/D1", "POOL") == 0


def test_the_fund_pays_only_what_it_has(counter: SmallBank) -> None:
    """RLF's money lies in the same drawer and bank account; it pays nobody's savings."""
    counter.do("deposit", member="M0001", amount="20.00")
    out = {"memo": "spent", "lines": ["GEN 370 Dr 5095.00", "GEN 731/FIRST Cr 5095.00"]}
    counter.agreed("journal-entry", counter.tom, counter.sue, **out)
    refused(counter, Overdrawn, "withdraw", says="5.00 to spend", member="M0001", amount="5.01")
    counter.do("withdraw", member="M0001", amount="5.00")


def test_held_money_stays_until_its_day(counter: SmallBank) -> None:
    counter.do("deposit", member="M0001", amount="50.00", tender="cheque", cheque_number="1")
    refused(counter, Overdrawn, "withdraw", field="amount", says="50.00 is held", member="M0001", amount="100.01")
    counter.go_to("2026-03-09")
    refused(counter, Overdrawn, "withdraw", member="M0001", amount="100.01")
    counter.go_to("2026-03-10")
    counter.do("withdraw", member="M0001", amount="150.00")


def test_without_a_hold_policy_nothing_is_held(counter: SmallBank) -> None:
    counter.agreed("set-policy", counter.tom, counter.sue, policy="cheque_hold_days", value="0")
    counter.do("deposit", member="M0002", amount="50.00", tender="cheque", cheque_number="1")
    counter.do("withdraw", member="M0002", amount="50.00")


def test_a_large_withdrawal_takes_two(counter: SmallBank) -> None:
    counter.do("deposit", member="M0001", amount="4000.00", tender="transfer")
    counter.do("withdraw", member="M0001", amount="1000.00", tender="transfer")
    asked = counter.ask("withdraw", member="M0001", amount="1000.01", tender="transfer")
    assert (asked.status, counter.balance("905/M0001")) == ("pending", -3100_00)
    counter.do("approve", by=counter.tom, request=asked.request)
    assert counter.balance("905/M0001") == -2099_99
    refused(counter, Overdrawn, "withdraw", member="M0001", amount="2100.00", tender="transfer")


def test_a_withdrawal_that_waited_is_checked_again(counter: SmallBank) -> None:
    counter.do("deposit", member="M0001", amount="2000.00", tender="transfer")
    asked = counter.ask("withdraw", member="M0001", amount="2000.00", tender="transfer")
    counter.do("withdraw", member="M0001", amount="200.00")
    refused(counter, Overdrawn, "approve", counter.tom, request=asked.request)
    counter.do("refuse", by=counter.tom, request=asked.request, why="not covered")


def test_a_member_who_left(counter: SmallBank) -> None:
    refused(counter, WrongState, "change-member", field="status", member="M0001", status="left")
    counter.do("withdraw", member="M0001", amount="100.00")
    counter.do("change-member", member="M0001", status="left")
    for operation in ("deposit", "withdraw"):
        refused(counter, WrongState, operation, field="member", says="left", member="M0001", amount="1.00")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_memo_is_any_text(counter: SmallBank, text: str) -> None:
    for operation, word in (("deposit", "Deposit"), ("withdraw", "Withdrawal")):
        done = counter.do(operation, member="M0001", amount="1.00", memo=text)
        assert counter.bank.receipt(done.number).entries[0].memo == f"{word} M0001: {text}"


def test_a_memo_is_not_endless(counter: SmallBank) -> None:
    refused(counter, InvalidValue, "deposit", field="memo", member="M0001", amount="1.00", memo="x" * 10_000)
    refused(counter, InvalidValue, "deposit", field="memo", member="M0001", amount="1.00", memo="a\0b")


def test_a_book_in_a_currency_without_decimals(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "yen.db"), currency="JPY") as bank:
        bank.admit("Mia Lee")
        bank.do("open-savings", member="M0001")
        bank.do("deposit", member="M0001", amount="1500")
        refused(bank, InvalidValue, "withdraw", field="amount", member="M0001", amount="10.50")
        bank.do("withdraw", member="M0001", amount="500")
        assert bank.ask("withdraw", member="M0001", amount="1000").status == "done"
        assert bank.balance("905/M0001") == 0
        assert_books(bank)


# --------------------------------------------------------------------------------- both engines


def test_the_same_on_both_engines(beginning: SmallBank) -> None:
    bank = beginning
    bank.do("open-savings", member="M0003")
    bank.do("open-savings", member="M0003")
    bank.do("deposit", member="M0003", amount="50.00", account="M0003-2", tender="cheque", cheque_number="1")
    refused(bank, Overdrawn, "withdraw", says="is held", member="M0003", amount="1.00", account="M0003-2")
    refused(bank, Overdrawn, "withdraw", member="M0001", amount="100.01")
    bank.do("withdraw", member="M0001", amount="100.00", memo="“all” of it ✓")


# ------------------------------------------------------------------------------------ pay-member


@pytest.fixture
def union(engine_url: str) -> Iterator[SmallBank]:
    """A credit union of two members with savings, which passes payments on."""
    with new_bank(engine_url, institution_kind=CREDIT_UNION) as bank:
        begin(bank)
        bank.agreed("set-policy", by=bank.tom, approver=bank.sue, policy="member_payments", value="yes")
        yield bank
        assert_books(bank)


def test_a_member_pays_another(union: SmallBank) -> None:
    union.do("deposit", member="M0001", amount="20.00", tender="transfer")
    before = union.balance("905/M0001")
    done = union.do("pay-member", member="M0001", to_member="M0002", amount="7.50", memo="eggs & [red]<b>")
    assert posted(done) == [entry("GEN 905/M0001 Dr 7.50", "GEN 905/M0002 Cr 7.50")]
    with union.read() as books:
        year = date(2026, 1, 1), date(2026, 12, 31)
        paid = [line.words for each in told_of(books, "M0001", *year).accounts for line in each.lines]
        got = [line.words for each in told_of(books, "M0002", *year).accounts for line in each.lines]
    assert any(what.startswith("Paid to member M0002: ") for what in paid)
    assert any(what.startswith("Received from member M0001: ") for what in got)
    union.agreed("reverse", by=union.tom, approver=union.sue, operation=done.number, reason="typed for another")
    assert union.balance("905/M0001") == before


def test_what_a_payment_to_a_member_refuses(union: SmallBank) -> None:
    values = {"member": "M0001", "to_member": "M0002", "amount": "5.00"}
    has = -union.balance("905/M0001") // 100
    for error, field, changes in (
        (InvalidValue, "to_member", {"to_member": "M0001"}), (Unknown, "to_member", {"to_member": "M9999"}),
        (Unknown, "to_account", {"to_account": "M0001"}), (Unknown, "account", {"account": "M0002"}),
        (Unknown, "by_person", {"by_person": "J-00001"}), (Overdrawn, "amount", {"amount": f"{has}.01"}),
    ):  # fmt: skip
        refused(union, error, "pay-member", field=field, **{**values, **changes})
    union.agreed("link-user", by=union.admin, approver=union.tom, user="ana", member="M0002")
    refused(union, OwnAccount, "pay-member", **values)
    union.agreed("set-policy", by=union.tom, approver=union.sue, policy="member_payments", value="no")
    refused(union, NotAllowed, "pay-member", union.tom, field="to_member", **values)


def test_above_what_one_person_may_pay_out_a_payment_takes_two(union: SmallBank) -> None:
    union.do("deposit", member="M0001", amount="900.00", tender="transfer")
    union.agreed("set-policy", by=union.tom, approver=union.sue, policy="withdrawal_alone", value="500.00")
    asked = union.ask("pay-member", member="M0001", to_member="M0002", amount="800.00")
    assert asked.status == "pending"


def test_a_payment_that_the_bank_did_not_offer_is_found(engine_url: str) -> None:
    with new_bank(engine_url, institution_kind=CREDIT_UNION) as bank:
        begin(bank)
        bank.agreed("set-policy", by=bank.tom, approver=bank.sue, policy="member_payments", value="yes")
        done = bank.do("pay-member", member="M0001", to_member="M0002", amount="5.00")
        with patch("coopbank.bank.verify.PAYMENTS_POLICY", "another"):
            found = wrong(verify(bank.bank.database))
        assert [(each.check, each.operation) for each in found] == [("powers", done.number)]
