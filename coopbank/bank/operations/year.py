"""The year: an audit period for adjustments, the closing of every fund by itself, and opening it again.

When December is closed, `open-audit-period` lets the treasurer and a second person date adjustments on 31 December
until the auditor is done. `close-year` then moves income and expense of each fund to its result (960), and the result
with the transfers between funds (187) to the fund's own balance: 940 of the co-operative itself, 961 of every other.
Memo accounts are not closed, and no fund is closed into another. The same operation locks December and the year.

A year that was closed is opened by two people with their reason; closing it again takes the earlier closing entries
back first, so that what is closed in the end is what the year then comes to.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from coopbank.bank import groups, records
from coopbank.bank.desk import Desk, Move
from coopbank.bank.fields import Memo, Widget, refuse
from coopbank.bank.operation import ADMINISTRATOR, SUPERVISOR, TREASURER, Operation
from coopbank.bank.operations.closing import open_months_before
from coopbank.bank.operations.savings import shown
from coopbank.errors import PeriodLocked, WrongState
from coopbank.ledger import periods
from coopbank.ledger.chart import MEMO_CURRENCY
from coopbank.ledger.posting import EntryDraft, Line

RESULT, TRANSFERS = "960", "187"
_EXPLAINED = (("990",), ("185", "186"), ("187",), ("872",))
"""Accounts that come to zero over all funds before a year is closed; 872 may be explained instead."""


def _read_year(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(r"(?!0000)[0-9]{4}", value.strip()):
        raise refuse("Write the year as YYYY, for example 2026.")
    return value.strip()


Year = Annotated[
    str, BeforeValidator(_read_year), WithJsonSchema({"type": "string", "pattern": "^[0-9]{4}$"}), Widget("text"),
    Field(title="Year"),
]  # fmt: skip


class _OfTheYear(Operation):
    """Common to what is done with a whole year: the treasurer, with the supervisory committee or another colleague."""

    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    approvers: ClassVar[tuple[str, ...]] = (SUPERVISOR, TREASURER, ADMINISTRATOR)
    second_person: ClassVar[bool] = True
    since: ClassVar[int] = 2
    reversible: ClassVar[bool] = False
    carries_out: ClassVar[bool] = True  # December may still be on its way to be closed: a year that is locked stops it

    year: Year

    @property
    def december(self) -> str:
        """The last month, YYYY-12."""
        return f"{self.year}-12"

    @property
    def last(self) -> date:
        """The last day."""
        return date(int(self.year), 12, 31)


class OpenAuditPeriod(_OfTheYear):
    """Open December again for adjustments on its last day, until the auditor is done."""

    name: ClassVar[str] = "open-audit-period"
    title: ClassVar[str] = "Open the audit period"
    subject: ClassVar[str] = "days"

    def perform(self, desk: Desk) -> None:
        groups.require_finished(desk, "year")
        if periods.state(desk.tx, self.year) == periods.LOCKED:
            raise PeriodLocked("The year {year} is locked.", field="year", year=self.year, hint="Reopen it first.")
        if periods.state(desk.tx, self.december) != periods.LOCKED:
            raise WrongState(
                "{month} is not closed yet.", field="year", month=self.december, hint="Close it first (close-month)."
            )
        desk.period(self.december, periods.ADJUSTING)
        desk.note("Open for adjustments", self.last.isoformat())


class CloseYear(_OfTheYear):
    """Close a year: income and expense of each fund go to its own balance, then the year is locked."""

    name: ClassVar[str] = "close-year"
    title: ClassVar[str] = "Close the year"
    subject: ClassVar[str] = "days"
    signed: ClassVar[bool] = True

    unexplained: Annotated[Memo | None, Field(title="What suspense (872) still holds, if anything")] = None

    def perform(self, desk: Desk) -> None:
        groups.require_finished(desk, "year")
        self._require_ready(desk)
        before = desk.find(records.YearClose, self.year)
        moved = _of_year(desk, self.year)
        if before is not None and before.entries:
            for entry in before.entries:
                memo, lines = _reversed(desk, entry)
                desk.entries.append(EntryDraft(memo, self.last, lines, entry))
                _take(moved, desk, lines)
        taken_back, result = len(desk.entries), self._close(desk, moved)
        last = int(desk.tx.value("SELECT coalesce(max(id), 0) FROM entry"))
        entries = [last + 1 + place for place in range(taken_back, len(desk.entries))]
        desk.write(self.year, records.YearClose(entries=entries, results=result))
        desk.period(self.december, periods.LOCKED)
        desk.period(self.year, periods.LOCKED)
        for fund, amount in sorted(result.items()):
            desk.note(fund, shown(desk, amount))
        desk.note("Locked", self.year)

    def _require_ready(self, desk: Desk) -> None:
        if periods.state(desk.tx, self.year) == periods.LOCKED:
            raise PeriodLocked("{year} is locked already.", field="year", year=self.year)
        earlier = open_months_before(desk, self.december)
        if earlier:
            raise WrongState(
                "{earlier} is not closed yet.",
                field="year",
                earlier=earlier[0],
                hint="Close the months in their order.",
            )
        for (year,) in desk.tx.rows(
            "SELECT DISTINCT substr(span, 1, 4) FROM control_total WHERE span < ? ORDER BY 1", self.year
        ):
            if periods.state(desk.tx, year) != periods.LOCKED:
                raise WrongState(
                    "{earlier} is not closed yet.", field="year", earlier=year, hint="Close the years in their order."
                )
        if periods.state(desk.tx, self.december) != periods.ADJUSTING:
            raise WrongState(
                "The audit period of {year} is not open.", field="year", year=self.year,
                hint="Close December, then open it for adjustments (open-audit-period).",
            )  # fmt: skip
        for codes in _EXPLAINED:
            left = sum(
                int(amount)
                for (amount,) in desk.tx.rows(
                    "SELECT sum(debit - credit) FROM control_total WHERE length(span) = 7 AND span <= ? AND gl_code"
                    f" IN ({', '.join('?' * len(codes))}) AND currency = ? AND fund <> ? GROUP BY fund",
                    self.december, *codes, desk.currency, "POOL",
                )
            )  # fmt: skip
            if left and not (codes == ("872",) and self.unexplained):
                raise WrongState(
                    "{codes} over all funds come to {amount}, not zero.", field="year", codes=" + ".join(codes),
                    amount=shown(desk, left), hint="Clear it, or say in unexplained what suspense still holds.",
                )  # fmt: skip

    def _close(self, desk: Desk, moved: dict[tuple[str, str], int]) -> dict[str, int]:
        """Post the two entries; returns each fund's result, a surplus positive, in minor units."""
        to_result = [(fund, code, -amount) for (fund, code), amount in sorted(moved.items()) if code != TRANSFERS]
        results: dict[str, int] = defaultdict(int)
        for fund, _code, amount in to_result:
            results[fund] += amount
        to_result += [(fund, RESULT, -amount) for fund, amount in sorted(results.items())]
        to_own = list(_own(desk, moved, results))
        for what, moves in (("income and expense", to_result), ("result and transfers", to_own)):
            if any(amount for _fund, _code, amount in moves):
                desk.post(f"Closing {self.year}: {what}", moves, effective_on=self.last)
        return {fund: amount for fund, amount in results.items() if amount}


