"""What the solidarity fund gave in a span of time: cases by number and kind. Nobody is named, here or anywhere below.

Totals by kind of need are for members to read: kinds with fewer than three cases are put together as `other`, so that
nobody is recognised by the only funeral of a year.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.reports.document import Minor, Source, source
from coopbank.reports.forecast import records_on

FEWEST = 3
"""Cases of a kind that are told apart."""
OTHER = "other"


@dataclass(frozen=True, slots=True)
class AidCaseRow:
    """A case, without the person."""

    case: str
    given_on: date
    aid_kind: str
    fund: str
    amount: Minor
    returned: Minor
    receipted: Minor
    without_receipt: Minor
    decided_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AidKindRow:
    """All cases of a kind of need, less what came back."""

    aid_kind: str
    cases: int
    amount: Minor


@dataclass(frozen=True, slots=True)
class Solidarity:
    """Cases of a span of time, in the order of their days."""

    source: Source
    start: date
    end: date
    cases: tuple[AidCaseRow, ...]
    kinds: tuple[AidKindRow, ...]
    given: Minor
    returned: Minor
    without_receipt: Minor


def solidarity(books: Books, start: date, end: date) -> Solidarity:
    """What was given from one day through another, both counted, and what of it had come back by then."""
    found = [
        (ref, body) for ref, body in records_on(books, records.AidCase, end)
        if start.isoformat() <= body.given_on <= end.isoformat()
    ]  # fmt: skip
    rows = tuple(sorted((_row(ref, body) for ref, body in found), key=lambda row: (row.given_on, row.case)))
    return Solidarity(
        source=source(books), start=start, end=end, cases=rows, kinds=by_kind(rows),
        given=sum(row.amount for row in rows), returned=sum(row.returned for row in rows),
        without_receipt=sum(row.without_receipt for row in rows),
    )  # fmt: skip


def _row(ref: str, body: records.AidCase) -> AidCaseRow:
    return AidCaseRow(
        case=ref, given_on=date.fromisoformat(body.given_on), aid_kind=body.aid_kind, fund=body.fund,
        amount=body.amount, returned=body.returned, receipted=body.receipted,
        without_receipt=body.amount - body.returned - body.receipted, decided_by=tuple(filter(None, body.given_by)),
    )  # fmt: skip


def by_kind(rows: tuple[AidCaseRow, ...]) -> tuple[AidKindRow, ...]:
    """Totals by kind, the largest first, `other` last; what is rare is in `other`."""
    counted: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        counted[row.aid_kind].append(row.amount - row.returned)
    told: dict[str, list[int]] = defaultdict(list)
    for kind, amounts in counted.items():
        told[kind if len(amounts) >= FEWEST else OTHER] += amounts
    found = [AidKindRow(kind, len(amounts), sum(amounts)) for kind, amounts in told.items()]
    return tuple(sorted(found, key=lambda row: (row.aid_kind == OTHER, -row.amount, row.aid_kind)))
