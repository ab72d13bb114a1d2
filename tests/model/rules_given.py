"""Given and owed around the members: solidarity grants, sponsored shares, the bank's interest, institutions, dues."""

from __future__ import annotations

import re
from datetime import date

from tests.model.books import (
    ADMIN,
    GEN,
    OFFICER,
    POOL,
    READ,
    TELLER,
    TREASURER,
    Fact,
    Line,
    Model,
    No,
    Work,
    days,
    rule,
)
from tests.model.rules_counter import PAYING, RECEIVING, active, pay, receive, subscription
from tests.model.rules_funds import claim, class_of, expense_of, release, spendable
from tests.model.story import halves

OFFICE = f"{TREASURER} {ADMIN}"


def own_expense(w: Work, fund: str) -> None:
    """A fund that may spend what it has without releasing a gift."""
    spendable(w, fund)
    if class_of(w, fund) in ("restricted", "conditional", "reserve"):
        raise No("wrong-state", "fund")


# ------------------------------------------------------------------------------------ solidarity grants

KEEPERS = f"{OFFICER} {TREASURER} {ADMIN}"
NEEDS = "telephone|ride|funeral|food|rent|energy|medicine|childcare|strike|other"
A_CASE, A_YEAR = 25_000, 50_000
"""At most for a case, and for somebody in a calendar year."""


def same_words(name: str) -> list[str]:
    return sorted(re.sub(r"[\W_]+", " ", name.casefold()).split())


@rule("give-aid", PAYING + f"recipient:sometext aid_kind:{NEEDS} amount:money need:sometext criteria:sometext"
      " relation:sometext recipient_member:code? official:yes?=no resolution:text?= fund:code? gift:code?"
      " paid_to:biller|recipient?=biller number:code? biller:sometext?", KEEPERS, approvers=tuple(KEEPERS.split()),
      second=True,
      serves=lambda w: {w["recipient_member"]} if w["recipient_member"] else set())  # fmt: skip
def give_aid(w: Work) -> None:
    member = w["recipient_member"]
    if member is not None:
        w.model.get("member", member, "recipient_member")
    for user in (w.who, w.approver):
        known = w.model.find("user", user) if user else None
        if known is not None and known.get("name", "").casefold() == w["recipient"].casefold():
            raise No("own-account", "recipient")
    staff = [body for _name, body in w.model.every("user") if body["active"]]
    kin = member is not None and any(member == body["member"] or member in body["relatives"] for body in staff)
    if (w["official"] or kin) and not w["resolution"]:
        raise No("not-allowed", "resolution")
    fund = w["fund"] or "SOL"
    class_of(w, fund)
    if w["amount"] > A_CASE or _given_this_year(w) + w["amount"] > A_YEAR:
        raise No("limit-reached", "amount")
    if w["number"] is None:
        ref = w.number_of("aid-case", "S-", 2)
    elif w.model.facts.get(("aid-case", w["number"])):
        raise No("already-exists", "number")
    else:
        ref = w["number"]
        w.created.append(ref)
    lines, owner = _aid(w, fund)
    w.post(*lines, *pay(w, owner, w["amount"]))
    w.write("aid-case", ref, amount=w["amount"], returned=0, receipted=0, fund=owner, gift=w["gift"], member=member,
            name=w["recipient"], on=w.business_day)  # fmt: skip


def _given_this_year(w: Work) -> int:
    """To the same person: by member number where both say one, by name else."""
    found = 0
    for _ref, case in w.model.every("aid-case"):
        if case["name"] is None:  # it was forgotten
            continue
        if w["recipient_member"] and case["member"]:
            same = w["recipient_member"] == case["member"]
        else:
            same = same_words(w["recipient"]) == same_words(case["name"])
        if same and case["on"].year == w.business_day.year:
            found += case["amount"] - case["returned"]
    return found


