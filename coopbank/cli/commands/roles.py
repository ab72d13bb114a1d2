"""What the users of a PostgreSQL server may do to the books."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from coopbank.cli import output
from coopbank.cli.app import app, command
from coopbank.cli.door import Door
from coopbank.errors import NotAllowed, WrongUsage
from coopbank.words import _

if TYPE_CHECKING:
    from coopbank.ledger.roles import Right


@command(app, "roles")
def roles(
    door: Door,
    user: Annotated[
        str | None,
        typer.Argument(metavar="SERVER-USER", help="Whom to give the rights; without it, what you have is shown."),
    ] = None,
    reader: Annotated[
        bool, typer.Option("--reader", help="Only to read: for reports on a replica (--read-db).")
    ] = False,
) -> None:
    """Give a user of a PostgreSQL server the rights that the program needs, and no others. For administrators.

    That user may read everything and append to the sealed tables; nobody who works as that user can UPDATE, DELETE or
    TRUNCATE what is posted, whatever triggers there are. Give it as the user who owns the books, once after `init`,
    `move` or `upgrade`, and let --db of the tills name the new user. Shown: what the server lets a user do.
    """
    if door.is_sqlite:
        raise WrongUsage(
            "Books in a file have no users but those of the system.", field="db",
            hint="Who may read or write them, the rights of the file and its folder say.",
        )  # fmt: skip
    from coopbank.bank.operation import ADMINISTRATOR
    from coopbank.ledger import roles as granting

    with door.signed_in() as (bank, actor):
        if user is None:
            with bank.read() as books:
                shown = str(books.tx.value("SELECT current_user"))
                found = granting.rights_of(books.tx, shown, reader=reader)
        else:
            if ADMINISTRATOR not in actor.roles:
                raise NotAllowed(
                    "{user} may not give rights on the books.", field="user", user=actor.user,
                    hint="It belongs to: {roles}.", roles=ADMINISTRATOR,
                )  # fmt: skip
            bank.seal_sign_in()
            shown, found = user, granting.grant(bank.database, user, reader=reader)
    _tell(door, shown, found)


def _tell(door: Door, user: str, found: list[Right]) -> None:
    beyond = [each for each in found if each.too_much]
    if door.as_json:
        output.document({
            "user": user, "bounded": not beyond,
            "tables": [{"table": each.table, "may": each.may, "too_much": each.too_much} for each in found],
        })  # fmt: skip
        return
    output.line(_("The server's user {user}:").format(user=user))
    output.table([_("Table"), _("May")], [[each.table, ", ".join(each.may)] for each in found])
    output.line(
        _("This user can change what is posted: use another one at the tills (coopbank roles SERVER-USER).")
        if beyond
        else _("What is posted, this user cannot change, delete or empty.")
    )
