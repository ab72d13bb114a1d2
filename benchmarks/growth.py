"""How the figures grow with the age of a bank: 10,000 to 10,000,000 postings, over 300,000 leaves.

At each size the same questions: how fast entries go in (a thousand in one durable operation, each to another leaf), a
leaf's balance of a past day, the trial balance, the dashboard, how large the file is, and how much memory a command
takes that looks and one that posts. The baselines stand at the same size: bare tables that are filled with the same
lines, and what SQLite needs to sum all postings. The proof of the whole book is a process of its own, so its memory is
its own.
"""

from __future__ import annotations

import itertools
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from benchmarks import dashboard
from benchmarks.books import DAY, Bare, draft, entry, leaf, new_bank, seal_one, show
from coopbank.bank.bank import Bank
from coopbank.clock import SetClock
from coopbank.database import Transaction
from coopbank.ledger.balances import balance_as_of, control_totals
from coopbank.ledger.posting import NewAccount, NewPeriodState

LEAVES = 300_000
_IN_ONE = 1000  # entries of an operation
_SUMMED = (
    "SELECT a.gl_code, a.fund, a.currency, sum(p.amount) FROM posting p"
    " JOIN account a ON a.id = p.account_id GROUP BY 1, 2, 3"
)
_keys = itertools.count()


