"""Lists of steps: single ones drawn by chance, and scenes in which one thing follows from another.

Chance alone would seldom pay a loan out, let it be late for a while and charge it off, or close twelve months and
divide what is left. So now and then a scene is played: an evening and a morning, the life of a loan, shares that are
bought and given back, a year's end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.model.books import RULES
from tests.model.drawn_asking import asking
from tests.model.drawn_bank import reconciling
from tests.model.drawn_forgetting import forgetting
from tests.model.drawn_given import given, sponsoring
from tests.model.drawn_life import dying
from tests.model.drawn_opening import taking_over
from tests.model.drawn_plans import land
from tests.model.drawn_polls import balloting
from tests.model.drawn_silent import classes, giving_away, silent
from tests.model.drawn_things import petty_cash, things
from tests.model.drawn_votes import deciding
from tests.model.drawn_workers import paying, working
from tests.model.walk import (
    DRAWN,
    NEW_YEAR,
    STEPS,
    USERS,
    Chooser,
    Dice,
    Holds,
    Last,
    OwnerOf,
    Step,
    agreed_terms,
    asked,
    draw,
    keyed,
    member,
)
from tests.model.walk_loans import A_MONTH, CARED, losing, owing_each_other, papers, reporting, sharing


def steps(seed: int, count: int, scenes: Scenes | None = None) -> list[Step]:
    """A list of steps that the seed makes, the same each time; now and then a scene is played."""
    dice, found, with_key = Dice(seed), list[Step](), list[Step]()
    scenes = SCENES if scenes is None else scenes
    while len(found) < count:
        scene = next((scene for scene, seldom in scenes if not dice.pick(range(seldom))), None)
        if scene is not None:
            found += scene(dice)
            continue
        step = keyed(dice, draw(dice, with_key), len(found))
        found.append(step)
        if step.key:
            with_key = [*with_key[-9:], step]
    return found[:count]


Scenes = tuple[tuple[Callable[[Chooser], list[Step]], int], ...]

SCENES: Scenes = (
    (lambda c: evening(c), 45), (lambda c: lending(c), 110), (lambda c: shares(c), 250), (lambda c: year_end(c), 350),
    (papers, 500), (losing, 500), (lambda c: lived(c, sharing(c)), 700), (lambda c: lived(c, reporting(c)), 500),
    (lambda c: lived(c, owing_each_other(c)), 700),
    (lambda c: things(c, evening(c, c.pick((5, 31, 70))), evening(c, c.pick((1, 40)))), 250),
    (lambda c: petty_cash(c, evening(c, 1)), 200), (lambda c: given(c, evening(c)), 250), (sponsoring, 200),
    (lambda c: dying(c, evening(c, c.pick((1, 12)))), 250), (lambda c: reconciling(c, evening(c, 1)), 250),
    (lambda c: land(c, evening(c)), 250), (lambda c: deciding(c, evening(c)), 200),
    (lambda c: silent(c, evening(c, c.pick((1, 90))), evening(c, c.pick((300, 380))), evening(c, c.pick((1, 31)))),
     600), (lambda c: taking_over(c, evening(c, 1)), 600),
    (giving_away, 400), (balloting, 400), (asking, 400),
    (lambda c: forgetting(c, evening(c, c.pick((1, 40)))), 400),
    (lambda c: classes(c, evening(c, c.pick((3, 10)))), 400),
    (lambda c: mistaken(c), 200),
)  # fmt: skip
"""What is done in a row, and of how many steps it is one."""
OF_OTHERS: Scenes = (
    (lambda c: working(c, year_end(c), evening(c, c.pick((1, 31, 40)))), 80), (paying, 80), (lambda c: evening(c), 45),
    (lambda c: shares(c), 100),
)  # fmt: skip
"""The same in the books of other kinds of institutions."""


def evening(c: Chooser, ahead: int | None = None) -> list[Step]:
    """Whoever has a drawer closes it, the day is closed, and another one begins."""

    def step(who: str | OwnerOf, operation: str, ahead: int | None = None, **values: Any) -> Step:
        return Step(who, operation, tuple(values.items()), ahead=ahead)

    ahead = ahead or c.pick((1, 1, 1, 2, 3, 8, 31))
    tomorrow = Last("new year") if ahead == NEW_YEAR else Last("day", ahead)
    begun = [
        *(step(OwnerOf(each), "close-drawer", drawer=each, counted=Holds(each)) for each in ("D1", "D2", "D3")),
        step("tom", "close-day"),
        step(c.pick(("tom", "admin")), "open-day", ahead=ahead, date=tomorrow),
        step("ana", "open-drawer", drawer="D1", float_amount=c.pick(("500.00", "2000.00"))),
        step(c.pick(("bob", "bob", "tom")), "open-drawer", drawer="D2", float_amount="500.00"),
    ]
    if c.pick(range(3)):
        return begun
    close = [step("tom", "close-month", month=Last("month", back)) for back in c.pick(((1,), (2, 1)))]
    return [*begun, *(each for asked in close for each in (asked, step("sue", "approve", request=Last("request"))))]


def year_end(c: Chooser) -> list[Step]:
    """In January the year before is closed, month by month, and its surplus divided and paid."""
    year, found = Last("open year"), evening(c, NEW_YEAR)
    found += [
        step for back in range(12, 0, -1) for step in asked("tom", "close-month", month=Last("month of year", back))
    ]
    found += asked("tom", "open-audit-period", year=year)
    ahead = c.pick(((), (), ("903", "2", "average"), ("901", "8", "year-end")))
    if ahead:  # as an expense of the year
        found += asked(
            "tom", "set-share-class", share_class=ahead[0], presentation="liability", resolution="the assembly"
        )
        found += _dividend(year, ahead)
    found += asked("tom", "close-year", year=year, unexplained="not known")
    year = Last("open year", 1)  # it is closed now
    if not ahead:
        found += _dividend(year, c.pick((("903", "3", "average"), ("901", "1.5", "year-end"))))
    found += asked("tom", "set-surplus-rules", steps=c.pick(STEPS[:3]), consent="bylaw 7", resolution="the assembly")
    found.append(Step("tom", "propose-surplus", (("year", year),)))
    found += asked("tom", "allocate-surplus", year=year, resolution="the assembly")
    found += asked("tom", c.pick(("pay-dividend", "pay-patronage")))
    found += asked("tom", "redeem-patronage", vintage=year, resolution="the board", amount=c.pick(("0.05", "3.00")))
    return [*found, Step("tom", "pay-patronage", (("member", member(c)), ("tender", "transfer")))]


def _dividend(year: Last, told: tuple[str, str, str]) -> list[Step]:
    share_class, rate, basis = told
    return asked("tom", "declare-dividend", year=year, rate=rate, share_class=share_class, basis=basis,
                 resolution="the assembly")  # fmt: skip


def lending(c: Chooser) -> list[Step]:
    """The life of a loan: granted, paid out, some time goes by, and then what happens to loans happens to this one."""
    found: list[Step] = []
    if not c.pick(range(3)):
        fee = {"late_fee_percent": c.pick(("5", "1.5")), "annual_rate": "9", "installments": c.pick((4, 12))}
        order = c.pick(({}, {"order": ("principal", "fees", "interest")}))
        found += asked("tom", "define-product", code="OWN-1", product_name="With a fee", **fee, **order)
    terms = {**agreed_terms(c), **c.pick(({}, {"product": "OWN-1"}))}
    found += asked(
        "ana",
        "grant-loan",
        member=c.pick(("M0001", "M0003", "M0005")),
        principal=c.pick(("300.00", "1200.00")),
        **terms,
    )
    how = c.pick(({}, {}, {"amount": "100.00"}))
    found.append(Step("tom", "disburse-loan", (("loan", Last("loan")), *how.items())))
    if not c.pick(range(4)):
        return found + returning(c)
    for _part in range(c.pick((1, 2, 3))):
        found += evening(c, c.pick((5, 20, 40, 100)))
        for _step in range(c.pick((2, 3, 5))):
            found += _cared(c)
    return found


def lived(c: Chooser, scene: list[Step]) -> list[Step]:
    """A scene with a part of a loan's life where it stands for one."""
    found: list[Step] = []
    for step in scene:
        if step is A_MONTH:
            found += [*evening(c, c.pick((20, 31, 32))), *([] if c.pick(range(4)) else _cared(c))]
        else:
            found += [*evening(c, c.pick((5, 20, 40, 100))), *_cared(c), *_cared(c)] if step is CARED else [step]
    return found


