"""Savings accounts: opening, deposit, withdrawal, payments to another member. Only where the institution may."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.contact import ROLE_WORDS, SIGNERS
from coopbank.bank.desk import Desk
from coopbank.bank.fields import Code, JointOwnerRef, MemberRef, Memo, Money, Rate
from coopbank.bank.operation import CREDIT_UNION, TELLER, TREASURER, UNCHARTERED, Operation
from coopbank.bank.operations.members import require_active, require_alive
from coopbank.bank.tender import Paying, Receiving
from coopbank.errors import InvalidValue, NotAllowed, Overdrawn, Unknown, WrongState
from coopbank.money import format_amount
from coopbank.words import _

FUND = "GEN"
PAYMENTS_POLICY = "member_payments"
_OFFERED = (UNCHARTERED, CREDIT_UNION)


class OpenSavings(Operation):
    """Open a savings account for a member."""

    name: ClassVar[str] = "open-savings"
    title: ClassVar[str] = "Open a savings account"
    subject: ClassVar[str] = "savings"
    roles: ClassVar[tuple[str, ...]] = (TELLER, TREASURER)
    offered_by: ClassVar[tuple[str, ...]] = _OFFERED

    member: MemberRef
    annual_rate: Annotated[Rate, Field(title="Interest, percent a year")] = "0"

    def perform(self, desk: Desk) -> None:
        require_active(desk, self.member)
        account = self.member
        copy = 1
        while desk.find(records.Savings, f"S-{account}") is not None:
            copy += 1
            account = f"{self.member}-{copy}"
        desk.leaf_id(FUND, f"905/{account}", self.member)  # there is one if the account was opened before and undone
        body = records.Savings(
            member=self.member, account=account, opened_on=desk.business_day.isoformat(), annual_rate=self.annual_rate
        )
        desk.write(f"S-{account}", body, about=self.member)
        desk.created.append(f"S-{account}")
        desk.note("Savings account", f"S-{account}")


class Deposit(Receiving):
    """Take money in for a member's savings, in cash, by cheque or by transfer."""

    name: ClassVar[str] = "deposit"
    title: ClassVar[str] = "Deposit"
    subject: ClassVar[str] = "savings"
    roles: ClassVar[tuple[str, ...]] = (TELLER, TREASURER)
    offered_by: ClassVar[tuple[str, ...]] = _OFFERED

    member: MemberRef
    amount: Money
    account: Annotated[Code | None, Field(title="Account, if not the first")] = None
    memo: Memo = ""

    def perform(self, desk: Desk) -> None:
        account = savings_account(desk, self.member, self.account)
        code = f"905/{account.account}"
        moves = [*self.receive(desk, FUND, self.amount, account=code), (FUND, code, -self.amount)]
        desk.post(f"Deposit {account.account}{_tail(self.memo)}", moves)
        desk.note("New balance", shown(desk, -desk.balance(FUND, code) + self.amount))


class Withdraw(Paying):
    """Pay a member money out of their savings."""

    name: ClassVar[str] = "withdraw"
    title: ClassVar[str] = "Withdrawal"
    subject: ClassVar[str] = "savings"
    roles: ClassVar[tuple[str, ...]] = (TELLER, TREASURER)
    offered_by: ClassVar[tuple[str, ...]] = _OFFERED

    member: MemberRef
    amount: Money
    account: Annotated[Code | None, Field(title="Account, if not the first")] = None
    by_person: Annotated[JointOwnerRef | None, Field(title="By a joint owner or signer, if not the member")] = None
    memo: Memo = ""

    def second_reason(self, desk: Desk) -> str | None:
        alone = desk.amount_policy("withdrawal_alone")
        return "The withdrawal is above what one person may pay out." if self.amount > alone else None

    def perform(self, desk: Desk) -> None:
        account = savings_account(desk, self.member, self.account)
        require_alive(desk, self.member)
        code = f"905/{account.account}"
        if self.by_person is not None:
            require_signer(desk, self.member, account.account, str(self.by_person))
        balance = -desk.balance(FUND, code)
        require_available(desk, code, balance, self.amount)
        desk.post(
            f"Withdrawal {account.account}{self._whom()}{_tail(self.memo)}",
            [(FUND, code, self.amount), *self.pay(desk, FUND, self.amount)],
        )
        desk.note("New balance", shown(desk, balance - self.amount))

    def _whom(self) -> str:
        return f" by {self.by_person}" if self.by_person else ""


