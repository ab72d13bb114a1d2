"""Bytes that a disk changed: each byte of small books, each page of larger ones.

The program refuses the file, or verify names the damage, or the place carried no meaning; never is a wrong figure
taken for right. Every run here takes a part of the bytes, each with one bit turned over; `make soak` takes every byte
twice, once with one bit turned over and once with all eight.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.crash.damage import Judge, WrongFigures, at_rest, small_books
from tests.support_bank import new_bank

pytestmark = pytest.mark.crash

SMALL_PAGE, PAGE = 512, 4096
STRIDE = 199  # a prime, so that no place in a page is favoured
HEADER = 100
PARTS = 8  # of the bytes in a soak, each a test of its own


def turned(byte: int, at: int) -> bytes:
    """The byte with one bit turned over, another one from place to place."""
    return bytes([byte ^ 1 << at * 7 % 8])


def inverted(byte: int, at: int) -> bytes:
    """The byte with every bit turned over."""
    return bytes([byte ^ 0xFF])


@pytest.fixture(scope="module")
def small_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """About 110 kB: the chart, the rules, one member with savings, and a day that was closed."""
    return small_books(tmp_path_factory.mktemp("small"), page_size=SMALL_PAGE)


def judged(whole: bytes, folder: Path, places: range, change: object) -> Counter[str]:
    judge = Judge(whole, folder / "damaged.db")
    verdicts: Counter[str] = Counter()
    wrong = []
    for at in places:
        try:
            verdicts[judge.of(at, change(whole[at], at))] += 1  # type: ignore[operator]
        except Exception as error:
            wrong.append(f"byte {at} ({whole[at]}): {type(error).__name__}: {error}")
    assert not wrong, "\n".join(wrong)
    return verdicts


def test_a_byte_that_changed_is_refused_or_found_or_meant_nothing(small_file: bytes, tmp_path: Path) -> None:
    verdicts = judged(small_file, tmp_path, range(HEADER, len(small_file), STRIDE), turned)
    assert verdicts["refused"] and verdicts["found"] and verdicts["idle"]


def test_each_byte_of_the_file_s_header(small_file: bytes, tmp_path: Path) -> None:
    assert judged(small_file, tmp_path, range(HEADER), inverted)["refused"]


@pytest.mark.soak
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("change", [turned, inverted])
def test_every_byte(small_file: bytes, tmp_path: Path, part: int, change: object) -> None:
    judged(small_file, tmp_path, range(part, len(small_file), PARTS), change)


def test_each_page_that_a_disk_gives_back_as_zeros(tmp_path: Path) -> None:
    whole = small_books(tmp_path, page_size=PAGE, days=8, members=("Mia Lee", "Noa Banks", "Pia Moss"))
    judge = Judge(whole, tmp_path / "damaged.db")
    verdicts = Counter(judge.of(at, bytes(PAGE)) for at in range(0, len(whole), PAGE))
    assert set(verdicts) == {"refused", "found"}, "no page of packed books is without meaning"


def test_each_page_that_stands_in_another_one_s_place(small_file: bytes, tmp_path: Path) -> None:
    """A write that went astray: every page once over its neighbour."""
    judge = Judge(small_file, tmp_path / "damaged.db")
    for at in range(SMALL_PAGE, len(small_file) - SMALL_PAGE, SMALL_PAGE):
        judge.of(at, small_file[at + SMALL_PAGE : at + 2 * SMALL_PAGE])


def test_each_page_that_a_disk_did_not_write(tmp_path: Path) -> None:
    """A write that was lost: each page that a day changed, as it was before that day."""
    with new_bank(str(tmp_path / "book.db")) as small:
        mia = small.admit("Mia Lee")
        small.do("open-savings", member=mia)
        small.do("deposit", member=mia, amount="30.00")
        before = at_rest(tmp_path / "book.db")
        small.do("deposit", member=mia, amount="12.34")
        small.go_to("2026-03-03")
        after = at_rest(tmp_path / "book.db")
    judge = Judge(after, tmp_path / "damaged.db")
    changed = [at for at in range(0, len(before), PAGE) if before[at : at + PAGE] != after[at : at + PAGE]]
    verdicts = Counter(judge.of(at, before[at : at + PAGE]) for at in changed)
    assert verdicts["refused"] + verdicts["found"] > 5


def test_the_judge_does_not_believe_whoever_is_content(
    small_file: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a verify that finds nothing, the first changed figure is told as wrong."""
    monkeypatch.setattr("tests.crash.damage.is_found", lambda file: False)
    judge = Judge(small_file, tmp_path / "damaged.db")
    at = small_file.index(b"savings deposit") if b"savings deposit" in small_file else small_file.index(b"Mia Lee")
    with pytest.raises(WrongFigures):
        judge.of(at, b"X")
