"""What a terminal remembers of whoever works at it: language, colours, when it locks itself.

Kept outside the books, in `counter.json` under XDG_CONFIG_HOME (`~/.config` if that is not
set): nothing of it has to do with money, and two terminals of one bank may differ. A file
that cannot be read counts as none; one that cannot be written costs nothing but the memory.
COOPBANK_LANGUAGE beats the language that is kept; where none is kept, it is the system's, if we speak that.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

from coopbank.bank.whole_files import make_folder
from coopbank.words import LANGUAGES

THEMES: Final = ("coopbank-dark", "coopbank-light", "coopbank-contrast", "ansi-dark", "ansi-light")
LOCK_MINUTES: Final = (0, 2, 5, 10, 30)  # 0: never


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a terminal."""

    language: str = "en"
    theme: str = THEMES[0]
    lock_minutes: int = 5
    guide: bool = True  # shown in a practice bank


def load() -> Settings:
    """The settings that are kept, or those of a new terminal; what is not understood is left out."""
    held = _read()
    kept = {field.name: held[field.name] for field in fields(Settings) if _fits(field.name, held.get(field.name))}
    language = os.environ.get("COOPBANK_LANGUAGE", "")[:2].lower()
    if language in LANGUAGES:
        kept["language"] = language
    return Settings(**{"language": _of_the_system(), **kept})


def _of_the_system() -> str:
    """The language that the system speaks with whoever works here, if we speak it; English otherwise."""
    named = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return named[:2] if re.fullmatch(r"(en|es)([_.@].*)?", named) else "en"


def save(settings: Settings) -> bool:
    """Keep them; whether that was possible."""
    path = _file()
    try:
        make_folder(path.parent)
        part = path.with_name(f"{path.name}.{os.getpid()}")
        part.touch(mode=0o600)
        part.write_text(json.dumps(asdict(settings), indent=1) + "\n", encoding="utf-8")
        part.replace(path)
    except OSError:
        return False
    return True


def _fits(name: str, value: Any) -> bool:
    offered: tuple[Any, ...] = {
        "language": LANGUAGES,
        "theme": THEMES,
        "lock_minutes": LOCK_MINUTES,
        "guide": (True, False),
    }[name]
    return any(type(value) is type(each) and value == each for each in offered)


def _read() -> dict[str, Any]:
    try:
        held = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return held if isinstance(held, dict) else {}


def _file() -> Path:
    named = os.environ.get("XDG_CONFIG_HOME", "")
    try:
        base = Path(named) if Path(named).is_absolute() else Path.home() / ".config"
    except RuntimeError:  # nobody's home: nothing is kept
        base = Path("/nonexistent")
    return base / "coopbank" / "counter.json"
