"""Mandates: which operations a body has to decide first, and above which amount (bank/mandates.py)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.desk import Desk
from coopbank.bank.fields import BodyRef, Counted, Decided
from coopbank.bank.mandates import IN_FORCE, takes_resolution
from coopbank.bank.operation import ADMINISTRATOR, CATALOGUE, TREASURER, Operation
from coopbank.bank.operations.bodies import active_body
from coopbank.bank.operations.powers import OperationName
from coopbank.bank.operations.savings import shown
from coopbank.errors import InvalidValue


class SetMandate(Operation):
    """Say that an operation, above an amount or always, is for a body of members to decide first; or lift that."""

    name: ClassVar[str] = "set-mandate"
    title: ClassVar[str] = "Set what a body decides"
    subject: ClassVar[str] = "decisions"
    roles: ClassVar[tuple[str, ...]] = (ADMINISTRATOR, TREASURER)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False  # the next version changes it
    decided_as: ClassVar[tuple[str, ...]] = ("policy",)
    decided_about: ClassVar[tuple[str, ...]] = ("operation",)
    decided_amount: ClassVar[str] = ""

    operation: Annotated[OperationName, Field(title="Operation")]
    body: BodyRef
    above: Annotated[Counted | None, Field(title="Above this amount; always if empty")] = None
    lifted: Annotated[bool, Field(title="It is lifted")] = False
    resolution: Decided = None

    def perform(self, desk: Desk) -> None:
        active_body(desk, self.body)
        cls = CATALOGUE[self.operation]
        if not takes_resolution(self.operation):
            raise InvalidValue(
                "{operation} has no place for a resolution.", field="operation", operation=self.operation,
                hint="These have one: {operations}.", operations=", ".join(n for n in CATALOGUE if takes_resolution(n)),
            )  # fmt: skip
        if self.above is not None and cls.decided_amount not in cls.model_fields:
            raise InvalidValue("{operation} has no amount to limit.", field="above", operation=self.operation)
        mandate = records.Mandate(
            operation=self.operation, body=self.body, above=self.above, state="lifted" if self.lifted else IN_FORCE
        )
        before = desk.find(records.Mandate, self.operation)
        if mandate == before or (before is None and self.lifted):
            raise InvalidValue("That is so already for {operation}.", field="operation", operation=self.operation)
        desk.write(self.operation, mandate, about=self.body)
        desk.note("Decides", self.body)
        if self.above is not None:
            desk.note("Above", shown(desk, self.above))
