"""The keys of a book: one secret in a file beside it, which opens with a sign-in.

From the secret (32 random bytes) two pairs of keys are derived by HKDF-SHA256:

    sign   Ed25519: signs each close and each pack. Whoever has the public key can check them
    seal   X25519: taxpayer numbers and backups are encrypted to it. Writing needs no secret, reading does

The public keys stand in the sealed record `signing-key`. The file holds the secret only in slots: once for each
user, encrypted under a key that Argon2id makes of the passphrase; once for each sign-in kept by `coopbank login`,
under its token. A copy of the file opens nothing without one of them, and the books hold neither.

The file is JSON, named after its public key (`coopbank.1a2b3c4d.key`), so that a new key never overwrites an old
one and the books can be renamed; a newer file holds the older secrets, encrypted under its own. A sealed text is
`sealed:1:` and in base64 an ephemeral public key (32 bytes) and ChaCha20-Poly1305 of the text under a key derived
from both public keys and the shared secret; its nonce is zero, since no such key is used twice.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import secrets as system_secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from argon2 import Type
from argon2.exceptions import HashingError
from argon2.low_level import hash_secret_raw
from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from coopbank.bank.passphrases import SESSION_HOURS, USUAL_KIB, Cost, calibrated, not_enough_memory, starved
from coopbank.bank.records import SEALED
from coopbank.bank.whole_files import clear_parts, make_folder, sync_folder
from coopbank.clock import instant_text
from coopbank.errors import DatabaseUnusable, KeysLocked

FORM: Final = "coopbank-key/1"
_ZERO: Final = bytes(12)
_LONGEST: Final = 1_000_000  # bytes of a key file; a longer one is none
_SESSION: Final = "session:"


@dataclass(frozen=True, slots=True)
class PublicKeys:
    """What everybody may know: the two public keys, 32 bytes each."""

    sign: bytes
    seal: bytes

    @property
    def short(self) -> str:
        """The first eight hex digits of the signing key."""
        return self.sign.hex()[:8]

    def pem(self) -> bytes:
        """The signing key as `openssl` reads it."""
        return Ed25519PublicKey.from_public_bytes(self.sign).public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )


@dataclass(frozen=True, slots=True)
class Keyring:
    """The secret, open in memory, and the older ones that it leads to."""

    secret: bytes = field(repr=False)
    older: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def public(self) -> PublicKeys:
        """The public halves."""
        return public_of(self.secret)

    def sign(self, text: bytes) -> bytes:
        """An Ed25519 signature, 64 bytes."""
        return _signer(self.secret).sign(text)

    def open(self, sealed: str) -> bytes:
        """What was sealed to this book; refused with `KeysLocked` if it was sealed to another."""
        for secret in (self.secret, *self.older):
            try:
                return _open(secret, sealed)
            except (InvalidTag, ValueError, binascii.Error):
                continue
        raise KeysLocked("This was encrypted under a key that is not here.")

    def shared(self, seal: bytes, other: bytes) -> bytes | None:
        """What this book's sealing key and another public key have in common; None if `seal` is no key of it."""
        for secret in (self.secret, *self.older):
            opener = _opener(secret)
            if opener.public_key().public_bytes_raw() == seal:
                return opener.exchange(X25519PublicKey.from_public_bytes(other))
        return None


def public_of(secret: bytes) -> PublicKeys:
    """The public keys that belong to a secret."""
    return PublicKeys(_signer(secret).public_key().public_bytes_raw(), _opener(secret).public_key().public_bytes_raw())


