"""Shares: bought at once or by instalments, redeemed, transferred.

By a class's first rule no share is issued until it is paid in full (Mississippi Code 79-17-23): instalments
wait in 875, a liability, until they make a whole share. By the rule of credit unions the first instalment is
share capital at once (`set-share-class --installments at-once`). Shares are 901 and 903 by class, one leaf a
member; what a fund paid for goes back to that fund (sponsoring.py).
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.desk import Desk, Move
from coopbank.bank.fields import Code, MemberRef, Money
from coopbank.bank.loan_rules import require_share_kept
from coopbank.bank.operation import TELLER, TREASURER, Operation
from coopbank.bank.operations.members import require_active, require_alive
from coopbank.bank.operations.savings import FUND, require_available, shown
from coopbank.bank.sponsoring import sponsorships
from coopbank.bank.tender import Paying, Receiving
from coopbank.errors import InvalidAmount, InvalidValue, Overdrawn, WrongState

AT_ONCE = "at-once"

ShareClassCode = Annotated[Code, Field(title="Share class (901 membership, 903 investment)")]


class BuyShares(Receiving):
    """Take money for shares. What does not fill a whole share waits as a subscription."""

    name: ClassVar[str] = "buy-shares"
    title: ClassVar[str] = "Buy shares"
    subject: ClassVar[str] = "shares"
    roles: ClassVar[tuple[str, ...]] = (TELLER, TREASURER)

    member: MemberRef
    amount: Money
    share_class: ShareClassCode = "901"

    def perform(self, desk: Desk) -> None:
        require_active(desk, self.member)
        kind = desk.get(records.ShareClass, self.share_class, "share_class")
        waiting_leaf, share_leaf = subscription(self.member, self.share_class), f"{self.share_class}/{self.member}"
        waiting, held = -desk.balance(FUND, waiting_leaf), -desk.balance(FUND, share_leaf)
        require_within_most(desk, self.member, self.share_class, kind, self.amount)
        left = 0 if kind.installments == AT_ONCE else (waiting + self.amount) % kind.par
        paid_in = waiting + self.amount - left
        credited = share_leaf if paid_in else waiting_leaf
        moves = [
            *self.receive(desk, FUND, self.amount, account=credited),
            (FUND, waiting_leaf, waiting - left),
            (FUND, share_leaf, -paid_in),
        ]
        self._open(desk, moves)
        desk.post(f"Shares {self.share_class} of {self.member}", moves)
        desk.note("Shares issued", str((held + paid_in) // kind.par - held // kind.par))
        towards = left or (held + paid_in) % kind.par
        if towards:
            desk.note("Paid towards the next share", shown(desk, towards))

    def _open(self, desk: Desk, moves: list[Move]) -> None:
        own = (subscription(self.member, self.share_class), f"{self.share_class}/{self.member}")
        for fund, code, amount in moves:
            if amount and code in own:
                desk.leaf_id(fund, code, self.member)


class RedeemShares(Paying):
    """Pay a member's shares or their subscription back. A second person looks at it too."""

    name: ClassVar[str] = "redeem-shares"
    title: ClassVar[str] = "Redeem shares"
    subject: ClassVar[str] = "shares"
    roles: ClassVar[tuple[str, ...]] = (TELLER, TREASURER)
    second_person: ClassVar[bool] = True

    member: MemberRef
    amount: Money
    share_class: ShareClassCode = "901"
    subscription: Annotated[bool, Field(title="Only the unfinished subscription")] = False

    def perform(self, desk: Desk) -> None:
        kind = desk.get(records.ShareClass, self.share_class, "share_class")
        code = subscription(self.member, self.share_class) if self.subscription else f"{self.share_class}/{self.member}"
        desk.get(records.Member, self.member, "member")
        require_alive(desk, self.member)
        if not self.subscription:
            require_no_notice(kind, self.share_class)
            require_whole(desk, self.amount, kind, code)
        held = require_held(desk, self.member, code, self.amount)
        if not self.subscription:
            require_share_kept(desk, self.member, self.share_class, kind.par, held - self.amount)
        desk.post(
            f"Redeemed {self.share_class} of {self.member}",
            [(FUND, code, self.amount), *self.pay(desk, FUND, self.amount)],
        )
        desk.note("Shares left", shown(desk, held - self.amount))


