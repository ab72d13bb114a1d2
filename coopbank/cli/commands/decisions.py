"""Decisions: resolutions and their votes, boxes of ballots and their recount, what voters on a loan read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coopbank.cli import frames, output
from coopbank.cli.app import app, command
from coopbank.cli.documents import read_text, write_new
from coopbank.cli.door import Door
from coopbank.errors import BallotsAltered, WrongUsage
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.finance.voting import Box, Count
    from coopbank.reports.decisions import ResolutionSheet

STATES = ("open", "carried", "rejected", "no-quorum", "withdrawn")


@command(app, "resolutions")
def resolutions(
    door: Door,
    state: Annotated[str | None, typer.Option("--state", metavar="STATE", help="Only those: carried, open ...")] = None,
) -> None:
    """What was moved and decided, and what was done under it."""
    from coopbank.reports import decisions

    if state is not None and state not in STATES:
        raise WrongUsage("Choose one of: {choices}.", field="state", choices=", ".join(STATES))
    seen = frames.priced(door, lambda view: decisions.resolutions(view.books, state), "resolutions")
    if seen is None:
        return
    found, money = seen
    columns = [_("Resolution"), _("Body"), _("Day"), _("About"), _("Text"), output.right(_("At most")),
               output.right(_("Used")), _("State")]  # fmt: skip
    rows = [
        [line.ref, line.body, line.on, f"{_(line.matter)} {line.about}".strip(), line.text,
         "" if line.amount is None else money(line.amount), money(line.used) if line.used else "", _(line.state)]
        for line in found
    ]  # fmt: skip
    output.table(columns, rows, empty=_("Nothing was moved yet."))


@command(app, "resolution")
def resolution(
    door: Door, number: Annotated[str, typer.Argument(metavar="ID", help="Its number: RES-00001.")]
) -> None:  # fmt: skip
    """A resolution whole: notice, roll, quorum, every vote, the outcome, and what was done under it."""
    from coopbank.reports import decisions

    seen = frames.priced(door, lambda view: decisions.resolution(view.books, number.upper()))
    if seen is None:
        return
    found, money = seen
    output.line(f"{found.line.ref}  {found.line.text}")
    output.line()
    output.pairs(_pairs(found, money))
    if found.votes:
        output.line()
        output.table([_("Member"), _("Vote"), _("Why")], [[v.member, _(v.vote), v.why] for v in found.votes])
    if found.uses:
        output.line()
        rows = [[u.operation, u.what, "" if u.amount is None else money(u.amount)] for u in found.uses]
        output.table([_("Operation"), _("What"), output.right(_("Amount"))], rows)


def _pairs(found: ResolutionSheet, money: output.Money) -> list[tuple[str, object]]:
    line = found.line
    return [
        (_("State"), _(line.state)), (_("Body"), line.body), (_("Meeting"), f"{found.meeting}, {line.on}"),
        (_("Notice sent on"), found.notice_sent_on), (_("Members since"), found.record_date),
        (_("May vote"), found.roll), (_("With an interest"), found.recused or ""), (_("Quorum"), found.quorum),
        (_("Majority"), _(found.majority)), (_("About"), f"{_(line.matter)} {line.about}".strip()),
        (_("At most"), "" if line.amount is None else money(line.amount)),
        (_("Product"), found.terms.get("product", "")), (_("Interest at most"), found.terms.get("annual_rate", "")),
        (_("Payments at most"), found.terms.get("installments", "")),
        (_("Used"), money(line.used) if line.used else ""), (_("Holds until"), found.until or ""),
        (_("Decided on"), found.closed_on or ""), (_("How"), _(found.manner) if found.manner else ""),
        (_("In favour"), found.in_favour), (_("Against"), found.against), (_("Abstained"), found.abstained),
        (_("Ballots"), f"{found.poll} {line.option}".strip()), (_("Why"), found.why),
    ]  # fmt: skip


# ------------------------------------------------------------------------------------ ballots


@command(app, "ballots")
def ballots(
    door: Door,
    number: Annotated[str, typer.Argument(metavar="ID", help="The poll: PL-00001.")],
    csv: Annotated[
        str | None, typer.Option("--csv", metavar="FILE", help="Write the box there; - to standard output.")
    ] = None,
    check: Annotated[
        str | None, typer.Option("--check", metavar="FILE", help="Compare a file of ballots with the books.")
    ] = None,
) -> None:
    """The ballots of a poll, without names, and how they are counted. The file can be counted again with `recount`."""
    from coopbank.finance.voting import read_box
    from coopbank.reports import decisions

    with door.reading() as view:
        found = decisions.ballot_box(view.books, number.upper())
    if check is not None:
        if read_box(_whole_text(check)).digest != found.digest:
            raise BallotsAltered(
                "These are not the ballots of {poll}: the books have the digest {digest}.", field="check",
                poll=found.ref, digest=found.digest,
            )  # fmt: skip
        output.line(_("These are the ballots of {poll}, as they were counted.").format(poll=found.ref))
        return
    if csv == "-":
        output.raw(found.text)
        return
    if csv is not None:
        _write_new(Path(csv), found.text)
    _tell(door, read_box(found.text), found.count)


@command(app, "recount")
def recount(
    door: Door,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A box of ballots as exported; - standard input.")],
    digest: Annotated[
        str | None, typer.Option("--digest", metavar="HEX", help="What was published of it; another box is refused.")
    ] = None,
) -> None:
    """Count exported ballots again. Needs no books and no sign-in."""
    from coopbank.finance.voting import count, read_box

    box = read_box(_whole_text(file))
    if digest is not None and digest.strip().lower() != box.digest:
        raise BallotsAltered(
            "These are other ballots than those that were published: their digest is {digest}.", field="digest",
            digest=box.digest,
        )  # fmt: skip
    _tell(door, box, count(box))


def _tell(door: Door, box: Box, found: Count) -> None:
    """The count with the way that led to it."""
    allots = box.form == "allocation"
    money = output.Money(box.currency)
    if door.as_json:
        output.document(_document(box, found))
        return
    output.line(_("Poll {poll}: {ballots} ballots, of them {blank} blank and {spoilt} spoilt.").format(
        poll=box.poll, ballots=found.ballots, blank=found.blank, spoilt=found.spoilt))  # fmt: skip
    output.line(f"SHA-256 {found.digest}")
    output.line()
    columns = [_("Option"), _("Title"), output.right(_("Approvals")), *([output.right(_("Asked"))] if allots else []),
               _("Lot"), output.right(_("Awarded")) if allots else _("Elected"), output.right(_("Left"))]  # fmt: skip
    rows = []
    for place in found.places:
        asked = [money(place.option.asked)] if allots else []
        won = (money(place.awarded) if place.won else "-") if allots else (_("yes") if place.won else "-")
        rows.append([
            place.option.code, place.option.title, place.approvals, *asked, place.lot if place.tied else "", won,
            money(place.left) if allots else place.left,
        ])  # fmt: skip
    output.table(columns, rows)


def _document(box: Box, found: Count) -> dict[str, object]:
    def amount(minor: int) -> str:
        return output.exact(minor, box.currency)

    allots = box.form == "allocation"
    places = [
        {"option": p.option.code, "title": p.option.title, "approvals": p.approvals, "lot": p.lot, "tied": p.tied,
         "won": p.won} | ({"asked": amount(p.option.asked), "awarded": amount(p.awarded), "left": amount(p.left)}
                          if allots else {"left": p.left})
        for p in found.places
    ]  # fmt: skip
    told = {"poll": box.poll, "form": box.form, "sha256": found.digest, "ballots": found.ballots, "blank": found.blank,
            "spoilt": found.spoilt, "places": places}  # fmt: skip
    if allots:
        return told | {"pot": amount(box.pot), "awarded": amount(found.awarded), "left": amount(found.left),
                       "currency": box.currency}  # fmt: skip
    return told | {"seats": box.seats}


def _whole_text(file: str) -> str:
    """A box as it was sent, whatever a mail program did to the ends of its lines."""
    return read_text(file).replace("\r\n", "\n")


def _write_new(place: Path, text: str) -> None:
    write_new(place, text.encode(), "csv")
    output.narrate(_("Written: {place}").format(place=place))


# ------------------------------------------------------------------------------- voters' papers


@command(app, "voters-papers")
def voters_papers(
    door: Door, number: Annotated[str, typer.Argument(metavar="ID", help="The resolution: RES-00001.")]
) -> None:  # fmt: skip
    """What those read who vote on a loan: term sheet and credit memo, if the borrower agreed."""
    from coopbank.reports import decisions

    seen = frames.priced(door, lambda view: decisions.voters_papers(view.books, number.upper()))
    if seen is None:
        return
    found, money = seen
    output.line(f"{found.resolution}  {found.text}")
    output.line()
    output.pairs([
        (_("Application"), found.application), (_("Member"), f"{found.member} {found.name}"),
        (_("Product"), found.product), (_("Amount asked for"), money(found.amount)),
        (_("At most"), "" if found.at_most is None else money(found.at_most)), (_("What for"), found.purpose),
        (_("Term sheet"), found.terms), (_("Agreed to be read on"), found.consent_on),
    ])  # fmt: skip
    output.line()
    output.line(_("Credit memo"))
    output.line(found.memo)
