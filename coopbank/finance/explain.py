"""Why an amount is what it is, in a plain sentence that holds the numbers and recomputes to the amount.

    Interest of 41.10 = 10,000.00 × 5 % × 30 days / 365.

The rows of a schedule are explained by drawing it up again and watching how each amount arises
(`explain_rows`); whatever else is asked for is explained here, from the figures that it is made
of. What an explanation is, `explanation` says.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from coopbank.errors import InvalidValue
from coopbank.finance.allocation import DEFAULT_ORDER, allocate, split_cumulative
from coopbank.finance.daycount import DayCount, year_fraction
from coopbank.finance.explain_rows import RowExplanation, explain_row, explain_schedule
from coopbank.finance.explanation import (
    SENTENCES,
    Amount,
    Component,
    Explanation,
    Expression,
    Phrase,
    Stretch,
    explained,
    interest_of,
    largest,
    less,
    product,
    rounded,
    smallest,
    sum_of,
)
from coopbank.finance.interest import Segment
from coopbank.finance.periods import MONTH, Period
from coopbank.money import Rounding

__all__ = [
    "SENTENCES",
    "Amount",
    "Component",
    "Explanation",
    "Expression",
    "Phrase",
    "RowExplanation",
    "explain_accrual",
    "explain_allowance",
    "explain_cap",
    "explain_ceiling",
    "explain_fund_split",
    "explain_interest",
    "explain_late_fee",
    "explain_payoff",
    "explain_revenue_ceiling",
    "explain_revenue_cost",
    "explain_row",
    "explain_schedule",
    "explain_split",
    "explain_waiver",
]


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
    stretch = Stretch(principal_minor, annual_rate, part, start, end)
    return interest_of([stretch], day_count, rounding, 1, currency)


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
    after = rounded(_cumulative(held, until, day_count, period), rounding)
    before = rounded(_cumulative(held, since, day_count, period), rounding)
    expression = sum_of(after, less(before))
    totals = {"after": Amount(int(after.value), currency), "before": Amount(int(before.value), currency)}
    return explained("accrual", expression, currency, since=since, until=until, **totals)


def _cumulative(segments: Sequence[Segment], until: dt.date, day_count: DayCount, period: Period) -> Expression:
    parts = []
    for segment in segments:
        end = min(until, segment.end)
        if end > segment.start:
            part = year_fraction(segment.start, end, day_count, period)
            parts.append(product(segment.principal_minor, segment.annual_rate, Fraction(1, 100), part))
    return sum_of(*parts)


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
        told.append(explained("split", smallest(left, asked), currency, **values))
        left -= told[-1].amount
    if shared.left_over:
        expression = sum_of(amount, *(-each.amount for each in told))
        told.append(explained("split-over", expression, currency, payment=Amount(amount, currency)))
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
        return explained("payoff", sum_of(*parts.values()), currency, day=on, parts=phrases)
    expression = sum_of(*parts.values(), -kept)
    return explained("payoff-kept", expression, currency, day=on, parts=phrases, kept=Amount(kept, currency))


def explain_fund_split(
    amount: int,
    already: Sequence[int],
    shares: Sequence[int | Fraction],
    *,
    funds: Sequence[str] | None = None,
    currency: str = "USD",
) -> tuple[Explanation, ...]:
    """What `allocation.split_cumulative` answers: one explanation a fund; raises as it does.

    `funds` are their names, else their numbers from 1.
    """
    parts, whole = split_cumulative(amount, already, shares), sum(map(Fraction, shares))
    total, told = sum(already) + amount, []
    names = [str(number) for number in range(1, len(shares) + 1)] if funds is None else funds
    for name, part, before, share in zip(names, parts, already, shares, strict=True):
        exact = product(total, share / whole if whole else 0)
        goal = rounded(exact, "down")
        # Largest remainders: the units that rounding down leaves go one each to some.
        goal = sum_of(goal, part + before - goal.value)
        values = {
            "fund": name, "part": Amount(amount, currency), "share": _share(share / whole if whole else Fraction(0)),
            "total": Amount(total, currency), "before": Amount(before, currency),
        }  # fmt: skip
        kind = "fund" if exact.value == goal.value else "fund-rounded"
        if kind == "fund-rounded":
            values["goal"] = Amount(int(goal.value), currency)
        told.append(explained(kind, sum_of(goal, -before), currency, **values))
    return tuple(told)


def _share(share: Fraction) -> Phrase:
    """A share as a percentage of up to four decimals, else as a fraction."""
    ten_thousandths = share * 10**6
    if ten_thousandths.denominator == 1:
        return Phrase("share", {"percent": Decimal(int(ten_thousandths)).scaleb(-4)})
    return Phrase("share-part", {"part": share})


# --------------------------------------------------------------------------- lateness and loss


def explain_late_fee(
    overdue: int,
    *,
    flat: int | None = None,
    percent: Decimal | None = None,
    rounding: Rounding = "half-even",
    currency: str = "USD",
) -> Explanation:
    """A late fee on what is overdue, earlier late fees left out: an amount (minor units), or a percentage.

    Raises `InvalidValue` (field `late_fee`) unless exactly one of the two is given.
    """
    if (flat is None) == (percent is None):
        raise InvalidValue("A late fee is an amount or a percentage.", field="late_fee", hint="Give one of the two.")
    if overdue <= 0:
        return explained("late-fee-nothing", sum_of(), currency)
    if percent is None:
        return explained("late-fee-agreed", sum_of(flat or 0), currency)
    expression = rounded(product(overdue, percent, Fraction(1, 100)), rounding)
    return explained("late-fee", expression, currency, percent=percent, overdue=Amount(overdue, currency))


def explain_allowance(
    balance: int, rate_percent: Decimal, rounding: Rounding = "half-even", *, currency: str = "USD"
) -> Explanation:
    """What is set aside for a balance (minor units) by the rate of its bucket and grade, in percent."""
    expression = rounded(product(balance, rate_percent, Fraction(1, 100)), rounding)
    if not balance or not rate_percent:
        return explained("allowance-none", expression, currency)
    return explained("allowance", expression, currency, rate=rate_percent, balance=Amount(balance, currency))


# ------------------------------------------------------------------------------ share of surplus


def explain_ceiling(share_percent: Decimal, surplus: int, *, currency: str = "USD") -> Explanation:
    """The most that a report can make due: the share of the surplus, rounded down; nothing after a loss."""
    exact = product(largest(surplus, 0), share_percent, Fraction(1, 100))
    expression = rounded(exact, "down")
    if surplus <= 0:
        return explained("ceiling-none", expression, currency)
    kind = "ceiling" if expression.value == exact.value else "ceiling-down"
    return explained(kind, expression, currency, share=share_percent, surplus=Amount(surplus, currency))


def explain_cap(
    cost_cap_percent: Decimal, cumulative_surplus: int, cost_taken: int, *, currency: str = "USD"
) -> Explanation:
    """What interest can still be taken: the cap, rounded down, less interest and charges taken before."""
    exact = product(largest(cumulative_surplus, 0), cost_cap_percent, Fraction(1, 100))
    expression = largest(sum_of(rounded(exact, "down"), -cost_taken), 0)
    values = {
        "percent": cost_cap_percent, "surplus": Amount(max(0, cumulative_surplus), currency),
        "cost": Amount(cost_taken, currency),
    }  # fmt: skip
    if not expression.value:
        return explained("cap-none", expression, currency, **values)
    kind = "cap" if exact.value.denominator == 1 else "cap-down"
    return explained(kind, expression, currency, **values)


def explain_waiver(contract_interest: int, cap: int, *, charges: int = 0, currency: str = "USD") -> Explanation:
    """Interest given up at maturity: what the contract comes to above the cap, other charges counted first."""
    allowed = largest(sum_of(cap, -charges), 0)
    expression = largest(sum_of(contract_interest, less(allowed)), 0)
    values = {"interest": Amount(contract_interest, currency), "cap": Amount(cap, currency)}
    if not expression.value:
        return explained("waiver-none", expression, currency, **values)
    values["allowed"] = Amount(int(allowed.value), currency)
    if not charges:
        return explained("waiver", expression, currency, **values)
    return explained("waiver-charges", expression, currency, charges=Amount(charges, currency), **values)


# ------------------------------------------------------------------------------ share of revenue


def explain_revenue_ceiling(share_percent: Decimal, revenue: int, *, currency: str = "USD") -> Explanation:
    """The most that a report of revenue can make due: the share, rounded down."""
    exact = product(revenue, share_percent, Fraction(1, 100))
    expression = rounded(exact, "down")
    if not revenue:
        return explained("ceiling-revenue-none", expression, currency)
    kind = "ceiling-revenue" if expression.value == exact.value else "ceiling-revenue-down"
    return explained(kind, expression, currency, share=share_percent, revenue=Amount(revenue, currency))


def explain_revenue_cost(
    payment: int, before: int, lent: int, cost: int, *, forgiven: int = 0, currency: str = "USD"
) -> Explanation:
    """The part of a payment that is cost, of a loan repaid by share of revenue (minor units throughout).

    `before` was paid before it, `cost` is all that is to be paid above what was `lent`, as in
    `RevenuePosition`; what is beyond that is not owed and has no cost in it.
    """
    owed = lent + cost - forgiven
    then, now = (_cost_within(min(paid, owed), lent, cost, forgiven) for paid in (before, before + payment))
    expression = sum_of(now, less(then))
    if not cost:
        return explained("cost-part-none", expression, currency)
    counted = {"paid": min(before + payment, owed), "before": int(then.value)}
    values = {name: Amount(minor, currency) for name, minor in counted.items()}
    if forgiven and now.value == counted["paid"] - (lent - forgiven):
        return explained("cost-part-all", expression, currency, now=Amount(int(now.value), currency), **values)
    values |= {"cost": Amount(cost, currency), "whole": Amount(lent + cost, currency)}
    return explained("cost-part", expression, currency, **values)


def _cost_within(paid: int, lent: int, cost: int, forgiven: int) -> Expression:
    """The cost within all payments so far: in proportion, and all of them once no principal is left."""
    share = rounded(product(paid, Fraction(cost, lent + cost) if cost else 0), "half-even")
    return largest(share, paid - (lent - forgiven)) if forgiven else share
