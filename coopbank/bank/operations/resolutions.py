"""Meetings and resolutions: notice, who may vote, the votes, and what they come to.

A meeting is called with a notice that is long enough, and its roll stands from then on. A resolution is moved at it,
and voted on by name, each member once, or by a count of hands that two people sign. Who has an interest in the matter
does not vote and stands in no figure. Two people close the vote; the outcome is reckoned from the votes
(finance/voting.py) and stands: what fell, or found no quorum, is moved anew at another meeting.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from coopbank.bank import records
from coopbank.bank.desk import Desk
from coopbank.bank.fields import (
    BodyRef,
    Code,
    Day,
    MeetingRef,
    MemberRef,
    Memo,
    Money,
    ProductRef,
    Rate,
    ResolutionRef,
    Widget,
)
from coopbank.bank.mandates import LOAN, TERMS
from coopbank.bank.operation import ADMINISTRATOR, CATALOGUE, SUPERVISOR, TELLER, TREASURER, Operation
from coopbank.bank.operations.bodies import Whole, active_body
from coopbank.bank.operations.products import product_of
from coopbank.bank.operations.savings import shown
from coopbank.bank.voting import concerned, counted, may_vote, roll, vote_ref
from coopbank.errors import AlreadyVoted, InvalidDate, InvalidValue, NotEntitled, Unknown, WrongState
from coopbank.finance.periods import MOST_ROWS
from coopbank.finance.voting import NO_QUORUM, Tally, needed, outcome
from coopbank.words import _

CLERKS = (TELLER, ADMINISTRATOR, SUPERVISOR, TREASURER)
"""Who may write down what a meeting decides."""
OPEN = "open"


class CallMeeting(Operation):
    """Enter a meeting that was called: when it is, and when its notice went out. Its roll stands from now on."""

    name: ClassVar[str] = "call-meeting"
    title: ClassVar[str] = "Call a meeting"
    subject: ClassVar[str] = "decisions"
    roles: ClassVar[tuple[str, ...]] = CLERKS
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False  # cancel-meeting

    body: BodyRef
    on: Annotated[Day, Field(title="Day of the meeting")]
    notice_sent_on: Annotated[Day, Field(title="Notice sent on")]
    record_date: Annotated[Day | None, Field(title="Members since, if not the day of the notice")] = None
    agenda: Annotated[Memo, Field(title="What is to be decided")] = ""

    def perform(self, desk: Desk) -> None:
        body = active_body(desk, self.body)
        if self.notice_sent_on > desk.business_day:
            raise InvalidDate("{day} lies in the future.", field="notice_sent_on", day=self.notice_sent_on)
        if self.on - self.notice_sent_on < timedelta(days=body.notice_days):
            raise InvalidDate(
                "The notice is too short: {body} is called {days} days before, so not for a day before {first}.",
                field="on", body=self.body, days=body.notice_days,
                first=self.notice_sent_on + timedelta(days=body.notice_days),
            )  # fmt: skip
        if self.on > desk.business_day + timedelta(days=366):
            raise InvalidDate("{day} is more than a year ahead.", field="on", day=self.on)
        record_date = self.record_date or self.notice_sent_on
        if record_date > min(self.on, desk.business_day):
            raise InvalidDate(
                "Who may vote is known by the day of the meeting and today: {day} is later.", field="record_date",
                day=record_date,
            )  # fmt: skip
        on_roll = len(roll(desk, self.body, body, record_date.isoformat(), self.on.isoformat()))
        if not on_roll:
            raise WrongState("On {day} nobody belonged to {body}.", field="body", day=record_date, body=self.body)
        ref = desk.next_ref("meeting", "MT-", 5)
        meeting = records.Meeting(
            body=self.body, on=self.on.isoformat(), notice_sent_on=self.notice_sent_on.isoformat(),
            record_date=record_date.isoformat(), called=desk.number, roll=on_roll, quorum_percent=body.quorum_percent,
            quorum_least=body.quorum_least, agenda=self.agenda,
        )  # fmt: skip
        desk.write(ref, meeting, about=self.body)
        desk.note("Meeting", ref)
        desk.note("May vote", str(on_roll))
        desk.note("Quorum", str(needed(on_roll, body.quorum_percent, body.quorum_least)))


class CancelMeeting(Operation):
    """Note that a meeting is not held. What was to be decided there is not."""

    name: ClassVar[str] = "cancel-meeting"
    title: ClassVar[str] = "Cancel a meeting"
    subject: ClassVar[str] = "decisions"
    roles: ClassVar[tuple[str, ...]] = CLERKS
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False

    meeting: MeetingRef
    why: Annotated[Memo, Field(min_length=1, title="Why")]

    def perform(self, desk: Desk) -> None:
        meeting = held_meeting(desk, self.meeting)
        for ref, resolution in desk.about(records.Resolution, self.meeting):
            if resolution.state not in (OPEN, "withdrawn"):
                raise WrongState(
                    "Meeting {meeting} has decided {resolution} already.", field="meeting", meeting=self.meeting,
                    resolution=ref,
                )  # fmt: skip
            if resolution.state == OPEN:
                gone = resolution.model_copy(update={"state": "withdrawn", "why": self.why})
                desk.write(ref, gone, about=self.meeting)
                desk.note("Withdrawn", ref)
        self._call_polls_off(desk)
        desk.write(self.meeting, meeting.model_copy(update={"state": "cancelled", "why": self.why}), about=meeting.body)
        desk.note("Cancelled", self.meeting)

    def _call_polls_off(self, desk: Desk) -> None:
        for ref, poll in desk.about(records.Poll, self.meeting):
            if poll.state in ("counted", "declared"):
                raise WrongState(
                    "Meeting {meeting} has decided {resolution} already.", field="meeting", meeting=self.meeting,
                    resolution=ref,
                )  # fmt: skip
            if poll.state in (OPEN, "closed"):
                gone = poll.model_copy(update={"state": "withdrawn", "why": self.why})
                desk.write(ref, gone, about=self.meeting)
                desk.note("Withdrawn", ref)


class ProposeResolution(Operation):
    """Move a resolution at a meeting. Name members by their numbers: the text stays in the books for ever."""

    name: ClassVar[str] = "propose-resolution"
    title: ClassVar[str] = "Move a resolution"
    subject: ClassVar[str] = "decisions"
    roles: ClassVar[tuple[str, ...]] = CLERKS
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False  # withdraw-resolution

    meeting: MeetingRef
    matter: Annotated[
        Literal["loan", "allocation", "policy", "election", "surplus", "transfer", "other"], Widget("choice"),
        Field(title="What it is about"),
    ]  # fmt: skip
    text: Annotated[Memo, Field(min_length=1, title="Text")]
    about: Annotated[Code | None, Field(title="Application, loan, fund, policy or operation that it is about")] = None
    amount: Annotated[Money | None, Field(title="Amount at most")] = None
    until: Annotated[Day | None, Field(title="Holds until, if not for good")] = None
    product: Annotated[ProductRef | None, Field(title="Loan: its product")] = None
    annual_rate: Annotated[Rate | None, Field(title="Loan: interest at most, percent a year")] = None
    installments: Annotated[
        int | None, Field(ge=1, le=MOST_ROWS, title="Loan: number of payments at most"), Widget("number")
    ] = None  # fmt: skip

    def perform(self, desk: Desk) -> None:
        meeting = held_meeting(desk, self.meeting)
        body = active_body(desk, meeting.body, "meeting")
        self._require_subject(desk)
        terms = self._terms(desk)
        if self.until is not None and self.until < max(date.fromisoformat(meeting.on), desk.business_day):
            raise InvalidDate("{day} is over before anything could be done.", field="until", day=self.until)
        ref = desk.next_ref("resolution", "RES-", 5)
        resolution = records.Resolution(
            meeting=self.meeting, body=meeting.body, matter=self.matter, text=self.text, about=self.about or "",
            amount=self.amount, until=None if self.until is None else self.until.isoformat(),
            majority=body.majorities.get(self.matter, "simple"), once=self.matter == LOAN, terms=terms,
        )  # fmt: skip
        desk.write(ref, resolution, about=self.meeting)
        desk.note("Resolution", ref)
        desk.note("Majority", _(resolution.majority))
        for member in sorted(concerned(desk, resolution.about)):
            desk.note("Does not vote", member)

    def _terms(self, desk: Desk) -> dict[str, str]:
        """What of a loan's terms is decided with it; refuses them where no loan is."""
        said = {name: str(value) for name in TERMS if (value := getattr(self, name)) is not None}
        if said and self.matter != LOAN:
            raise InvalidValue(
                "Only a loan has such terms.", field=min(said), hint="Leave them out, or move it as a loan."
            )
        if self.product is not None:
            product_of(desk, self.product)
        return said

    def _require_subject(self, desk: Desk) -> None:
        """Refuse a loan or a policy without its subject, and a subject that there is not."""
        if self.about is None and self.matter in ("loan", "policy"):
            raise InvalidValue(
                "Say what it is about.", field="about",
                hint="The application or the loan; the name of the policy or of the operation.",
            )  # fmt: skip
        if self.amount is None and self.matter in ("loan", "allocation", "transfer"):
            raise InvalidValue("{field_name} is missing.", field="amount", field_name="amount")
        if self.about is None:
            return
        if self.matter == "loan":
            known = any(desk.find(cls, self.about) for cls in (records.Application, records.Loan, records.Member))
        elif self.matter == "policy":
            from coopbank.bank.policies import LATER_POLICIES

            known = self.about in CATALOGUE or self.about in LATER_POLICIES
            known = known or desk.find(records.Policy, self.about) is not None
        elif self.matter in ("allocation", "transfer"):
            known = desk.tx.value("SELECT 1 FROM fund WHERE code = ?", self.about) is not None
        else:
            known = True
        if not known:
            raise Unknown("There is nothing called {about} to decide on.", field="about", about=self.about)


