"""The small bank that the counter's tests serve in: built once, copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from textual import screen
from textual._compositor import Compositor

from coopbank.bank.bank import Bank
from coopbank.clock import SetClock
from coopbank.words import set_language
from tests.support_bank import CountedNonces, SmallBank, assert_books, new_bank
from tests.tui.commons import common_life
from tests.tui.support import HOSTILE, NOON, TURNED, WORDS, painted_by_the_hand


@pytest.fixture(scope="session")
def model_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thursday 5 March 2026 is open, drawer D1 is ana's; five members, a loan, a request that waits."""
    place = tmp_path_factory.mktemp("counter") / "model.db"
    with new_bank(str(place), name="Pearl River Community Bank") as small:
        small.bank.set_passphrase(small.admin, "admin", WORDS)
        for user in ("ana", "tom"):
            small.give_passphrase(user, WORDS)
        for name, phone in (
            ("Ada Abernathy", "601 555 0101"), ("Josué Núñez", "601 555 0102"), (HOSTILE, "601 555 0103"),
            (TURNED, ""), ("Green Tassel Urban Farm", "769 555 0199"),
        ):  # fmt: skip
            member = small.admit(name, **({"phone": phone} if phone else {}))
            small.do("buy-shares", member=member, amount="25.00")
            small.do("open-savings", member=member)
            small.do("deposit", member=member, amount="100.00", memo="first money")
        small.do("receive-gift", by=small.tom, donor="Friends", amount="5000.00", fund="RLF", tender="transfer")
        small.agreed(
            "grant-loan", member="M0005", principal="1200.00", annual_rate="3", installments=12,
            purpose="walk-in cooler", first_due="2026-04-01",
        )  # fmt: skip
        small.do("disburse-loan", by=small.tom, loan="L-001", tender="transfer")
        small.go_to("2026-03-05")
        small.ask("redeem-shares", member="M0002", amount="25.00")
    return place


@pytest.fixture(scope="session")
def common_model(model_book: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same bank on the same day as a commons: notes, decisions on their way, registers."""
    place = tmp_path_factory.mktemp("commons") / "model.db"
    shutil.copy(model_book, place)
    clock = SetClock(NOON)
    with closing(Bank.open(str(place), clock=clock, nonce=CountedNonces(5_000_000))) as bank:
        small = SmallBank(bank, clock)
        common_life(small)
        assert_books(small)
    return place


@pytest.fixture
def common_book(common_model: Path, tmp_path: Path) -> str:
    """A copy of it for one test."""
    place = tmp_path / "commons.db"
    shutil.copy(common_model, place)
    return str(place)


@pytest.fixture
def book(model_book: Path, tmp_path: Path) -> str:
    """A copy of it for one test."""
    place = tmp_path / "ledger.db"
    shutil.copy(model_book, place)
    return str(place)


@pytest.fixture(autouse=True, scope="session")
def painted_when_settled() -> Iterator[None]:
    """The screen is laid out when what was typed is done, and painted when a hand looks: not for each key of a word.

    Sixty times a second, as at a terminal, the painting would be half of what these tests take.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(screen, "UPDATE_PERIOD", 0.25)
        patch.setattr(Compositor, "render_update", painted_by_the_hand)
        yield


@pytest.fixture(autouse=True)
def settings_of_a_new_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What whoever runs the tests keeps in their own settings is not read; nor is another language left behind."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("COOPBANK_LANGUAGE", "LC_ALL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LC_MESSAGES", "C")
    yield
    set_language("en")
