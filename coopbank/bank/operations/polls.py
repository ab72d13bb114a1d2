"""Polls: secret ballots, to allot a pot of money or to elect. Who voted and what was voted are kept apart.

Ballots are on paper, in a box. While the poll is open the books take down who was given one, and nothing else. When it
is closed the box is opened and all ballots are typed at once, by one person and seen by a second. What reaches the
books is how many ballots say the same: the choices on a ballot are put in order, the ballots are put in order, and none
has a number. So neither the order of voting, nor that of the box, nor who typed them says whose a ballot is; nobody can
show how they voted, and nobody can be made to. What is left is what the figures themselves give away: a poll with fewer
than three ballots is not counted at all.

The count (finance/voting.py) is what anybody gets from the exported box.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from coopbank.bank import records
from coopbank.bank.desk import Desk
from coopbank.bank.fields import (
    BodyRef,
    Counted,
    Day,
    FundRef,
    MeetingRef,
    MemberRef,
    Memo,
    Money,
    PollRef,
    Text,
    Widget,
    clean_text,
    read_lines,
    refuse,
)
from coopbank.bank.operation import Operation
from coopbank.bank.operations.bodies import Whole, active_body, take_seat
from coopbank.bank.operations.members import require_active, require_alive
from coopbank.bank.operations.resolutions import CLERKS, held_meeting
from coopbank.bank.operations.savings import shown
from coopbank.bank.voting import ASSEMBLY, box_of, may_vote, seat_ref, vote_ref
from coopbank.errors import (
    AlreadyVoted,
    InvalidAmount,
    InvalidDate,
    InvalidValue,
    NotEntitled,
    Overdrawn,
    Unknown,
    WrongState,
)
from coopbank.finance.voting import ALLOCATION, BLANK, ELECTION, SPOILT, Count, Place, count, needed
from coopbank.words import _

FEWEST: Final = 3
"""Ballots below which a count would say who voted how."""
MOST_BALLOTS: Final = 100_000
MOST_OPTIONS: Final = 100
_OPTION = re.compile(r"(\S+)(?:\s+([0-9]+(?:\.[0-9]+)?))?(?:\s+(\S.*))?")
_BALLOT = re.compile(r"(?:([1-9][0-9]{0,5})\s*[x×]\s*)?(.*)")


def _read_option(value: Any) -> Any:
    """An option as it is said: `ROOF 400.00 A new roof`, or `M0007` in an election."""
    if not isinstance(value, str):
        return value
    match = _OPTION.fullmatch(value.strip())
    if match is None:
        raise refuse("Write an option as code, amount and title: ROOF 400.00 A new roof; or a member: M0007.")
    return {name: part for name, part in zip(("code", "asked", "title"), match.groups(), strict=True) if part}


def _option_code(code: str) -> str:
    if code.lower() in (BLANK, SPOILT) or not re.fullmatch(r"[A-Z][A-Z0-9-]{0,11}", code.upper()):
        raise refuse("An option is a letter and up to 11 more letters, digits and hyphens, not {code}.", code=code[:40])
    return code.upper()


OptionCode = Annotated[str, BeforeValidator(clean_text), AfterValidator(_option_code)]


class OptionLine(BaseModel):
    """What a ballot may approve of."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    code: OptionCode
    asked: Money | None = None
    title: Text = ""


