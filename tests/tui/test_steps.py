"""A new loan, step by step."""

from __future__ import annotations

import re

import pytest
from textual.widgets import Static

from coopbank.bank.operation import CATALOGUE
from coopbank.tui.forms import fields_of
from coopbank.tui.screens.entry import EntryScreen
from coopbank.tui.screens.receipt import ReceiptScreen
from coopbank.tui.screens.review import ReviewScreen
from coopbank.tui.steps import KINDS, STEPS, step_of
from tests.tui.support import Hand, counter, operations


@pytest.mark.parametrize("name", STEPS)
def test_every_field_is_asked_for_in_one_step(name: str) -> None:
    specs = {spec.name for spec in fields_of(CATALOGUE[name], "USD")}
    named = [field for step in STEPS[name] for field in step.fields or ()]
    assert len(named) == len(set(named))
    assert set(named) <= specs
    assert sum(step.fields is None for step in STEPS[name]) == 1
    assert all(0 <= step_of(STEPS[name], field) < len(STEPS[name]) for field in specs)
    assert set(KINDS) == {"schedule", "line", "surplus", "revenue"}


def screen(hand: Hand) -> EntryScreen:
    assert isinstance(hand.app.screen, EntryScreen)
    return hand.app.screen


def field(hand: Hand) -> str:
    return next((row.spec.name for row in screen(hand).rows if row.control.has_focus), "")


async def below(hand: Hand, text: str) -> None:
    """Wait for a sentence below the fields, however it is broken into lines."""
    said = hand.app.screen.query_one("#entry-shown", Static)
    await hand.until(lambda: text in str(said.render()), text)


async def begin(hand: Hand) -> None:
    await hand.sign_in("ana")
    await hand.type("ada")
    await hand.press("enter", "f10")
    await hand.type("grant a")
    await hand.quiet()
    await hand.press("enter")
    await hand.on(EntryScreen)
    await hand.see("Step 1 of 5")


def agrees(hand: Hand) -> bool:
    """Whether the payment that the operation would fix is that of all six rows of the schedule but the last."""
    said = hand.screen_text()
    payment = re.search(r"Payment: ([0-9.]+)", said)
    return payment is not None and said.count(payment[1]) == 6


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_a_term_loan_is_granted_step_by_step_and_waits_for_a_second_person(
    book: str, size: tuple[int, int]
) -> None:
    async with counter(book, size=size) as hand:
        await begin(hand)
        while field(hand) != "purpose":
            await hand.press("down")
        await hand.type("sewing [red]machines[/red]")
        await hand.press("f8")
        await hand.see("Step 2 of 5: How it comes back")
        await below(hand, "asks for nothing before the borrower earned a surplus")
        await hand.press("pagedown", "pagedown")
        last = str(hand.app.screen.query_one("#entry-shown", Static).render()).splitlines()[-1]
        await hand.see(last.split()[-1])  # the last product can be read, however low the screen
        await hand.press("f8")
        await below(hand, "3,800.00 free to lend")
        await hand.type("600")
        await hand.press("f8")
        await hand.see("Step 4 of 5")
        await hand.until(lambda: field(hand) == "annual_rate")
        await hand.type("3")
        await hand.press("enter")
        await hand.type("6")
        await hand.press("f8")
        await hand.see("Step 5 of 5: What it will look like")
        await hand.see("2026-04-05")
        if size[0] >= 100:
            await hand.until(
                lambda: agrees(hand), "the operation's own payment, beside the schedule that the step draws"
            )
        else:  # the schedule has the whole of a narrow screen: its last balance is not cut
            await hand.see("1 2026-04-05 ")
            assert re.search(r"6 2026-09-05 .* 0\.00\s*$", hand.screen_text(), re.MULTILINE)
        await hand.press("f6", "f6")
        await hand.see("Step 3 of 5")
        assert screen(hand).typed()["principal"] == "600"
        await hand.press("f9")
        await hand.on(ReviewScreen)
        await hand.see("Annual percentage rate")
        await hand.deaf_time()
        await hand.press("enter")
        await hand.on(ReceiptScreen)
    assert operations(book, "grant-loan") == 1


async def test_what_is_wrong_brings_the_hand_to_its_step(book: str) -> None:
    async with counter(book) as hand:
        await begin(hand)
        await hand.press("f8", "f8", "f8", "f8")
        await hand.see("Still needed")
        await hand.press("f9")
        await hand.see("Step 3 of 5")
        await hand.see("Type the amount")
        assert field(hand) == "principal"
        await hand.type("999999")
        await hand.press("f9")
        await hand.until(lambda: field(hand) in ("annual_rate", "principal"))
        await hand.see("!")


async def test_a_loan_out_of_surplus_says_what_a_surplus_would_mean(book: str) -> None:
    async with counter(book) as hand:
        await begin(hand)
        await hand.press("f8")
        product = next(row for row in screen(hand).rows if row.spec.name == "product")
        product.value = "SURPLUS"
        await hand.press("f8")
        await hand.type("600")
        await hand.press("f8")
        await hand.see("Step 4 of 5")
        names = {row.spec.name for row in screen(hand).rows if row.display}
        assert "share_percent" in names
        assert "installments" not in names
        for name, text in (
            ("annual_rate", "2"),
            ("share_percent", "30"),
            ("cost_cap_percent", "10"),
            ("outer_date", "20360305"),
        ):
            row = next(row for row in screen(hand).rows if row.spec.name == name)
            row.value = text
        await hand.press("f8")
        await hand.see("Without a surplus nothing is due")
        await below(hand, "at most 3,000.00 is asked for (30 %)")


async def test_a_form_without_steps_has_no_step_keys(book: str) -> None:
    async with counter(book) as hand:
        await hand.sign_in("ana")
        await hand.type("ada")
        await hand.press("enter", "f3")
        await hand.on(EntryScreen)
        assert "Next step" not in hand.screen_text()
