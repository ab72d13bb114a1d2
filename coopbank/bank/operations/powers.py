"""Powers as the bank sets them: which operations a role may do, up to which amounts, and whom nobody serves.

A person with several roles has the widest of their limits: what one of their roles may do alone, they may.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from coopbank.bank import records
from coopbank.bank.desk import Desk
from coopbank.bank.fields import Counted, MemberRef, Memo, UserRef, Widget, clean_text, refuse
from coopbank.bank.operation import (
    ADMINISTRATOR,
    CATALOGUE,
    EDITION,
    LOAN_OFFICER,
    ROLES,
    SUPERVISOR,
    TELLER,
    TREASURER,
    Operation,
    powers_of,
)
from coopbank.bank.operations.savings import shown
from coopbank.bank.operations.staff import UsersChange
from coopbank.errors import InvalidValue, NotAllowed
from coopbank.words import _


def _known_role(role: str) -> str:
    if role not in ROLES:
        raise refuse("There is no role {role}; choose from: {roles}.", role=role[:40], roles=", ".join(ROLES))
    return role


def _known_operation(name: str) -> str:
    name = name.replace("_", "-")
    cls = CATALOGUE.get(name)
    if cls is None or cls.internal:
        raise refuse("There is no operation called {name}.", name=name[:40])
    return name


RoleName = Annotated[str, BeforeValidator(clean_text), AfterValidator(_known_role), Widget("text")]
OperationName = Annotated[str, BeforeValidator(clean_text), AfterValidator(_known_operation), Widget("text")]
ALWAYS: frozenset[str] = frozenset({"set-role", "add-user", "change-role", "approve", "refuse"})
"""An administrator never loses these: nobody could give them back."""


class SetRole(UsersChange):
    """Let a role do an operation, alone up to an amount and at all up to another; or take the operation from it."""

    name: ClassVar[str] = "set-role"
    title: ClassVar[str] = "Set what a role may do"
    subject: ClassVar[str] = "staff"
    roles: ClassVar[tuple[str, ...]] = (ADMINISTRATOR,)
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False

    role: Annotated[RoleName, Field(title="Role")]
    operation: Annotated[OperationName, Field(title="Operation")]
    allowed: Annotated[bool, Field(title="May do it")] = True
    alone_up_to: Annotated[Counted | None, Field(title="Alone up to (above it a second person)")] = None
    at_most: Annotated[Counted | None, Field(title="At most (above it not at all)")] = None

    @model_validator(mode="after")
    def _in_order(self) -> SetRole:
        if self.alone_up_to is not None and self.at_most is not None and self.alone_up_to > self.at_most:
            raise refuse("The amount that is done alone cannot be above the most.")
        return self

    def perform(self, desk: Desk) -> None:
        before = desk.get(records.Role, self.role, "role")
        if not self.allowed and self.role == ADMINISTRATOR and self.operation in ALWAYS:
            raise NotAllowed("An administrator keeps this power: nobody could give it back.", field="operation")
        known = powers_of(self.role, before.operations, before.edition)
        limited = self.alone_up_to is not None or self.at_most is not None
        if limited and "amount" not in CATALOGUE[self.operation].model_fields:
            raise InvalidValue("{operation} has no amount to limit.", field="alone_up_to", operation=self.operation)
        after = before.model_copy(
            update={
                "operations": sorted(known | {self.operation} if self.allowed else known - {self.operation}),
                "edition": EDITION,
                "alone": _with(before.alone, self.operation, self.alone_up_to if self.allowed else None),
                "most": _with(before.most, self.operation, self.at_most if self.allowed else None),
            }
        )  # fmt: skip
        same = (set(after.operations), after.alone, after.most) == (set(known), before.alone, before.most)
        if same:
            raise InvalidValue("Role {role} may do exactly that already.", field="operation", role=_(self.role))
        desk.write(self.role, after)
        desk.note("Role", _(self.role))
        desk.note("May do it" if self.allowed else "May not do it", _(CATALOGUE[self.operation].title))
        for label, amount in (("Alone up to", self.alone_up_to), ("At most", self.at_most)):
            if amount is not None:
                desk.note(label, shown(desk, amount))


class SetDayLimit(UsersChange):
    """Say how much money one person of a role may move in a day before a second person looks at it."""

    name: ClassVar[str] = "set-day-limit"
    title: ClassVar[str] = "Set a role's limit for a day"
    subject: ClassVar[str] = "staff"
    roles: ClassVar[tuple[str, ...]] = (ADMINISTRATOR,)
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False

    role: Annotated[RoleName, Field(title="Role")]
    amount: Annotated[Counted, Field(title="In one day (0: no limit)")]

    def perform(self, desk: Desk) -> None:
        before = desk.get(records.Role, self.role, "role")
        after = before.model_copy(update={"a_day": self.amount or None})
        if after == before:
            raise InvalidValue("Role {role} has exactly that limit already.", field="amount", role=_(self.role))
        desk.write(self.role, after)
        desk.note("Role", _(self.role))
        desk.note("In one day", shown(desk, self.amount) if self.amount else "-")


class DeclareRelative(Operation):
    """Say that a member is your relative, or a colleague's: they are not served, or approved, by that person."""

    name: ClassVar[str] = "declare-relative"
    title: ClassVar[str] = "Declare a relative"
    subject: ClassVar[str] = "staff"
    roles: ClassVar[tuple[str, ...]] = (TELLER, LOAN_OFFICER, TREASURER, ADMINISTRATOR, SUPERVISOR)
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False

    user: Annotated[UserRef, Field(title="User")]
    relative: Annotated[MemberRef, Field(title="The relative's member number")]
    related: Annotated[bool, Field(title="Are related")] = True
    why: Annotated[Memo | None, Field(title="Why, if they are not any more")] = None

    def second_reason(self, desk: Desk) -> str | None:
        return None if self.related else "That somebody is no relative any more takes two people."

    def perform(self, desk: Desk) -> None:
        user = desk.get(records.User, self.user, "user")
        desk.get(records.Member, self.relative, "relative")
        if self.user != desk.actor.user and ADMINISTRATOR not in desk.actor.roles:
            raise NotAllowed("Only an administrator declares a colleague's relatives.", field="user")
        known = set(user.relatives)
        if self.related == (self.relative in known):
            raise InvalidValue("That is declared already.", field="relative")
        relatives = known | {self.relative} if self.related else known - {self.relative}
        desk.write(self.user, user.model_copy(update={"relatives": sorted(relatives)}), about=user.member)
        desk.note("Relative" if self.related else "No relative any more", self.relative)


def _with(limits: dict[str, int], operation: str, amount: int | None) -> dict[str, int]:
    rest = {name: limit for name, limit in limits.items() if name != operation}
    return rest if amount is None else {**rest, operation: amount}
