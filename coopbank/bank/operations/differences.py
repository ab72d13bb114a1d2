"""Cash over and short: posted at once, and looked at by a second person before the next day begins.

One person alone can count and close. A difference above the policy `difference_alone` then waits for the signature of
somebody else: by itself, or by opening the next day, which whoever caused it cannot do alone.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.desk import Desk
from coopbank.bank.fields import DifferenceRef, Memo
from coopbank.bank.operation import ADMINISTRATOR, LOAN_OFFICER, SUPERVISOR, TELLER, TREASURER, Operation
from coopbank.bank.operations.founding import in_currency
from coopbank.errors import OwnRequest, WrongState
from coopbank.money import format_amount
from coopbank.words import _

ALONE = "10.00"


class SignDifference(Operation):
    """Look at a difference of a colleague's drawer, and sign it."""

    name: ClassVar[str] = "sign-difference"
    title: ClassVar[str] = "Sign a cash difference"
    subject: ClassVar[str] = "cash"
    roles: ClassVar[tuple[str, ...]] = (TELLER, LOAN_OFFICER, TREASURER, ADMINISTRATOR, SUPERVISOR)
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False

    difference: Annotated[DifferenceRef, Field(title="Difference")]
    finding: Annotated[Memo | None, Field(title="What you found")] = None

    def perform(self, desk: Desk) -> None:
        found = desk.get(records.CashDifference, self.difference, "difference")
        if found.state != "open":
            raise WrongState("Difference {number} is signed already.", field="difference", number=self.difference)
        if found.owner == desk.actor.user:
            raise OwnRequest("A colleague signs the difference of your drawer.", field="difference")
        _sign(desk, self.difference, found)
        desk.note("Drawer", found.drawer)
        desk.note("Difference", _shown(desk, found.short))
        if self.finding:
            desk.note("What was found", self.finding)


def note_difference(desk: Desk, drawer: str, owner: str, short: int) -> None:
    """A count differs from the books: above the policy that waits for a second person. `short` in minor units."""
    alone = desk.amount_policy("difference_alone", str(in_currency(ALONE, desk.currency)))
    if abs(short) > alone:
        body = records.CashDifference(drawer=drawer, owner=owner, short=short, on=desk.business_day.isoformat())
        desk.write(f"{drawer}-{desk.number}", body, about="open")
        desk.note("Waits for a colleague's signature", f"{drawer}-{desk.number}")


def sign_by_opening(desk: Desk) -> None:
    """Whoever opens a day signs what waits since the last one; refuses to let one sign for oneself."""
    waiting = desk.about(records.CashDifference, "open")
    own = [number for number, body in waiting if body.owner == desk.actor.user]
    if own:
        raise OwnRequest(
            "Difference {number} of your drawer is not signed yet.", field="date", number=own[0],
            hint="A colleague signs it (sign-difference), or opens the day.",
        )  # fmt: skip
    for number, body in waiting:
        _sign(desk, number, body)
        desk.note("Signed by opening", f"{number}: {_shown(desk, body.short)}")


def _sign(desk: Desk, number: str, body: records.CashDifference) -> None:
    desk.write(number, body.model_copy(update={"state": "signed", "signed_by": desk.actor.user}), about="signed")


def _shown(desk: Desk, short: int) -> str:
    words = _("{amount} short") if short > 0 else _("{amount} over")
    return words.format(amount=format_amount(abs(short), desk.currency))
