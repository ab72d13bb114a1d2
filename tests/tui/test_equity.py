"""What a member owns, at the counter: shares, retained patronage, what waits to be paid, certificates."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from coopbank.reports.member_equity import member_equity
from coopbank.tui.screens.accounts import RegisterScreen
from coopbank.tui.screens.entry import EntryScreen
from coopbank.tui.screens.equity import EquityScreen
from tests.bank.support_equity import close_year, earn, end_of_year
from tests.support_bank import SmallBank, new_bank
from tests.tui.support import HOSTILE, WORDS, Hand, counter, look

JANUARY = datetime(2027, 1, 4, 18, tzinfo=UTC)


def divided(small: SmallBank) -> None:
    """A surplus was divided by hours; two members give shares back, and the second one waits behind the first."""
    two = {"by": small.tom, "approver": small.sue}
    mia, eve = small.admit("Mia Lee"), small.admit(HOSTILE)
    for member in (mia, eve):
        small.do("buy-shares", member=member, amount="25.00")
    small.do("buy-shares", member=eve, amount="110.00", share_class="903")
    earn(small, "100.00")
    small.agreed("record-hours", year="2026", hours=[f"{mia} 10", f"{eve} 20"], source="sheets", **two)
    steps = ["indivisible 20", "dividend 901 4", "patronage hours 50"]
    small.agreed("set-surplus-rules", steps=steps, consent="b", resolution="R-0", **two)
    end_of_year(small)
    close_year(small)
    small.do("propose-surplus", by=small.tom, year="2026")
    small.agreed("allocate-surplus", year="2026", resolution="R-1", **two)
    for member in (mia, eve):
        small.agreed("accept-redemption", member=member, amount="25.00")
    small.do("buy-shares", member=eve, amount="10.00")
    small.bank.set_passphrase(small.admin, "admin", WORDS)
    small.give_passphrase("tom", WORDS)


@pytest.fixture(scope="module")
def divided_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("equity") / "model.db"
    with new_bank(str(place)) as small:
        divided(small)
    return place


@pytest.fixture
def divided_book(divided_model: Path, tmp_path: Path) -> str:
    return str(shutil.copy(divided_model, tmp_path / "equity.db"))


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_what_a_member_owns_is_shown_and_done_from_there(
    divided_book: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.chdir(tmp_path)
    async with counter(divided_book, size=size, moment=JANUARY) as hand:
        await hand.sign_in("tom")
        await own(hand)
        await hand.see("10.00")  # towards a second share
        await hand.press("f4")
        await hand.see("2026")
        await hand.press("enter")
        await hand.on(RegisterScreen)
        await hand.press("escape", "f6")
        await hand.see("number 2 in the queue")
        await hand.press("f5")
        await hand.see("Pay redeemed shares")
        await hand.press("enter")
        await hand.on(EntryScreen)
        await hand.see("RD-00002")
        await hand.press("escape", "f8")
        await hand.see("No certificate was made")
        await hand.press("f9")
        await hand.see("Made: statements/")
        await hand.see("Jan 4, 2027")
        assert hand.app.screen.check_action("acts", ())
        await hand.press("escape", "f6")  # in the middle of a form one may look, and begin nothing
        await hand.on(EntryScreen)
        hand.app.open_equity("M0001")
        await hand.see("Mia Lee")
        assert not hand.app.screen.check_action("acts", ())


async def own(hand: Hand) -> None:
    """Look the member up, see the card, and go to what they own."""
    await hand.type("M0002")
    await hand.see("patronage retained of 2026")
    await hand.see("RD-00002")
    await hand.press("ctrl+o")
    await hand.on(EquityScreen)
    await hand.see("[red]Eve[/red]")


def test_equity_is_what_the_books_hold(divided_book: str) -> None:
    def facts(books: object) -> None:
        found = member_equity(books, "M0002")  # type: ignore[arg-type]
        assert [(each.share_class, each.shares, each.towards) for each in found.shares] == [
            ("901", 0, 10_00), ("903", 1, 10_00)
        ]  # fmt: skip
        (retained,) = found.retained
        assert (retained.vintage, retained.control) == ("2026", "945") and retained.amount > 0
        assert found.total == 100_00 + retained.amount
        assert found.patronage > 0 and found.dividends > 0
        assert [(each.ref, each.place) for each in found.given_back] == [("RD-00002", 2)]

    look(divided_book, facts)
