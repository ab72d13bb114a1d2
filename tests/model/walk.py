"""What people might ask next: drawn step by step, mostly sensible, sometimes wrong, now and then hostile.

A step names what it means by its place, not by its number ("the last but one bill"), so that a list of steps still
means something when others were taken out of it: that is how a failing list is made short.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from itertools import islice
from typing import Any, Protocol

from tests.model.books import DAY_COUNTS, RULES, Ask, Model, days


class Chooser(Protocol):
    """Chance, or whoever decides in its place."""

    def pick(self, choices: Sequence[Any]) -> Any: ...


class Dice:
    """Chance that repeats itself from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def pick(self, choices: Sequence[Any]) -> Any:
        return self.random.choice(choices)


@dataclass(frozen=True)
class Last:
    """The last thing of a kind, or the one `back` places before it."""

    kind: str
    back: int = 0

    def found(self, model: Model) -> Any:
        if self.kind == "day":
            return str(model.day + days(self.back))
        if self.kind == "operation":
            known = (n for n, done in reversed(model.log.items()) if done.entries or self.back > 5)
            return next(islice(known, self.back, None), 10**6)
        if self.kind == "paid out":  # the operation that last paid something out of a loan
            paid = (n for n, done in reversed(model.log.items()) if done.kind == "disburse-loan")
            return next(islice(paid, self.back, None), 10**6)
        if self.kind == "new year":
            return str(new_year(model))
        if self.kind == "year":
            return str(model.day.year - self.back)
        if self.kind == "quarter":
            quarters = 4 * model.day.year + (model.day.month - 1) // 3 - self.back
            return f"{quarters // 4}-Q{quarters % 4 + 1}"
        if self.kind == "open year":
            return str(open_year(model) - self.back)
        if self.kind == "month of year":
            return f"{open_year(model)}-{13 - self.back:02}"
        if self.kind == "month":
            months = 12 * model.day.year + model.day.month - 1 - self.back
            return f"{months // 12}-{months % 12 + 1:02}"
        if self.kind == "parcel":  # of the register of the land
            parcels = [ref for ref, _body in model.every("register-entry") if ref.startswith("PARCELS-")]
            return parcels[-1 - self.back] if self.back < len(parcels) else "PARCELS-99"
        bodies = model.every(self.kind)
        if self.kind in ("request", "difference"):  # one that waits, if it is not said to lie far back
            bodies = [(ref, body) for ref, body in bodies if body["state"] in ("waiting", "open") or self.back > 3]
        return bodies[-1 - self.back][0] if self.back < len(bodies) else f"{self.kind}-99"


def open_year(model: Model) -> int:
    """The first year that is not closed."""
    return min(
        (int(month[:4]) for month in model.months if model.locked.get(month[:4]) != "locked"), default=model.day.year
    )


def new_year(model: Model) -> date:
    """The 8th of January after the first year that is not closed; tomorrow, if that is over."""
    january = date(open_year(model) + 1, 1, 8)
    return january if model.day < january else model.day + days(1)


NEW_YEAR = -1
"""Instead of a number of days: the 8th of January, or tomorrow if a year is over and not closed."""


@dataclass(frozen=True)
class OwnerOf:
    """Whoever has a drawer open."""

    drawer: str

    def found(self, model: Model) -> str:
        return (model.find("drawer", self.drawer) or {}).get("owner") or "ana"


@dataclass(frozen=True)
class Step:
    """A request as it was drawn. `ahead`: the clock is set so many days after the business date first."""

    who: str | OwnerOf
    operation: str
    values: tuple[tuple[str, Any], ...]
    key: str | None = None
    ahead: int | None = None

    def ask(self, model: Model) -> Ask:
        values = {name: _meant(value, model) for name, value in self.values}
        day = None
        if self.ahead is not None:
            at = new_year(model) if self.ahead == NEW_YEAR else model.day + days(self.ahead)
            day = max(model.today, at)
        who = self.who if isinstance(self.who, str) else self.who.found(model)
        return Ask(who, self.operation, values, self.key, day)


