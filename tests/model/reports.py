"""A loan that is repaid out of what its borrower earns: what its reports make due, and what its cap lets be taken.

Written down from domain.md (A5) and entries.md (E16, E17), and told from the facts each time, day by day. Of a share of
*surplus*: interest runs by the contract, and is owed; what may be taken of it is what the cap covers, a part of all
surplus so far. A payment goes to that first, then to principal; a report that lowers the cap turns interest that was
paid into principal. Of a share of *revenue*: a multiple is paid in all; each payment is cost and principal in one
proportion. A ceiling and a cap are rounded down. What is due is the sum of the ceilings, the oldest first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from math import floor
from typing import Any

from tests.model.story import Due, Flows, Told, Undrawable, months_on, years

Fact = dict[str, Any]
REPORTED = ("surplus", "revenue")
TERMS = {
    "surplus": ("annual_rate", "share_percent", "cost_cap_percent", "outer_date", "day_count", "loss_carry_forward",
                "every", "report_days", "payment_days"),
    "revenue": ("share_percent", "multiple", "cost_cap_percent", "outer_date", "loss_carry_forward", "every",
                "report_days", "payment_days"),
}  # fmt: skip


def spans(terms: Fact, starts: date) -> list[tuple[date, date]]:
    """Each period's first day and the first day after it; the outer date cuts the last."""
    [(unit, each)] = terms.get("every", {"years": 1}).items()
    begins = [starts]
    while True:
        count = each * len(begins)
        if unit in ("months", "years"):
            following = months_on(starts, count * (12 if unit == "years" else 1))
        else:
            following = starts + timedelta(days=count * (7 if unit == "weeks" else 1))
        if following >= terms["outer_date"]:
            return list(pairwise([*begins, terms["outer_date"]]))
        begins.append(following)


@dataclass
class Row:
    """A period in which principal stood."""

    number: int
    filed: bool
    accepted: bool
    late_since: date | None  # its report was to be filed by then, and was not
    due_on: date | None
    ceiling: int
    unpaid: int = 0


@dataclass
class _Play:
    """The state while days go by."""

    lent: int = 0
    principal: int = 0
    forgiven: int = 0
    paid: int = 0
    unapplied: int = 0
    interest_paid: int = 0
    surplus: int = 0
    closed: int = 0
    since: date = date.min
    stood: list[tuple[date, date]] = field(default_factory=list)


