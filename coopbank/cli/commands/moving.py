"""Moving the books to another place, of the same engine or the other."""

from __future__ import annotations

from typing import Annotated

import typer

from coopbank.cli import output
from coopbank.cli.app import app, command
from coopbank.cli.commands.backups import proven_copy
from coopbank.cli.door import Door, place_named
from coopbank.errors import WrongUsage
from coopbank.words import _

To = Annotated[
    str | None,
    typer.Option(
        "--to", metavar="PATH-or-URL", help="The new place: a file that does not exist, or an empty database."
    ),
]
Rehearse = Annotated[
    bool,
    typer.Option(
        "--rehearse", help="Copy and prove everything, and go on working here; the move itself then takes moments."
    ),
]
Back = Annotated[
    bool,
    typer.Option("--back", help="Use these books again, which were moved: their new place is lost, or not in use."),
]
MovedTo = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="PATH-or-URL",
        help="With --back: where they were moved to, if that is not written down beside them.",
    ),
]
Lost = Annotated[
    bool, typer.Option("--lost", help="With --back: their new place cannot be looked at, and is lost for good.")
]


@command(app, "move")
def move(
    door: Door, to: To = None, rehearse: Rehearse = False, back: Back = False, moved_to: MovedTo = None,
    lost: Lost = False,
) -> None:  # fmt: skip
    """Move the books to another place: from a file to a PostgreSQL server, back, or to another. For administrators.

    Numbers, hashes and texts stay the same byte for byte; both sides are proven and their heads compared. Tills go on
    meanwhile and are refused once the books are used at the new place. A move that was cut off goes on when the same
    command is given again; until it is done, every other command refuses the new place, and afterwards the old one.

    With `--back` the new place is looked at first: while the books live on there, they are not used here as well.
    """
    to, moved_to = to or None, moved_to or None
    if back == (to is not None) or (back and rehearse) or (not back and (lost or moved_to)):
        raise WrongUsage(
            "Say where the books shall go, or that they are used here again.", field="to",
            hint="Use --to PATH-or-URL, or --back.",
        )  # fmt: skip
    from coopbank.cli import moving

    if to is None:
        with moving.bank_to_move(door) as bank:
            head = moving.take_back(bank, None if moved_to is None else place_named(moved_to), lost=lost)
        _tell(door, _("These books are used again: {place}"), door.shown_place, head, {"moved": False})
        return
    place = place_named(to)
    with moving.bank_to_move(door) as bank:
        moved = moving.move_books(
            bank, place, rehearse=rehearse, check=proven_copy(door), told=output.progress(_("operations"))
        )
    said = _("Copied and verified: {place}") if rehearse else _("Moved and verified: {place}")
    files = [str(each) for each in moved.files]
    _tell(door, said, moved.place, moved.head, {"moved": not rehearse, "copied": moved.copied, "files": files,
                                                "notes": moved.notes})  # fmt: skip
    if door.as_json:
        return
    output.pairs([(_("Operations copied"), moved.copied), (_("Files copied"), ", ".join(files))])
    if rehearse:
        output.line(_("The books here stay in use. Move them with the same command without --rehearse."))
    else:
        output.line(_("Use them there from now on: --db or COOPBANK_DB names the new place."))
    for note in moved.notes:
        output.narrate(f"coopbank: {note}")


def _tell(door: Door, said: str, place: str, head: tuple[int, str], more: dict[str, object]) -> None:
    if door.as_json:
        output.document({"place": place, "head": {"number": head[0], "hash": head[1]}, **more})
        return
    output.line(said.format(place=place))
    output.pairs([(_("Head of the chain"), f"{head[0]} {head[1]}")])
