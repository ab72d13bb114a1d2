"""Exports are read by the real programs, which must find the balances that the books have."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from coopbank import __version__
from coopbank.errors import WrongUsage
from coopbank.exchange import FORMATS, export
from coopbank.exchange.files import NewFiles
from coopbank.exchange.names import as_written, leaf_of
from coopbank.ledger import posting
from coopbank.ledger.chart import POOL
from coopbank.ledger.posting import Draft, EntryDraft, Line, NewAccount
from tests.exchange.programs import (
    bean_check,
    beancount_read,
    hledger,
    hledger_balances,
    hledger_memos,
    needs_hledger,
    our_balances,
)
from tests.support_bank import SmallBank, assert_books, new_bank

HOSTILE = 'a;b "q" \\n \\ \n\n | = {x} <b> [red] & =1+1 \u202eevil\u200f  two  spaces 🙂 שלום é \t end'

ANY = st.characters(exclude_categories=["Cs"], exclude_characters="\0")  # what both engines can hold


def live(small: SmallBank) -> None:
    """Three months of life: shares, savings, a leaf above another, memo accounts, hostile words."""
    mia, oak = small.admit("=1+1 <b>Mia</b>"), small.admit("Oak; & Sons \u202e")
    for member in (mia, oak):
        small.do("buy-shares", member=member, amount="25.00")
        small.do("open-savings", member=member)
    small.do("deposit", member=mia, amount="150.00", memo=HOSTILE)
    small.do("open-drawer", by=small.tom, drawer="d.2-")
    small.do("deposit", by=small.tom, member=oak, amount="0.01", memo="x" * 500)
    small.go_to("2026-03-31")
    small.do("withdraw", member=mia, amount="20.00")
    small.go_to("2026-06-02")
    small.do("deposit", member=mia, amount="1.10", memo="")
    seal_leaves(small, ["", "above", "-", "a:b  c"], ["x" * 10_000, "; \n" * 50, "(1) * ! 2026-01-01 =", '"'])


def seal_leaves(small: SmallBank, contracts: list[str], memos: list[str]) -> None:
    """Entries between new leaves of fund GEN, straight through the one door: names that no operation would give."""
    with small.bank.database.write() as tx:
        head = posting.head(tx)
        first = tx.value("SELECT max(id) FROM account") + 1
        kinds = [("370", "expense", "USD"), ("131", "income", "USD"), ("M10", "memo", "MEM"), ("M19", "memo", "MEM")]
        rows = [
            NewAccount(first + 4 * i + j, gl, "GEN", f"{contract}", None, kind, currency, None, None)
            for i, contract in enumerate(contracts)
            for j, (gl, kind, currency) in enumerate(kinds)
        ]
        entries = []
        for i, memo in enumerate(memos):
            at = first + 4 * (i % len(contracts))
            amount = 1 + 7 * i
            money, words = (Line(at, amount), Line(at + 1, -amount)), (Line(at + 2, 3), Line(at + 3, -3))
            entries.append(EntryDraft(memo, date(2026, 6, 2), (*money, *words)))
        posting.seal(tx, small.bank.book, Draft(
            key=f"leaves {head.number}", kind="test", kind_version=1, actor="a,b; c", approver=None,
            business_date=date(2026, 6, 2), at="2026-06-02T18:00:00.000000Z", request={},
            request_hash=hashlib.sha256(b'["test",1,{}]').digest(), entries=entries, rows=list(rows),
        ))  # fmt: skip


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallBank]:
    """A bank that has lived, to read from."""
    with new_bank(str(tmp_path_factory.mktemp("bank") / "book.db"), name='The "Pearl"; \n bank') as small:
        live(small)
        yield small


def exported(small: SmallBank, format: str, folder: Path, **period: date) -> Path:
    """The one file of a text ledger."""
    (file,) = export(small.bank, format, folder, **period)
    return file


# ------------------------------------------------------------------------------ the two programs


def test_both_programs_find_our_balances(engine_url: str, tmp_path: Path) -> None:
    with new_bank(engine_url) as small:
        live(small)
        ledger, journal = exported(small, "beancount", tmp_path), exported(small, "hledger", tmp_path)
        with small.read() as books:
            ours = our_balances(books)
        assert_books(small)
    assert len(ours) > 15
    balances, transactions = beancount_read(ledger)
    assert balances == ours
    assert bean_check(ledger).returncode == 0
    deposit = next(t for t in transactions if "Deposit M0001" in t.narration)
    assert as_written(deposit.narration) == f"Deposit M0001: {HOSTILE}"
    assert deposit.meta["actor"] == "ana" and deposit.meta["kind"] == "deposit"
    assert {int(deposit.meta["entry"]), int(deposit.meta["operation"])} <= set(range(1, 100))
    if needs_hledger.args[0]:
        return
    assert hledger_balances(journal) == ours
    memos = hledger_memos(journal)
    assert memos == {int(t.meta["entry"]): memos[int(t.meta["entry"])] for t in transactions}
    assert {n: as_written(memo) for n, memo in memos.items()} == {
        int(t.meta["entry"]): as_written(t.narration) for t in transactions
    }


def test_a_book_without_entries(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "empty.db")) as small:
        ledger, journal = exported(small, "beancount", tmp_path), exported(small, "hledger", tmp_path)
        assert_books(small)
    assert beancount_read(ledger) == ({}, [])
    assert bean_check(ledger).returncode == 0
    if not needs_hledger.args[0]:
        assert hledger_balances(journal) == {}


@pytest.mark.parametrize("currency", ["JPY", "KWD"])
def test_currencies_without_cents_and_with_three_decimals(currency: str, tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "book.db"), currency=currency) as small:
        mia = small.admit("Mia")
        small.do("open-savings", member=mia)
        small.do("deposit", member=mia, amount="1250" if currency == "JPY" else "1250.125")
        ledger, journal = exported(small, "beancount", tmp_path), exported(small, "hledger", tmp_path)
        with small.read() as books:
            ours = our_balances(books)
        assert_books(small)
    assert beancount_read(ledger)[0] == ours
    if not needs_hledger.args[0]:
        assert hledger_balances(journal) == ours


@pytest.mark.parametrize("start", [date(2026, 3, 2), date(2026, 3, 31), date(2026, 4, 15), date(2026, 6, 2)])
def test_a_later_first_day_begins_with_what_was_there(lived: SmallBank, start: date, tmp_path: Path) -> None:
    ledger = exported(lived, "beancount", tmp_path, start=start)
    journal = exported(lived, "hledger", tmp_path, start=start)
    with lived.read() as books:
        ours = our_balances(books)
    balances, transactions = beancount_read(ledger)
    assert balances == ours
    opening, *others = transactions
    assert (opening.narration, opening.date) == ("Opening balances", start)
    assert all(each.date >= start and "entry" in each.meta for each in others)
    if not needs_hledger.args[0]:
        assert hledger_balances(journal) == ours


def test_an_earlier_last_day_ends_with_the_balances_of_that_day(lived: SmallBank, tmp_path: Path) -> None:
    ledger = exported(lived, "beancount", tmp_path, end=date(2026, 3, 15))
    with lived.read() as books:
        on_the_day = {
            leaf_of_row(row): int(row[3])
            for row in books.tx.rows(
                "SELECT a.fund, a.gl_code, a.contract, sum(p.amount) FROM posting p"
                " JOIN account a ON a.id = p.account_id JOIN entry e ON e.id = p.entry_id"
                " WHERE e.effective_on <= '2026-03-15' GROUP BY a.id"
                " HAVING sum(p.amount) <> 0"
            )
        }
    balances, _transactions = beancount_read(ledger)
    assert {leaf_of(name): balance for name, balance in balances.items()} == on_the_day


def leaf_of_row(row: tuple[Any, ...]) -> tuple[str, str, str]:
    return row[0], row[1], row[2]


def test_every_month_end_is_asserted(lived: SmallBank, tmp_path: Path) -> None:
    ledger = exported(lived, "beancount", tmp_path).read_text("utf-8").splitlines()
    asserted = {line[:10] for line in ledger if line[10:19] == " balance "}
    assert asserted == {"2026-04-01", "2026-05-01", "2026-06-01", "2026-06-03"}
    journal = exported(lived, "hledger", tmp_path).read_text("utf-8").splitlines()
    assert [line[:10] for line in journal if line.endswith(" * balances")] == [
        "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-02"
    ]  # fmt: skip


@pytest.mark.parametrize("format", ["beancount", "hledger"])
def test_one_cent_is_an_error_to_them(lived: SmallBank, format: str, tmp_path: Path) -> None:
    if format == "hledger" and needs_hledger.args[0]:
        pytest.skip("hledger is not installed")
    file = exported(lived, format, tmp_path)
    text = file.read_text("utf-8")
    for before, after in (
        ("Liabilities:GEN:905:M0001  -150.00 USD", "Liabilities:GEN:905:M0001  -150.01 USD"),  # a posting
        ("-130.00 USD\n", "-130.01 USD\n"),  # an assertion
    ):
        assert before in text
        file.write_text(text.replace(before, after, 1), "utf-8")
        checked = bean_check(file) if format == "beancount" else hledger(file, "check", "--strict")
        assert checked.returncode != 0


def test_names_of_people_are_in_no_account_name(lived: SmallBank, tmp_path: Path) -> None:
    text = "".join(exported(lived, format, tmp_path).read_text("utf-8") for format in ("beancount", "hledger"))
    assert "M0001" in text
    assert not [word for word in ("Mia", "Oak", "Sons", "1+1 <b>M") if word in text]


@needs_hledger
@settings(max_examples=4, phases=[Phase.generate])  # an example is a whole bank: too slow to shrink
@given(
    contracts=st.lists(st.text(ANY, max_size=40), min_size=1, max_size=40, unique=True),
    memos=st.lists(st.text(ANY, max_size=300), min_size=1, max_size=40),
)
def test_hostile_codes_and_memos_come_through_both(
    contracts: list[str], memos: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    with new_bank(str(folder / "book.db")) as small:
        small.go_to("2026-06-02")
        seal_leaves(small, contracts, memos)
        ledger, journal = exported(small, "beancount", folder), exported(small, "hledger", folder)
        with small.read() as books:
            ours = our_balances(books)
        assert_books(small)
    assert {leaf_of(name)[2] for name in ours} <= {*contracts, "", POOL}
    balances, transactions = beancount_read(ledger)
    assert balances == ours
    assert [as_written(each.narration) for each in transactions] == memos
    assert hledger_balances(journal) == ours
    assert [as_written(memo) for _number, memo in sorted(hledger_memos(journal).items())] == memos


# ------------------------------------------------------------------------------- the sealed log


def test_the_log_is_what_was_hashed(engine_url: str, tmp_path: Path) -> None:
    with new_bank(engine_url) as small:
        live(small)
        files = export(small.bank, "jsonl", tmp_path / "log")
        with small.read() as books:
            stored = books.tx.rows("SELECT id, hash, sealed FROM operation ORDER BY id")
        book = small.bank.book
        assert_books(small)
    assert {file.name for file in files} == {"operations.jsonl", "hashes.txt", "HEAD.json", "verify.py"}
    lines = (tmp_path / "log" / "operations.jsonl").read_bytes().split(b"\n")
    assert lines.pop() == b""
    assert lines == [sealed.encode() for _number, _hash, sealed in stored]
    hashes = (tmp_path / "log" / "hashes.txt").read_text().splitlines()
    assert hashes == [f"{i} {hashlib.sha256(line).hexdigest()}" for i, line in enumerate(lines, start=1)]
    head = json.loads((tmp_path / "log" / "HEAD.json").read_text())
    last = hashlib.sha256(lines[-1]).hexdigest()
    assert head == {"book": book, "hash": last, "number": len(lines), "software": f"coopbank {__version__}"}


def test_the_script_proves_the_log_and_finds_a_change(lived: SmallBank, tmp_path: Path) -> None:
    export(lived.bank, "jsonl", tmp_path)
    command = [sys.executable, "-I", "-S", str(tmp_path / "verify.py"), str(tmp_path / "operations.jsonl")]
    good = subprocess.run(command, capture_output=True, text=True, check=False)
    assert good.returncode == 0, good.stdout + good.stderr
    log = tmp_path / "operations.jsonl"
    log.write_bytes(log.read_bytes().replace(b"-15000]", b"-15001]", 1))
    bad = subprocess.run(command, capture_output=True, text=True, check=False)
    assert bad.returncode != 0
    assert "Traceback" not in bad.stderr


def test_a_part_of_the_chain_is_refused(lived: SmallBank, tmp_path: Path) -> None:
    with pytest.raises(WrongUsage) as refusal:
        export(lived.bank, "jsonl", tmp_path / "log", start=date(2026, 3, 2))
    assert refusal.value.field == "from"
    assert list((tmp_path / "log").iterdir()) == []


# -------------------------------------------------------------------------- folders and requests


def test_the_same_books_give_the_same_bytes(lived: SmallBank, tmp_path: Path) -> None:
    for format in FORMATS:
        first = {file.name: file.read_bytes() for file in export(lived.bank, format, tmp_path / "one")}
        again = {file.name: file.read_bytes() for file in export(lived.bank, format, tmp_path / "two")}
        assert first == again


def test_a_folder_that_is_a_file(lived: SmallBank, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", "nul\0"):
        with pytest.raises(WrongUsage) as refusal:
            export(lived.bank, "hledger", folder)
        assert refusal.value.field == "folder"
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_that_cannot_be_written(lived: SmallBank, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(WrongUsage) as refusal:
        export(lived.bank, "hledger", tmp_path / "locked")
    assert refusal.value.field == "folder"


def test_a_place_taken_by_a_folder(lived: SmallBank, tmp_path: Path) -> None:
    (tmp_path / "ledger.journal").mkdir()
    with pytest.raises(WrongUsage) as refusal:
        export(lived.bank, "hledger", tmp_path)
    assert refusal.value.field == "folder"
    assert [each.name for each in tmp_path.iterdir()] == ["ledger.journal"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk here")
def test_a_full_disk_leaves_the_earlier_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("before")
    real_open = os.open
    monkeypatch.setattr(
        os,
        "open",
        lambda path, *rest: real_open("/dev/full", os.O_WRONLY) if ".part" in str(path) else real_open(path, *rest),
    )
    with pytest.raises(WrongUsage) as refusal, NewFiles(tmp_path) as files:
        files.text("a.txt").write("x" * 100_000)
    assert refusal.value.field == "folder"
    assert (tmp_path / "a.txt").read_text() == "before"


def test_a_fault_half_way_leaves_the_earlier_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("before")
    with pytest.raises(TypeError), NewFiles(tmp_path) as files:
        files.text("a.txt").writelines(["half", None])  # type: ignore[list-item]
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"a.txt": "before"}


@pytest.mark.parametrize(
    ("format", "period", "field"),
    [
        ("xml", {}, "format"),
        ("beancount", {"start": date(2026, 5, 2), "end": date(2026, 5, 1)}, "from"),
        ("hledger", {"start": date(2027, 1, 1)}, "from"),
    ],
)
def test_a_request_that_cannot_be(
    lived: SmallBank, format: str, period: dict[str, date], field: str, tmp_path: Path
) -> None:
    with pytest.raises(WrongUsage) as refusal:
        export(lived.bank, format, tmp_path / "out", **period)
    assert refusal.value.field == field
    assert str(refusal.value)


def test_memory_does_not_grow_with_the_entries(tmp_path: Path) -> None:
    def peak(small: SmallBank) -> int:
        tracemalloc.start()
        try:
            for format in ("beancount", "hledger"):
                exported(small, format, tmp_path)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    with new_bank(str(tmp_path / "book.db")) as small:
        small.go_to("2026-06-02")
        seal_leaves(small, ["a"], ["memo"] * 1_000)
        few = peak(small)
        for i in range(3):
            seal_leaves(small, [f"b{i}"], ["memo"] * 1_000)
        assert peak(small) < 1.5 * few
        assert_books(small)
