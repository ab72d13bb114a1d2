"""The manual of the command line, `docs/cli.md`: what stands in `manual.md`, then every command as it describes itself.

    python -m coopbank.cli.manual > docs/cli.md

A test holds the file to what this writes.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from coopbank.cli.commands import app

_GLOBAL = ("--db", "--as", "--version", "--install-completion", "--show-completion", "--help")

_HEAD = Path(__file__).with_name("manual.md")


def manual() -> str:
    """The whole text."""
    parts = [_HEAD.read_text(encoding="utf-8")]
    for path, command in _commands(get_command(app), ()):
        parts.append("\n".join(_section(path, command)))
    return "\n".join(parts)


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, each in command.commands.items():
        if hasattr(each, "commands"):
            yield from _commands(each, (*path, name))
        else:
            yield (*path, name), each


def _section(path: tuple[str, ...], command: Any) -> Iterator[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    own = [p for p in command.params if p.param_type_name == "option" and not p.hidden and p.opts[0] not in _GLOBAL]
    shown = [p.metavar if p.required else f"[{p.metavar}]" for p in arguments]
    if path == ("do",):
        shown = ["NAME --FIELD VALUE ... | --json FILE|-"]
    shown += [_spelled(p) for p in own if p.required]
    options = ["[OPTIONS]"] if any(not p.required for p in own) else []
    yield f"### {' '.join(path)}\n"
    yield f"    coopbank {' '.join([*path, *shown, *options])}\n"
    yield _text(command.help) + "\n"
    rows = [(p.metavar, p.help or "") for p in arguments] + [(_spelled(p), _explained(p)) for p in own]
    if rows:
        yield "| | |"
        yield "|---|---|"
        yield from (f"| `{name.replace('|', '&#124;')}` | {text.replace('|', '&#124;')} |" for name, text in rows)
        yield ""


def _spelled(option: Any) -> str:
    choices = option.type_descriptor.choices
    if choices:
        return f"{option.opts[0]} {' / '.join(str(choice.value) for choice in choices)}"
    return f"{option.opts[0]} {option.metavar}" if option.metavar else str(option.opts[0])


def _explained(option: Any) -> str:
    default = option.default
    if default in (None, False, "", []) or option.required:
        return option.help or ""
    return f"{option.help} Default: {getattr(default, 'value', default)}."


def _text(docstring: str | None) -> str:
    return inspect.cleandoc(docstring or "")


if __name__ == "__main__":
    sys.stdout.write(manual())