def _meant(value: Any, model: Model) -> Any:
    if isinstance(value, tuple):
        return [_meant(each, model) for each in value]
    return value.found(model) if hasattr(value, "found") else value


def asked(who: str, operation: str, approver: str = "sue", /, **values: Any) -> list[Step]:
    """What takes two people, asked for and agreed to."""
    return [Step(who, operation, tuple(values.items())), Step(approver, "approve", (("request", Last("request")),))]


USERS = {
    "ana": "teller loan-officer",
    "tom": "treasurer",
    "bob": "teller treasurer",
    "sue": "supervisor",
    "admin": "administrator",
}
NOBODY = "zoe"
MEMBERS = ("M0001", "M0002", "M0003", "M0004", "M0005")
AMOUNTS = (
    "0.01", "1.00", "5", "9.99", "20.00", "25.00", "25.00", "50.00", "100.00", "100.00", "200.00", "333.33", "999.99",
    "1000.00", "1000.01", "2500.00", "5000.00",
)  # fmt: skip
HOSTILE_AMOUNTS = ("0.00", "-5.00", "5.001", "1e3", "", " 5.00 ", "1,000.00", "٥.00", 5, 5.0, None, "9" * 50,
                   "1000000000000.00", "1000000000000.01", "NaN", "0x10", "5.", "<b>5</b>", True)  # fmt: skip
HOSTILE_TEXTS = (
    "<b>x</b>",
    "[red]x",
    "=1+1",
    "\"'`;--",
    "two\nlines",
    "\u202etxet",
    "🏦" * 20,
    "{x} %s",
    "a" * 201,
    "\x00",
)
FUNDS = ("GEN", "GEN", "GEN", "RLF", "RLF", "GRT", "GRT", "EDU", "EDU", "CND", "LLR", "POOL", "NIL")
ACCOUNTS = ("M0001", "M0001-2", "S-M0002", "M0003", "M0004")


def amount(c: Chooser) -> Any:
    return c.pick(AMOUNTS) if c.pick(range(40)) else c.pick(HOSTILE_AMOUNTS)


def text(c: Chooser) -> str:
    return c.pick(("a word", "rent", "R-7")) if c.pick(range(5)) else c.pick(HOSTILE_TEXTS)


def member(c: Chooser) -> str:
    return c.pick((*MEMBERS[:3] * 2, "M0004")) if c.pick(range(20)) else c.pick((*MEMBERS, "M9999", "m0001", "?"))


def place(c: Chooser) -> str:
    return c.pick((*("VAULT", "D1", "D2", "FIRST") * 3, "OWN", "D9"))


def last(c: Chooser, kind: str) -> Last:
    return Last(kind, c.pick((0, 0, 0, 0, 0, 1, 1, 2, 3, 7)))


_CHEQUE = {"tender": "cheque", "cheque_number": "311"}
_HOW_IN: tuple[dict[str, Any], ...] = (
    *({},) * 6, *({"tender": "transfer"},) * 4, *(_CHEQUE,) * 4,
    *({**_CHEQUE, "cheque_date": Last("day", ahead)} for ahead in (-1, 0, 1)),
    {"tender": "cheque"}, {"cheque_number": "1"},
    *({"tender": "transfer", "bank_account": place} for place in ("OWN", "FIRST", "X")),
)  # fmt: skip


def how_in(c: Chooser) -> dict[str, Any]:
    return dict(c.pick(_HOW_IN))


def how_out(c: Chooser) -> dict[str, Any]:
    return c.pick(
        (*({},) * 4, *({"tender": "transfer"},) * 4, {"tender": "transfer", "bank_account": c.pick(("OWN", "X"))})
    )


def expense(c: Chooser) -> str:
    return c.pick((*("290", "260", "250", "366") * 4, "301", "940", "999", "29"))


