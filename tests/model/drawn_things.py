"""What people might ask about things: assets, petty cash, donated work. Puts it into `walk.DRAWN`."""

from __future__ import annotations

from tests.model.walk import (
    DRAWN,
    FUNDS,
    Chooser,
    Holds,
    Last,
    Step,
    Values,
    amount,
    asked,
    expense,
    how_in,
    last,
    text,
    why,
)

LIVES: tuple[Values, ...] = (
    {"life_months": 12},
    {"life_months": 36},
    {"life_months": 7},
    {"life_months": 3},
    {"life_months": 1},
    {},
)


def _life(c: Chooser) -> Values:
    return {
        **c.pick((*LIVES[:5] * 3, {}, {"account": "771"}, {"account": "771", "life_months": 5},
                  {"account": "772", "life_months": 240}, {"life_months": 0})),
        **c.pick(({}, {}, {}, {"residual": c.pick(("5.00", "0.01", "9999.00"))})),
        **c.pick(({}, {}, {}, {"in_use_from": Last("day", c.pick((-1, -40, -200, 40, 400)))})),
        **c.pick(({}, {}, {"fund": c.pick(FUNDS)})),
    }  # fmt: skip


def _place(c: Chooser) -> str:
    return c.pick(("VAULT", "vault", "FIRST", "OWN", "D1"))


DRAWN.update({
    "buy-asset": (3, lambda c: {
        "asset_name": text(c), "cost": amount(c), "supplier": c.pick(("ACE", "ACE", "M0002")), "number": text(c),
        **_life(c),
        **c.pick(({}, {"tender": "cash"}, {"tender": "bill"}, {"tender": "bill"}, {"bank_account": "OWN"})),
        **c.pick(({}, {}, {}, {"gift": last(c, "gift")})),
    }),
    "enter-asset": (1, lambda c: {
        "asset_name": "A till", "cost": amount(c), **_life(c),
        **c.pick(({}, {"stands_on": "OLD"}, {"stands_on": "OLD"}, {"stands_on": "FA-001"})),
        **c.pick(({}, {}, {"depreciated": amount(c)})),
    }),
    "depreciate": (4, lambda c: {"month": Last("month", c.pick((0, 1, 1, 1, 2, 3)))}),
    "dispose-asset": (2, lambda c: {
        "asset": last(c, "asset"), "why": "sold",
        **c.pick(({}, {"proceeds": amount(c)}, {"proceeds": amount(c), **how_in(c)})),
    }),
    "open-petty-cash": (1, lambda c: {
        "petty_cash": c.pick(("PETTY", "PETTY", "BOX", "D1", "vault")),
        "holder": c.pick(("ana", "bob", "tom", "sue", "zoe")), "float_amount": c.pick(("100.00", "50.00", "9000.00")),
        **c.pick(({}, {}, {"from_place": _place(c)})),
    }),
    "spend-petty-cash": (4, lambda c: {
        "petty_cash": _petty(c), "supplier": c.pick(("ACE", "KIOSK", "M0002")), "receipt": c.pick("123456789"),
        "amount": c.pick(("0.01", "1.00", "9.99", "20.00", "25.00", "99.99", "1000.01")), "expense": expense(c),
        **c.pick(({}, {}, {"fund": c.pick(FUNDS)})),
    }),
    "refill-petty-cash": (2, lambda c: {"petty_cash": _petty(c), **c.pick(({}, {"from_place": _place(c)}))}),
    "count-petty-cash": (2, lambda c: {
        "petty_cash": _petty(c), "counted": c.pick((Holds("PETTY"), Holds("PETTY"), "99.00", "0.00")), **why(c),
    }),
    "close-petty-cash": (1, lambda c: {
        "petty_cash": _petty(c), "counted": c.pick((Holds("PETTY"), Holds("PETTY"), "99.00")), **why(c),
        **c.pick(({}, {}, {"to_place": _place(c)})),
    }),
    "recognise-donated-work": (1, lambda c: {
        "building": c.pick(("B-1", "B-2", "B-", "P-1")), "hours": c.pick(("40", "2.5", "0.01", "0", "1e2", "3.14")),
        "hourly": c.pick(("25.00", "0.01", "17.77")), "work": "carpentry", "source": "the union",
        "fund": c.pick(FUNDS),
    }),
})  # fmt: skip


def _petty(c: Chooser) -> str:
    return c.pick(("PETTY",) * 9 + ("BOX", "NONE"))


def things(c: Chooser, evening: list[Step], another: list[Step]) -> list[Step]:
    """Something is bought, written off for a while, and sold."""
    life = {"cost": c.pick(("999.99", "100.00", "250.00")), **c.pick(LIVES), **c.pick(({}, {"residual": "5.00"}))}
    bought = {"asset_name": "A till", "supplier": "ACE", "number": c.pick("123456789"), **life}
    found = asked("tom", "buy-asset", **bought, fund=c.pick(("GEN", "EDU"))) if c.pick(range(3)) else []
    found += [Step("ana", "buy-asset", tuple({**bought, "number": "B 1", "tender": "bill"}.items()))]
    found += [Step("tom", "pay-bill", (("bill", Last("bill")), ("tender", "transfer")))]
    found += asked("tom", "journal-entry", memo="a thing given",
                   lines=("GEN 751/OLD Dr 400.00", "GEN 181 Cr 300.00", "GEN 759/OLD Cr 100.00"))  # fmt: skip
    found += asked("tom", "enter-asset", asset_name="A desk", cost="400.00", depreciated="100.00", life_months=30,
                   stands_on="OLD", **c.pick(({}, {"residual": "33.33"})))  # fmt: skip
    found += asked("tom", "recognise-donated-work", building="B-1", hours="2.5", hourly="17.77", work="carpentry",
                   source="the union", fund=c.pick(("EDU", "GEN")))  # fmt: skip
    for later in (evening, another):
        found += [*later, *asked("tom", "depreciate", month=Last("month", 1))]
        found += [Step("tom", "depreciate", (("month", Last("month")),))] if c.pick(range(2)) else []
    if not c.pick(range(3)):
        found += asked("tom", "reverse", operation=Last("operation"), reason="not yet")
    sold = {"asset": Last("asset", c.pick((0, 1))), "proceeds": c.pick(("0.00", "20.00", "400.00"))}
    return found + asked("tom", "dispose-asset", **sold, why="sold", tender="transfer")


def petty_cash(c: Chooser, evening: list[Step]) -> list[Step]:
    """A float is given to somebody, who pays small things from it; it is refilled, counted, and brought back."""
    keeper = c.pick(("ana", "bob", "tom"))

    def step(operation: str, who: str = keeper, **values: object) -> Step:
        return Step(who, operation, (("petty_cash", "PETTY"), *values.items()))

    found = asked("tom", "open-petty-cash", petty_cash="PETTY", holder=keeper, float_amount="100.00")
    for receipt, much in ((c.pick("123"), "9.99"), (c.pick("456"), "25.00"), (c.pick("789"), "40.00")):
        found.append(step("spend-petty-cash", supplier="KIOSK", receipt=receipt, amount=much, expense="260"))
    found += evening if c.pick(range(2)) else []
    found.append(step("count-petty-cash", counted=c.pick((Holds("PETTY"), "20.00")), why="not known"))
    found.append(step("refill-petty-cash", "tom"))
    closing = {"petty_cash": "PETTY", "counted": c.pick((Holds("PETTY"), "98.00")), "why": "not known"}
    return [*found, *asked(c.pick((keeper, "tom")), "close-petty-cash", **closing)]
