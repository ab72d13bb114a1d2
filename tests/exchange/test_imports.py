"""Imports: every bad row is named and nothing is kept; a good file is imported once, however often it is tried."""

from __future__ import annotations

import codecs
import json
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coopbank.bank import records
from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor
from coopbank.database import Database
from coopbank.errors import CoopbankError, DatabaseBusy, DayClosed, ImportRefused, NotAllowed, NotOffered, WrongUsage
from coopbank.exchange import ImportResult, import_file, imports, opening_rows, rows
from tests.support_bank import CHARITY, PASSPHRASE, SmallBank, assert_books, new_bank

Import = Callable[..., ImportResult]


@pytest.fixture
def small(engine_url: str) -> Iterator[SmallBank]:
    with new_bank(engine_url) as bank:
        yield bank
        assert_books(bank)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallBank]:
    """A bank for files that change nothing."""
    with new_bank(str(tmp_path_factory.mktemp("bank") / "book.db")) as bank:
        bank.do("open-savings", member=bank.admit("Mia"))
        yield bank
        assert_books(bank)


@pytest.fixture
def bring(tmp_path: Path) -> Import:
    """Writes a file and imports it, by ana if nobody else is named."""

    def bring(small: SmallBank, kind: str, content: str | bytes, **options: Any) -> ImportResult:
        file = tmp_path / f"{kind}.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return import_file(small.bank, options.pop("by", small.ana), kind, file, **options)

    return bring


def state(small: SmallBank) -> list[Any]:
    """Everything that is sealed, and what can be found of members; refusals that were logged are left out."""
    with small.read() as books:
        tx = books.tx
        return [
            tx.rows("SELECT id, kind FROM operation WHERE kind <> 'log-refusal' ORDER BY id"),
            tx.rows("SELECT count(*) FROM posting"),
            tx.rows("SELECT count(*) FROM record"),
            tx.rows("SELECT member, name, phone FROM directory ORDER BY member"),
            tx.rows("SELECT count(*) FROM personal"),
        ]


def refused(small: SmallBank, bring: Import, kind: str, content: str | bytes, **options: Any) -> list[dict[str, Any]]:
    """The faults of a file; it must have changed nothing."""
    before = state(small)
    with pytest.raises(ImportRefused) as refusal:
        bring(small, kind, content, **options)
    assert state(small) == before
    faults = refusal.value.faults
    assert 0 < len(faults) <= 100
    for fault in faults:
        assert list(fault) == ["row", "column", "value", "reason"]
        assert fault["reason"] and "Traceback" not in fault["reason"] and len(fault["reason"]) < 500
        assert all(c.isprintable() for text in fault.values() if isinstance(text, str) for c in text)
    assert str(refusal.value) and json.dumps(refusal.value.as_dict())
    assert refusal.value.field == "file"
    return faults


def where(faults: list[dict[str, Any]]) -> list[tuple[int | None, str | None]]:
    return [(fault["row"], fault["column"]) for fault in faults]


# -------------------------------------------------------------------------------------- members

MEMBERS = '''name,phone,e-mail,Taxpayer number,Person or organisation,Member since,language
Mia Lee,601 555 0101,mia@example.org,,person,2020-02-29,en
"Oak & Sons, ""Ltd""",,,12-3456789,organisation,,es
=HYPERLINK("x"),,,,,,
"Zoë
Ångström",+1 601,,,,,
'''


def test_members_are_admitted(small: SmallBank, bring: Import) -> None:
    result = bring(small, "members", MEMBERS)
    assert (result.rows, result.done, result.repeated, result.pending) == (4, 4, 0, 0)
    assert result.created == ("M0001", "M0002", "M0003", "M0004")
    with small.read() as books:
        names = [books.member_name(number) for number in result.created]
        first, second = (books.get(records.Member, number) for number in result.created[:2])
        assert (books.personal(first.phone), first.joined_on) == ("601 555 0101", "2020-02-29")
        assert (books.personal(second.tax_id), second.language, second.entity) == ("12-3456789", "es", "organisation")
    assert names == ["Mia Lee", 'Oak & Sons, "Ltd"', '=HYPERLINK("x")', "Zoë\nÅngström"]


