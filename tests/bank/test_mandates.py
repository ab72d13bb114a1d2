"""Mandates: what a body decides first cannot be done without its resolution, and not beyond it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from coopbank.bank import records
from coopbank.bank.operation import CATALOGUE
from coopbank.bank.verify import verify
from coopbank.errors import InvalidValue, NeedsResolution, NotAllowed, Unknown, WrongState
from coopbank.ledger.verify import wrong
from tests.attacks.rewriter import Rewriter
from tests.bank.support_counter import refused
from tests.forging import forge
from tests.support_bank import SmallBank, assert_books, new_bank

LOAN: dict[str, Any] = {"member": "M0004", "annual_rate": "6", "installments": 12}


def mandated(small: SmallBank) -> None:
    """Four members; loans above 1,000.00 are for the assembly, which meets on 12 March, and that is today."""
    for name in ("Mia", "Noa", "Oto", "Pia"):
        small.admit(name)
    small.do("receive-gift", by=small.tom, fund="RLF", amount="9000.00", donor="A friend", tender="transfer")
    for code in ("ASSEMBLY", "OTHER"):
        small.agreed("set-body", small.admin, small.tom, body=code, body_name="All", form="assembly")
        small.do("call-meeting", small.sue, body=code, on="2026-03-12", notice_sent_on="2026-03-02")
    mandate(small, operation="grant-loan", body="ASSEMBLY", above="1000.00")
    small.go_to("2026-03-12")
    small.do("apply-for-loan", member="M0004", product="TERM", amount="2000.00", purpose="a kiln")


@pytest.fixture
def council(engine_url: str) -> Iterator[SmallBank]:
    with new_bank(engine_url, begin=mandated) as small:
        yield small
        if not small.spoiled:
            assert_books(small)


def mandate(small: SmallBank, **values: Any) -> None:
    small.agreed("set-mandate", small.admin, small.tom, **values)


def decided(small: SmallBank, votes: tuple[str, ...] = ("for", "for"), meeting: str = "MT-00001", **values: Any) -> str:
    values = {"matter": "loan", "text": "We lend", "about": "A-001", "amount": "2000.00"} | values
    values = {name: value for name, value in values.items() if value is not None}
    ref = small.do("propose-resolution", small.sue, meeting=meeting, **values).created[0]
    if values["matter"] == "loan":
        small.do("declare-interest", resolution=ref, member="M0004", why="asks for it")
    for number, vote in enumerate(votes, start=1):
        small.do("record-vote", resolution=ref, member=f"M000{number}", vote=vote)
    small.agreed("close-vote", small.sue, small.admin, resolution=ref)
    return ref


def no_loan(
    small: SmallBank, says: str, resolution: str | None = None, principal: str = "2000.00", **more: Any
) -> None:
    named = {} if resolution is None else {"resolution": resolution}
    asked: dict[str, Any] = {**LOAN, "principal": principal, "application": "A-001", **named, **more}
    refused(small, NeedsResolution, "grant-loan", field="resolution", says=says, **asked)


# ------------------------------------------------------------------------------------ what it takes


def test_nothing_is_granted_without_a_resolution(council: SmallBank) -> None:
    no_loan(council, "ASSEMBLY to decide")
    council.agreed("grant-loan", **LOAN, principal="1000.00")  # up to that they lend by themselves
    ref = decided(council)
    done = council.agreed("grant-loan", **LOAN, principal="2000.00", application="A-001", resolution=ref)
    assert all(ref in line.memo for line in done.entries) and done.entries
    assert ("By resolution", ref) in done.notes
    with council.read() as books:
        ((_ref, use),) = books.about(records.ResolutionUse, ref)
    assert (use.operation, use.amount) == (done.number, 2000_00)


def test_not_by_one_that_was_not_carried(council: SmallBank) -> None:
    no_loan(council, "rejected", decided(council, ("for", "against")))
    no_loan(council, "no-quorum", decided(council, ("for",)))
    ref = council.do(
        "propose-resolution", meeting="MT-00001", matter="loan", text="x", about="A-001", amount="2000.00"
    ).created[0]  # fmt: skip
    no_loan(council, "open", ref)
    refused(council, Unknown, "grant-loan", field="resolution", **LOAN, principal="2000.00", resolution="RES-00099")
    no_loan(council, "ASSEMBLY to decide", "by-the-way")


def test_not_by_another_body_matter_or_subject(council: SmallBank) -> None:
    no_loan(council, "is of OTHER", decided(council, meeting="MT-00002"))
    no_loan(council, "another matter", decided(council, matter="other", about=None))
    council.do("apply-for-loan", member="M0003", product="TERM", amount="2000.00", purpose="a roof")
    no_loan(council, "about A-001", decided(council), member="M0003", application="A-002")
    no_loan(council, "about A-001", decided(council), application="A-002")


def test_not_beyond_its_amount_nor_twice_nor_late(council: SmallBank) -> None:
    no_loan(council, "leaves 2000.00", decided(council), principal="2000.01")
    ref = decided(council, about="M0004", amount="3000.00", until="2026-03-12")
    council.agreed("grant-loan", **LOAN, principal="2000.00", resolution=ref)
    refused(council, NeedsResolution, "grant-loan", says="used already", **LOAN, principal="1000.00", resolution=ref)
    ref = decided(council, about="M0004", amount="3000.00", until="2026-03-12")
    waiting = council.ask("grant-loan", **LOAN, principal="1000.00", resolution=ref).request
    council.go_to("2026-03-13")
    refused(council, NeedsResolution, "approve", council.tom, says="held until 2026-03-12", request=waiting)


def test_two_that_wait_cannot_both_use_it(council: SmallBank) -> None:
    ref = decided(council, about="M0004")
    first, second = (council.ask("grant-loan", **LOAN, principal="2000.00", resolution=ref).request for _ in range(2))
    council.do("approve", council.tom, request=first)
    refused(council, NeedsResolution, "approve", council.tom, says="used already", request=second)


def test_on_the_terms_that_were_decided(council: SmallBank) -> None:
    terms: dict[str, Any] = {"product": "TERM", "annual_rate": "6", "installments": 12}
    ref = decided(council, **terms)
    asked: dict[str, Any] = {**LOAN, "principal": "2000.00", "application": "A-001", "resolution": ref}
    shares: dict[str, Any] = {"product": "SURPLUS", "share_percent": "20", "outer_date": "2031-03-02",
                              "installments": None}  # fmt: skip
    for field, other in (("annual_rate", {"annual_rate": "6.01"}), ("installments", {"installments": 13}),
                         ("product", shares)):  # fmt: skip
        refused(council, NeedsResolution, "grant-loan", field=field, says=f"{field} {terms[field]}", **(asked | other))
    less: dict[str, Any] = {"member": "M0004", "annual_rate": "5.5", "installments": 10, "principal": "1500.00"}
    council.agreed("grant-loan", **less, application="A-001", resolution=ref)
    moved: dict[str, Any] = {"meeting": "MT-00001", "text": "x", "matter": "other"}
    refused(council, InvalidValue, "propose-resolution", council.sue, field="annual_rate", **moved, annual_rate="6")
    refused(council, Unknown, "propose-resolution", council.sue, field="product",
            **(moved | {"matter": "loan", "about": "M0004", "amount": "1.00", "product": "NOPE"}))  # fmt: skip


def test_by_the_term_sheet_that_was_voted_on(council: SmallBank) -> None:
    sheet: dict[str, Any] = {"application": "A-001", "memo": "Sells at two fairs."}
    council.do("write-credit-memo", **sheet, terms="2,000.00 at 6 %")
    ref = decided(council)
    council.do("write-credit-memo", **sheet, terms="2,000.00 at 9 %")
    no_loan(council, "term sheet of A-001", ref)
    ref = council.do("propose-resolution", council.sue, meeting="MT-00001", matter="loan", about="A-001",
                     amount="2000.00", text="Again").created[0]  # fmt: skip
    council.do("record-vote", resolution=ref, member="M0001", vote="for")
    refused(council, WrongState, "write-credit-memo", field="application", says=ref, **sheet, terms="at 12 %")
    council.do("record-vote", resolution=ref, member="M0002", vote="for")
    council.do("declare-interest", resolution=ref, member="M0004", why="asks for it")
    council.agreed("close-vote", council.sue, council.admin, resolution=ref)
    council.agreed("grant-loan", **LOAN, principal="2000.00", application="A-001", resolution=ref)


def test_no_fund_or_product_passes_for_a_borrower(council: SmallBank) -> None:
    """Whoever sets up a product of a borrower's number does not make their resolution one about it."""
    council.agreed("define-product", council.tom, council.admin, code="M0004", product_name="x",
                   repayment="schedule", installments=12)  # fmt: skip
    no_loan(council, "about M0004", decided(council, about="M0004"), member="M0003", product="M0004", application=None)


