"""Loans: granted by two, paid out by another, repaid interest first.

A granted loan is a commitment, a memo pair (M40, M49) in the fund that will lend. Paying
it out takes the commitment back and opens 701, the principal, and 781, the interest
recognised and not yet paid. What the borrower owes is always 701 + 781. Interest is that
of bank/accrual.py; what is due, that of bank/loans.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from coopbank.bank import records
from coopbank.bank.accrual import owed, start_of_segment
from coopbank.bank.desk import Desk, Move
from coopbank.bank.fields import Code, Day, FundRef, LoanRef, MemberRef, Money, Personal, Rate, Text, Widget, refuse
from coopbank.bank.loans import Repayment, drawn, paid_out, position, repay
from coopbank.bank.operation import LOAN_OFFICER, TELLER, TREASURER, Operation
from coopbank.bank.operations.members import require_active
from coopbank.bank.operations.savings import FUND, shown
from coopbank.bank.tender import Paying, Receiving, claim
from coopbank.errors import AlreadyExists, InvalidValue, NotAllowed, Overdrawn, Unknown, WrongState
from coopbank.finance.daycount import DayCount
from coopbank.finance.periods import MOST_ROWS
from coopbank.ledger.chart import POOL
from coopbank.words import _

_EVERY = re.compile(r"(?:([0-9]{1,4})\s+)?(day|week|month|year)s?", re.IGNORECASE)
_UNITS = ("days", "weeks", "months", "years")


def _read_every(value: Any) -> dict[str, int]:
    """How often: "1 month", "2 weeks", or {"months": 1}."""
    if isinstance(value, str) and (match := _EVERY.fullmatch(value.strip())):
        value = {f"{match[2].lower()}s": int(match[1] or 1)}
    if (
        not isinstance(value, dict)
        or len(value) != 1
        or not set(value) <= set(_UNITS)
        or not all(type(count) is int and count > 0 for count in value.values())
    ):
        raise refuse('Write how often a payment is due as "1 month" or "2 weeks".')
    return value


Every = Annotated[
    dict[str, int], BeforeValidator(_read_every), Widget("text"),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}], "examples": ["1 month", {"weeks": 2}]}),
]  # fmt: skip
"""The time between two due dates."""


class GrantLoan(Operation):
    """Grant a loan. A second person decides; the fund's money is set aside until it is paid out."""

    name: ClassVar[str] = "grant-loan"
    title: ClassVar[str] = "Grant a loan"
    subject: ClassVar[str] = "lending"
    roles: ClassVar[tuple[str, ...]] = (LOAN_OFFICER,)
    second_person: ClassVar[bool] = True

    member: MemberRef
    principal: Annotated[Money, Field(title="Amount lent")]
    annual_rate: Annotated[Rate, Field(title="Interest, percent a year")]
    installments: Annotated[int, Field(ge=1, le=MOST_ROWS, title="Number of payments"), Widget("number")]
    every: Annotated[Every, Field(title="Payment every")] = {"months": 1}
    first_due: Annotated[Day | None, Field(title="First payment due, if not one period later")] = None
    purpose: Annotated[Text, Field(title="Purpose")] = ""
    fund: Annotated[FundRef, Field(title="Fund that lends")] = "RLF"
    day_count: Annotated[DayCount, Widget("choice"), Field(title="Day count")] = "actual/365"
    method: Annotated[Literal["level"], Widget("choice"), Field(title="Method")] = "level"
    number: Annotated[Code | None, Field(title="Loan number (from old records)")] = None

    def perform(self, desk: Desk) -> None:
        require_active(desk, self.member)
        require_lending_fund(desk, self.fund)
        loan = records.Loan(
            member=self.member, fund=self.fund, principal=self.principal, annual_rate=self.annual_rate,
            installments=self.installments, every=self.every, day_count=self.day_count, purpose=self.purpose,
            first_due=None if self.first_due is None else self.first_due.isoformat(),
            granted_on=desk.business_day.isoformat(), granted_by=desk.actor.user, approved_by=desk.approver,
        )  # fmt: skip
        plan = drawn(loan, desk.currency)
        self._require_room(desk)
        ref = own_number(desk, "loan", "L-", self.number)
        desk.open_leaf(self.fund, f"M40/{ref}", holder=self.member)
        promise = [(self.fund, f"M40/{ref}", self.principal), (self.fund, "M49", -self.principal)]
        desk.post(f"Loan {ref} granted", promise)
        desk.write(ref, loan, about=self.member)
        desk.note("Loan", ref)
        desk.note("Payment", shown(desk, plan.rows[0].payment))
        desk.note("Last payment", shown(desk, plan.rows[-1].payment))
        desk.note("Interest in all", shown(desk, plan.totals.interest))
        desk.note("Annual percentage rate", f"{plan.apr.quantize(Decimal('0.001'), ROUND_HALF_EVEN)} %")

    def _require_room(self, desk: Desk) -> None:
        """Refuse more than the fund has, less what it has promised already."""
        promised = -desk.balance(self.fund, "M49")  # the other side of every M40
        room = desk.balance(self.fund, "729") - promised
        if self.principal > room:
            raise Overdrawn(
                "Fund {fund} has only {room} to lend; {promised} is promised already.", field="principal",
                fund=self.fund, room=shown(desk, max(0, room)), promised=shown(desk, promised),
            )  # fmt: skip


