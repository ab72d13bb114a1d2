"""What must hold after every operation, whatever it was, as one function of the books and the model.

`hold` compares what an operation touched, each time; with `everything` the books prove themselves whole: every leaf
against the model, every cache against the lines, every fund, the chain, and `verify`.
"""

from __future__ import annotations

from collections import defaultdict

from coopbank.bank.books import Books
from coopbank.bank.verify import verify
from coopbank.ledger import posting
from coopbank.ledger.verify import wrong
from tests.model.books import Model, Verdict, broken
from tests.support_bank import SmallBank

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
_OPEN_CHAIN = (
    "SELECT count(*) FROM operation o LEFT JOIN operation p ON p.id = o.id - 1"
    " WHERE o.id > 1 AND (p.id IS NULL OR p.hash <> o.prev_hash) AND o.id > ?"
)


def hold(small: SmallBank, model: Model, verdict: Verdict, *, everything: bool = False) -> list[str]:
    """What does not hold, in words; nothing if all is well."""
    with small.read() as books:
        faults = _touched(books, model, verdict)
        if everything:
            faults += _whole(books, model)
    if everything:
        faults += [
            f"verify: {f.check}: operation {f.operation}: {f.message}" for f in wrong(verify(small.bank.database))
        ]
    return faults


def _touched(books: Books, model: Model, verdict: Verdict) -> list[str]:
    faults = []
    head = posting.head(books.tx).number
    if head != model.number:
        faults.append(f"the chain ends at operation {head}, and should at {model.number}")
    if books.tx.value(_OPEN_CHAIN, head - 3):
        faults.append("the chain is broken at its end")
    for fund, code in {(line[0], line[1]) for entry in verdict.entries for line in entry}:
        leaf = books.leaf(fund, code)
        balance, expected = 0 if leaf is None else leaf.balance, model.leaves.get((fund, code), 0)
        if balance != expected:
            faults.append(f"{fund} {code} stands at {balance}, and should at {expected}")
        if broken(code, balance):
            faults.append(f"{fund} {code} stands at {balance}, beyond its limit")
    return faults


def _whole(books: Books, model: Model) -> list[str]:
    rows = books.tx.rows(_LEAVES)
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
    return faults + _caches(books, leaves)


def _caches(books: Books, leaves: dict[tuple[str, str], int]) -> list[str]:
    lines = {(fund, f"{gl}/{of}" if of else gl): int(total) for fund, gl, of, total in books.tx.rows(_LINES) if total}
    controls: dict[tuple[str, str], int] = defaultdict(int)
    for (fund, code), total in lines.items():
        controls[fund, code.partition("/")[0]] += total
    kept = {(fund, gl): int(total) for fund, gl, total in books.tx.rows(_CONTROLS) if total}
    faults = [] if lines == leaves else ["the balances are not the sums of the lines"]
    if kept != {control: total for control, total in controls.items() if total}:
        faults.append("the control accounts are not the sums of their leaves")
    if books.tx.value(_OPEN_CHAIN, 0):
        faults.append("the chain is broken")
    return faults
