"""Paying members what is payable to them on one of the accounts 821, 823: one of them, or all into their savings.

Where the bank has to withhold tax from members without a taxpayer number (policy `backup_withholding`, 26 USC 3406),
it is withheld here, when the money is paid; into savings it is a line of its own, as with interest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.desk import Desk, Move
from coopbank.bank.fields import MemberRef
from coopbank.bank.operation import CREDIT_UNION, TELLER, TREASURER, UNCHARTERED, WORKER_COOP
from coopbank.bank.operations.members import require_alive
from coopbank.bank.operations.savings import FUND, savings_account, shown
from coopbank.bank.tender import Paying
from coopbank.errors import Overdrawn
from coopbank.finance.distribution import percent_of
from coopbank.money import parse_amount, round_minor

TAX = "842"


@dataclass(frozen=True, slots=True)
class Due:
    """What is payable to a member: minor units, and the savings account that it goes to."""

    member: str
    amount: int
    savings: str


class PayOut(Paying):
    """Common to paying what is payable to members."""

    roles: ClassVar[tuple[str, ...]] = (TELLER, TREASURER)
    since: ClassVar[int] = 2
    offered_by: ClassVar[tuple[str, ...]] = (UNCHARTERED, CREDIT_UNION, WORKER_COOP)
    payable: ClassVar[str] = ""  # the control account
    what: ClassVar[str] = ""  # begins the entry's memo

    member: Annotated[MemberRef | None, Field(title="Member (empty: all who have savings, into these)")] = None
    to_savings: Annotated[bool, Field(title="Into their savings")] = False

    def moves(self, desk: Desk) -> int | None:
        return -desk.balance(FUND, f"{self.payable}/{self.member}") if self.member else None

    def second_reason(self, desk: Desk) -> str | None:
        if self.member is None:
            return "Paying all members at once takes two people."
        alone = parse_amount(str(desk.policy("withdrawal_alone", "0")), desk.currency)
        return "The amount is above what one person may pay out." if (self.moves(desk) or 0) > alone else None

    def perform(self, desk: Desk) -> None:
        if self.member is None:
            self._pay_all(desk)
        else:
            self._pay_one(desk, self.member)

    def _pay_one(self, desk: Desk, member: str) -> None:
        desk.get(records.Member, member, "member")
        require_alive(desk, member)
        amount = -desk.balance(FUND, f"{self.payable}/{member}")
        if not amount:
            raise Overdrawn("Nothing of this is payable to {member}.", field="member", member=member)
        tax = withheld(desk, member, amount)
        if self.to_savings:
            due = Due(member, amount, savings_account(desk, member, None).account)
            moves = [*self._into_savings(due, tax), (FUND, TAX, -tax)]
        else:
            moves = [(FUND, f"{self.payable}/{member}", amount), *self.pay(desk, FUND, amount - tax), (FUND, TAX, -tax)]
        desk.post(f"{self.what} of {member}", moves)
        desk.note("Paid", shown(desk, amount - tax))
        if tax:
            desk.note("Withheld", shown(desk, tax))

    def _pay_all(self, desk: Desk) -> None:
        desk.know_leaves(FUND, self.payable)
        desk.know_leaves(FUND, "905")
        moves: list[Move] = []
        paid = tax_of_all = members = 0
        for due in due_into_savings(desk, self.payable):
            tax = withheld(desk, due.member, due.amount)
            moves += self._into_savings(due, tax)
            paid, tax_of_all, members = paid + due.amount - tax, tax_of_all + tax, members + 1
        if not moves:
            raise Overdrawn("Nothing of this is payable to anybody who has savings.", field="member")
        desk.post(f"{self.what}, all into savings", [*moves, (FUND, TAX, -tax_of_all)])
        desk.note("Members", str(members))
        desk.note("Paid", shown(desk, paid))
        if tax_of_all:
            desk.note("Withheld", shown(desk, tax_of_all))
        left = -sum(leaf.balance for leaf in desk.leaves(self.payable, FUND)) - paid - tax_of_all
        if left:
            desk.note("Still payable, without savings", shown(desk, left))

    def _into_savings(self, due: Due, tax: int) -> list[Move]:
        savings = f"905/{due.savings}"
        lines = [(FUND, f"{self.payable}/{due.member}", due.amount), (FUND, savings, -due.amount)]
        return [*lines, (FUND, savings, tax)] if tax else lines


def due_into_savings(desk: Desk, payable: str) -> Iterator[Due]:
    """Who has something payable and savings to take it, in the order of their numbers; not who has died or left."""
    accounts: dict[str, str] = {}
    for _ref, account in desk.every(records.Savings):
        if account.state == "open":
            accounts.setdefault(account.member, account.account)
    away = {ref for ref, death in desk.every(records.Death) if death.state == "recorded"}
    away |= {ref for ref, member in desk.every(records.Member) if member.status != "active"}
    for leaf in desk.leaves(payable, FUND):
        member = leaf.contract
        if leaf.balance < 0 and member in accounts and member not in away:
            yield Due(member, -leaf.balance, accounts[member])


def withheld(desk: Desk, member: str, amount: int) -> int:
    """Tax of a member without a taxpayer number, by the bank's policy; rounded half to even. Minor units."""
    percent = str(desk.policy("backup_withholding", "0"))
    if not Decimal(percent):
        return 0
    found = desk.find(records.Member, member)
    return 0 if found is None or found.tax_id is not None else round_minor(percent_of(percent, amount))