Values = dict[str, Any]
DRAWN: dict[str, tuple[int, Callable[[Chooser], Values]]] = {
    "admit-member": (
        1,
        lambda c: {"member_name": text(c), **c.pick(({}, {"joined_on": Last("day", c.pick((-3, 1)))}))},
    ),
    "change-member": (
        1,
        lambda c: {"member": member(c), **c.pick(({"status": "left"}, {"status": "active"}, {"phone": "601"}, {}))},
    ),
    "open-savings": (2, lambda c: {"member": member(c), **c.pick(({}, {"annual_rate": c.pick(("2", "0.5", "3.75"))}))}),
    "deposit": (12, lambda c: {"member": member(c), "amount": amount(c), **how_in(c), **own_account(c)}),
    "withdraw": (10, lambda c: {"member": member(c), "amount": amount(c), **how_out(c), **own_account(c)}),
    "buy-shares": (5, lambda c: {"member": member(c), "amount": amount(c), **how_in(c), **share_class(c)}),
    "redeem-shares": (
        4,
        lambda c: {
            "member": member(c),
            "amount": amount(c),
            **how_out(c),
            **share_class(c),
            **c.pick(({}, {}, {"subscription": True})),
        },
    ),
    "transfer-shares": (
        5,
        lambda c: {"member": member(c), "to_member": member(c), "amount": amount(c), **share_class(c)},
    ),
    "open-drawer": (
        2,
        lambda c: {
            "drawer": c.pick(("D1", "D2", "D3", "VAULT", "FIRST")),
            "float_amount": c.pick(("0.00", "200.00", "500.00", "5000.01", "-1")),
        },
    ),
    "count-drawer": (
        3,
        lambda c: {"drawer": c.pick(("D1", "D2")), "counted": c.pick(("0.00", "195.00", "200.00", "500.00")), **why(c)},
    ),
    "close-drawer": (
        1,
        lambda c: {
            "drawer": c.pick(("D1", "D2", "D3")),
            "counted": c.pick((Holds("D1"), Holds("D1"), Holds("D2"), Holds("D2"), "200.00")),
            **why(c),
        },
    ),
    "sign-difference": (4, lambda c: {"difference": last(c, "difference")}),
    "move-cash": (4, lambda c: {"from_place": place(c), "to_place": place(c), "amount": amount(c)}),
    "add-bank-account": (
        1,
        lambda c: {"code": c.pick(("OWN", "D1", "SECOND")), "account_name": "A bank", "fund": c.pick(FUNDS)},
    ),
    "bank-cheques": (
        4,
        lambda c: {
            "cheques": tuple(last(c, "cheque") for _ in range(c.pick((1, 1, 2)))),
            **c.pick(({}, {}, {"bank_account": "OWN"})),
        },
    ),
    "return-cheque": (
        4,
        lambda c: {"cheque": last(c, "cheque"), **c.pick(({}, {"bank_charge": "10.00"}, {"bank_charge": "-1"}))},
    ),
    "open-day": (2, lambda c: {"date": Last("day", c.pick((1, 1, 1, 1, 2, 3, 8, 30, 0, -1)))}),
    "close-day": (1, lambda c: c.pick(({}, {}, {"date": Last("day", c.pick((0, 1)))}))),
    "close-month": (2, lambda c: {"month": Last("month", c.pick((1, 1, 1, 0, 2)))}),
    "reopen-month": (4, lambda c: {"month": Last("month", c.pick((1, 2, 0))), "why": "a late bill"}),
    "reverse": (
        10,
        lambda c: {"operation": last(c, "operation"), "reason": text(c), **c.pick(({}, {}, {}, {"replay": True}))},
    ),
    "correct": (
        6,
        lambda c: {
            "operation": last(c, "operation"),
            "wrong_account": c.pick(ACCOUNTS),
            "right_account": c.pick(ACCOUNTS),
            "reason": "wrong book",
            **c.pick(({}, {"amount": amount(c)})),
        },
    ),
    "approve": (30, lambda c: {"request": last(c, "request")}),
    "refuse": (1, lambda c: {"request": last(c, "request"), "why": "no"}),
    "take-back": (3, lambda c: {"request": last(c, "request")}),
    "open-fund": (
        1,
        lambda c: {
            "code": c.pick(("NEW", "GRT", "lower")),
            "fund_name": "A fund",
            "fund_class": c.pick(("restricted", "general", "pool")),
        },
    ),
    "receive-gift": (
        6,
        lambda c: {
            "fund": c.pick(FUNDS),
            "amount": amount(c),
            "donor": "Many",
            **how_in(c),
            **c.pick(({}, {}, {"number": c.pick(("G-07", "X1"))})),
        },
    ),
    "spend-gift": (
        3,
        lambda c: {"gift": last(c, "gift"), "amount": amount(c), "expense": expense(c), **how_out(c), **payee(c)},
    ),
    "enter-bill": (
        4,
        lambda c: {
            "supplier": c.pick(("ACE", "ace", "M0002")),
            "number": c.pick(("1", "2", "3 a", "3A", "4", "5", "6", "7")),
            "amount": amount(c),
            "expense": expense(c),
            **c.pick(({}, {}, {"fund": c.pick(FUNDS)}, {"gift": last(c, "gift")})),
        },
    ),
    "pay-bill": (4, lambda c: {"bill": last(c, "bill"), **how_out(c)}),
    "pay-expense": (
        2,
        lambda c: {
            "supplier": "ZED",
            "number": c.pick("123456789"),
            "amount": amount(c),
            "expense": expense(c),
            **how_out(c),
        },
    ),
    "transfer-funds": (
        2,
        lambda c: {
            "from_fund": c.pick(FUNDS),
            "to_fund": c.pick(FUNDS),
            "amount": amount(c),
            "resolution": "the board",
        },
    ),
    "lend-to-fund": (
        4,
        lambda c: {
            "from_fund": c.pick(FUNDS),
            "to_fund": c.pick(FUNDS),
            "amount": amount(c),
            "resolution": "the board",
            "due_on": Last("day", c.pick((90, 90, 0))),
        },
    ),
    "repay-fund": (4, lambda c: {"fund_loan": last(c, "fund-loan"), **c.pick(({}, {"amount": amount(c)}))}),
    "receive-unknown": (
        2,
        lambda c: {
            "amount": amount(c),
            **c.pick(({}, {"received_on": Last("day", c.pick((-1, 1)))}, {"bank_account": "OWN"})),
        },
    ),
    "clear-suspense": (
        3,
        lambda c: {
            "suspense": last(c, "suspense"),
            **c.pick(({}, {"amount": amount(c)})),
            **c.pick(
                (
                    {"to": "sender"},
                    {"to": "savings", "member": member(c)},
                    {"to": "gift", "fund": c.pick(FUNDS)},
                    {"to": "income"},
                    {"to": "gift"},
                )
            ),
        },
    ),
    "issue-note": (
        2,
        lambda c: {
            "lender": "A lender",
            "amount": amount(c),
            "annual_rate": c.pick(("2", "0", "3.125", "x")),
            "due_on": Last("day", c.pick((365, 365, 0))),
            **c.pick(({}, {"fund": c.pick(FUNDS)}, {"member": member(c)}, how_in(c))),
        },
    ),
    "repay-note": (
        4,
        lambda c: {
            "note": last(c, "note"),
            **c.pick(({}, {"amount": "0.00"}, {"amount": amount(c)})),
            **c.pick(({}, {"tender": "cash"})),
        },
    ),
    "grant-loan": (
        5,
        lambda c: {
            "member": member(c),
            "principal": c.pick(("100.00", "1000.00", "1000.00", "2500.00", "5000.00", "90000.00")),
            **agreed_terms(c),
            **c.pick(({}, {}, {"fund": c.pick(FUNDS)})),
            **c.pick(({}, {}, {"other_funds": c.pick(("GEN 40", "EDU 33.33", "GEN 50", "RLF 10", "NIL 1"))})),
        },
    ),
    "disburse-loan": (7, lambda c: {"loan": last(c, "loan"), **how_out(c), **c.pick(({}, {}, {"amount": amount(c)}))}),
    "repay-loan": (
        10,
        lambda c: {
            "loan": last(c, "loan"),
            "amount": amount(c),
            **c.pick(({}, {"tender": "transfer"}, {"tender": "transfer", "bank_account": "OWN"}, how_in(c))),
            **c.pick(({}, {}, {}, {"value_date": Last("day", c.pick((-1, -3, -10, -40, 1)))})),
            **c.pick(({}, {}, {"excess": "unapplied"}, {"early": c.pick(("next", "shorten", "lower"))})),
        },
    ),
    "apply-unapplied": (2, lambda c: {"loan": last(c, "loan"), "amount": amount(c)}),
    "refund-unapplied": (1, lambda c: {"member": member(c), "amount": amount(c), **how_out(c)}),
    "withdraw-product": (1, lambda c: {"product": c.pick(("OWN-1", "OWN-2", "EQUAL", "NONE"))}),
    "change-rate": (
        2,
        lambda c: {
            "loan": last(c, "loan"),
            "why": "agreed",
            "annual_rate": c.pick(("4", "12.5", "0", "7.25")),
            **c.pick(({}, {}, {"from_day": Last("day", c.pick((-1, -5, -40, 1)))})),
        },
    ),
    "extend-loan": (
        2,
        lambda c: {"loan": last(c, "loan"), "why": "agreed", "extra_installments": c.pick((1, 2, 6, 0))},
    ),
    "move-due-date": (
        2,
        lambda c: {"loan": last(c, "loan"), "why": "agreed", "next_due": Last("day", c.pick((1, 3, 20, 45, 0)))},
    ),
    "payment-holiday": (2, lambda c: {"loan": last(c, "loan"), "why": "hail", "payments": c.pick((1, 2, 3))}),
    "re-amortize": (
        2,
        lambda c: {
            "loan": last(c, "loan"),
            "why": "agreed",
            **c.pick(({}, {"installments": c.pick((1, 3, 12))})),
            **c.pick(({}, {"next_due": Last("day", c.pick((5, 30, 0)))})),
        },
    ),
    "pause-interest": (
        1,
        lambda c: {
            "loan": last(c, "loan"),
            "why": "hail",
            "until": Last("day", c.pick((0, 10, 40, -3))),
            **c.pick(({}, {"from_day": Last("day", c.pick((-10, -1)))})),
        },
    ),
    "charge-late-fee": (3, lambda c: {"loan": last(c, "loan")}),
    "waive-charges": (
        5,
        lambda c: {
            "loan": last(c, "loan"),
            "why": "poor",
            **c.pick(({"interest": c.pick(("0.01", "0.50", "5.00"))}, {"fees": "0.05"}, {})),
        },
    ),
    "stop-accrual": (
        2,
        lambda c: {
            "loan": last(c, "loan"),
            "why": "late",
            **c.pick(({}, {"method": "cash"})),
            **c.pick(({}, {}, {"stop_interest": True})),
        },
    ),
    "resume-accrual": (2, lambda c: {"loan": last(c, "loan"), "why": "paid"}),
    "write-down": (
        1,
        lambda c: {
            "loan": last(c, "loan"),
            "principal": amount(c),
            "resolution": "the board",
            **c.pick(({}, {}, {"gift": True})),
        },
    ),
    "charge-off": (
        2,
        lambda c: {
            "loan": last(c, "loan"),
            "why": "lost",
            **c.pick(({}, {"resolution": "the board"}, {"resolution": "the board"})),
            **c.pick(({}, {}, {"reserve_account": "SAFE", "from_reserve": amount(c)}, {"from_reserve": "1.00"})),
        },
    ),
    "grade-loan": (
        2,
        lambda c: {
            "loan": last(c, "loan"),
            "why": "seen",
            "grade": c.pick("12345"),
            **c.pick(({}, {}, {}, {"reserve": c.pick(("10.00", "500.00"))})),
        },
    ),
    "set-allowance-table": (
        1,
        lambda c: {
            "from_day": Last("day", c.pick((0, 1, 5, -5))),
            "why": "losses",
            **c.pick(({"grades": {"4": c.pick(("21", "35.5"))}}, {"grades": {"3": "0"}}, {"buckets": {"none": "1"}})),
            **c.pick(({}, {"commitments": c.pick(("1", "0.5", "0"))}, {"buckets": {"1-30": c.pick(("3", "4"))}})),
        },
    ),
    "provide": (3, lambda c: {"month": Last("month", c.pick((0, 0, 1, 1, 2)))}),
    "close-commitment": (1, lambda c: {"loan": last(c, "loan"), "reason": "not wanted"}),
    "receive-grant": (
        2,
        lambda c: {
            "fund": c.pick(("CND", "CND", "GRT")),
            "amount": amount(c),
            "funder": "The county",
            "condition": "a roof",
            "tender": "transfer",
        },
    ),
    "earn-grant": (
        3,
        lambda c: {
            "grant": last(c, "grant"),
            "amount": amount(c),
            "expense": expense(c),
            "evidence": "a photograph",
            "tender": "transfer",
            **payee(c),
        },
    ),
    "return-grant": (
        2,
        lambda c: {
            "grant": last(c, "grant"),
            "why": "not built",
            "tender": "transfer",
            **c.pick(({}, {"amount": amount(c)})),
        },
    ),
    "journal-entry": (
        4,
        lambda c: {
            "memo": "an adjustment",
            "lines": journal_lines(c),
            **c.pick(({}, {}, {"effective_on": Last("day", c.pick((-1, -3, -40, 1)))})),
        },
    ),
    "credit-interest": (2, lambda c: {"quarter": Last("quarter", c.pick((1, 1, 0, 2)))}),
    "open-audit-period": (1, lambda c: {"year": Last("year", c.pick((1, 0)))}),
    "close-year": (1, lambda c: {"year": Last("year", c.pick((1, 0))), **c.pick(({}, {"unexplained": "a word"}))}),
    "reopen-year": (2, lambda c: {"year": Last("year", 1), "why": "the auditor"}),
    "set-share-class": (
        1,
        lambda c: {
            "share_class": c.pick(("901", "903", "903", "907")),
            "resolution": "the assembly",
            **c.pick(({"presentation": "liability"}, {"presentation": "equity"}, {"dividend_cap": "6"}, {})),
            **c.pick(
                ({}, {}, {"notice_days": c.pick((0, 10))}, {"yearly_cap": c.pick(("50", "100"))}, {"queue": False})
            ),
        },
    ),
    "declare-dividend": (
        2,
        lambda c: {
            "year": Last("year", c.pick((1, 1, 1, 0, 2))),
            "rate": c.pick(("3", "4.5", "8", "9", "0")),
            "resolution": "the assembly",
            **c.pick(({}, {}, {"share_class": "901"}, {"basis": "year-end"})),
        },
    ),
    "pay-dividend": (2, lambda c: paid_out(c)),
    "pay-patronage": (2, lambda c: paid_out(c)),
    "accept-redemption": (2, lambda c: {"member": member(c), "amount": amount(c), **share_class(c)}),
    "pay-redemption": (2, lambda c: {"redemption": last(c, "redemption"), **how_out(c)}),
    "set-surplus-rules": (
        1,
        lambda c: {
            "steps": c.pick(STEPS),
            "resolution": "the assembly",
            "consent": c.pick(("bylaw 7", "bylaw 7", "")),
            **c.pick(({}, {"cash": c.pick(("33.3", "10"))}, {"qualified": False})),
            **c.pick(({}, {"outside": ("181 100",)}, {"outside": ("181 98.5", "330 50")})),
        },
    ),
    "propose-surplus": (2, lambda c: {"year": Last("year", c.pick((1, 1, 0)))}),
    "allocate-surplus": (2, lambda c: {"year": Last("year", 1), "resolution": "the assembly"}),
    "redeem-patronage": (
        1,
        lambda c: {
            "vintage": Last("year", c.pick((1, 1, 2))),
            "resolution": "the board",
            **c.pick(({}, {"amount": "1.00"})),
        },
    ),
    "set-policy": (
        1,
        lambda c: c.pick(
            (
                {"policy": "cheque_hold_days", "value": c.pick("0257")},
                {"policy": "withdrawal_alone", "value": c.pick(("500.00", "1000.00", "x"))},
                {"policy": "drawer_limit", "value": c.pick(("5000.00", "0", "-1"))},
                {"policy": "no-such", "value": "1"},
                {"policy": "set_off", "value": c.pick(("bylaw 12", ""))},
                {"policy": "accrual_payments", "value": c.pick("126")},
                {"policy": "charge_off_days", "value": c.pick(("90", "365", "x"))},
            )
        ),
    ),
    "set-role": (
        1,
        lambda c: {
            "role": c.pick(("teller", "treasurer")),
            "operation": c.pick(("deposit", "withdraw")),
            **c.pick(
                (
                    {},
                    {},
                    {},
                    {"alone_up_to": "50.00"},
                    {"at_most": "1000.00"},
                    {"alone_up_to": "20.00", "at_most": "900.00"},
                )
            ),
        },
    ),
    "set-day-limit": (
        1,
        lambda c: {"role": c.pick(("teller", "treasurer")), "amount": c.pick(("0.00", "0.00", "0.00", "2000.00"))},
    ),
    "declare-relative": (
        3,
        lambda c: {
            "user": c.pick(("ana", "tom", "zoe")),
            "relative": c.pick(("M0003", "M0004")),
            **c.pick(({}, {"related": False}, {"related": False})),
        },
    ),
    "change-role": (
        2,
        lambda c: {"user": "bob", "user_roles": ("teller", "treasurer"), "active": c.pick((True,) * 9 + (False,))},
    ),
    "add-user": (1, lambda c: {"user": c.pick(("bob", "BOB")), "full_name": "Bob", "user_roles": ("teller",)}),
    "link-user": (1, lambda c: {"user": "bob", "member": c.pick(("M0002", "M0005"))}),
}


