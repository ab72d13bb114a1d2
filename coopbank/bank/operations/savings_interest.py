"""Interest on savings: reckoned on each day's balance, credited to every account at a quarter's end.

An account's interest is the sum of its daily balances x rate / 365, exact; the total of all
accounts is rounded once, to the cent, and split over them by largest remainder, so that what is
credited and withheld is what was accrued. A day's balance is that of its end; the last day
of the quarter counts. Where the bank has to withhold tax from members without a taxpayer
number, the policy `backup_withholding` says how many percent (26 USC 3406: 24); it is off at first.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from coopbank.bank import records
from coopbank.bank.desk import Desk, Move
from coopbank.bank.fields import Widget, refuse
from coopbank.bank.operation import CREDIT_UNION, TREASURER, UNCHARTERED, Operation
from coopbank.bank.operations.savings import FUND, shown
from coopbank.errors import AlreadyExists, InvalidDate, WrongState
from coopbank.finance.apy import balance_spans
from coopbank.finance.periods import add_months
from coopbank.money import round_minor, split

_YEAR = 365


def _read_quarter(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(r"(?!0000)[0-9]{4}-[Qq][1-4]", value.strip()):
        raise refuse("Write the quarter as year and number, for example 2026-Q2.")
    return value.strip().upper()


Quarter = Annotated[
    str, BeforeValidator(_read_quarter), WithJsonSchema({"type": "string", "examples": ["2026-Q2"]}), Widget("text"),
    Field(title="Quarter"),
]  # fmt: skip
"""A quarter of a year, 2026-Q2."""


@dataclass(frozen=True, slots=True)
class Earned:
    """What an account earned in the quarter, in minor units, before it is rounded."""

    account: records.Savings
    exact: Fraction


class CreditInterest(Operation):
    """Credit the interest of a quarter to all savings."""

    name: ClassVar[str] = "credit-interest"
    title: ClassVar[str] = "Credit interest on savings"
    subject: ClassVar[str] = "savings"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    second_person: ClassVar[bool] = True
    offered_by: ClassVar[tuple[str, ...]] = (UNCHARTERED, CREDIT_UNION)

    quarter: Quarter

    def perform(self, desk: Desk) -> None:
        first, last = days_of(self.quarter)
        self._require_over(desk, last)
        earned = earnings(desk, first, last)
        total = round_minor(sum((each.exact for each in earned), Fraction(0)))
        parts = split(total, [each.exact for each in earned]) if total else []
        moves: list[Move] = [(FUND, "385", total), (FUND, "852", -total), (FUND, "852", total)]
        withheld = 0
        rate = Fraction(Decimal(str(desk.policy("backup_withholding", "0")))) / 100
        for each, part in zip(earned, parts, strict=False):
            tax = self._withheld(desk, each.account.member, part, rate) if rate else 0
            moves.append((FUND, f"905/{each.account.account}", -part))
            if tax:  # a line of its own, so that a year's withholding can be read off
                moves.append((FUND, f"905/{each.account.account}", tax))
            withheld += tax
        moves.append((FUND, "842", -withheld))
        if total:
            desk.post(f"Interest on savings {self.quarter}", moves)
        body = records.SavingsInterest(
            on=desk.business_day.isoformat(), total=total, accounts=len(earned), withheld=withheld
        )
        desk.write(self.quarter, body)
        desk.note("Interest", shown(desk, total))
        desk.note("Accounts", str(len(earned)))
        if withheld:
            desk.note("Withheld", shown(desk, withheld))

    def _require_over(self, desk: Desk, last: date) -> None:
        if desk.find(records.SavingsInterest, self.quarter) is not None:
            raise AlreadyExists("Interest of {quarter} is credited already.", field="quarter", quarter=self.quarter)
        founded = date.fromisoformat(desk.tx.value("SELECT business_date FROM operation WHERE id = 1"))
        if last < founded:
            raise InvalidDate("The books begin on {first}.", field="quarter", first=founded)
        if desk.business_day < last:
            raise WrongState(
                "{quarter} is not over: the books stand at {today}.", field="quarter", quarter=self.quarter,
                today=desk.business_day, hint="Its last day is {last}.", last=last,
            )  # fmt: skip

    @staticmethod
    def _withheld(desk: Desk, member: str, amount: int, rate: Fraction) -> int:
        """Tax of a member without a taxpayer number, in minor units, at the bank's rate."""
        found = desk.find(records.Member, member)
        return 0 if found is None or found.tax_id is not None else round_minor(amount * rate)


def days_of(quarter: str) -> tuple[date, date]:
    """The first and the last day of a quarter."""
    first = date(int(quarter[:4]), 3 * int(quarter[-1]) - 2, 1)
    return first, add_months(first, 3) - timedelta(days=1)


def earnings(desk: Desk, first: date, last: date) -> list[Earned]:
    """What each open account with interest earned, with one question for all balances."""
    opening: dict[str, int] = {}
    moved: dict[str, list[tuple[date, int]]] = defaultdict(list)
    for contract, day, amount in desk.tx.rows(
        "SELECT a.contract, CASE WHEN d.effective_on < ? THEN '' ELSE d.effective_on END, sum(d.credit - d.debit)"
        " FROM account a JOIN balance_day d ON d.account_id = a.id"
        " WHERE a.gl_code = ? AND a.fund = ? AND d.effective_on <= ? GROUP BY 1, 2",
        first.isoformat(), "905", FUND, last.isoformat(),
    ):  # fmt: skip
        if day:
            moved[contract].append((date.fromisoformat(day), int(amount)))
        else:
            opening[contract] = int(amount)
    found = []
    for _ref, account in desk.every(records.Savings):
        rate = Fraction(Decimal(account.annual_rate)) / 100
        if not rate or account.state != "open":
            continue
        spans = balance_spans(opening.get(account.account, 0), moved[account.account], first, last)
        exact = sum(max(0, balance) * days for balance, days in spans) * rate / _YEAR
        if exact:
            found.append(Earned(account, exact))
    return found
