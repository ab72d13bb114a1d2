"""A furnished bank on either engine, and hands to serve in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash.hands import Hands
from tests.support_bank import SmallBank, assert_books, new_bank

pytestmark = pytest.mark.crash


@pytest.fixture(scope="module")
def hands() -> Iterator[Hands]:
    with Hands() as found:
        yield found


@pytest.fixture
def small(engine_url: str) -> Iterator[SmallBank]:
    """Two members with savings of 300.00 each, ana's drawer with 600.00; proven when the test is over."""
    with new_bank(engine_url) as bank:
        for name in ("Mia Lee", "Noa Banks"):
            member = bank.admit(name)
            bank.do("open-savings", member=member)
            bank.do("deposit", member=member, amount="300.00")
        yield bank
        assert_books(bank)
