"""Funds: gifts, bills, money between funds, unknown receipts, notes, grants; and what staff and policies may be."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from tests.model.books import (
    ADMIN,
    GEN,
    OFFICER,
    POOL,
    READ,
    SUPERVISOR,
    TELLER,
    TREASURER,
    Fact,
    Line,
    No,
    Work,
    minor,
    rule,
    words,
)
from tests.model.rules_counter import EVERYBODY, PAYING, RECEIVING, cash_in, cash_out, folded, pay, receive, savings

COUNTER = f"{TELLER} {TREASURER}"
BILLS = f"{COUNTER} {ADMIN}"
BETWEEN = (SUPERVISOR, TREASURER)
CLASSES = "restricted|reserve|revolving|designated|conditional|general"
EXPENSES = words("210 220 230 240 250 260 270 271 280 290 310 320 366 370")  # but for those posted by rule
INCOME = words("111 116 117 119 127 131 132 151 181 182 185 186 187 188")
BY_RULE = words("301 330 341 350 381 385 386")
OTHERS = words("701 729 731 739 801 901 905 931 940")


def class_of(w: Work, fund: str, field: str = "fund") -> str:
    return str(w.model.get("fund", fund, field)["fund_class"])


def spendable(w: Work, fund: str, field: str = "fund") -> str:
    if fund == POOL:
        raise No("invalid-value", field)
    return class_of(w, fund, field)


def expense_of(w: Work) -> str:
    code = str(w["expense"])
    if code in BY_RULE | INCOME | OTHERS:
        raise No("invalid-value", "expense")
    if code not in EXPENSES:
        raise No("unknown", "expense")
    return code


def claim(source: str, target: str, amount: int) -> list[Line]:
    return [(source, "729", -amount), (target, "729", amount),
            (POOL, f"879/{source}", amount), (POOL, f"879/{target}", -amount)]  # fmt: skip


@rule("open-fund", f"code:fundcode fund_name:sometext fund_class:{CLASSES}", TREASURER, second=True, reversible=False)
def open_fund(w: Work) -> None:
    if w.model.find("fund", w["code"]) is not None:
        raise No("already-exists", "code")
    w.created.append(w["code"])
    w.write("fund", w["code"], fund_class=w["fund_class"])


# ----------------------------------------------------------------------------------------------- gifts


@rule("receive-gift", RECEIVING + "fund:code?=GEN amount:money donor:sometext purpose:memo?= number:code?", COUNTER)
def receive_gift(w: Work) -> None:
    if spendable(w, w["fund"]) == "conditional":
        raise No("wrong-state", "fund")
    if w["number"] is None:
        ref = w.number_of("gift", "G-", 2)
    elif w.model.facts.get(("gift", w["number"])):
        raise No("already-exists", "number")
    else:
        ref = w["number"]
        w.created.append(ref)
    w.post(*receive(w, w["fund"], w["amount"]), (w["fund"], f"181/{ref}", -w["amount"]))
    w.write("gift", ref, fund=w["fund"], amount=w["amount"], released=0)


def release(w: Work, amount: int, expense: str) -> tuple[str, list[Line]]:
    """The expense in the general fund, and the gift's fund releases as much; its fund, and the lines."""
    gift = w.model.get("gift", w["gift"], "gift")
    fund = gift["fund"]
    if class_of(w, fund) not in ("restricted", "conditional", "designated"):
        raise No("wrong-state", "gift")
    if amount > gift["amount"] - gift["released"]:
        raise No("overdrawn", "amount")
    w.write("gift", w["gift"], gift, released=gift["released"] + amount)
    return fund, [(GEN, expense, amount), (GEN, "185", -amount), (fund, f"186/{w['gift']}", amount)]


def supplier(w: Work) -> set[str]:
    return {w["supplier"]} if re.fullmatch(r"M[0-9]{4,}", w["supplier"] or "") else set()


@rule("spend-gift", PAYING + "gift:code amount:money expense:expense memo:memo?= supplier:CODE? resolution:code?",
      TREASURER, second=True, serves=supplier)  # fmt: skip
