"""The real program in a real terminal: keys in, screen out, and what becomes of it when the world fails."""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tui.support import WORDS, assert_book, operations
from tests.tui.terminal import CTRL_Q, ENTER, F3, F9, Terminal

#: A colour as terminals are told of it: 30-37, 38;2;r;g;b, 90-97 and the same for backgrounds.
COLOUR = re.compile(rb"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[0-9;]*)?m")


def keys_line(terminal: Terminal) -> bool:
    """Whether the lowest line is painted."""
    return bool(terminal.screen.display[-1].strip())


def sign_in(terminal: Terminal, user: str = "ana") -> None:
    terminal.type(user)  # before anything is painted: it arrives all the same
    terminal.see("real books")
    terminal.type(f"{ENTER}{WORDS}{ENTER}")
    terminal.see("F3 Pay in")  # the screen before it has an F3 of its own


def to_review(terminal: Terminal, amount: str) -> None:
    """A deposit for Ada, as far as its review. The day of the model book is long past and still open."""
    terminal.type("ada")
    terminal.see("Abernathy")
    terminal.type(ENTER + F3)
    terminal.see("Take money in")
    terminal.type(amount + F9)
    terminal.see("Enter posts")


def test_a_deposit_from_sign_in_to_receipt_and_out_again(book: str) -> None:
    with Terminal(["--db", book]) as terminal:
        sign_in(terminal)
        to_review(terminal, "12.5")
        terminal.answer(ENTER, "Head of the chain")
        terminal.answer(ENTER, "Ready for the next member")
        assert terminal.silent(6), "an idle counter sends nothing, also when it looks for what others did"
        for size in ((200, 60), (80, 24), (120, 36)):
            before = len(terminal.output)
            terminal.resize(*size)
            terminal.until(lambda before=before: len(terminal.output) > before, f"{size}")  # type: ignore[misc]
            terminal.until(lambda: "Ready for the next member" in terminal.text() and keys_line(terminal), f"{size}")
        terminal.type(CTRL_Q)
        terminal.see("Leave the counter?")
        terminal.type("\x1b[C" + ENTER)
        assert terminal.ends() == 0
        assert COLOUR.search(terminal.output)
    assert operations(book, "deposit") == 6
    assert_book(book)


def test_no_colour_where_none_is_wanted(book: str) -> None:
    with Terminal(["--db", book], env={"NO_COLOR": "1"}) as terminal:
        sign_in(terminal)
        terminal.type("ada")
        terminal.see("Abernathy")
        grey = re.compile(rb"38;2;(\d+);(\d+);(\d+)|48;2;(\d+);(\d+);(\d+)")
        shades = {tuple(filter(None, found)) for found in grey.findall(bytes(terminal.output))}
        assert all(len(set(shade)) == 1 for shade in shades), "shades of grey at most"


def test_a_counter_that_is_killed_in_the_middle_leaves_whole_books(book: str) -> None:
    with Terminal(["--db", book]) as terminal:
        sign_in(terminal)
        to_review(terminal, "12.5")
        terminal.listen(0.4)
        terminal.type(ENTER)
        terminal.kill()
    assert operations(book, "deposit") in (5, 6)
    assert_book(book)
    with Terminal(["--db", book]) as terminal:
        sign_in(terminal)


def stopped(terminal: Terminal) -> None:
    """Something stops the program and lets it go on."""
    os.kill(terminal.pid, signal.SIGSTOP)
    os.kill(terminal.pid, signal.SIGCONT)


def test_a_counter_that_was_stopped_goes_on_where_it_was(book: str) -> None:
    """What is typed keeps its order, what was painted over it is painted anew, and it ends when it is left."""
    with Terminal(["--db", book]) as terminal:
        sign_in(terminal)
        for _ in range(8):
            stopped(terminal)
            terminal.listen(0.1)
        typed = "the quick brown fox jumps over the lazy dog"
        for letter in typed:
            terminal.type(letter)
        terminal.see(typed)
        terminal.see("No member is found by that.")
        assert " ".join(terminal.text().split()).count(typed) == 1
        terminal.screen.erase_in_display(2)  # as a shell does that tells what was stopped
        stopped(terminal)
        terminal.until(lambda: "No member is found by that." in terminal.text() and keys_line(terminal), "all of it")
        terminal.type(CTRL_Q)
        terminal.see("Leave the counter?")
        terminal.type("\x1b[C" + ENTER)
        assert terminal.ends() == 0


def fill_up(disk: Path) -> None:
    """Not a byte is left."""
    handle = os.open(disk / "fill", os.O_CREAT | os.O_WRONLY)
    try:
        while os.write(handle, b"x" * 4096):
            pass
    except OSError as full:
        assert full.errno == errno.ENOSPC
    finally:
        os.close(handle)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("only who may mount can make a small disk")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def test_a_full_disk_is_told_in_words_and_the_form_stays(book: str, small_disk: Path) -> None:
    place = small_disk / "ledger.db"
    shutil.copy(book, place)
    with Terminal(["--db", str(place)]) as terminal:
        sign_in(terminal)
        to_review(terminal, "12.5")
        fill_up(small_disk)
        terminal.answer(ENTER, "no room left")
        terminal.see("12.5")
        (small_disk / "fill").unlink()
        terminal.type(F9)
        terminal.see("Enter posts")
        terminal.answer(ENTER, "Head of the chain")
    assert operations(str(place), "deposit") == 6
    assert_book(str(place))


def test_the_counter_opens_without_what_commands_are_declared_with(book: str) -> None:
    program = """
import sys
from coopbank.cli import main
code = main()
print(sorted({"typer"} & set(sys.modules)), "left with", code)
"""
    with Terminal(["--db", book], program=program) as terminal:
        terminal.see("real books")
        terminal.type(CTRL_Q)
        terminal.see("[] left with 0")
        assert terminal.ends() == 0
