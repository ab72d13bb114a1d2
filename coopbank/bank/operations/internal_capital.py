"""Internal capital accounts: interest on them, a loss that the workers bear, and what is owed to one who leaves (E32).

They are equity of a worker co-op, kept in its own book, and its members are its workers. The surplus comes to them by
`allocate-surplus`: the collective part to 932, of the rest by hours the money part to 823 and what is retained to 950
by vintage. Interest on capital is an expense of its year (386). A loss goes over all accounts pro rata, and never below
zero. Whoever leaves is owed the whole of it (825), and paid by a schedule (`pay-redemption`).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field

from coopbank.bank import equity, groups, records
from coopbank.bank.capital import INTEREST, borne, held
from coopbank.bank.contact import death_of
from coopbank.bank.desk import Desk, Move
from coopbank.bank.equity import CAPITAL
from coopbank.bank.fields import Day, MemberRef, Money, Rate
from coopbank.bank.operation import WORKER_COOP
from coopbank.bank.operations.dividends import Basis, Distribution, Resolution, require_closed, require_earned
from coopbank.bank.operations.savings import FUND, shown
from coopbank.bank.operations.year import Year
from coopbank.errors import AlreadyExists, InvalidAmount, InvalidDate, InvalidValue, Overdrawn, WrongState
from coopbank.finance.distribution import dividend
from coopbank.finance.periods import add_months
from coopbank.ledger import periods
from coopbank.money import split

_EARNINGS, MEMBERSHIP = "940", "901"
_LONGEST = 240  # months that somebody who left may have to wait


class _OfWorkers(Distribution):
    """Common to what is done with the workers' capital."""

    offered_by: ClassVar[tuple[str, ...]] = (WORKER_COOP,)


class CreditCapitalInterest(_OfWorkers):
    """Credit a year's interest to the internal capital accounts. It is an expense of that year."""

    name: ClassVar[str] = "credit-capital-interest"
    title: ClassVar[str] = "Credit interest on internal capital"

    year: Year
    rate: Annotated[Rate, Field(title="Percent a year")]
    basis: Basis = "average"
    resolution: Resolution

    def perform(self, desk: Desk) -> None:
        groups.require_finished(desk, "year")
        day = self._day(desk)
        self._require_rate(desk)
        weights = equity.balance_weights(desk, CAPITAL, self.year, self.basis, desk.number, undone=False)
        shares = dividend(self.rate, weights, equity.days_in(self.year))
        total = sum(shares.values())
        if not total:
            raise WrongState(
                "On the internal capital of {year} this comes to nothing.", field="year", year=self.year,
                hint="Look who had any with: coopbank capital {year}",
            )  # fmt: skip
        require_earned(desk, equity.earnings(desk) + equity.result_so_far(desk, self.year), total)
        moves: list[Move] = [(FUND, INTEREST, total), *credited(desk, self.year, shares)]
        desk.post(f"Interest {self.year} on internal capital, {self.rate} %", moves, effective_on=day)
        body = records.CapitalInterest(
            rate=self.rate, basis=self.basis, total=total, members=len(shares), resolution=self.resolution,
            on=desk.business_day.isoformat(),
        )  # fmt: skip
        desk.write(self.year, body)
        desk.note("Interest", shown(desk, total))
        desk.note("Members", str(len(shares)))

    def _day(self, desk: Desk) -> date:
        """The last day of the year, which is over and not closed: the interest is an expense of it."""
        _first, last = equity.year_days(self.year)
        if desk.business_day < last:
            raise WrongState(
                "{year} is not over: the books stand at {today}.", field="year", year=self.year,
                today=desk.business_day, hint="Interest is credited once the year is over.",
            )  # fmt: skip
        if desk.find(records.CapitalInterest, self.year) is not None:
            raise AlreadyExists(
                "Interest on internal capital of {year} is credited already.", field="year", year=self.year,
                hint="Reverse that one first, if it was wrong.",
            )  # fmt: skip
        if periods.state(desk.tx, self.year) == periods.LOCKED:
            raise WrongState(
                "{year} is closed, and interest on capital is an expense of that year.", field="year", year=self.year,
                hint="Reopen the year first (reopen-year).",
            )  # fmt: skip
        return last

    def _require_rate(self, desk: Desk) -> None:
        if not Decimal(self.rate):
            raise InvalidValue("Interest of nothing is none.", field="rate", hint="Write percent a year, such as 2.")
        cap = str(desk.policy("dividend_cap", "8"))
        if Decimal(self.rate) > Decimal(cap):
            raise InvalidAmount(
                "Interest of {rate} % on capital is above the cap of {cap} %.", field="rate", rate=self.rate, cap=cap,
                hint="The cap is a policy (dividend_cap).",
            )  # fmt: skip


