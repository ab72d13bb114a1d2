"""Bills that may have come in twice: an auditor's test for payments made a second time.

The same number of a supplier is refused when it is entered. What passes is the copy that somebody numbers anew, or
types with another sign in it, so bills and receipts out of petty cash are held against those of the same supplier.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from coopbank.bank import records
from coopbank.reports.audit.frame import AuditTest, Hunt, Row
from coopbank.words import _, marked

BILLS_WITHIN: Final = 20
"""Days: the bill of a month comes at least 28 days after the one before."""
_GROUPS = re.compile(r"[0-9]+|[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class _Paper:
    """A bill, or a receipt of petty cash, that was not taken back."""

    ref: str
    operation: int
    day: str
    who: str
    supplier: str
    number: str
    amount: int

    @property
    def alike(self) -> str:
        """The number by its letters and digits: INV-007 and inv 7 are one."""
        groups = _GROUPS.findall(self.number.upper())
        return " ".join(group.lstrip("0") or "0" if group.isdigit() else group for group in groups)


def _papers(hunt: Hunt) -> Iterator[_Paper]:
    """Those of the period and before it, in the order in which they were entered."""
    for kind, ref, operation, day, who, text in hunt.stream(
        "SELECT r.kind, r.ref, o.id, o.business_date, o.actor, l.body FROM record r"
        " JOIN operation o ON o.id = r.operation_id JOIN record l ON l.kind = r.kind AND l.ref = r.ref AND l.version ="
        " (SELECT max(v.version) FROM record v WHERE v.kind = r.kind AND v.ref = r.ref)"
        " WHERE r.kind IN (?, ?) AND r.version = 1 AND o.business_date <= ? ORDER BY o.id, r.ref",
        records.Bill.kind, records.Voucher.kind, hunt.days[1],
    ):  # fmt: skip
        body: records.Bill | records.Voucher
        body = records.Bill.read(text) if kind == records.Bill.kind else records.Voucher.read(text)
        if not body.void:
            number = body.number if isinstance(body, records.Bill) else body.receipt
            yield _Paper(ref, int(operation), day, who, body.supplier, number, body.amount)


def bills_twice(hunt: Hunt) -> Iterator[Row]:
    """Bills of one supplier with numbers alike, or with one amount within some days."""
    # Of each number and of each amount the last paper is enough: those before it are older still.
    numbers: dict[tuple[str, str], _Paper] = {}
    amounts: dict[tuple[str, int], _Paper] = {}
    for paper in _papers(hunt):
        number, amount = (paper.supplier, paper.alike), (paper.supplier, paper.amount)
        if paper.day >= hunt.days[0]:
            hunt.looked_at += 1
            earlier = filter(None, (numbers.get(number), amounts.get(amount)))
            latest_first = sorted(earlier, key=lambda each: (each.operation, each.ref), reverse=True)
            said = next(filter(None, (_said(paper, each) for each in latest_first)), None)
            if said is not None:
                yield Row(said, None, paper.operation, paper.day, paper.who, f"801/{paper.supplier}", paper.amount,
                          paper.ref)  # fmt: skip
        numbers[number] = amounts[amount] = paper


def _said(paper: _Paper, before: _Paper) -> str | None:
    """What is alike in two papers, if anything."""
    if paper.alike and paper.alike == before.alike:
        return _("number {number} is like {other} of {bill}").format(
            number=paper.number, other=before.number, bill=before.ref
        )
    days = (date.fromisoformat(paper.day) - date.fromisoformat(before.day)).days
    if paper.amount == before.amount and days <= BILLS_WITHIN:
        return _("the same amount as {bill}, {days} days before").format(bill=before.ref, days=days)
    return None


TESTS = (
    AuditTest(
        "bills-twice", marked("Bills that may stand twice"),
        marked("A copy of a bill that is numbered anew, or typed with another sign in it, is paid once more."),
        marked("bills and receipts"), bills_twice,
    ),
)  # fmt: skip
