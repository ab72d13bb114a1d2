"""Files encrypted to a book's key: backups and vital records. Writing needs no secret, reading needs a sign-in.

The format, so that another program can read it. All integers are bytes in network order, nothing is padded.

    magic       16 bytes  "coopbank sealed\\n"
    version      1 byte   1
    recipient   32 bytes  the book's public sealing key (X25519), as in its record `signing-key`
    ephemeral   32 bytes  a public key (X25519) made for this file alone
    chunks                one after the other to the end of the file

The key of the file is HKDF-SHA256, 32 bytes, no salt, of the X25519 secret shared between ephemeral and recipient; its
info is "coopbank file" followed by the 81 bytes above, so that a changed header is another key. The content is cut
into chunks of 65,536 bytes, of which only the last may be shorter; each is ChaCha20-Poly1305 under that key without
associated data, 16 bytes longer than what it holds. Its nonce is 12 bytes: 11 of the chunk's number, from 0, and one
that is 1 for the last chunk and 0 for all others (STREAM, as in `age`). An empty last chunk stands only in a file
without content.

So a chunk that was changed, moved, repeated or left out does not open, and a file that was cut has no last chunk.
A reader has no more than one chunk in memory. What it was given before a fault is found is not to be used: this
module's own `unseal_file` gives a file its name only when the last chunk was read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import IO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from coopbank.bank.keyring import Keyring, derived
from coopbank.bank.whole_files import whole_file
from coopbank.errors import DatabaseUnusable, FileDamaged, KeysLocked

MAGIC: Final = b"coopbank sealed\n"
VERSION: Final = b"\x01"
CHUNK: Final = 65_536
_TAG: Final = 16
_HEADER: Final = len(MAGIC) + len(VERSION) + 64


@dataclass(frozen=True, slots=True)
class Written:
    """A file as it was read back after it was written."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class FileKey:
    """The header of a sealed file, and the key that opens it."""

    header: bytes
    key: bytes = field(repr=False)

    @classmethod
    def new(cls, public: bytes, nonce: Callable[[int], bytes]) -> FileKey:
        """For a new file; only the book's people can read it, and whoever holds this object."""
        one_time = X25519PrivateKey.from_private_bytes(nonce(32))
        header = MAGIC + VERSION + public + one_time.public_key().public_bytes_raw()
        return cls(header, _key(header, one_time.exchange(X25519PublicKey.from_public_bytes(public))))

    @classmethod
    def of(cls, header: bytes, keys: Keyring, file: str) -> FileKey:
        """Of a file that is there; refused if it was sealed to another book."""
        require_header(header, file)
        recipient, ephemeral = header[17:49], header[49:]
        try:
            shared = keys.shared(recipient, ephemeral)
        except ValueError:
            raise damaged(file) from None
        if shared is None:
            raise KeysLocked(
                "{file} was encrypted under another key: that of other books, or a later one.", field="file", file=file,
                hint="Its key file is the one whose line `seal` begins with {seal}.", seal=recipient.hex()[:16],
            )  # fmt: skip
        return cls(header, _key(header, shared))

    def lock(self, content: Iterable[bytes]) -> Iterator[bytes]:
        """The file, part by part."""
        box = ChaCha20Poly1305(self.key)
        yield self.header
        number, held = 0, bytearray()
        for piece in content:
            held += piece
            while len(held) > CHUNK:  # one chunk is held back, since the last is marked
                yield box.encrypt(_nonce(number, last=False), bytes(held[:CHUNK]), None)
                del held[:CHUNK]
                number += 1
        yield box.encrypt(_nonce(number, last=True), bytes(held), None)

    def unlock(self, chunks: IO[bytes], file: str) -> Iterator[bytes]:
        """The content, chunk by chunk, from what follows the header; refused where it is not what was written."""
        box = ChaCha20Poly1305(self.key)
        number, held = 0, chunks.read(CHUNK + _TAG)
        while True:
            following = chunks.read(CHUNK + _TAG) if len(held) == CHUNK + _TAG else b""
            try:
                content = box.decrypt(_nonce(number, last=not following), held, None)
            except (InvalidTag, ValueError):
                raise damaged(file) from None
            if number and not content:
                raise damaged(file)
            yield content
            if not following:
                return
            number, held = number + 1, following


