"""What every audit test has: a name, why it is run, a way to search, and rows of what it found.

A test never judges. A row says that something is worth a look and what there is to know of it; most of what is found
has a good reason. Entries that were reversed, and their reversals, are left out where the pair moved nothing.

Two clocks are kept apart: "dated" is the effective date that the books say, "made" is the instant that the program
sealed, shown in the bank's time zone: the policy `time_zone` if it names one, else the zone of the computer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from functools import cached_property
from itertools import islice
from typing import Any, Final

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.operations.founding import in_currency
from coopbank.clock import local_time, zone_named
from coopbank.money import currency, parse_amount
from coopbank.reports.document import Minor

MOST: Final = 1000
"""Rows of a test that are kept; the others are counted."""

FIRST_DAY, LAST_DAY = date.min, date.max

#: A condition on entries. The `||` keeps SQLite from walking the index of days where it should walk the entries.
DATED: Final = "e.effective_on || '' BETWEEN ? AND ?"
MADE: Final = "o.business_date BETWEEN ? AND ?"
NOT_UNDONE: Final = "e.reverses_id IS NULL AND NOT EXISTS (SELECT 1 FROM entry r WHERE r.reverses_id = e.id)"

CLOSES: Final = ("close-month", "close-month-part", "provide", "credit-interest")
"""Operations whose entries are dated the last day of a month, or of a quarter, by rule."""
FOR_EVERYBODY: Final = (
    *("close-month", "close-month-part", "credit-interest", "credit-interest-part", "provide", "opening-balance"),
    "reopen-month",
)
"""Operations that move the accounts of many members at once and that no member asked for."""


@dataclass(frozen=True, slots=True)
class Row:
    """Something worth a look. What does not apply is left empty."""

    said: str
    entry: int | None = None
    operation: int | None = None
    on: str = ""  # ISO date
    who: str = ""
    account: str = ""
    amount: Minor | None = None
    memo: str = ""


@dataclass
class Hunt:
    """One test at work: the books, the days, and how many things it has looked at."""

    books: Books
    start: date = FIRST_DAY
    end: date = LAST_DAY
    looked_at: int = 0
    _local: dict[str, datetime] = field(default_factory=dict)

    @property
    def days(self) -> tuple[str, str]:
        """The first and the last day, as the books write them."""
        return self.start.isoformat(), self.end.isoformat()

    @cached_property
    def currency(self) -> str:
        """The currency of the book."""
        return self.books.institution().currency

    @property
    def last_day(self) -> date:
        """The day up to which is looked: the one asked for, or the business date if that is earlier."""
        return min(self.end, self.books.business_date() or FIRST_DAY)

    def major(self, units: int) -> int:
        """So many dollars (euros, yen) in minor units."""
        return units * currency(self.currency).minor_per_major

    def count_entries(self) -> int:
        """How many entries are dated in the period; they count as looked at."""
        found = int(self.books.tx.value(f"SELECT count(*) FROM entry e WHERE {DATED}", *self.days))
        self.looked_at += found
        return found

    def stream(self, sql: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """Rows of the books, one after the other."""
        return self.books.tx.stream(sql, *values)

    # ---------------------------------------------------------------------- time

    @cached_property
    def zone(self) -> tzinfo | None:
        """The bank's time zone; None for the computer's own."""
        return zone_named(str(self.books.policy("time_zone", "")))

    def local(self, at: str) -> datetime:
        """A sealed instant as the bank's clock showed it, to the minute."""
        minute = at[:16]
        found = self._local.get(minute)
        if found is None:
            found = self._local[minute] = local_time(minute + ":00+00:00", self.zone)
        return found

    # ------------------------------------------------------------------ policies

    def amount_policy(self, name: str, default: str) -> list[tuple[int, int]]:
        """What a policy was: from which operation on, and the amount in minor units; the first is from 0 on."""
        rows = self.books.tx.rows(
            "SELECT operation_id, body FROM record WHERE kind = ? AND ref = ? ORDER BY version",
            records.Policy.kind, name,
        )  # fmt: skip
        default = str(in_currency(default, self.currency))
        found = [(0, default)]
        for number, text in rows:
            body = records.Policy.model_validate_json(text)
            found.append((int(number), default if body.void else str(body.value) or default))
        return [(number, parse_amount(text, self.currency)) for number, text in found]


def in_force(history: list[tuple[int, int]], operation: int) -> int:
    """The amount of a policy when an operation was made."""
    return next(amount for number, amount in reversed(history) if number < operation)


@dataclass(frozen=True)
class AuditTest:
    """A test with a name. `of` is what it looks at, in the plural."""

    name: str
    title: str
    why: str
    of: str
    find: Callable[[Hunt], Iterator[Row]]


@dataclass(frozen=True, slots=True)
class Result:
    """What a test came to: how many it looked at and found, and the first thousand rows."""

    name: str
    title: str
    why: str
    of: str
    looked_at: int
    found: int
    rows: tuple[Row, ...]


def run_test(test: AuditTest, hunt: Hunt) -> Result:
    """Search; rows beyond the most that are kept are counted only."""
    found = test.find(hunt)
    rows = tuple(islice(found, MOST))
    count = len(rows) + sum(1 for _row in found)
    return Result(test.name, test.title, test.why, test.of, hunt.looked_at, count, rows)


def leaf_code(gl_code: str, contract: str) -> str:
    """A leaf as people write it: 905/M0007."""
    return f"{gl_code}/{contract}" if contract else gl_code
