"""Budgets: what a fund or a gift is to bring in and spend in a year, decided by the bank.

A new decision is a new version; the first stays beside it. A budget stops nobody from
spending: beyond it a bill takes a second person.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from coopbank.bank import records
from coopbank.bank.asset_plan import WRITTEN_OFF_ON
from coopbank.bank.budgeting import budget_ref
from coopbank.bank.desk import Desk
from coopbank.bank.fields import Code, Counted, Decision, FundRef, GiftRef, Memo, Widget, read_lines, refuse
from coopbank.bank.operation import ADMINISTRATOR, TREASURER, Operation
from coopbank.bank.operations.funds import require_spendable_fund
from coopbank.bank.operations.savings import FUND, shown
from coopbank.errors import InvalidDate, InvalidValue, Unknown

_LINE = re.compile(r"([0-9]{3})\s+(\S+)")


def _read_line(value: Any) -> Any:
    """A line may be written as it is said: `290 1200.00`."""
    if not isinstance(value, str):
        return value
    match = _LINE.fullmatch(value.strip())
    if match is None:
        raise refuse("Write a line as account and amount of the year: 290 1200.00.")
    return {"account": match[1], "amount": match[2]}


class BudgetLine(BaseModel):
    """An account and its amount of the year, on the side where the account normally stands."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    account: Code
    amount: Counted


Lines = Annotated[
    list[Annotated[BudgetLine, BeforeValidator(_read_line)]], BeforeValidator(read_lines),
    Field(min_length=1, max_length=200, title="Lines (account and amount of the year: 290 1200.00)"), Widget("lines"),
]  # fmt: skip


class SetBudget(Operation):
    """Set the budget of a fund or of a gift for a year. What was decided before stays beside it."""

    name: ClassVar[str] = "set-budget"
    title: ClassVar[str] = "Set a budget"
    subject: ClassVar[str] = "budgets"
    roles: ClassVar[tuple[str, ...]] = (TREASURER, ADMINISTRATOR)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False  # the next version changes it
    decided_as: ClassVar[tuple[str, ...]] = ("allocation",)
    decided_amount: ClassVar[str] = ""

    year: Annotated[int, Field(ge=1900, le=9998, title="Year")]
    lines: Lines
    resolution: Annotated[Decision, Field(title="Who decided it, and when")]
    fund: FundRef = FUND
    gift: Annotated[GiftRef | None, Field(title="Gift, if the budget is that of one")] = None
    why: Annotated[Memo, Field(title="Why, if it changes an earlier one")] = ""

    def perform(self, desk: Desk) -> None:
        if self.year < desk.business_day.year:
            raise InvalidDate(
                "{year} is over: its budget stays as it is.", field="year", year=self.year,
                hint="Set that of this year or a later one.",
            )  # fmt: skip
        fund = self._fund(desk)
        ref = budget_ref(self.year, fund, self.gift)
        lines = self._lines(desk)
        before = desk.find(records.Budget, ref)
        if before is not None and before.lines == lines:
            raise InvalidValue("Budget {budget} says that already.", field="lines", budget=ref)
        if before is not None and not self.why:
            raise InvalidValue(
                "There is a budget {budget} already: say why it changes.", field="why", budget=ref,
            )  # fmt: skip
        body = records.Budget(
            year=self.year, fund=fund, gift=self.gift, lines=lines, resolution=self.resolution, why=self.why
        )
        desk.write(ref, body, about=str(self.year))
        if before is None:
            desk.created.append(ref)
        desk.note("Budget", ref)
        desk.note("Version", str(1 + desk.version(records.Budget.kind, ref)))
        self._note_totals(desk, lines)

    def _fund(self, desk: Desk) -> str:
        """The fund that is budgeted: a gift says its own."""
        require_spendable_fund(desk, self.fund)
        if self.gift is None:
            return str(self.fund)
        gift = desk.get(records.Gift, self.gift, "gift")
        if self.fund not in (gift.fund, FUND):
            raise InvalidValue(
                "Gift {gift} is in fund {fund}.", field="fund", gift=self.gift, fund=gift.fund,
                hint="Name that fund, or none.",
            )  # fmt: skip
        return gift.fund

    def _lines(self, desk: Desk) -> dict[str, int]:
        found: dict[str, int] = {}
        for number, line in enumerate(self.lines):
            field = f"lines.{number}.account"
            kind = desk.tx.value("SELECT kind FROM gl_account WHERE code = ?", line.account)
            if kind is None:
                raise Unknown("There is no account {code} in the chart.", field=field, code=line.account)
            if kind not in ("income", "expense") and line.account not in WRITTEN_OFF_ON:
                raise InvalidValue(
                    "Account {code} ({name}) is neither income, nor expense, nor of assets.", field=field,
                    code=line.account, name=desk.control_name(line.account),
                )  # fmt: skip
            if line.account in found:
                raise InvalidValue("Account {code} stands twice in the budget.", field=field, code=line.account)
            found[line.account] = line.amount
        return dict(sorted(found.items()))

    @staticmethod
    def _note_totals(desk: Desk, lines: dict[str, int]) -> None:
        total = {"income": 0, "expense": 0, "asset": 0}
        for code, amount in lines.items():
            kind, side = desk.tx.row("SELECT kind, side FROM gl_account WHERE code = ?", code) or ("income", "credit")
            total[kind] += amount if (kind == "income") == (side == "credit") else -amount
        desk.note("Income", shown(desk, total["income"]))
        desk.note("Expense", shown(desk, total["expense"]))
        if total["asset"]:
            desk.note("Assets to buy", shown(desk, total["asset"]))
