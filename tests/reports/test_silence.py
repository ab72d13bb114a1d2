"""Dormant accounts and unclaimed property: whose money is listed, since when, and what goes into one sum."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from coopbank.reports.card import CardOwner, member_card
from coopbank.reports.document import as_document
from coopbank.reports.silence import dormant, unclaimed
from tests.support_bank import SmallBank, assert_books, new_bank


@pytest.fixture
def quiet(engine_url: str) -> Iterator[SmallBank]:
    """M0001 is silent from 3 March 2026 on, M0002 has little, M0003 comes every year."""
    with new_bank(engine_url) as bank:
        for name in ("Mia Lee", "Noa Banks", "Oto Cole"):
            bank.do("open-savings", member=bank.admit(name, address=f"{name[0]} Street 1"), annual_rate="2")
        bank.do("deposit", member="M0001", amount="900.00")
        bank.go_to("2026-03-03")
        bank.do("buy-shares", member="M0001", amount="25.00")
        bank.do("deposit", member="M0002", amount="40.00")
        bank.do("deposit", member="M0003", amount="70.00")
        bank.go_to("2027-03-02")
        yield bank
        assert_books(bank)


def test_dormant_after_twelve_months_without_an_act_of_the_member(quiet: SmallBank) -> None:
    bank = quiet
    with bank.read() as books:
        found = dormant(books)
        assert [(line.account, line.last_activity, line.months) for line in found.accounts] == [
            ("905/M0001", date(2026, 3, 2), 12)
        ]
        assert found.accounts[0].last_contact == date(2026, 3, 3)
        before = dormant(books, date(2027, 3, 1))
        assert (before.as_of, before.months, before.accounts) == (date(2027, 3, 1), 12, ())
    bank.do("deposit", member="M0003", amount="1.00")
    bank.go_to("2027-03-03")
    bank.agreed("credit-interest", by=bank.tom, approver=bank.sue, quarter="2026-Q1")  # nobody did that
    bank.do("lost-contact", member="M0002")
    bank.do("record-death", member="M0001", died_on="2027-02-01", evidence="4711")
    with bank.read() as books:
        found = dormant(books)
        lines = [(line.member, line.account, line.months, line.lost_since, line.died_on) for line in found.accounts]
        assert lines == [
            ("M0001", "905/M0001", 12, None, "2027-02-01"), ("M0001", "901/M0001", 12, None, "2027-02-01"),
            ("M0002", "905/M0002", 12, "2027-03-03", None),
        ]  # fmt: skip
        assert found.total == sum(line.balance for line in found.accounts)
        assert as_document(found)["accounts"][1]["balance"] == "25.00"
        before = dormant(books, date(2027, 3, 2)).accounts  # nobody knew of a death then
        assert [(line.member, line.died_on) for line in before] == [("M0001", None)]
        past = dormant(books, date(2028, 3, 1)).accounts  # as far as is known now
        assert {line.member for line in past} == {"M0001", "M0002"}


def test_contact_that_was_had_later_hides_none_that_was_had_before(quiet: SmallBank) -> None:
    bank = quiet
    bank.do("found-again", member="M0002", how="she wrote")
    bank.do("lost-contact", member="M0001")
    bank.go_to("2027-09-01")
    bank.do("found-again", member="M0002", how="she called")
    bank.do("found-again", member="M0001", how="he came by")
    with bank.read() as books:
        contact = {
            line.member: (line.last_contact, line.lost_since) for line in dormant(books, date(2027, 8, 31)).accounts
        }
        assert contact["M0002"] == (date(2027, 3, 2), None)
        assert contact["M0001"] == (date(2026, 3, 3), "2027-03-02")
        now = {line.member: (line.last_contact, line.lost_since) for line in dormant(books).accounts}
        assert now["M0002"] == now["M0001"] == (date(2027, 9, 1), None)


def test_unclaimed_after_five_years_small_amounts_in_one_sum(quiet: SmallBank) -> None:
    bank = quiet
    bank.do("deposit", member="M0003", amount="1.00")
    bank.go_to("2031-03-03")
    bank.do("send-due-diligence", member="M0001")
    with bank.read() as books:
        assert unclaimed(books, date(2031, 3, 2)).owners == ()
        found = unclaimed(books)
    assert [(o.member, o.total, o.together, o.noticed_on, o.ready_on) for o in found.owners] == [
        ("M0001", 925_00, False, "2031-03-03", date(2031, 5, 2)), ("M0002", 40_00, True, None, None),
    ]  # fmt: skip
    assert found.owners[0].accounts == {"GEN 901/M0001": 25_00, "GEN 905/M0001": 900_00}
    assert (found.owners[0].address, found.owners[0].last_contact) == ("M Street 1", date(2026, 3, 3))
    assert (found.named, found.together, found.together_count, found.total) == (925_00, 40_00, 1, 965_00)
    bank.go_to("2031-05-02")
    bank.agreed("turn-over-unclaimed", by=bank.tom, approver=bank.sue, member="M0001")
    with bank.read() as books:
        found = unclaimed(books)
        assert [(a.ref, a.member, a.total) for a in found.set_apart] == [("UP-00001", "M0001", 925_00)]
        assert (found.set_apart_total, [o.member for o in found.owners]) == (925_00, ["M0002"])
        assert as_document(found)["owners"][0]["accounts"] == {"GEN 905/M0002": "40.00"}


def test_the_card_says_who_stands_beside_a_member_and_what_became_of_them(quiet: SmallBank) -> None:
    bank = quiet
    bank.do("add-joint-owner", member="M0001", person="M0003", account="M0001")
    bank.do("add-joint-owner", member="M0001", role="beneficiary", person_name="Kit [b]Lee[/b]")
    gone = bank.do("add-joint-owner", member="M0001", role="authorised-signer", person_name="Iris").created[0]
    bank.agreed("remove-joint-owner", person=gone)
    bank.do("lost-contact", member="M0001", lost_on="2027-03-01")
    with bank.read() as books:
        card = member_card(books, "M0001")
        assert card.owners == (
            CardOwner("J-00001", "joint-owner", "Oto Cole", "M0003", "M0001"),
            CardOwner("J-00002", "beneficiary", "Kit [b]Lee[/b]", None, ""),
        )
        assert (card.lost_since, card.died_on, card.forgotten_on) == (date(2027, 3, 1), None, None)
    bank.do("record-death", member="M0001", died_on="2027-02-01", evidence="4711")
    with bank.read() as books:
        assert member_card(books, "M0001").died_on == date(2027, 2, 1)
