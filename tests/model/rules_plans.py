"""Budgets, and the registers of the land: what a fund may spend in a year, parcels bought, leases and their rent."""

from __future__ import annotations

import re
from typing import Any

from tests.model.books import ADMIN, GEN, OFFICER, READ, TELLER, TREASURER, Fact, No, Work, minor, rule
from tests.model.rules_counter import PAYING, RECEIVING, pay, receive
from tests.model.rules_funds import BY_RULE, EXPENSES, INCOME, class_of, spendable

OFFICE = f"{TREASURER} {ADMIN}"

READ["budgetlines"] = lambda value: [(each.split()[0], minor(each.split()[1])) for each in value] or None


@rule("set-budget", "year:duesyear lines:budgetlines resolution:sometext fund:code?=GEN gift:code? why:memo?=", OFFICE,
      second=True, reversible=False)  # fmt: skip
def set_budget(w: Work) -> None:
    if w["year"] < w.business_day.year:
        raise No("invalid-date", "year")
    fund = w["fund"]
    spendable(w, fund)
    if w["gift"] is not None:
        fund = w.model.get("gift", w["gift"], "gift")["fund"]
        if w["fund"] not in (fund, GEN):
            raise No("invalid-value", "fund")
    lines: dict[str, int] = {}
    for number, (code, amount) in enumerate(w["lines"]):
        if code == "999":
            raise No("unknown", f"lines.{number}.account")
        if code not in EXPENSES | INCOME | BY_RULE | {"751", "771", "772"} or code in lines:
            raise No("invalid-value", f"lines.{number}.account")
        lines[code] = amount
    ref = "-".join((str(w["year"]), fund, *([w["gift"]] if w["gift"] else ())))
    before = w.model.find("budget", ref)
    if before is not None and before["lines"] == lines:
        raise No("invalid-value", "lines")
    if before is not None and not w["why"]:
        raise No("invalid-value", "why")
    if before is None:
        w.created.append(ref)
    w.write("budget", ref, lines=lines)


# ------------------------------------------------------------------------------------------- registers

KEEPING = f"{TELLER} {OFFICER} {TREASURER} {ADMIN}"
FIELDS = {
    "PARCELS": {"parcel": "text!", "place": "text", "use": "housing|farm|commercial|open!", "bought_on": "date!",
                "price": "amount!", "closing_costs": "amount", "fund": "text", "gift": "text", "covenant": "text",
                "deed": "document"},
    "LEASES": {"parcel": "entry!", "member": "member!", "begins": "date!", "ends": "date", "rent": "amount!",
               "price": "amount", "share_percent": "number", "improvements": "amount", "formula": "text!",
               "lease": "document"},
}  # fmt: skip
"""Of the registers that come with the program; ! is required."""

READ["values"] = lambda value: dict(sorted(re.split(r"\s*:\s*", each, maxsplit=1) for each in value))
READ["parcel"] = lambda value: value if isinstance(value, str) and re.fullmatch("P-[0-9]{1,6}", value) else None


@rule("define-register", "template:PARCELS|LEASES? code:CODE? ended:yes?=no", OFFICE, second=True, reversible=False)
def define_register(w: Work) -> None:
    code = w["code"] or w["template"]
    if code is None or (w["template"] is not None and code != w["template"]):
        raise No("invalid-value", "code")
    before = w.model.find("register", code)
    if w["template"] is None and before is None:
        raise No("invalid-value", "code" if code in FIELDS else "fields")
    if code == "LEASES" and w.model.find("register", "PARCELS") is None:
        raise No("unknown", "fields")
    after = {"state": "ended" if w["ended"] else "kept"}
    if after == before:
        raise No("invalid-value", "fields")
    if before is None:
        w.created.append(code)
    w.write("register", code, after)


def kept_register(w: Work, code: str) -> None:
    if w.model.get("register", code, "register_code")["state"] != "kept":
        raise No("wrong-state", "register_code")


def _read(w: Work, register: str, before: Fact) -> Fact:
    """The values as they are kept, those before changed by what is said now; empty ones go."""
    fields, values = FIELDS[register], dict(before)
    for name, raw in w["values"].items():
        if name not in fields:
            raise No("invalid-value", f"values.{name}")
        values.pop(name, None)
        if raw:
            values[name] = _value(w, fields[name].rstrip("!"), name, raw)
    for name, kind in fields.items():
        if kind.endswith("!") and name not in values:
            raise No("invalid-value", f"values.{name}")
    return values


def _value(w: Work, kind: str, name: str, raw: str) -> Any:
    reader = {"date": "day", "amount": "counted", "member": "code", "entry": "code", "text": "memo"}.get(kind)
    value = raw if reader is None else READ[reader](raw)
    if value is None or ("|" in kind and raw not in kind.split("|")):
        raise No("invalid-value", f"values.{name}")
    if kind == "member":
        w.model.get("member", value, f"values.{name}")
    if kind == "entry":
        found = w.model.find("register-entry", value)
        if found is None or found["state"] == "mistaken" or not value.startswith("PARCELS-"):
            raise No("unknown", f"values.{name}")
    return value


def _concerned(w: Work, *values: Fact) -> set[str]:
    return {str(each["member"]) for each in values if each.get("member")}


@rule("add-entry", "register_code:code values:values", KEEPING, reversible=False,
      serves=lambda w: _concerned(w, w["values"] if w.model.find("register", w["register_code"]) else {}))  # fmt: skip
