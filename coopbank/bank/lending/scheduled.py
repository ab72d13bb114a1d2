"""The story of a loan with a schedule, and of a line of credit: from facts to what is owed and due.

*Interest* is simple and runs every day on the principal that is owed, by the day count of the
terms. It is kept as an exact fraction while a segment runs, and rounded once when a payment
ends the segment; what it comes to on a day is the rounded whole so far, so that accruals are
differences of rounded cumulative totals. A payment counts up to its day, not the day itself.

*A payment* goes to what is due in the order of the terms (fees, interest, principal, if
nothing else is agreed), then to interest that is not due yet, then to principal. What nobody
owes is the borrower's (`overpaid`).

*What is due* on a day is what was billed up to it less what was paid towards bills, never
more than is owed; from the last due date on it is everything. The oldest bill is paid
first. Money beyond the running row counts towards the next rows (`next`), shortens the loan
(`shorten`: the bills stay), or lowers the payments (`lower`: the rest is spread anew). A line
of credit bills its interest on each due date and its principal on the last.

*The books* follow the contract, but for a loan whose interest is not accrued: then interest
stands in memo (M10), and cash goes to principal alone (`recovery`) or, where interest is paid,
to income (`cash`). A charged-off loan is still owed (M20); no interest runs on it.

Everything is a function of the facts; nothing is looked up, and no fact is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, Final

from coopbank.bank.lending.contract import (
    LINE,
    Contract,
    Plan,
    asked_by,
    count_of,
    drawn,
    first_plan,
    first_uncovered,
    rows_by,
    years_of,
)
from coopbank.bank.lending.facts import Fact, in_order
from coopbank.bank.lending.flows import balance
from coopbank.bank.lending.standing import Due, Parts, Standing
from coopbank.finance.allocation import allocate
from coopbank.money import round_minor

ACCRUAL, RECOVERY, CASH_BASIS = "accrual", "recovery", "cash"
_DAY: Final = timedelta(days=1)
_NEVER: Final = date.max


@dataclass(slots=True)
class State:
    """A scheduled loan as of its last fact; amounts in minor units, cumulative unless they say otherwise."""

    at: date = date.min
    contract: int = 1
    plan: Plan | None = None
    runs: list[tuple[int, int]] = field(default_factory=list)
    billed: int = 0  # when the plan began: what was due and not paid
    billed_since: date | None = None
    counted: int = 0  # paid towards bills since the plan began
    asked: list[tuple[date, int]] = field(default_factory=list)  # a line's bills: day, all interest up to it
    lent: int = 0
    closed: int = 0  # interest of the segments that ended
    running: Fraction = Fraction(0)  # exact interest of the segment that runs
    seen: int = 0  # interest that the books have looked at
    resume_on: date | None = None  # no interest runs before this day
    principal_paid: int = 0
    interest_paid: int = 0
    interest_waived: int = 0
    given_up: int = 0  # principal written down
    fees: int = 0
    fees_paid: int = 0
    fees_waived: int = 0
    late_rows: list[str] = field(default_factory=list)  # due dates that bore a late fee
    overpaid: int = 0
    basis: str = ACCRUAL
    basis_since: date | None = None
    charged_off: bool = False
    drawable: bool = True  # a line that was not closed
    last_paid: date | None = None
    last_parts: tuple[int, int, int] = (0, 0, 0)  # fees, interest, principal of the last payment
    flows: dict[str, int] = field(default_factory=dict)

    @property
    def principal(self) -> int:
        """Principal owed by the contract."""
        return self.lent - self.principal_paid - self.given_up

    @property
    def interest_run(self) -> int:
        """All interest that ran, rounded."""
        return self.closed + round_minor(self.running)

    @property
    def interest(self) -> int:
        """Interest owed by the contract."""
        return self.interest_run - self.interest_paid - self.interest_waived

    @property
    def fees_owed(self) -> int:
        """Fees owed."""
        return self.fees - self.fees_paid - self.fees_waived

    @property
    def owed(self) -> int:
        """All that is owed by the contract."""
        return self.principal + self.interest + self.fees_owed

    def as_document(self) -> dict[str, Any]:
        """JSON of it, without what is as at the start."""
        found: dict[str, Any] = {}
        for name, empty, write in _FIELDS:
            value = getattr(self, name)
            if value != empty:
                found[name] = value if write is None else write(value)
        return found

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> State:
        """The state again."""
        state = cls(**{name: value for name, value in document.items() if name not in _READERS})
        for name in _READERS.keys() & document.keys():
            setattr(state, name, _READERS[name](document[name]))
        return state

    def copy(self) -> State:
        """One that can be told further without changing this one."""
        return replace(
            self, plan=None if self.plan is None else self.plan.copy(), runs=list(self.runs), asked=list(self.asked),
            late_rows=list(self.late_rows), flows=dict(self.flows),
        )  # fmt: skip


_WRITERS: Final[dict[str, Any]] = {
    **dict.fromkeys(("at", "billed_since", "resume_on", "basis_since", "last_paid"), date.isoformat),
    "running": lambda exact: f"{exact.numerator}/{exact.denominator}",
    "plan": Plan.as_document, "late_rows": list, "last_parts": list,
    "runs": lambda runs: [list(run) for run in runs],
    "asked": lambda asked: [[day.isoformat(), amount] for day, amount in asked],
}  # fmt: skip
_READERS: Final[dict[str, Any]] = {
    "at": date.fromisoformat, "billed_since": date.fromisoformat, "resume_on": date.fromisoformat,
    "basis_since": date.fromisoformat, "last_paid": date.fromisoformat, "running": Fraction,
    "plan": lambda plan: Plan(**plan).copy(), "flows": dict, "late_rows": list,
    "runs": lambda runs: [tuple(run) for run in runs], "last_parts": tuple,
    "asked": lambda asked: [(date.fromisoformat(day), amount) for day, amount in asked],
}  # fmt: skip
_FIELDS: Final = tuple((each.name, getattr(State(), each.name), _WRITERS.get(each.name)) for each in fields(State))
"""Each field with its value at the start, and how it is written if not as it is."""


class ScheduledRun:
    """A loan while its facts are told, one after the other."""

    def __init__(
        self, contracts: Mapping[int, Contract], principal: int, currency: str, state: State | None = None
    ) -> None:
        self.contracts, self.agreed, self.currency = contracts, principal, currency
        self.state = State(contract=min(contracts)) if state is None else state
        if state is None:
            self._book()

    @property
    def contract(self) -> Contract:
        """The version of the terms in force."""
        return self.contracts[self.state.contract]

    @property
    def is_line(self) -> bool:
        """Whether this is a line of credit."""
        return self.contract.repayment == LINE

    def tell(self, facts: Iterable[Fact]) -> ScheduledRun:
        """The loan after these facts; they are put in their order."""
        for fact in in_order(facts):
            self.apply(fact)
        return self

    def apply(self, fact: Fact) -> None:
        """One fact more; it counts no earlier than the last."""
        assert fact.on >= self.state.at, "facts are told in the order of their days"
        if fact.type != "opening":
            self.advance(fact.on)
        getattr(self, "_" + fact.type.replace("-", "_"))(fact)
        self.state.at = max(self.state.at, fact.on)
        self._book()

    # ------------------------------------------------------------------------- time

    def advance(self, until: date) -> None:
        """Let interest run up to a day, that day not counted."""
        if self.run_on(until):
            self._book()

    def run_on(self, until: date) -> bool:
        """The same, but the books do not look at it yet: that may wait for the next day."""
        s = self.state
        if until <= s.at or s.plan is None:
            return False
        if self.is_line:
            self._bill_line(until)
        else:
            self._let_wait(until)
        self._run_to(until)
        s.at = until
        return True

    def _run_to(self, until: date) -> None:
        s = self.state
        start = s.at if s.resume_on is None else max(s.at, s.resume_on)
        if s.principal and start < until and not s.charged_off:
            s.running += self._exact(start, until)
        if s.resume_on is not None and s.resume_on <= until:
            s.resume_on = None

    def _exact(self, start: date, end: date) -> Fraction:
        rate, hundred = self.contract.annual_rate.as_integer_ratio()
        years = self._years(start, end)
        return Fraction(self.state.principal * rate * years.numerator, 100 * hundred * years.denominator)

    def _years(self, start: date, end: date) -> Fraction:
        plan = self.state.plan
        assert plan is not None, "interest runs on money that was paid out"
        return years_of(plan, self.currency, start, end)

    def _bill_line(self, until: date) -> None:
        """A line's interest is billed on each due date that goes by."""
        s = self.state
        assert s.plan is not None
        first = rows_by(s.plan, s.runs, s.at - _DAY)
        for row in range(first, rows_by(s.plan, s.runs, until - _DAY)):
            day = s.plan.due(row)
            self._run_to(max(day, s.at))
            s.at = max(day, s.at)
            s.asked.append((day, s.interest_run))
        self._settle_line()

    def _let_wait(self, until: date) -> None:
        """Interest that is postponed waits by whole cents, from one due date to the next."""
        s = self.state
        assert s.plan is not None
        if not (postponed := s.plan.document.get("interest_postponed", 0)):
            return
        for row in range(rows_by(s.plan, s.runs, s.at), min(postponed, rows_by(s.plan, s.runs, until))):
            self._run_to(s.plan.due(row))
            s.at = s.plan.due(row)
            self._close_segment()

    def _settle_line(self) -> None:
        """Bills that are paid are forgotten, but for the last."""
        s = self.state
        paid = s.interest_paid + s.interest_waived
        s.asked = [bill for bill in s.asked[:-1] if bill[1] > paid] + s.asked[-1:]

    # ------------------------------------------------------------------------ facts

    def _opening(self, fact: Fact) -> None:
        """A loan of old records: what was lent and paid, and what of its interest the books were given."""
        s, data = self.state, fact.data
        start = date.fromisoformat(data["disbursed_on"])
        s.at, s.lent, s.principal_paid = fact.on, data["lent"], data["paid_principal"]
        s.interest_paid = data["paid_interest"]
        s.plan = first_plan(self.contract.document, start, s.lent)
        self._draw()
        s.counted = data.get("counted", s.principal_paid + s.interest_paid)
        owed = data["interest"] + data.get("memo", 0)
        # What ran since `on` up to the cut-over is part of what is owed; the rest ran before.
        recent = min(owed, round_minor(self._exact(fact.on, date.fromisoformat(data["cut_over"]))))
        s.closed = s.interest_paid + owed - recent
        s.seen = s.closed
        if data.get("memo"):
            s.basis, s.basis_since = RECOVERY, fact.on
        s.flows = {
            "lent": s.lent, "principal_paid": s.principal_paid, "interest_paid": s.interest_paid,
            "earned": s.interest_paid + data["interest"] if data.get("memo") else s.closed,
        }  # fmt: skip

    def _advance(self, fact: Fact) -> None:
        s, amount = self.state, fact.data["amount"]
        if s.plan is None:
            s.at = fact.on
            s.plan = first_plan(self.contract.document, fact.on, amount)
        elif not self.is_line and s.runs:
            s.plan.advances.append([fact.on.isoformat(), amount])
        elif not self.is_line:
            self._begin_again(fact.on, amount)
        s.lent += amount
        self._draw()
        free = s.plan.document.get("interest_free", 0)
        if free and len(s.plan.advances) == 1 and fact.on.isoformat() == s.plan.start:
            s.resume_on = drawn(s.plan, self.currency).due[free - 1]
        s.flows["lent"] = s.flows.get("lent", 0) + amount

    def _begin_again(self, on: date, amount: int) -> None:
        """Money after a plan in which nothing was left to be spread: what is owed is due, and the money is spread."""
        s = self.state
        assert s.plan is not None
        due, count = self.due(on), s.plan.document["installments"]
        rows = min(rows_by(s.plan, [(count, 0)], on), count - 1)
        document = {**s.plan.document, "installments": count - rows}
        s.billed, s.billed_since, s.counted = due.bills, due.since, 0
        s.plan = Plan(document, on.isoformat(), [[on.isoformat(), amount]], s.plan.seed, s.plan.passed + rows)

    def _draw(self) -> None:
        """The bills of the plan as it now is."""
        s = self.state
        assert s.plan is not None
        s.runs = [(count_of(drawn(s.plan, self.currency).runs), 0)] if self.is_line else list(
            drawn(s.plan, self.currency).runs
        )  # fmt: skip

    def _payment(self, fact: Fact) -> None:
        s, amount = self.state, fact.data["amount"]
        if s.charged_off:
            self._recover(amount, fact.on)
            return
        due, running_row = self.due(fact.on), self._rest_of_row(fact.on)
        parts, left = self._allocated(amount, due)
        self._close_segment()
        self._take(parts)
        s.overpaid += left
        s.last_paid, s.last_parts = fact.on, (parts.fees, parts.interest, parts.principal)
        self._count(fact.data.get("early", "next"), parts.interest + parts.principal, due.bills + running_row)

    def _allocated(self, amount: int, due: Due) -> tuple[Parts, int]:
        """What is due in the order of the terms; then interest, then principal; and what is left over."""
        s = self.state
        first = allocate(
            amount, {"fees": s.fees_owed, "interest": due.interest, "principal": due.principal}, self.contract.order
        )
        interest = min(first.left_over, s.interest - first.parts["interest"])
        principal = min(first.left_over - interest, s.principal - first.parts["principal"])
        parts = Parts(
            first.parts["fees"], first.parts["interest"] + interest, first.parts["principal"] + principal
        )  # fmt: skip
        return parts, first.left_over - interest - principal

    def _close_segment(self) -> None:
        s = self.state
        s.closed, s.running = s.interest_run, Fraction(0)

    def _take(self, parts: Parts) -> None:
        """A payment's parts, by the contract and in the books."""
        s = self.state
        s.fees_paid += parts.fees
        s.interest_paid += parts.interest
        s.principal_paid += parts.principal
        principal, interest = balance(s.flows, "701"), balance(s.flows, "781")
        if s.basis == RECOVERY:
            self._flow("fees_paid", parts.fees)
            self._flow("principal_paid", recovered := min(parts.interest + parts.principal, principal))
            self._flow("interest_cash", parts.interest + parts.principal - recovered)
            return
        booked = min(parts.interest, interest)
        repaid = min(parts.principal, principal)
        self._flow("fees_paid", parts.fees)
        self._flow("interest_paid", booked)
        self._flow("principal_paid", repaid)
        self._flow("interest_cash", parts.interest - booked + parts.principal - repaid)

    def _count(self, early: str, paid: int, row: int) -> None:
        """How a payment counts towards bills; `row` is what is due and what is left of the running row."""
        s = self.state
        s.counted += paid if early == "next" else min(paid, row)
        if self.is_line:
            self._settle_line()
        elif early == "lower" and paid > row and s.principal:
            self._spread_again()

    def _rest_of_row(self, on: date) -> int:
        """What the row that runs still asks for."""
        s = self.state
        if s.plan is None or self.is_line:
            return 0
        rows = rows_by(s.plan, s.runs, on)
        return max(0, asked_by(s.runs, rows + 1) - max(asked_by(s.runs, rows), s.counted - s.billed))

    def _spread_again(self) -> None:
        """The principal that is left, over the rows that are left."""
        s = self.state
        assert s.plan is not None
        rows = rows_by(s.plan, s.runs, s.at)
        if s.counted - s.billed >= asked_by(s.runs, rows + 1):
            rows += 1  # the running row is paid
        left = count_of(s.runs) - rows
        if left <= 0:
            return
        document = {**s.plan.document, "installments": left}
        for name in ("principal_grace", "interest_postponed", "interest_free"):
            if name in document:
                document[name] = max(0, document[name] - rows)
        self._restart(document, rows, arrears=True)

    def _restart(self, document: dict[str, Any], rows: int, *, arrears: bool) -> None:
        """A plan that begins today on what is owed, after so many rows of the old one.

        With `arrears` what is due and unpaid stays due by itself; else it is spread with the rest.
        """
        s = self.state
        assert s.plan is not None
        due = self.due(s.at) if arrears else Due(0, 0, 0, None)
        self._close_segment()
        document = {**document, "annual_rate": str(self.contract.annual_rate)}
        seed, passed = self._series(document, rows)
        today, amount = s.at.isoformat(), s.principal - due.principal
        s.billed, s.billed_since, s.counted = due.bills, due.since, 0
        s.plan = Plan(document, today, [[today, amount]], seed, passed, carried=s.interest - due.interest)
        if amount:
            self._draw()
        else:
            s.runs = []

    def _series(self, document: Mapping[str, Any], rows: int) -> tuple[str, int]:
        """Seed day and place in its series of the first row to come: the old series if it lies in it."""
        plan = self.state.plan
        assert plan is not None
        first = document.get("first_due")
        if not first or first == plan.document.get("first_due"):
            return plan.seed, plan.passed + rows
        for row in range(rows, rows + count_of(self.state.runs) + 1):
            if plan.due(row).isoformat() == first:
                return plan.seed, plan.passed + row
        return str(first), 0

    def _recover(self, amount: int, on: date) -> None:
        """Money on a charged-off loan: to the allowance, never to income."""
        s = self.state
        first = allocate(amount, {"fees": s.fees_owed, "interest": s.interest, "principal": s.principal},
                         ("principal", "interest", "fees"))  # fmt: skip
        s.fees_paid += first.parts["fees"]
        s.interest_paid += first.parts["interest"]
        s.principal_paid += first.parts["principal"]
        s.overpaid += first.left_over
        s.last_paid = on
        s.last_parts = (first.parts["fees"], first.parts["interest"], first.parts["principal"])
        self._flow("recovered", amount - first.left_over)

    def _fee(self, fact: Fact) -> None:
        self.state.fees += fact.data["amount"]
        self._flow("fees", fact.data["amount"])
        if "due" in fact.data:
            self.state.late_rows.append(fact.data["due"])

    def _waiver(self, fact: Fact) -> None:
        s = self.state
        # No more than is owed: a payment that was typed late may have paid some of it meanwhile.
        interest, fees = min(fact.data.get("interest", 0), s.interest), min(fact.data.get("fees", 0), s.fees_owed)
        booked = min(interest, balance(s.flows, "781"))
        s.interest_waived += interest
        s.fees_waived += fees
        s.counted += interest
        self._flow("waived", booked)
        self._flow("fees_waived", fees)

    def _terms(self, fact: Fact) -> None:
        """A new version of the terms. What is owed for the days before is as it was."""
        s, data = self.state, fact.data
        before, s.contract = s.contract, data["version"]
        assert s.plan is not None, "terms change once money is out"
        if data["how"] == "rate":
            self._change(fact.on, "annual_rate", str(self.contract.annual_rate))
        elif data["how"] == "extra":
            self._change(fact.on, "extra_installments", data["installments"])
        else:
            rows = rows_by(s.plan, s.runs, fact.on)
            self._restart(dict(self.contract.document), rows, arrears=data.get("arrears", True))
        assert before != s.contract

    def _change(self, on: date, name: str, value: Any) -> None:
        """A change within the plan; one more on the same day takes the place of the first, or adds to it.

        From the last due date on everything is asked for, and the plan stays as it was.
        """
        s = self.state
        assert s.plan is not None
        if rows_by(s.plan, s.runs, on) == count_of(s.runs):
            return
        same = next((each for each in s.plan.changes if each["on"] == on.isoformat() and name in each), None)
        if same is None:
            s.plan.changes.append({"on": on.isoformat(), name: value})
        else:
            same[name] = same[name] + value if name == "extra_installments" else value
        self._draw()

    def _pause(self, fact: Fact) -> None:
        s, until = self.state, fact.data.get("until")
        through = _NEVER if until is None else date.fromisoformat(until) + _DAY
        s.resume_on = through if s.resume_on is None else max(s.resume_on, through)

    def _non_accrual(self, fact: Fact) -> None:
        """Interest recognised and not collected is taken back; from here on interest is memo."""
        s = self.state
        s.basis, s.basis_since = fact.data["method"], fact.on
        self._flow("unearned", balance(s.flows, "781"))

    def _accrual(self, fact: Fact) -> None:
        """Interest is recognised again from here on; what stands in memo only when it is collected."""
        s = self.state
        s.basis, s.basis_since = ACCRUAL, fact.on
        if s.resume_on == _NEVER:
            s.resume_on = None

    def _write_down(self, fact: Fact) -> None:
        """Principal that nobody owes any more."""
        s = self.state
        amount, interest = min(fact.data["principal"], s.principal), min(fact.data.get("interest", 0), s.interest)
        booked = min(amount, balance(s.flows, "701"))
        s.given_up += amount
        s.interest_waived += interest
        self._flow("given" if fact.data.get("gift") else "written_principal", booked)
        self._flow("written_interest", min(interest, balance(s.flows, "781")))
        if not self.is_line and s.principal:
            self._spread_again()

    def _charge_off(self, _fact: Fact) -> None:
        """What the books carry is a loss; it is still owed, and no interest runs on it."""
        s = self.state
        self._close_segment()
        s.charged_off = True
        for flow, account in (("off_principal", "701"), ("off_interest", "781"), ("off_fees", "791")):
            self._flow(flow, balance(s.flows, account))

    def _close_line(self, _fact: Fact) -> None:
        self.state.drawable = False

    # ------------------------------------------------------------------------ books

    def _flow(self, name: str, amount: int) -> None:
        if amount:
            self.state.flows[name] = self.state.flows.get(name, 0) + amount

    def _book(self) -> None:
        """Recognise the interest that ran; what is owed and not carried is memo."""
        s = self.state
        all_interest = s.interest_run
        ran, s.seen = all_interest - s.seen, all_interest
        if s.basis == ACCRUAL and not s.charged_off:
            self._flow("earned", ran)
        owed = s.principal + all_interest - s.interest_paid - s.interest_waived + s.fees_owed
        carried = balance(s.flows, "701") + balance(s.flows, "781") + balance(s.flows, "791")
        s.flows["memo"] = 0 if s.charged_off else owed - carried
        s.flows["off"] = owed if s.charged_off else 0
        s.flows["overpaid"] = s.overpaid
        s.flows["promised"] = self.committed
        s.flows = {name: amount for name, amount in s.flows.items() if amount}

    @property
    def committed(self) -> int:
        """What is promised and not paid out: the rest of the tranches, or what a line can still draw."""
        s = self.state
        if s.charged_off or not s.drawable:
            return 0
        if self.is_line:
            over = s.plan is not None and s.at >= s.plan.due(count_of(s.runs) - 1)
            return 0 if over else max(0, self.agreed - s.principal)
        return max(0, self.agreed - s.lent)

    # ---------------------------------------------------------------------- answers

    def standing(self, day: date) -> Standing:
        """The loan at the end of a day, as if nothing else happened up to it. Changes nothing."""
        run = ScheduledRun(self.contracts, self.agreed, self.currency, self.state.copy())
        run.advance(day)
        s = run.state
        return Standing(
            on=day, lent=s.lent, principal=s.principal, interest=s.interest, fees=s.fees_owed,
            interest_run=s.interest_run, principal_paid=s.principal_paid, interest_paid=s.interest_paid,
            fees_paid=s.fees_paid, waived=s.interest_waived, given_up=s.given_up, overpaid=s.overpaid,
            charged_off=s.charged_off, basis=s.basis, committed=run.committed, flows=dict(s.flows), due=run.due(day),
        )  # fmt: skip

    def due(self, day: date) -> Due:
        """What is due and unpaid at the end of a day to which interest has run."""
        s = self.state
        if s.plan is None or s.charged_off or not s.owed:
            return Due(0, 0, 0, None)
        owed = s.interest
        everything, rows = s.principal + owed, rows_by(s.plan, s.runs, day)
        total = everything if rows == count_of(s.runs) else min(everything, self._asked(day, rows))
        if not total:
            return Due(s.fees_owed, 0, 0, day if s.fees_owed else None)
        postponed = s.plan.document.get("interest_postponed", 0)
        # Of the rows that let interest wait only principal is due.
        interest = max(0, total - s.principal) if postponed and rows <= postponed else min(total, owed)
        return Due(s.fees_owed, interest, total - interest, self._since(day))

    def _asked(self, day: date, rows: int) -> int:
        """Billed and not paid, whatever is owed; so many rows are due."""
        s = self.state
        assert s.plan is not None
        if self.is_line:
            bills = [run for on, run in s.asked if on <= day]
            if rows:
                on_day = [s.interest_run] if self._is_due_day(day) else []
                bills = [*bills, *on_day]
            return max(0, (bills[-1] if bills else 0) - s.interest_paid - s.interest_waived)
        return max(0, s.billed + asked_by(s.runs, rows) - s.counted)

    def _is_due_day(self, day: date) -> bool:
        s = self.state
        assert s.plan is not None
        return rows_by(s.plan, s.runs, day) > rows_by(s.plan, s.runs, day - _DAY)

    def _since(self, day: date) -> date:
        """The oldest due date that is not fully paid."""
        s = self.state
        assert s.plan is not None
        if self.is_line:
            paid = s.interest_paid + s.interest_waived
            open_bills = [on for on, ran in s.asked if ran > paid and on <= day]
            return min([*open_bills, day, s.plan.due(count_of(s.runs) - 1)])
        if s.billed_since is not None and s.counted < s.billed:
            return s.billed_since
        row = first_uncovered(s.runs, s.counted - s.billed)
        row = min(row, count_of(s.runs) - 1)
        return s.plan.due(row)
