"""Reading from a replica of the server, so that reports and proofs take nothing from the tills.

Signing in goes to the server itself, which alone can be written; what is read comes from the replica, in a connection
that can only read. How far it is behind is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from coopbank.bank.replicas import open_replica, stands
from coopbank.cli import output
from coopbank.database import Database
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.bank.bank import Bank


@contextmanager
def replica_of(bank: Bank, place: str) -> Iterator[Database]:
    """The replica, to read from; refused if it holds other books than the bank."""
    database = open_replica(bank.database, place)
    try:
        found = stands(bank.database, database)
        if not found.is_level:
            told = _("The replica is behind: what is read is as of operation {number}; the server is at {wanted}.")
            output.narrate("coopbank: " + told.format(number=found.replica, wanted=found.server))
        yield database
    finally:
        database.close()