def _aid(w: Work, fund: str) -> tuple[list[Line], str]:
    """The expense is the general fund's, and the fund that gives releases as much."""
    if w["gift"] is not None:
        owner, lines = release(w, w["amount"], "366")
        if w["fund"] not in (None, owner):
            raise No("invalid-value", "fund")
        return lines, owner
    own_expense(w, fund)
    if fund != GEN and class_of(w, fund) not in ("restricted", "designated"):
        raise No("invalid-value", "fund")
    return _released(fund, w["amount"], ""), fund


def _released(fund: str, amount: int, gift: str) -> list[Line]:
    if fund == GEN:
        return [(GEN, "366", amount)]
    return [(GEN, "366", amount), (GEN, "185", -amount), (fund, f"186/{gift}" if gift else "186", amount)]


def _of_case(w: Work) -> set[str]:
    found = w.model.find("aid-case", w["case"])
    return {found["member"]} if found is not None and found["member"] else set()


@rule("file-aid-receipt", "case:code amount:money receipt:sometext", KEEPERS, approvers=tuple(KEEPERS.split()),
      reversible=False, serves=_of_case)  # fmt: skip
def file_aid_receipt(w: Work) -> None:
    case = w.model.get("aid-case", w["case"], "case")
    if w["amount"] > case["amount"] - case["returned"] - case["receipted"]:
        raise No("invalid-amount", "amount")
    w.write("aid-case", w["case"], case, receipted=case["receipted"] + w["amount"])


@rule("return-aid", RECEIVING + "case:code amount:money why:somememo", OFFICE, serves=_of_case)
def return_aid(w: Work) -> None:
    case, amount = w.model.get("aid-case", w["case"], "case"), w["amount"]
    if amount > case["amount"] - case["returned"]:
        raise No("invalid-amount", "amount")
    money = receive(w, case["fund"], amount)
    if case["gift"] is not None:
        gift = w.model.get("gift", case["gift"], "gift")
        w.write("gift", case["gift"], gift, released=gift["released"] - amount)
    taken_back = ((fund, code, -n) for fund, code, n in _released(case["fund"], amount, case["gift"] or ""))
    w.post(*money, *taken_back)
    returned = case["returned"] + amount
    w.write("aid-case", w["case"], case, returned=returned,
            receipted=min(case["receipted"], case["amount"] - returned))  # fmt: skip


# ------------------------------------------------------------------------------------- sponsored shares


def _sponsored_lines(fund: str, leaf: str, amount: int) -> list[Line]:
    return [(fund, "366", amount), *claim(fund, GEN, amount), (GEN, leaf, -amount)]


@rule("sponsor-shares", "member:code amount:money fund:code resolution:sometext share_class:code?=901", TREASURER,
      second=True)  # fmt: skip
def sponsor_shares(w: Work) -> None:
    active(w, w["member"])
    kind = w.model.get("share-class", w["share_class"], "share_class")
    own_expense(w, w["fund"])
    if w["fund"] == GEN:
        raise No("invalid-value", "fund")
    if w["amount"] % kind["par"]:
        raise No("invalid-amount", "amount")
    leaf = f"{w['share_class']}/{w['member']}"
    has = -w.balance(GEN, leaf) - w.balance(GEN, subscription(w["member"], w["share_class"]))
    if kind["most"] is not None and has + w["amount"] > kind["most"] * kind["par"]:
        raise No("invalid-amount", "amount")
    ref = w.number_of("sponsorship", "SP-", 4)
    w.post(*_sponsored_lines(w["fund"], leaf, w["amount"]))
    w.write("sponsorship", ref, member=w["member"], leaf=leaf, fund=w["fund"], left=w["amount"])


def _sponsored_member(w: Work) -> set[str]:
    found = w.model.find("sponsorship", w["sponsorship"])
    return set() if found is None else {found["member"]}


@rule("return-sponsored-shares", "sponsorship:code why:somememo amount:money?", TREASURER, second=True,
      serves=_sponsored_member)  # fmt: skip
