"""What stands where: balances of leaves, totals of control accounts, and rebuilding both.

Three caches are kept by the seal: `balance` (now), `balance_day` (movements by
effective date) and `control_total` (movements of a control account by month and by
day). "As of" is by effective date; what was believed at some time is a question to the
operations' numbers, and never answered here. All amounts are minor units, debit positive.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from coopbank.database import Database, Transaction
from coopbank.errors import Unknown
from coopbank.ledger import schema


class ControlRow(NamedTuple):
    """Debits and credits of a control account in a fund and currency, in minor units, both positive."""

    gl_code: str
    fund: str
    currency: str
    debit: int
    credit: int


def balance_now(tx: Transaction, account_id: int) -> int:
    """A leaf's balance now."""
    found = tx.value("SELECT debit - credit FROM balance WHERE account_id = ?", account_id)
    if found is None:
        raise Unknown("There is no account number {number}.", field="account", number=account_id)
    return int(found)


def balance_as_of(tx: Transaction, account_id: int, day: date) -> int:
    """A leaf's balance at the end of a day, by effective date; 0 before its first movement."""
    found = tx.value(
        "SELECT CAST(sum(debit - credit) AS bigint) FROM balance_day WHERE account_id = ? AND effective_on <= ?",
        account_id, day.isoformat(),
    )  # fmt: skip
    return int(found or 0)


def control_totals(tx: Transaction, as_of: date | None = None) -> list[ControlRow]:
    """Totals of every control account, of all entries or of those dated up to `as_of`.

    Whole months are read as one row each, and only the last month by its days, so that
    the work grows with the months and not with the entries.
    """
    bounds = tx.row("SELECT min(span), max(span) FROM control_total")
    if bounds is None or bounds[0] is None:
        return []
    last = bounds[1][:7] if as_of is None else as_of.isoformat()[:7]
    months = [span for span in _months(bounds[0][:7], min(last, bounds[1][:7])) if as_of is None or span < last]
    parts, values = [], []
    if months:
        parts.append(f"SELECT * FROM control_total WHERE span IN ({', '.join('?' * len(months))})")
        values += months
    if as_of is not None:
        parts.append("SELECT * FROM control_total WHERE span >= ? AND span <= ?")
        values += [f"{last}-01", as_of.isoformat()]
    rows = tx.rows(
        "SELECT gl_code, fund, currency, CAST(sum(debit) AS bigint), CAST(sum(credit) AS bigint)"
        f" FROM ({' UNION ALL '.join(parts)}) AS t GROUP BY gl_code, fund, currency ORDER BY gl_code, fund, currency",
        *values,
    )
    return [ControlRow(*row) for row in rows]


def _months(first: str, last: str) -> list[str]:
    """The months "2026-01" from the first to the last."""
    at, end = (int(text[:4]) * 12 + int(text[5:7]) - 1 for text in (first, last))
    return [f"{month // 12:04}-{month % 12 + 1:02}" for month in range(at, end + 1)]


# ------------------------------------------------------------------------- rebuilding

CACHES = ("balance", "balance_day", "control_total")
_DEBIT = "CAST(coalesce(sum(CASE WHEN p.amount > 0 THEN p.amount ELSE 0 END), 0) AS bigint)"
_CREDIT = "CAST(coalesce(sum(CASE WHEN p.amount < 0 THEN -p.amount ELSE 0 END), 0) AS bigint)"
_FILL = (
    f"""INSERT INTO balance (account_id, debit, credit, floor, ceiling)
    SELECT a.id, {_DEBIT}, {_CREDIT}, a.floor, a.ceiling
      FROM account a LEFT JOIN posting p ON p.account_id = a.id GROUP BY a.id, a.floor, a.ceiling""",
    f"""INSERT INTO balance_day (account_id, effective_on, debit, credit)
    SELECT p.account_id, e.effective_on, {_DEBIT}, {_CREDIT}
      FROM posting p JOIN entry e ON e.id = p.entry_id GROUP BY p.account_id, e.effective_on""",
    f"""INSERT INTO control_total (span, gl_code, fund, currency, debit, credit)
    SELECT substr(e.effective_on, 1, w.width), a.gl_code, a.fund, a.currency, {_DEBIT}, {_CREDIT}
      FROM posting p JOIN entry e ON e.id = p.entry_id JOIN account a ON a.id = p.account_id
     CROSS JOIN (SELECT 7 AS width UNION ALL SELECT 10) AS w
     GROUP BY substr(e.effective_on, 1, w.width), a.gl_code, a.fund, a.currency""",
)


def rebuild(database: Database) -> None:
    """Make the ledger's caches anew from the postings, in one transaction.

    The triggers that protect the caches are taken away for it and put back as the source
    has them. Books in which a leaf stands beyond its guard are refused, and stay as they were.
    """
    with database.write() as tx:
        restore = _unprotect_sqlite(tx) if tx.dialect == "sqlite" else _unprotect_postgresql(tx)
        for table in CACHES:
            tx.run(f"DELETE FROM {table}")
        for statement in _FILL:
            tx.run(statement)
        for statement in restore:
            tx.run(statement)


def _unprotect_sqlite(tx: Transaction) -> list[str]:
    """Drop the triggers on the caches; what makes them again."""
    triggers = {
        name.split(".")[1]: text
        for name, text in schema.expected("sqlite").items()
        if name.startswith(tuple(f"trigger {table}." for table in CACHES))
    }
    for trigger in triggers:
        tx.run(f"DROP TRIGGER IF EXISTS {trigger}")
    return list(triggers.values())


def _unprotect_postgresql(tx: Transaction) -> list[str]:
    """Switch the triggers on the caches off; what switches them on."""
    for table in CACHES:
        tx.run(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    return [f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in CACHES]
