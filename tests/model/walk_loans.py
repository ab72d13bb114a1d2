"""What is asked around loans beside their own life: papers, pledges, programmes, losses, peers, reports, successors."""

from __future__ import annotations

from typing import Any

from tests.model.walk import (
    AMOUNTS,
    DRAWN,
    FUNDS,
    Chooser,
    Last,
    Step,
    agreed_terms,
    amount,
    how_in,
    last,
    member,
    text,
)

PEERS = ("PF-1", "PF-1", "PF-2")
PRODUCTS = ("TERM", "TERM", "EQUAL", "LINE", "OWN-1", "NONE")
WATERFALLS = (
    ("allowance", "reserve SAFE", "surplus GEN"),
    ("allowance", "reserve SAFE keeps 250.00", "notes A", "shares 903", "shares 901"),
    ("allowance", "surplus GEN keeps 19000.00", "surplus EDU", "shares 903 keeps 100.00"),
    ("allowance", "surplus RLF", "notes A keeps 20.00"),
    ("allowance",),
    ("reserve SAFE", "allowance"),
    ("allowance", "shares 901", "shares 903"),
    ("allowance", "shares 903", "notes A"),
    ("allowance", "allowance"),
    ("allowance keeps 5.00",),
    ("allowance", "reserve FIRST"),
    ("allowance", "reserve NONE"),
    ("allowance", "surplus GRT"),
    ("allowance", "shares 902"),
    ("allowance", "luck X"),
    ("allowance 5", "surplus"),
)
RULES_OF_FUNDERS: tuple[dict[str, Any], ...] = (
    {"least_rate": "2"},
    {"most_rate": "12"},
    {"least_rate": "8", "most_rate": "7"},
    {"largest_loan": "1000.00"},
    {"purposes": "tools, Seeds , tools"},
    {"places": "Hinds"},
    {"security": "none"},
    {"reserve": "book"},
    {"reserve": "cash"},
    {"reserve": "cash", "reserve_percent": "10", "reserve_account": "SAFE"},
    {"reserve": "cash", "reserve_percent": "5", "reserve_account": "FIRST"},
    {"reserve": "cash", "reserve_percent": "5", "reserve_account": "NONE"},
    {"reserve_percent": "5"},
    {},
)


def reasons(c: Chooser) -> dict[str, Any]:
    return c.pick(
        (
            {"reasons": ("income",)},
            {"reasons": ("history", "terms")},
            {"reasons": ("other",)},
            {"reasons": ("luck",)},
            {"reasons": ("other", "plan"), "explained": "the plan has no figures"},
            {"reasons": ("plan", "plan")},
            {"reasons": ("plan", "debts", "income", "terms", "purpose")},
            {"reasons": ()},
        )
    )


