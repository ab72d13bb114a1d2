"""Makes docs/keys.md: the keys of every screen of the counter, read off the bindings that the program itself uses."""

# ruff: noqa: E501  (a sentence of the page is a line)

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

from textual.binding import Binding

import coopbank.tui.screens as screens
from coopbank.tui.screens.base import CounterModal, CounterScreen

_SHOWN = {
    "escape": "Esc", "enter": "Enter", "left": "←", "right": "→", "up": "↑", "down": "↓", "pageup": "PgUp", "pagedown": "PgDn",
    "tab": "Tab",
}  # fmt: skip


def every_screen() -> list[type[Any]]:
    """The screens of the counter that somebody sees, by the title of their help."""
    found: set[type[Any]] = set()
    for module in pkgutil.iter_modules(screens.__path__):
        names = vars(importlib.import_module(f"coopbank.tui.screens.{module.name}"))
        found.update(
            cls for cls in names.values()
            if isinstance(cls, type) and issubclass(cls, (CounterScreen, CounterModal)) and "HELP" in cls.__dict__
        )  # fmt: skip
    return sorted(found, key=lambda cls: (title(cls), cls.__name__))


def title(cls: type[Any]) -> str:
    """What a screen's help calls it."""
    return str(cls.HELP).strip().splitlines()[0].removeprefix("# ")


def keys(cls: type[Any]) -> Iterator[tuple[str, str]]:
    """The keys of a screen, those of the screens that it is made from included, each once."""
    seen: set[str] = set()
    for base in cls.__mro__:
        if not base.__module__.startswith("coopbank."):
            continue
        for binding in Binding.make_bindings(base.__dict__.get("BINDINGS", [])):
            if binding.key not in seen:
                seen.add(binding.key)
                yield binding.key_display or shown(binding.key), binding.description


def shown(key: str) -> str:
    """A key as it stands on a keyboard."""
    if key.startswith("ctrl+"):
        return f"Ctrl+{key[5:].upper()}"
    return _SHOWN.get(key, key.upper())


def page(place: str) -> str:
    """The page; no books are needed."""
    del place
    lines = [
        "# Keys of the counter", "",
        "Made from the program by `make docs`. F-keys, Esc and Ctrl with a letter work while one types in a field; no letter",
        "and no digit is bound where one types. F1 on any screen shows what is possible there.", "",
        "Everywhere: **Tab**, **Shift+Tab**, **↑ ↓** go from field to field, **Esc** one step back, **Ctrl+P** lists everything",
        "by name, **Ctrl+Q** leaves.", "",
    ]  # fmt: skip
    for cls in every_screen():
        rows = [f"| {key} | {what} |" for key, what in keys(cls) if what]
        if rows:
            lines += [f"## {title(cls)}", "", "| key | |", "|---|---|", *rows, ""]
    return "\n".join(lines).rstrip() + "\n"
