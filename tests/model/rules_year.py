"""Once a quarter, once a year: journal entries, interest on savings, the closing of every fund, dividends, the surplus.

Whatever is divided over members is rounded once in all, and split by largest remainder in the order of their numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from typing import Any

from tests.model.books import (
    ADMIN,
    FOUNDED,
    GEN,
    POOL,
    READ,
    SUPERVISOR,
    TELLER,
    TREASURER,
    Fact,
    Line,
    Model,
    No,
    Work,
    broken,
    days,
    rule,
    words,
)
from tests.model.rules_counter import PAYING, alive, cash_in, own_shares, pay, put_right, savings
from tests.model.rules_funds import EXPENSES, claim, class_of
from tests.model.rules_months import last_day
from tests.model.rules_set_off import require_share_kept
from tests.model.story import halves

OF_YEAR = (SUPERVISOR, TREASURER, ADMIN)
COUNTER = f"{TELLER} {TREASURER}"

# ------------------------------------------------------------------------------------- journal entries

#: Accounts that other operations keep: no journal entry names them. So are those of memo.
OWNED = words("901 903 875 905 945 946 950 821 823 825 701 781 871 872 831 811 851 801 739 735 729 879 990 960 728 878")
OF_THINGS = re.compile(r".+/FA-[0-9]{3,}|771/P-.+|772/B-.+")  # and so are those of things, by their numbers
ZERO_SUMS = (("185", "186"), ("187",), ("728", "878"))


@rule("journal-entry", "memo:somememo effective_on:day? lines:lines", TREASURER, second=True,
      serves=lambda w: {m for _f, code, _n in w["lines"] if (m := _named(code)) is not None})  # fmt: skip
def journal_entry(w: Work) -> None:
    moves: dict[tuple[str, str], int] = {}
    for number, line in enumerate(w["lines"]):
        for fund, code, amount in _journal_line(w, line, f"lines.{number}"):
            moves[fund, code] = moves.get((fund, code), 0) + amount
    for group in ZERO_SUMS:
        if sum(amount for _fund, code, amount in w["lines"] if code[:3] in group):
            raise No("invalid-value", "lines")
    on = w["effective_on"] or w.business_day
    if on < w.business_day:
        _require_past(w, moves, on)
    w.require_day()
    if on > w.business_day:
        raise No("day-closed", "effective_on")
    if w.model.locked.get(str(on)[:7]) == "locked":
        raise No("period-locked", "effective_on")
    funds = {fund for fund, _code in moves}
    if sum(map(bool, moves.values())) < 2 or any(sum(n for (f, _c), n in moves.items() if f == fund) for fund in funds):
        raise No("invalid-value", "lines")
    w.post(*((fund, code, amount) for (fund, code), amount in moves.items()), on=on)


def _named(code: str) -> str | None:
    match = re.fullmatch(r"(M[0-9]{4,9})(?:[.-].*)?", code.partition("/")[2].partition("/")[0])
    return None if match is None else match[1]


def _journal_line(w: Work, line: Line, field: str) -> list[Line]:
    fund, code, amount = line
    gl, _stroke, contract = code.partition("/")
    if fund == POOL:
        raise No("invalid-value", f"{field}.fund")
    w.model.get("fund", fund, f"{field}.fund")
    if gl == "999":
        raise No("unknown", f"{field}.account")
    if gl[0] == "M" or gl in OWNED or (gl in ("181", "186") and w.model.facts.get(("gift", contract))):
        raise No("invalid-value", f"{field}.account")
    if (gl == "791" and re.match("L-|DU-", contract)) or OF_THINGS.fullmatch(f"{gl}/{contract}"):
        raise No("invalid-value", f"{field}.account")
    if gl == "932" and amount > 0:
        raise No("invalid-value", f"{field}.account")
    if (gl in EXPENSES or gl == "187") and amount > 0 and class_of(w, fund) in ("restricted", "conditional"):
        raise No("wrong-state", f"{field}.fund")
    if (member := _named(code)) is not None:
        w.model.get("member", member, f"{field}.account")
    if gl != "731":
        return [line]
    if not contract:
        raise No("invalid-value", f"{field}.account")
    return cash_in(w.model.get("bank-account", contract, f"{field}.account")["fund"], code, fund, amount)


def passed_over(w: Work, month: str) -> bool:
    """Whether nobody closed the month, and a later one is locked."""
    locked = w.model.locked
    return month not in locked and any(state == "locked" and later > month for later, state in locked.items()
                                       if len(later) == len(month))  # fmt: skip


def _require_past(w: Work, moves: dict[tuple[str, str], int], on: date) -> None:
    """What an entry dated back would break on any day since, if it had a guard then."""
    if on < w.model.founded:
        raise No("invalid-date", "effective_on")
    if passed_over(w, str(on)[:7]):
        raise No("period-locked", "effective_on")
    for leaf, amount in moves.items():
        moved = w.model.dated.get(leaf, [])
        for day in sorted({on, *(day for day, _n in moved if day > on)}):
            if moved and broken(leaf[1], sum(n for each, n in moved if each <= day) + amount):
                raise No("overdrawn", "effective_on")


# ------------------------------------------------------------------------------------- savings interest


def quarter_days(quarter: str) -> tuple[date, date]:
    year, number = int(quarter[:4]), int(quarter[-1])
    return date(year, 3 * number - 2, 1), last_day(f"{year}-{3 * number:02}")


def balance_days(w: Work, code: str, first: date, last: date) -> int:
    """What is owed on a leaf at the end of each day, added up over the days; below zero counts nothing."""
    return balances_over(w.model.dated.get((GEN, code), []), first, last)


def balances_over(lines: list[tuple[date, int]], first: date, last: date) -> int:
    """The same of lines and their days."""
    moved = sorted((max(day, first), -amount) for day, amount in lines if day <= last)
    found, balance, at = 0, 0, first
    for day, amount in moved:
        found += max(0, balance) * (day - at).days
        balance, at = balance + amount, day
    return found + max(0, balance) * ((last - at).days + 1)


@rule("credit-interest", "quarter:quarter", TREASURER, second=True)
def credit_interest(w: Work) -> None:
    first, last = quarter_days(w["quarter"])
    if w.model.find("savings-interest", w["quarter"]) is not None:
        raise No("already-exists", "quarter")
    if last < w.model.founded:
        raise No("invalid-date", "quarter")
    if w.business_day < last:
        raise No("wrong-state", "quarter")
    late, never = _after_credit(w, first - days(1)), _never_had(w, first, last)
    weights = {}
    for ref, body in w.model.every("savings"):
        lines, taken = w.model.dated.get((GEN, f"905/{ref[2:]}"), []), never.get(ref[2:], [])
        product = balances_over([*lines, *taken], first, last) + late.get(ref[2:], 0)
        if (begins := min((day for day, _amount in taken), default=first)) < first:  # no more than those days had of it
            product += balances_over([*lines, *taken], begins, first - days(1))
            product -= balances_over(lines, begins, first - days(1))
        weights[ref[2:]] = product * Fraction(body["rate"])
    exact = {account: weight / 36_500 for account, weight in weights.items() if weight > 0}
    total = round(sum(exact.values(), Fraction(0)))
    parts = dict(zip(exact, largest(total, list(exact.values())), strict=True))
    month = f"{last:%Y-%m}"
    over = w.model.locked.get(month) == "locked" or passed_over(w, month)
    earned = [(GEN, "385", total), (GEN, "852", -total)]
    credited = [(GEN, "852", total), *((GEN, f"905/{account}", -amount) for account, amount in parts.items())]
    if total and (over or last == w.business_day):
        w.post(*earned, *credited)
    elif total:  # an expense of the quarter, and the members' from today on
        # What the quarter bears of a credit that was taken back later it does not bear twice.
        quarters = max(0, total - _borne(w, ("savings-interest", w["quarter"]), "385", last))
        for part, on in ((quarters, last), (total - quarters, None)):
            if part:
                w.post((GEN, "385", part), (GEN, "852", -part), on=on)
        w.post(*credited)
    w.write("savings-interest", w["quarter"], total=total)


def _borne(w: Work, fact: tuple[str, str], expense: str, last: date) -> int:
    """The expense under the days of a period, by those who made something of it or took that back."""
    found = 0
    for number, _body in w.model.facts.get(fact, ()):
        done = w.model.log[number]
        for entry, on in zip(done.entries, done.days, strict=True):
            found += sum(amount for fund, code, amount in entry if (fund, code) == (GEN, expense) and on <= last)
    return found


def _never_had(w: Work, first: date, last: date) -> dict[str, list[tuple[date, int]]]:
    """Lines that take the cheques out of savings that came back in a quarter, by account."""
    found: dict[str, list[tuple[date, int]]] = {}
    before = first - days(1)
    quarter = f"{before.year}-Q{(before.month + 2) // 3}"
    known = w.model.find("savings-interest", quarter) is not None
    credited = w.model.facts["savings-interest", quarter][-1][0] if known else None
    for ref, cheque in w.model.every("cheque"):
        by = w.model.facts["cheque", ref][-1][0]
        back = w.model.log[by].day
        here = first <= back <= last or (back == before and credited is not None and by > credited)
        if cheque["state"] != "returned" or not here or cheque["leaf"] is None:
            continue
        corrected = [w.model.facts["correction", each][0][0] for each, _body in put_right(w.model, cheque["by"])]
        for number in (cheque["by"], *corrected):
            done = w.model.log[number]
            for entry, on in zip(done.entries, done.days, strict=True):
                for fund, code, amount in entry:
                    if (fund, code[:4]) == (GEN, "905/"):
                        found.setdefault(code[4:], []).extend([(on, -amount), (back, amount)])
    return found


def _after_credit(w: Work, day: date) -> dict[str, int]:
    """What a quarter's last day lacks, by account: what moved on it after its interest was credited that day."""
    quarter = f"{day.year}-Q{(day.month + 2) // 3}"
    if w.model.find("savings-interest", quarter) is None:
        return {}
    by = w.model.facts["savings-interest", quarter][-1][0]
    found: dict[str, int] = {}
    for number in range(by + 1, w.number) if w.model.log[by].day == day else ():
        done = w.model.log.get(number)
        for entry, on in zip(done.entries, done.days, strict=True) if done is not None else ():
            for fund, code, amount in entry if on == day else ():
                if (fund, code[:4]) == (GEN, "905/"):
                    found[code[4:]] = found.get(code[4:], 0) - amount
    return found


