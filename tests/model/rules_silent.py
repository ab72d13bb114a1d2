"""Members of whom nothing is heard, whose money goes to the state; and payments from member to member.

A sign of a member is what they began at the counter, unless it was taken back or was somebody else's, and contact that
was noted. Where there is none, it counts from the day on which they first had anything here.
"""

from __future__ import annotations

import calendar
from datetime import date

from tests.model.books import FOUNDED, GEN, TELLER, TREASURER, Done, Fact, Line, Model, No, Work, days, members_of, rule
from tests.model.rules_counter import PAYING, active, alive, available, cash_out, owner_on, place_of, savings, sponsored
from tests.model.rules_funds import WHOLE_POLICIES, YES_OR_NO

ASKED_BACK = ("821", "823", "825", "871", "875", "901", "903", "905")
"""What somebody has here."""
BEGUN = {
    "deposit", "withdraw", "pay-member", "open-savings", "buy-shares", "redeem-shares", "transfer-shares", "repay-loan",
    "apply-unapplied", "refund-unapplied", "disburse-loan", "file-report", "grant-loan", "refinance-loan",
}  # fmt: skip
"""What a member comes to the counter for."""

WHOLE_POLICIES.update(("dormant_months", "unclaimed_years", "notice_days"))
YES_OR_NO.add("member_payments")


def founded(model: Model) -> None:
    for policy, value in (("dormant_months", 12), ("unclaimed_years", 5), ("notice_days", 60),
                          ("member_payments", "no")):  # fmt: skip
        model.put(0, "policy", policy, {"value": value})


FOUNDED.append(founded)


def later(day: date, months: int) -> date:
    """So many months later; the last day of a month that is too short."""
    whole = day.year * 12 + day.month - 1 + months
    year, month = whole // 12, whole % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def number(w: Work, policy: str, usual: int) -> int:
    return int(w.model.policy(policy)) or usual


def has(model: Model, member: str) -> list[tuple[str, str, int]]:
    """Fund, account and amount of all that a member could ask back, in the order of the chart."""
    found = [(code, fund, -balance) for (fund, code), balance in model.leaves.items()
             if code[:3] in ASKED_BACK and balance < 0 and members_of([(fund, code)], model) == {member}]  # fmt: skip
    return [(fund, code, amount) for code, fund, amount in sorted(found)]


def last_sign(model: Model, member: str) -> date:
    """The last day on which anything was heard of a member who has something here."""
    signs: list[date] = [done.day for done in model.log.values() if done.kind in BEGUN and _theirs(model, done, member)]
    signs += _put_right(model, member)
    contact = model.find("contact", member)
    if contact is not None and contact["last"] is not None:
        signs.append(contact["last"])
    if signs:
        return max(signs)
    held = [lines for leaf, lines in model.dated.items() if members_of([leaf], model) == {member}]
    return min(day for lines in held for day, _amount in lines)


def _put_right(model: Model, member: str) -> list[date]:
    """What was typed for another's savings was a sign of whose it was."""
    made = {model.facts["correction", ref][-1][0]: body for ref, body in model.every("correction")}
    found = []
    for number, body in made.items():
        if any(other["operation"] == number for other in made.values()):
            continue  # it was put right again
        past, right = body["operation"], model.find("savings", f"S-{body['right']}")
        while past in made:
            past = made[past]["operation"]
        if right is not None and right["member"] == member and model.log[past].kind in BEGUN:
            found.append(model.log[past].day)
    return found


def _theirs(model: Model, done: Done, member: str) -> bool:
    """Whether it was this member's, and stands."""
    if model.reversed_by(done.number) is not None:
        return False
    put_right = {body["wrong"] for _ref, body in model.every("correction") if body["operation"] == done.number}
    if put_right:
        return False
    if member in members_of(done.moved(), model):  # in memo too: what is paid on a loan that was charged off is there
        return True
    made = {str((model.find(kind, ref) or {}).get("member")) for kind, ref in done.facts if kind in ("loan", "savings")}
    return member in made and done.kind in ("open-savings", "grant-loan", "refinance-loan")


def silent(w: Work) -> tuple[list[tuple[str, str, int]], date]:
    w.model.get("member", w["member"], "member")
    held = has(w.model, w["member"])
    if not held:
        raise No("wrong-state", "member")
    return held, last_sign(w.model, w["member"])


def _contact(w: Work) -> Fact:
    return {"lost": None, "last": None, "noticed": None, **(w.model.find("contact", w["member"]) or {})}


