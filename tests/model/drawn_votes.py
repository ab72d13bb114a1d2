"""What people might decide together, and what they do under it. Puts it into `walk.DRAWN`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.model.walk import DRAWN, FUNDS, Chooser, Last, Step, Values, asked, last, member, text

BODIES = ("ALL", "ALL", "CARE", "CARE", "NONE")
VOTERS = ("M0001", "M0002", "M0003", "M0004", "M0005", "M9999")


def _body(c: Chooser) -> Values:
    return {
        "body": c.pick(("ALL", "care", "CARE")), "body_name": "All", "form": c.pick(("assembly", "committee")),
        "quorum_percent": c.pick(("0", "0", "34", "100", "101")), "quorum_least": c.pick((1, 2, "3", 0)),
        "notice_days": c.pick((0, 0, "3", 10)),
        **c.pick(({}, {"majorities": "transfer two-thirds"}, {"majorities": "transfer of-all,allocation two-thirds"})),
        **c.pick(({},) * 7 + ({"dissolved": True},)),
    }  # fmt: skip


def _matter(c: Chooser) -> Values:
    return c.pick((
        {"matter": "transfer", "amount": c.pick(("100.00", "500.00")), **c.pick(({}, {"about": c.pick(FUNDS)}))},
        {"matter": "allocation", "amount": c.pick(("30.00", "500.00")), **c.pick(({}, {"about": c.pick(FUNDS)}))},
        {"matter": "policy", "about": c.pick(("deposit", "withdrawal_alone", "zzz"))}, {"matter": "policy"},
        {"matter": "transfer"}, {"matter": "other", **c.pick(({}, {"about": c.pick(("M0003", "M0001"))}))},
    ))  # fmt: skip


DRAWN.update({
    "set-body": (1, _body),
    "seat-member": (1, lambda c: {
        "body": c.pick(BODIES), "member": member(c), "until": Last("day", c.pick((30, 90, 90, -1, 0))),
    }),
    "end-seat": (1, lambda c: {"body": c.pick(BODIES), "member": member(c), "why": "moved away"}),
    "call-meeting": (1, lambda c: {
        "body": c.pick(BODIES), "on": Last("day", c.pick((0, 0, 3, 10, 400))),
        "notice_sent_on": Last("day", c.pick((0, -3, -10, 1))),
        **c.pick(({}, {}, {"record_date": Last("day", c.pick((0, -5, -90, 5)))})),
    }),
    "cancel-meeting": (1, lambda c: {"meeting": last(c, "meeting"), "why": "rain"}),
    "propose-resolution": (2, lambda c: {
        "meeting": last(c, "meeting"), "text": text(c), **_matter(c),
        **c.pick(({}, {}, {"until": Last("day", c.pick((0, 5, 60, -1)))})),
    }),
    "withdraw-resolution": (1, lambda c: {"resolution": last(c, "resolution"), "why": "no"}),
    "declare-interest": (1, lambda c: {"resolution": last(c, "resolution"), "member": c.pick(VOTERS), "why": "mine"}),
    "record-vote": (4, lambda c: {
        "resolution": last(c, "resolution"), "member": c.pick(VOTERS), "vote": c.pick(("for", "for", "against", "no")),
        **c.pick(({}, {}, {"why": "misheard"})),
    }),
    "record-count": (1, lambda c: {
        "resolution": last(c, "resolution"), "in_favour": c.pick((1, 3, "4")), "against": c.pick((0, 1, 2)),
        **c.pick(({}, {"abstained": 1})),
    }),
    "close-vote": (1, lambda c: {"resolution": last(c, "resolution")}),
    "set-mandate": (1, lambda c: {
        "operation": c.pick(("transfer-funds", "sponsor-shares", "pay-expense", "give-aid", "deposit", "spend-gift")),
        "body": c.pick(BODIES), **c.pick(({"above": "300.00"}, {"above": "300.00"}, {"above": "25.00"}, {})),
        **c.pick(({}, {"lifted": True}, {"lifted": True})),
    }),
})  # fmt: skip


def _naming(draw: Callable[[Chooser], Values]) -> Callable[[Chooser], Values]:
    """The same, now and then under a resolution."""

    def drawn(c: Chooser) -> Values:
        values = draw(c)
        return values if c.pick(range(4)) else {**values, "resolution": last(c, "resolution")}

    return drawn


for _name in ("transfer-funds", "lend-to-fund", "sponsor-shares", "pay-expense", "spend-gift", "give-aid"):
    DRAWN[_name] = (DRAWN[_name][0], _naming(DRAWN[_name][1]))


def deciding(c: Chooser, evening: list[Step]) -> list[Step]:
    """A body is set up and meets; it votes on money, which is then used, more than once, and too much of it."""

    def step(by: str, operation: str, /, **values: Any) -> Step:
        return Step(by, operation, tuple(values.items()))

    body: Values = {"body_name": "All", "quorum_least": c.pick((1, 2)), "notice_days": 0, "quorum_percent": "20"}
    form = c.pick(({"body": "ALL", "form": "assembly"}, {"body": "CARE", "form": "committee"}))
    rules = c.pick(({}, {"majorities": "transfer two-thirds"}, {"majorities": "transfer of-all"}))
    found = asked("admin", "set-body", **body, **form, **rules)
    for who in ("M0001", "M0003") if form["form"] == "committee" else ():
        found += asked("tom", "seat-member", body="CARE", member=who, until=Last("day", 60))
        found += asked("tom", "end-seat", body="CARE", member=who, why="moved away") if not c.pick(range(4)) else []
    found.append(step("sue", "call-meeting", body=form["body"], on=Last("day"), notice_sent_on=Last("day")))
    matter = c.pick(({"matter": "transfer", "amount": "150.00"}, {"matter": "transfer", "amount": "150.00"},
                     {"matter": "allocation", "about": "EDU", "amount": "60.00"}, {"matter": "other"}))  # fmt: skip
    found.append(step("sue", "propose-resolution", meeting=Last("meeting"), text="so be it", **matter))
    if not c.pick(range(6)):
        found.append(step("sue", "cancel-meeting", meeting=Last("meeting"), why="rain"))
    resolution = {"resolution": Last("resolution")}
    if not c.pick(range(4)):
        found.append(step("tom", "declare-interest", **resolution, member="M0003", why="mine"))
    if c.pick(range(4)):
        for who in ("M0001", "M0003", "M0004"):
            found.append(step("tom", "record-vote", **resolution, member=who, vote=c.pick(("for", "for", "against"))))
    else:
        found += asked("tom", "record-count", **resolution, in_favour=c.pick((1, 2)), against=c.pick((0, 1)))
    found += asked("tom", "close-vote", **resolution)
    if c.pick(range(2)):
        found += asked("admin", "set-mandate", operation="transfer-funds", body=form["body"], above="90.00")
    found += evening if not c.pick(range(3)) else []
    for much in ("100.00", "100.00", c.pick(("50.00", "50.01"))):
        by = c.pick((resolution, resolution, {"resolution": "a word"}))
        found += asked("tom", "transfer-funds", to_fund="EDU", amount=much, **by)
    found += asked("tom", "reverse", operation=Last("operation"), reason="a mistake") if c.pick(range(2)) else []
    found += asked("tom", "transfer-funds", to_fund="EDU", amount="40.00", **resolution)
    found += asked("tom", "sponsor-shares", member=member(c), fund="EDU", amount="25.00", **resolution)
    found += asked("tom", "set-mandate", operation="transfer-funds", body=form["body"], lifted=True)
    return [*found, step("sue", "cancel-meeting", meeting=Last("meeting"), why="rain"),
            step("sue", "propose-resolution", meeting=Last("meeting"), text="x", matter="other")]  # fmt: skip
