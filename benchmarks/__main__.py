"""`make bench`: prints every figure beside its baseline, last those of a server. `--quick` takes smaller books.

`python -m benchmarks scale` measures the server alone (docs/scale.md).
"""

from __future__ import annotations

import itertools
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import (
    audit,
    auditing,
    backups,
    counter,
    documents,
    equity,
    evening,
    finance,
    growth,
    home,
    lending,
    savings,
)
from benchmarks.books import TELLER, Bare, draft, entry, leaf, new_bank, paired_rates, seal_one, show
from coopbank.bank.bank import Bank
from coopbank.ledger.verify import verify_ledger, wrong

_keys = itertools.count()
_ROUND = 1500  # commits until the smaller of the two logs was written round: 4,000 pages, three each


def main() -> int:
    """Run all, print as they come."""
    quick = "--quick" in sys.argv[1:]
    if "scale" not in sys.argv[1:]:
        with tempfile.TemporaryDirectory(prefix="coopbank-bench-") as name:
            in_files(Path(name), quick=quick)
    from benchmarks import scale  # asks for the server of the development tools

    with tempfile.TemporaryDirectory(prefix="coopbank-bench-") as name:
        scale.measure(Path(name), quick=quick)
    return 0


def in_files(folder: Path, *, quick: bool) -> None:
    """All that needs no server."""
    finance.measure()
    single(folder)
    batches(folder)
    growth.measure(folder, quick=quick)
    lending.measure(folder, quick=quick)
    counter.measure(folder)
    home.measure(folder, quick=quick)
    documents.measure(folder, quick=quick)
    backups.measure(folder, quick=quick)
    audit.measure(folder, quick=quick)
    auditing.measure(folder, quick=quick)
    equity.measure(folder, quick=quick)
    savings.measure(folder, quick=quick)
    evening.measure(folder, quick=quick)


def single(folder: Path) -> None:
    """One durable commit each; both have written their log round once, so neither pays for a file that grows."""
    bank, bare = new_bank(folder, "single"), Bare(folder / "single-bare.db")
    claim, savings = leaf(bank, "GEN", "729"), leaf(bank, "GEN", "905/M0001")
    place, owed = leaf(bank, "POOL", "739/D1"), leaf(bank, "POOL", "879/GEN")
    fee = 300

    def two(_i: int) -> None:
        seal_one(bank, draft(f"two-{next(_keys)}", [entry((claim, 100), (savings, -100))]))

    def five(_i: int) -> None:
        lines = ((place, fee), (owed, -fee), (claim, fee), (savings, -100), (savings, -200))
        seal_one(bank, draft(f"five-{next(_keys)}", [entry(*lines)]))

    def deposit(_i: int) -> None:
        bank.perform(TELLER, bank.build("deposit", {"member": "M0001", "amount": "1.00"}))

    for i in range(_ROUND):
        bare.commit()
        two(i)
    for what, call, lines, wanted in (
        ("sealed operation, two lines, durable", two, 2, ">= 0.35"),
        ("sealed operation, five lines, durable", five, 2, ">= 0.35"),
        ("the same beside a bare commit of five lines", five, 5, "told"),
        ("whole deposit through the bank, durable", deposit, 2, ">= 0.25"),
    ):
        measured = paired_rates(call, bare.commits(lines=lines), rounds=20)
        for how, found in zip(("processor", "by the clock"), measured, strict=True):
            show(f"{what}, {how}", found.ours, "a second", "bare commit", found.bare, found.ratio, wanted)
    _require_right(bank)


def batches(folder: Path) -> None:
    """A thousand entries in one operation; and a thousand operations in one transaction."""
    bank, bare = new_bank(folder, "batch"), Bare(folder / "batch-bare.db")
    claim, savings = leaf(bank, "GEN", "729"), leaf(bank, "GEN", "905/M0001")

    def batch(_i: int) -> None:
        seal_one(bank, draft(f"batch-{next(_keys)}", [entry((claim, 100), (savings, -100))] * 1000))

    measured = paired_rates(batch, bare.commits(1000), rounds=1, repeat=15)
    for how, found in zip(("processor", "by the clock"), measured, strict=True):
        what = f"entries of an operation with 1,000 of them, {how}"
        show(what, found.ours * 1000, "a second", "bare batch", found.bare * 1000, found.ratio, ">= 0.25")
    deposits = [bank.build("deposit", {"member": "M0001", "amount": "1.00"}) for _ in range(1000)]
    start = time.perf_counter()
    bank.perform_all(TELLER, [(operation, None) for operation in deposits])
    rate = 1000 / (time.perf_counter() - start)
    bare_rate = found.bare * 1000
    show("1,000 deposits in one transaction", rate, "a second", "bare batch", bare_rate, rate / bare_rate, "told")
    _require_right(bank)


def _require_right(bank: Bank) -> None:
    """A fast wrong book is worth nothing."""
    faults = wrong(verify_ledger(bank.database))
    if faults:
        raise SystemExit(f"the measured books are wrong: {faults[0]}")


if __name__ == "__main__":
    raise SystemExit(main())
