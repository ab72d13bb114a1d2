"""Funds and what they spend: opening a fund, gifts received and spent, suppliers' bills.

A restricted gift is income of its own fund at once. When it is spent, the expense stands
in the general fund and the same entry releases the same amount (186 out of the gift's
fund, 185 into the general one), so that what is left of a gift is always its amount
less what was released. A bill is entered by one person and paid by another.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from coopbank.bank import records
from coopbank.bank.budgeting import beyond_budget
from coopbank.bank.campaign_guard import require_no_campaign, require_payee
from coopbank.bank.desk import Desk, Move
from coopbank.bank.fields import BillRef, Code, Decided, FundRef, GiftRef, Memo, Money, Personal, Text, Widget, refuse
from coopbank.bank.operation import ADMINISTRATOR, TELLER, TREASURER, Operation
from coopbank.bank.operations.savings import FUND, shown
from coopbank.bank.tender import Paying, Receiving
from coopbank.errors import AlreadyExists, InvalidValue, NotAllowed, Overdrawn, Unknown, WrongState
from coopbank.ledger.chart import POOL
from coopbank.ledger.posting import NewFund
from coopbank.money import parse_amount
from coopbank.words import _

REVOLVING, RESERVE = "revolving", "reserve"

FundClass = Annotated[
    Literal["restricted", "reserve", "revolving", "designated", "conditional", "general"], Widget("choice")
]

LandUse = Annotated[Literal["housing", "farm", "commercial", "open"], Widget("choice")]

#: Funds whose money is spent by releasing it; revolving capital and reserves are lent and kept, not spent.
RELEASING = ("restricted", "conditional", "designated")
#: Expenses that only their own operations post: provisions, counts, interest, depreciation, dividends.
_POSTED_BY_RULE = ("301", "330", "341", "350", "381", "385", "386")
#: From here on a donor is due a written acknowledgement (26 USC 170(f)(8)).
_ACKNOWLEDGED_FROM = "250.00"


def _fund_code(code: str) -> str:
    if not re.fullmatch(r"[A-Z][A-Z0-9]{1,11}", code):
        raise refuse("Use 2 to 12 capital letters and digits, for example EDU.")
    return code


def _expense_code(code: str) -> str:
    if not re.fullmatch(r"[0-9]{3}", code):
        raise refuse("An expense account has three digits, for example 290.")
    return code


ExpenseCode = Annotated[Code, AfterValidator(_expense_code), Field(title="Expense account")]
Supplier = Annotated[Code, AfterValidator(str.upper), Field(title="Supplier")]


class OpenFund(Operation):
    """Open a fund: money that is kept apart in the books because it has a purpose or a condition of its own."""

    name: ClassVar[str] = "open-fund"
    title: ClassVar[str] = "Open a fund"
    subject: ClassVar[str] = "funds"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False

    code: Annotated[Code, AfterValidator(_fund_code), Field(title="Code, for example EDU")]
    fund_name: Annotated[Text, Field(min_length=1, title="Name")]
    fund_class: Annotated[FundClass, Field(title="Class")]

    def perform(self, desk: Desk) -> None:
        if desk.tx.value("SELECT 1 FROM fund WHERE code = ?", self.code) is not None:
            raise AlreadyExists("There is a fund {code} already.", field="code", code=self.code)
        desk.rows.append(NewFund(self.code, self.fund_name, self.fund_class))
        desk.created.append(self.code)
        desk.note("Fund", self.code)


# --------------------------------------------------------------------------------------- gifts


class ReceiveGift(Receiving):
    """Take in a gift. It is income of its fund at once; a restricted one is released when it is spent."""

    name: ClassVar[str] = "receive-gift"
    title: ClassVar[str] = "Receive a gift"
    subject: ClassVar[str] = "funds"
    roles: ClassVar[tuple[str, ...]] = (TELLER, TREASURER)

    fund: FundRef = FUND
    amount: Money
    donor: Annotated[Personal, Field(min_length=1, title="Donor")]
    purpose: Annotated[Memo, Field(title="Purpose, as the donor put it")] = ""
    number: Annotated[Code | None, Field(title="Number, if it has one (G-07)")] = None
    land_use: Annotated[LandUse | None, Field(title="For land of this use, and nothing else")] = None

    def perform(self, desk: Desk) -> None:
        require_spendable_fund(desk, self.fund)
        if fund_class(desk, self.fund) == "conditional":
            raise WrongState(
                "Money of fund {fund} must be returned if its condition is not met: it is owed, no gift yet.",
                field="fund", fund=self.fund, hint="Take it in with: receive-grant",
            )  # fmt: skip
        ref = self._own_number(desk)
        desk.post(f"Gift {ref}", [*self.receive(desk, self.fund, self.amount), (self.fund, f"181/{ref}", -self.amount)])
        gift = records.Gift(
            donor=desk.keep("donor", self.donor), fund=self.fund, amount=self.amount, purpose=self.purpose,
            received_on=desk.business_day.isoformat(), land_use=self.land_use,
        )  # fmt: skip
        desk.write(ref, gift, about=self.fund)
        desk.note("Gift", ref)
        if desk.currency == "USD" and self.amount >= parse_amount(_ACKNOWLEDGED_FROM):
            desk.note("Acknowledgement", _("The donor is due one in writing."))

    def _own_number(self, desk: Desk) -> str:
        if self.number is None:
            return desk.next_ref("gift", "G-", 2)
        if desk.version("gift", self.number):
            raise AlreadyExists("There is a gift {number} already.", field="number", number=self.number)
        desk.created.append(self.number)
        return self.number


class SpendGift(Paying):
    """Spend from a restricted gift: the expense, its release, and the money, in one entry."""

    name: ClassVar[str] = "spend-gift"
    title: ClassVar[str] = "Spend from a gift"
    subject: ClassVar[str] = "funds"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    second_person: ClassVar[bool] = True

    decided_as: ClassVar[tuple[str, ...]] = ("allocation",)

    gift: GiftRef
    amount: Money
    expense: ExpenseCode
    memo: Memo = ""
    supplier: Annotated[Supplier | None, Field(title="Whom it is paid to")] = None
    resolution: Decided = None

    def serves(self, desk: Desk) -> set[str]:
        return set() if self.supplier is None else supplier_member(self.supplier)

    def perform(self, desk: Desk) -> None:
        require_expense(desk, self.expense)
        gift, moves = release(desk, self.gift, self.amount, self.expense)
        require_payee(desk, self.supplier, gift.fund, self.gift)
        desk.post(f"Gift {self.gift} spent{_tail(self.memo)}", [*moves, *self.pay(desk, gift.fund, self.amount)])
        desk.note("Left of the gift", shown(desk, gift.amount - gift.released))


def release(desk: Desk, ref: str, amount: int, expense: str) -> tuple[records.Gift, list[Move]]:
    """The expense in the general fund and the release of the same amount; the money is still to be moved."""
    gift = desk.get(records.Gift, ref, "gift")
    if fund_class(desk, gift.fund) not in RELEASING:
        raise WrongState(
            "Gift {gift} went to fund {fund}, which does not spend by release.", field="gift", gift=ref,
            fund=gift.fund, hint="Its money is used as money of that fund is.",
        )  # fmt: skip
    if gift.land_use is not None:
        raise WrongState(
            "Gift {gift} was given for land: {use}.", field="gift", gift=ref, use=_(gift.land_use),
            hint="Buy a parcel of that use with it (buy-parcel).",
        )  # fmt: skip
    left = gift.amount - gift.released
    if amount > left:
        raise Overdrawn("Of gift {gift} only {left} is left.", field="amount", gift=ref, left=shown(desk, left))
    spent = gift.model_copy(update={"released": gift.released + amount})
    desk.write(ref, spent, about=gift.fund)
    return spent, [(FUND, expense, amount), (FUND, "185", -amount), (gift.fund, f"186/{ref}", amount)]


# --------------------------------------------------------------------------------------- bills


class _Bill(Operation):
    """Common to what suppliers send: who, their number, how much, and what for."""

    supplier: Supplier
    number: Annotated[Text, Field(min_length=1, title="The supplier's number of the bill")]
    amount: Money
    expense: ExpenseCode
    memo: Memo = ""

    def serves(self, desk: Desk) -> set[str]:
        """A supplier may be a member, under their member number."""
        return supplier_member(self.supplier)

    def register(self, desk: Desk, fund: str, *, gift: str | None = None, paid: bool = False) -> str:
        """Enter the bill in the register; refuses a supplier's number that was entered before."""
        return register_bill(
            desk,
            self.supplier,
            self.number,
            self.amount,
            self.expense,
            fund,
            gift=gift,
            state="paid" if paid else "open",
        )


