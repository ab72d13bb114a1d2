"""What a loan comes to, told from its facts alone and from the start each time: bills, interest, what is due, books.

The arithmetic is the model's own, written down from contracts.md (schedules) and entries.md (books): fractions, lists
of bills, and no line of the product. A loan has *facts*, in the order of their days, and *versions* of its terms; it is
told by letting interest run from one fact to the next, exactly, and rounded where a payment ends the segment.

    Story(loan).told()              # as the last fact left it
    Story(loan).told().to(day)      # and at the end of a day
    story.books()                   # cumulative flows: each has an account that it debits and one that it credits
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

from tests.model.books import No

Terms = dict[str, Any]
Flows = dict[str, int]

#: What each flow debits and credits; "cash" stands for money, 701, 781, 791, M10, M20 and M40 for the loan's own leaf.
ACCOUNTS = {
    "earned": ("781", "111"), "unearned": ("111", "781"), "fees": ("791", "131"), "lent": ("701", "cash"),
    "fees_paid": ("cash", "791"), "interest_paid": ("cash", "781"), "interest_cash": ("cash", "111"),
    "principal_paid": ("cash", "701"), "recovered": ("cash", "719"), "overpaid": ("cash", "871"),
    "waived": ("119", "781"), "fees_waived": ("131", "791"), "written": ("719", "701"), "given": ("366", "701"),
    "off_principal": ("719", "701"), "off_interest": ("719", "781"), "off_fees": ("719", "791"),
    "memo": ("M10", "M19"), "off": ("M20", "M29"), "promised": ("M40", "M49"),
}  # fmt: skip
OWN = ("701", "781", "791", "M10", "M20", "M30", "M40")
OWED = ("701", "781", "M10", "M20")  # whatever a borrower owes on these, a peer is owed its part of on M30
LOSSES = ("written", "off_principal", "off_interest", "off_fees")
FOREVER = date.max


_SIGNS = {
    account: tuple(
        (flow, (pair[0] == account) - (pair[1] == account)) for flow, pair in ACCOUNTS.items() if account in pair
    )
    for account in ("701", "781", "791")
}


def stands(flows: Flows, account: str) -> int:
    """What flows come to on one of the loan's own accounts, debit +."""
    return sum([flows.get(flow, 0) * sign for flow, sign in _SIGNS[account]])


class Undrawable(No):
    """No schedule can be drawn up of these terms and this money; the field is named as the terms name it."""

    def __init__(self, field: str) -> None:
        super().__init__("invalid-value", field)


# ---------------------------------------------------------------------------------------- days and years


