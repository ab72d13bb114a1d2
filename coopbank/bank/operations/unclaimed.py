"""Unclaimed property: after years without a sign of a member, what they have goes to the state, which keeps it.

A notice is sent first, and some time is given to answer it. Then the treasurer and a second person set the money apart
(893), and with the state's report they pay it. Until then a member who comes back has the setting apart reversed. How
long is long enough the law of the state says (Mississippi: five years); the numbers are policies.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Annotated, ClassVar, Final

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.contact import Silence, number_of, silences
from coopbank.bank.desk import Desk, Move
from coopbank.bank.equity import REDEMPTIONS
from coopbank.bank.fields import MemberRef, Text
from coopbank.bank.operation import TELLER, TREASURER, Operation
from coopbank.bank.operations.redemption import settled
from coopbank.bank.operations.savings import shown
from coopbank.bank.operations.shares import require_own
from coopbank.bank.tender import Paying
from coopbank.errors import AlreadyExists, WrongState
from coopbank.finance.periods import add_months

UNCLAIMED: Final = "893"
SET_APART: Final = "set apart"


class SendDueDiligence(Operation):
    """Note that a member was written to because their money is about to be turned over to the state."""

    name: ClassVar[str] = "send-due-diligence"
    title: ClassVar[str] = "Notice of unclaimed money sent"
    subject: ClassVar[str] = "members"
    roles: ClassVar[tuple[str, ...]] = (TELLER, TREASURER)
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False

    member: MemberRef

    def perform(self, desk: Desk) -> None:
        desk.get(records.Member, self.member, "member")
        silence = silent(desk, self.member)
        known = silence.contact
        if known.noticed_on is not None and date.fromisoformat(known.noticed_on) > silence.last_contact:
            raise AlreadyExists(
                "The notice was sent on {day}.", field="member", day=known.noticed_on,
                hint="If they answered, note that contact was had (found-again).",
            )  # fmt: skip
        dormant_on = add_months(silence.last_contact, number_of(desk, "dormant_months", 12))
        if desk.business_day < dormant_on:
            raise WrongState(
                "Contact with {member} was had on {day}; they are not dormant before {dormant_on}.", field="member",
                member=self.member, day=silence.last_contact, dormant_on=dormant_on,
            )  # fmt: skip
        desk.write(self.member, known.model_copy(update={"noticed_on": desk.business_day.isoformat()}))
        desk.note("Last contact", silence.last_contact.isoformat())
        desk.note("They have", shown(desk, silence.total))
        desk.note("Can be turned over on", max(due_on(desk, silence), ready_on(desk, desk.business_day)).isoformat())


class TurnOverUnclaimed(Operation):
    """Set apart for the state what a member has and nobody claimed. A second person looks at it too."""

    name: ClassVar[str] = "turn-over-unclaimed"
    title: ClassVar[str] = "Set unclaimed money apart"
    subject: ClassVar[str] = "members"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True

    member: MemberRef

    def perform(self, desk: Desk) -> None:
        desk.get(records.Member, self.member, "member")
        silence = silent(desk, self.member)
        _require_due(desk, silence)
        _require_noticed(desk, silence)
        moves: list[Move] = []
        apart: dict[str, int] = defaultdict(int)
        for account in silence.accounts:
            _require_free(desk, account.fund, account.code)
            if account.gl_code in ("901", "903"):
                require_own(desk, self.member, account.code, account.balance, account.balance, "member")
            moves.append((account.fund, account.code, account.balance))
            if account.gl_code == REDEMPTIONS:
                for waiting, redemption in desk.about(records.Redemption, "waiting"):
                    if redemption.member == self.member:
                        settled(desk, waiting, redemption)
            apart[account.fund] += account.balance
        code = f"{UNCLAIMED}/{self.member}"
        for fund, amount in apart.items():
            desk.leaf_id(fund, code, self.member)
            moves.append((fund, code, -amount))
        ref = desk.next_ref(records.Unclaimed.kind, "UP-", 5)
        desk.post(f"Unclaimed {ref}: all that {self.member} has", moves)
        body = records.Unclaimed(
            member=self.member, on=desk.business_day.isoformat(), last_contact=silence.last_contact.isoformat(),
            accounts={f"{account.fund} {account.code}": account.balance for account in silence.accounts},
        )  # fmt: skip
        desk.write(ref, body, about=body.state)
        desk.note("Set apart", shown(desk, silence.total))


class PayUnclaimed(Paying):
    """Pay to the state what was set apart: all of it, or one member's. A second person looks at it too."""

    name: ClassVar[str] = "pay-unclaimed"
    title: ClassVar[str] = "Pay unclaimed money to the state"
    subject: ClassVar[str] = "members"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True

    report: Annotated[Text, Field(min_length=1, title="Number of the report to the state")]
    member: Annotated[MemberRef | None, Field(title="One member's only")] = None

    def serves(self, desk: Desk) -> set[str]:
        return {body.member for _ref, body in set_apart(desk, self.member)}

    def perform(self, desk: Desk) -> None:
        found = set_apart(desk, self.member)
        if not found:
            raise WrongState(
                "Nothing is set apart for the state.", field="member",
                hint="See what is unclaimed with: coopbank unclaimed",
            )  # fmt: skip
        owed: dict[tuple[str, str], int] = defaultdict(int)
        for _ref, body in found:
            for account, amount in body.accounts.items():
                owed[account.partition(" ")[0], body.member] += amount
        cash: dict[str, int] = defaultdict(int)
        for (fund, _member), amount in owed.items():
            cash[fund] -= amount
        moves = [(fund, f"{UNCLAIMED}/{member}", amount) for (fund, member), amount in owed.items()]
        desk.post(f"Unclaimed property paid to the state, report {self.report}", [*moves, *self.pay_for(desk, cash)])
        day = desk.business_day.isoformat()
        for ref, body in found:
            after = body.model_copy(update={"state": "paid", "paid_on": day, "report": self.report})
            desk.write(ref, after, about=after.state)
        desk.note("Paid to the state", shown(desk, sum(owed.values())))


