"""Undo where the cash of a closed drawer is part of it: what is done instead is said before anything is posted."""

from __future__ import annotations

import pytest

from coopbank.tui.screens.entry import EntryScreen
from coopbank.tui.screens.journal import EntryDetailScreen
from tests.tui.support import Hand, assert_book, balance, counter, operations


async def undo_of_the_oldest_saving(hand: Hand) -> None:
    """Ada's deposit of Monday: drawer D1 was counted and closed since, and opened again."""
    await hand.sign_in("ana")
    await hand.type("ada")
    await hand.quiet()
    await hand.press("enter", "tab", "tab", "enter")
    await hand.on(EntryDetailScreen)
    await hand.see("first money")
    await hand.press("f6")
    await hand.on(EntryScreen)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_cash_that_was_counted_since_is_not_moved_back(book: str, size: tuple[int, int]) -> None:
    before = balance(book, "739/D1", "POOL"), balance(book, "905/M0001")
    async with counter(book, size=size) as hand:
        await undo_of_the_oldest_saving(hand)
        await hand.type("the wrong [red]member")
        await hand.see("! Drawer D1 was closed since: its cash is counted and is not moved back.")
        said = " ".join(hand.screen_text().split())
        assert "Correct the other side instead (correct), or pay the money in or out anew." in said
        assert "Not possible like this." in said
        await hand.press("f9")
        await hand.quiet()
        assert isinstance(hand.app.screen, EntryScreen)  # no review, so nothing that could be posted
        assert "Drawer D1 was closed since" in hand.status()
        await hand.press("enter", "enter")
        await hand.quiet()
        assert isinstance(hand.app.screen, EntryScreen)
    assert operations(book, "reverse") == 0
    assert (balance(book, "739/D1", "POOL"), balance(book, "905/M0001")) == before
    assert_book(book)