DRAWN.update(
    {
        "apply-for-loan": (
            2,
            lambda c: {"member": member(c), "product": c.pick(PRODUCTS), "amount": amount(c), "purpose": text(c)},
        ),
        "decline-application": (2, lambda c: {"application": last(c, "application"), **reasons(c)}),
        "withdraw-application": (1, lambda c: {"application": last(c, "application")}),
        "write-credit-memo": (1, lambda c: {"application": last(c, "application"), "terms": text(c), "memo": text(c)}),
        "consent-to-share": (
            2,
            lambda c: {
                "application": last(c, "application"),
                "consent": c.pick(("yes", "no", "perhaps")),
                "how": "told",
            },
        ),
        "pledge-collateral": (
            2,
            lambda c: {
                "loan": last(c, "loan"),
                "asset": text(c),
                "cost": c.pick(("50.00", "100.00", "250.00", "1000.00", "1000.01")),
                "paid_from": c.pick(
                    (Last("paid out"), Last("paid out"), Last("paid out", 1), Last("operation"), 10**6, 0)
                ),
            },
        ),
        "release-collateral": (
            1,
            lambda c: {"collateral": last(c, "collateral"), "why": "sold", **c.pick(({}, {}, {"mistake": True}))},
        ),
        "set-programme": (
            1,
            lambda c: {
                "fund": c.pick(("EDU", "EDU", "RLF", "GEN", "LLR", "POOL", "NIL")),
                "funder": "A funder",
                "agreement": "of May",
                **c.pick(RULES_OF_FUNDERS),
                **c.pick(({}, {"why": "a new one"})),
            },
        ),
        "set-loss-waterfall": (
            1,
            lambda c: {
                **c.pick(({}, {}, {"fund": c.pick(FUNDS)})),
                "steps": c.pick(WATERFALLS),
                "resolution": "the assembly",
                **c.pick(({}, {"why": "a new order"}, {"why": "a new order"})),
            },
        ),
        "sell-participation": (
            3,
            lambda c: {
                "loan": last(c, "loan"),
                "peer": c.pick(PEERS),
                "share_percent": c.pick(("40", "33.33", "0.5", "99.99", "100", "0")),
                "agreement": "A-1",
                **c.pick(({}, {"servicing_rate": c.pick(("0.5", "1.25", "8", "40"))})),
                **c.pick(({}, {}, how_in(c))),
            },
        ),
        "remit-participation": (
            3,
            lambda c: {
                "peer": c.pick((*PEERS, "PF-9")),
                **c.pick(({}, {}, {"fund": c.pick(FUNDS)}, {"bank_account": c.pick(("OWN", "FIRST", "X"))})),
                **c.pick(({}, {}, {"cheque_number": "17"}, {"tender": "cash"})),
            },
        ),
        "file-report": (
            3,
            lambda c: {"loan": last(c, "loan"), **figures(c), **c.pick(({}, {"period": c.pick((1, 2, 3))}))},
        ),
        "accept-report": (3, lambda c: {"loan": last(c, "loan"), "period": c.pick((1, 1, 2, 2, 3, 7))}),
        "move-outer-date": (
            1,
            lambda c: {
                "loan": last(c, "loan"),
                "outer_date": Last("day", c.pick((0, 30, 90, 500))),
                "why": "a bad year",
            },
        ),
        "set-off": (
            3,
            lambda c: {
                "loan": last(c, "loan"),
                "payable": c.pick(("821", "823", "825", "825")),
                **c.pick(({}, {"amount": amount(c)})),
            },
        ),
        "refinance-loan": (
            2,
            lambda c: {
                "loan": Last("loan", c.pick((0, 1, 1, 1, 2, 9))),
                "new_loan": Last("loan", c.pick((0, 0, 0, 1, 9))),
            },
        ),
    }
)


def lent(c: Chooser, who: str = "M0001", **agreed: Any) -> list[Step]:
    """A loan that is granted and paid out in one morning."""
    values = {"member": who, "principal": c.pick(("300.00", "1200.00")), **agreed}
    return [
        Step("ana", "grant-loan", tuple(values.items())),
        Step("sue", "approve", (("request", Last("request")),)),
        Step("tom", "disburse-loan", (("loan", Last("loan")),)),
    ]


def agreed_by_two(who: str, asked: str, approver: str = "sue", /, **values: Any) -> list[Step]:
    return [Step(who, asked, tuple(values.items())), Step(approver, "approve", (("request", Last("request")),))]


def papers(c: Chooser) -> list[Step]:
    """An application, a memo, a consent; it is granted or declined; what was bought secures the loan, until it ends."""
    who, application = c.pick(("M0001", "M0003", "M0005")), Last("application")
    rules = c.pick((*RULES_OF_FUNDERS[:2], *RULES_OF_FUNDERS[4:7], RULES_OF_FUNDERS[9]))
    gift = {"fund": "EDU", "amount": "2500.00", "donor": "A funder", "tender": "transfer"}
    told = agreed_by_two("tom", "set-programme", fund="EDU", funder="A funder", agreement="of May", why="anew", **rules)
    found = [
        *c.pick(([], [Step("tom", "receive-gift", tuple(gift.items())), *told])),
        Step(
            "ana", "apply-for-loan", (("member", who), ("product", "TERM"), ("amount", "300.00"), ("purpose", "tools"))
        ),
        Step("ana", "write-credit-memo", (("application", application), ("terms", "8 %"), ("memo", "lives well"))),
        Step("tom", "consent-to-share", (("application", application), ("consent", "yes"), ("how", "said so"))),
        *c.pick(([], [], agreed_by_two("ana", "decline-application", application=application, reasons=("income",)))),
        *lent(
            c,
            who,
            application=application,
            **c.pick(({}, {"fund": "EDU"}, {"fund": "GEN"})),
            purpose=c.pick(("tools", "seeds", "a car")),
            place=c.pick(("Hinds", "Yazoo")),
        ),
    ]
    for cost in c.pick((("250.00",), ("100.00", "200.00"), ("1200.00", "0.01"))):
        found += agreed_by_two(
            "tom", "pledge-collateral", loan=Last("loan"), asset="a press", cost=cost, paid_from=Last("paid out")
        )
    found += c.pick(
        (
            [],
            agreed_by_two(
                "ana", "release-collateral", collateral=Last("collateral"), why="sold", mistake=c.pick((True, False))
            ),
        )
    )
    ends = (
        [
            Step("ana", "repay-loan", (("loan", Last("loan")), ("amount", much), ("tender", "transfer")))
            for much in ("300.00", "900.00", "1200.00")
        ],
        [Step("tom", "reverse", (("operation", Last("paid out")), ("reason", "wrong loan")))],
        succession(c, who),
    )
    return found + c.pick(ends)


