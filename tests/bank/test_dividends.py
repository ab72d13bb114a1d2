"""Dividends on shares: by the class's presentation, to the cent over all members, within earnings and cap (E27)."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from coopbank.bank import groups, records
from coopbank.errors import (
    AlreadyExists,
    CannotReverse,
    InvalidAmount,
    InvalidDate,
    InvalidValue,
    NotOffered,
    Overdrawn,
    Unknown,
    WrongState,
)
from coopbank.money import round_minor
from coopbank.reports.trial_balance import trial_balance
from tests.bank.support_equity import close_year, earn, end_of_year, lines
from tests.conformance.test_entries import read_blocks
from tests.support_bank import CHARITY, SmallBank, new_bank


def holder(small: SmallBank, name: str, *, common: str = "", invested: str = "", **details: str) -> str:
    member = small.admit(name, **details)
    for share_class, amount in (("901", common), ("903", invested)):
        if amount:
            small.do("buy-shares", member=member, share_class=share_class, amount=amount)
    return member


def declare(small: SmallBank, **values: Any) -> dict[str, int]:
    values = {"year": "2026", "rate": "3", "resolution": "assembly of 20 March"} | values
    return lines(small.agreed("declare-dividend", by=small.tom, approver=small.sue, **values))


def as_liability(small: SmallBank) -> None:
    small.agreed("set-share-class", by=small.tom, approver=small.sue, share_class="903", presentation="liability",
                 resolution="board 3 March")  # fmt: skip


def test_a_class_that_is_a_liability_has_its_dividend_as_an_expense_of_the_year(small: SmallBank) -> None:
    """The block E27: 3 % on 4,000.00."""
    as_liability(small)
    holder(small, "Mia Lee", invested="4000.00", number="M0011")
    earn(small, "500.00")
    end_of_year(small)
    block = {f"{fund} {code}": amount for fund, code, amount in read_blocks("equity.md")["E27"].lines}
    assert declare(small, basis="year-end") == block
    with small.read() as books:
        day = books.tx.value("SELECT effective_on FROM entry ORDER BY id DESC LIMIT 1")
        assert day == "2026-12-31"
        assert books.get(records.Dividend, "2026-903").presentation == "liability"
    with pytest.raises(AlreadyExists):
        declare(small)
    close_year(small)
    assert small.balance("940") == -(500_00 - 120_00)


def test_equity_gets_a_distribution_after_the_year_by_each_days_balance(small: SmallBank) -> None:
    mia = holder(small, "Mia Lee", invested="300.00")
    bea = holder(small, "Bea Long", invested="200.00")
    small.go_to("2026-07-02")
    small.do("buy-shares", member=bea, share_class="903", amount="500.00")
    earn(small, "500.00")
    end_of_year(small, since=3)
    with pytest.raises(WrongState, match="not closed"):
        declare(small)
    close_year(small)
    got = declare(small, rate="7.5")
    of_mia, of_bea = Fraction(300_00 * 305), Fraction(200_00 * 305 + 500_00 * 183)  # from 2 March, and 2 July
    rate = Fraction(75, 1000) / 365
    assert got["GEN 940"] == round_minor((of_mia + of_bea) * rate) == -got[f"GEN 821/{mia}"] - got[f"GEN 821/{bea}"]
    assert abs(-got[f"GEN 821/{mia}"] - of_mia * rate) < 1
    assert abs(-got[f"GEN 821/{bea}"] - of_bea * rate) < 1


def test_a_subscription_earns_nothing(small: SmallBank) -> None:
    mia = holder(small, "Mia Lee", invested="100.00")
    holder(small, "Bea Long", invested="50.00")  # half a share: it waits in 875
    earn(small, "100.00")
    end_of_year(small)
    close_year(small)
    assert set(declare(small)) == {"GEN 940", f"GEN 821/{mia}"}
    with pytest.raises(Unknown):
        declare(small, share_class="875")


def test_only_out_of_earnings_and_below_the_cap(small: SmallBank) -> None:
    holder(small, "Mia Lee", invested="1000.00")
    earn(small, "10.00")
    end_of_year(small)
    close_year(small)
    with pytest.raises(InvalidAmount, match="cap of 8"):
        declare(small, rate="8.01")
    small.agreed("set-policy", by=small.admin, approver=small.tom, policy="dividend_cap", value="12")
    with pytest.raises(Overdrawn, match=r"10\.00"):
        declare(small, rate="12")
    with pytest.raises(InvalidValue):
        declare(small, rate="0")
    small.agreed("set-share-class", by=small.tom, approver=small.sue, share_class="903", dividend_cap="1",
                 resolution="bylaw 7")  # fmt: skip
    with pytest.raises(InvalidAmount, match="cap of 1 "):
        declare(small, rate="1.5")
    assert small.balance("940") == -10_00


def test_a_loss_is_made_good_first(small: SmallBank) -> None:
    as_liability(small)
    holder(small, "Mia Lee", invested="1000.00")
    small.agreed("journal-entry", by=small.tom, approver=small.sue, memo="rent",
                 lines=["GEN 250 Dr 30.00", "GEN 865 Cr 30.00"])  # fmt: skip
    end_of_year(small)
    with pytest.raises(WrongState, match=r"loss of 30\.00"):
        declare(small)


def test_what_is_not_over_not_begun_or_nobodys(small: SmallBank) -> None:
    earn(small, "10.00")
    with pytest.raises(WrongState, match="not over"):
        declare(small)
    with pytest.raises(InvalidDate):
        declare(small, year="2025")
    end_of_year(small)
    close_year(small)
    with pytest.raises(WrongState, match="Nobody"):
        declare(small)
    as_liability(small)
    with pytest.raises(WrongState, match="is closed"):
        declare(small)


def test_paid_into_savings_all_at_once_and_the_rest_in_cash(small: SmallBank) -> None:
    mia = holder(small, "Mia Lee", invested="1000.00", tax_id="123-45-6789")
    bea = holder(small, "Bea Long", invested="1000.00")
    cat = holder(small, "Cat Wu", invested="1000.00")
    for member in (mia, bea):
        small.do("open-savings", member=member)
    small.agreed("set-policy", by=small.admin, approver=small.tom, policy="backup_withholding", value="24")
    earn(small, "500.00")
    end_of_year(small)
    close_year(small)
    declare(small, basis="year-end")
    paid = lines(small.agreed("pay-dividend", by=small.tom, approver=small.sue))
    assert paid == {
        f"GEN 821/{mia}": 30_00, f"GEN 905/{mia}": -30_00,
        f"GEN 821/{bea}": 30_00, f"GEN 905/{bea}": -22_80, "GEN 842": -7_20,
    }  # fmt: skip
    with pytest.raises(Overdrawn):
        small.ask("pay-dividend", by=small.tom)
    one = small.do("pay-dividend", member=cat)
    assert lines(one)["POOL 739/D1"] == -22_80
    with pytest.raises(Overdrawn, match="Nothing"):
        small.do("pay-dividend", member=cat)
    with pytest.raises(Unknown):
        small.do("pay-dividend", member="M0099")


def test_it_is_taken_back_before_anything_was_paid(small: SmallBank) -> None:
    mia = holder(small, "Mia Lee", invested="1000.00")
    earn(small, "500.00")
    end_of_year(small)
    close_year(small)
    made = small.agreed("declare-dividend", by=small.tom, approver=small.sue, year="2026", rate="3", resolution="R-1")
    small.agreed("reverse", by=small.tom, approver=small.sue, operation=str(made.number), reason="another rate")
    assert small.balance(f"821/{mia}") == 0
    again = small.agreed("declare-dividend", by=small.tom, approver=small.sue, year="2026", rate="2", resolution="R-2")
    small.do("pay-dividend", member=mia)
    with pytest.raises(CannotReverse, match="used since"):
        small.ask("reverse", by=small.tom, operation=str(again.number), reason="another rate")


@pytest.mark.parametrize(("rate", "anew", "at_once"), [("3", "3", 2), ("2", "3", 2), ("3", "2", 2), ("2", "3", 1)])
def test_what_is_declared_anew_as_an_expense_is_borne_once_by_its_year(
    small: SmallBank, monkeypatch: pytest.MonkeyPatch, rate: str, anew: str, at_once: int
) -> None:
    """A reversal is of its own day: what it takes back the year goes on to bear, and with it what is more."""
    monkeypatch.setattr(groups, "LARGEST", at_once)
    as_liability(small)
    mia, bea = holder(small, "Mia Lee", invested="3900.00"), holder(small, "Bea Long", invested="100.00")
    earn(small, "130.00")  # not enough for both
    end_of_year(small)
    values = {"year": "2026", "basis": "year-end", "resolution": "R-1"}
    made = small.agreed("declare-dividend", by=small.tom, approver=small.sue, rate=rate, **values)
    small.agreed("reverse", by=small.tom, approver=small.sue, operation=str(made.number), reason="it was too early")
    small.agreed("declare-dividend", by=small.tom, approver=small.sue, rate=anew, **values)
    first, second = int(rate) * 40_00, int(anew) * 40_00
    with small.read() as books:
        year, today = (
            {row.code: row.combined for row in trial_balance(books, day).rows}
            for day in (date(2026, 12, 31), date(2027, 1, 4))
        )
    assert (year["381"], today["381"]) == (max(first, second), second)
    of_bea = int(anew) * 1_00
    assert [small.balance(f"821/{each}") for each in (mia, bea)] == [of_bea - second, -of_bea]
    close_year(small)
    assert small.balance("940") == -(130_00 - max(first, second))


def test_terms_of_a_class_change_by_two_people_and_only_really(small: SmallBank) -> None:
    with pytest.raises(InvalidValue, match="already"):
        small.ask("set-share-class", by=small.tom, share_class="901", presentation="equity", resolution="R-1")
    with pytest.raises(Unknown):
        small.ask("set-share-class", by=small.tom, share_class="902", presentation="equity", resolution="R-1")


def test_a_charity_pays_none(engine_url: str) -> None:
    with new_bank(engine_url, institution_kind=CHARITY) as small, pytest.raises(NotOffered):
        declare(small)


def test_shares_that_are_bought_while_the_dividend_is_reckoned_count(small: SmallBank) -> None:
    """It is reckoned before the book is locked, and anew if shares of the class have moved since."""
    as_liability(small)
    mia = holder(small, "Mia Lee", invested="4000.00")
    earn(small, "500.00")
    small.go_to("2026-12-31")
    values = {"year": "2026", "rate": "3", "basis": "year-end", "resolution": "assembly of 20 March"}
    bought = {"member": mia, "share_class": "903", "amount": "1000.00", "tender": "transfer"}
    approval = {"request": small.ask("declare-dividend", by=small.tom, **values).request}
    small.reckoned_before(small.bank.build("approve", approval), small.sue, lambda: small.do("buy-shares", **bought))
    assert small.balance(f"821/{mia}") == -150_00
