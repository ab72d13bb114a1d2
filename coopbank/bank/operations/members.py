"""Members: admitting a person or an organisation, and changing what is known of them."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from coopbank.bank import groups, records
from coopbank.bank.contact import death_of
from coopbank.bank.desk import Desk
from coopbank.bank.fields import Code, Day, MemberRef, Personal, Widget, refuse
from coopbank.bank.operation import ADMINISTRATOR, LOAN_OFFICER, TELLER, TREASURER, Operation
from coopbank.errors import AlreadyExists, InvalidDate, InvalidValue, WrongState

PersonalOption = Annotated[Personal | None, Field(min_length=1)]
Language = Annotated[Literal["en", "es"], Widget("choice"), Field(title="Language of statements")]

_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"\\]+@[^\s@<>()\[\],;:\"\\.]+(\.[^\s@<>()\[\],;:\"\\.]+)+")


def _email(text: str | None) -> str | None:
    if text and not (text.isprintable() and _EMAIL.fullmatch(text)):  # nor with a sign that nobody sees
        raise refuse("Write one e-mail address, for example mia@lee.example.")
    return text


Email = Annotated[PersonalOption, AfterValidator(_email), Field(title="E-mail")]

_PERSONAL = ("name", "phone", "email", "address", "tax_id")


class AdmitMember(Operation):
    """Admit a person or an organisation. They are a full member once their share is paid."""

    name: ClassVar[str] = "admit-member"
    title: ClassVar[str] = "Admit a member"
    subject: ClassVar[str] = "members"
    version: ClassVar[int] = 1
    roles: ClassVar[tuple[str, ...]] = (TELLER, LOAN_OFFICER, TREASURER, ADMINISTRATOR)

    member_name: Annotated[Personal, Field(min_length=1, title="Name")]
    entity: Annotated[Literal["person", "organisation"], Widget("choice"), Field(title="Person or organisation")] = (
        "person"
    )
    phone: Annotated[PersonalOption, Field(title="Telephone")] = None
    email: Email = None
    address: Annotated[PersonalOption, Field(title="Address")] = None
    tax_id: Annotated[PersonalOption, Field(title="Taxpayer number")] = None
    language: Language = "en"
    joined_on: Annotated[Day | None, Field(title="Member since")] = None
    number: Annotated[Code | None, Field(title="Member number (from old records)")] = None

    def perform(self, desk: Desk) -> None:
        joined = self.joined_on or desk.business_day
        if joined > desk.business_day:
            raise InvalidDate("{day} lies in the future.", field="joined_on", day=joined)
        ref = self._own_number(desk) if self.number else desk.next_ref("member", "M", 4)
        kept = {
            field: desk.keep("member_name" if field == "name" else field, value)
            for field in _PERSONAL
            if (value := self.member_name if field == "name" else getattr(self, field)) is not None
        }
        body = records.Member(entity=self.entity, joined_on=joined.isoformat(), language=self.language, **kept)
        desk.write(ref, body)
        desk.list_member(ref, self.member_name, self.phone or "")
        desk.note("Member", ref)

    def _own_number(self, desk: Desk) -> str:
        number = str(self.number).upper()
        if not re.fullmatch(r"M[0-9]{4,9}", number):
            raise InvalidValue(
                "{number} is no member number.", field="number", number=self.number,
                hint="It looks like M0042; leave it out and the next one is given.",
            )  # fmt: skip
        if desk.version("member", number):
            raise AlreadyExists("There is a member {number} already.", field="number", number=number)
        desk.created.append(number)
        return number


class ChangeMember(Operation):
    """Change a member's name, telephone, address or language, or note that they have left."""

    name: ClassVar[str] = "change-member"
    title: ClassVar[str] = "Change a member"
    subject: ClassVar[str] = "members"
    roles: ClassVar[tuple[str, ...]] = (TELLER, LOAN_OFFICER, TREASURER, ADMINISTRATOR)

    member: MemberRef
    member_name: Annotated[PersonalOption, Field(title="Name")] = None
    phone: Annotated[PersonalOption, Field(title="Telephone")] = None
    email: Email = None
    address: Annotated[PersonalOption, Field(title="Address")] = None
    tax_id: Annotated[PersonalOption, Field(title="Taxpayer number")] = None
    language: Annotated[Literal["en", "es"] | None, Widget("choice"), Field(title="Language of statements")] = None
    status: Annotated[Literal["active", "left"] | None, Widget("choice"), Field(title="Active or left")] = None
    take_away: Annotated[
        Literal["phone", "email", "address", "tax-id"] | None, Widget("choice"), Field(title="Take away what is wrong")
    ] = None

    def perform(self, desk: Desk) -> None:
        before = desk.get(records.Member, self.member, "member")
        if before.forgotten_on is not None:
            raise WrongState(
                "Member {member} was forgotten on {day}: nothing is left that could be changed.", field="member",
                member=self.member, day=before.forgotten_on,
                hint="If they come back, admit them anew under a new number (admit-member).",
            )  # fmt: skip
        changes: dict[str, object] = {}
        for field in _PERSONAL:
            value = self.member_name if field == "name" else getattr(self, field)
            if value is not None:
                changes[field] = desk.keep("member_name" if field == "name" else field, value)
        for field in ("language", "status"):
            if getattr(self, field) is not None:
                changes[field] = getattr(self, field)
        if self.take_away is not None:
            self._take_away(before, changes)
        if not changes:
            raise InvalidValue("Nothing was changed.", field="member", hint="Fill in what is new.")
        if self.status == "left" and any(leaf.balance for leaf in desk.held_by(self.member)):
            raise WrongState(
                "{member} still has shares, savings or loans.", field="status", member=self.member,
                hint="Bring every account to zero first.",
            )  # fmt: skip
        if self.status == "left":
            groups.require_nothing_coming(desk, self.member)
        after = before.model_copy(update=changes)
        desk.write(self.member, after)
        name = self.member_name or desk.member_name(self.member)
        desk.list_member(self.member, name, self.phone or desk.personal(after.phone))
        desk.note("Member", self.member)

    def _take_away(self, before: records.Member, changes: dict[str, object]) -> None:
        """What was entered and is not theirs goes out of the record; earlier versions of it stay, as all do."""
        field = str(self.take_away).replace("-", "_")
        if field in changes:
            raise InvalidValue(
                "It is changed and taken away at once.", field="take_away", hint="Choose one of the two."
            )
        if getattr(before, field) is None:
            raise WrongState(
                "Nothing of that kind is known of member {member}.", field="take_away", member=self.member
            )  # fmt: skip
        changes[field] = None


def require_alive(desk: Desk, member: str, field: str = "member") -> None:
    """Refuse what only a living member does: taking money out, borrowing."""
    death = death_of(desk, member)
    if death is not None:
        raise WrongState(
            "Member {member} died on {day}: what they have goes to beneficiaries, or to the estate.", field=field,
            member=member, day=death.died_on, hint="Two people pay it out (pay-estate).",
        )  # fmt: skip


def require_active(desk: Desk, member: str, field: str = "member") -> records.Member:
    """The member, refused if there is none or they have left."""
    found = desk.get(records.Member, member, field)
    if found.status != "active":
        raise WrongState(
            "Member {member} has left.", field=field, member=member,
            hint="If they are back, make them active again (change-member).",
        )  # fmt: skip
    return found
