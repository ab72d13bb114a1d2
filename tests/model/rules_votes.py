"""Votes: bodies and seats, meetings and their rolls, resolutions, and what may be done under one that was carried.

A body decides at a meeting; who belonged to it on the record date may vote there, one vote each. A mandate says that
an operation is for a body to decide first; whoever names a resolution has to keep within it, mandate or not.
"""

from __future__ import annotations

import re
from datetime import date
from fractions import Fraction

from tests.model.books import ADMIN, DECIDING, READ, SUPERVISOR, TELLER, TREASURER, Fact, Model, No, Work, days, rule
from tests.model.books import RULES as KNOWN
from tests.model.rules_counter import active, alive

CLERKS = f"{TELLER} {ADMIN} {SUPERVISOR} {TREASURER}"
OFFICE = f"{ADMIN} {TREASURER}"

READ["whole"] = lambda value: int(value) if re.fullmatch("[0-9]{1,5}", str(value).strip()) else None
READ["least"] = lambda value: READ["whole"](value) or None
READ["portion"] = lambda value: value if re.fullmatch(r"[0-9]{1,3}", value) and int(value) <= 100 else None
READ["majorities"] = lambda value: dict(part.split() for part in value.split(","))


# ------------------------------------------------------------------------------------ bodies and seats


@rule("set-body", "body:CODE body_name:sometext form:assembly|committee|council quorum_percent:portion?=0"
      " quorum_least:least?=2 notice_days:whole majorities:majorities? dissolved:yes?=no", OFFICE, second=True,
      reversible=False)  # fmt: skip
def set_body(w: Work) -> None:
    before = w.model.find("body", w["body"])
    if before is not None and before["form"] != w["form"]:
        raise No("invalid-value", "form")
    after = {"name": w["body_name"], "form": w["form"], "percent": w["quorum_percent"], "least": int(w["quorum_least"]),
             "notice": w["notice_days"], "majorities": w["majorities"] or {}, "dissolved": w["dissolved"]}  # fmt: skip
    if before == after:
        raise No("invalid-value", "body")
    w.write("body", w["body"], after)
    if before is None:
        w.created.append(w["body"])


def standing_body(w: Work, ref: str, field: str = "body") -> Fact:
    found = w.model.get("body", ref, field)
    if found["dissolved"]:
        raise No("wrong-state", field)
    return found


@rule("seat-member", "body:code member:code until:day elected_by:text?=", OFFICE, second=True, reversible=False)
def seat_member(w: Work) -> None:
    if standing_body(w, w["body"])["form"] == "assembly":
        raise No("wrong-state", "body")
    active(w, w["member"])
    alive(w, w["member"])
    if w["until"] < w.business_day:
        raise No("invalid-date", "until")
    before = _held_seat(w)
    if before is not None and before["until"] >= w["until"]:
        raise No("already-exists", "until")
    since = before["since"] if before is not None else w.business_day
    w.write("seat", f"{w['body']}.{w['member']}", since=since, until=w["until"], held=True)


def _held_seat(w: Work) -> Fact | None:
    found = w.model.find("seat", f"{w['body']}.{w['member']}")
    return found if found is not None and found["held"] and found["until"] >= w.business_day else None


@rule("end-seat", "body:code member:code why:somememo", OFFICE, second=True, reversible=False)
def end_seat(w: Work) -> None:
    seat = _held_seat(w)
    if seat is None:
        raise No("wrong-state", "member")
    w.write("seat", f"{w['body']}.{w['member']}", seat, held=False)


# -------------------------------------------------------------------------------------------- meetings


