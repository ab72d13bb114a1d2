"""A lender's evening: the interest of every loan brought to the day, and how late each is; and one long loan paid off.

The loans are written through the posting door, many in one operation, as the bank's own
operations would have left them: told from their facts, with their lines in the books. The
baseline is what a plain program over plain tables does: it reads every loan's row and the sum
of its payments with SQLite itself, and reckons days late and interest in floating point. It
knows no tranche, no report, no changed terms, and proves nothing; it says what the machine can do.
"""

from __future__ import annotations

import resource
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from benchmarks.books import TELLER, draft, new_bank, seal_one, show
from coopbank.bank import records
from coopbank.bank.bank import Bank
from coopbank.bank.lending.contract import Contract, drawn, first_plan
from coopbank.bank.lending.facts import Fact, event_ref, in_order
from coopbank.bank.lending.flows import by_fund, lines
from coopbank.bank.lending.position import loan_position
from coopbank.bank.lending.reported import ReportedRun
from coopbank.bank.lending.scheduled import ScheduledRun
from coopbank.finance.periods import add_months
from coopbank.ledger.posting import EntryDraft, Line, NewAccount, NewRecord, Row
from coopbank.money import format_amount

TODAY = date(2026, 3, 2)
_MEMBER = "M0001"
#: Leaves that all loans have in common, and the kinds of their control accounts.
_SHARED = {"111": "income", "961": "equity", "M19": "memo", "M49": "memo"}
#: Floor and ceiling of a loan's own leaves.
_GUARDS: dict[str, tuple[int | None, int | None]] = {"asset": (0, None), "memo": (None, None)}
_DIFFERENT = 1200
_IN_ONE = 2000  # loans written by one operation


@dataclass(frozen=True, slots=True)
class Told:
    """A loan with all its facts, and what they lead to."""

    terms: records.LoanTerms
    body: records.Loan
    facts: tuple[Fact, ...]


def measure(folder: Path, *, quick: bool = False) -> None:
    """A day's close of many loans, its growth, and payoff quotes of loans with 5,000 events."""
    sizes = (5_000, 20_000) if quick else (20_000, 100_000)
    seconds = {}
    for count in sizes:
        bank = new_bank(folder, f"loans-{count}")
        write_loans(bank, count)
        bare = Bare(folder / f"loans-{count}-bare.db", count)
        seconds[count], other = _close(bank, count), bare.close()
        wanted = f"< {count / 5000:.0f} s"
        show(f"interest and lateness of {count:,} loans", seconds[count], "s", "plain loop", other,
             seconds[count] / other, wanted)  # fmt: skip
    few, many = (seconds[count] / count * 1e6 for count in sizes)
    show(f"a loan of {sizes[1]:,}", many, "us", f"of {sizes[0]:,}", few, many / few, "<= 1.2")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    show("memory of this process at its peak", peak, "MB", "limit", 1024, peak / 1024, "< 1")
    quotes(folder)


# ------------------------------------------------------------------------------------- the close


def _close(bank: Bank, count: int) -> float:
    """Seconds of the day's close itself, with all it seals; and that no loan was left out."""
    with bank.read() as books:
        held = books.balance("POOL", "739/D1")
    counted = {"drawer": "D1", "counted": format_amount(held)}
    bank.perform(TELLER, bank.build("close-drawer", counted))
    start = time.perf_counter()
    bank.perform(TELLER, bank.build("close-day", {}))
    taken = time.perf_counter() - start
    with bank.read() as books:
        kept = books.get(records.DayClose, TODAY.isoformat()).loans
    if kept["count"] != count or not kept["over_90"] or kept["interest"] <= kept["posted"]:
        raise SystemExit("the measured close is wrong")
    return taken


def write_loans(bank: Bank, count: int) -> None:
    """So many loans in the books, each with its own leaves, terms, facts and lines."""
    told = list(_different())
    with bank.read() as books:
        first = int(books.tx.value("SELECT max(id) + 1 FROM account"))
        shared = {leaf.code: leaf.id for code in _SHARED for leaf in books.leaves(code, "RLF")}
    for start in range(0, count, _IN_ONE):
        rows: list[Row] = []
        moves: dict[int, int] = {}
        for code, kind in _SHARED.items():
            if code not in shared:
                rows.append(NewAccount(first, code, "RLF", "", None, kind, _currency(kind), None, None))
                shared[code], first = first, first + 1
        for number in range(start, min(start + _IN_ONE, count)):
            first = _written(f"L-{number + 1:06d}", told[number % len(told)], rows, moves, shared, first)
        entry = EntryDraft("benchmark", TODAY, tuple(Line(*move) for move in moves.items() if move[1]))
        seal_one(bank, draft(f"loans-{start}", [entry], rows))


