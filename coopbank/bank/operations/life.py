"""The life of a member: who else stands on their accounts, their death, contact that is lost and found.

Somebody who stands on an account is named by their member number, or by a name that is kept like every name: apart,
and erasable. What they may do follows from what they are: joint owners and authorised signers take money out while the
member lives; after a death nobody takes anything out, and two people pay joint owners, beneficiaries or the estate.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.contact import CAN_BE_ASKED_BACK, HEIRS, ROLE_WORDS, death_of, owners, with_owners
from coopbank.bank.desk import Desk
from coopbank.bank.equity import REDEMPTIONS
from coopbank.bank.fields import Code, Day, JointOwnerRef, MemberRef, Money, Personal, Text, Widget
from coopbank.bank.operation import ADMINISTRATOR, LOAN_OFFICER, TELLER, TREASURER, Operation
from coopbank.bank.operations.members import require_active, require_alive
from coopbank.bank.operations.redemption import settle
from coopbank.bank.operations.savings import FUND, owner_on, require_available, savings_account, shown
from coopbank.bank.operations.shares import require_own, require_whole
from coopbank.bank.tender import Paying
from coopbank.errors import AlreadyExists, InvalidDate, InvalidValue, Overdrawn, Unknown, WrongState
from coopbank.ledger.posting import Leaf
from coopbank.words import _

_AT_THE_COUNTER = (TELLER, LOAN_OFFICER, TREASURER, ADMINISTRATOR)
Stands = Literal["joint-owner", "authorised-signer", "beneficiary"]


# --------------------------------------------------------------------------- who stands on an account


class AddJointOwner(Operation):
    """Enter a joint owner, an authorised signer or a beneficiary of a member's account."""

    name: ClassVar[str] = "add-joint-owner"
    title: ClassVar[str] = "Add a joint owner, signer or beneficiary"
    subject: ClassVar[str] = "members"
    roles: ClassVar[tuple[str, ...]] = _AT_THE_COUNTER
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False  # remove them

    member: MemberRef
    role: Annotated[Stands, Widget("choice"), Field(title="They are")] = "joint-owner"
    person: Annotated[MemberRef | None, Field(title="Their member number, if they have one")] = None
    person_name: Annotated[Personal | None, Field(min_length=1, title="Or their name")] = None
    account: Annotated[Code | None, Field(title="Savings account, if not all that the member has")] = None

    def serves(self, desk: Desk) -> set[str]:
        return {self.member, *([self.person] if self.person is not None else ())}

    def perform(self, desk: Desk) -> None:
        require_active(desk, self.member)
        require_alive(desk, self.member)
        if (self.person is None) == (self.person_name is None):
            raise InvalidValue(
                "Say who it is, by a member number or by a name, and not by both.", field="person",
                hint="A member is named by the number alone.",
            )  # fmt: skip
        if self.person is not None:
            self._require_other_member(desk, self.person)
        account = "" if self.account is None else savings_account(desk, self.member, self.account).account
        ref = desk.next_ref(records.JointOwner.kind, "J-", 5)
        body = records.JointOwner(
            member=self.member, account=account, role=self.role, person=self.person,
            name=None if self.person_name is None else desk.keep("person_name", self.person_name),
            added_on=desk.business_day.isoformat(),
        )  # fmt: skip
        desk.write(ref, body, about=self.member)
        desk.note("On the account", ref)

    def _require_other_member(self, desk: Desk, person: str) -> None:
        if person == self.member:
            raise InvalidValue("{person} is the member.", field="person", person=person)
        require_active(desk, person, "person")
        require_alive(desk, person, "person")
        account = "" if self.account is None else self.account.removeprefix("S-")
        for ref, known in owners(desk, self.member):
            if (known.person, known.role, known.account) == (person, self.role, account):
                raise AlreadyExists("{person} stands there already: {ref}.", field="person", person=person, ref=ref)


class RemoveJointOwner(Operation):
    """Take a joint owner, signer or beneficiary off a member's account. A second person looks at it too."""

    name: ClassVar[str] = "remove-joint-owner"
    title: ClassVar[str] = "Remove a joint owner, signer or beneficiary"
    subject: ClassVar[str] = "members"
    roles: ClassVar[tuple[str, ...]] = _AT_THE_COUNTER
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True  # it may take somebody's money from them
    reversible: ClassVar[bool] = False

    person: Annotated[JointOwnerRef, Field(title="Who (J-00001)")]

    def serves(self, desk: Desk) -> set[str]:
        found = desk.find(records.JointOwner, self.person)
        return set() if found is None else with_owners(desk, [found.member])

    def perform(self, desk: Desk) -> None:
        found = desk.get(records.JointOwner, self.person, "person")
        if found.state != "active":
            raise WrongState(
                "{person} was taken off the account on {day}.", field="person", person=self.person,
                day=found.removed_on,
            )  # fmt: skip
        if found.role in HEIRS:
            require_alive(desk, found.member, "person")
        removed = {"state": "removed", "removed_on": desk.business_day.isoformat()}
        desk.write(self.person, found.model_copy(update=removed), about=found.member)
        desk.note("Member", found.member)