def succession(c: Chooser, who: str = "M0003") -> list[Step]:
    """The latest loan is paid off by one that is granted for it."""
    values = {
        "member": who,
        "principal": c.pick(("1000.00", "2500.00")),
        **c.pick(({}, {"fund": "EDU"}, {"other_funds": "GEN 40"})),
    }
    granted = [
        Step("ana", "grant-loan", tuple(values.items())),
        Step("sue", "approve", (("request", Last("request")),)),
    ]
    refinanced = Step("tom", "refinance-loan", (("loan", Last("loan", 1)), ("new_loan", Last("loan"))))
    return [
        *granted,
        refinanced,
        *c.pick(
            (
                [],
                [
                    Step("tom", "reverse", (("operation", Last("operation")), ("reason", "wrong"))),
                    Step("sue", "approve", (("request", Last("request")),)),
                ],
            )
        ),
    ]


def losing(c: Chooser) -> list[Step]:
    """A fund's waterfall, a provision, a loan that is lost; and what comes back of it, or that it was no loss."""
    found = agreed_by_two(
        "tom", "set-loss-waterfall", steps=c.pick(WATERFALLS[:5]), resolution="all", why="a new order"
    )
    found += c.pick(
        (
            [],
            agreed_by_two(
                "tom",
                "set-loss-waterfall",
                fund="GEN",
                steps=c.pick(WATERFALLS[:5]),
                resolution="all",
                why="a new order",
            ),
        )
    )
    found += lent(c, c.pick(("M0001", "M0003")), **c.pick(({}, {"other_funds": "GEN 40"}, {"fund": "GEN"})))
    found += agreed_by_two("tom", "stop-accrual", loan=Last("loan"), why="gone")
    found += c.pick(([], agreed_by_two("ana", "grade-loan", loan=Last("loan"), grade="5", why="seen")))
    found += c.pick(([], agreed_by_two("tom", "provide", month=Last("month"))))
    found += agreed_by_two("tom", "charge-off", loan=Last("loan"), why="lost", resolution="the board")
    for _part in range(c.pick((0, 1, 2))):
        found.append(
            Step("ana", "repay-loan", (("loan", Last("loan")), ("amount", c.pick(AMOUNTS)), ("tender", "transfer")))
        )
    back = Step("tom", "reverse", (("operation", Last("operation", c.pick((0, 1)))), ("reason", "wrong")))
    return found + c.pick(([], [back, Step("sue", "approve", (("request", Last("request")),))]))


def figures(c: Chooser) -> dict[str, Any]:
    """What a borrower earned, or sold."""
    earned = c.pick(("-40.00", "-400.00", "0.00", "60.07", "150.01", "333.33", "1500.00"))
    sold = c.pick(("0.00", "500.00", "4000.00", "20000.00"))
    return {
        **c.pick(({"surplus": earned}, {"surplus": earned}, {"revenue": sold}, {"surplus": earned, "revenue": sold})),
        **c.pick(({}, {}, {}, {"correction": True})),
    }


