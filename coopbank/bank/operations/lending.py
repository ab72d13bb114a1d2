"""Loans: granted by two, paid out by another, repaid.

A granted loan is a commitment, a memo pair (M40, M49) in the funds that will lend. Paying it
out, whole, in tranches or as draws on a line, takes the commitment back and opens 701, the
principal. Everything that happens afterwards is a fact with a value date, and every
operation posts the difference between what the loan's story comes to and what the books
have of it (bank/lending). What the borrower owes is 701 + 781 + 791 and the memo accounts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from coopbank.bank import records
from coopbank.bank.borrowers import AboutLoan, require_course, require_linked
from coopbank.bank.campaign_guard import require_none_named
from coopbank.bank.desk import Desk, Move
from coopbank.bank.fields import (
    ApplicationRef,
    Code,
    Day,
    Decided,
    Every,
    FundRef,
    MemberRef,
    Money,
    Percent,
    Personal,
    ProductRef,
    Rate,
    Text,
    Widget,
    refuse,
)
from coopbank.bank.lending.accounts import LoanAccount, Outcome, account, drawn_on, held_on_line, tell, write
from coopbank.bank.lending.contract import LINE, REPORTED, Contract, check, count_of, drawn, first_plan
from coopbank.bank.lending.flows import OWN, by_fund, lines
from coopbank.bank.lending.position import position
from coopbank.bank.lending.scheduled import ScheduledRun
from coopbank.bank.lending.standing import Standing
from coopbank.bank.operation import LOAN_OFFICER, TELLER, TREASURER, Operation
from coopbank.bank.operations import applications, collateral
from coopbank.bank.operations.members import require_active, require_alive
from coopbank.bank.operations.products import Multiple, YesNo, product_of, require_lender, require_within
from coopbank.bank.operations.programmes import require_programmes
from coopbank.bank.operations.reserves import refilled
from coopbank.bank.operations.savings import FUND, shown
from coopbank.bank.tender import Paying, Receiving, shared_cash
from coopbank.errors import AlreadyExists, InvalidAmount, InvalidValue, NotAllowed, Overdrawn, Refused, WrongState
from coopbank.finance.daycount import DayCount
from coopbank.finance.periods import MOST_ROWS
from coopbank.finance.schedule import schedule
from coopbank.words import _

_SHARE = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)[ :=]+([0-9]{1,2}(?:\.[0-9]{1,2})?) ?%?")


def _read_shares(value: Any) -> Any:
    """Funds and percentages: "GEN 40, CLT 10", or {"GEN": "40"}."""
    if isinstance(value, str):
        parts = [_SHARE.fullmatch(part.strip()) for part in value.split(",")]
        if not all(parts):
            raise refuse('Write each fund with its share in percent, for example "GEN 40".')
        names = [match[1] for match in parts if match]
        if len(set(names)) < len(names):
            raise refuse("Name each fund once.")
        value = {match[1]: match[2] for match in parts if match}
    if not isinstance(value, dict) or not all(
        isinstance(share, str) and re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,2})?", share) and Decimal(share)
        for share in value.values()
    ):
        raise refuse('Write each fund with its share in percent, for example "GEN 40".')
    if sum(Decimal(share) for share in value.values()) >= 100:
        raise refuse("The other funds together must lend less than everything.")
    return value


OtherFunds = Annotated[
    dict[str, str], BeforeValidator(_read_shares), Widget("text"),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}], "examples": ["GEN 40", {"GEN": "40"}]}),
]  # fmt: skip
"""Funds that lend beside the first, and what percentage each lends."""

Months = Annotated[list[Annotated[int, Field(ge=1, le=12)]], Widget("number"), Field(min_length=1, max_length=12)]

#: Fields of the form that are terms, by kind of repayment.
_SCHEDULED = (
    "annual_rate", "installments", "every", "first_due", "day_count", "method", "principal_grace", "months",
    "interest_postponed", "interest_free", "principal_percent", "month_end",
)  # fmt: skip
_TERMS = {
    "schedule": _SCHEDULED,
    "line": ("annual_rate", "installments", "every", "first_due", "day_count", "month_end"),
    "surplus": ("annual_rate", "share_percent", "cost_cap_percent", "outer_date", "day_count", "loss_carry_forward",
                "every", "report_days", "payment_days"),
    "revenue": ("share_percent", "multiple", "cost_cap_percent", "outer_date", "loss_carry_forward", "every",
                "report_days", "payment_days"),
}  # fmt: skip
_NEEDED = {
    "schedule": ("annual_rate", "installments"), "line": ("annual_rate", "installments"),
    "surplus": ("annual_rate", "share_percent", "outer_date"), "revenue": ("share_percent", "multiple", "outer_date"),
}  # fmt: skip


class GrantLoan(Operation):
    """Grant a loan. A second person decides; the funds' money is set aside until it is paid out."""

    name: ClassVar[str] = "grant-loan"
    title: ClassVar[str] = "Grant a loan"
    subject: ClassVar[str] = "lending"
    roles: ClassVar[tuple[str, ...]] = (LOAN_OFFICER,)
    second_person: ClassVar[bool] = True
    decided_as: ClassVar[tuple[str, ...]] = ("loan",)
    decided_amount: ClassVar[str] = "principal"

    member: MemberRef
    principal: Annotated[Money, Field(title="Amount lent, or the limit of a line")]
    product: Annotated[ProductRef, Field(title="Product")] = "TERM"
    annual_rate: Annotated[Rate | None, Field(title="Interest, percent a year")] = None
    installments: Annotated[
        int | None, Field(ge=1, le=MOST_ROWS, title="Number of payments"), Widget("number")
    ] = None  # fmt: skip
    every: Annotated[Every | None, Field(title="Payment or report every")] = None
    first_due: Annotated[Day | None, Field(title="First payment due, if not one period later")] = None
    purpose: Annotated[Text, Field(title="Purpose")] = ""
    fund: Annotated[FundRef, Field(title="Fund that lends, or lends most")] = "RLF"
    other_funds: Annotated[OtherFunds, Field(title="Other funds that lend, each with its percentage")] = {}
    application: Annotated[ApplicationRef | None, Field(title="Application that it answers")] = None
    day_count: Annotated[DayCount | None, Widget("choice"), Field(title="Day count")] = None
    method: Annotated[
        Literal["level", "equal-principal"] | None, Widget("choice"), Field(title="Method")
    ] = None  # fmt: skip
    principal_grace: Annotated[
        int | None, Field(ge=0, le=MOST_ROWS, title="Payments of interest alone at first"), Widget("number")
    ] = None  # fmt: skip
    months: Annotated[Months | None, Widget("number"), Field(title="Months in which payments fall due")] = None
    interest_postponed: Annotated[
        int | None, Field(ge=0, le=MOST_ROWS, title="First payments whose interest is collected later"),
        Widget("number"),
    ] = None  # fmt: skip
    interest_free: Annotated[
        int | None, Field(ge=0, le=MOST_ROWS, title="First payments that bear no interest"), Widget("number")
    ] = None  # fmt: skip
    principal_percent: Annotated[Percent | None, Field(title="Percent of the loan repaid with each payment")] = None
    month_end: Annotated[
        Literal["clamp", "roll"] | None, Widget("choice"), Field(title="A day that a month lacks")
    ] = None  # fmt: skip
    share_percent: Annotated[Percent | None, Field(title="Share of surplus or revenue, percent")] = None
    cost_cap_percent: Annotated[Percent | None, Field(title="Cap of all cost, percent of the surplus")] = None
    multiple: Annotated[Multiple | None, Field(title="Multiple of the loan that is repaid in all")] = None
    outer_date: Annotated[Day | None, Field(title="Outer date of a loan repaid by reports")] = None
    loss_carry_forward: Annotated[YesNo | None, Field(title="Losses lower later surplus")] = None
    report_days: Annotated[
        int | None, Field(ge=0, le=3660, title="Days to file a report"), Widget("number")
    ] = None  # fmt: skip
    payment_days: Annotated[
        int | None, Field(ge=0, le=3660, title="Days to pay once it is accepted"), Widget("number")
    ] = None  # fmt: skip
    place: Annotated[Text, Field(max_length=80, title="Place where its money works")] = ""
    number: Annotated[Code | None, Field(title="Loan number (from old records)")] = None
    resolution: Decided = None

    def perform(self, desk: Desk) -> None:
        require_active(desk, self.member)
        require_alive(desk, self.member)
        funds = self._funds(desk)
        version, product = product_of(desk, self.product)
        require_course(desk, product, self.member)
        require_linked(desk, self.member, self.principal)
        document = self.terms_document(product)
        rate = document.get("annual_rate", "0")
        for fund in funds:
            require_within(desk, product, self.principal, rate, document.get("installments"), fund)
        self._require_drawable(desk, product, document)
        self._require_room(desk, funds)
        ref = own_number(desk, "loan", "L-", self.number)
        if self.application is not None:
            applications.granted(desk, self.application, self.member, ref)
        today = desk.business_day.isoformat()
        terms = records.LoanTerms(
            repayment=product.repayment, document=document, order=product.order, early=product.early,
            late_fee=product.late_fee, from_day=today,
        )  # fmt: skip
        loan = records.Loan(
            member=self.member, product=self.product, product_version=version, repayment=product.repayment,
            funds=funds, principal=self.principal, annual_rate=rate, purpose=self.purpose, granted_on=today,
            granted_by=desk.actor.user, approved_by=desk.approver, application=self.application,
            book=by_fund({"promised": self.principal}, funds), told=untold(terms, self.principal, desk.currency),
            place=self.place,
        )  # fmt: skip
        require_programmes(desk, loan, self.principal)
        require_none_named(desk, {"member": self.member}, funds)
        post_loan(desk, ref, self.member, f"Loan {ref} granted", lines(ref, self.member, loan.book))
        desk.write(ref, terms, about=ref)
        desk.write(ref, loan, about=self.member)
        desk.note("Loan", ref)
        self._tell_terms(desk, product, document)

    def _funds(self, desk: Desk) -> dict[str, int]:
        """Each fund's share in hundredths of a percent; one fund alone has one share."""
        for fund in (self.fund, *self.other_funds):
            require_lender(desk, fund, "fund" if fund == self.fund else "other_funds")
        if self.fund in self.other_funds:
            raise InvalidValue("Fund {fund} is named twice.", field="other_funds", fund=self.fund)
        shares = {fund: int(Decimal(percent) * 100) for fund, percent in self.other_funds.items()}
        return {self.fund: 10_000 - sum(shares.values()), **shares} if shares else {self.fund: 1}

    def terms_document(self, product: records.Product) -> dict[str, Any]:
        """The terms: what was said, and where nothing was, what the product has."""
        own = _TERMS[product.repayment]
        said = {name: value for name in sorted({n for names in _TERMS.values() for n in names})
                if (value := getattr(self, name)) is not None}  # fmt: skip
        foreign = next((name for name in said if name not in own), None)
        if foreign is not None:
            raise InvalidValue(
                "A loan repaid by {repayment} has no {field_name}.", field=foreign, repayment=_(product.repayment),
                field_name=foreign, hint="Leave it out, or choose another product.",
            )  # fmt: skip
        if self.loss_carry_forward is not None:
            said["loss_carry_forward"] = self.loss_carry_forward == "yes"
        document = {**product.terms, **said}
        for name in _NEEDED[product.repayment]:
            if document.get(name) is None:
                raise InvalidValue("{field_name} is missing.", field=name, field_name=name)
        return {
            name: value.isoformat() if isinstance(value, date) else value for name, value in document.items()
        }  # fmt: skip

    def _require_drawable(self, desk: Desk, product: records.Product, document: Mapping[str, Any]) -> None:
        if product.repayment in REPORTED:
            check(document, product.repayment, desk.business_day, desk.currency)
            return
        rows = drawn(first_plan(document, desk.business_day, self.principal), desk.currency).rows
        first = document.get("principal_grace", 0)
        amortizing = rows[first:-1] if product.repayment == "schedule" and not document.get("principal_percent") else ()
        if any(row.interest for row in amortizing) and not any(row.principal for row in amortizing):
            raise InvalidValue(
                "A payment of {payment} would only pay interest: nothing is repaid before the last one.",
                field="annual_rate", payment=shown(desk, rows[first].payment),
                hint="Agree on a lower rate or fewer payments; or on payments of interest alone (principal_grace).",
            )  # fmt: skip

    def _require_room(self, desk: Desk, funds: dict[str, int]) -> None:
        """Refuse more than a fund has, less what it has promised already."""
        for fund, flows in by_fund({"promised": self.principal}, funds).items():
            promised = -desk.balance(fund, "M49")  # the other side of every M40
            room = desk.balance(fund, "729") - promised
            if flows["promised"] > room:
                raise Overdrawn(
                    "Fund {fund} has only {room} to lend; {promised} is promised already.", field="principal",
                    fund=fund, room=shown(desk, max(0, room)), promised=shown(desk, promised),
                )  # fmt: skip

    def _tell_terms(self, desk: Desk, product: records.Product, document: Mapping[str, Any]) -> None:
        if product.repayment in REPORTED:
            desk.note("Share of surplus or revenue", f"{document['share_percent']} %")
            desk.note("Until", document["outer_date"])
            return
        found = drawn(first_plan(document, desk.business_day, self.principal), desk.currency)
        if product.repayment == LINE:
            desk.note("Until", found.due[-1].isoformat())
            return
        desk.note("Payment", shown(desk, found.rows[0].payment))
        desk.note("Last payment", shown(desk, found.rows[-1].payment))
        plan = schedule(found.terms)
        desk.note("Interest in all", shown(desk, plan.totals.interest))
        desk.note("Annual percentage rate", f"{plan.apr.quantize(Decimal('0.001'), ROUND_HALF_EVEN)} %")


