"""What people might do with a secret ballot. Puts it into `walk.DRAWN`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.model.books import Model
from tests.model.rules_polls import minutes
from tests.model.walk import DRAWN, FUNDS, Chooser, Last, Step, Values, asked, last

PROPOSALS = ("ROOF 60.00 A new roof", "SHOP 60.00 A shop", "BIKE 25.00", "FOOD 90.00 =1+1", "HUGE 500.00", "NONE")
CANDIDATES = ("M0001", "M0003", "M0004", "M9999", "M0002", "ROOF 1.00")
FEWER = {"missing": "one was taken home"}
BALLOTS = ("ROOF SHOP", "SHOP ROOF", "ROOF", "2x SHOP BIKE", "blank", "spoilt", "FOOD", "3x FOOD BIKE", "ROOF ROOF",
           "M0001", "2x M0003", "M0001 M0003", "OTHER", "M0004")  # fmt: skip


@dataclass(frozen=True)
class Minutes:
    """The awards as honest minutes of the last poll have them."""

    poll: Last

    def found(self, model: Model) -> Any:
        return minutes(model, self.poll.found(model))


def _proposals(c: Chooser) -> tuple[str, ...]:
    if not c.pick(range(4)):
        return tuple(c.pick(PROPOSALS[:4]) for _ in range(c.pick((1, 2, 3))))
    return PROPOSALS[: c.pick((2, 3, 4, 6))]


def _opened(c: Chooser) -> Values:
    if c.pick(range(2)):
        fund, pot = c.pick(("EDU", "GEN", "EDU", c.pick(FUNDS))), c.pick(("100.00", "150.00", "9000.00"))
        return {"form": "allocation", "fund": fund, "pot": pot, "options": _proposals(c)}
    names = c.pick((CANDIDATES[:2], CANDIDATES[:3], CANDIDATES[:2], CANDIDATES[2:4], CANDIDATES[4:]))
    committee, seats = c.pick(("CARE", "CARE", "ALL", "NONE")), c.pick((1, 2, 0))
    return {"form": "election", "committee": committee, "seats": seats, "options": names,
            **c.pick(({},) * 6 + ({"pot": "5.00"},))}  # fmt: skip


def _box(c: Chooser, form: str) -> tuple[str, ...]:
    if form == "allocation":
        return c.pick((("ROOF SHOP", "2x SHOP"), ("3x BIKE ROOF",), ("ROOF", "BIKE", "blank")))
    return c.pick((("M0001", "2x M0003"), ("M0001 M0003", "2x M0001"), tuple(c.pick(BALLOTS[9:]) for _ in range(3))))


def _poll(c: Chooser) -> Any:
    return {"poll": last(c, "poll")}


def _result(c: Chooser) -> Values:
    until = c.pick(({}, {"until": Last("day", 90)}, {"until": Last("day", 400)}, {"until": Last("day", -1)},
                    {"until": Last("day", 9000)}))  # fmt: skip
    said = c.pick(({}, {"awards": Minutes(Last("poll"))}, {"awards": ("ROOF 60.00",)}, {"left": "40.00"},
                   {"awards": Minutes(Last("poll")), "left": "0.00"}))  # fmt: skip
    return {**_poll(c), **until, **said}


DRAWN.update({
    "open-poll": (1, lambda c: {"meeting": last(c, "meeting"), "question": "what for?", **_opened(c)}),
    "give-ballots": (1, lambda c: {
        **_poll(c), "members": tuple(c.pick(("M0001", "M0003", "M0004", "M0005", "M0002")) for _ in range(3)),
    }),
    "close-poll": (1, _poll),
    "load-ballots": (1, lambda c: {
        **_poll(c), "ballots": tuple(c.pick(BALLOTS) for _ in range(c.pick((1, 2, 3)))),
        **c.pick(({}, {}, FEWER)),
    }),
    "declare-result": (1, _result),
    "withdraw-poll": (1, lambda c: {**_poll(c), "why": "rain"}),
})  # fmt: skip


def step(by: str, operation: str, /, **values: Any) -> Step:
    return Step(by, operation, tuple(values.items()))


def balloting(c: Chooser) -> list[Step]:
    """A body meets, and votes in secret on money or on people; what it allots is spent under its resolutions."""
    body: Values = {"body_name": "All", "quorum_least": c.pick((1, 2)), "notice_days": 0, "quorum_percent": "20"}
    found = asked("admin", "set-body", body="ALL", form="assembly", **body)
    found += asked("admin", "set-body", body="CARE", form="committee", **body)
    found.append(step("sue", "call-meeting", body="ALL", on=Last("day"), notice_sent_on=Last("day")))
    sound: Values = {"form": "allocation", "fund": "GEN", "pot": "100.00", "options": PROPOSALS[:3]}
    opened = c.pick((sound, sound, _opened(c)))
    found.append(step("sue", "open-poll", meeting=Last("meeting"), question="what for?", **opened))
    poll: Values = {"poll": Last("poll")}
    for who in c.pick((("M0001", "M0003", "M0004", "M0005"), ("M0003", "M0001", "M0004"), ("M0001", "M0003"))):
        found.append(step("sue", "give-ballots", **poll, members=(who,)))
    found.append(step("sue", "give-ballots", **poll, members=("M0004", "M0001")))
    found += asked("sue", "close-poll", "tom", **poll)
    for _try in range(c.pick((1, 2))):
        found += asked("sue", "load-ballots", "tom", **poll, ballots=_box(c, opened["form"]), **c.pick(({}, {}, FEWER)))
    found += asked("sue", "load-ballots", "tom", **poll, **c.pick(({}, FEWER)),
                   ballots=("3x ROOF SHOP",) if opened["form"] == "allocation" else ("2x M0001", "M0003"))  # fmt: skip
    found += asked("sue", "withdraw-poll", "tom", **poll, why="rain") if not c.pick(range(6)) else []
    for _try in range(2):
        found += asked("sue", "declare-result", "tom", **{**_result(c), **poll})
    found += asked("sue", "declare-result", "tom", **poll, until=Last("day", 90))
    resolution: Values = {"resolution": Last("resolution"), "supplier": "ZED", "expense": "290", "tender": "transfer"}
    for much in ("60.00", "25.00"):
        found.append(step("tom", "pay-expense", **resolution, number=c.pick("123456789"), amount=much))
    return [*found, step("sue", "cancel-meeting", meeting=Last("meeting"), why="rain")]
