"""What was agreed on a loan, as arithmetic can use it: its terms, and the plan drawn from them.

The terms of a scheduled loan are a loan-terms document without the money. A `Plan` adds the
money: what was paid out when, and what changed since. A plan begins anew where the terms say
that what is owed is spread again (a holiday, a new due day, a lower payment after early
money); a tranche, a new rate and extra rows act within the plan, as in `coopbank schedule`.

A plan's rows are bills: so much on such a day. They are kept as runs of equal amounts, since
nearly all rows are alike; the days follow from a seed day, as everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

from coopbank.bank import records
from coopbank.errors import InvalidTerms, InvalidValue
from coopbank.finance.daycount import year_fraction
from coopbank.finance.documents import Day, Every
from coopbank.finance.elapsed import years_between
from coopbank.finance.periods import Period, add, add_months
from coopbank.finance.revenue import RevenueTerms
from coopbank.finance.schedule import Row, schedule
from coopbank.finance.seasonal import SeasonalTerms, read_terms
from coopbank.finance.surplus import SurplusTerms
from coopbank.finance.terms import LoanTerms
from coopbank.ledger import chain
from coopbank.money import format_amount

SCHEDULE, LINE, SURPLUS, REVENUE = "schedule", "line", "surplus", "revenue"
REPORTED: Final = frozenset({SURPLUS, REVENUE})

#: What the arithmetic calls a thing, and what the form of an operation calls it.
_FIELDS: Final = {"disbursements": "principal", "currency": "principal", "document": "installments",
                  "changes": "from_day", "starts": "outer_date"}  # fmt: skip

Run = tuple[int, int]
"""So many rows of so much, in minor units."""


class ContinuedTerms(LoanTerms):
    """Loan terms whose due days go on in a series that began earlier: the seed day is kept.

    Row 1 is due `passed` periods after `seed`.
    """

    seed: Day
    passed: int

    def due_dates(self) -> list[date]:
        """The due dates of all rows."""
        return [add(self.seed, self.every.period, self.passed + row, self.month_end) for row in range(self.rows)]


class ContinuedSeason(SeasonalTerms):
    """The same where payments fall due in given months only."""

    seed: Day
    passed: int

    def due_dates(self) -> list[date]:
        """The due dates of all rows."""
        self._check_season()
        return [in_season(self.seed, self.months, self.passed + row) for row in range(self.rows)]


def in_season(seed: date, months: Iterable[int], place: int) -> date:
    """The due day at a place in the series of a seed day: at 0 the seed itself, then each day in one of the months."""
    if not place:
        return seed
    ahead = sorted(month + (0 if month > seed.month else 12) for month in set(months))
    years, one = divmod(place - 1, len(ahead))
    return add_months(seed, 12 * years + ahead[one] - seed.month)


@dataclass(slots=True)
class Plan:
    """What a schedule is drawn from: terms, money paid out, changes. Amounts in minor units, days as ISO texts."""

    document: dict[str, Any]
    start: str
    advances: list[list[Any]]  # day, amount
    seed: str
    passed: int  # periods from the seed to row 1
    changes: list[dict[str, Any]] = field(default_factory=list)
    carried: int = 0  # interest from before the start, billed with row 1

    def as_text(self) -> str:
        """One text for equal plans."""
        return chain.canonical(self.as_document())

    def as_document(self) -> dict[str, Any]:
        """JSON of it, which is changed with it no more than a copy is."""
        return {
            "document": dict(self.document), "start": self.start, "advances": [list(each) for each in self.advances],
            "seed": self.seed, "passed": self.passed, "changes": [dict(each) for each in self.changes],
            "carried": self.carried,
        }  # fmt: skip

    @property
    def period(self) -> Period:
        """The time between two rows."""
        return _period(*self.document["every"].items())

    def copy(self) -> Plan:
        """One to which money and changes can be added without changing this one."""
        return Plan(
            dict(self.document), self.start, [list(each) for each in self.advances], self.seed, self.passed,
            [dict(each) for each in self.changes], self.carried,
        )  # fmt: skip

    def due(self, row: int) -> date:
        """The due date of a row, counted from 0."""
        if "months" in self.document:
            return in_season(date.fromisoformat(self.seed), self.document["months"], self.passed + row)
        months = self.document.get("month_end", "clamp")
        return add(date.fromisoformat(self.seed), self.period, self.passed + row, months)


@lru_cache(maxsize=256)  # there are few, and every due date asks
def _period(*every: tuple[str, int]) -> Period:
    return Every.model_validate(dict(every)).period


def first_plan(document: Mapping[str, Any], on: date, amount: int) -> Plan:
    """The plan of a loan whose first money goes out on a day."""
    first = document.get("first_due")
    seed, passed = (on.isoformat(), 1) if first is None else (first, 0)
    return Plan(dict(document), on.isoformat(), [[on.isoformat(), amount]], seed, passed)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A plan drawn up: its rows, the runs of bills, and its days."""

    terms: LoanTerms
    rows: tuple[Row, ...]
    runs: tuple[Run, ...]
    due: tuple[date, ...]


