"""Staff: signing in, users and their roles, the second person, and what was refused."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from coopbank.bank import limits, records
from coopbank.bank.books import Actor
from coopbank.bank.contact import with_owners
from coopbank.bank.desk import Desk
from coopbank.bank.fields import (
    Code,
    MemberRef,
    Memo,
    Personal,
    RequestRef,
    UserRef,
    Widget,
    book_currency,
    clean_text,
    refuse,
)
from coopbank.bank.letterhead import LARGEST_PICTURE, require_colour, require_picture
from coopbank.bank.operation import (
    ADMINISTRATOR,
    LOAN_OFFICER,
    ROLES,
    SUPERVISOR,
    TELLER,
    TREASURER,
    Operation,
    build,
    operation_named,
)
from coopbank.bank.retention import rules_of
from coopbank.clock import zone_named
from coopbank.errors import (
    AlreadyExists,
    InvalidAmount,
    InvalidValue,
    NotAllowed,
    OwnAccount,
    OwnRequest,
    WrongState,
)
from coopbank.ledger.chart import POOL
from coopbank.money import format_amount, parse_amount
from coopbank.words import _

LONGEST_VALUE = 200
"""Characters of a policy's value, but for a picture."""
LATER_POLICIES: dict[str, Any] = {
    "colour": "", "logo": "", "auditor_address": "", "time_zone": "", "dormant_months": 12, "cash_report": "",
    "backups": "", "difference_alone": "10.00", "backups_kept": "", "backup_days": 7, "unclaimed_years": 5,
    "notice_days": 60, "unclaimed_together": "50.00", "retention_years": 5,
    "dividend_cap": "8", "redemption_reserve": "0",
}  # fmt: skip
"""Policies that books made by an earlier version do not have yet, and what holds there."""
AMOUNTS = frozenset({"withdrawal_alone", "drawer_limit", "cash_report", "difference_alone", "unclaimed_together"})
"""Policies that are an amount of money."""
PERCENTAGES = frozenset({"backup_withholding", "dividend_cap", "redemption_reserve"})
"""Policies that are a percentage."""
APPROVED = "approved:"  # begins the key of what an approval sets off; no door may use it


def _known_roles(roles: list[str]) -> list[str]:
    for role in roles:
        if role not in ROLES:
            raise refuse("There is no role {role}; choose from: {roles}.", role=role[:40], roles=", ".join(ROLES))
    return sorted(set(roles))


Roles = Annotated[list[str], AfterValidator(_known_roles), Field(min_length=1, max_length=6), Widget("roles")]


class SignIn(Operation):
    """Someone signed in at the counter."""

    name: ClassVar[str] = "sign-in"
    title: ClassVar[str] = "Sign in"
    subject: ClassVar[str] = "staff"
    internal: ClassVar[bool] = True
    reversible: ClassVar[bool] = False

    def perform(self, desk: Desk) -> None:
        """Nothing but the act itself is sealed."""


class SetPassphrase(Operation):
    """Somebody has a new passphrase; the words themselves are nowhere."""

    name: ClassVar[str] = "set-passphrase"
    title: ClassVar[str] = "Set a passphrase"
    subject: ClassVar[str] = "staff"
    internal: ClassVar[bool] = True
    reversible: ClassVar[bool] = False

    user: UserRef
    must_change: bool | None = None  # at the next sign-in; it is for the door to ask

    def perform(self, desk: Desk) -> None:
        known = desk.get(records.User, self.user, "user")
        actor = desk.actor_now(desk.actor.user)  # the powers held now, whatever the door remembers
        if self.user != actor.user and ADMINISTRATOR not in actor.roles:
            raise NotAllowed("Only an administrator sets a colleague's passphrase.", field="user")
        if self.user != actor.user:
            _require_own_passphrase(actor)
        must = bool(self.must_change) and self.user != actor.user
        if must != known.must_change:
            desk.write(self.user, known.model_copy(update={"must_change": must}), about=known.member)


