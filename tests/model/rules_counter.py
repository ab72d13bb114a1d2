"""The counter: members, shares, savings, drawers, cheques, days. What each operation promises, written down plainly."""

from __future__ import annotations

import re
from typing import Any

from tests.model.books import GEN, POOL, TELLER, TREASURER, Fact, Line, Model, No, Work, days, rule

COUNTER = f"{TELLER} {TREASURER}"
DRAWERS = f"{COUNTER} loan-officer"
EVERYBODY = f"{DRAWERS} administrator"
RECEIVING = "tender:cash|cheque|transfer?=cash bank_account:code? cheque_number:text? cheque_date:day? "
PAYING = "tender:cash|transfer?=cash bank_account:code? cheque_number:text? "


# ------------------------------------------------------------------------------------- money in and out


def place_of(w: Work, *, receiving: bool) -> tuple[str, str]:
    """Fund and account where money comes in, or goes out."""
    if receiving and w["tender"] != "cheque" and w["cheque_number"] is not None:
        raise No("invalid-value", "cheque_number")
    if w["tender"] == "transfer":
        ref = w["bank_account"] or "FIRST"
        return w.model.get("bank-account", ref, "bank_account")["fund"], f"731/{ref}"
    return POOL, f"{'735' if w['tender'] == 'cheque' else '739'}/{own_drawer(w)}"


def own_drawer(w: Work) -> str:
    """That a person has open; on a day that is closed it is the day that has to be opened first."""
    w.require_day()
    found = [ref for ref, drawer in w.model.every("drawer") if drawer["owner"] == w.who]
    if not found:
        raise No("drawer-closed", "tender")
    return found[0]


def receive(w: Work, fund: str, amount: int, account: str | None = None, member: str | None = None) -> list[Line]:
    """Money comes in for a fund; a cheque is entered, and what it is credited to is held."""
    place_fund, place = place_of(w, receiving=True)
    if w["tender"] == "cheque":
        enter_cheque(w, fund, amount, place[4:], account, member or w["member"])
    return cash_in(place_fund, place, fund, amount)


def enter_cheque(w: Work, fund: str, amount: int, drawer: str, account: str | None, member: str | None) -> None:
    if not w["cheque_number"]:
        raise No("invalid-value", "cheque_number")
    if w["cheque_date"] is not None and w["cheque_date"] > w.business_day:
        raise No("invalid-date", "cheque_date")
    ref = w.number_of("cheque", "CH-", 5)
    leaf = None if account is None else (fund, account)
    cheque = {"amount": amount, "drawer": drawer, "by": w.number, "member": member, "leaf": leaf, "state": "on-hand"}
    w.write("cheque", ref, cheque, bank_account=None)
    if leaf is not None:
        hold(w, ref, amount, leaf)


def hold(w: Work, cheque: str, amount: int, leaf: tuple[str, str]) -> None:
    """What could be paid out again waits until the cheque is surely good."""
    held_for = w.model.policy("cheque_hold_days")
    if held_for and amount > 0:
        w.write("hold", cheque, amount=amount, leaf=leaf, until=w.business_day + days(held_for), state="held")


def pay(w: Work, fund: str, amount: int) -> list[Line]:
    return cash_out(*place_of(w, receiving=False), fund, amount)


def cash_in(place_fund: str, place: str, fund: str, amount: int) -> list[Line]:
    """Pooled money is owed to the fund, which has a claim on it."""
    if place_fund == fund:
        return [(fund, place, amount)]
    if place_fund != POOL:
        raise No("invalid-value", "bank_account")
    return [(POOL, place, amount), (POOL, f"879/{fund}", -amount), (fund, "729", amount)]


def cash_out(place_fund: str, place: str, fund: str, amount: int) -> list[Line]:
    return [(f, code, -moved) for f, code, moved in reversed(cash_in(place_fund, place, fund, amount))]


# --------------------------------------------------------------------------------------------- members


