"""Starting the counter: what a shell sees of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.app import App, ComposeResult

import coopbank.tui
from coopbank.tui import queries
from coopbank.tui.queries import JournalRow
from coopbank.tui.screens.journal import JournalScreen
from coopbank.tui.screens.sign_in import SignInScreen
from coopbank.tui.session import Session
from coopbank.tui.widgets.rows import Column, RowList
from tests.tui.support import counter


def test_without_books_there_is_a_sentence_and_exit_code_4(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert coopbank.tui.run(str(tmp_path / "none.db")) == 4
    said = capsys.readouterr().err
    assert "There are no books at" in said
    assert said.count("\n") == 1


async def test_a_file_that_is_no_book_is_told_on_the_screen(tmp_path: Path) -> None:
    place = tmp_path / "letter.db"
    place.write_text("Dear treasurer, " * 100)
    async with counter(str(place)) as hand:
        await hand.see("The books cannot be opened")
        await hand.until(lambda: "is not a book of coopbank" in " ".join(hand.screen_text().replace("│", " ").split()))
        assert isinstance(hand.app.screen, SignInScreen)
        assert hand.app.failed is not None
        assert hand.app.failed.exit_code == 4


async def test_the_journal_reads_only_the_pages_that_are_seen(book: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def page(_session: Session, newest: int, count: int) -> tuple[JournalRow, ...]:
        asked.append(newest)
        return tuple(
            JournalRow(n, "2026-03-05", f"Entry {n}", 100, "ana", "Deposit", None, None)
            for n in range(newest, max(0, newest - count), -1)
        )

    monkeypatch.setattr(queries, "journal_size", lambda _session: 1_000_000)
    monkeypatch.setattr(queries, "journal_page", page)
    async with counter(book) as hand:
        await hand.sign_in("ana")
        await hand.press("f7")
        await hand.see("Entry 1000000")
        assert isinstance(hand.app.screen, JournalScreen)
        rows = hand.app.screen.query_one(RowList)
        await hand.press("end")
        await hand.see("Entry 1 ")
        await hand.press("pageup", "pageup")
        await hand.until(lambda: rows.chosen is not None)
        assert rows.chosen.number == 1_000_000 - rows.cursor
        await hand.press("f2")
        await hand.type("500000")
        await hand.press("enter")
        await hand.see("Entry 500000")
        assert len(asked) <= 6


class Listed(App[None]):
    """A list and nothing else."""

    def compose(self) -> ComposeResult:
        yield RowList((Column("", 5),), lambda item: (item,))


async def test_a_page_that_comes_late_is_not_shown_among_other_rows() -> None:
    asked: list[int] = []
    async with Listed().run_test() as pilot:
        rows = pilot.app.query_one(RowList)
        rows.show_pages(300, 100, asked.append)
        assert rows.item(150) is None and 1 in asked
        rows.show_pages(301, 100, asked.append)  # an entry more: each row stands one further down
        rows.page_came(1, ["before"] * 100)
        asked.clear()
        assert rows.item(150) is None and asked == [1]
        rows.page_came(1, ["now"] * 100)
        assert rows.item(150) == "now"
