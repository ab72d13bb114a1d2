"""What a loan comes to on a day, explained: a row, a month's interest, a payoff, what is due, a cap, a late fee."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from coopbank.bank.books import Books
from coopbank.bank.lending.accounts import LoanAccount
from coopbank.bank.lending.contract import asked_by, drawn, first_plan, rows_by
from coopbank.bank.lending.facts import Fact
from coopbank.bank.lending.position import Position, position
from coopbank.bank.lending.reported import ReportedRun
from coopbank.bank.operations.loan_care import late_rows
from coopbank.errors import Unknown, WrongState
from coopbank.finance.explain import (
    explain_cap,
    explain_ceiling,
    explain_payoff,
    explain_revenue_ceiling,
    explain_row,
    explain_waiver,
)
from coopbank.finance.explanation import (
    Amount,
    Explanation,
    Expression,
    explained,
    less,
    product,
    rounded,
    smallest,
    sum_of,
)
from coopbank.finance.reported import ReportedPeriod
from coopbank.finance.revenue import RevenuePosition
from coopbank.finance.schedule import Schedule, schedule
from coopbank.finance.surplus import SurplusPosition
from coopbank.reports.dates import month_bounds, month_name
from coopbank.reports.sentences import Named, Sentence, all_interest, of_stretches, once, say
from coopbank.reports.stretches import Span, Walk, WatchedRun, joined, of_surplus, watched


def of_row(drawn_up: Schedule, row: int, before: int) -> Iterator[Named]:
    """Each amount of a row; `before` is interest from before the schedule, billed with row 1."""
    told = explain_row(drawn_up, row)
    names = ("interest", "principal", "fees", "payment", "balance")
    found: dict[str, Explanation] = {name: getattr(told, name) for name in names}
    if row == 1 and before:
        found |= _with_before(found, before, drawn_up.terms.currency)
    if not found["fees"].amount:
        del found["fees"]
    yield Named("payment", found.pop("payment"))
    for name, explanation in found.items():
        yield Named(name, explanation)
        if name == "interest" and row == 1 and before:
            yield Named("interest of the row", told.interest)
    if told.level is not None and told.row.principal:
        yield Named("level payment", told.level)


def _with_before(found: Mapping[str, Explanation], before: int, currency: str) -> dict[str, Explanation]:
    """Interest and payment of a first row that bills what was owed before."""
    own, principal = found["interest"], found["principal"]
    interest = say("interest-row", sum_of(own.expression, before), currency, own=own.amount, before=before)
    values = {"principal": Amount(principal.amount, currency), "interest": Amount(interest.amount, currency)}
    total = sum_of(principal.expression, interest.expression, found["fees"].amount)
    payment = explained("payment", total, currency, **values)
    return {"interest": interest, "payment": payment}


class Answers:
    """Answers about one loan, as known on a day."""

    def __init__(self, books: Books, loan: LoanAccount, day: date) -> None:
        self.books, self.loan, self.day = books, loan, day
        self.currency = loan.currency

    def say(self, kind: str, expression: Expression | int, **values: Any) -> Sentence:
        """A sentence of this module in the loan's currency."""
        return say(kind, expression, self.currency, **values)

    @property
    def at(self) -> Position:
        """The loan on the day."""
        return position(self.loan, self.day)

    def facts(self) -> list[Fact]:
        """What counts by the day."""
        return [fact for fact in self.loan.facts if fact.on <= self.day]

    def scheduled(self, until: date, marks: Sequence[date] = ()) -> tuple[WatchedRun, Walk]:
        """The loan told up to a day."""
        return watched(self.loan, (fact for fact in self.loan.facts if fact.on <= until), until, marks)

    def reported(self) -> ReportedRun:
        """The loan repaid by reports, told from what counts by the day."""
        run = self.loan.told(self.facts())
        assert isinstance(run, ReportedRun)
        return run

    # Rows

    def row(self, number: int) -> Iterator[Named]:
        """A row of the schedule in force."""
        at = self.at
        if not at.rows or self.loan.is_reported:
            raise WrongState("Loan {loan} has no schedule on {day}.", field="row", loan=self.loan.ref, day=self.day)
        if not 1 <= number <= len(at.rows):
            raise Unknown(
                "The schedule has no row {n}.", field="row", hint="Its rows are 1 to {last}.", n=number,
                last=len(at.rows),
            )  # fmt: skip
        if self.loan.body.repayment == "line":
            yield from self._line_row(at.rows[number - 1].due)
            return
        run, _walk = self.scheduled(self.day)
        plan = run.state.plan
        if plan is None:  # not paid out yet: as if it were, today
            plan = first_plan(at.contract.document, self.day, self.loan.body.principal)
        yield from of_row(schedule(drawn(plan, self.currency).terms), number, plan.carried)

    def _line_row(self, due: date) -> Iterator[Named]:
        """What a due date of a line of credit asks for: the interest that ran since the one before."""
        run, _walk = self.scheduled(min(due, self.day))
        assert run.state.plan is not None
        days = [run.state.plan.due(n) for n in range(rows_by(run.state.plan, run.state.runs, due))]
        since = max((day for day in days if day < due), default=date.min)
        since = max(since, date.fromisoformat(run.state.plan.start))
        found, parts = self._ran(since, due)
        if len(parts) > 1:
            whole = sum_of(*(each.expression for each in parts))
            yield Named("interest", self.say("interest-line", whole, day=due, parts=self._amounts(parts)))
        elif not parts:
            yield Named("interest", self.say("due-none", 0, day=due))
        yield from found

    # A month's interest

    def accrual(self, month: date) -> Iterator[Named]:
        """The interest of a month: it counts each of its days."""
        first, last = month_bounds(month)
        if self.loan.body.repayment == "revenue":
            raise WrongState(
                "Loan {loan} bears no interest: its cost is a multiple of what was lent.", field="accrual",
                loan=self.loan.ref,
            )  # fmt: skip
        yield from self._window(first, min(last + timedelta(days=1), max(first, self.day)), month_name(first))

    def _window(self, since: date, until: date, name: str) -> Iterator[Named]:
        """The interest from one day up to another, that day not counted."""
        found, parts = self._ran(since, until)
        if len(parts) > 1:
            whole = sum_of(*(each.expression for each in parts))
            yield Named("interest", self.say("month", whole, month=name, parts=self._amounts(parts)))
        elif not parts:
            yield Named("interest", self.say("month-none", 0, month=name))
        yield from found

    def _ran(self, since: date, until: date) -> tuple[list[Named], list[Explanation]]:
        """Each span's interest between two days, explained; and those explanations alone that add up to it."""
        if not self.loan.is_reported:
            _run, walk = self.scheduled(until, (since, until))
        elif (run := self.reported()).facts.advances:
            walk = of_surplus(run, until, (since, until))
        else:
            return [], []
        found = [each for span in walk.spans for each in self._of_span(span, walk, since, until)]
        return found, [each.explanation for each in found if each.of == "interest"]

    def _amounts(self, parts: list[Explanation]) -> tuple[Amount, ...]:
        return tuple(Amount(each.amount, self.currency) for each in parts)

    def _of_span(self, span: Span, walk: Walk, since: date, until: date) -> Iterator[Named]:
        """What a span adds between two days: directly, or as the difference of two rounded totals."""
        inside = [each for each in span.stretches if each.start >= since and each.end <= until]
        if not any(each.principal and each.rate and each.part for each in inside):
            return
        after, before = span.upto(until), span.upto(since)
        direct = of_stretches(inside, walk, self.currency)
        difference = sum_of(once(after), less(once(before)))
        if direct.amount == difference.value:
            yield Named("interest", direct)
            return
        totals = {
            name: Amount(int(once(stretches).value), self.currency)
            for name, stretches in (("after", after), ("before", before))
        }
        days = {"since": inside[0].start, "until": inside[-1].end}
        yield Named("interest", explained("accrual", difference, self.currency, **days, **totals))
        yield Named("since the start", of_stretches(joined(after), walk, self.currency))

    # What is owed

    def payoff(self, _day: date) -> Iterator[Named]:
        """What closes the loan on the day."""
        at = self.at
        if at.state == "granted" or not at.standing.lent:
            raise WrongState("Loan {loan} is not paid out yet.", field="payoff", loan=self.loan.ref)
        standing = at.standing
        interest = at.payoff - standing.principal - standing.fees
        if self.loan.body.repayment == "revenue":
            whole = sum_of(standing.principal, interest)
            said = self.say("payoff-cost", whole, day=self.day, principal=standing.principal, cost=interest)
            yield Named("payoff", said)
            return
        parts = {"principal": standing.principal, "interest": interest, "fees": standing.fees}
        yield Named("payoff", explain_payoff(self.day, parts, currency=self.currency))
        if self.loan.is_reported:
            yield from self.reported_interest(self.reported(), interest, self.day)
        else:
            run, walk = self.scheduled(self.day)
            yield from self.owed_interest(walk, run.state.interest_paid, run.state.interest_waived)

    def owed_interest(self, walk: Walk, paid: int, waived: int) -> Iterator[Named]:
        """Interest that is owed: all that ran since it was last paid, and what was not paid of the time before."""
        ran = all_interest(walk)
        owed = int(ran.value) - paid - waived
        stretches = walk.spans[-1].stretches if walk.spans else []
        running = of_stretches(stretches, walk, self.currency)
        if not owed:
            return
        if running.amount == owed:
            yield Named("interest", running)
            return
        whole = sum_of(ran, -paid, -waived)
        if running.amount and owed > running.amount:
            since, older = stretches[0].start, owed - running.amount
            said = self.say("interest-older", whole, older=older, since=since, running=running.amount)
            yield Named("interest", said)
            yield Named("interest since then", running)
            return
        kind = "interest-owed-waived" if waived else "interest-owed"
        yield Named("interest", self.say(kind, whole, run=int(ran.value), paid=paid, waived=waived))

    def reported_interest(self, run: ReportedRun, wanted: int, day: date) -> Iterator[Named]:
        """Interest that may be taken on a day: up to the cap, or all that ran and was not paid."""
        at = run.position(day)
        if not isinstance(at, SurplusPosition) or not wanted:
            return
        if at.collectable == wanted and at.recognisable < at.contract_interest:
            yield Named("interest", self.cap_of(at))
            return
        walk = of_surplus(run, day)
        if all_interest(walk).value - at.interest_paid == wanted:
            yield from self.owed_interest(walk, at.interest_paid, 0)

    def due(self, _value: object) -> Iterator[Named]:
        """What is due and unpaid on the day."""
        at = self.at
        if self.loan.is_reported:
            yield from self._due_by_reports(at)
            return
        run, _walk = self.scheduled(self.day)
        s, due = run.state, at.standing.due
        if not due.total:
            yield Named("due", self.say("due-none", 0, day=self.day))
            return
        assert s.plan is not None
        rows = rows_by(s.plan, s.runs, self.day)
        paid = s.interest_paid + s.interest_waived if run.is_line else s.counted
        billed = due.bills + paid if run.is_line else s.billed + asked_by(s.runs, rows)
        owed = s.principal + s.interest
        if rows == sum(count for count, _amount in s.runs):
            explained = self.say("due-all", sum_of(owed, s.fees_owed), day=self.day)
        elif billed - paid > owed:
            explained = self.say("due-less", sum_of(smallest(sum_of(billed, -paid), owed), s.fees_owed), day=self.day)
        else:
            kind = "due-line" if run.is_line and not s.fees_owed else "due-fees" if s.fees_owed else "due"
            explained = self.say(
                kind, sum_of(billed, -paid, s.fees_owed), day=self.day, billed=billed, paid=paid, fees=s.fees_owed
            )
        yield Named("due", explained)

    def _due_by_reports(self, at: Position) -> Iterator[Named]:
        ceilings = sum(row.ceiling for row in at.periods)
        paid = sum(row.paid for row in at.periods)
        if not ceilings:
            accepted = any(row.report == "accepted" for row in at.periods)
            kind = f"due-no-{self.loan.body.repayment}" if accepted else "due-no-report"
            yield Named("due", self.say(kind, 0, day=self.day))
        elif ceilings - paid == at.due_now:
            kind = "due-reports" if at.due_now else "due-paid"
            whole = sum_of(ceilings, -paid)
            yield Named("due", self.say(kind, whole, day=self.day, ceilings=ceilings, paid=paid))
        else:
            whole = smallest(sum_of(ceilings, -paid), at.due_now)
            yield Named("due", self.say("due-reports-owed", whole, day=self.day, ceilings=ceilings - paid))

    # Repaid by reports

    def cap(self, _value: object) -> Iterator[Named]:
        """What interest can still be taken, and what of it is income."""
        if not self.loan.is_reported:
            raise WrongState("Loan {loan} has no cap: it is repaid by its schedule.", field="cap", loan=self.loan.ref)
        run = self.reported()
        if not run.facts.advances:
            raise WrongState("Loan {loan} is not paid out yet.", field="cap", loan=self.loan.ref)
        at = run.position(self.day)
        if at.cap is None:
            raise WrongState("The cost of loan {loan} has no cap but its multiple.", field="cap", loan=self.loan.ref)
        if isinstance(at, SurplusPosition):
            yield Named("cap", self.cap_of(at))
            income = smallest(at.contract_interest, max(at.cap - at.charges_paid, 0))
            if income.value == at.recognisable:
                yield Named("income", self.say("cap-income", income, interest=at.contract_interest, cap=at.cap))
            yield from self.waived_of(at)
            return
        yield from self._cap_of_cost(at)

    def waived_of(self, at: SurplusPosition) -> Iterator[Named]:
        """At maturity: the contract interest that the cap does not cover."""
        if at.waived:
            found = explain_waiver(at.contract_interest, at.cap or 0, charges=at.charges_paid, currency=self.currency)
            if found.amount == at.waived:
                yield Named("waived", found)

    def cap_of(self, at: SurplusPosition) -> Explanation:
        percent = Decimal(self.loan.contracts[max(self.loan.contracts)].document.get("cost_cap_percent", "50"))
        surplus = next((row.cumulative_surplus for row in reversed(at.periods) if row.report == "accepted"), 0)
        return explain_cap(percent, surplus, at.interest_paid + at.charges_paid, currency=self.currency)

    def _cap_of_cost(self, at: RevenuePosition) -> Iterator[Named]:
        multiple = Decimal(self.loan.contracts[max(self.loan.contracts)].document["multiple"])
        assert at.cap is not None, "asked only where there is one"
        expression = smallest(rounded(product(at.lent, multiple - 1), "down"), at.cap)
        yield Named("cap", self.say("cap-cost", expression, multiple=multiple, cap=at.cap))

    def ceiling(self, period: int) -> Iterator[Named]:
        """The most that a period's report makes due."""
        if not self.loan.is_reported:
            raise WrongState(
                "Loan {loan} is repaid by its schedule: no report makes anything due.", field="ceiling",
                loan=self.loan.ref,
            )  # fmt: skip
        row = next((each for each in self.at.periods if each.number == period), None)
        if row is None:
            raise Unknown(
                "Loan {loan} has no period {period} on {day}.", field="ceiling", loan=self.loan.ref, period=period,
                day=self.day,
            )  # fmt: skip
        if row.report != "accepted":
            raise WrongState(
                "The report of period {period} is not accepted on {day}.", field="ceiling", period=period, day=self.day,
                hint="Nothing is due of it yet.",
            )  # fmt: skip
        ceiling = self.ceiling_of(row)
        yield Named("ceiling", ceiling)
        if row.due < ceiling.amount:
            yield Named("due", self.say("ceiling-less", smallest(ceiling.expression, row.due)))

    def ceiling_of(self, row: ReportedPeriod) -> Explanation:
        share = Decimal(self.loan.contracts[max(self.loan.contracts)].document["share_percent"])
        if self.loan.body.repayment == "surplus":
            return explain_ceiling(share, row.surplus, currency=self.currency)
        return explain_revenue_ceiling(share, int(getattr(row, "revenue", 0)), currency=self.currency)

    # Late fees

    def late_fee(self, _value: object) -> Iterator[Named]:
        """What would be charged on the day for payments that are late."""
        if self.loan.is_reported:
            yield Named("late fee", self.say("late-fee-never", 0))
            return
        run, _walk = self.scheduled(self.day)
        fee = run.contract.late_fee
        if fee is None:
            yield Named("late fee", self.say("late-fee-none", 0))
            return
        days = int(fee["after_days"])
        late = late_rows(run, self.day - timedelta(days=days)) if run.state.plan is not None else []
        if not late:
            yield Named("late fee", self.say("late-fee-not-late", 0, day=self.day, days=Decimal(days)))
        for due, unpaid in late:
            yield Named("late fee", self.fee(fee, due, unpaid))

    def fee(self, fee: Mapping[str, Any], due: date, unpaid: int) -> Sentence:
        if "flat" in fee:
            return self.say("late-fee-flat", int(fee["flat"]), due=due)
        percent = Decimal(fee["percent"])
        expression = rounded(product(unpaid, percent, Fraction(1, 100)), "half-even")
        return self.say("late-fee", expression, percent=percent, unpaid=unpaid, due=due)
