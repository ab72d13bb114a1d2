"""The allowance for loan losses: how much of each loan is expected not to come back.

A dated table gives a rate for every bucket of lateness and for every grade of risk. The rate
of a loan is the largest of three: that of its bucket, that of the days by which it ages (a
report that does not come ages as a payment that does not come), and that of its grade. So a
loan that is deferred by its terms, which no lateness ever tells of, is provided for by its
grade: until somebody grades it, a loan repaid by reports has the grade `REPORTED_GRADE`, whose
rate is never zero. A specific amount, decided for one loan, stands instead of the table.

Each amount is rounded once, half to even; a fund's allowance is the sum over what it lent
itself, and never serves another fund's loans. A table may also ask for a part of what is
promised and not paid out: that is a liability (863), reckoned on the whole of a fund.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.lending.contract import REPORTED
from coopbank.bank.lending.delinquency import BUCKETS, age_of
from coopbank.money import round_ratio, split

#: Grades of risk, the best first, with what they mean.
GRADES: Final[dict[str, str]] = {"1": "strong", "2": "sound", "3": "watch", "4": "weak", "5": "doubtful"}
#: What a loan repaid by reports is graded until somebody decides.
REPORTED_GRADE: Final = "3"
SPECIFIC: Final = "specific"
#: The only table of a book: its versions follow each other under this number.
TABLE: Final = "allowance"

#: What a new book begins with. A bank's own experience is a better guide, and its treasurer sets the next one.
FIRST_RATES: Final[dict[str, dict[str, str]]] = {
    "buckets": {
        "current": "1", "1-30": "2", "31-60": "10", "61-90": "25", "91-180": "50", "over 180": "100",
        "deferred by terms": "1", "due": "1", "late": "2", "report overdue": "5",
    },
    "grades": {"1": "1", "2": "1", "3": "5", "4": "20", "5": "50"},
}  # fmt: skip

Line = list[Any]
"""Fund, loan, bucket, days, grade, balance, percent or "specific", amount."""


def first_table(from_day: date, author: str) -> records.AllowanceTable:
    """The table of a new book."""
    return records.AllowanceTable(
        from_day=from_day.isoformat(), author=author, why="The rates that every new book begins with.", **FIRST_RATES
    )


# ------------------------------------------------------------------------------------- the table


def tables(books: Books) -> dict[int, records.AllowanceTable]:
    """Every version of the table."""
    rows = books.tx.rows(
        "SELECT version, body FROM record WHERE kind = ? AND ref = ? ORDER BY version",
        records.AllowanceTable.kind, TABLE,
    )  # fmt: skip
    return {version: records.AllowanceTable.model_validate_json(text) for version, text in rows}


def in_force(known: Mapping[int, records.AllowanceTable], day: date) -> tuple[int, records.AllowanceTable] | None:
    """The table of a day with its version: of those that begin by then the one that began last."""
    begun = [(table.from_day, version) for version, table in known.items() if table.from_day <= day.isoformat()]
    if not begun:
        return None
    version = max(begun)[1]
    return version, known[version]


def last_provision(books: Books) -> tuple[str, records.Provision] | None:
    """The month that was provided for last, and how."""
    row = books.tx.row(
        "SELECT ref, body FROM record WHERE kind = ? ORDER BY ref DESC, version DESC LIMIT 1", records.Provision.kind
    )
    return None if row is None else (row[0], records.Provision.model_validate_json(row[1]))


# ----------------------------------------------------------------------------------- the reckoning


def grade_of(body: records.Loan) -> str | None:
    """The grade that a loan was given, or the one that it has because reports repay it."""
    return body.grade or (REPORTED_GRADE if body.repayment in REPORTED else None)


def rate(table: records.AllowanceTable, bucket: str, days: int, grade: str | None) -> str:
    """Percent by which a loan is provided for: the largest that applies."""
    rates = [table.buckets[bucket], table.buckets[age_of(days)]]
    if grade is not None:
        rates.append(table.grades[grade])
    return max(rates, key=Decimal)


def part(percent: str, amount: int) -> int:
    """So many percent of an amount, rounded once, half to even."""
    above, below = Decimal(percent).as_integer_ratio()
    return round_ratio(amount * above, 100 * below)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What is lent on a loan, and what tells of its risk; amounts in minor units."""

    loan: str
    bucket: str
    days: int
    grade: str | None
    reserve: int | None  # a specific allowance
    carried: dict[str, int]  # principal in the books, by fund

    def lines(self, table: records.AllowanceTable) -> list[Line]:
        """The allowance of each fund for it."""
        lent = {fund: amount for fund, amount in self.carried.items() if amount > 0}
        if self.reserve is None:
            percent = rate(table, self.bucket, self.days, self.grade)
            amounts = [part(percent, amount) for amount in lent.values()]
        else:
            percent = SPECIFIC
            amounts = specific(self.reserve, list(lent.values()))
        return [
            [fund, self.loan, self.bucket, self.days, self.grade, balance, percent, amount]
            for (fund, balance), amount in zip(lent.items(), amounts, strict=True)
        ]


def specific(reserve: int, balances: list[int]) -> list[int]:
    """A specific allowance, shared by what each fund has in the loan; never more than that."""
    return split(min(reserve, sum(balances)), balances) if balances else []


@dataclass(slots=True)
class Reckoning:
    """What each fund is to hold for its loans; amounts in minor units."""

    lines: list[Line] = field(default_factory=list)
    required: dict[str, int] = field(default_factory=dict)
    commitments: dict[str, int] = field(default_factory=dict)


def reckon(
    table: records.AllowanceTable, loans: Iterable[Exposure], promised: Mapping[str, int], held: Iterable[str] = ()
) -> Reckoning:  # fmt: skip
    """The allowance of every fund that has loans, or holds an allowance already."""
    found = Reckoning(required=dict.fromkeys(held, 0))
    for loan in loans:
        for line in loan.lines(table):
            found.lines.append(line)
            found.required[line[0]] = found.required.get(line[0], 0) + line[-1]
    for fund, amount in promised.items():
        if wanted := part(table.commitments, amount):
            found.commitments[fund] = wanted
    return found


def missing(table: records.AllowanceTable) -> list[str]:
    """Buckets and grades that a table says nothing of."""
    return [*(name for name in BUCKETS if name not in table.buckets), *(g for g in GRADES if g not in table.grades)]
