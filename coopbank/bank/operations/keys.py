"""The keys of the book, and what is signed with them: each close, by what an auditor can type.

What is signed of a close is a short text, so that `openssl` can check it without us:

    coopbank close 1
    book 5d1f...            the book's random number
    close-day 2026-03-05    what was closed
    operation 4211          the close itself
    hash 9f86d081...        of that operation: through the chain it stands for everything before
    entries 3107            number of the last entry
    debits 125000           minor units, of all entries dated in what was closed, of money

The signature is an operation right after the close, in the same transaction, if whoever closes has signed in with a
passphrase that opens the key. A close without one is possible, and told.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from coopbank.bank import records
from coopbank.bank.desk import Desk
from coopbank.bank.fields import Widget, refuse
from coopbank.bank.operation import ADMINISTRATOR, Operation
from coopbank.errors import InvalidValue, WrongState

SIGNED = "signed:"  # begins the key of a close's signature; no door may use it
KEY = "key"
"""The ref of the record that holds the public keys in force."""


def _require_hex(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]+", value) or len(value) not in (64, 128):
        raise refuse("Write 64 hexadecimal digits for a key, 128 for a signature.")
    return value


def _require_key(value: str) -> str:
    """A public key, of either kind; `perform` looks at what it is for."""
    if len(_require_hex(value)) != 64:
        raise refuse("Write 64 hexadecimal digits for a key, 128 for a signature.")
    return value


Hex = Annotated[str, AfterValidator(_require_hex), Widget("text")]
Key = Annotated[str, AfterValidator(_require_key), Widget("text")]


class SetSigningKey(Operation):
    """From now on this key signs the closes. A later key is endorsed by the one before and takes two people."""

    name: ClassVar[str] = "set-signing-key"
    title: ClassVar[str] = "Set the signing key"
    subject: ClassVar[str] = "staff"
    roles: ClassVar[tuple[str, ...]] = (ADMINISTRATOR,)
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False

    sign: Annotated[Key, Field(title="Public signing key")]
    seal: Annotated[Key, Field(title="Public sealing key")]
    endorsement: Annotated[Hex | None, Field(title="Signature of the key before")] = None

    def second_reason(self, desk: Desk) -> str | None:
        known = desk.find(records.SigningKey, KEY)
        return None if known is None else "A signing key is replaced by two people."

    def perform(self, desk: Desk) -> None:
        from coopbank.bank.keyring import can_be_sealed_to, can_sign, signature_holds

        known = desk.find(records.SigningKey, KEY)
        for field, usable in (("sign", can_sign(bytes.fromhex(self.sign))),
                              ("seal", can_be_sealed_to(bytes.fromhex(self.seal)))):  # fmt: skip
            if not usable:
                raise InvalidValue(
                    "This is no public key that could be used.", field=field, hint="Make one with: coopbank keys make"
                )
        if known is not None:
            if known.sign == self.sign:
                raise WrongState("This key signs already.", field="sign")
            text = endorsed_text(self.sign, self.seal)
            if self.endorsement is None or not signature_holds(
                bytes.fromhex(known.sign), bytes.fromhex(self.endorsement), text
            ):
                raise InvalidValue(
                    "The key before has not endorsed this one.", field="endorsement",
                    hint="Make the new key with: coopbank keys make",
                )  # fmt: skip
        desk.write(KEY, records.SigningKey(sign=self.sign, seal=self.seal, endorsement=self.endorsement))
        desk.note("Signing key", self.sign[:8])


class SignClose(Operation):
    """The signature of a close that was just made."""

    name: ClassVar[str] = "sign-close"
    title: ClassVar[str] = "Signature of the close"
    subject: ClassVar[str] = "days"
    internal: ClassVar[bool] = True
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False

    close: int
    text: str
    key: Hex
    signature: Hex

    def perform(self, desk: Desk) -> None:
        body = records.CloseSignature(text=self.text, key=self.key, signature=self.signature)
        desk.write(str(self.close), body, about=self.key[:8])


def endorsed_text(sign: str, seal: str) -> bytes:
    """What a key signs to name its successor."""
    return f"coopbank next key 1\nsign {sign}\nseal {seal}\n".encode()


def close_text(book: str, kind: str, period: str, number: int, digest: str, entry: int, debits: int) -> str:
    """What is signed of a close; `debits` in minor units."""
    return (
        f"coopbank close 1\nbook {book}\n{kind} {period}\noperation {number}\nhash {digest}\nentries {entry}\n"
        f"debits {debits}\n"
    )


def text_of_close(desk: Desk, book: str, kind: str, period: str, number: int) -> str:
    """The same, of a close that stands in the books."""
    first, count, digest = desk.tx.row("SELECT first_entry, entry_count, hash FROM operation WHERE id = ?", number) or (
        0,
        0,
        b"",
    )
    low, high = (period, period) if len(period) > 4 else (f"{period}-01", f"{period}-12")
    debits = desk.tx.value(
        "SELECT coalesce(sum(debit), 0) FROM control_total WHERE span >= ? AND span <= ? AND length(span) = ?"
        " AND currency = ?", low, high, len(low), desk.currency,
    )  # fmt: skip
    return close_text(book, kind, period, number, bytes(digest).hex(), first + count - 1, int(debits))
