"""Grants on a condition: money that comes before its condition is met, and goes back if it is not (E09).

What a funder advances is owed (862) until an eligible cost is paid: then as much of it is income, and released to the
general fund, which bears the cost. What is never earned is given back. Gifts with a purpose, which nobody takes back,
are in funds.py.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.campaign_guard import require_payee
from coopbank.bank.desk import Desk
from coopbank.bank.fields import Code, FundRef, GrantRef, Memo, Money, Personal
from coopbank.bank.operation import TREASURER
from coopbank.bank.operations.funds import ExpenseCode, Supplier, fund_class, require_expense, supplier_member
from coopbank.bank.operations.savings import FUND, shown
from coopbank.bank.tender import Paying, Receiving
from coopbank.errors import AlreadyExists, InvalidAmount, WrongState

OWED = "862"


class ReceiveGrant(Receiving):
    """Take in a grant that has to be given back where its condition is not met. It is owed until then."""

    name: ClassVar[str] = "receive-grant"
    title: ClassVar[str] = "Receive a grant on conditions"
    subject: ClassVar[str] = "funds"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True

    fund: FundRef
    amount: Money
    funder: Annotated[Personal, Field(min_length=1, title="Funder")]
    condition: Annotated[Memo, Field(min_length=1, title="What has to be done for it")]
    number: Annotated[Code | None, Field(title="Number, if it has one (CG1)")] = None

    def perform(self, desk: Desk) -> None:
        if fund_class(desk, self.fund) != "conditional":
            raise WrongState(
                "Fund {fund} is not for grants on conditions.", field="fund", fund=self.fund,
                hint="Take in a gift that nobody takes back with: receive-gift",
            )  # fmt: skip
        ref = self._own_number(desk)
        desk.post(
            f"Grant {ref} advanced",
            [*self.receive(desk, self.fund, self.amount), (self.fund, f"{OWED}/{ref}", -self.amount)],
        )
        grant = records.Grant(
            funder=desk.keep("funder", self.funder), fund=self.fund, amount=self.amount, condition=self.condition,
            received_on=desk.business_day.isoformat(),
        )  # fmt: skip
        desk.write(ref, grant, about=self.fund)
        desk.note("Grant", ref)

    def _own_number(self, desk: Desk) -> str:
        if self.number is None:
            return desk.next_ref("grant", "CG-", 2)
        if desk.version("grant", self.number) or desk.version("gift", self.number):
            raise AlreadyExists("There is a grant {number} already.", field="number", number=self.number)
        desk.created.append(self.number)
        return self.number


class _OfGrant(Paying):
    """What an operation on one grant shares."""

    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True

    grant: GrantRef

    def _taken(self, desk: Desk, grant: records.Grant, amount: int) -> None:
        if amount > grant.left:
            raise InvalidAmount(
                "Of grant {grant} only {left} is left.", field="amount", grant=self.grant, left=shown(desk, grant.left)
            )


class EarnGrant(_OfGrant):
    """Pay a cost that a grant is for: the condition is met for as much, and it is income."""

    name: ClassVar[str] = "earn-grant"
    title: ClassVar[str] = "Pay from a grant on conditions"
    subject: ClassVar[str] = "funds"

    amount: Money
    expense: ExpenseCode
    evidence: Annotated[Memo, Field(min_length=1, title="What shows that the condition is met")]
    supplier: Annotated[Supplier | None, Field(title="Whom it is paid to")] = None

    def serves(self, desk: Desk) -> set[str]:
        return set() if self.supplier is None else supplier_member(self.supplier)

    def perform(self, desk: Desk) -> None:
        require_expense(desk, self.expense)
        grant = desk.get(records.Grant, self.grant, "grant")
        self._taken(desk, grant, self.amount)
        require_payee(desk, self.supplier, grant.fund, None)
        amount = self.amount
        desk.post(
            f"Grant {self.grant} earned: {self.evidence}",
            [
                (grant.fund, f"{OWED}/{self.grant}", amount), (grant.fund, f"181/{self.grant}", -amount),
                (grant.fund, f"186/{self.grant}", amount), (FUND, self.expense, amount), (FUND, "185", -amount),
                *self.pay(desk, grant.fund, amount),
            ],
        )  # fmt: skip
        earned = grant.model_copy(update={"earned": grant.earned + amount})
        desk.write(self.grant, earned, about=grant.fund)
        desk.note("Left of the grant", shown(desk, earned.left))


class ReturnGrant(_OfGrant):
    """Give back what of a grant was not earned."""

    name: ClassVar[str] = "return-grant"
    title: ClassVar[str] = "Give a grant back"
    subject: ClassVar[str] = "funds"

    amount: Annotated[Money | None, Field(title="Amount, if not all that is left")] = None
    why: Annotated[Memo, Field(min_length=1, title="Why")]

    def perform(self, desk: Desk) -> None:
        grant = desk.get(records.Grant, self.grant, "grant")
        amount = self.amount or grant.left
        if not amount:
            raise WrongState("Nothing is left of grant {grant}.", field="grant", grant=self.grant)
        self._taken(desk, grant, amount)
        desk.post(
            f"Grant {self.grant} given back: {self.why}",
            [(grant.fund, f"{OWED}/{self.grant}", amount), *self.pay(desk, grant.fund, amount)],
        )
        given = grant.model_copy(update={"returned": grant.returned + amount})
        desk.write(self.grant, given, about=grant.fund)
        desk.note("Given back", shown(desk, amount))
        desk.note("Left of the grant", shown(desk, given.left))