class _OnResolution(Operation):
    """Common to what happens to a resolution while its vote is open."""

    resolution: ResolutionRef

    def open_vote(self, desk: Desk, *, begun: bool = True) -> tuple[records.Resolution, records.Meeting]:
        """The resolution and its meeting; refused when the vote is over, or, for a vote, has not begun."""
        found = desk.get(records.Resolution, self.resolution, "resolution")
        if found.state != OPEN:
            raise WrongState(
                "The vote on {resolution} is over: {state}.", field="resolution", resolution=self.resolution,
                state=_(found.state),
            )  # fmt: skip
        meeting = held_meeting(desk, found.meeting)
        if begun and meeting.on > desk.business_day.isoformat():
            raise WrongState(
                "The meeting {meeting} is on {day}: nobody votes before.", field="resolution", meeting=found.meeting,
                day=meeting.on,
            )  # fmt: skip
        return found, meeting

    def votes(self, desk: Desk) -> list[records.Vote]:
        """What was recorded so far."""
        return [vote for _ref, vote in desk.about(records.Vote, self.resolution)]

    def decided(self, desk: Desk, resolution: records.Resolution, **changes: object) -> records.Resolution:
        """Write the resolution as it is now."""
        after = resolution.model_copy(update=changes)
        desk.write(self.resolution, after, about=after.meeting)
        return after


