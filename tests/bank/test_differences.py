"""Cash over and short above the policy: one person closes alone, and somebody else signs before the next day."""

from __future__ import annotations

import pytest

from coopbank.bank import records
from coopbank.errors import OwnRequest, WrongState
from tests.support_bank import SmallBank


def begun(bank: SmallBank) -> None:
    bank.admit("Mia Lee")
    bank.do("buy-shares", member="M0001", amount="25.00")


def close_with(small: SmallBank, counted: str) -> None:
    small.do("close-drawer", drawer="D1", counted=counted, why="not known")
    small.do("close-day")
    small.clock.instant = small.clock.instant.replace(day=3)


def waiting(small: SmallBank) -> list[str]:
    with small.read() as books:
        return [ref for ref, _body in books.about(records.CashDifference, "open")]


def test_a_small_difference_is_nobodys_business(small: SmallBank) -> None:
    close_with(small, "15.00")
    assert waiting(small) == []
    small.do("open-day")


def test_whoever_caused_it_does_not_open_the_next_day_alone(small: SmallBank) -> None:
    close_with(small, "14.99")
    (number,) = waiting(small)
    with pytest.raises(OwnRequest, match=number):
        small.ask("open-day")
    small.do("open-day", by=small.tom)
    assert waiting(small) == []
    with small.read() as books:
        assert books.get(records.CashDifference, number).signed_by == "tom"


def test_a_colleague_signs_it_and_the_day_can_be_opened(small: SmallBank) -> None:
    close_with(small, "40.00")
    (number,) = waiting(small)
    with pytest.raises(OwnRequest, match="colleague"):
        small.ask("sign-difference", difference=number)
    small.do("sign-difference", by=small.sue, difference=number, finding="a deposit of 15.00 was not typed")
    with pytest.raises(WrongState, match="signed already"):
        small.ask("sign-difference", by=small.sue, difference=number)
    small.do("open-day")
