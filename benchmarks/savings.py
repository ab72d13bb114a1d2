"""A quarter's interest over all savings accounts: every day's balance reckoned, every account credited to the cent.

Accounts and balances are written through the posting door, many in one operation. The baseline is what a plain program
over a plain table does: it reads every balance with SQLite itself, reckons in floating point and writes a row for each.

A till in a process of its own takes one gift after the other meanwhile; what counts of it is the longest time that one
of them took.
"""

from __future__ import annotations

import multiprocessing
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.books import ADMINISTRATOR, TELLER, draft, leaf, new_bank, seal_one, show
from coopbank.bank import records
from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor
from coopbank.bank.operation import Receipt
from coopbank.clock import SetClock
from coopbank.errors import DayClosed
from coopbank.ledger.posting import EntryDraft, Line, NewAccount, NewRecord, Row

_SUE = Actor("sue", ("supervisor",))
_FIRST, _LAST = date(2026, 3, 2), date(2026, 4, 1)
_IN_ONE = 2000  # accounts written by one operation


def measure(folder: Path, *, quick: bool = False) -> None:
    """Credit the first quarter, asked by one person and approved by another."""
    count = 20_000 if quick else 100_000
    clock = SetClock(datetime(2026, 3, 2, 15, tzinfo=UTC))
    bank = new_bank(folder, "savings", clock)
    sue = {"user": "sue", "full_name": "Sue", "user_roles": ["supervisor"]}
    bank.perform(TELLER, bank.build("approve", {"request": _do(bank, ADMINISTRATOR, "add-user", **sue).request}))
    _do(bank, TELLER, "receive-gift", amount="1.00", donor="D", fund="GEN", tender="transfer")
    write_savings(bank, count)
    _do(bank, TELLER, "close-drawer", drawer="D1", counted="100.00")
    _do(bank, TELLER, "close-day")
    clock.instant = datetime(2026, 4, 1, 15, tzinfo=UTC)
    _do(bank, TELLER, "open-day", date=_LAST.isoformat())
    began = time.perf_counter()
    asked = _do(bank, TELLER, "credit-interest", quarter="2026-Q1")
    asking = time.perf_counter() - began
    with till(bank.database.place, clock.instant) as waits:
        between = time.perf_counter()
        _do(bank, _SUE, "approve", request=asked.request)
        seconds = time.perf_counter() - between
    other = _plain(folder / "savings-bare.db", count)
    with bank.read() as books:
        if books.get(records.SavingsInterest, "2026-Q1").accounts < count:
            raise SystemExit("the measured interest is wrong")
    wanted = f"< {10 * count / 100_000:.0f} s"
    show(f"asking for the interest of {count:,} accounts", asking, "s", "plain loop", other, asking / other, "told")
    show(f"interest posted to {count:,} accounts", seconds, "s", "plain loop", other, seconds / other, wanted)
    show(f"longest wait of a till meanwhile, of {len(waits)} gifts", max(waits), "s", "plain loop", other,
         max(waits) / other, "< 0.5 s")  # fmt: skip
    bank.close()


@contextmanager
def till(place: str, instant: datetime, by: Actor = TELLER) -> Iterator[list[float]]:
    """A till at work beside the block, kept by that person; at its end filled with the seconds that each gift took."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_take_gifts, args=(place, instant, by, theirs), daemon=True)
    process.start()
    ours.recv()
    found: list[float] = []
    try:
        yield found
    finally:
        ours.send("enough")
        found += ours.recv()
        process.join()


def _take_gifts(place: str, instant: datetime, by: Actor, asked: Connection) -> None:
    bank = Bank.open(place, clock=SetClock(instant))
    gift = {"amount": "1.00", "donor": "D", "fund": "GEN", "tender": "transfer"}
    _do(bank, by, "receive-gift", **gift)  # what is loaded at the first one is no wait
    asked.send("ready")
    waits = []
    while not asked.poll():
        began = time.perf_counter()
        try:
            _do(bank, by, "receive-gift", **gift)
        except DayClosed:  # that was the evening
            break
        waits.append(time.perf_counter() - began)
        time.sleep(0.02)
    asked.send(waits)


def _do(bank: Bank, actor: Actor, operation: str, **values: object) -> Receipt:
    return bank.perform(actor, bank.build(operation, dict(values)))


def write_savings(bank: Bank, count: int) -> None:
    """Savings accounts with balances, no two neighbours the same, at half a percent."""
    claim = leaf(bank, "GEN", "729")
    place, owed = leaf(bank, "POOL", "731/FIRST"), leaf(bank, "POOL", "879/GEN")
    with bank.read() as books:
        next_id = 1 + int(books.tx.value("SELECT max(id) FROM account"))
    for start in range(0, count, _IN_ONE):
        rows: list[Row] = []
        lines: list[Line] = []
        for number in range(start + 2, min(start + _IN_ONE, count) + 2):
            member, amount = f"M{number:06}", 10_000 + number % 977
            rows.append(NewAccount(next_id, "905", "GEN", member, member, "liability", "USD", None, 0))
            body = records.Savings(member=member, account=member, opened_on=_FIRST.isoformat(), annual_rate="0.5")
            rows.append(NewRecord("savings", f"S-{member}", 1, member, body.model_dump(exclude_defaults=True)))
            lines.append(Line(next_id, -amount))
            next_id += 1
        total = -sum(line.amount for line in lines)
        lines += [Line(claim, total), Line(owed, -total), Line(place, total)]
        seal_one(bank, draft(f"savings-{start}", [EntryDraft("benchmark", _FIRST, tuple(lines))], rows, _FIRST))


def _plain(path: Path, count: int) -> float:
    """Seconds of a plain program."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE savings (account TEXT PRIMARY KEY, balance INTEGER)")
    connection.execute("CREATE TABLE interest (account TEXT PRIMARY KEY, amount INTEGER)")
    rows = ((f"M{number:06}", 10_000 + number % 977) for number in range(1, count + 1))
    connection.executemany("INSERT INTO savings VALUES (?, ?)", rows)
    connection.commit()
    began = time.perf_counter()
    parts = [(a, round(b * 0.005 * 30 / 365)) for a, b in connection.execute("SELECT account, balance FROM savings")]
    connection.executemany("INSERT INTO interest VALUES (?, ?)", parts)
    connection.commit()
    seconds = time.perf_counter() - began
    connection.close()
    return seconds
