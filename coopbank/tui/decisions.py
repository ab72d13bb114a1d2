"""What the screens of decisions show: what is open and what it lacks, what was decided, meetings, and who decides.

Open matters are all shown; of what is over, the newest. Of a secret ballot nobody's vote is known, so none is shown:
only who was given one, and what the box came to once it was counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Final

from coopbank.bank import records
from coopbank.bank.books import B, Books
from coopbank.bank.mandates import IN_FORCE
from coopbank.bank.operation import CATALOGUE
from coopbank.bank.voting import ASSEMBLY, concerned, counted, may_vote, roll, vote_ref
from coopbank.finance.voting import Tally, needed, outcome
from coopbank.reports.decisions import ballot_box, resolution
from coopbank.tui.choices import FORM_WORDS, MATTER_WORDS, VOTE_WORDS
from coopbank.tui.pages import Act, Line, Page
from coopbank.tui.show import amount, day_row
from coopbank.words import _, translate

if TYPE_CHECKING:
    from coopbank.reports.decisions import ResolutionSheet
    from coopbank.tui.session import Session

NEWEST: Final = 200
FEWEST_BALLOTS: Final = 3
OPEN_POLLS: Final = ("open", "closed", "counted")


def decisions_page(session: Session) -> Page:
    """What is open, what was decided, the meetings, the bodies."""
    money = session.currency
    with session.bank.read() as books:
        today = books.business_date() or session.bank.clock.today()
        bodies = dict(books.every(records.VotingBody))
        meetings = dict(newest(books, records.Meeting))
        polls = newest(books, records.Poll)
        waiting = open_resolutions(books)
        decided = [(ref, body) for ref, body in newest(books, records.Resolution) if body.state != "open"]
        open_lines = [
            *(_open_resolution(books, ref, body, today) for ref, body in waiting),
            *(_open_poll(books, ref, poll, today) for ref, poll in polls if poll.state in OPEN_POLLS),
        ]
        body_lines = [_body_line(books, ref, body, today, money) for ref, body in bodies.items()]
        used = _used(books, (ref for ref, _body in decided))
        held = {*(body.meeting for _ref, body in decided), *(poll.meeting for _ref, poll in polls)}
        on = {each: _meeting_of(books, meetings, each).on for each in held}
    over = [(ref, poll) for ref, poll in polls if poll.state not in OPEN_POLLS]
    return Page(
        head=_("Decisions"), today=today, acts=_page_acts(),
        sums=(_("Open: {count}").format(count=len(open_lines)),),
        views={
            "open": open_lines,
            "decided": [
                *(_decided_line(ref, body, on[body.meeting], used.get(ref, 0), money) for ref, body in decided),
                *(_past_poll(ref, poll, on[poll.meeting], money) for ref, poll in over),
            ],
            "meetings": [_meeting_line(ref, meeting, today) for ref, meeting in meetings.items()],
            "bodies": body_lines,
        },
    )  # fmt: skip


def _page_acts() -> tuple[Act, ...]:
    return tuple(Act(name) for name in ("call-meeting", "propose-resolution", "open-poll", "set-body", "set-mandate"))


# -------------------------------------------------------------------------------- reading records


def newest(books: Books, cls: type[B]) -> list[tuple[str, B]]:
    """The newest records of a kind, the last one first: as many as are shown, however many there are."""
    found = books.tx.rows(
        "SELECT r.ref, r.body FROM record r WHERE r.kind = ? AND r.version ="
        " (SELECT max(version) FROM record l WHERE l.kind = r.kind AND l.ref = r.ref) ORDER BY r.ref DESC LIMIT ?",
        cls.kind, NEWEST,
    )  # fmt: skip
    return [(ref, body) for ref, text in found if not (body := cls.model_validate_json(text)).void]


def open_resolutions(books: Books) -> list[tuple[str, records.Resolution]]:
    """Every vote that is not closed, however old: a state that is not written is the first one."""
    found = books.tx.stream(
        "SELECT r.ref, r.body FROM record r WHERE r.kind = ? AND r.version ="
        " (SELECT max(version) FROM record l WHERE l.kind = r.kind AND l.ref = r.ref) ORDER BY r.ref",
        records.Resolution.kind,
    )  # fmt: skip
    texts = [(ref, text) for ref, text in found if '"state":' not in text or '"state":"open"' in text]
    read = ((ref, records.Resolution.model_validate_json(text)) for ref, text in texts)
    return [(ref, body) for ref, body in read if not body.void and body.state == "open"]


def _meeting_of(books: Books, known: dict[str, records.Meeting], ref: str) -> records.Meeting:
    return known[ref] if ref in known else books.get(records.Meeting, ref)


def _used(books: Books, refs: Iterable[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for ref in refs:
        found[ref] += sum(use.amount or 0 for _ref, use in books.about(records.ResolutionUse, ref))
    return found


# ----------------------------------------------------------------------------------- resolutions


def tally(books: Books, ref: str, body: records.Resolution, meeting: records.Meeting) -> Tally:
    """The votes as they stand: those that were recorded so far, or what was counted."""
    if body.closed_on or body.manner == "by-count":
        return Tally(body.in_favour, body.against, body.abstained, body.recused, meeting.roll)
    return counted((vote.vote for _ref, vote in books.about(records.Vote, ref)), meeting.roll)


def missing(
    books: Books, ref: str, body: records.Resolution, meeting: records.Meeting, at: Tally, today: date
) -> Iterator[str]:
    """What a vote that is open still lacks."""
    if meeting.on > today.isoformat():
        yield _("the meeting is on {day}").format(day=day_row(date.fromisoformat(meeting.on)))
    form = books.get(records.VotingBody, body.body).form
    for member in sorted(concerned(books, body.about)):
        vote = books.find(records.Vote, vote_ref(ref, member))
        if (vote is None or vote.vote != "recused") and may_vote(books, meeting, form, member):
            yield _("{member} has an interest and has to stand back").format(member=member)
    quorum = needed(at.entitled, meeting.quorum_percent, meeting.quorum_least)
    if at.present < quorum:
        yield _("{count} more for the quorum of {quorum}").format(count=quorum - at.present, quorum=quorum)


def _tally_words(at: Tally) -> str:
    said = _("{yes} for, {no} against").format(yes=at.in_favour, no=at.against)
    return f"{said}, " + _("{count} abstain").format(count=at.abstained) if at.abstained else said


def _stands(at: Tally, body: records.Resolution, meeting: records.Meeting) -> str:
    state = outcome(at, body.majority, meeting.quorum_percent, meeting.quorum_least)
    return _("Closed now it would be: {state}.").format(state=translate(state))


def _open_resolution(books: Books, ref: str, body: records.Resolution, today: date) -> Line:
    meeting = books.get(records.Meeting, body.meeting)
    at = tally(books, ref, body, meeting)
    lacks = list(missing(books, ref, body, meeting, at, today))
    rule = _("May vote: {entitled}; stood back: {recused}; majority: {majority}; notice sent on {day}.").format(
        entitled=at.entitled, recused=at.recused, majority=translate(body.majority),
        day=day_row(date.fromisoformat(meeting.notice_sent_on)),
    )  # fmt: skip
    lacking = _("Still missing: {what}.").format(what="; ".join(lacks)) if lacks else _("Nothing is missing.")
    return Line(
        (ref, body.body, day_row(date.fromisoformat(meeting.on)), _tally_words(at), ", ".join(lacks), body.text),
        (f"{ref}  {body.text}", _about_words(body, meeting.on), rule, f"{lacking} {_stands(at, body, meeting)}"),
        ref, _acts_of_open(ref, body, meeting, at, today),
    )  # fmt: skip


def _about_words(body: records.Resolution, on: str) -> str:
    day = day_row(date.fromisoformat(on))
    moved = _("Moved at {meeting} on {day}").format(meeting=body.meeting, day=day)
    about = f"{translate(MATTER_WORDS[body.matter])} {body.about}".strip()
    return moved if body.matter == "other" and not body.about else f"{moved}: {about}"


def _acts_of_open(
    ref: str, body: records.Resolution, meeting: records.Meeting, at: Tally, today: date
) -> tuple[Act, ...]:
    by_name = at.present > 0 and body.manner != "by-count"
    names = ["declare-interest", "withdraw-resolution"]
    if meeting.on <= today.isoformat():
        counting = [] if body.manner == "by-count" else ["record-vote"]
        names = [*counting, "declare-interest", *([] if by_name else ["record-count"]), "close-vote",
                 "withdraw-resolution"]  # fmt: skip
    return tuple(Act(name, {"resolution": ref}) for name in names)


def _decided_line(ref: str, body: records.Resolution, on: str, used: int, money: str) -> Line:
    figures = _("{yes} for, {no} against, {abstained} abstained, {recused} stood back").format(
        yes=body.in_favour, no=body.against, abstained=body.abstained, recused=body.recused
    )
    limit = "" if body.amount is None else amount(body.amount, money)
    spent = ""
    if limit and body.state == "carried":
        spent = _("{used} of {limit} is used.").format(used=amount(used, money), limit=limit)
    until = _("It holds until {day}.").format(day=day_row(date.fromisoformat(body.until))) if body.until else ""
    rest = " ".join(each for each in (spent, until, body.why) if each)
    return Line(
        (ref, body.body, day_row(date.fromisoformat(on)), translate(body.state), limit, body.text),
        (f"{ref}  {body.text}", _about_words(body, on), figures, rest),
        ref, faint=body.state != "carried",
    )  # fmt: skip


def resolution_page(session: Session, ref: str) -> Page:
    """One resolution: who voted how, who has not yet, and what was done under it."""
    with session.bank.read() as books:
        today = books.business_date() or session.bank.clock.today()
        sheet = resolution(books, ref)
        body = books.get(records.Resolution, ref)
        meeting = books.get(records.Meeting, body.meeting)
        is_open = body.state == "open"
        line = (
            _open_resolution(books, ref, body, today) if is_open
            else _decided_line(ref, body, meeting.on, sheet.line.used, session.currency)
        )  # fmt: skip
        votes = [_vote_line(books, ref, each.member, each.vote, each.why, is_open) for each in sheet.votes]
        yet = list(_not_yet(books, ref, body, meeting, {each.member for each in sheet.votes})) if is_open else []
    return Page(
        head=f"{ref}  {translate(body.state)}  {body.text}", sums=line.says[1:],
        today=today, acts=line.acts,
        views={"votes": votes, "yet": yet, "uses": list(_use_lines(sheet, session.currency))},
    )  # fmt: skip


def _vote_line(books: Books, ref: str, member: str, vote: str, why: str, is_open: bool) -> Line:
    anew = (Act("record-vote", {"resolution": ref, "member": member}),) if is_open and vote != "recused" else ()
    name = books.member_name(member)
    return Line((member, name, translate(VOTE_WORDS[vote]), why), (f"{member}  {name}", why), acts=anew)


def _not_yet(
    books: Books, ref: str, body: records.Resolution, meeting: records.Meeting, voted: set[str]
) -> Iterator[Line]:
    """Who holds a seat and has not voted. Of an assembly nobody is listed: it is all members."""
    deciding = books.get(records.VotingBody, body.body)
    if deciding.form == ASSEMBLY:
        return
    held = concerned(books, body.about)
    for member in sorted(roll(books, body.body, deciding, meeting.record_date, meeting.on) - voted):
        if may_vote(books, meeting, deciding.form, member):
            act = "declare-interest" if member in held else "record-vote"
            name = books.member_name(member)
            says = _("has an interest and has to stand back") if member in held else ""
            yield Line((member, name, says), (f"{member}  {name}", says), acts=(
                Act(act, {"resolution": ref, "member": member}),
            ))  # fmt: skip


def _use_lines(sheet: ResolutionSheet, money: str) -> Iterator[Line]:
    for use in sheet.uses:
        figure = "" if use.amount is None else amount(use.amount, money)
        yield Line((str(use.operation), use.what, figure), (use.what,), ("operation", str(use.operation)))


# ----------------------------------------------------------------------------------------- polls


def _ballots(books: Books, ref: str) -> int:
    return len(books.about(records.BallotGiven, ref))


def _open_poll(books: Books, ref: str, poll: records.Poll, today: date) -> Line:
    meeting = books.get(records.Meeting, poll.meeting)
    given = poll.voters or _ballots(books, ref)
    least = max(FEWEST_BALLOTS, needed(meeting.roll, meeting.quorum_percent, meeting.quorum_least))
    lacks = []
    if poll.state == "open":
        if meeting.on > today.isoformat():
            lacks.append(_("the meeting is on {day}").format(day=day_row(date.fromisoformat(meeting.on))))
        if given < least:
            lacks.append(_("{count} more for the quorum of {quorum}").format(count=least - given, quorum=least))
    else:
        lacks.append(_("its ballots are to be typed") if poll.state == "closed" else _("its result is to be declared"))
    ballots = _("{count} ballots given").format(count=given)
    missing_words = _("Still missing: {what}.").format(what="; ".join(lacks)) if lacks else _("Nothing is missing.")
    return Line(
        (ref, poll.body, day_row(date.fromisoformat(meeting.on)), ballots, ", ".join(lacks), poll.question),
        (f"{ref}  {poll.question}", _poll_words(poll), f"{translate(poll.state)}. {missing_words}"),
        ref, _acts_of_poll(ref, poll, on_the_day=meeting.on <= today.isoformat()),
    )  # fmt: skip


def _poll_words(poll: records.Poll) -> str:
    if poll.committee:
        return _("Secret ballot at {meeting}: {seats} seats on {committee}").format(
            meeting=poll.meeting, seats=poll.seats, committee=poll.committee
        )
    return _("Secret ballot at {meeting}: a pot of fund {fund}").format(meeting=poll.meeting, fund=poll.fund)


def _acts_of_poll(ref: str, poll: records.Poll, *, on_the_day: bool) -> tuple[Act, ...]:
    names = {
        "open": (*(("give-ballots", "close-poll") if on_the_day else ()), "withdraw-poll"),
        "closed": ("load-ballots", "withdraw-poll"), "counted": ("declare-result",),
    }.get(poll.state, ())  # fmt: skip
    return tuple(Act(name, {"poll": ref}) for name in names)


def _past_poll(ref: str, poll: records.Poll, on: str, money: str) -> Line:
    pot = amount(poll.pot, money) if poll.pot else ""
    return Line(
        (ref, poll.body, day_row(date.fromisoformat(on)), translate(poll.state), pot, poll.question),
        (f"{ref}  {poll.question}", _poll_words(poll), _("{count} had a ballot.").format(count=poll.voters), poll.why),
        ref, faint=poll.state != "declared",
    )  # fmt: skip


def poll_page(session: Session, ref: str) -> Page:
    """One secret ballot: its options, as they were counted if they were, and who was given a ballot."""
    money = session.currency
    with session.bank.read() as books:
        today = books.business_date() or session.bank.clock.today()
        poll = books.get(records.Poll, ref, "poll")
        meeting = books.get(records.Meeting, poll.meeting)
        line = (
            _open_poll(books, ref, poll, today)
            if poll.state in OPEN_POLLS
            else _past_poll(ref, poll, meeting.on, money)
        )
        options = list(_options(books, ref, poll, money))
        voters = [
            Line((given.member, books.member_name(given.member)), (given.member,))
            for _ref, given in books.about(records.BallotGiven, ref)
        ]
    return Page(
        head=f"{ref}  {translate(poll.state)}  {poll.question}", sums=line.says[1:],
        today=today, acts=line.acts, views={"options": options, "voters": voters},
    )  # fmt: skip


def _options(books: Books, ref: str, poll: records.Poll, money: str) -> Iterator[Line]:
    def shown(code: str, title: str) -> str:
        return books.member_name(code) if poll.committee else title

    if poll.state in ("counted", "declared"):
        for place in ballot_box(books, ref).count.places:
            option, asked = place.option, amount(place.option.asked, money) if place.option.asked else ""
            got = amount(place.awarded, money) if place.awarded else _("elected") if place.won else ""
            lot = _("by lot among equals") if place.tied else ""
            title = shown(option.code, option.title)
            yield Line((option.code, title, asked, str(place.approvals), got), (f"{option.code}  {title}", lot))
        return
    for code, title, asked in poll.options:
        known = shown(str(code), str(title))
        figure = amount(int(asked), money) if asked else ""
        yield Line((str(code), known, figure, "", ""), (f"{code}  {known}",))


# ----------------------------------------------------------------------------- meetings and bodies


def _meeting_line(ref: str, meeting: records.Meeting, today: date) -> Line:
    on, quorum = date.fromisoformat(meeting.on), needed(meeting.roll, meeting.quorum_percent, meeting.quorum_least)
    cancelled = meeting.state == "cancelled"
    state = _("cancelled") if cancelled else _("to come") if on > today else _("today") if on == today else ""
    facts = _("Notice sent on {notice}; who belonged to it on {record} may vote: {roll}. Quorum: {quorum}.").format(
        notice=day_row(date.fromisoformat(meeting.notice_sent_on)), roll=meeting.roll, quorum=quorum,
        record=day_row(date.fromisoformat(meeting.record_date)),
    )  # fmt: skip
    names = () if cancelled else ("propose-resolution", "open-poll", "cancel-meeting")
    return Line(
        (ref, meeting.body, day_row(on), state, str(meeting.roll), str(quorum), meeting.agenda),
        (f"{ref}  {meeting.body}", facts, meeting.agenda or meeting.why),
        acts=tuple(Act(name, {"meeting": ref}) for name in names), faint=cancelled,
    )  # fmt: skip


def _body_line(books: Books, ref: str, body: records.VotingBody, today: date, money: str) -> Line:
    day = today.isoformat()
    seats = [
        (seat.member, seat.until)
        for _ref, seat in (() if body.form == ASSEMBLY else books.about(records.Seat, ref))
        if seat.state == "held" and seat.until >= day
    ]
    quorum = _("{percent} %, at least {least}").format(percent=body.quorum_percent, least=body.quorum_least)
    held = [f"{member} {books.member_name(member)} ({day_row(date.fromisoformat(until))})" for member, until in seats]
    rules = ", ".join(f"{translate(MATTER_WORDS[m])}: {translate(rule)}" for m, rule in body.majorities.items())
    mandates = ", ".join(
        _mandate_words(each, money) for _ref, each in books.about(records.Mandate, ref) if each.state == IN_FORCE
    )
    says = [
        f"{ref}  {body.name}",
        _("Notice of {days} days; majorities that are not simple: {rules}").format(days=body.notice_days,
                                                                                   rules=rules or _("none")),
        _("It decides first: {what}").format(what=mandates or _("nothing")),
        *([_("Seats: {members}").format(members=", ".join(held) or _("none"))] if body.form != ASSEMBLY else []),
    ]  # fmt: skip
    return Line(
        (ref, body.name, translate(FORM_WORDS[body.form]), str(len(seats)) if body.form != ASSEMBLY else "", quorum),
        tuple(says), acts=_acts_of_body(ref, body), faint=body.state != "active",
    )  # fmt: skip


def _mandate_words(mandate: records.Mandate, money: str) -> str:
    cls = CATALOGUE.get(mandate.operation)
    title = mandate.operation if cls is None else translate(cls.title)
    if mandate.above is None:
        return title
    return _("{operation} above {amount}").format(operation=title, amount=amount(mandate.above, money))


def _acts_of_body(ref: str, body: records.VotingBody) -> tuple[Act, ...]:
    rules = {
        "body_name": body.name, "form": body.form, "quorum_percent": body.quorum_percent,
        "quorum_least": str(body.quorum_least), "notice_days": str(body.notice_days),
        "majorities": ", ".join(f"{matter} {rule}" for matter, rule in body.majorities.items()),
        "dissolved": "no" if body.state == "active" else "yes",
    }  # fmt: skip
    seats = () if body.form == ASSEMBLY else ("seat-member", "end-seat")
    if body.state != "active":
        return (Act("set-body", {"body": ref}, rules),)
    return (
        Act("call-meeting", {"body": ref}), *(Act(name, {"body": ref}) for name in seats),
        Act("set-body", {"body": ref}, rules), Act("set-mandate", {"body": ref}),
    )  # fmt: skip