class WithdrawResolution(_OnResolution):
    """Note that a resolution was withdrawn before its vote was closed."""

    name: ClassVar[str] = "withdraw-resolution"
    title: ClassVar[str] = "Withdraw a resolution"
    subject: ClassVar[str] = "decisions"
    roles: ClassVar[tuple[str, ...]] = CLERKS
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False  # move it again

    why: Annotated[Memo, Field(min_length=1, title="Why")]

    def perform(self, desk: Desk) -> None:
        resolution, _meeting = self.open_vote(desk, begun=False)
        self.decided(desk, resolution, state="withdrawn", why=self.why)


class _ByMember(_OnResolution):
    """Common to what one member does; a colleague writes it down."""

    member: MemberRef

    def require_voter(self, desk: Desk, resolution: records.Resolution, meeting: records.Meeting) -> None:
        """Refuse who is not on the roll."""
        body = desk.get(records.VotingBody, resolution.body, "resolution")
        if not may_vote(desk, meeting, body.form, self.member):
            raise NotEntitled(
                "{member} is not on the roll of {body} for {meeting}.", field="member", member=self.member,
                body=resolution.body, meeting=resolution.meeting,
                hint="Those vote who belonged to it on the record date, {day}, and still do.", day=meeting.record_date,
            )  # fmt: skip

    def recorded(self, desk: Desk) -> records.Vote | None:
        """How the member voted so far."""
        return desk.find(records.Vote, vote_ref(self.resolution, self.member))

    def record(self, desk: Desk, vote: str, why: str) -> None:
        """Write the member's vote."""
        body = records.Vote(resolution=self.resolution, member=self.member, vote=vote, why=why)
        desk.write(vote_ref(self.resolution, self.member), body, about=self.resolution)