# --------------------------------------------------------------------------------------------- death


class RecordDeath(Operation):
    """Record that a member died. From then on two people pay out what they had, to beneficiaries or the estate."""

    name: ClassVar[str] = "record-death"
    title: ClassVar[str] = "Record a death"
    subject: ClassVar[str] = "members"
    roles: ClassVar[tuple[str, ...]] = _AT_THE_COUNTER
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False  # withdraw it

    member: MemberRef
    died_on: Annotated[Day, Field(title="Died on")]
    evidence: Annotated[Personal, Field(min_length=1, title="What shows it (number of the certificate)")]

    def perform(self, desk: Desk) -> None:
        require_active(desk, self.member)
        known = death_of(desk, self.member)
        if known is not None:
            raise AlreadyExists(
                "The death of {member} is recorded already, on {day}.", field="member", member=self.member,
                day=known.died_on, hint="If the day is wrong, withdraw it first (withdraw-death).",
            )  # fmt: skip
        if self.died_on > desk.business_day:
            raise InvalidDate("{day} lies in the future.", field="died_on", day=self.died_on)
        body = records.Death(
            died_on=self.died_on.isoformat(), evidence=desk.keep("evidence", self.evidence),
            recorded_on=desk.business_day.isoformat(),
        )  # fmt: skip
        desk.write(self.member, body)
        for ref, body_ in owners(desk, self.member):
            desk.note("On the account", f"{ref}, {_(ROLE_WORDS[body_.role])}")


class WithdrawDeath(Operation):
    """Say that a death was recorded by mistake. A second person looks at it too."""

    name: ClassVar[str] = "withdraw-death"
    title: ClassVar[str] = "Withdraw a death recorded by mistake"
    subject: ClassVar[str] = "members"
    roles: ClassVar[tuple[str, ...]] = _AT_THE_COUNTER
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False

    member: MemberRef

    def perform(self, desk: Desk) -> None:
        known = death_of(desk, self.member)
        if known is None:
            raise WrongState("No death of {member} is recorded.", field="member", member=self.member)
        desk.write(self.member, known.model_copy(update={"state": "mistaken"}))


class PayEstate(Paying):
    """Pay out what a member who died had: to a joint owner or beneficiary, or to the estate. It takes two people."""

    name: ClassVar[str] = "pay-estate"
    title: ClassVar[str] = "Pay what a member left"
    subject: ClassVar[str] = "members"
    roles: ClassVar[tuple[str, ...]] = (TELLER, TREASURER)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True

    member: MemberRef
    account: Annotated[Text, Field(min_length=1, title="From which account (S-M0007, 901, 871)")]
    amount: Money
    to_person: Annotated[JointOwnerRef | None, Field(title="To a joint owner or beneficiary")] = None
    estate_name: Annotated[Personal | None, Field(min_length=1, title="Or to who represents the estate")] = None
    papers: Annotated[Personal | None, Field(min_length=1, title="What shows that (letters of administration)")] = None

    def serves(self, desk: Desk) -> set[str]:
        return with_owners(desk, [self.member])

    def perform(self, desk: Desk) -> None:
        desk.get(records.Member, self.member, "member")
        if death_of(desk, self.member) is None:
            raise WrongState(
                "No death of {member} is recorded.", field="member", member=self.member,
                hint="Record it first (record-death).",
            )  # fmt: skip
        leaf = left_by(desk, self.member, self.account)
        whom = self._whom(desk, leaf.contract if leaf.gl_code == "905" else "")
        held = -leaf.balance
        if self.amount > held:
            raise Overdrawn(
                "{account} holds only {held}.", field="amount", account=leaf.code, held=shown(desk, max(0, held))
            )
        require_available(desk, leaf.code, held, self.amount)
        if leaf.gl_code == REDEMPTIONS:
            settle(desk, self.member, self.amount)
        if leaf.gl_code in ("901", "903"):
            require_whole(desk, self.amount, desk.get(records.ShareClass, leaf.gl_code, "account"), leaf.code)
            require_own(desk, self.member, leaf.code, held, self.amount)
        desk.post(
            f"Left by {self.member}: {leaf.code} to {whom}",
            [(FUND, leaf.code, self.amount), *self.pay(desk, FUND, self.amount)],
        )
        desk.note("Still there", shown(desk, held - self.amount))

    def _whom(self, desk: Desk, savings: str) -> str:
        """Who is paid; refuses who has no right to it, and an estate without papers."""
        if (self.to_person is None) == (self.estate_name is None):
            raise InvalidValue(
                "Say who is paid: a joint owner or beneficiary, or the estate, and not both.", field="to_person",
            )  # fmt: skip
        if self.to_person is None:
            if self.papers is None:
                raise InvalidValue(
                    "An estate is paid on papers only.", field="papers",
                    hint="Name the letters of administration, or the affidavit that the law accepts.",
                )  # fmt: skip
            desk.note("Paid to", _("the estate"))
            return "the estate"
        found = owner_on(desk, self.member, savings, self.to_person, "to_person")
        if found.role not in HEIRS:
            raise WrongState(
                "{person} was an authorised signer: that ends with the member's death.", field="to_person",
                person=self.to_person,
            )  # fmt: skip
        desk.note("Paid to", self.to_person)
        return str(self.to_person)