def largest(total: int, weights: list[Fraction]) -> list[int]:
    """A sum split by exact weights."""
    if not total:
        return [0] * len(weights)
    scale = 1
    for weight in weights:
        scale *= weight.denominator // _common(scale, weight.denominator)
    return halves(total, [int(weight * scale) for weight in weights])


def _common(one: int, other: int) -> int:
    while other:
        one, other = other, one % other
    return one


# ------------------------------------------------------------------------------------- the year


def year_rule(name: str, fields: str = "") -> Callable[[Callable[[Work], None]], Any]:
    return rule(name, "year:year " + fields, TREASURER, second=True, approvers=OF_YEAR, reversible=False)


@year_rule("open-audit-period")
def open_audit_period(w: Work) -> None:
    december = f"{w['year']}-12"
    if w.model.locked.get(w["year"]) == "locked":
        raise No("period-locked", "year")
    if w.model.locked.get(december) != "locked":
        raise No("wrong-state", "year")
    _periods(w, {december: "adjusting"})


def _periods(w: Work, states: dict[str, str]) -> None:
    def after() -> None:
        w.model.locked.update(states)

    w.after = after


@year_rule("close-year", "unexplained:memo?")
def close_year(w: Work) -> None:
    year, model = str(w["year"]), w.model
    december, last = f"{year}-12", date(int(year), 12, 31)
    if model.locked.get(year) == "locked":
        raise No("period-locked", "year")
    if any(month < december and model.locked.get(month) != "locked" for month in model.months):
        raise No("wrong-state", "year")
    if any(month[:4] < year and model.locked.get(month[:4]) != "locked" for month in model.months):
        raise No("wrong-state", "year")
    if model.locked.get(december) != "adjusting":
        raise No("wrong-state", "year")
    for codes in (("990",), ("185", "186"), ("187",), ("872",)):
        left = sum(
            n for (_f, code), moved in model.dated.items() if code[:3] in codes for day, n in moved if day <= last
        )
        if left and not (codes == ("872",) and w["unexplained"]):
            raise No("wrong-state", "year")
    moved = {leaf: sum(n for day, n in lines if str(day)[:4] == year) for leaf, lines in model.dated.items()
             if leaf[1][0] in "123"}  # fmt: skip
    for entry in (model.find("year-close", year) or {"entries": []})["entries"]:
        w.post(*((fund, code, -amount) for fund, code, amount in entry), on=last)
        for fund, code, amount in entry:
            if code[0] in "123":
                moved[fund, code] = moved.get((fund, code), 0) - amount
    entries, results = _closing(w, moved)
    for entry in entries:
        w.post(*entry, on=last)
    w.write("year-close", year, entries=entries, results=results)
    _periods(w, {december: "locked", year: "locked"})


