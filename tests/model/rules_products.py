"""Loan products: what may be offered, and what a loan has where nothing else is agreed."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from tests.model.books import OFFICER, TREASURER, Fact, No, Work, rule
from tests.model.reports import REPORTED
from tests.model.rules_funds import class_of
from tests.model.rules_loans import PARTS, first_plan, require_terms
from tests.model.story import bills

OFFERING = f"{OFFICER} {TREASURER} administrator"
_COMMON = {"every": {"months": 1}, "day_count": "actual/365"}
_REPORTS = {"loss_carry_forward": True, "every": {"years": 1}, "report_days": 90, "payment_days": 30}
#: What each kind may state, with what holds where it does not.
STATED: dict[str, dict[str, Any]] = {
    "schedule": {"annual_rate": None, "installments": None, **_COMMON, "method": "level", "principal_grace": None,
                 "months": None},
    "line": {"annual_rate": None, "installments": None, **_COMMON},
    "surplus": {"annual_rate": None, "share_percent": None, "cost_cap_percent": "50", **_REPORTS,
                "day_count": "actual/365"},
    "revenue": {"share_percent": None, "multiple": None, "cost_cap_percent": None, **_REPORTS},
}  # fmt: skip
#: In the order in which the first one that does not fit is named.
NAMES = ("annual_rate", "installments", "every", "method", "day_count", "principal_grace", "months", "share_percent",
         "cost_cap_percent", "loss_carry_forward", "report_days", "payment_days", "multiple")  # fmt: skip


@rule(
    "define-product",
    "code:productcode product_name:sometext repayment:schedule|line|surplus|revenue?=schedule annual_rate:rate?"
    " installments:rows? every:every? day_count:daycount? method:level|equal-principal? principal_grace:rows?"
    " months:months? share_percent:percent? cost_cap_percent:percent? multiple:rate? loss_carry_forward:yes|no?"
    " report_days:days? payment_days:days? least:money? most:money? most_rate:rate? most_installments:rows?"
    " order:order? early:next|shorten|lower?=next late_fee:money? late_fee_percent:percent? late_fee_days:rows?"
    " funds:lenders? set_off:yes?=no keeps_share:yes?=no why:memo?",
    OFFERING,
    second=True,
    reversible=False,
    moves=lambda w: None,
)
def define_product(w: Work) -> None:
    before = w.model.find("product", w["code"])
    if before is not None and before["repayment"] != w["repayment"]:
        raise No("invalid-value", "repayment")
    _require_fitting(w)
    for fund in w["funds"] or ():
        if class_of(w, fund, "funds") in ("pool", "reserve"):
            raise No("invalid-value", "funds")
    fee = None
    if w["late_fee"] is not None or w["late_fee_percent"] is not None:
        fee = (w["late_fee_percent"] or w["late_fee"], w["late_fee_days"] or 15)
    body = {"name": w["product_name"], "repayment": w["repayment"], "terms": _terms(w), "state": "offered",
            "order": tuple(w["order"] or PARTS), "early": w["early"], "least": w["least"], "most": w["most"],
            "most_rate": w["most_rate"], "most_installments": w["most_installments"], "late_fee": fee,
            "funds": w["funds"] or [], "set_off": w["set_off"], "keeps_share": w["keeps_share"]}  # fmt: skip
    _require_limits(body)
    _require_drawable(w, body)
    _require_small_fee(w, body)
    if body == before:
        raise No("invalid-value", "code")
    w.write("product", w["code"], body)
    if before is None:
        w.created.append(w["code"])


def _require_fitting(w: Work) -> None:
    """Nothing of another kind, and what the kind cannot do without."""
    kind = w["repayment"]
    foreign = [name for name in NAMES if name not in STATED[kind] and w[name] is not None]
    if kind in REPORTED:
        named = ("late_fee", "late_fee_percent", "late_fee_days", "most_installments")
        foreign += [name for name in named if w[name] is not None]
        foreign += [name for name in ("set_off", "keeps_share") if w[name]]
    if kind == "revenue" and w["most_rate"] is not None:
        foreign.append("most_rate")
    if kind != "schedule" and w["early"] != "next":
        foreign.append("early")
    if foreign:
        raise No("invalid-value", foreign[0])
    needed = {"surplus": ("share_percent",), "revenue": ("share_percent", "multiple")}.get(kind, ())
    for name in needed:
        if w[name] is None:
            raise No("invalid-value", name)
    if w["late_fee"] is not None and w["late_fee_percent"] is not None:
        raise No("invalid-value", "late_fee_percent")
    if w["late_fee_days"] is not None and w["late_fee"] is None and w["late_fee_percent"] is None:
        raise No("invalid-value", "late_fee_days")


def _terms(w: Work) -> dict[str, Any]:
    said = {name: w[name] if w[name] is not None else otherwise for name, otherwise in STATED[w["repayment"]].items()}
    if w["loss_carry_forward"] is not None:
        said["loss_carry_forward"] = w["loss_carry_forward"] == "yes"
    return {name: value for name, value in said.items() if value is not None}


def _require_limits(body: Fact) -> None:
    terms = body["terms"]
    if body["least"] is not None and body["most"] is not None and body["least"] > body["most"]:
        raise No("invalid-amount", "most")
    if body["most_rate"] is not None and Fraction(terms.get("annual_rate", "0")) > Fraction(body["most_rate"]):
        raise No("invalid-value", "annual_rate")
    if body["most_installments"] is not None and terms.get("installments", 1) > body["most_installments"]:
        raise No("invalid-value", "installments")


def _sample(body: Fact) -> dict[str, Any]:
    rows = body["most_installments"] or max(12, 1 + body["terms"].get("principal_grace", 0))
    return {"annual_rate": body["most_rate"] or "0", "installments": rows, **body["terms"]}


def _require_drawable(w: Work, body: Fact) -> None:
    if body["repayment"] in REPORTED:
        if not 1 <= Fraction(body["terms"].get("multiple", "1")) <= 100:
            raise No("invalid-value", "multiple")
    else:
        require_terms(_sample(body), w.business_day)


def _require_small_fee(w: Work, body: Fact) -> None:
    """At most 5 percent of the late payment; an amount is measured by the smallest payment of the smallest loan."""
    if w["late_fee_percent"] is not None and Fraction(w["late_fee_percent"]) > 5:
        raise No("invalid-value", "late_fee_percent")
    if w["late_fee"] is None:
        return
    if body["least"] is None or body["repayment"] == "line":
        raise No("invalid-value", "late_fee")
    rows = bills(first_plan(_sample(body), w.business_day, body["least"]))
    smallest = min((principal + interest for _due, principal, interest in rows if principal + interest), default=0)
    if w["late_fee"] > smallest * 5 // 100:
        raise No("invalid-amount", "late_fee")


@rule("withdraw-product", "product:product why:memo?=", OFFERING, reversible=False)
def withdraw_product(w: Work) -> None:
    before = w.model.get("product", w["product"], "product")
    if before["state"] != "offered":
        raise No("wrong-state", "product")
    w.write("product", w["product"], before, state="withdrawn")
