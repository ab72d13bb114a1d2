"""A loan's whole story, on a day: who borrowed what, what was agreed and changed, what happened, how it stands.

    story(books, "L-010", as_of)       LoanStory
    explain(books, "L-010", ...)       any figure of it in a plain sentence that recomputes: see explained.py

A past day shows the loan as the books knew it then: what was typed or taken back later is not in
it. A day to come shows what will be if nothing is paid. Amounts are by the contract unless they
stand under `books`, which says what each fund's accounts hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, TypeVar

from coopbank.bank import records
from coopbank.bank.books import Books, loads
from coopbank.bank.lending.accounts import LoanAccount, account_on
from coopbank.bank.lending.allowance import grade_of
from coopbank.bank.lending.delinquency import classify
from coopbank.bank.lending.flows import balance
from coopbank.bank.lending.position import Position, position
from coopbank.bank.lending.scheduled import ScheduledRun
from coopbank.bank.lending.standing import Parts
from coopbank.bank.waterfall import still_borne
from coopbank.money import format_amount
from coopbank.reports.document import Minor, Source, source
from coopbank.reports.explained import Explained, explain
from coopbank.reports.loan_lines import Told, changes
from coopbank.reports.loan_words import due_words, period_name
from coopbank.words import _

__all__ = [
    "Bearer",
    "Explained",
    "FundPart",
    "LoanStory",
    "Security",
    "StoryEvent",
    "StoryPeriod",
    "StoryRow",
    "TermsVersion",
    "explain",
    "story",
]

B = TypeVar("B", bound=records.Body)

#: The accounts of a loan, in the order in which they are shown.
ACCOUNTS: Final = ("701", "781", "791", "M10", "M20", "M30", "M40")
#: What of an event's data is an amount.
_AMOUNTS: Final = frozenset(
    {"amount", "interest", "fees", "principal", "surplus", "revenue", "lent", "paid_principal", "paid_interest", "memo"}
)


@dataclass(frozen=True, slots=True)
class FundPart:
    """A fund's part of a loan, or a peer's, and what the accounts hold of it (`books`: 701, 781 and so on), debit +."""

    fund: str
    percent: str
    books: Mapping[str, Minor]


@dataclass(frozen=True, slots=True)
class TermsVersion:
    """What was agreed from a day on; `asked_by` and `approved_by` of the operation that agreed it."""

    version: int
    from_day: date
    change: str  # granted, rate, due-date, extension, re-amortization, holiday, outer-date, taken over
    why: str
    document: Mapping[str, Any]
    changed: tuple[str, ...]  # names of what differs from the version before
    order: tuple[str, ...]
    early: str
    late_fee: str
    operation: int
    posted_on: date
    asked_by: str
    approved_by: str | None
    taken_back_by: int | None
    words: str


@dataclass(frozen=True, slots=True)
class StoryEvent:
    """Something that happened, with the operation that told it; `taken_back_by` is the one that took it back."""

    number: int
    type: str
    on: date  # its value date
    posted_on: date
    operation: int
    kind: str
    by: str
    approved_by: str | None
    taken_back_by: int | None
    words: str
    amounts: Mapping[str, Minor]
    details: Mapping[str, Any]
    paid_fees: Minor  # how what was paid is shared, in its place among all that is known now
    paid_interest: Minor
    paid_principal: Minor


@dataclass(frozen=True, slots=True)
class StoryRow:
    """A row of the schedule, and what became of it."""

    n: int
    due: date
    principal: Minor
    interest: Minor
    payment: Minor
    balance: Minor
    paid: Minor
    state: str


@dataclass(frozen=True, slots=True)
class StoryPeriod:
    """A period of a loan repaid by reports; `cap_room` is what interest could be taken when its report was accepted."""

    n: int
    name: str
    start: date
    end: date  # the first day after it
    report: str  # running, awaited, overdue, filed, accepted
    report_due: date
    days_overdue: int
    version: int
    surplus: Minor
    cumulative_surplus: Minor
    revenue: Minor
    ceiling: Minor
    due: Minor
    due_on: date | None
    paid: Minor
    unpaid: Minor
    cap_room: Minor


@dataclass(frozen=True, slots=True)
class Security:
    """Something that was bought with the loan and secures it, or secured it."""

    ref: str
    asset: str
    cost: Minor
    paid_from: int
    pledged_on: date
    lien: str
    state: str
    released_on: date | None


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who bore a part of the loss, by the fund's waterfall, and what they still bear of it; minor units."""

    fund: str  # whose loss it is
    absorber: str  # as bank/waterfall.py names it: reserve:RESERVE
    bore: Minor
    bears: Minor


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanStory:
    """A loan on a day. `projected`: the day is to come, and nothing is paid until then."""

    source: Source
    loan: str
    as_of: date
    projected: bool
    member: str
    name: str
    state: str
    purpose: str
    product: str
    product_version: int
    product_title: str
    repayment: str
    fund: str
    funds: tuple[FundPart, ...]
    principal: Minor  # what was agreed, or the limit of a line
    annual_rate: str  # in force
    installments: int | None
    payment: Minor
    application: str | None
    granted_on: date
    granted_by: str
    approved_by: str | None
    disbursed_on: date | None
    last_due: date
    replaced_by: str | None
    terms: tuple[TermsVersion, ...]
    events: tuple[StoryEvent, ...]
    lent: Minor
    owed: Minor
    owed_principal: Minor
    interest_to_date: Minor
    owed_fees: Minor
    paid_principal: Minor
    paid_interest: Minor
    paid_fees: Minor
    waived: Minor
    given_up: Minor
    overpaid: Minor
    basis: str
    books: Mapping[str, Minor]  # all funds, as the books knew them on the day
    books_later: Mapping[str, Minor]  # dated up to the day and entered after it, as a month's interest is
    accrued_to: date | None  # interest stands in the books up to this day, that day not counted
    payoff: Minor
    due_now: Minor
    due_fees: Minor
    due_interest: Minor
    due_principal: Minor
    due_before: Minor  # of it, what was due when the schedule in force began
    due_since: date | None
    days_late: int
    next_due: date | None
    next_amount: Minor
    available: Minor
    held: Minor  # of a line, what a cheque repaid that may still come back
    cap: Minor | None
    bucket: str
    words: str
    grade: str | None
    reserve: Minor | None
    modified: bool
    rows: tuple[StoryRow, ...]
    periods: tuple[StoryPeriod, ...]
    collateral: tuple[Security, ...]
    bearers: tuple[Bearer, ...]  # of its loss, in the order in which they are hit


