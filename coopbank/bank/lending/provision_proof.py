"""Provisions and closes held against the log: for `verify`.

What a provision kept is reckoned again from the version of the table that it names: every
rate, every amount, every sum. What it says a loan's balance was is what account 701 held by
effective date, no loan is left out, and what the allowance came to is what was required. All
of it from the sealed log; a bucket, which follows from the loan's own story, is taken as kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Final

from coopbank.bank import records
from coopbank.bank.lending.allowance import SPECIFIC, TABLE, part, rate, specific
from coopbank.bank.replayed import Registers
from coopbank.ledger.columns import Run
from coopbank.ledger.log import Log, Operation
from coopbank.money import format_amount

CHECK: Final = "provision"
_WATCHED: Final = frozenset({"701", "719", "863", "M40"})
#: A month is provided for in it or in the one after: nothing older is ever asked for.
_REACH: Final = timedelta(days=70)
_MANY: Final = 100_000  # movements kept before those out of reach are forgotten

Balances = dict[tuple[str, str, str], int]
"""Control account, fund, contract: minor units, debit +."""


class ProvisionProof:
    """Watches the log go by; one for each run."""

    def __init__(self) -> None:
        self.tables: dict[int, records.AllowanceTable] = {}
        self.recent: list[tuple[str, int, int]] = []  # effective day, leaf, amount
        self.most = _MANY
        self.unwatched: set[int] = set()  # leaves of other accounts

    def watch(self, state: Registers, log: Log, operation: Operation) -> None:
        """Look at an operation that the registers have seen already."""
        for row in operation.rows:
            if row[0] == "record" and row[1] == records.AllowanceTable.kind and row[2] == TABLE:
                self.tables[row[3]] = records.AllowanceTable.model_validate(row[5])
        self._remember(log, operation)
        for row in operation.rows:
            if row[0] == "record" and row[1] == records.Provision.kind:
                for fault in self._faults(state, log, records.Provision.model_validate(row[5])):
                    log.add(CHECK, f"the provision of {row[2]}: {fault}", operation.number)

    def watch_plain(self, log: Log, run: Run) -> None:
        """The same for operations that wrote no rows."""
        watched = {account for account in run.sums.keys() - self.unwatched if self._is_watched(log, account)}
        if watched:
            moved = zip(run.accounts, run.amounts, strict=True)
            self.recent += [(run.day, account, amount) for account, amount in moved if account in watched]
            self._forget(run.day)

    def _remember(self, log: Log, operation: Operation) -> None:
        for _id, day, _memo, _reverses, lines in operation.entries:
            for account, amount in lines:
                if account not in self.unwatched and self._is_watched(log, account):
                    self.recent.append((day, account, amount))
        self._forget(operation.business_date)

    def _is_watched(self, log: Log, account: int) -> bool:
        leaf = log.leaves.get(account)
        if leaf is not None and leaf.gl_code not in _WATCHED:
            self.unwatched.add(account)
        return leaf is not None and leaf.gl_code in _WATCHED

    def _forget(self, today: str) -> None:
        if len(self.recent) > self.most:
            oldest = (date.fromisoformat(today) - _REACH).isoformat()
            self.recent = [moved for moved in self.recent if moved[0] >= oldest]
            self.most = max(_MANY, 2 * len(self.recent))

    def _faults(self, state: Registers, log: Log, kept: records.Provision) -> Iterator[str]:
        table = self.tables.get(kept.table)
        if table is None:
            yield f"there is no version {kept.table} of the allowance table"
            return
        if table.from_day > kept.on:
            yield f"version {kept.table} of the allowance table was not in force on {kept.on}"
        yield from _reckoned(kept, table, state)
        yield from _held(kept, self._balances(state, log, kept.on))

    def _balances(self, state: Registers, log: Log, on: str) -> Balances:
        """What the watched leaves held at the end of a day, by effective date."""
        later: dict[int, int] = defaultdict(int)
        for day, account, amount in self.recent:
            if day > on:
                later[account] += amount
        return {
            (leaf.gl_code, leaf.fund, leaf.contract): balance
            for account, leaf in log.leaves.items()
            if leaf.gl_code in _WATCHED and (balance := state.balances.get(account, 0) - later[account])
        }


def _reckoned(kept: records.Provision, table: records.AllowanceTable, state: Registers) -> Iterator[str]:
    """Rates, amounts and sums follow from the table and the loans' own specific amounts."""
    required: dict[str, int] = defaultdict(int)
    by_loan: dict[str, list[list[Any]]] = defaultdict(list)
    for fund, loan, bucket, days, grade, balance, percent, amount in kept.lines:
        required[fund] += amount
        if percent == SPECIFIC:
            by_loan[loan].append([balance, amount])
        elif (percent, amount) != (rate(table, bucket, days, grade), part(percent, balance)):
            yield f"loan {loan} in fund {fund} is not provided for by the table"
    for loan, parts in by_loan.items():
        reserve = state.records.get((records.Loan.kind, loan), {}).get("reserve")
        balances = [balance for balance, _amount in parts]
        if reserve is None or specific(reserve, balances) != [amount for _balance, amount in parts]:
            yield f"loan {loan} has another specific allowance"
    yield from _same("is required", required, kept.required)
    wanted = {fund: part(table.commitments, amount) for fund, amount in kept.promised.items()}
    yield from _same("is required for commitments", wanted, kept.commitments)


def _held(kept: records.Provision, held: Balances) -> Iterator[str]:
    """What is provided for is what was lent, and what was required is what stands."""
    lines = {(fund, loan): balance for fund, loan, _b, _d, _g, balance, _p, _a in kept.lines}
    lent = {(fund, loan): amount for (code, fund, loan), amount in held.items() if code == "701"}
    for fund, loan in sorted({*lines, *lent}):
        if lines.get((fund, loan), 0) != lent.get((fund, loan), 0):
            yield (
                f"loan {loan} in fund {fund} is taken at {format_amount(lines.get((fund, loan), 0))},"
                f" account 701 held {format_amount(lent.get((fund, loan), 0))}"
            )
    for code, sign, figure, words in (
        ("719", -1, kept.required, "stands in 719"), ("863", -1, kept.commitments, "stands in 863"),
        ("M40", 1, kept.promised, "was promised"),
    ):  # fmt: skip
        sums: dict[str, int] = defaultdict(int)
        for (gl_code, fund, _contract), amount in held.items():
            if gl_code == code:
                sums[fund] += sign * amount
        yield from _same(words, sums, figure)


def _same(words: str, found: Mapping[str, int], kept: Mapping[str, int]) -> Iterator[str]:
    for fund in sorted({*found, *kept}):
        if found.get(fund, 0) != kept.get(fund, 0):
            yield (
                f"in fund {fund} {format_amount(found.get(fund, 0))} {words},"
                f" {format_amount(kept.get(fund, 0))} is kept"
            )


def close_faults(state: Registers, kept: Mapping[str, Any]) -> Iterator[str]:
    """A day's close against the books: all principal, and all interest that is posted."""
    for figure, code in (("principal", "701"), ("posted", "781")):
        booked = sum(amount for (_fund, gl_code), amount in state.sums.items() if gl_code == code)
        if kept and kept.get(figure) != booked:
            yield f"other {figure} of loans than {code} held"
    parts = {fund: figures[1] for fund, figures in kept.get("funds", {}).items() if figures[1]}
    held = {fund: amount for (fund, gl_code), amount in state.sums.items() if gl_code == "701" and amount}
    if "funds" in kept and parts != held:
        yield "other principal of loans in a fund than 701 held"
