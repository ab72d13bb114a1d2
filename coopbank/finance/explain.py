"""Why an amount is what it is, in a plain sentence that holds the numbers.

    Interest of 41.10 = 10,000.00 × 5 % × 30 days / 365.

An `Explanation` is a sentence (a template and typed values, put into the language in force
when it is read) and an `Expression`: the same arithmetic over exact fractions, each rounding
where it happens and named. The expression's value is the amount, or the explanation is
not made: nothing is explained that does not recompute.

The rows of a schedule are explained by drawing it up again and watching how each amount arises;
whatever else is asked for is explained from the figures that it is made of.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import prod
from typing import Any, Final, Literal

from coopbank.errors import Unknown, fill
from coopbank.finance.allocation import DEFAULT_ORDER, allocate
from coopbank.finance.daycount import DayCount, year_fraction
from coopbank.finance.interest import Segment
from coopbank.finance.periods import MONTH, Period, whole_months
from coopbank.finance.schedule import Row, Schedule, _Drawing, _Event, present_value_ratio
from coopbank.finance.terms import LoanTerms
from coopbank.money import Rounding, format_amount, round_minor
from coopbank.words import translate

__all__ = [
    "SENTENCES",
    "Amount",
    "Explanation",
    "Expression",
    "Phrase",
    "RowExplanation",
    "explain_accrual",
    "explain_cap",
    "explain_ceiling",
    "explain_interest",
    "explain_payoff",
    "explain_row",
    "explain_schedule",
    "explain_split",
]

SENTENCES: Final = {
    # Time
    "day": "1 day / {basis}",
    "days": "{days} days / {basis}",
    "days-of-30": "{days} days of months of 30 / 360",
    "days-split": "({days} days / 365 + {leap_days} days / 366)",
    "month": "1 month / 12",
    "months": "{months} months / 12",
    "days-of-month": "{days} of {length} days of a month / 12",
    "month-and-days": "(1 month + {days} of {length} days) / 12",
    "months-and-days": "({months} months + {days} of {length} days) / 12",
    "week": "1 week / 52",
    "weeks": "{weeks} weeks / 52",
    "part": "{part} of a year",
    # Interest
    "stretch": "{principal} × {rate} % × {time}",
    "interest": "Interest of {amount} = {stretches}.",
    "interest-none": "No interest: nothing was owed, or no time passed.",
    "interest-free": "No interest: this row is free of it.",
    "interest-postponed": "No interest falls due yet: it is collected with row {row}.",
    "interest-collected": "Interest of {amount} = {own} of this row + {waited} postponed from the rows before.",
    "interest-flat": "Interest of {amount} = {whole} of interest for the term / {rows} rows.",
    "interest-flat-last": "Interest of {amount}: what is left of the {whole} of interest for the term.",
    "accrual": "Interest of {amount} from {since} to {until} = {after} since the start − {before} counted before.",
    # Principal and payment
    "level": "Level payment of {amount}: {rows} of them are worth the {owed} owed, at {rate} % a year.",
    "level-multiple": "Level payment of {amount}: {rows} of them are worth about the {owed} owed, at {rate} % a year; "
    "rounded to a multiple of {unit}.",
    "level-even": "Level payment of {amount} = {exact}, moved by {moved} so that the last row differs less.",
    "level-flat": "Payment of {amount} = ({owed} + {interest} of interest) / {rows} rows, to a multiple of {unit}.",
    "principal": "Principal of {amount} = payment of {payment} − interest of {interest}.",
    "principal-none": "No principal: interest of {interest} takes the whole payment of {payment}.",
    "principal-last": "Principal of {amount}: the last row repays all that is left.",
    "principal-rest": "Principal of {amount}: no more was left.",
    "principal-grace": "No principal falls due before row {row}.",
    "principal-equal": "Principal of {amount} = {owed} / {rows} rows.",
    "principal-percent": "Principal of {amount} = {percent} % of {lent}.",
    "down-payment": "Down payment of {amount} = {percent} % of {lent}.",
    "fees-none": "No fees.",
    "fees": "Fees of {amount} = {parts}.",
    "fee-flat": "{fee}",
    "fee-percent": "{percent} % of {base}",
    "payment": "Payment of {amount} = {principal} of principal + {interest} of interest.",
    "payment-fees": "Payment of {amount} = {principal} of principal + {interest} of interest + {fees} of fees.",
    "balance": "{amount} is left = {before} − {principal} of principal.",
    "balance-first": "{amount} is left = {lent} paid out − {principal} of principal.",
    "balance-lent": "{amount} is left = {before} + {lent} paid out − {principal} of principal.",
    # Payments made
    "split": "{amount} of the payment goes to {component}: {due} was due and {left} had not been used.",
    "split-over": "{amount} of {payment} is left over: no more was due.",
    "payoff": "{amount} closes the loan on {day} = {parts}.",
    "payoff-part": "{part} of {component}",
    "payoff-kept": "{amount} closes the loan on {day} = {parts} − {kept} kept for you.",
    # Share of surplus
    "ceiling": "At most {amount} is due = {share} % of the surplus of {surplus}.",
    "ceiling-none": "Nothing is due: there was no surplus.",
    "cap": "Interest of {amount} can still be taken = {percent} % of the surplus of {surplus} so far − {cost} taken.",
    "cap-none": "No interest can be taken: {percent} % of the surplus of {surplus} so far is at most the {cost} taken.",
}  # fmt: skip
"""Every sentence and the phrases inside, by kind."""

_COMPONENTS: Final = {"fees": "fees", "interest": "interest", "principal": "principal"}


# ------------------------------------------------------------------------------- expressions


@dataclass(frozen=True, slots=True)
class Expression:
    """Arithmetic over exact fractions; `round` goes to a multiple of `unit` minor units in a named mode."""

    operation: Literal["sum", "product", "quotient", "smallest", "largest", "round"]
    parts: tuple[Fraction | Expression, ...]
    mode: Rounding | None = None
    unit: int = 1
    value: Fraction = field(init=False, repr=False, compare=False)
    """What it comes to, in minor units, exactly; reckoned once, for the same payment explains many rows."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", self._reckoned())

    def _reckoned(self) -> Fraction:
        found = [part if isinstance(part, Fraction) else part.value for part in self.parts]
        if self.operation == "sum":
            return sum(found, Fraction(0))
        if self.operation == "product":
            return prod(found, start=Fraction(1))
        if self.operation == "quotient":
            return found[0] / found[1]
        if self.operation == "round":
            assert self.mode is not None, "a rounding has a mode"
            return Fraction(round_minor(found[0] / self.unit, self.mode) * self.unit)
        return min(found) if self.operation == "smallest" else max(found)

    def as_document(self) -> list[Any]:
        """JSON: the operation, then its parts; fractions as `"41/365"`."""
        head = [self.operation] if self.mode is None else [self.operation, self.mode, self.unit]
        return [*head, *(str(part) if isinstance(part, Fraction) else part.as_document() for part in self.parts)]


