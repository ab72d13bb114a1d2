"""The counter, driven by keys alone: what a volunteer does in an evening."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import Any

import pytest
from textual.geometry import Region
from textual.widget import Widget

from coopbank.bank.operation import CATALOGUE
from coopbank.errors import DatabaseBusy
from coopbank.tui.screens.entry import EntryScreen
from coopbank.tui.screens.home import HomeScreen
from coopbank.tui.screens.receipt import ReceiptScreen
from coopbank.tui.screens.review import ReviewScreen
from coopbank.tui.session import Session
from coopbank.tui.widgets.fields import FieldRow
from coopbank.tui.widgets.inputs import LineInput
from coopbank.tui.widgets.keys import KeysLine
from tests.tui.support import HOSTILE, NOON, Hand, assert_book, balance, counter, look, operations


async def found(hand: Hand, member: str) -> None:
    """Wait until that member's card is shown."""
    screen = hand.app.screen
    assert isinstance(screen, HomeScreen)
    await hand.until(lambda: screen.card is not None and screen.card.member == member, f"the card of {member}")


def row(hand: Hand, name: str) -> FieldRow:
    """A field of the form."""
    screen = hand.app.screen
    assert isinstance(screen, EntryScreen)
    return next(each for each in screen.rows if each.spec.name == name)


# ------------------------------------------------------------------------------------------ signing in


async def test_a_wrong_passphrase_is_told_and_a_right_one_lets_in(book: str) -> None:
    async with counter(book, user="ana") as hand:
        await hand.until(lambda: hand.app.opened is not None)
        await hand.see("Pearl River Community Bank")
        await hand.see("LIVE")
        await hand.type("something else")
        await hand.press("enter")
        await hand.see("The user name or the passphrase is wrong.")
        await hand.type("common wealth")
        await hand.press("enter")
        await hand.on(HomeScreen)
        await hand.see("D1 625.00")
    assert operations(book, "sign-in") == 1
    assert_book(book)


# --------------------------------------------------------------------------------------------- finding


SAID = {
    "aber": "M0001", "nunez": "M0002", "m0004": "M0004", "JOSUÉ N": "M0002", "3": "M0003", "l-1": "M0005",
    "6015550102": "M0002", "769 555": "M0005", "[red]": "M0003", "L-001": "M0005",
}  # fmt: skip


async def test_a_member_is_found_by_what_people_say(book: str) -> None:
    async with counter(book) as hand:
        await hand.sign_in("ana")
        for said, member in SAID.items():
            await hand.burst("escape", *said)
            await found(hand, member)
        await hand.press("enter")
        await hand.see("walk-in cooler")


async def test_who_was_chosen_is_not_covered_by_the_list_of_a_late_question(book: str) -> None:
    async with counter(book) as hand:
        await hand.sign_in("ana")
        await hand.burst(*"tassel")
        await found(hand, "M0005")
        screen = hand.app.screen
        assert isinstance(screen, HomeScreen) and screen.hits.display
        screen.set_timer(0.01, screen._look)  # begun while the first answer was on its way, as on a slow machine
        await hand.burst("enter")
        await hand.quiet()
        assert not screen.hits.display


async def test_what_is_nobody_is_found_by_is_told(book: str) -> None:
    async with counter(book) as hand:
        await hand.sign_in("ana")
        await hand.type("100%")
        await hand.see("No member is found by that.")
        await hand.press("escape")
        await hand.press("f3")
        await hand.see("Whom for?")


# --------------------------------------------------------------------------------- serving, start to end