def _key(header: bytes, shared: bytes) -> bytes:
    return derived(shared, b"coopbank file" + header)


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def damaged(file: str) -> FileDamaged:
    """The refusal of a file that is not what was written."""
    return FileDamaged(
        "{file} is damaged: it was cut, or changed since it was written.", field="file", file=file,
        hint="Nothing of it was used. Take another copy.",
    )  # fmt: skip


# ---------------------------------------------------------------------------------- files


def is_sealed(file: Path) -> bool:
    """Whether a file begins as sealed ones do; `OSError` if it cannot be read."""
    with file.open("rb") as opened:
        return opened.read(len(MAGIC)) == MAGIC


def header_of(file: Path) -> bytes:
    """The header of a sealed file, looked at; it says to whom it was sealed."""
    with _reading(file) as opened:
        header = opened.read(_HEADER)
    require_header(header, str(file))
    return header


def recipient_of(header: bytes) -> bytes:
    """The public sealing key of the book that it was sealed to."""
    return header[17:49]


def require_header(header: bytes, file: str) -> None:
    """Refuse what is no sealed file, or one of a version that this program does not know."""
    if header[: len(MAGIC)] != MAGIC:
        raise FileDamaged(
            "{file} is no sealed file of coopbank, or its beginning is damaged.", field="file", file=file,
            hint="Name a file that coopbank encrypted.",
        )  # fmt: skip
    if header[len(MAGIC) : len(MAGIC) + 1] not in (VERSION, b""):
        raise FileDamaged(
            "{file} is sealed in form {version}, which this program does not know.", field="file", file=file,
            version=header[len(MAGIC)], hint="Use a newer coopbank, or another copy if the file is damaged.",
        )  # fmt: skip
    if len(header) != _HEADER:
        raise damaged(file)


def seal_file(
    content: Callable[[], Iterable[bytes]], to: Path, public: bytes, nonce: Callable[[int], bytes], *,
    replace: bool = False,
) -> Written:  # fmt: skip
    """Write a sealed file and read it back, once as it lies there and once through the key that it was made with.

    `content` begins anew each time it is called.
    """
    key = FileKey.new(public, nonce)
    with whole_file(to, replace=replace) as (file, part):
        inside, outside = hashlib.sha256(), hashlib.sha256()
        for piece in key.lock(_hashed(content(), inside)):
            outside.update(piece)
            file.write(piece)
        file.flush()
        return _read_back(key, part, str(to), inside.digest(), outside.digest())


def _hashed(pieces: Iterable[bytes], into: hashlib._Hash) -> Iterator[bytes]:
    for piece in pieces:
        into.update(piece)
        yield piece


class _Counting:
    """A file that is hashed as it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.hash, self.size = file, hashlib.sha256(), 0

    def read(self, size: int) -> bytes:
        piece = self.file.read(size)
        self.hash.update(piece)
        self.size += len(piece)
        return piece


def _read_back(key: FileKey, part: Path, name: str, inside: bytes, outside: bytes) -> Written:
    with part.open("rb") as opened:
        counted: IO[bytes] = _Counting(opened)  # type: ignore[assignment]
        header = counted.read(_HEADER)
        again = hashlib.sha256()
        for piece in key.unlock(counted, name):
            again.update(piece)
        found: _Counting = counted  # type: ignore[assignment]
        if header != key.header or again.digest() != inside or found.hash.digest() != outside:
            raise damaged(name)
        return Written(found.size, outside.hex())


def content_of(file: Path, keys: Keyring) -> Iterator[bytes]:
    """What a sealed file holds, chunk by chunk; only after the last one it is known to be whole."""
    with _reading(file) as opened:
        key = FileKey.of(opened.read(_HEADER), keys, str(file))
        yield from key.unlock(opened, str(file))


def unseal_file(file: Path, to: Path, keys: Keyring) -> None:
    """Open a sealed file into another one, which gets its name when all of it was read."""
    with whole_file(to) as (opened, _part):
        for piece in content_of(file, keys):
            opened.write(piece)


def _reading(file: Path) -> BufferedReader:
    try:
        return file.open("rb")
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise DatabaseUnusable("{file} cannot be read: {why}.", field="file", file=str(file), why=why) from error


def hash_of(file: Path) -> Written:
    """Size and SHA-256 of a file as it lies there."""
    with _reading(file) as opened:
        digest = hashlib.file_digest(opened, "sha256")
        return Written(opened.tell(), digest.hexdigest())