class DeclareInterest(_ByMember):
    """Note that a member has an interest in the matter: they do not vote on it, and count for no quorum."""

    name: ClassVar[str] = "declare-interest"
    title: ClassVar[str] = "Declare an interest"
    subject: ClassVar[str] = "decisions"
    roles: ClassVar[tuple[str, ...]] = CLERKS
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False  # who was concerned stays so

    why: Annotated[Memo, Field(min_length=1, title="What interest")]

    def perform(self, desk: Desk) -> None:
        resolution, meeting = self.open_vote(desk, begun=False)
        self.require_voter(desk, resolution, meeting)
        if resolution.manner == "by-count":
            raise WrongState(
                "Hands were counted on {resolution} already.", field="resolution", resolution=self.resolution
            )
        before = self.recorded(desk)
        if before is not None and before.vote == "recused":
            raise AlreadyVoted(
                "{member} has declared an interest in {resolution} already.", field="member", member=self.member,
                resolution=self.resolution,
            )  # fmt: skip
        self.record(desk, "recused", self.why)
        desk.note("Does not vote", self.member)


class RecordVote(_ByMember):
    """Record how a member voted. A vote that was typed wrong is recorded anew, with the reason."""

    name: ClassVar[str] = "record-vote"
    title: ClassVar[str] = "Record a vote"
    subject: ClassVar[str] = "decisions"
    roles: ClassVar[tuple[str, ...]] = CLERKS
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False  # recorded anew with `why`

    vote: Annotated[Literal["for", "against", "abstain"], Widget("choice"), Field(title="Vote")]
    why: Annotated[Memo | None, Field(min_length=1, title="Why anew, if it was typed wrong before")] = None

    def perform(self, desk: Desk) -> None:
        resolution, meeting = self.open_vote(desk)
        self.require_voter(desk, resolution, meeting)
        if resolution.manner == "by-count":
            raise AlreadyVoted(
                "Hands were counted on {resolution}: nobody votes twice.", field="resolution",
                resolution=self.resolution,
            )  # fmt: skip
        before = self.recorded(desk)
        if self.member in concerned(desk, resolution.about) or (before is not None and before.vote == "recused"):
            raise NotEntitled(
                "{member} has an interest in {resolution} and does not vote on it.", field="member",
                member=self.member, resolution=self.resolution, hint="Note it with declare-interest.",
            )  # fmt: skip
        if before is not None and (self.why is None or before.vote == self.vote):
            raise AlreadyVoted(
                "{member} has voted on {resolution} already.", field="member", member=self.member,
                resolution=self.resolution, hint="If it was typed wrong, record it anew and say why.",
            )  # fmt: skip
        self.record(desk, self.vote, self.why or "")
        desk.note("Votes", str(sum(vote.vote != "recused" for vote in self.votes(desk)) + (before is None)))


class RecordCount(_OnResolution):
    """Record a count of hands. Two people sign it: who asks for this, and who approves."""

    name: ClassVar[str] = "record-count"
    title: ClassVar[str] = "Record a count of hands"
    subject: ClassVar[str] = "decisions"
    roles: ClassVar[tuple[str, ...]] = CLERKS
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False  # counted anew before the vote is closed

    in_favour: Annotated[Whole, Field(title="In favour")]
    against: Annotated[Whole, Field(title="Against")]
    abstained: Annotated[Whole, Field(title="Abstained")] = 0

    def serves(self, desk: Desk) -> set[str]:
        return _concerned(desk, self.resolution)

    def perform(self, desk: Desk) -> None:
        resolution, meeting = self.open_vote(desk)
        votes = self.votes(desk)
        if any(vote.vote != "recused" for vote in votes):
            raise AlreadyVoted(
                "Votes on {resolution} were recorded by name: nobody votes twice.", field="resolution",
                resolution=self.resolution,
            )  # fmt: skip
        _require_declared(desk, self.resolution, resolution, meeting)
        tally = Tally(self.in_favour, self.against, self.abstained, len(votes), meeting.roll)
        if tally.present > tally.entitled:
            raise InvalidValue(
                "{count} hands are more than the {most} who may vote.", field="in_favour", count=tally.present,
                most=tally.entitled,
            )  # fmt: skip
        self.decided(
            desk, resolution, manner="by-count", in_favour=self.in_favour, against=self.against,
            abstained=self.abstained, recused=len(votes),
        )  # fmt: skip
        desk.note("Hands", str(tally.present))


