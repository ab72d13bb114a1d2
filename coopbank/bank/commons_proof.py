"""What verify proves of land, donated work, grants, dues and pairs: registers say what the books carry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from coopbank.bank import records
from coopbank.bank.replayed import Registers
from coopbank.database import Transaction
from coopbank.ledger.columns import Run
from coopbank.ledger.log import Finding, Log, Operation
from coopbank.money import format_amount, round_minor

Leaf = tuple[str, str, str]
"""Fund, control account and contract."""


def land_faults(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
    """Each parcel that the books bought stands at its cost, until it goes; no parcel's account without it."""
    told: dict[Leaf, int] = defaultdict(int)
    gone = dict(state.latest("parcel-disposal"))
    for ref, body in state.latest("register-entry"):
        if ref.startswith("PARCELS-") and body.get("fixed") and body.get("state", "open") != "mistaken":
            values = body["values"]
            cost = values["price"] + values.get("closing_costs", 0)
            if ref in gone and (gone[ref]["fund"], gone[ref]["parcel"], gone[ref]["cost"]) != (
                values["fund"], values["parcel"], cost,
            ):  # fmt: skip
                yield Finding(
                    "land", f"{ref} went as another parcel than was bought", state.made_by["parcel-disposal", ref]
                )
            told[values["fund"], "771", values["parcel"]] += 0 if ref in gone else cost
    yield from _differing("land", state, log, told, ("771", "P-"))
    for ref, body in state.latest("donated-work"):
        if body["amount"] != round_minor(Fraction(body["hours"]) * body["hourly"]):
            yield Finding("land", f"{ref} is not {body['hours']} hours at {format_amount(body['hourly'])}",
                          state.made_by["donated-work", ref])  # fmt: skip


class BuildingProof:
    """Watches what moves a building's account: donated work as its register says, and nothing else once it stands.

    What a building cost before it was ours to improve came in by an opening, or by a journal entry of the first kind.
    """

    _BROUGHT = ("opening-balance", "journal-entry", "reverse", "correct")

    def __init__(self) -> None:
        self._leaves: dict[int, Leaf] = {}  # few: a line on any other account costs one look
        self._gone: dict[str, dict[str, int]] = {}  # buildings that went with a parcel, by its number

    def watch(self, log: Log, operation: Operation) -> None:
        """Lines on 772/B-* against the donated work that the operation wrote."""
        for row in operation.rows:
            if row[0] == "account" and row[2] == "772" and row[4].startswith("B-"):
                self._leaves[row[1]] = row[3], row[2], row[4]
        booked: dict[Leaf, int] = defaultdict(int)
        for _id, _day, _memo, _reverses, lines in operation.entries if self._leaves else ():
            for account, amount in lines:
                if account in self._leaves:
                    booked[self._leaves[account]] += amount
        told = self._told(operation)
        for leaf_ in sorted(booked.keys() | told.keys()):
            free = operation.kind in self._BROUGHT and leaf_ not in told
            if not free and booked.get(leaf_, 0) != told.get(leaf_, 0):
                log.add("land", f"772/{leaf_[2]} in fund {leaf_[0]} moved by {format_amount(booked.get(leaf_, 0))}, the"
                        f" register says {format_amount(told.get(leaf_, 0))}", operation.number)  # fmt: skip

    def _told(self, operation: Operation) -> dict[Leaf, int]:
        """What the registers say that the operation moved on each building's account."""
        told: dict[Leaf, int] = defaultdict(int)
        for row in operation.rows:
            if row[0] == "record" and row[1] == records.DonatedWork.kind:
                body = row[5]
                told[body["fund"], "772", body["building"]] += -body["amount"] if body.get("void") else body["amount"]
            elif row[0] == "record" and row[1] == records.ParcelDisposal.kind:
                standing = {} if row[5].get("void") else row[5]["buildings"]
                for went, sign in ((self._gone.get(row[2], {}), 1), (standing, -1)):
                    for building, amount in went.items():  # taken back, a version tells again what an older one did
                        told[row[5]["fund"], "772", building] += sign * amount
                self._gone[row[2]] = standing
        return told

    def watch_plain(self, log: Log, run: Run) -> None:
        """The same of operations that wrote no register."""
        for operation in () if self._leaves.keys().isdisjoint(run.sums) else run:
            self.watch(log, operation)


class PairProof:
    """Watches pairs between institutions: a confirmation says what was typed, and changes nothing else."""

    _THEIRS = ("their_operation", "their_head")

    def __init__(self) -> None:
        self._pairs: dict[str, dict[str, Any]] = {}

    def watch(self, state: Registers, log: Log, operation: Operation) -> None:
        """Each version of a pair against the one before it."""
        for row in operation.rows:
            if row[0] != "record" or row[1] != records.Pair.kind:
                continue
            ref, body = row[2], records.Pair.model_validate(row[5]).model_dump()
            before = self._pairs.get(ref)
            self._pairs[ref] = body
            for fault in self._faults(state, operation, ref, before, body):
                log.add("institutions", f"pair {ref}: {fault}", operation.number)

    def _faults(
        self, state: Registers, operation: Operation, ref: str, before: dict[str, Any] | None, body: dict[str, Any]
    ) -> Iterator[str]:  # fmt: skip
        theirs = {name: body[name] for name in self._THEIRS}
        if operation.kind == "confirm-pair":
            said = {name: operation.request.get(name) for name in ("pair", *self._THEIRS)}
            if said != {"pair": ref, **theirs}:
                yield "what was confirmed is not what was typed"
            if before is None or {**before, **theirs} != body:
                yield "its confirmation changed what it says"
            amount = format_amount(body["amount"], state.records["institution", "book"]["currency"])
            if operation.request.get("their_amount") != amount:
                yield "another amount was confirmed than it says"
            if operation.entries:
                yield "its confirmation moved money"
        elif any(value != (None if before is None else before[name]) for name, value in theirs.items()):
            yield f"{operation.kind} changed what was confirmed"


def dues_faults(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
    """What is open of each bill of dues is what its account holds."""
    told: dict[Leaf, int] = {
        ("GEN", "791", ref): body["amount"] - body.get("paid", 0) for ref, body in state.latest("dues")
    }
    yield from _differing("dues", state, log, told, ("791", "DU-"))


def grant_faults(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
    """What is neither earned nor returned of each grant is what its account owes."""
    told = {
        (body["fund"], "862", ref): body.get("earned", 0) + body.get("returned", 0) - body["amount"]
        for ref, body in state.latest("grant")
    }
    for fault in _differing("grants", state, log, told, ("862", "")):
        if any(f"/{ref} " in fault.message for _fund, _code, ref in told):  # what an opening brought has no record
            yield fault


def _differing(
    check: str, state: Registers, log: Log, told: dict[Leaf, int], own: tuple[str, str]
) -> Iterator[Finding]:
    held = {
        (leaf.fund, leaf.gl_code, leaf.contract): state.balances.get(account, 0)
        for account, leaf in log.leaves.items()
        if leaf.gl_code == own[0] and leaf.contract.startswith(own[1])
    }
    for leaf in sorted(told.keys() | held.keys()):
        if told.get(leaf, 0) != held.get(leaf, 0):
            yield Finding(check, f"{leaf[1]}/{leaf[2]} in fund {leaf[0]} holds {format_amount(held.get(leaf, 0))}, the"
                          f" register says {format_amount(told.get(leaf, 0))}")  # fmt: skip


def pair_faults(state: Registers, log: Log, _tx: Transaction) -> Iterator[Finding]:
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
