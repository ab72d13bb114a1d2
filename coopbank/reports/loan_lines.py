"""A loan's movements as its borrower reads them: by the contract, whatever the books recognise.

What is owed is the sum of the loan's own leaves over all its funds, memo included (see
bank/lending/flows.py): what moves between them, such as interest that becomes income, is no
line on the member's paper. What an operation did is told by two things: what it moved on the
leaves, and what the loan's record says, before and after it, was lent, charged, paid and
given up. Interest is what is left of the movement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Final

from coopbank.bank.books import Books, loads
from coopbank.reports.movements import Movement
from coopbank.reports.wording import LoanPart, Wording

_OPENING: Final = "opening-balance"


@dataclass(frozen=True, slots=True)
class Told:
    """What happened on a loan by its contract, in minor units: cumulative, or what an operation added."""

    lent: int = 0
    fees: int = 0
    fees_paid: int = 0
    interest_paid: int = 0
    principal_paid: int = 0
    interest_waived: int = 0
    fees_waived: int = 0
    given_up: int = 0

    def less(self, other: Told) -> Told:
        """The difference."""
        return Told(*(getattr(self, each.name) - getattr(other, each.name) for each in fields(Told)))

    def plus(self, other: Told) -> Told:
        """Both together."""
        return self.less(Told().less(other))

    @property
    def paid(self) -> int:
        """Fees, interest and principal paid."""
        return self.fees_paid + self.interest_paid + self.principal_paid

    @property
    def owed(self) -> int:
        """What it comes to in what is owed, without interest that ran."""
        return self.lent + self.fees - self.paid - self.interest_waived - self.fees_waived - self.given_up


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of what an operation did to a loan: what was added to what is owed, or how a payment was shared."""

    move: Movement
    part: LoanPart
    words: str
    added: int = 0
    fees: int = 0
    interest: int = 0
    principal: int = 0

    @property
    def on(self) -> date:
        """The day that it is dated."""
        return self.move.on

    @property
    def paid(self) -> int:
        """What was paid."""
        return self.fees + self.interest + self.principal


def changes(books: Books, ref: str) -> dict[int, Told]:
    """What each operation that wrote a loan's record added to what was told before it."""
    found: dict[int, Told] = {}
    before = Told()
    for operation, text in books.tx.rows(
        "SELECT operation_id, body FROM record WHERE kind = 'loan' AND ref = ? ORDER BY version", ref
    ):
        now = _told(loads(text))
        found[int(operation)] = found.get(int(operation), Told()).plus(now.less(before))
        before = now
    return found


def _told(body: dict[str, object]) -> Told:
    """The cumulative amounts that a version of the record keeps."""
    told, book = body.get("told") or {}, body.get("book") or {}
    assert isinstance(told, dict) and isinstance(book, dict), "as bank/records.py has it"
    if told:
        return Told(**{each.name: told.get(each.name, 0) for each in fields(Told)})
    flows: dict[str, int] = defaultdict(int)
    for of_fund in book.values():
        for flow, amount in of_fund.items():
            flows[flow] += amount
    back = min(flows["recovered"], flows["off_principal"])  # of a loss, what was lent comes back first
    return Told(
        lent=flows["lent"], principal_paid=flows["principal_paid"] + back,
        interest_paid=flows["interest_paid"] + flows["recovered"] - back,
        given_up=flows["written_principal"] + flows["given"],
    )  # fmt: skip


@dataclass(slots=True)
class _Group:
    """The entries of one operation that are dated the same day, those that reverse apart from others."""

    first: Movement
    moved: int = 0
    told: Told = field(default_factory=Told)


def pieces(moves: Sequence[Movement], told: dict[int, Told], wording: Wording, *, cost: bool = False) -> list[Piece]:
    """Every movement of a loan's leaves in the words of its borrower, in the order of dates and entries.

    `cost`: what is paid above what was lent is a cost by a multiple, and not interest.
    """
    groups: dict[tuple[int, date, int | None], _Group] = {}
    for move in sorted(moves, key=lambda each: (each.on, each.entry)):
        key = move.operation, move.on, move.corrects
        groups.setdefault(key, _Group(move)).moved += move.net
    by_operation: dict[int, list[_Group]] = defaultdict(list)
    for group in groups.values():
        by_operation[group.first.operation].append(group)
    for operation, held in by_operation.items():
        _share(held, told.get(operation, Told()), told)
    return [piece for group in groups.values() for piece in _pieces(group, wording, cost)]


def _share(held: list[_Group], whole: Told, told: dict[int, Told]) -> None:
    """What an operation told, among its groups: a reversal takes back what the reversed one told."""
    left = whole
    for group in held:
        if group.first.corrects is not None:
            group.told = Told().less(told.get(group.first.corrects, Told()))
            left = left.less(group.told)
    last = next((group for group in reversed(held) if group.first.corrects is None), held[-1])
    last.told = last.told.plus(left)


def _pieces(group: _Group, wording: Wording, cost: bool) -> Iterator[Piece]:
    move, told = group.first, group.told

    def words(part: LoanPart, amount: int) -> str:
        return wording.of_loan(move.operation, part, up=amount > 0, on=move.on, corrects=move.corrects)

    if _OPENING in (move.kind, move.corrects_kind):
        if group.moved:
            yield Piece(move, "lent", words("lent", group.moved), added=group.moved)
        return
    parts: tuple[tuple[LoanPart, int], ...] = (
        ("cost" if cost else "interest", group.moved - told.owed), ("lent", told.lent), ("fee", told.fees),
        ("interest-waived", -told.interest_waived), ("fee-waived", -told.fees_waived), ("given-up", -told.given_up),
    )  # fmt: skip
    for part, amount in parts:
        if amount:
            yield Piece(move, part, words(part, amount), added=amount)
    if told.fees_paid or told.interest_paid or told.principal_paid:
        part = "paid" if told.paid else "shared-anew"
        yield Piece(
            move, part, words(part, told.interest_paid), fees=told.fees_paid, interest=told.interest_paid,
            principal=told.principal_paid,
        )  # fmt: skip
