"""Shares: bought, paid by instalments, redeemed, transferred; what each posts, and what each refuses."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from coopbank.bank import records
from coopbank.bank.equity_proof import equity_faults
from coopbank.errors import (
    CannotReverse,
    CoopbankError,
    DrawerClosed,
    InvalidAmount,
    InvalidValue,
    NotAllowed,
    Overdrawn,
    OwnAccount,
    Unknown,
    WrongState,
)
from coopbank.reports.member_equity import member_equity
from coopbank.reports.surplus import share_register
from coopbank.words import speaking, translate
from tests.bank.conftest import begin
from tests.bank.support_counter import entry, posted, refused
from tests.forging import forge
from tests.support_bank import SmallBank, assert_books, new_bank


def cash_in(amount: str) -> list[str]:
    return [f"POOL 739/D1 Dr {amount}", f"POOL 879/GEN Cr {amount}", f"GEN 729 Dr {amount}"]


# ---------------------------------------------------------------------------------- buy-shares


def test_a_share_at_once(counter: SmallBank) -> None:
    done = counter.do("buy-shares", member="M0001", amount="25.00")
    assert posted(done) == [entry(*cash_in("25.00"), "GEN 901/M0001 Cr 25.00")]
    assert ("Shares issued", "1") in done.notes


def test_a_share_by_instalments_is_issued_when_it_is_paid(counter: SmallBank) -> None:
    first = counter.do("buy-shares", member="M0001", amount="5.00")
    assert posted(first) == [entry(*cash_in("5.00"), "GEN 875/M0001 Cr 5.00")]
    assert ("Paid towards the next share", "5.00") in first.notes
    counter.do("buy-shares", member="M0001", amount="12.50")
    last = counter.do("buy-shares", member="M0001", amount="7.50")
    assert posted(last) == [entry(*cash_in("7.50"), "GEN 875/M0001 Dr 17.50", "GEN 901/M0001 Cr 25.00")]
    assert counter.balance("875/M0001") == 0


def test_investment_shares_have_a_subscription_of_their_own(counter: SmallBank) -> None:
    counter.do("buy-shares", member="M0001", amount="5.00")
    done = counter.do("buy-shares", member="M0001", amount="250.00", share_class="903")
    assert posted(done) == [entry(*cash_in("250.00"), "GEN 875/M0001.903 Cr 50.00", "GEN 903/M0001 Cr 200.00")]
    with counter.read() as books:
        held = {leaf.code: -leaf.balance for leaf in books.held_by("M0001")}
    assert held == {"905/M0001": 100_00, "875/M0001": 5_00, "875/M0001.903": 50_00, "903/M0001": 200_00}
    refused(counter, WrongState, "change-member", field="status", member="M0001", status="left")


def test_shares_that_are_not_sold(counter: SmallBank) -> None:
    values = {"member": "M0001", "amount": "5.00"}

    def no(error: type[CoopbankError], field: str | None, **changes: Any) -> None:
        refused(counter, error, "buy-shares", field=field, **{**values, **changes})

    no(InvalidAmount, "amount", amount="25.01")
    no(Unknown, "share_class", share_class="905")
    no(Unknown, "share_class", share_class="777")
    no(Unknown, "member", member="M9999")
    for amount in ("0.00", "-5.00", "1.001", "x", 5, None):
        no(InvalidValue, "amount", amount=amount)
    refused(counter, NotAllowed, "buy-shares", counter.sue, **values)
    refused(counter, DrawerClosed, "buy-shares", counter.tom, **values)
    counter.do("buy-shares", **values)
    no(InvalidAmount, "amount", amount="20.01")
    counter.do("buy-shares", member="M0001", amount="20.00")
    no(InvalidAmount, "amount", amount="0.01")
    counter.do("change-member", member="M0003", status="left")
    no(WrongState, "member", member="M0003")
    counter.agreed("link-user", by=counter.admin, user="ana", member="M0002")
    no(OwnAccount, "member", member="M0002")


# ------------------------------------------------------------------------------- redeem-shares


def test_shares_are_paid_back_by_two(counter: SmallBank) -> None:
    counter.do("buy-shares", member="M0001", amount="325.00", share_class="903")
    values = {"member": "M0001", "share_class": "903"}
    done = counter.agreed("redeem-shares", amount="200.00", **values)
    assert posted(done) == [
        entry("GEN 903/M0001 Dr 200.00", "GEN 729 Cr 200.00", "POOL 879/GEN Dr 200.00", "POOL 739/D1 Cr 200.00")
    ]
    assert ("Shares left", "100.00") in done.notes
    done = counter.agreed("redeem-shares", amount="25.00", subscription=True, **values)
    assert ("GEN", "875/M0001.903", 25_00) in posted(done)[0]
    refused(counter, Overdrawn, "redeem-shares", field="amount", amount="0.01", subscription=True, **values)
    refused(counter, Overdrawn, "redeem-shares", field="amount", says="100.00", amount="200.00", **values)
    refused(counter, InvalidAmount, "redeem-shares", field="amount", says="100.00", amount="50.00", **values)


def test_redemptions_that_are_refused(counter: SmallBank) -> None:
    refused(counter, Overdrawn, "redeem-shares", field="amount", member="M0001", amount="25.00")
    refused(counter, Unknown, "redeem-shares", field="member", member="M9999", amount="25.00")
    refused(counter, Unknown, "redeem-shares", field="share_class", member="M0001", amount="25.00", share_class="945")
    refused(counter, NotAllowed, "redeem-shares", counter.sue, member="M0001", amount="25.00")
    counter.do("buy-shares", member="M0001", amount="25.00")
    asked = counter.ask("redeem-shares", member="M0001", amount="25.00")
    assert asked.status == "pending"
    counter.agreed("link-user", by=counter.admin, user="tom", member="M0001")
    refused(counter, OwnAccount, "approve", counter.tom, request=asked.request)


def test_shares_paid_by_a_cheque_wait_for_it(counter: SmallBank) -> None:
    counter.do("buy-shares", member="M0001", amount="300.00", share_class="903")
    cheque = {"tender": "cheque", "cheque_number": "1"}
    counter.do("buy-shares", member="M0001", amount="100.00", share_class="903", **cheque)
    values = {"member": "M0001", "share_class": "903"}
    refused(counter, Overdrawn, "redeem-shares", field="amount", says="100.00 is held", amount="400.00", **values)
    move = {"member": "M0001", "to_member": "M0002"}
    refused(counter, Overdrawn, "transfer-shares", field="amount", says="is held", amount="400.00", **move)
    counter.agreed("redeem-shares", amount="300.00", **values)
    counter.go_to("2026-03-10")
    counter.agreed("redeem-shares", amount="100.00", **values)


# ----------------------------------------------------------------------------- transfer-shares


def test_shares_pass_to_another_member(counter: SmallBank) -> None:
    counter.do("buy-shares", member="M0001", amount="300.00", share_class="903")
    done = counter.agreed("transfer-shares", member="M0001", to_member="M0003", amount="200.00")
    assert posted(done) == [entry("GEN 903/M0001 Dr 200.00", "GEN 903/M0003 Cr 200.00")]
    with counter.read() as books:
        assert [leaf.code for leaf in books.held_by("M0003")] == ["903/M0003"]
    counter.agreed("transfer-shares", member="M0001", to_member="M0003", amount="100.00")


def test_transfers_that_are_refused(counter: SmallBank) -> None:
    counter.do("buy-shares", member="M0001", amount="200.00", share_class="903")
    values = {"member": "M0001", "to_member": "M0002", "amount": "100.00"}

    def no(error: type[CoopbankError], field: str | None, **changes: str) -> None:
        refused(counter, error, "transfer-shares", field=field, **{**values, **changes})

    no(InvalidValue, "to_member", to_member="M0001")
    no(Unknown, "member", member="M9999")
    no(Unknown, "to_member", to_member="M9999")
    no(InvalidAmount, "amount", amount="50.00")
    no(Overdrawn, "amount", amount="300.00")
    counter.do("buy-shares", member="M0001", amount="25.00")
    counter.do("buy-shares", member="M0002", amount="5.00")
    no(WrongState, "to_member", amount="25.00", share_class="901")
    counter.do("change-member", member="M0003", status="left")
    no(WrongState, "to_member", to_member="M0003")
    refused(counter, NotAllowed, "transfer-shares", counter.sue, **values)
    counter.agreed("link-user", by=counter.admin, user="ana", member="M0002")
    no(OwnAccount, "member")


# -------------------------------------------------------------------------------- both engines


def test_the_same_on_both_engines(beginning: SmallBank) -> None:
    bank = beginning
    bank.do("buy-shares", member="M0001", amount="5.00")
    bank.do("buy-shares", member="M0001", amount="20.00")
    bank.do("buy-shares", member="M0002", amount="150.00", share_class="903")
    bank.agreed("transfer-shares", member="M0002", to_member="M0003", amount="100.00")
    refused(bank, InvalidAmount, "buy-shares", field="amount", member="M0001", amount="0.01")
    bank.agreed("redeem-shares", member="M0001", amount="25.00")


# ------------------------------------------------------------------------------- sponsored by a fund


def both(bank: SmallBank, operation: str, **values: Any) -> Any:
    return bank.agreed(operation, by=bank.tom, approver=bank.sue, **values)


def equity_fund(bank: SmallBank) -> dict[str, Any]:
    """A fund that pays shares of who cannot, with 60.00 in it; what sponsors one of M0003's."""
    both(bank, "open-fund", code="EQ", fund_name="Equity for all", fund_class="designated")
    bank.do("receive-gift", by=bank.tom, amount="60.00", donor="Many", fund="EQ", tender="transfer")
    return {"member": "M0003", "amount": "25.00", "fund": "EQ", "resolution": "Board, 2 March"}


