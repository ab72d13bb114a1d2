"""Who may vote and how a vote stands: read by the operations, the reports and `verify` alike.

The roll of a meeting is not written down name by name. It follows from what the meeting's record says: the body, the
record date, and the operation that called it. So it can be drawn up again at any time, and nobody who was admitted
afterwards is on it, whatever day their admission names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from coopbank.bank import records
from coopbank.bank.books import Books, loads
from coopbank.bank.contact import death_of
from coopbank.finance.voting import Box, Option, Tally
from coopbank.words import marked

ASSEMBLY: Final = "assembly"
MATTERS: Final = ("loan", "allocation", "policy", "election", "surplus", "transfer", "other")
RESOLUTION: Final = re.compile(r"RES-[0-9]{5,}")
"""What the number of a resolution looks like."""
CHOICES: Final = {"for": "in_favour", "against": "against", "abstain": "abstained", "recused": "recused"}
"""What a vote can say, and the figure that counts it."""
WORDS: Final = (
    marked("carried"), marked("rejected"), marked("no-quorum"), marked("counted"), marked("declared"),
    marked("called"), marked("dissolved"), marked("simple"), marked("two-thirds"), marked("three-quarters"),
    marked("of-all"), marked("by-name"), marked("by-count"), marked("ballots"), marked("recused"),
)  # fmt: skip
"""What is kept of decisions in these words and shown in the reader's."""

Bodies = Iterable[tuple[str, Mapping[str, Any]]]


def seat_ref(body: str, member: str) -> str:
    """The number of a seat: LOANS.M0007."""
    return f"{body}.{member}"


def vote_ref(resolution: str, member: str) -> str:
    """The number of a vote: RES-00001.M0007."""
    return f"{resolution}.{member}"


def drawn_up(
    form: str, body: str, record_date: str, on: str, members: Bodies, dead: set[str], seats: Bodies
) -> set[str]:  # fmt: skip
    """The roll of a body for a meeting on a day, from records as they stand in the log."""
    active = {
        ref for ref, member in members
        if not member.get("void") and member.get("status", "active") == "active" and member["joined_on"] <= record_date
    } - dead  # fmt: skip
    if form == ASSEMBLY:
        return active
    return active & {
        seat["member"] for _ref, seat in seats
        if not seat.get("void") and seat["body"] == body and seat.get("state", "held") == "held"
        and seat["from_day"] <= record_date and on <= seat["until"]
    }  # fmt: skip


def roll(books: Books, ref: str, body: records.VotingBody, record_date: str, on: str) -> set[str]:
    """Who may vote at a meeting of a body that is called now."""
    seats = [] if body.form == ASSEMBLY else books.about(records.Seat, ref)
    if body.form == ASSEMBLY:
        members = _latest(books, records.Member.kind)
    else:
        members = [
            (seat.member, found.model_dump()) for _ref, seat in seats
            if (found := books.find(records.Member, seat.member)) is not None
        ]  # fmt: skip
    dead = {ref for ref, death in books.every(records.Death) if death.state == "recorded"}
    return drawn_up(body.form, ref, record_date, on, members, dead, [(r, seat.model_dump()) for r, seat in seats])


def _latest(books: Books, kind: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Latest versions as they are written: of a hundred thousand members, faster than as models."""
    found = books.tx.rows(
        "SELECT r.ref, r.body FROM record r WHERE r.kind = ? AND r.version ="
        " (SELECT max(version) FROM record l WHERE l.kind = r.kind AND l.ref = r.ref)",
        kind,
    )
    return [(ref, loads(text)) for ref, text in found]


def may_vote(books: Books, meeting: records.Meeting, form: str, member: str) -> bool:
    """Whether a member was on the roll of a meeting when it was called, and is a living member with a seat now."""
    found = books.find(records.Member, member)
    if found is None or found.status != "active" or death_of(books, member) is not None:
        return False
    called = meeting.called - 1  # as things stood when it was called
    then, death = books.find_at(records.Member, member, called), books.find_at(records.Death, member, called)
    if then is None or then.status != "active" or then.joined_on > meeting.record_date:
        return False
    if death is not None and death.state == "recorded":  # by mistake, it seems; the roll was counted without them
        return False
    if form == ASSEMBLY:
        return True
    ref = seat_ref(meeting.body, member)
    return all(
        seat is not None and seat.state == "held" and seat.from_day <= meeting.record_date and meeting.on <= seat.until
        for seat in (books.find_at(records.Seat, ref, called), books.find(records.Seat, ref))
    )


def box_of(ref: str, poll: records.Poll, ballots: Mapping[str, int], currency: str) -> Box:
    """The box of a poll: its options and its ballots."""
    options = tuple(Option(str(code), str(title), int(asked)) for code, title, asked in poll.options)
    every = tuple(sorted(ballot for ballot, times in ballots.items() for _ in range(times)))
    return Box(ref, poll.form, currency, poll.pot, poll.seats, options, every)


def counted(votes: Iterable[str], on_roll: int) -> Tally:
    """The tally of what each member's vote says."""
    figures = dict.fromkeys(CHOICES.values(), 0)
    for vote in votes:
        figures[CHOICES[vote]] += 1
    return Tally(**figures, roll=on_roll)


def concerned(books: Books, about: str) -> set[str]:
    """Members who have an interest in what a resolution is about: who borrows, and staff who are their relatives."""
    application = books.find(records.Application, about)
    loan = books.find(records.Loan, about)
    member = application.member if application is not None else loan.member if loan is not None else about
    if books.find(records.Member, member) is None:
        return set()
    kin = {user.member for _name, user in books.every(records.User) if user.member and member in user.relatives}
    return {member, *kin}