class SetOneTimeCode(Operation):
    """A user signs in with a one-time code as well from now on, or no longer."""

    name: ClassVar[str] = "set-one-time-code"
    title: ClassVar[str] = "One-time codes"
    subject: ClassVar[str] = "staff"
    internal: ClassVar[bool] = True
    reversible: ClassVar[bool] = False

    user: UserRef
    on: bool

    def perform(self, desk: Desk) -> None:
        known = desk.get(records.User, self.user, "user")
        actor = desk.actor_now(desk.actor.user)
        if self.user != actor.user and (self.on or ADMINISTRATOR not in actor.roles):
            raise NotAllowed(
                "Only {user} begins with codes; an administrator can only end them.", field="user", user=self.user
            )
        _require_own_passphrase(actor)
        if known.one_time_code != self.on:
            desk.write(self.user, known.model_copy(update={"one_time_code": self.on}), about=known.member)


def _require_own_passphrase(actor: Actor) -> None:
    """Refuse somebody whose passphrase a colleague knows as well; to choose another is all that they may do."""
    if actor.must_change:
        raise NotAllowed(
            "Choose a passphrase of your own first: somebody else knows this one.", field="passphrase",
            hint="Set it with: coopbank passphrase {user}", user=actor.user,
        )  # fmt: skip


class LogRefusal(Operation):
    """A signed-in person was refused, or a sign-in failed."""

    name: ClassVar[str] = "log-refusal"
    title: ClassVar[str] = "Refusal"
    subject: ClassVar[str] = "staff"
    internal: ClassVar[bool] = True
    reversible: ClassVar[bool] = False

    operation: str
    code: str
    field_name: str | None = None
    template: str | None = None

    def perform(self, desk: Desk) -> None:
        """The request says it all: no names, no amounts, only which rule refused what."""


class UsersChange(Operation):
    """Common to changes of users: alone while nobody else could approve, then with a second person."""

    def second_reason(self, desk: Desk) -> str | None:
        others = [
            name
            for name, user in desk.every(records.User)
            if name != desk.actor.user and user.active and set(user.roles) & set(self.approvers)
            and limits.may(desk, tuple(user.roles), Approve.name)
        ]  # fmt: skip
        return "Users and their roles are changed by two people." if others else None


class AddUser(UsersChange):
    """Let a colleague work at the counter. They get a passphrase of their own afterwards."""

    name: ClassVar[str] = "add-user"
    title: ClassVar[str] = "Add a user"
    subject: ClassVar[str] = "staff"
    roles: ClassVar[tuple[str, ...]] = (ADMINISTRATOR,)
    reversible: ClassVar[bool] = False

    user: Annotated[Code, Field(title="User name")]
    full_name: Annotated[Personal, Field(min_length=1, title="Full name")]
    user_roles: Annotated[Roles, Field(title="Roles")]
    member: Annotated[MemberRef | None, Field(title="Their own member number")] = None

    def serves(self, desk: Desk) -> set[str]:
        return set()

    def perform(self, desk: Desk) -> None:
        alike = [name for name, _user in desk.every(records.User) if name.casefold() == self.user.casefold()]
        if alike:
            raise AlreadyExists("There is a user {user} already.", field="user", user=alike[0])
        if self.member is not None:
            desk.get(records.Member, self.member, "member")
        desk.write(
            self.user,
            records.User(full_name=desk.keep("full_name", self.full_name), roles=self.user_roles, member=self.member),
            about=self.member,
        )


class ChangeRole(UsersChange):
    """Give a user other roles, or take all of them away by making the user inactive."""

    name: ClassVar[str] = "change-role"
    title: ClassVar[str] = "Change a user's roles"
    subject: ClassVar[str] = "staff"
    roles: ClassVar[tuple[str, ...]] = (ADMINISTRATOR,)
    reversible: ClassVar[bool] = False

    user: UserRef
    user_roles: Annotated[Roles, Field(title="Roles")]
    active: bool = True

    def perform(self, desk: Desk) -> None:
        user = desk.get(records.User, self.user, "user")
        if self.user == desk.actor.user:
            raise NotAllowed("Nobody changes their own roles.", field="user")
        desk.write(
            self.user, user.model_copy(update={"roles": self.user_roles, "active": self.active}), about=user.member
        )


