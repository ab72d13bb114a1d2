"""The journal as text ledgers tell it: in the order of effective dates, with the balances at every month end.

`Journal` reads one consistent state of the books: all that was sealed up to the head of
the chain that it prints. Its `events` are a stream; what it holds grows with the number
of leaves, not of entries.

    Opening     what each leaf stood at when the period began (only with a first day)
    Entry       a journal entry, by effective date, then by number
    Balances    what each leaf stands at when a day ends: at every month end, and at the
                end of the last day
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter

from coopbank import __version__
from coopbank.bank.bank import Bank
from coopbank.bank.books import Books
from coopbank.errors import WrongUsage
from coopbank.exchange.names import account_name
from coopbank.ledger import posting
from coopbank.ledger.chart import MEMO_CURRENCY
from coopbank.money import format_amount


@dataclass(frozen=True, slots=True)
class Leaf:
    """An account that postings name, and what it is called outside."""

    number: int  # in the sealed log
    name: str
    title: str  # of its control account
    fund: str
    gl_code: str
    contract: str
    holder: str | None
    currency: str
    opened_on: str  # or the effective date of its first posting, if that is earlier

    def amount(self, minor: int) -> str:
        """Minor units as text ledgers write them: 12.50 USD."""
        return f"{format_amount(minor, self.currency)} {self.currency}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal entry; lines are leaf and minor units, debit positive."""

    number: int
    effective_on: str
    memo: str
    reverses: int | None
    operation: int
    kind: str
    actor: str
    approver: str | None
    lines: list[tuple[Leaf, int]]


@dataclass(frozen=True, slots=True)
class Opening:
    """What each leaf stood at when the day began; zeros are left out. Adds up to nothing, as every entry does."""

    day: date
    lines: list[tuple[Leaf, int]]


@dataclass(frozen=True, slots=True)
class Balances:
    """What leaves stand at when the day ends, each alone.

    At a month end those that are not zero, and those that moved in that month; with
    `final` every leaf. `whole` has, for the name of a leaf above others, the sum with these.
    """

    day: date
    final: bool
    lines: list[tuple[Leaf, int]]
    whole: dict[str, int] = field(default_factory=dict)


Event = Opening | Entry | Balances

_ENTRIES = (
    "SELECT e.id, e.effective_on, e.memo, e.reverses_id, o.id, o.kind, o.actor, o.approver, p.account_id, p.amount"
    " FROM entry e JOIN operation o ON o.id = e.operation_id JOIN posting p ON p.entry_id = e.id"
    " WHERE e.effective_on >= ? AND e.effective_on <= ? AND e.operation_id <= ? ORDER BY e.effective_on, e.id, p.line"
)
_BEFORE = (
    "SELECT p.account_id, sum(p.amount) FROM posting p JOIN entry e ON e.id = p.entry_id"
    " WHERE e.effective_on < ? AND e.operation_id <= ? GROUP BY p.account_id"
)
_LEAVES = (
    "SELECT a.id, a.kind, c.name, a.fund, a.gl_code, a.contract, a.holder, a.currency, o.business_date, f.first"
    " FROM account a JOIN gl_account c ON c.code = a.gl_code JOIN operation o ON o.id = a.operation_id"
    " LEFT JOIN (SELECT p.account_id, min(e.effective_on) AS first FROM posting p JOIN entry e ON e.id = p.entry_id"
    "   WHERE e.operation_id <= ? GROUP BY p.account_id) f ON f.account_id = a.id WHERE a.operation_id <= ?"
)