class Award(BaseModel):
    """What the minutes say that an option got."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    code: OptionCode
    asked: Money


Options = Annotated[
    list[Annotated[OptionLine, BeforeValidator(_read_option)]], BeforeValidator(read_lines),
    Field(min_length=1, max_length=MOST_OPTIONS, title="Options (ROOF 400.00 A new roof; in an election M0007)"),
    Widget("lines"),
]  # fmt: skip
Awards = Annotated[
    list[Annotated[Award, BeforeValidator(_read_option)]], BeforeValidator(read_lines),
    Field(max_length=MOST_OPTIONS, title="Awards, as the minutes have them (ROOF 400.00)"), Widget("lines"),
]  # fmt: skip


def _read_ballots(value: Any) -> Any:
    """What the ballots say and how many say it, in an order that says nothing of the box."""
    found: Counter[str] = Counter()
    lines = read_lines(value)
    if not isinstance(lines, list):
        return value
    for line in lines:
        match = _BALLOT.fullmatch(clean_text(line)) if isinstance(line, str) else None
        if match is None or not match[2].strip():
            raise refuse('Write a ballot as the options it approves of, "ROOF SHOP"; or blank, or spoilt.')
        found[_in_order(match[2])] += int(match[1] or 1)
    if sum(found.values()) > MOST_BALLOTS:
        raise refuse("There is room for {most} here, not more.", most=MOST_BALLOTS)
    return [f"{times}x {ballot}" for ballot, times in sorted(found.items())]


def _in_order(text: str) -> str:
    """A ballot with its choices in the order of the alphabet: the order of writing would be a sign."""
    if text.strip().lower() in (BLANK, SPOILT):
        return text.strip().lower()
    codes = sorted(_option_code(code) for code in re.split(r"[\s,;]+", text.strip()))
    if len(set(codes)) < len(codes):
        raise refuse("{ballot} names an option twice.", ballot=" ".join(codes)[:80])
    return " ".join(codes)


Ballots = Annotated[
    list[str], BeforeValidator(_read_ballots), Widget("lines"),
    Field(min_length=1, title="Ballots: ROOF SHOP, or 3x ROOF SHOP, blank, spoilt"),
]  # fmt: skip


# ------------------------------------------------------------------------------------- the poll


class OpenPoll(Operation):
    """Open a secret ballot at a meeting: to allot a pot of money among proposals, or to elect to a committee."""

    name: ClassVar[str] = "open-poll"
    title: ClassVar[str] = "Open a secret ballot"
    subject: ClassVar[str] = "decisions"
    roles: ClassVar[tuple[str, ...]] = CLERKS
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False  # withdraw-poll

    meeting: MeetingRef
    form: Annotated[Literal["allocation", "election"], Widget("choice"), Field(title="To allot, or to elect")]
    question: Annotated[Memo, Field(min_length=1, title="Question")]
    options: Options
    fund: Annotated[FundRef | None, Field(title="Fund whose money is allotted")] = None
    pot: Annotated[Money | None, Field(title="Amount that is allotted")] = None
    committee: Annotated[BodyRef | None, Field(title="Committee that is elected")] = None
    seats: Annotated[Whole | None, Field(ge=1, le=MOST_OPTIONS, title="Seats")] = None

    def perform(self, desk: Desk) -> None:
        meeting = held_meeting(desk, self.meeting)
        self._require_fitting()
        options = self._allotted(desk) if self.form == ALLOCATION else self._candidates(desk)
        ref = desk.next_ref("poll", "PL-", 5)
        poll = records.Poll(
            meeting=self.meeting, body=meeting.body, form=self.form, question=self.question, options=options,
            fund=self.fund or "", pot=self.pot or 0, committee=self.committee or "", seats=self.seats or 0,
        )  # fmt: skip
        desk.write(ref, poll, about=self.meeting)
        desk.note("Poll", ref)
        desk.note("Options", str(len(options)))

    def _require_fitting(self) -> None:
        wanted = ("fund", "pot") if self.form == ALLOCATION else ("committee", "seats")
        for name in ("fund", "pot", "committee", "seats"):
            if (getattr(self, name) is not None) != (name in wanted):
                raise InvalidValue("A pot has a fund and an amount; an election has a committee and seats.", field=name)
        codes = [option.code for option in self.options]
        if len(set(codes)) < len(codes):
            raise InvalidValue("Name each option once.", field="options")

    def _allotted(self, desk: Desk) -> list[list[Any]]:
        """Proposals; each has to fit into the pot, and the pot into what the fund has."""
        assert self.fund is not None and self.pot is not None
        desk.fund_exists(self.fund)
        room = max(0, desk.balance(self.fund, "729") + desk.balance(self.fund, "M49"))
        if self.pot > room:
            raise Overdrawn(
                "Fund {fund} has only {room} that is not promised.", field="pot", fund=self.fund,
                room=shown(desk, room),
            )  # fmt: skip
        for number, option in enumerate(self.options):
            if option.asked is None or option.asked > self.pot:
                raise InvalidAmount(
                    "{option} has to ask for an amount, and for no more than the pot, {pot}.",
                    field=f"options.{number}.asked", option=option.code, pot=shown(desk, self.pot),
                )  # fmt: skip
        return [[option.code, option.title, option.asked] for option in self.options]

    def _candidates(self, desk: Desk) -> list[list[Any]]:
        """Candidates, by their member numbers; their names stand in the directory."""
        assert self.committee is not None
        if active_body(desk, self.committee, "committee").form == ASSEMBLY:
            raise WrongState(
                "{body} is all members: there are no seats on it.", field="committee", body=self.committee,
                hint="Every member has a vote there already.",
            )  # fmt: skip
        for number, option in enumerate(self.options):
            if option.asked is not None or option.title:
                raise InvalidValue("In an election an option is a member's number, and no more.", field="options")
            require_active(desk, option.code, f"options.{number}.code")
            require_alive(desk, option.code, f"options.{number}.code")
        return [[option.code, "", 0] for option in self.options]


class _OnPoll(Operation):
    """Common to what happens to a poll."""

    poll: PollRef

    def in_state(self, desk: Desk, *states: str) -> tuple[records.Poll, records.Meeting]:
        """The poll in one of these states, and its meeting."""
        poll = desk.get(records.Poll, self.poll, "poll")
        if poll.state not in states:
            raise WrongState("Poll {poll} is {state}.", field="poll", poll=self.poll, state=_(poll.state))
        return poll, held_meeting(desk, poll.meeting)

    def now(self, desk: Desk, poll: records.Poll, **changes: object) -> None:
        """Write the poll as it is now."""
        desk.write(self.poll, poll.model_copy(update=changes), about=poll.meeting)


class WithdrawPoll(_OnPoll):
    """Note that a poll was called off before its ballots were counted."""

    name: ClassVar[str] = "withdraw-poll"
    title: ClassVar[str] = "Call a secret ballot off"
    subject: ClassVar[str] = "decisions"
    roles: ClassVar[tuple[str, ...]] = CLERKS
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False

    why: Annotated[Memo, Field(min_length=1, title="Why")]

    def perform(self, desk: Desk) -> None:
        poll, _meeting = self.in_state(desk, "open", "closed")
        self.now(desk, poll, state="withdrawn", why=self.why)


class GiveBallots(_OnPoll):
    """Take down who was given a ballot, one to each. Nothing is taken down of how they vote."""

    name: ClassVar[str] = "give-ballots"
    title: ClassVar[str] = "Give out ballots"
    subject: ClassVar[str] = "decisions"
    roles: ClassVar[tuple[str, ...]] = CLERKS
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False

    members: Annotated[list[MemberRef], Field(min_length=1, max_length=1000, title="Members")]

    def serves(self, desk: Desk) -> set[str]:
        return set(self.members)

    def perform(self, desk: Desk) -> None:
        poll, meeting = self.in_state(desk, "open")
        if meeting.on > desk.business_day.isoformat():
            raise WrongState(
                "The meeting {meeting} is on {day}: nobody votes before.", field="poll", meeting=poll.meeting,
                day=meeting.on,
            )  # fmt: skip
        body = desk.get(records.VotingBody, poll.body, "poll")
        for number, member in enumerate(self.members):
            field = f"members.{number}"
            if not may_vote(desk, meeting, body.form, member):
                raise NotEntitled(
                    "{member} is not on the roll of {body} for {meeting}.", field=field, member=member,
                    body=poll.body, meeting=poll.meeting,
                    hint="Those vote who belonged to it on the record date, {day}, and still do.",
                    day=meeting.record_date,
                )  # fmt: skip
            ref = vote_ref(self.poll, member)
            if desk.find(records.BallotGiven, ref) is not None:
                raise AlreadyVoted(
                    "{member} has a ballot of {poll} already.", field=field, member=member, poll=self.poll
                )
            desk.write(ref, records.BallotGiven(poll=self.poll, member=member), about=self.poll)
        desk.note("Ballots given", str(len(given(desk, self.poll)) + len(self.members)))


class ClosePoll(_OnPoll):
    """Close a poll: nobody votes any more. With enough voters the box can be opened."""

    name: ClassVar[str] = "close-poll"
    title: ClassVar[str] = "Close a secret ballot"
    subject: ClassVar[str] = "decisions"
    roles: ClassVar[tuple[str, ...]] = CLERKS
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False

    def perform(self, desk: Desk) -> None:
        poll, meeting = self.in_state(desk, "open")
        voters = len(given(desk, self.poll))
        least = max(FEWEST, needed(meeting.roll, meeting.quorum_percent, meeting.quorum_least))
        state = "closed" if voters >= least else "no-quorum"
        self.now(desk, poll, state=state, voters=voters)
        desk.note("Poll", f"{self.poll}, {_(state)}")
        desk.note("Quorum", _("{count} of {all}").format(count=voters, all=least))


class LoadBallots(_OnPoll):
    """Type all ballots of the box at once. A second person sees them; they are kept without names, in no order."""

    name: ClassVar[str] = "load-ballots"
    title: ClassVar[str] = "Type the ballots"
    subject: ClassVar[str] = "decisions"
    roles: ClassVar[tuple[str, ...]] = CLERKS
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False  # a wrong count is a wrong poll: hold it again

    ballots: Ballots
    missing: Annotated[Memo | None, Field(min_length=1, title="Why there are fewer than were given")] = None

    def perform(self, desk: Desk) -> None:
        poll, _meeting = self.in_state(desk, "closed")
        ballots = {text: int(times) for line in self.ballots for times, text in [line.split("x ", 1)]}
        self._require_of_this_poll(poll, ballots)
        total = sum(ballots.values())
        if total > poll.voters:
            raise InvalidValue(
                "{count} ballots are more than the {most} that were given.", field="ballots", count=total,
                most=poll.voters, hint="Count the box again.",
            )  # fmt: skip
        if (total < poll.voters) != (self.missing is not None):
            raise InvalidValue(
                "{count} of {all} ballots were in the box: say why, if some are missing, and only then.",
                field="missing", count=total, all=poll.voters,
            )  # fmt: skip
        if total < FEWEST:
            raise WrongState(
                "Fewer than {least} ballots would say who voted how: they are not counted.", field="ballots",
                least=FEWEST, hint="Call the poll off (withdraw-poll).",
            )  # fmt: skip
        box = box_of(self.poll, poll, ballots, desk.currency)
        desk.write(
            self.poll, records.BallotBox(ballots=ballots, digest=box.digest, missing=self.missing or ""),
            about=self.poll,
        )  # fmt: skip
        self.now(desk, poll, state="counted")
        tell(desk, poll, count(box))
        desk.wishes.append(f"ballots {self.poll}")

    def _require_of_this_poll(self, poll: records.Poll, ballots: dict[str, int]) -> None:
        known = {str(option[0]) for option in poll.options}
        for ballot in ballots:
            marks = [] if ballot in (BLANK, SPOILT) else ballot.split(" ")
            foreign = next((code for code in marks if code not in known), None)
            if foreign is not None:
                raise Unknown("There is no option {code} in {poll}.", field="ballots", code=foreign, poll=self.poll)
            if poll.form == ELECTION and len(marks) > poll.seats:
                raise InvalidValue(
                    "{ballot} names more than the {seats} that are elected.", field="ballots", ballot=ballot[:80],
                    seats=poll.seats, hint="Type it as: spoilt",
                )  # fmt: skip


class DeclareResult(_OnPoll):
    """Declare what the ballots came to: money is allotted by resolutions, seats are taken. Two people do it."""

    name: ClassVar[str] = "declare-result"
    title: ClassVar[str] = "Declare the result of a ballot"
    subject: ClassVar[str] = "decisions"
    roles: ClassVar[tuple[str, ...]] = CLERKS
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False

    until: Annotated[Day | None, Field(title="Last day of the term, or on which the money may be spent")] = None
    awards: Awards = []
    left: Annotated[Counted | None, Field(title="What is left, as the minutes have it")] = None

    def perform(self, desk: Desk) -> None:
        poll, _meeting = self.in_state(desk, "counted")
        found = result(desk, self.poll, poll)
        if poll.form == ELECTION and self.until is None:
            raise InvalidValue("{field_name} is missing.", field="until", field_name="until")
        if self.until is not None and self.until < desk.business_day:  # a resolution that nobody could use
            raise InvalidDate("{day} is over.", field="until", day=self.until)
        if self.awards or self.left is not None:
            self._require_adding_up(desk, poll, found)
        for place in found.won:
            if poll.form == ALLOCATION:
                self._allot(desk, poll, place, found)
            else:
                self._seat(desk, poll, place.option.code)
        self.now(desk, poll, state="declared")
        tell(desk, poll, found)

    def _require_adding_up(self, desk: Desk, poll: records.Poll, found: Count) -> None:
        """Refuse minutes that do not add up, or that say something else than the ballots."""
        if poll.form != ALLOCATION:
            raise InvalidValue("An election awards no money.", field="awards")
        total = sum(award.asked for award in self.awards)
        left = poll.pot - total if self.left is None else self.left
        if left < 0 or total + left != poll.pot:
            raise InvalidAmount(
                "This does not add up: {total} is awarded and {left} is left, and the pot is {pot}.", field="awards",
                total=shown(desk, total), left=shown(desk, left), pot=shown(desk, poll.pot),
            )  # fmt: skip
        if {award.code: award.asked for award in self.awards} != {p.option.code: p.awarded for p in found.won}:
            raise InvalidAmount(
                "The ballots say otherwise: {awards}.", field="awards",
                awards=", ".join(f"{p.option.code} {shown(desk, p.awarded)}" for p in found.won) or "-",
                hint="See the count with: coopbank ballots {poll}", poll=self.poll,
            )  # fmt: skip

    def _allot(self, desk: Desk, poll: records.Poll, place: Place, found: Count) -> None:
        """A resolution for what an option was awarded: under it the money is spent."""
        ref = desk.next_ref("resolution", "RES-", 5)
        text = f"{place.option.code} {place.option.title}".strip()
        resolution = records.Resolution(
            meeting=poll.meeting, body=poll.body, matter="allocation", text=text, about=poll.fund,
            amount=place.awarded, until=None if self.until is None else self.until.isoformat(), state="carried",
            manner="ballots", in_favour=place.approvals, abstained=found.ballots - place.approvals,
            closed_on=desk.business_day.isoformat(), poll=self.poll, option=place.option.code,
        )  # fmt: skip
        desk.write(ref, resolution, about=poll.meeting)
        desk.note("Resolution", f"{ref} {place.option.code}")

    def _seat(self, desk: Desk, poll: records.Poll, member: str) -> None:
        """A seat for who was elected and has none for so long; who has left or died meanwhile leaves it vacant."""
        assert self.until is not None
        known = desk.find(records.Member, member)
        death = desk.find(records.Death, member)
        if known is None or known.status != "active" or (death is not None and death.state == "recorded"):
            desk.note("Takes no seat", member)
            return
        before, until = desk.find(records.Seat, seat_ref(poll.committee, member)), self.until.isoformat()
        if before is not None and before.state == "held" and before.until >= until:
            desk.note("Seat", f"{seat_ref(poll.committee, member)}, {before.until}")
            return
        take_seat(desk, poll.committee, member, until, self.poll, field="until")


# ------------------------------------------------------------------------------------- helpers


def given(desk: Desk, poll: str) -> list[str]:
    """Members who were given a ballot."""
    return [body.member for _ref, body in desk.about(records.BallotGiven, poll)]


def result(desk: Desk, ref: str, poll: records.Poll) -> Count:
    """The count of a poll's box."""
    box = desk.get(records.BallotBox, ref, "poll")
    return count(box_of(ref, poll, box.ballots, desk.currency))


def tell(desk: Desk, poll: records.Poll, found: Count) -> None:
    """The count on the receipt, with the digest by which an exported box can be known."""
    desk.note("Ballots", str(found.ballots))
    for place in found.places:
        words = f"{place.option.code}: {place.approvals}"
        if place.won:
            words += f", {shown(desk, place.awarded)}" if poll.form == ALLOCATION else f", {_('elected')}"
        desk.note("Approvals", words)
    if poll.form == ALLOCATION:
        desk.note("Left", shown(desk, found.left))
    desk.note("SHA-256", found.digest)
