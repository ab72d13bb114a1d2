"""Taking back what an operation told of a loan.

The facts that it recorded are void from then on, and the loan is told again without them:
whatever came after keeps its place. A reversal turns the operation's own lines exactly; what
the rest of the story comes to otherwise is one more entry, dated today.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from coopbank.bank import records
from coopbank.bank.books import loads
from coopbank.bank.desk import Desk, Move
from coopbank.bank.lending.accounts import LoanAccount, Outcome, account, tell
from coopbank.bank.lending.flows import Book, cash_of, difference, lines
from coopbank.bank.tender import shared_cash
from coopbank.finance.periods import add_months
from coopbank.ledger import periods

#: Kinds of record that belong to a loan's story.
STORY = frozenset({records.Loan.kind, records.LoanEvent.kind, records.LoanTerms.kind})


@dataclass(frozen=True, slots=True)
class Undone:
    """A loan told again: what it then is, and the lines that bring the books there.

    A loan that the operation itself had made is no loan any more: then there is no outcome.
    """

    account: LoanAccount
    voided: dict[str, records.LoanEvent]
    outcome: Outcome | None
    moved: Book

    @property
    def lines(self) -> list[Move]:
        """Beyond the exact reversal of the operation's own lines."""
        own = lines(self.account.ref, self.account.body.member, self.moved)
        return [*own, *shared_cash(None, cash_of(self.moved))]


def told_by(desk: Desk, number: int) -> dict[str, dict[str, records.LoanEvent]]:
    """The facts that an operation recorded and that still stand, by loan."""
    found: dict[str, dict[str, records.LoanEvent]] = {}
    for ref, loan in desk.tx.rows(
        "SELECT ref, about FROM record WHERE operation_id = ? AND kind = ? AND version = 1 ORDER BY ref",
        number, records.LoanEvent.kind,
    ):  # fmt: skip
        event = desk.find(records.LoanEvent, ref)
        if event is not None:
            found.setdefault(loan, {})[ref] = event
    return found


def later_operations(desk: Desk, loan: str, number: int) -> list[int]:
    """Operations after one that recorded facts of a loan which still stand."""
    return [
        int(each)
        for (each,) in desk.tx.rows(
            "SELECT DISTINCT r.operation_id FROM record r WHERE r.about = ? AND r.kind || '' = ? AND r.version = 1"
            " AND r.operation_id > ? AND NOT EXISTS (SELECT 1 FROM record v WHERE v.kind = r.kind AND v.ref = r.ref"
            " AND v.version > 1) ORDER BY r.operation_id",
            loan, records.LoanEvent.kind, number,
        )
    ]  # fmt: skip


def resting_on(desk: Desk, loan: str, number: int, events: dict[str, records.LoanEvent]) -> list[int]:
    """Later operations that cannot be told without these facts: what was paid back, agreed or reported after them."""
    own = list(events.values())
    if any(event.type in ("advance", "opening") for event in own):
        return later_operations(desk, loan, number)
    found: set[int] = set()
    for later in later_operations(desk, loan, number):
        facts = told_by(desk, later).get(loan, {}).values()
        if any(_rests(fact, event) for fact in facts for event in own):
            found.add(later)
    return sorted(found)


def _rests(fact: records.LoanEvent, event: records.LoanEvent) -> bool:
    """Whether a fact that came later takes an earlier one for granted."""
    if event.type == "terms":
        return fact.type == "terms"  # each version begins with what the one before it says
    if event.type == "charge-off":
        return fact.type == "payment"  # it was a recovery
    if event.type in ("report-filed", "report-accepted") and fact.type in ("report-filed", "report-accepted"):
        same = fact.data["period"] == event.data["period"]
        return same or (event.type == fact.type == "report-accepted" and fact.data["period"] > event.data["period"])
    return False