class LinkUser(UsersChange):
    """Say which member a user is, so that they never serve their own account."""

    name: ClassVar[str] = "link-user"
    title: ClassVar[str] = "Link a user to their member account"
    subject: ClassVar[str] = "staff"
    roles: ClassVar[tuple[str, ...]] = (ADMINISTRATOR,)
    reversible: ClassVar[bool] = False

    user: UserRef
    member: MemberRef

    def serves(self, desk: Desk) -> set[str]:
        return set()

    def perform(self, desk: Desk) -> None:
        user = desk.get(records.User, self.user, "user")
        desk.get(records.Member, self.member, "member")
        desk.write(self.user, user.model_copy(update={"member": self.member}), about=self.member)


def _short(value: str, info: ValidationInfo) -> str:
    """Only a picture is long."""
    if len(value) > LONGEST_VALUE and info.data.get("policy") != "logo":
        raise refuse("This is {count} characters long; write at most {most}.", count=len(value), most=LONGEST_VALUE)
    return value


class SetPolicy(Operation):
    """Change a setting that the bank decides for itself, such as for how long cheques are held."""

    name: ClassVar[str] = "set-policy"
    title: ClassVar[str] = "Change a policy"
    subject: ClassVar[str] = "staff"
    roles: ClassVar[tuple[str, ...]] = (TREASURER, ADMINISTRATOR)
    second_person: ClassVar[bool] = True

    policy: Code
    value: Annotated[
        str, BeforeValidator(clean_text), AfterValidator(_short), Field(max_length=LARGEST_PICTURE, title="New value"),
        Widget("text"),
    ]  # fmt: skip

    def perform(self, desk: Desk) -> None:
        before = desk.find(records.Policy, self.policy)
        if before is None:
            before = (
                records.Policy(value=LATER_POLICIES[self.policy])
                if self.policy in LATER_POLICIES
                else desk.get(records.Policy, self.policy, "policy")
            )
        value: Any = _policy_value(desk, self.policy, before.value, self.value)
        if value == before.value:
            raise InvalidValue("Policy {policy} is that already.", field="value", policy=self.policy)
        desk.write(self.policy, records.Policy(value=value))


def _policy_value(desk: Desk, policy: str, before: Any, text: str) -> Any:
    """The new value, checked for what the policy is about; a whole number, an amount, or a text."""
    if isinstance(before, int) or policy == "backup_days":
        if not re.fullmatch(r"[0-9]{1,4}", text):
            raise InvalidValue("Write a whole number from 0 to 9999.", field="value")
        return int(text)
    if policy in AMOUNTS:
        amount = parse_amount(text, desk.currency, field="value")
        if amount < 0:
            raise InvalidAmount("The amount cannot be below zero.", field="value")
        return format_amount(amount, desk.currency)
    if policy == "bank_account" and desk.get(records.BankAccount, text, "value").fund != POOL:
        raise InvalidValue("Choose a bank account that the funds share.", field="value")
    if policy in PERCENTAGES and not re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,2})?", text):
        raise InvalidValue('Write a percentage, for example "24"; "0" is none.', field="value")
    if policy == "backups_kept" and text:
        rules_of(text)
    if policy == "colour" and text:
        return require_colour(text)
    if policy == "logo" and text:
        return require_picture(text)
    if policy == "time_zone" and text and zone_named(text) is None:
        raise InvalidValue(
            "{zone} is no time zone that is known here.", field="value", zone=text[:40],
            hint="Write it as America/Chicago.",
        )  # fmt: skip
    if policy == "paper" and text not in ("letter", "A4"):
        raise InvalidValue("Choose letter or A4.", field="value")
    return text


# ------------------------------------------------------------------------- the second person


class Ask(Operation):
    """A request that waits for a second person: the operation itself, stored."""

    name: ClassVar[str] = "ask"
    title: ClassVar[str] = "Ask for a second person"
    subject: ClassVar[str] = "staff"
    internal: ClassVar[bool] = True
    reversible: ClassVar[bool] = False

    operation: str
    operation_version: int
    payload: dict[str, Any]
    reason: str

    def perform(self, desk: Desk) -> None:
        request = records.Request(
            operation=self.operation, operation_version=self.operation_version, payload=self.payload,
            reason=self.reason, asked_by=desk.actor.user, asked_on=desk.business_day.isoformat(),
        )  # fmt: skip
        desk.write(desk.next_ref("request", "R-", 5), request, about="waiting")


