"""Money between funds: E23 line for line, what is bound or promised, loans that are repaid, and the way back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from coopbank.bank import records
from coopbank.errors import (
    CannotReverse,
    InvalidAmount,
    InvalidDate,
    InvalidValue,
    NotAllowed,
    Overdrawn,
    Unknown,
    WrongState,
)
from coopbank.reports.glance import glance
from tests.bank.support_counter import HOSTILE, entry, posted, refused
from tests.support_bank import SmallBank, assert_books, new_bank


@pytest.fixture
def bank(engine_url: str) -> Iterator[SmallBank]:
    """GEN has 3,000.00, RLF 1,000.00 of which 400.00 is promised; SOL and CLT are designated, GRT restricted."""
    with new_bank(engine_url) as small:
        for fund, amount in (("GEN", "3000.00"), ("RLF", "1000.00")):
            small.do("receive-gift", by=small.tom, amount=amount, donor="A", fund=fund, tender="transfer")
        for code, kind in (("SOL", "designated"), ("CLT", "designated"), ("GRT", "restricted"), ("CG1", "conditional")):
            small.agreed("open-fund", by=small.tom, approver=small.sue, code=code, fund_name=code, fund_class=kind)
        small.do("receive-gift", by=small.tom, amount="90.00", donor="A", fund="GRT", tender="transfer")
        small.admit("Mia Lee")
        small.agreed("grant-loan", member="M0001", principal="400.00", annual_rate="0", installments="4")
        yield small
        assert_books(small)


def two(bank: SmallBank, operation: str, /, **values: Any) -> Any:
    return bank.agreed(operation, by=bank.tom, approver=bank.sue, **values)


def test_a_transfer_for_good_is_e23a(bank: SmallBank) -> None:
    done = two(bank, "transfer-funds", from_fund="GEN", to_fund="SOL", amount="300.00", resolution="R-20")
    assert posted(done) == [
        entry("GEN 187 Dr 300.00", "GEN 729 Cr 300.00", "SOL 729 Dr 300.00", "SOL 187 Cr 300.00",
              "POOL 879/GEN Dr 300.00", "POOL 879/SOL Cr 300.00")
    ]  # fmt: skip
    two(bank, "reverse", operation=done.number, reason="R-20 was not voted")
    assert bank.balance("187", "GEN") == bank.balance("187", "SOL") == bank.balance("729", "SOL") == 0


def test_a_loan_between_funds_is_e23b_and_e23c(bank: SmallBank) -> None:
    lent = two(bank, "lend-to-fund", from_fund="GEN", to_fund="CLT", amount="2000.00", resolution="R-21",
               due_on="2026-10-01")  # fmt: skip
    assert posted(lent) == [
        entry("GEN 728/CLT Dr 2000.00", "GEN 729 Cr 2000.00", "CLT 729 Dr 2000.00", "CLT 878/GEN Cr 2000.00",
              "POOL 879/GEN Dr 2000.00", "POOL 879/CLT Cr 2000.00")
    ]  # fmt: skip
    assert lent.created == ("IF-001",)
    two(bank, "transfer-funds", from_fund="CLT", to_fund="SOL", amount="1999.00", resolution="R-22")
    refused(bank, Overdrawn, "repay-fund", bank.tom, fund_loan="IF-001", field="amount", says="only 1.00")
    gift = bank.do("receive-gift", by=bank.tom, fund="CLT", amount="2000.00", donor="A", tender="transfer")
    refused(bank, InvalidAmount, "repay-fund", bank.tom, fund_loan="IF-001", amount="2000.01", field="amount")
    repaid = two(bank, "repay-fund", fund_loan="IF-001")
    both = Counter(posted(gift)[0])
    both.update(posted(repaid)[0])
    sums: Counter[tuple[str, str]] = Counter()
    for (fund, code, amount), times in both.items():
        sums[fund, code] += amount * times
    assert {leaf: amount for leaf, amount in sums.items() if amount} == {  # E23c, in two operations
        ("POOL", "731/FIRST"): 2000_00, ("POOL", "879/GEN"): -2000_00, ("CLT", "181/G-04"): -2000_00,
        ("CLT", "878/GEN"): 2000_00, ("GEN", "729"): 2000_00, ("GEN", "728/CLT"): -2000_00,
    }  # fmt: skip
    with bank.read() as books:
        assert books.get(records.FundLoan, "IF-001").state == "repaid"
    refused(bank, WrongState, "repay-fund", bank.tom, fund_loan="IF-001", field="fund_loan", says="repaid")
    refused(bank, CannotReverse, "reverse", bank.tom, operation=lent.number, reason="x")
    two(bank, "reverse", operation=repaid.number, reason="the gift was another's")
    part = two(bank, "repay-fund", fund_loan="IF-001", amount="500.00")
    assert bank.balance("878/GEN", "CLT") == -1500_00
    with bank.read() as books:
        sources = {part.code: part.amount for part in glance(books, "CLT").funds[0].sources}
    assert sources["owed:878"] == 1500_00
    two(bank, "reverse", operation=part.number, reason="x")
    two(bank, "reverse", operation=lent.number, reason="x")
    assert bank.balance("728/CLT", "GEN") == 0


@pytest.mark.parametrize("operation", ["transfer-funds", "lend-to-fund"])
def test_bound_money_promised_money_and_no_money(bank: SmallBank, operation: str) -> None:
    more = {"due_on": "2026-10-01"} if operation == "lend-to-fund" else {}
    values: dict[str, Any] = {"from_fund": "GEN", "to_fund": "SOL", "amount": "10.00", "resolution": "R-1", **more}

    def no(error: type[Exception], field: str, says: str = "", **changes: Any) -> None:
        refused(bank, error, operation, bank.tom, field=field, says=says, **{**values, **changes})  # type: ignore[arg-type]

    no(WrongState, "from_fund", "release only", from_fund="GRT")
    no(WrongState, "from_fund", "release only", from_fund="CG1")
    no(WrongState, "to_fund", to_fund="CG1")
    no(InvalidValue, "from_fund", from_fund="POOL")
    no(InvalidValue, "to_fund", to_fund="POOL")
    no(InvalidValue, "to_fund", to_fund="GEN")
    no(Unknown, "from_fund", from_fund="XYZ")
    no(Unknown, "to_fund", to_fund="XYZ")
    no(InvalidValue, "resolution", resolution="")
    no(InvalidValue, "amount", amount="0.00")
    no(Overdrawn, "amount", "only 600.00", from_fund="RLF", amount="600.01")  # 400.00 is promised to a borrower
    refused(bank, NotAllowed, operation, **values)
    for text in HOSTILE:
        two(bank, operation, **{**values, "amount": "0.01", "resolution": text})


def test_a_loan_is_repaid_later_and_not_by_bound_money(bank: SmallBank) -> None:
    values: dict[str, Any] = {"from_fund": "GEN", "to_fund": "CLT", "amount": "10.00", "resolution": "R-1"}
    refused(bank, InvalidDate, "lend-to-fund", bank.tom, field="due_on", due_on="2026-03-02", **values)
    values["due_on"] = "2026-10-01"
    refused(bank, WrongState, "lend-to-fund", bank.tom, field="to_fund", **{**values, "to_fund": "GRT"})
    refused(bank, Unknown, "repay-fund", bank.tom, field="fund_loan", fund_loan="IF-009")


def test_no_fund_lends_more_than_is_uncommitted(bank: SmallBank) -> None:
    terms = {"member": "M0001", "annual_rate": "0", "installments": "4"}
    refused(bank, Overdrawn, "grant-loan", bank.ana, field="principal", says="600.00", principal="600.01", **terms)
    two(bank, "transfer-funds", from_fund="RLF", to_fund="SOL", amount="600.00", resolution="R-1")
    refused(bank, Overdrawn, "grant-loan", bank.ana, field="principal", says="0.00", principal="0.01", **terms)