def take_back(desk: Desk, ref: str, number: int, events: dict[str, records.LoanEvent]) -> Undone:
    """The loan without the facts of an operation. Nothing is written."""
    before, written = _around(desk, ref, number)
    loan = account(desk, ref)
    numbers = {event.number for event in events.values()}
    loan.body = loan.body.model_copy(update={"accrued_to": _closed_to(desk, loan, numbers)})
    if before is not None:  # what the operation said of the loan beside its facts
        said = [name for name in ("modified", "replaced_by") if getattr(written, name) != getattr(before, name)]
        loan.body = loan.body.model_copy(update={
            **{name: getattr(before, name) for name in said},
            "borne": _borne(loan.body.borne, written.borne, before.borne),
        })  # fmt: skip
    held = _without(loan.body.book, written.book, {} if before is None else before.book)
    if before is None:
        return Undone(loan, events, None, difference({}, held))
    outcome = tell(loan, [], without=numbers, book=held)
    return Undone(loan, events, outcome, outcome.moved)


def write_back(desk: Desk, undone: Undone, **changes: Any) -> None:
    """Write the facts as void, and the loan as it is without them."""
    ref, body = undone.account.ref, undone.account.body
    for event_ref, event in undone.voided.items():
        desk.write(event_ref, event.model_copy(update={"void": True}), about=ref)
    if undone.outcome is None:
        terms = desk.get(records.LoanTerms, ref)
        desk.write(ref, terms.model_copy(update={"void": True}), about=ref)
        desk.write(ref, body.model_copy(update={"void": True}), about=body.member)
        return
    desk.write(ref, undone.outcome.after.model_copy(update=changes), about=body.member)


def _around(desk: Desk, ref: str, number: int) -> tuple[records.Loan | None, records.Loan]:
    """The loan before and after an operation."""
    rows = desk.tx.rows(
        "SELECT operation_id, body FROM record WHERE kind = ? AND ref = ? ORDER BY version", records.Loan.kind, ref
    )
    place = max(i for i, (operation, _body) in enumerate(rows) if operation == number)
    first = min(i for i, (operation, _body) in enumerate(rows) if operation == number)
    before = None if first == 0 else records.Loan.model_validate(loads(rows[first - 1][1]))
    return before, records.Loan.model_validate(loads(rows[place][1]))


def _closed_to(desk: Desk, loan: LoanAccount, without: set[int]) -> str | None:
    """Up to where closes and the taking over bring interest, without some facts; facts bring it to their own days.

    A close passes over a loan on which nothing was owed: it may be owed again now.
    """
    lent = [f.on for f in loan.facts if f.type in ("advance", "opening") and f.number not in without]
    if not lent:
        return None
    days = [min(lent)]
    month = desk.tx.value("SELECT max(period) FROM period_state WHERE state = ? AND length(period) = 7", periods.LOCKED)
    if month is not None:
        days.append(add_months(date.fromisoformat(f"{month}-01"), 1))
    text = desk.tx.value(
        "SELECT r.body FROM record r JOIN operation o ON o.id = r.operation_id WHERE r.kind = ? AND r.ref = ?"
        " AND o.kind = 'opening-balance' ORDER BY r.version DESC LIMIT 1",
        records.Loan.kind, loan.ref,
    )  # fmt: skip
    if text is not None and loads(text).get("accrued_to"):
        days.append(date.fromisoformat(loads(text)["accrued_to"]))
    return max(days).isoformat()


def _borne(now: dict[str, int], after: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    """What reserves bear of a loss without an operation, whatever was given back to them since."""
    found = {fund: now.get(fund, 0) - after.get(fund, 0) + before.get(fund, 0) for fund in {**before, **after, **now}}
    return {fund: amount for fund, amount in found.items() if amount}


def _without(now: Book, after: Book, before: Book) -> Book:
    """What the books have posted once an operation's own lines are turned."""
    found: Book = {}
    for fund in {**now, **after, **before}:
        for flow in {**now.get(fund, {}), **after.get(fund, {}), **before.get(fund, {})}:
            amount = now.get(fund, {}).get(flow, 0) - (
                after.get(fund, {}).get(flow, 0) - before.get(fund, {}).get(flow, 0)
            )
            if amount:
                found.setdefault(fund, {})[flow] = amount
    return found
