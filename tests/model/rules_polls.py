"""Secret ballots: who was given one is taken down by name, what was voted is one box, and the box is counted.

Options go by approvals, then by the smaller sum, then by lot out of the box itself. Each that somebody approved of gets
what it asks for while the pot has so much; an election gives the first ones the seats.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from fractions import Fraction
from typing import Any

from tests.model.books import READ, Fact, Model, No, Work, rule
from tests.model.rules_counter import active, alive
from tests.model.rules_votes import CLERKS, held_meeting, on_roll, standing_body

FEWEST = 3
"""Ballots below which they would say who voted how."""
EMPTY = ("blank", "spoilt")


def _options(value: Any) -> Any:
    found = []
    for each in value:
        code, asked, title = [*each.split(" ", 2), None, None][:3]
        found.append((code, None if asked is None else READ["money"](asked), title or ""))
    return found or None


def _ballots(value: Any) -> Any:
    """How often each was cast; the order in which somebody wrote says nothing."""
    found: Counter[str] = Counter()
    for each in value:
        times, said = re.fullmatch("(?:([0-9]+)x )?(.*)", each).groups()  # type: ignore[union-attr]
        marks = sorted(said.split())
        if len(set(marks)) < len(marks):
            return None
        found[" ".join(marks)] += int(times or 1)
    return dict(found) or None


READ["options"], READ["ballots"] = _options, _ballots
READ["awards"] = lambda value: [(each.split()[0], READ["money"](each.split()[1])) for each in value]


@rule("open-poll", "meeting:code form:allocation|election question:somememo options:options fund:code? pot:money?"
      " committee:code? seats:least?", CLERKS, reversible=False)  # fmt: skip
def open_poll(w: Work) -> None:
    meeting = held_meeting(w, w["meeting"])
    for name in ("fund", "pot", "committee", "seats"):
        if (w[name] is not None) != (
            name in (("fund", "pot") if w["form"] == "allocation" else ("committee", "seats"))
        ):
            raise No("invalid-value", name)
    options = w["options"]
    if len({code for code, _asked, _title in options}) < len(options):
        raise No("invalid-value", "options")
    if w["form"] == "allocation":
        _of_a_pot(w)
    else:
        _candidates(w)
    w.write("poll", w.number_of("poll", "PL-", 5), meeting=w["meeting"], of=meeting["of"], form=w["form"],
            options=options, fund=w["fund"], pot=w["pot"] or 0, committee=w["committee"], seats=w["seats"] or 0,
            state="open", voters=(), box=None)  # fmt: skip


def _of_a_pot(w: Work) -> None:
    """No more than the fund has and has not promised; no option asks for more than the pot."""
    w.model.get("fund", w["fund"], "fund")
    if w["pot"] > max(0, w.balance(w["fund"], "729") + w.balance(w["fund"], "M49")):
        raise No("overdrawn", "pot")
    for number, (_code, asked, _title) in enumerate(w["options"]):
        if asked is None or asked > w["pot"]:
            raise No("invalid-amount", f"options.{number}.asked")


def _candidates(w: Work) -> None:
    if standing_body(w, w["committee"], "committee")["form"] == "assembly":
        raise No("wrong-state", "committee")
    for number, (code, asked, title) in enumerate(w["options"]):
        if asked is not None or title:
            raise No("invalid-value", "options")
        active(w, code, f"options.{number}.code")
        alive(w, code, f"options.{number}.code")


def in_state(w: Work, *states: str) -> tuple[Fact, Fact]:
    found = w.model.get("poll", w["poll"], "poll")
    if found["state"] not in states:
        raise No("wrong-state", "poll")
    return found, held_meeting(w, found["meeting"])


@rule("withdraw-poll", "poll:code why:somememo", CLERKS, second=True, reversible=False)
def withdraw_poll(w: Work) -> None:
    found, _meeting = in_state(w, "open", "closed")
    w.write("poll", w["poll"], found, state="withdrawn")


@rule("give-ballots", "poll:code members:list", CLERKS, reversible=False, serves=lambda w: set(w["members"]))
def give_ballots(w: Work) -> None:
    found, meeting = in_state(w, "open")
    if meeting["on"] > w.business_day:
        raise No("wrong-state", "poll")
    voters = list(found["voters"])
    for number, member in enumerate(w["members"]):
        if not on_roll(w, meeting, member):
            raise No("not-entitled", f"members.{number}")
        if member in voters:
            raise No("already-voted", f"members.{number}")
        voters.append(member)
    w.write("poll", w["poll"], found, voters=voters)


@rule("close-poll", "poll:code", CLERKS, second=True, reversible=False)
def close_poll(w: Work) -> None:
    found, meeting = in_state(w, "open")
    share = Fraction(meeting["percent"]) * meeting["roll"] / 100
    enough = len(found["voters"]) >= max(FEWEST, meeting["least"], share)
    w.write("poll", w["poll"], found, state="closed" if enough else "no-quorum")


@rule("load-ballots", "poll:code ballots:ballots missing:somememo?", CLERKS, second=True, reversible=False)
def load_ballots(w: Work) -> None:
    found, _meeting = in_state(w, "closed")
    known = {code for code, _asked, _title in found["options"]}
    for ballot in sorted(w["ballots"]):
        marks = [] if ballot in EMPTY else ballot.split()
        if set(marks) - known:
            raise No("unknown", "ballots")
        if found["form"] == "election" and len(marks) > found["seats"]:
            raise No("invalid-value", "ballots")
    total = sum(w["ballots"].values())
    if total > len(found["voters"]):
        raise No("invalid-value", "ballots")
    if (total < len(found["voters"])) != (w["missing"] is not None):
        raise No("invalid-value", "missing")
    if total < FEWEST:
        raise No("wrong-state", "ballots")
    w.write("poll", w["poll"], found, state="counted", box=w["ballots"])


def digest(ref: str, poll: Fact) -> str:
    """SHA-256 of the box as it is exported: what is voted on, the options, the ballots in the order of the alphabet."""
    lines = ["coopbank-ballots,1", f"poll,{ref}", f"form,{poll['form']}"]
    lines.append(f"pot,{_amount(poll['pot'])},USD" if poll["form"] == "allocation" else f"seats,{poll['seats']}")
    for code, asked, title in poll["options"]:
        harmless = f"'{title}" if title[:1] in tuple("=+-@") else title  # to a spreadsheet
        lines.append(f"option,{code},{_amount(asked) if asked else ''},{harmless}")
    lines += [f"ballot,{ballot}" for ballot, times in sorted(poll["box"].items()) for _ in range(times)]
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def _amount(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02}"


def winners(ref: str, poll: Fact) -> list[tuple[str, int, str]]:
    """Who won, in their order: code, what they get, title."""
    of_box, left, won = digest(ref, poll), poll["pot"] or poll["seats"], []
    approvals = {code: sum(times for ballot, times in poll["box"].items() if code in ballot.split())
                 for code, _asked, _title in poll["options"]}  # fmt: skip

    def place(option: tuple[str, int | None, str]) -> tuple[int, int, str]:
        lot = hashlib.sha256(f"{of_box}:{option[0]}".encode()).hexdigest()
        return -approvals[option[0]], option[1] or 0, lot

    for code, asked, title in sorted(poll["options"], key=place):
        cost = asked if poll["form"] == "allocation" else 1
        if approvals[code] and cost <= left:
            left -= cost
            won.append((code, asked or 0, title))
    return won


@rule("declare-result", "poll:code until:day? awards:awards? left:counted?", CLERKS, second=True, reversible=False)
def declare_result(w: Work) -> None:
    found, _meeting = in_state(w, "counted")
    won = winners(w["poll"], found)
    if found["form"] == "election" and w["until"] is None:
        raise No("invalid-value", "until")
    if w["until"] is not None and w["until"] < w.business_day:
        raise No("invalid-date", "until")
    if w["awards"] or w["left"] is not None:
        _as_the_minutes_say(w, found, won)
    for code, amount, _title in won:
        if found["form"] == "allocation":
            ref = w.number_of_several("resolution", "RES-", 5)
            w.write("resolution", ref, meeting=found["meeting"], of=found["of"], matter="allocation",
                    about=found["fund"], amount=amount, until=w["until"], state="carried", counted=None,
                    majority="simple", votes={})  # fmt: skip
        else:
            _seated(w, found["committee"], code)
    w.write("poll", w["poll"], found, state="declared")


def _as_the_minutes_say(w: Work, found: Fact, won: list[tuple[str, int, str]]) -> None:
    if found["form"] != "allocation":
        raise No("invalid-value", "awards")
    total = sum(amount for _code, amount in w["awards"] or ())
    left = found["pot"] - total if w["left"] is None else w["left"]
    if left < 0 or total + left != found["pot"]:
        raise No("invalid-amount", "awards")
    if dict(w["awards"] or ()) != {code: amount for code, amount, _title in won}:
        raise No("invalid-amount", "awards")


def _seated(w: Work, body: str, member: str) -> None:
    """From today; a seat that is held goes on, and one for as long already is left as it is."""
    if (w.model.find("member", member) or {}).get("status") != "active" or w.model.is_dead(member):
        return
    ref = f"{body}.{member}"
    before = w.model.find("seat", ref)
    held = before if before is not None and before["held"] else None
    if held is not None and held["until"] >= w["until"]:
        return
    if w["until"].year - w.business_day.year > 10:
        raise No("invalid-date", "until")
    goes_on = held is not None and held["until"] >= w.business_day
    w.write("seat", ref, since=held["since"] if held and goes_on else w.business_day, until=w["until"], held=True)


def call_off(w: Work, ref: str) -> None:
    """With the meeting go the polls of it that are not counted."""
    for poll, body in w.model.every("poll"):
        if body["meeting"] == ref and body["state"] in ("counted", "declared"):
            raise No("wrong-state", "meeting")
        if body["meeting"] == ref and body["state"] in ("open", "closed"):
            w.write("poll", poll, body, state="withdrawn")


def minutes(model: Model, ref: str) -> list[str]:
    """What honest minutes say of a poll."""
    poll = model.find("poll", ref)
    if poll is None or poll["box"] is None or poll["form"] != "allocation":
        return []
    return [f"{code} {_amount(amount)}" for code, amount, _title in winners(ref, poll)]