def test_the_same_file_twice_does_nothing(small: SmallBank, bring: Import) -> None:
    bring(small, "members", MEMBERS)
    before = state(small)
    for dry_run in (False, True):
        again = bring(small, "members", MEMBERS, dry_run=dry_run)
        assert (again.rows, again.done, again.repeated, again.created) == (4, 0, 4, ())
    assert state(small) == before
    assert bring(small, "members", MEMBERS.replace("12-3456789", ""), key_prefix="second").done == 4


def test_who_is_a_member_is_not_admitted_again_by_another_file(small: SmallBank, bring: Import) -> None:
    bring(small, "members", MEMBERS)
    faults = refused(small, bring, "members", MEMBERS + "Oak and Sons,,,123456789,organisation,,\n")
    assert (3, "Taxpayer number") in where(faults)
    assert "M0002 has this taxpayer number" in faults[0]["reason"]
    small.do("change-member", member="M0002", tax_id="98-7654321")  # typed wrong before; it is somebody else's
    assert bring(small, "members", MEMBERS.replace("=HYPER", "=HYPE")).done == 4


def test_two_files_at_once_do_not_admit_somebody_twice(
    small: SmallBank, engine_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are read before either is written; whichever comes second is refused."""
    met, read = threading.Barrier(2), imports._taxed

    def both_have_read(source: Any) -> Any:
        found = read(source)
        with suppress(threading.BrokenBarrierError):
            met.wait(30)
        return found

    def one(bank: Bank, actor: Actor, name: str) -> ImportResult | CoopbankError:
        file = tmp_path / f"{name}.csv"
        file.write_text(f"name,Taxpayer number\n{name},12-3456789\n")
        try:
            return import_file(bank, actor, "members", file)
        except CoopbankError as refusal:
            return refusal

    monkeypatch.setattr(imports, "_taxed", both_have_read)
    with closing(Bank.open(engine_url, clock=small.clock)) as other, ThreadPoolExecutor(2) as hands:
        actor = other.authenticate("admin", PASSPHRASE)
        came = [hands.submit(one, small.bank, small.ana, "Oak"), hands.submit(one, other, actor, "Elm")]
        done, refusal = sorted((each.result() for each in came), key=lambda each: isinstance(each, CoopbankError))
    assert isinstance(done, ImportResult) and isinstance(refusal, ImportRefused)
    assert refusal.faults[0]["reason"].startswith("M0001 has this taxpayer number")
    with small.read() as books:
        assert [ref for ref, _member in books.every(records.Member)] == ["M0001"]


def test_a_trial_keeps_nothing(small: SmallBank, bring: Import) -> None:
    before = state(small)
    result = bring(small, "members", MEMBERS, dry_run=True)
    assert (result.dry_run, result.rows, result.done) == (True, 4, 4)
    assert {receipt.status for receipt in result.receipts} == {"preview"}
    assert state(small) == before
    with small.read() as books:
        assert books.tx.value("SELECT count(*) FROM operation WHERE kind = 'log-refusal'") == 0


def test_every_bad_row_is_named(small: SmallBank, bring: Import) -> None:
    small.admit("Old", number="M0007")
    faults = refused(
        small, bring, "members",
        "name,number,joined,type,Telephone\n"
        "Good,,,,\n"
        ",M0009,,,601\n"                        # 3: no name
        "Day,,2026-02-30,,\n"                   # 4: no such day
        "Future,,2027-01-01,,\n"                # 5: the bank refuses it
        "Kind,,02/03/2026,firm,\n"              # 6: two faults
        "Double,M0007,,,\n"                     # 7: in the books already
        "First,M0010,,,\n"                      # 8: good, and the reason why the next one is not
        "Second,M0010,,,\n"                     # 9
        f"{'x' * 201},,,,\n",                   # 10
    )  # fmt: skip
    assert where(faults) == [
        (3, "name"), (4, "joined"), (5, "joined"), (6, "joined"), (6, "type"), (7, "number"), (9, "number"),
        (10, "name"),
    ]  # fmt: skip
    by_row = {fault["row"]: fault for fault in faults}
    assert by_row[4]["value"] == "2026-02-30" and "2026-02-30" in by_row[4]["reason"]
    assert by_row[7]["value"] == "M0007"
    assert len(by_row[10]["value"]) < 70
    assert by_row[3]["reason"] == "name is missing."


def test_at_most_a_hundred_faults_are_listed(shared: SmallBank, bring: Import) -> None:
    faults = refused(shared, bring, "members", "name,joined\n" + "A,never\n" * 250)
    assert where(faults) == [(row, "joined") for row in range(2, 102)]
    with pytest.raises(ImportRefused, match="250"):
        bring(shared, "members", "name,joined\n" + "A,never\n" * 250)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_ways_to_write_the_same_file(
    shared: SmallBank, bring: Import, delimiter: str, encoding: str, line_end: str
) -> None:
    text = delimiter.join(["Name", "Telephone"]) + line_end + delimiter.join(['"a,b;c\td"', "601"]) + line_end
    content = text.encode(encoding)
    marks = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
    result = bring(shared, "members", marks.get(encoding, b"") + content, dry_run=True)
    assert result.done == 1
    assert dict(result.receipts[0].notes)["Member"] == "M0002"


def test_excel_says_its_delimiter(shared: SmallBank, bring: Import) -> None:
    assert bring(shared, "members", "sep=;\r\nname;phone\r\nA;1\r\n", dry_run=True).done == 1


def test_blank_rows_count_but_say_nothing(shared: SmallBank, bring: Import) -> None:
    assert bring(shared, "members", "\n\nname,phone,,\nA,1,,\n,,,\n\n  ,\nB,2,,\n\n", dry_run=True).done == 2
    assert where(refused(shared, bring, "members", "\n\nname,joined\n\nA,x\n")) == [(5, "joined")]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", [(None, None)]),
        (b"\n\n \n", [(None, None)]),
        (b"name\n", [(None, None)]),
        (b"\xef\xbb\xbf", [(None, None)]),
        ("name\nZo\u00eb\n".encode("latin-1"), [(2, None)]),
        ("name\nAna\n".encode("utf-16-le"), [(None, None)]),
        (b"\xff\xfen\x00a", [(1, None)]),
        (b"PK\x03\x04rest of a workbook", [(None, None)]),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", [(None, None)]),
        (bytes(range(256)), [(2, None)]),
        (b"\x00" * 5000, [(None, None)]),
        (b"phone\n601\n", [(1, "member_name")]),
        (b"name,age\nA,7\n", [(1, "age")]),
        (b"name,Name,member_name\nA,B,C\n", [(1, "Name"), (1, "member_name")]),
        (b"name,phone\nA\n", [(2, None)]),
        (b"name,phone\nA,1,extra\nB,2\n", [(2, "column 3")]),
        (b"name,,phone\nA,1,2\n", [(2, "column 2")]),
        (b'name,phone\nA,1\n"B,2\nC,3\n', [(3, None)]),
        (b'name,phone\nA,1\n"B" x,2\nC,3\n', [(3, None)]),
        (b'"name\n', [(1, None)]),
        (b"name,phone\nA\x00B,1\n", [(2, "name")]),
        ("name\n" + "x" * 10_000_000 + "\n", [(2, "name")]),
        ("x" * 10_000_000, [(1, "member_name"), (1, "x" * 60 + "…")]),
        (b"name\n\xe2\x80\xaeevil\x1b[31m\n", [(2, "name")]),
        (b"n;a,m\te\n1;2,3\t4\n", [(1, "member_name")]),
    ],
)  # fmt: skip
def test_files_that_cannot_be_read(
    shared: SmallBank, bring: Import, content: bytes, expected: list[tuple[int | None, str | None]]
) -> None:
    assert set(expected) <= set(where(refused(shared, bring, "members", content)))


def test_too_many_rows(shared: SmallBank, bring: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MOST_ROWS", 3)
    assert bring(shared, "members", "name\nA\nB\nC\n", dry_run=True).done == 3
    assert where(refused(shared, bring, "members", "name\nA\nB\nC\nD\n")) == [(5, None)]
    assert (4, None) in where(refused(shared, bring, "operations", json.dumps([{"operation": "open-day"}] * 4)))


def test_who_may_not_is_told_so_once(shared: SmallBank, bring: Import) -> None:
    for dry_run in (False, True):
        with pytest.raises(NotAllowed, match="sue"):
            bring(shared, "members", MEMBERS, by=shared.sue, dry_run=dry_run)


@given(st.binary(max_size=200) | st.text(st.sampled_from('name,"\n;\t=\0é\r[{}]:1.'), max_size=60).map(str.encode))
def test_no_file_is_a_traceback(shared: SmallBank, tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.csv"
    for kind in ("members", "operations", "savings", "shares"):
        for start in (b"", b"name,phone\n", b'[{"operation":'):
            file.write_bytes(start + content)
            try:
                import_file(shared.bank, shared.ana, kind, file, dry_run=True)
            except CoopbankError as refusal:
                assert str(refusal)


def test_random_damage_is_found_where_it_was_done(shared: SmallBank, bring: Import) -> None:
    draw = random.Random(7)
    for _ in range(10):
        lines = [f"Member {i},2020-01-01" for i in range(60)]
        bad = sorted(draw.sample(range(60), draw.randrange(1, 20)))
        for i in bad:
            lines[i] = f"Member {i}," + draw.choice(["2020-13-01", "x", "20200101", "2999-01-01", "-"])
        faults = refused(shared, bring, "members", "name,joined\n" + "\n".join(lines))
        assert where(faults) == [(i + 2, "joined") for i in bad]


# ------------------------------------------------------------------------------------ in groups


def rows_with(bad: str, count: int = 12, at: int = 9) -> str:
    """Members; the bank refuses that row, which can be read: its number is taken by then."""
    named = [f"Member {i},{'M0001' if i == at else ''}" for i in range(count)]
    return "name,number\n" + "\n".join(named).replace("M0001", bad) + "\n"


def test_a_file_in_groups_lets_others_in_between_and_goes_on_where_it_was(
    small: SmallBank, bring: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "GROUP", 5)
    gifts = iter(range(100))

    def meanwhile(_bank: Bank, _took: float) -> None:
        small.admit(f"Somebody {next(gifts)}")  # by whoever waits

    monkeypatch.setattr(Bank, "let_others_in", meanwhile)
    done = bring(small, "members", rows_with(""), in_groups=True)
    assert (done.rows, done.done, done.repeated) == (12, 12, 0)
    assert done.created[:6] == ("M0001", "M0002", "M0003", "M0004", "M0005", "M0007"), "one came between"
    assert next(gifts) == 2
    again = bring(small, "members", rows_with(""), in_groups=True)
    assert (again.rows, again.done, again.repeated) == (12, 0, 12)
    assert bring(small, "members", rows_with("")).repeated == 12, "it is the same file, in groups or not"


def test_a_row_refused_in_a_later_group_says_what_is_in(
    small: SmallBank, bring: Import, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(imports, "GROUP", 5)
    report = tmp_path / "report.csv"
    with pytest.raises(ImportRefused) as refused:
        bring(small, "members", rows_with("M0001"), in_groups=True, report=str(report))
    assert str(refused.value).startswith("5 rows of members.csv are in the books. Of the group after them row 11")
    assert where(refused.value.faults) == [(11, "number")]
    verdicts = [line.split(",")[1] for line in report.read_text().splitlines()[1:]]
    assert verdicts == ["imported"] * 5 + ["good"] * 4 + ["refused"] + ["not begun"] * 2
    with small.read() as books:
        assert books.tx.value("SELECT count(*) FROM directory WHERE name LIKE 'Member %'") == 5
    with pytest.raises(ImportRefused, match=r"5 rows of members\.csv are in the books"):
        bring(small, "members", rows_with("M0001"), in_groups=True)
    with small.read() as books:
        assert books.tx.value("SELECT count(*) FROM directory WHERE name LIKE 'Member %'") == 5


def test_books_that_somebody_keeps_busy_between_groups(
    bring: Import, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The report says which rows are in by then, and the same file goes on from there."""
    monkeypatch.setattr(imports, "GROUP", 5)
    monkeypatch.setattr("coopbank.database.BUSY_SECONDS", 0.1)
    report = tmp_path / "report.csv"
    with new_bank(str(tmp_path / "book.db")) as small, ExitStack() as held:
        other = held.enter_context(closing(Database.open(small.bank.database.place)))
        monkeypatch.setattr(Bank, "let_others_in", lambda _bank, _took: held.enter_context(other.write()))
        with pytest.raises(DatabaseBusy) as busy:
            bring(small, "members", rows_with(""), in_groups=True, report=str(report))
        assert str(busy.value).startswith("5 rows of members.csv are in the books, then it was broken off: ")
        assert busy.value.hint == "Give the same file again: it goes on from there."
        said = [line.split(",")[1] for line in report.read_text().splitlines()[1:]]
        assert said == ["imported"] * 5 + ["good"] * 5 + ["not begun"] * 2
        held.close()
        monkeypatch.setattr(Bank, "let_others_in", lambda _bank, _took: None)
        again = bring(small, "members", rows_with(""), in_groups=True, report=str(report))
        assert (again.done, again.repeated) == (7, 5)
        assert_books(small)


def test_what_a_file_shows_by_itself_is_found_before_any_group(
    small: SmallBank, bring: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "GROUP", 2)
    before = state(small)
    with pytest.raises(ImportRefused, match="Nothing was imported"):
        bring(small, "members", "name,joined\nA,\nB,\nC,\nD,2020-02-31\n", in_groups=True)
    assert state(small) == before
    with pytest.raises(NotAllowed, match="sue"):
        bring(small, "members", rows_with(""), by=small.sue, in_groups=True)


def test_opening_balances_in_groups(small: SmallBank, bring: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening_rows, "LINES_AT_ONCE", 2)
    monkeypatch.setattr(imports, "GROUP", 3)
    members = [small.admit(f"Member {i}") for i in range(9)]
    savings = "Member,Balance\n" + "".join(f"{member},{i + 1}0.50\n" for i, member in enumerate(members))
    found = bring(small, "savings", savings, by=small.tom, in_groups=True)
    assert (found.rows, found.pending) == (9, 5)
    with pytest.raises(ImportRefused, match=r"rows of savings\.csv are in the books"):
        bring(small, "savings", savings.replace("10.50", "11.50", 1) + "M0099,1.00\n", by=small.tom, in_groups=True)


# ----------------------------------------------------------------------------- opening balances


def test_opening_balances_wait_for_a_second_person(small: SmallBank, bring: Import, monkeypatch: Any) -> None:
    monkeypatch.setattr(opening_rows, "LINES_AT_ONCE", 2)
    members = [small.admit(f"Member {i}") for i in range(5)]
    savings = "Member,Balance\n" + "".join(f"{member},{i + 1}0.50\n" for i, member in enumerate(members))
    shares = (
        "".join(f"{member};25.00;901\n" for member in members) + f"{members[0]};200.00;903\n{members[1]};100.00;903\n"
    )
    before = state(small)
    trial = bring(small, "savings", savings, by=small.tom, dry_run=True)
    assert (trial.rows, trial.pending, trial.done) == (5, 3, 0)
    assert state(small) == before
    asked = [*bring(small, "savings", savings, by=small.tom).requests]
    asked += bring(small, "shares", "member;paid;class\n" + shares, by=small.tom).requests
    assert len(asked) == 3 + 4
    assert bring(small, "savings", savings, by=small.tom).repeated == 3
    for request in asked:
        small.do("approve", by=small.sue, request=request)
    for i, member in enumerate(members):
        assert small.balance(f"905/{member}") == -(1000 * (i + 1) + 50)
        assert small.balance(f"901/{member}") == -2500
    assert small.balance(f"903/{members[0]}") == -20_000
    assert small.balance("990") == sum(1000 * (i + 1) + 50 + 2500 for i in range(5)) + 30_000
    again = refused(small, bring, "savings", savings + "M0099,1.00\n", by=small.tom)
    assert where(again) == [(row, "Member") for row in range(2, 8)]


def test_bad_opening_balances_are_named(shared: SmallBank, bring: Import) -> None:
    table = (
        "member,amount,share class\n"
        "M0001,25.00,901\n"
        "M0001,25.01,903\n"  # 3: not whole
        "M0001,25.00,\n"  # 4: twice, 901 being the usual class
        "M0009,25.00,901\n"
        ",25.00,901\n"
        "M0001,-5,902\n"
    )
    faults = refused(shared, bring, "shares", table, by=shared.tom)
    assert where(faults) == [
        (3, "amount"),
        (4, "member"),
        (5, "member"),
        (6, "member"),
        (7, "amount"),
        (7, "share class"),
    ]


def test_what_is_in_no_row_is_said_once(shared: SmallBank, bring: Import, tmp_path: Path) -> None:
    table = "member,balance\nM0001,5.00\nM0002,5.00\n"
    with pytest.raises(NotAllowed, match="ana"):
        bring(shared, "savings", table)
    with new_bank(str(tmp_path / "charity.db"), institution_kind=CHARITY) as charity:
        for name in ("Mia", "Tom"):
            charity.admit(name)
        with pytest.raises(NotOffered):
            bring(charity, "savings", table, by=charity.tom)
        charity.close_day()
        with pytest.raises(DayClosed):
            bring(charity, "shares", table.replace("5.00", "25.00"), by=charity.tom)
        assert_books(charity)


# ----------------------------------------------------------------------------------- operations


def test_operations_in_three_forms(small: SmallBank, bring: Import) -> None:
    listed = [
        {"operation": "admit-member", "member_name": "Mia"},
        {"operation": "open_savings", "member": "M0001"},
        {"operation": "deposit", "member": "M0001", "amount": "150.00", "key": "till-1"},
    ]
    assert bring(small, "operations", json.dumps(listed)).created == ("M0001", "S-M0001")
    lines = "\r\n".join(json.dumps({**each, "member": "M0001"}) for each in listed[2:]) + "\r\n\r\n"
    again = bring(small, "operations", lines)
    assert (again.done, again.repeated) == (0, 1)
    table = "operation,member,amount,memo,key\ndeposit,M0001,1.00,=a;b,\nwithdraw,M0001,2.00,,\n"
    assert bring(small, "operations", table).done == 2
    assert small.balance("905/M0001") == -149_00


def test_cells_that_hold_several_codes(small: SmallBank, bring: Import) -> None:
    mia = small.admit("Mia")
    small.do("open-savings", member=mia)
    for number in ("1", "2"):
        small.do("deposit", member=mia, amount="5.00", tender="cheque", cheque_number=number)
    table = "operation;cheques\nbank-cheques;CH-00001, CH-00002\n"
    assert bring(small, "operations", table, by=small.tom).done == 1
    assert small.balance("731/FIRST", "POOL") == 10_00


def test_what_needs_a_second_person_waits(small: SmallBank, bring: Import) -> None:
    mia = small.admit("Mia")
    small.do("buy-shares", member=mia, amount="25.00")
    listed = [{"operation": "redeem-shares", "member": mia, "amount": "25.00"}]
    assert (trial := bring(small, "operations", json.dumps(listed), dry_run=True)).pending == 1 and trial.done == 0
    result = bring(small, "operations", json.dumps(listed))
    assert (result.pending, result.done, len(result.requests)) == (1, 0, 1)
    small.do("approve", by=small.tom, request=result.requests[0])
    assert small.balance(f"901/{mia}") == 0


def test_a_field_that_is_called_operation(small: SmallBank, bring: Import) -> None:
    mia = small.admit("Mia")
    small.do("open-savings", member=mia)
    one, two = (small.do("deposit", member=mia, amount="5.00").number for _ in range(2))
    wrapped = [{"operation": "reverse", "fields": {"operation": one, "reason": "typed twice"}}]
    assert bring(small, "operations", json.dumps(wrapped)).done == 1
    assert bring(small, "operations", f"operation,fields.operation,reason\nreverse,{two},typed twice\n").done == 1
    assert small.balance(f"905/{mia}") == 0


def test_a_refused_row_leaves_no_trace_for_the_next(small: SmallBank, bring: Import) -> None:
    table = (
        "operation,member,member_name,amount\n"
        "admit-member,,Mia,\n"
        "open-savings,M0001,,\n"
        "deposit,M0001,,10.00\n"
        "withdraw,M0001,,10.01\n"  # 5: a cent too much
        "withdraw,M0001,,10.00\n"
        "withdraw,M0001,,0.01\n"  # 7: nothing is left
        "open-savings,M0009,,\n"  # 8: no such member
        "admit-member,,,\n"  # 9: no name
        "admit-member,,Tom,\n"
        "open-savings,M0002,,\n"
        "found-book,,,\n"  # 12: no door offers it
        "teleport,,,\n"
        "deposit,M0002,,1.005\n"
        "deposit,M0002,Tom,1.00\n"  # 15: a column that this operation does not have
    )
    faults = refused(small, bring, "operations", table)
    assert where(faults) == [
        (5, "amount"), (7, "amount"), (8, "member"), (9, "member_name"), (12, "operation"), (13, "operation"),
        (14, "amount"), (15, "member_name"),
    ]  # fmt: skip
    with small.read() as books:
        refusals = books.tx.value("SELECT count(*) FROM operation WHERE kind = 'log-refusal'")
    good = "".join(line + "\n" for i, line in enumerate(table.splitlines(), 1) if i not in {f["row"] for f in faults})
    assert bring(small, "operations", good).done == 6
    with small.read() as books:
        assert books.tx.value("SELECT count(*) FROM operation WHERE kind = 'log-refusal'") == refusals


def test_what_the_bank_refuses_is_logged_once(small: SmallBank, bring: Import) -> None:
    listed = [{"operation": "open-savings", "member": f"M{i}"} for i in range(9)]
    refused(small, bring, "operations", json.dumps(listed))
    with small.read() as books:
        assert books.tx.value("SELECT count(*) FROM operation WHERE kind = 'log-refusal'") == 1


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("[", (None, None)),
        ("[1, 2", (None, None)),
        ('[{"operation": "open-day"}, 7]', (2, None)),
        ("7", (1, "operation")),
        ('{"operation": "open-day"}\nnonsense\n', (2, None)),
        ('[{"operation": "open-day", "operation": "close-day"}]', (None, None)),
        ('[{"operation": "deposit", "member": "M0001", "amount": 150.00}]', (1, "amount")),
        ('[{"operation": "deposit", "member": "M0001", "amount": NaN}]', (None, None)),
        ('[{"operation": "reverse", "fields": {"operation": 1e999999999, "why": "x"}}]', (None, None)),
        ('[{"operation": "deposit", "member": "M0001", "amount": ' + "9" * 5000 + "}]", (None, None)),
        ('[{"operation": "deposit", "member": "\\ud800", "amount": "1"}]', (1, "member")),
        ('[{"operation": "deposit", "\\ud800": "1"}]', (None, None)),
        ('[{"operation": 7}]', (1, "operation")),
        ('[{"operation": "open-day", "key": 7}]', (1, "key")),
        ('[{"operation": "open-day", "key": "a b"}]', (1, "key")),
        ('[{"member": "M0001"}]', (1, "operation")),
        ("[" * 100_000, (None, None)),
        ('{"a":' * 100_000, (1, None)),
        ("member,amount\nM0001,5\n", (1, "operation")),
        ("operation,colour\nopen-day,red\n", (1, "colour")),
        ("operation,member\n,M0001\n", (2, "operation")),
        ("[]", (None, None)),
    ],
)  # fmt: skip
def test_operations_that_cannot_be_read(
    shared: SmallBank, bring: Import, content: str, expected: tuple[int | None, str | None]
) -> None:
    assert expected in where(refused(shared, bring, "operations", content))


# ---------------------------------------------------------------------------------------- files


@pytest.mark.parametrize("kind", ["colours", "", "Members"])
def test_kinds_that_there_are_not(shared: SmallBank, bring: Import, kind: str) -> None:
    with pytest.raises(WrongUsage) as refusal:
        bring(shared, kind, MEMBERS)
    assert refusal.value.field == "kind"


def test_files_that_there_are_not(shared: SmallBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in (tmp_path / "none.csv", tmp_path, "nul\0", "/dev/zero", "x" * 5000):
        with pytest.raises(WrongUsage) as refusal:
            import_file(shared.bank, shared.ana, "members", file)
        assert refusal.value.field == "file" and str(refusal.value)
    monkeypatch.setattr(rows, "LARGEST_FILE", 10)
    (tmp_path / "big.csv").write_text("name\nAnnabelle\n")
    with pytest.raises(WrongUsage, match="large"):
        import_file(shared.bank, shared.ana, "members", tmp_path / "big.csv")
