"""Applications for a loan: what a member asked for, and what became of it.

An application is granted by granting a loan that names it (`granted`), declined by two
people who state why, or withdrawn. Why it was declined is kept twice: as codes, which say
nothing about a person and can be counted, and as words to the applicant, which can be
forgotten.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, Field

from coopbank.bank import records
from coopbank.bank.desk import Desk
from coopbank.bank.fields import ApplicationRef, MemberRef, Money, Personal, ProductRef, Text, Widget, refuse
from coopbank.bank.operation import LOAN_OFFICER, TELLER, TREASURER, Operation
from coopbank.bank.operations.members import require_active, require_alive
from coopbank.bank.operations.products import product_of, require_amount
from coopbank.bank.operations.savings import shown
from coopbank.errors import InvalidValue, WrongState
from coopbank.words import _

#: Why an application may be declined: the codes that are kept, and what the notice says.
REASONS: Final[dict[str, str]] = {
    "incomplete": "The application is not complete.",
    "unverified": "What was stated could not be verified.",
    "income": "The income does not suffice for the amount that was asked for.",
    "debts": "Other debts are too high for the income.",
    "plan": "The plan does not show how the loan would be repaid.",
    "history": "Earlier loans were not repaid as agreed.",
    "purpose": "We do not lend for this purpose.",
    "terms": "We do not lend on the terms that were asked for.",
    "no-funds": "No fund has the money for it now.",
    "other": "Another reason, which is stated besides.",
}
MOST_REASONS: Final = 4  # more than four do not tell the applicant what mattered (12 CFR 1002.9, comment 9(b)(2)-1)


def _known_reasons(reasons: list[str]) -> list[str]:
    for reason in reasons:
        if reason not in REASONS:
            raise refuse(
                "There is no reason {reason}; choose from: {reasons}.", reason=reason[:40], reasons=", ".join(REASONS)
            )
    if len(set(reasons)) < len(reasons):
        raise refuse("Name each reason once.")
    return reasons


Reasons = Annotated[
    list[str], AfterValidator(_known_reasons), Field(min_length=1, max_length=MOST_REASONS), Widget("text")
]


class ApplyForLoan(Operation):
    """Enter a member's application for a loan."""

    name: ClassVar[str] = "apply-for-loan"
    title: ClassVar[str] = "Apply for a loan"
    subject: ClassVar[str] = "lending"
    roles: ClassVar[tuple[str, ...]] = (TELLER, LOAN_OFFICER, TREASURER)
    reversible: ClassVar[bool] = False  # withdraw it

    member: MemberRef
    product: ProductRef
    amount: Annotated[Money, Field(title="Amount asked for")]
    purpose: Annotated[Text, Field(min_length=1, title="What for")]

    def perform(self, desk: Desk) -> None:
        require_active(desk, self.member)
        require_alive(desk, self.member)
        _version, product = product_of(desk, self.product)
        require_amount(desk, product, self.amount, "amount")
        ref = desk.next_ref("application", "A-", 3)
        application = records.Application(
            member=self.member, product=self.product, amount=self.amount, purpose=self.purpose,
            asked_on=desk.business_day.isoformat(), entered_by=desk.actor.user,
        )  # fmt: skip
        desk.write(ref, application, about=self.member)
        desk.note("Application", ref)
        desk.note("Amount", shown(desk, self.amount))


class _OnApplication(Operation):
    """Common to what closes an application; nobody closes their own."""

    application: ApplicationRef

    def serves(self, desk: Desk) -> set[str]:
        found = desk.find(records.Application, self.application)
        return set() if found is None else {found.member}


class DeclineApplication(_OnApplication):
    """Decline an application for a loan, and say why. Two people decide; the applicant is told the reasons."""

    name: ClassVar[str] = "decline-application"
    title: ClassVar[str] = "Decline an application"
    subject: ClassVar[str] = "lending"
    roles: ClassVar[tuple[str, ...]] = (LOAN_OFFICER, TREASURER)
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False  # they may apply again

    reasons: Annotated[
        Reasons,
        Field(title="Reasons (incomplete, unverified, income, debts, plan, history, purpose, terms, no-funds, other)"),
    ]
    explained: Annotated[Personal | None, Field(min_length=1, title="Said besides to the applicant")] = None

    def perform(self, desk: Desk) -> None:
        before = open_application(desk, self.application)
        if "other" in self.reasons and self.explained is None:
            raise InvalidValue(
                "Another reason has to be stated in words.", field="explained", hint="Say which reason it is."
            )
        said = None if self.explained is None else desk.keep("explained", self.explained)
        _close(desk, self.application, before, "declined", reasons=self.reasons, explained=said)
        for reason in self.reasons:
            desk.note("Reason", _(REASONS.get(reason, reason)))


class WithdrawApplication(_OnApplication):
    """Note that a member does not want the loan any more that they applied for."""

    name: ClassVar[str] = "withdraw-application"
    title: ClassVar[str] = "Withdraw an application"
    subject: ClassVar[str] = "lending"
    roles: ClassVar[tuple[str, ...]] = (TELLER, LOAN_OFFICER, TREASURER)
    reversible: ClassVar[bool] = False  # they may apply again

    def perform(self, desk: Desk) -> None:
        _close(desk, self.application, open_application(desk, self.application), "withdrawn")


# --------------------------------------------------------------------------------- for those who lend


def granted(desk: Desk, ref: str, member: str, loan: str) -> records.Application:
    """Mark an application as granted by a loan; refuses another member's and one that is closed."""
    before = open_application(desk, ref)
    if before.member != member:
        raise InvalidValue(
            "Application {application} is {member}'s.", field="application", application=ref, member=before.member,
            hint="Name the application of the member who borrows.",
        )  # fmt: skip
    return _close(desk, ref, before, "granted", loan=loan)


def open_application(desk: Desk, ref: str) -> records.Application:
    """An application that is not decided yet."""
    found = desk.get(records.Application, ref, "application")
    if found.state != "open":
        raise WrongState(
            "Application {application} is {state} since {day}.", field="application", application=ref,
            state=_(found.state), day=found.decided_on, hint="Enter a new one (apply-for-loan).",
        )  # fmt: skip
    return found


def _close(desk: Desk, ref: str, before: records.Application, state: str, **changes: object) -> records.Application:
    decided = {"decided_by": desk.approver or desk.actor.user, "decided_on": desk.business_day.isoformat()}
    after = before.model_copy(update={"state": state, **decided, **changes})
    desk.write(ref, after, about=after.member)
    desk.note("Application", f"{ref}, {_(state)}")
    return after
