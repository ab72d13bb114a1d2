"""Interest that the bank pays us: on a fund's own account it is that fund's, on a shared one it is split (E07).

The bank knew it first: it is read off the bank's statement and matched with its line afterwards. A span of days of an
account is told once. Every fund's part follows from its average daily claim (bank/pool_interest.py).
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.desk import Desk, Move
from coopbank.bank.fields import BankAccountRef, Day, Money
from coopbank.bank.operation import TREASURER, Operation
from coopbank.bank.operations.savings import shown
from coopbank.bank.pool_interest import INCOME, claims, parts
from coopbank.bank.tender import bank_place, shared_cash
from coopbank.errors import AlreadyExists, InvalidDate
from coopbank.ledger.chart import POOL


class ReceiveBankInterest(Operation):
    """Enter interest that the bank paid on an account. On a shared account each fund gets its part by average claim."""

    name: ClassVar[str] = "receive-bank-interest"
    title: ClassVar[str] = "Receive interest from the bank"
    subject: ClassVar[str] = "cash"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    since: ClassVar[int] = 2

    amount: Money
    start: Annotated[Day, Field(title="For the days from")]
    end: Annotated[Day, Field(title="Through")]
    bank_account: Annotated[BankAccountRef | None, Field(title="Bank account, if not the first")] = None

    def perform(self, desk: Desk) -> None:
        fund, place = bank_place(desk, self.bank_account)
        account = place.partition("/")[2]
        self._require_days(desk, account)
        shares = {fund: self.amount}
        if fund == POOL:
            shares = parts(self.amount, claims(desk, self.start, self.end))
            moves: list[Move] = [*shared_cash((fund, place), shares), *_income(shares)]
        else:
            moves = [(fund, place, self.amount), *_income(shares)]
        ref = f"{account}/{self.end}"
        desk.post(f"Interest of the bank {ref}", moves)
        body = records.BankInterest(
            bank_account=account, start=self.start.isoformat(), end=self.end.isoformat(), amount=self.amount,
            shares=shares,
        )  # fmt: skip
        desk.write(ref, body, about=account)
        for code, part in shares.items():
            desk.note(code, shown(desk, part))

    def _require_days(self, desk: Desk, account: str) -> None:
        if self.end > desk.business_day:
            raise InvalidDate(
                "{day} lies in the future.", field="end", day=self.end,
                hint="Interest is entered once the bank has paid it.",
            )  # fmt: skip
        if self.start > self.end:
            raise InvalidDate(
                "The days begin on {start} and end on {end}.", field="start", start=self.start, end=self.end,
                hint="Write the first day first.",
            )  # fmt: skip
        for ref, known in desk.about(records.BankInterest, account):
            if known.start <= self.end.isoformat() and self.start.isoformat() <= known.end:
                raise AlreadyExists(
                    "Interest of {account} from {start} to {end} is entered already: {ref}.", field="start",
                    account=account, start=known.start, end=known.end, ref=ref,
                    hint="Begin with the day after it, or reverse that one.",
                )  # fmt: skip


def _income(shares: dict[str, int]) -> list[Move]:
    return [(fund, INCOME, -part) for fund, part in shares.items()]
