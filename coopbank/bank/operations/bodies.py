"""Bodies: the members who decide together, and the seats of those that are not everybody.

An assembly is all members, each with one vote whatever shares they hold. A committee or a council of peers is who holds
a seat on it, for a term. Bodies and seats are set by two people.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from coopbank.bank import records
from coopbank.bank.desk import Desk
from coopbank.bank.fields import BodyRef, Code, Day, MemberRef, Memo, Text, Widget, clean_text, refuse
from coopbank.bank.operation import ADMINISTRATOR, TREASURER, Operation
from coopbank.bank.operations.members import require_active, require_alive
from coopbank.bank.voting import ASSEMBLY, MATTERS, seat_ref
from coopbank.errors import AlreadyExists, InvalidDate, InvalidValue, WrongState
from coopbank.finance.voting import RULES
from coopbank.words import _

NOTICE_DAYS = 10
"""Days between the notice of a meeting and the meeting, where nothing else is decided."""
LONGEST_TERM = 3660


def _whole(value: Any) -> Any:
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,5}", text.strip()):
        raise refuse("Write a whole number, in digits only.")
    return int(text)


Whole = Annotated[int, BeforeValidator(_whole), Widget("number")]


def _share(value: Any) -> str:
    text = str(value).strip() if isinstance(value, (str, Decimal)) else ""
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3})?", text) or Decimal(text) > 100:
        raise refuse('Write a percentage from 0 to 100, for example "10".')
    return text


def _read_majorities(value: Any) -> Any:
    """As it is said, "policy two-thirds, transfer of-all", or {"policy": "two-thirds"}."""
    if isinstance(value, str):
        parts = [part.split() for part in value.replace("\n", ",").split(",") if part.strip()]
        if any(len(part) != 2 for part in parts) or len({part[0] for part in parts}) < len(parts):
            raise refuse('Write each matter with its majority, for example "policy two-thirds, transfer of-all".')
        value = {part[0]: part[1] for part in parts}
    if not isinstance(value, dict) or not all(m in MATTERS and rule in RULES for m, rule in value.items()):
        raise refuse(
            "Matters are {matters}; majorities are {rules}.", matters=", ".join(MATTERS), rules=", ".join(RULES)
        )
    return value


Majorities = Annotated[
    dict[str, str], BeforeValidator(clean_text), BeforeValidator(_read_majorities), Widget("text"),
    Field(title="Majorities that are not simple"),
]  # fmt: skip


class SetBody(Operation):
    """Set up a body whose members decide together, or change its rules. Each member has one vote."""

    name: ClassVar[str] = "set-body"
    title: ClassVar[str] = "Set up a body that decides"
    subject: ClassVar[str] = "decisions"
    roles: ClassVar[tuple[str, ...]] = (ADMINISTRATOR, TREASURER)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False  # the next version changes it

    body: Annotated[Code, AfterValidator(str.upper), Field(title="Code, for example ASSEMBLY")]
    body_name: Annotated[Text, Field(min_length=1, title="Name")]
    form: Annotated[Literal["assembly", "committee", "council"], Widget("choice"), Field(title="Who belongs to it")]
    quorum_percent: Annotated[
        str, BeforeValidator(_share), Field(title="Quorum in percent, of who may vote"), Widget("text")
    ] = "0"  # fmt: skip
    quorum_least: Annotated[Whole, Field(ge=1, title="Quorum in persons, at least")] = 2
    notice_days: Annotated[Whole | None, Field(le=365, title="Days of notice, if not the bank's")] = None
    majorities: Majorities = {}
    dissolved: Annotated[bool, Field(title="It is dissolved")] = False

    def perform(self, desk: Desk) -> None:
        before = desk.find(records.VotingBody, self.body)
        if before is not None and before.form != self.form:
            raise InvalidValue(
                "{body} stays what it is: {form}.", field="form", body=self.body, form=_(before.form),
                hint="Set up another body.",
            )  # fmt: skip
        body = records.VotingBody(
            name=self.body_name, form=self.form, quorum_percent=self.quorum_percent, quorum_least=self.quorum_least,
            notice_days=notice_days(desk) if self.notice_days is None else self.notice_days,
            majorities=dict(sorted(self.majorities.items())), state="dissolved" if self.dissolved else "active",
        )  # fmt: skip
        if body == before:
            raise InvalidValue("{body} has exactly these rules already.", field="body", body=self.body)
        desk.write(self.body, body)
        if before is None:
            desk.created.append(self.body)
        desk.note("Body", self.body)


class SeatMember(Operation):
    """Give a member a seat on a committee or council for a term, or a further term."""

    name: ClassVar[str] = "seat-member"
    title: ClassVar[str] = "Give a seat"
    subject: ClassVar[str] = "decisions"
    roles: ClassVar[tuple[str, ...]] = (ADMINISTRATOR, TREASURER)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False  # end-seat ends it

    body: BodyRef
    member: MemberRef
    until: Annotated[Day, Field(title="Last day of the term")]
    elected_by: Annotated[Text, Field(title="By which decision")] = ""

    def perform(self, desk: Desk) -> None:
        body = active_body(desk, self.body)
        if body.form == ASSEMBLY:
            raise WrongState(
                "{body} is all members: there are no seats on it.", field="body", body=self.body,
                hint="Every member has a vote there already.",
            )  # fmt: skip
        require_active(desk, self.member)
        require_alive(desk, self.member)
        take_seat(desk, self.body, self.member, self.until.isoformat(), self.elected_by, field="until")


class EndSeat(Operation):
    """End a member's seat before its term is over. Say why."""

    name: ClassVar[str] = "end-seat"
    title: ClassVar[str] = "End a seat"
    subject: ClassVar[str] = "decisions"
    roles: ClassVar[tuple[str, ...]] = (ADMINISTRATOR, TREASURER)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False  # seat-member gives it again

    body: BodyRef
    member: MemberRef
    why: Annotated[Memo, Field(min_length=1, title="Why")]

    def perform(self, desk: Desk) -> None:
        ref = seat_ref(self.body, self.member)
        seat = desk.find(records.Seat, ref)
        if seat is None or seat.state != "held" or seat.until < desk.business_day.isoformat():
            raise WrongState("{member} holds no seat on {body}.", field="member", member=self.member, body=self.body)
        ended = seat.model_copy(
            update={"state": "ended", "ended_on": desk.business_day.isoformat(), "why": self.why}
        )  # fmt: skip
        desk.write(ref, ended, about=self.body)
        desk.note("Seat", ref)


