"""Keys: none is bound twice on a screen, and none that somebody types into a field."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from textual.app import App
from textual.binding import Binding
from textual.screen import Screen

import coopbank.tui.screens as screens
from coopbank.tui.app import Counter


def every_screen() -> list[type[Screen[object]]]:
    found: set[type[Screen[object]]] = set()
    for module in pkgutil.iter_modules(screens.__path__):
        names = vars(importlib.import_module(f"coopbank.tui.screens.{module.name}"))
        found.update(
            cls for cls in names.values()
            if isinstance(cls, type) and issubclass(cls, Screen) and cls.__module__.startswith("coopbank.")
        )  # fmt: skip
    return sorted(found, key=lambda cls: cls.__name__)


def bindings(cls: type[Screen[object]] | type[App[object]]) -> list[Binding]:
    return [b for b in Binding.make_bindings(cls.__dict__.get("BINDINGS", [])) if isinstance(b, Binding)]


@pytest.mark.parametrize("cls", [*every_screen(), Counter], ids=lambda cls: cls.__name__)
def test_keys_of_a_screen(cls: type[Screen[object]]) -> None:
    keys = [binding.key for binding in bindings(cls)]
    assert len(keys) == len(set(keys)), "a key is bound twice"
    for key in keys:
        assert len(key) > 1, f"{key} is typed into fields"
        assert key not in ("space", "comma", "full_stop", "minus", "plus", "slash", "question_mark")
        assert not key.startswith("ctrl+") or key[5:] not in "acdekuvwx", f"{key} edits a field"
        assert key != "f11", "terminals take F11 for themselves"


def test_every_screen_has_help() -> None:
    for cls in every_screen():
        if bindings(cls) and cls.__name__ not in ("CounterModal", "ListModal", "FindScreen"):
            assert getattr(cls, "HELP", None), cls.__name__
