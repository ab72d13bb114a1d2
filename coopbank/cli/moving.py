"""Moving books to another place, of the same engine or the other: what ledger/moving.py copies, proven on both sides.

The old books are proven first, so that nothing wrong is moved; then everything is copied while tills go on, and the
copy is proven as the books themselves are. Only then, under the lock of the old books, what came since is copied and
the new ones take their place. The key of the books and anchors.log, which lie beside them, are copied to where the new
place looks for them.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from coopbank.bank import anchors
from coopbank.bank.bank import Bank
from coopbank.bank.operation import ADMINISTRATOR
from coopbank.bank.whole_files import make_folder, whole_file
from coopbank.clock import instant_text
from coopbank.database import MOVED, Database
from coopbank.errors import BooksMoved, CoopbankError, NotAllowed, WrongState
from coopbank.ledger import moving, posting
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.bank.books import Actor
    from coopbank.cli.copies import Check
    from coopbank.cli.door import Door


@dataclass
class Moved:
    """What a move came to; `notes` are what could not be done besides."""

    place: str
    head: tuple[int, str]
    copied: int
    rehearsed: bool = False
    files: list[Path] = field(default_factory=list)  # that were copied to where the new place looks for them
    notes: list[str] = field(default_factory=list)


@contextmanager
def bank_to_move(door: Door) -> Iterator[Bank]:
    """The bank with an administrator signed in; of books that were moved already nothing is written by signing in."""
    door.require_file()
    try:
        bank = Bank.open(door.place)
    except BooksMoved:
        bank = Bank.open(door.place, read_only=True, marked=True)
    try:
        require_administrator(door.actor(bank))
        yield bank
    finally:
        bank.close()


def require_administrator(actor: Actor) -> None:
    """Refuse anybody else: whoever moves books decides where they are served from."""
    if ADMINISTRATOR not in actor.roles:
        raise NotAllowed(
            "{user} may not move the books.", field="user", user=actor.user, hint="It belongs to: {roles}.",
            roles=ADMINISTRATOR,
        )  # fmt: skip


def move_books(bank: Bank, to: str, *, rehearse: bool, check: Check, told: moving.Told | None) -> Moved:
    """Move the books to `to`; rehearsed, all but the last step, after which they would be used there."""
    old = Database.open(bank.database.place, marked=True)
    try:
        check(old)
        new, token = moving.receive(old, to, secrets.token_hex(8))
        try:
            copied = moving.copy_all(old, new, told)
            with old.read() as source, new.write() as target:
                moving.bring_level(source, target)
            check(new)
            moved = Moved(new.shown_place, _head_of(new), copied, rehearsed=rehearse)
            if not rehearse:
                _take_along(bank, to, moved)
                moving.hand_over(old, new, token)
                moved.head = _head_of(new)
                _keep_anchor(bank, to, moved)
            return moved
        finally:
            new.close()
    finally:
        old.close()


def _head_of(database: Database) -> tuple[int, str]:
    with database.read() as tx:
        head = posting.head(tx)
        return head.number, head.short


def _take_along(bank: Bank, to: str, moved: Moved) -> None:
    """Copy the key of the books and anchors.log to where they are looked for at the new place."""
    from coopbank.bank.keyring import key_file

    with bank.read() as books:
        known = bank.key_file()
        pairs = [(anchors.anchors_file(bank.database.place, books), anchors.anchors_file(to, books))]
    if known is not None:
        pairs.append((known.path, key_file(to, known.path.name.split(".")[1]).path))
    for source, target in pairs:
        if not source.is_file() or target.exists():
            continue
        try:
            make_folder(target.parent)
            with whole_file(target) as (file, _part):
                file.write(source.read_bytes())
            moved.files.append(target)
        except (OSError, CoopbankError) as error:
            why = error.message if isinstance(error, CoopbankError) else (error.strerror or str(error)).lower()
            moved.notes.append(_("{file} was not copied: {why}").format(file=source, why=why))


def _keep_anchor(bank: Bank, to: str, moved: Moved) -> None:
    """The head that was handed over, kept outside of both."""
    now = bank.clock.now()
    try:
        with bank.read() as books:
            anchors.append(
                to, books, bank.book, "move", bank.clock.today().isoformat(), instant_text(now)[:19] + "Z", moved.head
            )
    except OSError as error:
        moved.notes.append(_("No anchor was kept: {why}.").format(why=(error.strerror or str(error)).lower()))


def take_back(bank: Bank) -> tuple[int, str]:
    """Use books again that were moved away; returns their head."""
    old = Database.open(bank.database.place, marked=True)
    try:
        with old.read() as tx:
            if Database.mark_of(tx)[0] != MOVED:
                raise WrongState(
                    "The books at {place} were not moved away.", field="db", place=old.shown_place,
                    hint="Nothing is to be done.",
                )  # fmt: skip
        moving.take_back(old)
        return _head_of(old)
    finally:
        old.close()