# ------------------------------------------------------------------------------------------- helpers


def set_apart(books: Books, member: str | None = None) -> list[tuple[str, records.Unclaimed]]:
    """What waits to be paid to the state: everybody's, or one member's."""
    return [(ref, body) for ref, body in books.about(records.Unclaimed, SET_APART) if member in (None, body.member)]


def take_over(desk: Desk, member: str, fund: str, amount: int) -> None:
    """What the old records had set apart already."""
    day = desk.business_day.isoformat()
    body = records.Unclaimed(member=member, on=day, accounts={f"{fund} {UNCLAIMED}/{member}": amount})
    desk.write(desk.next_ref(records.Unclaimed.kind, "UP-", 5), body, about=body.state)


def silent(desk: Desk, member: str) -> Silence:
    """How long nothing was heard of a member; refuses one who has nothing here."""
    found = silences(desk, desk.business_day, member)
    if not found:
        raise WrongState(
            "{member} has nothing here that could be turned over.", field="member", member=member,
            hint="See what is unclaimed with: coopbank unclaimed",
        )  # fmt: skip
    return found[0]


def due_on(books: Books, silence: Silence) -> date:
    """The day from which what a member has counts as unclaimed."""
    return add_months(silence.last_contact, 12 * number_of(books, "unclaimed_years", 5))


def ready_on(books: Books, noticed: date) -> date:
    """The day until which a notice waits for an answer."""
    return noticed + timedelta(days=number_of(books, "notice_days", 60))


def _require_due(desk: Desk, silence: Silence) -> None:
    due = due_on(desk, silence)
    if desk.business_day < due:
        raise WrongState(
            "Contact with {member} was had on {day}; what they have is not unclaimed before {due}.", field="member",
            member=silence.member, day=silence.last_contact, due=due,
        )  # fmt: skip


def _require_noticed(desk: Desk, silence: Silence) -> None:
    noticed = silence.contact.noticed_on
    if noticed is None or date.fromisoformat(noticed) <= silence.last_contact:
        raise WrongState(
            "No notice was sent to {member} since the last contact.", field="member", member=silence.member,
            hint="Write to their last address, and note it (send-due-diligence).",
        )  # fmt: skip
    ready = ready_on(desk, date.fromisoformat(noticed))
    if desk.business_day < ready:
        raise WrongState(
            "The notice of {day} may be answered until {ready}.", field="member", day=noticed, ready=ready,
            hint="Wait until then.",
        )  # fmt: skip


def _require_free(desk: Desk, fund: str, code: str) -> None:
    if desk.holds(fund, code):
        raise WrongState("Money of {account} is held.", field="member", account=f"{fund} {code}")
