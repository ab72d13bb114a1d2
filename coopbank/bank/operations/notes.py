"""Notes: money that lenders put into a fund against a signed note, with simple interest.

A note is debt in the fund that lends the money on, whatever its class: 811 is its
principal, 851 the interest recognised and not yet paid, 341 the expense. Interest is
that of bank/accrual.py, by actual days over 365. What is not repaid at its end may be
renewed: the rest stands as a new note from the same day.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.accrual import accrue, owed, pay, start_of_segment
from coopbank.bank.desk import Desk, Move
from coopbank.bank.fields import (
    Code,
    Counted,
    Day,
    Decided,
    Decision,
    FundRef,
    MemberRef,
    Memo,
    Money,
    NoteRef,
    Personal,
    Rate,
    Text,
    Widget,
)
from coopbank.bank.operation import SUPERVISOR, TREASURER, Operation
from coopbank.bank.operations.lending import own_number
from coopbank.bank.operations.products import require_lender
from coopbank.bank.operations.savings import shown
from coopbank.bank.tender import Paying, Receiving, Tender
from coopbank.errors import InvalidAmount, InvalidDate, InvalidValue, WrongState
from coopbank.words import _


class DefineNoteClass(Operation):
    """Say what a class of notes is: its rank among lenders, its highest interest, and how much it may come to."""

    name: ClassVar[str] = "define-note-class"
    title: ClassVar[str] = "Define a class of notes"
    subject: ClassVar[str] = "notes"
    decided_as: ClassVar[tuple[str, ...]] = ("policy",)
    decided_amount: ClassVar[str] = ""
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    approvers: ClassVar[tuple[str, ...]] = (SUPERVISOR, TREASURER)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False  # the next version changes it

    note_class: Annotated[Code, Field(title="Class")]
    class_title: Annotated[Text, Field(min_length=1, title="What it is called")]
    rank: Annotated[int, Field(ge=1, le=99, title="Rank (1 is paid first, higher ones bear losses first)")] = 1
    most_rate: Annotated[Rate | None, Field(title="Highest interest, percent a year")] = None
    ceiling: Annotated[Money | None, Field(title="Most that may be owed on all its notes")] = None
    resolution: Decision
    why: Annotated[Memo, Field(title="Why, if it changes an earlier one")] = ""

    def perform(self, desk: Desk) -> None:
        body = records.NoteClass(
            title=self.class_title, rank=self.rank, most_rate=self.most_rate, ceiling=self.ceiling,
            resolution=self.resolution, why=self.why,
        )  # fmt: skip
        before = desk.find(records.NoteClass, self.note_class)
        if before is not None and before.model_copy(update={"why": self.why}) == body:
            raise InvalidValue("Class {note_class} is that already.", field="note_class", note_class=self.note_class)
        if before is not None and not self.why:
            raise InvalidValue(
                "There is a class {note_class} already: say why it changes.", field="why", note_class=self.note_class
            )
        owed = owed_on_class(desk, self.note_class)
        if self.ceiling is not None and owed > self.ceiling:
            raise InvalidAmount(
                "{owed} is owed on notes of class {note_class} already.", field="ceiling", owed=shown(desk, owed),
                note_class=self.note_class,
            )  # fmt: skip
        desk.write(self.note_class, body)
        desk.note("Class", self.note_class)
        desk.note("Owed on it", shown(desk, owed))


class IssueNote(Receiving):
    """Take in a lender's money against a note. A second person looks at it too."""

    name: ClassVar[str] = "issue-note"
    title: ClassVar[str] = "Issue a note"
    subject: ClassVar[str] = "notes"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    second_person: ClassVar[bool] = True
    decided_as: ClassVar[tuple[str, ...]] = ("transfer", "other")

    lender: Annotated[Personal, Field(min_length=1, title="Lender")]
    amount: Money
    annual_rate: Annotated[Rate, Field(title="Interest, percent a year")]
    due_on: Annotated[Day, Field(title="Due")]
    fund: Annotated[FundRef, Field(title="Fund that lends it on")] = "RLF"
    note_class: Annotated[Code, Field(title="Class")] = "A"
    tender: Tender = "transfer"
    member: Annotated[MemberRef | None, Field(title="Member number, if the lender is one")] = None
    number: Annotated[Code | None, Field(title="Note number, if it has one")] = None
    resolution: Decided = None

    def perform(self, desk: Desk) -> None:
        if self.member is not None:
            desk.get(records.Member, self.member, "member")
        require_lender(desk, self.fund, "fund")
        require_later(desk, self.due_on, "due_on")
        require_class(desk, self.note_class, self.annual_rate, self.amount, "annual_rate")
        ref = own_number(desk, "note", "N-", self.number)
        today = desk.business_day.isoformat()
        note = records.Note(
            lender=desk.keep("lender", self.lender), member=self.member, fund=self.fund, note_class=self.note_class,
            principal=self.amount, annual_rate=self.annual_rate, issued_on=today, due_on=self.due_on.isoformat(),
            owed_principal=self.amount, segment_start=today,
        )  # fmt: skip
        open_note_leaves(desk, ref, note)
        cash = self.receive(desk, self.fund, self.amount, member=self.member)
        desk.post(f"Note {ref}", [*cash, (self.fund, f"811/{ref}", -self.amount)])
        desk.write(ref, note, about=self.member)
        desk.note("Note", ref)
        desk.note("Due", note.due_on)
        desk.wishes.append(f"note {ref}")


