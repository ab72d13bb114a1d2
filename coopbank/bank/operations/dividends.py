"""Dividends on shares: declared for a year on a class, and paid.

How a class is presented decides the entry. A class that is a *liability* has its dividend as an expense of the year
(381), dated in it, before its result is known. A class that is *equity* gets a distribution out of undivided earnings
(940), after the year was closed. Never one without the other. In both a loss must have been made good, the rate stays
within the cap of law and bylaws, and subscriptions (875) get nothing: no share was issued for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from coopbank.bank import equity, groups, records
from coopbank.bank.books import Books
from coopbank.bank.borne import borne, days_of_expense
from coopbank.bank.desk import Desk, Move
from coopbank.bank.fields import Decision, Percent, Rate, Widget
from coopbank.bank.operation import (
    ADMINISTRATOR,
    CREDIT_UNION,
    SUPERVISOR,
    TREASURER,
    UNCHARTERED,
    WORKER_COOP,
    Operation,
)
from coopbank.bank.operations.payouts import PayOut
from coopbank.bank.operations.savings import FUND, shown
from coopbank.bank.operations.shares import ShareClassCode
from coopbank.bank.operations.year import Year
from coopbank.errors import AlreadyExists, InvalidAmount, InvalidDate, InvalidValue, Overdrawn, WrongState
from coopbank.finance.distribution import dividend
from coopbank.ledger import periods
from coopbank.ledger.posting import head
from coopbank.money import split

LIABILITY = "liability"
_EXPENSE, _EARNINGS = "381", "940"

Resolution = Annotated[Decision, Field(title="Resolution: who decided it, and when")]

Basis = Annotated[
    Literal["average", "year-end"], Widget("choice"), Field(title="On the average balance, or that of the year's end")
]
"""Which balance of a year a dividend, or interest on capital, is reckoned on."""


class SetShareClass(Operation):
    """Set how a class of shares is presented, what its dividend may be at most, and how it is redeemed."""

    name: ClassVar[str] = "set-share-class"
    title: ClassVar[str] = "Set the terms of a class of shares"
    subject: ClassVar[str] = "shares"
    decided_as: ClassVar[tuple[str, ...]] = ("policy",)
    decided_amount: ClassVar[str] = ""
    roles: ClassVar[tuple[str, ...]] = (TREASURER, ADMINISTRATOR)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False  # the next version changes it

    share_class: ShareClassCode
    presentation: Annotated[
        Literal["equity", "liability"] | None, Widget("choice"), Field(title="Presented as (empty: as before)")
    ] = None
    dividend_cap: Annotated[Rate | None, Field(title="Dividend at most, percent a year")] = None
    notice_days: Annotated[int | None, Field(ge=0, le=3650, title="Days of notice before a redemption is paid")] = None
    yearly_cap: Annotated[Percent | None, Field(title="Redeemed in a year at most, percent of the class")] = None
    queue: Annotated[bool | None, Field(title="Redemptions are paid in the order of their acceptance")] = None
    resolution: Resolution
    installments: Annotated[
        Literal["waiting", "at-once"] | None,
        Widget("choice"),
        Field(title="Instalments: waiting until a share is full, or shares at once"),
    ] = None

    def perform(self, desk: Desk) -> None:
        before = desk.get(records.ShareClass, self.share_class, "share_class")
        asked = {
            "presentation": self.presentation, "dividend_cap": self.dividend_cap, "notice_days": self.notice_days,
            "yearly_cap": self.yearly_cap, "queue": self.queue, "installments": self.installments,
        }  # fmt: skip
        changes = {name: value for name, value in asked.items() if value is not None and value != getattr(before, name)}
        if not changes:
            raise InvalidValue(
                "Class {share_class} is that already.", field="share_class", share_class=self.share_class
            )
        if changes.get("installments") == "waiting":
            self._require_none_in_part(desk, before.par)
        desk.write(self.share_class, before.model_copy(update={**changes, "resolution": self.resolution}))
        for name in changes:
            desk.note(str(type(self).model_fields[name].title), str(changes[name]))

    def _require_none_in_part(self, desk: Desk, par: int) -> None:
        """Refuse to make whole shares the rule while somebody holds a part of one."""
        for leaf in desk.leaves(self.share_class, FUND):
            if leaf.balance % par:
                raise WrongState(
                    "{member} holds {held}, which is no whole number of shares.", field="installments",
                    member=leaf.contract, held=shown(desk, -leaf.balance),
                    hint="Let them pay the rest, or pay it back, before the rule changes.",
                )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Reckoned:
    """Each member's dividend, in minor units, as the books stood at an operation."""

    head: int
    shares: dict[str, int]
    plan: groups.Plan | None


