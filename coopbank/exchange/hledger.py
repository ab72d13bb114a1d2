"""The journal as one file for hledger: `hledger check --strict` accepts it.

Every account and commodity is declared. Balances stand in an entry of zeros at the end of
each month's last day; `==` asserts that the account holds this and no other commodity.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from coopbank.exchange.journal import Balances, Entry, Event, Journal, Leaf, Opening
from coopbank.exchange.names import one_line
from coopbank.money import currency

FILE_NAME = "ledger.journal"

_TYPES = (("Assets", "A"), ("Liabilities", "L"), ("Equity", "E"), ("Income", "R"), ("Expenses", "X"))


def lines(journal: Journal) -> Iterator[str]:
    """The file, a few lines at a time."""
    for text in journal.heading():
        yield f"; {one_line(text)}\n"
    yield "\ndecimal-mark .\n"
    for code in journal.currencies:
        yield f"commodity 1000.{'0' * currency(code).exponent} {code}\n"
    yield "".join(f"account {root}  ; type:{type_}\n" for root, type_ in _TYPES)
    for leaf in journal.leaves:
        tags = _tags(("account", leaf.number), ("opened", leaf.opened_on), ("holder", leaf.holder))
        yield f"account {leaf.name}  ; {one_line(leaf.title, ',')}{tags}\n"
    for event in journal.events():
        yield _written(event)


def _written(event: Event) -> str:
    match event:
        case Entry():
            return _entry(event)
        case Balances():
            return _balances(event)
        case Opening():
            return f"\n{event.day} * opening balances\n{_postings(event.lines)}"


def _tags(*pairs: tuple[str, str | int | None]) -> str:
    """Tags behind a comment; a comma would end the value."""
    return "".join(f", {name}:{one_line(str(value), ',')}" for name, value in pairs if value is not None)


def _postings(moved: Iterable[tuple[Leaf, int]]) -> str:
    return "".join(f"    {leaf.name}  {leaf.amount(amount)}\n" for leaf, amount in moved)


def _entry(event: Entry) -> str:
    tags = _tags(
        ("kind", event.kind), ("actor", event.actor), ("approver", event.approver), ("reverses", event.reverses)
    )
    # A semicolon would begin a comment.
    return (
        f"\n{event.effective_on} * ({event.number}) {one_line(event.memo, ';')}\n"
        f"    ; operation:{event.operation}{tags}\n{_postings(event.lines)}"
    )


def _balances(event: Balances) -> str:
    if not event.lines:
        return ""
    return f"\n{event.day} * balances\n" + "".join(
        f"    {leaf.name}  0 {leaf.currency} == {leaf.amount(amount)}\n" for leaf, amount in event.lines
    )
