"""Getting in from spreadsheets: somebody else's columns, loans in mid-life, totals, and a verdict on each row."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.bank import records
from coopbank.bank.lending.accounts import account
from coopbank.bank.lending.delinquency import classify
from coopbank.bank.lending.position import loan_position
from coopbank.errors import CoopbankError, ImportRefused, InvalidDate, WrongUsage
from coopbank.exchange import Control, ImportResult, Layout, import_file, opening_rows, said_of_file, template
from coopbank.exchange.imports import KINDS
from coopbank.exchange.layout import column_pair, read_layout
from coopbank.reports import member, trial_balance
from tests.support_bank import SmallBank, assert_books, new_bank

Import = Callable[..., ImportResult]


@pytest.fixture
def small(engine_url: str) -> Iterator[SmallBank]:
    with new_bank(engine_url) as bank:
        yield bank
        assert_books(bank)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallBank]:
    """A bank of four members for files that change nothing."""
    with new_bank(str(tmp_path_factory.mktemp("bank") / "book.db")) as bank:
        for name in ("Mia", "Tom", "Ana", "Sue"):
            bank.admit(name)
        yield bank
        assert_books(bank)


@pytest.fixture
def bring(tmp_path: Path) -> Import:
    """Writes a file and imports it, by the treasurer if nobody else is named."""

    def bring(small: SmallBank, kind: str, content: str | bytes, **options: Any) -> ImportResult:
        file = tmp_path / f"{kind}.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return import_file(small.bank, options.pop("by", small.tom), kind, file, **options)

    return bring


def refused(small: SmallBank, bring: Import, kind: str, content: str | bytes, **options: Any) -> list[dict[str, Any]]:
    """The faults of a file; it must have changed nothing."""
    with small.read() as books:
        before = books.tx.value("SELECT count(*) FROM operation WHERE kind <> 'log-refusal'")
    with pytest.raises(ImportRefused) as refusal:
        bring(small, kind, content, **options)
    with small.read() as books:
        assert books.tx.value("SELECT count(*) FROM operation WHERE kind <> 'log-refusal'") == before
    for fault in refusal.value.faults:
        assert fault["reason"] and "{" not in fault["reason"] and len(fault["reason"]) < 500
    return refusal.value.faults


def where(faults: list[dict[str, Any]]) -> list[tuple[int | None, str | None]]:
    return [(fault["row"], fault["column"]) for fault in faults]


def approved(small: SmallBank, result: ImportResult) -> None:
    for request in result.requests:
        small.do("approve", by=small.sue, request=request)


TEMPLATES = sorted(set(KINDS) - {"entries"})  # each register has columns of its own

# ------------------------------------------------------------------------------------ templates


def test_templates_import_as_they_are(small: SmallBank, bring: Import) -> None:
    assert bring(small, "members", template("members"), by=small.ana).done == 4
    for kind in ("shares", "savings", "loans"):
        tried = bring(small, kind, template(kind), dry_run=True)
        result = bring(small, kind, template(kind))
        assert (result.rows, result.pending, tried.total) == (tried.rows, 1, result.total)
        approved(small, result)
    assert bring(small, "operations", template("operations"), by=small.ana).done == 3
    assert TEMPLATES == ["loans", "members", "operations", "savings", "shares"]
    assert small.balance("905/M0001") == -1250_00
    with small.read() as books:
        assert [ref for ref, _loan in books.every(records.Loan)] == ["L-001", "L-002", "L-003", "L-004"]
        late = {ref: classify(account(books, ref), date(2026, 3, 2)).days for ref, _loan in books.every(records.Loan)}
        assert late == {"L-001": 0, "L-002": 1, "L-003": 1, "L-004": 15}
    close_opening(small)


def close_opening(small: SmallBank) -> None:
    """What is left on 990 is the funds' own, by fund."""
    for fund, own in (("GEN", "940"), ("RLF", "961")):
        left = small.balance("990", fund)
        side, other = ("Cr", "Dr") if left > 0 else ("Dr", "Cr")
        if left:
            lines = [f"{fund} 990 {side} {small.text(abs(left))}", f"{fund} {own} {other} {small.text(abs(left))}"]
            small.agreed("opening-balance", by=small.tom, approver=small.sue, lines=lines)
    small.agreed("close-opening", by=small.tom, approver=small.sue)