@dataclass(frozen=True)
class Holds:
    """What a drawer holds by the books, as a good count finds it; or less, as far as it goes (minor units)."""

    drawer: str
    less: int = 0

    def found(self, model: Model) -> str:
        held = max(0, model.leaves.get(("POOL", f"739/{self.drawer}"), 0) - self.less)
        return f"{held // 100}.{held % 100:02}"


def own_account(c: Chooser) -> Values:
    return {"account": c.pick(ACCOUNTS)} if not c.pick(range(10)) else {}


def share_class(c: Chooser) -> Values:
    return c.pick(({}, {"share_class": "901"}, {"share_class": "903"}, {"share_class": "903"}, {"share_class": "907"}))


STEPS: tuple[tuple[str, ...], ...] = (
    ("regular 5", "indivisible 20", "patronage interest 100"),
    ("fund EDU 10", "dividend 903 3", "patronage savings 60", "patronage interest 40"),
    ("dividend 901 1 average", "patronage savings 100"),
    ("regular 101",),
    ("patronage hours 40", "patronage savings 60"),
    ("patronage hours 100",),
    ("patronage savings 50", "regular 5"),
    ("fund NIL 5",),
    ("indivisible 50",),
    ("dividend 903 9",),
)
JOURNAL = ("250", "250", "260", "940", "931", "119", "187", "731/FIRST", "731/OWN", "751/OLD", "771", "905/M0001",
           "791/M0001", "842", "999", "932", "M10")  # fmt: skip


