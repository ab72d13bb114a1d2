"""Balances and control totals, now and as of a day, and rebuilding them from the postings."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from coopbank.database import Transaction
from coopbank.errors import Unknown
from coopbank.ledger import balances
from tests.ledger.raw import send
from tests.ledger.support import DAY, DRAWER, OTHER, SAVINGS, Books, assert_books, deposit_lines, entry


def test_a_balance_now_and_at_the_end_of_past_days(books: Books) -> None:
    books.next_day()
    books.withdraw(30_00)
    books.seal([entry(deposit_lines(7_00), DAY - timedelta(days=40))], approver="bob")
    assert_books(books.database)
    with books.database.read() as tx:
        assert balances.balance_now(tx, SAVINGS) == -77_00
        assert balances.balance_as_of(tx, SAVINGS, DAY + timedelta(days=1)) == -77_00
        assert balances.balance_as_of(tx, SAVINGS, DAY) == -107_00
        assert balances.balance_as_of(tx, SAVINGS, DAY - timedelta(days=1)) == -7_00
        assert balances.balance_as_of(tx, SAVINGS, date(1999, 1, 1)) == 0
        assert balances.balance_now(tx, OTHER) == 0
        with pytest.raises(Unknown):
            balances.balance_now(tx, 999)


def slow_totals(tx: Transaction, as_of: date | None) -> list[tuple[object, ...]]:
    """The same from the postings, the long way."""
    day = "9999" if as_of is None else as_of.isoformat()
    sums: dict[tuple[str, str, str], list[int]] = {}
    for gl_code, fund, currency, amount in tx.rows(
        "SELECT a.gl_code, a.fund, a.currency, p.amount FROM posting p JOIN entry e ON e.id = p.entry_id"
        " JOIN account a ON a.id = p.account_id WHERE e.effective_on <= ?", day
    ):  # fmt: skip
        sums.setdefault((gl_code, fund, currency), [0, 0])[amount < 0] += abs(amount)
    return sorted((*key, *pair) for key, pair in sums.items())


def test_control_totals_of_any_day_are_those_of_the_postings(books: Books) -> None:
    for back in (0, 1, 2, 29, 31, 59, 60, 61, 62, 400):
        books.seal([entry(deposit_lines(100 + back), DAY - timedelta(days=back))], approver="bob")
    assert_books(books.database)
    with books.database.read() as tx:
        days = [
            None,
            *(DAY - timedelta(days=back) for back in (-100, -1, 0, 1, 2, 30, 31, 60, 61, 399, 400, 401, 3000)),
        ]
        for day in days:
            assert balances.control_totals(tx, day) == slow_totals(tx, day), day
        assert balances.control_totals(tx, None)


def test_empty_books_have_no_totals(engine_url: str) -> None:
    from tests.ledger.support import new_books

    with new_books(engine_url, opened=False) as books, books.database.read() as tx:
        assert balances.control_totals(tx) == balances.control_totals(tx, DAY) == []


def test_rebuilding_changes_nothing_in_sound_books(books: Books) -> None:
    books.next_day()
    books.withdraw(30_00)
    before = books.dump()
    balances.rebuild(books.database)
    assert books.dump() == before
    assert_books(books.database)  # the schema too is the source's
    books.deposit(1_00)
    assert_books(books.database)


def test_rebuilding_mends_spoiled_caches(books: Books) -> None:
    before = books.dump()
    spoil = [
        f"UPDATE balance SET debit = debit + 5 WHERE account_id = {DRAWER}",
        f"DELETE FROM balance WHERE account_id = {OTHER}",
        "UPDATE balance_day SET credit = credit + 5",
        "DELETE FROM control_total",
    ]
    if books.database.dialect == "sqlite":
        off = [f"DROP TRIGGER {name}" for name in ("balance_no_delete", "control_total_no_delete")]
    else:
        off = ["SET LOCAL session_replication_role = replica"]
    send(books, [(sql, ()) for sql in (*off, *spoil)])
    assert books.dump() != before
    with pytest.raises(AssertionError, match="caches"):
        assert_books(books.database)
    balances.rebuild(books.database)
    assert books.dump() == before
    assert_books(books.database)