async def test_a_deposit_goes_through_form_review_and_receipt_into_the_books(book: str) -> None:
    savings, drawer = balance(book, "905/M0001"), balance(book, "739/D1", "POOL")
    async with counter(book) as hand:
        await hand.sign_in("ana")
        await hand.type("ada")
        await hand.press("enter", "f3")
        await hand.on(EntryScreen)
        await hand.type("1,250.50")
        await hand.see("100.00 → 1,350.50")  # before it is even reviewed
        await hand.press("enter")  # on to the next field
        assert isinstance(hand.app.screen, EntryScreen)
        await hand.press("f9")
        await hand.on(ReviewScreen)
        await hand.see("905/M0001")
        assert "balanced" in hand.screen_text()
        assert operations(book, "deposit") == 5
        await hand.deaf_time()
        await hand.press("enter")
        await hand.on(ReceiptScreen)
        await hand.see("Head of the chain")
        head = look(book, lambda books: books.tx.value("SELECT max(id) FROM operation"))
        assert f"{head}" in hand.screen_text()
        await hand.deaf_time()
        await hand.press("enter")
        await hand.on(HomeScreen)
        home = hand.app.screen
        assert isinstance(home, HomeScreen)
        assert home.find.value == ""
        assert home.find.has_focus
    assert balance(book, "905/M0001") == savings - 125050
    assert balance(book, "739/D1", "POOL") == drawer + 125050
    assert_book(book)


@pytest.mark.parametrize("key", ["f3", "f4"])
async def test_a_fund_without_a_charter_takes_no_deposits(book: str, key: str) -> None:
    async with counter(book) as hand:
        await hand.sign_in("ana")
        await hand.type("ada")
        await hand.press("enter", key)
        await hand.on(EntryScreen)
        await hand.see("Pay into savings" if key == "f3" else "Pay out of savings")
        await hand.type("7")
        await hand.press("f9")
        await hand.on(ReviewScreen)
        assert "Deposit  " not in hand.screen_text()
        assert "Withdrawal  " not in hand.screen_text()


async def test_a_burst_of_keys_loses_none_and_sends_none_astray(book: str) -> None:
    async with counter(book) as hand:
        await hand.sign_in("ana")
        await hand.burst(*"ada", "enter", "f3", *"150", "enter", "enter", *"rent", "f9")
        await hand.on(ReviewScreen)
        await hand.see("Deposit M0001: rent")
        await hand.see("150.00")
        assert operations(book, "deposit") == 5


async def test_the_list_of_everything_is_for_who_was_typed_last(book: str) -> None:
    async with counter(book) as hand:
        await hand.sign_in("ana")
        await hand.burst(*"ada", "enter")
        await hand.see("100.00")
        await hand.burst("f2", *"green", "f10")
        await hand.see("What is to be done for Green")


async def test_a_double_enter_posts_once(book: str) -> None:
    async with counter(book) as hand:
        await hand.sign_in("ana")
        await hand.burst(*"ada", "enter", "f3", *"7", "f9", "enter")  # this Enter comes before the review can be read
        await hand.on(ReviewScreen)
        await hand.quiet()
        assert isinstance(hand.app.screen, ReviewScreen)
        await hand.deaf_time()
        await hand.burst("enter", "enter", "enter")
        await hand.on(ReceiptScreen)
        await hand.quiet()
        assert isinstance(hand.app.screen, ReceiptScreen)
        assert operations(book, "deposit") == 6
    assert balance(book, "905/M0001") == -10700
    assert_book(book)


async def test_a_loan_payment_shows_its_split(book: str) -> None:
    async with counter(book, size=(120, 36)) as hand:
        await hand.sign_in("ana")
        await hand.type("m0005")
        await hand.press("enter", "f5")
        await hand.on(EntryScreen)
        await hand.see("All of it:")
        await hand.type("101.63")
        await hand.see("Interest: ")
        await hand.see("Principal: ")
        await hand.post()
        await hand.on(ReceiptScreen)
    assert operations(book, "repay-loan") == 1
    assert_book(book)


# --------------------------------------------------------------------------------------------- refusals