def spend_gift(w: Work) -> None:
    expense = expense_of(w)
    fund, lines = release(w, w["amount"], expense)
    w.post(*lines, *pay(w, fund, w["amount"]))


# ----------------------------------------------------------------------------------------------- bills

BILL = "supplier:CODE number:sometext amount:money expense:expense memo:memo?= "


def register(w: Work, fund: str, state: str, amount: int | None = None) -> None:
    paid = [each for kind in ("bill", "voucher") for _ref, each in w.model.every(kind)]
    bills = [bill for bill in paid if bill["supplier"] == w["supplier"]]
    if any(folded(bill["number"]) == folded(w["number"]) for bill in bills):
        raise No("already-exists", "number")
    ref = w.number_of("bill", "B-", 5)
    w.write("bill", ref, supplier=w["supplier"], number=w["number"], amount=amount or w["amount"], fund=fund, by=w.who,
            state=state)  # fmt: skip


def beyond_budget(w: Work, account: str, amount: int) -> bool:
    """Whether the fund has a budget of the year, and this with what was spent is more than it says."""
    year, fund = w.business_day.year, w["fund"]
    budget = w.model.find("budget", f"{year}-{fund}")
    if budget is None:
        return False
    spent = sum(n for (f, code), moved in w.model.dated.items() if f == fund and code[:3] == account
                for day, n in moved if day.year == year)  # fmt: skip
    return bool(spent + amount > budget["lines"].get(account, 0))


@rule("enter-bill", BILL + "fund:code?=GEN gift:code?", BILLS, serves=supplier,
      second=lambda w: w["gift"] is not None or class_of(w, w["fund"]) == "revolving"
      or beyond_budget(w, w["expense"], w["amount"]))  # fmt: skip
def enter_bill(w: Work) -> None:
    expense = expense_of(w)
    if w["gift"] is None:
        fund, lines = w["fund"], [(w["fund"], expense, w["amount"])]
        if spendable(w, fund) in ("restricted", "conditional", "reserve"):
            raise No("wrong-state", "fund")
    else:
        fund, lines = release(w, w["amount"], expense)
        if w["fund"] not in (fund, GEN):
            raise No("invalid-value", "fund")
    register(w, fund, "open")
    w.post(*lines, (fund, f"801/{w['supplier']}", -w["amount"]))


def _payee(w: Work) -> set[str]:
    bill = w.model.find("bill", w["bill"])
    return {bill["supplier"]} if bill is not None and re.fullmatch(r"M[0-9]{4,}", bill["supplier"]) else set()


@rule("pay-bill", PAYING + "bill:code", f"{TREASURER} {ADMIN}", serves=_payee)
def pay_bill(w: Work) -> None:
    bill = w.model.get("bill", w["bill"], "bill")
    if bill["state"] != "open":
        raise No("wrong-state", "bill")
    if bill["by"] == w.who:
        raise No("not-allowed", "bill")
    w.post((bill["fund"], f"801/{bill['supplier']}", bill["amount"]), *pay(w, bill["fund"], bill["amount"]))
    w.write("bill", w["bill"], bill, state="paid")


@rule("pay-expense", PAYING + BILL + "resolution:code?", BILLS, serves=supplier, second=True)
def pay_expense(w: Work) -> None:
    expense = expense_of(w)
    register(w, GEN, "paid")
    w.post((GEN, expense, w["amount"]), *pay(w, GEN, w["amount"]))


# ------------------------------------------------------------------------------------ from fund to fund

TWO_FUNDS = "from_fund:code?=GEN to_fund:code amount:money resolution:sometext "


def free(w: Work) -> str:
    """Refuses what is not there or bound; the class of the fund that gets it."""
    source = spendable(w, w["from_fund"], "from_fund")
    target = spendable(w, w["to_fund"], "to_fund")
    if w["from_fund"] == w["to_fund"]:
        raise No("invalid-value", "to_fund")
    if source in ("restricted", "conditional"):
        raise No("wrong-state", "from_fund")
    if w["amount"] > w.balance(w["from_fund"], "729") + w.balance(w["from_fund"], "M49"):
        raise No("overdrawn", "amount")
    return target