def _written(
    ref: str, loan: Told, rows: list[Row], moves: dict[int, int], shared: dict[str, int], number: int
) -> int:  # fmt: skip
    """A loan's rows and lines; money that it brought or took stands against the fund's balance."""
    cash = 0
    for _fund, code, amount in lines(ref, _MEMBER, loan.body.book):
        if "/" in code and code not in shared:
            kind = "memo" if code.startswith("M") else "asset"
            rows.append(NewAccount(number, code[:3], "RLF", ref, _MEMBER, kind, _currency(kind), *_GUARDS[kind]))
            shared[code], number = number, number + 1
        account = shared[code]
        moves[account] = moves.get(account, 0) + amount
        cash -= 0 if code.startswith("M") else amount
    moves[shared["961"]] = moves.get(shared["961"], 0) + cash
    for code in [code for code in shared if "/" in code]:
        del shared[code]
    rows.append(NewRecord("loan-terms", ref, 1, ref, _document(loan.terms)))
    for fact in loan.facts:
        rows.append(NewRecord("loan-event", event_ref(ref, fact.number), 1, ref, _document(fact.event())))
    rows.append(NewRecord("loan", ref, 1, _MEMBER, _document(loan.body)))
    return number


def _currency(kind: str) -> str:
    return "MEM" if kind == "memo" else "USD"


def _document(body: records.Body) -> dict[str, Any]:
    return body.model_dump(mode="json", exclude_defaults=True)


