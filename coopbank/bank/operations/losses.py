"""Losses on loans: written down, charged off, and what comes back.

Provision first, then the loss: a loss goes through the allowance (719), which never stands on
the debit side. A write-down releases the borrower; a charge-off does not: the debt stands in
memo (M20) and what comes back goes to the allowance again. Who bears the loss is said by the
fund's waterfall (waterfalls.py): a reserve's cash moves between funds by 187, and a recovery
refills the last that was hit first. A fund without one may name a reserve at the charge-off.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, ClassVar

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.borrowers import AboutLoan
from coopbank.bank.desk import Desk, Move
from coopbank.bank.fields import BankAccountRef, Decision, Memo, Money, Text
from coopbank.bank.lending.accounts import LoanAccount, tell
from coopbank.bank.lending.scheduled import ACCRUAL, ScheduledRun
from coopbank.bank.operation import LOAN_OFFICER, SUPERVISOR, TREASURER
from coopbank.bank.operations.lending import active_loan, post_loan, tell_next, written
from coopbank.bank.operations.reserves import attribute, between
from coopbank.bank.operations.savings import shown
from coopbank.errors import InvalidAmount, InvalidValue, NotAllowed, Overdrawn, WrongState
from coopbank.ledger.chart import POOL

#: Days without a payment after which a loan may be charged off without a vote, where the bank has no policy.
CHARGE_OFF_DAYS = 365
#: A lender in the United States files form 1099-C for so much and more (26 USC 6050P), in minor units.
REPORTABLE_CANCELLATION = 600_00

_LOSSES = {"written_principal", "written_interest", "off_principal", "off_interest", "off_fees"}


class WriteDown(AboutLoan):
    """Ask for less: principal that the borrower does not owe any more. It is a loss, or a gift of the fund."""

    name: ClassVar[str] = "write-down"
    title: ClassVar[str] = "Write a loan down"
    roles: ClassVar[tuple[str, ...]] = (TREASURER, SUPERVISOR)
    second_person: ClassVar[bool] = True
    decided_as: ClassVar[tuple[str, ...]] = ("loan",)
    decided_amount: ClassVar[str] = "principal"

    principal: Annotated[Money, Field(title="Principal that is owed no more")]
    gift: Annotated[bool, Field(title="It is a gift of the fund, and no loss")] = False
    resolution: Decision

    def perform(self, desk: Desk) -> None:
        loan = active_loan(desk, self.loan)
        require_another(desk, loan)
        owed = loan.standing(desk.business_day).principal
        if self.principal > owed:
            raise InvalidAmount("Only {owed} of principal is owed.", field="principal", owed=shown(desk, owed))
        data: dict[str, Any] = {"principal": self.principal} | ({"gift": True} if self.gift else {})
        done = tell(loan, [("write-down", desk.business_day, data)])
        provision = [] if self.gift else provided(_losses(done.moved))
        post_loan(
            desk, self.loan, loan.body.member, f"Loan {self.loan} written down: {self.resolution}",
            [*provision, *done.lines],
        )  # fmt: skip
        after = written(desk, done)
        desk.note("Written down", shown(desk, self.principal))
        if desk.currency == "USD" and self.principal >= REPORTABLE_CANCELLATION:
            desk.note("To be reported", "1099-C")
        tell_next(desk, done, after)


class ChargeOff(AboutLoan):
    """Book a loan as lost. It is still owed; what comes back refills the allowance."""

    name: ClassVar[str] = "charge-off"
    title: ClassVar[str] = "Charge a loan off"
    roles: ClassVar[tuple[str, ...]] = (LOAN_OFFICER, TREASURER)
    approvers: ClassVar[tuple[str, ...]] = (SUPERVISOR, TREASURER)
    second_person: ClassVar[bool] = True
    decided_as: ClassVar[tuple[str, ...]] = ("loan",)
    decided_amount: ClassVar[str] = ""

    resolution: Annotated[Text, Field(title="By which decision, before its time has come")] = ""
    reserve_account: Annotated[BankAccountRef | None, Field(title="Bank account of the reserve that pays")] = None
    from_reserve: Annotated[Money | None, Field(title="What the reserve pays")] = None
    why: Annotated[Memo, Field(min_length=1, title="Why")]

    def perform(self, desk: Desk) -> None:
        loan = active_loan(desk, self.loan)
        self._require_bad(desk, loan)
        done = tell(loan, [("charge-off", desk.business_day, {})])
        losses = _losses(done.moved)
        needed = _needed(desk, self.loan, losses)
        post_loan(desk, self.loan, loan.body.member, f"Loan {self.loan} charged off", [*provided(needed), *done.lines])
        held = {fund: loss - needed[fund] for fund, loss in losses.items()}
        borne = {**self._reserve(desk, loan, losses.get(loan.body.fund, 0)),
                 **attribute(desk, self.loan, losses, held)}  # fmt: skip
        after = written(desk, done, **({"borne": borne} if borne else {}))
        desk.note("Loss", shown(desk, sum(losses.values())))
        desk.note("Still owed", shown(desk, done.standing.owed))
        assert after.state == "charged-off"

    def _require_bad(self, desk: Desk, loan: LoanAccount) -> None:
        """Refuse a loan that is paid as agreed, and one whose time has not come without a decision."""
        today, run = desk.business_day, loan.run()
        standing = loan.standing(today)
        if not standing.owed:
            raise WrongState("Nothing is owed on loan {loan}.", field="loan", loan=self.loan)
        if isinstance(run, ScheduledRun) and not standing.due.total and run.state.basis == ACCRUAL:
            raise WrongState(
                "Loan {loan} is paid as agreed; it is no loss.", field="loan", loan=self.loan,
                hint="Nothing is due on it.",
            )  # fmt: skip
        since = _last_paid(loan) or date.fromisoformat(str(loan.body.disbursed_on))
        days = int(desk.policy("charge_off_days", CHARGE_OFF_DAYS))
        over = loan.is_reported and str(loan.contracts[max(loan.contracts)].document["outer_date"]) <= today.isoformat()
        waited = (today - since).days >= days if not loan.is_reported else over
        if not waited and not self.resolution:
            raise WrongState(
                "Loan {loan} may be charged off {days} days after its last payment, or by a decision.",
                field="resolution", loan=self.loan, days=days, hint="Name the decision (resolution).",
            )  # fmt: skip

    def _reserve(self, desk: Desk, loan: LoanAccount, loss: int) -> dict[str, int]:
        """The reserve's cash that makes the leading fund's loss good, or a part of it: who bore how much."""
        if (self.reserve_account is None) != (self.from_reserve is None):
            raise InvalidValue(
                "A reserve pays an amount from its account.", field="from_reserve",
                hint="Give both: reserve_account and from_reserve.",
            )  # fmt: skip
        if self.reserve_account is None or self.from_reserve is None:
            return {}
        if desk.find(records.LossWaterfall, loan.body.fund) is not None:
            raise InvalidValue(
                "Fund {fund} has a waterfall: it says which reserve pays, and how much.", field="reserve_account",
                fund=loan.body.fund, hint="Leave the reserve out, or set another waterfall first (set-loss-waterfall).",
            )  # fmt: skip
        account = desk.get(records.BankAccount, self.reserve_account, "reserve_account")
        if account.fund == POOL:
            raise InvalidValue("A reserve has an account of its own.", field="reserve_account")
        if self.from_reserve > loss:
            raise InvalidAmount("The loss is only {loss}.", field="from_reserve", loss=shown(desk, loss))
        held = desk.balance(account.fund, f"731/{self.reserve_account}")
        if self.from_reserve > held:
            raise Overdrawn(
                "Only {held} is in account {account}.", field="from_reserve", held=shown(desk, held),
                account=self.reserve_account,
            )  # fmt: skip
        moves = between(desk, account.fund, self.reserve_account, loan.body.fund, self.from_reserve)
        desk.post(f"Loan {loan.ref}: {account.fund} bears {shown(desk, self.from_reserve)}", moves)
        desk.note("Borne by", f"{account.fund} {shown(desk, self.from_reserve)}")
        return {account.fund: self.from_reserve}


def require_another(desk: Desk, loan: LoanAccount) -> None:
    """Who asked for a loan does not forgive it."""
    if desk.actor.user == loan.body.granted_by:
        raise NotAllowed(
            "Who asked for a loan does not write it down: {user}.", field="loan", user=desk.actor.user,
            hint="A colleague has to.",
        )  # fmt: skip


def _losses(moved: dict[str, dict[str, int]]) -> dict[str, int]:
    """What goes through the allowance of each fund; a peer bears its part itself."""
    found = {name: sum(flows.get(flow, 0) for flow in _LOSSES) for name, flows in moved.items() if "@" not in name}
    return {fund: amount for fund, amount in found.items() if amount}


def provided(amounts: dict[str, int]) -> list[Move]:
    """Expense to allowance, each fund alone."""
    return [
        line for fund, amount in amounts.items() if amount for line in ((fund, "301", amount), (fund, "719", -amount))
    ]


def covering(desk: Desk, ref: str, moved: dict[str, dict[str, int]]) -> list[Move]:
    """What must be provided so that these flows of a loan do not take more from the allowance than there is."""
    return provided(_needed(desk, ref, _losses(moved)))


def _needed(desk: Desk, ref: str, losses: dict[str, int]) -> dict[str, int]:
    """What must be provided before a loss: beyond what was held for this loan, and so that 719 is never a debit."""
    held = held_for(desk, ref)
    found = {}
    for fund, loss in losses.items():
        allowance = -desk.balance(fund, "719")
        found[fund] = max(0, loss - held.get(fund, 0), loss - allowance)
    return found


def held_for(books: Books, ref: str) -> dict[str, int]:
    """The allowance that the last provision reckoned for a loan, by fund."""
    text = books.tx.value(
        "SELECT body FROM record WHERE kind = ? ORDER BY ref DESC, version DESC LIMIT 1", records.Provision.kind
    )
    if text is None:
        return {}
    found: dict[str, int] = {}
    for line in records.Provision.model_validate_json(text).lines:
        if line[1] == ref:
            found[line[0]] = found.get(line[0], 0) + int(line[-1])
    return found


def _last_paid(loan: LoanAccount) -> date | None:
    return max((fact.on for fact in loan.facts if fact.type == "payment"), default=None)