@rule("transfer-funds", TWO_FUNDS, TREASURER, second=True, approvers=BETWEEN)
def transfer_funds(w: Work) -> None:
    if free(w) == "conditional":
        raise No("wrong-state", "to_fund")
    w.post((w["from_fund"], "187", w["amount"]), *claim(w["from_fund"], w["to_fund"], w["amount"]),
           (w["to_fund"], "187", -w["amount"]))  # fmt: skip


@rule("lend-to-fund", TWO_FUNDS + "due_on:day", TREASURER, second=True, approvers=BETWEEN)
def lend_to_fund(w: Work) -> None:
    if free(w) in ("restricted", "conditional"):
        raise No("wrong-state", "to_fund")
    if w["due_on"] <= w.business_day:
        raise No("invalid-date", "due_on")
    source, target = w["from_fund"], w["to_fund"]
    w.post((source, f"728/{target}", w["amount"]), *claim(source, target, w["amount"]),
           (target, f"878/{source}", -w["amount"]))  # fmt: skip
    w.write("fund-loan", w.number_of("fund-loan", "IF-", 3), source=source, target=target, owed=w["amount"])


@rule("repay-fund", "fund_loan:code amount:money?", TREASURER, second=True, approvers=BETWEEN)
def repay_fund(w: Work) -> None:
    loan = w.model.get("fund-loan", w["fund_loan"], "fund_loan")
    if not loan["owed"]:
        raise No("wrong-state", "fund_loan")
    amount = w["amount"] or loan["owed"]
    if amount > loan["owed"]:
        raise No("invalid-amount", "amount")
    source, target = loan["source"], loan["target"]
    if amount > w.balance(target, "729"):
        raise No("overdrawn", "amount")
    w.post((target, f"878/{source}", amount), *claim(target, source, amount), (source, f"728/{target}", -amount))
    w.write("fund-loan", w["fund_loan"], loan, owed=loan["owed"] - amount)


# --------------------------------------------------------------------------------------------- unknown


@rule("receive-unknown", "amount:money bank_account:code? received_on:day? statement:sometext?", COUNTER)
def receive_unknown(w: Work) -> None:
    if w["received_on"] is not None and w["received_on"] > w.business_day:
        raise No("invalid-date", "received_on")
    ref = w["bank_account"] or "FIRST"
    fund = w.model.get("bank-account", ref, "bank_account")["fund"]
    lines = cash_in(fund, f"731/{ref}", GEN, w["amount"])
    w.write("suspense", w.number_of("suspense", "U-", 5), left=w["amount"], bank_account=ref)
    w.post(*lines, (GEN, "872", -w["amount"]))


def _clearing(w: Work) -> int:
    return int(w["amount"] or (w.model.find("suspense", w["suspense"]) or {"left": 0})["left"])


def _going_out(w: Work) -> int:
    return 0 if w["to"] == "gift" else _clearing(w)


@rule("clear-suspense", "suspense:code to:gift|savings|sender amount:money? fund:code? member:code? memo:memo?=",
      TREASURER, moves=_clearing, second=lambda w: _going_out(w) > w.model.policy("withdrawal_alone"))  # fmt: skip
def clear_suspense(w: Work) -> None:
    found = w.model.get("suspense", w["suspense"], "suspense")
    if not found["left"]:
        raise No("wrong-state", "suspense")
    for field in ("fund", "member"):
        if (w[field] is not None) != (field == {"gift": "fund", "savings": "member"}.get(w["to"])):
            raise No("invalid-value", field)
    amount = w["amount"] or found["left"]
    if amount > found["left"]:
        raise No("overdrawn", "amount")
    w.post((GEN, "872", amount), *_cleared(w, found, amount))
    w.write("suspense", w["suspense"], found, left=found["left"] - amount)


