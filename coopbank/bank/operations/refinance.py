"""Refinancing: a new loan pays an old one off. No cash moves but the funds' claims.

The new loan is granted first, like any other, by two people. Refinancing pays it out, as far as
the old one takes, and pays the old one off with that.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Annotated, ClassVar

from pydantic import Field

from coopbank.bank.borrowers import borrower
from coopbank.bank.desk import Desk
from coopbank.bank.fields import LoanRef
from coopbank.bank.lending.accounts import account, held_on_line, tell
from coopbank.bank.lending.position import position
from coopbank.bank.operation import LOAN_OFFICER, TREASURER, Operation
from coopbank.bank.operations.lending import (
    active_loan,
    finish,
    named,
    paid,
    require_in_time,
    tell_next,
    written,
)
from coopbank.bank.operations.members import require_alive
from coopbank.bank.operations.programmes import require_programmes
from coopbank.bank.operations.savings import shown
from coopbank.bank.tender import shared_cash
from coopbank.errors import InvalidValue, NotAllowed, Overdrawn, WrongState
from coopbank.words import _


class RefinanceLoan(Operation):
    """Pay a loan off with a new one that was granted to the same borrower."""

    name: ClassVar[str] = "refinance-loan"
    title: ClassVar[str] = "Refinance a loan"
    subject: ClassVar[str] = "lending"
    roles: ClassVar[tuple[str, ...]] = (LOAN_OFFICER, TREASURER)

    loan: Annotated[LoanRef, Field(title="Loan that is paid off")]
    new_loan: Annotated[LoanRef, Field(title="Granted loan that pays it off")]

    def serves(self, desk: Desk) -> set[str]:
        return borrower(desk, self.loan) | borrower(desk, self.new_loan)

    def perform(self, desk: Desk) -> None:
        old, new = active_loan(desk, self.loan), account(desk, self.new_loan, "new_loan")
        payoff = position(old, desk.business_day).payoff
        left = new.standing(desk.business_day).committed if new.body.state in ("granted", "active") else 0
        left = max(0, left - held_on_line(new, desk.business_day))
        require_alive(desk, new.body.member, "new_loan")
        if old.body.member != new.body.member or self.loan == self.new_loan:
            raise InvalidValue("These are not two loans of one borrower.", field="new_loan")
        if new.body.state not in ("granted", "active"):
            raise WrongState("Loan {loan} is {state}.", field="new_loan", loan=self.new_loan, state=_(new.body.state))
        if desk.actor.user == new.body.granted_by:
            raise NotAllowed(
                "Who asked for a loan does not pay it out: {user}.", field="new_loan", user=desk.actor.user,
                hint="A colleague has to.",
            )  # fmt: skip
        if not payoff:
            raise WrongState("Nothing is owed on loan {loan}.", field="loan", loan=self.loan)
        if payoff > left:
            raise Overdrawn(
                "Loan {loan} has only {left} to pay out, and {payoff} is owed.", field="new_loan", loan=self.new_loan,
                left=shown(desk, left), payoff=shown(desk, payoff),
            )  # fmt: skip
        require_in_time(desk, new, "new_loan")
        require_programmes(desk, new.body, payoff, field="new_loan", repays=self.loan)
        with named(self, "new_loan"):
            lent = tell(new, [("advance", desk.business_day, {"amount": payoff})])
        repaid = paid(desk, old, payoff, desk.business_day, "next")
        cash: dict[str, int] = defaultdict(int)
        for part in (lent.cash, repaid.cash):
            for fund, amount in part.items():
                cash[fund] += amount
        moves = shared_cash(None, {fund: amount for fund, amount in cash.items() if amount})
        wanted = [move for move in [*repaid.lines, *lent.lines, *moves] if move[2]]
        for fund, code, _amount in wanted:
            if "/L-" in code:
                desk.leaf_id(fund, code, old.body.member)
        desk.post(f"Loan {self.loan} refinanced by {self.new_loan}", wanted)
        after = finish(desk, repaid)
        desk.write(self.loan, after.model_copy(update={"replaced_by": self.new_loan}), about=after.member)
        tell_next(desk, lent, written(desk, lent))
