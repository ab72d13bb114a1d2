"""The bank and the model side by side: every step asked of both, and what differs told with the fewest steps.

Pair(small).play(steps(seed=7, count=500))     # raises Differs
shortest(start, found)                         # the same difference with as few steps as can be found
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime

import tests.model.rules_asking
import tests.model.rules_assets
import tests.model.rules_bank
import tests.model.rules_care
import tests.model.rules_counter
import tests.model.rules_forgetting
import tests.model.rules_funds
import tests.model.rules_given
import tests.model.rules_given_away
import tests.model.rules_life
import tests.model.rules_loans
import tests.model.rules_losses
import tests.model.rules_months
import tests.model.rules_opening
import tests.model.rules_papers
import tests.model.rules_peers
import tests.model.rules_plans
import tests.model.rules_polls
import tests.model.rules_products
import tests.model.rules_refinance
import tests.model.rules_reports
import tests.model.rules_set_off
import tests.model.rules_silent
import tests.model.rules_undoing
import tests.model.rules_votes
import tests.model.rules_workers
import tests.model.rules_year  # noqa: F401  (each fills RULES)
from coopbank.bank.books import Actor
from coopbank.bank.operation import Receipt
from coopbank.errors import CoopbankError, Refused
from tests.model.books import Ask, Model, Verdict
from tests.model.invariants import hold
from tests.model.scenes import begin
from tests.model.walk import Step
from tests.support_bank import NOON, SmallBank

BEGINNING = len(begin())
LOOKED_AT_EVERY = 250  # steps: every leaf and every cache; at the end the books prove themselves too


class Differs(AssertionError):
    """The bank did something else than the model says, or the books do not hold."""

    def __init__(self, at: int, step: Step, ask: Ask, why: str, kind: str) -> None:
        super().__init__(f"step {at}: {told(ask)}\n    {why}")
        self.at, self.step, self.why, self.kind = at, step, why, kind


class Pair:
    """One bank, its model, and what came of each step."""

    def __init__(self, small: SmallBank, every: int = LOOKED_AT_EVERY) -> None:
        self.small, self.every = small, every
        self.model = Model(kind=small.bank.institution.institution_kind)
        self.count = 0
        self.came: Counter[str] = Counter()  # how often an operation was done, and how often refused as what

    def play(self, steps: Iterable[Step]) -> None:
        for step in steps:
            self.step(step)

    def step(self, step: Step) -> Verdict:
        """Ask both; raises `Differs`."""
        self.count += 1
        ask = step.ask(self.model)
        if ask.day is not None:
            self.small.clock.instant = datetime.combine(max(ask.day, self.model.today), NOON)
        before = self.model.number
        verdict = self.model.do(ask)
        why = differences(verdict, asked(self.small, ask))
        whole = self.count % self.every == 0
        why += hold(self.small, self.model, verdict, everything=whole, proven=False)
        if why:
            raise Differs(self.count, step, ask, "; ".join(why), self.model.kind)
        self.came.update(came(self.model, ask, verdict, before))
        return verdict

    def finish(self) -> None:
        """Prove the whole once more."""
        why = hold(self.small, self.model, Verdict("done", 0), everything=True)
        assert not why, "\n".join(why)


def came(model: Model, ask: Ask, verdict: Verdict, before: int) -> list[str]:
    """What came of a request, in words to be counted: "deposit done", "approve overdrawn"."""
    if verdict.status != "done":
        return [f"{ask.operation} {verdict.error or verdict.status}"]
    return [f"{model.log[number].kind} done" for number in range(before + 1, model.number + 1)]


def asked(small: SmallBank, ask: Ask) -> Receipt | CoopbankError:
    """What the bank says to a request."""
    try:
        operation = small.bank.build(ask.operation, ask.values)
        return small.bank.perform(Actor(ask.who, ()), operation, key=ask.key)
    except Refused as refusal:
        return refusal


def differences(verdict: Verdict, real: Receipt | CoopbankError) -> list[str]:
    """In what the bank's answer is not the model's."""
    if isinstance(real, CoopbankError):
        if verdict.status == "refused" and (real.code, real.field) == (verdict.error, verdict.field):
            return []
        return [f"refused as {real.code} ({real.field}: {real}), and should be {_short(verdict)}"]
    if (real.status, real.number) != (verdict.status, verdict.number):
        return [f"{real.status} as operation {real.number}, and should be {_short(verdict)}"]
    if verdict.status == "repeated":
        return []
    entries = [entry for receipt in (real, *real.then) for entry in receipt.entries]
    posted = [Counter((line.fund, line.code, line.amount) for line in entry.lines) for entry in entries]
    expected = [_merged(entry) for entry in verdict.entries]
    faults = (
        [] if verdict.status == "pending" or posted == expected else [f"posted {posted}, and should have {expected}"]
    )
    days = tuple(date.fromisoformat(entry.effective_on) for entry in entries)
    if verdict.status == "done" and days != verdict.days:
        faults.append(f"dated {days}, and should be {verdict.days}")
    made = tuple(ref for receipt in (real, *real.then) for ref in receipt.created)
    if verdict.status == "pending" and real.request != verdict.created[0]:
        faults.append(f"waits as {real.request}, and should as {verdict.created[0]}")
    if verdict.status == "done" and made != verdict.created:
        faults.append(f"gave the numbers {made}, and should have given {verdict.created}")
    return faults


def _merged(entry: Sequence[tuple[str, str, int]]) -> Counter[tuple[str, str, int]]:
    return Counter(entry)


def _short(verdict: Verdict) -> str:
    named = f"refused as {verdict.error} ({verdict.field})" if verdict.error else verdict.status
    return f"{named}, operation {verdict.number}"


def told(ask: Ask) -> str:
    """A request as one would type it."""
    values = " ".join(f"{name}={value!r}" for name, value in ask.values.items())
    on = "" if ask.day is None else f" (the clock at {ask.day})"
    return f"{ask.who}: {ask.operation} {values}{'' if ask.key is None else f' key={ask.key!r}'}{on}"


# ------------------------------------------------------------------------------------------- shorter

Start = Callable[[], AbstractContextManager[Pair]]


MOST_TRIES = 150  # of a shorter list; the last one found is told


def shortest(start: Start, steps: Sequence[Step], found: Differs) -> tuple[list[Step], Differs]:
    """As few of the steps as still end in a difference of the same operation: halves, quarters, then one by one."""
    kept, last = _from_the_end(start, _without_refused(start, list(steps[: found.at]), found), found)
    size, at, shorter = max(1, len(kept) // 2), 0, False
    for _ in range(MOST_TRIES):
        if at >= len(kept):
            if size == 1 and not shorter:
                break
            size, at, shorter = max(1, size // 2), 0, False
        tried = kept[:at] + kept[at + size :]
        again = _same(start, tried, found)
        if again is None:
            at += size
        else:
            kept, last, shorter = tried[: again.at], again, True
    return kept, last


def _same(start: Start, steps: Sequence[Step], found: Differs) -> Differs | None:
    again = _differs(start, steps)
    return again if again is not None and again.step.operation == found.step.operation else None


def _without_refused(start: Start, steps: list[Step], found: Differs) -> list[Step]:
    """Without what the model refuses, which changes nothing."""
    model = Model(kind=found.kind)
    done = [step for step in steps if model.do(step.ask(model)).status != "refused"]
    tried = done if done and done[-1] is steps[-1] else [*done, steps[-1]]
    again = _same(start, tried, found)
    return steps if again is None else tried[: again.at]


def _from_the_end(start: Start, steps: list[Step], found: Differs) -> tuple[list[Step], Differs]:
    """The beginning and the last few steps, if they show the same: a long walk is then not walked again and again."""
    for few in (4, 16, 64):
        if BEGINNING + few < len(steps):
            tried = steps[:BEGINNING] + steps[-few:]
            again = _same(start, tried, found)
            if again is not None:
                return tried[: again.at], again
    return steps, found


def _differs(start: Start, steps: Sequence[Step]) -> Differs | None:
    with start() as pair:
        try:
            pair.play(steps)
        except Differs as differs:
            return differs
    return None


def story(steps: Sequence[Step], kind: str) -> str:
    """The steps in words, as the model understands them, for a failure that somebody has to read."""
    model, lines = Model(kind=kind), list[str]()
    for number, step in enumerate(steps, start=1):
        ask = step.ask(model)
        verdict = model.do(ask)
        lines.append(f"  {number}. {told(ask)}\n       should be {_short(verdict)}")
    return "\n".join(lines)
