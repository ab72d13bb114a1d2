"""What happened, in the words of the person it happened to: one short line for each movement.

Words come from the kind of the operation and its sealed request, never from its memo alone.
An institution that takes no deposits in the eyes of the law does not write "deposit".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from coopbank.bank import records
from coopbank.bank.books import Books, loads
from coopbank.bank.groups import decided_as
from coopbank.bank.operation import CATALOGUE, CREDIT_UNION
from coopbank.database import Transaction
from coopbank.reports.dates import long_date, month_name
from coopbank.words import _, translate

#: Kinds whose words need the sealed request. A month's close is not among them: its text holds every loan.
_ASKED = {
    *("deposit", "withdraw", "pay-member", "return-cheque", "buy-shares", "redeem-shares", "transfer-shares"),
    *("disburse-loan", "repay-loan", "apply-unapplied", "refinance-loan", "credit-interest"),
    *("spend-gift", "enter-bill"),
}

LoanPart = Literal[
    "interest", "cost", "lent", "fee", "interest-waived", "fee-waived", "given-up", "paid", "shared-anew"
]
"""What an operation can do to a loan, by its contract."""


@dataclass(frozen=True, slots=True)
class Act:
    """The operation behind a movement."""

    number: int
    kind: str
    request: Mapping[str, Any] = field(default_factory=dict)


class Wording:
    """Words for the movements of one report; reads each operation once."""

    def __init__(self, books: Books, institution_kind: str, acts: Iterable[tuple[int, str]]) -> None:
        self._books = books
        self._chartered = institution_kind == CREDIT_UNION
        self._acts = acts_of(books.tx, acts)

    def words(self, number: int, gl_code: str, *, up: bool, on: date, corrects: int | None = None) -> str:
        """What an operation did to an account whose figure went `up` or down; a correction names what it corrects."""
        if corrects is not None:
            what = self._act(self._acts[corrects], gl_code, up=not up, on=on)
            return _("Correction of receipt {number}: {what}").format(number=corrects, what=what)
        return self._act(self._acts[number], gl_code, up=up, on=on)

    def of_loan(self, number: int, part: LoanPart, *, up: bool, on: date, corrects: int | None = None) -> str:
        """What an operation did to a loan: a part of it, whose figure went `up` or down."""
        if corrects is not None:
            what = _of_loan(self._acts[corrects], part, not up, on)
            return _("Correction of receipt {number}: {what}").format(number=corrects, what=what)
        return _of_loan(self._acts[number], part, up, on)

    def _act(self, act: Act, gl_code: str, *, up: bool, on: date) -> str:
        if act.kind in ("deposit", "withdraw"):
            return self._savings(act)
        if act.kind in ("buy-shares", "redeem-shares", "transfer-shares"):
            return _shares(act, gl_code, up)
        if act.kind == "pay-member":
            paid = _("Received from member {member}") if up else _("Paid to member {member}")
            return with_memo(paid.format(member=act.request.get("member" if up else "to_member")), act.request)
        if act.kind == "return-cheque":
            return self._returned(act)
        if act.kind == "credit-interest":
            return _("Interest, {quarter}").format(quarter=act.request.get("quarter"))
        if gl_code == "186":
            return self._spent(act)
        return _lending(act, gl_code, up, on) or _title(act)

    def _spent(self, act: Act) -> str:
        """What a gift was spent on: the account, not the operation, whose words are the bank's."""
        name = self._books.tx.value("SELECT name FROM gl_account WHERE code = ?", str(act.request.get("expense", "")))
        return _title(act) if name is None else with_memo(translate(str(name)), act.request)

    def _savings(self, act: Act) -> str:
        if act.kind == "deposit":
            what = _("Deposit") if self._chartered else _("Paid in")
        else:
            what = _("Withdrawal") if self._chartered else _("Paid out")
        return with_memo(with_tender(what, act.request), act.request)

    def _returned(self, act: Act) -> str:
        cheque = self._books.find(records.Cheque, str(act.request.get("cheque", "")))
        return _("Cheque {number} came back unpaid").format(number=cheque.number if cheque else "")


def _shares(act: Act, gl_code: str, up: bool) -> str:
    if act.kind == "transfer-shares":
        if up:
            return _("Shares received from member {member}").format(member=act.request.get("member"))
        return _("Shares passed to member {member}").format(member=act.request.get("to_member"))
    if act.kind == "redeem-shares":
        what = _("Instalments paid back") if gl_code == "875" else _("Shares paid back")
        return with_tender(what, act.request)
    if gl_code == "875" and not up:
        return _("Used for a share that is now paid in full")
    return with_tender(_("Paid towards a share") if gl_code == "875" else _("Shares issued"), act.request)


