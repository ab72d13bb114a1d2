"""Collateral: only what was bought with a loan can secure it.

A pledge names the operation that paid the loan out, and so the money that bought the
thing; all that was pledged from one payment costs no more than was paid. Nothing else of
the borrower's can be pledged. When nothing is owed any more, everything is released.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.borrowers import AboutLoan, borrower
from coopbank.bank.desk import Desk
from coopbank.bank.fields import CollateralRef, Memo, Money, Text, Widget
from coopbank.bank.operation import LOAN_OFFICER, TREASURER, Operation
from coopbank.bank.operations.programmes import require_no_security
from coopbank.bank.operations.savings import shown
from coopbank.errors import InvalidAmount, InvalidValue, Unknown, WrongState
from coopbank.words import _

MISTAKEN = "mistaken"


class PledgeCollateral(AboutLoan):
    """Enter something that was bought with a loan as its security. A second person checks it against the purchase."""

    name: ClassVar[str] = "pledge-collateral"
    title: ClassVar[str] = "Pledge collateral"
    roles: ClassVar[tuple[str, ...]] = (LOAN_OFFICER, TREASURER)
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False  # release it, as a mistake

    asset: Annotated[Text, Field(min_length=1, title="What was bought")]
    cost: Annotated[Money, Field(title="What it cost")]
    paid_from: Annotated[int, Field(ge=1, title="Operation that paid the loan out"), Widget("number")]
    lien: Annotated[Text, Field(title="Where it is registered")] = ""

    def perform(self, desk: Desk) -> None:
        loan = desk.get(records.Loan, self.loan, "loan")
        if loan.state == "granted":
            raise WrongState(
                "Loan {loan} is not paid out yet. Only what was bought with the loan can secure it.", field="loan",
                loan=self.loan, hint="Pay it out first (disburse-loan), then pledge what it bought.",
            )  # fmt: skip
        if loan.state != "active":
            raise WrongState(
                "Loan {loan} is {state}; nothing is pledged for it any more.", field="loan", loan=self.loan,
                state=_(loan.state),
            )  # fmt: skip
        require_no_security(desk, loan)
        self._require_room(desk, paid_out(desk, self.paid_from, self.loan))
        ref = desk.next_ref("collateral", "C-", 3)
        pledged = records.Collateral(
            loan=self.loan, asset=self.asset, cost=self.cost, paid_from=self.paid_from,
            pledged_on=desk.business_day.isoformat(), lien=self.lien,
        )  # fmt: skip
        desk.write(ref, pledged, about=self.loan)
        desk.note("Collateral", ref)

    def _require_room(self, desk: Desk, paid: int) -> None:
        """Refuse more than that payment bought; what secures the loan or secured it counts, a mistake does not."""
        others = collateral_of(desk, self.loan)
        used = sum(c.cost for _ref, c in others if c.paid_from == self.paid_from and c.state != MISTAKEN)
        if used + self.cost > paid:
            raise InvalidAmount(
                "Operation {number} paid out {paid}, of which {used} is pledged already. Only what was bought with the"
                " loan can secure it.", field="cost", number=self.paid_from, paid=shown(desk, paid),
                used=shown(desk, used), hint="Pledge at most {room} more.", room=shown(desk, paid - used),
            )  # fmt: skip


class ReleaseCollateral(Operation):
    """Release something that secured a loan before the loan is repaid, or take back a mistaken pledge."""

    name: ClassVar[str] = "release-collateral"
    title: ClassVar[str] = "Release collateral"
    subject: ClassVar[str] = "lending"
    roles: ClassVar[tuple[str, ...]] = (LOAN_OFFICER, TREASURER)
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False

    collateral: CollateralRef
    why: Annotated[Memo, Field(min_length=1, title="Why")]
    mistake: Annotated[bool, Field(title="It was entered by mistake")] = False

    def serves(self, desk: Desk) -> set[str]:
        found = desk.find(records.Collateral, self.collateral)
        return set() if found is None else borrower(desk, found.loan)

    def perform(self, desk: Desk) -> None:
        found = desk.get(records.Collateral, self.collateral, "collateral")
        if found.state != "pledged":
            raise WrongState(
                "Collateral {collateral} is {state} since {day}.", field="collateral", collateral=self.collateral,
                state=_(found.state), day=found.released_on,
            )  # fmt: skip
        _release(desk, self.collateral, found, MISTAKEN if self.mistake else "released", self.why)


# --------------------------------------------------------------------------------- for those who lend


def collateral_of(books: Books, loan: str) -> list[tuple[str, records.Collateral]]:
    """The register of what secures a loan, or secured it."""
    return books.about(records.Collateral, loan)


def release_all(desk: Desk, loan: str, why: str = "paid off") -> None:
    """Release all that still secures a loan; for the operation that ends it."""
    for ref, found in collateral_of(desk, loan):
        if found.state == "pledged":
            _release(desk, ref, found, "released", why)


def pledged_from(books: Books, operation: int, loan: str) -> list[str]:
    """What was bought with that payment and secures the loan now: it stands in the way of taking the payment back."""
    return [ref for ref, c in collateral_of(books, loan) if c.paid_from == operation and c.state == "pledged"]


def paid_out(desk: Desk, operation: int, loan: str, field: str = "paid_from") -> int:
    """What an operation paid out of a loan, in minor units; refuses one that paid out nothing of it."""
    if desk.tx.value("SELECT 1 FROM operation WHERE id = ?", operation) is None:
        raise Unknown("There is no operation {number}.", field=field, number=operation)
    advances = [(about, event) for about, event in _events(desk, operation) if event.type == "advance"]
    own = sum(int(event.data["amount"]) for about, event in advances if about == loan)
    if own:
        return own
    if advances:
        raise InvalidValue(
            "Operation {number} paid out loan {other}. Only what was bought with the loan can secure it.", field=field,
            number=operation, other=advances[0][0], hint="Name an operation that paid out {loan}.", loan=loan,
        )  # fmt: skip
    raise InvalidValue(
        "Operation {number} paid out no loan. Only what was bought with the loan can secure it.", field=field,
        number=operation, hint="Name the operation that paid out {loan}, as it stands on its receipt.", loan=loan,
    )  # fmt: skip


def _events(desk: Desk, operation: int) -> list[tuple[str, records.LoanEvent]]:
    """The events of loans that an operation brought, with their loans; not those that were taken back since."""
    refs = desk.tx.rows(
        "SELECT DISTINCT ref, about FROM record WHERE operation_id = ? AND kind = ? AND version = 1 ORDER BY ref",
        operation, records.LoanEvent.kind,
    )  # fmt: skip
    found = [(str(about), desk.find(records.LoanEvent, ref)) for ref, about in refs]
    return [(about, event) for about, event in found if event is not None]


def _release(desk: Desk, ref: str, found: records.Collateral, state: str, why: str) -> None:
    released = {"state": state, "released_on": desk.business_day.isoformat(), "why": why}
    desk.write(ref, found.model_copy(update=released), about=found.loan)
    desk.note("Released", f"{ref} {found.asset}")