def test_taken_back_it_can_be_used_again(council: SmallBank) -> None:
    ref = decided(council)
    asked: dict[str, Any] = {**LOAN, "principal": "2000.00", "application": "A-001", "resolution": ref}
    done = council.agreed("grant-loan", **asked)
    council.agreed("reverse", operation=done.number, reason="another rate was agreed")
    council.agreed("grant-loan", **asked)


def test_a_preview_says_the_same(council: SmallBank) -> None:
    operation = council.bank.build("grant-loan", {**LOAN, "principal": "2000.00"})
    with pytest.raises(NeedsResolution):
        council.bank.preview(council.ana, operation)
    ref = decided(council, about="M0004")
    operation = council.bank.build("grant-loan", {**LOAN, "principal": "2000.00", "resolution": ref})
    assert ("By resolution", ref) in council.bank.preview(council.ana, operation).notes


# ---------------------------------------------------------------------------- other operations


def test_who_approves_sees_what_loans_come_to_together(council: SmallBank) -> None:
    """Two loans below the limit are not refused; but the second is approved by somebody who sees both."""
    first = council.agreed("grant-loan", **LOAN, principal="900.00")
    assert "Together with" not in dict(first.notes)
    more = {**LOAN, "principal": "100.01"}
    said = f"{first.created[0]} of the last 90 days: 1000.01, above what is lent without ASSEMBLY"
    shown = council.bank.preview(council.ana, council.bank.build("grant-loan", more))  # at the review
    assert dict(shown.notes)["Together with"] == said
    done = council.agreed("grant-loan", **more)
    assert dict(done.notes)["Together with"] == said
    other = council.agreed("grant-loan", **{**LOAN, "member": "M0001"}, principal="1000.00")
    assert "Together with" not in dict(other.notes)