@pytest.mark.parametrize("kind", TEMPLATES)
def test_a_template_names_only_columns_that_there_are(shared: SmallBank, bring: Import, kind: str) -> None:
    heading = template(kind).splitlines()[0]
    with pytest.raises(ImportRefused, match="no rows"):
        bring(shared, kind, heading + "\n", dry_run=True)


def test_templates_that_there_are_not() -> None:
    for kind in ("bank-lines", "entries", "", "x\n"):
        with pytest.raises(WrongUsage) as refusal:
            template(kind)
        assert refusal.value.field == "kind"


# ---------------------------------------------------------------------------- loans in mid-life

LOAN = {
    "loan": "L-001", "member": "M0001", "principal": "2400.00", "annual_rate": "6", "disbursed_on": "2025-09-15",
    "installments": "24", "balance": "1923.76", "paid_principal": "476.24", "paid_interest": "55.56",
    "paid_to": "2026-02-15", "next_due": "2026-03-15", "accrued_interest": "4.74", "days_late": "0",
}  # fmt: skip


def table(*rows: dict[str, str]) -> str:
    lines = [",".join(LOAN), *(",".join(f'"{(LOAN | row)[name]}"' for name in LOAN) for row in rows)]
    return "\n".join(lines) + "\n"


def test_a_loan_goes_on_from_where_it_was(small: SmallBank, bring: Import) -> None:
    small.admit("Mia Lee")
    result = bring(small, "loans", table({}))
    assert (result.rows, result.pending, result.total) == (1, 1, "1923.76")
    small.go_to("2026-03-05")  # the second person comes three days later
    approved(small, result)
    assert small.balance("701/L-001", "RLF") == 1923_76
    assert small.balance("990", "RLF") == -(1923_76 + 4_74)
    with small.read() as books:
        assert books.tx.value("SELECT max(effective_on) FROM entry WHERE memo LIKE 'Opening%'") == "2026-03-02"
        due = loan_position(books, "L-001", date(2026, 3, 15)).standing.due
        assert (due.total, due.since, due.interest) == (106_36, date(2026, 3, 15), 8_85)
        assert classify(account(books, "L-001"), date(2026, 4, 1)).days == 17
    small.go_to("2026-03-16")
    small.do("repay-loan", loan="L-001", amount="106.36")
    small.go_to("2026-04-02")
    small.agreed("close-month", by=small.tom, approver=small.sue, month="2026-03")
    with small.read() as books:
        at = loan_position(books, "L-001", date(2026, 4, 2))
        assert (at.standing.due.total, at.standing.principal) == (0, 1923_76 - (106_36 - 9_17))
        (paper,) = member(books, "M0001", date(2026, 3, 1), date(2026, 4, 2)).loans
        assert paper.closing == account(books, "L-001").standing(date(2026, 4, 1)).owed
    assert bring(small, "loans", table({})).repeated == 1


def test_interest_that_is_not_said_is_reckoned(small: SmallBank, bring: Import) -> None:
    small.admit("Mia Lee")
    approved(small, bring(small, "loans", table({"accrued_interest": ""})))
    assert small.balance("781/L-001", "RLF") == 4_74


def test_a_loan_whose_interest_is_not_recognised(small: SmallBank, bring: Import) -> None:
    small.admit("Mia Lee")
    content = table({"accrued_interest": ""}).replace("days_late", "unrecognised_interest").replace('"0"\n', '"4.74"\n')
    approved(small, bring(small, "loans", content))
    assert (small.balance("781/L-001", "RLF"), small.balance("M10/L-001", "RLF")) == (0, 4_74)
    assert small.balance("990", "RLF") == -1923_76


