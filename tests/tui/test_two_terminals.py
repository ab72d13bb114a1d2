"""Two terminals on one ledger.db: what one does, the other one sees, says, and does not trip over."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from coopbank import database
from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor
from coopbank.clock import SetClock
from coopbank.errors import ConnectionLost, WrongState
from coopbank.tui.screens.entry import EntryScreen
from coopbank.tui.screens.funds import FundsScreen
from coopbank.tui.screens.home import HomeScreen
from coopbank.tui.screens.receipt import ReceiptScreen
from coopbank.tui.screens.review import ReviewScreen
from coopbank.tui.screens.waiting import WaitingScreen
from coopbank.tui.work import Pace
from tests.tui.support import NOON, Hand, assert_book, balance, counter, operations

TOM = Actor("tom", ("treasurer", "loan-officer"))


def elsewhere(place: str, name: str, by: str = "tom", **values: object) -> None:
    """Another terminal does something."""
    bank = Bank.open(place, clock=SetClock(NOON))
    try:
        with bank.read() as books:
            actor = books.actor_now(by)
        bank.perform(actor, bank.build(name, dict(values)))
    finally:
        bank.close()


async def form(hand: Hand, member: str, key: str) -> None:
    await hand.sign_in("ana")
    await hand.type(member)
    await hand.press("enter", key)
    await hand.on(EntryScreen)


async def test_a_form_says_that_its_member_was_served_elsewhere_and_stays_filled(book: str) -> None:
    async with counter(book) as hand:
        await form(hand, "ada", "f4")
        await hand.type("60")
        await hand.see("100.00 → 40.00")
        elsewhere(book, "deposit", member="M0001", amount="7.00", tender="transfer")
        hand.app._look()
        await hand.see("was served at another terminal meanwhile")
        await hand.see("107.00 → 47.00")
        assert "60" in hand.screen_text()


def test_what_takes_long_is_read_again_at_its_pace() -> None:
    pace = Pace()
    assert pace.wait(monotonic()) == 0
    question: Callable[[Any], str] = pace.timed(lambda _session: sleep(0.01) or "read")
    assert question(None) == "read"
    now = pace._ended
    assert 0 < pace.wait(now) <= Pace.MOST
    assert pace.wait(now + Pace.MOST) == 0


async def test_others_work_is_seen_at_a_pages_pace_and_ones_own_at_once(book: str) -> None:
    async with counter(book) as hand:
        await hand.sign_in("tom")
        hand.app.action_go_to("funds")
        await hand.until(lambda: isinstance(hand.app.screen, FundsScreen) and hand.app.screen._page is not None)
        page = hand.app.screen
        assert isinstance(page, FundsScreen)
        first = page._page
        page._pace._took = 1000.0  # as in a bank that is very large
        for amount in ("7.00", "8.00"):
            elsewhere(book, "receive-gift", fund="RLF", donor="Friends", amount=amount, tender="transfer")
            hand.app._look()
            await hand.quiet()
        assert page._page is first and page._later is not None
        hand.app.books_changed()
        await hand.until(lambda: page._page is not first, "what is done here is seen at once")
        assert page._pace._took < 1000.0, "and timed anew"


async def test_the_hand_stays_on_a_request_when_the_one_before_it_is_decided_elsewhere(book: str) -> None:
    for member in ("M0001", "M0005"):
        elsewhere(book, "redeem-shares", by="ana", member=member, amount="25.00")
    async with counter(book) as hand:
        await hand.sign_in("tom")
        await hand.press("f9")
        screen = hand.app.screen
        assert isinstance(screen, WaitingScreen)
        await hand.until(lambda: screen.rows.count == 3, "three that wait")
        await hand.press("down")
        first, second = screen.rows.item(0), screen.chosen
        assert second is not None and second.ref != first.ref
        elsewhere(book, "refuse", request=first.ref, why="not today")
        hand.app._look()
        await hand.until(lambda: screen.rows.count == 2, "one of them is decided")
        assert screen.chosen is not None and screen.chosen.ref == second.ref


async def test_another_members_business_elsewhere_is_no_news(book: str) -> None:
    async with counter(book) as hand:
        await form(hand, "ada", "f4")
        await hand.type("60")
        await hand.see("100.00 → 40.00")
        before = hand.app._head
        elsewhere(book, "deposit", member="M0002", amount="7.00", tender="transfer")
        hand.app._look()
        await hand.until(lambda: hand.app._head > before)
        await hand.quiet()
        assert "another terminal" not in hand.screen_text()


async def test_a_review_that_is_no_longer_true_is_shown_anew_before_it_posts(book: str) -> None:
    async with counter(book) as hand:
        await form(hand, "ada", "f4")
        await hand.type("60")
        await hand.press("f9")
        await hand.on(ReviewScreen)
        elsewhere(book, "deposit", member="M0001", amount="7.00", tender="transfer")
        await hand.deaf_time()
        await hand.press("enter")
        await hand.see("Nothing was posted: another terminal changed these balances")
        await hand.see("47.00")
        assert operations(book, "withdraw") == 0
        await hand.deaf_time()
        await hand.press("enter")
        await hand.on(ReceiptScreen)
    assert balance(book, "905/M0001") == -47_00
    assert_book(book)


async def test_what_is_no_longer_possible_is_refused_with_the_form_still_filled(book: str) -> None:
    async with counter(book) as hand:
        await form(hand, "ada", "f4")
        await hand.type("60")
        await hand.press("f9")
        await hand.on(ReviewScreen)
        elsewhere(book, "withdraw", member="M0001", amount="55.00", tender="transfer")
        await hand.deaf_time()
        await hand.press("enter")
        await hand.on(EntryScreen)
        await hand.see("45.00")
        assert hand.app.screen.typed()["amount"] == "60"  # type: ignore[attr-defined]
    assert balance(book, "905/M0001") == -45_00


async def test_two_counters_serve_the_same_member_one_after_the_other(book: str) -> None:
    async with counter(book) as ana, counter(book) as tom:
        await form(ana, "ada", "f3")
        await tom.sign_in("tom")
        await tom.type("ada")
        await tom.press("enter")
        await tom.see("100.00")
        await ana.type("11")
        await ana.press("f9")
        await ana.deaf_time()
        await ana.press("enter")
        await ana.on(ReceiptScreen)
        tom.app._look()
        await tom.see("111.00")
        assert isinstance(tom.app.screen, HomeScreen)


async def test_books_that_another_program_locks_are_told_in_words_and_the_form_stays(
    book: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 1)
    async with counter(book) as hand:
        await form(hand, "ada", "f3")
        await hand.type("60")
        await hand.press("f9")
        await hand.on(ReviewScreen)
        other = sqlite3.connect(book, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await hand.deaf_time()
        await hand.press("enter")
        await hand.on(EntryScreen)
        await hand.see("Another program is using")
        assert hand.app.screen.typed()["amount"] == "60"  # type: ignore[attr-defined]
        other.execute("ROLLBACK")
        other.close()
        await hand.post()
        await hand.on(ReceiptScreen)
    assert balance(book, "905/M0001") == -160_00
    assert_book(book)


async def test_who_only_looks_is_told_that_the_books_are_others_now(book: str) -> None:
    """A restore puts another file under the name: what is read of the old one would look right."""
    async with counter(book) as hand:
        await hand.sign_in("ana")
        await hand.type("ada")
        await hand.see("M0001")
        shutil.copy(book, f"{book}.older")
        Path(f"{book}.older").replace(book)
        await hand.press("escape")
        await hand.type("green")
        await hand.until(lambda: "is gone or was replaced" in " ".join(hand.screen_text().split()), "what became of it")


async def test_books_that_are_lost_are_told_in_words(book: str) -> None:
    async with counter(book) as hand:
        await form(hand, "ada", "f3")
        await hand.type("60")
        await hand.see("160.00")
        await hand.press("f9")
        await hand.on(ReviewScreen)
        Path(book).rename(f"{book}.moved")
        await hand.deaf_time()
        await hand.press("enter")
        await hand.until(lambda: "is gone or was replaced" in " ".join(hand.screen_text().split()), "what became of it")
        assert isinstance(hand.app.screen, EntryScreen)
        assert hand.app.screen.typed()["amount"] == "60"
        Path(f"{book}.moved").rename(book)
        await hand.post()
        await hand.on(ReceiptScreen)
    assert balance(book, "905/M0001") == -160_00


async def test_a_screen_does_not_say_that_the_books_are_lost_once_they_are_back(book: str) -> None:
    async with counter(book) as hand:
        await hand.sign_in("ana")
        Path(book).rename(f"{book}.moved")
        for _twice in "ab":
            hand.app._look()
            await hand.until(lambda: "is gone or was replaced" in " ".join(hand.screen_text().split()), "what was lost")
            await hand.quiet()
        Path(f"{book}.moved").rename(book)
        hand.app._look()
        await hand.see("The books can be read again.")
        assert "gone" not in hand.screen_text()
        hand.app._refused(WrongState("This loan was paid off."))  # nothing that reading the books again undoes
        hand.app._look()
        await hand.quiet()
        assert "! This loan was paid off." in hand.screen_text()


@pytest.mark.parametrize("posted", [True, False])
async def test_what_an_answer_was_lost_of_is_looked_up_and_never_called_unposted(
    book: str, posted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with counter(book) as hand:
        await form(hand, "ada", "f3")
        await hand.type("60")
        await hand.press("f9")
        await hand.on(ReviewScreen)
        bank = hand.app.session.bank
        perform = bank.perform

        def lose(*asked: Any, **named: Any) -> None:
            if posted:
                perform(*asked, **named)
            monkeypatch.setattr(bank, "perform", perform)
            Path(book).rename(f"{book}.moved")
            raise ConnectionLost("The connection to {place} was lost.", place="the books")

        monkeypatch.setattr(bank, "perform", lose)
        await hand.deaf_time()
        await hand.press("enter")
        await hand.until(lambda: isinstance(hand.app.screen, EntryScreen), "back in the form")
        for _twice in "ab":
            await hand.see("whether this was posted is not known yet")
            await hand.press("f9")  # nothing goes on before it is known
            hand.app._look()
            await hand.quiet()
        await hand.press("escape")
        await hand.see("It may have been posted")
        assert "Nothing was posted" not in hand.screen_text()
        await hand.press("escape")
        Path(f"{book}.moved").rename(book)
        hand.app._look()
        if posted:
            await hand.see("Done already, and only once")
        else:
            await hand.see("The connection was lost before it was posted, and nothing was.")
            await hand.post()
        await hand.on(ReceiptScreen)
        await hand.deaf_time()
        await hand.press("enter")
        await hand.on(HomeScreen)
    assert balance(book, "905/M0001") == -160_00
    assert_book(book)


@pytest.mark.parametrize("approved", [True, False])
async def test_an_approval_whose_answer_was_lost_is_told_by_the_list(
    book: str, approved: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with counter(book) as hand:
        await hand.sign_in("tom")
        await hand.press("f9")
        await hand.on(WaitingScreen)
        await hand.quiet()
        screen = hand.app.screen
        assert isinstance(screen, WaitingScreen) and screen.chosen is not None
        request = screen.chosen.ref
        await hand.press("f9")
        await hand.on(ReviewScreen)
        bank = hand.app.session.bank
        perform = bank.perform

        def lose(*asked: Any, **named: Any) -> None:
            if approved:
                perform(*asked, **named)
            Path(book).rename(f"{book}.moved")
            raise ConnectionLost("The connection to {place} was lost.", place="the books")

        monkeypatch.setattr(bank, "perform", lose)
        await hand.deaf_time()
        await hand.press("enter")
        await hand.until(lambda: hand.app.screen is screen, "back in the list")
        hand.app._look()
        await hand.see("whether this was approved is not known yet")
        await hand.quiet()
        assert "Nothing is half done" not in hand.screen_text()
        monkeypatch.setattr(bank, "perform", perform)
        Path(f"{book}.moved").rename(book)
        hand.app._look()
        await hand.see(f"{request} waits no longer: it is decided." if approved else f"{request} still waits")


async def test_who_serves_when_the_day_is_closed_elsewhere_is_not_told_to_open_it_again(book: str) -> None:
    async with counter(book) as hand:
        await hand.sign_in("ana")
        elsewhere(book, "close-drawer", by="ana", drawer="D1", counted="625.00")
        elsewhere(book, "close-day")
        hand.app._look()
        await hand.see("The day is closed; the next one is tomorrow's.")
        await hand.see("day closed · ana")
        assert "not open" not in hand.screen_text()