def active(w: Work, member: str, field: str = "member") -> Fact:
    found = w.model.get("member", member, field)
    if found["status"] != "active":
        raise No("wrong-state", field)
    return found


def alive(w: Work, member: str, field: str = "member") -> None:
    if w.model.is_dead(member):
        raise No("wrong-state", field)


def owner_on(w: Work, member: str, account: str, person: str, field: str) -> Fact:
    """Somebody who stands beside the member on that account, or on all of them."""
    found = w.model.get("joint-owner", person, field)
    if found["member"] != member or found["state"] != "active" or found["account"] not in ("", account):
        raise No("unknown", field)
    return found


@rule("admit-member", "member_name:sometext phone:sometext? joined_on:day?", EVERYBODY)
def admit_member(w: Work) -> None:
    if w["joined_on"] is not None and w["joined_on"] > w.business_day:
        raise No("invalid-date", "joined_on")
    joined = w["joined_on"] or w.business_day
    w.write("member", w.number_of("member", "M", 4), status="active", joined=joined)


@rule("change-member", "member:code phone:sometext? status:active|left?", EVERYBODY)
def change_member(w: Work) -> None:
    before = w.model.get("member", w["member"], "member")
    if before.get("forgotten"):
        raise No("wrong-state", "member")
    if w["phone"] is None and w["status"] is None:
        raise No("invalid-value", "member")
    if w["status"] == "left" and any(balance for leaf, balance in w.model.leaves.items() if held_by(w, leaf)):
        raise No("wrong-state", "status")
    w.write("member", w["member"], before, status=w["status"] or before["status"])


def held_by(w: Work, leaf: tuple[str, str]) -> bool:
    from tests.model.books import members_of

    return members_of([leaf], w.model) == {w["member"]}


# --------------------------------------------------------------------------------------------- savings


def savings(w: Work, member: str, account: str | None) -> str:
    """The contract of a member's savings account: the one named, or their first."""
    active(w, member)
    contract = (account or member).removeprefix("S-")
    found = w.model.find("savings", f"S-{contract}")
    if found is None or found["member"] != member:
        raise No("unknown", "member" if account is None else "account")
    return contract


def available(w: Work, code: str, amount: int) -> None:
    if amount > -w.balance(GEN, code) - w.model.held(GEN, code):
        raise No("overdrawn", "amount")


@rule("open-savings", "member:code annual_rate:rate?=0", COUNTER)
def open_savings(w: Work) -> None:
    active(w, w["member"])
    contract, copy = w["member"], 1
    while w.model.find("savings", f"S-{contract}") is not None:
        copy += 1
        contract = f"{w['member']}-{copy}"
    w.write("savings", f"S-{contract}", member=w["member"], rate=w["annual_rate"])
    w.created.append(f"S-{contract}")


@rule("deposit", RECEIVING + "member:code amount:money account:code? memo:memo?=", COUNTER)
def deposit(w: Work) -> None:
    code = f"905/{savings(w, w['member'], w['account'])}"
    w.post(*receive(w, GEN, w["amount"], code), (GEN, code, -w["amount"]))


@rule("withdraw", PAYING + "member:code amount:money account:code? by_person:code? memo:memo?=", COUNTER,
      second=lambda w: w["amount"] > w.model.policy("withdrawal_alone"))  # fmt: skip
def withdraw(w: Work) -> None:
    account = savings(w, w["member"], w["account"])
    alive(w, w["member"])
    if w["by_person"] and owner_on(w, w["member"], account, w["by_person"], "by_person")["role"] == "beneficiary":
        raise No("wrong-state", "by_person")
    code = f"905/{account}"
    available(w, code, w["amount"])
    w.post((GEN, code, w["amount"]), *pay(w, GEN, w["amount"]))


# ---------------------------------------------------------------------------------------------- shares


def sponsored(w: Work, leaf: str) -> int:
    """What a fund paid for of a member's shares, and was not given back."""
    return sum(body["left"] for _ref, body in w.model.every("sponsorship") if body["leaf"] == leaf)


