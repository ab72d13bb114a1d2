"""The funds at the counter: every figure is the reports', forms that follow know their note, the paper is made."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from coopbank.bank.books import Books
from coopbank.reports.forecast import Expected, Forecast, MonthAhead, forecast
from coopbank.reports.glance import glance
from coopbank.tui.funds import ahead_lines
from coopbank.tui.screens.accounts import RegisterScreen
from coopbank.tui.screens.entry import EntryScreen
from coopbank.tui.screens.funds import FundScreen, FundsScreen
from coopbank.tui.screens.views import LinesScreen
from coopbank.tui.show import amount
from tests.tui.support import Hand, counter, look


async def go(hand: Hand) -> None:
    await hand.sign_in("tom")
    await hand.press("f10")
    await hand.type("at a glance")
    await hand.quiet()
    await hand.press("enter")
    await hand.on(FundsScreen)
    await hand.see("Revolving")


def figures(books: Books) -> tuple[str, ...]:
    """Of RLF, what the list shows: capital, lent, available, utilisation, times."""
    seen = next(each for each in glance(books).funds if each.code == "RLF")
    assert sum(part.amount for part in seen.sources) == seen.capital
    sums = tuple(amount(each, "USD") for each in (seen.capital, seen.lent, seen.available))
    return (*sums, str(seen.measure("utilisation").value), str(seen.measure("revolve").value))


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_funds_show_the_figures_of_the_reports(
    common_book: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.chdir(tmp_path)
    wanted = look(common_book, figures)
    lowest = look(common_book, lambda books: forecast(books, "RLF").lendable[0])
    async with counter(common_book, size=size) as hand:
        await go(hand)
        row = next(line for line in hand.lines() if " RLF " in line)
        assert all(figure in row for figure in wanted)  # type: ignore[attr-defined]
        await hand.press("f6")
        await hand.see("4,300.00")
        await hand.press("f4")
        await hand.see("IF-001")
        await hand.press("f5")
        await hand.on(EntryScreen)
        await hand.see("N-002")
        await hand.press("escape")
        await hand.press("enter")
        await hand.on(RegisterScreen)
        await hand.press("escape", "f3", "down", "enter")
        await hand.on(FundScreen)
        await hand.see("Utilisation")
        await hand.press("end")
        await hand.see("Cost per job")
        await hand.press("f4")
        await hand.see("Notes of class A")
        await hand.press("right")
        await hand.see("April 2026")
        await hand.press("down", "enter")
        await hand.on(LinesScreen)
        await hand.see("loans by their")
        await hand.press("escape", "f5")
        await hand.type("much")
        await hand.press("enter")
        await hand.see("is not an amount")
        await hand.press("ctrl+u")
        await hand.type(amount(int(str(lowest)), "USD"))
        await hand.press("enter")
        await hand.see("cautious, at once")
        await hand.press("f9")
        await hand.see("Made: statements/")
        await hand.press("f2")
        await hand.type("20260302")
        await hand.press("enter")
        await hand.see("March 2, 2026")
        await hand.press("f3")
        await hand.see("1,200.00")
        await hand.press("f9")
        await hand.see("RLF-fund-report-2026-03-02")


@pytest.mark.parametrize(
    ("day", "seen"),
    [("00010101", "outside the years"), ("99991231", "too far ahead"), ("19000228", "February 28, 1900")],
)
async def test_a_day_that_is_far_away_is_shown_or_refused(common_book: str, day: str, seen: str) -> None:
    async with counter(common_book) as hand:
        await go(hand)
        await hand.press("down", "enter")
        await hand.see("Utilisation")
        await hand.press("f2")
        await hand.type(day)
        await hand.press("enter")
        await hand.see(seen)


def test_a_month_below_nothing_says_so_without_any_colour() -> None:
    first, last = date(2026, 4, 1), date(2026, 4, 30)
    month = MonthAhead(
        first, last, {"notes": -30_00}, {"late": 10_00, "notes": -30_00}, 0, -30_00, -20_00, -10_00, -20_00, -10_00
    )
    paid = Expected(date(2026, 4, 2), "notes", "[red]N-001", -30_00)
    ahead = Forecast(
        None, "RLF", "x", first, last, 10_00, 0, (month,), (paid,), None, (0, 0), ()  # type: ignore[arg-type]
    )  # fmt: skip
    (line,) = ahead_lines(ahead, "USD")
    assert line.cells[:3] == ("April 2026", "-20.00", "-10.00") and line.cells[3].startswith("!")
    assert [each.cells[3] for each in line.opens.lines] == ["-30.00"]
    assert any("hopeful 10.00" in said for said in line.says)
