"""What goes with a loan: applications and their memos, what was bought with it and secures it, a funder's programme."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from tests.model.books import OFFICER, POOL, READ, SUPERVISOR, TELLER, TREASURER, Fact, No, Work, rule
from tests.model.rules_counter import active, alive
from tests.model.rules_funds import class_of

CARE = f"{OFFICER} {TREASURER}"

# ------------------------------------------------------------------------------------- applications


def _applicant(w: Work) -> set[str]:
    found = w.model.find("application", w["application"])
    return set() if found is None else {found["member"]}


def open_application(w: Work) -> Fact:
    found = w.model.get("application", w["application"], "application")
    if found["state"] != "open":
        raise No("wrong-state", "application")
    return found


@rule("apply-for-loan", "member:code product:product amount:money purpose:sometext", f"{TELLER} {CARE}",
      reversible=False)  # fmt: skip
def apply_for_loan(w: Work) -> None:
    active(w, w["member"])
    alive(w, w["member"])
    product = w.model.get("product", w["product"], "product")
    if product["state"] != "offered":
        raise No("wrong-state", "product")
    if product["least"] is not None and w["amount"] < product["least"]:
        raise No("invalid-amount", "amount")
    if product["most"] is not None and w["amount"] > product["most"]:
        raise No("invalid-amount", "amount")
    w.write("application", w.number_of("application", "A-", 3), member=w["member"], state="open", loan=None)


@rule("decline-application", "application:code reasons:reasons explained:sometext?", CARE, second=True,
      serves=_applicant, reversible=False)  # fmt: skip
def decline_application(w: Work) -> None:
    found = open_application(w)
    if "other" in w["reasons"] and w["explained"] is None:
        raise No("invalid-value", "explained")
    w.write("application", w["application"], found, state="declined")


@rule("withdraw-application", "application:code", f"{TELLER} {CARE}", serves=_applicant, reversible=False)
def withdraw_application(w: Work) -> None:
    w.write("application", w["application"], open_application(w), state="withdrawn")


@rule("write-credit-memo", "application:code terms:somememo memo:longtext", CARE, serves=_applicant, reversible=False)
def write_credit_memo(w: Work) -> None:
    open_application(w)
    w.write("credit-memo", w["application"], terms=w["terms"], by=w.who)


@rule("consent-to-share", "application:code consent:yes|no how:sometext", CARE, serves=_applicant, reversible=False)
def consent_to_share(w: Work) -> None:
    open_application(w)
    before = w.model.find("consent", w["application"])
    given = w["consent"] == "yes"
    if given == (before is not None and before["given"]):
        raise No("invalid-value", "consent")
    w.write("consent", w["application"], given=given)


def answered(w: Work, loan: str) -> None:
    """A loan that is granted answers the application that it names: an open one of the same member."""
    if w["application"] is None:
        return
    found = open_application(w)
    if found["member"] != w["member"]:
        raise No("invalid-value", "application")
    w.write("application", w["application"], found, state="granted", loan=loan)


# ------------------------------------------------------------------------------------- collateral


def _of_loan(w: Work, loan: str | None) -> set[str]:
    found = None if loan is None else w.model.find("loan", loan)
    return set() if found is None else {found["member"]}


def _of_collateral(w: Work) -> set[str]:
    found = w.model.find("collateral", w["collateral"])
    return set() if found is None else _of_loan(w, found["loan"])


@rule("pledge-collateral", "loan:code asset:sometext cost:money paid_from:positive lien:text?=", CARE, second=True,
      serves=lambda w: _of_loan(w, w["loan"]), reversible=False)  # fmt: skip
def pledge_collateral(w: Work) -> None:
    loan = w.model.get("loan", w["loan"], "loan")
    if loan["state"] != "active":
        raise No("wrong-state", "loan")
    if any((programme_of(w, fund) or {}).get("security") == "none" for fund in loan["funds"]):
        raise No("programme-rule", "loan")
    paid = _paid_out(w)
    bought = [each for _ref, each in w.model.every("collateral")
              if (each["loan"], each["paid_from"]) == (w["loan"], w["paid_from"])]  # fmt: skip
    used = sum(each["cost"] for each in bought if each["state"] != "mistaken")
    if used + w["cost"] > paid:
        raise No("invalid-amount", "cost")
    ref = w.number_of("collateral", "C-", 3)
    w.write("collateral", ref, loan=w["loan"], cost=w["cost"], paid_from=w["paid_from"], state="pledged")


def _paid_out(w: Work) -> int:
    """What an operation paid out of the loan, if that still counts."""
    from tests.model.rules_undoing import loans_told

    past = w.model.log.get(w["paid_from"])
    if past is None:
        raise No("unknown", "paid_from")
    told = loans_told(w, past).get(w["loan"], ())
    paid = sum(int(fact.data["amount"]) for fact in told if fact.type == "advance")
    if not paid:
        raise No("invalid-value", "paid_from")
    return paid


@rule("release-collateral", "collateral:code why:somememo mistake:yes?=no", CARE, second=True, serves=_of_collateral,
      reversible=False)  # fmt: skip
def release_collateral(w: Work) -> None:
    found = w.model.get("collateral", w["collateral"], "collateral")
    if found["state"] != "pledged":
        raise No("wrong-state", "collateral")
    w.write("collateral", w["collateral"], found, state="mistaken" if w["mistake"] else "released")


def pledged(w: Work, loan: str) -> list[tuple[str, Fact]]:
    return [(ref, each) for ref, each in w.model.every("collateral")
            if (each["loan"], each["state"]) == (loan, "pledged")]  # fmt: skip


def free_if_paid(w: Work, loan: str, after: Fact) -> None:
    """Nothing secures a loan that is paid."""
    if after["state"] == "paid":
        for ref, each in pledged(w, loan):
            w.write("collateral", ref, each, state="released")


# ------------------------------------------------------------------------------------- programmes


@rule(
    "set-programme",
    "fund:code funder:sometext agreement:sometext least_rate:rate? most_rate:rate? largest_loan:money?"
    " purposes:names? places:names? security:any|none?=any reserve:none|cash|book?=none reserve_percent:percent?"
    " reserve_account:code? why:memo?=",
    TREASURER,
    second=True,
    approvers=(SUPERVISOR, TREASURER),
    reversible=False,
)
def set_programme(w: Work) -> None:
    if class_of(w, w["fund"]) in ("pool", "reserve"):
        raise No("invalid-value", "fund")
    least, most = w["least_rate"], w["most_rate"]
    if least is not None and most is not None and Fraction(least) > Fraction(most):
        raise No("invalid-value", "least_rate")
    cash = w["reserve"] == "cash"
    if (w["reserve_percent"] is not None) != cash or (w["reserve_account"] is not None) != cash:
        raise No("invalid-value", "reserve")
    if cash and w.model.get("bank-account", w["reserve_account"], "reserve_account")["fund"] == POOL:
        raise No("invalid-value", "reserve_account")
    names = ("funder", "agreement", "least_rate", "most_rate", "largest_loan", "security", "reserve",
             "reserve_percent", "reserve_account")  # fmt: skip
    body = {**{name: w[name] for name in names}, "purposes": w["purposes"] or (), "places": w["places"] or ()}
    before = w.model.find("programme", w["fund"])
    if before == body:
        raise No("invalid-value", "fund")
    if before is not None and not w["why"]:
        raise No("invalid-value", "why")
    w.write("programme", w["fund"], body)


def programme_of(w: Work, fund: str) -> Fact | None:
    return w.model.find("programme", fund)


def require_programmes(
    w: Work, loan: Fact, amount: int, field: str | None = None, repays: str | None = None
) -> None:  # fmt: skip
    """What the funder of any of the loan's funds forbids; refused by the field of the rule, or by the one given."""
    for fund in loan["funds"]:
        rules = programme_of(w, fund)
        fault = None if rules is None else _fault(w, fund, rules, loan, amount, repays)
        if fault is not None:
            raise No("programme-rule", field or fault)


