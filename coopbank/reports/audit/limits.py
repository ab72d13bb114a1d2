"""Limits: amounts just below one, amounts split so as to stay below it, and much cash of one person in a day.

A limit is that which was in force when the operation was made. To go to the limit is allowed, so what stands at it
counts as just below.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Final

from coopbank.bank import records
from coopbank.bank.borrowers import linked_to
from coopbank.bank.mandates import IN_FORCE, LOANS_WITHIN
from coopbank.bank.operations.lending import GrantLoan
from coopbank.bank.voting import RESOLUTION
from coopbank.ledger.chart import MEMO_CURRENCY, POOL
from coopbank.money import format_amount, parse_amount
from coopbank.reports.audit.frame import DATED, MADE, NOT_UNDONE, AuditTest, Hunt, Row, in_force
from coopbank.words import _, marked

BELOW: Final = 10
"""Percent of a limit that count as just below it."""
PAID_ALONE: Final = ("withdraw", "clear-suspense", "refund-unapplied")
"""Operations that take a second person above `withdrawal_alone`."""
NOBODYS: Final = ("move-cash", "open-drawer", "close-drawer", "count-drawer", "bank-cheques", "opening-balance")
"""Operations on cash in which no person brings or takes any."""
REPORTED_ABOVE: Final = "10000.00"
"""Cash of one person in a day, above which 31 CFR 1010.311 wants a report; the policy `cash_report` may say another."""


@dataclass(frozen=True, slots=True)
class _Paid:
    """A payment that one person made alone."""

    operation: int
    kind: str
    actor: str
    day: str
    member: str
    amount: int


def _paid_alone(hunt: Hunt) -> Iterator[_Paid]:
    """Payments without a second person, day by day and member by member."""
    marks = ", ".join("?" * len(PAID_ALONE))
    for operation, kind, actor, day, member, amount in hunt.stream(
        "SELECT o.id, o.kind, o.actor, o.business_date, coalesce(min(a.holder), ''), sum(CASE WHEN p.amount > 0"
        " AND a.fund <> ? AND a.currency <> ? THEN p.amount ELSE 0 END)"
        " FROM operation o CROSS JOIN entry e CROSS JOIN posting p CROSS JOIN account a"
        f" WHERE o.approver IS NULL AND o.kind IN ({marks}) AND {MADE} AND e.operation_id = o.id AND {NOT_UNDONE}"
        " AND p.entry_id = e.id AND a.id = p.account_id GROUP BY o.id, o.kind, o.actor, o.business_date"
        " ORDER BY o.business_date, o.id",
        POOL, MEMO_CURRENCY, *PAID_ALONE, *hunt.days,
    ):  # fmt: skip
        hunt.looked_at += 1
        yield _Paid(operation, kind, actor, day, member, int(amount))


@dataclass(frozen=True, slots=True)
class _Cash:
    """What one person brought (above zero) or took in a day. `who`: a member, or the only operation in question."""

    day: str
    member: str
    amount: int
    operation: int  # the last
    actor: str
    count: int


def _cash_by_person(hunt: Hunt) -> Iterator[_Cash]:
    """Cash in and out by person and day, over all drawers; what was reversed never happened."""
    marks = ", ".join("?" * len(NOBODYS))
    moved = hunt.stream(
        "WITH cash (operation, day, amount) AS (SELECT e.operation_id, e.effective_on, sum(p.amount)"
        " FROM account a CROSS JOIN posting p CROSS JOIN entry e WHERE a.gl_code = '739' AND p.account_id = a.id"
        f" AND e.id = p.entry_id AND {DATED} AND {NOT_UNDONE} GROUP BY e.operation_id, e.effective_on)"
        " SELECT c.day, c.amount, o.id, o.actor, (SELECT min(h.holder) FROM entry n CROSS JOIN posting l CROSS JOIN"
        " account h WHERE n.operation_id = o.id AND l.entry_id = n.id AND h.id = l.account_id)"
        f" FROM cash c CROSS JOIN operation o WHERE o.id = c.operation AND o.kind NOT IN ({marks})"
        " AND c.amount <> 0 ORDER BY c.day, o.id",
        *hunt.days, *NOBODYS,
    )  # fmt: skip
    for day, rows in groupby(moved, key=lambda row: str(row[0])):
        people: dict[tuple[str, bool], list[tuple[int, int, str]]] = defaultdict(list)
        for _day, amount, operation, actor, member in rows:
            hunt.looked_at += 1
            people[member or f"#{operation}", amount > 0].append((int(amount), int(operation), actor))
        for (member, _into), parts in people.items():
            _amount, operation, actor = parts[-1]
            known = "" if member.startswith("#") else member
            yield _Cash(day, known, sum(part[0] for part in parts), operation, actor, len(parts))


def near_limits(hunt: Hunt) -> Iterator[Row]:
    """What one person pays alone, what a drawer takes, and cash of a person in a day, just below their limits."""
    alone = hunt.amount_policy("withdrawal_alone", "0")
    for paid in _paid_alone(hunt):
        if _just_below(paid.amount, limit := in_force(alone, paid.operation)):
            yield Row(
                _below("withdrawal_alone", limit, hunt), None, paid.operation, paid.day, paid.actor, paid.member,
                paid.amount, paid.kind,
            )  # fmt: skip
    yield from _into_drawers(hunt)
    yield from _below_roles(hunt)
    reported = hunt.amount_policy("cash_report", REPORTED_ABOVE)
    for cash in _cash_by_person(hunt):
        if _just_below(abs(cash.amount), limit := in_force(reported, cash.operation)):
            said = _below("cash_report", limit, hunt)
            yield Row(said, None, cash.operation, cash.day, cash.actor, cash.member, cash.amount, _in_or_out(cash))


def _into_drawers(hunt: Hunt) -> Iterator[Row]:
    history = hunt.amount_policy("drawer_limit", "0")
    for operation, kind, actor, day, contract, amount in hunt.stream(
        "SELECT o.id, o.kind, o.actor, e.effective_on, a.contract, p.amount"
        " FROM operation o CROSS JOIN entry e CROSS JOIN posting p CROSS JOIN account a"
        f" WHERE o.kind IN ('open-drawer', 'move-cash') AND e.operation_id = o.id AND {DATED} AND {NOT_UNDONE}"
        " AND p.entry_id = e.id AND p.amount > 0 AND a.id = p.account_id AND a.gl_code = '739'"
        " AND a.contract <> 'VAULT' ORDER BY o.id",
        *hunt.days,
    ):
        hunt.looked_at += 1
        if _just_below(int(amount), limit := in_force(history, operation)):
            said = _below("drawer_limit", limit, hunt)
            yield Row(said, None, operation, day, actor, f"739/{contract}", int(amount), kind)


def _below_roles(hunt: Hunt) -> Iterator[Row]:
    """Amounts just below what a role does alone, or at all, as the roles' records had it then (set-role)."""
    history: dict[str, list[tuple[int, str, int]]] = defaultdict(list)  # operation: since when, role, limit
    for role, number, text in hunt.stream(
        "SELECT ref, operation_id, body FROM record WHERE kind = ? ORDER BY operation_id", records.Role.kind
    ):
        body = records.Role.model_validate_json(text)
        for kind in {*body.alone, *body.most, *(kind for kind, told in history.items() if told)}:
            history[kind] += [(number, role, held.get(kind, 0)) for held in (body.alone, body.most)]
    if not history:
        return
    marks = ", ".join("?" * len(history))
    for operation, kind, actor, day, text in hunt.stream(
        f"SELECT o.id, o.kind, o.actor, o.business_date, o.sealed FROM operation o WHERE o.kind IN ({marks})"
        f" AND o.approver IS NULL AND {MADE} ORDER BY o.id",
        *history, *hunt.days,
    ):  # fmt: skip
        asked = json.loads(text)[10].get("amount")
        hunt.looked_at += 1
        amount = parse_amount(asked, hunt.currency) if isinstance(asked, str) else 0
        told = [each for each in history[kind] if each[0] < operation]
        limits = {role: {limit for at, who, limit in told if (at, who) == (since, role)}
                  for since, role, _limit in told}  # fmt: skip
        for role, now in sorted(limits.items()):
            for limit in sorted(now):
                if _just_below(amount, limit):
                    said = _below(f"{role}: {kind}", limit, hunt)
                    yield Row(said, None, operation, day, actor, "", amount, kind)


