"""Operations: the catalogue, doing them, and the second person's side."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coopbank.cli import options, output
from coopbank.cli.app import app, command
from coopbank.cli.documents import read_json, read_text
from coopbank.cli.door import Door
from coopbank.cli.faults import InList
from coopbank.errors import CoopbankError, WrongUsage
from coopbank.money import quoted
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.bank.books import Books
    from coopbank.bank.operation import Operation, Receipt
    from coopbank.bank.records import Request
    from coopbank.cli.fields import FieldInfo

# ------------------------------------------------------------------------------ catalogue


@command(app, "operations")
def operations(
    door: Door,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One operation, with its fields.")] = None,
) -> None:
    """The catalogue of operations; with a name, its fields and its JSON Schema."""
    from coopbank.cli import fields

    if name is not None:
        _show_operation(door, fields.named(name))
        return
    found = fields.offered()
    if door.as_json:
        output.document({"operations": [_summary(operation) for operation in found]})
        return
    rows = [
        [_(op.subject), op.name, _(op.title), ", ".join(op.roles), _("two people") if op.second_person else ""]
        for op in found
    ]
    output.table([_("Subject"), _("Operation"), _("Title"), _("Who"), ""], rows)


def _summary(operation: type[Operation]) -> dict[str, Any]:
    return {
        "name": operation.name, "title": operation.title, "subject": operation.subject,
        "help": _help(operation), "version": operation.version, "roles": list(operation.roles),
        "second_person": operation.second_person, "approvers": list(operation.approvers),
        "offered_by": list(operation.offered_by), "reversible": operation.reversible,
    }  # fmt: skip


def _help(operation: type[Operation]) -> str:
    return " ".join((operation.__doc__ or "").split())


def _show_operation(door: Door, operation: type[Operation]) -> None:
    from coopbank.cli.fields import fields_of

    found = fields_of(operation)
    if door.as_json:
        described = [
            {
                "name": field.name, "option": field.option, "type": field.kind, "widget": field.widget,
                "required": field.required, "default": field.default, "title": field.title,
                "choices": list(field.choices),
            }
            for field in found
        ]  # fmt: skip
        output.document({**_summary(operation), "fields": described, "schema": operation.model_json_schema()})
        return
    output.line(f"{operation.name}: {_(operation.title)}")
    output.line(_(_help(operation)))
    output.line()
    output.pairs([
        (_("Who"), ", ".join(operation.roles)),
        (_("Second person"), _("always") if operation.second_person else ""),
        (_("Approvers"), ", ".join(operation.approvers)),
        (_("Offered by"), ", ".join(operation.offered_by)),
    ])  # fmt: skip
    if found:
        output.line()
        rows = [[field.option, _takes(field), _must(field.required, field.default), _(field.title)] for field in found]
        output.table([_("Field"), _("Takes"), _("If left out"), _("Meaning")], rows)


def _takes(field: FieldInfo) -> str:
    if field.choices:
        return "|".join(field.choices)
    kind = "flag" if field.kind == "flag" else field.widget.removeprefix("ref:")
    return f"{kind}, …" if field.kind == "list" else kind


def _must(required: bool, default: Any) -> str:
    if required:
        return _("required")
    if default in (None, "", [], False):
        return ""
    return default if isinstance(default, str) else json.dumps(default)


# ------------------------------------------------------------------------------------- do


@command(
    app, "do", add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)  # fmt: skip
def do(
    door: Door,
    context: typer.Context,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="KEY", help="Idempotency key: the same request with the same key is done once."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")] = False,
    help_: Annotated[bool, typer.Option("--help", help="Show this message, or with NAME its fields.")] = False,
) -> None:
    """Perform an operation: do NAME --field value …, or a list: do --json FILE|-.

    The document is one object {"operation": NAME, FIELD: VALUE, …, "key": KEY} or a list of them; a list is done in one
    transaction, all or nothing. The fields may also stand in an object of their own, "fields". With NAME, --json prints
    the receipt as JSON; with a document the answer always is JSON.
    """  # fmt: skip
    words = list(context.args)
    if help_:
        if words and not words[0].startswith("-"):
            _named_help(door, words[0])
        else:
            output.raw(context.get_help())
        return
    if not words or words[0].startswith("--"):
        raise WrongUsage("do needs the name of an operation, or --json FILE.", hint="See: coopbank operations")
    if door.as_json and len(words) == 1 and _is_document(words[0]):
        _do_document(door, words[0], key, dry_run)
    else:
        _do_named(door, words[0], words[1:], key, dry_run)


def _named_help(door: Door, name: str) -> None:
    from coopbank.cli.fields import named

    _show_operation(door, named(name))


def _is_document(word: str) -> bool:
    """Whether `do --json WORD` names a file rather than an operation."""
    from coopbank.bank.operation import CATALOGUE
    from coopbank.cli.fields import offered

    offered()
    return word == "-" or word.replace("_", "-") not in CATALOGUE


def _do_named(door: Door, name: str, words: list[str], key: str | None, dry_run: bool) -> None:
    from coopbank.cli.fields import from_options, named, require_names

    operation = named(name)
    values = from_options(operation, words)
    require_names(operation, values)
    tell(door, perform(door, [Wanted(operation.name, values, key)], dry_run=dry_run)[0])


def _do_document(door: Door, file: str, key: str | None, dry_run: bool) -> None:
    from coopbank.cli.receipts import all_as_document

    found = read_json(read_text(file, "json"), "json")
    if not isinstance(found, list):
        tell(door, perform(door, [_wanted(found, key)], dry_run=dry_run)[0])
        return
    if key is not None:
        raise WrongUsage("A list has a key for each operation.", field="key", hint='Write "key" into its objects.')
    if not found:
        raise WrongUsage("The list is empty.", field="json")
    wanted = []
    for index, each in enumerate(found, start=1):
        with in_list(index, len(found), _name(each)):
            wanted.append(_wanted(each, None))
    output.document(all_as_document(perform(door, wanted, dry_run=dry_run, in_a_list=True)))


@dataclass(frozen=True, slots=True)
class Wanted:
    """One operation that somebody wants done."""

    name: str
    values: dict[str, Any]
    key: str | None = None


def _wanted(found: Any, key: str | None) -> Wanted:
    """One object of a document, its names checked."""
    from coopbank.cli.fields import named, require_names

    if not isinstance(found, dict) or not isinstance(found.get("operation"), str):
        raise WrongUsage(
            "An operation is a JSON object that says which.", field="operation",
            hint="Write it like {example}.", example='{"operation": "deposit", "member": "M0007", "amount": "150.00"}',
        )  # fmt: skip
    values = dict(found)
    operation, own_key = named(values.pop("operation")), values.pop("key", key)
    if set(values) == {"fields"} and isinstance(values["fields"], dict):
        values = values["fields"]  # for operations with a field called "operation" or "key" of their own
    if own_key is not None and (not isinstance(own_key, str) or not own_key):
        raise WrongUsage("A key is a text that is not empty.", field="key")
    require_names(operation, values)
    return Wanted(operation.name, values, own_key)


def _name(found: Any) -> str:
    return str(found.get("operation", "?"))[:40] if isinstance(found, dict) else "?"


class _Counted(list[tuple["Operation", str | None]]):
    """Requests that know which of them is being performed; 0 before and after."""

    at = 0

    def __iter__(self) -> Iterator[tuple[Operation, str | None]]:
        for index, each in enumerate(super().__iter__(), start=1):
            self.at = index
            yield each
        self.at = 0


def perform(door: Door, wanted: Sequence[Wanted], *, dry_run: bool = False, in_a_list: bool = False) -> list[Receipt]:
    """Sign in, perform all or none, and return the receipts."""
    with door.signed_in() as (bank, actor):
        requests = _Counted()
        try:
            for index, each in enumerate(wanted, start=1):
                requests.at = index
                requests.append((bank.build(each.name, each.values), each.key))
            requests.at = 0
            if dry_run and not in_a_list:
                return [bank.preview(actor, requests[0][0])]
            return bank.preview_all(actor, requests) if dry_run else bank.perform_all(actor, requests)
        except CoopbankError as refusal:
            if in_a_list and requests.at:
                raise InList(refusal, requests.at, len(wanted), wanted[requests.at - 1].name) from refusal
            raise


@contextmanager
def in_list(index: int, count: int, name: str) -> Iterator[None]:
    """A refusal in this block says which operation of the list it is about."""
    try:
        yield
    except CoopbankError as refusal:
        raise InList(refusal, index, count, name) from refusal


def tell(door: Door, receipt: Receipt) -> None:
    """Print a receipt in the form that was asked for."""
    from coopbank.cli.receipts import as_document, show

    if door.as_json:
        output.document(as_document(receipt))
    else:
        show(receipt)


def do_one(door: Door, name: str, values: dict[str, Any]) -> Receipt:
    """Perform one operation and print its receipt."""
    receipt = perform(door, [Wanted(name, values)])[0]
    tell(door, receipt)
    return receipt


# ---------------------------------------------------------------------- the second person

RequestNumber = Annotated[str, typer.Argument(metavar="ID", help="The request, such as R-00012.")]


@command(app, "pending")
def pending(door: Door) -> None:
    """What waits for a second person."""
    from coopbank.bank import records

    with door.reading() as view:
        waiting = [(ref, each, _asked(view.books, each)) for ref, each in view.books.about(records.Request, "waiting")]
    if door.as_json:
        output.document({
            "requests": [
                {
                    "request": ref, "operation": each.operation, "asked_by": each.asked_by, "asked_on": each.asked_on,
                    "reason": each.reason, "fields": fields,
                }
                for ref, each, fields in waiting
            ]
        })  # fmt: skip
        return
    columns = [_("Request"), _("Operation"), _("Asked by"), _("On"), _("What"), _("Reason")]
    rows = [
        [
            ref,
            each.operation,
            each.asked_by,
            each.asked_on,
            ", ".join(f"{n} {v}" for n, v in fields.items()),
            _(each.reason),
        ]
        for ref, each, fields in waiting
    ]
    output.table(columns, rows, empty=_("Nothing waits for a second person."))


def _asked(books: Books, request: Request) -> dict[str, Any]:
    return books.resolve(request.payload)


@command(app, "approve")
def approve(door: Door, request: RequestNumber) -> None:
    """Approve a colleague's request: it is checked again and done."""
    do_one(door, "approve", {"request": request})