def return_sponsored_shares(w: Work) -> None:
    found = w.model.get("sponsorship", w["sponsorship"], "sponsorship")
    amount = w["amount"] or found["left"]
    if not found["left"] or amount > found["left"]:
        raise No("overdrawn", "amount" if w["amount"] else "sponsorship")
    if amount % w.model.get("share-class", found["leaf"][:3], "sponsorship")["par"]:
        raise No("invalid-amount", "amount")
    w.post(*((fund, code, -n) for fund, code, n in _sponsored_lines(found["fund"], found["leaf"], amount)))
    w.write("sponsorship", w["sponsorship"], found, left=found["left"] - amount)


# ------------------------------------------------------------------------------------ the bank's interest


def claim_days(model: Model, start: date, end: date) -> dict[str, int]:
    """Of each fund its claim on pooled cash at the end of each day, added up; a day below zero counts nothing."""
    found = {}
    for (fund, code), moved in model.dated.items():
        if code == "729":
            ends = sorted((max(day, start), amount) for day, amount in moved if day <= end)
            held, at, weight = 0, start, 0
            for day, amount in [*ends, (end + days(1), 0)]:
                weight += max(0, held) * (day - at).days
                held, at = held + amount, day
            found[fund] = weight
    return {fund: weight for fund, weight in sorted(found.items()) if weight}


@rule("receive-bank-interest", "amount:money start:day end:day bank_account:code?", TREASURER)
def receive_bank_interest(w: Work) -> None:
    ref, amount = w["bank_account"] or "FIRST", w["amount"]
    fund = w.model.get("bank-account", ref, "bank_account")["fund"]
    if w["end"] > w.business_day:
        raise No("invalid-date", "end")
    if w["start"] > w["end"]:
        raise No("invalid-date", "start")
    for _ref, known in w.model.every("bank-interest"):
        if known["account"] == ref and known["start"] <= w["end"] and w["start"] <= known["end"]:
            raise No("already-exists", "start")
    lines: list[Line] = [(fund, f"731/{ref}", amount)]
    if fund == POOL:
        weights = claim_days(w.model, w["start"], w["end"]) or {GEN: 1}
        for owner, part in zip(weights, halves(amount, list(weights.values())), strict=True):
            lines += [(POOL, f"879/{owner}", -part), (owner, "729", part), (owner, "127", -part)]
    else:
        lines.append((fund, "127", -amount))
    w.post(*lines)
    w.write("bank-interest", f"{ref}/{w['end']}", account=ref, start=w["start"], end=w["end"])


# ------------------------------------------------------------------------------------ other institutions


def _hexadecimal(count: int, value: object) -> object:
    text = value.strip().lower() if isinstance(value, str) else ""
    return text if re.fullmatch(f"[0-9a-f]{{{count}}}", text) else None


READ["book"] = lambda value: _hexadecimal(32, value)
READ["head"] = lambda value: _hexadecimal(16, value)
READ["duesyear"] = lambda value: value if type(value) is int and 1900 <= value <= 9998 else None


@rule("add-institution", "code:CODE institution_name:sometext book:book", OFFICE, second=True, reversible=False)
def add_institution(w: Work) -> None:
    if w.model.find("partner", w["code"]) is not None:
        raise No("already-exists", "code")
    if any(body["book"] == w["book"] for _ref, body in w.model.every("partner")):
        raise No("already-exists", "book")
    w.created.append(w["code"])
    w.write("partner", w["code"], book=w["book"])


PAIRING = "institution:code amount:money memo:somememo fund:code?=GEN "


def _pair(w: Work, side: str, reference: str | None) -> None:
    for _ref, known in w.model.every("pair"):
        if (known["institution"], known["side"], known["reference"]) == (w["institution"], side, reference):
            raise No("already-exists", "reference")
    w.write("pair", w.number_of("pair", "IP-", 4), institution=w["institution"], side=side, fund=w["fund"],
            reference=reference or w.number, amount=w["amount"], left=w["amount"], confirmed=None)  # fmt: skip


