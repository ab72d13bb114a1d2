"""Loans: granted by two, paid out by another, repaid; by a schedule, as a line of credit, or out of what is earned.

A loan of the model is its facts and the versions of its terms; whatever is asked of it is told anew from these
(story.py, reports.py), and each operation posts what the story comes to less what the books have of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from fractions import Fraction
from typing import Any

from tests.model.books import FOUNDED, OFFICER, POOL, TELLER, TREASURER, Fact, Line, No, Work, rule
from tests.model.reports import REPORTED, Reported, as_waived, brought_to
from tests.model.reports import TERMS as OF_REPORTS
from tests.model.rules_counter import PAYING, RECEIVING, active, alive, enter_cheque, hold, place_of
from tests.model.rules_funds import class_of
from tests.model.rules_losses import between, settled
from tests.model.rules_papers import answered, free_if_paid, require_programmes
from tests.model.story import OWN, Flows, Plan, Story, Told, Undrawable, bills, by_fund, less, pairs

LENDING = f"{TELLER} {OFFICER} {TREASURER}"
CARE = f"{OFFICER} {TREASURER}"
Book = dict[str, Flows]


def borrower(w: Work) -> set[str]:
    loan = w.model.find("loan", w["loan"])
    return set() if loan is None else {loan["member"]}


# ------------------------------------------------------------------------------------- telling a loan further


def standing(loan: Fact, day: date) -> Story | Reported:
    """The loan at the end of a day, told from what counts up to it."""
    if loan["reported"]:
        return Reported(loan, day)
    return Story(loan).told(fact for fact in loan["facts"] if fact.on <= day).to(day)


def now(w: Work, loan: Fact) -> Story | Reported:
    """The loan today."""
    if loan["reported"]:
        return Reported(loan, w.business_day)
    return Story(loan).told().to(w.business_day)


def with_fact(loan: Fact, type_: str, on: date, **data: Any) -> Fact:
    """The loan and one more fact; what it comes to is not reckoned yet."""
    events = loan["events"] + 1
    return {**loan, "events": events, "facts": [*loan["facts"], Told(events, type_, on, data)]}


def reckoned(loan: Fact, accrued_to: date | None = None) -> tuple[Fact, Book, Story | Reported]:
    """The loan with its books brought to where its story is, what is to be posted for that, and the story."""
    if loan["reported"]:
        return _reckoned_by_reports(loan, accrued_to)
    story = Story(loan).told()
    days = [day for day in (story.at, loan["accrued_to"], accrued_to) if day is not None]
    until = max(days)
    story.to(until)
    book = by_fund(story.books(), loan)
    after = {**loan, "book": book, "accrued_to": None if until == date.min else until, "state": state_of(story)}
    return after, less(book, loan["book"]), story


def _reckoned_by_reports(loan: Fact, accrued_to: date | None) -> tuple[Fact, Book, Reported]:
    before = max((day for day in (loan["accrued_to"], accrued_to) if day is not None), default=None)
    to, last = brought_to(loan, before) or date.min, max((fact.on for fact in loan["facts"]), default=date.min)
    story = Reported(loan, max(to, last))
    book = by_fund(story.books(to), loan)
    if loan["reported"] == "surplus":
        book = as_waived(book, loan["book"])
    then = Reported(loan, max(to, last, before or date.min))
    after = {**loan, "book": book, "accrued_to": None if to == date.min else to, "state": state_of(then)}
    return after, less(book, loan["book"]), story


def state_of(story: Story | Reported) -> str:
    if story.off:
        return "charged-off"
    if not story.lent:
        return "granted" if story.committed else "cancelled"
    return "active" if story.owed or story.committed else "paid"


def lines_of(ref: str, member: str, moved: Book) -> list[Line]:
    """A pair of lines for each flow, without those of cash."""
    found: list[Line] = []
    for name, flows in moved.items():
        fund, _at, peer = name.partition("@")
        of = {"871": f"871/{member}", "831": f"831/{peer}", **{account: f"{account}/{ref}" for account in OWN}}
        for flow, amount in flows.items():
            for debit, credit in pairs(name, flow):
                found += [(fund, of.get(debit, debit), amount)] if debit != "cash" else []
                found += [(fund, of.get(credit, credit), -amount)] if credit != "cash" else []
    return found


def cash_of(moved: Book) -> dict[str, int]:
    """What each fund gets, or gives below zero."""
    found: dict[str, int] = {}
    for name, flows in moved.items():
        for flow, amount in flows.items():
            for debit, credit in pairs(name, flow):
                fund = name.partition("@")[0]
                found[fund] = found.get(fund, 0) + amount * ((debit == "cash") - (credit == "cash"))
    return {fund: amount for fund, amount in found.items() if amount}


def shared(place: tuple[str, str] | None, cash: dict[str, int]) -> list[Line]:
    """Money in for several funds, or out; without a place only claims pass on."""
    if place is not None and place[0] != POOL:
        if any(fund != place[0] for fund in cash):
            raise No("invalid-value", "bank_account")
        return [(*place, sum(cash.values()))]
    first = [] if place is None else [(*place, sum(cash.values()))]
    return [*first, *((POOL, f"879/{fund}", -n) for fund, n in cash.items()), *((f, "729", n) for f, n in cash.items())]


def post(w: Work, *lines: Line) -> None:
    """An entry, if there is anything to post."""
    if any(amount for _fund, _code, amount in lines):
        w.post(*lines)


def received(w: Work, member: str | None, cash: dict[str, int]) -> list[Line]:
    place = place_of(w, receiving=True)
    if w["tender"] == "cheque":
        enter_cheque(w, max(cash, key=lambda fund: cash[fund]), sum(cash.values()), place[1][4:], None, member)
    return shared(place, cash)


# ------------------------------------------------------------------------------------- granting


#: What each kind of repayment may be agreed on.
TERMS = {
    "schedule": ("annual_rate", "installments", "every", "first_due", "day_count", "method", "principal_grace",
                 "months", "interest_postponed", "interest_free", "principal_percent", "month_end"),
    "line": ("annual_rate", "installments", "every", "first_due", "day_count", "month_end"),
    **OF_REPORTS,
}  # fmt: skip
NEEDED = {"schedule": ("annual_rate", "installments"), "line": ("annual_rate", "installments"),
          "surplus": ("annual_rate", "share_percent", "outer_date"),
          "revenue": ("share_percent", "multiple", "outer_date")}  # fmt: skip


@rule(
    "grant-loan",
    "member:code principal:money product:product?=TERM annual_rate:rate? installments:rows? every:every? first_due:day?"
    " purpose:text?= fund:code?=RLF other_funds:shares? day_count:daycount? method:level|equal-principal?"
    " principal_grace:zero? months:months? interest_postponed:zero? interest_free:zero? principal_percent:percent?"
    " month_end:clamp|roll? resolution:text? application:code? place:text?= number:code?"
    " share_percent:percent? cost_cap_percent:percent? multiple:rate? outer_date:day? loss_carry_forward:yes|no?"
    " report_days:days? payment_days:days?",
    OFFICER,
    second=True,
    moves=lambda w: None,
)
def grant_loan(w: Work) -> None:
    active(w, w["member"])
    alive(w, w["member"])
    funds = _lenders(w)
    product = w.model.get("product", w["product"], "product")
    if product["state"] != "offered":
        raise No("wrong-state", "product")
    terms = _terms(w, product)
    for fund in funds:
        _within(w, product, terms, fund)
    _drawable(w, product, terms)
    book = by_fund({"promised": w["principal"]}, {"funds": funds})
    for fund, flows in book.items():
        if flows["promised"] > w.balance(fund, "729") + w.balance(fund, "M49"):
            raise No("overdrawn", "principal")
    ref = _own_number(w) if w["number"] else w.number_of("loan", "L-", 3)
    answered(w, ref)
    require_programmes(w, {"funds": funds, "rate": terms.get("annual_rate", "0"), "agreed": w["principal"],
                           "purpose": w["purpose"], "place": w["place"]}, w["principal"])  # fmt: skip
    version = {"terms": terms, "order": product["order"], "early": product["early"], "late_fee": product["late_fee"]}
    post(w, *lines_of(ref, w["member"], book))
    kind = product["repayment"]
    w.write("loan", ref, member=w["member"], line=kind == "line", reported=kind if kind in REPORTED else None,
            funds=funds, by=w.who, state="granted", agreed=w["principal"], versions={1: version}, facts=[], events=0,
            accrued_to=None, book=book, grade=None, reserve=None, borne={}, most_rate=product["most_rate"], latest=1,
            purpose=w["purpose"], place=w["place"], set_off=product.get("set_off", False),
            keeps_share=product.get("keeps_share", False))  # fmt: skip


def _own_number(w: Work) -> str:
    """A number that old records gave."""
    ref = str(w["number"]).upper()
    if not re.fullmatch("L-[0-9]{3,9}", ref):
        raise No("invalid-value", "number")
    if w.model.facts.get(("loan", ref)):
        raise No("already-exists", "number")
    w.created.append(ref)
    return ref


def _lenders(w: Work) -> dict[str, int]:
    """Each fund's share in hundredths of a percent."""
    others = {fund: int(Fraction(percent) * 100) for fund, percent in (w["other_funds"] or {}).items()}
    for fund in (w["fund"], *others):
        field = "fund" if fund == w["fund"] else "other_funds"
        if class_of(w, fund, field) in ("pool", "reserve"):
            raise No("invalid-value", field)
    if w["fund"] in others:
        raise No("invalid-value", "other_funds")
    return {w["fund"]: 10_000 - sum(others.values()), **others} if others else {w["fund"]: 1}


