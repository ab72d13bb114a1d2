"""Sealed files: what was written is read, and nothing else is, whatever was done to the file."""

from __future__ import annotations

import hashlib
import os
import stat
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from coopbank.bank import sealed_files
from coopbank.bank.keyring import Keyring
from coopbank.bank.sealed_files import CHUNK, content_of, hash_of, header_of, is_sealed, seal_file, unseal_file
from coopbank.errors import AlreadyExists, CoopbankError, DatabaseUnusable, FileDamaged, KeysLocked

RING = Keyring(b"a" * 32)
BOX = CHUNK + 16
HEADER = 81


def sealed(folder: Path, content: bytes, ring: Keyring = RING, pieces: int = 1000) -> Path:
    file = folder / f"{hashlib.sha256(content).hexdigest()[:12]}.sealed"
    file.unlink(missing_ok=True)
    written = seal_file(
        lambda: (content[at : at + pieces] for at in range(0, len(content), pieces)), file, ring.public.seal, os.urandom
    )
    assert written == hash_of(file)
    assert written.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    return file


def opened(file: Path, ring: Keyring = RING) -> bytes:
    return b"".join(content_of(file, ring))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sealed")


SIZES = [0, 1, 999, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1, 3 * CHUNK - 1]


@pytest.mark.parametrize("size", SIZES)
def test_what_was_written_is_read(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    file = sealed(tmp_path, content, pieces=70_001)
    assert opened(file) == content
    assert opened(file, Keyring(b"c" * 32, older=(b"a" * 32,))) == content
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert is_sealed(file) and header_of(file)[17:49] == RING.public.seal
    chunks = max(1, -(-size // CHUNK))
    assert file.stat().st_size == HEADER + size + 16 * chunks
    unseal_file(file, tmp_path / "open", RING)
    assert (tmp_path / "open").read_bytes() == content
    assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == 0o600


@given(content=st.binary(max_size=300), pieces=st.integers(1, 50))
def test_any_content_in_any_pieces(folder: Path, content: bytes, pieces: int) -> None:
    assert opened(sealed(folder, content, pieces=pieces)) == content


def test_every_byte_that_is_changed_is_noticed(tmp_path: Path) -> None:
    file = sealed(tmp_path, b"Mia Lee, 150.00\n" * 3)
    good = file.read_bytes()
    for at in range(len(good)):
        for flip in (0x01, 0x80, 0xFF):
            spoilt = bytearray(good)
            spoilt[at] ^= flip
            file.write_bytes(spoilt)
            with pytest.raises((FileDamaged, KeysLocked)):
                opened(file)
    file.write_bytes(good)
    assert opened(file)


def test_every_place_at_which_it_is_cut_is_noticed(tmp_path: Path) -> None:
    file = sealed(tmp_path, b"Mia Lee, 150.00\n" * 3)
    good = file.read_bytes()
    for length in range(len(good)):
        file.write_bytes(good[:length])
        with pytest.raises(FileDamaged):
            opened(file)
    for more in (b"\0", b"x" * 16, b"x" * BOX, good[HEADER:], good):
        file.write_bytes(good + more)
        with pytest.raises(FileDamaged):
            opened(file)


def boxes(file: Path) -> tuple[bytes, list[bytes]]:
    whole = file.read_bytes()
    return whole[:HEADER], [whole[at : at + BOX] for at in range(HEADER, len(whole), BOX)]


@pytest.mark.parametrize("size", [3 * CHUNK, 3 * CHUNK + 5])
def test_chunks_that_are_moved_left_out_or_repeated_are_noticed(tmp_path: Path, size: int) -> None:
    file = sealed(tmp_path, os.urandom(size))
    header, parts = boxes(file)

    def refused(*order: int) -> None:
        file.write_bytes(header + b"".join(parts[each] for each in order))
        with pytest.raises(FileDamaged):
            opened(file)

    everything = tuple(range(len(parts)))
    for cut in everything:
        refused(*everything[:cut])
        refused(*everything[:cut], *everything[cut + 1 :])
        refused(*everything[: cut + 1], *everything[cut:])
    refused(1, 0, *everything[2:])
    refused(*everything, everything[-1])
    file.write_bytes(header + b"".join(parts))
    assert len(opened(file)) == size


def test_chunks_of_another_file_of_the_same_book_are_noticed(tmp_path: Path) -> None:
    one, two = sealed(tmp_path, b"1" * 2 * CHUNK), sealed(tmp_path, b"2" * 2 * CHUNK)
    (head, (first, _last)), (_other, (_first, last)) = boxes(one), boxes(two)
    one.write_bytes(head + first + last)
    with pytest.raises(FileDamaged):
        opened(one)


def test_an_empty_last_chunk_stands_only_in_an_empty_file(tmp_path: Path) -> None:
    """Two ways to write the same content would be two files that say the same."""
    key = sealed_files.FileKey.new(RING.public.seal, os.urandom)
    box = ChaCha20Poly1305(key.key)
    file = tmp_path / "odd"
    file.write_bytes(
        key.header + box.encrypt(bytes(12), b"x" * CHUNK, None) + box.encrypt(bytes(10) + b"\1\1", b"", None)
    )
    with pytest.raises(FileDamaged):
        opened(file)


def test_another_book_cannot_open_it_and_is_told_whose_it_is(tmp_path: Path) -> None:
    file = sealed(tmp_path, b"x")
    with pytest.raises(KeysLocked) as refusal:
        opened(file, Keyring(b"b" * 32))
    assert RING.public.seal.hex()[:16] in str(refusal.value)


def test_another_program_can_read_it_by_the_description(tmp_path: Path) -> None:
    content = os.urandom(2 * CHUNK + 77)
    file = sealed(tmp_path, content)
    secret = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"coopbank seal").derive(b"a" * 32)
    with file.open("rb") as stream:
        header = stream.read(HEADER)
        assert header[:17] == b"coopbank sealed\n\x01"
        shared = X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(header[49:]))
        key = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"coopbank file" + header).derive(shared)
        chunks = []
        while chunk := stream.read(BOX):
            chunks.append(chunk)
    text = b""
    for number, chunk in enumerate(chunks):
        last = number == len(chunks) - 1
        text += ChaCha20Poly1305(key).decrypt(number.to_bytes(11, "big") + bytes([last]), chunk, None)
    assert text == content