class Distribution(Operation):
    """Common to what shares a result, or members' capital, among all members, as the assembly has decided."""

    subject: ClassVar[str] = "surplus"
    decided_as: ClassVar[tuple[str, ...]] = ("surplus",)
    decided_amount: ClassVar[str] = ""
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    approvers: ClassVar[tuple[str, ...]] = (SUPERVISOR, TREASURER, ADMINISTRATOR)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True
    carries_out: ClassVar[bool] = True  # one before it may still be on its way to the accounts
    offered_by: ClassVar[tuple[str, ...]] = (UNCHARTERED, CREDIT_UNION, WORKER_COOP)


class DeclareDividend(Distribution):
    """Declare a year's dividend on a class of shares. It is payable to each member from then on."""

    name: ClassVar[str] = "declare-dividend"
    title: ClassVar[str] = "Declare a dividend"
    subject: ClassVar[str] = "shares"
    reckons_ahead: ClassVar[bool] = True

    year: Year
    rate: Annotated[Rate, Field(title="Percent a year")]
    share_class: ShareClassCode = "903"
    basis: Basis = "average"
    resolution: Resolution

    def reckon(self, books: Books) -> _Reckoned | None:
        """The part of every member, of whom a hundred thousand take seconds."""
        return self._reckoned(books, head(books.tx).number)

    def _reckoned(self, books: Books, upto: int) -> _Reckoned:
        weights = equity.balance_weights(books, self.share_class, self.year, self.basis, upto)
        shares = dividend(self.rate, weights, equity.days_in(self.year))
        plan = groups.plan(books, [[(equity.DIVIDENDS, member, amount)] for member, amount in shares.items()])
        return _Reckoned(upto, shares, plan)

    def _still_right(self, desk: Desk) -> _Reckoned | None:
        """What was reckoned before the book was locked, unless shares of the class have moved since."""
        ahead = desk.reckoned
        if not isinstance(ahead, _Reckoned) or desk.moved_since(ahead.head, self.share_class):
            return None
        return ahead

    def perform(self, desk: Desk) -> None:
        kind = desk.get(records.ShareClass, self.share_class, "share_class")
        day = self._day(desk, kind)
        if not Decimal(self.rate):
            raise InvalidValue("A dividend of nothing is none.", field="rate")
        require_under_cap(desk, kind, self.rate)
        reckoned = self._still_right(desk) or self._reckoned(desk, desk.number)
        shares, plan = reckoned.shares, reckoned.plan
        total = sum(shares.values())
        if not total:
            raise WrongState("Nobody held shares {share_class} in {year}.", field="year", share_class=self.share_class,
                             year=self.year)  # fmt: skip
        source, there = _EARNINGS, 0
        if kind.presentation == LIABILITY:
            source = _EXPENSE
            there = borne(desk, records.Dividend, f"{self.year}-{self.share_class}", (FUND, source), day)
        self._require_earned(desk, kind, total, there)
        memo = f"Dividend {self.year} on {self.share_class}, {self.rate} %"
        for on, part in days_of_expense(desk, total, day, there):
            if plan is None:
                of_day = dict(zip(shares, split(part, list(shares.values())), strict=True))
                shares = {member: amount - of_day[member] for member, amount in shares.items()}
                payable = payable_to(desk, equity.DIVIDENDS, {each: of for each, of in of_day.items() if of})
            else:
                payable = [(FUND, equity.DIVIDENDS, -part)]
            desk.post(memo, [(FUND, source, part), *payable], effective_on=on)
        if plan is not None:
            groups.pass_on(desk, DeclareDividendPart, {"year": self.year, "share_class": self.share_class}, memo, plan)
        write_dividend(
            desk, self.year, self.share_class, kind, rate=self.rate, basis=self.basis, total=total, members=len(shares),
            resolution=self.resolution,
        )  # fmt: skip
        desk.note("Dividend", shown(desk, total))
        desk.note("Members", str(len(shares)))

    def _day(self, desk: Desk, kind: records.ShareClass) -> date:
        """The day of the entry: in the year for an expense, today for a distribution, after the year was closed."""
        _first, last = equity.year_days(self.year)
        if desk.business_day < last:
            raise WrongState(
                "{year} is not over: the books stand at {today}.", field="year", year=self.year,
                today=desk.business_day,
            )  # fmt: skip
        founded = date.fromisoformat(desk.tx.value("SELECT business_date FROM operation WHERE id = 1"))
        if last < founded:
            raise InvalidDate("The books begin on {first}.", field="year", first=founded)
        require_undeclared(desk, self.year, self.share_class)
        closed = periods.state(desk.tx, self.year) == periods.LOCKED
        if kind.presentation == LIABILITY and closed:
            raise WrongState(
                "{year} is closed, and a dividend on {share_class} is an expense of that year.", field="year",
                year=self.year, share_class=self.share_class, hint="Reopen the year first (reopen-year).",
            )  # fmt: skip
        if kind.presentation != LIABILITY:
            require_closed(desk, self.year)
            return desk.business_day
        return last

    def _require_earned(self, desk: Desk, kind: records.ShareClass, total: int, there: int) -> None:
        """Refuse what is not earned; what the year bears of a dividend that was taken back costs nothing more."""
        held = equity.earnings(desk)
        if kind.presentation == LIABILITY:
            held += equity.result_so_far(desk, self.year) + there
        require_earned(desk, held, total)


