"""Shares that a fund paid for: the member's, with vote and dividend, until their money goes back to that fund."""

from __future__ import annotations

from collections import defaultdict

from coopbank.bank import records
from coopbank.bank.books import Books


def sponsorships(books: Books, member: str, share_class: str) -> list[tuple[str, records.Sponsorship]]:
    """What is sponsored of a member's shares of a class and not given back, oldest first."""
    return [
        (ref, body)
        for ref, body in books.about(records.Sponsorship, member)
        if body.share_class == share_class and body.left
    ]


def sponsored(books: Books, member: str, share_class: str) -> int:
    """The same in one amount, minor units."""
    return sum(body.left for _ref, body in sponsorships(books, member, share_class))


def all_sponsored(books: Books, day: str = "9999-12-31") -> dict[tuple[str, str], int]:
    """By class and member, of everybody, as it stood at the end of a day."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    for (text,) in books.tx.rows(
        "SELECT r.body FROM record r WHERE r.kind = ? AND r.version = (SELECT max(l.version) FROM record l"
        " JOIN operation o ON o.id = l.operation_id WHERE l.kind = r.kind AND l.ref = r.ref AND o.business_date <= ?)",
        records.Sponsorship.kind,
        day,
    ):
        body = records.Sponsorship.read(text)
        if not body.void and body.left:
            found[body.share_class, body.member] += body.left
    return dict(found)