class Growing:
    """A book and its bare twin, filled with the same lines."""

    def __init__(self, folder: Path) -> None:
        self.clock = SetClock(datetime(2026, 3, 2, 15, tzinfo=UTC))
        self.bank = new_bank(folder, "growth", self.clock)
        self.bare = Bare(folder / "growth-bare.db")
        dashboard.prepare(self.bank)
        self.claim = leaf(self.bank, "GEN", "729")
        self.first = _open_leaves(self.bank)
        self.day, self.done = DAY, 0

    def grow(self, entries: int) -> tuple[float, float]:
        """So many entries more, a thousand a day; the seconds that took, and the twin's."""
        ours = bare = 0.0
        for _ in range(entries // _IN_ONE):
            self.day = _next_day(self.bank, self.day)
            leaves = [self.first + (self.done + i) * 7919 % LEAVES for i in range(_IN_ONE)]
            made = [entry((self.claim, 100), (leaf_, -100), day=self.day) for leaf_ in leaves]
            began = time.perf_counter()
            seal_one(self.bank, draft(f"growth-{next(_keys)}", made, day=self.day))
            between = time.perf_counter()
            self.bare.commit_lines([(self.claim, leaf_) for leaf_ in leaves])
            ours, bare = ours + between - began, bare + time.perf_counter() - between
            self.done += _IN_ONE
        return ours, bare


def measure(folder: Path, *, quick: bool = False) -> None:
    """Grow, and ask at each size."""
    book = Growing(folder)
    sizes = (10_000, 100_000, 1_000_000) if quick else (10_000, 100_000, 1_000_000, 10_000_000)
    firsts: dict[str, float] = {}
    for postings in sizes:
        window = min(postings // 2 - book.done, 50_000)  # the rate of the last stretch is the rate at this size
        book.grow(postings // 2 - book.done - window)
        ours, bare = book.grow(window)
        _tell(
            firsts,
            f"entries in operations of {_IN_ONE:,}",
            postings,
            window / ours,
            "a second",
            "bare batch",
            window / bare,
        )
        _ask(firsts, book, postings)
        if postings == 1_000_000:
            _prove(book.bank)


def _tell(
    firsts: dict[str, float], what: str, postings: int, ours: float, unit: str, baseline: str, other: float
) -> None:
    first = firsts.setdefault(what, ours)
    show(f"{what}, {postings:,} postings", ours, unit, baseline, other, ours / other, f"growth {ours / first:.2f}")


def _ask(firsts: dict[str, float], book: Growing, postings: int) -> None:
    """What a till, a treasurer and a manager wait for."""
    with book.bank.read() as books:
        past, some = book.day - timedelta(days=3), [book.first + i * 997 % LEAVES for i in range(200)]
        summed = _median(lambda: books.tx.rows(_SUMMED), 1 if postings > 1_000_000 else 3) * 1e3
        of_one = _median(lambda: [balance_as_of(books.tx, each, past) for each in some], 5) / len(some) * 1e6
        lines = _median(lambda: [_sum_of_lines(books.tx, each, past) for each in some], 5) / len(some) * 1e6
        now = _median(lambda: list(control_totals(books.tx, None)), 9) * 1e3
        then = _median(lambda: list(control_totals(books.tx, past)), 9) * 1e3
    _tell(firsts, "a leaf's balance as of a date", postings, of_one, "us", "sum of its lines", lines)
    _tell(firsts, "trial balance now", postings, now, "ms", "sum of postings", summed)
    _tell(firsts, "trial balance as of a date", postings, then, "ms", "sum of postings", summed)
    size = _megabytes(book.bank.database.place)
    _tell(firsts, "the file", postings, size, "MB", "bare", _megabytes(book.bare.path))
    _, looks = _command(book.bank, "trial-balance")
    _, starts = _command(None, "--version")
    _tell(firsts, "memory of a command that looks", postings, looks, "MB", "of one that has no books", starts)
    own = resident()
    _tell(firsts, "memory of the process that fills it", postings, own, "MB", "-", own)
    dashboard.measure(book.bank, postings // 2)


_TOLD = """
import atexit, sys
from pathlib import Path
def told():
    lines = Path("/proc/self/status").read_text().splitlines()
    print(next(line.split()[1] for line in lines if line.startswith("VmHWM")), file=sys.stderr)
atexit.register(told)
from coopbank.cli import main
sys.argv[0] = "coopbank"
sys.exit(main())
"""


def resident() -> float:
    """Megabytes that this process has in memory now; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


def _command(bank: Bank | None, *words: str) -> tuple[int, float]:
    """A command in a process of its own: its exit code, and megabytes at its most (0 where the system does not tell).

    It tells that itself: what is told of a process that ended begins with what the one that began it had in memory.
    """
    place = () if bank is None else ("--db", bank.database.place)
    code = [sys.executable, "-c", _TOLD] if Path("/proc/self/status").exists() else [_program()]
    ran = subprocess.run([*code, *place, *words], capture_output=True, text=True, check=False)
    told = ran.stderr.split()[-1:] or ["0"]
    return ran.returncode, int(told[0]) / 1024 if told[0].isdigit() else 0.0


def _program() -> str:
    return str(Path(sys.executable).with_name("coopbank"))


def _megabytes(path: str | Path) -> float:
    return Path(path).stat().st_size / 1e6


def _sum_of_lines(tx: Transaction, account: int, day: date) -> object:
    return tx.value(
        "SELECT sum(p.amount) FROM posting p JOIN entry e ON e.id = p.entry_id"
        " WHERE p.account_id = ? AND e.effective_on <= ?",
        account, day.isoformat(),
    )  # fmt: skip


def _prove(bank: Bank) -> None:
    """The proof of the whole book by the command, in a process of its own."""
    began = time.perf_counter()
    code, megabytes = _command(bank, "verify")
    seconds = time.perf_counter() - began
    if code != 3:  # of what a benchmark writes itself the catalogue knows nothing, and verify finds that
        raise SystemExit(f"verify ended with {code}")
    show("verify of 500,000 entries, as a command", seconds, "s", "megabytes at most", megabytes, 0, "told")


def _next_day(bank: Bank, day: date) -> date:
    """A thousand entries a day, as a bank of many accounts might have."""
    tomorrow = day + timedelta(days=1)
    states = [NewPeriodState(day.isoformat(), "closed"), NewPeriodState(tomorrow.isoformat(), "open")]
    seal_one(bank, draft(f"day-{next(_keys)}", [], states, day=tomorrow))
    return tomorrow


def _open_leaves(bank: Bank) -> int:
    with bank.read() as books:
        first = int(books.tx.value("SELECT max(id) + 1 FROM account"))
    for start in range(0, LEAVES, 20_000):
        ids = range(start, min(start + 20_000, LEAVES))
        rows = [NewAccount(first + i, "905", "GEN", f"B{i:06d}", None, "liability", "USD", None, 0) for i in ids]
        seal_one(bank, draft(f"leaves-{start}", [], rows))
    return first


def _median(call: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
