"""A loan's life played through the operations, and a twin that lived it without one of its days.

    act(bank, "extend-loan", loan="L-001", extra_installments=3)     # by who may, agreed to by another
    as_if_never(founded, tmp_path, steps, taken=4)                   # reversed = never done: the loan, every leaf

A step is a day, an operation and its values; `CLOSE` closes every month that is over.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from coopbank.bank.books import Actor
from coopbank.bank.lending.accounts import account
from coopbank.bank.lending.flows import OWN, on_leaf
from coopbank.bank.lending.position import PositionRow
from coopbank.bank.lending.proof import faults_of
from coopbank.bank.operation import Receipt
from tests.bank.support_lending import (
    close_months_before,
    copy_of,
    facts,
    notes_of,
    simple_interest,
    standing,
    stored,
    visit,
)
from tests.support_bank import SmallBank, assert_books, new_bank

CLOSE = "close"
START = date(2026, 3, 2)
REASONS = {
    "why": ("change-rate", "extend-loan", "move-due-date", "payment-holiday", "re-amortize", "pause-interest",
            "move-outer-date", "waive-charges", "stop-accrual", "resume-accrual", "charge-off"),
    "reason": ("close-commitment", "reverse"), "resolution": ("write-down",),
}  # fmt: skip
_TOGETHER = {"301": "301+719", "719": "301+719", "111": "111+119", "119": "111+119"}
_places = itertools.count(1)

Step = tuple[str, str, dict[str, Any]]


def furnish(bank: SmallBank) -> None:
    """Two funds with 50,000.00 each to lend, and a member; Monday 2 March 2026 is open."""
    for fund in ("RLF", "GEN"):
        bank.do("receive-gift", by=bank.tom, amount="50000.00", donor="Many", fund=fund, tender="transfer")
    bank.admit("Mia Lee")


def found(place: Path) -> Path:
    """Books where that is done."""
    with new_bank(str(place), begin=furnish):
        return place


def act(bank: SmallBank, operation: str, /, by: Actor | None = None, **values: Any) -> Receipt:
    """Perform an operation on a loan; where it takes two people, another agrees. Money moves by transfer."""
    for name, operations in REASONS.items():
        if operation in operations:
            values.setdefault(name, "because")
    if operation in ("repay-loan", "disburse-loan"):
        values.setdefault("tender", "transfer")
    who = by or (bank.ana if operation in ("grant-loan", "accept-report") else bank.tom)
    receipt = bank.ask(operation, who, **values)
    if receipt.status == "pending":
        other = bank.tom if who.user == "ana" else bank.sue
        receipt = bank.do("approve", by=other, request=receipt.request).then[0]
    return receipt


def pay(bank: SmallBank, loan: str, minor: int, **values: Any) -> dict[str, str]:
    """A payment of so many cents; what its receipt says of it."""
    return notes_of(act(bank, "repay-loan", loan=loan, amount=bank.text(minor), **values))


def borrow(bank: SmallBank, **changes: Any) -> str:
    """A loan of 12,000.00 at 7.25 % over 24 months (or as said), paid out at once."""
    terms = {"member": "M0001", "principal": "12000.00", "annual_rate": "7.25", "installments": 24}
    if changes.get("product") in ("SURPLUS", "REVENUE"):
        terms = {"member": "M0001", "principal": "12000.00"}
    loan = act(bank, "grant-loan", **{**terms, **changes}).created[0]
    act(bank, "disburse-loan", loan=loan)
    return loan


def play(bank: SmallBank, steps: list[Step], without: int | None = None) -> list[int | None]:
    """Play the steps, but for one; the number of each operation."""
    numbers: list[int | None] = []
    for place, (day, operation, values) in enumerate(steps):
        visit(bank, day)
        if operation == CLOSE:
            close_months_before(bank, date.fromisoformat(day))
        done = None if operation == CLOSE or place == without else act(bank, operation, **values).number
        numbers.append(done)
    return numbers


def as_if_never(founded: Path, folder: Path, steps: list[Step], taken: int, loan: str = "L-001") -> None:
    """Take a step back at the end, what came after told anew: the books are those of a bank that never took it."""
    one, other = (copy_of(founded, folder / f"twin{next(_places)}.db") for _ in range(2))
    try:
        number = play(one, steps)[taken]
        assert number is not None
        act(one, "reverse", operation=number, replay=True)
        play(other, steps, without=taken)
        for bank in (one, other):
            assert_books(bank)
            assert_leaves(bank, loan)
        assert told(one, loan) == told(other, loan)
        assert leaves(one) == leaves(other)
        day = date.fromisoformat(steps[-1][0])
        for ahead in (0, 1, 31, 400):
            then = str(day + timedelta(days=ahead))
            assert standing(one, loan, then).standing == standing(other, loan, then).standing
    finally:
        one.bank.close()
        other.bank.close()


def told(bank: SmallBank, loan: str) -> tuple[Any, ...]:
    """What is kept of a loan and what happened to it, but for the numbers of events and versions.

    A close does not say up to where it brought a loan on which no interest ran.
    """
    kept = stored(bank, loan).model_dump(exclude={"events", "terms", "accrued_to"})
    if kept["repayment"] == "surplus":  # of what the cap took back, earned and waived are one
        for flows in kept["book"].values():
            flows["earned"] = flows.get("earned", 0) - flows.pop("waived", 0)
    kept["told"] = {name: value for name, value in kept["told"].items() if name != "contract"}
    return kept, [
        (fact.type, fact.on, {name: value for name, value in fact.data.items() if name != "version"})
        for fact in facts(bank, loan)
    ]


def leaves(bank: SmallBank) -> dict[tuple[str, str], int]:
    """Every leaf with a balance, debit +.

    A provision and the allowance are one, and so are interest and what was waived of it: a reversal may leave both.
    """
    with bank.read() as books:
        rows = books.tx.rows(
            "SELECT a.fund, a.gl_code, a.contract, b.debit - b.credit FROM account a JOIN balance b"
            " ON b.account_id = a.id"
        )
    found: dict[tuple[str, str], int] = {}
    for fund, code, contract, amount in rows:
        leaf = (fund, _TOGETHER.get(code, f"{code}/{contract}"))
        found[leaf] = found.get(leaf, 0) + amount
    return {leaf: amount for leaf, amount in found.items() if amount}


def assert_leaves(bank: SmallBank, loan: str) -> None:
    """The loan is what its facts lead to, and its leaves hold what its books say, in every fund."""
    with bank.read() as books:
        held = account(books, loan)
        assert list(faults_of(held)) == []
        for fund in (name for name in held.body.book if "@" not in name):
            for code in OWN:
                assert on_leaf(held.body.book, fund, code) == books.balance(fund, f"{code}/{loan}"), f"{fund} {code}"


def assert_rows(
    rows: Sequence[PositionRow], principal: int, rate: str, start: date, carried: int = 0, *, even: bool = True
) -> None:
    """A level schedule by actual days over 365, reckoned apart: interest of each row, the balance, an even payment."""
    balance, before = principal, start
    for row in rows:
        interest = simple_interest(balance, rate, before, row.due) + (carried if row is rows[0] else 0)
        balance -= row.payment - interest
        assert (row.interest, row.principal, row.balance) == (interest, row.payment - interest, balance)
        before = row.due
    assert balance == 0
    payments = {row.payment for row in rows[1 if carried else 0 : -1]}
    if even and payments:
        assert len(payments) == 1
        assert abs(rows[-1].payment - payments.pop()) <= len(rows)
