"""Simple loans of one fund: granted by two, paid out whole or in parts, repaid at any time.

Interest is simple, by days over 365 of the principal that is owed, kept exactly while nothing is paid and rounded once
when a payment is made; a payment goes to interest first. The books follow at every touch: what ran since the last is
income. Payments that are due, other day counts and products, losses and reversals are left to tests/bank: what they
come to depends on a schedule, and that has its own published figures to be held against.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from tests.model.books import OFFICER, TELLER, TREASURER, Fact, Line, No, Work, rule
from tests.model.rules_counter import PAYING, RECEIVING, active, cash_in, place_of
from tests.model.rules_funds import class_of

LENDING = f"{TELLER} {OFFICER} {TREASURER}"


def borrower(w: Work) -> set[str]:
    loan = w.model.find("loan", w["loan"])
    return set() if loan is None else {loan["member"]}


def run(w: Work, loan: Fact, until: date | None = None) -> Fact:
    """The loan with interest up to a day, today if no other is said; exact while nothing is paid."""
    until = until or w.business_day
    count = max(0, (until - loan["at"]).days)
    more = Fraction(loan["owed"]) * Fraction(loan["rate"]) / 100 * count / 365
    return {**loan, "running": loan["running"] + more, "at": max(until, loan["at"])}


def earned(loan: Fact, ref: str) -> tuple[Fact, list[Line]]:
    """What ran since the books looked last is income now."""
    whole = loan["closed"] + round(loan["running"])
    new = whole - loan["earned"]
    return {**loan, "earned": whole}, [(loan["fund"], f"781/{ref}", new), (loan["fund"], "111", -new)]


def state_of(loan: Fact) -> str:
    if loan["owed"] or loan["earned"] - loan["interest_paid"] or loan["promised"]:
        return "active"
    return "paid" if loan["lent"] else "cancelled"


@rule(
    "grant-loan",
    "member:code principal:money annual_rate:rate installments:number fund:code?=RLF",
    OFFICER,
    second=True,
)
def grant_loan(w: Work) -> None:
    active(w, w["member"])
    if class_of(w, w["fund"]) in ("pool", "reserve"):
        raise No("invalid-value", "fund")
    if w["principal"] > w.balance(w["fund"], "729") + w.balance(w["fund"], "M49"):
        raise No("overdrawn", "principal")
    ref = w.number_of("loan", "L-", 3)
    w.post((w["fund"], f"M40/{ref}", w["principal"]), (w["fund"], "M49", -w["principal"]))
    w.write("loan", ref, member=w["member"], fund=w["fund"], rate=w["annual_rate"], by=w.who, state="granted",
            promised=w["principal"], lent=0, owed=0, at=w.business_day, running=Fraction(0), closed=0, earned=0,
            interest_paid=0, events=[])  # fmt: skip


def _paying_out(w: Work) -> int | None:
    loan = w.model.find("loan", w["loan"])
    amount: int | None = w["amount"]
    return int(loan["promised"]) if amount is None and loan is not None else amount


@rule("disburse-loan", PAYING.replace("=cash", "=transfer") + "loan:code amount:money?", LENDING,
      serves=borrower, moves=_paying_out)  # fmt: skip
def disburse_loan(w: Work) -> None:
    loan = w.model.get("loan", w["loan"], "loan")
    active(w, loan["member"], "loan")
    if loan["by"] == w.who:
        raise No("not-allowed", "loan")
    if loan["state"] not in ("granted", "active") or not loan["promised"]:
        raise No("wrong-state", "loan")
    amount = w["amount"] or loan["promised"]
    if amount > loan["promised"]:
        raise No("overdrawn", "amount")
    fund, ref = loan["fund"], w["loan"]
    after, lines = earned(run(w, loan), ref)
    after |= {"lent": loan["lent"] + amount, "owed": loan["owed"] + amount, "promised": loan["promised"] - amount}
    w.post(*lines, (fund, f"701/{ref}", amount), (fund, "M49", amount), (fund, f"M40/{ref}", -amount),
           *money(w, fund, -amount))  # fmt: skip
    after["events"] = [*loan["events"], (w.business_day, amount, False, 0)]
    w.write("loan", ref, after, state="active")


@rule("repay-loan", RECEIVING + "loan:code amount:money", LENDING, serves=borrower)
def repay_loan(w: Work) -> None:
    loan = w.model.get("loan", w["loan"], "loan")
    if loan["state"] != "active":
        raise No("wrong-state", "loan")
    fund, ref = loan["fund"], w["loan"]
    after, lines = earned(run(w, loan), ref)
    owed = after["earned"] - after["interest_paid"]
    interest = min(w["amount"], owed)
    principal = w["amount"] - interest
    if principal > after["owed"]:
        raise No("invalid-amount", "amount")
    after |= {"owed": after["owed"] - principal, "interest_paid": after["interest_paid"] + interest,
              "closed": after["earned"], "running": Fraction(0)}  # fmt: skip
    w.post(*lines, *money(w, fund, w["amount"]), (fund, f"781/{ref}", -interest), (fund, f"701/{ref}", -principal))
    after["events"] = [*loan["events"], (w.business_day, -principal, True, interest)]
    w.write("loan", ref, after, state=state_of(after))


def money(w: Work, fund: str, amount: int) -> list[Line]:
    """Money in for a fund, or out of it below zero; an account of its own takes that fund's alone."""
    place = place_of(w, receiving=w.rule.name == "repay-loan")
    return cash_in(*place, fund, amount)


@rule("close-commitment", "loan:code reason:sometext", f"{OFFICER} {TREASURER}", serves=borrower)
def close_commitment(w: Work) -> None:
    loan = w.model.get("loan", w["loan"], "loan")
    if loan["state"] not in ("granted", "active") or not loan["promised"]:
        raise No("wrong-state", "loan")
    fund, ref = loan["fund"], w["loan"]
    after, lines = earned(run(w, loan), ref)
    w.post(*lines, (fund, "M49", loan["promised"]), (fund, f"M40/{ref}", -loan["promised"]))
    after["promised"] = 0
    w.write("loan", ref, after, state=state_of(after))
