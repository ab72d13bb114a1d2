"""Exports: the books as files that other programs and other people can check.

`export(bank, "beancount", "out")` writes into the folder and says which files it wrote.
Every format reads one consistent state of the books and streams it, however large.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final

from coopbank.bank.bank import Bank
from coopbank.bank.books import Books
from coopbank.errors import WrongUsage
from coopbank.exchange import ads, beancount, hledger, jsonl
from coopbank.exchange.files import NewFiles
from coopbank.exchange.journal import Journal
from coopbank.exchange.keys import write_public_key
from coopbank.money import quoted

Writer = Callable[[Bank, Books, NewFiles, date | None, date | None], None]


def export(
    bank: Bank, format: str, folder: str | os.PathLike[str], start: date | None = None, end: date | None = None
) -> list[Path]:
    """Write the books, or a period of them, into a folder; returns the files, all of them whole.

    Refused with `WrongUsage`: a format that is not known, a folder that cannot be written,
    a period that ends before it begins.
    """
    write = FORMATS.get(format)
    if write is None:
        raise WrongUsage(
            "There is no export called {format}.", field="format", format=quoted(format),
            hint="Choose one of: {formats}.", formats=", ".join(FORMATS),
        )  # fmt: skip
    if start is not None and end is not None and start > end:
        raise WrongUsage("The period ends on {end}, before it begins on {start}.", field="from", start=start, end=end)
    with NewFiles(folder) as files, bank.read() as books:
        write(bank, books, files, start, end)
        if format != "pack":
            write_public_key(books, files)
    return files.written


def _beancount(bank: Bank, books: Books, files: NewFiles, start: date | None, end: date | None) -> None:
    files.text(beancount.FILE_NAME).writelines(beancount.lines(Journal(bank, books, start, end)))


def _hledger(bank: Bank, books: Books, files: NewFiles, start: date | None, end: date | None) -> None:
    files.text(hledger.FILE_NAME).writelines(hledger.lines(Journal(bank, books, start, end)))


def _jsonl(bank: Bank, books: Books, files: NewFiles, start: date | None, end: date | None) -> None:
    if start is not None or end is not None:
        raise WrongUsage(
            "The sealed log is exported whole: a part of a chain proves nothing.", field="from",
            hint="Leave out the first and the last day.",
        )  # fmt: skip
    jsonl.write(bank, books, files)


def _xlsx(bank: Bank, books: Books, files: NewFiles, start: date | None, end: date | None) -> None:
    from coopbank.exchange import xlsx  # not on top: the other exports need not wait for its library

    xlsx.write(bank, books, files, start, end)


def _pack(bank: Bank, books: Books, files: NewFiles, start: date | None, end: date | None) -> None:
    from coopbank.exchange import pack

    pack.write(bank, books, files, start, end)


FORMATS: Final[dict[str, Writer]] = {
    "ads": ads.write, "beancount": _beancount, "hledger": _hledger, "jsonl": _jsonl, "xlsx": _xlsx,
    "pack": _pack,
}  # fmt: skip
"""Every export by name."""
