"""The find box: members by name, number, telephone, loan or receipt, best match first.

Lee, lee mi, "élé"   the name, words in any order, accents and capitals do not matter
M0007, m7, 7         the member number
555 0101             part of the telephone number, three digits or more
L-010, l10           a loan's borrower
#123, 123            whose affairs receipt 123 was about
(nothing)            all members by name
abernaty, gonsales   where nothing else is found: names that are a letter or two away, the nearest first
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.desk import fold
from coopbank.database import Transaction

Why = Literal["number", "loan", "receipt", "name", "phone", "spelling"]

_LONGEST = 100
_MEMBER = re.compile(r"m\s*-?\s*0*([0-9]{1,9})")
_LOAN = re.compile(r"l\s*-?\s*0*([0-9]{1,9})")
_RECEIPT = re.compile(r"(?:#|r\s*-?)?\s*([0-9]{1,12})")
_PHONE = re.compile(r"[0-9 ()+./-]{3,30}")

_BY_NAME = """
SELECT member, name, phone FROM directory WHERE {where}
 ORDER BY CASE WHEN folded LIKE ? ESCAPE '\\' THEN 0 WHEN folded LIKE ? ESCAPE '\\' THEN 1 ELSE 2 END, folded, member
 LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class FoundMember:
    """A member that the find box offers, and what it was found by. `phone` is digits only."""

    member: str
    name: str
    phone: str
    why: Why
    found_by: str  # the loan or receipt, where it was one


def find_members(books: Books, text: str, limit: int = 20) -> tuple[FoundMember, ...]:
    """Members that a text may mean, best first; never an error, whatever is typed."""
    folded = fold(text[:_LONGEST]).strip()
    found: dict[str, FoundMember] = {}
    for match in _candidates(books, folded, limit):
        found.setdefault(match.member, match)
        if len(found) >= limit:
            break
    return tuple(found.values()) or tuple(_by_spelling(books.tx, folded, limit))


def member_ref(text: str) -> str | None:
    """The member number that `M0007`, `m7` or `7` stands for; None if it is something else."""
    match = _MEMBER.fullmatch(fold(text.strip())) or re.fullmatch(r"0*([0-9]{1,9})", text.strip())
    return f"M{int(match[1]):04d}" if match else None


def _candidates(books: Books, text: str, limit: int) -> Iterator[FoundMember]:
    yield from _by_number(books.tx, text)
    yield from _by_loan(books, text)
    receipt = _RECEIPT.fullmatch(text)
    if receipt and not text[0].isdigit():
        yield from _by_receipt(books.tx, int(receipt[1]))
    yield from _by_name(books.tx, text, limit)
    yield from _by_phone(books.tx, text, limit)
    if receipt and text[0].isdigit():
        yield from _by_receipt(books.tx, int(receipt[1]))


def _by_number(tx: Transaction, text: str) -> Iterator[FoundMember]:
    ref = member_ref(text)
    if ref is not None:
        yield from _listed(tx, ref, "number")


def _listed(tx: Transaction, member: str, why: Why, found_by: str = "") -> Iterator[FoundMember]:
    for ref, name, phone in tx.rows("SELECT member, name, phone FROM directory WHERE member = ?", member):
        yield FoundMember(ref, name, phone, why, found_by)


def _by_loan(books: Books, text: str) -> Iterator[FoundMember]:
    match = _LOAN.fullmatch(text)
    if match is None:
        return
    ref = f"L-{int(match[1]):03d}"
    loan = books.find(records.Loan, ref)
    if loan is not None:
        yield from _listed(books.tx, loan.member, "loan", ref)


def _by_receipt(tx: Transaction, number: int) -> Iterator[FoundMember]:
    """Whose leaves or records the operation of that number touched."""
    holders = tx.rows(
        "SELECT DISTINCT a.holder FROM entry e JOIN posting p ON p.entry_id = e.id"
        " JOIN account a ON a.id = p.account_id WHERE e.operation_id = ? AND a.holder IS NOT NULL"
        " ORDER BY a.holder LIMIT 20",
        number,
    )
    kept = tx.rows("SELECT ref FROM record WHERE operation_id = ? AND kind = 'member' ORDER BY line LIMIT 20", number)
    for (member,) in (*holders, *kept):
        yield from _listed(tx, member, "receipt", str(number))


