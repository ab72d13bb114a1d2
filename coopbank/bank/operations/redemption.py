"""Giving members' equity back: the money part of patronage, retained patronage by vintage, shares by notice.

Retained patronage is redeemed oldest vintage first, over all members at once, and becomes payable (823). Shares that
a member gives back are accepted first (901 to 825: they are no shares any more, and the bank owes the money), and paid
when the terms of their class allow: after the days of notice, within the year's cap, in the order of acceptance.
Nothing is set off against what a member owes, but by an operation of its own where bylaw and product allow it
(set_off.py); a late loan may keep one share here, by its product (`keeps_share`). Non-extractive loans do neither.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, ClassVar

from pydantic import Field

from coopbank.bank import equity, groups, records
from coopbank.bank.desk import Desk, Move
from coopbank.bank.equity import RETAINED
from coopbank.bank.fields import Code, MemberRef, Money
from coopbank.bank.loan_rules import require_share_kept
from coopbank.bank.operation import (
    TELLER,
    TREASURER,
    Operation,
)
from coopbank.bank.operations.dividends import Distribution, Resolution
from coopbank.bank.operations.members import require_alive
from coopbank.bank.operations.payouts import PayOut
from coopbank.bank.operations.savings import FUND, shown
from coopbank.bank.operations.shares import ShareClassCode, require_held, require_whole
from coopbank.bank.operations.year import Year
from coopbank.bank.tender import Paying
from coopbank.errors import InvalidAmount, Overdrawn, WrongState
from coopbank.finance.distribution import percent_of
from coopbank.ledger.posting import Leaf
from coopbank.money import split

_MEMBERS_CAPITAL = ("901", "903", "905", *RETAINED)


class PayPatronagePart(groups.Part):
    """Patronage that is payable, paid into the savings of some of the members."""

    name: ClassVar[str] = "pay-patronage-part"
    title: ClassVar[str] = "Patronage into savings, a part"
    subject: ClassVar[str] = "surplus"


class PayPatronage(PayOut):
    """Pay patronage that is payable: one member's, or all into the members' savings."""

    name: ClassVar[str] = "pay-patronage"
    title: ClassVar[str] = "Pay patronage"
    subject: ClassVar[str] = "surplus"
    payable: ClassVar[str] = equity.PATRONAGE
    what: ClassVar[str] = "Patronage"
    carried_by: ClassVar[type[groups.Part]] = PayPatronagePart


class RedeemPatronage(Distribution):
    """Make retained patronage of the oldest vintage payable, to all members at once: all of it, or a part pro rata."""

    name: ClassVar[str] = "redeem-patronage"
    title: ClassVar[str] = "Redeem retained patronage"
    decided_amount: ClassVar[str] = "amount"

    vintage: Annotated[Year, Field(title="Vintage (the year that it was earned in)")]
    amount: Annotated[Money | None, Field(title="Amount of all members together, if not all of it")] = None
    resolution: Resolution

    def perform(self, desk: Desk) -> None:
        groups.require_finished(desk, "vintage")
        oldest = oldest_vintage(desk)
        if oldest is None or oldest > self.vintage:
            raise Overdrawn("Nothing of vintage {vintage} is retained.", field="vintage", vintage=self.vintage)
        if oldest < self.vintage:
            raise WrongState(
                "Vintage {older} comes before {vintage}: the oldest is redeemed first.", field="vintage", older=oldest,
                vintage=self.vintage,
            )  # fmt: skip
        leaves = retained(desk, self.vintage)
        held = [-leaf.balance for leaf in leaves]
        amount = sum(held) if self.amount is None else self.amount
        if amount > sum(held):
            raise Overdrawn(
                "Only {held} of vintage {vintage} is retained.", field="amount", held=shown(desk, sum(held)),
                vintage=self.vintage,
            )  # fmt: skip
        require_reserve(desk, amount)
        parts = split(amount, held)
        desk.post(f"Patronage of {self.vintage} redeemed", self._moves(desk, leaves, parts))
        members = len({leaf.contract.partition("/")[0] for leaf in leaves})
        taxable = sum(part for leaf, part in zip(leaves, parts, strict=True) if leaf.gl_code == equity.NONQUALIFIED)
        body = records.PatronageRedeemed(
            vintage=self.vintage, amount=amount, members=members, nonqualified=taxable, resolution=self.resolution,
            on=desk.business_day.isoformat(),
        )  # fmt: skip
        desk.write(f"{self.vintage}-{desk.number}", body, about=self.vintage)
        desk.note("Redeemed", shown(desk, amount))
        desk.note("Members", str(members))
        if taxable:
            desk.note("Taxable to the member now", shown(desk, taxable))

    @staticmethod
    def _moves(desk: Desk, leaves: list[Leaf], parts: list[int]) -> list[Move]:
        holders = dict(
            desk.tx.rows("SELECT id, holder FROM account WHERE gl_code IN (?, ?, ?) AND fund = ?", *RETAINED, FUND)
        )
        for control in RETAINED:
            desk.know_leaves(FUND, control)
        known = {f"{equity.PATRONAGE}/{contract}" for contract in desk.know_leaves(FUND, equity.PATRONAGE)}
        moves: list[Move] = []
        payable: dict[str, int] = {}
        for leaf, part in zip(leaves, parts, strict=True):
            target = f"{equity.PATRONAGE}/{leaf.contract.partition('/')[0]}"
            if target not in known:
                desk.open_leaf(FUND, target, holder=holders[leaf.id])
                known.add(target)
            moves.append((FUND, leaf.code, part))
            payable[target] = payable.get(target, 0) + part
        return moves + [(FUND, target, -part) for target, part in payable.items()]


class AcceptRedemption(Operation):
    """Accept shares that a member gives back. They are paid when notice, cap and queue of their class allow."""

    name: ClassVar[str] = "accept-redemption"
    title: ClassVar[str] = "Accept shares for redemption"
    subject: ClassVar[str] = "shares"
    roles: ClassVar[tuple[str, ...]] = (TELLER, TREASURER)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True

    member: MemberRef
    amount: Money
    share_class: ShareClassCode = "901"

    def perform(self, desk: Desk) -> None:
        desk.get(records.Member, self.member, "member")
        require_alive(desk, self.member)
        kind = desk.get(records.ShareClass, self.share_class, "share_class")
        code, owed = f"{self.share_class}/{self.member}", f"{equity.REDEMPTIONS}/{self.member}"
        require_whole(desk, self.amount, kind, code)
        held = require_held(desk, self.member, code, self.amount)
        require_share_kept(desk, self.member, self.share_class, kind.par, held - self.amount)
        desk.leaf_id(FUND, owed, self.member)
        ref = desk.next_ref(records.Redemption.kind, "RD-", 5)
        desk.post(f"Redemption {ref} accepted", [(FUND, code, self.amount), (FUND, owed, -self.amount)])
        payable = desk.business_day + timedelta(days=kind.notice_days)
        body = records.Redemption(
            member=self.member, share_class=self.share_class, amount=self.amount,
            accepted_on=desk.business_day.isoformat(), payable_on=payable.isoformat(),
        )  # fmt: skip
        desk.write(ref, body, about=body.state)
        desk.note("Redemption", ref)
        desk.note("Payable from", payable.isoformat())
        desk.note("Shares left", shown(desk, held - self.amount))


class PayRedemption(Paying):
    """Pay shares that were accepted for redemption, when the terms of their class allow."""

    name: ClassVar[str] = "pay-redemption"
    title: ClassVar[str] = "Pay redeemed shares"
    subject: ClassVar[str] = "shares"
    roles: ClassVar[tuple[str, ...]] = (TELLER, TREASURER)
    since: ClassVar[int] = 2

    redemption: Annotated[Code, Field(title="Redemption, RD-00001")]

    def serves(self, desk: Desk) -> set[str]:
        found = desk.find(records.Redemption, self.redemption)
        return set() if found is None else {found.member}

    def moves(self, desk: Desk) -> int | None:
        found = desk.find(records.Redemption, self.redemption)
        return None if found is None else found.amount

    def perform(self, desk: Desk) -> None:
        found = desk.get(records.Redemption, self.redemption, "redemption")
        if found.state != "waiting":
            raise WrongState("Redemption {redemption} is paid.", field="redemption", redemption=self.redemption)
        require_alive(desk, found.member, "redemption")
        if desk.business_day.isoformat() < found.payable_on:
            raise WrongState(
                "The days of notice are not over: {redemption} is payable from {day}.", field="redemption",
                redemption=self.redemption, day=found.payable_on,
            )  # fmt: skip
        if found.share_class != equity.CAPITAL:  # what a worker leaves behind is paid by its schedule
            kind = desk.get(records.ShareClass, found.share_class, "redemption")
            self._require_turn(desk, found, kind)
            _require_under_cap(desk, found, kind)
        require_reserve(desk, found.amount, "redemption")
        moves = [(FUND, f"{equity.REDEMPTIONS}/{found.member}", found.amount), *self.pay(desk, FUND, found.amount)]
        desk.post(f"Redemption {self.redemption} paid", moves)
        settled(desk, self.redemption, found)
        desk.note("Paid", shown(desk, found.amount))

    def _require_turn(self, desk: Desk, found: records.Redemption, kind: records.ShareClass) -> None:
        """Refuse to pay before an earlier one of the class that could be paid too."""
        if not kind.queue:
            return
        today = desk.business_day.isoformat()
        dead = {ref for ref, death in desk.every(records.Death) if death.state == "recorded"}
        for ref, other in desk.about(records.Redemption, "waiting"):
            earlier = (len(ref), ref) < (len(self.redemption), self.redemption)
            due = other.payable_on <= today and other.member not in dead
            if earlier and due and other.share_class == found.share_class:
                raise WrongState(
                    "Redemption {earlier} was accepted before {redemption}.", field="redemption", earlier=ref,
                    redemption=self.redemption, hint="They are paid in the order of their acceptance.",
                )  # fmt: skip


def settle(desk: Desk, member: str, amount: int) -> None:
    """Whoever else is paid what was owed for redemptions (an estate): the earliest, each whole, none before its day."""
    waiting = sorted(
        (body.payable_on, len(ref), ref, body)
        for ref, body in desk.about(records.Redemption, "waiting")
        if body.member == member
    )
    sums: list[int] = []
    for payable_on, _length, ref, body in waiting:
        if sums and sums[-1] >= amount:
            break
        if desk.business_day.isoformat() < payable_on:
            raise WrongState(
                "The days of notice are not over: {redemption} is payable from {day}.", field="account", redemption=ref,
                day=payable_on,
            )  # fmt: skip
        sums.append((sums[-1] if sums else 0) + body.amount)
        settled(desk, ref, body)
    if sums and sums[-1] != amount:
        raise InvalidAmount(
            "Redemptions are paid whole, the earliest first: {sums}.", field="amount",
            sums=", ".join(shown(desk, each) for each in sums), hint="Write one of these amounts.",
        )  # fmt: skip


def settled(desk: Desk, ref: str, body: records.Redemption) -> None:
    """A redemption is waiting no more."""
    paid = body.model_copy(update={"state": "paid", "paid_on": desk.business_day.isoformat()})
    desk.write(ref, paid, about=paid.state)


def _require_under_cap(desk: Desk, found: records.Redemption, kind: records.ShareClass) -> None:
    """Refuse to redeem more of a class in a year than its cap, a percentage of what the class was as the year began."""
    if not kind.yearly_cap:
        return
    year = str(desk.business_day.year)
    began = int(
        desk.tx.value(
            "SELECT coalesce(sum(credit - debit), 0) FROM control_total WHERE length(span) = 7 AND span < ?"
            " AND gl_code = ? AND fund = ? AND currency = ?",
            f"{year}-01", found.share_class, FUND, desk.currency,
        )
    )  # fmt: skip
    paid = sum(
        other.amount
        for _ref, other in desk.about(records.Redemption, "paid")
        if other.share_class == found.share_class and (other.paid_on or "").startswith(year)
    )
    most = int(percent_of(kind.yearly_cap, Fraction(began)))
    if paid + found.amount > most:
        raise WrongState(
            "At most {most} of shares {share_class} is redeemed in {year}; {paid} was.", field="redemption",
            most=shown(desk, most), share_class=found.share_class, year=year, paid=shown(desk, paid),
            hint="It waits for the next year, or for another decision on the class (set-share-class).",
        )  # fmt: skip


def require_reserve(desk: Desk, amount: int, field: str = "amount") -> None:
    """Refuse to give equity back while reserves are below their percentage of members' capital (policy)."""
    percent = str(desk.policy("redemption_reserve", "0"))
    if not Decimal(percent):
        return
    held = -sum(desk.balance(FUND, code) for code in equity.RESERVES)
    marks = ", ".join("?" * len(_MEMBERS_CAPITAL))
    capital = -int(
        desk.tx.value(
            "SELECT coalesce(sum(b.debit - b.credit), 0) FROM account a JOIN balance b ON b.account_id = a.id"
            f" WHERE a.fund = ? AND a.gl_code IN ({marks})", FUND, *_MEMBERS_CAPITAL,
        )
    )  # fmt: skip
    wanted = percent_of(percent, Fraction(capital))
    if held < wanted:
        raise InvalidAmount(
            "Reserves are {held}, less than {percent} % of members' capital of {capital}: nothing is redeemed.",
            field=field, held=shown(desk, held), percent=percent, capital=shown(desk, capital),
        )  # fmt: skip


def oldest_vintage(desk: Desk) -> str | None:
    """The oldest vintage of which anything is retained."""
    found = desk.tx.value(
        "SELECT min(substr(a.contract, length(a.contract) - 3)) FROM account a JOIN balance b ON b.account_id = a.id"
        " WHERE a.gl_code IN (?, ?, ?) AND a.fund = ? AND b.debit <> b.credit AND a.contract LIKE ?",
        *RETAINED, FUND, "%/____",
    )  # fmt: skip
    return None if found is None else str(found)


def retained(desk: Desk, vintage: str) -> list[Leaf]:
    """Leaves of a vintage on which anything is retained, by their numbers' order."""
    return [
        Leaf(*row)
        for row in desk.tx.rows(
            "SELECT a.id, a.gl_code, a.fund, a.contract, a.currency, a.floor, a.ceiling, b.debit - b.credit"
            " FROM account a JOIN balance b ON b.account_id = a.id WHERE a.gl_code IN (?, ?, ?) AND a.fund = ?"
            " AND a.contract LIKE ? AND b.debit <> b.credit ORDER BY a.contract, a.gl_code",
            *RETAINED, FUND, f"%/{vintage}",
        )
    ]  # fmt: skip