HISTORIES = [
    ({"balance": "1923.75"}, [("paid_principal", "1923.76 is left, not 1923.75")]),
    ({"paid_principal": "467.24"}, [("paid_principal", "1932.76 is left, not 1923.76")]),
    ({"next_due": "2026-03-14"}, [("next_due", "2026-02-15, 2026-03-15")]),
    ({"next_due": "2026-04-15"}, [("next_due", "638.16; only 531.80")]),
    ({"next_due": "2026-02-15", "days_late": "15"}, [("next_due", "covers")]),
    ({"days_late": "15"}, [("days_late", "0 days late, not 15")]),
    ({"accrued_interest": "7.44"}, [("accrued_interest", "4.74 ran on 1923.76, not 7.44")]),
    ({"paid_to": "2026-01-15"}, [("accrued_interest", "2026-01-15")]),
    ({"paid_to": "2026-03-15"}, [("paid_to", "must follow")]),
    ({"paid_to": "", "paid_interest": "155.56"}, [("paid_interest", "160.30 cannot be")]),
    ({"annual_rate": "0.06"}, [("accrued_interest", ""), ("paid_interest", "")]),
    ({"disbursed_on": "2026-04-15"}, [("paid_to", "must follow")]),
    ({"disbursed_on": "2026-04-15", "paid_to": ""}, [("disbursed_on", "must follow")]),
    ({"disbursed_on": "2025-10-15"}, [("paid_interest", "43.64 to 54.45")]),
    ({"installments": "4"}, [("next_due", "2025-12-15, 2026-01-15")]),
    ({"installments": "0"}, [("installments", "1 or more")]),
    ({"principal": "1000.00"}, [("paid_principal", "")]),
    ({"member": "M0099"}, [("member", "M0099")]),
    ({"member": ""}, [("member", "missing")]),
    ({"loan": "17"}, [("loan", "L-042")]),
    ({"principal": "2,400"}, [("principal", "two ways")]),
    ({"next_due": "03/15/2026"}, [("next_due", "--dates")]),
    ({"annual_rate": "-6"}, [("annual_rate", "")]),
    ({"balance": "#REF!"}, [("balance", "#REF!")]),
    ({"member": "=1+1"}, [("member", "")]),
    ({"balance": "1e3"}, [("balance", "")]),
    ({"installments": "99999999999999999999"}, [("installments", "")]),
    ({"disbursed_on": "0001-01-01"}, [("next_due", "")]),
    ({"principal": "999999999999.99", "paid_principal": "999999998076.23"}, [("next_due", "")]),
]


