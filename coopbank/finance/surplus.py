"""Repayment out of what the borrower earned: by share of surplus, by share of revenue, by season.

*Share of surplus.* A contract is cut into periods, mostly years. For each the borrower
files a report; once it is accepted,

    ceiling of a period  =  share × surplus of the period, nothing after a loss       rounded down
    cap                  =  cap percent × cumulative surplus, nothing below zero      rounded down
    room                 =  cap − charges paid − interest paid
    contract interest    =  principal × rate × part of a year                         rounded once
                            for each stretch in which the principal stood unchanged   as the terms say
    recognisable         =  the smaller of contract interest and cap − charges

A payment goes to interest within the room first, then to principal. What is due is at
most the sum of the ceilings, oldest first, and at most what is owed; who paid more than
was due is ahead. Ceilings and cap are rounded down, so that not a cent is ever above them.

With losses carried forward a loss lowers the cumulative surplus; otherwise it counts as
zero. Where a loss or a correction takes the cap below the interest that was paid, the
difference repays principal on that day (or, if none is left, stands to be given back). So
the cost of capital is never above the cap, on any day. Principal is never waived by it.

*Reports* have versions. The accepted version with the highest number speaks for its
period as if it had been the first: a correction acts from the day on which the first version
was accepted. Reports are accepted in the order of their periods, or a loss could be hidden
by not reporting it.

A period in which no principal stood is not listed, and its surplus counts for nothing.

*Maturity* is the outer date, or the day on which the principal was repaid, once the
reports of all periods listed are accepted. Contract interest that is not recognisable then
is waived. No interest runs beyond the outer date.

*Share of revenue.* The same, with a percentage of revenue, until a fixed multiple of
what was lent is paid, or what was lent and the cap. Nothing depends on days; of every
payment the cost is its part in the whole, as a difference of rounded cumulative totals.

*Seasons.* `SeasonalTerms` are loan terms whose payments fall due in given months only;
`schedule.schedule` draws them up like any other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import accumulate, count, pairwise
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from coopbank.errors import AlreadyExists, InvalidAmount, InvalidDate, InvalidTerms, InvalidValue
from coopbank.finance.daycount import DAY_COUNTS, DayCount
from coopbank.finance.documents import Every
from coopbank.finance.interest import interest
from coopbank.finance.periods import MONTH, MOST_ROWS, Period, add, add_months
from coopbank.finance.terms import LoanTerms
from coopbank.money import LARGEST_AMOUNT, Rounding, format_amount, round_ratio

__all__ = [
    "Movement",
    "Report",
    "RevenuePeriod",
    "RevenuePosition",
    "RevenueTerms",
    "SeasonalTerms",
    "SurplusPeriod",
    "SurplusPosition",
    "SurplusTerms",
    "replay",
    "replay_revenue",
]

ReportState = Literal["running", "awaited", "overdue", "filed", "accepted"]
Bucket = Literal["settled", "report overdue", "late", "due", "deferred by terms"]

_YEAR: Final = Period("years")
_HUNDRED: Final = Decimal(100)
_LONGEST_WAIT: Final = 3660


# ------------------------------------------------------------------------------------ facts


@dataclass(frozen=True, slots=True)
class Movement:
    """Money on a day, in minor units: an advance, a payment (below zero: a refund), a charge."""

    on: dt.date
    amount: int


@dataclass(frozen=True, slots=True)
class Report:
    """One version of the borrower's report for a period; amounts in minor units, a loss below zero.

    A version that is not accepted yet counts for nothing but its being filed.
    """

    period: int
    version: int
    filed_on: dt.date
    accepted_on: dt.date | None = None
    surplus: int | None = None
    revenue: int | None = None


# ------------------------------------------------------------------------------------ terms


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedTerms:
    """What every contract repaid by reports agrees on.

    `starts` begins the first period and `outer_date` ends the last; `share_percent` is the
    share of each period; a report is to be filed `report_days` after its period, and what it
    makes due is to be paid `payment_days` after its acceptance. Bad terms are refused with
    `InvalidTerms` naming the field.
    """

    starts: dt.date
    outer_date: dt.date
    share_percent: Decimal
    every: Period = _YEAR
    report_days: int = 90
    payment_days: int = 30
    loss_carry_forward: bool = True
    currency: str = "USD"

    def __post_init__(self) -> None:
        _check_percent("share_percent", self.share_percent, above=Decimal(0), most=_HUNDRED)
        if self.outer_date <= self.starts:
            raise InvalidTerms(
                "The outer date {outer} is not after the start, {start}.",
                field="outer_date",
                hint="Choose a day after {start}.",
                outer=self.outer_date.isoformat(),
                start=self.starts.isoformat(),
            )
        for name in ("report_days", "payment_days"):
            days = getattr(self, name)
            if not 0 <= days <= _LONGEST_WAIT:
                raise InvalidTerms(
                    "{days} days is not a possible wait.",
                    field=name,
                    hint="Choose 0 to {most} days.",
                    days=days,
                    most=_LONGEST_WAIT,
                )
        if self.every.count < 1 or len(self.periods()) > MOST_ROWS:
            raise InvalidTerms(
                "The contract has too many periods.",
                field="every",
                hint="A contract has 1 to {most} periods.",
                most=MOST_ROWS,
            )

    def periods(self) -> list[tuple[dt.date, dt.date]]:
        """Each period as its first day and the first day after it; the outer date cuts the last."""
        starts = [self.starts]
        for number in count(1):
            try:
                following = add(self.starts, self.every, number)
            except InvalidDate:
                following = self.outer_date
            if following >= self.outer_date or len(starts) > MOST_ROWS:
                break
            starts.append(following)
        return list(pairwise([*starts, self.outer_date]))


@dataclass(frozen=True, slots=True, kw_only=True)
class SurplusTerms(ReportedTerms):
    """Repayment by share of surplus, at a simple rate in percent a year, under a cap of the cost of capital."""

    annual_rate: Decimal
    cost_cap_percent: Decimal = Decimal(50)
    day_count: DayCount = "actual/365"
    rounding: Rounding = "half-even"

    def __post_init__(self) -> None:
        ReportedTerms.__post_init__(self)
        _check_percent("annual_rate", self.annual_rate, most=Decimal(1000))
        _check_percent("cost_cap_percent", self.cost_cap_percent, most=_HUNDRED)
        if self.day_count not in DAY_COUNTS:
            raise InvalidTerms(
                "There is no such day count.",
                field="day_count",
                hint="Choose one of {known}.",
                known=", ".join(DAY_COUNTS),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class RevenueTerms(ReportedTerms):
    """Repayment by share of revenue until a multiple of what was lent is paid.

    The cost, which is all above what was lent, may be capped by an amount (minor units)
    and by a percentage of the cumulative surplus; reports then state the surplus too.
    """

    multiple: Decimal
    cost_cap: int | None = None
    cost_cap_percent: Decimal | None = None

    def __post_init__(self) -> None:
        ReportedTerms.__post_init__(self)
        _check_percent("multiple", self.multiple, least=Decimal(1), most=_HUNDRED)
        if self.cost_cap_percent is not None:
            _check_percent("cost_cap_percent", self.cost_cap_percent, most=_HUNDRED)
        if self.cost_cap is not None:
            _check_amount("cost_cap", self.cost_cap, least=0)


class SeasonalTerms(LoanTerms):
    """Loan terms whose rows are due in given months only: `{"months": [9, 10, 11]}` for a harvest in autumn.

    The day is that of `first_due`, or of the first disbursement: a shorter month ends early.
    The rows are not evenly spaced, so that each is charged for the time that it really has.
    """

    every: Every = Every(months=1)
    months: Annotated[tuple[Annotated[int, Field(strict=True, ge=1, le=12)], ...], Field(min_length=1, max_length=12)]

    def due_dates(self) -> list[dt.date]:
        """The due dates of all rows, each in one of the months; `InvalidTerms` beyond the calendar."""
        self._check_season()
        seed = self.first_due or self.first_disbursed
        found: list[dt.date] = []
        try:
            for step in count(0 if self.first_due else 1):
                day = add_months(seed, step)
                if day.month in self.months:
                    found.append(day)
                if len(found) == self.rows:
                    return found
        except InvalidDate:
            pass
        raise InvalidTerms(
            "The last row would be due after the year {year}.",
            field="installments",
            hint="Fewer rows, or more months.",
            year=dt.MAXYEAR,
        )

    def row_periods(self) -> list[int]:
        """How many months each row is long."""
        first = self.first_disbursed
        numbers = [12 * day.year + day.month for day in (first, *self.due_dates())]
        return [other - one for one, other in pairwise(numbers)]

    def _check_season(self) -> None:
        """What the months leave no room for; asked whenever the due dates are."""
        if len(set(self.months)) < len(self.months):
            raise InvalidTerms("A month is named twice.", field="months", hint="Name each month once.")
        if self.every.period != MONTH:
            raise InvalidTerms("Months of the year are a month apart.", field="every", hint="Leave it out.")
        if self.month_end != "clamp":
            raise InvalidTerms(
                "A due date cannot leave its month.", field="month_end", hint="Leave it out, or write clamp."
            )
        if self.first_due is not None and self.first_due.month not in self.months:
            raise InvalidTerms(
                "The first due date {day} is in none of the months.",
                field="first_due",
                hint="Choose a day in one of the months {months}.",
                day=self.first_due.isoformat(),
                months=", ".join(map(str, sorted(self.months))),
            )
        if self.first_due is not None and self.first_due <= self.first_disbursed:
            raise InvalidTerms(
                "The first due date {first} is not after the first disbursement of {start}.",
                field="first_due",
                hint="Choose a date after {start}.",
                first=self.first_due.isoformat(),
                start=self.first_disbursed.isoformat(),
            )


# ---------------------------------------------------------------------------------- answers


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedPeriod:
    """A period and its report, as known on a day; amounts in minor units.

    `ceiling` is the most that the period's report can make due, `due` what it does, of
    which `paid` and `unpaid` are the parts. Without an accepted report all are zero.
    """

    number: int
    start: dt.date
    end: dt.date
    """The first day after the period."""
    report_due: dt.date
    report: ReportState
    days_overdue: int
    version: int = 0
    """The version that speaks for the period; 0 while none is accepted."""
    accepted_on: dt.date | None = None
    """The day on which the first version was accepted, from which the report acts."""
    due_on: dt.date | None = None
    surplus: int = 0
    cumulative_surplus: int = 0
    ceiling: int = 0
    due: int = 0
    paid: int = 0
    unpaid: int = 0

    @property
    def deferred(self) -> bool:
        """Whether the terms ask for nothing, because nothing was earned."""
        return self.report == "accepted" and not self.ceiling


@dataclass(frozen=True, slots=True, kw_only=True)
class SurplusPeriod(ReportedPeriod):
    """A period of a loan repaid by share of surplus.

    `cap_room` is what interest could still be taken when the report was accepted. The
    parts paid are those of the payments from then until the next report was accepted;
    what is left, unpaid and recognisable stands as the last of these left it.
    """

    cap_room: int = 0
    interest_paid: int = 0
    principal_paid: int = 0
    interest_recognisable: int = 0
    """Cumulative: all contract interest up to then that is within the cap."""
    interest_unpaid: int = 0
    """Contract interest up to then that is not paid, within the cap or not."""
    interest_waived: int = 0
    principal_left: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RevenuePeriod(ReportedPeriod):
    """A period of a loan repaid by share of revenue."""

    revenue: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Position:
    """What both kinds of position say; amounts in minor units."""

    as_of: dt.date
    lent: int
    principal_left: int
    paid: int
    """All payments less refunds."""
    due_now: int
    """Due and unpaid."""
    ahead: int
    """Paid before any report made it due."""
    unapplied: int
    """Paid and owed by nobody: to be given back, or to wait."""
    cap: int | None
    """The most that the cost of capital may be by the reports so far; None without a cap."""
    matured: bool
    settled: bool
    """Nothing is owed, and no report can change that any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurplusPosition(_Position):
    """A loan repaid by share of surplus, as known on a day."""

    periods: tuple[SurplusPeriod, ...]
    contract_interest: int
    recognisable: int
    """Contract interest within the cap: what the books may show as income, paid or not."""
    interest_paid: int
    charges_paid: int
    charges_above_cap: int
    """Charges paid that the cap does not cover: to be given back."""
    waived: int

    @property
    def principal_paid(self) -> int:
        """Principal repaid."""
        return self.lent - self.principal_left

    @property
    def cost_paid(self) -> int:
        """Interest and charges paid: the cost of capital so far."""
        return self.interest_paid + self.charges_paid

    @property
    def collectable(self) -> int:
        """Interest within the cap that is not paid."""
        return self.recognisable - self.interest_paid

    @property
    def above_cap(self) -> int:
        """Contract interest that the cap does not cover, waived or not yet: memo, never income."""
        return self.contract_interest - self.recognisable

    @property
    def payoff(self) -> int:
        """What closes the loan on this day."""
        return self.principal_left + self.collectable

    @property
    def bucket(self) -> Bucket:
        """Where the loan stands in a report of late loans; deferral by the terms is never lateness."""
        return _bucket(self.settled, self.periods, self.as_of)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevenuePosition(_Position):
    """A loan repaid by share of revenue, as known on a day."""

    periods: tuple[RevenuePeriod, ...]
    cost: int
    """What is to be paid above what was lent, by the multiple and the cap."""
    cost_paid: int
    waived: int

    @property
    def to_pay(self) -> int:
        """All that will have been paid in the end, by the reports so far."""
        return self.lent + self.cost

    @property
    def payoff(self) -> int:
        """What is left to pay."""
        return self.principal_left + self.cost - self.cost_paid

    @property
    def bucket(self) -> Bucket:
        """Where the loan stands in a report of late loans; deferral by the terms is never lateness."""
        return _bucket(self.settled, self.periods, self.as_of)


