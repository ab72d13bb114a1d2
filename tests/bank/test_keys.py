"""The book's key: what it signs and encrypts, whom it opens for, and what a stolen copy gives away."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from coopbank.bank import codes, passphrases, records
from coopbank.bank.bank import Bank
from coopbank.bank.books import LOCKED
from coopbank.bank.keyring import KeyFile, Keyring, public_key_of_file, public_of, seal, signature_holds
from coopbank.bank.passphrases import SESSION_HOURS, Cost
from coopbank.bank.verify import verify
from coopbank.database import Transaction
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
NOON = datetime(2026, 3, 2, 18, tzinfo=UTC)
TAX_ID = "123-45-6789"


@pytest.fixture
def small(with_keys: SmallBank) -> SmallBank:
    return with_keys


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
    file.give_session(secret, "token", "ana", NOON)
    opened = file.unlock("tom", "the treasurer's words")
    assert opened is not None and opened.secret == secret
    assert file.unlock_session("token") == Keyring(secret) and file.unlock_session("other") is None
    file.take_session("token")
    assert file.unlock_session("token") is None
    text = file.path.read_text()
    assert secret.hex() not in text and PASSPHRASE not in text and "token" not in text
    with pytest.raises(DatabaseUnusable, match="exists"):
        file.make("another book", secret, "ana", PASSPHRASE, CHEAP, None)
    with pytest.raises(DatabaseUnusable, match="exists"):
        file.make("book", b"t" * 32, "ana", PASSPHRASE, CHEAP, None)
    assert not file.make("book", secret, "sue", "a demonstration's", CHEAP, None), "made again, with the secret it had"
    assert file.unlock("sue", "a demonstration's") == file.unlock("ana", PASSPHRASE) == Keyring(secret)
    file.keep_users(["ana"])
    assert file.unlock("tom", "the treasurer's words") is None


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"form": "coopbank-key/1"}', '{"form": "coopbank-key/1", "slots": []}', "[" * 200_000,
     '{"form": "coopbank-key/1", "older": [1], "codes": {}, "cost": [true, 1, 1], "slots": {"user:ana": 1}}'],
)  # fmt: skip
def test_a_damaged_key_file_opens_nothing_and_is_no_traceback(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.key").write_text(text)
    file = KeyFile(tmp_path / "x.key")
    assert file.unlock("ana", PASSPHRASE) is file.unlock_session("t") is file.cost() is file.code("ana") is None


@pytest.mark.parametrize("where", ["salt", "cost", "box"])
@pytest.mark.parametrize("value", [None, 1, "x", "00", [], {}, [10**12, 10**12, 1], [1, 1, 1], [True, True, True], "é"])
def test_a_slot_of_wrong_types_opens_nothing_and_is_no_traceback(tmp_path: Path, where: str, value: object) -> None:
    file = KeyFile(tmp_path / "x.key")
    file.make("book", b"s" * 32, "ana", PASSPHRASE, CHEAP, None)
    held = json.loads(file.path.read_text())
    held["slots"]["user:ana"][where] = value
    held["older"] = [value]
    file.path.write_text(json.dumps(held))
    assert file.unlock("ana", PASSPHRASE) is None


def test_two_programs_that_put_slots_at_once_lose_none(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "x.key")
    file.make("book", b"s" * 32, "ana", PASSPHRASE, CHEAP, None)

    def put(person: int) -> None:
        for count in range(10):
            file.give_session(b"s" * 32, f"{person} {count}", "ana", NOON)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put, range(4)))
    assert all(file.unlock_session(f"{person} {count}") for person in range(4) for count in range(10))


def test_a_key_that_the_books_name_is_on_the_disk_by_its_name_and_half_a_file_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut keeps a new name only where its folder was synced after it was given."""
    synced: list[tuple[int, set[str]]] = []

    def sync(handle: int) -> None:
        done(handle)
        synced.append((os.fstat(handle).st_ino, {each.name for each in tmp_path.iterdir()}))

    done = os.fsync
    monkeypatch.setattr(os, "fsync", sync)
    file = KeyFile(tmp_path / "coopbank.0123abcd.key")
    left = tmp_path / f".{file.path.name}.1f2e3d4c.part"
    left.write_bytes(b"half")
    file.make("book", b"s" * 32, "tom", PASSPHRASE, CHEAP, None)
    assert file.unlock("tom", PASSPHRASE) is not None
    assert [names for inode, names in synced if inode == tmp_path.stat().st_ino] == [{file.path.name}]