async def test_refusals_stand_at_the_field_and_nothing_is_posted(book: str) -> None:
    before = look(book, lambda books: books.tx.value("SELECT max(id) FROM entry"))
    async with counter(book) as hand:
        await hand.sign_in("ana")
        await hand.burst(*"ada", "enter", "f4")
        await hand.on(EntryScreen)
        await hand.see("100.00 available")
        await hand.press("f9")
        await hand.see("Type the amount")
        await hand.type("12,50")
        await hand.press("enter")
        await hand.see("12.50")  # the hint shows what would be right
        assert row(hand, "amount").refused
        await hand.press("shift+tab", "ctrl+u")
        await hand.type("500")
        await hand.until(lambda: row(hand, "amount").refused, "the bank's own refusal")
        await hand.see("Only 100.00 is available.")
        await hand.press("f9")
        await hand.quiet()
        assert isinstance(hand.app.screen, EntryScreen)
        assert row(hand, "amount").control.has_focus
        await hand.press("escape")
        await hand.see("Leave this form?")
        await hand.press("escape")
        await hand.on(EntryScreen)
        assert row(hand, "amount").value == "500"
        await hand.press("escape", "right", "enter")
        await hand.on(HomeScreen)
    assert look(book, lambda books: books.tx.value("SELECT max(id) FROM entry")) == before


async def test_what_does_not_fit_is_told_and_what_is_wrong_is_named(book: str) -> None:
    """Letters in an amount, a memo that is too long, an amount too wide for the large digits."""
    async with counter(book) as hand:
        await hand.sign_in("ana")
        await hand.type("ada")
        await hand.press("enter", "f3")
        await hand.see("Still needed: Amount")
        await hand.type("ten")
        await hand.see("Only an amount fits here")
        await hand.type("1234567.89")
        await hand.see("1,234,567.89")
        assert "Only an amount" not in hand.screen_text()
        assert not hand.app.screen.query_one("#entry-amount").display
        await hand.press("ctrl+u")
        await hand.type("12.34")
        await hand.until(lambda: bool(hand.app.screen.query_one("#entry-amount").display), "the large digits")
        await hand.press("ctrl+u")
        await hand.type("1.2.3")
        await hand.see("To be mended: Amount")
        memo = row(hand, "memo").control
        assert isinstance(memo, LineInput)
        memo.focus()
        memo.insert_text_at_cursor("x" * 501)
        await hand.see("At most 500 characters fit here")
        await hand.type("rent")
        await hand.quiet()
        assert memo.value == "rent" and "characters fit" not in hand.screen_text()


