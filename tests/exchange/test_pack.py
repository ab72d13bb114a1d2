"""The auditor's pack, checked as a stranger would: hashes, the log's own script, two other programs, the workbook."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from coopbank.bank.keyring import Keyring
from coopbank.errors import WrongUsage
from coopbank.exchange import export, pack_verify, pbc
from coopbank.exchange.pack import GUIDE, MANIFEST, SUMS
from coopbank.money import _CURRENCIES
from tests.bank.test_keys import SMALL_ORDER
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


def test_a_key_that_was_had_before_is_followed_to_the_one_that_it_endorsed(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "book.db")) as small:
        small.bank.make_keys(small.admin, PASSPHRASE)
        export(small.bank, "jsonl", tmp_path / "first")
        asked, file = small.bank.make_keys(small.admin, PASSPHRASE)
        small.do("approve", by=small.tom, request=asked.request)
        small.bank.keys = file.unlock("admin", PASSPHRASE)
        export(small.bank, "pack", tmp_path / "pack")
    before, folder = tmp_path / "first" / "signing-key.pem", tmp_path / "pack"
    code, said = proof(folder, "--key", str(before))
    assert code == 0 and "which follows your key" in said, said
    # Who holds the new key only, and has it endorsed by nobody.
    log = folder / "log" / "operations.jsonl"
    text = log.read_bytes()
    endorsed = re.findall(rb'"endorsement":"([0-9a-f]{128})"', text)[-1]
    log.write_bytes(text.replace(endorsed, b"0" * 128))
    rehashed(folder, "log/operations.jsonl")
    code, said = proof(folder, "--key", str(before))
    assert code == 1 and "WRONG  signature" in said and "is not endorsed by the one before it" in said


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


def test_the_steps_of_the_guide_leave_a_pack_that_is_still_proven(pack: Path) -> None:
    """bean-check wrote its cache into the pack, and the pack was then NOT PROVEN to whoever ran it once more."""
    guide = (pack / "VERIFY.md").read_text(encoding="utf-8")
    command = next(line.split() for line in guide.splitlines() if line.lstrip().startswith("bean-check"))
    program = str(Path(sys.executable).parent / command[0])
    ledger = next((pack / "beancount").glob("*.beancount"))
    assert command[-1] == "beancount/*.beancount"
    subprocess.run([program, *command[1:-1], str(ledger)], check=True, capture_output=True)
    (pack / ".~lock.books.xlsx#").write_text("an auditor has it open")
    code, said = proof(pack)
    assert code == 0, said
    ledger.with_name(f".{ledger.stem}.picklecache").write_bytes(b"as it writes one that took it a second to read")
    code, said = proof(pack)
    assert code == 1 and ".picklecache is named nowhere, a cache of bean-check: delete it" in said


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


# --------------------------------------------------------- packs that are not right, made by somebody who takes care


def unsigned(pack: Path) -> Path:
    """The same pack as made by somebody who has not signed in: now every hash can be made to follow."""
    (pack / "MANIFEST.json.sig").unlink(missing_ok=True)
    sums = (pack / SUMS).read_text().splitlines(keepends=True)
    (pack / SUMS).write_text("".join(line for line in sums if not line.endswith("MANIFEST.json.sig\n")))
    return pack


def remade(pack: Path, edit: Callable[[dict[str, Any]], object] = lambda told: None) -> None:
    """Manifest and sums anew, of whatever lies in the folder."""
    hashes = {
        path.relative_to(pack).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in pack.rglob("*") if path.is_file() and path.name not in (MANIFEST, SUMS)
    }  # fmt: skip
    manifest = json.loads((pack / MANIFEST).read_text())
    manifest["files"] = hashes
    edit(manifest)
    (pack / MANIFEST).write_text(json.dumps(manifest))
    hashes[MANIFEST] = hashlib.sha256((pack / MANIFEST).read_bytes()).hexdigest()
    (pack / SUMS).write_text("".join(f"{digest}  {name}\n" for name, digest in hashes.items()))


def _first_amount(pack: Path, to: str) -> None:
    path = pack / "pbc" / "Cash_Trial_Balance.csv"
    text, count = re.subn(r"(-?[0-9]+\.[0-9]{2}),USD", f"{to},USD", path.read_text(), count=1)
    assert count
    path.write_text(text)


def _more_decimals(pack: Path) -> None:
    path = pack / "pbc" / "Cash_Trial_Balance.csv"
    path.write_text(re.sub(r"(\.[0-9]{2}),USD", r"\g<1>9,USD", path.read_text()))


def _cut(pack: Path, name: str, keep: int = 1) -> None:
    (path,) = pack.glob(name)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:keep]))


def _second_journal(pack: Path) -> None:
    (path,) = (pack / "ads").glob("GL_Detail_*.csv")
    (path.with_name("GL_Detail_20990101_20991231.csv")).write_text(path.read_text().replace("12000.00", "13000.00"))


def _script_that_says_yes(pack: Path) -> None:
    log = pack / "log" / "operations.jsonl"
    (pack / "log" / "verify.py").write_text("print('PROVEN')\n")
    log.write_bytes(log.read_bytes().replace(b'"receive-gift"', b'"receive-loot"', 1))


def _script_that_dies(pack: Path) -> None:
    (pack / "log" / "verify.py").write_text("import os\nos._exit(9)\n")


UNRIGHT: dict[str, Callable[[Path], object]] = {
    "more decimals than there are": _more_decimals,
    "no number": lambda pack: _first_amount(pack, "NaN"),
    "without end": lambda pack: _first_amount(pack, "-Infinity"),
    "a huge number": lambda pack: _first_amount(pack, "1E+999999999"),
    "words": lambda pack: _first_amount(pack, "much"),
    "a NUL in a table": lambda pack: _first_amount(pack, "\0"),
    "an empty list": lambda pack: _cut(pack, "pbc/Loan_Trial_Balance.csv"),
    "a list that is nothing": lambda pack: _cut(pack, "pbc/Note_Trial_Balance.csv", 0),
    "no list": lambda pack: (pack / "pbc" / "Share_Trial_Balance.csv").unlink(),
    "no journal": lambda pack: next((pack / "ads").glob("GL_Detail_*.csv")).unlink(),
    "two journals": _second_journal,
    "no trial balance": lambda pack: next((pack / "ads").glob("Trial_Balance_*.csv")).unlink(),
    "a script of the log's that says yes": _script_that_says_yes,
    "a script of the log's that dies": _script_that_dies,
    "another public key": lambda pack: (pack / "signing-key.pem").write_bytes(Keyring(bytes(32)).public.pem()),
}


@pytest.mark.parametrize("what", UNRIGHT)
def test_a_pack_that_is_not_right_is_never_proven(pack: Path, what: str) -> None:
    UNRIGHT[what](unsigned(pack))
    remade(pack)
    code, said = proof(pack)
    assert code == 1 and "NOT PROVEN" in said, said


def _name_twice(pack: Path) -> None:
    remade(pack)
    text = (pack / MANIFEST).read_text().replace("{", '{"to": "2031-12-31", ', 1)
    (pack / MANIFEST).write_text(text)
    sums = (pack / SUMS).read_text().splitlines()[:-1]
    (pack / SUMS).write_text("\n".join([*sums, f"{hashlib.sha256(text.encode()).hexdigest()}  {MANIFEST}", ""]))


def _named(pack: Path, name: str) -> None:
    remade(pack)
    digest = hashlib.sha256((pack / name).read_bytes()).hexdigest()
    with (pack / SUMS).open("a") as sums:
        sums.write(f"{digest}  {name}\n")


def _link(pack: Path) -> None:
    target = pack.parent / "elsewhere.csv"
    shutil.move(pack / "pbc" / "Aging.csv", target)
    (pack / "pbc" / "Aging.csv").symlink_to(target)
    remade(pack)


def _linked_folder(pack: Path) -> None:
    shutil.move(pack / "reports", pack.parent / "reports")
    (pack / "reports").symlink_to(pack.parent / "reports")


def _beside_the_manifest(pack: Path) -> None:
    remade(pack)
    (pack / "MANIFEST.json.html").write_text("read this")
    _append(pack, "MANIFEST.json.html")


def _append(pack: Path, name: str) -> None:
    with (pack / SUMS).open("a") as sums:
        sums.write(f"{hashlib.sha256((pack / name).read_bytes()).hexdigest()}  {name}\n")


CRAFTED: dict[str, Callable[[Path], object]] = {
    "nothing": lambda pack: remade(pack),
    "a name that leaves the folder": lambda pack: _named(pack, "../pack/VERIFY.md"),
    "a name from the root": lambda pack: _named(pack, str(pack / "VERIFY.md")),
    "a name twice": lambda pack: _named(pack, "VERIFY.md"),
    "a link": _link,
    "a linked folder": _linked_folder,
    "a file that only the sums name": _beside_the_manifest,
    "a name twice in the manifest": _name_twice,
    "other decimals": lambda pack: remade(pack, lambda told: told.update(minor_digits=0)),
    "decimals that are none": lambda pack: remade(pack, lambda told: told.update(minor_digits=True)),
    "another currency": lambda pack: remade(pack, lambda told: told.update(currency="EUR")),
    "another book": lambda pack: remade(pack, lambda told: told.update(book="ab" * 16)),
    "another head": lambda pack: remade(pack, lambda told: told["head"].update(number=3)),
    "a head that is an option": lambda pack: remade(pack, lambda told: told["head"].update(number="--help")),
    "a list": lambda pack: remade(pack, lambda told: told.update(files=[])),
    "a period of numbers": lambda pack: remade(pack, lambda told: told.update(to=2026)),
    "a fraction": lambda pack: remade(pack, lambda told: told.update(minor_digits=2.0)),
}


@pytest.mark.parametrize("what", CRAFTED)
def test_a_manifest_that_is_not_right_is_never_proven(pack: Path, what: str) -> None:
    CRAFTED[what](unsigned(pack))
    code, said = proof(pack)
    assert (code == 0) == (what == "nothing"), said
    assert said.endswith("faults\n") != (what == "nothing")


@pytest.mark.parametrize(
    "text",
    [b"", b"\n", b"key", b"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n", b"\xff", b"ab" * 31,
     b"-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(b"x" * 270) + b"\n-----END PUBLIC KEY-----\n"],
)  # fmt: skip
def test_a_key_that_is_none_is_not_passed_over(pack: Path, tmp_path: Path, text: bytes) -> None:
    (tmp_path / "before.pem").write_bytes(text)
    code, said = proof(pack, "--key", str(tmp_path / "before.pem"))
    assert code == 1 and "NOT PROVEN" in said
    code, said = proof(unsigned(pack), "--key", str(tmp_path / "before.pem"))
    assert code == 1 and "NOT PROVEN" in said


def test_signatures_that_are_none_are_false(pack: Path, tmp_path: Path) -> None:
    good = (pack / "MANIFEST.json.sig").read_bytes()
    order = 2**252 + 27742317777372353535851937790883648493
    later = (int.from_bytes(good[32:], "little") + order).to_bytes(32, "little")  # the same, written another way
    for false in (b"", bytes(64), good[:-1], good + b"\0", good[:32] + later, b"\x01" + bytes(63)):
        (pack / "MANIFEST.json.sig").write_bytes(false)
        rehashed(pack, "MANIFEST.json.sig")
        code, said = proof(pack)
        assert code == 1 and "WRONG  signature" in said


def test_the_scripts_own_signature_check_refuses_keys_for_which_anybody_signs() -> None:
    for key in SMALL_ORDER:
        for first in ("01" + "00" * 31, key):
            assert not pack_verify.holds(bytes.fromhex(key), bytes.fromhex(first) + bytes(32), b"anything")
    ring = Keyring(b"a" * 32)
    assert pack_verify.holds(ring.public.sign, ring.sign(b"text"), b"text")


def test_the_scripts_decimals_are_those_of_the_books() -> None:
    told = {code: digits for digits, codes in pack_verify.DIGITS.items() for code in codes.split()}
    assert all(unit.exponent == told.get(code, 2) for code, unit in _CURRENCIES.items())
    lists = {each.name for each in pbc.LISTS if each.name.endswith("_Trial_Balance")}
    assert lists == {f"{name}_Trial_Balance" for name in pack_verify.LISTED}


@pytest.mark.parametrize("currency", ["JPY", "KWD"])
def test_a_pack_in_a_currency_of_other_decimals_is_proven(tmp_path: Path, currency: str) -> None:
    with new_bank(str(tmp_path / "b.db"), currency=currency) as small:
        small.do("open-savings", member=small.admit("Ada Tate"))
        small.do("deposit", member="M0001", amount="1200")
        export(small.bank, "pack", tmp_path / "out")
    code, said = proof(tmp_path / "out")
    assert code == 0, said