def out_of_what_is_earned(c: Chooser) -> dict[str, Any]:
    """Terms of a loan that is repaid by reports, mostly of one piece; much interest, so that its cap is felt."""
    product = c.pick(("SURPLUS", "SURPLUS", "SURPLUS", "REVENUE"))
    cost = (
        {"annual_rate": c.pick(("36", "60", "12.5", "0"))}
        if product == "SURPLUS"
        else {"multiple": c.pick(("1.1", "1.5", "0.9"))}
    )
    return {
        "product": product,
        "outer_date": Last("day", c.pick((60, 100, 200, 400))),
        "every": c.pick(({"weeks": 2}, {"weeks": 4}, {"weeks": 2}, {"months": 1}, {"days": 20}, {"months": 3})),
        **c.pick(({}, {"report_days": c.pick((0, 5, 20)), "payment_days": c.pick((0, 3, 15))})),
        **c.pick(({}, {"share_percent": c.pick(("10", "33.3", "100"))})),
        **c.pick(({}, {"loss_carry_forward": c.pick(("yes", "no"))})),
        **c.pick(({}, {"cost_cap_percent": c.pick(("5", "12.5", "20", "100"))})),
        **c.pick(({}, cost, cost)),
        **c.pick(({}, {}, {}, {}, {"installments": 3}, {"day_count": c.pick(("30/360", "actual/360", "30e/360"))})),
    }


def capped(c: Chooser) -> list[Step]:
    """A good period, whose interest closes bring in; then a loss, or a correction: income above the cap is waived."""
    loan = Last("loan")
    terms = {"product": "SURPLUS", "annual_rate": "60", "every": {"weeks": 4}, "outer_date": Last("day", 300)}
    gift = {"fund": "RLF", "amount": "1500.00", "donor": "A friend", "tender": "transfer"}
    found = [Step("tom", "receive-gift", tuple(gift.items())), *lent(c, c.pick(("M0001", "M0003")), **terms)]
    first, then = c.pick(("60.07", "150.01")), c.pick(({"period": 1, "correction": True}, {"period": 2}))
    for told in ({"surplus": first}, {"surplus": c.pick(("-40.00", "0.00", "12.34")), **then}):
        found.append(A_MONTH)
        for back in (3, 2, 1):
            found += agreed_by_two("tom", "close-month", month=Last("month", back))
        found.append(Step("ana", "file-report", (("loan", loan), *told.items())))
        found.append(Step("tom", "accept-report", (("loan", loan), ("period", told.get("period", 1)))))
        paid = {"loan": loan, "amount": c.pick(("5.00", "20.00")), "tender": "transfer"}
        found += c.pick(([], [Step("ana", "repay-loan", tuple(paid.items()))]))
    return found


def reporting(c: Chooser) -> list[Step]:
    """A loan repaid by reports: money, time, reports and their corrections, payments; till it is over, or lost."""
    if not c.pick(range(3)):
        return capped(c)
    loan = Last("loan")
    granted = {
        "member": c.pick(("M0001", "M0003", "M0005")),
        "principal": c.pick(("300.00", "1200.00")),
        **out_of_what_is_earned(c),
        **c.pick(({}, {}, {"other_funds": "GEN 40"}, {"fund": "GEN"})),
    }
    found = agreed_by_two("ana", "grant-loan", **granted)
    found.append(Step("tom", "disburse-loan", (("loan", loan), *c.pick(((), (), (("amount", "100.00"),))))))
    for period in range(1, c.pick((2, 4, 7))):
        found.append(c.pick((A_MONTH, A_MONTH, CARED)))
        for version in range(c.pick((1, 1, 2))):
            filed = {"loan": loan, **figures(c), **c.pick(({}, {}, {"period": period}))}
            if granted["product"] == "SURPLUS":
                filed.pop("revenue", None)
                filed.setdefault("surplus", "80.00")
            else:
                filed.setdefault("revenue", "900.00")
            if version:
                filed |= {"correction": True, "period": period}
            found.append(Step("ana", "file-report", tuple(filed.items())))
            by = c.pick(("tom", "tom", "tom", "ana"))  # who filed it does not accept it
            found.append(
                Step(by, "accept-report", (("loan", loan), ("period", c.pick((period, period, period - 1 or 1)))))
            )
        paid = {
            "loan": loan,
            "amount": c.pick(("5", "20.00", "110.00", "400.00")),
            "tender": "transfer",
            **c.pick(({}, {}, {"excess": "unapplied"}, {"value_date": Last("day", c.pick((-4, -20)))})),
        }
        found += c.pick(([], [Step("ana", "repay-loan", tuple(paid.items()))]))
        found += _besides(c, loan)
    ends: tuple[list[Step], ...] = (
        [],
        agreed_by_two("tom", "charge-off", loan=loan, why="lost", resolution="the board"),
        succession(c, granted["member"]),
    )
    return [
        *found,
        *c.pick(ends),
        Step("ana", "repay-loan", (("loan", loan), ("amount", "30.00"), ("tender", "transfer"))),
    ]


