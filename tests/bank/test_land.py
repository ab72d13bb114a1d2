"""The land trust, dues and the campaign guard: what is posted line for line, what is undone, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.bank import commons_proof, records
from coopbank.bank.institution_registers import entries_of
from coopbank.bank.operation import CHARITY
from coopbank.bank.verify import verify
from coopbank.errors import (
    AlreadyExists,
    CannotReverse,
    InvalidAmount,
    InvalidDate,
    InvalidValue,
    NeedsResolution,
    NotAllowed,
    NotOffered,
    Overdrawn,
    OwnAccount,
    Unknown,
    WrongState,
)
from coopbank.finance.resale import resale
from coopbank.ledger.verify import wrong
from tests.bank.conftest import begin
from tests.bank.support_counter import entry, posted, refused
from tests.support_bank import SmallBank, assert_books, new_bank

PARCEL: dict[str, Any] = {
    "parcel": "P-057", "price": "9000.00", "closing_costs": "300.00", "use": "housing", "resolution": "R-27",
    "deed": "7/57", "tender": "transfer",
}  # fmt: skip
WORK: dict[str, Any] = {
    "building": "B-1", "hours": "40", "hourly": "25.00", "work": "carpentry", "source": "wage survey",
}  # fmt: skip


def trust_of(bank: SmallBank) -> None:
    begin(bank)
    bank.agreed("open-fund", by=bank.tom, approver=bank.sue, code="CLT", fund_name="Land", fund_class="designated")
    bank.do("receive-gift", by=bank.tom, amount="9900.00", donor="Many", fund="CLT", tender="transfer")
    for code in ("PARCELS", "LEASES", "COOPS"):
        bank.agreed("define-register", by=bank.tom, approver=bank.sue, template=code)


@pytest.fixture
def trust(tmp_path: Any) -> Iterator[SmallBank]:
    with new_bank(str(tmp_path / "trust.db")) as bank:
        trust_of(bank)
        yield bank
        assert_books(bank)


def buy(bank: SmallBank, **changes: Any) -> Any:
    return bank.agreed("buy-parcel", by=bank.tom, approver=bank.sue, **{**PARCEL, **changes})


def lease(bank: SmallBank, parcel: str = "PARCELS-00001") -> str:
    values = {"parcel": parcel, "member": "M0003", "begins": "2026-02-01", "ends": "2027-01-31",
              "rent": "70.00", "formula": "cost and half of the rise"}  # fmt: skip
    return bank.do("add-entry", register_code="LEASES", values=values).created[0]


def test_a_life_on_both_engines(engine_url: str) -> None:
    with new_bank(engine_url) as bank:
        trust_of(bank)
        assert posted(buy(bank)) == [entry(
            "CLT 771/P-057 Dr 9300.00", "CLT 729 Cr 9300.00", "POOL 879/CLT Dr 9300.00", "POOL 731/FIRST Cr 9300.00",
        )]  # fmt: skip
        work = bank.agreed("recognise-donated-work", by=bank.tom, approver=bank.sue, **WORK)
        assert posted(work) == [entry("CLT 772/B-1 Dr 1000.00", "CLT 182 Cr 1000.00")]
        ref = lease(bank)
        rent = bank.do("receive-ground-rent", lease=ref, month="2026-03", amount="40.00", tender="transfer")
        assert ("CLT", f"151/{ref}", -4000) in posted(rent)[0]
        bank.do("receive-ground-rent", lease=ref, month="2026-03", amount="30.00")
        bill = bank.do("bill-dues", by=bank.tom, member="M0002", year=2026, amount="120.00")
        assert posted(bill) == [entry("GEN 791/DU-001 Dr 120.00", "GEN 131 Cr 120.00")]
        bank.do("receive-dues", dues="DU-001", amount="20.00")
        assert bank.balance("791/DU-001") == 10000
        assert_books(bank)


def test_a_parcel_is_turned_back_whole_and_bought_again(trust: SmallBank) -> None:
    bought = buy(trust)
    refused(trust, WrongState, "change-entry", trust.tom, field="values.price", entry="PARCELS-00001",
            values=["price: 1.00"], why="x")  # fmt: skip
    refused(
        trust, WrongState, "close-entry", trust.tom, field="mistaken", entry="PARCELS-00001", mistaken=True, why="x"
    )
    trust.do("change-entry", by=trust.tom, entry="PARCELS-00001", values=["place: 12 Oak Street"], why="known now")
    with pytest.raises(CannotReverse):
        trust.agreed("reverse", by=trust.tom, approver=trust.sue, operation=bought.number, reason="x")
    second = buy(trust, parcel="P-058", price="100.00")
    ref = lease(trust, parcel="PARCELS-00002")
    refused(trust, CannotReverse, "reverse", trust.tom, says=f"PARCELS-00002: {ref}", operation=second.number,
            reason="x")  # fmt: skip
    trust.agreed("close-entry", by=trust.tom, approver=trust.sue, entry=ref, mistaken=True, why="no such land")
    trust.agreed("reverse", by=trust.tom, approver=trust.sue, operation=second.number, reason="not recorded")
    with trust.read() as books:
        assert [ref for ref, _body in entries_of(books, "PARCELS")] == ["PARCELS-00001"]
    buy(trust, parcel="P-058", price="100.00")


# ------------------------------------------------------------------------------------------------ a parcel goes


def meeting_of(bank: SmallBank, form: str) -> str:
    """A meeting of all members, or of a council of two, called today for ten days later."""
    body = form.upper()
    bank.agreed("set-body", by=bank.admin, approver=bank.tom, body=body, body_name="All", form=form)
    for member in ("M0001", "M0002") if form == "council" else ():
        seat = {"body": body, "member": member, "until": "2028-03-03"}
        bank.agreed("seat-member", by=bank.tom, approver=bank.sue, **seat)
    called = bank.do("call-meeting", by=bank.sue, body=body, on="2026-03-13", notice_sent_on="2026-03-03")
    return str(called.created[0])


def resolved(bank: SmallBank) -> str:
    """A resolution on the parcel that the assembly carried, ten days later."""
    meeting = meeting_of(bank, "assembly")
    bank.go_to("2026-03-13")
    return carried(bank, meeting)


def carried(bank: SmallBank, meeting: str, **values: Any) -> str:
    moved = {"matter": "other", "text": "P-057 goes to the school", "about": "PARCELS-00001", **values}
    moved = {name: value for name, value in moved.items() if value is not None}
    ref = str(bank.do("propose-resolution", by=bank.sue, meeting=meeting, **moved).created[0])
    for member in ("M0001", "M0002"):
        bank.do("record-vote", by=bank.sue, resolution=ref, member=member, vote="for")
    bank.agreed("close-vote", by=bank.sue, approver=bank.admin, resolution=ref)
    return ref


SALE: dict[str, Any] = {
    "parcel": "PARCELS-00001", "price": "11000.00", "buildings": ["B-1"], "deed": "9/12", "why": "to the school",
    "tender": "transfer",
}  # fmt: skip


def test_a_parcel_goes_with_its_building_by_the_assembly(engine_url: str) -> None:
    with new_bank(engine_url) as bank:
        trust_of(bank)
        bought = buy(bank, covenant="homes for ever")
        bank.agreed("recognise-donated-work", by=bank.tom, approver=bank.sue, **WORK)
        ref = lease(bank)
        refused(bank, NeedsResolution, "dispose-parcel", bank.tom, field="resolution", resolution="R-27", **SALE)
        sale = {**SALE, "resolution": resolved(bank)}
        bank.do("change-entry", by=bank.tom, entry="PARCELS-00001", values=["covenant:"], why="taken out, for nothing")
        refused(bank, WrongState, "dispose-parcel", bank.tom, field="covenant_kept", says="community use", **sale)
        sale["covenant_kept"] = True
        refused(bank, WrongState, "dispose-parcel", bank.tom, field="parcel", says=ref, **sale)
        bank.do("close-entry", entry=ref, why="the buyer takes it over")
        done = bank.agreed("dispose-parcel", by=bank.tom, approver=bank.sue, **sale)
        assert posted(done) == [entry(
            "CLT 771/P-057 Cr 9300.00", "CLT 772/B-1 Cr 1000.00", "CLT 151 Cr 700.00", "CLT 729 Dr 11000.00",
            "POOL 879/CLT Cr 11000.00", "POOL 731/FIRST Dr 11000.00",
        )]  # fmt: skip
        assert_books(bank)
        again = {**sale, "resolution": sale["resolution"]}
        refused(bank, NeedsResolution, "dispose-parcel", bank.tom, says="used already", **again)
        refused(bank, WrongState, "recognise-donated-work", bank.tom, field="building", **WORK)
        bank.do("change-entry", entry=ref, by=bank.tom, values=["rent: 60.00"], why="x")  # that opens it again
        rent = {"lease": ref, "month": "2026-03", "amount": "1.00"}
        refused(bank, WrongState, "receive-ground-rent", field="lease", says="disposed of", **rent)
        with pytest.raises(CannotReverse):
            bank.agreed("reverse", by=bank.tom, approver=bank.sue, operation=bought.number, reason="x")
        bank.agreed("reverse", by=bank.tom, approver=bank.sue, operation=done.number, reason="the buyer withdrew")
        assert (bank.balance("771/P-057", "CLT"), bank.balance("772/B-1", "CLT")) == (9300_00, 1000_00)
        assert_books(bank)
        bank.do("close-entry", entry=ref, by=bank.tom, why="over")
        alone = bank.agreed("dispose-parcel", by=bank.tom, approver=bank.sue, **{**sale, "buildings": []})
        assert_books(bank)
        bank.agreed("reverse", by=bank.tom, approver=bank.sue, operation=alone.number, reason="the house goes too")
        assert_books(bank)


def test_a_parcel_that_is_given_away_and_bought_again(trust: SmallBank) -> None:
    buy(trust)
    gift = {**SALE, "price": "0.00", "buildings": [], "resolution": resolved(trust)}
    done = trust.agreed("dispose-parcel", by=trust.tom, approver=trust.sue, **gift)
    assert posted(done) == [entry("CLT 771/P-057 Cr 9300.00", "CLT 370 Dr 9300.00")]
    refused(trust, WrongState, "dispose-parcel", trust.tom, field="parcel", **{**gift, "resolution": "R-1"})
    trust.do("change-entry", entry="PARCELS-00001", by=trust.tom, values=["place: 12 Oak Street"], why="x")
    with trust.read() as books:
        assert books.get(records.RegisterEntry, "PARCELS-00001").state == "closed"
    again = buy(trust, price="100.00", closing_costs="0.00")
    back = {"operation": done.number, "reason": "they gave it back"}
    refused(trust, CannotReverse, "reverse", trust.tom, says="PARCELS-00002", field="operation", **back)
    trust.agreed("reverse", by=trust.tom, approver=trust.sue, operation=again.number, reason="there was no deed")
    refused(trust, CannotReverse, "reverse", trust.tom, says="Change an entry of a register", field="operation", **back)


def test_a_disposal_refuses(trust: SmallBank) -> None:
    buy(trust)
    trust.agreed("recognise-donated-work", by=trust.tom, approver=trust.sue, **WORK)
    council = meeting_of(trust, "council")
    tom, sale = trust.tom, {**SALE, "resolution": resolved(trust)}
    trust.do("add-entry", register_code="PARCELS", values={
        "parcel": "P-1", "use": "open", "bought_on": "1999-01-01", "price": "1.00", "fund": "CLT",
    }, by=tom)  # fmt: skip
    for refusal, field, changes in (
        (InvalidValue, "parcel", {"parcel": "PARCELS-00002"}), (Unknown, "parcel", {"parcel": "PARCELS-00009"}),
        (InvalidValue, "buildings", {"buildings": ["B-1", "B-1"]}), (Overdrawn, "buildings", {"buildings": ["B-2"]}),
        (InvalidValue, "deed", {"deed": ""}),
    ):  # fmt: skip
        by_words = {"resolution": "R-27"} if field == "parcel" else {}
        refused(trust, refusal, "dispose-parcel", tom, field=field, **{**sale, **by_words, **changes})
    refused(trust, NotAllowed, "dispose-parcel", trust.ana, **sale)
    with trust.read() as books:
        meeting = max(ref for ref, _meeting in books.every(records.Meeting))
    sale["buildings"], sale["resolution"] = [], carried(trust, meeting, about="P-057")
    refused(trust, NeedsResolution, "dispose-parcel", tom, says="about P-057", **sale)
    sale["resolution"] = carried(trust, meeting, about=None)
    refused(trust, NeedsResolution, "dispose-parcel", tom, says="does not name", **sale)
    sale["resolution"] = carried(trust, council)
    refused(trust, NeedsResolution, "dispose-parcel", tom, says="assembly", **sale)


def test_land_money_buys_the_land_that_it_was_given_for(trust: SmallBank) -> None:
    trust.agreed("open-fund", by=trust.tom, approver=trust.sue, code="CAMP", fund_name="C", fund_class="restricted")
    trust.do("receive-gift", by=trust.tom, amount="900.00", donor="D", fund="CAMP", number="G-80", land_use="farm",
             tender="transfer")  # fmt: skip
    plan: dict[str, Any] = {**PARCEL, "price": "800.00", "closing_costs": "0.00", "fund": "CAMP"}
    refused(trust, WrongState, "buy-parcel", trust.tom, field="gift", **plan)
    refused(trust, WrongState, "buy-parcel", trust.tom, field="gift", **plan, gift="G-80")
    refused(trust, InvalidValue, "buy-parcel", trust.tom, field="fund", **{**plan, "fund": "CLT"}, gift="G-80")
    refused(trust, Unknown, "buy-parcel", trust.tom, field="gift", **plan, gift="G-99")
    plan |= {"use": "farm", "gift": "G-80"}
    refused(trust, Overdrawn, "buy-parcel", trust.tom, field="price", **{**plan, "price": "900.01"})
    rent: dict[str, Any] = {"gift": "G-80", "amount": "50.00", "expense": "250"}
    refused(trust, WrongState, "spend-gift", trust.tom, field="gift", tender="transfer", **rent)
    refused(trust, WrongState, "enter-bill", field="gift", supplier="OWNER", number="1", **rent)
    bought = trust.agreed("buy-parcel", by=trust.tom, approver=trust.sue, **plan)
    assert ("CAMP", "771/P-057", 80000) in posted(bought)[0] and len(posted(bought)[0]) == 4
    with trust.read() as books:
        assert books.get(records.Gift, "G-80").released == 80000
    trust.agreed("reverse", by=trust.tom, approver=trust.sue, operation=bought.number, reason="not recorded")
    with trust.read() as books:
        assert books.get(records.Gift, "G-80").released == 0


def test_land_refuses(trust: SmallBank) -> None:
    tom = trust.tom
    buy(trust)
    refused(trust, AlreadyExists, "buy-parcel", tom, field="parcel", **PARCEL)
    refused(trust, InvalidValue, "buy-parcel", tom, field="parcel", **{**PARCEL, "parcel": "57"})
    refused(trust, Unknown, "buy-parcel", tom, field="fund", **{**PARCEL, "parcel": "P-1", "fund": "NONE"})
    refused(trust, InvalidValue, "recognise-donated-work", tom, field="building", **{**WORK, "building": "shed"})
    refused(trust, InvalidValue, "recognise-donated-work", tom, field="hours", **{**WORK, "hours": "0"})
    tiny = {**WORK, "hours": "0.01", "hourly": "0.01"}
    refused(trust, InvalidAmount, "recognise-donated-work", tom, field="hours", **tiny)
    trust.agreed("set-policy", by=tom, approver=trust.admin, policy="donated_work", value="no")
    refused(trust, NotOffered, "recognise-donated-work", tom, field="building", **WORK)
    ref = lease(trust)
    rent: dict[str, Any] = {"month": "2026-03", "amount": "1.00"}
    refused(trust, InvalidValue, "receive-ground-rent", field="lease", lease="PARCELS-00001", **rent)
    refused(trust, Unknown, "receive-ground-rent", field="lease", lease="LEASES-00009", **rent)
    refused(trust, InvalidAmount, "receive-ground-rent", field="amount", lease=ref, **{**rent, "amount": "70.01"})
    for month in ("2026-01", "2027-02"):
        refused(trust, WrongState, "receive-ground-rent", field="month", lease=ref, **{**rent, "month": month})
    trust.do("close-entry", entry=ref, why="moved out")
    refused(trust, WrongState, "receive-ground-rent", field="lease", lease=ref, **rent)


def test_dues_by_the_register_and_what_they_refuse(trust: SmallBank) -> None:
    tom = trust.tom
    refused(trust, InvalidValue, "bill-dues", tom, field="amount", member="M0002", year=2026)
    refused(trust, InvalidDate, "bill-dues", tom, field="year", member="M0002", year=2030, amount="1.00")
    values = {"member": "M0002", "joined": "2026-01-01", "dues": "60.00", "workers": "5"}
    trust.do("add-entry", register_code="COOPS", values=values)
    bill = trust.do("bill-dues", by=tom, member="M0002", year=2026)
    refused(trust, AlreadyExists, "bill-dues", tom, field="year", member="M0002", year=2026)
    trust.do("reverse", by=tom, operation=bill.number, reason="left")
    trust.do("bill-dues", by=tom, member="M0002", year=2026)
    trust.agreed("link-user", by=trust.admin, user="ana", member="M0002")
    with trust.read() as books:
        ana = books.actor_now("ana")
    refused(trust, OwnAccount, "receive-dues", ana, dues="DU-002", amount="1.00", tender="transfer")
    trust.do("receive-dues", by=tom, dues="DU-002", amount="60.00", tender="transfer")
    refused(trust, WrongState, "receive-dues", tom, field="dues", dues="DU-002", amount="1.00", tender="transfer")
    trust.do("bill-dues", by=tom, member="M0003", year=2026, amount="5.00")
    refused(trust, InvalidAmount, "receive-dues", tom, dues="DU-003", amount="5.01", tender="transfer")
    refused(trust, Unknown, "receive-dues", tom, dues="DU-009", amount="5.01", tender="transfer")


def test_charitable_money_never_pays_a_campaign(trust: SmallBank) -> None:
    tom = trust.tom
    trust.do("receive-gift", by=tom, amount="90.00", donor="D", fund="GRT", number="G-80", tender="transfer")
    bill: dict[str, Any] = {"supplier": "votefor-x", "amount": "5.00", "expense": "290"}
    trust.do("enter-bill", number="1", fund="CLT", **bill)
    trust.agreed("set-policy", by=tom, approver=trust.admin, policy="campaign_payees", value="VoteFor-X, PAC-1")
    charitable: list[dict[str, Any]] = [{"fund": "CLT"}, {"gift": "G-80"}]
    for more in charitable:
        refused(trust, NotAllowed, "enter-bill", field="supplier", number="2", **bill, **more)
    refused(trust, NotAllowed, "pay-bill", tom, field="supplier", bill="B-00001", tender="transfer")
    spend: dict[str, Any] = {"gift": "G-80", "amount": "5.00", "expense": "290", "tender": "transfer"}
    refused(trust, InvalidValue, "spend-gift", tom, field="supplier", **spend)
    refused(trust, NotAllowed, "spend-gift", tom, field="supplier", supplier="pac-1", **spend)
    trust.agreed("spend-gift", by=tom, approver=trust.sue, supplier="PRINTER", **spend)
    trust.do("enter-bill", number="3", **bill)
    desk: dict[str, Any] = {
        "asset_name": "A desk",
        "cost": "9.00",
        "life_months": 9,
        "tender": "bill",
        "supplier": "PAC-1",
    }
    refused(trust, NotAllowed, "buy-asset", tom, field="supplier", number="4", gift="G-80", **desk)


def test_nor_by_a_journal_entry_a_loan_aid_or_an_institution(trust: SmallBank) -> None:
    tom, sue = trust.tom, trust.sue
    trust.agreed("add-institution", by=tom, approver=sue, code="PAC-2", institution_name="x", book="a" * 32)
    trust.agreed("owe-institution", by=tom, approver=sue, institution="PAC-2", memo="before", amount="1.00")
    lend: dict[str, Any] = {
        "member": "M0003",
        "annual_rate": "0",
        "installments": 2,
        "principal": "50.00",
        "fund": "CLT",
    }
    loan = trust.agreed("grant-loan", **lend).created[0]
    trust.agreed("set-policy", by=tom, approver=trust.admin, policy="campaign_payees", value="PAC-1 PAC-2 M0002")
    lines = ["GEN 290/PAC-1 Dr 5.00", "GEN 185 Cr 5.00", "CLT 186 Dr 5.00", "CLT 731/FIRST Cr 5.00"]
    refused(trust, NotAllowed, "journal-entry", tom, field="lines.0.account", memo="m", lines=lines)
    own = ["GEN 290/PAC-1 Dr 5.00", "GEN 731/FIRST Cr 5.00"]
    trust.agreed("journal-entry", tom, sue, memo="a co-operative's own money", lines=own)
    refused(trust, NotAllowed, "grant-loan", field="member", **(lend | {"member": "M0002"}))
    paid: dict[str, Any] = {"loan": loan, "tender": "transfer"}
    refused(trust, NotAllowed, "disburse-loan", tom, field="paid_to", paid_to="Committee pac-1, Inc.", **paid)
    trust.do("disburse-loan", by=tom, paid_to="A printer", **paid)
    owe: dict[str, Any] = {"institution": "PAC-2", "memo": "x", "amount": "1.00"}
    refused(trust, NotAllowed, "owe-institution", tom, field="institution", fund="CLT", **owe)
    trust.agreed("owe-institution", by=tom, approver=sue, **owe)
    aid: dict[str, Any] = {"aid_kind": "ride", "amount": "5.00", "need": "n", "criteria": "c", "relation": "none",
                           "fund": "CLT", "tender": "transfer", "recipient": "Rosa Bell"}  # fmt: skip
    refused(trust, NotAllowed, "give-aid", field="recipient_member", **aid, recipient_member="M0002")
    refused(trust, NotAllowed, "give-aid", field="recipient", **(aid | {"recipient": "PAC-1"}), paid_to="recipient")
    refused(trust, InvalidValue, "give-aid", field="biller", **aid)
    refused(trust, NotAllowed, "give-aid", field="biller", **aid, biller="pac-1")
    trust.agreed("give-aid", trust.ana, tom, **aid, biller="A taxi")


def test_a_charity_has_no_other_money(tmp_path: Any) -> None:
    with new_bank(str(tmp_path / "charity.db"), institution_kind=CHARITY) as bank:
        bank.agreed("set-policy", by=bank.tom, approver=bank.admin, policy="campaign_payees", value="PAC")
        refused(bank, NotAllowed, "enter-bill", supplier="PAC", number="1", amount="1.00", expense="290")
        refused(bank, NotAllowed, "pay-expense", supplier="PAC", number="1", amount="1.00", expense="290")


def test_verify_sees_land_and_dues_that_differ(trust: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    buy(trust)
    trust.do("bill-dues", by=trust.tom, member="M0002", year=2026, amount="1.00")
    trust.agreed("recognise-donated-work", by=trust.tom, approver=trust.sue, **WORK)
    with monkeypatch.context() as patch:
        differing = commons_proof._differing
        patch.setattr(commons_proof, "_differing", lambda check, state, log, told, own: differing(
            check, state, log, {leaf: amount + 1 for leaf, amount in told.items()}, own
        ))  # fmt: skip
        patch.setattr(commons_proof, "round_minor", lambda value: 7)
        found = wrong(verify(trust.bank.database))
    assert {each.check for each in found} == {"land", "dues"} and len(found) == 3


@given(st.integers(0, 10**9), st.integers(0, 10**8), st.integers(0, 10**10), st.decimals(0, 100, places=2))
def test_a_resale_price_is_between_what_was_paid_and_what_it_is_worth(
    price: int, improvements: int, value: int, share: Decimal
) -> None:
    told = resale(price, improvements, value, share)
    low, high = sorted((price + improvements, value))
    assert (low if value >= price + improvements else value) <= told.resale_price <= high


def test_a_resale_is_reckoned_as_the_lease_says() -> None:
    assert resale(8_000_000, 500_000, 10_500_000, Decimal(25)).resale_price == 9_000_000
    assert resale(8_000_000, 0, 7_000_000, Decimal(25)).resale_price == 7_000_000
    assert resale(100, 0, 103, Decimal(50)).share == 2, "1.5 is rounded once, half to even"
