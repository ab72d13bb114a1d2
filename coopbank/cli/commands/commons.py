"""The institutions around the bank: what the solidarity fund gave, the registers, jobs, and books side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from coopbank.cli import options, output
from coopbank.cli.app import app, command
from coopbank.cli.door import Door
from coopbank.cli.options import From, To
from coopbank.errors import NotAllowed
from coopbank.words import _

if TYPE_CHECKING:
    from datetime import date

    from coopbank.bank.books import Actor, Books
    from coopbank.reports.document import Source
    from coopbank.reports.register_book import RegisterSummary


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


# ----------------------------------------------------------------------------------- registers


@command(app, "registers")
def registers(door: Door, start: From = None, end: To = None) -> None:
    """Every register that the bank keeps beside its books, and what its entries come to."""
    from coopbank.reports.document import as_document
    from coopbank.reports.register_book import registers as drawn

    with door.reading() as view:
        found = drawn(view.books, options.day_or_none(start, "from"), options.day_or_none(end, "to"))
    if door.as_json:
        output.document(as_document(found))
        return
    output.table(
        [_("Register"), _("Title"), output.right(_("Entries")), output.right(_("Open")), _("Come to")],
        [[each.register, each.title, each.entries, each.open, _told(each)] for each in found.registers],
        empty=_("No register is kept. Define one with: coopbank do define-register --template JOBS"),
    )
    _rests_on(found.source)


def _told(summary: RegisterSummary) -> str:
    counts = [f"{count.value or '-'} {count.entries}" for count in summary.counts]
    return ", ".join([*counts, *(f"{total.title} {total.total}" for total in summary.totals)])


@command(app, "register")
def register(
    door: Door,
    code: Annotated[str, typer.Argument(metavar="CODE", help="The register, such as JOBS.")],
    start: From = None,
    end: To = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print it as CSV.")] = False,
    personal: Annotated[
        bool, typer.Option("--personal", help="With what is kept apart; for those who keep the register.")
    ] = False,
) -> None:
    """The entries of a register, and what they come to."""
    from coopbank.reports.document import as_document
    from coopbank.reports.register_book import register_book as drawn

    first, last = options.day_or_none(start, "from"), options.day_or_none(end, "to")
    if personal:
        with door.signed_in() as (bank, actor), bank.read() as books:
            _require_keeper(books, actor, code)
            found = drawn(books, code, first, last, personal=True)
    else:
        with door.reading() as view:
            found = drawn(view.books, code, first, last)
    if as_csv:
        from coopbank.exchange.register_rows import csv_of

        output.raw(csv_of(found).replace("\r\n", "\n"))
        return
    if door.as_json:
        output.document(as_document(found))
        return
    output.line(f"{found.register}  {found.title}")
    output.line()
    output.table(
        [_("Entry"), _("State"), *found.titles],
        [[row.entry, _(row.state), *row.values] for row in found.entries],
        empty=_("There are no entries."),
    )
    if told := _told(found.summary):
        output.line()
        output.line(told)
    _rests_on(found.source)


def _require_keeper(books: Books, actor: Actor, code: str) -> None:
    """What is kept apart is shown to who keeps the register."""
    from coopbank.bank.institution_registers import register_named
    from coopbank.bank.operation import ADMINISTRATOR, LOAN_OFFICER, TELLER, TREASURER

    keepers = register_named(books, code).keepers or [TELLER, LOAN_OFFICER, TREASURER, ADMINISTRATOR]
    if not set(keepers) & set(actor.roles):
        raise NotAllowed(
            "{user} does not keep the register {code}.", field="personal", user=actor.user, code=code,
            hint="It takes one of: {roles}.", roles=", ".join(keepers),
        )  # fmt: skip
