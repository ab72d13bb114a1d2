"""Loans read from the books, told further, and written back with what the books must post.

`LoanAccount` is one loan with its terms and facts, which are read when first asked for: what
follows from the last fact alone needs neither. `tell` lays out what new facts lead to; the
operations post it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from coopbank.bank import records
from coopbank.bank.books import Books, loads
from coopbank.bank.desk import Desk, Move
from coopbank.bank.lending.contract import LINE, REPORTED, SURPLUS, Contract
from coopbank.bank.lending.facts import Fact, event_ref, in_order
from coopbank.bank.lending.flows import Book, by_fund, cash_of, difference, lines
from coopbank.bank.lending.reported import ReportedRun
from coopbank.bank.lending.scheduled import ScheduledRun, State
from coopbank.bank.lending.standing import Parts, Standing
from coopbank.errors import Unknown

Run = ScheduledRun | ReportedRun


class LoanAccount:
    """A loan as the books hold it, or held it on a day (`known_by`: what was posted up to then)."""

    def __init__(self, books: Books, ref: str, body: records.Loan, currency: str, known_by: date | None = None) -> None:
        self.books, self.ref, self.body, self.currency, self.known_by = books, ref, body, currency, known_by
        self.in_force: dict[int, Contract] | None = None  # the terms in force alone, read for many loans at once

    @cached_property
    def contracts(self) -> dict[int, Contract]:
        """Every version of its terms, as known then."""
        return terms_of(self.books, self.ref, self.known_by)

    @cached_property
    def facts(self) -> list[Fact]:
        """What happened to it, in the order of value dates."""
        return facts_of(self.books, [self.ref], self.known_by).get(self.ref, [])

    @property
    def is_reported(self) -> bool:
        """Whether it is repaid out of surplus or revenue."""
        return self.body.repayment in REPORTED

    def run(self) -> Run:
        """The loan as its last fact left it, ready to be told further."""
        if self.is_reported:
            return ReportedRun(self.in_force or self.contracts, self.body.principal, self.currency, self.facts)
        state = State.of(self.body.told) if self.body.told else None
        return ScheduledRun(self.in_force or self.contracts, self.body.principal, self.currency, state)

    def told(self, facts: Iterable[Fact]) -> Run:
        """The loan told from these facts alone."""
        if self.is_reported:
            return ReportedRun(self.contracts, self.body.principal, self.currency, facts)
        return ScheduledRun(self.contracts, self.body.principal, self.currency).tell(facts)

    def standing(self, day: date) -> Standing:
        """How it stood at the end of a day; a day to come shows what will be if nothing happens."""
        run = self.run()
        if (isinstance(run, ScheduledRun) and day < run.state.at) or isinstance(run, ReportedRun):
            run = self.told(fact for fact in self.facts if fact.on <= day)
        return run.standing(day)


def drawn_on(loan: LoanAccount) -> str:
    """The leaf of a line of credit on which holds stand."""
    return f"{loan.body.fund} 701/{loan.ref}"


def held_on_line(loan: LoanAccount, on: date) -> int:
    """What of a line of credit was repaid by cheques that may still come back: it is not drawn again before."""
    fund, code = drawn_on(loan).split(" ")
    return loan.books.holds(fund, code, on) if loan.body.repayment == LINE else 0


def account(books: Books, ref: str, field: str = "loan") -> LoanAccount:
    """A loan as it is now; refuses a number that there is not."""
    currency = books.currency if isinstance(books, Desk) else books.institution().currency
    return LoanAccount(books, ref, books.get(records.Loan, ref, field), currency)


def account_on(books: Books, ref: str, day: date) -> LoanAccount:
    """A loan as what was posted up to a day left it; refuses one that did not stand then."""
    text = books.tx.value(
        "SELECT r.body FROM record r JOIN operation o ON o.id = r.operation_id"
        " WHERE r.kind = ? AND r.ref = ? AND o.business_date <= ? ORDER BY r.version DESC LIMIT 1",
        records.Loan.kind, ref, day.isoformat(),
    )  # fmt: skip
    found = None if text is None else records.Loan.model_validate_json(text)
    if found is not None and not found.void:
        return LoanAccount(books, ref, found, books.institution().currency, known_by=day)
    books.get(records.Loan, ref, "loan")
    raise Unknown("There was no loan {ref} on {day}.", field="as_of", ref=ref, day=day)


def terms_of(books: Books, ref: str, known_by: date | None = None) -> dict[int, Contract]:
    """Every version of a loan's terms, but for those whose agreement was taken back; as known on a day (or now)."""
    day = (known_by or date.max).isoformat()
    rows = books.tx.rows(
        "SELECT t.version, t.body FROM record t JOIN operation o ON o.id = t.operation_id"
        " WHERE t.kind = ? AND t.ref = ? AND o.business_date <= ? AND t.operation_id NOT IN"
        " (SELECT e.operation_id FROM record e JOIN record v ON v.kind = e.kind AND v.ref = e.ref AND v.version > 1"
        " JOIN operation u ON u.id = v.operation_id AND u.business_date <= ?"
        " WHERE e.about = ? AND e.kind || '' = ? AND e.version = 1) ORDER BY t.version",
        records.LoanTerms.kind, ref, day, day, ref, records.LoanEvent.kind,
    )  # fmt: skip
    found: dict[int, Contract] = {}
    for version, text in rows:
        body = records.LoanTerms.model_validate_json(text)
        if body.void:
            found.clear()  # the loan was taken back: what follows is another one of that number
        else:
            found[version] = Contract.of(version, body)
    return found


