"""What the supervisory committee might ask members, and what comes back. Puts it into `walk.DRAWN`."""

from __future__ import annotations

from typing import Any

from tests.model.walk import DRAWN, Chooser, Last, Step, Values, last

ACCOUNTS = ("905/M0001", "905/M0003", "905/M0002", "901/M0001", "903/M0003", "L-001", "905/M0001-2", "905/M0099", "905")
FINDINGS = ("member-mistaken", "timing", "bank-mistaken", "checked-otherwise", "nothing")


def _campaign(c: Chooser) -> Values:
    how = c.pick((
        {"selection": "all"}, {"selection": "all"},
        {"selection": "random", "seed": "river 42", "size": c.pick((1, 2, 4))},
        {"seed": "dice 6 1 3", "size": c.pick(("1", 2, 3))}, {"seed": "dice", "interval": c.pick(("50.00", "400.00"))},
        {"seed": "dice"}, {"size": 2}, {"selection": "all", "size": 3}, {"seed": "x", "size": 0},
    ))  # fmt: skip
    population = c.pick(("shares", "savings", "loans", "all"))
    return {"form": c.pick(("positive", "negative")), "population": population, **how,
            **c.pick(({}, {}, {"day": Last("day", c.pick((-1, -20, -900, 1)))})),
            **c.pick(({}, {}, {"with_empty": True}))}  # fmt: skip


def _about(c: Chooser) -> Values:
    return {"campaign": last(c, "campaign"), "about": c.pick(ACCOUNTS)}


def _reply(c: Chooser) -> Values:
    said = c.pick(
        (
            {"reply": "agrees"},
            {"reply": "differs", "amount": c.pick(("400.00", "-5.00", "0.00", "12.34"))},
            {"reply": "returned"},
            {"reply": "none"},
            {"reply": "differs"},
            {"reply": "agrees", "amount": "1.00"},
        )
    )
    anew = c.pick(({}, {}, {"why": "misread"}, {"replied_on": Last("day", c.pick((-1, 1)))}))
    return {**(_about(c) if c.pick(range(5)) else {"campaign": last(c, "campaign")}), **said, **anew}


DRAWN.update({
    "start-campaign": (1, _campaign),
    "record-reply": (3, _reply),
    "resolve-exception": (2, lambda c: {
        **_about(c), "finding": c.pick(FINDINGS), "why": "the slip was seen",
        **c.pick(({}, {}, {"correction": last(c, "operation")})),
    }),
    "close-campaign": (1, lambda c: {
        "campaign": last(c, "campaign"), "conclusion": "all is well", **c.pick(({}, {}, {"give_up": True})),
    }),
})  # fmt: skip


def asking(c: Chooser) -> list[Step]:
    """A campaign, its replies, what differs looked into, and its end."""

    def step(operation: str, **values: Any) -> Step:
        return Step("sue", operation, tuple(values.items()))

    found = [
        step("start-campaign", **{**_campaign(c), "day": Last("day"), "selection": "all", "population": "savings"})
    ]
    found = [Step("sue", "start-campaign", (("form", c.pick(("positive", "negative"))), ("population", "savings"),
                                            ("selection", "all")))] if c.pick(range(2)) else found  # fmt: skip
    for _each in range(c.pick((3, 6))):
        found.append(step("record-reply", **_reply(c)))
    of: Values = {"campaign": Last("campaign")}
    found.append(step("record-reply", **of, reply="none"))
    for account in ACCOUNTS[:3]:
        found.append(step("close-campaign", **of, conclusion="well"))
        found.append(step("resolve-exception", **of, about=account, finding=c.pick(FINDINGS[:4]), why="seen"))
    return [*found, step("close-campaign", **of, conclusion="well"), step("record-reply", **of, reply="none")]
