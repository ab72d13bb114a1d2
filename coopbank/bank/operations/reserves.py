"""Reserves that bear a part of a loss: their cash goes to the fund that lent, and comes back with what is recovered."""

from __future__ import annotations

from coopbank.bank import records
from coopbank.bank.desk import Desk, Move
from coopbank.bank.lending.flows import Book
from coopbank.bank.operations.savings import shown
from coopbank.bank.tender import bank_place, cash_in
from coopbank.errors import Overdrawn
from coopbank.ledger.chart import POOL


def between(desk: Desk, reserve: str, account: str, fund: str, amount: int) -> list[Move]:
    """A reserve's cash goes to a fund for good (below zero: back), by 187 on both sides."""
    _pool, place = bank_place(desk, None)
    return [
        (reserve, "187", amount), (reserve, f"731/{account}", -amount), *cash_in(POOL, place, fund, amount),
        (fund, "187", -amount),
    ]  # fmt: skip


def refilled(desk: Desk, body: records.Loan, moved: Book) -> tuple[list[Move], dict[str, int]]:
    """What of a recovery goes back to whoever bore the loss, the last that was hit first; and what they still bear.

    A reserve made the leading fund's loss good: it is refilled out of that fund's part of the recovery.
    """
    recovered = max(0, moved.get(body.fund, {}).get("recovered", 0))
    moves: list[Move] = []
    borne = dict(body.borne)
    for fund in reversed(list(borne)):
        back = min(recovered, borne[fund])
        if not back:
            continue
        account = next((ref for ref, each in desk.every(records.BankAccount) if each.fund == fund), None)
        if account is None:
            raise Overdrawn("Fund {fund} has no bank account to be refilled.", field="loan", fund=fund)
        moves += between(desk, fund, account, body.fund, -back)
        borne[fund], recovered = borne[fund] - back, recovered - back
        desk.note("Goes back to", f"{fund} {shown(desk, back)}")
    return moves, {fund: amount for fund, amount in borne.items() if amount}