def test_slots_of_sign_ins_that_ended_make_room_and_a_new_passphrase_ends_them(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "x.key")
    file.make("book", b"s" * 32, "ana", PASSPHRASE, CHEAP, None)
    file.give_session(b"s" * 32, "yesterday's", "ana", NOON - timedelta(hours=SESSION_HOURS))
    file.give_session(b"s" * 32, "tom's", "tom", NOON)
    file.give_session(b"s" * 32, "ana's", "ana", NOON)
    assert file.unlock_session("yesterday's") is None and file.unlock_session("ana's") is not None
    file.give(b"s" * 32, "ana", "other words now")
    assert file.unlock_session("ana's") is None and file.unlock_session("tom's") is not None


def test_a_code_counts_once_whoever_tries_at_the_same_moment(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "x.key")
    file.make("book", b"s" * 32, "ana", PASSPHRASE, CHEAP, None)
    file.keep_code("ana", {"secret": "", "used": 0})
    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(lambda _n: file.use_code("ana", 7), range(8))) == [False] * 7 + [True]
    for spoilt in (None, "x", [], {}, 1.5):
        file.keep_code("ana", {"secret": "", "used": spoilt})
        assert not file.use_code("ana", 8)
    assert not file.use_code("tom", 8)


@pytest.mark.parametrize("text", [b"", b"\xff", b"not base 32!", b"JBSWY3DP"])
def test_a_code_that_somebody_wrote_into_the_file_is_no_traceback(tmp_path: Path, text: bytes) -> None:
    file, ring = KeyFile(tmp_path / "x.key"), Keyring(b"s" * 32)
    file.make("book", b"s" * 32, "ana", PASSPHRASE, CHEAP, None)
    file.keep_code("ana", {"secret": seal(ring.public.seal, text, nonce), "used": 0})
    with pytest.raises(SignInRefused):
        codes.require(ring, file, "ana", "123456", NOON)


SMALL_ORDER = ["01" + "00" * 31, "00" * 32, "ec" + "ff" * 30 + "7f", "00" * 31 + "80",
               "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"]  # fmt: skip


@pytest.mark.parametrize("key", SMALL_ORDER)
def test_a_key_for_which_anybody_can_sign_signs_nothing(key: str) -> None:
    identity = bytes.fromhex("01" + "00" * 31)
    assert not signature_holds(bytes.fromhex(key), identity + bytes(32), b"anything")
    assert not signature_holds(bytes.fromhex(key), bytes.fromhex(key) + bytes(32), b"anything")


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
    small.give_passphrase("ana", "ana's own words")
    small.give_passphrase("sue", "sue's own words")
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


def test_a_key_that_is_none_is_refused_before_anything_is_encrypted_to_it(engine_url: str) -> None:
    good = Keyring(b"k" * 32).public
    with new_bank(engine_url) as small:
        for sign, seal_to in (*((each, good.seal.hex()) for each in SMALL_ORDER), (good.sign.hex(), "00" * 32),
                              ("ab" * 64, "cd" * 64)):  # fmt: skip
            with pytest.raises(InvalidValue):
                small.ask("set-signing-key", by=small.admin, sign=sign, seal=seal_to)
        small.do("admit-member", member_name="Mia Lee", tax_id=TAX_ID)


