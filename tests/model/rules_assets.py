"""Things that last, and petty cash: bought, written off month by month, disposed of; a float kept by one person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from fractions import Fraction

from tests.model.books import ADMIN, GEN, OFFICER, POOL, READ, TELLER, TREASURER, Fact, Line, No, Work, days, rule
from tests.model.rules_counter import (
    RECEIVING,
    cash_out,
    folded,
    free_place,
    in_place,
    own_drawer,
    receive,
    within_drawer_limit,
)
from tests.model.rules_funds import (
    BILLS,
    beyond_budget,
    class_of,
    expense_of,
    register,
    release,
    spendable,
    supplier,
)
from tests.model.rules_months import last_day
from tests.model.rules_year import passed_over

WORN = {"751": "759", "772": "779", "771": None}
"""Where what is written off of an account stands; land wears out never."""

# ---------------------------------------------------------------------------------------------- assets

ENTERING = (
    "asset_name:sometext account:751|772|771?=751 cost:money life_months:rows? residual:counted?=0 in_use_from:day?"
    " place:text?= fund:code?=GEN "
)


def a_year_on(day: date) -> date:
    """The same day of the next year; of a 29 February the 28th."""
    return date(day.year + 1, day.month, 28 if (day.month, day.day) == (2, 29) else day.day)


def used_from(w: Work, taken: int = 0) -> date:
    """From when it is in use; refuses a life that it cannot have."""
    wears = WORN[w["account"]] is not None
    if wears and w["life_months"] is None:
        raise No("invalid-value", "life_months")
    if not wears and w["life_months"] is not None:
        raise No("invalid-value", "life_months")
    if not wears and (w["residual"] or taken):
        raise No("invalid-value", "residual")
    if w["residual"] + taken > w["cost"]:
        raise No("invalid-amount", "residual")
    used: date = w["in_use_from"] or w.business_day
    if used > a_year_on(w.business_day):
        raise No("invalid-date", "in_use_from")
    return used


def entered(w: Work, ref: str, fund: str, used: date, taken: int = 0) -> None:
    before = months_until(used, w.business_day) - 1 if taken and w["life_months"] else 0
    w.write("asset", ref, account=w["account"], fund=fund, cost=w["cost"], residual=w["residual"], used=used,
            life=w["life_months"], booked=w.business_day, through="", taken=taken, gone=taken,
            over=max(0, before),
            state="in use")  # fmt: skip


def _two_buy(w: Work) -> bool:
    return w["tender"] != "bill" or w["gift"] is not None or beyond_budget(w, w["account"], w["cost"])


@rule("buy-asset", ENTERING + "supplier:CODE number:sometext tender:transfer|cash|bill?=transfer bank_account:code?"
      " cheque_number:text? gift:code?", BILLS, serves=supplier,
      second=_two_buy)  # fmt: skip
def buy_asset(w: Work) -> None:
    used = used_from(w)
    if spendable(w, w["fund"]) in ("restricted", "conditional", "reserve") and w["gift"] is None:
        raise No("wrong-state", "fund")
    ref = w.number_of("asset", "FA-", 3)
    leaf = f"{w['account']}/{ref}"
    payer, owner, lines = w["fund"], w["fund"], [(w["fund"], leaf, w["cost"])]
    if w["gift"] is not None:
        payer, lines = release(w, w["cost"], leaf)
        owner = GEN
        if w["fund"] not in (payer, GEN):
            raise No("invalid-value", "fund")
    register(w, payer, "open" if w["tender"] == "bill" else "paid", w["cost"])
    entered(w, ref, owner, used)
    w.post(*lines, *_paid(w, payer))


def _paid(w: Work, payer: str) -> list[Line]:
    if w["tender"] == "bill":
        return [(payer, f"801/{w['supplier']}", -w["cost"])]
    if w["tender"] == "cash":
        return cash_out(POOL, f"739/{own_drawer(w)}", payer, w["cost"])
    ref = w["bank_account"] or "FIRST"
    return cash_out(w.model.get("bank-account", ref, "bank_account")["fund"], f"731/{ref}", payer, w["cost"])


@rule("enter-asset", ENTERING + "depreciated:counted?=0 stands_on:code?", TREASURER, second=True)
def enter_asset(w: Work) -> None:
    used = used_from(w, w["depreciated"])
    left = w["cost"] - w["residual"] - w["depreciated"]
    if w["depreciated"] and w["life_months"] and months_until(used, w.business_day) > w["life_months"] and left:
        raise No("invalid-value", "life_months")
    spendable(w, w["fund"])
    ref = w.number_of("asset", "FA-", 3)
    contra = WORN[w["account"]]
    lines = _moved(w, w["account"], ref, w["cost"], "cost")
    if contra is not None and w["depreciated"]:
        lines += _moved(w, contra, ref, -w["depreciated"], "depreciated")
    entered(w, ref, w["fund"], used, w["depreciated"])
    w.post(*lines)


def _moved(w: Work, gl: str, ref: str, amount: int, field: str) -> list[Line]:
    """From where it stands without a number to a leaf of its own."""
    stands_on = w["stands_on"] or ""
    if stands_on.startswith("FA-"):
        raise No("already-exists", "stands_on")
    code = f"{gl}/{stands_on}" if stands_on else gl
    if abs(w.balance(w["fund"], code)) < abs(amount):
        raise No("overdrawn", field)
    return [(w["fund"], f"{gl}/{ref}", amount), (w["fund"], code, -amount)]


def months_until(used: date, last: date) -> int:
    """Calendar months of use by the end of that of a day."""
    return (last.year - used.year) * 12 + last.month - used.month + 1


def by_plan(asset: Fact, last: date) -> int:
    """Written off by the end of the month of a day: of so many months so many parts, rounded once."""
    if asset["life"] is None:
        return 0
    months, life = months_until(asset["used"], last) - asset["over"], asset["life"] - asset["over"]
    whole = asset["cost"] - asset["residual"] - asset["taken"]
    return int(asset["taken"] + round(Fraction(whole * min(max(0, months), life), life))) if whole else asset["taken"]


def first_open(asset: Fact) -> date:
    """The first day that is not written off: in use, in the books, and after the last month that was."""
    first: date = max(asset["used"], asset["booked"])
    return max(first, last_day(asset["through"]) + days(1)) if asset["through"] else first


def due_in(w: Work, last: date) -> Iterator[tuple[str, Fact]]:
    for ref, asset in w.model.every("asset"):
        left = asset["cost"] - asset["residual"] - asset["gone"]
        if asset["state"] == "in use" and asset["life"] is not None and left and first_open(asset) <= last:
            yield ref, asset


@rule("depreciate", "month:month", TREASURER, second=lambda w: last_day(w["month"]) < w.business_day)
def depreciate(w: Work) -> None:
    month, last = str(w["month"]), last_day(w["month"])
    if w.model.find("depreciation", month) is not None:
        raise No("already-exists", "month")
    if w.model.locked.get(month) == "locked":
        raise No("period-locked", "month")
    if passed_over(w, month):
        raise No("period-locked", "month")
    if last < w.model.founded:
        raise No("invalid-date", "month")
    if last.replace(day=1) > w.business_day:
        raise No("wrong-state", "month")
    due = list(due_in(w, last))
    if not due:
        raise No("wrong-state", "month")
    _require_order(w, month, due)
    lines: list[Line] = []
    for ref, asset in due:
        after = by_plan(asset, last)
        amount = after - asset["gone"]
        w.write("asset", ref, asset, gone=after, through=month)
        lines += [(asset["fund"], f"{WORN[asset['account']]}/{ref}", -amount)]
    of_fund: dict[str, int] = {}
    for fund, _code, amount in lines:
        of_fund[fund] = of_fund.get(fund, 0) - amount
    if any(of_fund.values()):
        w.post(*lines, *((fund, "350", amount) for fund, amount in of_fund.items()), on=min(last, w.business_day))
    w.write("depreciation", month, on=last)


def _require_order(w: Work, month: str, due: list[tuple[str, Fact]]) -> None:
    """No month before it that is open and not done, from the first in which something was to be written off."""
    at = max(min(first_open(asset) for _ref, asset in due), w.model.founded).replace(day=1)
    while str(at)[:7] < month:
        if w.model.locked.get(str(at)[:7]) != "locked" and w.model.find("depreciation", str(at)[:7]) is None:
            raise No("wrong-state", "month")
        at = last_day(str(at)[:7]) + days(1)


@rule("dispose-asset", RECEIVING + "asset:code proceeds:counted?=0 why:somememo", TREASURER, second=True)
def dispose_asset(w: Work) -> None:
    ref, asset = w["asset"], w.model.get("asset", w["asset"], "asset")
    if asset["state"] != "in use":
        raise No("wrong-state", "asset")
    fund, contra, gone = asset["fund"], WORN[asset["account"]], asset["gone"]
    before, through = w.business_day.replace(day=1) - days(1), asset["through"]
    if asset["life"] is not None and str(before)[:7] > through:
        through, gone = str(before)[:7], by_plan(asset, before)
        if gone != asset["gone"]:
            more = gone - asset["gone"]
            w.post((fund, "350", more), (fund, f"{contra}/{ref}", -more))
    money = receive(w, fund, w["proceeds"]) if w["proceeds"] else []
    result = w["proceeds"] - (asset["cost"] - gone)
    w.post((fund, f"{asset['account']}/{ref}", -asset["cost"]), (fund, f"{contra}/{ref}", gone), *money,
           (fund, "151" if result > 0 else "370", -result))  # fmt: skip
    w.write("asset", ref, asset, through=through, gone=gone, state="disposed")


# ------------------------------------------------------------------------------------------ petty cash

HOLDERS = f"{TELLER} {OFFICER} {TREASURER} {ADMIN}"


def _of_colleague(w: Work) -> bool:
    found = w.model.find("petty-cash", w["petty_cash"])
    return found is not None and found["state"] == "open" and found["holder"] != w.who


def open_float(w: Work) -> Fact:
    found = w.model.get("petty-cash", w["petty_cash"], "petty_cash")
    if found["state"] != "open":
        raise No("drawer-closed", "petty_cash")
    return found


def own_float(w: Work, *, or_treasurer: bool = False) -> Fact:
    found = open_float(w)
    roles = w.model.get("user", w.who, "user")["roles"]
    if found["holder"] != w.who and not (or_treasurer and TREASURER in roles):
        raise No("not-allowed", "petty_cash")
    return found


def vault_or_bank(w: Work, field: str) -> str:
    if w[field].upper() == "VAULT":
        return "739/VAULT"
    if w.model.get("bank-account", w[field], field)["fund"] != POOL:
        raise No("invalid-value", field)
    if TREASURER not in w.model.get("user", w.who, "user")["roles"]:
        raise No("not-allowed", field)
    return f"731/{w[field]}"


@rule("open-petty-cash", "petty_cash:code holder:code float_amount:money from_place:code?=VAULT", TREASURER,
      second=True, reversible=False)  # fmt: skip
def open_petty_cash(w: Work) -> None:
    w.require_day()
    ref = w["petty_cash"]
    free_place(w, ref, "petty_cash", "petty-cash")
    before = w.model.find("petty-cash", ref)
    if before is not None and before["state"] == "open":
        raise No("already-exists", "petty_cash")
    holder = w.model.find("user", w["holder"])
    if holder is None or not holder["active"]:
        raise No("unknown", "user")
    if not set(holder["roles"]) & set(HOLDERS.split()):
        raise No("invalid-value", "holder")
    within_drawer_limit(w, ref, w["float_amount"], "float_amount")
    source = vault_or_bank(w, "from_place")
    w.write("petty-cash", ref, holder=w["holder"], float=w["float_amount"], state="open", opened_at=w.number)
    in_place(w, source, w["float_amount"], "float_amount")
    w.post((POOL, f"739/{ref}", w["float_amount"]), (POOL, source, -w["float_amount"]))


@rule("spend-petty-cash", "petty_cash:code supplier:CODE receipt:sometext amount:money expense:expense fund:code?=GEN"
      " memo:memo?=", HOLDERS, serves=supplier,
      second=lambda w: beyond_budget(w, w["expense"], w["amount"])
      or w["amount"] > w.model.policy("withdrawal_alone"))  # fmt: skip
def spend_petty_cash(w: Work) -> None:
    own_float(w)
    expense, fund = expense_of(w), w["fund"]
    spendable(w, fund)
    if class_of(w, fund) in ("restricted", "conditional", "reserve"):
        raise No("wrong-state", "fund")
    known = [(body["supplier"], folded(body["number"])) for kind in ("bill", "voucher")
             for _ref, body in w.model.every(kind)]  # fmt: skip
    if (w["supplier"], folded(w["receipt"])) in known:
        raise No("already-exists", "receipt")
    ref = w.number_of("voucher", "V-", 5)
    w.write("voucher", ref, petty_cash=w["petty_cash"], supplier=w["supplier"], number=w["receipt"], state="open")
    w.post((fund, expense, w["amount"]), *cash_out(POOL, f"739/{w['petty_cash']}", fund, w["amount"]))


def settle(w: Work) -> None:
    """The receipts since the last refill are refilled."""
    for ref, body in w.model.every("voucher"):
        if body["petty_cash"] == w["petty_cash"] and body["state"] == "open":
            w.write("voucher", ref, body, state="refilled")


@rule("refill-petty-cash", "petty_cash:code from_place:code?=VAULT", TREASURER)
def refill_petty_cash(w: Work) -> None:
    found, code = open_float(w), f"739/{w['petty_cash']}"
    missing = found["float"] - w.balance(POOL, code)
    if missing <= 0:
        raise No("overdrawn", "petty_cash")
    source = vault_or_bank(w, "from_place")
    in_place(w, source, missing, "from_place")
    settle(w)
    w.post((POOL, code, missing), (POOL, source, -missing))
    w.write("petty-cash", w["petty_cash"], found)


def _counted(w: Work) -> Fact:
    found, code = own_float(w, or_treasurer=True), f"739/{w['petty_cash']}"
    short = w.balance(POOL, code) - w["counted"]
    if short and not w["why"]:
        raise No("invalid-value", "why")
    if short:
        w.post((GEN, "330", short), *cash_out(POOL, code, GEN, short))
    return found


@rule("count-petty-cash", "petty_cash:code counted:counted why:memo?", HOLDERS, second=_of_colleague, reversible=False)
def count_petty_cash(w: Work) -> None:
    w.write("petty-cash", w["petty_cash"], _counted(w))


@rule("close-petty-cash", "petty_cash:code counted:counted why:memo? to_place:code?=VAULT", HOLDERS,
      second=_of_colleague, reversible=False)  # fmt: skip
def close_petty_cash(w: Work) -> None:
    found = _counted(w)
    target = vault_or_bank(w, "to_place")
    settle(w)
    if w["counted"]:
        w.post((POOL, target, w["counted"]), (POOL, f"739/{w['petty_cash']}", -w["counted"]))
    w.write("petty-cash", w["petty_cash"], found, holder=None, state="closed", opened_at=None)


# ---------------------------------------------------------------------------------------- donated work


READ["building"] = lambda value: value if _numbered(value, "B-") else None
READ["hours"] = lambda value: value if _some_hours(value) else None


def _numbered(value: object, before: str) -> bool:
    digits = value[len(before) :] if isinstance(value, str) and value.startswith(before) else ""
    return digits.isascii() and digits.isdigit() and len(digits) <= 6


def _some_hours(value: object) -> bool:
    if not isinstance(value, str):
        return False
    whole, _point, part = value.partition(".")
    plain = whole.isascii() and whole.isdigit() and (not _point or (part.isascii() and part.isdigit()))
    return plain and len(whole) <= 5 and len(part) <= 2 and Fraction(value) > 0


@rule("recognise-donated-work", "building:building hours:hours hourly:money work:sometext source:sometext"
      " fund:code?=CLT", TREASURER, second=True)  # fmt: skip
def recognise_donated_work(w: Work) -> None:
    spendable(w, w["fund"])
    if any(gone["fund"] == w["fund"] and w["building"] in gone["buildings"] for _r, gone in w.model.every("disposal")):
        raise No("wrong-state", "building")
    amount = round(Fraction(w["hours"]) * w["hourly"])
    if not amount:
        raise No("invalid-amount", "hours")
    w.write("donated-work", w.number_of("donated-work", "DW-", 3), building=w["building"])
    w.post((w["fund"], f"772/{w['building']}", amount), (w["fund"], "182", -amount))
