"""A small demonstration bank with a document of every kind in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from coopbank.bank import records
from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor, Books
from coopbank.demo import run_demo
from coopbank.reports import capital
from coopbank.reports.document import source
from coopbank.reports.patronage import sample
from coopbank.statements.document import Document
from coopbank.statements.kinds import KINDS, span_of
from coopbank.statements.making import brand_of
from coopbank.statements.papers.capital import CapitalPaper
from coopbank.statements.papers.institution import PatronagePaper
from coopbank.statements.sheet import Print, Sheet, Stamp

MONTHS, MEMBERS = 9, 32
APRIL = (date(2025, 4, 1), date(2025, 4, 30))
YEAR = (date(2025, 1, 1), date(2025, 12, 31))


@dataclass(frozen=True)
class Village:
    """The bank, who works there, and what its documents are about: kind, number, first and last day."""

    bank: Bank
    dell: Actor
    papers: tuple[tuple[str, str, date, date], ...]


def build(place: Path) -> Village:
    """The bank after nine months, with an application that was declined yesterday."""
    bank = run_demo(str(place), members=MEMBERS, months=MONTHS, echo=lambda _line: None)
    with bank.read() as books:
        ana, dell, rosa = (books.actor_now(user) for user in ("imani", "dell", "rosa"))
        borrower = next(ref for ref, body in books.every(records.Member) if body.status == "active")

    def agreed(name: str, **values: Any) -> None:
        request = bank.perform(dell, bank.build(name, values)).request
        bank.perform(rosa, bank.build("approve", {"request": request}))

    asked = {"member": borrower, "product": "TERM", "amount": "900.00", "purpose": "a second oven"}
    application = bank.perform(ana, bank.build("apply-for-loan", asked)).created[0]
    agreed(
        "decline-application", application=application, reasons=["plan", "no-funds"],
        explained="Show us how the oven would be kept busy in winter.",
    )  # fmt: skip
    return Village(bank, dell, tuple(_papers(bank, application)))


def _papers(bank: Bank, application: str) -> list[tuple[str, str, date, date]]:
    with bank.read() as books:
        today = books.business_date() or date.max
        by_kind: dict[str, str] = {}
        late = ""
        lent = [(ref, body) for ref, body in books.every(records.Loan) if body.disbursed_on]
        for ref, body in sorted(lent, key=lambda each: each[1].state != "active"):  # one that is paid where none runs
            by_kind.setdefault(body.repayment, ref)
        late = _late(books)
        person = next(
            ref
            for ref, body in books.every(records.Loan)
            if body.repayment == "schedule" and books.get(records.Member, body.member).entity == "person"
        )
        payment = str(books.tx.value("SELECT max(id) FROM operation WHERE kind = 'repay-loan'"))
        borrower = books.get(records.Loan, by_kind["schedule"]).member
        gift = next(ref for ref, body in books.every(records.Gift) if body.released)
    abouts = {"member": borrower, "loan": by_kind["schedule"], "note": "N-001", "gift": gift, "operation": payment,
              "application": application, "fund": "RLF"}  # fmt: skip
    found = []
    for kind in KINDS.values():
        if kind.name in ("patronage-notice", "capital-statement"):
            continue  # no surplus of these books is divided, and they are no worker co-op's: samples below
        span = YEAR if kind.span == "year" else (today, today) if kind.span in ("", "day") else APRIL
        about = late if kind.name == "late-notice" else abouts.get(kind.subject, "")
        found.append((kind.name, about, *span))
    found.append(("agreement", person, today, today))
    for repayment in ("surplus", "revenue", "line"):
        found += [(name, by_kind[repayment], *APRIL) for name in ("loan-statement", "schedule", "agreement")]
    return found


def _late(books: Books) -> str:
    from coopbank.reports import portfolio

    return next(loan.ref for loan in portfolio(books).loans if loan.days_late)


def paper_of(books: Books, kind: str, about: str, start: date, end: date, print_size: Print) -> Document[Any]:
    """The document in the language in force, as it would be made for somebody who only reads."""
    found = KINDS[kind]
    start, end = span_of(found, start, end, books.business_date() or date.max)
    origin = source(books)
    stamp = Stamp(found.number(about, start, end), origin.head_number, origin.head_hash, origin.head_at)
    return found.paper(found.gather(books, about, start, end), Sheet(brand_of(books), stamp, print_size=print_size))


def patronage_paper(books: Books, print_size: Print) -> PatronagePaper:
    """A patronage notice from invented figures: no surplus of these books is divided."""
    origin = source(books)
    stamp = Stamp("PA-2025-M0001", origin.head_number, origin.head_hash, origin.head_at)
    notice = replace(sample(origin, "M0001", "Green Tassel Urban Farm", "1432 Valley St, Jackson MS"))
    return PatronagePaper(notice, Sheet(brand_of(books), stamp, print_size=print_size))


def capital_paper(books: Books, print_size: Print) -> CapitalPaper:
    """A worker's statement from invented figures: these are a bank's books."""
    origin = source(books)
    stamp = Stamp("IC-2025-M0001", origin.head_number, origin.head_hash, origin.head_at)
    statement = capital.sample(origin, "M0001", "Green Tassel Urban Farm", "1432 Valley St, Jackson MS")
    return CapitalPaper(statement, Sheet(brand_of(books), stamp, print_size=print_size))