def facts_of(books: Books, refs: Sequence[str], known_by: date | None = None) -> dict[str, list[Fact]]:
    """The facts of some loans, in the order of their value dates, as known at the end of a day (or now)."""
    found: dict[str, dict[str, Fact]] = {ref: {} for ref in refs}
    for start in range(0, len(refs), 500):
        part = refs[start : start + 500]
        marks = ", ".join("?" * len(part))
        limit, values = "", [records.LoanEvent.kind, *part]
        if known_by is not None:
            limit, values = " AND o.business_date <= ?", [*values, known_by.isoformat()]
        for about, ref, text in books.tx.stream(
            "SELECT r.about, r.ref, r.body FROM record r JOIN operation o ON o.id = r.operation_id"
            # Joined to nothing, the kind is no reason to read through the events of every loan there is.
            f" WHERE r.kind || '' = ? AND r.about IN ({marks}){limit} ORDER BY r.about, r.ref, r.version",
            *values,
        ):
            body = loads(text)
            if body.get("void"):
                found[about].pop(ref, None)
            else:
                found[about][ref] = Fact(body["number"], body["type"], date.fromisoformat(body["on"]),
                                         body.get("data", {}))  # fmt: skip
    return {ref: in_order(facts.values()) for ref, facts in found.items()}


# ------------------------------------------------------------------------------------ telling


@dataclass(frozen=True)
class Outcome:
    """What new facts lead to: the loan after them, and what the books must post."""

    account: LoanAccount
    after: records.Loan
    facts: tuple[Fact, ...]
    moved: Book
    standing: Standing
    own: Parts | None = None  # of a payment that took its place before later facts: its own split

    @cached_property
    def before(self) -> Standing:
        """How the loan would stand on the same day without them; a close, which tells all loans, never asks."""
        return self.account.standing(self.standing.on)

    @property
    def cash(self) -> dict[str, int]:
        """What each fund gets (+) or pays (-)."""
        return cash_of(self.moved)

    @property
    def lines(self) -> list[Move]:
        """The lines, without those of cash."""
        return lines(self.account.ref, self.after.member, self.moved)

    @property
    def parts(self) -> Parts:
        """What was paid by the contract, as the difference of what had been paid before."""
        return Parts(
            self.standing.fees_paid - self.before.fees_paid,
            self.standing.interest_paid - self.before.interest_paid,
            self.standing.principal_paid - self.before.principal_paid,
        )


def tell(
    loan: LoanAccount, new: Sequence[tuple[str, date, dict[str, Any]]], *, contract: Contract | None = None,
    without: Iterable[int] = (), book: Book | None = None, accrued_to: date | None = None,
) -> Outcome:  # fmt: skip
    """What new facts (type, value date, data) lead to. Nothing is written.

    `contract` is a version of the terms that comes with them; `without` are numbers of facts
    that are taken back. `book` is what the books have posted, if it is not what the loan
    says; `accrued_to` brings interest to that day.
    """
    if contract is not None:
        loan.contracts[contract.version] = contract
    body, left_out = loan.body, set(without)
    facts = tuple(Fact(body.events + i, type_, on, data) for i, (type_, on, data) in enumerate(new, start=1))
    told = _without_terms(loan, left_out) if left_out else loan
    run = _told_further(told, facts, left_out)
    last = run.state.at if isinstance(run, ScheduledRun) else run.last
    to = _accrued_to(loan, run, last, accrued_to)
    through = max(to, last)
    stands: Standing | None = None
    if isinstance(run, ScheduledRun):
        stands = run.standing(through)
        flows = stands.flows
    else:
        flows = run.flows(through, to)
    held = body.book if book is None else book
    target = settled(body, by_fund(flows, body.shares, body.servicing), held)
    day = max(last, to, date.fromisoformat(body.accrued_to) if body.accrued_to else to)
    standing = stands if stands is not None and day == through else run.standing(day)
    disbursed = _disbursed_on(loan, facts, left_out)
    after = body.model_copy(update={
        "state": _state(body, run, standing), "events": body.events + len(facts), "book": target,
        "accrued_to": None if to == date.min else to.isoformat(),
        "told": run.state.as_document() if isinstance(run, ScheduledRun) else {},
        "disbursed_on": disbursed, **_terms_in_force(told, new_terms=contract is not None or bool(left_out)),
    })  # fmt: skip
    moved = difference(target, held)
    ordered = {fund: moved[fund] for fund in sorted(moved, key=lambda fund: list(body.shares).index(fund)
               if fund in body.shares else len(body.shares))}  # fmt: skip
    return Outcome(loan, after, facts, ordered, standing, _own_parts(loan, facts, run))