def left_by(desk: Desk, member: str, account: str) -> Leaf:
    """A leaf of the member from which money can be paid out, however it is written: S-M0007, 905/M0007, 901."""
    named = account.strip().upper()
    code = f"905/{named.removeprefix('S-')}" if named.startswith(("S-", "M")) else named
    for leaf in desk.held_by(member):
        if leaf.fund == FUND and leaf.gl_code in CAN_BE_ASKED_BACK and code in (leaf.code, leaf.gl_code):
            return leaf
    raise Unknown(
        "{member} has no account {account} that could be paid out.", field="account", member=member,
        account=account[:40], hint="See what there is with: coopbank member {member}",
    )  # fmt: skip


# ------------------------------------------------------------------------------------------- contact


class LostContact(Operation):
    """Note that contact with a member was lost: a letter came back, nobody answers."""

    name: ClassVar[str] = "lost-contact"
    title: ClassVar[str] = "Contact with a member was lost"
    subject: ClassVar[str] = "members"
    roles: ClassVar[tuple[str, ...]] = _AT_THE_COUNTER
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False

    member: MemberRef
    lost_on: Annotated[Day | None, Field(title="Since, if not today")] = None
    how: Annotated[Personal | None, Field(min_length=1, title="How it was noticed")] = None

    def perform(self, desk: Desk) -> None:
        require_active(desk, self.member)
        known = desk.find(records.Contact, self.member) or records.Contact()
        if known.lost_since is not None:
            raise AlreadyExists(
                "Contact with {member} is lost since {day} already.", field="member", member=self.member,
                day=known.lost_since,
            )  # fmt: skip
        day = self.lost_on or desk.business_day
        if day > desk.business_day:
            raise InvalidDate("{day} lies in the future.", field="lost_on", day=day)
        changes: dict[str, object] = {"lost_since": day.isoformat()}
        if self.how is not None:
            changes["how"] = desk.keep("how", self.how)
        desk.write(self.member, known.model_copy(update=changes))


class FoundAgain(Operation):
    """Note that contact with a member was had: they came, wrote or called. It counts as a sign of them."""

    name: ClassVar[str] = "found-again"
    title: ClassVar[str] = "Contact with a member was had"
    subject: ClassVar[str] = "members"
    roles: ClassVar[tuple[str, ...]] = _AT_THE_COUNTER
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False

    member: MemberRef
    how: Annotated[Personal, Field(min_length=1, title="How")]
    on: Annotated[Day | None, Field(title="On, if not today")] = None

    def perform(self, desk: Desk) -> None:
        desk.get(records.Member, self.member, "member")
        require_alive(desk, self.member)
        known = desk.find(records.Contact, self.member) or records.Contact()
        day = self.on or desk.business_day
        if day > desk.business_day:
            raise InvalidDate("{day} lies in the future.", field="on", day=day)
        if known.last is not None and day.isoformat() < known.last:
            raise InvalidDate(
                "Contact was had on {last}, which is later.", field="on", last=known.last,
                hint="Only the last contact counts.",
            )  # fmt: skip
        since = known.lost_since if known.lost_since is not None and day.isoformat() < known.lost_since else None
        noticed = known.noticed_on if known.noticed_on is not None and day.isoformat() < known.noticed_on else None
        changes = {"lost_since": since, "noticed_on": noticed, "last": day.isoformat(),
                   "how": desk.keep("how", self.how)}  # fmt: skip
        desk.write(self.member, known.model_copy(update=changes))
