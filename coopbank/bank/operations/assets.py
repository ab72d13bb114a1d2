"""Things that last: bought, written off month by month, sold or thrown away.

An asset stands at its cost on 751, 771 or 772, and what was written off of it on 759 or 779,
each on a leaf of its own in the fund that owns it. It is written off in equal parts, a whole
month at a time, from the month in which it came into use (finance/depreciation.py). One
bought from a restricted gift belongs to the general fund and releases the gift, as any
expense does, and such money is spent in no other way; one bought by a fund without a gift stays in that fund.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.asset_plan import (
    WRITTEN_OFF_ON,
    begins,
    due_in,
    is_asset,
    months_before,
    through,
    to_write_off,
)
from coopbank.bank.budgeting import beyond_budget
from coopbank.bank.desk import Desk, Move
from coopbank.bank.fields import (
    AssetRef,
    BankAccountRef,
    Code,
    Counted,
    Day,
    FundRef,
    GiftRef,
    Memo,
    Money,
    Text,
    Widget,
)
from coopbank.bank.operation import ADMINISTRATOR, TELLER, TREASURER, Operation
from coopbank.bank.operations.closing import Month, last_day, require_not_passed
from coopbank.bank.operations.funds import (
    Supplier,
    register_bill,
    release,
    require_own_expense,
    require_spendable_fund,
    supplier_member,
)
from coopbank.bank.operations.savings import FUND, shown
from coopbank.bank.tender import Receiving, bank_place, cash_out, own_drawer
from coopbank.errors import (
    AlreadyExists,
    InvalidAmount,
    InvalidDate,
    InvalidValue,
    Overdrawn,
    PeriodLocked,
    WrongState,
)
from coopbank.finance.depreciation import spread
from coopbank.finance.periods import add_months
from coopbank.ledger import periods
from coopbank.ledger.chart import POOL
from coopbank.words import _

EXPENSE, GAIN, LOSS = "350", "151", "370"

AssetAccount = Annotated[
    Literal["751", "772", "771"], Widget("choice"), Field(title="Account (751 equipment, 772 buildings, 771 land)")
]
LifeMonths = Annotated[int | None, Field(ge=1, le=1200, title="Months of use, unless it is land"), Widget("number")]
Residual = Annotated[Counted, Field(title="What it will still be worth then")]


class _Entering(Operation):
    """Common to what enters an asset in the register."""

    asset_name: Annotated[Text, Field(min_length=1, title="What it is")]
    account: AssetAccount = "751"
    cost: Money
    life_months: LifeMonths = None
    residual: Residual = 0
    in_use_from: Annotated[Day | None, Field(title="In use from, if not today")] = None
    place: Annotated[Text, Field(title="Where it is, or its serial number")] = ""
    fund: FundRef = FUND

    def require_life(self, desk: Desk, taken: int = 0) -> date:
        """The day from which it is in use; refuses a life that an asset of that account cannot have."""
        wears = WRITTEN_OFF_ON[self.account] is not None
        if wears and self.life_months is None:
            raise InvalidValue("{field_name} is missing.", field="life_months", field_name="life_months")
        if not wears and (self.life_months is not None or self.residual or taken):
            raise InvalidValue(
                "Land is not written off.", field="life_months" if self.life_months is not None else "residual",
                hint="Leave the months, the residual value and what was written off out.",
            )  # fmt: skip
        if self.residual + taken > self.cost:
            raise InvalidAmount(
                "What is written off and what it will still be worth, {residual}, are more than its cost, {cost}.",
                field="residual", cost=shown(desk, self.cost), residual=shown(desk, self.residual + taken),
            )  # fmt: skip
        day = self.in_use_from or desk.business_day
        if day > add_months(desk.business_day, 12):
            raise InvalidDate(
                "{day} is more than a year away.", field="in_use_from", day=day,
                hint="Write the day on which it comes into use.",
            )  # fmt: skip
        return day

    def register(
        self, desk: Desk, ref: str, fund: str, used: date, *, bill: str | None = None, gift: str | None = None,
        taken: int = 0, before: int = 0,
    ) -> None:  # fmt: skip
        """Write the asset, and note how fast it is written off."""
        asset = records.Asset(
            name=self.asset_name, account=self.account, fund=fund, cost=self.cost, residual=self.residual,
            life_months=self.life_months, in_use_from=used.isoformat(), booked_on=desk.business_day.isoformat(),
            place=self.place, bill=bill, gift=gift, taken_over=taken, depreciated=taken,
            months_before=before,
        )  # fmt: skip
        desk.write(ref, asset, about=asset.state)
        desk.note("Asset", ref)
        if self.life_months is not None:
            desk.note("Written off a month", shown(desk, spread(to_write_off(asset), 1, self.life_months - before)))


class BuyAsset(_Entering):
    """Buy something that lasts, at once or by a bill that somebody else pays. It is written off over its use."""

    name: ClassVar[str] = "buy-asset"
    title: ClassVar[str] = "Buy an asset"
    subject: ClassVar[str] = "assets"
    roles: ClassVar[tuple[str, ...]] = (TELLER, TREASURER, ADMINISTRATOR)
    since: ClassVar[int] = 2

    supplier: Supplier
    number: Annotated[Text, Field(min_length=1, title="The supplier's number of the bill")]
    tender: Annotated[Literal["transfer", "cash", "bill"], Widget("choice"), Field(title="How")] = "transfer"
    bank_account: Annotated[BankAccountRef | None, Field(title="Bank account (transfer)")] = None
    cheque_number: Annotated[Text | None, Field(title="Number of our cheque or transfer")] = None
    gift: Annotated[GiftRef | None, Field(title="Gift that pays for it")] = None

    def serves(self, desk: Desk) -> set[str]:
        return supplier_member(self.supplier)

    def second_reason(self, desk: Desk) -> str | None:
        if self.tender != "bill":
            return "What is paid at once is agreed by two people."
        if self.gift is not None:
            return "What a gift is spent on is decided by two people."
        beyond = beyond_budget(desk, desk.business_day, self.fund, self.account, self.cost)
        return "This goes beyond the budget of the year." if beyond else None

    def perform(self, desk: Desk) -> None:
        used = self.require_life(desk)
        if self.gift is None:
            require_own_expense(desk, self.fund)
        else:
            require_spendable_fund(desk, self.fund)
        ref = desk.next_ref("asset", "FA-", 3)
        payer, owner, moves = self._bought(desk, f"{self.account}/{ref}")
        self.register(desk, ref, owner, used, gift=self.gift, bill=self._billed(desk, payer))
        memo = f"Asset {ref} of {self.supplier}: {self.number}"
        desk.post(memo, [*moves, *self._paid(desk, payer)])

    def _bought(self, desk: Desk, leaf: str) -> tuple[str, str, list[Move]]:
        """Whose money pays, whose the asset is, and the lines but for the money."""
        if self.gift is None:
            return self.fund, self.fund, [(self.fund, leaf, self.cost)]
        gift, moves = release(desk, self.gift, self.cost, leaf)
        if self.fund not in (gift.fund, FUND):
            raise InvalidValue(
                "Gift {gift} is in fund {fund}.", field="fund", gift=self.gift, fund=gift.fund,
                hint="Name that fund, or none.",
            )  # fmt: skip
        return gift.fund, FUND, moves

    def _billed(self, desk: Desk, payer: str) -> str:
        state = "open" if self.tender == "bill" else "paid"
        return register_bill(
            desk, self.supplier, self.number, self.cost, self.account, payer, gift=self.gift, state=state
        )

    def _paid(self, desk: Desk, payer: str) -> list[Move]:
        if self.tender == "bill":
            return [(payer, f"801/{self.supplier}", -self.cost)]
        if self.tender == "cash":
            return cash_out(POOL, f"739/{own_drawer(desk)}", payer, self.cost)
        return cash_out(*bank_place(desk, self.bank_account), payer, self.cost)


class EnterAsset(_Entering):
    """Enter an asset that stands in the books without a number: taken over at the opening, given, or made."""

    name: ClassVar[str] = "enter-asset"
    title: ClassVar[str] = "Enter an asset that is there"
    subject: ClassVar[str] = "assets"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True

    depreciated: Annotated[Counted, Field(title="Written off until now")] = 0
    stands_on: Annotated[Code | None, Field(title="What follows the account where it stands now (751/OLD)")] = None

    def perform(self, desk: Desk) -> None:
        used = self.require_life(desk, self.depreciated)
        before = self._over_before(desk, used)
        require_spendable_fund(desk, self.fund)
        ref = desk.next_ref("asset", "FA-", 3)
        contra = WRITTEN_OFF_ON[self.account]
        moves = self._moved(desk, self.account, ref, self.cost)
        if contra is not None and self.depreciated:
            moves += self._moved(desk, contra, ref, -self.depreciated)
        self.register(desk, ref, self.fund, used, taken=self.depreciated, before=before)
        desk.post(f"Asset {ref} entered", moves)

    def _over_before(self, desk: Desk, used: date) -> int:
        """The months that what was written off until now pays for: all before this one. None if nothing was.

        What is left is spread over the months that are left. Spread over all of them, the first month here would
        write off once more what the earlier months have written off.
        """
        if self.life_months is None or not self.depreciated:
            return 0
        over = months_before(used, desk.business_day)
        left = self.cost - self.residual - self.depreciated
        if over < self.life_months:
            return over
        if left:
            raise InvalidValue(
                "Its {months} months of use are over, but {left} is still to be written off.", field="life_months",
                months=self.life_months, left=shown(desk, left),
                hint="Count the months from the day on which it came into use, or enter all that was written off.",
            )  # fmt: skip
        return 0

    def _moved(self, desk: Desk, gl_code: str, ref: str, amount: int) -> list[Move]:
        """From the leaf where it stands to one of its own; refuses more than stands there."""
        code = gl_code if self.stands_on is None else f"{gl_code}/{self.stands_on}"
        if is_asset(self.stands_on or ""):
            raise AlreadyExists("{code} is entered already.", field="stands_on", code=self.stands_on)
        if abs(desk.balance(self.fund, code)) < abs(amount):
            raise Overdrawn(
                "Account {code} in fund {fund} has only {available}.", field="cost" if amount > 0 else "depreciated",
                code=code, fund=self.fund, available=shown(desk, abs(desk.balance(self.fund, code))),
            )  # fmt: skip
        return [(self.fund, f"{gl_code}/{ref}", amount), (self.fund, code, -amount)]


# ------------------------------------------------------------------------------- depreciation


class Depreciate(Operation):
    """Write off a month of every asset, in it or after it. What earlier months left open comes along."""

    name: ClassVar[str] = "depreciate"
    title: ClassVar[str] = "Depreciate the assets"
    subject: ClassVar[str] = "assets"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    since: ClassVar[int] = 2

    month: Month

    def second_reason(self, desk: Desk) -> str | None:
        return "It is dated into a month that is over." if last_day(self.month) < desk.business_day else None

    def perform(self, desk: Desk) -> None:
        last = last_day(self.month)
        self._require_month(desk, last)
        due = list(due_in(desk, last))
        if not due:
            raise WrongState("Nothing is left to depreciate in {month}.", field="month", month=self.month)
        self._require_order(desk, due)
        lines: dict[str, int] = {}
        by_fund: dict[str, int] = defaultdict(int)
        moves: list[Move] = []
        for ref, asset in due:
            after, amount = written_off(asset, last)
            desk.write(ref, after, about=after.state)
            lines[ref] = amount
            by_fund[asset.fund] += amount
            moves.append((asset.fund, f"{WRITTEN_OFF_ON[asset.account]}/{ref}", -amount))
        total, on = sum(lines.values()), min(last, desk.business_day)
        if total:
            expense = [(fund, EXPENSE, amount) for fund, amount in by_fund.items()]
            desk.post(f"Depreciation {self.month}", [*expense, *moves], effective_on=on)
        desk.write(self.month, records.Depreciation(on=on.isoformat(), total=total, lines=lines))
        desk.note("Depreciation", shown(desk, total))
        desk.note("Assets", str(len(lines)))

    def _require_month(self, desk: Desk, last: date) -> None:
        if desk.find(records.Depreciation, self.month) is not None:
            raise AlreadyExists("Depreciation of {month} is posted already.", field="month", month=self.month)
        if periods.state(desk.tx, self.month) == periods.LOCKED:
            raise PeriodLocked(
                "{month} is locked already.", field="month", month=self.month,
                hint="Depreciate the next month: what is missing comes along.",
            )  # fmt: skip
        require_not_passed(desk, self.month, "month")
        if last < _founded(desk):
            raise InvalidDate("The books begin on {first}.", field="month", first=_founded(desk))
        if last.replace(day=1) > desk.business_day:
            raise WrongState(
                "{month} has not begun: the books stand at {today}.", field="month", month=self.month,
                today=desk.business_day,
            )  # fmt: skip

    def _require_order(self, desk: Desk, due: list[tuple[str, records.Asset]]) -> None:
        """Refuse while an earlier month, not locked, waits for its own depreciation."""
        month = max(min(begins(asset) for _ref, asset in due), _founded(desk)).replace(day=1)
        while (text := f"{month:%Y-%m}") < self.month:
            open_still = periods.state(desk.tx, text) != periods.LOCKED
            if open_still and desk.find(records.Depreciation, text) is None:
                raise WrongState(
                    "{earlier} is not depreciated yet.", field="month", earlier=text,
                    hint="Depreciate the months in their order.",
                )  # fmt: skip
            month = add_months(month, 1)


def written_off(asset: records.Asset, last: date) -> tuple[records.Asset, int]:
    """The asset written off through the month of a day, and what that adds."""
    total = through(asset, last)
    return asset.model_copy(update={"depreciated": total, "through": f"{last:%Y-%m}"}), total - asset.depreciated


def _founded(desk: Desk) -> date:
    return date.fromisoformat(desk.tx.value("SELECT business_date FROM operation WHERE id = 1"))


# ------------------------------------------------------------------------------------ disposal


class DisposeAsset(Receiving):
    """Sell an asset, give it away or throw it away. What it brings more or less than its book value is gain or loss.

    Months before this one that were not depreciated yet are written off first; this month is not.
    """

    name: ClassVar[str] = "dispose-asset"
    title: ClassVar[str] = "Dispose of an asset"
    subject: ClassVar[str] = "assets"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True

    asset: AssetRef
    proceeds: Annotated[Counted, Field(title="What it was sold for")] = 0
    why: Annotated[Memo, Field(min_length=1, title="Why, and what becomes of it")]

    def perform(self, desk: Desk) -> None:
        asset = desk.get(records.Asset, self.asset, "asset")
        if asset.state != "in use":
            raise WrongState("Asset {asset} is {state}.", field="asset", asset=self.asset, state=_(asset.state))
        asset = self._catch_up(desk, asset)
        contra = WRITTEN_OFF_ON[asset.account]
        value = asset.cost - asset.depreciated
        moves: list[Move] = [(asset.fund, f"{asset.account}/{self.asset}", -asset.cost)]
        if contra is not None:
            moves.append((asset.fund, f"{contra}/{self.asset}", asset.depreciated))
        if self.proceeds:
            moves += self.receive(desk, asset.fund, self.proceeds)
        result = self.proceeds - value
        moves.append((asset.fund, GAIN if result > 0 else LOSS, -result))
        desk.post(f"Asset {self.asset} disposed of", moves)
        gone = {"state": "disposed", "disposed_on": desk.business_day.isoformat(), "proceeds": self.proceeds}
        desk.write(self.asset, asset.model_copy(update={**gone, "why": self.why}), about="disposed")
        desk.note("Book value", shown(desk, value))
        if result:
            desk.note("Gain" if result > 0 else "Loss", shown(desk, abs(result)))

    def _catch_up(self, desk: Desk, asset: records.Asset) -> records.Asset:
        """Write off the months before this one that nobody has depreciated."""
        before = desk.business_day.replace(day=1) - timedelta(days=1)
        if asset.life_months is None or f"{before:%Y-%m}" <= asset.through:
            return asset
        after, amount = written_off(asset, before)
        if amount:
            moves = [
                (asset.fund, EXPENSE, amount),
                (asset.fund, f"{WRITTEN_OFF_ON[asset.account]}/{self.asset}", -amount),
            ]
            desk.post(f"Depreciation of {self.asset} before it goes", moves)
            desk.note("Depreciation", shown(desk, amount))
        return after
