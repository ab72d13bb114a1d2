"""Opening the counter, from a command line or without one.

`coopbank --db books.db` is what a counter is opened with each morning: options of ours and nothing else. Such a line
is read here, without Typer, which with all that it loads takes as long as half of the way to the first screen.
Whatever else stands on it is left to Typer, so that there is one place that explains and refuses.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from coopbank.cli.door import DEFAULT_PLACE, Door, place_named, read_place_named

_OPTIONS = ("--db", "--as", "--read-db")
_COMMAND, _READ_ONLY = "counter", "--read-only"


def at_a_terminal() -> bool:
    """Whether there is somebody to type and something to paint on: Textual paints on standard error."""
    ends = (sys.stdin, sys.stdout, sys.stderr)
    return all(end is not None and end.isatty() for end in ends)


def plainly(arguments: list[str]) -> tuple[Door, bool] | None:
    """Whose counter these arguments open, and whether only to look; None if they are anything but that."""
    if "_COOPBANK_COMPLETE" in os.environ or not at_a_terminal():
        return None
    given: dict[str, str] = {}
    named = read_only = False
    rest = iter(arguments)
    for word in rest:
        option, has_value, value = word.partition("=")
        if word == _COMMAND and not named:
            named = True
        elif word == _READ_ONLY and named and not read_only:
            read_only = True
        elif option in _OPTIONS and option not in given:
            given[option] = value if has_value else next(rest, "-")
            if given[option].startswith("-"):
                return None
        else:
            return None
    place, read_place = place_named(given.get("--db")), read_place_named(given.get("--read-db"))
    return Door(place, given.get("--as"), read_place=read_place), read_only


def open_counter(door: Door, *, read_only: bool = False) -> int:
    """Open the counter on the door's books; returns the exit code of the program."""
    from coopbank.tui import run

    first_evening = door.place == DEFAULT_PLACE and not Path(door.place).exists()  # a wrong path is no first evening
    if read_only or not first_evening:
        door.require_file()
    if read_only and not door.is_sqlite:
        return _audit_desk(door)
    return run(door.place, user=door.user, read_only=read_only, read_place=door.read_place)


def _audit_desk(door: Door) -> int:
    """The audit desk on a server, where reading wants somebody signed in: at the server, or at its replica."""
    from coopbank.tui import run

    with door.signed_in() as (bank, _actor):
        bank.seal_sign_in()
        with door.to_read(bank) as database:  # tells how far a replica is behind, and refuses another's books
            place = database.place
    return run(place, user=door.user, read_only=True)