class ShareLoss(_OfWorkers):
    """Let the internal capital accounts bear a closed year's loss, each in proportion, never below zero."""

    name: ClassVar[str] = "share-loss"
    title: ClassVar[str] = "Share a loss over internal capital"

    year: Year
    amount: Annotated[Money | None, Field(title="Amount, if not all that is not made good")] = None
    resolution: Resolution

    def perform(self, desk: Desk) -> None:
        groups.require_finished(desk, "year")
        require_closed(desk, self.year)
        capital = held(desk)
        most = self._most(desk)
        amount = min(most, sum(capital.values())) if self.amount is None else self.amount
        if amount > most:
            raise InvalidAmount(
                "Only {most} of the loss of {year} is not made good.", field="amount", most=shown(desk, most),
                year=self.year, hint="Write that amount, or less.",
            )  # fmt: skip
        if not amount or amount > sum(capital.values()):
            raise Overdrawn(
                "The internal capital accounts hold {held} together.", field="amount" if self.amount else "year",
                held=shown(desk, sum(capital.values())), hint="What they cannot bear stays in undivided earnings.",
            )  # fmt: skip
        parts = borne(amount, capital)
        desk.know_leaves(FUND, CAPITAL)
        moves: list[Move] = [(FUND, f"{CAPITAL}/{contract}", part) for contract, part in parts.items()]
        desk.post(f"Loss of {self.year} borne by internal capital", [*moves, (FUND, _EARNINGS, -amount)])
        members = len({contract.partition("/")[0] for contract in parts})
        body = records.CapitalLoss(
            amount=amount, members=members, resolution=self.resolution, on=desk.business_day.isoformat()
        )
        desk.write(self.year, body)
        desk.note("Borne", shown(desk, amount))
        desk.note("Members", str(members))
        desk.note("Not made good", shown(desk, most - amount))

    def _most(self, desk: Desk) -> int:
        """What of the year's loss earlier and later earnings have not made good."""
        if desk.find(records.CapitalLoss, self.year) is not None:
            raise AlreadyExists(
                "The loss of {year} is shared already.", field="year", year=self.year,
                hint="Reverse that one first, if it was wrong.",
            )  # fmt: skip
        result = desk.get(records.YearClose, self.year, "year").results.get(FUND, 0)
        if result >= 0:
            raise WrongState(
                "{year} ended with no loss.", field="year", year=self.year, hint="Look which year is meant."
            )
        most = min(-result, -equity.earnings(desk))
        if most <= 0:
            raise WrongState(
                "The loss of {year} is made good: undivided earnings are {held}.", field="year", year=self.year,
                held=shown(desk, equity.earnings(desk)), hint="Nothing is left to be borne.",
            )  # fmt: skip
        return most


class ReturnCapital(_OfWorkers):
    """A worker leaves or has died: all their internal capital becomes payable, in equal parts by a schedule."""

    name: ClassVar[str] = "return-capital"
    title: ClassVar[str] = "Return a worker's internal capital"

    member: MemberRef
    installments: Annotated[int, Field(ge=1, le=60, title="Payments")] = 1
    months: Annotated[int, Field(ge=1, le=60, title="Months between them")] = 12
    first_on: Annotated[Day | None, Field(title="First payment on, if not today")] = None
    resolution: Resolution

    def perform(self, desk: Desk) -> None:
        desk.get(records.Member, self.member, "member")
        groups.require_finished(desk, "member")
        self._require_leaving(desk)
        first = self.first_on or desk.business_day
        if first < desk.business_day:
            raise InvalidDate(
                "The first payment on {day} lies in the past.", field="first_on", day=first,
                hint="Name today or a later day.",
            )  # fmt: skip
        if (self.installments - 1) * self.months > _LONGEST:
            raise InvalidValue(
                "The last payment would come in {months} months; write up to {most}.", field="installments",
                months=(self.installments - 1) * self.months, most=_LONGEST, hint="Fewer payments, or closer together.",
            )  # fmt: skip
        capital = held(desk, self.member)
        total = sum(capital.values())
        if total < self.installments:
            raise Overdrawn(
                "{member} has {held} of internal capital.", field="installments" if total else "member",
                member=self.member, held=shown(desk, total), year=desk.business_day.year,
                hint="Look what there is with: coopbank capital {year}",
            )  # fmt: skip
        owed = f"{equity.REDEMPTIONS}/{self.member}"
        desk.leaf_id(FUND, owed, self.member)
        moves: list[Move] = [(FUND, f"{CAPITAL}/{contract}", amount) for contract, amount in capital.items()]
        desk.post(f"Internal capital of {self.member} returned", [*moves, (FUND, owed, -total)])
        self._schedule(desk, total, first)

    def _require_leaving(self, desk: Desk) -> None:
        """Who stays gets capital back vintage by vintage, as everybody does (redeem-patronage)."""
        shares = -desk.balance(FUND, f"{MEMBERSHIP}/{self.member}")
        if shares > 0 and death_of(desk, self.member) is None:
            raise WrongState(
                "{member} still holds membership shares of {held}: capital is returned to who leaves.", field="member",
                member=self.member, held=shown(desk, shares),
                hint="Accept the shares for redemption first (accept-redemption).",
            )  # fmt: skip

    def _schedule(self, desk: Desk, total: int, first: date) -> None:
        for number, part in enumerate(split(total, [1] * self.installments)):
            due = add_months(first, number * self.months)
            ref = desk.next_ref(records.Redemption.kind, "RD-", 5)
            body = records.Redemption(
                member=self.member, share_class=CAPITAL, amount=part, accepted_on=desk.business_day.isoformat(),
                payable_on=due.isoformat(),
            )  # fmt: skip
            desk.write(ref, body, about=body.state)
            desk.note(f"{ref}, {due}", shown(desk, part))


def credited(desk: Desk, vintage: str, shares: dict[str, int]) -> list[Move]:
    """Lines that add to the workers' accounts of a vintage, each opened if need be."""
    known = desk.know_leaves(FUND, CAPITAL)
    for member in shares:
        if f"{member}/{vintage}" not in known:
            desk.open_leaf(FUND, f"{CAPITAL}/{member}/{vintage}", holder=member)
    return [(FUND, f"{CAPITAL}/{member}/{vintage}", -amount) for member, amount in shares.items()]
