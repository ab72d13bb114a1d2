"""Backups: making one, how old the last is, restoring it, proving that it can be restored; opening sealed files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coopbank.cli import output
from coopbank.cli.app import app, command
from coopbank.cli.commands.books import prove, report_verdicts
from coopbank.cli.door import Door, ask_passphrase, passphrase_given
from coopbank.cli.faults import BOOKS_WRONG
from coopbank.errors import CodeWanted, KeysLocked, SignInRefused
from coopbank.words import _, marked

if TYPE_CHECKING:
    from datetime import datetime

    from coopbank.bank.backups import LastBackup
    from coopbank.bank.keyring import KeyFile, Keyring
    from coopbank.cli.copies import Backup, Check, Drilled
    from coopbank.database import Database

KeyOption = Annotated[
    str | None,
    typer.Option("--key-file", metavar="FILE", help="The key file, if it does not lie beside the file or the books."),
]


@command(app, "backup")
def backup(
    door: Door,
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE", help="The new copy; it must not exist. Without it: into the folder of backups."),
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Do not encrypt it: whoever has it can read it.")] = False,
    status: Annotated[bool, typer.Option("--status", help="Only say how old the last good backup is.")] = False,
) -> None:
    """A consistent copy of the books while others go on working, proven after it was written.

    It is encrypted to the book's key, if there is one; no passphrase is needed for that. Without FILE it goes into the
    folder of backups, and those that the policy backups_kept does not keep are removed. Who is signed in has it
    recorded in the books.
    """
    from coopbank.cli.copies import make_backup, require_free

    if status:
        _tell_status(door)
        return
    if file is not None:
        require_free(Path(file))
    if not door.is_sqlite:
        from coopbank.bank.server_copies import require_tools

        require_tools()
    with door.bank_to_print() as (bank, actor):
        made = make_backup(bank, actor, None if file is None else Path(file), plain=plain, check=proven_copy(door))
    _tell_made(door, made, plain)


def proven_copy(door: Door) -> Check:
    """Proves a copy as `coopbank verify` does; what is wrong is reported, and nothing of the copy counts."""

    def check(copy: Database) -> None:
        _require_right(door, copy, [])

    return check


def _require_right(door: Door, copy: Database, known: list[tuple[int, str]]) -> None:
    verdicts, head = prove(copy, known)
    if any(verdict.count and not verdict.informational for verdict in verdicts):
        report_verdicts(door, verdicts, head, known)
        raise typer.Exit(BOOKS_WRONG)


def _tell_made(door: Door, made: Backup, plain: bool) -> None:
    head = {"number": made.head[0], "hash": made.head[1]}
    notes = list(made.notes)
    notes += [_("{file} is not as it was recorded; look at it.").format(file=file.name) for file in made.odd]
    if made.keyless and not plain:
        notes.append(
            _("This copy is not encrypted: these books have no key yet. Make one with: coopbank keys make")
        )  # fmt: skip
    if door.as_json:
        output.document({
            "place": str(made.place), "head": head, "encrypted": made.encrypted, "size": made.written.size,
            "sha256": made.written.sha256, "at": made.at, "recorded": made.recorded,
            "removed": [file.name for file in made.removed], "notes": notes,
        })  # fmt: skip
        return
    output.line(_("Copied to {place}").format(place=made.place))
    rows = [
        (_("Head of the chain"), f"{head['number']} {head['hash']}"), ("SHA-256", made.written.sha256),
        (_("Encrypted"), _("to the book's key") if made.encrypted else _("no")),
    ]  # fmt: skip
    if made.removed:
        rows.append((_("Removed"), ", ".join(file.name for file in made.removed)))
    output.pairs(rows)
    for note in notes:
        output.narrate(f"coopbank: {note}")


# ----------------------------------------------------------------------------------- status


def _tell_status(door: Door) -> None:
    from coopbank.bank import anchors, backups, records
    from coopbank.bank.disk import is_encrypted
    from coopbank.bank.retention import KEPT

    with door.bank_to_read() as bank, bank.read() as books:
        place, today = bank.database.place, bank.clock.today()
        folder = anchors.backups_folder(place, books)
        last = backups.last_backup(place, books, bank.book, today)
        files = backups.backup_files(folder, bank.book)
        kept = str(books.policy("backups_kept") or KEPT)
        drills = [body for _ref, body in books.every(records.Drill) if body.outcome == records.GOOD]
    drilled = drills[-1].at[:10] if drills else None
    disks = {"books": is_encrypted(Path(place)) if door.is_sqlite else None, "backups": is_encrypted(folder)}
    if door.as_json:
        output.document({
            "last": None if last.on is None else last.on.isoformat(), "file": last.file or None,
            "days": last.days, "limit": last.limit, "old": last.old, "folder": str(folder), "files": len(files),
            "size": _size(files), "kept": kept, "last_drill": drilled, "disk_encrypted": disks,
        })  # fmt: skip
        return
    output.pairs([
        (_("Last good backup"), _last(last)), (_("Folder of backups"), str(folder)),
        (_("Backups in it"), f"{len(files)}, {_size(files)} B"), (_("Kept"), kept),
        (_("Last restore drill"), drilled or _("never; prove a backup with: coopbank drill")),
        (_("Disk of the books"), _(_DISK[disks["books"]])), (_("Disk of the backups"), _(_DISK[disks["backups"]])),
    ])  # fmt: skip
    if last.old:
        output.narrate("coopbank: " + old_words(last))
    if disks["books"] is False:
        output.narrate(
            "coopbank: "
            + _("The disk of the books is not encrypted: who takes the machine can read names and amounts.")
        )


_DISK = {
    True: marked("encrypted"), False: marked("not encrypted"), None: marked("not known whether encrypted"),
}  # fmt: skip


def _size(files: list[Any]) -> int:
    total = 0
    for file in files:
        with suppress(OSError):
            total += file.path.stat().st_size
    return total


def _last(last: LastBackup) -> str:
    if last.on is None:
        return _("never")
    return f"{last.on.isoformat()}  {last.file}".rstrip()


def old_words(last: LastBackup) -> str:
    """That it is time for another backup."""
    if last.on is None:
        return _("These books were never backed up. Do it with: coopbank backup")
    words = _(
        "The last good backup is {days} days old, and the bank wants one every {limit}. Do it with: coopbank backup"
    )
    return words.format(days=last.days, limit=last.limit)


# ----------------------------------------------------------------------------------- restore


@command(app, "restore")
def restore(
    door: Door,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A backup, encrypted or not.")],
    key_file: KeyOption = None,
) -> None:
    """Put a backup at the place that --db names, which must hold nothing; the copy is verified before it counts.

    An encrypted one opens with --as and a passphrase: its key file lies beside the backup or beside that place.
    """
    from coopbank.bank.sealed_files import is_sealed
    from coopbank.cli.copies import require_free, restore_file, restore_server

    source = Path(file)
    Door(file).require_file()
    if door.is_sqlite:
        require_free(Path(door.place))
    keys = None
    if is_sealed(source):
        keys = _key_of(door, source, key_file)
    if door.is_sqlite:
        head = restore_file(source, Path(door.place), keys, proven_copy(door))
    else:
        head = restore_server(source, door.place, keys, proven_copy(door))
    if door.as_json:
        output.document({"place": door.shown_place, "head": {"number": head[0], "hash": head[1]}})
        return
    output.line(_("Restored and verified: {place}").format(place=door.shown_place))
    output.pairs([(_("Head of the chain"), f"{head[0]} {head[1]}")])


def _key_of(door: Door, file: Path, key_file: str | None) -> Keyring:
    """The key that opens a sealed file, from a key file and a passphrase: the books themselves may be lost."""
    from coopbank.bank.sealed_files import FileKey, header_of, recipient_of
    from coopbank.clock import SystemClock

    header = header_of(file)
    found = _key_files(door, file, key_file, recipient_of(header).hex())
    if door.user is None:
        raise SignInRefused(
            "{file} is encrypted, and nobody is signed in.", field="user", file=str(file),
            hint="Say with --as USER whose passphrase opens it.",
        )  # fmt: skip
    words = passphrase_given() or ask_passphrase(_("Passphrase of {user}: ").format(user=door.user))
    for each in found:
        keys = each.unlock(door.user, words)
        if keys is None:
            continue
        if each.code(door.user) is not None:
            _require_code(keys, each, door.user, SystemClock().now())
        FileKey.of(header, keys, str(file))
        return keys
    raise SignInRefused(
        "The user name or the passphrase is wrong, or it opens no key in {files}.", field="passphrase",
        files=", ".join(each.path.name for each in found), hint="Name the key file that it opens with --key-file.",
    )  # fmt: skip


def _require_code(keys: Keyring, file: KeyFile, user: str, now: datetime) -> None:
    from coopbank.bank import codes

    try:
        codes.require(keys, file, user, os.environ.get("COOPBANK_CODE") or None, now)
    except CodeWanted:
        if not sys.stdin or not sys.stdin.isatty():
            raise
        codes.require(keys, file, user, ask_passphrase(_("One-time code: ")), now)


def _key_files(door: Door, file: Path, named: str | None, seal: str) -> list[KeyFile]:
    """The key files that may open it: the one that was named, else the one of that key, else all that lie about."""
    from coopbank.bank.keyring import KeyFile

    if named is not None:
        found = [KeyFile(Path(named))]
    else:
        folders = [file.resolve().parent]
        folders += [Path(os.environ["COOPBANK_KEYS"])] if os.environ.get("COOPBANK_KEYS") else []
        folders += [Path(door.place).resolve().parent] if door.is_sqlite else []
        found = [KeyFile(path) for folder in dict.fromkeys(folders) for path in sorted(folder.glob("coopbank.*.key"))]
    found = [each for each in found if each.exists()]
    if not found:
        raise KeysLocked(
            "{file} is encrypted, and its key file is not here.", field="key_file", file=str(file),
            hint="Put it beside the file, or name it with --key-file.",
        )  # fmt: skip
    return [each for each in found if each.seals() == seal] or found


# ------------------------------------------------------------------------------------- drill


@command(app, "drill")
def drill(
    door: Door,
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="A backup; without it the newest in the folder of backups.")
    ] = None,
) -> None:
    """Prove that a backup can be restored: restore it apart, verify it, hold it against the books and anchors.log.

    Nothing is changed but that the books record the drill.
    """
    from coopbank.cli import copies

    def check(restored: Database, known: list[tuple[int, str]]) -> None:
        _require_right(door, restored, known)

    if file is not None:
        Door(file).require_file()
    with door.signed_in() as (bank, actor):
        found = copies.drill(bank, actor, None if file is None else Path(file), check)
    _tell_drilled(door, found)


def _tell_drilled(door: Door, found: Drilled) -> None:
    if door.as_json:
        output.document({
            "file": str(found.file), "head": {"number": found.head[0], "hash": found.head[1]},
            "sha256": found.sha256, "encrypted": found.encrypted, "known": found.known, "anchors": found.anchors,
            "newer": found.newer,
        })  # fmt: skip
        return
    output.line(_("{file} can be restored.").format(file=found.file))
    recorded = _("the one that was recorded when it was made") if found.known else _("not recorded in these books")
    output.pairs([
        (_("Opened"), _("with the book's key") if found.encrypted else _("not encrypted")),
        ("SHA-256", f"{found.sha256}, {recorded}"), (_("Verified"), _("every check holds in what was restored")),
        (_("Head of the chain"), _("{number} {hash}, which stands in the books too").format(
            number=found.head[0], hash=found.head[1])),
        (_("Anchors"), _("{count} heads of anchors.log stand in it").format(count=found.anchors)),
        (_("Not in it"), _("{count} operations that came later").format(count=found.newer)),
    ])  # fmt: skip


# ------------------------------------------------------------------------------------ unseal


@command(app, "unseal")
def unseal(
    door: Door,
    file: Annotated[str, typer.Argument(metavar="FILE", help="An encrypted file: vital records, or a backup.")],
    to: Annotated[
        str | None, typer.Argument(metavar="TO", help="The open file, which must not exist; - prints it.")
    ] = None,
    key_file: KeyOption = None,
) -> None:
    """Open a file that is encrypted to the book's key, with your sign-in. The books themselves need not be there."""
    from coopbank.bank.sealed_files import content_of, header_of, unseal_file

    source = Path(file)
    header_of(source)
    with _keys_here(door, source, key_file) as keys:
        if to == "-":
            for _piece in content_of(source, keys):  # all of it is looked at before any of it is shown
                pass
            for piece in content_of(source, keys):
                sys.stdout.buffer.write(piece)
            sys.stdout.flush()
            return
        target = Path(to) if to is not None else source.with_name(source.name.removesuffix(".sealed"))
        unseal_file(source, target, keys)
    if door.as_json:
        output.document({"place": str(target)})
        return
    output.line(_("Opened: {place}").format(place=target))
    output.line(_("Everybody who has that file can read it: take it away when you have done."))


@contextmanager
def _keys_here(door: Door, file: Path, key_file: str | None) -> Iterator[Keyring]:
    """The key: of who signs in to the books, or where they are not there, from the key file alone."""
    if key_file is None and (not door.is_sqlite or Path(door.place).exists()):
        with door.signed_in() as (bank, _actor):
            if bank.keys is None:
                raise KeysLocked(
                    "{file} is encrypted, and your sign-in opens no key.", field="file", file=str(file),
                    hint="Sign in with a passphrase that opens the book's key.",
                )  # fmt: skip
            yield bank.keys
        return
    yield _key_of(door, file, key_file)