class DisburseLoan(AboutLoan, Paying):
    """Pay a granted loan out, whole or a part of it, or a draw on a line of credit. Interest runs from today."""

    name: ClassVar[str] = "disburse-loan"
    title: ClassVar[str] = "Pay a loan out"
    roles: ClassVar[tuple[str, ...]] = (TELLER, LOAN_OFFICER, TREASURER)

    amount: Annotated[Money | None, Field(title="Amount, if not all that is left")] = None
    tender: Annotated[Literal["cash", "transfer"], Widget("choice"), Field(title="How")] = "transfer"
    paid_to: Annotated[Personal | None, Field(title="Paid to, if not the borrower")] = None

    def moves(self, desk: Desk) -> int | None:
        if self.amount is None and desk.find(records.Loan, self.loan) is not None:
            return account(desk, self.loan).standing(desk.business_day).committed
        return self.amount

    def perform(self, desk: Desk) -> None:
        loan = account(desk, self.loan)
        left = self._left(desk, loan)
        amount = left if self.amount is None else self.amount
        if amount > left:
            raise Overdrawn(
                "Only {left} of loan {loan} is left to pay out.", field="amount", left=shown(desk, left), loan=self.loan
            )
        held = held_on_line(loan, desk.business_day)
        if amount > left - held:
            raise Overdrawn(
                "Of loan {loan} {left} can be drawn now; {held} waits for a cheque that repaid it.", field="amount",
                loan=self.loan, left=shown(desk, max(0, left - held)), held=shown(desk, held),
            )  # fmt: skip
        require_in_time(desk, loan)
        require_programmes(desk, loan.body, amount, field="loan")
        require_none_named(desk, {"loan": loan.body.member, "paid_to": self.paid_to}, loan.body.funds)
        with named(self, "loan", principal="amount"):
            done = tell(loan, [("advance", desk.business_day, {"amount": amount})])
        cash = self.pay_for(desk, done.cash)
        post_loan(desk, self.loan, loan.body.member, f"Loan {self.loan} paid out", [*done.lines, *cash])
        after = written(desk, done)
        tell_next(desk, done, after)
        desk.wishes.append(f"loan {self.loan}")

    def _left(self, desk: Desk, loan: LoanAccount) -> int:
        """What may still be paid out; refuses a loan that is not to be."""
        body = loan.body
        require_active(desk, body.member, "loan")
        require_alive(desk, body.member, "loan")
        if desk.actor.user == body.granted_by:
            raise NotAllowed(
                "Who asked for a loan does not pay it out: {user}.", field="loan", user=desk.actor.user,
                hint="A colleague has to.",
            )  # fmt: skip
        if body.state not in ("granted", "active"):
            raise WrongState("Loan {loan} is {state}.", field="loan", loan=self.loan, state=_(body.state))
        left = loan.standing(desk.business_day).committed
        if not left:
            raise WrongState(
                "Nothing of loan {loan} is left to pay out; {day} was the first day.", field="loan", loan=self.loan,
                day=body.disbursed_on,
            )  # fmt: skip
        if body.repayment == LINE and self.amount is None:
            raise InvalidAmount("Say how much is drawn; {left} is available.", field="amount", left=shown(desk, left))
        return left