def test_a_policy_and_the_mandates_themselves(council: SmallBank) -> None:
    mandate(council, operation="set-policy", body="ASSEMBLY")
    mandate(council, operation="set-mandate", body="ASSEMBLY")
    change: dict[str, Any] = {"policy": "drawer_limit", "value": "3000.00"}
    refused(council, NeedsResolution, "set-policy", council.tom, field="resolution", **change)
    ref = decided(council, matter="policy", about="drawer_limit", amount=None)
    refused(council, NeedsResolution, "set-policy", council.tom, says="about drawer_limit", policy="paper", value="A4",
            resolution=ref)  # fmt: skip
    council.agreed("set-policy", council.tom, council.sue, resolution=ref, **change)
    again: dict[str, Any] = {"policy": "drawer_limit", "value": "9000.00", "resolution": ref}
    refused(council, NeedsResolution, "set-policy", council.tom, says="used already", **again)
    lift: dict[str, Any] = {"operation": "grant-loan", "body": "ASSEMBLY", "lifted": True}
    refused(council, NeedsResolution, "set-mandate", council.admin, **lift)
    mandate(council, resolution=decided(council, matter="policy", about="grant-loan", amount=None), **lift)
    council.agreed("grant-loan", **LOAN, principal="2000.00")


def test_a_decision_in_words_stays_one_where_no_body_decides(council: SmallBank) -> None:
    lines: dict[str, Any] = {"year": 2026, "lines": "290 1200.00"}
    council.agreed("set-budget", council.tom, council.sue, resolution="Board, 2 March", **lines)
    mandate(council, operation="set-budget", body="ASSEMBLY")
    more: dict[str, Any] = {"year": 2027, "lines": "290 1200.00", "resolution": "Board, 2 March"}
    refused(council, NeedsResolution, "set-budget", council.tom, field="resolution", **more)
    ref = decided(council, matter="allocation", about="GEN", amount="1200.00")
    council.agreed("set-budget", council.tom, council.sue, **(more | {"resolution": ref}))


def test_a_gift_is_spent_as_its_fund_was_allotted(council: SmallBank) -> None:
    council.agreed("open-fund", council.tom, council.sue, code="EDU", fund_name="Education", fund_class="restricted")
    council.do("receive-gift", council.tom, fund="EDU", amount="300.00", donor="x", tender="transfer", number="G-07")
    mandate(council, operation="spend-gift", body="ASSEMBLY", above="0.00")
    ref = decided(council, matter="allocation", about="EDU", amount="100.00")
    spend: dict[str, Any] = {"gift": "G-07", "expense": "290", "tender": "transfer", "resolution": ref}
    council.agreed("spend-gift", council.tom, council.sue, amount="60.00", **spend)
    refused(council, NeedsResolution, "spend-gift", council.tom, says="leaves 40.00", amount="40.01", **spend)
    council.agreed("spend-gift", council.tom, council.sue, amount="40.00", **spend)


