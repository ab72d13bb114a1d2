"""A page of operations that is whole, column by column.

Nearly all that verify asks of operations that break no rule is asked of many at once: which kinds there are, who did
them, what each leaf moved. So a page is kept as what the tables hold, one tuple for a column, and an operation is made
of it only when somebody looks at that one. By `marshal`, `Columns` goes from the process that proves to the one that
judges as it stands.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterator, Sequence
from functools import cached_property
from itertools import accumulate, chain, compress, count, repeat
from operator import ne
from typing import Any, NamedTuple, overload

from coopbank.ledger.log import Operation, Stored, scan

_HASH = 32  # bytes
Did = tuple[str, str, str | None]
"""Kind, actor and approver."""


class Columns(NamedTuple):
    """What the operations of a page say: what there is one of for each operation, entry or line is in their order."""

    book: str
    first: int  # number of the first operation
    keys: tuple[str, ...]
    kinds: tuple[str, ...]
    versions: tuple[int, ...]
    actors: tuple[str, ...]
    approvers: tuple[str | None, ...]
    days: tuple[str, ...]
    instants: tuple[str, ...]
    asked: list[str]  # the requests' canonical texts
    rows: dict[int, list[list[Any]]]  # by place in the page, of the operations that wrote any
    first_entry: int
    entry_counts: tuple[int, ...]  # of each operation
    entry_days: tuple[str, ...]
    memos: tuple[str, ...]
    reverses: tuple[int | None, ...]
    line_counts: list[int]  # of each entry
    accounts: tuple[int, ...]  # of each line
    amounts: tuple[int, ...]
    previous: bytes  # hash of the operation before the first
    hashes: bytes  # one after another
    request_hashes: bytes


class Proven:
    """A page that is whole: texts, columns, entries and lines agree."""

    def __init__(self, upto: int | None, columns: Columns) -> None:
        self.upto, self.columns = upto, columns
        self.entry_ends = [0, *accumulate(columns.entry_counts)]  # before each operation, and after the last
        self.line_ends = [0, *accumulate(columns.line_counts)]  # before each entry, and after the last
        self.pace = len(columns.keys)  # operations to try at once; fewer where some were not plain

    def __len__(self) -> int:
        return len(self.columns.keys)

    def operation(self, place: int) -> Operation:
        """The operation at a place of the page."""
        its = self.columns
        return Operation(
            its.book, its.first + place, its.instants[place], its.days[place], its.actors[place],
            its.approvers[place], its.kinds[place], its.versions[place], its.keys[place], scan(its.asked[place], 0)[0],
            [self._entry(at) for at in range(self.entry_ends[place], self.entry_ends[place + 1])],
            its.rows.get(place, []), "", "",
        )  # fmt: skip

    def _entry(self, at: int) -> list[Any]:
        its, start, end = self.columns, self.line_ends[at], self.line_ends[at + 1]
        lines = list(map(list, zip(its.accounts[start:end], its.amounts[start:end], strict=True)))
        return [its.first_entry + at, its.entry_days[at], its.memos[at], its.reverses[at], lines]

    def stored(self, place: int) -> Stored:
        """The columns of the operation at a place, all but the text."""
        its, start, end = self.columns, self.entry_ends[place], self.entry_ends[place + 1]
        amounts = its.amounts[self.line_ends[start] : self.line_ends[end]]
        at = place * _HASH
        return Stored(
            its.first + place, its.keys[place], its.kinds[place], its.versions[place], its.actors[place],
            its.approvers[place], its.days[place], its.instants[place], its.request_hashes[at : at + _HASH],
            its.first_entry + start, end - start, len(amounts), sum(amount for amount in amounts if amount > 0),
            len(its.rows.get(place, ())), its.hashes[at - _HASH : at] if at else its.previous,
            its.hashes[at : at + _HASH], "",
        )  # fmt: skip

    def with_rows(self) -> dict[int, Operation]:
        """The operations that wrote rows, by number."""
        return {self.columns.first + place: self.operation(place) for place in self.columns.rows}

    @cached_property
    def unlike(self) -> set[int]:
        """Places of operations that wrote rows, or an entry that reverses one or is dated otherwise.

        And of those that asked in no way in which anything is asked: whoever looks at them one by one says so.
        """
        its = self.columns
        found = set(its.rows)
        found.update(place for place, asked in enumerate(its.asked) if not asked.startswith("{"))
        own = tuple(chain.from_iterable(map(repeat, its.days, its.entry_counts)))
        if own != its.entry_days or any(reversed_ is not None for reversed_ in its.reverses):
            told = zip(own, its.entry_days, its.reverses, strict=True)
            odd = [at for at, (day, dated, reverses) in enumerate(told) if dated != day or reverses is not None]
            found.update(bisect_right(self.entry_ends, at) - 1 for at in odd)
        return found

    @cached_property
    def _stops(self) -> list[int]:
        days = self.columns.days
        return sorted({*self.unlike, *compress(count(1), map(ne, days[1:], days)), len(self)})

    def run(self, start: int) -> Run:
        """The operations of one day from a place on, up to one of those that are unlike; none if that is the first."""
        if start in self.unlike:
            return Run(self, start, start)
        return Run(self, start, min(start + self.pace, self._stops[bisect_right(self._stops, start)]))


class Run(Sequence[Operation]):
    """Operations of a page that follow one another, and what they come to."""

    def __init__(self, page: Proven, start: int, end: int) -> None:
        self.page, self.start, self.end = page, start, end
        self.given: int | None = None  # place of the operation that somebody looks at
        self._entries = slice(page.entry_ends[start], page.entry_ends[end])
        self._lines = slice(page.line_ends[self._entries.start], page.line_ends[self._entries.stop])

    def __len__(self) -> int:
        return self.end - self.start

    @overload
    def __getitem__(self, at: int) -> Operation: ...
    @overload
    def __getitem__(self, at: slice) -> list[Operation]: ...
    def __getitem__(self, at: int | slice) -> Operation | list[Operation]:
        places = range(self.start, self.end)[at]
        return self.page.operation(places) if isinstance(places, int) else list(map(self.page.operation, places))

    def __iter__(self) -> Iterator[Operation]:
        return map(self._give, range(self.start, self.end))

    def _give(self, place: int) -> Operation:
        self.given = place
        return self.page.operation(place)

    def first(self, count: int) -> Run:
        """The first of them."""
        return Run(self.page, self.start, self.start + count)

    def after(self, place: int) -> Run:
        """Those after a place of the page."""
        return Run(self.page, place + 1, self.end)

    def of(self, kinds: Container[str]) -> Iterator[Operation]:
        """Those of some kinds."""
        return self.by({did for did in self.people if did[0] in kinds})

    def by(self, people: set[Did]) -> Iterator[Operation]:
        """Those that one of these people did."""
        for place, did in enumerate(self._did, start=self.start) if people else ():
            if did in people:
                yield self._give(place)

    @cached_property
    def people(self) -> set[Did]:
        """Who did and approved what."""
        return set(self._did)

    @property
    def _did(self) -> Iterator[Did]:
        its, those = self.page.columns, slice(self.start, self.end)
        return zip(its.kinds[those], its.actors[those], its.approvers[those], strict=True)

    @property
    def day(self) -> str:
        """The business date of the first."""
        return self.page.columns.days[self.start]

    @property
    def numbers(self) -> range:
        """Their numbers."""
        first = self.page.columns.first
        return range(first + self.start, first + self.end)

    @property
    def first_entries(self) -> list[int]:
        """The number of the first entry of each, or of the one that would follow."""
        first = self.page.columns.first_entry
        return [first + at for at in self.page.entry_ends[self.start : self.end]]

    @property
    def next_entry(self) -> int:
        """The number of the entry that follows upon the last."""
        return self.page.columns.first_entry + self.page.entry_ends[self.end]

    @property
    def instants(self) -> tuple[str, ...]:
        """When each was done."""
        return self.page.columns.instants[self.start : self.end]

    @property
    def entry_counts(self) -> tuple[int, ...]:
        """How many entries each has."""
        return self.page.columns.entry_counts[self.start : self.end]

    @property
    def line_counts(self) -> list[int]:
        """How many lines each entry has."""
        return self.page.columns.line_counts[self._entries]

    @cached_property
    def accounts(self) -> tuple[int, ...]:
        """The leaf of each line."""
        return self.page.columns.accounts[self._lines]

    @cached_property
    def amounts(self) -> tuple[int, ...]:
        """The amount of each line."""
        return self.page.columns.amounts[self._lines]

    @cached_property
    def sums(self) -> dict[int, list[int]]:
        """Debits and credits of each leaf, both positive, in the order in which they were moved first."""
        sums: dict[int, list[int]] = {}
        for account, amount in zip(self.accounts, self.amounts, strict=True):
            both = sums.get(account)
            if both is None:
                both = sums[account] = [0, 0]
            if amount > 0:
                both[0] += amount
            else:
                both[1] -= amount
        return sums

    def after_entries(self, accounts: Container[int] | None = None) -> list[int]:
        """What the run, on these leaves or on all, comes to after each entry."""
        return self._after(accounts, self.page.line_ends[self._entries.start + 1 : self._entries.stop + 1])

    def after_operations(self, accounts: Container[int]) -> list[int]:
        """What the run, on these leaves, comes to after each operation."""
        ends = self.page.line_ends
        return self._after(accounts, [ends[at] for at in self.page.entry_ends[self.start + 1 : self.end + 1]])

    def _after(self, accounts: Container[int] | None, ends: list[int]) -> list[int]:
        moved = self.amounts
        if accounts is not None:
            told = zip(self.accounts, moved, strict=True)
            moved = tuple([amount if account in accounts else 0 for account, amount in told])
        reached = [0, *accumulate(moved)]
        before = self._lines.start
        return [reached[end - before] for end in ends]
