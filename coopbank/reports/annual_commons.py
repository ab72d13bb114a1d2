"""What the members decided in a year, and who bore its losses: for their annual report.

Nobody is named. What an assembly resolved stands there in its own words, which name members by their numbers; what it
or a committee decided on loans is counted only.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.voting import ASSEMBLY
from coopbank.bank.waterfall import still_borne
from coopbank.finance.voting import CARRIED
from coopbank.reports.document import Minor


@dataclass(frozen=True, slots=True)
class DecidedKind:
    """How many resolutions on a matter were carried, and how many were not."""

    matter: str
    carried: int
    not_carried: int


@dataclass(frozen=True, slots=True)
class Resolved:
    """What an assembly carried, and by how many."""

    on: date
    text: str
    amount: Minor | None
    in_favour: int
    against: int
    abstained: int


@dataclass(frozen=True, slots=True)
class Elected:
    """A committee that was elected by secret ballot: seats, and ballots in the box."""

    on: date
    committee: str
    seats: int
    ballots: int


@dataclass(frozen=True, slots=True)
class Decisions:
    """What was decided in a span."""

    meetings: int
    kinds: tuple[DecidedKind, ...]
    resolved: tuple[Resolved, ...]
    elected: tuple[Elected, ...]


@dataclass(frozen=True, slots=True)
class Bore:
    """What absorbers of a kind bore of the span's losses, and what of it they still bore at its end."""

    absorber: str  # as bank/waterfall.py names it
    bore: Minor
    bears: Minor


def decisions(books: Books, start: date, end: date) -> Decisions:
    """What bodies decided at their meetings in a span."""
    meetings = {
        ref: body for ref, body in books.every(records.Meeting)
        if start.isoformat() <= body.on <= end.isoformat() and body.state == "called"
    }  # fmt: skip
    told = [body for _ref, body in books.every(records.Resolution) if body.meeting in meetings and body.closed_on]
    carried = Counter(body.matter for body in told if body.state == CARRIED)
    failed = Counter(body.matter for body in told if body.state != CARRIED)
    assemblies = {ref for ref, body in books.every(records.VotingBody) if body.form == ASSEMBLY}
    resolved = tuple(
        Resolved(date.fromisoformat(meetings[body.meeting].on), body.text, body.amount, body.in_favour, body.against,
                 body.abstained)
        for body in told if body.body in assemblies and body.matter != "loan" and body.state == CARRIED
    )  # fmt: skip
    polls = [(ref, poll) for ref, poll in books.every(records.Poll) if poll.meeting in meetings]
    elected = tuple(
        Elected(date.fromisoformat(meetings[poll.meeting].on), books.get(records.VotingBody, poll.committee).name,
                poll.seats, sum(books.get(records.BallotBox, ref).ballots.values()))
        for ref, poll in polls if poll.form == "election" and poll.state == "declared"
    )  # fmt: skip
    held = {body.meeting for body in told} | {poll.meeting for _ref, poll in polls}
    kinds = tuple(DecidedKind(m, carried[m], failed[m]) for m in sorted(carried | failed))
    return Decisions(len(held), kinds, resolved, elected)


def losses_borne(books: Books, start: date, end: date) -> tuple[Bore, ...]:
    """Who bore the losses of loans that were charged off in a span, by kind of absorber, the first hit first."""
    bore, bears, place = defaultdict[str, int](int), defaultdict[str, int](int), dict[str, int]()
    for ref, told in _attributed(books, start, end):
        loan = _loan_on(books, ref, end)
        for fund, shares in told.shares.items():
            still = {share.number: share.amount for share in still_borne(loan.borne, fund)}
            for number, absorber, amount in shares:
                bore[absorber] += int(amount)
                bears[absorber] += still.get(int(number), 0)
                place[absorber] = max(place.get(absorber, 0), int(number))
    return tuple(Bore(name, bore[name], bears[name]) for name in sorted(bore, key=lambda name: (place[name], name)))


def _loan_on(books: Books, ref: str, day: date) -> records.Loan:
    """A loan as the books knew it at the end of a day: what came back later is the next year's."""
    text = books.tx.value(
        "SELECT r.body FROM record r JOIN operation o ON o.id = r.operation_id WHERE r.kind = ? AND r.ref = ?"
        " AND o.business_date <= ? ORDER BY r.version DESC LIMIT 1",
        records.Loan.kind, ref, day.isoformat(),
    )  # fmt: skip
    return records.Loan.model_validate_json(text)


def _attributed(books: Books, start: date, end: date) -> Iterator[tuple[str, records.LossAttribution]]:
    for ref, told in books.every(records.LossAttribution):
        if start.isoformat() <= told.on <= end.isoformat() and books.get(records.Loan, ref).state == "charged-off":
            yield ref, told
