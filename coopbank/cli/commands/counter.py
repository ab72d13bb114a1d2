"""The terminal counter."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from coopbank.cli.app import app, command
from coopbank.cli.door import DEFAULT_PLACE, Door
from coopbank.errors import WrongUsage


@command(app, "counter", json=False)
def counter(
    door: Door,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Only look: the audit desk. Not a byte is written where the books lie.")
    ] = False,
) -> None:
    """Open the terminal counter.

    With `--read-db` it reads what takes long (funds, loans, registers, proofs) at the replica whenever that has all
    that the server has, and at the server otherwise; so nobody misses what they have just done. The audit desk of
    books on a server wants somebody signed in, and then reads at the replica alone.
    """
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):
        raise WrongUsage("The counter needs a terminal.", hint="See: coopbank --help for what works without one.")
    open_counter(door, read_only=read_only)


def open_counter(door: Door, *, read_only: bool = False) -> None:
    """Open the counter on the door's books; ends the program with its exit code."""
    from coopbank.tui import run

    first_evening = door.place == DEFAULT_PLACE and not Path(door.place).exists()  # a wrong path is no first evening
    if read_only or not first_evening:
        door.require_file()
    if read_only and not door.is_sqlite:
        raise typer.Exit(_audit_desk(door))
    raise typer.Exit(run(door.place, user=door.user, read_only=read_only, read_place=door.read_place))


def _audit_desk(door: Door) -> int:
    """The audit desk on a server, where reading wants somebody signed in: at the server, or at its replica."""
    from coopbank.tui import run

    with door.signed_in() as (bank, _actor):
        bank.seal_sign_in()
        with door.to_read(bank) as database:  # tells how far a replica is behind, and refuses another's books
            place = database.place
    return run(place, user=door.user, read_only=True)