def test_a_fund_pays_a_share_and_has_it_back(engine_url: str) -> None:
    with new_bank(engine_url) as bank:
        begin(bank)
        plan = equity_fund(bank)
        made = both(bank, "sponsor-shares", **plan)
        assert posted(made) == [entry(
            "EQ 366 Dr 25.00", "EQ 729 Cr 25.00", "POOL 879/EQ Dr 25.00", "POOL 879/GEN Cr 25.00", "GEN 729 Dr 25.00",
            "GEN 901/M0003 Cr 25.00",
        )]  # fmt: skip
        with bank.read() as books:
            assert [(h.amount, h.sponsored) for h in share_register(books).holdings] == [(25_00, 25_00)]
            (held,) = member_equity(books, "M0003").shares
            assert (held.shares, held.sponsored, held.sponsorships) == (1, 25_00, ("SP-0001",))
            assert [h.sponsored for h in share_register(books, date(2026, 3, 2)).holdings] == []
        back = both(bank, "return-sponsored-shares", sponsorship="SP-0001", why="she moved away")
        assert posted(back) == [Counter({(fund, code, -moved): 1 for fund, code, moved in posted(made)[0]})]
        assert_books(bank)
        bank.agreed("reverse", by=bank.tom, approver=bank.sue, operation=back.number, reason="she stays")
        bank.agreed("reverse", by=bank.tom, approver=bank.sue, operation=made.number, reason="not voted")
        assert bank.balance("901/M0003") == bank.balance("366", "EQ") == 0
        assert_books(bank)


