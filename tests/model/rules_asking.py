"""Members are asked whether the books are right about them: whom a seed draws, what they say, and what came of it."""

from __future__ import annotations

import hashlib
import re
from datetime import date

from tests.model.books import READ, SUPERVISOR, Fact, Model, No, Work, holder_of, members_of, rule

OF_LOANS = ("701", "781", "791", "M10", "M20", "M30")
POPULATIONS = {"shares": ("901", "903"), "savings": ("905",)}

READ["confirmed"] = lambda v: v if re.fullmatch("[0-9]{3}/M[0-9]{4,9}[A-Za-z0-9.-]*|L-[0-9]{3,9}", v) else None
READ["howmany"] = lambda v: int(v) if re.fullmatch("[1-9][0-9]{0,4}", str(v)) and int(v) <= 50_000 else None


def _balances(model: Model, population: str, day: date) -> dict[str, tuple[str, int]]:
    """Whose each account is, and how it stood at the end of a day, as they read it; empty ones too."""
    found: dict[str, tuple[str, int]] = {}
    for (_fund, code), moved in model.dated.items():
        contract = code.partition("/")[2]
        for name in POPULATIONS if population == "all" else (population,):
            if code[:3] in POPULATIONS.get(name, ()):
                [member] = members_of([("GEN", code)], model)
                found[code] = (member, found.get(code, ("", 0))[1] - _by(moved, day))
        if population in ("all", "loans") and code[:3] in OF_LOANS and contract.startswith("L-"):
            [member] = holder_of(model, "loan", contract)
            found[contract] = (member, found.get(contract, ("", 0))[1] + _by(moved, day))
    for kind, ref in model.facts if population in ("all", "savings") else ():
        if kind == "savings":
            found.setdefault(f"905/{ref[2:]}", (re.split("[-.]", ref[2:])[0], 0))
    return dict(sorted(found.items()))


def _by(moved: list[tuple[date, int]], day: date) -> int:
    return sum(amount for on, amount in moved if on <= day)


def _number(seed: str, what: str) -> int:
    return int(hashlib.sha256(f"{seed}:{what}".encode()).hexdigest(), 16)


def _drawn(w: Work, above: dict[str, int]) -> set[str]:
    """Of the accounts above zero, those that the seed gives."""
    if w["selection"] == "all":
        return set(above)
    if w["selection"] == "random":
        return set(sorted(above, key=lambda ref: (_number(w["seed"], ref), ref))[: w["size"]])
    step = w["interval"] or _interval(list(above.values()), w["size"])
    top = {ref for ref, amount in above.items() if amount >= step}
    unit, passed, hit = _number(w["seed"], "start") % step + 1, 0, set()
    for ref, amount in above.items():
        if ref in top:
            continue
        passed += amount
        if unit <= passed:
            hit.add(ref)
            unit += step
    return top | hit


