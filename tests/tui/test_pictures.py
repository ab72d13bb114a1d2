"""Every screen as a picture, at three sizes: what is painted is what was painted when somebody last looked at it.

`UPDATE_PICTURES=1 pytest tests/tui/test_pictures.py` keeps what is painted now; look at the difference, then commit.
A picture is compared until it is the same, for as long as a slow machine may need, so that only what differs fails.
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from coopbank.tui.screens.decisions import ResolutionScreen
from coopbank.tui.screens.funds import FundScreen
from coopbank.tui.screens.home import HomeScreen
from coopbank.tui.screens.registers import RegisterEntryScreen
from tests.tui.support import Hand, counter

FOLDER = Path(__file__).parent / "pictures"
UPDATE = os.environ.get("UPDATE_PICTURES") == "1"
Act = Callable[[Hand], Awaitable[None]]


def picture(hand: Hand) -> str:
    """What is painted, without the web fonts that a picture would name."""
    hand.app.screen.refresh()  # what lies under a box may have been painted before it was whole
    svg = hand.app.export_screenshot(title="coopbank")
    svg = re.sub(r"@font-face \{.*?\}\n", "", svg, flags=re.S)
    svg = re.sub(r"\b[0-9a-f]{16}\b", "0" * 16, svg)  # hashes: their salts are drawn anew for each book
    return re.sub(r"terminal-\d+-", "t-", svg)


async def keep(hand: Hand, size: str, name: str) -> None:
    file = FOLDER / size / f"{name}.svg"
    await hand.quiet()
    if UPDATE:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(picture(hand), encoding="utf-8")
        return
    kept = file.read_text(encoding="utf-8")
    await hand.until(lambda: picture(hand) == kept, f"the picture {size}/{name}")


async def home(hand: Hand) -> None:
    while not isinstance(hand.app.screen, HomeScreen):
        await hand.press("escape")
        await hand.quiet()
    await hand.press("escape")
    await hand.quiet()


PLACES = ("journal", "accounts", "portfolio", "waiting", "people", "rules", "requests", "glossary", "settings", "day",
          "statements", "audit")  # fmt: skip


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 36)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_every_screen_is_painted_as_it_was(book: str, size: tuple[int, int]) -> None:
    named = f"{size[0]}x{size[1]}"
    async with counter(book, size=size) as hand:
        await hand.see("These are the real books")
        await keep(hand, named, "sign-in")
        await hand.sign_in("ana")
        await keep(hand, named, "home")
        await hand.type("tassel")
        await hand.press("enter")
        await hand.see("walk-in cooler")
        await keep(hand, named, "member")
        await hand.press("f5")
        await hand.see("What is more")
        await hand.type("50")
        await hand.see("625.00 → 675.00")
        await keep(hand, named, "form")
        await hand.press("f1")
        await hand.see("An amount as you write it")
        await keep(hand, named, "help")
        await hand.press("escape", "f9")
        await hand.see("Enter posts")
        await keep(hand, named, "review")
        await hand.deaf_time()
        await hand.press("enter")
        await hand.see("Head of the chain")
        await keep(hand, named, "receipt")
        await hand.deaf_time()
        await hand.press("escape", "ctrl+l")
        await hand.see("Schedule")
        await keep(hand, named, "loan")
        await home(hand)
        for place in PLACES:
            hand.app.action_go_to(place)
            await keep(hand, named, place)
            await home(hand)
        hand.app.open_account("GEN", "905/M0001")
        await hand.see("Deposit M0001")
        await keep(hand, named, "register")
        await hand.press("enter")
        await hand.see("Enter its operation")
        await keep(hand, named, "entry")
        hand.app.lock()
        await hand.see("Locked.")
        await keep(hand, named, "lock")


COMMON_VIEWS = {"funds": ("f3", "f4"), "decisions": ("f3", "f8"), "registers": ("f3", "f4")}
"""Of each place, the views that are kept."""


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 36)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_what_belongs_to_all_is_painted_as_it_was(common_book: str, size: tuple[int, int]) -> None:
    named = f"{size[0]}x{size[1]}"
    async with counter(common_book, size=size) as hand:
        await hand.sign_in("ana")
        for place, keys in COMMON_VIEWS.items():
            hand.app.action_go_to(place)
            for key in keys:
                await hand.quiet()
                await hand.press(key)
                await keep(hand, named, f"{place}-{key}")
            await home(hand)
        hand.app.push_screen(FundScreen("RLF"))
        for key in ("f3", "f6"):
            await hand.quiet()
            await hand.press(key)
            await keep(hand, named, f"fund-{key}")
        await home(hand)
        hand.app.push_screen(ResolutionScreen("RES-00002"))
        await keep(hand, named, "resolution")
        await hand.press("f5")
        await keep(hand, named, "acts")
        await hand.press("escape")
        await home(hand)
        hand.app.push_screen(RegisterEntryScreen("JOBS-00001"))
        await hand.quiet()
        await hand.press("f4")
        await keep(hand, named, "register-entry")
        await home(hand)
        hand.app.open_equity("M0001")
        await keep(hand, named, "equity")
