"""The terminal counter."""

from __future__ import annotations

import sys

import typer

from coopbank.cli.app import app, command
from coopbank.cli.door import Door
from coopbank.errors import WrongUsage


@command(app, "counter", json=False)
def counter(door: Door) -> None:
    """Open the terminal counter."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):
        raise WrongUsage("The counter needs a terminal.", hint="See: coopbank --help for what works without one.")
    open_counter(door)


def open_counter(door: Door) -> None:
    """Open the counter on the door's books; ends the program with its exit code."""
    from coopbank.tui import run

    door.require_file()
    raise typer.Exit(run(door.place, user=door.user))
