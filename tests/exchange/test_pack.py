"""The auditor's pack, checked as a stranger would: hashes, the log's own script, two other programs, the workbook."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from coopbank.bank.keyring import Keyring
from coopbank.errors import WrongUsage
from coopbank.exchange import export
from coopbank.exchange.pack import GUIDE, MANIFEST, SUMS
from tests.exchange.programs import bean_check
from tests.reports.borrowers import borrow
from tests.support_bank import PASSPHRASE, assert_books, new_bank


def faults(folder: Path) -> list[str]:
    """What `sha256sum --check` would say: files that are missing or other than they were."""
    found = []
    for line in (folder / SUMS).read_text(encoding="utf-8").splitlines():
        digest, _blank, name = line.partition("  ")
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            found.append(name)
    return found


def test_a_stranger_can_check_it_all(engine_url: str, tmp_path: Path) -> None:
    with new_bank(engine_url) as small:
        borrow(small)
        folder = tmp_path / "pack"
        written = export(small.bank, "pack", folder)
        with small.read() as books:
            number, hash_ = books.tx.row("SELECT id, hash FROM operation ORDER BY id DESC LIMIT 1") or (0, b"")
        assert_books(small)
    assert faults(folder) == []
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    assert manifest["head"] == {"number": number, "hash": bytes(hash_).hex()}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert there == {*manifest["files"], MANIFEST, SUMS} == {p.relative_to(folder).as_posix() for p in written}
    guide = (folder / GUIDE).read_text(encoding="utf-8")
    assert str(number) in guide and bytes(hash_).hex()[:16] in guide and "{" not in guide
    head = f"{number}:{bytes(hash_).hex()[:16]}"
    proof = subprocess.run(
        [sys.executable, "-I", "verify.py", "operations.jsonl", "--head", head], cwd=folder / "log",
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert proof.returncode == 0 and "PROVEN" in proof.stdout
    assert bean_check(next((folder / "beancount").glob("*.beancount"))).returncode == 0
    book = openpyxl.load_workbook(folder / "books.xlsx", data_only=True)
    assert list(book["Tie-outs"].iter_rows(values_only=True))[-1][-1] == 0
    assert json.loads((folder / "reports" / "trial-balance.json").read_text(encoding="utf-8"))["rows"]


def test_what_is_touched_later_is_found(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "b.db")) as small:
        small.admit("Ada Tate")
        export(small.bank, "pack", tmp_path / "out")
    folder = tmp_path / "out"
    detail = next((folder / "ads").glob("GL_Detail_*.csv"))
    detail.write_text(detail.read_text(encoding="utf-8") + "x", encoding="utf-8")
    (folder / "reports" / "funds.json").unlink()
    assert faults(folder) == [f"ads/{detail.name}", "reports/funds.json"]


def test_a_pack_that_cannot_be_finished_leaves_nothing(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "b.db")) as small:
        small.admit("Ada Tate")
        (tmp_path / "out" / MANIFEST).mkdir(parents=True)
        with pytest.raises(WrongUsage):
            export(small.bank, "pack", tmp_path / "out")
        assert [path.name for path in (tmp_path / "out").iterdir()] == [MANIFEST]
        with pytest.raises(WrongUsage):
            export(small.bank, "pack", tmp_path / "late", date(2031, 1, 1))
    assert not list((tmp_path / "late").rglob("*"))


# ------------------------------------------------------------------- a signed pack, and its own script


def proof(folder: Path, *options: str) -> tuple[int, str]:
    """What the pack's own verify.py says."""
    ran = subprocess.run(
        [sys.executable, "-I", "verify.py", *options], cwd=folder, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran.returncode, ran.stdout


@pytest.fixture(scope="session")
def signed_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of books with loans of every kind, whose months and days were closed under a key."""
    folder = tmp_path_factory.mktemp("signed")
    with new_bank(str(folder / "book.db")) as small:
        small.bank.make_keys(small.admin, PASSPHRASE)
        borrow(small)
        export(small.bank, "pack", folder / "pack", date(2026, 3, 1), date(2026, 6, 30))
    return folder / "pack"


@pytest.fixture
def pack(signed_pack: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(signed_pack, tmp_path / "pack"))


def rehashed(folder: Path, name: str) -> None:
    """The hashes follow a file that was changed, as a careful forger would have it; the signature cannot."""
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    manifest["files"][name] = digest
    (folder / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    sums = dict(line.split("  ")[::-1] for line in (folder / SUMS).read_text().splitlines())
    sums[name] = digest
    sums[MANIFEST] = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    (folder / SUMS).write_text("".join(f"{value}  {key}\n" for key, value in sorted(sums.items())))


def test_a_signed_pack_proves_itself_against_the_key_that_was_had_before(pack: Path, tmp_path: Path) -> None:
    shutil.copy(pack / "signing-key.pem", tmp_path / "before.pem")
    code, said = proof(pack, "--key", str(tmp_path / "before.pem"))
    assert code == 0 and said.endswith("PROVEN\n"), said
    assert [line.split()[:2] for line in said.splitlines()[:-1]] == [
        ["ok", name] for name in ("files", "signature", "log", "closes", "journal", "balances", "subledgers")
    ]
    (tmp_path / "other.pem").write_bytes(Keyring(bytes(32)).public.pem())
    code, said = proof(pack, "--key", str(tmp_path / "other.pem"))
    assert code == 1 and "WRONG  signature" in said


def test_openssl_says_the_same(pack: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    command = [openssl, "pkeyutl", "-verify", "-pubin", "-inkey", "signing-key.pem", "-rawin", "-in", MANIFEST,
               "-sigfile", "MANIFEST.json.sig"]  # fmt: skip
    assert subprocess.run(command, cwd=pack, capture_output=True, check=False).returncode == 0
    (pack / MANIFEST).write_text((pack / MANIFEST).read_text().replace("2026-06-30", "2026-06-29"))
    assert subprocess.run(command, cwd=pack, capture_output=True, check=False).returncode == 1


FORGED = {  # file, what stands there once and what somebody puts in its place, the check that says so
    "an amount of the journal": ("ads/GL_Detail_*.csv", rb"12000\.00", b"12001.00", "journal"),
    "a balance": ("ads/Trial_Balance_*.csv", rb"[0-9][0-9],USD", b"98,USD", "balances"),
    "a loan": ("pbc/Loan_Trial_Balance.csv", rb"[0-9][0-9],USD", b"98,USD", "subledgers"),
    "a report": ("reports/trial-balance.json", rb'"731"', b'"732"', "signature"),
    "an operation": ("log/operations.jsonl", rb'"receive-gift"', b'"receive-loot"', "log"),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_file_is_found_though_its_hash_was_made_to_follow(pack: Path, what: str) -> None:
    pattern, old, new, check = FORGED[what]
    (file,) = pack.glob(pattern)
    forged, count = re.subn(old, new, file.read_bytes(), count=1)
    assert count == 1 and forged != file.read_bytes()
    file.write_bytes(forged)
    code, said = proof(pack)
    assert code == 1 and "WRONG  files" in said
    rehashed(pack, file.relative_to(pack).as_posix())
    code, said = proof(pack)
    assert code == 1 and "WRONG  signature" in said and "WRONG  files" not in said
    assert f"WRONG  {check}" in said


def test_files_missing_added_or_cut_are_found(pack: Path) -> None:
    (pack / "note.txt").write_text("trust me")
    assert "note.txt is named nowhere" in proof(pack)[1]
    (pack / "note.txt").unlink()
    (pack / "pbc" / "Aging.csv").unlink()
    assert "pbc/Aging.csv is missing" in proof(pack)[1]
    lines = (pack / "log" / "operations.jsonl").read_bytes().splitlines(keepends=True)
    (pack / "log" / "operations.jsonl").write_bytes(b"".join(lines[:-1]))
    rehashed(pack, "log/operations.jsonl")
    code, said = proof(pack)
    assert code == 1 and "WRONG  log" in said


@pytest.mark.parametrize("name", ["MANIFEST.json", "SHA256SUMS", "log/operations.jsonl", "signing-key.pem"])
def test_a_pack_that_cannot_be_read_is_no_traceback(pack: Path, name: str) -> None:
    (pack / name).write_bytes(b"\xff\x00{")
    code, said = proof(pack)
    assert code == 1 and "WRONG" in said


def test_each_list_of_the_pack_is_in_its_index_and_no_cell_is_a_formula(pack: Path) -> None:
    def rows(name: str) -> list[dict[str, str]]:
        with (pack / "pbc" / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    index = {row["File"]: int(row["Rows"]) for row in rows("Index.csv")}
    assert {path.name for path in (pack / "pbc").glob("*.csv")} == {*index, "Index.csv"}
    number = re.compile(r"-?[0-9]+(\.[0-9]+)?")
    for name, count in index.items():
        assert len(rows(name)) == count, name
        cells = [cell for row in rows(name) for cell in row.values()]
        assert not [
            cell for cell in cells if cell and cell.startswith(("=", "+", "-", "@")) and not number.fullmatch(cell)
        ]
    assert rows("Cash_Flow_Statement.csv")[-1]["Amount"] == "0.00"
    assert index["Charge_Offs_and_Recoveries.csv"] > 0 and index["Gaps.csv"] == 0
