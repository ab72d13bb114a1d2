"""Rows of the CDFI Fund's Transaction Level Report, from the books: a row a loan that was agreed in the period.

Rule: CDFI Transaction Level Report, Data Point Guidance (August 2019, OMB 1559-0027). The columns have the names that
the public data file of fiscal year 2022 has, without the endings of its export; what that file masks (who, balance,
days late, losses) has names of ours. No later edition was looked at. Loans and borrowers are numbers; nobody is named,
and texts that people typed are left out, since they may name somebody. The words in a column are ours, in English
whatever the language: the portal has codes for them, which change.

What the books do not know has no column; `UNFILLED` says why. Nothing here says that anybody complies with anything.

Figures are of the end of the period, by what was known then. With a fund, amounts are that fund's part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.lending.accounts import LoanAccount
from coopbank.bank.lending.contract import LINE, REVENUE, SCHEDULE, SURPLUS, Contract, drawn, first_plan
from coopbank.bank.lending.delinquency import classify, in_parts, known_on, loans_on
from coopbank.bank.lending.flows import balance, by_fund
from coopbank.finance.periods import whole_months
from coopbank.reports.document import Minor, Source, source
from coopbank.reports.jobs import reported_jobs
from coopbank.reports.totals import require_fund, require_period
from coopbank.words import _, marked

RULE: Final = "CDFI Fund, TLR Data Point Guidance (August 2019, OMB 1559-0027)"

_TYPES: Final = {
    SCHEDULE: "term loan", LINE: "line of credit", SURPLUS: "debt with equity",
    REVENUE: "debt with equity",
}  # fmt: skip
_FEATURES: Final = {SURPLUS: "performance-based interest rate", REVENUE: "royalties"}
_STATES: Final = {
    "granted": "active", "active": "active", "paid": "closed in good standing",
    "charged-off": "charged off",
}  # fmt: skip

UNFILLED: Final = (
    ("ORG_ID, TLR_SUBMISSION_YEAR, AWARDCATEGORY", marked("The portal gives them when the report is handed in.")),
    ("PURPOSE, NAICS, COMMUNITY_FACILITY", marked("The books have a purpose in words, which may name somebody.")),
    ("FIPSCODE_2010", marked("The books know no census tracts.")),
    ("POINTS, ORIGINATION_FEES", marked("Fees at the beginning of a loan are not kept by loan.")),
    ("GUARANTEE, LIEN_POSITION, COLLATERAL_TYPE", marked("The books have what secures a loan in words.")),
    (
        ("RACE, HISPANIC_ORIGIN, GENDER, FEMALE_HEADED_HOUSEHOLD, LOW_INCOME_STATUS, MINORITY_OWNED_OR_CONTROLLED,"
        " WOMEN_OWNED_OR_CONTROLLED, LOW_INCOME_OWNED_OR_CONTROLLED, OTHER_TARGETED_POPULATIONS, LITP_END_USERS,"
        " OTP_END_USERS, IA_END_USERS"),
        marked("The books ask nobody who they are."),
    ),
    (
        ("DATE_BUSINESS_ESTABLISHED, ENTITY_STRUCTURE, ANNUAL_GROSS_REVENUE, TOTAL_PROJECT_COST, FORGIVABLE_LOAN,"
        " BANKED_AT_TIME_OF_INTAKE, FIRST_TIME_HOME_BUYER"),
        marked("The application says it, or a register of the bank's own (define-register)."),
    ),
    (
        "SQUARE_FEET_OF_REAL_ESTATE, HOUSING_UNITS, AFFORDABLE_HOUSING_UNITS, CAPACITY, JOBS_CONSTRUCTION, JOBS_TENANT",
        marked("A register of the bank's own can hold it (define-register)."),
    ),
)  # fmt: skip
"""Data points that the books do not fill, and why."""


@dataclass(frozen=True, slots=True)
class TlrRow:
    """A loan that was agreed in the period; None where a kind of loan has no such thing."""

    trans_id: str
    client_id: str
    investee_type: str
    date_originated: date
    original_loan_investment_amount: Minor
    transaction_type: str
    interest_rate: str | None  # as first agreed
    interest_type: str | None
    amortization_type: str
    equity_like_features: str
    term_in_months: int
    first_payment_date: date | None
    original_collateral_value: Minor | None  # what it cost that was bought with the loan and secures it
    loan_status: str
    date_disbursed: date | None
    principal_balance_outstanding: Minor
    days_delinquent: int
    amount_charged_off: Minor
    amount_recovered: Minor
    restructured: str
    proj_perm_jobs_to_be_created: str | None
    source_of_job_estimates: str | None


@dataclass(frozen=True, slots=True)
class Unfilled:
    """Data points without a column, and why."""

    names: str
    why: str


@dataclass(frozen=True, slots=True)
class Tlr:
    """All rows of a period, of the institution or of one fund."""

    source: Source
    fund: str | None
    start: date
    end: date
    rule: str
    rows: tuple[TlrRow, ...]
    unfilled: tuple[Unfilled, ...]


def tlr(books: Books, start: date | None = None, end: date | None = None, fund: str | None = None) -> Tlr:
    """Loans that were agreed from `start` to `end`, as they stood at its end; this year's if no days are given."""
    if fund is not None:
        require_fund(books.tx, fund)
    origin = source(books)
    last = end or origin.business_date or date.max
    first = start or last.replace(month=1, day=1)
    require_period(first, last)
    jobs = reported_jobs(books, last)
    rows = tuple(
        _row(books, loan, last, fund, jobs.get(loan.ref, {}).get("projected", {}))
        for loan in _agreed(books, first, last, origin)
        if fund is None or fund in loan.body.funds
    )
    unfilled = tuple(Unfilled(names, _(why)) for names, why in UNFILLED)
    return Tlr(origin, fund, first, last, RULE, rows, unfilled)


