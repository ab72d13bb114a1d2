"""Money that is somebody else's: receipts at the bank that nobody recognises, and what borrowers paid ahead.

Both are owed by the general fund (872 and 871) and are nobody's income. What is not
recognised has a number, ages from the day of the bank's statement, and is cleared to where
it belongs: to a gift, to a member, or back to whoever sent it. What a member paid ahead
goes back to that member and to nobody else.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BeforeValidator, Field

from coopbank.bank import records
from coopbank.bank.desk import Desk, Move
from coopbank.bank.fields import (
    BankAccountRef,
    Code,
    Day,
    FundRef,
    LoanRef,
    MemberRef,
    Memo,
    Money,
    Personal,
    SuspenseRef,
    Widget,
    refuse,
)
from coopbank.bank.operation import TELLER, TREASURER, Operation
from coopbank.bank.operations.funds import fund_class, require_spendable_fund
from coopbank.bank.operations.members import require_alive
from coopbank.bank.operations.savings import FUND, savings_account, shown
from coopbank.bank.tender import Paying, bank_place, cash_in, cash_out, claim
from coopbank.errors import InvalidDate, InvalidValue, Overdrawn, WrongState
from coopbank.words import _

SUSPENSE: Final = "872"
UNAPPLIED: Final = "871"
_TARGETS: Final = {"gift": "fund", "savings": "member", "loan": "loan", "sender": None}
"""Where money of suspense may go, and the field that then says whose it is."""


class ReceiveUnknown(Operation):
    """Book money that came to the bank account and that nobody recognises. It is owed to whoever sent it."""

    name: ClassVar[str] = "receive-unknown"
    title: ClassVar[str] = "Receive unknown money"
    subject: ClassVar[str] = "cash"
    roles: ClassVar[tuple[str, ...]] = (TELLER, TREASURER)

    amount: Money
    bank_account: Annotated[BankAccountRef | None, Field(title="Bank account, if not the first")] = None
    received_on: Annotated[Day | None, Field(title="Day on the bank's statement, if not today")] = None
    statement: Annotated[Personal | None, Field(min_length=1, title="What the bank's statement says of it")] = None

    def perform(self, desk: Desk) -> None:
        day = self.received_on or desk.business_day
        if day > desk.business_day:
            raise InvalidDate("{day} lies in the future.", field="received_on", day=day)
        place_fund, place = bank_place(desk, self.bank_account)
        moves = cash_in(place_fund, place, FUND, self.amount)
        ref = enter(desk, self.amount, day, place.removeprefix("731/"), self.statement)
        desk.post(f"Unknown receipt {ref}", [*moves, (FUND, SUSPENSE, -self.amount)])


def _read_target(value: Any) -> Any:
    if not isinstance(value, str) or value not in _TARGETS:
        raise refuse(
            "Money that nobody recognised is not income: choose where it belongs, {targets}.",
            targets=", ".join(_TARGETS),
        )
    return value


Target = Annotated[Literal["gift", "savings", "loan", "sender"], BeforeValidator(_read_target), Widget("choice")]


class ClearSuspense(Operation):
    """Say whose an unknown receipt is: a gift to a fund, a member's savings or loan, or back to whoever sent it."""

    name: ClassVar[str] = "clear-suspense"
    title: ClassVar[str] = "Clear an unknown receipt"
    subject: ClassVar[str] = "cash"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)

    suspense: SuspenseRef
    to: Annotated[Target, Field(title="It is (a gift, for savings, for a loan, or goes back to the sender)")]
    amount: Annotated[Money | None, Field(title="Amount, if not all of it")] = None
    fund: Annotated[FundRef | None, Field(title="Fund (gift)")] = None
    member: Annotated[MemberRef | None, Field(title="Member (savings)")] = None
    account: Annotated[Code | None, Field(title="Savings account (if not the first)")] = None
    loan: Annotated[LoanRef | None, Field(title="Loan")] = None
    memo: Memo = ""

    def serves(self, desk: Desk) -> set[str]:
        loan = None if self.loan is None else desk.find(records.Loan, self.loan)
        return {m for m in (self.member, None if loan is None else loan.member) if m is not None}

    def moves(self, desk: Desk) -> int | None:
        found = desk.find(records.Suspense, self.suspense)
        return self.amount or (0 if found is None else found.left)

    def second_reason(self, desk: Desk) -> str | None:
        amount = self.moves(desk) or 0
        if self.to == "gift" or amount <= desk.amount_policy("withdrawal_alone"):
            return None
        return "The amount is above what one person may pay out."

    def perform(self, desk: Desk) -> None:
        found = desk.get(records.Suspense, self.suspense, "suspense")
        if found.state != "open":
            raise WrongState(
                "Unknown receipt {suspense} is {state}; nothing of it is left.", field="suspense",
                suspense=self.suspense, state=_(found.state),
            )  # fmt: skip
        self._require_own_fields()
        amount = self.amount or found.left
        if amount > found.left:
            raise Overdrawn(
                "Of unknown receipt {suspense} only {left} is left.", field="amount", suspense=self.suspense,
                left=shown(desk, found.left),
            )  # fmt: skip
        moves = [(FUND, SUSPENSE, amount), *self._moves(desk, found, amount)]
        desk.post(f"Unknown receipt {self.suspense} cleared{f': {self.memo}' if self.memo else ''}", moves)
        left = found.left - amount
        after = found.model_copy(update={"left": left, "state": "open" if left else "cleared"})
        desk.write(self.suspense, after, about=after.state)
        desk.note("Cleared", shown(desk, amount))
        desk.note("Still unknown", shown(desk, left))

    def _require_own_fields(self) -> None:
        """Refuse a target whose owner is not named, and the owner of another target."""
        own = _TARGETS[self.to]
        for field in ("fund", "member", "loan", "account"):
            given = getattr(self, field) is not None
            if field == own and not given:
                raise InvalidValue("{field_name} is missing.", field=field, field_name=field)
            if given and field != own and not (field == "account" and self.to == "savings"):
                raise InvalidValue(
                    "Money that goes to {target} has no {field_name}.", field=field, target=_(self.to),
                    field_name=field, hint="Leave it out.",
                )  # fmt: skip

    def _moves(self, desk: Desk, found: records.Suspense, amount: int) -> list[Move]:
        """The lines that bring the amount to where it belongs."""
        if self.to == "gift":
            return _as_gift(desk, str(self.fund), amount)
        if self.to == "savings":
            account = savings_account(desk, str(self.member), self.account)
            desk.note("Savings account", f"S-{account.account}")
            return [(FUND, f"905/{account.account}", -amount)]
        if self.to == "loan":
            return _as_unapplied(desk, str(self.loan), amount)
        return cash_out(*bank_place(desk, found.bank_account), FUND, amount)


