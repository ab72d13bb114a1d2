"""The book's key: what it signs and encrypts, whom it opens for, and what a stolen copy gives away."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from coopbank.bank import codes, records
from coopbank.bank.books import LOCKED
from coopbank.bank.keyring import KeyFile, Keyring, public_key_of_file, public_of, seal, signature_holds
from coopbank.bank.passphrases import Cost
from coopbank.bank.verify import verify
from coopbank.errors import (
    CodeWanted,
    DatabaseUnusable,
    InvalidValue,
    KeyReused,
    KeysLocked,
    NotAllowed,
    SignInRefused,
    WrongState,
)
from coopbank.ledger.verify import wrong
from tests.support_bank import PASSPHRASE, SmallBank, assert_books, new_bank

CHEAP = Cost(1, 8, 1)
TAX_ID = "123-45-6789"


@pytest.fixture
def small(engine_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallBank]:
    monkeypatch.setenv("COOPBANK_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("COOPBANK_BACKUPS", str(tmp_path / "backups"))
    with new_bank(engine_url) as bank:
        bank.bank.make_keys(bank.admin, PASSPHRASE)
        yield bank
        assert_books(bank)


def key_file(small: SmallBank) -> KeyFile:
    file = small.bank.key_file()
    assert file is not None
    return file


# ---------------------------------------------------------------------------------- the keyring


def nonce(count: int) -> bytes:
    return bytes(range(count))


def test_what_is_sealed_to_a_book_opens_with_its_secret_only() -> None:
    ring, other = Keyring(b"a" * 32), Keyring(b"b" * 32)
    box = seal(ring.public.seal, "Ñandú <b>".encode(), nonce)
    assert box.startswith(records.SEALED) and "and" not in box
    assert ring.open(box).decode() == "Ñandú <b>"
    assert Keyring(b"c" * 32, older=(b"a" * 32,)).open(box).decode() == "Ñandú <b>"
    for spoilt in (box[:-4], box[:-3] + "AAA", records.SEALED, records.SEALED + "!", box.replace("sealed:1:", "")[:9]):
        with pytest.raises(KeysLocked):
            ring.open(spoilt)
    with pytest.raises(KeysLocked):
        other.open(box)


def test_a_signature_is_of_that_key_and_that_text() -> None:
    ring = Keyring(b"a" * 32)
    signature = ring.sign(b"text")
    assert signature_holds(ring.public.sign, signature, b"text")
    assert not signature_holds(ring.public.sign, signature, b"Text")
    assert not signature_holds(public_of(b"b" * 32).sign, signature, b"text")
    assert not signature_holds(b"", b"", b"text")


def test_the_public_key_is_read_from_pem_or_hex() -> None:
    public = Keyring(b"a" * 32).public
    assert public_key_of_file(public.pem().decode()) == public_key_of_file(public.sign.hex() + "\n") == public.sign
    for text in ("", "no key", "ab", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"):
        assert public_key_of_file(text) is None


def test_a_key_file_opens_by_passphrase_and_by_token_and_holds_neither(tmp_path: Path) -> None:
    file, secret = KeyFile(tmp_path / "x.key"), b"s" * 32
    file.make("book", secret, "ana", PASSPHRASE, CHEAP, None)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert file.unlock("ana", PASSPHRASE) == Keyring(secret)
    assert file.unlock("ana", "another") is file.unlock("tom", PASSPHRASE) is None
    file.give(secret, "tom", "the treasurer's words")
    file.give_session(secret, "token")
    opened = file.unlock("tom", "the treasurer's words")
    assert opened is not None and opened.secret == secret
    assert file.unlock_session("token") == Keyring(secret) and file.unlock_session("other") is None
    file.take_session("token")
    assert file.unlock_session("token") is None
    text = file.path.read_text()
    assert secret.hex() not in text and PASSPHRASE not in text and "token" not in text
    with pytest.raises(DatabaseUnusable, match="exists"):
        file.make("book", secret, "ana", PASSPHRASE, CHEAP, None)
    file.keep_users(["ana"])
    assert file.unlock("tom", "the treasurer's words") is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"form": "coopbank-key/1"}', '{"form": "coopbank-key/1", "slots": []}']
)
def test_a_damaged_key_file_opens_nothing_and_is_no_traceback(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.key").write_text(text)
    file = KeyFile(tmp_path / "x.key")
    assert file.unlock("ana", PASSPHRASE) is file.unlock_session("t") is file.cost() is file.code("ana") is None


# ---------------------------------------------------------------------------------- in the bank


def test_whoever_signs_in_opens_it_and_a_close_is_signed(small: SmallBank) -> None:
    small.bank.keys = None
    small.go_to("2026-03-03")
    assert [v.count for v in verify(small.bank.database) if v.name == "unsigned closes"] == [1]
    small.bank.authenticate("admin", PASSPHRASE)
    small.go_to("2026-03-04")
    with small.read() as books:
        assert [body.text.split("\n")[2] for _ref, body in books.every(records.CloseSignature)] == [
            "close-day 2026-03-03"
        ]
    assert not wrong(verify(small.bank.database))


def test_a_colleague_gets_it_with_their_passphrase_and_an_auditor_does_not(small: SmallBank) -> None:
    small.bank.set_passphrase(small.admin, "ana", "ana's own words")
    small.bank.set_passphrase(small.admin, "sue", "sue's own words")
    small.bank.authenticate("ana", "ana's own words")
    assert small.bank.keys is not None
    small.bank.authenticate("sue", "sue's own words")
    assert small.bank.keys is None, "who only looks neither signs nor reads what is encrypted"


def test_a_kept_sign_in_opens_it_until_it_ends(small: SmallBank) -> None:
    token = small.bank.keep_sign_in(small.bank.authenticate("admin", PASSPHRASE))
    small.bank.keys = None
    assert small.bank.actor_of(token) is not None and small.bank.keys is not None
    small.bank.sign_out(token)
    assert small.bank.keys is None and key_file(small).unlock_session(token) is None


def test_a_taxpayer_number_is_encrypted_in_the_file_and_read_by_who_signed_in(small: SmallBank) -> None:
    small.do("admit-member", member_name="Mia Lee", tax_id=TAX_ID, key="once")
    with small.read() as books:
        kept = books.tx.rows("SELECT salt, value FROM personal WHERE field = 'tax_id'")
        member = books.get(records.Member, "M0001")
        assert books.personal(member.tax_id) == TAX_ID
    assert all(not bytes(salt) and TAX_ID not in value for salt, value in kept)
    again = small.do("admit-member", member_name="Mia Lee", tax_id=TAX_ID, key="once")
    assert again.status == "repeated"
    with pytest.raises(KeyReused):
        small.ask("admit-member", member_name="Mia Lee", tax_id="999-45-6789", key="once")
    small.bank.keys = None
    with small.read() as books:
        assert books.personal(member.tax_id) == LOCKED
        assert books.personal(member.name) == "Mia Lee"


def test_a_stolen_laptop_without_passphrases_gives_no_number_away(small: SmallBank, tmp_path: Path) -> None:
    small.do("admit-member", member_name="Mia Lee", tax_id=TAX_ID)
    if small.bank.database.path is None:
        pytest.skip("a file")
    stolen = tmp_path / "stolen"
    stolen.mkdir()
    for path in (small.bank.database.path, key_file(small).path):
        for end in ("", "-wal"):
            if path.with_name(path.name + end).exists():
                shutil.copy(path.with_name(path.name + end), stolen)
    everything = b"".join(path.read_bytes() for path in stolen.iterdir())
    assert b"Mia Lee" in everything, "names are not encrypted: the find box needs them"
    assert TAX_ID.encode() not in everything and TAX_ID.replace("-", "").encode() not in everything


def test_the_file_lost_closes_go_on_unsigned_and_a_new_key_needs_the_old_one(small: SmallBank) -> None:
    key_file(small).path.unlink()
    small.bank.authenticate("admin", PASSPHRASE)
    assert small.bank.keys is None
    small.go_to("2026-03-03")
    with pytest.raises(KeysLocked, match="not open"):
        small.bank.make_keys(small.admin, PASSPHRASE)


def test_a_key_that_nobody_endorsed_is_refused(small: SmallBank) -> None:
    with pytest.raises(InvalidValue, match="endorsed"):
        small.ask("set-signing-key", by=small.admin, sign="ab" * 32, seal="cd" * 32)
    with small.read() as books:
        known = books.get(records.SigningKey, "key")
    with pytest.raises(WrongState, match="already"):
        small.ask("set-signing-key", by=small.admin, sign=known.sign, seal=known.seal)


def test_an_anchor_is_kept_for_each_close_and_where_it_cannot_be_the_receipt_says_so(
    small: SmallBank, tmp_path: Path
) -> None:
    small.go_to("2026-03-03")
    small.go_to("2026-03-04")
    lines = (tmp_path / "backups" / "anchors.log").read_text().splitlines()
    assert [line.split()[2:4] for line in lines] == [["close-day", "2026-03-02"], ["close-day", "2026-03-03"]]
    with small.read() as books:
        for line in lines:
            number, head, *_rest, book = line.split()
            found = books.tx.value("SELECT hash FROM operation WHERE id = ?", int(number))
            assert bytes(found).hex()[:16] == head and small.bank.book.startswith(book)
    shutil.rmtree(tmp_path / "backups")
    (tmp_path / "backups").write_text("a file in the way")
    small.do("close-drawer", drawer="D1", counted="0.00")
    told = small.do("close-day")
    assert any(label == "No anchor was kept" for label, _why in told.notes)


# ------------------------------------------------------------------------------ one-time codes


def test_one_time_codes(small: SmallBank) -> None:
    secret = codes.new_secret(lambda count: b"x" * count)
    small.bank.set_code(small.admin, "admin", secret)
    now = small.clock.instant
    with pytest.raises(CodeWanted):
        small.bank.authenticate("admin", PASSPHRASE)
    good = codes.code_at(secret, now)
    for bad in ("000000", "", "١٢٣٤٥٦", good[::-1] + "1", codes.code_at(secret, now + timedelta(minutes=2))):
        with pytest.raises(SignInRefused):
            small.bank.authenticate("admin", PASSPHRASE, bad)
        small.clock.instant += timedelta(hours=2)  # the delay that grows with each
        now = small.clock.instant
    good = codes.code_at(secret, now)
    assert small.bank.authenticate("admin", PASSPHRASE, f" {good[:3]} {good[3:]} ").user == "admin"
    assert small.bank.keys is not None
    with pytest.raises(SignInRefused, match="was used"):
        small.bank.authenticate("admin", PASSPHRASE, good)
    assert small.bank.keys is None


def test_the_key_file_taken_away_does_not_take_the_codes_away(small: SmallBank) -> None:
    small.bank.set_code(small.admin, "admin", codes.new_secret(lambda count: b"x" * count))
    key_file(small).path.unlink()
    with pytest.raises(SignInRefused, match="key file"):
        small.bank.authenticate("admin", PASSPHRASE, "123456")


def test_codes_are_begun_by_oneself_and_ended_by_an_administrator(small: SmallBank) -> None:
    with pytest.raises(NotAllowed):
        small.bank.set_code(small.admin, "ana", "ABCDEFGH")
    small.bank.set_code(small.ana, "ana", codes.new_secret(lambda count: b"x" * count))
    with pytest.raises(NotAllowed):
        small.bank.set_code(small.tom, "ana", None)
    small.bank.set_code(small.admin, "ana", None)
    with small.read() as books:
        assert not books.get(records.User, "ana").one_time_code


def test_a_passphrase_that_somebody_else_knows_is_changed_first(small: SmallBank) -> None:
    small.bank.set_passphrase(small.admin, "ana", "from the administrator", must_change=True)
    with pytest.raises(NotAllowed, match="passphrase of your own"):
        small.ask("admit-member", member_name="Mia Lee")
    actor = small.bank.authenticate("ana", "from the administrator")
    small.bank.set_passphrase(actor, "ana", "my own words now")
    small.admit("Mia Lee")
    small.bank.authenticate("ana", "my own words now")
    assert small.bank.keys is not None


def test_a_right_passphrase_is_hashed_anew_at_the_banks_own_cost(small: SmallBank) -> None:
    file = key_file(small)
    held = json.loads(file.path.read_text())
    held["cost"] = [2, 16, 1]
    file.path.write_text(json.dumps(held))
    small.bank.authenticate("admin", PASSPHRASE)
    with small.read() as books:
        hashed = books.tx.value("SELECT hash FROM credential WHERE \"user\" = 'admin'")
    assert "m=16,t=2,p=1" in hashed
    assert small.bank.authenticate("admin", PASSPHRASE).user == "admin"


def test_a_new_file_of_books_is_its_owners_only(tmp_path: Path) -> None:
    with new_bank(str(tmp_path / "book.db")) as small:
        small.bank.make_keys(small.admin, PASSPHRASE)
        small.admit("Mia Lee")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir() if path.is_file()}
    assert set(modes.values()) == {0o600}, modes


def test_books_without_a_key_work_as_before(engine_url: str) -> None:
    with new_bank(engine_url) as small:
        assert small.bank.key_file() is None
        small.do("admit-member", member_name="Mia Lee", tax_id=TAX_ID)
        with small.read() as books:
            assert books.personal(books.get(records.Member, "M0001").tax_id) == TAX_ID
        small.go_to("2026-03-03")
        assert_books(small)