def _cleared(w: Work, found: Fact, amount: int) -> list[Line]:
    if w["to"] == "gift":
        if spendable(w, w["fund"]) == "conditional":
            raise No("wrong-state", "fund")
        return [*(claim(GEN, w["fund"], amount) if w["fund"] != GEN else []), (w["fund"], "181", -amount)]
    if w["to"] == "savings":
        return [(GEN, f"905/{savings(w, w['member'], None)}", -amount)]
    fund = w.model.get("bank-account", found["bank_account"], "bank_account")["fund"]
    return cash_out(fund, f"731/{found['bank_account']}", GEN, amount)


# ----------------------------------------------------------------------------------------------- notes


@rule("issue-note", RECEIVING.replace("=cash", "=transfer") + "lender:sometext amount:money annual_rate:rate due_on:day"
      " fund:code?=RLF note_class:code?=A member:code? resolution:code?", TREASURER, second=True)  # fmt: skip
def issue_note(w: Work) -> None:
    if w["member"] is not None:
        w.model.get("member", w["member"], "member")
    if class_of(w, w["fund"]) in ("pool", "reserve"):
        raise No("invalid-value", "fund")
    if w["due_on"] <= w.business_day:
        raise No("invalid-date", "due_on")
    of_class = w.model.find("note-class", w["note_class"])
    if of_class is not None:
        if of_class["most_rate"] is not None and Fraction(w["annual_rate"]) > Fraction(of_class["most_rate"]):
            raise No("invalid-value", "annual_rate")
        if of_class["ceiling"] is not None and owed_on(w, w["note_class"]) + w["amount"] > of_class["ceiling"]:
            raise No("invalid-amount", "amount")
    ref = w.number_of("note", "N-", 3)
    w.post(*receive(w, w["fund"], w["amount"], member=w["member"]), (w["fund"], f"811/{ref}", -w["amount"]))
    w.write("note", ref, member=w["member"], fund=w["fund"], rate=w["annual_rate"], since=w.business_day,
            owed=w["amount"], accrued=0, of_segment=0, paid=0, note_class=w["note_class"],
            due_on=w["due_on"])  # fmt: skip


def owed_on(w: Work, note_class: str) -> int:
    """Principal of all its notes."""
    return sum(note["owed"] for _ref, note in w.model.every("note") if note["note_class"] == note_class)


READ["rank"] = lambda value: value if type(value) is int and 1 <= value <= 99 else None


@rule("define-note-class", "note_class:code class_title:sometext rank:rank?=1 most_rate:rate? ceiling:money?"
      " resolution:sometext why:memo?=", TREASURER, approvers=(SUPERVISOR, TREASURER), second=True,
      reversible=False)  # fmt: skip
def define_note_class(w: Work) -> None:
    after = {"title": w["class_title"], "rank": int(w["rank"]), "most_rate": w["most_rate"],
             "ceiling": w["ceiling"], "resolution": w["resolution"]}  # fmt: skip
    before = w.model.find("note-class", w["note_class"])
    if before == after:
        raise No("invalid-value", "note_class")
    if before is not None and not w["why"]:
        raise No("invalid-value", "why")
    if w["ceiling"] is not None and owed_on(w, w["note_class"]) > w["ceiling"]:
        raise No("invalid-amount", "ceiling")
    w.write("note-class", w["note_class"], after)


def _in_turn(w: Work, note: Fact) -> None:
    """A junior note is not repaid before its day while a senior one of the fund is overdue."""
    mine = w.model.find("note-class", note["note_class"])
    if mine is None or note["due_on"] <= w.business_day:
        return
    for _ref, other in w.model.every("note"):
        senior = w.model.find("note-class", other["note_class"])
        overdue = other["fund"] == note["fund"] and (other["owed"] or other["accrued"])
        if overdue and other["due_on"] < w.business_day and senior is not None and senior["rank"] < mine["rank"]:
            raise No("wrong-state", "note")


def simple_interest(owed: int, rate: str, count: int) -> int:
    """By days over 365, rounded once, half to even."""
    return round(Fraction(owed) * Fraction(rate) / 100 * count / 365)


