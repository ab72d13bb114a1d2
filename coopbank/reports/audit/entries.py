"""Entries by themselves: the same thing twice, round amounts, and entries that do not say enough."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from coopbank.ledger.chart import MEMO_CURRENCY, POOL
from coopbank.reports.audit.frame import DATED, NOT_UNDONE, AuditTest, Hunt, Row, leaf_code
from coopbank.words import _, marked

ROUND_TO: Final = 1000
"""Whole thousands of dollars are round; a deposit of fifty is not."""
SHORTEST_MEMO: Final = 3
"""Letters and digits that a memo must have to say anything."""


def duplicates(hunt: Hunt) -> Iterator[Row]:
    """Entries of one day with the same memo that move the same amount on the same account.

    The lines of such a pair of entries all say the same, so that the pair is told once: by the line on the account
    that is most somebody's own (a member's, a loan's, a supplier's) before the pool's.
    """
    hunt.count_entries()
    best: dict[tuple[int, int, int], tuple[tuple[bool, bool, str, int], Row]] = {}
    for fund, gl_code, contract, day, amount, memo, count, first, last in hunt.stream(
        "SELECT a.fund, a.gl_code, a.contract, e.effective_on, p.amount, e.memo, count(DISTINCT e.id), min(e.id),"
        " max(e.id) FROM entry e CROSS JOIN posting p CROSS JOIN account a"
        f" WHERE p.entry_id = e.id AND a.id = p.account_id AND a.currency <> ? AND {DATED} AND {NOT_UNDONE}"
        " GROUP BY p.account_id, a.fund, a.gl_code, a.contract, e.effective_on, p.amount, e.memo"
        " HAVING count(*) > 1 AND min(e.id) < max(e.id)",
        MEMO_CURRENCY, *hunt.days,
    ):  # fmt: skip
        account = leaf_code(gl_code, contract)
        rank = (fund == POOL, not contract, account, int(amount))
        known = best.get((count, first, last))
        if known is None or rank < known[0]:
            said = _("{count} alike, entries {first} to {last}").format(count=count, first=first, last=last)
            row = Row(said, entry=int(last), on=day, account=account, amount=int(amount), memo=memo)
            best[count, first, last] = rank, row
    yield from (row for _pair, (_rank, row) in sorted(best.items(), key=lambda each: (each[0][2], each[0])))


def round_amounts(hunt: Hunt) -> Iterator[Row]:
    """Entries with a line of whole thousands."""
    hunt.count_entries()
    for entry, operation, day, actor, memo, amount in hunt.stream(
        "SELECT e.id, o.id, e.effective_on, o.actor, e.memo, max(p.amount)"
        " FROM posting p CROSS JOIN account a CROSS JOIN entry e CROSS JOIN operation o"
        " WHERE p.amount > 0 AND p.amount % ? = 0 AND a.id = p.account_id AND a.currency <> ? AND e.id = p.entry_id"
        f" AND o.id = e.operation_id AND {DATED} GROUP BY e.id, o.id, e.effective_on, o.actor, e.memo ORDER BY e.id",
        hunt.major(ROUND_TO), MEMO_CURRENCY, *hunt.days,
    ):  # fmt: skip
        yield Row(_("a round amount"), entry, operation, day, actor, amount=int(amount), memo=memo)


def incomplete(hunt: Hunt) -> Iterator[Row]:
    """Entries without words, with fewer than two lines, out of balance, or whose account or operation is not there."""
    hunt.count_entries()
    for entry, operation, day, actor, memo, lines, total, unknown in hunt.stream(
        "SELECT e.id, e.operation_id, e.effective_on, o.actor, e.memo, count(p.line), coalesce(sum(p.amount), 0),"
        " sum(CASE WHEN a.id IS NULL AND p.line IS NOT NULL THEN 1 ELSE 0 END)"
        " FROM entry e LEFT JOIN operation o ON o.id = e.operation_id LEFT JOIN posting p ON p.entry_id = e.id"
        f" LEFT JOIN account a ON a.id = p.account_id WHERE {DATED}"
        " GROUP BY e.id, e.operation_id, e.effective_on, o.id, o.actor, e.memo ORDER BY e.id",
        *hunt.days,
    ):
        for said in _faults(memo, actor, int(lines), int(total), int(unknown)):
            yield Row(said, entry, operation, day, actor or "", memo=memo)


def _faults(memo: str, actor: str | None, lines: int, total: int, unknown: int) -> Iterator[str]:
    if sum(c.isalnum() for c in memo) < SHORTEST_MEMO:
        yield _("the memo says nothing")
    if not actor:
        yield _("nobody is named who made it")
    if lines < 2:
        yield _("it has fewer than two lines")
    if total:
        yield _("debits and credits differ")
    if unknown:
        yield _("a line names an account that is not there")


TESTS = (
    AuditTest(
        "duplicates", marked("Duplicates"),
        marked("The same amount, account, day and words twice may be one thing that was entered twice."),
        marked("entries"), duplicates,
    ),
    AuditTest(
        "round-amounts", marked("Round amounts"),
        marked("Real prices and payments are seldom whole thousands; estimates and inventions often are."),
        marked("entries"), round_amounts,
    ),
    AuditTest(
        "incomplete", marked("Incomplete entries"),
        marked("An entry says what for, who made it, and where the money came from and went."),
        marked("entries"), incomplete,
    ),
)  # fmt: skip
