"""The tests that auditors run, run by ourselves first.

    audit(books)                                   all of them, over the whole book
    audit(books, ["duplicates", "cash"], start, end)

Each test reads the books by SQL, looks at so many things and finds rows worth a look; it never judges. `verify` proves
that the books are what was sealed. These ask whether what was sealed looks right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from coopbank.bank.books import Books
from coopbank.clock import zone_shown
from coopbank.errors import Unknown
from coopbank.reports.audit import accounts, bills, entries, limits, numbers, people, rare, signs, times
from coopbank.reports.audit.accounts import RollForward, RollLine, roll_forward
from coopbank.reports.audit.frame import FIRST_DAY, LAST_DAY, MOST, AuditTest, Hunt, Result, Row, run_test
from coopbank.reports.document import Source, source
from coopbank.reports.totals import require_period

__all__ = [
    "MOST",
    "TESTS",
    "Audit",
    "AuditTest",
    "Result",
    "RollForward",
    "RollLine",
    "Row",
    "audit",
    "audit_test",
    "roll_forward",
]

TESTS: Final[dict[str, AuditTest]] = {
    test.name: test
    for module in (numbers, entries, times, rare, limits, bills, people, signs, accounts)
    for test in module.TESTS
}  # fmt: skip
"""Every test by its name, in the order in which they are told."""

Progress = Callable[[str], None]
"""Told the name of each test before it runs."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What the tests came to. `start` and `end` are None where the period is open; hours are those of `time_zone`."""

    source: Source
    start: date | None
    end: date | None
    time_zone: str
    results: tuple[Result, ...]


def audit(
    books: Books, names: Sequence[str] = (), start: date | None = None, end: date | None = None,
    progress: Progress | None = None,
) -> Audit:  # fmt: skip
    """Run the tests of these names, or all, over a period or the whole book."""
    wanted = [audit_test(name) for name in names] or list(TESTS.values())
    first, last = start or FIRST_DAY, end or LAST_DAY
    require_period(first, last)
    results = []
    zone = ""
    for test in wanted:
        if progress is not None:
            progress(test.name)
        hunt = Hunt(books, first, last)
        results.append(run_test(test, hunt))
        zone = zone or zone_shown(hunt.zone)
    return Audit(source(books), start, end, zone, tuple(results))


def audit_test(name: str) -> AuditTest:
    """A test by its name; refuses another."""
    found = TESTS.get(name)
    if found is None:
        raise Unknown(
            "There is no audit test called {name}.", field="test", name=name[:40], hint="Choose from: {tests}.",
            tests=", ".join(TESTS),
        )  # fmt: skip
    return found
