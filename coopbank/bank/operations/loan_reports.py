"""Reports of what a borrower earned: filed by one, accepted by another.

On a loan repaid by share of surplus or revenue nothing is due but what an accepted report
makes due. A report is filed once for a period; a correction is a new version, from which
everything is reckoned anew: what was recognised too much is waived, what was paid too much
repays principal or stands to be given back.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.borrowers import AboutLoan
from coopbank.bank.desk import Desk
from coopbank.bank.fields import Counted, Memo, SignedMoney, Widget
from coopbank.bank.lending.accounts import LoanAccount, Outcome, account, tell
from coopbank.bank.lending.contract import SURPLUS
from coopbank.bank.lending.facts import event_ref
from coopbank.bank.lending.flows import total
from coopbank.bank.lending.position import position
from coopbank.bank.lending.reported import ReportedRun
from coopbank.bank.operation import LOAN_OFFICER, TREASURER
from coopbank.bank.operations.lending import active_loan, named, post_loan, told_account, written
from coopbank.bank.operations.savings import shown
from coopbank.bank.tender import shared_cash
from coopbank.errors import AlreadyExists, InvalidDate, InvalidValue, NotAllowed, Unknown, WrongState

Period = Annotated[int, Field(ge=1, le=1200), Widget("number")]


class FileReport(AboutLoan):
    """File the borrower's report for a period. Somebody else accepts it."""

    name: ClassVar[str] = "file-report"
    title: ClassVar[str] = "File a borrower's report"
    roles: ClassVar[tuple[str, ...]] = (LOAN_OFFICER, TREASURER)

    period: Annotated[Period | None, Field(title="Period, if not the first without a report")] = None
    surplus: Annotated[SignedMoney | None, Field(title="Surplus after wages, a loss below zero")] = None
    revenue: Annotated[Counted | None, Field(title="Revenue (share of revenue)")] = None
    correction: Annotated[bool, Field(title="It corrects a report that was filed")] = False
    remark: Annotated[Memo, Field(title="Remark")] = ""

    def perform(self, desk: Desk) -> None:
        loan = account(desk, self.loan)
        if loan.body.disbursed_on is None or not self.correction:
            active_loan(desk, self.loan)
        run = reported(loan)
        period = self._period(desk, run)
        require_reporting(desk, loan, run, period)
        version = 1 + max((each.version for each in run.facts.reports if each.period == period), default=0)
        self._require_figures(run)
        data: dict[str, Any] = {"period": period, "version": version}
        for name in ("surplus", "revenue"):
            if getattr(self, name) is not None:
                data[name] = getattr(self, name)
        with named(self, "period"):
            done = tell(loan, [("report-filed", desk.business_day, data)])
        post_reported(desk, done, f"Report {self.loan}, period {period}")
        desk.note("Period", str(period))
        desk.note("Version", str(version))
        desk.note("Waits for", "accept-report")

    def _period(self, desk: Desk, run: ReportedRun) -> int:
        """The period that it is for; refuses one that is not over, and a second first report."""
        periods = run.position(desk.business_day).periods
        filed = {each.period for each in run.facts.reports}
        open_ = [row.number for row in periods if row.number not in filed]
        period = self.period or (open_[0] if open_ else None)
        if period is None or (self.period is None and self.correction):
            raise InvalidValue("Say for which period the report is.", field="period")
        end = run.end_of(period, desk.business_day)
        if end is None or end > desk.business_day:
            raise InvalidDate(
                "Period {period} of loan {loan} is not over.", field="period", period=period, loan=self.loan,
                hint="A report is filed once its period is over.",
            )  # fmt: skip
        if period in filed and not self.correction:
            raise AlreadyExists(
                "Period {period} has a report already.", field="period", period=period,
                hint="If this one corrects it, say so (correction).",
            )  # fmt: skip
        if period not in filed and self.correction:
            raise Unknown("Period {period} has no report to correct.", field="correction", period=period)
        return period

    def _require_figures(self, run: ReportedRun) -> None:
        share = run.contract.repayment
        wanted = "surplus" if share == SURPLUS else "revenue"
        if getattr(self, wanted) is None:
            raise InvalidValue("{field_name} is missing.", field=wanted, field_name=wanted, hint="It may be 0.00.")
        if share == SURPLUS and self.revenue is not None:
            raise InvalidValue("This loan is repaid out of surplus.", field="revenue", hint="Leave it out.")
        if share != SURPLUS and self.surplus is None and run.contract.document.get("cost_cap_percent"):
            raise InvalidValue(
                "{field_name} is missing.", field="surplus", field_name="surplus",
                hint="The cap of this loan's cost is reckoned from it.",
            )  # fmt: skip


