"""Set-off: what is payable to a member pays what is overdue of their loan. It is off unless bylaw and product allow it.

Only what is due and late is paid so, never more, and only out of what is payable already: a dividend (821), patronage
(823), or shares that were accepted for redemption and whose days of notice are over (825).
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from coopbank.bank import equity, records
from coopbank.bank.borrowers import AboutLoan
from coopbank.bank.desk import Desk
from coopbank.bank.fields import Money, Widget
from coopbank.bank.lending.accounts import LoanAccount
from coopbank.bank.loan_rules import require_set_off
from coopbank.bank.operation import LOAN_OFFICER, TREASURER
from coopbank.bank.operations.lending import named, owed_loan, repay_from
from coopbank.bank.operations.members import require_alive
from coopbank.bank.operations.payouts import withheld
from coopbank.bank.operations.redemption import settle
from coopbank.bank.operations.savings import FUND, shown
from coopbank.errors import InvalidAmount, Overdrawn, WrongState


class SetOff(AboutLoan):
    """Pay what is overdue of a loan out of what we owe its borrower, where bylaw and product allow it."""

    name: ClassVar[str] = "set-off"
    title: ClassVar[str] = "Set off against an overdue loan"
    roles: ClassVar[tuple[str, ...]] = (LOAN_OFFICER, TREASURER)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True

    payable: Annotated[
        Literal["821", "823", "825"],
        Widget("choice"),
        Field(title="Out of what is payable: dividends (821), patronage (823), redeemed shares (825)"),
    ]
    amount: Annotated[Money | None, Field(title="Amount, if not all that is overdue")] = None

    def perform(self, desk: Desk) -> None:
        loan = owed_loan(desk, self.loan)
        bylaw = require_set_off(desk, self.loan, loan.body)
        member = loan.body.member
        require_alive(desk, member, "loan")
        leaf = f"{self.payable}/{member}"
        amount = self._amount(desk, loan, -desk.balance(FUND, leaf))
        if self.payable == equity.REDEMPTIONS:
            with named(self, "payable"):
                settle(desk, member, amount)
        repay_from(desk, loan, leaf, amount, f"Set off against {self.loan}")
        desk.write(
            desk.next_ref(records.SetOff.kind, "SO-", 4),
            records.SetOff(
                loan=self.loan, member=member, payable=self.payable, amount=amount, bylaw=bylaw,
                on=desk.business_day.isoformat(),
            ),
            about=self.loan,
        )  # fmt: skip
        desk.note("Set off", shown(desk, amount))

    def _amount(self, desk: Desk, loan: LoanAccount, held: int) -> int:
        due = loan.standing(desk.business_day).due
        overdue = due.total if due.since is not None and due.since < desk.business_day else 0
        if not overdue:
            raise WrongState(
                "Loan {loan} is not late: nothing is set off.", field="loan", loan=self.loan,
                hint="Pay the member what they are owed.",
            )  # fmt: skip
        amount = min(overdue, held) if self.amount is None else self.amount
        if amount > overdue:
            raise InvalidAmount(
                "Only {overdue} of loan {loan} is overdue.", field="amount", overdue=shown(desk, overdue),
                loan=self.loan, hint="Write that, or less.",
            )  # fmt: skip
        if not held or amount > held:
            raise Overdrawn(
                "{held} is payable to {member} there.", field="amount" if self.amount else "payable",
                held=shown(desk, held), member=loan.body.member, hint="Choose another account, or a smaller amount.",
            )  # fmt: skip
        if self.payable != equity.REDEMPTIONS and withheld(desk, loan.body.member, amount):
            raise WrongState(
                "Tax is withheld of what {member} is paid: it is not set off.", field="payable",
                member=loan.body.member, hint="Enter their taxpayer number first (change-member).",
            )  # fmt: skip
        return amount
