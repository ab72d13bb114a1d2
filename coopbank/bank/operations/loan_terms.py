"""Changing what was agreed on a loan: each change is a new version of its terms, with who, when and why.

What was owed and billed before stays as it was. A new rate and extra payments act within the
schedule, as `coopbank schedule` draws them; a new due day, a holiday and a new spread begin a
schedule on what is owed that day. Two people agree to every change. Where it eases a loan that
could not be paid, that is said, and reports of late loans show it apart.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.borrowers import AboutLoan
from coopbank.bank.desk import Desk
from coopbank.bank.fields import Day, Memo, Rate, Widget
from coopbank.bank.lending.accounts import LoanAccount, Outcome, tell
from coopbank.bank.lending.contract import LINE, Contract, check, rows_by
from coopbank.bank.lending.reported import ReportedRun
from coopbank.bank.lending.scheduled import ScheduledRun
from coopbank.bank.loan_rules import product_granted
from coopbank.bank.operation import LOAN_OFFICER, TREASURER
from coopbank.bank.operations.lending import (
    active_loan,
    first_day,
    named,
    post_loan,
    rows_left,
    scheduled,
    tell_next,
    written,
)
from coopbank.bank.operations.products import Count
from coopbank.bank.tender import shared_cash
from coopbank.errors import InvalidDate, InvalidValue, WrongState
from coopbank.finance.periods import add
from coopbank.words import _

Why = Annotated[Memo, Field(min_length=1, title="Why, or by which decision")]
Eased = Annotated[bool, Field(title="The borrower could not pay as agreed")]


class TermsChange(AboutLoan):
    """Common to changes of a loan's terms."""

    roles: ClassVar[tuple[str, ...]] = (LOAN_OFFICER, TREASURER)
    second_person: ClassVar[bool] = True
    how: ClassVar[str] = "restart"
    change: ClassVar[str] = ""

    why: Why

    def perform(self, desk: Desk) -> None:
        loan = active_loan(desk, self.loan)
        run = scheduled(loan, self.title)
        on = self.day(desk, loan)
        document, data = self.changed(desk, run, on)
        if self.how == "restart":
            _require_in_season(document)
        with named(self, "loan", first_due="next_due"):
            agree(desk, loan, document, on, change=self.change, why=self.why, data={"how": self.how, **data},
                  eased=getattr(self, "eased", False))  # fmt: skip

    def day(self, desk: Desk, loan: LoanAccount) -> date:
        """From when it counts: today, or an earlier day that was asked for, but never before the last change."""
        last = max((fact.on for fact in loan.facts if fact.type == "terms"), default=first_day(loan))
        return desk.value_date(getattr(self, "from_day", None), not_before=last, field="from_day")

    @abstractmethod
    def changed(self, desk: Desk, run: ScheduledRun, on: date) -> tuple[dict[str, Any], dict[str, Any]]:
        """The new terms' document, and what the fact says beside them."""


class ChangeRate(TermsChange):
    """Change the interest of a loan, from today or from an earlier day: later payments are told anew."""

    name: ClassVar[str] = "change-rate"
    title: ClassVar[str] = "Change the interest"
    how: ClassVar[str] = "rate"
    change: ClassVar[str] = "rate"

    annual_rate: Annotated[Rate, Field(title="Interest, percent a year")]
    from_day: Annotated[Day | None, Field(title="From this day, if not today")] = None
    eased: Eased = False

    def changed(self, desk: Desk, run: ScheduledRun, on: date) -> tuple[dict[str, Any], dict[str, Any]]:
        document = newest(run)
        if Decimal(document["annual_rate"]) == Decimal(self.annual_rate):
            raise InvalidValue("The interest is {rate} % already.", field="annual_rate", rate=self.annual_rate)
        product = product_granted(desk, self.loan)
        if product is not None and Decimal(self.annual_rate) > Decimal(product.most_rate or self.annual_rate):
            raise InvalidValue(
                "{title}: the rate is at most {most} percent a year.", field="annual_rate", title=_(product.title),
                most=product.most_rate,
            )  # fmt: skip
        return {**document, "annual_rate": self.annual_rate}, {}


class ExtendLoan(TermsChange):
    """Add payments at the end of a loan: each becomes smaller."""

    name: ClassVar[str] = "extend-loan"
    title: ClassVar[str] = "Extend a loan"
    how: ClassVar[str] = "extra"
    change: ClassVar[str] = "extension"

    extra_installments: Annotated[Count, Field(title="Payments more")]
    eased: Eased = False

    def changed(self, desk: Desk, run: ScheduledRun, on: date) -> tuple[dict[str, Any], dict[str, Any]]:
        document = newest(run)
        count = document["installments"] + self.extra_installments
        if run.contract.repayment != LINE and not rows_left(run, on):
            raise WrongState(
                "The last payment of loan {loan} was due already.", field="loan", loan=self.loan,
                hint="Spread what is owed anew instead (re-amortize).",
            )  # fmt: skip
        return {**document, "installments": count}, {"installments": self.extra_installments}