def _interval(amounts: list[int], size: int) -> int:
    """The total over the size; balances that reach it are taken, and what is left is spread over what is left."""
    left, taken = sorted(amounts, reverse=True), 0
    while left and taken < size:
        step = max(1, sum(left) // (size - taken))
        top = [amount for amount in left if amount >= step]
        if not top:
            return step
        left, taken, least = left[len(top) :], taken + len(top), top[-1]
    return least if taken else 1


@rule("start-campaign", "form:positive|negative population:shares|savings|loans|all"
      " selection:dollar-unit|random|all?=dollar-unit size:howmany? interval:money? seed:sometext? day:day?"
      " with_empty:yes?=no", SUPERVISOR, reversible=False)  # fmt: skip
def start_campaign(w: Work) -> None:
    day = w["day"] or w.business_day
    if day > w.business_day:
        raise No("invalid-date", "day")
    given = {name for name in ("size", "interval", "seed") if w[name] is not None}
    allowed = {"dollar-unit": {"size", "interval", "seed"}, "random": {"size", "seed"}, "all": set()}[w["selection"]]
    for name in sorted(given - allowed):
        raise No("invalid-value", name)
    if w["selection"] != "all" and w["seed"] is None:
        raise No("invalid-value", "seed")
    if w["selection"] != "all" and ("size" in given) == ("interval" in given):
        raise No("invalid-value", "size")
    known = _balances(w.model, w["population"], day)
    chosen = _drawn(w, {ref: balance for ref, (_member, balance) in known.items() if balance > 0})
    chosen |= {ref for ref, (_m, balance) in known.items() if balance < 0 or (w["with_empty"] and not balance)}
    if not chosen:
        raise No("wrong-state", "population")
    ref = w.number_of("campaign", "V-", 3)
    w.write("campaign", ref, form=w["form"], state="open")
    for account in chosen:
        member, balance = known[account]
        w.write("confirmation", f"{ref}.{account}", campaign=ref, member=member, balance=balance, state="asked",
                finding=None)  # fmt: skip


def _open(w: Work) -> Fact:
    found = w.model.get("campaign", w["campaign"], "campaign")
    if found["state"] != "open":
        raise No("wrong-state", "campaign")
    return found


def _asked(w: Work) -> set[str]:
    found = w.model.find("confirmation", f"{w['campaign']}.{w['about']}")
    return set() if found is None else {found["member"]}


def _exception(campaign: Fact, found: Fact) -> bool:
    return found["state"] in ("differs", "returned") or (found["state"] == "none" and campaign["form"] == "positive")


@rule("record-reply", "campaign:code reply:agrees|differs|returned|none about:confirmed? amount:signed? replied_on:day?"
      " why:somememo?", SUPERVISOR, reversible=False, serves=_asked)  # fmt: skip
def record_reply(w: Work) -> None:
    campaign, reply = _open(w), w["reply"]
    if w["replied_on"] is not None and w["replied_on"] > w.business_day:
        raise No("invalid-date", "replied_on")
    if (reply == "differs") != (w["amount"] is not None):
        raise No("invalid-value", "amount")
    if w["about"] is None:
        if reply != "none":
            raise No("invalid-value", "about")
        silent = [(ref, body) for ref, body in w.model.every("confirmation")
                  if body["campaign"] == w["campaign"] and body["state"] == "asked"]  # fmt: skip
        if campaign["form"] == "negative" or not silent:
            raise No("wrong-state", "campaign")
        for ref, body in silent:
            w.write("confirmation", ref, body, state="none")
        return
    ref = f"{w['campaign']}.{w['about']}"
    found = w.model.get("confirmation", ref, "about")
    if (found["state"] in ("agrees", "differs") or found["finding"]) and w["why"] is None:
        raise No("already-exists", "why")
    if w["amount"] == found["balance"]:
        raise No("invalid-value", "reply")
    w.write("confirmation", ref, found, state=reply, finding=None)


@rule("resolve-exception", "campaign:code about:confirmed finding:member-mistaken|timing|bank-mistaken|"
      "checked-otherwise why:somememo correction:number?", SUPERVISOR, reversible=False, serves=_asked)  # fmt: skip
def resolve_exception(w: Work) -> None:
    campaign, ref = _open(w), f"{w['campaign']}.{w['about']}"
    found = w.model.get("confirmation", ref, "about")
    if not _exception(campaign, found):
        raise No("wrong-state", "about")
    if w["finding"] == "bank-mistaken" and found["state"] != "differs":
        raise No("invalid-value", "finding")
    if w["correction"] is not None and not 1 <= w["correction"] <= w.model.number:
        raise No("unknown", "operation")
    w.write("confirmation", ref, found, finding=w["finding"])


@rule("close-campaign", "campaign:code conclusion:somememo give_up:yes?=no", SUPERVISOR, reversible=False)
def close_campaign(w: Work) -> None:
    campaign = _open(w)
    asked = [body for _ref, body in w.model.every("confirmation") if body["campaign"] == w["campaign"]]
    waiting = campaign["form"] == "positive" and any(body["state"] == "asked" for body in asked)
    unresolved = any(_exception(campaign, body) and body["finding"] is None for body in asked)
    if not w["give_up"] and (waiting or unresolved):
        raise No("wrong-state", "campaign")
    w.write("campaign", w["campaign"], campaign, state="given-up" if w["give_up"] else "closed")