def months_on(seed: date, months: int, month_end: str = "clamp") -> date:
    """The seed's day so many months on; a day that a month lacks is its last, or (roll) the 1st of the next."""
    year, month = divmod(12 * seed.year + seed.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    if seed.day > last and month_end == "roll":
        return date(year, month + 1, last) + timedelta(1)
    return date(year, month + 1, min(seed.day, last))


def whole_months(start: date, end: date) -> Fraction:
    """Months from a day on, and what is no whole month as a part of the month that it stands in."""
    count = 12 * (end.year - start.year) + end.month - start.month
    if months_on(start, count) > end:
        count -= 1
    reached, following = months_on(start, count), months_on(start, count + 1)
    return count + Fraction((end - reached).days, (following - reached).days)


def years(start: date, end: date, day_count: str, unit: str = "months") -> Fraction:
    """The part of a year between two days, as a day count has it."""
    if day_count in ("actual/360", "actual/364", "actual/365"):
        return Fraction((end - start).days, int(day_count[7:]))
    if day_count == "actual/actual":
        found = Fraction(0)
        for year in range(start.year, end.year + 1):
            one, other = max(start, date(year, 1, 1)), min(end, date(year + 1, 1, 1))
            found += Fraction((other - one).days, 365 + calendar.isleap(year))
        return found
    if day_count == "30e/360":
        whole = 360 * (end.year - start.year) + 30 * (end.month - start.month)
        return Fraction(whole + min(end.day, 30) - min(start.day, 30), 360)
    if day_count == "equal-periods" and unit in ("weeks", "days"):
        return Fraction((end - start).days, 364 if unit == "weeks" else 365)
    return whole_months(start, end) / 12


@dataclass
class Plan:
    """What bills are drawn from: terms, money paid out, what was changed since; row 0 is `passed` after the seed."""

    terms: Terms
    start: date
    advances: list[tuple[date, int]]
    seed: date
    passed: int
    changes: list[tuple[date, str, Any]] = field(default_factory=list)
    carried: int = 0

    def due(self, row: int) -> date:
        """The due day of a row, counted from 0."""
        place, seed = self.passed + row, self.seed
        if self.terms.get("months"):
            step = 0
            while place > 0:
                step += 1
                place -= months_on(seed, step).month in self.terms["months"]
            return months_on(seed, step)
        [(unit, each)] = self.terms["every"].items()
        if unit == "months":
            return months_on(seed, each * place, self.terms.get("month_end", "clamp"))
        return seed + timedelta(days=each * place * (7 if unit == "weeks" else 1))

    def period_after(self, day: date) -> date:
        """One period after a day."""
        [(unit, each)] = self.terms["every"].items()
        return months_on(day, each) if unit == "months" else day + timedelta(days=each * (7 if unit == "weeks" else 1))

    @property
    def rows(self) -> int:
        """How many there are, those that were added among them."""
        return self.terms["installments"] + sum(value for _on, what, value in self.changes if what == "extra")

    @property
    def unit(self) -> str:
        return str(next(iter(self.terms["every"])))

    def clock(self) -> tuple[list[date], list[Fraction]]:
        """The days on which rows begin and end, and what part of a year each row is charged for."""
        key = repr((self.terms, self.start, self.seed, self.passed, self.rows))
        if key not in _CLOCKS:
            if len(_CLOCKS) > 4000:
                _CLOCKS.clear()
            _CLOCKS[key] = self._clock()
        return _CLOCKS[key]

    def _clock(self) -> tuple[list[date], list[Fraction]]:
        days = [self.start, *(self.due(row) for row in range(self.rows))]
        day_count, each = self.terms["day_count"], next(iter(self.terms["every"].values()))
        parts = [years(one, other, day_count, self.unit) for one, other in pairwise(days)]
        if day_count == "equal-periods" and self.unit != "months":  # whole periods, whatever their days
            whole = Fraction(each, 52 if self.unit == "weeks" else 365)
            regular = self.start + timedelta(days=each * (7 if self.unit == "weeks" else 1))
            parts = [parts[0] if days[1] != regular else whole, *(whole for _part in parts[1:])]
        elif day_count in ("30/360", "equal-periods") and self.unit == "months":
            numbers = [12 * day.year + day.month for day in days]
            odd = (self.seed, self.passed) != (self.start, 1)
            if odd and days[1] != months_on(self.start, each, self.terms.get("month_end", "clamp")):
                numbers[0] = numbers[1]  # an odd first period by its days; then months are a twelfth each
                first = parts[0]
            else:
                first = Fraction(numbers[1] - numbers[0], 12)
                if not self.terms.get("months"):
                    first = Fraction(each, 12)
            count = (numbers[n + 1] - numbers[n] if self.terms.get("months") else each for n in range(1, self.rows))
            parts = [first, *(Fraction(months, 12) for months in count)]
        free = self.terms.get("interest_free", 0)
        return days, [Fraction(0)] * free + parts[free:]

    def years(self, start: date, end: date) -> Fraction:
        """The part of a year between two days of the loan: the whole of a row is what the row is charged for."""
        day_count = self.terms["day_count"]
        if day_count.startswith("actual/"):
            return years(start, end, day_count)
        days, parts = self.clock()

        def reached(day: date) -> Fraction:
            row = max(n for n, begins in enumerate(days) if begins <= day)
            if row == len(parts):
                return sum(parts, Fraction(0)) + years(days[row], day, day_count, self.unit)
            if day_count == "30e/360":
                within = years(days[row], day, day_count) if parts[row] else Fraction(0)
            else:
                within = parts[row] * Fraction((day - days[row]).days, (days[row + 1] - days[row]).days)
            return sum(parts[:row], Fraction(0)) + within

        return reached(end) - reached(start)


Bill = tuple[date, int, int]
"""Due day, principal, interest."""
_DRAWN: dict[str, list[Bill]] = {}
_CLOCKS: dict[str, tuple[list[date], list[Fraction]]] = {}


def bills(plan: Plan) -> list[Bill]:
    """The rows of a plan."""
    key = repr(plan)
    if key not in _DRAWN:
        if len(_DRAWN) > 4000:
            _DRAWN.clear()
        _DRAWN[key] = _drawn(plan)
    return _DRAWN[key]


def require_drawable(plan: Plan) -> None:
    """What was changed and paid out lies between the start and the last row that there then is."""
    terms, count = plan.terms, plan.terms["installments"]
    percent = terms.get("principal_percent")
    if percent is not None and Fraction(percent) * (plan.rows - terms.get("principal_grace", 0) - 1) > 100:
        raise Undrawable("principal_percent")
    for on, what, value in sorted(plan.changes, key=lambda each: each[0]):
        if not plan.start <= on < plan.due(count - 1):
            raise Undrawable("from_day")
        count += value if what == "extra" else 0
    for on, _amount in plan.advances:
        extra = sum(value for day, what, value in plan.changes if what == "extra" and day <= on)
        if not plan.start <= on < plan.due(terms["installments"] + extra - 1):
            raise Undrawable("principal")


def _drawn(plan: Plan) -> list[Bill]:
    terms = plan.terms
    require_drawable(plan)
    days, parts = plan.clock()
    events = sorted([*((on, "lent", amount) for on, amount in plan.advances), *plan.changes], key=lambda each: each[0])
    rate, count, balance, lent, waiting = Fraction(terms["annual_rate"]) / 100, terms["installments"], 0, 0, 0
    part, anew, found = 0, True, list[Bill]()
    for row in range(plan.rows):
        begins, due = days[row], days[row + 1]
        interest, since = Fraction(0), begins
        for on, what, value in [each for each in events if row == 0 or each[0] >= begins]:
            if on >= due:
                continue
            if on > since:
                interest += (
                    balance * rate * (_within(plan, days, parts, row, on) - _within(plan, days, parts, row, since))
                )
                since = on
            if what == "lent":
                balance, lent = balance + value, lent + value
            elif what == "rate":
                rate = Fraction(value) / 100
            else:
                count += value
            anew = anew or what != "rate" or terms.get("method", "level") == "level"
        interest += balance * rate * (parts[row] - _within(plan, days, parts, row, since))
        cents = round(interest)
        if anew and row >= terms.get("principal_grace", 0) and row + 1 < count:
            part, anew = _anew(terms, balance, lent, interest, [rate * each for each in parts[row + 1 : count]]), False
        principal = balance if row + 1 == count else _principal(terms, row, balance, part, cents)
        balance -= principal
        collected = cents
        if row < terms.get("interest_postponed", 0):
            waiting, collected = waiting + cents, 0
        else:
            waiting, collected = 0, cents + waiting
        found.append((due, principal, collected))
        if row + 1 == count:
            break
    if plan.carried:
        found[0] = (found[0][0], found[0][1], found[0][2] + plan.carried)
    return found


def _principal(terms: Terms, row: int, balance: int, part: int, cents: int) -> int:
    """Of a row before the last: never more than is owed, and never less than nothing."""
    if row < terms.get("principal_grace", 0):
        return 0
    return min(max(part - cents if terms.get("method", "level") == "level" else part, 0), balance)


def _within(plan: Plan, days: list[date], parts: list[Fraction], row: int, day: date) -> Fraction:
    """The part of a year from a row's beginning to a day within it."""
    if not parts[row] or day == days[row]:
        return Fraction(0)
    day_count = plan.terms["day_count"]
    if day_count.startswith("actual/") or day_count == "30e/360":
        return years(days[row], day, day_count)
    return parts[row] * Fraction((day - days[row]).days, (days[row + 1] - days[row]).days)


def _anew(terms: Terms, balance: int, lent: int, interest: Fraction, later: list[Fraction]) -> int:
    """The payment whose present value is what is owed (level), or the principal of each row."""
    if terms.get("method", "level") != "level":
        percent = terms.get("principal_percent")
        return round(Fraction(balance, len(later) + 1) if percent is None else lent * Fraction(percent) / 100)
    worth, discount = Fraction(1), Fraction(1)
    for factor in later:
        discount /= 1 + factor
        worth += discount
    return round((balance + interest) / worth)


# ----------------------------------------------------------------------------------------------- the story


@dataclass(frozen=True)
class Told:
    """Something that happened to a loan, and from which day it counts."""

    number: int
    type: str
    on: date
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Due:
    fees: int = 0
    interest: int = 0
    principal: int = 0
    since: date | None = None

    @property
    def bills(self) -> int:
        return self.interest + self.principal

    @property
    def total(self) -> int:
        return self.fees + self.bills


_TOLD: dict[int, tuple[list[Told], dict[int, Any], Story]] = {}
"""Loans that were told already, by the list of their facts: such a list is never changed, there is a new one."""


class Story:
    """A loan while its facts are told."""

    def __init__(self, loan: dict[str, Any]) -> None:
        self.loan, self.versions = loan, loan["versions"]
        self.line, self.version = loan["line"], 1
        self.at, self.plan, self.rows = date.min, None, list[tuple[date, int]]()
        self.arrears, self.arrears_since, self.counted = 0, None, 0
        self.asked: list[tuple[date, int]] = []  # of a line: day, all interest up to it
        self.lent = self.closed = self.seen = 0
        self.running, self.resumes = Fraction(0), None
        self.principal_paid = self.interest_paid = self.waived = self.given_up = 0
        self.fees = self.fees_paid = self.fees_waived = self.overpaid = 0
        self.charged: list[date] = []  # due days that bore a late fee
        self.basis, self.basis_since, self.off, self.drawable = "accrual", None, False, True
        self.flows: Flows = {}
        self.split: tuple[int, int, int] = (0, 0, 0)

    plan: Plan | None
    arrears_since: date | None
    resumes: date | None
    basis_since: date | None

    def told(self, facts: Iterable[Told] | None = None) -> Story:
        """All facts, in the order of their days, on one day in the order in which the bank heard of them."""
        if facts is not None:
            return self._tell(facts)
        known, versions = self.loan["facts"], self.versions
        told = _TOLD.get(id(known))
        if (
            told is None
            or told[0] is not known
            or told[1] is not versions
            or told[2].loan["agreed"] != self.loan["agreed"]
        ):
            if len(_TOLD) > 500:
                _TOLD.clear()
            told = _TOLD[id(known)] = (known, versions, self._tell(known))
        story = copy(told[2])
        story.flows, story.asked, story.charged = dict(story.flows), list(story.asked), list(story.charged)
        return story

    def _tell(self, known: Iterable[Told]) -> Story:
        for fact in sorted(known, key=lambda each: (each.on, each.number)):
            self.to(fact.on)
            self._book()
            getattr(self, "_" + fact.type.replace("-", "_"))(fact)
            self.at = max(self.at, fact.on)
            self._book()
        return self

    # ------------------------------------------------------------------------------------- what is so

    @property
    def terms(self) -> Terms:
        return dict(self.versions[self.version]["terms"])

    @property
    def principal(self) -> int:
        return self.lent - self.principal_paid - self.given_up

    @property
    def ran(self) -> int:
        return self.closed + round(self.running)

    @property
    def interest(self) -> int:
        return self.ran - self.interest_paid - self.waived

    @property
    def fees_owed(self) -> int:
        return self.fees - self.fees_paid - self.fees_waived

    @property
    def owed(self) -> int:
        return self.principal + self.interest + self.fees_owed

    @property
    def committed(self) -> int:
        if self.off or not self.drawable:
            return 0
        if self.line:
            over = self.plan is not None and self.at >= self.plan.due(len(self.rows) - 1)
            return 0 if over else max(0, self.loan["agreed"] - self.principal)
        return max(0, self.loan["agreed"] - self.lent)

    def books(self) -> Flows:
        """What the books should have posted of it, cumulatively."""
        self._book()
        return dict(self.flows)

    def _flow(self, name: str, amount: int) -> None:
        if amount:
            self.flows[name] = self.flows.get(name, 0) + amount

    def _book(self) -> None:
        ran = self.ran
        new, self.seen = ran - self.seen, ran
        if self.basis == "accrual" and not self.off:
            self._flow("earned", new)
        carried = stands(self.flows, "701") + stands(self.flows, "781") + stands(self.flows, "791")
        owed = self.principal + ran - self.interest_paid - self.waived + self.fees_owed
        now = {"memo": 0 if self.off else owed - carried, "off": owed if self.off else 0,
               "overpaid": self.overpaid, "promised": self.committed}  # fmt: skip
        self.flows = {name: amount for name, amount in {**self.flows, **now}.items() if amount}

    # ---------------------------------------------------------------------------------------------- time

    def to(self, day: date) -> Story:
        """Interest runs up to a day, that day not counted."""
        if self.plan is None or day <= self.at:
            return self
        if self.line:
            for due, _amount in [row for row in self.rows if self.at <= row[0] < day]:
                self._run(due)
                self.asked.append((due, self.ran))
        else:
            wait = self.plan.terms.get("interest_postponed", 0)
            for due, _amount in [row for row in self.rows[:wait] if self.at < row[0] <= day]:
                self._run(due)
                self._end_segment()
        self._run(day)
        return self

    def _run(self, until: date) -> None:
        start = self.at if self.resumes is None else max(self.at, self.resumes)
        if self.principal and start < until and not self.off:
            assert self.plan is not None
            rate = Fraction(self.terms["annual_rate"]) / 100
            self.running += self.principal * rate * self.plan.years(start, until)
        if self.resumes is not None and self.resumes <= until:
            self.resumes = None
        self.at = until

    def _end_segment(self) -> None:
        self.closed, self.running = self.ran, Fraction(0)

    # ------------------------------------------------------------------------------------------- due

    def passed(self, day: date) -> int:
        """How many rows are due by a day."""
        return sum(due <= day for due, _amount in self.rows)

    def asked_by(self, rows: int) -> int:
        return sum(amount for _due, amount in self.rows[:rows])

    def due(self, day: date) -> Due:
        """What is due and unpaid at the end of a day to which interest ran; the oldest bill is paid first."""
        if self.plan is None or self.off or not self.owed:
            return Due()
        rows, everything = self.passed(day), self.principal + self.interest
        total = everything if rows == len(self.rows) else min(everything, self._unpaid(day, rows))
        if not total:
            return Due(self.fees_owed, 0, 0, day if self.fees_owed else None)
        wait = self.plan.terms.get("interest_postponed", 0)
        interest = max(0, total - self.principal) if wait and rows <= wait else min(total, self.interest)
        return Due(self.fees_owed, interest, total - interest, self._since(day))

    def _unpaid(self, day: date, rows: int) -> int:
        if not self.line:
            return max(0, self.arrears + self.asked_by(rows) - self.counted)
        asked = [ran for on, ran in self.asked if on <= day]
        if rows and any(due == day for due, _amount in self.rows):
            asked.append(self.ran)
        return max(0, (asked[-1] if asked else 0) - self.interest_paid - self.waived)

    def _since(self, day: date) -> date:
        assert self.plan is not None
        if self.line:
            paid = self.interest_paid + self.waived
            late = [on for on, ran in self.asked if ran > paid and on <= day]
            return min([*late, day, self.plan.due(len(self.rows) - 1)])
        if self.arrears_since is not None and self.counted < self.arrears:
            return self.arrears_since
        return self.plan.due(min(self.uncovered(self.counted - self.arrears), len(self.rows) - 1))

    def uncovered(self, paid: int) -> int:
        """The first row that a sum does not cover."""
        return next(
            (n for n in range(len(self.rows)) if self.rows[n][1] and self.asked_by(n + 1) > paid), len(self.rows)
        )

    # ------------------------------------------------------------------------------------------ plans

    def _draw(self) -> None:
        assert self.plan is not None
        if self.line:
            self.rows = [(self.plan.due(row), 0) for row in range(self.plan.rows)]
        else:
            self.rows = [(due, principal + interest) for due, principal, interest in bills(self.plan)]

    def _again(self, terms: Terms, rows: int, *, arrears: bool) -> None:
        """A plan that begins today on what is owed; what is due stays due by itself, or is spread with the rest."""
        assert self.plan is not None
        due = self.due(self.at) if arrears else Due()
        self._end_segment()
        terms = {**terms, "annual_rate": self.terms["annual_rate"]}
        seed, passed = self._series(terms, rows)
        amount = self.principal - due.principal
        self.arrears, self.arrears_since, self.counted = due.bills, due.since, 0
        self.plan = Plan(terms, self.at, [(self.at, amount)], seed, passed, carried=self.interest - due.interest)
        self.rows = []
        if amount:
            self._draw()

    def _series(self, terms: Terms, rows: int) -> tuple[date, int]:
        """Days go on in the series in which they were, if the first of them lies in it."""
        plan, first = self.plan, terms.get("first_due")
        assert plan is not None
        if not first or first == plan.terms.get("first_due"):
            return plan.seed, plan.passed + rows
        for row in range(rows, rows + len(self.rows) + 1):
            if plan.due(row) == first:
                return plan.seed, plan.passed + row
        return first, 0

    def _spread(self) -> None:
        """The principal that is left over the rows that are left; a row that is paid already is over."""
        assert self.plan is not None
        rows = self.passed(self.at)
        rows += self.counted - self.arrears >= self.asked_by(rows + 1)
        left = len(self.rows) - rows
        if left > 0:
            terms = {**self.plan.terms, "installments": left}
            for name in ("principal_grace", "interest_postponed", "interest_free"):
                if name in terms:
                    terms[name] = max(0, terms[name] - rows)
            self._again(terms, rows, arrears=True)

    # ------------------------------------------------------------------------------------------ facts

    def _advance(self, fact: Told) -> None:
        amount = fact.data["amount"]
        if self.plan is None:
            self.at = fact.on
            first = self.terms.get("first_due")
            seed, passed = (fact.on, 1) if first is None else (first, 0)
            self.plan = Plan(self.terms, fact.on, [(fact.on, amount)], seed, passed)
        elif not self.line and self.rows:
            self.plan.advances.append((fact.on, amount))
        elif not self.line:
            due, plan, count = self.due(fact.on), self.plan, self.plan.terms["installments"]
            gone = min(sum(plan.due(row) <= fact.on for row in range(count)), count - 1)
            self.arrears, self.arrears_since, self.counted = due.bills, due.since, 0
            self.plan = Plan({**plan.terms, "installments": count - gone}, fact.on, [(fact.on, amount)], plan.seed,
                             plan.passed + gone)  # fmt: skip
            if self.plan.passed == 0 and self.plan.seed == plan.terms.get("first_due") and self.plan.seed <= fact.on:
                raise Undrawable("first_due")
        self.lent += amount
        self._draw()
        free = self.plan.terms.get("interest_free", 0)
        if free and len(self.plan.advances) == 1 and fact.on == self.plan.start:
            self.resumes = self.plan.due(free - 1)
        self._flow("lent", amount)

    def _payment(self, fact: Told) -> None:
        amount, due, rest = fact.data["amount"], Due(), 0
        if self.off:
            principal = min(amount, self.principal)
            interest = min(amount - principal, self.interest)
            fees = min(amount - principal - interest, self.fees_owed)
            left = amount - principal - interest - fees
            self._flow("recovered", amount - left)
        else:
            due, rows = self.due(fact.on), self.passed(fact.on)
            owing = max(self.asked_by(rows), self.counted - self.arrears)
            rest = 0 if self.line else max(0, self.asked_by(rows + 1) - owing)
            fees, interest, principal, left = self._allocated(amount, due)
            self._end_segment()
            self._take(fees, interest, principal)
        self.fees_paid, self.overpaid = self.fees_paid + fees, self.overpaid + left
        self.interest_paid, self.principal_paid = self.interest_paid + interest, self.principal_paid + principal
        self.split = (fees, interest, principal)
        if not self.off:
            paid, row, early = interest + principal, due.bills + rest, fact.data.get("early", "next")
            self.counted += paid if early == "next" else min(paid, row)
            if early == "lower" and not self.line and paid > row and self.principal:
                self._spread()

    def _allocated(self, amount: int, due: Due) -> tuple[int, int, int, int]:
        """What is due in the order of the terms; then interest, then principal; and what nobody owes."""
        owed = {"fees": self.fees_owed, "interest": due.interest, "principal": due.principal}
        got, left = dict.fromkeys(owed, 0), amount
        for name in self.versions[self.version]["order"]:
            got[name] = min(left, owed[name])
            left -= got[name]
        interest = min(left, self.interest - got["interest"])
        principal = min(left - interest, self.principal - got["principal"])
        return got["fees"], got["interest"] + interest, got["principal"] + principal, left - interest - principal

    def _take(self, fees: int, interest: int, principal: int) -> None:
        """In the books: what they carry is paid; the rest is income that was never recognised."""
        carried, accrued = stands(self.flows, "701"), stands(self.flows, "781")
        self._flow("fees_paid", fees)
        if self.basis == "recovery":
            booked, repaid = 0, min(interest + principal, carried)
        else:
            booked, repaid = min(interest, accrued), min(principal, carried)
        self._flow("interest_paid", booked)
        self._flow("principal_paid", repaid)
        self._flow("interest_cash", interest + principal - booked - repaid)

    def _fee(self, fact: Told) -> None:
        self.fees += fact.data["amount"]
        self._flow("fees", fact.data["amount"])
        self.charged.append(fact.data["due"])

    def _waiver(self, fact: Told) -> None:
        interest, fees = min(fact.data["interest"], self.interest), min(fact.data["fees"], self.fees_owed)
        self._flow("waived", min(interest, stands(self.flows, "781")))
        self._flow("fees_waived", fees)
        self.waived, self.fees_waived, self.counted = (
            self.waived + interest,
            self.fees_waived + fees,
            self.counted + interest,
        )

    def _terms(self, fact: Told) -> None:
        self.version = fact.data["version"]
        assert self.plan is not None
        how, rows = fact.data["how"], self.passed(fact.on)
        if how == "again":
            self._again(self.terms, rows, arrears=fact.data["arrears"])
        elif rows < len(self.rows):
            value = self.terms["annual_rate"] if how == "rate" else fact.data["installments"]
            same = [n for n, each in enumerate(self.plan.changes) if each[:2] == (fact.on, how)]
            if same:
                before = self.plan.changes[same[0]][2]
                self.plan.changes[same[0]] = (fact.on, how, value if how == "rate" else before + value)
            else:
                self.plan.changes.append((fact.on, how, value))
            self._draw()

    def _pause(self, fact: Told) -> None:
        until = fact.data["until"]
        through = FOREVER if until is None else until + timedelta(1)
        self.resumes = through if self.resumes is None else max(self.resumes, through)

    def _non_accrual(self, fact: Told) -> None:
        self.basis, self.basis_since = fact.data["method"], fact.on
        self._flow("unearned", stands(self.flows, "781"))

    def _accrual(self, fact: Told) -> None:
        self.basis, self.basis_since = "accrual", fact.on
        if self.resumes == FOREVER:
            self.resumes = None

    def _write_down(self, fact: Told) -> None:
        amount = min(fact.data["principal"], self.principal)
        self._flow("given" if fact.data["gift"] else "written", min(amount, stands(self.flows, "701")))
        self.given_up += amount
        if not self.line and self.principal:
            self._spread()

    def _charge_off(self, _fact: Told) -> None:
        self._end_segment()
        self.off = True
        for flow, account in (("off_principal", "701"), ("off_interest", "781"), ("off_fees", "791")):
            self._flow(flow, stands(self.flows, account))

    def _close_line(self, _fact: Told) -> None:
        self.drawable = False


# ------------------------------------------------------------------------------------------- several funds

#: What raises a balance, and what lowers it, in the order in which it is shared.
_LOWERED = (
    ("lent", ("principal_paid", "written", "given", "off_principal")),
    ("earned", ("interest_paid", "waived", "unearned", "off_interest")),
    ("fees", ("fees_paid", "fees_waived", "off_fees")),
)


def halves(amount: int, shares: list[int]) -> list[int]:
    """By largest remainder; of equal ones the first gets the cent. Nobody loses one."""
    if not amount:
        return [0] * len(shares)
    whole = sum(shares)
    parts = [abs(amount) * share // whole for share in shares]
    rest = [abs(amount) * share % whole for share in shares]
    for _cent in range(abs(amount) - sum(parts)):
        place = rest.index(max(rest))
        parts[place], rest[place] = parts[place] + 1, -1
    return [part if amount > 0 else -part for part in parts]


def by_fund(flows: Flows, loan: dict[str, Any]) -> dict[str, Flows]:
    """Each fund's part of what a loan comes to, each peer's beside it; what was overpaid is the borrower's, in GEN."""
    ours: dict[str, int] = dict(sorted(loan["funds"].items()))
    everybody = {**ours, **{f"{fund}@{peer}": share for fund in ours for peer, share in loan.get("peers", {}).items()}}
    book = {name: Flows() for name in everybody}
    done = set()
    for raised, lowered in _LOWERED:
        owners = ours if raised == "fees" else everybody
        off, gone = 0, [0] * len(owners)
        for flow in lowered:
            off += flows.get(flow, 0)
            now = halves(off, list(owners.values()))
            for name, after, before in zip(owners, now, gone, strict=True):
                book[name][flow] = after - before
            gone = now
        for name, part in zip(owners, halves(flows.get(raised, 0), list(owners.values())), strict=True):
            book[name][raised] = part
        done |= {raised, *lowered}
    for flow in flows.keys() - done - {"overpaid"}:
        owners = ours if flow == "promised" else everybody
        for name, part in zip(owners, halves(flows[flow], list(owners.values())), strict=True):
            book[name][flow] = part
    for name in everybody.keys() - ours.keys():
        paid = book[name].get("interest_paid", 0) + book[name].get("interest_cash", 0)
        book[name]["servicing"] = round(paid * loan["servicing"])
    book.setdefault("GEN", {})["overpaid"] = flows.get("overpaid", 0)
    return {name: {flow: n for flow, n in of.items() if n} for name, of in book.items() if any(of.values())}


def pairs(name: str, flow: str) -> list[tuple[str, str]]:
    """What a flow debits and credits in a fund; of a peer's part its money, and what it is owed (E15)."""
    if "@" not in name:
        return [ACCOUNTS[flow]]
    if flow == "servicing":
        return [("831", "117")]
    debit, credit = ACCOUNTS[flow]
    found = [("831", "cash")] if credit == "cash" else [("cash", "831")] if debit == "cash" else []
    more = (debit in OWED) - (credit in OWED)
    return [*found, *([("M30", "M39")] if more > 0 else [("M39", "M30")] if more < 0 else [])]


def less(after: dict[str, Flows], before: dict[str, Flows]) -> dict[str, Flows]:
    """What is to be posted to come from one to the other."""
    found: dict[str, Flows] = {}
    for fund in {**after, **before}:
        new, old = after.get(fund, {}), before.get(fund, {})
        moved = {flow: new.get(flow, 0) - old.get(flow, 0) for flow in {**new, **old}}
        if any(moved.values()):
            found[fund] = {flow: amount for flow, amount in moved.items() if amount}
    return found
