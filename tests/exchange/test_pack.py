"""The auditor's pack, checked as a stranger would: hashes, the log's own script, two other programs, the workbook."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from coopbank.errors import WrongUsage
from coopbank.exchange import export
from coopbank.exchange.pack import GUIDE, MANIFEST, SUMS
from tests.exchange.programs import bean_check
from tests.reports.borrowers import borrow
from tests.support_bank import assert_books, new_bank


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
