"""What a signed close, an anchor and a public key find that a chain alone cannot: an attacker who owns the machine."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coopbank.bank.close_proof import CloseProof
from coopbank.bank.keyring import PublicKeys
from coopbank.bank.verify import verify
from coopbank.database import Database
from coopbank.ledger.verify import wrong
from tests.attacks.conftest import furnish
from tests.attacks.rewriter import Rewriter, with_guards_off
from tests.support_bank import PASSPHRASE, SmallBank, new_bank


@pytest.fixture(scope="session")
def signed_books(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Books with three signed closes and a day that is still open, and their public key."""
    place = tmp_path_factory.mktemp("signed") / "book.db"
    with new_bank(str(place)) as small:
        small.bank.make_keys(small.admin, PASSPHRASE)
        furnish(small)
        for day in ("2026-03-03", "2026-03-04", "2026-03-05"):
            small.do("deposit", member="M0001", amount="10.00")
            small.go_to(day)
        small.do("deposit", member="M0001", amount="10.00")
        assert small.bank.keys is not None
        key = small.bank.keys.public.sign.hex()
    return place, key


@pytest.fixture
def books(signed_books: tuple[Path, str], tmp_path: Path) -> Path:
    folder = signed_books[0].parent
    for name in ("anchors.log", *(path.name for path in folder.glob("*.key"))):
        shutil.copy(folder / name, tmp_path / name)
    return Path(shutil.copy(signed_books[0], tmp_path / "book.db"))


@pytest.fixture
def key(signed_books: tuple[Path, str]) -> str:
    return signed_books[1]


def found(path: Path, *keys: str, heads: Any = ()) -> list[str]:
    """What verify finds wrong: the check and its words."""
    database = Database.open(str(path), read_only=True)
    try:
        return [f"{f.check}: {f.message}" for f in wrong(verify(database, heads, closes=CloseProof(frozenset(keys))))]
    finally:
        database.close()


def anchors(path: Path) -> list[tuple[int, str]]:
    lines = (path.parent / "anchors.log").read_text().splitlines()
    return [(int(line.split()[0]), line.split()[1]) for line in lines]


def number_of(path: Path, kind: str, last: bool = False) -> int:
    db = sqlite3.connect(path)
    try:
        pick = "max" if last else "min"
        return int(db.execute(f"SELECT {pick}(id) FROM operation WHERE kind = ?", (kind,)).fetchone()[0])
    finally:
        db.close()


def test_the_books_are_right_and_say_what_was_signed_last(books: Path, key: str) -> None:
    closes = CloseProof(frozenset([key]))
    database = Database.open(str(books), read_only=True)
    try:
        assert not wrong(verify(database, anchors(books), closes=closes))
    finally:
        database.close()
    assert closes.last_signed is not None and closes.last_signed[1] == "2026-03-04"
    assert len(anchors(books)) == 3


def deposit_more(places: Any) -> None:
    """A deposit of 900.00 instead of what it was, in the entry and in the request."""
    amounts = {300_00: 900_00, -300_00: -900_00}
    for entry in places[11]:
        for line in entry[4]:
            line[1] = amounts.get(line[1], line[1])
    places[10]["amount"] = "900.00"


EDITS: dict[str, tuple[str, Callable[[Any], None]]] = {
    "an amount": ("deposit", deposit_more),
    "who did it": ("receive-gift", lambda places: places.__setitem__(5, "admin")),
    "a loan's terms": ("grant-loan", lambda places: _body(places, "loan-terms")["document"].update(annual_rate="1")),
    "a rate table": ("found-book", lambda places: _body(places, "allowance-table")["buckets"].update({"1-30": "1"})),
    "a role": ("found-book", lambda places: _body(places, "role")["operations"].append("set-policy")),
    "an approval": ("approve", lambda places: _body(places, "request").update(decided_by="sue")),
}  # fmt: skip


def _body(places: Any, kind: str) -> Any:
    return next(row[5] for row in places[12] if row[0] == "record" and row[1] == kind)


@pytest.mark.parametrize("what", list(EDITS))
def test_all_hashed_anew_after_an_edit_is_found_by_the_signatures(books: Path, key: str, what: str) -> None:
    """Whatever was changed before the last signed close: the signed hash is another, key or no key."""
    kind, how = EDITS[what]
    with Rewriter(books) as forger:
        forger.change(number_of(books, kind), how)
    assert any("what was signed of the close of" in finding for finding in found(books, key))
    assert any("what was signed of the close of" in finding for finding in found(books))


def test_signatures_dropped_or_made_with_another_key_are_seen_by_who_has_the_key(books: Path, key: str) -> None:
    edit = "deposit", lambda places: places.__setitem__(3, places[3].replace("18:", "23:"))  # when it was
    for signatures, says in (("drop", "no close is signed by the key"), ("own", "which is not yours")):
        copy = Path(shutil.copy(books, books.with_name(f"{signatures}.db")))
        with Rewriter(copy, signatures) as forger:  # type: ignore[arg-type]
            forger.change(number_of(copy, edit[0]), edit[1])
        assert any(says in finding for finding in found(copy, key))
        assert any(finding.startswith("heads:") for finding in found(copy, heads=anchors(books)))
        assert not found(copy), "without key or anchor this cannot be excluded, and verify says so"


