"""`make bench`: prints every figure beside its baseline. `--quick` leaves the growth to a million out."""

from __future__ import annotations

import itertools
import statistics
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

from benchmarks import audit, backups, counter, dashboard, documents, equity, finance, lending, savings
from benchmarks.books import DAY, TELLER, Bare, draft, entry, leaf, new_bank, paired_rates, seal_one
from coopbank.bank.bank import Bank
from coopbank.ledger.balances import control_totals
from coopbank.ledger.posting import NewAccount, NewPeriodState
from coopbank.ledger.verify import verify_ledger, wrong

LEAVES = 20_000
_keys = itertools.count()


def main() -> int:
    """Run all, print as they come."""
    quick = "--quick" in sys.argv[1:]
    finance.measure(show)
    with tempfile.TemporaryDirectory(prefix="coopbank-bench-") as name:
        folder = Path(name)
        single(folder)
        batches(folder)
        growth(folder, 200_000 if quick else 1_000_000)
        lending.measure(show, folder, quick=quick)
        counter.measure(show, folder)
        documents.measure(show, folder, quick=quick)
        backups.measure(show, folder, quick=quick)
        audit.measure(show, folder, quick=quick)
        equity.measure(show, folder, quick=quick)
        savings.measure(show, folder, quick=quick)
    return 0


def show(what: str, ours: float, unit: str, baseline: str, other: float, ratio: float, wanted: str) -> None:
    """One line: ours, the baseline, the ratio and what the project asks for."""
    print(
        f"{what:<46} {ours:>10,.2f} {unit:<9} {baseline}: {other:>12,.2f}   ratio {ratio:6.3f}   (wanted {wanted})",
        flush=True,
    )


def single(folder: Path) -> None:
    """One durable commit each."""
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

    for what, call, wanted in (
        ("sealed operation, two lines, durable", two, ">= 0.25"),
        ("sealed operation, five lines, durable", five, ">= 0.25"),
        ("whole deposit through the bank, durable", deposit, ">= 0.15"),
    ):
        ours, other, ratio = paired_rates(call, lambda _i: bare.commit(), rounds=200)
        show(what, ours, "a second", "bare commit", other, ratio, wanted)
    _require_right(bank)


def batches(folder: Path) -> None:
    """A thousand entries in one operation; and a thousand operations in one transaction."""
    bank, bare = new_bank(folder, "batch"), Bare(folder / "batch-bare.db")
    claim, savings = leaf(bank, "GEN", "729"), leaf(bank, "GEN", "905/M0001")

    def batch(_i: int) -> None:
        seal_one(bank, draft(f"batch-{next(_keys)}", [entry((claim, 100), (savings, -100))] * 1000))

    ours, other, ratio = paired_rates(batch, lambda _i: bare.commit(1000), rounds=5)
    show(
        "entries of an operation with 1,000 of them",
        ours * 1000,
        "a second",
        "bare batch",
        other * 1000,
        ratio,
        ">= 0.15",
    )
    deposits = [bank.build("deposit", {"member": "M0001", "amount": "1.00"}) for _ in range(1000)]
    start = time.perf_counter()
    bank.perform_all(TELLER, [(operation, None) for operation in deposits])
    rate = 1000 / (time.perf_counter() - start)
    show("1,000 deposits in one transaction", rate, "a second", "bare batch", other * 1000, rate / other / 1000, "told")
    _require_right(bank)


def growth(folder: Path, total: int) -> None:
    """The rate as the books grow, and the trial balance on the way."""
    bank = new_bank(folder, "growth")
    dashboard.prepare(bank)
    claim = leaf(bank, "GEN", "729")
    first = _open_leaves(bank)
    marks: list[float] = []
    done, window, day = 0, 100_000, DAY
    while done < total:
        start = time.perf_counter()
        for _ in range(window // 1000):
            day = _next_day(bank, day)
            pairs = (((claim, 100), (first + (done + i) * 7919 % LEAVES, -100)) for i in range(1000))
            entries = [entry(*lines, day=day) for lines in pairs]
            seal_one(bank, draft(f"growth-{next(_keys)}", entries, day=day))
            done += 1000
        marks.append(window / (time.perf_counter() - start))
        print(f"  {done:>9,} entries: {marks[-1]:>9,.0f} entries a second", flush=True)
        if done == window:
            _trial_balance(bank)
    if len(marks) >= 6:
        early, late = statistics.median(marks[1:4]), statistics.median(marks[-3:])
        show("rate at 1,000,000 entries", late, "a second", "at 200,000", early, late / early, ">= 0.7")
    dashboard.measure(show, bank, done)


def _next_day(bank: Bank, day: date) -> date:
    """A thousand entries a day, as a bank of twenty thousand accounts might have."""
    tomorrow = day + timedelta(days=1)
    states = [NewPeriodState(day.isoformat(), "closed"), NewPeriodState(tomorrow.isoformat(), "open")]
    seal_one(bank, draft(f"day-{next(_keys)}", [], states, day=tomorrow))
    return tomorrow


def _open_leaves(bank: Bank) -> int:
    with bank.read() as books:
        first = int(books.tx.value("SELECT max(id) + 1 FROM account"))
    rows = [NewAccount(first + i, "905", "GEN", f"B{i:05d}", None, "liability", "USD", None, 0) for i in range(LEAVES)]
    seal_one(bank, draft("leaves", [], rows))
    return first


def _trial_balance(bank: Bank) -> None:
    """By control accounts, against the sum over all postings."""
    with bank.read() as books:
        kept = statistics.median(_seconds(lambda: list(control_totals(books.tx, None))) for _ in range(9))
        summed = statistics.median(
            _seconds(
                lambda: books.tx.rows(
                    "SELECT a.gl_code, a.fund, a.currency, sum(p.amount) FROM posting p"
                    " JOIN account a ON a.id = p.account_id GROUP BY 1, 2, 3"
                )
            )
            for _ in range(3)
        )
    show(
        "trial balance, 100,000 entries, 20,000 leaves",
        kept * 1e3,
        "ms",
        "sum of postings",
        summed * 1e3,
        kept / summed,
        "< 5 ms",
    )


def _seconds(call: object) -> float:
    start = time.perf_counter()
    call()  # type: ignore[operator]
    return time.perf_counter() - start


def _require_right(bank: Bank) -> None:
    """A fast wrong book is worth nothing."""
    faults = wrong(verify_ledger(bank.database))
    if faults:
        raise SystemExit(f"the measured books are wrong: {faults[0]}")


if __name__ == "__main__":
    raise SystemExit(main())