def own_shares(w: Work, leaf: str, amount: int) -> None:
    """So much is there, is the member's own, and does not wait for a cheque."""
    has, given = -w.balance(GEN, leaf), sponsored(w, leaf)
    if given and has - given < amount <= has:
        raise No("wrong-state", "amount")
    available(w, leaf, amount)


def subscription(member: str, share_class: str) -> str:
    return f"875/{member}" if share_class == "901" else f"875/{member}.{share_class}"


@rule("buy-shares", RECEIVING + "member:code amount:money share_class:code?=901", COUNTER)
def buy_shares(w: Work) -> None:
    active(w, w["member"])
    kind = w.model.get("share-class", w["share_class"], "share_class")
    waiting_leaf, leaf = subscription(w["member"], w["share_class"]), f"{w['share_class']}/{w['member']}"
    waiting, held = -w.balance(GEN, waiting_leaf), -w.balance(GEN, leaf)
    if kind["most"] is not None and w["amount"] > kind["most"] * kind["par"] - held - waiting:
        raise No("invalid-amount", "amount")
    shares = (waiting + w["amount"]) // kind["par"]
    left = waiting + w["amount"] - shares * kind["par"]
    money = receive(w, GEN, w["amount"], leaf if shares else waiting_leaf)
    w.post(*money, (GEN, waiting_leaf, waiting - left), (GEN, leaf, -shares * kind["par"]))


@rule(
    "redeem-shares",
    PAYING + "member:code amount:money share_class:code?=901 subscription:yes?=no",
    COUNTER,
    second=True,
)
def redeem_shares(w: Work) -> None:
    kind = w.model.get("share-class", w["share_class"], "share_class")
    leaf = subscription(w["member"], w["share_class"]) if w["subscription"] else f"{w['share_class']}/{w['member']}"
    w.model.get("member", w["member"], "member")
    alive(w, w["member"])
    if not w["subscription"] and (kind["notice_days"] or kind["yearly_cap"]):
        raise No("wrong-state", "share_class")
    if not w["subscription"] and w["amount"] % kind["par"]:
        raise No("invalid-amount", "amount")
    own_shares(w, leaf, w["amount"])
    if not w["subscription"]:
        _share_is_kept(w, leaf)
    w.post((GEN, leaf, w["amount"]), *pay(w, GEN, w["amount"]))


def _share_is_kept(w: Work, leaf: str) -> None:
    from tests.model.rules_set_off import require_share_kept

    par = w.model.get("share-class", w["share_class"], "share_class")["par"]
    require_share_kept(w, w["member"], w["share_class"], -w.balance(GEN, leaf) - w["amount"], par)


@rule("transfer-shares", "member:code to_member:code amount:money share_class:code?=903", COUNTER, second=True,
      serves=lambda w: {w["member"], w["to_member"]})  # fmt: skip
def transfer_shares(w: Work) -> None:
    if w["member"] == w["to_member"]:
        raise No("invalid-value", "to_member")
    w.model.get("member", w["member"], "member")
    alive(w, w["member"])
    active(w, w["to_member"], "to_member")
    kind = w.model.get("share-class", w["share_class"], "share_class")
    if w["amount"] % kind["par"]:
        raise No("invalid-amount", "amount")
    source, target = f"{w['share_class']}/{w['member']}", f"{w['share_class']}/{w['to_member']}"
    own_shares(w, source, w["amount"])
    _share_is_kept(w, source)
    has = -w.balance(GEN, target) - w.balance(GEN, subscription(w["to_member"], w["share_class"]))
    if kind["most"] is not None and has + w["amount"] > kind["most"] * kind["par"]:
        raise No("wrong-state", "to_member")
    w.post((GEN, source, w["amount"]), (GEN, target, -w["amount"]))


# ------------------------------------------------------------------------------------------------ cash


def free_place(w: Work, place: str, field: str, but: str) -> None:
    if place.upper() == "VAULT":
        raise No("invalid-value", field)
    if any(w.model.find(kind, place) for kind in ("drawer", "bank-account", "petty-cash") if kind != but):
        raise No("already-exists", field)


