"""What the bank's statements and the books say of the same money, as of a day. Pure reading and arithmetic.

A bank account is the leaf 731/FIRST. Its postings stand on one side, the lines of the bank's statements on the
other; a match says that some of each are the same money, and both come to the same sum. As of a day a match counts
once all that it joins lies on that day or before; what is left over is open:

    balance by the bank + in transit - outstanding - unrecognised = balance by the books

where open postings that brought money in are in transit, those that took money out are outstanding, and open lines
are what the bank knows and the books do not. A posting and its reversal that the bank never saw settle each other.
The balance with which the first statement begins is a line too, matched with what the books began with.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.errors import InvalidDate, InvalidValue, Unknown

BROUGHT_FORWARD = "brought forward"
"""What stands for the bank's number of the line that brings the first balance; a number of the bank has no space."""


@dataclass(frozen=True, slots=True)
class Posting:
    """A line of an entry on the leaf of a bank account. Minor units, debit +: money that came in."""

    entry: int
    line: int
    on: str
    amount: int
    operation: int
    memo: str = ""
    reverses: int | None = None

    @property
    def ref(self) -> str:
        """`17.2`."""
        return f"{self.entry}.{self.line}"


@dataclass(frozen=True, slots=True)
class Standing:
    """A bank account at the end of a day, by both sides. Amounts in minor units."""

    bank_account: str
    on: str
    by_bank: int
    by_books: int
    open_postings: tuple[Posting, ...]
    open_lines: tuple[tuple[str, records.BankLine], ...]

    @property
    def in_transit(self) -> int:
        """In the books, coming in, and not yet at the bank."""
        return sum(each.amount for each in self.open_postings if each.amount > 0)

    @property
    def outstanding(self) -> int:
        """In the books, going out, and not yet at the bank; positive."""
        return -sum(each.amount for each in self.open_postings if each.amount < 0)

    @property
    def unrecognised(self) -> int:
        """At the bank and not yet in the books."""
        return sum(line.amount for _ref, line in self.open_lines)

    @property
    def difference(self) -> int:
        """What nothing explains; a statement is signed only if it is zero."""
        return self.by_bank + self.in_transit - self.outstanding - self.unrecognised - self.by_books

    def body(self, as_of: int, by: str, today: str) -> records.Reconciliation:
        """The record of its being signed."""
        return records.Reconciliation(
            bank_account=self.bank_account, on=self.on, by_bank=self.by_bank, in_transit=self.in_transit,
            outstanding=self.outstanding, unrecognised=self.unrecognised, by_books=self.by_books,
            open_postings=[[each.entry, each.line, each.on, each.amount] for each in self.open_postings],
            open_lines=[[ref, line.on, line.amount] for ref, line in self.open_lines],
            as_of=as_of, prepared_by=by, prepared_on=today,
        )  # fmt: skip


def standing(
    bank_account: str,
    on: str,
    lines: Mapping[str, records.BankLine],
    postings: Mapping[tuple[int, int], Posting],
    matches: Iterable[records.BankMatch],
) -> Standing:
    """Where the account stands at the end of a day, from all its lines and postings and the matches that hold."""
    settled_lines: set[str] = set()
    settled: set[tuple[int, int]] = set()
    taken: set[tuple[int, int]] = set()
    for match in matches:
        both = [(entry, line) for entry, line in match.postings]
        taken.update(both)
        days = [lines[ref].on for ref in match.lines if ref in lines]
        days += [postings[key].on for key in both if key in postings]
        if len(days) == len(match.lines) + len(both) and all(day <= on for day in days):
            settled_lines.update(match.lines)
            settled.update(both)
    until = {key: each for key, each in postings.items() if each.on <= on}
    settled |= undone(postings, until, taken)
    return Standing(
        bank_account, on,
        by_bank=sum(line.amount for line in lines.values() if line.on <= on),
        by_books=sum(each.amount for each in until.values()),
        open_postings=tuple(sorted((e for k, e in until.items() if k not in settled), key=_by_day)),
        open_lines=tuple(sorted(
            ((ref, line) for ref, line in lines.items() if line.on <= on and ref not in settled_lines),
            key=lambda each: (each[1].on, _numbered(each[0])),
        )),
    )  # fmt: skip


def _by_day(posting: Posting) -> tuple[str, int, int]:
    return posting.on, posting.entry, posting.line