class _Decision(Operation):
    """Common to approving, refusing and taking back."""

    request: RequestRef

    def waiting(self, desk: Desk) -> records.Request:
        """The request, if it still waits."""
        found = desk.get(records.Request, self.request, "request")
        if found.state != "waiting":
            raise WrongState(
                "Request {request} is already {state}.", field="request", request=self.request, state=_(found.state)
            )
        return found

    def decide(self, desk: Desk, request: records.Request, state: str, why: str | None = None) -> None:
        """Write the decision."""
        decided = request.model_copy(update={"state": state, "decided_by": desk.actor.user, "why": why})
        desk.write(self.request, decided, about=state)


_DECIDERS = (LOAN_OFFICER, TREASURER, ADMINISTRATOR, SUPERVISOR)


class Approve(_Decision):
    """Approve what a colleague asked for. It is checked again and posted on today's date."""

    name: ClassVar[str] = "approve"
    title: ClassVar[str] = "Approve a request"
    subject: ClassVar[str] = "staff"
    roles: ClassVar[tuple[str, ...]] = _DECIDERS
    reversible: ClassVar[bool] = False

    def perform(self, desk: Desk) -> None:
        request = self.waiting(desk)
        if request.asked_by == desk.actor.user:
            raise OwnRequest("Nobody approves their own request.", field="request", hint="A colleague has to.")
        operation = operation_named(request.operation)
        if request.operation_version != operation.version:
            raise WrongState(
                "Request {request} was made with another version of this program.", field="request",
                request=self.request, hint="Refuse it, and ask for it anew.",
            )  # fmt: skip
        if not set(desk.actor.roles) & set(operation.approvers):
            raise NotAllowed(
                "{user} may not approve this: {title}.", field="request", user=desk.actor.user, title=operation.title,
                hint="It takes one of: {roles}.", roles=", ".join(operation.approvers),
            )  # fmt: skip
        asker = desk.actor_now(request.asked_by)
        if asker.member is not None and asker.member == desk.actor.member:
            raise OwnRequest(
                "{asker} and {user} are the same person, member {member}.", field="request", asker=asker.user,
                user=desk.actor.user, member=asker.member, hint="A colleague has to.",
            )  # fmt: skip
        book_currency.set(desk.currency)  # the request is read on the approver's side, maybe in another thread
        asked = build(request.operation, desk.resolve(request.payload))
        if desk.actor.theirs and desk.actor.theirs & with_owners(desk, asked.serves(desk)):
            raise OwnAccount("Nobody approves what touches their own account.", field="request")
        self.decide(desk, request, "approved")
        desk.note("Approved", self.request)
        desk.then(asker, desk.actor.user, asked, APPROVED + self.request)


class Refuse(_Decision):
    """Refuse what a colleague asked for, and say why."""

    name: ClassVar[str] = "refuse"
    title: ClassVar[str] = "Refuse a request"
    subject: ClassVar[str] = "staff"
    roles: ClassVar[tuple[str, ...]] = _DECIDERS
    reversible: ClassVar[bool] = False

    why: Annotated[Memo, Field(min_length=1, title="Why")]

    def perform(self, desk: Desk) -> None:
        request = self.waiting(desk)
        if request.asked_by == desk.actor.user:
            raise OwnRequest("Take your own request back instead (take-back).", field="request")
        self.decide(desk, request, "refused", self.why)


class TakeBack(_Decision):
    """Take back a request of your own that still waits."""

    name: ClassVar[str] = "take-back"
    title: ClassVar[str] = "Take back a request"
    subject: ClassVar[str] = "staff"
    roles: ClassVar[tuple[str, ...]] = (TELLER, LOAN_OFFICER, TREASURER, ADMINISTRATOR)
    reversible: ClassVar[bool] = False

    def perform(self, desk: Desk) -> None:
        request = self.waiting(desk)
        if request.asked_by != desk.actor.user:
            raise NotAllowed("Only {user} can take this request back.", field="request", user=request.asked_by)
        self.decide(desk, request, "withdrawn")
