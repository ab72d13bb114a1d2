"""A loan seen whole on a day: its schedule or its reports, what is due, what it takes to pay it off.

What a day to come shows is what will be if nothing is paid. A past day shows the loan as
the books had it then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.lending.accounts import LoanAccount, account_on, held_on_line
from coopbank.bank.lending.contract import LINE, Contract, Drawn, Plan, drawn, first_plan
from coopbank.bank.lending.reported import ReportedPosition, ReportedRun
from coopbank.bank.lending.scheduled import ScheduledRun
from coopbank.bank.lending.standing import Due, Standing
from coopbank.finance.reported import ReportedPeriod


@dataclass(frozen=True, slots=True)
class PositionRow:
    """A row of the schedule and what became of it; amounts in minor units."""

    n: int
    due: date
    principal: int
    interest: int
    payment: int
    balance: int
    paid: int
    state: str  # paid, late, due (today), open


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A loan as it stands on a day; amounts in minor units."""

    ref: str
    as_of: date
    loan: records.Loan
    contract: Contract
    standing: Standing
    payment: int  # of the first row; 0 where payments follow reports
    rows: tuple[PositionRow, ...]
    periods: tuple[ReportedPeriod, ...] = ()
    next_due: date | None
    next_amount: int
    last_due: date
    held: int = 0  # of a line, what a cheque repaid that may still come back

    @property
    def state(self) -> str:
        """granted, active, paid, charged-off or cancelled."""
        return self.loan.state

    @property
    def owed_principal(self) -> int:
        """Principal not yet repaid, by the contract."""
        return self.standing.principal

    @property
    def interest_to_date(self) -> int:
        """Interest unpaid up to `as_of`, recognised or not."""
        return self.standing.interest

    @property
    def payoff(self) -> int:
        """What closes the loan on `as_of`: of a share of surplus no more interest than its cap allows."""
        if self.standing.cap is None:
            return self.standing.owed
        return self.standing.principal + min(self.standing.interest, self.collectable)

    @property
    def collectable(self) -> int:
        """Interest that may be taken by the cap."""
        if self.standing.cap is None:
            return self.standing.interest
        return max(0, min(self.standing.interest_run, self.standing.cap) - self.standing.interest_paid)

    @property
    def due(self) -> Due:
        """What is due and unpaid."""
        return self.standing.due

    @property
    def due_now(self) -> int:
        """Due and unpaid on `as_of`."""
        return self.standing.due.total

    @property
    def due_since(self) -> date | None:
        """The oldest due date that is not fully paid."""
        return self.standing.due.since

    @property
    def days_late(self) -> int:
        """Days since the oldest unpaid due date; 0 on that day itself."""
        since = self.due_since
        return max(0, (self.as_of - since).days) if since is not None and self.due_now else 0

    @property
    def paid(self) -> int:
        """All that was paid, principal, interest and fees."""
        return self.standing.principal_paid + self.standing.interest_paid + self.standing.fees_paid

    @property
    def available(self) -> int:
        """What can be drawn or paid out now: what a cheque repaid of a line waits until the cheque is good."""
        return max(0, self.standing.committed - self.held)


def loan_position(books: Books, ref: str, as_of: date) -> Position:
    """The loan as the books had it at the end of that day; a day to come shows what will be if nothing is paid."""
    return position(account_on(books, ref, as_of), as_of)


def position(loan: LoanAccount, as_of: date) -> Position:
    """The position of a loan that is already read."""
    run = loan.run()
    if isinstance(run, ReportedRun):
        return _reported(loan, run, as_of)
    if run.state.at > as_of:
        run = loan.told(fact for fact in loan.facts if fact.on <= as_of)
        assert isinstance(run, ScheduledRun)
    run.advance(as_of)
    plan, plan_rows = _plan(loan, run, as_of)
    rows = _rows(loan.body, run, plan_rows, as_of)
    standing = run.standing(as_of)
    day, amount = _next(loan, run, rows, as_of, standing)
    return Position(
        ref=loan.ref, as_of=as_of, loan=loan.body, contract=run.contract, standing=standing,
        payment=plan_rows.rows[0].payment if plan_rows.rows and loan.body.repayment != LINE else 0, rows=rows,
        next_due=day, next_amount=amount,
        last_due=plan_rows.due[-1] if plan_rows.due else date.fromisoformat(plan.start),
        held=held_on_line(loan, as_of),
    )  # fmt: skip


