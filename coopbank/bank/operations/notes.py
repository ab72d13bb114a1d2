"""Notes: money that lenders put into a fund against a signed note, with simple interest.

A note is debt in the fund that lends the money on, whatever its class: 811 is its
principal, 851 the interest recognised and not yet paid, 341 the expense. Interest is
that of bank/accrual.py, by actual days over 365. What is not repaid at its end may be
renewed: the rest stands as a new note from the same day.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.accrual import accrue, owed, pay, start_of_segment
from coopbank.bank.desk import Desk, Move
from coopbank.bank.fields import Code, Counted, Day, Decided, FundRef, MemberRef, Money, NoteRef, Personal, Rate, Widget
from coopbank.bank.operation import TREASURER
from coopbank.bank.operations.lending import open_for, own_number
from coopbank.bank.operations.products import require_lender
from coopbank.bank.operations.savings import shown
from coopbank.bank.tender import Paying, Receiving, Tender
from coopbank.errors import InvalidAmount, InvalidDate, WrongState
from coopbank.words import _


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

    def _renew(self, desk: Desk, note: records.Note, rest: int) -> str:
        """A new note for the rest, from today; returns its number."""
        assert self.renew_until is not None
        if not rest:
            raise InvalidAmount("Nothing of note {note} is left to renew.", field="amount", note=self.note)
        require_later(desk, self.renew_until, "renew_until")
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


def active_note(desk: Desk, ref: str) -> records.Note:
    """The note, refused unless something is owed on it."""
    note: records.Note = desk.get(records.Note, ref, "note")
    if note.state != "active":
        raise WrongState("Nothing is owed on note {note}: it is {state}.", field="note", note=ref, state=_(note.state))
    return note


def open_note_leaves(desk: Desk, ref: str, note: records.Note) -> None:
    """The leaves of a note: principal and interest owed."""
    for gl_code in ("811", "851"):
        open_for(desk, note.fund, f"{gl_code}/{ref}", note.member)


def require_later(desk: Desk, day: date, field: str) -> None:
    """Refuse a due date that is not after today."""
    if day <= desk.business_day:
        raise InvalidDate(
            "{day} is not after the business date {today}.", field=field, day=day, today=desk.business_day
        )
