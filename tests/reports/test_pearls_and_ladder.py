"""PEARLS ratios and the ladder of debts: figures by hand, what does not fit, and past days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from coopbank.reports.financial import fund
from coopbank.reports.ladder import ladder
from coopbank.reports.pearls import Pearl, pearls
from tests.bank.support_lending import visit
from tests.support_bank import CREDIT_UNION, SmallBank, new_bank


@pytest.fixture
def bank(engine_url: str) -> Iterator[SmallBank]:
    """A credit union: 4,000.00 of gifts, 25.00 of shares, 500.00 saved, 1,000.00 on a note, 2,000.00 lent."""
    with new_bank(engine_url, institution_kind=CREDIT_UNION) as small:
        for fund, amount in (("GEN", "1000.00"), ("RLF", "3000.00")):
            small.do("receive-gift", by=small.tom, amount=amount, donor="A", fund=fund, tender="transfer")
        note: dict[str, Any] = {"lender": "Bo", "annual_rate": "2", "due_on": "2028-03-02", "fund": "RLF"}
        small.agreed("issue-note", by=small.tom, approver=small.sue, amount="1000.00", **note)
        small.admit("Mia Lee")
        small.do("buy-shares", member="M0001", amount="25.00")
        small.do("open-savings", member="M0001")
        small.do("deposit", member="M0001", amount="500.00")
        terms: dict[str, Any] = {"annual_rate": "0", "installments": "10", "principal": "2000.00"}
        loan = small.agreed("grant-loan", member="M0001", **terms).created[0]
        small.do("disburse-loan", by=small.tom, loan=loan)
        yield small


def ratio(bank: SmallBank, code: str, day: str | None = None) -> Pearl:
    with bank.read() as books:
        found = pearls(books, None if day is None else date.fromisoformat(day))
    return next(each for each in found.ratios if each.code == code)


def figures(pearl: Pearl) -> tuple[int, int, str | None]:
    return pearl.numerator, pearl.denominator, pearl.value


def test_ratios_of_a_credit_union(bank: SmallBank) -> None:
    assert figures(ratio(bank, "E1")) == (2000_00, 5525_00, "36.20")
    assert figures(ratio(bank, "E5")) == (500_00, 5525_00, "9.05")
    assert figures(ratio(bank, "E6")) == (1000_00, 5525_00, "18.10")
    assert figures(ratio(bank, "E7")) == (25_00, 5525_00, "0.45")
    assert figures(ratio(bank, "E8")) == (4000_00, 5525_00, "72.40")
    assert figures(ratio(bank, "P6")) == (4525_00, 525_00, "861.90")
    assert figures(ratio(bank, "A1")) == (0, 2000_00, "0.00")
    assert ratio(bank, "P1").value is None
    with bank.read() as books:
        owed = [
            (each.owed_to_lenders, each.owed_otherwise) for each in fund(books).funds if each.code in ("GEN", "RLF")
        ]
    assert owed == [(0, 500_00), (1000_00, 0)]
    visit(bank, "2027-04-05")
    assert figures(ratio(bank, "A1")) == (2000_00, 2000_00, "100.00")
    assert figures(ratio(bank, "P1")) == (0, 2000_00, "0.00")  # the first payment is more than a year late
    assert figures(ratio(bank, "P6")) == (2525_00, 525_00, "480.95")
    assert figures(ratio(bank, "A1", "2026-03-02")) == (0, 2000_00, "0.00")


def test_what_does_not_fit_is_no_failure(engine_url: str) -> None:
    with new_bank(engine_url) as small:
        for code in ("P6", "E5", "E6", "E7", "R5", "L1"):
            found = ratio(small, code)
            assert (found.value, bool(found.why)) == (None, True)


def test_the_ladder_by_rank_and_year(bank: SmallBank) -> None:
    note: dict[str, Any] = {"lender": "Ida", "annual_rate": "0", "fund": "RLF", "amount": "300.00"}
    define = {"class_title": "Junior", "rank": 2, "resolution": "R-1"}
    bank.agreed("define-note-class", by=bank.tom, approver=bank.sue, note_class="B", **define)
    bank.agreed("issue-note", by=bank.tom, approver=bank.sue, due_on="2026-03-20", note_class="B", **note)
    lend = {"from_fund": "GEN", "to_fund": "RLF", "amount": "50.00", "resolution": "R-2", "due_on": "2028-06-01"}
    bank.agreed("lend-to-fund", by=bank.tom, approver=bank.sue, **lend)
    with bank.read() as books:
        found = ladder(books)
    assert [(r.ref, r.owed_to, r.rank, r.principal, r.interest, r.overdue) for r in found.rungs] == [
        ("N-002", "B", 2, 300_00, 0, False), ("N-001", "A", None, 1000_00, 0, False),
        ("IF-001", "GEN", None, 50_00, 0, False),
    ]  # fmt: skip
    assert [(y.year, y.count, y.principal, y.cumulative) for y in found.years] == [
        (2026, 1, 300_00, 300_00), (2028, 2, 1050_00, 1350_00)
    ]  # fmt: skip
    visit(bank, "2026-03-23")
    bank.agreed("repay-fund", by=bank.tom, approver=bank.sue, fund_loan="IF-001")
    with bank.read() as books:
        now, then = ladder(books), ladder(books, date(2026, 3, 2))
    assert [(r.ref, r.overdue, r.interest) for r in now.rungs] == [("N-002", True, 0), ("N-001", False, 115)]
    assert (then.rungs, then.years) == (found.rungs, found.years)