class EnterBill(_Bill):
    """Enter a supplier's bill. Somebody else pays it. With a gift, what the bill costs is released from it."""

    name: ClassVar[str] = "enter-bill"
    title: ClassVar[str] = "Enter a bill"
    subject: ClassVar[str] = "bills"
    roles: ClassVar[tuple[str, ...]] = (TELLER, TREASURER, ADMINISTRATOR)

    fund: FundRef = FUND
    gift: Annotated[GiftRef | None, Field(title="Gift that pays for it")] = None

    def second_reason(self, desk: Desk) -> str | None:
        if self.gift is not None:
            return "What a gift is spent on is decided by two people."
        if fund_class(desk, self.fund) == REVOLVING:
            return "Money given for lending is spent on something else only by two people."
        beyond = beyond_budget(desk, desk.business_day, self.fund, self.expense, self.amount)
        return "This goes beyond the budget of the year." if beyond else None

    def perform(self, desk: Desk) -> None:
        require_expense(desk, self.expense)
        if self.gift is None:
            fund, moves = self.fund, [(self.fund, self.expense, self.amount)]
            require_own_expense(desk, fund)
        else:
            gift, moves = release(desk, self.gift, self.amount, self.expense)
            fund = gift.fund
            if self.fund not in (fund, FUND):
                raise InvalidValue(
                    "Gift {gift} is in fund {fund}.", field="fund", gift=self.gift, fund=fund,
                    hint="Name that fund, or none.",
                )  # fmt: skip
        self.register(desk, fund, gift=self.gift)
        moves.append((fund, f"801/{self.supplier}", -self.amount))
        desk.post(f"Bill of {self.supplier}: {self.number}{_tail(self.memo)}", moves)