class PayMember(Operation):
    """Pass money from one member's savings to another's. Only where the bank's policy allows payments of members."""

    name: ClassVar[str] = "pay-member"
    title: ClassVar[str] = "Payment from member to member"
    subject: ClassVar[str] = "savings"
    roles: ClassVar[tuple[str, ...]] = (TELLER, TREASURER)
    offered_by: ClassVar[tuple[str, ...]] = (CREDIT_UNION,)  # others would do a money transmitter's business
    since: ClassVar[int] = 2

    member: Annotated[MemberRef, Field(title="From member")]
    to_member: Annotated[MemberRef, Field(title="To member")]
    amount: Money
    account: Annotated[Code | None, Field(title="From account, if not the first")] = None
    to_account: Annotated[Code | None, Field(title="To account, if not the first")] = None
    by_person: Annotated[JointOwnerRef | None, Field(title="By a joint owner or signer, if not the member")] = None
    memo: Memo = ""

    def serves(self, desk: Desk) -> set[str]:
        return {self.member, self.to_member}

    def second_reason(self, desk: Desk) -> str | None:
        alone = desk.amount_policy("withdrawal_alone")
        return "The payment is above what one person may pay out." if self.amount > alone else None

    def perform(self, desk: Desk) -> None:
        if str(desk.policy(PAYMENTS_POLICY, "no")) != "yes":
            raise NotAllowed(
                "This bank passes no payments from member to member.", field="to_member",
                hint="The policy member_payments says so. Pay out and take in, with a receipt for each.",
            )  # fmt: skip
        source = savings_account(desk, self.member, self.account)
        target = savings_account(desk, self.to_member, self.to_account, "to_member", "to_account")
        if source.account == target.account:
            raise InvalidValue("Both are the same account.", field="to_member", hint="Name the account that is paid.")
        require_alive(desk, self.member)
        if self.by_person is not None:
            require_signer(desk, self.member, source.account, str(self.by_person))
        code, into = f"905/{source.account}", f"905/{target.account}"
        balance = -desk.balance(FUND, code)
        require_available(desk, code, balance, self.amount)
        whom = f" by {self.by_person}" if self.by_person else ""
        desk.post(
            f"Payment {source.account} to {target.account}{whom}{_tail(self.memo)}",
            [(FUND, code, self.amount), (FUND, into, -self.amount)],
        )
        desk.note("New balance", shown(desk, balance - self.amount))


def require_signer(desk: Desk, member: str, account: str, person: str) -> None:
    """Refuse who may not take money out of the account beside the member."""
    found = owner_on(desk, member, account, person, "by_person")
    if found.role not in SIGNERS:
        raise WrongState(
            "{person} is {role} on this account and takes nothing out of it.", field="by_person",
            person=person, role=_(ROLE_WORDS[found.role]),
        )  # fmt: skip


def owner_on(desk: Desk, member: str, account: str, ref: str, field: str) -> records.JointOwner:
    """Somebody beside the member on an account; refuses who is not on it, or not any more."""
    found = desk.get(records.JointOwner, ref, field)
    if found.member != member or found.state != "active" or found.account not in ("", account):
        raise Unknown(
            "{person} does not stand on account {account} of {member}.", field=field, person=ref, account=account,
            member=member, hint="See who does with: coopbank member {member}",
        )  # fmt: skip
    return found


def savings_account(
    desk: Desk, member: str, account: str | None, member_field: str = "member", field: str = "account"
) -> records.Savings:
    """The member's savings account: the one named, or their first."""
    require_active(desk, member, member_field)
    found = desk.find(records.Savings, f"S-{(account or member).removeprefix('S-')}")
    if found is None or found.member != member:
        raise Unknown(
            "Member {member} has no savings account{which}.", field=member_field if account is None else field,
            member=member, which=f" {account}" if account else "", hint="Open one first (open-savings).",
        )  # fmt: skip
    if found.state != "open":
        raise WrongState("Savings account {account} is closed.", field=field, account=found.account)
    return found


def require_available(desk: Desk, code: str, balance: int, amount: int) -> None:
    """Refuse more than the balance less what is held."""
    held = desk.holds(FUND, code)
    if amount <= balance - held:
        return
    raise Overdrawn(
        "Only {available} is available{held}.", field="amount", available=shown(desk, max(0, balance - held)),
        held=_("; {held} is held").format(held=shown(desk, held)) if held else "",
    )  # fmt: skip


def shown(desk: Desk, minor: int) -> str:
    """An amount as a receipt shows it."""
    return format_amount(minor, desk.currency, grouping=True)


def _tail(memo: str) -> str:
    return f": {memo}" if memo else ""
