"""The commands, one module per subject. They are declared in the order in which the help lists them.

A command line names one of them, and only the module that declares it is loaded; the help, and
whoever imports `app` from here, has all.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from coopbank.cli.opening import at_a_terminal

if TYPE_CHECKING:
    import typer

    from coopbank.cli.app import app

__all__ = ["MODULES", "app", "app_for"]

#: Every module, in the order of the help, and the commands and groups that it declares.
MODULES: Final = {
    "books": "init demo verify rebuild upgrade",
    "backups": "backup restore drill unseal",
    "moving": "move",
    "roles": "roles",
    "operations": "operations do pending approve refuse take-back close reopen",
    "lookup": "members member loans loan accounts entries entry",
    "explaining": "explain",
    "calculators": "schedule apr",
    "reports": "trial-balance balance-sheet income fund forecast pearls report-file maturities budget assets portfolio"
    " reconciliation",
    "commons": "solidarity registers register jobs linked ladder mirror federation resale",
    "equity": "surplus share-register capital tax-files patronage-notices",
    "silence": "dormant unclaimed erase-traces",
    "documents": "statement document reprint statements documents logo check",
    "exchange": "import export",
    "auditing": "audit roll-forward sample campaign",
    "decisions": "resolutions resolution ballots recount voters-papers",
    "staff": "login logout users passphrase user",
    "keys": "keys codes",
    "counter": "counter",
}
_MODULE_OF: Final = {command: module for module, commands in MODULES.items() for command in commands.split()}
_WITH_VALUE: Final = ("--db", "--as", "--read-db")


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _loaded(*MODULES)


def app_for(arguments: list[str]) -> typer.Typer:
    """The program with the command that these arguments name, or with all where they name none that we know."""
    word = _command_in(arguments)
    if word == "" and at_a_terminal():
        word = "counter"
    if word not in _MODULE_OF or "_COOPBANK_COMPLETE" in os.environ:  # the shell asks what may follow
        return _loaded(*MODULES)
    return _loaded(_MODULE_OF[word])


def _command_in(arguments: list[str]) -> str | None:
    """The first word that is no option; empty if there is none, None where an option of ours comes first."""
    rest = iter(arguments)
    for word in rest:
        if word in _WITH_VALUE:
            next(rest, None)
        elif not word.startswith("-"):
            return word
        elif not word.startswith(tuple(f"{option}=" for option in _WITH_VALUE)):
            return None
    return ""


def _loaded(*modules: str) -> typer.Typer:
    from coopbank.cli.app import app

    for module in modules:
        import_module(f"{__name__}.{module}")
    # Whatever was loaded before, in a process that goes on: the order is ours.
    app.registered_commands.sort(key=lambda each: _place(each.name))
    app.registered_groups.sort(key=lambda each: _place(each.name))
    return app


def _place(command: object) -> int:
    return list(MODULES).index(_MODULE_OF[str(command)])
