"""Copies of books: backup, restore, the drill that proves a backup, and the copy that is made before an upgrade.

A backup of books in a file is one consistent state of them (SQLite's VACUUM INTO), of books on a server a dump of one
view; tills go on meanwhile. The copy is made in a folder of its own beside the books, proven there as the books
themselves are, and only then written to its place: encrypted to the book's key if there is one, under another name,
read back, made durable, and given its name, which must be free. So there is a whole and proven copy there or none, and
what lies open to read never leaves the disk of the books.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from coopbank.bank import anchors, backups, records
from coopbank.bank.operations.copies import RecordBackup, RecordDrill
from coopbank.bank.sealed_files import Written, damaged, hash_of, is_sealed, seal_file, unseal_file
from coopbank.bank.whole_files import (
    clear_parts,
    give_name,
    make_durable,
    make_folder,
    scratch_folder,
    taken,
    whole_file,
)
from coopbank.clock import instant_text
from coopbank.database import SCHEMA_VERSION, Database, require_no_journal
from coopbank.errors import (
    AlreadyExists,
    BooksWrong,
    CoopbankError,
    DatabaseVersion,
    FileDamaged,
    KeysLocked,
    NotABook,
    Unknown,
    WrongUsage,
)
from coopbank.ledger import posting
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.bank.bank import Bank
    from coopbank.bank.books import Actor
    from coopbank.bank.keyring import Keyring
    from coopbank.cli.door import Door

Check = Callable[[Database], None]
"""Proves books, and does not come back if they are wrong."""
HeadsCheck = Callable[[Database, list[tuple[int, str]]], None]
"""The same, with heads that are known from elsewhere."""


@dataclass
class Backup:
    """A backup that was made; `notes` are what could not be done besides."""

    place: Path
    head: tuple[int, str]
    written: Written
    encrypted: bool
    at: str
    keyless: bool = False  # not encrypted, because the books have no key
    recorded: bool = False
    removed: list[Path] = field(default_factory=list)
    odd: list[Path] = field(default_factory=list)  # in the folder, and not as they were recorded
    notes: list[str] = field(default_factory=list)


def make_backup(bank: Bank, actor: Actor | None, to: Path | None, *, plain: bool, check: Check) -> Backup:
    """Copy, prove, encrypt, read back; then tell anchors.log and the books, and take away older copies.

    Without `to` it goes into the folder of backups. Nobody signed in: the books cannot record it, anchors.log does.
    """
    place, now = bank.database.place, bank.clock.now()
    with bank.read() as books:
        folder, public = anchors.backups_folder(place, books), backups.sealing_key(books)
    if to is None:
        _make_folder(folder)
        clear_parts(folder, "coopbank-")
    else:
        require_free(to)
    form = backups.DUMP if bank.database.path is None else "db"
    sealing = None if plain else public
    notes = [] if sealing is None else _about_the_key(bank, sealing)
    with scratch_folder(_scratch_for(bank.database, (to or folder / "x").parent)) as scratch:
        copy = scratch / f"copy.{form}"
        head = _copied(bank.database, copy, check, notes)
        name = backups.file_name(bank.book, now, head, form, sealed=sealing is not None)
        target = to or folder / name
        written = _put(copy, target, sealing)
    made = Backup(
        target, head, written, sealing is not None, instant_text(now)[:19] + "Z", keyless=public is None, notes=notes
    )
    _tell(bank, actor, made)
    if to is None:
        _rotate(bank, folder, made)
    return made


def _make_folder(folder: Path) -> None:
    try:
        make_folder(folder)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise WrongUsage(
            "The folder of backups {folder} cannot be used: {why}.", field="file", folder=near(folder), why=why,
            hint="Plug its disk in, name another with the policy backups, or name a file.",
        ) from error  # fmt: skip


def _about_the_key(bank: Bank, sealing: bytes) -> list[str]:
    """That nobody could open what is encrypted now, if so: it needs no more than the public key to be made."""
    file = bank.key_file()
    if file is None or file.seals() == sealing.hex():
        return []
    text = _("The key file {file} is missing or damaged: without a good copy of it nobody can open this backup.")
    return [text.format(file=near(file.path))]


def near(path: Path) -> str:
    """A path as one would type it here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def require_free(to: Path) -> None:
    """Refuse a name that is taken, or in a folder that there is not."""
    if to.exists() or to.is_symlink():
        raise taken(to)
    require_no_journal(to)
    if not to.parent.is_dir():
        raise WrongUsage(
            "There is no folder {folder}.", field="file", folder=str(to.parent), hint="Make it first, or name another."
        )