def _different() -> Iterator[Told]:
    """Twelve hundred loans of all kinds, of all ages, paid, late and never paid."""
    for i in range(_DIFFERENT):
        age, principal, rate = 2 + i % 34, 50_000 + 1_370 * (i % 911), f"{3 + i % 8}.{i % 4 * 25:02d}"
        start = TODAY - timedelta(days=31 * age + i % 29)
        paid = age - (0, 0, 0, 0, 0, 1, 0, 2, 0, 4, 0, 8)[i % 12]
        if i % 20 == 7:
            yield surplus_loan(start, principal, rate, [40_000 * (year + i % 5 - 1) for year in range(paid // 12)])
        elif i % 20 == 13:
            yield line_of_credit(start, principal, rate, paid)
        else:
            counted = "30/360" if i % 20 == 3 else "actual/365"
            yield scheduled_loan(start, principal, rate, (24, 36, 48, 60)[i % 4], paid, counted)


def scheduled_loan(
    start: date, principal: int, rate: str, installments: int, paid: int, day_count: str = "actual/365"
) -> Told:  # fmt: skip
    """A level loan, of which so many rows were paid."""
    document = {"annual_rate": rate, "installments": installments, "every": {"months": 1}, "day_count": day_count}
    amount = drawn(first_plan(document, start, principal), "USD").rows[0].payment
    events: list[tuple[str, date, dict[str, Any]]] = [("advance", start, {"amount": principal})]
    for n in range(1, min(paid, installments - 1) + 1):
        events.append(("payment", add_months(start, n), {"amount": amount}))
    return _told("schedule", document, principal, _by(events))


def line_of_credit(start: date, limit: int, rate: str, paid: int) -> Told:
    """A line that is drawn every month and paid every month."""
    document = {"annual_rate": rate, "installments": 60, "every": {"months": 1}, "day_count": "actual/365"}
    events: list[tuple[str, date, dict[str, Any]]] = []
    for n in range(max(1, paid)):
        events.append(("advance", start + timedelta(days=30 * n), {"amount": limit // 80}))
        events.append(("payment", start + timedelta(days=30 * n + 9), {"amount": limit // 100}))
    return _told("line", document, limit, _by(events))


def surplus_loan(start: date, principal: int, rate: str, surpluses: list[int]) -> Told:
    """A loan repaid by share of surplus, with a report for each year that is over."""
    document = {"annual_rate": rate, "share_percent": "50", "outer_date": f"{start.year + 10}-12-31"}
    events: list[tuple[str, date, dict[str, Any]]] = [("advance", start, {"amount": principal})]
    for period, earned in enumerate(surpluses, start=1):
        day = start + timedelta(days=366 * period + 10)
        events.append(("report-filed", day, {"period": period, "version": 1, "surplus": earned}))
        events.append(("report-accepted", day, {"period": period, "version": 1}))
        if earned > 0:
            events.append(("payment", day + timedelta(days=20), {"amount": min(earned // 2, principal // 20)}))
    return _told("surplus", document, principal, _by(events))


def _by(events: list[tuple[str, date, dict[str, Any]]]) -> list[tuple[str, date, dict[str, Any]]]:
    return [event for event in events if event[1] <= TODAY]


def _told(
    repayment: str, document: dict[str, Any], principal: int, events: list[tuple[str, date, dict[str, Any]]]
) -> Told:  # fmt: skip
    """The loan as its operations would have left it."""
    terms = records.LoanTerms(repayment=repayment, document=document, from_day=events[0][1].isoformat())
    facts = tuple(in_order(Fact(i, *event) for i, event in enumerate(events, start=1)))
    contracts = {1: Contract.of(1, terms)}
    last = facts[-1].on
    if repayment == "surplus":
        run = ReportedRun(contracts, principal, "USD", facts)
        told, flows = {}, run.flows(last, last)
    else:
        scheduled = ScheduledRun(contracts, principal, "USD").tell(facts)
        told, flows = scheduled.state.as_document(), scheduled.state.flows
    body = records.Loan(
        member=_MEMBER, product="TERM", product_version=1, repayment=repayment, funds={"RLF": 1}, principal=principal,
        annual_rate=document["annual_rate"], granted_on=facts[0].on.isoformat(), granted_by="ana", state="active",
        disbursed_on=facts[0].on.isoformat(), events=len(facts), accrued_to=last.isoformat(), told=told,
        book=by_fund(flows, {"RLF": 1}),
    )  # fmt: skip
    return Told(terms, body, facts)


class Bare:
    """The baseline: a row for each loan and each of its payments, and a loop over them."""

    def __init__(self, path: Path, count: int) -> None:
        self.connection = sqlite3.connect(path)
        self.connection.executescript(
            "CREATE TABLE loan (id INTEGER PRIMARY KEY, principal INTEGER, rate REAL, start TEXT, payment INTEGER);"
            "CREATE TABLE paid (loan INTEGER, day TEXT, amount INTEGER); CREATE INDEX paid_loan ON paid (loan);"
        )
        told = list(_different())
        for number in range(count):
            body, facts = told[number % len(told)].body, told[number % len(told)].facts
            self.connection.execute(
                "INSERT INTO loan VALUES (?, ?, ?, ?, ?)",
                (number, body.principal, float(body.annual_rate), body.disbursed_on, body.principal // 24),
            )
            self.connection.executemany(
                "INSERT INTO paid VALUES (?, ?, ?)",
                [(number, fact.on.isoformat(), fact.data["amount"]) for fact in facts if fact.type == "payment"],
            )
        self.connection.commit()

    def close(self) -> float:
        """Seconds for days late and interest of every loan, as one would first write it."""
        start = time.perf_counter()
        interest, late = 0.0, 0
        for principal, rate, begun, payment, paid, last in self.connection.execute(
            "SELECT l.principal, l.rate, l.start, l.payment, coalesce(sum(p.amount), 0), max(p.day)"
            " FROM loan l LEFT JOIN paid p ON p.loan = l.id GROUP BY l.id"
        ):
            first = date.fromisoformat(begun)
            rows = (TODAY.year - first.year) * 12 + TODAY.month - first.month
            since = date.fromisoformat(last or begun)
            interest += (principal - paid) * rate / 36500 * (TODAY - since).days
            late += (rows - paid // payment) * 30 > 30
        assert interest and late
        return time.perf_counter() - start


# -------------------------------------------------------------------------------------- long loans


def quotes(folder: Path) -> None:
    """What pays a loan with 5,000 events off today: read from the books, with its schedule."""
    bank = new_bank(folder, "long")
    days = [TODAY - timedelta(days=5000 - n) for n in range(5000)]
    document = {"annual_rate": "7", "installments": 360, "every": {"months": 1}}
    paid = [("payment", day, {"amount": 100}) for day in days[1:]]
    moved = [("advance" if n % 2 else "payment", day, {"amount": 1000}) for n, day in enumerate(days) if n]
    yearly = {"annual_rate": "7", "share_percent": "50", "outer_date": "2040-01-01"}
    loans = {
        "L-000001": _told("schedule", document, 50_000_000, [("advance", days[0], {"amount": 50_000_000}), *paid]),
        "L-000002": _told("line", document, 50_000_000, [("advance", days[0], {"amount": 5_000}), *moved]),
        "L-000003": _told("surplus", yearly, 50_000_000, [("advance", days[0], {"amount": 50_000_000}), *paid]),
    }
    rows: list[Row] = []
    for ref, loan in loans.items():
        _written(ref, loan, rows, {}, dict.fromkeys(_SHARED, 1), 1_000)
    rows = [row for row in rows if isinstance(row, NewRecord)]
    seal_one(bank, draft("long", [], rows))
    for ref, what in (
        ("L-000001", "a scheduled loan"),
        ("L-000002", "a line of credit"),
        ("L-000003", "a surplus loan"),
    ):
        ours = statistics.median(_milliseconds(lambda ref=ref: _payoff(bank, ref)) for _ in range(9))
        other = statistics.median(_milliseconds(lambda ref=ref: _sum(bank, ref)) for _ in range(9))
        show(f"payoff quote of {what}, 5,000 events", ours, "ms", "sum of events", other, ours / other, "< 20 ms")


def _payoff(bank: Bank, ref: str) -> int:
    with bank.read() as books:
        return loan_position(books, ref, TODAY).payoff


def _sum(bank: Bank, ref: str) -> int:
    """The bare reading: SQLite adds up what the events of the loan say."""
    with bank.read() as books:
        return int(books.tx.value(
            "SELECT sum(json_extract(body, '$.data.amount')) FROM record WHERE about = ? AND kind = 'loan-event'", ref
        ))  # fmt: skip


def _milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3