@rule("owe-institution", PAIRING + "expense:expense?=366", OFFICE, second=True)
def owe_institution(w: Work) -> None:
    w.model.get("partner", w["institution"], "institution")
    expense = expense_of(w)
    own_expense(w, w["fund"])
    _pair(w, "owes", None)
    w.post((w["fund"], expense, w["amount"]), (w["fund"], f"892/{w['institution']}", -w["amount"]))


@rule("claim-from-institution", PAIRING + "reference:sometext income:code?=181", OFFICE, second=True)
def claim_from_institution(w: Work) -> None:
    w.model.get("partner", w["institution"], "institution")
    spendable(w, w["fund"])
    if w["income"] == "999":
        raise No("unknown", "income")
    if w["income"] not in ("131", "151", "181"):
        raise No("invalid-value", "income")
    _pair(w, "is owed", w["reference"])
    w.post((w["fund"], f"792/{w['institution']}", w["amount"]), (w["fund"], w["income"], -w["amount"]))


@rule("confirm-pair", "pair:code their_operation:rows their_head:head their_amount:money", OFFICE, reversible=False)
def confirm_pair(w: Work) -> None:
    pair = w.model.get("pair", w["pair"], "pair")
    if w["their_amount"] != pair["amount"]:
        raise No("invalid-amount", "their_amount")
    confirmed = (w["their_operation"], w["their_head"])
    if pair["confirmed"] == confirmed:
        raise No("already-exists", "pair")
    w.write("pair", w["pair"], pair, confirmed=confirmed)


def _settled(w: Work, side: str) -> Fact:
    pair = w.model.get("pair", w["pair"], "pair")
    if pair["side"] != side:
        raise No("wrong-state", "pair")
    if w["amount"] > pair["left"]:
        raise No("invalid-amount", "amount")
    w.write("pair", w["pair"], pair, left=pair["left"] - w["amount"])
    return pair


@rule("pay-institution", PAYING + "pair:code amount:money", OFFICE, second=True)
def pay_institution(w: Work) -> None:
    pair = _settled(w, "owes")
    w.post((pair["fund"], f"892/{pair['institution']}", w["amount"]), *pay(w, pair["fund"], w["amount"]))


@rule("receive-from-institution", RECEIVING + "pair:code amount:money", OFFICE)
def receive_from_institution(w: Work) -> None:
    pair = _settled(w, "is owed")
    w.post(*receive(w, pair["fund"], w["amount"]), (pair["fund"], f"792/{pair['institution']}", -w["amount"]))


# ------------------------------------------------------------------------------------------------- dues


@rule("bill-dues", "member:code year:duesyear amount:money?", OFFICE)
def bill_dues(w: Work) -> None:
    active(w, w["member"])
    if abs(w["year"] - w.business_day.year) > 1:
        raise No("invalid-date", "year")
    if any(body["member"] == w["member"] and body["year"] == w["year"] for _ref, body in w.model.every("dues")):
        raise No("already-exists", "year")
    if w["amount"] is None:
        raise No("invalid-value", "amount")
    ref = w.number_of("dues", "DU-", 3)
    w.post((GEN, f"791/{ref}", w["amount"]), (GEN, "131", -w["amount"]))
    w.write("dues", ref, member=w["member"], year=w["year"], left=w["amount"])


def _of_dues(w: Work) -> set[str]:
    found = w.model.find("dues", w["dues"])
    return set() if found is None else {found["member"]}


@rule("receive-dues", RECEIVING + "dues:code amount:money", f"{TELLER} {OFFICE}", serves=_of_dues)
def receive_dues(w: Work) -> None:
    found = w.model.get("dues", w["dues"], "dues")
    if not found["left"]:
        raise No("wrong-state", "dues")
    if w["amount"] > found["left"]:
        raise No("invalid-amount", "amount")
    w.post(*receive(w, GEN, w["amount"]), (GEN, f"791/{w['dues']}", -w["amount"]))
    w.write("dues", w["dues"], found, left=found["left"] - w["amount"])