def journal_lines(c: Chooser) -> tuple[str, ...]:
    """Two or three lines, mostly of one piece."""
    fund, other, much = c.pick(("GEN", "GEN", "GEN", "RLF", "NIL")), c.pick(("GEN", "RLF")), c.pick(AMOUNTS)
    first = f"{fund} {c.pick(JOURNAL)} Dr {much}"
    second = f"{fund} {c.pick(JOURNAL)} Cr {much if c.pick(range(9)) else '0.01'}"
    return (first, second) if c.pick(range(9)) else (first, second, f"{other} 250 Dr 1.00", f"{other} 260 Cr 1.00")


def paid_out(c: Chooser) -> Values:
    return {**c.pick(({}, {"member": member(c)}, {"member": member(c), "to_savings": True})), **how_out(c)}


def agreed_terms(c: Chooser) -> Values:
    """What a loan may be agreed on, mostly of one piece."""
    found: Values = {
        "product": c.pick(("TERM", "TERM", "TERM", "EQUAL", "SEASON", "LINE", "OWN-1", "OWN-2", "CREDIT", "SHARE")),
        **c.pick(({}, {"annual_rate": c.pick(("0", "7.25", "12.5", "8", "36"))})),
        **c.pick(({}, {"installments": c.pick((1, 3, 6, 24, 0))})),
        **c.pick(({}, {}, {"day_count": c.pick(DAY_COUNTS)})),
        **c.pick(({}, {}, {"every": c.pick(({"weeks": 2}, {"months": 3}, {"days": 15}, {"months": 1}))})),
        **c.pick(({}, {}, {"first_due": Last("day", c.pick((10, 31, 50, 0)))})),
    }
    return {**found, **c.pick(({}, {}, {}, {}, c.pick(_SELDOM)))}


