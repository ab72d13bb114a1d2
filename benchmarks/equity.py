"""A co-operative's spring: a dividend, and the year's surplus divided by patronage, over all members at once; both
then paid into their savings. A till takes gifts meanwhile.

Members, their shares and savings are written through the posting door, many in one operation. The baseline is what a
plain program over plain tables does: it reads every member's balance with SQLite itself, reckons each part in
floating point, and writes a row for each; its parts do not add up to the total, and it proves nothing.
"""

from __future__ import annotations

import resource
import sqlite3
import time
from datetime import UTC, date, datetime
from pathlib import Path

from benchmarks.books import ADMINISTRATOR, draft, seal_one, show
from benchmarks.savings import till
from coopbank.bank import records
from coopbank.bank.bank import Bank
from coopbank.bank.books import Actor
from coopbank.bank.operation import Receipt
from coopbank.bank.operations.founding import FoundBook
from coopbank.clock import SetClock
from coopbank.ledger.posting import EntryDraft, Line, NewAccount, NewRecord, Row

_FIRST, _LAST = date(2026, 11, 30), date(2027, 1, 4)
_TOM, _SUE = Actor("tom", ("treasurer",)), Actor("sue", ("supervisor",))
_IN_ONE = 2000  # members written by one operation


def measure(folder: Path, *, quick: bool = False) -> None:
    """A dividend and a division of surplus, declared and voted by two people."""
    count = 20_000 if quick else 100_000
    clock = SetClock(datetime(2026, 11, 30, 18, tzinfo=UTC))
    bank = Bank.found(str(folder / "equity.db"), FoundBook(bank_name="Bench"), passphrase="measured twice", clock=clock)
    for user, role in (("tom", "treasurer"), ("ana", "teller")):
        _do(bank, ADMINISTRATOR, "add-user", user=user, full_name=user, user_roles=[role])
    _agreed(bank, ADMINISTRATOR, _TOM, "add-user", user="sue", full_name="Sue", user_roles=["supervisor"])
    _do(bank, _TOM, "open-day")
    write_members(bank, count)
    _to_the_end(bank, clock)
    other = _plain(folder / "equity-bare.db", count)
    wanted = f"< {60 * count / 100_000:.0f} s"
    timed: tuple[tuple[str, str, dict[str, str]], ...] = (
        ("dividend", "declare-dividend", {"year": "2026", "rate": "3", "resolution": "R-1"}),
        ("surplus", "allocate-surplus", {"year": "2026", "resolution": "R-2"}),
        ("dividend into savings", "pay-dividend", {}),
        ("patronage into savings", "pay-patronage", {}),
    )
    _agreed(bank, _TOM, _SUE, "set-surplus-rules", consent="bylaw", resolution="R-0",
            steps=["indivisible 20", "patronage savings 90"])  # fmt: skip
    for what, operation, values in timed:
        if operation == "allocate-surplus":
            _do(bank, _TOM, "propose-surplus", year="2026")
        with till(bank.database.place, clock.instant, by=_TOM) as waits:
            began = time.perf_counter()
            _agreed(bank, _TOM, _SUE, operation, **values)
            seconds = time.perf_counter() - began
        show(f"{what} over {count:,} members", seconds, "s", "plain loop", other, seconds / other, wanted)
        longest = max(waits)
        show(f"longest wait of a till meanwhile, of {len(waits)} gifts", longest, "s", "plain loop", other,
             longest / other, "< 0.5 s")  # fmt: skip
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    show("most memory so far", peak, "MB", "", 0, 0, "")
    bank.close()


def _do(bank: Bank, actor: Actor, operation: str, **values: object) -> Receipt:
    return bank.perform(actor, bank.build(operation, dict(values)))


def _agreed(bank: Bank, actor: Actor, approver: Actor, operation: str, **values: object) -> None:
    asked = _do(bank, actor, operation, **values)
    _do(bank, approver, "approve", request=asked.request)


def write_members(bank: Bank, count: int) -> None:
    """Members' shares of 903 and savings, no two the same, and what the bank earned with them."""
    leaves = _leaves(bank)
    next_id = max(leaves.values()) + 1
    for start in range(0, count, _IN_ONE):
        rows: list[Row] = []
        lines: list[Line] = []
        for number in range(start + 1, min(start + _IN_ONE, count) + 1):
            member, amount = f"M{number:06}", 10_000 + number % 977
            for control, kind in (("903", "equity"), ("905", "liability")):
                rows.append(NewAccount(next_id, control, "GEN", member, member, kind, "USD", None, 0))
                lines.append(Line(next_id, -amount))
                next_id += 1
            body = records.Savings(member=member, account=member, opened_on=_FIRST.isoformat(), annual_rate="0.5")
            rows.append(NewRecord("savings", f"S-{member}", 1, member, body.model_dump(exclude_defaults=True)))
        lines.append(Line(leaves["151"], -20_000 * _IN_ONE))
        total = -sum(line.amount for line in lines)
        lines += [
            Line(leaves["729"], total), Line(leaves["879/GEN"], -total), Line(leaves["731/FIRST"], total),
        ]  # fmt: skip
        seal_one(bank, draft(f"members-{start}", [EntryDraft("benchmark", _FIRST, tuple(lines))], rows, _FIRST))


def _leaves(bank: Bank) -> dict[str, int]:
    """Leaves that all members' money has in common."""
    _do(bank, _TOM, "receive-gift", amount="1.00", donor="D", fund="GEN", tender="transfer")
    asked = _do(bank, _TOM, "journal-entry", memo="b", lines=["GEN 151 Cr 1.00", "GEN 181 Dr 1.00"])
    _do(bank, _SUE, "approve", request=asked.request)
    with bank.read() as books:
        found = {}
        for code in ("151", "729", "879/GEN", "731/FIRST"):
            leaf = books.leaf("POOL" if code[0] in "8" or code.startswith("731") else "GEN", code)
            assert leaf is not None, code
            found[code] = leaf.id
        found["last"] = int(books.tx.value("SELECT max(id) FROM account"))
    return found


def _to_the_end(bank: Bank, clock: SetClock) -> None:
    _do(bank, _TOM, "close-day")
    clock.instant = datetime(2027, 1, 4, 18, tzinfo=UTC)
    _do(bank, _TOM, "open-day", date=_LAST.isoformat())
    for month in ("2026-11", "2026-12"):
        _agreed(bank, _TOM, _SUE, "close-month", month=month)
    for operation in ("open-audit-period", "close-year"):
        _agreed(bank, _TOM, _SUE, operation, year="2026")


def _plain(path: Path, count: int) -> float:
    """Seconds of a plain program for one of the two."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE share (member TEXT PRIMARY KEY, amount INTEGER)")
    connection.execute("CREATE TABLE part (member TEXT PRIMARY KEY, amount INTEGER)")
    rows = ((f"M{number:06}", 10_000 + number % 977) for number in range(1, count + 1))
    connection.executemany("INSERT INTO share VALUES (?, ?)", rows)
    connection.commit()
    began = time.perf_counter()
    parts = [
        (member, round(amount * 0.03)) for member, amount in connection.execute("SELECT member, amount FROM share")
    ]
    connection.executemany("INSERT INTO part VALUES (?, ?)", parts)
    connection.commit()
    seconds = time.perf_counter() - began
    connection.close()
    return seconds