# ------------------------------------------------------------------------- share of surplus


def replay(
    terms: SurplusTerms,
    advances: Iterable[Movement],
    payments: Iterable[Movement],
    reports: Iterable[Report],
    as_of: dt.date,
    *,
    charges: Iterable[Movement] = (),
) -> SurplusPosition:
    """The loan at the end of a day, from all that was known on it.

    The order of each list says nothing. A refund is a payment below zero; it takes back
    what was unapplied, then principal, then interest. `charges` are other costs of capital
    that the borrower paid. Raises `InvalidValue` and its kin, naming the list at fault, for
    facts that cannot be.
    """
    known = _Known(terms, reports, as_of, "surplus")
    run = _SurplusRun(terms, known)
    run.play(_by_day("advances", advances, as_of), _by_day("charges", charges, as_of, 0), _by_day(
        "payments", payments, as_of
    ))  # fmt: skip
    return run.position(as_of)


@dataclass(slots=True)
class _Window:
    """What happened between the acceptance of one report and that of the next."""

    cumulative: int
    cap_room: int
    interest_before: int
    principal_before: int
    interest_paid: int = 0
    principal_paid: int = 0
    recognisable: int = 0
    unpaid: int = 0
    principal_left: int = 0


class _SurplusRun:
    """The state while the facts are told one day after the other."""

    def __init__(self, terms: SurplusTerms, known: _Known) -> None:
        self.terms, self.known = terms, known
        self.lent = self.principal = 0
        self.closed_interest = 0
        self.stands_since = terms.starts
        self.interest_paid = self.charges = self.paid = self.unapplied = 0
        self.cumulative = 0
        self.stood: list[tuple[dt.date, dt.date]] = []
        self.windows: dict[int, _Window] = {}
        self.counted: list[int] = []

    # Days

    def play(self, advances: dict[dt.date, int], charges: dict[dt.date, int], payments: dict[dt.date, int]) -> None:
        """All days on which anything happened; within a day reports come first and payments last."""
        accepted = self.known.by_day()
        for day in sorted({*advances, *charges, *payments, *accepted}):
            for number in accepted.get(day, []):
                self._accept(number, day)
            self._advance(advances.get(day, 0), day)
            self.charges += charges.get(day, 0)
            self._pay(payments.get(day, 0), day)
            self._note(day)

    def _accept(self, number: int, day: dt.date) -> None:
        if not self._stood_in(number):
            return  # no principal stood in the period: what was earned was not earned with it
        surplus = self.known.accepted[number].surplus or 0
        self.cumulative += surplus if self.terms.loss_carry_forward else max(0, surplus)
        room = max(0, self.cap - self.charges - self.interest_paid)
        self.windows[number] = _Window(self.cumulative, room, self.interest_paid, self.lent - self.principal)
        self.counted.append(number)
        self._settle(day)
        self._note(day)

    def _advance(self, amount: int, day: dt.date) -> None:
        if amount < 0 or (amount and not self.terms.starts <= day < self.terms.outer_date):
            raise InvalidValue(
                "An advance of {amount} on {day} cannot be.",
                field="advances",
                hint="Money is lent from {start} on and before {outer}.",
                amount=self._money(amount),
                day=day.isoformat(),
                start=self.terms.starts.isoformat(),
                outer=self.terms.outer_date.isoformat(),
            )
        if amount:
            self.lent += amount
            self._owe(self.principal + amount, day)
            self._settle(day)

    def _pay(self, amount: int, day: dt.date) -> None:
        if amount and not self.lent:
            raise InvalidDate(
                "A payment on {day} is before any money was lent.",
                field="payments",
                hint="Look at its date, and at the dates of the advances.",
                day=day.isoformat(),
            )
        self.paid += amount
        self.unapplied += amount
        if self.unapplied < 0:
            self._take_back(day)
        self._settle(day)

    def _take_back(self, day: dt.date) -> None:
        """A refund beyond what is unapplied: principal is owed again, then interest."""
        if self.paid < 0:
            raise InvalidAmount(
                "On {day} more would have been given back than was paid.",
                field="payments",
                hint="Refund at most what was paid.",
                day=day.isoformat(),
            )
        back = min(-self.unapplied, self.lent - self.principal)
        self._owe(self.principal + back, day)
        self.interest_paid -= -self.unapplied - back
        self.unapplied = 0

    def _settle(self, day: dt.date) -> None:
        """Interest above the cap is taken back; what is unapplied goes to interest, then principal."""
        above = max(0, self.interest_paid - max(0, self.cap - self.charges))
        self.interest_paid -= above
        self.unapplied += above
        part = min(self.unapplied, self.recognisable(day) - self.interest_paid)
        self.interest_paid += part
        self.unapplied -= part
        part = min(self.unapplied, self.principal)
        self.unapplied -= part
        self._owe(self.principal - part, day)
        assert self.interest_paid >= 0 and self.unapplied >= 0, "nothing is below zero"

    def _owe(self, principal: int, day: dt.date) -> None:
        """A new principal begins a new stretch of interest."""
        if principal == self.principal:
            return
        self.closed_interest = self.contract_interest(day)
        if self.principal and day > self.stands_since:
            self.stood.append((self.stands_since, day))
        self.stands_since, self.principal = day, principal

    def _stood_in(self, number: int) -> bool:
        """Whether any principal stood for a day of the period."""
        start, end = self.known.spans[number - 1]
        still = [(self.stands_since, dt.date.max)] if self.principal else []
        return any(since < end and until > start for since, until in [*self.stood, *still])

    def _note(self, day: dt.date) -> None:
        """How things stand, kept with the last report that was accepted."""
        if not self.counted:
            return
        window = self.windows[self.counted[-1]]
        window.interest_paid = self.interest_paid - window.interest_before
        window.principal_paid = self.lent - self.principal - window.principal_before
        window.recognisable = self.recognisable(day)
        window.unpaid = self.contract_interest(day) - self.interest_paid
        window.principal_left = self.principal

    # Sums

    @property
    def cap(self) -> int:
        """The most that all cost of capital may be."""
        return _part_of(self.terms.cost_cap_percent, max(0, self.cumulative))

    def contract_interest(self, day: dt.date) -> int:
        """All interest by the contract up to, not including, a day."""
        until = min(day, self.terms.outer_date)
        if not self.principal or until <= self.stands_since:
            return self.closed_interest
        terms = self.terms
        return self.closed_interest + interest(
            self.principal, terms.annual_rate, self.stands_since, until, terms.day_count, terms.rounding,
            period=terms.every,
        )  # fmt: skip

    def recognisable(self, day: dt.date) -> int:
        """Of it, what the cap covers; what was taken is never less than what the day's settling leaves."""
        return max(self.interest_paid, min(self.contract_interest(day), max(0, self.cap - self.charges)))

    def _money(self, amount: int) -> str:
        return format_amount(amount, self.terms.currency, grouping=True)

    # The answer

    def position(self, as_of: dt.date) -> SurplusPosition:
        """The loan and its periods at the end of the day."""
        whole, recognisable = self.contract_interest(as_of), self.recognisable(as_of)
        owed = self.principal + recognisable - self.interest_paid
        done = bool(self.lent) and not self.principal and whole == self.interest_paid
        rows = [row for row in self.known.rows(quiet=done) if self._stood_in(row.number)]
        matured = bool(self.lent) and self._over(as_of) and all(row.report == "accepted" for row in rows)
        waived = whole - recognisable if matured else 0
        ceilings = [_part_of(self.terms.share_percent, max(0, row.surplus)) for row in rows]
        parts, ahead = _spread(ceilings, self.paid - self.unapplied, owed)
        periods = [self._period(row, ceiling, *part) for row, ceiling, part in zip(rows, ceilings, parts, strict=True)]
        if periods:
            periods[-1] = replace(periods[-1], interest_waived=waived)
        return SurplusPosition(
            as_of=as_of, lent=self.lent, principal_left=self.principal, paid=self.paid,
            due_now=sum(unpaid for _, unpaid in parts), ahead=ahead, unapplied=self.unapplied, cap=self.cap,
            matured=matured, settled=matured and not owed, periods=tuple(periods), contract_interest=whole,
            recognisable=recognisable, interest_paid=self.interest_paid, charges_paid=self.charges,
            charges_above_cap=max(0, self.charges - self.cap), waived=waived,
        )  # fmt: skip

    def _over(self, as_of: dt.date) -> bool:
        return as_of >= self.terms.outer_date or not self.principal

    def _period(self, row: ReportedPeriod, ceiling: int, paid: int, unpaid: int) -> SurplusPeriod:
        window = self.windows.get(row.number)
        kept: dict[str, Any] = {} if window is None else {
            "cumulative_surplus": window.cumulative, "cap_room": window.cap_room,
            "interest_paid": window.interest_paid, "principal_paid": window.principal_paid,
            "interest_recognisable": window.recognisable, "interest_unpaid": window.unpaid,
            "principal_left": window.principal_left,
        }  # fmt: skip
        return SurplusPeriod(**{**_common(row), **kept}, ceiling=ceiling, due=paid + unpaid, paid=paid, unpaid=unpaid)


