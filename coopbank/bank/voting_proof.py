"""Decisions, proven from the sealed log: for `verify`.

The roll of each meeting is drawn up once more from the members and seats of then; each vote was cast while its vote was
open, by one who was on that roll and had no interest in the matter; the outcome is reckoned again from the votes. What
a body decides first was done under a resolution of that body, within what it says, and names it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, Final

from coopbank.bank import records
from coopbank.bank.mandates import FIELD, above, amount_asked, beyond, matters_of
from coopbank.bank.operation import CATALOGUE
from coopbank.bank.operation import Operation as Performed
from coopbank.bank.replayed import Registers
from coopbank.bank.voting import box_of, counted, drawn_up
from coopbank.finance.voting import Count, Tally, count, outcome
from coopbank.ledger.columns import Run
from coopbank.ledger.log import Log, Operation

CHECK: Final = "resolutions"
MOVED: Final = {"meeting", "body", "matter", "text", "about", "amount", "until", "majority", "once", "terms"}
"""What of a resolution never changes."""
CLOSED: Final = ("carried", "rejected", "no-quorum")


Reader = Callable[[Registers, Log, Operation, str, int, Any], None]
"""Looks at a row: registers, log, operation, ref, version, body."""


class DecisionProof:
    """What one run over the log has seen of meetings and votes."""

    def __init__(self) -> None:
        self.rolls: dict[str, set[str]] = {}  # by meeting
        self.states: dict[str, str] = {}  # of each resolution, before the operation in hand
        self.named: str | None = None  # the resolution that the operation in hand says it is done under
        self.readers: dict[str, Reader] = {
            records.Meeting.kind: self._meeting, records.Vote.kind: self._vote,
            records.Resolution.kind: self._resolution, records.ResolutionUse.kind: self._use,
            records.Poll.kind: self._poll, records.BallotGiven.kind: self._given, records.BallotBox.kind: self._box,
            records.Seat.kind: self._elected, records.CreditMemo.kind: self._memo,
        }  # fmt: skip
        self.allotted: set[tuple[str, str]] = set()  # poll and option
        self.polls: dict[str, records.Poll] = {}  # before the row in hand
        self.given: dict[str, set[str]] = defaultdict(set)  # by poll: who has a ballot
        self.sheets: dict[str, int] = {}  # version of each application's credit memo
        self.moved: dict[str, dict[str, Any]] = {}  # what each resolution said at first
        self.mandates: dict[str, records.Mandate] = {}  # by operation
        self.uses: dict[str, dict[int, int | None]] = defaultdict(dict)  # by resolution: amount by operation
        self.votes: dict[str, dict[str, str]] = defaultdict(dict)  # by resolution: how each member voted

    def watch(self, state: Registers, log: Log, operation: Operation) -> None:
        """Look at an operation that the registers have seen already."""
        self.named = None
        for row in operation.rows:
            if row[0] == "record" and row[1] in self.readers:
                _table, kind, ref, version, _about, body = row
                self.readers[kind](state, log, operation, ref, version, body)
        if operation.kind in self.mandates:
            self._mandated(state, log, operation, self.named)
        for row in operation.rows:  # in force from the next operation on
            if row[0] == "record" and row[1] == records.Mandate.kind:
                self.mandates[row[2]] = records.Mandate.model_validate(row[5])

    def _meeting(self, state: Registers, log: Log, operation: Operation, ref: str, version: int, body: Any) -> None:
        meeting = records.Meeting.model_validate(body)
        if version > 1:
            return
        rules = state.records.get((records.VotingBody.kind, meeting.body), {})
        roll = drawn_up(
            rules.get("form", ""), meeting.body, meeting.record_date, meeting.on, _of(state, records.Member.kind),
            {member for member, death in _of(state, records.Death.kind) if death.get("state", "recorded") == "recorded"
             and not death.get("void")},
            _of(state, records.Seat.kind),
        )  # fmt: skip
        self.rolls[ref] = roll
        if len(roll) != meeting.roll:
            log.add(CHECK, f"the roll of {ref} has {len(roll)} members, not {meeting.roll}", operation.number)
        rule = (str(rules.get("quorum_percent", "0")), rules.get("quorum_least", 2))
        if (meeting.quorum_percent, meeting.quorum_least) != rule or meeting.called != operation.number:
            log.add(CHECK, f"meeting {ref} was not called by the rules of {meeting.body}", operation.number)

    def _vote(self, state: Registers, log: Log, operation: Operation, ref: str, _version: int, body: Any) -> None:
        vote = records.Vote.model_validate(body)
        resolution = state.records.get((records.Resolution.kind, vote.resolution), {})
        if self.states.get(vote.resolution) != "open":
            log.add(CHECK, f"a vote on {vote.resolution} was recorded while its vote was not open", operation.number)
        if vote.member not in self.rolls.get(resolution.get("meeting", ""), ()):
            log.add(CHECK, f"{vote.member} voted on {vote.resolution} and is not on the roll", operation.number)
        if ref != f"{vote.resolution}.{vote.member}":
            log.add(CHECK, f"the vote {ref} is kept under another number", operation.number)
        if self.votes[vote.resolution].get(vote.member) == "recused" and vote.vote != "recused":
            log.add(CHECK, f"{vote.member} has an interest in {vote.resolution} and voted", operation.number)
        self.votes[vote.resolution][vote.member] = vote.vote

    def _resolution(self, state: Registers, log: Log, operation: Operation, ref: str, _version: int, body: Any) -> None:
        resolution = records.Resolution.model_validate(body)
        before = self.states.get(ref)
        self.states[ref] = resolution.state
        moved = resolution.model_dump(include=MOVED)
        if self.moved.setdefault(ref, moved) != moved:
            log.add(CHECK, f"{ref} was changed after it was moved", operation.number)
        if before in CLOSED:
            log.add(CHECK, f"{ref} was changed after its vote was closed", operation.number)
        if before is None and resolution.manner != "ballots":
            rules = state.records.get((records.VotingBody.kind, resolution.body), {})
            if resolution.majority != rules.get("majorities", {}).get(resolution.matter, "simple"):
                log.add(CHECK, f"{ref} was moved with another majority than {resolution.body} has", operation.number)
        if resolution.state in CLOSED and resolution.once and resolution.sheet != self.sheets.get(resolution.about, 0):
            log.add(CHECK, f"{ref} was closed on another term sheet than there was", operation.number)
        if resolution.state in CLOSED:
            check = self._allotted if resolution.manner == "ballots" else self._outcome
            for fault in check(state, ref, resolution):
                log.add(CHECK, fault, operation.number)

    def _outcome(self, state: Registers, ref: str, resolution: records.Resolution) -> Iterator[str]:
        """What does not agree between a closed vote and the votes."""
        body = state.records.get((records.Meeting.kind, resolution.meeting))
        if body is None:
            yield f"{ref} was decided at no meeting"
            return
        meeting = records.Meeting.model_validate(body)
        votes = self.votes[ref]
        kept = Tally(
            resolution.in_favour, resolution.against, resolution.abstained, resolution.recused, meeting.roll
        )  # fmt: skip
        by_name = counted(votes.values(), meeting.roll)
        if resolution.manner == "by-count":
            if by_name.present or by_name.recused != kept.recused or kept.present > kept.entitled:
                yield f"the hands counted on {ref} do not go with the votes that were recorded"
        elif kept != by_name:
            yield f"{ref} says other votes than were recorded"
        if resolution.state != outcome(kept, resolution.majority, meeting.quorum_percent, meeting.quorum_least):
            yield f"{ref} is {resolution.state}, and its votes say otherwise"

    # -------------------------------------------------------------------------------- ballots

    def _given(self, _state: Registers, log: Log, operation: Operation, ref: str, version: int, body: Any) -> None:
        ballot = records.BallotGiven.model_validate(body)
        poll = self.polls.get(ballot.poll)
        if version > 1 or ballot.member in self.given[ballot.poll] or ref != f"{ballot.poll}.{ballot.member}":
            log.add(CHECK, f"{ballot.member} was given a second ballot of {ballot.poll}", operation.number)
        if poll is None or poll.state != "open" or ballot.member not in self.rolls.get(poll.meeting, ()):
            log.add(CHECK, f"{ballot.member} was given a ballot of {ballot.poll} without a right to it",
                    operation.number)  # fmt: skip
        self.given[ballot.poll].add(ballot.member)

    def _box(self, state: Registers, log: Log, operation: Operation, ref: str, version: int, body: Any) -> None:
        kept = records.BallotBox.model_validate(body)
        poll = self.polls.get(ref)
        if poll is None or version > 1 or self._count(state, ref, kept).digest != kept.digest:
            log.add(CHECK, f"the ballots of {ref} are not those that were counted", operation.number)
        if poll is not None and not len(self.given[ref]) == poll.voters >= sum(kept.ballots.values()):
            log.add(CHECK, f"there are more ballots of {ref} than were given", operation.number)
        typed = operation.request.get("ballots", [])
        if typed != [f"{times}x {ballot}" for ballot, times in sorted(kept.ballots.items())]:
            log.add(CHECK, f"the ballots of {ref} are not those that were typed", operation.number)

    def _count(self, state: Registers, ref: str, kept: records.BallotBox) -> Count:
        return count(box_of(ref, self.polls[ref], kept.ballots, state.records["institution", "book"]["currency"]))

    def _result(self, state: Registers, poll: str) -> Count | None:
        """What the ballots of a poll come to, if there are any."""
        body = state.records.get((records.BallotBox.kind, poll))
        if body is None or poll not in self.polls:
            return None
        return self._count(state, poll, records.BallotBox.model_validate(body))

    def _allotted(self, state: Registers, ref: str, resolution: records.Resolution) -> Iterator[str]:
        """What does not agree between money that was allotted and the ballots."""
        result = self._result(state, resolution.poll)
        won = {} if result is None else {place.option.code: place for place in result.won}
        place = won.get(resolution.option)
        poll = self.polls.get(resolution.poll)
        said = (resolution.amount, resolution.in_favour, resolution.about, resolution.matter, resolution.state)
        if (resolution.poll, resolution.option) in self.allotted:
            yield f"{resolution.option} of {resolution.poll} was allotted money twice"
        self.allotted.add((resolution.poll, resolution.option))
        if place is None or poll is None or said != (
            place.awarded, place.approvals, poll.fund, "allocation", "carried",
        ):  # fmt: skip
            yield f"{ref} is not what the ballots of {resolution.poll} say"

    def _poll(self, _state: Registers, _log: Log, _operation: Operation, ref: str, _version: int, body: Any) -> None:
        self.polls[ref] = records.Poll.model_validate(body)

    def _elected(self, state: Registers, log: Log, operation: Operation, _ref: str, _version: int, body: Any) -> None:
        if operation.kind != "declare-result":
            return
        seat = records.Seat.model_validate(body)
        result, poll = self._result(state, seat.elected_by), self.polls.get(seat.elected_by)
        winners = set() if result is None else {place.option.code for place in result.won}
        if poll is None or seat.member not in winners or seat.body != poll.committee:
            log.add(CHECK, f"{seat.member} took a seat on {seat.body} and was not elected", operation.number)

    # ------------------------------------------------------------------------------- mandates

    def watch_plain(self, state: Registers, log: Log, run: Run) -> None:
        """Operations that wrote no rows have no resolution either."""
        for operation in run.of(self.mandates):
            self._mandated(state, log, operation, None)

    def _mandated(self, state: Registers, log: Log, operation: Operation, named: str | None) -> None:
        """What a body decides was done under a resolution of that body."""
        mandate = self.mandates.get(operation.kind)
        cls = CATALOGUE.get(operation.kind)
        if mandate is None or cls is None or not above(mandate, self._amount(state, cls, operation)):
            return
        body = state.records.get((records.Resolution.kind, named or ""), {}).get("body")
        if body != mandate.body:
            log.add(CHECK, f"{operation.kind} was done without a resolution of {mandate.body}", operation.number)

    def _amount(self, state: Registers, cls: type[Performed], operation: Operation) -> int | None:
        return amount_asked(cls, operation.request, state.records["institution", "book"]["currency"])

    def _use(self, state: Registers, log: Log, operation: Operation, ref: str, _version: int, body: Any) -> None:
        """A use of a resolution is within what it says."""
        use = records.ResolutionUse.model_validate(body)
        uses = self.uses[use.resolution]
        if use.void:
            uses.pop(use.operation, None)
            return
        uses[use.operation] = use.amount
        for fault in self._use_faults(state, operation, ref, use):
            log.add(CHECK, f"{use.resolution}: {fault}", operation.number)
        self.named = use.resolution

    def _use_faults(
        self, state: Registers, operation: Operation, ref: str, use: records.ResolutionUse
    ) -> Iterator[str]:  # fmt: skip
        cls = CATALOGUE.get(operation.kind)
        body = state.records.get((records.Resolution.kind, use.resolution))
        if cls is None or body is None:
            yield f"there is no such resolution, or nothing like {operation.kind} is done under one"
            return
        resolution = records.Resolution.model_validate(body)
        if self.states.get(use.resolution) != "carried":
            yield f"{operation.kind} was done under it, and it was not carried"
        if resolution.until is not None and resolution.until < operation.business_date:
            yield f"{operation.kind} was done after it had ended"
        if resolution.matter not in cls.decided_as or not self._about(state, resolution, cls, operation):
            yield f"{operation.kind} is not what it decides"
        asked = (use.resolution, operation.number, operation.kind, self._amount(state, cls, operation))
        named = operation.request.get(FIELD)
        if asked != (named, use.operation, use.what, use.amount) or ref != f"{use.resolution}.{operation.number}":
            yield f"what {operation.kind} wrote of it is not what was done"
        uses = self.uses[use.resolution]
        amounts = [amount for amount in uses.values() if amount is not None]
        if len(uses) > 1 and (resolution.once or resolution.amount is None or len(amounts) < len(uses)):
            yield "it was used twice"
        elif resolution.amount is not None and sum(amounts) > resolution.amount:
            yield "more was done under it than it says"
        yield from self._loan_faults(operation, resolution)
        if any(use.resolution not in memo for _id, _day, memo, _reverses, _lines in operation.entries):
            yield f"an entry of {operation.kind} does not name it"

    def _memo(self, _state: Registers, _log: Log, _operation: Operation, ref: str, version: int, _body: Any) -> None:
        self.sheets[ref] = version

    def _loan_faults(self, operation: Operation, resolution: records.Resolution) -> Iterator[str]:
        """What of a loan that was granted is not what was voted on."""
        rows = {(row[1], row[2]): row[5] for row in operation.rows if row[0] == "record" and row[3] == 1}
        for (kind, ref), loan in rows.items():
            if kind != records.Loan.kind:
                continue
            document = rows.get((records.LoanTerms.kind, ref), {}).get("document", {})
            name = beyond(resolution, loan["product"], document)
            if name is not None:
                yield f"loan {ref} has another {name} than was decided"
            if resolution.once and self.sheets.get(resolution.about, 0) != resolution.sheet:
                yield f"loan {ref} was granted by another term sheet than was voted on"

    @staticmethod
    def _about(
        state: Registers, resolution: records.Resolution, cls: type[Performed], operation: Operation
    ) -> bool:  # fmt: skip
        about = resolution.about
        matters = matters_of(cls, operation.request, resolution.matter)
        funds = {gift["fund"] for name in matters if (gift := state.records.get((records.Gift.kind, name)))}
        return not about or about in matters | funds


def _of(state: Registers, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for (each, ref), body in state.records.items():
        if each == kind:
            yield ref, body