@pytest.mark.parametrize(("change", "expected"), HISTORIES)
def test_a_history_that_cannot_give_the_balance(
    shared: SmallBank, bring: Import, change: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    faults = refused(shared, bring, "loans", table({}, {"loan": "L-002"} | change))
    found = {fault["column"]: fault["reason"] for fault in faults}
    assert {fault["row"] for fault in faults} == {3}
    for column, words in expected:
        assert words in found.get(column, ""), found
        assert column in found, found


def test_all_that_is_wrong_is_named_in_its_row(shared: SmallBank, bring: Import) -> None:
    faults = refused(
        shared, bring, "loans",
        table(
            {}, {"loan": "L-002", "paid_principal": "1.00", "next_due": "2026-03-01", "days_late": "9"},
            {}, {"loan": "L-003", "balance": "x", "member": "M0099"}, {"loan": "L-004", "member": "M0099"},
        ),
        control=Control(count=4, total=1_00),
    )  # fmt: skip
    assert where(faults) == [
        (None, None), (3, "paid_principal"), (3, "next_due"), (3, "days_late"), (4, "loan"), (5, "balance"),
        (6, "member"),
    ]  # fmt: skip
    assert "row 2" in faults[4]["reason"]


def test_many_loans_are_few_requests(small: SmallBank, bring: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening_rows, "LINES_AT_ONCE", 4)
    for name in ("Mia", "Tom"):
        small.admit(name)
    content = table(*({"loan": f"L-{n:03d}", "member": f"M000{1 + n % 2}"} for n in range(1, 6)))
    result = bring(small, "loans", content)
    assert (result.rows, result.pending, result.total) == (5, 3, "9618.80")
    approved(small, result)
    assert small.balance("990", "RLF") == -5 * (1923_76 + 4_74)
    with small.read() as books:
        memos = [memo for (memo,) in books.tx.rows("SELECT memo FROM entry WHERE memo LIKE 'Opening%' ORDER BY id")]
    assert [memo.partition(" of ")[0] for memo in memos] == [
        "Opening: rows 2 to 3", "Opening: rows 4 to 5", "Opening: rows 6 to 6"
    ]  # fmt: skip
    assert "loans, file sha256" in memos[0]


def test_a_loan_that_is_in_the_books(small: SmallBank, bring: Import) -> None:
    small.admit("Mia")
    approved(small, bring(small, "loans", table({})))
    assert where(refused(small, bring, "loans", table({"purpose": ""}) + "\n")) == [(2, "loan")]


# ------------------------------------------------------------------- somebody else's spreadsheet

THEIRS = (
    "\ufeffNo.;Kontoinhaber;Saldo;Beitritt;#\r\n"
    'M0001;"Lee; Mia";"$1.250,00";03/14/2020;x\r\n'
)  # fmt: skip


def test_columns_are_mapped_and_left_out(shared: SmallBank, bring: Import) -> None:
    layout = Layout({"No.": "member", "saldo": "Amount"}, ("Kontoinhaber", "#", "Beitritt"), decimal="comma")
    content = THEIRS.replace("$", "")
    result = bring(shared, "savings", content, layout=layout, dry_run=True)
    assert (result.rows, result.total) == (1, "1250.00")
    faults = refused(shared, bring, "savings", content)
    assert {column for _row, column in where(faults)} >= {"Kontoinhaber", "Saldo", "Beitritt", "#"}
    assert all("--ignore" in fault["reason"] for fault in faults if "There is no column" in fault["reason"])


def test_the_other_way_round_is_understood(shared: SmallBank, bring: Import) -> None:
    layout = Layout({"member": "Wer", "amount": "Wieviel"})
    assert bring(shared, "savings", "Wer,Wieviel\nM0001,5.00\n", layout=layout, dry_run=True).total == "5.00"


def test_columns_that_were_spoken_of_must_be_there(shared: SmallBank, bring: Import) -> None:
    layout = Layout({"Who": "member", "Saldo": "amount"}, ("Remarks",))
    faults = refused(shared, bring, "savings", "member,amount\nM0001,5.00\n", layout=layout)
    assert set(where(faults)) == {(None, "Who"), (None, "Saldo"), (None, "Remarks")}
    faults = refused(shared, bring, "operations", '[{"operation": "open-day"}]', layout=layout)
    assert {"Who", "Saldo", "Remarks"} <= {fault["column"] for fault in faults}


def test_two_columns_for_one_field(shared: SmallBank, bring: Import) -> None:
    layout = Layout({"Who": "member"})
    faults = refused(shared, bring, "savings", "Who,member,amount\nM0001,M0002,5.00\n", layout=layout)
    assert where(faults) == [(1, "member")]


def test_a_field_that_there_is_not(shared: SmallBank, bring: Import) -> None:
    for kind in TEMPLATES:
        with pytest.raises(WrongUsage) as refusal:
            bring(shared, kind, template(kind), layout=Layout({"Their column": "shoe size"}))
        assert refusal.value.field == "map" and "shoe size" in str(refusal.value)


def test_operations_with_their_columns(shared: SmallBank, bring: Import) -> None:
    layout = Layout({"What": "operation", "Name of it": "member_name", "Since": "joined_on"}, dates="mdy")
    content = "What,Name of it,Since\nadmit-member,Lena,3/14/2020\n"
    assert bring(shared, "operations", content, layout=layout, by=shared.ana, dry_run=True).done == 1
    faults = refused(shared, bring, "operations", content.replace("3/14", "14/3"), layout=layout, by=shared.ana)
    assert where(faults) == [(2, "Since")]


@pytest.mark.parametrize(
    ("written", "dates", "day"),
    [
        ("2020-03-14", None, "2020-03-14"), ("2020-03-14", "mdy", "2020-03-14"), ("3/14/2020", "mdy", "2020-03-14"),
        ("03/04/2020", "mdy", "2020-03-04"), ("03/04/2020", "dmy", "2020-04-03"), ("14.3.2020", "dmy", "2020-03-14"),
        ("2020/3/14", "ymd", "2020-03-14"), ("2020-03-14 00:00:00", None, "2020-03-14"),
        ("3/14/2020 0:00", "mdy", "2020-03-14"), ("2020-03-14T00:00:00.000", None, "2020-03-14"),
        ("03/04/2020", None, None), ("03/14/2020", None, None), ("03/04/20", "mdy", None), ("14/03/2020", "mdy", None),
        ("03/04/2020", "ymd", None), ("2020-03-14 12:30", None, None), ("43904", None, None),
        ("March 14, 2020", "mdy", None), ("2/30/2020", "mdy", None), ("0/0/0000", "mdy", None),
        ("٣/١٤/٢٠٢٠", "mdy", None),
    ],
)  # fmt: skip
def test_days(shared: SmallBank, bring: Import, written: str, dates: Any, day: str | None) -> None:
    content = f'name,joined\nLena,"{written}"\n'
    layout = Layout(dates=dates)
    if day is None:
        assert where(refused(shared, bring, "members", content, layout=layout, by=shared.ana)) == [(2, "joined")]
    else:
        assert bring(shared, "members", content, layout=layout, by=shared.ana, dry_run=True).done == 1
        assert said_by(shared, content, layout) == day


def said_by(small: SmallBank, content: str, layout: Layout) -> str:
    from coopbank.exchange.faults import Faults
    from coopbank.exchange.imports import _members
    from coopbank.exchange.plans import Source

    (wanted,) = _members(Source(small.bank, content, Faults("x"), layout)).trial
    return str(wanted.operation.document()["joined_on"])


@pytest.mark.parametrize(
    ("written", "decimal", "minor"),
    [
        ("1250", None, "1250.00"), ("1250.5", None, "1250.50"), ("1,250.00", None, "1250.00"),
        ("1,234,567", None, "1234567.00"), ("$1,250.00", None, "1250.00"), ("$40", None, "40.00"),
        ("\u00a01250.00 ", None, "1250.00"), ("1,250", "point", "1250.00"), ("1.250,00", "comma", "1250.00"),
        ("1250,5", "comma", "1250.50"), ("12.50 USD", None, "12.50"),
        ("1,250", None, None), ("1.250,00", None, None), ("12,50", None, None), ("12,5", "point", None),
        ("1250.00", "comma", None), ("1 250.00", None, None), ("(5.00)", None, None), ("-5.00", None, None),
        ("5.005", None, None), ("1e3", None, None), ("€5.00", None, None), ("0", None, None), ("#VALUE!", None, None),
        ("#####", None, None), ("=5+5", None, None), ("１２", None, None), ("5.00-", None, None),
    ],
)  # fmt: skip
def test_amounts(shared: SmallBank, bring: Import, written: str, decimal: Any, minor: str | None) -> None:
    content = f'member,amount\nM0001,"{written}"\n'
    layout = Layout(decimal=decimal)
    if minor is None:
        assert where(refused(shared, bring, "savings", content, layout=layout)) == [(2, "amount")]
    else:
        assert bring(shared, "savings", content, layout=layout, dry_run=True).total == minor


def test_a_percent_sign_after_a_rate(shared: SmallBank, bring: Import) -> None:
    assert bring(shared, "loans", table({"annual_rate": "6 %"}), dry_run=True).pending == 1
    assert bring(shared, "loans", table({"annual_rate": "6.00%"}), dry_run=True).pending == 1


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_loans_from_other_spreadsheets(
    shared: SmallBank, bring: Import, line_end: str, encoding: str, delimiter: str
) -> None:
    content = table({}).replace(",", delimiter).replace("\n", line_end)
    assert bring(shared, "loans", content.encode(encoding), dry_run=True).total == "1923.76"


# --------------------------------------------------------------------------------- what is said


def test_a_mapping_can_be_kept(tmp_path: Path) -> None:
    file = tmp_path / "map.json"
    kept = {"columns": {"Saldo": "amount", "Who": "member"}, "ignore": ["x"], "dates": "us", "decimal": "comma"}
    file.write_text(json.dumps(kept), encoding="utf-8")
    assert read_layout(str(file)) == Layout(kept["columns"], ("x",), "mdy", "comma")  # type: ignore[arg-type]
    found = said_of_file(["WHO=account"], ["y"], str(file), "dmy", "point")
    assert found == Layout({"Saldo": "amount", "WHO": "account"}, ("x", "y"), "dmy", "point")
    assert said_of_file() == Layout()


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "7", '{"columns": []}', '{"columns": {"a": 1}}', '{"columns": {"": "x"}}', '{"ignore": "x"}',
     '{"ignore": [7]}', '{"dates": "american"}', '{"decimal": ","}', '{"colour": {}}', '{"dates": []}', "[" * 100_000,
     '{"columns": {"a": "b", "a": "c"}}', '{"columns": {"a": null}}', '{"decimal": null}'],
)  # fmt: skip
def test_a_mapping_that_is_none(tmp_path: Path, content: str) -> None:
    file = tmp_path / "map.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(WrongUsage) as refusal:
        read_layout(str(file))
    assert refusal.value.field == "map_file" and "{file}" not in str(refusal.value)


