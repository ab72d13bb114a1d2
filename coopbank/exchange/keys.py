"""The public key of a book, as every export carries it."""

from __future__ import annotations

from typing import Final

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.exchange.files import NewFiles

PUBLIC_KEY: Final = "signing-key.pem"


def write_public_key(books: Books, files: NewFiles) -> None:
    """The key that signs this book's closes, where it has one: what is checked with it must come from elsewhere."""
    known = books.find(records.SigningKey, "key")
    if known is not None:
        from coopbank.bank.keyring import PublicKeys

        files.text(PUBLIC_KEY).write(PublicKeys(bytes.fromhex(known.sign), bytes.fromhex(known.seal)).pem().decode())