class PayBill(Paying):
    """Pay a bill that a colleague entered."""

    name: ClassVar[str] = "pay-bill"
    title: ClassVar[str] = "Pay a bill"
    subject: ClassVar[str] = "bills"
    roles: ClassVar[tuple[str, ...]] = (TREASURER, ADMINISTRATOR)

    bill: BillRef

    def serves(self, desk: Desk) -> set[str]:
        bill = desk.find(records.Bill, self.bill)
        return set() if bill is None else supplier_member(bill.supplier)

    def perform(self, desk: Desk) -> None:
        bill = desk.get(records.Bill, self.bill, "bill")
        if bill.state != "open":
            raise WrongState(
                "Bill {bill} is {state}; only an open one is paid.", field="bill", bill=self.bill, state=_(bill.state)
            )
        if bill.entered_by == desk.actor.user:
            raise NotAllowed(
                "You entered bill {bill}: one enters, another pays.", field="bill", bill=self.bill,
                hint="Ask a colleague to pay it.",
            )  # fmt: skip
        require_no_campaign(desk, bill.supplier, bill.fund, bill.gift)
        desk.post(
            f"Bill {self.bill} of {bill.supplier} paid{_numbered(self)}",
            [(bill.fund, f"801/{bill.supplier}", bill.amount), *self.pay(desk, bill.fund, bill.amount)],
        )
        desk.write(self.bill, bill.model_copy(update={"state": "paid"}), about=bill.supplier)
        desk.note("Paid", shown(desk, bill.amount))


class PayExpense(_Bill, Paying):
    """Pay a bill of the general fund at once, without entering it first. A second person agrees."""

    name: ClassVar[str] = "pay-expense"
    title: ClassVar[str] = "Pay a bill at once"
    subject: ClassVar[str] = "bills"
    roles: ClassVar[tuple[str, ...]] = (TELLER, TREASURER, ADMINISTRATOR)
    second_person: ClassVar[bool] = True
    decided_as: ClassVar[tuple[str, ...]] = ("allocation",)
    decided_always: ClassVar[tuple[str, ...]] = (FUND,)

    resolution: Decided = None

    def perform(self, desk: Desk) -> None:
        require_expense(desk, self.expense)
        ref = self.register(desk, FUND, paid=True)
        desk.post(
            f"Bill {ref} of {self.supplier} paid at once{_numbered(self)}{_tail(self.memo)}",
            [(FUND, self.expense, self.amount), *self.pay(desk, FUND, self.amount)],
        )


