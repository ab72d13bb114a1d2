"""Members' equity on the command line: how a surplus is divided, the register of shares, files for tax forms."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated

import typer

from coopbank.cli import frames, options, output
from coopbank.cli.app import app, command
from coopbank.cli.door import Door
from coopbank.cli.faults import REFUSED
from coopbank.cli.options import AsOf
from coopbank.errors import WrongUsage
from coopbank.money import quoted
from coopbank.words import _, marked

_STATES = {"proposed": marked("proposed"), "allocated": marked("voted and posted")}
_STEPS = {
    "regular": marked("Regular reserve"), "indivisible": marked("Indivisible reserve"), "fund": marked("Fund"),
    "dividend": marked("Dividend on shares"), "patronage": marked("Patronage by"),
}  # fmt: skip


@command(app, "surplus")
def surplus(door: Door, year: Annotated[str, typer.Argument(metavar="YEAR", help="The year, YYYY.")]) -> None:
    """How a year's surplus is divided, step by step: as proposed to the assembly, or as voted."""
    from coopbank.reports.surplus import surplus as drawn

    found = frames.report(door, lambda view: drawn(view.books, str(_year(year))))
    if found is None:
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
    from coopbank.reports.surplus import share_register as drawn

    found = frames.report(door, lambda view: drawn(view.books, options.day_or_none(as_of, "as_of")))
    if found is None:
        return
    currency = found.source.currency
    columns = [_("Member"), _("Name"), _("Class"), output.right(_("Shares")), output.right(_("Amount")),
               output.right(_("Sponsored"))]  # fmt: skip
    rows = [
        [h.member, h.name, h.share_class, h.shares, output.amount(h.amount, currency),
         output.amount(h.sponsored, currency) if h.sponsored else ""]
        for h in found.holdings
    ]  # fmt: skip
    if found.unnamed:
        rows.append([_("(nobody named)"), "", "", "", output.amount(found.unnamed, currency), ""])
    rows += [[_("Total"), "", code, "", output.amount(total, currency), ""] for code, total in found.totals.items()]
    output.table(columns, rows)
    frames.changed_since(found.backdated)


@command(app, "capital")
def capital(
    door: Door,
    year: Annotated[str, typer.Argument(metavar="YEAR", help="The year, YYYY.")],
    member: Annotated[str | None, typer.Argument(metavar="[MEMBER]", help="One worker's alone: M0007, or 7.")] = None,
) -> None:
    """Internal capital accounts of a worker co-op over a year, by worker and vintage; and what is owed to who left."""
    from coopbank.reports.capital import capital as drawn
    from coopbank.reports.find import member_ref

    one = None if member is None else member_ref(member) or member
    found = frames.report(door, lambda view: drawn(view.books, _year(year), one))
    if found is None:
        return
    currency = found.source.currency
    titles = [_("Opening"), _("Retained"), _("Interest"), _("Losses"), _("Paid out"), _("Closing")]
    columns = [_("Member"), _("Name"), _("Vintage"), *map(output.right, titles)]
    rows = [
        [worker.member, worker.name, each.vintage, *(output.amount(minor, currency) for minor in (
            each.opening, each.retained, each.interest, each.losses, each.paid_out, each.closing))]
        for worker in found.workers for each in worker.vintages
    ]  # fmt: skip
    total = [_("Total"), "", "", output.amount(found.opening, currency), "", "", "", "",
             output.amount(found.closing, currency)]  # fmt: skip
    output.table(columns, [*rows, total])
    for worker in found.workers:
        for due in worker.due:
            output.line(_("{redemption}: {amount} is owed to {member} on {day}.").format(
                redemption=due.redemption, amount=output.amount(due.amount, currency), member=worker.member,
                day=due.payable_on,
            ))  # fmt: skip
    output.line(_("Collective part, which no worker ever gets: {amount}").format(
        amount=output.amount(found.collective, currency)))  # fmt: skip
    for text in found.still_coming:
        output.line(text)


@command(app, "tax-files")
def tax_files(
    door: Door,
    year: Annotated[str, typer.Argument(metavar="YEAR", help="The calendar year, YYYY.")],
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="Where the files go.")],
) -> None:
    """Figures for the forms 1099-PATR, 1099-INT and 1099-DIV as CSV files. They are data, not the forms."""
    from coopbank.bank.groups import still_coming
    from coopbank.exchange.tax_files import tax_files as write

    with door.reading() as view:
        files = write(view.books, _year(year), folder)
        coming = still_coming(view.books, date(_year(year), 12, 31))
    if door.as_json:
        output.document({"files": [str(file) for file in files], "still_coming": list(coming)})
        return
    for file in [*files, *coming]:
        output.line(file)


@command(app, "patronage-notices")
def patronage_notices(
    door: Door,
    year: Annotated[str, typer.Argument(metavar="YEAR", help="The year whose surplus was divided, YYYY.")],
    folder: Annotated[str, typer.Option("--folder", metavar="FOLDER", help="Where they go.")] = "statements",
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=64, metavar="N", help="Processes that draw.")] = 1,
) -> None:
    """The written notices of a year's surplus as PDF, one for each member who has a part in it."""
    from coopbank.statements import make_notices

    with door.bank_to_print() as (bank, actor):
        made = make_notices(
            bank, _year(year), folder, actor=actor, jobs=jobs, progress=output.progress(_("notices")),
            failed=lambda _member, _fault: None,  # told at the end
        )  # fmt: skip
    frames.batch(door, made)
    if made.failed:
        raise typer.Exit(REFUSED)


def _year(text: str) -> int:
    if not re.fullmatch(r"[0-9]{4}", text):
        raise WrongUsage("{year} is not a year.", field="year", year=quoted(text), hint="Write it as YYYY.")
    return int(text)