class AcceptReport(AboutLoan):
    """Accept a report that somebody else filed: it says what is due, and how much interest may be taken."""

    name: ClassVar[str] = "accept-report"
    title: ClassVar[str] = "Accept a borrower's report"
    roles: ClassVar[tuple[str, ...]] = (LOAN_OFFICER, TREASURER)

    period: Period

    def perform(self, desk: Desk) -> None:
        loan = account(desk, self.loan)
        run = reported(loan)
        require_reporting(desk, loan, run, self.period)
        version = self._version(desk, loan, run)
        fact = ("report-accepted", desk.business_day, {"period": self.period, "version": version})
        with named(self, "period"):
            done = tell(loan, [fact])
        after = post_reported(desk, done, f"Report {self.loan}, period {self.period}, accepted")
        now = position(told_account(desk, done, after), desk.business_day)
        desk.note("Income recognised", shown(desk, total(done.moved, "earned")))
        if waived := total(done.moved, "waived"):
            desk.note("Waived", shown(desk, waived))
        row = next((each for each in now.periods if each.number == self.period), None)
        if row is not None:
            desk.note("Due at most", shown(desk, row.ceiling))
        desk.note("Due now", shown(desk, now.due_now))
        if back := total(done.moved, "overpaid"):
            desk.note("Kept as unapplied", shown(desk, back))
        desk.wishes.append(f"loan {self.loan}")

    def _version(self, desk: Desk, loan: LoanAccount, run: ReportedRun) -> int:
        """The latest version that was filed; refuses who filed it, and one that is accepted."""
        filed = [each for each in run.facts.reports if each.period == self.period]
        if not filed:
            raise Unknown(
                "Period {period} of loan {loan} has no report.", field="period", period=self.period, loan=self.loan,
                hint="File it first (file-report).",
            )  # fmt: skip
        latest = max(filed, key=lambda each: each.version)
        if latest.accepted_on is not None:
            raise WrongState(
                "The report of period {period} was accepted on {day}.", field="period", period=self.period,
                day=latest.accepted_on,
            )  # fmt: skip
        if desk.actor.user == who_filed(desk, loan, self.period, latest.version):
            raise NotAllowed(
                "Who filed a report does not accept it: {user}.", field="period", user=desk.actor.user,
                hint="A colleague has to.",
            )  # fmt: skip
        return latest.version


def require_reporting(desk: Desk, loan: LoanAccount, run: ReportedRun, period: int) -> None:
    """Refuse a loan on which no report counts. That it is paid does not end the right to have a report corrected."""
    counts = any(each.period == period and each.accepted_on is not None for each in run.facts.reports)
    if loan.body.state != "paid" or not counts:
        active_loan(desk, loan.ref)


def who_filed(desk: Desk, loan: LoanAccount, period: int, version: int) -> str | None:
    """The user who filed a version of a report."""
    number = next(
        fact.number
        for fact in reversed(loan.facts)
        if fact.type == "report-filed" and (fact.data["period"], fact.data["version"]) == (period, version)
    )
    found = desk.tx.value(
        "SELECT o.actor FROM record r JOIN operation o ON o.id = r.operation_id"
        " WHERE r.kind = ? AND r.ref = ? AND r.version = 1",
        records.LoanEvent.kind, event_ref(loan.ref, number),
    )  # fmt: skip
    return None if found is None else str(found)


def reported(loan: LoanAccount) -> ReportedRun:
    """The loan's story, refused for one with a schedule."""
    run = loan.run()
    if not isinstance(run, ReportedRun):
        raise WrongState("Loan {loan} is repaid by its schedule: no report is asked for.", field="loan", loan=loan.ref)
    return run


def post_reported(desk: Desk, done: Outcome, memo: str) -> records.Loan:
    """Post what a report changes, and write the loan as it is then."""
    ref, body = done.account.ref, done.account.body
    post_loan(desk, ref, body.member, memo, [*done.lines, *shared_cash(None, done.cash)])
    return written(desk, done)
