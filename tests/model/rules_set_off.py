"""What is payable to a member pays what is overdue of their loan, where a bylaw and the loan's product say so."""

from __future__ import annotations

from tests.model.books import GEN, Fact, No, Work, rule
from tests.model.rules_counter import alive
from tests.model.rules_loans import (
    CARE,
    borrower,
    cash_of,
    given_back,
    keep,
    lines_of,
    now,
    owed_loan,
    paid,
    post,
    shared,
    standing,
)


@rule("set-off", "loan:code payable:821|823|825 amount:money?", CARE, second=True, serves=borrower)
def set_off(w: Work) -> None:
    loan = owed_loan(w)
    if loan["reported"] or not w.model.policy("set_off") or not loan["set_off"]:
        raise No("not-offered", "loan")
    alive(w, loan["member"], "loan")
    leaf = f"{w['payable']}/{loan['member']}"
    amount = _amount(w, loan, -w.balance(GEN, leaf))
    if w["payable"] == "825":
        _settle(w, loan["member"], amount)
    after, moved = paid(w, loan, amount, w.business_day)
    cash = cash_of(moved)
    cash[GEN] = cash.get(GEN, 0) - amount
    refill, borne = given_back(w, after, moved)
    post(w, (GEN, leaf, amount), *lines_of(w["loan"], loan["member"], moved),
         *shared(None, {fund: part for fund, part in cash.items() if part}), *refill)  # fmt: skip
    keep(w, loan, {**after, "borne": borne})
    ref = w.model.next_ref("set-off", "SO-", 4)
    w.created.append(ref)
    w.write("set-off", ref, loan=w["loan"], amount=amount)


def _amount(w: Work, loan: Fact, held: int) -> int:
    """No more than is late, and than is there."""
    due = now(w, loan).due(w.business_day)
    overdue = due.total if due.since is not None and due.since < w.business_day else 0
    if not overdue:
        raise No("wrong-state", "loan")
    amount = min(overdue, held) if w["amount"] is None else w["amount"]
    if amount > overdue:
        raise No("invalid-amount", "amount")
    if not held or amount > held:
        raise No("overdrawn", "payable" if w["amount"] is None else "amount")
    return int(amount)


def _settle(w: Work, member: str, amount: int) -> None:
    """Redemptions are paid whole, the earliest first, and none before its day."""
    waiting = [(each["payable_on"], len(ref), ref, each) for ref, each in w.model.every("redemption")
               if each["member"] == member and each["state"] == "waiting"]  # fmt: skip
    total = 0
    for payable_on, _length, ref, each in sorted(waiting, key=lambda row: row[:3]):
        if total >= amount:
            break
        if w.business_day < payable_on:
            raise No("wrong-state", "payable")
        total += each["amount"]
        w.write("redemption", ref, each, state="paid", paid_on=w.business_day)
    if waiting and total != amount:
        raise No("invalid-amount", "amount")


def require_share_kept(w: Work, member: str, share_class: str, left: int, par: int) -> None:
    """Who is late with a loan of such a product keeps one membership share."""
    if share_class != "901" or left >= par:
        return
    for _ref, loan in w.model.every("loan"):
        if (loan["member"], loan["state"]) == (member, "active") and loan["keeps_share"] and not loan["reported"]:
            due = standing(loan, w.business_day).due(w.business_day)
            if due.total and due.since is not None and due.since < w.business_day:
                raise No("wrong-state", "amount")
