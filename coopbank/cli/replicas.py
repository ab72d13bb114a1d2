"""Reading from a replica of the server, so that reports and proofs take nothing from the tills.

Signing in goes to the server itself, which alone can be written; what is read comes from the replica, in a connection
that can only read. It must hold the same books, and may be a moment behind: that is waited for a little, and told.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from coopbank.cli import output
from coopbank.database import Database
from coopbank.errors import NotABook
from coopbank.ledger import posting
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.bank.bank import Bank

_PATIENCE: Final = 6  # looks at a replica that is behind, before it is told
_PAUSE: Final = 0.05  # seconds


@contextmanager
def replica_of(bank: Bank, place: str) -> Iterator[Database]:
    """The replica, to read from; refused if it holds other books than the bank."""
    database = Database.open(place, read_only=True)
    try:
        number, wanted = _stands(bank.database, database)
        if number < wanted:
            told = _("The replica is behind: what is read is as of operation {number}; the server is at {wanted}.")
            output.narrate("coopbank: " + told.format(number=number, wanted=wanted))
        yield database
    finally:
        database.close()


def _head(database: Database) -> posting.Head:
    with database.read() as tx:
        return posting.head(tx)


def _stands(server: Database, replica: Database) -> tuple[int, int]:
    """At which operation the replica stands, and at which the server."""
    wanted = _head(server).number
    there = _head(replica)
    for _look in range(_PATIENCE):
        if there.number >= wanted:
            break
        time.sleep(_PAUSE)
        there = _head(replica)
    with server.read() as tx:
        same = tx.value("SELECT hash FROM operation WHERE id = ?", there.number)
    if same is None or bytes(same) != bytes(there.hash):
        raise NotABook(
            "{place} is no replica of {server}: it holds other books.", field="read_db", place=replica.shown_place,
            server=server.shown_place, hint="Name a replica of that server with --read-db, or leave it out.",
        )  # fmt: skip
    return there.number, wanted
