"""What verify proves of members' equity: every dividend and division again from its rules, and who is owed what.

The ledger's checks have shown by then that tables and log say the same, so the questions go to the tables: a few for
the whole book, and one measure for each dividend and division, as the books stood when it was made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from coopbank.bank import equity, records
from coopbank.bank.books import Books
from coopbank.bank.surplus import RESERVE_OF, divided, rules_of
from coopbank.database import Transaction
from coopbank.errors import CoopbankError
from coopbank.finance.distribution import dividend
from coopbank.money import format_amount

Fault = tuple[int | None, str]
"""Number of the operation that is at fault, and what is wrong."""

#: Who may move these accounts; reversals, opening balances and what is unclaimed move any.
MOVED_BY: Final = {
    equity.DIVIDENDS: {"declare-dividend", "allocate-surplus", "pay-dividend"},
    equity.PATRONAGE: {"allocate-surplus", "redeem-patronage", "pay-patronage"},
    equity.REDEMPTIONS: {"accept-redemption", "pay-redemption"},
    equity.QUALIFIED: {"allocate-surplus", "redeem-patronage"},
    equity.NONQUALIFIED: {"allocate-surplus", "redeem-patronage"},
}
_ANY: Final = {"reverse", "opening-balance", "turn-over-unclaimed", "pay-estate"}


def equity_faults(tx: Transaction) -> Iterator[Fault]:
    """Everything that is wrong with dividends, patronage, redemptions and the indivisible reserve."""
    books = Books(tx)
    yield from _movers(tx)
    yield from _reserve(tx)
    yield from _holders(tx)
    yield from _redemptions(books)
    yield from _dividends(books)
    yield from _divisions(books)
    yield from _vintages(books)


def _movers(tx: Transaction) -> Iterator[Fault]:
    marks = ", ".join("?" * len(MOVED_BY))
    for code, kind, number in tx.rows(
        "SELECT a.gl_code, o.kind, min(o.id) FROM account a JOIN posting p ON p.account_id = a.id"
        f" JOIN entry e ON e.id = p.entry_id JOIN operation o ON o.id = e.operation_id WHERE a.gl_code IN ({marks})"
        " GROUP BY 1, 2 ORDER BY 1, 2", *MOVED_BY,
    ):  # fmt: skip
        if kind not in MOVED_BY[code] | _ANY:
            yield int(number), f"{kind} moved account {code}"


def _reserve(tx: Transaction) -> Iterator[Fault]:
    """Nothing is taken from the indivisible reserve but what was put there by mistake."""
    for number, amount in tx.rows(
        "SELECT e.operation_id, sum(p.amount) FROM account a JOIN posting p ON p.account_id = a.id"
        " JOIN entry e ON e.id = p.entry_id WHERE a.gl_code = '932' AND p.amount > 0 AND e.reverses_id IS NULL"
        " GROUP BY e.operation_id ORDER BY e.operation_id"
    ):
        yield int(number), f"{format_amount(int(amount))} was taken from the indivisible reserve"


def _holders(tx: Transaction) -> Iterator[Fault]:
    """What is payable to a member, or retained for them, is theirs."""
    marks = ", ".join("?" * len(MOVED_BY))
    for code, contract, holder, number in tx.stream(
        f"SELECT gl_code, contract, holder, operation_id FROM account WHERE gl_code IN ({marks}) AND holder IS NOT NULL"
        " ORDER BY id", *MOVED_BY,
    ):  # fmt: skip
        if str(contract).partition("/")[0] != holder:
            yield int(number), f"{code}/{contract} is held by {holder}"


def _redemptions(books: Books) -> Iterator[Fault]:
    waiting: dict[str, int] = defaultdict(int)
    for _ref, body in books.every(records.Redemption):
        if body.state == "waiting":
            waiting[body.member] += body.amount
    for leaf in books.leaves(equity.REDEMPTIONS):
        owed = waiting.pop(leaf.contract, 0)
        if -leaf.balance != owed:
            yield None, (f"redemptions of {leaf.contract} come to {format_amount(owed)}, account {leaf.code} holds"
                         f" {format_amount(-leaf.balance)}")  # fmt: skip
    for member, amount in waiting.items():
        yield None, f"{format_amount(amount)} of redemptions of {member} stand on no account"


def _made(tx: Transaction, kind: str, ref: str) -> int:
    """The operation that wrote the latest version of a record."""
    return int(
        tx.value("SELECT operation_id FROM record WHERE kind = ? AND ref = ? ORDER BY version DESC LIMIT 1", kind, ref)
    )


def _credits(tx: Transaction, operation: int, gl_code: str) -> dict[str, int]:
    """What an operation credited to the leaves of an account: minor units, by contract."""
    return {
        contract: -int(amount)
        for contract, amount in tx.rows(
            "SELECT a.contract, sum(p.amount) FROM entry e JOIN posting p ON p.entry_id = e.id"
            " JOIN account a ON a.id = p.account_id WHERE e.operation_id = ? AND a.gl_code = ? GROUP BY a.contract",
            operation, gl_code,
        )
    }  # fmt: skip


def _dividends(books: Books) -> Iterator[Fault]:
    for ref, body in books.every(records.Dividend):
        number = _made(books.tx, body.kind, ref)
        weights = equity.balance_weights(books, body.share_class, body.year, body.basis, number - 1)
        wanted = dividend(body.rate, weights, equity.days_in(body.year))
        if (sum(wanted.values()), len(wanted)) != (body.total, body.members):
            yield (
                number,
                f"dividend {ref} is {format_amount(body.total)}, its rate gives {format_amount(sum(wanted.values()))}",
            )
        kind = books.tx.value("SELECT kind FROM operation WHERE id = ?", number)
        if kind == "declare-dividend" and _credits(books.tx, number, equity.DIVIDENDS) != wanted:
            yield number, f"dividend {ref} is not divided over the members as its rate says"


def _divisions(books: Books) -> Iterator[Fault]:
    for year, body in books.every(records.Surplus):
        if body.state != "allocated":
            continue
        number = _made(books.tx, body.kind, year)
        rules = rules_of(books, body.rules)
        try:
            found = divided(books, year, rules, number - 1)
        except CoopbankError as error:
            yield number, f"the surplus of {year} cannot be divided by its rules: {error}"
            continue
        division = found.division
        if (found.each, found.document(), division.kept, division.result) != (
            body.each, body.steps, body.kept, body.result,
        ):  # fmt: skip
            yield number, f"the surplus of {year} is not what its rules give"
        retained = {f"{m}/{year}": a - division.cash[m] for m, a in division.allocated.items() if a > division.cash[m]}
        control = equity.QUALIFIED if rules.qualified else equity.NONQUALIFIED
        dividends: dict[str, int] = defaultdict(int)
        reserves = dict.fromkeys(RESERVE_OF.values(), 0)
        for step in division.steps:
            for member, amount in step.shares.items() if step.rule["to"] == "dividend" else ():
                dividends[member] += amount
            if step.rule["to"] in RESERVE_OF:
                reserves[RESERVE_OF[step.rule["to"]]] += step.amount
        wanted = {
            equity.PATRONAGE: {m: a for m, a in division.cash.items() if a}, control: retained,
            equity.DIVIDENDS: dict(dividends), "940": {"": -division.taken},
            **{code: {"": amount} for code, amount in reserves.items() if amount},
        }  # fmt: skip
        for code, amounts in wanted.items():
            if _credits(books.tx, number, code) != amounts:
                yield number, f"the surplus of {year} is not posted on {code} as it was divided"


def _vintages(books: Books) -> Iterator[Fault]:
    for ref, body in books.every(records.PatronageRedeemed):
        number = _made(books.tx, body.kind, ref)
        if sum(_credits(books.tx, number, equity.PATRONAGE).values()) != body.amount:
            yield number, f"redemption of vintage {body.vintage} is not {format_amount(body.amount)}"
