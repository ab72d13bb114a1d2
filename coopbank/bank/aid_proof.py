"""What verify proves of the solidarity fund: every case is what its entries gave, and two others decided it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from coopbank.bank import records
from coopbank.database import Transaction
from coopbank.ledger.log import Finding, Log, Operation
from coopbank.money import format_amount

_AID = "366"
_MOVING = ("give-aid", "return-aid", "return-cheque", "reverse")


class AidProof:
    """Watches the log pass, and asks at its end whom the cases were for."""

    def __init__(self) -> None:
        self._left: dict[str, int] = {}  # of each case: given less returned, minor units
        self._deciders: list[tuple[int, str, frozenset[str]]] = []  # operation, recipient's digest, whom it may not be

    def watch(self, state: Any, log: Log, operation: Operation) -> None:
        """What a case says was given or came back is what the operation posted to 366."""
        written = [(row[2], row[5]) for row in operation.rows if row[0] == "record" and row[1] == records.AidCase.kind]
        if not written:
            return
        told = sum(self._moved(ref, body) for ref, body in written)
        booked = sum(
            amount
            for _id, _day, _memo, _reverses, lines in operation.entries
            for account, amount in lines
            if (leaf := log.leaves.get(account)) is not None and leaf.gl_code == _AID
        )
        if told != (booked if operation.kind in _MOVING else 0):
            log.add("solidarity", f"its cases come to {format_amount(told)}, its entries on {_AID} to"
                    f" {format_amount(booked)}", operation.number)  # fmt: skip
        if operation.kind == "give-aid":
            self._note_deciders(state, operation, written)

    def _moved(self, ref: str, body: dict[str, Any]) -> int:
        before = self._left.get(ref, 0)
        after = 0 if body.get("void") else body["amount"] - body.get("returned", 0)
        self._left[ref] = after
        return int(after - before)

    def _note_deciders(self, state: Any, operation: Operation, written: list[tuple[str, dict[str, Any]]]) -> None:
        theirs: set[str] = set()
        for person in filter(None, (operation.actor, operation.approver)):
            user = state.records.get(("user", person), {})
            theirs |= {user.get("member"), *user.get("relatives", ())} - {None}
        for _ref, body in written:
            member = body.get("recipient_member")
            if member is not None and theirs:
                self._deciders.append((operation.number, member["#"], frozenset(theirs)))

    def faults(self, _state: Any, _log: Log, tx: Transaction) -> Iterator[Finding]:
        """Cases that were decided by the recipient or by kin, as far as it can still be read who that was."""
        for number, digest, theirs in self._deciders:
            value = tx.value("SELECT value FROM personal WHERE digest = ?", digest)
            if value in theirs:
                yield Finding("solidarity", f"{value} or a relative decided about aid to {value}", number)