def returning(c: Chooser) -> list[Step]:
    """A late loan's interest is no income any more; then all that is due is paid, and more than that kept for it."""
    loan = Last("loan")
    found = [*evening(c, 40), *asked("tom", "stop-accrual", loan=loan, why="late", method=c.pick(("cash", "recovery")))]
    found += asked("tom", "set-policy", policy="accrual_payments", value="1") if c.pick(range(2)) else []
    found += evening(c, c.pick((1, 30)))
    for much in ("50.00", "900.00"):
        values = {"loan": loan, "amount": much, "tender": "transfer", "excess": "unapplied"}
        found.append(Step("ana", "repay-loan", tuple(values.items())))
    found += asked("tom", "resume-accrual", loan=loan, why="paid")
    found.append(Step("ana", "apply-unapplied", (("loan", loan), ("amount", "33.33"))))
    found.append(Step("tom", "refund-unapplied", (("member", member(c)), ("amount", "5.00"), ("tender", "transfer"))))
    return found + _cared(c)


def _cared(c: Chooser) -> list[Step]:
    """One thing that is done with the latest loan, and agreed to if it takes two."""
    operation = c.pick(("repay-loan", "repay-loan", "repay-loan", *LOAN_CARE))
    values = {**DRAWN[operation][1](c), "loan": Last("loan")}
    if operation in ("provide", "reverse"):
        del values["loan"]
    if operation == "repay-loan":
        values = {"loan": Last("loan"), "amount": c.pick(("20.00", "60.00", "110.00", "5")), "tender": "transfer",
                  **c.pick(({}, {}, {"excess": "unapplied"}, {"value_date": Last("day", c.pick((-4, -20)))})),
                  **c.pick(({}, {}, {"early": c.pick(("shorten", "lower"))}))}  # fmt: skip
    who = c.pick([user for user, roles in USERS.items() if set(roles.split()) & set(RULES[operation].roles)])
    step = Step(who, operation, tuple(values.items()))
    return (
        [step, Step(c.pick(("sue", "bob")), "approve", (("request", Last("request")),))]
        if RULES[operation].second
        else [step]
    )


