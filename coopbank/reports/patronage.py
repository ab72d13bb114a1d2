"""A patronage notice: what a member's share of a year's surplus is, and why.

It is drawn from the entry that divided the surplus, so that it says what was posted. `sample` makes an invented one for
tests and for the gallery of documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from coopbank.bank import equity, groups, records
from coopbank.bank.books import Books
from coopbank.bank.surplus import rules_of
from coopbank.errors import Unknown, WrongState
from coopbank.reports.document import Minor, Source, source
from coopbank.words import marked

BASIS_WORDS: Final = {
    equity.INTEREST: marked("interest paid on loans in the year"),
    equity.SAVINGS: marked("average savings of the year"),
    equity.HOURS: marked("hours worked in the year"),
}
_REDEMPTION = marked("Retained patronage is redeemed oldest first, as the members decide.")


@dataclass(frozen=True, slots=True)
class PatronagePart:
    """What was divided by one basis. Hours are hundredths, and read as an amount is."""

    basis: str  # what is measured, in words
    quantity: Minor  # the member's
    quantity_all: Minor  # all members'
    divided: Minor  # of all members together


@dataclass(frozen=True, slots=True)
class PatronageNotice:
    """A written notice of allocation (26 U.S.C. 1388): what is allocated, paid in cash and kept."""

    source: Source
    member: str
    name: str
    address: str
    year: int  # fiscal
    parts: tuple[PatronagePart, ...]
    allocated: Minor
    cash: Minor
    retained: Minor
    qualified: bool
    vintage: int
    redemption: str
    resolved_on: date
    resolution: str
    paid_on: date | None
    tax_id: str  # its last four characters, masked; empty: none is known


def patronage_notice(books: Books, member: str, year: int) -> PatronageNotice:
    """What a member got of a year's surplus; refuses a year that is not divided, and a member without a part in it."""
    body = books.get(records.Member, member, "member")
    surplus = allocated(books, year)
    number = allocated_by(books, year)
    groups.require_all_there(books, number, "year")
    rules = rules_of(books, surplus.rules)
    got = _credited(books, number, member)
    cash = got.get(equity.PATRONAGE, 0)
    retained = sum(got.get(code, 0) for code in equity.RETAINED)
    if not cash + retained:
        raise Unknown(
            "{member} has no part in the surplus of {year}.", field="member", member=member, year=year,
        )  # fmt: skip
    known = books.personal(body.tax_id)
    return PatronageNotice(
        source=source(books), member=member, name=books.member_name(member), address=books.personal(body.address),
        year=year, parts=tuple(_parts(books, surplus, member, year, number)), allocated=cash + retained, cash=cash,
        retained=retained, qualified=rules.qualified, vintage=year, redemption=surplus.redemption or _REDEMPTION,
        resolved_on=date.fromisoformat(surplus.on), resolution=surplus.resolution,
        paid_on=_paid_on(books, number, member), tax_id=f"•••••{known[-4:]}" if known and body.tax_id else "",
    )  # fmt: skip


def allocated(books: Books, year: int) -> records.Surplus:
    """The division of a year's surplus; refuses one that is not voted and posted."""
    found = books.find(records.Surplus, str(year))
    if found is None or found.state != "allocated":
        raise WrongState(
            "The surplus of {year} is not divided.", field="year", year=year,
            hint="The assembly votes on it first (propose-surplus, allocate-surplus).",
        )  # fmt: skip
    return found


def allocated_by(books: Books, year: int) -> int:
    """The operation that divided a year's surplus, the last one if an earlier was taken back."""
    return int(
        books.tx.value(
            "SELECT operation_id FROM record WHERE kind = ? AND ref = ? ORDER BY version DESC LIMIT 1",
            records.Surplus.kind, str(year),
        )
    )  # fmt: skip


def with_a_part(books: Books, year: int) -> list[str]:
    """The members who have patronage of a year, in the order of their numbers; refuses a year that is not divided."""
    allocated(books, year)
    decided = allocated_by(books, year)
    groups.require_all_there(books, decided, "year")
    found = {
        str(holder)
        for number in groups.operations_of(books, decided)
        for (holder,) in books.tx.rows(
            "SELECT DISTINCT a.holder FROM entry e JOIN posting p ON p.entry_id = e.id"
            " JOIN account a ON a.id = p.account_id WHERE e.operation_id = ? AND a.gl_code = ?"
            " AND a.holder IS NOT NULL", number, equity.PATRONAGE,
        )
    }  # fmt: skip
    return sorted(found)


def _credited(books: Books, operation: int, member: str) -> dict[str, int]:
    """What a member got by a division, whichever of its groups they were in."""
    numbers = groups.operations_of(books, operation)
    rows = books.tx.rows(
        "SELECT a.gl_code, e.operation_id, -p.amount FROM account a JOIN posting p ON p.account_id = a.id"
        " JOIN entry e ON e.id = p.entry_id WHERE a.holder = ? AND e.operation_id BETWEEN ? AND ?",
        member, numbers[0], numbers[-1],
    )  # fmt: skip
    found: dict[str, int] = {}
    for code, number, amount in rows:
        if number in numbers:
            found[code] = found.get(code, 0) + int(amount)
    return found


def _parts(
    books: Books, surplus: records.Surplus, member: str, year: int, number: int
) -> list[PatronagePart]:  # fmt: skip
    days = equity.days_in(str(year))
    found = []
    for step in surplus.steps:
        if step["to"] != "patronage":
            continue
        own = equity.basis_weights(books, step["basis"], str(year), number - 1, member).get(member, 0)
        whole = int(step["measured"])
        if step["basis"] == equity.SAVINGS:  # balances × days: the average balance is what people know
            own, whole = round(own / days), round(whole / days)
        found.append(PatronagePart(BASIS_WORDS[step["basis"]], own, whole, step["amount"]))
    return found


def _paid_on(books: Books, after: int, member: str) -> date | None:
    day = books.tx.value(
        "SELECT min(o.business_date) FROM account a JOIN posting p ON p.account_id = a.id"
        " JOIN entry e ON e.id = p.entry_id JOIN operation o ON o.id = e.operation_id WHERE a.holder = ?"
        " AND a.gl_code = ? AND o.kind IN ('pay-patronage', 'pay-patronage-part') AND o.id > ? AND NOT EXISTS"
        " (SELECT 1 FROM entry r WHERE r.reverses_id = e.id)",
        member, equity.PATRONAGE, after,
    )  # fmt: skip
    return None if day is None else date.fromisoformat(day)


def sample(source: Source, member: str, name: str, address: str) -> PatronageNotice:
    """An invented notice: 5,400.00 divided by interest paid, of which this member paid a fifth."""
    part = PatronagePart(BASIS_WORDS[equity.INTEREST], 48_000, 240_000, 540_000)
    return PatronageNotice(
        source=source, member=member, name=name, address=address, year=2025, parts=(part,),
        allocated=108_000, cash=21_600, retained=86_400, qualified=True, vintage=2025, redemption=_REDEMPTION,
        resolved_on=date(2026, 3, 14), resolution="R-33", paid_on=date(2026, 4, 30), tax_id="•••••4821",
    )  # fmt: skip