class TransferShares(Operation):
    """Pass whole shares from one member to another. A second person looks at it too."""

    name: ClassVar[str] = "transfer-shares"
    title: ClassVar[str] = "Transfer shares"
    subject: ClassVar[str] = "shares"
    roles: ClassVar[tuple[str, ...]] = (TELLER, TREASURER)
    second_person: ClassVar[bool] = True

    member: Annotated[MemberRef, Field(title="From member")]
    to_member: Annotated[MemberRef, Field(title="To member")]
    amount: Money
    share_class: ShareClassCode = "903"

    def serves(self, desk: Desk) -> set[str]:
        return {self.member, self.to_member}

    def perform(self, desk: Desk) -> None:
        if self.member == self.to_member:
            raise InvalidValue("Both are the same member.", field="to_member")
        desk.get(records.Member, self.member, "member")
        require_alive(desk, self.member)
        require_active(desk, self.to_member, "to_member")
        kind = desk.get(records.ShareClass, self.share_class, "share_class")
        source, target = f"{self.share_class}/{self.member}", f"{self.share_class}/{self.to_member}"
        require_whole(desk, self.amount, kind, source)
        held = require_held(desk, self.member, source, self.amount)
        require_share_kept(desk, self.member, self.share_class, kind.par, held - self.amount)
        has = -desk.balance(FUND, target) - desk.balance(FUND, subscription(self.to_member, self.share_class))
        if kind.most is not None and has + self.amount > kind.most * kind.par:
            raise WrongState(
                "Member {member} may hold at most {most} of these shares.", field="to_member", member=self.to_member,
                most=kind.most,
            )  # fmt: skip
        desk.leaf_id(FUND, target, self.to_member)
        desk.post(
            f"Shares {self.share_class} from {self.member} to {self.to_member}",
            [(FUND, source, self.amount), (FUND, target, -self.amount)],
        )


def subscription(member: str, share_class: str) -> str:
    """The leaf where instalments wait; membership shares use the member's number alone."""
    return f"875/{member}" if share_class == "901" else f"875/{member}.{share_class}"


def require_held(desk: Desk, member: str, code: str, amount: int) -> int:
    """What the member has there; refuses more than that, or what was paid by a cheque that may still come back."""
    has = -desk.balance(FUND, code)
    if amount <= has:
        require_own(desk, member, code, has, amount)
    if amount > has:
        raise Overdrawn(
            "Member {member} holds only {held} on {account}.", field="amount", member=member, held=shown(desk, has),
            account=code,
        )  # fmt: skip
    require_available(desk, code, has, amount)
    return has


def require_no_notice(kind: records.ShareClass, share_class: str) -> None:
    """Refuse to pay shares at once whose class is redeemed by notice."""
    if kind.notice_days or kind.yearly_cap:
        raise WrongState(
            "Shares {share_class} are redeemed by notice.", field="share_class", share_class=share_class,
            hint="Accept them first (accept-redemption); they are paid when it is their turn.",
        )  # fmt: skip


def require_own(desk: Desk, member: str, code: str, has: int, amount: int, field: str = "amount") -> None:
    """Refuse what a fund paid for: it goes back to that fund."""
    given = sponsorships(desk, member, code.partition("/")[0])
    own = has - sum(body.left for _ref, body in given)
    if given and amount > own:
        ref, body = given[0]
        raise WrongState(
            "Fund {fund} paid for shares of {member}: {own} is their own.", field=field, fund=body.fund,
            member=member, own=shown(desk, own), sponsorship=ref,
            hint="What it paid goes back to that fund: return-sponsored-shares --sponsorship {sponsorship}",
        )  # fmt: skip


def require_within_most(desk: Desk, member: str, share_class: str, kind: records.ShareClass, amount: int) -> None:
    """Refuse more shares than a member may hold; what waits towards one counts."""
    if kind.most is None:
        return
    has = -desk.balance(FUND, f"{share_class}/{member}") - desk.balance(FUND, subscription(member, share_class))
    room = kind.most * kind.par - has
    if amount > room:
        raise InvalidAmount(
            "Member {member} may hold at most {most} of these shares; {room} is still open.", field="amount",
            member=member, most=kind.most, room=shown(desk, max(0, room)),
        )  # fmt: skip


def require_whole(desk: Desk, amount: int, kind: records.ShareClass, code: str | None = None) -> None:
    """Refuse a fraction of a share. Where instalments are shares at once, all that an account holds is whole too."""
    if code is not None and kind.installments == AT_ONCE and amount == -desk.balance(FUND, code):
        return
    if amount % kind.par:
        raise InvalidAmount("Shares are whole: write a multiple of {par}.", field="amount", par=shown(desk, kind.par))
