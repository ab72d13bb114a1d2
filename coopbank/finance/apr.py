"""Annual percentage rate: Regulation Z (12 CFR 1026), Appendix J, actuarial method.

The rate is nominal: i × w, where w is the number of unit-periods in a year and i
solves, over all advances A and payments P,

    Σ A / ((1 + e·i)(1 + i)^q)  =  Σ P / ((1 + f·i)(1 + i)^t)        (b)(8)

with whole unit-periods q and t, compounded, and fractions e and f, simple. Times run
from the first advance, or from the first payment if that comes first.

*Unit-period* (b)(4): the interval that occurs most often, at most a year; the smaller
of two that occur as often; where none occurs twice, the average, rounded to a standard
interval. One advance and one payment: the term, at most a year.

*Times from dates* (b)(5): months are counted back from the later date and the days left
over are thirtieths; for half months and several months D = 30 × months + days left over
is divided by 15 or by 30 × months; days and weeks are counted; what is left of a year is
twelfths if it is whole months and otherwise days over 365. A series on the 29th, 30th or
31st falls on the last day of a shorter month. A regular series of half months keeps the
fraction of its first payment.

Any way of solving is allowed that carries full precision (b)(9); here Newton's method
within a bracket, on 40 decimal digits.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal, localcontext
from fractions import Fraction
from itertools import groupby, pairwise
from typing import Annotated, Any, Final, NamedTuple

from pydantic import Field, model_validator

from coopbank.errors import InvalidTerms
from coopbank.finance.documents import Amount, Day, Document, Fault, Part, read
from coopbank.finance.periods import Period, days_in_month, series_day

METHOD: Final = "12 CFR 1026 Appendix J, actuarial"

_PRECISE: Final = Context(prec=40, rounding=ROUND_HALF_EVEN, Emin=MIN_EMIN, Emax=MAX_EMAX)
_CLOSE: Final = Decimal("1e-24")
_HIGHEST: Final = Decimal(10) ** 12
_MOST_STEPS: Final = 400
_MOST_FLOWS: Final = 5_000
_YEAR: Final = Period("years", 1)
_LONG_RUN: Final = 8
_SERIES_FROM: Final = Decimal("1e-6")


class Flow(NamedTuple):
    """An amount (any unit, the same for all) and when: whole unit-periods and a fraction of one."""

    amount: int | Decimal
    periods: int
    fraction: Fraction = Fraction(0)


# The document of `coopbank apr`


class FlowTerms(Document):
    """An advance or a payment, by its date or by unit-periods after the first advance."""

    amount: Amount
    date: Day | None = None
    periods: Annotated[int, Field(strict=True, ge=0, le=100_000)] | None = None
    fraction: Part | None = None

    @model_validator(mode="after")
    def _one_time(self) -> FlowTerms:
        if (self.date is None) == (self.periods is None) or (self.date and self.fraction is not None):
            raise Fault("A flow has either a date, or periods and a fraction.")
        return self


class UnitPeriod(Document):
    """A unit-period, by exactly one unit, of at most a year: `{"months": 1}`."""

    days: Annotated[int, Field(strict=True, ge=1, le=366)] | None = None
    weeks: Annotated[int, Field(strict=True, ge=1, le=52)] | None = None
    semimonths: Annotated[int, Field(strict=True, ge=1, le=1)] | None = None
    months: Annotated[int, Field(strict=True, ge=1, le=12)] | None = None
    years: Annotated[int, Field(strict=True, ge=1, le=1)] | None = None

    @model_validator(mode="after")
    def _one_unit(self) -> UnitPeriod:
        if len(self.model_dump(exclude_none=True)) != 1:
            raise Fault("A unit-period has exactly one unit.", "Write it like {example}.", example='{"months": 1}')
        return self

    @property
    def period(self) -> Period:
        """The same as a `Period`; twelve months are a year."""
        if self.days is not None:
            return Period("days", self.days)
        if self.weeks is not None:
            return Period("weeks", self.weeks)
        if self.semimonths is not None:
            return Period("semimonths", self.semimonths)
        if self.months is not None and self.months < 12:
            return Period("months", self.months)
        return _YEAR


_Flows = Annotated[tuple[FlowTerms, ...], Field(min_length=1, max_length=_MOST_FLOWS)]


class AprTerms(Document):
    """Advances and payments whose annual percentage rate is asked for."""

    advances: _Flows
    payments: _Flows
    unit_period: UnitPeriod | None = None

    @classmethod
    def read(cls, document: Mapping[str, Any] | str | bytes) -> AprTerms:
        """The flows of a document; `InvalidTerms` naming the field at fault."""
        return read(cls, document)

    @model_validator(mode="after")
    def _agree(self) -> AprTerms:
        """All by date or all by periods; periods need a unit. Raises `InvalidTerms`."""
        dated = self.advances[0].date is not None
        for name in ("advances", "payments"):
            for index, flow in enumerate(getattr(self, name)):
                if (flow.date is not None) != dated:
                    raise InvalidTerms("Some flows have a date and some have periods.", field=f"{name}.{index}")
        if not dated and self.unit_period is None:
            raise InvalidTerms("Flows by periods need the unit_period they count.", field="unit_period")
        return self


def apr(document: Mapping[str, Any] | str | bytes) -> dict[str, str]:
    """The answer of `coopbank apr`: `{"apr": percent to 6 decimals, "method": ...}`.

    Raises `InvalidTerms` naming the field for a document that cannot be read, for
    payments below the advances, and for flows that no rate makes equal.
    """
    rate = annual_percentage_rate(AprTerms.read(document))
    return {"apr": str(rate.quantize(Decimal("0.000001"), ROUND_HALF_EVEN)), "method": METHOD}


def annual_percentage_rate(terms: AprTerms) -> Decimal:
    """The rate in percent a year, to 12 decimals; raises as `apr` does."""
    if terms.advances[0].date is not None:
        advances = [(flow.date or dt.date.min, flow.amount) for flow in terms.advances]
        payments = [(flow.date or dt.date.min, flow.amount) for flow in terms.payments]
        unit = terms.unit_period.period if terms.unit_period else None
        return nominal_rate(*dated_flows(advances, payments, unit))
    assert terms.unit_period is not None, "flows by periods have a unit"
    return nominal_rate(
        [_counted(flow) for flow in terms.advances],
        [_counted(flow) for flow in terms.payments],
        terms.unit_period.period.per_year,
    )


def _counted(flow: FlowTerms) -> Flow:
    return Flow(flow.amount, flow.periods or 0, flow.fraction or Fraction(0))


# From dates to unit-periods


Dated = Sequence[tuple[dt.date, int | Decimal]]


def dated_flows(
    advances: Dated, payments: Dated, unit: Period | None = None
) -> tuple[list[Flow], list[Flow], Fraction]:
    """Flows in unit-periods, and how many make a year; the unit is found from the dates if not given."""
    advances = sorted(advances, key=lambda flow: flow[0])
    payments = sorted(payments, key=lambda flow: flow[0])
    paid_on = [day for day, _ in payments]
    start = min(advances[0][0], paid_on[0])
    if unit is None:
        unit = unit_period([day for day, _ in advances], paid_on)
    due_day = series_day(paid_on)
    paid = [Flow(amount, *unit_periods(start, day, unit, due_day)) for day, amount in payments]
    if unit.unit == "semimonths" and _is_semimonthly(paid_on):
        first = paid[0]
        paid = [Flow(flow.amount, first.periods + k, first.fraction) for k, flow in enumerate(paid)]
    lent = [Flow(amount, *unit_periods(start, day, unit)) for day, amount in advances]
    return lent, paid, unit.per_year


def unit_periods(start: dt.date, end: dt.date, unit: Period, due_day: int | None = None) -> tuple[int, Fraction]:
    """Whole unit-periods between two dates, and the fraction left, by (b)(5).

    `due_day` is the day that the series of the later date keeps (31 for the last day
    of each month), where its date alone does not show it.
    """
    if unit.unit in ("days", "weeks"):
        length = unit.count * (7 if unit.unit == "weeks" else 1)
        whole, rest = divmod((end - start).days, length)
        return whole, Fraction(rest, length)
    months, days = _months_back(start, end, due_day)
    if unit.unit == "years":
        return _years_back(start, end, months, days, due_day)
    length = 15 * unit.count if unit.unit == "semimonths" else 30 * unit.count
    if unit.unit == "months" and unit.count == 1:
        return months, Fraction(days, 30)
    whole, rest = divmod(30 * months + days, length)
    return whole, Fraction(rest, length)


def _months_back(start: dt.date, end: dt.date, due_day: int | None) -> tuple[int, int]:
    """Whole months counted back from the end, and the days from the start to where that leads."""
    months = (end.year - start.year) * 12 + end.month - start.month
    reached = _earlier(end, months, due_day)
    if reached < start:
        months -= 1
        reached = _earlier(end, months, due_day)
    return months, (reached - start).days


def _earlier(end: dt.date, months: int, due_day: int | None) -> dt.date:
    """The series' date so many months before the end."""
    year, month0 = divmod(end.year * 12 + end.month - 1 - months, 12)
    keeps = due_day is not None and end.day == min(due_day, days_in_month(end.year, end.month))
    day = due_day if keeps and due_day is not None else end.day
    return dt.date(year, month0 + 1, min(day, days_in_month(year, month0 + 1)))


