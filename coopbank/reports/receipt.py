"""What the receipt of an operation shows: what it received or paid out, and what it did to the members' accounts.

    operation_paper(books, 4512)

Amounts are minor units in the member's sign: what is theirs is positive, and so is what they owe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

from coopbank.bank.books import Books
from coopbank.bank.operation import CATALOGUE
from coopbank.bank.operations.undoing import Reverse
from coopbank.database import Transaction
from coopbank.errors import Unknown, WrongState
from coopbank.reports.document import Minor, Source, source
from coopbank.reports.wording import Wording
from coopbank.words import _, translate

_PLACES: Final = ("731", "735", "739")
"""Control accounts of bank accounts, cheques and drawers."""


@dataclass(frozen=True, slots=True)
class ReceiptLine:
    """What an operation did to an account: in the member's sign where it is theirs."""

    account: str
    words: str
    amount: Minor
    balance: Minor


@dataclass(frozen=True, slots=True)
class ReceiptPaper:
    """A receipt: what an operation received or paid out, and what it did to the member's accounts."""

    source: Source
    operation: int
    kind: str
    title: str
    business_date: date
    at: str
    actor: str
    approver: str | None
    hash: str  # first 16 hex digits of the operation's own
    member: str
    name: str
    received: Minor
    paid_out: Minor
    places: tuple[str, ...]  # drawer, cheques, bank account
    lines: tuple[ReceiptLine, ...]
    reversed_by: int | None
    takes_back: int | None  # the operation that this one reverses


class _Touched(NamedTuple):
    """What an operation moved on a leaf. Of accrued interest that was paid, what was paid stands apart (`part`)."""

    account: int
    gl_code: str
    contract: str
    holder: str | None
    name: str
    side: str
    net: int  # debit +
    part: int


def operation_paper(books: Books, number: int) -> ReceiptPaper:
    """The receipt of an operation that moved money or a member's account; refuses another."""
    tx = books.tx
    row = tx.row("SELECT kind, business_date, at, actor, approver, hash FROM operation WHERE id = ?", number)
    if row is None:
        raise Unknown("There is no operation {number}.", field="operation", number=number)
    kind, business_date, at, actor, approver, hash_ = row
    origin, day = source(books), date.fromisoformat(business_date)
    touched = _touched(tx, number)
    cash = [each for each in touched if each.gl_code in _PLACES]
    holders = sorted({each.holder for each in touched if each.holder})
    if not holders and not any(each.net for each in cash):
        raise WrongState(
            "Operation {number} moved no money: it has no receipt.", field="operation", number=number,
            hint="Look at it with: coopbank entry, or in the journal.",
        )  # fmt: skip
    wording = Wording(books, origin.institution_kind, [(number, kind)])
    cls = CATALOGUE.get(kind)
    who = holders[0] if len(holders) == 1 else ""
    return ReceiptPaper(
        source=origin, operation=number, kind=kind, title=translate(cls.title) if cls else kind, business_date=day,
        at=str(at), actor=str(actor), approver=approver, hash=bytes(hash_).hex()[:16], member=who,
        name=books.member_name(who) if who else "", received=sum(max(each.net, 0) for each in cash),
        paid_out=-sum(min(each.net, 0) for each in cash),
        places=tuple(_place(each.gl_code, each.contract) for each in cash if each.net),
        lines=_lines(tx, wording, number, day, touched), reversed_by=_reversed_by(tx, number),
        takes_back=_takes_back(tx, number) if kind == Reverse.name else None,
    )  # fmt: skip


def _touched(tx: Transaction, number: int) -> list[_Touched]:
    rows = tx.rows(
        # a payment meets the interest up to its day: both are told, so that the lines come to what was paid
        "SELECT a.id, a.gl_code, a.contract, a.holder, g.name, g.side, sum(p.amount),"
        " CASE WHEN a.gl_code = '781' AND p.amount < 0 THEN 1 ELSE 0 END AS part"
        " FROM entry e JOIN posting p ON p.entry_id = e.id JOIN account a ON a.id = p.account_id"
        " JOIN gl_account g ON g.code = a.gl_code WHERE e.operation_id = ? AND a.gl_code NOT LIKE 'M%'"
        " GROUP BY a.id, a.gl_code, a.contract, a.holder, g.name, g.side, part ORDER BY a.gl_code, a.contract, part",
        number,
    )  # fmt: skip
    return [_Touched._make((*leaf, int(net), part)) for *leaf, net, part in rows]


def _lines(
    tx: Transaction, wording: Wording, number: int, day: date, touched: Sequence[_Touched]
) -> tuple[ReceiptLine, ...]:
    """What happened to the leaves that are somebody's; what was paid of interest comes after the interest that ran."""
    paid = {each.account: each.net for each in touched if each.part}
    return tuple(
        ReceiptLine(
            f"{translate(each.name)} {each.contract}".strip(),
            wording.words(number, each.gl_code, up=(each.net > 0) == (each.side == "debit"), on=day),
            each.net if each.side == "debit" else -each.net,
            _balance_after(tx, each.account, number, each.side) - (0 if each.part else paid.get(each.account, 0)),
        )
        for each in touched
        if each.holder and each.net
    )  # fmt: skip


def _reversed_by(tx: Transaction, number: int) -> int | None:
    found = tx.value(
        "SELECT r.operation_id FROM entry r JOIN entry e ON e.id = r.reverses_id WHERE e.operation_id = ? LIMIT 1",
        number,
    )
    return None if found is None else int(found)


def _takes_back(tx: Transaction, number: int) -> int | None:
    found = tx.value(
        "SELECT o.operation_id FROM entry e JOIN entry o ON o.id = e.reverses_id WHERE e.operation_id = ?"
        " ORDER BY e.id LIMIT 1",
        number,
    )
    return None if found is None else int(found)


def _place(gl_code: str, contract: str) -> str:
    named = {"739": _("drawer {place}"), "735": _("cheques of drawer {place}"), "731": _("bank account {place}")}
    return named[gl_code].format(place=contract)


def _balance_after(tx: Transaction, account: int, number: int, side: str) -> int:
    """The balance when the operation was done; not by date, since a receipt tells what was true then."""
    net = tx.value(
        "SELECT sum(p.amount) FROM posting p JOIN entry e ON e.id = p.entry_id"
        " WHERE p.account_id = ? AND e.operation_id <= ?",
        account, number,
    )  # fmt: skip
    return int(net or 0) if side == "debit" else -int(net or 0)
