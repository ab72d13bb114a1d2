"""Books to measure with, the bare baseline beside them, and the line that tells of both.

The baseline is what SQLite itself can do: one header row and two posting rows with
their index, the same pragmas, no trigger, no hash, no check. Every ratio is ours over
that, on the same disk in the same run.
"""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from coopbank.bank.bank import Bank, request_hash
from coopbank.bank.books import Actor
from coopbank.bank.operations.founding import FoundBook
from coopbank.clock import SetClock, instant_text
from coopbank.ledger.posting import Draft, EntryDraft, Line, Row, post

DAY = date(2026, 3, 2)
CLOCK = SetClock(datetime(2026, 3, 2, 15, tzinfo=UTC))
ADMINISTRATOR = Actor("admin", ("administrator",))
TELLER = Actor("ana", ("teller", "treasurer"))


def show(what: str, ours: float, unit: str, baseline: str, other: float, ratio: float, wanted: str) -> None:
    """One line: ours, the baseline, the ratio and what the project asks for."""
    print(
        f"{what:<46} {ours:>10,.2f} {unit:<9} {baseline}: {other:>12,.2f}   ratio {ratio:6.3f}   (wanted {wanted})",
        flush=True,
    )


def new_bank(folder: Path, name: str, clock: SetClock = CLOCK) -> Bank:
    """A founded bank with an open day, an open drawer and one member with savings."""
    place = str(folder / f"{name}.db")
    bank = Bank.found(place, FoundBook(bank_name="Bench"), passphrase="measured twice", clock=clock)
    ana = {"user": "ana", "full_name": "Ana", "user_roles": list(TELLER.roles)}
    bank.perform(ADMINISTRATOR, bank.build("add-user", ana))
    for operation, values in (
        ("open-day", {}), ("open-drawer", {"drawer": "D1"}), ("admit-member", {"member_name": "Ada Tate"}),
        ("open-savings", {"member": "M0001"}), ("deposit", {"member": "M0001", "amount": "100.00"}),
    ):  # fmt: skip
        bank.perform(TELLER, bank.build(operation, values))
    return bank


def leaf(bank: Bank, fund: str, code: str) -> int:
    """The number of a leaf that exists."""
    with bank.read() as books:
        found = books.leaf(fund, code)
    if found is None:
        raise LookupError(code)
    return found.id


def draft(key: str, entries: list[EntryDraft], rows: Sequence[Row] = (), day: date = DAY) -> Draft:
    """An operation of the benchmark's own kind."""
    request = {"key": key}
    at = instant_text(datetime.combine(day, CLOCK.now().timetz()))
    return Draft(
        key=key, kind="benchmark", kind_version=1, actor="admin", approver=None, business_date=day,
        at=at, request=request, request_hash=request_hash("benchmark", 1, request),
        entries=entries, rows=list(rows),
    )  # fmt: skip


def seal_one(bank: Bank, made: Draft) -> None:
    """One durable sealed operation through the posting door."""
    post(bank.database, bank.book, made)


def entry(*lines: tuple[int, int], day: date = DAY) -> EntryDraft:
    """An entry of the day from (account, amount) pairs."""
    return EntryDraft("benchmark", day, tuple(Line(account, amount) for account, amount in lines))


class Bare:
    """The baseline: plain tables, the same pragmas, durable commits."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = sqlite3.connect(path, isolation_level=None, cached_statements=64)
        self.connection.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
            "PRAGMA recursive_triggers = ON; PRAGMA secure_delete = ON;"
            "PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 4000;"
            "CREATE TABLE header (id INTEGER PRIMARY KEY, day TEXT NOT NULL, memo TEXT NOT NULL);"
            "CREATE TABLE line (header INTEGER NOT NULL, line INTEGER NOT NULL, account INTEGER NOT NULL,"
            " amount INTEGER NOT NULL, PRIMARY KEY (header, line)) WITHOUT ROWID;"
            "CREATE INDEX line_account ON line (account, header);"
        )
        self.next = 1

    def commit(self, entries: int = 1, lines: int = 2) -> None:
        """So many entries of so many lines each in one durable transaction."""
        first = self.next
        self.commit_lines([tuple(n + n % 20000 + 1 + i for i in range(lines)) for n in range(first, first + entries)])

    def commits(self, entries: int = 1, lines: int = 2) -> Callable[[int], None]:
        """The same as a call for a loop."""
        return lambda _turn: self.commit(entries, lines)

    def commit_lines(self, entries: Sequence[tuple[int, ...]]) -> None:
        """An entry over each group of accounts, in one durable transaction."""
        first, self.next = self.next, self.next + len(entries)
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        ids = range(first, first + len(entries))
        self.connection.executemany(
            "INSERT INTO header VALUES (?, ?, ?)", [(i, "2026-03-02", "benchmark") for i in ids]
        )
        self.connection.executemany(
            "INSERT INTO line VALUES (?, ?, ?, ?)",
            [
                (i, line, account, -100 if line > 1 else 100 * (len(accounts) - 1))
                for i, accounts in zip(ids, entries, strict=True)
                for line, account in enumerate(accounts, start=1)
            ],
        )
        execute("COMMIT")


@dataclass(frozen=True)
class Paired:
    """Calls a second of ours and of the bare ones, and the median of the ratios of turns."""

    ours: float
    bare: float
    ratio: float


def paired_rates(
    ours: Callable[[int], None], bare: Callable[[int], None], *, rounds: int, repeat: int = 40
) -> tuple[Paired, Paired]:
    """Both in many short turns: by processor time, and by the clock.

    Processor time is what is ours to mend: whoever else works on the machine is not measured, and both wait for the
    disk alike. The clock is what somebody waits for, the disk included, and means nothing on a busy machine.
    """
    turns = []
    for turn in range(repeat + 1):
        pair = (_rates(ours, rounds), _rates(bare, rounds))
        if turn:  # the first one warms up
            turns.append(pair)

    def of(how: int) -> Paired:
        pairs = [(a[how], b[how]) for a, b in turns]
        ratio = statistics.median(a / b for a, b in pairs)
        return Paired(statistics.median(a for a, _b in pairs), statistics.median(b for _a, b in pairs), ratio)

    return of(0), of(1)


def _rates(call: Callable[[int], None], rounds: int) -> tuple[float, float]:
    """Calls a second of processor time, and by the clock."""
    processor, clock = time.process_time(), time.perf_counter()
    for i in range(rounds):
        call(i)
    return rounds / (time.process_time() - processor), rounds / (time.perf_counter() - clock)