def test_mandates_that_are_refused(council: SmallBank) -> None:
    refused(
        council, InvalidValue, "set-mandate", council.admin, field="operation", operation="deposit", body="ASSEMBLY"
    )
    refused(council, InvalidValue, "set-mandate", council.admin, field="operation", operation="nope", body="ASSEMBLY")
    refused(council, InvalidValue, "set-mandate", council.admin, field="above", operation="set-policy", body="ASSEMBLY",
            above="1.00")  # fmt: skip
    same: dict[str, Any] = {"operation": "grant-loan", "body": "ASSEMBLY", "above": "1000.00"}
    refused(council, InvalidValue, "set-mandate", council.admin, field="operation", **same)
    refused(council, Unknown, "set-mandate", council.admin, operation="grant-loan", body="NOPE")
    refused(council, NotAllowed, "set-mandate", council.ana, **same)


def test_every_operation_that_names_a_resolution_says_what_kind() -> None:
    named = {name for name, cls in CATALOGUE.items() if "resolution" in cls.model_fields and not cls.internal}
    of_votes = {name for name in named if CATALOGUE[name].subject == "decisions"} - {"set-mandate"}
    for name in named - of_votes:
        cls = CATALOGUE[name]
        assert cls.decided_as, name
        assert cls.decided_amount in ("", *cls.model_fields), name
        free = cls.model_fields["resolution"].annotation is str  # a text that may be a resolution's number
        assert free or list(cls.model_fields)[-1] == "resolution", name


# ---------------------------------------------------------------------------------------- verify


def loan_terms(places: list[Any], **terms: str) -> None:
    """Other terms in the record that a grant wrote."""
    next(row for row in places[12] if row[1] == "loan-terms")[5]["document"].update(terms)


EDITS: dict[str, tuple[str, Any, str]] = {
    "no resolution": ("grant-loan", lambda p: (p[10].pop("resolution"), p[12].pop()), "without a resolution"),
    "another resolution": ("grant-loan", lambda p: p[10].update(resolution="RES-00002"), "not what was done"),
    "more": ("grant-loan", lambda p: (p[10].update(principal="2500.00"), p[12][-1][5].update(amount=250000)),
             "more was done"),
    "not named": ("grant-loan", lambda p: p[11][0].__setitem__(2, "Loan L-001 granted"), "does not name it"),
    "another rate": ("grant-loan", lambda p: loan_terms(p, annual_rate="7"), "another annual_rate"),
    "twice": ("propose-resolution", lambda p: p[12][0][5].pop("once"), "changed after it was moved"),
    "another sheet": ("close-vote", lambda p: p[12][0][5].update(sheet=2), "closed on another term sheet"),
    "not carried": ("close-vote", lambda p: p[12][0][5].update(state="rejected"), "was not carried"),
    "another matter": ("propose-resolution", lambda p: p[12][0][5].update(about="A-009"), "changed after it was moved"),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_what_was_done_without_its_resolution_is_found(council: SmallBank, edit: str) -> None:
    if council.bank.database.dialect != "sqlite":
        pytest.skip("the attacker's tool works on files")
    ref = decided(council, annual_rate="6")
    council.agreed("grant-loan", **LOAN, principal="2000.00", application="A-001", resolution=ref)
    kind, change, says = EDITS[edit]
    place = council.bank.database.place
    with council.read() as books:
        number = books.tx.value("SELECT max(id) FROM operation WHERE kind = ?", kind)
        before = books.tx.value("SELECT sealed FROM operation WHERE id = ?", number)
    with Rewriter(place) as forger:
        forger.change(number, change)
    found = [f.message for f in wrong(verify(council.bank.database)) if f.check == "resolutions"]
    assert any(says in message for message in found), found
    with Rewriter(place) as mender:
        mender.change(number, lambda places: places.__setitem__(slice(10, 13), json.loads(before)[10:13]))


def test_an_operation_without_rows_that_a_body_decides_is_found_too(council: SmallBank) -> None:
    """Nothing was written with it, and every hash is good: no resolution was asked for."""
    council.agreed("set-mandate", council.admin, council.tom, operation="pay-expense", body="ASSEMBLY", above="1.00")
    council.spoiled = True
    request = {"amount": "5.00", "expense": "290"}
    forge(council, kind="pay-expense", actor="tom", request=request)
    found = [f.message for f in wrong(verify(council.bank.database)) if f.check == "resolutions"]
    assert found == ["pay-expense was done without a resolution of ASSEMBLY"]