class RepayLoan(AboutLoan, Receiving):
    """Take a payment on a loan: interest to the day it counts from, then principal, or as its terms say."""

    name: ClassVar[str] = "repay-loan"
    title: ClassVar[str] = "Loan payment"
    roles: ClassVar[tuple[str, ...]] = (TELLER, LOAN_OFFICER, TREASURER)

    amount: Money
    value_date: Annotated[Day | None, Field(title="Counts from, if not today")] = None
    excess: Annotated[
        Literal["principal", "unapplied"], Widget("choice"), Field(title="What is more than due (principal, unapplied)")
    ] = "principal"
    early: Annotated[
        Literal["next", "shorten", "lower"] | None, Widget("choice"),
        Field(title="Early money (next: pays ahead, shorten: ends earlier, lower: smaller payments)"),
    ] = None  # fmt: skip

    def perform(self, desk: Desk) -> None:
        loan = owed_loan(desk, self.loan)
        on = desk.value_date(self.value_date, not_before=first_day(loan))
        applied = self.amount
        if self.excess == "unapplied":
            applied = min(self.amount, asked_for(loan.standing(on)))
        done = paid(desk, loan, applied, on, self.early)
        cash = dict(done.cash)
        unapplied = self.amount - applied
        if unapplied:
            cash[FUND] = cash.get(FUND, 0) + unapplied
        kept = f"871/{loan.body.member}"
        again = done.standing.committed - done.before.committed if loan.body.repayment == LINE else 0
        moves = self.receive_for(
            desk, {fund: part for fund, part in cash.items() if part}, member=loan.body.member,
            held={f"{FUND} {kept}": unapplied, drawn_on(loan): max(0, again)},
        )  # fmt: skip
        if unapplied:
            desk.leaf_id(FUND, kept, loan.body.member)
            moves = [*moves, (FUND, kept, -unapplied)]
        refill, borne = refilled(desk, self.loan, loan.body, done.moved, done.after)
        post_loan(
            desk, self.loan, loan.body.member, f"Payment {self.loan}", earned_first(done.lines, [*moves, *refill])
        )
        if on != desk.business_day:
            desk.note("Counts from", on.isoformat())
        finish(desk, done, borne=borne)
        if unapplied:
            desk.note("Kept as unapplied", shown(desk, unapplied))