def _terms(w: Work, product: Fact) -> dict[str, Any]:
    own = TERMS[product["repayment"]]
    said = {
        name: w[name] for name in sorted({each for names in TERMS.values() for each in names}) if w[name] is not None
    }
    foreign = next((name for name in said if name not in own), None)
    if foreign is not None:
        raise No("invalid-value", foreign)
    if "loss_carry_forward" in said:
        said["loss_carry_forward"] = said["loss_carry_forward"] == "yes"
    terms = {**product["terms"], **said}
    for name in NEEDED[product["repayment"]]:
        if terms.get(name) is None:
            raise No("invalid-value", name)
    return terms


def _within(w: Work, product: Fact, terms: dict[str, Any], fund: str) -> None:
    """The limits of the product."""
    if product["least"] is not None and w["principal"] < product["least"]:
        raise No("invalid-amount", "principal")
    if product["most"] is not None and w["principal"] > product["most"]:
        raise No("invalid-amount", "principal")
    if product["most_rate"] is not None and Fraction(terms.get("annual_rate", "0")) > Fraction(product["most_rate"]):
        raise No("invalid-value", "annual_rate")
    if product["most_installments"] is not None and terms["installments"] > product["most_installments"]:
        raise No("invalid-value", "installments")
    if product["funds"] and fund not in product["funds"]:
        raise No("invalid-value", "fund")


