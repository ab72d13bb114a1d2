"""Petty cash: a float that one person keeps for small payments, settled from receipts (imprest).

The float is pooled cash like that of a drawer, on 739 under its own name, but it may stay out
overnight. A payment is booked when it is made, to its expense and fund, with the receipt's
number; a refill brings the cash back to the float. So at any time the cash, the receipts
since the last refill and what counts found short come to the float, and verify says so.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from coopbank.bank import limits, records
from coopbank.bank.budgeting import beyond_budget
from coopbank.bank.campaign_guard import require_no_campaign
from coopbank.bank.desk import Desk
from coopbank.bank.fields import Code, Counted, FundRef, Memo, Money, PettyCashRef, Pieces, Text, UserRef
from coopbank.bank.operation import ADMINISTRATOR, LOAN_OFFICER, TELLER, TREASURER, Operation
from coopbank.bank.operations.cash import (
    difference,
    note_count,
    require_free_place,
    require_held,
    require_limit,
    require_sum,
    shared_account,
)
from coopbank.bank.operations.funds import (
    ExpenseCode,
    Supplier,
    require_expense,
    require_new_bill,
    require_own_expense,
    supplier_member,
)
from coopbank.bank.operations.savings import FUND, shown
from coopbank.bank.tender import cash_out
from coopbank.errors import AlreadyExists, DrawerClosed, InvalidValue, NotAllowed, Overdrawn
from coopbank.ledger import periods
from coopbank.ledger.chart import POOL

_HOLDERS = (TELLER, LOAN_OFFICER, TREASURER, ADMINISTRATOR)
_SPEND = "spend-petty-cash"


class OpenPettyCash(Operation):
    """Give somebody a float of cash for small payments, out of the vault or a bank account."""

    name: ClassVar[str] = "open-petty-cash"
    title: ClassVar[str] = "Open petty cash"
    subject: ClassVar[str] = "cash"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False  # closing it brings the float back

    petty_cash: Annotated[Code, Field(title="Its name, for example PETTY")]
    holder: Annotated[UserRef, Field(title="Who keeps it")]
    float_amount: Annotated[Money, Field(title="Float")]
    from_place: Annotated[Code, Field(title="From (VAULT or a bank account)")] = "VAULT"

    def perform(self, desk: Desk) -> None:
        periods.require_open_day(desk.tx, desk.business_day)
        require_free_place(desk, self.petty_cash, "petty_cash", but=records.PettyCash)
        before = desk.find(records.PettyCash, self.petty_cash)
        if before is not None and before.state == "open":
            raise AlreadyExists(
                "Petty cash {petty_cash} is open already; {holder} keeps it.", field="petty_cash",
                petty_cash=self.petty_cash, holder=before.holder, hint="Close it first, or choose another name.",
            )  # fmt: skip
        _require_holder(desk, self.holder)
        require_limit(desk, self.petty_cash, self.float_amount, "float_amount")
        body = records.PettyCash(
            holder=self.holder, float_amount=self.float_amount, state="open", opened_by_operation=desk.number
        )
        desk.write(self.petty_cash, body, about=f"open:{self.holder}")
        source = _place(desk, self.from_place, "from_place")
        require_held(desk, source, self.float_amount, "float_amount")
        desk.post(
            f"Float to petty cash {self.petty_cash}",
            [(POOL, f"739/{self.petty_cash}", self.float_amount), (POOL, source, -self.float_amount)],
        )
        desk.note("Petty cash", self.petty_cash)
        desk.note("Kept by", self.holder)


class SpendPettyCash(Operation):
    """Pay a receipt out of the petty cash that you keep."""

    name: ClassVar[str] = _SPEND
    title: ClassVar[str] = "Pay from petty cash"
    subject: ClassVar[str] = "cash"
    roles: ClassVar[tuple[str, ...]] = _HOLDERS
    since: ClassVar[int] = 2

    petty_cash: PettyCashRef
    supplier: Supplier
    receipt: Annotated[Text, Field(min_length=1, title="Number of the receipt")]
    amount: Money
    expense: ExpenseCode
    fund: FundRef = FUND
    memo: Memo = ""

    def serves(self, desk: Desk) -> set[str]:
        return supplier_member(self.supplier)

    def second_reason(self, desk: Desk) -> str | None:
        if beyond_budget(desk, desk.business_day, self.fund, self.expense, self.amount):
            return "This goes beyond the budget of the year."
        alone = desk.amount_policy("withdrawal_alone")
        return "The amount is above what one person may pay out." if self.amount > alone else None

    def perform(self, desk: Desk) -> None:
        own_petty_cash(desk, self.petty_cash)
        require_expense(desk, self.expense)
        require_own_expense(desk, self.fund)
        require_new_bill(desk, self.supplier, self.receipt, "receipt")  # from petty cash, or as a bill
        require_no_campaign(desk, self.supplier, self.fund)
        ref = desk.next_ref("voucher", "V-", 5)
        code = f"739/{self.petty_cash}"
        desk.post(
            f"Voucher {ref} of {self.supplier}: {self.receipt}{f': {self.memo}' if self.memo else ''}",
            [(self.fund, self.expense, self.amount), *cash_out(POOL, code, self.fund, self.amount)],
        )
        voucher = records.Voucher(
            petty_cash=self.petty_cash, supplier=self.supplier, receipt=self.receipt, amount=self.amount,
            expense=self.expense, fund=self.fund, paid_on=desk.business_day.isoformat(),
        )  # fmt: skip
        desk.write(ref, voucher, about=self.petty_cash)
        desk.note("Voucher", ref)
        desk.note("Left", shown(desk, desk.balance(POOL, code) - self.amount))


class RefillPettyCash(Operation):
    """Bring petty cash back to its float, against the receipts since the last refill."""

    name: ClassVar[str] = "refill-petty-cash"
    title: ClassVar[str] = "Refill petty cash"
    subject: ClassVar[str] = "cash"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    since: ClassVar[int] = 2

    petty_cash: PettyCashRef
    from_place: Annotated[Code, Field(title="From (VAULT or a bank account)")] = "VAULT"

    def perform(self, desk: Desk) -> None:
        found = _open(desk, self.petty_cash)
        code = f"739/{self.petty_cash}"
        missing = found.float_amount - desk.balance(POOL, code)
        if missing <= 0:
            raise Overdrawn(
                "Petty cash {petty_cash} has its float of {amount}.", field="petty_cash",
                petty_cash=self.petty_cash, amount=shown(desk, found.float_amount),
                hint="There is nothing to refill.",
            )  # fmt: skip
        source = _place(desk, self.from_place, "from_place")
        require_held(desk, source, missing, "from_place")
        vouchers, total = settle(desk, self.petty_cash)
        desk.post(f"Petty cash {self.petty_cash} refilled", [(POOL, code, missing), (POOL, source, -missing)])
        desk.write(self.petty_cash, found.model_copy(update={"short": 0}), about=f"open:{found.holder}")
        desk.note("Vouchers", f"{vouchers} ({shown(desk, total)})")
        if found.short:
            desk.note("Difference", difference(desk, found.short))
        desk.note("Refilled", shown(desk, missing))


class _Counting(Operation):
    """Common to what counts petty cash."""

    petty_cash: PettyCashRef
    counted: Annotated[Counted, Field(title="Counted")]
    pieces: Annotated[Pieces | None, Field(title="Notes and coins")] = None
    why: Annotated[Memo | None, Field(title="Why, if it does not agree")] = None

    def second_reason(self, desk: Desk) -> str | None:
        found = desk.find(records.PettyCash, self.petty_cash)
        colleague = found is not None and found.state == "open" and found.holder != desk.actor.user
        return "What a colleague keeps is counted by two people." if colleague else None

    def count(self, desk: Desk) -> records.PettyCash:
        """Make the book equal to the count; the petty cash as it is then."""
        found = own_petty_cash(desk, self.petty_cash, or_treasurer=True)
        require_sum(desk, self.pieces or "", self.counted, "counted")
        code = f"739/{self.petty_cash}"
        expected = desk.balance(POOL, code)
        short = expected - self.counted
        if short and not self.why:
            raise InvalidValue(
                "Petty cash {petty_cash} is {difference}: say why.", field="why", petty_cash=self.petty_cash,
                difference=difference(desk, short), hint="Count once more first. If nobody knows, write: not known.",
            )  # fmt: skip
        if short:
            where = f"Petty cash {self.petty_cash} {'short' if short > 0 else 'over'}"
            desk.post(where, [(FUND, "330", short), *cash_out(POOL, code, FUND, short)])
        note_count(desk, expected, short, counted=self.counted, pieces=self.pieces, why=self.why)
        return found.model_copy(
            update={"short": found.short + short, "counted": self.counted, "expected": expected}
        )  # fmt: skip


class CountPettyCash(_Counting):
    """Count petty cash. A difference is posted at once to over and short, and wants a word on why."""

    name: ClassVar[str] = "count-petty-cash"
    title: ClassVar[str] = "Count petty cash"
    subject: ClassVar[str] = "cash"
    roles: ClassVar[tuple[str, ...]] = _HOLDERS
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False

    def perform(self, desk: Desk) -> None:
        after = self.count(desk)
        desk.write(self.petty_cash, after, about=f"open:{after.holder}")


class ClosePettyCash(_Counting):
    """Count petty cash and bring what is there back.

    Whoever keeps it closes it, or the treasurer with a second person.
    """

    name: ClassVar[str] = "close-petty-cash"
    title: ClassVar[str] = "Close petty cash"
    subject: ClassVar[str] = "cash"
    roles: ClassVar[tuple[str, ...]] = _HOLDERS
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False

    to_place: Annotated[Code, Field(title="To (VAULT or a bank account)")] = "VAULT"

    def perform(self, desk: Desk) -> None:
        after = self.count(desk)
        target = _place(desk, self.to_place, "to_place")
        settle(desk, self.petty_cash)
        if self.counted:
            desk.post(
                f"Petty cash {self.petty_cash} closed",
                [(POOL, target, self.counted), (POOL, f"739/{self.petty_cash}", -self.counted)],
            )
        closed = {"holder": None, "state": "closed", "opened_by_operation": None, "float_amount": 0, "short": 0}
        desk.write(self.petty_cash, after.model_copy(update=closed), about="closed")


# ------------------------------------------------------------------------------------- helpers


def settle(desk: Desk, petty_cash: str) -> tuple[int, int]:
    """Mark the receipts since the last refill as refilled; how many they are, and what they come to."""
    found = [each for each in desk.about(records.Voucher, petty_cash) if each[1].state == "open"]
    for ref, voucher in found:
        desk.write(ref, voucher.model_copy(update={"state": "refilled"}), about=petty_cash)
    return len(found), sum(voucher.amount for _ref, voucher in found)


def own_petty_cash(desk: Desk, ref: str, *, or_treasurer: bool = False) -> records.PettyCash:
    """Petty cash that is open and kept by the actor; where it is so said, the treasurer may stand in."""
    found = _open(desk, ref)
    if found.holder != desk.actor.user and not (or_treasurer and TREASURER in desk.actor.roles):
        raise NotAllowed(
            "Petty cash {petty_cash} is kept by {holder}.", field="petty_cash", petty_cash=ref, holder=found.holder,
            hint="Whoever keeps it pays from it and counts it.",
        )  # fmt: skip
    return found


def _open(desk: Desk, ref: str) -> records.PettyCash:
    found = desk.get(records.PettyCash, ref, "petty_cash")
    if found.state != "open":
        raise DrawerClosed(
            "Petty cash {petty_cash} is not open.", field="petty_cash", petty_cash=ref,
            hint="The treasurer opens it (open-petty-cash).",
        )  # fmt: skip
    return found


def _require_holder(desk: Desk, user: str) -> None:
    """Refuse a holder who could not pay from it."""
    holder = desk.actor_now(user)
    if not limits.may(desk, holder.roles, _SPEND):
        raise InvalidValue(
            "{user} may not pay from petty cash.", field="holder", user=user,
            hint="Choose a teller, a loan officer, the treasurer or an administrator.",
        )  # fmt: skip


def _place(desk: Desk, place: str, field: str) -> str:
    """The vault, or a shared bank account: that is the treasurer's."""
    if place.upper() == "VAULT":
        return "739/VAULT"
    return shared_account(desk, place, desk.get(records.BankAccount, place, field), field)