def _closing(w: Work, moved: dict[tuple[str, str], int]) -> tuple[list[list[Line]], dict[str, int]]:
    """Income and expense to 960, then that and the transfers to the fund's own balance; a surplus is positive."""
    results: dict[str, int] = {}
    transfers: dict[str, int] = {}
    first: list[Line] = []
    for (fund, code), amount in moved.items():
        if amount and code == "187":
            transfers[fund] = amount
        elif amount:
            results[fund] = results.get(fund, 0) - amount
            first.append((fund, code, -amount))
    first += [(fund, "960", -amount) for fund, amount in results.items()]
    second: list[Line] = []
    for fund in {**results, **transfers}:
        result, transfer = results.get(fund, 0), transfers.get(fund, 0)
        own = "940" if (w.model.find("fund", fund) or {})["fund_class"] == "general" else "961"
        second += [(fund, "960", result), (fund, "187", -transfer), (fund, own, transfer - result)]
    entries = [[line for line in entry if line[2]] for entry in (first, second)]
    return [entry for entry in entries if entry], results


@year_rule("reopen-year", "why:somememo")
def reopen_year(w: Work) -> None:
    year = str(w["year"])
    if w.model.locked.get(year) != "locked":
        raise No("wrong-state", "year")
    if w.model.locked.get(str(int(year) + 1)) == "locked":
        raise No("period-locked", "year")
    _periods(w, {f"{year}-12": "adjusting", year: "adjusting"})