def _drawable(w: Work, product: Fact, terms: dict[str, Any]) -> None:
    """Terms that can be drawn up, and repay something with each payment before the last."""
    if product["repayment"] in REPORTED:
        if terms["outer_date"] <= w.business_day:
            raise No("invalid-value", "outer_date")
        if not 1 <= Fraction(terms.get("multiple", "1")) <= 100:
            raise No("invalid-value", "multiple")
        return
    require_terms(terms, w.business_day)
    rows = bills(first_plan(terms, w.business_day, w["principal"]))
    between = rows[terms.get("principal_grace", 0) : -1]
    if product["repayment"] == "line" or terms.get("principal_percent"):
        between = []
    if any(interest for _due, _principal, interest in between) and not any(each[1] for each in between):
        raise No("invalid-value", "annual_rate")


def first_plan(terms: dict[str, Any], on: date, amount: int) -> Plan:
    seed, passed = (on, 1) if terms.get("first_due") is None else (terms["first_due"], 0)
    return Plan(terms, on, [(on, amount)], seed, passed)


def require_terms(terms: dict[str, Any], start: date) -> None:
    """What cannot be drawn up."""
    count = terms["installments"]
    for name, most in (("principal_grace", count - 1), ("interest_postponed", count - 1), ("interest_free", count)):
        if terms.get(name, 0) > most:
            raise No("invalid-value", name)
    percent = terms.get("principal_percent")
    if percent is not None:
        regular = count - terms.get("principal_grace", 0) - 1
        if terms.get("method", "level") == "level" or Fraction(percent) * regular > 100:
            raise No("invalid-value", "principal_percent")
    if terms.get("months"):
        if terms["every"] != {"months": 1}:
            raise No("invalid-value", "every")
        if terms.get("month_end", "clamp") != "clamp":
            raise No("invalid-value", "month_end")
        if terms.get("first_due") is not None and terms["first_due"].month not in terms["months"]:
            raise No("invalid-value", "first_due")
    if terms.get("first_due") is not None and terms["first_due"] <= start:
        raise No("invalid-value", "first_due")


