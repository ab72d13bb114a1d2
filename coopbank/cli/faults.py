"""From whatever went wrong to one sentence and an exit code; never a traceback.

    0  done
    1  a rule of the bank refused it
    2  the command line or a document was wrong
    3  `verify` found the books wrong
    4  the database is missing, busy or of another version
  130  interrupted from the keyboard; 143 by a machine that shuts down, 129 by a terminal that was closed

A sentence goes to standard error. With `--json` the same stands as one document on
standard output: {"error": {"code", "message", "field", "hint"}}.
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coopbank.cli import output
from coopbank.cli.signals import heeded
from coopbank.cli.state import state_folder
from coopbank.errors import CoopbankError, DatabaseUnusable, InvalidValue, WrongUsage
from coopbank.words import _

if TYPE_CHECKING:
    import typer

DONE, REFUSED, WRONG_USAGE, BOOKS_WRONG, UNUSABLE, INTERRUPTED = 0, 1, 2, 3, 4, 130


class Unforeseen(CoopbankError):
    """A fault of the program itself."""


class InList(CoopbankError):
    """A refusal of one operation of a list: the same refusal, and which operation it was."""

    def __init__(self, inner: CoopbankError, index: int, count: int, name: str) -> None:
        super().__init__(
            "Operation {index} of {count} ({name}): {message} Nothing of the list was done.", field=inner.field,
            index=index, count=count, name=name, message=inner,
        )  # fmt: skip
        self.inner = inner
        self.index = index

    @property
    def code(self) -> str:
        return self.inner.code

    def as_dict(self) -> dict[str, Any]:
        return {**self.inner.as_dict(), "index": self.index}


class ReaderGone(Exception):
    """Whoever read the output has closed it: `coopbank entries | head`."""


def guarded(work: Callable[[], Any], *, as_json: bool) -> int:
    """Run the program; returns its exit code, having said what went wrong."""
    with heeded() as asked:
        try:
            code = work()
            output.flush()
        except Exception as error:
            return _reported(error, as_json)
        except KeyboardInterrupt:
            return _said_interrupted(asked)
        if code == INTERRUPTED or asked:
            return _said_interrupted(asked)
        return code if isinstance(code, int) else DONE


def _reported(error: Exception, as_json: bool) -> int:
    if isinstance(error, ReaderGone | BrokenPipeError):
        _discard_output()
        return DONE
    refusal = as_refusal(error)
    try:
        say(refusal, as_json)
        output.flush()
    except (ReaderGone, OSError):
        _discard_output()
        output.narrate(_sentence(refusal))
    return refusal.inner.exit_code if isinstance(refusal, InList) else refusal.exit_code


def say(refusal: CoopbankError, as_json: bool) -> None:
    """Print a refusal in the form that was asked for."""
    if as_json:
        output.document({"error": refusal.as_dict()})
        return
    output.narrate(_sentence(refusal))
    for place, fault in enumerate(getattr(refusal, "faults", ())):
        where = [_("row {row}").format(row=fault["row"])] if fault.get("row") else []
        where += [_("column {column}").format(column=fault["column"])] if fault.get("column") else []
        if where:
            output.narrate(f"  {', '.join(where)}: {fault.get('reason')}")
        elif place:  # the first that is wrong with the file as a whole stands in the sentence itself
            output.narrate(f"  {fault.get('reason')}")


def _sentence(refusal: CoopbankError) -> str:
    """The sentence for people; a wrong value is said to stand in its field where the sentence does not name it."""
    text, field = str(refusal), refusal.field
    if isinstance(refusal, InvalidValue) and field and field not in text:
        return f"coopbank: {_place(field)}: {text}"
    return f"coopbank: {text}"


def _place(field: str) -> str:
    """`lines.0.account` as people count: `lines 1, account`."""
    return re.sub(r"\.([0-9]+)", lambda found: f" {int(found[1]) + 1}", field).replace(".", ", ")


def as_refusal(error: Exception) -> CoopbankError:
    """Any exception as one of the tree in errors.py."""
    if isinstance(error, CoopbankError):
        return error
    typer = sys.modules.get("typer")  # what was not loaded has raised nothing
    if typer is not None and isinstance(error, typer.TyperException):
        return _usage(error)
    if isinstance(error, EOFError) or (typer is not None and isinstance(error, typer.Abort)):
        return WrongUsage("Nothing was done: the question was not answered.")
    if isinstance(error, ModuleNotFoundError):
        return _missing(error)
    if isinstance(error, OSError):
        return _file_fault(error)
    if isinstance(error, MemoryError):
        return WrongUsage("The system refused it: {why}.", why=_("there is not enough memory"))
    return _unforeseen(error)


#: What Typer and Pydantic say, and how it is said here. Each stands before what was typed.
_THEIR_WORDS = (
    ("Invalid value for ", "Wrong value for "),
    (": Value error, ", ": "),
    (": Input should be a valid integer, unable to parse string as an integer", ": it has to be a whole number"),
    (": Input should be ", ": it has to be "),
)


def _usage(error: typer.TyperException) -> WrongUsage:
    """What Typer says about a command line, as one sentence."""
    text = " ".join(error.format_message().split())
    for theirs, ours in _THEIR_WORDS:
        text = text.replace(theirs, ours, 1)
    parameter = getattr(error, "param", None)
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "coopbank"
    text = text if text.endswith((".", "?", "!")) else f"{text}."
    meant = re.match("No such command '([a-z-]+)'", text)
    if meant is not None and (operation := _operation_named(meant[1])) is not None:
        return WrongUsage("{text}", text=text, operation=operation, hint="It is an operation: coopbank do {operation}")
    return WrongUsage(
        "{text}", text=text, field=None if parameter is None else parameter.name, path=path, hint="See: {path} --help"
    )


def _operation_named(word: str) -> str | None:
    """The operation that somebody took for a command."""
    import coopbank.bank.bank  # noqa: F401  (fills the catalogue)
    from coopbank.bank.operation import CATALOGUE

    cls = CATALOGUE.get(word)
    return None if cls is None or cls.internal else word


def _missing(error: ModuleNotFoundError) -> CoopbankError:
    name = error.name or ""
    if name.split(".")[0] == "psycopg":
        return DatabaseUnusable(
            "PostgreSQL needs the package psycopg, which is not installed.",
            hint="Install it with: pip install 'coopbank[postgresql]'",
        )
    if name.split(".")[0] == "coopbank":
        return WrongUsage("This installation has no {name}.", name=name, hint="Install coopbank anew.")
    return _unforeseen(error)


def _file_fault(error: OSError) -> CoopbankError:
    why = (error.strerror or str(error) or type(error).__name__).lower()
    if isinstance(error, output.Unprinted):
        return WrongUsage(
            "What was to be printed could not be written: {why}.", why=why,
            hint="What was asked for may be done all the same: look before giving it again.",
        )  # fmt: skip
    if error.filename is None:
        return WrongUsage("The system refused it: {why}.", why=why)
    return WrongUsage("{file} cannot be used: {why}.", file=str(error.filename), why=why)


def _unforeseen(error: Exception) -> Unforeseen:
    """The last resort: what happened is kept in a file, and the person is told what to do."""
    what = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    where = _kept(error)
    if where is None:
        return Unforeseen(
            "The program failed, which is a fault in it ({what}).", what=what,
            hint="Check the books with: coopbank verify, and please report what you did.",
        )  # fmt: skip
    return Unforeseen(
        "The program failed, which is a fault in it ({what}).", what=what, where=where,
        hint="Check the books with: coopbank verify. The details are in {where}; please report it with that file.",
    )  # fmt: skip


def _kept(error: Exception) -> str | None:
    try:
        path: Path = state_folder() / "last-fault.txt"
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", errors="replace") as file:
            traceback.print_exception(error, file=file)
    except (OSError, CoopbankError):
        return None
    return str(path)


def _said_interrupted(asked: list[int]) -> int:
    with suppress(OSError):  # the terminal may be what went away
        output.narrate(
            "coopbank: "
            + _("Interrupted. Nothing is half done; what no receipt tells of may be done all the same: look first.")
        )
    return 128 + asked[0] if asked else INTERRUPTED


def _discard_output() -> None:
    """Let what is still buffered go nowhere, so that the interpreter does not complain at its end."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return
