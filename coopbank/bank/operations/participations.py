"""Participations: a peer fund owns a proportionate part of a loan, of the same priority and without recourse.

The peer's part is then not our asset (ASC 860-10-40-6A): 701 holds our part, M30 what the
borrower owes the peer, and the peer's money passes through 831. All that the borrower pays is
split by the same shares, but for a fair fee for servicing (117), a fraction of the interest
that the peer gets. A guarantee, a buy-back or another order of payment would make it a
borrowing; no operation here offers them.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.borrowers import AboutLoan
from coopbank.bank.desk import Desk
from coopbank.bank.fields import Code, Memo, Percent, Rate, Widget
from coopbank.bank.lending.accounts import LoanAccount, account, tell
from coopbank.bank.lending.closing import all_loans
from coopbank.bank.lending.flows import by_fund
from coopbank.bank.operation import LOAN_OFFICER, TREASURER
from coopbank.bank.operations.savings import shown
from coopbank.bank.tender import Paying, Receiving, Tender
from coopbank.errors import InvalidValue, Overdrawn, WrongState


class SellParticipation(AboutLoan, Receiving):
    """Take in a peer's money for its share of a loan that is granted and not paid out yet."""

    name: ClassVar[str] = "sell-participation"
    title: ClassVar[str] = "Sell a participation"
    roles: ClassVar[tuple[str, ...]] = (LOAN_OFFICER, TREASURER)
    second_person: ClassVar[bool] = True

    peer: Annotated[Code, Field(title="Peer fund, for example PF-1")]
    share_percent: Annotated[Percent, Field(title="Its share, percent")]
    servicing_rate: Annotated[Rate, Field(title="For servicing it, percent a year of its share")] = "0"
    agreement: Annotated[Memo, Field(min_length=1, title="Agreement")]
    tender: Tender = "transfer"

    def perform(self, desk: Desk) -> None:
        loan = account(desk, self.loan)
        body = loan.body
        if body.state != "granted" or body.participants:
            raise WrongState(
                "A participation in loan {loan} is sold once, before it is paid out.", field="loan", loan=self.loan
            )
        num, den = Decimal(self.share_percent).as_integer_ratio()
        if num >= 100 * den or len(body.funds) > 1 or loan.is_reported:
            raise InvalidValue(
                "A part of a loan of one fund, with a schedule, can be sold.", field="share_percent",
                hint="Sell less than all of it.",
            )  # fmt: skip
        peer, ours = Fraction(num, 100 * den), 1 - Fraction(num, 100 * den)
        whole = (peer / ours).limit_denominator(10**6) if ours else Fraction(0)
        body = body.model_copy(update={
            "funds": {body.fund: whole.denominator}, "participants": {self.peer: whole.numerator},
            "servicing": self._servicing(body.annual_rate),
        })  # fmt: skip
        amount = lent_by(self.peer, body, body.principal)
        if not 0 < amount < body.principal:
            raise InvalidValue(
                "{share} % of {principal} is no part of it.", field="share_percent", share=self.share_percent,
                principal=shown(desk, body.principal),
            )  # fmt: skip
        loan.body = body
        done = tell(loan, [])
        desk.leaf_id(body.fund, f"831/{self.peer}")
        cash = self.receive_for(desk, {body.fund: amount}, member=None)
        desk.post(f"{self.peer} for its part of {self.loan}", [*cash, (body.fund, f"831/{self.peer}", -amount)])
        assert not done.moved, "we still pay out the whole loan, with the peer's money"
        desk.write(self.loan, done.after, about=body.member)
        desk.note("Peer", f"{self.peer} {self.share_percent} %")

    def _servicing(self, annual_rate: str) -> str:
        """The part of a peer's interest that is ours."""
        rate, fee = Decimal(annual_rate), Decimal(self.servicing_rate)
        if fee > rate or (fee and not rate):
            raise InvalidValue("The fee is no more than the interest itself.", field="servicing_rate")
        return str(Fraction(fee) / Fraction(rate)) if fee else "0"


class RemitParticipation(Paying):
    """Pay a peer what borrowers paid on its parts."""

    name: ClassVar[str] = "remit-participation"
    title: ClassVar[str] = "Remit to a peer fund"
    subject: ClassVar[str] = "lending"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)

    peer: Code
    fund: Annotated[Code, Field(title="Fund through which it passed")] = "RLF"
    tender: Annotated[Literal["transfer"], Widget("choice"), Field(title="How")] = "transfer"

    def perform(self, desk: Desk) -> None:
        owed = -desk.balance(self.fund, f"831/{self.peer}") - to_be_lent(desk, self.fund, self.peer)
        if owed <= 0:
            raise Overdrawn(
                "Nothing of {peer}'s money is here to be remitted.", field="peer", peer=self.peer,
                hint="Look at account 831. What is still to be paid out of a loan stays here until it is.",
            )  # fmt: skip
        moves: list[Any] = self.pay_for(desk, {self.fund: -owed})
        desk.post(f"Remitted to {self.peer}", [(self.fund, f"831/{self.peer}", owed), *moves])
        desk.note("Remitted", shown(desk, owed))


def lent_by(peer: str, loan: records.Loan, amount: int) -> int:
    """What a peer lends of an amount, by the shares that split everything else."""
    return by_fund({"lent": amount}, loan.shares).get(f"{loan.fund}@{peer}", {}).get("lent", 0)


def to_be_lent(desk: Desk, fund: str, peer: str) -> int:
    """A peer's part of what is still to be paid out of its loans: its money waits for that."""
    found = 0
    for ref, _version, body in all_loans(desk, ("granted", "active")):
        if body.fund == fund and peer in body.participants:
            now = LoanAccount(desk, ref, body, desk.currency).standing(desk.business_day)
            found += lent_by(peer, body, now.lent + now.committed) - lent_by(peer, body, now.lent)
    return found