def _just_below(amount: int, limit: int) -> bool:
    return limit * (100 - BELOW) <= amount * 100 <= limit * 100 and limit > 0


def _below(policy: str, limit: int, hunt: Hunt) -> str:
    shown = format_amount(limit, hunt.currency, grouping=True)
    return _("just below {policy} of {limit}").format(policy=policy, limit=shown)


def _in_or_out(cash: _Cash) -> str:
    said = _("cash brought in {count} operations") if cash.amount > 0 else _("cash taken in {count} operations")
    return said.format(count=cash.count)


def split_payments(hunt: Hunt) -> Iterator[Row]:
    """Payments to one member in a day that only together are above what one person may pay out."""
    history = hunt.amount_policy("withdrawal_alone", "0")
    for _day, rows in groupby(_paid_alone(hunt), key=lambda paid: paid.day):
        by_member: dict[str, list[_Paid]] = defaultdict(list)
        for paid in rows:
            if paid.member:
                by_member[paid.member].append(paid)
        for member, parts in by_member.items():
            total, last = sum(part.amount for part in parts), parts[-1]
            if len(parts) > 1 and total > in_force(history, last.operation):
                said = _("{count} payments together above the limit").format(count=len(parts))
                who = ", ".join(dict.fromkeys(part.actor for part in parts))
                yield Row(said, None, last.operation, last.day, who, member, total, last.kind)


