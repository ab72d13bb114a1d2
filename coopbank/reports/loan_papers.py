"""What a borrower's papers show: the loan's story with what paper needs besides.

    loan_statement(books, "L-010", start, end)   a period of the loan: what is due and why, what was paid, what is left
    loan_schedule(books, "L-010")                every row, or how a share of surplus or revenue works, with an example
    loan_agreement(books, "L-010")               what was agreed, in plain sentences, and the box of a consumer's loan
    payoff(books, "L-010", day)                  what closes the loan on a day and on those after it
    late_notice(books, "L-010")                  what is unpaid since when

Amounts are by the contract, positive where the borrower owes or pays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.lending.contract import LINE, drawn, first_plan
from coopbank.errors import InvalidDate, WrongState
from coopbank.finance.disclosure import Disclosure, disclosure
from coopbank.finance.schedule import schedule
from coopbank.money import format_amount, round_minor
from coopbank.reports.dates import long_date
from coopbank.reports.document import Minor, Source
from coopbank.reports.explained import Question
from coopbank.reports.loan import LoanStory, StoryPeriod, StoryRow, explain, story
from coopbank.reports.member import LoanAccount, MemberReport, member
from coopbank.words import _

COMING_ROWS: Final = 6
PAYOFF_DAYS: Final = 7
_REPORTED: Final = ("surplus", "revenue")


@dataclass(frozen=True, slots=True)
class Borrower:
    """Who a paper about a loan goes to."""

    member: str
    name: str
    address: str
    entity: str  # person, organisation
    language: str


@dataclass(frozen=True, slots=True)
class LoanStatement:
    """A loan in a period. `points`: day and what was owed from then on, over the loan's whole life, for the chart."""

    source: Source
    borrower: Borrower
    start: date
    end: date
    days: int
    complete: bool
    story: LoanStory
    account: LoanAccount
    why: tuple[str, ...]  # sentences that recompute what is due
    deferred: bool  # nothing is due by the terms themselves, although interest runs
    coming: tuple[StoryRow, ...]
    cost_paid: Minor  # interest, cost and fees that were paid so far
    cost_cap: Minor | None  # what all of it may come to, as known now; None where there is no cap
    points: tuple[tuple[date, int], ...]


@dataclass(frozen=True, slots=True)
class Example:
    """What a year's surplus or revenue would make due; `kept` is what is left of it to the borrower."""

    reported: Minor
    due: Minor
    kept: Minor


@dataclass(frozen=True, slots=True)
class SchedulePaper:
    """The schedule in force; of a loan repaid by reports its periods so far and examples instead."""

    source: Source
    borrower: Borrower
    story: LoanStory
    rows: tuple[StoryRow, ...]
    total_principal: Minor
    total_interest: Minor
    total_payment: Minor
    periods: tuple[StoryPeriod, ...]
    examples: tuple[Example, ...]
    share_percent: str
    cap_percent: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was agreed. `box` is that of the Truth in Lending rules, for a person's loan on a schedule only."""

    source: Source
    borrower: Borrower
    story: LoanStory
    promises: tuple[str, ...]
    box: Disclosure | None
    box_apr: str
    examples: tuple[Example, ...]
    share_percent: str
    cap_percent: str


@dataclass(frozen=True, slots=True)
class PayoffDay:
    """What closes the loan on a day."""

    day: date
    amount: Minor


@dataclass(frozen=True, slots=True)
class PayoffLetter:
    """What closes a loan, part by part on the first day, and all together on the days after it."""

    source: Source
    borrower: Borrower
    story: LoanStory
    day: date
    principal: Minor
    interest: Minor
    fees: Minor
    total: Minor
    days: tuple[PayoffDay, ...]
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LateNotice:
    """What is unpaid of a loan on the business date."""

    source: Source
    borrower: Borrower
    story: LoanStory
    day: date
    unpaid: tuple[tuple[date, int, int], ...]  # due on, asked for, of it paid
    total: Minor
    days_late: int
    late_fee: str  # the rule; empty: none
    why: tuple[str, ...]


