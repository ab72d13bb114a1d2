"""Repayment by share of surplus: a part of what was earned, nothing when nothing was, and a cap on the cost.

A contract is cut into periods, mostly years. For each the borrower files a report; once it
is accepted (`reported` says how reports and their corrections count),

    ceiling of a period  =  share × surplus of the period, nothing after a loss       rounded down
    cap                  =  cap percent × cumulative surplus, nothing below zero      rounded down
    room                 =  cap − charges paid − interest paid
    contract interest    =  principal × rate × part of a year                         rounded once
                            for each stretch in which the principal stood unchanged   as the terms say
    recognisable         =  the smaller of contract interest and cap − charges

A payment goes to interest within the room first, then to principal. What is due is at
most the sum of the ceilings, oldest first, and at most what is owed; who paid more than
was due is ahead. Ceilings and cap are rounded down, so that not a cent is ever above them.

Where a loss or a correction takes the cap below the interest that was paid, the
difference repays principal on that day (or, if none is left, stands to be given back). So
the cost of capital is never above the cap, on any day. Principal is never waived by it.

A period in which no principal stood is not listed, and its surplus counts for nothing.

*Maturity* is the outer date, or the day on which the principal was repaid, once the
reports of all periods listed are accepted. Contract interest that is not recognisable then
is waived. No interest runs beyond the outer date.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from coopbank.errors import InvalidAmount, InvalidDate, InvalidTerms, InvalidValue
from coopbank.finance.daycount import DAY_COUNTS, DayCount
from coopbank.finance.interest import interest
from coopbank.finance.reported import (
    HUNDRED,
    Bucket,
    Known,
    Movement,
    Position,
    Report,
    ReportedPeriod,
    ReportedTerms,
    bucket_of,
    by_day,
    check_percent,
    common_fields,
    part_of,
    spread,
)
from coopbank.money import Rounding, format_amount

__all__ = ["Movement", "Report", "SurplusPeriod", "SurplusPosition", "SurplusTerms", "replay"]


# -------------------------------------------------------------------------------------------- terms


@dataclass(frozen=True, slots=True, kw_only=True)
class SurplusTerms(ReportedTerms):
    """Repayment by share of surplus, at a simple rate in percent a year, under a cap of the cost of capital."""

    annual_rate: Decimal
    cost_cap_percent: Decimal = Decimal(50)
    day_count: DayCount = "actual/365"
    rounding: Rounding = "half-even"

    def __post_init__(self) -> None:
        ReportedTerms.__post_init__(self)
        check_percent("annual_rate", self.annual_rate, most=Decimal(1000))
        check_percent("cost_cap_percent", self.cost_cap_percent, most=HUNDRED)
        if self.day_count not in DAY_COUNTS:
            raise InvalidTerms(
                "There is no such day count.",
                field="day_count",
                hint="Choose one of {known}.",
                known=", ".join(DAY_COUNTS),
            )


# ------------------------------------------------------------------------------------------ answers


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
class SurplusPosition(Position):
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
        return self.lent - self.principal_left - self.forgiven

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
        return bucket_of(self.settled, self.periods, self.as_of)


# --------------------------------------------------------------------------------------- the replay


def replay(
    terms: SurplusTerms,
    advances: Iterable[Movement],
    payments: Iterable[Movement],
    reports: Iterable[Report],
    as_of: dt.date,
    *,
    charges: Iterable[Movement] = (),
    forgiven: Iterable[Movement] = (),
) -> SurplusPosition:
    """The loan at the end of a day, from all that was known on it.

    The order of each list says nothing. A refund is a payment below zero; it takes back
    what was unapplied, then principal, then interest. `charges` are other costs of capital
    that the borrower paid, `forgiven` is principal given up: never more than is owed that
    day. Raises `InvalidValue` and its kin, naming the list at fault, for facts that cannot be.
    """
    known = Known(terms, reports, as_of, "surplus")
    run = _SurplusRun(terms, known)
    run.play(
        by_day("advances", advances, as_of), by_day("charges", charges, as_of, 0),
        by_day("forgiven", forgiven, as_of, 0), by_day("payments", payments, as_of),
    )  # fmt: skip
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

    def __init__(self, terms: SurplusTerms, known: Known) -> None:
        self.terms, self.known = terms, known
        self.lent = self.principal = self.forgiven = 0
        self.closed_interest = 0
        self.stands_since = terms.starts
        self.interest_paid = self.charges = self.paid = self.unapplied = 0
        self.cumulative = 0
        self.stood: list[tuple[dt.date, dt.date]] = []
        self.windows: dict[int, _Window] = {}
        self.counted: list[int] = []

    # Days

    def play(
        self,
        advances: dict[dt.date, int],
        charges: dict[dt.date, int],
        forgiven: dict[dt.date, int],
        payments: dict[dt.date, int],
    ) -> None:
        """All days on which anything happened; within a day reports come first and payments last."""
        accepted = self.known.acting()
        for day in sorted({*advances, *charges, *forgiven, *payments, *accepted}):
            for number in accepted.get(day, []):
                self._accept(number, day)
            self._advance(advances.get(day, 0), day)
            self.charges += charges.get(day, 0)
            self._give_up(forgiven.get(day, 0), day)
            self._pay(payments.get(day, 0), day)
            self._note(day)

    def _accept(self, number: int, day: dt.date) -> None:
        if not self._stood_in(number):
            return  # no principal stood in the period: what was earned was not earned with it
        surplus = self.known.accepted[number].surplus or 0
        self.cumulative += surplus if self.terms.loss_carry_forward else max(0, surplus)
        room = max(0, self.cap - self.charges - self.interest_paid)
        self.windows[number] = _Window(self.cumulative, room, self.interest_paid, self.repaid)
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

    def _give_up(self, amount: int, day: dt.date) -> None:
        amount = min(amount, self.principal)
        self.forgiven += amount
        self._owe(self.principal - amount, day)

    def _take_back(self, day: dt.date) -> None:
        """A refund beyond what is unapplied: principal is owed again, then interest."""
        if self.paid < 0:
            raise InvalidAmount(
                "On {day} more would have been given back than was paid.",
                field="payments",
                hint="Refund at most what was paid.",
                day=day.isoformat(),
            )
        back = min(-self.unapplied, self.repaid)
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
        window.principal_paid = self.repaid - window.principal_before
        window.recognisable = self.recognisable(day)
        window.unpaid = self.contract_interest(day) - self.interest_paid
        window.principal_left = self.principal

    # Sums

    @property
    def repaid(self) -> int:
        """Principal that payments repaid."""
        return self.lent - self.principal - self.forgiven

    @property
    def cap(self) -> int:
        """The most that all cost of capital may be."""
        return part_of(self.terms.cost_cap_percent, max(0, self.cumulative))

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
        ceilings = [part_of(self.terms.share_percent, max(0, row.surplus)) for row in rows]
        parts, ahead = spread(ceilings, self.paid - self.unapplied, owed)
        periods = [self._period(row, ceiling, *part) for row, ceiling, part in zip(rows, ceilings, parts, strict=True)]
        if periods:
            periods[-1] = replace(periods[-1], interest_waived=waived)
        return SurplusPosition(
            as_of=as_of, lent=self.lent, principal_left=self.principal, paid=self.paid,
            due_now=sum(unpaid for _, unpaid in parts), ahead=ahead, unapplied=self.unapplied, cap=self.cap,
            matured=matured, settled=matured and not owed, periods=tuple(periods), contract_interest=whole,
            recognisable=recognisable, interest_paid=self.interest_paid, charges_paid=self.charges,
            charges_above_cap=max(0, self.charges - self.cap), waived=waived, forgiven=self.forgiven,
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
        return SurplusPeriod(
            **{**common_fields(row), **kept}, ceiling=ceiling, due=paid + unpaid, paid=paid, unpaid=unpaid
        )