# ------------------------------------------------------------------------- share of revenue


def replay_revenue(
    terms: RevenueTerms,
    advances: Iterable[Movement],
    payments: Iterable[Movement],
    reports: Iterable[Report],
    as_of: dt.date,
) -> RevenuePosition:
    """The loan at the end of a day, from all that was known on it; see `replay`."""
    known = _Known(terms, reports, as_of, "revenue")
    lent_by, paid_by = _by_day("advances", advances, as_of, 0), _by_day("payments", payments, as_of)
    _check_paid(lent_by, paid_by)
    lent, paid = sum(lent_by.values()), sum(paid_by.values())
    whole, wanted, cost, cap = _costs(terms, known, lent)
    applied = min(paid, lent + cost)
    cost_paid = round_ratio(applied * cost, lent + cost, "half-even") if cost else 0
    done = bool(lent) and applied == lent + wanted
    rows = known.rows(quiet=done)
    matured = done or (bool(lent) and as_of >= terms.outer_date and all(row.report == "accepted" for row in rows))
    ceilings = [_part_of(terms.share_percent, known.revenue(row.number)) for row in rows]
    parts, ahead = _spread(ceilings, applied, lent + cost - applied)
    periods = tuple(
        RevenuePeriod(
            **_common(row), ceiling=ceiling, due=done_part + unpaid, paid=done_part, unpaid=unpaid,
            revenue=known.revenue(row.number),
        )
        for row, ceiling, (done_part, unpaid) in zip(rows, ceilings, parts, strict=True)
    )  # fmt: skip
    return RevenuePosition(
        as_of=as_of, lent=lent, principal_left=lent - (applied - cost_paid), paid=paid,
        due_now=sum(unpaid for _, unpaid in parts), ahead=ahead, unapplied=paid - applied, cap=cap, matured=matured,
        settled=matured and applied == lent + cost, periods=periods, cost=cost, cost_paid=cost_paid,
        waived=whole - cost if matured else 0,
    )  # fmt: skip


