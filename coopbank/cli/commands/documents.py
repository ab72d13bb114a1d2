"""Files: members' statements, imports, exports."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from coopbank.cli import options, output
from coopbank.cli.app import app, command
from coopbank.cli.door import Door
from coopbank.cli.options import From, To
from coopbank.words import _


class Paper(StrEnum):
    """The paper that a statement is drawn for."""

    letter = "letter"
    a4 = "a4"


Folder = Annotated[str, typer.Option("--folder", metavar="FOLDER", help="Where the files go.")]
OnPaper = Annotated[Paper | None, typer.Option("--paper", help="The paper; the bank's policy if left out.")]


@command(app, "statement")
def statement(
    door: Door,
    member: Annotated[str, typer.Argument(metavar="MEMBER", help="Member number: M0007, or 7.")],
    start: From = None,
    end: To = None,
    folder: Folder = "statements",
    paper: OnPaper = None,
) -> None:
    """A member's statement as PDF; of this month so far if no period is given."""
    from coopbank.reports.find import member_ref
    from coopbank.statements import member_statement

    first, last = options.day_or_none(start, "from"), options.day_or_none(end, "to")
    with door.bank_to_read() as bank:
        with bank.read() as books:
            last = last or books.business_date() or bank.clock.today()
        first = first or last.replace(day=1)
        file = member_statement(
            bank, member_ref(member) or member, first, last, folder, paper=None if paper is None else paper.value
        )
    _tell_files(door, [file])


@command(app, "statements")
def statements(
    door: Door,
    month: Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="The month.")],
    folder: Folder = "statements",
    paper: OnPaper = None,
) -> None:
    """Every member's statement of a month, as PDF."""
    from coopbank.statements import month_statements

    options.month(month)
    with door.bank_to_read() as bank:
        files = month_statements(
            bank, month, folder, output.progress(_("statements")), paper=None if paper is None else paper.value
        )
    _tell_files(door, files)


@command(app, "import")
def import_(
    door: Door,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="members, shares, savings, operations.")],
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="CSV with a heading; operations also as JSON or JSON lines.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Try every row and keep nothing.")] = False,
) -> None:
    """Import rows of a file through the same operations that a person would use: all rows or none."""
    from coopbank.exchange import import_file

    with door.signed_in() as (bank, actor):
        found = import_file(bank, actor, kind, file, dry_run=dry_run)
    if door.as_json:
        output.document(found.as_dict())
        return
    output.line(_("{file}: every row can be imported; nothing was changed.") .format(file=found.file) if dry_run
                else _("{file}: imported.").format(file=found.file))  # fmt: skip
    output.pairs([
        (_("Rows"), found.rows), (_("Done"), found.done), (_("Done before"), found.repeated or ""),
        (_("Waiting for a second person"), found.pending or ""), (_("Requests"), _few(found.requests)),
        (_("Made"), _few(found.created)),
    ])  # fmt: skip


def _few(numbers: tuple[str, ...]) -> str:
    """Numbers given, the first and the last where there are many."""
    return ", ".join(numbers) if len(numbers) <= 10 else f"{', '.join(numbers[:3])} … {numbers[-1]}"


@command(app, "export")
def export(
    door: Door,
    format_: Annotated[str, typer.Argument(metavar="FORMAT", help="beancount, hledger, jsonl.")],
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="Where the files go.")],
    start: From = None,
    end: To = None,
) -> None:
    """Write the books as files that other programs and other people can check."""
    from coopbank.exchange import export as exported

    first, last = options.day_or_none(start, "from"), options.day_or_none(end, "to")
    with door.bank_to_read() as bank:
        files = exported(bank, format_, folder, first, last)
    _tell_files(door, files)


def _tell_files(door: Door, files: list[Path], **more: Any) -> None:
    if door.as_json:
        output.document({"files": [str(file) for file in files], **more})
        return
    for file in files:
        output.line(file)