class ApplyUnapplied(AboutLoan):
    """Use money that a borrower paid ahead, without saying what for, to repay their loan."""

    name: ClassVar[str] = "apply-unapplied"
    title: ClassVar[str] = "Apply unapplied money"
    roles: ClassVar[tuple[str, ...]] = (TELLER, LOAN_OFFICER, TREASURER)

    amount: Money

    def perform(self, desk: Desk) -> None:
        loan = owed_loan(desk, self.loan)
        leaf = f"871/{loan.body.member}"
        held = -desk.balance(FUND, leaf)
        if self.amount > held:
            raise Overdrawn(
                "Member {member} has only {held} of unapplied money.", field="amount", member=loan.body.member,
                held=shown(desk, held),
            )  # fmt: skip
        repay_from(desk, loan, leaf, self.amount, f"Unapplied money of {loan.body.member} to {self.loan}")
        desk.note("Still unapplied", shown(desk, held - self.amount))


class CloseCommitment(AboutLoan):
    """Pay no more of a loan out: the rest of its tranches is not wanted, or its line of credit ends."""

    name: ClassVar[str] = "close-commitment"
    title: ClassVar[str] = "End what is left to pay out"
    roles: ClassVar[tuple[str, ...]] = (LOAN_OFFICER, TREASURER)

    reason: Annotated[Text, Field(min_length=1, title="Why")]

    def perform(self, desk: Desk) -> None:
        loan = account(desk, self.loan)
        if loan.body.state not in ("granted", "active") or not loan.standing(desk.business_day).committed:
            raise WrongState("Nothing of loan {loan} is left to pay out.", field="loan", loan=self.loan)
        done = tell(loan, [("close-line", desk.business_day, {})])
        post_loan(desk, self.loan, loan.body.member, f"Loan {self.loan}: nothing more is paid out", done.lines)
        after = written(desk, done)
        desk.note("Loan", _(after.state))


