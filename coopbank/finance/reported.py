"""What every contract repaid out of reports shares: periods, reports and their versions, who stands where.

A contract is cut into periods, mostly years. For each the borrower files a report, which
another person accepts; what it makes due is a share of what was earned, rounded down, so
that not a cent is ever above it.

*Reports* have versions. The accepted version with the highest number speaks for its
period as if it had been the first: a correction acts from the day on which the first version
was accepted. Reports are accepted in the order of their periods, or a loss could be hidden
by not reporting it. With losses carried forward a loss lowers the cumulative surplus;
otherwise it counts as zero.

A report not filed in time ages; a report that makes nothing due defers, and that is
never lateness.

`surplus` and `revenue` build on this.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import accumulate, count, pairwise
from typing import Any, Final, Literal

from coopbank.errors import AlreadyExists, InvalidAmount, InvalidDate, InvalidTerms, InvalidValue
from coopbank.finance.periods import MOST_ROWS, Period, add
from coopbank.money import LARGEST_AMOUNT, round_ratio

__all__ = [
    "HUNDRED",
    "Bucket",
    "Known",
    "Movement",
    "Position",
    "Report",
    "ReportState",
    "ReportedPeriod",
    "ReportedTerms",
    "bucket_of",
    "by_day",
    "check_amount",
    "check_percent",
    "common_fields",
    "later",
    "part_of",
    "spread",
]

ReportState = Literal["running", "awaited", "overdue", "filed", "accepted"]
Bucket = Literal["settled", "report overdue", "late", "due", "deferred by terms"]

HUNDRED: Final = Decimal(100)
_YEAR: Final = Period("years")
_LONGEST_WAIT: Final = 3660


# -------------------------------------------------------------------------------------------- facts


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


# -------------------------------------------------------------------------------------------- terms


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
        check_percent("share_percent", self.share_percent, above=Decimal(0), most=HUNDRED)
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


# ------------------------------------------------------------------------------------------ answers


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
class Position:
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
    forgiven: int = 0
    """Principal that was given up: neither owed nor paid."""


# ------------------------------------------------------------------------------------------ reports


@dataclass(slots=True)
class Known:
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

    def acting(self) -> dict[dt.date, list[int]]:
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
        due = later(end, self.terms.report_days)
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
            due_on=later(accepted_on, self.terms.payment_days), cumulative_surplus=self.cumulative[number - 1],
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
            check_amount("reports", figure, least=0 if name == "revenue" else -LARGEST_AMOUNT)

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


# ------------------------------------------------------------------------------------------- shared


def spread(ceilings: Sequence[int], paid: int, owed: int) -> tuple[list[tuple[int, int]], int]:
    """For each period what is paid of its ceiling and what is due and unpaid; then what is ahead."""
    parts = []
    for ceiling in ceilings:
        done = min(ceiling, paid)
        unpaid = min(ceiling - done, owed)
        paid, owed = paid - done, owed - unpaid
        parts.append((done, unpaid))
    return parts, paid


def bucket_of(settled: bool, periods: Sequence[ReportedPeriod], as_of: dt.date) -> Bucket:
    """Where a loan stands among the late ones: a report that is missing comes before money that is."""
    if settled:
        return "settled"
    if any(row.report == "overdue" for row in periods):
        return "report overdue"
    unpaid = [row.due_on for row in periods if row.unpaid and row.due_on is not None]
    if not unpaid:
        return "deferred by terms"
    return "late" if min(unpaid) < as_of else "due"


def common_fields(row: ReportedPeriod) -> dict[str, Any]:
    """The fields of a row that its kind is made from."""
    names = (
        "number", "start", "end", "report_due", "report", "days_overdue", "version", "accepted_on", "due_on", "surplus",
        "cumulative_surplus",
    )  # fmt: skip
    return {name: getattr(row, name) for name in names}


def by_day(name: str, movements: Iterable[Movement], as_of: dt.date, least: int | None = None) -> dict[dt.date, int]:
    """What was known by a day, summed by day: so the order within a day says nothing."""
    days: dict[dt.date, int] = {}
    for movement in movements:
        check_amount(name, movement.amount, least=-LARGEST_AMOUNT if least is None else least)
        if movement.on <= as_of:
            days[movement.on] = days.get(movement.on, 0) + movement.amount
    return days


def part_of(percent: Decimal, base: int) -> int:
    """A percentage of an amount, rounded down: a ceiling is never exceeded."""
    num, den = percent.as_integer_ratio()
    return round_ratio(base * num, 100 * den, "down")


def later(day: dt.date, days: int) -> dt.date:
    """So many days on, or the last day that there is."""
    return day + dt.timedelta(days=min(days, (dt.date.max - day).days))


def check_percent(
    name: str, value: Decimal, *, most: Decimal, least: Decimal = Decimal(0), above: Decimal | None = None
) -> None:
    """Refuse a percentage beyond `least` to `most`, and one that is not more than `above`."""
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


def check_amount(name: str, amount: int, *, least: int) -> None:
    """Refuse an amount below `least`, or of more than there can be."""
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
