"""The CDFI Fund's Transaction Level Report: each data point from a story told by hand, and nobody's name."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from coopbank.errors import InvalidDate, Unknown
from coopbank.exchange.tlr_rows import csv_of
from coopbank.reports.document import as_document
from coopbank.reports.tlr import RULE, tlr
from tests.bank.support_lending import visit
from tests.support_bank import SmallBank, new_bank

NAME = 'Mia "=1+1" <b>Lee</b>'


@pytest.fixture(scope="module")
def lent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallBank]:
    """A bank with a loan of each kind, one charged off, one refinanced, one never paid out."""
    with new_bank(str(tmp_path_factory.mktemp("tlr") / "book.db")) as bank:
        for fund, amount in (("GEN", "2000.00"), ("RLF", "20000.00")):
            bank.do("receive-gift", by=bank.tom, amount=amount, donor="A", fund=fund, tender="transfer")
        bank.admit(NAME)
        bank.admit("Beatriz' Bakery", entity="organisation")
        plain: dict[str, Any] = {"member": "M0001", "installments": "10", "annual_rate": "6"}
        for more in (
            {"principal": "1000.00", "purpose": f"a van for {NAME}"},
            {"principal": "999.99", "other_funds": "GEN 50", "principal_percent": "5", "method": "equal-principal"},
            {"principal": "400.00", "annual_rate": "0"},
            {"principal": "600.00", "principal_grace": "9"},
            {"principal": "500.00"},
        ):
            loan = bank.agreed("grant-loan", **(plain | more)).created[0]
            if loan != "L-005":
                bank.do("disburse-loan", by=bank.tom, loan=loan)
        bank.agreed("grant-loan", member="M0002", product="SURPLUS", principal="3000.00", annual_rate="3",
                    share_percent="20", outer_date="2031-03-02")  # fmt: skip
        bank.agreed("define-register", by=bank.admin, approver=bank.sue, template="JOBS")
        bank.do("add-entry", register_code="JOBS",
                values='{"loan": "L-001", "on": "2026-03-02", "basis": "projected", "created": "2.5"}')  # fmt: skip
        visit(bank, "2026-05-04")
        bank.agreed("charge-off", by=bank.ana, approver=bank.sue, loan="L-003", resolution="R-1", why="it ended")
        bank.do("repay-loan", by=bank.tom, loan="L-003", amount="150.00", tender="transfer")
        bank.do("close-commitment", loan="L-005", reason="they did not want it")
        yield bank


def rows(bank: SmallBank, **asked: Any) -> dict[str, dict[str, Any]]:
    with bank.read() as books:
        found = as_document(tlr(books, **asked))
    return {row["trans_id"]: row for row in found["rows"]}


def test_each_data_point(lent: SmallBank) -> None:
    found = rows(lent)
    assert list(found) == ["L-001", "L-002", "L-003", "L-004", "L-006"], "what was never paid out is no loan"
    assert found["L-001"] == {
        "trans_id": "L-001", "client_id": "M0001", "investee_type": "person", "date_originated": "2026-03-02",
        "original_loan_investment_amount": "1000.00", "transaction_type": "term loan", "interest_rate": "6",
        "interest_type": "fixed", "amortization_type": "fully amortizing", "equity_like_features": "none",
        "term_in_months": 10, "first_payment_date": "2026-04-02", "original_collateral_value": None,
        "loan_status": "active", "date_disbursed": "2026-03-02", "principal_balance_outstanding": "1000.00",
        "days_delinquent": 32, "amount_charged_off": "0.00", "amount_recovered": "0.00", "restructured": "no",
        "proj_perm_jobs_to_be_created": "2.5", "source_of_job_estimates": "borrower",
    }  # fmt: skip
    assert found["L-002"]["amortization_type"] == "partially amortizing"
    off = found["L-003"]
    assert (off["loan_status"], off["amount_charged_off"], off["amount_recovered"]) == (
        "charged off",
        "400.00",
        "150.00",
    )
    assert found["L-004"]["amortization_type"] == "non-amortizing"
    shared = found["L-006"]
    assert (shared["transaction_type"], shared["equity_like_features"], shared["term_in_months"]) == (
        "debt with equity", "performance-based interest rate", 60,
    )  # fmt: skip
    assert (shared["investee_type"], shared["first_payment_date"], shared["date_disbursed"]) == (
        "organisation", None, None,
    )  # fmt: skip


def test_a_fund_has_its_part_and_a_past_day_what_was_known_then(lent: SmallBank) -> None:
    part = {fund: rows(lent, fund=fund)["L-002"]["original_loan_investment_amount"] for fund in ("RLF", "GEN")}
    assert sorted(part.values()) == ["499.99", "500.00"], "to the cent"
    assert list(rows(lent, fund="GEN")) == ["L-002"]
    then = rows(lent, start=date(2026, 3, 1), end=date(2026, 3, 31))
    assert then["L-003"]["loan_status"] == "active" and then["L-003"]["principal_balance_outstanding"] == "400.00"
    assert then["L-005"]["loan_status"] == "active", "it was agreed then, and not yet called off"
    assert not rows(lent, start=date(2026, 3, 3))


def test_the_file_names_nobody_and_says_what_it_lacks(lent: SmallBank) -> None:
    with lent.read() as books:
        found = tlr(books)
    text = csv_of(found)
    assert "Mia" not in text and "van" not in text and "Bakery" not in text
    head, *lines = list(csv.reader(io.StringIO(text)))
    assert head[:2] == ["TRANS_ID", "CLIENT_ID"] and len(lines) == 5 and {len(line) for line in lines} == {len(head)}
    named = {name for each in found.unfilled for name in each.names.split(", ")}
    assert found.rule == RULE and "PURPOSE" in named and not named & set(head)


def test_on_both_engines(engine_url: str) -> None:
    with new_bank(engine_url) as bank:
        bank.do("receive-gift", by=bank.tom, amount="2000.00", donor="A", fund="RLF", tender="transfer")
        bank.admit(NAME)
        bank.agreed("grant-loan", member="M0001", principal="1000.00", annual_rate="6", installments=1)
        (row,) = rows(bank, fund="RLF", end=date(2026, 12, 31)).values()
    assert (row["loan_status"], row["date_disbursed"], row["amortization_type"]) == ("active", None, "non-amortizing")


def test_refusals(lent: SmallBank) -> None:
    with lent.read() as books:
        with pytest.raises(Unknown):
            tlr(books, fund="XYZ")
        with pytest.raises(InvalidDate):
            tlr(books, date(2026, 5, 1), date(2026, 4, 1))


def test_from_the_command_line(lent: SmallBank, capsys: pytest.CaptureFixture[str]) -> None:
    from coopbank.cli import main

    place = str(Path(lent.bank.database.place))

    def run(*words: str) -> tuple[int, str, str]:
        code = main(["--db", place, "report-file", *words])
        told = capsys.readouterr()
        return code, told.out, told.err

    code, out, err = run("cdfi-tlr", "RLF", "--from", "2026-01-01", "--to", "2026-12-31")
    assert (code, len(out.splitlines())) == (0, 6) and RULE in err and "Not filled: PURPOSE" in err
    assert run("cdfi-tlr", "--as-of", "2026-03-03")[0] == run("ed-209", "--from", "2026-03-03")[0] == 2
    assert run("nope")[0] == 2
    assert run("cdfi-tlr", "XYZ")[0] == 1