# ------------------------------------------------------------------------------------- helpers


def notice_days(desk: Desk) -> int:
    """Days of notice where a body has no rule of its own."""
    return int(desk.policy("meeting_notice_days", NOTICE_DAYS))


def active_body(desk: Desk, ref: str, field: str = "body") -> records.VotingBody:
    """The body, refused if there is none or it is dissolved."""
    body = desk.get(records.VotingBody, ref, field)
    if body.state != "active":
        raise WrongState("{body} is dissolved.", field=field, body=ref)
    return body


def take_seat(desk: Desk, body: str, member: str, until: str, elected_by: str, *, field: str) -> None:
    """Write a seat from today; refuses one that is held until then anyway, and a term without an end in sight."""
    today = desk.business_day
    if until < today.isoformat():
        raise InvalidDate("{day} is over.", field=field, day=until)
    if int(until[:4]) - today.year > LONGEST_TERM // 366:
        raise InvalidDate("A term of more than ten years is no term: {day}.", field=field, day=until)
    ref = seat_ref(body, member)
    before = desk.find(records.Seat, ref)
    held = before is not None and before.state == "held" and before.until >= today.isoformat()
    if before is not None and held and before.until >= until:
        raise AlreadyExists(
            "{member} holds a seat on {body} until {day}.", field=field, member=member, body=body, day=before.until
        )
    from_day = before.from_day if before is not None and held else today.isoformat()
    seat = records.Seat(body=body, member=member, from_day=from_day, until=until, elected_by=elected_by)
    desk.write(ref, seat, about=body)
    desk.note("Seat", ref)