class DeclareDividendPart(groups.Part):
    """The dividend of a year, made payable to some of the members."""

    name: ClassVar[str] = "declare-dividend-part"
    title: ClassVar[str] = "Dividend, a part"
    subject: ClassVar[str] = "shares"

    year: Year
    share_class: ShareClassCode


class PayDividendPart(groups.Part):
    """Dividends that were declared, paid into the savings of some of the members."""

    name: ClassVar[str] = "pay-dividend-part"
    title: ClassVar[str] = "Dividends into savings, a part"
    subject: ClassVar[str] = "shares"


class PayDividend(PayOut):
    """Pay dividends that were declared: one member's, or all into the members' savings."""

    name: ClassVar[str] = "pay-dividend"
    title: ClassVar[str] = "Pay dividends"
    subject: ClassVar[str] = "shares"
    payable: ClassVar[str] = equity.DIVIDENDS
    what: ClassVar[str] = "Dividend"
    carried_by: ClassVar[type[groups.Part]] = PayDividendPart


# ------------------------------------------------------------------------------- shared with the surplus


def require_closed(desk: Desk, year: str) -> None:
    """Refuse a year whose result is not final."""
    if desk.find(records.YearClose, year) is None or periods.state(desk.tx, year) != periods.LOCKED:
        raise WrongState(
            "{year} is not closed: its result is not final.", field="year", year=year,
            hint="Close it first (close-year).",
        )  # fmt: skip


def require_undeclared(desk: Desk, year: str, share_class: str, field: str = "year") -> None:
    """Refuse a second dividend on a class for the same year."""
    if desk.find(records.Dividend, f"{year}-{share_class}") is not None:
        raise AlreadyExists(
            "The dividend of {year} on {share_class} is declared already.", field=field, year=year,
            share_class=share_class, hint="Reverse that one first, if nothing of it was paid.",
        )  # fmt: skip


def require_under_cap(desk: Desk, kind: records.ShareClass, rate: str, field: str = "rate") -> None:
    """Refuse a rate above the cap of the class, or of the law (policy `dividend_cap`)."""
    cap = kind.dividend_cap or str(desk.policy("dividend_cap", "8"))
    if Decimal(rate) > Decimal(cap):
        raise InvalidAmount(
            "A dividend of {rate} % is above the cap of {cap} %.", field=field, rate=rate, cap=cap,
            hint="The cap is a policy (dividend_cap), or a term of the class (set-share-class).",
        )  # fmt: skip


def require_earned(desk: Desk, held: int, total: int, field: str = "rate") -> None:
    """Refuse to distribute while a loss is not made good, or more than undivided earnings hold."""
    if held <= 0:
        raise WrongState(
            "There are no earnings to distribute: a loss of {loss} is not made good.", field=field,
            loss=shown(desk, -held),
        )  # fmt: skip
    if total > held:
        raise Overdrawn(
            "Undivided earnings are {held}; {total} would be distributed.", field=field, held=shown(desk, held),
            total=shown(desk, total),
        )  # fmt: skip


def payable_to(desk: Desk, control: str, shares: dict[str, int]) -> list[Move]:
    """Lines that make amounts payable to members, each on their own leaf, opened if need be."""
    known = desk.know_leaves(FUND, control)
    for member in shares:
        if member not in known:
            desk.open_leaf(FUND, f"{control}/{member}", holder=member)
    return [(FUND, f"{control}/{member}", -amount) for member, amount in shares.items()]


def write_dividend(
    desk: Desk, year: str, share_class: str, kind: records.ShareClass, *, rate: str, basis: str, total: int,
    members: int, resolution: str,
) -> None:  # fmt: skip
    """The record of a dividend."""
    body = records.Dividend(
        year=year, share_class=share_class, rate=rate, basis=basis, presentation=kind.presentation, total=total,
        members=members, resolution=resolution, on=desk.business_day.isoformat(),
    )  # fmt: skip
    desk.write(f"{year}-{share_class}", body, about=year)
