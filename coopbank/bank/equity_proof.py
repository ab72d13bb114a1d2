"""What verify proves of members' equity: every dividend and division again from its rules, and who is owed what.

The ledger's checks have shown by then that tables and log say the same, so the questions go to the tables: a few for
the whole book, and one measure for each dividend and division, as the books stood when it was made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from coopbank.bank import equity, groups, records
from coopbank.bank.books import Books
from coopbank.bank.capital import VINTAGE, borne, held, of_workers, retained_on
from coopbank.bank.lending.contract import REPORTED
from coopbank.bank.sponsoring import all_sponsored
from coopbank.bank.surplus import RESERVE_OF, divided, rules_of
from coopbank.database import Transaction
from coopbank.errors import CoopbankError
from coopbank.finance.distribution import dividend
from coopbank.money import format_amount

FUND: Final = equity.FUND
Fault = tuple[int | None, str]
"""Number of the operation that is at fault, and what is wrong."""

#: Who may move these accounts; reversals, opening balances and what is unclaimed move any.
_MOVED_BY: Final = {
    equity.DIVIDENDS: {"declare-dividend", "allocate-surplus", "pay-dividend", "set-off"},
    equity.PATRONAGE: {"allocate-surplus", "redeem-patronage", "pay-patronage", "set-off"},
    equity.REDEMPTIONS: {"accept-redemption", "pay-redemption", "return-capital", "set-off"},
    equity.CAPITAL: {
        "allocate-surplus",
        "redeem-patronage",
        "credit-capital-interest",
        "share-loss",
        "return-capital",
    },
    equity.QUALIFIED: {"allocate-surplus", "redeem-patronage"},
    equity.NONQUALIFIED: {"allocate-surplus", "redeem-patronage"},
}
MOVED_BY = {
    code: kinds | {f"{kind}-part" for kind in kinds & set(groups.IN_GROUPS)} for code, kinds in _MOVED_BY.items()
}
_ANY: Final = {"reverse", "opening-balance", "turn-over-unclaimed", "pay-estate"}


def equity_faults(tx: Transaction) -> Iterator[Fault]:
    """Everything that is wrong with dividends, patronage, redemptions and the indivisible reserve."""
    books = Books(tx)
    yield from _movers(tx)
    yield from _on_its_way(books)
    yield from _reserve(tx)
    yield from _holders(tx)
    yield from _redemptions(books)
    yield from _dividends(books)
    yield from _divisions(books)
    yield from _vintages(books)
    yield from _capital(books)
    yield from _sponsored(books)
    yield from _set_off(books)


def _movers(tx: Transaction) -> Iterator[Fault]:
    marks = ", ".join("?" * len(MOVED_BY))
    for code, kind, number in tx.rows(
        "SELECT a.gl_code, o.kind, min(o.id) FROM account a JOIN posting p ON p.account_id = a.id"
        f" JOIN entry e ON e.id = p.entry_id JOIN operation o ON o.id = e.operation_id WHERE a.gl_code IN ({marks})"
        " GROUP BY 1, 2 ORDER BY 1, 2", *MOVED_BY,
    ):  # fmt: skip
        if kind not in MOVED_BY[code] | _ANY:
            yield int(number), f"{kind} moved account {code}"


def _on_its_way(books: Books) -> Iterator[Fault]:
    """What stands on members' accounts and is nobody's yet is what unfinished groups have still to pass on.

    Beside what was there when the books were taken over, if nobody said then whose it was.
    """
    left: dict[int, int] = defaultdict(int)
    for ref, batch in groups.unfinished(books):
        dues = {due for due, _amount in batch.dues}
        for number in range(batch.done + 1, batch.parts + 1):
            for place, amount in books.get(records.BatchPart, groups.part_ref(ref, number)).lines:
                if isinstance(place, int) and place in dues:
                    left[place] += amount
    for code in MOVED_BY:
        leaf = books.leaf(FUND, code)
        held = 0 if leaf is None else -leaf.balance - _taken_over(books.tx, leaf.id)
        if leaf is not None and held != left.get(leaf.id, 0):
            yield None, (f"{format_amount(held)} stand on {code} and are nobody's,"
                         f" {format_amount(left.get(leaf.id, 0))} are on their way")  # fmt: skip


def _taken_over(tx: Transaction, leaf: int) -> int:
    """What opening balances brought to a leaf, less those that were reversed; minor units, credit +."""
    return -int(tx.value(
        "SELECT coalesce(sum(p.amount), 0) FROM posting p JOIN entry e ON e.id = p.entry_id"
        " LEFT JOIN entry r ON r.id = e.reverses_id JOIN operation o ON o.id = coalesce(r.operation_id, e.operation_id)"
        " WHERE p.account_id = ? AND o.kind = 'opening-balance'", leaf,
    ))  # fmt: skip


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
    """What an operation credited to the leaves of an account: minor units, by contract.

    What it left to be carried out in groups counts, done or not: that the groups are as it said is a proof of its own.
    """
    found: dict[str, int] = defaultdict(int)
    for contract, amount in tx.rows(
        "SELECT a.contract, sum(p.amount) FROM entry e JOIN posting p ON p.entry_id = e.id"
        " JOIN account a ON a.id = p.account_id WHERE e.operation_id = ? AND a.gl_code = ? GROUP BY a.contract",
        operation, gl_code,
    ):  # fmt: skip
        found[contract] -= int(amount)
    left = groups.decided(Books(tx), operation)
    if not left:
        return dict(found)
    contracts = dict(tx.rows("SELECT id, contract FROM account WHERE gl_code = ?", gl_code))
    for place, amount in left:
        code, _slash, contract = place.partition("/") if isinstance(place, str) else (gl_code, "", contracts.get(place))
        if code == gl_code and contract is not None:
            found[contract] -= amount
    return {contract: amount for contract, amount in found.items() if amount}


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
        control = retained_on(books, rules)
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


def _debits(tx: Transaction, operation: int, gl_code: str) -> dict[str, int]:
    return {contract: -amount for contract, amount in _credits(tx, operation, gl_code).items()}


def _capital(books: Books) -> Iterator[Fault]:
    """Internal capital: whose and of which vintage, interest, losses, and what those who left are owed."""
    if not of_workers(books):
        return  # what an old opening brought stands where it is; nothing else could move it
    for contract, number in books.tx.rows(
        "SELECT contract, operation_id FROM account WHERE gl_code = ? ORDER BY id", equity.CAPITAL
    ):
        if contract and not VINTAGE.fullmatch(contract):
            yield int(number), f"{equity.CAPITAL}/{contract} is no worker's of a vintage"
    for year, body in books.every(records.CapitalInterest):
        number = _made(books.tx, body.kind, year)
        weights = equity.balance_weights(books, equity.CAPITAL, year, body.basis, number - 1, undone=False)
        shares = dividend(body.rate, weights, equity.days_in(year))
        wanted = {f"{member}/{year}": amount for member, amount in shares.items()}
        if (body.total, body.members) != (sum(shares.values()), len(shares)):
            yield number, f"interest on capital of {year} is {format_amount(body.total)}, its rate gives another sum"
        if _credits(books.tx, number, equity.CAPITAL) != wanted:
            yield number, f"interest on capital of {year} is not divided over the workers as its rate says"
    for year, loss in books.every(records.CapitalLoss):
        number = _made(books.tx, loss.kind, year)
        if _debits(books.tx, number, equity.CAPITAL) != borne(loss.amount, held(books, upto=number - 1)):
            yield number, f"the loss of {year} is not borne by the workers in proportion"
        close = books.find_at(records.YearClose, year, number - 1)
        lost = 0 if close is None else max(0, -close.results.get(equity.FUND, 0))
        if loss.amount > lost:
            yield (
                number,
                f"{format_amount(loss.amount)} of a loss of {year} was borne, the year lost {format_amount(lost)}",
            )
    yield from _returned(books)


def _returned(books: Books) -> Iterator[Fault]:
    """Who left got all that they had, and is owed just that by the schedule."""
    scheduled: dict[tuple[int, str], int] = defaultdict(int)
    for number, text in books.tx.rows(
        "SELECT r.operation_id, r.body FROM record r JOIN operation o ON o.id = r.operation_id"
        " WHERE r.kind = ? AND r.version = 1 AND o.kind = 'return-capital'", records.Redemption.kind,
    ):  # fmt: skip
        body = records.Redemption.model_validate_json(text)
        scheduled[int(number), body.member] += body.amount
    for (number, member), amount in sorted(scheduled.items()):
        had = held(books, member, upto=number - 1)
        if _debits(books.tx, number, equity.CAPITAL) != had or sum(had.values()) != amount:
            yield number, f"{member} is owed {format_amount(amount)}, and had {format_amount(sum(had.values()))}"


def _sponsored(books: Books) -> Iterator[Fault]:
    """What a fund paid for members' shares went from it into them, came back to it, and is theirs no further."""
    before: dict[str, int] = defaultdict(int)
    for ref, number, text in books.tx.rows(
        "SELECT ref, operation_id, body FROM record WHERE kind = ? ORDER BY ref, version", records.Sponsorship.kind
    ):
        body = records.Sponsorship.model_validate_json(text)
        left = 0 if body.void else body.left
        moved, before[ref] = left - before[ref], left
        paid = {
            fund: int(amount)
            for fund, amount in books.tx.rows(
                "SELECT a.fund, sum(p.amount) FROM entry e JOIN posting p ON p.entry_id = e.id"
                " JOIN account a ON a.id = p.account_id WHERE e.operation_id = ? AND a.gl_code = '366' GROUP BY a.fund",
                number,
            )
        }  # fmt: skip
        if paid != {body.fund: moved} or _credits(books.tx, int(number), body.share_class) != {body.member: moved}:
            yield int(number), f"{ref} moved {format_amount(moved)}, and the entry something else"
    for (share_class, member), amount in all_sponsored(books).items():
        if -books.balance(equity.FUND, f"{share_class}/{member}") < amount:
            yield None, f"{share_class}/{member} holds less than the {format_amount(amount)} that are sponsored of it"


def _set_off(books: Books) -> Iterator[Fault]:
    """What was set off was payable to the borrower, and the product of the loan allows it; non-extractive none does."""
    for ref, body in books.every(records.SetOff):
        number = _made(books.tx, body.kind, ref)
        loan = books.get(records.Loan, body.loan)
        text = books.tx.value(
            "SELECT body FROM record WHERE kind = ? AND ref = ? AND version = ?",
            records.Product.kind, loan.product, loan.product_version,
        )  # fmt: skip
        allowed = text is not None and records.Product.read(text).set_off and bool(body.bylaw)
        if not allowed or loan.repayment in REPORTED:
            yield number, f"{ref} set off against {body.loan}, and nothing allows that"
        if loan.member != body.member or _debits(books.tx, number, body.payable) != {body.member: body.amount}:
            yield number, f"{ref} is {format_amount(body.amount)}, and the entry says something else"
