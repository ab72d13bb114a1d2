"""What a loan would come to: the days that follow if it is paid as agreed, and a payment that nobody made yet.

Everything is told by the loan's own story (bank/lending): to the facts that are known one
or more are added in memory. Nothing is written, nobody needs a drawer or a power for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from coopbank.bank.lending.accounts import LoanAccount, Outcome, account, tell
from coopbank.bank.lending.contract import LINE, count_of, rows_by
from coopbank.bank.lending.facts import Fact
from coopbank.bank.lending.position import Position, position
from coopbank.bank.lending.reported import ReportedRun
from coopbank.bank.lending.scheduled import ScheduledRun, State
from coopbank.bank.lending.standing import Parts
from coopbank.errors import DayClosed, WrongState
from coopbank.reports.loan import explain
from coopbank.reports.loan_words import due_words
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.tui.session import Session

_NOTHING: Final = Parts(0, 0, 0)
#: What may become of money that comes early (see bank/lending/scheduled.py).
WAYS: Final = ("next", "shorten", "lower")
#: No schedule is longer; a course that does not end is not shown.
_LONGEST: Final = 5000
#: Of a loan repaid by reports each day is told from the start: so many are enough for a picture.
_MOST_DAYS: Final = 60


@dataclass(frozen=True, slots=True)
class Point:
    """A loan on a day on which it changed; minor units. `interest` is all that was paid up to then."""

    on: date
    principal: int
    interest: int
    paid: int = 0  # what was paid on that day, where it is a payment to come


@dataclass(frozen=True, slots=True)
class Course:
    """From a day on every payment is made on its day, and what is due on that day at once."""

    way: str  # "" where the payment is not made; next, shorten, lower
    payments: int
    following: int  # the first of them, and its day
    following_on: date | None
    last: date | None
    interest: int  # paid from that day on, that of the payment itself included


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """What closes a loan on a day, and what a payment on that day would do; minor units."""

    day: date
    to_come: bool
    payoff: int
    sentences: tuple[str, ...]  # why it is that much
    amount: int = 0
    parts: Parts = _NOTHING
    over: int = 0  # of the amount, what nobody owes
    before: int = 0  # owed
    after: int = 0
    due_after: int = 0
    available: int | None = None
    words: str = ""  # what is due after it
    closes: bool = False
    early: bool = False  # some of it comes before it is due
    rule: str = ""  # what the terms say becomes of that
    courses: tuple[Course, ...] = ()


# ---------------------------------------------------------------------------------- the days to come


def course_points(run: ScheduledRun) -> Iterator[Point]:
    """The payments to come of a loan with a schedule, by its own story; nothing if they do not end."""
    s = run.state
    for _row in range(_LONGEST):
        if not s.owed or s.plan is None:
            return
        due = run.due(s.at).total
        if due:
            before = s.overpaid
            run.apply(Fact(0, "payment", s.at, {"amount": due}))
            yield Point(s.at, s.principal, s.interest_paid, due - (s.overpaid - before))
            continue
        rows = rows_by(s.plan, s.runs, s.at)
        if rows >= count_of(s.runs):
            return
        run.advance(s.plan.due(rows))


def ahead(loan: LoanAccount, day: date, state: State | None = None) -> list[Point]:
    """The payments to come after a day; none where they follow reports, draws or nobody's plan."""
    if loan.is_reported or loan.body.repayment == LINE:
        return []
    held = state or (State.of(loan.body.told) if loan.body.told else None)
    if held is None or held.plan is None or held.charged_off:
        return []
    run = ScheduledRun(loan.contracts, loan.body.principal, loan.currency, held.copy())
    run.advance(day)
    return list(course_points(run))