def _besides(c: Chooser, loan: Last) -> list[Step]:
    """What seldom comes between two reports."""

    def seldom(name: str, /, **values: Any) -> list[Step]:
        return c.pick(([], [], [], agreed_by_two("tom", name, **values)))

    return [
        *seldom("provide", month=Last("month", c.pick((0, 1)))),
        *seldom("move-outer-date", loan=loan, outer_date=Last("day", c.pick((40, 200))), why="hail"),
        *seldom("write-down", loan=loan, principal=c.pick(("5.00", "50.00")), resolution="all",
                gift=c.pick((True, False))),
        *seldom("reverse", operation=Last("operation", c.pick((0, 0, 1, 2))), reason="wrong",
                replay=c.pick((True, False))),
    ]  # fmt: skip


_STATED: dict[str, tuple[dict[str, Any], ...]] = {
    "schedule": (
        {"installments": 12},
        {"annual_rate": "9.5", "installments": 6},
        {"method": "equal-principal"},
        {"principal_grace": 2},
        {"principal_grace": 14, "installments": 12},
        {"months": (5, 9)},
        {"months": (5, 5)},
        {"every": {"weeks": 2}},
        {"months": (3,), "every": {"weeks": 2}},
    ),
    "line": ({}, {"annual_rate": "6", "installments": 12}, {"method": "level"}, {"early": "lower"}),
    "surplus": (
        {"share_percent": "40"},
        {"share_percent": "25", "annual_rate": "5", "every": {"months": 1}},
        {},
        {"share_percent": "40", "report_days": 5, "loss_carry_forward": "no"},
        {"share_percent": "40", "installments": 3},
        {"share_percent": "40", "late_fee_percent": "2"},
        {"share_percent": "40", "keeps_share": True},
    ),
    "revenue": (
        {"share_percent": "10", "multiple": "1.15", "every": {"months": 1}},
        {"share_percent": "10"},
        {"share_percent": "10", "multiple": "0.5"},
        {"share_percent": "10", "multiple": "2", "most_rate": "8"},
        {"share_percent": "10", "multiple": "1.3", "cost_cap_percent": "20"},
    ),
}
_SELDOM: tuple[dict[str, Any], ...] = (
    {"most_rate": "8"},
    {"most": "3000.00"},
    {"least": "100.00", "most": "50.00"},
    {"least": "200.00"},
    {"most_installments": 10},
    {"funds": ("RLF", "GEN")},
    {"funds": ("EDU",)},
    {"funds": ("LLR",)},
    {"funds": ("GEN", "GEN")},
    {"funds": ("NIL",)},
    {"late_fee": "0.20", "least": "200.00"},
    {"late_fee": "5.00"},
    {"late_fee": "60.00", "least": "200.00"},
    {"late_fee_percent": "5"},
    {"late_fee_percent": "6"},
    {"late_fee_percent": "2.5", "late_fee": "1.00"},
    {"late_fee_days": 10},
    {"early": "shorten"},
    {"early": "lower"},
    {"late_fee_percent": "2.5", "late_fee_days": 5},
    {"order": ("principal", "interest", "fees")},
    {"day_count": "30/360"},
)