class Journal:
    """The entries of a period, for one pass over `events`."""

    def __init__(self, bank: Bank, books: Books, start: date | None, end: date | None) -> None:
        self.head = posting.head(books.tx)
        self.institution = bank.institution.name
        self.currency = bank.institution.currency
        self.book = bank.book
        self._tx = books.tx
        self.start = start
        self.through = self._last_day(end)
        if start is not None and start > self.through:
            raise WrongUsage(
                "The first day {start} lies after the last day {through}.", field="from", start=start,
                through=self.through, hint="The books stand at {day}.", day=books.business_date(),
            )  # fmt: skip
        self._leaves = self._read_leaves()
        self._balance = dict.fromkeys(self._leaves, 0)
        self._moved: set[int] = set()
        self._below = self._families()

    @property
    def leaves(self) -> list[Leaf]:
        """Every leaf opened by the end of the period, in the order of their names."""
        return sorted(self._leaves.values(), key=lambda leaf: leaf.name)

    @property
    def currencies(self) -> tuple[str, str]:
        """The money of the book, and the unit of memo accounts."""
        return (self.currency, MEMO_CURRENCY)

    def heading(self) -> list[str]:
        """What a file says on top: whose books, which period, and the head of the chain."""
        first = "the beginning" if self.start is None else self.start.isoformat()
        return [
            f"{self.institution}: the journal from {first} to {self.through}, in the order of effective dates",
            f"book {self.book}",
            f"head {self.head.number} {self.head.short}",
            f"coopbank {__version__}",
        ]

    def _last_day(self, end: date | None) -> date:
        """The last day there can be something on: entries are never dated after the business date."""
        row = self._tx.row("SELECT business_date FROM operation WHERE id = ?", self.head.number)
        business = date.fromisoformat(row[0]) if row else date.min
        return business if end is None else min(end, business)

    # ------------------------------------------------------------------------ leaves

    def _read_leaves(self) -> dict[int, Leaf]:
        number, found = self.head.number, {}
        for id_, kind, title, fund, gl, contract, holder, currency, opened, first in self._tx.rows(
            _LEAVES, number, number
        ):
            since = min(opened, first or opened)
            if since <= self.through.isoformat():
                name = account_name(kind, fund, gl, contract)
                found[id_] = Leaf(id_, name, title, fund, gl, contract, holder, currency, since)
        return found

    def _families(self) -> dict[int, list[int]]:
        """The leaves whose account names stand below that of another leaf, by that other one."""
        heads = {(leaf.fund, leaf.gl_code): id_ for id_, leaf in self._leaves.items() if not leaf.contract}
        below: dict[int, list[int]] = {}
        for id_, leaf in self._leaves.items():
            above = heads.get((leaf.fund, leaf.gl_code))
            if leaf.contract and above is not None:
                below.setdefault(above, []).append(id_)
        return below

    # ------------------------------------------------------------------------ events

    def events(self) -> Iterator[Event]:
        """Opening, entries and balances, in the order in which a text ledger has them."""
        if self.start is not None:
            yield self._opening(self.start)
        month_end = None if self.start is None else _month_end(self.start)
        for entry in self._entries():
            day = date.fromisoformat(entry.effective_on)
            month_end = month_end or _month_end(day)
            while day > month_end:
                yield self._balances(month_end)
                month_end = _month_end(month_end + timedelta(days=1))
            self._take(entry)
            yield entry
        while month_end is not None and month_end < self.through:
            yield self._balances(month_end)
            month_end = _month_end(month_end + timedelta(days=1))
        yield self._balances(self.through, final=True)

    def money_lines(self) -> int:
        """How many lines of entries there are in the period, memo accounts left out."""
        return int(self._tx.value(
            "SELECT count(*) FROM posting p JOIN entry e ON e.id = p.entry_id JOIN account a ON a.id = p.account_id"
            " WHERE e.effective_on BETWEEN ? AND ? AND e.operation_id <= ? AND a.currency <> ?",
            (self.start or date.min).isoformat(), self.through.isoformat(), self.head.number, MEMO_CURRENCY,
        ))  # fmt: skip

    def _opening(self, start: date) -> Opening:
        for id_, amount in self._tx.rows(_BEFORE, start.isoformat(), self.head.number):
            self._balance[id_] = int(amount)
        return Opening(start, self._lines(i for i, amount in self._balance.items() if amount))

    def _entries(self) -> Iterator[Entry]:
        start = (self.start or date.min).isoformat()
        rows = self._tx.stream(_ENTRIES, start, self.through.isoformat(), self.head.number)
        for _number, group in groupby(rows, key=itemgetter(0)):
            rows_of = list(group)
            number, effective_on, memo, reverses, operation, kind, actor, approver = rows_of[0][:8]
            lines = [(self._leaves[row[8]], row[9]) for row in rows_of]
            yield Entry(number, effective_on, memo, reverses, operation, kind, actor, approver, lines)

    def _take(self, entry: Entry) -> None:
        for leaf, amount in entry.lines:
            self._balance[leaf.number] += amount
            self._moved.add(leaf.number)

    def _balances(self, day: date, final: bool = False) -> Balances:
        wanted = [i for i, amount in self._balance.items() if final or amount or i in self._moved]
        self._moved.clear()
        whole = {
            self._leaves[above].name: self._balance[above] + sum(self._balance[i] for i in ids)
            for above, ids in self._below.items()
        }
        return Balances(day, final, self._lines(wanted), whole)

    def _lines(self, numbers: Iterable[int]) -> list[tuple[Leaf, int]]:
        return sorted(((self._leaves[i], self._balance[i]) for i in numbers), key=lambda line: line[0].name)


def _month_end(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])
