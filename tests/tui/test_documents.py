"""Documents at the counter: any kind from its list, and the receipt on paper."""

from __future__ import annotations

from pathlib import Path

import pytest

from coopbank.bank import records
from coopbank.bank.bank import Bank
from coopbank.tui.screens.documents import DocumentsScreen
from coopbank.tui.screens.entry import EntryScreen
from tests.tui.support import counter


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_a_document_is_chosen_made_and_recorded(
    book: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.chdir(tmp_path)
    async with counter(book, size=size) as hand:
        await hand.sign_in("tom")
        await hand.press("f10")
        await hand.type("documents")
        await hand.quiet()
        await hand.press("enter")
        await hand.on(DocumentsScreen)
        await hand.see("Member statement")
        await hand.press("down", "enter")
        await hand.type("1")
        await hand.press("enter")
        await hand.type("2026-02-31")
        await hand.press("f9")
        await hand.see("2026-02-31 is not a date")
        await hand.press("ctrl+u")
        await hand.type("2026-02-01")
        await hand.press("f9")
        await hand.see("Made: statements/2026-03/M0001-member-statement-2026-02-01")
        await hand.press("f9")
        await hand.see("and the same now")
        await hand.press("escape")
        await hand.see("Ready for the next member")
    bank = Bank.open(book, read_only=True)
    with bank.read() as books:
        (made,) = books.every(records.Document)
    bank.close()
    assert (made[1].about, made[1].made_by, made[1].document) == ("M0001", "tom", "member-statement")


async def test_a_receipt_on_paper(book: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with counter(book) as hand:
        await hand.sign_in("ana")
        await hand.type("ada")
        await hand.press("enter", "f3")
        await hand.on(EntryScreen)
        await hand.type("12.50")
        await hand.post()
        await hand.see("Ctrl+S receipt on paper")
        await hand.press("ctrl+s")
        await hand.see("Made: statements/")
    (file,) = tmp_path.glob("statements/*/*-receipt.pdf")
    assert file.read_bytes()[:5] == b"%PDF-"