# ------------------------------------------------------------------------------------- common


@contextmanager
def named(operation: Operation, otherwise: str, **names: str) -> Iterator[None]:
    """What the arithmetic refuses is refused by a field of the form: the one of that name, or the one given for it."""
    try:
        yield
    except Refused as refusal:
        name = (refusal.field or "").partition(".")[0]
        fields = type(operation).model_fields
        if not name or name in fields:
            raise
        field = names.get(name, otherwise)
        raise type(refusal)(
            refusal.template, field=field if field in fields else otherwise, hint=refusal.hint_template,
            **refusal.values,
        ) from refusal  # fmt: skip


def require_in_time(desk: Desk, loan: LoanAccount, field: str = "loan") -> None:
    """Refuse first money that goes out after payments were to begin, or after the loan was to be over."""
    if loan.is_reported:
        outer = date.fromisoformat(loan.contracts[max(loan.contracts)].document["outer_date"])
        if outer <= desk.business_day:
            raise WrongState(
                "Loan {loan} is over on {day}: no money is paid out from that day on.", field=field, loan=loan.ref,
                day=outer, hint="Agree on a later outer date: move it (move-outer-date), or grant the loan anew.",
            )  # fmt: skip
        return
    first_due = loan.contracts[max(loan.contracts)].document.get("first_due")
    if loan.body.disbursed_on is None and first_due is not None and date.fromisoformat(first_due) <= desk.business_day:
        raise WrongState(
            "The first payment of loan {loan} would be due on {day}, and it is not paid out yet.", field=field,
            loan=loan.ref, day=first_due, hint="Reverse the grant and grant it again with a later date.",
        )  # fmt: skip


