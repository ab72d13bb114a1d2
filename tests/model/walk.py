"""What people might ask next: drawn step by step, mostly sensible, sometimes wrong, now and then hostile.

A step names what it means by its place, not by its number ("the last but one bill"), so that a list of steps still
means something when others were taken out of it: that is how a failing list is made short.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from tests.model.books import RULES, Ask, Model, days


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
            known: list[Any] = [
                n for n, done in model.log.items()
                if (done.entries or self.back > 5) and not done.kind.endswith(("-loan", "-commitment"))
            ]  # fmt: skip
            return known[-1 - self.back] if self.back < len(known) else 10**6
        if self.kind == "month":
            months = 12 * model.day.year + model.day.month - 1 - self.back
            return f"{months // 12}-{months % 12 + 1:02}"
        bodies = model.every(self.kind)
        if self.kind in ("request", "difference"):  # one that waits, if it is not said to lie far back
            bodies = [(ref, body) for ref, body in bodies if body["state"] in ("waiting", "open") or self.back > 3]
        return bodies[-1 - self.back][0] if self.back < len(bodies) else f"{self.kind}-99"


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
        day = None if self.ahead is None else max(model.today, model.day + days(self.ahead))
        who = self.who if isinstance(self.who, str) else self.who.found(model)
        return Ask(who, self.operation, values, self.key, day)


def _meant(value: Any, model: Model) -> Any:
    if isinstance(value, tuple):
        return [_meant(each, model) for each in value]
    return value.found(model) if isinstance(value, Last | Holds) else value


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
FUNDS = ("GEN", "GEN", "GEN", "RLF", "RLF", "GRT", "GRT", "EDU", "EDU", "CND", "LLR", "POOL", "XXX")
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
_DRAWN: dict[str, tuple[int, Callable[[Chooser], Values]]] = {
    "admit-member": (
        1,
        lambda c: {"member_name": text(c), **c.pick(({}, {"joined_on": Last("day", c.pick((-3, 1)))}))},
    ),
    "change-member": (
        1,
        lambda c: {"member": member(c), **c.pick(({"status": "left"}, {"status": "active"}, {"phone": "601"}, {}))},
    ),
    "open-savings": (1, lambda c: {"member": member(c)}),
    "deposit": (12, lambda c: {"member": member(c), "amount": amount(c), **how_in(c), **own_account(c)}),
    "withdraw": (10, lambda c: {"member": member(c), "amount": amount(c), **how_out(c), **own_account(c)}),
    "buy-shares": (5, lambda c: {"member": member(c), "amount": amount(c), **how_in(c), **share_class(c)}),
    "redeem-shares": (
        2,
        lambda c: {
            "member": member(c),
            "amount": amount(c),
            **how_out(c),
            **share_class(c),
            **c.pick(({}, {}, {"subscription": True})),
        },
    ),
    "transfer-shares": (
        2,
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
    "sign-difference": (2, lambda c: {"difference": last(c, "difference")}),
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
    "reopen-month": (1, lambda c: {"month": Last("month", c.pick((1, 2, 0))), "why": "a late bill"}),
    "reverse": (10, lambda c: {"operation": last(c, "operation"), "reason": text(c)}),
    "correct": (
        3,
        lambda c: {
            "operation": last(c, "operation"),
            "wrong_account": c.pick(ACCOUNTS),
            "right_account": c.pick(ACCOUNTS),
            "reason": "wrong book",
            **c.pick(({}, {"amount": amount(c)})),
        },
    ),
    "approve": (22, lambda c: {"request": last(c, "request")}),
    "refuse": (1, lambda c: {"request": last(c, "request"), "why": "no"}),
    "take-back": (1, lambda c: {"request": last(c, "request")}),
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
        2,
        lambda c: {
            "from_fund": c.pick(FUNDS),
            "to_fund": c.pick(FUNDS),
            "amount": amount(c),
            "resolution": "the board",
            "due_on": Last("day", c.pick((90, 90, 0))),
        },
    ),
    "repay-fund": (2, lambda c: {"fund_loan": last(c, "fund-loan"), **c.pick(({}, {"amount": amount(c)}))}),
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
        3,
        lambda c: {
            "member": member(c),
            "principal": c.pick(("100.00", "1000.00", "2500.00", "5000.00", "90000.00")),
            "annual_rate": c.pick(("0", "7.25", "12.5", "8")),
            "installments": c.pick((1, 6, 24, 0)),
            **c.pick(({}, {}, {"fund": c.pick(FUNDS)})),
        },
    ),
    "disburse-loan": (4, lambda c: {"loan": last(c, "loan"), **how_out(c), **c.pick(({}, {}, {"amount": amount(c)}))}),
    "repay-loan": (
        6,
        lambda c: {
            "loan": last(c, "loan"),
            "amount": amount(c),
            **c.pick(({}, {"tender": "transfer"}, {"tender": "transfer", "bank_account": "OWN"})),
        },
    ),
    "close-commitment": (1, lambda c: {"loan": last(c, "loan"), "reason": "not wanted"}),
    "receive-grant": (
        1,
        lambda c: {
            "fund": c.pick(("CND", "CND", "GRT")),
            "amount": amount(c),
            "funder": "The county",
            "condition": "a roof",
            "tender": "transfer",
        },
    ),
    "earn-grant": (
        2,
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
        1,
        lambda c: {
            "grant": last(c, "grant"),
            "why": "not built",
            "tender": "transfer",
            **c.pick(({}, {"amount": amount(c)})),
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
        1,
        lambda c: {
            "user": c.pick(("ana", "tom", "zoe")),
            "relative": c.pick(("M0003", "M0004")),
            **c.pick(({}, {"related": False}, {"related": False})),
        },
    ),
    "change-role": (
        1,
        lambda c: {"user": "bob", "user_roles": ("teller", "treasurer"), "active": c.pick((True,) * 9 + (False,))},
    ),
    "add-user": (1, lambda c: {"user": c.pick(("bob", "BOB")), "full_name": "Bob", "user_roles": ("teller",)}),
    "link-user": (1, lambda c: {"user": "bob", "member": c.pick(("M0002", "M0005"))}),
}


@dataclass(frozen=True)
class Holds:
    """What a drawer holds by the books, as a good count finds it."""

    drawer: str

    def found(self, model: Model) -> str:
        held = model.leaves.get(("POOL", f"739/{self.drawer}"), 0)
        return f"{held // 100}.{held % 100:02}"


def own_account(c: Chooser) -> Values:
    return {"account": c.pick(ACCOUNTS)} if not c.pick(range(10)) else {}


def share_class(c: Chooser) -> Values:
    return c.pick(({}, {"share_class": "901"}, {"share_class": "903"}, {"share_class": "903"}, {"share_class": "907"}))


def why(c: Chooser) -> Values:
    return c.pick(({}, {"why": "not known"}, {"why": "not known"}))


def payee(c: Chooser) -> Values:
    return c.pick(({}, {}, {"supplier": "M0002"}))


CATALOGUE_HERE = tuple(name for name, (weight, _draw) in _DRAWN.items() for _ in range(weight))
"""Each operation as often as it is drawn."""


def draw(c: Chooser, keyed: Sequence[Step] = ()) -> Step:
    """One step; now and then one that was asked before, with its key: the same, or another under that key."""
    if keyed and not c.pick(range(30)):
        again: Step = c.pick(keyed)
        return again if c.pick(range(3)) else replace(draw(c), key=again.key)
    operation = c.pick(CATALOGUE_HERE)
    values = dict(_DRAWN[operation][1](c))
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


def steps(seed: int, count: int) -> list[Step]:
    """A list of steps that the seed makes, the same each time. Of every forty or so, an evening and a morning."""
    dice, found, with_key = Dice(seed), list[Step](), list[Step]()
    while len(found) < count:
        if not dice.pick(range(40)):
            found += evening(dice)
            continue
        step = keyed(dice, draw(dice, with_key), len(found))
        found.append(step)
        if step.key:
            with_key = [*with_key[-9:], step]
    return found[:count]


def evening(c: Chooser) -> list[Step]:
    """Whoever has a drawer closes it, the day is closed, and another one begins."""

    def step(who: str | OwnerOf, operation: str, ahead: int | None = None, **values: Any) -> Step:
        return Step(who, operation, tuple(values.items()), ahead=ahead)

    ahead = c.pick((1, 1, 1, 2, 3, 8, 31))
    begun = [
        *(step(OwnerOf(each), "close-drawer", drawer=each, counted=Holds(each)) for each in ("D1", "D2", "D3")),
        step("tom", "close-day"),
        step(c.pick(("tom", "admin")), "open-day", ahead=ahead, date=Last("day", ahead)),
        step("ana", "open-drawer", drawer="D1", float_amount=c.pick(("500.00", "2000.00"))),
        step(c.pick(("bob", "bob", "tom")), "open-drawer", drawer="D2", float_amount="500.00"),
    ]
    if c.pick(range(3)):
        return begun
    close = [step("tom", "close-month", month=Last("month", back)) for back in c.pick(((1,), (2, 1)))]
    return [*begun, *(each for asked in close for each in (asked, step("sue", "approve", request=Last("request"))))]


def begin() -> list[Step]:
    """Money, members, funds and a fifth colleague, who is member M0002: what every list begins with."""

    def step(who: str, operation: str, **values: Any) -> Step:
        return Step(who, operation, tuple(values.items()))

    agreed = step("sue", "approve", request=Last("request"))
    found = [
        step("tom", "receive-gift", amount="20000.00", donor="Many", tender="transfer"),
        step("tom", "receive-gift", amount="5000.00", donor="Others", fund="RLF", tender="transfer"),
        step("tom", "move-cash", from_place="FIRST", to_place="VAULT", amount="6000.00"),
    ]
    for code, kind in (("GRT", "restricted"), ("EDU", "designated"), ("CND", "conditional")):
        found += [step("tom", "open-fund", code=code, fund_name=code, fund_class=kind), agreed]
    for name in ("Mia", "Noa", "Oto", "Pia"):
        found.append(step("ana", "admit-member", member_name=name))
    found += [
        step("admin", "add-user", user="bob", full_name="Bob", user_roles=("teller", "treasurer"), member="M0002"),
        agreed,
        step("tom", "add-bank-account", code="OWN", account_name="RLF alone", fund="RLF"),
        agreed,
        step("bob", "open-drawer", drawer="D2", float_amount="1000.00"),
        step("ana", "close-drawer", drawer="D1", counted="0.00"),
        step("ana", "open-drawer", drawer="D1", float_amount="2000.00"),
    ]
    for ref in ("M0001", "M0002", "M0003"):
        found += [step("ana", "open-savings", member=ref), step("ana", "deposit", member=ref, amount="400.00")]
    return [*found, step("tom", "receive-gift", fund="GRT", amount="900.00", donor="A friend", tender="transfer")]