def _disbursed_on(loan: LoanAccount, new: Sequence[Fact], left_out: set[int]) -> str | None:
    """The day of the first money; none if all that was paid out is taken back."""
    days = [fact.on for fact in new if fact.type in ("advance", "opening")]
    if loan.body.disbursed_on is None:
        return min(days).isoformat() if days else None
    if left_out and not any(f.type in ("advance", "opening") and f.number not in left_out for f in loan.facts):
        return None
    return loan.body.disbursed_on


def _without_terms(loan: LoanAccount, left_out: set[int]) -> LoanAccount:
    """The loan without the versions of its terms that these facts agreed to."""
    gone = {fact.data["version"] for fact in loan.facts if fact.number in left_out and fact.type == "terms"}
    if not gone:
        return loan
    found = LoanAccount(loan.books, loan.ref, loan.body, loan.currency, loan.known_by)
    found.__dict__["contracts"] = {version: each for version, each in loan.contracts.items() if version not in gone}
    found.__dict__["facts"] = loan.facts
    return found


def _own_parts(loan: LoanAccount, facts: Sequence[Fact], run: Run) -> Parts | None:
    """How a payment that was typed late was shared on its own day."""
    if len(facts) != 1 or facts[0].type != "payment" or isinstance(run, ReportedRun) or facts[0].on >= run.state.at:
        return None
    then = loan.told([*(fact for fact in loan.facts if fact.on <= facts[0].on), facts[0]])
    return Parts(*then.state.last_parts) if isinstance(then, ScheduledRun) else None


def _terms_in_force(loan: LoanAccount, *, new_terms: bool) -> dict[str, Any]:
    if not new_terms:
        return {}
    latest = max(loan.contracts)
    return {"terms": latest, "annual_rate": str(loan.contracts[latest].annual_rate)}


def _told_further(loan: LoanAccount, new: Sequence[Fact], left_out: set[int]) -> Run:
    """From the last fact on if the new ones come after it; else everything anew."""
    if not loan.is_reported and not left_out:
        run = loan.run()
        assert isinstance(run, ScheduledRun)
        if all(fact.on >= run.state.at for fact in new):
            return run.tell(new)
    return loan.told([*(fact for fact in loan.facts if fact.number not in left_out), *new])


def _accrued_to(loan: LoanAccount, run: Run, last: date, asked: date | None) -> date:
    """Up to where interest is brought: to the last fact at least, never back."""
    before = date.fromisoformat(loan.body.accrued_to) if loan.body.accrued_to else None
    if asked is not None:
        before = asked if before is None else max(before, asked)
    if isinstance(run, ReportedRun):
        return run.accrued_to(before) or date.min
    return last if before is None else max(before, last)


def settled(body: records.Loan, target: Book, held: Book) -> Book:
    """Of a share of surplus, income that the cap takes back is waived and not unearned."""
    if body.repayment != SURPLUS:
        return target
    for fund in {**target, **held}:
        flows = target.setdefault(fund, {})
        earned, waived = held.get(fund, {}).get("earned", 0), held.get(fund, {}).get("waived", 0)
        moved = flows.get("earned", 0) - (earned - waived)
        flows |= {"earned": earned + max(0, moved), "waived": waived + max(0, -moved)}
        target[fund] = {flow: amount for flow, amount in flows.items() if amount}
    return {fund: flows for fund, flows in target.items() if flows}


def _state(body: records.Loan, run: Run, standing: Standing) -> str:
    if standing.charged_off:
        return "charged-off"
    if not standing.lent:
        return "granted" if standing.committed else "cancelled"
    return "active" if standing.owed or standing.committed else "paid"


def write(desk: Desk, outcome: Outcome, **changes: Any) -> records.Loan:
    """Write the facts and the loan as it is after them."""
    ref, after = outcome.account.ref, outcome.after
    for fact in outcome.facts:
        desk.write(event_ref(ref, fact.number), fact.event(), about=ref)
    if changes:
        after = after.model_copy(update=changes)
    if after != outcome.account.body:
        desk.write(ref, after, about=after.member)
    return after


def latest_terms(books: Books, refs: Mapping[str, int]) -> dict[str, dict[int, Contract]]:
    """The version in force of many loans' terms, with one question for every five hundred."""
    found: dict[str, dict[int, Contract]] = {}
    names = list(refs)
    for start in range(0, len(names), 500):
        part = names[start : start + 500]
        marks = ", ".join("?" * len(part))
        for ref, version, text in books.tx.stream(
            f"SELECT ref, version, body FROM record WHERE kind = ? AND ref IN ({marks}) ORDER BY ref, version",
            records.LoanTerms.kind, *part,
        ):  # fmt: skip
            body = loads(text)
            if version == refs[ref] and not body.get("void"):
                found[ref] = {version: _contract(version, body)}
    return found


def _contract(version: int, body: Mapping[str, Any]) -> Contract:
    return Contract(
        version, body["repayment"], body["document"], tuple(body.get("order", ("fees", "interest", "principal"))),
        body.get("early", "next"), body.get("late_fee"),
    )  # fmt: skip