def _costs(terms: RevenueTerms, known: _Known, lent: int) -> tuple[int, int, int, int | None]:
    """The cost by the multiple; that within the agreed amount; of it what the reports allow so far; and the cap."""
    whole = _part_of((terms.multiple - 1) * 100, lent)
    caps = [] if terms.cost_cap is None else [terms.cost_cap]
    wanted = min([whole, *caps])
    if terms.cost_cap_percent is not None:
        caps.append(_part_of(terms.cost_cap_percent, max(0, known.cumulative[-1] if known.cumulative else 0)))
    cap = min(caps, default=None)
    return whole, wanted, min([whole, *caps]), cap


def _check_paid(lent_by: dict[dt.date, int], paid_by: dict[dt.date, int]) -> None:
    """Nothing is paid before money was lent, and never more given back than was paid."""
    days = sorted(paid_by)
    if days and (not lent_by or days[0] < min(lent_by)):
        raise InvalidDate(
            "A payment on {day} is before any money was lent.",
            field="payments",
            hint="Look at its date, and at the dates of the advances.",
            day=days[0].isoformat(),
        )
    for day, total in zip(days, accumulate(paid_by[day] for day in days), strict=True):
        if total < 0:
            raise InvalidAmount(
                "On {day} more would have been given back than was paid.",
                field="payments",
                hint="Refund at most what was paid.",
                day=day.isoformat(),
            )


