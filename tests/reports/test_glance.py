"""A fund at one look: every source, every ratio and both its parts, as a small story makes them; and on past days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from coopbank.bank import records
from coopbank.bank.lending.provision_proof import close_faults
from coopbank.reports.document import as_document
from coopbank.reports.financial import fund
from coopbank.reports.glance import WHOLE, Glance, glance
from tests.bank.support_lending import lend_to_us, visit
from tests.support_bank import SmallBank, new_bank


@pytest.fixture
def bank(engine_url: str) -> Iterator[SmallBank]:
    """RLF has a gift of 10,000.00 and a note of class A, 20,000.00, of class B 5,000.00; two members."""
    with new_bank(engine_url) as small:
        small.do("receive-gift", by=small.tom, amount="10000.00", donor="A", fund="RLF", tender="transfer")
        lend_to_us(small)
        note: dict[str, Any] = {
            "lender": "Bo",
            "annual_rate": "0",
            "due_on": "2030-01-01",
            "fund": "RLF",
            "note_class": "B",
        }
        small.agreed("issue-note", by=small.tom, approver=small.sue, amount="5000.00", **note)
        small.admit("Mia Lee")
        small.admit("Noa Banks")
        yield small


def at(bank: SmallBank, code: str = "RLF", day: str | None = None, *, at_close: bool = False) -> Glance:
    with bank.read() as books:
        found = glance(books, code, None if day is None else date.fromisoformat(day), at_close=at_close).funds[-1]
        position = fund(books, code, None if day is None else date.fromisoformat(day)).funds
    assert sum(part.amount for part in found.sources) == found.capital == found.lent + found.cash
    if code != WHOLE:
        assert (found.cash, found.committed, found.available) == (
            position[0].claim + position[0].own_cash, position[0].committed, position[0].free
        )  # fmt: skip
    return found


def parts(found: Glance) -> dict[str, int]:
    return {part.code: part.amount for part in found.sources}


def ratio(found: Glance, code: str) -> tuple[int, int, str | None]:
    measure = found.measure(code)
    return measure.numerator, measure.denominator, measure.value


def lend(bank: SmallBank, member: str, principal: str, **values: Any) -> str:
    terms: dict[str, Any] = {"annual_rate": "0", "installments": "10", **values}
    loan = bank.agreed("grant-loan", member=member, principal=principal, **terms).created[0]
    bank.do("disburse-loan", by=bank.tom, loan=loan)
    return loan


def test_where_the_money_came_from_and_where_it_is(bank: SmallBank) -> None:
    assert parts(at(bank)) == {"note:A": 20_000_00, "note:B": 5_000_00, "gifts": 10_000_00}
    lend(bank, "M0001", "6000.00")
    lend(bank, "M0002", "8000.00")
    bank.agreed("grant-loan", member="M0001", principal="1000.00", annual_rate="0", installments="10")
    found = at(bank)
    assert (found.capital, found.lent, found.cash, found.committed, found.available) == (
        35_000_00, 14_000_00, 21_000_00, 1_000_00, 20_000_00
    )  # fmt: skip
    assert (found.lent_ever, found.loans_ever, found.loans) == (14_000_00, 2, 2)
    assert ratio(found, "utilisation") == (14_000_00, 35_000_00, "40.00")
    assert ratio(found, "cash") == (21_000_00, 35_000_00, "60.00")
    assert ratio(found, "cash_net") == (20_000_00, 35_000_00, "57.14")
    assert ratio(found, "revolve") == (14_000_00, 35_000_00, "0.40")
    assert ratio(found, "debt") == (25_000_00, 10_000_00, "250.00")
    assert ratio(found, "largest") == (8_000_00, 14_000_00, "57.14")
    assert ratio(found, "five_largest") == (14_000_00, 14_000_00, "100.00")
    cost = found.measure("cost_per_job")
    assert (cost.value, cost.text, bool(cost.why)) == (None, "n/a", True)
    assert replace(cost, value="1201.32").text == "1,201.32"
    assert replace(cost, value="-1201.32", unit="percent").text == "-1,201.32 %"


def test_a_dollar_that_came_back_is_lent_twice(bank: SmallBank) -> None:
    loan = lend(bank, "M0001", "7000.00")
    bank.do("repay-loan", by=bank.tom, loan=loan, amount="7000.00", tender="transfer")
    lend(bank, "M0002", "28000.00")
    assert ratio(at(bank), "revolve") == (35_000_00, 35_000_00, "1.00")
    undone = bank.do("repay-loan", by=bank.tom, loan="L-002", amount="28000.00", tender="transfer").number
    bank.agreed("reverse", by=bank.ana, operation=undone, reason="not theirs")
    assert ratio(at(bank), "revolve") == (35_000_00, 35_000_00, "1.00")  # a payment taken back was no second loan


def test_losses_and_what_comes_back(bank: SmallBank) -> None:
    loan = lend(bank, "M0001", "5000.00")
    lend(bank, "M0002", "5000.00")
    visit(bank, "2026-05-04")
    bank.agreed("write-down", by=bank.tom, approver=bank.sue, loan=loan, principal="300.00", resolution="R-1")
    off: dict[str, Any] = {"loan": loan, "resolution": "R-2", "why": "it ended"}
    number = bank.agreed("charge-off", by=bank.ana, approver=bank.sue, **off).number
    found = at(bank)
    assert (found.ever.charged_off, found.ever.written_down, found.ever.recovered) == (4_700_00, 300_00, 0)
    assert parts(found)["losses"] == -5_000_00
    assert found.capital == 30_000_00
    bank.agreed("reverse", by=bank.tom, approver=bank.sue, operation=number, reason="too early")
    assert (at(bank).ever.charged_off, at(bank).ever.recovered) == (0, 0)
    bank.agreed("charge-off", by=bank.ana, approver=bank.sue, **off)
    visit(bank, "2026-05-06")
    bank.do("repay-loan", by=bank.tom, loan=loan, amount="470.00", tender="transfer")
    found = at(bank)
    assert (found.ever.charged_off, found.ever.recovered, found.year) == (4_700_00, 470_00, found.ever)
    assert ratio(found, "recoveries") == (470_00, 4_700_00, "10.00")
    assert ratio(found, "charge_offs") == (4_530_00, 2_500_00, "181.20")
    assert parts(found)["losses"] == -4_530_00
    assert at(bank, day="2026-05-04").ever.recovered == 0


def test_late_by_the_close_and_by_reckoning_are_the_same(bank: SmallBank) -> None:
    lend(bank, "M0001", "5000.00")
    lend(bank, "M0002", "1000.00", fund="RLF")
    bank.do("repay-loan", by=bank.tom, loan="L-002", amount="400.00", tender="transfer")
    visit(bank, "2026-05-04")  # the first payments, 500.00 and 100.00, were due on 2 April; one was paid ahead
    reckoned = at(bank, day="2026-05-04")
    assert ratio(reckoned, "par30") == (5_000_00, 5_600_00, "89.29")
    assert ratio(reckoned, "par90") == (0, 5_600_00, "0.00")
    bank.close_day()
    assert at(bank, day="2026-05-04") == reckoned
    with bank.read() as books:
        kept = books.get(records.DayClose, "2026-05-04").loans["funds"]
    assert kept == {"RLF": [2, 5_600_00, 5_000_00, 0, 0, 0, 0, 0]}
    bank.open_day("2026-05-05", open_drawer=False)
    assert at(bank, at_close=True).measure("par30") == reckoned.measure("par30")


def test_a_close_that_puts_principal_into_another_fund_is_found() -> None:
    state: Any = SimpleNamespace(sums={("RLF", "701"): 100, ("GEN", "701"): 50, ("GEN", "781"): 3})
    kept = {"principal": 150, "posted": 3, "funds": {"GEN": [1, 50], "RLF": [1, 100], "LLR": [1, 0]}}
    assert list(close_faults(state, kept)) == []
    assert list(close_faults(state, kept | {"funds": {"GEN": [1, 100], "RLF": [1, 50]}})) != []


def test_a_past_day_stays_as_it_was(bank: SmallBank) -> None:
    loan = lend(bank, "M0001", "5000.00")
    visit(bank, "2026-03-20")
    bank.do("repay-loan", by=bank.tom, loan=loan, amount="500.00", tender="transfer")
    bank.close_day()
    then = at(bank, day="2026-03-20"), at(bank, WHOLE, "2026-03-20")
    bank.open_day("2026-03-23", open_drawer=False)
    bank.do("repay-loan", by=bank.tom, loan=loan, amount="500.00", tender="transfer")
    lend(bank, "M0002", "9000.00")
    assert (at(bank, day="2026-03-20"), at(bank, WHOLE, "2026-03-20")) == then
    assert at(bank, day="2026-03-20").lent_ever == 5_000_00
    assert at(bank).lent_ever == 14_000_00
    with bank.read() as books:
        document = as_document(glance(books, "RLF", date(2026, 3, 20)))
    assert document["funds"][0]["measures"][0] == {
        "code": "utilisation", "name": "Utilisation: lent, of the capital base", "numerator": "4500.00",
        "denominator": "35000.00", "value": "12.86", "unit": "percent", "why": "",
    }  # fmt: skip


def test_self_sufficiency_leaves_gifts_and_aid_out(bank: SmallBank) -> None:
    bank.do("receive-gift", by=bank.tom, amount="1000.00", donor="B", tender="transfer")
    values: dict[str, Any] = {"supplier": "HALL", "amount": "200.00", "tender": "transfer"}
    bank.agreed("pay-expense", by=bank.tom, approver=bank.sue, number="1", expense="250", **values)
    bank.agreed("pay-expense", by=bank.tom, approver=bank.sue, number="2", expense="366", **values)
    bank.agreed(
        "journal-entry", by=bank.tom, approver=bank.sue, memo="bank interest",
        lines=["GEN 731/FIRST Dr 50.00", "GEN 127 Cr 50.00"],
    )  # fmt: skip
    assert ratio(at(bank, "GEN"), "self_sufficiency") == (50_00, 200_00, "25.00")
    assert ratio(at(bank, WHOLE), "self_sufficiency") == (50_00, 200_00, "25.00")


def test_an_empty_fund_has_no_ratios(bank: SmallBank) -> None:
    found = at(bank, "LLR")
    assert (found.capital, found.sources) == (0, ())
    assert all(measure.value is None and measure.why for measure in found.measures)
