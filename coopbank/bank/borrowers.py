"""Borrowers: whose loan it is, the course that a product asks for before they borrow, and who stands beside them.

Linked borrowers are those of a group in the register GROUPS whose entry is in force: if one cannot pay, the others
may not be able to either, so that what they owe and what is promised to them is held against one limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.desk import Desk, fold
from coopbank.bank.fields import LoanRef
from coopbank.bank.institution_registers import counted, entries_of
from coopbank.bank.operation import Operation
from coopbank.errors import LimitReached, WrongState
from coopbank.money import format_amount, parse_amount

LINKED = "linked_limit"


class AboutLoan(Operation):
    """Common to operations on a loan: nobody does them on their own."""

    subject: ClassVar[str] = "lending"

    loan: LoanRef

    def serves(self, desk: Desk) -> set[str]:
        return borrower(desk, self.loan)


def borrower(desk: Desk, ref: str) -> set[str]:
    """Whose loan it is, for the rule that nobody serves their own."""
    loan = desk.find(records.Loan, ref)
    return set() if loan is None else {loan.member}


def attended(books: Books, member: str, course: str) -> bool:
    """Whether the member, or somebody on their behalf, has completed a course of that name."""
    wanted = {
        ref for ref, body in counted(entries_of(books, "COURSES")) if fold(body.values["course"]) == fold(course)
    }  # fmt: skip
    return any(
        body.values["course"] in wanted
        and body.values.get("completed") is True
        and member in (body.values["member"], body.values.get("on_behalf"))
        for _ref, body in counted(entries_of(books, "ATTENDANCE"))
    )


def require_course(desk: Desk, product: records.Product, member: str) -> None:
    """Refuse a loan of a product that asks for a course which the borrower has not completed."""
    if product.course and not attended(desk, member, product.course):
        raise WrongState(
            "{member} has not completed the course that this product asks for: {course}.", field="member",
            member=member, course=product.course,
            hint="Enter the attendance once it is completed (register ATTENDANCE), for a co-op on its behalf.",
        )  # fmt: skip


# ------------------------------------------------------------------------------- linked borrowers


@dataclass(frozen=True, slots=True)
class Exposure:
    """What a borrower owes, and what is promised to them; minor units."""

    member: str
    owed: int
    promised: int

    @property
    def total(self) -> int:
        """All that would be at risk."""
        return self.owed + self.promised


def groups(books: Books, as_of: date | None = None) -> dict[str, set[str]]:
    """The members of each group whose entries are in force on a day; now if none is given."""
    day = (as_of or books.business_date() or date.max).isoformat()
    found: dict[str, set[str]] = {}
    names: dict[str, str] = {}  # a name is known however it is written, and shown as it was written first
    for _ref, body in counted(entries_of(books, "GROUPS")):
        if body.values["since"] <= day < min(body.values.get("until", "9999"), body.closed_on or "9999"):
            name = names.setdefault(fold(body.values["group"]), body.values["group"])
            found.setdefault(name, set()).add(body.values["member"])
    return found


def linked_to(books: Books, member: str) -> set[str]:
    """The member and everybody linked to them, directly or through others."""
    found, sets = {member}, list(groups(books).values())
    while more := set().union(*(group for group in sets if group & found)) - found:
        found |= more
    return found


def exposure(books: Books, member: str) -> Exposure:
    """What a member owes on all loans now, principal, and what is granted and not yet paid out."""
    owed = promised = 0
    for ref, loan in books.about(records.Loan, member):
        for fund in loan.book or loan.funds:
            owed += books.balance(fund, f"701/{ref}")
            promised += books.balance(fund, f"M40/{ref}")
    return Exposure(member, owed, promised)


def require_linked(desk: Desk, member: str, amount: int) -> None:
    """Refuse what brings a group of linked borrowers above the limit."""
    text = str(desk.policy(LINKED, "") or "")
    people = linked_to(desk, member)
    if not text or len(people) == 1:
        return
    limit = parse_amount(text, desk.currency)
    before = sum(exposure(desk, each).total for each in people)
    if before + amount > limit:
        raise LimitReached(
            "{members} are linked and owe or await {before}; with this it is more than {limit}.", field="principal",
            members=", ".join(sorted(people)), before=format_amount(before, desk.currency),
            limit=format_amount(limit, desk.currency), hint="Lend less, or change the policy linked_limit.",
        )  # fmt: skip
