"""Vital records: what every member has and owes, and how to reach them, sealed to the book's key at each close.

Where a fire takes everything but the folder of backups, these lists say whom the bank owes what (12 CFR 749.1 asks
credit unions for them). `vital-2026-03-05.5d1f0c9a.csv.sealed` is the close of that day in the books whose number
begins so. It is a CSV file: a line for each share, savings and other account of each member, one for each loan, and
one for a member who has none. Amounts are what the member has, and for loans what the member owes: principal,
interest and fees by the contract, whatever the books recognise of it, and what was charged off and is still owed.

Those of the last 35 days are kept, and the last of each month for ever.
"""

from __future__ import annotations

import csv
import io
import re
import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final

from pydantic_core import from_json

from coopbank.bank import anchors, records
from coopbank.bank.backups import sealing_key
from coopbank.bank.books import Books
from coopbank.money import format_amount

KEPT_DAYS: Final = 35
_NAME = re.compile(r"vital-([0-9]{4}-[0-9]{2}-[0-9]{2})\.([0-9a-f]{8})\.csv\.sealed")
COLUMNS: Final = (
    "member", "name", "status", "phone", "email", "address", "what", "account", "balance", "interest", "fees",
    "charged_off", "annual_rate", "since", "currency",
)  # fmt: skip
#: Accounts of members beside loans: what they are, and the sign that makes what the member has positive.
_KINDS: Final = {
    "901": ("membership shares", -1), "903": ("investment shares", -1), "905": ("savings", -1),
    "875": ("towards a share", -1), "871": ("paid ahead", -1), "791": ("owed for returned items", 1),
}  # fmt: skip
#: What a loan's accounts say of it: owed by the contract is all of them (bank/lending/flows.py).
_OF_LOAN: Final = {"701": "balance", "M30": "balance", "781": "interest", "M10": "interest", "791": "fees",
                   "M20": "charged_off"}  # fmt: skip
_FIELDS: Final = ("member_name", "phone", "email", "address")
_COLUMNS_OF_LOAN: Final = ("balance", "interest", "fees", "charged_off")
_LINES: Final = 2000  # in memory at a time
_FORMULA = re.compile(r"[\s\ufeff\u200b]*[=+\-@＝＋－＠]|[\t\r\n]")  # begins what a spreadsheet would run


def keep_vital_records(place: str, books: Books, book: str, day: str) -> Path | None:
    """The list of a day that was closed, if the book has a key and the folder of backups is there.

    Books for practice keep none: their folder may be that of the real ones, and their nonces are no secrets.
    """
    folder, public = anchors.backups_folder(place, books), sealing_key(books)
    if public is None or not folder.is_dir() or books.policy("demo_sign_ins") is not None:
        return None
    from coopbank.bank.sealed_files import seal_file  # not on top: most runs close no day

    file = folder / f"vital-{day}.{book[:8]}.csv.sealed"
    seal_file(lambda: csv_of(books), file, public, secrets.token_bytes, replace=True)
    for old in superfluous(folder, book):
        old.unlink(missing_ok=True)
    return file


def superfluous(folder: Path, book: str) -> list[Path]:
    """Lists that are neither of the last 35 days before the newest, nor the last of their month."""
    found: dict[date, Path] = {}
    for path in folder.iterdir():
        match = _NAME.fullmatch(path.name)
        if match is not None and match[2] == book[:8] and path.is_file() and not path.is_symlink():
            try:
                found[date.fromisoformat(match[1])] = path
            except ValueError:
                continue
    if not found:
        return []
    last = {(day.year, day.month): day for day in sorted(found)}
    first = max(found) - timedelta(days=KEPT_DAYS - 1)
    return [path for day, path in sorted(found.items()) if day < first and last[day.year, day.month] != day]


