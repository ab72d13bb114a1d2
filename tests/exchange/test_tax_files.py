"""Files with the figures of tax forms: each amount in its box, of the right year, and safe in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from coopbank.errors import InvalidValue
from coopbank.exchange.tax_files import tax_files
from coopbank.reports.taxes import tax_rows
from coopbank.statements import make_notices
from tests.bank.support_equity import close_year, earn, end_of_year
from tests.support_bank import SmallBank, assert_books, new_bank


@pytest.fixture
def small(engine_url: str) -> Iterator[SmallBank]:
    with new_bank(engine_url) as bank:
        yield bank
        assert_books(bank)


def both(small: SmallBank, operation: str, **values: object) -> int:
    return small.agreed(operation, by=small.tom, approver=small.sue, **values).number


def read(folder: Path, form: str, year: int = 2027) -> dict[str, dict[str, str]]:
    with (folder / f"{form}_{year}.csv").open(encoding="utf-8", newline="") as file:
        return {row["member"]: row for row in csv.DictReader(file)}


def spring(small: SmallBank) -> tuple[str, str]:
    """2026 divided in January 2027: dividends of both kinds, patronage, tax withheld from who gave no number."""
    mia = small.admit('=HYPERLINK("x")', tax_id="123-45-6789")
    bea = small.admit("Bea Long")
    for member in (mia, bea):
        small.do("buy-shares", member=member, amount="25.00")
        small.do("buy-shares", member=member, share_class="903", amount="1000.00")
        small.do("open-savings", member=member, annual_rate="4")
    small.do("deposit", member=mia, amount="2000.00")
    small.agreed("set-policy", by=small.admin, approver=small.tom, policy="backup_withholding", value="24")
    both(small, "set-share-class", share_class="903", presentation="liability", resolution="bylaw 3")
    earn(small, "500.00")
    both(small, "record-hours", year="2026", hours=[f"{mia} 10", f"{bea} 10"], source="sheets")
    both(small, "set-surplus-rules", steps=["indivisible 20", "dividend 901 8", "patronage hours 50"], consent="b",
         resolution="R-0")  # fmt: skip
    end_of_year(small)
    both(small, "declare-dividend", year="2026", rate="3", basis="year-end", resolution="R-1")
    close_year(small)
    small.do("propose-surplus", by=small.tom, year="2026")
    both(small, "allocate-surplus", year="2026", resolution="R-2")
    both(small, "pay-dividend")
    small.do("pay-patronage", member=bea)
    both(small, "credit-interest", quarter="2026-Q4")
    return mia, bea


def test_each_amount_stands_in_its_box(small: SmallBank, tmp_path: Path) -> None:
    mia, bea = spring(small)
    with small.read() as books:
        files = tax_files(books, 2027, tmp_path)
        earlier = tax_rows(books, 2026)
        with pytest.raises(InvalidValue):
            tax_rows(books, 10_000)
    assert not any(form.rows for form in earlier)
    assert {path.name for path in files} == {
        "1099-PATR_2027.csv", "1099-INT_2027.csv", "1099-DIV_2027.csv", "README.txt"
    }  # fmt: skip
    patr, interest, dividends = (read(tmp_path, form) for form in ("1099-PATR", "1099-INT", "1099-DIV"))
    # result 440.00: 88.00 to the reserve, 4.00 of dividends, 174.00 of patronage, 87.00 each, 17.40 of it in money
    assert {m: r["box_1_patronage_dividends"] for m, r in patr.items()} == {mia: "87.00", bea: "87.00"}
    assert patr[bea]["box_4_federal_income_tax_withheld"] == "4.18" and patr[mia]["reportable"] == "yes"
    assert dividends[mia]["box_1a_total_ordinary_dividends"] == "2.00" and dividends[mia]["reportable"] == "no"
    savings = small.balance("385")
    assert interest[mia]["box_1_interest_income"] == f"{(30_00 + savings) / 100:.2f}"
    assert interest[bea]["box_1_interest_income"] == "30.00"
    withheld = [row[bea]["box_4_federal_income_tax_withheld"] for row in (interest, dividends) if bea in row]
    assert sorted(withheld) == ["0.00", "7.68"]  # of 32.00, paid at once
    assert interest[mia]["name"] == '\'=HYPERLINK("x")'
    assert "no claim is made" in (tmp_path / "README.txt").read_text(encoding="utf-8")


def test_all_notices_of_a_year_at_once(small: SmallBank, tmp_path: Path) -> None:
    spring(small)
    made = make_notices(small.bank, 2026, tmp_path, actor=small.ana)
    assert made.made == 2 and not made.failed
    assert {path.name for path in made.files} == {
        f"{member}-patronage-notice-2026.pdf" for member in ("M0001", "M0002")
    }  # fmt: skip
    assert make_notices(small.bank, 2026, tmp_path, actor=small.ana).kept == 2
