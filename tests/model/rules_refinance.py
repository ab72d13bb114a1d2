"""A new loan pays an old one off: no cash moves but the claims of the funds."""

from __future__ import annotations

from tests.model.books import No, Work, rule
from tests.model.reports import Reported
from tests.model.rules_counter import alive
from tests.model.rules_loans import (
    CARE,
    cash_of,
    lines_of,
    naming,
    now,
    owed_loan,
    paid,
    post,
    rate_of,
    reckoned,
    require_in_time,
    shared,
    with_fact,
)
from tests.model.rules_papers import free_if_paid, require_programmes


def _both(w: Work) -> set[str]:
    found = (w.model.find("loan", w[name]) for name in ("loan", "new_loan"))
    return {loan["member"] for loan in found if loan is not None}


@rule("refinance-loan", "loan:code new_loan:code", CARE, serves=_both)
def refinance_loan(w: Work) -> None:
    old, new = owed_loan(w, active_only=True), w.model.get("loan", w["new_loan"], "new_loan")
    story = now(w, old)
    payoff = story.payoff if isinstance(story, Reported) else story.owed
    alive(w, new["member"], "new_loan")
    if old["member"] != new["member"] or w["loan"] == w["new_loan"]:
        raise No("invalid-value", "new_loan")
    if new["state"] not in ("granted", "active"):
        raise No("wrong-state", "new_loan")
    if new["by"] == w.who:
        raise No("not-allowed", "new_loan")
    if not payoff:
        raise No("wrong-state", "loan")
    if payoff > now(w, new).committed - w.model.held("line", w["new_loan"]):
        raise No("overdrawn", "new_loan")
    require_in_time(w, new, "new_loan")
    require_programmes(w, {**new, "rate": rate_of(new)}, payoff, "new_loan", repays=w["loan"])
    with naming("new_loan"):
        lent, out, _story = reckoned(with_fact(new, "advance", w.business_day, amount=payoff))
    repaid, back = paid(w, old, payoff, w.business_day, "next")
    cash = cash_of(back)
    for fund, amount in cash_of(out).items():
        cash[fund] = cash.get(fund, 0) + amount
    claims = shared(None, {fund: amount for fund, amount in cash.items() if amount})
    post(w, *lines_of(w["loan"], old["member"], back), *lines_of(w["new_loan"], new["member"], out), *claims)
    w.write("loan", w["loan"], repaid, replaced_by=w["new_loan"])
    free_if_paid(w, w["loan"], repaid)
    w.write("loan", w["new_loan"], lent)
