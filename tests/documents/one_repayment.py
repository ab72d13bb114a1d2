"""Makes docs/one-repayment.md: every row that one loan payment writes, with its hashes.

The rows are read back from real books, founded for the purpose on a fixed day with fixed
nonces, so the page is the same each time and cannot tell of rows that are not written.
"""

from __future__ import annotations

import hashlib
import textwrap
from typing import Any

from coopbank.bank.books import Books
from coopbank.money import format_amount
from tests.support_bank import SmallBank, new_bank

WIDTH = 118


def page(place: str) -> str:
    """The page, from books made at that place."""
    with new_bank(place) as small:
        number = _repay(small)
        with small.read() as books:
            return _page(books, number)


def _repay(small: SmallBank) -> int:
    """A loan of 1,200.00 at 6 % from money that a lender brought; each month 110.00 are paid, here the second time."""
    farm = small.admit("Green Tassel Urban Farm", entity="organisation")
    small.agreed(
        "issue-note", by=small.tom, approver=small.sue, lender="Circle of Small Lenders", amount="5000.00",
        annual_rate="0", due_on="2029-03-02",
    )  # fmt: skip
    granted = small.agreed(
        "grant-loan", member=farm, principal="1200.00", annual_rate="6", installments=12, purpose="cooler"
    )
    loan = next(ref for ref in granted.created if ref.startswith("L-"))
    small.do("disburse-loan", by=small.tom, loan=loan, tender="transfer", cheque_number="1042")
    small.go_to("2026-04-02")
    small.do("repay-loan", loan=loan, amount="110.00")
    small.go_to("2026-05-04")
    return small.do("repay-loan", loan=loan, amount="110.00").number


def _page(books: Books, number: int) -> str:
    operation = _one(books, "SELECT * FROM operation WHERE id = ?", number)
    text = operation["sealed"]
    entries = _all(books, "SELECT * FROM entry WHERE operation_id = ? ORDER BY id", number)
    fact, record = _all(books, "SELECT * FROM record WHERE operation_id = ? ORDER BY kind DESC", number)
    shown = {name: value.hex() if isinstance(value, bytes) else value for name, value in operation.items()}
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert digest == shown["hash"]
    lines = [
        "# One repayment, row by row",
        "",
        "A farm pays 110.00 on 1,200.00 at 6 %, in cash. All that `repay-loan` writes, in its order, in cents.",
        "",
        "**1. What happened**, a fact of the story (`record`), and the new state of the loan, told from its facts:",
        "",
        *_wrapped(_version(fact))[:-1],
        *_wrapped(_version(record))[1:],
        "",
        f"**2. The lines** (`posting`), {len(_postings(books, entries))} of them, each naming a leaf (`account`):",
        "",
        "| entry | line | account | fund | leaf | debit | credit |",
        "|--:|--:|--:|---|---|--:|--:|",
        *_postings(books, entries),
        "",
        "**3. The entries** (`entry`): "
        + "; ".join(f"{e['id']} on {e['effective_on']}, \u201c{e['memo']}\u201d" for e in entries)
        + ".",
        "**4. The operation** (`operation`), last: its trigger checks all of the above and seals it.",
        "",
        *_wrapped(", ".join(f"{name} {value}" for name, value in shown.items() if name not in ("sealed", "hash"))),
        "",
        f"**5. The text that was hashed** (`sealed`, {len(text)} characters, [places](../coopbank/ledger/chain.py)):",
        "",
        *_wrapped(text),
        "",
        f"**6. Its SHA-256** (`hash`): `{digest}`. The next operation names it; receipts print",
        f"`{number} {digest[:16]}`. To check: the text above on one line, without its line breaks, into `sha256sum`.",
        "",
        "**7. Sums kept by the trigger**, recomputed by `verify`: `balance` now, `balance_day`, `control_total`.",
        "",
        "| leaf | " + " | ".join(_balances(books, entries)[0]) + " |",
        "|---|" + "--:|" * len(_balances(books, entries)[0]),
        "| balance now | " + " | ".join(_balances(books, entries)[1]) + " |",
    ]
    return "\n".join(lines) + "\n"


def _version(record: dict[str, Any]) -> str:
    return f"{record['kind']} {record['ref']} version {record['version']}: {record['body']}"


def _wrapped(text: str) -> list[str]:
    """Text as it stands, broken where the page ends."""
    return ["```", *textwrap.wrap(text, WIDTH, break_on_hyphens=False, drop_whitespace=False), "```"]


def _postings(books: Books, entries: list[dict[str, Any]]) -> list[str]:
    found = []
    for entry in entries:
        for row in _all(
            books,
            "SELECT p.line, p.account_id, a.fund, a.gl_code, a.contract, p.amount FROM posting p"
            " JOIN account a ON a.id = p.account_id WHERE p.entry_id = ? ORDER BY p.line",
            entry["id"],
        ):
            amount = row["amount"]
            debit, credit = (amount, "") if amount > 0 else ("", -amount)
            leaf = f"{row['gl_code']}/{row['contract']}".rstrip("/")
            found.append(
                f"| {entry['id']} | {row['line']} | {row['account_id']} | {row['fund']} | {leaf} | {debit} | {credit} |"
            )
    return found


def _balances(books: Books, entries: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    rows = _all(
        books,
        "SELECT a.fund, a.gl_code, a.contract, b.debit - b.credit AS amount FROM balance b JOIN account a"
        " ON a.id = b.account_id WHERE a.id IN (SELECT account_id FROM posting WHERE entry_id >= ? AND entry_id <= ?)"
        " ORDER BY a.id",
        entries[0]["id"], entries[-1]["id"],
    )  # fmt: skip
    names = [f"{r['fund']} {r['gl_code']}/{r['contract']}".rstrip("/") for r in rows]
    return names, [format_amount(r["amount"]) for r in rows]


def _all(books: Books, sql: str, *values: Any) -> list[dict[str, Any]]:
    cursor: Any = books.tx.connection.connection.cursor()
    cursor.execute(sql, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _one(books: Books, sql: str, *values: Any) -> dict[str, Any]:
    rows = _all(books, sql, *values)
    assert len(rows) == 1, f"{sql}: {len(rows)} rows"
    return rows[0]
