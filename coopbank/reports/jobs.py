"""Jobs of the businesses that the bank lends to, as of a day: created and retained, cost per job, and living wages.

All from the register JOBS: of each loan the latest entry of each basis up to the day. What a borrower projected and
what is so are never added together; `created` and `retained` are actual ones. The lowest wage that a business pays is
held against the register WAGES: the latest year of the county that the day has reached.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.institution_registers import counted, entries_of
from coopbank.money import round_ratio
from coopbank.reports.document import Minor, Source, source
from coopbank.reports.place import PlaceShare, place_share

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LoanJobs:
    """The jobs of a loan; numbers are of people, and may have decimals where they are full-time equivalents."""

    loan: str
    member: str
    lent: Minor
    baseline: Decimal  # jobs that were there, or full-time equivalents where only these are known
    projected: Decimal
    created: Decimal
    retained: Decimal
    fte: Decimal
    as_of: str  # of the latest actual entry, "" if there is none
    evidence: bool
    wage: Minor | None  # the lowest that is paid, an hour
    living_wage: Minor | None
    wage_met: bool | None  # None where one of the two is not known


@dataclass(frozen=True, slots=True)
class Jobs:
    """All loans of which jobs were reported. `cost_per_job`: what was lent on these loans for each actual job."""

    source: Source
    as_of: date
    fund: str | None
    loans: tuple[LoanJobs, ...]
    created: Decimal
    retained: Decimal
    fte: Decimal
    projected: Decimal
    lent: Minor
    cost_per_job: Minor | None
    with_evidence: int  # loans whose latest actual entry names a document
    wage_met: int
    wage_missed: int
    jobs_percent_bp: int | None  # of all jobs of the place, hundredths of a percent, where that number is given
    share: PlaceShare | None  # what the member co-operatives are of the place, where the register PLACE has its figures


def jobs(books: Books, as_of: date | None = None, fund: str | None = None, of_all: int | None = None) -> Jobs:
    """Created, retained and full-time equivalents as of a day, of all loans or those of one fund.

    `of_all` is the number of jobs of the place, for the part that is the federation's.
    """
    day = as_of or books.business_date() or date.max
    told = reported_jobs(books, day)
    wages = _living_wages(books, day)
    rows = []
    for ref, by_basis in sorted(told.items()):
        loan = books.find(records.Loan, ref)
        if loan is not None and (fund is None or fund in loan.funds):
            rows.append(_of_loan(books, ref, loan, by_basis, wages, day, fund))
    created, retained = sum((row.created for row in rows), Decimal(0)), sum((row.retained for row in rows), Decimal(0))
    actual = [row for row in rows if row.as_of]
    lent, people = sum(row.lent for row in actual), created + retained
    return Jobs(
        source=source(books), as_of=day, fund=fund, loans=tuple(rows), created=created, retained=retained,
        fte=sum((row.fte for row in rows), Decimal(0)), projected=sum((row.projected for row in rows), Decimal(0)),
        lent=lent, cost_per_job=round_ratio(lent * 10_000, int(people * 10_000)) if people else None,
        with_evidence=sum(row.evidence for row in rows), wage_met=sum(row.wage_met is True for row in rows),
        wage_missed=sum(row.wage_met is False for row in rows),
        jobs_percent_bp=round_ratio(int(people * 10_000), of_all) if of_all else None, share=place_share(books, day),
    )  # fmt: skip


def reported_jobs(books: Books, day: date) -> dict[str, dict[str, Entry]]:
    """Of each loan the latest entry of each basis (baseline, projected, actual) up to a day."""
    found: dict[str, dict[str, Entry]] = {}
    for _ref, body in counted(entries_of(books, "JOBS")):
        values = body.values
        if values["on"] <= day.isoformat():
            of_loan = found.setdefault(values["loan"], {})
            if values["basis"] not in of_loan or of_loan[values["basis"]]["on"] <= values["on"]:
                of_loan[values["basis"]] = values
    return found


def _living_wages(books: Books, day: date) -> dict[str, int]:
    """The living wage of each county, of the latest year that the day has reached."""
    found: dict[str, tuple[Decimal, int]] = {}
    for _ref, body in counted(entries_of(books, "WAGES")):
        county, year = _place(body.values["county"]), Decimal(body.values["year"])
        if year <= day.year and (county not in found or found[county][0] <= year):
            found[county] = (year, body.values["wage"])
    return {county: wage for county, (_year, wage) in found.items()}


def _place(county: str) -> str:
    return " ".join(county.casefold().split())


def _of_loan(
    books: Books, ref: str, loan: records.Loan, told: dict[str, Entry], wages: dict[str, int], day: date,
    fund: str | None,
) -> LoanJobs:  # fmt: skip
    actual, base = told.get("actual", {}), told.get("baseline", {})
    latest = actual or base
    wage = latest.get("wage")
    living = wages.get(_place(latest.get("county", "")))
    return LoanJobs(
        loan=ref, member=loan.member, lent=_lent(books, ref, loan, day, fund),
        baseline=_number(base, "retained") or _number(base, "fte"),
        projected=_number(told.get("projected", {}), "created") + _number(told.get("projected", {}), "retained"),
        created=_number(actual, "created"), retained=_number(actual, "retained"), fte=_number(actual, "fte"),
        as_of=str(actual.get("on", "")), evidence="evidence" in actual, wage=wage, living_wage=living,
        wage_met=None if wage is None or living is None else wage >= living,
    )  # fmt: skip


def _number(values: Entry, name: str) -> Decimal:
    return Decimal(values.get(name, "0"))


def _lent(books: Books, ref: str, loan: records.Loan, day: date, fund: str | None) -> int:
    """What was paid out on a loan up to a day; a fund's part of it."""
    paid = sum(
        int(body.data["amount"]) for _ref, body in books.about(records.LoanEvent, ref)
        if body.type == "advance" and body.on <= day.isoformat()
    )  # fmt: skip
    return paid if fund is None else round_ratio(paid * loan.funds.get(fund, 0), sum(loan.funds.values()))
