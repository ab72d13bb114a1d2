"""Backups and vital records: what a close and a copy take in large books, beside what the disk takes alone.

Members are written through the posting door, some hundred an operation, since only their number matters here: each
has a name, a telephone number, an address, a share and savings, every fifth a loan of the lending benchmark.
"""

from __future__ import annotations

import os
import resource
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import lending
from benchmarks.books import ADMINISTRATOR, draft, entry, leaf, new_bank, seal_one, show
from coopbank.bank.bank import Bank
from coopbank.bank.sealed_files import seal_file
from coopbank.bank.vital import keep_vital_records
from coopbank.cli.copies import make_backup
from coopbank.ledger.posting import NewAccount, NewRecord, PersonalValue, Row

MEMBERS, IN_ONE = 100_000, 500


def measure(folder: Path, *, quick: bool = False) -> None:
    """Print every figure."""
    members = 10_000 if quick else MEMBERS
    bank = new_bank(folder, "backups")
    bank.make_keys(ADMINISTRATOR, "measured twice")
    write_members(bank, members)
    lending.write_loans(bank, members // 5)
    os.environ["COOPBANK_BACKUPS"] = str(folder / "kept")
    (folder / "kept").mkdir()
    _vital(bank, members)
    _backup(bank, folder)
    bank.close()


def _vital(bank: Bank, members: int) -> None:
    started = time.perf_counter()
    with bank.read() as books:
        file = keep_vital_records(str(bank.database.place), books, bank.book, "2026-03-02")
    taken = time.perf_counter() - started
    assert file is not None
    content = secrets.token_bytes(file.stat().st_size)
    started = time.perf_counter()
    with file.with_name("bare").open("wb") as bare:
        bare.write(content)
        bare.flush()
        os.fsync(bare.fileno())
    other = time.perf_counter() - started
    show(f"vital records of {members:,} members", taken, "s", "writing such a file", other, taken / other, "< 5 s")


def _backup(bank: Bank, folder: Path) -> None:
    place = Path(bank.database.place)
    size = place.stat().st_size / 1e6
    started = time.perf_counter()
    shutil.copyfile(place, folder / "bare.db")
    other = time.perf_counter() - started
    started = time.perf_counter()
    seal_file(lambda: _pieces(folder / "bare.db"), folder / "bare.sealed", bytes([9]) + bytes(31), secrets.token_bytes)
    taken = time.perf_counter() - started
    show(f"sealing {size:,.0f} MB and reading them back", taken, "s", "copying them", other, taken / other, "-")
    started = time.perf_counter()
    make_backup(bank, None, None, plain=False, check=lambda _copy: None)
    taken = time.perf_counter() - started
    show("a backup of them, without verify", taken, "s", "copying them", other, taken / other, "-")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    show("memory of the process", memory, "MB", "-", 1, memory, "-")


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        yield from iter(lambda: opened.read(1 << 20), b"")


def write_members(bank: Bank, count: int) -> None:
    """So many members, each with contact, a share and savings."""
    with bank.read() as books:
        first = int(books.tx.value("SELECT max(id) + 1 FROM account"))
    claim = leaf(bank, "GEN", "729")
    for start in range(2, count + 2, IN_ONE):
        rows: list[Row] = []
        kept: list[PersonalValue] = []
        lines: list[tuple[int, int]] = []
        for number in range(start, min(start + IN_ONE, count + 2)):
            ref = f"M{number:04d}"
            values = {
                "name": f"Member {number}",
                "phone": f"601 555 {number:06d}",
                "address": f"{number} Farish Street",
            }
            told = {}
            for field, text in values.items():
                value = PersonalValue("member_name" if field == "name" else field, text, secrets.token_bytes(16))
                kept.append(value)
                told[field] = {"#": value.digest}
            rows.append(NewRecord("member", ref, 1, None, {"entity": "person", "joined_on": "2026-03-02", **told}))
            rows.append(NewRecord("savings", f"S-{ref}", 1, ref,
                                  {"member": ref, "account": ref, "opened_on": "2026-03-02"}))  # fmt: skip
            for code, amount in (("901", 2500), ("905", 7750)):
                kind = "equity" if code == "901" else "liability"
                rows.append(NewAccount(first, code, "GEN", ref, ref, kind, "USD", None, 0))
                lines.append((first, -amount))
                first += 1
        lines.append((claim, -sum(amount for _account, amount in lines)))
        made = draft(f"members-{start}", [entry(*lines)], rows)
        made.personal = kept
        seal_one(bank, made)
