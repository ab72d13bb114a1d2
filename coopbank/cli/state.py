"""What the command line keeps between runs: kept sign-ins, in a file that only its owner reads.

The file lies under XDG_STATE_HOME (`~/.local/state` if that is not set) and holds, for
each book, the user and a token; the book itself holds only the token's hash and when
it ends. Whoever can read the file can act as that user until then.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from coopbank.errors import WrongUsage


@dataclass(frozen=True, slots=True)
class KeptSignIn:
    """A sign-in kept by `coopbank login`."""

    user: str
    token: str


def state_folder(*, make: bool = True) -> Path:
    """The folder for what is kept between runs; made if there is none and something is to be kept."""
    named = os.environ.get("XDG_STATE_HOME", "")
    try:
        base = Path(named) if Path(named).is_absolute() else Path.home() / ".local" / "state"
    except RuntimeError:
        raise WrongUsage(
            "There is no home folder to keep anything in.", hint="Set XDG_STATE_HOME to a folder."
        ) from None
    folder = base / "coopbank"
    if make:
        from coopbank.bank.whole_files import make_folder  # little is loaded to begin with

        make_folder(folder)
    return folder


def kept_sign_in(place: str) -> KeptSignIn | None:
    """The sign-in kept for that book."""
    found = _read().get(_book_key(place))
    return KeptSignIn(**found) if found else None


def keep_sign_in(place: str, user: str, token: str) -> Path:
    """Keep a sign-in; returns the file."""
    kept = _read()
    kept[_book_key(place)] = {"user": user, "token": token}
    return _write(kept)


def forget_sign_in(place: str) -> KeptSignIn | None:
    """Take a kept sign-in away; returns what it was."""
    kept = _read()
    found = kept.pop(_book_key(place), None)
    if found is None:
        return None
    _write(kept)
    return KeptSignIn(**found)


def _book_key(place: str) -> str:
    return place if "://" in place else str(Path(place).resolve())


def _file(*, make: bool = False) -> Path:
    return state_folder(make=make) / "sign-ins.json"


def _read() -> dict[str, dict[str, str]]:
    """What is kept; a file that is not ours or that others can read counts as none."""
    try:
        path = _file()
        if path.stat().st_mode & 0o077:
            return {}
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, WrongUsage):
        return {}
    if not isinstance(held, dict):
        return {}
    return {
        place: {"user": each["user"], "token": each["token"]}
        for place, each in held.items()
        if isinstance(each, dict) and isinstance(each.get("user"), str) and isinstance(each.get("token"), str)
    }


def _write(kept: dict[str, dict[str, str]]) -> Path:
    path = _file(make=True)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(kept, file)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)  # there only if it could not be written
    return path