def story(books: Books, ref: str, as_of: date | None = None) -> LoanStory:
    """The loan on a day, on the business date if none is given; refuses a number that there was not."""
    origin = source(books)
    today = origin.business_date or date.max
    day = as_of or today
    account = account_on(books, ref, day)
    at = position(account, day)
    body, standing, due = at.loan, at.standing, at.due
    known = min(day, today).isoformat()
    parts = tuple(_parts(body))
    product = _product(books, body)
    return LoanStory(
        source=origin, loan=ref, as_of=day, projected=day > today, member=body.member,
        name=books.member_name(body.member), state=at.state, purpose=body.purpose, product=body.product,
        product_version=body.product_version, product_title=product, repayment=body.repayment, fund=body.fund,
        funds=parts, principal=body.principal, annual_rate=body.annual_rate,
        installments=at.contract.document.get("installments"), payment=at.payment, application=body.application,
        granted_on=date.fromisoformat(body.granted_on), granted_by=body.granted_by, approved_by=body.approved_by,
        disbursed_on=_day(body.disbursed_on), last_due=at.last_due, replaced_by=body.replaced_by,
        terms=tuple(_terms(books, ref, known, origin.currency)),
        events=tuple(_events(account, known, origin.currency)),
        lent=standing.lent, owed=standing.owed, owed_principal=standing.principal, interest_to_date=standing.interest,
        owed_fees=standing.fees, paid_principal=standing.principal_paid, paid_interest=standing.interest_paid,
        paid_fees=standing.fees_paid, waived=standing.waived, given_up=standing.given_up, overpaid=standing.overpaid,
        basis=standing.basis, books={code: sum(part.books[code] for part in parts) for code in ACCOUNTS},
        books_later=_entered_later(books, ref, day) if day < today else {},
        accrued_to=_day(body.accrued_to), payoff=at.payoff, due_now=at.due_now, due_fees=due.fees,
        due_interest=due.interest, due_principal=due.principal, due_before=_due_before(account, at),
        due_since=at.due_since, days_late=at.days_late,
        next_due=at.next_due, next_amount=at.next_amount, available=at.available, held=at.held, cap=standing.cap,
        bucket=_bucket(account, at, day), words=due_words(at, origin.currency), grade=grade_of(body),
        reserve=body.reserve, modified=body.modified, rows=tuple(_rows(at)), periods=tuple(_periods(at)),
        collateral=tuple(_collateral(books, ref, known)), bearers=tuple(_bearers(books, ref, body, known)),
    )  # fmt: skip