Part = Fraction | Expression | int | Decimal


def _sum(*parts: Part) -> Expression:
    return Expression("sum", tuple(map(_exact, parts)))


def _product(*parts: Part) -> Expression:
    return Expression("product", tuple(map(_exact, parts)))


def _quotient(above: Part, below: Part) -> Expression:
    return Expression("quotient", (_exact(above), _exact(below)))


def _smallest(*parts: Part) -> Expression:
    return Expression("smallest", tuple(map(_exact, parts)))


def _largest(*parts: Part) -> Expression:
    return Expression("largest", tuple(map(_exact, parts)))


def _round(part: Part, mode: Rounding, unit: int = 1) -> Expression:
    return Expression("round", (_exact(part),), mode, unit)


def _less(part: Part) -> Expression:
    return _product(-1, part)


def _exact(part: Part) -> Fraction | Expression:
    return part if isinstance(part, Expression) else Fraction(part)


# ------------------------------------------------------------------------------- explanations


@dataclass(frozen=True, slots=True)
class Amount:
    """Money inside a sentence."""

    minor: int
    currency: str

    def __str__(self) -> str:
        return format_amount(self.minor, self.currency, grouping=True)


@dataclass(frozen=True, slots=True)
class Phrase:
    """A part of a sentence that is translated as a whole."""

    kind: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return _said(self.kind, self.values)


