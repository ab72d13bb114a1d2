"""What people might ask about members of whom nothing is heard, and about what goes for good. Puts it into `DRAWN`."""

from __future__ import annotations

from typing import Any

from tests.model.walk import DRAWN, Chooser, Last, Step, Values, amount, asked, how_in, how_out, last, member, text

NOTE_CLASSES = ("A", "A", "B", "C")
HOURS = ("M0001 412.25", "M0003 100", "M0004 0.5", "M0005 7.25", "M0002 0", "M9999 5")


def _parcel(c: Chooser) -> str:
    return c.pick(("PARCELS-00001", "PARCELS-00001", "PARCELS-00002", "PARCELS-00003", "LEASES-00001", "NONE"))


DRAWN.update({
    "send-due-diligence": (2, lambda c: {"member": member(c)}),
    "turn-over-unclaimed": (2, lambda c: {"member": member(c)}),
    "pay-unclaimed": (1, lambda c: {"report": text(c), **how_out(c), **c.pick(({}, {"member": member(c)}))}),
    "pay-member": (1, lambda c: {
        "member": member(c), "to_member": member(c), "amount": amount(c),
        **c.pick(({}, {}, {"account": c.pick(("M0001-2", "S-M0001"))}, {"to_account": c.pick(("M0001-2", "S-M0003"))})),
        **c.pick(({}, {}, {"by_person": last(c, "joint-owner")})),
    }),
    "define-note-class": (1, lambda c: {
        "note_class": c.pick(NOTE_CLASSES), "class_title": c.pick(("Senior", "Junior")), "resolution": "the board",
        **c.pick(({}, {"rank": c.pick((1, 2, 9, 0, 100))})), **c.pick(({}, {"most_rate": c.pick(("2", "5"))})),
        **c.pick(({}, {"ceiling": c.pick(("1000.00", "9000.00", "50.00"))})), **c.pick(({}, {"why": "decided anew"})),
    }),
    "record-hours": (1, lambda c: {
        "year": Last("year", c.pick((0, 1, 1, 2))), "source": "the time sheets",
        "hours": tuple(c.pick(HOURS) for _ in range(c.pick((1, 2, 3)))),
    }),
    "dispose-parcel": (1, lambda c: {
        "parcel": _parcel(c), "resolution": c.pick((last(c, "resolution"), "the assembly")), "deed": "9/12",
        "why": "to the school", **c.pick(({}, {"price": amount(c)}, {"price": "120.00", **how_in(c)})),
        **c.pick(({}, {}, {"buildings": c.pick((("B-1",), ("B-1", "B-1"), ("B-1", "B-2")))})),
        **c.pick(({}, {"covenant_kept": True})),
    }),
})  # fmt: skip

_issue = DRAWN["issue-note"][1]
DRAWN["issue-note"] = (DRAWN["issue-note"][0], lambda c: {**_issue(c), **c.pick(({}, {"note_class": c.pick("ABC")}))})


def step(by: str, operation: str, /, **values: Any) -> Step:
    return Step(by, operation, tuple(values.items()))


def silent(c: Chooser, short: list[Step], years: list[Step], wait: list[Step]) -> list[Step]:
    """Somebody is not heard of any more: they are written to, and what they have goes to the state, or they come."""
    who = c.pick(("M0001", "M0003", "M0004", "M0005"))
    found = asked("tom", "set-policy", policy="unclaimed_years", value="1")
    found += asked("tom", "set-policy", policy="dormant_months", value=c.pick(("1", "6")))
    found += asked("tom", "set-policy", policy="notice_days", value=c.pick(("1", "30")))
    found.append(step("tom", "deposit", member=who, amount="20.00", **how_in(c)))
    found.append(step("tom", "buy-shares", member=who, amount="300.00", share_class="903", tender="transfer"))
    found += short
    found += _typed(c, who)
    found += asked("ana", "accept-redemption", "tom", member=who, amount="100.00", share_class="903")
    found.append(step("ana", "lost-contact", member=who))
    found += [*years, step("ana", "send-due-diligence", member=who)]
    found += asked("tom", "turn-over-unclaimed", member=who)
    if not c.pick(range(4)):
        found.append(step("ana", "found-again", member=who, how="a letter", on=Last("day", c.pick((0, -1, -300)))))
    found += [*wait, *asked("tom", "turn-over-unclaimed", member=who)]
    found += asked("tom", "reverse", operation=Last("operation"), reason="they came") if not c.pick(range(3)) else []
    found += asked("tom", "change-member", member=who, status="left")
    for how in c.pick((({"member": who},), ({}, {"member": who}), ({"member": "M0001"}, {}))):
        found += asked("tom", "pay-unclaimed", report="2027-3", tender="transfer", **how)
    return [*found, *(asked("tom", "reverse", operation=Last("operation"), reason="no") if c.pick(range(2)) else [])]


