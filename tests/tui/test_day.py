"""The day as a checklist: what is done, next, and to be looked at; and what the day came to."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.cells import cell_len

from coopbank.tui import queries
from coopbank.tui.checklist import LOOK, NEXT, WIDEST, WORDS, Step
from coopbank.tui.screens import day
from coopbank.tui.screens.day import DayScreen
from coopbank.tui.screens.entry import EntryScreen
from coopbank.tui.screens.portfolio import LoansScreen
from coopbank.tui.screens.receipt import DayReportScreen, ReceiptScreen
from coopbank.tui.screens.review import ReviewScreen
from coopbank.tui.screens.statements import StatementsScreen
from coopbank.tui.screens.waiting import WaitingScreen
from coopbank.tui.session import Session
from coopbank.words import LANGUAGES, speaking, translate
from tests.tui.support import Hand, assert_book, counter
from tests.tui.test_two_terminals import elsewhere


async def to_line(hand: Hand, title: str) -> Step:
    """The hand on a line of the list."""
    await hand.on(DayScreen)
    await hand.see(title)
    rows = hand.app.screen.rows  # type: ignore[attr-defined]
    place = next(place for place in range(rows.count) if rows.item(place).title == title)
    await hand.burst("home", *["down"] * place)
    await hand.until(lambda: rows.cursor == place, f"the hand on {title}")
    step: Step = rows.chosen
    return step


async def post_and_go_on(hand: Hand) -> None:
    """From the form to the receipt, and past it."""
    await hand.post()
    await hand.on(ReceiptScreen)
    await hand.deaf_time()
    await hand.press("enter")


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_an_evening_from_top_to_bottom(
    book: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.chdir(tmp_path)
    async with counter(book, size=size) as hand:
        await hand.sign_in("ana")
        await hand.type("ada")
        await hand.press("enter", "f3")
        await hand.on(EntryScreen)
        await hand.type("20")
        await post_and_go_on(hand)
        await hand.press("f8")
        await hand.see("! look   For a second person   requests: 1; they may wait")
        for said in (
            "✓ done   Open the day", "✓ done   Unknown money", "✓ done   Payments due today",
            "! look   Statements of 2026-02 not made here yet", "· later  Close the day         close first: D1 (ana)",
        ):  # fmt: skip
            await hand.see(said)
        await to_line(hand, "For a second person")
        await hand.press("enter")
        await hand.on(WaitingScreen)
        await hand.press("escape")
        await to_line(hand, "Statements of 2026-02")
        await hand.press("enter")
        await hand.on(StatementsScreen)
        await hand.press("escape")
        await to_line(hand, "Close the day")
        await hand.press("enter")
        assert "close first: D1 (ana)" in hand.status()
        await to_line(hand, "Close your drawer")
        await hand.press("enter")
        await hand.on(EntryScreen)
        await hand.type("640")
        await hand.press("f9")
        await hand.see("Drawer D1 is 5.00 short: say")
        await hand.type("not known")
        await post_and_go_on(hand)
        await hand.see("▸ next   Close the day")
        assert hand.app.screen.rows.chosen.title == "Close the day"  # type: ignore[attr-defined]
        await hand.press("enter")
        await hand.on(ReviewScreen)
        await hand.deaf_time()
        await hand.type("close")
        await hand.press("enter")
        await hand.on(ReceiptScreen)
        for said in ("Pay into savings", "20.00", "Together", "Counted by ana: 5.00 short", "Head of the chain"):
            await hand.see(said)
        await hand.deaf_time()
        await hand.press("enter")
        await hand.see("✓ done   Close the day         closed; Enter shows what it came to")
        await hand.see("today is closed")
        await to_line(hand, "Close the day")
        await hand.press("enter")
        await hand.on(DayReportScreen)
        await hand.see("Counted by ana: 5.00 short")
        await hand.see("Head of the chain at the close:")
    assert_book(book)


@pytest.mark.parametrize("late", ["standing", "evening"])
async def test_the_hand_is_put_on_one_line_whichever_answer_comes_first(
    book: str, monkeypatch: pytest.MonkeyPatch, late: str
) -> None:
    """Where the bank stands, and what is loose: each is read in a thread of its own."""
    elsewhere(book, "close-drawer", by="ana", drawer="D1", counted="625.00")
    elsewhere(book, "close-day")
    came, place = threading.Event(), queries if late == "standing" else day
    asked, handled = getattr(place, late), "_looked_round" if late == "standing" else "_stood"
    show = getattr(DayScreen, handled)

    def after_the_other(session: Session) -> object:
        assert came.wait(60)
        return asked(session)

    def shown(screen: DayScreen, value: object) -> None:
        show(screen, value)
        came.set()

    async with counter(book) as hand:
        await hand.sign_in("ana")
        monkeypatch.setattr(place, late, after_the_other)
        monkeypatch.setattr(DayScreen, handled, shown)
        await hand.press("f8")
        await hand.on(DayScreen)
        await hand.see("! look   Statements of 2026-02")
        await hand.quiet()
        assert hand.app.screen.rows.chosen.title == "Statements of 2026-02"  # type: ignore[attr-defined]


async def test_payments_that_did_not_come_lead_to_their_loans(book: str) -> None:
    async with counter(book, moment=datetime(2026, 4, 1, 18, tzinfo=UTC)) as hand:
        await hand.sign_in("ana")
        await hand.press("f8")
        await to_line(hand, "Close your drawer")
        await hand.press("enter")
        await hand.on(EntryScreen)
        await hand.type("625")
        await post_and_go_on(hand)
        await hand.see("▸ next   Close the day")
        await hand.press("enter")
        await hand.on(ReviewScreen)
        await hand.deaf_time()
        await hand.type("close")
        await hand.press("enter")
        await hand.on(ReceiptScreen)
        await hand.see("Every count agreed.")
        await hand.deaf_time()
        await hand.press("enter")
        await hand.see("▸ next   Open the day")
        await hand.press("enter")
        await hand.on(EntryScreen)
        await post_and_go_on(hand)
        await hand.see("! look   Payments due today    loans: 1; due today, and nothing came")
        await to_line(hand, "Payments due today")
        await hand.press("enter")
        await hand.on(LoansScreen)
        await hand.see("L-001")
        await hand.see("Green Tassel Urban Farm")
        await hand.press("enter")
        await hand.see("walk-in cooler")


def test_no_state_is_told_by_its_sign_alone() -> None:
    assert len({words[:1] for words in WORDS.values()}) == len(WORDS)
    assert len({words[2:] for words in WORDS.values()}) == len(WORDS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_state_is_said_whole_in_every_language(language: str) -> None:
    """The list once said "▸ paga…" in Spanish: the word was that of a loan's extra payment, and cut."""
    with speaking(language):
        said = {state: translate(words) for state, words in WORDS.items()}
        guide = translate(DayScreen.HELP)
    assert all(cell_len(words) <= WIDEST for words in said.values())
    assert all(words[:1] == WORDS[state][:1] for state, words in said.items())
    assert said[NEXT] in guide
    assert said[LOOK] in guide
