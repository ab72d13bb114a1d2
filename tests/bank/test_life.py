"""Who stands on a member's accounts, a death, contact lost and found: who may take money out, and when."""

from __future__ import annotations

from typing import Any

from coopbank.bank import records
from coopbank.errors import (
    AlreadyExists,
    InvalidAmount,
    InvalidDate,
    InvalidValue,
    NotAllowed,
    Overdrawn,
    OwnAccount,
    Unknown,
    WrongState,
)
from tests.bank.support_counter import entry, posted, refused
from tests.support_bank import SmallBank


def stand(bank: SmallBank, role: str = "joint-owner", **values: Any) -> str:
    """Somebody on the accounts of M0001; returns their number."""
    ref: str = bank.do("add-joint-owner", member="M0001", role=role, **values).created[0]
    return ref


def die(bank: SmallBank, member: str = "M0001") -> None:
    bank.do("record-death", member=member, died_on="2026-03-01", evidence="Certificate 4711")


# ------------------------------------------------------------------------------ who stands on accounts


def test_joint_owners_and_signers_take_money_out_and_beneficiaries_do_not(beginning: SmallBank) -> None:
    bank = beginning
    joint, signer = stand(bank, person="M0003"), stand(bank, "authorised-signer", person_name="Iris [b]Bell[/b]")
    heir = stand(bank, "beneficiary", person_name="Kit Lee", account="S-M0001")
    done = bank.do("withdraw", member="M0001", amount="10.00", by_person=joint)
    assert done.entries[0].memo == f"Withdrawal M0001 by {joint}"
    bank.do("withdraw", member="M0001", amount="10.00", by_person=signer, memo="rent")
    says = "takes nothing out"
    refused(bank, WrongState, "withdraw", field="by_person", says=says, member="M0001", amount="1.00", by_person=heir)
    with bank.read() as books:
        body = books.get(records.JointOwner, signer)
        assert (books.personal(body.name), body.person, body.account) == ("Iris [b]Bell[/b]", None, "")
        assert books.get(records.JointOwner, heir).account == "M0001"
    bank.do("deposit", member="M0001", amount="5.00")  # anybody may bring money


def test_who_does_not_stand_on_an_account_takes_nothing_out_of_it(counter: SmallBank) -> None:
    bank = counter
    bank.do("open-savings", member="M0001")
    first = stand(bank, person="M0003", account="M0001")
    bank.do("deposit", member="M0001", amount="5.00", account="M0001-2")
    take: dict[str, Any] = {"amount": "1.00", "by_person": first}
    refused(bank, Unknown, "withdraw", field="by_person", member="M0001", account="M0001-2", **take)
    refused(bank, Unknown, "withdraw", field="by_person", member="M0001", amount="1.00", by_person="J-00009")
    bank.do("deposit", member="M0002", amount="5.00")
    refused(bank, Unknown, "withdraw", field="by_person", member="M0002", **take)
    bank.agreed("remove-joint-owner", person=first)
    refused(bank, Unknown, "withdraw", field="by_person", member="M0001", **take)
    refused(bank, WrongState, "remove-joint-owner", field="person", person=first)
    refused(bank, Unknown, "remove-joint-owner", field="person", person="J-00009")


def test_who_cannot_be_entered(counter: SmallBank) -> None:
    bank = counter
    stand(bank, person="M0003")
    no: Any = lambda error, field, **values: refused(  # noqa: E731
        bank, error, "add-joint-owner", field=field, **{"member": "M0001"} | values
    )
    no(InvalidValue, "person")
    no(InvalidValue, "person", person="M0002", person_name="Noa Banks")
    no(InvalidValue, "person", person="M0001")
    no(Unknown, "person", person="M0099")
    no(AlreadyExists, "person", person="M0003")
    no(Unknown, "member", member="M0099", person_name="x")
    no(Unknown, "account", person="M0002", account="M0001-7")
    no(InvalidValue, "role", person="M0002", role="friend")
    refused(bank, NotAllowed, "add-joint-owner", bank.sue, member="M0001", person="M0002")
    stand(bank, "beneficiary", person="M0003")  # the same person in another way


def test_nobody_serves_an_account_that_they_stand_on(beginning: SmallBank) -> None:
    bank = beginning
    bank.agreed("link-user", by=bank.admin, approver=bank.tom, user="ana", member="M0003")
    refused(bank, OwnAccount, "add-joint-owner", member="M0001", person="M0003")
    ref = bank.do("add-joint-owner", by=bank.tom, member="M0001", person="M0003").created[0]
    refused(bank, OwnAccount, "deposit", field="member", member="M0001", amount="1.00")
    refused(bank, OwnAccount, "remove-joint-owner", person=ref)
    bank.agreed("remove-joint-owner", by=bank.tom, approver=bank.sue, person=ref)
    bank.do("deposit", member="M0001", amount="1.00")


def test_names_of_who_stands_there_are_sealed_as_digests_only(counter: SmallBank) -> None:
    stand(counter, "beneficiary", person_name="Zebulon Quist")
    with counter.read() as books:
        assert not any("Zebulon" in text for (text,) in books.tx.rows("SELECT sealed FROM operation"))


# -------------------------------------------------------------------------------------------- death