def within_drawer_limit(w: Work, drawer: str, more: int, field: str) -> None:
    limit = w.model.policy("drawer_limit")
    if limit and w.balance(POOL, f"739/{drawer}") + more > limit:
        raise No("invalid-amount", field)


def in_place(w: Work, code: str, wanted: int, field: str) -> None:
    """So much cash is there, or the refusal is told by the name that the amount has in the form."""
    if w.balance(POOL, code) < wanted:
        raise No("overdrawn", field)


def mine(w: Work, drawer: str, field: str, *, or_treasurer: bool = False) -> Fact:
    found = w.model.get("drawer", drawer, field)
    if found["owner"] is None:
        raise No("drawer-closed", field)
    roles = w.model.get("user", w.who, "user")["roles"]
    if found["owner"] != w.who and not (or_treasurer and TREASURER in roles):
        raise No("not-allowed", field)
    return found


@rule("open-drawer", "drawer:code float_amount:counted?=0", DRAWERS, reversible=False)
def open_drawer(w: Work) -> None:
    w.require_day()
    free_place(w, w["drawer"], "drawer", "drawer")
    if any(drawer["owner"] == w.who for _ref, drawer in w.model.every("drawer")):
        raise No("drawer-closed", "drawer")
    before = w.model.find("drawer", w["drawer"])
    if before is not None and before["owner"] is not None:
        raise No("drawer-closed", "drawer")
    within_drawer_limit(w, w["drawer"], w["float_amount"], "float_amount")
    w.write("drawer", w["drawer"], owner=w.who, opened_at=w.number)
    in_place(w, "739/VAULT", w["float_amount"], "float_amount")
    if w["float_amount"]:
        w.post((POOL, f"739/{w['drawer']}", w["float_amount"]), (POOL, "739/VAULT", -w["float_amount"]))


def counted(w: Work) -> None:
    """What is short or over is posted at once; much of it waits for a colleague's signature."""
    drawer = f"739/{w['drawer']}"
    short = w.balance(POOL, drawer) - w["counted"]
    if not short:
        return
    if not w["why"]:
        raise No("invalid-value", "why")
    w.post((GEN, "330", short), (GEN, "729", -short), (POOL, f"879/{GEN}", short), (POOL, drawer, -short))
    if abs(short) > w.model.policy("difference_alone"):
        owner = w.model.get("drawer", w["drawer"], "drawer")["owner"]
        w.write("difference", f"{w['drawer']}-{w.number}", owner=owner, state="open")


@rule("count-drawer", "drawer:code counted:counted why:memo?", DRAWERS, reversible=False)
def count_drawer(w: Work) -> None:
    before = mine(w, w["drawer"], "drawer")
    counted(w)
    w.write("drawer", w["drawer"], before)


def _colleagues(w: Work) -> bool:
    drawer = w.model.find("drawer", w["drawer"])
    return drawer is not None and drawer["owner"] not in (None, w.who)


@rule("close-drawer", "drawer:code counted:counted why:memo?", DRAWERS, second=_colleagues, reversible=False)
def close_drawer(w: Work) -> None:
    before = mine(w, w["drawer"], "drawer", or_treasurer=True)
    counted(w)
    if w["counted"]:
        w.post((POOL, "739/VAULT", w["counted"]), (POOL, f"739/{w['drawer']}", -w["counted"]))
    w.write("drawer", w["drawer"], before, owner=None)


@rule("sign-difference", "difference:code finding:memo?", f"{EVERYBODY} supervisor", reversible=False)
def sign_difference(w: Work) -> None:
    found = w.model.get("difference", w["difference"], "difference")
    if found["state"] != "open":
        raise No("wrong-state", "difference")
    if found["owner"] == w.who:
        raise No("own-request", "difference")
    w.write("difference", w["difference"], found, state="signed")


