"""Files: what comes in from others, and what goes out to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from coopbank.cli import frames, options, output
from coopbank.cli.app import app, command
from coopbank.cli.door import Door
from coopbank.cli.options import From, To
from coopbank.errors import InvalidAmount, WrongUsage
from coopbank.money import quoted
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.bank.bank import Bank
    from coopbank.bank.books import Actor
    from coopbank.exchange import BankFile, ImportResult

_BANK_LINES = "bank-lines"


class DateOrder(StrEnum):
    """In which order the parts of a day stand; `iso` is `ymd`, `us` is `mdy`."""

    iso = "iso"
    us = "us"
    ymd = "ymd"
    mdy = "mdy"
    dmy = "dmy"


class DecimalMark(StrEnum):
    """What stands before the cents."""

    point = "point"
    comma = "comma"


Said = Annotated[list[str] | None, typer.Option("--map", metavar="HEADING=FIELD", help=(
    'What a column means: "Date joined=joined_on"; may be repeated.'))]  # fmt: skip
Kept = Annotated[str | None, typer.Option("--map-file", metavar="FILE", help=(
    "A mapping kept as JSON: columns, ignore, dates, decimal."))]  # fmt: skip
Ignored = Annotated[list[str] | None, typer.Option("--ignore", metavar="HEADING", help="A column to leave out.")]
Dates = Annotated[DateOrder | None, typer.Option("--dates", help="How days are written; YYYY-MM-DD if left out.")]
Decimal = Annotated[DecimalMark | None, typer.Option("--decimal", help="What stands before the cents.")]
Count = Annotated[int | None, typer.Option("--control-count", metavar="N", min=0, help="Rows there must be.")]
Total = Annotated[str | None, typer.Option("--control-total", metavar="AMOUNT", help=(
    "What amounts must come to; of loans, the principal owed."))]  # fmt: skip
CutOver = Annotated[str | None, typer.Option("--as-of", metavar="DATE", help=(
    "savings, shares, loans: balances stand at the start of this day; today if left out."))]  # fmt: skip
Report = Annotated[str | None, typer.Option("--report", metavar="FILE", help="CSV: each row, verdict and reason.")]
InGroups = Annotated[bool, typer.Option("--in-groups", help=(
    "Some hundred rows at a time, so that tills get in; what was in before a row that is refused stays."))]  # fmt: skip
Template = Annotated[bool, typer.Option("--template", help="Print a table to begin with, and do nothing else.")]
Account = Annotated[str | None, typer.Option("--account", metavar="CODE", help="bank-lines: the bank account.")]
Opening = Annotated[str | None, typer.Option("--opening", metavar="AMOUNT", help="bank-lines: balance at first.")]
Closing = Annotated[str | None, typer.Option("--closing", metavar="AMOUNT", help="bank-lines: balance at the end.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What the options say of a file; None where they say nothing."""

    columns: list[str] | None
    map_file: str | None
    ignored: list[str] | None
    dates: DateOrder | None
    decimal: DecimalMark | None
    count: int | None
    total: str | None
    as_of: str | None
    report: str | None
    in_groups: bool
    account: str | None
    start: str | None
    end: str | None
    opening: str | None
    closing: str | None

    @property
    def of_rows(self) -> dict[str, object]:
        """Those that do not go with a bank's statement, by their names."""
        return {
            "map_file": self.map_file, "ignore": self.ignored or None, "control_count": self.count,
            "control_total": self.total, "as_of": self.as_of, "report": self.report,
            "in_groups": self.in_groups or None,
        }  # fmt: skip

    @property
    def of_statements(self) -> dict[str, object]:
        """Those that go with a bank's statement only, by their names."""
        return {
            "account": self.account, "from": self.start, "to": self.end, "opening": self.opening,
            "closing": self.closing,
        }  # fmt: skip


@command(app, "import")
def import_(
    door: Door,
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="members, shares, savings, loans, operations, bank-lines.")
    ],
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="CSV with a heading; operations also as JSON or JSON lines, bank-lines also as OFX or camt.053.",
        ),
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Try every row and keep nothing.")] = False,
    columns: Said = None,
    map_file: Kept = None,
    ignored: Ignored = None,
    dates: Dates = None,
    decimal: Decimal = None,
    count: Count = None,
    total: Total = None,
    as_of: CutOver = None,
    report: Report = None,
    in_groups: InGroups = False,
    template: Template = False,
    account: Account = None,
    start: From = None,
    end: To = None,
    opening: Opening = None,
    closing: Closing = None,
) -> None:
    """Import rows of a file through the same operations that a person would use: all rows or none.

    A large file keeps the tills waiting; --in-groups lets them in, and gives up "or none".
    """
    if template:
        _tell_template(door, kind)
        return
    if not file:
        raise WrongUsage("Which file?", field="file", hint="Name it after the kind, or print one with --template.")
    said = _Said(
        columns=columns, map_file=map_file, ignored=ignored, dates=dates, decimal=decimal, count=count, total=total,
        as_of=as_of, report=report, in_groups=in_groups, account=account, start=start, end=end, opening=opening,
        closing=closing,
    )  # fmt: skip
    _require_options_of(kind, said)
    with door.signed_in() as (bank, actor):
        found = _imported(bank, actor, kind, file, dry_run, said)
    _tell_imported(door, found, dry_run, report)