def asked_for(standing: Standing) -> int:
    """What is due; of a loan that was charged off, on which nothing falls due any more, all that is owed."""
    return standing.owed if standing.charged_off else standing.due.total


def paid(desk: Desk, loan: LoanAccount, amount: int, on: date, early: str | None = None) -> Outcome:
    """The loan after a payment that counts from a day; more than is owed is refused."""
    rule = early or loan.contracts[max(loan.contracts)].early
    data = {"amount": amount} if rule == "next" else {"amount": amount, "early": rule}
    done = tell(loan, [("payment", on, data)] if amount else [])
    if done.standing.overpaid > done.before.overpaid:
        owed = amount - (done.standing.overpaid - done.before.overpaid)
        raise InvalidAmount(
            "Only {owed} is owed on {day}.", field="amount", owed=shown(desk, owed), day=on,
            hint="Take that much, or keep the excess as unapplied money.",
        )  # fmt: skip
    return done


def repay_from(desk: Desk, loan: LoanAccount, leaf: str, amount: int, memo: str) -> None:
    """Repay with money of the borrower's that the bank already holds, on a leaf of the general fund."""
    done = paid(desk, loan, amount, desk.business_day)
    cash = dict(done.cash)
    cash[FUND] = cash.get(FUND, 0) - amount
    moves = shared_cash(None, {fund: part for fund, part in cash.items() if part})
    refill, borne = refilled(desk, loan.ref, loan.body, done.moved, done.after)
    settled = earned_first(done.lines, [*moves, *refill])
    post_loan(desk, loan.ref, loan.body.member, memo, [(FUND, leaf, amount), *settled])
    finish(desk, done, borne=borne)


def earned_first(settled: Iterable[Move], cash: Iterable[Move]) -> list[Move]:
    """Interest recognised to the day, then the money, then what it settles."""
    found = list(settled)
    first = [move for move in found if move[1] == "111" or (move[1].startswith("781/") and move[2] > 0)]
    return [*first, *cash, *(move for move in found if move not in first)]


def written(desk: Desk, done: Outcome, **changes: Any) -> records.Loan:
    """Write the loan as it is then; what secured it is free once nothing is owed."""
    after = write(desk, done, **changes)
    if after.state == "paid":
        collateral.release_all(desk, done.account.ref)
    return after


