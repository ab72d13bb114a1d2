"""Decisions at the counter: what is open says what it lacks, and what comes next is done from there."""

from __future__ import annotations

from contextlib import closing

import pytest

from coopbank.bank import records
from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor
from coopbank.clock import SetClock
from coopbank.tui.decisions import open_resolutions
from coopbank.tui.screens.confirm import ConfirmScreen
from coopbank.tui.screens.decisions import ALL, DecisionsScreen, PollScreen, ResolutionScreen
from coopbank.tui.screens.entry import EntryScreen
from coopbank.tui.screens.views import OPEN_KEY
from tests.tui.support import NOON, Hand, assert_book, counter, look


async def go(hand: Hand, user: str = "ana") -> None:
    await hand.sign_in(user)
    await hand.press("ctrl+p")  # the palette knows the places
    await hand.type("decisions")
    await hand.see("What is open and what it lacks")
    await hand.press("enter")
    await hand.quiet()
    if not isinstance(hand.app.screen, DecisionsScreen):
        await hand.press("enter")
    await hand.on(DecisionsScreen)
    await hand.see("RES-00002")


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_a_vote_is_recorded_from_what_is_open(common_book: str, size: tuple[int, int]) -> None:
    async with counter(common_book, size=size) as hand:
        await go(hand)
        await hand.see("1 for, 0 against")
        await hand.see("1 more for the quorum of 2")
        await hand.press("enter")
        await hand.on(ResolutionScreen)
        await hand.see("stands back")
        await hand.press("f5")
        await hand.see("Close a vote")
        await hand.press("down", "enter")
        await hand.on(EntryScreen)
        await hand.see("RES-00002")
        await hand.type("M0002")
        await hand.press("enter")
        await hand.press("a")
        await hand.post()
        await hand.see("Head of the chain")
        await hand.deaf_time()
        await hand.press("escape")
        await hand.see("Nothing is missing")
        await hand.press("escape")
        await hand.see("1 for, 1 against")
        await hand.press("f4")
        await hand.see("We lend the cooler =1+1")
        await hand.press("f6")
        await hand.see("today")
        await hand.press("f8", "down")
        await hand.see("Seats: M0001 Ada Abernathy")
        await hand.press("f5")
        await hand.see("Call a meeting")
        assert hand.screen_text().count("Call a meeting") == 1
    votes = look(common_book, lambda books: dict(books.about(records.Vote, "RES-00002")))
    assert votes["RES-00002.M0002"].vote == "against"  # type: ignore[index]
    assert_book(common_book)


async def test_a_secret_ballot_shows_who_has_one_and_no_vote(common_book: str) -> None:
    async with counter(common_book) as hand:
        await go(hand)
        await hand.press("down", "enter")
        await hand.on(PollScreen)
        await hand.see("1 more for the quorum of 3")
        await hand.press("f4")
        await hand.see("Josué Núñez")
        await hand.press("f5")
        await hand.see("Close a secret ballot")
        assert "Record a vote" not in hand.screen_text()


def test_a_text_that_looks_like_a_state_hides_no_vote(common_book: str) -> None:
    with closing(Bank.open(common_book, clock=SetClock(NOON))) as bank:
        moved = bank.build("propose-resolution", {
            "meeting": "MT-00001", "matter": "other", "text": '"state":"carried"',
        })  # fmt: skip
        bank.perform(Actor("sue", ("supervisor",)), moved)
        with bank.read() as books:
            assert [ref for ref, _body in open_resolutions(books)] == ["RES-00002", "RES-00003"]


async def test_what_another_terminal_decides_is_seen_here(common_book: str) -> None:
    """The resolution is withdrawn elsewhere while its list of acts is open: the form is refused, nothing breaks."""
    async with counter(common_book) as hand:
        await go(hand)
        await hand.press("enter", "f5")
        await hand.see("Withdraw a resolution")
        with closing(Bank.open(common_book, clock=SetClock(NOON))) as bank:
            gone = bank.build("withdraw-resolution", {"resolution": "RES-00002", "why": "moved [b]again[/b]"})
            bank.perform(Actor("sue", ("supervisor",)), gone)
        await hand.press("down", "down", "enter")
        await hand.on(EntryScreen)
        await hand.type("M0002")
        await hand.press("enter")
        await hand.type("kin")
        await hand.press("f9")
        await hand.see("is over: withdrawn")
        await hand.press("escape")
        await hand.on(ConfirmScreen)
        await hand.press("right", "enter")  # leave the form, although it is filled in
        await hand.on(ResolutionScreen)
        hand.app.books_changed()
        await hand.see("moved [b]again[/b]")
        assert not hand.app.screen.check_action("acts", ())


def test_no_view_is_called_by_what_a_key_does() -> None:
    """In Spanish the list of what is open was headed "Abrir": the word of the key that opens a row."""
    keys = {OPEN_KEY.description}
    assert not keys & {view.title for view in ALL.values()}