# ---------------------------------------------------------------------------------- reports


@dataclass(slots=True)
class _Known:
    """The reports as known on a day, checked: for each period the version that speaks for it."""

    terms: ReportedTerms
    reports: Iterable[Report]
    as_of: dt.date
    of: Literal["surplus", "revenue"]
    spans: list[tuple[dt.date, dt.date]] = field(init=False)
    filed: dict[int, dt.date] = field(init=False, default_factory=dict)
    acts_from: dict[int, dt.date] = field(init=False, default_factory=dict)
    accepted: dict[int, Report] = field(init=False, default_factory=dict)
    cumulative: list[int] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.spans = self.terms.periods()
        for report in _in_order(self.reports):
            self._check(report)
            number = report.period
            if report.filed_on <= self.as_of:
                self.filed[number] = min(report.filed_on, self.filed.get(number, report.filed_on))
            if report.accepted_on is not None and report.accepted_on <= self.as_of:
                self.acts_from[number] = min(report.accepted_on, self.acts_from.get(number, report.accepted_on))
                self.accepted[number] = report
        self._check_sequence()
        surpluses = [self.accepted[number].surplus or 0 for number in sorted(self.accepted)]
        carried = self.terms.loss_carry_forward
        self.cumulative = list(accumulate(surplus if carried else max(0, surplus) for surplus in surpluses))

    def by_day(self) -> dict[dt.date, list[int]]:
        """The periods whose reports act from each day."""
        days: dict[dt.date, list[int]] = {}
        for number in sorted(self.acts_from):
            days.setdefault(self.acts_from[number], []).append(number)
        return days

    def revenue(self, number: int) -> int:
        """The accepted revenue of a period, zero without one."""
        report = self.accepted.get(number)
        return 0 if report is None else report.revenue or 0

    def rows(self, *, quiet: bool) -> list[ReportedPeriod]:
        """The periods begun by the day; `quiet` asks for no more reports."""
        return [
            self._row(number, start, end, quiet)
            for number, (start, end) in enumerate(self.spans, 1)
            if start <= self.as_of
        ]

    def _row(self, number: int, start: dt.date, end: dt.date, quiet: bool) -> ReportedPeriod:
        due = _later(end, self.terms.report_days)
        state: ReportState
        if number in self.accepted:
            state = "accepted"
        elif number in self.filed:
            state = "filed"
        elif self.as_of < end:
            state = "running"
        else:
            state = "overdue" if self.as_of > due and not quiet else "awaited"
        late = (self.as_of - due).days if state == "overdue" else 0
        row = ReportedPeriod(
            number=number, start=start, end=end, report_due=due, report=state, days_overdue=late,
        )  # fmt: skip
        if state != "accepted":
            return row
        report, accepted_on = self.accepted[number], self.acts_from[number]
        return replace(
            row, version=report.version, accepted_on=accepted_on, surplus=report.surplus or 0,
            due_on=_later(accepted_on, self.terms.payment_days), cumulative_surplus=self.cumulative[number - 1],
        )  # fmt: skip

    # Refusals

    def _check(self, report: Report) -> None:
        if not 1 <= report.period <= len(self.spans):
            raise InvalidValue(
                "The contract has no period {period}.",
                field="reports",
                hint="Its periods are 1 to {last}.",
                period=report.period,
                last=len(self.spans),
            )
        _, end = self.spans[report.period - 1]
        if report.filed_on < end or (report.accepted_on is not None and report.accepted_on < report.filed_on):
            raise InvalidDate(
                "Version {version} of the report of period {period} has impossible dates.",
                field="reports",
                hint="It is filed from {end} on, when the period is over, and accepted then or later.",
                version=report.version,
                period=report.period,
                end=end.isoformat(),
            )
        self._check_figures(report)

    def _check_figures(self, report: Report) -> None:
        wanted = {self.of: getattr(report, self.of)}
        if getattr(self.terms, "cost_cap_percent", None) is not None:
            wanted["surplus"] = report.surplus
        for name, figure in wanted.items():
            if figure is None:
                raise InvalidValue(
                    "The report of period {period} says nothing of the {figure}.",
                    field="reports",
                    hint="State it; what is nothing is 0.",
                    period=report.period,
                    figure=name,
                )
            _check_amount("reports", figure, least=0 if name == "revenue" else -LARGEST_AMOUNT)

    def _check_sequence(self) -> None:
        """Accepted in the order of their periods, none left out."""
        for number in sorted(self.acts_from):
            before = self.acts_from.get(number - 1)
            if number > 1 and (before is None or before > self.acts_from[number]):
                raise InvalidValue(
                    "The report of period {period} was accepted before that of period {before}.",
                    field="reports",
                    hint="Accept the reports in the order of their periods.",
                    period=number,
                    before=number - 1,
                )


