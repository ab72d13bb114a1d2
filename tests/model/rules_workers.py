"""A worker co-op's own book: interest on internal capital, a loss that the workers bear, and what a leaver is owed.

What each worker has left in it stands by vintage (950/M0001/2026). Which kinds of institution offer what is here too.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from tests.model.books import FOUNDED, GEN, RULES, TREASURER, Model, No, Work, rule
from tests.model.rules_silent import later
from tests.model.rules_year import OF_YEAR, balances_over, dividend_of, halves, require_closed, require_earned

WORKERS, UNION, BANK = "worker-coop", "credit-union", "unchartered-coop"
DIVIDING = """
    declare-dividend pay-dividend pay-patronage redeem-patronage set-surplus-rules record-hours propose-surplus
    allocate-surplus
"""
for _name in ("open-savings", "deposit", "withdraw", "credit-interest"):
    RULES[_name].offered = (BANK, UNION)
for _name in DIVIDING.split():
    RULES[_name].offered = (BANK, UNION, WORKERS)


def founded(model: Model) -> None:
    model.put(0, "policy", "dividend_cap", {"value": "8"})


FOUNDED.append(founded)


def capital(w: Work, member: str | None = None) -> dict[str, int]:
    """What stands on the accounts, by account; one worker's alone."""
    return {code: -balance for (fund, code), balance in sorted(w.model.leaves.items())
            if fund == GEN and code[:3] == "950" and balance and member in (None, code.split("/")[1])}  # fmt: skip


def _by_member(w: Work, year: str, basis: str) -> dict[str, int]:
    """Balance times days of a year, by worker; what was taken back was never there."""
    first, last = date(int(year), 1, 1), date(int(year), 12, 31)
    moved: dict[str, list[tuple[date, int]]] = {}
    for done in w.model.log.values():
        if done.reverses is not None or w.model.reversed_by(done.number) is not None:
            continue
        for entry, day in zip(done.entries, done.days, strict=True):
            for fund, code, amount in entry:
                if fund == GEN and code[:3] == "950":
                    moved.setdefault(code, []).append((day, amount))
    found: dict[str, int] = {}
    for code, lines in moved.items():
        if basis == "average":
            weight = balances_over(lines, first, last)
        else:
            weight = -sum(amount for day, amount in lines if day <= last) * ((last - first).days + 1)
        if weight > 0:
            member = code.split("/")[1]
            found[member] = found.get(member, 0) + weight
    return found


@rule("credit-capital-interest", "year:year rate:rate basis:average|year-end?=average resolution:sometext", TREASURER,
      second=True, approvers=OF_YEAR, offered=(WORKERS,))  # fmt: skip
def credit_capital_interest(w: Work) -> None:
    year, last = str(w["year"]), date(int(w["year"]), 12, 31)
    if w.business_day < last:
        raise No("wrong-state", "year")
    if w.model.find("capital-interest", year) is not None:
        raise No("already-exists", "year")
    if w.model.locked.get(year) == "locked":
        raise No("wrong-state", "year")
    if not Fraction(w["rate"]):
        raise No("invalid-value", "rate")
    if Fraction(w["rate"]) > Fraction(w.model.policy("dividend_cap")):
        raise No("invalid-amount", "rate")
    shares = dividend_of(w["rate"], _by_member(w, year, w["basis"]), year)
    total = sum(shares.values())
    if not total:
        raise No("wrong-state", "year")
    so_far = -sum(n for (fund, code), moved in w.model.dated.items() if fund == GEN and code[0] in "123"
                  for day, n in moved if str(day)[:4] == year)  # fmt: skip
    require_earned(-w.balance(GEN, "940") + so_far, total, "rate")
    w.post((GEN, "386", total), *((GEN, f"950/{m}/{year}", -n) for m, n in shares.items()), on=last)
    w.write("capital-interest", year, total=total)


@rule("share-loss", "year:year amount:money? resolution:sometext", TREASURER, second=True, approvers=OF_YEAR,
      offered=(WORKERS,))  # fmt: skip
def share_loss(w: Work) -> None:
    year = str(w["year"])
    require_closed(w, year)
    if w.model.find("capital-loss", year) is not None:
        raise No("already-exists", "year")
    result = w.model.get("year-close", year, "year")["results"].get(GEN, 0)
    most = min(-result, w.balance(GEN, "940"))
    if most <= 0:  # no loss, or one that was made good
        raise No("wrong-state", "year")
    held = capital(w)
    amount = w["amount"] or min(most, sum(held.values()))
    if amount > most:
        raise No("invalid-amount", "amount")
    if not amount or amount > sum(held.values()):
        raise No("overdrawn", "amount" if w["amount"] else "year")
    parts = zip(held, halves(amount, list(held.values())), strict=True)
    w.post(*((GEN, code, part) for code, part in parts), (GEN, "940", -amount))
    w.write("capital-loss", year, amount=amount)


@rule("return-capital", "member:code installments:payments?=1 months:payments?=12 first_on:day? resolution:sometext",
      TREASURER, second=True, approvers=OF_YEAR, offered=(WORKERS,))  # fmt: skip
def return_capital(w: Work) -> None:
    member = w["member"]
    w.model.get("member", member, "member")
    if w.balance(GEN, f"901/{member}") < 0 and not w.model.is_dead(member):
        raise No("wrong-state", "member")
    first, count, months = w["first_on"] or w.business_day, int(w["installments"]), int(w["months"])
    if first < w.business_day:
        raise No("invalid-date", "first_on")
    if (count - 1) * months > 240:
        raise No("invalid-value", "installments")
    held = capital(w, member)
    total = sum(held.values())
    if total < count:
        raise No("overdrawn", "installments" if total else "member")
    w.post(*((GEN, code, amount) for code, amount in held.items()), (GEN, f"825/{member}", -total))
    for number, part in enumerate(halves(total, [1] * count)):
        ref = w.number_of_several("redemption", "RD-", 5)
        w.write("redemption", ref, member=member, share_class="950", amount=part, state="waiting",
                payable_on=later(first, number * months), paid_on=None)  # fmt: skip