def add_entry(w: Work) -> None:
    code = w["register_code"]
    kept_register(w, code)
    values = _read(w, code, {})
    ref = w.number_of("register-entry", f"{code}-", 5)
    w.write("register-entry", ref, values=values, state="open", fixed=())


def _of_entry(w: Work) -> set[str]:
    found = w.model.find("register-entry", w["entry"])
    if found is None or "member" not in FIELDS[w["entry"].partition("-")[0]]:
        return set()
    return _concerned(w, found["values"], w["values"] or {})


def _known(w: Work) -> Fact:
    found = w.model.get("register-entry", w["entry"], "entry")
    if found["state"] == "mistaken":
        raise No("wrong-state", "entry")
    return found


@rule("change-entry", "entry:code values:values why:somememo", KEEPING, reversible=False, serves=_of_entry)
def change_entry(w: Work) -> None:
    found = _known(w)
    values = _read(w, w["entry"].partition("-")[0], found["values"])
    for name in found["fixed"]:
        if values.get(name) != found["values"].get(name):
            raise No("wrong-state", f"values.{name}")
    if values == found["values"]:
        raise No("invalid-value", "values")
    gone = w.model.find("disposal", w["entry"]) is not None  # what was sold stays closed
    w.write("register-entry", w["entry"], found, values=values, state=found["state"] if gone else "open")


@rule("close-entry", "entry:code why:somememo mistaken:yes?=no", KEEPING, reversible=False, serves=_of_entry,
      second=lambda w: w["mistaken"])  # fmt: skip
def close_entry(w: Work) -> None:
    found, state = _known(w), "mistaken" if w["mistaken"] else "closed"
    if w["mistaken"] and found["fixed"]:
        raise No("wrong-state", "mistaken")
    if found["state"] == state:
        raise No("already-exists", "entry")
    w.write("register-entry", w["entry"], found, state=state)


# ------------------------------------------------------------------------------------------------ land


@rule("buy-parcel", PAYING + "parcel:parcel price:money closing_costs:counted?=0 use:housing|farm|commercial|open"
      " resolution:sometext deed:sometext place:text?= covenant:text?= fund:code?=CLT gift:code?", TREASURER,
      second=True, moves=lambda w: w["price"] + w["closing_costs"])  # fmt: skip
def buy_parcel(w: Work) -> None:
    fund, parcel, cost = w["fund"], w["parcel"], w["price"] + w["closing_costs"]
    spendable(w, fund)
    kept_register(w, "PARCELS")
    for ref, body in w.model.every("register-entry"):
        kept = body["fixed"] and w.model.find("disposal", ref) is None  # what was sold may be bought again
        if ref.startswith("PARCELS-") and kept and body["values"]["parcel"] == parcel:
            raise No("already-exists", "parcel")
    if w.balance(fund, f"771/{parcel}"):
        raise No("already-exists", "parcel")
    _of_gift(w, cost)
    values = {"parcel": parcel, "place": w["place"], "use": w["use"], "bought_on": w.business_day, "price": w["price"],
              "closing_costs": w["closing_costs"], "fund": fund, "gift": w["gift"],
              "covenant": w["covenant"]}  # fmt: skip
    w.post((fund, f"771/{parcel}", cost), *pay(w, fund, cost))
    w.write("register-entry", w.number_of("register-entry", "PARCELS-", 5), state="open",
            values={name: value for name, value in values.items() if value not in (None, "")},
            fixed=("parcel", "price", "closing_costs", "fund", "gift", "use"))  # fmt: skip


def _of_gift(w: Work, cost: int) -> None:
    """What was given for land is met by the purchase; the land stays in the gift's fund."""
    if w["gift"] is None:
        if class_of(w, w["fund"]) in ("restricted", "conditional"):
            raise No("wrong-state", "gift")
        return
    gift = w.model.get("gift", w["gift"], "gift")
    if gift["fund"] != w["fund"]:
        raise No("invalid-value", "fund")
    if cost > gift["amount"] - gift["released"]:
        raise No("overdrawn", "price")
    w.write("gift", w["gift"], gift, released=gift["released"] + cost)


def _leaseholder(w: Work) -> set[str]:
    found = w.model.find("register-entry", w["lease"])
    return set() if found is None else _concerned(w, found["values"])


@rule("receive-ground-rent", RECEIVING + "lease:code month:month amount:money", f"{TELLER} {OFFICE}",
      serves=_leaseholder)  # fmt: skip
def receive_ground_rent(w: Work) -> None:
    lease, ref = w.model.get("register-entry", w["lease"], "lease"), f"{w['lease']}/{w['month']}"
    if not w["lease"].startswith("LEASES-"):
        raise No("invalid-value", "lease")
    if lease["state"] != "open":
        raise No("wrong-state", "lease")
    ends = str(lease["values"].get("ends", "9999-12-31"))
    if not str(lease["values"]["begins"])[:7] <= w["month"] <= ends[:7]:
        raise No("wrong-state", "month")
    paid = (w.model.find("ground-rent", ref) or {"paid": 0})["paid"]
    if w["amount"] > lease["values"]["rent"] - paid:
        raise No("invalid-amount", "amount")
    fund = w.model.get("register-entry", lease["values"]["parcel"], "lease")["values"].get("fund", "CLT")
    if w.model.find("disposal", lease["values"]["parcel"]) is not None:
        raise No("wrong-state", "lease")
    spendable(w, fund, "lease")
    w.post(*receive(w, fund, w["amount"]), (fund, f"151/{w['lease']}", -w["amount"]))
    w.write("ground-rent", ref, paid=paid + w["amount"])
