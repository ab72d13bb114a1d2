"""Peers that own a part of a loan: their money comes in before it is lent, and goes out when borrowers repay (E15)."""

from __future__ import annotations

from fractions import Fraction

from tests.model.books import TREASURER, No, Work, rule
from tests.model.rules_counter import RECEIVING, place_of
from tests.model.rules_loans import CARE, borrower, now, post, rate_of, received, shared
from tests.model.story import by_fund


@rule("sell-participation", RECEIVING.replace("=cash", "=transfer") + "loan:code peer:code share_percent:percent"
      " servicing_rate:rate?=0 agreement:somememo", CARE, second=True, serves=borrower)  # fmt: skip
def sell_participation(w: Work) -> None:
    loan = w.model.get("loan", w["loan"], "loan")
    if loan["state"] != "granted" or loan.get("peers"):
        raise No("wrong-state", "loan")
    share = Fraction(w["share_percent"]) / 100
    if share >= 1 or len(loan["funds"]) > 1 or loan["reported"]:
        raise No("invalid-value", "share_percent")
    rate, fee = Fraction(rate_of(loan)), Fraction(w["servicing_rate"])
    if fee > rate or (fee and not rate):
        raise No("invalid-value", "servicing_rate")
    [fund] = loan["funds"]
    owners = {"funds": {fund: int((1 - share) * 10**8)}, "peers": {w["peer"]: int(share * 10**8)},
              "servicing": fee / rate if fee else Fraction(0)}  # fmt: skip
    part = lent_by(w["peer"], {**loan, **owners}, loan["agreed"])
    if not 0 < part < loan["agreed"]:
        raise No("invalid-value", "share_percent")
    post(w, *received(w, None, {fund: part}), (fund, f"831/{w['peer']}", -part))
    w.write("loan", w["loan"], {**loan, **owners})


def lent_by(peer: str, loan: dict[str, object], amount: int) -> int:
    """A peer's part of what is lent."""
    return sum(flows.get("lent", 0) for name, flows in by_fund({"lent": amount}, loan).items()
               if name.partition("@")[2] == peer)  # fmt: skip


@rule("remit-participation", "tender:transfer?=transfer bank_account:code? cheque_number:text? peer:code"
      " fund:code?=RLF", TREASURER)  # fmt: skip
def remit_participation(w: Work) -> None:
    fund, peer = w["fund"], w["peer"]
    owed = -w.balance(fund, f"831/{peer}")
    for _ref, loan in w.model.every("loan"):
        if loan["state"] in ("granted", "active") and fund in loan["funds"] and peer in loan.get("peers", {}):
            story = now(w, loan)
            owed -= lent_by(peer, loan, story.lent + story.committed) - lent_by(peer, loan, story.lent)
    if owed <= 0:
        raise No("overdrawn", "peer")
    post(w, (fund, f"831/{peer}", owed), *shared(place_of(w, receiving=False), {fund: -owed}))
