"""Paying members what is payable to them on one of the accounts 821, 823: one of them, or all into their savings.

Where the bank has to withhold tax from members without a taxpayer number (policy `backup_withholding`, 26 USC 3406),
it is withheld here, when the money is paid; into savings it is a line of its own, as with interest.

Where many are paid, they are in groups (bank/groups.py). What is on its way into somebody's savings is not paid out
otherwise meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field

from coopbank.bank import groups, records
from coopbank.bank.books import Books
from coopbank.bank.desk import Desk, Move
from coopbank.bank.fields import MemberRef
from coopbank.bank.operation import CREDIT_UNION, TELLER, TREASURER, UNCHARTERED, WORKER_COOP
from coopbank.bank.operations.members import require_alive
from coopbank.bank.operations.savings import FUND, savings_account, shown
from coopbank.bank.tender import Paying
from coopbank.errors import Overdrawn
from coopbank.finance.distribution import percent_of
from coopbank.ledger.posting import Leaf, head
from coopbank.money import round_minor

TAX = "842"


@dataclass(frozen=True, slots=True)
class Due:
    """What is payable to a member, and what of it is withheld, in minor units; and the savings account of the rest."""

    member: str
    amount: int
    savings: str
    tax: int
    leaf: int  # where it is payable
    into: int  # the leaf of the savings


@dataclass(frozen=True, slots=True)
class _Reckoned:
    """Who has something payable and savings, as the books stood at an operation."""

    head: int
    found: list[Due]
    held: int  # all that is payable, also to who has no savings; minor units
    parts: list[groups.Lines]  # of many; what of each is withheld is not among its lines


class PayOut(Paying):
    """Common to paying what is payable to members."""

    roles: ClassVar[tuple[str, ...]] = (TELLER, TREASURER)
    since: ClassVar[int] = 2
    offered_by: ClassVar[tuple[str, ...]] = (UNCHARTERED, CREDIT_UNION, WORKER_COOP)
    payable: ClassVar[str] = ""  # the control account
    what: ClassVar[str] = ""  # begins the entry's memo
    carries_out: ClassVar[bool] = True
    reckons_ahead: ClassVar[bool] = True
    carried_by: ClassVar[type[groups.Part]]

    member: Annotated[MemberRef | None, Field(title="Member (empty: all who have savings, into these)")] = None
    to_savings: Annotated[bool, Field(title="Into their savings")] = False

    def reckon(self, books: Books) -> _Reckoned | None:
        """What is payable to everybody, of whom a hundred thousand take seconds."""
        if self.member is not None:
            return None
        return _reckoned(books, self.payable)

    def _still_right(self, desk: Desk) -> _Reckoned | None:
        """What was reckoned before the book was locked, unless something that it rests on was changed since."""
        ahead = desk.reckoned
        kinds = (records.Savings.kind, records.Member.kind, records.Death.kind, records.Policy.kind)
        if not isinstance(ahead, _Reckoned) or desk.written_since(ahead.head, *kinds):
            return None
        return None if desk.moved_since(ahead.head, self.payable) else ahead

    def moves(self, desk: Desk) -> int | None:
        return -desk.balance(FUND, f"{self.payable}/{self.member}") if self.member else None

    def second_reason(self, desk: Desk) -> str | None:
        if self.member is None:
            return "Paying all members at once takes two people."
        alone = desk.amount_policy("withdrawal_alone")
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
            savings = savings_account(desk, member, None).account
            moves = [*self._into_savings(member, amount, savings, tax), (FUND, TAX, -tax)]
        else:
            moves = [(FUND, f"{self.payable}/{member}", amount), *self.pay(desk, FUND, amount - tax), (FUND, TAX, -tax)]
        desk.post(f"{self.what} of {member}", moves)
        desk.note("Paid", shown(desk, amount - tax))
        if tax:
            desk.note("Withheld", shown(desk, tax))

    def _pay_all(self, desk: Desk) -> None:
        groups.require_finished(desk, "member")
        reckoned = self._still_right(desk) or _reckoned(desk, self.payable)
        found = reckoned.found
        if not found:
            raise Overdrawn("Nothing of this is payable to anybody who has savings.", field="member")
        whole, tax = sum(due.amount for due in found), sum(due.tax for due in found)
        memo = f"{self.what}, all into savings"
        if reckoned.parts:
            account = desk.leaf_id(FUND, TAX) if tax else 0
            parts = (_with_tax(lines, account) for lines in reckoned.parts)
            groups.leave(desk, self.carried_by, {}, memo, 0, whole, parts)
        else:
            desk.know_leaves(FUND, self.payable)
            desk.know_leaves(FUND, "905")
            moves = [move for due in found for move in self._into_savings(due.member, due.amount, due.savings, due.tax)]
            desk.post(memo, [*moves, (FUND, TAX, -tax)])
        desk.note("Members", str(len(found)))
        desk.note("Paid", shown(desk, whole - tax))
        if tax:
            desk.note("Withheld", shown(desk, tax))
        if reckoned.held > whole:
            desk.note("Still payable, without savings", shown(desk, reckoned.held - whole))

    def _into_savings(self, member: str, amount: int, account: str, tax: int) -> list[Move]:
        savings = f"905/{account}"
        lines = [(FUND, f"{self.payable}/{member}", amount), (FUND, savings, -amount)]
        return [*lines, (FUND, savings, tax)] if tax else lines


def _reckoned(books: Books, payable: str) -> _Reckoned:
    """Who is to be paid, and by which lines if they are many."""
    stands_at, leaves = head(books.tx).number, books.leaves(payable, FUND)
    found = due_into_savings(books, leaves)
    many = len(found) > groups.LARGEST
    parts = [_lines(part) for part in groups.split_up(found, lines=2)] if many else []
    return _Reckoned(stands_at, found, -sum(leaf.balance for leaf in leaves), parts)


def _lines(found: Iterable[Due]) -> groups.Lines:
    """From what is payable into savings; what is withheld goes out of these again, by a line of its own."""
    lines: groups.Lines = []
    for due in found:
        lines += [(due.leaf, due.amount), (due.into, -due.amount), *([(due.into, due.tax)] if due.tax else ())]
    return lines


def _with_tax(lines: groups.Lines, account: int) -> groups.Lines:
    """The same with what is withheld, on the account that takes it."""
    withheld = sum(amount for _place, amount in lines)
    return [*lines, (account, -withheld)] if withheld else lines


def due_into_savings(books: Books, leaves: Iterable[Leaf]) -> list[Due]:
    """Who has something payable and savings to take it, in the order of their numbers; not who has died or left."""
    accounts: dict[str, str] = {}
    for _ref, account in books.every(records.Savings):
        if account.state == "open":
            accounts.setdefault(account.member, account.account)
    away = {ref for ref, death in books.every(records.Death) if death.state == "recorded"}
    members = books.every(records.Member)
    away |= {ref for ref, member in members if member.status != "active"}
    percent = str(books.policy("backup_withholding", "0"))
    taxed = {ref for ref, member in members if member.tax_id is None} if Decimal(percent) else set()
    savings = {leaf.contract: leaf.id for leaf in books.leaves("905", FUND)}
    return [
        Due(
            leaf.contract, -leaf.balance, accounts[leaf.contract],
            round_minor(percent_of(percent, -leaf.balance)) if leaf.contract in taxed else 0,
            leaf.id, savings[accounts[leaf.contract]],
        )
        for leaf in leaves
        if leaf.balance < 0 and leaf.contract in accounts and leaf.contract not in away
    ]  # fmt: skip


def withheld(desk: Desk, member: str, amount: int) -> int:
    """Tax of a member without a taxpayer number, by the bank's policy; rounded half to even. Minor units."""
    percent = str(desk.policy("backup_withholding", "0"))
    if not Decimal(percent):
        return 0
    found = desk.find(records.Member, member)
    return 0 if found is None or found.tax_id is not None else round_minor(percent_of(percent, amount))