def csv_of(books: Books) -> Iterator[bytes]:
    """The list, some thousand lines at a time."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    lines = lines_of(books)
    while part := list(islice(lines, _LINES)):
        writer.writerows(part)
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
    yield text.getvalue().encode()


def lines_of(books: Books) -> Iterator[list[str]]:
    """The lines of the list, in the order of members' numbers."""
    known = dict(_personal(books))
    currency = books.institution().currency
    accounts = _accounts(books, currency)
    none = [""] * (len(COLUMNS) - 7)
    for ref, member in _latest(books, records.Member.kind):
        if member.get("void"):
            continue
        contact = [_text(known, member.get(field)) for field in ("phone", "email", "address")]
        who = [ref, _text(known, member.get("name")), member.get("status", "active"), *contact]
        for line in accounts.get(ref) or (none,):
            yield [*who, *line, currency]


def _latest(books: Books, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Refs and bodies of a kind, the newest version of each. Not as models: there may be very many."""
    rows = books.tx.stream(
        "SELECT r.ref, r.body FROM record r WHERE r.kind = ? AND r.version ="
        " (SELECT max(version) FROM record l WHERE l.kind = r.kind AND l.ref = r.ref) ORDER BY r.ref",
        kind,
    )
    return ((ref, from_json(body)) for ref, body in rows)


def _personal(books: Books) -> Iterator[tuple[str, str]]:
    """What people are called and where they are, by digest.

    A text that begins like a formula gets an apostrophe, as in every CSV file that leaves these books.
    """
    marks = ", ".join("?" * len(_FIELDS))
    found = books.tx.stream(
        f"SELECT digest, value FROM personal WHERE field IN ({marks}) AND value IS NOT NULL", *_FIELDS
    )
    return ((digest, "'" + text if _FORMULA.match(text) else text) for digest, text in found)


def _text(known: dict[str, str], value: dict[str, str] | None) -> str:
    return "" if value is None else known.get(value["#"], "(forgotten)")


def _accounts(books: Books, currency: str) -> dict[str, list[list[str]]]:
    """By member, the columns from `what` to `since`: of what holds something, and of savings that are open."""
    found: dict[str, list[list[str]]] = defaultdict(list)
    savings = {body["account"]: body for _ref, body in _latest(books, records.Savings.kind) if not body.get("void")}
    loans: dict[str, dict[str, int]] = {}
    for gl_code, contract, holder, balance in _leaves(books):
        if contract.startswith("L-"):
            if gl_code in _OF_LOAN:
                parts = loans.setdefault(contract, {})
                parts[_OF_LOAN[gl_code]] = parts.get(_OF_LOAN[gl_code], 0) + balance
            continue
        body = savings.get(contract, {}) if gl_code == "905" else {}
        is_open = bool(body) and body.get("state", "open") == "open"
        if holder is not None and gl_code in _KINDS and (balance or is_open):
            what, sign = _KINDS[gl_code]
            found[holder].append([
                what, f"{gl_code}/{contract}", format_amount(sign * balance, currency), "", "", "",
                body.get("annual_rate", "0") if body else "", body.get("opened_on", ""),
            ])  # fmt: skip
    for member, line in _loans(books, loans, currency):
        found[member].append(line)
    return found


def _leaves(books: Books) -> Iterable[tuple[str, str, str | None, int]]:
    codes = sorted({*_KINDS, *_OF_LOAN})
    return books.tx.stream(
        "SELECT a.gl_code, a.contract, a.holder, b.debit - b.credit FROM account a JOIN balance b"
        f" ON b.account_id = a.id WHERE a.gl_code IN ({', '.join('?' * len(codes))}) ORDER BY a.gl_code, a.contract",
        *codes,
    )  # fmt: skip


def _loans(books: Books, owed: dict[str, dict[str, int]], currency: str) -> Iterator[tuple[str, list[str]]]:
    """Each loan on a line of its own; one that is paid and owes nothing has none."""
    for ref, body in _latest(books, records.Loan.kind):
        parts, state = owed.get(ref, {}), body.get("state", "granted")
        if body.get("void") or (state in ("paid", "cancelled") and not any(parts.values())):
            continue
        amounts = [format_amount(parts.get(each, 0), currency) for each in _COLUMNS_OF_LOAN]
        yield body["member"], [f"loan, {state}", ref, *amounts, body["annual_rate"], body["granted_on"]]
