# ruff: noqa: E501  (a program in one line, and rows of figures)
"""The counter: first paint, silence when idle, memory, and what a hand waits for in a large bank.

Baselines of the same run: an empty Textual program for the first paint; what SQLite itself needs for a scan of all
names and for the newest lines of an account.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.books import draft, entry, leaf, new_bank, seal_one, show
from coopbank.bank.desk import fold
from coopbank.tui import queries
from coopbank.tui.session import Session
from tests.tui.terminal import CTRL_Q, Terminal

MEMBERS, ENTRIES = 100_000, 10_000
GIVEN = ("Ada", "Amos", "Bettye", "Calvin", "Cora", "Darnell", "Josué", "Keisha", "Marisol", "Odell", "Ruby", "Tamika")
FAMILY = (
    "Abernathy",
    "Banks",
    "Cole",
    "Dorsey",
    "Ellison",
    "Fontaine",
    "Núñez",
    "Overby",
    "Pettway",
    "Stovall",
    "Vance",
)
TYPED = ("a", "ab", "ada ab", "abernathy ada 7", "nunez", "M0042", "601 555 0", "abernaty", "josue numez", "zzzzz")
EMPTY = "from textual.app import App\nfrom textual.widgets import Static\nclass E(App):\n def compose(self):\n  yield Static('ready')\nE().run()"


def measure(folder: Path) -> None:
    """Print every figure."""
    bank = new_bank(folder, "counter")
    chance = random.Random(1)
    with bank.database.write() as tx:
        for number in range(2, MEMBERS + 2):
            name = f"{chance.choice(GIVEN)} {chance.choice(FAMILY)} {number % 97}"
            tx.run("INSERT INTO directory (member, name, folded, phone) VALUES (?, ?, ?, ?)", f"M{number:04d}", name,
                   fold(name), f"601555{number % 10_000:04d}")  # fmt: skip
    claim, savings = leaf(bank, "GEN", "729"), leaf(bank, "GEN", "905/M0001")
    for part in range(ENTRIES // 1000):
        seal_one(bank, draft(f"card-{part}", [entry((claim, 100), (savings, -100))] * 1000))
    place = bank.database.place
    bank.close()
    _finding(place)
    _opening(place)
    _program(place)


def _finding(place: str) -> None:
    session = Session(place)
    scan = _median(lambda: session.answer(_scan))
    worst = 0.0
    for text in TYPED:
        seconds = _median(lambda text=text: session.answer(lambda s, text=text: queries.find(s, text)))  # type: ignore[misc]
        worst = max(worst, seconds)
        show(f"find {text!r} among {MEMBERS:,} members", seconds * 1000, "ms", "one scan of all names", scan * 1000,
             seconds / scan, "< 50 ms")  # fmt: skip
    session.close()


def _scan(session: Session) -> int:
    with session.bank.database.read() as tx:
        return int(tx.value("SELECT count(*) FROM directory WHERE folded LIKE '%zzzzz%'"))


def _opening(place: str) -> None:
    session = Session(place)

    def newest(s: Session) -> object:
        with s.bank.database.read() as tx:
            return tx.rows("SELECT p.entry_id, p.amount FROM posting p JOIN account a ON a.id = p.account_id"
                           " WHERE a.gl_code = '905' AND a.contract = 'M0001' ORDER BY p.entry_id DESC LIMIT 40")  # fmt: skip

    raw = _median(lambda: session.answer(newest))
    ours = _median(lambda: session.answer(lambda s: queries.card(s, "M0001")))
    show(f"open a member with {ENTRIES:,} entries", ours * 1000, "ms", "its 40 newest lines alone", raw * 1000, ours / raw,
         "< 150 ms")  # fmt: skip
    session.close()


def _program(place: str) -> None:
    with tempfile.TemporaryDirectory() as home:
        env = {"XDG_CONFIG_HOME": home}
        paints, silence, memory = [], 0, 0
        for _ in range(5):
            with Terminal(["--db", place], size=(120, 36), env=env) as terminal:
                paints.append(terminal.see("Passphrase"))
                terminal.see("These are the real books")
                terminal.silent(0.7)
                silence = max(silence, terminal.listen(6))
                memory = max(memory, resident(terminal.pid))
                terminal.type(CTRL_Q)
        empty = []
        for _ in range(5):
            with Terminal([], size=(120, 36), env=env, program=EMPTY) as terminal:
                empty.append(terminal.see("ready"))
    ours, bare = statistics.median(paints), statistics.median(empty)
    show(
        "first paint after the start of the process",
        ours,
        "s",
        "an empty Textual program",
        bare,
        ours / bare,
        "< 0.6 s",
    )
    show("bytes sent in six idle seconds", silence, "bytes", "nothing", 0, 0.0, "0")
    show(
        "memory at the sign-in screen, books open", memory / 1024, "MB", "wanted", 150, memory / 1024 / 150, "< 150 MB"
    )


def resident(pid: int) -> int:
    """Resident memory in kB; 0 where the system does not tell."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmRSS"))


def _median(call: Callable[[], object], rounds: int = 15) -> float:
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="coopbank-bench-") as _name:
        measure(Path(_name))
    sys.exit(0)
