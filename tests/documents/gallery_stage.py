"""The stage of the error gallery: small banks at which a case can happen, and the program run there in this process.

A scene is a founded bank and the steps that led to it, one a line:

    ana deposit member=M0001 amount=150.00             done by ana
    ana+tom redeem-shares member=M0001 amount=25.00    asked for by ana, approved by tom
    ana? redeem-shares member=M0001 amount=25.00       asked for by ana, left waiting
    @gift tom receive-gift ...                         the operation's number is {gift} in the commands of cases
    day 2026-03-05                                     the days up to then are closed and it is opened
    clock 2025-03-05T18:00                             the computer's clock is set, and nothing else happens

Clock, salts and keys are fixed, so that the same scene is the same books, byte for byte.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import shlex
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from argon2 import PasswordHasher
from typer import main as typer_main

from coopbank.bank import passphrases
from coopbank.bank.bank import Bank
from coopbank.bank.verify import verify
from coopbank.cli import main
from coopbank.cli.commands import app_for
from coopbank.clock import SetClock
from coopbank.database import Database
from coopbank.errors import CoopbankError
from coopbank.ledger.verify import wrong
from tests.support_bank import PASSPHRASE, SmallBank, new_bank

STAFF = ("admin", "ana", "tom", "sue")
BOOKS = "ledger.db"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # signing in costs what the hash names
_get_command = typer_main.get_command


@cache
def _command(app: Any) -> Any:
    """The tree of all commands, made once and not for each case, which would load its own only."""
    app_for(["--help"])
    return _get_command(app)


@dataclass
class Scene:
    """A bank at rest: its file, what its clock says, and the operations that have a name."""

    folder: Path
    clock: datetime
    numbers: dict[str, int] = field(default_factory=dict)
    logged: list[Any] | None = None  # all that is sealed, where whoever runs the program in it keeps that

    @property
    def place(self) -> Path:
        return self.folder / BOOKS

    def assert_books(self) -> None:
        """After all that was refused in it, the books prove themselves."""
        database = Database.open(str(self.place), read_only=True)
        try:
            found = wrong(verify(database))
        finally:
            database.close()
        assert not found, f"{self.folder.name}: {found}"

    def copied(self, folder: Path) -> Scene:
        """The same in another folder."""
        folder.mkdir(parents=True)
        if self.place.exists():
            shutil.copy(self.place, folder / BOOKS)
        return Scene(folder, self.clock, dict(self.numbers))

    def play(self, steps: str) -> None:
        """Let the steps happen."""
        clock = SetClock(self.clock)
        bank = Bank.open(str(self.place), clock=clock, nonce=nonces(f"{self.folder.name} {steps}"))
        try:
            small = SmallBank(bank, clock)
            for step in filter(None, map(str.strip, steps.splitlines())):
                _step(small, filled(step, self.numbers), self.numbers)
        finally:
            bank.close()
        self.clock, self.logged = clock.instant, None


def filled(text: str, numbers: Mapping[str, int]) -> str:
    """The text with the numbers of operations in place of their names; other braces, as JSON has them, stay."""
    return re.sub(r"\{([a-z]+)\}", lambda found: str(numbers.get(found[1], found[0])), text)


def found_scene(folder: Path, **founding: Any) -> Scene:
    """A founded bank whose staff can all sign in."""
    folder.mkdir(parents=True)
    scene = Scene(folder, datetime.min)
    with patch.object(passphrases, "_hasher", CHEAP), new_bank(str(scene.place), **founding) as small:
        with small.bank.database.write() as tx:
            for user in STAFF:
                passphrases.set_passphrase(tx, user, PASSPHRASE)
        scene.clock = small.clock.instant
    return scene


def _step(small: SmallBank, step: str, numbers: dict[str, int]) -> None:
    words = shlex.split(step)
    if words[0] == "day":
        small.go_to(words[1])
        return
    if words[0] == "clock":
        small.clock.instant = datetime.fromisoformat(words[1] + "+00:00")
        return
    name = words.pop(0).removeprefix("@") if words[0].startswith("@") else None
    who, operation, *fields = words
    values = {key: _value(text) for key, _equals, text in (each.partition("=") for each in fields)}
    asker, plus, approver = who.rstrip("?").partition("+")
    if plus:
        done = small.agreed(operation, by=getattr(small, asker), approver=getattr(small, approver), **values)
    elif who.endswith("?"):
        done = small.ask(operation, getattr(small, asker), **values)
        assert done.status == "pending", step
    else:
        done = small.do(operation, by=getattr(small, asker), key=values.pop("key", None), **values)
    if name is not None:
        numbers[name] = done.number


def _value(text: str) -> Any:
    return json.loads(text) if text[:1] in ("[", "{") else text


def nonces(label: str) -> Callable[[int], bytes]:
    """Salts and keys that a label decides."""
    count = 0

    def nonce(size: int = 32) -> bytes:
        nonlocal count
        count += 1
        return hashlib.sha256(f"{label} {count}".encode()).digest()[:size]

    return nonce


# ------------------------------------------------------------------------------ the program


@dataclass(frozen=True)
class Shown:
    """What a run of the program came to."""

    code: int
    text: str
    refusal: CoopbankError | None
    met: tuple[CoopbankError, ...]  # every refusal that was made on the way


def run_program(scene: Scene, command: str, *, stdin: str = "", env: Mapping[str, str | None] | None = None) -> Shown:
    """Run `coopbank ...` in the scene's folder; nobody sits at a terminal."""
    program, *words = shlex.split(command)
    assert program == "coopbank", command
    met: list[CoopbankError] = []
    said: list[CoopbankError] = []
    out = io.StringIO()
    with ExitStack() as stack:
        for each in _fixed(scene, env or {}, stdin, out, met, said):
            stack.enter_context(each)
        code = main(words)
    return Shown(code, out.getvalue(), said[-1] if said else None, tuple(met))