def _typed(c: Chooser, who: str) -> list[Step]:
    """What is no sign of them: a deposit that is taken back, or was another's, which may itself be taken back."""
    found = [step("tom", "deposit", member=who, amount="7.00", tender="transfer")]
    wrong: Values = {"operation": Last("operation"), "wrong_account": who, "reason": "another's"}
    if c.pick(range(3)):
        found += asked("tom", "correct", **wrong, right_account=c.pick(("M0001", "M0003")))
        found += asked("tom", "reverse", operation=Last("operation"), reason="no") if c.pick(range(2)) else []
    else:
        found += asked("tom", "reverse", operation=Last("operation"), reason="twice")
    if c.pick(range(2)):
        found += asked("tom", "credit-interest", quarter=Last("quarter", 1))
        found += asked("tom", "correct", **wrong, right_account=c.pick(("M0001", "M0003")))
    return found


def giving_away(c: Chooser) -> list[Step]:
    """The assembly resolves on a parcel, which is sold or given away, perhaps with a building, and that taken back."""
    found = asked("tom", "define-register", template="PARCELS")
    bound = c.pick(({}, {"covenant": "for ever"}))
    fund = c.pick(("GEN", "EDU"))
    found += asked("tom", "buy-parcel", parcel=c.pick(("P-1", "P-2", "P-3")), price="100.00", closing_costs="5.00",
                   fund=fund, use="housing", resolution="the assembly", deed="b", tender="transfer",
                   **bound)  # fmt: skip
    found += asked("tom", "recognise-donated-work", building="B-1", hours="2.5", hourly="17.77", work="carpentry",
                   source="the union", fund=fund)  # fmt: skip
    parcel = Last("parcel")
    found += asked("admin", "set-body", body="ALL", body_name="All", form="assembly", quorum_least=1, notice_days=0)
    found.append(step("sue", "call-meeting", body="ALL", on=Last("day"), notice_sent_on=Last("day")))
    about = c.pick(({"about": parcel}, {"about": parcel}, {}, {"about": "dispose-parcel"}))
    found.append(step("sue", "propose-resolution", meeting=Last("meeting"), text="so be it", matter="other", **about))
    found.append(step("tom", "record-vote", resolution=Last("resolution"), member="M0001", vote="for"))
    found += asked("tom", "close-vote", resolution=Last("resolution")) if c.pick(range(5)) else []
    sold = {"parcel": parcel, "deed": "9/12", "why": "to the school", "resolution": Last("resolution")}
    price = c.pick(({}, {"price": "120.00", "tender": "transfer"}, {"price": "90.00", **how_in(c)}))
    more = c.pick(({}, {"buildings": ("B-1",)}))
    if bound:
        found += asked("tom", "dispose-parcel", **sold, **price, **more)
    found += asked("tom", "dispose-parcel", **sold, **price, **more, covenant_kept=True)
    found += asked("tom", "reverse", operation=Last("operation"), reason="not yet") if not c.pick(range(3)) else []
    found.append(step("tom", "change-entry", entry=parcel, values=("place: the hill",), why="seen"))
    found.append(step("tom", "close-entry", entry=parcel, why="sold"))
    return found + asked("tom", "dispose-parcel", **sold, covenant_kept=True)


def classes(c: Chooser, evening: list[Step]) -> list[Step]:
    """Senior and junior notes in a fund: no more than was voted, and repaid in their turn."""
    found = asked("tom", "define-note-class", note_class="A", class_title="Senior", resolution="b", most_rate="3")
    found += asked("tom", "define-note-class", note_class="B", class_title="Junior", rank=2, resolution="b",
                   ceiling="500.00", **c.pick(({}, {"why": "more"})))  # fmt: skip
    for of, much, rate, due in (("A", "100.00", "3", 5), ("B", "300.00", "5", 400), ("B", c.pick(("200.01", "9.00")),
                                                                                     "1", 400)):  # fmt: skip
        found += asked("tom", "issue-note", lender="L", amount=much, annual_rate=rate, due_on=Last("day", due),
                       note_class=of)  # fmt: skip
    found += evening
    found += asked("tom", "repay-note", note=Last("note"), amount=c.pick(("0.00", "5.00")))
    found += asked("tom", "repay-note", note=Last("note", 2))
    return found + asked("tom", "repay-note", note=Last("note"))
