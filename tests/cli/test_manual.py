"""docs/cli.md is what the program says of itself."""

from __future__ import annotations

from pathlib import Path

from coopbank.cli.commands import app
from coopbank.cli.manual import manual

MANUAL = Path(__file__).parents[2] / "docs" / "cli.md"


def test_the_manual_is_current() -> None:
    assert MANUAL.read_text(encoding="utf-8") == manual(), "python -m coopbank.cli.manual > docs/cli.md"


def test_the_manual_has_every_command() -> None:
    text = manual()
    names = [command.name for command in app.registered_commands]
    assert len(names) > 30
    assert [name for name in names if f"\n### {name}\n" not in text] == []
    assert "\n### user add\n" in text