def _tell_imported(door: Door, found: ImportResult, dry_run: bool, report: str | None) -> None:
    if door.as_json:
        output.document(found.as_dict())
        return
    output.line(_("{file}: every row can be imported; nothing was changed.") .format(file=found.file) if dry_run
                else _("{file}: imported.").format(file=found.file))  # fmt: skip
    output.pairs([
        (_("Rows"), found.rows), (_("Total"), found.total or ""), (_("Done"), found.done),
        (_("Done before"), found.repeated or ""), (_("Waiting for a second person"), found.pending or ""),
        (_("Requests"), _few(found.requests)), (_("Made"), _few(found.created)), (_("Report"), report or ""),
    ])  # fmt: skip


def _tell_template(door: Door, kind: str) -> None:
    from coopbank.exchange import template

    text = template(kind)
    if door.as_json:
        output.document({"kind": kind, "csv": text})
        return
    output.raw(text)


def _require_options_of(kind: str, said: _Said) -> None:
    """Refuse an option that goes with another kind of file."""
    others = said.of_rows if kind == _BANK_LINES else said.of_statements
    given = next((name for name, value in others.items() if value is not None), None)
    if given is None:
        return
    option = given.replace("_", "-")
    if kind == _BANK_LINES:
        raise WrongUsage("--{option} does not go with bank-lines.", field=given, option=option)
    raise WrongUsage("--{option} goes with bank-lines only.", field=given, option=option)


def _imported(bank: Bank, actor: Actor, kind: str, file: str, dry_run: bool, said: _Said) -> ImportResult:
    from coopbank.exchange import Control, import_file, said_of_file

    currency = bank.institution.currency
    if kind == _BANK_LINES:
        return import_file(bank, actor, kind, file, dry_run=dry_run, about=_about_bank_file(said, currency))
    layout = said_of_file(
        said.columns or (), said.ignored or (), said.map_file, said.dates,
        None if said.decimal is None else said.decimal.value,
    )  # fmt: skip
    return import_file(
        bank, actor, kind, file, dry_run=dry_run, layout=layout,
        control=Control(said.count, _balance(said.total, currency, "control_total")),
        as_of=options.day_or_none(said.as_of, "as_of"), report=said.report, in_groups=said.in_groups,
    )  # fmt: skip


def _about_bank_file(said: _Said, currency: str) -> BankFile:
    """What the options say of a bank's file."""
    from coopbank.exchange import DATE_ORDERS, BankFile
    from coopbank.exchange.bank_csv import require_columns

    columns = _columns(said.columns or ())
    require_columns(columns)
    return BankFile(
        account=said.account, columns=columns, dates=DATE_ORDERS[said.dates or "iso"],
        decimal=(said.decimal or DecimalMark.point).value,
        opening=_balance(said.opening, currency, "opening"), closing=_balance(said.closing, currency, "closing"),
        start=options.day_or_none(said.start, "from"), end=options.day_or_none(said.end, "to"),
    )  # fmt: skip


def _columns(pairs: Iterable[str]) -> dict[str, str]:
    """The heading of each field of a bank's line; as with other kinds of files, the heading may come first."""
    from coopbank.exchange.bank_csv import FIELDS

    columns: dict[str, str] = {}
    for each in pairs:
        field, equals, heading = each.partition("=")
        if field.strip() not in FIELDS and (turned := each.rpartition("="))[2].strip() in FIELDS:
            heading, _equals, field = turned
        if not equals or not heading.strip() or field.strip() in columns:
            raise WrongUsage(
                "{text} is no mapping of a column.", field="map", text=quoted(each),
                hint='Write each once: --map "Posted on=date"',
            )  # fmt: skip
        columns[field.strip()] = heading.strip()
    return columns


def _balance(text: str | None, currency: str, name: str) -> int | None:
    try:
        return None if text is None else options.amount(text, currency, name)
    except InvalidAmount as refusal:
        raise WrongUsage(refusal.template, field=name, hint=refusal.hint_template, **refusal.values) from None


def _few(numbers: tuple[str, ...]) -> str:
    """Numbers given, the first and the last where there are many."""
    return ", ".join(numbers) if len(numbers) <= 10 else f"{', '.join(numbers[:3])} … {numbers[-1]}"


@command(app, "export")
def export(
    door: Door,
    format_: Annotated[str, typer.Argument(metavar="FORMAT", help="ads, beancount, hledger, jsonl, xlsx, pack.")],
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="Where the files go.")],
    start: From = None,
    end: To = None,
) -> None:
    """Write the books as files that other programs and other people can check. A pack is signed by who is signed in."""
    from coopbank.exchange import export as exported

    first, last = options.day_or_none(start, "from"), options.day_or_none(end, "to")
    with door.bank_to_print() as (bank, _actor):
        files = exported(bank, format_, folder, first, last)
        signed = bank.keys is not None
    if format_ != "pack":
        frames.files(door, files)
        return
    frames.files(door, files, signed=signed)
    if not signed:
        output.narrate(
            _("The pack is not signed: only who signs in with a passphrase that opens the book's key makes one.")
        )