# ------------------------------------------------------------------------------------- paying out


def _paying_out(w: Work) -> int | None:
    loan = w.model.find("loan", w["loan"])
    amount: int | None = w["amount"]
    return now(w, loan).committed if amount is None and loan is not None else amount


@rule("disburse-loan", PAYING.replace("=cash", "=transfer") + "loan:code amount:money?", LENDING,
      serves=borrower, moves=_paying_out)  # fmt: skip
def disburse_loan(w: Work) -> None:
    loan = w.model.get("loan", w["loan"], "loan")
    active(w, loan["member"], "loan")
    alive(w, loan["member"], "loan")
    if loan["by"] == w.who:
        raise No("not-allowed", "loan")
    if loan["state"] not in ("granted", "active"):
        raise No("wrong-state", "loan")
    story = now(w, loan)
    left = story.committed
    if not left:
        raise No("wrong-state", "loan")
    if loan["line"] and w["amount"] is None:
        raise No("invalid-amount", "amount")
    amount = w["amount"] or left
    if amount > left - w.model.held("line", w["loan"]):
        raise No("overdrawn", "amount")
    require_in_time(w, loan, "loan")
    require_programmes(w, {**loan, "rate": rate_of(loan)}, amount, "loan")
    with naming("loan", principal="amount"):
        after, moved, _story = reckoned(with_fact(loan, "advance", w.business_day, amount=amount))
    cash = shared(place_of(w, receiving=False), cash_of(moved))
    post(w, *lines_of(w["loan"], loan["member"], moved), *cash)
    keep(w, loan, after)


def require_in_time(w: Work, loan: Fact, field: str) -> None:
    """First money goes out before the first payment is due, any money before a loan repaid by reports is over."""
    terms = loan["versions"][max(loan["versions"])]["terms"]
    first = terms.get("first_due")
    if begun(loan) is None and first is not None and first <= w.business_day:
        raise No("wrong-state", field)
    if loan["reported"] and terms["outer_date"] <= w.business_day:
        raise No("wrong-state", field)


def rate_of(loan: Fact) -> str:
    return str(loan["versions"][max(loan["versions"])]["terms"].get("annual_rate", "0"))


@contextmanager
def naming(otherwise: str, **names: str) -> Iterator[None]:
    """Terms that cannot be drawn up are refused by a field of the form: the one given for it, or another."""
    try:
        yield
    except Undrawable as refused:
        raise No("invalid-value", names.get(refused.field or "", otherwise)) from None


