"""Loss waterfalls: who bears the losses of a fund's loans, and in which order. Two people set one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from coopbank.bank import records
from coopbank.bank.desk import Desk
from coopbank.bank.fields import Counted, Decision, FundRef, Memo, Widget, refuse
from coopbank.bank.operation import SUPERVISOR, TREASURER, Operation
from coopbank.bank.operations.funds import fund_class
from coopbank.bank.operations.products import require_lender
from coopbank.bank.operations.programmes import require_book_reserve
from coopbank.bank.operations.savings import shown
from coopbank.bank.waterfall import ALLOWANCE, KINDS, NOTES, RESERVE, SHARES, SURPLUS
from coopbank.errors import InvalidValue
from coopbank.ledger.chart import POOL

INVESTMENT_SHARES, MEMBERSHIP_SHARES = "903", "901"
#: Money that a donor or a condition binds leaves its fund by release only.
_BOUND = ("restricted", "conditional")
_STEP = re.compile(r"([a-z]+)(?:[ :]+([A-Za-z0-9][A-Za-z0-9._-]{0,39}))??(?:\s+keeps?\s+(\S+))?")


def _read_step(value: Any) -> Any:
    """A step may be written as it is said: `reserve RESERVE keeps 500.00`."""
    if not isinstance(value, str):
        return value
    match = _STEP.fullmatch(value.strip())
    if match is None:
        raise refuse("Write a step as: allowance, reserve ACCOUNT, surplus FUND, notes CLASS, or shares 903.")
    kind, of, keeps = match.groups()
    return {"absorber": kind, "of": of or ""} | ({"keeps": keeps} if keeps else {})


def _read_steps(value: Any) -> Any:
    """Steps may come as one text with a line or a comma between them, or as several."""
    parts = [value] if isinstance(value, str) else value
    if not isinstance(parts, list):
        return value
    lines = [line for part in parts for line in (re.split(r"[\n,;]", part) if isinstance(part, str) else [part])]
    return [line for line in lines if not isinstance(line, str) or line.strip()]


class WaterfallStep(BaseModel):
    """An absorber, whose it is, and what it keeps."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    absorber: Annotated[str, Field(min_length=1, max_length=20)]
    of: Annotated[str, Field(max_length=40)] = ""
    keeps: Counted = 0


Steps = Annotated[
    list[Annotated[WaterfallStep, BeforeValidator(_read_step)]], BeforeValidator(_read_steps),
    Field(min_length=1, max_length=20, title="Who bears a loss, in order (reserve RESERVE keeps 500.00)"),
    Widget("lines"),
]  # fmt: skip


class SetLossWaterfall(Operation):
    """Say who bears the losses of a fund's loans, and in which order. What nobody bears stays with the fund."""

    name: ClassVar[str] = "set-loss-waterfall"
    title: ClassVar[str] = "Set a fund's loss waterfall"
    subject: ClassVar[str] = "funds"
    decided_as: ClassVar[tuple[str, ...]] = ("policy",)
    decided_amount: ClassVar[str] = ""
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    approvers: ClassVar[tuple[str, ...]] = (SUPERVISOR, TREASURER)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False  # the next version changes it

    fund: FundRef = "RLF"
    steps: Steps
    resolution: Decision
    why: Annotated[Memo, Field(title="Why, if it changes an earlier one")] = ""

    def perform(self, desk: Desk) -> None:
        require_lender(desk, self.fund, "fund")
        for number, step in enumerate(self.steps):
            self._require_step(desk, step, f"steps.{number}")
        self._require_order()
        require_book_reserve(desk, self.fund, [step.absorber for step in self.steps])
        steps: list[list[Any]] = [[step.absorber, step.of, step.keeps] for step in self.steps]
        before = desk.find(records.LossWaterfall, self.fund)
        if before is not None and before.steps == steps:
            raise InvalidValue("The waterfall of fund {fund} is that already.", field="steps", fund=self.fund)
        if before is not None and not self.why:
            raise InvalidValue(
                "Fund {fund} has a waterfall already: say why it changes.", field="why", fund=self.fund
            )  # fmt: skip
        desk.write(self.fund, records.LossWaterfall(steps=steps, resolution=self.resolution, why=self.why))
        desk.note("Fund", self.fund)
        for number, step in enumerate(self.steps, start=1):
            keeps = f", {shown(desk, step.keeps)}" if step.keeps else ""
            desk.note(f"{number}", f"{step.absorber} {step.of}".strip() + keeps)

    def _require_step(self, desk: Desk, step: WaterfallStep, field: str) -> None:
        if step.absorber not in KINDS:
            raise InvalidValue(
                "{name} bears no loss.", field=field, name=step.absorber, hint="Choose from: {kinds}.",
                kinds=", ".join(KINDS),
            )  # fmt: skip
        if (step.absorber == ALLOWANCE) != (not step.of) or (step.absorber == ALLOWANCE and step.keeps):
            raise InvalidValue(
                "Say whose it is, but for the allowance, which is the fund's own and used whole.", field=field,
                hint="For example: reserve RESERVE, surplus GEN, notes B, shares 903.",
            )  # fmt: skip
        if step.absorber == RESERVE:
            owner = desk.get(records.BankAccount, step.of, field).fund
            if owner in (POOL, self.fund):
                raise InvalidValue("A reserve has an account of its own.", field=field)
        if step.absorber == SURPLUS and (step.of == POOL or fund_class(desk, step.of, field) in _BOUND):
            raise InvalidValue(
                "Money of fund {fund} is not free to bear a loss: it leaves by release only.", field=field, fund=step.of
            )
        if step.absorber == SHARES and step.of not in (INVESTMENT_SHARES, MEMBERSHIP_SHARES):
            raise InvalidValue("Shares are 901 (membership) or 903 (investment).", field=field)

    def _require_order(self) -> None:
        """The allowance first, membership shares last, nobody twice."""
        names = [(step.absorber, step.of) for step in self.steps]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise InvalidValue("{name} stands twice in the order.", field="steps", name=" ".join(twice).strip())
        if names[0] != (ALLOWANCE, ""):
            raise InvalidValue(
                "A loss goes through the allowance first.", field="steps", hint="Begin with: allowance.",
            )  # fmt: skip
        if (SHARES, MEMBERSHIP_SHARES) in names[:-1]:
            raise InvalidValue("Membership shares bear a loss last.", field="steps")
        _require_notes_before_shares(names)


def _require_notes_before_shares(names: Sequence[tuple[str, str]]) -> None:
    """Who lent for a return is hit before who owns a share."""
    shares = next((place for place, (kind, _of) in enumerate(names) if kind == SHARES), len(names))
    if any(kind == NOTES for kind, _of in names[shares:]):
        raise InvalidValue("Notes bear a loss before shares do.", field="steps")
