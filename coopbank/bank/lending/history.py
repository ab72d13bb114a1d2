"""Whether what old records say of a loan fits together, before the loan goes on as if it had always been here.

A loan in mid-life comes as a few figures: what was lent, what was repaid, up to when interest
is paid, which instalment is the next. Each can be reckoned from the others, so a slip of the
pen in one of them is seen:

    principal     what was lent less what was repaid is what is owed
    interest      from the day of the loan on, no less than on what is owed now, no more than
                  on all that was lent; since it was paid to a day, exactly what ran on what
                  is owed
    next due      a due date of the schedule; what was paid covers the instalments before it,
                  and not that one
    days late     counted from it

Only a loan with a schedule has such a history; others come with every payment and report, and
are told from these.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from math import ceil, floor
from typing import Final

from coopbank.bank.lending.contract import Drawn, Plan, asked_by, drawn, first_uncovered, years_of
from coopbank.errors import InvalidAmount, InvalidDate, InvalidValue, Refused
from coopbank.money import format_amount, round_minor

#: A program that rounds otherwise may differ by so much on interest that is not paid yet, in minor units.
_ROUNDING: Final = 1


def principal_fault(lent: int, repaid: int, owed: int, currency: str) -> Refused | None:
    """What is wrong when money lent less money repaid is not what is owed."""
    if lent - repaid == owed:
        return None
    shown = [format_amount(amount, currency) for amount in (lent, repaid, lent - repaid, owed)]
    return InvalidAmount(
        "Of {lent} lent and {repaid} repaid {left} is left, not {owed}.", field="paid_principal", lent=shown[0],
        repaid=shown[1], left=shown[2], owed=shown[3],
    )  # fmt: skip


@dataclass(frozen=True)
class OldHistory:
    """What old records say of a loan; amounts in minor units. The balances stand at the start of `day`."""

    plan: Plan
    currency: str
    day: date
    owed: int  # principal
    interest: int  # owed, recognised or not
    next_due: date
    paid_interest: int = 0
    paid_to: date | None = None
    days_late: int | None = None
    payment: int | None = None
    early: str = "next"

    @property
    def lent(self) -> int:
        """What was paid out."""
        return sum(int(amount) for _day, amount in self.plan.advances)

    @property
    def paid(self) -> int:
        """Principal and interest paid."""
        return self.lent - self.owed + self.paid_interest

    @cached_property
    def drawn(self) -> Drawn:
        """The schedule."""
        return drawn(self.plan, self.currency)

    @cached_property
    def row(self) -> int | None:
        """The place of the next instalment, counted from 0; None if none falls due on that day."""
        return self.drawn.due.index(self.next_due) if self.next_due in self.drawn.due else None

    def interest_on(self, principal: int, start: date) -> tuple[int, int, int]:
        """Interest on so much from a day up to the cut-over: rounded down, rounded, rounded up."""
        if start >= self.day:
            return 0, 0, 0
        years = years_of(self.plan, self.currency, start, self.day)
        rate, hundred = Decimal(self.plan.document["annual_rate"]).as_integer_ratio()
        exact = principal * rate * years / (100 * hundred)
        return floor(exact), round_minor(exact), ceil(exact)

    def counted(self) -> int:
        """What of the payments counts towards instalments, so that the next one is the one that they say."""
        assert self.row is not None, "only of a history without faults"
        before, with_it = asked_by(self.drawn.runs, self.row), asked_by(self.drawn.runs, self.row + 1)
        last = self.row == len(self.drawn.due) - 1
        # What shortened the loan paid no instalment; a few cents less are another program's rounding.
        return self.paid if before <= self.paid and (self.paid < with_it or last) else before

    def faults(self) -> Iterator[Refused]:
        """All that does not fit, each with the field that says it."""
        yield from self._interest_faults()
        if self.row is None:
            yield self._off_schedule()
        else:
            yield from self._row_faults(self.row)
        late = max(0, (self.day - self.next_due).days)
        if self.days_late is not None and self.days_late != late:
            yield InvalidValue(
                "On {day} it is {late} days late, not {said}.", field="days_late", day=self.day, late=late,
                said=self.days_late, next_due=self.next_due,
                hint="They are counted from the oldest instalment that is not fully paid, that of {next_due}.",
            )  # fmt: skip

    # --------------------------------------------------------------------- interest

    def _interest_faults(self) -> Iterator[Refused]:
        if self.paid_to is not None:
            ran = self.interest_on(self.owed, self.paid_to)[1]
            if abs(self.interest - ran) > _ROUNDING:
                yield InvalidAmount(
                    "From {paid_to} to {day} interest of {ran} ran on {owed}, not {said}.", field="accrued_interest",
                    paid_to=self.paid_to, day=self.day, ran=self._shown(ran), owed=self._shown(self.owed),
                    said=self._shown(self.interest),
                    hint="Check rate, day count and the day to which interest is paid; leave that day out if a part"
                    " of older interest is owed.",
                )  # fmt: skip
        start = date.fromisoformat(self.plan.start)
        least, most = self.interest_on(self.owed, start)[0], self.interest_on(self.lent, start)[2]
        told, rows = self.paid_interest + self.interest, 1 + sum(due <= self.day for due in self.drawn.due)
        if not least - rows <= told <= most + rows:
            yield InvalidAmount(
                "Paid and owed interest of {told} cannot be: from {start} to {day} it is {least} to {most}.",
                field="paid_interest", told=self._shown(told), start=start, day=self.day, least=self._shown(least),
                most=self._shown(most), hint="Check the rate (percent a year), the day count, and what was paid.",
            )  # fmt: skip

    # ---------------------------------------------------------------- the instalment

    def _off_schedule(self) -> Refused:
        due = self.drawn.due
        near = sorted(sorted(due, key=lambda day: abs((day - self.next_due).days))[:2])
        return InvalidDate(
            "No instalment falls due on {next_due}; near it {near} do.", field="next_due", next_due=self.next_due,
            near=", ".join(day.isoformat() for day in near),
            hint="Check the day of the first instalment, how often they fall due, and how many there are.",
        )  # fmt: skip

    def _row_faults(self, row: int) -> Iterator[Refused]:
        rows, runs = self.drawn.rows, self.drawn.runs
        before, with_it, last = asked_by(runs, row), asked_by(runs, row + 1), len(rows) - 1
        follows = self.drawn.due[min(first_uncovered(runs, self.paid), last)]
        if self.paid < before - max(1, row) * _ROUNDING:
            yield InvalidAmount(
                "The {count} instalments before {next_due} come to {asked}; only {paid} was paid.", field="next_due",
                count=row, next_due=self.next_due, asked=self._shown(before), paid=self._shown(self.paid),
                hint="By what was paid the next one is that of {follows}.", follows=follows,
            )  # fmt: skip
        elif self.early == "next" and row < last and self.paid >= with_it:
            yield InvalidAmount(
                "What was paid, {paid}, covers the instalment of {next_due} too; the next one is that of {follows}.",
                field="next_due", paid=self._shown(self.paid), next_due=self.next_due, follows=follows,
                hint="If money paid early made the loan shorter, say shorten under early.",
            )  # fmt: skip
        if self.payment is not None and self.payment not in (rows[0].payment, rows[row].payment):
            yield InvalidAmount(
                "By these terms an instalment is {reckoned}, not {said}.", field="payment",
                reckoned=self._shown(rows[row].payment), said=self._shown(self.payment),
                hint="If instalments were rounded, say to what under payment_multiple, such as 1.00.",
            )  # fmt: skip

    def _shown(self, minor: int) -> str:
        return format_amount(minor, self.currency)
