"""The command line: every operation, every look-up and every report of a bank, for people and for scripts.

main        the program; `coopbank` in the shell
app         its frame and how commands are declared
commands/   one module per subject
door        which books, who acts
output      lines, tables and JSON documents
opening     the counter, without what other commands need
faults      from whatever went wrong to one sentence and an exit code
signals     being asked to end
state       sign-ins kept between runs
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program with these arguments (those of the process if none); returns the exit code."""
    _be_quick()
    given = [word for each in (sys.argv[1:] if arguments is None else arguments) for word in _words(each)]
    _require_streams()
    try:
        from coopbank.cli.faults import guarded
    except KeyboardInterrupt:  # nothing was begun yet
        return 130
    before_marker = given[: given.index("--")] if "--" in given else given
    return guarded(lambda: _run(given), as_json="--json" in before_marker)


def _be_quick() -> None:
    """Nearly all that a run makes is kept to its end, modules above all: to look for what could go is seldom worth it.

    And whatever else is installed beside us, nothing of it is plugged into the checks of what is typed here: to look
    for that takes time, and it would read every request.
    """
    gc.set_threshold(50_000, 20, 50)
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"


def _words(argument: str) -> list[str]:
    """`--json=FILE` is `--json FILE`: for `do` the option may have a value, for all other commands it has none."""
    return ["--json", argument.removeprefix("--json=")] if argument.startswith("--json=") else [argument]


def _run(arguments: list[str]) -> object:
    if arguments == ["--version"]:  # before anything is loaded that takes a moment
        from coopbank import __version__
        from coopbank.cli import output

        output.line(f"coopbank {__version__}")
        return None
    from coopbank.cli import opening
    from coopbank.errors import WrongUsage

    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise WrongUsage("An argument is not text in UTF-8.") from None
    counter = opening.plainly(arguments)
    if counter is not None:
        door, read_only = counter
        return opening.open_counter(door, read_only=read_only)
    from typer.main import get_command

    from coopbank.cli.commands import app_for

    return get_command(app_for(arguments)).main(args=arguments, prog_name="coopbank", standalone_mode=False)


def _require_streams() -> None:
    """A stream that was closed before we began swallows what is written to it."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, PTH123  (stays open for the whole run)