def belongs(model: Model, body: str, member: str, record_date: date, on: date, before: int | None = None) -> bool:
    """Whether a member is one of the body now; with a number, and was before it, on the record date, too."""
    found, then = model.find("member", member), fact_before(model, "member", member, before)
    if found is None or found["status"] != "active" or model.is_dead(member):
        return False
    if then is None or then["status"] != "active" or then["joined"] > record_date:
        return False
    if (fact_before(model, "death", member, before) or {}).get("state") == "recorded":
        return False
    if (model.find("body", body) or {})["form"] == "assembly":
        return True
    ref = f"{body}.{member}"
    return all(
        seat is not None and seat["held"] and seat["since"] <= record_date and on <= seat["until"]
        for seat in (fact_before(model, "seat", ref, before), model.find("seat", ref))
    )


def fact_before(model: Model, kind: str, ref: str, number: int | None) -> Fact | None:
    """A fact as it stood before an operation, or now."""
    versions = [fact for at, fact in model.facts.get((kind, ref), []) if number is None or at < number]
    return versions[-1] if versions else None


@rule("call-meeting", "body:code on:day notice_sent_on:day record_date:day? agenda:memo?=", CLERKS, reversible=False)
def call_meeting(w: Work) -> None:
    body = standing_body(w, w["body"])
    if w["notice_sent_on"] > w.business_day:
        raise No("invalid-date", "notice_sent_on")
    if (w["on"] - w["notice_sent_on"]).days < body["notice"] or w["on"] > w.business_day + days(366):
        raise No("invalid-date", "on")
    record_date = w["record_date"] or w["notice_sent_on"]
    if record_date > min(w["on"], w.business_day):
        raise No("invalid-date", "record_date")
    on_roll = sum(belongs(w.model, w["body"], ref, record_date, w["on"]) for ref, _body in w.model.every("member"))
    if not on_roll:
        raise No("wrong-state", "body")
    w.write("meeting", w.number_of("meeting", "MT-", 5), of=w["body"], on=w["on"], record_date=record_date,
            called=w.number, roll=on_roll, percent=body["percent"], least=body["least"], held=True)  # fmt: skip


def held_meeting(w: Work, ref: str) -> Fact:
    found = w.model.get("meeting", ref, "meeting")
    if not found["held"]:
        raise No("wrong-state", "meeting")
    return found


@rule("cancel-meeting", "meeting:code why:somememo", CLERKS, reversible=False)
def cancel_meeting(w: Work) -> None:
    meeting = held_meeting(w, w["meeting"])
    of_it = [(ref, body) for ref, body in w.model.every("resolution") if body["meeting"] == w["meeting"]]
    if any(body["state"] not in ("open", "withdrawn") for _ref, body in of_it):
        raise No("wrong-state", "meeting")
    for ref, body in of_it:
        if body["state"] == "open":
            w.write("resolution", ref, body, state="withdrawn")
    from tests.model.rules_polls import call_off

    call_off(w, w["meeting"])
    w.write("meeting", w["meeting"], meeting, held=False)


# ----------------------------------------------------------------------------------------- resolutions


@rule("propose-resolution", "meeting:code matter:allocation|policy|surplus|transfer|other text:somememo about:code?"
      " amount:money? until:day?", CLERKS, reversible=False)  # fmt: skip
def propose_resolution(w: Work) -> None:
    meeting = held_meeting(w, w["meeting"])
    body = standing_body(w, meeting["of"], "meeting")
    matter, about = w["matter"], w["about"]
    if about is None and matter == "policy":
        raise No("invalid-value", "about")
    if w["amount"] is None and matter in ("allocation", "transfer"):
        raise No("invalid-value", "amount")
    if about is not None and matter in ("allocation", "transfer"):
        w.model.get("fund", about, "about")
    if about is not None and matter == "policy" and about not in KNOWN and w.model.find("policy", about) is None:
        raise No("unknown", "about")
    if w["until"] is not None and w["until"] < max(meeting["on"], w.business_day):
        raise No("invalid-date", "until")
    w.write("resolution", w.number_of("resolution", "RES-", 5), meeting=w["meeting"], of=meeting["of"],
            matter=matter, about=about, amount=w["amount"], until=w["until"], state="open", counted=None,
            majority=body["majorities"].get(matter, "simple"), votes={})  # fmt: skip


