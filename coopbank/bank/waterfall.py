"""Who bears a loss on a loan: the absorbers of a fund in their order, each as far as it reaches.

    allowance           what the fund had provided for this loan before; always the first
    reserve ACCOUNT     cash of a reserve in a bank account of its own: it moves to the fund that lent (187)
    surplus FUND        unrestricted surplus of another fund, as far as its cash is not promised: it moves too (187);
                        of the lending fund itself nothing moves, since the loss stands in its result already
    notes CLASS         lenders of the fund's notes of a class, as far as they are owed anything
    shares 903, 901     investment shares, and membership shares last
    fund                what nobody else bears stays with the fund; it is always there, after all others

A note or a share is lowered by its own terms or by a vote, never by a loss as such. What falls on one is therefore an
*attribution*: it is recorded who would bear how much, and nothing is posted. A *floor* is what an absorber keeps.

What is still borne falls with every recovery, the last that was hit first. At every moment it comes to the loss that
the loan's own flows have put through the allowance, less what came back: `verify` holds it against that, and reckons
each attribution again from the books as they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

ALLOWANCE, RESERVE, SURPLUS, NOTES, SHARES, FUND = "allowance", "reserve", "surplus", "notes", "shares", "fund"
KINDS: Final = (ALLOWANCE, RESERVE, SURPLUS, NOTES, SHARES)
LAST: Final = 99
"""The number of what stays with the fund, after all steps."""

#: Flows of a loan that are its loss, once it is charged off (lending/flows.py).
_OFF: Final = ("off_principal", "off_interest", "off_fees")
#: What a fund has that nobody asked anything for: undivided earnings, its balance, the year's result.
RESULTS: Final = ("940", "961", "960")


@dataclass(frozen=True, slots=True)
class Step:
    """An absorber: its kind, whose it is ("RESERVE", "GEN", "B", "903"), and what it keeps, in minor units."""

    kind: str
    of: str = ""
    floor: int = 0

    @property
    def name(self) -> str:
        """As attributions name it: `notes:B`."""
        return f"{self.kind}:{self.of}" if self.of else self.kind


@dataclass(frozen=True, slots=True)
class Share:
    """What one absorber bears of a fund's loss; `number` is its place in the order."""

    number: int
    absorber: str
    amount: int


class Stand(Protocol):
    """What the books say just before a loss; amounts in minor units."""

    def balance(self, fund: str, code: str) -> int:
        """A leaf's balance, debit +."""

    def control(self, gl_code: str) -> int:
        """A control account's balance over all funds, debit +."""

    def result(self, fund: str) -> int:
        """The fund's unrestricted surplus: `RESULTS`, income and expense; positive if there is one."""

    def account_fund(self, bank_account: str) -> str:
        """The fund whose bank account it is."""

    def owed_on_notes(self, fund: str, note_class: str) -> int:
        """Principal owed on the fund's notes of a class."""

    def borne(self, fund: str, absorber: str) -> int:
        """What an absorber bears already of other losses: of the fund's loans; of shares, of all loans."""


@dataclass(slots=True)
class Sharing:
    """The sharing of one charge-off over absorbers; funds that lent together may draw on the same one."""

    stand: Stand
    used: dict[str, int] = field(default_factory=dict)

    def share(self, fund: str, loss: int, held: int, steps: Sequence[Step]) -> list[Share]:
        """Who bears a fund's loss; `held` is what was provided for it before. The parts add up to the loss."""
        left, found = loss, []
        for number, step in enumerate(steps, start=1):
            most = held if step.kind == ALLOWANCE else self._reach(fund, step)
            amount = max(0, min(left, most))
            if amount:
                found.append(Share(number, step.name, amount))
                left -= amount
                key = step.name if step.kind in (RESERVE, SURPLUS, SHARES) else f"{fund} {step.name}"
                self.used[key] = self.used.get(key, 0) + amount
        if left:
            found.append(Share(LAST, FUND, left))
        assert sum(share.amount for share in found) == loss, "a loss is shared whole"
        return found

    def _reach(self, fund: str, step: Step) -> int:
        """How much an absorber can bear now."""
        at, used = self.stand, self.used.get(step.name, 0)
        if step.kind == RESERVE:
            return at.balance(at.account_fund(step.of), f"731/{step.of}") - step.floor - used
        if step.kind == SURPLUS:
            free = at.result(step.of)
            if step.of != fund:  # only cash that is not promised can move; M49 is the other side of every promise
                free = min(free, at.balance(step.of, "729") + at.balance(step.of, "M49"))
            return free - step.floor - used
        if step.kind == NOTES:
            return at.owed_on_notes(fund, step.of) - at.borne(fund, step.name) - step.floor
        return -at.control(step.of) - at.borne(fund, step.name) - step.floor - used


def moves_money(absorber: str, fund: str) -> bool:
    """Whether what an absorber bears of a fund's loss moves to that fund."""
    kind, _colon, of = absorber.partition(":")
    return kind == RESERVE or (kind == SURPLUS and of != fund)


# ----------------------------------------------------------------------- what is still borne, in a loan


def key(fund: str, share: Share) -> str:
    """How a loan's `borne` names it: `RLF/02/reserve:RESERVE`."""
    return f"{fund}/{share.number:02d}/{share.absorber}"


def of_key(text: str) -> tuple[str, int, str] | None:
    """Fund, place and absorber; None for a reserve's fund alone, as charge-offs without a waterfall name it."""
    fund, slash, rest = text.partition("/")
    number, _slash, absorber = rest.partition("/")
    return (fund, int(number), absorber) if slash else None


def lost(flows: Mapping[str, int]) -> int:
    """A fund's loss of a loan after what came back, by the flows that are posted; nothing below zero."""
    return max(0, sum(flows.get(flow, 0) for flow in _OFF) - flows.get("recovered", 0))


def still_borne(borne: Mapping[str, int], fund: str) -> list[Share]:
    """What is borne of a fund's loss, in the order of its absorbers."""
    found = [(place, amount) for text, amount in borne.items() if (place := of_key(text)) and place[0] == fund]
    return sorted((Share(number, absorber, amount) for (_f, number, absorber), amount in found), key=lambda s: s.number)


def refilled_in_order(bore: Iterable[Share], still: Iterable[Share]) -> bool:
    """Whether what came back went to the last that was hit first: none bears anything after one that got some back."""
    now = {share.number: share.amount for share in still}
    some_back = False
    for share in sorted(bore, key=lambda s: s.number):
        left = now.get(share.number, 0)
        if share.number != LAST and (left > share.amount or left < 0):
            return False
        if some_back and left:
            return False
        some_back = some_back or left < share.amount
    return True
