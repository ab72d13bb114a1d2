"""The journal as one file for beancount: `bean-check` reads it without an error.

Tolerances are switched off, so a cent is an error there as it is here. Beancount looks at
balances when a day begins: those of a month end stand on the first of the next month. It
adds up an account with those below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from coopbank.exchange.journal import Balances, Entry, Event, Journal, Leaf, Opening
from coopbank.exchange.names import one_line

FILE_NAME = "ledger.beancount"


def lines(journal: Journal) -> Iterator[str]:
    """The file, a few lines at a time."""
    for text in journal.heading():
        yield f"; {one_line(text)}\n"
    yield f'\noption "title" {quoted(journal.institution)}\n'
    yield f'option "operating_currency" "{journal.currency}"\n'
    yield 'option "tolerance_multiplier" "0"\n\n'
    for leaf in journal.leaves:
        yield _open(leaf)
    for event in journal.events():
        yield _written(event)


def _written(event: Event) -> str:
    match event:
        case Entry():
            return _entry(event)
        case Balances():
            return _balances(event)
        case Opening():
            return f'\n{event.day} * "Opening balances"\n{_postings(event.lines)}'


def quoted(text: str) -> str:
    """A string of beancount."""
    return '"' + one_line(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _open(leaf: Leaf) -> str:
    return f"{leaf.opened_on} open {leaf.name} {leaf.currency}\n" + _metadata(
        ("title", leaf.title),
        ("account", leaf.number),
        ("fund", leaf.fund),
        ("code", _code(leaf)),
        ("holder", leaf.holder),
    )


def _code(leaf: Leaf) -> str:
    return f"{leaf.gl_code}/{leaf.contract}" if leaf.contract else leaf.gl_code


def _metadata(*pairs: tuple[str, str | int | None]) -> str:
    return "".join(
        f"  {name}: {quoted(value) if isinstance(value, str) else value}\n"
        for name, value in pairs
        if value is not None
    )


def _postings(moved: Iterable[tuple[Leaf, int]]) -> str:
    return "".join(f"  {leaf.name}  {leaf.amount(amount)}\n" for leaf, amount in moved)


def _entry(event: Entry) -> str:
    metadata = _metadata(
        ("entry", event.number), ("operation", event.operation), ("kind", event.kind), ("actor", event.actor),
        ("approver", event.approver), ("reverses", event.reverses),
    )  # fmt: skip
    return f"\n{event.effective_on} * {quoted(event.memo)}\n{metadata}{_postings(event.lines)}"


def _balances(event: Balances) -> str:
    day = event.day + timedelta(days=1)
    return "\n" + "".join(
        f"{day} balance {leaf.name}  {leaf.amount(event.whole.get(leaf.name, amount))}\n"
        for leaf, amount in event.lines
    )