def test_mappings_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b'{"columns": {"\xe9": "member"}}')
    for file in (tmp_path / "none", tmp_path, tmp_path / "latin", "nul\0"):
        with pytest.raises(WrongUsage):
            read_layout(str(file))
    assert column_pair("A=B = member") == ("A=B", "member")
    for text in ("member", "=member", "A=", "", " = "):
        with pytest.raises(WrongUsage):
            column_pair(text)
    with pytest.raises(WrongUsage):
        said_of_file(["A=member", "a=amount"])


# ------------------------------------------------------------------------------- control totals


def test_totals_must_agree(small: SmallBank, bring: Import) -> None:
    for name in ("Mia", "Tom"):
        small.admit(name)
    content = "member,amount\nM0001,5.00\nM0002,7.50\n"
    faults = refused(small, bring, "savings", content, control=Control(count=3))
    assert "2 rows" in faults[0]["reason"] and "3" in faults[0]["reason"]
    (fault,) = refused(small, bring, "savings", content, control=Control(count=2, total=12_40))
    assert "12.50" in fault["reason"] and "12.40" in fault["reason"] and "0.10" in fault["reason"]
    faults = refused(small, bring, "savings", content, control=Control(1, 1), dry_run=True)
    assert len(faults) == 2
    assert bring(small, "savings", content, control=Control(2, 12_50)).total == "12.50"
    assert where(refused(small, bring, "members", "name\nA\nB\n", control=Control(3), by=small.ana)) == [(None, None)]
    with pytest.raises(WrongUsage) as refusal:
        bring(small, "members", "name\nA\n", control=Control(total=1), by=small.ana)
    assert refusal.value.field == "control_total"


