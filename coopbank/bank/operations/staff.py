"""Staff: signing in, users and their roles, the second person, and what was refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from coopbank.bank import limits, records
from coopbank.bank.access import CODES_POLICY, named, roles_with_codes
from coopbank.bank.books import LOCKED, Actor, Books
from coopbank.bank.campaign_guard import payees_text
from coopbank.bank.contact import with_owners
from coopbank.bank.desk import Desk
from coopbank.bank.fields import (
    Code,
    Decided,
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
    CATALOGUE,
    LOAN_OFFICER,
    ROLES,
    SUPERVISOR,
    TELLER,
    TREASURER,
    Operation,
    build,
    operation_named,
)
from coopbank.bank.policies import AMOUNT, LATER_POLICIES, OTHER, PERCENTAGE, POLICIES
from coopbank.bank.retention import rules_of
from coopbank.clock import zone_named
from coopbank.errors import (
    AlreadyExists,
    InvalidAmount,
    InvalidValue,
    KeysLocked,
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
RESET_DAYS = 7
"""Days after which an agreement that a passphrase may be set anew is none any more."""
SIGNED_IN = "signed-in:"  # begins the key of the sign-in of a person's first command of a day; no door may use it
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
    version: ClassVar[int] = 2  # 1 left it to the door whether a colleague's is changed at first use
    internal: ClassVar[bool] = True
    reversible: ClassVar[bool] = False

    user: UserRef

    def perform(self, desk: Desk) -> None:
        known = desk.get(records.User, self.user, "user")
        actor = desk.actor_now(desk.actor.user)  # the powers held now, whatever the door remembers
        if self.user != actor.user and ADMINISTRATOR not in actor.roles:
            raise NotAllowed("Only an administrator sets a colleague's passphrase.", field="user")
        if self.user != actor.user:
            _require_own_passphrase(actor)
            self._use_reset(desk, known)
        must = self.user != actor.user and not is_practice(desk)
        if must != known.must_change:
            desk.write(self.user, known.model_copy(update={"must_change": must}), about=known.member)

    def _use_reset(self, desk: Desk, known: records.User) -> None:
        """Once somebody has a passphrase of their own, a colleague replaces it only where that was agreed."""
        reset = open_reset(desk, self.user)
        if reset is not None:
            desk.write(self.user, reset.model_copy(update={"state": "used"}))
        elif has_own_passphrase(desk, self.user, known):
            raise NotAllowed(
                "{user} has a passphrase already; that a colleague sets another is agreed first.", field="user",
                user=self.user, hint="Ask for it with: coopbank do reset-sign-in --user {user}",
            )  # fmt: skip


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
        if self.user != actor.user:
            raise NotAllowed(
                "Only {user} begins with codes; an administrator can only end them.", field="user", user=self.user,
                hint="Ask for it with: coopbank do reset-sign-in --user {user} --codes yes --passphrase no",
            )  # fmt: skip
        _require_own_passphrase(actor)
        if self.user == actor.user and not self.on and named(desk, known.roles):
            raise NotAllowed(
                "Whoever is {roles} signs in with one-time codes.", field="user",
                roles=", ".join(sorted(roles_with_codes(desk.policy(CODES_POLICY)) & set(known.roles))),
                hint="With another telephone, begin anew: coopbank codes on. Or change the policy {policy}.",
                policy=CODES_POLICY,
            )  # fmt: skip
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

    def nobody(self) -> str:
        """A user who could not agree to this, whatever their roles."""
        return ""

    def second_reason(self, desk: Desk) -> str | None:
        others = [
            name
            for name, user in desk.every(records.User)
            if name not in (desk.actor.user, self.nobody()) and user.active and set(user.roles) & set(self.approvers)
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


class ResetSignIn(UsersChange):
    """Help a colleague who cannot sign in: a new passphrase may be set for them, or their one-time codes end.

    Whoever could do that alone could sign in as them: so it takes two people wherever a third could agree.
    """

    name: ClassVar[str] = "reset-sign-in"
    title: ClassVar[str] = "Renew a colleague's sign-in"
    subject: ClassVar[str] = "staff"
    roles: ClassVar[tuple[str, ...]] = (ADMINISTRATOR,)
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False

    user: Annotated[UserRef, Field(title="User")]
    passphrase: Annotated[bool, Field(title="A new passphrase may be set")] = True
    codes: Annotated[bool, Field(title="Their one-time codes end")] = False
    why: Annotated[Memo | None, Field(title="Why")] = None

    def nobody(self) -> str:
        return str(self.user)  # who has lost their passphrase cannot agree

    def perform(self, desk: Desk) -> None:
        known = desk.get(records.User, self.user, "user")
        if self.user == desk.actor.user:
            raise NotAllowed(
                "Your own passphrase is yours to set.", field="user", hint="Set it with: coopbank passphrase {user}",
                user=self.user,
            )  # fmt: skip
        if not (self.passphrase or self.codes):
            raise InvalidValue("Say what is to be renewed: the passphrase, the codes, or both.", field="passphrase")
        if self.codes and not known.one_time_code:
            raise InvalidValue("{user} signs in without one-time codes.", field="codes", user=self.user)
        reset = open_reset(desk, self.user)
        if self.passphrase and (reset is not None or _asked_already(desk, self)):
            raise WrongState(
                "That is agreed or asked for already.", field="user",
                hint="See what waits with: coopbank pending. Once agreed, set it with: coopbank passphrase {user}",
                user=self.user,
            )  # fmt: skip
        if self.codes:
            desk.write(self.user, known.model_copy(update={"one_time_code": False}), about=known.member)
        left = self.passphrase or reset is not None
        body = records.SignInReset(
            state="open" if left else "used", passphrase=left, codes=self.codes, asked_by=desk.actor.user,
            agreed_by=desk.approver, until=(desk.business_day + timedelta(days=RESET_DAYS)).isoformat(),
        )  # fmt: skip
        desk.write(self.user, body)
        desk.note("User", self.user)
        if self.passphrase:
            desk.note("Then set it with", f"coopbank passphrase {self.user}")


def open_reset(books: Books, user: str) -> records.SignInReset | None:
    """The agreement that a user's passphrase may be set anew, if there is one that was not used."""
    found = books.find(records.SignInReset, user)
    today = (books.business_date() or date.min).isoformat()
    return found if found is not None and found.state == "open" and found.until >= today else None


