"""The sealed log itself: what a stranger needs to prove the chain, with nothing of ours but one script.

    operations.jsonl    an operation a line, each line exactly the text that was hashed
    hashes.txt          number and hash of each operation, in the same order
    HEAD.json           where the chain ends: number and hash, the book, the software
    verify.py           proves the other three with Python's standard library alone

The log is exported whole: a chain that begins in the middle proves nothing.
"""

from __future__ import annotations

import json
from pathlib import Path

from coopbank import __version__
from coopbank.bank.bank import Bank
from coopbank.bank.books import Books
from coopbank.exchange.files import NewFiles
from coopbank.ledger import posting

_SCRIPT = Path(__file__).with_name("verify.py")


def write(bank: Bank, books: Books, files: NewFiles) -> None:
    """Write the four files."""
    head = posting.head(books.tx)
    operations, hashes = files.binary("operations.jsonl"), files.text("hashes.txt")
    for number, hash_, sealed in books.tx.stream(
        "SELECT id, hash, sealed FROM operation WHERE id <= ? ORDER BY id", head.number
    ):
        operations.write(sealed.encode("utf-8") + b"\n")
        hashes.write(f"{number} {hash_.hex()}\n")
    about = {"book": bank.book, "hash": head.hash.hex(), "number": head.number, "software": f"coopbank {__version__}"}
    files.text("HEAD.json").write(json.dumps(about, indent=1, sort_keys=True) + "\n")
    files.binary("verify.py").write(_SCRIPT.read_bytes())