def history(loan: LoanAccount, day: date) -> list[Point]:
    """What was owed and paid after each day on which something happened, up to a day; the day itself last."""
    facts = [fact for fact in loan.facts if fact.on <= day]
    found: dict[date, Point] = {}
    if loan.is_reported:
        days = sorted({fact.on for fact in facts} | {day})
        step = -(-len(days) // _MOST_DAYS)
        for each in days[::-step]:
            run = loan.told(fact for fact in facts if fact.on <= each)
            assert isinstance(run, ReportedRun)
            at = run.standing(each)
            found[each] = Point(each, at.principal, at.interest_paid)
        return [found[each] for each in sorted(found)]
    told = ScheduledRun(loan.contracts, loan.body.principal, loan.currency)
    for fact in facts:
        told.apply(fact)
        s = told.state
        found[fact.on] = Point(fact.on, s.principal, s.interest_paid)
    if found:
        last = found[max(found)]
        found[day] = Point(day, last.principal, last.interest)
    return list(found.values())


# ------------------------------------------------------------------------------------- what if


def what_if(session: Session, ref: str, amount: int, day: date | None) -> WhatIf:
    """What closes the loan on a day (today if none is given), and what a payment on that day would do."""
    with session.bank.read() as books:
        loan = account(books, ref)
        today = books.business_date() or session.bank.clock.today()
        on = day or today
        _require_owed(loan, on)
        closing = explain(books, ref, "payoff", on)
        found = WhatIf(
            day=on, to_come=on > today, payoff=closing.amount, sentences=closing.sentences,
            rule=loan.contracts[max(loan.contracts)].early,
        )  # fmt: skip
        return _paid(loan, amount, max(on, today), found) if amount else found


def _require_owed(loan: LoanAccount, on: date) -> None:
    body = loan.body
    if body.disbursed_on is None:
        raise WrongState("Loan {loan} is not paid out yet.", field="loan", loan=loan.ref)
    if body.state not in ("active", "charged-off"):
        raise WrongState(
            "Nothing is owed on loan {loan}: it is {state}.", field="loan", loan=loan.ref, state=_(body.state)
        )
    if on < date.fromisoformat(body.disbursed_on):
        raise DayClosed(
            "The value date {day} lies before {last}, and nothing counts from before that day.", field="day", day=on,
            last=body.disbursed_on,
        )  # fmt: skip


def _paid(loan: LoanAccount, amount: int, seen: date, found: WhatIf) -> WhatIf:
    """The same with a payment; `seen` is the day on which the loan is looked at afterwards."""
    done = _told(loan, amount, found.day, found.rule)
    over = max(0, done.standing.overpaid - done.before.overpaid)
    if over:
        done = _told(loan, amount - over, found.day, found.rule)
    parts = done.own or done.parts
    now = _position(loan, done, seen)
    due = loan.standing(found.day).due
    early = parts.total > due.total and not loan.is_reported and loan.body.repayment != LINE
    return WhatIf(
        day=found.day, to_come=found.to_come, payoff=found.payoff, sentences=found.sentences, rule=found.rule,
        amount=amount, parts=parts, over=over, before=done.before.owed, after=done.standing.owed,
        due_after=now.due_now, available=now.available if loan.body.repayment == LINE else None,
        words=due_words(now, loan.currency), closes=done.after.state == "paid", early=early,
        courses=_courses(loan, amount - over, found.day, seen, early=early),
    )  # fmt: skip


def _told(loan: LoanAccount, amount: int, on: date, way: str) -> Outcome:
    data = {"amount": amount} if way == "next" else {"amount": amount, "early": way}
    return tell(loan, [("payment", on, data)] if amount else [])


def _position(loan: LoanAccount, done: Outcome, day: date) -> Position:
    """The loan as it would be read if that were in the books."""
    then = LoanAccount(loan.books, loan.ref, done.after, loan.currency)
    then.__dict__["contracts"] = loan.contracts
    then.__dict__["facts"] = [*loan.facts, *done.facts]
    return position(then, day)


def _courses(loan: LoanAccount, amount: int, on: date, seen: date, *, early: bool) -> tuple[Course, ...]:
    """How the loan goes on without the payment, and with it; by each way if some of it is early."""
    paid = loan.standing(on).interest_paid
    found = [_course("", ahead(loan, seen), paid)]
    for way in WAYS if early else WAYS[:1]:
        done = _told(loan, amount, on, way)
        if done.after.state == "active" and done.after.told:
            found.append(_course(way, ahead(loan, seen, State.of(done.after.told)), paid))
    return tuple(found) if any(each.payments for each in found) else ()


def _course(way: str, points: list[Point], paid: int) -> Course:
    if not points:
        return Course(way, 0, 0, None, None, 0)
    first, last = points[0], points[-1]
    return Course(way, len(points), first.paid, first.on, last.on, last.interest - paid)
