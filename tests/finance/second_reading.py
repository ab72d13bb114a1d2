"""A second reading of the loan-terms contract: slow, plain, fractions only, and nothing of `coopbank.finance`.

It takes the document itself and answers with rows of minor units. What it shares with the
product is the contract and nothing else: days are placed by `dateutil`, every part of a year
is a `Fraction`, the level payment is found by discounting payments of one, and each amount
is rounded by the few lines at the end.
"""

from __future__ import annotations

import datetime as dt
from calendar import isleap, monthrange
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from dateutil.relativedelta import relativedelta

ZERO = Fraction(0)
DAY = dt.timedelta(days=1)


@dataclass
class Reading:
    """A document of two decimals, being drawn."""

    document: dict[str, Any]
    balance: int = 0
    lent: int = 0
    agreed: int = 0
    """The level payment, or the principal of each row, in force."""
    flat_part: int = 0
    flat_left: int = 0
    flat_drawn: int = 0
    flat_counted: Fraction = ZERO
    level_anew: bool = True
    flat_anew: bool = True
    rows: list[tuple[int, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        each = self.document
        self.start = min(day(one["date"]) for one in each["disbursements"])
        self.rate = Fraction(each["annual_rate"]) / 100
        self.count = each["installments"]
        self.method, self.mode = each.get("method", "level"), each.get("rounding", "half-even")
        self.convention = each.get("day_count", "actual/365")
        self.unit = minor(each.get("amount_multiple", "0.01"))
        self.multiple = minor(each["payment_multiple"]) if "payment_multiple" in each else None
        self.grace, self.free = each.get("principal_grace", 0), each.get("interest_free", 0)
        self.tranches = [(day(one["date"]), minor(one["amount"])) for one in each["disbursements"]]
        self.changes = [(day(one["on"]), one) for one in each.get("changes", [])]
        self.due = self.due_dates()

    # ------------------------------------------------------------------ time

    def due_dates(self) -> list[dt.date]:
        extra = sum(change.get("extra_installments", 0) for _, change in self.changes)
        ((unit, count),) = self.document["every"].items()
        first = self.document.get("first_due")
        seed = day(first) if first else self.start
        return [
            placed(seed, unit, count * (n + (0 if first else 1)), self.document.get("month_end", "clamp"))
            for n in range(self.count + extra)
        ]

    def part(self, index: int, since: dt.date, until: dt.date) -> Fraction:
        """The part of a year between two days of one row."""
        if index < self.free:
            return ZERO
        begins = self.begins(index)
        if self.convention.startswith("actual"):
            return actual(since, until, self.convention)
        if self.convention in ("30us/360", "30e/360"):
            count = days_us if self.convention == "30us/360" else days_e
            return Fraction(count(begins, until) - count(begins, since), 360)
        return self.whole_row(index) * Fraction((until - since).days, (self.due[index] - begins).days)

    def whole_row(self, index: int) -> Fraction:
        """A row by whole periods, whatever its days; an odd first one by months and days."""
        ((unit, count),) = self.document["every"].items()
        regular = placed(self.start, unit, count, self.document.get("month_end", "clamp"))
        odd = index == 0 and self.due[0] != regular
        if self.convention == "30/360" and unit not in ("months", "years"):
            return months_between(self.begins(index), self.due[index]) / 12
        if not odd:
            return Fraction(count, {"days": 365, "weeks": 52, "months": 12, "years": 1}[unit])
        if self.convention == "30/360" or unit == "months":
            return months_between(self.start, self.due[0]) / 12
        if unit == "years":
            return years_between(self.start, self.due[0])
        return Fraction((self.due[0] - self.start).days, 364 if unit == "weeks" else 365)

    def begins(self, index: int) -> dt.date:
        return self.due[index - 1] if index else self.start

    # ------------------------------------------------------------------ rows

    def draw(self) -> list[tuple[int, ...]]:
        """Rows of n, days, principal, interest, fees, payment and the balance of that evening."""
        self.happen(self.start, self.start + DAY)
        if "down_payment_percent" in self.document:
            paid = self.once(self.balance * Fraction(self.document["down_payment_percent"]) / 100)
            paid = min(paid, self.balance)
            self.balance -= paid
            self.lent = self.balance
            self.write(0, paid, 0, self.start)
        waiting, index = 0, 0
        while index < self.count:
            exact = self.run_through(index)
            own = self.flat_interest(index, exact) if self.method == "flat" else self.once(exact)
            principal = self.principal(index, exact, own)
            self.balance -= principal
            waiting += own
            collected = 0 if index < self.document.get("interest_postponed", 0) else waiting
            waiting -= collected
            self.write((self.due[index] - self.begins(index)).days, principal, collected, self.due[index])
            index += 1
        return self.rows

    def write(self, days: int, principal: int, interest: int, on: dt.date) -> None:
        fees = 0
        for fee in self.document.get("fees", []):
            if "flat" in fee:
                fees += minor(fee["flat"])
            else:
                base = {"principal": principal, "interest": interest}.get(fee["of"], principal + interest)
                fees += self.once(base * Fraction(fee["percent"]) / 100)
        evening = self.balance
        if on > self.start:
            evening += sum(amount for when, amount in self.tranches if when == on)
        self.rows.append((len(self.rows) + 1, days, principal, interest, fees, principal + interest + fees, evening))

    def run_through(self, index: int) -> Fraction:
        """The row's interest, exactly: balance × rate × part between each two days on which something happens."""
        begins, ends = self.begins(index), self.due[index]
        if begins > self.start:
            self.happen(begins, begins + DAY)
        moments = {when for when, _ in [*self.tranches, *self.changes] if begins < when < ends}
        total, since = ZERO, begins
        for moment in [*sorted(moments), ends]:
            basis = self.lent if self.method == "flat" else self.balance
            total += basis * self.rate * self.part(index, since, moment)
            if moment < ends:
                self.happen(moment, moment + DAY)
            since = moment
        return total

    def happen(self, first: dt.date, before: dt.date) -> None:
        for when, amount in self.tranches:
            if first <= when < before:
                self.balance += amount
                self.lent += amount
                self.level_anew = self.flat_anew = True
        for when, change in self.changes:
            if first <= when < before:
                self.flat_anew = True
                if "annual_rate" in change:
                    self.rate = Fraction(change["annual_rate"]) / 100
                    self.level_anew |= self.method == "level"
                else:
                    self.count += change["extra_installments"]
                    self.level_anew = True

    def principal(self, index: int, exact: Fraction, interest: int) -> int:
        if index + 1 == self.count:
            return self.balance
        if index < self.grace:
            return 0
        if self.level_anew:
            self.agreed = self.agree(index, exact, interest)
            self.level_anew = False
        by_payment = self.method == "level" or self.multiple is not None
        wanted = self.agreed - interest if by_payment else self.agreed
        return min(max(wanted, 0), self.balance)

    def agree(self, index: int, exact: Fraction, interest: int) -> int:
        left = self.count - index
        if self.method == "level":
            payment = rounded(self.worth_of_one(index, exact), self.multiple or self.unit, self.mode)
            return self.evened(index, payment, interest) if self.document.get("residue") == "even" else payment
        if self.multiple is not None:
            return rounded(Fraction(self.balance, left) + self.flat_part, self.multiple, self.mode)
        if "principal_percent" in self.document:
            return self.once(self.lent * Fraction(self.document["principal_percent"]) / 100)
        return self.once(Fraction(self.balance, left))

    def worth_of_one(self, index: int, exact: Fraction) -> Fraction:
        """What is owed at the end of the row, over what payments of one then and after are worth then."""
        worth, discount = Fraction(1), Fraction(1)
        for later in range(index + 1, self.count):
            discount /= 1 + self.rate * self.part(later, self.begins(later), self.due[later])
            worth += discount
        return (self.balance + exact) / worth

    def evened(self, index: int, payment: int, interest: int) -> int:
        left, unit = self.count - index, self.multiple or self.unit
        apart = self.last_payment(index, payment, interest) - payment
        for _ in range(3):
            if abs(apart) // unit <= left // 2:
                break
            trial = payment + rounded(Fraction(apart, left), unit, self.mode)
            then = self.last_payment(index, trial, interest) - trial
            if abs(then) >= abs(apart):
                break
            payment, apart = trial, then
        return payment

    def last_payment(self, index: int, payment: int, interest: int) -> int:
        balance = self.balance
        for later in range(index + 1, self.count):
            balance -= min(max(payment - interest, 0), balance)
            interest = self.once(balance * self.rate * self.part(later, self.begins(later), self.due[later]))
        return balance + interest

    def flat_interest(self, index: int, exact: Fraction) -> int:
        """An even part of one total that was rounded once."""
        if index < self.free or not self.part(index, self.begins(index), self.due[index]):
            return 0
        bearing = self.count - index
        if self.flat_anew:
            later = range(index + 1, self.count)
            parts = sum((self.part(row, self.begins(row), self.due[row]) for row in later), ZERO)
            whole = self.once(self.flat_counted + exact + self.lent * self.rate * parts)
            self.flat_left = max(whole - self.flat_drawn, 0)
            self.flat_part = self.once(Fraction(self.flat_left, bearing))
            self.flat_anew = False
            self.level_anew |= self.multiple is not None
        self.flat_counted += exact
        part = self.flat_left if bearing == 1 else min(self.flat_part, self.flat_left)
        self.flat_left -= part
        self.flat_drawn += part
        return part

    def once(self, exact: Fraction) -> int:
        return rounded(exact, self.unit, self.mode)


# ------------------------------------------------------------------------------------- days


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def placed(seed: dt.date, unit: str, times: int, month_end: str) -> dt.date:
    if unit in ("days", "weeks"):
        return seed + times * DAY * (7 if unit == "weeks" else 1)
    clamped = seed + relativedelta(months=times * (12 if unit == "years" else 1))
    return clamped if clamped.day == seed.day or month_end == "clamp" else clamped + DAY


def actual(since: dt.date, until: dt.date, convention: str) -> Fraction:
    if convention != "actual/actual":
        return Fraction((until - since).days, int(convention[-3:]))
    total = ZERO
    for year in range(since.year, until.year + 1):
        inside = min(until, dt.date(year + 1, 1, 1)) - max(since, dt.date(year, 1, 1))
        total += Fraction(max(inside.days, 0), 366 if isleap(year) else 365)
    return total


def days_e(since: dt.date, until: dt.date) -> int:
    """Places on a calendar whose months all have 30 days."""
    return place(until) - place(since)


def place(on: dt.date) -> int:
    return 360 * on.year + 30 * on.month + min(on.day, 30)


def days_us(since: dt.date, until: dt.date) -> int:
    """SIFMA, Standard Securities Calculation Methods, in the order in which it gives its rules."""
    first, last = since.day, until.day
    ends_february = [on.month == 2 and on.day == monthrange(on.year, 2)[1] for on in (since, until)]
    if all(ends_february):
        last = 30
    if ends_february[0]:
        first = 30
    if last == 31 and first >= 30:
        last = 30
    if first == 31:
        first = 30
    return 360 * (until.year - since.year) + 30 * (until.month - since.month) + last - first


def months_between(since: dt.date, until: dt.date) -> Fraction:
    """Whole months that keep the first day, and the rest as a part of the month that follows."""
    whole = 0
    while since + relativedelta(months=whole + 1) <= until:
        whole += 1
    reached, following = (since + relativedelta(months=whole + more) for more in (0, 1))
    return whole + Fraction((until - reached).days, (following - reached).days)


def years_between(since: dt.date, until: dt.date) -> Fraction:
    whole = 0
    while since + relativedelta(years=whole + 1) <= until:
        whole += 1
    reached, following = (since + relativedelta(years=whole + more) for more in (0, 1))
    return whole + Fraction((until - reached).days, (following - reached).days)


# ----------------------------------------------------------------------------------- amounts


def minor(text: str) -> int:
    cents = Fraction(text) * 100
    assert cents.denominator == 1, text
    return int(cents)


def rounded(exact: Fraction, unit: int, mode: str) -> int:
    """The nearest multiple of the unit; of two as near the even one, or the one away from zero."""
    scaled = exact / unit
    below = scaled.numerator // scaled.denominator
    over = scaled - below
    up = over > Fraction(1, 2)
    if over == Fraction(1, 2):
        up = below % 2 == 1 if mode == "half-even" else scaled > 0
    return (below + up) * unit
