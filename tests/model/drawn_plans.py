"""What people might ask about budgets, registers and land. Puts it into `walk.DRAWN`."""

from __future__ import annotations

from typing import Any

from tests.model.walk import (
    DRAWN,
    FUNDS,
    Chooser,
    Last,
    Step,
    Values,
    amount,
    asked,
    how_in,
    how_out,
    last,
    member,
    why,
)

LINES = ("290 500.00", "260 30.00", "250 1000.00", "751 300.00", "366 0.00", "181 900.00", "940 5.00", "999 5.00")
PARCELS = ("PARCELS-00001", "PARCELS-00001", "PARCELS-00002", "LEASES-00001", "PARCELS-00009")
NAMED = ("parcel: PARCELS-00002", "begins: 2026-13-01", "rent: five", "nothing: x", "formula:", "member: M9999",
         "ends: 2026-04-30", "rent: 30.00", "rent: 0", "member: M0003", "price: 7.00", "share_percent: 25")  # fmt: skip


def _lease(c: Chooser) -> tuple[str, ...]:
    """The values of a lease, now and then one of them wrong, or missing."""
    said = {"parcel": c.pick(PARCELS), "member": c.pick(("M0001", "M0003", "M0002")), "begins": "2026-03-01",
            "rent": "25.00", "formula": "as the lease says"}  # fmt: skip
    lines = {name: f"{name}: {value}" for name, value in said.items()}
    if not c.pick(range(3)):
        other = c.pick(NAMED)
        lines[other.partition(":")[0]] = other
    if not c.pick(range(9)):
        del lines["formula"]
    return tuple(lines.values())


def _month(c: Chooser) -> Any:
    return c.pick((Last("month"), Last("month", 1), "2026-03", "2026-05", "2026-02"))


DRAWN.update({
    "set-budget": (2, lambda c: {
        "year": c.pick((2026, 2026, 2027, 2028, 2025)), "resolution": "the board",
        "lines": tuple(c.pick(LINES) for _ in range(c.pick((1, 2, 3)))), **c.pick(({}, {}, {"fund": c.pick(FUNDS)})),
        **c.pick(({}, {"why": "it was less"})), **c.pick(({}, {}, {}, {}, {"gift": last(c, "gift")})),
    }),
    "define-register": (1, lambda c: c.pick((
        {"template": "PARCELS"}, {"template": "PARCELS"}, {"template": "LEASES"}, {"template": "LEASES"}, {},
        {"code": "LEASES"}, {"template": "PARCELS", "code": "LEASES"}, {"code": "LEASES", "ended": True},
        {"code": "TOOLS"},
    ))),
    "add-entry": (2, lambda c: {
        "register_code": c.pick(("LEASES",) * 9 + ("TOOLS",)), "values": _lease(c),
    }),
    "change-entry": (2, lambda c: {
        "entry": _entry(c), "why": "agreed",
        "values": (c.pick((*NAMED, "price: 9.00", "place: the hill", "fund: GEN", "parcel: P-1")),),
    }),
    "close-entry": (1, lambda c: {"entry": _entry(c), "why": "over", **c.pick(({}, {}, {"mistaken": True}))}),
    "buy-parcel": (2, lambda c: {
        "parcel": c.pick(("P-1", "P-2", "P-3", "P-x")), "price": amount(c), "use": c.pick(("housing", "farm", "moor")),
        "resolution": "the assembly", "deed": "book 7", **how_out(c), **c.pick(({}, {"closing_costs": "12.34"})),
        **c.pick(({"fund": c.pick(FUNDS)}, {"fund": "EDU"}, {"fund": "GEN"}, {})),
        **c.pick(({}, {}, {}, {"gift": last(c, "gift")})), **c.pick(({}, {"covenant": "for ever"})),
    }),
    "receive-ground-rent": (3, lambda c: {
        "lease": c.pick(("LEASES-00001", "LEASES-00001", "LEASES-00002", "PARCELS-00001")), "month": _month(c),
        "amount": c.pick(("25.00", "10.00", "25.01", "0.01")), **how_in(c),
    }),
})  # fmt: skip


def _entry(c: Chooser) -> str:
    return c.pick((*PARCELS, "LEASES-00001", "LEASES-00001", "LEASES-00002"))


def land(c: Chooser, evening: list[Step]) -> list[Step]:
    """A parcel is bought, leased, and its rent paid; a budget is set and gone beyond."""

    def step(by: str, operation: str, /, **values: Any) -> Step:
        return Step(by, operation, tuple(values.items()))

    found = asked("tom", "define-register", template="PARCELS") + asked("tom", "define-register", template="LEASES")
    bought: Values = {"use": "housing", "resolution": "the assembly", "deed": "b", "tender": "transfer"}
    found += asked("tom", "buy-parcel", parcel=c.pick(("P-1", "P-2")), price="100.00", closing_costs="5.00",
                   fund=c.pick(("GEN", "EDU")), **bought)  # fmt: skip
    found += asked("tom", "buy-parcel", parcel="P-3", price="50.00", fund="GRT", gift=Last("gift"), **bought)
    found += asked("tom", "spend-gift", gift=Last("gift"), amount="900.00", expense="290", tender="transfer")
    found.append(step("tom", "add-entry", register_code="LEASES", values=_lease(c)))
    found += asked("tom", "reverse", operation=Last("operation"), reason="not yet") if not c.pick(range(4)) else []
    found.append(step("tom", "change-entry", entry="LEASES-00001", values=(c.pick(NAMED),), why="agreed"))
    for _payment in range(c.pick((2, 3))):
        found.append(step("tom", "receive-ground-rent", lease=c.pick(("LEASES-00001", "LEASES-00002")),
                          month=_month(c), amount=c.pick(("25.00", "10.00")), **how_in(c)))  # fmt: skip
    found += asked("tom", "set-budget", year=2026, lines=("260 30.00", "751 300.00"), resolution="the board",
                   **why(c))  # fmt: skip
    for number in ("b1", "b2", "b3"):
        bill = {"supplier": "ACE", "number": number + c.pick("123456"), "amount": "20.00", "expense": "260"}
        found.append(step("ana", "enter-bill", **bill))
    return [*found, step("ana", "approve", request=Last("request")), *evening,
            step("tom", "bill-dues", member=member(c), year=2027, amount="5.00")]  # fmt: skip
