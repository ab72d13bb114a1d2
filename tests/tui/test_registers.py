"""Registers at the counter: entries with their versions, added and changed from there; what is kept apart stays so."""

from __future__ import annotations

from contextlib import closing

import pytest

from coopbank.bank import records
from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor
from coopbank.bank.operation import ROLES
from coopbank.clock import SetClock
from coopbank.tui.registers import registers_page
from coopbank.tui.screens.accounts import OperationScreen
from coopbank.tui.screens.entry import EntryScreen
from coopbank.tui.screens.registers import RegisterBookScreen, RegisterEntryScreen, RegistersScreen
from coopbank.tui.session import Session
from coopbank.words import speaking
from tests.tui.support import HOSTILE, NOON, Hand, assert_book, counter, look


async def go(hand: Hand, user: str = "tom") -> None:
    await hand.sign_in(user)
    hand.app.action_go_to("registers")
    await hand.on(RegistersScreen)
    await hand.see("VOLUNTEERS")


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_an_entry_is_changed_where_it_is_read(common_book: str, size: tuple[int, int]) -> None:
    async with counter(common_book, size=size) as hand:
        await go(hand)
        await hand.press("f4")
        await hand.see("266.67 lent for each job")
        await hand.press("f6")
        await hand.see("0 of 1 members")
        await hand.press("f8")
        await hand.see("No borrowers are linked")
        await hand.press("f3", "enter")
        await hand.on(RegisterBookScreen)
        await hand.see("JOBS-00001")
        await hand.press("f6")
        await hand.see("one of baseline")
        await hand.press("f3", "enter")
        await hand.on(RegisterEntryScreen)
        await hand.see("17.50")
        await hand.press("f5")
        await hand.see("Close an entry")
        await hand.press("enter")
        await hand.on(EntryScreen)
        await hand.see("wage: 17.50")
        await hand.type("typed wrong")  # the form begins where something is missing
        await hand.press("shift+tab", *["down"] * 5, "end", "backspace", "1")
        await hand.post()
        await hand.see("Head of the chain")
        await hand.deaf_time()
        await hand.press("escape")
        await hand.see("17.51")
        await hand.press("f4")
        await hand.see("Lowest wage an hour: 17.50 → 17.51")
        await hand.press("enter")
        await hand.on(OperationScreen)
    entry = look(common_book, lambda books: books.get(records.RegisterEntry, "JOBS-00001"))
    assert entry.values["wage"] == 17_51 and entry.values["created"] == "3"  # type: ignore[attr-defined]
    assert_book(common_book)


async def test_what_is_kept_apart_is_shown_to_keepers_who_ask(common_book: str) -> None:
    """VOLUNTEERS has a name that is kept apart; sue keeps no register."""
    secret = f"{HOSTILE} " + "x" * 400
    with closing(Bank.open(common_book, clock=SetClock(NOON))) as bank:
        values = {"on": "2026-03-04", "hours": "2.5", "work": "office", "who": secret}
        added = bank.build("add-entry", {"register_code": "VOLUNTEERS", "values": values})
        bank.perform(Actor("tom", ("treasurer",)), added)
    async with counter(common_book) as hand:
        await go(hand)
        await hand.press("down", "enter")
        await hand.see("(kept apart)")
        await hand.press("f9")
        await hand.see("[red]Eve[/red] <b>")
        await hand.press("f9", "enter")
        await hand.see("(kept apart)")
        assert "Eve" not in hand.screen_text()
    session = Session(common_book, clock=SetClock(NOON))
    try:
        session.actor = Actor("sue", ("supervisor",))
        from coopbank.tui.registers import entry_page

        page = session.answer(lambda own: entry_page(own, "VOLUNTEERS-00001", personal=True))
        assert not any("Eve" in cell for lines in page.views.values() for line in lines for cell in line.cells)
    finally:
        session.close()


def test_who_keeps_a_register_is_said_in_the_language_in_force(common_book: str) -> None:
    opened = Session(common_book)
    try:
        with speaking("es"):
            lines = registers_page(opened, "registers").views["registers"]
    finally:
        opened.close()
    said = {keeper for line in lines for keeper in line.cells[-1].split(", ")}
    assert "oficial de préstamos" in said
    assert not said & set(ROLES)
