"""A loan seen whole: its schedule, what is due, what it takes to pay it off; and its state told again from the log.

What is *due* on a day is what the schedule asks for up to that day less all that was paid,
never more than is owed; on and after the last due date it is everything owed. A payment
counts to the oldest row first. So whoever has paid what was billed is not late, even if a
late day cost a few cents more interest than planned: those cents are asked for with the
last row. Whoever paid more is ahead.

`replay` tells a loan's state from the sealed requests alone, without looking at what the
books keep of it, so that `verify` can hold the two together: what the contract says is
owed must be 701 + 781.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

from coopbank.bank import records
from coopbank.bank.accrual import Parts, accrue, accrue_through, interest_to, owed, pay
from coopbank.bank.books import Books, loads
from coopbank.errors import InvalidAmount, InvalidTerms, InvalidValue, Unknown
from coopbank.finance.schedule import Row, Schedule, schedule
from coopbank.finance.terms import LoanTerms
from coopbank.money import format_amount, parse_amount

# -------------------------------------------------------------------------------- schedule

#: What the terms call a thing, and what an operation's form calls it.
_FIELDS = {"disbursements": "principal", "currency": "principal", "document": "installments"}


def drawn(loan: records.Loan, currency: str, start: date | None = None) -> Schedule:
    """The loan's schedule. Before the money is out, as if it went out on `start`.

    Refuses bad terms by the name of the form's field.
    """
    begins = loan.disbursed_on or (start.isoformat() if start else loan.granted_on)
    every = tuple(sorted(loan.every.items()))
    return _drawn(
        begins, loan.principal, loan.annual_rate, loan.installments, every, loan.first_due, loan.day_count,
        loan.method, currency,
    )  # fmt: skip


@lru_cache(maxsize=2048)
def _drawn(
    begins: str, principal: int, annual_rate: str, installments: int, every: tuple[tuple[str, int], ...],
    first_due: str | None, day_count: str, method: str, currency: str,
) -> Schedule:  # fmt: skip
    document = {
        "disbursements": [{"date": begins, "amount": format_amount(principal, currency)}],
        "annual_rate": annual_rate, "installments": installments, "every": dict(every), "first_due": first_due,
        "day_count": day_count, "method": method, "currency": currency,
    }  # fmt: skip
    try:
        return schedule(LoanTerms.read(document))
    except InvalidTerms as refusal:
        name = (refusal.field or "").partition(".")[0]
        raise InvalidValue(
            refusal.template, field=_FIELDS.get(name, name) or None, hint=refusal.hint_template, **refusal.values
        ) from refusal


# --------------------------------------------------------------------------------- movements


@dataclass(frozen=True, slots=True)
class Repayment:
    """What a payment does to a loan, in minor units."""

    after: records.Loan
    recognised: int  # interest to post up to the day it counts from; negative gives back
    parts: Parts
    unapplied: int  # what is left over


def repay(loan: records.Loan, currency: str, amount: int, on: date, *, keep_excess: bool = False) -> Repayment:
    """The loan after a payment that counts from a day: interest to that day first, then principal.

    With `keep_excess`, what is more than due is left over; else it repays principal, and
    more than is owed is refused.
    """
    current, recognised = accrue(loan, on)
    applied = min(amount, due_on(loan, currency, on).total) if keep_excess else amount
    if applied > owed(current):
        raise InvalidAmount(
            "Only {owed} is owed on {day}.", field="amount", owed=format_amount(owed(current), currency, grouping=True),
            day=on, hint="Take that much, or keep the excess as unapplied money.",
        )  # fmt: skip
    if not applied:
        return Repayment(loan, 0, Parts(0, 0), amount)
    after, parts = pay(current, applied, on)
    state = "active" if owed(after) else "paid"
    after = after.model_copy(update={"state": state, "last_paid_on": on.isoformat()})
    return Repayment(after, recognised, parts, amount - applied)


def paid_out(loan: records.Loan, on: date) -> records.Loan:
    """The loan once its principal is with the borrower: interest runs from that day."""
    return loan.model_copy(
        update={
            "state": "active", "disbursed_on": on.isoformat(), "owed_principal": loan.principal,
            "segment_start": on.isoformat(),
        }
    )  # fmt: skip


# ---------------------------------------------------------------------------------- position


@dataclass(frozen=True, slots=True)
class Due:
    """What is due and unpaid, in minor units, and since when."""

    interest: int
    principal: int
    since: date | None  # the oldest due date that is not fully paid

    @property
    def total(self) -> int:
        """Interest and principal."""
        return self.interest + self.principal


@dataclass(frozen=True, slots=True)
class PositionRow:
    """A row of the schedule and what became of it; amounts in minor units."""

    n: int
    due: date
    principal: int
    interest: int
    payment: int
    balance: int
    paid: int
    state: str  # paid, late, due (today), open


@dataclass(frozen=True, slots=True)
class Position:
    """A loan as it stands on a day; amounts in minor units."""

    ref: str
    as_of: date
    loan: records.Loan
    payment: int  # the level payment
    rows: tuple[PositionRow, ...]
    running: int  # interest to `as_of` that the books have not recognised yet; negative if they are ahead
    due: Due
    days_late: int
    next_due: date | None
    next_amount: int

    @property
    def state(self) -> str:
        """granted, active, paid or charged-off."""
        return self.loan.state

    @property
    def owed_principal(self) -> int:
        """Principal not yet repaid."""
        return self.loan.owed_principal

    @property
    def interest_to_date(self) -> int:
        """Interest unpaid up to `as_of`, recognised or not."""
        return self.loan.accrued + self.running

    @property
    def payoff(self) -> int:
        """What closes the loan on `as_of`."""
        return self.owed_principal + self.interest_to_date

    @property
    def due_now(self) -> int:
        """Due and unpaid on `as_of`."""
        return self.due.total

    @property
    def due_since(self) -> date | None:
        """The oldest due date that is not fully paid."""
        return self.due.since

    @property
    def paid(self) -> int:
        """All that was paid, principal and interest."""
        return self.loan.paid_principal + self.loan.paid_interest

    @property
    def last_due(self) -> date:
        """When the last row is due."""
        return self.rows[-1].due


def loan_position(books: Books, ref: str, as_of: date) -> Position:
    """The loan as the books had it at the end of that day; a day to come shows what will be if nothing is paid."""
    return position(ref, loan_on(books, ref, as_of), as_of, books.institution().currency)


def loan_on(books: Books, ref: str, as_of: date) -> records.Loan:
    """The loan as what was posted up to a day left it; refuses one that did not stand then."""
    text = books.tx.value(
        "SELECT r.body FROM record r JOIN operation o ON o.id = r.operation_id"
        " WHERE r.kind = ? AND r.ref = ? AND o.business_date <= ? ORDER BY r.version DESC LIMIT 1",
        records.Loan.kind, ref, as_of.isoformat(),
    )  # fmt: skip
    found = None if text is None else records.Loan.model_validate_json(text)
    if found is not None and not found.void:
        return found
    books.get(records.Loan, ref, "loan")
    raise Unknown("There was no loan {ref} on {day}.", field="as_of", ref=ref, day=as_of)


def position(ref: str, loan: records.Loan, as_of: date, currency: str) -> Position:
    """The position of a loan that is already read."""
    plan = drawn(loan, currency, as_of if loan.first_due is None else None)
    due = due_on(loan, currency, as_of)
    rows = _rows(loan, plan.rows, as_of)
    day, amount = _next(loan, rows, as_of, due.total)
    late = due.since if due.total else None
    return Position(
        ref=ref, as_of=as_of, loan=loan, payment=plan.rows[0].payment, rows=rows, running=_running(loan, as_of),
        due=due, days_late=max(0, (as_of - late).days) if late else 0, next_due=day, next_amount=amount,
    )  # fmt: skip


def due_on(loan: records.Loan, currency: str, day: date) -> Due:
    """What is due and unpaid at the end of a day."""
    if loan.state != "active":
        return Due(0, 0, None)
    rows = drawn(loan, currency).rows
    paid = loan.paid_principal + loan.paid_interest
    interest = loan.accrued + _running(loan, day)
    asked = sum(row.payment for row in rows if row.due <= day)
    everything = loan.owed_principal + interest
    total = everything if day >= rows[-1].due else min(everything, max(0, asked - paid))
    if not total:
        return Due(0, 0, None)
    part = min(total, interest)
    return Due(part, total - part, _oldest_unpaid(rows, paid))


def _running(loan: records.Loan, day: date) -> int:
    return interest_to(loan, day) - loan.segment_accrued


def _oldest_unpaid(rows: Iterable[Row], paid: int) -> date:
    last = date.min
    for row in rows:
        paid, last = paid - row.payment, row.due
        if paid < 0:
            break
    return last


def _rows(loan: records.Loan, rows: tuple[Row, ...], as_of: date) -> tuple[PositionRow, ...]:
    left = loan.paid_principal + loan.paid_interest
    found = []
    for row in rows:
        paid = min(left, row.payment)
        left -= paid
        if loan.state == "paid" or (paid == row.payment and row.n < len(rows)):
            state = "paid"  # the last row asks for whatever is still owed
        elif loan.state == "granted" or row.due > as_of:
            state = "open"
        else:
            state = "due" if row.due == as_of else "late"
        found.append(PositionRow(row.n, row.due, row.principal, row.interest, row.payment, row.balance, paid, state))
    return tuple(found)


def _next(
    loan: records.Loan, rows: tuple[PositionRow, ...], as_of: date, due_now: int
) -> tuple[date | None, int]:  # fmt: skip
    """The next row that will ask for money, and how much if what is due now is paid."""
    if loan.state == "granted":
        return rows[0].due, rows[0].payment
    if loan.state != "active":
        return None, 0
    for row in rows:
        if row.due <= as_of or row.state == "paid":
            continue
        most = max(0, loan.owed_principal + loan.accrued + _running(loan, row.due) - due_now)
        return row.due, most if row.n == len(rows) else min(row.payment - row.paid, most)
    return None, 0


# ------------------------------------------------------------------------------------ replay


@dataclass(frozen=True, slots=True)
class LoanEvent:
    """An operation that wrote a version of a loan: what was sealed of it."""

    number: int
    kind: str
    business_date: str
    actor: str
    approver: str | None
    request: dict[str, Any]
    body: dict[str, Any] = field(default_factory=dict)  # the version that it wrote


def replay(events: Iterable[LoanEvent], currency: str) -> records.Loan | None:
    """A loan's state, told from the requests of its operations in their order; None once its making was reversed.

    The bodies that were written are looked at only for kinds of operation that are not
    known here (a loan taken over from old records begins with one).
    """
    past: list[records.Loan] = []
    for event in events:
        if event.kind == "reverse":
            del past[-1:]
        else:
            past.append(_replayed(past[-1] if past else None, event, currency))
    return past[-1] if past else None


def _replayed(loan: records.Loan | None, event: LoanEvent, currency: str) -> records.Loan:
    asked = event.request
    today = date.fromisoformat(event.business_date)
    if event.kind == "grant-loan":
        return _granted(event, currency)
    if loan is None:
        return records.Loan.model_validate(event.body)
    if event.kind == "disburse-loan":
        return paid_out(loan, today)
    if event.kind == "close-month":
        year, month = map(int, str(asked["month"]).split("-"))
        return accrue_through(loan, date(year, month, calendar.monthrange(year, month)[1]))[0]
    if event.kind in ("repay-loan", "apply-unapplied"):
        amount = parse_amount(str(asked["amount"]), currency)
        on = date.fromisoformat(asked["value_date"]) if "value_date" in asked else today
        return repay(loan, currency, amount, on, keep_excess=asked.get("excess") == "unapplied").after
    return records.Loan.model_validate(event.body)


def _granted(event: LoanEvent, currency: str) -> records.Loan:
    asked = event.request
    taken = ("member", "fund", "annual_rate", "installments", "every", "first_due", "day_count", "purpose")
    terms = {name: asked[name] for name in taken if name in asked}
    return records.Loan(
        principal=parse_amount(str(asked["principal"]), currency), granted_on=event.business_date,
        granted_by=event.actor, approved_by=event.approver, **terms,
    )  # fmt: skip


def loan_events(books: Books, ref: str | None = None) -> dict[str, list[LoanEvent]]:
    """The operations that wrote each loan (or one of them), in their order, from the sealed texts."""
    wrote = books.tx.rows(
        "SELECT r.ref, r.operation_id, r.body FROM record r WHERE r.kind = ?"
        + ("" if ref is None else " AND r.ref = ?")
        + " ORDER BY r.operation_id, r.line",
        *([records.Loan.kind] if ref is None else [records.Loan.kind, ref]),
    )
    requests: dict[int, Any] = {}
    numbers = sorted({number for _ref, number, _body in wrote})
    for start in range(0, len(numbers), 500):
        part = numbers[start : start + 500]
        marks = ", ".join("?" * len(part))
        for number, text in books.tx.stream(f"SELECT id, sealed FROM operation WHERE id IN ({marks})", *part):
            requests[number] = loads(text)[4:11]  # the places are told in ledger/chain.py
    found: dict[str, list[LoanEvent]] = {}
    for name, number, body in wrote:
        day, actor, approver, kind, _version, _key, request = requests[number]
        event = LoanEvent(number, kind, day, actor, approver, request, loads(body))
        found.setdefault(name, []).append(event)
    return found
