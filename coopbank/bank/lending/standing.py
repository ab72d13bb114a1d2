"""How a loan stands on a day: what is owed, what is due and since when. Amounts in minor units."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class Parts:
    """How a payment was shared."""

    fees: int
    interest: int
    principal: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.fees + self.interest + self.principal


@dataclass(frozen=True, slots=True)
class Due:
    """What is due and unpaid, and the oldest due date that is not fully paid."""

    fees: int
    interest: int
    principal: int
    since: date | None

    @property
    def bills(self) -> int:
        """Interest and principal, without fees."""
        return self.interest + self.principal

    @property
    def total(self) -> int:
        """All of it."""
        return self.fees + self.interest + self.principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A loan at the end of a day, by its contract, and what its story comes to in the books.

    `flows` are cumulative amounts by the names of flows.py, over all funds.
    """

    on: date
    lent: int
    principal: int
    interest: int
    fees: int
    interest_run: int  # all interest that ran, whatever became of it
    principal_paid: int
    interest_paid: int
    fees_paid: int
    waived: int
    given_up: int
    overpaid: int
    charged_off: bool
    basis: str
    committed: int
    flows: dict[str, int]
    due: Due
    bucket: str = ""  # of a loan repaid by reports: settled, report overdue, late, due, deferred by terms
    report_days_late: int = 0
    cap: int | None = None  # of the cost of capital, by the reports so far
    notes: tuple[str, ...] = field(default=())

    @property
    def owed(self) -> int:
        """All that is owed by the contract."""
        return self.principal + self.interest + self.fees
