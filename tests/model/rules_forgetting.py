"""What is known of people is erased in time: members who left, cases that were helped, requests that came to nothing.

What becomes of the values themselves tests/bank/test_forgetting.py looks at; here is who may be forgotten, and when.
"""

from __future__ import annotations

from datetime import date

from tests.model.books import ADMIN, FOUNDED, TREASURER, Fact, Model, No, Work, days, members_of, rule
from tests.model.rules_funds import WHOLE_POLICIES
from tests.model.rules_given import _of_case
from tests.model.rules_silent import later, number

NAMES = {
    "add-user": ("full_name",), "receive-gift": ("donor",), "issue-note": ("lender",), "receive-grant": ("funder",),
    "give-aid": ("recipient", "recipient_member", "need", "criteria", "relation", "biller"),
    "file-aid-receipt": ("receipt",), "opening-balance": ("lender",), "pay-estate": ("estate_name", "papers"),
    "admit-member": ("member_name", "phone"), "change-member": ("phone",), "record-death": ("evidence",),
    "add-joint-owner": ("person_name",), "lost-contact": ("how",), "found-again": ("how",),
    "receive-unknown": ("statement",), "disburse-loan": ("paid_to",),
}  # fmt: skip
"""What operations ask about people, and is kept where it can be erased."""

WHOLE_POLICIES.add("retention_years")
FOUNDED.append(lambda model: model.put(0, "policy", "retention_years", {"value": 5}))


def kept_long_enough(w: Work, since: date, field: str) -> None:
    if w.business_day < later(since, 12 * number(w, "retention_years", 5)) and not w["before_time"]:
        raise No("wrong-state", field)


@rule("forget-member", "member:code before_time:yes?=no", ADMIN, second=True, reversible=False)
def forget_member(w: Work) -> None:
    ref = w["member"]
    body = w.model.get("member", ref, "member")
    if body.get("forgotten") or body["status"] != "left":
        raise No("wrong-state", "member")
    left: date | None = None
    for at, then in w.model.facts["member", ref]:
        gone = then is not None and then["status"] == "left"
        left = (left or w.model.log[at].day) if gone else None
    assert left is not None
    kept_long_enough(w, left, "member")
    if _goes_on(w, ref):
        raise No("wrong-state", "member")
    w.write("member", ref, body, forgotten=True)
    for case, told in w.model.every("aid-case"):
        if told["member"] == ref:
            w.written.append(("aid-case", case, {**told, "member": None, "name": None}))


def _goes_on(w: Work, ref: str) -> bool:
    """Whether anything of them does: money, debts, what waits, and where they stand beside others."""
    model = w.model
    held = any(n and members_of([leaf], model) == {ref} for leaf, n in model.leaves.items())
    debts = any(
        loan["member"] == ref and loan["state"] not in ("paid", "cancelled") for _r, loan in model.every("loan")
    )
    asked = any(body["member"] == ref and body["state"] == "open" for _r, body in model.every("application"))
    notes = any(note["member"] == ref and (note["owed"] or note["accrued"]) for _r, note in model.every("note"))
    staff = any(body["member"] == ref and body["active"] for _r, body in model.every("user"))
    waits = any(body["state"] == "waiting" and ref in body["values"].values() and body["operation"] != "forget-member"
                for _r, body in model.every("request"))  # fmt: skip
    beside = any(body["person"] == ref and body["state"] == "active" for _r, body in model.every("joint-owner"))
    return held or debts or asked or notes or staff or waits or beside


@rule("forget-case", "case:code before_time:yes?=no", f"{TREASURER} {ADMIN}", second=True, reversible=False,
      serves=_of_case)  # fmt: skip
def forget_case(w: Work) -> None:
    case = w.model.get("aid-case", w["case"], "case")
    if case.get("forgotten"):
        raise No("wrong-state", "case")
    kept_long_enough(w, case["on"], "case")
    w.write("aid-case", w["case"], case, member=None, name=None, forgotten=True)


def _asked_about(w: Work) -> set[str]:
    found = w.model.find("request", w["request"])
    named = () if found is None else NAMES.get(found["operation"], ())
    values = {} if found is None else found["values"]
    return {value for name, value in values.items() if isinstance(value, str) and name not in named}


@rule("forget-request", "request:code before_time:yes?=no", f"{TREASURER} {ADMIN}", second=True, reversible=False,
      serves=_asked_about)  # fmt: skip
def forget_request(w: Work) -> None:
    asked = w.model.get("request", w["request"], "request")
    if asked["state"] not in ("refused", "withdrawn") or w.model.find("forgotten", w["request"]):
        raise No("wrong-state", "request")
    if not any(asked["values"].get(name) for name in NAMES.get(asked["operation"], ())):
        raise No("wrong-state", "request")
    decided = w.model.facts["request", w["request"]][-1][0]
    kept_long_enough(w, w.model.log[decided].day, "request")
    w.write("forgotten", w["request"], on=w.business_day)


# ------------------------------------------------------------------------- a colleague who cannot sign in


@rule("reset-sign-in", "user:code passphrase:yes?=yes codes:yes?=no why:memo?", ADMIN, second=True, reversible=False)
def reset_sign_in(w: Work) -> None:
    """Nobody here has one-time codes, or sets the passphrase that is agreed on."""
    w.model.get("user", w["user"], "user")
    if w["user"] == w.who:
        raise No("not-allowed", "user")
    if not w["passphrase"] and not w["codes"]:
        raise No("invalid-value", "passphrase")
    if w["codes"]:
        raise No("invalid-value", "codes")
    known: Fact | None = w.model.find("sign-in-reset", w["user"])
    if known is not None and known["until"] >= w.business_day:
        raise No("wrong-state", "user")
    if w.approver is None and _waits(w.model, w["user"]):
        raise No("wrong-state", "user")
    w.write("sign-in-reset", w["user"], until=w.business_day + days(7))


def _waits(model: Model, user: str) -> bool:
    return any(body["state"] == "waiting" and body["operation"] == "reset-sign-in" and body["values"]["user"] == user
               and body["values"]["passphrase"] for _ref, body in model.every("request"))  # fmt: skip