def _by_name(tx: Transaction, text: str, limit: int) -> Iterator[FoundMember]:
    words = text.split()
    first = _escaped(text)
    if words:
        # Names that begin with what was typed are the end of a search by index; only too few of them need the rest.
        quick = tx.rows(
            "SELECT member, name, phone FROM directory WHERE folded >= ? AND folded < ?"
            " ORDER BY folded, member LIMIT ?",
            text, text + chr(0x10FFFF), limit,
        )  # fmt: skip
        if len(quick) >= limit:
            yield from _matches(quick, "name")
            return
        if _PHONE.fullmatch(text):
            yield from _matches(quick, "name")  # digits are a number first; no search of all names for them
            return
    where = " AND ".join(["folded LIKE ? ESCAPE '\\'"] * len(words)) or "1 = 1"
    rows = tx.rows(
        _BY_NAME.format(where=where), *(f"%{_escaped(w)}%" for w in words), f"{first}%", f"% {first}%", limit
    )
    yield from _matches(rows, "name")


#: Names that begin or end like what was typed are compared letter by letter; no more of them than this.
_COMPARED = 2000


def _by_spelling(tx: Transaction, text: str, limit: int) -> Iterator[FoundMember]:
    """Names like what was typed: each word a letter away from a word of the name, long words two."""
    words = [word for word in text.split() if word.isalpha()]
    longest = max(words, key=len, default="")
    if len(longest) < 4:
        return
    near: dict[str, tuple[int, tuple[Any, ...]]] = {}
    for pattern in (f"{longest[:2]}%", f"% {longest[:2]}%", f"%{longest[-3:]}%"):
        if near:
            break
        rows = tx.rows(
            "SELECT member, name, phone, folded FROM directory WHERE folded LIKE ? ESCAPE '\\' LIMIT ?",
            pattern, _COMPARED,
        )  # fmt: skip
        for *match, folded in rows:
            far = _how_far(words, folded.split())
            if far is not None:
                near[match[0]] = (far, tuple(match))
    nearest = sorted(near.values(), key=lambda each: (each[0], fold(each[1][1]), each[1][0]))
    yield from _matches((match for _far, match in nearest[:limit]), "spelling")


def _how_far(typed: list[str], name: list[str]) -> int | None:
    """Letters between what was typed and a name, or None if a word of it is like no word of the name."""
    total = 0
    for word in typed:
        far = min((letters_between(word, other) for other in name), default=len(word))
        if far > (2 if len(word) >= 6 else 1):
            return None
        total += far
    return total


@lru_cache(maxsize=8192)  # most people share their names with others
def letters_between(typed: str, word: str) -> int:
    """Letters to change, add, drop or swap until what was typed is a beginning of the word."""
    word = word[: len(typed) + 2]
    before: list[int] = []
    row = list(range(len(word) + 1))
    for i, letter in enumerate(typed, 1):
        last, before = before, row
        row = [i]
        for j, other in enumerate(word, 1):
            least = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == word[j - 2] and typed[i - 2] == other:
                least = min(least, last[j - 2] + 1)
            row.append(least)
    return min(row[1:], default=len(typed))


def _by_phone(tx: Transaction, text: str, limit: int) -> Iterator[FoundMember]:
    digits = re.sub("[^0-9]", "", text)
    if len(digits) < 3 or not _PHONE.fullmatch(text):
        return
    rows = tx.rows(
        "SELECT member, name, phone FROM directory WHERE phone LIKE ?"
        " ORDER BY phone LIKE ? DESC, folded, member LIMIT ?",
        f"%{digits}%", f"%{digits}", limit,
    )  # fmt: skip
    yield from _matches(rows, "phone")


def _matches(rows: Iterable[tuple[Any, ...]], why: Why) -> Iterator[FoundMember]:
    for member, name, phone in rows:
        yield FoundMember(member, name, phone, why, "")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
