"""For auditors: the tests that they run, samples, and campaigns of confirmation."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coopbank.cli import frames, options, output
from coopbank.cli.app import app, command
from coopbank.cli.door import Door
from coopbank.cli.faults import REFUSED
from coopbank.cli.options import AsOf, From, To
from coopbank.errors import WrongUsage
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.bank.confirming import Draw
    from coopbank.reports.audit import Result, RollForward
    from coopbank.reports.confirmations import ControlSheet

SHOWN = 20
"""Rows of a test on the screen where all tests are run; `--json`, and a test by its name, show more."""


@command(app, "audit")
def audit(
    door: Door,
    tests: Annotated[
        list[str] | None, typer.Argument(metavar="TEST", help="Only these tests; all of them if left out.")
    ] = None,
    start: From = None,
    end: To = None,
    names: Annotated[bool, typer.Option("--tests", help="The tests that there are, and why each is run.")] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, max=1000, help="Rows of each test at most.")
    ] = None,
) -> None:
    """The tests that auditors run: gaps, duplicates, odd hours and dates, limits, self-service, cash, dormant accounts.

    A row is worth a look and says no more than that. `coopbank verify` proves that nothing was changed.
    """
    from coopbank.reports import audit as audits

    if names:
        _tell_tests(door)
        return
    first, last = options.day_or_none(start, "from"), options.day_or_none(end, "to")
    found = frames.report(door, lambda view: audits.audit(view.books, tests or (), first, last))
    if found is None:
        return
    output.line(_("Audit tests, {period}").format(period=_period(first, last)))
    output.line(found.source.institution)
    output.line(_("Hours and weekdays are those of the time zone {zone}.").format(zone=found.time_zone))
    output.line()
    output.table(
        [_("Test"), "", output.right(_("Looked at")), "", output.right(_("Found"))],
        [[each.name, _(each.title), each.looked_at, _(each.of), each.found] for each in found.results],
    )
    for each in found.results:
        if each.rows:
            _show_rows(each, limit or (1000 if tests else SHOWN), found.source.currency)


def _period(first: object, last: object) -> str:
    if first is None and last is None:
        return _("the whole book")
    return _("{start} to {end}").format(start=first or _("the beginning"), end=last or _("now"))


def _show_rows(result: Result, most: int, currency: str) -> None:
    output.line()
    output.line(f"{_(result.title)}: {_(result.why)}")
    columns = [
        _("Entry"), _("Operation"), _("Day"), _("Who"), _("Account"), output.right(_("Amount")), _("What"), _("Memo"),
    ]  # fmt: skip
    rows = [
        [row.entry, row.operation, row.on, row.who, row.account,
         "" if row.amount is None else output.amount(row.amount, currency), row.said, row.memo]
        for row in result.rows[:most]
    ]  # fmt: skip
    used = [i for i in range(len(columns)) if any(row[i] not in (None, "") for row in rows)]
    output.table([columns[i] for i in used], [[row[i] for i in used] for row in rows])
    if result.found > most:
        output.line(_("And {count} more.").format(count=result.found - most))


def _tell_tests(door: Door) -> None:
    from coopbank.reports.audit import TESTS

    if door.as_json:
        output.document([{"test": t.name, "title": t.title, "why": t.why, "of": t.of} for t in TESTS.values()])
        return
    for test in TESTS.values():
        output.line(f"{test.name}: {_(test.why)}")


@command(app, "roll-forward")
def roll_forward(door: Door, start: From = None, end: To = None) -> None:
    """Beginning, activity and ending of every control account of every fund; the difference must be zero."""
    from coopbank.reports import audit as audits
    from coopbank.reports.document import as_document

    first, last = options.day_or_none(start, "from"), options.day_or_none(end, "to")
    with door.reading() as view:
        found = audits.roll_forward(view.books, first, last)
    if door.as_json:
        output.document({**as_document(found), "difference": [
            {"fund": line.fund, "code": line.code, "difference": output.exact(line.difference, found.source.currency)}
            for line in found.lines if line.difference
        ]})  # fmt: skip
        return
    frames.head(_("Roll-forward, {period}").format(period=_period(first, found.end)), found.source)
    _show_roll(found)


def _show_roll(found: RollForward) -> None:
    money = output.Money(found.source.currency)
    columns = [
        _("Fund"), _("Account"), _("Name"), output.right(_("Beginning")), output.right(_("Debits")),
        output.right(_("Credits")), output.right(_("Ending")), output.right(_("Difference")),
    ]  # fmt: skip
    rows = [
        [line.fund, line.code, _(line.name), money(line.beginning), money(line.debit), money(line.credit),
         money(line.ending), money(line.difference)]
        for line in found.lines
    ]  # fmt: skip
    output.table(columns, rows, empty=_("Nothing was ever posted."))


# ------------------------------------------------------------------------------------ samples


class Population(StrEnum):
    """Which accounts are drawn from."""

    shares = "shares"
    savings = "savings"
    loans = "loans"
    all = "all"


@command(app, "sample")
def sample(
    door: Door,
    population: Annotated[Population, typer.Argument(metavar="ACCOUNTS", help="shares, savings, loans or all.")],
    seed: Annotated[str, typer.Option("--seed", metavar="TEXT", help="Any words or digits, written down before.")],
    size: Annotated[int | None, typer.Option("--size", metavar="N", min=1, help="How many.")] = None,
    interval: Annotated[
        str | None, typer.Option("--interval", metavar="AMOUNT", help="Instead of how many: the interval.")
    ] = None,
    at_random: Annotated[bool, typer.Option("--random", help="Simple random instead of dollar units.")] = False,
    as_of: AsOf = None,
) -> None:
    """Draw a sample of accounts by dollar units; the same seed and the same books draw the same, at any time.

    Nothing is written. A campaign of confirmations (`coopbank do start-campaign`) draws the same way.
    """
    from coopbank.bank.confirming import accounts_of, draw

    if at_random and interval is not None:
        raise WrongUsage("A simple random sample has no interval.", field="interval", hint="Say how many with --size.")
    if (size is None) == (interval is None):
        raise WrongUsage("Say how many with --size, or give an --interval, one of the two.", field="size")
    with door.reading() as view:
        day = options.day_or_none(as_of, "as_of") or view.business_date
        step = None if interval is None else options.amount(interval, view.currency, "interval")
        how = "random" if at_random else "dollar-unit"
        found = draw(accounts_of(view.books.tx, population.value, day), how, seed=seed, size=size, interval=step)
    if door.as_json:
        output.document(_sample_document(found, population, how, seed, day, view.currency))
        return
    _show_sample(found, population, seed, day, view.currency)


def _sample_document(
    found: Draw, population: Population, how: str, seed: str, day: date, currency: str
) -> dict[str, Any]:
    dollars = found.dollars
    units = {} if dollars is None else {pick.ref: pick.unit for pick in dollars.picks}
    return {
        "population": population.value, "as_of": day, "selection": how, "seed": seed, "currency": currency,
        "count": found.count(1), "total": output.exact(found.total, currency), "empty": found.count(0),
        "negative": found.count(-1),
        "interval": None if dollars is None else output.exact(dollars.interval, currency),
        "start": None if dollars is None else output.exact(dollars.start, currency),
        "sample": [
            {"account": c.account.number, "member": c.account.member, "why": c.stratum,
             "balance": output.exact(c.account.balance, currency), "unit": units.get(c.account.number)}
            for c in found.chosen
        ],
    }  # fmt: skip


def _show_sample(found: Draw, population: Population, seed: str, day: date, currency: str) -> None:
    from coopbank.bank.confirming import STRATA

    money = output.Money(currency)
    output.line(_("Sample of {accounts}, {day}").format(accounts=_(population.value), day=day))
    output.pairs([
        (_("Seed"), seed), (_("Accounts"), found.count(1)), (_("In all"), money(found.total)),
        (_("Empty, not drawn from"), found.count(0)), (_("Below zero, all taken"), found.count(-1)),
        (_("Interval"), "" if found.dollars is None else money(found.dollars.interval)),
        (_("Start"), "" if found.dollars is None else money(found.dollars.start)),
    ])  # fmt: skip
    output.line()
    columns = [_("Account"), _("Member"), output.right(_("Balance")), _("Why")]
    output.table(columns, [[c.account.number, c.account.member, money(c.account.balance), _(STRATA[c.stratum])]
                           for c in found.chosen])  # fmt: skip


# ---------------------------------------------------------------------------------- campaigns


@command(app, "campaign")
def campaign(
    door: Door,
    number: Annotated[str | None, typer.Argument(metavar="ID", help="Its number: V-001; all if left out.")] = None,
    letters: Annotated[bool, typer.Option("--letters", help="Make the letters to the members who are asked.")] = False,
    to_print: Annotated[
        str | None, typer.Option("--print", metavar="FILE", help="And one file to print, sorted for delivery.")
    ] = None,
    folder: Annotated[str, typer.Option("--folder", metavar="FOLDER", help="Where the letters go.")] = "statements",
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", min=1, max=64, help="Processes that draw.")] = 1,
) -> None:
    """Campaigns of confirmations: the list of them, the control sheet of one, its letters.

    They are begun, answered and ended with `coopbank do`: start-campaign, record-reply, resolve-exception and
    close-campaign.
    """
    if number is None:
        if letters:
            raise WrongUsage("Say which campaign: coopbank campaign V-001 --letters.", field="campaign")
        _list_campaigns(door)
    elif letters or to_print is not None:
        _make_letters(door, number.upper(), folder, jobs, to_print)
    else:
        _show_control_sheet(door, number.upper())


def _list_campaigns(door: Door) -> None:
    from coopbank.reports.confirmations import campaigns
    from coopbank.reports.document import as_document

    with door.reading() as view:
        found = campaigns(view.books)
    if door.as_json:
        output.document({"campaigns": as_document(found)})
        return
    columns = [_("Campaign"), _("Form"), _("Accounts"), _("Balances of"), output.right(_("Asked")), _("State"), _("By")]
    rows = [[c.ref, _(c.form), _(c.population), c.day, c.selected, _(c.state), c.started_by] for c in found]
    output.table(columns, rows, empty=_("Nobody was asked to confirm anything yet."))


def _show_control_sheet(door: Door, number: str) -> None:
    from coopbank.reports.confirmations import control_sheet

    found = frames.report(door, lambda view: control_sheet(view.books, number))
    if found is None:
        return
    money = output.Money(found.source.currency)
    frames.head(_("Control sheet of campaign {campaign}").format(campaign=number), found.source)
    output.pairs(_sheet_pairs(found, money))
    output.line()
    columns = ["", output.right(_("Count")), output.right(_("Amount"))]
    rows = [[_(line.title), line.count, money(line.amount)] for line in found.lines]
    output.table(columns, [*rows, [_("Asked"), found.selected, money(found.selected_total)]])
    exceptions = [line for line in found.asked if line.exception]
    if exceptions:
        output.line()
        output.line(_("Exceptions"))
        output.table(
            [_("Account"), _("Member"), output.right(_("Our books")), output.right(_("Member says")),
             output.right(_("Difference")), _("Reply"), _("Came to"), _("Why")],
            [[line.account, line.member, money(line.balance), "" if line.right is None else money(line.right),
              "" if line.difference is None else money(line.difference), _(line.state),
              _(line.finding) if line.finding else _("to be looked into"), line.why] for line in exceptions],
        )  # fmt: skip


def _sheet_pairs(found: ControlSheet, money: output.Money) -> list[tuple[str, object]]:
    error = "" if not found.error and found.projected is None else money(found.error)
    return [
        (_("Form"), _(found.form)), (_("Accounts"), _(found.population)), (_("Balances of"), found.day),
        (_("As of operation"), f"{found.as_of} {found.head}"), (_("Chosen by"), _(found.selection)),
        (_("Seed"), found.seed), (_("Interval"), "" if found.interval is None else money(found.interval)),
        (_("Start"), "" if found.start is None else money(found.start)),
        (_("Accounts with something in them"), f"{found.count}, {money(found.total)}"),
        (_("Empty accounts"), found.empty), (_("Below zero"), found.negative),
        (_("Asked about"), f"{found.selected}, {money(found.selected_total)} ({output.percent(found.covered_bp)})"),
        (_("Drawn again from the books of then"), _("the same") if found.drawn_again else _("NOT THE SAME")),
        (_("Exceptions"), found.exceptions), (_("To be looked into"), found.unresolved or ""),
        (_("Error found"), error),
        (_("Projected to the whole"), "" if found.projected is None else money(found.projected)),
        (_("State"), _(found.state)), (_("What it showed"), found.conclusion),
    ]  # fmt: skip


def _make_letters(door: Door, number: str, folder: str, jobs: int, to_print: str | None) -> None:
    from coopbank.statements import make_letters, print_ready

    with door.bank_to_print() as (bank, actor):
        made = make_letters(
            bank, number, folder, actor=actor, jobs=jobs, progress=output.progress(_("letters")),
            failed=lambda _member, _fault: None,  # told at the end
        )  # fmt: skip
        whole = None if to_print is None or not made.files else print_ready(bank, made, Path(to_print))
    frames.batch(door, made, manifest=made.manifest and str(made.manifest), print=whole and str(whole))
    if made.failed:
        raise typer.Exit(REFUSED)