def has_own_passphrase(books: Books, user: str, known: records.User) -> bool:
    """Whether a user has a passphrase that they chose; one that a colleague set is theirs only once they changed it."""
    return not known.must_change and books.tx.value('SELECT 1 FROM credential WHERE "user" = ?', user) is not None


def is_practice(books: Books) -> bool:
    """Whether these are practice books, whose passphrases everybody knows."""
    return books.find(records.Policy, "demo_sign_ins") is not None


def _asked_already(desk: Desk, asked: ResetSignIn) -> bool:
    return any(
        request.operation == asked.name and request.payload.get("user") == asked.user
        and request.payload.get("passphrase", True)
        for _ref, request in desk.about(records.Request, "waiting")
    )  # fmt: skip


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
    decided_as: ClassVar[tuple[str, ...]] = ("policy",)
    decided_about: ClassVar[tuple[str, ...]] = ("policy",)
    decided_amount: ClassVar[str] = ""

    policy: Code
    value: Annotated[
        str, BeforeValidator(clean_text), AfterValidator(_short), Field(max_length=LARGEST_PICTURE, title="New value"),
        Widget("text"),
    ]  # fmt: skip
    resolution: Decided = None

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
    kind = POLICIES[policy].kind if policy in POLICIES else OTHER
    if isinstance(before, int) or policy == "backup_days":
        if not re.fullmatch(r"[0-9]{1,4}", text):
            raise InvalidValue("Write a whole number from 0 to 9999.", field="value")
        return int(text)
    if kind == AMOUNT and not (policy == "linked_limit" and not text):
        amount = parse_amount(text, desk.currency, field="value")
        if amount < 0:
            raise InvalidAmount("The amount cannot be below zero.", field="value")
        return format_amount(amount, desk.currency)
    if policy in _NAMING:
        return _NAMING[policy](desk, text)
    if kind == PERCENTAGE and not re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,2})?", text):
        raise InvalidValue('Write a percentage, for example "24"; "0" is none.', field="value")
    if policy == "backups_kept" and text:
        rules_of(text)
    if policy in ("colour", "logo") and text:
        return require_colour(text) if policy == "colour" else require_picture(text)
    if policy == "time_zone" and text and zone_named(text) is None:
        raise InvalidValue(
            "{zone} is no time zone that is known here.", field="value", zone=text[:40],
            hint="Write it as America/Chicago.",
        )  # fmt: skip
    if policy == "paper" and text not in ("letter", "A4"):
        raise InvalidValue("Choose letter or A4.", field="value")
    return text


