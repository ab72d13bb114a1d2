"""What happened to a loan: facts with a value date, from which its state is told.

    type              data (amounts in minor units)
    opening           lent, disbursed_on, paid_principal, paid_interest, interest (recognised and unpaid),
                      memo (not recognised), counted (towards bills, if not all that was paid);
                      for shares: advances, payments, reports
    advance           amount
    payment           amount, early: next, shorten, lower
    fee               amount, what, due: the instalment that was late
    waiver            interest, fees
    terms             version, how: rate, extra, restart; what that takes
    pause             until: interest stops through that day; absent: for good
    non-accrual       method: recovery, cash
    accrual           back to accrual
    write-down        principal, gift: out of a fund's own money instead of the allowance
    charge-off        nothing
    close-line        no more draws
    report-filed      period, version, surplus, revenue
    report-accepted   period, version

Facts are told in the order of their value dates, on the same day in the order in which
they were recorded. So a payment that was typed late takes its place among the others, and
what follows from it is told anew. The same facts make the same state whatever the order in
which the bank heard of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from coopbank.bank import records


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened to a loan. `number` is the order in which the bank heard of it."""

    number: int
    type: str
    on: date
    data: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, body: records.LoanEvent) -> Fact:
        """The fact that a sealed event states."""
        return cls(body.number, body.type, date.fromisoformat(body.on), body.data)

    def event(self) -> records.LoanEvent:
        """The event that is sealed."""
        return records.LoanEvent(number=self.number, type=self.type, on=self.on.isoformat(), data=self.data)


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """As they are told."""
    return sorted(facts, key=lambda fact: (fact.on, fact.number))


def event_ref(loan: str, number: int) -> str:
    """The ref of a loan's event: L-001.00007."""
    return f"{loan}.{number:05d}"