@dataclass(frozen=True, slots=True)
class _Lent:
    """A loan that was granted without a resolution, as no mandate reached so far."""

    operation: int
    loan: str
    actor: str
    day: str
    member: str
    amount: int
    body: str  # that would have had to decide it, had it been more than
    above: int


def _lent_below_mandate(hunt: Hunt) -> Iterator[_Lent]:
    """Loans below the limit from which a body decides, as it was when each was granted."""
    history: list[tuple[int, records.Mandate]] = [
        (int(number), records.Mandate.read(text))
        for number, text in hunt.stream(
            "SELECT operation_id, body FROM record WHERE kind = ? AND ref = ? ORDER BY version",
            records.Mandate.kind, GrantLoan.name,
        )
    ]  # fmt: skip
    if not history:
        return
    for number, loan, actor, day, member, sealed in hunt.stream(
        "SELECT o.id, r.ref, o.actor, o.business_date, r.about, o.sealed FROM operation o JOIN record r"
        f" ON r.operation_id = o.id AND r.kind = ? AND r.version = 1 WHERE o.kind = ? AND {MADE} ORDER BY o.id",
        records.Loan.kind, GrantLoan.name, *hunt.days,
    ):  # fmt: skip
        hunt.looked_at += 1
        request = json.loads(sealed)[10]
        amount = parse_amount(str(request[GrantLoan.decided_amount]), hunt.currency)
        mandate = next((body for since, body in reversed(history) if since < number), None)
        held = mandate is not None and not mandate.void and mandate.state == IN_FORCE and mandate.above is not None
        if not held or RESOLUTION.fullmatch(str(request.get("resolution") or "")):
            continue
        assert mandate is not None and mandate.above is not None
        if amount <= mandate.above and hunt.books.find(records.Loan, loan) is not None:
            yield _Lent(number, loan, actor, day, member, amount, mandate.body, mandate.above)


def split_loans(hunt: Hunt) -> Iterator[Row]:
    """Loans to one borrower, or to linked ones, that only together are more than may be lent without a resolution."""
    earlier: dict[frozenset[str], list[_Lent]] = defaultdict(list)
    people: dict[str, frozenset[str]] = {}
    for lent in _lent_below_mandate(hunt):
        if lent.member not in people:
            people[lent.member] = frozenset(linked_to(hunt.books, lent.member))
        since = (date.fromisoformat(lent.day) - timedelta(days=LOANS_WITHIN)).isoformat()
        parts = [each for each in earlier[people[lent.member]] if each.day >= since] + [lent]
        earlier[people[lent.member]] = parts
        total = sum(each.amount for each in parts)
        if len(parts) > 1 and total > lent.above:
            said = _("{count} loans in {days} days, together above {limit}, from which {body} decides").format(
                count=len(parts), days=LOANS_WITHIN, body=lent.body,
                limit=format_amount(lent.above, hunt.currency, grouping=True),
            )  # fmt: skip
            actors, members = (", ".join(dict.fromkeys(each)) for each in zip(*((e.actor, e.member) for e in parts),
                                                                               strict=True))  # fmt: skip
            loans = ", ".join(each.loan for each in parts)
            yield Row(said, None, lent.operation, lent.day, actors, members, total, loans)


def cash_of_one_person(hunt: Hunt) -> Iterator[Row]:
    """People who brought or took more cash in a day than the policy names, all drawers together."""
    history = hunt.amount_policy("cash_report", REPORTED_ABOVE)
    for cash in _cash_by_person(hunt):
        if abs(cash.amount) > in_force(history, cash.operation):
            yield Row(
                _in_or_out(cash), None, cash.operation, cash.day, cash.actor, cash.member or _("not a member"),
                cash.amount,
            )  # fmt: skip


TESTS = (
    AuditTest(
        "near-limits", marked("Just below limits"),
        marked("Who knows a limit can stay below it; one such amount says nothing, many do."),
        marked("payments and days"), near_limits,
    ),
    AuditTest(
        "split-payments", marked("Split payments"),
        marked("What takes two people may have been paid in parts by one."), marked("payments"), split_payments,
    ),
    AuditTest(
        "split-loans", marked("Split loans"),
        marked("What a body of members decides may have been lent in parts, none of which reached its limit."),
        marked("loans"), split_loans,
    ),
    AuditTest(
        "cash", marked("Much cash of one person"),
        marked("Cash of one person in a day above the limit may have to be reported; coopbank files nothing."),
        marked("operations with cash"), cash_of_one_person,
    ),
)  # fmt: skip
