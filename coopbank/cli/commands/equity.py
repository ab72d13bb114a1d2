"""Members' equity on the command line: how a surplus is divided, the register of shares, files for tax forms."""

from __future__ import annotations

from typing import Annotated

import typer

from coopbank.cli import options, output
from coopbank.cli.app import app, command
from coopbank.cli.door import Door
from coopbank.cli.options import AsOf
from coopbank.words import _, marked

_STATES = {"proposed": marked("proposed"), "allocated": marked("voted and posted")}
_STEPS = {
    "regular": marked("Regular reserve"), "indivisible": marked("Indivisible reserve"), "fund": marked("Fund"),
    "dividend": marked("Dividend on shares"), "patronage": marked("Patronage by"),
}  # fmt: skip


@command(app, "surplus")
def surplus(door: Door, year: Annotated[str, typer.Argument(metavar="YEAR", help="The year, YYYY.")]) -> None:
    """How a year's surplus is divided, step by step: as proposed to the assembly, or as voted."""
    from coopbank.reports.document import as_document
    from coopbank.reports.surplus import surplus as drawn

    with door.reading() as view:
        found = drawn(view.books, year)
    if door.as_json:
        output.document(as_document(found))
        return
    currency = found.source.currency
    output.line(_("Surplus of {year}: {state}, {day}").format(year=year, state=_(_STATES[found.state]), day=found.on))
    if found.resolution:
        output.line(_("Resolution: {resolution}").format(resolution=found.resolution))
    columns = ["", output.right("%"), output.right(_("Of")), output.right(_("Amount")), output.right(_("Left"))]
    rows = [
        [f"{_(_STEPS[step.to])} {step.what}".strip(), step.rate,
         *(output.amount(minor, currency) for minor in (step.base, step.amount, step.left))]
        for step in found.steps
    ]  # fmt: skip
    first = [_("Result of the year"), "", "", "", output.amount(found.result, currency)]
    last = [_("Stays in undivided earnings"), "", "", "", output.amount(found.left, currency)]
    output.table(columns, [first, *rows, last])
    output.line(_("Not members' business, and so no patronage: {amount}").format(
        amount=output.amount(found.kept, currency)))  # fmt: skip
    output.line(_("Patronage of {count} members: {cash} in money, {retained} retained.").format(
        count=found.members, cash=output.amount(found.cash, currency), retained=output.amount(found.retained, currency),
    ))  # fmt: skip
    output.line(_("Written notices are due by {day}.").format(day=found.notices_by))
    output.line(_("Fingerprint of what every member gets: {digits}").format(digits=found.each[:16]))


@command(app, "share-register")
def share_register(door: Door, as_of: AsOf = None) -> None:
    """The register of shares at the end of a day: every member's shares of each class."""
    from coopbank.reports.document import as_document
    from coopbank.reports.surplus import share_register as drawn

    with door.reading() as view:
        found = drawn(view.books, options.day_or_none(as_of, "as_of"))
    if door.as_json:
        output.document(as_document(found))
        return
    currency = found.source.currency
    columns = [_("Member"), _("Name"), _("Class"), output.right(_("Shares")), output.right(_("Amount"))]
    rows = [[h.member, h.name, h.share_class, h.shares, output.amount(h.amount, currency)] for h in found.holdings]
    if found.unnamed:
        rows.append([_("(nobody named)"), "", "", "", output.amount(found.unnamed, currency)])
    rows += [[_("Total"), "", code, "", output.amount(total, currency)] for code, total in found.totals.items()]
    output.table(columns, rows)