def _entered_later(books: Books, ref: str, day: date) -> dict[str, int]:
    """What the balances of a day by effective date have, and nobody knew on it."""
    marks = ", ".join("?" * len(ACCOUNTS))
    return {
        gl_code: int(amount)
        for gl_code, amount in books.tx.rows(
            "SELECT a.gl_code, sum(p.amount) FROM account a JOIN posting p ON p.account_id = a.id JOIN entry e"
            " ON e.id = p.entry_id JOIN operation o ON o.id = e.operation_id WHERE a.contract = ? AND a.gl_code IN"
            f" ({marks}) AND e.effective_on <= ? AND o.business_date > ? GROUP BY a.gl_code ORDER BY a.gl_code",
            ref, *ACCOUNTS, day.isoformat(), day.isoformat(),
        )
        if amount
    }  # fmt: skip


def _bearers(books: Books, ref: str, body: records.Loan, known: str) -> Iterator[Bearer]:
    """By the attribution of its charge-off; a charge-off that was taken back has none."""
    told = books.find(records.LossAttribution, ref)
    if told is None or told.on > known or body.state != "charged-off":
        return
    for fund, shares in told.shares.items():
        now = {share.number: share.amount for share in still_borne(body.borne, fund)}
        for number, absorber, amount in shares:
            yield Bearer(fund, str(absorber), int(amount), now.get(int(number), 0))


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _bucket(account: LoanAccount, at: Position, day: date) -> str:
    return classify(account, day).bucket if at.state in ("active", "charged-off") else ""


def _due_before(account: LoanAccount, at: Position) -> int:
    """What was billed before the schedule in force began and is not paid: it stands in no row."""
    run = account.run()
    if not isinstance(run, ScheduledRun) or at.standing.charged_off:
        return 0
    return min(max(0, run.state.billed - run.state.counted), at.standing.due.bills)


def _product(books: Books, body: records.Loan) -> str:
    text = books.tx.value(
        "SELECT body FROM record WHERE kind = ? AND ref = ? AND version = ?", records.Product.kind, body.product,
        body.product_version,
    )  # fmt: skip
    return "" if text is None else str(loads(text)["title"])


def _parts(body: records.Loan) -> Iterator[FundPart]:
    whole = sum(body.shares.values())
    for name, share in sorted(body.shares.items(), key=lambda part: (-part[1], part[0])):
        percent = format((Decimal(share * 100) / whole).normalize(), "f")
        flows = body.book.get(name, {})
        fund, _at, peer = name.partition("@")
        yield FundPart(peer or fund, percent, {code: balance(flows, code, name) for code in ACCOUNTS})


# ------------------------------------------------------------------------------------- terms


def _terms(books: Books, ref: str, known: str, currency: str) -> Iterator[TermsVersion]:
    rows = books.tx.rows(
        "SELECT t.version, t.body, t.operation_id, o.actor, o.approver, o.business_date FROM record t"
        " JOIN operation o ON o.id = t.operation_id"
        " WHERE t.kind = ? AND t.ref = ? AND o.business_date <= ? ORDER BY t.version",
        records.LoanTerms.kind, ref, known,
    )  # fmt: skip
    undone = _taken_back(books, ref, known)
    before: Mapping[str, Any] = {}
    for version, text, operation, actor, approver, posted_on in rows:
        body = records.LoanTerms.model_validate_json(text)
        changed = tuple(
            name for name in sorted({*before, *body.document}) if before.get(name) != body.document.get(name)
        )
        back = undone.get(int(operation))
        yield TermsVersion(
            version=int(version), from_day=date.fromisoformat(body.from_day), change=body.change, why=body.why,
            document=body.document, changed=changed if before else (), order=tuple(body.order), early=body.early,
            late_fee=_late_fee(body.late_fee, currency), operation=int(operation),
            posted_on=date.fromisoformat(posted_on), asked_by=actor, approved_by=approver, taken_back_by=back,
            words=_changed(body.document, before, changed) if before else terms_words(body.document, body.repayment),
        )  # fmt: skip
        before = before if back else body.document


def _taken_back(books: Books, ref: str, known: str) -> dict[int, int]:
    """Operations whose events were taken back, and by which operation."""
    return {
        int(told): int(back)
        for told, back in books.tx.rows(
            "SELECT e.operation_id, v.operation_id FROM record e JOIN record v ON v.kind = e.kind AND v.ref = e.ref"
            " AND v.version = 2 JOIN operation o ON o.id = v.operation_id"
            " WHERE e.about = ? AND e.kind || '' = ? AND e.version = 1 AND o.business_date <= ?",
            ref, records.LoanEvent.kind, known,
        )
    }  # fmt: skip


