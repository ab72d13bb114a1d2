"""Decisions: resolutions with their votes, and boxes of ballots with the way they are counted."""

from __future__ import annotations

from dataclasses import dataclass

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.voting import box_of
from coopbank.errors import NotAllowed, WrongState
from coopbank.finance.voting import Count, count, needed
from coopbank.reports.document import Minor
from coopbank.words import _


@dataclass(frozen=True, slots=True)
class ResolutionLine:
    """A resolution in the list of them. `used`: what was done under it so far, in minor units."""

    ref: str
    body: str
    on: str
    matter: str
    about: str
    text: str
    amount: Minor | None
    used: Minor
    state: str
    option: str


@dataclass(frozen=True, slots=True)
class VoteLine:
    """How a member voted."""

    member: str
    vote: str
    why: str


@dataclass(frozen=True, slots=True)
class UseLine:
    """What was done under a resolution."""

    operation: int
    what: str
    amount: Minor | None


@dataclass(frozen=True, slots=True)
class ResolutionSheet:
    """A resolution whole: its meeting, its votes, its outcome, and what was done under it. Figures are persons."""

    line: ResolutionLine
    meeting: str
    notice_sent_on: str
    record_date: str
    roll: int
    quorum: int  # persons
    majority: str
    until: str | None
    manner: str
    in_favour: int
    against: int
    abstained: int
    recused: int
    closed_on: str | None
    why: str
    poll: str
    votes: tuple[VoteLine, ...]
    uses: tuple[UseLine, ...]
    terms: dict[str, str]  # of a loan: its product, and at most this interest and so many payments


@dataclass(frozen=True, slots=True)
class VotersPapers:
    """What voters on a loan read: what is asked for, the terms, the credit memo."""

    resolution: str
    text: str
    application: str
    member: str
    name: str
    product: str
    amount: Minor
    at_most: Minor | None
    purpose: str
    terms: str
    memo: str
    consent_on: str


@dataclass(frozen=True, slots=True)
class BallotSheet:
    """A poll with its count. `text` is the box as it is exported; `voters` had a ballot."""

    ref: str
    body: str
    question: str
    form: str
    fund: str
    pot: Minor
    committee: str
    seats: int
    voters: int
    state: str
    missing: str
    digest: str
    count: Count
    text: str


def resolutions(books: Books, state: str | None = None) -> tuple[ResolutionLine, ...]:
    """Every resolution, or those in one state, the oldest first."""
    meetings = dict(books.every(records.Meeting))
    used: dict[str, int] = {}
    for _ref, use in books.every(records.ResolutionUse):
        used[use.resolution] = used.get(use.resolution, 0) + (use.amount or 0)
    return tuple(
        _line(ref, body, meetings[body.meeting], used.get(ref, 0))
        for ref, body in books.every(records.Resolution)
        if state in (None, body.state)
    )


def voters_papers(books: Books, ref: str) -> VotersPapers:
    """What voters on a loan read; refuses unless there is a memo and the borrower agreed that voters read it."""
    body = books.get(records.Resolution, ref, "resolution")
    application = books.find(records.Application, body.about)
    if application is None:
        raise WrongState(
            "{resolution} is about no application for a loan.", field="resolution", resolution=ref,
            hint="A resolution on a loan names the application.",
        )  # fmt: skip
    consent = books.find(records.MemoConsent, body.about)
    if consent is None or not consent.given:
        raise NotAllowed(
            "The borrower has not agreed that voters read the credit memo of {application}.", field="resolution",
            application=body.about, hint="Ask them, and note what they say with consent-to-share.",
        )  # fmt: skip
    memo = books.get(records.CreditMemo, body.about, "resolution")
    return VotersPapers(
        resolution=ref, text=body.text, application=body.about, member=application.member,
        name=books.member_name(application.member), product=application.product, amount=application.amount,
        at_most=body.amount, purpose=application.purpose, terms=memo.terms, memo=books.personal(memo.memo),
        consent_on=consent.on,
    )  # fmt: skip


def _line(ref: str, body: records.Resolution, meeting: records.Meeting, used: int) -> ResolutionLine:
    return ResolutionLine(
        ref=ref, body=body.body, on=meeting.on, matter=body.matter, about=body.about, text=body.text,
        amount=body.amount, used=used, state=body.state, option=body.option,
    )  # fmt: skip


def resolution(books: Books, ref: str) -> ResolutionSheet:
    """One resolution; refuses a number that there is not."""
    body = books.get(records.Resolution, ref, "resolution")
    meeting = books.get(records.Meeting, body.meeting)
    uses = [use for _ref, use in books.about(records.ResolutionUse, ref)]
    votes = [vote for _ref, vote in books.about(records.Vote, ref)]
    recused = body.recused if body.closed_on else sum(vote.vote == "recused" for vote in votes)
    return ResolutionSheet(
        line=_line(ref, body, meeting, sum(use.amount or 0 for use in uses)), meeting=body.meeting,
        notice_sent_on=meeting.notice_sent_on, record_date=meeting.record_date, roll=meeting.roll,
        quorum=needed(meeting.roll - recused, meeting.quorum_percent, meeting.quorum_least), majority=body.majority,
        until=body.until, manner=body.manner, in_favour=body.in_favour, against=body.against,
        abstained=body.abstained, recused=recused, closed_on=body.closed_on, why=body.why, poll=body.poll,
        votes=tuple(VoteLine(vote.member, vote.vote, vote.why) for vote in votes),
        uses=tuple(UseLine(use.operation, use.what, use.amount) for use in uses), terms=body.terms,
    )  # fmt: skip


def ballot_box(books: Books, ref: str) -> BallotSheet:
    """A poll whose ballots were typed, counted; refuses one that has none yet."""
    poll = books.get(records.Poll, ref, "poll")
    kept = books.find(records.BallotBox, ref)
    if kept is None:
        raise WrongState(
            "The ballots of {poll} are not counted: it is {state}.", field="poll", poll=ref, state=_(poll.state)
        )
    box = box_of(ref, poll, kept.ballots, books.institution().currency)
    return BallotSheet(
        ref=ref, body=poll.body, question=poll.question, form=poll.form, fund=poll.fund, pot=poll.pot,
        committee=poll.committee, seats=poll.seats, voters=poll.voters, state=poll.state, missing=kept.missing,
        digest=kept.digest, count=count(box), text=box.text(),
    )  # fmt: skip