def drawn(plan: Plan, currency: str) -> Drawn:
    """The rows of a plan. Refuses bad terms by the name of the form's field."""
    return _drawn(plan.as_text(), currency)


@lru_cache(maxsize=4096)
def _drawn(text: str, currency: str) -> Drawn:
    plan = Plan(**json.loads(text))
    try:
        terms = arithmetic(plan, currency)
        rows = schedule(terms).rows
    except InvalidTerms as refusal:
        raise plain(refusal) from refusal
    if plan.carried:
        first = rows[0]
        rows = (
            first._replace(interest=first.interest + plan.carried, payment=first.payment + plan.carried), *rows[1:],
        )  # fmt: skip
    return Drawn(terms, rows, _runs(rows), tuple(row.due for row in rows))


def arithmetic(plan: Plan, currency: str) -> LoanTerms:
    """A plan as the loan-terms document that `coopbank.finance` draws up."""
    document = {
        **plan.document,
        # Of a plan on which nothing is left to be spread only the days are asked.
        "disbursements": [{"date": on, "amount": format_amount(amount or 1, currency)} for on, amount in plan.advances],
        "changes": plan.changes, "currency": currency,
    }  # fmt: skip
    if (plan.seed, plan.passed) == (plan.document.get("first_due"), 0):
        return read_terms(document)
    if (plan.seed, plan.passed) == (plan.start, 1):  # a plan that begins again on its own first due day, for one
        return read_terms({name: value for name, value in document.items() if name != "first_due"})
    kind: type[ContinuedTerms | ContinuedSeason] = ContinuedSeason if "months" in document else ContinuedTerms
    return kind.read({**document, "first_due": plan.due(0).isoformat(), "seed": plan.seed, "passed": plan.passed})


def years_of(plan: Plan, currency: str, start: date, end: date) -> Fraction:
    """The part of a year between two days, by the plan's day count."""
    day_count = plan.document.get("day_count", "actual/365")
    if day_count.startswith("actual/"):
        return year_fraction(start, end, day_count)
    if not any(amount for _day, amount in plan.advances):  # all of it was due when the plan began
        plan = replace(plan, advances=[[plan.start, 1]])  # days count alike, whatever the amount
    return years_between(arithmetic(plan, currency), start, end)


def plain(refusal: InvalidTerms) -> InvalidValue:
    """A refusal of the arithmetic as one of the form's."""
    name = (refusal.field or "").partition(".")[0]
    return InvalidValue(
        refusal.template, field=_FIELDS.get(name, name) or None, hint=refusal.hint_template, **refusal.values
    )


def _runs(rows: tuple[Row, ...]) -> tuple[Run, ...]:
    runs: list[Run] = []
    for row in rows:
        if runs and runs[-1][1] == row.payment:
            runs[-1] = (runs[-1][0] + 1, row.payment)
        else:
            runs.append((1, row.payment))
    return tuple(runs)


def count_of(runs: list[Run] | tuple[Run, ...]) -> int:
    """How many rows the runs are."""
    return sum(count for count, _amount in runs)


