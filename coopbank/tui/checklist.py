"""The day as a list: what is done, what comes next, what somebody should look at before it is closed.

Nothing here knows Textual. Of the list only the drawers keep a day from being closed; all else may wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from coopbank.reports.evening import LooseEnds, loose_ends
from coopbank.tui.queries import backup_of
from coopbank.tui.show import amount, day_row, day_words
from coopbank.words import _, marked

if TYPE_CHECKING:
    from coopbank.bank.backups import LastBackup
    from coopbank.tui.queries import DrawerState, Standing
    from coopbank.tui.session import Session

#: Where the counter puts statements.
STATEMENTS = "statements"

DONE, NEXT, LOOK, FREE, LATER = "done", "next", "look", "", "later"
#: Each state's sign and word, as one text: "next" alone is also what a loan's extra payment does.
WORDS: Final = {
    DONE: marked("✓ done"), NEXT: marked("▸ next"), LOOK: marked("! look"), FREE: "", LATER: marked("· later"),
}  # fmt: skip
#: As wide as the widest of them.
WIDEST: Final = 8
#: On which line the hand is put, the first of them that there is.
ORDER: Final = (NEXT, FREE, LOOK, DONE, LATER)


@dataclass(frozen=True, slots=True)
class Step:
    """A line: its state, and what Enter does.

    `does` is an operation, `place:NAME`, `drawer:REF` (close a colleague's), `report` (of the day), or empty;
    `loans` are those behind it.
    """

    does: str
    title: str
    says: str
    state: str
    loans: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evening:
    """What takes longer to find out than where the bank stands."""

    ends: LooseEnds
    month: str  # the last full month
    statements: int  # files of it
    backup: LastBackup | None  # None: books for practice need none


def evening(session: Session) -> Evening:
    """What is loose in the books, and which files there are."""
    with session.bank.read() as books:
        ends, backup = loose_ends(books), backup_of(session, books)
    month = (ends.day.replace(day=1) - timedelta(days=1)).isoformat()[:7]
    return Evening(ends, month, sum(1 for _file in Path(STATEMENTS, month).glob("*.pdf")), backup)


def steps_of(standing: Standing, found: Evening | None, money: str) -> list[Step]:
    """The lines of a day, as they stand; those that are not known yet say so."""
    return [
        *_opening(standing, money),
        *_drawer(standing, money),
        *_loose(standing, found, money),
        _close_day(standing),
    ]


def following(steps: list[Step]) -> int:
    """The line that comes next."""
    return min(range(len(steps)), key=lambda place: (ORDER.index(steps[place].state), place))


def _counted_today(standing: Standing) -> list[DrawerState]:
    if not (standing.day_open or standing.today_closed):
        return []  # those are of the day before
    return [d for d in standing.drawers if d.state != "open" and d.closed_on == standing.business_date]


def _is_old(standing: Standing) -> bool:
    """Whether the day that is open is over by the clock."""
    return standing.day_open and standing.business_date is not None and standing.business_date < standing.today


def _opening(standing: Standing, money: str) -> Iterator[Step]:
    opened, mine = standing.day_open, standing.mine
    if opened:
        yield Step("open-day", _("Open the day"), _("open"), DONE)
    elif standing.today_closed:
        yield Step("", _("Open the day"), _("today is closed; the next one is tomorrow's"), LATER)
    else:
        yield Step("open-day", _("Open the day"), _("today is {day}").format(day=day_words(standing.today)), NEXT)
    title = _("Open your drawer")
    if mine is not None:
        says = _("{drawer}, with {amount} in it").format(drawer=mine.ref, amount=amount(mine.holds, money))
        yield Step("open-drawer", title, says, DONE)
    elif not opened:
        yield Step("open-drawer", title, _("once the day is open"), LATER)
    elif _counted_today(standing):
        yield Step("open-drawer", title, _("only if you go on serving"), FREE)
    else:
        says = _("with a float from the vault ({amount} there)").format(amount=amount(standing.vault, money))
        yield Step("open-drawer", title, says, FREE if _is_old(standing) else NEXT)


def _drawer(standing: Standing, money: str) -> Iterator[Step]:
    mine = standing.mine
    none = _("you have no drawer open")
    vault = _("to or from the vault, which holds {amount}").format(amount=amount(standing.vault, money))
    yield Step("move-cash", _("Move cash"), vault if mine else none, FREE if mine else LATER)
    often = _("in between, as often as you like")
    yield Step("count-drawer", _("Count your drawer"), often if mine else none, FREE if mine else LATER)
    title = _("Close your drawer")
    closed = _counted_today(standing)
    if mine is not None:
        yield Step("close-drawer", title, _("count it and bring the cash to the vault"), FREE)
    elif closed:
        yield Step("", title, _("closed: {drawers}").format(drawers=", ".join(each.ref for each in closed)), DONE)
    else:
        yield Step("", title, none, LATER)
    for other in standing.drawers:
        if other.state == "open" and other != mine:
            says = _("{owner} has it open").format(owner=other.owner)
            yield Step(f"drawer:{other.ref}", _("Drawer {drawer}").format(drawer=other.ref), says, LOOK)


def _loose(standing: Standing, found: Evening | None, money: str) -> Iterator[Step]:
    """What is looked at before a day is closed. None of it keeps the day from being closed."""
    if not standing.day_open:
        if standing.today_closed and found is not None:
            yield from _files(found, found.ends.day)
        return
    waiting = _("requests: {count}; they may wait").format(count=standing.waiting)
    yield _look("place:waiting", _("For a second person"), standing.waiting, waiting)
    if found is None:
        yield Step("", _("Loose ends"), _("looking …"), LATER)
        return
    ends = found.ends
    says = _("receipts that nobody knows: {count}, {amount}").format(
        count=ends.unknown, amount=amount(ends.unknown_amount, money)
    )
    yield _look("clear-suspense", _("Unknown money"), ends.unknown, says)
    says = _("{amount} of {count} members has no purpose yet").format(
        count=ends.unapplied, amount=amount(ends.unapplied_amount, money)
    )
    yield _look("apply-unapplied", _("Money not placed"), ends.unapplied, says)
    says = _("{amount} on hand; the treasurer takes them").format(amount=amount(ends.cheques, money))
    yield _look("bank-cheques", _("Cheques to the bank"), ends.cheques, says)
    yield from _of_loans(ends)
    yield from _files(found, ends.day)


def _look(does: str, title: str, count: int, says: str, loans: tuple[str, ...] = ()) -> Step:
    """A line that asks for a look if there is any of it."""
    return Step(does, title, says if count else _("none"), LOOK if count else DONE, loans)


def _of_loans(ends: LooseEnds) -> Iterator[Step]:
    unpaid = _("loans: {count}; due today, and nothing came").format(count=len(ends.unpaid))
    yield _look("", _("Payments due today"), len(ends.unpaid), unpaid, ends.unpaid)
    late = _("loans: {count}; due since earlier days").format(count=len(ends.late))
    yield _look("", _("Late payments"), len(ends.late), late, ends.late)
    reports = (*ends.reports_due, *(ref for ref in ends.reports_filed if ref not in ends.reports_due))
    says = _("to file: {due}, overdue: {overdue}, to accept: {filed}").format(
        due=len(ends.reports_due), overdue=ends.reports_overdue, filed=len(ends.reports_filed)
    )
    yield _look("", _("Borrowers' reports"), len(reports), says, reports)


def _files(found: Evening, today: date) -> Iterator[Step]:
    title = _("Statements of {month}").format(month=found.month)
    says = _("{count} are in the folder {folder}").format(count=found.statements, folder=f"{STATEMENTS}/{found.month}")
    none = _("not made here yet")
    yield Step(
        "place:statements", title, says if found.statements else none, DONE if found.statements else LOOK
    )  # fmt: skip
    if found.backup is not None and found.backup.on is not None:
        says = _("{day}: {file}").format(day=day_row(found.backup.on), file=found.backup.file or "anchors.log")
        yield Step("", _("Last backup"), says, DONE if found.backup.on >= today else LOOK)
    elif found.backup is not None and found.backup.old:
        yield Step("", _("Last backup"), _("never; type coopbank backup"), LOOK)


def _close_day(standing: Standing) -> Step:
    title = _("Close the day")
    if not standing.day_open and standing.today_closed:
        return Step("report", title, _("closed; Enter shows what it came to"), DONE)
    if not standing.day_open:
        return Step("close-day", title, _("no day is open"), LATER)
    still = [f"{drawer.ref} ({drawer.owner})" for drawer in standing.drawers if drawer.state == "open"]
    if still:
        says = _("close first: {drawers}").format(drawers=", ".join(still))
        return Step("close-day", title, says, LATER)
    says = _("every drawer is closed, {count} entries today").format(count=standing.entries_today)
    return Step("close-day", title, says, NEXT if _is_old(standing) or _counted_today(standing) else FREE)
