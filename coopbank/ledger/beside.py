"""Questions that SQLite answers in a second thread, while the log is read in the first.

Its look at the whole file and the sum of a million postings by day are work of its own,
for which it does not need the interpreter. Each answer is that of another connection:
it counts only if that one saw the books end where the first did, and whatever goes wrong
here is left to the first to ask again and to say.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from coopbank.database import Database, Transaction

if TYPE_CHECKING:
    from concurrent.futures import Future

DAYS = (
    "SELECT p.account_id, e.effective_on,"
    " CAST(sum(CASE WHEN p.amount > 0 THEN p.amount ELSE 0 END) AS bigint) AS debit,"
    " CAST(sum(CASE WHEN p.amount < 0 THEN -p.amount ELSE 0 END) AS bigint) AS credit"
    " FROM entry e JOIN posting p ON p.entry_id = +e.id GROUP BY 1, 2"
)
"""The movements of each leaf by effective date, as the postings have them. The sign keeps SQLite from going from the
postings to the entries: the other way round both are read in their order, a third faster."""
INTEGRITY = "PRAGMA integrity_check"
WORTH = 8_000_000
"""Bytes of a file from which on a second thread takes less time than it costs."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What SQLite said of the books up to one operation."""

    last: int | None  # the newest operation that it saw
    integrity: tuple[str, ...]  # "ok", or what is damaged
    days_agree: bool  # the movements kept by day are those of the postings


@contextmanager
def answers(database: Database) -> Iterator[Future[Answers] | None]:
    """The answers to come; None where there is no second processor, or no large file of SQLite's."""
    if database.path is None or (os.cpu_count() or 1) < 2 or not _is_large(database.path):
        yield None
        return
    from concurrent.futures import ThreadPoolExecutor  # a process that only proves pages starts without it

    with ThreadPoolExecutor(1, "beside") as pool:
        yield pool.submit(_answer, Database(database.place, read_only=True))


def _is_large(file: Path) -> bool:
    try:
        return file.stat().st_size >= WORTH
    except OSError:
        return False


def _answer(database: Database) -> Answers:
    with database.read() as tx:
        last = tx.value("SELECT max(id) FROM operation")
        integrity = tuple(str(said) for (said,) in tx.rows(INTEGRITY))
        return Answers(last, integrity, days_agree(tx))


def days_agree(tx: Transaction) -> bool:
    """Whether the movements kept by day are those of the postings: each is kept as it is, and there are no more."""
    days, right = tx.row(
        "SELECT count(*), coalesce(sum(CASE WHEN k.debit = d.debit AND k.credit = d.credit THEN 1 ELSE 0 END), 0)"
        f" FROM ({DAYS}) d LEFT JOIN balance_day k"
        " ON k.account_id = d.account_id AND k.effective_on = d.effective_on"
    ) or (0, 0)
    kept: int = tx.value("SELECT count(*) FROM balance_day")
    return bool(days == right == kept)
