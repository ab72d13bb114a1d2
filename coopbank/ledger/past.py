"""The books as they stood when an operation was the last one: for a document that is printed again.

    with database.read(temporary=True) as tx:
        show_past(tx, 4512)      from here on every question of this transaction is answered as of operation 4512

Nothing is copied and no report knows of it: temporary views bear the tables' names and hide them. What came later is
left out of sealed tables by the number of its operation; caches are reckoned anew from the postings up to then
(balances of a leaf) or by taking away what came later (control totals). The views go with the transaction.
This is the second clock, "what did we believe": by operation number, never mixed with the effective date.
"""

from __future__ import annotations

from typing import Final

from coopbank.database import Transaction
from coopbank.errors import Unknown

_SEALED: Final = ("gl_account", "fund", "account", "entry", "period_state", "record")
_SPANS: Final = ("e.effective_on", "substr(e.effective_on, 1, 7)")
_DEBIT: Final = "CASE WHEN p.amount > 0 THEN p.amount ELSE 0 END"
_CREDIT: Final = "CASE WHEN p.amount < 0 THEN -p.amount ELSE 0 END"


def show_past(tx: Transaction, operation: int) -> None:
    """Hide what came after an operation; refuses a number that there is not."""
    head = tx.value("SELECT max(id) FROM operation")
    if not 1 <= operation <= head:  # asked here: a number of any length may have been typed
        raise Unknown("There is no operation {number}.", field="operation", number=operation)
    if operation == head:
        return
    last_entry = int(tx.value("SELECT first_entry + entry_count - 1 FROM operation WHERE id = ?", operation))
    last_account = int(tx.value("SELECT coalesce(max(id), 0) FROM account WHERE operation_id <= ?", operation))
    home = "main" if tx.dialect == "sqlite" else str(tx.value("SELECT current_schema()"))
    for name, query in _views(home, operation, last_entry, last_account, tx.dialect).items():
        tx.run(f"CREATE TEMPORARY VIEW {name} AS {query}")


def _views(home: str, operation: int, entry: int, account: int, dialect: str) -> dict[str, str]:
    """Each table's name, and the query that stands in its place."""
    views = {"operation": f"SELECT * FROM {home}.operation WHERE id <= {operation}"}
    views |= {name: f"SELECT * FROM {home}.{name} WHERE operation_id <= {operation}" for name in _SEALED}
    views["posting"] = f"SELECT * FROM {home}.posting WHERE entry_id <= {entry}"
    later = f"FROM {home}.posting p WHERE p.account_id = b.account_id AND p.entry_id > {entry}"
    views["balance"] = (
        f"SELECT b.account_id, b.debit - coalesce((SELECT sum({_DEBIT}) {later}), 0) AS debit,"
        f" b.credit - coalesce((SELECT sum({_CREDIT}) {later}), 0) AS credit, b.floor, b.ceiling"
        f" FROM {home}.balance b WHERE b.account_id <= {account}"
    )
    views["balance_day"] = (
        f"SELECT p.account_id, e.effective_on, sum({_DEBIT}) AS debit, sum({_CREDIT}) AS credit"
        f" FROM {home}.posting p JOIN {home}.entry e ON e.id = p.entry_id WHERE p.entry_id <= {entry}"
        " GROUP BY p.account_id, e.effective_on"
    )
    views["control_total"] = _control_totals(home, entry)
    views["directory"] = _directory(home, operation, dialect)
    return views


def _control_totals(home: str, entry: int) -> str:
    """The cache less what was posted later, by day and by month."""
    less = " UNION ALL ".join(
        f"SELECT {span}, a.gl_code, a.fund, a.currency, -({_DEBIT}), -({_CREDIT}) FROM {home}.posting p"
        f" JOIN {home}.entry e ON e.id = p.entry_id JOIN {home}.account a ON a.id = p.account_id"
        f" WHERE p.entry_id > {entry}"
        for span in _SPANS
    )
    return (
        "SELECT span, gl_code, fund, currency, sum(debit) AS debit, sum(credit) AS credit FROM"
        f" (SELECT span, gl_code, fund, currency, debit, credit FROM {home}.control_total UNION ALL {less}) every_part"
        " GROUP BY span, gl_code, fund, currency HAVING sum(debit) <> 0 OR sum(credit) <> 0"
    )


def _directory(home: str, operation: int, dialect: str) -> str:
    """Members by the name that they had; nobody is searched for in the past."""
    name = "r.body ->> '$.name.\"#\"'" if dialect == "sqlite" else "r.body::json -> 'name' ->> '#'"
    return (
        f"SELECT r.ref AS member, coalesce(p.value, '(forgotten)') AS name, '' AS folded, '' AS phone"
        f" FROM {home}.record r LEFT JOIN {home}.personal p ON p.digest = {name}"
        f" WHERE r.kind = 'member' AND r.operation_id <= {operation} AND NOT EXISTS (SELECT 1 FROM {home}.record l"
        f" WHERE l.kind = r.kind AND l.ref = r.ref AND l.version > r.version AND l.operation_id <= {operation})"
    )