class Reported:
    """The loan as known at the end of a day, by what counts up to then."""

    def __init__(self, loan: Fact, day: date, facts: Iterable[Told] | None = None) -> None:
        told = sorted(loan["facts"] if facts is None else facts, key=lambda each: (each.on, each.number))
        told = [fact for fact in told if fact.on <= day]
        self.loan, self.day, self.facts = loan, day, told
        self.terms: Fact = loan["versions"][max(loan["versions"])]["terms"]
        self.off_on = min((fact.on for fact in told if fact.type == "charge-off"), default=None)
        self.off = self.off_on is not None
        self.at = min([day, *([self.off_on] if self.off_on else [])])
        lent = [fact.on for fact in told if fact.type == "advance"]
        self.starts = min(lent, default=day)
        self.drawable = not any(fact.type == "close-line" for fact in told)
        if lent and self.terms["outer_date"] <= self.starts:
            raise Undrawable("outer_date")
        self.spans = spans(self.terms, self.starts)
        self._sort_out()
        if any(period > len(self.spans) for period in self.filed):
            raise Undrawable("reports")
        self.rows: list[Row] = []
        self.due_now = 0
        self.play = _Play(since=self.starts)
        if loan["reported"] == "surplus":
            self._surplus()
        else:
            self._revenue()
        self._stand()

    # ------------------------------------------------------------------------------------- facts

    def _sort_out(self) -> None:
        self.money: dict[str, dict[date, int]] = {name: {} for name in ("advance", "payment", "write-down")}
        self.given = self.received = 0
        self.filed: dict[int, dict[int, Told]] = {}
        self.accepted: dict[int, dict[int, date]] = {}
        off = False
        for fact in self.facts:
            amount = fact.data.get("amount", fact.data.get("principal", 0))
            if fact.type == "payment" and off:
                self.received += amount
            elif fact.type in self.money:
                days = self.money[fact.type]
                days[fact.on] = days.get(fact.on, 0) + amount
                self.given += amount if fact.data.get("gift") else 0
            elif fact.type == "report-filed":
                self.filed.setdefault(fact.data["period"], {})[fact.data["version"]] = fact
            elif fact.type == "report-accepted":
                self.accepted.setdefault(fact.data["period"], {})[fact.data["version"]] = fact.on
            off = off or fact.type == "charge-off"

    def speaks(self, period: int, figure: str) -> int:
        """What the newest accepted report of a period says of it."""
        versions = self.accepted.get(period)
        return 0 if not versions else self.filed[period][max(versions)].data.get(figure) or 0

    def acts_from(self, period: int) -> date:
        return min(self.accepted[period].values())

    def part(self, name: str, of: int) -> int:
        """A percentage of the terms of an amount, rounded down."""
        return floor(Fraction(self.terms[name]) / 100 * of)

    def counted(self, surplus: int) -> int:
        return surplus if self.terms.get("loss_carry_forward", True) else max(0, surplus)

    def _periods(self, stood: Iterable[int], *, quiet: bool) -> None:
        """The rows of the periods that have begun, of those in which principal stood."""
        wait = timedelta(days=self.terms.get("report_days", 90))
        pay = timedelta(days=self.terms.get("payment_days", 30))
        figure = "surplus" if self.loan["reported"] == "surplus" else "revenue"
        for number in stood:
            start, end = self.spans[number - 1]
            if start > self.at:
                continue
            accepted, filed = number in self.accepted, number in self.filed
            late = not accepted and not filed and self.at >= end and self.at > end + wait and not quiet
            ceiling = self.part("share_percent", max(0, self.speaks(number, figure))) if accepted else 0
            due_on = self.acts_from(number) + pay if accepted else None
            self.rows.append(Row(number, filed, accepted, end + wait if late else None, due_on, ceiling))

    def _make_due(self, paid: int, owed: int) -> None:
        """What was paid covers the oldest ceilings; of the others so much is due as is owed."""
        for row in self.rows:
            done = min(row.ceiling, paid)
            row.unpaid = min(row.ceiling - done, owed)
            paid, owed = paid - done, owed - row.unpaid
        self.due_now = sum(row.unpaid for row in self.rows)

    # ------------------------------------------------------------------------------------- surplus

    def _surplus(self) -> None:
        p = self.play
        acting: dict[date, list[int]] = {}
        for number in sorted(self.accepted):
            acting.setdefault(self.acts_from(number), []).append(number)
        days = {*acting, *(day for days in self.money.values() for day in days)}
        for day in sorted(day for day in days if day <= self.at):
            for number in acting.get(day, ()):
                if self._stood_in(number):
                    p.surplus += self.counted(self.speaks(number, "surplus"))
                    self._settle(day)
            if amount := self.money["advance"].get(day, 0):
                if not self.starts <= day < self.terms["outer_date"]:
                    raise Undrawable("advances")
                p.lent += amount
                self._owe(p.principal + amount, day)
                self._settle(day)
            forgiven = min(self.money["write-down"].get(day, 0), p.principal)
            p.forgiven += forgiven
            self._owe(p.principal - forgiven, day)
            p.paid += self.money["payment"].get(day, 0)
            p.unapplied += self.money["payment"].get(day, 0)
            self._settle(day)
        self.run, self.recognisable = self.ran(self.at), self._recognisable(self.at)
        owed = p.principal + self.recognisable - p.interest_paid
        done = bool(p.lent) and not p.principal and self.run == p.interest_paid
        self._periods([n for n in range(1, len(self.spans) + 1) if self._stood_in(n)], quiet=done)
        over = self.at >= self.terms["outer_date"] or not p.principal
        self.matured = bool(p.lent) and over and all(row.accepted for row in self.rows)
        self.waived = self.run - self.recognisable if self.matured else 0
        self.settled = self.matured and not owed
        self._make_due(p.paid - p.unapplied, owed)
        self.cost_paid = p.interest_paid

    def ran(self, day: date) -> int:
        """Interest by the contract up to a day; each stretch of one principal is rounded once."""
        p, until = self.play, min(day, self.terms["outer_date"])
        if not p.principal or until <= p.since:
            return p.closed
        [unit] = self.terms.get("every", {"years": 1})
        part = years(p.since, until, self.terms.get("day_count", "actual/365"), unit)
        return p.closed + round(p.principal * Fraction(self.terms["annual_rate"]) / 100 * part)

    @property
    def cap(self) -> int:
        return self.part("cost_cap_percent", max(0, self.play.surplus))

    def _recognisable(self, day: date) -> int:
        return max(self.play.interest_paid, min(self.ran(day), self.cap))

    def _settle(self, day: date) -> None:
        p = self.play
        above = max(0, p.interest_paid - self.cap)
        p.interest_paid, p.unapplied = p.interest_paid - above, p.unapplied + above
        interest = min(p.unapplied, self._recognisable(day) - p.interest_paid)
        p.interest_paid, p.unapplied = p.interest_paid + interest, p.unapplied - interest
        principal = min(p.unapplied, p.principal)
        p.unapplied -= principal
        self._owe(p.principal - principal, day)

    def _owe(self, principal: int, day: date) -> None:
        p = self.play
        if principal != p.principal:
            p.closed = self.ran(day)
            if p.principal and day > p.since:
                p.stood.append((p.since, day))
            p.since, p.principal = day, principal

    def _stood_in(self, number: int) -> bool:
        start, end = self.spans[number - 1]
        still = [(self.play.since, date.max)] if self.play.principal else []
        return any(since < end and until > start for since, until in [*self.play.stood, *still])

    # ------------------------------------------------------------------------------------- revenue

    def _revenue(self) -> None:
        p, terms = self.play, self.terms
        lent, paid, forgiven = (
            sum(n for day, n in self.money[name].items() if day <= self.at)
            for name in ("advance", "payment", "write-down")
        )
        forgiven = min(lent, forgiven)
        whole = floor((Fraction(terms["multiple"]) - 1) * lent)
        cost = whole
        if terms.get("cost_cap_percent") is not None:
            earned = sum(self.counted(self.speaks(number, "surplus")) for number in self.accepted)
            cost = min(whole, self.part("cost_cap_percent", max(0, earned)))
        applied = min(paid, lent + cost - forgiven)
        cost_paid = round(Fraction(applied * cost, lent + cost)) if cost else 0
        cost_paid = max(cost_paid, applied - (lent - forgiven))
        done = bool(lent) and applied == lent + whole - forgiven
        self._periods(range(1, len(self.spans) + 1), quiet=done)
        over = bool(lent) and self.at >= terms["outer_date"] and all(row.accepted for row in self.rows)
        self.matured = done or over
        self.settled = self.matured and applied == lent + cost - forgiven
        self._make_due(applied, lent + cost - forgiven - applied)
        p.lent, p.forgiven, p.unapplied = lent, forgiven, paid - applied
        p.principal = lent - forgiven - (applied - cost_paid)
        self.run, self.recognisable, self.waived, self.cost_paid = cost, cost, 0, cost_paid

    # ------------------------------------------------------------------------------------- how it stands

    def _stand(self) -> None:
        """By the contract; what came back of a loss pays principal first."""
        p = self.play
        principal, interest = p.principal, self.run - self.cost_paid - self.waived
        recovered = min(self.received, principal + interest)
        back = min(recovered, principal)
        self.recovered = recovered
        self.lent, self.fees_owed = p.lent, 0
        self.principal, self.interest = principal - back, interest - (recovered - back)
        self.overpaid = p.unapplied + self.received - recovered

    @property
    def owed(self) -> int:
        return self.principal + self.interest

    @property
    def committed(self) -> int:
        return max(0, self.loan["agreed"] - self.lent) if self.drawable and not self.off else 0

    @property
    def payoff(self) -> int:
        """What closes it: of a share of surplus no more interest than the cap lets be taken."""
        if self.loan["reported"] == "surplus":
            return self.principal + min(self.interest, max(0, min(self.run, self.cap) - self.cost_paid))
        return self.owed

    def due(self, _day: date) -> Due:
        if self.off or not self.lent:
            return Due()
        interest = min(self.due_now, self.recognisable - self.cost_paid)
        since = min((row.due_on for row in self.rows if row.unpaid and row.due_on is not None), default=None)
        return Due(0, interest, self.due_now - interest, since if self.due_now else None)

    def lateness(self) -> tuple[str, int]:
        """The bucket, and the days by which it ages."""
        if self.settled:
            return "current", 0
        wait = max(((self.at - row.late_since).days for row in self.rows if row.late_since is not None), default=0)
        unpaid = [row.due_on for row in self.rows if row.unpaid and row.due_on is not None]
        since = min(unpaid, default=None)
        if wait:
            bucket = "report overdue"
        else:
            bucket = "deferred by terms" if since is None else "late" if since < self.day else "due"
        outer = self.terms["outer_date"]
        if bucket == "deferred by terms" and self.day > outer and self.principal and self.matured:
            since = max([outer, *(row.due_on for row in self.rows if row.due_on is not None)])
            bucket = "late" if since < self.day else "due"
        late = 0 if since is None else max(0, (self.day - since).days)
        return bucket, max(late, wait)

    # ------------------------------------------------------------------------------------- books

    def books(self, brought_to: date) -> Flows:
        """What the books should have posted, with interest by the contract up to another day."""
        if not self.lent:
            return {"promised": self.committed} if self.committed else {}
        p = self.play
        if self.loan["reported"] == "surplus":
            run = Reported(self.loan, brought_to, self.facts).run
            income = max(self.cost_paid, min(run, self.recognisable))
        else:
            run, income = self.run, self.cost_paid
        gifts = min(p.forgiven, self.given)
        flows = {
            "lent": p.lent, "principal_paid": p.lent - p.principal - p.forgiven, "written": p.forgiven - gifts,
            "given": gifts, "interest_paid": self.cost_paid, "earned": income, "memo": run - income - self.waived,
            "overpaid": self.overpaid, "promised": self.committed,
        }  # fmt: skip
        if self.off:
            owed = p.principal + income - self.cost_paid + flows["memo"]
            flows |= {"off_principal": p.principal, "off_interest": income - self.cost_paid, "memo": 0,
                      "recovered": self.recovered, "off": owed - self.recovered}  # fmt: skip
        return {name: amount for name, amount in flows.items() if amount}


