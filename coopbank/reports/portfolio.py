"""The loan portfolio: each loan as it stood on a day, by how late it is, and what of it is at risk.

PAR30 and PAR90 are the principal of loans with anything more than 30 or 90 days late,
over the principal of all loans (CGAP's consensus definition). Both parts are kept, so that a ratio
can be checked and added up over funds. Loans that are deferred by their terms, that await a
report or that were modified for a borrower in trouble are told apart, and hidden nowhere.
Charged-off loans are no part of it: they are counted beside it.

Sums of principal are what the books carry (account 701), so that they are those of the
balance sheet, fund by fund; `owed` of a single loan is what its contract says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.money import round_ratio
from coopbank.reports.document import Minor, Source, source
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.bank.lending.accounts import LoanAccount
    from coopbank.bank.lending.delinquency import Delinquency
    from coopbank.bank.lending.position import Position


@dataclass(frozen=True, slots=True)
class PortfolioLoan:
    """A loan on a day; all amounts are what the borrower owes or paid, positive."""

    ref: str
    member: str
    name: str
    fund: str
    purpose: str
    state: str
    annual_rate: str
    agreed: Minor
    owed: Minor  # principal
    accrued: Minor  # interest unpaid to the day
    due_now: Minor
    days_late: int
    next_due: date | None
    next_amount: Minor
    last_due: date
    repayment: str  # schedule, line, surplus, revenue
    bucket: str  # current, 1-30 ... over 180; deferred by terms, due, late, report overdue
    report_days_late: int
    carried: Minor  # principal in the books
    non_accrual: bool
    modified: bool
    grade: str | None
    reserve: Minor | None  # a specific allowance


@dataclass(frozen=True, slots=True)
class Bucket:
    """Loans that are late by so many days, or that stand beside those."""

    name: str
    from_days: int
    to_days: int | None
    loans: int
    owed: Minor
    due_now: Minor
    code: str = ""
    longest: int = 0  # days by which the oldest of them ages


@dataclass(frozen=True, slots=True)
class FundRisk:
    """What is at risk of one fund's part of the loans; ratios in hundredths of a percent."""

    code: str
    loans: int
    owed: Minor
    at_risk_30: Minor
    at_risk_90: Minor
    par30_bp: int
    par90_bp: int
    deferred: Minor
    report_overdue: Minor
    modified: Minor
    non_accrual: Minor


@dataclass(frozen=True, slots=True)
class Portfolio:
    """All loans that were granted or owed on a day. Ratios are in hundredths of a percent (1234 is 12.34 %)."""

    source: Source
    as_of: date
    loans: tuple[PortfolioLoan, ...]
    buckets: tuple[Bucket, ...]
    owed: Minor
    accrued: Minor
    due_now: Minor
    granted: Minor  # granted and not yet paid out
    at_risk_30: Minor
    at_risk_90: Minor
    par30_bp: int
    par90_bp: int
    beside: tuple[Bucket, ...]  # loans that reports repay
    funds: tuple[FundRisk, ...]
    deferred: Minor
    modified: Minor
    modified_at_risk_30: Minor
    non_accrual: Minor
    charged_off_loans: int
    charged_off: Minor  # still owed on them, in no sum
    proposed: tuple[str, ...]  # so late that they should be put on non-accrual


@dataclass(frozen=True, slots=True)
class SeenLoan:
    """A loan that was read: its lateness, and what each fund's books carry."""

    account: LoanAccount
    late: Delinquency
    carried: dict[str, int]

    def of(self, fund: str | None) -> int:
        """Principal in the books, of one fund or of all."""
        return sum(self.carried.values()) if fund is None else self.carried.get(fund, 0)


def portfolio(books: Books, as_of: date | None = None) -> Portfolio:
    """The loans as the books had them at the end of a day; on the business date if no day is given."""
    # not on top: the other reports need not wait for it
    from coopbank.bank.lending.delinquency import is_proposed, non_accrual_days
    from coopbank.bank.lending.position import position

    origin = source(books)
    day = as_of or origin.business_date or date.min
    read = read_loans(books, day, origin)
    out = [each for each in read if each.account.body.state == "active"]
    off = [each for each in read if each.account.body.state == "charged-off"]
    granted = [each for each in read if each.account.body.state == "granted"]
    loans = {each.account.ref: position(each.account, day) for each in read if each not in off}
    whole, late_days = _risk("", out, None), non_accrual_days(books)
    buckets, beside = _buckets(out)
    return Portfolio(
        source=origin, as_of=day,
        loans=tuple(_loan(books, each, loans[each.account.ref]) for each in read if each.account.ref in loans),
        buckets=buckets, owed=whole.owed, accrued=sum(each.late.interest for each in out),
        due_now=sum(each.late.due for each in out), granted=sum(each.account.body.principal for each in granted),
        at_risk_30=whole.at_risk_30, at_risk_90=whole.at_risk_90, par30_bp=whole.par30_bp, par90_bp=whole.par90_bp,
        beside=beside, funds=_funds(out), deferred=whole.deferred, modified=whole.modified,
        modified_at_risk_30=sum(e.of(None) for e in out if e.account.body.modified and e.late.days > 30),
        non_accrual=whole.non_accrual, charged_off_loans=len(off),
        charged_off=sum(each.late.principal + each.late.interest for each in off),
        proposed=tuple(each.account.ref for each in out if is_proposed(each.account, each.late, late_days)),
    )  # fmt: skip