@rule("move-cash", "from_place:code to_place:code amount:money", DRAWERS)
def move_cash(w: Work) -> None:
    if w["from_place"] == w["to_place"]:
        raise No("invalid-value", "to_place")
    source, target = (_cash_place(w, w[field], field) for field in ("from_place", "to_place"))
    if target[:3] == "739" and target != "739/VAULT":
        within_drawer_limit(w, w["to_place"], w["amount"], "amount")
    w.post((POOL, target, w["amount"]), (POOL, source, -w["amount"]))


def _cash_place(w: Work, place: str, field: str) -> str:
    if place == "VAULT":
        return "739/VAULT"
    account = w.model.find("bank-account", place)
    if account is None:
        mine(w, place, field)
        return f"739/{place}"
    if account["fund"] != POOL:
        raise No("invalid-value", field)
    if TREASURER not in w.model.get("user", w.who, "user")["roles"]:
        raise No("not-allowed", field)
    return f"731/{place}"


@rule("add-bank-account", "code:code account_name:sometext fund:code?=POOL", f"{TREASURER} administrator", second=True)
def add_bank_account(w: Work) -> None:
    if w.model.facts.get(("bank-account", w["code"])):
        raise No("already-exists", "code")
    free_place(w, w["code"], "code", "bank-account")
    w.model.get("fund", w["fund"], "fund")
    w.write("bank-account", w["code"], fund=w["fund"])


@rule("bank-cheques", "cheques:list bank_account:code? slip:text?=", TREASURER)
def bank_cheques(w: Work) -> None:
    ref = w["bank_account"] or "FIRST"
    if w.model.get("bank-account", ref, "bank_account")["fund"] != POOL:
        raise No("invalid-value", "bank_account")
    if len(set(w["cheques"])) != len(w["cheques"]):
        raise No("invalid-value", "cheques")
    drawers: dict[str, int] = {}
    for number in w["cheques"]:
        cheque = w.model.get("cheque", number, "cheques")
        if cheque["state"] != "on-hand":
            raise No("wrong-state", "cheques")
        drawers[cheque["drawer"]] = drawers.get(cheque["drawer"], 0) + cheque["amount"]
        w.write("cheque", number, cheque, state="banked", bank_account=ref)
    w.post((POOL, f"731/{ref}", sum(drawers.values())), *((POOL, f"735/{d}", -a) for d, a in sorted(drawers.items())))


def _member_of_cheque(w: Work) -> set[str]:
    cheque = w.model.find("cheque", w["cheque"])
    if cheque is None:
        return set()
    return {member for member in (cheque["member"], *(_saver(w, each) for each in _credit(w, cheque))) if member}


def put_right(model: Model, number: int) -> list[tuple[str, Fact]]:
    """The corrections of an operation, and of these, in their order."""
    found = []
    for ref, body in model.every("correction"):
        if body["operation"] == number:
            found += [(ref, body), *put_right(model, model.facts["correction", ref][0][0])]
    return found


def _credit(w: Work, cheque: Fact) -> dict[str, int]:
    """The savings accounts that have its credit now, each its part."""
    if cheque["leaf"] is None or not cheque["leaf"][1].startswith("905/"):
        return {}
    found = {cheque["leaf"][1][4:]: cheque["amount"]}
    for _ref, body in put_right(w.model, cheque["by"]):
        for account, sign in ((body["wrong"], 1), (body["right"], -1)):
            found[account] = found.get(account, 0) + sign * body["amount"]
    return {account: amount for account, amount in found.items() if amount}


def _saver(w: Work, account: str) -> str:
    return str(w.model.get("savings", f"S-{account}", "cheque")["member"])


