"""What people might ask in a worker co-op's own book, and in a credit union. Puts it into `walk.DRAWN`."""

from __future__ import annotations

from typing import Any

from tests.model.walk import DRAWN, Chooser, Last, Step, Values, amount, asked, member

RATES = ("2", "3.5", "8", "9", "0")

DRAWN.update({
    "credit-capital-interest": (1, lambda c: {
        "year": Last("year", c.pick((1, 1, 0, 2))), "rate": c.pick(RATES), "resolution": "the assembly",
        **c.pick(({}, {}, {"basis": "year-end"})),
    }),
    "share-loss": (1, lambda c: {
        "year": Last("year", c.pick((1, 1, 0, 2))), "resolution": "the assembly",
        **c.pick(({}, {"amount": amount(c)})),
    }),
    "return-capital": (1, lambda c: {
        "member": member(c), "resolution": "the assembly", **c.pick(({}, {"installments": c.pick((2, 3, 60, 61))})),
        **c.pick(({}, {"months": c.pick((1, 6, 0))})), **c.pick(({}, {}, {"first_on": Last("day", c.pick((31, -1)))})),
    }),
})  # fmt: skip


def step(by: str, operation: str, /, **values: Any) -> Step:
    return Step(by, operation, tuple(values.items()))


def working(c: Chooser, year_end: list[Step], evening: list[Step]) -> list[Step]:
    """A year of a worker co-op: hours, a surplus or a loss, interest on capital, and a worker who leaves."""
    if not c.pick(range(3)):
        return _losing(c, year_end)
    found = asked("tom", "record-hours", year=Last("year"), source="sheets",
                  hours=c.pick((("M0001 412.25", "M0003 100"), ("M0001 0.5", "M0003 7.25", "M0004 100"))))  # fmt: skip
    found += asked("tom", "set-surplus-rules", steps=c.pick((("indivisible 30", "patronage hours 100"),
                   ("regular 5", "patronage hours 60"), ("patronage interest 100",))), consent="bylaw 7",
                   resolution="the assembly")  # fmt: skip
    for who in ("M0001", "M0003"):
        found.append(step("tom", "buy-shares", member=who, amount="25.00", tender="transfer"))
    if not c.pick(range(3)):  # old capital of a book that is taken over
        found += asked("tom", "opening-balance", lines=("GEN 741 Dr 90.00", "GEN 950/M0001/2024 Cr 60.00",
                                                        "GEN 950/M0003/2025 Cr 30.00"))  # fmt: skip
    much = c.pick(("900.00", "30000.00", "30000.00"))
    bad, good = (f"GEN 250 Dr {much}", f"GEN 842 Cr {much}"), (f"GEN 741 Dr {much}", f"GEN 151 Cr {much}")
    found += asked("tom", "journal-entry", memo="a year", lines=c.pick((bad, good, good)))
    found += until_closed(c, year_end)
    year = Last("open year", 1)
    found += asked("tom", "share-loss", year=year, resolution="a",
                   **c.pick(({}, {"amount": "10.00"}, {"amount": "9000.00"})))  # fmt: skip
    found += asked("tom", "allocate-surplus", year=year, resolution="a")
    found += asked("tom", "reverse", operation=Last("operation"), reason="not yet") if not c.pick(range(3)) else []
    found += asked("tom", "redeem-patronage", vintage=year, resolution="b", **c.pick(({}, {"amount": "1.00"})))
    found.append(step("tom", "pay-patronage", member="M0001", tender="transfer"))
    found += _leaving(c)
    return [*found, *evening, *(step("tom", "pay-redemption", redemption=Last("redemption", back), tender="transfer")
                                for back in (1, 0))]  # fmt: skip


def _losing(c: Chooser, year_end: list[Step]) -> list[Step]:
    """A year ends with a loss, which capital bears, or some of it."""
    found = asked("tom", "opening-balance", lines=("GEN 741 Dr 90.01", "GEN 950/M0001/2024 Cr 60.01",
                                                   "GEN 950/M0003/2025 Cr 30.00"))  # fmt: skip
    found += asked("tom", "journal-entry", memo="a bad year", lines=("GEN 250 Dr 40000.00", "GEN 842 Cr 40000.00"))
    found += until_closed(c, year_end)
    for much in c.pick((({},), ({"amount": "10.00"},), ({"amount": "9000.00"}, {}), ({"amount": "50000.00"}, {}))):
        found += asked("tom", "share-loss", year=Last("open year", 1), resolution="a", **much)
    found += asked("tom", "reverse", operation=Last("operation"), reason="not yet") if not c.pick(range(3)) else []
    return found + asked("tom", "share-loss", year=Last("open year", 1), resolution="a")


def until_closed(c: Chooser, year_end: list[Step]) -> list[Step]:
    """The year's end, with interest on capital in it while the year is adjusting, or taken back and done anew."""
    opened = next((place for place, each in enumerate(year_end) if each.operation == "close-year"), len(year_end))
    credit: Values = {"year": Last("open year"), "resolution": "a", "rate": c.pick(RATES)}
    credit |= c.pick(({}, {"basis": "year-end"}))
    interest = asked("tom", "credit-capital-interest", **credit)
    if c.pick(range(2)):
        interest += asked("tom", "reverse", operation=Last("operation"), reason="another rate")
        interest += asked("tom", "credit-capital-interest", **{**credit, "rate": "8"})
    return [*year_end[:opened], *interest, *year_end[opened:]]


def _leaving(c: Chooser) -> list[Step]:
    who = c.pick(("M0001", "M0003", "M0004"))
    found = asked("ana", "accept-redemption", "tom", member=who, amount="25.00") if c.pick(range(4)) else []
    how = c.pick(({}, {"installments": 3, "months": 1}, {"installments": 2, "first_on": Last("day", 31)}))
    found += asked("tom", "return-capital", member=who, resolution="a", **how)
    return found + (asked("tom", "reverse", operation=Last("operation"), reason="x") if not c.pick(range(4)) else [])


def paying(c: Chooser) -> list[Step]:
    """Members of a credit union pay each other."""
    found = asked("tom", "set-policy", policy="member_payments", value=c.pick(("yes", "yes", "yes", "no", "maybe")))
    one, other = c.pick((("M0001", "M0003"), ("M0003", "M0001"), ("M0001", "M0001"), ("M0001", "M0002")))
    pay: Values = {"member": one, "to_member": other}
    for much in ("20.00", c.pick(("399.99", "5000.00"))):
        found += [step("ana", "pay-member", **pay, amount=much), step("tom", "approve", request=Last("request"))]
    found.append(step("bob", "pay-member", **pay, amount="1.00", to_account=c.pick(("M0001-2", "S-M0003"))))
    found.append(step("ana", "add-joint-owner", member=one, role=c.pick(("beneficiary", "joint-owner")), person=other))
    found.append(step("ana", "pay-member", **pay, amount="2.00", by_person=Last("joint-owner")))
    found += asked("tom", "reverse", operation=Last("operation"), reason="no") if c.pick(range(2)) else []
    return found