# ------------------------------------------------------------------------------------- shares and dividends


@rule("set-share-class", "share_class:code presentation:equity|liability? dividend_cap:rate? notice_days:zero?"
      " yearly_cap:percent? queue:yes? resolution:sometext", f"{TREASURER} {ADMIN}", second=True,
      reversible=False)  # fmt: skip
def set_share_class(w: Work) -> None:
    before = w.model.get("share-class", w["share_class"], "share_class")
    named = ("presentation", "dividend_cap", "notice_days", "yearly_cap", "queue")
    changes = {name: w[name] for name in named if w[name] is not None and w[name] != before[name]}
    if not changes:
        raise No("invalid-value", "share_class")
    w.write("share-class", w["share_class"], {**before, **changes})


def weights_of(w: Work, gl: str, year: str, basis: str) -> dict[str, int]:
    """Balance times days of a year, by member."""
    first, last = date(int(year), 1, 1), date(int(year), 12, 31)
    found: dict[str, int] = {}
    for fund, code in w.model.dated:
        if fund != GEN or not code.startswith(f"{gl}/"):
            continue
        if basis == "average":
            weight = balance_days(w, code, first, last)
        else:
            ends = -sum(amount for day, amount in w.model.moves(fund, code) if day <= last)
            weight = ends * ((last - first).days + 1)
        if weight > 0:
            member = str(_named(code))
            found[member] = found.get(member, 0) + weight
    return found


def shared(total: int, weights: dict[str, int]) -> dict[str, int]:
    members = sorted(member for member, weight in weights.items() if weight)
    if not total or not members:
        return {}
    parts = halves(total, [weights[member] for member in members])
    return {member: part for member, part in zip(members, parts, strict=True) if part}


def dividend_of(rate: str, weights: dict[str, int], year: str) -> dict[str, int]:
    count = (date(int(year), 12, 31) - date(int(year), 1, 1)).days + 1
    return shared(round(Fraction(rate) * sum(weights.values()) / count / 100), weights)


def require_closed(w: Work, year: str) -> None:
    if w.model.find("year-close", year) is None or w.model.locked.get(year) != "locked":
        raise No("wrong-state", "year")


def require_earned(held: int, total: int, field: str) -> None:
    if held <= 0:
        raise No("wrong-state", field)
    if total > held:
        raise No("overdrawn", field)


@rule("declare-dividend", "year:year rate:rate share_class:code?=903 basis:average|year-end?=average"
      " resolution:sometext", TREASURER, second=True, approvers=OF_YEAR)  # fmt: skip
