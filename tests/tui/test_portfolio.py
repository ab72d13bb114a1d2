"""Funds and loans at one look: every figure is the report's."""

from __future__ import annotations

from datetime import date

import pytest

from coopbank.bank.books import Books
from coopbank.reports.financial import fund
from coopbank.reports.portfolio import portfolio
from coopbank.reports.revolving import lent_by_month
from coopbank.tui.screens.loan import LoanScreen
from coopbank.tui.screens.portfolio import LoansScreen, PortfolioScreen
from coopbank.tui.show import amount
from coopbank.tui.widgets.bars import bar
from tests.tui.support import Hand, counter, look


async def go(hand: Hand) -> None:
    await hand.sign_in("tom")
    await hand.press("f10")
    await hand.type("funds and")
    await hand.quiet()
    await hand.press("enter")
    await hand.on(PortfolioScreen)
    await hand.see("Loans: 1, ")


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_every_view_shows_the_figures_of_the_reports(book: str, size: tuple[int, int]) -> None:
    def facts(books: Books) -> tuple[int, int, int]:
        whole, funds = portfolio(books), fund(books)
        rlf = next(each for each in funds.funds if each.code == "RLF")
        assert sum(each.owed for each in whole.buckets) + sum(each.owed for each in whole.beside) == whole.owed
        return whole.owed, rlf.lent, rlf.claim

    owed, lent, claim = look(book, facts)  # type: ignore[misc]
    async with counter(book, size=size) as hand:
        await go(hand)
        for figure in (owed, lent, claim):
            assert amount(figure, "USD") in hand.screen_text()
        assert "free to lend" in hand.screen_text()
        await hand.press("f4")
        await hand.see("31 to 60 days late")
        await hand.press("right")
        await hand.see("by a schedule")
        await hand.press("f8")
        await hand.see("Mar 2026")
        assert "1,200.00" in hand.screen_text()
        await hand.press("enter")
        await hand.see("no loans behind")
        await hand.press("f6", "enter")
        await hand.on(LoansScreen)
        await hand.see("Green Tassel Urban Farm")
        await hand.press("enter")
        await hand.on(LoanScreen)
        await hand.press("escape", "escape")
        await hand.press("f2")
        await hand.type("20260301")
        await hand.press("enter")
        await hand.see("Loans: 0, ")


def test_months_add_up_to_what_is_outstanding(book: str) -> None:
    def months(books: Books) -> object:
        return lent_by_month(books, date(2026, 3, 5), 3)

    found = look(book, months)
    assert [(x.first.month, x.out, x.back, x.lost, x.outstanding) for x in found] == [  # type: ignore[attr-defined]
        (1, 0, 0, 0, 0), (2, 0, 0, 0, 0), (3, 1200_00, 0, 0, 1200_00),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "whole", "drawn"),
    [((10,), 10, "██████████"), ((5, 5), 10, "█████▒▒▒▒▒"), ((1, 1), 10_000, "█▒"), ((0, 0, 3), 6, "·····"),
     ((1,), 0, ""), ((-3, 5), 10, "▒▒▒▒▒"), ((9999, 1), 10_000, "██████████")],
)  # fmt: skip
def test_a_bar_is_as_long_as_its_share(parts: tuple[int, ...], whole: int, drawn: str) -> None:
    assert bar(parts, whole, 10) == drawn