# ------------------------------------------------------------------------------------- helpers


def supplier_member(supplier: str) -> set[str]:
    """A supplier may be a member, under their member number."""
    return {supplier} if re.fullmatch(r"M[0-9]{4,}", supplier) else set()


def register_bill(
    desk: Desk, supplier: str, number: str, amount: int, account: str, fund: str, *, gift: str | None, state: str
) -> str:  # fmt: skip
    """Enter a bill in the register; refuses a supplier's number that was entered before."""
    require_new_bill(desk, supplier, number)
    require_no_campaign(desk, supplier, fund, gift)
    ref = desk.next_ref("bill", "B-", 5)
    bill = records.Bill(
        supplier=supplier, number=number, amount=amount, expense=account, fund=fund,
        entered_on=desk.business_day.isoformat(), entered_by=desk.actor.user, gift=gift, state=state,
    )  # fmt: skip
    desk.write(ref, bill, about=supplier)
    desk.note("Bill", ref)
    return ref


def require_new_bill(desk: Desk, supplier: str, number: str, field: str = "number") -> None:
    """Refuse a supplier's number that was entered before, or paid out of petty cash."""
    for ref, bill in desk.about(records.Bill, supplier):
        if folded(bill.number) == folded(number):
            raise AlreadyExists(
                "Bill {number} of {supplier} was entered already: {bill}.", field=field, number=number,
                supplier=supplier, bill=ref,
            )  # fmt: skip
    for ref, voucher in desk.every(records.Voucher):
        if (voucher.supplier, folded(voucher.receipt)) == (supplier, folded(number)):
            raise AlreadyExists(
                "Receipt {receipt} of {supplier} was paid already: {voucher}.", field=field, receipt=number,
                supplier=supplier, voucher=ref,
            )  # fmt: skip


def fund_class(desk: Desk, fund: str, field: str = "fund") -> str:
    """The class of a fund; refuses if there is none."""
    desk.fund_exists(fund, field)
    return str(desk.tx.value("SELECT class FROM fund WHERE code = ?", fund))


def require_spendable_fund(desk: Desk, fund: str, field: str = "fund") -> None:
    """Refuse POOL, which owns nothing, and funds that do not exist."""
    if fund == POOL:
        raise InvalidValue(
            "POOL holds everybody's money and owns nothing.", field=field, hint="Name the fund whose money it is."
        )
    desk.fund_exists(fund, field)


def require_own_expense(desk: Desk, fund: str) -> None:
    """Refuse a fund whose money is spent by release only, or kept for losses."""
    require_spendable_fund(desk, fund)
    kind = fund_class(desk, fund)
    if kind in ("restricted", "conditional"):
        raise WrongState(
            "Money of fund {fund} is spent by releasing a gift.", field="fund", fund=fund,
            hint="Name the gift that pays for it, or use spend-gift.",
        )  # fmt: skip
    if kind == RESERVE:
        raise WrongState(
            "Fund {fund} is kept for losses on loans: it pays no bills.", field="fund", fund=fund,
            hint="It leaves by a charge-off, as the loss waterfall says. Bills are paid by GEN.",
        )  # fmt: skip


def require_expense(desk: Desk, code: str) -> None:
    """Refuse an account that is no expense, or one that only its own operation posts."""
    kind = desk.tx.value("SELECT kind FROM gl_account WHERE code = ?", code)
    if kind is None:
        raise Unknown("There is no account {code} in the chart.", field="expense", code=code)
    if kind != "expense":
        raise InvalidValue(
            "Account {code} ({name}) is no expense.", field="expense", code=code, name=desk.control_name(code),
            hint="Choose one that begins with 2 or 3, for example 290.",
        )  # fmt: skip
    if code in _POSTED_BY_RULE:
        raise InvalidValue(
            "Account {code} ({name}) is posted by its own operation only.", field="expense", code=code,
            name=desk.control_name(code),
        )  # fmt: skip


def _numbered(operation: Paying) -> str:
    return f", {operation.cheque_number}" if operation.cheque_number else ""


def folded(number: str) -> str:
    """A supplier's number as it is compared: blanks and case do not make another bill of it."""
    return "".join(number.casefold().split())


def _tail(memo: str) -> str:
    return f": {memo}" if memo else ""