def loan_statement(books: Books, ref: str, start: date, end: date) -> LoanStatement:
    """A loan in a period; refuses a number that there is not and a period that has not begun."""
    body = books.get(records.Loan, ref, "loan")
    whole = member(books, body.member, start, end)
    account = next((loan for loan in whole.loans if loan.ref == ref), None)
    if account is None:
        raise WrongState(
            "Nothing of loan {loan} stands in that period.", field="from", loan=ref,
            hint="Choose a period in which it was owed.",
        )  # fmt: skip
    told = story(books, ref, account.as_of)
    return LoanStatement(
        source=whole.source, borrower=_borrower(whole), start=start, end=end, days=whole.days, complete=whole.complete,
        story=told, account=account, why=_why(books, ref, "due", account.as_of), deferred=_deferred(told),
        coming=tuple(row for row in _agreed_rows(told) if row.due > account.as_of)[:COMING_ROWS],
        cost_paid=told.paid_interest + told.paid_fees, cost_cap=told.cap, points=tuple(_points(books, told, end)),
    )  # fmt: skip


def _borrower(report: MemberReport) -> Borrower:
    return Borrower(report.member, report.name, report.address, report.entity, report.language)


def _borrower_of(books: Books, ref: str) -> Borrower:
    body = books.get(records.Member, ref, "member")
    return Borrower(ref, books.personal(body.name), books.personal(body.address), body.entity, body.language)


def _why(books: Books, ref: str, what: Question, day: date) -> tuple[str, ...]:
    """The sentences of an explanation; nothing for a loan that is not paid out."""
    try:
        return tuple(explain(books, ref, what, day if what == "payoff" else None, day).sentences)
    except WrongState:
        return ()


def _deferred(told: LoanStory) -> bool:
    return told.state == "active" and told.repayment in _REPORTED and not told.due_now and not told.days_late


def _points(books: Books, told: LoanStory, end: date) -> Iterator[tuple[date, int]]:
    """What was owed from the first day on which money went out, by the member's own lines."""
    if told.disbursed_on is None or told.disbursed_on > end:
        return
    whole = member(books, told.member, told.disbursed_on, end)
    account = next((loan for loan in whole.loans if loan.ref == told.loan), None)
    if account is None:
        return
    last: dict[date, int] = {told.disbursed_on: account.opening}
    for line in account.lines:
        last[line.on] = line.balance
    yield from sorted(last.items())
    if account.as_of not in last:
        yield account.as_of, account.closing


# ------------------------------------------------------------------------------ the schedule


def loan_schedule(books: Books, ref: str) -> SchedulePaper:
    """Every row of the schedule in force."""
    told = story(books, ref)
    share, cap = _share_and_cap(told)
    rows = _agreed_rows(told)
    return SchedulePaper(
        source=told.source, borrower=_borrower_of(books, told.member), story=told, rows=rows,
        total_principal=sum(row.principal for row in rows), total_interest=sum(row.interest for row in rows),
        total_payment=sum(row.payment for row in rows), periods=told.periods,
        examples=tuple(_examples(told)), share_percent=share, cap_percent=cap,
    )  # fmt: skip


def _agreed_rows(told: LoanStory) -> tuple[StoryRow, ...]:
    """The rows whose amounts were agreed; those of a line of credit are days alone, and amounts follow its use."""
    return () if told.repayment == LINE else told.rows


def _share_and_cap(told: LoanStory) -> tuple[str, str]:
    document = _terms(told)
    if told.repayment not in _REPORTED:
        return "", ""
    return str(document["share_percent"]), str(document.get("cost_cap_percent", "50"))


def _terms(told: LoanStory) -> Mapping[str, Any]:
    """What was agreed last and not taken back."""
    return next(terms.document for terms in reversed(told.terms) if terms.taken_back_by is None)