def signature_holds(key: bytes, signature: bytes, text: bytes) -> bool:
    """Whether it is that key's signature of that text."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return not _of_small_order(key)


def _of_small_order(key: bytes) -> bool:
    """Whether anybody can sign for a key: one of the eight points that a multiple of eight takes to zero.

    What those points sign does not depend on the text; `y` of each, with its sign taken off, stands here.
    """
    return key[:31] + bytes([key[31] & 127]) in _SMALL_ORDER if len(key) == 32 else True


_SMALL_ORDER: Final = frozenset(
    y.to_bytes(32, "little")
    for root in (0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826, 0, 1)
    for y in (root, 2**255 - 19 - root, root + 2**255 - 19 if root < 19 else root)
)


def can_be_sealed_to(public: bytes) -> bool:
    """Whether these are 32 bytes that something can be encrypted to."""
    try:
        X25519PrivateKey.from_private_bytes(bytes(32)).exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        return False
    return True


def can_sign(public: bytes) -> bool:
    """Whether these are 32 bytes that name a key whose signatures only its owner can make."""
    try:
        Ed25519PublicKey.from_public_bytes(public)
    except ValueError:
        return False
    return not _of_small_order(public)


def public_key_of_file(text: str) -> bytes | None:
    """The Ed25519 public key in a file: PEM, or 64 hex digits; None if there is none."""
    try:
        if "BEGIN" in text:
            key = serialization.load_pem_public_key(text.encode())
            return key.public_bytes_raw() if isinstance(key, Ed25519PublicKey) else None
        raw = bytes.fromhex(text.strip())
    except (ValueError, UnsupportedAlgorithm):  # that of a kind which nobody has heard of
        return None
    return raw if len(raw) == 32 else None


# --------------------------------------------------------------------------- sealing


def seal(public: bytes, text: bytes, nonce: Callable[[int], bytes]) -> str:
    """Encrypt to a book's public sealing key; nobody but the book's people can read it."""
    one_time = X25519PrivateKey.from_private_bytes(nonce(32))
    own = one_time.public_key().public_bytes_raw()
    shared = one_time.exchange(X25519PublicKey.from_public_bytes(public))
    box = ChaCha20Poly1305(derived(shared, b"coopbank box" + own + public)).encrypt(_ZERO, text, None)
    return SEALED + base64.b64encode(own + box).decode()


def _open(secret: bytes, sealed: str) -> bytes:
    raw = base64.b64decode(sealed.removeprefix(SEALED), validate=True)
    opener = _opener(secret)
    own = opener.public_key().public_bytes_raw()
    shared = opener.exchange(X25519PublicKey.from_public_bytes(raw[:32]))
    return ChaCha20Poly1305(derived(shared, b"coopbank box" + raw[:32] + own)).decrypt(_ZERO, raw[32:], None)


def derived(secret: bytes, purpose: bytes) -> bytes:
    """A key for one purpose, by HKDF-SHA256."""
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose).derive(secret)


def _signer(secret: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(derived(secret, b"coopbank sign"))


def _opener(secret: bytes) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(derived(secret, b"coopbank seal"))


def _wrap(key: bytes, secret: bytes) -> str:
    nonce = system_secrets.token_bytes(12)
    return base64.b64encode(nonce + ChaCha20Poly1305(key).encrypt(nonce, secret, None)).decode()


def _unwrap(key: bytes, box: object) -> bytes | None:
    try:
        raw = base64.b64decode(box if isinstance(box, str) else "", validate=True)
        return ChaCha20Poly1305(key).decrypt(raw[:12], raw[12:], None)
    except (InvalidTag, ValueError, binascii.Error):
        return None


# ------------------------------------------------------------------------------ file


@dataclass(frozen=True, slots=True)
class KeyFile:
    """The file that holds a book's secret in slots. What cannot be read holds nothing."""

    path: Path

    def make(
        self, book: str, secret: bytes, user: str, passphrase: str, cost: Cost, older: Keyring | None,
        before: KeyFile | None = None,
    ) -> bool:  # fmt: skip
        """Write a new file with one slot; one-time codes come along from the file before it. Whether it is new.

        It must not exist; but a demonstration draws the same secret each time, and where one was made before, its file
        holds that already: then this user has a slot in it.
        """
        public = public_of(secret)
        held = self._read()
        if (held.get("book"), held.get("sign")) == (book, public.sign.hex()):
            self.give(secret, user, passphrase)
            return False
        held = {
            "form": FORM, "book": book, "sign": public.sign.hex(), "seal": public.seal.hex(), "cost": cost.as_list(),
            "older": [] if older is None else [_wrap(secret, each) for each in (older.secret, *older.older)],
            "slots": {f"user:{user}": _slot(secret, passphrase, cost)},
            "codes": {} if before is None else before.codes(),
        }  # fmt: skip
        self._write(held, new=True)
        return True

    def exists(self) -> bool:
        """Whether there is one that can be read."""
        return bool(self._read())

    def opens_for(self, user: str) -> bool:
        """Whether a user has a slot of their own."""
        return f"user:{user}" in self._read().get("slots", {})

    def seals(self) -> str:
        """The public sealing key that it belongs to, as hex; empty if it cannot be read."""
        return str(self._read().get("seal", ""))

    def cost(self) -> Cost | None:
        """What a passphrase is to cost here, as it was calibrated when the file was made."""
        try:
            return _cost(self._read()["cost"])
        except (KeyError, TypeError, ValueError):
            return None

    def unlock(self, user: str, passphrase: str) -> Keyring | None:
        """The secret, from the slot of a user."""
        slot = self._read().get("slots", {}).get(f"user:{user}")
        try:
            cost, salt, box = _cost(slot["cost"]), bytes.fromhex(slot["salt"]), slot["box"]
        except (TypeError, KeyError, ValueError):
            return None
        try:
            key = _passphrase_key(passphrase, salt, cost)
        except (TypeError, ValueError):
            return None
        except HashingError as error:
            if starved(error) and cost.memory_kib <= USUAL_KIB:
                raise not_enough_memory() from error
            return None  # a cost that was damaged
        return self._keyring(_unwrap(key, box))

    def unlock_session(self, token: str) -> Keyring | None:
        """The secret, from the slot of a kept sign-in."""
        slot = self._read().get("slots", {}).get(_session_slot(token))
        return self._keyring(_unwrap(_token_key(token), slot.get("box"))) if isinstance(slot, dict) else None

    def _keyring(self, secret: bytes | None) -> Keyring | None:
        if secret is None:
            return None
        older = (_unwrap(secret, box) for box in self._read().get("older", ()))
        return Keyring(secret, tuple(each for each in older if each is not None))

    def give(self, secret: bytes, user: str, passphrase: str) -> None:
        """A slot for a user, under their passphrase; one that they had is replaced, and kept sign-ins end.

        Where the file says no cost that could be paid, it is calibrated anew: otherwise the new passphrase would open
        nothing, and the one before it all.
        """
        if not self.exists():
            return
        cost = self.cost() or calibrated()
        new = _slot(secret, passphrase, cost)
        with self._changing() as held:
            held["cost"] = cost.as_list()
            slots = held.get("slots", {})
            for name in [n for n in slots if n.startswith(_SESSION) and _of(slots[n], "user") == user]:
                del slots[name]
            slots[f"user:{user}"] = new

    def give_session(self, secret: bytes, token: str, user: str, now: datetime) -> None:
        """A slot for a kept sign-in, which ends as that does; those that have ended make room."""
        until = instant_text(now + timedelta(hours=SESSION_HOURS))
        new = {"user": user, "until": until, "box": _wrap(_token_key(token), secret)}
        with self._changing() as held:
            slots = held.get("slots", {})
            for name in [n for n in slots if n.startswith(_SESSION) and _of(slots[n], "until") <= instant_text(now)]:
                del slots[name]
            slots[_session_slot(token)] = new

    def take_session(self, token: str) -> None:
        """The slot of a kept sign-in that ends."""
        with self._changing() as held:
            held.get("slots", {}).pop(_session_slot(token), None)

    def keep_users(self, users: Iterable[str]) -> None:
        """Take the slots of everybody else."""
        wanted = {f"user:{user}" for user in users}
        with self._changing() as held:
            slots = held.get("slots", {})
            for name in [n for n in slots if n.startswith("user:") and n not in wanted]:
                del slots[name]

    def codes(self) -> dict[str, Any]:
        """What is kept of everybody's one-time codes."""
        return dict(self._read().get("codes", {}))

    def code(self, user: str) -> dict[str, Any] | None:
        """What is kept of a user's one-time codes: the sealed secret, and the step that was used last."""
        found = self._read().get("codes", {}).get(user)
        return found if isinstance(found, dict) else None

    def keep_code(self, user: str, code: dict[str, Any] | None) -> None:
        """Keep it, or take it away."""
        with self._changing() as held:
            if code is None:
                held.get("codes", {}).pop(user, None)
            else:
                held.setdefault("codes", {})[user] = code

    def use_code(self, user: str, step: int) -> bool:
        """Whether a code of that step still counts; from now on it does not, whoever tries at the same moment."""
        with self._changing() as held:
            kept = held.get("codes", {}).get(user)
            used = kept.get("used") if isinstance(kept, dict) else None
            if not isinstance(used, int) or step <= used:
                return False
            held["codes"][user] = {**kept, "used": step}
        return True

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        """What the file holds, to be changed; written if it was. Another program waits until that is done."""
        with self._alone():
            held = self._read()
            before = json.dumps(held)
            yield held
            if json.dumps(held) != before and held.get("form") == FORM:
                self._write(held)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One program at a time changes the files of a folder, where the system can say so."""
        try:
            import fcntl

            folder = os.open(self.path.parent, os.O_RDONLY)
        except (ImportError, OSError):  # no such thing here; or no folder, and then nothing to change
            yield
            return
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _read(self) -> dict[str, Any]:
        try:
            if self.path.stat().st_size > _LONGEST:
                return {}
            held = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(held, dict) or held.get("form") != FORM:
            return {}
        whole = isinstance(held.get("older"), list) and all(isinstance(held.get(p), dict) for p in ("slots", "codes"))
        return held if whole else {}

    def _write(self, held: dict[str, Any], *, new: bool = False) -> None:
        part = self.path.with_name(f".{self.path.name}.{system_secrets.token_hex(4)}.part")
        try:
            make_folder(self.path.parent)
            clear_parts(self.path.parent, self.path.name)
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(held, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            if new and self.path.exists():
                raise FileExistsError(17, "it exists already")
            part.replace(self.path)
            sync_folder(self.path.parent)  # before the books name a key that nobody else has
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise DatabaseUnusable("The key file {file} cannot be written: {why}.", file=self.path, why=why) from error
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)


def key_file(place: str, public: PublicKeys | str) -> KeyFile:
    """Where the key of books lies: in COOPBANK_KEYS, else beside the file, else (of a server) with what is kept."""
    short = public if isinstance(public, str) else public.short
    named = os.environ.get("COOPBANK_KEYS")
    if named:
        folder = Path(named)
    elif "://" not in place:
        folder = Path(place).resolve().parent
    else:
        folder = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "coopbank"
    return KeyFile(folder / f"coopbank.{short}.key")


def _slot(secret: bytes, passphrase: str, cost: Cost) -> dict[str, Any]:
    salt = system_secrets.token_bytes(16)
    return {"salt": salt.hex(), "cost": cost.as_list(), "box": _wrap(_passphrase_key(passphrase, salt, cost), secret)}


def _passphrase_key(passphrase: str, salt: bytes, cost: Cost) -> bytes:
    return hash_secret_raw(
        passphrase.encode(), salt, time_cost=cost.time, memory_cost=cost.memory_kib, parallelism=cost.lanes,
        hash_len=32, type=Type.ID,
    )  # fmt: skip


def _cost(value: Any) -> Cost:
    """A cost as the file has it; `ValueError` if it is none, or one that no machine could pay."""
    if not isinstance(value, list) or len(value) != 3 or not all(type(n) is int and 0 < n < 2**22 for n in value):
        raise ValueError("no cost")
    return Cost(*value)


def _of(slot: Any, name: str) -> str:
    """A text of a slot; empty if it has none."""
    found = slot.get(name) if isinstance(slot, dict) else None
    return found if isinstance(found, str) else ""


def _session_slot(token: str) -> str:
    return _SESSION + hashlib.sha256(b"slot" + token.encode()).hexdigest()[:16]


def _token_key(token: str) -> bytes:
    return derived(token.encode(), b"coopbank session")
