"""How money comes in and goes out: cash, cheque or transfer, and the lines that move it.

Drawers, the vault and shared bank accounts hold everybody's money, so they stand in the
fund POOL, which owes each fund its part (879/F), and each fund holds its claim (729).
Every movement of money therefore has a pair on each side and balances per fund.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.desk import Desk, Move
from coopbank.bank.fields import BankAccountRef, Day, Text, Widget
from coopbank.bank.operation import Operation
from coopbank.errors import DrawerClosed, InvalidDate, InvalidValue
from coopbank.ledger import periods
from coopbank.ledger.chart import POOL

Tender = Annotated[Literal["cash", "cheque", "transfer"], Widget("choice"), Field(title="How")]


class Receiving(Operation):
    """Common to operations that take money in."""

    tender: Tender = "cash"
    bank_account: Annotated[BankAccountRef | None, Field(title="Bank account (transfer)")] = None
    cheque_number: Annotated[Text | None, Field(title="Cheque number")] = None
    cheque_date: Annotated[Day | None, Field(title="Date on the cheque")] = None

    def receive(
        self, desk: Desk, fund: str, amount: int, *, account: str | None = None, member: str | None = None
    ) -> list[Move]:
        """The lines that bring the amount in for the fund; a cheque is entered and its credit held."""
        place_fund, place = self._place(desk)
        if self.tender == "cheque":
            self._enter_cheque(desk, fund, amount, place.removeprefix("735/"), account, member)
        return cash_in(place_fund, place, fund, amount)

    def receive_for(
        self, desk: Desk, cash: Mapping[str, int], *, member: str | None = None, held: Mapping[str, int] | None = None
    ) -> list[Move]:
        """The lines that bring money in for several funds at once, each its part.

        `held` is what of a cheque could be paid out again, by the leaf (`GEN 871/M0007`) on which it waits.
        """
        place_fund, place = self._place(desk)
        if self.tender == "cheque":
            fund = max(cash, key=lambda each: cash[each])
            ref = self._enter_cheque(desk, fund, sum(cash.values()), place.removeprefix("735/"), None, member)
            for nth, (leaf, minor) in enumerate((held or {}).items()):
                if minor:
                    _hold(desk, ref, leaf, minor, second=bool(nth))
        return shared_cash((place_fund, place), cash)

    def _place(self, desk: Desk) -> tuple[str, str]:
        if self.tender != "cheque" and self.cheque_number is not None:
            raise InvalidValue(
                "A cheque number goes with a cheque only.", field="cheque_number",
                hint="Choose cheque as tender, or leave the number out.",
            )  # fmt: skip
        if self.tender == "cash":
            return POOL, f"739/{own_drawer(desk)}"
        if self.tender == "cheque":
            return POOL, f"735/{own_drawer(desk)}"
        return bank_place(desk, self.bank_account)

    def _enter_cheque(
        self, desk: Desk, fund: str, amount: int, drawer: str, account: str | None, member: str | None
    ) -> str:
        if not self.cheque_number:
            raise InvalidValue("The number of the cheque is missing.", field="cheque_number")
        if self.cheque_date is not None and self.cheque_date > desk.business_day:
            raise InvalidDate(
                "The cheque is dated {day}, in the future.", field="cheque_date", day=self.cheque_date,
                hint="A post-dated cheque is not taken; ask for one with today's date.",
            )  # fmt: skip
        leaf = None if account is None else f"{fund} {account}"
        cheque = records.Cheque(
            number=self.cheque_number, amount=amount, drawer=drawer, received_on=desk.business_day.isoformat(),
            received_by_operation=desk.number, member=member or getattr(self, "member", None), account=leaf,
        )  # fmt: skip
        ref = desk.next_ref("cheque", "CH-", 5)
        alike = [known for known, body in desk.about(records.Cheque, "on-hand") if _same_paper(body, cheque)]
        desk.write(ref, cheque, about="on-hand")
        desk.note("Cheque", ref)
        if alike:  # two banks' cheques may have one number: so it is said, and the teller looks
            desk.note("Is this the same cheque? Taken in already", ", ".join(alike))
        if leaf is not None:
            _hold(desk, ref, leaf, amount)
        return ref


def _same_paper(one: records.Cheque, other: records.Cheque) -> bool:
    """Whether two entries may be of one cheque: its number, whatever zeros are written before it, amount and member."""
    numbers = {"".join(filter(str.isalnum, each.number)).lstrip("0") for each in (one, other)}
    return len(numbers) == 1 and (one.amount, one.member) == (other.amount, other.member)


def holds_of(cheque: str) -> tuple[str, str]:
    """The refs of what is held of a cheque: the first, and what it is held on besides."""
    return cheque, f"{cheque}.2"


def _hold(desk: Desk, cheque: str, leaf: str, amount: int, *, second: bool = False) -> None:
    """Money of a leaf waits until a cheque is surely paid, for as many days as the bank's policy says."""
    days = int(desk.policy("cheque_hold_days", 0))
    if not days:
        return
    until = (desk.business_day + timedelta(days=days)).isoformat()
    ref = holds_of(cheque)[second]
    desk.write(ref, records.Hold(amount=amount, until=until, reason=f"cheque {cheque}"), about=leaf)
    desk.note("Held until", until)