def test_an_edit_after_the_last_signed_close_is_found_by_an_anchor_only(books: Path, key: str) -> None:
    last = number_of(books, "deposit", last=True)
    database = Database.open(str(books), read_only=True)
    with database.read() as tx:
        head = tx.row("SELECT id, hash FROM operation ORDER BY id DESC LIMIT 1")
    database.close()
    assert head is not None
    printed = int(head[0]), bytes(head[1]).hex()[:16]  # on the receipt
    with Rewriter(books) as forger:
        forger.change(last, lambda places: places.__setitem__(3, places[3].replace("18:", "19:")))
    assert not found(books, key, heads=anchors(books))
    assert [f.split(":")[0] for f in found(books, heads=[printed])] == ["heads"]


def test_a_cut_tail_and_an_old_copy(books: Path, key: str) -> None:
    """Cut within the signed part the key cannot tell; the anchor, or a receipt, can."""
    with Rewriter(books) as forger:
        forger.cut_after = number_of(books, "sign-close")
    assert not found(books, key)
    assert any("cut" in finding or "heads" in finding for finding in found(books, heads=anchors(books)))


# ruff: noqa: E501  (a case is a line)
#: What somebody types into the sqlite3 shell, and the check that says so.
SHELL: dict[str, tuple[str, str]] = {
    "an amount": ("UPDATE posting SET amount = amount * 3 WHERE entry_id = 1", "entries"),
    "an actor": ("UPDATE operation SET actor = 'tom' WHERE kind = 'deposit'", "columns"),
    "a date": ("UPDATE entry SET effective_on = '2026-02-01' WHERE id = 2", "entries"),
    "the owner of an account": ("UPDATE account SET holder = 'M0002' WHERE holder = 'M0001'", "rows"),
    "a loan's terms": ("UPDATE record SET body = replace(body, '\"6\"', '\"1\"') WHERE kind = 'loan-terms'", "rows"),
    "a rate table": ("UPDATE record SET body = replace(body, '90', '30') WHERE kind = 'allowance-table'", "rows"),
    "a user's role": ("UPDATE record SET body = replace(body, 'loan-officer', 'administrator') WHERE kind = 'user'", "rows"),
    "an approval": ("UPDATE operation SET approver = 'sue' WHERE approver = 'tom'", "columns"),
    "a request": ("UPDATE record SET body = replace(body, 'ana', 'tom') WHERE kind = 'request'", "rows"),
    "a period state": ("UPDATE period_state SET state = 'open' WHERE state = 'closed'", "rows"),
    "a guard": ("UPDATE account SET floor = NULL, ceiling = NULL", "rows"),
    "a signature": ("UPDATE record SET body = replace(body, 'coopbank close', 'coopbank Close') WHERE kind = 'close-signature'", "rows"),
    "the signing key": ("UPDATE record SET body = replace(body, 'a', 'b') WHERE kind = 'signing-key'", "rows"),
    "a balance": ("UPDATE balance SET credit = credit + 100000 WHERE credit > 0", "caches"),
    "a policy": ("UPDATE record SET body = replace(body, '1000.00', '9000.00') WHERE kind = 'policy'", "rows"),
    "a taxpayer number": ("UPDATE personal SET value = NULL, salt = x'00' WHERE field = 'member_name'", "personal"),
}  # fmt: skip


@pytest.mark.parametrize("what", list(SHELL))
def test_an_edit_with_the_sqlite3_shell_is_named(books: Path, what: str) -> None:
    statement, check = SHELL[what]

    def edit(db: sqlite3.Connection) -> None:
        assert db.execute(statement).rowcount > 0

    with_guards_off(books, edit)
    findings = found(books)
    assert any(finding.startswith(f"{check}: ") for finding in findings), findings
    if check in ("entries", "columns"):
        database = Database.open(str(books), read_only=True)
        named = [f.operation for f in wrong(verify(database)) if f.check == check]
        database.close()
        assert all(number is not None for number in named), "it says which operation"


def test_the_guards_themselves_dropped_are_noticed(books: Path) -> None:
    db = sqlite3.connect(books)
    db.execute("DROP TRIGGER " + db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchone()[0])
    db.close()
    assert any(finding.startswith("schema: ") for finding in found(books))


def test_openssl_agrees_on_a_signed_close(books: Path, key: str, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    database = Database.open(str(books), read_only=True)
    with database.read() as tx:
        body = json.loads(tx.value("SELECT body FROM record WHERE kind = 'close-signature' LIMIT 1"))
    database.close()
    (tmp_path / "key.pem").write_bytes(PublicKeys(bytes.fromhex(key), bytes(32)).pem())
    (tmp_path / "sig").write_bytes(bytes.fromhex(body["signature"]))
    for text, code in ((body["text"], 0), (body["text"].replace("operation", "Operation"), 1)):
        (tmp_path / "text").write_text(text)
        done = subprocess.run(
            [openssl, "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "text", "-sigfile", "sig"],
            cwd=tmp_path, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout


def test_a_key_that_follows_another_is_endorsed_and_both_are_trusted(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "book.db")) as small:
        small.bank.make_keys(small.admin, PASSPHRASE)
        first = _public(small)
        small.go_to("2026-03-03")
        asked, _file = small.bank.make_keys(small.admin, PASSPHRASE)
        assert asked.status == "pending"
        small.do("approve", by=small.tom, request=asked.request)
        small.bank.authenticate("admin", PASSPHRASE)
        second = _public(small)
        assert first != second
        small.go_to("2026-03-04")
    place = tmp_path / "book.db"
    assert not found(place, first)
    assert not found(place, second), "the later key alone has signed the last close"
    assert any("no close is signed" in finding for finding in found(place, "ab" * 32))


def _public(small: SmallBank) -> str:
    assert small.bank.keys is not None
    return small.bank.keys.public.sign.hex()
