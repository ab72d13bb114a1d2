"""Solidarity grants: given by two others within the caps, receipted, returned, forgotten; and what each refuses."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from coopbank.bank import records
from coopbank.bank.aid_proof import AidProof
from coopbank.bank.books import Actor
from coopbank.bank.operation import Receipt
from coopbank.bank.verify import verify
from coopbank.errors import (
    AlreadyExists,
    InvalidAmount,
    InvalidValue,
    KeysLocked,
    LimitReached,
    NotAllowed,
    OwnAccount,
    Unknown,
    WrongState,
)
from coopbank.ledger.verify import wrong
from coopbank.reports.solidarity import solidarity
from tests.bank.conftest import begin
from tests.bank.support_counter import HOSTILE, entry, posted, refused
from tests.support_bank import PASSPHRASE, SmallBank, assert_books, new_bank

CASE: dict[str, Any] = {
    "recipient": "Rosa Bell", "aid_kind": "telephone", "amount": "150.00", "need": "The telephone is cut off",
    "criteria": "2: without income", "relation": "none", "tender": "transfer", "cheque_number": "1050",
}  # fmt: skip


def fund_it(bank: SmallBank) -> None:
    bank.agreed(
        "open-fund", by=bank.tom, approver=bank.sue, code="SOL", fund_name="Solidarity", fund_class="designated"
    )
    bank.do("receive-gift", by=bank.tom, amount="2000.00", donor="Many", fund="SOL", tender="transfer")


def give(bank: SmallBank, by: Actor | None = None, approver: Actor | None = None, **changes: Any) -> Receipt:
    return bank.agreed("give-aid", by=by or bank.ana, approver=approver or bank.tom, **{**CASE, **changes})


def refuse(bank: SmallBank, error: type[Any], *, by: Actor | None = None, **changes: Any) -> Any:
    field = changes.pop("at", None)
    return refused(bank, error, "give-aid", by or bank.ana, field=field, **{**CASE, **changes})


def kept(bank: SmallBank, ref: str = "S-01") -> records.AidCase:
    with bank.read() as books:
        return books.get(records.AidCase, ref)


@pytest.fixture
def fund(counter: SmallBank) -> SmallBank:
    fund_it(counter)
    return counter


# ------------------------------------------------------------------------------------- a whole life


def test_a_life_on_both_engines(engine_url: str) -> None:
    """Given, receipted, partly returned, forgotten: the books prove themselves at each step."""
    with new_bank(engine_url) as bank:
        begin(bank)
        fund_it(bank)
        given = give(bank, number="S-14")
        assert posted(given) == [entry(
            "GEN 366 Dr 150.00", "GEN 185 Cr 150.00", "SOL 186 Dr 150.00", "SOL 729 Cr 150.00",
            "POOL 879/SOL Dr 150.00", "POOL 731/FIRST Cr 150.00",
        )]  # fmt: skip
        assert given.entries[0].memo == "Case S-14, telephone, 1050"
        bank.do("file-aid-receipt", case="S-14", amount="100.00", receipt="Bill 77 of 4 May", sha256="ab" * 32)
        returned = bank.do("return-aid", by=bank.tom, case="S-14", amount="60.00", why="too much", tender="transfer")
        assert posted(returned) == [entry(
            "GEN 366 Cr 60.00", "GEN 185 Dr 60.00", "SOL 186 Cr 60.00", "SOL 729 Dr 60.00",
            "POOL 879/SOL Cr 60.00", "POOL 731/FIRST Dr 60.00",
        )]  # fmt: skip
        assert (kept(bank, "S-14").returned, kept(bank, "S-14").receipted) == (6000, 9000)
        bank.agreed("forget-case", by=bank.tom, approver=bank.admin, case="S-14", before_time=True)
        with bank.read() as books:
            case = books.get(records.AidCase, "S-14")
            assert books.personal(case.recipient) == books.personal(case.receipts[0]) == "(forgotten)"
            values = books.tx.rows("SELECT value FROM personal WHERE field = 'recipient' AND value IS NOT NULL")
        assert not values, "what was asked for is forgotten too"
        assert_books(bank)


def test_the_sealed_log_names_nobody(fund: SmallBank) -> None:
    give(fund, recipient_member="M0003", recipient="Oto Cole", need="A funeral in the family", aid_kind="funeral")
    fund.do("file-aid-receipt", case="S-01", amount="1.00", receipt="Bell & Sons 12", sha256="cd" * 32)
    with fund.read() as books:
        texts = [text for (text,) in books.tx.rows("SELECT sealed FROM operation WHERE kind <> 'admit-member'")]
        records_ = [text for (text,) in books.tx.rows("SELECT body FROM record")]
    asked = [text for text in texts if "give-aid" in text]
    assert len(asked) >= 2
    for text in [*texts, *records_]:
        assert not any(word in text for word in ("Oto Cole", "A funeral in", "without income", "Bell & Sons", "cdcd"))
    assert all("M0003" not in text for text in asked)


def test_it_is_turned_whole_before_it_is_paid(fund: SmallBank) -> None:
    given = give(fund)
    fund.agreed("reverse", by=fund.tom, approver=fund.sue, operation=given.number, reason="not needed")
    with fund.read() as books:
        assert books.find(records.AidCase, "S-01") is None
        assert books.balance("GEN", "366") == books.balance("SOL", "186") == 0
    give(fund, amount="250.00")


def test_a_gift_that_pays_is_released_and_given_back(fund: SmallBank) -> None:
    fund.do("receive-gift", by=fund.tom, amount="90.00", donor="D", fund="GRT", number="G-90", tender="transfer")
    refuse(fund, WrongState, fund="GRT", at="fund")
    refuse(fund, InvalidValue, fund="SOL", gift="G-90", at="fund", amount="10.00")
    given = give(fund, gift="G-90", amount="90.00")
    assert ("GRT", "186/G-90", 9000) in posted(given)[0]
    fund.do("return-aid", by=fund.tom, case="S-01", amount="40.00", why="half of it", tender="transfer")
    with fund.read() as books:
        assert books.get(records.Gift, "G-90").released == 5000
        assert books.balance("GRT", "186/G-90") == 5000


def test_the_general_fund_gives_without_release(fund: SmallBank) -> None:
    assert posted(give(fund, fund="GEN")) == [entry(
        "GEN 366 Dr 150.00", "GEN 729 Cr 150.00", "POOL 879/GEN Dr 150.00", "POOL 731/FIRST Cr 150.00",
    )]  # fmt: skip


# ------------------------------------------------------------------------------------------ refusals


def test_the_caps(fund: SmallBank) -> None:
    refuse(fund, LimitReached, amount="250.01", at="amount")
    give(fund, amount="250.00")
    give(fund, amount="200.00", recipient="  rosa   BELL ")
    refuse(fund, LimitReached, amount="50.01", recipient="Bell, Rosa", at="amount")
    give(fund, amount="50.01", recipient="Rosa Bella")
    fund.agreed("set-policy", by=fund.tom, approver=fund.admin, policy="solidarity_year", value="600.00")
    give(fund, amount="150.00")
    fund.do("return-aid", by=fund.tom, case="S-01", amount="250.00", why="the biller gave it back", tender="transfer")
    give(fund, amount="250.00")
    refuse(fund, LimitReached, amount="0.01", at="amount")
    fund.go_to("2027-01-04")
    give(fund, amount="250.00")


def test_a_member_is_known_by_number_whatever_the_name(fund: SmallBank) -> None:
    give(fund, amount="250.00", recipient="Oto", recipient_member="M0003")
    give(fund, amount="250.00", recipient="O. Cole", recipient_member="M0003")
    refuse(fund, LimitReached, amount="0.01", recipient="Otto", recipient_member="M0003")
    refuse(fund, Unknown, recipient_member="M0999", at="recipient_member")


def test_neither_recipient_nor_kin_decides(fund: SmallBank) -> None:
    fund.agreed("link-user", by=fund.admin, user="ana", member="M0001")
    fund.do("declare-relative", by=fund.admin, user="tom", relative="M0002")
    ana, tom = Actor("ana", ("loan-officer", "teller"), "M0001"), Actor("tom", ("treasurer",), None, ("M0002",))
    refuse(fund, OwnAccount, by=ana, recipient_member="M0001", resolution="A-3")
    refuse(fund, OwnAccount, by=tom, recipient_member="M0002", resolution="A-3")
    refuse(fund, OwnAccount, by=ana, recipient="ana REYES", at="recipient")
    asked = fund.ask("give-aid", by=ana, **{**CASE, "recipient_member": "M0002", "resolution": "A-3"})
    with pytest.raises(OwnAccount):
        fund.do("approve", by=tom, request=asked.request)
    asked = fund.ask("give-aid", by=ana, **{**CASE, "recipient": "Tom Okafor"})
    with pytest.raises(OwnAccount):
        fund.do("approve", by=tom, request=asked.request)


def test_an_officials_household_takes_the_assembly(fund: SmallBank) -> None:
    fund.do("declare-relative", by=fund.admin, user="sue", relative="M0002")
    refuse(fund, NotAllowed, recipient_member="M0002", at="resolution")
    refuse(fund, NotAllowed, official=True, at="resolution")
    give(fund, official=True, resolution="Assembly of 1 March, 4")


def test_the_care_committee_decides(fund: SmallBank) -> None:
    refused(fund, Unknown, "set-policy", fund.tom, policy="care_committee", value="ana, zoe")
    fund.agreed("set-policy", by=fund.tom, approver=fund.admin, policy="care_committee", value="ana admin")
    refuse(fund, NotAllowed, by=fund.tom, at="recipient")
    asked = fund.ask("give-aid", by=fund.ana, **CASE)
    with pytest.raises(NotAllowed):
        fund.do("approve", by=fund.tom, request=asked.request)
    fund.do("approve", by=fund.admin, request=asked.request)


def test_the_fund_gives_what_it_has(fund: SmallBank) -> None:
    refuse(fund, Unknown, fund="NONE", at="fund")
    refuse(fund, InvalidValue, fund="RLF", at="fund")
    refuse(fund, InvalidValue, fund="POOL", at="fund")
    fund.agreed("open-fund", by=fund.tom, approver=fund.sue, code="POOR", fund_name="Poor", fund_class="designated")
    with pytest.raises(Exception, match="POOR"):
        fund.ask("give-aid", fund.ana, **{**CASE, "fund": "POOR"})
    give(fund, number="S-01")
    refuse(fund, AlreadyExists, number="S-01", at="number", recipient="Another")


def test_receipts_returns_and_forgetting_refuse(fund: SmallBank) -> None:
    give(fund)
    receipt: dict[str, Any] = {"case": "S-01", "receipt": "Bill 7"}
    refused(fund, InvalidAmount, "file-aid-receipt", field="amount", amount="150.01", **receipt)
    refused(fund, InvalidValue, "file-aid-receipt", field="sha256", amount="1.00", sha256="xyz", **receipt)
    fund.do("file-aid-receipt", amount="1.00", sha256="ab" * 32, **receipt)
    refused(fund, AlreadyExists, "file-aid-receipt", field="sha256", amount="1.00", sha256="AB" * 32, **receipt)
    refused(fund, Unknown, "file-aid-receipt", field="case", amount="1.00", case="S-77", receipt="x")
    back: dict[str, Any] = {"by": fund.tom, "case": "S-01", "why": "x", "tender": "transfer"}
    refused(fund, InvalidAmount, "return-aid", field="amount", amount="150.01", **back)
    refused(fund, Unknown, "return-aid", field="case", amount="1.00", **{**back, "case": "S-77"})
    refused(fund, WrongState, "forget-case", fund.tom, field="case", case="S-01")
    fund.agreed("forget-case", by=fund.tom, approver=fund.admin, case="S-01", before_time=True)
    refused(fund, WrongState, "forget-case", fund.tom, field="case", case="S-01", before_time=True)


def test_a_member_who_is_forgotten_takes_their_cases_along(fund: SmallBank) -> None:
    give(fund, recipient_member="M0003", recipient="Oto Cole")
    fund.do("change-member", member="M0003", status="left")
    fund.agreed("forget-member", by=fund.admin, approver=fund.tom, member="M0003", before_time=True)
    with fund.read() as books:
        assert books.personal(books.get(records.AidCase, "S-01").need) == "(forgotten)"


def values(bank: SmallBank, *fields: str) -> list[str | None]:
    """What is kept of some fields of requests and cases, in the order in which it was typed."""
    with bank.read() as books:
        marks = ", ".join("?" * len(fields))
        return [value for (value,) in books.tx.rows(
            f"SELECT value FROM personal WHERE field IN ({marks}) ORDER BY operation_id, field", *fields
        )]  # fmt: skip


def test_refused_aid_is_forgotten(fund: SmallBank) -> None:
    """Nobody got anything, and still it stands in the books who asked and why, until two people erase it."""
    refused_one = fund.ask("give-aid", fund.ana, **CASE).request
    waiting = fund.ask("give-aid", fund.ana, **(CASE | {"recipient": "Lou Bell"})).request
    fund.do("refuse", fund.tom, request=refused_one, why="another fund helps")
    forget: dict[str, Any] = {"request": refused_one}
    refused(fund, WrongState, "forget-request", fund.admin, field="request", says="kept until 2031", **forget)
    refused(fund, WrongState, "forget-request", fund.admin, field="request", says="waiting", request=waiting)
    refused(fund, Unknown, "forget-request", fund.admin, field="request", request="R-99999")
    fund.agreed("forget-request", fund.admin, fund.tom, before_time=True, **forget)
    assert values(fund, "recipient", "need") == [None, None, CASE["need"], "Lou Bell"]
    refused(fund, WrongState, "forget-request", fund.admin, says="was forgotten", before_time=True, **forget)
    fund.do("take-back", fund.ana, request=waiting)
    fund.agreed("forget-request", fund.admin, fund.tom, before_time=True, request=waiting)
    assert set(values(fund, "recipient", "need", "criteria", "relation")) == {None}
    nobody = fund.ask("set-policy", fund.tom, policy="paper", value="A4").request
    fund.do("refuse", fund.sue, request=nobody, why="letter")
    refused(fund, WrongState, "forget-request", fund.admin, says="names nobody", before_time=True, request=nobody)


def test_what_was_given_is_not_forgotten_as_a_request(fund: SmallBank) -> None:
    done = fund.ask("give-aid", fund.ana, **CASE).request
    fund.do("approve", fund.tom, request=done)
    refused(fund, WrongState, "forget-request", fund.admin, says="approved", before_time=True, request=done)


def test_a_member_takes_refused_requests_and_cases_taken_back_along(fund: SmallBank) -> None:
    asked = fund.ask("give-aid", fund.ana, **CASE, recipient_member="M0003").request
    leave: dict[str, Any] = {"member": "M0003", "before_time": True}
    given = give(fund, recipient="Oto Cole", recipient_member="M0003")
    fund.agreed("reverse", fund.tom, fund.sue, operation=given.number, reason="typed wrong")
    fund.do("change-member", member="M0003", status="left")
    refused(fund, WrongState, "forget-member", fund.admin, says=str(asked), **leave)
    fund.do("refuse", fund.tom, request=asked, why="x")
    fund.agreed("forget-member", fund.admin, fund.tom, **leave)
    assert set(values(fund, "recipient", "need", "criteria", "relation", "recipient_member")) == {None}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text(fund: SmallBank, text: str) -> None:
    give(fund, recipient=text[:200], need=text[:200], relation=text[:200])
    with fund.read() as books:
        assert books.personal(kept(fund).need) == text.strip()


# ------------------------------------------------------------------------------------- restricted


def test_with_a_key_the_cases_are_encrypted(tmp_path: Path) -> None:
    """What is kept of a case can be read only by who signs in with a passphrase that opens the book's key."""
    with new_bank(str(tmp_path / "book.db")) as bank:
        begin(bank)
        fund_it(bank)
        for user in (bank.admin, bank.ana):
            bank.bank.set_passphrase(bank.admin if user is bank.admin else user, user.user, PASSPHRASE)
        bank.bank.sign_in("admin", PASSPHRASE)
        bank.bank.make_keys(bank.admin, PASSPHRASE)
        give(bank)
        with bank.read() as books:
            assert books.personal(kept(bank).recipient) == "Rosa Bell"
            stored = books.tx.rows("SELECT value FROM personal WHERE field IN ('recipient', 'need')")
        assert stored and all(value.startswith("sealed:1:") for (value,) in stored)
        waiting = bank.ask("give-aid", by=bank.ana, **{**CASE, "amount": "20.00"})
        with pytest.MonkeyPatch.context() as patch:
            caps = {"solidarity_year": 1, "solidarity_case": 10**9}
            patch.setattr(AidProof, "_cap", staticmethod(lambda _state, policy, _default: caps[policy]))
            assert "its recipient" in str(wrong(verify(bank.bank.database, keys=bank.bank.keys))), "read with the key"
            assert not wrong(verify(bank.bank.database)), "without it nobody knows whose cap it is"
        bank.bank.keys = None
        with bank.read() as books:
            assert books.personal(kept(bank).need) == "(locked)"
        with pytest.raises(KeysLocked):
            bank.do("approve", by=bank.tom, request=waiting.request)
        refused(bank, KeysLocked, "give-aid", bank.ana, field="recipient", **CASE)
        assert not wrong(verify(bank.bank.database))


