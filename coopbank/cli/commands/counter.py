"""The terminal counter."""

from __future__ import annotations

from typing import Annotated

import typer

from coopbank.cli import opening
from coopbank.cli.app import app, command
from coopbank.cli.door import Door
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
    if not opening.at_a_terminal():
        raise WrongUsage("The counter needs a terminal.", hint="See: coopbank --help for what works without one.")
    open_counter(door, read_only=read_only)


def open_counter(door: Door, *, read_only: bool = False) -> None:
    """Open the counter on the door's books; ends the program with its exit code."""
    raise typer.Exit(opening.open_counter(door, read_only=read_only))