class DisburseLoan(Paying):
    """Pay a granted loan out, whole, to the borrower or to the seller of what they buy. Interest runs from today."""

    name: ClassVar[str] = "disburse-loan"
    title: ClassVar[str] = "Pay a loan out"
    subject: ClassVar[str] = "lending"
    roles: ClassVar[tuple[str, ...]] = (TELLER, LOAN_OFFICER, TREASURER)

    loan: LoanRef
    tender: Annotated[Literal["cash", "transfer"], Widget("choice"), Field(title="How")] = "transfer"
    paid_to: Annotated[Personal | None, Field(title="Paid to, if not the borrower")] = None

    def serves(self, desk: Desk) -> set[str]:
        return borrower(desk, self.loan)

    def perform(self, desk: Desk) -> None:
        loan = desk.get(records.Loan, self.loan, "loan")
        self._require_payable(desk, loan)
        after = paid_out(loan, desk.business_day)
        plan = drawn(after, desk.currency).rows
        fund, principal = loan.fund, loan.principal
        for gl_code in ("701", "781"):
            open_for(desk, fund, f"{gl_code}/{self.loan}", loan.member)
        desk.post(
            f"Loan {self.loan} paid out",
            [
                (fund, f"701/{self.loan}", principal), *self.pay(desk, fund, principal),
                (fund, "M49", principal), (fund, f"M40/{self.loan}", -principal),
            ],
        )  # fmt: skip
        desk.write(self.loan, after, about=loan.member)
        desk.note("First payment", f"{shown(desk, plan[0].payment)}, {plan[0].due}")
        desk.note("Last payment", f"{shown(desk, plan[-1].payment)}, {plan[-1].due}")
        desk.wishes.append(f"loan {self.loan}")

    def _require_payable(self, desk: Desk, loan: records.Loan) -> None:
        if loan.state != "granted":
            raise WrongState("Loan {loan} was paid out on {day}.", field="loan", loan=self.loan, day=loan.disbursed_on)
        require_active(desk, loan.member, "loan")
        if desk.actor.user == loan.granted_by:
            raise NotAllowed(
                "Who asked for a loan does not pay it out: {user}.", field="loan", user=desk.actor.user,
                hint="A colleague has to.",
            )  # fmt: skip
        if loan.first_due is not None and date.fromisoformat(loan.first_due) <= desk.business_day:
            raise WrongState(
                "The first payment of loan {loan} would be due on {day}, and it is not paid out yet.", field="loan",
                loan=self.loan, day=loan.first_due, hint="Reverse the grant and grant it again with a later date.",
            )  # fmt: skip


class RepayLoan(Receiving):
    """Take a payment on a loan: interest to the day it counts from, then principal."""

    name: ClassVar[str] = "repay-loan"
    title: ClassVar[str] = "Loan payment"
    subject: ClassVar[str] = "lending"
    roles: ClassVar[tuple[str, ...]] = (TELLER, LOAN_OFFICER, TREASURER)

    loan: LoanRef
    amount: Money
    value_date: Annotated[Day | None, Field(title="Counts from, if not today")] = None
    excess: Annotated[
        Literal["principal", "unapplied"], Widget("choice"), Field(title="What is more than due (principal, unapplied)")
    ] = "principal"

    def serves(self, desk: Desk) -> set[str]:
        return borrower(desk, self.loan)

    def perform(self, desk: Desk) -> None:
        loan = active_loan(desk, self.loan)
        on = desk.value_date(self.value_date, not_before=start_of_segment(loan))
        done = repay(loan, desk.currency, self.amount, on, keep_excess=self.excess == "unapplied")
        fund = loan.fund if done.unapplied < self.amount else FUND
        cash = self.receive(desk, fund, self.amount, member=loan.member)
        if done.unapplied:
            leaf = f"871/{loan.member}"
            open_for(desk, FUND, leaf, loan.member)
            cash = [*netted([*cash, *claim_to(fund, FUND, done.unapplied)]), (FUND, leaf, -done.unapplied)]
        desk.post(f"Payment {self.loan}", settlement(self.loan, loan.fund, done, cash))
        if on != desk.business_day:
            desk.note("Counts from", on.isoformat())
        finish(desk, self.loan, loan, done)