def _of_lender(w: Work) -> set[str]:
    note = w.model.find("note", w["note"])
    return {note["member"]} if note is not None and note["member"] else set()


def _repaying(w: Work) -> int | None:
    note = w.model.find("note", w["note"])
    amount: int | None = w["amount"]
    return int(note["owed"]) if amount is None and note is not None else amount


@rule("repay-note", PAYING.replace("=cash", "=transfer") + "note:code amount:counted?", TREASURER,
      second=True, serves=_of_lender, moves=_repaying)  # fmt: skip
def repay_note(w: Work) -> None:
    note = w.model.get("note", w["note"], "note")
    if not note["owed"] and not note["accrued"]:
        raise No("wrong-state", "note")
    count = (w.business_day - note["since"]).days
    new = simple_interest(note["owed"], note["rate"], count) - note["of_segment"]
    principal = note["owed"] if w["amount"] is None else w["amount"]
    if principal > note["owed"]:
        raise No("invalid-amount", "amount")
    if principal:
        _in_turn(w, note)
    interest, fund, ref = note["accrued"] + new, note["fund"], w["note"]
    lines = [
        (fund, "341", new),
        (fund, f"851/{ref}", -new),
        (fund, f"851/{ref}", interest),
        (fund, f"811/{ref}", principal),
    ]
    if interest + principal:
        lines += pay(w, fund, interest + principal)
    if not any(amount for _f, _c, amount in lines):
        raise No("invalid-amount", "amount")
    w.post(*lines)
    w.write("note", ref, note, owed=note["owed"] - principal, accrued=0, of_segment=0, since=w.business_day,
            paid=note["paid"] + interest)  # fmt: skip


# ---------------------------------------------------------------------------------------------- grants


@rule("receive-grant", RECEIVING + "fund:code amount:money funder:sometext condition:somememo", TREASURER, second=True)
def receive_grant(w: Work) -> None:
    if class_of(w, w["fund"]) != "conditional":
        raise No("wrong-state", "fund")
    ref = w.number_of("grant", "CG-", 2)
    w.post(*receive(w, w["fund"], w["amount"]), (w["fund"], f"862/{ref}", -w["amount"]))
    w.write("grant", ref, fund=w["fund"], left=w["amount"])


def taken(w: Work, grant: Fact, amount: int) -> None:
    if amount > grant["left"]:
        raise No("invalid-amount", "amount")
    w.write("grant", w["grant"], grant, left=grant["left"] - amount)


@rule("earn-grant", PAYING + "grant:code amount:money expense:expense evidence:somememo supplier:CODE?", TREASURER,
      second=True, serves=supplier)  # fmt: skip
def earn_grant(w: Work) -> None:
    expense = expense_of(w)
    grant = w.model.get("grant", w["grant"], "grant")
    fund, ref, amount = grant["fund"], w["grant"], w["amount"]
    taken(w, grant, amount)
    w.post((fund, f"862/{ref}", amount), (fund, f"181/{ref}", -amount), (fund, f"186/{ref}", amount),
           (GEN, expense, amount), (GEN, "185", -amount), *pay(w, fund, amount))  # fmt: skip


@rule("return-grant", PAYING + "grant:code amount:money? why:somememo", TREASURER, second=True)
def return_grant(w: Work) -> None:
    grant = w.model.get("grant", w["grant"], "grant")
    amount = w["amount"] or grant["left"]
    if not amount:
        raise No("wrong-state", "grant")
    taken(w, grant, amount)
    w.post((grant["fund"], f"862/{w['grant']}", amount), *pay(w, grant["fund"], amount))


# ----------------------------------------------------------------------------------------------- staff


WHOLE_POLICIES = {"cheque_hold_days", "accrual_payments", "charge_off_days"}
YES_OR_NO: set[str] = set()
"""What kind of value a policy has, if it is no amount."""


