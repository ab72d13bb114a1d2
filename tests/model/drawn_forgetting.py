"""What people might ask to have forgotten. Puts it into `walk.DRAWN`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.model.books import Model
from tests.model.walk import DRAWN, Chooser, Last, Step, asked, last


@dataclass(frozen=True)
class Ended:
    """A request that was refused or taken back."""

    def found(self, model: Model) -> Any:
        ended = [ref for ref, body in model.every("request") if body["state"] in ("refused", "withdrawn")]
        return ended[-1] if ended else "R-99999"


def _early(c: Chooser) -> dict[str, bool]:
    return c.pick(({}, {"before_time": True}, {"before_time": True}))


DRAWN.update({
    "forget-member": (1, lambda c: {"member": c.pick(("M0005", "M0004", "M0006", "M0003", "M9999")), **_early(c)}),
    "forget-case": (1, lambda c: {"case": last(c, "aid-case"), **_early(c)}),
    "forget-request": (1, lambda c: {"request": c.pick((Ended(), Ended(), last(c, "request"))), **_early(c)}),
    "reset-sign-in": (1, lambda c: {
        "user": c.pick(("ana", "tom", "bob", "admin", "zoe")),
        **c.pick(({}, {}, {"codes": True}, {"passphrase": False})),
    }),
})  # fmt: skip


def step(by: str, operation: str, /, **values: Any) -> Step:
    return Step(by, operation, tuple(values.items()))


def forgetting(c: Chooser, evening: list[Step]) -> list[Step]:
    """Somebody joins, was helped, leaves, and is forgotten; so are the case, and a request that was refused."""
    who = c.pick((Last("member"), Last("member"), "M0003"))
    found = [step("ana", "admit-member", member_name="Rue"), step("ana", "open-savings", member=who)]
    aid = {"recipient": "Rue", "aid_kind": "rent", "amount": "20.00", "need": "rent", "criteria": "x", "relation": "no",
           "fund": "EDU", "tender": "transfer", **c.pick(({}, {"recipient_member": who}))}  # fmt: skip
    found += asked("ana", "give-aid", "tom", **aid)
    if c.pick(range(2)):
        found += [step("ana", "give-aid", **aid), step("tom", "refuse", request=Last("request"), why="no")]
    found.append(step("ana", "add-joint-owner", member="M0001", person=who)) if not c.pick(range(4)) else None
    found.append(step("ana", "change-member", member=who, status="left"))
    found += evening
    found += asked("admin", "forget-member", member=who)
    found += asked("admin", "forget-member", member=who, before_time=True)
    found.append(step("ana", "change-member", member=who, status="active"))
    for _twice in range(2):
        found += asked("tom", "forget-case", case=Last("aid-case"), before_time=True)
        found += asked("tom", "forget-request", request=Ended(), **_early(c))
    found += asked("ana", "give-aid", "tom", **{**aid, "amount": "240.00"})
    return found + asked("admin", "reset-sign-in", user=c.pick(("ana", "bob")))
