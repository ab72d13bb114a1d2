"""The institutions around the bank: what the solidarity fund gave, the registers, jobs, and books side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coopbank.cli import options, output
from coopbank.cli.app import app, command
from coopbank.cli.door import Door
from coopbank.cli.options import From, To
from coopbank.words import _

if TYPE_CHECKING:
    from datetime import date

    from coopbank.reports.document import Source


@command(app, "solidarity")
def solidarity(door: Door, start: From = None, end: To = None) -> None:
    """What the solidarity fund gave, by case and by kind of need; nobody is named. This year if no days are given."""
    from coopbank.reports.document import as_document
    from coopbank.reports.solidarity import solidarity as drawn

    with door.reading() as view:
        last = options.day_or_none(end, "to") or view.business_date
        first = options.day_or_none(start, "from") or last.replace(month=1, day=1)
        found = drawn(view.books, first, last)
    if door.as_json:
        output.document(as_document(found))
        return
    currency = found.source.currency
    _span(_("Solidarity fund"), found.source, found.start, found.end)
    columns = [
        _("Case"), _("Date"), _("Kind of need"), _("Fund"), output.right(_("Given")), output.right(_("Returned")),
        output.right(_("Without a receipt")), _("Decided by"),
    ]  # fmt: skip
    rows = [
        [row.case, row.given_on, _(row.aid_kind), row.fund,
         *(output.amount(minor, currency) for minor in (row.amount, row.returned, row.without_receipt)),
         ", ".join(row.decided_by)]
        for row in found.cases
    ]  # fmt: skip
    totals = [output.amount(minor, currency) for minor in (found.given, found.returned, found.without_receipt)]
    output.table(columns, [*rows, ["", "", _("Total"), "", *totals, ""]])
    output.line()
    output.table(
        [_("Kind of need"), output.right(_("Cases")), output.right(_("Given, less returned"))],
        [[_(row.aid_kind), row.cases, output.amount(row.amount, currency)] for row in found.kinds],
        empty=_("Nothing was given."),
    )
    _rests_on(found.source)


def _span(title: str, source: Source, start: date, end: date) -> None:
    output.line(_("{title}, {start} to {end}").format(title=title, start=start, end=end))
    output.line(source.institution)
    output.line()


def _rests_on(source: Source) -> None:
    output.line(
        _("{currency}, business date {day}, head of the chain {number} {hash}").format(
            currency=source.currency, day=source.business_date, number=source.head_number, hash=source.head_hash
        )
    )
