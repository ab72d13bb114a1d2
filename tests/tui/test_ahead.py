"""What is made before it is asked for: the counter itself, while the first person types; and nothing of it is seen."""

from __future__ import annotations

import asyncio
import shutil
import threading
from pathlib import Path
from typing import cast

import pytest
from textual.widgets import Static

from coopbank.tui import typeahead
from coopbank.tui.screens.home import HomeScreen
from coopbank.tui.screens.sign_in import SignInScreen
from coopbank.tui.session import Session
from coopbank.tui.widgets.member_card import MemberCard
from tests.tui.support import WORDS, Hand, counter, operations


async def made(hand: Hand) -> HomeScreen:
    """Wait until the counter is made ahead."""
    await hand.until(lambda: hand.app._ahead is not None, "the counter made ahead")
    return cast("HomeScreen", hand.app._ahead)


async def test_all_that_is_typed_before_the_books_are_open_arrives(book: str) -> None:
    async with counter(book) as hand:
        for key in (*"ana", "enter", *WORDS, "enter", *"tassel", "enter"):
            hand._send(key)
        assert hand.app.opened is None
        await hand.see("walk-in cooler")
        assert hand.app.session.actor.user == "ana"
        assert cast("HomeScreen", hand.app.screen).find.value == "tassel"
    assert operations(book, "sign-in") == 1


async def test_keys_wait_for_an_answer_however_long_it_takes(book: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow machine a sign-in takes longer than keys were kept: what came after it went into the passphrase."""
    late, sign_in = threading.Event(), Session.sign_in

    def slow(session: Session, *given: str | None) -> object:
        assert late.wait(60)
        return sign_in(session, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Session, "sign_in", slow)
    monkeypatch.setattr(typeahead, "_LONGEST_HOLD", 0.01)
    async with counter(book) as hand:
        await hand.until(lambda: hand.app.opened is not None, "the books are opened")
        asyncio.get_running_loop().call_later(0.2, late.set)
        await hand.burst(*"ana", "enter", *WORDS, "enter", *"tassel", "enter")
        await hand.see("walk-in cooler")
        assert cast("HomeScreen", hand.app.screen).find.value == "tassel"
        hand.app.hold_keys()  # and nobody answers
        await hand.burst("escape", *"ada")
        await hand.see("Abernathy")


async def test_the_counter_is_made_unseen_and_without_anything_of_the_books(book: str) -> None:
    async with counter(book, size=(120, 36)) as hand:
        home = await made(hand)
        await hand.quiet()
        assert home not in hand.app.screen_stack
        assert isinstance(hand.app.screen, SignInScreen)
        assert hand.app.standing is None
        assert hand.app.shelves == {}
        card = home.query_one(MemberCard)
        assert card.card is None
        assert card.holdings.chosen is None
        for painted in home.query(Static):
            assert not {"Ada", "D1", "625.00", "M000"} & set(str(painted.render()).split())
        await hand.type("ana")
        await hand.press("enter", *"wrong passphrase", "enter")
        await hand.see("wrong")
        assert isinstance(hand.app.screen, SignInScreen)
        assert hand.app.standing is None
        assert hand.app._ahead is home
        await hand.sign_in("ana")
        assert hand.app.screen is home
        assert hand.app._ahead is None
        assert "ana" in hand.lines()[0]
        assert "Head of the chain" in hand.screen_text()
        assert "F3 Pay in" in hand.lines()[-1]


async def test_the_next_person_gets_a_counter_of_their_own(book: str) -> None:
    async with counter(book, size=(120, 36)) as hand:
        first = await made(hand)
        await hand.sign_in("ana")
        await hand.burst(*"tassel", "enter")
        await hand.see("walk-in cooler")
        hand.app.sign_out()
        second = await made(hand)
        assert second is not first
        assert not first.is_attached
        await hand.sign_in("tom")
        assert hand.app.screen is second
        assert "tom" in hand.lines()[0]
        assert "walk-in cooler" not in hand.screen_text()
        assert second.find.value == ""


async def test_another_language_on_the_first_screen_is_that_of_the_counter_too(book: str) -> None:
    async with counter(book) as hand:
        english = await made(hand)
        await hand.press("f3")
        await hand.until(lambda: hand.app._ahead not in (None, english), "the counter in Spanish")
        await hand.sign_in("ana")
        assert "Buscar" in hand.screen_text()
        assert not english.is_attached


async def test_who_is_faster_than_the_counter_is_made_gets_one_all_the_same(
    book: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with counter(book) as hand:
        await hand.until(lambda: hand.app.opened is not None, "the books are opened")
        await hand.quiet()
        hand.app._drop_ahead()
        hand.app._begin_ahead(hand.app.session)  # begun, and somebody is in before it is done
        hand.app.session.sign_in("ana", WORDS)
        hand.app.signed_in()
        await hand.see("Head of the chain")
        assert isinstance(hand.app.screen, HomeScreen)
        assert hand.app._ahead is None
        mounted = [each for each in hand.app._registry if isinstance(each, HomeScreen) and each.is_running]
        assert mounted == [hand.app.screen]


@pytest.mark.parametrize("sizes", [((80, 24), (120, 36)), ((120, 36), (80, 24))])
async def test_a_terminal_that_is_resized_meanwhile(book: str, sizes: tuple[tuple[int, int], tuple[int, int]]) -> None:
    before, after = sizes
    async with counter(book, size=before) as hand:
        home = await made(hand)
        await hand.pilot.resize_terminal(*after)
        await asyncio.sleep(0)
        await hand.sign_in("ana")
        assert hand.app.screen is home
        assert home.has_class("-wide" if after[0] == 120 else "-narrow")
        assert not home.has_class("-narrow" if after[0] == 120 else "-wide")
        assert max(map(len, hand.lines())) == after[0]
        assert len(hand.lines()) == after[1]


async def half_made(hand: Hand, steps: int) -> None:
    """The counter is begun ahead, and so far on its way."""
    await hand.until(lambda: hand.app.opened is not None, "the books are opened")
    await hand.quiet()
    hand.app._drop_ahead()
    hand.app._begin_ahead(hand.app.session)
    for _ in range(steps):
        await asyncio.sleep(0)


@pytest.mark.parametrize("steps", [2, 4, 6, 12])
async def test_who_leaves_while_the_counter_is_half_made(book: str, steps: int) -> None:
    async with counter(book) as hand:
        await half_made(hand, steps)
        hand.app.action_leave()
        await hand.until(lambda: hand.app._exit, "the end of the program")
        assert hand.app._exception is None
    assert hand.app.return_code == 0


@pytest.mark.parametrize("steps", [2, 4, 6, 12])
async def test_other_books_while_the_counter_is_half_made(book: str, tmp_path: Path, steps: int) -> None:
    """As out of practice, by Ctrl+Q at once."""
    other = str(shutil.copy(book, tmp_path / "other.db"))
    async with counter(book) as hand:
        await half_made(hand, steps)
        left = hand.app.session
        hand.app.open_place(other)
        await hand.until(lambda: hand.app.opened not in (None, left), "the other books are opened")
        home = await made(hand)
        await hand.sign_in("ana")
        assert hand.app.screen is home
    assert operations(other, "sign-in") == 1
    assert operations(book, "sign-in") == 0
