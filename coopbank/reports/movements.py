"""The movements of a member's leaves in a period, and what stood there before it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.database import Transaction

LOAN_CODES = ("701", "781", "791", "M10", "M20", "M30")
"""What a borrower owes by the contract: principal, interest and fees in the books, and the memo parts."""


def is_of_loan(gl_code: str, contract: str) -> bool:
    """Whether a leaf is part of what is owed on a loan; 791/M0007 is what a member owes otherwise."""
    return gl_code in LOAN_CODES and contract.startswith("L-")


@dataclass(frozen=True, slots=True)
class MemberLeaf:
    """A leaf that is about a member, and the side where its control account stands."""

    id: int
    fund: str
    gl_code: str
    contract: str
    side: str
    opened_on: date

    @property
    def code(self) -> str:
        """As people write it: 905/M0007."""
        return f"{self.gl_code}/{self.contract}"

    @property
    def of_loan(self) -> bool:
        """Whether it is part of what is owed on a loan."""
        return is_of_loan(self.gl_code, self.contract)


@dataclass(frozen=True, slots=True)
class Movement:
    """What one entry moved on one leaf; minor units, debit +. `corrects` is the operation that a reversal undoes."""

    leaf: int
    entry: int
    operation: int
    kind: str
    on: date
    posted_on: date
    debit: int
    credit: int
    corrects: int | None
    corrects_kind: str | None

    @property
    def net(self) -> int:
        """Debits less credits."""
        return self.debit - self.credit


def loans_of(books: Books, member: str) -> dict[str, records.Loan]:
    """The member's loans by number."""
    held = {leaf.contract for leaf in books.held_by(member) if is_of_loan(leaf.gl_code, leaf.contract)}
    found = dict(books.about(records.Loan, member))
    for ref in held - found.keys():
        loan = books.find(records.Loan, ref)
        if loan is not None:
            found[ref] = loan
    return {ref: found[ref] for ref in sorted(found) if found[ref].member == member}


def member_leaves(books: Books, member: str, loans: Iterable[str]) -> list[MemberLeaf]:
    """Every leaf that the member holds or that bears their number or their loan's, commitments left out."""
    classes = [f"{member}.{ref}" for ref, _class in books.every(records.ShareClass)]
    contracts = [member, *classes, *loans]
    marks = ",".join("?" * len(contracts))
    rows = books.tx.rows(
        "SELECT a.id, a.fund, a.gl_code, a.contract, g.side, o.business_date FROM account a"
        " JOIN gl_account g ON g.code = a.gl_code JOIN operation o ON o.id = a.operation_id"
        f" WHERE (a.holder = ? OR a.contract <> '' AND a.contract IN ({marks})) ORDER BY a.gl_code, a.contract, a.fund",
        member, *contracts,
    )  # fmt: skip
    return [
        MemberLeaf(int(i), fund, gl_code, contract, side, date.fromisoformat(opened))
        for i, fund, gl_code, contract, side, opened in rows
        if not gl_code.startswith("M") or gl_code in LOAN_CODES
    ]


def leaf_of(books: Books, gl_code: str, contract: str) -> MemberLeaf | None:
    """The leaf of a note, a gift or the like; None where nothing was booked to it."""
    row = books.tx.row(
        "SELECT a.id, a.fund, g.side, o.business_date FROM account a JOIN gl_account g ON g.code = a.gl_code"
        " JOIN operation o ON o.id = a.operation_id WHERE a.gl_code = ? AND a.contract = ? AND a.contract <> ''",
        gl_code, contract,
    )  # fmt: skip
    if row is None:
        return None
    return MemberLeaf(int(row[0]), row[1], gl_code, contract, row[2], date.fromisoformat(row[3]))


def balances_before(tx: Transaction, leaves: Iterable[MemberLeaf], day: date) -> dict[int, int]:
    """Balance of each leaf at the start of a day, minor units, debit +."""
    ids = [leaf.id for leaf in leaves]
    found = dict.fromkeys(ids, 0)
    if ids:
        rows = tx.rows(
            "SELECT account_id, sum(debit) - sum(credit) FROM balance_day"
            f" WHERE account_id IN ({','.join('?' * len(ids))}) AND effective_on < ? GROUP BY account_id",
            *ids, day.isoformat(),
        )  # fmt: skip
        found.update((int(i), int(net)) for i, net in rows)
    return found


def movements_of(tx: Transaction, leaves: Iterable[MemberLeaf], start: date, end: date) -> dict[int, list[Movement]]:
    """Movements of each leaf in a period, in the order of their dates and entries."""
    ids = [leaf.id for leaf in leaves]
    found: dict[int, list[Movement]] = defaultdict(list)
    if not ids:
        return found
    # CROSS JOIN: SQLite shall begin with the few postings of these leaves, not with all entries of the period.
    rows = tx.rows(
        "SELECT p.account_id, e.id, o.id, o.kind, e.effective_on, o.business_date, p.amount, r.operation_id, q.kind"
        " FROM posting p CROSS JOIN entry e CROSS JOIN operation o"
        " LEFT JOIN entry r ON r.id = e.reverses_id LEFT JOIN operation q ON q.id = r.operation_id"
        f" WHERE p.account_id IN ({','.join('?' * len(ids))}) AND e.id = p.entry_id AND o.id = e.operation_id"
        " AND e.effective_on BETWEEN ? AND ? ORDER BY e.effective_on, e.id, p.line",
        *ids, start.isoformat(), end.isoformat(),
    )  # fmt: skip
    for leaf, entry, operation, kind, on, posted_on, amount, corrects, corrects_kind in rows:
        before = found[leaf][-1] if found[leaf] else None
        debit, credit = max(int(amount), 0), max(-int(amount), 0)
        if before is not None and before.entry == entry:
            debit, credit = debit + before.debit, credit + before.credit
            found[leaf].pop()
        found[leaf].append(
            Movement(
                leaf, entry, operation, kind, date.fromisoformat(on), date.fromisoformat(posted_on), debit, credit,
                corrects, corrects_kind,
            )
        )  # fmt: skip
    return found
