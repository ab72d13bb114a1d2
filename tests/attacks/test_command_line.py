"""The same attacks through the command line: keys, the program's own operations, a colleague's kept sign-in, names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from coopbank.bank.bank import Bank
from coopbank.cli import state
from tests.cli.conftest import Run, assert_books, books, folder, furnished, kinds_in, operations_in, run

__all__ = ["books", "folder", "furnished", "run"]  # fixtures of the command line's tests

ANA = ("--as", "ana")
DEPOSIT = ("do", "deposit", "--member", "M0001", "--amount", "5.00")


@pytest.fixture
def proven(books: Path) -> Iterator[Path]:
    yield books
    assert_books(books)


@pytest.mark.parametrize("key", ["approved:R-00001", "approved:R-00002"])
def test_a_key_of_an_approval_is_refused(run: Run, proven: Path, folder: Path, key: str) -> None:
    before = [kind for kind in kinds_in(proven) if kind not in ("log-refusal", "sign-in")]
    for arguments in ((*DEPOSIT, "--key", key), ("do", "redeem-shares", "--member", "M0001", "--amount", "25.00",
                                                 "--key", key)):  # fmt: skip
        answer = run(*ANA, *arguments, "--json")
        assert (answer.code, answer.error["code"], answer.error["field"]) == (1, "invalid-value", "key")
    rows = folder / "rows.json"
    rows.write_text(json.dumps([{"operation": "deposit", "member": "M0001", "amount": "5.00", "key": key}]))
    for arguments in (("do", "--json", str(rows)), ("import", "operations", str(rows), "--json"),
                      ("import", "operations", str(rows), "--dry-run", "--json")):  # fmt: skip
        answer = run(*ANA, *arguments)
        assert answer.code == 1, answer.out
        assert "approved:" in answer.out
    assert [kind for kind in kinds_in(proven) if kind not in ("log-refusal", "sign-in")] == before


@pytest.mark.parametrize(
    "name", ["ask", "sign-in", "set-passphrase", "log-refusal", "found-book", "Ask", "set_passphrase"]
)
def test_the_program_s_own_operations_are_unknown_here(run: Run, proven: Path, folder: Path, name: str) -> None:
    before = operations_in(proven)
    rows = folder / "rows.json"
    rows.write_text(json.dumps([{"operation": name, "user": "tom"}]))
    for arguments in (("do", name, "--user", "tom", "--json"), ("do", "--json", str(rows)),
                      ("import", "operations", str(rows), "--json"), ("operations", name, "--json")):  # fmt: skip
        answer = run(*ANA, *arguments)
        assert answer.code in (1, 2), answer.out
        assert "no operation" in answer.out
    assert operations_in(proven) == before


def test_a_token_acts_for_nobody_but_its_owner(run: Run, proven: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ana's kept sign-in, written into tom's name: it opens neither tom's powers nor acts as ana unasked."""
    assert run("login", "ana").code == 0
    kept = state.kept_sign_in(str(proven))
    assert kept is not None and kept.user == "ana"
    monkeypatch.delenv("COOPBANK_PASSPHRASE")
    assert run("--as", "tom", *DEPOSIT, "--json").error["code"] == "sign-in-refused"
    state.keep_sign_in(str(proven), "tom", kept.token)
    before = operations_in(proven)
    for who in (("--as", "tom"), ()):
        answer = run(*who, *DEPOSIT, "--json")
        assert (answer.code, answer.error["code"]) == (1, "sign-in-refused")
    assert operations_in(proven) == before
    assert kept.token.encode() not in b"".join(path.read_bytes() for path in proven.parent.glob("ledger.db*"))


HOSTILE = ["<b>&amp;</b>", "[red]x[/red]", "=1+1", "@SUM(A1)", '"; option "title" "x', "; comment", "\u202etxet",
           "a\nb", "🏦 Ñandú", "C:\\temp", "{braces}", "' OR 1=1 --", "../../etc/passwd", "%s%n",
           "é" * 200]  # fmt: skip


def test_names_are_only_names_wherever_they_go(run: Run, proven: Path, folder: Path) -> None:
    """Through lists, cards, exports and statements: whatever a person is called, it is their name and nothing else."""
    bank = Bank.open(str(proven))
    try:
        ana = bank.authenticate("ana", "correct horse battery")
        steps = []
        for number, name in enumerate(HOSTILE, start=3):
            steps.append(("admit-member", {"member_name": name, "number": f"M{number:04d}"}))
            steps.append(("open-savings", {"member": f"M{number:04d}"}))
            steps.append(("deposit", {"member": f"M{number:04d}", "amount": "3.00", "memo": name}))
        bank.perform_all(ana, [(bank.build(operation, values), None) for operation, values in steps])
    finally:
        bank.close()
    shown = {member["member"]: member["name"] for member in run("members", "--json").document["members"]}
    for number, name in enumerate(HOSTILE, start=3):
        assert shown[f"M{number:04d}"] == name
        card = run("member", f"M{number:04d}")
        assert card.code == 0 and "\x1b" not in card.out and "\u202e" not in card.out
    for kind in ("beancount", "hledger", "jsonl"):
        answer = run("export", kind, f"out-{kind}")
        assert answer.code == 0, answer.out + answer.err
    from beancount import loader

    [file] = (folder / "out-beancount").glob("*.beancount")
    _entries, errors, _options = loader.load_file(str(file))
    assert not errors
    before = set(folder.rglob("*"))
    for number in (3, 5, 15):
        answer = run("statement", f"M{number:04d}", "--from", "2026-03-01", "--to", "2026-03-31")
        assert answer.code == 0, answer.out + answer.err
    made = set(folder.rglob("*")) - before
    assert {path.relative_to(folder).parts[0] for path in made} == {"statements"}
