"""The letters of a campaign: as of the day it began, whatever came since; recorded once; another run finds them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pikepdf
import pytest

from coopbank.bank import records
from coopbank.errors import Unknown
from coopbank.statements import check, make, make_letters, print_ready
from coopbank.statements.batch import MANIFEST
from tests.statements.told import Told
from tests.support_bank import SmallBank, assert_books, new_bank


def begun(bank: SmallBank) -> None:
    """Three members with savings, asked on 2 March; one of them moved money since."""
    for name in ("Mia Lee", "José Núñez", "Noa Cole"):
        member = bank.admit(name, language="es" if name.startswith("José") else "en")
        bank.do("open-savings", member=member)
        bank.do("deposit", member=member, amount="30.00")
    asked = {"form": "negative", "population": "savings", "seed": "river 42", "interval": "45.00"}
    bank.do("start-campaign", bank.sue, form="positive", population="savings", selection="all")
    bank.do("deposit", member="M0001", amount="500.00")
    bank.do("start-campaign", bank.sue, **asked)
    bank.go_to("2026-03-05")


@pytest.fixture
def small(engine_url: str) -> Iterator[SmallBank]:
    with new_bank(engine_url, begin=begun) as bank:
        yield bank
        assert_books(bank)


def test_everybody_who_is_asked_gets_one_letter(small: SmallBank, tmp_path: Path) -> None:
    made = make_letters(small.bank, "V-001", tmp_path, actor=small.sue)
    assert [path.name for path in made.files] == [
        "M0001-confirmation-2026-03-02.pdf", "M0002-confirmation-2026-03-02-es.pdf",
        "M0003-confirmation-2026-03-02.pdf",
    ]  # fmt: skip
    assert (made.made, made.kept, made.failed) == (3, 0, ())
    with small.read() as books:
        letter = books.get(records.Document, "CF-2026-03-02-M0001")
        as_of = books.get(records.Campaign, "V-001").as_of
    assert (letter.as_of, letter.made_by) == (as_of, "sue")
    manifest = json.loads((tmp_path / "2026-03" / MANIFEST).read_text())
    assert (manifest["campaign"], manifest["operation"], len(manifest["files"])) == ("V-001", as_of, 3)


def test_a_second_run_makes_nothing_anew(small: SmallBank, tmp_path: Path) -> None:
    first = make_letters(small.bank, "V-001", tmp_path, actor=small.sue)
    before = {path: path.read_bytes() for path in first.files}
    small.do("deposit", member="M0002", amount="7.00")
    second = make_letters(small.bank, "V-001", tmp_path, actor=small.sue)
    assert (second.made, second.kept) == (0, 3)
    assert {path: path.read_bytes() for path in second.files} == before
    first.files[0].unlink()
    third = make_letters(small.bank, "V-001", tmp_path, actor=small.sue)
    assert {path: path.read_bytes() for path in third.files} == before
    with small.read() as books:
        assert books.version("document", "CF-2026-03-02-M0001") == 1


def test_another_campaign_of_the_same_day_has_letters_of_its_own(small: SmallBank, tmp_path: Path) -> None:
    make_letters(small.bank, "V-001", tmp_path, actor=small.sue)
    made = make_letters(small.bank, "V-002", tmp_path, actor=small.sue)
    assert made.files and all("e2" in path.name for path in made.files)
    with small.read() as books:
        assert books.get(records.Document, "CF-2026-03-02-M0001.E2").replaces == "CF-2026-03-02-M0001"


def test_the_books_agree_with_a_letter(small: SmallBank, tmp_path: Path) -> None:
    made = make_letters(small.bank, "V-001", tmp_path, actor=small.sue)
    assert check(small.bank, str(made.files[0])).agrees


def test_letters_without_anybody_signed_in_are_not_recorded(small: SmallBank, tmp_path: Path) -> None:
    made = make_letters(small.bank, "V-001", tmp_path)
    assert len(made.files) == 3
    with small.read() as books:
        assert not books.every(records.Document)


def test_one_file_to_print(small: SmallBank, tmp_path: Path) -> None:
    made = make_letters(small.bank, "V-001", tmp_path / "letters", actor=small.sue)
    whole = print_ready(small.bank, made, tmp_path / "all.pdf")
    with pikepdf.open(whole) as pages:
        assert len(pages.pages) == 6


def test_a_letter_made_by_hand_since_stands_for_the_campaign_s(small: SmallBank, tmp_path: Path) -> None:
    """What it shows of that day is the same, so it is the same letter."""
    day = date(2026, 3, 2)
    by_hand = make(small.bank, "confirmation", "M0001", day, day, actor=small.sue, folder=tmp_path)
    made = make_letters(small.bank, "V-002", tmp_path, actor=small.sue)
    assert by_hand.path in made.files
    assert (made.kept, made.failed) == (1, ())


def test_letters_of_an_earlier_campaign_do_not_replace_those_of_a_later_one(small: SmallBank, tmp_path: Path) -> None:
    later = make_letters(small.bank, "V-002", tmp_path, actor=small.sue)
    made = make_letters(small.bank, "V-001", tmp_path, actor=small.sue, failed=lambda _ref, _fault: None)
    assert len(made.files) + len(made.failed) == 3
    assert len(made.failed) == len(later.files)
    assert all("shows other figures" in why for _ref, why in made.failed)


def test_a_negative_letter_asks_for_no_answer_from_who_agrees(small: SmallBank, tmp_path: Path) -> None:
    positive = make_letters(small.bank, "V-001", tmp_path / "1").files[0]
    negative = make_letters(small.bank, "V-002", tmp_path / "2").files[0]
    assert "The balances are right." in Told(positive.read_bytes()).text
    said = Told(negative.read_bytes()).text
    assert "Only if they are not right" in said and "The balances are right." not in said and "V-002" in said


def test_a_campaign_that_there_is_not(small: SmallBank, tmp_path: Path) -> None:
    with pytest.raises(Unknown):
        make_letters(small.bank, "V-009", tmp_path)