def loans_named(books: Books, refs: Sequence[str], day: date) -> tuple[PortfolioLoan, ...]:
    """Loans by their numbers, as the books have them now, on a day."""
    from coopbank.bank.lending.delinquency import carried, classify, in_parts
    from coopbank.bank.lending.position import position

    currency = source(books).currency
    accounts = in_parts(((ref, books.get(records.Loan, ref, "loan")) for ref in refs), books, currency)
    return tuple(
        _loan(books, SeenLoan(each, classify(each, day), carried(each.body)), position(each, day)) for each in accounts
    )


def read_loans(books: Books, day: date, origin: Source) -> list[SeenLoan]:
    """Every loan that was granted, owed or charged off on a day; of today they are read many at a time."""
    from coopbank.bank.lending.delinquency import carried, classify, in_parts, known_on, loans_on

    wanted = ((ref, body) for ref, body in loans_on(books, day) if body.state in ("granted", "active", "charged-off"))
    if origin.business_date is None or day < origin.business_date:
        accounts = known_on(books, wanted, day, origin.currency)
    else:
        accounts = in_parts(wanted, books, origin.currency)
    return [SeenLoan(account, classify(account, day), carried(account.body)) for account in accounts]


def _loan(books: Books, seen: SeenLoan, at: Position) -> PortfolioLoan:
    body, late = at.loan, seen.late
    return PortfolioLoan(
        ref=at.ref, member=body.member, name=books.member_name(body.member), fund=body.fund, purpose=body.purpose,
        state=at.state, annual_rate=body.annual_rate, agreed=body.principal, owed=at.owed_principal,
        accrued=at.interest_to_date, due_now=late.due, days_late=late.days, next_due=at.next_due,
        next_amount=at.next_amount, last_due=at.last_due, repayment=body.repayment, bucket=late.bucket,
        report_days_late=late.report_days, carried=seen.of(None), non_accrual=late.non_accrual,
        modified=body.modified, grade=body.grade, reserve=body.reserve,
    )  # fmt: skip


def _buckets(loans: Sequence[SeenLoan]) -> tuple[tuple[Bucket, ...], tuple[Bucket, ...]]:
    """The buckets by days late, and those beside them."""
    from coopbank.bank.lending.delinquency import AGES, DEFERRED, DUE, LATE, REPORT_OVERDUE

    ages = {
        "current": _("not late"), "1-30": _("1 to 30 days late"), "31-60": _("31 to 60 days late"),
        "61-90": _("61 to 90 days late"), "91-180": _("91 to 180 days late"),
        "over 180": _("more than 180 days late"),
    }  # fmt: skip
    beside = {
        DEFERRED: _("deferred by terms"), DUE: _("due by a report"), LATE: _("late by a report"),
        REPORT_OVERDUE: _("report overdue"),
    }  # fmt: skip
    return (
        tuple(_bucket(code, ages[code], low, high, loans) for code, low, high in AGES),
        tuple(_bucket(code, name, 0, None, loans) for code, name in beside.items()),
    )


def _bucket(code: str, name: str, low: int, high: int | None, loans: Sequence[SeenLoan]) -> Bucket:
    inside = [each for each in loans if each.late.bucket == code]
    return Bucket(
        name, low, high, len(inside), sum(each.of(None) for each in inside), sum(each.late.due for each in inside),
        code, max((each.late.ages_by for each in inside), default=0),
    )  # fmt: skip


def _funds(loans: Sequence[SeenLoan]) -> tuple[FundRisk, ...]:
    codes = sorted({fund for each in loans for fund in each.account.body.funds})
    return tuple(_risk(code, [each for each in loans if code in each.account.body.funds], code) for code in codes)


def _risk(code: str, loans: Sequence[SeenLoan], fund: str | None) -> FundRisk:
    """What is at risk of some loans; of one fund's part of them, if a fund is named."""
    from coopbank.bank.lending.delinquency import DEFERRED, REPORT_OVERDUE

    owed, *risk = (sum(each.of(fund) for each in loans if each.late.days > days) for days in (-1, 30, 90))
    return FundRisk(
        code=code, loans=len(loans), owed=owed, at_risk_30=risk[0], at_risk_90=risk[1],
        par30_bp=_ratio(risk[0], owed), par90_bp=_ratio(risk[1], owed),
        deferred=sum(each.of(fund) for each in loans if each.late.bucket == DEFERRED),
        report_overdue=sum(each.of(fund) for each in loans if each.late.bucket == REPORT_OVERDUE),
        modified=sum(each.of(fund) for each in loans if each.account.body.modified),
        non_accrual=sum(each.of(fund) for each in loans if each.late.non_accrual),
    )  # fmt: skip


def _ratio(part: int, whole: int) -> int:
    return round_ratio(part * 10_000, whole) if whole else 0
