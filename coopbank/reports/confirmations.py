"""The control sheet of a campaign of confirmations: what was asked, what came back, and what it came to.

`drawn_again` says that the sample was drawn once more from the books as they stood, with the seed that was written
down, and came out the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.confirming import Draw, differences, drawn_again
from coopbank.bank.operations.confirmations import is_exception
from coopbank.finance.sampling import projected
from coopbank.ledger import chain
from coopbank.reports.document import Minor, Source, source
from coopbank.words import marked

STATES: Final = {
    "asked": marked("No answer yet"), "agrees": marked("Agrees"), "differs": marked("Differs"),
    "returned": marked("Came back undelivered"), "none": marked("No answer"),
}  # fmt: skip
SILENT: Final = marked("No answer, which is agreement")


@dataclass(frozen=True, slots=True)
class CampaignLine:
    """A campaign in the list of them."""

    ref: str
    form: str
    population: str
    day: date
    selected: int
    state: str
    started_by: str


@dataclass(frozen=True, slots=True)
class ControlLine:
    """How many confirmations came to one end, and the balances that they are about."""

    state: str
    title: str
    count: int
    amount: Minor


@dataclass(frozen=True, slots=True)
class AskedLine:
    """One balance that was asked about; amounts as the member reads them. `difference`: ours less the member's."""

    account: str
    member: str
    stratum: str
    balance: Minor
    state: str
    replied_on: str | None
    right: Minor | None
    difference: Minor | None
    exception: bool
    finding: str | None
    why: str
    correction: int | None


@dataclass(frozen=True, slots=True)
class ControlSheet:
    """A campaign whole. `covered_bp`: what part of the population was asked about, in hundredths of a percent."""

    source: Source
    ref: str
    form: str
    population: str
    day: date
    as_of: int
    head: str  # of the operation that began it, first 16 hex digits
    selection: str
    seed: str
    size: int | None
    interval: Minor | None
    start: Minor | None
    count: int
    total: Minor
    empty: int
    negative: int
    selected: int
    selected_total: Minor
    covered_bp: int
    drawn_again: bool
    lines: tuple[ControlLine, ...]
    exceptions: int
    unresolved: int
    error: Minor  # of our books in what was asked about, as far as it was found
    projected: Minor | None  # the error of the whole that a dollar-unit sample points to
    state: str
    conclusion: str
    asked: tuple[AskedLine, ...]


def campaigns(books: Books) -> tuple[CampaignLine, ...]:
    """Every campaign, the oldest first."""
    return tuple(
        CampaignLine(ref, c.form, c.population, date.fromisoformat(c.day), c.selected, c.state, c.started_by)
        for ref, c in books.every(records.Campaign)
    )


def control_sheet(books: Books, ref: str) -> ControlSheet:
    """What a campaign came to so far; refuses a number that there is not."""
    campaign = books.get(records.Campaign, ref, "campaign")
    confirmations = books.about(records.Confirmation, ref)
    drawn = drawn_again(books.tx, campaign)
    asked = tuple(_asked(campaign, body) for _ref, body in confirmations)
    wrong = {line.account: line.difference or 0 for line in asked if line.finding == "bank-mistaken"}
    exceptions = [line for line in asked if line.exception]
    hash_ = books.tx.value("SELECT hash FROM operation WHERE id = ?", campaign.as_of)
    return ControlSheet(
        source=source(books), ref=ref, form=campaign.form, population=campaign.population,
        day=date.fromisoformat(campaign.day), as_of=campaign.as_of, head=chain.short(hash_),
        selection=campaign.selection, seed=campaign.seed, size=campaign.size, interval=campaign.interval,
        start=campaign.start, count=campaign.count, total=campaign.total, empty=campaign.empty,
        negative=campaign.negative, selected=campaign.selected, selected_total=campaign.selected_total,
        covered_bp=sum(max(0, line.balance) for line in asked) * 10_000 // campaign.total if campaign.total else 0,
        drawn_again=next(differences(drawn, campaign, confirmations), None) is None,
        lines=_lines(campaign, asked), exceptions=len(exceptions),
        unresolved=sum(line.finding is None for line in exceptions), error=sum(wrong.values()),
        projected=_projected(drawn, wrong), state=campaign.state, conclusion=campaign.conclusion, asked=asked,
    )  # fmt: skip


def _asked(campaign: records.Campaign, body: records.Confirmation) -> AskedLine:
    return AskedLine(
        account=body.account, member=body.member, stratum=body.stratum, balance=body.balance, state=body.state,
        replied_on=body.replied_on, right=body.right,
        difference=None if body.right is None else body.balance - body.right,
        exception=is_exception(campaign, body), finding=body.finding, why=body.why, correction=body.correction,
    )  # fmt: skip


def _lines(campaign: records.Campaign, asked: Sequence[AskedLine]) -> tuple[ControlLine, ...]:
    silent = campaign.form == "negative" and campaign.state == "closed"
    found = []
    for state, title in STATES.items():
        own = [line for line in asked if line.state == state]
        if own:
            said = SILENT if silent and state == "asked" else title
            found.append(ControlLine(state, said, len(own), sum(line.balance for line in own)))
    return tuple(found)


def _projected(drawn: Draw, wrong: dict[str, int]) -> int | None:
    """Errors in the sample projected to the whole; those beside it (below zero, empty) count for themselves."""
    if drawn.dollars is None:
        return None
    sampled = {pick.ref for pick in drawn.dollars.picks}
    beside = sum(error for account, error in wrong.items() if account not in sampled)
    return beside + projected(drawn.dollars, {a: error for a, error in wrong.items() if a in sampled})
