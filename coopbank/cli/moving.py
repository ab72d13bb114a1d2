"""Moving books to another place, of the same engine or the other: what ledger/moving.py copies, proven on both sides.

The old books are proven first, so that nothing wrong is moved; then everything is copied while tills go on, and the
copy is proven as the books themselves are. Only then, under the lock of the old books, what came since is copied and
the new ones take their place. The key of the books and anchors.log, which lie beside them, are copied to where the new
place looks for them.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from coopbank.bank import anchors
from coopbank.bank.bank import Bank
from coopbank.bank.operation import ADMINISTRATOR
from coopbank.bank.whole_files import make_folder, whole_file
from coopbank.cli.copies import head_of, near
from coopbank.cli.door import place_named
from coopbank.clock import instant_text
from coopbank.database import MOVED, Database
from coopbank.errors import (
    BooksLiveOn,
    BooksMoved,
    CoopbankError,
    DatabaseUnusable,
    NotAllowed,
    Unknown,
    WrongState,
    WrongUsage,
)
from coopbank.ledger import moving
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
            moving.level_before(old, new)
            check(new)
            moved = Moved(new.shown_place, head_of(new), copied, rehearsed=rehearse)
            if not rehearse:
                known = moving.level_before(old, new)  # proving took a while
                _take_along(bank, to, moved)
                moving.hand_over(old, new, token, known, lambda: _write_down(bank, new, moved))
                moved.head = head_of(new)
                _keep_anchor(bank, to, moved)
            return moved
        finally:
            new.close()
    finally:
        old.close()


def _take_along(bank: Bank, to: str, moved: Moved) -> None:
    """Bring the key of the books and anchors.log to where they are looked for at the new place.

    Where the books were before, an older key lies that opens by the passphrases of then, and anchors without the
    later ones.
    """
    from coopbank.bank.keyring import key_file

    with bank.read() as books:
        known = bank.key_file()
        pairs: list[tuple[Path, Path, Callable[[bytes, bytes], bytes]]] = [
            (anchors.anchors_file(bank.database.place, books), anchors.anchors_file(to, books), _with_missing)
        ]
    if known is not None:
        pairs.append((known.path, key_file(to, known.path.name.split(".")[1]).path, _as_it_is))
    for source, target, wanted in pairs:
        try:
            if not source.is_file() or (target.exists() and target.samefile(source)):
                continue
            there = target.read_bytes() if target.exists() else None
            content = wanted(source.read_bytes(), there or b"")
            if content == there:
                continue
            make_folder(target.parent)
            with whole_file(target, replace=there is not None) as (file, _part):
                file.write(content)
            moved.files.append(target)
        except (OSError, CoopbankError) as error:
            why = error.message if isinstance(error, CoopbankError) else (error.strerror or str(error)).lower()
            moved.notes.append(_("{file} was not copied: {why}").format(file=source, why=why))


def _as_it_is(ours: bytes, _there: bytes) -> bytes:
    return ours


def _with_missing(ours: bytes, there: bytes) -> bytes:
    """The anchors that are there, of other books too, and behind them ours that are not."""
    known = set(there.splitlines())
    missing = [line for line in ours.splitlines() if line not in known]
    whole = there if not there or there.endswith(b"\n") else there + b"\n"
    return whole + b"".join(line + b"\n" for line in missing)


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


# --------------------------------------------------------------------------- used again at the old place


def _note(bank: Bank) -> Path:
    """The file beside the books that says where they were moved to."""
    place = bank.database.path
    name = (
        f"{bank.book[:8]}-{bank.database.place.partition('?')[0].rpartition('/')[2]}" if place is None else place.name
    )
    return anchors.beside(bank.database.place) / f"{name}.moved"


def _write_down(bank: Bank, new: Database, moved: Moved) -> None:
    """Say beside the old books where they live from now on; without a password, which no address has."""
    try:
        note = _note(bank)
        note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with whole_file(note, replace=True) as (file, _part):
            file.write(os.fsencode(f"{_whole(new.place)}\n"))
    except (OSError, CoopbankError) as error:
        why = error.message if isinstance(error, CoopbankError) else (error.strerror or str(error)).lower()
        moved.notes.append(
            _("Where the books went is written down nowhere: {why}. Keep their address.").format(why=why)
        )


def take_back(bank: Bank, given: str | None, *, lost: bool) -> tuple[int, str]:
    """Use books again that were moved away; returns their head.

    Refused while they live on at their new place. Where nobody can say whether they do, whoever asks says that they
    are lost: `given` is the place, if it is not written down here.
    """
    old = Database.open(bank.database.place, marked=True)
    try:
        with old.read() as tx:
            if Database.mark_of(tx)[0] != MOVED:
                raise WrongState(
                    "The books at {place} were not moved away.", field="db", place=old.shown_place,
                    hint="Nothing is to be done.",
                )  # fmt: skip
        place = _moved_to(_note(bank), given)
        new = _looked_at(old, place, lost=lost)
        try:
            moving.take_back(old, new, secrets.token_hex(8))
        finally:
            if new is not None:
                new.close()
        _note(bank).unlink(missing_ok=True)
        return head_of(old)
    finally:
        old.close()


def _moved_to(note: Path, given: str | None) -> str:
    """Where the books were moved to: as it is written down, else as it was given."""
    try:
        known = place_named(os.fsdecode(note.read_bytes()).strip())
    except (OSError, ValueError, WrongUsage):  # not there, or not as it was written
        known = ""
    known = known if "://" in known or Path(known).is_absolute() else ""
    if known and given is not None and _whole(given) != known:
        raise Unknown(
            "The books were moved to {known}, and not to {place}.", field="from", known=_short(known), place=given,
            hint="Leave --from out.",
        )  # fmt: skip
    if not known and given is None:
        raise WrongUsage(
            "Where these books were moved to is not written down here, and they may be in use there.", field="from",
            hint="Name that place with --from PATH-or-URL.",
        )  # fmt: skip
    return _short(known or _whole(given or ""))


def _whole(place: str) -> str:
    """An address as it is written down: without a password, a path from the root on."""
    return Database(place).shown_place if "://" in place else str(Path(place).resolve())


def _short(place: str) -> str:
    return place if "://" in place else near(Path(place))


def _looked_at(old: Database, place: str, *, lost: bool) -> Database | None:
    """The new place, if it still waits for the books; None if it is lost, as whoever asks has to say."""
    try:
        new = Database.open(place, marked=True)
    except DatabaseUnusable as fault:
        why = fault.message
    except (OSError, ValueError) as error:  # no name that a file can have
        why = getattr(error, "strerror", None) or str(error)
    else:
        try:
            if moving.lives_at(old, new):
                raise BooksLiveOn(
                    "The books live on at {new}, whose last operation is {number}; used here as well there would be two"
                    " of them.", field="back", new=new.shown_place, number=head_of(new)[0],
                    hint="Move them back, with all that was done there: coopbank --db {new} move --to {old}",
                    old=old.shown_place,
                )  # fmt: skip
            if moving.waits_at(old, new):
                return new
        except BaseException:
            new.close()
            raise
        new.close()
        why = _("there are other books at {place}.").format(place=new.shown_place)
    if not lost:
        raise WrongUsage(
            "Whether the books live on at their new place cannot be seen: {why}", field="lost", why=why,
            hint="Only if they are lost for good, say so with --lost: what was done there is not in these books, and if"
            " they come back there will be two.",
        )  # fmt: skip
    return None
