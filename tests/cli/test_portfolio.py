"""The portfolio on the command line: arrears, and beside them whatever is no arrears and must not be hidden."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from coopbank.bank import passphrases
from tests.bank.support_lending import lend_to_us, lent, visit
from tests.cli.conftest import Run, assert_books
from tests.support_bank import PASSPHRASE, new_bank


@pytest.fixture
def lending(folder: Path) -> Path:
    """A bank on 2026-07-20 with a loan that is late, one that is deferred, one whose report is missing, one lost."""
    place = folder / "ledger.db"
    terms = {"product": "SURPLUS", "share_percent": "50", "annual_rate": "8", "outer_date": "2031-03-02"}
    with new_bank(str(place)) as bank:
        lend_to_us(bank, "40000.00")
        lend_to_us(bank, "10000.00", "GEN")
        for name in ("Mia Lee", "Noa Banks", "Oto Cole", "Pia Dean"):
            bank.admit(name)
        lent(bank, "M0001", principal="1200.00", other_funds="GEN 25")
        for member, more in (("M0002", {"every": "1 year"}), ("M0003", {"every": "3 months", "report_days": 10})):
            loan = bank.agreed("grant-loan", member=member, principal="5000.00", **{**terms, **more}).created[0]
            bank.do("disburse-loan", by=bank.tom, loan=loan)
        lost = lent(bank, "M0004", principal="300.00")
        visit(bank, "2026-07-20")
        with bank.bank.database.write() as tx:
            passphrases.set_passphrase(tx, "tom", PASSPHRASE)
        bank.agreed("charge-off", loan=lost, by=bank.ana, approver=bank.sue, resolution="R-7", why="gone")
    assert_books(place)
    return place


def test_the_portfolio_hides_nothing(run: Run, lending: Path) -> None:
    said = run("portfolio")
    assert said.code == 0
    for line in (
        r"91 to 180 days late +1 +1,200\.00", r"deferred by terms +1 +5,000\.00 +0\.00",
        r"report overdue +1 +5,000\.00 +0\.00", r"Total +3 +11,200\.00",
        r"At risk, over 90 days late +1,200\.00 \(10\.71 %\)", r"Deferred by terms +5,000\.00",
        r"Report overdue +5,000\.00, the oldest by 38 days", r"Charged off and still owed +30\d\.\d\d on 1 loans",
        r"GEN +1 +300\.00 +300\.00 +100\.00 %", r"RLF +3 +10,900\.00 +900\.00 +8\.26 %",
        r"Propose: stop-accrual L-001",
    ):  # fmt: skip
        assert re.search(line, said.out), f"{line}\n{said.out}"


def test_the_portfolio_as_a_document(run: Run, lending: Path) -> None:
    found = run("portfolio", "--json").document
    assert {bucket["code"]: bucket["loans"] for bucket in found["beside"] if bucket["loans"]} == {
        "deferred by terms": 1, "report overdue": 1
    }  # fmt: skip
    assert (found["owed"], found["deferred"], found["at_risk_90"]) == ("11200.00", "5000.00", "1200.00")
    assert [loan["bucket"] for loan in found["loans"]] == ["91-180", "deferred by terms", "report overdue"]
    assert found["proposed"] == ["L-001"]
    before = run("portfolio", "--as-of", "2026-05-01", "--json").document
    assert (before["owed"], before["at_risk_30"], before["charged_off_loans"]) == ("11500.00", "0.00", 0)
    assert [bucket["loans"] for bucket in before["buckets"]] == [0, 2, 0, 0, 0, 0]


def test_a_table_is_asked_for_from_the_command_line(run: Run, lending: Path) -> None:
    values = ("--from-day", "2026-08-01", "--why", "our own losses", "--json")
    refused = run("--as", "tom", "do", "set-allowance-table", "--buckets", "1-30 200", *values)
    assert refused.error["field"] == "buckets" and "percentage from 0 to 100" in refused.error["message"]
    asked = run("--as", "tom", "do", "set-allowance-table", "--buckets", "1-30 3, over 180 95.5", *values)
    assert asked.document["status"] == "pending"