@rule("return-cheque", "cheque:code bank_charge:counted?=0", TREASURER, serves=_member_of_cheque)
def return_cheque(w: Work) -> None:
    cheque = w.model.get("cheque", w["cheque"], "cheque")
    if cheque["state"] != "banked":
        raise No("wrong-state", "cheque")
    fund = w.model.get("bank-account", cheque["bank_account"], "bank_account")["fund"]
    place = (fund, f"731/{cheque['bank_account']}")
    if cheque["leaf"] is not None and cheque["leaf"][1].startswith("905/"):
        _from_savings(w, cheque, place)
    else:
        _undo_paid(w, cheque, place)
    w.write("cheque", w["cheque"], cheque, state="returned")
    for ref in (w["cheque"], f"{w['cheque']}.2", *(each for each, _body in put_right(w.model, cheque["by"]))):
        hold = w.model.find("hold", ref)
        if hold is not None and (ref == w["cheque"] or hold["state"] == "held"):
            w.write("hold", ref, hold, state="released")


def _from_savings(w: Work, cheque: Fact, place: tuple[str, str]) -> None:
    """Out of what was credited, wherever that is now; what is missing there, its member owes."""
    lines = []
    for account, amount in _credit(w, cheque).items():
        covered = min(amount, -w.balance(GEN, f"905/{account}"))
        lines += [(GEN, f"905/{account}", covered), (GEN, f"791/{_saver(w, account)}", amount - covered)]
    w.post(*lines, (GEN, "260", w["bank_charge"]), *cash_out(*place, GEN, cheque["amount"] + w["bank_charge"]))


def _undo_paid(w: Work, cheque: Fact, place: tuple[str, str]) -> None:
    """What it paid for is taken back; if that cannot be, the member owes the money."""
    from tests.model.rules_loans import naming
    from tests.model.rules_undoing import loans_told, post_retold, put_back, require_room, taken_back

    past = w.model.log[cheque["by"]]
    loans = loans_told(w, past)
    try:
        require_room(w, past, but_on="735", released=w["cheque"], told_anew=bool(loans))
        with naming("cheque"):
            retold = [taken_back(w, past, ref, facts, replay=True) for ref, facts in loans.items()]
        put_back(w, past, keep=w["cheque"], story=bool(loans))
    except No as no:
        if no.error not in ("cannot-reverse", "overdrawn"):
            raise
        if cheque["member"] is None:
            raise No(no.error, "cheque") from no
        owed = [(code[4:], -moved) for (_f, code), moved in past.moved().items() if code[:3] == "879"]
        lines = [line for fund, amount in owed
                 for line in ((fund, f"791/{cheque['member']}", amount), *cash_out(*place, fund, amount))]  # fmt: skip
        w.post(*lines)
    else:
        for entry in past.entries:
            w.post(*((f, place[1] if code[:3] == "735" else code, -amount) for f, code, amount in entry))
        post_retold(w, retold)
    if w["bank_charge"]:
        w.post((GEN, "260", w["bank_charge"]), *cash_out(*place, GEN, w["bank_charge"]))


# ------------------------------------------------------------------------------------------------ days


@rule("open-day", "date:day", EVERYBODY, reversible=False, second=lambda w: (w["date"] - w.model.day).days > 300)
def open_day(w: Work) -> None:
    day: Any = w["date"]
    if w.model.day_open or day > w.model.today or day < w.model.day or day in w.model.closed_days:
        raise No("day-closed", "date")
    waiting = [(ref, body) for ref, body in w.model.every("difference") if body["state"] == "open"]
    if any(body["owner"] == w.who for _ref, body in waiting):
        raise No("own-request", "date")
    for ref, body in waiting:
        w.write("difference", ref, body, state="signed")
    w.business_day = day

    def after() -> None:
        w.model.day_open, w.model.opened_at = True, w.number

    w.after = after


@rule("close-day", "date:day?", f"{COUNTER} administrator", reversible=False)
def close_day(w: Work) -> None:
    if not w.model.day_open or w["date"] not in (None, w.model.day):
        raise No("day-closed", "date")
    if any(drawer["owner"] for _ref, drawer in w.model.every("drawer")):
        raise No("wrong-state", "date")

    def after() -> None:
        w.model.day_open = False
        w.model.closed_days.add(w.model.day)

    w.after = after


def folded(number: str) -> str:
    return re.sub(r"\s", "", number.casefold())
