"""Any figure of a loan in a plain sentence that recomputes: a row, a payment, a month's interest, a payoff, a cap.

    with bank.read() as books:
        found = explain(books, "L-010", "row", 3)
        found.sentences     ("Interest of 41.10 = 10,000.00 × 5 % × 30 days / 365.", ...)
        found.amount        4110, minor units: what the first sentence is about

    row N              interest, principal, payment and balance of a row of the schedule in force
    operation N        how a payment was shared and why; a late fee; what a report led to
    accrual YYYY-MM    the interest of a month
    payoff DAY         what closes the loan on that day
    due, late-fee      what is due, what a late payment costs
    cap, ceiling N     of a loan repaid by reports: what interest may be taken, what a report makes due

Sentences are those of `coopbank.finance.explain`, with a few more for what only a bank knows.
Each holds the arithmetic of its amount, and is not made where that does not come to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal

from coopbank.bank import records
from coopbank.bank.books import Books, loads
from coopbank.bank.lending.accounts import LoanAccount, account, account_on
from coopbank.bank.lending.facts import Fact, in_order
from coopbank.bank.lending.reported import ReportedRun
from coopbank.bank.lending.scheduled import ScheduledRun
from coopbank.bank.operations.loan_care import late_rows
from coopbank.errors import Unknown
from coopbank.finance.explain import explain_fund_split, explain_revenue_cost
from coopbank.finance.explanation import Amount, Component, Explanation, Expression, explained, smallest, sum_of
from coopbank.finance.revenue import RevenuePosition
from coopbank.finance.schedule import schedule
from coopbank.finance.surplus import SurplusPosition
from coopbank.finance.terms import LoanTerms
from coopbank.reports.answers import Answers, of_row
from coopbank.reports.loan_lines import Told, changes
from coopbank.reports.sentences import Explained, Named, Sentence, Words
from coopbank.reports.stretches import watched

__all__ = ["QUESTIONS", "Explained", "Named", "Question", "explain", "explain_terms"]

Question = Literal["row", "operation", "accrual", "payoff", "cap", "ceiling", "late-fee", "due"]
QUESTIONS: Final[tuple[Question, ...]] = (
    "row", "operation", "accrual", "payoff", "cap", "ceiling", "late-fee", "due",
)  # fmt: skip


def explain(
    books: Books, ref: str, what: Question, value: int | date | None = None, as_of: date | None = None
) -> Explained:  # fmt: skip
    """Explain a figure of a loan; refuses what the loan does not have.

    `value` is the row, the operation or the period, the day of a payoff, or any day of the
    month. `as_of` is the day whose knowledge is used: the business date if none is given.
    """
    today = books.business_date() or date.max
    day = as_of or today
    asking = value if what == "payoff" and isinstance(value, date) else day
    loan = account_on(books, ref, asking) if what != "operation" else account(books, ref)
    teller = _Operations(books, loan, asking)
    answers: dict[str, Callable[[Any], Iterator[Named]]] = {
        "row": teller.row, "operation": teller.operation, "accrual": teller.accrual, "payoff": teller.payoff,
        "cap": teller.cap, "ceiling": teller.ceiling, "late-fee": teller.late_fee, "due": teller.due,
    }  # fmt: skip
    parts = tuple(answers[what](value))
    said = f"{value:%Y-%m}" if what == "accrual" and isinstance(value, date) else "" if value is None else str(value)
    return Explained(ref, what, said, asking, loan.currency, parts)


def explain_terms(terms: LoanTerms, row: int) -> Explained:
    """A row of the schedule that a loan-terms document draws up."""
    return Explained(None, "row", str(row), None, terms.currency, tuple(of_row(schedule(terms), row, 0)))


class _Operations(Answers):
    """And what an operation did, from what was known when it was done."""

    def operation(self, number: int) -> Iterator[Named]:
        """What an operation did to the loan, reckoned from what was known when it was done."""
        told = self._told_by(number)
        known = _known_by(self.books, self.loan.ref, number)
        shared = changes(self.books, self.loan.ref).get(number, Told())
        found = False
        for fact in told:
            before = [each for each in known if (each.on, each.number) < (fact.on, fact.number)]
            answer = {"payment": self._payment, "fee": self._fee_charged, "report-accepted": self._accepted}.get(
                fact.type
            )
            if answer is not None:
                found = True
                yield from answer(fact, before, shared, number)
        if not found:
            raise Unknown(
                "Operation {number} told nothing of loan {loan} that is reckoned.", field="operation", number=number,
                loan=self.loan.ref, hint="A payment, a late fee and an accepted report can be explained.",
            )  # fmt: skip

    def _told_by(self, number: int) -> list[Fact]:
        rows = self.books.tx.rows(
            "SELECT body FROM record WHERE kind || '' = ? AND about = ? AND version = 1 AND operation_id = ?"
            " ORDER BY ref",
            records.LoanEvent.kind, self.loan.ref, number,
        )  # fmt: skip
        return [Fact.of(records.LoanEvent.model_validate_json(text)) for (text,) in rows]

    def _fee_charged(self, fact: Fact, before: list[Fact], _shared: Told, _number: int) -> Iterator[Named]:
        run, _walk = watched(self.loan, before, fact.on)
        fee, due = run.contract.late_fee, fact.data.get("due")
        late = dict(late_rows(run, fact.on)) if due is not None else {}
        unpaid = late.get(date.fromisoformat(due)) if due is not None else None
        if fee is not None and unpaid is not None:
            yield Named("late fee", self.fee(fee, date.fromisoformat(str(due)), unpaid))
        else:
            yield Named("late fee", self.say("late-fee-flat", fact.data["amount"], due=due or fact.on))

    def _payment(self, fact: Fact, before: list[Fact], shared: Told, number: int) -> Iterator[Named]:
        if self.loan.is_reported:
            parts = {"interest": shared.interest_paid, "principal": shared.principal_paid}
            yield Named("payment", self._split(fact.data["amount"], parts))
            yield from self._reported_share(fact, before, parts)
        else:
            yield from self._scheduled_share(fact, before, shared)
        yield from self._funds(number)

    def _split(self, amount: int, parts: Mapping[str, int]) -> Sentence:
        """`Payment of 540.00 = 73.89 of interest + 466.11 of principal.`"""
        of_cost = self.loan.body.repayment == "revenue"
        phrases = [
            Words("part-cost", {"part": Amount(minor, self.currency)}) if of_cost and name == "interest" else
            Words("part", {"part": Amount(minor, self.currency), "component": Component(name)})
            for name, minor in parts.items()
            if minor
        ]  # fmt: skip
        over = amount - sum(parts.values())
        if over:
            phrases.append(Words("part-kept", {"part": Amount(over, self.currency)}))
        return self.say("payment-split", sum_of(*parts.values(), over), parts=tuple(phrases))

    def _scheduled_share(self, fact: Fact, before: list[Fact], shared: Told) -> Iterator[Named]:
        run, walk = watched(self.loan, before, fact.on)
        s, amount = run.state, fact.data["amount"]
        owed = {"fees": s.fees_owed, "interest": s.interest, "principal": s.principal}
        after = ScheduledRun(self.loan.contracts, self.loan.body.principal, self.currency, s.copy())
        after.apply(fact)
        parts = dict(zip(owed, after.state.last_parts, strict=True))
        yield Named("payment", self._split(amount, parts))
        left = amount
        order = ("principal", "interest", "fees") if s.charged_off else run.contract.order
        for name in order:
            if name == "interest" and parts[name] and parts[name] == owed[name]:
                yield from self.owed_interest(walk, s.interest_paid, s.interest_waived)
            elif name != "principal" and 0 < parts[name] < owed[name]:
                values = {"component": Component(name), "owed": owed[name], "left": left}
                yield Named(name, self.say("part-paid", smallest(owed[name], left), **values))
            left -= parts[name]
        over = amount - sum(parts.values())
        if parts["principal"] and parts["fees"] + parts["interest"] and not s.charged_off:
            yield Named("principal", self._principal(amount - over, parts))
        if over:
            yield Named("over", self.say("over", sum_of(amount, *(-part for part in parts.values()))))
        if moved := shared.interest_paid - parts["interest"]:
            kind = "anew" if moved > 0 else "anew-less"
            yield Named("payments after it", self.say(kind, moved, less=-moved))

    def _principal(self, payment: int, parts: Mapping[str, int]) -> Explanation:
        others = parts.get("fees", 0) + parts["interest"]
        if parts.get("fees"):
            return self.say("principal", sum_of(payment, -others), payment=payment, others=others)
        values = {"payment": Amount(payment, self.currency), "interest": Amount(parts["interest"], self.currency)}
        return explained("principal", sum_of(payment, -others), self.currency, **values)

    def _reported_share(self, fact: Fact, before: list[Fact], parts: Mapping[str, int]) -> Iterator[Named]:
        run = self.loan.told(before)
        assert isinstance(run, ReportedRun)
        if run.facts.charged_off_on is not None:
            return
        at = run.position(fact.on)
        if isinstance(at, RevenuePosition):
            yield from self._cost_share(at, parts["interest"], fact.data["amount"])
        elif parts["interest"] == at.collectable and parts["interest"]:
            yield from self.reported_interest(run, parts["interest"], fact.on)
        if parts["principal"] and parts["interest"]:
            payment, cost = parts["principal"] + parts["interest"], parts["interest"]
            if isinstance(at, RevenuePosition):
                whole = sum_of(payment, -cost)
                yield Named("principal", self.say("principal-cost", whole, payment=payment, cost=cost))
            else:
                yield Named("principal", self._principal(payment, parts))

    def _cost_share(self, at: RevenuePosition, cost: int, amount: int) -> Iterator[Named]:
        """The cost is its part in the whole, as a difference of rounded cumulative totals."""
        found = explain_revenue_cost(
            amount, at.paid - at.unapplied, at.lent, at.cost, forgiven=at.forgiven, currency=self.currency
        )
        if found.amount == cost:
            yield Named("cost", found)

    def _funds(self, number: int) -> Iterator[Named]:
        """What each fund and peer got of a payment, as the books have it: by shares of the cumulative amounts."""
        shares = self.loan.body.shares
        got = _paid_by_owner(self.books, self.loan, number) if len(shares) > 1 else {}
        for name in sorted(got, key=lambda each: (-shares.get(each, 0), each)):
            parts = {part: expression for part, expression in got[name].items() if expression.value}
            phrases = tuple(
                Words("part", {"part": Amount(int(each.value), self.currency), "component": Component(part)})
                for part, each in parts.items()
            )
            percent = Decimal(shares.get(name, 0) * 100) / sum(shares.values())
            fund = name.partition("@")[2] or name
            said = self.say("fund", sum_of(*parts.values()), fund=fund, parts=phrases, percent=percent)
            yield Named(f"fund {fund}", said)

    def _accepted(self, fact: Fact, before: list[Fact], _shared: Told, number: int) -> Iterator[Named]:
        """What an accepted report made due, and what of the interest became income."""
        run = self.loan.told([*before, fact])
        assert isinstance(run, ReportedRun)
        at = run.position(fact.on)
        row = next(each for each in at.periods if each.number == fact.data["period"])
        yield Named("ceiling", self.ceiling_of(row))
        if isinstance(at, SurplusPosition):
            yield Named("cap", self.cap_of(at))
            yield from self.waived_of(at)
            now, earlier = _income(self.books, self.loan.ref, number)
            if now > earlier:
                yield Named("income", self.say("recognised", sum_of(now, -earlier), now=now, before=earlier))
            elif now == earlier:
                yield Named("income", self.say("recognised-none", 0, before=earlier))
            else:
                yield Named(
                    "income",
                    self.say("waived-report", sum_of(now, -earlier), now=now, before=earlier, less=earlier - now),
                )


# ---------------------------------------------------------------------------------- from the books


def _known_by(books: Books, ref: str, number: int) -> list[Fact]:
    """The facts of a loan as an operation left them."""
    rows = books.tx.rows(
        "SELECT r.body FROM record r WHERE r.kind || '' = ? AND r.about = ? AND r.operation_id <= ? AND r.version ="
        " (SELECT max(l.version) FROM record l WHERE l.kind = r.kind AND l.ref = r.ref AND l.operation_id <= ?)",
        records.LoanEvent.kind, ref, number, number,
    )  # fmt: skip
    bodies = (records.LoanEvent.model_validate_json(text) for (text,) in rows)
    return in_order(Fact.of(body) for body in bodies if not body.void)


def _books_around(books: Books, ref: str, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was posted of a loan by fund and flow, before and after an operation."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for operation, text in books.tx.rows(
        "SELECT operation_id, body FROM record WHERE kind = ? AND ref = ? AND operation_id <= ? ORDER BY version",
        records.Loan.kind, ref, number,
    ):  # fmt: skip
        book = loads(text).get("book", {})
        before, after = (book, book) if operation < number else (before, book)
    return before, after


#: The flows by which money repays a part of a loan.
_PAYING: Final = {"fees_paid": "fees", "interest_paid": "interest", "interest_cash": "interest",
                  "principal_paid": "principal", "recovered": "principal"}  # fmt: skip


def _paid_by_owner(books: Books, loan: LoanAccount, number: int) -> dict[str, dict[str, Expression]]:
    """What each fund or peer got of what an operation took in, by component; each part as it was split."""
    before, after = _books_around(books, loan.ref, number)
    shares = loan.body.shares
    found: dict[str, dict[str, Expression]] = {}
    for flow, component in _PAYING.items():
        owners = {name: share for name, share in shares.items() if flow != "fees_paid" or "@" not in name}
        had = [before.get(name, {}).get(flow, 0) for name in owners]
        moved = [after.get(name, {}).get(flow, 0) - old for name, old in zip(owners, had, strict=True)]
        if not any(moved):
            continue
        split = explain_fund_split(sum(moved), had, list(owners.values()), funds=list(owners))
        for name, amount, told in zip(owners, moved, split, strict=True):
            part = told.expression if told.amount == amount else sum_of(amount)
            held = found.setdefault(name, {}).setdefault(component, sum_of())
            found[name][component] = sum_of(held, part)
    return found


def _income(books: Books, ref: str, number: int) -> tuple[int, int]:
    """Income recognised of a loan, waived taken off: after an operation and before it."""
    found = []
    for book in reversed(_books_around(books, ref, number)):
        ours = [flows for name, flows in book.items() if "@" not in name]  # a peer's interest is not ours
        found.append(sum(flows.get("earned", 0) - flows.get("waived", 0) for flows in ours))
    return found[0], found[1]
