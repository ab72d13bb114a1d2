"""Money between funds: for good, by the rule or resolution that is named, or lent and to be repaid by a day.

What a donor or a condition binds leaves its fund by release only, and no fund gives away what it has promised to
borrowers. A transfer stands in 187 on both sides, a loan in 728 of the fund that lends and 878 of the one that owes;
both come to zero over all funds. No cash moves: claims on pooled cash pass from one fund to the other.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.desk import Desk
from coopbank.bank.fields import Day, Decision, FundLoanRef, FundRef, Money
from coopbank.bank.operation import SUPERVISOR, TREASURER, Operation
from coopbank.bank.operations.funds import fund_class, require_spendable_fund
from coopbank.bank.operations.notes import require_later
from coopbank.bank.operations.reserves import transferred
from coopbank.bank.operations.savings import FUND, shown
from coopbank.bank.tender import claim
from coopbank.errors import InvalidAmount, InvalidValue, Overdrawn, WrongState
from coopbank.words import _

#: What a donor or a condition binds.
_BOUND = ("restricted", "conditional")


class _BetweenFunds(Operation):
    """Common to what one fund gives or lends another."""

    subject: ClassVar[str] = "funds"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    approvers: ClassVar[tuple[str, ...]] = (SUPERVISOR, TREASURER)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True

    from_fund: Annotated[FundRef, Field(title="From fund")] = FUND
    to_fund: Annotated[FundRef, Field(title="To fund")]
    amount: Money
    resolution: Annotated[Decision, Field(title="By which rule or decision")]

    def require_free(self, desk: Desk) -> None:
        """Refuse bound money, the pool, the same fund twice, and more than is not promised."""
        require_spendable_fund(desk, self.from_fund, "from_fund")
        require_spendable_fund(desk, self.to_fund, "to_fund")
        if self.from_fund == self.to_fund:
            raise InvalidValue("That is one fund, not two.", field="to_fund", hint="Name two funds.")
        if fund_class(desk, self.from_fund, "from_fund") in _BOUND:
            raise WrongState(
                "Money of fund {fund} is bound: it leaves by release only.", field="from_fund", fund=self.from_fund,
                hint="Spend the gift on what it was given for (spend-gift).",
            )  # fmt: skip
        promised = -desk.balance(self.from_fund, "M49")
        free = desk.balance(self.from_fund, "729") - promised
        if self.amount > free:
            raise Overdrawn(
                "Fund {fund} has only {free} that is not promised; {promised} is promised to borrowers.",
                field="amount", fund=self.from_fund, free=shown(desk, max(0, free)), promised=shown(desk, promised),
            )  # fmt: skip


class TransferFunds(_BetweenFunds):
    """Give money of one fund to another for good."""

    name: ClassVar[str] = "transfer-funds"
    title: ClassVar[str] = "Transfer between funds"
    decided_as: ClassVar[tuple[str, ...]] = ("transfer",)

    def perform(self, desk: Desk) -> None:
        self.require_free(desk)
        if fund_class(desk, self.to_fund, "to_fund") == "conditional":
            raise WrongState(
                "Money of fund {fund} is owed until its condition is met: nothing is given to it.", field="to_fund",
                fund=self.to_fund, hint="Name another fund.",
            )  # fmt: skip
        moves = transferred(self.from_fund, self.to_fund, self.amount)
        desk.post(f"Transfer {self.from_fund} to {self.to_fund}: {self.resolution}", moves)
        desk.note("Left in the fund", shown(desk, desk.balance(self.from_fund, "729") - self.amount))


class LendToFund(_BetweenFunds):
    """Lend money of one fund to another, to be repaid by a day."""

    name: ClassVar[str] = "lend-to-fund"
    title: ClassVar[str] = "Lend to another fund"
    decided_as: ClassVar[tuple[str, ...]] = ("transfer",)

    due_on: Annotated[Day, Field(title="To be repaid by")]

    def perform(self, desk: Desk) -> None:
        self.require_free(desk)
        if fund_class(desk, self.to_fund, "to_fund") in _BOUND:
            raise WrongState(
                "Money of fund {fund} is bound: it repays no loan.", field="to_fund", fund=self.to_fund,
                hint="Name another fund.",
            )  # fmt: skip
        require_later(desk, self.due_on, "due_on")
        ref = desk.next_ref(records.FundLoan.kind, "IF-", 3)
        desk.post(
            f"Fund loan {ref}, {self.from_fund} to {self.to_fund}: {self.resolution}",
            [(self.from_fund, f"728/{self.to_fund}", self.amount), *claim(self.from_fund, self.to_fund, self.amount),
             (self.to_fund, f"878/{self.from_fund}", -self.amount)],
        )  # fmt: skip
        body = records.FundLoan(
            from_fund=self.from_fund, to_fund=self.to_fund, amount=self.amount, owed=self.amount,
            lent_on=desk.business_day.isoformat(), due_on=self.due_on.isoformat(), resolution=self.resolution,
        )  # fmt: skip
        desk.write(ref, body, about=self.to_fund)
        desk.note("Fund loan", ref)
        desk.note("Due", body.due_on)


class RepayFund(Operation):
    """Repay what a fund lent to another, whole or in part."""

    name: ClassVar[str] = "repay-fund"
    title: ClassVar[str] = "Repay another fund"
    subject: ClassVar[str] = "funds"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    approvers: ClassVar[tuple[str, ...]] = (SUPERVISOR, TREASURER)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True

    fund_loan: FundLoanRef
    amount: Annotated[Money | None, Field(title="Amount, if not all that is owed")] = None

    def perform(self, desk: Desk) -> None:
        body = desk.get(records.FundLoan, self.fund_loan, "fund_loan")
        if body.state != "open":
            raise WrongState("Fund loan {ref} is {state}.", field="fund_loan", ref=self.fund_loan, state=_(body.state))
        amount = body.owed if self.amount is None else self.amount
        if amount > body.owed:
            raise InvalidAmount(
                "Only {owed} of fund loan {ref} is owed.", field="amount", owed=shown(desk, body.owed),
                ref=self.fund_loan,
            )  # fmt: skip
        held = desk.balance(body.to_fund, "729")
        if amount > held:
            raise Overdrawn(
                "Fund {fund} has only {held} in cash.", field="amount", fund=body.to_fund, held=shown(desk, held)
            )
        desk.post(
            f"Fund loan {self.fund_loan} repaid",
            [(body.to_fund, f"878/{body.from_fund}", amount), *claim(body.to_fund, body.from_fund, amount),
             (body.from_fund, f"728/{body.to_fund}", -amount)],
        )  # fmt: skip
        left = body.owed - amount
        desk.write(
            self.fund_loan, body.model_copy(update={"owed": left, "state": "open" if left else "repaid"}),
            about=body.to_fund,
        )  # fmt: skip
        desk.note("Owed after", shown(desk, left))