def _examples(told: LoanStory) -> Iterator[Example]:
    """A year without surplus, and years of half of and all of what was lent: what would be due of each."""
    if told.repayment not in _REPORTED:
        return
    share = Fraction(Decimal(str(_terms(told)["share_percent"]))) / 100
    for reported in (0, told.principal // 2, told.principal):
        due = min(round_minor(share * reported), _most(told))
        yield Example(reported, due, reported - due)


def _most(told: LoanStory) -> int:
    """No payment asks for more than is owed; of a share of revenue, than its multiple of what was lent."""
    if told.repayment == "revenue":
        return round_minor(Fraction(Decimal(str(_terms(told)["multiple"]))) * told.principal)
    return told.owed if told.lent else told.principal


# ----------------------------------------------------------------------------- the agreement


def loan_agreement(books: Books, ref: str) -> Agreement:
    """What was agreed when the loan was granted, and what holds of it now."""
    told = story(books, ref)
    borrower = _borrower_of(books, told.member)
    share, cap = _share_and_cap(told)
    box = _box(told) if borrower.entity == "person" and told.repayment == "schedule" else None
    return Agreement(
        source=told.source, borrower=borrower, story=told, promises=tuple(_promises(told)), box=box,
        box_apr="" if box is None else str(box.as_document()["apr"]), examples=tuple(_examples(told)),
        share_percent=share, cap_percent=cap,
    )  # fmt: skip


def _box(told: LoanStory) -> Disclosure:
    """The Truth in Lending box of the first terms, as if all were paid out on the first day."""
    day = told.disbursed_on or told.as_of
    plan = first_plan(told.terms[0].document, day, told.principal)
    return disclosure(schedule(drawn(plan, told.source.currency).terms))


def _promises(told: LoanStory) -> Iterator[str]:
    """What the terms promise to the borrower; only what is true of them."""
    amounts = told.source.currency
    if told.repayment in _REPORTED:
        document = _terms(told)
        share = document["share_percent"]
        if told.repayment == "surplus":
            yield _("You pay only out of surplus: {share} % of it, after your report is accepted.").format(share=share)
            yield _("A period without a surplus asks for nothing, and you are not late.")
            yield _("No payment is more than the surplus that you reported.")
            yield _("All that the loan costs you is at most {cap} % of your surplus.").format(
                cap=document.get("cost_cap_percent", "50")
            )
        else:
            yield _("You pay {share} % of your revenue, after your report is accepted.").format(share=share)
            most = format_amount(_most(told), amounts, grouping=True)
            yield _("You never pay more than {amount} in all.").format(amount=most)
        yield _("What is not paid by {day} is looked at together; nothing is added for lateness.").format(
            day=long_date(told.last_due)
        )
    else:
        yield _("Interest is simple: no interest is charged on interest.")
    late = next((terms.late_fee for terms in reversed(told.terms) if terms.late_fee), "")
    yield _("Late fee: {rule}.").format(rule=late) if late else _("There are no late fees.")
    yield _("You may pay early at any time, and that costs nothing.")
    if told.collateral:
        bought = ", ".join(security.asset for security in told.collateral if security.state == "pledged")
        if bought:
            yield _("Only what was bought with the loan secures it: {assets}.").format(assets=bought)
    else:
        yield _("Nothing is pledged for this loan.")


# -------------------------------------------------------------------------------- the payoff


def payoff(books: Books, ref: str, day: date | None = None) -> PayoffLetter:
    """What closes a loan that is owed; refuses one that is not, and a day that has passed."""
    today = books.business_date() or date.min
    day = day or today
    if day < today:
        raise InvalidDate(
            "{day} has passed; the books stand at {today}.", field="to", day=day, today=today,
            hint="A payoff is told for the business date or a later day.",
        )  # fmt: skip
    told = story(books, ref, day)
    if told.state not in ("active", "charged-off"):
        raise WrongState("Nothing is owed on loan {loan}: there is nothing to pay off.", field="loan", loan=ref)
    days = tuple(
        PayoffDay(on, story(books, ref, on).payoff) for on in (day + timedelta(days=n) for n in range(PAYOFF_DAYS))
    )
    return PayoffLetter(
        source=told.source, borrower=_borrower_of(books, told.member), story=told, day=day,
        principal=told.owed_principal, interest=told.payoff - told.owed_principal - told.owed_fees,
        fees=told.owed_fees, total=told.payoff, days=days, why=_why(books, ref, "payoff", day),
    )  # fmt: skip


# ------------------------------------------------------------------------------ late payments


def late_notice(books: Books, ref: str) -> LateNotice:
    """What is unpaid since before the business date; refuses a loan of which nothing is late."""
    told = story(books, ref)
    if not told.due_now or not told.days_late:
        raise WrongState(
            "Nothing of loan {loan} is late: no notice is due.", field="loan", loan=ref, hint="{words}",
            words=told.words,
        )  # fmt: skip
    unpaid = [(row.due, row.payment, row.paid) for row in told.rows if row.due < told.as_of and row.paid < row.payment]
    unpaid += [
        (period.due_on, period.due, period.paid)
        for period in told.periods
        if period.due_on is not None and period.due_on < told.as_of and period.unpaid
    ]
    return LateNotice(
        source=told.source, borrower=_borrower_of(books, told.member), story=told, day=told.as_of,
        unpaid=tuple(unpaid), total=told.due_now, days_late=told.days_late,
        late_fee=next((terms.late_fee for terms in reversed(told.terms) if terms.late_fee), ""),
        why=_why(books, ref, "due", told.as_of),
    )  # fmt: skip
