"""Unclaimed money: who has been silent for how long, the notice, setting apart, and paying the state."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from coopbank.bank import records
from coopbank.bank.contact import silences
from coopbank.errors import AlreadyExists, InvalidValue, NotAllowed, OwnAccount, Unknown, WrongState
from tests.bank.conftest import begin
from tests.bank.support_counter import entry, posted, refused
from tests.support_bank import SmallBank, assert_books, new_bank


@pytest.fixture
def beginning(engine_url: str) -> Iterator[SmallBank]:
    with new_bank(engine_url) as bank:
        begin(bank)
        bank.do("buy-shares", member="M0001", amount="25.00")
        yield bank
        assert_books(bank)


def last(bank: SmallBank, member: str = "M0001") -> tuple[str, dict[str, str]]:
    """The last contact with a member, and the last activity on each account that holds something."""
    with bank.read() as books:
        found = silences(books, books.business_date() or date.max, member)[0]
    return found.last_contact.isoformat(), {a.code: a.last_activity.isoformat() for a in found.accounts}


def set_apart(bank: SmallBank) -> Any:
    """M0001 is silent for five years, noticed, and what she has is set apart."""
    bank.go_to("2030-12-30")
    bank.do("send-due-diligence", member="M0001")
    bank.go_to("2031-03-03")
    return bank.agreed("turn-over-unclaimed", by=bank.tom, approver=bank.sue, member="M0001")


def test_only_what_a_member_began_counts(beginning: SmallBank) -> None:
    bank = beginning
    assert last(bank) == ("2026-03-03", {"901/M0001": "2026-03-03", "905/M0001": "2026-03-02"})
    bank.go_to("2026-04-01")
    wrong_one = bank.do("deposit", member="M0001", amount="7.00")
    bank.do("reverse", operation=wrong_one.number, reason="another")
    for_other = bank.do("deposit", member="M0002", amount="6.00")
    slip: dict[str, Any] = {"operation": for_other.number, "wrong_account": "M0002", "right_account": "M0001"}
    assert last(bank)[0] == "2026-03-03"
    bank.do("correct", **slip, reason="typed for M0002")  # now it was hers
    assert last(bank) == ("2026-04-01", {"901/M0001": "2026-03-03", "905/M0001": "2026-04-01"})
    bank.go_to("2026-04-06")
    bank.do("repay-loan", loan=borrow(bank), amount="10.00")
    assert last(bank)[0] == "2026-04-06"
    bank.go_to("2026-04-08")
    bank.do("found-again", member="M0001", how="She wrote", on="2026-04-07")
    assert last(bank)[0] == "2026-04-07"


def test_a_loan_that_was_agreed_is_a_sign_before_it_is_paid_out(beginning: SmallBank) -> None:
    bank = beginning
    bank.go_to("2026-04-08")
    terms: dict[str, Any] = {"principal": "100.00", "annual_rate": "6", "installments": 12}
    granted = bank.agreed("grant-loan", by=bank.ana, approver=bank.sue, member="M0001", **terms)
    assert last(bank) == ("2026-04-08", {"901/M0001": "2026-03-03", "905/M0001": "2026-03-02"})
    bank.agreed("reverse", by=bank.ana, approver=bank.sue, operation=granted.number, reason="she thought it over")
    assert last(bank)[0] == "2026-03-03"


def test_what_is_paid_on_a_loan_that_was_charged_off_is_a_sign_and_the_charge_off_is_none(beginning: SmallBank) -> None:
    bank, loan = beginning, borrow(beginning)
    bank.go_to("2026-04-08")
    bank.agreed("stop-accrual", by=bank.tom, approver=bank.sue, loan=loan, why="gone")
    bank.agreed("charge-off", by=bank.tom, approver=bank.sue, loan=loan, resolution="R-1", why="gone")
    assert last(bank)[0] == "2026-03-03"
    bank.go_to("2026-04-09")
    paid = bank.do("repay-loan", loan=loan, amount="5.00")
    assert last(bank) == ("2026-04-09", {"901/M0001": "2026-03-03", "905/M0001": "2026-03-02"})
    bank.do("reverse", operation=paid.number, reason="another's loan")
    assert last(bank)[0] == "2026-03-03"


def test_an_account_that_is_opened_on_a_leaf_of_old_is_a_sign(beginning: SmallBank) -> None:
    bank = beginning
    lines = ["GEN 990 Dr 9.00", "GEN 905/M0001-2 Cr 9.00"]
    taken_over = bank.agreed("opening-balance", by=bank.tom, approver=bank.sue, memo="old books", lines=lines)
    bank.agreed("reverse", by=bank.tom, approver=bank.sue, operation=taken_over.number, reason="another member's")
    bank.go_to("2026-04-09")
    bank.do("open-savings", member="M0001")
    assert bank.balance("905/M0001-2") == 0 and last(bank)[0] == "2026-04-09"


def test_a_correction_that_was_taken_back_or_put_right_itself_hides_no_sign(beginning: SmallBank) -> None:
    bank = beginning
    bank.do("deposit", member="M0002", amount="50.00")
    bank.go_to("2026-04-01")
    hers: dict[str, Any] = {"operation": bank.do("deposit", member="M0001", amount="7.00").number}
    wrong: dict[str, Any] = {"wrong_account": "M0001", "right_account": "M0002", "reason": "typed for M0001"}
    done = bank.do("correct", **hers, **wrong)
    assert (last(bank)[0], last(bank, "M0002")[0]) == ("2026-03-03", "2026-04-01")
    bank.do("reverse", operation=done.number, reason="it was hers")
    assert (last(bank)[0], last(bank, "M0002")[0]) == ("2026-04-01", "2026-03-03")
    done = bank.do("correct", **hers, **wrong)
    bank.go_to("2026-04-08")
    back: dict[str, Any] = {"wrong_account": "M0002", "right_account": "M0001", "reason": "it was hers"}
    bank.agreed("correct", operation=done.number, **back)
    assert (last(bank)[0], last(bank, "M0002")[0]) == ("2026-04-01", "2026-03-03")


def test_what_happened_to_a_member_is_no_sign_when_it_is_put_right(beginning: SmallBank) -> None:
    bank = beginning
    bank.do("open-savings", member="M0001", annual_rate="5")
    bank.do("deposit", member="M0001", account="M0001-2", amount="90.00")
    bank.go_to("2026-04-01")
    credited = bank.agreed("credit-interest", by=bank.tom, approver=bank.sue, quarter="2026-Q1")
    slip: dict[str, Any] = {"wrong_account": "M0001-2", "right_account": "M0002", "reason": "hers"}
    bank.agreed("correct", by=bank.ana, operation=credited.number, **slip)
    assert (last(bank)[0], last(bank, "M0002")[0]) == ("2026-03-03", "2026-03-02")
    bought = bank.do("buy-shares", member="M0002", amount="25.00")  # the first there: it opens the account
    assert last(bank, "M0002")[0] == "2026-04-01"
    bank.do("reverse", operation=bought.number, reason="another member")
    assert last(bank, "M0002")[0] == "2026-03-02"


def borrow(bank: SmallBank) -> str:
    terms: dict[str, Any] = {"principal": "100.00", "annual_rate": "6", "installments": 12}
    loan: str = bank.agreed("grant-loan", member="M0001", **terms).created[0]
    bank.do("disburse-loan", by=bank.tom, loan=loan)
    return loan


def test_what_was_taken_over_is_silent_from_its_day_unless_more_is_known(engine_url: str) -> None:
    with new_bank(engine_url) as bank:
        bank.admit("Old Member")
        lines = ["GEN 905/M0001 Cr 90.00", "GEN 741 Dr 90.00"]
        bank.agreed("opening-balance", by=bank.tom, approver=bank.sue, lines=lines)
        assert last(bank) == ("2026-03-02", {"905/M0001": "2026-03-02"})
        bank.do("found-again", member="M0001", how="The old book says so", on="2022-05-01")
        assert last(bank) == ("2022-05-01", {"905/M0001": "2022-05-01"})
        assert_books(bank)


def test_the_way_to_the_state(beginning: SmallBank) -> None:
    bank = beginning
    done = set_apart(bank)
    assert posted(done) == [entry("GEN 901/M0001 Dr 25.00", "GEN 905/M0001 Dr 100.00", "GEN 893/M0001 Cr 125.00")]
    assert done.created == ("UP-00001",)
    paid = bank.agreed("pay-unclaimed", by=bank.tom, approver=bank.sue, report="MS-2031-7", tender="transfer")
    assert posted(paid) == [
        entry("GEN 893/M0001 Dr 125.00", "GEN 729 Cr 125.00", "POOL 879/GEN Dr 125.00", "POOL 731/FIRST Cr 125.00")
    ]
    with bank.read() as books:
        body = books.get(records.Unclaimed, "UP-00001")
        assert (body.state, body.paid_on, body.report, body.last_contact) == (
            "paid", "2031-03-03", "MS-2031-7", "2026-03-03",
        )  # fmt: skip
    refused(bank, WrongState, "pay-unclaimed", bank.tom, report="MS-2031-8")
    bank.do("change-member", member="M0001", status="left")


def test_shares_that_wait_to_be_paid_go_to_the_state_whole(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "book.db")) as bank:
        begin(bank)
        bank.do("buy-shares", member="M0001", amount="25.00")
        bank.agreed("accept-redemption", member="M0001", amount="25.00")
        done = set_apart(bank)
        assert posted(done) == [entry("GEN 825/M0001 Dr 25.00", "GEN 905/M0001 Dr 100.00", "GEN 893/M0001 Cr 125.00")]
        assert_books(bank)
        bank.agreed("reverse", by=bank.tom, approver=bank.sue, operation=done.number, reason="she came")
        assert_books(bank)
        bank.do("pay-redemption", redemption="RD-00001")


def test_what_stands_before_it(beginning: SmallBank) -> None:
    bank = beginning
    no: Any = lambda says: refused(  # noqa: E731
        bank, WrongState, "turn-over-unclaimed", bank.tom, field="member", says=says, member="M0001"
    )
    refused(bank, WrongState, "send-due-diligence", says="2027-03-03", member="M0001")
    no("2031-03-03")
    bank.go_to("2031-03-03")
    no("No notice was sent")
    bank.do("send-due-diligence", member="M0001")
    refused(bank, AlreadyExists, "send-due-diligence", field="member", member="M0001")
    no("2031-05-02")
    bank.go_to("2031-05-01")
    bank.do("found-again", member="M0001", how="She answered the notice")
    bank.go_to("2031-05-02")
    no("Contact with M0001 was had on 2031-05-01")
    bank.go_to("2036-05-01")
    no("No notice was sent")  # the old one was answered
    refused(bank, NotAllowed, "turn-over-unclaimed", member="M0001")
    refused(bank, WrongState, "send-due-diligence", says="nothing here", member="M0002")
    refused(bank, Unknown, "send-due-diligence", member="M0404")
    refused(bank, Unknown, "turn-over-unclaimed", bank.tom, member="M0404")


def test_who_comes_back_before_the_state_has_it_gets_it_back(beginning: SmallBank) -> None:
    bank = beginning
    done = set_apart(bank)
    bank.agreed("reverse", by=bank.tom, approver=bank.sue, operation=done.number, reason="She came by")
    assert (bank.balance("905/M0001"), bank.balance("893/M0001")) == (-100_00, 0)
    refused(bank, WrongState, "pay-unclaimed", bank.tom, report="MS-2031-7")
    bank.do("found-again", member="M0001", how="She came by")
    assert last(bank)[0] == "2031-03-03"


def test_nobody_turns_over_what_is_their_own(counter: SmallBank) -> None:
    bank = counter
    bank.agreed("link-user", by=bank.admin, approver=bank.sue, user="tom", member="M0001")
    bank.go_to("2031-03-03")
    bank.do("send-due-diligence", member="M0001")
    bank.go_to("2031-05-02")
    refused(bank, OwnAccount, "turn-over-unclaimed", bank.tom, member="M0001")


def test_a_policy_may_say_another_number_of_years(counter: SmallBank) -> None:
    bank = counter
    for policy, value in (("unclaimed_years", "3"), ("notice_days", "30")):
        bank.agreed("set-policy", by=bank.tom, approver=bank.sue, policy=policy, value=value)
    bank.go_to("2029-03-02")
    bank.do("send-due-diligence", member="M0001")
    bank.go_to("2029-04-01")
    bank.agreed("turn-over-unclaimed", by=bank.tom, approver=bank.sue, member="M0001")


def test_an_account_that_nobody_set_apart_is_refused(counter: SmallBank) -> None:
    bank = counter
    lines = ["GEN 290 Dr 1.00", "GEN 893/M0001 Cr 1.00"]
    refused(bank, InvalidValue, "journal-entry", bank.tom, memo="x", lines=lines)


def test_what_old_records_had_set_apart_is_paid_too(engine_url: str) -> None:
    with new_bank(engine_url) as bank:
        bank.admit("Old Member")
        lines = ["GEN 893/M0001 Cr 90.00", "GEN 741 Dr 90.00"]
        bank.agreed("opening-balance", by=bank.tom, approver=bank.sue, lines=lines)
        bank.do("receive-gift", by=bank.tom, amount="100.00", donor="x", tender="transfer")
        paid = bank.agreed(
            "pay-unclaimed", by=bank.tom, approver=bank.sue, report="7", member="M0001", tender="transfer"
        )
        assert posted(paid)[0]["GEN", "893/M0001", 90_00] == 1
        assert_books(bank)
