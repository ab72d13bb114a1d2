"""Trial balance, balance sheet, income and funds, held against sums over the postings themselves."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from coopbank.bank.books import Books
from coopbank.cli.frames import changed_since
from coopbank.errors import InvalidDate, Unknown
from coopbank.reports import as_document, balance_sheet, fund, income, natural, trial_balance
from coopbank.reports.fund_report import fund_report
from coopbank.reports.glance import glance
from coopbank.reports.pearls import pearls
from coopbank.reports.totals import first_operation_after, movements
from coopbank.statements import make
from tests.reports.town import Town
from tests.statements.told import Told
from tests.support_bank import assert_books, new_bank

MARCH = (date(2026, 3, 1), date(2026, 3, 31))


def summed(books: Books, start: str, end: str) -> dict[tuple[str, str], int]:
    """Every control account in every fund, from the postings, without any cache."""
    rows = books.tx.rows(
        "SELECT a.gl_code, a.fund, sum(p.amount) FROM posting p JOIN entry e ON e.id = p.entry_id"
        " JOIN account a ON a.id = p.account_id WHERE e.effective_on BETWEEN ? AND ? GROUP BY 1, 2",
        start, end,
    )  # fmt: skip
    return {(code, fund_code): int(net) for code, fund_code, net in rows if net}


@pytest.mark.parametrize(
    "as_of", [None, "2026-03-02", "2026-03-04", "2026-03-31", "2026-04-16", "2030-01-01", "2020-01-01"]
)
def test_the_trial_balance_is_the_sum_of_the_postings(town: Town, as_of: str | None) -> None:
    with town.small.read() as books:
        found = trial_balance(books, date.fromisoformat(as_of) if as_of else None)
        rows = {(row.code, code): net for row in (*found.rows, *found.memo) for code, net in row.by_fund.items()}
        assert rows == summed(books, "0001-01-01", as_of or "9999-12-31")
    assert found.balanced
    assert found.debits == sum(row.combined for row in found.rows if row.combined > 0)


def test_a_period_of_any_shape_is_days_and_whole_months_without_overlap(town: Town) -> None:
    first = date(2026, 2, 25)
    with town.small.read() as books:
        for before in range(0, 90, 7):
            for length in (0, 1, 20, 31, 45, 80):
                start = first + timedelta(days=before)
                end = start + timedelta(days=length)
                found = {k[:2]: d - c for k, (d, c) in movements(books.tx, start, end).items() if d != c}
                assert found == summed(books, start.isoformat(), end.isoformat()), (start, end)


def test_the_pool_and_the_claims_on_it_cancel_in_the_whole(town: Town) -> None:
    with town.small.read() as books:
        found = trial_balance(books)
        cash = books.balance("POOL", "739/VAULT") + books.balance("POOL", "739/D1")
    rows = {row.code: row for row in found.rows}
    assert rows["729"].combined == rows["879"].combined == 0
    assert rows["729"].eliminated == -sum(rows["729"].by_fund.values()) < 0
    assert rows["739"].by_fund == {"POOL": cash} and found.funds[0].code == "POOL"


def test_memo_accounts_stand_apart_and_in_no_total(town: Town) -> None:
    with town.small.read() as books:
        found = trial_balance(books)
        promised = books.balance("RLF", f"M40/{town.granted}")
    assert [row.code for row in found.memo] == ["M40", "M49"]
    assert found.memo[0].by_fund == {"RLF": promised} != {"RLF": 0}
    assert not {row.code for row in found.rows} & {"M40", "M49"}


def test_what_was_posted_after_a_day_is_told(town: Town) -> None:
    with town.small.read() as books:
        march = trial_balance(books, MARCH[1]).backdated
        assert march is not None
        assert (march.entries, march.by_close, march.last_posted_on) == (0, 1, date(2026, 4, 6))
        # what March's close dated on the 31st stood there before the 16th of April
        assert trial_balance(books, date(2026, 4, 16)).backdated is None
        assert trial_balance(books).backdated is None
        assert trial_balance(books, date(2026, 5, 20)).backdated is None


def test_both_ways_to_look_for_late_entries_agree(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    with town.small.read() as books:
        by_number = trial_balance(books, MARCH[1]).backdated
        monkeypatch.setattr("coopbank.reports.totals._FEW", -1)
        assert trial_balance(books, MARCH[1]).backdated == by_number
        assert by_number is not None


def test_the_first_operation_of_a_later_day_is_found_by_halving(town: Town) -> None:
    with town.small.read() as books:
        days = books.tx.rows("SELECT id, business_date FROM operation ORDER BY id")
        for offset in range(-3, 90):
            day = date(2026, 3, 2) + timedelta(days=offset)
            expected = next((number for number, on in days if on > day.isoformat()), None)
            assert first_operation_after(books.tx, day) == expected


def test_a_back_dated_entry_shows_in_the_past_and_is_told(engine_url: str) -> None:
    with new_bank(engine_url) as small:
        small.do("receive-gift", by=small.tom, fund="GEN", amount="100.00", donor="A friend", tender="transfer")
        small.go_to("2026-03-09")
        with small.read() as books:
            before = trial_balance(books, date(2026, 3, 4))
        lines = ["GEN 260 Dr 12.00", "GEN 731/FIRST Cr 12.00"]
        small.agreed(
            "journal-entry", by=small.tom, approver=small.sue, memo="Bank charges of the 3rd", lines=lines,
            effective_on="2026-03-03",
        )  # fmt: skip
        with small.read() as books:
            after = trial_balance(books, date(2026, 3, 4))
            earned = income(books, date(2026, 3, 1), date(2026, 3, 4))
        assert before.backdated is None
        assert after.backdated is not None and after.backdated.entries == 1
        assert {row.code: row.combined for row in after.rows}["260"] == 1200
        assert "260" not in {row.code for row in before.rows}
        assert earned.backdated is not None and earned.combined == 1200 - 10000
        assert_books(small)


def test_a_fund_that_is_opened_later_changes_no_report_of_the_past(engine_url: str, tmp_path: Path) -> None:
    """Nor is a paper of the past made anew for it; until something is dated back into it, which is told."""
    with new_bank(engine_url) as small:
        small.do("receive-gift", by=small.tom, amount="500.00", donor="A friend", tender="transfer")
        small.go_to("2026-03-05")
        day, span = date(2026, 3, 2), (date(2026, 3, 1), date(2026, 3, 2))

        def said() -> list[tuple[str, ...]]:
            with small.read() as books:
                funds = fund(books, as_of=day).funds, glance(books, as_of=day).funds
                tables = trial_balance(books, day).funds, balance_sheet(books, day).funds, income(books, *span).funds
            return [tuple(each.code for each in found if each.code != "all") for found in (*funds, *tables)]

        before = said()
        first = make(small.bank, "balance-sheet", "", day, day, actor=small.tom, folder=tmp_path)
        small.agreed(
            "open-fund", by=small.tom, approver=small.sue, code="NEW", fund_name="New", fund_class="designated"
        )
        assert said() == before
        again = make(small.bank, "balance-sheet", "", day, day, actor=small.tom, folder=tmp_path)
        assert again.number == first.number, "no figure has changed"
        small.agreed("journal-entry", by=small.tom, approver=small.sue, memo="late", effective_on="2026-03-02",
                     lines=["NEW 250 Dr 5.00", "NEW 865 Cr 5.00"])  # fmt: skip
        assert all("NEW" in codes for codes in said())
        with small.read() as books:
            assert pearls(books, day).backdated == balance_sheet(books, day).backdated is not None
        assert_books(small)


def test_the_balance_sheet_balances_in_the_whole_and_in_every_fund(town: Town) -> None:
    with town.small.read() as books:
        for day in (None, *MARCH, date(2026, 4, 20)):
            found = balance_sheet(books, day)
            sections = (found.assets, found.liabilities, found.equity)
            assert found.balanced
            assert sum(s.eliminated for s in sections) == 0
            for code in (column.code for column in found.funds):
                assert sum(s.by_fund.get(code, 0) for s in sections) == 0
        names = [row.name for row in found.equity.rows]
    assert names[-1] == "Result not yet closed"


def test_income_is_what_the_period_brought_by_fund(town: Town) -> None:
    with town.small.read() as books:
        march, april = income(books, *MARCH), income(books, date(2026, 4, 1), date(2026, 4, 30))
        posted = summed(books, "2026-04-01", "2026-04-30")
    assert april.result == {"RLF": posted["111", "RLF"]}
    assert [row.code for row in april.income.rows] == ["111"]
    assert march.combined == march.income.combined + march.expense.combined < april.combined < 0
    assert natural(march.income.rows[0].combined, march.income.rows[0].side) > 0


def test_funds_say_what_they_have_lent_and_promised(town: Town) -> None:
    with town.small.read() as books:
        positions = {p.code: p for p in fund(books).funds}
        lent = books.balance("RLF", f"701/{town.loan}")
        claim = books.balance("RLF", "729")
        promised = books.balance("RLF", f"M40/{town.granted}")
        alone = fund(books, "RLF").funds
    revolving = positions["RLF"]
    assert (revolving.claim, revolving.lent, revolving.committed) == (claim, lent, promised)
    assert revolving.free == claim - promised
    assert revolving.balance == claim + lent + revolving.accrued
    assert alone == (revolving,)
    assert "POOL" not in positions
    assert sum(p.claim for p in positions.values()) > 0


def test_an_unknown_fund_and_a_period_turned_round_are_refused(town: Town) -> None:
    with town.small.read() as books:
        with pytest.raises(Unknown) as unknown:
            fund(books, "XYZ")
        with pytest.raises(InvalidDate) as turned:
            income(books, MARCH[1], MARCH[0])
    assert (unknown.value.field, turned.value.field) == ("fund", "to")


def test_the_json_form_writes_amounts_as_texts(town: Town) -> None:
    with town.small.read() as books:
        document = as_document(trial_balance(books, MARCH[1]))
        cash = books.balance("POOL", "739/VAULT")
    row = next(row for row in document["rows"] if row["code"] == "739")
    assert row["combined"] == row["by_fund"]["POOL"]
    assert isinstance(row["combined"], str) and "." in row["combined"]
    assert document["as_of"] == "2026-03-31"
    assert document["source"]["head_number"] > 0 and len(document["source"]["head_hash"]) == 16
    assert cash >= 0 and document["backdated"]["entries"] == 0


def test_amounts_of_a_currency_without_decimals_have_none(engine_url: str) -> None:
    with new_bank(engine_url, currency="JPY") as small:
        small.do("receive-gift", by=small.tom, fund="GEN", amount="1500", donor="A friend", tender="transfer")
        with small.read() as books:
            assert as_document(trial_balance(books))["debits"] == "1500"
        assert_books(small)


def test_the_close_of_a_month_is_told_apart_from_what_people_dated_back(
    town: Town, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with town.small.read() as books:
        found = balance_sheet(books, MARCH[1]).backdated
        assert fund_report(books, "RLF", MARCH[1]).changed_since == found is not None
        assert fund_report(books, "RLF", date(2026, 4, 16)).changed_since is None
    changed_since(found)
    says = "Dated on its last day by the close of a month, after it had passed: 1 entries."
    assert capsys.readouterr().out == f"{says}\n"
    for kind, about in (("balance-sheet", ""), ("fund-report", "RLF")):
        paper = make(town.small.bank, kind, about, MARCH[1], MARCH[1], folder=tmp_path).path
        text = " ".join(Told(paper.read_bytes()).of("P"))
        assert says in text and "Entries were dated into this time" not in text, kind