LOAN_CARE = (
    "charge-late-fee", "charge-late-fee", "apply-unapplied", "disburse-loan", "change-rate", "extend-loan",
    "move-due-date", "payment-holiday", "re-amortize", "pause-interest", "waive-charges", "stop-accrual",
    "resume-accrual", "write-down", "waive-charges", "waive-charges",
    "charge-off", "grade-loan", "provide", "reverse", "reverse", "close-commitment",
)  # fmt: skip


def shares(c: Chooser) -> list[Step]:
    """Shares are bought, accepted for redemption, and paid after a while."""
    who, kind = c.pick(("M0001", "M0003")), c.pick(("901", "903", "903"))
    much = "25.00" if kind == "901" else c.pick(("100.00", "300.00"))
    found = [
        Step("tom", "buy-shares", (("member", who), ("amount", much), ("share_class", kind), ("tender", "transfer")))
    ]
    if c.pick(range(3)):
        found += evening(c, c.pick((1, 10, 60)))
    found += asked(
        "ana", "accept-redemption", "tom", member=who, amount="25.00" if kind == "901" else "100.00", share_class=kind
    )
    if c.pick(range(2)):
        found += evening(c, 12)
    return [*found, Step("tom", "pay-redemption", (("redemption", Last("redemption")), ("tender", "transfer")))]


def mistaken(c: Chooser) -> list[Step]:
    """A deposit is typed for another account than it was meant for, a drawer is short; both are put right."""
    wrong, right = c.pick((("M0001", "M0003"), ("S-M0003", "M0001"), ("M0001", "M0001-2")))
    found = [Step("ana", "deposit", (("member", wrong[-5:]), ("amount", "30.00"), ("tender", "transfer")))]
    told = {"operation": Last("operation"), "wrong_account": wrong, "right_account": right, "reason": "wrong book"}
    values = {**told, **c.pick(({}, {"amount": "12.34"}, {"amount": "30.01"}))}
    found += [*(evening(c, 1) if not c.pick(range(4)) else ()), *asked("ana", "correct", "tom", **values)]
    short = (("drawer", "D1"), ("counted", Holds("D1", 15_00)), ("why", "not known"))
    found.append(Step(OwnerOf("D1"), "count-drawer", short))
    return [*found, Step(c.pick(("sue", "sue", "ana")), "sign-difference", (("difference", Last("difference")),))]


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
        step("tom", "add-bank-account", code="SAFE", account_name="LLR alone", fund="LLR"),
        agreed,
        step(
            "tom", "receive-gift", fund="LLR", amount="300.00", donor="A friend", tender="transfer", bank_account="SAFE"
        ),
        step("bob", "open-drawer", drawer="D2", float_amount="1000.00"),
        step("ana", "close-drawer", drawer="D1", counted="0.00"),
        step("ana", "open-drawer", drawer="D1", float_amount="2000.00"),
    ]
    for ref in ("M0001", "M0002", "M0003"):
        found += [step("ana", "open-savings", member=ref), step("ana", "deposit", member=ref, amount="400.00")]
    return [*found, step("tom", "receive-gift", fund="GRT", amount="900.00", donor="A friend", tender="transfer")]