async def test_what_the_books_say_of_an_amount_is_not_said_of_the_next_one(
    book: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a slow machine the answer comes when something else stands in the field."""
    asked, mended, preview, effects = threading.Event(), threading.Event(), Session.preview, EntryScreen._effects

    def slow(session: Session, name: str, values: dict[str, object]) -> object:
        asked.set()
        assert mended.wait(60)
        return preview(session, name, values)

    def seen(screen: EntryScreen, shown: Any) -> None:
        effects(screen, shown)
        if "To be mended" in str(shown):
            mended.set()

    async with counter(book) as hand:
        await hand.sign_in("ana")
        await hand.burst(*"ada", "enter", "f4")
        await hand.on(EntryScreen)
        monkeypatch.setattr(Session, "preview", slow)
        monkeypatch.setattr(EntryScreen, "_effects", seen)
        for amount in ("60", "500"):
            asked.clear()
            mended.clear()
            await hand.press("ctrl+u")
            for key in amount:
                hand._send(key)
            while not asked.is_set():
                await asyncio.sleep(0.002)
            for key in ("ctrl+u", *"1.2.3"):
                hand._send(key)
            await hand.see("To be mended: Amount")
            await hand.quiet()
            assert "To be mended: Amount" in hand.screen_text(), "and not what becomes of the amount before"
            assert not row(hand, "amount").refused


async def test_a_busy_database_is_told_with_the_form_still_filled(book: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> None:
        raise DatabaseBusy("Another program is using {place}; try again in a moment.", place="ledger.db")

    async with counter(book) as hand:
        await hand.sign_in("ana")
        with monkeypatch.context() as patch:
            patch.setattr(Session, "perform", busy)
            await hand.burst(*"ada", "enter", "f3", *"9", "f9")
            await hand.on(ReviewScreen)
            await hand.deaf_time()
            await hand.press("enter")
            await hand.on(EntryScreen)
            await hand.see("Another program is using ledger.db")
        assert row(hand, "amount").value == "9"
        await hand.post()
        await hand.on(ReceiptScreen)
    assert balance(book, "905/M0001") == -10900


async def test_a_fault_of_the_program_is_a_sentence(book: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(*_: object) -> None:
        raise ZeroDivisionError

    async with counter(book) as hand:
        await hand.sign_in("ana")
        monkeypatch.setattr(Session, "preview", fault)
        await hand.burst(*"ada", "enter", "f3", *"9")
        await hand.see("The program met a fault of its own (ZeroDivisionError)")


# ---------------------------------------------------------------------------------------- the whole day


async def test_a_day_is_opened_counted_short_and_closed(book: str) -> None:
    friday = NOON + timedelta(days=1)
    async with counter(book, moment=friday) as hand:
        await hand.sign_in("ana")
        await hand.see("The day of Thursday, March 5, 2026 is still open")
        await hand.press("f8")
        await hand.see("Close your drawer")
        await hand.until(lambda: hand.app.focused is not None)
        await hand.press("home", "down", "down", "down", "down", "enter")  # close the drawer: count first
        await hand.on(EntryScreen)
        assert "625.00" not in hand.screen_text()  # a count is blind
        await hand.type("620")
        await hand.press("f9")
        await hand.see("! Drawer D1 is 5.00 short: say")
        await hand.type("not known")
        await hand.press("f9")
        await hand.on(ReviewScreen)
        await hand.see("Difference: 5.00 short")
        await hand.deaf_time()
        await hand.press("enter")
        await hand.on(ReceiptScreen)
        await hand.deaf_time()
        await hand.press("enter")
        await hand.see("every drawer is closed")
        await hand.press("end", "enter")
        await hand.on(ReviewScreen)
        await hand.deaf_time()
        await hand.press("enter")
        await hand.see("Type CLOSE first")
        await hand.type("close")
        await hand.press("enter")
        await hand.on(ReceiptScreen)
        await hand.deaf_time()
        await hand.press("enter")
        await hand.see("today is Friday, March 6, 2026")
        await hand.press("escape")
        await hand.see("The day is not open yet: press F8 to open it and your drawer.")
        await hand.press("f8")
        await hand.see("today is Friday, March 6, 2026")
        await hand.press("enter")
        await hand.on(EntryScreen)
        await hand.post()
        await hand.on(ReceiptScreen)
        await hand.deaf_time()
        await hand.press("enter")
        await hand.see("Mar 6, 2026 · ana")
    assert operations(book, "close-day") == 2
    assert balance(book, "330") == 500
    assert_book(book)


async def test_a_second_person_approves_what_the_first_asked_for(book: str) -> None:
    async with counter(book) as hand:
        await hand.sign_in("tom")
        await hand.press("f9")
        await hand.see("Redeem shares")
        await hand.see("M0002")
        await hand.press("f9")
        await hand.on(ReviewScreen)
        await hand.see("Approve: Redeem shares")
        await hand.see("25.00 →   0.00")
        await hand.deaf_time()
        await hand.press("enter")
        await hand.on(ReceiptScreen)
        await hand.see("approved by tom")
        await hand.deaf_time()
        await hand.press("enter")
        await hand.see("Nothing waits.")
    assert operations(book, "redeem-shares") == 1
    assert balance(book, "901/M0002") == 0
    assert_book(book)


# --------------------------------------------------------------------------------- looks and hostile texts


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_names_are_shown_as_they_are_and_turn_nothing_around(book: str, size: tuple[int, int]) -> None:
    async with counter(book, size=size) as hand:
        await hand.sign_in("ana")
        await hand.type("m0003")
        await hand.press("enter")
        await hand.see(HOSTILE)
        await hand.press("f3")
        await hand.on(EntryScreen)
        await hand.type("1")
        await hand.press("tab", "tab")
        await hand.type("[b]x[/b] =1+1")
        await hand.see(HOSTILE)
        await hand.press("f9")
        await hand.on(ReviewScreen)
        await hand.see("[b]x[/b] =1+1")
        await hand.see(HOSTILE)
        await hand.deaf_time()
        await hand.press("enter")
        await hand.on(ReceiptScreen)
        await hand.see(HOSTILE)
        await hand.deaf_time()
        await hand.press("enter")
        await hand.press("f7")
        await hand.see("[b]x[/b] =1+1")
        await hand.press("enter")
        await hand.see("Done by")
        assert "[b]x[/b]" in hand.screen_text()
        await hand.press("escape", "escape")
        await hand.type("evil")
        await found(hand, "M0004")
        assert "\u202e" not in hand.screen_text()
        assert "\ufffdevil\ufffd" in hand.screen_text()


def assert_nothing_cut(hand: Hand) -> None:
    """Every key of the footer, every box and every field lies inside 80x24."""
    screen = hand.app.screen
    for keys in screen.query(KeysLine):
        assert keys.wanted <= 80, keys
    for box in screen.query(".box"):
        assert box.region.right <= 80
        assert box.region.bottom <= 24
    for field in screen.query("Input, Choice, TextArea"):
        assert field.region.right <= 80, field


async def test_at_80x24_nothing_is_cut(book: str) -> None:
    async with counter(book) as hand:
        await hand.see("Passphrase")
        assert_nothing_cut(hand)
        await hand.sign_in("ana")
        home = hand.app.screen
        await hand.type("ada")
        await hand.press("enter")
        await found(hand, "M0001")
        assert_nothing_cut(hand)
        for key in ("f3", "f6", "f7", "f8", "f9", "f10", "f1"):
            await hand.press(key)
            await hand.until(lambda: hand.app.screen is not home, key)
            await hand.quiet()
            assert_nothing_cut(hand)
            await hand.press("escape")
            await hand.until(lambda: hand.app.screen is home, f"back from {key}")


PARTS = 4
"""The forms are looked at in so many tests: one alone would take minutes where the machine has much else to do."""


def laid_out(screen: object) -> bool:
    """Whether a form stands on the screen and can be typed into."""
    assert isinstance(screen, EntryScreen)
    if screen.query("#entry-effects") and not screen.rows:
        return True  # the card says all that is asked for
    return screen.focused is not None and all(field.size.width > 0 for field in screen.rows if field.display)


@pytest.mark.parametrize("part", range(PARTS))
async def test_every_operation_has_a_form_that_fits(book: str, part: int) -> None:
    async with counter(book) as hand:
        await hand.sign_in("tom")
        home = hand.app.screen
        assert isinstance(home, HomeScreen)
        await hand.type("m0005")
        await found(hand, "M0005")
        for power in hand.app.session.powers[part::PARTS]:
            if not CATALOGUE[power.name].model_fields:
                continue  # nothing to fill in: it goes straight to the review
            hand.app.fill_in(power.name, home.card)
            await hand.until(lambda: isinstance(hand.app.screen, EntryScreen), power.name)
            await hand.until(lambda: laid_out(hand.app.screen), f"the form of {power.name}")
            await hand.quiet()
            assert_nothing_cut(hand)
            hand.app.screen.dismiss(None)
            await hand.until(lambda: hand.app.screen is home, f"back from {power.name}")


async def test_a_key_lays_out_nothing_but_what_it_changes(book: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole screen would be, for a box that grows by a character and for notes that are empty and stay so."""
    async with counter(book) as hand:
        await hand.sign_in("ana")
        hand.app.fill_in("admit-member", None)
        await hand.until(lambda: isinstance(hand.app.screen, EntryScreen) and laid_out(hand.app.screen))
        await hand.press("A")
        asked: list[Widget] = []
        refresh = Widget.refresh

        def noted(self: Widget, *regions: Region, repaint: bool = True, layout: bool = False, **more: bool) -> Widget:
            if layout:
                asked.append(self)
            return refresh(self, *regions, repaint=repaint, layout=layout, **more)

        monkeypatch.setattr(Widget, "refresh", noted)
        await hand.press("d", "a")
        screen = hand.app.screen
        assert isinstance(screen, EntryScreen) and screen.rows[0].value == "Ada"
        assert screen.status not in asked and screen.rows[0].control not in asked
        assert not [each for each in asked if each.has_class("field-note")]
        screen.status.say("something")
        assert screen.status in asked