_SELDOM: tuple[Values, ...] = (
    {"principal_grace": 2},
    {"interest_postponed": 2},
    {"interest_free": 1},
    {"interest_free": 2},
    {"principal_percent": "10", "method": "equal-principal"},
    {"principal_percent": "10"},
    {"months": (5, 9)},
    {"month_end": "roll"},
    {"method": "equal-principal"},
    {"number": "L-007"},
    {"number": "l-123"},
    {"number": "X-1"},
    {"application": Last("application")},
)


def why(c: Chooser) -> Values:
    return c.pick(({}, {"why": "not known"}, {"why": "not known"}))


def payee(c: Chooser) -> Values:
    return c.pick(({}, {}, {"supplier": "M0002"}))


@cache  # once all modules have put in what they draw
def catalogue() -> tuple[str, ...]:
    """Each operation as often as it is drawn."""
    return tuple(name for name, (weight, _draw) in DRAWN.items() for _ in range(weight))


def draw(c: Chooser, keyed: Sequence[Step] = ()) -> Step:
    """One step; now and then one that was asked before, with its key: the same, or another under that key."""
    if keyed and not c.pick(range(30)):
        again: Step = c.pick(keyed)
        return again if c.pick(range(3)) else replace(draw(c), key=again.key)
    operation = c.pick(catalogue())
    values = dict(DRAWN[operation][1](c))
    right = [user for user, roles in USERS.items() if set(roles.split()) & set(RULES[operation].roles)]
    if operation == "approve":
        right = ["sue", "sue", "tom", "bob", "admin"]
    who = c.pick(right) if c.pick(range(30)) else c.pick((*USERS, NOBODY))
    if not c.pick(range(150)):
        values["no_such_field"] = "x"
    return Step(who, operation, tuple(values.items()), ahead=c.pick((1, 2, 3, 30)) if operation == "open-day" else None)


def keyed(c: Chooser, step: Step, number: int) -> Step:
    """The step, now and then with a key: one of its own, or one that no door takes."""
    if step.key is not None or c.pick(range(15)):
        return step
    return replace(
        step,
        key=f"key {number}" if c.pick(range(8)) else c.pick(("approved:R-00001", "signed:7", "", "k" * 201, "a\nb")),
    )