@dataclass(frozen=True, slots=True)
class Component:
    """The name of a part of a payment: `interest`; one that is not known here is shown as it is."""

    name: str

    def __str__(self) -> str:
        return translate(_COMPONENTS.get(self.name, "")) or self.name


@dataclass(frozen=True, slots=True)
class Explanation:
    """A sentence by its kind and its typed values, the amount in minor units, and how it is reckoned."""

    kind: str
    values: Mapping[str, Any]
    amount: int
    expression: Expression

    def __post_init__(self) -> None:
        assert self.expression.value == self.amount, f"{self.kind}: what is explained recomputes"

    @property
    def template(self) -> str:
        """The sentence before its values are put in, in English."""
        return SENTENCES[self.kind]

    @property
    def sentence(self) -> str:
        """The sentence in the language in force."""
        return _said(self.kind, self.values)

    def __str__(self) -> str:
        return self.sentence

    def as_document(self) -> dict[str, Any]:
        """JSON: the sentence, the amount in minor units, the expression."""
        return {
            "kind": self.kind,
            "sentence": self.sentence,
            "amount_minor": self.amount,
            "expression": self.expression.as_document(),
        }


@dataclass(frozen=True, slots=True)
class RowExplanation:
    """Each amount of a row explained; `level` is the payment agreed for it, where there is one."""

    row: Row
    interest: Explanation
    principal: Explanation
    fees: Explanation
    payment: Explanation
    balance: Explanation
    level: Explanation | None = None

    @property
    def parts(self) -> tuple[Explanation, ...]:
        """All of them, in the order in which they are reckoned."""
        found = (self.interest, self.level, self.principal, self.fees, self.payment, self.balance)
        return tuple(each for each in found if each is not None)


def _said(kind: str, values: Mapping[str, Any]) -> str:
    return fill(translate(SENTENCES.get(kind, "")), {name: _shown(value) for name, value in values.items()})


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return " + ".join(map(str, value))
    if isinstance(value, Decimal):
        text = format(value, "f")
        return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
    return value.isoformat() if isinstance(value, dt.date) else str(value)


# ------------------------------------------------------------------------- interest by itself


def explain_interest(
    principal_minor: int,
    annual_rate: Decimal,
    start: dt.date,
    end: dt.date,
    day_count: DayCount = "actual/365",
    rounding: Rounding = "half-even",
    *,
    period: Period = MONTH,
    currency: str = "USD",
) -> Explanation:
    """What `interest.interest` answers, explained; raises as it does."""
    part = year_fraction(start, end, day_count, period)
    stretch = _Stretch(principal_minor, annual_rate, part, start, end)
    return _interest([stretch], day_count, rounding, 1, currency)


def explain_accrual(
    segments: Iterable[Segment],
    since: dt.date,
    until: dt.date,
    day_count: DayCount = "actual/365",
    rounding: Rounding = "half-even",
    *,
    period: Period = MONTH,
    currency: str = "USD",
) -> Explanation:
    """What `interest.accrual` answers, explained: the difference of two rounded cumulative totals."""
    held = list(segments)
    after = _round(_cumulative(held, until, day_count, period), rounding)
    before = _round(_cumulative(held, since, day_count, period), rounding)
    expression = _sum(after, _less(before))
    totals = {"after": Amount(int(after.value), currency), "before": Amount(int(before.value), currency)}
    return _explained("accrual", expression, currency, since=since, until=until, **totals)


