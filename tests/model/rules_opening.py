"""Old books taken over: balances with what their registers must know, 990 against them, until the opening is closed.

Loans come in with terms and history, which tests/bank/test_mid_life.py holds against old schedules; here a line that
speaks of one is without terms, and refused.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from tests.model.books import FOUNDED, GEN, POOL, READ, RULES, TREASURER, Fact, Line, Model, No, Work, rule
from tests.model.rules_funds import class_of, simple_interest
from tests.model.rules_year import ZERO_SUMS, _named, _require_past

MEMBERS_OWN = ("821", "823", "945", "946")
OF_LOANS, OF_NOTES = ("701", "781", "M10"), ("811", "851")


def founded(model: Model) -> None:
    model.put(0, "opening", "opening", {"state": "open"})


FOUNDED.append(founded)


def _note(value: Any) -> Any:
    """The terms of a note, each as it would be read alone."""
    fields = {"note": "code", "principal": "money", "annual_rate": "rate", "issued_on": "day", "due_on": "day",
              "interest_from": "day", "paid_interest": "money", "member": "code", "note_class": "code"}  # fmt: skip
    read = {name: READ[fields[name]](each) for name, each in value.items()}
    return None if None in read.values() else read


READ["oldnote"] = _note


def require_opening(w: Work) -> None:
    if w.model.get("opening", "opening", "opening")["state"] == "closed":
        raise No("wrong-state", "opening")


@rule("opening-balance", "memo:memo?= effective_on:day? lines:lines note:oldnote? lender:sometext?", TREASURER,
      second=True, serves=lambda _w: set())  # fmt: skip
def opening_balance(w: Work) -> None:
    require_opening(w)
    lines: list[Line] = w["lines"]
    on = w["effective_on"] or w.business_day
    if not w.business_day.replace(day=1) <= on <= w.business_day:
        raise No("invalid-date", "effective_on")
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for fund, code, amount in lines:
        sums[fund, code] += amount
    if on < w.business_day:
        _require_past(w, dict(sums), on)
    seen: set[tuple[str, str]] = set()
    for number, line in enumerate(lines):
        _taken_over(w, line, f"lines.{number}", seen)
    _note_taken_over(w, lines, on)
    _tied(lines)
    w.require_day()
    if w.model.locked.get(str(on)[:7]) == "locked":
        raise No("period-locked", "effective_on")
    of_fund: dict[tuple[str, bool], int] = defaultdict(int)
    for fund, code, amount in lines:
        of_fund[fund, code[0] == "M"] += amount
    if any(of_fund.values()):
        raise No("invalid-value", "lines")
    w.post(*lines, on=on)


def _taken_over(w: Work, line: Line, field: str, seen: set[tuple[str, str]]) -> None:
    fund, code, amount = line
    w.model.get("fund", fund, f"{field}.fund")
    gl, _stroke, contract = code.partition("/")
    if gl == "999":
        raise No("unknown", f"{field}.account")
    _in_its_place(w, fund, gl, contract, f"{field}.account")
    if (gl in MEMBERS_OWN and not contract) or gl == "825":
        raise No("invalid-value", f"{field}.account")
    member = _named(code)
    if (member is not None or re.match("[LN]-", contract)) and ((fund, code) in seen or w.balance(fund, code)):
        raise No("already-exists", f"{field}.account")
    seen.add((fund, code))
    if gl == "872" and amount < 0:
        ref = w.number_of_several("suspense", "U-", 5)
        w.write("suspense", ref, left=-amount, bank_account="FIRST")
    if member is not None:
        _of_member(w, line, member, f"{field}.account")


def _in_its_place(w: Work, fund: str, gl: str, contract: str, field: str) -> None:
    """Cash stands where it can be found again, claims in pairs; bills, cheques and things do not come so."""
    if fund == POOL and gl not in ("731", "739", "879"):
        raise No("invalid-value", field)
    wrong = (
        gl in ("735", "801") or (gl == "879" and fund != POOL) or (gl == "729" and contract)
        or (gl == "739" and (fund, contract) != (POOL, "VAULT")) or (gl == "731" and not contract)
        or re.fullmatch("FA-[0-9]{3,}", contract)
    )  # fmt: skip
    if wrong or (gl == "731" and w.model.get("bank-account", contract, field)["fund"] != fund):
        raise No("invalid-value", field)
    if gl == "879":
        w.model.get("fund", contract, field)
    if gl == "950" and w.model.kind != "worker-coop":
        raise No("not-offered", field)
    if gl == "950" and (fund != GEN or not re.fullmatch("M[0-9]{4,9}/[0-9]{4}", contract)):
        raise No("invalid-value", field)


def _of_member(w: Work, line: Line, member: str, field: str) -> None:
    fund, code, amount = line
    gl, contract = code[:3], code[4:]
    w.model.get("member", member, field)
    if gl in ("901", "903") and amount < 0 and -amount % w.model.get("share-class", gl, field)["par"]:
        raise No("invalid-amount", field)
    if gl == "905":
        if fund != GEN or "/" in contract:
            raise No("invalid-value", field)
        if w.model.kind not in RULES["open-savings"].offered:
            raise No("not-offered", field)
        if w.model.find("savings", f"S-{contract}") is None:
            w.write("savings", f"S-{contract}", member=member, rate="0")
    if gl == "893" and amount < 0:
        ref = w.number_of_several("unclaimed", "UP-", 5)
        w.write("unclaimed", ref, member=member, funds={fund: -amount}, state="set apart")


def _note_taken_over(w: Work, lines: list[Line], on: Any) -> None:
    """A balance without terms is refused, and the reverse."""
    old: Fact | None = w["note"]
    if (old is None) != (w["lender"] is None):
        raise No("invalid-value", "lender")
    owed: dict[str, int] = {"811": 0, "851": 0}
    fund = None
    for number, (of, code, amount) in enumerate(lines):
        gl, _stroke, contract = code.partition("/")
        if gl not in OF_LOANS + OF_NOTES:
            continue
        if gl in OF_LOANS or old is None or contract != old["note"]:
            raise No("invalid-value", f"lines.{number}.account")
        if of != (fund or of) or amount > 0:
            raise No("invalid-value", f"lines.{number}.account")
        fund = of
        owed[gl] -= amount
    if old is None:
        return
    if fund is None:
        raise No("invalid-value", "lines")
    _require_note(w, old, fund, owed["811"], on)
    since = old.get("interest_from") or on
    earned = simple_interest(owed["811"], old["annual_rate"], (on - since).days)
    w.write("note", old["note"], member=old.get("member"), fund=fund, rate=old["annual_rate"], since=since,
            owed=owed["811"], accrued=owed["851"], of_segment=min(owed["851"], earned),
            paid=old.get("paid_interest") or 0, note_class=old.get("note_class") or "A",
            due_on=old["due_on"])  # fmt: skip


def _require_note(w: Work, old: Fact, fund: str, principal: int, on: Any) -> None:
    if not re.fullmatch("N-[0-9]{3,9}", old["note"]):
        raise No("invalid-value", "lines")
    if w.model.find("note", old["note"]) is not None:
        raise No("already-exists", "lines")
    if old.get("member") is not None:
        w.model.get("member", old["member"], "note")
    if class_of(w, fund) in ("pool", "reserve"):
        raise No("invalid-value", "fund")
    since = old.get("interest_from") or on
    if old["due_on"] <= old["issued_on"] or not old["issued_on"] <= since <= on:
        raise No("invalid-date", "note")
    if principal > old["principal"]:
        raise No("invalid-amount", "note")


def _tied(lines: list[Line]) -> None:
    """What a fund claims is what the pool owes it; memo accounts stand in pairs."""
    claims: dict[str, int] = defaultdict(int)
    for fund, code, amount in lines:
        gl, _stroke, contract = code.partition("/")
        if gl in ("729", "879"):
            claims[fund if gl == "729" else contract] += amount
        elif gl[0] == "M":
            claims[f"{fund} {gl[:2]}"] += amount
    if any(claims.values()):
        raise No("invalid-value", "lines")


@rule("close-opening", "", TREASURER, second=True, reversible=False)
def close_opening(w: Work) -> None:
    require_opening(w)
    if any(balance for (_fund, code), balance in w.model.leaves.items() if code[:3] == "990"):
        raise No("wrong-state", "opening")
    for group in ZERO_SUMS:
        if sum(balance for (_fund, code), balance in w.model.leaves.items() if code[:3] in group):
            raise No("wrong-state", "opening")
    w.write("opening", "opening", state="closed")
