"""Land that goes out of the books: sold or given away as the members' assembly resolved on that very parcel.

It goes at what it cost, with the buildings that stand on it; what it brings more or less is gain or loss of its fund.
"""

from __future__ import annotations

from typing import Any

from tests.model.books import READ, TREASURER, Fact, Line, No, Work, rule
from tests.model.rules_counter import RECEIVING, receive
from tests.model.rules_votes import MATTERS

MATTERS["dispose-parcel"] = ("other",)


def _once(value: Any) -> Any:
    return None if any(READ["building"](each) is None for each in value) else list(value)


READ["buildings"] = _once


@rule("dispose-parcel", RECEIVING + "parcel:code price:counted?=0 buildings:buildings? resolution:sometext"
      " deed:sometext covenant_kept:yes?=no why:somememo", TREASURER, second=True,
      moves=lambda w: w["price"])  # fmt: skip
def dispose_parcel(w: Work) -> None:
    ref = w["parcel"]
    entry = w.model.get("register-entry", ref, "parcel")
    if not ref.startswith("PARCELS-") or not entry["fixed"]:
        raise No("invalid-value", "parcel")
    if w.model.find("disposal", ref) is not None:
        raise No("wrong-state", "parcel")
    values = entry["values"]
    _by_the_assembly(w)
    bound = any(body is not None and body["values"].get("covenant")
                for _number, body in w.model.facts["register-entry", ref])  # fmt: skip
    if bound and not w["covenant_kept"]:
        raise No("wrong-state", "covenant_kept")
    for lease, body in w.model.every("register-entry"):
        if lease.startswith("LEASES-") and body["state"] == "open" and body["values"]["parcel"] == ref:
            raise No("wrong-state", "parcel")
    fund, cost = values["fund"], values["price"] + values.get("closing_costs", 0)
    standing = _standing(w, fund)
    result = w["price"] - cost - sum(amount for _f, _c, amount in standing)
    money = receive(w, fund, w["price"]) if w["price"] else []
    w.post((fund, f"771/{values['parcel']}", -cost), *((f, code, -amount) for f, code, amount in standing), *money,
           (fund, "151" if result > 0 else "370", -result))  # fmt: skip
    w.write("register-entry", ref, entry, state="closed")
    w.write("disposal", ref, fund=fund, buildings=w["buildings"] or ())


def _by_the_assembly(w: Work) -> None:
    """What it names is a resolution of the assembly, on this parcel."""
    found: Fact | None = w.model.find("resolution", w["resolution"])
    body = None if found is None else w.model.find("body", found["of"])
    if found is None or body is None or body["form"] != "assembly" or found["about"] != w["parcel"]:
        raise No("needs-resolution", "resolution")


def _standing(w: Work, fund: str) -> list[Line]:
    """What the books carry of each building that goes with it."""
    found: list[Line] = []
    for building in w["buildings"] or ():
        line = (fund, f"772/{building}", w.balance(fund, f"772/{building}"))
        if line in found:
            raise No("invalid-value", "buildings")
        if not line[2]:
            raise No("overdrawn", "buildings")
        found.append(line)
    return found