def test_a_folder_for_anchors_that_cannot_be_named_is_told(small: SmallBank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COOPBANK_BACKUPS", "~nobody-of-that-name/backups")
    small.do("close-drawer", drawer="D1", counted="0.00")
    assert any(label == "No anchor was kept" for label, _why in small.do("close-day").notes)


def test_a_failed_sign_in_leaves_nobodys_key_open(small: SmallBank) -> None:
    assert small.bank.keys is not None
    with pytest.raises(SignInRefused):
        small.bank.authenticate("sue", "not her words")
    assert small.bank.keys is None


def test_who_has_left_or_only_looks_has_no_slot_any_more(small: SmallBank) -> None:
    small.give_passphrase("ana", "ana's own words")
    small.give_passphrase("tom", "tom's own words")
    small.agreed("change-role", by=small.admin, user="ana", user_roles=["auditor"])
    assert key_file(small).unlock("ana", "ana's own words") is None
    assert key_file(small).unlock("tom", "tom's own words") is not None


def test_who_gets_a_slot_while_another_loses_theirs_keeps_it(
    small: SmallBank, engine_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose slots stay is read from the books; somebody may be given one before the others are taken."""
    small.give_passphrase("ana", "words of ana alone")
    asked = small.ask("add-user", by=small.admin, user="eve", full_name="Eve", user_roles=["teller"])
    keep = KeyFile.keep_users

    def employ() -> None:
        other = Bank.open(engine_url, clock=small.clock)
        try:
            admin = other.authenticate("admin", PASSPHRASE)
            other.perform(small.tom, other.build("approve", {"request": asked.request}))
            other.set_passphrase(admin, "eve", "a first one for eve")
        finally:
            other.close()

    with ThreadPoolExecutor(1) as pool:
        meanwhile = []

        def keep_users(file: KeyFile, users: Iterable[str]) -> None:
            wanted = list(users)
            if not meanwhile:
                meanwhile.append(pool.submit(employ))
                wait(meanwhile, timeout=1)  # it waits for the book, if that is ours
            keep(file, wanted)

        monkeypatch.setattr(KeyFile, "keep_users", keep_users)
        small.agreed("change-role", by=small.admin, user="ana", user_roles=["auditor"])
        meanwhile[0].result()
    file = small.bank.key_file()
    assert file is not None and file.opens_for("eve") and not file.opens_for("ana")


def test_a_key_that_stands_in_the_books_keeps_its_file_whatever_came_after(
    engine_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its secret no other key could ever follow it."""
    monkeypatch.setenv("COOPBANK_KEYS", str(tmp_path / "keys"))

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with new_bank(engine_url) as small:
        with monkeypatch.context() as patched:
            patched.setattr(Bank, "_carried_out", interrupted)  # the answer of the commit is there, and lost
            with pytest.raises(KeyboardInterrupt):
                small.bank.make_keys(small.admin, PASSPHRASE)
        file = key_file(small)
        small.bank.keys = file.unlock("admin", PASSPHRASE)
        assert small.bank.keys is not None
        monkeypatch.setattr(Bank, "_perform_once", interrupted)  # nothing is done, and nothing is left
        with pytest.raises(KeyboardInterrupt):
            small.bank.make_keys(small.admin, PASSPHRASE)
        assert list(file.path.parent.glob("*.key")) == [file.path]


@contextmanager
def _little_memory() -> Iterator[None]:
    """Nothing of 64 MiB is to be had, even if some 40 MB were given back while it is so."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + 20_000_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="no other system holds to such a limit")
def test_without_memory_for_a_passphrase_it_is_neither_right_nor_wrong(small: SmallBank, tmp_path: Path) -> None:
    """A machine that has no memory left locked its tellers out, as if they had typed something wrong."""
    cost = Cost(1, passphrases.USUAL_KIB, 1)
    with small.bank.database.write() as tx:
        passphrases.set_passphrase(tx, "tom", PASSPHRASE, cost)
    file = KeyFile(tmp_path / "x.key")
    file.make("book", b"s" * 32, "tom", PASSPHRASE, cost, None)
    for _each in range(5):
        with _little_memory(), pytest.raises(SignInRefused, match="memory"):
            small.bank.authenticate("tom", PASSPHRASE)
    with _little_memory(), pytest.raises(SignInRefused, match="memory"):
        file.unlock("tom", PASSPHRASE)
    with _little_memory(), small.bank.database.write() as tx, pytest.raises(SignInRefused, match="memory"):
        passphrases.set_passphrase(tx, "ana", PASSPHRASE, cost)
    assert small.bank.authenticate("tom", PASSPHRASE).user == "tom"
    assert file.unlock("tom", PASSPHRASE) is not None
    with small.read() as books:
        assert books.tx.value("SELECT count(*) FROM operation WHERE kind = 'log-refusal'") == 0


@pytest.mark.parametrize("words", ["the right words", "wrong words as well"])
def test_a_burst_of_tries_learns_no_more_than_its_first(
    small: SmallBank, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    """Tries that all began before one of them was counted: what follows the lockout is told nothing, right or wrong."""
    small.give_passphrase("tom", "the right words")
    verify_first = passphrases.passphrase_matches

    def meanwhile(tx: Transaction, user: str, passphrase: str, now: datetime) -> tuple[bool, str | None]:
        told = verify_first(tx, user, passphrase, now)
        monkeypatch.setattr(passphrases, "passphrase_matches", verify_first)
        other = Bank.open(small.bank.database.place, clock=small.clock)
        for _each in range(4):
            with pytest.raises(SignInRefused, match="is wrong"):
                other.authenticate("tom", "no, others")
        other.close()
        return told

    monkeypatch.setattr(passphrases, "passphrase_matches", meanwhile)
    with pytest.raises(SignInRefused, match="Too many"):
        small.bank.authenticate("tom", words)
    assert small.bank.keys is None


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


def test_codes_are_begun_by_oneself_and_ended_by_two_others(small: SmallBank) -> None:
    with pytest.raises(NotAllowed):
        small.bank.set_code(small.admin, "ana", "ABCDEFGH")
    small.bank.set_code(small.ana, "ana", codes.new_secret(lambda count: b"x" * count))
    for colleague in (small.tom, small.admin):
        with pytest.raises(NotAllowed):
            small.bank.set_code(colleague, "ana", None)
    small.agreed("reset-sign-in", by=small.admin, user="ana", passphrase=False, codes=True)
    with small.read() as books:
        assert not books.get(records.User, "ana").one_time_code


def test_a_passphrase_that_somebody_else_knows_is_changed_first(small: SmallBank) -> None:
    small.bank.set_passphrase(small.admin, "ana", "from the administrator")
    with pytest.raises(NotAllowed, match="passphrase of your own"):
        small.ask("admit-member", member_name="Mia Lee")
    actor = small.bank.authenticate("ana", "from the administrator")
    small.bank.set_passphrase(actor, "ana", "my own words now")
    small.admit("Mia Lee")
    small.bank.authenticate("ana", "my own words now")
    assert small.bank.keys is not None


def test_who_has_to_choose_a_passphrase_does_nothing_else_before(small: SmallBank) -> None:
    small.agreed("add-user", by=small.admin, user="bea", full_name="Bea", user_roles=["administrator"])
    small.bank.set_passphrase(small.admin, "bea", "from the administrator")
    bea = small.bank.authenticate("bea", "from the administrator")
    with pytest.raises(NotAllowed, match="passphrase of your own"):
        small.bank.set_passphrase(bea, "tom", "words that bea knows")
    with pytest.raises(NotAllowed, match="passphrase of your own"):
        small.bank.set_code(bea, "bea", codes.new_secret(nonce))


def test_one_time_codes_outlive_a_new_key(small: SmallBank) -> None:
    secret = codes.new_secret(lambda count: b"x" * count)
    small.bank.set_code(small.admin, "admin", secret)
    asked, _file = small.bank.make_keys(small.admin, PASSPHRASE)
    small.do("approve", by=small.tom, request=asked.request)
    small.bank.authenticate("admin", PASSPHRASE, codes.code_at(secret, small.clock.instant))
    assert small.bank.keys is not None


def test_a_passphrase_is_not_set_where_it_would_lock_out_who_has_codes(small: SmallBank) -> None:
    small.give_passphrase("ana", "ana's first words")
    small.bank.set_code(small.ana, "ana", codes.new_secret(nonce))
    small.bank.keys = None
    small.agreed("reset-sign-in", by=small.admin, user="ana")
    with pytest.raises(KeysLocked, match="one-time codes"):
        small.bank.set_passphrase(small.admin, "ana", "ana's second words")
    with pytest.raises(CodeWanted):
        small.bank.authenticate("ana", "ana's first words")


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


def test_a_new_passphrase_opens_a_file_whose_cost_was_damaged_and_the_old_one_no_more(small: SmallBank) -> None:
    file = key_file(small)
    held = json.loads(file.path.read_text())
    file.path.write_text(json.dumps({**held, "cost": ["cheap"]}))
    actor = small.bank.authenticate("admin", PASSPHRASE)
    small.bank.set_passphrase(actor, "admin", "words that are new here")
    assert file.unlock("admin", "words that are new here") is not None
    assert file.unlock("admin", PASSPHRASE) is None
    assert file.cost() is not None


def test_a_demonstration_made_again_opens_its_damaged_key_file(tmp_path: Path) -> None:
    for name in ("book.db", "again.db"):
        with new_bank(str(tmp_path / name)) as small:
            _receipt, file = small.bank.make_keys(small.admin, PASSPHRASE, secret=b"s" * 32)
            assert small.bank.keys is not None, name
        held = json.loads(file.path.read_text())
        file.path.write_text(json.dumps({**held, "cost": None, "slots": {}}))
