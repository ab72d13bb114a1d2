"""The story of a loan repaid out of surplus or revenue: from facts to what is owed and due.

The arithmetic is `coopbank.finance.surplus` and `.revenue`; this gives it the facts, and says
what the books make of the answer.

*Share of surplus.* Contract interest runs in memo (M10). Income is recognised up to the room
of the cap alone: earned less waived is what is recognisable, so that no income is booked
that the cap can take back. Where a loss or a correction lowers the cap, the excess is waived
(119), and what was paid of it repays principal. At maturity the interest above the cap is
waived: memo interest simply ends.

*Share of revenue.* The cost stands in memo and is income when it is paid.

Contract interest is brought to a day by the closes; a payment moves it only if what it pays
was not brought in yet. A charged-off loan stands still: what is owed then is owed (M20), and
recoveries lower it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from coopbank.bank.lending.contract import SURPLUS, Contract, revenue_terms, surplus_terms
from coopbank.bank.lending.facts import Fact, in_order
from coopbank.bank.lending.standing import Due, Standing
from coopbank.finance import revenue, surplus
from coopbank.finance.reported import Movement, Report
from coopbank.finance.revenue import RevenuePosition, RevenueTerms
from coopbank.finance.surplus import SurplusPosition, SurplusTerms

ReportedPosition = SurplusPosition | RevenuePosition


@dataclass
class Facts:
    """The facts of such a loan as the arithmetic takes them; amounts in minor units."""

    advances: list[Movement]
    payments: list[Movement]
    reports: list[Report]
    forgiven: list[Movement]
    recovered: list[Movement]
    given: list[Movement]  # of what was forgiven, the gifts of a fund
    charged_off_on: date | None = None
    drawable: bool = True


def sorted_out(facts: Iterable[Fact]) -> Facts:
    """The facts by their kinds; after a charge-off payments are recoveries."""
    found = Facts([], [], [], [], [], [])
    reports: dict[tuple[int, int], Report] = {}
    for fact in in_order(facts):
        amount = fact.data.get("amount", 0)
        if fact.type == "opening":
            _taken_over(found, reports, fact)
        elif fact.type == "advance":
            found.advances.append(Movement(fact.on, amount))
        elif fact.type == "payment":
            (found.payments if found.charged_off_on is None else found.recovered).append(Movement(fact.on, amount))
        elif fact.type == "write-down":
            found.forgiven.append(Movement(fact.on, fact.data["principal"]))
            if fact.data.get("gift"):
                found.given.append(found.forgiven[-1])
        elif fact.type == "charge-off":
            found.charged_off_on = fact.on
        elif fact.type == "close-line":
            found.drawable = False
        elif fact.type in ("report-filed", "report-accepted"):
            _report(reports, fact)
    found.reports = list(reports.values())
    return found


def _report(reports: dict[tuple[int, int], Report], fact: Fact) -> None:
    key = fact.data["period"], fact.data["version"]
    if fact.type == "report-filed":
        reports[key] = Report(
            *key, filed_on=fact.on, surplus=fact.data.get("surplus"), revenue=fact.data.get("revenue")
        )
        return
    filed = reports[key]
    reports[key] = Report(*key, filed_on=filed.filed_on, accepted_on=fact.on, surplus=filed.surplus,
                          revenue=filed.revenue)  # fmt: skip


def _taken_over(found: Facts, reports: dict[tuple[int, int], Report], fact: Fact) -> None:
    """The history that came with a loan of old records."""
    for on, amount in fact.data["advances"]:
        found.advances.append(Movement(date.fromisoformat(on), amount))
    for on, amount in fact.data.get("payments", []):
        found.payments.append(Movement(date.fromisoformat(on), amount))
    for period, on, earned, taken in fact.data.get("reports", []):
        day = date.fromisoformat(on)
        reports[period, 1] = Report(period, 1, filed_on=day, accepted_on=day, surplus=earned, revenue=taken)


class ReportedRun:
    """A loan repaid by reports, told from all its facts."""

    def __init__(
        self, contracts: Mapping[int, Contract], principal: int, currency: str, facts: Iterable[Fact] = ()
    ) -> None:
        self.contracts, self.agreed, self.currency = contracts, principal, currency
        self.all = in_order(facts)
        self.facts = sorted_out(self.all)
        self._positions: dict[tuple[date, int], ReportedPosition] = {}

    @property
    def contract(self) -> Contract:
        """The version of the terms in force: the last, for the whole loan."""
        return self.contracts[max(self.contracts)]

    @property
    def last(self) -> date:
        """The day of the last fact."""
        return self.all[-1].on if self.all else date.min

    def position(self, day: date) -> ReportedPosition:
        """The arithmetic's answer for the end of a day; a charged-off loan stands still."""
        facts = self.facts
        if facts.charged_off_on is not None:
            day = min(day, facts.charged_off_on)
        key = day, self.contract.version
        if key not in self._positions:  # a standing asks for the same day several times
            self._positions[key] = self._position(day)
        return self._positions[key]

    def _position(self, day: date) -> ReportedPosition:
        facts, terms = self.facts, self._terms(day)
        if isinstance(terms, SurplusTerms):
            return surplus.replay(terms, facts.advances, facts.payments, facts.reports, day, forgiven=facts.forgiven)
        return revenue.replay_revenue(
            terms, facts.advances, facts.payments, facts.reports, day, forgiven=facts.forgiven
        )  # fmt: skip

    def _terms(self, day: date) -> SurplusTerms | RevenueTerms:
        """The terms in force, from the first money on, or as if it went out on that day."""
        starts = min((each.on for each in self.facts.advances), default=day)
        found = surplus_terms if self.contract.repayment == SURPLUS else revenue_terms
        return found(self.contract.document, starts, self.currency)

    def end_of(self, period: int, day: date) -> date | None:
        """The first day after a period, whether or not money stood in it; None if there is no such period."""
        spans = self._terms(day).periods()
        return spans[period - 1][1] if period <= len(spans) else None

    def standing(self, day: date) -> Standing:
        """The loan at the end of a day. Changes nothing."""
        if not self.facts.advances or day < min(each.on for each in self.facts.advances):
            return self._before(day)
        at = self.position(day)
        interest, run = _interest(at)
        given_up = at.forgiven
        received = sum(each.amount for each in self.facts.recovered if each.on <= day)
        recovered = min(received, at.principal_left + interest)
        off = self.facts.charged_off_on is not None and day >= self.facts.charged_off_on
        back = min(recovered, at.principal_left)
        paid = _interest_paid(at)
        return Standing(
            on=day, lent=at.lent, principal=at.principal_left - back, interest=interest - (recovered - back), fees=0,
            interest_run=run, principal_paid=at.lent - at.principal_left - given_up + back,
            interest_paid=paid + recovered - back, fees_paid=0, waived=at.waived, given_up=given_up,
            overpaid=at.unapplied + received - recovered, charged_off=off, basis="cap",
            committed=self._committed(at.lent, off), flows=self.flows(day, day),
            due=Due(0, 0, 0, None) if off else _due(at), bucket=at.bucket,
            report_days_late=max((row.days_overdue for row in at.periods), default=0), cap=at.cap,
        )  # fmt: skip

    def _before(self, day: date) -> Standing:
        nothing: dict[str, int] = {"promised": self.agreed} if self.facts.drawable else {}
        return Standing(
            on=day, lent=0, principal=0, interest=0, fees=0, interest_run=0, principal_paid=0, interest_paid=0,
            fees_paid=0, waived=0, given_up=0, overpaid=0, charged_off=False, basis="cap",
            committed=nothing.get("promised", 0), flows=nothing, due=Due(0, 0, 0, None),
        )  # fmt: skip

    def _committed(self, lent: int, off: bool) -> int:
        return max(0, self.agreed - lent) if self.facts.drawable and not off else 0

    # ------------------------------------------------------------------------ books

    def accrued_to(self, before: date | None) -> date | None:
        """Up to where the books bring contract interest: no further than a payment needs."""
        if before is None or self.contract.repayment != SURPLUS or not self.facts.advances:
            return self.last if before is None and self.facts.advances else before
        now, then = self.position(max(self.last, before)), self.position(before)
        assert isinstance(now, SurplusPosition) and isinstance(then, SurplusPosition)
        if now.matured or self.facts.charged_off_on is not None:
            return max(self.last, before)
        return max(self.last, before) if min(then.contract_interest, now.recognisable) < now.interest_paid else before

    def flows(self, facts_to: date, accrued_to: date) -> dict[str, int]:
        """What the facts up to a day come to, with contract interest up to another; `earned` less `waived` as one."""
        if not self.facts.advances:
            return self._before(facts_to).flows
        at = self.position(facts_to)
        given_up = at.forgiven
        gifts = min(given_up, sum(each.amount for each in self.facts.given if each.on <= facts_to))
        off = self.facts.charged_off_on is not None and facts_to >= self.facts.charged_off_on
        flows = {
            "lent": at.lent, "principal_paid": at.lent - at.principal_left - given_up,
            "written_principal": given_up - gifts, "given": gifts, "overpaid": at.unapplied,
            "interest_paid": _interest_paid(at), "promised": self._committed(at.lent, off),
        }  # fmt: skip
        run, recognised = self._recognised(at, accrued_to)
        flows["earned"] = recognised
        waived = at.waived if at.matured and isinstance(at, SurplusPosition) else 0
        flows["memo"] = run - recognised - waived
        if off:
            self._charged_off(flows, facts_to)
        return {name: amount for name, amount in flows.items() if amount}

    def _recognised(self, at: ReportedPosition, accrued_to: date) -> tuple[int, int]:
        """Contract interest up to a day, and what of it is income."""
        if isinstance(at, RevenuePosition):
            return at.cost, at.cost_paid
        then = self.position(accrued_to)
        assert isinstance(then, SurplusPosition)
        return then.contract_interest, max(at.interest_paid, min(then.contract_interest, at.recognisable))

    def _charged_off(self, flows: dict[str, int], day: date) -> None:
        """What is carried is a loss; all that is owed stands in M20, less what came back."""
        carried = flows["lent"] - flows["principal_paid"] - flows["written_principal"] - flows["given"]
        interest = flows["earned"] - flows["interest_paid"]
        owed = carried + interest + flows["memo"]
        received = sum(each.amount for each in self.facts.recovered if each.on <= day)
        recovered = min(received, owed)
        flows |= {
            "off_principal": carried, "off_interest": interest, "recovered": recovered, "off": owed - recovered,
            "memo": 0, "overpaid": flows["overpaid"] + received - recovered,
        }  # fmt: skip


def _interest(at: ReportedPosition) -> tuple[int, int]:
    """Interest (or cost) owed by the contract, and all that ran."""
    if isinstance(at, RevenuePosition):
        return at.cost - at.cost_paid, at.cost
    waived = at.waived if at.matured else 0
    return at.contract_interest - at.interest_paid - waived, at.contract_interest


def _interest_paid(at: ReportedPosition) -> int:
    return at.cost_paid if isinstance(at, RevenuePosition) else at.interest_paid


def _due(at: ReportedPosition) -> Due:
    """What reports made due and nobody paid: interest that may be taken first."""
    collectable = at.cost - at.cost_paid if isinstance(at, RevenuePosition) else at.collectable
    interest = min(at.due_now, collectable)
    since = min((row.due_on for row in at.periods if row.unpaid and row.due_on is not None), default=None)
    return Due(0, interest, at.due_now - interest, since if at.due_now else None)