def _scratch_for(database: Database, other: Path) -> Path:
    """Where a copy may lie open for a moment: beside the books, where they lie open anyway."""
    if database.path is None:
        folder = anchors.beside(database.place)
        _make_folder(folder)
        return folder
    beside = database.path.resolve().parent
    return beside if os.access(beside, os.W_OK) else other


def _copied(database: Database, copy: Path, check: Check, notes: list[str]) -> tuple[int, str]:
    """Copy the books and prove the copy; returns its head."""
    if database.path is not None:
        database.copy_to(copy)
        return _checked(copy, check)
    from coopbank.bank import server_copies

    head = server_copies.dump(database, copy)
    with server_copies.restored_apart(copy, database.place, copy.name) as restored:
        check(restored or database)
        if restored is None:
            notes.append(
                _(
                    "The copy was read whole and the books were proven; to prove the copy itself, this user would have"
                    " to be allowed to make databases."
                )
            )
    return head


def _put(copy: Path, to: Path, sealing: bytes | None) -> Written:
    """The copy at its place, encrypted or as it is, read back."""
    if sealing is not None:
        return seal_file(lambda: _pieces(copy), to, sealing, secrets.token_bytes)
    digest = hashlib.sha256()
    with whole_file(to) as (file, part):
        for piece in _pieces(copy):
            digest.update(piece)
            file.write(piece)
        file.flush()
        written = hash_of(part)
        if written.sha256 != digest.hexdigest():
            raise damaged(str(to))
    return written


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(1 << 20):
            yield piece


def _tell(bank: Bank, actor: Actor | None, made: Backup) -> None:
    """Keep the head outside the books, and record the backup in them; that it cannot be is a note, and no refusal."""
    place = bank.database.place
    try:
        with bank.read() as books:
            file = anchors.anchors_file(place, books)
            if file.exists() or anchors.backups_folder(place, books).is_dir():
                day = bank.clock.today().isoformat()
                anchors.append(place, books, bank.book, backups.ANCHOR, day, made.at, made.head)
    except OSError as error:
        made.notes.append(_("No anchor was kept: {why}.").format(why=(error.strerror or str(error)).lower()))
    if actor is None:
        return
    record = RecordBackup(
        file=made.place.name, at=made.at, number=made.head[0], head=made.head[1], sha256=made.written.sha256,
        size=made.written.size, encrypted=made.encrypted,
    )  # fmt: skip
    try:
        bank.record_copy(actor, record)
        made.recorded = True
    except CoopbankError as error:
        made.notes.append(_("The books could not record it: {why}").format(why=error.message))


def _rotate(bank: Bank, folder: Path, made: Backup) -> None:
    try:
        with bank.read() as books:
            made.removed, made.odd = backups.remove_superfluous(folder, books, bank.book, made.place)
    except OSError as error:
        made.notes.append(
            _("Older backups were not removed: {why}.").format(why=(error.strerror or str(error)).lower())
        )


# ---------------------------------------------------------------------------------- restore


def restore_file(source: Path, to: Path, keys: Keyring | None, check: Check) -> tuple[int, str]:
    """Put a copy of books in a file at a place that must be free; returns its head."""
    require_free(to)
    with _opened(source, keys, to.parent) as copy:
        require_form(copy, source, "db")
        database = Database.open(str(copy), read_only=True)
        try:
            return copy_books(database, to, check=check)
        finally:
            database.close()


def restore_server(source: Path, place: str, keys: Keyring | None, check: Check) -> tuple[int, str]:
    """Put a dump into a database of a server that is there and holds nothing; returns its head."""
    from coopbank.bank import server_copies

    server_copies.require_tools()
    server_copies.require_empty(place)
    folder = anchors.beside(place)
    _make_folder(folder)
    with _opened(source, keys, folder) as copy:
        require_form(copy, source, backups.DUMP)
        with server_copies.restored(copy, place, str(source)) as database:
            check(database)
            return head_of(database)


