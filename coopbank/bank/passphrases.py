"""Passphrases and sign-ins: Argon2id hashes, growing delay, kept sessions.

Nothing here is sealed: hashes and tokens are secrets. That somebody signed in, or
failed to, is an operation and is.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import HashingError, InvalidHashError, VerificationError, VerifyMismatchError
from argon2.low_level import error_to_str

from coopbank.clock import instant_text
from coopbank.database import Transaction
from coopbank.errors import InvalidValue, SignInRefused

SHORTEST = 8
SESSION_HOURS = 12
_FREE_FAILURES = 3
_WANTED_SECONDS = 0.15  # that one try of a passphrase is to cost on the bank's own machine
_MOST_PASSES = 12
_STARVED = tuple(error_to_str(code) for code in (-22, -33))  # no memory, no thread
_hasher = PasswordHasher()
USUAL_KIB = _hasher.memory_cost  # what every machine is expected to have


@dataclass(frozen=True, slots=True)
class Cost:
    """What Argon2id is asked for: passes, memory in KiB, lanes."""

    time: int
    memory_kib: int
    lanes: int

    def as_list(self) -> list[int]:
        """As the key file has it."""
        return [self.time, self.memory_kib, self.lanes]

    def hasher(self) -> PasswordHasher:
        """Hashes at this cost."""
        return PasswordHasher(time_cost=self.time, memory_cost=self.memory_kib, parallelism=self.lanes)


def calibrated() -> Cost:
    """The cost at which one try takes this machine about 0.15 s, and never less than the library's own default."""
    cost = Cost(_hasher.time_cost, _hasher.memory_cost, _hasher.parallelism)
    while cost.time < _MOST_PASSES:
        began = time.perf_counter()
        _hashed(cost.hasher(), "how long does it take")
        if time.perf_counter() - began >= _WANTED_SECONDS:
            break
        cost = Cost(cost.time + 1, cost.memory_kib, cost.lanes)
    return cost


def set_passphrase(tx: Transaction, user: str, passphrase: str, cost: Cost | None = None) -> None:
    """Keep the hash of a passphrase."""
    hashed = _hashed(_hasher if cost is None else cost.hasher(), passphrase)
    tx.run('DELETE FROM credential WHERE "user" = ?', user)
    tx.run('INSERT INTO credential ("user", hash, failures) VALUES (?, ?, 0)', user, hashed)
    tx.run('DELETE FROM session WHERE "user" = ?', user)


def _hashed(hasher: PasswordHasher, passphrase: str) -> str:
    try:
        return hasher.hash(passphrase)
    except HashingError as error:
        if not starved(error):
            raise
        raise not_enough_memory() from error


def starved(error: Exception) -> bool:
    """Whether Argon2 says that the system gave it too little, and not that something is wrong."""
    return str(error) in _STARVED


def not_enough_memory() -> SignInRefused:
    """The system gave no memory, or no thread, for what a passphrase costs: whether it is right, nobody can say."""
    return SignInRefused(
        "This machine has not enough memory left to reckon with a passphrase, so nobody can say whether it is right.",
        field="passphrase", hint="End other programs and try again; this try is not counted.",
    )  # fmt: skip


def require_strength(passphrase: str) -> None:
    """Refuse a passphrase that is too short."""
    if len(passphrase) < SHORTEST:
        raise InvalidValue(
            "The passphrase is too short.", field="passphrase",
            hint="Use at least {least} characters; several words are best.", least=SHORTEST,
        )  # fmt: skip


def passphrase_matches(tx: Transaction, user: str, passphrase: str, now: datetime) -> tuple[bool, str | None]:
    """Whether it is the user's passphrase, and until when the user is locked out, if so."""
    locked = locked_until(tx, user, now)
    if locked is not None:
        return False, locked
    known = tx.value('SELECT hash FROM credential WHERE "user" = ?', user)
    hashed = known or tx.value("SELECT max(hash) FROM credential")  # the same time as for a user who exists
    try:
        return _hasher.verify(str(hashed), passphrase) and known is not None, None
    except (VerifyMismatchError, InvalidHashError):
        return False, None
    except VerificationError as error:
        if not starved(error):  # what is kept is damaged
            return False, None
        raise not_enough_memory() from error


def locked_until(tx: Transaction, user: str, now: datetime) -> str | None:
    """Until when the user is locked out, if so."""
    until = tx.value('SELECT until FROM credential WHERE "user" = ?', user)
    return str(until) if until is not None and until > instant_text(now) else None


def renew(tx: Transaction, user: str, passphrase: str, cost: Cost | None) -> None:
    """Hash a passphrase that was right anew, where the bank's cost has changed since."""
    hasher = _hasher if cost is None else cost.hasher()
    hashed = tx.value('SELECT hash FROM credential WHERE "user" = ?', user)
    if hashed is not None and hasher.check_needs_rehash(hashed):
        with suppress(SignInRefused):  # it was right, and can be hashed anew where there is more memory
            tx.run('UPDATE credential SET hash = ? WHERE "user" = ?', _hashed(hasher, passphrase), user)


def count_failure(tx: Transaction, user: str, now: datetime) -> None:
    """One more failed sign-in; from the fourth on, a delay that doubles each time, at most an hour."""
    failures = (tx.value('SELECT failures FROM credential WHERE "user" = ?', user) or 0) + 1
    over = failures - _FREE_FAILURES
    until = instant_text(now + timedelta(seconds=min(3600, 5 * 2 ** min(over, 12)))) if over > 0 else None
    tx.run('UPDATE credential SET failures = ?, until = ? WHERE "user" = ?', failures, until, user)


def clear_failures(tx: Transaction, user: str) -> None:
    """Forget failed sign-ins after a good one."""
    tx.run('UPDATE credential SET failures = 0, until = NULL WHERE "user" = ? AND failures > 0', user)


def open_session(tx: Transaction, user: str, now: datetime, nonce: Callable[[int], bytes]) -> str:
    """A token that stands for the sign-in; only its hash is kept."""
    token = nonce(24).hex()
    tx.run(
        "INSERT INTO session (token_hash, \"user\", expires_at) VALUES (?, ?, ?)",
        _token_hash(token), user, instant_text(now + timedelta(hours=SESSION_HOURS)),
    )  # fmt: skip
    return token


def session_user(tx: Transaction, token: str, now: datetime) -> str | None:
    """Whose sign-in a token stands for; None when it has ended."""
    found: str | None = tx.value(
        'SELECT "user" FROM session WHERE token_hash = ? AND expires_at > ?', _token_hash(token), instant_text(now)
    )
    return found


def end_session(tx: Transaction, token: str) -> None:
    """Sign out."""
    tx.run("DELETE FROM session WHERE token_hash = ?", _token_hash(token))


def _token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
