"""Interest on savings: reckoned on each day's balance, credited to every account at a quarter's end.

An account's interest is the sum of its daily balances x rate / 365, exact; the total of all
accounts is rounded once, to the cent, and split over them by largest remainder, so that what is
credited and withheld is what was accrued. A day's balance is that of its end; the last day
of the quarter counts; what moves on it after the interest was credited counts for that day with the next quarter.
The money of a cheque that came back earns nothing: what its days earned in earlier quarters is taken off in the
quarter in which it came back, at today's rate, and as far as that quarter's interest reaches.
Credited after the quarter, the interest is the members' from that day on, and an expense of the quarter in which it was
earned, as long as that one's last month is open. Where the bank has to withhold tax from members without a taxpayer
number, the policy `backup_withholding` says how many percent (26 USC 3406: 24); it is off at first.

All of it is reckoned before the book is locked, where nothing has changed meanwhile that it rests on; on many accounts
it is credited in groups (bank/groups.py), so that tills hardly wait.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from coopbank.bank import groups, records
from coopbank.bank.books import Books
from coopbank.bank.borne import borne, days_of_expense
from coopbank.bank.cheque_credit import corrected_by
from coopbank.bank.desk import Desk
from coopbank.bank.fields import Widget, refuse
from coopbank.bank.operation import CREDIT_UNION, TREASURER, UNCHARTERED, Operation
from coopbank.bank.operations.closing import locked_before
from coopbank.bank.operations.savings import FUND, shown
from coopbank.errors import AlreadyExists, InvalidDate, WrongState
from coopbank.finance.apy import balance_spans
from coopbank.finance.periods import add_months
from coopbank.ledger import periods
from coopbank.ledger.posting import head
from coopbank.money import round_minor, split

_YEAR = 365


def _read_quarter(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(r"(?!0000)[0-9]{4}-[Qq][1-4]", value.strip()):
        raise refuse("Write the quarter as year and number, for example 2026-Q2.")
    return value.strip().upper()


Quarter = Annotated[
    str, BeforeValidator(_read_quarter), WithJsonSchema({"type": "string", "examples": ["2026-Q2"]}), Widget("text"),
    Field(title="Quarter"),
]  # fmt: skip
"""A quarter of a year, 2026-Q2."""


@dataclass(frozen=True, slots=True)
class Share:
    """What is credited to one account, by its leaf, in minor units, and what is withheld of it."""

    leaf: int
    amount: int
    tax: int


@dataclass(frozen=True, slots=True)
class Reckoned:
    """The interest of a quarter, as the books stood at an operation."""

    head: int
    accounts: int
    total: int
    withheld: int
    paid: list[Share]  # those that come to a cent or more


class CreditInterest(Operation):
    """Credit the interest of a quarter to all savings."""

    name: ClassVar[str] = "credit-interest"
    title: ClassVar[str] = "Credit interest on savings"
    subject: ClassVar[str] = "savings"
    roles: ClassVar[tuple[str, ...]] = (TREASURER,)
    second_person: ClassVar[bool] = True
    carries_out: ClassVar[bool] = True
    reckons_ahead: ClassVar[bool] = True
    offered_by: ClassVar[tuple[str, ...]] = (UNCHARTERED, CREDIT_UNION)

    quarter: Quarter

    def reckon(self, books: Books) -> Reckoned | None:
        first, last = days_of(self.quarter)
        today = books.business_date()
        if today is None or today < last or books.find(records.SavingsInterest, self.quarter) is not None:
            return None
        accounts = books.tx.value("SELECT count(*) FROM record WHERE kind = ? AND version = 1", records.Savings.kind)
        return reckoned(books, first, last) if int(accounts) > groups.LARGEST else None

    def perform(self, desk: Desk) -> None:
        first, last = days_of(self.quarter)
        self._require_over(desk, last)
        interest = self._still_right(desk, last) or reckoned(desk, first, last)
        total, withheld = interest.total, interest.withheld
        memo = f"Interest on savings {self.quarter}"
        expense, due = desk.leaf_id(FUND, "385"), desk.leaf_id(FUND, "852")
        lines = [(expense, total), (due, -total)]
        tax = desk.leaf_id(FUND, "842") if withheld else 0
        earned_on = _earned_on(desk, last)
        in_groups = len(interest.paid) > groups.LARGEST
        if total and (in_groups or earned_on < desk.business_day):
            late = earned_on < desk.business_day
            there = borne(desk, records.SavingsInterest, self.quarter, (FUND, "385"), earned_on) if late else 0
            for day, part in days_of_expense(desk, total, earned_on, there):
                desk.post(memo, [(FUND, "385", part), (FUND, "852", -part)], effective_on=day)
            lines = []
        if in_groups:
            parts = [_lines(part, due, tax) for part in groups.split_up(interest.paid)]
            groups.leave(desk, CreditInterestPart, {"quarter": self.quarter}, memo, due, total, parts)
        elif total:
            desk.post_lines(memo, [*lines, *_lines(interest.paid, due, tax)])
        body = records.SavingsInterest(
            on=desk.business_day.isoformat(), total=total, accounts=interest.accounts, withheld=withheld
        )
        desk.write(self.quarter, body)
        desk.note("Interest", shown(desk, total))
        if earned_on < desk.business_day:
            desk.note("An expense of", earned_on.isoformat())
        desk.note("Accounts", str(interest.accounts))
        if withheld:
            desk.note("Withheld", shown(desk, withheld))

    def _still_right(self, desk: Desk, last: date) -> Reckoned | None:
        """What was reckoned ahead, unless something that it rests on was changed since."""
        ahead = desk.reckoned
        if not isinstance(ahead, Reckoned):
            return None
        kinds = (
            records.Savings.kind, records.SavingsInterest.kind, records.Member.kind, records.Policy.kind,
            records.Cheque.kind,
        )  # fmt: skip
        changed = desk.written_since(ahead.head, *kinds) or desk.moved_since(ahead.head, "905", last)
        return None if changed else ahead

    def _require_over(self, desk: Desk, last: date) -> None:
        if desk.find(records.SavingsInterest, self.quarter) is not None:
            raise AlreadyExists("Interest of {quarter} is credited already.", field="quarter", quarter=self.quarter)
        founded = date.fromisoformat(desk.tx.value("SELECT business_date FROM operation WHERE id = 1"))
        if last < founded:
            raise InvalidDate("The books begin on {first}.", field="quarter", first=founded)
        if desk.business_day < last:
            raise WrongState(
                "{quarter} is not over: the books stand at {today}.", field="quarter", quarter=self.quarter,
                today=desk.business_day, hint="Its last day is {last}.", last=last,
            )  # fmt: skip


class CreditInterestPart(groups.Part):
    """The interest of a quarter on some of the accounts."""

    name: ClassVar[str] = "credit-interest-part"
    title: ClassVar[str] = "Interest on savings, a part"
    subject: ClassVar[str] = "savings"

    quarter: Quarter


def _lines(shares: Iterable[Share], due: int, tax: int) -> list[tuple[int, int]]:
    """From what is due to the accounts: leaves and minor units."""
    lines: list[tuple[int, int]] = []
    credited = withheld = 0
    for share in shares:
        lines.append((share.leaf, -share.amount))
        if share.tax:  # a line of its own, so that a year's withholding can be read off
            lines.append((share.leaf, share.tax))
        credited, withheld = credited + share.amount, withheld + share.tax
    return [(due, credited), *lines, *([(tax, -withheld)] if withheld else ())]


def _earned_on(desk: Desk, last: date) -> date:
    """The day of the expense: the quarter's last, or today where that one's month is locked, or was passed over."""
    month = f"{last:%Y-%m}"
    found = periods.state(desk.tx, month)
    over = found == periods.LOCKED or (found is None and locked_before(desk, month) is not None)
    return desk.business_day if over else last


def days_of(quarter: str) -> tuple[date, date]:
    """The first and the last day of a quarter."""
    first = date(int(quarter[:4]), 3 * int(quarter[-1]) - 2, 1)
    return first, add_months(first, 3) - timedelta(days=1)


def reckoned(books: Books, first: date, last: date) -> Reckoned:
    """What every account earned, to the cent, and what is withheld of it."""
    stands_at = head(books.tx).number
    earned, whole = earnings(books, first, last)
    exact = Fraction(sum(weight for _account, _leaf, weight in earned), whole)
    total = round_minor(exact)
    amounts = split(total, [weight for _account, _leaf, weight in earned]) if total else [0] * len(earned)
    taxes = _taxes(books, [account.member for account, _leaf, _weight in earned], amounts)
    paid = [
        Share(leaf, amount, tax)
        for (_account, leaf, _weight), amount, tax in zip(earned, amounts, taxes, strict=True) if amount
    ]  # fmt: skip
    return Reckoned(stands_at, len(earned), total, sum(taxes), paid)


def _taxes(books: Books, members: Sequence[str], amounts: Sequence[int]) -> list[int]:
    """Tax of members without a taxpayer number, in minor units, at the bank's rate."""
    rate = Fraction(Decimal(str(books.policy("backup_withholding", "0")))) / 100
    if not rate:
        return [0] * len(members)
    without = {ref for ref, member in books.every(records.Member) if member.tax_id is None}
    return [
        round_minor(amount * rate) if member in without else 0
        for member, amount in zip(members, amounts, strict=True)
    ]  # fmt: skip