@contextmanager
def _opened(source: Path, keys: Keyring | None, beside: Path) -> Iterator[Path]:
    """A backup as it can be read: itself, or opened into a folder of its own, which goes again."""
    if not is_sealed(source):
        yield source
        return
    assert keys is not None, "whoever asks has opened the key"
    with scratch_folder(beside) as scratch:
        copy = scratch / "copy"
        unseal_file(source, copy, keys)
        yield copy


def require_form(copy: Path, source: Path, form: str) -> None:
    """Refuse a dump where a file is wanted, and a file where a dump is."""
    with copy.open("rb") as opened:
        is_dump = opened.read(5) == b"PGDMP"
    if is_dump and form == "db":
        raise WrongUsage(
            "{file} is a copy of books on a server.", field="file", file=str(source),
            hint="Name an empty database of a server with --db.",
        )  # fmt: skip
    if not is_dump and form == backups.DUMP:
        raise WrongUsage(
            "{file} is no copy of books on a server.", field="file", file=str(source),
            hint="A copy of books in a file is restored to a file: name that with --db.",
        )  # fmt: skip


# ---------------------------------------------------------------------------------- drill


@dataclass
class Drilled:
    """What a restore drill proved."""

    file: Path
    head: tuple[int, str]
    sha256: str
    encrypted: bool
    anchors: int  # heads of anchors.log that stand in it
    newer: int  # operations of the live books that came after it
    known: bool  # the books recorded its SHA-256 when it was made


def drill(bank: Bank, actor: Actor, file: Path | None, check: HeadsCheck) -> Drilled:
    """Restore a backup apart, prove it, hold it against the live books and anchors.log, and record what came of it."""
    with bank.read() as books:
        folder = anchors.backups_folder(bank.database.place, books)
    source = file or _newest(folder, bank.book)
    written, at = hash_of(source), instant_text(bank.clock.now())[:19] + "Z"
    try:
        found = _drilled(bank, source, written, check)
    except (FileDamaged, BooksWrong, NotABook) as refusal:
        _record_drill(bank, actor, source, at, written, None, refusal.code)
        raise
    _record_drill(bank, actor, source, at, written, found.head, records.GOOD)
    return found


def _newest(folder: Path, book: str) -> Path:
    files = backups.backup_files(folder, book)
    if not files:
        raise Unknown(
            "There is no backup of these books in {folder}.", field="file", folder=near(folder),
            hint="Make one with: coopbank backup",
        )  # fmt: skip
    return files[0].path


def _record_drill(
    bank: Bank, actor: Actor, source: Path, at: str, written: Written, head: tuple[int, str] | None, outcome: str
) -> None:
    number, short = head or (None, None)
    record = RecordDrill(
        file=source.name, at=at, number=number, head=short, sha256=written.sha256, outcome=outcome
    )  # fmt: skip
    bank.record_copy(actor, record)


def _drilled(bank: Bank, source: Path, written: Written, check: HeadsCheck) -> Drilled:
    place, sealed = bank.database.place, is_sealed(source)
    with bank.read() as books:
        known = [body.sha256 for _ref, body in books.about(records.Backup, source.name)]
        anchored = anchored_heads(anchors.anchors_file(place, books), bank.book)
    if known and written.sha256 not in known:
        raise damaged(str(source))
    if sealed and bank.keys is None:
        raise KeysLocked(
            "{file} is encrypted, and your sign-in opens no key.", field="file", file=source.name,
            hint="Sign in with a passphrase that opens the book's key.",
        )  # fmt: skip
    scratch = _scratch_for(bank.database, source.parent)
    with _opened(source, bank.keys, scratch) as copy, _as_books(bank, copy, source) as restored:
        head = head_of(restored)
        older = [each for each in anchored if each[0] <= head[0]]
        check(restored, older)
    with bank.read() as books:
        newer = posting.head(books.tx).number - head[0]
        live = books.tx.value("SELECT hash FROM operation WHERE id = ?", head[0])
    if live is None or bytes(live).hex()[:16] != head[1]:
        raise BooksWrong(
            "The books do not hold operation {number} as the backup has it ({head}): they were changed since, or they"
            " are an older copy.", number=head[0], head=head[1],
            hint="Keep both, change nothing, and find out which of them is right.",
        )  # fmt: skip
    return Drilled(source, head, written.sha256, sealed, len(older), newer, bool(known))


