"""Sponsored shares: a fund pays the share of somebody who cannot, and has the money back when that member leaves.

The fund gives the par as a grant (366), its claim on pooled cash passes to the co-operative itself, and the share is
the member's own at once, with vote and dividend. It cannot be sold, passed on or paid out: whenever it ends, the money
goes back to the fund that gave it, and is a grant less there.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.desk import Desk, Move
from coopbank.bank.fields import Decision, FundRef, MemberRef, Memo, Money, SponsorshipRef
from coopbank.bank.operation import TREASURER, Operation
from coopbank.bank.operations.funds import require_own_expense
from coopbank.bank.operations.members import require_active
from coopbank.bank.operations.redemption import require_reserve
from coopbank.bank.operations.savings import FUND, shown
from coopbank.bank.operations.shares import ShareClassCode, require_whole, require_within_most
from coopbank.bank.tender import claim
from coopbank.errors import InvalidValue, Overdrawn

GRANTS = "366"


class SponsorShares(Operation):
    """Let a fund pay a member's shares. They are the member's at once; when they end, the money goes back to it."""

    name: ClassVar[str] = "sponsor-shares"
    title: ClassVar[str] = "Sponsor a member's shares"
    subject: ClassVar[str] = "shares"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    decided_as: ClassVar[tuple[str, ...]] = ("transfer", "allocation")
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True

    member: MemberRef
    amount: Money
    fund: FundRef
    resolution: Annotated[Decision, Field(title="Resolution: who decided it, and when")]
    share_class: ShareClassCode = "901"

    def perform(self, desk: Desk) -> None:
        require_active(desk, self.member)
        kind = desk.get(records.ShareClass, self.share_class, "share_class")
        require_own_expense(desk, self.fund)
        if self.fund == FUND:
            raise InvalidValue(
                "Shares are {fund}'s own capital: it cannot pay for them itself.", field="fund", fund=FUND,
                hint="Name the fund that gives the money.",
            )  # fmt: skip
        require_whole(desk, self.amount, kind)
        require_within_most(desk, self.member, self.share_class, kind, self.amount)
        leaf = f"{self.share_class}/{self.member}"
        desk.leaf_id(FUND, leaf, self.member)
        ref = desk.next_ref(records.Sponsorship.kind, "SP-", 4)
        desk.post(f"Shares {self.share_class} of {self.member}, {ref}", _moves(self.fund, leaf, self.amount))
        body = records.Sponsorship(
            member=self.member, share_class=self.share_class, fund=self.fund, amount=self.amount,
            resolution=self.resolution, on=desk.business_day.isoformat(),
        )  # fmt: skip
        desk.write(ref, body, about=self.member)
        desk.note("Sponsorship", ref)


class ReturnSponsoredShares(Operation):
    """End shares that a fund paid for: the money goes back to that fund, and none of it to the member."""

    name: ClassVar[str] = "return-sponsored-shares"
    title: ClassVar[str] = "Return sponsored shares"
    subject: ClassVar[str] = "shares"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True

    sponsorship: SponsorshipRef
    why: Annotated[Memo, Field(min_length=1, title="Why")]
    amount: Annotated[Money | None, Field(title="Amount, if not all of it")] = None

    def serves(self, desk: Desk) -> set[str]:
        found = desk.find(records.Sponsorship, self.sponsorship)
        return set() if found is None else {found.member}

    def perform(self, desk: Desk) -> None:
        before = desk.get(records.Sponsorship, self.sponsorship, "sponsorship")
        amount = before.left if self.amount is None else self.amount
        if not before.left or amount > before.left:
            raise Overdrawn(
                "Of sponsorship {sponsorship} only {left} is left.", field="amount" if self.amount else "sponsorship",
                sponsorship=self.sponsorship, left=shown(desk, before.left),
            )  # fmt: skip
        require_whole(desk, amount, desk.get(records.ShareClass, before.share_class, "sponsorship"))
        require_reserve(desk, amount)
        leaf = f"{before.share_class}/{before.member}"
        desk.post(
            f"Shares {before.share_class} of {before.member} ended, {self.sponsorship}",
            [(fund, code, -moved) for fund, code, moved in _moves(before.fund, leaf, amount)],
        )
        after = before.model_copy(update={"returned": before.returned + amount})
        desk.write(self.sponsorship, after, about=before.member)
        desk.note("Left of the sponsorship", shown(desk, after.left))


def _moves(fund: str, leaf: str, amount: int) -> list[Move]:
    return [(fund, GRANTS, amount), *claim(fund, FUND, amount), (FUND, leaf, -amount)]
