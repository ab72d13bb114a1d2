"""The program's frame: global options, how commands are declared, and which there are.

Every command is a function whose first parameter is the `Door`; `command` adds `--db`,
`--as` and `--json` to its own options, so that they work before and after its name.
Commands load what they need when they run: `coopbank --help` loads neither the bank nor
a database, and a test holds it to that.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Annotated, Any

import typer

import coopbank
from coopbank.cli import output
from coopbank.cli.door import Door, place_named, read_place_named
from coopbank.cli.faults import ReaderGone
from coopbank.cli.opening import at_a_terminal

Function = Callable[..., None]

Place = Annotated[
    str | None,
    typer.Option(
        "--db",
        metavar="PATH-or-URL",
        help="The books: a file, or a postgresql+psycopg:// address. Beats COOPBANK_DB, which beats ledger.db.",
    ),
]
User = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="USER",
        help="Who acts. COOPBANK_PASSPHRASE, a kept sign-in or the terminal gives the passphrase.",
    ),
]
ReadPlace = Annotated[
    str | None,
    typer.Option(
        "--read-db",
        metavar="URL",
        help="A replica of the server: look-ups, reports and verify read there. Beats COOPBANK_READ_DB.",
    ),
]
PlaceAgain = Annotated[str | None, typer.Option("--db", metavar="PATH-or-URL", hidden=True)]
UserAgain = Annotated[str | None, typer.Option("--as", metavar="USER", hidden=True)]
ReadPlaceAgain = Annotated[str | None, typer.Option("--read-db", metavar="URL", hidden=True)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]

app = typer.Typer(
    name="coopbank",
    no_args_is_help=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=True,
    help="A co-operative bank and revolving loan ledger in a file. Without a command it opens the terminal counter.",
    epilog="Exit codes: 0 done, 1 refused by a rule, 2 wrong command line, 3 the books are wrong, 4 no usable books.",
)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    db: Place = None,
    user: User = None,
    read_db: ReadPlace = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Set the door for the command that follows, or open the counter."""
    if version:
        output.line(f"coopbank {coopbank.__version__}")
        raise typer.Exit
    context.obj = (db, user, read_db)
    if context.invoked_subcommand is not None:
        return
    if at_a_terminal():
        from coopbank.cli.commands.counter import open_counter

        open_counter(Door(place_named(db), user, read_place=read_place_named(read_db)))
    else:
        output.raw(context.get_help())


def command(group: typer.Typer, name: str, *, json: bool = True, **settings: Any) -> Callable[[Function], Function]:
    """Declare a command of a group. `json=False` for those that answer nothing."""

    def register(function: Function) -> Function:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]

        def run(**values: Any) -> None:
            context = values.pop("_context")
            given = values.pop("_db"), values.pop("_user"), values.pop("_read_db")
            door = _door(context, *given, values.pop("_json", False))
            if "context" in names:
                values["context"] = context
            try:
                function(door, **values)
            except BrokenPipeError:  # before Typer sees it, which would end with another code
                raise ReaderGone from None

        names = {parameter.name for parameter in own}
        kept = [parameter for parameter in own if parameter.name != "context"]
        run.__name__, run.__module__ = function.__name__, function.__module__
        run.__doc__ = function.__doc__
        run.__annotations__ = {}
        run.__signature__ = inspect.Signature([*kept, *_ADDED[: None if json else -1]])  # type: ignore[attr-defined]
        group.command(name, **{"short_help": _first_sentence(function), **settings})(run)
        return function

    return register


def _first_sentence(function: Function) -> str:
    """What the list of commands says of one: the docstring up to its first full stop or semicolon."""
    return re.split(r"[.;](?: |$)", " ".join((function.__doc__ or "").split()))[0] + "."


_KEYWORD = inspect.Parameter.KEYWORD_ONLY
_ADDED = (
    inspect.Parameter("_context", _KEYWORD, annotation=typer.Context),
    inspect.Parameter("_db", _KEYWORD, default=None, annotation=PlaceAgain),
    inspect.Parameter("_user", _KEYWORD, default=None, annotation=UserAgain),
    inspect.Parameter("_read_db", _KEYWORD, default=None, annotation=ReadPlaceAgain),
    inspect.Parameter("_json", _KEYWORD, default=False, annotation=Json),
)


def _door(context: typer.Context, db: str | None, user: str | None, read_db: str | None, as_json: bool) -> Door:
    given = zip((db, user, read_db), context.find_root().obj or (None, None, None), strict=True)
    place, who, read = (after if after is not None else before for after, before in given)
    return Door(place_named(place), who, as_json, read_place_named(read))