class ApplyUnapplied(Operation):
    """Use money that a borrower paid ahead, without saying what for, to repay their loan."""

    name: ClassVar[str] = "apply-unapplied"
    title: ClassVar[str] = "Apply unapplied money"
    subject: ClassVar[str] = "lending"
    roles: ClassVar[tuple[str, ...]] = (TELLER, LOAN_OFFICER, TREASURER)

    loan: LoanRef
    amount: Money

    def serves(self, desk: Desk) -> set[str]:
        return borrower(desk, self.loan)

    def perform(self, desk: Desk) -> None:
        loan = active_loan(desk, self.loan)
        leaf = f"871/{loan.member}"
        held = -desk.balance(FUND, leaf)
        if self.amount > held:
            raise Overdrawn(
                "Member {member} has only {held} of unapplied money.", field="amount", member=loan.member,
                held=shown(desk, held),
            )  # fmt: skip
        on = desk.value_date(None, not_before=start_of_segment(loan))
        done = repay(loan, desk.currency, self.amount, on)
        cash = [(FUND, leaf, self.amount), *claim_to(FUND, loan.fund, self.amount)]
        desk.post(f"Unapplied money of {loan.member} to {self.loan}", settlement(self.loan, loan.fund, done, cash))
        finish(desk, self.loan, loan, done)
        desk.note("Still unapplied", shown(desk, held - self.amount))


# ------------------------------------------------------------------------------------- common


def settlement(ref: str, fund: str, done: Repayment, cash: Iterable[Move]) -> list[Move]:
    """The lines of a payment: interest recognised to its day, the money, and what it settles."""
    return [
        (fund, f"781/{ref}", done.recognised), (fund, "111", -done.recognised), *cash,
        (fund, f"781/{ref}", -done.parts.interest), (fund, f"701/{ref}", -done.parts.principal),
    ]  # fmt: skip


def finish(desk: Desk, ref: str, before: records.Loan, done: Repayment) -> None:
    """Write the loan as it is then, and say on the receipt how the payment was shared."""
    if done.after != before:
        desk.write(ref, done.after, about=before.member)
    desk.note("Interest", shown(desk, done.parts.interest))
    desk.note("Principal", shown(desk, done.parts.principal))
    if done.unapplied:
        desk.note("Kept as unapplied", shown(desk, done.unapplied))
    if done.after.state == "paid":
        desk.note("Owed after", _("{amount}, paid off").format(amount=shown(desk, 0)))
        return
    desk.note("Owed after", shown(desk, owed(done.after)))
    now = position(ref, done.after, desk.business_day, desk.currency)
    if now.due_now:
        desk.note("Still due", _("{amount}, since {day}").format(amount=shown(desk, now.due_now), day=now.due_since))
    if now.next_due is not None:
        desk.note("Next due", f"{shown(desk, now.next_amount)}, {now.next_due}")


def active_loan(desk: Desk, ref: str) -> records.Loan:
    """The loan, refused unless it is paid out and still owed."""
    loan: records.Loan = desk.get(records.Loan, ref, "loan")
    if loan.state == "granted":
        raise WrongState(
            "Loan {loan} is not paid out yet.", field="loan", loan=ref, hint="Pay it out first (disburse-loan)."
        )
    if loan.state != "active":
        raise WrongState("Nothing is owed on loan {loan}: it is {state}.", field="loan", loan=ref, state=_(loan.state))
    return loan


def borrower(desk: Desk, ref: str) -> set[str]:
    """Whose loan it is, for the rule that nobody serves their own."""
    loan = desk.find(records.Loan, ref)
    return set() if loan is None else {loan.member}


def require_lending_fund(desk: Desk, fund: str) -> None:
    """Refuse a fund that does not exist, the pool, and a reserve: they do not lend."""
    found = desk.tx.value("SELECT class FROM fund WHERE code = ?", fund)
    if found is None:
        raise Unknown("There is no fund {fund}.", field="fund", fund=fund)
    if fund == POOL or found == "reserve":
        raise InvalidValue(
            "Fund {fund} does not lend.", field="fund", fund=fund, hint="Name one that does, such as RLF."
        )


def own_number(desk: Desk, kind: str, prefix: str, number: str | None) -> str:
    """The number that old records gave, if it is free and well formed; else the next one."""
    if number is None:
        return desk.next_ref(kind, prefix, 3)
    asked = number.upper()
    if not re.fullmatch(re.escape(prefix) + "[0-9]{3,9}", asked):
        raise InvalidValue(
            "{number} is no such number.", field="number", number=number, example=f"{prefix}042",
            hint="It looks like {example}; leave it out and the next one is given.",
        )  # fmt: skip
    if desk.version(kind, asked):
        raise AlreadyExists("Number {number} is taken.", field="number", number=asked)
    desk.created.append(asked)
    return asked


def open_for(desk: Desk, fund: str, code: str, holder: str | None) -> None:
    """Open a leaf for its holder if there is none."""
    if desk.leaf(fund, code) is None:
        desk.open_leaf(fund, code, holder=holder)


def claim_to(from_fund: str, to_fund: str, amount: int) -> list[Move]:
    """A claim on pooled cash passes on; nothing within one fund."""
    return [] if from_fund == to_fund else claim(from_fund, to_fund, amount)


def netted(moves: Iterable[Move]) -> list[Move]:
    """The same lines with each leaf once."""
    sums: dict[tuple[str, str], int] = {}
    for fund, code, amount in moves:
        sums[fund, code] = sums.get((fund, code), 0) + amount
    return [(fund, code, amount) for (fund, code), amount in sums.items()]