@contextmanager
def _as_books(bank: Bank, copy: Path, source: Path) -> Iterator[Database]:
    """A copy restored where nobody works with it."""
    if bank.database.path is None:
        from coopbank.bank import server_copies

        require_form(copy, source, backups.DUMP)
        with server_copies.restored_apart(copy, bank.database.place, str(source)) as apart:
            if apart is None:
                raise WrongUsage(
                    "A drill restores into a database of its own, and this user of the server may not make one.",
                    field="db", hint="Run it as a user with the right CREATEDB.",
                )  # fmt: skip
            yield apart
        return
    require_form(copy, source, "db")
    with scratch_folder(_scratch_for(bank.database, source.parent)) as scratch:
        target = scratch / "restored.db"
        whole = Database.open(str(copy), read_only=True)
        try:
            copy_books(whole, target)
        finally:
            whole.close()
        restored = Database.open(str(target), read_only=True)
        try:
            yield restored
        finally:
            restored.close()


def anchored_heads(file: Path, book: str) -> list[tuple[int, str]]:
    """The heads of these books in anchors.log; none if there is no such file."""
    found = []
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    for line in text.splitlines():
        words = line.split()
        if len(words) == 7 and words[0].isdigit() and words[6] == book[:8]:
            found.append((int(words[0]), words[1]))
    return found


# ---------------------------------------------------------------------------------- plain copies


def copy_books(database: Database, to: Path, *, check: Check | None = None) -> tuple[int, str]:
    """Copy books in a file to a new file; returns the head of the chain in the copy."""
    require_free(to)
    with scratch_folder(to.parent) as scratch:  # what lies open in it goes with it, if not now then with the next one
        part = scratch / "copy.db"
        database.copy_to(part)
        head = _checked(part, check)
        make_durable(part)
        give_name(part, to)
    return head


def _checked(part: Path, check: Check | None) -> tuple[int, str]:
    copy = Database.open(str(part), read_only=True)
    try:
        if check is not None:
            check(copy)
        return head_of(copy)
    finally:
        copy.close()


def head_of(database: Database) -> tuple[int, str]:
    """Where the chain of these books ends: the operation, and the beginning of its hash."""
    with database.read() as tx:
        head = posting.head(tx)
        return head.number, head.short


def upgrade_books(door: Door) -> tuple[str, str, str | None]:
    """Bring older books to the newest schema; returns the versions before and after, and the copy made before."""
    door.require_file()
    database = Database(door.place)
    try:
        before = database.revision()
        if before is None:
            raise NotABook("{place} holds no books of coopbank.", place=door.shown_place)
        if before == SCHEMA_VERSION:
            return before, before, None
        database.require_unmarked(before)
        if before > SCHEMA_VERSION:
            raise DatabaseVersion(
                "{place} has schema {found}, which is newer than this program's {own}.", place=door.shown_place,
                found=before, own=SCHEMA_VERSION, hint="Use the version of coopbank that made it, or a newer one.",
            )  # fmt: skip
        copy = None
        if door.is_sqlite:
            copy = _plain_copy(database, f"{door.place}.before-{SCHEMA_VERSION}")
        database.upgrade()
        return before, SCHEMA_VERSION, copy
    finally:
        database.close()


def _plain_copy(database: Database, name: str) -> str:
    """A copy of books that this version cannot open yet, whole, under the first such name that is free; returns that.

    One that is there already is of an upgrade that was cut off: it stays, and hinders no further one.
    """
    with scratch_folder(Path(name).parent) as scratch:
        copy = scratch / "copy.db"
        database.copy_to(copy)
        make_durable(copy)
        for to in itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2))):
            with suppress(AlreadyExists):
                require_free(Path(to))
                give_name(copy, Path(to))
                return to
    raise AssertionError("numbers do not end")
