"""A replica of the server: another database that holds the same books, to be read and never to be written.

It may be a moment behind the server, which is waited for a little. The two chains say whether it is a replica at all:
the operation that ends its own must be one of the server's, with the same hash.
"""

from __future__ import annotations

import time
from typing import Final, NamedTuple

from coopbank.database import Database
from coopbank.errors import NotABook
from coopbank.ledger import posting

_PATIENCE: Final = 6  # looks at a replica that is behind
_PAUSE: Final = 0.05  # seconds


class Stands(NamedTuple):
    """At which operation the replica stands, and at which the server stood when it was asked."""

    replica: int
    server: int

    @property
    def is_level(self) -> bool:
        """Whether the replica has all that the server had."""
        return self.replica >= self.server


def open_replica(server: Database, place: str) -> Database:
    """The replica at `place`, to read from; refused if it holds other books than the server."""
    replica = Database.open(place, read_only=True)
    with replica.closed_on_failure():
        stands(server, replica)
    return replica


def stands(server: Database, replica: Database) -> Stands:
    """How far the replica has come, after a moment's patience; refused if it holds other books."""
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
    return Stands(there.number, wanted)


def _head(database: Database) -> posting.Head:
    with database.read() as tx:
        return posting.head(tx)
