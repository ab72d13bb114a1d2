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
import json
import re
import secrets
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from coopbank.bank import anchors, records
from coopbank.bank.backups import sealing_key
from coopbank.bank.books import Books
from coopbank.ledger.chart import MEMO_CURRENCY
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
    for number, line in enumerate(lines_of(books), start=1):
        writer.writerow(line)
        if number % _LINES == 0:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def lines_of(books: Books) -> Iterator[list[str]]:
    """The lines of the list, in the order of members' numbers."""
    currency = books.institution().currency
    known = dict(_personal(books))
    accounts = _accounts(books, currency)
    for ref, member in _latest(books, records.Member.kind):
        if member.get("void"):
            continue
        named = (_text(known, member.get(field)) for field in ("name", "phone", "email", "address"))
        name, *contact = (_safe(text) for text in named)
        who = [ref, name, str(member.get("status", "active")), *contact]
        held = accounts.get(ref)
        yield from ([*who, *line, currency] for line in held or [[""] * (len(COLUMNS) - len(who) - 1)])


def _latest(books: Books, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Refs and bodies of a kind, the newest version of each. As plain JSON: there may be very many."""
    rows = books.tx.stream(
        "SELECT r.ref, r.body FROM record r WHERE r.kind = ? AND r.version ="
        " (SELECT max(version) FROM record l WHERE l.kind = r.kind AND l.ref = r.ref) ORDER BY r.ref",
        kind,
    )
    yield from ((ref, json.loads(body)) for ref, body in rows)


def _personal(books: Books) -> Iterator[tuple[str, str]]:
    marks = ", ".join("?" * len(_FIELDS))
    yield from books.tx.stream(
        f"SELECT digest, value FROM personal WHERE field IN ({marks}) AND value IS NOT NULL", *_FIELDS
    )


def _text(known: dict[str, str], value: dict[str, str] | None) -> str:
    return "" if value is None else known.get(value["#"], "(forgotten)")


def _safe(text: str) -> str:
    """A name that begins like a formula gets an apostrophe, as in every CSV file that leaves these books."""
    return "'" + text if _FORMULA.match(text) else text


def _accounts(books: Books, currency: str) -> dict[str, list[list[str]]]:
    """By member, the columns from `what` to `since`: of what holds something, and of savings that are open."""
    found: dict[str, list[list[str]]] = defaultdict(list)
    savings = {body["account"]: body for _ref, body in _latest(books, records.Savings.kind) if not body.get("void")}
    loans: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for gl_code, contract, holder, balance in _leaves(books):
        loan = contract.partition(".")[0]
        if loan.startswith("L-") and gl_code in _OF_LOAN:
            loans[loan][_OF_LOAN[gl_code]] += balance
        elif holder is not None and gl_code in _KINDS:
            what, sign = _KINDS[gl_code]
            body = savings.get(contract, {}) if gl_code == "905" else {}
            if not balance and (gl_code != "905" or body.get("state", "open") != "open"):
                continue
            found[holder].append([
                what, f"{gl_code}/{contract}", format_amount(sign * balance, currency), "", "", "",
                str(body.get("annual_rate", "")), str(body.get("opened_on", "")),
            ])  # fmt: skip
    for member, line in _loans(books, loans, currency):
        found[member].append(line)
    return found


def _leaves(books: Books) -> Iterable[tuple[str, str, str | None, int]]:
    codes = sorted({*_KINDS, *_OF_LOAN})
    return books.tx.stream(
        "SELECT a.gl_code, a.contract, a.holder, b.debit - b.credit FROM account a JOIN balance b"
        f" ON b.account_id = a.id WHERE a.gl_code IN ({', '.join('?' * len(codes))}) AND (a.currency <> ? OR"
        " a.gl_code IN ('M10', 'M20', 'M30')) ORDER BY a.gl_code, a.contract",
        *codes, MEMO_CURRENCY,
    )  # fmt: skip


def _loans(books: Books, owed: dict[str, dict[str, int]], currency: str) -> Iterator[tuple[str, list[str]]]:
    """Each loan on a line of its own; one that is paid and owes nothing has none."""
    for ref, body in _latest(books, records.Loan.kind):
        parts = owed.get(ref, {})
        if body.get("void") or (body.get("state", "granted") in ("paid", "cancelled") and not any(parts.values())):
            continue
        amounts = (
            format_amount(parts.get(each, 0), currency) for each in ("balance", "interest", "fees", "charged_off")
        )
        yield body["member"], [
            f"loan, {body.get('state', 'granted')}", ref, *amounts, str(body["annual_rate"]), str(body["granted_on"]),
        ]  # fmt: skip
