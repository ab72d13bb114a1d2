"""A damaged file, judged: the program refuses it, verify names the damage, or the damage carried no meaning.

    judge = Judge(whole, tmp_path / "damaged.db")   # `whole`: the bytes of sound books
    judge.of(4711, b"\\x00")                         # "refused", "found", "idle" or "secret"; raises if none of them

What carried no meaning has to be proven too ("idle"): every row of every table and every rule is what it was, SQLite
finds each index in agreement with its table, and the figures are the same. What stands in the two tables that no
figure is made of, passphrases and sign-ins, is neither sealed nor found ("secret"); the figures are the same there too.
"""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from coopbank.bank.bank import Bank
from coopbank.bank.close_proof import CloseProof
from coopbank.bank.verify import bank_checks
from coopbank.database import Database
from coopbank.errors import CoopbankError
from coopbank.ledger.verify import CHECKS, run, wrong
from coopbank.reports.find import find_members
from coopbank.reports.trial_balance import trial_balance
from tests.support_bank import new_bank

SECRET = {"credential", "session"}
VERSION_TABLE = (b"table", b"alembic_version")
LONGEST = 30  # seconds of the processor that one damaged file may take
Content = dict[str, Any]


class WrongFigures(AssertionError):
    """A damaged file was taken for sound, although it says something else."""


class Judge:
    """Judges one file after the other, each of them `whole` but for one place."""

    def __init__(self, whole: bytes, file: Path) -> None:
        self.whole, self.file = whole, file
        self.put(b"", 0)
        self.content, self.figures = content(file), figures(file)

    def put(self, new: bytes, at: int) -> None:
        """Write the file anew with these bytes in that place."""
        self._clear()
        self.file.write_bytes(self.whole[:at] + new + self.whole[at + len(new) :])

    def _clear(self) -> None:
        for end in ("-wal", "-shm", "-journal"):
            self.file.with_name(self.file.name + end).unlink(missing_ok=True)

    def of(self, at: int, new: bytes) -> str:
        """What becomes of the books with these bytes in that place."""
        self.put(new, at)
        try:
            with limited(LONGEST):
                return self._verdict()
        except CoopbankError as refusal:
            str(refusal).encode()  # it can be shown
            return "refused"

    def _verdict(self) -> str:
        # Whether nothing changed is asked first: it is soon answered, and says more than that verify is content.
        with suppressed_engine_errors():
            found = content(self.file)
            if found == self.content:
                return self._same("idle")
        if is_found(self.file):
            return "found"
        found = content(self.file)
        differing = {table for table in {*found, *self.content} if found.get(table) != self.content.get(table)}
        if not differing <= SECRET:
            raise WrongFigures(f"verify is content, and these differ: {sorted(differing)}")
        return self._same("secret")

    def _same(self, verdict: str) -> str:
        if figures(self.file) != self.figures:
            raise WrongFigures("every row is what it was, and the figures are not")
        return verdict


@contextmanager
def suppressed_engine_errors() -> Iterator[None]:
    """What SQLite itself cannot read is for the program to refuse, or to find."""
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError):
        pass


def content(file: Path) -> Content:
    """Every row of every table, the rules, and what SQLite thinks of the whole; read without the program."""
    with closing(sqlite3.connect(file.as_uri() + "?mode=ro", uri=True)) as db:
        db.text_factory = bytes
        found: Content = {"": [str(row) for row in db.execute("PRAGMA integrity_check")]}
        rules = db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
        # How Alembic wrote the rule of its own table down means nothing: its one row is read whenever books are opened.
        found["rules"] = sorted(repr(rule[: 3 if rule[:2] == VERSION_TABLE else 4]) for rule in rules)
        for kind, name, *_ in rules:
            if kind == b"table":
                quoted = name.decode().replace('"', '""')
                found[name.decode()] = db.execute(f'SELECT * FROM "{quoted}"').fetchall()
        return found


def figures(file: Path) -> Content:
    """What people are told: the trial balance, the members and their names, the head of the chain."""
    bank = Bank.open(str(file), read_only=True)
    try:
        with bank.read() as books:
            return {
                "trial balance": trial_balance(books, as_of=date(2026, 3, 3)),
                "members": find_members(books, "M0001"),
                "head": books.tx.rows("SELECT id, hash FROM operation ORDER BY id DESC LIMIT 1"),
            }
    finally:
        bank.close()


def is_found(file: Path) -> bool:
    """Whether verify finds anything, asked in three parts, since the first mostly answers."""
    database = Database.open(str(file), read_only=True)
    try:
        parts = ([check for check in CHECKS if check.name in ("file", "schema")], CHECKS, bank_checks(CloseProof()))
        findings = (finding for part in parts for finding in wrong(run(database, part)))
        first = next(findings, None)
        if first is not None:
            first.message.encode()  # it can be shown
        return first is not None
    finally:
        database.close()


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """No file may keep anybody waiting: seconds of the processor, however busy the machine is with other things."""

    def late(*_: object) -> None:
        raise TimeoutError(f"not judged within {seconds} seconds")

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def at_rest(book: Path) -> bytes:
    """The bytes of a file in use, once nothing of it stands in its journal only."""
    with closing(sqlite3.connect(book)) as db:
        assert db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    return book.read_bytes()


def small_books(folder: Path, *, page_size: int, days: int = 1, members: Iterable[str] = ("Mia Lee",)) -> bytes:
    """The bytes of a bank's file after that many days with a deposit a member, each page of that size."""
    made, packed = folder / "made.db", folder / "packed.db"
    with new_bank(str(made)) as small:
        numbers = [small.admit(name) for name in members]
        for number in numbers:
            small.do("open-savings", member=number)
        for day in range(days):
            for number in numbers:
                small.do("deposit", member=number, amount=f"{30 + day}.00")
            small.go_to(date(2026, 3, 3 + day))
    with closing(sqlite3.connect(made)) as db:
        db.execute(f"PRAGMA page_size = {page_size}")
        db.execute("VACUUM INTO ?", (str(packed),))
    with closing(sqlite3.connect(packed)) as db:
        db.execute("PRAGMA journal_mode = WAL")  # as the books are
    return packed.read_bytes()
