"""The counter opened without Typer: only where Typer would open the same one, and loading nothing for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command

from coopbank.cli import opening
from coopbank.cli.commands import app_for
from coopbank.cli.door import Door
from coopbank.errors import CoopbankError, WrongUsage

Opened = tuple[Door, bool]
PROGRAM = "import sys; from coopbank.cli import main; sys.exit(main())"
_OPTIONS = ("--db", "--as", "--read-db")
_WORDS = (
    "counter", "members", "--read-only", "--json", "--help", "--version", "--", "-x", "", "books.db", "ana", "a=b",
    "postgresql://one", "postgresql+psycopg://u:p@h/b", *_OPTIONS,
)  # fmt: skip


def sit_down(patch: pytest.MonkeyPatch) -> None:
    """As if somebody sat at a terminal, with nothing set."""
    for name in ("COOPBANK_DB", "COOPBANK_READ_DB", "_COOPBANK_COMPLETE"):
        patch.delenv(name, raising=False)
    for module in ("coopbank.cli.opening", "coopbank.cli.app", "coopbank.cli.commands"):
        patch.setattr(f"{module}.at_a_terminal", lambda: True)


def by_typer(arguments: list[str]) -> Opened | str:
    """What Typer makes of a command line: the counter that it would open, or what it refuses."""
    opened: list[Opened] = []

    def note(door: Door, *, read_only: bool = False) -> int:
        opened.append((door, read_only))
        return 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "open_counter", note)
        try:
            get_command(app_for(arguments)).main(args=arguments, prog_name="coopbank", standalone_mode=False)
        except CoopbankError as refusal:
            return str(refusal)
    (found,) = opened
    return found


@pytest.fixture
def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    sit_down(monkeypatch)


def plainly(arguments: list[str]) -> Opened | str | None:
    try:
        return opening.plainly(arguments)
    except CoopbankError as refusal:
        return str(refusal)


@pytest.mark.parametrize(
    ("line", "place", "user", "read_place", "read_only"),
    [
        ("", "ledger.db", None, None, False),
        ("counter", "ledger.db", None, None, False),
        ("--db b.db", "b.db", None, None, False),
        ("--db=b.db --as ana", "b.db", "ana", None, False),
        ("--db counter counter --as counter", "counter", "counter", None, False),
        ("--as=a=b counter --db b.db --read-only", "b.db", "a=b", None, True),
        ("--read-db postgresql://one --db postgresql://two", "postgresql+psycopg://two", None,
         "postgresql+psycopg://one", False),
    ],
)  # fmt: skip
def test_it_opens_what_typer_would_open(
    at_a_terminal: None, line: str, place: str, user: str | None, read_place: str | None, read_only: bool,
) -> None:  # fmt: skip
    wanted = Door(place, user, read_place=read_place), read_only
    assert plainly(line.split()) == wanted
    assert by_typer(line.split()) == wanted


@pytest.mark.parametrize(
    "line",
    [
        "members", "--help", "--version", "counter --help", "counter --json", "--read-only", "--read-only counter",
        "--db", "--db --as ana", "--db a --db b", "counter counter", "--db b.db x", "-- counter", "--d b.db", "--db=-",
        "counter --read-only --read-only",
    ],
)  # fmt: skip
def test_all_else_is_left_to_typer(at_a_terminal: None, line: str) -> None:
    assert opening.plainly(line.split()) is None


@given(st.lists(st.sampled_from(_WORDS), max_size=5))
def test_whatever_it_opens_or_refuses_typer_does_too(arguments: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        sit_down(patch)
        found = plainly(arguments)
        if found is not None:
            assert by_typer(arguments) == found


def test_an_empty_place_is_refused_as_ever(at_a_terminal: None) -> None:
    with pytest.raises(WrongUsage, match="--db is empty"):
        opening.plainly(["--db="])


def test_completion_and_pipes_are_left_to_typer(at_a_terminal: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert opening.plainly([]) is not None
    monkeypatch.setenv("_COOPBANK_COMPLETE", "bash_complete")
    assert opening.plainly([]) is None
    monkeypatch.delenv("_COOPBANK_COMPLETE")
    monkeypatch.undo()
    assert opening.plainly([]) is None  # nobody is at a terminal here


@pytest.mark.skipif(os.name != "posix", reason="needs a terminal of Unix")
@pytest.mark.parametrize("elsewhere", [0, 1, 2])
def test_a_counter_that_nobody_would_see_is_not_opened(tmp_path: Path, elsewhere: int) -> None:
    """`coopbank 2>log` painted the counter into the log, and waited."""
    ours, theirs = os.openpty()
    with (tmp_path / "log").open("w+b") as log:
        ends: list[Any] = [log if end == elsewhere else theirs for end in range(3)]
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM, "counter"], cwd=tmp_path, check=False, timeout=120,
            stdin=ends[0], stdout=ends[1], stderr=ends[2],
        )  # fmt: skip
        log.seek(0)
        said = log.read() if elsewhere == 2 else b""
        while elsewhere != 2 and b"\n" not in said:  # a terminal hands on what it has
            said += os.read(ours, 4096)
    os.close(ours)
    os.close(theirs)
    assert (ran.returncode, b"The counter needs a terminal." in said) == (2, True)


def test_books_that_are_not_there_are_told_of(at_a_terminal: None, tmp_path: Path) -> None:
    door, read_only = opening.plainly(["--db", str(tmp_path / "none.db")]) or pytest.fail("not opened")
    with pytest.raises(CoopbankError, match="There are no books at"):
        opening.open_counter(door, read_only=read_only)