def _fixed(
    scene: Scene, env: Mapping[str, str | None], stdin: str, out: io.StringIO, met: list[CoopbankError],
    said: list[CoopbankError],
) -> Iterator[AbstractContextManager[Any]]:  # fmt: skip
    from coopbank.cli import faults

    say, made = faults.say, CoopbankError.__init__

    def say_and_keep(refusal: CoopbankError, as_json: bool) -> None:
        said.append(refusal)
        say(refusal, as_json)

    def make_and_keep(self: CoopbankError, *args: Any, **values: Any) -> None:
        made(self, *args, **values)
        met.append(self)

    kept = {"XDG_STATE_HOME": str(scene.folder / "state"), "COOPBANK_PASSPHRASE": PASSPHRASE, "COOPBANK_DB": None}
    wanted = {**kept, **env}
    yield contextlib.chdir(scene.folder)
    yield patch.dict(os.environ, {name: value for name, value in wanted.items() if value is not None})
    yield _without([name for name, value in wanted.items() if value is None])
    yield contextlib.redirect_stdout(out)
    yield contextlib.redirect_stderr(out)
    yield patch.object(sys, "stdin", io.StringIO(stdin))
    yield patch("coopbank.bank.bank.SystemClock", lambda: SetClock(scene.clock))
    yield patch("coopbank.bank.bank.secrets.token_bytes", nonces(f"{scene.folder.name} program {_operations(scene)}"))
    yield patch.object(passphrases, "_hasher", CHEAP)
    yield patch.object(faults, "say", say_and_keep)
    yield patch.object(typer_main, "get_command", _command)
    yield patch.object(CoopbankError, "__init__", make_and_keep)


@contextmanager
def _without(names: list[str]) -> Iterator[None]:
    taken = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(taken)


def _operations(scene: Scene) -> int:
    return len(scene.logged or sealed(scene) or [])


def sealed(scene: Scene) -> list[Any] | None:
    """The operations of the books; None where there are no books to ask."""
    try:
        with contextlib.closing(sqlite3.connect(f"{scene.place.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT kind, actor FROM operation ORDER BY id").fetchall()
    except sqlite3.Error:
        return None