def declare_dividend(w: Work) -> None:
    kind, year = w.model.get("share-class", w["share_class"], "share_class"), str(w["year"])
    last, liability = date(int(year), 12, 31), kind["presentation"] == "liability"
    if w.business_day < last:
        raise No("wrong-state", "year")
    if last < w.model.founded:
        raise No("invalid-date", "year")
    if w.model.find("dividend", f"{year}-{w['share_class']}") is not None:
        raise No("already-exists", "year")
    if liability and w.model.locked.get(year) == "locked":
        raise No("wrong-state", "year")
    if not liability:
        require_closed(w, year)
    if not Fraction(w["rate"]):
        raise No("invalid-value", "rate")
    if Fraction(w["rate"]) > Fraction(kind["dividend_cap"] or "8"):
        raise No("invalid-amount", "rate")
    shares = dividend_of(w["rate"], weights_of(w, w["share_class"], year, w["basis"]), year)
    total = sum(shares.values())
    if not total:
        raise No("wrong-state", "year")
    so_far = -sum(n for (fund, code), moved in w.model.dated.items() if fund == GEN and code[0] in "123"
                  for day, n in moved if str(day)[:4] == year)  # fmt: skip
    ref = f"{year}-{w['share_class']}"
    # What the year bears of a dividend that was taken back later it does not bear twice.
    there = _borne(w, ("dividend", ref), "381", last) if liability else 0
    require_earned(-w.balance(GEN, "940") + (so_far + there if liability else 0), total, "rate")
    if liability:
        years = max(0, total - there)
        first = dict(zip(shares, largest(years, list(map(Fraction, shares.values()))), strict=True))
        for part, on in ((first, last), ({m: n - first[m] for m, n in shares.items()}, None)):
            if any(part.values()):
                w.post((GEN, "381", sum(part.values())), *((GEN, f"821/{m}", -n) for m, n in part.items() if n), on=on)
    else:
        w.post((GEN, "940", total), *((GEN, f"821/{m}", -n) for m, n in shares.items()))
    w.write("dividend", ref, total=total)


def paying_out(name: str, control: str) -> None:
    """Pay what is payable to one member, or to all who have savings."""

    def moves(w: Work) -> int | None:
        return -w.balance(GEN, f"{control}/{w['member']}") if w["member"] else None

    def second(w: Work) -> bool:
        return w["member"] is None or (moves(w) or 0) > w.model.policy("withdrawal_alone")

    @rule(name, PAYING + "member:code? to_savings:yes?=no", COUNTER, second=second, moves=moves)
    def perform(w: Work) -> None:
        if w["member"] is None:
            _pay_all(w, control)
            return
        w.model.get("member", w["member"], "member")
        alive(w, w["member"])
        leaf = f"{control}/{w['member']}"
        amount = -w.balance(GEN, leaf)
        if not amount:
            raise No("overdrawn", "member")
        if w["to_savings"]:
            w.post((GEN, leaf, amount), (GEN, f"905/{savings(w, w['member'], None)}", -amount))
        else:
            w.post((GEN, leaf, amount), *pay(w, GEN, amount))


def _pay_all(w: Work, control: str) -> None:
    accounts: dict[str, str] = {}
    for ref, body in w.model.every("savings"):
        accounts.setdefault(body["member"], ref[2:])
    lines: list[Line] = []
    for (fund, code), balance in sorted(w.model.leaves.items()):
        member = code.partition("/")[2]
        if fund != GEN or not code.startswith(f"{control}/") or not balance or member not in accounts:
            continue
        if (w.model.find("member", member) or {}).get("status") == "active" and not w.model.is_dead(member):
            lines += [(GEN, code, -balance), (GEN, f"905/{accounts[member]}", balance)]
    if not lines:
        raise No("overdrawn", "member")
    w.post(*lines)


paying_out("pay-dividend", "821")
paying_out("pay-patronage", "823")


# ------------------------------------------------------------------------------------- redemption


