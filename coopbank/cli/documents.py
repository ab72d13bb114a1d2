"""The documents that commands take, from a file or standard input for `-`, and files that they are told to write."""

from __future__ import annotations

import json
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from coopbank.errors import AlreadyExists, DatabaseUnusable, WrongUsage
from coopbank.money import quoted

LARGEST_DOCUMENT = 64 * 1024 * 1024
"""Bytes; a list of operations that is longer is an import."""


def read_text(name: str, field: str = "file") -> str:
    """The text of a file, or of standard input for `-`."""
    if name == "-" and sys.stdin is not None and not sys.stdin.isatty():
        content = (
            sys.stdin.buffer.read(LARGEST_DOCUMENT + 1) if hasattr(sys.stdin, "buffer") else sys.stdin.read().encode()
        )
    elif name == "-":
        raise WrongUsage(
            "Nothing comes in on standard input.", field=field, hint="Pipe the document in, or name a file."
        )
    else:
        content = _file_content(name, field)
    if len(content) > LARGEST_DOCUMENT:
        raise WrongUsage(
            "{file} is too large.", field=field, file=quoted(name), hint="Split it, or use: coopbank import"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise WrongUsage(
            "{file} is not text in UTF-8: byte {place} is not.", field=field, file=quoted(name), place=error.start + 1
        ) from None


def _file_content(name: str, field: str) -> bytes:
    try:
        with Path(name).open("rb") as file:
            return file.read(LARGEST_DOCUMENT + 1)
    except FileNotFoundError:
        raise WrongUsage("There is no file {file}.", field=field, file=quoted(name)) from None
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or str(error)).lower()
        raise WrongUsage("{file} cannot be read: {why}.", field=field, file=quoted(name), why=why) from None


def write_new(file: Path, content: bytes, field: str) -> None:
    """A file that is there whole, and its owner's alone. What bears its name already stays: it may be the books."""
    from coopbank.bank.whole_files import whole_file

    try:
        if _is_that_already(file, content):
            return
        if file.exists() or file.is_symlink():
            raise AlreadyExists(
                "{place} exists already; nothing was changed.", field=field, place=str(file), hint="Name another file."
            )
        with whole_file(file) as (opened, _part):
            opened.write(content)
    except DatabaseUnusable as error:
        raise WrongUsage(
            "{file} cannot be written: {why}.", field=field, file=str(file), why=error.values["why"]
        ) from error
    except (OSError, ValueError) as error:  # no name that a file can have
        why = (getattr(error, "strerror", None) or str(error)).lower()
        raise WrongUsage("{file} cannot be written: {why}.", field=field, file=str(file), why=why) from error


def _is_that_already(file: Path, content: bytes) -> bool:
    return file.is_file() and file.stat().st_size == len(content) and file.read_bytes() == content


def read_json(text: str, field: str = "file") -> Any:
    """What a JSON text says; numbers with a fraction stay exact decimals."""
    try:
        return json.loads(text, object_pairs_hook=_once, parse_float=Decimal, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise WrongUsage(
            "This is not JSON: {why}, line {line} column {column}.", field=field, why=error.msg, line=error.lineno,
            column=error.colno,
        ) from None  # fmt: skip
    except RecursionError:
        raise WrongUsage("This JSON is nested too deeply.", field=field) from None
    except ValueError as error:
        raise WrongUsage("This JSON cannot be read: {why}.", field=field, why=str(error)) from None


def _once(found: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(found)
    if len(names) != len(found):
        double, _times = Counter(name for name, _value in found).most_common(1)[0]
        raise WrongUsage("{name} is given twice in one object.", field=double, name=quoted(double))
    return names


def _no_number(name: str) -> NoReturn:
    raise WrongUsage("{name} is not a number that JSON knows.", name=name)