@pytest.mark.parametrize("raw", [b"", b"coopbank", b"Dear members,\n" * 20, b"coopbank sealed\n\x02" + bytes(100)])
def test_what_is_no_sealed_file_is_refused(tmp_path: Path, raw: bytes) -> None:
    file = tmp_path / "letter"
    file.write_bytes(raw)
    with pytest.raises(FileDamaged):
        opened(file)
    with pytest.raises(FileDamaged):
        header_of(file)


def test_a_public_key_that_is_none_is_refused(tmp_path: Path) -> None:
    file = sealed(tmp_path, b"x")
    raw = file.read_bytes()
    file.write_bytes(raw[:49] + bytes(32) + raw[81:])  # a point whose shared secret is always zero
    with pytest.raises(FileDamaged):
        opened(file)


def test_nothing_is_overwritten_and_nothing_half_is_left(tmp_path: Path) -> None:
    file = sealed(tmp_path, b"x")
    (tmp_path / "there").write_text("mine")
    with pytest.raises(AlreadyExists):
        unseal_file(file, tmp_path / "there", RING)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(FileDamaged):
        unseal_file(file, tmp_path / "open", RING)
    with pytest.raises(AlreadyExists):
        seal_file(lambda: [b"y"], tmp_path / "there", RING.public.seal, os.urandom)
    seal_file(lambda: [b"y"], tmp_path / "there", RING.public.seal, os.urandom, replace=True)
    assert opened(tmp_path / "there") == b"y"
    with pytest.raises(DatabaseUnusable, match="cannot be read"):
        opened(tmp_path / "nowhere")
    with pytest.raises(DatabaseUnusable, match="cannot be written"):
        seal_file(lambda: [b"y"], tmp_path / "nowhere" / "x", RING.public.seal, os.urandom)
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(["there", file.name])


def test_a_disk_that_wrote_something_else_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read back is not what was written: no file is left under its name."""
    lock = sealed_files.FileKey.lock

    def wrong(self: sealed_files.FileKey, content: Iterator[bytes]) -> Iterator[bytes]:
        for number, piece in enumerate(lock(self, content)):
            yield piece if number == 0 else bytes(len(piece))

    monkeypatch.setattr(sealed_files.FileKey, "lock", wrong)
    with pytest.raises(CoopbankError, match="damaged"):
        seal_file(lambda: [b"y"], tmp_path / "x", RING.public.seal, os.urandom)
    assert list(tmp_path.iterdir()) == []


def test_a_large_file_takes_no_more_memory_than_a_small_one(tmp_path: Path) -> None:
    def content() -> Iterator[bytes]:
        for _ in range(400):
            yield bytes(CHUNK)

    tracemalloc.start()
    try:
        seal_file(content, tmp_path / "x", RING.public.seal, os.urandom)
        for _piece in content_of(tmp_path / "x", RING):
            pass
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()
