"""From what did a loan's interest run: stretches of one principal at one rate, told from its facts.

A `Span` is what is rounded once: of a scheduled loan from one payment to the next, of a share of
surplus while the principal stands unchanged. A stretch ends where the principal, the rate
or the schedule changes, and on the days that are asked for, so that the interest of any month
can be told apart.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from itertools import pairwise

from coopbank.bank.lending.accounts import LoanAccount
from coopbank.bank.lending.contract import drawn, surplus_terms
from coopbank.bank.lending.facts import Fact, in_order
from coopbank.bank.lending.reported import ReportedRun
from coopbank.bank.lending.scheduled import ScheduledRun
from coopbank.finance.daycount import DayCount, year_fraction
from coopbank.finance.explanation import Stretch


@dataclass(slots=True)
class Span:
    """Stretches whose interest is rounded as one sum."""

    stretches: list[Stretch] = field(default_factory=list)

    def upto(self, day: date | None = None) -> list[Stretch]:
        """The stretches that end by a day, or all."""
        return [each for each in self.stretches if day is None or each.end <= day]


@dataclass(slots=True)
class Walk:
    """A loan told up to a day: its spans in their order (the last one still runs), and what ran before they begin."""

    spans: list[Span]
    before: int  # interest of old records, minor units
    day_count: DayCount


class WatchedRun(ScheduledRun):
    """A loan with a schedule while its facts are told, noting what interest ran on."""

    def __init__(self, loan: LoanAccount) -> None:
        self.spans = [Span()]
        self.edges: set[date] = set()
        self._noted: list[Stretch] = []
        super().__init__(loan.contracts, loan.body.principal, loan.currency)

    def _exact(self, start: date, end: date) -> Fraction:
        rate, part = self.contract.annual_rate, self._years(start, end)
        self._noted.append(Stretch(self.state.principal, rate, part, start, end))
        return super()._exact(start, end)

    def _run_to(self, until: date) -> None:
        """As the run does, noting each stretch; where parts of months count, from one due date to the next."""
        for day in self._due_between(until):
            self._note_to(day)
            self.state.at = day
        self._note_to(until)

    def _note_to(self, until: date) -> None:
        self._noted = []
        super()._run_to(until)
        self.spans[-1].stretches += self._noted

    def _due_between(self, until: date) -> list[date]:
        s = self.state
        if s.plan is None or self.day_count.startswith("actual/") or not s.runs:
            return []
        found = [day for day in drawn(s.plan, self.currency).due if s.at < day < until]
        self.edges |= set(found)
        return found

    def _close_segment(self) -> None:
        super()._close_segment()
        if self.spans[-1].stretches:
            self.spans.append(Span())

    @property
    def day_count(self) -> DayCount:
        """By which its days count."""
        found: DayCount = self.contract.document.get("day_count", "actual/365")
        return found


def watched(
    loan: LoanAccount, facts: Iterable[Fact], until: date, marks: Sequence[date] = ()
) -> tuple[WatchedRun, Walk]:
    """A scheduled loan told up to a day, and from what its interest ran; stretches end at the marks."""
    run = WatchedRun(loan)
    days = sorted(mark for mark in marks if mark <= until)
    before = 0
    for fact in in_order(facts):
        while days and days[0] <= fact.on:
            run.advance(days.pop(0))
        run.apply(fact)
        if fact.type == "opening":
            before = run.state.closed
    for day in [*days, until]:
        run.advance(day)
    edges = {*marks, *run.edges}
    spans = [Span(joined(span.stretches, edges)) for span in run.spans]
    return run, Walk(spans, before, run.day_count)


def joined(stretches: Sequence[Stretch], marks: Collection[date] = ()) -> list[Stretch]:
    """Stretches that follow each other alike, as one; never across a mark."""
    found: list[Stretch] = []
    for each in stretches:
        last = found[-1] if found else None
        if last is not None and last.end == each.start and each.start not in marks and (
            (last.principal, last.rate) == (each.principal, each.rate)
        ):  # fmt: skip
            found[-1] = Stretch(each.principal, each.rate, last.part + each.part, last.start, each.end)
        else:
            found.append(each)
    return found


def of_surplus(run: ReportedRun, until: date, marks: Sequence[date] = ()) -> Walk:
    """From what the contract interest of a share of surplus ran: a span while the principal stands unchanged."""
    starts = min(each.on for each in run.facts.advances)
    terms = surplus_terms(run.contract.document, starts, run.currency)
    until = min(until, terms.outer_date)
    if run.facts.charged_off_on is not None:
        until = min(until, run.facts.charged_off_on)
    spans: list[Span] = []
    for since, end, principal in _stood(run, starts, until):
        span, before = Span(), Fraction(0)
        for one, other in pairwise([since, *(mark for mark in sorted({*marks}) if since < mark < end), end]):
            part = year_fraction(since, other, terms.day_count, terms.every)  # of all of the span: parts may not add up
            span.stretches.append(Stretch(principal, terms.annual_rate, part - before, one, other))
            before = part
        spans.append(span)
    return Walk(spans, 0, terms.day_count)


def _stood(run: ReportedRun, starts: date, until: date) -> list[tuple[date, date, int]]:
    """From when to when which principal stood unchanged."""
    found: list[tuple[date, date, int]] = []
    days = sorted({fact.on for fact in run.all if starts <= fact.on < until} | {starts, *_history(run, until)})
    for start, end in pairwise([*(day for day in days if day < until), until]):
        principal = run.position(start).principal_left
        if found and found[-1][1:] == (start, principal):
            found[-1] = (found[-1][0], end, principal)
        elif principal:
            found.append((start, end, principal))
    return found


def _history(run: ReportedRun, until: date) -> set[date]:
    """Days of movements that came with a loan of old records."""
    facts = run.facts
    return {each.on for each in [*facts.advances, *facts.payments, *facts.forgiven] if each.on < until} | {
        each.accepted_on for each in facts.reports if each.accepted_on is not None and each.accepted_on < until
    }
