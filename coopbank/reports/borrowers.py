"""Borrowers beside each other: those who are linked, and those whose small first loan led to larger ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.borrowers import LINKED, Exposure, exposure, groups
from coopbank.money import parse_amount
from coopbank.reports.document import Minor, Source, source


@dataclass(frozen=True, slots=True)
class LinkedBorrower:
    """A member of a group, and what they owe or await."""

    member: str
    owed: Minor
    promised: Minor


@dataclass(frozen=True, slots=True)
class LinkedGroup:
    """A group of linked borrowers; `left` of the limit, None where there is none."""

    group: str
    members: tuple[LinkedBorrower, ...]
    total: Minor
    left: Minor | None


@dataclass(frozen=True, slots=True)
class Linked:
    """Every group in force now."""

    source: Source
    limit: Minor | None
    groups: tuple[LinkedGroup, ...]


def linked(books: Books) -> Linked:
    """What groups of linked borrowers owe together, the largest first."""
    text = str(books.policy(LINKED, "") or "")
    origin = source(books)
    limit = parse_amount(text, origin.currency) if text else None
    found = [_group(name, [exposure(books, each) for each in sorted(people)], limit)
             for name, people in groups(books).items()]  # fmt: skip
    return Linked(origin, limit, tuple(sorted(found, key=lambda group: (-group.total, group.group))))


def _group(name: str, people: list[Exposure], limit: int | None) -> LinkedGroup:
    total = sum(each.total for each in people)
    rows = tuple(LinkedBorrower(each.member, each.owed, each.promised) for each in people)
    return LinkedGroup(name, rows, total, None if limit is None else limit - total)


@dataclass(frozen=True, slots=True)
class Climb:
    """A member who borrowed again: the first loan and the largest after it."""

    member: str
    loans: tuple[str, ...]  # in the order in which they were granted
    first: Minor
    first_on: date
    largest_after: Minor
    repaid_first: bool


@dataclass(frozen=True, slots=True)
class Ladder:
    """First small loans and what they led to."""

    source: Source
    small: Minor  # a first loan of at most this counts as small
    first_small: int  # members whose first loan was small
    climbed: int  # of these, those who borrowed more than that afterwards
    members: tuple[Climb, ...]


def ladder(books: Books, small: int) -> Ladder:
    """Members whose first loan was at most `small` minor units, and the larger loans that they were granted later."""
    by_member: dict[str, list[tuple[str, records.Loan]]] = {}
    for ref, loan in books.every(records.Loan):
        if loan.state != "cancelled" and loan.disbursed_on is not None:
            by_member.setdefault(loan.member, []).append((ref, loan))
    first_small, climbs = 0, []
    for member, loans in sorted(by_member.items()):
        loans.sort(key=lambda pair: (pair[1].disbursed_on or "", pair[0]))
        first, later = loans[0][1], [loan.principal for _ref, loan in loans[1:]]
        if first.principal > small:
            continue
        first_small += 1
        if later and max(later) > first.principal:
            climbs.append(Climb(
                member, tuple(ref for ref, _loan in loans), first.principal,
                date.fromisoformat(first.disbursed_on or ""), max(later), first.state == "paid",
            ))  # fmt: skip
    return Ladder(source(books), small, first_small, len(climbs), tuple(climbs))
