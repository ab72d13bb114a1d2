"""The end of a year: the audit period, the closing entries of the worked year (E29), and opening it again."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date
from pathlib import Path

import pytest

from coopbank.bank import records
from coopbank.errors import PeriodLocked, WrongState
from coopbank.exchange import export
from coopbank.reports import income
from coopbank.reports.papers import gift_report
from coopbank.reports.pearls import pearls
from tests.conformance.test_entries import read_blocks
from tests.support_bank import SmallBank, assert_books, new_bank

FUNDS = (("EDU", "designated"), ("SOL", "designated"), ("CLT", "designated"), ("GRT", "restricted"),
         ("CG1", "conditional"))  # fmt: skip


def end_of_year(small: SmallBank) -> None:
    """From March to January, each month closed, December open for the auditor."""
    for month in range(3, 13):
        last = date(2026, month, 31 if month in (3, 5, 7, 8, 10, 12) else 30)
        small.go_to(last.isoformat())
        small.go_to(f"2026-{month + 1:02d}-01" if month < 12 else "2027-01-04")
        small.agreed("close-month", by=small.tom, approver=small.sue, month=f"2026-{month:02d}")
    small.agreed("open-audit-period", by=small.tom, approver=small.sue, year="2026")


def close(small: SmallBank, **values: str) -> int:
    return small.agreed("close-year", by=small.tom, approver=small.sue, year="2026", **values).number


def lines_of(small: SmallBank, operation: int) -> list[list[tuple[str, str, int]]]:
    with small.read() as books:
        entries = [e for (e,) in books.tx.rows("SELECT id FROM entry WHERE operation_id = ? ORDER BY id", operation)]
        return [
            sorted(
                (fund, f"{gl}/{of}" if of else gl, int(amount))
                for fund, gl, of, amount in books.tx.rows(
                    "SELECT a.fund, a.gl_code, a.contract, p.amount FROM posting p JOIN account a"
                    " ON a.id = p.account_id WHERE p.entry_id = ?", entry,
                )
            )
            for entry in entries
        ]  # fmt: skip


def test_the_closing_entries_are_those_of_the_worked_year(engine_url: str) -> None:
    """The balances of income and expense that E29 closes come in as opening balances of the year."""
    wanted = {name: sorted(block.lines) for name, block in read_blocks("year_end.md").items()}
    moves: dict[str, list[str]] = defaultdict(list)
    for fund, code, amount in [*wanted["E29b"], *(line for line in wanted["E29c"] if line[1] == "187")]:
        if code != "960":
            side = "Cr" if amount > 0 else "Dr"
            moves[fund].append(f"{fund} {code} {side} {abs(amount) / 100:.2f}")
            moves[fund].append(f"{fund} {'940' if fund == 'GEN' else '961'} {'Dr' if amount > 0 else 'Cr'}"
                               f" {abs(amount) / 100:.2f}")  # fmt: skip
    with new_bank(engine_url) as small:
        for code, kind in FUNDS:
            small.agreed("open-fund", by=small.tom, approver=small.sue, code=code, fund_name=code, fund_class=kind)
        for lines in moves.values():
            small.agreed("opening-balance", by=small.tom, approver=small.sue, lines=lines)
        small.agreed("close-opening", by=small.tom, approver=small.sue)
        end_of_year(small)
        with small.read() as books:
            before = income(books, date(2026, 1, 1), date(2026, 12, 31))
        assert lines_of(small, close(small)) == [wanted["E29b"], wanted["E29c"]]
        with small.read() as books:
            after = income(books, date(2026, 1, 1), date(2026, 12, 31))
            assert (after.income, after.expense, after.combined) == (before.income, before.expense, before.combined)
            assert books.get(records.YearClose, "2026").results["RLF"] == -419610
        assert_books(small)


def test_the_year_is_locked_and_opened_by_two_and_closed_anew(small: SmallBank) -> None:
    small.agreed("open-fund", by=small.tom, code="EDU", fund_name="x", fund_class="restricted", approver=small.sue)
    given = {"number": "G-07", "fund": "EDU", "amount": "900.00", "donor": "Many", "tender": "transfer"}
    small.do("receive-gift", by=small.tom, **given)
    small.agreed("spend-gift", by=small.tom, approver=small.sue, gift="G-07", amount="65.00", expense="290",
                 memo="trainer", tender="transfer")  # fmt: skip
    small.do("receive-gift", by=small.tom, amount="100.00", donor="Cora Quist", fund="GEN", tender="transfer")
    end_of_year(small)
    entry = {"by": small.tom, "approver": small.sue, "memo": "Auditor: rent of December", "effective_on": "2026-12-31"}
    small.agreed("journal-entry", lines=["GEN 250 Dr 30.00", "GEN 865 Cr 30.00"], **entry)
    close(small)
    assert small.balance("940") == -70_00
    with pytest.raises((PeriodLocked, WrongState)):
        small.agreed("journal-entry", lines=["GEN 250 Dr 1.00", "GEN 865 Cr 1.00"], **entry)
    for name in ("close-year", "open-audit-period"):
        with pytest.raises(PeriodLocked):
            small.ask(name, by=small.tom, year="2026")
    with pytest.raises(PeriodLocked):
        small.ask("reopen-month", by=small.tom, month="2026-12", why="late bill")
    small.agreed("reopen-year", by=small.tom, approver=small.sue, year="2026", why="the auditor found a bill")
    small.agreed("journal-entry", lines=["GEN 290 Dr 20.00", "GEN 865 Cr 20.00"], **entry)
    again = close(small)
    with small.read() as books:
        kinds = [r for (r,) in books.tx.rows("SELECT reverses_id FROM entry WHERE operation_id = ? ORDER BY id", again)]
        result = income(books, date(2026, 1, 1), date(2026, 12, 31)).combined
        years = [pearls(books, day).ratios for day in (date(2026, 12, 31), date(2027, 12, 31))]
        told, gift = gift_report(books, "G-07"), books.get(records.Gift, "G-07")
    costs_and_result = [[each.numerator for each in ratios if each.code in ("E8", "R9", "R12")] for ratios in years]
    assert costs_and_result == [[885_00, 115_00, 885_00], [885_00, 0, 0]]
    assert [(line.words, line.down, line.balance) for line in told.lines] == [
        ("Outside services: trainer", 65_00, 835_00)
    ], "what closes the year gives no donor anything back"
    assert (told.spent, told.left) == (gift.released, gift.amount - gift.released) == (65_00, 835_00)
    assert [r is not None for r in kinds] == [True, True, False, False]
    assert small.balance("940") == -50_00 and abs(result) == 885_00


def test_adjustments_and_closing_stand_in_period_13_of_the_audit_data(small: SmallBank, tmp_path: Path) -> None:
    small.do("receive-gift", by=small.tom, amount="100.00", donor="Cora Quist", fund="GEN", tender="transfer")
    end_of_year(small)
    lines = ["GEN 250 Dr 30.00", "GEN 865 Cr 30.00"]
    small.agreed("journal-entry", by=small.tom, approver=small.sue, memo="Auditor: rent", effective_on="2026-12-31",
                 lines=lines)  # fmt: skip
    close(small)
    (detail,) = [path for path in export(small.bank, "ads", tmp_path) if path.name.startswith("GL_Detail")]
    with detail.open(encoding="utf-8", newline="") as file:
        periods = {row["Source"]: row["Period"] for row in csv.DictReader(file)}
    assert periods == {"receive-gift": "M3", "journal-entry": "M13", "close-year": "M13"}


def test_years_are_closed_in_their_order(small: SmallBank) -> None:
    """A year that was left open would let somebody change what the locked one after it began with."""
    small.do("receive-gift", by=small.tom, amount="10.00", donor="Cora Quist", fund="RLF", tender="transfer")
    end_of_year(small)
    small.go_to("2028-01-03")
    for month in [f"2027-{number:02}" for number in range(1, 13)]:
        small.agreed("close-month", by=small.tom, approver=small.sue, month=month)
    small.agreed("open-audit-period", by=small.tom, approver=small.sue, year="2027")
    with pytest.raises(WrongState, match="2026 is not closed"):
        small.ask("close-year", by=small.tom, year="2027")
    close(small)
    small.agreed("close-year", by=small.tom, approver=small.sue, year="2027")


def test_what_must_come_first(small: SmallBank) -> None:
    with pytest.raises(WrongState, match="2026-12 is not closed"):
        small.ask("open-audit-period", by=small.tom, year="2026")
    with pytest.raises(WrongState, match="not locked"):
        small.ask("reopen-year", by=small.tom, year="2026", why="a bill")
    with pytest.raises(WrongState, match="audit period"):
        small.ask("close-year", by=small.tom, year="2025")
    small.do("receive-unknown", by=small.tom, amount="7.00")
    end_of_year(small)
    with pytest.raises(WrongState, match="872"):
        small.ask("close-year", by=small.tom, year="2026")
    close(small, unexplained="a transfer of 7.00 that nobody has claimed")