class RepayNote(Paying):
    """Pay a note's interest to this day and its principal, whole or in part; the rest may be renewed."""

    name: ClassVar[str] = "repay-note"
    title: ClassVar[str] = "Repay a note"
    subject: ClassVar[str] = "notes"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    second_person: ClassVar[bool] = True

    note: NoteRef
    amount: Annotated[Counted | None, Field(title="Principal paid back; all if empty, 0.00 for interest only")] = None
    tender: Annotated[Literal["cash", "transfer"], Widget("choice"), Field(title="How")] = "transfer"
    renew_until: Annotated[Day | None, Field(title="Renew the rest until")] = None
    renew_rate: Annotated[Rate | None, Field(title="Interest of the renewed note, if another")] = None

    def serves(self, desk: Desk) -> set[str]:
        note = desk.find(records.Note, self.note)
        return set() if note is None or note.member is None else {note.member}

    def moves(self, desk: Desk) -> int | None:
        note = desk.find(records.Note, self.note)
        return note.owed_principal if self.amount is None and note is not None else self.amount

    def perform(self, desk: Desk) -> None:
        note = active_note(desk, self.note)
        today = desk.value_date(None, not_before=start_of_segment(note))
        note, recognised = accrue(note, today)
        principal = self._principal(desk, note)
        self._require_turn(desk, note, principal)
        interest, rest = note.accrued, note.owed_principal - principal
        paid, _parts = pay(note, interest + principal, today)
        moves: list[Move] = [
            (note.fund, "341", recognised), (note.fund, f"851/{self.note}", -recognised),
            (note.fund, f"851/{self.note}", interest),
            (note.fund, f"811/{self.note}", principal if self.renew_until is None else note.owed_principal),
        ]  # fmt: skip
        changes: dict[str, Any] = {} if owed(paid) else {"state": "repaid"}
        if self.renew_until is not None:
            new = self._renew(desk, note, rest)
            moves.append((note.fund, f"811/{new}", -rest))
            changes = {"state": "renewed", "owed_principal": 0, "renewed_by": new}
        if interest + principal:
            moves += self.pay(desk, note.fund, interest + principal)
        if not any(amount for _fund, _code, amount in moves):
            raise InvalidAmount("There is nothing to pay on note {note} today.", field="amount", note=self.note)
        desk.post(f"Note {self.note} repaid", moves)
        desk.write(self.note, paid.model_copy(update=changes), about=note.member)
        desk.note("Interest", shown(desk, interest))
        desk.note("Principal", shown(desk, principal))
        desk.note("Renewed" if self.renew_until else "Owed after", shown(desk, rest))

    def _principal(self, desk: Desk, note: records.Note) -> int:
        """How much of the principal is paid back."""
        if self.amount is None and self.renew_until is not None:
            raise InvalidAmount(
                "Say how much is paid back before the rest is renewed.", field="amount",
                hint="0.00 renews the whole note.",
            )  # fmt: skip
        principal = note.owed_principal if self.amount is None else self.amount
        if principal > note.owed_principal:
            raise InvalidAmount(
                "Only {owed} of note {note} is owed.", field="amount", owed=shown(desk, note.owed_principal),
                note=self.note,
            )  # fmt: skip
        return principal

    def _require_turn(self, desk: Desk, note: records.Note, principal: int) -> None:
        """Refuse principal of a junior note before its day while a senior one of the fund is overdue."""
        today, rank = desk.business_day.isoformat(), rank_of(desk, note)
        if not principal or note.due_on <= today or rank is None:
            return
        for ref, other in desk.every(records.Note):
            senior = rank_of(desk, other)
            if (other.fund, other.state) != (note.fund, "active") or other.due_on >= today or senior is None:
                continue
            if senior < rank:
                raise WrongState(
                    "Note {senior} comes first and is overdue since {day}; note {note} is not due yet.", field="note",
                    senior=ref, day=other.due_on, note=self.note, hint="Repay that one, or pay the interest alone.",
                )  # fmt: skip

    def _renew(self, desk: Desk, note: records.Note, rest: int) -> str:
        """A new note for the rest, from today; returns its number."""
        assert self.renew_until is not None
        if not rest:
            raise InvalidAmount("Nothing of note {note} is left to renew.", field="amount", note=self.note)
        require_later(desk, self.renew_until, "renew_until")
        require_class(desk, note.note_class, self.renew_rate or note.annual_rate, 0, "renew_rate")
        ref = desk.next_ref("note", "N-", 3)
        today = desk.business_day.isoformat()
        new = records.Note(
            lender=note.lender, member=note.member, fund=note.fund, note_class=note.note_class, principal=rest,
            annual_rate=self.renew_rate or note.annual_rate, issued_on=today, due_on=self.renew_until.isoformat(),
            owed_principal=rest, segment_start=today, renews=self.note,
        )  # fmt: skip
        open_note_leaves(desk, ref, new)
        desk.write(ref, new, about=note.member)
        desk.note("New note", ref)
        return ref


