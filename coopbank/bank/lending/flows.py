"""From what happened on a loan to lines in the books.

A *flow* is a cumulative amount that has one account to debit and one to credit, "interest
earned: 781 to 111". A loan's story comes to so much of each; the books have posted so much
of it; a posting is the difference. So whatever is told anew, a late payment, a new rate,
a reversal, the books are brought to the same place in one entry, and every entry balances
in every fund, because every flow does.

A loan of several funds has each flow split over them by largest remainder on the
cumulative amount; what takes the same balance down is split as one running sum, so that no
leaf is ever below zero. No fund is a whole cent from its share, and a fund may get a line of
-0.01. Cash is what the flows that touch it come to, fund by fund.

    owed by the contract  =  701 principal + 781 interest + 791 fees + M10 not recognised
                             + M20 charged off + M30 owned by peers           in all funds

A *participation* is a peer's proportionate part of a loan, of the same priority and without
recourse: it is not our asset. Its flows are split off like a fund's, under `RLF@PF-1`. The
peer's money passes through 831, what the borrower owes it stands in memo (M30), and a part of
the interest it gets is ours for servicing (117).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from typing import Final

from coopbank.bank.desk import Move
from coopbank.money import round_minor, split

CASH: Final = "cash"
GENERAL: Final = "GEN"  # holds what belongs to a borrower and not to a loan

#: Every flow: the account it debits and the one it credits; "701" stands for the loan's own leaf 701/L-001.
FLOWS: Final[dict[str, tuple[str, str]]] = {
    "earned": ("781", "111"),
    "unearned": ("111", "781"),  # recognised before, reversed when the loan went on non-accrual
    "fees": ("791", "131"),
    "lent": ("701", CASH),
    "fees_paid": (CASH, "791"),
    "interest_paid": (CASH, "781"),
    "interest_cash": (CASH, "111"),  # collected on a loan whose interest is not accrued
    "principal_paid": (CASH, "701"),
    "recovered": (CASH, "719"),
    "overpaid": (CASH, "871"),
    "waived": ("119", "781"),
    "fees_waived": ("131", "791"),
    "written_principal": ("719", "701"),
    "written_interest": ("719", "781"),
    "given": ("366", "701"),
    "off_principal": ("719", "701"),
    "off_interest": ("719", "781"),
    "off_fees": ("719", "791"),
    "memo": ("M10", "M19"),
    "off": ("M20", "M29"),
    "promised": ("M40", "M49"),
}
#: The same of a peer's part: money through 831, what is owed in M30. Fees and commitments are ours alone.
_UP, _DOWN = ("M30", "M39"), ("M39", "M30")
PEER_FLOWS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "earned": (_UP,), "unearned": (_DOWN,), "memo": (_UP,), "off": (_UP,),
    "lent": (("831", CASH), _UP),
    "interest_paid": ((CASH, "831"), _DOWN), "principal_paid": ((CASH, "831"), _DOWN),
    "interest_cash": ((CASH, "831"),), "recovered": ((CASH, "831"),),
    "waived": (_DOWN,), "written_principal": (_DOWN,), "written_interest": (_DOWN,), "given": (_DOWN,),
    "off_principal": (_DOWN,), "off_interest": (_DOWN,),
    "servicing": (("831", "117"),),
}  # fmt: skip
_OURS: Final = frozenset({"fees", "fees_paid", "fees_waived", "off_fees", "promised"})
_NAMES: Final = (*FLOWS, "servicing")

#: Leaves that belong to one loan; the others are shared by the fund.
OWN: Final = frozenset({"701", "781", "791", "M10", "M20", "M30", "M40"})
#: Leaves on which stands what the borrower owes by the contract.
OWED: Final = OWN - {"M40"}

Book = dict[str, dict[str, int]]
"""Fund: flow: cumulative minor units."""


def by_fund(flows: Mapping[str, int], shares: Mapping[str, int], servicing: str = "0") -> Book:
    """Cumulative flows split over funds and peers. What was overpaid is the borrower's, in GEN.

    Who gets the odd cent of a tie follows from the names, as the sealed record has them, and not from how they were
    typed in: funds before peers, each by the alphabet.
    """
    if len(shares) == 1:
        (fund,) = shares
        book = {fund: {flow: amount for flow, amount in flows.items() if amount and flow != "overpaid"}}
        book = {fund: found for fund, found in book.items() if found}
    else:
        by_name = dict(sorted(shares.items(), key=lambda each: ("@" in each[0], each[0])))
        book = _shared(flows, by_name, servicing)
    if flows.get("overpaid"):
        book.setdefault(GENERAL, {})["overpaid"] = flows["overpaid"]
    return book


#: What raises the balance of a leaf, and the flows that lower it, in the order in which they are split.
_LOWERED: Final = (
    ("lent", ("principal_paid", "written_principal", "given", "off_principal")),
    ("earned", ("interest_paid", "waived", "unearned", "written_interest", "off_interest")),
    ("fees", ("fees_paid", "fees_waived", "off_fees")),
)
_ALONE: Final = ("interest_cash", "recovered", "memo", "off", "promised")


def _shared(flows: Mapping[str, int], shares: Mapping[str, int], servicing: str) -> Book:
    book: Book = {}
    ours = {name: share for name, share in shares.items() if "@" not in name}

    def put(flow: str, owners: Mapping[str, int], parts: list[int]) -> None:
        for fund, part in zip(owners, parts, strict=True):
            if part:
                book.setdefault(fund, {})[flow] = part

    for raised, lowered in _LOWERED:
        owners = ours if raised in _OURS else shares
        weights = list(owners.values())
        off, gone = 0, [0] * len(weights)
        for flow in lowered:
            off += flows.get(flow, 0)
            now = _split(off, weights)
            put(flow, owners, [after - before for after, before in zip(now, gone, strict=True)])
            gone = now
        put(raised, owners, _covering(_split(flows.get(raised, 0), weights), gone))
    for flow in _ALONE:
        owners = ours if flow in _OURS else shares
        put(flow, owners, _split(flows.get(flow, 0), list(owners.values())))
    _serve(book, servicing)
    return book


def _covering(raised: list[int], lowered: list[int]) -> list[int]:
    """The parts, each no less than what was taken off it.

    With three owners or more the largest remainder may take a cent back from one when the
    amount grows (the Alabama paradox); a cent then passes to it from who has most left.
    """
    parts = list(raised)
    left = [part - gone for part, gone in zip(parts, lowered, strict=True)]
    while min(left) < 0 < max(left):
        short, long = left.index(min(left)), left.index(max(left))
        for place, cent in ((short, 1), (long, -1)):
            parts[place] += cent
            left[place] += cent
    return parts


def _split(amount: int, weights: list[int]) -> list[int]:
    return split(amount, weights) if amount >= 0 else [-part for part in split(-amount, weights)]


def _serve(book: Book, servicing: str) -> None:
    """What is ours of the interest that each peer was paid."""
    for name, flows in book.items():
        paid = flows.get("interest_paid", 0) + flows.get("interest_cash", 0)
        if "@" in name and (fee := round_minor(paid * Fraction(servicing))):
            flows["servicing"] = fee


def pairs(name: str, flow: str) -> tuple[tuple[str, str], ...]:
    """Accounts that a flow debits and credits, in a fund or in a peer's part."""
    if "@" in name:
        return PEER_FLOWS.get(flow, ())
    return (FLOWS[flow],)


