"""The audit tests over a book of a million postings, each beside one plain pass over all of them."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from benchmarks.books import DAY, draft, leaf, new_bank, seal_one, show
from coopbank.bank.bank import Bank
from coopbank.bank.books import Books
from coopbank.clock import instant_text
from coopbank.finance.sampling import Item, draw_dollars
from coopbank.ledger.posting import Draft, EntryDraft, Line, NewAccount, NewPeriodState, seal
from coopbank.reports.audit import TESTS, audit

LEAVES: Final = 20_000
A_DAY: Final = 500  # deposits, each an operation of its own with five lines
_keys = itertools.count()


def measure(folder: Path, *, quick: bool) -> None:
    """Every test by name, and the sample of all accounts."""
    bank = book_of(folder, 100_000 if quick else 1_000_000)
    with bank.read() as books:
        passed = statistics.median(_seconds(lambda: _one_pass(books)) for _ in range(3))
        whole = 0.0
        for name in TESTS:
            took = min(_seconds(lambda name=name: audit(books, [name])) for _ in range(2))  # type: ignore[misc]
            whole += took
            show(f"audit test: {name}", took, "seconds", "one pass", passed, took / passed, "told")
        show("all audit tests", whole, "seconds", "one pass", passed, whole / passed, "< 60 seconds")
        items = [
            Item(contract, int(balance))
            for contract, balance in books.tx.stream(
                "SELECT a.contract, b.credit - b.debit FROM account a JOIN balance b ON b.account_id = a.id"
                " WHERE a.gl_code = '905' ORDER BY a.contract"
            )
        ]
    took = _seconds(lambda: draw_dollars(items, "bench", size=100))
    show("dollar-unit sample of 100 of 20,000", took * 1e3, "ms", "one pass", passed * 1e3, took / passed, "told")


def _one_pass(books: Books) -> None:
    books.tx.rows("SELECT count(*), sum(p.amount) FROM posting p JOIN entry e ON e.id = p.entry_id WHERE e.memo <> ''")


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def book_of(folder: Path, postings: int) -> Bank:
    """Deposits of five lines, an operation each, in amounts and on accounts that differ."""
    bank = new_bank(folder, "audit")
    with bank.read() as books:
        first = int(books.tx.value("SELECT max(id) + 1 FROM account"))
    rows = [
        NewAccount(first + i, "905", "GEN", f"B{i:05d}", f"B{i:05d}", "liability", "USD", None, 0)
        for i in range(LEAVES)
    ]
    seal_one(bank, draft("audit-leaves", [], rows))
    cash = leaf(bank, "POOL", "739/D1"), leaf(bank, "POOL", "879/GEN"), leaf(bank, "GEN", "729")
    day, done = DAY, 0
    while done < postings // 5:
        with bank.database.write() as tx:
            for number in range(done, done + A_DAY):
                seal(tx, bank.book, _deposit(number, day, cash, first))
        done += A_DAY
        day = _next_day(bank, day)
    return bank


def _deposit(number: int, day: date, cash: tuple[int, int, int], first: int) -> Draft:
    which, amount = number * 7919 % LEAVES, 500 + number * 104_729 % 90_000
    place, owed, claim = cash
    lines = ((place, amount), (owed, -amount), (claim, amount), (first + which, -amount + 100), (first + which, -100))
    made = draft(f"audit-{next(_keys)}", [], day=day)
    made.kind = "deposit"
    made.entries.append(EntryDraft(f"Deposit B{which:05d}", day, tuple(Line(*line) for line in lines)))
    made.at = instant_text(datetime.fromisoformat(f"{day}T15:00:00+00:00") + timedelta(seconds=number % A_DAY * 20))
    return made


def _next_day(bank: Bank, day: date) -> date:
    tomorrow = day + timedelta(days=1)
    states = [NewPeriodState(day.isoformat(), "closed"), NewPeriodState(tomorrow.isoformat(), "open")]
    seal_one(bank, draft(f"audit-day-{next(_keys)}", [], states, day=tomorrow))
    return tomorrow
