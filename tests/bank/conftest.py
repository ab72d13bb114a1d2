"""Banks for tests of operations; each is proven when its test is over.

`small` is new books on either engine, `beginning` the same with money, members and a drawer at work. `lite` is a copy
of `founded`, a file: two funds with money to lend, and a member. A module in which books begin otherwise has a function
`begun` that says how; then both do.

`counter` is a `SmallBank` on Tuesday 3 March 2026: the day is open, ana has drawer D1 with 500.00 and tom has none, the
vault holds 500.00, the bank account FIRST 6,080.00. The general fund has 5,080.00 of it all, RLF 2,000.00 and GRT, a
restricted fund, nothing. M0001 and M0002 are members with savings of 100.00 and nothing; M0003 has no account at all.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest

from coopbank.bank.bank import Bank
from coopbank.clock import SetClock
from tests.bank.support_lending import assert_replayed, copy_of
from tests.bank.support_twins import furnish
from tests.support_bank import NOON, SmallBank, assert_books, new_bank

TODAY = "2026-03-03"


@pytest.fixture(scope="session")
def founded_counter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The books that every test begins with."""
    place = tmp_path_factory.mktemp("counter") / "book.db"
    with new_bank(str(place)) as bank:
        begin(bank)
    return place


def begin(bank: SmallBank) -> None:
    """Money, members and a fund; then the second day."""
    bank.do("receive-gift", by=bank.tom, amount="4980.00", donor="Many", tender="transfer")
    bank.do("receive-gift", by=bank.tom, amount="2000.00", donor="Others", fund="RLF", tender="transfer")
    bank.do("move-cash", by=bank.tom, from_place="FIRST", to_place="VAULT", amount="1000.00")
    bank.agreed("open-fund", by=bank.tom, approver=bank.sue, code="GRT", fund_name="Gift", fund_class="restricted")
    for name in ("Mia Lee", "Noa Banks", "Oto Cole"):
        bank.admit(name)
    bank.do("open-savings", member="M0001")
    bank.do("open-savings", member="M0002")
    bank.do("deposit", member="M0001", amount="100.00")
    bank.close_day()
    bank.open_day(TODAY, open_drawer=False)
    bank.do("move-cash", by=bank.tom, from_place="VAULT", to_place="FIRST", amount="100.00")
    bank.do("open-drawer", drawer="D1", float_amount="500.00")


@pytest.fixture
def counter(founded_counter: Path, tmp_path: Path) -> Iterator[SmallBank]:
    """A copy of those books, proven when the test is over."""
    clock = SetClock(datetime.combine(date.fromisoformat(TODAY), NOON))
    bank = SmallBank(Bank.open(str(shutil.copy(founded_counter, tmp_path / "book.db")), clock=clock), clock)
    try:
        yield bank
        assert_books(bank)
    finally:
        bank.bank.close()


@pytest.fixture
def small(request: pytest.FixtureRequest, engine_url: str) -> Iterator[SmallBank]:
    """New books, or those that the module has begun."""
    with new_bank(engine_url, begin=getattr(request.module, "begun", None)) as bank:
        yield bank
        if not bank.spoiled:
            assert_books(bank)
            assert_replayed(bank)


@pytest.fixture
def beginning(engine_url: str) -> Iterator[SmallBank]:
    """What `counter` is a copy of, on either engine."""
    with new_bank(engine_url, begin=begin) as bank:
        yield bank
        assert_books(bank)


@pytest.fixture(scope="module")
def founded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Funds with money to lend and a member, or what the module has begun."""
    place = tmp_path_factory.mktemp("founded") / "book.db"
    with new_bank(str(place), begin=getattr(request.module, "begun", furnish)):
        return place


@pytest.fixture
def lite(founded: Path, tmp_path: Path) -> Iterator[SmallBank]:
    """A copy of those books; its loans are told anew from their events too."""
    bank = copy_of(founded, tmp_path / "book.db")
    yield bank
    assert_books(bank)
    assert_replayed(bank)
    bank.bank.close()