def _roles_named(_desk: Desk, text: str) -> str:
    """Roles with commas between them, in order."""
    wanted = roles_with_codes(text)
    unknown = sorted(wanted - set(ROLES))
    if unknown:
        raise InvalidValue(
            "There is no role {role}; choose from: {roles}.", field="value", role=unknown[0][:40],
            roles=", ".join(ROLES),
        )  # fmt: skip
    return ", ".join(sorted(wanted))


def _shared_account(desk: Desk, text: str) -> str:
    if desk.get(records.BankAccount, text, "value").fund != POOL:
        raise InvalidValue("Choose a bank account that the funds share.", field="value")
    return text


def _yes_or_no(_desk: Desk, text: str) -> str:
    if text not in ("yes", "no"):
        raise InvalidValue("Choose yes or no.", field="value")
    return text


def _active_users(desk: Desk, text: str) -> str:
    return ", ".join(desk.actor_now(user).user for user in text.replace(",", " ").split())


#: Policies that name something of the books, and how it is read.
_NAMING: dict[str, Callable[[Desk, str], str]] = {
    CODES_POLICY: _roles_named,
    "bank_account": _shared_account,
    "campaign_payees": payees_text,
    "donated_work": _yes_or_no,
    "member_payments": _yes_or_no,
    "care_committee": _active_users,
    "solidarity_fund": lambda desk, text: desk.fund_exists(text, "value"),
}


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
                "{user} may not approve this: {title}.", field="request", user=desk.actor.user,
                title=_(operation.title), hint="It takes one of: {roles}.",
                roles=", ".join(map(_, operation.approvers)),
            )  # fmt: skip
        asker = desk.actor_now(request.asked_by)
        if asker.member is not None and asker.member == desk.actor.member:
            raise OwnRequest(
                "{asker} and {user} are the same person, member {member}.", field="request", asker=asker.user,
                user=desk.actor.user, member=asker.member, hint="A colleague has to.",
            )  # fmt: skip
        book_currency.set(desk.currency)  # the request is read on the approver's side, maybe in another thread
        values = desk.resolve(request.payload)
        if LOCKED in values.values():
            raise KeysLocked(
                "Request {request} is encrypted, and the book's key is not open.", field="request",
                request=self.request, hint="It takes somebody whose passphrase opens the key.",
            )  # fmt: skip
        asked = build(request.operation, values)
        if desk.actor.theirs and desk.actor.theirs & with_owners(desk, asked.serves(desk)):
            raise OwnAccount("Nobody approves what touches their own account.", field="request")
        self.decide(desk, request, "approved")
        desk.note("Approved", self.request)
        desk.then(asker, desk.actor.user, asked, APPROVED + self.request)


def approved_by(books: Books, approval: Approve) -> Operation | None:
    """What an approval lets happen, if that reckons something before the book is locked."""
    request = books.find(records.Request, approval.request)
    found = None if request is None or request.state != "waiting" else CATALOGUE.get(request.operation)
    if request is None or found is None or not found.reckons_ahead:
        return None
    book_currency.set(books.institution().currency)
    return build(request.operation, books.resolve(request.payload))


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
