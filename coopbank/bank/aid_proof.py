"""What verify proves of the solidarity fund: a case is what its entries gave, within the caps, decided by two others.

Whom a case was for is kept apart, so that a recipient's cap for a year and who decided can be told only of what is
neither forgotten nor encrypted to whoever verifies.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from coopbank.bank import records
from coopbank.bank.books import LOCKED, opened
from coopbank.bank.operations.solidarity import CASE_CAP, YEAR_CAP, same_name
from coopbank.bank.replayed import Registers
from coopbank.database import Transaction
from coopbank.ledger.log import Finding, Log, Operation
from coopbank.money import format_amount, parse_amount

if TYPE_CHECKING:
    from coopbank.bank.keyring import Keyring

_AID = "366"
_MOVING = ("give-aid", "return-aid", "return-cheque", "reverse")


class _Change(NamedTuple):
    """What was left of a case after an operation; `cap` is that of a recipient's year, where it was given then."""

    operation: int
    ref: str
    left: int
    cap: int | None


class AidProof:
    """Watches the log pass, and asks at its end whom the cases were for."""

    def __init__(self, keys: Keyring | None = None) -> None:
        self._keys = keys
        self._changes: list[_Change] = []
        self._whose: dict[str, tuple[str, str, str | None]] = {}  # of each case: year, digests of name and member
        self._left: dict[str, int] = {}  # of each case: given less returned, minor units
        self._deciders: list[tuple[int, str, frozenset[str]]] = []  # operation, recipient's digest, whom it may not be

    def watch(self, state: Registers, log: Log, operation: Operation) -> None:
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
        gives = operation.kind == "give-aid"
        cap = self._cap(state, "solidarity_year", YEAR_CAP) if gives else None
        for ref, body in written:
            self._changes.append(_Change(operation.number, ref, self._left.get(ref, 0), cap))
            member = body.get("recipient_member")
            self._whose[ref] = (body["given_on"][:4], body["recipient"]["#"], None if member is None else member["#"])
            if gives and body["amount"] > (most := self._cap(state, "solidarity_case", CASE_CAP)):
                log.add("solidarity", f"{ref} was given {format_amount(body['amount'])}; a case is helped with at most"
                        f" {format_amount(most)}", operation.number)  # fmt: skip
        if gives:
            self._note_deciders(state, operation, written)

    @staticmethod
    def _cap(state: Registers, policy: str, default: str) -> int:
        value = state.records.get(("policy", policy), {}).get("value", default)
        return parse_amount(str(value), state.records["institution", "book"]["currency"])

    def _moved(self, ref: str, body: dict[str, Any]) -> int:
        before = self._left.get(ref, 0)
        after = 0 if body.get("void") else body["amount"] - body.get("returned", 0)
        self._left[ref] = after
        return int(after - before)

    def _note_deciders(self, state: Registers, operation: Operation, written: list[tuple[str, dict[str, Any]]]) -> None:
        theirs: set[str] = set()
        for person in filter(None, (operation.actor, operation.approver)):
            user = state.records.get(("user", person), {})
            theirs |= {user.get("member"), *user.get("relatives", ())} - {None}
        for _ref, body in written:
            member = body.get("recipient_member")
            if member is not None and theirs:
                self._deciders.append((operation.number, member["#"], frozenset(theirs)))

    def faults(self, _state: Registers, _log: Log, tx: Transaction) -> Iterator[Finding]:
        """Cases that were decided by the recipient or by kin, as far as it can still be read who that was."""
        for number, digest, theirs in self._deciders:
            value = tx.value("SELECT value FROM personal WHERE digest = ?", digest)
            if value in theirs:
                yield Finding("solidarity", f"{value} or a relative decided about aid to {value}", number)
        yield from self._beyond_the_year(tx)

    def _beyond_the_year(self, tx: Transaction) -> Iterator[Finding]:
        """Cases that brought a recipient beyond the cap of a calendar year, as far as it can be read who that was."""
        left: dict[str, int] = {}
        by: dict[tuple[str, str], set[str]] = defaultdict(set)  # year, and name or number: cases
        people = {ref: self._recipient(tx, ref) for ref in self._whose}
        for change in self._changes:
            year, name, member = people[change.ref]
            earlier = {each for each in by[year, name] if not (member and people[each][2])} if name else set()
            earlier |= by[year, member] if member else set()
            left[change.ref] = change.left
            had = sum(left[each] for each in earlier - {change.ref})
            if change.cap is not None and (name or member) and had + change.left > change.cap:
                yield Finding("solidarity", f"with {change.ref} its recipient was given"
                              f" {format_amount(had + change.left)} in {year}, more than {format_amount(change.cap)}",
                              change.operation)  # fmt: skip
            for key in filter(None, (name, member)):
                by[year, key].add(change.ref)

    def _recipient(self, tx: Transaction, ref: str) -> tuple[str, str, str]:
        """The year of a case, and the name and number of its recipient as they are compared; empty where unknown."""
        year, name, member = self._whose[ref]
        return year, same_name(self._value(tx, name)), "" if member is None else self._value(tx, member)

    def _value(self, tx: Transaction, digest: str) -> str:
        row = tx.row("SELECT salt, value FROM personal WHERE digest = ? AND value IS NOT NULL", digest)
        if row is None:
            return ""
        _salt, value = opened(self._keys, row[0], str(row[1]))
        return "" if value == LOCKED else value
