"""Who works here, and what the bank decided for itself."""

from __future__ import annotations

import pytest

from coopbank.bank.policies import POLICIES
from coopbank.tui.screens.entry import EntryScreen
from coopbank.tui.screens.passphrase import PassphraseScreen
from coopbank.tui.screens.people import PeopleScreen, RulesScreen
from coopbank.tui.screens.receipt import ReceiptScreen
from tests.tui.support import Hand, counter, look, operations


def test_every_policy_says_what_it_is_about_and_holds_from_somewhere() -> None:
    for name, policy in POLICIES.items():
        assert policy.title and policy.says.endswith((".", "FILE", "yes or no.")), name
        assert policy.new is not None or policy.older is not None, name
        assert type(policy.new) is type(policy.older) or None in (policy.new, policy.older), name


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_people_are_shown_with_what_they_may_do(book: str, size: tuple[int, int]) -> None:
    async with counter(book, size=size) as hand:
        await go(hand, "ana", "works here", PeopleScreen)
        await hand.see("Ana")
        await to(hand, "ana")
        await hand.see("Accept a borrower's report")
        await hand.press("tab", "end")
        last = "Withdraw an application"
        await hand.until(lambda: last in " ".join(hand.screen_text().split()), "over two lines or one")
        await hand.press("shift+tab")
        assert "F3" not in hand.screen_text()  # ana is no administrator
        await to(hand, "tom")
        await hand.see("Is linked to no member")


async def test_an_administrator_adds_a_colleague_and_asks_for_anothers_passphrase(book: str) -> None:
    async with counter(book) as hand:
        await go(hand, admin_of(book), "works here", PeopleScreen)
        await hand.press("f3")
        await hand.on(EntryScreen)
        await hand.type("eve")
        await hand.press("enter")
        await hand.type("[red]Eve[/red]")
        await hand.press("enter")
        await hand.type("teller")
        await hand.press("f9")
        await hand.see("[red]Eve[/red]")
        await hand.deaf_time()
        await hand.press("enter")
        await hand.on(ReceiptScreen)
        await hand.deaf_time()
        await hand.press("escape")
        await hand.on(PeopleScreen)
        await to(hand, "tom")
        await hand.press("f6")
        await hand.on(PassphraseScreen)
        await hand.type("many plain words")
        await hand.press("enter")
        await hand.type("many plain words")
        await hand.press("f9")
        await hand.see("A colleague has to agree first")
        await hand.press("escape")
        await hand.on(PeopleScreen)
    assert operations(book, "ask") + operations(book, "add-user") >= 2


async def test_nobody_changes_their_own_roles(book: str) -> None:
    admin = admin_of(book)
    async with counter(book) as hand:
        await go(hand, admin, "works here", PeopleScreen)
        await to(hand, admin)
        await hand.press("f4", "enter")
        assert isinstance(hand.app.screen, PeopleScreen)
        await to(hand, "ana")
        await hand.press("enter")
        await hand.on(EntryScreen)
        await hand.see("teller")


async def test_a_setting_of_the_bank_is_changed_from_its_line(book: str) -> None:
    async with counter(book) as hand:
        await go(hand, "tom", "bank decided", RulesScreen)
        await hand.see("Withdrawal by one person")
        await to(hand, "Cash in a drawer")
        await hand.see("A drawer holds no more cash than this.")
        await hand.press("enter")
        await hand.on(EntryScreen)
        await hand.press("ctrl+u")
        await hand.type("4000.00")
        await hand.press("f9")
        await hand.see("second person")
        await hand.deaf_time()
        await hand.press("enter")
        await hand.on(ReceiptScreen)
    assert operations(book, "set-policy") == 0


def admin_of(place: str) -> str:
    found = look(place, lambda books: books.tx.value("SELECT actor FROM operation WHERE id = 1"))
    assert isinstance(found, str)
    return found


async def go(hand: Hand, user: str, name: str, screen: type[object]) -> None:
    await hand.sign_in(user)
    await hand.press("f10")
    await hand.type(name)
    await hand.quiet()
    await hand.press("enter")
    await hand.on(screen)
    await hand.quiet()


async def to(hand: Hand, first: str) -> None:
    """Down to the row that begins with that."""
    screen = hand.app.screen
    assert isinstance(screen, (PeopleScreen, RulesScreen))
    await hand.press("home")
    for _ in range(screen.rows.count):
        if screen.chosen is not None and screen.cells(screen.chosen)[0] == first:  # type: ignore[arg-type]
            return
        await hand.press("down")
    raise AssertionError(f"no row {first}")
