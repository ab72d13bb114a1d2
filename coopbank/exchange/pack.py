"""The auditor's pack: every export, the reports, and a manifest by which a stranger can check it all.

    log/          the sealed log, with a script that proves it     ads/     the Audit Data Standards
    beancount/    hledger/    books.xlsx                           reports/ as JSON
    pbc/          what auditors ask a bank to prepare: subledgers, aging, roll-forwards, powers, approvals ...
    MANIFEST.json    SHA-256 of each file, the head of the chain, the period, the program
    MANIFEST.json.sig    its Ed25519 signature, where whoever made the pack has signed in; signing-key.pem: the key
    SHA256SUMS       the same hashes for `sha256sum --check`
    VERIFY.md        what to do with it, with standard tools only
    verify.py        does it, with Python's standard library only

The log is whole whatever the period: a chain that begins in the middle proves nothing. Signature and head are to be
compared with a key and a head that were kept elsewhere: a receipt, a statement, an earlier pack.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Final

from coopbank import __version__
from coopbank.bank.bank import Bank
from coopbank.bank.books import Books
from coopbank.exchange import ads, beancount, hledger, jsonl, pbc, xlsx
from coopbank.exchange.files import NewFiles
from coopbank.exchange.journal import Journal
from coopbank.exchange.keys import write_public_key
from coopbank.exchange.tables import Tables
from coopbank.ledger import posting
from coopbank.money import currency
from coopbank.reports import as_document, balance_sheet, fund, income, portfolio, trial_balance

MANIFEST: Final = "MANIFEST.json"
SIGNATURE: Final = "MANIFEST.json.sig"
SUMS: Final = "SHA256SUMS"
GUIDE: Final = "VERIFY.md"
_SCRIPT: Final = Path(__file__).with_name("pack_verify.py")
_GUIDE: Final = Path(__file__).with_name("pack_guide.md")


def write(bank: Bank, books: Books, files: NewFiles, start: date | None, end: date | None) -> None:
    """Write the whole pack."""
    journal = Journal(bank, books, start, end)
    first, last = journal.start or _beginning(books, journal.through), journal.through
    jsonl.write(bank, books, files.under("log"))
    ads.write(bank, books, files.under("ads"), start, end)
    files.under("beancount").text(beancount.FILE_NAME).writelines(beancount.lines(Journal(bank, books, start, end)))
    files.under("hledger").text(hledger.FILE_NAME).writelines(hledger.lines(Journal(bank, books, start, end)))
    xlsx.write(bank, books, files, start, end)
    _reports(books, files.under("reports"), first, last)
    pbc.write(Tables(books, files.under("pbc"), first, last, bank.institution.currency))
    write_public_key(books, files)
    files.binary("verify.py").write(_SCRIPT.read_bytes())
    guide = _GUIDE.read_text(encoding="utf-8")
    head = posting.head(books.tx)
    files.text(GUIDE).write(guide.replace("{number}", str(head.number)).replace("{head}", head.short))
    _manifest(bank, files, first, last, head)


def _beginning(books: Books, default: date) -> date:
    found = books.tx.value("SELECT min(effective_on) FROM entry")
    return default if found is None else date.fromisoformat(found)


def _reports(books: Books, files: NewFiles, first: date, last: date) -> None:
    asked: dict[str, Callable[[], Any]] = {
        "trial-balance": lambda: trial_balance(books, last), "balance-sheet": lambda: balance_sheet(books, last),
        "income": lambda: income(books, first, last), "portfolio": lambda: portfolio(books, last),
        "funds": lambda: fund(books, "all", last),
    }  # fmt: skip
    for name, ask in asked.items():
        text = json.dumps(as_document(ask()), ensure_ascii=False, indent=1, sort_keys=True)
        files.text(f"{name}.json").write(text + "\n")


def _manifest(bank: Bank, files: NewFiles, first: date, last: date, head: posting.Head) -> None:
    """Hashes of what was written; the files are complete but not yet under their names."""
    found = {path.relative_to(files.folder).as_posix(): digest for path, digest in files.digests()}
    told = {
        "institution": bank.institution.name, "book": bank.book, "from": first.isoformat(), "to": last.isoformat(),
        "head": {"number": head.number, "hash": head.hash.hex()}, "software": f"coopbank {__version__}",
        "currency": bank.institution.currency, "minor_digits": currency(bank.institution.currency).exponent,
        "files": found,
    }  # fmt: skip
    text = json.dumps(told, ensure_ascii=False, indent=1) + "\n"
    files.text(MANIFEST).write(text)
    sums = {**found, MANIFEST: hashlib.sha256(text.encode()).hexdigest()}
    if bank.keys is not None:
        signature = bank.keys.sign(text.encode())
        files.binary(SIGNATURE).write(signature)
        sums[SIGNATURE] = hashlib.sha256(signature).hexdigest()
    files.text(SUMS).writelines(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
