"""Tables as CSV files, as auditors' programs read them: decimals, and no text that could become a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

from coopbank.bank.books import Books
from coopbank.exchange.cells import csv_text
from coopbank.exchange.files import NewFiles
from coopbank.money import format_amount


@dataclass
class Total:
    """Control totals of a file."""

    file: str
    rows: int = 0
    debits: int = 0
    credits: int = 0


@dataclass
class Tables:
    """CSV files of one consistent state of the books, from a first day to a last, and what was written to each."""

    books: Books
    files: NewFiles
    start: date
    end: date
    currency: str
    totals: list[Total] = field(default_factory=list)

    def table(self, name: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> Total:
        """Write a file; texts are made safe for spreadsheets."""
        total = Total(name)
        self.totals.append(total)
        writer = csv.writer(self.files.text(name), lineterminator="\r\n")
        writer.writerow(heads)
        for row in rows:
            writer.writerow([_safe(cell) if type(cell) is str else cell for cell in row])
            total.rows += 1
        return total

    def money(self, minor: int) -> Amount:
        """An amount as a cell: never taken for a text."""
        return Amount(format_amount(minor, self.currency))


class Amount(str):
    """An amount that was written by the books themselves."""

    __slots__ = ()


_safe = lru_cache(maxsize=65_536)(csv_text)
"""Most texts of a journal come again and again."""