def test_a_returned_grant_by_a_cheque_that_bounces(fund: SmallBank) -> None:
    give(fund)
    fund.do("open-drawer", by=fund.tom, drawer="D2")
    back = fund.do("return-aid", by=fund.tom, case="S-01", amount="60.00", why="x", tender="cheque", cheque_number="7")
    cheque = next(ref for ref in back.created if ref.startswith("CH-"))
    fund.do("bank-cheques", by=fund.tom, cheques=[cheque])
    fund.do("return-cheque", by=fund.tom, cheque=cheque)
    assert kept(fund).returned == 0
    with fund.read() as books:
        assert books.balance("GEN", "366") == 15000


def test_verify_sees_a_case_that_is_not_what_its_entry_gave(fund: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    give(fund)
    with monkeypatch.context() as patch:
        patch.setattr(AidProof, "_moved", lambda _self, _ref, body: body["amount"] - 1)
        assert {each.check for each in wrong(verify(fund.bank.database))} == {"solidarity"}
    with fund.bank.database.write() as tx:  # whoever it was for, as somebody might have typed it into the file
        tx.run("UPDATE personal SET value = 'nobody' WHERE field = 'recipient'")
    assert "personal" in {each.check for each in wrong(verify(fund.bank.database))}
    with fund.bank.database.write() as tx:
        tx.run("UPDATE personal SET value = 'Rosa Bell' WHERE field = 'recipient'")


# -------------------------------------------------------------------------------------- the report


def test_the_report_names_nobody_and_puts_what_is_rare_together(fund: SmallBank) -> None:
    fund.agreed("set-policy", by=fund.tom, approver=fund.admin, policy="solidarity_year", value="900.00")
    for number in range(3):
        give(fund, amount="10.00", recipient=f"Person {number}", recipient_member="M0003" if number else None)
    give(fund, amount="50.00", aid_kind="funeral", recipient="Person 9")
    fund.do("file-aid-receipt", case="S-04", amount="50.00", receipt="Bill 7")
    fund.do("return-aid", by=fund.tom, case="S-01", amount="4.00", why="too much", tender="transfer")
    with fund.read() as books:
        told = solidarity(books, date(2026, 1, 1), date(2026, 12, 31))
        assert not solidarity(books, date(2026, 3, 4), date(2026, 12, 31)).cases
    assert [(row.aid_kind, row.cases, row.amount) for row in told.kinds] == [("telephone", 3, 2600), ("other", 1, 5000)]
    assert (told.given, told.returned, told.without_receipt) == (8000, 400, 2600)
    assert "Person" not in str(told) and "M0003" not in str(told)


def test_what_comes_back_later_changes_no_report_of_the_past(fund: SmallBank) -> None:
    """The assembly was told what was given in March; what came back in April it was not told again as less."""
    give(fund, amount="10.00")
    march = date(2026, 3, 1), date(2026, 3, 31)
    with fund.read() as books:
        told = solidarity(books, *march)
    fund.go_to("2026-04-01")
    fund.do("return-aid", by=fund.tom, case="S-01", amount="4.00", why="too much", tender="transfer")
    fund.do("file-aid-receipt", case="S-01", amount="6.00", receipt="Bill 7")
    with fund.read() as books:
        again = solidarity(books, *march)
        assert (again.cases, again.kinds, again.returned) == (told.cases, told.kinds, told.returned)
        assert solidarity(books, march[0], date(2026, 4, 1)).returned == 400