def offering(c: Chooser) -> dict[str, Any]:
    """A product of any kind, mostly of one piece."""
    kind = c.pick(("schedule", "schedule", "schedule", "line", "surplus", "revenue"))
    code = (
        {
            "schedule": ("OWN-1", "OWN-2", "OWN-2", "TERM"),
            "line": ("CREDIT", "LINE"),
            "surplus": ("SHARE",),
            "revenue": ("SALES",),
        }[kind]
        if c.pick(range(9))
        else ("TERM", "SURPLUS", "x")
    )
    allowed: tuple[dict[str, Any], ...] = ({}, {"set_off": True}, {"keeps_share": True, "set_off": True})
    found = {
        "code": c.pick(code),
        "product_name": c.pick(("One", "Two")),
        **c.pick(_STATED[kind]),
        **c.pick(({}, c.pick(_SELDOM))),
        **(c.pick(allowed) if kind == "schedule" else {}),
    }
    return found if kind == "schedule" else {**found, "repayment": kind}


DRAWN["define-product"] = (2, offering)


def owing_each_other(c: Chooser) -> list[Step]:
    """A member is late with a loan, and has shares or a dividend coming: what is payable pays what is due."""
    who, loan = c.pick(("M0001", "M0003")), Last("loan")
    found = agreed_by_two(
        "tom", "set-policy", policy="set_off", value=c.pick(("bylaw 12", "bylaw 13", "bylaw 12", "bylaw 13", ""))
    )
    found += agreed_by_two(
        "ana",
        "define-product",
        "tom",
        code="OWN-2",
        product_name="Set off",
        annual_rate="9",
        installments=6,
        **c.pick(({"set_off": True}, {"set_off": True, "keeps_share": True}, {"set_off": True}, {})),
    )
    for kind, much in (("901", "25.00"), ("903", c.pick(("100.00", "300.00")))):
        bought = {"member": who, "amount": much, "share_class": kind, "tender": "transfer"}
        found.append(Step("tom", "buy-shares", tuple(bought.items())))
    found += [*lent(c, who, product="OWN-2"), A_MONTH, A_MONTH]
    for kind, much in (("903", "100.00"), ("901", "25.00")):
        found += agreed_by_two("tom", "accept-redemption", "bob", member=who, amount=much, share_class=kind)
    found += c.pick(
        ([], [Step("tom", "redeem-shares", (("member", who), ("amount", "25.00"), ("tender", "transfer")))])
    )
    for much in ({}, {"amount": c.pick(("100.00", "25.00", "125.00", "10.00", "500.00"))}):
        found += agreed_by_two("ana", "set-off", loan=loan, payable=c.pick(("825", "825", "821")), **much)
    back = agreed_by_two(
        "tom", "reverse", operation=Last("operation"), reason="wrong", **c.pick(({}, {"replay": True}))
    )
    return [*found, *c.pick(([], back))]


def sharing(c: Chooser) -> list[Step]:
    """A peer buys its part of a loan before it is paid out; what comes of the loan is its part too, and remitted."""
    fund = c.pick((None, None, "GEN", "EDU"))
    granted = {
        "member": c.pick(("M0001", "M0003", "M0005")),
        "principal": c.pick(("300.00", "1200.00", "999.99")),
        **agreed_terms(c),
        "product": c.pick(("TERM", "TERM", "EQUAL", "LINE")),
    }
    found = agreed_by_two("ana", "grant-loan", **granted, **({} if fund is None else {"fund": fund}))
    sold = {
        "loan": Last("loan"),
        "peer": c.pick(PEERS),
        "share_percent": c.pick(("40", "33.33", "71.5")),
        "agreement": "A-1",
        **c.pick(({}, {"servicing_rate": c.pick(("0.5", "2.75"))})),
    }
    found += agreed_by_two("ana", "sell-participation", **sold)
    remit = Step("tom", "remit-participation", (("peer", sold["peer"]), *(() if fund is None else (("fund", fund),))))
    found += c.pick(([], [remit]))
    how = c.pick(({}, {}, {"amount": "100.00"}))
    found.append(Step("tom", "disburse-loan", (("loan", Last("loan")), *how.items())))
    return [*found, CARED, remit, CARED, remit]


CARED, A_MONTH = Step("ana", "a part of its life", ()), Step("ana", "a month", ())
"""Stand for time that goes by and what happens to a loan in it (scenes.py)."""
