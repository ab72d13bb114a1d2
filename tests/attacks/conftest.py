"""Books to attack: a bank with staff, members, money, a loan and things that wait, copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest

from coopbank.bank.bank import Bank
from coopbank.clock import SetClock
from tests.support_bank import FIRST_DAY, NOON, SmallBank, assert_books, new_bank


def furnish(small: SmallBank) -> None:
    """Three members; savings, shares, a gift, a loan paid out, and a request R-00002 that waits."""
    mia = small.admit("Mia Lee", phone="601 555 0101", email="mia@lee.example", address="1 Farish Street")
    noa = small.admit("Noa Banks", tax_id="12-3456789")
    small.admit("Oto Cole")
    for member in (mia, noa):
        small.do("open-savings", member=member)
        small.do("deposit", member=member, amount="300.00")
    small.do("buy-shares", member=mia, amount="25.00")
    small.do("receive-gift", by=small.tom, amount="5000.00", donor="Cora Quist", fund="RLF", tender="transfer")
    small.agreed("grant-loan", member=mia, principal="1200.00", annual_rate="6", installments=12)
    small.do("disburse-loan", by=small.tom, loan="L-001", tender="transfer")


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("attacks") / "book.db"
    with new_bank(str(place)) as small:
        furnish(small)
    return place


@pytest.fixture
def small(furnished: Path, tmp_path: Path) -> Iterator[SmallBank]:
    """A copy of those books on their first day, proven when the test is over."""
    clock = SetClock(datetime.combine(date.fromisoformat(FIRST_DAY), NOON))
    bank = SmallBank(Bank.open(str(shutil.copy(furnished, tmp_path / "book.db")), clock=clock), clock)
    try:
        yield bank
        assert_books(bank)
    finally:
        bank.bank.close()
