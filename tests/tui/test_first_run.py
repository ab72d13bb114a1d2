"""The first evening: no books, a practice bank with its guide, new books, the glossary, help on a field."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from coopbank import demo, practice
from coopbank.bank.bank import Bank
from coopbank.bank.verify import verify
from coopbank.errors import AlreadyExists, DatabaseMissing
from coopbank.ledger.verify import wrong
from coopbank.practice import make_practice
from coopbank.tui.glossary import GLOSSARY
from coopbank.tui.screens.entry import EntryScreen
from coopbank.tui.screens.first_run import FirstRunScreen, FoundScreen
from coopbank.tui.screens.glossary import GlossaryScreen
from coopbank.tui.screens.home import HomeScreen
from coopbank.tui.screens.sign_in import SignInScreen, _sign_ins
from coopbank.tui.session import Session
from coopbank.tui.widgets.guide import LESSONS, Guide
from coopbank.words import speaking
from tests.support_bank import new_bank
from tests.tui.support import counter

TODAY = datetime(2026, 11, 26, 18, tzinfo=UTC)


@pytest.fixture(scope="session")
def practice_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("practice") / "practice.db"
    make_practice(str(place), TODAY.date())
    return place


def test_the_practice_bank_is_proven_and_stands_before_its_day(practice_model: Path) -> None:
    bank = Bank.open(str(practice_model))
    assert not wrong(verify(bank.database))
    with bank.read() as books:
        assert books.business_date() == date(2026, 11, 25)
        assert books.policy("demo_sign_ins")
    bank.close()
    with pytest.raises(AlreadyExists):
        make_practice(str(practice_model), TODAY.date())


async def test_without_books_one_practises(tmp_path: Path) -> None:
    place = tmp_path / "ledger.db"
    async with counter(str(place), moment=TODAY) as hand:
        await hand.on(FirstRunScreen)
        for said in ("There are no books here yet", "Practise", "Make the books", "Leave"):
            await hand.see(said)
        await hand.press("enter")
        await hand.on(SignInScreen)
        await hand.see("Mulberry Street Practice Bank")
        await hand.see("Nothing in these books counts")
        await hand.sign_in("pat")
        await hand.see("Practice 1 of 8")
        await hand.press("f8", "enter")
        await hand.on(EntryScreen)
        await hand.press("f9")
        await hand.see("Enter posts")
        await hand.deaf_time()
        await hand.press("enter")
        await hand.see("Done")
        await hand.deaf_time()
        await hand.press("escape")
        await hand.see("Practice 2 of 8")
        hand.app.action_guide()
        await hand.until(lambda: not hand.app.screen.query_one(Guide).display)
        hand.app.action_guide()
        await hand.see("Practice 2 of 8")
    assert not place.exists()
    assert (tmp_path / "practice.db").exists()


def test_a_demonstration_has_other_people_than_the_guide_names(tmp_path: Path) -> None:
    """There "type ada" found two others, who were paid what the guide spoke of."""
    guided = []
    for sign_ins in (practice.SIGN_INS, demo.sign_ins()):
        place = str(tmp_path / f"{len(guided)}.db")
        with new_bank(place, demo_sign_ins=sign_ins):
            pass
        opened = Session(place)
        guided.append((opened.practice, opened.guided))
        opened.close()
    assert guided == [(True, True), (True, False)]


def test_who_can_sign_in_to_practice_is_said_in_the_language_in_force() -> None:
    said = [str(_sign_ins(practice.SIGN_INS))]
    with speaking("es"):
        said.append(str(_sign_ins(practice.SIGN_INS)))
    assert [text.splitlines() for text in said] == [
        ["Sign in as one of:", "  pat (teller, loan-officer, treasurer)", "  dell (administrator, treasurer)",
         f"  passphrase: {practice.PASSPHRASE}"],
        ["Entre como uno de estos:", "  pat (cajero, oficial de préstamos, tesorero)",
         "  dell (administrador, tesorero)", f"  frase clave: {practice.PASSPHRASE}"],
    ]  # fmt: skip


async def test_new_books_are_made_and_signed_in_to(tmp_path: Path) -> None:
    place = tmp_path / "ledger.db"
    async with counter(str(place), moment=TODAY) as hand:
        await hand.on(FirstRunScreen)
        await hand.press("down", "enter")
        await hand.on(FoundScreen)
        await hand.press("f9")
        await hand.see("may not be empty")
        for text in ("[b]Sweet Gum[/b] Bank", None, None, "rosa", "Rosa Lee", "short", "short"):
            if text is not None:
                await hand.type(text)
            await hand.press("enter")
        await hand.press("f9")
        await hand.see("!")
        assert not place.exists()
        for box in ("words", "again"):
            field = hand.app.screen.query_one(f"#found-{box}")
            field.focus()
            await hand.until(lambda field=field: field.has_focus)  # type: ignore[misc]
            await hand.press("end", "ctrl+u")
            words = "common wealth" if box == "words" else "another word"
            await hand.type(words)
            await hand.until(lambda field=field, words=words: field.value == words)  # type: ignore[misc]
        await hand.press("f9")
        await hand.see("are not the same")
        await hand.press("end", "ctrl+u")
        await hand.type("common wealth")
        await hand.press("f9")
        await hand.on(SignInScreen)
        await hand.see("[b]Sweet Gum[/b] Bank")
        await hand.sign_in("rosa")
        await hand.on(HomeScreen)
        await hand.see("LIVE")
        assert not hand.app.screen.query_one(Guide).display


async def test_from_real_books_to_practice_and_back(book: str) -> None:
    async with counter(book, moment=TODAY) as hand:
        await hand.sign_in("ana")
        hand.app.action_practise()
        await hand.on(SignInScreen)
        await hand.see("Mulberry Street Practice Bank")
        await hand.sign_in("pat")
        await hand.see("PRACTICE")
        await hand.press("ctrl+q")
        await hand.on(SignInScreen)
        await hand.see("Pearl River Community Bank")


async def test_books_that_are_opened_late_are_not_those_that_were_asked_for_since(book: str, tmp_path: Path) -> None:
    """Both are opened in threads: the slower one may well be the first."""
    other = str(shutil.copy(book, tmp_path / "other.db"))
    async with counter(book) as hand:
        hand.app.open_place(other)
        await hand.until(lambda: hand.app.opened is not None, "the books are opened")
        late = Session(book)
        hand.app._opened(late)
        hand.app._not_opened(book, DatabaseMissing("There are no books at {place}.", place=book))
        assert hand.app.opened is not None and hand.app.opened.place == other and hand.app.failed is None
        assert not late.bank.database._at_hand, "they are closed"
        await hand.sign_in("ana")
        gone = hand.app
    assert gone.opened is not None and not gone.opened.bank.database._at_hand
    gone._opened(late := Session(other))  # the counter was left meanwhile
    assert gone.opened is not late and not late.bank.database._at_hand


def test_the_glossary_has_its_words_in_both_languages() -> None:
    assert len(GLOSSARY) >= 20
    assert len({word for word, _meaning in GLOSSARY}) == len(GLOSSARY)
    assert all(len(meaning) > 30 for _word, meaning in GLOSSARY)
    assert len(LESSONS) == 8


async def test_the_glossary_is_narrowed_by_typing(book: str) -> None:
    async with counter(book) as hand:
        await hand.sign_in("ana")
        await hand.press("f10")
        await hand.quiet()
        rows = hand.app.screen.rows  # type: ignore[attr-defined]
        await hand.press("pagedown")
        await hand.until(lambda: rows.cursor == rows.size.height - 1, "a screenful further")
        await hand.press("pageup")
        await hand.until(lambda: rows.cursor == 0, "back again")
        await hand.type("words of")
        await hand.quiet()
        await hand.press("enter")
        await hand.on(GlossaryScreen)
        await hand.type("surp")
        await hand.see("Surplus: What is left of what a co-op earned")


async def test_help_begins_with_the_field_that_has_the_focus(book: str) -> None:
    async with counter(book) as hand:
        await hand.sign_in("ana")
        await hand.type("ada")
        await hand.press("enter", "f3")
        await hand.on(EntryScreen)
        await hand.press("f1")
        await hand.see("An amount as you write it: 150, 1,250.00, 12.5.")
        await hand.see("It has to be filled in.")