class Paying(Operation):
    """Common to operations that pay money out."""

    tender: Annotated[Literal["cash", "transfer"], Widget("choice"), Field(title="How")] = "cash"
    bank_account: Annotated[BankAccountRef | None, Field(title="Bank account (transfer)")] = None
    cheque_number: Annotated[Text | None, Field(title="Number of our cheque or transfer")] = None

    def pay(self, desk: Desk, fund: str, amount: int) -> list[Move]:
        """The lines that pay the amount out of the fund."""
        if self.tender == "cash":
            return cash_out(POOL, f"739/{own_drawer(desk)}", fund, amount)
        return cash_out(*bank_place(desk, self.bank_account), fund, amount)

    def pay_for(self, desk: Desk, cash: Mapping[str, int]) -> list[Move]:
        """The lines that pay money out of several funds at once; what each gives stands below zero."""
        place = (POOL, f"739/{own_drawer(desk)}") if self.tender == "cash" else bank_place(desk, self.bank_account)
        return shared_cash(place, cash)


def cash_in(place_fund: str, place: str, fund: str, amount: int) -> list[Move]:
    """Money into a place, for a fund."""
    if place_fund == fund:
        return [(fund, place, amount)]
    if place_fund != POOL:
        raise InvalidValue(
            "The bank account {place} belongs to fund {owner} alone.", field="bank_account",
            place=place.partition("/")[2], owner=place_fund,
        )  # fmt: skip
    return [(POOL, place, amount), (POOL, f"879/{fund}", -amount), (fund, "729", amount)]


def cash_out(place_fund: str, place: str, fund: str, amount: int) -> list[Move]:
    """Money out of a place, from a fund."""
    return [(f, code, -moved) for f, code, moved in reversed(cash_in(place_fund, place, fund, amount))]


def shared_cash(place: tuple[str, str] | None, cash: Mapping[str, int]) -> list[Move]:
    """Money into a place (or out of it, below zero), for several funds; without a place only claims pass on."""
    whole = sum(cash.values())
    if place is not None and place[0] != POOL:
        for fund in cash:
            cash_in(*place, fund, 1)  # refuses the account of another fund
        return [(*place, whole)]
    assert place is not None or not whole, "money comes from somewhere"
    moves: list[Move] = [] if place is None else [(*place, whole)]
    moves += [(POOL, f"879/{fund}", -amount) for fund, amount in cash.items()]
    return moves + [(fund, "729", amount) for fund, amount in cash.items()]


def claim(from_fund: str, to_fund: str, amount: int) -> list[Move]:
    """A claim on pooled cash passes from one fund to another; no cash moves."""
    return [
        (from_fund, "729", -amount), (to_fund, "729", amount),
        (POOL, f"879/{from_fund}", amount), (POOL, f"879/{to_fund}", -amount),
    ]  # fmt: skip


def own_drawer(desk: Desk) -> str:
    """The drawer that the actor has open; a day that is not open is said first."""
    periods.require_open_day(desk.tx, desk.business_day)
    found = [ref for ref, _drawer in desk.about(records.Drawer, f"open:{desk.actor.user}")]
    if not found:
        raise DrawerClosed(
            "You have no open cash drawer.", field="tender", hint="Open one first (open-drawer), or choose transfer."
        )
    return found[0]


def bank_place(desk: Desk, bank_account: str | None) -> tuple[str, str]:
    """Fund and leaf of a bank account; the first one of the bank when none is named."""
    ref = bank_account or str(desk.policy("bank_account", "FIRST"))
    account = desk.get(records.BankAccount, ref, "bank_account")
    return account.fund, f"731/{ref}"
