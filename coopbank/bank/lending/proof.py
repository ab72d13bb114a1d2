"""What a loan's record says, held against its story: for `verify`.

The facts and the terms are sealed one by one; the state and the books that a loan's latest
version keeps are what they lead to. Here they are told once more, from the first fact on,
without looking at what was kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from coopbank.bank import records
from coopbank.bank.lending.accounts import LoanAccount
from coopbank.bank.lending.contract import SURPLUS
from coopbank.bank.lending.flows import OWED, Book, balance, by_fund
from coopbank.bank.lending.scheduled import ScheduledRun
from coopbank.errors import CoopbankError
from coopbank.money import format_amount


def faults_of(loan: LoanAccount) -> Iterator[str]:
    """What does not agree, in words; nothing if all does."""
    body = loan.body
    try:
        run = loan.told(loan.facts)
    except (CoopbankError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError, AssertionError):
        yield f"loan {loan.ref} cannot be told from its events"
        return
    yield from _terms_faults(loan)
    to = date.min if body.accrued_to is None else date.fromisoformat(body.accrued_to)
    if isinstance(run, ScheduledRun):
        if run.state.as_document() != body.told:
            yield f"loan {loan.ref} told from its events is not what is kept"
        to = max(to, run.state.at)
        standing, flows = run.standing(to), run.standing(to).flows
    else:
        standing, flows = run.standing(max(to, run.last)), run.flows(max(to, run.last), to)
    if _net(by_fund(flows, body.shares, body.servicing), body) != _net(body.book, body):
        yield f"loan {loan.ref}: its story comes to other amounts than the books have posted"
    owed = sum(balance(of_fund, code, name) for name, of_fund in body.book.items() for code in OWED)
    told = isinstance(run, ScheduledRun) or to >= run.last
    by_contract = standing.owed if told else _owed_at(flows)
    if owed != by_contract:
        yield (
            f"loan {loan.ref}: {format_amount(by_contract)} is owed by the contract,"
            f" {format_amount(owed)} stands in the books"
        )


def _terms_faults(loan: LoanAccount) -> Iterator[str]:
    """Each version of the terms but the first was agreed by a fact, and the loan names the newest."""
    agreed = {fact.data["version"] for fact in loan.facts if fact.type == "terms"}
    for version in sorted(loan.contracts.keys() - agreed)[1:]:
        yield f"loan {loan.ref}: no event agrees to version {version} of its terms"
    newest = max(loan.contracts)
    if (loan.body.terms, loan.body.annual_rate) != (newest, str(loan.contracts[newest].annual_rate)):
        yield f"loan {loan.ref} names other terms than its version {newest}"


def _net(book: Book, body: records.Loan) -> Book:
    """Of a share of surplus, earned less waived: which of the two took a part is told by the postings alone."""
    if body.repayment != SURPLUS:
        return book
    found: Book = {}
    for fund, flows in book.items():
        net = {**flows, "earned": flows.get("earned", 0) - flows.get("waived", 0)}
        net.pop("waived", None)
        found[fund] = {flow: amount for flow, amount in net.items() if amount}
    return {fund: flows for fund, flows in found.items() if flows}


def _owed_at(flows: dict[str, int]) -> int:
    """What the flows of a loan repaid by reports leave owed."""
    return sum(balance(flows, code) for code in OWED)
