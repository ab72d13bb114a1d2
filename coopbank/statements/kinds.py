"""Every kind of document: its number, whose it is, of when it is, the report behind it and how it is drawn.

A document's number says what it is: `ST-2026-06-M0007` is member M0007's statement of June 2026, `RC-4512` the receipt
of operation 4512, `PO-2026-07-01-L-010` the payoff of loan L-010 on a day. A second edition, made because the figures
of the same period have changed, ends in `.E2`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.errors import InvalidDate, InvalidValue, Unknown
from coopbank.reports import balance_sheet, day_report, income, member, trial_balance
from coopbank.reports.annual import annual
from coopbank.reports.capital import capital_statement
from coopbank.reports.dates import month_bounds
from coopbank.reports.fund_report import fund_report
from coopbank.reports.loan_papers import late_notice, loan_agreement, loan_schedule, loan_statement, payoff
from coopbank.reports.papers import confirmation, declined, gift_report, note_statement, share_statement, tax_year
from coopbank.reports.patronage import patronage_notice
from coopbank.reports.receipt import operation_paper
from coopbank.statements.document import Document
from coopbank.statements.papers.assembly import AssemblyReport
from coopbank.statements.papers.books import BalanceSheetPaper, DayClose, IncomePaper, TrialBalancePaper
from coopbank.statements.papers.capital import CapitalPaper
from coopbank.statements.papers.fund import FundReportPaper
from coopbank.statements.papers.institution import (
    Certificate,
    ConfirmationLetter,
    GiftLetter,
    NotePaper,
    PatronagePaper,
    SharePaper,
    TaxSummary,
)
from coopbank.statements.papers.loans import (
    AgreementSummary,
    Decline,
    LateLetter,
    LoanPaperStatement,
    Payoff,
    Schedule,
)
from coopbank.statements.papers.member_statement import MemberStatement
from coopbank.statements.papers.receipt import Receipt
from coopbank.words import marked

Subject = Literal["", "member", "loan", "note", "gift", "application", "operation", "fund"]
Span = Literal["", "period", "day", "today", "year"]
Gather = Callable[[Books, str, date, date], Any]
"""Subject, first day and last day to a report; days that the kind does not use are ignored."""


@dataclass(frozen=True)
class Kind:
    """A kind of document. `span`: the time that its number names; empty for one that names none.

    What is as of `today` is of the business date, whatever days were asked for.
    """

    name: str
    code: str
    title: str
    subject: Subject
    span: Span
    gather: Gather
    paper: type[Document[Any]]

    def number(self, about: str, start: date, end: date) -> str:
        """The number of its first edition."""
        day, year = end.isoformat(), str(end.year)
        named = {"": "", "period": span_code(start, end), "day": day, "today": day, "year": year}[self.span]
        return "-".join(part for part in (self.code, named, about) if part)

    def member_of(self, books: Books, about: str) -> str | None:
        """The member whom it concerns, and whose language it speaks."""
        if self.subject == "member":
            return about
        if self.subject == "loan":
            return books.get(records.Loan, about, "loan").member
        if self.subject == "application":
            return books.get(records.Application, about, "application").member
        if self.subject == "note":
            return books.get(records.Note, about, "note").member
        if self.subject == "operation":
            holder = books.tx.value(
                "SELECT min(a.holder) FROM entry e JOIN posting p ON p.entry_id = e.id JOIN account a ON"
                " a.id = p.account_id WHERE e.operation_id = ?",
                operation_number(about),
            )
            return None if holder is None else str(holder)
        return None


def span_code(start: date, end: date) -> str:
    """`2026-06` for a month, `2026` for a year, else the first and the last day: `2026-06-03.2026-06-14`."""
    if (start, end) == month_bounds(start):
        return f"{start:%Y-%m}"
    if (start, end) == (date(start.year, 1, 1), date(start.year, 12, 31)):
        return str(start.year)
    return end.isoformat() if start == end else f"{start}.{end}"


_DAY = r"(?P<first>\d{4}-\d\d-\d\d)"
_SPANS: dict[Span, str] = {
    "": "",
    "day": _DAY,
    "today": _DAY,
    "year": r"(?P<first>\d{4})",
    "period": r"(?P<first>\d{4}(-\d\d(-\d\d)?)?)(\.(?P<last>\d{4}-\d\d-\d\d))?",
}


def read_number(number: str) -> tuple[Kind, str, date | None, date | None] | None:
    """What a number of a first edition says: kind, subject and days; None for what is no number."""
    kind = next((each for each in KINDS.values() if number.startswith(each.code)), None)
    if kind is None:
        return None
    named = f"-{_SPANS[kind.span]}" if kind.span else ""
    match = re.fullmatch(f"{kind.code}{named}{'-(?P<about>.+)' if kind.subject else ''}", number)
    if match is None:
        return None
    found = match.groupdict()
    try:
        days = _days(found.get("first"), found.get("last"))
    except ValueError:
        return None
    return kind, found.get("about", ""), *days


def _days(first: str | None, last: str | None) -> tuple[date | None, date | None]:
    if first is None:
        return None, None
    if last is not None or len(first) == 10:
        return date.fromisoformat(first), date.fromisoformat(last or first)
    if len(first) == 7:
        return month_bounds(date.fromisoformat(f"{first}-01"))
    return date(int(first), 1, 1), date(int(first), 12, 31)


def operation_number(about: str) -> int:
    """The number of an operation as people write it."""
    if not about.isascii() or not about.isdigit() or len(about) > 15:
        raise Unknown(
            "There is no operation {number}.",
            field="operation",
            number=about[:40],
            hint="Its number is on the receipt.",
        )
    return int(about)


def _member(books: Books, about: str, start: date, end: date) -> Any:
    return member(books, about, start, end)


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("receipt", "RC", marked("Receipt"), "operation", "",
             lambda books, about, _s, _e: operation_paper(books, operation_number(about)), Receipt),
        Kind("member-statement", "ST", marked("Member statement"), "member", "period", _member, MemberStatement),
        Kind("loan-statement", "LS", marked("Loan statement"), "loan", "period",
             lambda books, about, start, end: loan_statement(books, about, start, end), LoanPaperStatement),
        Kind("schedule", "SC", marked("Repayment schedule"), "loan", "",
             lambda books, about, _s, _e: loan_schedule(books, about), Schedule),
        Kind("agreement", "AG", marked("Loan agreement: summary"), "loan", "",
             lambda books, about, _s, _e: loan_agreement(books, about), AgreementSummary),
        Kind("payoff", "PO", marked("Payoff letter"), "loan", "day",
             lambda books, about, _s, end: payoff(books, about, end), Payoff),
        Kind("late-notice", "LN", marked("A payment has not come yet"), "loan", "today",
             lambda books, about, _s, _e: late_notice(books, about), LateLetter),
        Kind("decline", "DN", marked("About your application"), "application", "",
             lambda books, about, _s, _e: declined(books, about), Decline),
        Kind("tax-summary", "TX", marked("Year-end summary"), "member", "year",
             lambda books, about, _s, end: tax_year(books, about, end.year), TaxSummary),
        Kind("gift-letter", "GR", marked("Your gift, and what it does"), "gift", "",
             lambda books, about, _s, _e: gift_report(books, about), GiftLetter),
        Kind("note-statement", "NS", marked("Statement of your note"), "note", "period",
             lambda books, about, start, end: note_statement(books, about, start, end), NotePaper),
        Kind("share-statement", "SH", marked("Annual share statement"), "member", "year",
             lambda books, about, _s, end: share_statement(books, about, end.year), SharePaper),
        Kind("certificate", "CE", marked("Share certificate"), "member", "",
             lambda books, about, _s, end: share_statement(books, about, end.year), Certificate),
        Kind("patronage-notice", "PN", marked("Patronage notice"), "member", "year",
             lambda books, about, _s, end: patronage_notice(books, about, end.year), PatronagePaper),
        Kind("capital-statement", "IC", marked("Internal capital account"), "member", "year",
             lambda books, about, _s, end: capital_statement(books, about, end.year), CapitalPaper),
        Kind("confirmation", "CF", marked("Please confirm your balances"), "member", "day",
             lambda books, about, _s, end: confirmation(books, about, end), ConfirmationLetter),
        Kind("day-report", "DC", marked("Day report"), "", "day",
             lambda books, _about, _s, end: day_report(books, end), DayClose),
        Kind("trial-balance", "TB", marked("Trial balance"), "", "day",
             lambda books, _about, _s, end: trial_balance(books, end), TrialBalancePaper),
        Kind("balance-sheet", "BS", marked("Balance sheet"), "", "day",
             lambda books, _about, _s, end: balance_sheet(books, end), BalanceSheetPaper),
        Kind("income-statement", "IS", marked("Income statement"), "", "period",
             lambda books, _about, start, end: income(books, start, end), IncomePaper),
        Kind("assembly-report", "AR", marked("Report to the members' assembly"), "", "year",
             lambda books, _about, _s, end: annual(books, end.year), AssemblyReport),
        Kind("fund-report", "FR", marked("Fund report"), "fund", "day",
             lambda books, about, _s, end: fund_report(books, about, end), FundReportPaper),
    )
}  # fmt: skip


def kind_named(name: str) -> Kind:
    """A kind by its name; refuses another."""
    found = KINDS.get(name)
    if found is None:
        raise InvalidValue(
            "There is no document called {name}.", field="document", name=name[:40], hint="Choose from: {kinds}.",
            kinds=", ".join(KINDS),
        )  # fmt: skip
    return found


def span_of(kind: Kind, start: date | None, end: date | None, today: date) -> tuple[date, date]:
    """First and last day of a document from what was asked for: this month, this year or today where nothing was."""
    if kind.span == "year":
        year = (end or start or today).year
        return date(year, 1, 1), date(year, 12, 31)
    if kind.span == "today":
        return today, today
    last = end or today
    first = start or (last.replace(day=1) if kind.span == "period" else last)
    if first > last:
        raise InvalidDate("{start} is after {end}.", field="from", start=first, end=last, hint="Turn the days round.")
    return first, last
