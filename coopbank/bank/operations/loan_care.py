"""Fees and waivers of a loan, and whether its interest is income.

A late fee is off unless the product has one: once for a payment that is late, on that payment
and never on a fee. Interest that is not expected to be collected is income no more
(non-accrual): what was recognised and not collected is taken back, and the rest runs in memo,
while the borrower's paper goes on by the contract.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from coopbank.bank.borrowers import AboutLoan
from coopbank.bank.desk import Desk
from coopbank.bank.fields import Memo, Money, Widget
from coopbank.bank.lending.accounts import LoanAccount, tell
from coopbank.bank.lending.contract import asked_by, first_uncovered, rows_by
from coopbank.bank.lending.scheduled import ACCRUAL, ScheduledRun
from coopbank.bank.operation import LOAN_OFFICER, TREASURER
from coopbank.bank.operations.lending import active_loan, post_loan, scheduled, tell_next, written
from coopbank.bank.operations.savings import shown
from coopbank.errors import InvalidAmount, WrongState
from coopbank.money import round_ratio
from coopbank.words import _

#: Payments in a row after which a loan may accrue again, where the bank has no policy.
PAYMENTS_TO_RETURN = 6


class ChargeLateFee(AboutLoan):
    """Charge the fee that the terms name for payments that are late, once for each."""

    name: ClassVar[str] = "charge-late-fee"
    title: ClassVar[str] = "Charge a late fee"
    roles: ClassVar[tuple[str, ...]] = (LOAN_OFFICER, TREASURER)

    def perform(self, desk: Desk) -> None:
        loan = active_loan(desk, self.loan)
        run = scheduled(loan, self.title)
        fee = run.contract.late_fee
        if fee is None:
            raise WrongState(
                "The terms of loan {loan} have no late fee.", field="loan", loan=self.loan,
                hint="Nothing is charged for being late.",
            )  # fmt: skip
        late = late_rows(run, desk.business_day - timedelta(days=fee["after_days"]))
        if not late:
            raise WrongState(
                "No payment of loan {loan} is {days} days late and not charged yet.", field="loan",
                loan=self.loan, days=fee["after_days"],
            )  # fmt: skip
        facts: list[tuple[str, date, dict[str, Any]]] = [
            ("fee", desk.business_day, {"amount": fee_of(fee, unpaid), "what": "late", "due": due.isoformat()})
            for due, unpaid in late
        ]
        done = tell(loan, facts)
        post_loan(desk, self.loan, loan.body.member, f"Late fee {self.loan}", done.lines)
        after = written(desk, done)
        desk.note("Late fee", shown(desk, sum(data["amount"] for _type, _on, data in facts)))
        tell_next(desk, done, after)


def late_rows(run: ScheduledRun, due_by: date) -> list[tuple[date, int]]:
    """Payments due by a day that are not fully paid and bore no late fee yet: due date, and what is unpaid."""
    s = run.state
    assert s.plan is not None
    paid = s.counted - s.billed
    found = []
    for row in range(first_uncovered(s.runs, max(0, paid)), rows_by(s.plan, s.runs, due_by)):
        unpaid = min(asked_by(s.runs, row + 1) - max(paid, asked_by(s.runs, row)), s.principal + s.interest)
        due = s.plan.due(row)
        if unpaid > 0 and due.isoformat() not in s.late_rows:
            found.append((due, unpaid))
    return found


def fee_of(fee: dict[str, Any], unpaid: int) -> int:
    """A flat fee, or a percentage of the late payment, in minor units."""
    if "flat" in fee:
        return int(fee["flat"])
    num, den = Decimal(fee["percent"]).as_integer_ratio()
    return round_ratio(unpaid * num, 100 * den)


class WaiveCharges(AboutLoan):
    """Ask no more for interest or fees that are owed."""

    name: ClassVar[str] = "waive-charges"
    title: ClassVar[str] = "Waive interest or fees"
    roles: ClassVar[tuple[str, ...]] = (LOAN_OFFICER, TREASURER)
    second_person: ClassVar[bool] = True

    interest: Money | None = None
    fees: Money | None = None
    why: Annotated[Memo, Field(min_length=1, title="Why, or by which decision")]

    def perform(self, desk: Desk) -> None:
        loan = active_loan(desk, self.loan)
        scheduled(loan, self.title)
        if self.interest is None and self.fees is None:
            raise InvalidAmount("Say how much is waived.", field="interest", hint="Give interest, fees, or both.")
        now = loan.standing(desk.business_day)
        for field, most in (("interest", now.interest), ("fees", now.fees)):
            if (getattr(self, field) or 0) > most:
                raise InvalidAmount("Only {owed} is owed.", field=field, owed=shown(desk, most))
        data = {name: amount for name, amount in (("interest", self.interest), ("fees", self.fees)) if amount}
        done = tell(loan, [("waiver", desk.business_day, data)])
        post_loan(desk, self.loan, loan.body.member, f"Waiver {self.loan}", done.lines)
        after = written(desk, done)
        desk.note("Waived", shown(desk, sum(data.values())))
        tell_next(desk, done, after)


class StopAccrual(AboutLoan):
    """Treat a loan's interest as income no more: it is not expected to be collected."""

    name: ClassVar[str] = "stop-accrual"
    title: ClassVar[str] = "Put a loan on non-accrual"
    roles: ClassVar[tuple[str, ...]] = (LOAN_OFFICER, TREASURER)
    second_person: ClassVar[bool] = True

    method: Annotated[
        Literal["recovery", "cash"], Widget("choice"),
        Field(title="Money received goes to principal alone (recovery), or is income where it pays interest (cash)"),
    ] = "recovery"  # fmt: skip
    stop_interest: Annotated[bool, Field(title="No interest runs by the contract either")] = False
    why: Annotated[Memo, Field(min_length=1, title="Why")]

    def perform(self, desk: Desk) -> None:
        loan = active_loan(desk, self.loan)
        run = scheduled(loan, self.title)
        if run.state.basis != ACCRUAL:
            raise WrongState("Loan {loan} is on non-accrual already.", field="loan", loan=self.loan)
        facts: list[tuple[str, date, dict[str, Any]]] = [("non-accrual", desk.business_day, {"method": self.method})]
        if self.stop_interest:
            facts.append(("pause", desk.business_day, {}))
        done = tell(loan, facts)
        post_loan(desk, self.loan, loan.body.member, f"{self.loan} to non-accrual", done.lines)
        written(desk, done)
        desk.note("Income taken back", shown(desk, sum(f.get("unearned", 0) for f in done.moved.values())))


