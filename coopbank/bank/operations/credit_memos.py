"""Credit memos: what voters on a loan may read, and whether the borrower agrees that they do.

A memo tells how somebody lives and earns. It can be forgotten like a name, and it leaves the loan officers' hands only
while the borrower's consent stands (reports/decisions.py, `voters_papers`).
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from coopbank.bank import records
from coopbank.bank.desk import Desk
from coopbank.bank.fields import ApplicationRef, Memo, Personal, PersonalMark, Widget, clean_text
from coopbank.bank.operation import LOAN_OFFICER, TREASURER, Operation
from coopbank.bank.operations.applications import open_application
from coopbank.bank.operations.products import YesNo
from coopbank.errors import InvalidValue, WrongState

LongPersonal = Annotated[
    str, BeforeValidator(clean_text), Field(min_length=1, max_length=4000), PersonalMark(), Widget("text")
]


class _OnOpenApplication(Operation):
    """Common to what is noted about an application; nobody does it for themselves."""

    application: ApplicationRef

    def serves(self, desk: Desk) -> set[str]:
        found = desk.find(records.Application, self.application)
        return set() if found is None else {found.member}


class WriteCreditMemo(_OnOpenApplication):
    """Write the term sheet and the credit memo of an application. Voters read them only if the borrower agrees."""

    name: ClassVar[str] = "write-credit-memo"
    title: ClassVar[str] = "Write a credit memo"
    subject: ClassVar[str] = "lending"
    roles: ClassVar[tuple[str, ...]] = (LOAN_OFFICER, TREASURER)
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False  # the next version changes it

    terms: Annotated[Memo, Field(min_length=1, title="Term sheet: amount, interest, payments, security")]
    memo: Annotated[LongPersonal, Field(title="Credit memo")]

    def perform(self, desk: Desk) -> None:
        open_application(desk, self.application)
        self._require_no_vote(desk)
        memo = records.CreditMemo(terms=self.terms, memo=desk.keep("memo", self.memo), written_by=desk.actor.user)
        desk.write(self.application, memo, about=self.application)
        desk.note("Application", self.application)

    def _require_no_vote(self, desk: Desk) -> None:
        """Refuse to change what voters have read once some of them have voted on it."""
        for ref, resolution in desk.every(records.Resolution):
            if resolution.state != "open" or resolution.about != self.application:
                continue
            voted = any(vote.vote != "recused" for _ref, vote in desk.about(records.Vote, ref))
            if voted or resolution.manner == "by-count":
                raise WrongState(
                    "The vote on {resolution} has begun, and this is what is voted on.", field="application",
                    resolution=ref, hint="Withdraw the resolution and move it anew, or wait for its end.",
                )  # fmt: skip


class ConsentToShare(_OnOpenApplication):
    """Note whether the borrower agrees that those who vote on the loan read its credit memo. They may change that."""

    name: ClassVar[str] = "consent-to-share"
    title: ClassVar[str] = "Note a borrower's consent"
    subject: ClassVar[str] = "lending"
    roles: ClassVar[tuple[str, ...]] = (LOAN_OFFICER, TREASURER)
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False  # noted anew

    consent: Annotated[YesNo, Field(title="They agree")]
    how: Annotated[Personal, Field(min_length=1, title="How they said so")]

    def perform(self, desk: Desk) -> None:
        open_application(desk, self.application)
        before = desk.find(records.MemoConsent, self.application)
        given = self.consent == "yes"
        if given == (before is not None and before.given):
            raise InvalidValue("That is noted already of {application}.", field="consent", application=self.application)
        consent = records.MemoConsent(given=given, how=desk.keep("how", self.how), on=desk.business_day.isoformat())
        desk.write(self.application, consent, about=self.application)
        desk.note("Application", self.application)