@rule("accept-redemption", "member:code amount:money share_class:code?=901", COUNTER, second=True)
def accept_redemption(w: Work) -> None:
    w.model.get("member", w["member"], "member")
    alive(w, w["member"])
    kind = w.model.get("share-class", w["share_class"], "share_class")
    leaf = f"{w['share_class']}/{w['member']}"
    if w["amount"] % kind["par"]:
        raise No("invalid-amount", "amount")
    own_shares(w, leaf, w["amount"])
    require_share_kept(w, w["member"], w["share_class"], -w.balance(GEN, leaf) - w["amount"], kind["par"])
    ref = w.number_of("redemption", "RD-", 5)
    w.post((GEN, leaf, w["amount"]), (GEN, f"825/{w['member']}", -w["amount"]))
    w.write("redemption", ref, member=w["member"], share_class=w["share_class"], amount=w["amount"], state="waiting",
            payable_on=w.business_day + days(kind["notice_days"]), paid_on=None)  # fmt: skip


def _redeeming(w: Work) -> Fact | None:
    return w.model.find("redemption", w["redemption"])


@rule("pay-redemption", PAYING + "redemption:code", COUNTER,
      serves=lambda w: set() if (found := _redeeming(w)) is None else {found["member"]},
      moves=lambda w: None if (found := _redeeming(w)) is None else found["amount"])  # fmt: skip
def pay_redemption(w: Work) -> None:
    found = w.model.get("redemption", w["redemption"], "redemption")
    if found["state"] != "waiting" or w.business_day < found["payable_on"]:
        raise No("wrong-state", "redemption")
    alive(w, found["member"], "redemption")
    known = w.model.every("redemption")
    of_workers: Fact = {"queue": False, "yearly_cap": ""}  # what somebody left behind is paid by its schedule
    kind = of_workers if found["share_class"] == "950" else w.model.get("share-class", found["share_class"], "x")
    if kind["queue"] and any(
        each["state"] == "waiting" and ref < w["redemption"] and each["payable_on"] <= w.business_day
        and each["share_class"] == found["share_class"] and not w.model.is_dead(each["member"])  # an estate's waits
        for ref, each in known
    ):  # fmt: skip
        raise No("wrong-state", "redemption")
    if kind["yearly_cap"]:
        year = w.business_day.year
        held = f"{found['share_class']}/"
        began = -sum(n for (fund, code), moved in w.model.dated.items() if fund == GEN
                     and code.startswith(held) for day, n in moved if day.year < year)  # fmt: skip
        paid = sum(each["amount"] for _ref, each in known if each["state"] == "paid" and each["paid_on"].year == year
                   and each["share_class"] == found["share_class"])  # fmt: skip
        if paid + found["amount"] > int(Fraction(kind["yearly_cap"]) * began / 100):
            raise No("wrong-state", "redemption")
    w.post((GEN, f"825/{found['member']}", found["amount"]), *pay(w, GEN, found["amount"]))
    w.write("redemption", w["redemption"], found, state="paid", paid_on=w.business_day)


# ------------------------------------------------------------------------------------- the surplus


@rule("set-surplus-rules", "steps:steps outside:outside? cash:percent?=20 qualified:yes?=yes consent:text?="
      " resolution:sometext", f"{TREASURER} {ADMIN}", second=True, reversible=False)  # fmt: skip
def set_surplus_rules(w: Work) -> None:
    steps = w["steps"]
    kinds = [step[0] for step in steps]
    for total in (sum(Fraction(step[-1]) for step in steps if (step[0] == "patronage") == of_base
                      and step[0] != "dividend") for of_base in (False, True)):  # fmt: skip
        if total > 100:
            raise No("invalid-amount", "steps")
    if "patronage" in kinds and set(kinds[kinds.index("patronage") :]) != {"patronage"}:
        raise No("invalid-value", "steps")
    if len({step[:-1] for step in steps}) != len(steps):
        raise No("invalid-value", "steps")
    for number, step in enumerate(steps):
        _require_step(w, step, f"steps.{number}")
    if not w["qualified"] and w.model.kind == "worker-coop":
        raise No("invalid-value", "qualified")
    if w["qualified"] and not w["consent"]:
        raise No("invalid-value", "consent")
    if w["qualified"] and Fraction(w["cash"]) < 20:
        raise No("invalid-amount", "cash")
    body = {"steps": steps, "outside": w["outside"] or {"127": "100"}, "cash": w["cash"], "qualified": w["qualified"],
            "consent": w["consent"], "resolution": w["resolution"]}  # fmt: skip
    if w.model.find("rules", "surplus") == body:
        raise No("invalid-value", "steps")
    w.write("rules", "surplus", body)


