#!/usr/bin/env python3
"""Proves an exported ledger with nothing but Python's standard library.

    python3 verify.py operations.jsonl [--head NUMBER:HASH16]

The file holds one operation a line. The SHA-256 of a line, without its newline, is that
operation's hash, and the next line names it, so that a line cannot be changed, removed or
put elsewhere: `sha256sum` shows the same. A line is a JSON array with these places:

    0 form  1 book  2 number  3 instant  4 business date  5 actor  6 approver  7 kind
    8 version of the kind  9 key  10 request
    11 entries  [[number, effective date, memo, number of the entry it reverses or null, [[account, amount], ...]], ...]
    12 rows of master data, of which this program reads
       ["account", number, control account, fund, contract, holder, kind, currency, floor, ceiling]
    13 hash of the line before in hexadecimal; 64 zeros in the first

Amounts are whole minor units (cents), debit positive, credit negative. Checked are: the
chain of hashes, numbers without a gap, one book, entry numbers without a gap, that every
entry balances in each currency and fund, that no account passes its floor or ceiling after
any operation, and that a reversal is the exact negative of one earlier entry, once.

A chain cannot show that operations were cut off its end, or that it was made anew as a
whole. For that compare the head printed at the end with one that was printed before, on a
statement or at a day close, and give it with --head. Exit 0: proven. 1: not. 2: unreadable.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

FORM = "coopbank/1"
SHOWN = 50  # faults that are printed; all are counted


class Book:
    """What the lines read so far come to, and the faults found in them."""

    def __init__(self, heads: dict[int, str]) -> None:
        self.heads = heads  # number: first 16 hexadecimal digits, as known from elsewhere
        self.id: Any = None
        self.number = 0  # of the last operation
        self.hash = "0" * 64  # of its line
        self.entry = 0  # number of the last entry
        self.accounts: dict[int, Any] = {}  # number: (control account, fund, currency, floor, ceiling)
        self.balances: Counter[int] = Counter()  # by account, minor units
        self.debits: Counter[Any] = Counter()  # by currency and fund, minor units
        self.entries: list[Any] = []  # (what it reverses, its lines), kept for reversals
        self.reversed: set[int] = set()
        self.beyond: set[int] = set()  # accounts that stand beyond their guards
        self.faults = 0

    def fault(self, number: int, text: str) -> None:
        """Count and print a fault."""
        self.faults += 1
        if self.faults <= SHOWN:
            print(f"operation {number}: {text}", file=sys.stderr)

    def line(self, raw: bytes) -> None:
        """One operation: its place in the chain, and then what it says."""
        found = hashlib.sha256(raw).hexdigest()
        expected, before = self.number + 1, self.hash
        self.number, self.hash = expected, found
        known = self.heads.pop(expected, None)
        if known is not None and not found.startswith(known):
            self.fault(expected, f"its hash is {found[:16]}, and {known} was known")
        try:
            places = json.loads(raw.decode("utf-8"), parse_float=refuse, parse_constant=refuse)
            form, book, number, _, _, _, _, _, _, _, _, entries, rows, previous = places
        except (ValueError, TypeError, RecursionError) as error:
            self.fault(expected, f"the line cannot be read: {error}")
            return
        if form != FORM:
            self.fault(expected, f"its form is {form!r}; this program reads {FORM!r}")
        if number != expected:
            self.fault(expected, f"its number is {number!r}")
            self.number = number if isinstance(number, int) else expected
        if previous != before:
            self.fault(expected, "it does not follow the line before it: a line was changed, removed or moved")
        self.id = book if self.id is None else self.id
        if book != self.id:
            self.fault(expected, f"it is of book {book!r}, not {self.id!r}")
        try:
            self.content(expected, entries, rows)
        except (ValueError, TypeError, IndexError, KeyError) as error:
            self.fault(expected, f"entries or rows are not of the form: {error!r}")

    def content(self, number: int, entries: Any, rows: Any) -> None:
        """The accounts that an operation opens, and its entries."""
        for row in rows:
            if row[0] == "account":
                _, account, control, fund, _, _, _, currency, floor, ceiling = row
                if account in self.accounts:
                    self.fault(number, f"account {account} is opened a second time")
                self.accounts[account] = (control, fund, currency, floor, ceiling)
        touched: set[int] = set()
        for entry in entries:
            touched.update(self.post(number, *entry))
        for account in touched:
            self.guard(number, account)

    def post(self, number: int, entry: int, _day: str, _memo: str, reverses: Any, lines: Any) -> list[int]:
        """One entry: its number, its balance, what it reverses. Returns the accounts that it moves."""
        if entry != self.entry + 1:
            self.fault(number, f"entry {entry} follows entry {self.entry}")
        self.entry = entry
        sums: Counter[Any] = Counter()
        for account, amount in lines:
            if type(amount) is not int or amount == 0 or account not in self.accounts:
                self.fault(number, f"entry {entry}: {amount!r} on account {account!r} is no line")
                continue
            _, fund, currency, _, _ = self.accounts[account]
            sums[currency, fund] += amount
            self.balances[account] += amount
            self.debits[currency, fund] += max(amount, 0)
        if len(lines) < 2:
            self.fault(number, f"entry {entry} has fewer than two lines")
        for (currency, fund), difference in sums.items():
            if difference:
                self.fault(number, f"entry {entry} is out by {difference} {currency} (minor units) in fund {fund}")
        if reverses is not None:
            self.reversal(number, entry, reverses, lines)
        self.entries.append((reverses, tuple(tuple(line) for line in lines)))
        return [line[0] for line in lines if line[0] in self.accounts]

    def reversal(self, number: int, entry: int, reverses: int, lines: Any) -> None:
        """A reversal is the exact negative, line by line, of an earlier entry that is no reversal, once."""
        if not 0 < reverses <= len(self.entries):
            self.fault(number, f"entry {entry} reverses entry {reverses}, which is none before it")
            return
        original, its_lines = self.entries[reverses - 1]
        if reverses in self.reversed:
            self.fault(number, f"entry {entry} reverses entry {reverses} a second time")
        if original is not None:
            self.fault(number, f"entry {entry} reverses entry {reverses}, a reversal itself")
        if [[account, -amount] for account, amount in its_lines] != [list(line) for line in lines]:
            self.fault(number, f"entry {entry} is not the exact negative of entry {reverses}")
        self.reversed.add(reverses)

    def guard(self, number: int, account: int) -> None:
        """Said when an account goes beyond its guard, not while it stays there."""
        control, fund, currency, floor, ceiling = self.accounts[account]
        balance = self.balances[account]
        if (floor is None or balance >= floor) and (ceiling is None or balance <= ceiling):
            self.beyond.discard(account)
        elif account not in self.beyond:
            self.beyond.add(account)
            what = f"account {account} ({control}, fund {fund}) comes to {balance} {currency}"
            self.fault(number, f"{what}, beyond its guard")


def refuse(text: str) -> None:
    raise ValueError(f"it holds {text[:20]}, and only integers are written")


def head(text: str) -> tuple[int, str]:
    number, _, digits = text.partition(":")
    if not number.isdigit() or len(digits) < 16 or digits.strip("0123456789abcdefABCDEF"):
        raise argparse.ArgumentTypeError("a head is NUMBER:HASH with 16 hexadecimal digits or more")
    return int(number), digits.lower()


def main() -> int:
    parser = argparse.ArgumentParser(description="Proves an exported ledger.")
    parser.add_argument("file", help="the exported log, one operation a line")
    parser.add_argument("--head", type=head, action="append", default=[], metavar="NUMBER:HASH16",
                        help="a head that was printed before; may be given several times")  # fmt: skip
    options = parser.parse_args()
    book = Book(dict(options.head))
    try:
        with Path(options.file).open("rb") as lines:
            for line in lines:
                book.line(line.removesuffix(b"\n"))
    except OSError as error:
        print(f"{options.file} cannot be read: {error}", file=sys.stderr)
        return 2
    for number, known in sorted(book.heads.items()):
        book.fault(number, f"cut tail: it was known with {known}, and the log ends at {book.number}")
    if book.number == 0:
        book.fault(0, "the file holds no operation")
    print(f"book {book.id}: {book.number} operations, {book.entry} entries, {len(book.accounts)} accounts")
    for (currency, fund), total in sorted(book.debits.items(), key=str):
        print(f"fund {fund}: debits and credits {total} {currency} (minor units) each")
    print(f"head {book.number}:{book.hash[:16]}")
    if not options.head:
        print("Without --head it is not excluded that operations were cut off the end or all was made anew.")
    print("PROVEN" if not book.faults else f"NOT PROVEN: {book.faults} faults")
    return 1 if book.faults else 0


if __name__ == "__main__":
    sys.exit(main())
