"""Where the credit of a cheque stands, once a deposit was put right between savings accounts.

A deposit by cheque that was typed for the wrong member is corrected: its credit goes to another account, and so does
what is held of it until the cheque is paid. If the bank sends the cheque back, it is taken from whoever has the
credit then. A correction may itself be put right, so each of them leads back to the operation that it began with.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.desk import Desk

FUND = "GEN"


def began_with(books: Books, number: int) -> int:
    """The operation that a correction, or a correction of one, put right; the operation itself if it is none."""
    while (ref := _written(books, number, records.Correction.kind)) is not None:
        body = books.find(records.Correction, ref)
        if body is None:  # taken back
            break
        number = body.operation
    return number


def cheque_of(books: Books, number: int) -> tuple[str, records.Cheque] | None:
    """The cheque by which the money of an operation came, or of the one that a correction began with."""
    ref = _written(books, began_with(books, number), records.Cheque.kind)
    cheque = None if ref is None else books.find(records.Cheque, ref)
    return None if ref is None or cheque is None else (ref, cheque)


def credited(books: Books, number: int, account: str, amount: int) -> dict[str, int]:
    """On which savings accounts a deposit stands after its corrections, and how much; minor units."""
    found = {account: amount}
    for _ref, body in corrections(books, number):
        found[body.wrong_account] = found.get(body.wrong_account, 0) + body.amount
        found[body.right_account] = found.get(body.right_account, 0) - body.amount
    return {each: part for each, part in found.items() if part}


def corrections(books: Books, number: int) -> Iterator[tuple[str, records.Correction]]:
    """The corrections of an operation, and those of these, in their order."""
    for ref, body in books.about(records.Correction, f"operation {number}"):
        yield ref, body
        yield from corrections(books, _made_by(books, ref))


def corrected_by(books: Books, number: int) -> list[int]:
    """The operations that corrected one, and those that corrected these."""
    return [_made_by(books, ref) for ref, _body in corrections(books, number)]


def _made_by(books: Books, ref: str) -> int:
    made = "SELECT operation_id FROM record WHERE kind = ? AND ref = ? AND version = 1"
    return int(books.tx.value(made, records.Correction.kind, ref))


def held_of(books: Books, number: int, account: str) -> list[tuple[str, records.Hold]]:
    """What is held today on a savings account of the cheque behind an operation, by the holds' numbers."""
    cheque = cheque_of(books, number)
    if cheque is None:
        return []
    own = {cheque[0], *(ref for ref, _body in corrections(books, began_with(books, number)))}
    today = (books.business_date() or date.min).isoformat()
    return [
        (ref, hold) for ref, hold in books.about(records.Hold, f"{FUND} 905/{account}")
        if ref in own and hold.state == "held" and hold.until > today
    ]  # fmt: skip


def pass_hold_on(
    desk: Desk, held: list[tuple[str, records.Hold]], amount: int, ref: str, wrong: str, right: str
) -> None:  # fmt: skip
    """What is held of a credit goes with it, under the number of the correction."""
    moved = 0
    for number, hold in held:
        part = min(hold.amount, amount - moved)
        if not part:
            break
        left = hold.amount - part
        after = hold.model_copy(update={"amount": left} if left else {"state": "released"})
        desk.write(number, after, about=f"{FUND} 905/{wrong}")
        moved += part
    if moved:
        hold = held[0][1].model_copy(update={"amount": moved})
        desk.write(ref, hold, about=f"{FUND} 905/{right}")
        desk.note("Held until", hold.until)


def _written(books: Books, number: int, kind: str) -> str | None:
    """The ref of what an operation made of a kind."""
    found = books.tx.value(
        "SELECT ref FROM record WHERE operation_id = ? AND kind = ? AND version = 1 ORDER BY line LIMIT 1", number, kind
    )
    return None if found is None else str(found)
