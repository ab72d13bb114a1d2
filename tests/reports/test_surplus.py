"""The division of a surplus as a report, the notice to each member, and the register of shares."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from coopbank.errors import CannotReverse, Unknown, WrongState
from coopbank.reports import balance_sheet, member, member_card
from coopbank.reports.document import as_document
from coopbank.reports.papers import tax_year
from coopbank.reports.patronage import patronage_notice, with_a_part
from coopbank.reports.surplus import share_register, surplus
from coopbank.statements import make
from tests.bank.support_equity import close_year, earn, end_of_year
from tests.support_bank import SmallBank, assert_books, new_bank

DAY = date(2027, 1, 4)


@pytest.fixture
def small(engine_url: str) -> Iterator[SmallBank]:
    with new_bank(engine_url) as bank:
        yield bank
        assert_books(bank)


def both(small: SmallBank, operation: str, **values: object) -> int:
    return small.agreed(operation, by=small.tom, approver=small.sue, **values).number


def divided(small: SmallBank) -> int:
    """100.00 of 2026: 20 to the indivisible reserve, 60 by hours, 20 by savings; M0001 has 10 of 30 hours, Cy none."""
    mia, bea, cy = small.admit("Mia <b>Lee</b>"), small.admit("Bea Long"), small.admit("Cy Dunn")
    for holder in (mia, bea, cy):
        small.do("buy-shares", member=holder, amount="25.00")
    small.do("open-savings", member=mia)
    small.do("deposit", member=mia, amount="50.00")
    earn(small, "100.00")
    both(small, "record-hours", year="2026", hours=[f"{mia} 10", f"{bea} 20"], source="sheets")
    both(small, "set-surplus-rules", steps=["indivisible 20", "patronage hours 75", "patronage savings 25"],
         consent="bylaw 12", resolution="assembly of 1 March")  # fmt: skip
    end_of_year(small)
    close_year(small)
    small.do("propose-surplus", by=small.tom, year="2026", redemption="After <i>seven</i> years.")
    with small.read() as books:
        found = surplus(books, "2026")
        assert (found.state, found.resolution) == ("proposed", "")
        with pytest.raises(WrongState, match="not divided"):
            patronage_notice(books, mia, 2026)
    return both(small, "allocate-surplus", year="2026", resolution="R-33")


def test_the_report_works_every_step_out(small: SmallBank) -> None:
    divided(small)
    with small.read() as books:
        found = surplus(books, "2026")
        with pytest.raises(Unknown):
            surplus(books, "2027")
    assert [(s.to, s.what, s.rate, s.base, s.amount, s.left) for s in found.steps] == [
        ("indivisible", "", "20", 100_00, 20_00, 80_00),
        ("patronage", "hours", "75", 80_00, 60_00, 20_00),
        ("patronage", "savings", "25", 80_00, 20_00, 0),
    ]
    assert (found.cash, found.retained, found.left, found.members) == (16_00, 64_00, 0, 2)
    assert found.notices_by == date(2027, 9, 15)
    assert as_document(found)["steps"][1]["amount"] == "60.00"


def test_a_notice_says_what_was_posted_and_binds(small: SmallBank, tmp_path: Path) -> None:
    number = divided(small)
    small.do("pay-patronage", member="M0002")
    with small.read() as books:
        assert with_a_part(books, 2026) == ["M0001", "M0002"]
        mia, bea = patronage_notice(books, "M0001", 2026), patronage_notice(books, "M0002", 2026)
    assert (mia.allocated, mia.cash, mia.retained, mia.paid_on) == (40_00, 8_00, 32_00, None)
    assert (bea.allocated, bea.cash, bea.paid_on) == (40_00, 8_00, date(2027, 1, 4))
    assert [(p.quantity, p.quantity_all, p.divided) for p in mia.parts] == [
        (10_00, 30_00, 60_00), (41_78, 41_78, 20_00),  # 50.00 from 2 March: 305 of 365 days
    ]  # fmt: skip
    with small.read() as books:
        assert tax_year(books, "M0001", 2027).patronage == 40_00
        shown = {account.code: account.closing for account in member(books, "M0001", DAY, DAY).accounts}
        assert shown["823/M0001"] == 8_00 and shown["945/M0001/2026"] == 32_00
        assert member_card(books, "M0001")
    made = make(small.bank, "member-statement", "M0001", DAY, DAY, folder=tmp_path)
    assert made.path.read_bytes().startswith(b"%PDF")
    made = make(small.bank, "patronage-notice", "M0001", date(2026, 1, 1), date(2026, 12, 31), actor=small.ana,
                folder=tmp_path)  # fmt: skip
    assert made.path.read_bytes().startswith(b"%PDF")
    small.admit("Cat Wu")
    with small.read() as books, pytest.raises(Unknown, match="no part"):
        patronage_notice(books, "M0003", 2026)
    with pytest.raises(CannotReverse):
        small.ask("reverse", by=small.tom, operation=str(number), reason="too late")


def test_the_register_of_shares_as_of_a_day(small: SmallBank) -> None:
    mia, bea = small.admit("Mia Lee"), small.admit("Bea Long")
    small.do("buy-shares", member=mia, share_class="903", amount="300.00")
    small.go_to("2026-03-10")
    small.agreed("transfer-shares", member=mia, to_member=bea, share_class="903", amount="100.00")
    with small.read() as books:
        now, before = share_register(books), share_register(books, date(2026, 3, 9))
    assert [(h.member, h.shares, h.amount) for h in before.holdings] == [(mia, 3, 300_00)]
    assert [(h.member, h.shares, h.amount) for h in now.holdings] == [(mia, 2, 200_00), (bea, 1, 100_00)]
    assert now.totals == {"901": 0, "903": 300_00} == before.totals


def test_a_class_that_is_a_liability_stands_among_what_is_owed(small: SmallBank) -> None:
    mia = small.admit("Mia Lee")
    small.do("buy-shares", member=mia, share_class="903", amount="300.00")
    small.go_to("2026-03-10")
    both(small, "set-share-class", share_class="903", presentation="liability", resolution="board, 10 March")
    with small.read() as books:
        now, before = balance_sheet(books), balance_sheet(books, date(2026, 3, 9))
    assert "903" in {row.code for row in now.liabilities.rows} and "903" in {row.code for row in before.equity.rows}
    assert now.liabilities.combined - before.liabilities.combined == -300_00
    assert now.assets.combined + now.liabilities.combined + now.equity.combined == 0