def _as_gift(desk: Desk, fund: str, amount: int) -> list[Move]:
    require_spendable_fund(desk, fund)
    if fund_class(desk, fund) == "conditional":
        raise WrongState(
            "Money of fund {fund} must be returned if its condition is not met: it is owed, no gift yet.",
            field="fund", fund=fund, hint="Name the fund that the gift was meant for.",
        )  # fmt: skip
    moves = [] if fund == FUND else claim(FUND, fund, amount)
    return [*moves, (fund, "181", -amount)]


def _as_unapplied(desk: Desk, ref: str, amount: int) -> list[Move]:
    """Kept for the borrower of a loan, as money paid ahead is."""
    loan = desk.get(records.Loan, ref, "loan")
    if loan.state not in ("active", "charged-off"):
        raise WrongState(
            "Nothing is owed on loan {loan}: it is {state}.", field="loan", loan=ref, state=_(loan.state),
            hint="Clear it to the member's savings, or back to the sender.",
        )  # fmt: skip
    code = f"{UNAPPLIED}/{loan.member}"
    desk.leaf_id(FUND, code, loan.member)
    desk.note("Kept as unapplied", loan.member)
    return [(FUND, code, -amount)]


class RefundUnapplied(Paying):
    """Pay a member back what they paid ahead and nobody applied. It goes to that member only."""

    name: ClassVar[str] = "refund-unapplied"
    title: ClassVar[str] = "Refund unapplied money"
    subject: ClassVar[str] = "lending"
    roles: ClassVar[tuple[str, ...]] = (TELLER, TREASURER)

    member: MemberRef
    amount: Money

    def second_reason(self, desk: Desk) -> str | None:
        alone = desk.amount_policy("withdrawal_alone")
        return "The amount is above what one person may pay out." if self.amount > alone else None

    def perform(self, desk: Desk) -> None:
        desk.get(records.Member, self.member, "member")
        require_alive(desk, self.member)
        code = f"{UNAPPLIED}/{self.member}"
        held = -desk.balance(FUND, code) - desk.holds(FUND, code)
        if self.amount > held:
            raise Overdrawn(
                "Only {held} of unapplied money is {member}'s, and it goes to nobody else.", field="amount",
                member=self.member, held=shown(desk, max(0, held)),
            )  # fmt: skip
        desk.post(
            f"Unapplied money of {self.member} refunded",
            [(FUND, code, self.amount), *self.pay(desk, FUND, self.amount)],
        )
        desk.note("Still unapplied", shown(desk, held - self.amount))


# ------------------------------------------------------------------------------------- helpers


def enter(desk: Desk, amount: int, day: date, bank_account: str, statement: str | None = None) -> str:
    """Number an unknown receipt; its entry on 872 is the caller's. An opening enters those of the old records."""
    ref = desk.next_ref("suspense", "U-", 5)
    said = None if statement is None else desk.keep("statement", statement)
    body = records.Suspense(
        amount=amount, left=amount, received_on=day.isoformat(), bank_account=bank_account, statement=said
    )
    desk.write(ref, body, about=body.state)
    desk.note("Unknown receipt", ref)
    return ref