def open_vote(w: Work, *, begun: bool = True) -> tuple[Fact, Fact]:
    found = w.model.get("resolution", w["resolution"], "resolution")
    if found["state"] != "open":
        raise No("wrong-state", "resolution")
    meeting = held_meeting(w, found["meeting"])
    if begun and meeting["on"] > w.business_day:
        raise No("wrong-state", "resolution")
    return found, meeting


def concerned(model: Model, about: str | None) -> set[str]:
    """Who has an interest in what it is about: a member, and staff who are their relatives."""
    if about is None or model.find("member", about) is None:
        return set()
    return {about} | {body["member"] for _name, body in model.every("user")
                      if body["member"] and about in body["relatives"]}  # fmt: skip


def on_roll(w: Work, meeting: Fact, member: str) -> bool:
    return belongs(w.model, meeting["of"], member, meeting["record_date"], meeting["on"], meeting["called"])


def _require_voter(w: Work, meeting: Fact) -> None:
    if not on_roll(w, meeting, w["member"]):
        raise No("not-entitled", "member")


def _vote(w: Work, found: Fact, vote: str) -> None:
    w.write("resolution", w["resolution"], found, votes={**found["votes"], w["member"]: vote})


@rule("withdraw-resolution", "resolution:code why:somememo", CLERKS, reversible=False)
def withdraw_resolution(w: Work) -> None:
    found, _meeting = open_vote(w, begun=False)
    w.write("resolution", w["resolution"], found, state="withdrawn")


@rule("declare-interest", "resolution:code member:code why:somememo", CLERKS, reversible=False)
def declare_interest(w: Work) -> None:
    found, meeting = open_vote(w, begun=False)
    _require_voter(w, meeting)
    if found["counted"]:
        raise No("wrong-state", "resolution")
    if found["votes"].get(w["member"]) == "recused":
        raise No("already-voted", "member")
    _vote(w, found, "recused")


@rule("record-vote", "resolution:code member:code vote:for|against|abstain why:somememo?", CLERKS, reversible=False)
def record_vote(w: Work) -> None:
    found, meeting = open_vote(w)
    _require_voter(w, meeting)
    if found["counted"]:
        raise No("already-voted", "resolution")
    before = found["votes"].get(w["member"])
    if before == "recused" or w["member"] in concerned(w.model, found["about"]):
        raise No("not-entitled", "member")
    if before is not None and (w["why"] is None or before == w["vote"]):
        raise No("already-voted", "member")
    _vote(w, found, w["vote"])


def _interested(w: Work) -> set[str]:
    return concerned(w.model, (w.model.find("resolution", w["resolution"]) or {"about": None})["about"])


def _require_declared(w: Work, found: Fact, meeting: Fact) -> None:
    for member in concerned(w.model, found["about"]):
        if found["votes"].get(member) != "recused" and on_roll(w, meeting, member):
            raise No("wrong-state", "resolution")


@rule("record-count", "resolution:code in_favour:whole against:whole abstained:whole?=0", CLERKS, second=True,
      reversible=False, serves=_interested)  # fmt: skip
def record_count(w: Work) -> None:
    found, meeting = open_vote(w)
    if any(vote != "recused" for vote in found["votes"].values()):
        raise No("already-voted", "resolution")
    _require_declared(w, found, meeting)
    hands = (w["in_favour"], w["against"], int(w["abstained"]))
    if sum(hands) > meeting["roll"] - len(found["votes"]):
        raise No("invalid-value", "in_favour")
    w.write("resolution", w["resolution"], found, counted=hands)