Earned = tuple[records.Savings, int, int]
"""An account, its leaf, and what it earned as a weight among the others."""


def earnings(books: Books, first: date, last: date) -> tuple[list[Earned], int]:
    """What each open account with interest earned, as whole numbers of the same fraction of a cent, and that fraction.

    One question for all balances; a hundred thousand fractions would take seconds.
    """
    opening, moved, leaves = _balances(books, first, last)
    late = _after_credit(books, first)
    for contract, lines in _never_had(books, first, last).items():
        before = [(day, amount) for day, amount in lines if day < first]
        opening[contract] = opening.get(contract, 0) + sum(amount for _day, amount in before)
        late[contract] = late.get(contract, 0) - _earned_with(books, contract, before, first)
        moved[contract] = [*moved.get(contract, ()), *(line for line in lines if line[0] >= first)]
    days = (last - first).days + 1
    found: list[tuple[records.Savings, int]] = []
    rates: dict[str, Fraction] = {}
    for _ref, account in books.every(records.Savings):
        rate = rates.get(account.annual_rate)
        if rate is None:
            rate = rates[account.annual_rate] = Fraction(Decimal(account.annual_rate)) / 100
        if not rate or account.state != "open":
            continue
        began, moves = opening.get(account.account, 0), moved.get(account.account)
        spans = [(began, days)] if moves is None else balance_spans(began, moves, first, last)
        product = _product(spans) + late.get(account.account, 0)
        if product > 0:
            found.append((account, product))
    scale = lcm(*(rate.denominator for rate in rates.values()))
    factors = {text: rate.numerator * (scale // rate.denominator) for text, rate in rates.items()}
    return [
        (account, leaves[account.account], product * factors[account.annual_rate]) for account, product in found
    ], scale * _YEAR  # fmt: skip


def _product(spans: Iterable[tuple[int, int]]) -> int:
    """Balances by their days; below zero counts nothing."""
    return sum(max(0, balance) * span for balance, span in spans)


def _earned_with(books: Books, contract: str, never: list[tuple[date, int]], first: date) -> int:
    """What an account's days before a quarter have more than without the money that it never had: days of which that
    money was drawn already, and nothing else was there, have no more.
    """
    if not never:
        return 0
    begins, ends = min(never)[0], first - timedelta(days=1)
    moved = [
        (date.fromisoformat(day), int(amount))
        for day, amount in books.tx.rows(
            "SELECT d.effective_on, d.credit - d.debit FROM account a JOIN balance_day d ON d.account_id = a.id"
            " WHERE a.gl_code = ? AND a.fund = ? AND a.contract = ? AND d.effective_on < ?",
            "905", FUND, contract, first.isoformat(),
        )
    ]  # fmt: skip
    had, due = (balance_spans(0, moves, begins, ends) for moves in (moved, [*moved, *never]))
    return _product(had) - _product(due)


def _after_credit(books: Books, first: date) -> dict[str, int]:
    """What moved on the last day of the quarter before, after its interest was credited on that very day.

    The day was counted as it stood then; by account, what is missing of it, or below zero what was too much.
    """
    last = first - timedelta(days=1)
    quarter = f"{last.year:04}-Q{(last.month + 2) // 3}"
    known = books.find(records.SavingsInterest, quarter)
    if known is None or known.on != last.isoformat():
        return {}
    kinds = groups.in_groups(CreditInterest.name)
    rows = books.tx.rows(
        "SELECT a.contract, sum(-p.amount) FROM entry e JOIN operation o ON o.id = e.operation_id"
        " JOIN posting p ON p.entry_id = e.id JOIN account a ON a.id = p.account_id"
        " WHERE e.effective_on = ? AND a.gl_code = ? AND a.fund = ? AND e.operation_id >"
        " (SELECT max(operation_id) FROM record WHERE kind = ? AND ref = ?)"
        f" AND o.kind NOT IN ({', '.join('?' * len(kinds))}) GROUP BY a.contract",
        last.isoformat(), "905", FUND, known.kind, quarter, *kinds,
    )  # fmt: skip
    return {str(contract): int(amount) for contract, amount in rows}


def _credited_by(books: Books, last: date) -> int | None:
    """The operation that credited the interest of the quarter that ends on a day."""
    quarter = f"{last.year:04}-Q{(last.month + 2) // 3}"
    if books.find(records.SavingsInterest, quarter) is None:
        return None
    found = "SELECT max(operation_id) FROM record WHERE kind = ? AND ref = ?"
    return int(books.tx.value(found, records.SavingsInterest.kind, quarter))


def _never_had(books: Books, first: date, last: date) -> dict[str, list[tuple[date, int]]]:
    """By account, what takes the cheques out of it that came back in a quarter: from each credit to its return.

    What came back on the last day of the quarter before, after its interest was credited, counts with this one.
    """
    found: dict[str, list[tuple[date, int]]] = defaultdict(list)
    before = first - timedelta(days=1)
    credited = _credited_by(books, before)
    for ref, cheque in books.about(records.Cheque, "returned"):
        latest = books.tx.row(
            "SELECT o.id, o.business_date FROM record r JOIN operation o ON o.id = r.operation_id"
            " WHERE r.kind = ? AND r.ref = ? ORDER BY r.version DESC LIMIT 1",
            cheque.kind, ref,
        )  # fmt: skip
        assert latest is not None, "a record has an operation"
        by, back = latest[0], date.fromisoformat(latest[1])
        here = first <= back <= last or (back == before and credited is not None and by > credited)
        if not here or not (cheque.account or "").startswith(f"{FUND} 905/"):
            continue
        number = cheque.received_by_operation
        made = [number, *corrected_by(books, number)]
        for contract, day, amount in books.tx.rows(
            "SELECT a.contract, e.effective_on, p.amount FROM entry e JOIN posting p ON p.entry_id = e.id"
            " JOIN account a ON a.id = p.account_id WHERE a.gl_code = ? AND a.fund = ?"
            f" AND e.operation_id IN ({', '.join('?' * len(made))})",
            "905", FUND, *made,
        ):  # fmt: skip
            found[contract] += [(date.fromisoformat(day), int(amount)), (back, -int(amount))]
    return found


def _balances(
    books: Books, first: date, last: date
) -> tuple[dict[str, int], dict[str, list[tuple[date, int]]], dict[str, int]]:
    """Of every account the balance before a quarter, what moved on which of its days, and its leaf."""
    opening: dict[str, int] = {}
    moved: dict[str, list[tuple[date, int]]] = defaultdict(list)
    leaves: dict[str, int] = {}
    for leaf, contract, day, amount in books.tx.rows(
        "SELECT a.id, a.contract, CASE WHEN d.effective_on < ? THEN '' ELSE d.effective_on END,"
        " sum(d.credit - d.debit) FROM account a JOIN balance_day d ON d.account_id = a.id"
        " WHERE a.gl_code = ? AND a.fund = ? AND d.effective_on <= ? GROUP BY 1, 2, 3",
        first.isoformat(), "905", FUND, last.isoformat(),
    ):  # fmt: skip
        leaves[contract] = int(leaf)
        if day:
            moved[contract].append((date.fromisoformat(day), int(amount)))
        else:
            opening[contract] = int(amount)
    return opening, moved, leaves
