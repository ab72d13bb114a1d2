"""A long loan drawn up, rated and explained, each beside what a plain loop takes for it.

The baselines are what one would write first: a month is a twelfth of a year, decimals of
28 digits, no odd days, no events, no checks. They answer less; they say what the machine can do.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from decimal import Decimal

from benchmarks.books import show
from coopbank.finance.explain import explain_schedule
from coopbank.finance.schedule import Schedule, schedule
from coopbank.finance.terms import LoanTerms

ROWS = 360
TERMS = LoanTerms.read({
    "disbursements": [{"date": "2026-01-15", "amount": "250000.00"}],
    "annual_rate": "7.25", "installments": ROWS, "every": {"months": 1},
})  # fmt: skip
_CENT = Decimal("0.01")
_LENT = Decimal("250000.00")


def measure() -> None:
    """The schedule, its annual percentage rate, and all its explanations; medians in milliseconds."""
    drawn = schedule(TERMS)
    assert len(drawn.rows) == ROWS and drawn.rows[-1].balance == 0
    payments = [Decimal(row.payment) / 100 for row in drawn.rows]
    loop, bisection = _plain_schedule, lambda: _plain_rate(payments)
    for what, ours, baseline, bare, rounds, wanted in (
        (f"level schedule of {ROWS} rows", lambda: schedule(TERMS), "plain loop", loop, 50, "< 2 ms"),
        (f"annual percentage rate of {ROWS} rows", lambda: _rate(drawn), "bisection", bisection, 9, "< 5 ms"),
        (f"all explanations of {ROWS} rows", lambda: explain_schedule(drawn), "plain loop", loop, 5, "told"),
    ):
        mine, other = _paired(ours, bare, rounds)
        show(what, mine, "ms", baseline, other, mine / other, wanted)


def _rate(drawn: Schedule) -> Decimal:
    """Its rate, as if it had not been asked for before."""
    return Schedule(drawn.terms, drawn.rows, drawn.due_unmoved).apr


def _plain_schedule() -> list[tuple[Decimal, Decimal, Decimal]]:
    rate, balance = TERMS.annual_rate / 1200, _LENT
    payment = (balance * rate / (1 - (1 + rate) ** -ROWS)).quantize(_CENT)
    rows = []
    for n in range(ROWS):
        interest = (balance * rate).quantize(_CENT)
        principal = balance if n == ROWS - 1 else payment - interest
        balance -= principal
        rows.append((principal, interest, balance))
    return rows


def _plain_rate(payments: list[Decimal]) -> Decimal:
    """By halving, to as many decimals as ours."""
    low, high = Decimal(0), Decimal(1)
    while high - low > Decimal("1e-15"):
        middle = (low + high) / 2
        step, worth = 1 / (1 + middle), Decimal(0)
        for payment in reversed(payments):
            worth = (worth + payment) * step
        low, high = (middle, high) if worth > _LENT else (low, middle)
    return low * 1200


def _paired(ours: Callable[[], object], bare: Callable[[], object], rounds: int) -> tuple[float, float]:
    """The median milliseconds of both, called in turns."""
    pairs = [(_milliseconds(ours), _milliseconds(bare)) for _ in range(rounds)]
    return statistics.median(mine for mine, _ in pairs), statistics.median(other for _, other in pairs)


def _milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000