def _plan(loan: LoanAccount, run: ScheduledRun, as_of: date) -> tuple[Plan, Drawn]:
    """The plan in force; before the money is out, as if it went out on that day."""
    plan = run.state.plan
    if plan is None:
        starts = as_of if not run.contract.document.get("first_due") else date.fromisoformat(loan.body.granted_on)
        plan = first_plan(run.contract.document, starts, loan.body.principal)
    if run.state.plan is not None and not run.state.runs:
        return plan, Drawn(None, (), (), ())  # type: ignore[arg-type]
    return plan, drawn(plan, loan.currency)


def _rows(body: records.Loan, run: ScheduledRun, plan: Drawn, as_of: date) -> tuple[PositionRow, ...]:
    s = run.state
    left = max(0, s.counted - s.billed)
    found = []
    for number, row in enumerate(plan.rows, start=1):
        if body.repayment == LINE:
            found.append(_line_row(run, number, row.due, as_of))
            continue
        paid = min(left, row.payment)
        left -= paid
        if body.state == "paid" or (paid == row.payment and number < len(plan.rows)):
            state = "paid"  # the last row asks for whatever is still owed
        elif s.plan is None or row.due > as_of or s.charged_off:
            state = "open"
        else:
            state = "due" if row.due == as_of else "late"
        found.append(PositionRow(number, row.due, row.principal, row.interest, row.payment, row.balance, paid, state))
    return tuple(found)


def _line_row(run: ScheduledRun, number: int, due: date, as_of: date) -> PositionRow:
    """A due date of a line of credit: what it asked for is known once it has come."""
    late = {day for day, ran in run.state.asked if ran > run.state.interest_paid + run.state.interest_waived}
    state = "late" if due in late and due < as_of else "due" if due == as_of else "paid" if due < as_of else "open"
    return PositionRow(number, due, 0, 0, 0, 0, 0, state)


def _next(
    loan: LoanAccount, run: ScheduledRun, rows: Sequence[PositionRow], as_of: date, standing: Standing
) -> tuple[date | None, int]:  # fmt: skip
    """The next row that will ask for money, and how much if what is due now is paid."""
    if loan.body.state == "granted" and rows:
        return rows[0].due, rows[0].payment
    if loan.body.state != "active":
        return None, 0
    for row in rows:
        if row.due <= as_of or row.state == "paid":
            continue
        then = run.standing(row.due)
        most = max(0, then.principal + then.interest + then.fees - standing.due.total)
        if loan.body.repayment == LINE:
            return row.due, max(0, then.due.total - standing.due.total) if row.n < len(rows) else most
        return row.due, most if row.n == len(rows) else min(row.payment - row.paid, most)
    return None, 0


def _reported(loan: LoanAccount, run: ReportedRun, as_of: date) -> Position:
    if run.last > as_of:
        run = ReportedRun(loan.contracts, loan.body.principal, loan.currency,
                          [fact for fact in loan.facts if fact.on <= as_of])  # fmt: skip
    at: ReportedPosition | None = run.position(as_of) if run.facts.advances else None
    periods = tuple(at.periods) if at is not None else ()
    ahead = [row for row in periods if row.due_on is not None and row.unpaid and row.due_on > as_of]
    following = min(ahead, key=lambda row: row.due_on or date.max, default=None)
    return Position(
        ref=loan.ref, as_of=as_of, loan=loan.body, contract=run.contract, standing=run.standing(as_of), payment=0,
        rows=(), periods=periods, next_due=None if following is None else following.due_on,
        next_amount=0 if following is None else following.unpaid,
        last_due=date.fromisoformat(run.contract.document["outer_date"]),
    )  # fmt: skip
