"""`explain`: any figure of a loan, or of a loan-terms document, in a plain sentence."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from coopbank.cli import options, output
from coopbank.cli.app import app, command
from coopbank.cli.documents import read_text
from coopbank.cli.door import Door
from coopbank.cli.options import AsOf
from coopbank.errors import WrongUsage

if TYPE_CHECKING:
    from coopbank.reports.explained import Explained, Question

_LOAN = re.compile(r"[Ll]-[0-9]{1,9}")


@command(app, "explain")
def explain(
    door: Door,
    what: Annotated[
        str, typer.Argument(metavar="LOAN|FILE", help="Loan number: L-010. Or a loan-terms document; - reads it.")
    ],
    row: Annotated[
        str | None, typer.Option("--row", metavar="N", help="A row of the schedule: each of its amounts.")
    ] = None,
    operation: Annotated[
        str | None,
        typer.Option("--operation", metavar="N", help="How a payment was shared; a late fee; what a report led to."),
    ] = None,
    accrual: Annotated[
        str | None, typer.Option("--accrual", metavar="YYYY-MM", help="The interest of a month.")
    ] = None,
    payoff: Annotated[
        str | None, typer.Option("--payoff", metavar="DATE", help="What closes the loan on that day.")
    ] = None,
    due: Annotated[bool, typer.Option("--due", help="What is due.")] = False,
    late_fee: Annotated[bool, typer.Option("--late-fee", help="What being late costs.")] = False,
    cap: Annotated[
        bool, typer.Option("--cap", help="What interest may still be taken of a loan repaid by reports.")
    ] = False,
    ceiling: Annotated[
        str | None, typer.Option("--ceiling", metavar="PERIOD", help="The most that the report of a period makes due.")
    ] = None,
    as_of: AsOf = None,
) -> None:
    """Explain a figure of a loan in plain sentences that recompute.

    Ask one thing. A past day (--as-of) is answered by what the books knew then. Without books, a row of a
    loan-terms document can be explained: coopbank explain terms.json --row 3.
    """
    asked: dict[Question, str | bool | None] = {
        "row": row, "operation": operation, "accrual": accrual, "payoff": payoff, "due": due, "late-fee": late_fee,
        "cap": cap, "ceiling": ceiling,
    }  # fmt: skip
    question, value = _one(asked)
    if _LOAN.fullmatch(what):
        _print(door, _of_loan(door, what.upper(), question, value, as_of))
    else:
        _print(door, _of_document(what, question, value, as_of))


def _one(asked: dict[Question, str | bool | None]) -> tuple[Question, int | date | None]:
    """The one thing that is asked, with its value read."""
    named = [name for name, given in asked.items() if given not in (None, False)]
    if len(named) != 1:
        raise WrongUsage(
            "Say what is to be explained: one thing at a time.", field=named[1] if named else "row",
            hint="Give one of {known}.", known=", ".join(f"--{name}" for name in asked),
        )  # fmt: skip
    name = named[0]
    given = asked[name]
    if not isinstance(given, str):
        return name, None
    if name == "accrual":
        return name, options.month(given, "accrual")[0]
    return name, options.day(given, "payoff") if name == "payoff" else options.number(given, name)


def _of_loan(
    door: Door, ref: str, question: Question, value: int | date | None, as_of: str | None
) -> Explained:  # fmt: skip
    from coopbank.reports.explained import explain as explained

    day = options.day_or_none(as_of, "as_of")
    if day is not None and question in ("payoff", "operation"):
        raise WrongUsage(
            "--as-of means nothing with --{option}.", field="as_of", option=question,
            hint="A payoff names its day; an operation is explained as of when it was done.",
        )  # fmt: skip
    with door.reading() as view:
        return explained(view.books, ref, question, value, day)


def _of_document(name: str, question: Question, value: int | date | None, as_of: str | None) -> Explained:
    from coopbank.finance.seasonal import read_terms
    from coopbank.reports.explained import explain_terms

    if question != "row" or as_of is not None or not isinstance(value, int):
        raise WrongUsage(
            "Of a loan-terms document only a row can be explained.", field="as_of" if question == "row" else question,
            hint="Give --row N, or the number of a loan.",
        )  # fmt: skip
    return explain_terms(read_terms(read_text(name)), value)


def _print(door: Door, found: Explained) -> None:
    if door.as_json:
        output.document(found.as_document())
        return
    for sentence in found.sentences:
        output.line(sentence)
