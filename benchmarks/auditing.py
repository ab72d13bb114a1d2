"""What an auditor waits for: verify beside bean-check and hledger on the same book, and the pack of a large one.

The other programs read the journal that we exported and check what they can: that entries balance and balances at
each month's end hold. Ours checks that too, and hashes, rows, caches and registers besides.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from benchmarks.books import DAY, draft, entry, leaf, new_bank, show
from coopbank.bank.bank import Bank
from coopbank.bank.verify import verify
from coopbank.exchange import export
from coopbank.ledger.posting import NewAccount, NewPeriodState, seal
from coopbank.ledger.verify import wrong

LEAVES = 2_000
GROUP = 2_000  # operations in a transaction while the book is built


def measure(folder: Path, *, quick: bool = False) -> None:
    """Print every figure."""
    few, many = (20_000, 100_000) if quick else (100_000, 1_000_000)
    bank = grown(folder, "audited", few)
    ours = _seconds(lambda: _require_right(bank))
    _proofs(bank, folder, few, ours)
    bank.close()
    large = grown(folder, "packed", many, entries=5)
    seconds = _seconds(lambda: export(large, "pack", folder / "pack"))
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    show(f"pack of {many:,} entries", seconds, "s", "megabytes at most", megabytes, megabytes / 1024, "< 240 s, < 1 GB")
    ran = subprocess.run(
        [sys.executable, "-I", "verify.py"], cwd=folder / "pack", capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise SystemExit(f"the pack does not prove itself: {ran.stdout}{ran.stderr}")
    large.close()


def _proofs(bank: Bank, folder: Path, count: int, ours: float) -> None:
    what = f"verify of {count:,} entries"
    bean = folder / "bean"
    journal = next(path for path in export(bank, "beancount", bean) if path.suffix == ".beancount")
    check = Path(sys.executable).with_name("bean-check")
    other = _seconds(lambda: subprocess.run([check, "--no-cache", journal], check=True))
    show(what, ours, "s", "bean-check", other, other / ours, "ratio > 5")
    program = shutil.which("hledger")
    if program is None:
        print("hledger is not installed")
        return
    journal = next(path for path in export(bank, "hledger", folder / "hledger") if path.suffix == ".journal")
    other = _seconds(lambda: subprocess.run([program, "check", "--strict", "-f", journal], check=True))
    show(what, ours, "s", "hledger check", other, other / ours, "ratio > 3")


def grown(folder: Path, name: str, count: int, *, entries: int = 1) -> Bank:
    """A bank with so many two-line entries over two years, so many of them in an operation."""
    bank = new_bank(folder, name)
    claim = leaf(bank, "GEN", "729")
    savings = leaf(bank, "GEN", "905/M0001")
    first = savings + 1000
    accounts = [
        NewAccount(first + i, "290", "GEN", f"P-{i}", None, "expense", "USD", None, None) for i in range(LEAVES)
    ]
    income = NewAccount(first + LEAVES, "151", "GEN", "", None, "income", "USD", None, None)
    with bank.database.write() as tx:
        seal(tx, bank.book, draft("leaves", [], [*accounts, income]))
    operations, done = count // entries, 0
    days = 520
    for number in range(days):
        day = _weekday(number)
        wanted = operations * (number + 1) // days - done
        with bank.database.write() as tx:
            if number:
                row = NewPeriodState(day.isoformat(), "open")
                seal(tx, bank.book, draft(f"open-{number}", [], [row], day))
            for _ in range(wanted):
                lines = [
                    entry((first + (done * entries + i) % LEAVES, 100), (first + LEAVES, -100), day=day)
                    for i in range(entries)
                ]
                seal(tx, bank.book, draft(f"audit-{done}", lines, day=day))
                done += 1
    assert claim
    return bank


def _weekday(number: int) -> date:
    weeks, rest = divmod(number, 5)
    return DAY + timedelta(days=weeks * 7 + rest)  # DAY is a Monday


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _require_right(bank: Bank) -> None:
    faults = [f for f in wrong(verify(bank.database)) if f.check not in ("powers", "registers")]
    if faults:
        raise SystemExit(f"the measured books are wrong: {faults[0]}")