@rule("set-policy", "policy:code value:text resolution:code?", f"{TREASURER} {ADMIN}", second=True)
def set_policy(w: Work) -> None:
    before = w.model.get("policy", w["policy"], "policy")["value"]
    value: Any
    if w["policy"] in WHOLE_POLICIES:
        if not re.fullmatch(r"[0-9]{1,4}", w["value"]):
            raise No("invalid-value", "value")
        value = int(w["value"])
    elif w["policy"] in YES_OR_NO:
        if w["value"] not in ("yes", "no"):
            raise No("invalid-value", "value")
        value = w["value"]
    elif w["policy"] == "set_off":  # the bylaw that allows it; none where it is empty
        value = w["value"]
    else:
        value = minor(w["value"])
        if value is None or value < 0:
            raise No("invalid-amount", "value")
    if value == before:
        raise No("invalid-value", "value")
    w.write("policy", w["policy"], value=value)


USER_ROLES = f"{TELLER}|{OFFICER}|{TREASURER}|{ADMIN}|{SUPERVISOR}"


@rule("set-role", f"role:{USER_ROLES} operation:deposit|withdraw|receive-gift allowed:yes?=yes alone_up_to:counted?"
      " at_most:counted?", ADMIN, second=True, reversible=False, staff=True)  # fmt: skip
def set_role(w: Work) -> None:
    """Only limits are set here: the role could do the operation before and can after."""
    before = w.model.get("role", w["role"], "role")
    after = {**before}
    for kept, field in (("alone", "alone_up_to"), ("most", "at_most")):
        rest = {name: limit for name, limit in before[kept].items() if name != w["operation"]}
        after[kept] = rest if w[field] is None else {**rest, w["operation"]: w[field]}
    if after == before:
        raise No("invalid-value", "operation")
    w.write("role", w["role"], after)


@rule("set-day-limit", f"role:{USER_ROLES} amount:counted", ADMIN, second=True, reversible=False, staff=True)
def set_day_limit(w: Work) -> None:
    before = w.model.get("role", w["role"], "role")
    if before["a_day"] == (w["amount"] or None):
        raise No("invalid-value", "amount")
    w.write("role", w["role"], before, a_day=w["amount"] or None)


@rule("declare-relative", "user:code relative:code related:yes?=yes why:memo?", f"{EVERYBODY} {SUPERVISOR}",
      second=lambda w: not w["related"], reversible=False)  # fmt: skip
def declare_relative(w: Work) -> None:
    user = w.model.get("user", w["user"], "user")
    w.model.get("member", w["relative"], "relative")
    if w["user"] != w.who and ADMIN not in w.model.get("user", w.who, "user")["roles"]:
        raise No("not-allowed", "user")
    if w["related"] == (w["relative"] in user["relatives"]):
        raise No("invalid-value", "relative")
    rest = [member for member in user["relatives"] if member != w["relative"]]
    w.write("user", w["user"], user, relatives=[*rest, w["relative"]] if w["related"] else rest)


@rule("add-user", "user:code full_name:sometext user_roles:list member:code?", ADMIN, second=True, reversible=False,
      serves=lambda w: set())  # fmt: skip
def add_user(w: Work) -> None:
    if any(name.casefold() == w["user"].casefold() for name, _user in w.model.every("user")):
        raise No("already-exists", "user")
    if w["member"] is not None:
        w.model.get("member", w["member"], "member")
    w.write("user", w["user"], name=w["full_name"], roles=sorted(w["user_roles"]), member=w["member"], relatives=[],
            active=True)  # fmt: skip


@rule("link-user", "user:code member:code", ADMIN, second=True, reversible=False, serves=lambda w: set())
def link_user(w: Work) -> None:
    user = w.model.get("user", w["user"], "user")
    w.model.get("member", w["member"], "member")
    w.write("user", w["user"], user, member=w["member"])


@rule("change-role", "user:code user_roles:list active:yes?=yes", ADMIN, second=True, reversible=False)
def change_role(w: Work) -> None:
    user = w.model.get("user", w["user"], "user")
    if w["user"] == w.who:
        raise No("not-allowed", "user")
    w.write("user", w["user"], user, roles=sorted(w["user_roles"]), active=w["active"])
