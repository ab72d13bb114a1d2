"""The drawer is counted by notes and coins; what is short is said, and why."""

from __future__ import annotations

import pytest

from coopbank.tui.screens.day import DayScreen
from coopbank.tui.screens.entry import EntryScreen
from coopbank.tui.screens.receipt import ReceiptScreen
from coopbank.tui.screens.review import ReviewScreen
from coopbank.tui.widgets.pieces import PiecesRow
from tests.tui.support import Hand, assert_book, balance, counter, look


async def counting(hand: Hand, step: str = "Count your drawer") -> None:
    await hand.sign_in("ana")
    await hand.press("f8")
    await hand.on(DayScreen)
    await hand.quiet()
    await hand.press("home")
    for _ in range(8):
        chosen = hand.app.screen.query_one("#day-steps").chosen  # type: ignore[attr-defined]
        if chosen.title == step:
            break
        await hand.press("down")
    await hand.press("enter")
    await hand.on(EntryScreen)
    await hand.see("how many there are of each")


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_pieces_come_to_a_total_that_is_five_short_and_says_why(book: str, size: tuple[int, int]) -> None:
    async with counter(book, size=size) as hand:
        await counting(hand)
        assert "625.00" not in hand.screen_text()  # blind
        await hand.press("enter")
        await hand.type("6")
        await hand.press("enter")
        await hand.press("enter")
        await hand.type("1")
        await hand.see("600.00")
        await hand.see("620.00")
        for _ in range(9):
            await hand.press("enter")
        await hand.until(lambda: focused(hand) == "why")
        assert field(hand, "counted") == "620.00"
        await hand.type("a note fell behind the chest")
        await hand.press("f9")
        await hand.on(ReviewScreen)
        for said in (
            "Expected: 625.00",
            "Counted: 620.00",
            "Difference: 5.00 short",
            "6x100.00 1x20.00",
            "behind the chest",
        ):
            assert said in hand.screen_text()
        await hand.deaf_time()
        await hand.press("enter")
        await hand.on(ReceiptScreen)
    assert balance(book, "739/D1", "POOL") == 620_00
    assert balance(book, "330") == 5_00
    request = look(book, lambda books: books.tx.value("SELECT sealed FROM operation WHERE kind = 'count-drawer'"))
    assert "6x100.00 1x20.00" in str(request)
    assert "a note fell" in str(request)
    assert_book(book)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_the_largest_sum_of_a_note_is_shown_whole(book: str, size: tuple[int, int]) -> None:
    async with counter(book, size=size) as hand:
        await counting(hand)
        await hand.press("enter")
        await hand.type("999999")
        await hand.see("99,999,900.00")
        assert "…" not in next(line for line in hand.screen_text().splitlines() if "×" in line)


async def test_the_total_alone_may_be_typed_but_not_against_the_pieces(book: str) -> None:
    async with counter(book) as hand:
        await counting(hand, "Close your drawer")
        await hand.press("enter")
        await hand.type("6")
        await hand.see("600.00")
        row = next(row for row in hand.app.screen.query(PiecesRow))
        hand.app.screen.rows[0].control.focus()  # type: ignore[attr-defined]
        await hand.press("ctrl+u")
        await hand.type("625")
        await hand.press("f9")
        await hand.see("! The notes and coins come to")
        row.pieces[0].focus()
        await hand.press("ctrl+u")
        await hand.type("0")
        hand.app.screen.rows[0].control.focus()  # type: ignore[attr-defined]
        await hand.press("ctrl+u")
        await hand.type("625")
        await hand.press("f9")
        await hand.on(ReviewScreen)
        assert "Notes and coins" not in hand.screen_text()


def focused(hand: Hand) -> str:
    screen = hand.app.screen
    assert isinstance(screen, EntryScreen)
    return next((row.spec.name for row in screen.rows if row.control.has_focus), "")


def field(hand: Hand, name: str) -> str:
    screen = hand.app.screen
    assert isinstance(screen, EntryScreen)
    return screen.typed()[name]