def _numbered(ref: str) -> tuple[str, int]:
    statement, _point, number = ref.rpartition(".")
    return statement, int(number)


def undone(
    postings: Mapping[tuple[int, int], Posting], until: Mapping[tuple[int, int], Posting], taken: set[tuple[int, int]]
) -> set[tuple[int, int]]:
    """Postings of entries that were reversed, and of their reversals, if the bank saw nothing of either."""
    entries: dict[int, list[tuple[int, int]]] = defaultdict(list)
    reversals = {}
    for key, each in postings.items():
        entries[each.entry].append(key)
        if each.reverses is not None:
            reversals[each.entry] = each.reverses
    found: set[tuple[int, int]] = set()
    for reversal, reversed_ in reversals.items():
        pair = [*entries[reversal], *entries[reversed_]]
        if all(key in until and key not in taken for key in pair):
            found.update(pair)
    return found


# ------------------------------------------------------------------------------------ reading


def statements_of(books: Books, bank_account: str) -> list[tuple[str, records.BankStatement]]:
    """The statements of an account that count, in the order of their days."""
    return sorted(books.about(records.BankStatement, bank_account), key=lambda each: (each[1].start, each[0]))


def matches_of(books: Books, bank_account: str) -> dict[str, records.BankMatch]:
    """The matches that hold."""
    return {ref: match for ref, match in books.about(records.BankMatch, bank_account) if match.state == "matched"}


def lines_of(books: Books, bank_account: str) -> dict[str, records.BankLine]:
    """Every line of the account's statements."""
    return dict(books.about(records.BankLine, bank_account))


def postings_of(books: Books, bank_account: str, fund: str) -> dict[tuple[int, int], Posting]:
    """Every posting on the account's leaf."""
    return {(each.entry, each.line): each for each in _postings(books, bank_account, fund)}


def _postings(books: Books, bank_account: str, fund: str) -> Iterator[Posting]:
    for row in books.tx.rows(
        "SELECT p.entry_id, p.line, e.effective_on, p.amount, e.operation_id, e.memo, e.reverses_id"
        " FROM posting p JOIN entry e ON e.id = p.entry_id JOIN account a ON a.id = p.account_id"
        " WHERE a.gl_code = '731' AND a.contract = ? AND a.fund = ? ORDER BY p.entry_id, p.line",
        bank_account, fund,
    ):  # fmt: skip
        yield Posting(*row)


def account_of(books: Books, ref: str, field: str = "bank_account") -> records.BankAccount:
    """A bank account of the books."""
    return books.get(records.BankAccount, ref, field)


def standing_of(books: Books, bank_account: str, on: date, field: str = "on") -> Standing:
    """Where an account stands at the end of a day; refused for days of which the bank's statements do not tell."""
    account = account_of(books, bank_account)
    require_told(statements_of(books, bank_account), bank_account, on, field)
    return standing(
        bank_account, on.isoformat(), lines_of(books, bank_account), postings_of(books, bank_account, account.fund),
        matches_of(books, bank_account).values(),
    )  # fmt: skip


def require_told(
    statements: list[tuple[str, records.BankStatement]], bank_account: str, on: date, field: str = "on"
) -> None:
    """Refuse a day before the first of the bank's statements, or after the last."""
    if not statements:
        raise Unknown(
            "There is no statement of bank account {account} yet.", field="bank_account", account=bank_account,
            hint="Import the bank's file with: coopbank import bank-lines FILE",
        )  # fmt: skip
    first, last = statements[0][1].start, max(body.end for _ref, body in statements)
    if not first <= on.isoformat() <= last:
        raise InvalidDate(
            "The bank's statements of {account} go from {first} to {last}.", field=field, account=bank_account,
            first=first, last=last,
        )  # fmt: skip


def posting_ref(text: str, field: str) -> tuple[int, int | None]:
    """An entry (17) or one line of it (17.2)."""
    entry, _point, line = text.partition(".")
    if not (entry.isdecimal() and entry.isascii() and len(entry) < 19) or (
        _point and not (line.isdecimal() and line.isascii() and len(line) < 10)
    ):
        raise InvalidValue(
            "{text} is no entry; write its number (17), or number and line (17.2).", field=field, text=text[:40]
        )
    return int(entry), int(line) if line else None
