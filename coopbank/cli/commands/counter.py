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
    """Open the terminal counter."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):
        raise WrongUsage("The counter needs a terminal.", hint="See: coopbank --help for what works without one.")
    open_counter(door, read_only=read_only)


def open_counter(door: Door, *, read_only: bool = False) -> None:
    """Open the counter on the door's books; ends the program with its exit code."""
    from coopbank.tui import run

    first_evening = door.place == DEFAULT_PLACE and not Path(door.place).exists()  # a wrong path is no first evening
    if read_only or not first_evening:
        door.require_file()
    raise typer.Exit(run(door.place, user=door.user, read_only=read_only))