def _in_order(reports: Iterable[Report]) -> list[Report]:
    """By period and version, each version once and none missing."""
    ordered = sorted(reports, key=lambda report: (report.period, report.version))
    for one, other in pairwise(ordered):
        if (one.period, one.version) == (other.period, other.version):
            raise AlreadyExists(
                "Period {period} has a report of version {version} already.",
                field="reports",
                hint="A correction is a new version.",
                period=one.period,
                version=one.version,
            )
    expected = 1
    for before, report in zip([None, *ordered], ordered, strict=False):
        expected = expected + 1 if before is not None and before.period == report.period else 1
        if report.version != expected:
            raise InvalidValue(
                "Version {version} of the report of period {period} comes without version {expected}.",
                field="reports",
                hint="Versions are numbered 1, 2, 3 without a gap.",
                version=report.version,
                period=report.period,
                expected=expected,
            )
    return ordered


# ----------------------------------------------------------------------------------- shared


def _spread(ceilings: Sequence[int], paid: int, owed: int) -> tuple[list[tuple[int, int]], int]:
    """For each period what is paid of its ceiling and what is due and unpaid; then what is ahead."""
    parts = []
    for ceiling in ceilings:
        done = min(ceiling, paid)
        unpaid = min(ceiling - done, owed)
        paid, owed = paid - done, owed - unpaid
        parts.append((done, unpaid))
    return parts, paid