def begun(loan: Fact) -> date | None:
    """The day of the first money."""
    return min((fact.on for fact in loan["facts"] if fact.type == "advance"), default=None)


# ------------------------------------------------------------------------------------- repaying


def owed_loan(w: Work, *, active_only: bool = False) -> Fact:
    """The loan, refused unless money was paid out and is owed; a loss may be recovered."""
    loan = w.model.get("loan", w["loan"], "loan")
    if loan["state"] not in (("active",) if active_only else ("active", "charged-off")) or begun(loan) is None:
        raise No("wrong-state", "loan")
    return loan


def value_date(w: Work, asked: date | None, not_before: date | None, field: str = "value_date") -> date:
    day = asked or w.business_day
    if day > w.business_day or (not_before is not None and day < not_before):
        raise No("day-closed", field)
    return day


def paid(w: Work, loan: Fact, amount: int, on: date, early: str | None = None) -> tuple[Fact, Book]:
    """The loan after a payment that counts from a day; more than is owed is refused."""
    last = max((fact.on for fact in loan["facts"]), default=date.min)
    before = (Reported(loan, last) if loan["reported"] else Story(loan).told()).overpaid
    rule_ = early or loan["versions"][max(loan["versions"])]["early"]
    told = with_fact(loan, "payment", on, amount=amount, early=rule_) if amount else loan
    after, moved, story = reckoned(told)
    if story.overpaid > before:
        raise No("invalid-amount", "amount")
    return after, moved


@rule(
    "repay-loan",
    RECEIVING + "loan:code amount:money value_date:day? excess:principal|unapplied?=principal"
    " early:next|shorten|lower?",
    LENDING,
    serves=borrower,
)
def repay_loan(w: Work) -> None:
    loan = owed_loan(w)
    on = value_date(w, w["value_date"], begun(loan))
    applied = w["amount"]
    if w["excess"] == "unapplied":
        told = standing(loan, on)  # of a loan that was charged off all that is owed is asked for
        applied = min(applied, told.owed if told.off else told.due(on).total)
    after, moved = paid(w, loan, applied, on, w["early"])
    cash, member = cash_of(moved), loan["member"]
    unapplied = w["amount"] - applied
    if unapplied:
        cash["GEN"] = cash.get("GEN", 0) + unapplied
    money = received(w, member, {fund: part for fund, part in cash.items() if part})
    if w["tender"] == "cheque":
        cheque = w.created[-1]
        hold(w, cheque, unapplied, ("GEN", f"871/{member}"))
        again = now(w, after).committed - now(w, loan).committed if loan["line"] else 0
        hold(w, f"{cheque}.2", again, ("line", w["loan"]))
    refill, borne = given_back(w, after, moved)
    post(w, *lines_of(w["loan"], member, moved), *money, ("GEN", f"871/{member}", -unapplied), *refill)
    keep(w, loan, {**after, "borne": borne})


@rule("apply-unapplied", "loan:code amount:money", LENDING, serves=borrower)
def apply_unapplied(w: Work) -> None:
    loan = owed_loan(w)
    leaf = f"871/{loan['member']}"
    if w["amount"] > -w.balance("GEN", leaf):
        raise No("overdrawn", "amount")
    after, moved = paid(w, loan, w["amount"], w.business_day)
    cash = cash_of(moved)
    cash["GEN"] = cash.get("GEN", 0) - w["amount"]
    refill, borne = given_back(w, after, moved)
    post(w, ("GEN", leaf, w["amount"]), *lines_of(w["loan"], loan["member"], moved),
         *shared(None, {fund: part for fund, part in cash.items() if part}), *refill)  # fmt: skip
    keep(w, loan, {**after, "borne": borne})


