"""The Audit Data Standards export: the standard's own fields, and totals that an auditor can add up."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

from coopbank.exchange import export
from coopbank.exchange.ads import GL_DETAIL, TRIAL_BALANCE
from coopbank.reports import portfolio, trial_balance
from tests.exchange.test_exports import HOSTILE, live
from tests.reports.borrowers import borrow
from tests.support_bank import assert_books, new_bank

Rows = list[dict[str, str]]


def read(folder: Path, name: str) -> Rows:
    (file,) = folder.glob(f"{name}*.csv")
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def signed(row: dict[str, str]) -> Decimal:
    assert row["Amount_Credit_Debit_Indicator"] in ("D", "C") and Decimal(row["Amount"]) > 0
    return Decimal(row["Amount"]) * (1 if row["Amount_Credit_Debit_Indicator"] == "D" else -1)


def test_the_fields_are_the_standards_and_every_sum_comes_out(engine_url: str, tmp_path: Path) -> None:
    with new_bank(engine_url) as small:
        live(small)
        export(small.bank, "ads", tmp_path)
        lines, balances = read(tmp_path, "GL_Detail"), read(tmp_path, "Trial_Balance")
        assert tuple(lines[0]) == GL_DETAIL and tuple(balances[0]) == TRIAL_BALANCE
        moved: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        journals: dict[str, Decimal] = defaultdict(Decimal)
        for row in lines:
            moved[row["GL_Account_Number"], row["Business_Unit_Code"]] += signed(row)
            journals[row["Journal_ID"]] += signed(row)
        assert set(journals.values()) == {Decimal(0)}
        ended = {
            (row["GL_Account_Number"], row["Business_Unit_Code"]): Decimal(row["Amount_Ending"]) for row in balances
        }
        assert ended == {key: amount for key, amount in moved.items() if key in ended}
        assert all(amount == 0 for key, amount in moved.items() if key not in ended)
        with small.read() as books:
            told = trial_balance(books)
            entries = {str(number) for (number,) in books.tx.rows("SELECT id FROM entry")}
        assert sum(max(amount, 0) for amount in ended.values()) >= Decimal(told.debits) / 100
        assert {row["Journal_ID"] for row in (*lines, *read(tmp_path, "Memo_Detail"))} == entries, "no gaps"
        totals = {row["File"]: row for row in read(tmp_path, "Control_Totals")}
        for name, row in totals.items():
            assert int(row["Rows"]) == len(read(tmp_path, name.removesuffix(".csv")))
        (detail,) = (row for name, row in totals.items() if name.startswith("GL_Detail"))
        assert detail["Debits"] == detail["Credits"] == str(sum(max(signed(row), Decimal(0)) for row in lines))
        assert_hostile_text_is_text(lines)
        assert_books(small)


def assert_hostile_text_is_text(lines: Rows) -> None:
    assert any(HOSTILE.replace("\n", "")[:10] in row["JE_Line_Description"].replace("\n", "") for row in lines)
    for row in lines:
        for name in ("JE_Header_Description", "JE_Line_Description", "Entered_By", "Segment01"):
            assert not row[name].startswith(("=", "+", "@", "-")), row


def test_a_period_rolls_forward(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "b.db")) as small:
        live(small)
        export(small.bank, "ads", tmp_path / "q1", date(2026, 3, 1), date(2026, 3, 31))
        export(small.bank, "ads", tmp_path / "q2", date(2026, 4, 1), date(2026, 6, 30))
    first, second = (
        {(r["GL_Account_Number"], r["Business_Unit_Code"]): r for r in read(tmp_path / name, "Trial_Balance")}
        for name in ("q1", "q2")
    )
    for key, row in second.items():
        before = first.get(key)
        assert Decimal(row["Amount_Beginning"]) == (Decimal(before["Amount_Ending"]) if before else 0), key
    moved: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in read(tmp_path / "q2", "GL_Detail"):
        moved[line["GL_Account_Number"], line["Business_Unit_Code"]] += signed(line)
    for key, row in second.items():
        assert Decimal(row["Amount_Beginning"]) + moved[key] == Decimal(row["Amount_Ending"]), key


def test_loans_and_shares_tie_to_their_accounts(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "b.db")) as small:
        borrow(small)
        export(small.bank, "ads", tmp_path / "out")
        with small.read() as books:
            told = {loan.ref: loan for loan in portfolio(books).loans}
            control = {row.code: row.combined for row in trial_balance(books).rows}
    master = {row["Loan_ID"]: row for row in read(tmp_path / "out", "Loan_Master")}
    for ref, loan in told.items():
        assert Decimal(master[ref]["Principal_Outstanding"]) == Decimal(loan.owed) / 100, ref
        assert master[ref]["Days_Late"] == str(loan.days_late)
    moved: dict[str, Decimal] = defaultdict(Decimal)
    for row in (*read(tmp_path / "out", "Loan_Transactions"), *read(tmp_path / "out", "Share_Transactions")):
        moved[row["Component"]] += signed(row)
    for code in ("701", "781", "901"):
        assert moved[code] == Decimal(control.get(code, 0)) / 100, code


def test_reversals_name_each_other(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "b.db")) as small:
        ada = small.admit("Ada Tate")
        receipt = small.do("buy-shares", member=ada, amount="25.00")
        small.do("reverse", operation=receipt.number, reason="twice")
        export(small.bank, "ads", tmp_path / "out")
    lines = read(tmp_path / "out", "GL_Detail")
    undone = {row["Journal_ID"]: row["Reversal_Journal_ID"] for row in lines if row["Reversal_Indicator"] == "2"}
    undoing = {row["Reversal_Journal_ID"]: row["Journal_ID"] for row in lines if row["Reversal_Indicator"] == "1"}
    assert undone and undone == undoing
    undo = next(row for row in lines if row["Reversal_Indicator"] == "1")
    assert (undo["Entered_By"], undo["Approved_By"], len(undo["Entered_Date"]), len(undo["Entered_Time"])) == (
        "ana", "", 8, 6
    )  # fmt: skip


def test_books_without_an_entry_have_files_with_heads(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "b.db")) as small:
        files = export(small.bank, "ads", tmp_path / "out")
    assert len(files) == 10 and all(file.read_text(encoding="utf-8").count("\n") >= 1 for file in files)