def finish(desk: Desk, done: Outcome, **changes: Any) -> records.Loan:
    """Write the loan as it is after a payment, and say on the receipt how the payment was shared."""
    after = written(desk, done, **changes)
    parts = done.own or done.parts
    if parts.fees:
        desk.note("Fees", shown(desk, parts.fees))
    desk.note("Interest", shown(desk, parts.interest))
    desk.note("Principal", shown(desk, parts.principal))
    if done.own is not None and done.own != done.parts:
        desk.note("Later payments told anew, interest", shown(desk, done.parts.interest - done.own.interest))
    if after.state == "paid":
        desk.note("Owed after", _("{amount}, paid off").format(amount=shown(desk, 0)))
        return after
    tell_next(desk, done, after)
    return after


def tell_next(desk: Desk, done: Outcome, after: records.Loan) -> None:
    """On the receipt: what is owed, still due and due next."""
    now = position(told_account(desk, done, after), desk.business_day)
    desk.note("Owed after", shown(desk, now.standing.owed))
    if now.due_now and now.due_since is not None:
        desk.note("Still due", _("{amount}, since {day}").format(amount=shown(desk, now.due_now), day=now.due_since))
    if now.next_due is not None:
        desk.note("Next due", f"{shown(desk, now.next_amount)}, {now.next_due}")
    if now.loan.repayment == LINE:
        desk.note("Available", shown(desk, now.available))


def told_account(desk: Desk, done: Outcome, after: records.Loan) -> LoanAccount:
    """The loan as it will be read once this operation is sealed."""
    loan = LoanAccount(desk, done.account.ref, after, desk.currency)
    loan.__dict__["contracts"] = done.account.contracts
    if loan.is_reported:
        loan.__dict__["facts"] = [*done.account.facts, *done.facts]
    return loan


def post_loan(desk: Desk, ref: str, member: str, memo: str, moves: Iterable[Move]) -> None:
    """An entry of a loan; its leaves are opened in its borrower's name. Nothing to post is no entry."""
    wanted = [move for move in moves if move[2]]
    for fund, code, _amount in wanted:
        if code.partition("/")[0] in OWN or code.startswith("871/"):
            desk.leaf_id(fund, code, member)
    if wanted:
        desk.post(memo, wanted)


def untold(terms: records.LoanTerms, principal: int, currency: str) -> dict[str, Any]:
    """The state that a loan begins with."""
    if terms.repayment in REPORTED:
        return {}
    return ScheduledRun({1: Contract.of(1, terms)}, principal, currency).state.as_document()


def owed_loan(desk: Desk, ref: str) -> LoanAccount:
    """The loan, refused unless money was paid out and is still owed; a loss may be recovered."""
    loan = account(desk, ref)
    body = loan.body
    if body.disbursed_on is None and body.state in ("granted", "cancelled"):
        raise WrongState(
            "Loan {loan} is not paid out yet.", field="loan", loan=ref, hint="Pay it out first (disburse-loan)."
        )
    if body.state not in ("active", "charged-off"):
        raise WrongState("Nothing is owed on loan {loan}: it is {state}.", field="loan", loan=ref, state=_(body.state))
    return loan


def active_loan(desk: Desk, ref: str) -> LoanAccount:
    """The loan, refused unless it is paid out, owed and not charged off."""
    loan = owed_loan(desk, ref)
    if loan.body.state != "active":
        raise WrongState("Loan {loan} is {state}.", field="loan", loan=ref, state=_(loan.body.state))
    return loan


def first_day(loan: LoanAccount) -> date | None:
    """Nothing counts from before the first money was paid out."""
    return None if loan.body.disbursed_on is None else date.fromisoformat(loan.body.disbursed_on)


def scheduled(loan: LoanAccount, title: str) -> ScheduledRun:
    """The loan's story, refused for one that is repaid by reports."""
    run = loan.run()
    if not isinstance(run, ScheduledRun):
        raise WrongState(
            "Loan {loan} is repaid out of {repayment}: {title} does not fit it.", field="loan", loan=loan.ref,
            repayment=_(loan.body.repayment), title=_(title),
            hint="Nothing is due on it but what its reports make due.",
        )  # fmt: skip
    return run


def rows_left(run: ScheduledRun, day: date) -> int:
    """How many rows of the plan fall due after a day."""
    from coopbank.bank.lending.contract import rows_by

    s = run.state
    return 0 if s.plan is None else count_of(s.runs) - rows_by(s.plan, s.runs, day)


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
