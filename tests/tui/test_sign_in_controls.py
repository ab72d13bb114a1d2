"""Signing in at the counter with a one-time code, and with a passphrase that somebody else knows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from textual.widgets import Static

from coopbank.bank import codes
from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor
from coopbank.clock import SetClock
from coopbank.tui.screens.codes import CodesScreen, square
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
        await hand.on(HomeScreen)
        assert hand.app.session.bank.keys is not None
    assert_book(coded)


async def test_signing_out_closes_the_key(coded: str) -> None:
    async with counter(coded, moment=NOON + timedelta(minutes=5)) as hand:
        await type_in(hand)
        await hand.see("A one-time code is wanted as well.")
        await hand.type(codes.code_at(SECRET, NOON + timedelta(minutes=5)))
        await hand.press("enter")
        await hand.on(HomeScreen)
        hand.app.session.sign_out()
        assert hand.app.session.bank.keys is None


async def test_a_passphrase_that_somebody_else_knows_is_changed_before_anything(book: str) -> None:
    bank = Bank.open(book, clock=SetClock(NOON))
    waits = bank.set_passphrase(ADMIN, "ana", "words of the administrator")
    assert waits is not None, "two people agree that a colleague's passphrase is replaced"
    bank.perform(Actor("tom", ("treasurer",)), bank.build("approve", {"request": waits.request}))
    assert bank.set_passphrase(ADMIN, "ana", "words of the administrator") is None
    bank.close()
    async with counter(book) as hand:
        await hand.sign_in("ana", "words of the administrator")
        await hand.until(lambda: isinstance(hand.app.screen, PassphraseScreen), "a passphrase of her own")
        for _ in range(2):
            await hand.type("ana chose these words")
            await hand.press("enter")
        await hand.on(HomeScreen)
        assert not hand.app.session.actor.must_change
    async with counter(book) as hand:
        await hand.sign_in("ana", "ana chose these words")
        await hand.on(HomeScreen)


async def test_a_treasurer_without_a_code_begins_one_before_anything(coded: str) -> None:
    """The administrator has begun: so the bank asks a code of its treasurer as well."""
    bank = Bank.open(coded, clock=SetClock(NOON))
    bank.authenticate("admin", WORDS, codes.code_at(SECRET, NOON))
    with bank.read() as books:
        file = bank.key_file()
        assert file is not None and bank.keys is not None
        file.give(bank.keys.secret, "tom", WORDS)
        assert bank.must_begin_code(books, Actor("tom", ("treasurer",)))
    bank.close()
    async with counter(coded) as hand:
        await hand.sign_in("tom", WORDS)
        await hand.until(lambda: isinstance(hand.app.screen, CodesScreen), "codes first")
        secret = str(hand.app.screen.query_one("#codes-secret", Static).content).replace(" ", "")
        await hand.type("12345")
        await hand.press("enter")
        await hand.see("not the code of this moment")
        await hand.type(codes.code_at(secret, NOON))
        await hand.press("enter")
        await hand.on(HomeScreen)
        assert not hand.app.session.must_begin_code
    assert_book(coded)


def test_the_square_is_as_high_as_it_is_wide() -> None:
    lines = square(codes.address(SECRET, "tom", "Pearl River Community Bank")).split("\n")
    assert len({len(line) for line in lines}) == 1 and abs(len(lines[0]) - 2 * len(lines)) <= 1


async def test_a_colleague_s_passphrase_waits_for_another_colleague(book: str) -> None:
    async with counter(book) as hand:
        await hand.sign_in("admin")
        await hand.on(HomeScreen)
        hand.app.push_screen(PassphraseScreen("ana"))
        await hand.until(lambda: isinstance(hand.app.screen, PassphraseScreen) and hand.app.focused is not None)
        for _ in range(2):
            await hand.type("words of the administrator")
            await hand.press("enter")
        await hand.see("A colleague has to agree first: R-0000")
    async with counter(book) as hand:
        await hand.sign_in("ana")
    assert_book(book)