def _late_fee(fee: Mapping[str, Any] | None, currency: str) -> str:
    """`5 % of the late payment, after 15 days`; nothing where there is none."""
    if fee is None:
        return ""
    if "flat" in fee:
        amount = format_amount(fee["flat"], currency, grouping=True)
        return _("{amount} after {days} days").format(amount=amount, days=fee["after_days"])
    return _("{percent} % of the late payment after {days} days").format(
        percent=fee["percent"], days=fee["after_days"]
    )  # fmt: skip


def terms_words(document: Mapping[str, Any], repayment: str) -> str:
    """The terms in one line."""
    if repayment in ("surplus", "revenue"):
        what = _("surplus") if repayment == "surplus" else _("revenue")
        words = _("{share} % of the {what}, until {day}").format(
            share=document["share_percent"], what=what, day=document["outer_date"]
        )
        if repayment == "revenue":
            return _("{multiple} times what was lent, by {share}").format(multiple=document["multiple"], share=words)
        cap = document.get("cost_cap_percent", "50")
        return _("{rate} %, {share}; cost at most {cap} %").format(rate=document["annual_rate"], share=words, cap=cap)
    return _("{rate} %, {count} payments, every {every}").format(
        rate=document["annual_rate"], count=document["installments"], every=_every(document.get("every"))
    )


def _every(every: Mapping[str, int] | None) -> str:
    (unit, count), *_rest = (every or {"months": 1}).items()
    if count == 1:
        return {"days": _("day"), "weeks": _("week"), "months": _("month"), "years": _("year")}[unit]
    named = {"days": _("{n} days"), "weeks": _("{n} weeks"), "months": _("{n} months"), "years": _("{n} years")}
    return named[unit].format(n=count)


