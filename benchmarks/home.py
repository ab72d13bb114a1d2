"""A bank of a million entries opens its counter: from the start of the process to the home screen.

Twenty thousand members with savings, twenty drawers, two thousand loans, a million entries over half a year in
operations of ten. What is measured is the real program in a real pseudo-terminal: the time until the sign-in screen is
painted, and from the passphrase's Enter until the home screen says where the bank stands; and both together. What a
person types in between is theirs, and the books are opened meanwhile; a fifth of a second is the check of the
passphrase. The baseline is an empty Textual program, which shows what the machine and Textual need for one screen.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from benchmarks.books import ADMINISTRATOR, DAY, TELLER, draft, entry, leaf, new_bank, seal_one, show
from benchmarks.counter import EMPTY
from benchmarks.lending import write_loans
from coopbank.bank.bank import Bank
from coopbank.ledger.posting import NewPeriodState, seal
from tests.tui.terminal import ENTER, PROGRAM, ROOT, Terminal

MEMBERS: Final = 20_000
DRAWERS: Final = 20
LOANS: Final = 2_000
DAYS: Final = 180  # from the day of the books on: all of them are over
IN_ONE: Final = 10  # entries of an operation
PASSPHRASE: Final = "measured twice"
_GIVEN = ("Ada", "Amos", "Bettye", "Calvin", "Cora", "Darnell", "Josué", "Keisha", "Marisol", "Odell", "Ruby", "Tamika")
_FAMILY = ("Abernathy", "Banks", "Cole", "Dorsey", "Ellison", "Fontaine", "Núñez", "Overby", "Pettway", "Stovall")


def measure(folder: Path, *, quick: bool = False) -> None:
    """Seconds by the clock and of the processor, the shortest of some: other work of the machine only ever adds."""
    entries = 100_000 if quick else 1_000_000
    bank = book_of(folder, entries, 2_000 if quick else MEMBERS)
    place = bank.database.place
    bank.close()
    empty, taken = [], []
    for _ in range(5):
        empty.append(_empty())
        taken.append(_opened(place))
    what = f"a bank of {entries:,} entries"
    for number, how in enumerate(("by the clock", "processor")):
        other = min(each[number] for each in empty)
        shortest = [min(each[stage][number] for each in taken) for stage in range(len(_STAGES))]
        both = shortest[0] + shortest[2]
        for (stage, wanted), ours in zip((*_STAGES, _BOTH), (*shortest, both), strict=True):
            wanted = "told" if number else wanted
            show(f"{what}: {stage}, {how}", ours, "s", "an empty Textual program", other, ours / other, wanted)
    program = [sys.executable, "-P", "-c", PROGRAM]
    for command in ("--version", "trial-balance", "member"):
        arguments = [command] if command.startswith("-") else ["--db", place, command]
        ours = min(_command([*program, *arguments, *(["M0042"] if command == "member" else [])]) for _ in range(5))
        other = min(_command([sys.executable, "-P", "-c", "pass"]) for _ in range(5))
        show(f"coopbank {command}", ours, "s", "an empty Python program", other, ours / other, "told")


_STAGES: Final = (
    ("the sign-in screen", "< 0.4 s"),
    ("the books open behind it", "told"),
    ("from Enter to the home screen", "< 0.3 s"),
)
_BOTH: Final = ("both waits", "< 0.7 s")
Taken = tuple[float, float]  # by the clock, and of the processor


def _opened(place: str) -> tuple[Taken, Taken, Taken]:
    """The seconds of the stages, in one run of the program. What is typed is on the screen before Enter is pressed."""
    with (
        tempfile.TemporaryDirectory() as home,
        Terminal(["--db", place], size=(120, 36), env={"XDG_CONFIG_HOME": home}) as terminal,
    ):
        painted = terminal.see("Passphrase"), _processor(terminal.pid)
        opened = terminal.see("These are the real books"), _processor(terminal.pid)
        terminal.type(f"ana{ENTER}")
        terminal.silent(0.7)
        terminal.type(PASSPHRASE)
        terminal.silent(0.7)
        began, worked = time.monotonic(), _processor(terminal.pid)
        terminal.type(ENTER)
        terminal.see("Head of the chain")
        return painted, opened, (time.monotonic() - began, _processor(terminal.pid) - worked)


def _empty() -> Taken:
    with Terminal([], size=(120, 36), program=EMPTY) as terminal:
        return terminal.see("ready"), _processor(terminal.pid)


def _processor(process: int) -> float:
    """Seconds that a process has worked, with all its threads: Linux names this clock after the process."""
    return time.clock_gettime((~process << 3) | 2)


def _command(words: list[str]) -> float:
    """Processor seconds of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, capture_output=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def book_of(folder: Path, entries: int, members: int = MEMBERS) -> Bank:
    """The bank, with its last day open."""
    bank = new_bank(folder, "home")
    bank.set_passphrase(ADMINISTRATOR, "ana", "measured once before")
    bank.set_passphrase(TELLER, "ana", PASSPHRASE)
    for start in range(2, members + 2, 500):
        numbers = range(start, min(start + 500, members + 2))
        admit = [bank.build("admit-member", {"member_name": _name(number)}) for number in numbers]
        bank.perform_all(TELLER, [(operation, None) for operation in admit])
        savings = [bank.build("open-savings", {"member": f"M{number:04d}"}) for number in numbers]
        bank.perform_all(TELLER, [(operation, None) for operation in savings])
    write_loans(bank, LOANS)
    bank.perform(TELLER, bank.build("close-drawer", {"drawer": "D1", "counted": "100.00"}))
    for number in range(2, DRAWERS + 1):
        bank.perform(TELLER, bank.build("open-drawer", {"drawer": f"D{number}"}))
        bank.perform(TELLER, bank.build("close-drawer", {"drawer": f"D{number}", "counted": "0.00"}))
    bank.perform(TELLER, bank.build("close-day", {}))
    _fill(bank, entries)
    return bank


def _name(number: int) -> str:
    return f"{_GIVEN[number * 7 % 12]} {_FAMILY[number * 11 % 10]} {number % 97}"


def _fill(bank: Bank, entries: int) -> None:
    """So many deposits' other halves: every savings account in turn, against the fund's claim."""
    claim = leaf(bank, "GEN", "729")
    with bank.read() as books:
        saved = [int(number) for (number,) in books.tx.rows("SELECT id FROM account WHERE gl_code = '905' ORDER BY id")]
    operations, done, day = entries // IN_ONE, 0, DAY
    for number in range(1, DAYS + 1):
        day = _next_day(bank, day)
        with bank.database.write() as tx:
            for _ in range(operations * number // DAYS - done):
                lines = [
                    entry((claim, 100), (saved[(done * IN_ONE + i) * 7919 % len(saved)], -100), day=day)
                    for i in range(IN_ONE)
                ]
                seal(tx, bank.book, draft(f"home-{done}", lines, day=day))
                done += 1


def _next_day(bank: Bank, day: date) -> date:
    tomorrow = day + timedelta(days=1)
    states = [NewPeriodState(day.isoformat(), "closed"), NewPeriodState(tomorrow.isoformat(), "open")]
    seal_one(bank, draft(f"home-day-{tomorrow}", [], states, day=tomorrow))
    return tomorrow