def _lending(act: Act, gl_code: str, up: bool, on: date) -> str | None:
    if gl_code == "871":
        if act.kind == "apply-unapplied":
            return _("Used for loan {loan}").format(loan=act.request.get("loan"))
        return with_tender(_("More than was due, kept for you"), act.request) if act.kind == "repay-loan" else None
    if act.kind == "disburse-loan":
        return with_tender(_("Loan paid out"), act.request)
    if gl_code == "781" and up:
        if act.kind == "close-month":
            return _("Interest for {month}").format(month=month_name(on))
        return _("Interest up to {date}").format(date=long_date(on))
    if act.kind == "close-month":
        return _("Interest corrected for {month}").format(month=month_name(on))
    if act.kind == "repay-loan":
        return with_tender(_("Payment"), act.request)
    return _("Payment from money kept for you") if act.kind == "apply-unapplied" else None


def _of_loan(act: Act, part: LoanPart, up: bool, on: date) -> str:
    if part == "interest":
        return _interest(act, up, on)
    if part == "shared-anew":
        if up:
            return _("Payments shared anew: more of them is interest")
        return _("Payments shared anew: less of them is interest")
    if part == "lent" and act.kind == "disburse-loan":
        return with_tender(_("Loan paid out"), act.request)
    if act.kind == "refinance-loan" and part in ("lent", "paid"):
        if part == "lent":
            return _("Pays off loan {loan}").format(loan=act.request.get("loan"))
        return _("Paid off by loan {loan}").format(loan=act.request.get("new_loan"))
    if part == "paid" and act.kind in ("repay-loan", "apply-unapplied"):
        kept = act.kind == "apply-unapplied"
        return _("Payment from money kept for you") if kept else with_tender(_("Payment"), act.request)
    named = {
        "cost": _("Cost of the loan"), "fee": _("Late fee"), "interest-waived": _("Interest waived"),
        "fee-waived": _("Fee waived"),        "given-up": _("Part of the loan that you need not repay"),
    }  # fmt: skip
    return named.get(part) or _title(act)


def _interest(act: Act, up: bool, on: date) -> str:
    """Interest that ran, or that is taken back: for a payment that counts earlier, or above a cap at the end."""
    if act.kind == "close-month":
        words = _("Interest for {month}") if up else _("Interest corrected for {month}")
        return words.format(month=month_name(on))
    if up:
        return _("Interest up to {date}").format(date=long_date(on))
    earlier = act.request.get("value_date")
    if isinstance(earlier, str) and earlier != on.isoformat():
        return _("Interest corrected: paid on {date}").format(date=long_date(date.fromisoformat(earlier)))
    if act.kind in ("repay-loan", "apply-unapplied", "accept-report"):
        return _("Interest above the cap, waived")
    return _("Interest corrected")


def _title(act: Act) -> str:
    if act.kind == "opening-balance":
        return _("Brought over from the old books")
    cls = CATALOGUE.get(act.kind)
    return with_memo(translate(cls.title) if cls else act.kind, act.request)


def with_tender(what: str, request: Mapping[str, Any]) -> str:
    """The same with how it was paid: `Paid in, cheque 311`."""
    tender, number = request.get("tender"), request.get("cheque_number")
    if tender == "cash":
        how = _("cash")
    elif tender == "cheque":
        how = _("cheque {number}").format(number=number)
    elif tender == "transfer":
        how = _("transfer {number}").format(number=number) if number else _("transfer")
    else:
        return what
    return _("{what}, {how}").format(what=what, how=how)


def with_memo(what: str, request: Mapping[str, Any]) -> str:
    """The same with what was noted when it was done."""
    memo = request.get("memo")
    return _("{what}: {memo}").format(what=what, memo=memo) if isinstance(memo, str) and memo else what


def acts_of(tx: Transaction, acts: Iterable[tuple[int, str]]) -> dict[int, Act]:
    """Operations by number, with the request of those whose words need it."""
    kinds = {number: decided_as(kind) for number, kind in acts}
    found = {number: Act(number, kind) for number, kind in kinds.items()}
    asked = sorted(number for number, kind in kinds.items() if kind in _ASKED)
    for start in range(0, len(asked), 500):
        part = asked[start : start + 500]
        marks = ",".join("?" * len(part))
        for number, text in tx.rows(f"SELECT id, sealed FROM operation WHERE id IN ({marks})", *part):
            found[number] = Act(number, kinds[number], loads(text)[10])  # the places are told in ledger/chain.py
    return found