@rule("send-due-diligence", "member:code", f"{TELLER} {TREASURER}", reversible=False)
def send_due_diligence(w: Work) -> None:
    _held, heard = silent(w)
    known = _contact(w)
    if known["noticed"] is not None and known["noticed"] > heard:
        raise No("already-exists", "member")
    if w.business_day < later(heard, number(w, "dormant_months", 12)):
        raise No("wrong-state", "member")
    w.write("contact", w["member"], known, noticed=w.business_day)


@rule("turn-over-unclaimed", "member:code", TREASURER, second=True)
def turn_over_unclaimed(w: Work) -> None:
    held, heard = silent(w)
    if w.business_day < later(heard, 12 * number(w, "unclaimed_years", 5)):
        raise No("wrong-state", "member")
    noticed = _contact(w)["noticed"]
    if noticed is None or noticed <= heard or w.business_day < noticed + days(number(w, "notice_days", 60)):
        raise No("wrong-state", "member")
    apart: dict[str, int] = {}
    lines: list[Line] = []
    for fund, code, amount in held:
        if w.model.held(fund, code) or (code[:3] in ("901", "903") and sponsored(w, code)):
            raise No("wrong-state", "member")
        apart[fund] = apart.get(fund, 0) + amount
        lines.append((fund, code, amount))
        if code[:3] == "825":
            _settle(w)
    ref = w.number_of("unclaimed", "UP-", 5)
    w.post(*lines, *((fund, f"893/{w['member']}", -amount) for fund, amount in apart.items()))
    w.write("unclaimed", ref, member=w["member"], funds=apart, state="set apart")


def _settle(w: Work) -> None:
    """What waited to be redeemed waits no more."""
    for ref, body in w.model.every("redemption"):
        if body["member"] == w["member"] and body["state"] == "waiting":
            w.write("redemption", ref, body, state="paid", paid_on=w.business_day)


def _apart(w: Work) -> list[tuple[str, Fact]]:
    return [(ref, body) for ref, body in w.model.every("unclaimed")
            if body["state"] == "set apart" and w["member"] in (None, body["member"])]  # fmt: skip


@rule("pay-unclaimed", PAYING + "report:sometext member:code?", TREASURER, second=True,
      serves=lambda w: {body["member"] for _ref, body in _apart(w)})  # fmt: skip
def pay_unclaimed(w: Work) -> None:
    found = _apart(w)
    if not found:
        raise No("wrong-state", "member")
    lines: list[Line] = []
    funds: dict[str, int] = {}
    for ref, body in found:
        for fund, amount in body["funds"].items():
            lines.append((fund, f"893/{body['member']}", amount))
            funds[fund] = funds.get(fund, 0) + amount
        w.write("unclaimed", ref, body, state="paid")
    place_fund, place = place_of(w, receiving=False)
    for fund, amount in funds.items():
        lines += cash_out(place_fund, place, fund, amount)
    w.post(*summed(lines))


def summed(lines: list[Line]) -> list[Line]:
    """One line for each account."""
    found: dict[tuple[str, str], int] = {}
    for fund, code, amount in lines:
        found[fund, code] = found.get((fund, code), 0) + amount
    return [(fund, code, amount) for (fund, code), amount in found.items()]


# ------------------------------------------------------------------------------- from member to member


@rule("pay-member", "member:code to_member:code amount:money account:code? to_account:code? by_person:code?"
      " memo:memo?=", f"{TELLER} {TREASURER}", offered=("credit-union",),
      second=lambda w: w["amount"] > w.model.policy("withdrawal_alone"),
      serves=lambda w: {w["member"], w["to_member"]})  # fmt: skip
def pay_member(w: Work) -> None:
    """Where the policy allows it: out of the savings of one, into those of another, and no money leaves the house."""
    if w.model.policy("member_payments") != "yes":
        raise No("not-allowed", "to_member")
    source = savings(w, w["member"], w["account"])
    target = _paid_to(w)
    if source == target:
        raise No("invalid-value", "to_member")
    alive(w, w["member"])
    if w["by_person"] and owner_on(w, w["member"], source, w["by_person"], "by_person")["role"] == "beneficiary":
        raise No("wrong-state", "by_person")
    available(w, f"905/{source}", w["amount"])
    w.post((GEN, f"905/{source}", w["amount"]), (GEN, f"905/{target}", -w["amount"]))


def _paid_to(w: Work) -> str:
    active(w, w["to_member"], "to_member")
    contract = str(w["to_account"] or w["to_member"]).removeprefix("S-")
    found = w.model.find("savings", f"S-{contract}")
    if found is None or found["member"] != w["to_member"]:
        raise No("unknown", "to_member" if w["to_account"] is None else "to_account")
    return contract