def test_what_a_fund_paid_is_nobodys_to_take_out(counter: SmallBank) -> None:
    plan = equity_fund(counter)
    terms = {"share_class": "903", "amount": "100.00"}
    own = counter.do("buy-shares", member="M0003", **terms)
    counter.do("receive-gift", by=counter.tom, amount="100.00", donor="Many", fund="EQ", tender="transfer")
    both(counter, "sponsor-shares", **{**plan, **terms})
    gone: dict[str, Any] = {"field": "amount", "says": "100.00 is their own", "member": "M0003"}
    two = {**terms, "amount": "200.00"}
    refused(counter, WrongState, "redeem-shares", **gone, **two)
    refused(counter, WrongState, "accept-redemption", **gone, **two)
    refused(counter, WrongState, "transfer-shares", to_member="M0001", **gone, **two)
    counter.agreed("redeem-shares", member="M0003", **terms)
    with pytest.raises(CannotReverse, match="has been used since"):
        counter.agreed("reverse", operation=own.number, reason="x")
    counter.do("record-death", member="M0003", died_on="2026-03-03", evidence="1")
    refused(counter, WrongState, "pay-estate", account="903", estate_name="L", papers="1", amount="100.00",
            member="M0003", says="0.00 is their own")  # fmt: skip
    back: dict[str, Any] = {"sponsorship": "SP-0001", "why": "she died"}
    refused(counter, InvalidAmount, "return-sponsored-shares", counter.tom, field="amount", amount="50.00", **back)
    refused(counter, Overdrawn, "return-sponsored-shares", counter.tom, field="amount", amount="200.00", **back)
    both(counter, "return-sponsored-shares", **back)
    refused(counter, Overdrawn, "return-sponsored-shares", counter.tom, field="sponsorship", **back)


