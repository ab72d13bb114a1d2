"""Dues of member co-operatives: billed for a year, paid in one or several payments.

A bill of dues is a receivable, 791/DU-001, and income, 131, of the general fund; its register says what of it is paid.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.desk import Desk
from coopbank.bank.fields import DuesRef, MemberRef, Money
from coopbank.bank.institution_registers import counted, entries_of
from coopbank.bank.operation import ADMINISTRATOR, TELLER, TREASURER, Operation
from coopbank.bank.operations.members import require_active
from coopbank.bank.operations.savings import FUND, shown
from coopbank.bank.tender import Receiving
from coopbank.errors import AlreadyExists, InvalidAmount, InvalidDate, InvalidValue, WrongState
from coopbank.words import _

RECEIVABLE, INCOME, COOPS = "791", "131", "COOPS"


class BillDues(Operation):
    """Bill a member co-operative its dues of a year: what the register COOPS says, or an amount."""

    name: ClassVar[str] = "bill-dues"
    title: ClassVar[str] = "Bill dues"
    subject: ClassVar[str] = "federation"
    roles: ClassVar[tuple[str, ...]] = (TREASURER, ADMINISTRATOR)
    since: ClassVar[int] = 2

    member: MemberRef
    year: Annotated[int, Field(ge=1900, le=9998, title="Year")]
    amount: Annotated[Money | None, Field(title="Amount, if not that of the register")] = None

    def perform(self, desk: Desk) -> None:
        require_active(desk, self.member)
        if not desk.business_day.year - 1 <= self.year <= desk.business_day.year + 1:
            raise InvalidDate("Dues of {year} are not billed now.", field="year", year=self.year)
        for ref, body in desk.about(records.Dues, self.member):
            if body.year == self.year:
                raise AlreadyExists(
                    "{member} was billed for {year} already: {dues}.", field="year", member=self.member,
                    year=self.year, dues=ref,
                )  # fmt: skip
        amount = self.amount or self._agreed(desk)
        ref = desk.next_ref("dues", "DU-", 3)
        desk.post(f"Dues {ref}, {self.year}", [(FUND, f"{RECEIVABLE}/{ref}", amount), (FUND, INCOME, -amount)])
        desk.write(ref, records.Dues(member=self.member, year=self.year, amount=amount), about=self.member)
        desk.note("Dues", ref)
        desk.note("Amount", shown(desk, amount))

    def _agreed(self, desk: Desk) -> int:
        """The dues of the member in the register of member co-ops."""
        found = [
            body.values["dues"] for _ref, body in counted(entries_of(desk, COOPS))
            if body.values["member"] == self.member and body.state == "open" and body.values.get("dues")
        ]  # fmt: skip
        if not found:
            raise InvalidValue(
                "No dues of {member} are agreed.", field="amount", member=self.member,
                hint="Name the amount, or enter it in the register COOPS.",
            )  # fmt: skip
        return int(found[-1])


class ReceiveDues(Receiving):
    """Take in dues that were billed, all or a part."""

    name: ClassVar[str] = "receive-dues"
    title: ClassVar[str] = "Receive dues"
    subject: ClassVar[str] = "federation"
    roles: ClassVar[tuple[str, ...]] = (TELLER, TREASURER, ADMINISTRATOR)
    since: ClassVar[int] = 2

    dues: Annotated[DuesRef, Field(title="Dues (DU-001)")]
    amount: Money

    def serves(self, desk: Desk) -> set[str]:
        found = desk.find(records.Dues, self.dues)
        return set() if found is None else {found.member}

    def perform(self, desk: Desk) -> None:
        before = desk.get(records.Dues, self.dues, "dues")
        left = before.amount - before.paid
        if not left:
            raise WrongState("Dues {dues} are {state}.", field="dues", dues=self.dues, state=_("paid"))
        if self.amount > left:
            raise InvalidAmount(
                "Of dues {dues} only {left} is open.", field="amount", dues=self.dues, left=shown(desk, left)
            )
        desk.post(
            f"Dues {self.dues} paid",
            [*self.receive(desk, FUND, self.amount), (FUND, f"{RECEIVABLE}/{self.dues}", -self.amount)],
        )
        desk.write(self.dues, before.model_copy(update={"paid": before.paid + self.amount}), about=before.member)
        desk.note("Still open", shown(desk, left - self.amount))