def given_back(w: Work, loan: Fact, moved: Book) -> tuple[list[Line], dict[Any, int]]:
    """What of a recovery goes back to whoever bore the loss; to a reserve out of the leading fund's part."""
    lead = lead_of(loan)
    recovered, borne, lines = max(0, moved.get(lead, {}).get("recovered", 0)), dict(loan["borne"]), list[Line]()
    for fund in reversed([each for each in borne if isinstance(each, str)]):
        back = min(recovered, borne[fund])
        if back:
            account = next((ref for ref, each in w.model.every("bank-account") if each["fund"] == fund), None)
            if account is None:
                raise No("overdrawn", "loan")
            lines += between(fund, account, lead, -back)
            borne[fund], recovered = borne[fund] - back, recovered - back
    by_waterfall, borne = settled(w, w["loan"], {**loan, "borne": borne})
    return [*lines, *by_waterfall], borne


def lead_of(loan: Fact) -> str:
    """The fund that lends most; of equal ones the first by name."""
    return max(sorted(loan["funds"]), key=lambda fund: loan["funds"][fund])


def keep(w: Work, before: Fact, after: Fact) -> None:
    """A new version of the loan, if anything of it changed; nothing secures it any more once it is paid."""
    if after != before:
        w.write("loan", w["loan"], after)
    free_if_paid(w, w["loan"], after)


@rule("refund-unapplied", PAYING + "member:code amount:money", f"{TELLER} {TREASURER}",
      second=lambda w: w["amount"] > w.model.policy("withdrawal_alone"))  # fmt: skip
def refund_unapplied(w: Work) -> None:
    w.model.get("member", w["member"], "member")
    alive(w, w["member"])
    leaf = f"871/{w['member']}"
    if w["amount"] > -w.balance("GEN", leaf) - w.model.held("GEN", leaf):
        raise No("overdrawn", "amount")
    w.post(("GEN", leaf, w["amount"]), *shared(place_of(w, receiving=False), {"GEN": -w["amount"]}))


@rule("close-commitment", "loan:code reason:sometext", CARE, serves=borrower)
def close_commitment(w: Work) -> None:
    loan = w.model.get("loan", w["loan"], "loan")
    if loan["state"] not in ("granted", "active") or not now(w, loan).committed:
        raise No("wrong-state", "loan")
    after, moved, _story = reckoned(with_fact(loan, "close-line", w.business_day))
    post(w, *lines_of(w["loan"], loan["member"], moved))
    keep(w, loan, after)


# ------------------------------------------------------------------------------------- products

PARTS = ("fees", "interest", "principal")


_REPORTS = {"loss_carry_forward": True, "payment_days": 30}


def founded(model: Any) -> None:
    """The products that every book is founded with, as far as the model has them."""
    base = {"annual_rate": "8", "every": {"months": 1}, "day_count": "actual/365"}
    for code, repayment, terms in (
        ("TERM", "schedule", {**base, "installments": 24, "method": "level"}),
        ("EQUAL", "schedule", {**base, "installments": 24, "method": "equal-principal"}),
        ("SEASON", "schedule", {**base, "installments": 3, "method": "level", "months": [9, 10, 11]}),
        ("LINE", "line", {**base, "installments": 12}),
        (
            "SURPLUS",
            "surplus",
            {
                "annual_rate": "8",
                "share_percent": "50",
                **_REPORTS,
                "cost_cap_percent": "50",
                "every": {"years": 1},
                "report_days": 90,
                "day_count": "actual/365",
            },
        ),
        (
            "REVENUE",
            "revenue",
            {"share_percent": "5", "multiple": "1.2", **_REPORTS, "every": {"months": 3}, "report_days": 30},
        ),
    ):
        body = {"repayment": repayment, "terms": terms, "state": "offered", "order": PARTS, "early": "next"}
        nothing = dict.fromkeys(("least", "most", "most_rate", "most_installments", "late_fee"))
        model.put(0, "product", code, {"name": code, **body, **nothing, "funds": []})


FOUNDED.append(founded)