class MoveDueDate(TermsChange):
    """Let the next payment fall due on another day, and the later ones follow it."""

    name: ClassVar[str] = "move-due-date"
    title: ClassVar[str] = "Move the due day"
    change: ClassVar[str] = "due-date"

    next_due: Annotated[Day, Field(title="Next payment due")]
    eased: Eased = False

    def changed(self, desk: Desk, run: ScheduledRun, on: date) -> tuple[dict[str, Any], dict[str, Any]]:
        if self.next_due <= on:
            raise InvalidDate("{day} is not after today.", field="next_due", day=self.next_due)
        return {**self._plan(run), "installments": _left(self, run, on), "first_due": self.next_due.isoformat()}, {}

    def _plan(self, run: ScheduledRun) -> dict[str, Any]:
        return _without_start(plan_of(run))


class PaymentHoliday(TermsChange):
    """Ask for nothing on the next due dates. Interest runs on; the payments move to the end."""

    name: ClassVar[str] = "payment-holiday"
    title: ClassVar[str] = "Payment holiday"
    change: ClassVar[str] = "holiday"

    payments: Annotated[int, Field(ge=1, le=60, title="Payments that are left out"), Widget("number")]
    eased: Eased = True

    def changed(self, desk: Desk, run: ScheduledRun, on: date) -> tuple[dict[str, Any], dict[str, Any]]:
        left = _left(self, run, on)
        first = due_after(run, on, self.payments)
        return {**_without_start(plan_of(run)), "installments": left, "first_due": first.isoformat()}, {}


class ReAmortize(TermsChange):
    """Spread all that is owed anew, what is late included: nothing is late after it."""

    name: ClassVar[str] = "re-amortize"
    title: ClassVar[str] = "Spread what is owed anew"
    change: ClassVar[str] = "re-amortization"

    installments: Annotated[Count | None, Field(title="Number of payments, if not those that are left")] = None
    next_due: Annotated[Day | None, Field(title="Next payment due, if not the next due day")] = None
    eased: Eased = True

    def changed(self, desk: Desk, run: ScheduledRun, on: date) -> tuple[dict[str, Any], dict[str, Any]]:
        left = rows_left(run, on)
        if self.installments is None and not left:
            raise InvalidValue(
                "{field_name} is missing.", field="installments", field_name="installments",
                hint="The last payment was due already.",
            )  # fmt: skip
        first = self.next_due or (due_after(run, on, 0) if left else add(on, plan_of_period(run)))
        if first <= on:
            raise InvalidDate("{day} is not after today.", field="next_due", day=first)
        count = self.installments or left
        return {
            **_without_start(plan_of(run)), "installments": count, "first_due": first.isoformat()
        }, {"arrears": False}  # fmt: skip


class PauseInterest(AboutLoan):
    """Let a loan bear no interest for some days, the first and the last included."""

    name: ClassVar[str] = "pause-interest"
    title: ClassVar[str] = "Pause the interest"
    roles: ClassVar[tuple[str, ...]] = (LOAN_OFFICER, TREASURER)
    second_person: ClassVar[bool] = True

    from_day: Annotated[Day | None, Field(title="From this day, if not today")] = None
    until: Annotated[Day, Field(title="Through this day")]
    why: Why

    def perform(self, desk: Desk) -> None:
        loan = active_loan(desk, self.loan)
        scheduled(loan, self.title)
        on = desk.value_date(self.from_day, not_before=first_day(loan), field="from_day")
        if self.until < on:
            raise InvalidDate("{until} lies before {day}.", field="until", until=self.until, day=on)
        done = tell(loan, [("pause", on, {"until": self.until.isoformat()})])
        post_changed(desk, done, f"Interest of {self.loan} pauses from {on} through {self.until}")


