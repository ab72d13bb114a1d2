"""What people might ask about the lives of members. Puts it into `walk.DRAWN`."""

from __future__ import annotations

from tests.model.walk import DRAWN, Chooser, Last, Step, Values, amount, asked, how_out, last, member, text

LEFT = ("S-M0001", "M0003", "905", "901", "903", "875", "871", "821", "823", "825", "S-M0004", "701", "905/M0001")


def _person(c: Chooser) -> Values:
    return c.pick(({"person": member(c)}, {"person": member(c)}, {"person_name": text(c)}, {}))


DRAWN.update({
    "add-joint-owner": (2, lambda c: {
        "member": member(c), "role": c.pick(("joint-owner", "authorised-signer", "beneficiary", "heir")), **_person(c),
        **c.pick(({}, {}, {"account": c.pick(("M0001", "S-M0003", "M0001-2"))})),
    }),
    "remove-joint-owner": (1, lambda c: {"person": last(c, "joint-owner")}),
    "record-death": (1, lambda c: {
        "member": c.pick(("M0003", "M0004", "M0005", "M0001")), "died_on": Last("day", c.pick((0, -2, -2, 1))),
        "evidence": text(c),
    }),
    "withdraw-death": (4, lambda c: {"member": c.pick(("M0003", "M0004", "M0005", "M0001"))}),
    "pay-estate": (3, lambda c: {
        "member": c.pick(("M0003", "M0004", "M0001")), "account": c.pick(LEFT), "amount": amount(c), **how_out(c),
        **_heir(c),
    }),
    "lost-contact": (1, lambda c: {"member": member(c), **c.pick(({}, {"lost_on": Last("day", c.pick((-1, 1)))}))}),
    "found-again": (1, lambda c: {
        "member": member(c), "how": text(c), **c.pick(({}, {}, {"on": Last("day", c.pick((-1, -9, 1)))})),
    }),
})  # fmt: skip


def _heir(c: Chooser) -> Values:
    return c.pick((
        {"to_person": last(c, "joint-owner")}, {"estate_name": "The estate", "papers": "letters"},
        {"estate_name": "The estate"}, {},
    ))  # fmt: skip


def dying(c: Chooser, evening: list[Step]) -> list[Step]:
    """Somebody stands beside a member, who dies; what there is is paid out, or it was a mistake."""
    who = c.pick(("M0001", "M0003", "M0003", "M0004"))
    person = c.pick(("M0001", "M0002", "M0005"))
    role = c.pick(("joint-owner", "authorised-signer", "beneficiary"))

    def step(by: str, operation: str, /, **values: object) -> Step:
        return Step(by, operation, tuple(values.items()))

    found = [
        step("ana", "add-joint-owner", member=who, role=role, person=person),
        step("tom", "buy-shares", member=who, amount="300.00", share_class="903", tender="transfer"),
        step("tom", "buy-shares", member=who, amount="30.00", tender="transfer"),
        step(c.pick(("bob", "tom")), "withdraw", member=who, amount="5.00", by_person=Last("joint-owner")),
        *asked("ana", "accept-redemption", "tom", member=who, amount="100.00", share_class="903"),
    ]
    found += evening if c.pick(range(2)) else []
    found.append(step("ana", "record-death", member=who, died_on=Last("day", -1), evidence="C-7"))
    found.append(step("tom", "withdraw", member=who, amount="1.00", tender="transfer"))
    heir = c.pick(({"to_person": Last("joint-owner")}, {"estate_name": "E", "papers": "L-7"}))
    for account, much in (("903", "100.00"), ("825", "100.00"), (f"S-{who}", "20.00"), ("875", "5.00"), ("901", "25")):
        found += asked("tom", "pay-estate", member=who, account=account, amount=much, tender="transfer", **heir)
    if c.pick(range(2)):
        found += asked("tom", "reverse", operation=Last("operation", c.pick((0, 1))), reason="a mistake")
    if c.pick(range(4)):
        found += asked("tom", "withdraw-death", member=who)
    return [*found, *asked("ana", "remove-joint-owner", "tom", person=Last("joint-owner"))]