def _cumulative(segments: Sequence[Segment], until: dt.date, day_count: DayCount, period: Period) -> Expression:
    parts = []
    for segment in segments:
        end = min(until, segment.end)
        if end > segment.start:
            part = year_fraction(segment.start, end, day_count, period)
            parts.append(_product(segment.principal_minor, segment.annual_rate, Fraction(1, 100), part))
    return _sum(*parts)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A principal at one rate for a part of a year."""

    principal: int
    rate: Decimal
    part: Fraction
    start: dt.date
    end: dt.date

    @property
    def expression(self) -> Expression:
        return _product(self.principal, self.rate, Fraction(1, 100), self.part)

    def phrase(self, day_count: str, currency: str) -> Phrase:
        time = _time(self.part, self.start, self.end, day_count)
        return Phrase("stretch", {"principal": Amount(self.principal, currency), "rate": self.rate, "time": time})


def _interest(
    stretches: Sequence[_Stretch], day_count: str, rounding: Rounding, unit: int, currency: str
) -> Explanation:
    expression = _round(_sum(*(each.expression for each in stretches)), rounding, unit)
    bearing = [each for each in stretches if each.principal and each.part]
    if not bearing:
        return _explained("interest-none", expression, currency)
    return _explained(
        "interest", expression, currency, stretches=tuple(each.phrase(day_count, currency) for each in bearing)
    )


def _explained(kind: str, expression: Expression, currency: str, **values: Any) -> Explanation:
    amount = expression.value
    assert amount.denominator == 1, "an amount is whole"
    return Explanation(kind, {"amount": Amount(int(amount), currency), **values}, int(amount), expression)


# ---------------------------------------------------------------------------------- time in words


def _time(part: Fraction, start: dt.date, end: dt.date, day_count: str) -> Phrase:
    """The part of a year as its day count tells it; any other part as it is."""
    days = (end - start).days
    if day_count in ("actual/360", "actual/364", "actual/365"):
        return _days(days, int(day_count[-3:])) if part == Fraction(days, int(day_count[-3:])) else _plain(part)
    if day_count == "actual/actual":
        return _split_days(part, start, end)
    if day_count in ("30us/360", "30e/360"):
        whole = part * 360
        return Phrase("days-of-30", {"days": int(whole)}) if whole.denominator == 1 else _plain(part)
    return _months(part, start, end)


def _days(days: int, basis: int) -> Phrase:
    return Phrase("day", {"basis": basis}) if days == 1 else Phrase("days", {"days": days, "basis": basis})


def _split_days(part: Fraction, start: dt.date, end: dt.date) -> Phrase:
    """Days of common years and of leap years."""
    days = (end - start).days
    # part = common/365 + leap/366 with common + leap = days has one solution.
    leap_part = (Fraction(days, 365) - part) * 365 * 366
    if leap_part.denominator != 1 or not 0 <= leap_part <= days:
        return _plain(part)
    leap = int(leap_part)
    if not leap or leap == days:
        return _days(days, 366 if leap else 365)
    return Phrase("days-split", {"days": days - leap, "leap_days": leap})


def _months(part: Fraction, start: dt.date, end: dt.date) -> Phrase:
    months = part * 12
    if months.denominator == 1:
        return Phrase("month") if months == 1 else Phrase("months", {"months": int(months)})
    whole, rest, length = whole_months(start, end)
    if whole and part == Fraction(whole * length + rest, 12 * length):
        kind = "month-and-days" if whole == 1 else "months-and-days"
        return Phrase(kind, {"months": whole, "days": rest, "length": length})
    days = (end - start).days
    for length in (31, 30, 29, 28):
        if part == Fraction(days, 12 * length):
            return Phrase("days-of-month", {"days": days, "length": length})
    weeks = part * 52
    if weeks.denominator == 1:
        return Phrase("week") if weeks == 1 else Phrase("weeks", {"weeks": int(weeks)})
    return _days(days, 365) if part == Fraction(days, 365) else _plain(part)


def _plain(part: Fraction) -> Phrase:
    return Phrase("part", {"part": part})


# ------------------------------------------------------------------------- rows of a schedule


def explain_row(schedule: Schedule, n: int) -> RowExplanation:
    """Every amount of row `n` explained; `Unknown` (field `n`) when there is no such row."""
    if not 1 <= n <= len(schedule.rows):
        raise Unknown(
            "The schedule has no row {n}.", field="n", hint="Its rows are 1 to {last}.", n=n, last=len(schedule.rows)
        )
    return explain_schedule(schedule)[n - 1]


def explain_schedule(schedule: Schedule) -> tuple[RowExplanation, ...]:
    """Every amount of every row explained."""
    watched = _Watched(schedule.terms)
    unmoved = watched.rows()
    assert [row[3:] for row in unmoved] == [row[3:] for row in schedule.rows], "the same terms lead to the same rows"
    explainer = _Explainer(schedule.terms)
    told, before = [], 0
    for row, drawn in zip(schedule.rows, unmoved, strict=True):
        told.append(explainer.row(row, watched.seen.get(drawn.due), before, drawn.due))
        before = row.balance
    return tuple(told)


@dataclass(slots=True)
class _Levelled:
    """How the payment or the principal in force was reckoned."""

    expression: Expression
    kind: str
    values: dict[str, Any]


@dataclass(slots=True)
class _Spread:
    """How flat interest is spread: the whole, and over how many rows."""

    whole: Expression
    rows: int
    left: int


@dataclass(slots=True)
class _Seen:
    """What was seen while a row was drawn."""

    index: int
    stretches: list[_Stretch]
    balance: int
    lent: int
    last: bool
    own: int = 0
    principal: int = 0
    part: int = 0
    level: _Levelled | None = None
    spread: _Spread | None = None


class _Watched(_Drawing):
    """The drawing of a schedule, noting how each amount arises."""

    in_one_go = False

    def __init__(self, terms: LoanTerms) -> None:
        super().__init__(terms)
        self.seen: dict[dt.date, _Seen] = {}
        self.rate = terms.annual_rate
        self._stretches: list[_Stretch] | None = None
        self._level: _Levelled | None = None
        self._spread: _Spread | None = None

    def _set_rate(self, annual_rate: Decimal) -> None:
        self.rate = annual_rate
        super()._set_rate(annual_rate)

    def _charge(self, index: int, start: dt.date, events: list[_Event]) -> tuple[int, int]:
        """As the drawing does, noting each stretch between events."""
        noted: list[_Stretch] = []
        since, ends = start, self.due[index]
        for event in [*events, None]:
            day = ends if event is None else event.on
            if day > since:
                noted.append(self._stretch(index, start, since, day))
                since = day
            if event is not None:
                self._apply(event)
        self._stretches = noted
        total = sum((each.expression.value for each in noted), Fraction(0))
        return total.numerator, total.denominator

    def _stretch(self, index: int, start: dt.date, since: dt.date, until: dt.date) -> _Stretch:
        whole = Fraction(self.years[index], self.year_den)
        reached = whole if until == self.due[index] else self._part(index, start, until)
        return _Stretch(self._basis(), self.rate, reached - self._part(index, start, since), since, until)

    def _amounts(self, index: int, exact: tuple[int, int]) -> tuple[int, int]:
        start = self.due[index - 1] if index else self.start
        stretches = self._stretches
        if stretches is None:
            stretches = [self._stretch(index, start, start, self.due[index])]
        self._stretches = None
        seen = _Seen(index, stretches, self.balance, self.lent, index + 1 == self.count)
        seen.principal, seen.own = super()._amounts(index, exact)
        seen.part, seen.level, seen.spread = self.part, self._level, self._spread
        self.seen[self.due[index]] = seen
        return seen.principal, seen.own

    def _level_payment(self, index: int, exact: tuple[int, int], interest: int) -> int:
        payment = super()._level_payment(index, exact, interest)
        later = [self.rate_num * years for years in self.years[index + 1 : self.count]]
        worth, divisor = present_value_ratio(later, self.den)
        owed = _product(_sum(self.balance, Fraction(*exact)), _quotient(worth, divisor))
        expression = _round(owed, self.rounding, self.payment_unit)
        many = self.payment_unit > self.unit
        values = {"owed": self._money(self.balance), "rate": self.rate, "rows": self.count - index}
        if many:
            values["unit"] = self._money(self.payment_unit)
        self._level = _Levelled(expression, "level-multiple" if many else "level", values)
        return payment

    def _evened(self, index: int, payment: int, interest: int) -> int:
        evened = super()._evened(index, payment, interest)
        if evened != payment and self._level is not None:
            values = {"exact": self._money(payment), "moved": self._money(evened - payment)}
            self._level = _Levelled(_sum(self._level.expression, evened - payment), "level-even", values)
        return evened

    def _equal_principal(self, index: int, interest: int) -> int:
        if self.principal_anew:
            rows, percent = self.count - index, self.terms.principal_percent
            if percent is not None:
                values: dict[str, Any] = {"percent": percent, "lent": self._money(self.lent)}
                reckoned = _product(self.lent, percent, Fraction(1, 100))
                self._level = _Levelled(self._once(reckoned), "principal-percent", values)
            else:
                values = {"owed": self._money(self.balance), "rows": rows}
                self._level = _Levelled(self._once(_quotient(self.balance, rows)), "principal-equal", values)
        return super()._equal_principal(index, interest)

    def _round_flat_payment(self, index: int) -> None:
        super()._round_flat_payment(index)
        rows, unit = self.count - index, self.payment_unit
        reckoned = _quotient(_sum(self.balance, _product(self.interest_part, rows)), rows)
        values = {
            "owed": self._money(self.balance), "interest": self._money(self.interest_part * rows), "rows": rows,
            "unit": self._money(unit),
        }  # fmt: skip
        self._level = _Levelled(_round(reckoned, self.rounding, unit), "level-flat", values)

    def _flat_interest(self, index: int, exact: tuple[int, int]) -> int:
        anew, drawn, before = self.interest_anew, self.interest_drawn, self.interest_exact
        left = self.interest_left
        part = super()._flat_interest(index, exact)
        if not self.years[index]:
            return part
        if anew:
            later = self.lent * self.rate_num * sum(self.years[index + 1 : self.count])
            whole = _round(before + Fraction(*exact) + Fraction(later, self.den), self.rounding, self.unit)
            left = part + self.interest_left
            self._spread = _Spread(_largest(_sum(whole, -drawn), 0), self.count - index, left)
        assert self._spread is not None, "the first row that bears interest spreads it"
        self._spread = _Spread(self._spread.whole, self._spread.rows, left)
        return part

    def _once(self, part: Part) -> Expression:
        return _round(part, self.rounding, self.unit)

    def _money(self, minor: int) -> Amount:
        return Amount(minor, self.terms.currency)


class _Explainer:
    """Sentences from what was seen."""

    def __init__(self, terms: LoanTerms) -> None:
        self.terms, self.currency = terms, terms.currency
        self.unit, self.rounding = terms.unit_minor, terms.rounding
        self.lent_on: dict[dt.date, int] = {}
        for index, each in enumerate(terms.disbursements):
            minor = terms.minor(each.amount, f"disbursements.{index}.amount")
            self.lent_on[each.date] = self.lent_on.get(each.date, 0) + minor
        self.previous: dt.date | None = None
        self.waited = 0

    def row(self, row: Row, seen: _Seen | None, before: int, due: dt.date) -> RowExplanation:
        """One row; `seen` is None for a down payment, `before` the balance of the row above."""
        if seen is None:
            interest, principal, level = self._say("interest-none", _sum()), self._down_payment(row), None
        else:
            interest, principal, level = self._row_interest(row, seen), self._principal(seen), self._level(seen)
        told = RowExplanation(
            row, interest, principal, self._fees(row), self._payment(row), self._balance(row, before, due), level
        )
        self.previous = due
        amounts = (told.interest, told.principal, told.fees, told.payment, told.balance)
        assert tuple(each.amount for each in amounts) == (
            row.interest, row.principal, row.fees, row.payment, row.balance,
        ), f"row {row.n} is explained as it is"  # fmt: skip
        return told

    def _say(self, kind: str, expression: Expression, **values: Any) -> Explanation:
        return _explained(kind, expression, self.currency, **values)

    def _money(self, minor: int) -> Amount:
        return Amount(minor, self.currency)

    def _number(self, index: int) -> int:
        """The number of a row of the drawing, which counts from 0 and has no down payment."""
        return index + 1 + (self.terms.down_payment_percent is not None)

    # Interest

    def _row_interest(self, row: Row, seen: _Seen) -> Explanation:
        own = self._own_interest(seen)
        postponed = self.terms.interest_postponed
        if seen.index < postponed:
            self.waited += seen.own
            return self._say("interest-postponed", _sum(), row=self._number(postponed))
        waited, self.waited = self.waited, 0
        if not waited:
            return own
        expression = _sum(own.expression, waited)
        return self._say("interest-collected", expression, own=self._money(seen.own), waited=self._money(waited))

    def _own_interest(self, seen: _Seen) -> Explanation:
        if seen.index < self.terms.interest_free:
            return self._say("interest-free", _sum())
        if self.terms.method != "flat" or seen.spread is None:
            return _interest(seen.stretches, self.terms.day_count, self.rounding, self.unit, self.currency)
        spread = seen.spread
        whole = self._money(int(spread.whole.value))
        if seen.last:
            return self._say("interest-flat-last", _sum(spread.left), whole=whole)
        each = _round(_quotient(spread.whole, spread.rows), self.rounding, self.unit)
        return self._say("interest-flat", _smallest(each, spread.left), whole=whole, rows=spread.rows)

    # Principal

    def _down_payment(self, row: Row) -> Explanation:
        percent, lent = self.terms.down_payment_percent, self.lent_on[self.terms.first_disbursed]
        assert percent is not None, "only a down payment is no row of the drawing"
        reckoned = _round(_product(lent, percent, Fraction(1, 100)), self.rounding, self.unit)
        return self._say("down-payment", _smallest(reckoned, lent), percent=percent, lent=self._money(lent))

    def _level(self, seen: _Seen) -> Explanation | None:
        level = seen.level
        if level is None or not level.kind.startswith("level") or seen.last or seen.index < self.terms.principal_grace:
            return None
        return self._say(level.kind, level.expression, **level.values)

    def _principal(self, seen: _Seen) -> Explanation:
        if seen.last:
            return self._say("principal-last", _sum(seen.balance))
        if seen.index < self.terms.principal_grace:
            return self._say("principal-grace", _sum(), row=self._number(self.terms.principal_grace))
        assert seen.level is not None, "principal was reckoned somehow"
        level, by_payment = seen.level, seen.level.kind.startswith("level")
        wanted = _sum(level.expression, -seen.own) if by_payment else level.expression
        expression = _smallest(_largest(wanted, 0), seen.balance)
        if wanted.value > seen.balance:
            return self._say("principal-rest", expression)
        if not by_payment:
            return self._say(level.kind, expression, **level.values)
        kind = "principal" if seen.principal else "principal-none"
        return self._say(kind, expression, payment=self._money(seen.part), interest=self._money(seen.own))

    # Sums

    def _fees(self, row: Row) -> Explanation:
        parts, phrases = [], []
        for fee in self.terms.fees:
            if fee.flat is not None:
                flat = self.terms.minor(fee.flat, "fees")
                parts.append(_sum(flat))
                phrases.append(Phrase("fee-flat", {"fee": self._money(flat)}))
                continue
            base = {"principal": row.principal, "interest": row.interest}.get(
                fee.of or "", row.principal + row.interest
            )
            assert fee.percent is not None, "a fee is flat or a percentage"
            parts.append(_round(_product(base, fee.percent, Fraction(1, 100)), self.rounding, self.unit))
            phrases.append(Phrase("fee-percent", {"percent": fee.percent, "base": self._money(base)}))
        if not parts:
            return self._say("fees-none", _sum())
        return self._say("fees", _sum(*parts), parts=tuple(phrases))

    def _payment(self, row: Row) -> Explanation:
        values = {"principal": self._money(row.principal), "interest": self._money(row.interest)}
        if not row.fees:
            return self._say("payment", _sum(row.principal, row.interest), **values)
        expression = _sum(row.principal, row.interest, row.fees)
        return self._say("payment-fees", expression, fees=self._money(row.fees), **values)

    def _balance(self, row: Row, before: int, due: dt.date) -> Explanation:
        """What the row above left, and what was paid out since, that day included."""
        since = self.previous
        lent = sum(minor for day, minor in self.lent_on.items() if (since is None or day > since) and day <= due)
        values = {"before": self._money(before), "principal": self._money(row.principal)}
        if not lent:
            return self._say("balance", _sum(before, -row.principal), **values)
        kind = "balance-lent" if before else "balance-first"
        return self._say(kind, _sum(before, lent, -row.principal), lent=self._money(lent), **values)


# ------------------------------------------------------------------------------- payments made


def explain_split(
    amount: int, due: Mapping[str, int], order: Sequence[str] = DEFAULT_ORDER, *, currency: str = "USD"
) -> tuple[Explanation, ...]:
    """What `allocation.allocate` answers: one explanation a component, in order, and one for what is left over."""
    shared = allocate(amount, due, order)
    told, left = [], amount
    for name in order:
        asked = due.get(name, 0)
        values = {"component": Component(name), "due": Amount(asked, currency), "left": Amount(left, currency)}
        told.append(_explained("split", _smallest(left, asked), currency, **values))
        left -= told[-1].amount
    if shared.left_over:
        expression = _sum(amount, *(-each.amount for each in told))
        told.append(_explained("split-over", expression, currency, payment=Amount(amount, currency)))
    return tuple(told)


def explain_payoff(
    on: dt.date, parts: Mapping[str, int], *, kept: int = 0, currency: str = "USD"
) -> Explanation:  # fmt: skip
    """What closes a loan on a day: its components (`principal`, `interest`, `fees`) less what is kept unapplied."""
    phrases = tuple(
        Phrase("payoff-part", {"part": Amount(minor, currency), "component": Component(name)})
        for name, minor in parts.items()
        if minor or name == "principal"
    )
    if not kept:
        return _explained("payoff", _sum(*parts.values()), currency, day=on, parts=phrases)
    expression = _sum(*parts.values(), -kept)
    return _explained("payoff-kept", expression, currency, day=on, parts=phrases, kept=Amount(kept, currency))


# ------------------------------------------------------------------------------ share of surplus


def explain_ceiling(share_percent: Decimal, surplus: int, *, currency: str = "USD") -> Explanation:
    """The most that a report can make due: the share of the surplus, rounded down; nothing after a loss."""
    expression = _round(_product(_largest(surplus, 0), share_percent, Fraction(1, 100)), "down")
    if surplus <= 0:
        return _explained("ceiling-none", expression, currency)
    return _explained("ceiling", expression, currency, share=share_percent, surplus=Amount(surplus, currency))


def explain_cap(
    cost_cap_percent: Decimal, cumulative_surplus: int, cost_taken: int, *, currency: str = "USD"
) -> Explanation:
    """What interest can still be taken: the cap, rounded down, less interest and charges taken before."""
    cap = _round(_product(_largest(cumulative_surplus, 0), cost_cap_percent, Fraction(1, 100)), "down")
    expression = _largest(_sum(cap, -cost_taken), 0)
    values = {
        "percent": cost_cap_percent, "surplus": Amount(max(0, cumulative_surplus), currency),
        "cost": Amount(cost_taken, currency),
    }  # fmt: skip
    return _explained("cap" if expression.value else "cap-none", expression, currency, **values)