def _bucket(settled: bool, periods: Sequence[ReportedPeriod], as_of: dt.date) -> Bucket:
    if settled:
        return "settled"
    if any(row.report == "overdue" for row in periods):
        return "report overdue"
    unpaid = [row.due_on for row in periods if row.unpaid and row.due_on is not None]
    if not unpaid:
        return "deferred by terms"
    return "late" if min(unpaid) < as_of else "due"


def _common(row: ReportedPeriod) -> dict[str, Any]:
    """The fields of a row that its kind is made from."""
    names = (
        "number", "start", "end", "report_due", "report", "days_overdue", "version", "accepted_on", "due_on", "surplus",
        "cumulative_surplus",
    )  # fmt: skip
    return {name: getattr(row, name) for name in names}


def _by_day(name: str, movements: Iterable[Movement], as_of: dt.date, least: int | None = None) -> dict[dt.date, int]:
    """What was known by a day, summed by day: so the order within a day says nothing."""
    days: dict[dt.date, int] = {}
    for movement in movements:
        _check_amount(name, movement.amount, least=-LARGEST_AMOUNT if least is None else least)
        if movement.on <= as_of:
            days[movement.on] = days.get(movement.on, 0) + movement.amount
    return days


def _part_of(percent: Decimal, base: int) -> int:
    """A percentage of an amount, rounded down: a ceiling is never exceeded."""
    num, den = percent.as_integer_ratio()
    return round_ratio(base * num, 100 * den, "down")


def _later(day: dt.date, days: int) -> dt.date:
    return day + dt.timedelta(days=min(days, (dt.date.max - day).days))


def _check_percent(
    name: str, value: Decimal, *, most: Decimal, least: Decimal = Decimal(0), above: Decimal | None = None
) -> None:
    if not isinstance(value, Decimal):
        raise TypeError(f"{name} is a Decimal, not {type(value).__name__}")
    if not value.is_finite() or not least <= value <= most or (above is not None and value <= above):
        raise InvalidTerms(
            "{value} is not possible here.",
            field=name,
            hint="Choose {least} to {most}.",
            value=str(value)[:40],
            least=str(least) if above is None else f"> {above}",
            most=str(most),
        )


def _check_amount(name: str, amount: int, *, least: int) -> None:
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise TypeError(f"an amount is whole minor units, not {type(amount).__name__}")
    if not least <= amount <= LARGEST_AMOUNT:
        raise InvalidAmount(
            "{amount} minor units is not a possible amount here.",
            field=name,
            hint="Write {least} to {most}.",
            amount=amount if abs(amount) < 10**30 else "So many",
            least=least,
            most=LARGEST_AMOUNT,
        )
