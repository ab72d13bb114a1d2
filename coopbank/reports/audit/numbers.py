"""Gaps: numbers that should follow each other and do not.

The database gives operations and entries their numbers and `verify` proves them; here they are told beside the numbers
that people read: of members, loans, requests, cheques and so on. A number that old records gave when balances were
taken over may leave a gap with a good reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from coopbank.reports.audit.frame import AuditTest, Hunt, Row
from coopbank.words import _, marked

#: Records that are numbered one after the other: how their numbers begin, and what they are called.
NUMBERED: Final = {
    "member": ("M", marked("member")), "loan": ("L-", marked("loan")), "note": ("N-", marked("note")),
    "request": ("R-", marked("request")), "cheque": ("CH-", marked("cheque")), "bill": ("B-", marked("bill")),
    "suspense": ("U-", marked("unknown receipt")), "application": ("A-", marked("application")),
    "collateral": ("C-", marked("collateral")), "correction": ("K-", marked("correction")),
    "campaign": ("V-", marked("campaign")),
}  # fmt: skip
_TABLES: Final = {"operation": marked("operation"), "entry": marked("entry")}
_BREAKS: Final = (
    "SELECT id, before FROM (SELECT id, lag(id, 1, 0) OVER (ORDER BY id) AS before FROM {table}) numbered"
    " WHERE id <> before + 1 ORDER BY id"
)


def gaps(hunt: Hunt) -> Iterator[Row]:
    """Numbers of operations and entries, then of what people number; of the whole book, whatever the period."""
    for table, what in _TABLES.items():
        hunt.looked_at += int(hunt.books.tx.value(f"SELECT count(*) FROM {table}"))
        for number, before in hunt.stream(_BREAKS.format(table=table)):
            said = _gap(_(what), str(before + 1), str(number - 1))
            yield Row(said, entry=number) if table == "entry" else Row(said, operation=number)
    yield from _tail(hunt)
    for kind, (prefix, what) in NUMBERED.items():
        yield from _of_kind(hunt, kind, prefix, _(what))


def _gap(what: str, first: str, last: str) -> str:
    if first == last:
        return _("{what} {number} is missing").format(what=what, number=first)
    return _("{what} {first} to {last} are missing").format(what=what, first=first, last=last)


def _tail(hunt: Hunt) -> Iterator[Row]:
    """Entries that the last operation names and that are not there."""
    last = hunt.books.tx.row("SELECT id, first_entry + entry_count - 1 FROM operation ORDER BY id DESC LIMIT 1")
    highest = int(hunt.books.tx.value("SELECT coalesce(max(id), 0) FROM entry"))
    if last is not None and last[1] > highest:
        yield Row(_gap(_("entry"), str(highest + 1), str(last[1])), operation=int(last[0]))


def _of_kind(hunt: Hunt, kind: str, prefix: str, what: str) -> Iterator[Row]:
    last = 0
    found = hunt.stream(
        "SELECT ref, operation_id FROM record WHERE kind = ? AND version = 1 ORDER BY length(ref), ref", kind
    )
    for ref, operation in found:
        digits = ref.removeprefix(prefix)
        if not ref.startswith(prefix) or not digits.isascii() or not digits.isdigit():
            continue
        hunt.looked_at += 1
        number, width = int(digits), len(digits)
        if number > last + 1:
            said = _gap(what, f"{prefix}{last + 1:0{width}d}", f"{prefix}{number - 1:0{width}d}")
            yield Row(said, operation=int(operation))
        last = number


TESTS = (
    AuditTest(
        "gaps", marked("Gaps in numbers"), marked("A number that is missing may be something that was taken away."),
        marked("numbers"), gaps,
    ),
)  # fmt: skip