def _fault(w: Work, fund: str, rules: Fact, loan: Fact, amount: int, repays: str | None) -> str | None:
    rate = Fraction(loan["rate"])
    if rules["least_rate"] is not None and rate < Fraction(rules["least_rate"]):
        return "annual_rate"
    if rules["most_rate"] is not None and rate > Fraction(rules["most_rate"]):
        return "annual_rate"
    if rules["largest_loan"] is not None and loan["agreed"] > rules["largest_loan"]:
        return "principal"
    for allowed, name in (("purposes", "purpose"), ("places", "place")):
        if rules[allowed] and loan[name].casefold() not in {each.casefold() for each in rules[allowed]}:
            return name
    return "principal" if _reserve_is_short(w, fund, rules, loan, amount, repays) else None


def _reserve_is_short(w: Work, fund: str, rules: Fact, loan: Fact, amount: int, repays: str | None) -> bool:
    """A reserve in cash holds its part of all that the fund has lent, this money among it; half a cent is one."""
    if rules["reserve_account"] is None:
        return False
    shares = {**loan["funds"], **loan.get("peers", {})}
    lent: Any = sum(n for (of, code), n in w.model.leaves.items()
                    if of == fund and code.startswith("701/") and code != f"701/{repays}")  # fmt: skip
    lent += Fraction(amount * loan["funds"][fund], sum(shares.values()))
    needed = lent * Fraction(rules["reserve_percent"]) / 100
    account = rules["reserve_account"]
    owner = w.model.get("bank-account", account, "loan")["fund"]
    return bool(w.balance(owner, f"731/{account}") < int(needed + Fraction(1, 2)))


# ------------------------------------------------------------------------------------- what people write

REASONS = ("incomplete", "unverified", "income", "debts", "plan", "history", "purpose", "terms", "no-funds", "other")


def read_reasons(value: Any) -> Any:
    """One to four of the reasons that there are, each once."""
    found = list(value)
    known = all(each in REASONS for each in found)
    return found if known and len(set(found)) == len(found) and 1 <= len(found) <= 4 else None


def read_names(value: Any) -> Any:
    """Names with commas between them: each once, in the order of the alphabet."""
    return tuple(sorted({re.sub(r"\s+", " ", each.strip()) for each in value.split(",") if each.strip()}))


READ.update(reasons=read_reasons, names=read_names)