class ResumeAccrual(AboutLoan):
    """Treat a loan's interest as income again. What ran meanwhile is income when it is collected."""

    name: ClassVar[str] = "resume-accrual"
    title: ClassVar[str] = "Return a loan to accrual"
    roles: ClassVar[tuple[str, ...]] = (LOAN_OFFICER, TREASURER)
    second_person: ClassVar[bool] = True

    why: Annotated[Memo, Field(min_length=1, title="Why")]

    def perform(self, desk: Desk) -> None:
        loan = active_loan(desk, self.loan)
        run = scheduled(loan, self.title)
        self._require_returned(desk, loan, run)
        done = tell(loan, [("accrual", desk.business_day, {})])
        post_loan(desk, self.loan, loan.body.member, f"{self.loan} accrues again", done.lines)
        written(desk, done)
        desk.note("Income", f"{_('since')} {desk.business_day}")

    def _require_returned(self, desk: Desk, loan: LoanAccount, run: ScheduledRun) -> None:
        if run.state.basis == ACCRUAL:
            raise WrongState("Loan {loan} is not on non-accrual.", field="loan", loan=self.loan)
        due = loan.standing(desk.business_day).due
        if due.total:
            raise WrongState(
                "Loan {loan} is behind: {due} is due since {since}.", field="loan", loan=self.loan,
                due=shown(desk, due.total), since=due.since,
            )  # fmt: skip
        wanted = int(desk.policy("accrual_payments", PAYMENTS_TO_RETURN))
        since = run.state.basis_since or date.min
        made = sum(fact.type == "payment" and fact.on >= since for fact in loan.facts)
        if made < wanted:
            raise WrongState(
                "Payments on loan {loan} since it went on non-accrual: {made}; {wanted} are needed.", field="loan",
                loan=self.loan, made=made, wanted=wanted,
            )  # fmt: skip
