"""Vital records: after the close of a day every member's balances lie encrypted beside the backups."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from pathlib import Path

import pytest

from coopbank.bank import vital
from coopbank.bank.keyring import Keyring
from coopbank.bank.sealed_files import content_of, is_sealed
from coopbank.money import parse_amount
from tests.support_bank import PASSPHRASE, SmallBank, new_bank


@pytest.fixture
def small(with_keys: SmallBank) -> SmallBank:
    return with_keys


def ring(small: SmallBank) -> Keyring:
    file = small.bank.key_file()
    found = None if file is None else file.unlock("admin", PASSPHRASE)
    assert found is not None
    return found


def lists(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "backups").glob("vital-*"))


def rows(small: SmallBank, file: Path) -> list[dict[str, str]]:
    text = b"".join(content_of(file, ring(small))).decode()
    return list(csv.DictReader(io.StringIO(text)))


def life(small: SmallBank) -> None:
    mia = small.admit("Mía Núñez", phone="+1 601 555 0101", address="12 Farish Street\nJackson", tax_id="123-45-6789")
    joe = small.admit("=Joe & Co", entity="organisation", email="joe@example.org")
    small.admit("Newt Freeman")
    small.do("buy-shares", member=mia, amount="25.00")
    small.do("buy-shares", member=joe, amount="300.00", share_class="903", tender="transfer")
    for member in (mia, joe):
        small.do("open-savings", member=member, annual_rate="2")
    small.do("deposit", member=mia, amount="150.00")
    small.do("receive-gift", by=small.tom, fund="RLF", amount="9000.00", donor="A friend", tender="transfer")
    for principal in ("1200.00", "300.00"):
        small.agreed("grant-loan", member=mia, principal=principal, annual_rate="6", installments=12)
    small.do("disburse-loan", by=small.tom, loan="L-001", tender="transfer")


def test_each_account_and_each_loan_is_a_line(small: SmallBank, tmp_path: Path) -> None:
    life(small)
    small.go_to("2026-04-02")
    (file,) = lists(tmp_path)
    assert file.name == f"vital-2026-03-02.{small.bank.book[:8]}.csv.sealed" and is_sealed(file)
    assert "Núñez".encode() not in file.read_bytes()
    found = rows(small, file)
    assert [(row["member"], row["what"], row["account"], row["balance"]) for row in found] == [
        ("M0001", "membership shares", "901/M0001", "25.00"),
        ("M0001", "savings", "905/M0001", "150.00"),
        ("M0001", "loan, active", "L-001", "1200.00"),
        ("M0001", "loan, granted", "L-002", "0.00"),
        ("M0002", "investment shares", "903/M0002", "300.00"),
        ("M0002", "savings", "905/M0002", "0.00"),
        ("M0003", "", "", ""),
    ]
    mia, joe = found[0], found[4]
    assert (mia["name"], mia["phone"], mia["address"]) == ("Mía Núñez", "'+1 601 555 0101", "12 Farish Street\nJackson")
    assert (joe["name"], joe["email"]) == ("'=Joe & Co", "joe@example.org")
    assert (found[1]["annual_rate"], found[2]["annual_rate"], found[2]["since"]) == ("2", "6", "2026-03-02")
    assert {row["currency"] for row in found} == {"USD"}
    assert "123-45-6789" not in str(found)


def test_the_sums_are_those_of_the_ledger(small: SmallBank, tmp_path: Path) -> None:
    life(small)
    small.go_to("2026-04-02")
    small.do("repay-loan", loan="L-001", amount="100.00")
    small.agreed("close-month", by=small.tom, approver=small.sue, month="2026-03")
    small.go_to("2026-04-03")
    found = rows(small, lists(tmp_path)[-1])

    def total(what: str, column: str = "balance") -> int:
        return sum(parse_amount(row[column], "USD") for row in found if row["what"].startswith(what))

    with small.read() as books:

        def held(gl: str) -> int:
            return sum(leaf.balance for leaf in books.leaves(gl))

        assert total("savings") == -held("905") and total("membership") == -held("901")
        assert total("investment") == -held("903")
        assert (total("loan"), total("loan", "interest")) == (held("701"), held("781"))


def test_a_day_that_is_closed_again_has_its_newest_list(small: SmallBank, tmp_path: Path) -> None:
    life(small)
    small.close_day()
    (first,) = lists(tmp_path)
    before = first.read_bytes()
    with small.read() as books:
        vital.keep_vital_records(small.bank.database.place, books, small.bank.book, "2026-03-02")
    assert lists(tmp_path) == [first] and first.read_bytes() != before
    assert rows(small, first)


def test_without_a_folder_or_a_key_there_is_no_list(
    engine_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COOPBANK_BACKUPS", str(tmp_path / "backups"))
    with new_bank(engine_url) as bank:
        bank.close_day()  # makes the folder, for the anchor
        assert (tmp_path / "backups" / "anchors.log").exists() and lists(tmp_path) == []
        with bank.read() as books:
            monkeypatch.setenv("COOPBANK_BACKUPS", str(tmp_path / "away"))
            assert vital.keep_vital_records(engine_url, books, bank.bank.book, "2026-03-02") is None


def test_books_for_practice_keep_no_list(engine_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COOPBANK_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("COOPBANK_BACKUPS", str(tmp_path / "backups"))
    with new_bank(engine_url, demo_sign_ins="ana") as bank:
        bank.bank.make_keys(bank.admin, PASSPHRASE)
        bank.close_day()
        assert lists(tmp_path) == []


def test_what_keeps_it_from_being_written_is_a_note_and_no_refusal(
    small: SmallBank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "backups").mkdir()
    small.do("close-drawer", drawer="D1", counted="0.00")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("coopbank.bank.whole_files.os.fsync", full)
        receipt = small.do("close-day")
    labels = [label for label, _value in receipt.notes]
    assert receipt.status == "done" and "No vital records were kept" in labels
    assert lists(tmp_path) == [] and not list((tmp_path / "backups").glob(".*"))


def test_lists_of_35_days_and_the_last_of_each_month_are_kept(tmp_path: Path) -> None:
    book, last = "0123abcd", date(2026, 3, 4)
    for back in range(200):
        (tmp_path / f"vital-{last - timedelta(days=back)}.{book}.csv.sealed").touch()
    others = [
        "vital-2020-01-01.ffffffff.csv.sealed",
        "vital-2020-02-30.0123abcd.csv.sealed",
        "vital.txt",
        "anchors.log",
    ]
    for name in others:
        (tmp_path / name).touch()
    for path in vital.superfluous(tmp_path, book + "0" * 24):
        path.unlink()
    left = {path.name for path in tmp_path.iterdir()}
    days = sorted(name[6:16] for name in left if name.endswith(f"{book}.csv.sealed") and "2020" not in name)
    assert set(others) <= left
    assert days[-35] == str(last - timedelta(days=34))
    assert days[:-35] == ["2025-08-31", "2025-09-30", "2025-10-31", "2025-11-30", "2025-12-31"]