def real_fund(name: str) -> str:
    """The fund in whose books a part stands."""
    return name.partition("@")[0]


def difference(after: Book, before: Book) -> Book:
    """What is to be posted to come from one to the other."""
    moved: Book = {}
    for fund in {**after, **before}:
        new, old = after.get(fund, {}), before.get(fund, {})
        for flow in _NAMES:
            if amount := new.get(flow, 0) - old.get(flow, 0):
                moved.setdefault(fund, {})[flow] = amount
    return moved


def total(book: Book, *flows: str) -> int:
    """The sum of some flows over all funds."""
    return sum(of_fund.get(flow, 0) for of_fund in book.values() for flow in flows)


def balance(of_fund: Mapping[str, int], account: str, name: str = "") -> int:
    """What the flows of a fund (or of the peer's part `name`) come to on one of the loan's own leaves, debit +."""
    if "@" not in name:
        return sum([of_fund.get(flow, 0) * sign for flow, sign in _touching(account)])
    return sum(
        amount * ((debit == account) - (credit == account))
        for flow, amount in of_fund.items()
        for debit, credit in pairs(name, flow)
    )


def on_leaf(book: Book, fund: str, account: str) -> int:
    """What a loan's books come to on one of its leaves in a fund, peers' parts included."""
    return sum(balance(flows, account, name) for name, flows in book.items() if real_fund(name) == fund)


@cache  # asked several times of each loan at each close
def _touching(account: str) -> tuple[tuple[str, int], ...]:
    """The flows that debit (1) or credit (-1) an account."""
    return tuple(
        (flow, (debit == account) - (credit == account))
        for flow, (debit, credit) in FLOWS.items()
        if account in (debit, credit)
    )


def lines(ref: str, member: str, moved: Book) -> list[Move]:
    """The lines of what is to be posted, without those of cash."""
    found: list[Move] = []
    for name, flows in moved.items():
        for flow in (each for each in _NAMES if flows.get(each)):
            for accounts in pairs(name, flow):
                for account, sign in zip(accounts, (1, -1), strict=True):
                    if account != CASH:
                        found.append((real_fund(name), leaf_code(account, ref, member, name), sign * flows[flow]))
    return found


def leaf_code(account: str, ref: str, member: str, name: str = "") -> str:
    """The leaf that a flow's account means for a loan."""
    if account in OWN:
        return f"{account}/{ref}"
    if account == "831":
        return f"831/{name.partition('@')[2]}"
    return f"871/{member}" if account == "871" else account


def cash_of(moved: Book) -> dict[str, int]:
    """What each fund gets (+) or pays (-) in cash."""
    cash: dict[str, int] = defaultdict(int)
    for name, flows in moved.items():
        for flow, amount in flows.items():
            for debit, credit in pairs(name, flow):
                cash[real_fund(name)] += amount * ((debit == CASH) - (credit == CASH))
    return {fund: amount for fund, amount in cash.items() if amount}