def _years_back(start: dt.date, end: dt.date, months: int, days: int, due_day: int | None) -> tuple[int, Fraction]:
    years, rest = divmod(months, 12)
    if not days:
        return years, Fraction(rest, 12)
    return years, Fraction((_earlier(end, 12 * years, due_day) - start).days, 365)


def unit_period(advanced_on: Sequence[dt.date], paid_on: Sequence[dt.date]) -> Period:
    """The unit-period of flows on these dates (each list sorted), by (b)(4)."""
    start = min(advanced_on[0], paid_on[0])
    if len(advanced_on) == len(paid_on) == 1:
        return _term(start, max(advanced_on[0], paid_on[0]))
    if _is_semimonthly(paid_on):
        return Period("semimonths", 1)
    due_day = series_day(list(paid_on))
    gaps = [gap for gap in pairwise([start, *paid_on]) if gap[0] < gap[1]]
    gaps += [gap for gap in pairwise([start, *advanced_on]) if gap[0] < gap[1]]
    return _commonest(gaps, due_day) or _average(gaps)


def _term(start: dt.date, end: dt.date) -> Period:
    """Of one advance and one payment: the term, at most a year; whole months as months."""
    months, days = _months_back(start, end, None)
    if months >= 12 or start == end:
        return _YEAR
    return Period("days", (end - start).days) if days else Period("months", months)