def _changed(now: Mapping[str, Any], before: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """`annual_rate 10, now 6`."""
    said = _("{name} {before}, now {now}")
    return "; ".join(
        said.format(name=name, before=_value(before.get(name)), now=_value(now.get(name))) for name in names
    )


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{count} {unit}" for unit, count in value.items())
    return "-" if value is None else str(value)


# ------------------------------------------------------------------------------------ events


def _events(account: LoanAccount, known: str, currency: str) -> Iterator[StoryEvent]:
    """Every event that was told by a day, in the order in which the bank heard of them."""
    books, ref = account.books, account.ref
    rows = books.tx.rows(
        "SELECT r.body, r.operation_id, o.kind, o.actor, o.approver, o.business_date,"
        " (SELECT v.operation_id FROM record v JOIN operation u ON u.id = v.operation_id"
        "   WHERE v.kind = r.kind AND v.ref = r.ref AND v.version = 2 AND u.business_date <= ?)"
        " FROM record r JOIN operation o ON o.id = r.operation_id"
        " WHERE r.about = ? AND r.kind || '' = ? AND r.version = 1 AND o.business_date <= ? ORDER BY r.ref",
        known, ref, records.LoanEvent.kind, known,
    )  # fmt: skip
    shared, now = changes(books, ref), _shared_now(account)
    for text, operation, kind, actor, approver, posted_on, back in rows:
        body = records.LoanEvent.model_validate_json(text)
        told = shared.get(int(operation), Told()) if body.type == "payment" else Told()
        paid = now.get(body.number, Parts(told.fees_paid, told.interest_paid, told.principal_paid))
        data = body.data
        yield StoryEvent(
            number=body.number, type=body.type, on=date.fromisoformat(body.on),
            posted_on=date.fromisoformat(posted_on), operation=int(operation), kind=kind, by=actor,
            approved_by=approver, taken_back_by=None if back is None else int(back),
            words=event_words(body.type, data, currency),
            amounts={name: data[name] for name in data if name in _AMOUNTS and data[name] is not None},
            details={name: data[name] for name in data if name not in _AMOUNTS and not isinstance(data[name], list)},
            paid_fees=paid.fees, paid_interest=paid.interest, paid_principal=paid.principal,
        )  # fmt: skip


def _shared_now(account: LoanAccount) -> dict[int, Parts]:
    """How each payment on a schedule is shared in its place among all that is known: a late one changes later ones.

    Of a share of surplus or revenue each stands as its operation shared it.
    """
    if account.is_reported:
        return {}
    run, found = ScheduledRun(account.contracts, account.body.principal, account.currency), {}
    for fact in account.facts:
        run.apply(fact)
        if fact.type == "payment":
            found[fact.number] = Parts(*run.state.last_parts)
    return found


def event_words(type_: str, data: Mapping[str, Any], currency: str) -> str:
    """What happened, in one line."""
    shown = {
        name: format_amount(value, currency, grouping=True) for name, value in data.items()
        if name in _AMOUNTS and value is not None
    }  # fmt: skip
    simple = {
        "opening": _("Taken over from old records"), "accrual": _("Interest is income again"),
        "charge-off": _("Charged off: still owed, and no interest runs"),
        "close-line": _("Nothing more is paid out"),
    }  # fmt: skip
    if type_ in simple:
        return simple[type_]
    if type_ in ("advance", "payment", "fee", "write-down"):
        return _money_words(type_, data, shown)
    if type_ == "waiver":
        parts = [_("{amount} of interest").format(amount=shown["interest"])] if "interest" in shown else []
        parts += [_("{amount} of fees").format(amount=shown["fees"])] if "fees" in shown else []
        return _("Waived: {parts}").format(parts=", ".join(parts))
    if type_ in ("report-filed", "report-accepted"):
        return _report_words(type_, data, shown)
    return _change_words(type_, data)


def _money_words(type_: str, data: Mapping[str, Any], shown: Mapping[str, str]) -> str:
    if type_ == "advance":
        return _("Paid out: {amount}").format(amount=shown["amount"])
    if type_ == "fee":
        return _("Fee of {amount}, for the payment due on {day}").format(amount=shown["amount"], day=data.get("due"))
    if type_ == "write-down":
        words = _("{amount} of principal is owed no more, as a gift") if data.get("gift") else _(
            "{amount} of principal is owed no more"
        )  # fmt: skip
        return words.format(amount=shown["principal"])
    ahead = {"shorten": _("ends the loan earlier"), "lower": _("lowers the payments")}.get(str(data.get("early")))
    words = _("Payment of {amount}").format(amount=shown["amount"])
    return _("{payment}; what is early {how}").format(payment=words, how=ahead) if ahead else words


def _report_words(type_: str, data: Mapping[str, Any], shown: Mapping[str, str]) -> str:
    if type_ == "report-accepted":
        return _("Report {period}, version {version}, accepted").format(
            period=data["period"], version=data["version"]
        )  # fmt: skip
    named = {"surplus": _("surplus"), "revenue": _("revenue")}
    figures = ", ".join(f"{named[name]} {shown[name]}" for name in named if name in shown)
    return _("Report {period}, version {version}, filed: {figures}").format(
        period=data["period"], version=data["version"], figures=figures
    )


def _change_words(type_: str, data: Mapping[str, Any]) -> str:
    if type_ == "pause":
        if data.get("until"):
            return _("No interest runs through {day}").format(day=data["until"])
        return _("No interest runs any more")
    if type_ == "non-accrual":
        if data["method"] == "recovery":
            return _("Interest is no income; money received repays principal in the books")
        return _("Interest is income only where it is paid")
    if type_ == "terms":
        return _("New terms, version {version}").format(version=data["version"])
    return type_


# --------------------------------------------------------------------- rows, periods, security


def _rows(at: Position) -> Iterator[StoryRow]:
    for row in at.rows:
        yield StoryRow(
            row.n, row.due, row.principal, row.interest, row.payment, row.balance, row.paid, row.state
        )  # fmt: skip


def _periods(at: Position) -> Iterator[StoryPeriod]:
    for row in at.periods:
        yield StoryPeriod(
            n=row.number, name=period_name(row), start=row.start, end=row.end, report=row.report,
            report_due=row.report_due, days_overdue=row.days_overdue, version=row.version, surplus=row.surplus,
            cumulative_surplus=row.cumulative_surplus, revenue=getattr(row, "revenue", 0), ceiling=row.ceiling,
            due=row.due, due_on=row.due_on, paid=row.paid, unpaid=row.unpaid, cap_room=getattr(row, "cap_room", 0),
        )  # fmt: skip


def _collateral(books: Books, ref: str, known: str) -> Iterator[Security]:
    """The register as it stood on a day."""
    rows = books.tx.rows(
        "SELECT r.ref, r.body FROM record r JOIN operation o ON o.id = r.operation_id"
        " WHERE r.about = ? AND r.kind || '' = ? AND o.business_date <= ? ORDER BY r.ref, r.version",
        ref, records.Collateral.kind, known,
    )  # fmt: skip
    latest = {name: records.Collateral.model_validate_json(text) for name, text in rows}
    for name, body in latest.items():
        if not body.void:
            yield Security(
                name, body.asset, body.cost, body.paid_from, date.fromisoformat(body.pledged_on), body.lien,
                body.state, _day(body.released_on),
            )  # fmt: skip