def test_the_total_of_a_bad_row_is_not_guessed(shared: SmallBank, bring: Import) -> None:
    faults = refused(shared, bring, "savings", "member,amount\nM0001,5.00\nM0002,x\n", control=Control(2, 1))
    assert where(faults) == [(3, "amount")]


def test_operations_come_to_a_total_too(small: SmallBank, bring: Import) -> None:
    mia = small.admit("Mia")
    small.do("open-savings", member=mia)
    content = f"operation,member,amount\ndeposit,{mia},5.00\ndeposit,{mia},6.00\n"
    assert len(refused(small, bring, "operations", content, control=Control(2, 10_00), by=small.ana)) == 1
    assert bring(small, "operations", content, control=Control(2, 11_00), by=small.ana).done == 2


# ------------------------------------------------------------------------------ repeated members


def test_a_member_twice_is_named(shared: SmallBank, bring: Import) -> None:
    content = (
        "name,number,phone,tax id\n"
        "Mia Lee,,601,\n"
        "mia  LEE,,601,\n"  # 3: in other letters
        "Mia Lee,,602,\n"  # another telephone
        "Mia Lee,M0100,601,\n"  # another number
        "Firm,,,12-3456789\n"
        "Other name,,,123456789\n"  # 7: the same taxpayer
    )
    layout = Layout({"tax id": "tax_id"})
    faults = refused(shared, bring, "members", content, by=shared.ana, layout=layout)
    assert where(faults) == [(3, "name"), (7, "tax id")]
    assert "row 2" in faults[0]["reason"] and "row 6" in faults[1]["reason"]


def test_a_balance_twice_is_named(shared: SmallBank, bring: Import) -> None:
    faults = refused(shared, bring, "savings", "member,amount\nM0001,5.00\nM0002,5.00\nM0001,6.00\n")
    assert where(faults) == [(4, "member")] and "row 2" in faults[0]["reason"]