class CloseVote(_OnResolution):
    """Close a vote and say what it came to. Two people do it; it stands then."""

    name: ClassVar[str] = "close-vote"
    title: ClassVar[str] = "Close a vote"
    subject: ClassVar[str] = "decisions"
    roles: ClassVar[tuple[str, ...]] = CLERKS
    since: ClassVar[int] = 2
    second_person: ClassVar[bool] = True
    reversible: ClassVar[bool] = False  # moved anew at another meeting

    def serves(self, desk: Desk) -> set[str]:
        return _concerned(desk, self.resolution)

    def perform(self, desk: Desk) -> None:
        resolution, meeting = self.open_vote(desk)
        if resolution.manner == "by-count":
            tally = tally_of(resolution, meeting)
        else:
            _require_declared(desk, self.resolution, resolution, meeting)
            tally = counted((vote.vote for vote in self.votes(desk)), meeting.roll)
        state = outcome(tally, resolution.majority, meeting.quorum_percent, meeting.quorum_least)
        self.decided(
            desk, resolution, state=state, manner=resolution.manner or "by-name", in_favour=tally.in_favour,
            against=tally.against, abstained=tally.abstained, recused=tally.recused,
            closed_on=desk.business_day.isoformat(),
            sheet=desk.version(records.CreditMemo.kind, resolution.about) if resolution.once else 0,
        )  # fmt: skip
        desk.note("Resolution", f"{self.resolution}, {_(state)}")
        desk.note("In favour, against, abstained", f"{tally.in_favour}, {tally.against}, {tally.abstained}")
        if state == NO_QUORUM:
            least = needed(tally.entitled, meeting.quorum_percent, meeting.quorum_least)
            desk.note("Quorum", _("{count} of {all}").format(count=tally.present, all=least))
        if resolution.amount is not None:
            desk.note("Amount at most", shown(desk, resolution.amount))


# ------------------------------------------------------------------------------------- helpers


def held_meeting(desk: Desk, ref: str) -> records.Meeting:
    """A meeting, refused if it was cancelled."""
    meeting = desk.get(records.Meeting, ref, "meeting")
    if meeting.state != "called":
        raise WrongState("Meeting {meeting} was cancelled.", field="meeting", meeting=ref)
    return meeting


def tally_of(resolution: records.Resolution, meeting: records.Meeting) -> Tally:
    """The figures that a resolution keeps."""
    return Tally(
        resolution.in_favour, resolution.against, resolution.abstained, resolution.recused, meeting.roll
    )  # fmt: skip


def _concerned(desk: Desk, ref: str) -> set[str]:
    found = desk.find(records.Resolution, ref)
    return set() if found is None else concerned(desk, found.about)


def _require_declared(
    desk: Desk, ref: str, resolution: records.Resolution, meeting: records.Meeting
) -> None:  # fmt: skip
    """Refuse to count while somebody on the roll whose interest the books know has not stood back."""
    body = desk.get(records.VotingBody, resolution.body, "resolution")
    for member in sorted(concerned(desk, resolution.about)):
        vote = desk.find(records.Vote, vote_ref(ref, member))
        if (vote is None or vote.vote != "recused") and may_vote(desk, meeting, body.form, member):
            raise WrongState(
                "{member} has an interest in {resolution}: note it before the votes are counted.", field="resolution",
                member=member, resolution=ref, hint="Use declare-interest.",
            )  # fmt: skip