def rows_by(plan: Plan, runs: list[Run] | tuple[Run, ...], day: date) -> int:
    """How many rows are due on or before a day. No schedule is drawn for it: the days follow from a seed."""
    seed, last = date.fromisoformat(plan.seed), count_of(runs)
    passed = 12 * (day.year - seed.year) + day.month - seed.month
    if "months" in plan.document:
        found = passed * len(plan.document["months"]) // 12 - plan.passed
    elif plan.period.unit in ("months", "years"):
        found = passed // (plan.period.count * (12 if plan.period.unit == "years" else 1)) - plan.passed
    else:
        found = (day - seed).days // (plan.period.count * (7 if plan.period.unit == "weeks" else 1)) - plan.passed
    found = max(0, min(found, last))
    while found < last and plan.due(found) <= day:
        found += 1
    while found and plan.due(found - 1) > day:
        found -= 1
    return found


def asked_by(runs: list[Run] | tuple[Run, ...], rows: int) -> int:
    """What the first rows ask for together, in minor units."""
    asked = 0
    for count, amount in runs:
        part = min(count, rows)
        asked, rows = asked + part * amount, rows - part
        if not rows:
            break
    return asked


def first_uncovered(runs: list[Run] | tuple[Run, ...], paid: int) -> int:
    """The first row, counted from 0, that a sum does not cover; the number of rows if it covers all."""
    row = 0
    for count, amount in runs:
        if amount and paid < count * amount:
            return row + paid // amount
        row, paid = row + count, paid - count * amount
    return row


# ---------------------------------------------------------------------------------- reported


@dataclass(frozen=True, slots=True)
class Contract:
    """A version of a loan's terms."""

    version: int
    repayment: str
    document: dict[str, Any]
    order: tuple[str, ...] = ("fees", "interest", "principal")
    early: str = "next"
    late_fee: dict[str, Any] | None = None

    @classmethod
    def of(cls, version: int, body: records.LoanTerms) -> Contract:
        """The contract that a sealed version of the terms states."""
        return cls(version, body.repayment, body.document, tuple(body.order), body.early, body.late_fee)

    @property
    def annual_rate(self) -> Decimal:
        """Percent a year; zero where the cost is a multiple."""
        return Decimal(self.document.get("annual_rate", "0"))


def surplus_terms(document: Mapping[str, Any], starts: date, currency: str) -> SurplusTerms:
    """The terms of a share of surplus, of a loan first paid out on a day."""
    return SurplusTerms(
        **_reported(document, starts, currency), annual_rate=Decimal(document["annual_rate"]),
        cost_cap_percent=Decimal(document.get("cost_cap_percent", "50")),
        day_count=document.get("day_count", "actual/365"),
    )  # fmt: skip


def revenue_terms(document: Mapping[str, Any], starts: date, currency: str) -> RevenueTerms:
    """The terms of a share of revenue, of a loan first paid out on a day."""
    percent = document.get("cost_cap_percent")
    return RevenueTerms(
        **_reported(document, starts, currency), multiple=Decimal(document["multiple"]),
        cost_cap_percent=None if percent is None else Decimal(percent), cost_cap=document.get("cost_cap"),
    )  # fmt: skip


def _reported(document: Mapping[str, Any], starts: date, currency: str) -> dict[str, Any]:
    begun = document.get("starts")
    return {
        "starts": starts if begun is None else date.fromisoformat(begun),
        "outer_date": date.fromisoformat(document["outer_date"]), "share_percent": Decimal(document["share_percent"]),
        "every": Every.model_validate(document.get("every", {"years": 1})).period,
        "report_days": document.get("report_days", 90), "payment_days": document.get("payment_days", 30),
        "loss_carry_forward": document.get("loss_carry_forward", True), "currency": currency,
    }  # fmt: skip


def check(
    document: Mapping[str, Any], repayment: str, starts: date, currency: str
) -> SurplusTerms | RevenueTerms:  # fmt: skip
    """The terms of a share of surplus or revenue; refuses those that cannot be, by the name of the form's field."""
    try:
        return (surplus_terms if repayment == SURPLUS else revenue_terms)(document, starts, currency)
    except InvalidTerms as refusal:
        raise plain(refusal) from refusal
