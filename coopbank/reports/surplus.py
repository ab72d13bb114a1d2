"""How a year's surplus is divided: each step with what it was taken of, as proposed or as voted and posted.

And the register of shares: every member's shares of each class at the end of a day, which comes to the controls.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from coopbank.bank import equity, records
from coopbank.bank.books import Books
from coopbank.bank.sponsoring import all_sponsored
from coopbank.bank.surplus import notice_due, rules_of
from coopbank.errors import Unknown
from coopbank.reports.document import Minor, Source, source
from coopbank.reports.totals import Backdated, backdated


@dataclass(frozen=True, slots=True)
class SurplusStep:
    """A step of the waterfall. `rate` is in percent; `left` is what is not given to anything after it."""

    to: str  # regular, indivisible, fund, dividend, patronage
    what: str  # the fund, the class of shares, or the basis
    rate: str
    base: Minor  # what the percentage was taken of
    amount: Minor
    left: Minor


@dataclass(frozen=True, slots=True)
class SurplusReport:
    """The division of a year's surplus, worked out line by line."""

    source: Source
    year: str
    state: str  # proposed, allocated
    on: date
    resolution: str  # of the assembly; empty while it is a proposal
    rules: int  # version of the rules
    rules_resolution: str
    result: Minor
    kept: Minor  # of business that is not members'
    steps: tuple[SurplusStep, ...]
    left: Minor  # stays in undivided earnings
    cash: Minor
    cash_percent: str
    retained: Minor
    qualified: bool
    members: int
    each: str  # SHA-256 of what every member gets
    notices_by: date


def surplus(books: Books, year: str) -> SurplusReport:
    """The division of a year; refuses one that nobody has proposed."""
    found = books.find(records.Surplus, year)
    if found is None:
        raise Unknown(
            "Nobody has proposed how to divide the surplus of {year}.", field="year", year=year[:40],
            hint="The treasurer does, once the year is closed (propose-surplus).",
        )  # fmt: skip
    rules = rules_of(books, found.rules)
    steps, left = [], found.result
    for step in found.steps:
        left -= step["amount"]
        what = step.get("fund") or step.get("share_class") or (step["basis"] if step["to"] == "patronage" else "")
        rate = step.get("percent") or step.get("rate", "")
        steps.append(SurplusStep(step["to"], what, rate, step["base"], step["amount"], left))
    return SurplusReport(
        source=source(books), year=year, state=found.state, on=date.fromisoformat(found.on),
        resolution=found.resolution, rules=found.rules, rules_resolution=rules.resolution, result=found.result,
        kept=found.kept, steps=tuple(steps), left=found.left, cash=found.cash, cash_percent=rules.cash,
        retained=found.retained, qualified=rules.qualified, members=found.members, each=found.each,
        notices_by=notice_due(year),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShareHolding:
    """What a member holds of a class of shares."""

    member: str
    name: str
    share_class: str
    shares: int
    amount: Minor
    sponsored: Minor  # of it; goes back to the fund that paid for it


@dataclass(frozen=True, slots=True)
class ShareRegister:
    """Every holding at the end of a day, now if none is given; `unnamed` is what stands on leaves without a holder."""

    source: Source
    as_of: date | None
    holdings: tuple[ShareHolding, ...]
    totals: dict[str, Minor]  # by class, what is unnamed included
    unnamed: Minor
    backdated: Backdated | None


def share_register(books: Books, as_of: date | None = None) -> ShareRegister:
    """The register of shares, from the accounts, by effective date."""
    classes = dict(books.every(records.ShareClass))
    marks = ", ".join("?" * len(classes))
    day = (as_of or date.max).isoformat()
    rows = books.tx.rows(
        "SELECT a.gl_code, coalesce(a.holder, ''), coalesce(d.name, ''), sum(b.credit - b.debit) FROM account a"
        " JOIN balance_day b ON b.account_id = a.id LEFT JOIN directory d ON d.member = a.holder"
        f" WHERE a.gl_code IN ({marks}) AND a.fund = ? AND b.effective_on <= ? GROUP BY 1, 2, 3 ORDER BY 1, 2",
        *classes, equity.FUND, day,
    )  # fmt: skip
    totals = dict.fromkeys(classes, 0)
    paid_for = all_sponsored(books, day)
    holdings, unnamed = [], 0
    for share_class, member, name, amount in rows:
        totals[share_class] += int(amount)
        if not member:
            unnamed += int(amount)
        elif amount:
            shares = int(amount) // classes[share_class].par
            given = paid_for.get((share_class, member), 0)
            holdings.append(ShareHolding(member, name, share_class, shares, int(amount), given))
    return ShareRegister(source(books), as_of, tuple(holdings), totals, unnamed, backdated(books, as_of))
