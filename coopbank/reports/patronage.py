"""A patronage notice: what a member's share of a year's surplus is, and why.

The operations that divide a surplus come later; the paper and what it shows are here. `sample` makes one for tests and
for the gallery of documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from coopbank.reports.document import Minor, Source
from coopbank.words import marked


@dataclass(frozen=True, slots=True)
class PatronageNotice:
    """A written notice of allocation (26 U.S.C. 1388): what is allocated, paid in cash and kept."""

    source: Source
    member: str
    name: str
    address: str
    year: int  # fiscal
    basis: str  # what is measured, in words
    quantity: Minor  # the member's
    quantity_all: Minor  # all members'
    divided: Minor  # of all members together
    allocated: Minor
    cash: Minor
    retained: Minor
    qualified: bool
    vintage: int
    redemption: str
    resolved_on: date
    paid_on: date | None
    tax_id: str


def sample(source: Source, member: str, name: str, address: str) -> PatronageNotice:
    """An invented notice: 5,400.00 divided by interest paid, of which this member paid a fifth."""
    return PatronageNotice(
        source=source, member=member, name=name, address=address, year=2025,
        basis=marked("interest paid on loans in the year"), quantity=48_000, quantity_all=240_000, divided=540_000,
        allocated=108_000, cash=21_600, retained=86_400, qualified=True, vintage=2025,
        redemption=marked("Retained patronage is redeemed oldest first, as the members decide."),
        resolved_on=date(2026, 3, 14), paid_on=date(2026, 4, 30), tax_id="•••••4821",
    )  # fmt: skip
