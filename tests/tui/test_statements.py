"""Statements at the counter: of everybody for a month, and of one member."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import ProgressBar

from coopbank.statements import batch
from coopbank.statements.making import Request
from coopbank.tui.screens.statements import StatementsScreen
from tests.tui.support import Hand, counter


async def go(hand: Hand) -> None:
    await hand.sign_in("tom")
    await hand.press("f10")
    await hand.type("statements")
    await hand.quiet()
    await hand.press("enter")
    await hand.on(StatementsScreen)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_a_month_of_statements_with_one_that_fails(
    book: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.chdir(tmp_path)
    draw = batch.draw

    def fails(bank: Any, books: Any, request: Request, *, recorded: bool, **more: Any) -> Any:
        if request.about == "M0002":
            raise ValueError("no [red]ink[/red]")
        return draw(bank, books, request, recorded=recorded, **more)

    monkeypatch.setattr(batch, "draw", fails)
    async with counter(book, size=size) as hand:
        await go(hand)
        await hand.see("2026-02")
        await hand.press("ctrl+u")
        await hand.type("march")
        await hand.press("f9")
        await hand.see("march is not a month")
        await hand.press("ctrl+u")
        await hand.type("202603")
        await hand.press("f9")
        await hand.see("4 statements are in statements/2026-03. 1 could not be made")
        await hand.see("FAILED")
        assert "M0002: no [red]ink[/red]" in hand.screen_text()
        assert hand.app.screen.query_one(ProgressBar).percentage == 1
    assert len(list((tmp_path / "statements" / "2026-03").glob("*.pdf"))) == 4


async def test_a_batch_is_stopped_after_the_one_in_hand(
    book: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made: list[str] = []
    draw = batch.draw
    async with counter(book) as hand:
        await go(hand)

        def stops(bank: Any, books: Any, request: Request, *, recorded: bool, **more: Any) -> Any:
            made.append(request.about)
            screen = hand.app.screen
            assert isinstance(screen, StatementsScreen)
            hand.app.call_from_thread(screen.action_leave)
            return draw(bank, books, request, recorded=recorded, **more)

        monkeypatch.setattr(batch, "draw", stops)
        await hand.press("ctrl+u")
        await hand.type("2026-03")
        await hand.press("f9")
        await hand.see("Stopped before the end.")
        assert made == ["M0001"]
        await hand.press("escape")
        await hand.see("Ready for the next member")


async def test_a_members_own_statement(book: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with counter(book) as hand:
        await hand.sign_in("ana")
        await hand.press("ctrl+s")
        await hand.see("Whose statement?")
        await hand.type("ada")
        await hand.press("ctrl+s")
        await hand.see("The statement is statements/2026-02/M0001-member-statement-2026-02.pdf")
    assert (tmp_path / "statements" / "2026-02" / "M0001-member-statement-2026-02.pdf").read_bytes()[:5] == b"%PDF-"
