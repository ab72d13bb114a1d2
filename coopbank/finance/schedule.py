"""Loan schedules: terms in, rows of whole cents out.

One rule of rounding: a row's interest is the exact sum of balance × rate × part
of a year, rounded once; every other amount is rounded once where it arises. The
last row repays what is left, so that the balance ends at exactly zero and the
principal adds up to what was lent.

*Level.* The payment is the one whose present value, at the factors really
charged, is the balance: A = X · Π(1+f) / F, where X is what is owed at the end of
the row where levelling starts, the product runs over the later factors, and F
starts at 1 and becomes 1 + F·(1+f) with each. All of it is whole-number
arithmetic over one denominator; nothing is approximated before the one rounding.
A row whose interest alone exceeds the level payment (months of 31 days at a high
rate over many years) pays its interest and no principal: interest is never added
to the balance.

*Equal principal.* The same principal in each row, or a given percentage of what
was lent, and the rest in the last. *Flat.* Interest on what was lent, for the whole
term, spread evenly; the last row takes the cents. What a down payment repaid at once
counts as not lent in both.

*Events.* A tranche, a new rate or extra rows act from their date. Within a row
the interest is the sum of its parts, each on its own balance and rate; part of a row
under `30/360` and `equal-periods` is by actual days, under the other 30-day counts the
difference of the counts from the row's start, so that a change to the same rate changes
no interest. A tranche or extra rows level anew from the row that contains their date, and
so does a new rate for a level payment.

*Balance* of a row is what is owed at the end of its due date, a tranche paid out that
same day included; the next row's interest can be recomputed from it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import lcm
from typing import Any, ClassVar, Final, NamedTuple

from coopbank.errors import InvalidTerms
from coopbank.finance.apr import Flow, dated_flows, flows_of_schedule, nominal_rate
from coopbank.finance.daycount import days_30e, days_30us, year_ratio
from coopbank.finance.periods import add
from coopbank.finance.terms import Change, Fee, LoanTerms
from coopbank.money import format_amount, round_ratio

__all__ = ["LoanTerms", "Row", "Schedule", "Totals", "present_value_ratio", "schedule"]

_BY_ACTUAL_DAYS: Final = frozenset({"actual/360", "actual/364", "actual/365", "actual/actual"})
_EVENING_ROUNDS: Final = 3
# Far inside 64 bits, so that a book can hold every total.
_LARGEST_TOTAL: Final = 10**18


class Row(NamedTuple):
    """One row of a schedule; amounts in minor units."""

    n: int
    due: dt.date
    days: int
    principal: int
    interest: int
    fees: int
    payment: int
    balance: int


class Totals(NamedTuple):
    """Sums over all rows, in minor units."""

    principal: int
    interest: int
    fees: int
    payment: int


@dataclass(frozen=True)
class Schedule:
    """The rows that terms lead to. `apr` is computed when first asked for."""

    terms: LoanTerms
    rows: tuple[Row, ...]
    due_unmoved: tuple[dt.date, ...] = field(repr=False)
    """The due dates before any was moved off a closed day: those that interest is counted by."""

    @cached_property
    def totals(self) -> Totals:
        """Sums over all rows, in minor units."""
        amounts = zip(*[row[3:7] for row in self.rows], strict=True)
        return Totals(*map(sum, amounts))

    @cached_property
    def apr(self) -> Decimal:
        """Annual percentage rate by Regulation Z, Appendix J, in percent, to 12 decimals.

        Fees on the rows count as finance charge. Dates moved off closed days are
        disregarded, as 12 CFR 1026.17(c)(3) allows.
        """
        advances, payments, per_year = self.flows
        return nominal_rate(advances, payments, per_year)

    @cached_property
    def flows(self) -> tuple[list[Flow], list[Flow], Fraction]:
        """Advances and payments in unit-periods, and the unit-periods of a year (see `apr`)."""
        terms = self.terms
        lent = [
            (each.date, terms.minor(each.amount, f"disbursements.{index}.amount"))
            for index, each in enumerate(terms.disbursements)
        ]
        paid = [(due, row.payment) for due, row in zip(self.due_unmoved, self.rows, strict=True)]
        period = terms.every.period
        if set(terms.row_periods()) != {1}:
            return dated_flows(lent, [flow for flow in paid if flow[1]])
        whole = add(terms.first_disbursed, period, 1, terms.month_end)
        return flows_of_schedule(lent, paid, period, regular=terms.first_due in (None, whole))

    def as_document(self) -> dict[str, Any]:
        """The JSON document of the contract: amounts and the rate as strings."""
        code = self.terms.currency
        return {
            "installments": [
                {
                    "n": row.n,
                    "due": row.due.isoformat(),
                    "days": row.days,
                    **{name: format_amount(getattr(row, name), code) for name in _AMOUNTS},
                }
                for row in self.rows
            ],
            "totals": {name: format_amount(value, code) for name, value in self.totals._asdict().items()},
            "apr": str(self.apr.quantize(Decimal("0.001"), ROUND_HALF_EVEN)),
            "currency": code,
        }


_AMOUNTS: Final = ("principal", "interest", "fees", "payment", "balance")


def schedule(terms: LoanTerms, *, move: Callable[[dt.date], dt.date] | None = None) -> Schedule:
    """The schedule of the terms.

    `move` sends a due date to the day on which the payment is expected (see
    `business_days.mover`); it changes no amount and no count of days. Raises
    `InvalidTerms` for a payment multiple under which the loan cannot be repaid, for
    a row moved to before the money is paid out, and for amounts beyond what a book can hold.
    """
    rows = tuple(_Drawing(terms).rows())
    unmoved = tuple(row.due for row in rows)
    if move is not None:
        rows = tuple(_moved(row, terms.first_disbursed, move) for row in rows)
    drawn = Schedule(terms, rows, unmoved)
    if drawn.totals.payment > _LARGEST_TOTAL:
        raise InvalidTerms("These terms lead to amounts too large for any book.", field="annual_rate")
    return drawn


def _moved(row: Row, start: dt.date, move: Callable[[dt.date], dt.date]) -> Row:
    """The row on the day that it is moved to; a down payment stays on the day of the money."""
    if row.due == start:
        return row
    due = move(row.due)
    if due < start:
        raise InvalidTerms(
            "Row {n}, due on {due}, would move to {moved}, before the first disbursement of {start}.",
            field="first_due",
            hint="Choose a later date, or a rule that moves dates on.",
            n=row.n,
            due=row.due.isoformat(),
            moved=due.isoformat(),
            start=start.isoformat(),
        )
    return row._replace(due=due)


@dataclass(slots=True)
class _Event:
    """Something that happens on a day: a tranche in minor units, or a change."""

    on: dt.date
    tranche: int = 0
    change: Change | None = None


class _Drawing:
    """The state while rows are drawn one after the other."""

    in_one_go: ClassVar[bool] = True
    """Whether rows to which nothing happens are drawn in one loop; who watches each row says no."""

    def __init__(self, terms: LoanTerms) -> None:
        self.terms = terms
        self.start = terms.first_disbursed
        self.due = terms.due_dates()
        self.count = terms.installments
        # Read once: a row looks at these several times.
        self.method, self.rounding = terms.method, terms.rounding
        self.grace, self.postponing = terms.principal_grace, terms.interest_postponed
        self.unit = terms.unit_minor
        self.payment_unit = terms.payment_unit_minor
        self.years, self.year_den = self._year_parts()
        self._set_rate(terms.annual_rate)
        self.balance = 0
        # What flat interest and a percentage of principal are reckoned on.
        self.lent = 0
        self.part = 0
        self.interest_part = 0
        self.interest_left = 0
        self.interest_drawn = 0
        self.interest_exact = Fraction(0)
        self.postponed = 0
        self.fees = terms.fees
        self.flat_fees = {fee.flat: terms.minor(fee.flat, "fees") for fee in terms.fees if fee.flat}
        self.principal_anew = self.interest_anew = True
        self.events = self._in_order()
        self.first_events = [event for event in self.events if event.on == self.start]
        self.events = self.events[len(self.first_events) :]

    # Preparation

    def _in_order(self) -> list[_Event]:
        terms = self.terms
        events = [
            _Event(each.date, tranche=terms.minor(each.amount, f"disbursements.{index}.amount"))
            for index, each in enumerate(terms.disbursements)
        ]
        events += [_Event(change.on, change=change) for change in terms.changes]
        return sorted(events, key=lambda event: event.on)

    def _year_parts(self) -> tuple[list[int], int]:
        """Each row's part of a year over one denominator; 0 for rows free of interest."""
        terms = self.terms
        ratios = self._year_ratios()
        shared = lcm(*{den for _, den in ratios})
        years = [num * (shared // den) for num, den in ratios]
        free = terms.interest_free
        return [0] * free + years[free:], shared

    def _year_ratios(self) -> list[tuple[int, int]]:
        terms, period = self.terms, self.terms.every.period
        days = [self.start, *self.due]
        by_period = terms.day_count == "equal-periods" or (
            terms.day_count == "30/360" and period.unit in ("months", "years")
        )
        if not by_period:
            return [year_ratio(a, b, terms.day_count, period) for a, b in pairwise(days)]
        per_year = period.per_year
        ratios = [(each * per_year.denominator, per_year.numerator) for each in terms.row_periods()]
        regular = add(self.start, period, 1, terms.month_end)
        if terms.first_due is not None and terms.first_due != regular:
            ratios[0] = year_ratio(self.start, terms.first_due, terms.day_count, period)
        return ratios

    def _set_rate(self, annual_rate: Decimal) -> None:
        """The rate per year as a ratio, and the denominator that row factors share."""
        numerator, denominator = annual_rate.as_integer_ratio()
        self.rate_num, self.rate_den = numerator, 100 * denominator
        self.den = self.rate_den * self.year_den

    # Rows

    def rows(self) -> list[Row]:
        """All rows, the down payment first if there is one."""
        for event in self.first_events:
            self._apply(event)
        drawn = self._down_payment()
        previous, index, waiting = self.start, 0, 0
        while index < self.count:
            if waiting == len(self.events) and self._is_quiet(index):
                run = self._quiet_rows(index, len(drawn) + 1, previous)
                drawn += run
                index += len(run)
                previous = self.due[index - 1]
            due = self.due[index]
            first = waiting
            while waiting < len(self.events) and self.events[waiting].on < due:
                waiting += 1
            if waiting == first:
                exact = self._basis() * self.rate_num * self.years[index], self.den
            else:
                exact = self._charge(index, previous, self.events[first:waiting])
            principal, own_interest = self._amounts(index, exact)
            self.balance -= principal
            interest = self._collected(index, own_interest)
            number = len(drawn) + 1
            drawn.append(self._row(number, due, (due - previous).days, principal, interest))
            previous, index = due, index + 1
        assert self.balance == 0, "a schedule ends at zero"
        return self._with_same_day_tranches(drawn)

    def _is_quiet(self, index: int) -> bool:
        """Whether the level payment is known and each row up to the last is balance × factor, rounded, and the rest."""
        plain = self.in_one_go and self.method == "level" and self.unit == 1 and not self.fees
        return plain and not self.principal_anew and index + 1 < self.count and index > self.postponing

    def _quiet_rows(self, index: int, number: int, previous: dt.date) -> list[Row]:
        """The rows from `index` up to the last, which is left: the same as one by one, and several times as quick."""
        rows, balance, payment, rate, den = [], self.balance, self.part, self.rate_num, self.den
        last, rounding = self.count - 1, self.rounding
        for n, (due, years) in enumerate(zip(self.due[index:last], self.years[index:last], strict=True), number):
            interest = round_ratio(balance * rate * years, den, rounding)
            principal = payment - interest
            if not 0 <= principal <= balance:
                principal = min(max(principal, 0), balance)
            balance -= principal
            rows.append(Row(n, due, (due - previous).days, principal, interest, 0, principal + interest, balance))
            previous = due
        self.balance = balance
        return rows

    def _row(self, n: int, due: dt.date, days: int, principal: int, interest: int) -> Row:
        fees = sum([self._fee(fee, principal, interest) for fee in self.fees]) if self.fees else 0
        return Row(n, due, days, principal, interest, fees, principal + interest + fees, self.balance)

    def _fee(self, fee: Fee, principal: int, interest: int) -> int:
        if fee.flat is not None:
            return self.flat_fees[fee.flat]
        base = {"principal": principal, "interest": interest}.get(fee.of or "", principal + interest)
        assert fee.percent is not None, "a fee is flat or a percentage"
        return self._rounded_percent(fee.percent, base)

    def _down_payment(self) -> list[Row]:
        percent = self.terms.down_payment_percent
        if percent is None:
            return []
        paid = min(self._rounded_percent(percent, self.balance), self.balance)
        self.balance -= paid
        self.lent = self.balance
        return [self._row(1, self.start, 0, paid, 0)]

    def _with_same_day_tranches(self, drawn: list[Row]) -> list[Row]:
        """Balances as at the end of the day: a tranche on a due date is owed that evening."""
        tranches: dict[dt.date, int] = {}
        for event in self.events:
            if event.tranche:
                tranches[event.on] = tranches.get(event.on, 0) + event.tranche
        if not tranches:
            return drawn
        return [row._replace(balance=row.balance + tranches.get(row.due, 0)) for row in drawn]

    def _collected(self, index: int, own_interest: int) -> int:
        """The interest that falls due with a row: postponed interest waits, unpaid and bearing none."""
        if not self.postponing:
            return own_interest
        if index < self.postponing:
            self.postponed += own_interest
            return 0
        waited, self.postponed = self.postponed, 0
        return own_interest + waited

    # Events and interest

    def _apply(self, event: _Event) -> None:
        if event.tranche:
            self.balance += event.tranche
            self.lent += event.tranche
        elif event.change is not None and event.change.annual_rate is not None:
            self._set_rate(event.change.annual_rate)
        elif event.change is not None:
            self.count += event.change.extra_installments or 0
        self.interest_anew = True
        # Principal spread by itself does not depend on the rate.
        new_rate = event.change is not None and event.change.annual_rate is not None
        self.principal_anew |= not new_rate or self.method == "level"

    def _charge(self, index: int, start: dt.date, events: list[_Event]) -> tuple[int, int]:
        """The row's interest before rounding, as a ratio; applies the events on the way."""
        total, since = Fraction(0), start
        for event in events:
            if event.on > since:
                part = self._part(index, start, event.on) - self._part(index, start, since)
                total += self._basis() * part * Fraction(self.rate_num, self.rate_den)
                since = event.on
            self._apply(event)
        if since == start:
            return self._basis() * self.rate_num * self.years[index], self.den
        rest = Fraction(self.years[index], self.year_den) - self._part(index, start, since)
        total += self._basis() * rest * Fraction(self.rate_num, self.rate_den)
        return total.numerator, total.denominator

    def _basis(self) -> int:
        return self.lent if self.method == "flat" else self.balance

    def _part(self, index: int, start: dt.date, until: dt.date) -> Fraction:
        """The part of a year from the row's start to a day within the row."""
        if not self.years[index] or until == start:
            return Fraction(0)
        convention = self.terms.day_count
        if convention in _BY_ACTUAL_DAYS:
            return Fraction(*year_ratio(start, until, convention))
        if convention == "30us/360":
            return Fraction(days_30us(start, until), 360)
        if convention == "30e/360":
            return Fraction(days_30e(start, until), 360)
        share = Fraction((until - start).days, (self.due[index] - start).days)
        return Fraction(self.years[index], self.year_den) * share

    # Amounts of a row

    def _amounts(self, index: int, exact: tuple[int, int]) -> tuple[int, int]:
        """Principal and interest of a row, by the method."""
        if self.method == "flat":
            interest = self._flat_interest(index, exact)
        else:
            interest = self._rounded(*exact)
        if index + 1 == self.count:
            return self.balance, interest
        if index < self.grace:
            return 0, interest
        if self.method == "level":
            principal = self._level_principal(index, exact, interest)
        else:
            principal = self._equal_principal(index, interest)
        return min(max(principal, 0), self.balance), interest

    def _level_principal(self, index: int, exact: tuple[int, int], interest: int) -> int:
        if self.principal_anew:
            self.part = self._evened(index, self._level_payment(index, exact, interest), interest)
            self.principal_anew = False
        return self.part - interest

    def _level_payment(self, index: int, exact: tuple[int, int], interest: int) -> int:
        later = [self.rate_num * years for years in self.years[index + 1 : self.count]]
        num, den = exact
        owed = self.balance * den + num
        product, divisor = present_value_ratio(later, self.den)
        num, den = owed * product, den * divisor
        payment = round_ratio(num, den * self.payment_unit, self.rounding) * self.payment_unit
        if self.payment_unit > 1:
            self._check_repays(index, payment, interest, num // den)
        return payment

    def _check_repays(self, index: int, payment: int, interest: int, exact: int) -> None:
        """A multiple can push a payment so low that nothing, or next to nothing, would ever be repaid."""
        rows = self.count - index
        average = self.balance * self.rate_num * sum(self.years[index : self.count]) // (self.den * rows)
        if payment > max(interest, average) or exact <= max(interest, average):
            return
        field = "payment_multiple" if self.terms.payment_multiple is not None else "amount_multiple"
        code = self.terms.currency
        if average > interest:
            raise InvalidTerms(
                "A payment of {payment} does not repay the loan: a row bears {interest} of interest.",
                field=field,
                hint="Choose a smaller multiple; unrounded, the payment is about {exact}.",
                payment=format_amount(payment, code),
                interest=format_amount(average, code),
                exact=format_amount(exact, code),
            )
        raise InvalidTerms(
            "A payment of {payment} does not repay the loan: row {row} bears {interest} of interest.",
            field=field,
            hint="Choose a smaller multiple; unrounded, the payment is about {exact}.",
            payment=format_amount(payment, code),
            row=index + 1,
            interest=format_amount(interest, code),
            exact=format_amount(exact, code),
        )

    def _evened(self, index: int, payment: int, interest: int) -> int:
        """The payment moved so that the last row differs least from it, if the terms ask for that."""
        if self.terms.residue == "last":
            return payment
        rows, unit = self.count - index, self.payment_unit
        gap = self._last_payment(index, payment, interest) - payment
        for _ in range(_EVENING_ROUNDS):
            if abs(gap) // unit <= rows // 2:
                break
            trial = payment + round_ratio(gap, rows * unit, self.rounding) * unit
            trial_gap = self._last_payment(index, trial, interest) - trial
            if abs(trial_gap) >= abs(gap):
                break
            payment, gap = trial, trial_gap
        return payment

    def _last_payment(self, index: int, payment: int, interest: int) -> int:
        """What the last row would pay, fees aside, if nothing else happened to the loan."""
        balance = self.balance
        for years in self.years[index + 1 : self.count]:
            balance -= min(max(payment - interest, 0), balance)
            interest = self._rounded(balance * self.rate_num * years, self.den)
        return balance + interest

    def _equal_principal(self, index: int, interest: int) -> int:
        if self.principal_anew:
            percent = self.terms.principal_percent
            if percent is None:
                self.part = self._rounded(self.balance, self.count - index)
            else:
                self.part = self._rounded_percent(percent, self.lent)
            if self.terms.payment_multiple is not None:
                self._round_flat_payment(index)
            self.principal_anew = False
        if self.terms.payment_multiple is not None:
            return self.part - interest
        return self.part

    def _round_flat_payment(self, index: int) -> None:
        """With a multiple, principal and interest together are rounded to it."""
        num = self.balance + self.interest_part * (self.count - index)
        den = (self.count - index) * self.payment_unit
        self.part = round_ratio(num, den, self.rounding) * self.payment_unit
        if self.part <= self.interest_part:
            raise InvalidTerms(
                "A payment of {payment} does not repay the loan: a row bears {interest} of interest.",
                field="payment_multiple",
                hint="Choose a smaller multiple.",
                payment=format_amount(self.part, self.terms.currency),
                interest=format_amount(self.interest_part, self.terms.currency),
            )

    def _flat_interest(self, index: int, exact: tuple[int, int]) -> int:
        """An even part of the interest for the whole term; the last row takes the cents."""
        this_row = Fraction(*exact)
        if not self.years[index]:
            return 0
        bearing = self.count - index
        if self.interest_anew:
            later = self.lent * self.rate_num * sum(self.years[index + 1 : self.count])
            whole = self.interest_exact + this_row + Fraction(later, self.den)
            self.interest_left = max(self._rounded(whole.numerator, whole.denominator) - self.interest_drawn, 0)
            self.interest_part = self._rounded(self.interest_left, bearing)
            self.interest_anew = False
            # A payment rounded as a whole follows its interest.
            self.principal_anew |= self.terms.payment_multiple is not None
        self.interest_exact += this_row
        part = self.interest_left if bearing == 1 else min(self.interest_part, self.interest_left)
        self.interest_left -= part
        self.interest_drawn += part
        return part

    # Rounding

    def _rounded(self, num: int, den: int) -> int:
        """An amount rounded once, to the smallest unit of the terms."""
        if self.unit == 1:
            return round_ratio(num, den, self.rounding)
        return round_ratio(num, den * self.unit, self.rounding) * self.unit

    def _rounded_percent(self, percent: Decimal, base: int) -> int:
        num, den = percent.as_integer_ratio()
        return self._rounded(base * num, 100 * den)


def present_value_ratio(later: list[int], den: int) -> tuple[int, int]:
    """Π(1+f) and F of the level payment, over the same (left out) power of `den`.

    `later` are the factors after the row that levelling starts in, as numerators
    over `den`. What is owed at the end of that row, times the first and divided by the
    second, is the level payment, exactly.
    """
    product, divisor, power = 1, 1, 1
    for num in later:
        step = den + num
        product *= step
        power *= den
        divisor = divisor * step + power
    return product, divisor
