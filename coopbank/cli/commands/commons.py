"""The institutions around the bank: what the solidarity fund gave, the registers, jobs, and books side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from coopbank.cli import frames, options, output
from coopbank.cli.app import app, command
from coopbank.cli.door import Door, place_named
from coopbank.cli.options import AsOf, From, To
from coopbank.errors import InvalidAmount, InvalidValue, NotAllowed
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.bank.books import Actor, Books
    from coopbank.reports.mirror import Half, Mirror
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
    frames.span(_("Solidarity fund"), found.source, found.start, found.end)
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
    frames.rests_on(found.source)


# ----------------------------------------------------------------------------------- registers


@command(app, "registers")
def registers(door: Door, start: From = None, end: To = None) -> None:
    """Every register that the bank keeps beside its books, and what its entries come to."""
    from coopbank.reports.register_book import registers as drawn

    found = frames.report(
        door, lambda view: drawn(view.books, options.day_or_none(start, "from"), options.day_or_none(end, "to"))
    )
    if found is None:
        return
    output.table(
        [_("Register"), _("Title"), output.right(_("Entries")), output.right(_("Open")), _("Come to")],
        [[each.register, each.title, each.entries, each.open, _told(each)] for each in found.registers],
        empty=_("No register is kept. Define one with: coopbank do define-register --template JOBS"),
    )
    frames.rests_on(found.source)


def _told(summary: RegisterSummary) -> str:
    from coopbank.reports.register_book import grouped

    counts = [f"{_(count.value) if count.value else '-'} {count.entries}" for count in summary.counts]
    return ", ".join([*counts, *(f"{total.title} {grouped(total.total)}" for total in summary.totals)])


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
    frames.rests_on(found.source)


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


# --------------------------------------------------------------------------- jobs and borrowers


@command(app, "jobs")
def jobs(
    door: Door,
    as_of: AsOf = None,
    fund: Annotated[str | None, typer.Option("--fund", metavar="F", help="Only loans of this fund.")] = None,
    of_all: Annotated[
        int | None, typer.Option("--of", metavar="N", min=1, help="Jobs of the place in all, for the part of them.")
    ] = None,
) -> None:
    """Jobs that borrowers created and retained, what each cost, and who pays a living wage."""
    from coopbank.reports.jobs import jobs as drawn

    found = frames.report(door, lambda view: drawn(view.books, options.day_or_none(as_of, "as_of"), fund, of_all))
    if found is None:
        return
    currency = found.source.currency
    frames.head(_("Jobs, {day}").format(day=found.as_of), found.source)
    met = {True: _("yes"), False: _("no"), None: ""}
    output.table(
        [_("Loan"), _("Member"), output.right(_("Lent")), output.right(_("Before")), output.right(_("Projected")),
         output.right(_("Created")), output.right(_("Retained")), output.right(_("FTE")), _("As of"), _("Evidence"),
         _("Living wage")],
        [[row.loan, row.member, output.amount(row.lent, currency), row.baseline, row.projected, row.created,
          row.retained, row.fte, row.as_of, met[row.evidence], met[row.wage_met]] for row in found.loans],
        empty=_("No jobs were reported."),
    )  # fmt: skip
    output.line()
    part = found.jobs_percent_bp
    cost = found.cost_per_job
    output.pairs([
        (_("Created"), str(found.created)), (_("Retained"), str(found.retained)), (_("FTE"), str(found.fte)),
        (_("Cost per job"), "" if cost is None else output.amount(cost, currency)),
        (_("Part of all jobs"), "" if part is None else f"{part // 100}.{part % 100:02d} %"),
    ])  # fmt: skip
    if found.share is not None:
        from coopbank.reports.place import share_words

        output.line()
        for told in share_words(found.share, lambda minor: output.amount(minor, currency)):
            output.line(told)
    frames.rests_on(found.source)


@command(app, "linked")
def linked(door: Door) -> None:
    """Groups of linked borrowers, what they owe and await together, and what is left of the limit."""
    from coopbank.reports.borrowers import linked as drawn

    found = frames.report(door, lambda view: drawn(view.books))
    if found is None:
        return
    currency = found.source.currency
    rows = [
        [group.group, each.member, output.amount(each.owed, currency), output.amount(each.promised, currency)]
        for group in found.groups for each in group.members
    ]  # fmt: skip
    output.table([_("Group"), _("Member"), output.right(_("Owed")), output.right(_("Granted, not paid out"))], rows,
                 empty=_("No borrowers are linked."))  # fmt: skip
    for group in found.groups:
        left = "" if group.left is None else _(", {left} left of the limit").format(
            left=output.amount(group.left, currency)
        )  # fmt: skip
        output.line(f"{group.group}: {output.amount(group.total, currency)}{left}")
    frames.rests_on(found.source)


@command(app, "ladder")
def ladder(
    door: Door,
    small: Annotated[str, typer.Option("--small", metavar="AMOUNT", help="The most that a small loan is.")] = "5000.00",
) -> None:
    """Members whose first loan was small, and the larger ones that it led to."""
    from coopbank.reports.borrowers import ladder as drawn

    found = frames.report(door, lambda view: drawn(view.books, options.amount(small, view.currency, "small")))
    if found is None:
        return
    currency = found.source.currency
    output.table(
        [_("Member"), _("Loans"), _("First"), output.right(_("First loan")), output.right(_("Largest after it"))],
        [[row.member, ", ".join(row.loans), row.first_on, output.amount(row.first, currency),
          output.amount(row.largest_after, currency)] for row in found.members],
        empty=_("No small loan has led to a larger one yet."),
    )  # fmt: skip
    output.line(
        _("{climbed} of {count} members whose first loan was small have borrowed more since.").format(
            climbed=found.climbed, count=found.first_small
        )
    )
    frames.rests_on(found.source)


# ------------------------------------------------------------------------------- several books


@command(app, "mirror")
def mirror(door: Door, other: Annotated[str, typer.Argument(metavar="OTHERDB", help="The other book.")]) -> None:
    """What this book and another one say of each other: pairs that match, are in transit, or differ.

    Ends with exit code 3 when a pair differs.
    """
    from coopbank.reports.document import as_document
    from coopbank.reports.mirror import DIFFERENT
    from coopbank.reports.mirror import mirror as drawn

    with door.reading() as view, Door(place_named(other), door.user).reading() as beside:
        found = drawn(view.books, beside.books)
    differ = any(row.verdict == DIFFERENT for row in found.pairs)
    if door.as_json:
        output.document({**as_document(found, found.ours.currency), "different": differ})
    else:
        _mirror(found)
    if differ:
        raise typer.Exit(3)


def _mirror(found: Mirror) -> None:
    currency = found.ours.currency

    def told(half: Half | None) -> list[str]:
        if half is None:
            return ["", "", ""]
        seen = {True: _("yes"), False: _("NO"), None: ""}[half.confirmed]
        return [f"{half.pair} {_(half.side)}", output.amount(half.amount - half.settled, currency), seen]

    output.line(f"{found.ours.institution} / {found.theirs.institution}")
    output.line()
    output.table(
        [_("Reference"), _("Ours"), output.right(_("Open")), _("Confirmed"), _("Theirs"), output.right(_("Open")),
         _("Confirmed"), _("Verdict"), _("Why")],
        [[row.reference, *told(row.ours), *told(row.theirs), _(row.verdict), _(row.why)] for row in found.pairs],
        empty=_("There is nothing between these books."),
    )  # fmt: skip
    output.pairs([
        (_("We owe (892), they have due (792)"),
         f"{output.amount(found.owed, currency)} / {output.amount(found.owed_there, currency)}"),
        (_("We have due (792), they owe (892)"),
         f"{output.amount(found.due, currency)} / {output.amount(found.due_there, currency)}"),
        (_("The books agree"), _("yes") if found.agrees else _("no")),
    ])  # fmt: skip


@command(app, "federation")
def federation(
    door: Door,
    others: Annotated[list[str] | None, typer.Argument(metavar="DB...", help="The other books.")] = None,
    as_of: AsOf = None,
) -> None:
    """This book and others side by side: trial balances, and what the institutions owe each other."""
    from contextlib import ExitStack

    from coopbank.reports.document import as_document
    from coopbank.reports.mirror import federation as drawn

    with ExitStack() as stack:
        views = [stack.enter_context(door.reading())]
        for other in others or ():
            views.append(stack.enter_context(Door(place_named(other), door.user).reading()))
        found = drawn([view.books for view in views], options.day_or_none(as_of, "as_of"))
    if door.as_json:
        output.document(as_document(found))
        return
    currency = found.source.currency
    for place, book in enumerate(found.books, 1):
        output.line(f"{place}  {book.source.institution}  {book.book}  {book.source.business_date}")
    output.line()
    output.table(
        [_("Account"), _("Name"), *(output.right(str(place)) for place, _book in enumerate(found.books, 1)),
         output.right(_("Between them")), output.right(_("Whole"))],
        [[row.code, _(row.name), *(output.amount(minor, currency) if minor else "" for minor in row.by_book),
          output.amount(row.between, currency) if row.between else "", output.amount(row.whole, currency)]
         for row in found.rows],
    )  # fmt: skip
    if found.between:
        output.line(_("Between these books {amount} is in transit. See: coopbank mirror OTHERDB").format(
            amount=output.amount(found.between, currency)
        ))  # fmt: skip


@command(app, "resale")
def resale(
    door: Door,
    lease: Annotated[str, typer.Argument(metavar="LEASE", help="The ground lease, such as LEASES-00001.")],
    value: Annotated[str, typer.Option("--value", metavar="AMOUNT", help="What the building is worth now.")],
) -> None:
    """What a leaseholder may sell the building for, reckoned step by step by the lease's share of the rise."""
    from decimal import Decimal

    from coopbank.bank import records
    from coopbank.finance.resale import resale as reckoned

    with door.reading() as view:
        found = view.books.get(records.RegisterEntry, lease, "lease")
        currency = view.currency
        worth = options.amount(value, currency, "value")
    if not lease.startswith("LEASES-"):
        raise InvalidValue("{lease} is no ground lease.", field="lease", lease=lease)
    if worth < 0:
        raise InvalidAmount("The amount cannot be below zero.", field="value")
    said = found.values
    told = reckoned(
        said.get("price", 0), said.get("improvements", 0), worth,
        min(Decimal(said.get("share_percent", "0")), Decimal(100)),
    )  # fmt: skip
    rows = {
        "price": told.price, "improvements": told.improvements, "value": told.value, "rise": told.rise,
        "share": told.share, "resale_price": told.resale_price,
    }  # fmt: skip
    if door.as_json:
        output.document({name: output.amount(minor, currency) for name, minor in rows.items()})
        return
    words = [
        _("Price that was paid"), _("Improvements at cost"), _("Worth now"), _("Rise beyond both"),
        _("The leaseholder's share of it"), _("May be sold for"),
    ]  # fmt: skip
    output.pairs([(word, output.amount(minor, currency)) for word, minor in zip(words, rows.values(), strict=True)])
    output.line(str(said.get("formula", "")))
