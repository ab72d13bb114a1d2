"""Loan calculators: `schedule` and `apr`. They need no books and no sign-in."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import typer

from coopbank.cli import output
from coopbank.cli.app import app, command
from coopbank.cli.documents import read_text
from coopbank.cli.door import Door
from coopbank.errors import WrongUsage
from coopbank.words import _

DocumentFile = Annotated[str, typer.Argument(metavar="FILE", help="A JSON document; - reads standard input.")]

_AMOUNTS = ("principal", "interest", "fees", "payment")


class Rule(StrEnum):
    """Where a due date goes on which the bank is closed."""

    following = "following"
    preceding = "preceding"
    modified_following = "modified-following"


@command(app, "schedule")
def schedule(
    door: Door,
    file: DocumentFile,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the rows as CSV.")] = False,
    box: Annotated[
        bool, typer.Option("--box", help="Print the Truth in Lending box instead: four figures and the payments.")
    ] = False,
    prepaid: Annotated[
        str | None,
        typer.Option("--prepaid", metavar="AMOUNT", help="Finance charges paid at disbursement, for the box."),
    ] = None,
    adjust: Annotated[
        Rule | None,
        typer.Option("--adjust", help="Move due dates off Saturdays, Sundays and holidays; amounts stay as they are."),
    ] = None,
    holidays: Annotated[
        str | None,
        typer.Option("--holidays", metavar="COUNTRY", help="Holidays and weekend of a country, such as US."),
    ] = None,
    subdivision: Annotated[
        str | None, typer.Option("--subdivision", metavar="PART", help="And of a part of it, such as MS.")
    ] = None,
) -> None:
    """Loan calculator: the schedule, totals and annual percentage rate of a loan-terms document.

    With "months", such as [9, 10, 11], payments fall due in these months only.
    """
    _check_options(as_csv, box, prepaid, adjust, holidays, subdivision)
    from coopbank.finance.schedule import schedule as drawn_up
    from coopbank.finance.seasonal import read_terms

    terms = read_terms(read_text(file))
    drawn = drawn_up(terms, move=_move(adjust, holidays, subdivision))
    if box:
        from coopbank.finance.disclosure import disclosure
        from coopbank.money import parse_amount

        charged = parse_amount(prepaid, terms.currency, field="prepaid") if prepaid is not None else 0
        _print_box(door, disclosure(drawn, prepaid_minor=charged).as_document())
    elif door.as_json:
        output.document(drawn.as_document())
    elif as_csv:
        _print_csv(drawn.as_document()["installments"])
    else:
        _print_schedule(drawn.as_document())


@command(app, "apr")
def apr(door: Door, file: DocumentFile) -> None:
    """Annual percentage rate of advances and payments (Regulation Z, Appendix J)."""
    from coopbank.finance.apr import apr as found_rate

    found = found_rate(read_text(file))
    if door.as_json:
        output.document(found)
    else:
        output.pairs([(_("Annual percentage rate"), found["apr"] + " %"), (_("Method"), found["method"])])


def _check_options(
    as_csv: bool, box: bool, prepaid: str | None, adjust: Rule | None, holidays: str | None, subdivision: str | None
) -> None:
    """Options that say nothing without another, or cannot stand together."""
    needs = [
        ("prepaid", prepaid is not None and not box, "--box"),
        ("holidays", holidays is not None and adjust is None, "--adjust"),
        ("subdivision", subdivision is not None and holidays is None, "--holidays"),
    ]
    for field, missing, other in needs:
        if missing:
            raise WrongUsage(
                "--{option} means nothing without {other}.", field=field, option=field, other=other,
                hint="Give both, or neither.",
            )  # fmt: skip
    if as_csv and box:
        raise WrongUsage(
            "CSV has rows, and the box has none.", field="csv", hint="Give --csv or --box; --json works with both."
        )


def _move(rule: Rule | None, country: str | None, subdivision: str | None) -> Callable[[date], date] | None:
    """What moves due dates, if anything is to."""
    if rule is None:
        return None
    from coopbank.finance.business_days import closed_days, mover

    return mover(rule.value, closed_days(country, subdivision)) if country is not None else mover(rule.value)


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


def _print_box(door: Door, found: dict[str, Any]) -> None:
    if door.as_json:
        output.document(found)
        return
    output.pairs([
        (_("Annual percentage rate"), found["apr"] + " %"),
        (_("Finance charge"), _grouped(found["finance_charge"])),
        (_("Amount financed"), _grouped(found["amount_financed"])),
        (_("Total of payments"), _grouped(found["total_of_payments"])),
        (_("Currency"), found["currency"]),
    ])  # fmt: skip
    output.line()
    columns = [output.right(_("Payments")), output.right(_("Amount")), _("First due")]
    output.table(columns, [[run["count"], _grouped(run["amount"]), run["first_due"]] for run in found["payments"]])


def _grouped(text: str) -> str:
    """1250.00 as 1,250.00."""
    whole, point, decimals = text.partition(".")
    return f"{int(whole):,}{point}{decimals}"  # never below zero