class ReopenYear(_OfTheYear):
    """Open a locked year for adjustments on its last day; closing it again takes the earlier closing back."""

    name: ClassVar[str] = "reopen-year"
    title: ClassVar[str] = "Reopen a year"
    subject: ClassVar[str] = "days"

    why: Annotated[Memo, Field(min_length=1, title="Why")]

    def perform(self, desk: Desk) -> None:
        groups.require_finished(desk, "year")
        if periods.state(desk.tx, self.year) != periods.LOCKED:
            raise WrongState("{year} is not locked.", field="year", year=self.year)
        later = str(int(self.year) + 1)
        if periods.state(desk.tx, later) == periods.LOCKED:
            raise PeriodLocked("The year {year} is locked.", field="year", year=later, hint="Reopen that one first.")
        desk.period(self.december, periods.ADJUSTING)
        desk.period(self.year, periods.ADJUSTING)
        desk.note("Open for adjustments", self.year)


def _of_year(desk: Desk, year: str) -> dict[tuple[str, str], int]:
    """What each leaf of income and expense came to in the year, closing entries included: minor units, debit +."""
    rows = desk.tx.rows(
        "SELECT a.fund, a.gl_code, a.contract, sum(d.debit - d.credit) FROM gl_account g JOIN account a"
        " ON a.gl_code = g.code JOIN balance_day d ON d.account_id = a.id WHERE g.kind IN ('income', 'expense')"
        " AND d.effective_on >= ? AND d.effective_on <= ? AND a.currency <> ?"
        " GROUP BY a.fund, a.gl_code, a.contract ORDER BY a.fund, a.gl_code, a.contract",
        f"{year}-01-01", f"{year}-12-31", MEMO_CURRENCY,
    )  # fmt: skip
    return {(fund, f"{gl}/{of}" if of else gl): int(net) for fund, gl, of, net in rows if net}


def _own(desk: Desk, moved: dict[tuple[str, str], int], results: dict[str, int]) -> Iterator[Move]:
    """The result and the transfers of each fund, to its own balance."""
    classes = dict(desk.tx.rows("SELECT code, class FROM fund"))
    transfers = {fund: amount for (fund, code), amount in moved.items() if code == TRANSFERS}
    for fund in sorted({*results, *transfers}):
        result, transfer = results.get(fund, 0), transfers.get(fund, 0)
        yield fund, RESULT, result
        yield fund, TRANSFERS, -transfer
        yield fund, "940" if classes.get(fund) == "general" else "961", transfer - result


def _reversed(desk: Desk, entry: int) -> tuple[str, tuple[Line, ...]]:
    rows = desk.tx.rows("SELECT account_id, amount FROM posting WHERE entry_id = ? ORDER BY line", entry)
    return f"Closing taken back: entry {entry}", tuple(Line(account, -amount) for account, amount in rows)


def _take(moved: dict[tuple[str, str], int], desk: Desk, lines: tuple[Line, ...]) -> None:
    """What the year comes to once an earlier closing is taken back."""
    for line in lines:
        fund, gl, of = desk.tx.row("SELECT fund, gl_code, contract FROM account WHERE id = ?", line.account_id) or ()
        if gl[0] in "123":
            code = fund, f"{gl}/{of}" if of else gl
            moved[code] = moved.get(code, 0) + line.amount
