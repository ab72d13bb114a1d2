"""The evening of docs/volunteers.md: lived by keys alone at 80x24, and the books proven afterwards."""

from __future__ import annotations

from pathlib import Path

from coopbank.bank.bank import Bank
from coopbank.bank.verify import verify
from coopbank.ledger.verify import wrong
from tests.documents.volunteers_page import EVENING_SCENES, FOLDER, PICTURES, Scene, live, page
from tests.tui.support import Hand, balance, operations


def test_the_page_is_current_and_has_its_pictures() -> None:
    assert (FOLDER / "volunteers.md").read_text(encoding="utf-8") == page()
    for scene in EVENING_SCENES:
        assert (FOLDER / PICTURES / f"{scene.name}.svg").read_text(encoding="utf-8").startswith("<svg")


async def test_an_evening_from_sign_in_to_statements(tmp_path: Path) -> None:
    seen: list[str] = []

    def keep(scene: Scene, hand: Hand) -> None:
        seen.append(scene.name)
        assert "PRACTICE" in hand.screen_text() or "│" in hand.screen_text()

    place = await live(tmp_path, keep)
    assert len(seen) == len(EVENING_SCENES)
    for kind, times in (("close-drawer", 2), ("close-day", 3), ("reverse", 1), ("repay-loan", 1)):
        assert operations(place, kind) == times, kind
    assert balance(place, "330") == 5_00
    bank = Bank.open(place)
    assert not wrong(verify(bank.database))
    bank.close()
    assert list((tmp_path / "statements" / "2026-11").glob("*.pdf"))
