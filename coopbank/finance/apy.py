"""Annual percentage yield and the interest of savings: Regulation DD (12 CFR 1030), Appendix A.

    APY = 100 × ((1 + interest / principal)^(365 / days) − 1)          part I.A, II.A

*Earned* on a statement it is the same with the average daily balance and the interest
in whole cents; where interest is compounded on another cycle than the statement's,

    APY earned = 100 × ((1 + interest / balance / days × compounding)^(365 / compounding) − 1)   II.B

Steps of the rate follow each other in time (`compound_interest`), tiers lie above each
other in the balance (`tiered_interest`, each slice at its own rate). A yield is shown with
two decimals. Credit unions have the like in 12 CFR 707; who is under neither may use it as a
fair comparison all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

from coopbank.errors import InvalidAmount, InvalidValue
from coopbank.money import Rounding, round_minor

_YEAR_DAYS = 365
_MOST_DAYS = 36_525
_PRECISE = Context(prec=50)


def apy(interest_minor: int, principal_minor: int, days: int) -> Decimal:
    """The yield in percent, two decimals, of interest earned on a principal in so many days.

    For a yield *earned*, give the average daily balance. Raises `InvalidAmount` for a
    principal not above zero or a loss, and `InvalidValue` (field `days`) outside 1 to 36,525.
    """
    return apy_earned(interest_minor, principal_minor, days, days)


def apy_earned(interest_minor: int, balance_minor: int, days: int, compounding_days: int) -> Decimal:
    """The yield earned where compounding has another cycle than the statement (II.B); raises as `apy`."""
    _check_days("days", days)
    _check_days("compounding_days", compounding_days)
    if balance_minor <= 0:
        raise InvalidAmount("A yield needs a balance above zero.", field="principal")
    if interest_minor < 0:
        raise InvalidAmount("A yield needs interest of zero or more.", field="interest")
    with localcontext(_PRECISE):
        growth = 1 + Decimal(interest_minor) * compounding_days / (Decimal(balance_minor) * days)
        result = 100 * (growth ** (Decimal(_YEAR_DAYS) / compounding_days) - 1)
        if result.adjusted() > 20:
            raise InvalidAmount("The yield is too large to mean anything.", field="interest")
        return result.quantize(Decimal("0.01"), ROUND_HALF_EVEN)


def balance_spans(
    opening_minor: int, movements: Sequence[tuple[date, int]], start: date, end: date
) -> list[tuple[int, int]]:  # fmt: skip
    """Balances at the end of each day from `start` through `end`, as `[(balance, days), …]`.

    What moves on a day counts that day. `movements` are days and amounts in minor units, in any
    order; those before the start belong to the opening.
    """
    spans: list[tuple[int, int]] = []
    balance, since = opening_minor, start
    for day, amount in sorted(movements):
        if day > end:
            break
        if day > since:
            spans.append((balance, (day - since).days))
            since = day
        balance += amount
    return [*spans, (balance, (end - since).days + 1)] if end >= since else spans


def average_daily_balance(balances: Sequence[tuple[int, int]]) -> Fraction:
    """The average of balances (minor units), each weighted by its days: `[(balance, days), …]`."""
    days = sum(days for _, days in balances)
    _check_days("days", days)
    return Fraction(sum(balance * days for balance, days in balances), days)


def composite_rate(steps: Sequence[tuple[Decimal, int]]) -> Decimal:
    """The average of rates in percent, each weighted by its days (I.E): `[(rate, days), …]`."""
    days = sum(days for _, days in steps)
    _check_days("days", days)
    with localcontext(_PRECISE):
        return sum((rate * days for rate, days in steps), Decimal(0)) / days


def compound_interest(
    principal_minor: int,
    steps: Sequence[tuple[Decimal, int]],
    *,
    rounding: Rounding = "half-even",
    credit_each_step: bool = False,
) -> int:
    """Interest in minor units, compounded daily at 1/365 of the rate, over steps of `(rate, days)`.

    With `credit_each_step` the balance is rounded to the minor unit after each step,
    as where each is a year that is credited (I.B(2)); otherwise once, at the end.
    """
    with localcontext(_PRECISE):
        balance = Decimal(principal_minor)
        for rate, days in steps:
            _check_days("days", days)
            balance *= (1 + rate / 100 / _YEAR_DAYS) ** days
            if credit_each_step:
                balance = Decimal(round_minor(balance, rounding))
        return round_minor(balance - principal_minor, rounding)


def tiered_interest(
    balance_minor: int,
    tiers: Sequence[tuple[Decimal, int | None]],
    days: int,
    *,
    rounding: Rounding = "half-even",
) -> int:
    """Interest in minor units where each slice of the balance has its own rate (tiering method B).

    `tiers` are `(rate in percent, up to this balance)` in rising order, None for no
    limit. Each slice is compounded daily; their exact sum is rounded once. Raises
    `InvalidValue` (field `tiers`) for limits that do not rise or do not reach the balance.
    """
    _check_days("days", days)
    limits = [0, *(balance_minor if limit is None else limit for _, limit in tiers)]
    if any(limit is None for _, limit in tiers[:-1]) or any(upper <= lower for lower, upper in pairwise(limits[:-1])):
        raise InvalidValue("The limits of the tiers do not rise.", field="tiers")
    if limits[-1] < balance_minor:
        raise InvalidValue("No tier reaches this balance.", field="tiers")
    with localcontext(_PRECISE):
        earned = Decimal(0)
        for (rate, _), (lower, upper) in zip(tiers, pairwise(limits), strict=True):
            slice_minor = max(min(balance_minor, upper) - lower, 0)
            earned += slice_minor * ((1 + rate / 100 / _YEAR_DAYS) ** days - 1)
        return round_minor(earned, rounding)


def _check_days(field: str, days: int) -> None:
    if not 1 <= days <= _MOST_DAYS:
        raise InvalidValue("{days} days are not possible here.", field=field, hint="Write 1 to 36525.", days=days)
