"""Applications for a loan: entered, granted, declined by two with reasons, withdrawn."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from coopbank.bank import records
from coopbank.bank.desk import Desk
from coopbank.bank.operations.applications import REASONS, granted
from coopbank.errors import InvalidAmount, InvalidValue, NotAllowed, OwnAccount, OwnRequest, Unknown, WrongState
from tests.bank.support_counter import HOSTILE, refused
from tests.support_bank import SmallBank

ASK: dict[str, Any] = {"member": "M0001", "product": "TERM", "amount": "1500.00", "purpose": "a used oven"}

CLOSING: dict[str, dict[str, Any]] = {"withdraw-application": {}, "decline-application": {"reasons": ["plan"]}}


def begun(bank: SmallBank) -> None:
    bank.admit("Mia Lee")
    bank.admit("Noa Banks")


def apply(bank: SmallBank, **changes: Any) -> str:
    return bank.do("apply-for-loan", **{**ASK, **changes}).created[0]


def decline(bank: SmallBank, ref: str, **values: Any) -> Any:
    return bank.agreed("decline-application", application=ref, **{"reasons": ["plan"], **values})


def kept(bank: SmallBank, ref: str) -> records.Application:
    with bank.read() as books:
        return books.get(records.Application, ref)


def test_an_application_is_declined_with_reasons(small: SmallBank) -> None:
    ref = apply(small)
    assert ref == "A-001"
    assert kept(small, ref) == records.Application(
        member="M0001", product="TERM", amount=1500_00, purpose="a used oven", asked_on="2026-03-02", entered_by="ana"
    )
    done = decline(small, ref, reasons=["income", "other"], explained="The stall has no permit")
    found = kept(small, ref)
    assert (found.state, found.reasons, found.decided_by, found.decided_on) == (
        "declined", ["income", "other"], "tom", "2026-03-02"
    )  # fmt: skip
    assert [value for label, value in done.notes if label == "Reason"] == [REASONS["income"], REASONS["other"]]
    with small.read() as books:
        assert books.personal(found.explained) == "The stall has no permit"
        sealed = books.tx.rows("SELECT sealed FROM operation")
    assert not any("permit" in text for (text,) in sealed), "what is said to a person can be forgotten"


def test_an_application_is_withdrawn_and_another_follows(small: SmallBank) -> None:
    first, other = apply(small), apply(small, member="M0002", product="SURPLUS")
    small.do("withdraw-application", by=small.tom, application=first)
    assert kept(small, first).state == "withdrawn"
    assert apply(small) == "A-003"
    with small.read() as books:
        assert [(ref, a.state) for ref, a in books.about(records.Application, "M0001")] == [
            ("A-001", "withdrawn"), ("A-003", "open"),
        ]  # fmt: skip
    for name, values in CLOSING.items():
        refused(small, WrongState, name, field="application", says="withdrawn since", application=first, **values)
    decline(small, other)
    refused(small, WrongState, "withdraw-application", field="application", application=other)


@pytest.mark.parametrize(
    ("error", "field", "values"),
    [
        (Unknown, "member", {"member": "M0404"}),
        (Unknown, "product", {"product": "NONE"}),
        (InvalidValue, "amount", {"amount": "0.00"}),
        (InvalidValue, "purpose", {"purpose": ""}),
        (InvalidValue, "purpose", {"purpose": "x" * 201}),
    ],
)
def test_what_cannot_be_applied_for(counter: SmallBank, error: Any, field: str, values: dict[str, Any]) -> None:
    refused(counter, error, "apply-for-loan", field=field, **{**ASK, **values})


def test_an_application_fits_the_member_and_the_product(counter: SmallBank) -> None:
    bank = counter
    bank.do("change-member", member="M0003", status="left")
    refused(bank, WrongState, "apply-for-loan", field="member", **{**ASK, "member": "M0003"})
    limits: dict[str, Any] = {"code": "SMALL", "product_name": "Small", "least": "100.00", "most": "2000.00"}
    bank.agreed("define-product", **limits)
    apply(bank, product="SMALL")
    for amount in ("99.99", "2000.01"):
        refused(bank, InvalidAmount, "apply-for-loan", field="amount", **{**ASK, "product": "SMALL", "amount": amount})
    bank.do("withdraw-product", product="SMALL")
    refused(bank, WrongState, "apply-for-loan", field="product", **{**ASK, "product": "SMALL"})


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("reasons", {"reasons": []}),
        ("reasons", {"reasons": ["colour"]}),
        ("reasons", {"reasons": ["plan", "plan"]}),
        ("reasons", {"reasons": ["income", "debts", "plan", "history", "terms"]}),
        ("explained", {"reasons": ["other"]}),
        ("explained", {"reasons": ["plan"], "explained": ""}),
    ],
)
def test_reasons_that_are_none(counter: SmallBank, field: str, values: dict[str, Any]) -> None:
    refused(counter, InvalidValue, "decline-application", field=field, application=apply(counter), **values)


def test_nobody_decides_about_themselves(counter: SmallBank) -> None:
    bank = counter
    bank.agreed("link-user", by=bank.admin, approver=bank.tom, user="ana", member="M0001")
    bank.agreed("link-user", by=bank.admin, approver=bank.tom, user="sue", member="M0002")
    refused(bank, OwnAccount, "apply-for-loan", field="member", **ASK)
    mine = bank.do("apply-for-loan", by=bank.tom, **ASK).created[0]
    for name, values in CLOSING.items():
        refused(bank, OwnAccount, name, application=mine, **values)
    hers = bank.do("apply-for-loan", by=bank.tom, **{**ASK, "member": "M0002"}).created[0]
    asked = bank.ask("decline-application", by=bank.tom, application=hers, reasons=["plan"])
    refused(bank, OwnRequest, "approve", bank.tom, request=asked.request)
    refused(bank, OwnAccount, "approve", bank.sue, request=asked.request)
    refused(bank, NotAllowed, "withdraw-application", bank.sue, application=hers)
    refused(bank, Unknown, "decline-application", field="application", application="A-404", reasons=["plan"])


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_stay_as_they_are(counter: SmallBank, text: str) -> None:
    ref = apply(counter, purpose=text)
    decline(counter, ref, reasons=["other"], explained=text)
    found = kept(counter, ref)
    with counter.read() as books:
        assert (found.purpose, books.personal(found.explained)) == (text, text)


def test_a_loan_answers_its_own_application_once(counter: SmallBank) -> None:
    ref, closed = apply(counter), apply(counter)
    counter.do("withdraw-application", application=closed)
    with counter.read() as books:
        desk = Desk(books.tx, actor=counter.ana, approver="tom", today=date(2026, 3, 3), currency="USD", nonce=bytes)
        with pytest.raises(InvalidValue) as other:
            granted(desk, ref, "M0002", "L-001")
        assert other.value.field == "application" and "M0001" in str(other.value)
        after = granted(desk, ref, "M0001", "L-001")
        assert (after.state, after.loan, after.decided_by) == ("granted", "L-001", "tom")
        for again in (ref, closed):
            with pytest.raises(WrongState):
                granted(desk, again, "M0001", "L-002")


def test_a_loan_is_granted_for_an_application(counter: SmallBank) -> None:
    bank = counter
    ref, hers = apply(bank), apply(bank, member="M0002")
    terms: dict[str, Any] = {"member": "M0001", "principal": "900.00", "annual_rate": "6", "installments": 12}
    refused(bank, InvalidValue, "grant-loan", field="application", says="M0002", application=hers, **terms)
    loan = bank.agreed("grant-loan", application=ref, **terms)
    found = kept(bank, ref)
    assert (found.state, found.loan, found.decided_by) == ("granted", loan.created[0], "tom")
    refused(bank, WrongState, "grant-loan", field="application", application=ref, **terms)
    refused(bank, WrongState, "decline-application", field="application", application=ref, reasons=["plan"])
    bank.agreed("reverse", by=bank.ana, approver=bank.tom, operation=loan.number, reason="typed twice")
    assert kept(bank, ref).state == "open"