@rule("close-vote", "resolution:code", CLERKS, second=True, reversible=False, serves=_interested)
def close_vote(w: Work) -> None:
    found, meeting = open_vote(w)
    votes = list(found["votes"].values())
    if not found["counted"]:
        _require_declared(w, found, meeting)
    hands = found["counted"] or tuple(votes.count(vote) for vote in ("for", "against", "abstain"))
    w.write("resolution", w["resolution"], found,
            state=outcome(hands, meeting["roll"] - votes.count("recused"), meeting, found["majority"]))  # fmt: skip


def outcome(hands: tuple[int, int, int], entitled: int, meeting: Fact, majority: str) -> str:
    """More hands for it than against; of those who voted, or of all who may, if the rule asks for more than that."""
    in_favour, against, _abstained = hands
    if sum(hands) < meeting["least"] or sum(hands) * 100 < int(meeting["percent"]) * entitled:
        return "no-quorum"
    part = {"two-thirds": Fraction(2, 3), "three-quarters": Fraction(3, 4)}.get(majority)
    won = in_favour > against
    if part is not None:
        won = in_favour > 0 and in_favour >= part * (in_favour + against)
    if majority == "of-all":
        won = in_favour * 2 > entitled
    return "carried" if won else "rejected"


# -------------------------------------------------------------------------------------------- mandates

MATTERS = {
    "transfer-funds": ("transfer",), "lend-to-fund": ("transfer",), "sponsor-shares": ("transfer", "allocation"),
    "pay-expense": ("allocation",), "spend-gift": ("allocation",), "give-aid": ("allocation",),
}  # fmt: skip
"""As what operations are decided; most move an amount."""
NAMING = ("parcel", "fund", "from_fund", "to_fund", "gift", "member", "bank_account", "recipient_member")


@rule("set-mandate", "operation:code body:code above:counted? lifted:yes?=no", OFFICE, second=True, reversible=False)
def set_mandate(w: Work) -> None:
    standing_body(w, w["body"])
    name = w["operation"]
    if name not in MATTERS:
        raise No("invalid-value", "operation")
    before, after = w.model.find("mandate", name), {"body": w["body"], "above": w["above"], "lifted": w["lifted"]}
    if after == before or (before is None and w["lifted"]):
        raise No("invalid-value", "operation")
    w.write("mandate", name, after)


def decided(w: Work) -> None:
    """Refuses what a body has to decide and did not, and a resolution that does not hold for this."""
    name, ref, amount = w.rule.name, w["resolution"] or "", w["amount"]
    if name not in MATTERS:
        return
    mandate = w.model.find("mandate", name)
    needed = mandate is not None and not mandate["lifted"]
    needed = needed and (mandate["above"] is None or amount is None or amount > mandate["above"])
    if not re.fullmatch("RES-[0-9]{5,}", ref):
        if needed:
            raise No("needs-resolution", "resolution")
        return
    found = w.model.get("resolution", ref, "resolution")
    if needed and mandate is not None and mandate["body"] != found["of"]:
        raise No("needs-resolution", "resolution")
    over = found["until"] is not None and found["until"] < w.business_day
    if found["state"] != "carried" or over or found["matter"] not in MATTERS[name]:
        raise No("needs-resolution", "resolution")
    named = {name, *(w[field] for field in NAMING if w[field])} | ({"GEN"} if name == "pay-expense" else set())
    gifts = {gift["fund"] for each in named if (gift := w.model.find("gift", each)) is not None}
    if found["about"] and found["about"] not in named | gifts:
        raise No("needs-resolution", "resolution")
    used = [use["amount"] or 0 for _ref, use in w.model.every("use") if use["resolution"] == ref]
    if used and (found["amount"] is None or amount is None or sum(used) + amount > found["amount"]):
        raise No("needs-resolution", "resolution")
    if found["amount"] is not None and amount is not None and amount > found["amount"]:
        raise No("needs-resolution", "resolution")
    w.written.append(("use", f"{ref}.{w.number}", {"resolution": ref, "amount": amount}))


DECIDING.append(decided)