@command(app, "refuse")
def refuse(
    door: Door,
    request: RequestNumber,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, which is kept.")],
) -> None:
    """Refuse a colleague's request."""
    do_one(door, "refuse", {"request": request, "why": why})


@command(app, "take-back")
def take_back(door: Door, request: RequestNumber) -> None:
    """Take back a request of your own that still waits."""
    do_one(door, "take-back", {"request": request})


# --------------------------------------------------------------------------------- closes

ClosingDay = Annotated[
    str | None,
    typer.Option("--date", metavar="DATE", help="The day, or any day of the month or year; what is over if left out."),
]


@command(app, "close")
def close(
    door: Door,
    period: Annotated[str, typer.Argument(metavar="day|month|year", help="What to close.")],
    date: ClosingDay = None,
) -> None:
    """Close the business day, or lock a month or a year that is over."""
    if period not in ("day", "month", "year"):
        raise WrongUsage(
            "{period} cannot be closed.", field="period", period=quoted(period), hint="Choose day, month or year."
        )
    when = options.day_or_none(date, "date")
    if period == "day":
        do_one(door, "close-day", {"date": when.isoformat()} if when else {})
        return
    length = 7 if period == "month" else 4
    do_one(door, f"close-{period}", {period: (when or _last_over(door, period)).isoformat()[:length]})


def _last_over(door: Door, period: str) -> datetime.date:
    """A day of the last month or year that is over on the business date."""
    with door.reading() as view:
        tomorrow = view.business_date + datetime.timedelta(days=1)
    first = tomorrow.replace(day=1) if period == "month" else tomorrow.replace(month=1, day=1)
    return first - datetime.timedelta(days=1)


@command(app, "reopen")
def reopen(
    door: Door,
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="A locked month (2026-03) or year (2026).")],
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, which is kept.")],
) -> None:
    """Open a locked month or year again for adjustments; it takes two people."""
    kind = "year" if len(period) == 4 else "month"
    do_one(door, f"reopen-{kind}", {kind: period, "why": why})