def rank_of(desk: Desk, note: records.Note) -> int | None:
    """The rank of a note's class; None where the class was never defined."""
    found = desk.find(records.NoteClass, note.note_class)
    return None if found is None else found.rank


def owed_on_class(desk: Desk, note_class: str) -> int:
    """Principal owed on all notes of a class."""
    return sum(note.owed_principal for _ref, note in desk.every(records.Note) if note.note_class == note_class)


def require_class(desk: Desk, note_class: str, rate: str, amount: int, field: str) -> None:
    """Refuse a note beyond what was voted for its class; a class that was never defined asks nothing."""
    found = desk.find(records.NoteClass, note_class)
    if found is None:
        return
    if found.most_rate is not None and Decimal(rate) > Decimal(found.most_rate):
        raise InvalidValue(
            "Notes of class {note_class} bear {most} % at most.", field=field, note_class=note_class,
            most=found.most_rate,
        )  # fmt: skip
    owed = owed_on_class(desk, note_class)
    if found.ceiling is not None and owed + amount > found.ceiling:
        raise InvalidAmount(
            "Class {note_class} may come to {ceiling}; {owed} is owed already.", field="amount", note_class=note_class,
            ceiling=shown(desk, found.ceiling), owed=shown(desk, owed),
        )  # fmt: skip


def active_note(desk: Desk, ref: str) -> records.Note:
    """The note, refused unless something is owed on it."""
    note: records.Note = desk.get(records.Note, ref, "note")
    if note.state != "active":
        raise WrongState("Nothing is owed on note {note}: it is {state}.", field="note", note=ref, state=_(note.state))
    return note


def open_note_leaves(desk: Desk, ref: str, note: records.Note) -> None:
    """The leaves of a note: principal and interest owed."""
    for gl_code in ("811", "851"):
        desk.leaf_id(note.fund, f"{gl_code}/{ref}", note.member)


def require_later(desk: Desk, day: date, field: str) -> None:
    """Refuse a due date that is not after today."""
    if day <= desk.business_day:
        raise InvalidDate(
            "{day} is not after the business date {today}.", field=field, day=day, today=desk.business_day
        )
