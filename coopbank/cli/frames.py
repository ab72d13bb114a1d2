"""The frame of a command that shows a report: asked in one view of the books, printed as JSON or as text.

found = frames.report(door, lambda view: drawn(view.books, day))
if found is None:
    return  # --json: it is printed already
frames.title(_("Assets"), found.source, found.as_of)
...
frames.rests_on(found.source, found.backdated)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from coopbank.cli import output
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.cli.door import Door, View
    from coopbank.reports.document import Source
    from coopbank.reports.totals import Backdated
    from coopbank.statements.batch import Month

T = TypeVar("T")


def report(door: Door, ask: Callable[[View], T], balanced: Callable[[T], bool] | None = None) -> T | None:
    """A report that tells its own currency, or nothing once it was printed as JSON."""
    with door.reading() as view:
        found = ask(view)
    if not door.as_json:
        return found
    from coopbank.reports.document import as_document

    printed = as_document(found)
    output.document(printed if balanced is None else {**printed, "balanced": balanced(found)})
    return None


def priced(door: Door, ask: Callable[[View], T], under: str | None = None) -> tuple[T, output.Money] | None:
    """The same for what has no currency of its own: with the way to write the amounts of these books.

    In JSON the currency stands beside it, and a list stands `under` a name.
    """
    with door.reading() as view:
        found, currency = ask(view), view.currency
    if not door.as_json:
        return found, output.Money(currency)
    from coopbank.reports.document import as_document

    printed = as_document(found, currency)
    output.document({**(printed if under is None else {under: printed}), "currency": currency})
    return None


def title(text: str, source: Source, as_of: date | None) -> None:
    """What a report is, of which day, and whose."""
    head(f"{text}, {as_of or _('now')}", source)


def span(text: str, source: Source, start: date | None, end: date | None) -> None:
    """What a report is, of which days, and whose."""
    head(_("{title}, {start} to {end}").format(title=text, start=start, end=end), source)


def head(text: str, source: Source) -> None:
    """What a report is, and whose."""
    output.line(text)
    output.line(source.institution)
    output.line()


def changed_since(backdated: Backdated | None) -> None:
    """That a figure of the past was changed since, if so."""
    if backdated is None:
        return
    if backdated.entries:
        output.line(
            _("Changed since: {entries} entries were dated into this period later, the last on {day}.").format(
                entries=backdated.entries, day=backdated.last_posted_on
            )
        )
    if backdated.by_close:
        output.line(
            _("Dated on its last day by the close of a month, after it had passed: {entries} entries.").format(
                entries=backdated.by_close
            )
        )


def rests_on(source: Source, backdated: Backdated | None = None) -> None:
    """What the figures rest on, at the end of a report."""
    changed_since(backdated)
    output.line(
        _("{currency}, business date {day}, head of the chain {number} {hash}").format(
            currency=source.currency, day=source.business_date, number=source.head_number, hash=source.head_hash
        )
    )


def files(door: Door, written: Sequence[Path], **more: Any) -> None:
    """The files that were written; in JSON with what else is said of them."""
    if door.as_json:
        output.document({"files": [str(file) for file in written], **more})
        return
    for file in written:
        output.line(file)


def batch(door: Door, made: Month, **more: Any) -> None:
    """The documents of a batch, and which of them could not be made."""
    failed = [{"about": ref, "why": why} for ref, why in made.failed]
    files(door, made.files, made=made.made, kept=made.kept, **more, failed=failed)
    for ref, why in made.failed:
        output.narrate(_("{member}: {why}").format(member=ref, why=why))
