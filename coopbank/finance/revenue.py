"""Repayment by share of revenue: a percentage of what was sold, until a fixed multiple of what was lent is paid.

The cost is all that is paid above what was lent. It may be capped by an amount, and by a
percentage of the cumulative surplus. What is due of a period is the share of its revenue,
rounded down; nothing depends on days. Of every payment the cost is its part in the whole,
as a difference of rounded cumulative totals: so payments in whatever slices come to the
same cost. Where principal was given up, the rest of it is repaid sooner, and what is paid
then is cost. `reported` says how reports and their corrections count.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate

from coopbank.errors import InvalidAmount, InvalidDate
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
    check_amount,
    check_percent,
    common_fields,
    part_of,
    spread,
)
from coopbank.money import round_ratio

__all__ = ["RevenuePeriod", "RevenuePosition", "RevenueTerms", "replay_revenue"]


# -------------------------------------------------------------------------------------------- terms


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
        check_percent("multiple", self.multiple, least=Decimal(1), most=HUNDRED)
        if self.cost_cap_percent is not None:
            check_percent("cost_cap_percent", self.cost_cap_percent, most=HUNDRED)
        if self.cost_cap is not None:
            check_amount("cost_cap", self.cost_cap, least=0)


# ------------------------------------------------------------------------------------------ answers


@dataclass(frozen=True, slots=True, kw_only=True)
class RevenuePeriod(ReportedPeriod):
    """A period of a loan repaid by share of revenue."""

    revenue: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RevenuePosition(Position):
    """A loan repaid by share of revenue, as known on a day."""

    periods: tuple[RevenuePeriod, ...]
    cost: int
    """What is to be paid above what was lent, by the multiple and the cap."""
    cost_paid: int
    waived: int

    @property
    def to_pay(self) -> int:
        """All that will have been paid in the end, by the reports so far."""
        return self.lent + self.cost - self.forgiven

    @property
    def payoff(self) -> int:
        """What is left to pay."""
        return self.principal_left + self.cost - self.cost_paid

    @property
    def bucket(self) -> Bucket:
        """Where the loan stands in a report of late loans; deferral by the terms is never lateness."""
        return bucket_of(self.settled, self.periods, self.as_of)


# --------------------------------------------------------------------------------------- the replay


def replay_revenue(
    terms: RevenueTerms,
    advances: Iterable[Movement],
    payments: Iterable[Movement],
    reports: Iterable[Report],
    as_of: dt.date,
    *,
    forgiven: Iterable[Movement] = (),
) -> RevenuePosition:
    """The loan at the end of a day, from all that was known on it; see `surplus.replay`.

    `forgiven` is principal given up: it is never to be paid, and the cost stays what it was.
    """
    known = Known(terms, reports, as_of, "revenue")
    lent_by, paid_by = by_day("advances", advances, as_of, 0), by_day("payments", payments, as_of)
    _check_paid(lent_by, paid_by)
    lent, paid = sum(lent_by.values()), sum(paid_by.values())
    whole, wanted, cost, cap = _costs(terms, known, lent)
    given_up = min(lent, sum(by_day("forgiven", forgiven, as_of, 0).values()))
    wanted, to_pay = lent + wanted - given_up, lent + cost - given_up
    applied = min(paid, to_pay)
    # Never by what was given up: what payments repaid before must stay repaid.
    cost_paid = round_ratio(applied * cost, lent + cost, "half-even") if cost else 0
    cost_paid = max(cost_paid, applied - (lent - given_up))
    done = bool(lent) and applied == wanted
    rows = known.rows(quiet=done)
    matured = done or (bool(lent) and as_of >= terms.outer_date and all(row.report == "accepted" for row in rows))
    ceilings = [part_of(terms.share_percent, known.revenue(row.number)) for row in rows]
    parts, ahead = spread(ceilings, applied, to_pay - applied)
    periods = tuple(
        RevenuePeriod(
            **common_fields(row), ceiling=ceiling, due=done_part + unpaid, paid=done_part, unpaid=unpaid,
            revenue=known.revenue(row.number),
        )
        for row, ceiling, (done_part, unpaid) in zip(rows, ceilings, parts, strict=True)
    )  # fmt: skip
    return RevenuePosition(
        as_of=as_of, lent=lent, principal_left=lent - given_up - (applied - cost_paid), paid=paid,
        due_now=sum(unpaid for _, unpaid in parts), ahead=ahead, unapplied=paid - applied, cap=cap, matured=matured,
        settled=matured and applied == to_pay, periods=periods, cost=cost, cost_paid=cost_paid,
        waived=whole - cost if matured else 0, forgiven=given_up,
    )  # fmt: skip


def _costs(terms: RevenueTerms, known: Known, lent: int) -> tuple[int, int, int, int | None]:
    """The cost by the multiple; that within the agreed amount; of it what the reports allow so far; and the cap."""
    whole = part_of((terms.multiple - 1) * 100, lent)
    caps = [] if terms.cost_cap is None else [terms.cost_cap]
    wanted = min([whole, *caps])
    if terms.cost_cap_percent is not None:
        caps.append(part_of(terms.cost_cap_percent, max(0, known.cumulative[-1] if known.cumulative else 0)))
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
