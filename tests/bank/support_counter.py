"""What tests of operations say again and again: this is refused and changes nothing; this posts just these lines."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from coopbank.bank.books import Actor
from coopbank.bank.operation import Receipt
from coopbank.errors import CoopbankError
from tests.support_bank import SmallBank

HOSTILE = [
    "<b>bold</b>", "&amp; & <", "[red]ink[/red]", "=1+1", "\"'`;--", "two\nlines", "\u202etxet", "🏦" * 20, "é" * 200,
    "{braces} %s {0}", "\\\\share\\x", "'; DROP TABLE entry; --",
]  # fmt: skip
"""Texts that must go in and out as they are."""


def facts(bank: SmallBank) -> tuple[Any, ...]:
    """All that the books hold, but for the log of refusals and of signing in."""
    with bank.read() as books:
        counts = tuple(
            books.tx.value(f"SELECT count(*) FROM {table}")
            for table in ("entry", "posting", "record", "account", "fund", "period_state", "personal", "directory")
        )
        balances = books.tx.rows("SELECT account_id, debit, credit FROM balance ORDER BY account_id")
    return counts, balances


def refused(
    bank: SmallBank, error: type[CoopbankError], operation: str, /, by: Actor | None = None, *,
    field: str | None = None, says: str = "", **values: Any,
) -> CoopbankError:  # fmt: skip
    """The operation is refused by exactly that class, names the field, has words, and changes nothing."""
    before = facts(bank)
    with pytest.raises(error) as caught:
        bank.ask(operation, by, **values)
    refusal = caught.value
    assert type(refusal) is error, f"{refusal.code}: {refusal}"
    assert not re.search(r"\{[a-z_]+\}", str(refusal).replace("{braces}", "")), f"not filled in: {refusal}"
    if field is not None:
        assert refusal.field == field
    assert says in str(refusal), str(refusal)
    assert facts(bank) == before
    return refusal


def posted(receipt: Receipt) -> list[Counter[tuple[str, str, int]]]:
    """The entries of a receipt: fund, account and minor units (debit +) of each line, in any order."""
    return [Counter((line.fund, line.code, line.amount) for line in entry.lines) for entry in receipt.entries]


def entry(*lines: str) -> Counter[tuple[str, str, int]]:
    """An entry as a journal writes it: "GEN 905/M0001 Cr 150.00"."""
    found: Counter[tuple[str, str, int]] = Counter()
    for line in lines:
        fund, account, side, amount = line.split()
        minor = int(amount.replace(".", ""))
        found[fund, account, minor if side == "Dr" else -minor] += 1
    return found
