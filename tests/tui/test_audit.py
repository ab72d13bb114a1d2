"""The audit desk, and books that are only read: nothing is written, nothing is offered that cannot be done."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest

from coopbank.errors import DatabaseMissing
from coopbank.tui.app import Counter
from coopbank.tui.places import PLACES
from coopbank.tui.reading import open_reading
from coopbank.tui.screens.accounts import OperationScreen
from coopbank.tui.screens.audit import AuditScreen, ExportScreen, FindingsScreen, MembersScreen, VerifyScreen
from coopbank.tui.screens.home import HomeScreen
from coopbank.tui.screens.loan import LoanScreen
from coopbank.tui.screens.review import ReviewScreen
from tests.support_bank import new_bank
from tests.tui.support import WORDS, Hand, counter


def fingerprint(folder: Path) -> dict[str, str]:
    return {
        str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir()) if file.is_file()
    }


async def open_line(hand: Hand, title: str) -> None:
    rows = hand.app.screen.query_one("#audit-desk")
    await hand.press("home")
    for _ in range(12):
        if rows.chosen.title == title:  # type: ignore[attr-defined]
            break
        await hand.press("down")
    await hand.press("enter")


async def at_the_desk(hand: Hand) -> None:
    await hand.until(lambda: isinstance(hand.app.screen, AuditScreen), "the audit desk")
    await hand.until(lambda: hand.app.standing is not None)
    await hand.quiet()


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_books_that_are_only_read_are_proven_and_looked_at(
    book: str, tmp_path: Path, size: tuple[int, int]
) -> None:
    before = fingerprint(tmp_path)
    async with counter(book, size=size, read_only=True) as hand:
        await at_the_desk(hand)
        await hand.see("READ-ONLY")
        await hand.see("a copy that was made when the counter was opened")
        await open_line(hand, "Prove the books")
        await hand.on(VerifyScreen)
        await hand.see("The books are right: ")
        await hand.see("cannot exclude: that operations were cut")
        await hand.press("enter")
        await hand.on(FindingsScreen)
        await hand.see("It found nothing.")
        await hand.press("escape", "escape")
        await open_line(hand, "Members")
        await hand.on(MembersScreen)
        await hand.type("tassel")
        await hand.press("enter")
        await hand.see("walk-in cooler")
        for key in ("f3", "f4", "f5", "f6", "f8", "f9", "f10", "ctrl+s"):
            await hand.press(key)
        assert isinstance(hand.app.screen, MembersScreen)
        await hand.press("ctrl+l")
        await hand.on(LoanScreen)
        await hand.press("f5")
        await hand.quiet()
        assert isinstance(hand.app.screen, LoanScreen)
        assert "F5 Payment" not in hand.screen_text()
        folder = hand.app.session.reading.folder  # type: ignore[union-attr]
        assert folder is not None
        assert folder.stat().st_mode & 0o077 == 0
    assert fingerprint(tmp_path) == before
    assert not folder.exists()


async def test_every_place_of_books_that_are_only_read_offers_nothing_that_posts(book: str, tmp_path: Path) -> None:
    before = fingerprint(tmp_path)
    async with counter(book, read_only=True) as hand:
        await at_the_desk(hand)
        for place in PLACES:
            if not place.offered(hand.app.session) or place.name == "audit":
                continue
            hand.app.action_go_to(place.name)
            await hand.quiet()
            for number in (3, 4, 5, 6, 8, 9, 10):
                await hand.press(f"f{number}")
                await hand.quiet()
                assert not isinstance(hand.app.screen, ReviewScreen), place.name
            while not isinstance(hand.app.screen, AuditScreen):
                await hand.press("escape")
                await hand.quiet()
        assert not hand.app.session.powers
        await hand.press("ctrl+p")
        await hand.type("deposit")
        await hand.quiet()
        assert "Pay into savings" not in hand.screen_text()
    assert fingerprint(tmp_path) == before


async def test_what_is_wrong_is_named_and_opens_the_operation(book: str) -> None:
    with sqlite3.connect(book) as raw:
        for name in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {name[0]}")
        raw.execute("UPDATE operation SET actor = 'eve' WHERE id = 20")
    raw.close()
    async with counter(book, read_only=True) as hand:
        await at_the_desk(hand)
        await open_line(hand, "Prove the books")
        await hand.see("The books are wrong")
        await hand.see("WRONG")
        rows = hand.app.screen.query_one("#verdicts")
        found = None
        for _ in range(6):
            found = next((each for each in rows.chosen.findings if each.operation), None)  # type: ignore[attr-defined]
            if found:
                break
            await hand.press("down")
        assert found is not None
        await hand.press("enter")
        await hand.on(FindingsScreen)
        while hand.app.screen.query_one("#findings").chosen.operation is None:  # type: ignore[attr-defined]
            await hand.press("down")
        await hand.press("enter")
        await hand.on(OperationScreen)


async def test_the_books_are_taken_along(book: str, tmp_path: Path) -> None:
    async with counter(book, read_only=True) as hand:
        await at_the_desk(hand)
        await open_line(hand, "Take it along")
        await hand.on(ExportScreen)
        await hand.press("f9")
        await hand.see("Name a folder first")
        await hand.type(str(tmp_path / "out"))
        await hand.press("f9")
        await hand.see("files were written")
    assert list((tmp_path / "out").glob("GL_Detail_*.csv"))


async def test_an_auditor_who_signs_in_comes_to_the_desk_first(tmp_path: Path) -> None:
    place = str(tmp_path / "ledger.db")
    with new_bank(place) as small:
        small.agreed("add-user", small.admin, small.tom, user="aud", full_name="Audra Lee", user_roles=["auditor"])
        small.give_passphrase("aud", WORDS)
    async with counter(place) as hand:
        await hand.sign_in("aud")
        await at_the_desk(hand)
        await hand.press("escape")
        await hand.on(HomeScreen)
        assert "F3" not in hand.screen_text()


def test_a_folder_that_cannot_be_written_is_read_in_place(book: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(book)) as driver:
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with suppress(FileNotFoundError):
        Path(book + "-wal").unlink()
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    reading = open_reading(book)
    assert not reading.is_copy
    assert reading.place == book


def test_a_copy_is_private_and_goes_away(book: str) -> None:
    reading = open_reading(book)
    assert reading.folder is not None
    assert Path(reading.place).read_bytes() == Path(book).read_bytes()
    reading.close()
    assert not reading.folder.exists()
    with pytest.raises(DatabaseMissing):
        open_reading(book + ".none")


def test_a_journal_that_goes_while_it_is_copied_keeps_nobody_out(book: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last writer who leaves brings its journal into the books and takes it away."""
    copyfile, writer = shutil.copyfile, sqlite3.connect(book)
    writer.execute("PRAGMA user_version = 7")
    assert Path(book + "-wal").stat().st_size

    def copied(source: Path, target: Path) -> object:
        if source.name.endswith("-wal"):
            writer.close()
        return copyfile(source, target)

    monkeypatch.setattr(shutil, "copyfile", copied)
    reading = open_reading(book)
    assert reading.is_copy and not Path(book + "-wal").exists()
    with closing(sqlite3.connect(reading.place)) as driver:
        assert driver.execute("PRAGMA user_version").fetchone() == (7,)
    reading.close()


def test_the_command_line_opens_it(book: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import coopbank.tui
    from coopbank.cli.commands import counter as command
    from coopbank.cli.door import Door

    asked: list[object] = []
    monkeypatch.setattr(coopbank.tui, "run", lambda place, **more: asked.append((place, more)) or 0)
    with pytest.raises(BaseException, match="0"):
        command.open_counter(Door(book, None), read_only=True)
    assert asked == [(book, {"user": None, "read_only": True, "read_place": None})]
    assert Counter(book, read_only=True)._read_only