def _agreed(books: Books, first: date, last: date, origin: Source) -> Iterator[LoanAccount]:
    """Loans of the period as known at its end; what was never paid out and will not be is none."""
    wanted = (
        (ref, body) for ref, body in loans_on(books, last)
        if first.isoformat() <= body.granted_on <= last.isoformat() and body.state != "cancelled"
    )  # fmt: skip
    if origin.business_date is not None and last < origin.business_date:
        yield from known_on(books, wanted, last, origin.currency)
    else:
        yield from in_parts(wanted, books, origin.currency)


def _row(books: Books, loan: LoanAccount, day: date, fund: str | None, projected: dict[str, str]) -> TlrRow:
    body = loan.body
    terms = loan.contracts[min(loan.contracts)]  # as first agreed
    agreed = date.fromisoformat(body.granted_on)
    first_due, last_due = _span(terms, agreed, body.principal, loan.currency)
    late = classify(loan, day)
    months, days, _all = whole_months(agreed, last_due)
    rate = terms.document.get("annual_rate")
    state = "refinanced" if body.replaced_by else _STATES[body.state]
    return TlrRow(
        trans_id=loan.ref, client_id=body.member, investee_type=books.get(records.Member, body.member).entity,
        date_originated=agreed, original_loan_investment_amount=_part(body, body.principal, fund),
        transaction_type=_TYPES[body.repayment], interest_rate=None if rate is None else str(rate),
        interest_type=None if rate is None else "fixed", amortization_type=_amortization(terms, body.repayment),
        equity_like_features=_FEATURES.get(body.repayment, "none"), term_in_months=months + (days >= 15),
        first_payment_date=first_due, original_collateral_value=_collateral(books, loan.ref, day, body, fund),
        loan_status=state, date_disbursed=None if body.disbursed_on is None else date.fromisoformat(body.disbursed_on),
        principal_balance_outstanding=_booked(body, fund, "701"), days_delinquent=late.days,
        amount_charged_off=_flow(body, fund, "off_principal"), amount_recovered=_flow(body, fund, "recovered"),
        restructured="yes" if body.modified else "no",
        proj_perm_jobs_to_be_created=projected.get("created"),
        source_of_job_estimates="borrower" if "created" in projected else None,
    )  # fmt: skip


def _span(terms: Contract, agreed: date, principal: int, currency: str) -> tuple[date | None, date]:
    """When a loan's first and last payment fall due by the terms that were agreed, if it is paid out at once."""
    if "outer_date" in terms.document:
        return None, date.fromisoformat(terms.document["outer_date"])
    due = drawn(first_plan(terms.document, agreed, principal), currency).due
    return due[0], due[-1]


def _amortization(terms: Contract, repayment: str) -> str:
    document = terms.document
    if repayment != SCHEDULE:
        return "other"
    rows = int(document["installments"]) - int(document.get("principal_grace") or 0)
    if rows <= 1:
        return "non-amortizing"
    percent = document.get("principal_percent")
    return "fully amortizing" if percent is None or Decimal(percent) * rows >= 100 else "partially amortizing"


def _part(body: records.Loan, amount: int, fund: str | None) -> int:
    """A fund's part of an amount as the loan splits it; all of it without a fund."""
    return amount if fund is None else by_fund({"promised": amount}, body.funds).get(fund, {}).get("promised", 0)


def _books_of(body: records.Loan, fund: str | None) -> Iterator[dict[str, int]]:
    """What the books have of a loan, of one fund or of all; a peer's part is not ours."""
    for of, flows in body.book.items():
        if "@" not in of and fund in (None, of):
            yield flows


def _booked(body: records.Loan, fund: str | None, account: str) -> int:
    return sum(balance(flows, account) for flows in _books_of(body, fund))


def _flow(body: records.Loan, fund: str | None, flow: str) -> int:
    return sum(flows.get(flow, 0) for flows in _books_of(body, fund))


def _collateral(books: Books, ref: str, day: date, body: records.Loan, fund: str | None) -> int | None:
    costs = [
        kept.cost for _ref, kept in books.about(records.Collateral, ref)
        if kept.state != "mistaken" and kept.pledged_on <= day.isoformat()
    ]  # fmt: skip
    return _part(body, sum(costs), fund) if costs else None
