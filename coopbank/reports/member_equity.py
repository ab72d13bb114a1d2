"""What a member owns of the co-operative: shares by class, retained patronage by vintage, and what waits to be paid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from coopbank.bank import equity, records
from coopbank.bank.books import Books
from coopbank.reports.document import Minor, Source, source
from coopbank.words import _

SUBSCRIPTIONS: Final = "875"
CERTIFICATE: Final = "certificate"


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of a class that a member has, or has begun to pay for. `towards` waits until it makes a whole share."""

    share_class: str
    title: str
    par: Minor
    shares: int
    amount: Minor
    towards: Minor
    notice_days: int
    sponsorships: tuple[str, ...]  # SP-0001: a fund paid for shares, and has the money back when they end
    sponsored: Minor


@dataclass(frozen=True, slots=True)
class Retained:
    """Patronage of a year that was kept as the member's capital; of a worker in their co-op, the internal account."""

    vintage: str
    control: str  # 945 qualified, 946 not, 950 internal capital
    amount: Minor


@dataclass(frozen=True, slots=True)
class GivenBack:
    """Shares, or a worker's capital (950), that wait for their payment; `place` in the queue of their class."""

    ref: str
    share_class: str
    amount: Minor
    accepted_on: date
    payable_on: date
    place: int
    queue: bool  # whether the class pays in the order of acceptance


@dataclass(frozen=True, slots=True)
class Certificate:
    """A share certificate that was made."""

    number: str
    on: date
    replaces: str | None


@dataclass(frozen=True, slots=True)
class MemberEquity:
    """A member's equity now. `dividends` and `patronage` are payable to them and not fetched yet."""

    source: Source
    member: str
    name: str
    as_of: date
    shares: tuple[Shares, ...]
    retained: tuple[Retained, ...]
    given_back: tuple[GivenBack, ...]
    dividends: Minor
    patronage: Minor
    certificates: tuple[Certificate, ...]

    @property
    def total(self) -> int:
        """Shares and retained patronage."""
        return sum(each.amount for each in self.shares) + sum(each.amount for each in self.retained)


def member_equity(books: Books, member: str) -> MemberEquity:
    """What a member owns of the co-operative, now."""
    body = books.get(records.Member, member, "member")
    origin = source(books)
    held: dict[str, int] = {}
    for leaf in books.held_by(member):
        held[leaf.code] = held.get(leaf.code, 0) - leaf.balance
    classes = dict(books.every(records.ShareClass))
    return MemberEquity(
        source=origin, member=member, name=books.member_name(member),
        as_of=origin.business_date or date.fromisoformat(body.joined_on),
        shares=tuple(_shares(books, held, member, classes)),
        retained=_retained(held), given_back=_given_back(books, member, classes),
        dividends=held.get(f"{equity.DIVIDENDS}/{member}", 0), patronage=held.get(f"{equity.PATRONAGE}/{member}", 0),
        certificates=_certificates(books, member),
    )  # fmt: skip


def _shares(
    books: Books, held: dict[str, int], member: str, classes: dict[str, records.ShareClass]
) -> Iterator[Shares]:  # fmt: skip
    sponsored = books.about(records.Sponsorship, member)
    for ref, kind in classes.items():
        towards = f"{SUBSCRIPTIONS}/{member}" if ref == "901" else f"{SUBSCRIPTIONS}/{member}.{ref}"
        amount, waiting = held.get(f"{ref}/{member}", 0), held.get(towards, 0)
        given = {number: body.left for number, body in sponsored if body.share_class == ref and body.left}
        if amount or waiting:
            title = {"901": _("Membership share"), "903": _("Investment shares")}.get(ref, kind.name)
            yield Shares(ref, title, kind.par, amount // kind.par, amount, waiting, kind.notice_days, tuple(given),
                         sum(given.values()))  # fmt: skip


def _retained(held: dict[str, int]) -> tuple[Retained, ...]:
    """The oldest vintage first: in that order it is redeemed."""
    found = []
    for code, amount in held.items():
        control, _slash, contract = code.partition("/")
        if control in equity.RETAINED and amount:
            found.append(Retained(contract.rpartition("/")[2], control, amount))
    return tuple(sorted(found, key=lambda each: (each.vintage, each.control)))


def _given_back(books: Books, member: str, classes: dict[str, records.ShareClass]) -> tuple[GivenBack, ...]:
    places: dict[str, int] = {}
    found = []
    for ref, body in books.about(records.Redemption, "waiting"):
        place = places[body.share_class] = places.get(body.share_class, 0) + 1
        if body.member == member:
            found.append(GivenBack(
                ref, body.share_class, body.amount, date.fromisoformat(body.accepted_on),
                date.fromisoformat(body.payable_on), place,
                body.share_class in classes and classes[body.share_class].queue,
            ))  # fmt: skip
    return tuple(found)


def _certificates(books: Books, member: str) -> tuple[Certificate, ...]:
    """The newest first. The day is that on which it was made, as the books have it."""
    found = []
    for ref, body in books.about(records.Document, member):
        if body.document == CERTIFICATE:
            day = books.tx.value(
                "SELECT o.business_date FROM record r JOIN operation o ON o.id = r.operation_id"
                " WHERE r.kind = ? AND r.ref = ? AND r.version = 1",
                records.Document.kind, ref,
            )  # fmt: skip
            found.append(Certificate(ref, date.fromisoformat(day), body.replaces))
    return tuple(reversed(found))
