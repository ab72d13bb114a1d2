"""Every amount of every row of a schedule explained: it is drawn up again, and each amount watched as it arises."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from coopbank.errors import Unknown
from coopbank.finance.explanation import (
    Amount,
    Explanation,
    Expression,
    Part,
    Phrase,
    Stretch,
    explained,
    interest_of,
    largest,
    product,
    quotient,
    rounded,
    smallest,
    sum_of,
)
from coopbank.finance.schedule import Row, Schedule, _Drawing, _Event, present_value_ratio
from coopbank.finance.terms import LoanTerms

__all__ = ["RowExplanation", "explain_row", "explain_schedule"]


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
    stretches: list[Stretch]
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
        self._stretches: list[Stretch] | None = None
        self._level: _Levelled | None = None
        self._spread: _Spread | None = None

    def _set_rate(self, annual_rate: Decimal) -> None:
        self.rate = annual_rate
        super()._set_rate(annual_rate)

    def _charge(self, index: int, start: dt.date, events: list[_Event]) -> tuple[int, int]:
        """As the drawing does, noting each stretch between events."""
        noted: list[Stretch] = []
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

    def _stretch(self, index: int, start: dt.date, since: dt.date, until: dt.date) -> Stretch:
        whole = Fraction(self.years[index], self.year_den)
        reached = whole if until == self.due[index] else self._part(index, start, until)
        return Stretch(self._basis(), self.rate, reached - self._part(index, start, since), since, until)

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
        owed = product(sum_of(self.balance, Fraction(*exact)), quotient(worth, divisor))
        expression = rounded(owed, self.rounding, self.payment_unit)
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
            self._level = _Levelled(sum_of(self._level.expression, evened - payment), "level-even", values)
        return evened

    def _equal_principal(self, index: int, interest: int) -> int:
        if self.principal_anew:
            rows, percent = self.count - index, self.terms.principal_percent
            if percent is not None:
                values: dict[str, Any] = {"percent": percent, "lent": self._money(self.lent)}
                reckoned = product(self.lent, percent, Fraction(1, 100))
                self._level = _Levelled(self._once(reckoned), "principal-percent", values)
            else:
                values = {"owed": self._money(self.balance), "rows": rows}
                self._level = _Levelled(self._once(quotient(self.balance, rows)), "principal-equal", values)
        return super()._equal_principal(index, interest)

    def _round_flat_payment(self, index: int) -> None:
        super()._round_flat_payment(index)
        rows, unit = self.count - index, self.payment_unit
        reckoned = quotient(sum_of(self.balance, product(self.interest_part, rows)), rows)
        values = {
            "owed": self._money(self.balance), "interest": self._money(self.interest_part * rows), "rows": rows,
            "unit": self._money(unit),
        }  # fmt: skip
        self._level = _Levelled(rounded(reckoned, self.rounding, unit), "level-flat", values)

    def _flat_interest(self, index: int, exact: tuple[int, int]) -> int:
        anew, drawn, before = self.interest_anew, self.interest_drawn, self.interest_exact
        left = self.interest_left
        part = super()._flat_interest(index, exact)
        if not self.years[index]:
            return part
        if anew:
            later = self.lent * self.rate_num * sum(self.years[index + 1 : self.count])
            whole = rounded(before + Fraction(*exact) + Fraction(later, self.den), self.rounding, self.unit)
            left = part + self.interest_left
            self._spread = _Spread(largest(sum_of(whole, -drawn), 0), self.count - index, left)
        assert self._spread is not None, "the first row that bears interest spreads it"
        self._spread = _Spread(self._spread.whole, self._spread.rows, left)
        return part

    def _once(self, part: Part) -> Expression:
        return rounded(part, self.rounding, self.unit)

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
            interest, principal, level = self._say("interest-none", sum_of()), self._down_payment(row), None
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
        return explained(kind, expression, self.currency, **values)

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
            return self._say("interest-postponed", sum_of(), row=self._number(postponed))
        waited, self.waited = self.waited, 0
        if not waited:
            return own
        expression = sum_of(own.expression, waited)
        return self._say("interest-collected", expression, own=self._money(seen.own), waited=self._money(waited))

    def _own_interest(self, seen: _Seen) -> Explanation:
        if seen.index < self.terms.interest_free:
            return self._say("interest-free", sum_of())
        if self.terms.method != "flat" or seen.spread is None:
            return interest_of(seen.stretches, self.terms.day_count, self.rounding, self.unit, self.currency)
        spread = seen.spread
        whole = self._money(int(spread.whole.value))
        if seen.last:
            return self._say("interest-flat-last", sum_of(spread.left), whole=whole)
        each = rounded(quotient(spread.whole, spread.rows), self.rounding, self.unit)
        return self._say("interest-flat", smallest(each, spread.left), whole=whole, rows=spread.rows)

    # Principal

    def _down_payment(self, row: Row) -> Explanation:
        percent, lent = self.terms.down_payment_percent, self.lent_on[self.terms.first_disbursed]
        assert percent is not None, "only a down payment is no row of the drawing"
        reckoned = rounded(product(lent, percent, Fraction(1, 100)), self.rounding, self.unit)
        return self._say("down-payment", smallest(reckoned, lent), percent=percent, lent=self._money(lent))

    def _level(self, seen: _Seen) -> Explanation | None:
        level = seen.level
        if level is None or not level.kind.startswith("level") or seen.last or seen.index < self.terms.principal_grace:
            return None
        return self._say(level.kind, level.expression, **level.values)

    def _principal(self, seen: _Seen) -> Explanation:
        if seen.last:
            return self._say("principal-last", sum_of(seen.balance))
        if seen.index < self.terms.principal_grace:
            return self._say("principal-grace", sum_of(), row=self._number(self.terms.principal_grace))
        assert seen.level is not None, "principal was reckoned somehow"
        level, by_payment = seen.level, seen.level.kind.startswith("level")
        wanted = sum_of(level.expression, -seen.own) if by_payment else level.expression
        expression = smallest(largest(wanted, 0), seen.balance)
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
                parts.append(sum_of(flat))
                phrases.append(Phrase("fee-flat", {"fee": self._money(flat)}))
                continue
            base = {"principal": row.principal, "interest": row.interest}.get(
                fee.of or "", row.principal + row.interest
            )
            assert fee.percent is not None, "a fee is flat or a percentage"
            parts.append(rounded(product(base, fee.percent, Fraction(1, 100)), self.rounding, self.unit))
            phrases.append(Phrase("fee-percent", {"percent": fee.percent, "base": self._money(base)}))
        if not parts:
            return self._say("fees-none", sum_of())
        return self._say("fees", sum_of(*parts), parts=tuple(phrases))

    def _payment(self, row: Row) -> Explanation:
        values = {"principal": self._money(row.principal), "interest": self._money(row.interest)}
        if not row.fees:
            return self._say("payment", sum_of(row.principal, row.interest), **values)
        expression = sum_of(row.principal, row.interest, row.fees)
        return self._say("payment-fees", expression, fees=self._money(row.fees), **values)

    def _balance(self, row: Row, before: int, due: dt.date) -> Explanation:
        """What the row above left, and what was paid out since, that day included."""
        since = self.previous
        lent = sum(minor for day, minor in self.lent_on.items() if (since is None or day > since) and day <= due)
        values = {"before": self._money(before), "principal": self._money(row.principal)}
        if not lent:
            return self._say("balance", sum_of(before, -row.principal), **values)
        kind = "balance-lent" if before else "balance-first"
        return self._say(kind, sum_of(before, lent, -row.principal), lent=self._money(lent), **values)
