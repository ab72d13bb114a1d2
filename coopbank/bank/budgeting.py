"""Budgets: where one is kept, and whether an expense would go beyond it."""

from __future__ import annotations

from datetime import date

from coopbank.bank import records
from coopbank.bank.books import Books


def budget_ref(year: int, fund: str, gift: str | None) -> str:
    """The number of a budget: 2026-GEN, or 2026-EDU-G-07 for a gift."""
    return f"{year}-{fund}" + ("" if gift is None else f"-{gift}")


def beyond_budget(books: Books, day: date, fund: str, account: str, amount: int) -> bool:
    """Whether the fund has a budget for the year, and this expense with what was spent is more than it says.

    An account that the budget does not name has nothing.
    """
    budget = books.find(records.Budget, budget_ref(day.year, fund, None))
    if budget is None:
        return False
    spent = books.tx.value(
        "SELECT sum(debit - credit) FROM control_total WHERE gl_code = ? AND fund = ? AND span BETWEEN ? AND ?"
        " AND length(span) = 7",
        account, fund, f"{day.year:04d}-01", f"{day.year:04d}-12",
    )  # fmt: skip
    return int(spent or 0) + amount > budget.lines.get(account, 0)
