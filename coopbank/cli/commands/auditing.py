"""For auditors: the tests that they run, samples, and campaigns of confirmation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from coopbank.cli import options, output
from coopbank.cli.app import app, command
from coopbank.cli.door import Door
from coopbank.cli.options import From, To
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.reports.audit import Result, RollForward

SHOWN = 20
"""Rows of a test on the screen where all tests are run; `--json`, and a test by its name, show more."""


@command(app, "audit")
def audit(
    door: Door,
    tests: Annotated[
        list[str] | None, typer.Argument(metavar="TEST", help="Only these tests; all of them if left out.")
    ] = None,
    start: From = None,
    end: To = None,
    names: Annotated[bool, typer.Option("--tests", help="The tests that there are, and why each is run.")] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, max=1000, help="Rows of each test at most.")
    ] = None,
) -> None:
    """The tests that auditors run: gaps, duplicates, odd hours and dates, limits, self-service, cash, dormant accounts.

    A row is worth a look and says no more than that. `coopbank verify` proves that nothing was changed.
    """
    from coopbank.reports import audit as audits
    from coopbank.reports.document import as_document

    if names:
        _tell_tests(door)
        return
    first, last = options.day_or_none(start, "from"), options.day_or_none(end, "to")
    with door.reading() as view:
        found = audits.audit(view.books, tests or (), first, last)
    if door.as_json:
        output.document(as_document(found))
        return
    output.line(_("Audit tests, {period}").format(period=_period(first, last)))
    output.line(found.source.institution)
    output.line(_("Hours and weekdays are those of the time zone {zone}.").format(zone=found.time_zone))
    output.line()
    output.table(
        [_("Test"), "", output.right(_("Looked at")), "", output.right(_("Found"))],
        [[each.name, _(each.title), each.looked_at, _(each.of), each.found] for each in found.results],
    )
    for each in found.results:
        if each.rows:
            _show_rows(each, limit or (1000 if tests else SHOWN), found.source.currency)


def _period(first: object, last: object) -> str:
    if first is None and last is None:
        return _("the whole book")
    return _("{start} to {end}").format(start=first or _("the beginning"), end=last or _("now"))


def _show_rows(result: Result, most: int, currency: str) -> None:
    output.line()
    output.line(f"{_(result.title)}: {_(result.why)}")
    columns = [
        _("Entry"), _("Operation"), _("Day"), _("Who"), _("Account"), output.right(_("Amount")), _("What"), _("Memo"),
    ]  # fmt: skip
    rows = [
        [row.entry, row.operation, row.on, row.who, row.account,
         "" if row.amount is None else output.amount(row.amount, currency), row.said, row.memo]
        for row in result.rows[:most]
    ]  # fmt: skip
    used = [i for i in range(len(columns)) if any(row[i] not in (None, "") for row in rows)]
    output.table([columns[i] for i in used], [[row[i] for i in used] for row in rows])
    if result.found > most:
        output.line(_("And {count} more.").format(count=result.found - most))


def _tell_tests(door: Door) -> None:
    from coopbank.reports.audit import TESTS

    if door.as_json:
        output.document([{"test": t.name, "title": t.title, "why": t.why, "of": t.of} for t in TESTS.values()])
        return
    for test in TESTS.values():
        output.line(f"{test.name}: {_(test.why)}")


@command(app, "roll-forward")
def roll_forward(door: Door, start: From = None, end: To = None) -> None:
    """Beginning, activity and ending of every control account of every fund; the difference must be zero."""
    from coopbank.reports import audit as audits
    from coopbank.reports.document import as_document

    first, last = options.day_or_none(start, "from"), options.day_or_none(end, "to")
    with door.reading() as view:
        found = audits.roll_forward(view.books, first, last)
    if door.as_json:
        output.document({**as_document(found), "difference": [
            {"fund": line.fund, "code": line.code, "difference": output.exact(line.difference, found.source.currency)}
            for line in found.lines if line.difference
        ]})  # fmt: skip
        return
    output.line(_("Roll-forward, {period}").format(period=_period(first, found.end)))
    output.line(found.source.institution)
    output.line()
    _show_roll(found)


def _show_roll(found: RollForward) -> None:
    money = output.Money(found.source.currency)
    columns = [
        _("Fund"), _("Account"), _("Name"), output.right(_("Beginning")), output.right(_("Debits")),
        output.right(_("Credits")), output.right(_("Ending")), output.right(_("Difference")),
    ]  # fmt: skip
    rows = [
        [line.fund, line.code, _(line.name), money(line.beginning), money(line.debit), money(line.credit),
         money(line.ending), money(line.difference)]
        for line in found.lines
    ]  # fmt: skip
    output.table(columns, rows, empty=_("Nothing was ever posted."))
