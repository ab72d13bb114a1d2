"""The Truth in Lending box of a closed-end loan, as data: 12 CFR 1026.18.

Four figures that every reader knows, and the payment schedule:

    finance charge       interest, fees on the rows and prepaid charges        (d)
    amount financed      what was lent, less what was paid back or charged at
                         once: prepaid charges and a down payment              (b)
    annual percentage rate, of exactly these flows                             (e)
    total of payments    all later payments                                    (h)

Always: total of payments = amount financed + finance charge. Whether a loan falls
under the regulation at all is not decided here; the box is honest either way.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from coopbank.errors import InvalidAmount
from coopbank.finance.apr import Flow, nominal_rate
from coopbank.finance.schedule import Row, Schedule
from coopbank.money import format_amount


@dataclass(frozen=True, slots=True)
class PaymentRun:
    """So many equal payments in a row, in minor units, the first of them on that day."""

    count: int
    amount: int
    first_due: dt.date


@dataclass(frozen=True, slots=True)
class Disclosure:
    """The box; amounts in minor units, the rate in percent a year."""

    apr: Decimal
    finance_charge: int
    amount_financed: int
    total_of_payments: int
    payments: tuple[PaymentRun, ...]
    currency: str

    def as_document(self) -> dict[str, Any]:
        """JSON: amounts as strings with their decimals, the rate with two decimals."""
        code = self.currency
        return {
            "apr": str(self.apr.quantize(Decimal("0.01"), ROUND_HALF_EVEN)),
            "finance_charge": format_amount(self.finance_charge, code),
            "amount_financed": format_amount(self.amount_financed, code),
            "total_of_payments": format_amount(self.total_of_payments, code),
            "payments": [
                {
                    "count": run.count,
                    "amount": format_amount(run.amount, code),
                    "first_due": run.first_due.isoformat(),
                }
                for run in self.payments
            ],
            "currency": code,
        }


def disclosure(schedule: Schedule, *, prepaid_minor: int = 0) -> Disclosure:
    """The box of a schedule; `prepaid_minor` are finance charges taken at disbursement.

    Raises `InvalidAmount` (field `prepaid`) for charges below zero or of all that is
    lent on the first day.
    """
    start = schedule.terms.first_disbursed
    paired = list(zip(schedule.due_unmoved, schedule.rows, strict=True))
    at_once = [row for due, row in paired if due == start]
    later = [row for due, row in paired if due > start]
    advances, payments, per_year = schedule.flows
    first_day = sum(int(flow.amount) for flow in advances if not flow.periods and not flow.fraction)
    paid_at_once = sum(row.payment for row in at_once)
    if not 0 <= prepaid_minor < first_day - paid_at_once:
        raise InvalidAmount(
            "Prepaid charges of {prepaid} are not possible here.",
            field="prepaid",
            hint="They are 0 or more, and less than the {lent} paid out at once.",
            lent=format_amount(max(0, first_day - paid_at_once), schedule.terms.currency),
            prepaid=format_amount(prepaid_minor, schedule.terms.currency),
        )
    # A prepaid charge is, in the equation, a payment made at once.
    at_time_zero = Flow(prepaid_minor, 0)
    totals = schedule.totals
    return Disclosure(
        apr=nominal_rate(advances, [*payments, at_time_zero], per_year),
        finance_charge=totals.interest + totals.fees + prepaid_minor,
        amount_financed=totals.principal - paid_at_once - prepaid_minor,
        total_of_payments=sum(row.payment for row in later),
        payments=tuple(_runs(later)),
        currency=schedule.terms.currency,
    )


def _runs(rows: list[Row]) -> list[PaymentRun]:
    """Consecutive rows of the same payment as one; rows that pay nothing are left out."""
    runs: list[PaymentRun] = []
    for row in rows:
        if not row.payment:
            continue
        if runs and runs[-1].amount == row.payment:
            runs[-1] = replace(runs[-1], count=runs[-1].count + 1)
        else:
            runs.append(PaymentRun(1, row.payment, row.due))
    return runs