def _commonest(gaps: Sequence[tuple[dt.date, dt.date]], due_day: int | None) -> Period | None:
    """The interval that occurs most often, and more than once; the smaller of two."""
    seen: Counter[tuple[int, str, int]] = Counter()
    for one, other in gaps:
        days = (other - one).days
        months, left = _months_back(one, other, due_day)
        if not left and months <= 12:
            seen[30 * months, "months", months] += 1
        if days <= 365:
            seen[days, "days", days] += 1
    common = [(-count, length) for length, count in seen.items() if count > 1]
    if not common:
        return None
    _, (_, unit, count) = min(common)
    if unit == "months":
        return _YEAR if count == 12 else Period("months", count)
    return Period("weeks", count // 7) if count % 7 == 0 else Period("days", count)


def _average(gaps: Sequence[tuple[dt.date, dt.date]]) -> Period:
    """The average interval, rounded to the nearest standard one, the lower of two as near."""
    if not gaps:
        return _YEAR
    average = Fraction(sum((other - one).days for one, other in gaps), len(gaps))
    standard = [(1, Period("days", 1)), (15, Period("semimonths", 1)), (365, _YEAR)]
    standard += [(30 * k, Period("months", k)) for k in range(1, 12)]
    standard += [(7 * k, Period("weeks", k)) for k in range(1, 53)]
    return min(standard, key=lambda item: (abs(average - item[0]), item[0]))[1]


def _is_semimonthly(days: Sequence[dt.date]) -> bool:
    """Whether the dates are two of each month, about half a month apart."""
    if len(days) < 4 or not all(13 <= (other - one).days <= 17 for one, other in pairwise(days)):
        return False
    for turn in (days[::2], days[1::2]):
        due_day = series_day(list(turn))
        if any(_months_back(one, other, due_day) != (1, 0) for one, other in pairwise(turn)):
            return False
    return True


def flows_of_schedule(
    lent: Sequence[tuple[dt.date, int]],
    paid: Sequence[tuple[dt.date, int]],
    every: Period,
    *,
    regular: bool,
) -> tuple[list[Flow], list[Flow], Fraction]:
    """Flows of a schedule, whose rows are whole periods apart whatever their dates.

    `paid` are all rows in order, those that pay nothing too. `regular` says that the
    first period is a whole one. The period is the unit-period, unless it is longer than
    a year, or the loan has one advance and one payment.
    """
    start = min(day for day, _ in lent)
    rows = [due for due, _ in paid if due > start]
    paying = [due for due, amount in paid if amount]
    single = len({day for day, _ in lent}) == 1 and len(paying) == 1 and paying[0] > start
    if single and regular and every.unit in ("months", "years"):
        return _single_regular(lent, paid, every)
    if single or every.per_year < 1:
        return dated_flows(lent, [flow for flow in paid if flow[1]])
    unit = _YEAR if every == Period("months", 12) else every
    first, fraction = (1, Fraction(0)) if regular else unit_periods(start, rows[0], unit, series_day(rows))
    when = {due: (first + index, fraction) for index, due in enumerate(rows)}
    when[start] = (0, Fraction(0))
    payments = [Flow(amount, *when[due]) for due, amount in paid if amount]
    advances = [Flow(amount, *(when.get(day) or unit_periods(start, day, unit))) for day, amount in lent]
    return advances, payments, unit.per_year


def _single_regular(
    lent: Sequence[tuple[dt.date, int]], paid: Sequence[tuple[dt.date, int]], every: Period
) -> tuple[list[Flow], list[Flow], Fraction]:
    """One advance and one payment whole periods later: 31 January to 28 February is a month."""
    start = lent[0][0]
    row, amount = next(
        (number, amount) for number, (_, amount) in enumerate((f for f in paid if f[0] > start), 1) if amount
    )
    months = row * every.count * (12 if every.unit == "years" else 1)
    advances = [Flow(amount, 0) for _, amount in lent]
    if months < 12:
        return advances, [Flow(amount, 1)], Fraction(12, months)
    return advances, [Flow(amount, months // 12, Fraction(months % 12, 12))], Fraction(1)


# The equation


def nominal_rate(advances: Sequence[Flow], payments: Sequence[Flow], per_year: Fraction) -> Decimal:
    """The rate in percent a year, to 12 decimals, that makes advances and payments equal.

    Raises `InvalidTerms` (field `payments`) when they add up to less than the
    advances, or when no rate makes them equal.
    """
    balance = sum(flow.amount for flow in payments) - sum(flow.amount for flow in advances)
    if balance < 0:
        raise InvalidTerms("The payments add up to less than the advances.", field="payments")
    with localcontext(_PRECISE):
        groups = _by_fraction(advances, payments)
        rate = _solve(groups) if balance else Decimal(0)
        percent = 100 * rate * per_year.numerator / per_year.denominator
        return percent.quantize(Decimal("1e-12"))


class _Run(NamedTuple):
    """So many equal amounts, a gap of periods before each, told from the last."""

    gap: int
    amount: Decimal
    times: int


_Group = tuple[Decimal, list[_Run]]


def _by_fraction(advances: Sequence[Flow], payments: Sequence[Flow]) -> list[_Group]:
    """Net payments by time, grouped by the fraction; each group the last period first, with gaps."""
    net: dict[Fraction, dict[int, Decimal]] = {}
    for sign, flows in ((-1, advances), (1, payments)):
        for amount, periods, fraction in flows:
            at = net.setdefault(fraction, {})
            at[periods] = at.get(periods, Decimal(0)) + sign * amount
    groups: list[_Group] = []
    for fraction, at in net.items():
        times = sorted(at, reverse=True)
        steps = [(one - other, at[one]) for one, other in pairwise([*times, 0])]
        runs = [_Run(*step, sum(1 for _ in same)) for step, same in groupby(steps)]
        groups.append((Decimal(fraction.numerator) / fraction.denominator, runs))
    return groups


def _value(groups: Sequence[_Group], rate: Decimal) -> tuple[Decimal, Decimal]:
    """What the payments are worth beyond the advances at a rate, and the slope of that."""
    factor = 1 / (1 + rate)
    value, slope = Decimal(0), Decimal(0)
    for fraction, runs in groups:
        worth, change = Decimal(0), Decimal(0)
        # Horner's rule in the discount factor, from the last flow to the first.
        for run in runs:
            worth, change = _discounted(run, worth, change, factor, rate)
        simple = 1 + fraction * rate
        value += worth / simple
        slope -= (change * factor * factor + worth * fraction / simple) / simple
    return value, slope


def _discounted(run: _Run, worth: Decimal, change: Decimal, factor: Decimal, rate: Decimal) -> tuple[Decimal, Decimal]:
    """The worth of a run and all after it, a gap before the run's first, and its derivative by the factor."""
    gap, amount, times = run
    if gap == 1 and times >= _LONG_RUN and not rate:
        return worth + amount * times, change + worth * times + amount * (times * (times + 1) // 2)
    if gap == 1 and times >= _LONG_RUN and rate > _SERIES_FROM:
        # A geometric series; near a rate of zero it would cost too many digits.
        power, short = factor**times, 1 - factor
        ones = (1 - power) / short
        change = change * power + worth * times * power / factor + amount * (ones - times * power) / short
        return worth * power + amount * factor * ones, change
    power = factor ** (gap - 1) if gap > 1 else Decimal(1)
    for _ in range(times):
        worth += amount
        if gap == 1:
            change = change * factor + worth
            worth *= factor
        elif gap:
            change = (change * factor + gap * worth) * power
            worth *= power * factor
    return worth, change


def _solve(groups: Sequence[_Group]) -> Decimal:
    """The rate per unit-period at which the value is zero: Newton's steps, kept inside a bracket."""
    low, high, rate = Decimal(0), None, Decimal(0)
    for _ in range(_MOST_STEPS):
        value, slope = _value(groups, rate)
        if value > 0:
            low = rate
        else:
            high = rate
        following = rate - value / slope if slope < 0 else None
        if following is None or following < low or (high is not None and following > high):
            following = (low + high) / 2 if high is not None else 2 * low + 1
        if abs(following - rate) <= _CLOSE * (1 + rate):
            return following
        if following > _HIGHEST:
            break
        rate = following
    raise InvalidTerms("No rate makes these payments equal to the advances.", field="payments")