def _require_step(w: Work, step: tuple[str, ...], field: str) -> None:
    if step[0] == "fund":
        if step[1] == POOL:
            raise No("invalid-value", field)
        w.model.get("fund", step[1], field)
        if step[1] == GEN:
            raise No("invalid-value", field)
    if step[0] == "patronage" and step[1] != "hours" and w.model.kind == "worker-coop":
        raise No("invalid-value", field)
    if step[0] == "dividend":
        kind = w.model.get("share-class", step[1], field)
        if Fraction(step[-1]) > Fraction(kind["dividend_cap"] or "8"):
            raise No("invalid-amount", field)
        if kind["presentation"] == "liability":
            raise No("invalid-value", field)
    if not Fraction(step[-1]):
        raise No("invalid-amount", field)


def divided(w: Work, year: str, rules: Fact) -> Fact:
    """A closed year's surplus by the rules: the amount and the shares of each step, and each member's part in money."""
    close = w.model.get("year-close", year, "year")
    result, outside = close["results"].get(GEN, 0), Fraction(0)
    for entry in close["entries"]:
        for fund, code, amount in entry:
            if fund == GEN and code[:3] in rules["outside"]:
                outside += Fraction(rules["outside"][code[:3]]) * amount / 100
    kept = max(0, round(outside))
    steps: list[tuple[Any, int, dict[str, int]]] = []
    base, left, percent = None, 0, Fraction(100)
    for step in rules["steps"] if result > 0 else ():
        if step[0] == "patronage":
            if base is None:
                base = left = max(0, result - kept - sum(amount for _s, amount, _m in steps))
            percent -= Fraction(step[-1])
            measured = measured_by(w, step[1], year)
            amount = (min(left, round(Fraction(step[-1]) * base / 100)) if percent else left) if measured else 0
            left -= amount
            steps.append((step, amount, shared(amount, measured)))
        elif step[0] == "dividend":
            shares = dividend_of(step[-1], weights_of(w, step[1], year, step[2]), year)
            steps.append((step, sum(shares.values()), shares))
        else:
            steps.append((step, round(Fraction(step[-1]) * result / 100), {}))
    if result > 0 and sum(amount for _s, amount, _m in steps) > result:
        raise No("invalid-amount", "steps")
    allocated: dict[str, int] = {}
    for step, _amount, shares in steps:
        for member, part in shares.items() if step[0] == "patronage" else ():
            allocated[member] = allocated.get(member, 0) + part
    cash = {member: -(-amount * Fraction(rules["cash"]) // 100) for member, amount in allocated.items()}
    return {"result": result, "kept": kept, "steps": steps, "allocated": allocated, "cash": cash}


def measured_by(w: Work, basis: str, year: str) -> dict[str, int]:
    """By what each member's part is measured."""
    if basis == "hours":
        found = w.model.find("hours", year) or {"hours": {}}
        return {member: int(Fraction(hours) * 100) for member, hours in found["hours"].items()}
    return interest_paid(w, year) if basis == "interest" else weights_of(w, "905", year, "average")


READ["payments"] = lambda value: value if type(value) is int and 1 <= value <= 60 else None
READ["workedhours"] = lambda value: [each.split() for each in value] or None


@rule("record-hours", "year:year hours:workedhours source:sometext", TREASURER, second=True, reversible=False)
def record_hours(w: Work) -> None:
    _require_not_allocated(w, w["year"])
    found: dict[str, str] = {}
    for place, (member, hours) in enumerate(w["hours"]):
        w.model.get("member", member, f"hours.{place}")
        if member in found:
            raise No("invalid-value", f"hours.{place}")
        found[member] = hours
    w.write("hours", w["year"], hours=found)


def interest_paid(w: Work, year: str) -> dict[str, int]:
    """What members paid of interest on their loans in a year, by its operations."""
    found: dict[str, int] = {}
    for kind, ref in list(w.model.facts):
        if kind != "loan":
            continue
        ends = _paid_by(w, ref, date(int(year), 12, 31))
        if ends is not None and (more := ends[1] - (_paid_by(w, ref, date(int(year) - 1, 12, 31)) or ("", 0))[1]) > 0:
            found[ends[0]] = found.get(ends[0], 0) + more
    return found


def _paid_by(w: Work, ref: str, day: date) -> tuple[str, int] | None:
    bodies = [body for number, body in w.model.facts["loan", ref] if w.model.log[number].day <= day]
    if not bodies or bodies[-1] is None:
        return None
    flows = bodies[-1]["book"].values()
    return bodies[-1]["member"], sum(each.get("interest_paid", 0) + each.get("interest_cash", 0) for each in flows)


def _require_not_allocated(w: Work, year: str) -> Fact | None:
    found = w.model.find("surplus", year)
    if found is not None and found["state"] == "allocated":
        raise No("already-exists", "year")
    return found


@rule("propose-surplus", "year:year redemption:memo?=", TREASURER, reversible=False)
def propose_surplus(w: Work) -> None:
    require_closed(w, w["year"])
    _require_not_allocated(w, w["year"])
    rules = w.model.get("rules", "surplus", "year")
    found = divided(w, w["year"], rules)
    if found["result"] <= 0 or not any(amount for _step, amount, _shares in found["steps"]):
        raise No("wrong-state", "year")
    w.write("surplus", w["year"], {**found, "rules": rules, "state": "proposed"})


@rule("allocate-surplus", "year:year resolution:sometext", TREASURER, second=True, approvers=OF_YEAR)
def allocate_surplus(w: Work) -> None:
    year = str(w["year"])
    require_closed(w, year)
    _require_not_allocated(w, year)
    proposal = w.model.get("surplus", year, "year")
    found = divided(w, year, proposal["rules"])
    if any(found[name] != proposal[name] for name in ("kept", "steps", "cash")):
        raise No("wrong-state", "year")
    for step, _amount, _shares in found["steps"]:
        if step[0] == "dividend" and w.model.find("dividend", f"{year}-{step[1]}") is not None:
            raise No("already-exists", "year")
    taken = sum(amount for _step, amount, _shares in found["steps"])
    require_earned(-w.balance(GEN, "940"), taken, "year")
    lines: list[Line] = [(GEN, "940", taken)]
    for step, amount, shares in found["steps"]:
        if step[0] in ("regular", "indivisible"):
            lines.append((GEN, "931" if step[0] == "regular" else "932", -amount))
        elif step[0] == "fund" and amount:
            lines += [(step[1], "961", -amount), *claim(GEN, step[1], amount)]
        elif step[0] == "dividend":
            lines += [(GEN, f"821/{member}", -part) for member, part in shares.items()]
            if amount:
                w.write("dividend", f"{year}-{step[1]}", total=amount)
    control = "945" if proposal["rules"]["qualified"] else "946"
    control = "950" if w.model.kind == "worker-coop" else control
    for member, amount in found["allocated"].items():
        lines += [(GEN, f"823/{member}", -found["cash"][member]),
                  (GEN, f"{control}/{member}/{year}", found["cash"][member] - amount)]  # fmt: skip
    w.post(*lines)
    w.write("surplus", year, proposal, state="allocated")


@rule("redeem-patronage", "vintage:year amount:money? resolution:sometext", TREASURER, second=True,
      approvers=OF_YEAR)  # fmt: skip
def redeem_patronage(w: Work) -> None:
    kept = {
        code: -n
        for (fund, code), n in sorted(w.model.leaves.items())
        if fund == GEN and n and code[:3] in ("945", "946", "950")
    }
    oldest = min((code[-4:] for code in kept), default=None)
    if oldest is None or oldest > w["vintage"]:
        raise No("overdrawn", "vintage")
    if oldest < w["vintage"]:
        raise No("wrong-state", "vintage")
    of_vintage = sorted((code for code in kept if code[-4:] == oldest), key=lambda code: (code[4:], code[:3]))
    held = [kept[code] for code in of_vintage]
    amount = w["amount"] or sum(held)
    if amount > sum(held):
        raise No("overdrawn", "amount")
    payable: dict[str, int] = {}
    lines: list[Line] = []
    for code, part in zip(of_vintage, halves(amount, held), strict=True):
        lines.append((GEN, code, part))
        payable[code.split("/")[1]] = payable.get(code.split("/")[1], 0) + part
    w.post(*lines, *((GEN, f"823/{member}", -part) for member, part in payable.items()))
    w.write("redeemed", f"{oldest}-{w.number}", amount=amount)


def founded(model: Model) -> None:
    terms = {"presentation": "equity", "dividend_cap": "", "notice_days": 0, "yearly_cap": "", "queue": True}
    model.put(0, "share-class", "901", {"par": 2500, "most": 1, **terms})
    model.put(0, "share-class", "903", {"par": 10000, "most": None, **terms})


FOUNDED.append(founded)
