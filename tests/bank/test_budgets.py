"""Budgets: set by two, kept in versions, held against what happened by fund and by gift."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.bank import records
from coopbank.bank.operation import Receipt
from coopbank.errors import CannotReverse, InvalidDate, InvalidValue, NotAllowed, Unknown
from coopbank.finance.depreciation import spread
from coopbank.reports import as_document, assets, budget
from coopbank.reports.budget import BudgetPart, BudgetReport, BudgetRow
from tests.bank.conftest import begin
from tests.bank.support_counter import refused
from tests.support_bank import SmallBank, assert_books, new_bank

YEAR: dict[str, Any] = {
    "year": 2026, "resolution": "Board, 2 March", "lines": ["181 6000.00", "290 1200.00", "260 100.00"],
}  # fmt: skip


def set_budget(bank: SmallBank, **changes: Any) -> Receipt:
    return bank.agreed("set-budget", by=bank.tom, approver=bank.sue, **{**YEAR, **changes})


def drawn(bank: SmallBank, as_of: str | None = None, fund: str | None = None) -> BudgetReport:
    with bank.read() as books:
        return budget(books, 2026, None if as_of is None else date.fromisoformat(as_of), fund)


def row(part: BudgetPart, code: str) -> BudgetRow:
    return next(each for each in (*part.income, *part.expense) if each.code == code)


def pay(bank: SmallBank, amount: str, number: str, **changes: Any) -> None:
    values = {"supplier": "SHOP", "number": number, "amount": amount, "expense": "290", "tender": "transfer", **changes}
    bank.agreed("pay-expense", **values)


def test_a_year_on_both_engines(engine_url: str) -> None:
    """Month, year to date, variance and percent; a new version, the first one kept; any day."""
    with new_bank(engine_url) as bank:
        begin(bank)
        done = set_budget(bank)
        assert (done.created, dict(done.notes)["Income"], dict(done.notes)["Expense"]) == (
            ("2026-GEN",), "6,000.00", "1,300.00",
        )  # fmt: skip
        pay(bank, "250.00", "1")
        bank.go_to("2026-04-06")
        pay(bank, "90.00", "2")
        pay(bank, "7.00", "3", expense="270")
        (part,) = drawn(bank).parts
        spent = row(part, "290")
        assert (spent.month, spent.month_budget, spent.to_date, spent.to_date_budget) == (90_00, 100_00, 340_00, 400_00)
        assert (spent.variance, spent.percent_bp, spent.year_budget, spent.left) == (-60_00, 8500, 1200_00, 860_00)
        unplanned = row(part, "270")
        assert (unplanned.to_date, unplanned.year_budget, unplanned.percent_bp) == (7_00, 0, None)
        assert (row(part, "181").to_date, row(part, "181").month) == (4980_00, 0)
        assert part.expense_total.to_date == 347_00
        assert part.result.to_date == 4980_00 - 347_00
        march = drawn(bank, "2026-03-31")
        assert row(march.parts[0], "290").month == row(march.parts[0], "290").to_date == 250_00

        set_budget(bank, lines="290 600.00\n\n181 6000.00", why="less came in")
        (part,) = drawn(bank).parts
        spent = row(part, "290")
        assert (spent.year_budget, spent.first_budget, part.version, part.versions) == (600_00, 1200_00, 2, 2)
        assert row(part, "260").first_budget == 100_00, "what is budgeted no more is still seen"
        assert drawn(bank, "2026-03-31").parts[0].version == 1, "what was in force on the day"
        assert drawn(bank, "2026-01-31").parts[0].version == 1, "the first, although it was decided later"
        assert as_document(drawn(bank))["parts"][0]["expense"][0]["to_date"] == "0.00"
        assert_books(bank)


def test_a_gift_has_a_budget_of_its_own(counter: SmallBank) -> None:
    bank = counter
    gift = {"fund": "GRT", "amount": "500.00", "donor": "Dee", "tender": "transfer", "number": "G-07"}
    bank.do("receive-gift", by=bank.tom, **gift)
    bank.do("receive-gift", by=bank.tom, **{**gift, "number": "G-08"})
    set_budget(bank, gift="G-07", lines=["181 500.00", "271 400.00", "290 100.00"])
    spend = {"amount": "120.00", "expense": "271", "tender": "transfer"}
    first = bank.agreed("spend-gift", by=bank.tom, approver=bank.sue, gift="G-07", **spend)
    bank.agreed("spend-gift", by=bank.tom, approver=bank.sue, gift="G-08", **spend)
    bill = bank.agreed("enter-bill", supplier="PRESS", number="1", amount="30.00", expense="290", gift="G-07")
    pay(bank, "3.00", "1")
    (part,) = drawn(bank).parts
    assert (part.budget, part.fund, part.gift) == ("2026-GRT-G-07", "GRT", "G-07")
    assert [(each.code, each.to_date) for each in (*part.income, *part.expense)] == [
        ("181", 500_00), ("271", 120_00), ("290", 30_00),
    ]  # fmt: skip
    for number in (bill.number, first.number):
        bank.agreed("reverse", by=bank.tom, approver=bank.sue, operation=number, reason="wrong")
    assert [row(drawn(bank).parts[0], code).to_date for code in ("271", "290")] == [0, 0]
    set_budget(bank)
    assert [each.budget for each in drawn(bank).parts] == ["2026-GEN", "2026-GRT-G-07"]
    assert [each.budget for each in drawn(bank, fund="GRT").parts] == ["2026-GRT-G-07"]
    assert drawn(bank, fund="RLF").parts == ()


def test_assets_are_budgeted_as_what_is_bought(counter: SmallBank) -> None:
    """Beside income and expense; by a fund and by a gift; less what was sent back, and not what was entered or sold."""
    bank = counter
    gift = {"fund": "GRT", "amount": "500.00", "donor": "Dee", "tender": "transfer", "number": "G-07"}
    bank.do("receive-gift", by=bank.tom, **gift)
    set_budget(bank, gift="G-07", lines=["751 300.00"])
    done = set_budget(bank, lines=["751 1200.00", "290 120.00"])
    assert dict(done.notes)["Assets to buy"] == "1,200.00"
    buy: dict[str, Any] = {"asset_name": "A press", "life_months": 10, "supplier": "X", "tender": "bill"}
    bank.do("buy-asset", **buy, cost="100.00", number="1")
    back = bank.do("buy-asset", **buy, cost="200.00", number="2")
    bank.agreed("buy-asset", **buy, cost="240.00", number="3", gift="G-07")
    bank.do("reverse", operation=back.number, reason="sent back")
    bank.agreed("dispose-asset", by=bank.tom, approver=bank.sue, asset="FA-001", why="it broke")
    own, of_gift = drawn(bank).parts
    (bought,) = own.assets
    assert (bought.code, bought.to_date, bought.to_date_budget, bought.year_budget) == ("751", 340_00, 300_00, 1200_00)
    assert own.assets_total.to_date == 340_00 and own.expense_total.year_budget == 120_00
    assert [(each.code, each.to_date, each.year_budget) for each in of_gift.assets] == [("751", 240_00, 300_00)]
    assert bank.ask("buy-asset", **buy, cost="1000.01", number="4").status == "pending"


@given(amount=st.integers(0, 10**12))
def test_the_months_come_to_the_year(amount: int) -> None:
    assert sum(spread(amount, month, 12) - spread(amount, month - 1, 12) for month in range(1, 13)) == amount


@pytest.mark.parametrize(
    ("error", "field", "changes"),
    [
        (InvalidDate, "year", {"year": 2025}),
        (InvalidValue, "year", {"year": 99999}),
        (InvalidValue, "year", {"year": "soon"}),
        (InvalidValue, "lines", {"lines": []}),
        (InvalidValue, "lines.0", {"lines": ["rent"]}),
        (InvalidValue, "lines.0", {"lines": ["290 12,00 x"]}),
        (InvalidValue, "lines.0.amount", {"lines": ["290 -1.00"]}),
        (InvalidValue, "lines.1.account", {"lines": ["290 1.00", "290 2.00"]}),
        (Unknown, "lines.0.account", {"lines": ["299 1.00"]}),
        (InvalidValue, "lines.0.account", {"lines": ["731 1.00"]}),
        (InvalidValue, "fund", {"fund": "POOL"}),
        (Unknown, "fund", {"fund": "NONE"}),
        (Unknown, "gift", {"gift": "G-99"}),
        (InvalidValue, "resolution", {"resolution": " "}),
        (InvalidValue, "fund", {"gift": "G-01", "fund": "RLF"}),
    ],
)
def test_what_is_no_budget(counter: SmallBank, error: Any, field: str, changes: dict[str, Any]) -> None:
    refused(counter, error, "set-budget", counter.tom, field=field, **{**YEAR, **changes})


def test_who_sets_it_and_why_it_changes(counter: SmallBank) -> None:
    refused(counter, NotAllowed, "set-budget", **YEAR)
    done = set_budget(counter)
    refused(counter, InvalidValue, "set-budget", counter.tom, field="lines", says="already", **YEAR)
    refused(counter, InvalidValue, "set-budget", counter.tom, field="why", **{**YEAR, "lines": "290 1.00"})
    refused(counter, CannotReverse, "reverse", counter.tom, operation=done.number, reason="x")
    with counter.read() as books:
        assert books.get(records.Budget, "2026-GEN").lines == {"181": 6000_00, "260": 100_00, "290": 1200_00}


def test_beyond_the_budget_a_bill_takes_two(counter: SmallBank) -> None:
    bill: dict[str, Any] = {"supplier": "SHOP", "number": "1", "expense": "260"}
    counter.do("enter-bill", **bill, amount="60.00")
    set_budget(counter)
    bill["number"] = "2"
    asked = counter.ask("enter-bill", **bill, amount="40.01")
    assert (asked.status, asked.reason) == ("pending", "This goes beyond the budget of the year.")
    counter.do("enter-bill", **bill, amount="40.00")
    bill["number"] = "3"
    assert counter.ask("enter-bill", **{**bill, "expense": "270"}, amount="0.01").status == "pending"
    lent = counter.ask("enter-bill", **bill, fund="RLF", amount="40.01")  # a fund without a budget
    assert lent.reason == "Money given for lending is spent on something else only by two people."
    keeper = {"petty_cash": "PETTY", "holder": "ana", "float_amount": "50.00"}
    counter.agreed("open-petty-cash", by=counter.tom, approver=counter.sue, **keeper)
    voucher = {"petty_cash": "PETTY", "supplier": "POST", "receipt": "1", "amount": "0.01", "expense": "260"}
    assert counter.ask("spend-petty-cash", **voucher).status == "pending"


def test_days_of_another_year(counter: SmallBank) -> None:
    with counter.read() as books:
        with pytest.raises(InvalidDate):
            budget(books, 2026, date(2027, 1, 1))
        assert budget(books, 2030).as_of == date(2030, 1, 1)
        assert budget(books, 2025).as_of == date(2025, 12, 31)


def test_the_register_of_assets_comes_to_the_accounts(counter: SmallBank) -> None:
    bank = counter
    lines = ["GEN 751 Dr 70.00", "GEN 940 Cr 70.00"]
    bank.agreed("opening-balance", by=bank.tom, approver=bank.sue, lines=lines)
    values = {"asset_name": "A press", "cost": "100.00", "life_months": 10, "supplier": "X", "number": "1"}
    bank.do("buy-asset", **values, tender="bill")
    bank.do("depreciate", by=bank.tom, month="2026-03")
    with bank.read() as books:
        found = assets(books)
        before = assets(books, date(2026, 3, 2))
    assert [(each.asset, each.name, each.cost, each.depreciated, each.value) for each in found.rows] == [
        ("", "", 70_00, 0, 70_00), ("FA-001", "A press", 100_00, 10_00, 90_00),
    ]  # fmt: skip
    assert (found.cost, found.depreciated, found.value) == (170_00, 10_00, 160_00)
    assert before.rows == ()
