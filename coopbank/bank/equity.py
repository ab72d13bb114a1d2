"""What members' equity is measured by: their shares over a year, and their business with the bank.

Every measure is one question to the database, whatever the number of members. `upto` is the last operation that counts:
an operation measures with it the day before it is sealed, and verify measures the same again, years later, although
something may have been dated back since.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.finance.apy import balance_spans

FUND: Final = "GEN"
DIVIDENDS, PATRONAGE, REDEMPTIONS = "821", "823", "825"
QUALIFIED, NONQUALIFIED = "945", "946"
CAPITAL: Final = "950"  # of workers, in their co-op's own book; always of qualified notices
RETAINED: Final = (QUALIFIED, NONQUALIFIED, CAPITAL)
RESERVES: Final = ("931", "932", "940")
HOUR: Final = 100  # hours are counted in hundredths
AVERAGE, YEAR_END = "average", "year-end"
INTEREST, SAVINGS, HOURS = "interest", "savings", "hours"


def year_days(year: str) -> tuple[date, date]:
    """First and last day of a year."""
    return date(int(year), 1, 1), date(int(year), 12, 31)


def days_in(year: str) -> int:
    """Days of a year."""
    first, last = year_days(year)
    return (last - first).days + 1


def balance_weights(
    books: Books, gl_code: str, year: str, basis: str, upto: int, member: str | None = None, *, undone: bool = True
) -> dict[str, int]:
    """Balance × days of a year by member, over their leaves of a control account; minor units, what is owed to them.

    One member's alone, if one is named. By `average` each day counts with the balance of its end; by `year-end` all
    days with that of the last. What was taken back later counts until then, or never, if `undone` is not to count:
    interest of a year that is taken back in the next, and credited anew, is no balance of its own year.
    """
    first, last = year_days(year)
    pairs = "" if undone else (
        " AND e.reverses_id IS NULL AND NOT EXISTS"
        " (SELECT 1 FROM entry r WHERE r.reverses_id = e.id AND r.operation_id <= ?)"
    )  # fmt: skip
    opening: dict[tuple[str, str], int] = {}
    moved: dict[tuple[str, str], list[tuple[date, int]]] = defaultdict(list)
    since = first.isoformat() if basis == AVERAGE else (last + timedelta(days=1)).isoformat()
    for holder, contract, day, amount in books.tx.rows(
        "SELECT a.holder, a.contract, CASE WHEN e.effective_on < ? THEN '' ELSE e.effective_on END, sum(-p.amount)"
        " FROM account a JOIN posting p ON p.account_id = a.id JOIN entry e ON e.id = p.entry_id"
        " WHERE a.gl_code = ? AND a.fund = ? AND a.holder IS NOT NULL AND e.effective_on <= ? AND e.operation_id <= ?"
        + (" AND a.holder = ?" if member else "") + pairs + " GROUP BY 1, 2, 3",
        since, gl_code, FUND, last.isoformat(), upto, *([member] if member else []), *([] if undone else [upto]),
    ):  # fmt: skip
        if day:
            moved[holder, contract].append((date.fromisoformat(day), int(amount)))
        else:
            opening[holder, contract] = int(amount)
    found: dict[str, int] = defaultdict(int)
    for leaf in sorted(opening.keys() | moved.keys()):
        if basis == YEAR_END:
            weight = opening.get(leaf, 0) * days_in(year)
        else:
            weight = sum(max(0, b) * n for b, n in balance_spans(opening.get(leaf, 0), moved[leaf], first, last))
        if weight > 0:
            found[leaf[0]] += weight
    return dict(found)


def interest_weights(books: Books, year: str, upto: int, member: str | None = None) -> dict[str, int]:
    """Interest that members paid on their loans in a year, by member; minor units. What was paid before is not theirs.

    Read off the cumulative sums that each loan's record carries: as of the year's last operation, less as of its first.
    """
    first, last = year_days(year)
    end = min(upto, _last_operation(books, last))
    start = _last_operation(books, first - timedelta(days=1))
    found: dict[str, int] = defaultdict(int)
    before = _paid_of_loans(books, start, member)
    for loan, (borrower, paid) in _paid_of_loans(books, end, member).items():
        known = before[loan][1] if loan in before else _paid_at_opening(books, loan)
        if paid > known:
            found[borrower] += paid - known
    return dict(found)


def _last_operation(books: Books, day: date) -> int:
    found = books.tx.value(
        "SELECT id FROM operation WHERE business_date <= ? ORDER BY id DESC LIMIT 1", day.isoformat()
    )
    return int(found or 0)


def _paid_of_loans(books: Books, upto: int, member: str | None) -> dict[str, tuple[str, int]]:
    rows = books.tx.rows(
        "SELECT r.ref, r.body FROM record r WHERE "
        + ("r.kind || '' = ? AND r.about = ?" if member else "r.kind = ?") + " AND r.version ="
        " (SELECT max(version) FROM record l WHERE l.kind = r.kind AND l.ref = r.ref AND l.operation_id <= ?)",
        records.Loan.kind, *([member] if member else []), upto,
    )  # fmt: skip
    bodies = ((ref, json.loads(text)) for ref, text in rows)
    return {ref: (body["member"], _paid(body)) for ref, body in bodies if not body.get("void")}


def _paid(body: dict[str, dict[str, dict[str, int]]]) -> int:
    """Interest that came in, the peers' part included: it is what the member paid."""
    flows = body.get("book", {}).values()
    return sum(each.get("interest_paid", 0) + each.get("interest_cash", 0) for each in flows)


def _paid_at_opening(books: Books, loan: str) -> int:
    """What a loan that came in with the opening balances had paid elsewhere."""
    row = books.tx.row(
        "SELECT o.kind, r.body FROM record r JOIN operation o ON o.id = r.operation_id"
        " WHERE r.kind = ? AND r.ref = ? AND r.version = 1", records.Loan.kind, loan,
    )  # fmt: skip
    return _paid(json.loads(row[1])) if row is not None and row[0] == "opening-balance" else 0


def hour_weights(books: Books, year: str, upto: int) -> dict[str, int]:
    """Hours that members worked in a year, in hundredths."""
    body = books.find_at(records.PatronageHours, year, upto)
    return {} if body is None else {member: int(Decimal(hours) * HOUR) for member, hours in body.hours.items()}


def basis_weights(books: Books, basis: str, year: str, upto: int, member: str | None = None) -> dict[str, int]:
    """The members' measures by a basis of patronage; one member's alone, if one is named."""
    if basis == INTEREST:
        return interest_weights(books, year, upto, member)
    if basis == SAVINGS:
        return balance_weights(books, "905", year, AVERAGE, upto, member)
    return hour_weights(books, year, upto)


def earnings(books: Books) -> int:
    """Undivided earnings (940) now; below zero is a loss that is not made good. Minor units."""
    return -books.balance(FUND, "940")


def result_so_far(books: Books, year: str) -> int:
    """Income less expense of the general fund in a year that is not closed, before any closing. Minor units."""
    found = books.tx.value(
        "SELECT sum(t.credit - t.debit) FROM control_total t JOIN gl_account g ON g.code = t.gl_code"
        " WHERE t.fund = ? AND length(t.span) = 7 AND t.span >= ? AND t.span <= ? AND g.kind IN ('income', 'expense')",
        FUND, f"{year}-01", f"{year}-12",
    )  # fmt: skip
    return int(found or 0)
