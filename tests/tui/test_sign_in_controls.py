"""Signing in at the counter with a one-time code, and with a passphrase that somebody else knows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from coopbank.bank import codes
from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor
from coopbank.clock import SetClock
from coopbank.tui.screens.home import HomeScreen
from coopbank.tui.screens.passphrase import PassphraseScreen
from coopbank.tui.screens.sign_in import SignInScreen
from coopbank.tui.widgets.inputs import LineInput
from tests.tui.support import NOON, WORDS, Hand, assert_book, counter

SECRET = codes.new_secret(lambda count: b"k" * count)
ADMIN = Actor("admin", ("administrator",))


@pytest.fixture
def coded(book: str) -> str:
    """The bank has a key, and its administrator signs in with codes."""
    bank = Bank.open(book, clock=SetClock(NOON))
    bank.make_keys(ADMIN, WORDS)
    bank.set_code(ADMIN, "admin", SECRET)
    bank.close()
    return book


async def type_in(hand: Hand) -> None:
    await hand.until(lambda: hand.app.opened is not None, "the books are opened")
    for words in ("admin", WORDS):
        await hand.type(words)
        await hand.press("enter")


async def test_a_code_is_asked_for_when_the_passphrase_was_right(coded: str) -> None:
    async with counter(coded) as hand:
        assert not hand.app.screen.query_one("#code-line").display
        await type_in(hand)
        await hand.see("A one-time code is wanted as well.")
        assert hand.app.screen.query_one("#code", LineInput).has_focus
        await hand.type("000000")
        await hand.press("enter")
        await hand.see("wrong or was used")
        assert isinstance(hand.app.screen, SignInScreen)
        await hand.type(codes.code_at(SECRET, NOON))
        await hand.press("enter")
        await hand.until(lambda: isinstance(hand.app.screen, HomeScreen))
        assert hand.app.session.bank.keys is not None
    assert_book(coded)


async def test_signing_out_closes_the_key(coded: str) -> None:
    async with counter(coded, moment=NOON + timedelta(minutes=5)) as hand:
        await type_in(hand)
        await hand.see("A one-time code is wanted as well.")
        await hand.type(codes.code_at(SECRET, NOON + timedelta(minutes=5)))
        await hand.press("enter")
        await hand.until(lambda: isinstance(hand.app.screen, HomeScreen))
        hand.app.session.sign_out()
        assert hand.app.session.bank.keys is None


async def test_a_passphrase_that_somebody_else_knows_is_changed_before_anything(book: str) -> None:
    bank = Bank.open(book, clock=SetClock(NOON))
    bank.set_passphrase(ADMIN, "ana", "words of the administrator", must_change=True)
    bank.close()
    async with counter(book) as hand:
        await hand.sign_in("ana", "words of the administrator")
        await hand.until(lambda: isinstance(hand.app.screen, PassphraseScreen), "a passphrase of her own")
        for _ in range(2):
            await hand.type("ana chose these words")
            await hand.press("enter")
        await hand.until(lambda: isinstance(hand.app.screen, HomeScreen))
        assert not hand.app.session.actor.must_change
    async with counter(book) as hand:
        await hand.sign_in("ana", "ana chose these words")
        await hand.until(lambda: isinstance(hand.app.screen, HomeScreen))