def test_after_a_death_two_people_pay_and_nobody_else(beginning: SmallBank) -> None:
    bank = beginning
    bank.do("buy-shares", member="M0001", amount="25.00")
    joint = stand(bank, person="M0003")
    signer, heir = stand(bank, "authorised-signer", person_name="Iris"), stand(bank, "beneficiary", person_name="Kit")
    die(bank)
    no: Any = lambda operation, **values: refused(  # noqa: E731
        bank, WrongState, operation, says="died on 2026-03-01", **{"member": "M0001", "amount": "25.00"} | values
    )
    no("withdraw")
    no("withdraw", by_person=joint)
    no("redeem-shares")
    no("transfer-shares", share_class="901", to_member="M0002")
    no("apply-for-loan", product="TERM", purpose="x")
    refused(bank, WrongState, "grant-loan", member="M0001", principal="9.00", annual_rate="1", installments=2)
    bank.do("deposit", member="M0001", amount="5.00")  # a last pay comes in
    paid = bank.agreed("pay-estate", member="M0001", account="S-M0001", amount="60.00", to_person=heir)
    assert posted(paid) == [
        entry("GEN 905/M0001 Dr 60.00", "GEN 729 Cr 60.00", "POOL 879/GEN Dr 60.00", "POOL 739/D1 Cr 60.00")
    ]
    assert paid.entries[0].memo == f"Left by M0001: 905/M0001 to {heir}"
    bank.agreed("pay-estate", member="M0001", account="905/M0001", amount="45.00", to_person=joint)
    shares: dict[str, Any] = {"member": "M0001", "account": "901", "amount": "25.00"}
    bank.agreed("pay-estate", **shares, estate_name="Lou Marsh", papers="Letters 12/26", tender="transfer")
    assert bank.balance("905/M0001") == bank.balance("901/M0001") == 0
    refused(bank, WrongState, "remove-joint-owner", field="person", person=heir)
    bank.agreed("remove-joint-owner", person=signer)
    bank.do("change-member", member="M0001", status="left")


def test_what_is_not_paid_after_a_death(counter: SmallBank) -> None:
    bank = counter
    bank.do("buy-shares", member="M0001", amount="25.00")
    signer = stand(bank, "authorised-signer", person_name="Iris")
    heir = stand(bank, "beneficiary", person_name="Kit", account="M0001")
    pay: dict[str, Any] = {"member": "M0001", "account": "M0001", "amount": "10.00"}
    refused(bank, WrongState, "pay-estate", field="member", **pay, to_person=heir)
    die(bank)
    no: Any = lambda error, field, **values: refused(bank, error, "pay-estate", field=field, **pay | values)  # noqa: E731
    no(WrongState, "to_person", to_person=signer)
    no(InvalidValue, "to_person")
    no(InvalidValue, "to_person", to_person=heir, estate_name="Lou")
    no(InvalidValue, "papers", estate_name="Lou")
    no(Unknown, "to_person", to_person=heir, account="901", amount="25.00")  # only the savings are theirs
    no(Unknown, "account", to_person=heir, account="905/M0002")
    no(Unknown, "account", to_person=heir, account="903")
    no(Overdrawn, "amount", to_person=heir, amount="100.01")
    no(InvalidAmount, None, estate_name="Lou", papers="12", account="901", amount="10.00")
    refused(bank, NotAllowed, "pay-estate", bank.sue, **pay, to_person=heir)


def test_a_death_is_recorded_once_and_withdrawn_by_two(counter: SmallBank) -> None:
    bank = counter
    refused(bank, WrongState, "withdraw-death", field="member", member="M0001")
    die(bank)
    again: dict[str, Any] = {"member": "M0001", "died_on": "2026-03-02", "evidence": "x"}
    refused(bank, AlreadyExists, "record-death", field="member", **again)
    refused(bank, InvalidDate, "record-death", field="died_on", member="M0002", died_on="2026-03-04", evidence="x")
    refused(bank, WrongState, "add-joint-owner", field="member", member="M0001", person="M0002")
    bank.agreed("withdraw-death", member="M0001")
    bank.do("withdraw", member="M0001", amount="1.00")
    die(bank)


# ------------------------------------------------------------------------------------------ contact


def test_contact_is_lost_and_had_again(beginning: SmallBank) -> None:
    bank = beginning
    bank.do("lost-contact", member="M0001", lost_on="2026-02-20", how="A letter came back")
    refused(bank, AlreadyExists, "lost-contact", field="member", member="M0001")
    with bank.read() as books:
        body = books.get(records.Contact, "M0001")
        assert (body.lost_since, books.personal(body.how)) == ("2026-02-20", "A letter came back")
    bank.do("found-again", member="M0001", how="She had called", on="2026-01-05")
    with bank.read() as books:  # that was before contact was lost
        assert books.get(records.Contact, "M0001").lost_since == "2026-02-20"
    bank.do("found-again", member="M0001", how="She came by")
    with bank.read() as books:
        body = books.get(records.Contact, "M0001")
        assert (body.lost_since, body.last) == (None, "2026-03-03")
    refused(bank, InvalidDate, "found-again", field="on", member="M0001", how="x", on="2026-03-02")
    refused(bank, InvalidDate, "found-again", field="on", member="M0001", how="x", on="2026-03-04")
    refused(bank, InvalidDate, "lost-contact", field="lost_on", member="M0002", lost_on="2026-03-04")
    die(bank, "M0002")
    refused(bank, WrongState, "found-again", field="member", member="M0002", how="x")
