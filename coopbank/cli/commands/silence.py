"""Members of whom nothing is heard: dormant accounts, unclaimed money; and clearing what was erased."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coopbank.cli import frames, options, output
from coopbank.cli.app import app, command
from coopbank.cli.door import Door
from coopbank.cli.options import AsOf
from coopbank.errors import NotAllowed
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.reports.silence import UnclaimedReport


@command(app, "dormant")
def dormant(door: Door, as_of: AsOf = None) -> None:
    """Accounts on which their member began nothing for so many months as the policy dormant_months says."""
    from coopbank.reports.silence import dormant as drawn

    found = frames.report(door, lambda view: drawn(view.books, options.day_or_none(as_of, "as_of")))
    if found is None:
        return
    title = _("Dormant accounts: {months} months without a sign of the member").format(months=found.months)
    frames.title(title, found.source, found.as_of)
    columns = [
        _("Member"), _("Name"), _("Account"), output.right(_("Balance")), _("Last activity"),
        output.right(_("Months")), _("Last contact"), "",
    ]  # fmt: skip
    currency = found.source.currency
    rows = [
        [line.member, line.name, line.account, output.amount(line.balance, currency), line.last_activity, line.months,
         line.last_contact, _state(line.lost_since, line.died_on)]
        for line in found.accounts
    ]  # fmt: skip
    total = [["", _("Total"), "", output.amount(found.total, currency), "", "", "", ""]] if rows else []
    output.table(columns, [*rows, *total], empty=_("No account is dormant."))


def _state(lost_since: str | None, died_on: str | None) -> str:
    if died_on is not None:
        return _("died on {day}").format(day=died_on)
    return "" if lost_since is None else _("contact lost since {day}").format(day=lost_since)


@command(app, "unclaimed")
def unclaimed(door: Door, as_of: AsOf = None) -> None:
    """What is to be turned over to the state: nobody had contact with its owner for so many years."""
    from coopbank.reports.silence import unclaimed as drawn

    found = frames.report(door, lambda view: drawn(view.books, options.day_or_none(as_of, "as_of")))
    if found is None:
        return
    said = _("Unclaimed property: {years} years without contact").format(years=found.years)
    frames.title(said, found.source, found.as_of)
    _show_owners(found)
    if found.set_apart:
        output.line()
        columns = [_("Set apart"), _("Member"), _("Name"), _("On"), output.right(_("Amount"))]
        rows = [
            [each.ref, each.member, each.name, each.on, output.amount(each.total, found.source.currency)]
            for each in found.set_apart
        ]
        total = ["", "", _("Total"), "", output.amount(found.set_apart_total, found.source.currency)]
        output.table(columns, [*rows, total])


def _show_owners(found: UnclaimedReport) -> None:
    currency = found.source.currency
    columns = [_("Member"), _("Name"), _("Last contact"), _("Notice"), _("From"), output.right(_("Amount")), ""]
    rows = [
        [each.member, each.name, each.last_contact, each.noticed_on or _("none"), each.ready_on or "",
         output.amount(each.total, currency), _("in one sum") if each.together else ""]
        for each in found.owners
    ]  # fmt: skip
    output.table(columns, rows, empty=_("Nothing is unclaimed."))
    if rows:
        money = output.Money(currency)
        output.line()
        together = _("In one sum, {count} owners up to {limit}").format(
            count=found.together_count, limit=money(found.together_up_to)
        )
        output.pairs([
            (_("By name"), money(found.named)), (together, money(found.together)), (_("Together"), money(found.total))
        ])  # fmt: skip


@command(app, "erase-traces")
def erase_traces(door: Door) -> None:
    """Write the file anew, so that what was erased stands nowhere in it. Nobody else may work with it meanwhile."""
    from coopbank.bank.operation import ADMINISTRATOR

    with door.signed_in() as (bank, actor):
        if ADMINISTRATOR not in actor.roles:
            raise NotAllowed(
                "{user} may not write the books' file anew.", field="user", user=actor.user,
                hint="It belongs to: {roles}.", roles=ADMINISTRATOR,
            )  # fmt: skip
        bank.database.clear_traces()
    if door.as_json:
        output.document({"cleared": True})
    else:
        output.line(_("What was erased stands nowhere in the file now. Older backups are as they were."))