def test_sponsoring_refuses(counter: SmallBank) -> None:
    plan = equity_fund(counter)
    tom = counter.tom
    both(counter, "open-fund", code="CG1", fund_name="x", fund_class="conditional")
    for refusal, field, changes in (
        (InvalidValue, "fund", {"fund": "GEN"}), (WrongState, "fund", {"fund": "GRT"}),
        (WrongState, "fund", {"fund": "CG1"}), (WrongState, "fund", {"fund": "LLR"}),
        (InvalidValue, "fund", {"fund": "POOL"}), (Unknown, "fund", {"fund": "NONE"}),
        (InvalidAmount, "amount", {"amount": "12.50"}), (InvalidAmount, "amount", {"amount": "50.00"}),
        (Unknown, "member", {"member": "M0099"}), (InvalidValue, "resolution", {"resolution": ""}),
    ):  # fmt: skip
        refused(counter, refusal, "sponsor-shares", tom, field=field, **{**plan, **changes})
    refused(counter, Overdrawn, "sponsor-shares", tom, **{**plan, "share_class": "903", "amount": "100.00"})
    refused(counter, NotAllowed, "sponsor-shares", **plan)
    both(counter, "sponsor-shares", **plan)
    refused(counter, InvalidAmount, "sponsor-shares", tom, field="amount", **plan)
    refused(counter, InvalidAmount, "buy-shares", field="amount", member="M0003", amount="5.00")


def test_money_that_took_another_way_is_found(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "book.db")) as bank:
        begin(bank)
        both(bank, "sponsor-shares", **equity_fund(bank))
        bank.spoiled = True
        forge(bank, [("GEN", "901/M0003", 25_00), ("GEN", "905/M0001", -25_00)])
        with bank.read() as books:
            said = [fault for _number, fault in equity_faults(books.tx)]
    assert said == ["901/M0003 holds less than the 25.00 that are sponsored of it"]


# ----------------------------------------------------------------------- the rule of instalments


def test_where_instalments_are_shares_at_once(counter: SmallBank) -> None:
    counter.do("buy-shares", member="M0001", amount="5.00")
    rule = {"share_class": "901", "resolution": "bylaw 3"}
    both(counter, "set-share-class", installments="at-once", **rule)
    refused(counter, InvalidValue, "set-share-class", counter.tom, installments="at-once", **rule)
    first = counter.do("buy-shares", member="M0002", amount="5.00")
    assert posted(first) == [entry(*cash_in("5.00"), "GEN 901/M0002 Cr 5.00")]
    assert ("Shares issued", "0") in first.notes and ("Paid towards the next share", "5.00") in first.notes
    moved = counter.do("buy-shares", member="M0001", amount="5.00")  # what waited comes along
    assert posted(moved) == [entry(*cash_in("5.00"), "GEN 875/M0001 Dr 5.00", "GEN 901/M0001 Cr 10.00")]
    last = counter.do("buy-shares", member="M0002", amount="20.00")
    assert ("Shares issued", "1") in last.notes
    refused(counter, InvalidAmount, "buy-shares", field="amount", member="M0001", amount="15.01")
    refused(counter, WrongState, "set-share-class", counter.tom, field="installments", installments="waiting", **rule)
    refused(counter, InvalidAmount, "redeem-shares", field="amount", member="M0001", amount="5.00")
    counter.agreed("redeem-shares", member="M0001", amount="10.00")
    both(counter, "set-share-class", installments="waiting", **rule)
    waits = counter.do("buy-shares", member="M0001", amount="5.00")
    assert posted(waits) == [entry(*cash_in("5.00"), "GEN 875/M0001 Cr 5.00")]


def test_a_new_books_classes_of_shares_are_named_in_every_language(tmp_path: Path) -> None:
    """A certificate in Spanish once listed an "Investment share"."""
    with new_bank(str(tmp_path / "new.db")) as bank, bank.read() as books:
        names = [kind.name for _code, kind in books.every(records.ShareClass)]
    with speaking("es"):
        assert [translate(name) for name in names] == ["Acción de membresía", "Acción de inversión"]
