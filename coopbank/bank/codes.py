"""One-time codes beside the passphrase: six digits from a telephone, new every half minute (TOTP, RFC 6238).

Their secret is encrypted under the book's key and lies in the key file, so that it can be read only once the
passphrase was right. That a user has codes is sealed in the books: taking the file away opens nothing. A code
counts once, for its own half minute and the ones beside it, since no two clocks agree.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import pyotp

from coopbank.bank.keyring import KeyFile, Keyring, seal
from coopbank.errors import CodeWanted, KeysLocked, SignInRefused

_STEP: Final = 30  # seconds
_BESIDE: Final = 1  # steps before and after that are accepted


def new_secret(nonce: Callable[[int], bytes]) -> str:
    """A secret for an authenticator, in base32."""
    return base64.b32encode(nonce(20)).decode()


def address(secret: str, user: str, institution: str) -> str:
    """The otpauth:// address that an authenticator reads from a square code."""
    return pyotp.TOTP(secret).provisioning_uri(name=user, issuer_name=institution)


def code_at(secret: str, now: datetime) -> str:
    """The code of a moment."""
    return pyotp.TOTP(secret).at(now)


def keep(file: KeyFile, keys: Keyring, user: str, secret: str, nonce: Callable[[int], bytes]) -> None:
    """Keep a user's secret, encrypted."""
    file.keep_code(user, {"secret": seal(keys.public.seal, secret.encode(), nonce), "used": 0})


def require(keys: Keyring | None, file: KeyFile | None, user: str, code: str | None, now: datetime) -> None:
    """Refuse unless it is the user's code of this moment and was not used before."""
    if code is None:
        raise CodeWanted("A one-time code is wanted as well.", field="code", hint="Read it from your authenticator.")
    kept = None if file is None else file.code(user)
    if keys is None or file is None or kept is None:
        raise SignInRefused(
            "The key file of these books is not here, and the one-time code cannot be checked without it.",
            field="code", hint="Put the file back beside the books.",
        )  # fmt: skip
    step = matching_step(_secret(keys, str(kept.get("secret", ""))), code, now)
    if step is None or not file.use_code(user, step):
        raise SignInRefused(
            "The one-time code is wrong or was used.", field="code", hint="Wait for the next one, and check the clock."
        )


def require_first(secret: str, code: str, now: datetime) -> None:
    """Refuse unless it is the code that this secret gives at this moment: only then was it taken over."""
    if matching_step(secret, code, now) is None:
        raise SignInRefused(
            "That is not the code of this moment; nothing was changed.", field="code",
            hint="Check the clocks of the telephone and of this computer.",
        )  # fmt: skip


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """The half minute that a code belongs to, about now; None if to none."""
    totp, current = pyotp.TOTP(secret), int(now.timestamp()) // _STEP
    digits = "".join(code.split())
    for step in range(current - _BESIDE, current + _BESIDE + 1):
        if pyotp.utils.strings_equal(totp.generate_otp(step), digits):
            return step
    return None


def _secret(keys: Keyring, sealed: str) -> str:
    try:
        found = keys.open(sealed).decode()
        code_at(found, datetime.fromtimestamp(0, UTC))
        return found
    except (KeysLocked, ValueError) as error:
        raise SignInRefused("The key file of these books is damaged.", field="code") from error
