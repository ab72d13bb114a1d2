"""From a balance down to the entry, to the operation that wrote it, and to the chain."""

from __future__ import annotations

import pytest

from coopbank.bank.bank import Bank
from coopbank.reports import register as registers
from coopbank.reports.register import register
from coopbank.reports.trial_balance import trial_balance
from coopbank.tui.screens.accounts import AccountsScreen, LeavesScreen, OperationScreen, RegisterScreen
from coopbank.tui.screens.home import HomeScreen
from coopbank.tui.screens.journal import EntryDetailScreen, JournalScreen
from coopbank.tui.show import amount
from tests.tui.support import Hand, counter, look


async def go(hand: Hand) -> None:
    await hand.sign_in("ana")
    await hand.press("f10")
    await hand.type("accounts")
    await hand.quiet()
    await hand.press("enter")
    await hand.on(AccountsScreen)
    await hand.see("Both sides")


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_from_the_trial_balance_down_to_the_chain(book: str, size: tuple[int, int]) -> None:
    totals = look(book, trial_balance)
    async with counter(book, size=size) as hand:
        await go(hand)
        assert amount(totals.debits, "USD") in hand.screen_text()  # type: ignore[attr-defined]
        await hand.see("Members' savings")
        rows = hand.app.screen.query_one("#accounts")
        while rows.chosen.code != "905":  # type: ignore[attr-defined]
            await hand.press("down")
        await hand.press("enter")
        await hand.on(LeavesScreen)
        await hand.see("[red]Eve[/red]")
        await hand.type("m0001")
        await hand.until(lambda: "M0002" not in hand.screen_text())
        await hand.see("Ada Abernathy")
        await hand.press("enter")
        await hand.on(RegisterScreen)
        await hand.see("Deposit M0001")
        assert "100.00 Cr" in hand.screen_text()
        await hand.press("enter")
        await hand.on(EntryDetailScreen)
        await hand.see("Enter its operation")
        await hand.press("enter")
        await hand.on(OperationScreen)
        for said in ("first money", "Done by: ana", "Chain:", "Amount: 100.00"):
            await hand.see(said)
        for _ in range(5):
            await hand.press("escape")
        await hand.on(HomeScreen)


async def test_balances_as_of_another_day(book: str) -> None:
    async with counter(book) as hand:
        await go(hand)
        await hand.press("f2")
        await hand.type("20260301")
        await hand.press("enter")
        await hand.see("Sunday, March 1, 2026")
        assert "Members' savings" not in hand.screen_text()
        await hand.press("f2")
        await hand.press("ctrl+u")
        await hand.type("99")
        await hand.press("enter")
        await hand.see("can be read in more than one way")
        await hand.press("escape", "escape")
        await hand.on(HomeScreen)


async def test_every_figure_of_the_card_opens_what_stands_behind_it(book: str) -> None:
    async with counter(book) as hand:
        await hand.sign_in("ana")
        await hand.press("tab", "enter")
        await hand.on(JournalScreen)
        await hand.press("escape")
        await hand.press("end", "enter")
        await hand.on(OperationScreen)
        await hand.press("escape")
        await hand.press("f2")
        await hand.type("ada")
        await hand.press("enter")
        await hand.see("100.00 available")
        await hand.press("tab", "home", "enter")
        await hand.on(RegisterScreen)
        await hand.see("GEN 905/M0001")
        await hand.press("escape", "down", "enter")
        await hand.on(RegisterScreen)
        await hand.see("GEN 901/M0001")


async def test_the_journal_goes_to_an_operation_by_its_number(book: str) -> None:
    async with counter(book) as hand:
        await hand.sign_in("ana")
        await hand.press("f7", "f2")
        await hand.type("#1")
        await hand.press("enter")
        await hand.on(OperationScreen)
        await hand.see("It moved no money")
        await hand.press("right")
        await hand.press("left")
        await hand.see("Operation 2")


def test_pages_of_a_register_add_up_to_the_balance_and_lose_nothing(book: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registers, "PAGE", 2)
    bank = Bank.open(book)
    with bank.read() as books:
        page = register(books, "GEN", "729")
        assert page.balance != 0
        lines = list(page.lines)
        while page.before is not None:
            page = register(books, "GEN", "729", page.before, page.balance)
            lines += page.lines
        assert page.balance == 0
        assert sum(line.amount for line in lines) == lines[0].after == books.balance("GEN", "729")
        assert [line.entry for line in lines] == sorted({line.entry for line in lines}, reverse=True)
    bank.close()
