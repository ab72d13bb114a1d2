"""What verify proves of land, donated work and dues: what their registers say is what the books carry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from coopbank.ledger.log import Finding, Log
from coopbank.money import format_amount, round_minor

Leaf = tuple[str, str, str]
"""Fund, control account and contract."""


def land_faults(state: Any, log: Log, _tx: Any) -> Iterator[Finding]:
    """Each parcel that the books bought stands at its cost; no parcel's account without it."""
    told: dict[Leaf, int] = defaultdict(int)
    for ref, body in state.latest("register-entry"):
        if ref.startswith("PARCELS-") and body.get("fixed") and body.get("state", "open") != "mistaken":
            values = body["values"]
            told[values["fund"], "771", values["parcel"]] += values["price"] + values.get("closing_costs", 0)
    yield from _differing("land", state, log, told, ("771", "P-"))
    for ref, body in state.latest("donated-work"):
        if body["amount"] != round_minor(Fraction(body["hours"]) * body["hourly"]):
            yield Finding("land", f"{ref} is not {body['hours']} hours at {format_amount(body['hourly'])}",
                          state.made_by["donated-work", ref])  # fmt: skip


def dues_faults(state: Any, log: Log, _tx: Any) -> Iterator[Finding]:
    """What is open of each bill of dues is what its account holds."""
    told: dict[Leaf, int] = {
        ("GEN", "791", ref): body["amount"] - body.get("paid", 0) for ref, body in state.latest("dues")
    }
    yield from _differing("dues", state, log, told, ("791", "DU-"))


def _differing(check: str, state: Any, log: Log, told: dict[Leaf, int], own: tuple[str, str]) -> Iterator[Finding]:
    held = {
        (leaf.fund, leaf.gl_code, leaf.contract): state.balances.get(account, 0)
        for account, leaf in log.leaves.items()
        if leaf.gl_code == own[0] and leaf.contract.startswith(own[1])
    }
    for leaf in sorted(told.keys() | held.keys()):
        if told.get(leaf, 0) != held.get(leaf, 0):
            yield Finding(check, f"{leaf[1]}/{leaf[2]} in fund {leaf[0]} holds {format_amount(held.get(leaf, 0))}, the"
                          f" register says {format_amount(told.get(leaf, 0))}")  # fmt: skip


def pair_faults(state: Any, log: Log, _tx: Any) -> Iterator[Finding]:
    """What is open of the pairs with each institution is what the accounts between them hold."""
    for gl_code, side, sign in (("892", "owes", -1), ("792", "is owed", 1)):
        told: dict[Leaf, int] = defaultdict(int)
        for _ref, body in state.latest("pair"):
            if body["side"] == side:
                told[body["fund"], gl_code, body["institution"]] += sign * (body["amount"] - body.get("settled", 0))
        partners = {ref for ref, _body in state.latest("partner")}
        for fault in _differing("institutions", state, log, told, (gl_code, "")):
            if any(f"/{partner} " in fault.message for partner in partners):
                yield fault
