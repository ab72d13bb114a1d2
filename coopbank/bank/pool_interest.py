"""What a bank pays on an account that several funds share: split by each fund's average daily claim.

A fund's claim on pooled cash (729) counts with its balance at the end of each day, so that the sum of these balances
is the average times the days. The parts come by largest remainder. `faults` proves every split again, years later,
although something may have been dated back since: it leaves out what came after.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from coopbank.bank import records
from coopbank.bank.books import Books
from coopbank.bank.equity import FUND
from coopbank.finance.apy import balance_spans
from coopbank.ledger.chart import POOL
from coopbank.money import format_amount, split

CLAIM: Final = "729"
INCOME: Final = "127"


def claims(books: Books, start: date, end: date) -> dict[str, int]:
    """Claim × days of each fund that had one, from a day through another; minor units × days."""
    opening: dict[str, int] = defaultdict(int)
    moved: dict[str, list[tuple[date, int]]] = defaultdict(list)
    for fund, day, amount in books.tx.rows(
        "SELECT a.fund, CASE WHEN b.effective_on < ? THEN '' ELSE b.effective_on END, sum(b.debit - b.credit)"
        " FROM account a JOIN balance_day b ON b.account_id = a.id"
        " WHERE a.gl_code = ? AND a.currency = ? AND b.effective_on <= ? GROUP BY 1, 2",
        start.isoformat(), CLAIM, books.institution().currency, end.isoformat(),
    ):  # fmt: skip
        if day:
            moved[fund].append((date.fromisoformat(day), int(amount)))
        else:
            opening[fund] = int(amount)
    found = {}
    for fund in sorted(opening.keys() | moved.keys()):
        weight = sum(max(0, held) * days for held, days in balance_spans(opening[fund], moved[fund], start, end))
        if weight:
            found[fund] = weight
    return found


def parts(amount: int, weights: Mapping[str, int]) -> dict[str, int]:
    """An amount split by claims, by the funds' codes; all of it is the general fund's where none has any."""
    if not weights:
        return {FUND: amount}
    funds = sorted(weights)
    shares = split(amount, [weights[fund] for fund in funds])
    return {fund: part for fund, part in zip(funds, shares, strict=True) if part}


def faults(books: Books) -> Iterator[tuple[int | None, str]]:
    """Interest that is not split as the claims of its days say, or not posted as it is split."""
    tx = books.tx
    kept = [
        (ref, body, int(tx.value(
            "SELECT operation_id FROM record WHERE kind = ? AND ref = ? ORDER BY version DESC LIMIT 1", body.kind, ref
        )))
        for ref, body in books.every(records.BankInterest)
    ]  # fmt: skip
    late = _late(books, [body.end for _ref, body, _number in kept])
    for ref, body, number in kept:
        account = books.find(records.BankAccount, body.bank_account)
        if account is not None and account.fund != POOL:
            wanted = {account.fund: body.amount}
        else:
            start, end = date.fromisoformat(body.start), date.fromisoformat(body.end)
            weights = claims(books, start, end)
            for after, fund, day, amount in late:
                if after >= number and day <= end:
                    weights[fund] = weights.get(fund, 0) - amount * ((end - max(start, day)).days + 1)
            wanted = parts(body.amount, {fund: weight for fund, weight in weights.items() if weight > 0})
        posted = {
            fund: -int(amount)
            for fund, amount in tx.rows(
                "SELECT a.fund, sum(p.amount) FROM entry e JOIN posting p ON p.entry_id = e.id"
                " JOIN account a ON a.id = p.account_id WHERE e.operation_id = ? AND a.gl_code = ? GROUP BY a.fund",
                number, INCOME,
            )
        }  # fmt: skip
        if posted != wanted or body.shares != wanted:
            yield number, f"interest {ref} of {format_amount(body.amount)} is not split by the claims of its days"


def _late(books: Books, ends: list[str]) -> list[tuple[int, str, date, int]]:
    """What moved claims on a day that was told of before: operation, fund, day, amount. One look for all of them."""
    if not ends:
        return []
    days = sorted(set(ends))
    marks = ", ".join("?" * len(days))
    return [
        (int(number), str(fund), date.fromisoformat(day), int(amount))
        for number, fund, day, amount in books.tx.rows(
            "SELECT o.id, a.fund, e.effective_on, sum(p.amount) FROM entry e JOIN operation o ON o.id = e.operation_id"
            " JOIN posting p ON p.entry_id = e.id JOIN account a ON a.id = p.account_id"
            f" WHERE a.gl_code = ? AND (e.effective_on < o.business_date OR e.effective_on IN ({marks}))"
            " AND e.effective_on <= ? GROUP BY 1, 2, 3",
            CLAIM, *days, days[-1],
        )
    ]  # fmt: skip