def brought_to(loan: Fact, before: date | None) -> date | None:
    """Up to where the books bring interest: where closes left it, unless what was paid needs more."""
    told = sorted(loan["facts"], key=lambda each: (each.on, each.number))
    last = told[-1].on if told else date.min
    lent = any(fact.type == "advance" for fact in told)
    if before is None or loan["reported"] == "revenue" or not lent:
        return last if before is None and lent else before
    now, then = Reported(loan, max(last, before)), Reported(loan, before)
    if now.matured or now.off:
        return max(last, before)
    return max(last, before) if min(then.run, now.recognisable) < now.cost_paid else before


def as_waived(book: dict[str, Flows], held: dict[str, Flows]) -> dict[str, Flows]:
    """Of a share of surplus: income that the cap takes back is waived, and stays earned (E17)."""
    found: dict[str, Flows] = {}
    for fund in {**book, **held}:
        flows, before = dict(book.get(fund, {})), held.get(fund, {})
        earned, waived = before.get("earned", 0), before.get("waived", 0)
        more = flows.get("earned", 0) - (earned - waived)
        flows |= {"earned": earned + max(0, more), "waived": waived + max(0, -more)}
        found[fund] = {flow: amount for flow, amount in flows.items() if amount}
    return {fund: flows for fund, flows in found.items() if flows}