class MoveOuterDate(AboutLoan):
    """Give a loan that is repaid by reports a later outer date."""

    name: ClassVar[str] = "move-outer-date"
    title: ClassVar[str] = "Move the outer date"
    roles: ClassVar[tuple[str, ...]] = (LOAN_OFFICER, TREASURER)
    second_person: ClassVar[bool] = True

    outer_date: Annotated[Day, Field(title="Outer date")]
    why: Why

    def perform(self, desk: Desk) -> None:
        loan = active_loan(desk, self.loan)
        if not loan.is_reported:
            raise WrongState(
                "Loan {loan} is repaid by a schedule and has no outer date.", field="loan", loan=self.loan,
                hint="Extend it instead (extend-loan).",
            )  # fmt: skip
        contract = loan.contracts[max(loan.contracts)]
        before = date.fromisoformat(contract.document["outer_date"])
        if self.outer_date <= max(before, desk.business_day):
            raise InvalidDate(
                "The outer date moves to a later day only: it is {before}.", field="outer_date", before=before
            )
        document = {**contract.document, "outer_date": self.outer_date.isoformat()}
        terms = check(document, loan.body.repayment, first_day(loan) or desk.business_day, desk.currency)
        _require_reports_of_whole_periods(loan, terms.periods())
        agree(desk, loan, document, desk.business_day, change="outer-date", why=self.why, data={"how": "outer-date"})


# ------------------------------------------------------------------------------------- common


def _require_in_season(document: Mapping[str, Any]) -> None:
    """Refuse a first due day outside the loan's months, also where nothing is left to be spread and no row is drawn."""
    first, months = document.get("first_due"), document.get("months")
    if months and first is not None and date.fromisoformat(first).month not in months:
        raise InvalidValue(
            "The first due date {day} is in none of the months.", field="next_due", day=first,
            hint="Choose a day in one of the months {months}.", months=", ".join(map(str, sorted(months))),
        )  # fmt: skip


def _require_reports_of_whole_periods(loan: LoanAccount, periods: Sequence[tuple[date, date]]) -> None:
    """Refuse to lengthen a period that was reported already: its report would be of a part of it."""
    run = loan.run()
    assert isinstance(run, ReportedRun)
    for report in run.facts.reports:
        end = periods[report.period - 1][1]
        if report.filed_on < end:
            raise InvalidDate(
                "Period {period} would end on {end}, and its report was filed on {day}.", field="outer_date",
                period=report.period, end=end, day=report.filed_on,
                hint="Reverse that report first: it is filed anew once the longer period is over.",
            )  # fmt: skip


def agree(
    desk: Desk, loan: LoanAccount, document: dict[str, Any], on: date, *, change: str, why: str, data: dict[str, Any],
    eased: bool = False,
) -> None:  # fmt: skip
    """Write a new version of the terms, and what follows from it."""
    version = desk.version(records.LoanTerms.kind, loan.ref) + 1
    before = loan.contracts[max(loan.contracts)]
    terms = records.LoanTerms(
        repayment=before.repayment, document=document, order=list(before.order), early=before.early,
        late_fee=before.late_fee, change=change, from_day=on.isoformat(), why=why,
    )  # fmt: skip
    fact = ("terms", on, {"version": version, **data})
    done = tell(loan, [fact], contract=Contract.of(version, terms))
    desk.write(loan.ref, terms, about=loan.ref)
    post_changed(desk, done, f"Terms of {loan.ref}, version {version}", eased=eased)
    desk.note("Version of the terms", str(version))


def post_changed(desk: Desk, done: Outcome, memo: str, *, eased: bool = False) -> None:
    """Write the loan as it is then; what was told anew is posted today."""
    ref, body = done.account.ref, done.account.body
    post_loan(desk, ref, body.member, memo, [*done.lines, *shared_cash(None, done.cash)])
    after = written(desk, done, **({"modified": True} if eased else {}))
    tell_next(desk, done, after)


def newest(run: ScheduledRun) -> dict[str, Any]:
    """The document of the latest version of the terms."""
    return dict(run.contracts[max(run.contracts)].document)


def plan_of(run: ScheduledRun) -> dict[str, Any]:
    """The document that the running schedule is drawn from, at the rate in force."""
    assert run.state.plan is not None
    return {**run.state.plan.document, "annual_rate": newest(run)["annual_rate"]}


def plan_of_period(run: ScheduledRun) -> Any:
    """The time between two payments."""
    assert run.state.plan is not None
    return run.state.plan.period


def due_after(run: ScheduledRun, on: date, skipped: int) -> date:
    """The first due date after a day, or a later one."""
    plan = run.state.plan
    assert plan is not None
    return plan.due(rows_by(plan, run.state.runs, on) + skipped)


def _left(change: TermsChange, run: ScheduledRun, on: date) -> int:
    left = rows_left(run, on)
    if not left or run.contract.repayment == LINE:
        raise WrongState(
            "Loan {loan} has no payment to come that could be moved.", field="loan", loan=change.loan,
            hint="Spread what is owed anew instead (re-amortize).",
        )  # fmt: skip
    return left


def _without_start(document: Mapping[str, Any]) -> dict[str, Any]:
    """Terms that go on: what held for the first payments only is over."""
    return {
        name: value
        for name, value in document.items()
        if name not in ("principal_grace", "interest_postponed", "interest_free")
    }
