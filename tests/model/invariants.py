"""What must hold after every operation, whatever it was, as one function of the books and the model.

`hold` compares what an operation touched, each time; with `everything` the books prove themselves whole: every leaf
against the model, every cache against the lines, every fund, the chain, and `verify`.
"""

from __future__ import annotations

import sqlite3
import weakref
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from coopbank.bank.verify import verify
from coopbank.ledger.verify import wrong
from tests.model.books import Model, Verdict, broken
from tests.support_bank import SmallBank

_looking: WeakKeyDictionary[SmallBank, sqlite3.Connection] = WeakKeyDictionary()
_LEAVES = (
    "SELECT a.fund, a.gl_code, a.contract, a.currency, b.debit - b.credit FROM account a"
    " JOIN balance b ON b.account_id = a.id"
)
_LINES = (
    "SELECT a.fund, a.gl_code, a.contract, sum(p.amount) FROM posting p JOIN account a ON a.id = p.account_id"
    " GROUP BY a.fund, a.gl_code, a.contract"
)
_CONTROLS = (
    "SELECT fund, gl_code, sum(debit - credit) FROM control_total WHERE length(span) = 10 GROUP BY fund, gl_code"
)
_HEAD = "SELECT max(id) FROM operation"
_OPEN_CHAIN = (
    "SELECT count(*) FROM operation o LEFT JOIN operation p ON p.id = o.id - 1"
    " WHERE o.id > ? AND (p.id IS NULL OR p.hash <> o.prev_hash)"
)  # after the first at least; of two bounds SQLite would take the first one written, and read the whole log each time


_TOUCHED = (
    "SELECT b.debit - b.credit FROM account a JOIN balance b ON b.account_id = a.id"
    " WHERE a.gl_code = ? AND a.fund = ? AND a.contract = ?"
)


def _asked(small: SmallBank, questions: Sequence[tuple[str, tuple[Any, ...]]]) -> list[list[tuple[Any, ...]]]:
    """The answers of the books to some questions. On SQLite by the driver alone: there are several for every step."""
    if small.bank.database.path is None:
        with small.read() as books:
            return [list(books.tx.rows(sql, *values)) for sql, values in questions]
    driver = _beside(small)
    return [driver.execute(sql, values).fetchall() for sql, values in questions]


def _beside(small: SmallBank) -> sqlite3.Connection:
    """A connection that sees what the bank has committed and nothing else; one for as long as the bank is there."""
    found = _looking.get(small)
    if found is None:
        found = _looking[small] = sqlite3.connect(small.bank.database.place, isolation_level=None)
        weakref.finalize(small, found.close)
    return found


def hold(
    small: SmallBank, model: Model, verdict: Verdict, *, everything: bool = False, proven: bool = True
) -> list[str]:
    """What does not hold, in words; nothing if all is well. With `everything` also `verify`, if that is wanted."""
    faults = _touched(small, model, verdict)
    if everything:
        faults += _whole(small, model)
    if everything and proven:
        faults += [
            f"verify: {f.check}: operation {f.operation}: {f.message}" for f in wrong(verify(small.bank.database))
        ]
    return faults


def _touched(small: SmallBank, model: Model, verdict: Verdict) -> list[str]:
    faults = []
    leaves = sorted({(line[0], line[1]) for entry in verdict.entries for line in entry})
    parts = [(code.partition("/")[0], fund, code.partition("/")[2]) for fund, code in leaves]
    asked = [(_HEAD, ()), (_OPEN_CHAIN, (max(1, model.number - 3),)), *((_TOUCHED, part) for part in parts)]
    [[(head,)], [(broken_links,)], *found] = _asked(small, asked)
    if head != model.number:
        faults.append(f"the chain ends at operation {head}, and should at {model.number}")
    if broken_links:
        faults.append("the chain is broken at its end")
    for (fund, code), rows in zip(leaves, found, strict=True):
        balance, expected = int(rows[0][0]) if rows else 0, model.leaves.get((fund, code), 0)
        if balance != expected:
            faults.append(f"{fund} {code} stands at {balance}, and should at {expected}")
        if broken(code, balance):
            faults.append(f"{fund} {code} stands at {balance}, beyond its limit")
    return faults


def _whole(small: SmallBank, model: Model) -> list[str]:
    [rows] = _asked(small, [(_LEAVES, ())])
    leaves = {(fund, f"{gl}/{of}" if of else gl): int(balance) for fund, gl, of, _currency, balance in rows if balance}
    should = {leaf: balance for leaf, balance in model.leaves.items() if balance}
    faults = [f"{' '.join(leaf)} stands at {leaves.get(leaf, 0)}, and should at {should.get(leaf, 0)}"
              for leaf in sorted(leaves.keys() | should.keys()) if leaves.get(leaf) != should.get(leaf)]  # fmt: skip
    sums: dict[str, int] = defaultdict(int)
    for (fund, code), balance in leaves.items():
        sums[f"fund {fund}"] += balance
        if code == "729":
            sums[f"pooled cash of {fund}"] += balance
        if code.startswith("879/"):
            sums[f"pooled cash of {code[4:]}"] += balance
        for pair in (("185", "186"), ("187",), ("728", "878")):
            if code[:3] in pair:
                sums["+".join(pair)] += balance
        if fund == "POOL" and code[:3] not in ("731", "735", "739", "879"):
            faults.append(f"POOL owns {code}")
    faults += [f"{name} comes to {total} and not to zero" for name, total in sums.items() if total]
    return faults + _caches(small, leaves)


def _caches(small: SmallBank, leaves: dict[tuple[str, str], int]) -> list[str]:
    sums, totals, [(broken_links,)] = _asked(small, [(_LINES, ()), (_CONTROLS, ()), (_OPEN_CHAIN, (1,))])
    lines = {(fund, f"{gl}/{of}" if of else gl): int(total) for fund, gl, of, total in sums if total}
    controls: dict[tuple[str, str], int] = defaultdict(int)
    for (fund, code), total in lines.items():
        controls[fund, code.partition("/")[0]] += total
    kept = {(fund, gl): int(total) for fund, gl, total in totals if total}
    faults = [] if lines == leaves else ["the balances are not the sums of the lines"]
    if kept != {control: total for control, total in controls.items() if total}:
        faults.append("the control accounts are not the sums of their leaves")
    if broken_links:
        faults.append("the chain is broken")
    return faults
