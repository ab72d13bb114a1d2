"""The life of a member: who stands beside them on their accounts, contact lost and found, their death and what is left.

While a member lives, joint owners and signers take money out beside them. After a death nobody does: two people pay
what was left to joint owners, beneficiaries or the estate.
"""

from __future__ import annotations

from tests.model.books import ADMIN, GEN, OFFICER, TELLER, TREASURER, Fact, No, Work, beside, rule
from tests.model.rules_counter import PAYING, active, alive, available, own_shares, owner_on, pay, savings

AT_THE_COUNTER = f"{TELLER} {OFFICER} {TREASURER} {ADMIN}"
HEIRS = ("joint-owner", "beneficiary")
LEFT = ("821", "823", "825", "871", "875", "901", "903", "905")
"""What somebody has here that can be paid out."""


@rule("add-joint-owner", "member:code role:joint-owner|authorised-signer|beneficiary?=joint-owner person:code?"
      " person_name:sometext? account:code?", AT_THE_COUNTER, reversible=False,
      serves=lambda w: {w["member"], w["person"]} - {None})  # fmt: skip
def add_joint_owner(w: Work) -> None:
    active(w, w["member"])
    alive(w, w["member"])
    if (w["person"] is None) == (w["person_name"] is None):
        raise No("invalid-value", "person")
    account = (w["account"] or "").removeprefix("S-")
    if w["person"] is not None:
        if w["person"] == w["member"]:
            raise No("invalid-value", "person")
        active(w, w["person"], "person")
        alive(w, w["person"], "person")
        for _ref, body in w.model.every("joint-owner"):
            if body["state"] == "active" and (body["member"], body["person"], body["role"], body["account"]) == (
                w["member"], w["person"], w["role"], account,
            ):  # fmt: skip
                raise No("already-exists", "person")
    if w["account"] is not None:
        savings(w, w["member"], w["account"])
    ref = w.number_of("joint-owner", "J-", 5)
    w.write("joint-owner", ref, member=w["member"], person=w["person"], role=w["role"], account=account,
            state="active")  # fmt: skip


def _of_person(w: Work) -> set[str]:
    found = w.model.find("joint-owner", w["person"])
    return set() if found is None else beside(w.model, {found["member"]})


@rule("remove-joint-owner", "person:code", AT_THE_COUNTER, second=True, reversible=False, serves=_of_person)
def remove_joint_owner(w: Work) -> None:
    found = w.model.get("joint-owner", w["person"], "person")
    if found["state"] != "active":
        raise No("wrong-state", "person")
    if found["role"] in HEIRS:
        alive(w, found["member"], "person")
    w.write("joint-owner", w["person"], found, state="removed")


# ------------------------------------------------------------------------------------------------ death


@rule("record-death", "member:code died_on:day evidence:sometext", AT_THE_COUNTER, reversible=False)
def record_death(w: Work) -> None:
    active(w, w["member"])
    if w.model.is_dead(w["member"]):
        raise No("already-exists", "member")
    if w["died_on"] > w.business_day:
        raise No("invalid-date", "died_on")
    w.write("death", w["member"], state="recorded")


@rule("withdraw-death", "member:code", AT_THE_COUNTER, second=True, reversible=False)
def withdraw_death(w: Work) -> None:
    if not w.model.is_dead(w["member"]):
        raise No("wrong-state", "member")
    w.write("death", w["member"], state="mistaken")


@rule("pay-estate", PAYING + "member:code account:sometext amount:money to_person:code? estate_name:sometext?"
      " papers:sometext?", f"{TELLER} {TREASURER}", second=True,
      serves=lambda w: beside(w.model, {w["member"]}))  # fmt: skip
def pay_estate(w: Work) -> None:
    member, amount = w["member"], w["amount"]
    w.model.get("member", member, "member")
    if not w.model.is_dead(member):
        raise No("wrong-state", "member")
    code = _left_on(w)
    gl = code[:3]
    _require_heir(w, code[4:] if gl == "905" else "")
    if gl in ("901", "903"):
        if amount > -w.balance(GEN, code) - w.model.held(GEN, code):
            raise No("overdrawn", "amount")
        if amount % w.model.get("share-class", gl, "account")["par"]:
            raise No("invalid-amount", "amount")
        own_shares(w, code, amount)
    else:
        available(w, code, amount)
    if gl == "825":
        _settle(w)
    w.post((GEN, code, amount), *pay(w, GEN, amount))


def _left_on(w: Work) -> str:
    """Which account is meant, written as S-M0007, 905/M0007 or 901; it is one that the member ever had."""
    named = w["account"].strip().upper()
    meant = f"905/{named.removeprefix('S-')}" if named.startswith(("S-", "M")) else named
    had = {code for fund, code in w.model.dated if fund == GEN and code[:3] in LEFT}
    had |= {f"905/{ref[2:]}" for (kind, ref) in w.model.facts if kind == "savings"}
    for code in sorted(had):
        contract = code[4:]
        mine = contract == w["member"] or contract.startswith((f"{w['member']}-", f"{w['member']}."))
        if mine and meant in (code, code[:3]):
            return code
    raise No("unknown", "account")


def _require_heir(w: Work, account: str) -> None:
    if (w["to_person"] is None) == (w["estate_name"] is None):
        raise No("invalid-value", "to_person")
    if w["to_person"] is None:
        if w["papers"] is None:
            raise No("invalid-value", "papers")
        return
    if owner_on(w, w["member"], account, w["to_person"], "to_person")["role"] not in HEIRS:
        raise No("wrong-state", "to_person")


def _settle(w: Work) -> None:
    """Redemptions that wait are paid whole, the earliest first."""
    waiting = sorted((body["payable_on"], ref) for ref, body in w.model.every("redemption")
                     if body["member"] == w["member"] and body["state"] == "waiting")  # fmt: skip
    whole = 0
    for payable_on, ref in waiting:
        if whole >= w["amount"]:
            break
        if w.business_day < payable_on:
            raise No("wrong-state", "account")
        body: Fact = w.model.get("redemption", ref, "account")
        whole += body["amount"]
        w.write("redemption", ref, body, state="paid", paid_on=w.business_day)
    if waiting and whole != w["amount"]:
        raise No("invalid-amount", "amount")


# ---------------------------------------------------------------------------------------------- contact


@rule("lost-contact", "member:code lost_on:day? how:sometext?", AT_THE_COUNTER, reversible=False)
def lost_contact(w: Work) -> None:
    active(w, w["member"])
    known = w.model.find("contact", w["member"]) or {"lost": None, "last": None}
    if known["lost"] is not None:
        raise No("already-exists", "member")
    day = w["lost_on"] or w.business_day
    if day > w.business_day:
        raise No("invalid-date", "lost_on")
    w.write("contact", w["member"], known, lost=day)


@rule("found-again", "member:code how:sometext on:day?", AT_THE_COUNTER, reversible=False)
def found_again(w: Work) -> None:
    w.model.get("member", w["member"], "member")
    alive(w, w["member"])
    known = w.model.find("contact", w["member"]) or {"lost": None, "last": None}
    day = w["on"] or w.business_day
    if day > w.business_day or (known["last"] is not None and day < known["last"]):
        raise No("invalid-date", "on")
    lost = known["lost"] if known["lost"] is not None and day < known["lost"] else None
    noticed = known.get("noticed")
    w.write("contact", w["member"], lost=lost, last=day,
            noticed=noticed if noticed is not None and day < noticed else None)  # fmt: skip