# --------------------------------------------------------------------------------------- report


def read_report(file: Path) -> list[list[str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def test_every_row_has_its_verdict(small: SmallBank, bring: Import, tmp_path: Path) -> None:
    for name in ("Mia", "Tom"):
        small.admit(name)
    file = tmp_path / "report.csv"
    bad = 'member,amount\nM0001,5.00\n"=cmd|x",5.00\nM0002,x\n\nM0002,6.00\n'
    refused(small, bring, "savings", bad, report=str(file), control=Control(total=1))
    assert read_report(file)[0] == ["row", "verdict", "column", "value", "reason"]
    assert [line[:3] for line in read_report(file)[1:]] == [
        ["2", "good", ""], ["3", "refused", "member"], ["4", "refused", "amount"], ["6", "good", ""],
    ]  # fmt: skip
    assert read_report(file)[2][3] == "'=cmd|x"
    good = "member,amount\nM0001,5.00\nM0002,6.00\n"
    for dry_run, verdict in ((True, "good"), (False, "waits for a second person"), (False, "done before")):
        bring(small, "savings", good, report=str(file), dry_run=dry_run)
        assert read_report(file)[1:] == [[row, verdict, "", "", ""] for row in ("2", "3")]
    assert bring(small, "members", "name\nLena\n", by=small.ana, report=str(file)).done == 1
    assert read_report(file)[1:] == [["2", "imported", "", "", ""]]
    refused(small, bring, "savings", good + "M0003,1.00\n", report=str(file), control=Control(total=1))
    assert read_report(file)[1][:2] == ["", "refused"]
    assert file.stat().st_mode & 0o077 == 0, "it names members' affairs"


def test_a_report_that_cannot_be_written_stops_the_import(small: SmallBank, bring: Import, tmp_path: Path) -> None:
    for file in (tmp_path, tmp_path / "none" / "report.csv"):
        with pytest.raises(WrongUsage) as refusal:
            bring(small, "members", "name\nLena\n", by=small.ana, report=str(file))
        assert refusal.value.field == "report"
    with small.read() as books:
        assert books.tx.value("SELECT count(*) FROM directory") == 0


# -------------------------------------------------------------------------- the day of the opening


def test_balances_stand_under_the_cut_over(small: SmallBank, bring: Import) -> None:
    small.admit("Mia")
    small.go_to("2026-03-10")
    approved(small, bring(small, "savings", "member,amount\nM0001,5.00\n", as_of=date(2026, 3, 2)))
    with small.read() as books:
        rows = {row.code: row for row in trial_balance(books, date(2026, 3, 2)).rows}
        assert "905" in rows
    small.go_to("2026-03-12")  # the same file on another day is the same request
    again = bring(small, "savings", "member,amount\nM0001,5.00\n")
    assert (again.repeated, again.pending) == (1, 0)
    assert bring(small, "savings", "member,amount\nM0001,5.00\n", dry_run=True).repeated == 1
    with pytest.raises(InvalidDate, match="same month"):
        bring(small, "shares", "member,amount\nM0001,25.00\n", as_of=date(2026, 2, 28))
    with pytest.raises(WrongUsage) as refusal:
        bring(small, "members", "name\nLena\n", as_of=date(2026, 3, 2))
    assert refusal.value.field == "as_of"


@given(
    change=st.dictionaries(
        st.sampled_from(sorted(LOAN)),
        st.text(st.sampled_from("0123456789-./,%#$=LM \u00a0é\0\"'"), max_size=12)
        | st.sampled_from(sorted(LOAN.values())),
        max_size=4,
    )
)
def test_no_loan_is_a_traceback(
    shared: SmallBank, tmp_path_factory: pytest.TempPathFactory, change: dict[str, str]
) -> None:
    file = tmp_path_factory.getbasetemp() / "loans.csv"
    row = {name: value.replace('"', '""') for name, value in change.items()}
    file.write_bytes(table(row).encode())
    try:
        import_file(shared.bank, shared.tom, "loans", file, dry_run=True, layout=Layout(dates="mdy"))
    except CoopbankError as refusal:
        assert str(refusal)
