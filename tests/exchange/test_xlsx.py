"""The workbook: read as a spreadsheet reads it; every sum is a formula, and what is beside it is what the books say."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter  # type: ignore[import-untyped]

from coopbank.exchange import export, xlsx
from coopbank.exchange.cells import xlsx_text
from coopbank.exchange.long_sheets import add_rows
from coopbank.reports import trial_balance
from tests.exchange.test_exports import HOSTILE, live
from tests.reports.borrowers import borrow
from tests.support_bank import new_bank


def rows(book: Any, sheet: str) -> list[tuple[Any, ...]]:
    return list(book[sheet].iter_rows(values_only=True))


def test_every_sheet_adds_up_and_sums_are_formulas(engine_url: str, tmp_path: Path) -> None:
    with new_bank(engine_url) as small:
        borrow(small)
        export(small.bank, "xlsx", tmp_path)
        with small.read() as books:
            told = trial_balance(books)
    values = openpyxl.load_workbook(tmp_path / "books.xlsx", data_only=True)
    formulas = openpyxl.load_workbook(tmp_path / "books.xlsx")
    assert values.sheetnames == [
        "About", "Trial balance", "Loans", "Shares", "Savings", "Capital", "Interest", "Notes", "Receivables", "Owed",
        "Ageing", "Tie-outs", "Journal",
    ]  # fmt: skip
    combined = {row[0]: row[-1] for row in rows(values, "Trial balance")[1:-1]}
    assert combined == {row.code: pytest.approx(row.combined / 100) for row in told.rows}
    assert all(cell in (None, "Together", 0) for cell in rows(values, "Trial balance")[-1])
    for code, _name, control, subledger, difference in rows(values, "Tie-outs")[1:-1]:
        assert control == pytest.approx(subledger) and difference == 0, code
    assert rows(values, "Tie-outs")[-1][-1] == 0
    for row in formulas["Tie-outs"].iter_rows(min_row=2, min_col=3, values_only=True):
        assert all(cell is None or str(cell).startswith("=") for cell in row)
    assert {"701", "781", "791"} <= {row[0] for row in rows(values, "Tie-outs")}
    assert all(isinstance(row[5], int | float) for row in rows(values, "Loans")[1:] if row[5] is not None)
    moved = sum(Decimal(str(row[6])) for row in rows(values, "Journal")[1:])
    assert moved == 0


def test_hostile_text_is_text_and_no_formula(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "b.db")) as small:
        live(small)
        export(small.bank, "xlsx", tmp_path / "a", date(2026, 3, 1), date(2026, 3, 31))
        export(small.bank, "xlsx", tmp_path / "b", date(2026, 3, 1), date(2026, 3, 31))
    book = openpyxl.load_workbook(tmp_path / "a" / "books.xlsx")
    memos = [row[7] for row in rows(book, "Journal")[1:]]
    assert any(HOSTILE[:8] in str(memo) for memo in memos)
    for row in book["Journal"].iter_rows(min_row=2):
        assert row[7].data_type in ("s", "n"), "never a formula"
    assert (tmp_path / "a" / "books.xlsx").read_bytes() == (tmp_path / "b" / "books.xlsx").read_bytes()


def test_a_long_journal_goes_on_in_further_sheets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with new_bank(str(tmp_path / "b.db")) as small:
        live(small)
        export(small.bank, "xlsx", tmp_path / "one")
        monkeypatch.setattr(xlsx, "LAST_ROW", 7)
        export(small.bank, "xlsx", tmp_path / "many")
    whole = rows(openpyxl.load_workbook(tmp_path / "one" / "books.xlsx"), "Journal")
    parts = openpyxl.load_workbook(tmp_path / "many" / "books.xlsx")
    names = [name for name in parts.sheetnames if name.startswith("Journal")]
    assert len(names) == -(-(len(whole) - 1) // 7) > 2
    assert all(rows(parts, name)[0] == whole[0] for name in names)
    assert [row for name in names for row in rows(parts, name)[1:]] == whole[1:]
    first, last = parts[names[0]][2], parts[names[-1]][2]
    assert [cell.number_format for cell in first] == [cell.number_format for cell in last]


@pytest.mark.parametrize(
    "text", ["<r>bold</r>", " spaces ", "a\nb", "_x0041_", "=1+1", "\x07", "<b>&'\"</b>", "\u202eRTL 🙂"]
)
def test_texts_come_back_as_they_were(tmp_path: Path, text: str) -> None:
    made, whole = tmp_path / "made.xlsx", tmp_path / "whole.xlsx"
    with xlsxwriter.Workbook(made, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_string(0, 0, "Text")
        sheet.write_string(1, 0, xlsx_text(text))
    with made.open("rb") as source, whole.open("wb") as target:
        add_rows(source, target, {"xl/worksheets/sheet1.xml": [(text, Decimal("-0.10"), date(2026, 3, 2), 7, None)]})
    sheet = openpyxl.load_workbook(whole).active
    said = text.replace("\x07", "\ufffd").replace("_x0041_", "_x005F_x0041_")  # openpyxl leaves the escape as it is
    assert sheet["A3"].value.rstrip() == sheet["A2"].value.rstrip() == said.rstrip()
    assert sheet["A3"].data_type == "s"
    assert [cell.value for cell in sheet[3]][1:] == [-0.1, (date(2026, 3, 2) - date(1899, 12, 30)).days, 7]


def test_books_without_an_entry_make_a_workbook(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "b.db")) as small:
        export(small.bank, "xlsx", tmp_path)
    assert rows(openpyxl.load_workbook(tmp_path / "books.xlsx", data_only=True), "Tie-outs")[-1][-1] == 0


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_reckons_the_same(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "b.db")) as small:
        borrow(small)
        export(small.bank, "xlsx", tmp_path)
    home = f"-env:UserInstallation=file://{tmp_path}/home"
    subprocess.run(
        ["soffice", home, "--headless", "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir",
         str(tmp_path / "out"), str(tmp_path / "books.xlsx")],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    ours, theirs = (
        openpyxl.load_workbook(path / "books.xlsx", data_only=True) for path in (tmp_path, tmp_path / "out")
    )
    for sheet in ("Trial balance", "Ageing", "Tie-outs"):
        for mine, other in zip(rows(ours, sheet), rows(theirs, sheet), strict=True):
            assert [cell if not isinstance(cell, float) else round(cell, 2) for cell in mine] == [
                cell if not isinstance(cell, int | float) else round(cell, 2) for cell in other[: len(mine)]
            ]
    assert not re.search("Err:|#", str(rows(theirs, "Tie-outs")))
