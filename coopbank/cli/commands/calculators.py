"""Loan calculators: `schedule` and `apr`. They need no books and no sign-in."""

from __future__ import annotations

import csv
import io
from typing import Annotated, Any

import typer

from coopbank.cli import output
from coopbank.cli.app import app, command
from coopbank.cli.documents import read_text
from coopbank.cli.door import Door
from coopbank.words import _

DocumentFile = Annotated[str, typer.Argument(metavar="FILE", help="A JSON document; - reads standard input.")]

_AMOUNTS = ("principal", "interest", "fees", "payment")


@command(app, "schedule")
def schedule(
    door: Door,
    file: DocumentFile,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the rows as CSV.")] = False,
) -> None:
    """Loan calculator: the schedule, totals and annual percentage rate of a loan-terms document."""
    from coopbank.finance.schedule import schedule as drawn_up
    from coopbank.finance.terms import LoanTerms

    found = drawn_up(LoanTerms.read(read_text(file))).as_document()
    if door.as_json:
        output.document(found)
    elif as_csv:
        _print_csv(found["installments"])
    else:
        _print_schedule(found)


@command(app, "apr")
def apr(door: Door, file: DocumentFile) -> None:
    """Annual percentage rate of advances and payments (Regulation Z, Appendix J)."""
    from coopbank.finance.apr import apr as found_rate

    found = found_rate(read_text(file))
    if door.as_json:
        output.document(found)
    else:
        output.pairs([(_("Annual percentage rate"), found["apr"] + " %"), (_("Method"), found["method"])])


def _print_csv(rows: list[dict[str, Any]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    output.raw(text.getvalue())


def _print_schedule(found: dict[str, Any]) -> None:
    columns: list[str] = [
        output.right("#"), _("Due"), output.right(_("Days")), output.right(_("Principal")),
        output.right(_("Interest")), output.right(_("Fees")), output.right(_("Payment")), output.right(_("Balance")),
    ]  # fmt: skip
    rows = [
        [row["n"], row["due"], row["days"], *(_grouped(row[name]) for name in (*_AMOUNTS, "balance"))]
        for row in found["installments"]
    ]
    totals = ["", _("Total"), "", *(_grouped(found["totals"][name]) for name in _AMOUNTS), ""]
    output.table(columns, [*rows, totals])
    output.line()
    output.pairs([(_("Annual percentage rate"), found["apr"] + " %"), (_("Currency"), found["currency"])])


def _grouped(text: str) -> str:
    """1250.00 as 1,250.00."""
    whole, point, decimals = text.partition(".")
    return f"{int(whole):,}{point}{decimals}"  # never below zero
